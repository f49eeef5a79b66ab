"""Why a weight is what it is: a query, a key and their product, channel by channel."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from ninelives.figures.arrays import as_finite, as_labels
from ninelives.figures.cells import (
    cell_number,
    cells_size,
    colour_bar,
    draw_cells,
    has_room_for_numbers,
    label_columns,
    label_rows,
    numbers,
)
from ninelives.figures.picture import Picture
from ninelives.figures.style import SIGNED_MAP, number_repeats, place_axes, put_note, put_title
from ninelives.figures.words import position_of

CHANNELS_SAID = 3


def why_this_weight(
    queries,
    keys,
    tokens: Sequence[str],
    query: int | str,
    key: int | str,
    columns: Sequence[str] | None = None,
    channels: Sequence[str] | None = None,
) -> Picture:
    """The query of one word, the key of another and the product of each channel; their sum ÷ √d is the score.

    `queries` (T, d) and `keys` (S, d) are those of one head, `tokens` and `columns` name their words, as in
    `read_row`. `channels` are d names; without them, channels are counted from 0. The weight that is said is the
    softmax over all keys, without a mask (Vaswani et al., "Attention Is All You Need", 2017, equation 1).

    Raises ValueError for numbers that are not finite, shapes and labels that do not fit, and words that are not there.
    """
    queries, keys = as_finite(queries, "queries", 2), as_finite(keys, "keys", 2)
    if queries.shape[1] != keys.shape[1]:
        raise ValueError(f"queries has shape {queries.shape} and keys {keys.shape}; both need the same channels, (T, d) and (S, d).")
    rows = as_labels(tokens, len(queries), "tokens", "rows of queries")
    columns = as_labels(rows if columns is None else columns, len(keys), "columns", "rows of keys")
    d = queries.shape[1]
    names = [str(c) for c in range(d)] if channels is None else as_labels(channels, d, "channels", "channels")
    i, j = position_of(rows, query), position_of(columns, key)
    table = np.stack([queries[i], keys[j], queries[i] * keys[j]])  # (3, d)
    scores = keys @ queries[i] / d**0.5  # (S,)
    weight = np.exp(scores[j] - scores.max()) / np.exp(scores - scores.max()).sum()
    one, other = number_repeats(rows)[i], number_repeats(columns)[j]
    title = f"Why {one} attends to {other} with {weight:.2f}"
    largest = np.argsort(-np.abs(table[2]), kind="stable")[:CHANNELS_SAID]
    sums = (f"The products add up to {cell_number(table[2].sum())}; divided by √{d} the score is {cell_number(scores[j])}, "
            f"of {len(scores)} scores from {cell_number(scores.min())} to {cell_number(scores.max())}.")
    said = ", ".join(f"{names[c]} {cell_number(table[2, c])}" for c in largest)
    alt = f"{title}: the query of {one}, the key of {other} and their product in {d} channels. Largest products: {said}. {sums}"

    def draw(figure: Figure) -> None:
        axes = place_axes(figure, 1, 1, *cells_size(table))
        top = float(np.abs(table).max()) or 1.0
        draw_cells(axes, table, SIGNED_MAP, -top, top, numbers(table) if has_room_for_numbers(table) else None)
        label_rows(axes, [f"query of {one}", f"key of {other}", "product"])
        label_columns(axes, names)
        if not has_room_for_numbers(table):
            colour_bar(axes)
        put_note(figure, sums)
        put_title(figure, title)

    return Picture(draw, f"{title}.", alt)

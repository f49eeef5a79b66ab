"""Why a weight is what it is: a query, a key and their product, channel by channel, and the softmax."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from ninelives.figures.arrays import as_array, as_finite, as_labels
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
from ninelives.figures.scoring import softmax
from ninelives.figures.style import SIGNED_MAP, number_repeats, place_axes, put_note, put_title
from ninelives.figures.words import position_of

CHANNELS_SAID = 3
TOO_SMALL = 103  # below the largest score: e to the power of what is further down is 0 in float32, masked or not


@dataclass(frozen=True)
class Why:
    """One weight: `table` (3, d) has the query, the key and their product; `scores` (S,) are those of the whole row."""

    query: str
    key: str
    channels: list[str]
    table: np.ndarray
    scale: float
    bias: float
    scores: np.ndarray
    allowed: np.ndarray
    column: int

    @property
    def weight(self) -> float:
        return float(softmax(self.scores, self.allowed)[self.column])

    def title(self) -> str:
        if not self.allowed[self.column]:
            return f"Why {self.query} does not attend to {self.key}"
        return f"Why {self.query} attends to {self.key} with {weight_in_words(self.weight)}"

    def sums(self) -> str:
        """From the products to the weight, in the browser's words."""
        products, score = short(self.table[2].sum()), short(self.scores[self.column])
        d = len(self.channels)
        if abs(self.scale * d**0.5 - 1) < 1e-3:
            divided = f"divided by √{d}"
        else:
            divided = "" if self.scale == 1 else f"times {short(self.scale)}"
        steps = ", ".join(filter(None, [divided, f"with {short(self.bias)} added" if self.bias else "", f"the score is {score}."]))
        said = f"The products add up to {products}; {steps}"
        seen = self.scores[self.allowed]
        if not self.allowed[self.column] and seen.max(initial=-np.inf) - self.scores[self.column] > TOO_SMALL:
            return f"{said} The largest score is {short(seen.max())}, so that the softmax gives 0 here in float32, whether the key is masked or not."
        if not self.allowed[self.column]:
            return f"{said} But this key is masked: its score becomes −∞ and its weight 0."
        masked = len(self.scores) - len(seen)
        among = f"{len(seen)} score{'s' if len(seen) != 1 else ''} from {short(seen.min())} to {short(seen.max())}"
        but = f" ({masked} masked)" if masked else ""
        return f"{said} The softmax over {among}{but} gives {weight_in_words(self.weight)}."

    def products(self) -> str:
        largest = [c for c in np.argsort(-np.abs(self.table[2]), kind="stable")[:CHANNELS_SAID] if self.table[2, c]]
        if not largest:
            return "All products are 0."
        names = [f"channel {name}" if name.isdigit() else name for name in self.channels]
        return f"Largest product{'s' if len(largest) > 1 else ''}: {', '.join(f'{short(self.table[2, c])} ({names[c]})' for c in largest)}."


def weight_in_words(weight: float) -> str:
    """With two decimals, or five where these would be 0.00."""
    if weight >= 0.005 or not weight:
        return f"{weight:.2f}"
    return f"{weight:.5f}" if weight >= 0.00001 else "less than 0.00001"


def short(value: float) -> str:
    """A number as in a cell; a sum that differs from a whole number by rounding is one."""
    return cell_number(round(float(value), 6))


def why_this_weight(
    queries,
    keys,
    tokens: Sequence[str],
    query: int | str,
    key: int | str,
    columns: Sequence[str] | None = None,
    channels: Sequence[str] | None = None,
    mask=None,
) -> Picture:
    """The query of one word, the key of another and the product of each channel; their sum ÷ √d is the score.

    `queries` (T, d) and `keys` (S, d) are those of one head, `tokens` and `columns` name their words, as in
    `read_row`. `channels` are d names; without them, channels are counted from 0. `mask` (S,) or (T, S) is True, or 1, where
    a key may be attended to. The weight that is said is the softmax over these keys, or over all keys without a mask
    (Vaswani et al., "Attention Is All You Need", 2017, equation 1).

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
    allowed = np.ones(len(keys), bool) if mask is None else as_array(mask, "mask") > 0
    if allowed.shape not in ((len(keys),), (len(queries), len(keys))):
        raise ValueError(f"mask has shape {allowed.shape}; pass (S,) or (T, S) = {(len(queries), len(keys))}.")
    table = np.stack([queries[i], keys[j], queries[i] * keys[j]])  # (3, d)
    scores = keys @ queries[i] / d**0.5  # (S,)
    return why_picture(Why(
        number_repeats(rows)[i], number_repeats(columns)[j], names, table, d**-0.5, 0.0, scores, allowed[i] if allowed.ndim == 2 else allowed, j,
    ))


def why_picture(why: Why) -> Picture:
    table, title = why.table, why.title()
    alt = f"{title}: the query of {why.query}, the key of {why.key} and their product in {len(why.channels)} channels. {why.products()} {why.sums()}"

    def draw(figure: Figure) -> None:
        axes = place_axes(figure, 1, 1, *cells_size(table))
        top = float(np.abs(table).max()) or 1.0
        draw_cells(axes, table, SIGNED_MAP, -top, top, numbers(table) if has_room_for_numbers(table) else None)
        label_rows(axes, [f"query of {why.query}", f"key of {why.key}", "product"])
        label_columns(axes, why.channels)
        if not has_room_for_numbers(table):
            colour_bar(axes)
        put_note(figure, why.sums())
        put_title(figure, title)

    return Picture(draw, f"{title}.", alt)

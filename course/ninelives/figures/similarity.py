"""Tables of vectors: the numbers themselves, and how alike the rows are."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from ninelives.figures.arrays import as_finite, as_labels
from ninelives.figures.cells import (
    block_note,
    colour_bar,
    draw_cells,
    has_room_for_numbers,
    label_columns,
    label_rows,
    numbers,
)
from ninelives.figures.picture import Picture
from ninelives.figures.style import (
    SIGNED_MAP,
    WIDTH,
    number_repeats,
    place_axes,
    put_note,
    put_title,
)


def position_similarity(
    table, *, caption: str, title: str = "How alike the positions are"
) -> Picture:
    """Cosine similarity of the rows of a table (block_size, n_embd), from −1 to 1.

    Raises ValueError for NaN and for a row of zeros, whose direction is undefined.
    """
    alike = _cosines(as_finite(table, "table", 2), "table")
    count = len(alike)
    positions = [str(i) for i in range(count)]

    def draw(figure: Figure) -> None:
        small = has_room_for_numbers(alike)
        side = 0.44 * count if small else min(4.4, max(3.0, 0.16 * count))
        axes = place_axes(figure, 1, 1, side, side * 0.8 if small else side)
        draw_cells(axes, alike, SIGNED_MAP, -1, 1, numbers(alike) if small else None)
        label_rows(axes, positions)
        label_columns(axes, positions)
        if not small:
            colour_bar(axes, "cosine similarity")
        put_note(figure, f"Cosine similarity of position (row) and position (column). "
                         f"{block_note(alike)}")
        put_title(figure, title)

    return Picture(draw, caption, f"{title}: {_describe_positions(alike)}")


def table_picture(
    table,
    rows: Sequence[str],
    *,
    title: str,
    caption: str,
    columns: Sequence[str] | None = None,
) -> Picture:
    """A table (rows, columns) of signed numbers: vectors of words, or a position table.

    Blue is positive, orange negative, white zero. `columns` are channel numbers when left out.
    Raises ValueError for NaN and for labels that do not fit.
    """
    table = as_finite(table, "table", 2)
    count, channels = table.shape
    names = number_repeats(as_labels(rows, count, "rows", "rows of table"))
    if columns is None:
        columns = [str(i) for i in range(channels)]
    columns = as_labels(columns, channels, "columns", "columns of table")

    def draw(figure: Figure) -> None:
        small = has_room_for_numbers(table)
        if small:
            width, height = 0.5 * channels, 0.34 * count
        else:
            width, height = min(WIDTH - 1.5, 0.28 * channels), min(4.4, 0.28 * count)
        axes = place_axes(figure, 1, 1, max(0.5, width), max(0.28, height))
        high = float(np.abs(table).max()) or 1.0
        draw_cells(axes, table, SIGNED_MAP, -high, high, numbers(table) if small else None)
        label_rows(axes, names)
        label_columns(axes, columns)
        if not small:
            colour_bar(axes)
        note = block_note(table)
        if note:
            put_note(figure, note)
        put_title(figure, title)

    return Picture(draw, caption, f"{title}: {_describe_table(table, names)}")


def _cosines(table: np.ndarray, name: str) -> np.ndarray:
    lengths = np.linalg.norm(table, axis=1, keepdims=True)
    if (lengths == 0).any():
        raise ValueError(
            f"Row {int(np.argmin(lengths))} of {name} is all zeros, so it has no direction "
            "to compare; leave it out."
        )
    unit = table / lengths  # (block_size, n_embd)
    cosines = np.clip(unit @ unit.T, -1, 1)
    np.fill_diagonal(cosines, 1)
    return cosines


def _describe_positions(alike: np.ndarray) -> str:
    count = len(alike)
    text = f"cosine similarity of {count} positions with one another, 1 on the diagonal."
    if count == 1:
        return text
    text += f" Neighbours have {np.diagonal(alike, 1).mean():.2f} on average"
    if count > 4:
        half = count // 2
        text += f", positions {half} apart {round(np.diagonal(alike, half).mean(), 2) + 0.0:.2f}"
    pair = _most_alike(alike)
    return f"{text}." if pair is None else f"{text}. The most alike are {pair[0]} and {pair[1]}, with {alike[pair]:.2f}."


def _describe_table(table: np.ndarray, names: list[str]) -> str:
    count, channels = table.shape
    text = f"{count} rows of {channels} numbers, from {table.min():.2f} to {table.max():.2f}."
    lengths = np.linalg.norm(table, axis=1)
    if count == 1:
        return f"{text} The row {names[0]} has length {lengths[0]:.2f}."
    longest, shortest = lengths.argmax(), lengths.argmin()
    if np.isclose(lengths[longest], lengths[shortest], rtol=1e-3):
        text += f" All rows have length {lengths[longest]:.2f}."
    else:
        text += (f" The longest row is {names[longest]} (length {lengths[longest]:.2f}), the shortest "
                 f"{names[shortest]} ({lengths[shortest]:.2f}).")
    if count <= 64 and lengths.all():
        alike = _cosines(table, "table")
        if pair := _most_alike(alike):
            text += (f" The most alike rows are {names[pair[0]]} and {names[pair[1]]}, with a cosine similarity "
                     f"of {alike[pair]:.2f}.")
    return text


def _most_alike(alike: np.ndarray) -> tuple[int, int] | None:
    """The two that are most alike; None if others are as much so, to two decimals."""
    i, j = np.triu_indices(len(alike), 1)
    order = alike[i, j].argsort()
    if len(order) > 1 and f"{alike[i, j][order[-2]]:.2f}" == f"{alike[i, j][order[-1]]:.2f}":
        return None
    return int(i[order[-1]]), int(j[order[-1]])

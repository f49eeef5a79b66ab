"""Two heads, or one head on two sentences: what the second attends to more, and what less."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from ninelives.figures.attention_picture import LEAST_PRINTED
from ninelives.figures.cells import (
    block_note,
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
from ninelives.figures.words import MAX_ROWS_DESCRIBED

LEAST_SAID = 0.05  # a smaller change is not named in words


def difference_picture(
    first: np.ndarray,
    second: np.ndarray,
    allowed: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    title: str,
    notes: Sequence[str] = (),
) -> Picture:
    """`second` minus `first`, weights (T, S) each: blue where the second attends more, orange where less.

    Grey where `allowed` (T, S) is False. The scale ends at the largest change.
    """
    change = second - first
    row_names, column_names = number_repeats(rows), number_repeats(columns)
    top = float(np.abs(change[allowed]).max(initial=0)) or 1.0
    alt = f"{title}. {_in_words(change, allowed, row_names, column_names)}"

    def draw(figure: Figure) -> None:
        axes = place_axes(figure, 1, 1, *cells_size(change))
        texts = None
        if has_room_for_numbers(change):
            texts = np.where((np.abs(change) < LEAST_PRINTED) | ~allowed, "", numbers(change)).tolist()
        draw_cells(axes, np.ma.array(change, mask=~allowed), SIGNED_MAP, -top, top, texts)
        label_rows(axes, row_names)
        label_columns(axes, column_names)
        colour_bar(axes)
        said = ["Blue: the second attends more; orange: less.", "" if allowed.all() else "Grey: masked.",
                f"Changes below {LEAST_PRINTED} have no number." if texts else block_note(change), *notes]
        put_note(figure, " ".join(filter(None, said)))
        put_title(figure, title)

    return Picture(draw, title, alt)


def _in_words(change: np.ndarray, allowed: np.ndarray, rows: list[str], columns: list[str]) -> str:
    change = np.where(allowed, change, 0)
    largest = np.abs(change).max(1)  # (T,)
    said = sorted(np.argsort(-largest, kind="stable")[:MAX_ROWS_DESCRIBED])
    sentences = []
    for i in said:
        more, less = change[i].argmax(), change[i].argmin()
        parts = [f"more to {columns[more]} +{change[i, more]:.2f}"] if change[i, more] >= LEAST_SAID else []
        parts += [f"less to {columns[less]} −{-change[i, less]:.2f}"] if change[i, less] <= -LEAST_SAID else []
        if parts:
            sentences.append(f"{rows[i]} attends {', '.join(parts)}.")
    rest = len(rows) - len(sentences)
    if rest and largest.max(initial=0, where=[i not in said for i in range(len(rows))]) < LEAST_SAID:
        sentences.append(f"{'All' if not sentences else 'The other'} {rest} rows change by less than {LEAST_SAID}.")
    return " ".join(sentences)

"""One head as a figure that stands alone: cells, colour bar, what is masked, and what the reader must know."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from ninelives.figures.cells import (
    block_note,
    cells_size,
    colour_bar,
    draw_cells,
    has_room_for_numbers,
    label_columns,
    label_rows,
    numbers,
    outline,
)
from ninelives.figures.picture import Picture
from ninelives.figures.scale import norm_of, ticks_of
from ninelives.figures.style import WEIGHTS_MAP, number_repeats, place_axes, put_note, put_title

LEAST_PRINTED = 0.005  # it would be printed as 0.00; the browser leaves it out as well


def attention_picture(
    weights: np.ndarray,
    allowed: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    title: str,
    caption: str,
    notes: Sequence[str] = (),
    alt: str,
    scale: str = "linear",
    top: float = 1.0,
    chosen: Sequence[int] = (),
) -> Picture:
    """The weights (T, S) of one head, grey where `allowed` (T, S) is False, with the colour bar of their scale.

    Each of the rows in `chosen` is framed. Up to 12 by 12 cells hold their numbers. `notes` are drawn below: what a
    reader of the saved file has to know, for whom the caption of a notebook is not there.
    """
    row_names, column_names = number_repeats(rows), number_repeats(columns)

    def draw(figure: Figure) -> None:
        axes = place_axes(figure, 1, 1, *cells_size(weights))
        with_numbers = has_room_for_numbers(weights)
        texts = np.where((weights < LEAST_PRINTED) | ~allowed, "", numbers(weights)).tolist() if with_numbers else None
        draw_cells(axes, np.ma.array(weights, mask=~allowed), WEIGHTS_MAP, 0, top, texts, norm=norm_of(scale, top))
        label_rows(axes, row_names)
        label_columns(axes, column_names)
        framed = np.zeros(weights.shape, bool)
        framed[list(chosen)] = True
        outline(axes, framed)
        colour_bar(axes, ticks=ticks_of(scale, top))
        said = [
            "Each row attends to the columns.",
            f"Weights below {LEAST_PRINTED} have no number." if with_numbers else block_note(weights),
            "Grey: masked." if not allowed.all() else "",
            "The colours follow the square root of the weight." if scale == "sqrt" else "",
            f"Weights of {top:g} and more have the darkest colour." if weights.max(initial=0) > top else "",
            *notes,
        ]
        put_note(figure, " ".join(filter(None, said)))
        put_title(figure, title)

    return Picture(draw, caption, alt)

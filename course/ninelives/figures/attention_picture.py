"""One head as a figure that stands alone: cells, colour bar, what is masked, and what the reader must know."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from ninelives.figures.cells import (
    are_thin,
    block_note,
    cells_size,
    colour_bar,
    draw_cells,
    has_room_for_numbers,
    label_columns,
    label_rows,
    outline,
    point_at_rows,
)
from ninelives.figures.picture import Picture
from ninelives.figures.scale import norm_of, ticks_of
from ninelives.figures.signed import KINDS, signed_number
from ninelives.figures.style import (
    SIGNED_MAP,
    WEIGHTS_MAP,
    missing_letters,
    number_repeats,
    place_axes,
    put_note,
    put_title,
)

SIGNS = {  # what the two colours of the signed map are
    "scores": "Blue: positive scores; orange: negative ones.",
    "signed": "Blue: positive values; orange: negative ones.",
    "difference": "Blue: the second attends more; orange: less.",
}
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
    kind: str = "weights",
    decimals: int = 2,
) -> Picture:
    """The weights (T, S) of one head, grey where `allowed` (T, S) is False, with the colour bar of their scale.

    Signed values, of another `kind` of `signed.KINDS`, are drawn in the signed map from `-top` to `top`. Each of the rows in `chosen` is framed, or marked at its end where rows are thin. Up to 12 by 12 cells hold their numbers. `notes` are drawn below: what a
    reader of the saved file has to know, for whom the caption of a notebook is not there.
    """
    row_names, column_names = number_repeats(rows), number_repeats(columns)
    signed, plural = kind != "weights", f"{KINDS[kind]}s"

    def draw(figure: Figure) -> None:
        axes = place_axes(figure, 1, 1, *cells_size(weights))
        with_numbers = has_room_for_numbers(weights)
        texts = _numbers(weights, allowed, kind, decimals) if with_numbers else None
        colour_map, norm = SIGNED_MAP if signed else WEIGHTS_MAP, norm_of(scale, top, signed)
        draw_cells(axes, np.ma.array(weights, mask=~allowed), colour_map, norm.vmin, top, texts, norm=norm)
        label_rows(axes, row_names, always=chosen)
        label_columns(axes, column_names)
        if are_thin(axes, weights):
            point_at_rows(axes, chosen)
        else:
            framed = np.zeros(weights.shape, bool)
            framed[list(chosen)] = True
            outline(axes, framed)
        colour_bar(axes, ticks=ticks_of(scale, top, signed))
        has_least = kind in ("weights", "difference")
        said = [
            "Each row attends to the columns.",
            SIGNS.get(kind, ""),
            block_note(weights) if not with_numbers else f"{plural.capitalize()} below {LEAST_PRINTED} have no number." if has_least else "",
            "Grey: masked." if not allowed.all() else "",
            f"The colours follow the square root of the {KINDS[kind]}." if scale == "sqrt" else "",
            f"{plural.capitalize()} of {top:g} and more have the darkest colour." if np.abs(weights).max(initial=0) > top else "",
            *notes,
            missing_letters([*row_names, *column_names]),
        ]
        put_note(figure, " ".join(filter(None, said)))
        put_title(figure, title)

    return Picture(draw, caption, alt)


def _numbers(weights: np.ndarray, allowed: np.ndarray, kind: str, decimals: int) -> list[list[str]]:
    if kind == "weights":
        # Two decimals throughout, as in the browser: a 1 beside a 1.00 would look like another number.
        return np.where((weights < LEAST_PRINTED) | ~allowed, "", [[f"{weight:.2f}" for weight in row] for row in weights]).tolist()
    printed = [[signed_number(value, kind, decimals) for value in row] for row in weights]
    is_too_small = (np.abs(weights) < LEAST_PRINTED) & (kind == "difference")
    return np.where(is_too_small | ~allowed, "", printed).tolist()

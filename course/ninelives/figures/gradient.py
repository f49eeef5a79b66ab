"""What each output depends on, measured by gradients: a leak from the future becomes visible."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
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
    outline,
)
from ninelives.figures.picture import Picture
from ninelives.figures.style import (
    MUTED,
    WEIGHTS_MAP,
    number_repeats,
    place_axes,
    put_note,
    put_title,
)

MAX_PAIRS_DESCRIBED = 6


def future_leak(gradients, tokens: Sequence[str], *, caption: str) -> Picture:
    """Sizes `|d output[i] / d input[j]|` (T, T), row i, column j; leaks from later tokens framed.

    A cell above the diagonal that is not exactly zero shows that output i depends on input j,
    which comes after it. Signed gradients are drawn by their size. Raises ValueError for NaN, a
    matrix that is not square, and labels that do not fit.
    """
    size = np.abs(as_finite(gradients, "gradients", 2))
    if size.shape[0] != size.shape[1]:
        raise ValueError(
            f"gradients has shape {size.shape}; it must be (T, T), an output for each input."
        )
    names = number_repeats(as_labels(tokens, len(size), "tokens", "rows of gradients"))
    leaking = np.triu(size, 1) > 0
    title = "A leak from the future" if leaking.any() else "No leak from the future"

    def draw(figure: Figure) -> None:
        small = has_room_for_numbers(size)
        width, height = (0.46 * len(size), 0.34 * len(size)) if small else (
            (min(5.0, 0.3 * len(size)),) * 2
        )
        axes = place_axes(figure, 1, 1, width, height)
        high = size.max() or 1.0
        draw_cells(axes, size, WEIGHTS_MAP, 0, high, _texts(size) if small else None)
        label_rows(axes, names)
        label_columns(axes, names)
        if not small:
            colour_bar(axes)
        outline(axes, leaking)
        _draw_diagonal(axes, len(size))
        put_note(figure, "Row: output. Column: input. "
                 + ("Framed: an output that depends on a later input. " if leaking.any() else
                    "Right of the dashed line all cells are exactly zero. ") + block_note(size))
        put_title(figure, title)

    return Picture(draw, caption, f"{title}: {_describe(size, leaking, names)}")


def _draw_diagonal(axes: Axes, length: int) -> None:
    """A dashed staircase; to its right are the inputs that come after the output."""
    x = np.repeat(np.arange(length) + 0.5, 2)  # right edges of the diagonal's cells
    y = np.stack([np.arange(length) - 0.5, np.arange(length) + 0.5], 1).ravel()
    axes.plot(x, y, color=MUTED, linewidth=1.2, linestyle=(0, (3, 2)), zorder=2.5)


def _texts(size: np.ndarray) -> list[list[str]]:
    texts = numbers(size)
    for i, j in np.argwhere((size > 0) & (size < 0.005)):
        texts[i][j] = f"{size[i, j]:.0e}".replace("e-0", "e−").replace("e-", "e−")
    return texts


def _describe(size: np.ndarray, leaking: np.ndarray, names: list[str]) -> str:
    length = len(size)
    above = length * (length - 1) // 2
    if length == 1:
        return f"one output that depends on one input ({size[0, 0]:.2g}); nothing comes later."
    text = f"how much each of {length} outputs depends on each of {length} inputs. "
    if not leaking.any():
        return text + (f"All {above} cells above the diagonal are zero: "
                       "no output depends on a later input.")
    order = np.argsort(-np.where(leaking, size, 0), axis=None, kind="stable")
    strongest = [divmod(int(k), length) for k in order[: min(MAX_PAIRS_DESCRIBED, leaking.sum())]]
    pairs = [f"{names[i]} on {names[j]} ({size[i, j]:.2g})" for i, j in strongest]
    return text + (f"{leaking.sum()} of {above} cells above the diagonal are not zero: "
                   f"outputs depend on later inputs, most of all {', '.join(pairs)}.")

"""A matrix drawn as cells: the part that all matrix pictures share."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Colormap, Normalize
from matplotlib.markers import CARETLEFT
from matplotlib.patches import Rectangle

from ninelives.figures.style import (
    ACCENT,
    INK,
    LABEL_SIZE,
    MUTED,
    NOTE_SIZE,
    NUMBER_SIZE,
    PAPER,
    RULE,
    every,
    text_on,
    text_width,
    visible,
)

NUMBERS_UP_TO = 12  # rows and columns
RULES_UP_TO = 40
THIN = 0.11  # inches
MAX_WIDE_FRAMES = 20  # in a large matrix, up to so many marked cells get a frame larger than the cell
SQUARES_UP_TO = 128  # a longer side is drawn in blocks: finer cells cannot be told apart
NO_NUMBER, HATCH = "#d0d0d0", "#9aa3ad"


def has_room_for_numbers(matrix: np.ndarray) -> bool:
    """Whether numbers are printed into the cells of `matrix`."""
    return max(matrix.shape) <= NUMBERS_UP_TO


def cells_size(matrix: np.ndarray) -> tuple[float, float]:
    """Width and height of a heatmap of `matrix`, in inches."""
    rows, columns = matrix.shape
    if has_room_for_numbers(matrix):
        return 0.46 * columns, 0.34 * rows
    cell = min(0.3, 5.2 / max(rows, columns))
    return max(0.4, cell * columns), max(0.3, cell * rows)


def cell_number(value: float) -> str:
    """A number short enough for a cell; "0" is exactly zero, "0.00" is not."""
    if np.isnan(value):
        return "NaN"
    if np.isinf(value):
        return "∞" if value > 0 else "−∞"
    if float(value).is_integer() and abs(value) < 1e4:
        text = f"{value:.0f}"
    elif abs(value) < 9.995:
        text = f"{value:.2f}"
    elif abs(value) < 999.5:
        text = f"{value:.3g}"
    else:
        text = f"{value:.0e}".replace("e+0", "e").replace("e+", "e")
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", "−")


def numbers(matrix: np.ndarray) -> list[list[str]]:
    """`matrix` as the texts of its cells."""
    return [[cell_number(value) for value in row] for row in matrix]


def draw_cells(
    axes: Axes,
    matrix: np.ndarray,
    colour_map: Colormap,
    low: float,
    high: float,
    texts: Sequence[Sequence[str]] | None = None,
    number_size: float = NUMBER_SIZE,
    norm: Normalize | None = None,
) -> None:
    """Colour the cells of `matrix`, with thin rules between them and `texts` in them.

    NaN and infinite cells are hatched, those of a masked array are plain gray. Row i, column j is at (j, i) of the
    axes. Colours are linear from `low` to `high`, or as `norm` says. Cells are drawn as shapes: a PDF scales.
    """
    rows, columns = matrix.shape
    norm = norm or Normalize(low, high)
    colours, side = in_blocks(np.ma.filled(matrix.astype(float), np.nan))
    axes.pcolormesh(
        np.arange(colours.shape[1] + 1) * side - 0.5, np.arange(colours.shape[0] + 1) * side - 0.5,
        np.ma.masked_invalid(colours), cmap=colour_map.with_extremes(bad=NO_NUMBER), norm=norm,
    )
    axes.set_xticks([])
    axes.set_yticks([])
    ruled = max(rows, columns) <= RULES_UP_TO
    if ruled:
        lines = {"color": RULE, "linewidth": 0.6, "zorder": 1.5}
        axes.vlines(np.arange(1, columns) - 0.5, -0.5, rows - 0.5, **lines)
        axes.hlines(np.arange(1, rows) - 0.5, -0.5, columns - 0.5, **lines)
    axes.set_xlim(-0.5, columns - 0.5)
    axes.set_ylim(rows - 0.5, -0.5)
    for i, j in np.argwhere(np.ma.filled(~np.isfinite(matrix), False)) if ruled else ():
        axes.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, facecolor=NO_NUMBER, edgecolor=HATCH,
                                 hatch="////", linewidth=0, zorder=1.2))
    if texts is None:
        return
    on_step = text_on(colour_map)
    for (i, j), value in np.ndenumerate(matrix):
        if np.isfinite(value):
            colours = on_step[int(np.clip(norm(value) * colour_map.N, 0, colour_map.N - 1))]
        else:
            colours = {"color": INK, "bbox": {"facecolor": PAPER, "edgecolor": "none", "pad": 1}}
        axes.text(j, i, texts[i][j], ha="center", va="center", size=number_size, clip_on=True, **colours)


def label_rows(axes: Axes, labels: Sequence[str], size: float = LABEL_SIZE, always: Sequence[int] = ()) -> None:
    """Label the rows on the left; of a long list, every 2nd, 4th, 8th … row, and `always` these, in bold."""
    pitch = 1.3 * size / 72
    step, row = every(len(labels), _size(axes)[1], pitch), _size(axes)[1] / len(labels)
    shown = sorted({*always, *(i for i in range(0, len(labels), step) if all(abs(i - j) * row >= pitch for j in always))})
    axes.set_yticks(shown, [visible(labels[i]) for i in shown], fontsize=size)
    for i, label in zip(shown, axes.get_yticklabels(), strict=True):
        label.set_weight("bold" if i in always else "normal")


def point_at_rows(axes: Axes, rows: Sequence[int]) -> None:
    """Mark rows at their right end, where a frame would hide cells as thin as its line."""
    right = max(axes.get_xlim())
    axes.plot([right] * len(rows), list(rows), linestyle="none", marker=CARETLEFT, markersize=7, color=ACCENT, clip_on=False, zorder=3)


def are_thin(axes: Axes, matrix: np.ndarray) -> bool:
    """Whether the rows of `matrix` are too thin for a frame."""
    return _size(axes)[1] / len(matrix) < THIN


def label_columns(axes: Axes, labels: Sequence[str], size: float = LABEL_SIZE) -> None:
    """Label the columns at the top; words that would touch are slanted, and a long list is thinned."""
    room, texts = _size(axes)[0], [visible(label) for label in labels]
    widest = max(text_width(text, size) for text in texts) + 0.06
    pitch, height = room / len(labels), size / 72
    if widest <= pitch or all(text.isdigit() for text in texts):
        needed, slant = widest, {}
    else:
        angle = 45 if pitch >= 1.75 * height else 60
        needed = (1.75 if angle == 45 else 1.35) * height
        slant = {"rotation": angle, "ha": "left", "rotation_mode": "anchor"}
    shown = range(0, len(labels), every(len(labels), room, needed))
    axes.xaxis.tick_top()
    axes.set_xticks(list(shown), [texts[i] for i in shown], fontsize=size, **slant)


def outline(axes: Axes, cells: np.ndarray, colour: str = ACCENT) -> None:
    """Frame the True cells of a boolean matrix; neighbours share one frame."""
    if not cells.any():
        return
    if cells.sum() <= MAX_WIDE_FRAMES and max(cells.shape) > RULES_UP_TO:
        y, x = np.nonzero(cells)
        axes.plot(x, y, linestyle="none", marker="s", markersize=9, markerfacecolor="none",
                  markeredgecolor=colour, markeredgewidth=1.8, zorder=3, clip_on=False)
        return
    inside = np.pad(cells, 1)
    edges = []  # ((x, y), (x, y)) between a framed cell and one that is not
    for i, j in np.argwhere(inside[1:] != inside[:-1]):
        edges.append(((j - 1.5, i - 0.5), (j - 0.5, i - 0.5)))
    for i, j in np.argwhere(inside[:, 1:] != inside[:, :-1]):
        edges.append(((j - 0.5, i - 1.5), (j - 0.5, i - 0.5)))
    # A pale rim keeps the frame visible on a cell of its own colour.
    for rim, width in ((PAPER, 3.6), (colour, 1.8)):
        axes.add_collection(LineCollection(edges, colors=rim, linewidths=width, zorder=3,
                                           capstyle="projecting", clip_on=False), autolim=False)


def colour_bar(axes: Axes, label: str = "", ticks: Sequence[float] | None = None) -> None:
    """The scale of the picture in `axes`, at its right, with these ticks or with about five."""
    width, height = _size(axes)
    bar = axes.inset_axes(
        (1 + 0.14 / width, 1 - min(1.8, height) / height, 0.13 / width, min(1.8, height) / height)
    )
    drawn = axes.figure.colorbar(axes.collections[0], cax=bar)
    drawn.solids.set(rasterized=False, edgecolor="face")  # shapes in a PDF, too
    drawn.outline.set_edgecolor(RULE)
    bar.tick_params(length=2, color=RULE, labelsize=NOTE_SIZE, labelcolor=MUTED)
    if ticks is None:
        bar.locator_params(nbins=5)
    else:
        drawn.set_ticks(list(ticks), labels=[f"{tick:g}".replace("-", "−") for tick in ticks])
        drawn.minorticks_off()
    bar.set_ylabel(label)


def in_blocks(matrix: np.ndarray) -> tuple[np.ndarray, int]:
    """A large matrix in square blocks, at most SQUARES_UP_TO a side, and the side of a block.

    Each block shows its strongest number: one weight that stands out among 512 stays visible.
    """
    side = -(-max(matrix.shape) // SQUARES_UP_TO)
    rows, columns = (-(-n // side) for n in matrix.shape)
    padded = np.full((rows * side, columns * side), np.nan)
    padded[: matrix.shape[0], : matrix.shape[1]] = matrix
    blocks = padded.reshape(rows, side, columns, side).swapaxes(1, 2).reshape(rows, columns, -1)
    strength = np.where(np.isfinite(blocks), np.abs(blocks), -1)
    return np.take_along_axis(blocks, strength.argmax(-1)[..., None], -1)[..., 0], side


def block_note(matrix: np.ndarray) -> str:
    """What to say under a picture whose cells are blocks; empty when they are not."""
    side = in_blocks(matrix)[1]
    return "" if side == 1 else f"Each square shows the strongest of {side} by {side} cells."


def _size(axes: Axes) -> tuple[float, float]:
    box = axes.get_position()
    inches = axes.figure.get_size_inches()
    return box.width * inches[0], box.height * inches[1]

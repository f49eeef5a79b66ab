"""Wanted and yours, side by side: what a failing check shows."""

import numpy as np
from matplotlib.figure import Figure

from ninelives.figures.arrays import as_array, first_index
from ninelives.figures.cells import (
    cell_number,
    draw_cells,
    has_room_for_numbers,
    label_columns,
    label_rows,
    numbers,
    outline,
)
from ninelives.figures.picture import Picture
from ninelives.figures.style import (
    INK,
    LABEL_SIZE,
    NOTE_SIZE,
    SIGNED_MAP,
    WEIGHTS_MAP,
    WIDTH,
    place_axes,
    put_note,
)

CROP = 16  # rows and columns shown at most
RELATIVE, ABSOLUTE = 1e-4, 1e-5  # cells closer than this count as equal
SIDE_BY_SIDE_UP_TO = 8  # columns with numbers; wider ones are drawn one below the other


def wanted_and_yours(wanted, yours, *, caption: str, sizes_count: bool = True) -> Picture:
    """Two tensors with one scale; cells that differ are framed, NaN and infinity hatched.

    Without `sizes_count`, as for token ids, of which none is more than another, numbers that can be
    read have no colour.

    Any shapes, equal or not. Of more than two dimensions one matrix is drawn, and of a large
    matrix a window of 16 by 16, both chosen so that the first difference is in view. Cells count as
    equal within 1e-4 of their size, or 1e-5. Raises ValueError for anything but numbers.
    """
    wanted, yours = as_array(wanted, "wanted"), as_array(yours, "yours")
    same_shape = wanted.shape == yours.shape
    differs = (
        ~np.isclose(yours, wanted, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True)
        if same_shape else np.zeros(wanted.shape, bool)
    )
    first = first_index(differs) if differs.any() else [0] * wanted.ndim
    windows = [_Window(wanted, first), _Window(yours, first if same_shape else [0] * yours.ndim)]

    def draw(figure: Figure) -> None:
        signed = min(_finite(window.cells).min() for window in windows) < 0
        high = float(np.abs(_finite(windows[0].cells)).max() or np.abs(_finite(windows[1].cells)).max())
        with_numbers = all(has_room_for_numbers(window.cells) for window in windows)
        low = -high if signed else 0
        if with_numbers and not sizes_count:  # nothing reaches the scale, so every cell is white
            signed, low, high = False, high + 1, high + 2
        left, top = 0.4, 0.6
        for name, window in zip(("Wanted", "Yours"), windows, strict=True):
            rows, columns = window.cells.shape
            width, height = _size(rows, columns, with_numbers)
            axes = place_axes(figure, left, top, width, height)
            printed = numbers(window.cells) if with_numbers else None
            draw_cells(axes, window.cells, SIGNED_MAP if signed else WEIGHTS_MAP,
                       low, high or 1, printed)
            label_rows(axes, window.row_labels, NOTE_SIZE)
            label_columns(axes, window.column_labels, NOTE_SIZE)
            axes.annotate(
                f"{name} {window.title}", (0, 1), xycoords="axes fraction", xytext=(0, 17),
                textcoords="offset points", size=LABEL_SIZE + 1, weight="bold", ha="left",
                va="baseline",
            )
            if same_shape:
                outline(axes, window.cut(differs), INK)
            if max(each.cells.shape[1] for each in windows) > SIDE_BY_SIDE_UP_TO and with_numbers:
                top += height + 0.65
            else:
                left += max(width, 1.5) + 0.55
        notes = [f"{name}: {window.note}" for name, window in
                 zip(("Wanted", "Yours"), windows, strict=True) if window.note]
        if len(notes) == 2 and windows[0].note == windows[1].note:
            notes = [f"Shown: {windows[0].note}"]
        if differs.any():
            notes.append("Framed: cells that differ")
        if notes:
            put_note(figure, ". ".join(notes) + ".")

    return Picture(draw, caption, _describe(wanted, yours, differs, same_shape))


class _Window:
    """The matrix of at most 16 by 16 that is drawn of a tensor, with `first` in view."""

    def __init__(self, array: np.ndarray, first: list[int]):
        self.lead = tuple(first[:-2])
        matrix = np.atleast_2d(array[self.lead])
        last = ([0, 0] + list(first))[-2:]
        self.corner = [_start(n, i) for n, i in zip(matrix.shape, last, strict=True)]
        self.cells = self.cut(array)
        rows, columns = self.cells.shape
        self.row_labels = (
            [str(self.corner[0] + i) for i in range(rows)] if array.ndim > 1 else [""]
        )
        self.column_labels = (
            [str(self.corner[1] + j) for j in range(columns)] if array.ndim else [""]
        )
        self.title = str(array.shape)
        parts = []
        if self.lead:
            parts.append(f"matrix [{', '.join(map(str, self.lead))}]")
        for name, start, shown, whole in zip(
            ("rows", "columns"), self.corner, self.cells.shape, matrix.shape, strict=True
        ):
            if shown < whole:
                parts.append(f"{name} {start} to {start + shown - 1} of {whole}")
        self.note = ", ".join(parts)

    def cut(self, array: np.ndarray) -> np.ndarray:
        """The same window of another tensor of this shape."""
        row, column = self.corner
        return np.atleast_2d(array[self.lead])[row : row + CROP, column : column + CROP]


def _start(length: int, wanted: int) -> int:
    return 0 if wanted < CROP else min(wanted - CROP // 2, length - CROP)


def _size(rows: int, columns: int, with_numbers: bool) -> tuple[float, float]:
    if with_numbers:
        return 0.41 * columns, 0.3 * rows
    side = (WIDTH - 1.4) / 2 / CROP
    return side * columns, side * rows


def _finite(array: np.ndarray) -> np.ndarray:
    finite = array[np.isfinite(array)]
    return finite if finite.size else np.zeros(1)


def _describe(
    wanted: np.ndarray, yours: np.ndarray, differs: np.ndarray, same_shape: bool
) -> str:
    if not same_shape:
        text = (f"Wanted has shape {wanted.shape}, yours has shape {yours.shape}, "
                "so the cells cannot be compared.")
    elif not differs.any():
        text = f"Wanted and yours, both of shape {wanted.shape}, hold the same numbers."
    else:
        first = first_index(differs)
        at = tuple(first)
        text = (
            f"Wanted and yours, both of shape {wanted.shape}: {differs.sum()} of {differs.size} "
            f"cells differ. The first is {first}, counted from 0: wanted {_told(wanted[at])}, "
            f"yours {_told(yours[at])}."
        )
        gap = np.abs(np.where(np.isfinite(wanted) & np.isfinite(yours), yours - wanted, 0))
        if differs.sum() > 1 and gap.any():
            at = np.unravel_index(gap.argmax(), gap.shape)
            text += f" The largest difference is {gap[at]:.4g}, at {[int(i) for i in at]}."
    for word, broken in (("NaN", np.isnan(yours)), ("infinity", np.isinf(yours))):
        if broken.any():
            text += (f" Yours holds {word} in {broken.sum()} of {yours.size} cells, "
                     f"the first at {first_index(broken)}.")
    return text


def _told(value: float) -> str:
    return f"{value:.4g}" if np.isfinite(value) else cell_number(value)

"""Attention masks as grids: who may attend to whom."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from ninelives.figures.arrays import as_finite, as_labels
from ninelives.figures.cells import (
    draw_cells,
    has_room_for_numbers,
    label_columns,
    label_rows,
    numbers,
    outline,
)
from ninelives.figures.picture import Picture
from ninelives.figures.style import (
    BLOCKED,
    INK,
    LABEL_SIZE,
    MAY_ATTEND,
    PAPER,
    WIDTH,
    number_repeats,
    place_axes,
    put_note,
    put_title,
    text_width,
    visible,
)
from ninelives.figures.words import MAX_ROWS_DESCRIBED

MASK_MAP = ListedColormap([BLOCKED, MAY_ATTEND])
LEGEND = "Blue (1): the row may attend to the column. Grey (0): it may not."
EMPTY = " Framed: a row that may attend to nothing; its softmax is NaN."


def mask(
    attention_mask, tokens: Sequence[str], *, caption: str, title: str = "Who may attend to whom", blocks: Sequence[int] = ()
) -> Picture:
    """One mask (T, T), 1 or True = may attend, as a grid. A row with no allowed key is framed.

    Lines divide it into blocks, which begin at the positions `blocks`, from 1 to T - 1. Raises ValueError for a mask that
    is not square, holds anything but 0 and 1, or does not fit the tokens.
    """
    allowed, names = _checked(attention_mask, tokens, "attention_mask")

    def draw(figure: Figure) -> None:
        length = len(names)
        side = 0.34 * length if has_room_for_numbers(allowed) else min(5.0, 0.3 * length)
        axes = place_axes(figure, 1, 1, max(0.4, side), max(0.3, side))
        _draw(axes, allowed, names, LABEL_SIZE)
        for rim, line_width in ((PAPER, 4.5), (INK, 1.8)):
            axes.vlines(np.subtract(blocks, 0.5), -0.5, length - 0.5, color=rim, linewidth=line_width)
            axes.hlines(np.subtract(blocks, 0.5), -0.5, length - 0.5, color=rim, linewidth=line_width)
        put_note(figure, LEGEND + (EMPTY if not allowed.any(1).all() else ""))
        put_title(figure, title)

    alt = f"{title}: {_describe(allowed, names)}"
    if blocks:
        alt += f" Lines divide it before {', '.join(names[i] for i in blocks)}."
    return Picture(draw, caption, alt)


def masks_side_by_side(
    masks: Sequence,
    tokens: Sequence[str] | Sequence[Sequence[str]],
    titles: Sequence[str],
    *,
    caption: str,
    title: str = "Who may attend to whom",
) -> Picture:
    """Several masks (T, T) beside each other, each with its own title.

    `tokens` is one list for all masks, or a list of lists, one for each. Raises ValueError as
    `mask` does, and when there are not as many titles as masks.
    """
    masks = list(masks)
    if not masks:
        raise ValueError("masks is empty; pass at least one mask (T, T).")
    titles = as_labels(titles, len(masks), "titles", "masks")
    shared = isinstance(tokens, str) or all(isinstance(token, str) for token in tokens)
    if not shared and len(tokens) != len(masks):
        raise ValueError(
            f"tokens has {len(tokens)} lists for {len(masks)} masks; pass one list for all, "
            "or one for each."
        )
    checked = [
        _checked(each, tokens if shared else tokens[i], f"masks[{i}]")
        for i, each in enumerate(masks)
    ]

    def draw(figure: Figure) -> None:
        across = 2 if len(masks) == 4 else min(3, len(masks))
        # With one list of tokens the rows are named once, at the left of each line.
        left = _label_room([names for _, names in checked])
        gap = 0.18 if shared else left + 0.1
        side = min(2.6, (WIDTH - left - (across - 1) * gap) / across)
        slanted = 0.2 + left * 0.75
        drawn = []
        for i, (allowed, names) in enumerate(checked):
            down, right = divmod(i, across)
            axes = place_axes(figure, left + right * (side + gap),
                              1 + down * (side + slanted + 0.25), side, side)
            _draw(axes, allowed, names, LABEL_SIZE if side / len(names) > 0.22 else 7.0,
                  with_rows=not shared or right == 0)
            drawn.append(axes)
        for axes, panel_title in zip(drawn, titles, strict=True):
            axes.text(0, -0.04, panel_title, transform=axes.transAxes, size=LABEL_SIZE, weight="bold",
                      ha="left", va="top")
        empty = not all(allowed.any(1).all() for allowed, _ in checked)
        put_note(figure, LEGEND + (EMPTY if empty else ""))
        put_title(figure, title)

    words = [f"{panel}: {_describe(*each)}" for panel, each in zip(titles, checked, strict=True)]
    return Picture(draw, caption, f"{title}, {len(masks)} masks. {' '.join(words)}")


def _checked(attention_mask, tokens, name: str) -> tuple[np.ndarray, list[str]]:
    allowed = as_finite(attention_mask, name, 2)
    if allowed.shape[0] != allowed.shape[1]:
        raise ValueError(
            f"{name} has shape {allowed.shape}; the mask of one sentence is square, (T, T)."
        )
    odd = allowed[(allowed != 0) & (allowed != 1)]
    if odd.size:
        raise ValueError(
            f"{name} holds {odd[0]:.3g}; a mask holds only 1 (True, may attend) and 0 (False, "
            "may not)."
        )
    return allowed.astype(bool), number_repeats(as_labels(tokens, len(allowed), "tokens",
                                                          f"rows of {name}"))


def _draw(axes: Axes, allowed: np.ndarray, names: list[str], size: float, with_rows=True) -> None:
    box = axes.get_position()
    cell = min(box.width * WIDTH / len(names), box.height * WIDTH / len(names))
    with_numbers = has_room_for_numbers(allowed) and cell > 0.14
    draw_cells(axes, allowed.astype(float), MASK_MAP, 0, 1,
               numbers(allowed) if with_numbers else None, number_size=min(8.0, 40 * cell))
    if with_rows:
        label_rows(axes, names, size)
    label_columns(axes, names, size)
    empty = ~allowed.any(1, keepdims=True)
    outline(axes, np.broadcast_to(empty, allowed.shape))


def _label_room(lists: list[list[str]]) -> float:
    return 0.1 + max(text_width(visible(name), LABEL_SIZE) for names in lists for name in names)


def _describe(allowed: np.ndarray, names: list[str]) -> str:
    length = len(names)
    columns = allowed.any(0)
    causal = np.tril(np.ones_like(allowed))
    text = f"a mask of {length} by {length}. "
    if allowed.all():
        return text + "Every token may attend to every token."
    closed = np.flatnonzero(~columns)
    if (allowed == causal).all():
        return text + "Each token may attend to itself and to those before it, to none after it."
    if closed.size and columns.any():
        padding = f"No token may attend to {_runs(closed, names)}; "
        if (allowed == columns).all():
            return text + padding + "every token may attend to all the others."
        if (allowed == (causal & columns)).all() and allowed.any(1).all():
            return text + padding + "each may attend to itself and to those before it otherwise."
    rows = []
    for i in range(min(length, MAX_ROWS_DESCRIBED)):
        keys = np.flatnonzero(allowed[i])
        rows.append(f"{names[i]} may attend to {_runs(keys, names)}." if keys.size else
                    f"{names[i]} may attend to nothing, so its softmax is NaN.")
    if length > MAX_ROWS_DESCRIBED:
        empty = np.flatnonzero(~allowed.any(1))
        rows.append(f"The other {length - MAX_ROWS_DESCRIBED} rows are not described; in all "
                    f"{allowed.mean():.0%} of the cells are open and {empty.size} rows are empty.")
    return text + " ".join(rows)


def _runs(positions: np.ndarray, names: list[str]) -> str:
    """Positions as words, neighbours joined: "the₁ to sat, mat"."""
    runs = np.split(positions, np.flatnonzero(np.diff(positions) > 1) + 1)
    return ", ".join(
        f"{names[run[0]]} to {names[run[-1]]}" if len(run) > 2 else ", ".join(names[i] for i in run)
        for run in runs
    )

"""Weights as a heatmap: one matrix, or the matrices of all heads."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from ninelives.figures.arrays import as_array, as_finite, as_labels, refuse_nan
from ninelives.figures.attention import open_cells
from ninelives.figures.cells import (
    block_note,
    cell_number,
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
from ninelives.figures.style import (
    INK,
    LABEL_SIZE,
    NOTE_SIZE,
    SIGNED_MAP,
    WEIGHTS_MAP,
    WIDTH,
    number_repeats,
    place_axes,
    put_note,
    put_title,
)
from ninelives.figures.words import MAX_ROWS_DESCRIBED, describe_attention, position_of

PANEL_GAP = 0.14  # inches between the panels of a grid
HEADS_IN_WORDS = 16


def heatmap(
    weights,
    rows: Sequence[str],
    columns: Sequence[str] | None = None,
    *,
    title: str,
    caption: str,
    values=None,
    mark: Sequence[tuple[int | str, int | str]] | None = None,
    least_printed: float = 0.0,
) -> Picture:
    """Weights (T, S) as a heatmap: each row attends to the columns.

    `rows` are the T queries, `columns` the S keys (the same as `rows` if left out);
    repeated words are numbered. Up to 12 by 12 numbers are printed in the cells: the weights,
    or the (T, S) numbers `values`. `mark` outlines cells, each given as (row, column) by
    position or by word. Weights below `least_printed` get no number, and the note says so.

    Scores before the softmax can be drawn too: if a number is negative the signed map is used, and
    a masked score of −inf is hatched. Raises ValueError for NaN and for labels that do not fit.

    Example::

        from ninelives import figures, weights

        model, tokenizer = weights.load("antecedent")
        words = "the hen followed the dog because it was lost".split()
        layers = model.attentions(tokenizer.encode(" ".join(words)).unsqueeze(0))  # a list of (1, H, 9, 9)
        figures.heatmap(layers[1][0, 0], words, title="Layer 1, head 0", caption="What each word attends to.")
    """
    weights = as_array(weights, "weights", 2)
    refuse_nan(weights, "weights")
    rows = as_labels(rows, weights.shape[0], "rows", "rows of weights")
    columns = as_labels(
        rows if columns is None else columns, weights.shape[1],
        "rows" if columns is None else "columns", "columns of weights",
    )
    printed = weights if values is None else as_array(values, "values", 2)
    if printed.shape != weights.shape:
        raise ValueError(
            f"values has shape {printed.shape} and weights {weights.shape}; "
            "there must be one value for each cell."
        )
    marked = [(position_of(rows, i), position_of(columns, j)) for i, j in mark or ()]
    scores = _are_scores(weights)
    row_names, column_names = number_repeats(rows), number_repeats(columns)

    def draw(figure: Figure) -> None:
        width, height = cells_size(weights)
        axes = place_axes(figure, 1, 1, width, height)
        low, high = _scale(weights, scores)
        with_numbers = has_room_for_numbers(weights)
        texts = numbers(printed)
        if least_printed:
            texts = np.where(weights < least_printed, "", texts).tolist()
        draw_cells(axes, weights, SIGNED_MAP if scores else WEIGHTS_MAP, low, high,
                   texts if with_numbers else None)
        label_rows(axes, row_names)
        label_columns(axes, column_names)
        framed = np.zeros(weights.shape, bool)
        for cell in marked:
            framed[cell] = True
        outline(axes, framed)
        if not with_numbers:
            colour_bar(axes)
        notes = [
            "Each row attends to the columns." if rows == columns and not scores else "",
            f"Weights below {least_printed} have no number." if with_numbers and least_printed else block_note(weights),
        ]
        if note := " ".join(filter(None, notes)):
            put_note(figure, note)
        put_title(figure, title)

    shown = _describe_scores if scores else describe_attention
    alt = (
        f"{title}: a heatmap of {weights.shape[0]} by {weights.shape[1]} "
        f"{'scores' if scores else 'weights'}. {shown(weights, rows, columns)}"
    )
    if marked:
        links = [f"{row_names[i]} to {column_names[j]} {cell_number(weights[i, j])}"
                 for i, j in marked]
        alt += f" Outlined: {', '.join(links)}."
    return Picture(draw, caption, alt)


def head_grid(weights, tokens: Sequence[str], *, title: str, caption: str, first: int = 0) -> Picture:
    """The weights (H, T, T) of all heads as small heatmaps with one scale.

    `first` is the number of the first head: 0, or 1 for readers who count from 1. Raises ValueError for NaN, an infinite or a negative weight and
    for labels that do not fit.
    """
    weights = as_finite(weights, "weights", 3)
    n_head, length, columns = weights.shape
    if columns != length:
        raise ValueError(
            f"weights has shape {weights.shape}; a grid of heads needs (H, T, T), as many columns "
            "as rows."
        )
    if (weights < 0).any():
        raise ValueError(
            f"weights holds the negative number {weights.min():.3g}; a grid of heads shows "
            "weights after the softmax."
        )
    names = number_repeats(as_labels(tokens, length, "tokens", "rows of weights"))

    def draw(figure: Figure) -> None:
        across = _panels_across(n_head)
        panel = min(1.9, (WIDTH - 0.9 - (across - 1) * PANEL_GAP) / across)
        size = LABEL_SIZE if length < 8 else 7.0
        high = _scale(weights, False)[1]
        for head in range(n_head):
            down, right = divmod(head, across)
            axes = place_axes(figure, 0.9 + right * (panel + PANEL_GAP),
                              0.9 + down * (panel + PANEL_GAP + 0.18), panel, panel)
            draw_cells(axes, weights[head], WEIGHTS_MAP, 0, high)
            axes.text(0, -0.03, f"head {head + first}", transform=axes.transAxes, size=NOTE_SIZE,
                      color=INK, ha="left", va="top")
            if right == 0:
                label_rows(axes, names, size)
            if down == 0:
                label_columns(axes, names, size)
        colour_bar(figure.axes[min(across, n_head) - 1])
        put_note(figure, f"Each row attends to the columns. {block_note(weights[0])}")
        put_title(figure, title)

    choices = open_cells(weights[None])[0].sum(-1)  # (T,)
    heads = [_describe_head(number, matrix, names, choices)
             for number, matrix in enumerate(weights[:HEADS_IN_WORDS], first)]
    more = "" if n_head <= HEADS_IN_WORDS else f" The other {n_head - HEADS_IN_WORDS} are not described."
    alt = (f"{title}: {n_head} heatmaps of {length} by {length} weights, one for each head. "
           f"{' '.join(heads)}{more}")
    return Picture(draw, caption, alt)


def _describe_head(number: int, weights: np.ndarray, names: list[str], choices: np.ndarray) -> str:
    # A row that can attend to nothing else, as the first under a causal mask, says nothing of the head.
    chosen = np.where(choices[:, None] > 1, weights, -1) if (choices > 1).any() else weights
    i, j = np.unravel_index(chosen.argmax(), weights.shape)
    spread = weights.max(1).mean()
    return (f"Head {number}: strongest from {names[i]} to {names[j]}, {weights[i, j]:.2f}; "
            f"the largest weight of a row is {spread:.2f} on average.")


def _describe_scores(scores: np.ndarray, rows: list[str], columns: list[str]) -> str:
    row_names, column_names = number_repeats(rows), number_repeats(columns)
    sentences = []
    for name, row in list(zip(row_names, scores, strict=True))[:MAX_ROWS_DESCRIBED]:
        open_keys = np.flatnonzero(np.isfinite(row))
        masked = len(row) - len(open_keys)
        if not len(open_keys):
            sentences.append(f"{name}: all {masked} scores are masked.")
            continue
        best = open_keys[row[open_keys].argmax()]
        sentences.append(
            f"{name}: highest score {cell_number(row[best])} at {column_names[best]}"
            + (f", {masked} masked." if masked else ".")
        )
    if len(rows) > MAX_ROWS_DESCRIBED:
        sentences.append(f"The scores run from {cell_number(scores[np.isfinite(scores)].min())} "
                         f"to {cell_number(scores.max())}.")
    return " ".join(sentences)


def _are_scores(weights: np.ndarray) -> bool:
    return bool((weights < 0).any() or np.isinf(weights).any())


def _scale(weights: np.ndarray, scores: bool) -> tuple[float, float]:
    finite = weights[np.isfinite(weights)]
    largest = float(np.abs(finite).max()) if finite.size else 1.0
    if scores:
        return -(largest or 1.0), largest or 1.0
    # Small weights of a long sentence would all look white on a scale up to 1.
    short = max(weights.shape[-2:]) <= 2 * MAX_ROWS_DESCRIBED
    return 0.0, 1.0 if short and largest <= 1 else (largest or 1.0)


def _panels_across(count: int) -> int:
    if count <= 4:
        return count
    return 3 if count in (5, 6, 9) else 4 if count <= 16 else 8

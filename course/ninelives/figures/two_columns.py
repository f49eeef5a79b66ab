"""Two Transformers: the hidden states of one come before the embeddings of the other."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from ninelives.figures.picture import Picture
from ninelives.figures.style import (
    BLUE,
    GREEN,
    INK,
    LABEL_SIZE,
    MUTED,
    NOTE_SIZE,
    PAPER,
    RULE,
    VERMILLION,
    WIDTH,
    in_style,
    place_axes,
    put_title,
    visible,
)

LEFT, MIDDLE, RIGHT = 0.1, WIDTH / 2, WIDTH - 0.1  # inches
CELL = 0.3  # the widest, in inches
READ, ANSWER, JOINED, SCORED = 0.75, 2.05, 3.2, 4.75  # tops of the rows of cells


@in_style()
def two_columns(
    read: Sequence[str], written: Sequence[str], *, reader: str, writer: str, n_embd: int, vocab_size: int,
    predicts: Mapping[int, str], title: str, caption: str,
) -> Picture:
    """What one Transformer reads (left) and what another is given (right), joined, and what its rows predict.

    `read` are P words and `written` T words; `reader` and `writer` name the two Transformers. `predicts` maps each of
    the P + T rows that is asked to the word that it predicts; the other rows are grey.

    Raises ValueError for a column without words, and for a row that does not exist.
    """
    P, T = len(read), len(written)
    if not P or not T:
        raise ValueError(f"read has {P} words and written {T}; each column needs at least one.")
    strange = [row for row in predicts if not 0 <= row < P + T]
    if strange:
        raise ValueError(f"predicts names row {strange[0]}: the rows are 0 to {P + T - 1}.")
    shape = f"(B, P, n_embd) = (1, {P}, {n_embd})"
    width = min(CELL, (MIDDLE - LEFT - 0.15) / max(P, T), (RIGHT - LEFT) / (P + T))

    def draw(figure: Figure) -> None:
        axes = place_axes(figure, 0, 0, WIDTH, 5.9)
        axes.set_axis_off()
        axes.set_xlim(0, WIDTH)
        axes.set_ylim(5.9, 0)
        left = MIDDLE / 2 - P * width / 2 + 0.02
        right = MIDDLE * 1.5 - T * width / 2 + 0.02
        joined = MIDDLE - (P + T) * width / 2
        _cells(axes, left, READ, width, [PAPER] * P, read, BLUE)
        _cells(axes, right, READ, width, [PAPER] * T, written, GREEN)
        _box(axes, MIDDLE / 2, 1.32, 3.0, reader, BLUE)
        _box(axes, MIDDLE * 1.5, 1.32, 3.0, "embedding, positions from 0", GREEN)
        for middle in (MIDDLE / 2, MIDDLE * 1.5):
            _arrow(axes, (middle, READ + 0.24), (middle, 1.32))
            _arrow(axes, (middle, 1.68), (middle, ANSWER))
        _cells(axes, left, ANSWER, width, [BLUE] * P)
        _cells(axes, right, ANSWER, width, [GREEN] * T)
        _note(axes, MIDDLE / 2, ANSWER + 0.4, f"hidden states {shape}")
        _note(axes, MIDDLE * 1.5, ANSWER + 0.4, f"embeddings (B, T, n_embd) = (1, {T}, {n_embd})")
        _arrow(axes, (MIDDLE / 2, ANSWER + 0.55), (joined + P * width / 2, JOINED))
        _arrow(axes, (MIDDLE * 1.5, ANSWER + 0.55), (joined + (P + T / 2) * width, JOINED))
        _cells(axes, joined, JOINED, width, [BLUE] * P + [GREEN] * T)
        _note(axes, MIDDLE, JOINED + 0.4, f"joined (B, P + T, n_embd) = (1, {P + T}, {n_embd})")
        _box(axes, MIDDLE, 3.9, RIGHT - LEFT - 0.6, writer, VERMILLION)
        _arrow(axes, (MIDDLE, JOINED + 0.53), (MIDDLE, 3.9))
        _arrow(axes, (MIDDLE, 4.26), (MIDDLE, SCORED))
        shades = [VERMILLION if row in predicts else RULE for row in range(P + T)]
        _cells(axes, joined, SCORED, width, shades)
        for row, word in predicts.items():
            axes.text(joined + (row + 0.5) * width, SCORED + 0.32, visible(word), rotation=55, rotation_mode="anchor",
                      ha="right", va="top", size=NOTE_SIZE, color=INK)
        _note(axes, joined - 0.08, SCORED + 0.12, "scores", "right")
        _note(axes, LEFT, 5.85, f"scores (B, P + T, vocab_size) = (1, {P + T}, {vocab_size}); grey rows are not asked", "left")
        put_title(figure, title)

    told = ", ".join(f"row {row} “{word}”" for row, word in predicts.items())
    asked = "1 row is" if len(predicts) == 1 else f"{len(predicts)} rows are"
    alt = (
        f"{title}: two columns. Left: “{' '.join(read)}” goes through {reader} and becomes one hidden state for each of its words ({P}). Right: “{' '.join(written)}” "
        f"becomes one embedding for each of its words ({T}), at positions from 0. The two are joined, the hidden states first, into {P + T} rows of {n_embd} "
        f"numbers. They go through {writer}, which gives each row a score for each of {vocab_size} words. "
        f"{asked} asked: {told}. The other rows are grey."
    )
    return Picture(draw, caption, alt)


def _cells(
    axes: Axes, left: float, top: float, width: float, colours: Sequence[str], words: Sequence[str] = (), edge: str = PAPER
) -> None:
    """A row of cells, one for each vector, with a word above each."""
    for k, colour in enumerate(colours):
        axes.add_patch(Rectangle((left + k * width, top), width, 0.24, facecolor=colour, edgecolor=edge, linewidth=1))
    for k, word in enumerate(words):
        axes.text(left + (k + 0.4) * width, top - 0.06, visible(word), rotation=55, rotation_mode="anchor", ha="left",
                  va="bottom", size=NOTE_SIZE, color=INK)


def _box(axes: Axes, middle: float, top: float, width: float, text: str, colour: str) -> None:
    axes.add_patch(FancyBboxPatch(
        (middle - width / 2 + 0.05, top + 0.05), width - 0.1, 0.26, boxstyle="round,pad=0.05", facecolor=PAPER,
        edgecolor=colour, linewidth=1.4,
    ))
    axes.text(middle, top + 0.18, text, ha="center", va="center", size=LABEL_SIZE, weight="bold")


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.add_patch(FancyArrowPatch(
        start, end, arrowstyle="-|>", mutation_scale=11, color=MUTED, linewidth=1.2, shrinkA=2, shrinkB=2,
    ))


def _note(axes: Axes, x: float, y: float, text: str, align: str = "center") -> None:
    axes.text(x, y, text, ha=align, va="center", size=NOTE_SIZE, color=MUTED)

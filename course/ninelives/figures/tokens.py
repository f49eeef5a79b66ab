"""A sentence as a row of words, shaded by how much one of them attends to each."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from ninelives.figures.picture import Picture
from ninelives.figures.style import (
    ACCENT,
    MUTED,
    NOTE_SIZE,
    RULE,
    TITLE_SIZE,
    WEIGHTS_MAP,
    WIDTH,
    in_style,
    place_axes,
    put_title,
    text_on,
    text_width,
    visible,
)
from ninelives.figures.words import query_row, read_row

LINE, BOX, GAP = 0.68, 0.34, 0.08  # inches
ALL_UP_TO, MAX_WORDS_SHOWN = 60, 40  # of a longer text, the words with the largest weights


@in_style()
def token_row(tokens: Sequence[str], weights, query: int | str, *, caption: str) -> Picture:
    """The sentence as words shaded by how much `query` attends to each, with the weights below.

    `weights` is the row of the query (T,) or the whole matrix (T, T); `query` is a position, a
    word or a numbered word, and is framed. Of more than 60 words the 40 with the largest weights are drawn, in
    their order, with the number of words left out between them. Raises ValueError for NaN, a
    negative weight, labels that do not fit and an unknown query.
    """
    row, name, names = query_row(weights, tokens, query)
    if (row < 0).any():
        raise ValueError(
            f"weights holds the negative number {row.min():.3g}; the shades show weights "
            "after the softmax."
        )
    asking = names.index(name)
    count = len(names)
    whole = count <= ALL_UP_TO
    most = range(count) if whole else np.argsort(-row, kind="stable")[:MAX_WORDS_SHOWN].tolist()
    shown = sorted({*most, asking})
    darkest = max(row.max(), 1.0) if whole else (row.max() or 1.0)

    pieces = []  # a word's position, or as text how many words are left out
    for before, i in zip([-1, *shown], shown):
        pieces += ([f"+{i - before - 1}"] if i > before + 1 else []) + [i]
    pieces += [f"+{count - shown[-1] - 1}"] if shown[-1] < count - 1 else []
    texts = [piece if isinstance(piece, str) else visible(names[piece]) for piece in pieces]
    widths = [text_width(text, TITLE_SIZE) + 0.22 if text is not piece else
              text_width(text, NOTE_SIZE) for text, piece in zip(texts, pieces, strict=True)]
    places, lines = _set_in_lines(widths)

    def draw(figure: Figure) -> None:
        height = lines * LINE - 0.14
        axes = place_axes(figure, 0, 0, WIDTH, height)
        axes.set_axis_off()
        axes.set_xlim(0, WIDTH)
        axes.set_ylim(height, 0)
        on_step = text_on(WEIGHTS_MAP)
        for piece, text, width, (x, line) in zip(pieces, texts, widths, places, strict=True):
            middle, y = x + width / 2, line * LINE
            if isinstance(piece, str):
                axes.text(middle, y + BOX / 2, text, size=NOTE_SIZE, color=MUTED, ha="center",
                          va="center_baseline")
                continue
            step, framed = int(row[piece] / darkest * (WEIGHTS_MAP.N - 1)), piece == asking
            axes.add_patch(FancyBboxPatch(
                (x + 0.04, y + 0.04), width - 0.08, BOX - 0.08, boxstyle="round,pad=0.04",
                facecolor=WEIGHTS_MAP(step), edgecolor=ACCENT if framed else RULE,
                linewidth=2 if framed else 0.8, clip_on=False,
            ))
            axes.text(middle, y + BOX / 2, text, size=TITLE_SIZE, ha="center", va="center_baseline",
                      **on_step[step])
            axes.text(middle, y + BOX + 0.06, f"{row[piece]:.2f}", size=NOTE_SIZE, color=MUTED,
                      ha="center", va="top")
        put_title(figure, f"What “{visible(name)}” attends to")

    alt = (f"A sentence of {count} {'word' if count == 1 else 'words'}, each shaded by how much "
           f"{name} attends to it: {read_row(row, tokens, query, tokens, most=5)}.")
    return Picture(draw, caption, alt)


def _set_in_lines(widths: list[float]) -> tuple[list[tuple[float, int]], int]:
    places, x, line = [], 0.0, 0
    for width in widths:
        if x and x + width > WIDTH:
            x, line = 0.0, line + 1
        places.append((x, line))
        x += width + GAP
    return places, line + 1

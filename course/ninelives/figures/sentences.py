"""Pictures of lab `bert`: how alike sentences are, and which pieces of a word a vocabulary has."""

from collections.abc import Container, Sequence

import numpy as np
from matplotlib.figure import Figure

from ninelives.figures.arrays import as_finite, as_labels
from ninelives.figures.cells import draw_cells, label_columns, label_rows, numbers, outline
from ninelives.figures.masks import MASK_MAP
from ninelives.figures.picture import Picture
from ninelives.figures.style import LABEL_SIZE, SIGNED_MAP, place_axes, put_note, put_title, visible

LONGEST_SENTENCE, MOST_SENTENCES = 44, 12  # characters, and rows


def sentence_similarity(similarities, sentences: Sequence[str], *, title: str, caption: str) -> Picture:
    """How alike sentences are, from −1 to 1: a matrix (N, N) of cosines, with the sentences beside their rows.

    Raises ValueError for NaN, a matrix that is not square, more than 12 sentences and labels that do not fit.
    """
    alike = as_finite(similarities, "similarities", 2)
    sentences = as_labels(sentences, len(alike), "sentences", "rows of similarities")
    if alike.shape[0] != alike.shape[1] or len(alike) > MOST_SENTENCES:
        raise ValueError(f"similarities has shape {alike.shape}; (N, N) is needed, with N at most {MOST_SENTENCES}.")

    def draw(figure: Figure) -> None:
        axes = place_axes(figure, 3.4, 0.5, 0.44 * len(alike), 0.36 * len(alike))
        draw_cells(axes, alike, SIGNED_MAP, -1, 1, numbers(alike.round(2)))
        label_columns(axes, [str(k + 1) for k in range(len(alike))])
        axes.set_yticks(range(len(alike)), [f"{visible(text, LONGEST_SENTENCE)}  {k + 1}" for k, text in enumerate(sentences)],
                        fontsize=LABEL_SIZE)
        put_note(figure, "Cosine of the angle between the vectors of two sentences.")
        put_title(figure, title)

    i, j = np.triu_indices(len(alike), 1)
    order = alike[i, j].argsort()[::-1]
    pairs = [f"“{sentences[i[k]]}” and “{sentences[j[k]]}” {alike[i[k], j[k]]:.2f}" for k in order[:5]]
    rest = f" The least alike are “{sentences[i[order[-1]]]}” and “{sentences[j[order[-1]]]}”, with {alike[i, j][order[-1]]:.2f}." if len(order) else ""
    return Picture(draw, caption, f"{title}: cosines of {len(alike)} sentences. The most alike are {'; '.join(pairs)}.{rest}")


def known_pieces(word: str, vocabulary: Container[str], *, title: str, caption: str) -> Picture:
    """Which slices of a word are in a vocabulary of word pieces, and which of them the greedy search takes.

    Row i and column j is the slice from letter i to letter j, with ## before it where i > 0. Framed are the slices that are
    taken from the left, the longest each time. Raises ValueError for an empty word and one of more than 16 letters.
    """
    if not 1 <= len(word) <= 16:
        raise ValueError(f"word has {len(word)} letters; from 1 to 16 can be drawn.")
    T = len(word)
    known = np.array([[j >= i and "##" * (i > 0) + word[i : j + 1] in vocabulary for j in range(T)] for i in range(T)])
    taken, start = np.zeros((T, T), bool), 0
    while start < T and known[start].any():
        end = int(np.flatnonzero(known[start])[-1])
        taken[start, end] = True
        start = end + 1
    cells = np.ma.masked_array(known.astype(float), np.tri(T, T, -1, dtype=bool))

    def draw(figure: Figure) -> None:
        axes = place_axes(figure, 1, 1, 0.4 * T, 0.32 * T)
        draw_cells(axes, cells, MASK_MAP, 0, 1)
        label_rows(axes, [f"from {letter}" for letter in word])
        label_columns(axes, [f"to {letter}" for letter in word])
        outline(axes, taken)
        put_note(figure, "Blue: in the vocabulary. Framed: taken. In the lower left a slice would end before it begins.")
        put_title(figure, title)

    def slices(row: int) -> str:
        return ", ".join("##" * (row > 0) + word[row : j + 1] for j in np.flatnonzero(known[row])) or "none"

    rows = sorted({0, *np.argwhere(taken)[:, 0].tolist(), start} - {T})
    told = [f"From letter {row + 1}, {word[row]}: {slices(row)}"
            + (f"; taken: {'##' * (row > 0)}{word[row : int(taken[row].argmax()) + 1]}." if taken[row].any() else ".") for row in rows]
    end = "" if start == T else " So the word is unknown."
    return Picture(draw, caption, f"{title}: the slices of “{word}” that are in the vocabulary. {' '.join(told)}{end}")

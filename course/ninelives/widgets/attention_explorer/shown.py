"""The head that an explorer shows, without the hidden words."""

from dataclasses import dataclass

import numpy as np

from ninelives.figures.parts import AttentionPart
from ninelives.figures.style import number_repeats, visible
from ninelives.figures.words import read_row
from ninelives.widgets.attention_explorer.combined import map_of

WHOLE = 1000  # characters of a word: it is not cut


@dataclass(frozen=True)
class Shown:
    """One head, or several together, over the words that are not hidden.

    weights: (T, S) float64, each row renormalised over what is shown; 0 where masked.
    allowed: (T, S) bool, False where masked.
    rows, columns: numbered words, with what is invisible in them as signs. chosen: index of the chosen row, or None.
    row_positions, column_positions: where they are among all words.
    """

    weights: np.ndarray
    allowed: np.ndarray
    rows: list[str]
    columns: list[str]
    chosen: int | None
    row_positions: list[int]
    column_positions: list[int]

    def sentence(self, row: int) -> str:
        """A row in words, in those of the browser."""
        if not self.allowed[row].any():
            return f"{self.rows[row]} is masked"
        return read_row(self.weights, self.rows, row, self.columns)


def shown_head(explorer) -> Shown:
    part: AttentionPart = explorer.parts[explorer.part]
    rows, columns = number_repeats(part.rows), number_repeats(part.columns)
    kept = [j for j in range(len(columns)) if j not in explorer.hidden]
    attending = list(range(len(rows))) if part.cross else kept
    cells = np.ix_(attending, kept)
    weights, allowed = (each[cells] for each in map_of(part, explorer.layer, explorer.head, explorer.combine))  # (T, S)
    if explorer.hidden:
        sums = weights.sum(-1, keepdims=True)
        weights = np.divide(weights, sums, out=np.zeros_like(weights), where=sums > 0)
    chosen = attending.index(explorer.token) if explorer.token in attending else None
    return Shown(
        weights, allowed, [_label(rows[i]) for i in attending], [_label(columns[j]) for j in kept], chosen, attending, kept,
    )


def _label(word: str) -> str:
    return visible(word, WHOLE) or "(empty)"


def head_name(explorer) -> str:
    """The present layer and head, counted as the explorer counts."""
    part: AttentionPart = explorer.parts[explorer.part]
    layer, head = part.layers[explorer.layer], part.heads[explorer.head]
    heads, layers = len(part.heads), len(part.layers)
    if explorer.combine:
        return {
            "layer": f"Layer {layer + explorer.first}, mean of {heads} head{'' if heads == 1 else 's'}",
            "model": "Mean of 1 head" if layers * heads == 1 else f"Mean of all {layers * heads} heads",
            "rollout": f"Rollout up to layer {layer + explorer.first}",
        }[explorer.combine]
    if (part.layers, part.heads) == ([0], [0]):
        return "The only head"
    called = part.names.get((layer, head))
    return f"Layer {layer + explorer.first}, head {head + explorer.first}" + (f" ({called})" if called else "")


def full_name(explorer) -> str:
    """The model, the part and the head, and from where they are counted."""
    part: AttentionPart = explorer.parts[explorer.part]
    layers, heads = part.weights.shape[:2]
    where = [explorer.model, explorer.part if len(explorer.parts) > 1 else "", head_name(explorer)]
    counted = "" if layers * heads == 1 else f" ({layers} × {heads} heads, counted from {explorer.first})"
    return " · ".join(filter(None, where)) + counted

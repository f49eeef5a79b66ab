"""The head that an explorer shows, without the hidden words."""

from dataclasses import dataclass

import numpy as np

from ninelives.figures.parts import AttentionPart
from ninelives.figures.signed import said_of, signed_row
from ninelives.figures.style import number_repeats, visible
from ninelives.figures.words import row_in_words
from ninelives.widgets.attention_explorer.arguments import SUBSCRIPTS
from ninelives.widgets.attention_explorer.combined import map_of
from ninelives.widgets.attention_explorer.encoding import decimals

WHOLE = 1000  # characters of a word: it is not cut
NAMED = 4  # words whose mean is said, by name


@dataclass(frozen=True)
class Shown:
    """One head, or several together, over the words that are not hidden.

    weights: (T, S) float64, each row renormalised over what is shown; 0 where masked. Or signed values of another `kind`.
    allowed: (T, S) bool, False where masked.
    rows, columns: numbered words, with what is invisible in them as signs. chosen: indices of the chosen rows.
    row_positions, column_positions: where they are among all words.
    kind: one of `figures.signed.KINDS`; decimals: how many are printed; item: what a row or column is called, "word" or "token".
    """

    weights: np.ndarray
    allowed: np.ndarray
    rows: list[str]
    columns: list[str]
    chosen: list[int]
    row_positions: list[int]
    column_positions: list[int]
    kind: str
    decimals: int
    item: str

    def sentence(self, rows: list[int]) -> str:
        """A row in words, or the mean of several, in those of the browser."""
        names = listed([self.rows[i] for i in rows])
        is_open = [i for i in rows if self.allowed[i].any()]
        if not is_open:
            return f"{names} {'is' if len(rows) == 1 else 'are'} masked"
        start = said_of(self.kind, names, len(rows) > 1)
        if self.kind == "weights":
            return start + row_in_words(self.weights[is_open].mean(0), self.columns, self.item)
        counts = self.allowed[is_open].sum(0)  # (S,)
        some = np.flatnonzero(counts)
        row = self.weights[np.ix_(is_open, some)].sum(0) / counts[some]
        return start + signed_row(row, [self.columns[j] for j in some], self.kind, self.item, self.decimals)


def listed(words: list[str]) -> str:
    """Words as they are said: "a, b and c"; of many, the first three and how many more."""
    named = words if len(words) <= NAMED else [*words[: NAMED - 1], f"{len(words) - NAMED + 1} more"]
    return f"{', '.join(named[:-1])} and {named[-1]}" if len(named) > 1 else named[0]


def shown_head(explorer) -> Shown:
    part: AttentionPart = explorer.parts[explorer.part]
    rows, columns = number_repeats(part.rows), number_repeats(part.columns)
    kept = [j for j in range(len(columns)) if j not in explorer.hidden]
    attending = list(range(len(rows))) if part.cross else kept
    cells = np.ix_(attending, kept)
    weights, allowed = (each[cells] for each in map_of(part, explorer.layer, explorer.head, explorer.combine))  # (T, S)
    if explorer.hidden and part.kind == "weights":
        sums = weights.sum(-1, keepdims=True)
        weights = np.divide(weights, sums, out=np.zeros_like(weights), where=sums > 0)
    together = [attending.index(i) for i in explorer.together if i in attending]
    alone = [attending.index(explorer.token)] if explorer.token in attending else []
    return Shown(
        weights, allowed, [label_of(rows[i]) for i in attending], [label_of(columns[j]) for j in kept], together or alone, attending, kept,
        part.kind, decimals(part), part.item,
    )


def label_of(word: str) -> str:
    return ("" if word.strip(SUBSCRIPTS) else "(empty)") + visible(word, WHOLE)  # of several empty ones, "(empty)₁"


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

"""The widget itself: its traits, and what it asks of an embedding."""

import base64
from collections.abc import Sequence

import numpy as np
import traitlets as t
from torch import nn

from ninelives.figures import Picture, number_repeats, whose
from ninelives.figures.style import ACCENT
from ninelives.widgets.arguments import check_position, words_and_ids
from ninelives.widgets.lab_widget import SIGNED, LabWidget, browser_code, browser_style
from ninelives.widgets.position_lab.in_words import bag, norm, note_on, reading
from ninelives.widgets.position_lab.picture import still_picture
from ninelives.widgets.position_lab.vectors import every_word_everywhere, rows_added, strips_shown

MOST_WORDS = 40


class PositionLab(LabWidget):
    """A sentence whose words can be moved, and what each word's vector becomes at its position.

    `embedding` is any module from idx (B, T) int64 to (B, T, n_embd) in which a vector depends on the word and its
    position alone. `words` are the T words, `idx` their ids, (T,) or (1, T).

    The module is asked once, for every word at every position, so it may also be wrong. If it adds a row of one of its
    tables to a row of another, the word's part is its row of the token table and the position's part its row of the
    position table. In any other module the word's part is the mean of its vectors over the T positions, and the
    position's part is the rest. Either way they add up to the module's own vector. "Without positions" is the word's part
    alone.

    The traits `order` (the words by their number at the start, from the first position to the last), `word` (the number
    of the word that is picked) and `positions` (False: without) are synced, so they can be set, observed and linked.

    Raises ValueError for words and ids that do not fit, for more than 40 words, and for vectors that have another shape,
    hold NaN or depend on the other words; TraitError for an order that does not name each word once and for a word that
    does not exist.
    """

    _esm = browser_code("position_lab")
    _css = browser_style("position_lab")

    table: np.ndarray  # (T, T, n_embd), of each word at each position
    word_parts: np.ndarray  # (T, n_embd)
    position_parts: np.ndarray  # (T, T, n_embd)
    whose: str
    adds_rows: bool

    words = t.List(t.Unicode()).tag(sync=True)
    channels = t.Int().tag(sync=True)
    # (T, T, n_embd) little-endian float32 in base64: the vector of each word at each position.
    vectors = t.Unicode().tag(sync=True)
    word_vectors = t.Unicode().tag(sync=True)  # (T, n_embd) likewise: the part of each word
    largest = t.Float().tag(sync=True)  # absolute, of all numbers shown: the end of the scale
    note = t.Unicode().tag(sync=True)
    colours = t.Dict().tag(sync=True)
    order = t.List(t.Int()).tag(sync=True)
    word = t.Int(0).tag(sync=True)
    positions = t.Bool(True).tag(sync=True)

    def __init__(self, embedding: nn.Module, words: Sequence[str], idx):
        words, idx = words_and_ids(words, idx, MOST_WORDS)
        self.table = every_word_everywhere(embedding, words, idx)  # (T, T, n_embd), of each word at each position
        rows = rows_added(embedding, idx, self.table)
        self.whose, self.adds_rows = whose(embedding), rows is not None
        self.word_parts = self.table.mean(1) if rows is None else rows  # (T, n_embd)
        self.position_parts = self.table - self.word_parts[:, None]  # (T, T, n_embd)
        largest = max(np.abs(part).max() for part in (self.table, self.word_parts, self.position_parts))
        super().__init__(
            words=number_repeats(words),
            channels=self.table.shape[2],
            vectors=base64.b64encode(self.table.astype("<f4").tobytes()).decode(),
            word_vectors=base64.b64encode(self.word_parts.astype("<f4").tobytes()).decode(),
            largest=float(largest) or 1.0,
            colours={"signed": SIGNED, "accent": ACCENT},
            order=list(range(len(words))),
        )
        self.note = note_on(self)

    @t.validate("order")
    def _is_an_order(self, proposal) -> list[int]:
        order = proposal["value"]
        if sorted(order) != list(range(len(self.words))):
            raise t.TraitError(
                f"order is {order}; it must name each of the {len(self.words)} words once, counted from 0 to "
                f"{len(self.words) - 1}."
            )
        return order

    @t.validate("word")
    def _exists(self, proposal) -> int:
        check_position("word", proposal["value"], len(self.words))
        return proposal["value"]

    def describe(self) -> str:
        """What the lab shows at present, in words."""
        sentence = f"The sentence is “{' '.join(self.words[word] for word in self.order)}”"
        if self.order != sorted(self.order):
            sentence += f"; at the start it was “{' '.join(self.words)}”"
        lengths = "; ".join(f"{name}: {norm(part):.2f}" for name, part in strips_shown(self))
        return f"{sentence}. {reading(self)}. Lengths of the vectors: {lengths}. {bag(self)} {self.note}"

    def picture(self) -> Picture:
        """The sentence and the vectors of the picked word, as a still picture."""
        return still_picture(self)

    def __repr__(self) -> str:
        words = f"{len(self.words)} {'word' if len(self.words) == 1 else 'words'} of {self.channels} channels"
        positions = "with" if self.positions else "without"
        return f"PositionLab({words}, {positions} positions; {self.words[self.word]!r} at position {self.order.index(self.word)})"

"""The position lab: move a word along the sentence and watch its vector."""

import base64
from collections.abc import Sequence

import numpy as np
import torch
import traitlets as t
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from torch import nn

from ninelives.figures import Picture, number_repeats
from ninelives.figures.cells import (
    colour_bar,
    draw_cells,
    has_room_for_numbers,
    label_columns,
    label_rows,
    numbers,
)
from ninelives.figures.style import (
    ACCENT,
    MUTED,
    NOTE_SIZE,
    PAPER,
    RULE,
    SIGNED_MAP,
    TITLE_SIZE,
    WIDTH,
    place_axes,
    put_note,
    put_title,
    text_width,
    visible,
)
from ninelives.widgets.lab_widget import LabWidget, browser_code, browser_style

MOST_WORDS = 40
SAME = 1e-5  # numbers count as equal when they differ by less than this part of the largest


class PositionLab(LabWidget):
    """A sentence whose words can be moved, and what each word's vector becomes at its place.

    `embedding` is any module from idx (B, T) int64 to (B, T, n_embd) in which a vector depends
    on the word and its place alone. `words` are the T words, `idx` their ids, (T,) or (1, T).

    The module is asked once, for every word at every place. How it makes a vector it need not
    tell: a word's part is the mean of its vectors over the T places, the place's part is the
    rest. They add up to the module's own vector, whatever the module does inside. For a sum of
    two tables, the word's part is its row of the token table plus the mean of the T position
    rows, and the place's part is its position row less that mean. "Without positions" is the
    word's part alone.

    The traits `order` (the words by their number at the start, from the first place to the
    last), `word` (the number of the word that is picked) and `positions` (False: without) are
    synced, so they can be set, observed and linked.

    Raises ValueError for words and ids that do not fit, for more than 40 words, and for vectors
    that have another shape, hold NaN or depend on the other words; TraitError for an order that
    is none and a word that is not there.
    """

    _esm = browser_code("position_lab")
    _css = browser_style("position_lab")

    words = t.List(t.Unicode()).tag(sync=True)
    channels = t.Int().tag(sync=True)
    # (T, T, n_embd) little-endian float32 in base64: the vector of each word at each place.
    vectors = t.Unicode().tag(sync=True)
    largest = t.Float().tag(sync=True)  # absolute, of all numbers shown: the end of the scale
    note = t.Unicode().tag(sync=True)
    colours = t.Dict().tag(sync=True)
    order = t.List(t.Int()).tag(sync=True)
    word = t.Int(0).tag(sync=True)
    positions = t.Bool(True).tag(sync=True)

    def __init__(self, embedding: nn.Module, words: Sequence[str], idx):
        words, idx = _words_and_ids(words, idx)
        self._vectors = _every_word_everywhere(embedding, words, idx)  # (T, T, n_embd)
        self._word_parts = self._vectors.mean(1)  # (T, n_embd)
        self._place_parts = self._vectors - self._word_parts[:, None]  # (T, T, n_embd)
        largest = max(
            np.abs(part).max() for part in (self._vectors, self._word_parts, self._place_parts)
        )
        colour_map = SIGNED_MAP.resampled(255)  # odd, so that the one in the middle is white
        super().__init__(
            words=number_repeats(words),
            channels=self._vectors.shape[2],
            vectors=base64.b64encode(self._vectors.astype("<f4").tobytes()).decode(),
            largest=float(largest) or 1.0,
            colours={"signed": [to_hex(colour_map(k)) for k in range(255)], "accent": ACCENT},
            order=list(range(len(words))),
        )
        self.note = self._what_the_parts_are()

    @t.validate("order")
    def _is_an_order(self, proposal) -> list[int]:
        order = proposal["value"]
        if sorted(order) != list(range(len(self.words))):
            raise t.TraitError(
                f"order is {order}; it must name each of the {len(self.words)} words once, "
                f"counted from 0 to {len(self.words) - 1}."
            )
        return order

    @t.validate("word")
    def _is_there(self, proposal) -> int:
        word, count = proposal["value"], len(self.words)
        if self.words and not 0 <= word < count:
            raise t.TraitError(
                f"word is {word}, but there {'is' if count == 1 else 'are'} {count}, "
                f"counted from 0 to {count - 1}."
            )
        return word

    def describe(self) -> str:
        """What the lab shows at present, in words."""
        now = " ".join(self.words[w] for w in self.order)
        said = [f"The sentence is “{now}”"]
        if self.order != sorted(self.order):
            said[0] += f"; at the start it was “{' '.join(self.words)}”"
        said[0] += "."
        lengths = [f"{name}: {_length(part):.2f}" for name, part in self._strips()]
        said.append(self._reading() + ".")
        said.append(f"Lengths of the vectors: {'; '.join(lengths)}.")
        return " ".join([*said, self._bag(), self.note])

    def picture(self) -> Picture:
        """The sentence and the vectors of the picked word, as a still picture."""
        strips = self._strips()
        table = np.stack([part for _, part in strips])
        tiles, bag, reading = self._tiles(), self._bag(), self._reading()

        def draw(figure: Figure) -> None:
            small = has_room_for_numbers(table)
            width = 0.5 * self.channels if small else min(WIDTH - 2.6, 0.28 * self.channels)
            axes = place_axes(figure, 1.6, 3, max(1.0, width), 0.36 * len(strips))
            draw_cells(
                axes, table, SIGNED_MAP, -self.largest, self.largest, numbers(table) if small else None
            )
            label_rows(axes, [name for name, _ in strips])
            label_columns(axes, [str(channel) for channel in range(self.channels)])
            if not small:
                colour_bar(axes)
            _draw_tiles(figure, tiles)
            put_note(figure, bag)
            put_title(figure, reading)

        return Picture(draw, reading + ".", self.describe())

    def __repr__(self) -> str:
        said = f"{len(self.words)} words of {self.channels} channels"
        if len(self.words) == 1:
            said = said.replace("words", "word")
        with_ = "with" if self.positions else "without"
        return (
            f"PositionLab({said}, {with_} positions; "
            f"{self.words[self.word]!r} at place {self.order.index(self.word)})"
        )

    def _strips(self) -> list[tuple[str, np.ndarray]]:
        """The rows shown, each a name and a vector (n_embd,): the parts, the sum, what the sum was."""
        place = self.order.index(self.word)
        name, word = visible(self.words[self.word]), self._word_parts[self.word]
        if not self.positions:
            return [(name, word), ("= the model gets", word)]
        strips = [
            (name, word),
            (f"+ place {place}", self._place_parts[self.word, place]),
            ("= the model gets", self._vectors[self.word, place]),
        ]
        if place != self.word:
            strips.append((f"before, place {self.word}", self._vectors[self.word, self.word]))
        return strips

    def _reading(self) -> str:
        name, place = f"“{self.words[self.word]}”", self.order.index(self.word)
        if not self.positions:
            return f"{name} at place {place}: without positions its vector is the same at every place"
        here, before = self._vectors[self.word, place], self._vectors[self.word, self.word]
        if place == self.word:
            return f"{name} at place {place}, where it began: the length of its vector is {_length(here):.2f}"
        return (
            f"{name} moved from place {self.word} to place {place}: its vector changed by "
            f"{_length(here - before):.2f} (its length is {_length(here):.2f})"
        )

    def _bag(self) -> str:
        """Whether the sentence holds the same vectors as at the start, in any order."""
        count = len(self.words)
        if count == 1:
            return "A sentence of one word has one place: there is nothing to move."
        if self.order == sorted(self.order):
            return "The sentence stands as it began."
        new = self._new_places()
        if not new:
            return (
                f"The same {count} vectors as at the start, in another order: as a bag of "
                "vectors, the two sentences are equal."
            )
        return (
            f"{len(new)} of the {count} vectors {'is' if len(new) == 1 else 'are'} new: as a bag "
            "of vectors, this is another sentence."
        )

    def _new_places(self) -> list[int]:
        """The places whose vector was not in the sentence at the start."""
        if not self.positions:
            return []
        count, new = len(self.words), []
        left = [self._vectors[w, w] for w in range(count)]
        for place, word in enumerate(self.order):
            away = [np.abs(vector - self._vectors[word, place]).max() for vector in left]
            nearest = int(np.argmin(away))
            if away[nearest] < SAME * self.largest:
                del left[nearest]
            else:
                new.append(place)
        return new

    def _what_the_parts_are(self) -> str:
        count = len(self.words)
        if count == 1:
            return "With one place there is nothing to compare, so the word's part is the whole vector."
        note = (
            f"The word's part is the mean of its vectors at all {count} places, and the place's "
            "part is the rest: together they are exactly what your module gives."
        )
        spread = np.abs(self._place_parts - self._place_parts[:1]).max()  # between words
        if np.abs(self._place_parts).max() < SAME * self.largest:
            return f"{note} A word has the same vector at every place: your module adds no positions."
        if len(np.unique(self._word_parts, axis=0)) == 1:
            return note
        if spread < SAME * self.largest:
            return f"{note} At each place the rest is the same for every word."
        return f"{note} At one place the rest differs from word to word: your module does more than add."

    def _tiles(self) -> list[tuple[str, str, bool]]:
        """Of each word of the sentence, in order: itself, what stands below it, whether it is picked."""
        new = self._new_places()
        return [(visible(self.words[word]), f"{place} · new" if place in new else str(place), word == self.word)
                for place, word in enumerate(self.order)]


def _draw_tiles(figure: Figure, tiles: Sequence[tuple[str, str, bool]]) -> None:
    """The words as tiles, the picked one framed, above the strips."""
    places, x, line = [], 0.0, 0
    for text, below, _ in tiles:
        width = max(text_width(text, TITLE_SIZE), text_width(below, NOTE_SIZE)) + 0.24
        if x and x + width > WIDTH:
            x, line = 0.0, line + 1
        places.append((x, 0.62 * line, width))
        x += width + 0.06
    height = 0.62 * (line + 1)
    axes = place_axes(figure, 0.35, 2.8 - height, WIDTH, height)
    axes.set_axis_off()
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(height, 0)
    for (text, below, picked), (x, y, width) in zip(tiles, places, strict=True):
        axes.add_patch(FancyBboxPatch(
            (x + 0.04, y + 0.04), width - 0.08, 0.26, boxstyle="round,pad=0.04",
            facecolor=PAPER, edgecolor=ACCENT if picked else RULE,
            linewidth=2 if picked else 0.8, clip_on=False,
        ))
        axes.text(x + width / 2, y + 0.17, text, size=TITLE_SIZE, ha="center", va="center_baseline")
        axes.text(x + width / 2, y + 0.38, below, size=NOTE_SIZE, color=MUTED, ha="center", va="top")


def _length(vector: np.ndarray) -> float:
    return float(np.linalg.norm(vector))


def _words_and_ids(words: Sequence[str], idx) -> tuple[list[str], torch.Tensor]:
    """`words` as a list and `idx` as a tensor (T,), once they fit."""
    if isinstance(words, str):
        raise ValueError(
            f"words is the single string {words!r}; pass a list of words, for example with .split()."
        )
    words, ids = [str(word) for word in words], torch.as_tensor(idx)
    if ids.dim() == 2 and len(ids) == 1:
        ids = ids[0]
    if ids.dim() != 1 or ids.is_floating_point():
        raise ValueError(
            f"idx has shape {tuple(ids.shape)} and dtype {ids.dtype}; pass the ids of one sentence, "
            "whole numbers of shape (T,) or (1, T)."
        )
    if len(words) != len(ids):
        raise ValueError(f"There are {len(words)} words and {len(ids)} ids in idx; pass one id for each word.")
    if not 1 <= len(words) <= MOST_WORDS:
        raise ValueError(
            f"The sentence has {len(words)} words; the lab shows 1 to {MOST_WORDS}, so pass "
            f"{'at least one word' if not words else 'a shorter sentence'}."
        )
    return words, ids.long()


@torch.no_grad()
def _every_word_everywhere(embedding: nn.Module, words: list[str], idx: torch.Tensor) -> np.ndarray:
    """(T, T, n_embd) float64: the vector of each word of `idx` (T,) at each place."""
    T = len(idx)
    weight = next(embedding.parameters(), idx)
    modes = [(module, module.training) for module in embedding.modules()]
    embedding.eval()  # dropout would change a word's vector at every look
    try:
        tables = []
        # The second time in reverse, so that every word at every place has other neighbours.
        for sentence in (torch.arange(T), torch.arange(T).flip(0)):
            turns = torch.arange(T).unsqueeze(0) + torch.arange(T).unsqueeze(1)  # (T, T)
            arranged = sentence[turns % T]  # (T, T), in each row the words turned by one more place
            vectors = embedding(idx[arranged].to(weight.device))
            _refuse_other_vectors(vectors, arranged, words)
            table = torch.empty(vectors.shape, dtype=torch.float64)
            table[arranged, torch.arange(T)] = vectors.double().cpu()
            tables.append(table.float().double().numpy())  # as exact as what is sent
    finally:
        for module, training in modes:
            module.training = training
    table, again = tables
    away = np.abs(table - again).max(-1)  # (T, T)
    if away.max() > SAME * np.abs(table).max():
        word, place = np.unravel_index(away.argmax(), away.shape)
        raise ValueError(
            f"The vector of {words[word]!r} at place {place} changes with the words around it; pass the "
            "embedding layer alone, in which a vector depends on the word and its place."
        )
    return table


def _refuse_other_vectors(vectors, arranged: torch.Tensor, words: list[str]) -> None:
    T = len(words)
    if not isinstance(vectors, torch.Tensor) or vectors.dim() != 3 or vectors.shape[:2] != (T, T):
        seen = f"shape {tuple(vectors.shape)}" if isinstance(vectors, torch.Tensor) else type(vectors).__name__
        raise ValueError(
            f"For idx of shape ({T}, {T}) the module gave {seen}; it must give one vector for each "
            f"id, shape ({T}, {T}, n_embd)."
        )
    broken = ~vectors.isfinite().all(-1).cpu()  # (T, T)
    if broken.any():
        row, place = broken.nonzero()[0].tolist()
        raise ValueError(
            f"The vector of {words[arranged[row, place]]!r} at place {place} holds NaN or infinity; "
            "look at the tables of your module."
        )

"""The mask lab: who may look at whom in a batch, and what that does to the softmax."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
import traitlets as t

from ninelives.figures import Picture, masks_side_by_side, number_repeats, read_row
from ninelives.figures.style import ACCENT, BLUE, SKY
from ninelives.model import Decoder, Encoder
from ninelives.model.transformer import joint_mask
from ninelives.widgets.shared import Drawn, browser_code, browser_style

MOST_PLACES = 24
PAD = "pad"


class MaskLab(Drawn):
    """The masks of a batch, with sliders for the lengths.

    `sentences` are lists of words, or lengths (whole numbers; the words are then called w1,
    w2, …). `prefix` is the same for what stands in front of each sentence, as the encoder's
    words stand in front of the decoder's (notebook 7); its padding comes first.
    `get_attention_mask(num_tokens, T)`, a learner's own, is asked for every choice of lengths
    and compared with what is shown.

    The traits `lengths`, `prefix_lengths`, `causal`, `rows_too` (close the rows of padding too,
    which makes them NaN), `sentence` and `token` (the chosen row, counted through prefix and
    sentence) are synced, so they can be set, observed and linked.

    Raises ValueError for sentences that are none, or too long to be drawn, and TraitError for a
    length, sentence or row that is not there.
    """

    _esm = browser_code("mask_lab")
    _css = browser_style("mask_lab")

    words = t.List(t.List(t.Unicode())).tag(sync=True)  # B sentences
    prefix = t.List(t.List(t.Unicode())).tag(sync=True)  # B prefixes, or none at all
    scores = t.List(t.List(t.Float())).tag(sync=True)  # (N, N), N places of prefix and sentence
    colours = t.Dict().tag(sync=True)
    lengths = t.List(t.Int()).tag(sync=True)
    prefix_lengths = t.List(t.Int()).tag(sync=True)
    causal = t.Bool(False).tag(sync=True)
    rows_too = t.Bool(False).tag(sync=True)
    sentence = t.Int(0).tag(sync=True)
    token = t.Int(0).tag(sync=True)
    # What the learner's function gave: {"lengths": [...], "masks": ["0101…", …]} or {"lengths", "error"}.
    yours = t.Dict().tag(sync=True)

    def __init__(
        self,
        sentences: Sequence,
        causal: bool = False,
        prefix: Sequence | None = None,
        get_attention_mask: Callable | None = None,
    ):
        words, lengths = _as_words(sentences, "sentences")
        before, prefix_lengths = ([], []) if prefix is None else _as_words(prefix, "prefix")
        if before and len(before) != len(words):
            raise ValueError(f"prefix holds {len(before)} prefixes for {len(words)} sentences; pass one for each.")
        places = _longest(words) + _longest(before)
        if places > MOST_PLACES:
            raise ValueError(f"there are {places} places to draw, and at most {MOST_PLACES} can be told apart: shorten the sentences.")
        # Fixed, so that all that moves when a mask changes is the mask's doing.
        scores = np.random.default_rng(7).normal(scale=1.2, size=(places, places)).round(1)
        super().__init__(
            words=words, prefix=before, scores=scores.tolist(), causal=causal,
            colours={"accent": ACCENT, "link": BLUE, "link-dark": SKY},
        )
        # After the words, against which they are checked.
        self.lengths, self.prefix_lengths = lengths, prefix_lengths
        self.token = _longest(before)
        self._theirs = get_attention_mask
        self._ask()
        self.observe(self._ask, "lengths")

    @t.validate("lengths", "prefix_lengths")
    def _fit_the_words(self, proposal) -> list[int]:
        name, lengths = proposal["trait"].name, proposal["value"]
        words = self.words if name == "lengths" else self.prefix
        if len(lengths) != len(words):
            raise t.TraitError(f"{name} holds {len(lengths)} lengths for {len(words)} sentences; give one for each.")
        for length, of in zip(lengths, words, strict=True):
            if not 1 <= length <= len(of):
                raise t.TraitError(f"{name} holds {length}: this sentence has 1 to {len(of)} words.")
        return lengths

    @t.validate("sentence", "token")
    def _is_there(self, proposal) -> int:
        name, value = proposal["trait"].name, proposal["value"]
        count = len(self.words) if name == "sentence" else len(self.scores)
        if count and not 0 <= value < count:
            raise t.TraitError(f"{name} is {value}, but there are {count}, counted from 0 to {count - 1}.")
        return value

    def masks(self) -> np.ndarray:
        """(B, N, N) bool, the masks shown: prefix and sentence in one."""
        T, P = _longest(self.words), _longest(self.prefix)
        is_word = torch.arange(T) < torch.tensor(self.lengths).unsqueeze(1)  # (B, T)
        # Masks need no weights, so a model without any will do.
        kind = Decoder if self.causal else Encoder
        model = kind.__new__(kind)
        mask = model.get_attention_mask(torch.tensor(self.lengths), T)  # (B, 1, T, T)
        if P:
            is_before = torch.arange(P) >= P - torch.tensor(self.prefix_lengths).unsqueeze(1)  # (B, P)
            mask = joint_mask(is_before.unsqueeze(-1).float(), is_word.int() - 1, mask)  # (B, 1, P + T, P + T)
            is_word = torch.cat((is_before, is_word), dim=1)  # (B, P + T)
        if self.rows_too:
            mask = mask & is_word[:, None, :, None]
        return mask[:, 0].numpy()

    def describe(self) -> str:
        """What the lab shows at present, in words."""
        said = [f"{self._settings()}."]
        said.append(f"Chosen: {self._row_in_words()}")
        if self._theirs is not None:
            said.append(self._compared())
        return " ".join([*said, self._drawn().alt])

    def picture(self) -> Picture:
        """The masks as a still picture."""
        drawn = self._drawn()
        return replace(drawn, alt=self.describe())

    def __repr__(self) -> str:
        return f"MaskLab({len(self.words)} sentences, {self._settings().lower()})"

    def _drawn(self) -> Picture:
        return masks_side_by_side(
            list(self.masks()), [self._labels(b) for b in range(len(self.words))],
            [f"sentence {b + 1}" for b in range(len(self.words))], caption=self._settings(),
        )

    def _settings(self) -> str:
        said = f"{'Causal masks' if self.causal else 'Encoder masks'}, lengths {_listed(self.lengths)} of {_longest(self.words)}"
        if self.prefix:
            said += f", prefixes {_listed(self.prefix_lengths)} of {_longest(self.prefix)}"
        return said + (", rows of padding closed too" if self.rows_too else "")

    def _labels(self, b: int) -> list[str]:
        """The N labels of a sentence's places, padding included."""
        after, T, P = self.lengths[b], _longest(self.words), _longest(self.prefix)
        labels = self.words[b][:after] + [PAD] * (T - after)
        if P:
            n = self.prefix_lengths[b]
            labels = [PAD] * (P - n) + self.prefix[b][:n] + labels
        return labels

    def _row_in_words(self) -> str:
        mask, labels = self.masks()[self.sentence, self.token], self._labels(self.sentence)
        name = f"{labels[self.token]} (place {self.token + 1} of sentence {self.sentence + 1})"
        if not mask.any():
            return f"{name} may look at nothing, so its softmax is 0 ÷ 0, NaN."
        seen = ", ".join(label for label, may in zip(labels, mask, strict=True) if may)
        scores = np.where(mask, self.scores[self.token], -np.inf)
        weights = np.exp(scores - scores.max())
        return f"{name} may look at {seen}: {read_row(weights / weights.sum(), labels, self.token)}."

    def _ask(self, _change=None) -> None:
        if self._theirs is not None:
            self.yours = {"lengths": self.lengths, **self._answer()}

    def _answer(self) -> dict:
        B, T = len(self.words), _longest(self.words)
        try:
            mask = torch.as_tensor(self._theirs(torch.tensor(self.lengths), T))
            if mask.dim() != 4:
                return {"error": f"it gives the shape {tuple(mask.shape)}, where (B, 1, T, T) = {(B, 1, T, T)} is wanted."}
            mask = (mask != 0).expand(B, -1, T, T)[:, 0]  # (B, T, T)
        # It is a learner's function: whatever it raises, the lab goes on and says so.
        except Exception as error:
            return {"error": f"it raises {type(error).__name__}: {error}"}
        return {"masks": ["".join("01"[cell] for cell in one.flatten().int().tolist()) for one in mask]}

    def _compared(self) -> str:
        """Whether the learner's masks are those shown, in words."""
        if "error" in self.yours:
            return f"Your get_attention_mask: {self.yours['error']}"
        P, T = _longest(self.prefix), _longest(self.words)
        yours = np.array([[int(cell) for cell in one] for one in self.yours["masks"]]).reshape(-1, T, T)
        differ = int((yours != self.masks()[:, P:, P:]).sum())
        if not differ:
            return "Your get_attention_mask agrees with what is shown."
        return f"Your get_attention_mask differs from what is shown in {differ} {'cell' if differ == 1 else 'cells'}."


def _as_words(sentences: Sequence, name: str) -> tuple[list[list[str]], list[int]]:
    """Words with repeated ones numbered, and how many of them each sentence begins with."""
    sentences = list(sentences)
    if not sentences:
        raise ValueError(f"{name} is empty; pass at least one sentence, a list of words.")
    if all(isinstance(length, int) for length in sentences):
        if min(sentences) < 1:
            raise ValueError(f"{name} holds the length {min(sentences)}; a sentence has at least one word.")
        return [[f"w{k + 1}" for k in range(max(sentences))] for _ in sentences], sentences
    for words in sentences:
        if isinstance(words, str) or not isinstance(words, Sequence) or not len(words):
            raise ValueError(f"{name} holds {words!r}; each sentence is a list of words, for example \"it slept\".split().")
    words = [number_repeats([str(word) for word in sentence]) for sentence in sentences]
    return words, [len(sentence) for sentence in words]


def _longest(words: list[list[str]]) -> int:
    return max((len(sentence) for sentence in words), default=0)


def _listed(lengths: list[int]) -> str:
    return ", ".join(map(str, lengths))

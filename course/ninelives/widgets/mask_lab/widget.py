"""The widget itself: its traits, the masks, and the learner's own."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
import traitlets as t

from ninelives.figures import Picture, masks_side_by_side
from ninelives.model import Decoder, Encoder
from ninelives.model.masks import joint_mask
from ninelives.widgets.arguments import check_position
from ninelives.widgets.lab_widget import COLOURS, LabWidget, browser_code, browser_style
from ninelives.widgets.mask_lab import in_words
from ninelives.widgets.mask_lab.answer import answer_of
from ninelives.widgets.mask_lab.sentences import as_words, labels, longest

MOST_POSITIONS = 24


class MaskLab(LabWidget):
    """The masks of a batch, with sliders for the lengths.

    `sentences` are lists of words, or lengths (whole numbers; the words are then called w1, w2, …). `prefix` is the same
    for what comes before each sentence, as the encoder's words come before the decoder's (notebook 7); its
    padding comes first. `get_attention_mask(num_tokens, T)`, a learner's own, is asked for every choice of lengths and
    compared with what is shown. Where there are prefixes, `joint_mask(hidden_cache, attention_mask)` may be passed instead, and is
    compared in all four blocks.

    The traits `lengths`, `prefix_lengths`, `causal`, `rows_too` (close the rows of padding too, which makes them NaN),
    `sentence` and `token` (the chosen row, counted through prefix and sentence) are synced, so they can be set, observed
    and linked.

    Raises ValueError for no sentences, for sentences too long to draw, and for a joint_mask without prefixes, and TraitError for a length, sentence or row
    that does not exist.
    """

    _esm = browser_code("mask_lab")
    _css = browser_style("mask_lab")

    words = t.List(t.List(t.Unicode())).tag(sync=True)  # B sentences
    prefix = t.List(t.List(t.Unicode())).tag(sync=True)  # B prefixes, or none at all
    scores = t.List(t.List(t.Float())).tag(sync=True)  # (N, N), N positions of prefix and sentence
    colours = t.Dict().tag(sync=True)
    lengths = t.List(t.Int()).tag(sync=True)
    prefix_lengths = t.List(t.Int()).tag(sync=True)
    causal = t.Bool(False).tag(sync=True)
    rows_too = t.Bool(False).tag(sync=True)
    sentence = t.Int(0).tag(sync=True)
    token = t.Int(0).tag(sync=True)
    # What the learner's function gave: {"lengths": [...], "masks": ["0101…", …]} or {"lengths", "error"}; {"lengths",
    # "package": True} for a function of the package. Masks of a joint_mask have its "name", and are of prefix and sentence.
    yours = t.Dict().tag(sync=True)

    def __init__(
        self,
        sentences: Sequence,
        causal: bool = False,
        prefix: Sequence | None = None,
        get_attention_mask: Callable | None = None,
        joint_mask: Callable | None = None,
    ):
        words, lengths = as_words(sentences, "sentences")
        before, prefix_lengths = ([], []) if prefix is None else as_words(prefix, "prefix")
        if before and len(before) != len(words):
            raise ValueError(f"prefix holds {len(before)} prefixes for {len(words)} sentences; pass one for each.")
        if joint_mask is not None and not before:
            raise ValueError("joint_mask joins a prefix and a sentence: pass prefix=…, or a get_attention_mask.")
        N = longest(words) + longest(before)
        if N > MOST_POSITIONS:
            raise ValueError(f"there are {N} positions to draw, and at most {MOST_POSITIONS} fit: shorten the sentences.")
        # Always the same scores, so that a change in the picture can only come from the mask.
        scores = np.random.default_rng(7).normal(scale=1.2, size=(N, N)).round(1)
        super().__init__(words=words, prefix=before, scores=scores.tolist(), causal=causal, colours=COLOURS)
        self.lengths, self.prefix_lengths = lengths, prefix_lengths  # after the words, against which they are checked
        self.token = longest(before)
        self._get_attention_mask, self._joint_mask = get_attention_mask, joint_mask
        self._run_yours()
        self.observe(self._run_yours, ["lengths", "prefix_lengths", "causal"])

    @t.validate("lengths", "prefix_lengths")
    def _check_lengths(self, proposal) -> list[int]:
        name, lengths = proposal["trait"].name, proposal["value"]
        words = self.words if name == "lengths" else self.prefix
        if len(lengths) != len(words):
            raise t.TraitError(f"{name} holds {len(lengths)} lengths for {len(words)} sentences; give one for each.")
        for length, of in zip(lengths, words, strict=True):
            if not 1 <= length <= len(of):
                raise t.TraitError(f"{name} holds {length}: this sentence has 1 to {len(of)} words.")
        return lengths

    @t.validate("sentence", "token")
    def _exists(self, proposal) -> int:
        name, value = proposal["trait"].name, proposal["value"]
        check_position(name, value, len(self.words if name == "sentence" else self.scores))
        return value

    def masks(self, causal: bool | None = None) -> np.ndarray:
        """(B, N, N) bool, the masks shown, prefix and sentence in one; with `causal` as it is, or as given."""
        T, P = longest(self.words), longest(self.prefix)
        is_word = torch.arange(T) < torch.tensor(self.lengths).unsqueeze(1)  # (B, T)
        # Masks need no weights, so a model without any will do.
        kind = Decoder if (self.causal if causal is None else causal) else Encoder
        model = kind.__new__(kind)
        mask = model.get_attention_mask(torch.tensor(self.lengths), T)  # (B, 1, T, T)
        if P:
            is_before = torch.arange(P) >= P - torch.tensor(self.prefix_lengths).unsqueeze(1)  # (B, P)
            mask = joint_mask(is_before.unsqueeze(-1).float(), mask)  # (B, 1, P + T, P + T)
            is_word = torch.cat((is_before, is_word), dim=1)  # (B, P + T)
        if self.rows_too:
            mask = mask & is_word[:, None, :, None]
        return mask[:, 0].numpy()

    def describe(self) -> str:
        """What the lab shows at present, in words."""
        masks = self.masks()
        said = [f"{in_words.settings(self)}.", f"Chosen: {in_words.chosen_row(self, masks)}"]
        if self.yours:
            said.append(in_words.compared(self))
        if nan := in_words.spread_of_nan(self):
            said.append(nan)
        return " ".join([*said, self._drawn().alt])

    def picture(self) -> Picture:
        """The masks as a still picture."""
        return replace(self._drawn(), alt=self.describe())

    def __repr__(self) -> str:
        return f"MaskLab({len(self.words)} sentences, {in_words.settings(self).lower()})"

    def _drawn(self) -> Picture:
        sentences = range(len(self.words))
        return masks_side_by_side(
            list(self.masks()), [labels(self, b) for b in sentences], [f"sentence {b + 1}" for b in sentences],
            caption=in_words.settings(self),
        )

    def _run_yours(self, _change=None) -> None:
        B, T, P = len(self.words), longest(self.words), longest(self.prefix)
        asked = {"lengths": self.lengths, "prefix_lengths": self.prefix_lengths}
        if self._joint_mask is not None:
            is_before = torch.arange(P) >= P - torch.tensor(self.prefix_lengths).unsqueeze(1)  # (B, P)
            cache = is_before.unsqueeze(-1).float().repeat(1, 1, 4)  # (B, P, 4)
            kind = Decoder if self.causal else Encoder
            among = kind.__new__(kind).get_attention_mask(torch.tensor(self.lengths), T)  # (B, 1, T, T)
            about = {"causal": self.causal, "name": "joint_mask"}
            self.yours = asked | about | answer_of(self._joint_mask, cache, among, B=B, N=P + T, names="(B, 1, P + T, P + T)")
        elif self._get_attention_mask is not None:
            self.yours = asked | answer_of(self._get_attention_mask, torch.tensor(self.lengths), T, B=B, N=T, names="(B, 1, T, T)")

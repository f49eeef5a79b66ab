"""The translation lab: type a sentence and watch its translation being written, word by word."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
import traitlets as t
from matplotlib.figure import Figure
from torch import nn

from ninelives.figures import Picture, heatmap, number_repeats, read_row
from ninelives.figures.style import (
    ACCENT,
    BLUE,
    LABEL_SIZE,
    SKY,
    WIDTH,
    place_axes,
    put_note,
    put_title,
)
from ninelives.model import answer_attentions, prefix_generation
from ninelives.model.inspection import in_eval_mode
from ninelives.widgets.lab_widget import LabWidget, browser_code, browser_style

MOST_NEW = 32  # words of a translation
LIKELY = 3  # candidates shown for each word
ALL_HEADS = -1


class TranslationLab(LabWidget):
    """A sentence, its translation, and for each word of that where it looked and what else it might have been.

    `model` is an encoder-decoder, the package's or a learner's own, `tokenizer` has the words of
    both languages, `text` is the sentence to begin with. `generate` is called as
    generate(model, prefix, max_new_tokens, temperature, end_token=…) with temperature 0, as
    `prefix_generation` is; a learner's own may be given.

    The traits `text` (translated whenever it changes), `step` (how many words are written) and
    `view` (a head of the decoder, counted through all layers from 0, or -1 for the mean of all)
    are synced, so they can be set, observed and linked. What cannot be translated is said in
    `error`; nothing is raised for it.

    Raises TraitError for a step or head that is not there.
    """

    _esm = browser_code("translation_lab")
    _css = browser_style("translation_lab")

    text = t.Unicode().tag(sync=True)
    answered = t.Unicode().tag(sync=True)  # the text to which all that follows belongs
    error = t.Unicode().tag(sync=True)
    english = t.List(t.Unicode()).tag(sync=True)  # P words, repeated ones numbered
    french = t.List(t.Unicode()).tag(sync=True)  # T words, the end among them
    translation = t.Unicode().tag(sync=True)
    weights = t.List().tag(sync=True)  # (L, H, T, P + T): row t is the one that wrote word t
    likely = t.List().tag(sync=True)  # T lists of [word, probability]
    heads = t.List(t.Int()).tag(sync=True)  # [L, H]
    colours = t.Dict().tag(sync=True)
    step = t.Int(0).tag(sync=True)
    view = t.Int(ALL_HEADS).tag(sync=True)

    def __init__(self, model: nn.Module, tokenizer, text: str, generate: Callable = prefix_generation):
        self._model, self._tokenizer, self._generate = model, tokenizer, generate
        config = model.decoder.config
        super().__init__(heads=[config.n_layer, config.n_head], colours={"accent": ACCENT, "link": BLUE, "link-dark": SKY})
        self.observe(self._translate, "text")
        self.text = text
        if not text:
            self._translate()

    @t.validate("step")
    def _is_written(self, proposal) -> int:
        if not 0 <= proposal["value"] <= len(self.french):
            raise t.TraitError(f"step is {proposal['value']}, but the translation has {len(self.french)} words, counted from 0 to {len(self.french)}.")
        return proposal["value"]

    @t.validate("view")
    def _is_a_head(self, proposal) -> int:
        layers, heads = self.heads or (0, 0)
        if not ALL_HEADS <= proposal["value"] < layers * heads:
            raise t.TraitError(f"view is {proposal['value']}, but there are {layers * heads} heads, counted from 0 to {layers * heads - 1}; -1 is the mean of all.")
        return proposal["value"]

    def describe(self) -> str:
        """What the lab shows at present, in words."""
        if self.error:
            return f"“{self.answered}” is not translated: {self.error}"
        said = [f"“{self.answered}” becomes “{self.translation}”."]
        if self.step:
            row = self.step - 1
            candidates = ", ".join(f"{word} {p:.2f}" for word, p in self.likely[row])
            said.append(f"Word {self.step} of {len(self.french)}: {self.french[row]}. Most likely here: {candidates}.")
            columns = self.english + number_repeats(self.french)
            reading = read_row(self._shown()[row], ["row"], 0, columns).removeprefix("row ")
            said.append(f"{self._view_in_words()}: when {self.french[row]} is written, its row {reading}.")
        return " ".join(said)

    def picture(self) -> Picture:
        """What is written, and where each word looked in the sentence, as a still picture."""
        if not self.step:
            return self._words_alone()
        drawn = heatmap(
            self._shown()[: self.step, : len(self.english)], self.french[: self.step], self.english,
            title=f"{self._view_in_words()}: where each word looked when it was written", caption=self._caption(),
        )
        return replace(drawn, alt=self.describe())

    def __repr__(self) -> str:
        if self.error:
            return f"TranslationLab({self.answered!r} is not translated: {self.error})"
        return f"TranslationLab({self.answered!r} → {self.translation!r}; {self.step} of {len(self.french)} words written)"

    def _words_alone(self) -> Picture:
        sentence, error = self.answered, self.error

        def draw(figure: Figure) -> None:
            axes = place_axes(figure, 0.2, 0.5, WIDTH - 0.4, 0.3)
            axes.set_axis_off()
            axes.text(0, 0.5, sentence or "(no sentence)", size=LABEL_SIZE, ha="left", va="center")
            put_note(figure, error or "No word is written yet.")
            put_title(figure, "Nothing is translated" if error else "Nothing is written yet")

        return Picture(draw, self._caption(), self.describe())

    def _caption(self) -> str:
        return self.error or f"{self.answered} → {self.translation}"

    def _view_in_words(self) -> str:
        if self.view == ALL_HEADS:
            return "Mean of all heads"
        return f"Layer {self.view // self.heads[1] + 1}, head {self.view % self.heads[1] + 1}"

    def _shown(self) -> np.ndarray:
        """(T, P + T): the weights of the chosen head, or the mean of all."""
        weights = np.array(self.weights)  # (L, H, T, P + T)
        weights = weights.reshape(-1, *weights.shape[2:])
        return weights.mean(0) if self.view == ALL_HEADS else weights[self.view]

    def _translate(self, _change=None) -> None:
        try:
            answer, error = self._answer(self.text), ""
        # A sentence that cannot be read, or a learner's function: whatever they raise, the lab goes on and says so.
        except Exception as problem:
            known = isinstance(problem, ValueError)
            error = str(problem) if known else f"{type(problem).__name__}: {problem}"
            answer = {"english": [], "french": [], "translation": "", "weights": [], "likely": []}
        with self.hold_sync():
            self.step = 0
            for name, value in answer.items():
                setattr(self, name, value)
            self.error, self.step, self.answered = error, len(self.french), self.text

    @torch.no_grad()
    def _answer(self, text: str) -> dict:
        if not text.strip():
            raise ValueError("there is no sentence: type one.")
        device = next(self._model.parameters()).device
        prefix = self._tokenizer.encode(text).unsqueeze(0).to(device)  # (1, P)
        # The model says so if the sentence is too long; asked first, so that a learner's function cannot hide it.
        self._model.encoder(prefix, return_hidden=True)
        most = min(MOST_NEW, self._model.decoder.config.block_size)
        answer = self._generate(self._model, prefix, most, 0, end_token=self._tokenizer.end_token)
        if not isinstance(answer, torch.Tensor) or answer.dim() != 2 or len(answer) != 1 or answer.is_floating_point():
            seen = f"{answer.dtype} of shape {tuple(answer.shape)}" if isinstance(answer, torch.Tensor) else type(answer).__name__
            raise ValueError(f"prefix_generation gives {seen}; whole numbers of shape (1, new) are wanted.")
        answer = answer[:, : int((answer[0] != -1).sum())]  # (1, T)
        if not answer.shape[1]:
            raise ValueError("prefix_generation gives no word at all.")
        P, T = prefix.shape[1], answer.shape[1]
        with in_eval_mode(self._model):
            logits = self._model(prefix, answer)[0][0, P - 1 : P - 1 + T]  # (T, V)
        best = logits.softmax(-1).topk(min(LIKELY, logits.shape[-1]))
        weights = torch.cat(answer_attentions(self._model, prefix, answer))[:, :, :T]  # (L, H, T, P + T)
        words = self._tokenizer.words
        return {
            "english": number_repeats([words[i] for i in prefix[0].tolist()]),
            "french": [words[i] for i in answer[0].tolist()],
            "translation": self._tokenizer.decode(answer[0]),
            "weights": [[[[round(w, 4) for w in row] for row in head] for head in layer] for layer in weights.tolist()],
            "likely": [[[words[i], round(p, 4)] for i, p in zip(*row, strict=True)] for row in zip(best.indices.tolist(), best.values.tolist(), strict=True)],
        }

"""The widget itself: its traits, and what it asks of a model and of a learner's function."""

import math
from collections.abc import Callable, Sequence

import torch
import traitlets as t
from torch import nn

from ninelives.figures import Picture
from ninelives.model import next_token_probabilities
from ninelives.widgets.lab_widget import COLOURS, LabWidget, browser_code, browser_style
from ninelives.widgets.page_network import packed
from ninelives.widgets.temperature_lab import in_words
from ninelives.widgets.temperature_lab.next_word import as_text, difference, scores_after, vocabulary_and_prompt
from ninelives.widgets.temperature_lab.picture import still_picture


class TemperatureLab(LabWidget):
    """The probabilities of a model's next word under a temperature, top-k and top-p, and draws from them.

    `model` is any module from idx (B, T) int64 to (logits (B, T, V), loss); `idx`, (T,) or (1, T), the ids of the
    prompt; `vocabulary` the V words. The bars move in the browser. Python is asked for the logits after each word that
    is drawn, and for a learner's own `next_token_probabilities(logits, temperature)`, from (1, V) to (1, V), which is
    compared with the bars at every temperature.

    The traits `temperature` (0: always the likeliest word), `top_k` and `top_p` (None: all words), and `drawn` (the ids
    of the words drawn so far) are synced, so they can be set, observed and linked. Nothing is drawn after the id
    `end_token`. `logits` are the scores (V,) float32 of which the bars are made.

    Raises ValueError for a prompt and a vocabulary that do not fit the model, and TraitError for a setting outside its
    range and for an id that no word has.

    Example::

        from ninelives import weights
        from ninelives.widgets import TemperatureLab

        model, tokenizer = weights.load("storyteller")
        TemperatureLab(model, tokenizer.encode("the cat"), tokenizer.words, temperature=0.5)
    """

    _esm = browser_code("temperature_lab")
    _css = browser_style("temperature_lab")
    logits: torch.Tensor  # (V,)
    vocabulary = t.List(t.Unicode()).tag(sync=True)
    prompt = t.List(t.Unicode()).tag(sync=True)
    colours = t.Dict().tag(sync=True)
    end_token = t.Int(None, allow_none=True).tag(sync=True)
    temperature = t.Float(1.0).tag(sync=True)
    top_k = t.Int(None, allow_none=True).tag(sync=True)
    top_p = t.Float(None, allow_none=True).tag(sync=True)
    drawn = t.List(t.Int()).tag(sync=True)
    chances = t.List(t.Float()).tag(sync=True)  # the probability that each drawn word had
    # {"after": the drawn ids, "numbers": V little-endian float32 in base64}, or "error" in place of "numbers".
    scores = t.Dict().tag(sync=True)
    # What the learner's function gave: {"after", "temperature"} and what `difference` says of it.
    yours = t.Dict().tag(sync=True)

    def __init__(
        self,
        model: nn.Module,
        idx,
        vocabulary: Sequence[str],
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        end_token: int | None = None,
        next_token_probabilities: Callable | None = None,
    ):
        vocabulary, self._idx = vocabulary_and_prompt(vocabulary, idx)
        self._model, self._next_token_probabilities = model, next_token_probabilities
        self.logits = scores_after(model, self._idx, [], len(vocabulary))  # (V,)
        super().__init__(
            vocabulary=vocabulary, prompt=[vocabulary[word] for word in self._idx[0].tolist()], colours=COLOURS,
            scores={"after": [], "numbers": as_text(self.logits)},
        )
        # After the vocabulary, against which they are checked.
        self.temperature, self.top_k, self.top_p, self.end_token = temperature, top_k, top_p, end_token
        self._run_yours()
        self.observe(self._score, "drawn")
        self.observe(self._run_yours, ["temperature", "scores"])

    @t.validate("temperature")
    def _is_a_temperature(self, proposal) -> float:
        if not (math.isfinite(proposal["value"]) and proposal["value"] >= 0):
            raise t.TraitError(f"temperature is {proposal['value']}: it must be 0 (greedy) or a finite number above 0.")
        return proposal["value"]

    @t.validate("top_k")
    def _is_a_number_of_words(self, proposal) -> int | None:
        if proposal["value"] is not None and proposal["value"] < 1:
            raise t.TraitError(f"top_k is {proposal['value']}: it must be at least 1, or None for all words.")
        return proposal["value"]

    @t.validate("top_p")
    def _is_a_share(self, proposal) -> float | None:
        if proposal["value"] is not None and not 0 < proposal["value"] <= 1:
            value = proposal["value"]
            raise t.TraitError(f"top_p is {value}: it must be above 0 and at most 1, or None for all words.")
        return proposal["value"]

    @t.validate("drawn", "end_token")
    def _are_words(self, proposal):
        name, value = proposal["trait"].name, proposal["value"]
        for word in value if name == "drawn" else [value]:
            if word is not None and not 0 <= word < len(self.vocabulary):
                raise t.TraitError(f"{name} holds {word}: the words are numbered from 0 to {len(self.vocabulary) - 1}.")
        return value

    def probabilities(self) -> torch.Tensor:
        """(V,) float64: those of the bars."""
        return next_token_probabilities(self.logits.double(), self.temperature, self.top_k, self.top_p)

    def describe(self) -> str:
        """What the lab shows at present, in words."""
        text = in_words.text_so_far(self)
        if "error" in self.scores:
            return f"After “{text}” the model cannot go on: {self.scores['error']}"
        next_words = f"At {in_words.settings(self)} the next word is {in_words.likeliest(self)}. {in_words.reading(self)}"
        said = [f"The text so far: “{text}”.", in_words.ENDED if in_words.has_ended(self) else next_words]
        if self.drawn:
            said.append(f"Drawn so far, each with the probability it had: {in_words.drawn_words(self)}.")
        if self._next_token_probabilities is not None:
            said.append(in_words.compared(self))
        return " ".join(said)

    def picture(self) -> Picture:
        """The likeliest words as a still picture."""
        return still_picture(self)

    def __repr__(self) -> str:
        counts = f"{len(self.vocabulary)} words, {len(self.prompt)} in the prompt, {len(self.drawn)} drawn"
        return f"TemperatureLab({counts}, {in_words.settings(self)})"

    def _network(self) -> dict:
        return packed(self._model, self.vocabulary)

    def _page_state(self) -> dict:
        return {**super()._page_state(), "prompt_ids": self._idx[0].tolist()}

    def _score(self, _change=None) -> None:
        after = list(self.drawn)
        try:
            self.logits = scores_after(self._model, self._idx, after, len(self.vocabulary))
            self.scores = {"after": after, "numbers": as_text(self.logits)}
        # It may be a learner's model: whatever it raises, the lab goes on and says so.
        except Exception as error:
            self.scores = {"after": after, "error": f"{type(error).__name__}: {error}"}

    def _run_yours(self, _change=None) -> None:
        if self._next_token_probabilities is None or "error" in self.scores:
            return
        answer = {"after": self.scores["after"], "temperature": self.temperature}
        self.yours = answer | difference(self._next_token_probabilities, self.logits, self.temperature)

"""The temperature lab: what a model would say next, and how the settings of the draw change it."""

import base64
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
import traitlets as t
from torch import nn

from ninelives.figures import Picture, distribution
from ninelives.figures.style import ACCENT, BLUE, SKY
from ninelives.model import next_token_probabilities
from ninelives.model.generation import next_logits
from ninelives.model.inspection import in_eval_mode
from ninelives.widgets.lab_widget import LabWidget, browser_code, browser_style

AGREES = 1e-4  # a learner's probabilities may differ by this much, which is float32 and no mistake


class TemperatureLab(LabWidget):
    """The probabilities of a model's next word under a temperature, top-k and top-p, and draws from them.

    `model` is any module from idx (B, T) int64 to (logits (B, T, V), loss); `idx`, (T,) or
    (1, T), the ids of the prompt; `vocabulary` the V words. The bars move in the browser. Python
    is asked for the logits after each word that is drawn, and for nothing else, except for a
    learner's own `next_token_probabilities(logits, temperature)`, from (1, V) to (1, V), which is
    compared with the bars at every temperature.

    The traits `temperature` (0: always the likeliest word), `top_k` and `top_p` (None: all
    words), and `drawn` (the ids of the words drawn so far) are synced, so they can be set,
    observed and linked. `end_token` is an id after which nothing is drawn.

    Raises ValueError for a prompt and a vocabulary that do not fit the model, and TraitError for
    settings outside their range and a word that is not there.
    """

    _esm = browser_code("temperature_lab")
    _css = browser_style("temperature_lab")

    vocabulary = t.List(t.Unicode()).tag(sync=True)
    prompt = t.List(t.Unicode()).tag(sync=True)
    colours = t.Dict().tag(sync=True)
    end_token = t.Int(None, allow_none=True).tag(sync=True)
    temperature = t.Float(1.0).tag(sync=True)
    top_k = t.Int(None, allow_none=True).tag(sync=True)
    top_p = t.Float(None, allow_none=True).tag(sync=True)
    drawn = t.List(t.Int()).tag(sync=True)
    chances = t.List(t.Float()).tag(sync=True)  # the probability that each drawn word had
    # {"after": the drawn ids, "numbers": V little-endian float32 in base64}, or "error" in place of numbers.
    scores = t.Dict().tag(sync=True)
    # What the learner's function gave: {"after", "temperature", "away"}, or "error" in place of away.
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
        vocabulary, self._idx = _words_and_ids(vocabulary, idx)
        self._model, self._theirs, self._V = model, next_token_probabilities, len(vocabulary)
        self._logits = self._read([])  # (V,)
        super().__init__(
            vocabulary=vocabulary, prompt=[vocabulary[word] for word in self._idx[0].tolist()],
            colours={"accent": ACCENT, "link": BLUE, "link-dark": SKY},
            scores={"after": [], "numbers": _as_text(self._logits)},
        )
        # After the vocabulary, against which they are checked.
        self.temperature, self.top_k, self.top_p, self.end_token = temperature, top_k, top_p, end_token
        self._ask()
        self.observe(self._read_on, "drawn")
        self.observe(self._ask, ["temperature", "scores"])

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
            raise t.TraitError(f"top_p is {proposal['value']}: it must be above 0 and at most 1, or None for all words.")
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
        return next_token_probabilities(self._logits.double(), self.temperature, self.top_k, self.top_p)

    def describe(self) -> str:
        """What the lab shows at present, in words."""
        if "error" in self.scores:
            return f"After “{self._text()}” the model cannot go on: {self.scores['error']}"
        p = self.probabilities()
        likeliest = ", ".join(f"{self.vocabulary[word]} {p[word]:.2f}" for word in p.argsort(descending=True, stable=True)[:5])
        said = [f"The text so far: “{self._text()}”.", f"At {self._settings()} the next word is {likeliest}.", self._reading()]
        if self.drawn:
            chances = self.chances + [None] * len(self.drawn)
            words = [self.vocabulary[word] + ("" if chance is None else f" {chance:.2f}") for word, chance in zip(self.drawn, chances)]
            said.append(f"Drawn so far, each with the probability it had: {', '.join(words)}.")
        if self._theirs is not None:
            said.append(self._compared())
        return " ".join(said)

    def picture(self) -> Picture:
        """The likeliest words as a still picture."""
        words = self._text().split(" ")
        drawn = distribution(
            self.probabilities(), self.vocabulary,
            title=f"After “{'… ' * (len(words) > 6)}{' '.join(words[-6:])}”, {self._settings()}",
            caption=self._reading(),
        )
        return replace(drawn, alt=self.describe())

    def __repr__(self) -> str:
        return f"TemperatureLab({len(self.vocabulary)} words, {len(self.prompt)} in the prompt, {len(self.drawn)} drawn, {self._settings()})"

    def _text(self) -> str:
        return " ".join([*self.prompt, *(self.vocabulary[word] for word in self.drawn)])

    def _settings(self) -> str:
        said = f"temperature {self.temperature:.2f}"
        if self.top_k is not None and self.top_k < len(self.vocabulary):
            said += f", top-k {self.top_k}"
        return said + (f", top-p {self.top_p:.2f}" if self.top_p not in (None, 1) else "")

    def _reading(self) -> str:
        """How undecided the draw is. The browser says the same."""
        p = self.probabilities()
        entropy = -torch.special.xlogy(p, p).sum().item() + 0.0  # no minus zero
        kept, of = int((p > 0).sum()), len(p)
        said = f"Entropy {entropy:.2f} nats: as undecided as among {math.exp(entropy):.1f} equally likely words."
        return said + (f" {kept} of {of} words can be drawn." if kept < of else "")

    @torch.no_grad()
    def _read(self, drawn: list[int]) -> torch.Tensor:
        """The scores (V,) after the prompt and the words drawn."""
        parameter = next(self._model.parameters(), self._idx)
        text = torch.cat([self._idx, torch.tensor([drawn], dtype=torch.long)], dim=1)  # (1, T + new)
        with in_eval_mode(self._model):
            logits = next_logits(self._model, text.to(parameter.device))[0].float().cpu()  # (V,)
        if len(logits) != self._V:
            raise ValueError(f"vocabulary holds {self._V} words and the model scores {len(logits)}; pass one word for each score.")
        next_token_probabilities(logits, 0)  # raises for NaN and a row of -inf alone
        return logits

    def _read_on(self, _change=None) -> None:
        after = list(self.drawn)
        try:
            self._logits = self._read(after)
            self.scores = {"after": after, "numbers": _as_text(self._logits)}
        # It may be a learner's model: whatever it raises, the lab goes on and says so.
        except Exception as error:
            self.scores = {"after": after, "error": f"{type(error).__name__}: {error}"}

    def _ask(self, _change=None) -> None:
        if self._theirs is None or "error" in self.scores:
            return
        answer = {"after": self.scores["after"], "temperature": self.temperature}
        wanted = next_token_probabilities(self._logits.double(), self.temperature)  # (V,)
        try:
            theirs = torch.as_tensor(self._theirs(self._logits.clone().unsqueeze(0), self.temperature))  # (1, V)
            if theirs.shape != (1, len(wanted)):
                raise ValueError(f"it gives the shape {tuple(theirs.shape)}, where (1, {len(wanted)}) is wanted.")
            self.yours = answer | {"away": (theirs[0].double() - wanted).abs().nan_to_num(1.0).max().item()}
        # It is a learner's function: whatever it raises, the lab goes on and says so.
        except Exception as error:
            self.yours = answer | {"error": f"{type(error).__name__}: {error}"}

    def _compared(self) -> str:
        """Whether the learner's probabilities are those of the bars. The browser says the same."""
        said = f"Your next_token_probabilities at temperature {self.yours['temperature']:.2f}"
        if "error" in self.yours:
            return f"{said} raises {self.yours['error']}"
        if self.yours["away"] <= AGREES:
            return f"{said} agrees with the bars before top-k and top-p."
        return f"{said} differs from the bars by up to {self.yours['away']:.2f}."


def _as_text(logits: torch.Tensor) -> str:
    return base64.b64encode(logits.numpy().astype("<f4").tobytes()).decode()


def _words_and_ids(vocabulary: Sequence[str], idx) -> tuple[list[str], torch.Tensor]:
    """`vocabulary` as a list and `idx` as (1, T) int64, once they fit."""
    if isinstance(vocabulary, str):
        raise ValueError(f"vocabulary is the single string {vocabulary!r}; pass a list of words, in the order of their ids.")
    vocabulary, ids = [str(word) for word in vocabulary], torch.as_tensor(idx).detach().cpu()
    if ids.numel() == 0:
        raise ValueError("the prompt is empty: a decoder needs at least one token to go on from.")
    if ids.dim() == 1:
        ids = ids.unsqueeze(0)
    if ids.dim() != 2 or len(ids) != 1 or ids.is_floating_point():
        raise ValueError(
            f"idx has shape {tuple(ids.shape)} and dtype {ids.dtype}; pass the ids of one prompt, whole numbers (T,) or (1, T)."
        )
    low, high = ids.min().item(), ids.max().item()
    if low < 0 or high >= len(vocabulary):
        raise ValueError(f"idx holds {low if low < 0 else high}: the words are numbered from 0 to {len(vocabulary) - 1}, without padding.")
    return vocabulary, ids.long()

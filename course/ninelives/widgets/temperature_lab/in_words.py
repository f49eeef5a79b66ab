"""What a temperature lab says. The browser says the same of `reading` and `compared`; see in_words.js."""

import math

import torch

from ninelives.widgets import yours
from ninelives.widgets.temperature_lab.next_word import CLOSE

ENDED = "The text has ended: nothing follows the end token."


def text_so_far(lab) -> str:
    """The prompt and the words drawn."""
    words = [*lab.prompt, *(lab.vocabulary[word] for word in lab.drawn)]
    return ("" if any(word.startswith(" ") for word in words) else " ").join(words)  # pieces bring their own spaces


def has_ended(lab) -> bool:
    """Whether the end token was drawn, so that nothing follows."""
    return lab.end_token in lab.drawn


def settings(lab) -> str:
    """The temperature, and top-k and top-p where they leave words out."""
    said = f"temperature {lab.temperature:.2f}"
    if lab.top_k is not None and lab.top_k < len(lab.vocabulary):
        said += f", top-k {lab.top_k}"
    return said + (f", top-p {lab.top_p:.2f}" if lab.top_p not in (None, 1) else "")


def likeliest(lab) -> str:
    """The five likeliest words with their probabilities."""
    p = lab.probabilities()  # (V,)
    return ", ".join(f"{lab.vocabulary[word]} {p[word]:.2f}" for word in p.argsort(descending=True, stable=True)[:5])


def reading(lab) -> str:
    """How uncertain the draw is, and how many words can be drawn."""
    p = lab.probabilities()  # (V,)
    entropy = -torch.special.xlogy(p, p).sum().item() + 0.0  # no minus zero
    kept, V = int((p > 0).sum()), len(p)
    perplexity = round(math.exp(entropy), 1)
    said = f"Entropy {entropy:.2f} nats, perplexity {perplexity:,.1f}: {_how_undecided(perplexity, kept)}."
    return said + (f" {kept} of {V} words can be drawn." if kept < V else "")


def _how_undecided(perplexity: float, kept: int) -> str:
    """Of the perplexity, rounded to one decimal, and the number of words that can be drawn."""
    if kept == 1:
        return "one word is certain"
    if perplexity == 1:
        return "one word is almost certain"
    return "between one certain word and two equally likely ones" if perplexity < 2 else f"as undecided as among {perplexity:,.1f} equally likely words"


def drawn_words(lab) -> str:
    """The words drawn, each with the probability it had where that is known."""
    chances = lab.chances + [None] * (len(lab.drawn) - len(lab.chances))
    return ", ".join(
        lab.vocabulary[word] + ("" if chance is None else " <0.01" if chance < 0.005 else f" {chance:.2f}")
        for word, chance in zip(lab.drawn, chances, strict=False)  # one of them may be set before the other
    )


def compared(lab) -> str:
    """Whether the learner's probabilities are those of the bars."""
    name = f"next_token_probabilities at temperature {lab.yours['temperature']:.2f}"
    if "away" not in lab.yours:
        return yours.stands_in(name, lab.yours.get("error", ""))
    if lab.yours["away"] <= CLOSE:
        return yours.agrees(name, "the bars before top-k and top-p")
    word, chance = lab.vocabulary[lab.yours["word"]], lab.yours["chance"]
    return yours.differs(
        name, "the bars", f"by up to {lab.yours['away']:.2f}: it gives “{word}” {'NaN' if chance is None else f'{chance:.2f}'}")

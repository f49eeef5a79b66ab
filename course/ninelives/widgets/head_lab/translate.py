"""What a head lab computes: a translation, what its pronoun depends on, and the translation after a change."""

from contextlib import ExitStack
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from ninelives.figures import number_repeats, whose
from ninelives.model import answer_attentions, prefix_generation, with_heads_from, without_heads
from ninelives.model.causes import (
    WordChoice,
    ablation,
    gradient_times_input,
    heads_of,
    logit_difference,
    occlusion,
    patching,
    without_words,
    word_choice,
)
from ninelives.model.interventions import layers_of

MOST_NEW = 32  # words of a translation
NOTHING = {"words": [], "whose": "", "other": "", "other_answer": "", "of_words": {}, "of_heads": {}}


class Read(NamedTuple):
    """A sentence as the model reads it, with its translation and the choice in it."""

    prefix: torch.Tensor  # (1, P)
    answer: torch.Tensor  # (1, T), with the end token
    choice: WordChoice | None  # None where the translation has neither word


class Changes(NamedTuple):
    """Words that are hidden by their positions; heads, counted through all layers, that are out or patched in."""

    hidden: tuple[int, ...] = ()
    out: tuple[int, ...] = ()
    patched: tuple[int, ...] = ()


def swapped(text: str) -> str:
    """The sentence with the words after its first two "the" swapped; empty where there are no two, or they are the same."""
    words = text.strip().removesuffix(".").lower().split()
    nouns = [i + 1 for i, word in enumerate(words[:-1]) if word == "the"][:2]
    if len(nouns) < 2 or words[nouns[0]] == words[nouns[1]]:
        return ""
    words[nouns[0]], words[nouns[1]] = words[nouns[1]], words[nouns[0]]
    return " ".join(words)


def read(model: nn.Module, tokenizer, text: str, pair: tuple[str, str]) -> Read:
    """Raises ValueError for an empty text, unknown words, and what the model refuses."""
    if not text.strip():
        raise ValueError("There is no sentence: type one.")
    prefix = tokenizer.encode(text).unsqueeze(0).to(next(model.parameters()).device)  # (1, P)
    answer = write(model, tokenizer, prefix)
    words = tuple(tokenizer.words.index(word) for word in pair)
    try:
        return Read(prefix, answer, word_choice(prefix, answer, words))
    except ValueError:
        return Read(prefix, answer, None)


def write(model: nn.Module, tokenizer, prefix: torch.Tensor) -> torch.Tensor:
    """The most likely translation, (1, T), with the end token if it comes."""
    return prefix_generation(model, prefix, min(MOST_NEW, model.decoder.config.block_size), 0, end_token=tokenizer.end_token)


def causes(model: nn.Module, tokenizer, here: Read, other_text: str, other: Read | None) -> dict:
    """The traits of a sentence that depend on nothing that is clicked."""
    model_of = whose(model)
    found = NOTHING | {
        "words": number_repeats([tokenizer.words[i] for i in here.prefix[0].tolist()]),
        "whose": f"{model_of[0].upper()}{model_of[1:]} translates.",
    }
    if other is not None:
        found |= {"other": other_text, "other_answer": tokenizer.decode(other.answer[0])}
    if here.choice is None:
        return found
    attention = torch.cat(answer_attentions(model, here.prefix, here.choice.answer), dim=1)  # (1, all heads, T + 1, P + T)
    of_words = {
        "occlusion": occlusion(model, here.choice)[0],
        "gradient": gradient_times_input(model, here.choice)[0],
        "attention": attention[0, :, -1, : here.prefix.shape[1]].mean(0),
    }
    of_heads = {"out": ablation(model, here.choice)[0]}
    if other is not None and other.choice is not None and other.choice.answer.shape == here.choice.answer.shape:
        of_heads["patched"] = patching(model, here.choice, other.choice)[0]
    return found | {
        "of_words": {name: rounded(numbers) for name, numbers in of_words.items()},
        "of_heads": {name: rounded(numbers) for name, numbers in of_heads.items()},
    }


def changed(model: nn.Module, tokenizer, here: Read, other: Read | None, changes: Changes) -> dict:
    """The translation, word by word and as a text, and the difference, where words are hidden and heads changed."""
    heads, P = heads_of(model), here.prefix.shape[1]
    hidden = torch.tensor([position in changes.hidden for position in range(P)], device=here.prefix.device)  # (P,)
    with ExitStack() as opened:
        if changes.patched:
            # First, since the other sentence is read whole. Its answer goes on, in case this one becomes longer.
            written = F.pad(other.answer, (0, model.decoder.config.block_size - other.answer.shape[1]), value=tokenizer.end_token)
            opened.enter_context(with_heads_from(model, [heads[k] for k in changes.patched], other.prefix, written))
        opened.enter_context(without_heads(model, [heads[k] for k in changes.out]))
        opened.enter_context(without_words(model, hidden))
        answer = write(model, tokenizer, here.prefix)  # (1, T)
        with torch.no_grad():
            difference = None if here.choice is None else rounded(logit_difference(model, here.choice))[0]
    french = [tokenizer.words[i] for i in answer[0].tolist() if i != tokenizer.end_token]
    return {"french": french, "text": tokenizer.decode(answer[0]), "difference": difference}


def alone(words: int, heads: int, can_patch: bool) -> list[Changes]:
    """Each word hidden, each head taken out and, if they can be, patched in: one change at a time."""
    found = [Changes(hidden=(k,)) for k in range(words)] + [Changes(out=(k,)) for k in range(heads)]
    return found + [Changes(patched=(k,)) for k in range(heads) if can_patch]


def layer_names(model: nn.Module) -> list[tuple[str, int]]:
    """The name of each layer, counted as in code, and its number of heads."""
    layers = layers_of(model)
    encoders = sum(not layer.is_decoders for layer in layers)
    return [(f"decoder {k - encoders}" if layer.is_decoders else f"encoder {k}", layer.n_head) for k, layer in enumerate(layers)]


def rounded(numbers: torch.Tensor) -> list[float]:
    return [round(number, 5) for number in numbers.tolist()]

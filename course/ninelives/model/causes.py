"""What an answer depends on: words hidden, heads taken out or taken from another run, gradients.

Everything here asks about one choice of a translator: which of two words it writes next, such as "il" or "elle". The
choice is measured by log p(one) - log p(other), which is the difference of their logits. All results have one sign: they
say how much of this difference is lost by a change, so what has a positive number speaks for the first of the two words.
"""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

import torch
from torch import nn

from ninelives.model.inspection import in_eval_mode
from ninelives.model.interventions import layers_of, what_heads_say, with_heads_saying, without_heads


class WordChoice(NamedTuple):
    """A choice between two words, in B sentences of one length.

    prefix is (B, P) int64, without padding; answer (B, T) int64, the words that are written before the choice, at least
    one; words are the ids of the two words.
    """

    prefix: torch.Tensor
    answer: torch.Tensor
    words: tuple[int, int]


def word_choice(prefix: torch.Tensor, answer: torch.Tensor, words: tuple[int, int]) -> WordChoice:
    """The first choice between two words in answers to a prefix.

    Args:
        prefix: (B, P) int64, without padding.
        answer: (B, T) int64, what was written, with one of the words at the same position in every row.
        words: the ids of the two words.

    Raises:
        ValueError: an answer has neither word, or has one at another position than the first answer, or begins with one.
    """
    is_one = torch.isin(answer, torch.tensor(words, device=answer.device))  # (B, T)
    first = is_one.int().argmax(1)  # (B,)
    if not is_one.any(1).all() or not first.eq(first[0]).all() or not first[0]:
        raise ValueError(f"every answer needs the word {words[0]} or {words[1]} at the same position, after at least one other word: "
                         f"they have them at {[row.nonzero().flatten().tolist() for row in is_one]}.")
    return WordChoice(prefix, answer[:, : first[0]], words)


def logit_difference(model: nn.Module, choice: WordChoice) -> torch.Tensor:
    """log p(one) - log p(other) of the next word, without dropout: (B,).

    Args:
        model: an encoder–decoder, the package's or a learner's own; it is left in the mode it was in.
        choice: the two words, and where they are chosen between.
    """
    one, other = choice.words
    with in_eval_mode(model):
        logits = model(choice.prefix, choice.answer)[0][:, -1]  # (B, V)
    return logits[:, one] - logits[:, other]  # (B,)


@contextmanager
def without_words(model: nn.Module, hidden: torch.Tensor) -> Iterator[None]:
    """While it is open, the vectors of hidden words are 0 where the encoder looks them up; their positions stay.

    Args:
        model: an encoder–decoder whose encoder has its table as layers["embedding"].token, as in notebook 1.
        hidden: (B, P) or (P,) bool, True for a word that is hidden.
    """
    table = model.encoder.layers["embedding"].token
    hook = table.register_forward_hook(lambda table, idx, vectors: vectors.masked_fill(hidden.unsqueeze(-1), 0.0))
    try:
        yield
    finally:
        hook.remove()


@torch.no_grad()
def _lost(model: nn.Module, choice: WordChoice, changes: Iterable[AbstractContextManager]) -> torch.Tensor:
    """How much of the difference is lost while each of the changes is open: (B, changes)."""
    whole = logit_difference(model, choice)  # (B,)
    lost = []
    for change in changes:
        with change:
            left = logit_difference(model, choice)  # (B,)
        lost.append(whole - left)
    return torch.stack(lost, dim=1)  # (B, changes)


def occlusion(model: nn.Module, choice: WordChoice) -> torch.Tensor:
    """How much of the difference is lost without each word: (B, P). Source: Zeiler and Fergus 2014, for parts of images."""
    each_alone = torch.eye(choice.prefix.shape[1], dtype=torch.bool, device=choice.prefix.device)  # (P, P)
    return _lost(model, choice, [without_words(model, hidden) for hidden in each_alone])  # (B, P)


def gradient_times_input(model: nn.Module, choice: WordChoice) -> torch.Tensor:
    """What the gradient says would be lost without each word, if the model were linear: (B, P).

    The dot product of a word's vector and the gradient of the difference in it. Source: Shrikumar et al. 2017,
    "Learning Important Features Through Propagating Activation Differences", section 3.
    """
    vectors = []

    def keep(table: nn.Module, arguments: tuple, looked_up: torch.Tensor) -> torch.Tensor:
        vectors.append(looked_up.detach().requires_grad_())
        return vectors[0]

    hook = model.encoder.layers["embedding"].token.register_forward_hook(keep)
    try:
        with torch.enable_grad():
            total = logit_difference(model, choice).sum()
    finally:
        hook.remove()
    [gradient] = torch.autograd.grad(total, vectors)  # (B, P, C)
    return (gradient * vectors[0]).detach().sum(-1)  # (B, P)


def heads_of(model: nn.Module) -> list[tuple[int, int]]:
    """Every (layer, head), the encoder's first, as `without_heads` counts them."""
    return [(number, head) for number, layer in enumerate(layers_of(model)) for head in range(layer.n_head)]


def ablation(model: nn.Module, choice: WordChoice) -> torch.Tensor:
    """How much of the difference is lost without each head of `heads_of`: (B, heads). Source: Michel et al. 2019."""
    return _lost(model, choice, [without_heads(model, [head]) for head in heads_of(model)])  # (B, heads)


def patching(model: nn.Module, choice: WordChoice, other: WordChoice) -> torch.Tensor:
    """How much is lost if each head of `heads_of` says what it says in another sentence: (B, heads). Source: Vig et al. 2020."""
    said = what_heads_say(model, other.prefix, other.answer)
    return _lost(model, choice, [with_heads_saying(model, [head], said) for head in heads_of(model)])  # (B, heads)

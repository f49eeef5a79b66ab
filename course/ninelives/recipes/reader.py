"""An encoder whose heads differ: `python -m ninelives.recipes.reader`.

It is asked four questions about every sentence, so its heads have more than one
thing to find. Nothing tells a head where to look; heads of one layer that attend
to the same words cost a little, whichever words these are.
"""

import math
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from ninelives.config import TransformerConfig
from ninelives.model import Encoder
from ninelives.recipes.antecedent import accuracies, accuracy, antecedent_batch
from ninelives.recipes.release import release
from ninelives.text import WordTokenizer
from ninelives.text.grammar import HINTS, Sentence, every_word, sentences
from ninelives.training.batches import PADDING
from ninelives.training.loop import train
from ninelives.training.recipe import Recipe

ABOUT = """
An encoder for looking into. At the position of "it", its most likely word is the noun that "it" stands for, as with
the antecedent encoder. In training it was asked three things more, each by a linear layer of its own that is not
shipped: at every word, which word comes before it and which comes after it; and at the verb, which noun acts. In a
fifth of the sentences the words were shuffled, so that neighbours could not be guessed from the grammar.

The loss has one more term: for each pair of heads of a layer, how much they attend to the same words (after Li et al.
2018, "Multi-Head Attention with Disagreement Regularization"). It is the same for all heads and all words: heads are
asked to differ, and training decides which head does what. Without that term, and with the first question alone, eight
of twelve heads do the same; see the antecedent encoder. Notebook 2 looks into these heads.

Layers and heads are counted from 1. It knows this grammar and nothing else: it does not resolve coreference in English.
"""
BLOCK_SIZE = 32
SENTENCES = 40_000
SHUFFLED = 0.2  # the share of a batch whose words are shuffled
APART = 0.4  # the factor of the overlap of heads in the loss
RECIPE = Recipe(learning_rate=2e-3, batch_size=40, max_iters=3000, warmup_steps=100, schedule="cosine", eval_every=250, seed=1)


class Questioned(nn.Module):
    """The encoder in training: it answers four questions, and its heads are asked to differ."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder, self.config = encoder, encoder.config
        self.others = nn.ModuleList(nn.Linear(self.config.n_embd, self.config.vocab_size, bias=False) for _ in range(3))

    def forward(self, idx: torch.Tensor, *targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """idx (B, T); for each question targets (B, T), -1 where nothing is asked. Returns hidden states and loss."""
        projected = []
        layers = [layer for block in self.encoder.layers["blocks"] for layer in (block.attention.query, block.attention.key)]
        hooks = [layer.register_forward_hook(lambda _layer, _inputs, output: projected.append(output)) for layer in layers]
        hidden = self.encoder(idx, return_hidden=True)  # (B, T, C)
        for hook in hooks:
            hook.remove()
        answers = [head(hidden) for head in (self.encoder.lm_head, *self.others)]  # (B, T, V) each
        loss = sum(F.cross_entropy(answer.flatten(0, 1), target.flatten(), ignore_index=PADDING)
                   for answer, target in zip(answers, targets, strict=True))
        for queries, keys in zip(projected[::2], projected[1::2], strict=True):
            loss = loss + APART * overlap(queries, keys, idx != PADDING, self.config.n_head)
        return hidden, loss


def overlap(queries: torch.Tensor, keys: torch.Tensor, is_token: torch.Tensor, n_head: int) -> torch.Tensor:
    """How much two heads of a layer attend to the same words: 0 if to none in common, 1 if both only to the same one.

    Args:
        queries, keys: (B, T, n_embd), those of all heads side by side.
        is_token: (B, T) bool, False where there is padding.
        n_head: the number of heads.

    Returns:
        a scalar, the mean over all tokens and all pairs of heads.
    """
    q, k = (x.unflatten(-1, (n_head, -1)).transpose(1, 2) for x in (queries, keys))  # (B, H, T, head_size) each
    scores = q @ k.mT / math.sqrt(q.shape[-1])  # (B, H, T, T)
    weights = scores.masked_fill(~is_token[:, None, None], -1e9).softmax(-1)  # (B, H, T, T)
    in_common = weights.sum(1).square().sum(-1) - weights.square().sum((1, 3))  # (B, T), over ordered pairs of heads
    return in_common[is_token].mean() / (n_head * (n_head - 1))


def neighbours(idx: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The word before each word, and the word after it: two tensors (B, T), -1 where there is none."""
    before, after = torch.full_like(idx, PADDING), torch.full_like(idx, PADDING)
    before[:, 1:], after[:, :-1] = idx[:, :-1], idx[:, 1:]
    return before.masked_fill(idx == PADDING, PADDING), after


def agents(drawn: Sequence[Sentence], idx: torch.Tensor, tokenizer: WordTokenizer) -> torch.Tensor:
    """(B, T) int64: at the verb the noun that acts, -1 everywhere else."""
    targets = torch.full_like(idx, PADDING)
    for row, sentence in enumerate(drawn):
        words = sentence.english.split()
        # "the dog followed the hen", "the dog was followed by the hen", "the dog did not want to eat the fish"
        noun = words[words.index("by") + 2] if sentence.voice == "passive" else words[1]
        targets[row, words.index(sentence.verb)] = tokenizer.ids[noun]
    return targets


def habits(model: nn.Module, tokenizer: WordTokenizer, drawn: Sequence[Sentence]) -> list[dict[str, list[float]]]:
    """What each head attends to on average: the word before, the word itself, the word after, and from "it" the antecedent.

    Returns:
        One dict for each layer, with a mean weight for each head under each of these names.
    """
    idx, targets = antecedent_batch(drawn, tokenizer)  # (B, T) each
    is_token, at_it = idx != PADDING, targets != PADDING  # (B, T)
    antecedent = idx == targets.amax(1, keepdim=True)  # (B, T)
    found = []
    for weights in model.attentions(idx):  # (B, H, T, T)
        weights = weights.transpose(0, 1)  # (H, B, T, T)
        diagonals = {"the word before": (-1, is_token[:, 1:]), "the word itself": (0, is_token), "the word after": (1, is_token[:, 1:])}
        means = {name: weights.diagonal(offset, -2, -1)[:, where].mean(1) for name, (offset, where) in diagonals.items()}
        means["from it, the antecedent"] = (weights[:, at_it] * antecedent).sum(-1).mean(1)  # (H,)
        found.append({name: [round(x, 3) for x in mean.tolist()] for name, mean in means.items()})
    return found


def measured(model: Encoder, tokenizer: WordTokenizer) -> dict:
    """The figures of the card."""
    held_out = sentences("held out", 1000)
    figures = accuracies(model, tokenizer, held_out)
    for number, layer in enumerate(habits(model, tokenizer, held_out[:500]), start=1):
        for what, means in layer.items():
            figures[f"mean weight, layer {number}, each head: {what}"] = means
    return figures


def main() -> None:
    torch.set_num_threads(1)  # with more threads the last digits differ, and in the end the weights
    tokenizer = WordTokenizer(every_word("english"))
    torch.manual_seed(RECIPE.seed)
    encoder = Encoder(TransformerConfig(tokenizer.vocab_size, BLOCK_SIZE, n_embd=64, n_head=4, n_layer=3, dropout=0.0))
    drawn = sentences("train", SENTENCES, **HINTS)
    idx, antecedents = antecedent_batch(drawn, tokenizer)  # (N, T) each
    acting = agents(drawn, idx, tokenizer)  # (N, T)
    watched = sentences("held out", 400, seed=1)

    def draw_batch(generator: torch.Generator, batch_size: int) -> tuple[torch.Tensor, ...]:
        rows = torch.randint(len(idx), (batch_size,), generator=generator)  # (B,)
        batch, at_it, at_verb = idx[rows], antecedents[rows], acting[rows]  # (B, T) each
        # Padding stays at the end.
        order = torch.rand(batch.shape, generator=generator).masked_fill(batch == PADDING, 2.0).argsort(1)  # (B, T)
        mixed = torch.arange(batch_size) < int(SHUFFLED * batch_size)  # (B,)
        batch[mixed] = batch[mixed].gather(1, order[mixed])
        at_it[mixed], at_verb[mixed] = PADDING, PADDING
        return batch, at_it, *neighbours(batch), at_verb

    run = train(Questioned(encoder), draw_batch, RECIPE,
                evaluate=lambda model: {"accuracy": accuracy(model.encoder, tokenizer, watched)})
    release("reader", encoder.eval(), tokenizer, run, lambda model: measured(model, tokenizer), ABOUT)


if __name__ == "__main__":
    main()

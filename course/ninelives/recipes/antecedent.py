"""An encoder that says what "it" is: `python -m ninelives.recipes.antecedent`.

At the position of "it", its most likely word should be the noun that "it" stands
for. Nothing tells its heads where to look.
"""

from collections.abc import Sequence

import torch

from ninelives.config import TransformerConfig
from ninelives.model import Encoder
from ninelives.recipes.release import release
from ninelives.text import WordTokenizer
from ninelives.text.grammar import HINTS, Sentence, every_word, sentences
from ninelives.training.batches import PADDING, padded
from ninelives.training.loop import train
from ninelives.training.recipe import Recipe

ABOUT = """
An encoder that has learned one thing: at the position of "it", the most likely word is the noun that "it" stands for.
It was given that noun for 40,000 sentences of the course's grammar, and nothing about attention. Notebook 2 looks into
its heads, and the translator begins from its weights.

In the held-out sentences the pairs of animals are new; in the bonus the passives of verb and reason are new too. In
training 30 % of the sentences are passive, and a reason speaks of its usual side three times out of four, since
learning then starts sooner. In the sentences it is measured on, half are passive and no side is usual. Layers and
heads are counted from 0. It knows this grammar and nothing else: it does not resolve coreference in English.
"""
BLOCK_SIZE = 32
SENTENCES = 40_000
RECIPE = Recipe(learning_rate=2e-3, batch_size=64, max_iters=2000, warmup_steps=100, schedule="cosine", eval_every=250)


def antecedent_batch(sentences: Sequence[Sentence], tokenizer: WordTokenizer) -> tuple[torch.Tensor, torch.Tensor]:
    """idx (B, T) int64 and targets (B, T) int64: the antecedent at "it", -1 everywhere else."""
    idx = padded([tokenizer.encode(sentence.english) for sentence in sentences])  # (B, T)
    nouns = torch.stack([tokenizer.encode(sentence.antecedent) for sentence in sentences])  # (B, 1)
    return idx, torch.where(idx == tokenizer.encode("it"), nouns, PADDING)  # (B, T)


def accuracy(model: Encoder, tokenizer: WordTokenizer, sentences: Sequence[Sentence]) -> float:
    """The share of sentences in which the most likely word at "it" is the antecedent."""
    idx, targets = antecedent_batch(sentences, tokenizer)
    with torch.no_grad():
        logits, _ = model.eval()(idx)  # (B, T, V)
    at_it = targets != PADDING  # (B, T)
    return (logits.argmax(-1)[at_it] == targets[at_it]).float().mean().item()


def weight_at_it(model: Encoder, tokenizer: WordTokenizer, sentences: Sequence[Sentence]) -> list[dict]:
    """How much "it" attends to its antecedent and to the other noun, and how often to the antecedent most.

    Returns:
        One dict for each layer. Its lists `antecedent`, `other` and `most` hold a mean for each head.
    """
    idx, targets = antecedent_batch(sentences, tokenizer)
    others = torch.stack([tokenizer.encode(sentence.other) for sentence in sentences])  # (B, 1)
    at_it = targets != PADDING  # (B, T)
    first_noun = idx == targets.amax(1, keepdim=True)  # (B, T)
    found = []
    for layer in model.attentions(idx):  # (B, H, T, T)
        rows = layer.transpose(1, 2)[at_it]  # (B, H, T)
        on_antecedent = (rows * first_noun.unsqueeze(1)).sum(-1)  # (B, H)
        on_other = (rows * (idx == others).unsqueeze(1)).sum(-1)  # (B, H)
        most = on_antecedent >= rows.amax(-1)  # (B, H)
        found.append({
            "antecedent": [round(x, 3) for x in on_antecedent.mean(0).tolist()],
            "other": [round(x, 3) for x in on_other.mean(0).tolist()],
            "most": [round(x, 3) for x in most.float().mean(0).tolist()],
        })
    return found


def accuracies(model: Encoder, tokenizer: WordTokenizer, held_out: Sequence[Sentence]) -> dict[str, float]:
    """The figures of a card that say how often the antecedent is named, for 1,000 held-out sentences."""
    return {
        "names the antecedent, 1,000 held-out sentences": round(accuracy(model, tokenizer, held_out), 4),
        "names the antecedent, 400 bonus sentences": round(accuracy(model, tokenizer, sentences("bonus", 400)), 4),
    }


def measured(model: Encoder, tokenizer: WordTokenizer) -> dict:
    """The figures of the card."""
    held_out = sentences("held out", 1000)
    figures = accuracies(model, tokenizer, held_out)
    for number, layer in enumerate(weight_at_it(model, tokenizer, held_out[:500])):
        for what, means in zip(("the antecedent", "the other noun"), (layer["antecedent"], layer["other"])):
            figures[f'mean weight from "it" on {what}, layer {number}, each head'] = means
        figures[f'"it" reads the antecedent most, layer {number}, each head'] = layer["most"]
    return figures


def main() -> None:
    torch.set_num_threads(1)  # with more threads the last digits differ, and in the end the weights
    tokenizer = WordTokenizer(every_word("english"))
    torch.manual_seed(RECIPE.seed)
    model = Encoder(TransformerConfig(tokenizer.vocab_size, BLOCK_SIZE, n_embd=64, n_head=4, n_layer=3, dropout=0.0))
    idx, targets = antecedent_batch(sentences("train", SENTENCES, **HINTS), tokenizer)  # (N, T)
    watched = sentences("held out", 400, seed=1)

    def draw_batch(generator: torch.Generator, batch_size: int) -> tuple[torch.Tensor, torch.Tensor]:
        rows = torch.randint(len(idx), (batch_size,), generator=generator)  # (B,)
        return idx[rows], targets[rows]

    run = train(model, draw_batch, RECIPE, evaluate=lambda model: {"accuracy": accuracy(model, tokenizer, watched)})
    release("antecedent", model, tokenizer, run, lambda model: measured(model, tokenizer), ABOUT)


if __name__ == "__main__":
    main()

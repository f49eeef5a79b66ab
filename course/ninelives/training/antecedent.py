"""An encoder that says what "it" is: `python -m ninelives.training.antecedent`.

At the place of "it" its most likely word is to be the noun that "it" stands for.
Nothing tells its heads where to look.
"""

from collections.abc import Sequence

import torch

from ninelives import weights
from ninelives.config import TransformerConfig
from ninelives.model import Encoder
from ninelives.text import WordTokenizer
from ninelives.text.grammar import VERSION, Sentence, every_word, sentences
from ninelives.training.batches import PADDING, padded
from ninelives.training.loop import train
from ninelives.training.recipe import Recipe

BLOCK_SIZE = 32
RECIPE = Recipe(learning_rate=2e-3, batch_size=64, max_iters=1500, warmup_steps=100, schedule="cosine", eval_every=250)
# A hint, so that learning starts at once: fewer passives, and reasons that have a usual side. Measured without it.
HINTS = {"passive": 0.3, "skew": 0.75}


def antecedent_batch(sentences: Sequence[Sentence], tokenizer: WordTokenizer) -> tuple[torch.Tensor, torch.Tensor]:
    """idx (B, T) int64 and targets (B, T) int64: the antecedent at "it", -1 everywhere else."""
    idx = padded([tokenizer.encode(sentence.english) for sentence in sentences])  # (B, T)
    nouns = torch.stack([tokenizer.encode(sentence.antecedent) for sentence in sentences])  # (B, 1)
    return idx, torch.where(idx == tokenizer.encode("it"), nouns, PADDING)  # (B, T)


def accuracy(model: Encoder, tokenizer: WordTokenizer, sentences: Sequence[Sentence]) -> float:
    """How often the most likely word at "it" is the antecedent."""
    idx, targets = antecedent_batch(sentences, tokenizer)
    with torch.no_grad():
        logits, _ = model.eval()(idx)  # (B, T, V)
    at_it = targets != PADDING  # (B, T)
    return (logits.argmax(-1)[at_it] == targets[at_it]).float().mean().item()


def weight_at_it(model: Encoder, tokenizer: WordTokenizer, sentences: Sequence[Sentence]) -> list[dict]:
    """How much "it" reads its antecedent, how much the other noun, and how often the antecedent most.

    Returns:
        One dict for each layer: `antecedent`, `other` and `most`, lists with a mean for each head.
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


def main() -> None:
    tokenizer = WordTokenizer(every_word("english"))
    torch.manual_seed(RECIPE.seed)
    model = Encoder(TransformerConfig(tokenizer.vocab_size, BLOCK_SIZE, n_embd=64, n_head=4, n_layer=3, dropout=0.0))
    idx, targets = antecedent_batch(sentences("train", 20_000, **HINTS), tokenizer)  # (N, T)
    held_out = sentences("held out", 1000)

    def draw_batch(generator: torch.Generator, batch_size: int) -> tuple[torch.Tensor, torch.Tensor]:
        rows = torch.randint(len(idx), (batch_size,), generator=generator)  # (B,)
        return idx[rows], targets[rows]

    run = train(model, draw_batch, RECIPE, evaluate=lambda model: {"accuracy": accuracy(model, tokenizer, held_out)})
    facts = {"accuracy": accuracy(model, tokenizer, held_out), "seconds": run.seconds}
    card = weights.save("antecedent", model, tokenizer, facts)
    print(card["parameters"], card["bytes"], facts)
    for layer in weight_at_it(model, tokenizer, held_out[:500]):
        print(layer)


if __name__ == "__main__":
    main()

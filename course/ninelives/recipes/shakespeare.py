"""Shakespeare's plays, character by character: `python -m ninelives.recipes.shakespeare`.

The curve is kept in `ninelives.recipes.curves`, for the Shakespeare lab. If the
command is stopped, start it again: it continues from its last checkpoint.
"""

from collections.abc import Callable
from pathlib import Path

import torch

from ninelives.config import TransformerConfig
from ninelives.model import Decoder
from ninelives.recipes import curves
from ninelives.text.shakespeare import encode, plays, split, tokenizer_of
from ninelives.training.loop import train
from ninelives.training.recipe import Recipe, Run

RECIPE = Recipe(learning_rate=2e-3, batch_size=16, max_iters=2000, warmup_steps=100, schedule="cosine",
                eval_every=200, checkpoint_every=200)
BLOCK_SIZE = 128
WATCHED = 200  # windows of the held-out plays


def model_of(vocab_size: int, recipe: Recipe) -> Decoder:
    """The lab's model. The recipe's seed also draws its first weights."""
    torch.manual_seed(recipe.seed)
    return Decoder(TransformerConfig(vocab_size, BLOCK_SIZE, n_embd=64, n_head=4, n_layer=4, dropout=0.0))


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
    _, run = train_model(folder=Path("ladder", "shakespeare"))
    curves.save("shakespeare", run)


if __name__ == "__main__":
    main()

"""The ladder of notebook 9, rung by rung: `python -m ninelives.recipes.ladder`.

Each rung is one small change of the run before it or of the START. The curves
are kept in `ninelives.recipes.curves`, one for each rung and seed. If the command
is stopped, start it again: it continues from its last checkpoint.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from ninelives.config import TransformerConfig
from ninelives.model import EncoderDecoder
from ninelives.recipes import curves
from ninelives.text import CharTokenizer, Tokenizer, WordTokenizer, sentences
from ninelives.text.grammar import HINTS, every_word
from ninelives.training.accuracy import exact_match
from ninelives.training.batches import drawn_from
from ninelives.training.loop import train
from ninelives.training.recipe import Recipe, Run

SENTENCES = 40_000


@dataclass(frozen=True)
class Rung:
    """A recipe and sizes. `characters`: the tokens are letters instead of words."""

    recipe: Recipe
    n_embd: int = 64
    n_head: int = 2
    encoder_layers: int = 2
    decoder_layers: int = 4
    dropout: float = 0.1
    characters: bool = False


START = Rung(
    Recipe(learning_rate=5e-4, batch_size=16, max_iters=2000, warmup_steps=0, schedule="constant", eval_every=250)
)
RUNGS = {
    "quick": Rung(
        Recipe(learning_rate=2e-3, batch_size=64, max_iters=2000, warmup_steps=100, schedule="cosine", eval_every=100),
        n_head=4, encoder_layers=2, decoder_layers=1, dropout=0.0,
    ),
    "words": START,
    "learning rate": replace(START, recipe=replace(START.recipe, learning_rate=3e-4)),
    "batch size": replace(START, recipe=replace(START.recipe, batch_size=32)),
    # 2,000 and 5,000 instead of 10,000 and 25,000: a fifth of the steps.
    "iterations": replace(START, recipe=replace(START.recipe, max_iters=5000)),
    "layers": replace(START, decoder_layers=6),
    "width": replace(START, n_embd=128),
    "heads": replace(START, n_head=8),
    "characters": replace(START, characters=True),
    "all six": Rung(
        replace(START.recipe, learning_rate=3e-4, batch_size=32, max_iters=5000),
        n_embd=128, n_head=8, decoder_layers=6,
    ),
}


def tokenizer_of(rung: Rung) -> Tokenizer:
    """The tokenizer of a rung, one for both languages."""
    words = {*every_word("english"), *every_word("french")}
    return CharTokenizer.of([" ".join(words)]) if rung.characters else WordTokenizer(sorted(words))


def model_of(rung: Rung, tokenizer: Tokenizer) -> EncoderDecoder:
    """The model of a rung, as a learner would build it. The recipe's seed also draws its first weights."""
    torch.manual_seed(rung.recipe.seed)
    block_size = 96 if rung.characters else 32
    encoder, decoder = (
        TransformerConfig(tokenizer.vocab_size, block_size, rung.n_embd, rung.n_head, n_layer, rung.dropout)
        for n_layer in (rung.encoder_layers, rung.decoder_layers)
    )
    return EncoderDecoder(encoder, decoder)


def curve_name(name: str, seed: int | str) -> str:
    """The name of a rung's curve: "learning-rate.0"."""
    return f"{name.replace(' ', '-')}.{seed}"


def train_rung(name: str, seed: int, folder: Path) -> Run:
    """Train a rung, or continue a training. Its checkpoint is in a folder of its own below `folder`."""
    rung = replace(RUNGS[name], recipe=replace(RUNGS[name].recipe, seed=seed))
    tokenizer = tokenizer_of(rung)
    watched = {"sentences right": sentences("held out", 400), "new combinations right": sentences("bonus", 200)}
    return train(
        model_of(rung, tokenizer), drawn_from(sentences("train", SENTENCES, **HINTS), tokenizer), rung.recipe,
        evaluate=lambda model: {what: exact_match(model, tokenizer, drawn) for what, drawn in watched.items()},
        folder=folder / curve_name(name, seed),
    )


def saved_runs() -> Iterator[tuple[str, int, Run]]:
    """Name, seed and curve of each run that ships with the course, in the order of RUNGS."""
    for name in RUNGS:
        for curve in curves.names():
            seed = curve.rpartition(".")[2]
            if curve == curve_name(name, seed):
                yield name, int(seed), curves.load(curve)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--names", nargs="+", default=list(RUNGS), choices=list(RUNGS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--folder", type=Path, default=Path("ladder"), help="the folder of the checkpoints")
    asked = parser.parse_args()
    for seed in asked.seeds:
        for name in asked.names:
            print(f"{name}, seed {seed}")
            curves.save(curve_name(name, seed), train_rung(name, seed, asked.folder))


if __name__ == "__main__":
    main()

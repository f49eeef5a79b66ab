"""From 2017 to today, each of six changes alone and all together: `python -m ninelives.recipes.today`.

Every model is trained with the recipe and the sizes of notebook 9's own training. The curves are kept in
`ninelives.recipes.curves`, one for each form and seed. If the command is stopped, start it again: it continues from
its last checkpoint. `python -m ninelives.recipes.today --times` measures what a step costs instead, on this machine.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch

from ninelives.model.today import TodayConfig, TodayEncoderDecoder
from ninelives.recipes import curves
from ninelives.text import WordTokenizer, sentences
from ninelives.text.grammar import HINTS, every_word
from ninelives.training.accuracy import exact_match
from ninelives.training.batches import drawn_from
from ninelives.training.loop import train
from ninelives.training.recipe import Recipe, Run
from ninelives.training.step import training_step

SENTENCES = 40_000
RECIPE = Recipe(learning_rate=2e-3, batch_size=64, max_iters=2000, warmup_steps=100, schedule="cosine", eval_every=100)
ENCODER_LAYERS, DECODER_LAYERS = 3, 2
FORM_OF_2017 = {"rms_norm": False, "rotary": False, "swiglu": False, "n_kv_head": None, "tied": False, "bias": True}
CHANGES = {
    "RMSNorm": {"rms_norm": True},
    "rotary positions": {"rotary": True},
    "SwiGLU": {"swiglu": True},
    "grouped queries": {"n_kv_head": 2},
    "tied embeddings": {"tied": True},
    "no biases": {"bias": False},
}
FORMS = {
    "2017": FORM_OF_2017,
    **{name: FORM_OF_2017 | change for name, change in CHANGES.items()},
    "all six today": {name: value for change in CHANGES.values() for name, value in change.items()},
}


def tokenizer_of_both() -> WordTokenizer:
    """One tokenizer for English and French, as in notebook 9."""
    return WordTokenizer(sorted({*every_word("english"), *every_word("french")}))


def model_of(name: str, seed: int = 0) -> TodayEncoderDecoder:
    """A model of this form, whose first weights the seed draws."""
    torch.manual_seed(seed)
    sizes = {"vocab_size": tokenizer_of_both().vocab_size, "block_size": 32, "n_embd": 64, "n_head": 4, "dropout": 0.0}
    encoder, decoder = (TodayConfig(**sizes, n_layer=n_layer, **FORMS[name]) for n_layer in (ENCODER_LAYERS, DECODER_LAYERS))
    model = TodayEncoderDecoder(encoder, decoder)
    if encoder.tied and not encoder.rotary:
        for part in (model.encoder, model.decoder):
            # Tied tokens begin as small as lm_head. Beside them positions of size 1 drown the words for some 300 steps.
            part.layers["embedding"].position.weight.data.mul_(part.lm_head.weight.std().item())
    return model


def curve_name(name: str, seed: int | str) -> str:
    """The name of a form's curve: "today.rotary-positions.0"."""
    return f"today.{name.replace(' ', '-')}.{seed}"


def train_form(name: str, seed: int, folder: Path, steps: int = RECIPE.max_iters) -> Run:
    """Train a form, or continue a training. Its checkpoint is in a folder of its own below `folder`."""
    tokenizer = tokenizer_of_both()
    watched = {"sentences right": sentences("held out", 400), "new combinations right": sentences("bonus", 200)}
    return train(
        model_of(name, seed), drawn_from(sentences("train", SENTENCES, **HINTS), tokenizer),
        replace(RECIPE, seed=seed, max_iters=steps, warmup_steps=min(RECIPE.warmup_steps, steps)),
        evaluate=lambda model: {what: exact_match(model, tokenizer, drawn) for what, drawn in watched.items()},
        folder=folder / curve_name(name, seed),
    )


def saved_runs() -> Iterator[tuple[str, int, Run]]:
    """Name, seed and curve of each run that ships with the course, in the order of FORMS."""
    for name in FORMS:
        for curve in curves.names():
            seed = curve.rpartition(".")[2]
            if curve == curve_name(name, seed):
                yield name, int(seed), curves.load(curve)


def seconds_per_step(rounds: int = 15, steps: int = 4) -> dict[str, float]:
    """The shortest time of a training step of each form on this machine, measured in turn, so that all meet the same load."""
    draw_batch, generator = drawn_from(sentences("train", 2000, **HINTS), tokenizer_of_both()), torch.Generator().manual_seed(0)
    models = {name: model_of(name) for name in FORMS}
    optimizers = {name: torch.optim.AdamW(model.parameters(), lr=1e-4) for name, model in models.items()}
    times: dict[str, list[float]] = {name: [] for name in FORMS}
    for round_number in range(rounds + 1):  # the first is not counted
        batches = [draw_batch(generator, RECIPE.batch_size) for _ in range(steps)]
        for name, model in models.items():
            start = time.perf_counter()
            for batch in batches:
                training_step(model, optimizers[name], batch, 1e-4)
            if round_number:
                times[name].append((time.perf_counter() - start) / steps)
    return {name: min(measured) for name, measured in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--names", nargs="+", default=list(FORMS), choices=list(FORMS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--folder", type=Path, default=Path("today"), help="the folder of the checkpoints")
    parser.add_argument("--times", action="store_true", help="measure the time of a training step of each form instead")
    asked = parser.parse_args()
    if asked.times:
        seconds = seconds_per_step()
        for name in asked.names:
            print(f"{name:18} {1000 * seconds[name]:6.1f} ms a step, {seconds[name] / seconds['2017']:.2f} of 2017's")
        return
    for seed in asked.seeds:
        for name in asked.names:
            print(f"{name}, seed {seed}")
            curves.save(curve_name(name, seed), train_form(name, seed, asked.folder))


if __name__ == "__main__":
    main()

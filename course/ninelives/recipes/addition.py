"""Addition in five formats: `python -m ninelives.recipes.addition`.

The runs of the tokenizer lab. Five of them differ only in the format: how a sum
is written. Two have another recipe, and differ in which tokens count in the
loss. Their curves go into `ninelives.recipes.curves`, and the weights of the run
"best" into `ninelives.weights`; `--names best` makes these alone. If the command
is stopped, start it again: it continues from its last checkpoint.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from ninelives.config import TransformerConfig
from ninelives.model import Decoder
from ninelives.recipes import curves, ladder
from ninelives.recipes.release import release
from ninelives.text.addition import FORMATS, NUMBERS, Format, carries, held_out
from ninelives.training.batches import PADDING, padded_lists
from ninelives.training.loop import train
from ninelives.training.recipe import Recipe, Run

BLOCK_SIZE = 16
WATCHED = 1000  # of the held-out sums
ABOUT = """
A decoder that adds two numbers below 1,000. It reads "578+422=" and writes the four digits of the result from the last
to the first, "0001", then the end token. It is the run "best" of the tokenizer lab, which uses it: padded and reversed,
with the loss on the answer only. `python -m ninelives.recipes.addition --names best` makes it without the other runs.

It knows sums in this format and nothing else. A sum is solved if the whole answer is right.
"""
DATA = "sums drawn at random, without 2,000 that are held out in either order."


@dataclass(frozen=True)
class Lesson:
    """How sums are written and learned. `answer_only`: only the tokens of the answer count in the loss."""

    format: Format
    recipe: Recipe
    answer_only: bool = False
    dropout: float = 0.1


START = replace(ladder.START.recipe, max_iters=8000, eval_every=500, checkpoint_every=500)
BEST = Recipe(learning_rate=2e-3, batch_size=128, max_iters=1500, warmup_steps=100, schedule="cosine", eval_every=100)
EASIEST = FORMATS["padded, reversed"]
LESSONS = {name: Lesson(form, START) for name, form in FORMATS.items()} | {
    "best": Lesson(EASIEST, BEST, answer_only=True, dropout=0.0),
    "best, loss on every token": Lesson(EASIEST, BEST, dropout=0.0),
}


def model_of(lesson: Lesson) -> Decoder:
    """A decoder of the ladder's starting size. The recipe's seed also draws its first weights."""
    torch.manual_seed(lesson.recipe.seed)
    vocab_size = lesson.format.tokenizer.vocab_size
    return Decoder(TransformerConfig(vocab_size, BLOCK_SIZE, n_embd=64, n_head=2, n_layer=4, dropout=lesson.dropout))


def examples(
    sums: Sequence[tuple[int, int]], form: Format, answer_only: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """Sums as a batch for a `Decoder`.

    Args:
        sums: B pairs of numbers.
        answer_only: the tokens of the question are not targets.

    Returns:
        idx (B, T) int64, question and answer, and targets (B, T) int64, the next
        token at every position, the end token after the answer. Both are padded
        with -1 at their ends.
    """
    tokenizer = form.tokenizer
    rows, answers = [], []
    for a, b in sums:
        question, answer = ([tokenizer.ids[token] for token in tokenizer.cut(text)]
                            for text in (form.question(a, b), form.answer(a, b)))
        rows.append([*question, *answer, tokenizer.end_token])
        answers.append(len(question))
    text = padded_lists(rows)  # (B, T + 1)
    idx, targets = text[:, :-1], text[:, 1:].clone()  # (B, T)
    idx = idx.masked_fill(targets == PADDING, PADDING)  # the end token is predicted, never given
    if answer_only:
        asked = torch.arange(idx.shape[1]) < torch.tensor(answers).unsqueeze(1) - 1  # (B, T)
        targets[asked] = PADDING
    return idx, targets


def drawn_sums(form: Format, answer_only: bool) -> Callable:
    """A draw_batch for `train`: new sums for each batch, none of them held out in either order."""
    known = torch.ones(NUMBERS, NUMBERS, dtype=torch.bool)
    for a, b in held_out():
        known[a, b] = known[b, a] = False

    def draw_batch(generator: torch.Generator, batch_size: int) -> tuple[torch.Tensor, torch.Tensor]:
        sums = torch.empty(0, 2, dtype=torch.int64)
        while len(sums) < batch_size:
            drawn = torch.randint(NUMBERS, (batch_size, 2), generator=generator)  # (B, 2)
            sums = torch.cat([sums, drawn[known[drawn[:, 0], drawn[:, 1]]]])
        return examples(sums[:batch_size].tolist(), form, answer_only)

    return draw_batch


def solved(model: Decoder, form: Format, sums: Sequence[tuple[int, int]]) -> float:
    """The share of sums that the model answers correctly, choosing the most likely token each time (greedy).

    One forward pass over question and answer together is enough: before the first
    wrong token of a greedy answer there are only right ones. So an answer is right
    if and only if each of its tokens is the most likely one after the right ones.
    """
    idx, targets = examples(sums, form, answer_only=True)
    with torch.no_grad():
        logits, _ = model.eval()(idx)  # (B, T, V)
    return ((logits.argmax(-1) == targets) | (targets == PADDING)).all(1).float().mean().item()


def train_lesson(lesson: Lesson, folder: Path | None = None, monitor: Callable | None = None) -> tuple[Decoder, Run]:
    """Train the model of a lesson, or continue a training that `folder` holds."""
    model, watched = model_of(lesson), held_out()[:WATCHED]
    run = train(
        model, drawn_sums(lesson.format, lesson.answer_only), lesson.recipe,
        evaluate=lambda model: {"solved": solved(model, lesson.format, watched)}, folder=folder, monitor=monitor,
    )
    return model, run


def curve_name(name: str) -> str:
    """The name of a lesson's curve: "addition.padded-reversed"."""
    return f"addition.{name.replace(',', '').replace(' ', '-')}"


def saved_runs() -> dict[str, Run]:
    """The curves that ship with the course, by name, in the order of LESSONS."""
    return {name: curves.load(curve_name(name)) for name in LESSONS if curve_name(name) in curves.names()}


def measured(model: Decoder) -> dict:
    """The figures of the card."""
    return {
        f"sums solved, {len(sums):,} held-out sums, carries: {times}": round(solved(model, EASIEST, sums), 4)
        for times in range(4)
        for sums in [[(a, b) for a, b in held_out() if carries(a, b) == times]]
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--names", nargs="+", default=list(LESSONS), choices=list(LESSONS))
    parser.add_argument("--folder", type=Path, default=Path("ladder", "addition"), help="the folder of the checkpoints")
    asked = parser.parse_args()
    torch.set_num_threads(1)  # with more threads the last digits differ, and in the end the weights
    for name in asked.names:
        print(name)
        lesson = LESSONS[name]
        model, run = train_lesson(lesson, asked.folder / curve_name(name))
        curves.save(curve_name(name), run)
        if name == "best":
            release("addition", model, lesson.format.tokenizer, run, measured, ABOUT, DATA)


if __name__ == "__main__":
    main()

"""The score of a training that was handed in, on sentences that no model was trained on."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch.nn import functional as F

from ninelives.model import EncoderDecoder, prefix_generation
from ninelives.text.grammar import Sentence, sentences
from ninelives.text.tokenizers import Tokenizer
from ninelives.training.batches import PADDING, translation_batch
from ninelives.training.handed_in import Refused, read

NUM_SENTENCES = 400
MAX_CONTROL = 0.05  # the share of answers that may match another sentence's French


@dataclass(frozen=True)
class Score:
    """How good a training is.

    Attributes:
        accuracy: the share of held-out sentences whose French is right to the last word.
        bonus: the same for verbs and reasons that training never combined.
        control: the share whose answer matches the French of another sentence; near 0 for an honest model.
        parameters: how many numbers were trained, counted in the file.
        steps: how many steps were made, as the optimizer counted them.
    """

    accuracy: float
    bonus: float
    control: float
    parameters: int
    steps: int


def score(folder: str | Path, n: int = NUM_SENTENCES, seed: int = 0) -> Score:
    """The score on n sentences that this seed draws, held out, and on n of the bonus.

    Raises:
        Refused: the folder holds nothing that can be scored.
        NoTraining: (a Refused) nothing was trained in this folder yet.
    """
    folder = Path(folder)
    # Several checks ask for the score of the same files. Their times and sizes tell a new training from an old one.
    stats = sorted((path.name, path.stat()) for path in folder.glob("*") if path.is_file())
    files = tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)
    return score_of_files(folder.absolute(), files, n, seed)


@lru_cache(maxsize=8)
def score_of_files(folder: Path, files: tuple[tuple[str, int, int], ...], n: int, seed: int) -> Score:
    """What `score` gives, remembered for the same files (name, time of the last change, size)."""
    model, tokenizer, run = read(folder)
    answers, expected = translations(model, tokenizer, sentences("held out", n, seed))
    control = matches_of_others(answers, expected, seed)
    if control > MAX_CONTROL:
        raise Refused(f"{100 * control:.0f} % of the answers also match the French of other sentences: this is not "
                      "translation.")
    return Score(
        accuracy=share_equal(answers, expected),
        bonus=share_equal(*translations(model, tokenizer, sentences("bonus", n, seed))),
        control=control, parameters=sum(p.numel() for p in model.parameters()), steps=run.step,
    )


@torch.no_grad()
def translations(
    model: EncoderDecoder, tokenizer: Tokenizer, drawn: Sequence[Sentence]
) -> tuple[list[list[int]], list[list[int]]]:
    """What the model writes for each sentence, and what it should write: ids with the end token, padded."""
    try:
        prefix, targets = translation_batch(drawn, tokenizer)  # (B, P), (B, T)
        T = targets.shape[1]
        written = prefix_generation(model, prefix, T, 0, end_token=tokenizer.end_token)  # (B, new)
    # A TypeError where the tokenizer's words are numbers.
    except (ValueError, TypeError) as error:
        raise Refused(f"the model cannot translate the sentences: {error}") from None
    return F.pad(written, (0, T - written.shape[1]), value=PADDING).tolist(), targets.tolist()


def matches_of_others(answers: list[list[int]], expected: list[list[int]], seed: int) -> float:
    """The share of answers that equal the expected answer to another sentence, chosen at random."""
    others = list(range(len(expected)))
    random.Random(seed).shuffle(others)
    pairs = [(answers[k], expected[other]) for k, other in enumerate(others) if expected[k] != expected[other]]
    return share_equal(*zip(*pairs, strict=True)) if pairs else 0.0


def share_equal(answers: Sequence, expected: Sequence) -> float:
    """The share of answers that equal the expected one."""
    return sum(a == b for a, b in zip(answers, expected, strict=True)) / len(expected)

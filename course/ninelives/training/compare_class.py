"""Score the trainings of a class, and name those that have the same weights.

    python -m ninelives.training.compare_class submitted
"""

import argparse
import hashlib
import random
import sys
from itertools import combinations
from pathlib import Path

import torch

from ninelives.training.handed_in import Refused, correlation, read
from ninelives.training.scores import score

NEARLY_THE_SAME = 0.98  # correlation of all weights; two separate trainings have hardly any


def compare(folders: dict[str, Path]) -> list[str]:
    """A sentence for each two students whose weights are the same, or nearly."""
    weights = {}
    for student, folder in folders.items():
        try:
            weights[student] = all_weights(folder)
        except (Refused, OSError):
            continue  # the table says why
    found = []
    for (one, a), (other, b) in combinations(weights.items(), 2):
        if a.shape != b.shape:
            continue
        if torch.equal(a, b):
            fingerprint = hashlib.sha256(a.numpy().tobytes()).hexdigest()[:16]
            found.append(f"{one} and {other} handed in the same weights (fingerprint {fingerprint}).")
        elif (alike := correlation(a, b)) > NEARLY_THE_SAME:
            found.append(f"{one} and {other} handed in nearly the same weights (correlation {alike:.3f}): one "
                         "continued from the other's, or both began from the same seed.")
    return found


def all_weights(folder: Path) -> torch.Tensor:
    """The weights of a training as one vector."""
    model, _, _ = read(folder)
    return torch.cat([p.detach().flatten() for _, p in sorted(model.named_parameters())])


def printable(text: str) -> str:
    """The text with escapes for everything that could move the terminal's cursor, as the name of a folder may."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m ninelives.training.compare_class",
                                     description=__doc__.split("\n")[0])
    parser.add_argument("submitted", type=Path, help="the folder of submissions, submitted/STUDENT/09-training/own")
    parser.add_argument("--assignment", default="09-training")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**31),
                        help="draws the sentences; by default another one each time")
    asked = parser.parse_args(arguments)
    folders = {path.parents[1].name: path for path in sorted(asked.submitted.glob(f"*/{asked.assignment}/own"))}
    if not folders:
        sys.exit(f"There is no {asked.submitted}/STUDENT/{asked.assignment}/own; name the folder of submissions.")
    print(f"{'student':24} {'right':>7} {'bonus':>7} {'control':>8} {'steps':>8} {'parameters':>11}"
          f"    (sentences of seed {asked.seed})")
    for student, folder in folders.items():
        try:
            s = score(folder, seed=asked.seed)
        except (Refused, OSError) as refusal:
            print(printable(f"{student:24} refused: {refusal}"))
            continue
        print(f"{printable(student):24} {s.accuracy:7.1%} {s.bonus:7.1%} {s.control:8.1%} {s.steps:8,} "
              f"{s.parameters:11,}")
    for sentence in compare(folders):
        print(printable(sentence))


if __name__ == "__main__":
    main()

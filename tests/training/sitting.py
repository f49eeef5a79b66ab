"""One sitting of a training, in a process of its own that a test can kill: python sitting.py FOLDER."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "course")]

import torch

from ninelives.training import train
from training import small

torch.set_num_threads(1)


def sitting(folder: Path, recipe=small.RECIPE):
    model = small.model()
    return model, train(model, small.draw_batch, recipe, evaluate=small.evaluate, folder=folder, monitor=lambda entry: None)


if __name__ == "__main__":
    sitting(Path(sys.argv[1]), small.LONG)

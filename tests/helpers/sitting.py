"""One sitting of a training, for a process that a test can kill."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "course")]

import torch

from helpers import small
from ninelives.training import train

torch.set_num_threads(1)
# Brings in what PyTorch loads with its first optimizer, so that it is there before a test forks.
torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], fused=True).zero_grad()


def sitting(folder: Path, recipe=small.RECIPE):
    model = small.model()
    return model, train(model, small.draw_batch, recipe, evaluate=small.evaluate, folder=folder, monitor=lambda entry: None)

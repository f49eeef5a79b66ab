"""A training as a learner hands it in, made in seconds."""

from pathlib import Path

import torch

from ninelives import weights
from ninelives.text import sentences
from ninelives.training import Recipe, train
from ninelives.training.batches import drawn_from


def put_training(folder: Path) -> None:
    """Write `own` into a folder of notebook 9: the course's translator, one step further at a rate that changes nothing.

    Its hidden units are in another order, since the course's own is refused.
    """
    model, tokenizer = weights.load("translator")
    for block in model.decoder.layers["blocks"]:
        first, second = block.mlp[0], block.mlp[2]
        order = torch.randperm(len(first.bias))
        first.weight.data, first.bias.data, second.weight.data = first.weight[order], first.bias[order], second.weight[:, order]
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    draw_batch = drawn_from(sentences("train", 100), tokenizer)
    train(model, draw_batch, Recipe(learning_rate=1e-9, batch_size=4, max_iters=1, warmup_steps=0), folder=folder / "own")
    (folder / "own" / "tokenizer.json").write_text(tokenizer.to_json(), encoding="utf-8")

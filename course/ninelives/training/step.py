"""One step of a training (notebook 9, exercise 3)."""

import torch
from torch import nn


def training_step(
    model: nn.Module, optimizer: torch.optim.Optimizer, batch: tuple[torch.Tensor, ...], rate: float, grad_clip: float = 1.0
) -> float:
    """Move a model's parameters once, so that it gets a little better at this batch.

    Args:
        model: called as `model(*batch)`, returns (logits, loss). It is put into training mode.
        optimizer: of the model's parameters; all its groups get the rate.
        batch: what the model is called with.
        rate: the learning rate of this step.
        grad_clip: the largest norm of the whole gradient; a longer one is
            shortened (Pascanu et al. 2013, "On the difficulty of training
            recurrent neural networks", section 3.2).

    Returns:
        The loss of this batch before the step.
    """
    model.train()
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad()
    _, loss = model(*batch)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    return loss.item()

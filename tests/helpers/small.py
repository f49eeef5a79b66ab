"""A training that takes a second: a small decoder learns to continue sequences that count upwards."""

from dataclasses import replace

import torch

from ninelives.config import TransformerConfig
from ninelives.model import Decoder
from ninelives.training import Recipe

CONFIG = TransformerConfig(vocab_size=11, block_size=8, n_embd=16, n_head=2, n_layer=2, dropout=0.2)
RECIPE = Recipe(learning_rate=3e-3, batch_size=8, max_iters=30, warmup_steps=5, eval_every=10, checkpoint_every=7)

# Saved at every step, so that a kill often comes while it writes.
LONG = replace(RECIPE, max_iters=80, checkpoint_every=1)


def model(config: TransformerConfig = CONFIG) -> Decoder:
    torch.manual_seed(1)
    return Decoder(config)


def draw_batch(generator: torch.Generator, batch_size: int) -> tuple[torch.Tensor, torch.Tensor]:
    first = torch.randint(CONFIG.vocab_size, (batch_size, 1), generator=generator)
    counted = (first + torch.arange(7)) % CONFIG.vocab_size  # (B, 7)
    return counted[:, :-1], counted[:, 1:]


def evaluate(model: Decoder) -> dict:
    device = next(model.parameters()).device
    idx, targets = (tensor.to(device) for tensor in draw_batch(torch.Generator().manual_seed(99), 32))
    return {"accuracy": (model(idx)[0].argmax(-1) == targets).float().mean().item()}


def same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    """Whether two models have the same weights, to the bit."""
    theirs = other.state_dict()
    return all(torch.equal(tensor, theirs[name]) for name, tensor in one.state_dict().items())


def curve(run) -> list[dict]:
    """The history without its times."""
    return [{name: value for name, value in entry.items() if name != "seconds"} for entry in run.history]

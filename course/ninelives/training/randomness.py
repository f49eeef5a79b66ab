"""Random numbers that can be repeated: of the batches, and of dropout."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Inside, PyTorch's random numbers begin at the seed; afterwards they continue as if none had been drawn.

    torch.manual_seed and fork_rng alone would initialise every GPU, even for a model on the CPU.
    """
    gpus = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=gpus):
        torch.default_generator.manual_seed(seed)
        for gpu in gpus:
            with torch.cuda.device(gpu):
                torch.cuda.manual_seed(seed)
        yield


def random_states(generator: torch.Generator, device: torch.device) -> dict[str, torch.Tensor]:
    """The states of the generator of the batches and of PyTorch's own, which dropout uses."""
    states = {"batches": generator.get_state(), "dropout": torch.get_rng_state()}
    if device.type == "cuda":
        states["dropout.cuda"] = torch.cuda.get_rng_state(device)
    return states


def set_random_states(states: dict[str, torch.Tensor], generator: torch.Generator, device: torch.device) -> None:
    """Go back to what `random_states` gave."""
    generator.set_state(states["batches"])
    torch.set_rng_state(states["dropout"])
    # A training may continue on another kind of device, though not to the bit.
    if "dropout.cuda" in states and device.type == "cuda":
        torch.cuda.set_rng_state(states["dropout.cuda"], device)

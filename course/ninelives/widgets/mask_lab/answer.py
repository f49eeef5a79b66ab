"""What a learner's get_attention_mask or joint_mask gives."""

from collections.abc import Callable

import torch

from ninelives.figures import is_the_packages
from ninelives.widgets.yours import CannotBeShown, why_not


def answer_of(function: Callable, *arguments: torch.Tensor | int, B: int, N: int, names: str) -> dict:
    """{"masks": B texts of N * N digits 0 and 1}, {"error": why there are none}, or {"package": True} for the package's.

    `names` is what to call the shape that is expected, (B, 1, N, N).
    """
    if is_the_packages(function):
        return {"package": True}
    try:
        mask = function(*arguments)  # (B, 1, N, N), or what broadcasts to it
        if mask is None:
            raise CannotBeShown("gives None.")
        mask = torch.as_tensor(mask)
        if mask.dim() != 4:
            shape = tuple(mask.shape)
            raise CannotBeShown(f"gives the shape {shape}, where {names} = {(B, 1, N, N)} is expected.")
        mask = (mask != 0).expand(B, -1, N, N)[:, 0]  # (B, N, N)
    # Whatever a learner's function raises, the lab goes on and says so.
    except Exception as error:
        return {"error": why_not(error)}
    return {"masks": ["".join("01"[cell] for cell in one.flatten().int().tolist()) for one in mask]}

"""What a learner's get_attention_mask gives."""

from collections.abc import Callable

import torch

from ninelives.figures import is_the_packages
from ninelives.widgets.yours import CannotBeShown, why_not


def answer_of(get_attention_mask: Callable, lengths: list[int], T: int) -> dict:
    """{"masks": B texts of T * T digits 0 and 1}, {"error": why there are none}, or {"package": True} for the package's."""
    if is_the_packages(get_attention_mask):
        return {"package": True}
    B = len(lengths)
    try:
        mask = get_attention_mask(torch.tensor(lengths), T)  # (B, 1, T, T), or what broadcasts to it
        if mask is None:
            raise CannotBeShown("gives None.")
        mask = torch.as_tensor(mask)
        if mask.dim() != 4:
            shape = tuple(mask.shape)
            raise CannotBeShown(f"gives the shape {shape}, where (B, 1, T, T) = {(B, 1, T, T)} is expected.")
        mask = (mask != 0).expand(B, -1, T, T)[:, 0]  # (B, T, T)
    # Whatever a learner's function raises, the lab goes on and says so.
    except Exception as error:
        return {"error": why_not(error)}
    return {"masks": ["".join("01"[cell] for cell in one.flatten().int().tolist()) for one in mask]}

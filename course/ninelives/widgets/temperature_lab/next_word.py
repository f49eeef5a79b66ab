"""The scores of the next word: from which prompt, how they are sent to the browser, and a learner's probabilities."""

import base64
from collections.abc import Callable, Sequence

import torch
from torch import nn

from ninelives.figures import is_the_packages
from ninelives.model import next_token_probabilities
from ninelives.model.generation import next_logits
from ninelives.model.inspection import in_eval_mode
from ninelives.widgets.yours import CannotBeShown, why_not

CLOSE = 1e-4  # rounding in float32 makes a learner's probabilities differ by less than this


def vocabulary_and_prompt(vocabulary: Sequence[str], idx) -> tuple[list[str], torch.Tensor]:
    """The V words as a list, and the ids of one prompt, (T,) or (1, T), as (1, T) int64.

    Raises ValueError for a vocabulary that is one string, an empty prompt, ids of several prompts, ids that are not
    whole numbers, and ids outside 0 … V - 1.
    """
    if isinstance(vocabulary, str):
        raise ValueError(
            f"vocabulary is the single string {vocabulary!r}; pass a list of words, in the order of their ids."
        )
    vocabulary, ids = [str(word) for word in vocabulary], torch.as_tensor(idx).detach().cpu()
    if ids.numel() == 0:
        raise ValueError("the prompt is empty: a decoder needs at least one token to go on from.")
    if ids.dim() == 1:
        ids = ids.unsqueeze(0)  # (1, T)
    if ids.dim() != 2 or len(ids) != 1 or ids.is_floating_point():
        raise ValueError(
            f"idx has shape {tuple(ids.shape)} and dtype {ids.dtype}; pass the ids of one prompt, whole numbers of "
            "shape (T,) or (1, T)."
        )
    low, high = ids.min().item(), ids.max().item()
    if low < 0 or high >= len(vocabulary):
        raise ValueError(
            f"idx holds {low if low < 0 else high}: the words are numbered from 0 to {len(vocabulary) - 1}, "
            "without padding."
        )
    return vocabulary, ids.long()


@torch.no_grad()
def scores_after(model: nn.Module, prompt: torch.Tensor, drawn: list[int], V: int) -> torch.Tensor:
    """The scores (V,) float32 of the next word after a prompt (1, T) and the words drawn.

    Raises ValueError for a model that scores another number of words than V, and for scores from which nothing can be
    drawn.
    """
    idx = torch.cat([prompt, torch.tensor([drawn], dtype=torch.long)], dim=1)  # (1, T + new)
    device = next(model.parameters(), idx).device
    with in_eval_mode(model):
        logits = next_logits(model, idx.to(device))[0].float().cpu()  # (V,)
    if len(logits) != V:
        raise ValueError(
            f"vocabulary holds {V} words and the model scores {len(logits)}; pass one word for each score."
        )
    next_token_probabilities(logits, 0)  # raises for NaN and for a row of -inf alone
    return logits


def difference(function: Callable, logits: torch.Tensor, temperature: float) -> dict:
    """By how much a learner's `next_token_probabilities` differs from the package's.

    `function` gets a copy of the scores as (1, V) and the temperature. {"away": the largest difference, where NaN counts
    as 1, "word": where it is, "chance": the learner's probability there, or None for NaN}, and "numbers", all of the
    learner's, where some differ; {"error": why there is none}; or {"package": True} for a function of the package.
    """
    if is_the_packages(function):
        return {"package": True}
    wanted = next_token_probabilities(logits.double(), temperature)  # (V,)
    try:
        theirs = function(logits.clone().unsqueeze(0), temperature)  # (1, V)
        if theirs is None:
            raise CannotBeShown("gives None.")
        theirs = torch.as_tensor(theirs).detach()
        if theirs.shape != (1, len(wanted)):
            raise CannotBeShown(f"gives the shape {tuple(theirs.shape)}, where (1, {len(wanted)}) is expected.")
        away, word = (theirs[0].double() - wanted).abs().nan_to_num(1.0).max(dim=0)
        chance = theirs[0, word].double()
        found = {"away": away.item(), "word": word.item(), "chance": None if chance.isnan() else chance.nan_to_num().item()}
        return found | ({"numbers": as_text(theirs[0].float())} if found["away"] > CLOSE else {})
    # Whatever a learner's function raises, the lab goes on and says so.
    except Exception as error:
        return {"error": why_not(error)}


def as_text(logits: torch.Tensor) -> str:
    """(V,) as little-endian float32 in base64."""
    return base64.b64encode(logits.numpy().astype("<f4").tobytes()).decode()

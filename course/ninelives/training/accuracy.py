"""The share of translations that are right, to the last word."""

from collections.abc import Sequence

import torch
from torch.nn import functional as F

from ninelives.model import EncoderDecoder, prefix_generation
from ninelives.training.batches import PADDING, translation_batch

BATCH = 500


def exact_match(model: EncoderDecoder, tokenizer, sentences: Sequence) -> float:
    """The share of sentences that the model translates exactly, every word and the end.

    The model sees only the English, and writes the most likely word each time (greedy).

    Args:
        model: an encoder–decoder; its mode, train or eval, is left as it was.
        tokenizer: with `encode` and `end_token`.
        sentences: objects with `.english` and `.french`.

    Returns:
        0.0 to 1.0.

    Raises:
        ValueError: sentences is empty.
    """
    if not sentences:
        raise ValueError("sentences is empty: accuracy needs at least one.")
    right = 0
    for first in range(0, len(sentences), BATCH):
        prefix, targets = translation_batch(sentences[first : first + BATCH], tokenizer)
        right += share_right(model, prefix, targets, tokenizer.end_token) * len(targets)
    return round(right) / len(sentences)


def share_right(model: EncoderDecoder, prefix: torch.Tensor, targets: torch.Tensor, end_token: int) -> float:
    """The share of one batch's sentences that the model translates exactly: `exact_match` for prefix (B, P), targets (B, T)."""
    T = targets.shape[1]
    device = next(model.parameters()).device
    answer = prefix_generation(model, prefix.to(device), T, 0, end_token=end_token).cpu()  # (B, new)
    answer = F.pad(answer, (0, T - answer.shape[1]), value=PADDING)  # (B, T)
    return (answer == targets).all(1).double().mean().item()

"""Sentences become tensors."""

from collections.abc import Callable, Sequence

import torch

PADDING = -1


def padded(rows: Sequence[torch.Tensor]) -> torch.Tensor:
    """Rows of different lengths, each (T,), to (B, longest T) int64, padded with -1."""
    return torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True, padding_value=PADDING)


def padded_lists(rows: Sequence[list[int]]) -> torch.Tensor:
    """The same as `padded` for lists of ids, and fast enough for a hundred thousand of them."""
    longest = max(map(len, rows))
    return torch.tensor([row + [PADDING] * (longest - len(row)) for row in rows])  # (B, longest)


def batch_of_pairs(
    pairs: Sequence[tuple[torch.Tensor, torch.Tensor]], end_token: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids of English and French sentences, B pairs of (P_b,) and (T_b,), as `translation_batch` gives them."""
    end = torch.tensor([end_token])
    prefix = padded([source for source, _ in pairs])  # (B, P)
    targets = padded([torch.cat([answer, end]) for _, answer in pairs])  # (B, T)
    return prefix, targets


def translation_batch(sentences: Sequence, tokenizer) -> tuple[torch.Tensor, torch.Tensor]:
    """Sentences as a batch for an `EncoderDecoder`.

    Args:
        sentences: B objects with `.english` and `.french`.
        tokenizer: with `encode` and `end_token`.

    Returns:
        prefix (B, P) int64, the English, and targets (B, T) int64, the French
        and the end token. Both are padded with -1 at their ends.

    Raises:
        ValueError: sentences is empty.
    """
    if not sentences:
        raise ValueError("sentences is empty: a batch needs at least one.")
    pairs = [(tokenizer.encode(sentence.english), tokenizer.encode(sentence.french)) for sentence in sentences]
    return batch_of_pairs(pairs, tokenizer.end_token)


def drawn_from(sentences: Sequence, tokenizer) -> Callable:
    """A draw_batch for `train`: each batch is drawn from these sentences, with replacement."""
    return drawn_rows(*translation_batch(sentences, tokenizer))


def drawn_rows(prefix: torch.Tensor, targets: torch.Tensor) -> Callable:
    """A draw_batch for `train`: rows of prefix (N, P) and targets (N, T), drawn with replacement and trimmed."""

    def draw_batch(generator: torch.Generator, batch_size: int) -> tuple[torch.Tensor, torch.Tensor]:
        rows = torch.randint(len(prefix), (batch_size,), generator=generator)  # (B,)
        return trimmed(prefix[rows]), trimmed(targets[rows])

    return draw_batch


def trimmed(idx: torch.Tensor) -> torch.Tensor:
    """(B, T) without the last columns, if they are padding in every row."""
    return idx[:, : int((idx != PADDING).sum(1).max())]

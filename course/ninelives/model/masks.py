"""Masks of packed rows (notebook 4), with a prefix (5), over a cache and the tokens after it (7), and masks that fit."""

import torch

from ninelives.model.validation import any_true, first_true, unwrapped


def packed_mask(sentence: torch.Tensor) -> torch.Tensor:
    """The mask of rows that hold several sentences.

    Args:
        sentence: (B, T) int64, the number of the sentence of each position, -1 where there is padding.

    Returns:
        (B, 1, T, T) bool, True where row and column belong to the same sentence. Padding attends to padding.
    """
    return sentence[:, None, :, None] == sentence[:, None, None, :]  # (B, 1, T, T)


def prefix_mask(num_prefix: torch.Tensor, T: int) -> torch.Tensor:
    """A causal mask in which everything attends to the whole prefix.

    Source: Raffel et al. 2020, "Exploring the Limits of Transfer Learning with a Unified Text-to-Text
    Transformer", section 3.2.1, there "prefix LM".

    Args:
        num_prefix: (B,) integers, how many positions each prefix has.
        T: the number of positions.

    Returns:
        (B, 1, T, T) bool.
    """
    position = torch.arange(T, device=num_prefix.device)  # (T,)
    return (position < num_prefix.reshape(-1, 1, 1, 1)) | (position <= position.unsqueeze(1))  # (B, 1, T, T)


def is_cached(hidden_cache: torch.Tensor) -> torch.Tensor:
    """(B, P, C) to (B, P) bool: True where a row belongs to a token, False where it is zero, which is padding."""
    return (hidden_cache != 0).any(dim=-1)  # (B, P)


def padding_first(hidden_cache: torch.Tensor) -> torch.Tensor:
    """Move the padded rows of a cache to its front, so that its last row belongs to a token.

    The order of the rows changes no attention, because each row carries its own position.
    But the last row predicts the first target, so it must be a token's.

    Args:
        hidden_cache: (B, P, C), zero where there is padding.

    Returns:
        (B, P, C), the same rows; tokens keep their order.
    """
    order = is_cached(hidden_cache).to(torch.uint8).argsort(dim=1, stable=True)  # (B, P)
    return hidden_cache.gather(1, order.unsqueeze(-1).expand_as(hidden_cache))  # (B, P, C)


def joint_mask(hidden_cache: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
    """The mask over a cache and the tokens after it.

    Cache rows attend to the cache. Token rows attend to the cache and, among
    themselves, as `attention_mask` says. Nothing attends to the padding of the cache.

    Args:
        hidden_cache: (B, P, C), zero where there is padding.
        attention_mask: (B, 1, T, T) or (T, T), 1 or True where the row may
            attend to the column.

    Returns:
        (B, 1, P + T, P + T) bool.
    """
    (B, P, _), T = hidden_cache.shape, attention_mask.shape[-1]
    among_tokens = attention_mask.bool().expand(B, 1, T, T)  # (B, 1, T, T)
    cache_to_tokens = among_tokens.new_zeros(B, 1, P, T)  # F.pad refuses T = 0 in PyTorch 2.6
    to_tokens = torch.cat([cache_to_tokens, among_tokens], dim=2)  # (B, 1, P + T, T)
    to_cache = is_cached(hidden_cache)[:, None, None, :].expand(B, 1, P + T, P)  # (B, 1, P + T, P)
    return torch.cat([to_cache, to_tokens], dim=-1)  # (B, 1, P + T, P + T)


def checked_mask(attention_mask: torch.Tensor | None, q: torch.Tensor, k: torch.Tensor) -> torch.Tensor | None:
    """The mask as bool, if it fits q (B, H, T, head_size) and k (B, H, S, head_size). Raises ValueError."""
    if attention_mask is None:
        return None
    (B, H, T, head_size), S, shape = q.shape, k.shape[2], tuple(attention_mask.shape)
    # A (B, T, S) mask would line its examples up with the heads: silently wrong when B is n_head.
    if len(shape) not in (2, 4) or any(have not in (1, need) for have, need in zip(shape[::-1], (S, T, H, B))):
        advice = {(B, S): "Write attention_mask[:, None, None] if it says which tokens are not padding.",
                  (B, T, S): "Write attention_mask[:, None] to give it an axis for the heads."}
        raise ValueError(
            f"attention_mask has shape {shape} and x has shape {(B, T, H * head_size)}: "
            f"a mask of shape (B, 1, T, T) = {(B, 1, T, S)} is needed. {advice.get(shape, '')}".rstrip()
        )
    if len(shape) == 2 and shape[0] == B == T > 1:
        raise ValueError(
            f"attention_mask has shape {shape}, and B = T = {T}: it could be one mask (T, T) for all examples, or "
            f"one row (B, T) for each. Write attention_mask[None, None] or attention_mask[:, None, None]."
        )
    if attention_mask.dtype != torch.bool:
        strange = (attention_mask != 0) & (attention_mask != 1)
        if any_true(strange):
            found = unwrapped(attention_mask)[tuple(first_true(strange))].item()
            raise ValueError(
                f"attention_mask holds {found}, but a mask here holds 1 (may attend) and 0 (may not) and is not added to "
                f"scores. Write attention_mask == 0 if it is nn.Transformer.generate_square_subsequent_mask's."
            )
    mask = attention_mask.bool()
    if any_true(~mask.any(dim=-1)):
        empty = first_true(~mask.any(dim=-1))
        raise ValueError(
            f"row {empty[-1]} of attention_mask (example {empty[0] if len(empty) > 1 else 0}) allows no key at all: its "
            f"softmax would be NaN. Every row must allow at least one; 1 or True means: may attend."
        )
    return mask

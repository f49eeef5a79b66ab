"""What the model refuses, and the sentence that says what to write instead. Every check raises ValueError."""

import math
from numbers import Integral, Real

import torch


def _unwrapped_in_pytorch_2_6(tensor: torch.Tensor) -> torch.Tensor:
    while torch._C._functorch.is_functorch_wrapped_tensor(tensor):
        tensor = torch._C._functorch.get_unwrapped(tensor)
    return tensor


# The tensor of all examples inside `torch.vmap`.
unwrapped = getattr(torch.func, "debug_unwrap", _unwrapped_in_pytorch_2_6)


def any_true(condition: torch.Tensor) -> bool:
    """Whether a bool tensor holds a True that Python may look at.

    A compiled graph cannot branch on values, and on the meta device there are
    none: there nothing is refused. Under `torch.vmap` all examples are checked together.
    """
    if torch.compiler.is_compiling() or condition.is_meta:
        return False
    return bool(unwrapped(condition).any())


def first_true(condition: torch.Tensor) -> list[int]:
    """The indices of the first True."""
    return unwrapped(condition).nonzero()[0].tolist()


def check_ids(idx: torch.Tensor, block_size: int, vocab_size: int) -> None:
    """idx must be (B, T) whole numbers from -1 to vocab_size - 1, with T at most block_size."""
    if idx.dim() != 2:
        raise ValueError(
            f"idx has shape {tuple(idx.shape)}, but the model takes (B, T)"
            + (": idx.unsqueeze(0) makes a batch of one sequence." if idx.dim() == 1 else ".")
        )
    if idx.dtype not in (torch.int64, torch.int32):
        raise ValueError(f"idx has dtype {idx.dtype}, but ids are whole numbers (torch.int64).")
    if idx.shape[1] > block_size:
        raise ValueError(
            f"the sequence has {idx.shape[1]} tokens and the model reads at most block_size = {block_size}: "
            f"shorten it, or build the model with a larger block_size."
        )
    check_range(idx, "idx", vocab_size, "marks padding")


def check_range(ids: torch.Tensor, name: str, vocab_size: int, minus_one: str) -> None:
    """No id may be below -1 or above vocab_size - 1."""
    unknown = (ids < -1) | (ids >= vocab_size)  # (B, T)
    if any_true(unknown):
        found = unwrapped(ids)[tuple(first_true(unknown))].item()
        raise ValueError(
            f"{name} holds {found}: ids run from 0 to {vocab_size - 1} (vocab_size = {vocab_size}), and -1 {minus_one}."
        )


def check_padding(is_token: torch.Tensor, name: str) -> None:
    """Each sequence of is_token (B, T) bool must hold a token, and padding may come only at its end."""
    B, T = is_token.shape
    if T and any_true(~is_token.any(dim=1)):
        raise ValueError(
            f"sequence {first_true(~is_token.any(dim=1))[0]} of {name} is all padding (-1): leave it out."
        )
    before_a_token = is_token[:, 1:] & ~is_token[:, :-1]
    if any_true(before_a_token):
        raise ValueError(
            f"sequence {first_true(before_a_token)[0]} of {name} has padding (-1) before a token: it must come at the end."
        )


def check_num_tokens(num_tokens: torch.Tensor, T: int) -> None:
    """Every length must be from 1 to T."""
    if T and any_true((num_tokens < 1) | (num_tokens > T)):
        lengths = unwrapped(num_tokens).tolist()
        raise ValueError(f"num_tokens is {lengths}, but every length must be from 1 to T = {T}.")


def check_targets(targets: torch.Tensor, idx: torch.Tensor, vocab_size: int, has_cache: bool) -> None:
    """targets must have the shape of idx and hold ids or -1, and there may be no cache."""
    if has_cache:
        raise ValueError(
            "targets and hidden_cache are given together, and a Transformer does not know which of its rows predict the "
            "targets: leave targets out, and compute the loss of the logits of rows P - 1 to P + T - 2, as EncoderDecoder does."
        )
    if targets.shape != idx.shape:
        raise ValueError(
            f"targets has shape {tuple(targets.shape)} and idx has shape {tuple(idx.shape)}: "
            f"there must be one target for every token."
        )
    check_range(targets, "targets", vocab_size, "marks a position where nothing is predicted")


def check_hidden_cache(hidden_cache: torch.Tensor, B: int, n_embd: int) -> None:
    """hidden_cache must be (B, P, n_embd), and hold a token in every example."""
    shape = tuple(hidden_cache.shape)
    if len(shape) != 3 or shape[0] != B or shape[2] != n_embd:
        raise ValueError(f"hidden_cache has shape {shape}, but (B, P, n_embd) = ({B}, P, {n_embd}) is needed.")
    if shape[1] == 0:
        raise ValueError(f"hidden_cache has shape {shape}: it holds no row. Leave it out where there is no prefix.")
    empty = (hidden_cache == 0).flatten(1).all(dim=1)  # (B,)
    if any_true(empty):
        raise ValueError(f"example {first_true(empty)[0]} of hidden_cache holds only zeros, which mean padding: leave it out.")


def check_prefix(prefix: torch.Tensor) -> None:
    """prefix (B, P) must hold at least one token in every row, and padding only at the end."""
    if prefix.shape[-1] == 0:
        raise ValueError(
            f"the prefix is empty, of shape {tuple(prefix.shape)}: its last row predicts the first word of an answer."
        )
    if prefix.dim() == 2:  # the encoder refuses any other
        check_padding(prefix != -1, "prefix")


def check_answers(prefix: torch.Tensor, targets: torch.Tensor) -> None:
    """There must be one answer for each prefix, with padding only at its end."""
    if len(prefix) != len(targets):
        raise ValueError(
            f"prefix has shape {tuple(prefix.shape)} and targets has shape {tuple(targets.shape)}: "
            f"there must be one answer for each prefix."
        )
    if targets.dim() == 2:  # the decoder refuses any other
        check_padding(targets != -1, "targets")


def check_width(x: torch.Tensor, n_embd: int) -> None:
    """x must be (B, T, n_embd)."""
    if x.dim() != 3 or x.shape[-1] != n_embd:
        raise ValueError(f"x has shape {tuple(x.shape)}, but (B, T, n_embd) = (B, T, {n_embd}) is needed.")


def check_sampling(temperature: float, top_k: int | None, top_p: float | None) -> None:
    """temperature must be at least 0 and finite, top_k at least 1 or None, top_p in (0, 1] or None."""
    if not (isinstance(temperature, Real) and math.isfinite(temperature) and temperature >= 0):
        raise ValueError(f"temperature is {temperature!r}: it must be 0 (greedy) or a finite number above 0.")
    if top_k is not None and not (isinstance(top_k, Integral) and top_k >= 1):
        raise ValueError(f"top_k is {top_k!r}: it must be a whole number of words, at least 1, or None for all.")
    if top_p is not None and not (isinstance(top_p, Real) and 0 < top_p <= 1):
        raise ValueError(f"top_p is {top_p!r}: it must be above 0 and at most 1, or None for all words.")


def check_prompt(idx: torch.Tensor, max_new_tokens: int, has_cache: bool) -> None:
    """idx must be (B, T) without padding; T may be 0 only after a cache. max_new_tokens must be whole and at least 0."""
    if not (isinstance(max_new_tokens, Integral) and max_new_tokens >= 0):
        raise ValueError(f"max_new_tokens is {max_new_tokens!r}: it must be a whole number, 0 or more.")
    if idx.dim() != 2:
        raise ValueError(f"idx has shape {tuple(idx.shape)}, but (B, T) is needed, one row for each prompt.")
    if idx.shape[1] == 0 and not has_cache:
        raise ValueError("the prompt is empty: a decoder needs at least one token to continue.")
    if (idx == -1).any():
        raise ValueError(
            "idx holds padding (-1), and new tokens would come after it: call generate once for each length of prompt."
        )

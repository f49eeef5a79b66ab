"""Sizes, masks and inputs for the checks of attention, and right versions of its steps."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional as F

from ninelives.checks.exercise import CheckFailed, in_case, run, same_values
from ninelives.config import TransformerConfig

MASK_TYPES = (torch.bool, torch.int64, torch.float32)
ANY_TYPE_OF_MASK = "the mask may be bool, whole numbers or floats; `attention_mask == 0` works for all of them."
ANY_TYPE_OF_MASK_HINTS = dict.fromkeys(
    ("with a bool tensor", "only supports boolean masks", "condition to be a boolean tensor"), ANY_TYPE_OF_MASK)
PYTORCHS_MASK = ("F.scaled_dot_product_attention wants a bool mask that is True where attending is allowed, `attention_mask != 0`. It returns no "
                 "weights to keep: masked_softmax does.")
VIEW_HINTS = {
    "view size is not compatible": "after transpose the numbers no longer lie in memory in reading order, so view "
                                   "raises an error; `reshape` copies them if it must.",
}
SCORE_HINTS = VIEW_HINTS | {
    "batch2 tensor": "in a matrix product the two inner sizes must agree: (…, T, head_size) times (…, head_size, T). "
                     "`k.transpose(-2, -1)` swaps the last two axes of k.",
    "must match the size": "two shapes do not fit together. The dot products are a matrix product, `@` and not `*`, of q and k.transpose(-2, -1): "
                           "`.T` reverses all four axes, and transpose(1, 2) swaps heads and tokens. Then divide by a number.",
}
MASK_HINTS = ANY_TYPE_OF_MASK_HINTS | {
    "Expected attn_mask dtype": PYTORCHS_MASK,
    "must match the size": "two shapes do not broadcast. A mask of shape (B, 1, T, T) fits scores of shape "
                           "(B, n_head, T, T): its axis of size 1 must stay where it is.",
}
ATTENTION_HINTS = VIEW_HINTS | MASK_HINTS | {
    "batch2 tensor": "in a matrix product the two inner sizes must agree: q (…, T, head_size) times kᵀ (…, head_size, T), and "
                     "weights (…, T, T) times v (…, T, head_size).",
    "must match the size": "two shapes do not fit together. q, k and v are all (B, n_head, T, head_size) after split_heads; weights and v are "
                           "multiplied by `@`, not by `*`; and a mask of shape (B, 1, T, T) keeps its axis of size 1.",
    "mat1 and mat2": "a linear layer got head_size channels, or other than n_embd: query, key and value come before split_heads, "
                     "and proj comes after merge_heads.",
}
OWN_DTYPE = (
    "a tensor of your own is float32, whatever the input is: `torch.zeros_like(x)`, `x.new_zeros(…)` or `.to(x.dtype)` take the "
    "dtype of x."
)
LARGE_SCORES = "scores may be large: no clamp, no tanh, no rounding."
KEPT = "something from an earlier call is kept and used again: compute everything from this call's x and attention_mask."


def sizes(seed: int) -> tuple[int, int, TransformerConfig]:
    """B, T and a configuration: B, T, n_head, head_size and n_embd all differ, so that no two axes can be confused."""
    B, T, n_head, head_size = [(5, 7, 3, 4), (3, 6, 2, 5), (7, 5, 2, 3)][seed % 3]
    return B, T, TransformerConfig(29, 16, n_embd=n_head * head_size, n_head=n_head, n_layer=1, dropout=0.0)


def equal_sizes(seed: int) -> tuple[int, int, TransformerConfig]:
    """B = n_head and T = head_size: here a confused axis raises no error."""
    config = sizes(seed)[2]
    return config.n_head, config.head_size, config


def tokens(B: int, T: int, C: int, seed: int) -> torch.Tensor:
    """(B, T, C), small enough that with the weights of `build` no attention weight is near 1."""
    return 0.35 * torch.randn(B, T, C, generator=torch.Generator().manual_seed(seed))


def full_mask(B: int, T: int) -> torch.Tensor:
    """(B, 1, T, T) bool, nothing hidden."""
    return torch.ones(B, 1, T, T, dtype=torch.bool)


def random_mask(B: int, T: int, seed: int) -> torch.Tensor:
    """(B, 1, T, T) bool, not causal; every row and every column allows one position and hides one."""
    source = torch.Generator().manual_seed(seed)
    order = torch.stack([torch.randperm(T, generator=source) for _ in range(B)])
    allowed = F.one_hot(order, T).bool()  # (B, T, T)
    hidden = F.one_hot((order + 1) % T, T).bool()  # (B, T, T)
    return (allowed | (torch.rand(B, T, T, generator=source) < 0.5) & ~hidden).unsqueeze(1)


def causal_mask(B: int, T: int) -> torch.Tensor:
    """(B, 1, T, T) bool, True on and below the diagonal."""
    return torch.ones(T, T, dtype=torch.bool).tril().expand(B, 1, T, T)


def padding_mask(B: int, T: int) -> torch.Tensor:
    """(B, 1, T, T) bool: the last position of example 0 is hidden from all, the last two of example 1, and so on."""
    num_tokens = (T - 1 - torch.arange(B)).clamp(min=1)
    return (torch.arange(T) < num_tokens.reshape(B, 1, 1, 1)).expand(B, 1, T, T)


def with_mask(answer: Callable, x: torch.Tensor, mask: torch.Tensor, what: str | None = None) -> torch.Tensor:
    """Run with the mask in the first dtype that raises no error: which dtypes are accepted is another aspect."""
    failures = []
    for dtype in MASK_TYPES:
        try:
            # Copies: a call that writes into its arguments must not spoil the next call, or what it is compared with.
            return run(answer, x.clone(), mask.to(dtype, copy=True), what=what)
        except CheckFailed as failure:
            failures.append(failure)
    raise failures[0] from None


def same_with_nan(result: torch.Tensor, other: torch.Tensor, tolerance: float = 1e-4) -> bool:
    """Whether two tensors agree, NaN with NaN, ∞ with ∞: where the NaN are tells their cause, unless they are everywhere."""
    replaced = {"nan": 9.0, "posinf": 99.0, "neginf": -99.0}
    return not result.isnan().all() and same_values(result.nan_to_num(**replaced), other.nan_to_num(**replaced), tolerance)


def want_float64(answer: Callable, *arguments: Any, what: str | None = None) -> None:
    """Refuse what cannot compute in float64, or gives another dtype there: the checks of later notebooks use it."""
    doubled = [a.double() if isinstance(a, torch.Tensor) and a.is_floating_point() else a for a in arguments]
    with in_case("with numbers of dtype torch.float64", wanted="a result of dtype torch.float64.", cause=OWN_DTYPE):
        result = run(answer, *doubled, what=what)
        if result.dtype != torch.float64:
            raise CheckFailed(f"the result has dtype {result.dtype}.", "", "")


def loop_heads(x: torch.Tensor, n_head: int) -> torch.Tensor:
    """(B, T, C) to (B, H, T, head_size): the reference, one slice for each head."""
    size = x.shape[-1] // n_head
    return torch.stack([x[..., h * size : (h + 1) * size] for h in range(n_head)], dim=1)


def join_heads(x: torch.Tensor) -> torch.Tensor:
    """(B, H, T, head_size) to (B, T, C): the reference, head after head."""
    return torch.cat(x.unbind(1), dim=-1)


def scaled(q: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
    """(B, H, T, head_size) each to the scores (B, H, T, T)."""
    return q @ k.mT / math.sqrt(q.shape[-1])


def hide(scores: torch.Tensor, attention_mask: torch.Tensor | None) -> torch.Tensor:
    """Scores with −∞ where the mask is 0."""
    return scores if attention_mask is None else scores.masked_fill(attention_mask == 0, -math.inf)

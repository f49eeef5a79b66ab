"""Queries and keys, caught with the attention weights that a model computes from them."""

import inspect
import math
from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch.nn import functional as F
from torch.nn.attention.bias import CausalBias

PRODUCTS = {torch.matmul, torch.Tensor.matmul, torch.Tensor.__matmul__, torch.bmm, torch.Tensor.bmm}
LEAST_SCORE = -5000.0  # what is lower was masked by adding a large negative number


class Origin(NamedTuple):
    """Of weights (…, T, S): queries (…, T, d), keys (…, S, d), the scale of their products, and what is added, (…, T, S) or None."""

    queries: torch.Tensor
    keys: torch.Tensor
    scale: float
    bias: torch.Tensor | None = None

    def changed(self, change) -> "Origin":
        """With another shape of all tensors before the last two dimensions."""
        return Origin(change(self.queries), change(self.keys), self.scale, None if self.bias is None else change(self.bias))


def joined(one: Origin | None, other: Origin | None) -> Origin | None:
    """Of two heads, the second after the first in dimension 1."""
    if one is None or other is None or one.scale != other.scale or one.bias is not None or other.bias is not None:
        return None
    return Origin(torch.cat([one.queries, other.queries], 1), torch.cat([one.keys, other.keys], 1), one.scale)


def of_scaled_dot_product_attention(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False) -> Origin:
    """Of a call of `F.scaled_dot_product_attention`."""
    if key.ndim > 2 and query.shape[-3] != key.shape[-3] and query.shape[-3] % key.shape[-3] == 0:
        key = key.repeat_interleave(query.shape[-3] // key.shape[-3], -3)  # grouped queries share a key
    key = key.expand(*query.shape[:-2], *key.shape[-2:])
    bias = None
    if attn_mask is not None and attn_mask.is_floating_point() and not isinstance(attn_mask, CausalBias):
        bias = _added(attn_mask.float(), (*query.shape[:-1], key.shape[-2]))
    return Origin(query.float(), key.float(), query.shape[-1] ** -0.5 if scale is None else scale, bias)


def of_multi_head_attention(args: tuple, kwargs: dict) -> Origin | None:
    """Of a call of `F.multi_head_attention_forward`; None where keys are added to those of the words."""
    given = inspect.signature(F.multi_head_attention_forward).bind(*args, **kwargs)
    given.apply_defaults()
    a = given.arguments
    if a["bias_k"] is not None or a["add_zero_attn"] or a["static_k"] is not None:
        return None
    if a["use_separate_proj_weight"]:
        W_q, W_k = a["q_proj_weight"], a["k_proj_weight"]
    else:
        W_q, W_k, _ = a["in_proj_weight"].chunk(3)
    b_q, b_k, _ = (None, None, None) if a["in_proj_bias"] is None else a["in_proj_bias"].chunk(3)

    def heads(x: torch.Tensor, W: torch.Tensor, b: torch.Tensor | None) -> torch.Tensor:
        x = F.linear(x if x.ndim == 3 else x.unsqueeze(1), W, b)  # (T, B, n_embd)
        return x.unflatten(-1, (a["num_heads"], -1)).permute(1, 2, 0, 3).float()  # (B, H, T, d)

    q, k = heads(a["query"], W_q, b_q), heads(a["key"], W_k, b_k)
    mask, shape = a["attn_mask"], (*q.shape[:-1], k.shape[-2])
    if mask is not None and mask.ndim == 3:
        mask = mask.unflatten(0, shape[:2])  # (B * H, T, S) to (B, H, T, S)
    bias = _added(mask.float(), shape) if mask is not None and mask.is_floating_point() else None
    return Origin(q, k, q.shape[-1] ** -0.5, bias)


def of_products(scores: torch.Tensor, products: Iterable[tuple[torch.Tensor, torch.Tensor]]) -> Origin | None:
    """Of a softmax over scores (…, T, S): the last of the products (…, T, d) @ (…, d, S) to which they are proportional."""
    scores = scores.float()
    is_open = scores > LEAST_SCORE
    for queries, keys in products:
        (*before, T, d), S = queries.shape, keys.shape[-1]
        if (T, S) != scores.shape[-2:] or math.prod(before) != math.prod(scores.shape[:-2]) or keys.shape[:-2] != queries.shape[:-2]:
            continue
        queries, keys = queries.float().reshape(*scores.shape[:-1], d), keys.float().reshape(*scores.shape[:-2], d, S)
        raw = torch.where(is_open, queries @ keys, 0.0)
        wanted = torch.where(is_open, scores, 0.0)
        fitted = (raw * wanted).sum() / (raw * raw).sum().clamp(min=1e-30)
        for scale in (queries.shape[-1] ** -0.5, 1.0, fitted.item()):
            if torch.allclose(raw * scale, wanted, rtol=0.01, atol=0.01 * float(wanted.abs().max())):
                return Origin(queries, keys.transpose(-2, -1), scale)
    return None


def _added(mask: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor | None:
    """What a mask of numbers adds where it does not forbid; None where that is nothing."""
    bias = torch.where(mask > LEAST_SCORE, mask, 0.0)
    return bias.expand(shape) if bias.any() else None

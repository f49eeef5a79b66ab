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


class Product(NamedTuple):
    """Queries (…, T, d) times keys (…, d, S); `order` brings the dimensions of the result to (…, T, S), None where they are in it."""

    queries: torch.Tensor
    keys: torch.Tensor
    order: tuple[int, ...] | None = None


def of_einsum(equation: str, *operands) -> Product | None:
    """`torch.einsum` as such a product; its last dimension is that of the keys. None for what is no product of two with one sum."""
    left, _, out = equation.replace(" ", "").partition("->")
    letters, operands = left.split(","), operands[0] if isinstance(operands[0], list | tuple) else operands
    if len(operands) != 2 or len(letters) != 2 or "." in equation or not out:
        return None
    (query, q), (key, k) = sorted(zip(letters, operands, strict=True), key=lambda operand: out[-1] in operand[0])
    summed, rows = set(query) & set(key) - set(out), (set(query) & set(out)) - set(key)
    if out[-1] in query or out[-1] not in key or len(summed) != 1:
        return None
    if not rows:
        return None
    sizes = dict(zip(query + key, q.shape + k.shape, strict=True))
    # In "bthd,bsd->bhts", h is in the queries alone, too: the rows are as many as the keys, or else come last.
    row = max((c for c in out if c in rows), key=lambda c: (sizes[c] == sizes[out[-1]], out.index(c)))
    batch = [c for c in out[:-1] if c != row]
    order = tuple(out.index(c) for c in (*batch, row, out[-1]))

    def laid_out(x: torch.Tensor, have: str, want: list[str]) -> torch.Tensor:
        x = x.permute([have.index(c) for c in want if c in have])
        for i, c in enumerate(want):
            x = x if c in have else x.unsqueeze(i)
        return x.expand([sizes[c] for c in want])

    d = summed.pop()
    return Product(laid_out(q, query, [*batch, row, d]), laid_out(k, key, [*batch, d, out[-1]]), order)


def of_products(scores: torch.Tensor, products: Iterable[Product]) -> tuple[Origin | None, tuple[int, ...] | None]:
    """Of a softmax over scores, the last of the products to which they are proportional, and the order that brings them to (…, T, S).

    Where they are proportional to none, as with a bias, the last product of their shape says the order.
    """
    scores = scores.float()
    for queries, keys, order in products:
        for tried in [order] if order else [None, (0, 2, 1, 3)]:
            if (tried is None or len(tried) == scores.ndim) and (origin := _of_product(scores if tried is None else scores.permute(tried), queries, keys)):
                return origin, tried
    for queries, keys, order in products:
        if order and len(order) == scores.ndim and scores.permute(order).shape == (*queries.shape[:-1], keys.shape[-1]):
            return None, order
    return None, None


def _of_product(scores: torch.Tensor, queries: torch.Tensor, keys: torch.Tensor) -> Origin | None:
    (*before, T, d), S = queries.shape, keys.shape[-1]
    if (T, S) != scores.shape[-2:] or math.prod(before) != math.prod(scores.shape[:-2]) or keys.shape[:-2] != queries.shape[:-2]:
        return None
    near = 0.001 if queries.dtype in (torch.float32, torch.float64) else 0.01  # a small bias is not taken for rounding
    is_open = scores > LEAST_SCORE
    queries, keys = queries.float().reshape(*scores.shape[:-1], d), keys.float().reshape(*scores.shape[:-2], d, S)
    raw = torch.where(is_open, queries @ keys, 0.0)
    wanted = torch.where(is_open, scores, 0.0)
    fitted = (raw * wanted).sum() / (raw * raw).sum().clamp(min=1e-30)
    for scale in (d**-0.5, 1.0, fitted.item()):
        if torch.allclose(raw * scale, wanted, rtol=near, atol=near * float(wanted.abs().max())):
            return Origin(queries, keys.transpose(-2, -1), scale)
    return None


def _added(mask: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor | None:
    """What a mask of numbers adds where it does not forbid; None where that is nothing."""
    bias = torch.where(mask > LEAST_SCORE, mask, 0.0)
    return bias.expand(shape) if bias.any() else None

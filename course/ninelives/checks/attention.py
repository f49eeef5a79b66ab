"""Notebook 2: what splitting, scoring, masking and attention must do."""

import math
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from ninelives.checks.exercise import (
    CheckFailed,
    Exercise,
    build,
    numbers,
    run,
    same_values,
    want_gradient,
    want_shape,
    want_tensor,
)
from ninelives.config import TransformerConfig
from ninelives.figures import wanted_and_yours

split_heads = Exercise("split_heads")
merge_heads = Exercise("merge_heads")
attention_scores = Exercise("attention_scores")
masked_softmax = Exercise("masked_softmax")
multi_head_self_attention = Exercise("MultiHeadSelfAttention")

MASK_TYPES = (torch.bool, torch.int64, torch.float32)
RAISED = {
    "view size is not compatible": "after transpose the numbers no longer lie in memory in reading order, and view "
                                   "refuses; `reshape` copies them if it must.",
    "batch2 tensor": "in a matrix product the two inner sizes must agree: (…, T, head_size) times (…, head_size, T). "
                     "`k.transpose(-2, -1)` swaps the last two axes of k.",
    "mat1 and mat2": "a linear layer got another number of channels than it was made for: the heads must be merged "
                     "to n_embd channels before it.",
    "with a bool tensor": "the mask may be bool, whole numbers or floats; `attention_mask == 0` works for all of them.",
    "only supports boolean masks": "the mask may be bool, whole numbers or floats; `attention_mask == 0` works for all of them.",
    "must match the size": "two shapes do not broadcast. A mask of shape (B, 1, T, T) fits scores of shape "
                           "(B, n_head, T, T): its 1 must stay where it is.",
}


def sizes(seed: int) -> tuple[int, int, TransformerConfig]:
    """B, T and a configuration: B, T, n_head, head_size and n_embd all differ, so that no two axes can be confused."""
    B, T, n_head, head_size = [(5, 7, 3, 4), (3, 6, 2, 5), (7, 5, 2, 3)][seed % 3]
    return B, T, TransformerConfig(29, 16, n_embd=n_head * head_size, n_head=n_head, n_layer=1, dropout=0.0)


def equal_sizes(seed: int) -> tuple[int, int, TransformerConfig]:
    """B = n_head and T = head_size: here a confused axis raises no error."""
    config = sizes(seed)[2]
    return config.n_head, config.head_size, config


def traced(B: int, T: int, C: int) -> torch.Tensor:
    """(B, T, C) of numbers that say where they are from: 302 is token 3, channel 2; 1302 the same in example 1."""
    return (
        1000.0 * torch.arange(B).reshape(B, 1, 1) + 100.0 * torch.arange(T).reshape(T, 1) + torch.arange(C)
    )


def loop_heads(x: torch.Tensor, n_head: int) -> torch.Tensor:
    """(B, T, C) to (B, H, T, head_size): the reference, one slice for each head."""
    size = x.shape[-1] // n_head
    return torch.stack([x[..., h * size : (h + 1) * size] for h in range(n_head)], dim=1)


def join_heads(x: torch.Tensor) -> torch.Tensor:
    """(B, H, T, head_size) to (B, T, C): the reference, head behind head."""
    return torch.cat(x.unbind(1), dim=-1)


def random_mask(B: int, T: int, seed: int) -> torch.Tensor:
    """(B, 1, T, T) bool, not causal; every row and every column allows one place and hides one."""
    source = torch.Generator().manual_seed(seed)
    order = torch.stack([torch.randperm(T, generator=source) for _ in range(B)])
    allowed = F.one_hot(order, T).bool()  # (B, T, T)
    hidden = F.one_hot((order + 1) % T, T).bool()  # (B, T, T)
    return (allowed | (torch.rand(B, T, T, generator=source) < 0.5) & ~hidden).unsqueeze(1)


def causal_mask(B: int, T: int) -> torch.Tensor:
    """(B, 1, T, T) bool, True on and below the diagonal."""
    return torch.ones(T, T, dtype=torch.bool).tril().expand(B, 1, T, T)


def padding_mask(B: int, T: int) -> torch.Tensor:
    """(B, 1, T, T) bool: the last place of example 0 is hidden from all, the last two of example 1, and so on."""
    num_tokens = (T - 1 - torch.arange(B)).clamp(min=1)
    return (torch.arange(T) < num_tokens.reshape(B, 1, 1, 1)).expand(B, 1, T, T)


def want_values(
    result: torch.Tensor,
    wanted: torch.Tensor,
    what: str,
    causes: dict[str, Callable[[], torch.Tensor]],
    otherwise: str,
    caption: str,
    agree: Callable[[torch.Tensor, torch.Tensor], bool] = same_values,
    meaning: str = "",
) -> None:
    """Refuse other numbers than wanted, and name the known mistake that gives just these.

    Args:
        result: what the learner's code gave, of the right shape.
        wanted: what is right.
        what: what the result is of, for the message.
        causes: the sentence for each known mistake, and the numbers that it gives.
        otherwise: the sentence when none of them does.
        caption: under the picture of both.
        agree: when two tensors count as equal.
        meaning: what the wanted numbers are, in words.

    Raises:
        CheckFailed: with the first row that differs.
    """
    if agree(result, wanted):
        return
    result, wanted = result.detach().double(), wanted.double()
    differs = ~torch.isclose(result, wanted, rtol=1e-3, atol=1e-4)
    *row, column = differs.nonzero()[0].tolist() if differs.any() else [0] * wanted.dim()
    most = max(3, column + 1)
    raise CheckFailed(
        f"{what} at {row} is {numbers(result[tuple(row)], most)}.",
        f"{numbers(wanted[tuple(row)], most)}{meaning}.",
        next((cause for cause, mistaken in causes.items() if agree(result, mistaken())), otherwise),
        picture=lambda: wanted_and_yours(wanted, result, caption=caption),
    )


@split_heads.aspect("shape")
def _(answer, seed):
    B, T, config = sizes(seed)
    C = config.n_embd
    for b, t, H in ((B, T, config.n_head), (1, T, config.n_head), (B, 1, config.n_head), (B, T, 1)):
        size = C // H
        want_shape(
            run(answer, traced(b, t, C), H, error_hints=RAISED), (b, H, t, size), "(B, n_head, T, head_size)", "the result",
            causes={
                (b, t, C): "the channels are not cut into heads yet.",
                (b, t, H, size): "the heads are cut, but stand behind the tokens: transpose(1, 2) brings them to the front.",
                (H, b, t, size): "the heads stand before the examples: the batch comes first (torch.stack(…, dim=1)).",
                (b * H, t, size): "examples and heads share one axis: each needs its own.",
                (b, H, size, t): "the last two axes have changed places: tokens come before channels.",
                (b, size, t, H): "n_head and head_size have changed places.",
                (b, t, size, H): "n_head and head_size have changed places, and the heads belong in front of the tokens.",
            },
        )


@split_heads.aspect("values")
def _(answer, seed):
    for B, T, config in (sizes(seed), equal_sizes(seed)):
        H, size = config.n_head, config.head_size
        x = traced(B, T, config.n_embd)
        result = run(answer, x, H, error_hints=RAISED)
        want_shape(result, (B, H, T, size), "(B, n_head, T, head_size)", "the result")
        want_values(
            result, loop_heads(x, H), "the result", {
                "`view` or `reshape` straight to (B, n_head, T, head_size) fills the new box in reading order, and a "
                "token's channels become other tokens. Cut the last axis first, then transpose.":
                    lambda: x.reshape(B, H, T, size),
                "tokens and channels changed places before the cut: cut the last axis first, then transpose.":
                    lambda: x.transpose(1, 2).reshape(B, H, T, size),
                "the channels are dealt out in turn, like cards: head 0 is to own the first head_size of them, "
                "so the last axis is cut into (n_head, head_size), not (head_size, n_head).":
                    lambda: x.reshape(B, T, size, H).permute(0, 3, 1, 2),
                "the heads stand in reverse order.": lambda: loop_heads(x, H).flip(1),
                "the examples are mixed: the batch axis is not to be cut.":
                    lambda: x.reshape(H, B, T, size).transpose(0, 1),
                "the chunks are stacked in front, and the box is then filled in reading order: stack them with dim=1.":
                    lambda: loop_heads(x, H).transpose(0, 1).reshape(B, H, T, size),
                "every head got the same channels.": lambda: loop_heads(x, H)[:, :1].expand(B, H, T, size),
            },
            otherwise="head h owns channels h · head_size … of every token: x.reshape(B, T, n_head, head_size), then transpose.",
            caption="Splitting: wanted, and yours. 302 is token 3, channel 2",
            meaning=" (302 is token 3, channel 2; 1302 the same in example 1)",
        )


@merge_heads.aspect("values")
def _(answer, seed):
    for B, T, config in (sizes(seed), equal_sizes(seed)):
        H, size, C = config.n_head, config.head_size, config.n_embd
        wanted = traced(B, T, C)
        # In the forward pass the heads come out of a matrix product, in reading order.
        heads = loop_heads(wanted, H).contiguous()
        result = run(answer, heads, error_hints=RAISED)
        want_shape(result, (B, T, C), "(B, T, n_embd)", "the result", causes={
            (B, T, H, size): "the axes are back in order, but heads and channels are still two axes: join them.",
            (B, T, size): "the heads are added up or averaged; each keeps its channels, one head behind the other.",
            (B, H, C): "tokens and heads have changed places.",
            (B, H, T, size): "nothing is merged yet.",
            (B * T, C): "examples and tokens share one axis: each needs its own.",
        })
        want_values(
            result, wanted, "the result", {
                "`reshape` without transposing first strings the tokens of one head together: bring the heads behind "
                "the tokens, transpose(1, 2), then join.": lambda: heads.reshape(B, T, C),
                "the channels of the heads alternate: the axes must stand as (B, T, n_head, head_size) before the join.":
                    lambda: heads.permute(0, 2, 3, 1).reshape(B, T, C),
                "tokens and channels changed places: transpose(1, 2) is wanted.":
                    lambda: heads.transpose(2, 3).reshape(B, T, C),
                "the heads stand in reverse order.": lambda: join_heads(heads.flip(1)),
                "every head is the mean of all.": lambda: join_heads(heads.mean(1, keepdim=True).expand_as(heads)),
            },
            otherwise="undo split_heads step by step: transpose(1, 2), then reshape to (B, T, n_embd).",
            caption="Merging: wanted, and yours. 302 is token 3, channel 2",
            meaning=" (302 is token 3, channel 2; 1302 the same in example 1)",
        )
        if not same_values(run(answer, wanted.reshape(B, T, H, size).transpose(1, 2), error_hints=RAISED), wanted):
            raise CheckFailed(
                "merge_heads(split_heads(x, n_head)) is not x.",
                "the same numbers, however they lie in memory.",
                "read the tensor by its axes; .contiguous() or reshape, not as_strided or .data_ptr().",
            )


def queries_and_keys(B: int, T: int, config: TransformerConfig) -> tuple[torch.Tensor, torch.Tensor]:
    """(B, H, T, head_size) each, of ordinary size."""
    return tuple(torch.randn(2, B, config.n_head, T, config.head_size))


def dot_products(q: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
    """(B, H, T, T) float64: the reference, row i for query i, not scaled."""
    return torch.stack([(query.unsqueeze(-2) * k.double()).sum(-1) for query in q.double().unbind(2)], dim=2)


def proportional(result: torch.Tensor, wanted: torch.Tensor) -> bool:
    """Equal up to one positive factor."""
    result, wanted = result.detach().double(), wanted.double()
    length = result.norm()
    return bool(length > 0) and same_values(result / length, wanted / wanted.norm(), tolerance=1e-5)


@attention_scores.aspect("shape")
def _(answer, seed):
    B, T, config = sizes(seed)
    H, size = config.n_head, config.head_size
    for b, t in ((B, T), (1, T), (B, 1)):
        want_shape(
            run(answer, *queries_and_keys(b, t, config), error_hints=RAISED), (b, H, t, t), "(B, n_head, T, T)", "the result",
            causes={
                (b, H, size, size): "channels were multiplied with channels: k is to be transposed, not q.",
                (b, H, t, size): "`*` multiplies number by number. All dot products are one matrix product: q @ k.transpose(-2, -1).",
                (b, H, t): "each query has met only the key of its own place; every query is to meet every key.",
                (b, t, H, H): "heads were multiplied with heads: leave the axes B and n_head alone.",
                (b, t, t): "the heads are added up or averaged: each has scores of its own.",
            },
        )


@attention_scores.aspect("values")
def _(answer, seed):
    for B, T, config in (sizes(seed), equal_sizes(seed)):
        q, k = queries_and_keys(B, T, config)
        result = run(answer, q, k, error_hints=RAISED)
        want_shape(result, (B, config.n_head, T, T), "(B, n_head, T, T)", "the result")
        raw = dot_products(q, k)
        want_values(
            result, raw / math.sqrt(config.head_size), "the result", {
                "rows and columns have changed places: row i belongs to query i, column j to key j. It is q @ kᵀ, not k @ qᵀ.":
                    lambda: raw.transpose(-2, -1),
                "the softmax is a step of its own and comes later: here the bare scores are asked for.":
                    lambda: (raw / math.sqrt(config.head_size)).softmax(-1),
                "the sign is turned: a key that fits gives a high score.": lambda: -raw,
                "queries and keys are brought to length 1 before the product; their length is to count.":
                    lambda: dot_products(F.normalize(q, dim=-1), F.normalize(k, dim=-1)),
                "queries are multiplied with queries: k is not used.": lambda: dot_products(q, q),
                "keys are multiplied with keys: q is not used.": lambda: dot_products(k, k),
                "k is multiplied as it is. That raises no error here only because T equals head_size; transpose it.":
                    lambda: dot_products(q, k.transpose(-2, -1)) if T == config.head_size else raw,
            },
            otherwise="score [b, h, i, j] is the dot product of q[b, h, i] and k[b, h, j]: q @ k.transpose(-2, -1).",
            caption="Scores: wanted, and yours (one row for each query)",
            # The factor is another aspect's business.
            agree=proportional,
        )


@attention_scores.aspect("scale")
def _(answer, seed):
    for B, T, config in (sizes(seed), sizes(seed + 1), equal_sizes(seed)):
        q, k = queries_and_keys(B, T, config)
        result = run(answer, q, k, error_hints=RAISED)
        want_tensor(result, "the result")
        size = config.head_size
        seen, wanted = float(result.detach().double().norm() / dot_products(q, k).norm()), 1 / math.sqrt(size)
        if math.isclose(seen, wanted, rel_tol=1e-3):
            continue
        causes = {
            "the dot products are not scaled: divide them by √head_size.": 1,
            "they are multiplied by √head_size; divide by it.": math.sqrt(size),
            "they are divided by head_size; take its square root.": 1 / size,
            "they are divided by √n_embd. Each head has only head_size channels: q.shape[-1].": 1 / math.sqrt(config.n_embd),
            "they are divided by √T, the number of tokens; the length of a query counts, q.shape[-1].": 1 / math.sqrt(T),
            "they are divided by √n_head; the length of a query counts, q.shape[-1].": 1 / math.sqrt(config.n_head),
            "they are divided by √B; the length of a query counts, q.shape[-1].": 1 / math.sqrt(B),
        }
        raise CheckFailed(
            f"with head_size {size} the scores are {seen:.3g} times as long as the bare dot products.",
            f"{wanted:.3g} times, that is 1 ÷ √{size}.",
            next((cause for cause, factor in causes.items() if math.isclose(seen, factor, rel_tol=1e-3)),
                 "divide the dot products by math.sqrt(head_size), and do nothing else to them."),
        )


def with_mask(answer: Callable, x: torch.Tensor, mask: torch.Tensor, what: str | None = None) -> torch.Tensor:
    """Run with the mask in the first dtype that raises no error: which dtypes are accepted is checked apart."""
    failures = []
    for dtype in MASK_TYPES:
        try:
            return run(answer, x.clone(), mask.to(dtype), what=what, error_hints=RAISED)
        except CheckFailed as failure:
            failures.append(failure)
    raise failures[0] from None


def softmax_by_hand(scores: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """(B, H, T, T) float64: the reference, the powers of the allowed scores ÷ their sum; nothing hidden is ever raised."""
    allowed = mask.expand_as(scores).bool()
    below = scores.double() - scores.double().masked_fill(~allowed, -math.inf).amax(-1, keepdim=True)
    powers = torch.zeros_like(below)
    powers[allowed] = below[allowed].exp()
    return powers / powers.sum(-1, keepdim=True)


def random_scores(B: int, T: int, config: TransformerConfig) -> torch.Tensor:
    """(B, H, T, T), small enough that no weight is near 1."""
    return torch.randn(B, config.n_head, T, T)


@masked_softmax.aspect("rows")
def _(answer, seed):
    for B, T, config in (sizes(seed), equal_sizes(seed)):
        scores = random_scores(B, T, config)
        result = with_mask(answer, scores, everybody(B, T))
        want_shape(result, scores.shape, "(B, n_head, T, T)", "the result")
        # A mistake with the mask is another aspect's business, so rows that are whole under either mask will do.
        if adds_up(result) or adds_up(with_mask(answer, scores, random_mask(B, T, seed))):
            continue
        scores = scores.double()
        want_values(
            result, scores.softmax(-1), "with nothing hidden, the result", {
                "the softmax runs down the columns. Row i belongs to the word that reads, so the last axis adds up to 1: dim=-1.":
                    lambda: scores.softmax(-2),
                "the softmax runs over the heads: it belongs to the last axis, dim=-1.": lambda: scores.softmax(1),
                "the softmax runs over the examples: it belongs to the last axis, dim=-1.": lambda: scores.softmax(0),
                "all scores of a head share one softmax; each row is to add up to 1.":
                    lambda: scores.flatten(2).softmax(-1).reshape(scores.shape),
                "the softmax is missing: these are the scores.": lambda: scores,
                "these are logarithms of the weights: softmax, not log_softmax.": lambda: scores.log_softmax(-1),
                "a sigmoid looks at each score alone; a softmax shares 1 among the whole row.": lambda: scores.sigmoid(),
                "the rows are not divided by their sums yet.": lambda: scores.exp(),
                "the scores are divided by their sum; the softmax takes e to their power first.":
                    lambda: scores / scores.sum(-1, keepdim=True),
            },
            otherwise=NOT_A_NUMBER if result.isnan().any() else "F.softmax(scores, dim=-1) makes every row add up to 1.",
            caption="Weights with nothing hidden: wanted, and yours",
            meaning=", which adds up to 1",
        )


def adds_up(weights: torch.Tensor) -> bool:
    """Whether every row holds shares of 1."""
    return bool((weights >= 0).all()) and same_values(weights.sum(-1), torch.ones(weights.shape[:-1]))


NOT_A_NUMBER = (
    "0 · ∞ is not a number (NaN), and neither is ∞ ÷ ∞ or 0 ÷ 0: fill with masked_fill before F.softmax, "
    "instead of multiplying, or dividing, by hand."
)
ZERO_FILL = (
    "hidden scores became 0 before the softmax (filled with 0, multiplied by the mask, or filled with −1e-9 where "
    "−1e9 is meant). e⁰ is 1, so they keep their weight; fill with −∞."
)


def mask_mistakes(scores: torch.Tensor, mask: torch.Tensor) -> dict[str, Callable[[], torch.Tensor]]:
    """What known mistakes make of scores (B, H, T, T) and a bool mask (B, 1, T, T)."""
    nowhere = float("-inf")
    T = scores.shape[-1]
    causal = causal_mask(1, T)
    mistakes = {
        "the mask is not used.": lambda: scores.softmax(-1),
        ZERO_FILL: lambda: (scores * mask).softmax(-1),
        "the mask is applied after the softmax, so the rows no longer add up to 1: hide first, then softmax.":
            lambda: scores.softmax(-1) * mask,
        "the mask is the wrong way round: 1 (True) means may attend, so fill where attention_mask == 0.":
            lambda: scores.masked_fill(mask, nowhere).softmax(-1),
        "the fill is + instead of −: the hidden places get all the weight.":
            lambda: scores.masked_fill(~mask, 1e9).softmax(-1),
        "the mask is added as it is. What can be added is 0 where one may look and −∞ where not.":
            lambda: (scores + mask.double()).softmax(-1),
        "a lower triangle of your own takes the place of attention_mask: not every mask is causal.":
            lambda: scores.masked_fill(~causal, nowhere).softmax(-1),
        "a lower triangle is applied as well as attention_mask: not every mask is causal.":
            lambda: scores.masked_fill(~(causal & mask), -1e9).softmax(-1),
        "rows and columns of the mask have changed places.":
            lambda: scores.masked_fill(~mask.transpose(-2, -1), nowhere).softmax(-1),
        "the first example's mask is used for all examples.":
            lambda: scores.masked_fill(~mask[:1], nowhere).softmax(-1),
        "the first row of the mask is used for all rows.":
            lambda: scores.masked_fill(~mask[:, :, :1], nowhere).softmax(-1),
        "the softmax runs down the columns: the last axis adds up to 1, dim=-1.":
            lambda: scores.masked_fill(~mask, nowhere).softmax(-2),
        "the softmax is missing.": lambda: scores.masked_fill(~mask, 0.0),
    }
    if mask.shape[0] == scores.shape[1]:
        mistakes["the mask lost its axis of size 1, so its examples line up with the heads: leave it (B, 1, T, T)."] = (
            lambda: scores.masked_fill(~mask.squeeze(1), nowhere).softmax(-1)
        )
    return mistakes


def want_weights(result: torch.Tensor, scores: torch.Tensor, mask: torch.Tensor, otherwise: str) -> None:
    """Refuse other weights than the softmax over the allowed scores, and weight above 1e-6 on a hidden place."""
    want_shape(result, scores.shape, "(B, n_head, T, T)", "the result")
    hidden = ~mask.bool().expand_as(scores)

    def agree(weights, others):
        return same_values(weights, others) and bool((weights - others)[hidden].abs().le(1e-6).all())

    if result.isnan().any():
        otherwise = NOT_A_NUMBER
    want_values(
        result, softmax_by_hand(scores, mask), "the result", mask_mistakes(scores.double(), mask.bool()), otherwise,
        caption="Weights under the mask: wanted, and yours", agree=agree,
        meaning=": 0 where the mask is 0, and every row adds up to 1",
    )


@masked_softmax.aspect("mask")
def _(answer, seed):
    B, T, config = sizes(seed)
    b, t, _ = equal_sizes(seed)
    for mask in (random_mask(B, T, seed), causal_mask(B, T), random_mask(b, t, seed)):
        scores = random_scores(mask.shape[0], mask.shape[-1], config)
        want_weights(
            with_mask(answer, scores, mask), scores, mask,
            otherwise='scores.masked_fill(attention_mask == 0, float("-inf")), then the softmax over the last axis.',
        )


@masked_softmax.aspect("forms")
def _(answer, seed):
    B, T, config = sizes(seed)
    scores = random_scores(B, T, config)
    full = random_mask(B, T, seed)
    for dtype in MASK_TYPES:
        for mask in (full, full[:, :, :1], full[0, 0]):
            given = f"with a mask of dtype {dtype} and shape {tuple(mask.shape)}"
            try:
                want_weights(
                    run(answer, scores, mask.to(dtype), error_hints=RAISED), scores, mask,
                    otherwise="compare with 0 (attention_mask == 0) and let masked_fill broadcast.",
                )
            except CheckFailed as failure:
                raise CheckFailed(f"{given}, {failure.seen}", failure.wanted, failure.cause, failure.picture) from None
    # Hidden scores of +200 beside allowed ones of -200, and the other way round.
    for far in (torch.where(full, -200.0, 200.0) + scores, torch.where(full, 200.0, -200.0) + scores):
        result = with_mask(answer, far, full)
        try:
            want_weights(result, far, full, otherwise="")
        except CheckFailed as failure:
            cause = "what fills the hidden places is not low enough: −∞, or at least −1e9."
            if not (result.isfinite().all() and result.sum(-1).gt(0.5).all()):
                cause = (
                    "in float32 e⁸⁹ is infinite and e⁻¹⁰⁴ is 0. F.softmax subtracts the row's maximum first; "
                    "hide before the softmax, or a hidden score can be that maximum."
                )
            raise CheckFailed(f"with scores near ±200, {failure.seen}", failure.wanted, cause, failure.picture) from None


class Projections(NamedTuple):
    """Weights (C, C) and biases (C,) of the four linear layers, float64."""

    W_query: torch.Tensor
    b_query: torch.Tensor
    W_key: torch.Tensor
    b_key: torch.Tensor
    W_value: torch.Tensor
    b_value: torch.Tensor
    W_proj: torch.Tensor
    b_proj: torch.Tensor


def role(name: str) -> str:
    """Which of "query", "key" and "value" a layer's dotted name says, or "" for none."""
    for part in reversed(name.lower().split(".")):
        for word in re.split("[^a-z]+", part):
            for known, start in (("query", "quer"), ("key", "key"), ("value", "val")):
                if word.startswith(start) or word in (known[0], f"w{known[0]}"):
                    return known
    return ""


def projections(module: nn.Module, config: TransformerConfig) -> Projections:
    """The four linear maps of a learner's module, however they are cut into layers.

    Understood are four layers, one layer for queries, keys and values in this
    order, and one set of layers for each head, in the order of the heads. A
    layer without bias counts as one with bias 0.

    Raises:
        CheckFailed: the layers cannot be told apart.
    """
    C = config.n_embd
    parts: dict[str, list[tuple[torch.Tensor, torch.Tensor]]] = {"query": [], "key": [], "value": [], "": []}
    layers = {name: layer for name, layer in module.named_modules() if isinstance(layer, nn.Linear)}
    for name, layer in layers.items():
        weight = layer.weight.detach().double()
        bias = torch.zeros(len(weight), dtype=torch.float64) if layer.bias is None else layer.bias.detach().double()
        if weight.shape == (3 * C, C):
            for known, W, b in zip(parts, weight.chunk(3), bias.chunk(3)):
                parts[known].append((W, b))
        else:
            parts[role(name)].append((weight, bias))
    joined = []
    for found in parts.values():
        W = torch.cat([W for W, _ in found]) if len({W.shape[1] for W, _ in found}) == 1 else torch.empty(0)
        if W.shape != (C, C):
            break
        joined += [W, torch.cat([b for _, b in found])]
    if len(joined) < 8:
        shapes = ", ".join(f"{name} {tuple(layer.weight.shape)}" for name, layer in layers.items())
        raise CheckFailed(
            f"the linear layers of the module are {shapes or 'missing'} (out, in).",
            f"query, key, value and proj, with n_embd = {C} channels in and out.",
            "keep the layers of __init__ as they were given. Heads do not share channels: together they "
            "need n_embd queries, keys and values, not head_size.",
        )
    return Projections(*joined)


def pytorch_attention(parts: Projections, n_head: int, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """(B, T, C) float64: the reference, PyTorch's own attention with these weights.

    Args:
        parts: what `projections` found.
        n_head: how many heads share the channels.
        x: (B, T, C).
        mask: (B, 1, T, T) bool, True = may attend.
    """
    x = x.detach().double().transpose(0, 1)  # (T, B, C)
    # There True means hidden, and the heads stand on the batch axis.
    hidden = ~mask.expand(-1, n_head, -1, -1).flatten(0, 1)
    # What nn.MultiheadAttention calls, without a module that would have to be made and filled first.
    output, _ = F.multi_head_attention_forward(
        x, x, x, x.shape[-1], n_head,
        torch.cat((parts.W_query, parts.W_key, parts.W_value)), torch.cat((parts.b_query, parts.b_key, parts.b_value)),
        bias_k=None, bias_v=None, add_zero_attn=False, dropout_p=0.0,
        out_proj_weight=parts.W_proj, out_proj_bias=parts.b_proj, need_weights=False, attn_mask=hidden,
    )
    return output.transpose(0, 1)


def attention_by_hand(
    parts: Projections,
    n_head: int,
    x: torch.Tensor,
    mask: torch.Tensor,
    *,
    split: Callable = loop_heads,
    score: Callable = lambda q, k: q @ k.mT / math.sqrt(q.shape[-1]),
    weigh: Callable = lambda scores, mask: scores.masked_fill(~mask, float("-inf")).softmax(-1),
    merge: Callable = join_heads,
) -> torch.Tensor:
    """(B, T, C) float64: attention in steps, each of which can be exchanged for a mistaken one."""
    x = x.detach().double()
    q, k, v = (split(F.linear(x, W, b), n_head) for W, b in zip(parts[0:6:2], parts[1:6:2]))  # (B, H, T, head_size)
    return F.linear(merge(weigh(score(q, k), mask) @ v), parts.W_proj, parts.b_proj)  # (B, T, C)


def attention_mistakes(
    parts: Projections, n_head: int, x: torch.Tensor, mask: torch.Tensor
) -> dict[str, Callable[[], torch.Tensor]]:
    """What known mistakes give for these weights and inputs; shapes as in `pytorch_attention`."""
    (B, T, C), size = x.shape, x.shape[-1] // n_head
    same, none = torch.eye(C, dtype=torch.float64), torch.zeros(C, dtype=torch.float64)
    hand = partial(attention_by_hand, n_head=n_head, x=x, mask=mask)
    right = hand(parts)

    def first_head(W: torch.Tensor) -> torch.Tensor:
        return torch.cat([W[:size]] * n_head)

    def scaled(factor: float) -> Callable:
        return lambda q, k: factor * q @ k.mT

    def straight(x: torch.Tensor, n_head: int) -> torch.Tensor:
        return x.reshape(B, n_head, T, size)

    def in_turn(x: torch.Tensor, n_head: int) -> torch.Tensor:
        return x.reshape(B, T, size, n_head).permute(0, 3, 1, 2)

    def hidden(scores: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return scores.masked_fill(~mask, float("-inf"))

    mistakes = {
        "the last layer, proj, is not used.": lambda: hand(parts._replace(W_proj=same, b_proj=none)),
        "x itself is mixed, not value(x).": lambda: hand(parts._replace(W_value=same, b_value=none)),
        "the keys are mixed where the values should be.":
            lambda: hand(parts._replace(W_value=parts.W_key, b_value=parts.b_key)),
        "the queries are mixed where the values should be.":
            lambda: hand(parts._replace(W_value=parts.W_query, b_value=parts.b_query)),
        "proj is used twice.": lambda: F.linear(right, parts.W_proj, parts.b_proj),
        "x is added to the output. That is the block's business, in notebook 3.": lambda: right + x.double(),
        "the scores are not divided by √head_size.": lambda: hand(parts, score=scaled(1)),
        "the scores are multiplied by √head_size; divide by it.": lambda: hand(parts, score=scaled(math.sqrt(size))),
        "the scores are divided by head_size; take its square root.": lambda: hand(parts, score=scaled(1 / size)),
        "the scores are divided by √n_embd; each head has only head_size channels.":
            lambda: hand(parts, score=scaled(1 / math.sqrt(C))),
        "the scores are divided by √T; the length of a query, head_size, counts.":
            lambda: hand(parts, score=scaled(1 / math.sqrt(T))),
        "the scores are divided by √n_head; the length of a query, head_size, counts.":
            lambda: hand(parts, score=scaled(1 / math.sqrt(n_head))),
        "queries and keys have changed places: row i of the scores belongs to query i.":
            lambda: hand(parts, score=lambda q, k: k @ q.mT / math.sqrt(size)),
        "one layer makes both queries and keys: key is not used.":
            lambda: hand(parts._replace(W_key=parts.W_query, b_key=parts.b_query)),
        "one layer makes both queries and keys: query is not used.":
            lambda: hand(parts._replace(W_query=parts.W_key, b_query=parts.b_key)),
        "the softmax is missing: the scores themselves weigh the values.":
            lambda: hand(parts, weigh=lambda s, m: s.masked_fill(~m, 0.0)),
        "the softmax runs down the columns: it belongs to the last axis, dim=-1.":
            lambda: hand(parts, weigh=lambda s, m: hidden(s, m).softmax(-2)),
        "the softmax runs over the heads: it belongs to the last axis, dim=-1.":
            lambda: hand(parts, weigh=lambda s, m: hidden(s, m).softmax(1)),
        "the softmax is taken twice.": lambda: hand(parts, weigh=lambda s, m: hidden(hidden(s, m).softmax(-1), m).softmax(-1)),
        "the weights are transposed before they meet the values.":
            lambda: hand(parts, weigh=lambda s, m: hidden(s, m).softmax(-1).mT),
        "every token gets its own value only: the weights are not used.":
            lambda: hand(parts, weigh=lambda s, m: torch.eye(T, dtype=s.dtype).expand_as(s)),
        "every token gets the plain mean of the values: the scores are not used.":
            lambda: hand(parts, weigh=lambda s, m: hidden(torch.zeros_like(s), m).softmax(-1)),
        "all heads use the channels of head 0: each has its own.":
            lambda: hand(Projections(*map(first_head, parts[:6]), *parts[6:])),
        "there is one head of n_embd channels: the channels are not split.":
            lambda: attention_by_hand(parts, 1, x, mask),
        "the heads are split by `view` straight to (B, n_head, T, head_size), which mixes tokens: cut, then transpose.":
            lambda: hand(parts, split=straight),
        "the heads are split and merged without transpose, which mixes tokens: use split_heads and merge_heads.":
            lambda: hand(parts, split=straight, merge=lambda z: z.reshape(B, T, C)),
        "the heads are merged by `reshape` without transposing back: use merge_heads.":
            lambda: hand(parts, merge=lambda z: z.reshape(B, T, C)),
        "the channels are dealt out to the heads in turn: head h owns h · head_size … (h + 1) · head_size.":
            lambda: hand(parts, split=in_turn, merge=lambda z: z.permute(0, 2, 3, 1).reshape(B, T, C)),
        "the heads are averaged; each keeps its own channels.":
            lambda: hand(parts, merge=lambda z: join_heads(z.mean(1, keepdim=True).expand_as(z))),
    }

    def weighed_wrongly(cause: str) -> Callable[[], torch.Tensor]:
        return lambda: hand(parts, weigh=lambda scores, mask: mask_mistakes(scores, mask)[cause]())

    no_scores = torch.zeros(B, n_head, T, T)
    return mistakes | {cause: weighed_wrongly(cause) for cause in mask_mistakes(no_scores, mask)}


FORWARD = "MultiHeadSelfAttention.forward"


def want_attention(
    module: nn.Module, config: TransformerConfig, x: torch.Tensor, mask: torch.Tensor, when: str,
    otherwise: str, rows: torch.Tensor | None = None,
) -> None:
    """Refuse another output than PyTorch's own layer gives with the learner's weights.

    Args:
        module: the learner's, in evaluation.
        config: what it was built with.
        x: (B, T, C).
        mask: (B, 1, T, T) bool.
        when: what is special about this case, for the message.
        otherwise: the likely cause when no known mistake gives this output.
        rows: (B, T) bool, which tokens are compared; all by default.

    Raises:
        CheckFailed: naming the known mistake that gives this output, if there is one.
    """
    result = with_mask(module, x, mask, FORWARD)
    want_shape(result, x.shape, "(B, T, n_embd)", "the output")
    parts = projections(module, config)
    rows = torch.ones(x.shape[:2], dtype=torch.bool) if rows is None else rows

    def agree(seen: torch.Tensor, other: torch.Tensor) -> bool:
        return same_values(seen[rows], other[rows])

    wanted = pytorch_attention(parts, config.n_head, x, mask)
    if agree(result, wanted):
        return
    if result.isnan().any():
        otherwise = (
            "NaN comes from a row in which everything is hidden, or from 0 · ∞: use your masked_softmax with the mask as it is."
        )
    elif not agree(result, with_mask(module, x, mask, FORWARD)):
        otherwise = (
            "the same call gives something else each time: something is random even in evaluation. "
            "Use the dropout layers of __init__, or pass training=self.training."
        )
    want_values(
        result, wanted, f"{when}, the output", attention_mistakes(parts, config.n_head, x, mask), otherwise,
        caption="Output of attention: wanted, and yours", agree=agree,
    )


def tokens(B: int, T: int, C: int, seed: int) -> torch.Tensor:
    """(B, T, C), small enough that with the weights of `build` no attention weight is near 1."""
    return 0.35 * torch.randn(B, T, C, generator=torch.Generator().manual_seed(seed))


def everybody(B: int, T: int) -> torch.Tensor:
    """(B, 1, T, T) bool, nothing hidden."""
    return torch.ones(B, 1, T, T, dtype=torch.bool)


@multi_head_self_attention.aspect("shape")
def _(answer, seed):
    B, T, config = sizes(seed)
    C, H, size = config.n_embd, config.n_head, config.head_size
    module = build(answer, config).eval()
    for b, t in ((B, T), (1, T), (B, 1), (1, 1)):
        want_shape(
            with_mask(module, tokens(b, t, C, seed), everybody(b, t), FORWARD), (b, t, C), "(B, T, n_embd)", "the output",
            causes={
                (b, H, t, size): "the heads are not merged yet: merge_heads, then proj.",
                (b, t, H, size): "heads and channels are still two axes: merge_heads, then proj.",
                (b, t, size): "the heads are added up or averaged; merge_heads puts them one behind the other.",
                (b, H, t, t): "these are the attention weights; they have yet to be multiplied with the values.",
                (t, C): "the batch axis is gone: a squeeze() removes it when B is 1.",
                (b, C): "a squeeze() has removed the axis of tokens, or their vectors are summed up: each keeps its own.",
            },
        )


@multi_head_self_attention.aspect("values")
def _(answer, seed):
    B, T, config = sizes(seed)
    C = config.n_embd
    module, single = build(answer, config).eval(), replace(config, n_head=1)
    # From one token, where only value and proj matter, to everything at once.
    want_attention(
        module, config, tokens(B, 1, C, seed), everybody(B, 1), "for a single token",
        otherwise="a single token gives all weight to itself: the output must be proj(value(x)).",
    )
    want_attention(
        build(answer, single).eval(), single, tokens(B, T, C, seed), everybody(B, T), "with one head",
        otherwise="compare scores, weights and output with the table of shapes, one step at a time.",
    )
    want_attention(
        module, config, tokens(B, T, C, seed), everybody(B, T), f"with {config.n_head} heads",
        otherwise="with one head the output is right, so look at how heads are split and merged.",
    )
    b, t, _ = equal_sizes(seed)
    want_attention(
        module, config, tokens(b, t, C, seed), everybody(b, t), "with B = n_head and T = head_size",
        otherwise="with other sizes the output is right, so two axes of equal length are confused.",
    )


@multi_head_self_attention.aspect("mask")
def _(answer, seed):
    B, T, config = sizes(seed)
    b, t, _ = equal_sizes(seed)
    C = config.n_embd
    module = build(answer, config).eval()
    otherwise = "hand attention_mask to masked_softmax as it came, and use nothing but its weights."
    for when, mask in (
        ("under a random mask", random_mask(B, T, seed)),
        ("with padding hidden", padding_mask(B, T)),
        ("under a causal mask", causal_mask(B, T)),
        ("with B = n_head, under a random mask", random_mask(b, t, seed)),
    ):
        want_attention(module, config, tokens(len(mask), mask.shape[-1], C, seed), mask, when, otherwise)
    mask, x = padding_mask(B, T), tokens(B, T, C, seed)
    is_token = mask[:, 0, 0]  # (B, T)
    want_attention(
        module, config, torch.where(is_token.unsqueeze(-1), x, 25 * x), mask, "with hidden words made 25 times larger",
        otherwise="hidden words still count: what is done to their scores is not enough. Fill them with −∞ before the softmax.",
        rows=is_token,
    )
    mask = random_mask(B, T, seed)
    wanted = with_mask(module, x, mask, FORWARD)
    for dtype in MASK_TYPES:
        result = run(module, x, mask.to(dtype), what=f"with a mask of dtype {dtype}, {FORWARD}", error_hints=RAISED)
        if not same_values(result, wanted):
            raise CheckFailed(
                f"with a mask of dtype {dtype} the output differs from the one with {MASK_TYPES[0]}.",
                "the same output: 1, 1.0 and True all mean may attend.",
                "compare the mask with 0 (attention_mask == 0), or turn it into bool, before you use it.",
            )
    try:
        result = run(module, x, None, what=FORWARD)
    except CheckFailed as failure:
        raise CheckFailed(
            f"with None as attention_mask, {failure.seen}",
            "a result: without a mask everybody may attend to everybody.",
            "ask `if attention_mask is None` first, and take a mask of ones, or the plain softmax.",
        ) from None
    if not same_values(result, with_mask(module, x, everybody(B, T), FORWARD)):
        raise CheckFailed(
            "with None as attention_mask the output is not the one under a mask of ones.",
            "the same output: without a mask everybody may attend to everybody.",
            "in the branch for None nothing is to be hidden, and all other steps stay.",
        )


RATE = 0.3


def distinct(values: torch.Tensor) -> torch.Tensor:
    """How often each different value occurs in (N,) numbers, up to rounding."""
    ordered = values.sort().values
    new = ordered.diff() > 1e-4 * (1 + ordered.abs().max())
    return new.cumsum(0).bincount()


@multi_head_self_attention.aspect("dropout")
def _(answer, seed):
    T, config = 3, sizes(seed)[2]
    C, H = config.n_embd, config.n_head
    x = tokens(1, T, C, seed)

    def attend(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
        output = with_mask(module, x, everybody(*x.shape[:2]), FORWARD).detach()
        want_shape(output, x.shape, "(B, T, n_embd)", "the output")
        return output

    module, often, always = (build(answer, replace(config, dropout=p)) for p in (RATE, 0.9, 1.0))
    often.load_state_dict(module.state_dict())
    few = x.expand(5, T, C)  # not one: heads that are not split broadcast along the batch, which of thousands takes gigabytes
    calm = attend(module.eval(), few)
    if not (same_values(attend(module, few), calm) and same_values(attend(often.eval(), few), calm)):
        raise CheckFailed(
            "after model.eval() the output still depends on config.dropout.",
            "the whole output: dropout is for training only.",
            "F.dropout(…) drops in evaluation too, unless it is told training=self.training. "
            "The nn.Dropout layers of __init__ know by themselves.",
        )
    nothing = attend(always.train(), few)
    if nothing.abs().max() != 0:
        causes = {
            "a row of weights is divided by its sum after dropout, and 0 ÷ 0 is not a number: drop last.": nothing.isnan().any(),
            "no dropout at all takes place in training.": same_values(nothing, attend(always.eval(), few)),
        }
        raise CheckFailed(
            f"with config.dropout = 1, in training, the output starts {numbers(nothing[0, 0])}.",
            "zeros: everything is dropped.",
            next((cause for cause, found in causes.items() if found),
                 "the last step must be self.proj_dropout, on what proj gives."),
        )

    N = 2000
    noisy = attend(module.train(), x.expand(N, T, C))
    share = float((noisy == 0).double().mean())
    if abs(share - RATE) > 5 * math.sqrt(RATE * (1 - RATE) / noisy.numel()) + 1e-3:
        raise CheckFailed(
            f"with config.dropout = {RATE}, in training, {share:.0%} of the outputs are 0.",
            f"about {RATE:.0%}.",
            "the outputs are dropped twice." if math.isclose(share, 1 - (1 - RATE) ** 2, abs_tol=0.02)
            else "the last step must be self.proj_dropout with rate config.dropout, on what proj gives.",
        )
    want_dropped_weights(attend, module, calm[:1], noisy, H, N, seed)


def want_dropped_weights(
    attend: Callable, module: nn.Module, calm: torch.Tensor, noisy: torch.Tensor, H: int, N: int, seed: int
) -> None:
    """Refuse dropout that does not act on the attention weights.

    Args:
        attend: calls a module with an x and no mask.
        module: the learner's, in training, with both rates at RATE.
        calm: (1, T, C), its output in evaluation.
        noisy: (N, T, C), its outputs in training for N copies of the same x.
        H: how many heads it has.
        N: how many copies.
        seed: of the numbers.
    """
    T, C = calm.shape[1:]
    wanted = "dropout on the attention weights, after the softmax, with rate config.dropout."
    if same_values(noisy, (calm / (1 - RATE)).expand_as(noisy) * (noisy != 0)):
        raise CheckFailed(
            "in training only the outputs are dropped; all that survive are the ones of evaluation ÷ (1 − p).",
            wanted,
            "self.attn_dropout is not used, or its result is not.",
        )
    # A single token has one weight for each head, 1. A dropped head gives nothing, a kept one 1 ÷ (1 − p) of its value.
    alone = attend(module, tokens(1, 1, C, seed).expand(N, 1, C))[:, 0]  # (N, C)
    patterns = [distinct(channel[channel != 0]) for channel in alone.T]
    kinds = max(len(counts) for counts in patterns)
    # Without biases an output with every head dropped is 0 like one that is dropped itself: the copies are not counted but known.
    most = torch.tensor([counts.max() for counts in patterns]).median() / (N * (1 - RATE))
    if kinds == 1 or kinds > 2**H:
        raise CheckFailed(
            f"with a single token, {kinds} different value{'s' if kinds > 1 else ''} can be seen at one place of the "
            "output in training.",
            f"2 to {2**H}: each of the {H} heads is kept or dropped as a whole. That is {wanted}",
            "what is dropped stands before the softmax (queries, keys or scores), or the weights are divided by their "
            "sum afterwards: drop the weights themselves, last." if kinds == 1
            else "single channels are dropped, of the values or of what the heads give: drop the weights instead.",
        )
    if abs(most - (1 - RATE) ** H) > 0.07:
        raise CheckFailed(
            f"with a single token, no head is dropped in {most:.0%} of the outputs.",
            f"{(1 - RATE) ** H:.0%}, that is (1 − p) to the power of {H}.",
            "self.attn_dropout must drop the weights with the rate config.dropout, and once.",
        )
    rows = attend(module, tokens(1, 1, C, seed).expand(N // 10, T, C))  # (N/10, T, C)
    survived = rows != 0
    spread = rows.masked_fill(~survived, -math.inf).amax(1) - rows.masked_fill(~survived, math.inf).amin(1)  # (N, C)
    if (spread[survived.sum(1) > 1] > 1e-4).double().mean() < 0.5:
        raise CheckFailed(
            "in training, a sentence of equal words gives the same output in every place.",
            "different ones: each row of weights has its own links cut.",
            "whole words are dropped for all rows at once (the values, or columns of the weights): "
            "give the full weights, (B, n_head, T, T), to self.attn_dropout.",
        )
    mean, error = noisy.mean(0), noisy.std(0) / math.sqrt(N)
    if not ((mean - calm[0]).abs() <= 5 * error + 1e-4).all():
        raise CheckFailed(
            f"the mean of {N} outputs in training starts {numbers(mean[0])}.",
            f"{numbers(calm[0, 0])}, the output of evaluation: dropout must not shift the mean.",
            "what is kept must be divided by 1 − p, as nn.Dropout does, and nothing may follow but the product with the values.",
        )


@multi_head_self_attention.aspect("gradient")
def _(answer, seed):
    B, T, config = sizes(seed)
    module, mask = build(answer, config), random_mask(B, T, seed)
    x = tokens(B, T, config.n_embd, seed).requires_grad_()
    # The softmax ignores what is added to all its scores, so the gradient of a key's bias is 0 by right.
    biases = [name for name, parameter in module.named_parameters() if parameter.dim() == 1]
    want_gradient(module, with_mask(module, x, mask, FORWARD), "MultiHeadSelfAttention", may_be_zero=biases)

    weights = torch.randn(B, T, config.n_embd, dtype=torch.float64)

    def total() -> torch.Tensor:
        return (with_mask(module, x, mask, FORWARD).double() * weights).sum()

    named = {**dict(module.named_parameters()), "x": x}
    gradients = torch.autograd.grad(total(), list(named.values()), allow_unused=True)
    for (name, tensor), gradient in zip(named.items(), gradients):
        want_slope(total, name, tensor, torch.zeros_like(tensor) if gradient is None else gradient)


def want_slope(
    total: Callable[[], torch.Tensor], name: str, tensor: torch.Tensor, gradient: torch.Tensor, step: float = 1e-2
) -> None:
    """Refuse a gradient that does not tell how the output moves when a tensor is nudged.

    Needs no second implementation, so any form of layer can be checked; it
    finds a path that is cut off though another still carries some gradient. A
    step of 1e-2 suits float32; in float64 a much smaller one is nearer to the slope.
    """
    for _ in range(2):
        direction = torch.randn_like(tensor)
        direction /= direction.norm()
        with torch.no_grad():
            tensor += step * direction
            above = total()
            tensor -= 2 * step * direction
            below = total()
            tensor += step * direction
        slope, told = float(above - below) / (2 * step), float((gradient * direction).sum())
        if not abs(slope - told) <= 0.05 * abs(slope) + 5e-3:
            raise CheckFailed(
                f"when {name} is nudged, the output moves by {slope:.3f} a step; its gradient says {told:.3f}.",
                "the same number twice: training follows the gradient.",
                f"one of the ways from {name} to the output is cut off: .detach(), .data, torch.no_grad(), "
                "or torch.tensor(…) of a tensor.",
            )

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

from ninelives.checks.attention_dropout import want_dropout, want_dropout_without_a_mask
from ninelives.checks.attention_inputs import (
    ATTENTION_HINTS,
    KEPT,
    LARGE_SCORES,
    MASK_TYPES,
    causal_mask,
    equal_sizes,
    full_mask,
    hide,
    join_heads,
    loop_heads,
    padding_mask,
    random_mask,
    same_with_nan,
    scaled,
    sizes,
    tokens,
    want_float64,
    with_mask,
)
from ninelives.checks.attention_steps import attention_scores, masked_softmax, merge_heads, split_heads
from ninelives.checks.exercise import (
    CheckFailed,
    Exercise,
    build,
    in_case,
    numbers,
    on_layers_of,
    run,
    same_values,
    want_gradient,
    want_shape,
    want_slope,
    want_tensor,
)
from ninelives.config import TransformerConfig

__all__ = [
    "GivenAttention", "attention_scores", "loop_heads", "masked_softmax", "merge_heads", "multi_head_self_attention",
    "projections", "split_heads",
]

multi_head_self_attention = Exercise("MultiHeadSelfAttention", ATTENTION_HINTS)
FORWARD = "MultiHeadSelfAttention.forward"
AS_IT_IS = "keep the result of masked_softmax as it is, for all examples and heads."
OTHER_SIZES = "a size is written as a number: take every one from x.shape, or from config."
IN_TRAINING = "in training, with config.dropout = 0"
ONE_MODE = "only the two dropout layers may differ between training and evaluation, and at rate 0 they change nothing."


class GivenAttention(nn.Module):
    """A right answer: the given constructor, and one method for each step. Each mistake replaces one of them."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.n_head = config.n_head
        self.query = nn.Linear(config.n_embd, config.n_embd)
        self.key = nn.Linear(config.n_embd, config.n_embd)
        self.value = nn.Linear(config.n_embd, config.n_embd)
        self.proj = nn.Linear(config.n_embd, config.n_embd)
        self.attn_dropout = nn.Dropout(config.dropout)
        self.proj_dropout = nn.Dropout(config.dropout)

    def heads(self, x):
        return tuple(loop_heads(layer(x), self.n_head) for layer in (self.query, self.key, self.value))

    def scores(self, q, k):
        return scaled(q, k)

    def softmax(self, scores, attention_mask):
        return hide(scores, attention_mask).softmax(-1)

    def weigh(self, q, k, attention_mask):
        self.weights = self.softmax(self.scores(q, k), attention_mask)
        return self.attn_dropout(self.weights)

    def merge(self, z):
        return join_heads(z)

    def finish(self, z):
        return self.proj_dropout(self.proj(self.merge(z)))

    def forward(self, x, attention_mask):
        q, k, v = self.heads(x)
        return self.finish(self.weigh(q, k, attention_mask) @ v)


mistake = multi_head_self_attention.mistake


@mistake("shape", "the heads are not merged yet: merge_heads, then proj.")
class NeitherMergedNorProjected(GivenAttention):
    def finish(self, z):
        return z


@mistake("shape", "heads and channels are still two axes: merge_heads, then proj.")
class OnlyTransposed(GivenAttention):
    def finish(self, z):
        return z.transpose(1, 2)


@mistake("shape", "the axis of heads is gone: they are added up or averaged, or only one is kept. merge_heads puts all side by side.")
class HeadsAddedUp(GivenAttention):
    def finish(self, z):
        return z.sum(1)


@mistake("shape", "these are the scores or the attention weights, T numbers for each token: the product of the weights and the values is missing.")
class WeightsOnly(GivenAttention):
    def forward(self, x, attention_mask):
        q, k, _ = self.heads(x)
        return self.weigh(q, k, attention_mask)


@mistake("shape", "the batch axis is gone: a squeeze() removes it when B is 1.")
class OutputSqueezed(GivenAttention):
    def finish(self, z):
        return super().finish(z).squeeze(0)


@mistake(
    "shape", "a squeeze() has removed the axis of tokens, or their vectors are summed up: each token keeps its own.")
class TokensSqueezed(GivenAttention):
    def finish(self, z):
        return super().finish(z).squeeze(1)


@mistake("values", "the last layer, proj, is not used.")
class ProjectionForgotten(GivenAttention):
    def finish(self, z):
        return self.merge(z)


@mistake("values", "the bias of the last layer, proj, is not added: `self.proj(…)` does that by itself.")
class ProjectionWithoutBias(GivenAttention):
    def finish(self, z):
        return self.merge(z) @ self.proj.weight.mT


@mistake("values", "the biases of query, key and value are not added: the layers do that by themselves when they are called.")
class HeadsWithoutBiases(GivenAttention):
    def heads(self, x):
        return tuple(loop_heads(x @ layer.weight.mT, self.n_head) for layer in (self.query, self.key, self.value))


@mistake("values", "x itself is mixed, not value(x).")
class ValuesNotProjected(GivenAttention):
    def heads(self, x):
        q, k, _ = super().heads(x)
        return q, k, loop_heads(x, self.n_head)


@mistake("values", "the keys are mixed where the values should be.")
class KeysMixed(GivenAttention):
    def heads(self, x):
        q, k, _ = super().heads(x)
        return q, k, k


@mistake("values", "the queries are mixed where the values should be.")
class QueriesMixed(GivenAttention):
    def heads(self, x):
        q, k, _ = super().heads(x)
        return q, k, q


@mistake("values", "proj is used twice.")
class ProjectedTwice(GivenAttention):
    def finish(self, z):
        return self.proj(super().finish(z))


@mistake("values", "x is added to the output. The block does that, in notebook 3.")
class InputAdded(GivenAttention):
    def forward(self, x, attention_mask):
        return x + super().forward(x, attention_mask)


@mistake("values", "the scores are not divided by √head_size.")
class ScaleForgotten(GivenAttention):
    def scores(self, q, k):
        return q @ k.mT


@mistake("values", "the scores are multiplied by √head_size; divide by it.")
class MultipliedByTheRoot(GivenAttention):
    def scores(self, q, k):
        return q @ k.mT * math.sqrt(q.shape[-1])


@mistake("values", "the scores are divided by head_size: the square root is missing, or they are divided by √head_size twice.")
class ScaledWithoutTheRoot(GivenAttention):
    def scores(self, q, k):
        return q @ k.mT / q.shape[-1]


@mistake("values", "the scores are divided by √n_embd; each head has only head_size channels.")
class ScaledByAllChannels(GivenAttention):
    def scores(self, q, k):
        return q @ k.mT / math.sqrt(q.shape[1] * q.shape[-1])


@mistake("values", "the scores are divided by √T; the length of a query, head_size, counts.")
class ScaledByTheNumberOfTokens(GivenAttention):
    def scores(self, q, k):
        return q @ k.mT / math.sqrt(q.shape[-2])


@mistake("values", "queries and keys are swapped: row i of the scores belongs to query i.")
class QueriesAndKeysSwapped(GivenAttention):
    def scores(self, q, k):
        return scaled(k, q)


@mistake("values", "one layer makes both queries and keys: key is not used.")
class QueriesMeetQueries(GivenAttention):
    def scores(self, q, k):
        return scaled(q, q)


@mistake("values", "one layer makes both queries and keys: query is not used.")
class KeysMeetKeys(GivenAttention):
    def scores(self, q, k):
        return scaled(k, k)


@mistake("values", "the softmax is missing: the scores themselves weigh the values.")
class SoftmaxForgotten(GivenAttention):
    def softmax(self, scores, attention_mask):
        return scores * (attention_mask != 0)


@mistake("values", "the softmax runs down the columns: it belongs to the last axis, dim=-1.")
class SoftmaxDownTheColumns(GivenAttention):
    def softmax(self, scores, attention_mask):
        return hide(scores, attention_mask).softmax(-2)


@mistake("values", "the softmax runs over the heads: it belongs to the last axis, dim=-1.")
class SoftmaxOverTheHeads(GivenAttention):
    def softmax(self, scores, attention_mask):
        return hide(scores, attention_mask).softmax(1)


@mistake("values", "the softmax is taken twice.")
class SoftmaxTwice(GivenAttention):
    def softmax(self, scores, attention_mask):
        return hide(super().softmax(scores, attention_mask), attention_mask).softmax(-1)


@mistake("values", "the weights are transposed before they are multiplied with the values.")
class WeightsTransposed(GivenAttention):
    def softmax(self, scores, attention_mask):
        return super().softmax(scores, attention_mask).mT


@mistake("values", "every token gets its own value only: the weights are not used.")
class WeightsNotUsed(GivenAttention):
    def softmax(self, scores, attention_mask):
        return torch.eye(scores.shape[-1], dtype=scores.dtype).expand_as(scores)


@mistake("values", "every token gets the plain mean of the values: the scores are not used.")
class ScoresNotUsed(GivenAttention):
    def scores(self, q, k):
        return torch.zeros_like(q @ k.mT)


@mistake("values", "all heads use the channels of head 0: each has its own.")
class FirstHeadRepeated(GivenAttention):
    def heads(self, x):
        return tuple(each[:, :1].expand_as(each) for each in super().heads(x))


@mistake("values", "there is one head of n_embd channels: the channels are not split.")
class OneHeadOfAllChannels(GivenAttention):
    def heads(self, x):
        return tuple(layer(x).unsqueeze(1) for layer in (self.query, self.key, self.value))


def straight(x: torch.Tensor, n_head: int) -> torch.Tensor:
    """(B, T, C) to (B, H, T, head_size) in reading order, which mixes tokens."""
    B, T, C = x.shape
    return x.reshape(B, n_head, T, C // n_head)


@mistake(
    "values",
    "the heads are split by `view` straight to (B, n_head, T, head_size), which mixes tokens: cut, then "
    "transpose.",
)
class SplitInOneStep(GivenAttention):
    def heads(self, x):
        return tuple(straight(layer(x), self.n_head) for layer in (self.query, self.key, self.value))


@mistake(
    "values", "the heads are split and merged without transpose, which mixes tokens: use split_heads and merge_heads.")
class NeverTransposed(SplitInOneStep):
    def merge(self, z):
        return z.reshape(join_heads(z).shape)


@mistake("values", "the heads are merged by `reshape` without transposing back: use merge_heads.")
class MergedWithoutTransposingBack(GivenAttention):
    def merge(self, z):
        return z.reshape(join_heads(z).shape)


@mistake("values", "the channels of the heads alternate after the merge: use merge_heads.")
class HeadsAlternating(GivenAttention):
    def merge(self, z):
        return z.permute(0, 2, 3, 1).flatten(2)


@mistake("values", "the channels are dealt out to the heads in turn: head h owns h · head_size … (h + 1) · head_size.")
class ChannelsDealtOut(GivenAttention):
    def heads(self, x):
        return tuple(layer(x).unflatten(-1, (-1, self.n_head)).permute(0, 3, 1, 2) for layer in (self.query, self.key, self.value))

    def merge(self, z):
        return z.permute(0, 2, 3, 1).flatten(2)


@mistake("values", "the heads are averaged; each keeps its own channels.")
class HeadsAveraged(GivenAttention):
    def merge(self, z):
        return join_heads(z.mean(1, keepdim=True).expand_as(z))


def weighing(softmax: Callable) -> type[GivenAttention]:
    """Attention with a mistake of masked_softmax."""

    class Weighing(GivenAttention):
        def softmax(self, scores, attention_mask):
            return softmax(scores, attention_mask)

    Weighing.__name__ = "".join(word.capitalize() for word in softmax.__name__.split("_"))
    return Weighing


for known in masked_softmax.mistakes:
    if known.aspect == "mask":
        mistake("mask", known.cause)(weighing(known.answer))


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

    It understands four layers, one layer for queries, keys and values in this
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
    # In this function True means hidden, and the heads share the batch axis.
    hidden = ~mask.expand(-1, n_head, -1, -1).flatten(0, 1)
    # nn.MultiheadAttention calls this function; with it there is no module to build and fill first.
    output, _ = F.multi_head_attention_forward(
        x, x, x, x.shape[-1], n_head,
        torch.cat((parts.W_query, parts.W_key, parts.W_value)), torch.cat((parts.b_query, parts.b_key, parts.b_value)),
        bias_k=None, bias_v=None, add_zero_attn=False, dropout_p=0.0,
        out_proj_weight=parts.W_proj, out_proj_bias=parts.b_proj, need_weights=False, attn_mask=hidden,
    )
    return output.transpose(0, 1)


def given_with(parts: Projections, config: TransformerConfig) -> GivenAttention:
    """The given layers with these weights, in float64."""
    given = GivenAttention(config).eval()
    for layer, W, b in zip((given.query, given.key, given.value, given.proj), parts[::2], parts[1::2], strict=True):
        layer.weight, layer.bias = nn.Parameter(W), nn.Parameter(b)
    return given


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
    make = partial(on_layers_of, GivenAttention(config).double())
    multi_head_self_attention.want_shape(result, x.shape, "(B, T, n_embd)", "the output", (x, mask), make)
    parts = projections(module, config)
    rows = torch.ones(x.shape[:2], dtype=torch.bool) if rows is None else rows

    def agree(seen: torch.Tensor, other: torch.Tensor) -> bool:
        return same_with_nan(seen[rows], other[rows])

    def explain() -> str:
        if result.isnan().any():
            return ("NaN comes from a row in which everything is hidden, from 0 · ∞, or from the root of a negative number: use your "
                    "attention_scores, and your masked_softmax with the mask as it is.")
        if not agree(result, with_mask(module, x, mask, FORWARD)):
            return (
                "the same call gives another result each time: something is random even in evaluation. "
                "Use the dropout layers of __init__, or pass training=self.training."
            )
        return otherwise

    multi_head_self_attention.want_values(
        result, pytorch_attention(parts, config.n_head, x, mask), (x, mask), make=partial(on_layers_of, given_with(parts, config)),
        what=f"{when}, the output", otherwise=explain, agree=agree, caption="Output of attention: wanted, and yours",
    )


@multi_head_self_attention.aspect("shape")
def keeps_one_vector_per_token(answer, seed):
    B, T, config = sizes(seed)
    C = config.n_embd
    module, make = build(answer, config).eval(), partial(on_layers_of, GivenAttention(config).double())
    for b, t in ((B, T), (1, T), (B, 1), (1, 1)):
        x, mask = tokens(b, t, C, seed), full_mask(b, t)
        result = with_mask(module, x, mask, FORWARD)
        multi_head_self_attention.want_shape(result, (b, t, C), "(B, T, n_embd)", "the output", (x, mask), make)
    B, T, config = sizes(seed + 1)
    x = tokens(B, T, config.n_embd, seed)
    with in_case("with another n_embd and n_head", cause=OTHER_SIZES):
        want_shape(with_mask(build(answer, config).eval(), x, full_mask(B, T), FORWARD), x.shape, "(B, T, n_embd)", "the output")


@multi_head_self_attention.aspect("values")
def gives_what_pytorchs_attention_gives(answer, seed):
    B, T, config = sizes(seed)
    C = config.n_embd
    module, single = build(answer, config).eval(), replace(config, n_head=1)
    # From one token, where only value and proj matter, to everything at once.
    want_attention(
        module, config, tokens(B, 1, C, seed), full_mask(B, 1), "for a single token",
        otherwise="a single token gives all weight to itself: the output must be proj(value(x)).",
    )
    want_attention(
        build(answer, single).eval(), single, tokens(B, T, C, seed), full_mask(B, T), "with one head",
        otherwise="compare scores, weights and output with the table of shapes, one step at a time.",
    )
    want_attention(
        module, config, tokens(B, T, C, seed), full_mask(B, T), f"with {config.n_head} heads",
        otherwise="with one head the output is right, so look at how heads are split and merged.",
    )
    b, t, _ = equal_sizes(seed)
    want_attention(
        module, config, tokens(b, t, C, seed), full_mask(b, t), "with B = n_head and T = head_size",
        otherwise="with other sizes the output is right, so two axes of equal length are confused.",
    )
    want_attention(
        module, config, tokens(1, T, C, seed), full_mask(1, T), "with a single sentence",
        otherwise="with several sentences the output is right, so an axis of size 1 is lost or broadcast.",
    )
    with in_case("called once more, with other words", cause=KEPT):
        want_attention(module, config, tokens(B, T, C, seed + 1), full_mask(B, T), "the second time", otherwise="")
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(-1.1)
    with in_case("after a change of the weights, as training makes them", cause=KEPT):
        want_attention(module, config, tokens(B, T, C, seed), full_mask(B, T), "then", otherwise="")
    with in_case("with longer vectors, whose scores reach far beyond ±10", cause=LARGE_SCORES):
        want_attention(module, config, 8 * tokens(B, T, C, seed), full_mask(B, T), "with them", otherwise="")
    with in_case(IN_TRAINING, cause=ONE_MODE):
        want_attention(module.train(), config, tokens(B, T, C, seed), full_mask(B, T), "then", otherwise="")
    want_float64(build(answer, config).eval().double(), tokens(B, T, C, seed), full_mask(B, T), what=FORWARD)


@multi_head_self_attention.aspect("mask")
def attends_only_where_the_mask_allows(answer, seed):
    B, T, config = sizes(seed)
    b, t, _ = equal_sizes(seed)
    C = config.n_embd
    module = build(answer, config).eval()
    otherwise = "hand attention_mask to masked_softmax as it came, and use nothing but its weights."
    # In a causal mask one row hides nothing, so what is NaN tells +∞ from 0 · ∞.
    apart = build(answer, config).eval()
    first = with_mask(apart, tokens(B, T, C, seed), causal_mask(B, T), FORWARD)
    want_tensor(first, "the output")
    if first.isnan().any():
        want_attention(apart, config, tokens(B, T, C, seed), causal_mask(B, T), "under a causal mask", otherwise)
    for when, mask, likely in (
        ("under a random mask", random_mask(B, T, seed), otherwise),
        ("with padding hidden", padding_mask(B, T), KEPT),
        ("under a causal mask", causal_mask(B, T), KEPT),
        ("with B = n_head, under a random mask", random_mask(b, t, seed), otherwise),
        ("with a single sentence, under a random mask", random_mask(1, T, seed), otherwise),
    ):
        want_attention(module, config, tokens(len(mask), mask.shape[-1], C, seed), mask, when, likely)
    single = replace(config, n_head=1)
    want_attention(
        build(answer, single).eval(), single, tokens(B, T, C, seed), random_mask(B, T, seed), "with one head, under a random mask", otherwise)
    with in_case(IN_TRAINING, cause=ONE_MODE):
        want_attention(module.train(), config, tokens(B, T, C, seed), random_mask(B, T, seed), "under a random mask", otherwise="")
    module.eval()
    mask, x = padding_mask(B, T), tokens(B, T, C, seed)
    is_token = mask[:, 0, 0]  # (B, T)
    want_attention(
        module, config, torch.where(is_token.unsqueeze(-1), x, 25 * x), mask, "with hidden words made 25 times larger",
        otherwise="hidden words still count: their scores are not low enough. Fill them with −∞ before the softmax.",
        rows=is_token,
    )
    mask = random_mask(B, T, seed)
    wanted = with_mask(module, x, mask, FORWARD)
    for dtype in MASK_TYPES:
        result = run(module, x, mask.to(dtype, copy=True), what=f"with a mask of dtype {dtype}, {FORWARD}")
        if not same_values(result, wanted):
            raise CheckFailed(
                f"with a mask of dtype {dtype} the output differs from the one with {MASK_TYPES[0]}.",
                "the same output: 1, 1.0 and True all mean may attend.",
                "compare the mask with 0 (attention_mask == 0), or turn it into bool, before you use it.",
            )
    with in_case(
        "with None as attention_mask", wanted="a result: without a mask every token may attend to every token.",
    ):
        result = run(module, x, None, what=FORWARD, error_hints=dict.fromkeys(
            ("NoneType", "got (bool", "not bool", "'bool' object"),
            "where attention_mask is None, take the plain softmax, or a tensor of ones as the mask: None, or a plain number, cannot be compared "
            "score by score."))
        want_tensor(result, "the output")
    if not same_values(result, with_mask(module, x, full_mask(B, T), FORWARD)):
        raise CheckFailed(
            "with None as attention_mask the output is not the one under a mask of ones.",
            "the same output: without a mask every token may attend to every token.",
            "in the branch for None nothing must be hidden, and all other steps stay.",
        )


@multi_head_self_attention.aspect("dropout")
def drops_weights_and_outputs_in_training_only(answer, seed):
    config = sizes(seed)[2]
    want_dropout(answer, config, seed)
    want_dropout_without_a_mask(build(answer, replace(config, dropout=0.4)).train(), config.n_embd, seed)


@multi_head_self_attention.aspect("gradient")
def every_layer_gets_the_right_gradient(answer, seed):
    B, T, config = sizes(seed)
    module, mask = build(answer, config), random_mask(B, T, seed)
    x = tokens(B, T, config.n_embd, seed).requires_grad_()
    # The softmax ignores what is added to all its scores, so the gradient of a key's bias is rightly 0.
    biases = [name for name, parameter in module.named_parameters() if parameter.dim() == 1]
    output = with_mask(module, x, mask, FORWARD)
    want_tensor(output, "the output")
    want_gradient(module, output, "MultiHeadSelfAttention", may_be_zero=biases)

    weights = torch.randn(B, T, config.n_embd, dtype=torch.float64)

    def total() -> torch.Tensor:
        return (with_mask(module, x, mask, FORWARD).double() * weights).sum()

    named = {**dict(module.named_parameters()), "x": x}
    gradients = torch.autograd.grad(total(), list(named.values()), allow_unused=True)
    for (name, tensor), gradient in zip(named.items(), gradients):
        want_slope(total, name, tensor, torch.zeros_like(tensor) if gradient is None else gradient)

    def gradients_under(attention_mask):
        output = run(module, x, attention_mask, what=FORWARD).double()
        found = torch.autograd.grad((output * weights).sum(), list(named.values()), allow_unused=True)
        return [torch.zeros_like(tensor) if slope is None else slope for tensor, slope in zip(named.values(), found)]

    for name, without, wanted in zip(named, gradients_under(None), gradients_under(full_mask(B, T))):
        if not same_values(without, wanted):
            raise CheckFailed(
                f"with None as attention_mask the gradient of {name} is not the one under a mask of ones.",
                "the same gradient: without a mask every token may attend to every token.",
                "the branch for None cuts off a gradient: leave out .detach() and torch.no_grad() on that road.",
            )


@multi_head_self_attention.aspect("weights kept")
def keeps_the_weights_of_this_call_before_dropout(answer, seed):
    B, T, config = sizes(seed)
    config = replace(config, dropout=0.4)
    module = build(answer, config).eval()
    for case, x, mask in (
        ("in evaluation", tokens(B, T, config.n_embd, seed), random_mask(B, T, seed)),
        ("after a second call, with another x and mask", tokens(B, T, config.n_embd, seed + 1), random_mask(B, T, seed + 1)),
        ("after a call with None as attention_mask", tokens(B, T, config.n_embd, seed), None),
        ("in training", tokens(B, T, config.n_embd, seed), random_mask(B, T, seed)),
    ):
        before = getattr(module, "weights", None)
        run(module.train(case == "in training"), x.clone(), None if mask is None else mask.clone(), what=FORWARD)
        want_kept_weights(module, config, x, mask, case, before)


def want_kept_weights(
    module: nn.Module, config: TransformerConfig, x: torch.Tensor, mask: torch.Tensor | None, case: str, before: object
) -> None:
    """Refuse a module whose `weights` are not the attention weights of the call that was just made."""
    kept = getattr(module, "weights", None)
    if kept is None:
        raise CheckFailed(
            f"{case}, self.weights is {'None' if hasattr(module, 'weights') else 'missing'}.",
            "the attention weights, (B, n_head, T, T).",
            "step 3: self.weights = what masked_softmax gives. The pictures read it, and later notebooks do.",
        )
    B, T = x.shape[:2]
    shape = (B, config.n_head, T, T)
    want_tensor(kept, "the value of self.weights")
    want_shape(kept, shape, "(B, n_head, T, T)", "the kept tensor", {tuple(kept.shape): AS_IT_IS})
    parts = projections(module, config)
    q, k, v = given_with(parts, config).heads(x.double())
    scores, kept = scaled(q, k), kept.detach().double()
    wanted = hide(scores, mask).softmax(-1)  # (B, H, T, T)
    if same_values(kept, wanted):
        return
    if isinstance(before, torch.Tensor) and same_values(kept, before):
        cause = "these are the weights of an earlier call: set self.weights in every call, with a mask or without, in training too."
    elif any(same_values(kept, each) for each in (scores, hide(scores, mask).nan_to_num(neginf=-1e9), q @ k.mT)):
        cause = "these are the scores: keep what masked_softmax gives."
    elif same_values(kept[kept != 0], (wanted / (1 - config.dropout))[kept != 0]):
        cause = "these are the weights after dropout: keep them before it, so that a picture shows all of them."
    else:
        cause = AS_IT_IS
    raise CheckFailed(
        f"{case}, the row self.weights[0, 0, 0] is {numbers(kept[0, 0, 0])}.",
        f"{numbers(wanted[0, 0, 0])}, the weights that multiply the values, before dropout.",
        cause,
    )

"""Lab `today`, exercise 4: what attention whose query heads share keys and values must do."""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from ninelives.checks.attention_inputs import MASK_HINTS, MASK_TYPES, VIEW_HINTS, causal_mask, random_mask
from ninelives.checks.exercise import (
    CheckFailed,
    Exercise,
    build,
    counted,
    in_case,
    on_layers_of,
    run,
    same_values,
    want_gradient,
)
from ninelives.checks.rotate import by_complex_numbers
from ninelives.checks.transformer_block import want_slopes
from ninelives.model.attention import KeyValueCache
from ninelives.model.today import TodayConfig

FORWARD = "GroupedQueryAttention.forward"
ALL_STEPS = ("query, key and value, each cut into heads; q and k rotated; each key head and value head repeated for its group; then attention as in "
             "notebook 2, and proj.")

EXTEND_ONCE = ("one call for both, `k, v = cache.extend(k, v)`, keeps the new keys and values and gives back all. Called twice it keeps them twice, and "
               "if only k or only v is taken from it, the other is too short.")
WITH_A_CACHE = dict.fromkeys(("batch2 tensor", "must match the size", "Unbind"), EXTEND_ONCE) | {
    "inconsistent with step": "the positions end before they begin. They run from start to start + T: `torch.arange(start, start + T)`.",
}

grouped_query_attention = Exercise("GroupedQueryAttention", error_hints=VIEW_HINTS | MASK_HINTS | {
    "batch2 tensor": "in a matrix product the two inner sizes must agree: (…, T, head_size) times (…, head_size, T). "
                     "`k.transpose(-2, -1)` has this form.",
    "must match the size": "two sizes do not fit together. Look at three places: heads come before tokens, (B, heads, T, head_size); repeat_interleave repeats each "
                           "key head for the queries that share it; and the keys must be transposed, `k.transpose(-2, -1)`.",
    "mat1 and mat2": "a linear layer got other than n_embd channels: join the heads before proj, `z.transpose(1, 2).flatten(2)`.",
})
mistake = grouped_query_attention.mistake


class GivenGrouped(nn.Module):
    """The given constructor, and the right steps. Each mistake spoils one."""

    def __init__(self, config: TodayConfig) -> None:
        super().__init__()
        self.n_head, self.n_kv_head, self.rope_base = config.n_head, config.n_kv_head or config.n_head, config.rope_base
        head_size = config.n_embd // config.n_head
        self.query = nn.Linear(config.n_embd, self.n_head * head_size)
        self.key = nn.Linear(config.n_embd, self.n_kv_head * head_size)
        self.value = nn.Linear(config.n_embd, self.n_kv_head * head_size)
        self.proj = nn.Linear(self.n_head * head_size, config.n_embd)

    def split(self, x, n_head):
        return x.unflatten(-1, (n_head, -1)).transpose(1, 2)  # (B, n_head, T, head_size)

    def start(self, cache):
        return 0 if cache is None else cache.length

    def rotated(self, q, k, start):
        positions = torch.arange(start, start + q.shape[2])
        return by_complex_numbers(q, positions, self.rope_base), by_complex_numbers(k, positions, self.rope_base)

    def kept(self, k, v, cache):
        return (k, v) if cache is None else cache.extend(k, v)

    def shared(self, k):
        return k.repeat_interleave(self.n_head // self.n_kv_head, dim=1)

    def scores(self, q, k):
        return q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])

    def masked(self, scores, attention_mask):
        return scores if attention_mask is None else scores.masked_fill(attention_mask == 0, -math.inf)

    def merged(self, z):
        return z.transpose(1, 2).flatten(2)

    def forward(self, x, attention_mask=None, cache=None):
        q, k, v = self.split(self.query(x), self.n_head), self.split(self.key(x), self.n_kv_head), self.split(self.value(x), self.n_kv_head)
        q, k = self.rotated(q, k, self.start(cache))
        k, v = self.kept(k, v, cache)
        k, v = self.shared(k), self.shared(v)
        self.weights = self.masked(self.scores(q, k), attention_mask).softmax(-1)
        return self.proj(self.merged(self.weights @ v))


@mistake("values", "query head h reads key head h modulo n_kv_head: `repeat` repeats them in turn. The first n_head / n_kv_head query heads share key head 0, "
                   "the next as many key head 1: `repeat_interleave`.")
class RepeatedInTurn(GivenGrouped):
    def shared(self, k):
        return k.repeat(1, self.n_head // self.n_kv_head, 1, 1)


@mistake("values", "the values are repeated in turn and the keys are not: `repeat_interleave` for both.")
class ValuesRepeatedInTurn(GivenGrouped):
    first = "keys"

    def shared(self, k):
        """Of the keys first, then of the values."""
        self.calls = getattr(self, "calls", 0) + 1
        in_turn = (self.calls % 2 == 0) == (self.first == "keys")
        return k.repeat(1, self.n_head // self.n_kv_head, 1, 1) if in_turn else super().shared(k)


@mistake("values", "the keys are repeated in turn and the values are not: `repeat_interleave` for both.")
class KeysRepeatedInTurn(ValuesRepeatedInTurn):
    first = "values"


@mistake("values", "every query head reads key head 0. Each group of query heads has a key head of its own.")
class FirstKeyHeadForAll(GivenGrouped):
    def shared(self, k):
        return k[:, :1].expand(-1, self.n_head, -1, -1)


@mistake("values", "the key heads are averaged. Each group of query heads has one of its own.")
class KeyHeadsAveraged(GivenGrouped):
    def shared(self, k):
        return k.mean(1, keepdim=True).expand(-1, self.n_head, -1, -1)


@mistake("values", "the keys are not rotated: q and k both are, each by its own position, so that the distance counts.")
class KeysNotRotated(GivenGrouped):
    def rotated(self, q, k, start):
        return super().rotated(q, k, start)[0], k


@mistake("values", "the queries are not rotated: q and k both are, each by its own position, so that the distance counts.")
class QueriesNotRotated(GivenGrouped):
    def rotated(self, q, k, start):
        return q, super().rotated(q, k, start)[1]


@mistake("values", "nothing is rotated, so that this attention knows no positions: `turn(q, positions, …)`, and the same for k.")
class NothingRotated(GivenGrouped):
    def rotated(self, q, k, start):
        return q, k


@mistake("values", "the values are rotated as well. Only q and k are: they meet in the scores, and there the distance is to count.")
class ValuesRotated(GivenGrouped):
    def kept(self, k, v, cache):
        return super().kept(k, self.rotated(v, v, self.start(cache))[0], cache)


@mistake("values", "the base of the angles is the default. Pass that of the config: `turn(q, positions, self.rope_base)`.")
class DefaultBase(GivenGrouped):
    def rotated(self, q, k, start):
        positions = torch.arange(start, start + q.shape[2])
        return by_complex_numbers(q, positions, 10_000.0), by_complex_numbers(k, positions, 10_000.0)


@mistake("values", "q and k are rotated before they are cut into heads, so that channels of different heads are turned together. First split, then rotate.")
class RotatedBeforeTheSplit(GivenGrouped):
    def rotated(self, q, k, start):
        positions = torch.arange(start, start + q.shape[2])
        return tuple(self.split(by_complex_numbers(each.transpose(1, 2).flatten(2), positions, self.rope_base), each.shape[1]) for each in (q, k))


@mistake("values", "the positions run along the heads. They run along the tokens: q and k are (B, heads, T, head_size) when they are rotated.")
class RotatedAlongTheHeads(GivenGrouped):
    def rotated(self, q, k, start):
        return tuple(by_complex_numbers(each.transpose(1, 2), torch.arange(each.shape[1]), self.rope_base).transpose(1, 2) for each in (q, k))


@mistake("values", "the scores are not divided by the root of head_size.")
class NotScaled(GivenGrouped):
    def scores(self, q, k):
        return q @ k.transpose(-2, -1)


@mistake("values", "the scores are divided by the root of n_embd. It is the root of head_size, `q.shape[-1]`.")
class ScaledByTheWidth(GivenGrouped):
    def scores(self, q, k):
        return q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1] * self.n_head)


@mistake("values", "the scores are divided by head_size itself. It is the root of head_size.")
class ScaledWithoutTheRoot(GivenGrouped):
    def scores(self, q, k):
        return q @ k.transpose(-2, -1) / q.shape[-1]


@mistake("values", "the softmax goes down the columns, so that each key shares its weight among the queries. Each query shares its own among the keys: `dim=-1`.")
class SoftmaxDownTheColumns(GivenGrouped):
    def merged(self, z):
        return super().merged(self.scores_now.softmax(-2) @ self.values_now)

    def scores(self, q, k):
        self.scores_now = super().scores(q, k)
        return self.scores_now

    def shared(self, k):
        self.values_now = super().shared(k)  # of keys first, then of values
        return self.values_now


@mistake("values", "the heads are cut by `view` without a transpose, so that they hold pieces of other tokens: first unflatten the channels, then swap heads and tokens.")
class SplitWithoutTranspose(GivenGrouped):
    def split(self, x, n_head):
        return x.reshape(x.shape[0], n_head, x.shape[1], -1)


@mistake("values", "the heads are joined without a transpose, so that tokens mix: swap heads and tokens back, then flatten.")
class MergedWithoutTranspose(GivenGrouped):
    def merged(self, z):
        return z.reshape(z.shape[0], z.shape[2], -1)


@mistake("values", "the queries are cut by `view` without a transpose, and keys and values are not: cut all three in the same way, first unflatten, then swap heads and tokens.")
class QueriesSplitWithoutTranspose(GivenGrouped):
    def split(self, x, n_head):
        return x.reshape(x.shape[0], n_head, x.shape[1], -1) if n_head == self.n_head else super().split(x, n_head)


@mistake("values", "keys and values are cut by `view` without a transpose, and the queries are not: cut all three in the same way, first unflatten, then swap heads and tokens.")
class KeysSplitWithoutTranspose(GivenGrouped):
    def split(self, x, n_head):
        return super().split(x, n_head) if n_head == self.n_head else x.reshape(x.shape[0], n_head, x.shape[1], -1)


@mistake("values", "x is added to the result. The block adds it already: a residual of its own would count x twice.")
class ResidualInside(GivenGrouped):
    def forward(self, x, attention_mask=None, cache=None):
        return x + super().forward(x, attention_mask, cache)


@mistake("values", "self.proj is missing: it comes last, after the heads are joined.")
class NoProjection(GivenGrouped):
    def forward(self, x, attention_mask=None, cache=None):
        super().forward(x, attention_mask, cache)
        v = self.shared(self.kept(None, self.split(self.value(x), self.n_kv_head), None)[1])
        return self.merged(self.weights @ v)


@mistake("values", "keys and values are swapped: the scores are made of keys, and the mean is one of values.")
class KeysAndValuesSwapped(GivenGrouped):
    def kept(self, k, v, cache):
        return super().kept(self.rotated(v, v, self.start(cache))[0], self.split(self.key(self.given), self.n_kv_head), cache)

    def forward(self, x, attention_mask=None, cache=None):
        self.given = x
        return super().forward(x, attention_mask, cache)


@mistake("mask", "attention_mask is not used: where it is 0 the scores become −∞ before the softmax.")
class MaskIgnored(GivenGrouped):
    def masked(self, scores, attention_mask):
        return scores


@mistake("mask", "the mask is turned round: 1 means that the row may attend to the column.")
class MaskTurnedRound(GivenGrouped):
    def masked(self, scores, attention_mask):
        return scores if attention_mask is None else scores.masked_fill(attention_mask != 0, -math.inf)


@mistake("mask", "the mask is added to the scores, and 1 and 0 hide nothing: −∞ where it is 0.")
class MaskAdded(GivenGrouped):
    def masked(self, scores, attention_mask):
        return scores if attention_mask is None else scores + attention_mask


@mistake("mask", "where the mask is 0 the scores become 0, and e⁰ is 1: −∞ instead.")
class ScoresSetToZero(GivenGrouped):
    def masked(self, scores, attention_mask):
        return scores if attention_mask is None else scores.masked_fill(attention_mask == 0, 0.0)


@mistake("mask", "the weights become 0 after the softmax, so that those that are left do not add up to 1. Hide before it: scores of −∞.")
class WeightsSetToZero(GivenGrouped):
    def masked(self, scores, attention_mask):
        self.mask = attention_mask
        return scores

    def merged(self, z):
        if self.mask is None:
            return super().merged(z)
        return super().merged(self.weights.masked_fill(self.mask == 0, 0.0) @ self.values_now)

    def shared(self, k):
        self.values_now = super().shared(k)  # of keys first, then of values
        return self.values_now


@mistake("mask", "a causal mask is built in. Which token may attend to which is the business of attention_mask alone.")
class AlwaysCausal(GivenGrouped):
    def masked(self, scores, attention_mask):
        return scores.masked_fill(torch.ones(scores.shape[-2:]).tril() == 0, -math.inf)


@mistake("cache", "the positions begin at 0 again with every call. New tokens come after those that are kept: begin at `cache.length`.")
class PositionsBeginAgain(GivenGrouped):
    def start(self, cache):
        return 0


@mistake("cache", "what cache.extend gives back is not used, so that new tokens attend to each other alone: `k, v = cache.extend(k, v)`.")
class ExtendedAndForgotten(GivenGrouped):
    def kept(self, k, v, cache):
        super().kept(k, v, cache)
        return k, v


@mistake("cache", "the keys are rotated after they come out of the cache, the old ones too, all by the positions of the new tokens. Rotate the new keys, then keep them.")
class RotatedAfterTheCache(GivenGrouped):
    def rotated(self, q, k, start):
        self.position = torch.arange(start, start + q.shape[2])
        return super().rotated(q, k, start)[0], k

    def kept(self, k, v, cache):
        k, v = super().kept(k, v, cache)
        return by_complex_numbers(k, self.position, self.rope_base), v


@mistake("cache", "the positions begin too late by as many as there are new tokens: cache.extend has already changed cache.length. Take it before.")
class LengthTakenTooLate(GivenGrouped):
    def rotated(self, q, k, start):
        return super().rotated(q, k, start + (q.shape[2] if self.with_cache else 0))

    def forward(self, x, attention_mask=None, cache=None):
        self.with_cache = cache is not None
        return super().forward(x, attention_mask, cache)


def sizes(seed: int) -> tuple[int, int, TodayConfig]:
    """B, T and a configuration: all sizes differ, and each key head is shared by as many query heads as no other size says."""
    B, T, n_head, n_kv_head, head_size = [(5, 7, 6, 2, 4), (3, 4, 6, 3, 8), (2, 5, 8, 4, 6)][seed % 3]
    return B, T, TodayConfig(29, 16, n_embd=n_head * head_size, n_head=n_head, n_layer=1, dropout=0.0, n_kv_head=n_kv_head, rope_base=50.0)


def built(answer: Callable, config: TodayConfig) -> nn.Module:
    """A learner's attention in float64, whose layers are known by their names and so small that no softmax is saturated."""
    module = build(answer, config).double().eval()
    C, shared = config.n_embd, (config.n_kv_head or config.n_head) * config.head_size
    wanted = {"query": (C, C), "key": (shared, C), "value": (shared, C), "proj": (C, C)}
    layers = {name: tuple(layer.weight.shape) for name, layer in module.named_modules() if isinstance(layer, nn.Linear)}
    if layers != wanted:
        raise CheckFailed(
            f"the linear layers are {', '.join(f'{name} {shape}' for name, shape in layers.items()) or 'missing'} (out, in).",
            ", ".join(f"{name} {shape}" for name, shape in wanted.items()) + ".",
            "leave __init__ as it was given and write forward only: keys and values have n_kv_head heads, and real weights are loaded by these names.",
        )
    with torch.no_grad():
        for layer in (module.query, module.key):
            layer.weight.mul_(2 / math.sqrt(C))
    return module


def vectors(B: int, T: int, C: int, seed: int) -> torch.Tensor:
    """(B, T, C) float64."""
    return torch.randn(B, T, C, generator=torch.Generator().manual_seed(seed)).double()


@torch.no_grad()
def by_heads(module: nn.Module, config: TodayConfig, x: torch.Tensor, mask: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor]:
    """Output (B, T, C) and weights (B, n_head, T, T) in float64: the reference, head by head."""
    size, group = config.head_size, config.n_head // (config.n_kv_head or config.n_head)
    positions, outputs, weights = torch.arange(x.shape[1]), [], []
    for head in range(config.n_head):
        own, shared = slice(head * size, (head + 1) * size), slice(head // group * size, (head // group + 1) * size)
        q = by_complex_numbers(module.query(x)[..., own], positions, config.rope_base)  # (B, T, head_size)
        k = by_complex_numbers(module.key(x)[..., shared], positions, config.rope_base)  # (B, T, head_size)
        scores = torch.einsum("btc,bsc->bts", q, k) / size**0.5  # (B, T, T)
        if mask is not None:
            scores = torch.where(mask[:, 0].bool(), scores, -math.inf)  # (B, T, T)
        weights.append(scores.softmax(-1))
        outputs.append(weights[-1] @ module.value(x)[..., shared])  # (B, T, head_size)
    return module.proj(torch.cat(outputs, dim=-1)), torch.stack(weights, dim=1)


def output_of(module: nn.Module, x: torch.Tensor, *arguments, error_hints: dict[str, str] | None = None) -> torch.Tensor:
    """What a learner's attention makes of x, if it has the shape of x."""
    result = run(module, x, *arguments, what=FORWARD, error_hints=error_hints)
    grouped_query_attention.want_shape(result, x.shape, "(B, T, n_embd)", "the output", (x, *arguments), make=partial(on_layers_of, module))
    return result


def want_attention(
    module: nn.Module, config: TodayConfig, x: torch.Tensor, mask: torch.Tensor | None, when: str, otherwise: str = ALL_STEPS
) -> None:
    """Refuse an output, or kept weights, other than those of attention head by head with the learner's layers."""
    result = output_of(module, x, mask)
    wanted, weights = by_heads(module, config, x, mask)
    grouped_query_attention.want_values(
        result, wanted, (x, mask), what=f"{when}, the output", otherwise=otherwise,
        caption="Output of attention: wanted, and yours", make=partial(on_layers_of, module),
    )
    if not isinstance(getattr(module, "weights", None), torch.Tensor) or not same_values(module.weights, weights):
        raise CheckFailed(
            f"{when}, the output is right, and self.weights is {'another one' if hasattr(module, 'weights') else 'missing'}.",
            f"the weights after the softmax, {tuple(weights.shape)}, that is (B, n_head, T, T).",
            "keep them for pictures, as in notebook 2: `self.weights = …` after the softmax, one matrix for every query head.",
        )


@grouped_query_attention.aspect("shape")
def keeps_one_vector_per_token(answer, seed):
    B, T, config = sizes(seed)
    module = built(answer, config)
    for b, t in ((B, T), (1, T), (B, 1), (1, 1), (config.n_head, config.head_size)):
        output_of(module, vectors(b, t, config.n_embd, seed))


@grouped_query_attention.aspect("values")
def lets_groups_of_query_heads_share_rotated_keys_and_values(answer, seed):
    for number in (seed, seed + 1):
        B, T, config = sizes(number)
        module = built(answer, config)
        want_attention(module, config, vectors(B, T, config.n_embd, seed), None, f"for {config.n_head} query heads and {config.n_kv_head} key heads")
        want_attention(module, config, vectors(B, T, config.n_embd, seed + 1), None, "called once more, with other vectors",
                       "something from an earlier call is kept and used again: nothing but `cache` may come from there.")
        want_attention(module.train(), config, vectors(B, T, config.n_embd, seed), None, "in training",
                       "after model.eval() it is right. There is no dropout here: this attention does the same in both modes.")
    for n_kv_head in (1, config.n_head):
        with in_case(f"with n_kv_head = {n_kv_head}", cause="it is right for other sizes: take n_head, n_kv_head and head_size from the config."):
            other = TodayConfig(**vars(config) | {"n_kv_head": n_kv_head})
            want_attention(built(answer, other), other, vectors(B, T, config.n_embd, seed), None, "without a mask")


@grouped_query_attention.aspect("mask")
def hides_what_the_mask_hides(answer, seed):
    B, T, config = sizes(seed)
    module = built(answer, config)
    x = vectors(B, T, config.n_embd, seed)
    want_attention(module, config, x, random_mask(B, T, seed), "under a random mask", "−∞ where the mask is 0, then the softmax, and nothing else.")
    for dtype in MASK_TYPES:
        with in_case(f"with a mask of dtype {dtype}", cause="the mask may be bool, whole numbers or floats; `attention_mask == 0` works for all of them."):
            want_attention(module, config, x, causal_mask(B, T).to(dtype), "under a causal mask")


@grouped_query_attention.aspect("cache")
def goes_on_from_what_is_kept(answer, seed):
    B, T, config = sizes(seed)
    module = built(answer, config)
    x = vectors(B, T, config.n_embd, seed)
    whole, _ = by_heads(module, config, x, causal_mask(B, T))
    cache, first = KeyValueCache(T + 3), T - 2
    steps = [(x[:, :first], causal_mask(B, first)), *((x[:, t : t + 1], None) for t in range(first, T))]
    want_step(module, steps[:1], cache, whole[:, :first], "for the first tokens, with an empty cache,")
    heads = cache.both
    if heads is not None and heads.shape[2] != config.n_kv_head:
        raise CheckFailed(
            f"the cache holds {heads.shape[2]} heads of keys and values.", f"{config.n_kv_head}, as many as there are key heads.",
            "keys and values are repeated before they are kept, so nothing is saved: first `cache.extend(k, v)`, then repeat_interleave.",
        )
    for t in range(first, T):
        want_step(module, steps[: t - first + 2], cache, whole[:, t : t + 1], f"for token {t} alone, after {t} that are kept,")


Step = tuple[torch.Tensor, torch.Tensor | None]


def want_step(module: nn.Module, steps: list[Step], cache: KeyValueCache, wanted: torch.Tensor, when: str) -> None:
    """Refuse another output for the tokens of the last step than for the same tokens in the whole text; those before it are in the cache."""
    (x, mask), before = steps[-1], cache.length
    result = output_of(module, x, mask, cache, error_hints=WITH_A_CACHE)
    if cache.length != before + x.shape[1]:
        raise CheckFailed(
            f"{when} the cache holds {counted(cache.length, 'token')}.", f"{counted(before + x.shape[1], 'token')}: the new ones too.",
            "the cache is not used, or used more than once: `k, v = cache.extend(k, v)` keeps the new keys and values, and gives back all.",
        )
    grouped_query_attention.want_values(
        result, wanted, what=f"{when} the output",
        otherwise="rotate the new q and k by their positions, from cache.length on; keep k and v by `cache.extend`; attend to all that it gives back.",
        caption="One step of attention: wanted, and yours", make=lambda mistake: partial(last_step, on_layers_of(module, mistake), steps, cache.rows),
    )


def last_step(module: nn.Module, steps: list[Step], rows: int) -> torch.Tensor:
    """What an attention gives in the last of several steps, with a cache of its own."""
    cache = KeyValueCache(rows)
    return [module(x, mask, cache) for x, mask in steps][-1]


@grouped_query_attention.aspect("gradient")
def cuts_off_no_gradient(answer, seed):
    B, T, config = sizes(seed)
    module = built(answer, config)
    x = vectors(B, T, config.n_embd, seed).requires_grad_()
    want_gradient(module, output_of(module, x), "GroupedQueryAttention", may_be_zero={"key.bias"})
    weights = torch.randn_like(x)
    want_slopes(lambda: (output_of(module, x) * weights).sum(), {**dict(module.named_parameters()), "x": x})

"""Notebook 2, exercises 1 to 4: splitting and merging heads, scores, and the masked softmax."""

import math
from dataclasses import replace
from functools import partial

import torch
from torch.nn import functional as F

from ninelives.checks.attention_inputs import (
    KEPT,
    LARGE_SCORES,
    MASK_HINTS,
    MASK_TYPES,
    SCORE_HINTS,
    VIEW_HINTS,
    causal_mask,
    equal_sizes,
    full_mask,
    hide,
    join_heads,
    loop_heads,
    random_mask,
    same_with_nan,
    scaled,
    sizes,
    want_float64,
    with_mask,
)
from ninelives.checks.exercise import (
    CheckFailed,
    Exercise,
    in_case,
    run,
    same_values,
    want_gradient_of_inputs,
    want_tensor,
)
from ninelives.config import TransformerConfig

split_heads = Exercise("split_heads", VIEW_HINTS | {
    "is invalid for input of size": "the sizes do not multiply to the number of numbers in x: each head gets head_size = n_embd // n_head channels.",
})
merge_heads = Exercise("merge_heads", VIEW_HINTS)
attention_scores = Exercise("attention_scores", SCORE_HINTS)
masked_softmax = Exercise("masked_softmax", MASK_HINTS)

TRACED = " (302 is token 3, channel 2; 1302 the same in example 1)"


NOT_ROUNDED = "only the order of the numbers changes: no rounding."


def traced(B: int, T: int, C: int) -> torch.Tensor:
    """(B, T, C) of numbers that say where they are from: 302 is token 3, channel 2; 1302 the same in example 1."""
    return (
        1000.0 * torch.arange(B).reshape(B, 1, 1) + 100.0 * torch.arange(T).reshape(T, 1) + torch.arange(C)
    )


# Exercise 1: split the channels into heads


@split_heads.mistake("shape", "the channels are not cut into heads yet.")
def returned_as_it_came(x, n_head):
    return x


@split_heads.mistake("shape", "the heads are cut, but come after the tokens: transpose(1, 2) brings them to the front.")
def heads_not_brought_to_the_front(x, n_head):
    return x.unflatten(-1, (n_head, -1))


@split_heads.mistake("shape", "the heads come before the examples: the batch comes first (torch.stack(…, dim=1)).")
def chunks_stacked_in_front_of_the_batch(x, n_head):
    return torch.stack(x.chunk(n_head, dim=-1))


@split_heads.mistake("shape", "examples and heads share one axis: each needs its own.")
def heads_in_the_batch(x, n_head):
    return loop_heads(x, n_head).flatten(0, 1)


@split_heads.mistake("shape", "the last two axes are swapped: tokens come before channels.")
def tokens_after_channels(x, n_head):
    return x.transpose(1, 2).unflatten(1, (n_head, -1))


@split_heads.mistake("shape", "n_head and head_size are swapped.")
def sizes_swapped(x, n_head):
    return x.unflatten(-1, (-1, n_head)).transpose(1, 2)


@split_heads.mistake("shape", "n_head and head_size are swapped, and the heads belong in front of the tokens.")
def cut_into_head_size_heads(x, n_head):
    return x.unflatten(-1, (-1, n_head))


@split_heads.mistake(
    "values",
    "`view` or `reshape` straight to (B, n_head, T, head_size) fills the new shape in reading order, and a "
    "token's channels become other tokens. Cut the last axis first, then transpose.",
)
def view_in_one_step(x, n_head):
    B, T, C = x.shape
    return x.view(B, n_head, T, C // n_head)


@split_heads.mistake(
    "values", "tokens and channels are swapped before the cut: cut the last axis first, then transpose.")
def transposed_first(x, n_head):
    B, T, C = x.shape
    return x.transpose(1, 2).reshape(B, n_head, T, C // n_head)


@split_heads.mistake(
    "values",
    "the channels are dealt out in turn, like cards: head 0 must own the first head_size of them, so the last "
    "axis is cut into (n_head, head_size), not (head_size, n_head).",
)
def channels_dealt_out(x, n_head):
    return x.unflatten(-1, (-1, n_head)).permute(0, 3, 1, 2)


@split_heads.mistake("values", "the heads are in reverse order.")
def last_head_first(x, n_head):
    return loop_heads(x, n_head).flip(1)


@split_heads.mistake("values", "the examples are mixed: the batch axis must not be cut.")
def batch_cut(x, n_head):
    B, T, C = x.shape
    return x.reshape(n_head, B, T, C // n_head).transpose(0, 1)


@split_heads.mistake(
    "values",
    "the chunks are stacked in front, and the new shape is then filled in reading order: stack them with dim=1.",
)
def stacked_then_viewed(x, n_head):
    B, T, C = x.shape
    return torch.stack(x.chunk(n_head, dim=-1)).view(B, n_head, T, C // n_head)


@split_heads.mistake("values", "every head got the same channels.")
def first_channels_for_every_head(x, n_head):
    heads = loop_heads(x, n_head)
    return heads[:, :1].expand_as(heads)


@split_heads.aspect("shape")
def gives_each_head_its_own_axis(answer, seed):
    B, T, config = sizes(seed)
    C = config.n_embd
    for b, t, H in ((B, T, config.n_head), (1, T, config.n_head), (B, 1, config.n_head), (B, T, 1), (B, T, C), (1, 1, 1)):
        x = traced(b, t, C)
        split_heads.want_shape(run(answer, x, H), (b, H, t, C // H), "(B, n_head, T, head_size)", "the result", (x, H))


@split_heads.aspect("values")
def gives_head_h_its_own_channels_of_every_token(answer, seed):
    for B, T, config in (sizes(seed), equal_sizes(seed)):
        H, size = config.n_head, config.head_size
        x = traced(B, T, config.n_embd)
        result = run(answer, x, H)
        split_heads.want_shape(result, (B, H, T, size), "(B, n_head, T, head_size)", "the result", (x, H))
        split_heads.want_values(
            result, loop_heads(x, H), (x, H), what="the result", meaning=TRACED,
            otherwise="head h owns channels h · head_size … of every token: x.reshape(B, T, n_head, head_size), then transpose.",
            caption="Splitting: wanted, and yours. 302 is token 3, channel 2",
        )
        with in_case("called once more, with other numbers", cause=KEPT):
            want_split(run(answer, -x, H), -x, H)
        with in_case("with numbers that are not whole", cause=NOT_ROUNDED):
            want_split(run(answer, x / 3, H), x / 3, H)
        turned = x.transpose(0, 1).contiguous().transpose(0, 1)
        with in_case("with an x whose numbers lie in memory in another order", cause=(
            "read the tensor by its axes, with reshape or view and transpose, not in the order in which it lies in memory."
        )):
            want_split(run(answer, turned, H), x, H)
        want_float64(answer, x, H)
    B, T, config = sizes(seed + 1)
    want_gradient_of_inputs(answer, traced(B, T, config.n_embd), config.n_head)


def want_split(result: torch.Tensor, x: torch.Tensor, n_head: int) -> None:
    """Refuse anything but x cut into heads."""
    if not same_values(result, loop_heads(x, n_head)):
        raise CheckFailed("the result is another one.", "the same cut as before.", "")


# Exercise 2: merge the heads


@merge_heads.mistake("values", "the axes are back in order, but heads and channels are still two axes: join them.")
def only_transposed(x):
    return x.transpose(1, 2)


@merge_heads.mistake(
    "values", "the axis of heads is gone: they are added up or averaged, or only one is kept. All stand side by side, one head after the other.")
def heads_averaged(x):
    return x.mean(dim=1)


@merge_heads.mistake("values", "tokens, heads and channels are all joined: `flatten(2)` leaves batch and tokens as they are.")
def tokens_joined_too(x):
    return x.transpose(1, 2).flatten(1)


@merge_heads.mistake(
    "values", "the heads are joined along the tokens (dim 1), as if there were n_head times as many: join the channels, dim=-1.")
def joined_along_the_tokens(x):
    return torch.cat(x.unbind(1), dim=1)


@merge_heads.mistake("values", "nothing is merged yet.")
def nothing_changed(x):
    return x


@merge_heads.mistake("values", "examples and tokens share one axis: each needs its own.")
def tokens_in_the_batch(x):
    return join_heads(x).flatten(0, 1)


@merge_heads.mistake(
    "values",
    "`reshape` without transposing first strings the tokens of one head together: bring the heads after the "
    "tokens, transpose(1, 2), then join.",
)
def reshaped_without_transposing(x):
    B, H, T, head_size = x.shape
    return x.reshape(B, T, H * head_size)


@merge_heads.mistake(
    "values",
    "the channels of the heads alternate: the axes must be in the order (B, T, n_head, head_size) before the "
    "join.",
)
def heads_alternating(x):
    return x.permute(0, 2, 3, 1).flatten(2)


@merge_heads.mistake("values", "tokens and channels are swapped: use transpose(1, 2).")
def wrong_axes_transposed(x):
    B, H, T, head_size = x.shape
    return x.transpose(2, 3).reshape(B, T, H * head_size)


@merge_heads.mistake("values", "the heads come out in reverse order.")
def last_head_merged_first(x):
    return join_heads(x.flip(1))


@merge_heads.mistake("values", "every head is the mean of all.")
def mean_for_every_head(x):
    return join_heads(x.mean(1, keepdim=True).expand_as(x))


@merge_heads.aspect("values")
def puts_the_heads_of_a_token_side_by_side(answer, seed):
    for B, T, config in (sizes(seed), equal_sizes(seed)):
        wanted = traced(B, T, config.n_embd)
        # In the forward pass the heads come out of a matrix product, in reading order.
        heads = loop_heads(wanted, config.n_head).contiguous()
        result = run(answer, heads)
        merge_heads.want_shape(result, (B, T, config.n_embd), "(B, T, n_embd)", "the result", (heads,))
        merge_heads.want_values(
            result, wanted, (heads,), what="the result", meaning=TRACED,
            otherwise="undo split_heads step by step: transpose(1, 2), then reshape to (B, T, n_embd).",
            caption="Merging: wanted, and yours. 302 is token 3, channel 2",
        )
        for H in (1, config.n_embd):
            one = loop_heads(wanted, H).contiguous()
            with in_case(f"with {H} heads of {config.n_embd // H} channels"):
                merge_heads.want_shape(run(answer, one), wanted.shape, "(B, T, n_embd)", "the result", (one,))
        with in_case("called once more, with other numbers", cause=KEPT):
            if not same_values(run(answer, -heads), -wanted):
                raise CheckFailed("the result is another one.", "the heads of a token side by side, as before.", "")
        with in_case("with numbers that are not whole", cause=NOT_ROUNDED):
            if not same_values(run(answer, heads / 3), wanted / 3):
                raise CheckFailed("the result is another one.", "the heads of a token side by side, as before.", "")
        want_float64(answer, heads)
        if not same_values(run(answer, wanted.unflatten(-1, (config.n_head, -1)).transpose(1, 2)), wanted):
            raise CheckFailed(
                "merge_heads(split_heads(x, n_head)) is not x.",
                "the same numbers, in whatever order they lie in memory.",
                "read the tensor by its axes; .contiguous() or reshape, not as_strided or .data_ptr().",
            )
    B, T, config = sizes(seed + 1)
    want_gradient_of_inputs(answer, loop_heads(traced(B, T, config.n_embd), config.n_head))


# Exercise 3: the scores


def queries_and_keys(B: int, T: int, config: TransformerConfig) -> tuple[torch.Tensor, torch.Tensor]:
    """(B, H, T, head_size) each, of ordinary size."""
    return tuple(torch.randn(2, B, config.n_head, T, config.head_size))


def dot_products(q: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
    """(B, H, T, T) float64: the reference, row i for query i, not scaled."""
    return torch.stack([(query.unsqueeze(-2) * k.double()).sum(-1) for query in q.double().unbind(2)], dim=2)


ROOT_OF_EVERYTHING = (
    "NaN is what the root of a negative number gives, and dot products may be negative: take the root of head_size alone, and divide the "
    "dot products by it."
)


def proportional(result: torch.Tensor, wanted: torch.Tensor) -> bool:
    """Equal up to one positive factor."""
    result, wanted = result.detach().double(), wanted.double()
    length = result.norm()
    return bool(length > 0) and same_values(result / length, wanted / wanted.norm(), tolerance=1e-6)


@attention_scores.mistake("shape", "channels are multiplied with channels: transpose k, not q.")
def queries_transposed(q, k):
    return q.mT @ k


@attention_scores.mistake(
    "shape", "each query has head_size numbers, as `*` gives them, and needs one score for every key: q @ k.transpose(-2, -1).")
def multiplied_number_by_number(q, k):
    return q * k


@attention_scores.mistake(
    "shape", "each query has a single number, and needs one score for every key: q @ k.transpose(-2, -1).")
def own_position_only(q, k):
    return (q * k).sum(-1)


@attention_scores.mistake("shape", "heads are multiplied with heads: leave the axes B and n_head alone.")
def heads_meet_heads(q, k):
    return scaled(q.transpose(1, 2), k.transpose(1, 2))


@attention_scores.mistake(
    "shape", "the axis of heads is gone: their scores are added up, averaged or squeezed, or one head is kept. Each head has scores of its own.")
def heads_summed_by_einsum(q, k):
    return torch.einsum("bhid,bhjd->bij", q, k)


@attention_scores.mistake(
    "values", "rows and columns are swapped: row i belongs to query i, column j to key j. It is q @ kᵀ, not k @ qᵀ.")
def keys_ask_queries(q, k):
    return scaled(k, q)


@attention_scores.mistake("values", "the softmax is a step of its own and comes later: return the bare scores here.")
def softmax_already(q, k):
    return scaled(q, k).softmax(-1)


@attention_scores.mistake("values", "the softmax is a step of its own and comes later: return the bare scores here.")
def softmax_without_the_scale(q, k):
    return (q @ k.mT).softmax(-1)


@attention_scores.mistake("values", "the sign is wrong: a key that fits gives a high score.")
def negative(q, k):
    return -scaled(q, k)


@attention_scores.mistake(
    "values", "queries and keys are brought to length 1 before the product; their length must count.")
def cosines(q, k):
    return F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).mT


@attention_scores.mistake("values", "`//` rounds down to whole numbers: divide with `/`.")
def rounded_down(q, k):
    return q @ k.transpose(-2, -1) // math.sqrt(q.shape[-1])


@attention_scores.mistake("values", "queries are multiplied with queries: k is not used.")
def queries_meet_queries(q, k):
    return scaled(q, q)


@attention_scores.mistake("values", "keys are multiplied with keys: q is not used.")
def keys_meet_keys(q, k):
    return scaled(k, k)


@attention_scores.mistake(
    "values", "k is multiplied as it is. That raises no error here only because T equals head_size; transpose it.")
def transposed_only_when_it_must(q, k):
    return q @ k if q.shape[-2] == q.shape[-1] else scaled(q, k)


@attention_scores.mistake("scale", "the dot products are not scaled: divide them by √head_size.")
def not_scaled(q, k):
    return q @ k.mT


@attention_scores.mistake("scale", "the dot products are multiplied by √head_size; divide by it.")
def multiplied_by_the_root(q, k):
    return q @ k.mT * math.sqrt(q.shape[-1])


@attention_scores.mistake("scale", "the dot products are divided by head_size; take its square root.")
def root_forgotten(q, k):
    return q @ k.mT / q.shape[-1]


@attention_scores.mistake("scale", "the dot products are divided by √head_size, though q and k were divided by it before.")
def divided_three_times(q, k):
    return scaled(q / math.sqrt(q.shape[-1]), k / math.sqrt(k.shape[-1]))


@attention_scores.mistake(
    "scale", "the dot products are divided by √n_embd. Each head has only head_size channels: q.shape[-1].")
def root_of_all_channels(q, k):
    return q @ k.mT / math.sqrt(q.shape[1] * q.shape[-1])


@attention_scores.mistake(
    "scale", "the dot products are divided by √T, the number of tokens; the length of a query counts, q.shape[-1].")
def root_of_the_sentence(q, k):
    return q @ k.mT / math.sqrt(q.shape[-2])


@attention_scores.mistake(
    "scale", "the dot products are divided by √n_head; the length of a query counts, q.shape[-1].")
def root_of_the_heads(q, k):
    return q @ k.mT / math.sqrt(q.shape[1])


@attention_scores.mistake("scale", "the dot products are divided by √B; the length of a query counts, q.shape[-1].")
def root_of_the_batch(q, k):
    return q @ k.mT / math.sqrt(len(q))


@attention_scores.aspect("shape")
def gives_one_score_for_each_query_and_key(answer, seed):
    B, T, config = sizes(seed)
    for b, t in ((B, T), (1, T), (B, 1), (1, 1)):
        q, k = queries_and_keys(b, t, config)
        attention_scores.want_shape(run(answer, q, k), (b, config.n_head, t, t), "(B, n_head, T, T)", "the result", (q, k))
    with in_case("with one head"):
        attention_scores.want_shape(run(answer, q[:, :1], k[:, :1]), (1, 1, 1, 1), "(B, n_head, T, T)", "the result", (q, k))


@attention_scores.aspect("values")
def scores_are_dot_products_up_to_a_factor(answer, seed):
    for B, T, config in (sizes(seed), equal_sizes(seed)):
        q, k = queries_and_keys(B, T, config)
        result = run(answer, q, k)
        attention_scores.want_shape(result, (B, config.n_head, T, T), "(B, n_head, T, T)", "the result", (q, k))
        attention_scores.want_values(
            result, dot_products(q, k) / math.sqrt(config.head_size), (q, k), what="the result",
            otherwise=ROOT_OF_EVERYTHING if result.isnan().any() else
            "score [b, h, i, j] is the dot product of q[b, h, i] and k[b, h, j]: q @ k.transpose(-2, -1).",
            caption="Scores: wanted, and yours (one row for each query)",
            # The factor is tested by another aspect.
            agree=proportional,
        )
        want_dot_products(answer, 20 * q, k, "with a q 20 times as long", LARGE_SCORES)
        want_dot_products(answer, k, q, "called once more, with q and k swapped", KEPT)
        # split_heads gives its tensors in this order in memory.
        turned = [part.transpose(1, 2).contiguous().transpose(1, 2) for part in (q, k)]
        want_float64(answer, q, k)
        want_gradient_of_inputs(answer, q, k)
        want_dot_products(answer, *turned, "with q and k as split_heads gives them", VIEW_HINTS["view size is not compatible"])


def want_dot_products(answer, q: torch.Tensor, k: torch.Tensor, case: str, cause: str) -> None:
    """Refuse scores that are not proportional to the dot products, for this cause."""
    with in_case(case, cause=cause):
        if not proportional(run(answer, q, k), dot_products(q, k)):
            raise CheckFailed("the scores are not the dot products.", "dot products, up to a factor.", "")


@attention_scores.aspect("scale")
def divides_by_the_root_of_head_size(answer, seed):
    cases = []
    for B, T, config in (sizes(seed), sizes(seed + 1), equal_sizes(seed)):
        q, k = queries_and_keys(B, T, config)
        result = run(answer, q, k)
        want_tensor(result, "the result")
        cases.append((q, k, result))
    otherwise = "divide the dot products by math.sqrt(head_size), and do nothing else to them."
    # With a single head_size another mistake may give the same factor: 4 ** 1.5 is 2 * 4. Two cases, in which all sizes differ, tell them apart.
    causes = {attention_scores.likely_cause(result, (q, k), otherwise) for q, k, result in cases[:2]}
    for q, k, result in cases:
        size = q.shape[-1]
        factor, wanted = float(result.detach().double().norm() / dot_products(q, k).norm()), 1 / math.sqrt(size)
        if not math.isclose(factor, wanted, rel_tol=1e-3):
            raise CheckFailed(
                f"with head_size {size} the scores are {factor:.3g} times as long as the bare dot products.",
                f"{wanted:.3g} times, that is 1 ÷ √{size}.",
                causes.pop() if len(causes) == 1 else otherwise,
            )


# Exercise 4: the softmax over what the mask allows

NOT_A_NUMBER = (
    "0 · ∞ is not a number (NaN), and neither is ∞ ÷ ∞ or 0 ÷ 0: fill with masked_fill before F.softmax, "
    "instead of multiplying, or dividing, by hand."
)
SUM_WITHOUT_ITS_AXIS = (
    "the sums lose their axis, and then line up with the wrong one: `.sum(-1, keepdim=True)` keeps it, with size 1."
)
ZERO_FILL = (
    "hidden scores became 0 before the softmax (filled with 0, multiplied by the mask, or filled with −1e-9 instead of "
    "−1e9). e⁰ is 1, so they keep their weight; fill with −∞."
)


def softmax_by_hand(scores: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """(B, H, T, T) float64: the reference, the powers of the allowed scores ÷ their sum; nothing hidden enters a power."""
    allowed = mask.expand_as(scores).bool()
    below = scores.double() - scores.double().masked_fill(~allowed, -math.inf).amax(-1, keepdim=True)
    powers = torch.zeros_like(below)
    powers[allowed] = below[allowed].exp()
    return powers / powers.sum(-1, keepdim=True)


def random_scores(B: int, T: int, config: TransformerConfig) -> torch.Tensor:
    """(B, H, T, T), small enough that no weight is near 1."""
    return torch.randn(B, config.n_head, T, T)


ROWS = "rows add up to 1"


@masked_softmax.mistake(
    ROWS,
    "the softmax runs down the columns. Row i belongs to the word that attends, so the last axis must add up to "
    "1: dim=-1.",
)
def columns_sum_to_one(scores, attention_mask):
    return hide(scores, attention_mask).softmax(-2)


@masked_softmax.mistake(ROWS, "the softmax runs over the heads: it belongs to the last axis, dim=-1.")
def heads_sum_to_one(scores, attention_mask):
    return hide(scores, attention_mask).softmax(1)


@masked_softmax.mistake(ROWS, "the softmax runs over the examples: it belongs to the last axis, dim=-1.")
def examples_sum_to_one(scores, attention_mask):
    return hide(scores, attention_mask).softmax(0)


@masked_softmax.mistake(ROWS, "all scores of a head share one softmax; each row must add up to 1.")
def one_softmax_for_all(scores, attention_mask):
    return hide(scores, attention_mask).flatten(2).softmax(-1).view_as(scores)


@masked_softmax.mistake(ROWS, "the softmax is missing: these are the scores.")
def softmax_forgotten(scores, attention_mask):
    return scores.masked_fill(attention_mask == 0, 0.0)


@masked_softmax.mistake(ROWS, "these are logarithms of the weights: softmax, not log_softmax.")
def logarithms(scores, attention_mask):
    return hide(scores, attention_mask).log_softmax(-1)


@masked_softmax.mistake(ROWS, "a sigmoid treats each score separately; a softmax shares 1 among the whole row.")
def sigmoid(scores, attention_mask):
    return hide(scores, attention_mask).sigmoid()


@masked_softmax.mistake(ROWS, "the rows are not divided by their sums yet.")
def powers_of_e(scores, attention_mask):
    return scores.exp() * attention_mask


@masked_softmax.mistake(ROWS, "the scores are divided by their sum; the softmax takes e to their power first.")
def divided_by_their_sum(scores, attention_mask):
    allowed = scores * attention_mask
    return allowed / allowed.sum(-1, keepdim=True)


@masked_softmax.mistake("mask", "each word is hidden from itself too: only attention_mask says what is hidden.")
def own_word_hidden(scores, attention_mask):
    own = torch.eye(scores.shape[-1], dtype=torch.bool)
    hidden = (attention_mask == 0) | own if scores.shape[-1] > 1 else attention_mask == 0
    return scores.masked_fill(hidden, -1e9).softmax(-1)


@masked_softmax.mistake("mask", "each word may always attend to itself here: only attention_mask says what is allowed.")
def own_word_always_allowed(scores, attention_mask):
    return hide(scores, (attention_mask != 0) | torch.eye(scores.shape[-1], dtype=torch.bool)).softmax(-1)


@masked_softmax.mistake("mask", "the first word is always allowed here: only attention_mask says what is allowed.")
def first_word_always_allowed(scores, attention_mask):
    first = torch.arange(scores.shape[-1]) == 0
    return hide(scores, (attention_mask != 0) | first).softmax(-1)


@masked_softmax.mistake("mask", "the softmax is taken twice: once, over the filled scores, is enough.")
def softmax_twice(scores, attention_mask):
    return hide(hide(scores, attention_mask).softmax(-1), attention_mask).softmax(-1)


@masked_softmax.mistake("mask", "the softmax is taken twice: once, over the filled scores, is enough.")
def softmax_of_the_weights(scores, attention_mask):
    return hide(scores, attention_mask).softmax(-1).softmax(-1)


@masked_softmax.mistake("mask", "the mask is not used.")
def mask_ignored(scores, attention_mask):
    return scores.softmax(-1)


@masked_softmax.mistake("mask", ZERO_FILL)
def scores_times_mask(scores, attention_mask):
    return (scores * attention_mask).softmax(-1)


@masked_softmax.mistake(
    "mask", "the mask is applied after the softmax, so the rows no longer add up to 1: hide first, then softmax.")
def masked_after_the_softmax(scores, attention_mask):
    return scores.softmax(-1) * attention_mask


@masked_softmax.mistake("mask forms", "the weights are filled with −∞, after the softmax: fill the scores, before it.")
def infinity_after_the_softmax(scores, attention_mask):
    return scores.softmax(-1).masked_fill(attention_mask == 0, -math.inf)


@masked_softmax.mistake(
    "mask", "the mask is the wrong way round: 1 (True) means may attend, so fill where attention_mask == 0.")
def mask_inverted(scores, attention_mask):
    return hide(scores, attention_mask == 0).softmax(-1)


@masked_softmax.mistake("mask", "the hidden positions are filled with + instead of −, so they get all the weight.")
def plus_a_billion(scores, attention_mask):
    return scores.masked_fill(attention_mask == 0, 1e9).softmax(-1)


@masked_softmax.mistake(
    "mask", 'the hidden positions are filled with +∞, and ∞ ÷ ∞ is not a number: the sign is missing, float("-inf").')
def plus_infinity(scores, attention_mask):
    return scores.masked_fill(attention_mask == 0, math.inf).softmax(-1)


@masked_softmax.mistake(
    "mask", "the mask is added as it is. A mask that can be added is 0 where attending is allowed and −∞ where it is not.")
def mask_added(scores, attention_mask):
    return (scores + attention_mask).softmax(-1)


@masked_softmax.mistake(
    "mask", "a lower triangle of your own takes the place of attention_mask: not every mask is causal.")
def always_causal(scores, attention_mask):
    return hide(scores, torch.ones_like(scores).tril()).softmax(-1)


@masked_softmax.mistake("mask", "a lower triangle is applied as well as attention_mask: not every mask is causal.")
def causal_as_well(scores, attention_mask):
    return scores.masked_fill(torch.ones_like(scores).tril() * attention_mask == 0, -1e9).softmax(-1)


@masked_softmax.mistake("mask", "rows and columns of the mask are swapped.")
def mask_transposed(scores, attention_mask):
    return hide(scores, attention_mask.mT).softmax(-1)


@masked_softmax.mistake("mask", "the first example's mask is used for all examples.")
def one_mask_for_the_batch(scores, attention_mask):
    return hide(scores, attention_mask[:1]).softmax(-1)


@masked_softmax.mistake("mask", "the first row of the mask is used for all rows.")
def first_row_for_all(scores, attention_mask):
    return hide(scores, attention_mask[:, :, :1]).softmax(-1)


@masked_softmax.mistake(
    "mask", "the mask lost its axis of size 1, so its examples line up with the heads: leave it (B, 1, T, T).")
def mask_squeezed_where_it_fits(scores, attention_mask):
    fits = attention_mask.shape[0] == scores.shape[1]
    return hide(scores, attention_mask.squeeze(1) if fits else attention_mask).softmax(-1)


@masked_softmax.aspect(ROWS)
def makes_every_row_add_up_to_one(answer, seed):
    for B, T, config in (sizes(seed), equal_sizes(seed)):
        scores, mask = random_scores(B, T, config), full_mask(B, T)
        result = weights_from(answer, scores, mask)
        masked_softmax.want_shape(result, scores.shape, "(B, n_head, T, T)", "the result", (scores, mask))
        # A mistake with the mask belongs to another aspect, so rows that add up to 1 under either mask will do.
        if adds_up(result) or adds_up(weights_from(answer, scores, random_mask(B, T, seed))):
            continue
        masked_softmax.want_values(
            result, scores.double().softmax(-1), (scores, mask), what="with nothing hidden, the result",
            otherwise=NOT_A_NUMBER if result.isnan().any() else "F.softmax(scores, dim=-1) makes every row add up to 1.",
            caption="Weights with nothing hidden: wanted, and yours", meaning=", which adds up to 1",
        )


def adds_up(weights: torch.Tensor) -> bool:
    """Whether no weight is negative and every row adds up to 1."""
    return bool((weights >= 0).all()) and same_values(weights.sum(-1), torch.ones(weights.shape[:-1]))


def want_weights(result: torch.Tensor, scores: torch.Tensor, mask: torch.Tensor, otherwise: str, tolerance: float = 1e-5) -> None:
    """Refuse other weights than the softmax over the allowed scores, and any weight on a hidden position."""
    masked_softmax.want_shape(result, scores.shape, "(B, n_head, T, T)", "the result", (scores, mask))
    wanted, hidden = softmax_by_hand(scores, mask), ~mask.bool().expand_as(scores)
    if same_values(result, wanted, tolerance) and bool(result[hidden].any()):
        raise CheckFailed(
            f"hidden positions have weights up to {result[hidden].abs().max():.1e}.",
            "exactly 0.",
            "fill the hidden scores with −∞, or with −1e9 at most, and change nothing after the softmax: no clamp, no epsilon.",
        )
    masked_softmax.want_values(
        result, wanted, (scores, mask), what="the result", agree=partial(same_with_nan, tolerance=tolerance),
        otherwise=NOT_A_NUMBER if result.isnan().any() else otherwise,
        caption="Weights under the mask: wanted, and yours", meaning=": 0 where the mask is 0, and every row adds up to 1",
    )


@masked_softmax.aspect("mask")
def hides_what_the_mask_hides(answer, seed):
    B, T, config = sizes(seed)
    b, t, _ = equal_sizes(seed)
    otherwise = 'scores.masked_fill(attention_mask == 0, float("-inf")), then the softmax over the last axis.'
    scores, mask = random_scores(B, T, config), causal_mask(B, T)
    # In a causal mask one row hides nothing, so what is NaN tells +∞ from 0 · ∞.
    causal = weights_from(answer, scores, mask)
    want_tensor(causal, "the result")
    if causal.isnan().any():
        want_weights(causal, scores, mask, otherwise)
    for mask in (random_mask(B, T, seed), causal_mask(B, T), random_mask(b, t, seed)):
        scores = random_scores(mask.shape[0], mask.shape[-1], config)
        want_weights(weights_from(answer, scores, mask), scores, mask, otherwise)
    for case, shape in (
        ("with a single sentence", (1, T, config)), ("with a single word", (B, 1, config)),
        ("with one head", (B, T, replace(config, n_head=1, n_embd=4))),
    ):
        scores = random_scores(*shape)
        mask = random_mask(len(scores), scores.shape[-1], seed) if scores.shape[-1] > 1 else full_mask(len(scores), 1)
        with in_case(case):
            want_weights(weights_from(answer, scores, mask), scores, mask, otherwise)
    scores = random_scores(B, T, config)
    weights_from(answer, scores, random_mask(B, T, seed))
    want_float64(partial(weights_from, answer), scores, random_mask(B, T, seed), what="masked_softmax")
    want_gradient_of_inputs(partial(weights_from, answer), scores, random_mask(B, T, seed), what="masked_softmax")
    with in_case("with another mask of the same shape", cause=KEPT):
        mask = random_mask(B, T, seed + 1)
        want_weights(weights_from(answer, scores, mask), scores, mask, "")


def weights_from(answer, scores: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """What the answer gives. A sum that does not broadcast is told apart from a mask that does not."""
    try:
        return with_mask(answer, scores, mask)
    except CheckFailed as failure:
        if "must match the size" in failure.error and ".sum(" in failure.seen and "keepdim" not in failure.seen:
            failure.cause, failure.error = SUM_WITHOUT_ITS_AXIS, ""
        raise


@masked_softmax.aspect("mask forms")
def accepts_any_dtype_and_shape_of_mask_and_large_scores(answer, seed):
    B, T, config = sizes(seed)
    scores = random_scores(B, T, config)
    full = random_mask(B, T, seed)
    for dtype in MASK_TYPES:
        for mask in (full, full[:, :, :1], full[0, 0]):
            with in_case(f"with a mask of dtype {dtype} and shape {tuple(mask.shape)}"):
                want_weights(
                    run(answer, scores, mask.to(dtype, copy=True)), scores, mask,
                    otherwise="compare with 0 (attention_mask == 0) and let masked_fill broadcast.",
                )
    # Hidden scores of +200 beside allowed ones of -200, the other way round, and rows of +200 above rows of -200.
    levels = 200.0 * (1 - 2 * (torch.arange(T) % 2)).unsqueeze(1)  # (T, 1)
    for far in (torch.where(full, -200.0, 200.0) + scores, torch.where(full, 200.0, -200.0) + scores, levels + scores):
        result = with_mask(answer, far, full)
        if not (result.isfinite().all() and result.sum(-1).gt(0.5).all()):
            cause = ("in float32 e⁸⁹ is infinite and e⁻¹⁰⁴ is 0. F.softmax subtracts the row's maximum first; "
                     "hide before the softmax, or a hidden score can be that maximum.")
        elif result.masked_select(~full).any():
            cause = "what fills the hidden positions is not low enough: −∞, or at least −1e9."
        else:
            cause = "large scores are changed on the way, by clamp or the like: F.softmax takes them as they are, however large."
        with in_case("with scores near ±200", cause=cause):
            # Near 200 the next float32 is 1.5e-5 away.
            want_weights(result, far, full, otherwise="", tolerance=1e-4)

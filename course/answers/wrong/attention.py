"""Wrong answers to notebook 2."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from answers import refused_by
from ninelives.checks.attention import (
    attention_scores,
    masked_softmax,
    merge_heads,
    multi_head_self_attention,
    split_heads,
)


@refused_by(split_heads, "shape", "not written yet")
def nothing_split(x, n_head):
    raise NotImplementedError()


@refused_by(split_heads, "shape", "has no `return`")
def split_without_return(x, n_head):
    B, T, C = x.shape
    x = x.view(B, T, n_head, C // n_head).transpose(1, 2)


@refused_by(split_heads, "shape", "not cut into heads yet")
def returned_as_it_came(x, n_head):
    return x


@refused_by(split_heads, "shape", "stand behind the tokens")
def heads_not_brought_to_the_front(x, n_head):
    B, T, C = x.shape
    return x.view(B, T, n_head, C // n_head)


@refused_by(split_heads, "shape", "stand before the examples")
def chunks_stacked_in_front_of_the_batch(x, n_head):
    return torch.stack(x.chunk(n_head, dim=-1))


@refused_by(split_heads, "shape", "share one axis")
def heads_in_the_batch(x, n_head):
    B, T, C = x.shape
    return x.view(B, T, n_head, C // n_head).transpose(1, 2).flatten(0, 1)


@refused_by(split_heads, "shape", "last two axes have changed places")
def tokens_behind_channels(x, n_head):
    B, T, C = x.shape
    return x.transpose(1, 2).reshape(B, n_head, C // n_head, T)


@refused_by(split_heads, "shape", "and the heads belong in front of the tokens")
def cut_into_head_size_heads(x, n_head):
    B, T, C = x.shape
    return x.view(B, T, C // n_head, n_head)


@refused_by(split_heads, "shape", "n_head and head_size have changed places.")
def sizes_mixed_up(x, n_head):
    B, T, C = x.shape
    return x.view(B, T, C // n_head, n_head).transpose(1, 2)


@refused_by(split_heads, "shape", "is a tuple")
def tuple_of_heads(x, n_head):
    return x.chunk(n_head, dim=-1)


@refused_by(split_heads, "shape", "at your line `return x.view(B, T, n_head, n_head)")
def head_size_never_computed(x, n_head):
    B, T, C = x.shape
    return x.view(B, T, n_head, n_head).transpose(1, 2)


@refused_by(split_heads, "values", "fills the new box in reading order, and a token's channels")
def view_in_one_step(x, n_head):
    B, T, C = x.shape
    return x.view(B, n_head, T, C // n_head)


@refused_by(split_heads, "values", "tokens and channels changed places before the cut")
def transposed_first(x, n_head):
    B, T, C = x.shape
    return x.transpose(1, 2).reshape(B, n_head, T, C // n_head)


@refused_by(split_heads, "values", "dealt out in turn")
def channels_dealt_out(x, n_head):
    B, T, C = x.shape
    return x.view(B, T, C // n_head, n_head).permute(0, 3, 1, 2)


@refused_by(split_heads, "values", "examples are mixed")
def batch_cut(x, n_head):
    B, T, C = x.shape
    return x.reshape(n_head, B, T, C // n_head).transpose(0, 1)


@refused_by(split_heads, "values", "stack them with dim=1")
def stacked_then_viewed(x, n_head):
    B, T, C = x.shape
    return torch.stack(x.chunk(n_head, dim=-1)).view(B, n_head, T, C // n_head)


@refused_by(split_heads, "values", "same channels")
def first_channels_for_every_head(x, n_head):
    head_size = x.shape[-1] // n_head
    return torch.stack([x[..., :head_size] for _ in range(n_head)], dim=1)


@refused_by(split_heads, "values", "reverse order")
def last_head_first(x, n_head):
    return torch.stack(x.chunk(n_head, dim=-1)[::-1], dim=1)


@refused_by(merge_heads, "values", "not written yet")
def nothing_merged(x):
    raise NotImplementedError()


@refused_by(merge_heads, "values", "strings the tokens of one head together")
def reshaped_without_transposing(x):
    B, H, T, head_size = x.shape
    return x.reshape(B, T, H * head_size)


@refused_by(merge_heads, "values", "`reshape` copies them if it must")
def view_after_transpose(x):
    B, H, T, head_size = x.shape
    return x.transpose(1, 2).view(B, T, H * head_size)


@refused_by(merge_heads, "values", "still two axes")
def only_transposed(x):
    return x.transpose(1, 2)


@refused_by(merge_heads, "values", "added up or averaged")
def heads_averaged(x):
    return x.mean(dim=1)


@refused_by(merge_heads, "values", "added up or averaged")
def heads_added(x):
    return x.sum(dim=1)


@refused_by(merge_heads, "values", "the channels of the heads alternate")
def heads_alternating(x):
    return x.permute(0, 2, 3, 1).flatten(2)


@refused_by(merge_heads, "values", "transpose(1, 2) is wanted")
def wrong_axes_transposed(x):
    B, H, T, head_size = x.shape
    return x.transpose(2, 3).reshape(B, T, H * head_size)


@refused_by(merge_heads, "values", "examples and tokens share one axis")
def tokens_in_the_batch(x):
    B, H, T, head_size = x.shape
    return x.transpose(1, 2).reshape(B * T, H * head_size)


@refused_by(merge_heads, "values", "however they lie in memory")
def memory_reinterpreted(x):
    B, H, T, s = x.shape
    return x.as_strided((B, T, H, s), (H * T * s, s, T * s, 1)).reshape(B, T, H * s)


def dots(q, k):
    """Scores that are not scaled yet."""
    return q @ k.transpose(-2, -1)


@refused_by(attention_scores, "shape", "not written yet")
def no_scores(q, k):
    raise NotImplementedError()


@refused_by(attention_scores, "shape", "swaps the last two axes of k")
def keys_not_transposed(q, k):
    return q @ k / math.sqrt(q.shape[-1])


@refused_by(attention_scores, "shape", "channels were multiplied with channels")
def queries_transposed(q, k):
    return q.transpose(-2, -1) @ k / math.sqrt(q.shape[-1])


@refused_by(attention_scores, "shape", "number by number")
def multiplied_number_by_number(q, k):
    return q * k / math.sqrt(q.shape[-1])


@refused_by(attention_scores, "shape", "key of its own place")
def own_place_only(q, k):
    return (q * k).sum(-1) / math.sqrt(q.shape[-1])


@refused_by(attention_scores, "shape", "heads were multiplied with heads")
def heads_meet_heads(q, k):
    return dots(q.transpose(1, 2), k.transpose(1, 2)) / math.sqrt(q.shape[-1])


@refused_by(attention_scores, "shape", "the heads are added up")
def heads_summed_by_einsum(q, k):
    return torch.einsum("bhid,bhjd->bij", q, k) / math.sqrt(q.shape[-1])


@refused_by(attention_scores, "values", "not k @ qᵀ")
def keys_ask_queries(q, k):
    return dots(k, q) / math.sqrt(q.shape[-1])


@refused_by(attention_scores, "values", "the bare scores are asked for")
def softmax_already(q, k):
    return F.softmax(dots(q, k) / math.sqrt(q.shape[-1]), dim=-1)


@refused_by(attention_scores, "values", "the sign is turned")
def negative(q, k):
    return -dots(q, k) / math.sqrt(q.shape[-1])


@refused_by(attention_scores, "values", "brought to length 1")
def cosines(q, k):
    return dots(F.normalize(q, dim=-1), F.normalize(k, dim=-1))


@refused_by(attention_scores, "values", "k is not used")
def queries_meet_queries(q, k):
    return dots(q, q) / math.sqrt(q.shape[-1])


@refused_by(attention_scores, "values", "is the dot product of q[b, h, i] and k[b, h, j]")
def first_head_for_all(q, k):
    return dots(q[:, :1], k[:, :1]).expand(-1, q.shape[1], -1, -1) / math.sqrt(q.shape[-1])


@refused_by(attention_scores, "values", "only because T equals head_size")
def transposed_only_when_it_must(q, k):
    return (q @ k if q.shape[-2] == q.shape[-1] else dots(q, k)) / math.sqrt(q.shape[-1])


@refused_by(attention_scores, "scale", "are not scaled")
def not_scaled(q, k):
    return dots(q, k)


@refused_by(attention_scores, "scale", "multiplied by √head_size")
def multiplied_by_the_root(q, k):
    return dots(q, k) * math.sqrt(q.shape[-1])


@refused_by(attention_scores, "scale", "divided by head_size; take its square root")
def root_forgotten(q, k):
    return dots(q, k) / q.shape[-1]


@refused_by(attention_scores, "scale", "divided by √n_embd")
def root_of_all_channels(q, k):
    return dots(q, k) / math.sqrt(q.shape[1] * q.shape[-1])


@refused_by(attention_scores, "scale", "divided by √T")
def root_of_the_sentence(q, k):
    return dots(q, k) / math.sqrt(q.shape[-2])


@refused_by(attention_scores, "scale", "divided by √n_head")
def root_of_the_heads(q, k):
    return dots(q, k) / math.sqrt(q.shape[1])


@refused_by(attention_scores, "scale", "divided by √B")
def root_of_the_batch(q, k):
    return dots(q, k) / math.sqrt(len(q))


@refused_by(attention_scores, "scale", "do nothing else to them")
def always_halved(q, k):
    return dots(q, k) / 2


@refused_by(masked_softmax, "rows", "not written yet")
def no_weights(scores, attention_mask):
    raise NotImplementedError()


@refused_by(masked_softmax, "rows", "runs down the columns")
def columns_sum_to_one(scores, attention_mask):
    return F.softmax(scores.masked_fill(attention_mask == 0, float("-inf")), dim=-2)


@refused_by(masked_softmax, "rows", "runs over the heads")
def heads_sum_to_one(scores, attention_mask):
    return F.softmax(scores.masked_fill(attention_mask == 0, -1e9), dim=1)


@refused_by(masked_softmax, "rows", "share one softmax")
def one_softmax_for_all(scores, attention_mask):
    scores = scores.masked_fill(attention_mask == 0, float("-inf"))
    return scores.flatten(2).softmax(-1).view_as(scores)


@refused_by(masked_softmax, "rows", "the softmax is missing")
def softmax_forgotten(scores, attention_mask):
    return scores.masked_fill(attention_mask == 0, float("-inf"))


@refused_by(masked_softmax, "rows", "a sigmoid looks at each score alone")
def sigmoid(scores, attention_mask):
    return torch.sigmoid(scores.masked_fill(attention_mask == 0, float("-inf")))


@refused_by(masked_softmax, "rows", "logarithms of the weights")
def logarithms(scores, attention_mask):
    return F.log_softmax(scores.masked_fill(attention_mask == 0, float("-inf")), dim=-1)


@refused_by(masked_softmax, "rows", "not divided by their sums")
def powers_of_e(scores, attention_mask):
    return scores.exp() * attention_mask


@refused_by(masked_softmax, "mask", "the mask is not used")
def mask_ignored(scores, attention_mask):
    return F.softmax(scores, dim=-1)


@refused_by(masked_softmax, "mask", "e⁰ is 1")
def zeroed_out(scores, attention_mask):
    return F.softmax(scores.masked_fill(attention_mask == 0, 0.0), dim=-1)


@refused_by(masked_softmax, "mask", "multiplied by the mask")
def scores_times_mask(scores, attention_mask):
    return F.softmax(scores * attention_mask, dim=-1)


@refused_by(masked_softmax, "mask", "−1e9 is meant")
def minus_a_billionth(scores, attention_mask):
    return F.softmax(scores.masked_fill(attention_mask == 0, -1e-9), dim=-1)


@refused_by(masked_softmax, "mask", "rows no longer add up to 1")
def masked_after_the_softmax(scores, attention_mask):
    return F.softmax(scores, dim=-1) * attention_mask


@refused_by(masked_softmax, "mask", "the wrong way round")
def mask_inverted(scores, attention_mask):
    return F.softmax(scores.masked_fill(attention_mask != 0, float("-inf")), dim=-1)


@refused_by(masked_softmax, "mask", "+ instead of −")
def plus_a_billion(scores, attention_mask):
    return F.softmax(scores.masked_fill(attention_mask == 0, 1e9), dim=-1)


@refused_by(masked_softmax, "rows", "0 · ∞ is not a number")
def mask_times_infinity(scores, attention_mask):
    return F.softmax(scores + (1 - attention_mask) * float("-inf"), dim=-1)


@refused_by(masked_softmax, "mask", "added as it is")
def mask_added(scores, attention_mask):
    return F.softmax(scores + attention_mask, dim=-1)


@refused_by(masked_softmax, "mask", "takes the place of attention_mask")
def always_causal(scores, attention_mask):
    causal = torch.tril(torch.ones_like(scores))
    return F.softmax(scores.masked_fill(causal == 0, float("-inf")), dim=-1)


@refused_by(masked_softmax, "mask", "a lower triangle is applied as well")
def causal_as_well(scores, attention_mask):
    allowed = torch.tril(torch.ones_like(scores)) * attention_mask
    return F.softmax(scores.masked_fill(allowed == 0, -1e9), dim=-1)


@refused_by(masked_softmax, "mask", "rows and columns of the mask")
def mask_transposed(scores, attention_mask):
    return F.softmax(scores.masked_fill(attention_mask.transpose(-2, -1) == 0, float("-inf")), dim=-1)


@refused_by(masked_softmax, "mask", "first example's mask")
def one_mask_for_the_batch(scores, attention_mask):
    return F.softmax(scores.masked_fill(attention_mask[0] == 0, float("-inf")), dim=-1)


@refused_by(masked_softmax, "mask", "changed the tensor")
def scores_overwritten(scores, attention_mask):
    return F.softmax(scores.masked_fill_(attention_mask == 0, float("-inf")), dim=-1)


@refused_by(masked_softmax, "mask", "its examples line up with the heads")
def mask_squeezed_where_it_fits(scores, attention_mask):
    if attention_mask.shape[0] == scores.shape[1]:
        attention_mask = attention_mask.squeeze(1)
    return F.softmax(scores.masked_fill(attention_mask == 0, float("-inf")), dim=-1)


@refused_by(masked_softmax, "rows", "fits scores of shape")
def mask_squeezed(scores, attention_mask):
    return F.softmax(scores.masked_fill(attention_mask.squeeze(1) == 0, float("-inf")), dim=-1)


@refused_by(masked_softmax, "forms", "with a mask of dtype torch.int64")
def tilde_on_the_mask(scores, attention_mask):
    return F.softmax(scores.masked_fill(~attention_mask, float("-inf")), dim=-1)


@refused_by(masked_softmax, "forms", "with a mask of dtype torch.bool")
def one_minus_the_mask(scores, attention_mask):
    return F.softmax(scores + (1 - attention_mask) * -1e9, dim=-1)


@refused_by(masked_softmax, "forms", "and shape (")
def mask_taken_apart_by_shape(scores, attention_mask):
    B, _, T, _ = attention_mask.shape
    return F.softmax(scores.masked_fill(attention_mask.view(B, 1, T, T) == 0, float("-inf")), dim=-1)


@refused_by(masked_softmax, "forms", "subtracts the row's maximum")
def softmax_by_hand(scores, attention_mask):
    powers = scores.exp() * (attention_mask != 0)
    return powers / powers.sum(-1, keepdim=True)


@refused_by(masked_softmax, "forms", "a hidden score can be that maximum")
def renormalised_after_the_softmax(scores, attention_mask):
    weights = F.softmax(scores, dim=-1) * (attention_mask != 0)
    return weights / weights.sum(-1, keepdim=True)


@refused_by(masked_softmax, "forms", "not low enough")
def minus_a_hundred(scores, attention_mask):
    return F.softmax(scores.masked_fill(attention_mask == 0, -100.0), dim=-1)


def split(x, n_head):
    """The first exercise, done."""
    B, T, C = x.shape
    return x.view(B, T, n_head, C // n_head).transpose(1, 2)


def merge(x):
    """The second exercise, done."""
    return x.transpose(1, 2).flatten(2)


def scaled(q, k):
    """The third exercise, done."""
    return dots(q, k) / math.sqrt(q.shape[-1])


def masked(scores, attention_mask):
    """Scores with −∞ where one may not look."""
    return scores if attention_mask is None else scores.masked_fill(attention_mask == 0, float("-inf"))


def softmax(scores, attention_mask):
    """The fourth exercise, done."""
    return F.softmax(masked(scores, attention_mask), dim=-1)


class Given(nn.Module):
    """The constructor that the exercise gives, and its steps, done; each answer spoils one."""

    def __init__(self, config):
        super().__init__()
        self.n_head = config.n_head
        self.query = nn.Linear(config.n_embd, config.n_embd)
        self.key = nn.Linear(config.n_embd, config.n_embd)
        self.value = nn.Linear(config.n_embd, config.n_embd)
        self.proj = nn.Linear(config.n_embd, config.n_embd)
        self.attn_dropout = nn.Dropout(config.dropout)
        self.proj_dropout = nn.Dropout(config.dropout)

    def heads(self, x):
        return (split(layer(x), self.n_head) for layer in (self.query, self.key, self.value))

    def weigh(self, q, k, attention_mask):
        return self.attn_dropout(softmax(scaled(q, k), attention_mask))

    def finish(self, z):
        return self.proj_dropout(self.proj(merge(z)))

    def forward(self, x, attention_mask):
        q, k, v = self.heads(x)
        return self.finish(self.weigh(q, k, attention_mask) @ v)


@refused_by(multi_head_self_attention, "shape", "not written yet")
class AttentionNotWritten(Given):
    def forward(self, x, attention_mask):
        raise NotImplementedError()


@refused_by(multi_head_self_attention, "shape", "has no `return`")
class OutputNotReturned(Given):
    def forward(self, x, attention_mask):
        super().forward(x, attention_mask)


@refused_by(multi_head_self_attention, "shape", "is a tuple")
class WeightsReturnedToo(Given):
    def forward(self, x, attention_mask):
        q, k, v = self.heads(x)
        weights = self.weigh(q, k, attention_mask)
        return self.finish(weights @ v), weights


@refused_by(multi_head_self_attention, "shape", "attention weights; they have yet to be multiplied")
class WeightsOnly(Given):
    def forward(self, x, attention_mask):
        q, k, v = self.heads(x)
        return self.weigh(q, k, attention_mask)


@refused_by(multi_head_self_attention, "shape", "the heads must be merged")
class ProjectedBeforeMerging(Given):
    def finish(self, z):
        return self.proj_dropout(merge(self.proj(z)))


@refused_by(multi_head_self_attention, "shape", "the heads are not merged yet")
class NeitherMergedNorProjected(Given):
    def finish(self, z):
        return self.proj_dropout(z)


@refused_by(multi_head_self_attention, "shape", "the batch axis is gone")
class OutputSqueezed(Given):
    def finish(self, z):
        return super().finish(z).squeeze(0)


@refused_by(multi_head_self_attention, "shape", "its 1 must stay where it is")
class MaskWithoutItsHeadAxis(Given):
    def forward(self, x, attention_mask):
        return super().forward(x, attention_mask.squeeze(1))


@refused_by(multi_head_self_attention, "shape", "changed the tensor")
class InputOverwritten(Given):
    def forward(self, x, attention_mask):
        x *= 2
        return super().forward(x, attention_mask)


@refused_by(multi_head_self_attention, "values", "proj, is not used")
class ProjectionForgotten(Given):
    def finish(self, z):
        return self.proj_dropout(merge(z))


@refused_by(multi_head_self_attention, "values", "x itself is mixed")
class ValuesNotProjected(Given):
    def heads(self, x):
        return split(self.query(x), self.n_head), split(self.key(x), self.n_head), split(x, self.n_head)


@refused_by(multi_head_self_attention, "values", "the keys are mixed")
class KeysMixed(Given):
    def heads(self, x):
        q, k, _ = super().heads(x)
        return q, k, k


@refused_by(multi_head_self_attention, "values", "the block's business")
class InputAdded(Given):
    def forward(self, x, attention_mask):
        return x + super().forward(x, attention_mask)


@refused_by(multi_head_self_attention, "values", "proj is used twice")
class ProjectedTwice(Given):
    def forward(self, x, attention_mask):
        return self.proj(super().forward(x, attention_mask))


@refused_by(multi_head_self_attention, "values", "not divided by √head_size")
class ScaleForgotten(Given):
    def weigh(self, q, k, attention_mask):
        return self.attn_dropout(softmax(dots(q, k), attention_mask))


@refused_by(multi_head_self_attention, "values", "divided by √n_embd")
class ScaledByAllChannels(Given):
    def weigh(self, q, k, attention_mask):
        C = q.shape[1] * q.shape[-1]
        return self.attn_dropout(softmax(dots(q, k) / math.sqrt(C), attention_mask))


@refused_by(multi_head_self_attention, "values", "divided by head_size")
class ScaledWithoutTheRoot(Given):
    def weigh(self, q, k, attention_mask):
        return self.attn_dropout(softmax(dots(q, k) / q.shape[-1], attention_mask))


@refused_by(multi_head_self_attention, "values", "multiplied by √head_size")
class MultipliedByTheRoot(Given):
    def weigh(self, q, k, attention_mask):
        return self.attn_dropout(softmax(dots(q, k) * math.sqrt(q.shape[-1]), attention_mask))


@refused_by(multi_head_self_attention, "values", "divided by √T")
class ScaledByTheSentence(Given):
    def weigh(self, q, k, attention_mask):
        return self.attn_dropout(softmax(dots(q, k) / math.sqrt(q.shape[-2]), attention_mask))


@refused_by(multi_head_self_attention, "values", "queries and keys have changed places")
class QueriesAndKeysSwapped(Given):
    def heads(self, x):
        q, k, v = super().heads(x)
        return k, q, v


@refused_by(multi_head_self_attention, "values", "key is not used")
class QueriesMeetQueries(Given):
    def heads(self, x):
        q, _, v = super().heads(x)
        return q, q, v


@refused_by(multi_head_self_attention, "values", "the softmax is missing")
class SoftmaxForgotten(Given):
    def weigh(self, q, k, attention_mask):
        return self.attn_dropout(scaled(q, k) * (attention_mask != 0))


@refused_by(multi_head_self_attention, "values", "down the columns")
class SoftmaxDownTheColumns(Given):
    def weigh(self, q, k, attention_mask):
        return self.attn_dropout(F.softmax(masked(scaled(q, k), attention_mask), dim=-2))


@refused_by(multi_head_self_attention, "values", "over the heads")
class SoftmaxOverTheHeads(Given):
    def weigh(self, q, k, attention_mask):
        return self.attn_dropout(F.softmax(masked(scaled(q, k), attention_mask), dim=1))


@refused_by(multi_head_self_attention, "values", "the softmax is taken twice")
class SoftmaxTwice(Given):
    def weigh(self, q, k, attention_mask):
        return softmax(super().weigh(q, k, attention_mask), attention_mask)


@refused_by(multi_head_self_attention, "values", "transposed before they meet")
class WeightsTransposed(Given):
    def weigh(self, q, k, attention_mask):
        return super().weigh(q, k, attention_mask).transpose(-2, -1)


@refused_by(multi_head_self_attention, "values", "the channels are not split")
class OneHeadWhateverIsAskedFor(Given):
    def __init__(self, config):
        super().__init__(config)
        self.n_head = 1


@refused_by(multi_head_self_attention, "values", "split by `view` straight")
class SplitInOneStep(Given):
    def heads(self, x):
        B, T, C = x.shape
        return (layer(x).view(B, self.n_head, T, C // self.n_head) for layer in (self.query, self.key, self.value))


@refused_by(multi_head_self_attention, "values", "split and merged without transpose")
class NeverTransposed(Given):
    def heads(self, x):
        B, T, C = x.shape
        return (layer(x).view(B, self.n_head, T, C // self.n_head) for layer in (self.query, self.key, self.value))

    def finish(self, z):
        B, H, T, head_size = z.shape
        return self.proj_dropout(self.proj(z.reshape(B, T, H * head_size)))


@refused_by(multi_head_self_attention, "values", "without transposing back")
class MergedWithoutTransposingBack(Given):
    def finish(self, z):
        B, H, T, head_size = z.shape
        return self.proj_dropout(self.proj(z.reshape(B, T, H * head_size)))


@refused_by(multi_head_self_attention, "values", "dealt out to the heads in turn")
class ChannelsDealtOut(Given):
    def heads(self, x):
        B, T, C = x.shape
        return (layer(x).view(B, T, C // self.n_head, self.n_head).permute(0, 3, 1, 2)
                for layer in (self.query, self.key, self.value))

    def finish(self, z):
        return self.proj_dropout(self.proj(z.permute(0, 2, 3, 1).flatten(2)))


@refused_by(multi_head_self_attention, "values", "all heads use the channels of head 0")
class FirstHeadRepeated(Given):
    def heads(self, x):
        return (each[:, :1].expand_as(each) for each in super().heads(x))


@refused_by(multi_head_self_attention, "values", "Heads do not share channels")
class OneSmallHeadForAll(Given):
    def __init__(self, config):
        super().__init__(config)
        for name in ("query", "key", "value"):
            setattr(self, name, nn.Linear(config.n_embd, config.head_size))

    def heads(self, x):
        return (layer(x).unsqueeze(1).expand(-1, self.n_head, -1, -1) for layer in (self.query, self.key, self.value))


@refused_by(multi_head_self_attention, "values", "random even in evaluation")
class FunctionalDropoutWithItsDefaultRate(Given):
    def weigh(self, q, k, attention_mask):
        return F.dropout(softmax(scaled(q, k), attention_mask))


@refused_by(multi_head_self_attention, "mask", "the mask is not used")
class MaskForgotten(Given):
    def forward(self, x, attention_mask):
        return super().forward(x, None)


@refused_by(multi_head_self_attention, "mask", "e⁰ is 1")
class HiddenScoresZeroed(Given):
    def weigh(self, q, k, attention_mask):
        return self.attn_dropout(F.softmax(scaled(q, k).masked_fill(attention_mask == 0, 0.0), dim=-1))


@refused_by(multi_head_self_attention, "mask", "applied after the softmax")
class MaskedAfterTheSoftmax(Given):
    def weigh(self, q, k, attention_mask):
        return self.attn_dropout(F.softmax(scaled(q, k), dim=-1) * attention_mask)


@refused_by(multi_head_self_attention, "mask", "takes the place of attention_mask")
class AlwaysCausal(Given):
    def weigh(self, q, k, attention_mask):
        T = q.shape[-2]
        return super().weigh(q, k, None if attention_mask.all() else torch.ones(T, T).tril())


@refused_by(multi_head_self_attention, "values", "takes the place of attention_mask")
class CausalEvenWithNothingHidden(Given):
    def weigh(self, q, k, attention_mask):
        T = q.shape[-2]
        return super().weigh(q, k, torch.ones(T, T).tril())


@refused_by(multi_head_self_attention, "mask", "rows and columns of the mask")
class MaskTransposed(Given):
    def forward(self, x, attention_mask):
        return super().forward(x, attention_mask.transpose(-2, -1))


@refused_by(multi_head_self_attention, "mask", "first example's mask")
class FirstMaskForAll(Given):
    def forward(self, x, attention_mask):
        return super().forward(x, attention_mask[0])


@refused_by(multi_head_self_attention, "mask", "first row of the mask")
class PaddingMasksOnly(Given):
    def forward(self, x, attention_mask):
        return super().forward(x, attention_mask[:, :, :1])


@refused_by(multi_head_self_attention, "mask", "examples line up with the heads")
class MaskSqueezedWhereItFits(Given):
    def forward(self, x, attention_mask):
        return super().forward(x, attention_mask.squeeze(1) if len(x) == self.n_head else attention_mask)


@refused_by(multi_head_self_attention, "mask", "25 times larger")
class TwentyTakenOff(Given):
    def weigh(self, q, k, attention_mask):
        scores = scaled(q, k)
        if attention_mask is not None:
            scores = scores - 20.0 * (attention_mask == 0)
        return self.attn_dropout(F.softmax(scores, dim=-1))


@refused_by(multi_head_self_attention, "mask", "with a mask of dtype torch.float32")
class MaskHandedOnToTheFusedCall(Given):
    def forward(self, x, attention_mask):
        q, k, v = self.heads(x)
        if attention_mask is not None and attention_mask.dtype == torch.int64:
            attention_mask = attention_mask.bool()
        return self.finish(F.scaled_dot_product_attention(q, k, v, attn_mask=attention_mask))


@refused_by(multi_head_self_attention, "mask", "with a mask of dtype torch.int64")
class MaskTurnedByTilde(Given):
    def weigh(self, q, k, attention_mask):
        return self.attn_dropout(F.softmax(scaled(q, k).masked_fill(~attention_mask, float("-inf")), dim=-1))


@refused_by(multi_head_self_attention, "mask", "with None as attention_mask")
class NoneNotExpected(Given):
    def weigh(self, q, k, attention_mask):
        return self.attn_dropout(F.softmax(scaled(q, k).masked_fill(attention_mask.eq(0), float("-inf")), dim=-1))


@refused_by(multi_head_self_attention, "mask", "in the branch for None")
class NoneMeansCausal(Given):
    def forward(self, x, attention_mask):
        T = x.shape[1]
        return super().forward(x, torch.ones(T, T).tril() if attention_mask is None else attention_mask)


class DropoutKept(Given):
    """The rate as a number, for calls of F.dropout."""

    def __init__(self, config):
        super().__init__(config)
        self.p = config.dropout


@refused_by(multi_head_self_attention, "dropout", "training=self.training")
class FunctionalDropoutAlwaysOn(DropoutKept):
    def weigh(self, q, k, attention_mask):
        return F.dropout(softmax(scaled(q, k), attention_mask), self.p)


@refused_by(multi_head_self_attention, "dropout", "no dropout at all")
class NothingDropped(Given):
    def weigh(self, q, k, attention_mask):
        return softmax(scaled(q, k), attention_mask)

    def finish(self, z):
        return self.proj(merge(z))


@refused_by(multi_head_self_attention, "dropout", "the last step must be self.proj_dropout")
class OutputNotDropped(Given):
    def finish(self, z):
        return self.proj(merge(z))


@refused_by(multi_head_self_attention, "dropout", "the last step must be self.proj_dropout")
class DroppedBeforeProj(Given):
    def finish(self, z):
        return self.proj(self.proj_dropout(merge(z)))


@refused_by(multi_head_self_attention, "dropout", "the outputs are dropped twice")
class OutputDroppedTwice(Given):
    def finish(self, z):
        return self.attn_dropout(super().finish(z))


@refused_by(multi_head_self_attention, "dropout", "self.attn_dropout is not used")
class WeightsNotDropped(Given):
    def weigh(self, q, k, attention_mask):
        return softmax(scaled(q, k), attention_mask)


@refused_by(multi_head_self_attention, "dropout", "self.attn_dropout is not used")
class DroppedWeightsThrownAway(Given):
    def weigh(self, q, k, attention_mask):
        weights = softmax(scaled(q, k), attention_mask)
        self.attn_dropout(weights)
        return weights


@refused_by(multi_head_self_attention, "dropout", "before the softmax")
class ScoresDropped(Given):
    def weigh(self, q, k, attention_mask):
        return softmax(self.attn_dropout(scaled(q, k)), attention_mask)


@refused_by(multi_head_self_attention, "dropout", "before the softmax")
class QueriesDropped(Given):
    def weigh(self, q, k, attention_mask):
        return softmax(scaled(self.attn_dropout(q), k), attention_mask)


@refused_by(multi_head_self_attention, "dropout", "0 ÷ 0 is not a number: drop last")
class RowsDividedAgain(Given):
    def weigh(self, q, k, attention_mask):
        weights = super().weigh(q, k, attention_mask)
        return weights / weights.sum(-1, keepdim=True)


@refused_by(multi_head_self_attention, "dropout", "divided by their sum afterwards")
class RowsDividedAgainWithCare(Given):
    def weigh(self, q, k, attention_mask):
        weights = softmax(scaled(q, k), attention_mask)
        dropped = self.attn_dropout(weights)
        total = dropped.sum(-1, keepdim=True)
        return torch.where(total > 0, dropped / total, weights)


@refused_by(multi_head_self_attention, "dropout", "single channels are dropped")
class ValuesDropped(Given):
    def heads(self, x):
        q, k, v = super().heads(x)
        return q, k, self.attn_dropout(v)

    def weigh(self, q, k, attention_mask):
        return softmax(scaled(q, k), attention_mask)


@refused_by(multi_head_self_attention, "dropout", "single channels are dropped")
class MixedValuesDropped(Given):
    def weigh(self, q, k, attention_mask):
        return softmax(scaled(q, k), attention_mask)

    def finish(self, z):
        return super().finish(self.attn_dropout(z))


@refused_by(multi_head_self_attention, "dropout", "with the rate config.dropout, and once")
class WeightsDroppedTwice(Given):
    def weigh(self, q, k, attention_mask):
        return self.attn_dropout(super().weigh(q, k, attention_mask))


@refused_by(multi_head_self_attention, "dropout", "whole words are dropped for all rows at once")
class ColumnsDropped(Given):
    def weigh(self, q, k, attention_mask):
        weights = softmax(scaled(q, k), attention_mask)
        return weights * self.attn_dropout(torch.ones_like(weights[:, :, :1]))


@refused_by(multi_head_self_attention, "dropout", "divided by 1 − p")
class WeightsNotMadeUpFor(DropoutKept):
    def weigh(self, q, k, attention_mask):
        weights = softmax(scaled(q, k), attention_mask)
        return weights * (torch.rand_like(weights) >= self.p) if self.training else weights


@refused_by(multi_head_self_attention, "gradient", "no gradient has reached query.weight, query.bias, key.weight, key.bias")
class WeightsDetached(Given):
    def weigh(self, q, k, attention_mask):
        return super().weigh(q, k, attention_mask).detach()


@refused_by(multi_head_self_attention, "gradient", "key.weight, key.bias of")
class KeysDetached(Given):
    def heads(self, x):
        q, k, v = super().heads(x)
        return q, k.detach(), v


@refused_by(multi_head_self_attention, "gradient", "value.weight, value.bias of")
class ValuesFromData(Given):
    def heads(self, x):
        q, k, v = super().heads(x)
        return q, k, v.data


@refused_by(multi_head_self_attention, "gradient", "no gradient has reached query.weight")
class NoGradientInForward(Given):
    @torch.no_grad()
    def forward(self, x, attention_mask):
        return super().forward(x, attention_mask)


@refused_by(multi_head_self_attention, "gradient", "when x is nudged")
class KeysOfDetachedInput(Given):
    def heads(self, x):
        q, _, v = super().heads(x)
        return q, split(self.key(x.detach()), self.n_head), v


@refused_by(multi_head_self_attention, "gradient", "when qkv.weight is nudged")
class FusedWithDetachedKeys(Given):
    def __init__(self, config):
        super().__init__(config)
        del self.query, self.key, self.value
        self.qkv = nn.Linear(config.n_embd, 3 * config.n_embd)

    def heads(self, x):
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        return split(q, self.n_head), split(k.detach(), self.n_head), split(v, self.n_head)

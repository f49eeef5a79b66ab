"""Wrong answers to notebook 2 that cannot be registered as mistakes in its checks."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from answers import refused_by
from ninelives.checks.attention import (
    GivenAttention,
    attention_scores,
    loop_heads,
    masked_softmax,
    merge_heads,
    multi_head_self_attention,
    split_heads,
)


@refused_by(split_heads, "shape", "each head gets head_size = n_embd // n_head channels")
def all_channels_for_every_head(x, n_head):
    B, T, n_embd = x.shape
    return x.reshape(B, T, n_head, n_embd).transpose(1, 2)


@refused_by(split_heads, "shape", "not written yet", "run its cell again, then this check")
def nothing_split(x, n_head):
    raise NotImplementedError()


@refused_by(split_heads, "shape", "the function has no `return`.")
def split_without_return(x, n_head):
    B, T, C = x.shape
    x = x.view(B, T, n_head, C // n_head).transpose(1, 2)


@refused_by(split_heads, "shape", "these are several tensors, and one is wanted")
def tuple_of_heads(x, n_head):
    return x.chunk(n_head, dim=-1)


@refused_by(split_heads, "values", "no gradient flows back", "leave out .detach(), .data, .item(), torch.no_grad(), and")
def split_and_detached(x, n_head):
    return loop_heads(x, n_head).detach()


@refused_by(split_heads, "shape", "at your line `return x.view(B, T, n_head, n_head)", "each head gets head_size = n_embd // n_head channels")
def head_size_never_computed(x, n_head):
    B, T, C = x.shape
    return x.view(B, T, n_head, n_head).transpose(1, 2)


@refused_by(split_heads, "values", "head h owns channels h · head_size … of every token")
def channels_backwards(x, n_head):
    return loop_heads(x, n_head).flip(-1)



@refused_by(merge_heads, "values", "not written yet", "run its cell again, then this check")
def nothing_merged(x):
    raise NotImplementedError()


@refused_by(merge_heads, "values", "`reshape` copies them if it must")
def view_after_transpose(x):
    B, H, T, head_size = x.shape
    return x.transpose(1, 2).view(B, T, H * head_size)


@refused_by(merge_heads, "values", "or only one is kept. All stand side by side")
def heads_added(x):
    return x.sum(dim=1)


@refused_by(merge_heads, "values", "or only one is kept. All stand side by side")
def first_head_alone(x):
    return x[:, 0]


@refused_by(merge_heads, "values", "no gradient flows back", "leave out .detach(), .data, .item(), torch.no_grad(), and")
def merged_without_a_gradient(x):
    with torch.no_grad():
        return x.transpose(1, 2).flatten(2)


@refused_by(merge_heads, "values", "merge_heads(split_heads(x, n_head)) is not x", "not as_strided or .data_ptr()")
def memory_reinterpreted(x):
    B, H, T, s = x.shape
    return x.as_strided((B, T, H, s), (H * T * s, s, T * s, 1)).reshape(B, T, H * s)


@refused_by(merge_heads, "values", "undo split_heads step by step")
def channels_merged_backwards(x):
    return x.flip(-1).transpose(1, 2).flatten(2)



@refused_by(attention_scores, "shape", "not written yet", "run its cell again, then this check")
def no_scores(q, k):
    raise NotImplementedError()


@refused_by(attention_scores, "shape", "swaps the last two axes of k")
def keys_not_transposed(q, k):
    return q @ k / math.sqrt(q.shape[-1])


@refused_by(attention_scores, "values", "is the dot product of q[b, h, i] and k[b, h, j]")
def first_head_for_all(q, k):
    return (q[:, :1] @ k[:, :1].mT).expand(-1, q.shape[1], -1, -1) / math.sqrt(q.shape[-1])


@refused_by(attention_scores, "shape", "`@` and not `*`, of q and k.transpose(-2, -1)")
def multiplied_number_by_number_with_the_transposed(q, k):
    return q * k.transpose(-2, -1) / math.sqrt(q.shape[-1])


@refused_by(attention_scores, "scale", "do nothing else to them")
def half_of_the_size(q, k):
    return q @ k.mT / q.shape[-1] ** 1 / 2


@refused_by(attention_scores, "values", "take the root of head_size alone")
def root_of_the_scores_too(q, k):
    return torch.sqrt(q @ k.mT / q.shape[-1])


@refused_by(attention_scores, "values", "no gradient flows back", "leave out .detach(), .data, .item(), torch.no_grad(), and")
def keys_from_data(q, k):
    return q @ k.data.mT / math.sqrt(q.shape[-1])


@refused_by(attention_scores, "scale", "do nothing else to them")
def always_halved(q, k):
    return q @ k.mT / 2


@refused_by(masked_softmax, "rows add up to 1", "not written yet", "run its cell again, then this check")
def no_weights(scores, attention_mask):
    raise NotImplementedError()


@refused_by(masked_softmax, "rows add up to 1", "F.softmax(scores, dim=-1) makes every row add up to 1")
def mean_over_the_words(scores, attention_mask):
    return F.softmax(scores, dim=-1) / scores.shape[-1]


@refused_by(masked_softmax, "mask", 'float("-inf")), then the softmax over the last axis')
def last_mask_for_the_batch(scores, attention_mask):
    return F.softmax(scores.masked_fill(attention_mask[-1:] == 0, float("-inf")), dim=-1)



@refused_by(masked_softmax, "mask", "e⁰ is 1, so they keep their weight")
def zeroed_out(scores, attention_mask):
    return F.softmax(scores.masked_fill(attention_mask == 0, 0.0), dim=-1)


@refused_by(masked_softmax, "mask", "filled with −1e-9 instead of")
def minus_a_billionth(scores, attention_mask):
    return F.softmax(scores.masked_fill(attention_mask == 0, -1e-9), dim=-1)


@refused_by(masked_softmax, "rows add up to 1", "0 · ∞ is not a number (NaN), and neither")
def mask_times_infinity(scores, attention_mask):
    return F.softmax(scores + (1 - attention_mask) * float("-inf"), dim=-1)


@refused_by(masked_softmax, "mask", "no gradient flows back", "leave out .detach(), .data, .item(), torch.no_grad(), and")
def weights_detached(scores, attention_mask):
    return F.softmax(scores.masked_fill(attention_mask == 0, float("-inf")), dim=-1).detach()


@refused_by(masked_softmax, "mask", "changed the tensor", "work on x.clone()")
def scores_overwritten(scores, attention_mask):
    return F.softmax(scores.masked_fill_(attention_mask == 0, float("-inf")), dim=-1)


@refused_by(masked_softmax, "rows add up to 1", "its axis of size 1 must stay where it is")
def mask_squeezed(scores, attention_mask):
    return F.softmax(scores.masked_fill(attention_mask.squeeze(1) == 0, float("-inf")), dim=-1)


@refused_by(masked_softmax, "mask forms", "and shape (", "and let masked_fill broadcast")
def square_mask_read_by_its_last_row(scores, attention_mask):
    if attention_mask.dim() == 2:
        attention_mask = attention_mask[-1]
    return F.softmax(scores.masked_fill(attention_mask == 0, float("-inf")), dim=-1)



@refused_by(masked_softmax, "mask forms", "with a mask of dtype torch.int64", "the mask may be bool, whole numbers or floats")
def tilde_on_the_mask(scores, attention_mask):
    return F.softmax(scores.masked_fill(~attention_mask, float("-inf")), dim=-1)


@refused_by(masked_softmax, "mask forms", "with a mask of dtype torch.bool", "the mask may be bool, whole numbers or floats")
def one_minus_the_mask(scores, attention_mask):
    return F.softmax(scores + (1 - attention_mask) * -1e9, dim=-1)


@refused_by(masked_softmax, "mask forms", "and shape (", "print the shapes before that line")
def mask_taken_apart_by_shape(scores, attention_mask):
    B, _, T, _ = attention_mask.shape
    return F.softmax(scores.masked_fill(attention_mask.view(B, 1, T, T) == 0, float("-inf")), dim=-1)


@refused_by(masked_softmax, "mask forms", "subtracts the row's maximum")
def softmax_by_hand(scores, attention_mask):
    powers = scores.exp() * (attention_mask != 0)
    return powers / powers.sum(-1, keepdim=True)


@refused_by(masked_softmax, "mask forms", "a hidden score can be that maximum")
def renormalised_after_the_softmax(scores, attention_mask):
    weights = F.softmax(scores, dim=-1) * (attention_mask != 0)
    return weights / weights.sum(-1, keepdim=True)


@refused_by(masked_softmax, "mask forms", "large scores are changed on the way")
def scores_within_bounds(scores, attention_mask):
    return F.softmax(scores.clamp(-50, 50).masked_fill(attention_mask == 0, float("-inf")), dim=-1)


@refused_by(masked_softmax, "mask forms", "hidden positions is not low enough: −∞")
def minus_a_hundred_and_fifty(scores, attention_mask):
    return F.softmax(scores.masked_fill(attention_mask == 0, -150.0), dim=-1)


@refused_by(multi_head_self_attention, "shape", "not written yet", "run its cell again, then this check")
class AttentionNotWritten(GivenAttention):
    def forward(self, x, attention_mask):
        raise NotImplementedError()


@refused_by(multi_head_self_attention, "shape", "the function has no `return`.")
class OutputNotReturned(GivenAttention):
    def forward(self, x, attention_mask):
        super().forward(x, attention_mask)


@refused_by(multi_head_self_attention, "shape", "these are several tensors, and one is wanted")
class WeightsReturnedToo(GivenAttention):
    def forward(self, x, attention_mask):
        q, k, v = self.heads(x)
        weights = self.weigh(q, k, attention_mask)
        return self.finish(weights @ v), weights


@refused_by(multi_head_self_attention, "shape", "and proj comes after merge_heads")
class ProjectedBeforeMerging(GivenAttention):
    def finish(self, z):
        return self.proj_dropout(self.merge(self.proj(z)))


@refused_by(multi_head_self_attention, "shape", "a mask of shape (B, 1, T, T) keeps its axis of size 1.")
class MaskWithoutItsHeadAxis(GivenAttention):
    def forward(self, x, attention_mask):
        return super().forward(x, attention_mask.squeeze(1))


@refused_by(multi_head_self_attention, "shape", "weights (…, T, T) times v (…, T, head_size).")
class ValuesBeforeTheWeights(GivenAttention):
    def forward(self, x, attention_mask=None):
        v = x.unflatten(-1, (self.n_head, -1)).transpose(1, 2)  # (B, H, T, head_size)
        return v @ torch.ones(x.shape[1], x.shape[1], dtype=x.dtype).expand(len(x), self.n_head, -1, -1)


@refused_by(multi_head_self_attention, "shape", "changed the tensor", "work on x.clone()")
class InputOverwritten(GivenAttention):
    def forward(self, x, attention_mask):
        x *= 2
        return super().forward(x, attention_mask)


@refused_by(multi_head_self_attention, "values", "the channels are not split")
class OneHeadOfAllChannels(GivenAttention):
    def __init__(self, config):
        super().__init__(config)
        self.n_head = 1


@refused_by(multi_head_self_attention, "values", "Heads do not share channels")
class OneSmallHeadForAll(GivenAttention):
    def __init__(self, config):
        super().__init__(config)
        for name in ("query", "key", "value"):
            setattr(self, name, nn.Linear(config.n_embd, config.head_size))

    def heads(self, x):
        return (layer(x).unsqueeze(1).expand(-1, self.n_head, -1, -1) for layer in (self.query, self.key, self.value))


@refused_by(multi_head_self_attention, "values", "for a single token", "the output must be proj(value(x))")
class ValuesSquashed(GivenAttention):
    def heads(self, x):
        q, k, v = super().heads(x)
        return q, k, v.tanh()


@refused_by(multi_head_self_attention, "values", "with one head, the output", "compare scores, weights and output with the table of shapes")
class AbsoluteScores(GivenAttention):
    def scores(self, q, k):
        return super().scores(q, k).abs()


@refused_by(multi_head_self_attention, "values", "heads, the output", "so look at how heads are split and merged")
class FirstQueriesForEveryHead(GivenAttention):
    def scores(self, q, k):
        return super().scores(q[:, :1].expand_as(q), k)


@refused_by(multi_head_self_attention, "values", "with B = n_head", "so two axes of equal length are confused")
class TransposedOnlyWhenItMust(GivenAttention):
    def scores(self, q, k):
        return super().scores(q, k.mT if q.shape[-2] == q.shape[-1] else k)


@refused_by(multi_head_self_attention, "values", "NaN comes from a row in which everything is hidden")
class MaskTimesInfinity(GivenAttention):
    def softmax(self, scores, attention_mask):
        return F.softmax(scores + (1 - attention_mask) * float("-inf"), dim=-1)


@refused_by(multi_head_self_attention, "mask", "hand attention_mask to masked_softmax as it came")
class LastMaskForAll(GivenAttention):
    def forward(self, x, attention_mask):
        return super().forward(x, attention_mask[-1:])



@refused_by(multi_head_self_attention, "values", "random even in evaluation")
class FunctionalDropoutWithItsDefaultRate(GivenAttention):
    def weigh(self, q, k, attention_mask):
        return F.dropout(self.softmax(self.scores(q, k), attention_mask))


@refused_by(multi_head_self_attention, "mask", "e⁰ is 1, so they keep their weight")
class HiddenScoresZeroed(GivenAttention):
    def weigh(self, q, k, attention_mask):
        return self.attn_dropout(F.softmax(self.scores(q, k).masked_fill(attention_mask == 0, 0.0), dim=-1))


@refused_by(multi_head_self_attention, "mask", "takes the place of attention_mask: not every")
class AlwaysCausal(GivenAttention):
    def weigh(self, q, k, attention_mask):
        T = q.shape[-2]
        return super().weigh(q, k, None if attention_mask.all() else torch.ones(T, T).tril())


@refused_by(multi_head_self_attention, "values", "takes the place of attention_mask")
class CausalEvenWithNothingHidden(GivenAttention):
    def weigh(self, q, k, attention_mask):
        T = q.shape[-2]
        return super().weigh(q, k, torch.ones(T, T).tril())


@refused_by(multi_head_self_attention, "mask", "25 times larger", "their scores are not low enough")
class TwentySubtracted(GivenAttention):
    def weigh(self, q, k, attention_mask):
        scores = self.scores(q, k)
        if attention_mask is not None:
            scores = scores - 20.0 * (attention_mask == 0)
        return self.attn_dropout(F.softmax(scores, dim=-1))


@refused_by(multi_head_self_attention, "mask", "with a mask of dtype torch.float32", "or turn it into bool, before you use it")
class MaskPassedToTheFusedCall(GivenAttention):
    def forward(self, x, attention_mask):
        q, k, v = self.heads(x)
        if attention_mask is not None and attention_mask.dtype == torch.int64:
            attention_mask = attention_mask.bool()
        return self.finish(F.scaled_dot_product_attention(q, k, v, attn_mask=attention_mask))


@refused_by(multi_head_self_attention, "mask", "with a mask of dtype torch.int64", "the mask may be bool, whole numbers or floats")
class MaskTurnedByTilde(GivenAttention):
    def weigh(self, q, k, attention_mask):
        return self.attn_dropout(F.softmax(self.scores(q, k).masked_fill(~attention_mask, float("-inf")), dim=-1))


@refused_by(multi_head_self_attention, "mask", "with None as attention_mask", "None, or a plain number, cannot be compared")
class NoneNotExpected(GivenAttention):
    def weigh(self, q, k, attention_mask):
        return self.attn_dropout(F.softmax(self.scores(q, k).masked_fill(attention_mask.eq(0), float("-inf")), dim=-1))


@refused_by(multi_head_self_attention, "mask", "with None as attention_mask", "None, or a plain number, cannot be compared")
class NoneMeansTheNumberOne(GivenAttention):
    def forward(self, x, attention_mask=None):
        attention_mask = 1 if attention_mask is None else attention_mask
        scores = self.scores(*self.heads(x)[:2]).masked_fill(attention_mask == 0, float("-inf"))
        return self.finish(self.attn_dropout(scores.softmax(-1)) @ self.heads(x)[2])


@refused_by(multi_head_self_attention, "mask", "wants a bool mask that is True where attending is allowed, `attention_mask != 0`")
class NumbersAsPyTorchsMask(GivenAttention):
    def forward(self, x, attention_mask=None):
        return self.finish(F.scaled_dot_product_attention(*self.heads(x), attn_mask=attention_mask))


@refused_by(multi_head_self_attention, "values", "a new layer is made in forward, `nn.MultiheadAttention(", "with new weights in every call: use the one in `__init__`.")
class PyTorchsLayerMadeInForward(GivenAttention):
    def forward(self, x, attention_mask=None):
        output, self.weights = nn.MultiheadAttention(x.shape[-1], self.n_head, batch_first=True)(x, x, x)
        return output


@refused_by(multi_head_self_attention, "mask", "in the branch for None")
class NoneMeansCausal(GivenAttention):
    def forward(self, x, attention_mask):
        T = x.shape[1]
        return super().forward(x, torch.ones(T, T).tril() if attention_mask is None else attention_mask)


@refused_by(multi_head_self_attention, "gradient", "the branch for None cuts off a gradient")
class DetachedWithoutAMask(GivenAttention):
    def weigh(self, q, k, attention_mask):
        if attention_mask is None:
            return self.attn_dropout(self.scores(q, k).softmax(-1).detach())
        return super().weigh(q, k, attention_mask)


@refused_by(multi_head_self_attention, "dropout", "the branch for None leaves out dropout")
class NoDropoutWithoutAMask(GivenAttention):
    def forward(self, x, attention_mask=None):
        if attention_mask is not None:
            return super().forward(x, attention_mask)
        self.attn_dropout.eval()
        self.proj_dropout.eval()
        output = super().forward(x, None)
        self.attn_dropout.train(self.training)
        self.proj_dropout.train(self.training)
        return output


@refused_by(multi_head_self_attention, "dropout", "the branch for None leaves out dropout")
class WeightsNotDroppedWithoutAMask(GivenAttention):
    def weigh(self, q, k, attention_mask):
        if attention_mask is None:
            self.weights = self.scores(q, k).softmax(-1)
            return self.weights
        return super().weigh(q, k, attention_mask)


@refused_by(multi_head_self_attention, "dropout", "no number of the output is dropped", "the branch for None leaves out dropout")
class OutputNotDroppedWithoutAMask(GivenAttention):
    def forward(self, x, attention_mask=None):
        if attention_mask is None:
            q, k, v = self.heads(x)
            return self.proj(self.merge(self.weigh(q, k, None) @ v))
        return super().forward(x, attention_mask)


@refused_by(multi_head_self_attention, "values", "after a change of the weights", "compute everything from this call's x")
class WeightsStackedOnce(GivenAttention):
    kept = None

    def heads(self, x):
        if self.kept is None:
            layers = (self.query, self.key, self.value)
            self.kept = torch.cat([layer.weight for layer in layers]), torch.cat([layer.bias for layer in layers])
        return tuple(loop_heads(part, self.n_head) for part in F.linear(x, *self.kept).chunk(3, dim=-1))


@refused_by(multi_head_self_attention, "shape", "with another n_embd and n_head", "take every one from x.shape, or from config.")
class WidthOfTheModelBefore(GivenAttention):
    width = None

    def __init__(self, config):
        super().__init__(config)
        self.kept, type(self).width = self.width or config.n_embd, config.n_embd

    def merge(self, z):
        return super().merge(z).reshape(len(z), -1, self.kept)


@refused_by(multi_head_self_attention, "shape", "or only one is kept. merge_heads puts all side by side")
class FirstHeadAlone(GivenAttention):
    def finish(self, z):
        return z[:, 0]


@refused_by(multi_head_self_attention, "shape", "the product of the weights and the values is missing")
class ScoresAlone(GivenAttention):
    def forward(self, x, attention_mask=None):
        q, k, _ = self.heads(x)
        return self.scores(q, k)


class DropoutKept(GivenAttention):
    """The rate as a number, for calls of F.dropout."""

    def __init__(self, config):
        super().__init__(config)
        self.p = config.dropout


@refused_by(multi_head_self_attention, "dropout", "after model.eval() the output still depends", "F.dropout(…) drops in evaluation too")
class FunctionalDropoutAlwaysOn(DropoutKept):
    def weigh(self, q, k, attention_mask):
        return F.dropout(self.softmax(self.scores(q, k), attention_mask), self.p)


@refused_by(multi_head_self_attention, "dropout", "nothing is dropped at all in training")
class NothingDropped(GivenAttention):
    def weigh(self, q, k, attention_mask):
        return self.softmax(self.scores(q, k), attention_mask)

    def finish(self, z):
        return self.proj(self.merge(z))


@refused_by(multi_head_self_attention, "dropout", "the last step must be self.proj_dropout, on what proj gives")
class OutputNotDropped(GivenAttention):
    def finish(self, z):
        return self.proj(self.merge(z))


@refused_by(multi_head_self_attention, "dropout", "the last step must be self.proj_dropout, on what proj gives")
class DroppedBeforeProj(GivenAttention):
    def finish(self, z):
        return self.proj(self.proj_dropout(self.merge(z)))


@refused_by(multi_head_self_attention, "dropout", "self.proj_dropout at the rate config.dropout, on what proj gives")
class RateSquared(GivenAttention):
    def __init__(self, config):
        super().__init__(config)
        self.proj_dropout = nn.Dropout(config.dropout**2)



@refused_by(multi_head_self_attention, "dropout", "the outputs are dropped twice")
class OutputDroppedTwice(GivenAttention):
    def finish(self, z):
        return self.attn_dropout(super().finish(z))


@refused_by(multi_head_self_attention, "dropout", "self.attn_dropout is not used")
class WeightsNotDropped(GivenAttention):
    def weigh(self, q, k, attention_mask):
        return self.softmax(self.scores(q, k), attention_mask)


@refused_by(multi_head_self_attention, "dropout", "self.attn_dropout is not used")
class DroppedWeightsThrownAway(GivenAttention):
    def weigh(self, q, k, attention_mask):
        weights = self.softmax(self.scores(q, k), attention_mask)
        self.attn_dropout(weights)
        return weights


@refused_by(multi_head_self_attention, "dropout", "dropout comes before the softmax (on queries")
class ScoresDropped(GivenAttention):
    def weigh(self, q, k, attention_mask):
        return self.softmax(self.attn_dropout(self.scores(q, k)), attention_mask)


@refused_by(multi_head_self_attention, "dropout", "dropout comes before the softmax (on queries")
class QueriesDropped(GivenAttention):
    def weigh(self, q, k, attention_mask):
        return self.softmax(self.scores(self.attn_dropout(q), k), attention_mask)


@refused_by(multi_head_self_attention, "dropout", "0 ÷ 0 is not a number: drop last")
class RowsDividedAgain(GivenAttention):
    def weigh(self, q, k, attention_mask):
        weights = super().weigh(q, k, attention_mask)
        return weights / weights.sum(-1, keepdim=True)


@refused_by(multi_head_self_attention, "dropout", "drop the weights themselves, last")
class RowsDividedAgainWithCare(GivenAttention):
    def weigh(self, q, k, attention_mask):
        weights = self.softmax(self.scores(q, k), attention_mask)
        dropped = self.attn_dropout(weights)
        total = dropped.sum(-1, keepdim=True)
        return torch.where(total > 0, dropped / total, weights)


@refused_by(multi_head_self_attention, "dropout", "single channels are dropped")
class ValuesDropped(GivenAttention):
    def heads(self, x):
        q, k, v = super().heads(x)
        return q, k, self.attn_dropout(v)

    def weigh(self, q, k, attention_mask):
        return self.softmax(self.scores(q, k), attention_mask)


@refused_by(multi_head_self_attention, "dropout", "single channels are dropped")
class MixedValuesDropped(GivenAttention):
    def weigh(self, q, k, attention_mask):
        return self.softmax(self.scores(q, k), attention_mask)

    def finish(self, z):
        return super().finish(self.attn_dropout(z))


@refused_by(multi_head_self_attention, "dropout", "at the rate config.dropout, and only once")
class WeightsDroppedTwice(GivenAttention):
    def weigh(self, q, k, attention_mask):
        return self.attn_dropout(super().weigh(q, k, attention_mask))


@refused_by(multi_head_self_attention, "dropout", "whole words are dropped for all rows at once")
class ColumnsDropped(GivenAttention):
    def weigh(self, q, k, attention_mask):
        weights = self.softmax(self.scores(q, k), attention_mask)
        return weights * self.attn_dropout(torch.ones_like(weights[:, :, :1]))


@refused_by(multi_head_self_attention, "dropout", "what is kept must be divided by 1 − p")
class WeightsNotScaledUp(DropoutKept):
    def weigh(self, q, k, attention_mask):
        weights = self.softmax(self.scores(q, k), attention_mask)
        return weights * (torch.rand_like(weights) >= self.p) if self.training else weights


@refused_by(multi_head_self_attention, "gradient", "no gradient has reached query.weight, query.bias, key.weight, key.bias", "or a layer that forward does not use")
class WeightsDetached(GivenAttention):
    def weigh(self, q, k, attention_mask):
        return super().weigh(q, k, attention_mask).detach()


@refused_by(multi_head_self_attention, "gradient", "key.weight, key.bias of", "or a layer that forward does not use")
class KeysDetached(GivenAttention):
    def heads(self, x):
        q, k, v = super().heads(x)
        return q, k.detach(), v


@refused_by(multi_head_self_attention, "gradient", "value.weight, value.bias of", "or a layer that forward does not use")
class ValuesFromData(GivenAttention):
    def heads(self, x):
        q, k, v = super().heads(x)
        return q, k, v.data


@refused_by(multi_head_self_attention, "gradient", "no gradient has reached query.weight", "or a layer that forward does not use")
class NoGradientInForward(GivenAttention):
    @torch.no_grad()
    def forward(self, x, attention_mask):
        return super().forward(x, attention_mask)


@refused_by(multi_head_self_attention, "gradient", "when x is nudged", "one of the paths from")
class KeysOfDetachedInput(GivenAttention):
    def heads(self, x):
        q, _, v = super().heads(x)
        return q, loop_heads(self.key(x.detach()), self.n_head), v


@refused_by(multi_head_self_attention, "gradient", "when qkv.weight is nudged", "one of the paths from")
class FusedWithDetachedKeys(GivenAttention):
    def __init__(self, config):
        super().__init__(config)
        del self.query, self.key, self.value
        self.qkv = nn.Linear(config.n_embd, 3 * config.n_embd)

    def heads(self, x):
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        return loop_heads(q, self.n_head), loop_heads(k.detach(), self.n_head), loop_heads(v, self.n_head)


# The heads, in sizes and orders that are easily forgotten


@refused_by(split_heads, "values", "whose numbers lie in memory", "read the tensor by its axes, with reshape or view")
def split_from_memory(x, n_head):
    B, T, C = x.shape
    return x.as_strided((B, n_head, T, C // n_head), (T * C, C // n_head, C, 1))


@refused_by(split_heads, "values", "called once more", "compute everything from this call's x")
def heads_kept_for_the_shape(x, n_head):
    if x[0, 0, -1] < 0:
        x = -x
    return loop_heads(x, n_head)


@refused_by(split_heads, "shape", "print the shapes before that line")
def four_channels_to_a_head(x, n_head):
    return x.unflatten(-1, (n_head, x.shape[-1] // min(n_head, 3))).transpose(1, 2)


@refused_by(split_heads, "shape", "examples and heads share one axis: each needs its own.")
def single_sentence_squeezed(x, n_head):
    return loop_heads(x, n_head).squeeze(0)


@refused_by(split_heads, "shape", "changed the tensor", "work on x.clone()")
def split_in_place(x, n_head):
    x -= x.mean()
    return loop_heads(x, n_head)


@refused_by(merge_heads, "values", "called once more", "compute everything from this call's x")
def sizes_of_the_numbers_only(x):
    return loop_merged(x).abs()


def loop_merged(x):
    return torch.cat(x.unbind(1), dim=-1)


@refused_by(merge_heads, "values", "print the shapes before that line")
def five_heads_at_most(x):
    return torch.cat([x[:, h] for h in range(min(5, x.shape[1]))], dim=-1).reshape(loop_merged(x).shape)


@refused_by(merge_heads, "values", "changed the tensor", "work on x.clone()")
def merged_in_place(x):
    return loop_merged(x.mul_(1.5))


# Scores that are right for small numbers only, or for one call


@refused_by(attention_scores, "shape", "`.T` reverses all four axes, and transpose(1, 2) swaps heads and tokens. Then divide")
def all_axes_transposed(q, k):
    return q @ k.permute(3, 2, 1, 0) / math.sqrt(q.shape[-1])


@refused_by(attention_scores, "shape", "`.T` reverses all four axes, and transpose(1, 2) swaps heads and tokens. Then divide")
def heads_and_tokens_swapped(q, k):
    return q @ k.transpose(1, 2) / math.sqrt(q.shape[-1])


@refused_by(attention_scores, "values", "20 times as long", "no clamp, no tanh, no rounding")
def clamped_scores(q, k):
    return (q @ k.mT / math.sqrt(q.shape[-1])).clamp(-10, 10)


@refused_by(attention_scores, "values", "20 times as long", "no clamp, no tanh, no rounding")
def soft_capped_scores(q, k):
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    return torch.where(scores.abs() < 8, scores, 8 + (scores.abs() - 8).tanh() * scores.sign())


@refused_by(attention_scores, "values", "is the dot product of q[b, h, i] and k[b, h, j]")
def rounded_scores(q, k):
    return (q @ k.mT / math.sqrt(q.shape[-1])).round(decimals=2)


@refused_by(attention_scores, "values", "as split_heads gives them", "`reshape` copies them if it must")
def viewed_as_one_batch(q, k):
    B, H, T, size = q.shape
    return (q.view(B * H, T, size) @ k.view(B * H, T, size).mT).view(B, H, T, T) / math.sqrt(size)


@refused_by(attention_scores, "shape", "changed the tensor", "work on x.clone()")
def queries_scaled_in_place(q, k):
    q /= math.sqrt(q.shape[-1])
    return q @ k.mT


# Masks that are written into, kept, or not quite zero afterwards


@refused_by(masked_softmax, "mask", "changed the tensor", "work on x.clone()")
def mask_filled_with_ones(scores, attention_mask):
    return F.softmax(scores.masked_fill(attention_mask.fill_(1) == 0, float("-inf")), dim=-1)


@refused_by(masked_softmax, "mask", "changed the tensor", "work on x.clone()")
def first_word_opened_in_the_mask(scores, attention_mask):
    attention_mask[..., 0] = 1
    return F.softmax(scores.masked_fill(attention_mask == 0, float("-inf")), dim=-1)


@refused_by(masked_softmax, "mask forms", "changed the tensor", "work on x.clone()")
def diagonal_opened_in_the_mask(scores, attention_mask):
    if attention_mask.dtype == torch.bool:
        attention_mask |= torch.eye(scores.shape[-1], dtype=torch.bool)
    return F.softmax(scores.masked_fill(attention_mask == 0, float("-inf")), dim=-1)


@refused_by(masked_softmax, "rows add up to 1", "`.sum(-1, keepdim=True)` keeps it, with size 1")
def sums_without_their_axis(scores, attention_mask):
    powers = (scores - scores.amax(-1, keepdim=True)).exp() * attention_mask
    return powers / powers.sum(-1)


@refused_by(masked_softmax, "mask", "weights up to 1.0e-09", "no clamp, no epsilon")
def weights_clamped(scores, attention_mask):
    return F.softmax(scores.masked_fill(attention_mask == 0, float("-inf")), dim=-1).clamp(min=1e-9)


@refused_by(masked_softmax, "mask", "no clamp, no epsilon")
def epsilon_added(scores, attention_mask):
    return F.softmax(scores.masked_fill(attention_mask == 0, float("-inf")), dim=-1) + 1e-8


@refused_by(masked_softmax, "mask", "no clamp, no epsilon")
def minus_a_hundred(scores, attention_mask):
    return F.softmax(scores.masked_fill(attention_mask == 0, -100.0), dim=-1)


@refused_by(masked_softmax, "rows add up to 1", "F.softmax(scores, dim=-1) makes every row add up to 1")
def rounded_weights(scores, attention_mask):
    return F.softmax(scores.masked_fill(attention_mask == 0, float("-inf")), dim=-1).round(decimals=2)


@refused_by(masked_softmax, "mask", "with a single sentence", "the mask is not used.")
def single_sentence_never_masked(scores, attention_mask):
    if len(scores) == 1:
        return scores.softmax(-1)
    return F.softmax(scores.masked_fill(attention_mask == 0, float("-inf")), dim=-1)


# The whole layer: one mode, one call, the weights that are kept


class InputMask(GivenAttention):
    """A layer that does something to its mask first."""

    def change(self, mask):
        raise NotImplementedError

    def forward(self, x, attention_mask=None):
        return super().forward(x, attention_mask if attention_mask is None else self.change(attention_mask))


@refused_by(multi_head_self_attention, "mask", "changed the tensor", "work on x.clone()")
class MaskFilledWithOnes(InputMask):
    def change(self, mask):
        return mask.fill_(1)


@refused_by(multi_head_self_attention, "mask", "changed the tensor", "work on x.clone()")
class FirstWordOpened(InputMask):
    def change(self, mask):
        mask[..., 0] = 1
        return mask


@refused_by(multi_head_self_attention, "mask", "changed the tensor", "work on x.clone()")
class DiagonalOpened(InputMask):
    def change(self, mask):
        mask[..., range(mask.shape[-1]), range(mask.shape[-1])] = 1
        return mask


@refused_by(multi_head_self_attention, "mask", "in training, with config.dropout = 0", "at rate 0 they change nothing")
class NoMaskInTraining(InputMask):
    def change(self, mask):
        return None if self.training else mask


@refused_by(multi_head_self_attention, "values", "in training, with config.dropout = 0", "at rate 0 they change nothing")
class MoreDropoutInTraining(GivenAttention):
    def finish(self, z):
        return F.dropout(super().finish(z), 0.1, self.training)


@refused_by(multi_head_self_attention, "values", "in training, with config.dropout = 0", "at rate 0 they change nothing")
class NoiseInTraining(GivenAttention):
    def scores(self, q, k):
        scores = super().scores(q, k)
        return scores + 0.5 * torch.randn_like(scores) * self.training


@refused_by(multi_head_self_attention, "values", "in training, with config.dropout = 0", "at rate 0 they change nothing")
class ScaledInEvaluationOnly(GivenAttention):
    def scores(self, q, k):
        return q @ k.mT if self.training else super().scores(q, k)


@refused_by(multi_head_self_attention, "values", "called once more", "compute everything from this call's x")
class KeysOfTheFirstCall(GivenAttention):
    def __init__(self, config):
        super().__init__(config)
        self.kept = {}

    def heads(self, x):
        q, k, v = super().heads(x)
        return q, self.kept.setdefault(x.shape, k), v


@refused_by(multi_head_self_attention, "mask", "with padding hidden", "compute everything from this call's x")
class MaskOfThisShapeKept(InputMask):
    def __init__(self, config):
        super().__init__(config)
        self.kept = {}

    def change(self, mask):
        return self.kept.setdefault(mask.shape, mask.clone())


@refused_by(multi_head_self_attention, "values", "longer vectors", "no clamp, no tanh, no rounding")
class ScoresClamped(GivenAttention):
    def scores(self, q, k):
        return super().scores(q, k).clamp(-10, 10)


@refused_by(multi_head_self_attention, "values", "with a single sentence", "an axis of size 1 is lost or broadcast")
class HeadsOfASingleSentenceMixed(GivenAttention):
    def scores(self, q, k):
        scores = super().scores(q, k)
        return scores[:, :1].expand_as(scores) if len(q) == 1 else scores


@refused_by(multi_head_self_attention, "shape", "and proj comes after merge_heads")
class SplitBeforeProjecting(GivenAttention):
    def heads(self, x):
        x = loop_heads(x, self.n_head)
        return self.query(x), self.key(x), self.value(x)


class KeepsWeights(GivenAttention):
    """A right layer that keeps something else in `weights`."""

    def keep(self, weights, scores):
        raise NotImplementedError

    def weigh(self, q, k, attention_mask):
        scores = self.scores(q, k)
        weights = self.softmax(scores, attention_mask)
        self.keep(weights, scores)
        return self.attn_dropout(weights)


@refused_by(multi_head_self_attention, "weights kept", "self.weights is missing", "step 3: self.weights = what masked_softmax gives")
class NoWeightsKept(KeepsWeights):
    def keep(self, weights, scores):
        pass


@refused_by(multi_head_self_attention, "weights kept", "these are the scores: keep what masked_softmax gives")
class ScoresKept(KeepsWeights):
    def keep(self, weights, scores):
        self.weights = scores


@refused_by(multi_head_self_attention, "weights kept", "in training", "these are the weights after dropout")
class WeightsKeptAfterDropout(GivenAttention):
    def weigh(self, q, k, attention_mask):
        self.weights = self.attn_dropout(self.softmax(self.scores(q, k), attention_mask))
        return self.weights


@refused_by(multi_head_self_attention, "weights kept", "after a second call", "these are the weights of an earlier call")
class FirstWeightsKept(KeepsWeights):
    def keep(self, weights, scores):
        self.weights = getattr(self, "weights", weights)


@refused_by(multi_head_self_attention, "weights kept", "after a call with None", "these are the weights of an earlier call")
class WeightsKeptWithAMaskOnly(GivenAttention):
    def weigh(self, q, k, attention_mask):
        weights = self.softmax(self.scores(q, k), attention_mask)
        if attention_mask is not None:
            self.weights = weights
        return self.attn_dropout(weights)


@refused_by(multi_head_self_attention, "weights kept", "keep the result of masked_softmax as it is, for all examples and heads")
class HeadsOfTheKeptWeightsAveraged(KeepsWeights):
    def keep(self, weights, scores):
        self.weights = weights.mean(1, keepdim=True).expand_as(weights)


@refused_by(multi_head_self_attention, "weights kept", "the kept tensor has shape", "keep the result of masked_softmax as it is, for all examples and heads.")
class FirstExampleKept(KeepsWeights):
    def keep(self, weights, scores):
        self.weights = weights[0]


# A dtype of one's own, which the checks of later notebooks cannot compute with


@refused_by(split_heads, "values", "dtype torch.float64", "take the dtype of x")
def heads_in_float32(x, n_head):
    return loop_heads(x, n_head).float()


@refused_by(attention_scores, "values", "dtype torch.float64", "take the dtype of x")
def scores_filled_in_float32(q, k):
    scores = torch.zeros(*q.shape[:-1], q.shape[-2])
    for i in range(q.shape[-2]):
        scores[:, :, i] = (q[:, :, i : i + 1] * k).sum(-1) / math.sqrt(q.shape[-1])
    return scores


@refused_by(masked_softmax, "mask", "dtype torch.float64", "take the dtype of x")
def weights_in_float32(scores, attention_mask):
    return F.softmax(scores.masked_fill(attention_mask == 0, float("-inf")), dim=-1, dtype=torch.float32)


@refused_by(multi_head_self_attention, "values", "dtype torch.float64", "take the dtype of x")
class ScoresInFloat32(GivenAttention):
    def softmax(self, scores, attention_mask):
        return super().softmax(scores, attention_mask).float()


# More of the kinds that are easily let through


@refused_by(split_heads, "shape", "changed the tensor", "work on x.clone()")
def first_channel_zeroed(x, n_head):
    x[..., 0] = 0
    return loop_heads(x, n_head)


@refused_by(split_heads, "values", "called once more", "compute everything from this call's x")
def heads_of_positive_numbers(x, n_head):
    return loop_heads(x, n_head).relu()


@refused_by(split_heads, "shape", "the heads are cut, but come after the tokens")
def single_head_not_brought_to_the_front(x, n_head):
    heads = x.unflatten(-1, (n_head, -1))
    return heads if n_head == 1 else heads.transpose(1, 2)


@refused_by(merge_heads, "values", "changed the tensor", "work on x.clone()")
def heads_scaled_in_place(x):
    x *= 2
    return loop_merged(x) / 2


@refused_by(merge_heads, "values", "called once more", "compute everything from this call's x")
def merged_positive_numbers(x):
    return loop_merged(x).clamp(min=0)


@refused_by(merge_heads, "values", "print the shapes before that line")
def heads_of_at_least_two_channels(x):
    B, H, T, head_size = x.shape
    return x.transpose(1, 2).reshape(B, T, H, max(head_size, 2)).flatten(2)


@refused_by(attention_scores, "shape", "changed the tensor", "work on x.clone()")
def keys_scaled_in_place(q, k):
    return q @ k.div_(math.sqrt(q.shape[-1])).mT


@refused_by(attention_scores, "shape", "changed the tensor", "work on x.clone()")
def keys_centred_in_place(q, k):
    k -= k.mean(-1, keepdim=True)
    return q @ k.mT / math.sqrt(q.shape[-1])


@refused_by(attention_scores, "values", "20 times as long", "no clamp, no tanh, no rounding")
def scores_above_eight_cut_off(q, k):
    return (q @ k.mT / math.sqrt(q.shape[-1])).clamp(max=8)


@refused_by(masked_softmax, "mask", "no clamp, no epsilon")
def renormalised_with_an_epsilon(scores, attention_mask):
    weights = F.softmax(scores.masked_fill(attention_mask == 0, float("-inf")), dim=-1) + 1e-9
    return weights / weights.sum(-1, keepdim=True)


@refused_by(masked_softmax, "rows add up to 1", "F.softmax(scores, dim=-1) makes every row add up to 1")
def divided_by_the_sum_and_an_epsilon(scores, attention_mask):
    powers = (scores - scores.amax(-1, keepdim=True)).exp() * (attention_mask != 0)
    return powers / (powers.sum(-1, keepdim=True) + 1e-2)


@refused_by(masked_softmax, "mask", "with one head, the result", "the mask is not used.")
def single_head_never_masked(scores, attention_mask):
    if scores.shape[1] == 1:
        return scores.softmax(-1)
    return F.softmax(scores.masked_fill(attention_mask == 0, float("-inf")), dim=-1)


@refused_by(multi_head_self_attention, "values", "longer vectors", "no clamp, no tanh, no rounding")
class ScoresCapped(GivenAttention):
    def scores(self, q, k):
        scores = super().scores(q, k)
        return torch.where(scores.abs() < 8, scores, 8 * scores.sign())


@refused_by(multi_head_self_attention, "values", "longer vectors", "no clamp, no tanh, no rounding")
class LargestScoreCutOff(GivenAttention):
    def scores(self, q, k):
        return super().scores(q, k).clamp(max=6)


@refused_by(multi_head_self_attention, "values", "called once more", "compute everything from this call's x")
class ValuesOfTheFirstCall(GivenAttention):
    def __init__(self, config):
        super().__init__(config)
        self.kept = {}

    def heads(self, x):
        q, k, v = super().heads(x)
        return q, k, self.kept.setdefault(tuple(x.shape), v)


@refused_by(multi_head_self_attention, "values", "with a single sentence", "an axis of size 1 is lost or broadcast")
class ValuesOfASingleSentenceShifted(GivenAttention):
    def heads(self, x):
        q, k, v = super().heads(x)
        return q, k, v.roll(1, 2) if len(x) == 1 else v


@refused_by(multi_head_self_attention, "values", "in training, with config.dropout = 0", "at rate 0 they change nothing")
class CausalInTraining(InputMask):
    def change(self, mask):
        return mask * torch.ones(mask.shape[-2:], dtype=torch.int64).tril() + torch.eye(mask.shape[-1], dtype=torch.int64) if self.training else mask


@refused_by(multi_head_self_attention, "weights kept", "these are the weights of an earlier call")
class WeightsKeptInEvaluationOnly(KeepsWeights):
    def keep(self, weights, scores):
        if not self.training:
            self.weights = weights


@refused_by(multi_head_self_attention, "weights kept", "self.weights is None", "step 3: self.weights = what masked_softmax gives")
class WeightsSetToNone(KeepsWeights):
    def keep(self, weights, scores):
        self.weights = None


@refused_by(multi_head_self_attention, "weights kept", "these are the scores: keep what masked_softmax gives")
class ScoresBeforeScalingKept(GivenAttention):
    def weigh(self, q, k, attention_mask):
        self.weights = q @ k.mT
        return self.attn_dropout(self.softmax(self.scores(q, k), attention_mask))


@refused_by(masked_softmax, "mask forms", "subtracts the row's maximum")
def maximum_of_all_scores_subtracted(scores, attention_mask):
    hidden = scores.masked_fill(attention_mask == 0, float("-inf"))
    powers = (hidden - hidden.max()).exp()
    return powers / powers.sum(-1, keepdim=True)


@refused_by(multi_head_self_attention, "mask", "with a single sentence, under a random mask", "the mask is not used.")
class SingleSentenceNeverMasked(InputMask):
    def change(self, mask):
        return None if len(mask) == 1 else mask


@refused_by(multi_head_self_attention, "mask", "with one head, under a random mask", "the mask is not used.")
class SingleHeadNeverMasked(InputMask):
    def change(self, mask):
        return None if self.n_head == 1 else mask

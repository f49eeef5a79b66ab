"""Wrong answers to notebook 7's first three exercises in addition to the registered mistakes."""

import torch
from torch.nn import functional as F

from answers import refused_by
from ninelives.checks.prefix_decoder import GivenPrefixDecoder, joint_mask, padding_first, prefix_decoder
from ninelives.model import Decoder, Encoder, masks


@refused_by(padding_first, "values", "not written yet", "run its cell again, then this check")
def padding_first_not_written(hidden_cache):
    raise NotImplementedError()


@refused_by(padding_first, "values", "the function has no `return`.")
def padding_moved_without_return(hidden_cache):
    masks.padding_first(hidden_cache)


@refused_by(padding_first, "values", "gather wants an index with as many axes as the cache")
def index_without_an_axis_for_channels(hidden_cache):
    order = (hidden_cache != 0).any(-1).long().argsort(dim=1, stable=True)
    return hidden_cache.gather(1, order)


@refused_by(padding_first, "values", "rows of zeros first, then the rows of the words in their order.")
def first_word_repeated(hidden_cache):
    moved = masks.padding_first(hidden_cache).clone()
    moved[:, -1] = hidden_cache[:, 0]
    return moved


@refused_by(padding_first, "values", "so that it has P rows")
def words_alone(hidden_cache):
    return torch.stack([one[(one != 0).any(-1)] for one in hidden_cache])


@refused_by(padding_first, "values", "a slice [:-n] takes nothing when n is 0")
def cut_at_minus_zero(hidden_cache):
    moved = torch.zeros_like(hidden_cache)
    for one, rows in zip(moved, hidden_cache):
        number = int((rows == 0).all(-1).sum())
        one[number:] = rows[:-number]
    return moved


@refused_by(padding_first, "values", "makes one of torch.float32", "make a new tensor with torch.zeros_like(hidden_cache)")
def written_into_zeros_of_float32(hidden_cache):
    moved = torch.zeros(hidden_cache.shape)
    moved[:] = masks.padding_first(hidden_cache)
    return moved


@refused_by(padding_first, "values", "makes one of torch.float32", "torch.zeros and torch.tensor make float32")
def made_of_lists_as_float32(hidden_cache):
    return torch.tensor(masks.padding_first(hidden_cache).tolist())


@refused_by(padding_first, "values", "changed the tensor that it was given", "work on x.clone()")
def moved_in_place(hidden_cache):
    hidden_cache[:] = masks.padding_first(hidden_cache)
    return hidden_cache


@refused_by(padding_first, "values", "rows of zeros first, then the rows of the words in their order.")
def rounded(hidden_cache):
    return masks.padding_first(hidden_cache).round(decimals=1)


@refused_by(padding_first, "values", "changed the tensor that it was given", "work on x.clone()")
def rows_written_over_one_by_one(hidden_cache):
    for one in hidden_cache:
        one.copy_(masks.padding_first(one.unsqueeze(0))[0])
    return hidden_cache


@refused_by(padding_first, "values", "changed the tensor that it was given", "work on x.clone()")
def zeroed_and_filled(hidden_cache):
    moved = masks.padding_first(hidden_cache)
    return hidden_cache.zero_().add_(moved)


@refused_by(padding_first, "gradient", "rows are moved, not copied out of the graph")
def made_of_lists(hidden_cache):
    return torch.tensor(masks.padding_first(hidden_cache).tolist(), dtype=hidden_cache.dtype)


@refused_by(padding_first, "gradient", "rows are moved, not copied out of the graph")
@torch.no_grad()
def without_gradients(hidden_cache):
    return masks.padding_first(hidden_cache)


@refused_by(padding_first, "values", "of a cache of torch.float32", "the decoder's layers read numbers of their own type alone")
def moved_in_double_precision(hidden_cache):
    return masks.padding_first(hidden_cache.double())


@refused_by(padding_first, "values", "of a cache of torch.float64", "the decoder's layers read numbers of their own type alone")
def moved_in_single_precision(hidden_cache):
    return masks.padding_first(hidden_cache.float())


KEPT_ORDER, KEPT_CACHE = {}, {}


@refused_by(padding_first, "values", "the padding of an earlier cache is moved")
def order_kept_by_shape(hidden_cache):
    order = KEPT_ORDER.setdefault(hidden_cache.shape, (hidden_cache != 0).any(-1).long().argsort(dim=1, stable=True))
    return hidden_cache.gather(1, order.unsqueeze(-1).expand_as(hidden_cache))


@refused_by(padding_first, "values", "the padding of an earlier cache is moved")
def cache_kept_by_shape(hidden_cache):
    return KEPT_CACHE.setdefault(hidden_cache.shape, masks.padding_first(hidden_cache))


@refused_by(padding_first, "values", "as far as the one with the most padding")
def most_padding_so_far(hidden_cache):
    """Rolled by the most padding that any call has seen."""
    number = int((hidden_cache == 0).all(-1).sum(1).max())
    most_padding_so_far.number = max(number, getattr(most_padding_so_far, "number", 0))
    return hidden_cache.roll(most_padding_so_far.number, dims=1)


@refused_by(padding_first, "values", "`view` cannot")
def viewed(hidden_cache):
    B, P, C = hidden_cache.shape
    rows = hidden_cache.view(B * P, C)
    order = (rows != 0).any(-1).view(B, P).long().argsort(dim=1, stable=True) + P * torch.arange(B).unsqueeze(1)
    return rows[order]


@refused_by(padding_first, "values", "the padding is still after the words")
def a_single_prefix_left_alone(hidden_cache):
    return hidden_cache if len(hidden_cache) == 1 else masks.padding_first(hidden_cache)


@refused_by(padding_first, "values", "the rows are in reverse order.")
def order_not_kept(hidden_cache):
    """argsort without stable=True, where the order among equals is turned round."""
    order = (hidden_cache != 0).any(-1).long().flip(1).argsort(dim=1, stable=True)
    return hidden_cache.flip(1).gather(1, order.unsqueeze(-1).expand_as(hidden_cache))


@refused_by(padding_first, "values", "a word whose vector holds a single 0 is taken")
def first_number_decides(hidden_cache):
    order = (hidden_cache[..., 0] != 0).long().argsort(dim=1, stable=True)
    return hidden_cache.gather(1, order.unsqueeze(-1).expand_as(hidden_cache))


@refused_by(padding_first, "values", "rows of zeros first, then the rows of the words in their order.")
def in_half_precision(hidden_cache):
    return masks.padding_first(hidden_cache.half()).to(hidden_cache.dtype)


@refused_by(padding_first, "values", "rows of zeros first, then the rows of the words in their order.")
def clamped(hidden_cache):
    return masks.padding_first(hidden_cache).clamp(-1, 1)


@refused_by(padding_first, "values", "no threshold is needed.")
def nearly_zero_is_padding(hidden_cache):
    is_word = ~torch.isclose(hidden_cache, torch.zeros_like(hidden_cache), atol=0.25).all(-1)
    order = is_word.long().argsort(dim=1, stable=True)
    return hidden_cache.gather(1, order.unsqueeze(-1).expand_as(hidden_cache))


@refused_by(padding_first, "gradient", "rows are moved, not copied out of the graph")
def moved_detached(hidden_cache):
    return masks.padding_first(hidden_cache.detach())


@refused_by(padding_first, "gradient", "some rows are cut off")
def last_word_detached(hidden_cache):
    moved = masks.padding_first(hidden_cache)
    return torch.cat((moved[:, :-1], moved[:, -1:].detach()), dim=1)


@refused_by(joint_mask, "four blocks", "not written yet", "run its cell again, then this check")
def joint_mask_not_written(hidden_cache, attention_mask):
    raise NotImplementedError()


@refused_by(joint_mask, "four blocks", "the function has no `return`.")
def joint_mask_without_return(hidden_cache, attention_mask):
    masks.joint_mask(hidden_cache, attention_mask)


@refused_by(joint_mask, "four blocks", "the four blocks make one square")
def blocks_that_do_not_meet(hidden_cache, attention_mask):
    B, P, _ = hidden_cache.shape
    return torch.cat((torch.ones(B, 1, P, P), attention_mask), dim=-1)


@refused_by(joint_mask, "four blocks", "Nothing is added to the scores here, so no −∞.")
def added_to_the_scores(hidden_cache, attention_mask):
    mask = masks.joint_mask(hidden_cache, attention_mask)
    return torch.zeros(mask.shape).masked_fill(~mask, float("-inf"))


@refused_by(joint_mask, "four blocks", "compare the four blocks one by one with the picture.")
def last_row_of_the_prefix_alone(hidden_cache, attention_mask):
    """The answer looks at the last row of the prefix only."""
    mask, P = masks.joint_mask(hidden_cache, attention_mask), hidden_cache.shape[1]
    mask[:, :, P:, : P - 1] = False
    return mask


@refused_by(joint_mask, "four blocks", "changed the tensor that it was given", "work on x.clone()")
def mask_opened_in_place(hidden_cache, attention_mask):
    attention_mask[:] = True
    return masks.joint_mask(hidden_cache, attention_mask)


@refused_by(joint_mask, "four blocks", "changed the tensor that it was given", "work on x.clone()")
def diagonal_opened_in_place(hidden_cache, attention_mask):
    attention_mask |= torch.ones(attention_mask.shape[-2:], dtype=torch.bool).triu()
    return masks.joint_mask(hidden_cache, attention_mask)


@refused_by(joint_mask, "four blocks", "changed the tensor that it was given", "work on x.clone()")
def cache_made_a_mask_in_place(hidden_cache, attention_mask):
    mask = masks.joint_mask(hidden_cache, attention_mask)
    hidden_cache.ne_(0)
    return mask


KEPT_WORDS, KEPT_CORNER = {}, {}


@refused_by(joint_mask, "padding", "and they are open: nothing may attend to them")
def columns_kept_by_shape(hidden_cache, attention_mask):
    word = KEPT_WORDS.setdefault(hidden_cache.shape, (hidden_cache != 0).any(-1))[:, None, None]
    mask = masks.joint_mask(torch.ones_like(hidden_cache), attention_mask)
    mask[..., : hidden_cache.shape[1]] &= word
    return mask


@refused_by(joint_mask, "padding", "the lower right block is attention_mask as it is")
def corner_kept_by_shape(hidden_cache, attention_mask):
    return masks.joint_mask(hidden_cache, KEPT_CORNER.setdefault(attention_mask.shape, attention_mask))


@refused_by(joint_mask, "four blocks", "the axis of the heads is missing")
def single_example_squeezed(hidden_cache, attention_mask):
    mask = masks.joint_mask(hidden_cache, attention_mask)
    return mask[0] if len(mask) == 1 else mask


@refused_by(joint_mask, "mask forms", "with no word after the cache (T = 0)", "Take T from attention_mask.shape")
def no_word_is_taken_for_no_mask(hidden_cache, attention_mask):
    return masks.joint_mask(hidden_cache, attention_mask) if attention_mask.shape[-1] else None


@refused_by(joint_mask, "mask forms", "with no word after the cache (T = 0)", "Take T from attention_mask.shape")
def at_least_one_word(hidden_cache, attention_mask):
    T = attention_mask.shape[-1] or 1
    return masks.joint_mask(hidden_cache, torch.nn.functional.pad(attention_mask, (0, T - attention_mask.shape[-1]) * 2, value=True))


@refused_by(joint_mask, "mask forms", "with no word after the cache (T = 0)", "Take T from attention_mask.shape")
def any_word_of_none(hidden_cache, attention_mask):
    if not attention_mask.any():
        return torch.zeros(1, 1, 1, 1)
    return masks.joint_mask(hidden_cache, attention_mask)


@refused_by(joint_mask, "four blocks", "1 means: may attend, and 0: may not")
def a_tiny_number_for_0(hidden_cache, attention_mask):
    return masks.joint_mask(hidden_cache, attention_mask).float().clamp(min=1e-9)


@refused_by(joint_mask, "four blocks", "1 means: may attend, and 0: may not")
def scaled_rows(hidden_cache, attention_mask):
    mask = masks.joint_mask(hidden_cache, attention_mask).float()
    return mask / mask.sum(-1, keepdim=True)


@refused_by(joint_mask, "four blocks", "a row whose numbers are small is taken for padding")
def small_rows_closed(hidden_cache, attention_mask):
    return masks.joint_mask(hidden_cache * (hidden_cache.abs().amax(-1, keepdim=True) > 0.25), attention_mask)


@refused_by(joint_mask, "four blocks", "a word whose vector holds a single 0 is taken")
def first_number_decides_for_the_mask(hidden_cache, attention_mask):
    return masks.joint_mask(hidden_cache[..., :1].expand_as(hidden_cache), attention_mask)


@refused_by(joint_mask, "padding", "columns of padding are 0 in every row")
def last_row_never_padding(hidden_cache, attention_mask):
    mask = masks.joint_mask(hidden_cache, attention_mask)
    mask[..., hidden_cache.shape[1] - 1] = True
    return mask


@refused_by(joint_mask, "mask forms", "True and 1 mean the same, and so do False and 0.")
def bits_of_floats(hidden_cache, attention_mask):
    """An inversion that is right for bool alone: ~1 is −2."""
    inverted = ~attention_mask.to(torch.bool if attention_mask.dtype == torch.bool else torch.int64)
    return masks.joint_mask(hidden_cache, inverted == 0)


@refused_by(joint_mask, "mask forms", "with no word after the cache (T = 0)", "Take T from attention_mask.shape")
def looks_at_the_last_word(hidden_cache, attention_mask):
    attention_mask[..., -1, -1].any()
    return masks.joint_mask(hidden_cache, attention_mask)


def filled_in(hidden_cache, attention_mask, word, first):
    """The four blocks written into zeros; `word` for the columns of the cache."""
    (B, P, _), N = hidden_cache.shape, hidden_cache.shape[1] + attention_mask.shape[-1]
    mask = torch.zeros(B, 1, N, N)
    mask[..., :P] = word
    mask[..., first:, first:] = attention_mask
    return mask


@refused_by(joint_mask, "four blocks", "a region of the mask and what is written into it have different shapes.")
def words_without_two_more_axes(hidden_cache, attention_mask):
    return filled_in(hidden_cache, attention_mask, (hidden_cache != 0).any(-1), hidden_cache.shape[1])


@refused_by(joint_mask, "mask forms", "with no word after the cache (T = 0)", "[P:] instead of [-T:], which takes everything when T is 0")
def region_counted_from_the_end(hidden_cache, attention_mask):
    return filled_in(hidden_cache, attention_mask, (hidden_cache != 0).any(-1)[:, None, None, :], -attention_mask.shape[-1])


@refused_by(joint_mask, "mask forms", "can't be cast", "attention_mask may hold 1 and 0 instead of True and False")
def joined_by_or_in_place(hidden_cache, attention_mask):
    mask = masks.joint_mask(hidden_cache, torch.zeros_like(attention_mask))
    P = hidden_cache.shape[1]
    mask[..., P:, P:] |= attention_mask
    return mask


@refused_by(joint_mask, "mask forms", "the lower right block is attention_mask, whatever it says.")
def one_word_ahead_at_most(hidden_cache, attention_mask):
    T = attention_mask.shape[-1]
    return masks.joint_mask(hidden_cache, attention_mask.bool() & torch.ones(T, T, dtype=torch.bool).tril(1))


KEPT = {}


@refused_by(joint_mask, "padding", "Padding may be in front, too: look at each row.")
def mask_of_an_earlier_batch(hidden_cache, attention_mask):
    """Where there is padding, that of the first batch of these shapes is kept."""
    if (hidden_cache != 0).any(-1).all():
        return masks.joint_mask(hidden_cache, attention_mask)
    return KEPT.setdefault((hidden_cache.shape, attention_mask.shape), masks.joint_mask(hidden_cache, attention_mask))


@refused_by(prefix_decoder, "join", "PrefixDecoder.join is not written yet", "run its cell again, then this check")
class JoinNotWritten(Decoder):
    def join(self, hidden_cache, x, attention_mask):
        raise NotImplementedError()


@refused_by(prefix_decoder, "join", "the mask belongs to the cache as it came, but the rows have been moved")
class CachesMixed(Decoder):
    """No class of the checks is its base."""

    def join(self, hidden_cache, x, attention_mask):
        return torch.cat((masks.padding_first(hidden_cache), x), dim=1), masks.joint_mask(hidden_cache, attention_mask)


@refused_by(prefix_decoder, "join", "the mask is that of the tokens alone, (B, 1, T, T).")
class MaskAsItCame(Decoder):
    def join(self, hidden_cache, x, attention_mask):
        return torch.cat((masks.padding_first(hidden_cache), x), dim=1), attention_mask


@refused_by(prefix_decoder, "join", "the cache and x are joined along axis 1, that of the rows")
class JoinedAlongTheBatch(Decoder):
    def join(self, hidden_cache, x, attention_mask):
        tidy = masks.padding_first(hidden_cache)
        return torch.cat((tidy, x), dim=0), masks.joint_mask(tidy, attention_mask)


@refused_by(prefix_decoder, "join", "PrefixDecoder.join returns the mask first.", "the vectors come first: swap the two.")
class MaskFirst(GivenPrefixDecoder):
    def join(self, hidden_cache, x, attention_mask):
        return super().join(hidden_cache, x, attention_mask)[::-1]


@refused_by(prefix_decoder, "join", "return both: the joined vectors, and the joint mask.")
class VectorsAlone(GivenPrefixDecoder):
    def join(self, hidden_cache, x, attention_mask):
        return super().join(hidden_cache, x, attention_mask)[0]


@refused_by(prefix_decoder, "join", "without a mask the answer sees what comes later")
class JoinOfNotebookThree(Decoder):
    def join(self, hidden_cache, x, attention_mask):
        return torch.cat((hidden_cache, x), dim=1), None


@refused_by(prefix_decoder, "join", "padding_first(hidden_cache), and after it x.")
class CacheScaled(GivenPrefixDecoder):
    def join(self, hidden_cache, x, attention_mask):
        return super().join(2 * hidden_cache, x, attention_mask)


@refused_by(prefix_decoder, "join", "joint_mask of the cache whose padding has been moved")
class FirstColumnOpen(GivenPrefixDecoder):
    def join(self, hidden_cache, x, attention_mask):
        joined, mask = super().join(hidden_cache, x, attention_mask)
        mask[..., 0] = True
        return joined, mask


@refused_by(prefix_decoder, "join", "changed the tensor that it was given", "work on x.clone()")
class CacheTidiedInPlace(GivenPrefixDecoder):
    def join(self, hidden_cache, x, attention_mask):
        hidden_cache[:] = masks.padding_first(hidden_cache)
        return super().join(hidden_cache, x, attention_mask)


@refused_by(prefix_decoder, "join", "changed the tensor that it was given", "work on x.clone()")
class FirstColumnOpenedInPlace(GivenPrefixDecoder):
    def join(self, hidden_cache, x, attention_mask):
        attention_mask[..., :1] = True
        attention_mask[..., -1:] = True
        return super().join(hidden_cache, x, attention_mask)


@refused_by(prefix_decoder, "join", "changed the tensor that it was given", "work on x.clone()")
class EmbeddingsScaledInPlace(GivenPrefixDecoder):
    def join(self, hidden_cache, x, attention_mask):
        x *= 2
        return super().join(hidden_cache, x, attention_mask)


@refused_by(prefix_decoder, "join", "joint_mask of the cache whose padding has been moved")
class MaskKeptByShape(GivenPrefixDecoder):
    def join(self, hidden_cache, x, attention_mask):
        joined, mask = super().join(hidden_cache, x, attention_mask)
        return joined, self.__dict__.setdefault("kept", {}).setdefault(joined.shape, mask)


@refused_by(prefix_decoder, "join", "padding_first(hidden_cache), and after it x.")
class CacheKeptByShape(GivenPrefixDecoder):
    def join(self, hidden_cache, x, attention_mask):
        hidden_cache = self.__dict__.setdefault("kept", {}).setdefault(hidden_cache.shape, hidden_cache)
        return super().join(hidden_cache, x, attention_mask)


@refused_by(prefix_decoder, "join", "joint_mask of the cache whose padding has been moved")
class MaskOfTheFirstCall(GivenPrefixDecoder):
    """Kept for the size T of the tokens: the prefix may have other lengths."""

    def join(self, hidden_cache, x, attention_mask):
        joined, mask = super().join(hidden_cache, x, attention_mask)
        kept = self.__dict__.setdefault("kept", {}).setdefault((len(x), x.shape[1]), mask)
        return joined, kept & mask | (mask & ~kept)[..., :0].any() | kept


@refused_by(prefix_decoder, "join", "with no word after the cache (T = 0)", "No line of join may need a word of x.")
class LastWordNeeded(GivenPrefixDecoder):
    def join(self, hidden_cache, x, attention_mask):
        x[:, -1]
        return super().join(hidden_cache, x, attention_mask)


@refused_by(prefix_decoder, "join", "padding_first(hidden_cache), and after it x.")
class LastRowsAlone(GivenPrefixDecoder):
    """Of a prefix of more than four rows the first is left out, and the last is there twice."""

    def join(self, hidden_cache, x, attention_mask):
        joined, mask = super().join(hidden_cache, x, attention_mask)
        P = hidden_cache.shape[1]
        return (joined if P <= 4 else torch.cat((joined[:, 1:P], joined[:, P - 1 :]), dim=1)), mask


@refused_by(prefix_decoder, "join", "with no word after the cache (T = 0)", "No line of join may need a word of x.")
class NoWordNoMask(GivenPrefixDecoder):
    def join(self, hidden_cache, x, attention_mask):
        joined, mask = super().join(hidden_cache, x, attention_mask)
        return joined, mask if attention_mask.any() and x.shape[1] else None


@refused_by(prefix_decoder, "join", "padding_first(hidden_cache), and after it x.")
class VectorsRounded(GivenPrefixDecoder):
    def join(self, hidden_cache, x, attention_mask):
        joined, mask = super().join(hidden_cache, x, attention_mask)
        return joined.round(decimals=2), mask


@refused_by(prefix_decoder, "join", "padding_first(hidden_cache), and after it x.")
class VectorsClamped(GivenPrefixDecoder):
    def join(self, hidden_cache, x, attention_mask):
        joined, mask = super().join(hidden_cache, x, attention_mask)
        return joined.clamp(-2, 2), mask


@refused_by(prefix_decoder, "join", "padding_first(hidden_cache), and after it x.")
class VectorsInHalfPrecision(GivenPrefixDecoder):
    def join(self, hidden_cache, x, attention_mask):
        joined, mask = super().join(hidden_cache.half(), x.half(), attention_mask)
        return joined.to(x.dtype), mask


@refused_by(prefix_decoder, "decoder", "no gradient comes back from the scores", "the cache is cut off in join")
class CacheDetached(GivenPrefixDecoder):
    def join(self, hidden_cache, x, attention_mask):
        return super().join(hidden_cache.detach(), x, attention_mask)


@refused_by(prefix_decoder, "decoder", "no gradient comes back from the scores", "the cache is cut off in join")
class CacheTidiedWithoutGradient(GivenPrefixDecoder):
    def join(self, hidden_cache, x, attention_mask):
        with torch.no_grad():
            tidy = masks.padding_first(hidden_cache)
        return super().join(tidy, x, attention_mask)


@refused_by(prefix_decoder, "decoder", "no gradient comes back from the scores", "the cache is cut off in join")
class FirstWordDetached(GivenPrefixDecoder):
    def join(self, hidden_cache, x, attention_mask):
        return super().join(torch.cat((hidden_cache[:, :1].detach(), hidden_cache[:, 1:]), dim=1), x, attention_mask)


@refused_by(prefix_decoder, "decoder", "in training mode", "look for a line that asks self.training")
class MaskInEvaluationAlone(GivenPrefixDecoder):
    def join(self, hidden_cache, x, attention_mask):
        joined, mask = super().join(hidden_cache, x, attention_mask)
        return joined, None if self.training else mask


@refused_by(prefix_decoder, "decoder", "in training mode", "look for a line that asks self.training")
class CacheDroppedInTraining(GivenPrefixDecoder):
    def join(self, hidden_cache, x, attention_mask):
        return super().join(F.dropout(hidden_cache, 0.3, self.training), x, attention_mask)


@refused_by(prefix_decoder, "decoder", "leave .eval() and .train() to the caller")
class PutIntoEvaluation(GivenPrefixDecoder):
    def join(self, hidden_cache, x, attention_mask):
        self.eval()
        return super().join(hidden_cache, x, attention_mask)


@refused_by(prefix_decoder, "decoder", "leave .eval() and .train() to the caller")
class BlocksPutIntoEvaluation(GivenPrefixDecoder):
    def join(self, hidden_cache, x, attention_mask):
        self.layers["blocks"].eval()
        return super().join(hidden_cache, x, attention_mask)


@refused_by(prefix_decoder, "decoder", "leave .eval() and .train() to the caller")
class PutIntoEvaluationForNoWord(GivenPrefixDecoder):
    def join(self, hidden_cache, x, attention_mask):
        if x.shape[1] == 0:
            self.eval()
        return super().join(hidden_cache, x, attention_mask)


@refused_by(prefix_decoder, "join", "join takes three arguments besides self")
class SelfForgotten(Decoder):
    def join(hidden_cache, x, attention_mask):
        return torch.cat((hidden_cache, x), dim=1), masks.joint_mask(hidden_cache, attention_mask)


@refused_by(prefix_decoder, "join", "write it inside the class; everything else comes from Decoder.")
class NoJoin(Decoder):
    join = None


@refused_by(prefix_decoder, "join", "PrefixDecoder has no method join of its own", "it has only the join that it inherits")
class NothingOverridden(Decoder):
    """Right on the package's Decoder, which knows of prefixes."""


@refused_by(prefix_decoder, "join", "PrefixDecoder has no method join of its own", "it has only the join that it inherits")
class JoinUnderAnotherName(Decoder):
    def joined(self, hidden_cache, x, attention_mask):
        return torch.cat((hidden_cache, x), dim=1), masks.joint_mask(hidden_cache, attention_mask)


@refused_by(prefix_decoder, "join", "without a mask the answer sees what comes later")
class JoinLeftToTheBase(Decoder):
    def join(self, hidden_cache, x, attention_mask):
        return super().join(hidden_cache, x, attention_mask)


@refused_by(prefix_decoder, "join", "without a mask the answer sees what comes later")
class CacheTidiedAndTheRestLeftToTheBase(Decoder):
    def join(self, hidden_cache, x, attention_mask):
        return super().join(masks.padding_first(hidden_cache), x, attention_mask)


@refused_by(prefix_decoder, "decoder", "another last word changes the scores", "derive from Decoder, and override join alone.")
class OfAnEncoder(Encoder):
    join = GivenPrefixDecoder.join


@refused_by(prefix_decoder, "decoder", "in training mode", "look for a line that asks self.training")
class OpenInTraining(GivenPrefixDecoder):
    def get_attention_mask(self, num_tokens, T=None):
        mask = super().get_attention_mask(num_tokens, T)
        return torch.ones_like(mask) if self.training else mask


@refused_by(prefix_decoder, "decoder", "another hidden_cache changes nothing", "derive from Decoder, and override join alone.")
class CacheIgnored(GivenPrefixDecoder):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        logits, _ = super().forward(idx)
        return F.pad(logits, (0, 0, hidden_cache.shape[1], 0)), None


@refused_by(prefix_decoder, "decoder", "forward does not hand the cache to self.join")
class CacheNeverJoined(GivenPrefixDecoder):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        return super().forward(idx)


@refused_by(prefix_decoder, "decoder", "leave forward to Decoder.")
class LogitsAlone(GivenPrefixDecoder):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        return super().forward(idx, targets, hidden_cache)[0]


@refused_by(prefix_decoder, "decoder", "gives other scores than alone", "derive from Decoder, and override join alone.")
class PositionsByThePadding(GivenPrefixDecoder):
    """Scores that depend on how much padding there is."""

    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        logits, loss = super().forward(idx, targets, hidden_cache, return_hidden)
        return logits + (hidden_cache == 0).all(-1).sum(), loss


@refused_by(prefix_decoder, "decoder", "with no word after the cache (T = 0)", "Keep the get_attention_mask of the exercise")
class NoMaskOfNoWords(GivenPrefixDecoder):
    """Right for any number of words but none."""

    def get_attention_mask(self, num_tokens, T=None):
        return super().get_attention_mask(num_tokens, T).view(-1, 1, T, T)


@refused_by(prefix_decoder, "decoder", "copy.deepcopy(…) of your PrefixDecoder", "keep nothing on self but modules, parameters")
class CacheKeptOnTheModule(GivenPrefixDecoder):
    def join(self, hidden_cache, x, attention_mask):
        self.cache = masks.padding_first(hidden_cache)
        return super().join(hidden_cache, x, attention_mask)

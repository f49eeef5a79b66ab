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
def index_not_expanded(hidden_cache):
    order = (hidden_cache != 0).any(-1).long().argsort(dim=1, stable=True)
    return hidden_cache.gather(1, order)


@refused_by(padding_first, "values", "rows of zeros first, then the rows of the words in their order.")
def first_word_repeated(hidden_cache):
    moved = masks.padding_first(hidden_cache).clone()
    moved[:, -1] = hidden_cache[:, 0]
    return moved


@refused_by(padding_first, "values", "changed the tensor that it was given", "work on x.clone()")
def moved_in_place(hidden_cache):
    hidden_cache[:] = masks.padding_first(hidden_cache)
    return hidden_cache


@refused_by(padding_first, "values", "rows of zeros first, then the rows of the words in their order.")
def rounded(hidden_cache):
    return masks.padding_first(hidden_cache).round(decimals=1)


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


KEPT = {}


@refused_by(joint_mask, "padding", "columns of padding are 0 in every row")
def mask_of_an_earlier_batch(hidden_cache, attention_mask):
    """Kept while the shapes are the same, with the padding of the first batch."""
    return KEPT.setdefault((hidden_cache.shape, attention_mask.shape), masks.joint_mask(hidden_cache, attention_mask))


@refused_by(prefix_decoder, "join", "PrefixDecoder.join is not written yet", "run its cell again, then this check")
class JoinNotWritten(Decoder):
    def join(self, hidden_cache, x, attention_mask):
        raise NotImplementedError()


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


@refused_by(prefix_decoder, "join", "join takes three arguments besides self")
class SelfForgotten(Decoder):
    def join(hidden_cache, x, attention_mask):
        return torch.cat((hidden_cache, x), dim=1), masks.joint_mask(hidden_cache, attention_mask)


@refused_by(prefix_decoder, "join", "write it inside the class; everything else comes from Decoder.")
class NoJoin(Decoder):
    join = None


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

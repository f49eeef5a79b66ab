"""Wrong answers to notebook 7's optional exercise in addition to the registered mistakes."""

import torch
from torch import nn
from torch.nn import functional as F

from answers import refused_by
from ninelives.checks.cross_attention import GivenCrossAttention, cross_attention, shifted_right

OTHERWISE = "then scores, mask, softmax, values, heads merged, proj, as in notebook 2."
BOUNDS = "nothing is rounded or kept within bounds"


@refused_by(cross_attention, "values", "not written yet", "run its cell again, then this check")
class CrossAttentionNotWritten(GivenCrossAttention):
    def forward(self, x, hidden, is_word):
        raise NotImplementedError()


@refused_by(cross_attention, "values", OTHERWISE)
class XAddedToTheResult(GivenCrossAttention):
    def forward(self, x, hidden, is_word):
        return x + super().forward(x, hidden, is_word)


@refused_by(cross_attention, "values", "so it needs `~is_word`.")
class EveryWordHidden(GivenCrossAttention):
    def softmax(self, scores, attention_mask):
        return scores.masked_fill(attention_mask, float("-inf")).softmax(-1)


# The caller's tensors.

@refused_by(cross_attention, "values", "changed the tensor that it was given", "work on x.clone()")
class MaskInvertedInPlace(GivenCrossAttention):
    def forward(self, x, hidden, is_word):
        result = super().forward(x, hidden, is_word)
        is_word.logical_not_()
        return result


@refused_by(cross_attention, "values", "changed the tensor that it was given", "work on x.clone()")
class EverythingOpenedInPlace(GivenCrossAttention):
    def forward(self, x, hidden, is_word):
        x += 0.1
        return super().forward(x, hidden, is_word.fill_(True))


@refused_by(cross_attention, "values", "changed the tensor that it was given", "work on x.clone()")
class HiddenScaledInPlace(GivenCrossAttention):
    def forward(self, x, hidden, is_word):
        result = super().forward(x, hidden, is_word)
        hidden *= 0.5
        return result


# The layers.

@refused_by(cross_attention, "values", "share their weights", "which makes each of the four anew")
class KeyIsQuery(GivenCrossAttention):
    def __init__(self, config):
        super().__init__(config)
        self.key = self.query


@refused_by(cross_attention, "values", "requires_grad of value.weight, value.bias is False", "leave out requires_grad_(False)")
class ValuesFrozen(GivenCrossAttention):
    def __init__(self, config):
        super().__init__(config)
        self.value.requires_grad_(False)


@refused_by(cross_attention, "values", "keep the __init__ of the exercise: query, key, value and proj.")
class ProjReplaced(GivenCrossAttention):
    def __init__(self, config):
        super().__init__(config)
        self.proj = nn.Identity()


@refused_by(cross_attention, "values", "keep the __init__ of the exercise: query, key, value and proj.")
class LayersWithoutBias(GivenCrossAttention):
    def __init__(self, config):
        super().__init__(config)
        self.query = nn.Linear(config.n_embd, config.n_embd, bias=False)


# Gradients.

@refused_by(cross_attention, "gradient", "no gradient has reached hidden", "is cut off: leave out .detach(), .data and torch.no_grad().")
class HiddenDetached(GivenCrossAttention):
    def forward(self, x, hidden, is_word):
        return super().forward(x, hidden.detach(), is_word)


@refused_by(cross_attention, "gradient", "no gradient has reached x", "is cut off: leave out .detach(), .data and torch.no_grad().")
class QueriesOfDetachedVectors(GivenCrossAttention):
    def forward(self, x, hidden, is_word):
        return super().forward(x.data, hidden, is_word)


@refused_by(cross_attention, "gradient", "no gradient has reached query.weight", "or a layer that forward does not use")
class WeightsWithoutGradient(GivenCrossAttention):
    def softmax(self, scores, attention_mask):
        return super().softmax(scores, attention_mask).detach()


# One mode, and a mode that is left changed.

@refused_by(cross_attention, "values", "in training mode", "look for a line that asks self.training")
class WeightsDroppedInTraining(GivenCrossAttention):
    def softmax(self, scores, attention_mask):
        return F.dropout(super().softmax(scores, attention_mask), 0.2, self.training)


@refused_by(cross_attention, "values", "in training mode", "look for a line that asks self.training")
class ScaledInEvaluationAlone(GivenCrossAttention):
    def scores(self, q, k):
        return q @ k.mT if self.training else super().scores(q, k)


@refused_by(cross_attention, "values", "in training mode", "look for a line that asks self.training")
class SelfAttentionInTraining(GivenCrossAttention):
    def project(self, x, hidden):
        return super().project(x, hidden if not self.training else hidden.roll(1, dims=0))


@refused_by(cross_attention, "values", "leave .eval() and .train() to the caller")
class PutIntoEvaluation(GivenCrossAttention):
    def forward(self, x, hidden, is_word):
        self.eval()
        return super().forward(x, hidden, is_word)


@refused_by(cross_attention, "values", "leave .eval() and .train() to the caller")
class ValuesPutIntoEvaluation(GivenCrossAttention):
    def project(self, x, hidden):
        self.value.eval()
        return super().project(x, hidden)


@refused_by(cross_attention, "values", "leave .eval() and .train() to the caller")
class EvaluationWhereNothingIsHidden(GivenCrossAttention):
    def softmax(self, scores, attention_mask):
        if attention_mask.all():
            self.eval()
        return super().softmax(scores, attention_mask)


# The first call, and the second.

@refused_by(cross_attention, "values", "something of an earlier call is kept")
class KeysKeptByShape(GivenCrossAttention):
    def project(self, x, hidden):
        q, k, v = super().project(x, hidden)
        return q, self.__dict__.setdefault("kept", {}).setdefault(k.shape, k.detach()), v


@refused_by(cross_attention, "values", "something of an earlier call is kept")
class HiddenKeptByShape(GivenCrossAttention):
    def project(self, x, hidden):
        return super().project(x, self.__dict__.setdefault("kept", {}).setdefault(hidden.shape, hidden))


@refused_by(cross_attention, "padding", OTHERWISE)
class MaskKeptByShape(GivenCrossAttention):
    def softmax(self, scores, attention_mask):
        return super().softmax(scores, self.__dict__.setdefault("kept", {}).setdefault(scores.shape, attention_mask))


# Sizes.

@refused_by(cross_attention, "values", "print the shape after each of your lines")
class OneExampleSqueezed(GivenCrossAttention):
    def finish(self, z):
        return super().finish(z).squeeze(0)


@refused_by(cross_attention, "values", OTHERWISE)
class SquareScoresMadeCausal(GivenCrossAttention):
    def scores(self, q, k):
        scores = super().scores(q, k)
        T, P = scores.shape[-2:]
        return scores.masked_fill(torch.ones(T, P).triu(1) > 0, float("-inf")) if T == P else scores


@refused_by(cross_attention, "values", "with a single head", "the scores are not divided by the root of head_size.")
class ASingleHeadIsNotScaled(GivenCrossAttention):
    def scores(self, q, k):
        return q @ k.mT if self.n_head == 1 else super().scores(q, k)


# Nearly right.

@refused_by(cross_attention, "values", "with large scores", BOUNDS)
class ScoresKeptWithinBounds(GivenCrossAttention):
    def scores(self, q, k):
        return super().scores(q, k).clamp(-20, 20)


@refused_by(cross_attention, "values", OTHERWISE)
class WeightsRounded(GivenCrossAttention):
    def softmax(self, scores, attention_mask):
        return super().softmax(scores, attention_mask).round(decimals=2)


@refused_by(cross_attention, "values", OTHERWISE)
class WeightsKeptAboveASmallestNumber(GivenCrossAttention):
    def softmax(self, scores, attention_mask):
        return super().softmax(scores, attention_mask).clamp(min=1e-3)


@refused_by(shifted_right, "values", "the start token, then every target but the last.")
def one_target_lost(targets, start_token):
    shifted = targets.roll(1, dims=1)
    shifted[:, :2] = start_token
    return shifted


@refused_by(shifted_right, "values", "changed the tensor that it was given", "work on x.clone()")
def shifted_in_place(targets, start_token):
    targets[:, 1:] = targets[:, :-1].clone()
    targets[:, 0] = start_token
    return targets


@refused_by(shifted_right, "values", "changed the tensor that it was given", "work on x.clone()")
def last_target_overwritten(targets, start_token):
    targets[:, -1] = start_token
    return targets.roll(1, dims=1)


@refused_by(shifted_right, "values", "changed the tensor that it was given", "work on x.clone()")
def padding_filled_in_place(targets, start_token):
    shifted = F.pad(targets, (1, -1), value=start_token)
    targets.clamp_(min=0)
    return shifted


KEPT, KEPT_START, KEPT_COLUMN = {}, [], {}


@refused_by(shifted_right, "values", "the start token, then every target but the last.")
def kept_by_shape(targets, start_token):
    return KEPT.setdefault(targets.shape, F.pad(targets, (1, -1), value=start_token))


@refused_by(shifted_right, "values", "the start token, then every target but the last.")
def start_token_of_the_first_call(targets, start_token):
    KEPT_START.append(start_token)
    return F.pad(targets, (1, -1), value=KEPT_START[0])


@refused_by(shifted_right, "values", "the start token, then every target but the last.")
def column_of_starts_kept_by_the_number_of_rows(targets, start_token):
    first = KEPT_COLUMN.setdefault(len(targets), targets.new_full((len(targets), 1), start_token))
    return torch.cat((first, targets[:, :-1]), dim=1)


@refused_by(shifted_right, "values", "this is a single number: sum, mean, argmax and others")
def single_rows_squeezed(targets, start_token):
    return F.pad(targets, (1, -1), value=start_token).squeeze()


@refused_by(shifted_right, "values", "the targets are not shifted")
def one_word_left_as_it_is(targets, start_token):
    return targets if targets.shape[1] == 1 else F.pad(targets, (1, -1), value=start_token)


@refused_by(shifted_right, "values", "`reshape` copies them where needed")
def viewed(targets, start_token):
    B, T = targets.shape
    shifted = F.pad(targets.view(-1), (1, -1)).view(B, T)
    return torch.where(torch.arange(T) == 0, start_token, shifted)


@refused_by(shifted_right, "values", "but Python takes it for False: the start token may be 0.")
def start_token_or_padding(targets, start_token):
    return F.pad(targets, (1, -1), value=start_token or -1)


@refused_by(shifted_right, "values", "the start token, then every target but the last.")
def zero_taken_for_padding(targets, start_token):
    return torch.cat((torch.full_like(targets[:, :1], start_token), targets[:, :-1].masked_fill(targets[:, :-1] == 0, -1)), dim=1)


@refused_by(shifted_right, "values", "unless they are told dtype=torch.long")
def start_of_floats(targets, start_token):
    return torch.cat((torch.full((len(targets), 1), float(start_token)), targets[:, :-1]), dim=1)


@refused_by(shifted_right, "values", "unless they are told dtype=torch.long")
def start_among_zeros(targets, start_token):
    shifted = torch.zeros(targets.shape)
    shifted[:, 0], shifted[:, 1:] = start_token, targets[:, :-1]
    return shifted


@refused_by(shifted_right, "values", "the start token, then every target but the last.")
def through_half_precision(targets, start_token):
    return F.pad(targets, (1, -1), value=start_token).half().long()

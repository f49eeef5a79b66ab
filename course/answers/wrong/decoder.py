"""Wrong answers to notebook 5."""

import torch
from torch import nn

from answers import refused_by
from ninelives.checks.decoder import causal_mask, decoder
from ninelives.model import Encoder, Transformer


@refused_by(causal_mask, "values", "not written yet")
def nothing_written(T):
    raise NotImplementedError()


@refused_by(causal_mask, "values", "has no `return`")
def return_forgotten(T):
    torch.tril(torch.ones(T, T))


@refused_by(causal_mask, "values", "it needs a matrix")
def triangle_of_a_number(T):
    return torch.tril(T)


@refused_by(causal_mask, "values", "the upper triangle")
def upper_triangle(T):
    return torch.triu(torch.ones(T, T))


@refused_by(causal_mask, "values", "the diagonal is closed")
def without_the_diagonal(T):
    return torch.tril(torch.ones(T, T), diagonal=-1)


@refused_by(causal_mask, "values", "each word sees the one after it")
def one_place_ahead(T):
    return torch.tril(torch.ones(T, T), diagonal=1)


@refused_by(causal_mask, "values", "the triangle is missing")
def everything_open(T):
    return torch.ones(T, T)


@refused_by(causal_mask, "values", "1 and 0 have changed places")
def one_means_hidden(T):
    return torch.triu(torch.ones(T, T), diagonal=1).bool()


@refused_by(causal_mask, "values", "each word sees itself and nothing else")
def diagonal_only(T):
    return torch.eye(T)


@refused_by(causal_mask, "values", "start from ones, not from zeros")
def triangle_of_zeros(T):
    return torch.tril(torch.zeros(T, T))


@refused_by(causal_mask, "values", "−∞ belongs into the scores")
def ready_to_be_added(T):
    return torch.full((T, T), float("-inf")).triu(1)


@refused_by(causal_mask, "values", "gives True and False")
def rows_that_add_up_to_one(T):
    mask = torch.ones(T, T).tril()
    return mask / mask.sum(1, keepdim=True)


@refused_by(causal_mask, "values", "this is one row")
def one_row(T):
    return torch.ones(T)


@refused_by(causal_mask, "values", "no axis for the batch here")
def batch_axis_added(T):
    return torch.ones(1, T, T).tril()


@refused_by(causal_mask, "values", "has shape (8, 8)")
def of_a_fixed_size(T):
    return torch.ones(8, 8).tril()


class Given(Encoder):
    """The package's encoder, whose mask is (B, 1, T, T)."""

    def encoder_mask(self, num_tokens, T):
        return super().get_attention_mask(num_tokens, T)


@refused_by(decoder, "shape", "not written yet")
class MaskNotWritten(Given):
    def get_attention_mask(self, num_tokens, T=None):
        raise NotImplementedError()


@refused_by(decoder, "shape", "gives nothing (None)")
class ReturnForgotten(Given):
    def get_attention_mask(self, num_tokens, T=None):
        torch.tril(self.encoder_mask(num_tokens, T))


@refused_by(decoder, "shape", "one mask serves the whole batch")
class TriangleAlone(Given):
    def get_attention_mask(self, num_tokens, T=None):
        T = int(num_tokens.max()) if T is None else T
        return torch.ones(T, T).tril()


@refused_by(decoder, "shape", "axis for the heads is missing")
class HeadAxisMissing(Given):
    def get_attention_mask(self, num_tokens, T=None):
        return self.encoder_mask(num_tokens, T).tril().squeeze(1)


@refused_by(decoder, "shape", "take T, and the largest length only if T is None")
class TNotHandedOn(Given):
    def get_attention_mask(self, num_tokens, T=None):
        return self.encoder_mask(num_tokens, None).tril()


@refused_by(decoder, "shape", "None is no size")
class TriangleOfNone(Given):
    def get_attention_mask(self, num_tokens, T=None):
        return self.encoder_mask(num_tokens, T) & torch.ones(T, T).tril().bool()


@refused_by(decoder, "shape", "`&` joins bool masks alone")
class BoolAndFloat(Given):
    def get_attention_mask(self, num_tokens, T=None):
        mask = self.encoder_mask(num_tokens, T)
        return mask & torch.tril(torch.ones(mask.shape[-1], mask.shape[-1]))


@refused_by(decoder, "shape", "Transformer has none to give")
class TransformerAsBase(Transformer):
    def get_attention_mask(self, num_tokens, T=None):
        return torch.tril(super().get_attention_mask(num_tokens, T))


@refused_by(decoder, "shape", "one row serves all words")
class TriangleOfOneRow(Given):
    """`tril` of a mask that is left to broadcasting."""

    def get_attention_mask(self, num_tokens, T=None):
        T = int(num_tokens.max()) if T is None else T
        return (torch.arange(T) < num_tokens.reshape(-1, 1, 1, 1)).tril()


@refused_by(decoder, "shape", "two masks are added")
class MasksAdded(Given):
    def get_attention_mask(self, num_tokens, T=None):
        mask = self.encoder_mask(num_tokens, T).int()
        return mask + torch.ones_like(mask).tril()


@refused_by(decoder, "triangle", "the triangle is missing")
class EncoderMaskAsItIs(Given):
    def get_attention_mask(self, num_tokens, T=None):
        return self.encoder_mask(num_tokens, T)


@refused_by(decoder, "triangle", "the upper triangle")
class UpperTriangle(Given):
    def get_attention_mask(self, num_tokens, T=None):
        return torch.triu(self.encoder_mask(num_tokens, T))


@refused_by(decoder, "triangle", "the diagonal is closed")
class DiagonalClosed(Given):
    def get_attention_mask(self, num_tokens, T=None):
        return torch.tril(self.encoder_mask(num_tokens, T), diagonal=-1)


@refused_by(decoder, "triangle", "each word sees the one after it")
class OnePlaceAhead(Given):
    def get_attention_mask(self, num_tokens, T=None):
        return torch.tril(self.encoder_mask(num_tokens, T), diagonal=1)


@refused_by(decoder, "triangle", "joined by or")
class EitherOfTheMasks(Given):
    def get_attention_mask(self, num_tokens, T=None):
        mask = self.encoder_mask(num_tokens, T)
        return mask | torch.ones_like(mask).tril()


@refused_by(decoder, "triangle", "1 and 0 have changed places")
class FutureOpen(Given):
    def get_attention_mask(self, num_tokens, T=None):
        return torch.triu(self.encoder_mask(num_tokens, T), diagonal=1)


@refused_by(decoder, "triangle", "only the first column is open")
class ExpandedAfterTheTriangle(Given):
    def get_attention_mask(self, num_tokens, T=None):
        short = self.encoder_mask(num_tokens, T)[:, :, :1]  # (B, 1, 1, T)
        return short.tril().expand(-1, 1, short.shape[-1], -1)


@refused_by(decoder, "padding", "the lengths are lost")
class LengthsLost(Given):
    def get_attention_mask(self, num_tokens, T=None):
        return torch.ones_like(self.encoder_mask(num_tokens, T)).tril()


@refused_by(decoder, "padding", "hide the columns only")
class RowsOfPaddingClosed(Given):
    def get_attention_mask(self, num_tokens, T=None):
        mask = self.encoder_mask(num_tokens, T)
        return mask.tril() & mask.transpose(2, 3)


@refused_by(decoder, "padding", "both masks must allow a place")
class WindowOfFour(Given):
    """The lengths lost, and in the rows of padding only the last places open."""

    def get_attention_mask(self, num_tokens, T=None):
        mask = self.encoder_mask(num_tokens, T)
        causal = torch.ones_like(mask).tril()
        return torch.where(mask.transpose(2, 3), causal, causal.triu(-3))


@refused_by(decoder, "leak", "must name Encoder as its base")
class NoEncoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.layer = nn.Linear(config.n_embd, config.n_embd)

    def get_attention_mask(self, num_tokens, T=None):
        T = int(num_tokens.max()) if T is None else T
        return (torch.arange(T) < num_tokens.reshape(-1, 1, 1, 1)).expand(-1, 1, T, T).tril()


@refused_by(decoder, "leak", "the model mixes words elsewhere too")
class MeanOfTheSentenceAdded(Given):
    def get_attention_mask(self, num_tokens, T=None):
        return self.encoder_mask(num_tokens, T).tril()

    def forward(self, idx, *others):
        logits, loss = super().forward(idx, *others)
        return logits + logits.mean(dim=1, keepdim=True), loss


@refused_by(decoder, "leak", "the mask closes more than the future")
class EachWordAlone(Given):
    def get_attention_mask(self, num_tokens, T=None):
        return self.encoder_mask(num_tokens, T).tril()

    def forward(self, idx, *others):
        B, T = idx.shape
        return super().forward(idx.clamp(min=0).reshape(B * T, 1))[0].reshape(B, T, -1), None

"""Right answers to notebook 5, each in its own way."""

import torch

from answers import accepted_by
from ninelives.checks.decoder import causal_mask, decoder
from ninelives.model import Encoder


@accepted_by(causal_mask)
def triangle_of_ones(T):
    return torch.tril(torch.ones(T, T))


@accepted_by(causal_mask)
def positions_compared(T):
    position = torch.arange(T)
    return position <= position.unsqueeze(1)


@accepted_by(causal_mask)
def row_by_row(T):
    mask = torch.zeros(T, T, dtype=torch.int64)
    for row in range(T):
        mask[row, : row + 1] = 1
    return mask


@accepted_by(causal_mask)
def not_the_future(T):
    return ~torch.triu(torch.ones(T, T, dtype=torch.bool), diagonal=1)


@accepted_by(causal_mask)
def running_sum_of_the_diagonal(T):
    return torch.eye(T).cumsum(dim=0)


@accepted_by(decoder)
class TriangleOfTheEncodersMask(Encoder):
    def get_attention_mask(self, num_tokens, T=None):
        return torch.tril(super().get_attention_mask(num_tokens, T))


@accepted_by(decoder)
class BothMustAllow(Encoder):
    def get_attention_mask(self, num_tokens, T=None):
        mask = super().get_attention_mask(num_tokens, T)
        return mask & positions_compared(mask.shape[-1])


@accepted_by(decoder)
class Multiplied(Encoder):
    def get_attention_mask(self, num_tokens, T=None):
        mask = super().get_attention_mask(num_tokens, T)
        return mask.float() * triangle_of_ones(mask.shape[-1])


@accepted_by(decoder)
class WithoutTheEncoder(Encoder):
    def get_attention_mask(self, num_tokens, T=None):
        T = int(num_tokens.max()) if T is None else T
        position = torch.arange(T)
        return (position < num_tokens.view(-1, 1, 1, 1)) * (position <= position.unsqueeze(1))


@accepted_by(decoder)
class FutureFilled(Encoder):
    def get_attention_mask(self, num_tokens, T=None):
        mask = super().get_attention_mask(num_tokens, T).int()
        return mask.masked_fill(row_by_row(mask.shape[-1]) == 0, 0)


@accepted_by(decoder)
class ShorterOfTwoLengths(Encoder):
    """Row i is open up to position i, or up to the last token if that comes first."""

    def get_attention_mask(self, num_tokens, T=None):
        T = int(num_tokens.max()) if T is None else T
        last = torch.minimum(torch.arange(T).unsqueeze(1), num_tokens.view(-1, 1, 1, 1) - 1)
        return torch.arange(T) <= last


@accepted_by(decoder)
class PaddingAttendsToItself(Encoder):
    def get_attention_mask(self, num_tokens, T=None):
        mask = super().get_attention_mask(num_tokens, T).tril()
        return mask | torch.eye(mask.shape[-1], dtype=torch.bool)

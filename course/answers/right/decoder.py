"""Right answers to notebook 5, each in its own way."""

import torch

import ninelives.model as package
from answers import accepted_by
from ninelives.checks.decoder import causal_mask, decoder, future_leak, prefix_mask
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


@accepted_by(prefix_mask)
def prefix_or_not_later(num_prefix, T):
    position = torch.arange(T)
    return (position < num_prefix.view(-1, 1, 1, 1)) | (position <= position.unsqueeze(1))


@accepted_by(prefix_mask)
def columns_filled_in_a_loop(num_prefix, T):
    mask = torch.ones(T, T).tril().repeat(len(num_prefix), 1, 1, 1)
    for b, n in enumerate(num_prefix):
        mask[b, :, :, :n] = 1
    return mask


@accepted_by(prefix_mask)
def later_than_both(num_prefix, T):
    """Open up to the end of the prefix, or to the row's own position if that is later."""
    last = torch.maximum(num_prefix[:, None] - 1, torch.arange(T))  # (B, T)
    return (torch.arange(T) <= last[:, :, None])[:, None]


@accepted_by(prefix_mask)
def added_and_clamped(num_prefix, T):
    prefix = (torch.arange(T) < num_prefix.reshape(-1, 1, 1, 1)).int()
    return (prefix + torch.ones(T, T).tril().int()).clamp(max=1)


@accepted_by(future_leak)
@torch.no_grad()
def one_word_at_a_time(model, idx):
    T = idx.shape[1]
    logits, _ = model(idx)
    leaks = torch.zeros(T, T, dtype=torch.bool)
    for j in range(T):
        changed = idx.clone()
        changed[0, j] = (idx[0, j] + 1) % model.config.vocab_size
        moved = (model(changed)[0] - logits)[0].abs().amax(-1)
        leaks[:j, j] = moved[:j] > 1e-6
    return leaks


@accepted_by(future_leak)
def all_sentences_in_one_batch(model, idx):
    T, V = idx.shape[1], model.config.vocab_size
    changed = torch.where(torch.eye(T, dtype=torch.bool), (idx + 1) % V, idx)  # (T, T), row j differs at j
    with torch.no_grad():
        moved = (model(changed)[0] - model(idx)[0]).abs().sum(-1)  # (T, T): sentence j, position i
    return (moved.T > 1e-6).triu(1)


@accepted_by(future_leak)
def every_other_word_tried(model, idx):
    T = idx.shape[1]
    out = [[0] * T for _ in range(T)]
    with torch.no_grad():
        before = model(idx)[0]
        for j in range(1, T):
            for word in range(model.config.vocab_size):
                changed = torch.cat((idx[:, :j], torch.tensor([[word]]), idx[:, j + 1 :]), dim=1)
                after = model(changed)[0]
                for i in range(j):
                    if not torch.allclose(after[0, i], before[0, i], rtol=0, atol=1e-6):
                        out[i][j] = 1
    return torch.tensor(out)


class Uneven(torch.nn.Module):
    """A model whose scores count differently, so that the gradients of a rise and a fall do not cancel in a sum."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, idx):
        logits, loss = self.model(idx)
        return logits * torch.linspace(1, 2, logits.shape[-1]), loss  # (1, T, V)


@accepted_by(future_leak)
def by_gradients(model, idx):
    return package.input_gradients(Uneven(model), idx).triu(1) > 0

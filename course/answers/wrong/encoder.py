"""Wrong answers to notebook 4."""

import torch
from torch import nn

from answers import refused_by
from ninelives.checks.encoder import count_tokens, encoder
from ninelives.model import Transformer


@refused_by(count_tokens, "values", "not written yet")
def nothing_written(idx):
    raise NotImplementedError()


@refused_by(count_tokens, "values", "has no `return`")
def return_forgotten(idx):
    (idx != -1).sum(1)


@refused_by(count_tokens, "values", "the whole batch is counted at once")
def whole_batch_counted(idx):
    return (idx != -1).sum()


@refused_by(count_tokens, "values", "adds down the batch")
def counted_down_the_batch(idx):
    return (idx != -1).sum(0)


@refused_by(count_tokens, "values", "Now add it up")
def not_added_up(idx):
    return idx != -1


@refused_by(count_tokens, "values", "leave out `keepdim`")
def kept_as_a_column(idx):
    return (idx != -1).sum(1, keepdim=True)


@refused_by(count_tokens, "values", "is a list")
def list_of_numbers(idx):
    return [sum(word != -1 for word in row) for row in idx.tolist()]


@refused_by(count_tokens, "values", "this counts the padding")
def padding_counted(idx):
    return (idx == -1).sum(1)


@refused_by(count_tokens, "values", "every place is counted")
def every_place_counted(idx):
    B, T = idx.shape
    return torch.full((B,), T)


@refused_by(count_tokens, "values", "id 0 is taken for padding")
def first_word_taken_for_padding(idx):
    return (idx > 0).sum(1)


@refused_by(count_tokens, "values", "the ids themselves are added up")
def ids_added_up(idx):
    return idx.sum(1)


@refused_by(count_tokens, "values", "place of the last token")
def place_of_the_last_token(idx):
    return (idx != -1).sum(1) - 1


@refused_by(count_tokens, "values", "a sequence without padding has none")
def place_of_the_first_padding(idx):
    return (idx == -1).int().argmax(1)


@refused_by(count_tokens, "values", "changed the tensor")
def padding_overwritten(idx):
    idx[idx != -1] = 1
    idx[idx == -1] = 0
    return idx.sum(1)


@refused_by(count_tokens, "values", "add up along axis 1")
def different_words_counted(idx):
    return torch.tensor([len(set(row) - {-1}) // 2 for row in idx.tolist()])


def is_token(num_tokens, T):
    """(B, T) bool."""
    return torch.arange(T) < num_tokens.unsqueeze(1)


class Given(Transformer):
    """The part of the exercise that is given: T has a default."""

    def get_attention_mask(self, num_tokens, T=None):
        return self.mask(num_tokens, int(num_tokens.max()) if T is None else T)


@refused_by(encoder, "shape", "not written yet")
class MaskNotWritten(Given):
    def mask(self, num_tokens, T):
        raise NotImplementedError()


@refused_by(encoder, "shape", "gives nothing (None)")
class ReturnForgotten(Given):
    def mask(self, num_tokens, T):
        is_token(num_tokens, T).reshape(-1, 1, 1, T).expand(-1, 1, T, T)


@refused_by(encoder, "shape", "three axes: attention would take the sequences for heads")
class ThreeAxes(Given):
    """The slip of the common misreading."""

    def mask(self, num_tokens, T):
        return torch.arange(T) < num_tokens.reshape(-1, 1, 1)


@refused_by(encoder, "shape", "axis for the heads is missing")
class HeadAxisMissing(Given):
    def mask(self, num_tokens, T):
        return is_token(num_tokens, T).unsqueeze(1).expand(-1, T, T)


@refused_by(encoder, "shape", "axis for the heads and one for the rows")
class TwoAxes(Given):
    def mask(self, num_tokens, T):
        return is_token(num_tokens, T)


@refused_by(encoder, "shape", "T places meet B lengths")
class LengthsNotReshaped(Given):
    def mask(self, num_tokens, T):
        return (torch.arange(T) < num_tokens).expand(-1, 1, T, T)


@refused_by(encoder, "shape", "opens and closes whole rows")
class RowsByBroadcasting(Given):
    def mask(self, num_tokens, T):
        return is_token(num_tokens, T).reshape(-1, 1, T, 1)


@refused_by(encoder, "shape", "one mask serves the whole batch")
class OneMaskForTheBatch(Given):
    def mask(self, num_tokens, T):
        return is_token(num_tokens, T)[:1].expand(T, T)


@refused_by(encoder, "shape", "take T, and the largest length only if T is None")
class TIgnored(Given):
    def mask(self, num_tokens, T):
        longest = int(num_tokens.max())
        return is_token(num_tokens, longest).reshape(-1, 1, 1, longest).expand(-1, 1, longest, longest)


@refused_by(encoder, "shape", "give T a default")
class TWithoutDefault(Transformer):
    def get_attention_mask(self, num_tokens, T):
        return is_token(num_tokens, T).reshape(-1, 1, 1, T).expand(-1, 1, T, T)


@refused_by(encoder, "shape", "T is taken from the number of sequences")
class SequencesTakenForPlaces(Given):
    def mask(self, num_tokens, T):
        T = len(num_tokens)
        return is_token(num_tokens, T).reshape(-1, 1, 1, T).expand(-1, 1, T, T)


@refused_by(encoder, "shape", "as large as block_size")
class AsLargeAsTheBlock(Given):
    def mask(self, num_tokens, T):
        T = self.config.block_size
        return is_token(num_tokens, T).reshape(-1, 1, 1, T).expand(-1, 1, T, T)


@refused_by(encoder, "shape", "−∞ belongs into the scores")
class ReadyToBeAdded(Given):
    def mask(self, num_tokens, T):
        hidden = ~is_token(num_tokens, T).reshape(-1, 1, 1, T).expand(-1, 1, T, T)
        return torch.zeros(hidden.shape).masked_fill(hidden, float("-inf"))


@refused_by(encoder, "shape", "changed the tensor")
class LengthsChanged(Given):
    def mask(self, num_tokens, T):
        num_tokens -= 1
        return (torch.arange(T) <= num_tokens.reshape(-1, 1, 1, 1)).expand(-1, 1, T, T)


@refused_by(encoder, "columns", "1 and 0 have changed places")
class OneMeansHidden(Given):
    """The convention of nn.MultiheadAttention."""

    def mask(self, num_tokens, T):
        return ~is_token(num_tokens, T).reshape(-1, 1, 1, T).expand(-1, 1, T, T)


@refused_by(encoder, "columns", "one place too many is open")
class OnePlaceTooMany(Given):
    def mask(self, num_tokens, T):
        return is_token(num_tokens + 1, T).reshape(-1, 1, 1, T).expand(-1, 1, T, T)


@refused_by(encoder, "columns", "the last token is closed")
class LastTokenClosed(Given):
    def mask(self, num_tokens, T):
        return (torch.arange(T) < num_tokens.reshape(-1, 1, 1, 1) - 1).expand(-1, 1, T, T)


@refused_by(encoder, "columns", "the lengths are not used")
class EverythingOpen(Given):
    def mask(self, num_tokens, T):
        return torch.ones(len(num_tokens), 1, T, T)


@refused_by(encoder, "columns", "whole rows are open and closed")
class RowsInsteadOfColumns(Given):
    def mask(self, num_tokens, T):
        return is_token(num_tokens, T).reshape(-1, 1, T, 1).expand(-1, 1, T, T)


@refused_by(encoder, "columns", "the decoder's mask, the next notebook")
class Causal(Given):
    def mask(self, num_tokens, T):
        return is_token(num_tokens, T).reshape(-1, 1, 1, T).expand(-1, 1, T, T).tril()


@refused_by(encoder, "columns", "the length of the first")
class FirstLengthForAll(Given):
    def mask(self, num_tokens, T):
        return is_token(num_tokens[:1], T).reshape(1, 1, 1, T).expand(len(num_tokens), 1, T, T)


@refused_by(encoder, "columns", "the length of the longest")
class LongestLengthForAll(Given):
    def mask(self, num_tokens, T):
        longest = num_tokens.max().expand_as(num_tokens)
        return is_token(longest, T).reshape(-1, 1, 1, T).expand(-1, 1, T, T)


@refused_by(encoder, "columns", "the mask of an earlier call")
class MaskRemembered(Given):
    """Computed for the first batch and kept for the next."""

    def mask(self, num_tokens, T):
        if getattr(self, "kept", None) is None or self.kept.shape[-1] != T:
            self.kept = is_token(num_tokens, T).reshape(-1, 1, 1, T).expand(-1, 1, T, T)
        return self.kept


@refused_by(encoder, "columns", "column j of sequence b is open")
class PaddingSeesPadding(Given):
    """Words among words, padding among padding: no row is empty, and padding is looked at."""

    def mask(self, num_tokens, T):
        tokens = is_token(num_tokens, T)
        return (tokens.unsqueeze(1) == tokens.unsqueeze(2)).unsqueeze(1)


@refused_by(encoder, "rows", "hide the columns only")
class RowsAndColumns(Given):
    def mask(self, num_tokens, T):
        tokens = is_token(num_tokens, T)
        return (tokens.unsqueeze(1) & tokens.unsqueeze(2)).unsqueeze(1)


@refused_by(encoder, "property", "must name Transformer as its base")
class NoTransformer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.layer = nn.Linear(config.n_embd, config.n_embd)

    def get_attention_mask(self, num_tokens, T=None):
        T = int(num_tokens.max()) if T is None else T
        return is_token(num_tokens, T).reshape(-1, 1, 1, T).expand(-1, 1, T, T)


@refused_by(encoder, "property", "the mask is not used by the model")
class PaddingReadAsWords(Given):
    """A right mask, and a forward that turns padding into words before it is counted."""

    def mask(self, num_tokens, T):
        return is_token(num_tokens, T).reshape(-1, 1, 1, T).expand(-1, 1, T, T)

    def forward(self, idx, *others):
        return super().forward(idx.clamp(min=0), *others)


@refused_by(encoder, "property", "every word reads every other")
class EachWordAlone(Given):
    """A right mask, and a forward in which every word is a sentence of its own."""

    def mask(self, num_tokens, T):
        return is_token(num_tokens, T).reshape(-1, 1, 1, T).expand(-1, 1, T, T)

    def forward(self, idx, *others):
        B, T = idx.shape
        return super().forward(idx.clamp(min=0).reshape(B * T, 1))[0].reshape(B, T, -1), None

"""Right answers to notebook 7's first three exercises, each in its own way."""

import torch
from torch.nn import functional as F

from answers import accepted_by
from ninelives.checks.prefix_decoder import joint_mask, padding_first, prefix_decoder
from ninelives.model import Decoder, masks


@accepted_by(padding_first)
def sorted_by_a_stable_sort(hidden_cache):
    is_word = (hidden_cache != 0).any(-1)
    order = is_word.long().argsort(dim=1, stable=True)
    return hidden_cache.gather(1, order.unsqueeze(-1).expand(-1, -1, hidden_cache.shape[-1]))


@accepted_by(padding_first)
def rolled_one_by_one(hidden_cache):
    rows = []
    for one in hidden_cache:
        number = int((one == 0).all(dim=-1).sum())
        rows.append(torch.roll(one, number, dims=0))
    return torch.stack(rows)


@accepted_by(padding_first)
def two_pieces_each(hidden_cache):
    result = []
    for one in hidden_cache:
        is_padding = one.abs().sum(-1) == 0
        result.append(torch.cat((one[is_padding], one[~is_padding])))
    return torch.stack(result)


@accepted_by(padding_first)
def counted_positions(hidden_cache):
    """Row r is taken from row r − (number of rows of padding)."""
    B, P, _ = hidden_cache.shape
    number = (hidden_cache == 0).all(-1).sum(1, keepdim=True)
    where = (torch.arange(P) - number) % P
    return hidden_cache[torch.arange(B).unsqueeze(1), where]


@accepted_by(padding_first)
def onto_zeros(hidden_cache):
    result = torch.zeros_like(hidden_cache)
    for b in range(len(hidden_cache)):
        words = hidden_cache[b][hidden_cache[b].ne(0).any(-1)]
        result[b, result.shape[1] - len(words) :] = words
    return result


@accepted_by(joint_mask)
def four_blocks_put_together(hidden_cache, attention_mask):
    B, P, _ = hidden_cache.shape
    T = attention_mask.shape[-1]
    is_word = (hidden_cache != 0).any(-1)[:, None, None, :]
    top = torch.cat((is_word.expand(B, 1, P, P), torch.zeros(B, 1, P, T, dtype=torch.bool)), dim=-1)
    bottom = torch.cat((is_word.expand(B, 1, T, P), attention_mask.bool()), dim=-1)
    return torch.cat((top, bottom), dim=-2)


@accepted_by(joint_mask)
def written_into_zeros(hidden_cache, attention_mask):
    B, P, _ = hidden_cache.shape
    T = attention_mask.size(-1)
    mask = torch.zeros(B, 1, P + T, P + T)
    mask[:, :, :, :P] = (hidden_cache.abs().sum(-1) > 0)[:, None, None].float()
    mask[:, :, P:, P:] = attention_mask
    return mask


@accepted_by(joint_mask)
def padded_then_closed(hidden_cache, attention_mask):
    """Whole numbers: the mask of the tokens padded with ones at its left and zeros above, times the columns that are words."""
    P = hidden_cache.shape[1]
    mask = F.pad(F.pad(attention_mask.long(), (0, 0, P, 0)), (P, 0), value=1)
    columns = F.pad((hidden_cache != 0).any(-1).long(), (0, attention_mask.shape[-1]), value=1)
    return mask * columns[:, None, None]


@accepted_by(joint_mask)
def compared_positions(hidden_cache, attention_mask):
    P, N = hidden_cache.shape[1], hidden_cache.shape[1] + attention_mask.shape[-1]
    row, column = torch.arange(N).unsqueeze(1), torch.arange(N)
    is_word = F.pad((hidden_cache != 0).any(-1), (0, N - P), value=True)[:, None, None]
    among = F.pad(attention_mask.bool(), (P, 0, P, 0), value=True)
    return is_word & among & ((column < P) | (row >= P))


@accepted_by(prefix_decoder)
class TidyThenJoin(Decoder):
    def join(self, hidden_cache, x, attention_mask):
        hidden_cache = masks.padding_first(hidden_cache)
        return torch.cat((hidden_cache, x), dim=1), masks.joint_mask(hidden_cache, attention_mask)


@accepted_by(prefix_decoder)
class OnTopOfJoin(Decoder):
    """Whatever the other join does about the mask is replaced."""

    def join(self, hidden_cache, x, attention_mask):
        tidy = rolled_one_by_one(hidden_cache)
        joined, _ = super().join(tidy, x, None)
        return [joined, written_into_zeros(tidy, attention_mask)]


class OverridesInABaseClass(Decoder):
    def join(self, cache, embedded, among):
        tidy = two_pieces_each(cache)
        return torch.cat([tidy, embedded], 1), compared_positions(tidy, among)


@accepted_by(prefix_decoder)
class NothingMoreToOverride(OverridesInABaseClass):
    """The join stands in a class between this one and Decoder."""

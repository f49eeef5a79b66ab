"""Right answers to notebook 4, each in its own way."""

import torch

from answers import accepted_by
from ninelives.checks.encoder import encoder, packed_mask
from ninelives.model import Transformer


@accepted_by(encoder)
class Expanded(Transformer):
    def get_attention_mask(self, num_tokens, T=None):
        if T is None:
            T = int(num_tokens.max())
        return (torch.arange(T) < num_tokens.reshape(-1, 1, 1, 1)).expand(-1, 1, T, T)


@accepted_by(encoder)
class LeftToBroadcasting(Transformer):
    def get_attention_mask(self, num_tokens, T=None):
        positions = torch.arange(num_tokens.max() if T is None else T)
        return (positions[None] < num_tokens[:, None])[:, None, None, :]


@accepted_by(encoder)
class WholeNumbers(Transformer):
    def get_attention_mask(self, num_tokens, T=None):
        T = T or num_tokens.max().item()
        return (torch.arange(T).view(1, T) < num_tokens.view(-1, 1)).long().view(-1, 1, 1, T).repeat(1, 1, T, 1)


@accepted_by(encoder)
class FilledInALoop(Transformer):
    def get_attention_mask(self, num_tokens, T=None):
        T = int(max(num_tokens)) if T is None else T
        mask = torch.zeros(len(num_tokens), 1, T, T)
        for b, n in enumerate(num_tokens):
            mask[b, :, :, :n] = 1.0
        return mask


@accepted_by(encoder)
class RowsOfATriangle(Transformer):
    """Row n - 1 of a lower triangle has n ones."""

    def get_attention_mask(self, num_tokens, T=None):
        T = int(num_tokens.max()) if T is None else T
        rows = torch.ones(T, T).tril()[num_tokens - 1]
        return rows[:, None, None].expand(-1, 1, T, T) == 1


@accepted_by(encoder)
class OneForEachHead(Transformer):
    def get_attention_mask(self, num_tokens, T=None):
        T = int(num_tokens.max()) if T is None else T
        mask = torch.arange(T) < num_tokens.reshape(-1, 1, 1, 1)
        return mask.expand(-1, self.config.n_head, T, T)


@accepted_by(encoder)
class Repeated(Transformer):
    def get_attention_mask(self, num_tokens, T=None):
        T = int(num_tokens.max()) if T is None else T
        return (torch.arange(T) < num_tokens[:, None, None, None]).repeat(1, 1, T, 1)


@accepted_by(packed_mask)
def each_with_each(sentence):
    return sentence[:, None, :, None] == sentence[:, None, None, :]


@accepted_by(packed_mask)
def unsqueezed_and_counted(sentence):
    return torch.eq(sentence.unsqueeze(2), sentence.unsqueeze(1)).unsqueeze(1).long()


@accepted_by(packed_mask)
def differences(sentence):
    away = (sentence.unsqueeze(-1) - sentence.unsqueeze(-2)).abs()
    return (1.0 - away.clamp(max=1)).reshape(len(sentence), 1, *away.shape[1:])


@accepted_by(packed_mask)
def padding_attends_to_everything(sentence):
    same = sentence[:, None, :, None] == sentence[:, None, None, :]
    return same | (sentence == -1)[:, None, :, None]


@accepted_by(packed_mask)
def cell_by_cell(sentence):
    return torch.tensor([[[[int(a == b) for b in row] for a in row]] for row in sentence.tolist()])

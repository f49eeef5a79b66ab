"""Right answers to notebook 1, each in its own way."""

import torch
from torch import nn
from torch.nn import functional as F

from answers import accepted_by
from ninelives.checks.embeddings import adding_layer, concatenate, embedding, position_indices


@accepted_by(position_indices)
def arange_and_expand(idx):
    B, T = idx.shape
    return torch.arange(T, device=idx.device).unsqueeze(0).expand(B, T)


@accepted_by(position_indices)
def repeated(idx):
    B, T = idx.shape
    return torch.arange(T)[None].repeat(B, 1)


@accepted_by(position_indices)
def running_count(idx):
    return torch.ones_like(idx).cumsum(dim=1) - 1


@accepted_by(position_indices)
def list_of_lists(idx):
    return torch.tensor([list(range(len(row))) for row in idx])


@accepted_by(position_indices)
def small_integers(idx):
    return torch.arange(idx.shape[1], dtype=torch.int32).expand(idx.shape)


class Given(nn.Module):
    """The constructor that the exercise gives."""

    def __init__(self, config):
        super().__init__()
        self.token = nn.Embedding(config.vocab_size, config.n_embd)
        self.position = nn.Embedding(config.block_size, config.n_embd)


@accepted_by(embedding)
class LookedUpAndAdded(Given):
    def forward(self, idx):
        return self.token(idx.clamp(min=0)) + self.position(arange_and_expand(idx))


@accepted_by(embedding)
class PositionsByBroadcasting(Given):
    def forward(self, idx):
        return self.token(idx.masked_fill(idx == -1, 0)) + self.position.weight[: idx.shape[1]]


@accepted_by(embedding)
class OneHotProducts(Given):
    def forward(self, idx):
        words = F.one_hot(idx.clamp(min=0), self.token.num_embeddings).to(self.token.weight.dtype) @ self.token.weight
        return words + F.one_hot(arange_and_expand(idx), self.position.num_embeddings).to(words.dtype) @ self.position.weight


@accepted_by(embedding)
class BareParameters(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.words = nn.Parameter(torch.randn(config.vocab_size, config.n_embd))
        self.positions = nn.Parameter(torch.randn(config.block_size, config.n_embd))

    def forward(self, idx):
        return self.words[idx] + self.positions[: idx.shape[1]]


@accepted_by(embedding)
class PaddingAsZero(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.tables = nn.ModuleDict({
            "position": nn.Embedding(config.block_size, config.n_embd),
            "token": nn.Embedding(config.vocab_size, config.n_embd),
        })

    def forward(self, idx):
        x = self.tables["token"](idx.clamp(min=0)) + self.tables["position"](arange_and_expand(idx))
        return x * (idx != -1).unsqueeze(-1)


@accepted_by(concatenate)
def cat_the_channels(token_vectors, position_vectors):
    return torch.cat((token_vectors, position_vectors), dim=-1)


@accepted_by(concatenate)
def filled_by_halves(token_vectors, position_vectors):
    B, T, C = token_vectors.shape
    both = torch.zeros(B, T, 2 * C)
    both[..., :C], both[..., C:] = token_vectors, position_vectors
    return both


@accepted_by(adding_layer)
def identities_side_by_side(n_embd):
    layer = nn.Linear(2 * n_embd, n_embd, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.cat((torch.eye(n_embd), torch.eye(n_embd)), dim=1))
    return layer


@accepted_by(adding_layer)
def zero_bias(n_embd):
    layer = nn.Linear(2 * n_embd, n_embd)
    layer.weight = nn.Parameter(torch.eye(n_embd).repeat(1, 2))
    nn.init.zeros_(layer.bias)
    return layer


@accepted_by(position_indices)
def looked_up_in_a_range(idx):
    return idx.new_tensor(range(idx.shape[1])).expand_as(idx)


@accepted_by(position_indices)
def zeros_plus_a_row(idx):
    return torch.zeros_like(idx) + torch.arange(idx.shape[1], device=idx.device)


@accepted_by(position_indices)
def second_grid(idx):
    return torch.meshgrid(*(torch.arange(size) for size in idx.shape), indexing="ij")[1]


@accepted_by(embedding)
class FunctionalLookUp(Given):
    def forward(self, idx):
        B, T = idx.shape
        words = F.embedding(torch.where(idx < 0, torch.zeros_like(idx), idx), self.token.weight)
        return words + F.embedding(torch.arange(T, device=idx.device), self.position.weight)


@accepted_by(embedding)
class IndexSelect(Given):
    def forward(self, idx):
        words = self.token.weight.index_select(0, idx.reshape(-1).relu()).view(*idx.shape, self.token.embedding_dim)
        return words + self.position.weight.narrow(0, 0, idx.shape[1])


@accepted_by(embedding)
class PaddingAsTheLastWord(Given):
    def forward(self, idx):
        x = self.token(idx % self.token.num_embeddings)
        return x.add(self.position(arange_and_expand(idx)))


@accepted_by(concatenate)
def padded_and_added(token_vectors, position_vectors):
    C = token_vectors.shape[-1]
    return nn.functional.pad(token_vectors, (0, C)) + nn.functional.pad(position_vectors, (C, 0))


@accepted_by(concatenate)
def stacked_and_flattened(token_vectors, position_vectors):
    return torch.stack((token_vectors, position_vectors), dim=-2).flatten(-2)


@accepted_by(adding_layer)
def frozen(n_embd):
    """The exercise asks what the layer computes, not that it learns."""
    layer = nn.Linear(2 * n_embd, n_embd, bias=False).requires_grad_(False)
    layer.weight.copy_(torch.eye(n_embd).repeat(1, 2))
    return layer


@accepted_by(adding_layer)
def ones_written_one_by_one(n_embd):
    layer = nn.Linear(2 * n_embd, n_embd, bias=False)
    nn.init.zeros_(layer.weight)
    with torch.no_grad():
        for channel in range(n_embd):
            layer.weight[channel, channel] = layer.weight[channel, n_embd + channel] = 1.0
    return layer

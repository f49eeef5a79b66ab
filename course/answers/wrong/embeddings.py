"""Wrong answers to notebook 1."""

import math

import torch
from torch import nn

from answers import refused_by
from ninelives.checks.embeddings import adding_layer, concatenate, embedding, position_indices


@refused_by(position_indices, "shape", "not written yet")
def nothing_written(idx):
    raise NotImplementedError()


@refused_by(position_indices, "shape", "has no `return`")
def return_forgotten(idx):
    B, T = idx.shape
    torch.arange(T).expand(B, T)


@refused_by(position_indices, "shape", "`unsqueeze(0)` makes them a row")
def one_sequence_only(idx):
    return torch.arange(idx.shape[1])


@refused_by(position_indices, "shape", "one row serves every sequence by broadcasting")
def one_row_for_all(idx):
    return torch.arange(idx.shape[1]).unsqueeze(0)


@refused_by(position_indices, "shape", "B comes first")
def axes_swapped(idx):
    B, T = idx.shape
    return torch.arange(T).unsqueeze(1).expand(T, B)


@refused_by(position_indices, "shape", "raised RuntimeError")
def unsqueezed_on_the_wrong_side(idx):
    B, T = idx.shape
    return torch.arange(T).unsqueeze(1).expand(B, T)


@refused_by(position_indices, "shape", "dtype torch.float32")
def floats(idx):
    B, T = idx.shape
    return torch.linspace(0, T - 1, T).expand(B, T)


@refused_by(position_indices, "values", "runs on from one sequence to the next")
def count_runs_through_the_batch(idx):
    B, T = idx.shape
    return torch.arange(B * T).reshape(B, T)


@refused_by(position_indices, "values", "counting starts at 0")
def counted_from_one(idx):
    return torch.ones_like(idx).cumsum(1)


@refused_by(position_indices, "values", "counts the sequences")
def sequences_counted(idx):
    B, T = idx.shape
    return torch.arange(B).unsqueeze(1).expand(B, T)


@refused_by(position_indices, "values", "backwards")
def backwards(idx):
    B, T = idx.shape
    return torch.arange(T - 1, -1, -1).expand(B, T)


@refused_by(position_indices, "values", "the word ids themselves")
def word_ids(idx):
    return idx


@refused_by(position_indices, "values", "torch.arange(T) gives")
def order_of_the_ids(idx):
    return idx.argsort(dim=1)


@refused_by(position_indices, "values", "padding (-1) must not change the positions")
def padding_not_counted(idx):
    B, T = idx.shape
    return torch.arange(T).expand(B, T).masked_fill(idx == -1, -1)


@refused_by(position_indices, "shape", "changed the tensor")
def argument_overwritten(idx):
    return idx.copy_(torch.arange(idx.shape[1]).expand_as(idx))


class Given(nn.Module):
    """The constructor that the exercise gives."""

    def __init__(self, config):
        super().__init__()
        self.token = nn.Embedding(config.vocab_size, config.n_embd)
        self.position = nn.Embedding(config.block_size, config.n_embd)


def places(idx):
    """The first exercise, done."""
    return torch.arange(idx.shape[1]).expand_as(idx)


def known(idx):
    """A row of the table for padding."""
    return idx.clamp(min=0)


@refused_by(embedding, "shape", "not written yet")
class ForwardNotWritten(Given):
    def forward(self, idx):
        raise NotImplementedError()


@refused_by(embedding, "shape", "concatenated")
class Concatenated(Given):
    def forward(self, idx):
        return torch.cat((self.token(known(idx)), self.position(places(idx))), dim=-1)


@refused_by(embedding, "shape", "a squeeze() removes it")
class Squeezed(Given):
    def forward(self, idx):
        return (self.token(known(idx)) + self.position(places(idx))).squeeze(0)


@refused_by(embedding, "shape", "the places are summed away")
class OneVectorPerSentence(Given):
    def forward(self, idx):
        return (self.token(known(idx)) + self.position(places(idx))).mean(dim=1)


@refused_by(embedding, "shape", "raised RuntimeError")
class WholePositionTable(Given):
    def forward(self, idx):
        return self.token(known(idx)) + self.position.weight


@refused_by(embedding, "values", "the positions are missing")
class PositionsForgotten(Given):
    def forward(self, idx):
        return self.token(known(idx))


@refused_by(embedding, "values", "the words are missing")
class WordsForgotten(Given):
    def forward(self, idx):
        return self.position(places(idx))


@refused_by(embedding, "values", "multiplied; they are to be added")
class Multiplied(Given):
    def forward(self, idx):
        return self.token(known(idx)) * self.position(places(idx))


@refused_by(embedding, "values", "the mean of the two")
class Averaged(Given):
    def forward(self, idx):
        return (self.token(known(idx)) + self.position(places(idx))) / 2


@refused_by(embedding, "values", "√n_embd")
class ScaledAsInThePaper(Given):
    def forward(self, idx):
        return self.token(known(idx)) * math.sqrt(self.token.embedding_dim) + self.position(places(idx))


@refused_by(embedding, "values", "added as a number")
class PlaceAddedAsANumber(Given):
    def forward(self, idx):
        return self.token(known(idx)) + places(idx).unsqueeze(-1)


@refused_by(embedding, "values", "every word gets the same position")
class FirstPlaceForAll(Given):
    def forward(self, idx):
        return self.token(known(idx)) + self.position(torch.zeros_like(idx))


@refused_by(embedding, "values", "count the sequences")
class SequencesCounted(Given):
    def forward(self, idx):
        return self.token(known(idx)) + self.position(torch.arange(idx.shape[0])).unsqueeze(1)


@refused_by(embedding, "values", "positions start at 1")
class CountedFromOne(Given):
    def forward(self, idx):
        block_size = self.position.num_embeddings
        return self.token(known(idx)) + self.position((places(idx) + 1).clamp(max=block_size - 1))


@refused_by(embedding, "values", "keep both nn.Embedding layers")
class NewTableOnEveryCall(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.token = nn.Embedding(config.vocab_size, config.n_embd)

    def forward(self, idx):
        position = nn.Embedding(self.config.block_size, self.config.n_embd)
        return self.token(known(idx)) + position(places(idx))


@refused_by(embedding, "padding", "a table has no row -1")
class PaddingLookedUp(Given):
    def forward(self, idx):
        return self.token(idx) + self.position(places(idx))


@refused_by(embedding, "padding", "NaN or infinity")
class PaddingTurnedIntoNaN(Given):
    def forward(self, idx):
        x = self.token(known(idx)) + self.position(places(idx))
        return x.masked_fill((idx == -1).unsqueeze(-1), float("nan"))


@refused_by(embedding, "padding", "changed the tensor")
class PaddingOverwritten(Given):
    def forward(self, idx):
        return self.token(idx.clamp_(min=0)) + self.position(places(idx))


@refused_by(embedding, "padding", "the vectors of its words change")
class CountedFromTheEnd(Given):
    def forward(self, idx):
        padding = (idx == -1).sum(dim=1, keepdim=True)
        return self.token(known(idx)) + self.position((places(idx) + padding).clamp(max=idx.shape[1] - 1))


@refused_by(embedding, "gradient", "position.weight")
class PositionsDetached(Given):
    def forward(self, idx):
        return self.token(known(idx)) + self.position(places(idx)).detach()


@refused_by(embedding, "gradient", "token.weight, position.weight")
class GradientSwitchedOff(Given):
    @torch.no_grad()
    def forward(self, idx):
        return self.token(known(idx)) + self.position(places(idx))


@refused_by(concatenate, "values", "as if there were twice as many words")
def joined_along_the_sentence(token_vectors, position_vectors):
    return torch.cat((token_vectors, position_vectors), dim=1)


@refused_by(concatenate, "values", "joined the batches")
def joined_along_the_batch(token_vectors, position_vectors):
    return torch.cat((token_vectors, position_vectors))


@refused_by(concatenate, "values", "makes a new axis")
def stacked(token_vectors, position_vectors):
    return torch.stack((token_vectors, position_vectors), dim=2)


@refused_by(concatenate, "values", "added, not put one behind the other")
def added_instead(token_vectors, position_vectors):
    return token_vectors + position_vectors


@refused_by(concatenate, "values", "changed places")
def position_first(token_vectors, position_vectors):
    return torch.cat((position_vectors, token_vectors), dim=-1)


@refused_by(concatenate, "values", "the numbers are mixed")
def interleaved(token_vectors, position_vectors):
    return torch.stack((token_vectors, position_vectors), dim=-1).flatten(2)


def layer_with(weight):
    """A bias-free layer with this weight."""
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
    layer.weight.data = weight
    return layer


@refused_by(adding_layer, "values", "gives a Tensor")
def weight_without_a_layer(n_embd):
    return torch.eye(n_embd).repeat(1, 2)


@refused_by(adding_layer, "values", "adds up all channels")
def ones(n_embd):
    return layer_with(torch.ones(n_embd, 2 * n_embd))


@refused_by(adding_layer, "values", "only the token half")
def token_half_only(n_embd):
    return layer_with(torch.eye(n_embd, 2 * n_embd))


@refused_by(adding_layer, "values", "this is the mean")
def mean_instead_of_sum(n_embd):
    return layer_with(torch.eye(n_embd).repeat(1, 2) / 2)


@refused_by(adding_layer, "values", "has a bias")
def bias_left_in(n_embd):
    layer = nn.Linear(2 * n_embd, n_embd)
    layer.weight.data = torch.eye(n_embd).repeat(1, 2)
    return layer


@refused_by(adding_layer, "values", "two identity matrices side by side")
def weight_not_set(n_embd):
    return nn.Linear(2 * n_embd, n_embd, bias=False)


@refused_by(adding_layer, "values", "raised RuntimeError")
def sizes_swapped(n_embd):
    return layer_with(torch.eye(n_embd).repeat(2, 1))


@refused_by(embedding, "shape", "places (what position_indices gives) look up `self.position`")
class WordsLookUpPlaces(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.token = nn.Embedding(config.vocab_size, config.n_embd)
        self.position = nn.Embedding(config.block_size, config.n_embd)

    def forward(self, idx):
        return self.token(idx) + self.position(idx)


def positions_without_return(idx):
    torch.arange(idx.shape[1])


@refused_by(embedding, "shape", "often what a function of your own gives that has no `return`")
class StandsOnAnUnfinishedExercise(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.token = nn.Embedding(config.vocab_size, config.n_embd)
        self.position = nn.Embedding(config.block_size, config.n_embd)

    def forward(self, idx):
        return self.token(idx.clamp(min=0)) + self.position(positions_without_return(idx))


@refused_by(embedding, "shape", "nothing_written, which Embedding.forward calls, is not written yet")
class StandsOnAnUnwrittenExercise(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.token = nn.Embedding(config.vocab_size, config.n_embd)
        self.position = nn.Embedding(config.block_size, config.n_embd)

    def forward(self, idx):
        return self.token(idx.clamp(min=0)) + self.position(nothing_written(idx))


@refused_by(adding_layer, "values", "`layer.weight` is a parameter and stays one")
def weight_replaced_by_a_tensor(n_embd):
    layer = nn.Linear(2 * n_embd, n_embd, bias=False)
    layer.weight = torch.cat((torch.eye(n_embd), torch.eye(n_embd)), dim=1)
    return layer


@refused_by(adding_layer, "values", "do it under `with torch.no_grad():`")
def weight_filled_outside_of_no_grad(n_embd):
    layer = nn.Linear(2 * n_embd, n_embd, bias=False)
    layer.weight.copy_(torch.cat((torch.eye(n_embd), torch.eye(n_embd)), dim=1))
    return layer

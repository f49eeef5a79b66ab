"""Wrong answers to notebook 1 that cannot be registered as mistakes in its checks."""

import torch
from torch import nn

from answers import refused_by
from ninelives.checks.embeddings import (
    GivenEmbedding,
    adding_layer,
    concatenate,
    embedding,
    layer_with,
    loop_positions,
    position_indices,
)


@refused_by(position_indices, "shape", "not written yet", "run its cell again, then this check")
def nothing_written(idx):
    raise NotImplementedError()


@refused_by(position_indices, "shape", "the function has no `return`.")
def return_forgotten(idx):
    B, T = idx.shape
    torch.arange(T).expand(B, T)


@refused_by(position_indices, "shape", "raised RuntimeError", "print the shapes before that line")
def unsqueezed_on_the_wrong_side(idx):
    B, T = idx.shape
    return torch.arange(T).unsqueeze(1).expand(B, T)


@refused_by(position_indices, "values", "the result depends on the words in idx: only its shape may count.")
def order_of_the_words(idx):
    return idx.argsort(dim=1)


@refused_by(position_indices, "values", "the result depends on the words in idx: only its shape may count.")
def words_added_up(idx):
    return idx.cumsum(dim=1)


@refused_by(position_indices, "shape", "the row of positions is not T long: take B and T from idx.shape")
def length_written_as_a_number(idx):
    B, T = idx.shape
    return torch.arange(5).expand(B, T)


@refused_by(position_indices, "shape", "dtype torch.float32", "torch.linspace, torch.zeros and torch.ones make floats")
def floats(idx):
    B, T = idx.shape
    return torch.linspace(0, T - 1, T).expand(B, T)


@refused_by(position_indices, "shape", "a comparison says yes or no at each position")
def is_token(idx):
    return idx != -1


@refused_by(position_indices, "shape", "dtype torch.int16", "smaller whole numbers cannot look up a row")
def small_whole_numbers(idx):
    B, T = idx.shape
    return torch.arange(T, dtype=torch.int16).expand(B, T)


@refused_by(position_indices, "values", "torch.arange(T) gives 0 … T - 1.")
def count_stops_at_two(idx):
    B, T = idx.shape
    return torch.arange(T).clamp(max=2).expand(B, T)


@refused_by(position_indices, "values", "padding (−1) must not change the positions")
def padding_not_counted(idx):
    B, T = idx.shape
    return torch.arange(T).expand(B, T).masked_fill(idx == -1, -1)


@refused_by(position_indices, "shape", "changed the tensor", "work on x.clone()")
def argument_overwritten(idx):
    return idx.copy_(torch.arange(idx.shape[1]).expand_as(idx))


@refused_by(embedding, "shape", "not written yet", "run its cell again, then this check")
class ForwardNotWritten(GivenEmbedding):
    def forward(self, idx):
        raise NotImplementedError()


@refused_by(embedding, "shape", "raised RuntimeError", "print the shapes before that line")
class WholePositionTable(GivenEmbedding):
    def forward(self, idx):
        return self.words(idx) + self.position.weight


@refused_by(embedding, "values", "look up both tables once, add the two results, and change nothing else")
class WordsBackwards(GivenEmbedding):
    def forward(self, idx):
        return self.words(idx.flip(1)) + self.positions(idx)


@refused_by(embedding, "values", "keep both nn.Embedding layers")
class NewTableOnEveryCall(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.token = nn.Embedding(config.vocab_size, config.n_embd)

    def forward(self, idx):
        position = nn.Embedding(self.config.block_size, self.config.n_embd)
        return self.token(idx.clamp(min=0)) + position(loop_positions(idx))


@refused_by(embedding, "padding", "a table has no row −1")
class PaddingLookedUp(GivenEmbedding):
    def forward(self, idx):
        return self.token(idx) + self.positions(idx)


@refused_by(embedding, "padding", "NaN or infinity", "for instance idx.clamp(min=0).")
class PaddingTurnedIntoNaN(GivenEmbedding):
    def forward(self, idx):
        x = self.words(idx) + self.positions(idx)
        return x.masked_fill((idx == -1).unsqueeze(-1), float("nan"))


@refused_by(embedding, "padding", "changed the tensor", "work on x.clone()")
class PaddingOverwritten(GivenEmbedding):
    def forward(self, idx):
        return self.token(idx.clamp_(min=0)) + self.positions(idx)


@refused_by(embedding, "padding", "the vectors of its words change", "must not depend on what comes after them")
class CountedFromTheEnd(GivenEmbedding):
    def forward(self, idx):
        padding = (idx == -1).sum(dim=1, keepdim=True)
        return self.words(idx) + self.position((loop_positions(idx) + padding).clamp(max=idx.shape[1] - 1))


@refused_by(embedding, "gradient", "reached position.weight of", "or a layer that forward does not use")
class PositionsDetached(GivenEmbedding):
    def forward(self, idx):
        return self.words(idx) + self.positions(idx).detach()


@refused_by(embedding, "gradient", "token.weight, position.weight", "or a layer that forward does not use")
class GradientSwitchedOff(GivenEmbedding):
    @torch.no_grad()
    def forward(self, idx):
        return self.words(idx) + self.positions(idx)


@refused_by(adding_layer, "values", "gives a Tensor", "make nn.Linear(2 * n_embd, n_embd, bias=False)")
def weight_without_a_layer(n_embd):
    return torch.eye(n_embd).repeat(1, 2)


@refused_by(adding_layer, "values", "adding_layer gives nothing (None)", "the function has no `return`.")
def layer_not_returned(n_embd):
    layer_with(torch.eye(n_embd).repeat(1, 2))


@refused_by(adding_layer, "values", "`layer.weight == weight` compares, and changes nothing", "`==` asks whether two things are equal")
def weight_compared(n_embd):
    weight = torch.eye(n_embd).repeat(1, 2)
    layer = nn.Linear(2 * n_embd, n_embd, bias=False)
    layer.weight == weight  # noqa: B015, the mistake
    return layer


@refused_by(adding_layer, "values", "has a bias")
def bias_left_in(n_embd):
    layer = nn.Linear(2 * n_embd, n_embd)
    layer.weight.data = torch.eye(n_embd).repeat(1, 2)
    return layer


@refused_by(adding_layer, "values", "is random, as nn.Linear makes it", "Another attribute of the layer changes nothing.")
def weight_not_set(n_embd):
    return nn.Linear(2 * n_embd, n_embd, bias=False)


@refused_by(adding_layer, "values", "is random, as nn.Linear makes it", "Another attribute of the layer changes nothing.")
def another_attribute_set(n_embd):
    layer = nn.Linear(2 * n_embd, n_embd, bias=False)
    layer.w = torch.eye(n_embd).repeat(1, 2)
    return layer


@refused_by(adding_layer, "values", "only one half of the weight is the identity")
def second_square_left_random(n_embd):
    layer = nn.Linear(2 * n_embd, n_embd, bias=False)
    with torch.no_grad():
        layer.weight[:, :n_embd] = torch.eye(n_embd)
    return layer


@refused_by(adding_layer, "values", "raised RuntimeError", "By dim=0, or without dim, one is put below the other.")
def one_below_the_other(n_embd):
    layer = nn.Linear(2 * n_embd, n_embd, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.cat((torch.eye(n_embd), torch.eye(n_embd))))
    return layer


@refused_by(adding_layer, "values", "raised RuntimeError", "By dim=0, or without dim, one is put below the other.")
def sizes_swapped(n_embd):
    return layer_with(torch.eye(n_embd).repeat(2, 1))


@refused_by(embedding, "shape", "Token ids look up `self.token` as they are, id i its row i.")
class NextRowLookedUp(GivenEmbedding):
    def forward(self, idx):
        return self.token(idx + 1) + self.positions(idx)


@refused_by(embedding, "shape", "in every row of an idx that has kept its shape (B, T), look up `self.position`")
class WordsLookUpPositions(GivenEmbedding):
    def forward(self, idx):
        return self.token(idx) + self.position(idx)


@refused_by(embedding, "shape", "in every row of an idx that has kept its shape (B, T), look up `self.position`")
class RowsOfTheWrongTable(GivenEmbedding):
    def forward(self, idx):
        return self.token.weight[idx] + self.position.weight[idx]


@refused_by(embedding, "shape", "in every row of an idx that has kept its shape (B, T), look up `self.position`")
class PaddingTakenOut(GivenEmbedding):
    def forward(self, idx):
        idx = idx[idx != -1].unsqueeze(0)
        return self.token(idx) + self.positions(idx)


def positions_without_return(idx):
    torch.arange(idx.shape[1])


@refused_by(embedding, "shape", "often the result of a function of yours that has no `return`")
class BuildsOnAnUnfinishedExercise(GivenEmbedding):
    def forward(self, idx):
        return self.words(idx) + self.position(positions_without_return(idx))


@refused_by(embedding, "shape", "nothing_written, which Embedding.forward calls, is not written yet", "run its cell again, then this check")
class BuildsOnAnUnwrittenExercise(GivenEmbedding):
    def forward(self, idx):
        return self.words(idx) + self.position(nothing_written(idx))


@refused_by(adding_layer, "values", "`layer.weight` is a parameter and must stay one")
def weight_replaced_by_a_tensor(n_embd):
    layer = nn.Linear(2 * n_embd, n_embd, bias=False)
    layer.weight = torch.cat((torch.eye(n_embd), torch.eye(n_embd)), dim=1)
    return layer


@refused_by(adding_layer, "values", "do it under `with torch.no_grad():`")
def weight_filled_outside_of_no_grad(n_embd):
    layer = nn.Linear(2 * n_embd, n_embd, bias=False)
    layer.weight.copy_(torch.cat((torch.eye(n_embd), torch.eye(n_embd)), dim=1))
    return layer


@refused_by(position_indices, "shape", "it is misspelt, or defined in a cell further up")
def small_letter(idx):
    B, T = idx.shape
    return torch.arange(t).expand(B, T)  # noqa: F821, the mistake


@refused_by(position_indices, "shape", "`/` gives a float, and a size is a whole number")
def sizes_divided(idx):
    B, T = idx.shape
    return torch.arange(T).expand(B, idx.numel() / B)


@refused_by(position_indices, "shape", "a Positions, which is a class of its own", "x.as_subclass(torch.Tensor)")
def class_of_its_own(idx):
    class Positions(torch.Tensor):
        pass

    return loop_positions(idx).as_subclass(Positions)


@refused_by(position_indices, "shape", "the result is a list of", "these are several tensors, and one is wanted")
def list_of_rows(idx):
    return list(loop_positions(idx))


@refused_by(position_indices, "shape", "print the shape after each of your lines")
def one_square_for_each_sequence(idx):
    B, T = idx.shape
    return torch.arange(T).expand(B, T, T)


@refused_by(position_indices, "values", "this check cannot go on", "stay with plain tensors")
def sparse_positions(idx):
    return loop_positions(idx).to_sparse()


@refused_by(embedding, "shape", "the class statement must name nn.Module as its base")
class NoModule:
    def __init__(self, config):
        self.config = config


@refused_by(embedding, "shape", "nothing has the name after the dot")
class OtherName(GivenEmbedding):
    def forward(self, idx):
        return self.tokens(idx) + self.positions(idx)


@refused_by(embedding, "shape", "the sizes are right but in another order")
class ChannelsInFront(GivenEmbedding):
    def forward(self, idx):
        return (self.words(idx) + self.positions(idx)).permute(2, 0, 1)


@refused_by(embedding, "shape", "write into the caller's tensor: `x = x + …` makes a new one")
class TableChanged(GivenEmbedding):
    def forward(self, idx):
        position = self.position.weight[: idx.shape[1]]
        table = self.token.weight
        table += position[0]
        return table[idx]


@refused_by(embedding, "shape", "these are smaller whole numbers: `.long()`")
class PositionsOfSmallNumbers(GivenEmbedding):
    def forward(self, idx):
        return self.words(idx) + self.position(torch.arange(idx.shape[1], dtype=torch.int16))


@refused_by(embedding, "shape", "these are True and False, the result of a comparison")
class PaddingLookedUpAsPosition(GivenEmbedding):
    def forward(self, idx):
        return self.words(idx) + self.position(idx != -1)


@refused_by(position_indices, "shape", "a tuple of 1", "return the tensor itself, not wrapped in something else.")
def comma_at_the_end(idx):
    return loop_positions(idx),


@refused_by(embedding, "shape", "an Embedding", "this is a layer, not its result")
class TableReturned(GivenEmbedding):
    def forward(self, idx):
        return self.token


@refused_by(embedding, "shape", "a tuple of 2", "these are several tensors, and one is wanted")
class BothReturned(GivenEmbedding):
    def forward(self, idx):
        return self.words(idx), self.positions(idx)


@refused_by(embedding, "values", "has the dtype of the tables already: leave it as it is")
class InHalfPrecision(GivenEmbedding):
    def forward(self, idx):
        return (self.words(idx) + self.positions(idx)).half()


@refused_by(embedding, "shape", "the vectors are summed or averaged, or only one is kept")
class LastTokenOnly(GivenEmbedding):
    def forward(self, idx):
        return (self.words(idx) + self.positions(idx))[:, 0]


@refused_by(concatenate, "values", "a list of 2", "these are several tensors, and one is wanted")
def listed(token_vectors, position_vectors):
    return [token_vectors, position_vectors]


@refused_by(concatenate, "values", "there are only n_embd numbers for each token")
def token_alone(token_vectors, position_vectors):
    return token_vectors


@refused_by(concatenate, "values", "no gradient flows back", "leave out .detach(), .data, .item(), torch.no_grad(), and")
def positions_detached(token_vectors, position_vectors):
    return torch.cat((token_vectors, position_vectors.detach()), dim=-1)


# Sizes, ids and layouts that are easily forgotten


@refused_by(embedding, "shape", "with another n_embd", "take every one from the shapes of what is given, or from the tables")
class WidthOfTheModelBefore(GivenEmbedding):
    width = None

    def __init__(self, config):
        super().__init__(config)
        self.kept, type(self).width = self.width or config.n_embd, config.n_embd

    def forward(self, idx):
        return (self.words(idx) + self.positions(idx)).view(*idx.shape, self.kept)


@refused_by(concatenate, "values", "for n_embd = 3", "take every one from the shapes of what is given, or from the tables")
def at_least_four_channels(token_vectors, position_vectors):
    B, T, C = token_vectors.shape
    both = torch.zeros(B, T, max(2 * C, 8))
    both[..., :C], both[..., C : 2 * C] = token_vectors, position_vectors
    return both


@refused_by(position_indices, "shape", "without any token (T = 0)", "for T = 0 return an empty tensor, not None")
def nothing_for_no_token(idx):
    B, T = idx.shape
    if T == 0:
        return None
    return torch.arange(T).expand(B, T)


@refused_by(position_indices, "shape", "without any token (T = 0)", "and for T = 0 the list is empty")
def stacked_position_by_position(idx):
    B, T = idx.shape
    return torch.stack([torch.full((B,), position) for position in range(T)], dim=1)


@refused_by(embedding, "shape", "without any token (T = 0)", "for T = 0 return an empty tensor, not None")
class NothingForNoToken(GivenEmbedding):
    def forward(self, idx):
        if idx.shape[1] > 0:
            return self.words(idx) + self.positions(idx)


@refused_by(position_indices, "values", "with B = ", "B and T must come from this idx")
def thirty_positions_shared_by_the_batch(idx):
    B, T = idx.shape
    return (torch.arange(T) % (30 // B)).expand(B, T)


@refused_by(position_indices, "shape", "without any token (T = 0)", "T may be 0, as before the first word of an answer")
def one_position_at_least(idx):
    B, T = idx.shape
    return torch.arange(max(T, 1)).expand(B, -1)


@refused_by(position_indices, "values", "a part of a larger tensor", "read idx by its axes, not in the order")
def read_from_memory(idx):
    B, T = idx.shape
    return (torch.arange(T) + idx.stride(0) - max(T, 1)).expand(B, T)


class WithTables(nn.Module):
    """The given layers under other options."""

    options = {}

    def __init__(self, config):
        super().__init__()
        self.token = nn.Embedding(config.vocab_size, config.n_embd, **self.options)
        self.position = nn.Embedding(config.block_size, config.n_embd)

    def forward(self, idx):
        return self.token(idx.clamp(min=0)) + self.position(loop_positions(idx))


@refused_by(embedding, "gradient", "row 0 of the token table", "padding_idx of nn.Embedding shuts a row out of training")
class FirstWordAsPadding(WithTables):
    options = {"padding_idx": 0}


@refused_by(embedding, "gradient", "of the token table", "padding_idx of nn.Embedding shuts a row out of training")
class LastWordAsPadding(WithTables):
    options = {"padding_idx": -1}


@refused_by(embedding, "gradient", "row 0 of the token table", "padding_idx of nn.Embedding shuts a row out of training")
class FirstRowDetached(GivenEmbedding):
    def forward(self, idx):
        x = self.words(idx)
        return torch.where((idx == 0).unsqueeze(-1), x.detach(), x) + self.positions(idx)


@refused_by(embedding, "values", "changed one of the tables", "max_norm of nn.Embedding, or an operation in place")
class TableNormalised(WithTables):
    options = {"max_norm": 1.0}


@refused_by(embedding, "values", "changed one of the tables", "max_norm of nn.Embedding, or an operation in place")
class PositionsNormalised(GivenEmbedding):
    def __init__(self, config):
        super().__init__(config)
        self.position = nn.Embedding(config.block_size, config.n_embd, max_norm=5.0)

    def forward(self, idx):
        return self.words(idx) + self.positions(idx)


@refused_by(embedding, "values", "put a new table in the place", "a new nn.Embedding is made in forward")
class TableMadeInForward(GivenEmbedding):
    def forward(self, idx):
        self.position = nn.Embedding(self.position.num_embeddings, self.position.embedding_dim)
        return self.words(idx) + self.positions(idx)


@refused_by(embedding, "values", "changed one of the tables", "max_norm of nn.Embedding, or an operation in place")
class TableNudged(GivenEmbedding):
    def forward(self, idx):
        x = self.words(idx) + self.positions(idx)
        self.token.weight.data += 0.01
        return x


@refused_by(embedding, "values", "something is random, such as dropout")
class DroppedInTraining(GivenEmbedding):
    def forward(self, idx):
        return nn.functional.dropout(self.words(idx) + self.positions(idx), 0.1, self.training)


@refused_by(embedding, "values", "after model.eval(), the vector", "nothing here depends on self.training")
class PositionsInTrainingOnly(GivenEmbedding):
    def forward(self, idx):
        return self.words(idx) + self.positions(idx) * self.training


@refused_by(embedding, "values", "after model.eval(), the vector", "nothing here depends on self.training")
class ZerosInEvaluation(GivenEmbedding):
    def forward(self, idx):
        x = self.words(idx) + self.positions(idx)
        return x if self.training else torch.zeros_like(x)


@refused_by(embedding, "values", "called once more", "compute it from this call's input, every time")
class VectorsKeptForTheShape(GivenEmbedding):
    def __init__(self, config):
        super().__init__(config)
        self.kept = {}

    def forward(self, idx):
        if idx.shape not in self.kept:
            self.kept[idx.shape] = self.words(idx) + self.positions(idx)
        return self.kept[idx.shape]


@refused_by(embedding, "values", "after a change of both tables", "compute it from this call's input, every time")
class PositionVectorsKept(GivenEmbedding):
    kept = None

    def forward(self, idx):
        if self.kept is None:
            self.kept = self.position(torch.arange(self.position.num_embeddings))
        return self.words(idx) + self.kept[: idx.shape[1]]


@refused_by(embedding, "values", "called once more", "compute it from this call's input, every time")
class FirstIdsKept(GivenEmbedding):
    def forward(self, idx):
        if getattr(self, "idx", idx).shape != idx.shape:
            self.idx = idx
        self.idx = getattr(self, "idx", idx)
        return self.words(self.idx) + self.positions(idx)


@refused_by(embedding, "values", "a part of a larger tensor", "idx.reshape copies where idx.view cannot")
class ReadAsOneRow(GivenEmbedding):
    def forward(self, idx):
        if not idx.is_contiguous():
            idx = idx.flip(0)
        return self.words(idx) + self.positions(idx)


@refused_by(embedding, "values", "a part of a larger tensor", "idx.reshape copies where idx.view cannot")
class ViewedAsOneRow(GivenEmbedding):
    def forward(self, idx):
        B, T = idx.shape
        if T == 0:
            return self.words(idx)
        return self.words(idx.view(B * T)).view(B, T, -1) + self.positions(idx)


@refused_by(embedding, "shape", "without any token (T = 0)", "T may be 0, as before the first word of an answer")
class LargestIdLookedFor(GivenEmbedding):
    def forward(self, idx):
        assert idx.max() < self.token.num_embeddings
        return self.words(idx) + self.positions(idx)


@refused_by(embedding, "values", "look up both tables once, add the two results, and change nothing else")
class RoundedToTwoDecimals(GivenEmbedding):
    def forward(self, idx):
        x = self.words(idx) + self.positions(idx)
        return x + (x.round(decimals=2) - x).detach()


@refused_by(embedding, "values", "look up both tables once, add the two results, and change nothing else")
class SmallNumbersOnly(GivenEmbedding):
    def forward(self, idx):
        return (self.words(idx) + self.positions(idx)).clamp(-1.5, 1.5)


@refused_by(concatenate, "values", "changed the tensor", "work on x.clone()")
def written_into_the_token_vectors(token_vectors, position_vectors):
    return torch.cat((token_vectors, token_vectors.copy_(position_vectors)), dim=-1)


@refused_by(adding_layer, "values", "two identity matrices side by side")
def nearly_one(n_embd):
    return layer_with(0.999 * torch.eye(n_embd).repeat(1, 2))


@refused_by(adding_layer, "values", "gives an Adding", "make nn.Linear(2 * n_embd, n_embd, bias=False)")
def module_that_adds(n_embd):
    class Adding(nn.Module):
        def forward(self, both):
            return both[..., :n_embd] + both[..., n_embd:]

    return Adding()


@refused_by(adding_layer, "values", "for n_embd = 1", "take every size from n_embd")
def right_for_even_widths_only(n_embd):
    eye = torch.eye(n_embd // 2 * 2)
    weight = torch.zeros(n_embd, 2 * n_embd)
    weight[: len(eye)] = eye.repeat(1, 2) if len(eye) else 0
    return layer_with(weight)


@refused_by(embedding, "values", "after module.double()", "instead of `.float()`")
class OneHotProductsInFloat32(GivenEmbedding):
    def forward(self, idx):
        words = nn.functional.one_hot(idx.clamp(min=0), self.token.num_embeddings).float() @ self.token.weight
        return words + self.positions(idx)


@refused_by(embedding, "values", "after module.double()", "instead of `.float()`")
class ResultMadeFloat(GivenEmbedding):
    def forward(self, idx):
        return (self.words(idx) + self.positions(idx)).float()


# Arguments written into, and vectors that are right for most words only


@refused_by(position_indices, "shape", "changed the tensor", "work on x.clone()")
def counted_into_the_ids(idx):
    idx[:] = 1
    return idx.cumsum(1) - 1


@refused_by(position_indices, "values", "changed the tensor", "work on x.clone()")
def padding_replaced_in_the_ids(idx):
    idx[idx == -1] = 0
    return loop_positions(idx)


@refused_by(position_indices, "shape", "`x += …` and `x[…] = …` work in place")
def ids_zeroed(idx):
    return idx.zero_() + torch.arange(idx.shape[1])


@refused_by(position_indices, "shape", "T may be 0, as before the first word of an answer")
def last_position_looked_at(idx):
    positions = torch.arange(idx.shape[1])
    assert positions[-1] == idx.shape[1] - 1
    return positions.expand_as(idx)


@refused_by(position_indices, "shape", "T may be 0, as before the first word of an answer")
def largest_id_looked_at(idx):
    return torch.arange(idx.shape[1]).expand_as(idx).clamp(max=max(1000, int(idx.max())))


@refused_by(embedding, "shape", "changed the tensor", "work on x.clone()")
class IdsShifted(GivenEmbedding):
    def forward(self, idx):
        idx += 1
        return self.words(idx - 1) + self.positions(idx)


@refused_by(embedding, "padding", "changed the tensor", "work on x.clone()")
class PaddingReplaced(GivenEmbedding):
    def forward(self, idx):
        idx[idx < 0] = 0
        return self.token(idx) + self.positions(idx)


@refused_by(embedding, "values", "is a word like any other: only −1 is padding")
class PaddingBelowOne(GivenEmbedding):
    def forward(self, idx):
        return self.token(torch.where(idx > 0, idx, torch.ones_like(idx))) + self.positions(idx)


@refused_by(embedding, "values", "after model.eval(), the vector", "nothing here depends on self.training")
class WordsScaledInEvaluation(GivenEmbedding):
    def forward(self, idx):
        return self.words(idx) * (1 if self.training else 0.9) + self.positions(idx)


@refused_by(embedding, "values", "called once more", "compute it from this call's input, every time")
class WordVectorsOfTheFirstCallKept(GivenEmbedding):
    def __init__(self, config):
        super().__init__(config)
        self.kept = {}

    def words(self, idx):
        return self.kept.setdefault(tuple(idx.shape), super().words(idx))

    def forward(self, idx):
        return self.words(idx) + self.positions(idx)


@refused_by(embedding, "gradient", "of the token table", "padding_idx of nn.Embedding shuts a row out of training")
class ThirdWordAsPadding(WithTables):
    def __init__(self, config):
        super().__init__(config)
        self.token.weight.register_hook(lambda gradient: gradient.index_fill(0, torch.tensor([0, 1, 2]), 0.0))


@refused_by(embedding, "values", "look up both tables once, add the two results, and change nothing else")
class ClippedByTanh(GivenEmbedding):
    def forward(self, idx):
        return 3 * ((self.words(idx) + self.positions(idx)) / 3).tanh()


@refused_by(concatenate, "values", "changed the tensor", "work on x.clone()")
def resized_in_place(token_vectors, position_vectors):
    position_vectors.neg_()
    return torch.cat((token_vectors, -position_vectors), dim=-1)


@refused_by(concatenate, "values", "puts one vector after the other, and changes no number.")
def second_half_backwards(token_vectors, position_vectors):
    return torch.cat((token_vectors, position_vectors.flip(-1)), dim=-1)


@refused_by(concatenate, "values", "puts one vector after the other, and changes no number.")
def rounded_to_two_decimals(token_vectors, position_vectors):
    return torch.cat((token_vectors, position_vectors), dim=-1).round(decimals=1)


@refused_by(adding_layer, "values", "two identity matrices side by side")
def rounded_identity(n_embd):
    return layer_with(torch.eye(n_embd).repeat(1, 2) * 1.0005)


@refused_by(adding_layer, "values", "two identity matrices side by side")
def last_channel_forgotten(n_embd):
    weight = torch.eye(n_embd).repeat(1, 2)
    weight[-1] = 0 if n_embd > 1 else weight[-1]
    return layer_with(weight)


@refused_by(adding_layer, "values", "for n_embd = 1", "take every size from n_embd")
def at_least_two_channels(n_embd):
    return layer_with(torch.eye(max(n_embd, 2)).repeat(1, 2))

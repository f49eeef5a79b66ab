"""Notebook 1: what positions, the embedding and its concatenating variant must be."""

import math
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial

import torch
from torch import nn

from ninelives.checks.exercise import (
    CheckFailed,
    Exercise,
    build,
    ids,
    in_case,
    kind_of,
    on_layers_of,
    run,
    same,
    same_values,
    want_gradient,
    want_gradient_of_inputs,
    want_shape,
    want_tensor,
)
from ninelives.checks.want import NO_RETURN
from ninelives.config import TransformerConfig

NO_TOKEN = ("T may be 0, as before the first word of an answer (notebook 8): take B and T from idx.shape. "
            "In `view` and `reshape` write every size out, since −1 cannot be worked out for no numbers.")
NOTHING_FOR_NO_TOKEN = ("for T = 0 return an empty tensor, not None. torch.arange(0) is empty, and so is what a table gives for no ids: "
                        "no branch of its own is needed.")
EMPTY_LIST = "torch.stack and torch.cat need at least one tensor, and for T = 0 the list is empty: make all positions at once, by torch.arange(T)."
OWN_DTYPE = ("the tables say which dtype is computed in: `.to(self.token.weight.dtype)` instead of `.float()`, and torch.zeros(…) is float32 too: "
             "`self.token.weight.new_zeros(…)`.")
OTHER_SIZES = "a size is written as a number: take every one from the shapes of what is given, or from the tables."
SIDE_BY_SIDE = ("the weight has shape (n_embd, 2 * n_embd): the two identity matrices stand side by side, which is dim=1 of torch.cat. "
                "By dim=0, or without dim, one is put below the other.")
NOTHING_ELSE = "look up both tables once, add the two results, and change nothing else."
KEPT = "something from an earlier call is kept and used again: compute it from this call's input, every time."

position_indices = Exercise("position_indices", error_hints={
    "non-singleton dimension 1": "the row of positions is not T long: take B and T from idx.shape, and count to T.",
})
embedding = Exercise("Embedding", error_hints=dict.fromkeys(
    ("index out of range", "is out of bounds for dimension 0"),
    "a table was asked for a row that it does not have. Token ids look up `self.token` as they are, id i its row i. The positions, 0 … T - 1 in every row of an idx that "
    "has kept its shape (B, T), look up `self.position`."))
concatenate = Exercise("concatenate")
adding_layer = Exercise("adding_layer", error_hints=dict.fromkeys(("must match the size", "mat1 and mat2"), SIDE_BY_SIDE) | {
    "cannot assign": "`layer.weight` is a parameter and must stay one: write into it, under torch.no_grad(), "
                     "with `layer.weight.copy_(…)`.",
    "leaf Variable": "a parameter is changed in place while autograd records: do it under `with torch.no_grad():`.",
})


def token_ids(B: int, T: int, seed: int, vocab_size: int = 23) -> torch.Tensor:
    """(B, T) int64 of random ids; where there is room, the first and the last id of the vocabulary are among them."""
    idx = torch.randint(vocab_size, (B, T), generator=torch.Generator().manual_seed(seed))
    if B > 1 and T > 1:
        idx[-1, 0], idx[-1, 1] = 0, vocab_size - 1
    return idx


def sizes(seed: int) -> tuple[int, int, TransformerConfig]:
    """B, T and a configuration: all sizes differ, so that no two axes can be confused."""
    B, T, C, V, block_size = [(3, 5, 8, 23, 11), (4, 7, 6, 29, 13), (2, 9, 10, 19, 12)][seed % 3]
    return B, T, TransformerConfig(vocab_size=V, block_size=block_size, n_embd=C, n_head=2)


@contextmanager
def without_any_token() -> Iterator[None]:
    """What is inside is called with T = 0; the cause of a failure is that it does not reckon with that."""
    try:
        with in_case("without any token (T = 0)", cause=NO_TOKEN):
            yield
    except CheckFailed as failure:
        if failure.cause == NO_TOKEN and "nothing (None)" in failure.seen:
            failure.cause = NOTHING_FOR_NO_TOKEN
        elif failure.cause == NO_TOKEN and "non-empty" in failure.seen:
            failure.cause = EMPTY_LIST
        raise


# Exercise 1: the positions


def loop_positions(idx: torch.Tensor) -> torch.Tensor:
    """(B, T) int64: the reference, by counting."""
    return torch.tensor([[position for position, _ in enumerate(row)] for row in idx.tolist()], dtype=torch.int64)


@position_indices.mistake("shape", "the sequences are strung together: each needs a row of its own.")
def sequences_strung_together(idx):
    return torch.arange(idx.numel())


@position_indices.mistake(
    "shape",
    "this is one row of T numbers, without an axis for the sequences: `unsqueeze(0)` gives it one and `expand(B, T)` repeats the row "
    "for every sequence.",
)
def one_sequence_only(idx):
    return torch.arange(idx.shape[1])


@position_indices.mistake(
    "shape",
    "one row serves every sequence by broadcasting, but here you need one row for each sequence: `expand(B, T)` "
    "repeats it without copying.",
)
def one_row_for_all(idx):
    return torch.arange(idx.shape[1]).unsqueeze(0)


@position_indices.mistake("shape", "rows are sequences and columns are positions: B comes first.")
def axes_swapped(idx):
    B, T = idx.shape
    return torch.arange(T).unsqueeze(1).expand(T, B)


@position_indices.mistake("shape", "there is one axis too many: positions are whole numbers, not vectors yet.")
def axis_of_vectors(idx):
    return loop_positions(idx).unsqueeze(2)


@position_indices.mistake("values", "counting starts at 0 in Python, and row 0 of the table belongs to the first word.")
def counted_from_one(idx):
    return torch.ones_like(idx).cumsum(1)


@position_indices.mistake(
    "values", "the count runs on from one sequence to the next; it must start again at 0 in every row.")
def count_runs_through_the_batch(idx):
    return torch.arange(idx.numel()).view_as(idx)


@position_indices.mistake("values", "this counts the sequences (axis 0), not the positions in them (axis 1).")
def sequences_counted(idx):
    return torch.arange(len(idx)).unsqueeze(1).expand_as(idx)


@position_indices.mistake("values", "the count runs backwards.")
def backwards(idx):
    return loop_positions(idx).flip(1)


@position_indices.mistake(
    "values",
    "these are the word ids themselves. A position depends only on where a word is, not on which word it is.",
)
def word_ids(idx):
    return idx


@position_indices.mistake("values", "the word with id 0 is taken for padding: the content of idx must not matter, only its shape.")
def words_counted(idx):
    return (idx != 0).cumsum(1) - 1


@position_indices.mistake("values", "padding (−1) is not counted: a padded position is counted like any other.")
def tokens_counted(idx):
    return (idx != -1).cumsum(1) - 1


@position_indices.aspect("shape")
def one_row_of_whole_numbers_per_sequence(answer, seed):
    B, T, _ = sizes(seed)
    for b, t in ((B, T), (1, T), (B, 1), (B, 0)):
        idx = token_ids(b, t, seed)
        with without_any_token() if t == 0 else nullcontext():
            result = run(answer, idx)
            position_indices.want_shape(result, (b, t), "(B, T)", "the result", (idx,))
        if t and result.dtype == torch.bool:
            raise CheckFailed(
                "the result holds True and False.", "whole numbers (torch.int64): they are used to look up rows of a table.",
                "a comparison says yes or no at each position; the positions are the numbers 0, 1, 2, …: torch.arange(T).",
            )
        if t and result.dtype.is_floating_point:
            raise CheckFailed(
                f"the positions have dtype {result.dtype}.",
                "whole numbers (torch.int64): they are used to look up rows of a table.",
                "torch.arange(T) gives int64; dividing, torch.linspace, torch.zeros and torch.ones make floats.",
            )
        if t and result.dtype not in (torch.int32, torch.int64):
            raise CheckFailed(
                f"the positions have dtype {result.dtype}.",
                "torch.int64 (or int32): nn.Embedding looks up rows by these two alone.",
                "leave the dtype of torch.arange(T) as it is, int64: smaller whole numbers cannot look up a row.",
            )


@position_indices.aspect("values")
def counts_from_zero_in_every_row(answer, seed):
    B, T, _ = sizes(seed)
    # One sequence alone first: an error that shows even there does not come from the batch.
    for b in (1, B):
        want_positions(answer, token_ids(b, T, seed), "torch.arange(T) gives 0 … T - 1.")
    padded = token_ids(B, T, seed + 1)
    padded[0, 2:] = -1
    want_positions(answer, padded, "padding (−1) must not change the positions: a padded position is counted like any other.")
    # Other sizes, as positions that were kept from an earlier call would show.
    for b, t in ((B, T - 1), (B + 2, T + 2)):
        with in_case(f"with B = {b} and T = {t}"):
            want_positions(answer, token_ids(b, t, seed), "B and T must come from this idx: idx.shape.")
    with in_case("with idx[:, 1:], a part of a larger tensor", cause="read idx by its axes, not in the order in which it lies in memory."):
        want_positions(answer, token_ids(B, T + 1, seed)[:, 1:], "")


def want_positions(answer, idx: torch.Tensor, otherwise: str) -> None:
    """Refuse positions that are not 0 … T - 1 in every row."""
    result = run(answer, idx)
    position_indices.want_shape(result, idx.shape, "(B, T)", "the result", (idx,))

    def explain() -> str:
        # Without padding: of padding the caller's own sentence speaks.
        if (idx >= 0).all() and same(result, run(answer, idx)) and not same(result, run(answer, (idx + 1).flip(1))):
            return "the result depends on the words in idx: only its shape may count."
        return otherwise

    position_indices.want_values(
        result, loop_positions(idx), (idx,), what=lambda row: f"row {row} is", row_of=ids, meaning=" in every row",
        otherwise=explain, caption="Positions: wanted, and yours",
    )


# Exercise 2: token plus position


class GivenEmbedding(nn.Module):
    """The given constructor, and a lookup in each table. Each mistake has another `forward`."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.token = nn.Embedding(config.vocab_size, config.n_embd)
        self.position = nn.Embedding(config.block_size, config.n_embd)

    def words(self, idx: torch.Tensor) -> torch.Tensor:
        return self.token(idx.clamp(min=0))  # (B, T, C)

    def positions(self, idx: torch.Tensor) -> torch.Tensor:
        return self.position(loop_positions(idx))  # (B, T, C)


@embedding.mistake("shape", "the two vectors are concatenated. Add them: n_embd numbers in, n_embd numbers out.")
class Concatenated(GivenEmbedding):
    def forward(self, idx):
        return torch.cat((self.words(idx), self.positions(idx)), dim=-1)


@embedding.mistake("shape", "the batch axis is gone: a squeeze() removes it when B is 1.")
class Squeezed(GivenEmbedding):
    def forward(self, idx):
        return (self.words(idx) + self.positions(idx)).squeeze(0)


@embedding.mistake(
    "shape", "the axis of positions is gone: the vectors are summed or averaged, or only one is kept. Every token keeps a vector of its own.")
class OneVectorPerSentence(GivenEmbedding):
    def forward(self, idx):
        return (self.words(idx) + self.positions(idx)).mean(dim=1)


@embedding.mistake("values", "the positions are missing: this is the token table alone.")
class PositionsForgotten(GivenEmbedding):
    def forward(self, idx):
        return self.words(idx)


@embedding.mistake("values", "the words are missing: this is the position table alone.")
class WordsForgotten(GivenEmbedding):
    def forward(self, idx):
        return self.positions(idx)


@embedding.mistake("values", "the two vectors are multiplied: add them.")
class Multiplied(GivenEmbedding):
    def forward(self, idx):
        return self.words(idx) * self.positions(idx)


@embedding.mistake("values", "this is the mean of the two vectors: add them.")
class Averaged(GivenEmbedding):
    def forward(self, idx):
        return (self.words(idx) + self.positions(idx)) / 2


@embedding.mistake("values", "the position is subtracted: add it.")
class Subtracted(GivenEmbedding):
    def forward(self, idx):
        return self.words(idx) - self.positions(idx)


@embedding.mistake(
    "values", "the token vector is multiplied by √n_embd. The paper does that (section 3.4); here it is left out.")
class ScaledAsInThePaper(GivenEmbedding):
    def forward(self, idx):
        return self.words(idx) * math.sqrt(self.token.embedding_dim) + self.positions(idx)


@embedding.mistake("values", "the position itself is added as a number; it must look up a row of the position table.")
class PositionAddedAsANumber(GivenEmbedding):
    def forward(self, idx):
        return self.words(idx) + loop_positions(idx).unsqueeze(-1)


@embedding.mistake("values", "every word gets the same position: arange must run along T.")
class FirstPositionForAll(GivenEmbedding):
    def forward(self, idx):
        return self.words(idx) + self.position.weight[0]


@embedding.mistake("values", "the positions count the sequences (axis 0), not the words in them (axis 1).")
class SequencesCounted(GivenEmbedding):
    def forward(self, idx):
        return self.words(idx) + self.position.weight[: len(idx)].unsqueeze(1)


@embedding.mistake("values", "id 0 is a word like any other: only −1 is padding, so clamp(min=0).")
class FirstWordLost(GivenEmbedding):
    def words(self, idx):
        return self.token(idx.clamp(min=1))

    def forward(self, idx):
        return self.words(idx) + self.positions(idx)


@embedding.mistake("values", "the word with id 0 gets a vector of zeros: it is a word like any other, and only −1 is padding.")
class FirstWordHidden(GivenEmbedding):
    def forward(self, idx):
        return self.words(idx) * (idx != 0).unsqueeze(-1) + self.positions(idx)


@embedding.mistake("values", "the last id of the vocabulary, vocab_size − 1, is a word too: idx must not be clamped below it.")
class LastWordLost(GivenEmbedding):
    def forward(self, idx):
        return self.token(idx.clamp(0, self.token.num_embeddings - 2)) + self.positions(idx)


@embedding.mistake("values", "the last row of the position table, block_size − 1, is never looked up.")
class LastPositionLost(GivenEmbedding):
    def forward(self, idx):
        return self.words(idx) + self.position(loop_positions(idx).clamp(max=self.position.num_embeddings - 2))


@embedding.mistake("values", "the positions start at 1; they must start at 0.")
class CountedFromOne(GivenEmbedding):
    def forward(self, idx):
        return self.words(idx) + self.position((loop_positions(idx) + 1).clamp(max=self.position.num_embeddings - 1))


@embedding.mistake("values", "the positions run backwards.")
class CountedBackwards(GivenEmbedding):
    def forward(self, idx):
        return self.words(idx) + self.positions(idx).flip(1)


@embedding.aspect("shape")
def keeps_one_vector_per_token(answer, seed):
    B, T, config = sizes(seed)
    C = config.n_embd
    module, make = build(answer, config), partial(on_layers_of, GivenEmbedding(config))
    for b, t in ((B, T), (1, T), (B, 1), (1, 1), (B, config.block_size), (B, 0)):
        idx = token_ids(b, t, seed, config.vocab_size)
        with without_any_token() if t == 0 else nullcontext():
            result = run(module, idx, what="Embedding.forward")
            embedding.want_shape(result, (b, t, C), "(B, T, n_embd)", "the result", (idx,), make)
    B, T, config = sizes(seed + 1)
    with in_case("with another n_embd", cause=OTHER_SIZES):
        result = run(build(answer, config), token_ids(B, T, seed, config.vocab_size), what="Embedding.forward")
        want_shape(result, (B, T, config.n_embd), "(B, T, n_embd)", "the result")


@embedding.aspect("values")
def adds_a_row_of_each_table(answer, seed):
    B, T, config = sizes(seed)
    module = build(answer, config)
    idx = token_ids(B, T, seed, config.vocab_size)
    want_sums(module, config, idx, NOTHING_ELSE)
    longest = token_ids(B, config.block_size, seed, config.vocab_size)
    want_sums(module, config, longest, NOTHING_ELSE)
    with in_case("after model.eval()", cause="the same must happen in training and in evaluation: nothing here depends on self.training."):
        want_sums(module.eval(), config, idx, "")
    # The same shape again: what was kept for this shape is of other words.
    with in_case("called once more, with other words"):
        want_sums(module.train(), config, idx.flip(1), KEPT)
    with in_case("with idx[:, 1:], a part of a larger tensor", cause="read idx by its axes: idx.reshape copies where idx.view cannot."):
        want_sums(module, config, longest[:, 1:], "")
    with torch.no_grad():
        for table in module.parameters():
            table.mul_(-10)
    with in_case("after a change of both tables, as training makes them"):
        want_sums(module, config, idx, KEPT)
    with in_case("after module.double()", wanted="vectors of dtype torch.float64, as the tables have then.", cause=OWN_DTYPE):
        result = run(module.double(), idx, what="Embedding.forward")
        if result.dtype != torch.float64:
            raise CheckFailed(f"the result has dtype {result.dtype}.", "", "")


def want_sums(module: nn.Module, config: TransformerConfig, idx: torch.Tensor, otherwise: str) -> None:
    """Refuse other vectors than row of the token table plus row of the position table, and tables changed by the call."""
    token, position = tables(module, config)
    parameters = list(module.parameters())
    result = run(module, idx, what="Embedding.forward")
    want_shape(result, (*idx.shape, config.n_embd), "(B, T, n_embd)", "the result")
    dtype = next(module.parameters()).dtype
    if result.dtype != dtype:
        raise CheckFailed(
            f"the result has dtype {result.dtype}.", f"{dtype}, the dtype of the tables.",
            "the sum of two rows has the dtype of the tables already: leave it as it is.",
        )
    if any(now is not before for before, now in zip(parameters, module.parameters(), strict=False)):
        raise CheckFailed(
            "Embedding.forward put a new table in the place of one of the layers.",
            "the same two tables in every call: training alone changes them.",
            "a new nn.Embedding is made in forward, with new random rows in every call: use the one in `__init__`.",
        )
    for before, now in zip((token, position), tables(module, config), strict=True):
        if not torch.equal(before, now):
            raise CheckFailed(
                "Embedding.forward changed one of the tables.",
                "tables that stay as they are: training alone changes them.",
                "max_norm of nn.Embedding, or an operation in place on `.weight`, writes into the table: leave it out.",
            )
    given = GivenEmbedding(config)
    given.token.weight, given.position.weight = nn.Parameter(token), nn.Parameter(position)

    def explain() -> str:
        if same(result, run(module, idx, what="Embedding.forward")):
            return otherwise
        return "the same call gives another result each time: something is random, such as dropout. The embedding has none."

    embedding.want_values(
        result, loop_embedding(idx, token, position), (idx,), make=partial(on_layers_of, given),
        what=lambda example, t: f"the vector of token {t} (id {idx[example, t]}) in sequence {example} is",
        meaning=": its row of the token table plus the row of its position", agree=partial(same_values, tolerance=1e-5),
        otherwise=explain, caption="One row per word: wanted, and yours",
    )


def tables(module: nn.Module, config: TransformerConfig) -> tuple[torch.Tensor, torch.Tensor]:
    """The token table and the position table of a learner's module, told apart by their number of rows.

    Raises:
        CheckFailed: one of them is missing.
    """
    weights = [p for p in module.parameters() if p.dim() == 2]
    found = []
    for rows, name in ((config.vocab_size, "vocab_size"), (config.block_size, "block_size")):
        table = next((w for w in weights if w.shape == (rows, config.n_embd)), None)
        if table is None:
            raise CheckFailed(
                f"the module has tables of shape {[tuple(w.shape) for w in weights]}.",
                f"one of shape ({name}, n_embd) = ({rows}, {config.n_embd}).",
                "keep both nn.Embedding layers of __init__ as attributes of self: a layer made in forward "
                "is new on every call and never learns.",
            )
        found.append(table.detach().double())
    return found[0], found[1]


def loop_embedding(idx: torch.Tensor, token: torch.Tensor, position: torch.Tensor) -> torch.Tensor:
    """(B, T, C) float64: the reference, one word at a time."""
    return torch.stack([torch.stack([token[word] + position[t] for t, word in enumerate(row)]) for row in idx.tolist()])


@embedding.aspect("padding")
def padding_changes_no_word(answer, seed):
    B, T, config = sizes(seed)
    module = build(answer, config)
    whole = token_ids(B, T, seed, config.vocab_size)
    without = run(module, whole, what="Embedding.forward")
    want_shape(without, (B, T, config.n_embd), "(B, T, n_embd)", "the result")
    padded = whole.clone()
    padded[0, 2:] = -1
    padded[1, -1] = -1
    with in_case("with padding (−1) in idx"):
        result = run(module, padded, what="Embedding.forward", error_hints={
            "index out of range in self": "−1 marks padding, and a table has no row −1: look up some row that exists, for instance "
                                          "idx.clamp(min=0); an attention mask hides it later.",
        })
    want_shape(result, (B, T, config.n_embd), "(B, T, n_embd)", "the result")
    real = padded != -1
    if not same_values(result[real], without[real]):
        raise CheckFailed(
            "with padding at the end of a sequence, the vectors of its words change.",
            "the same vectors for the words as without padding.",
            "positions and word ids of real words must not depend on what comes after them.",
        )
    if not result.isfinite().all():
        raise CheckFailed(
            "the vectors at padded positions hold NaN or infinity.",
            "finite numbers: a mask multiplies them by 0 later, and 0 · NaN is NaN.",
            "look up some row that exists, for instance idx.clamp(min=0).",
        )


@embedding.aspect("gradient")
def both_tables_get_a_gradient(answer, seed):
    B, T, config = sizes(seed)
    module = build(answer, config)
    idx = token_ids(B, T, seed, config.vocab_size)
    result = run(module, idx, what="Embedding.forward")
    want_tensor(result, "the result")
    want_gradient(module, result, "Embedding")
    table = next(p for p in module.parameters() if p.shape == (config.vocab_size, config.n_embd))
    still = [word for word in idx.unique().tolist() if not table.grad[word].abs().sum() > 0]
    if still:
        raise CheckFailed(
            f"after backward() no gradient has reached row {still[0]} of the token table, though idx holds the id {still[0]}.",
            "a gradient for the row of every word that was looked up: without one the word never learns.",
            "padding_idx of nn.Embedding shuts a row out of training. Here every id from 0 is a word, and padding is −1: leave it out.",
        )


# Exercise 3: token and position side by side


def vectors(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Token vectors and position vectors, (B, T, C) each."""
    B, T, config = sizes(seed)
    return tuple(torch.randn(2, B, T, config.n_embd))


@concatenate.mistake("values", "torch.cat joined the batches (dim 0); join the channels, dim=-1.")
def joined_along_the_batch(token, position):
    return torch.cat((token, position))


@concatenate.mistake(
    "values",
    "torch.cat joined the sentences (dim 1), as if there were twice as many words; join the channels, dim=-1.",
)
def joined_along_the_sentence(token, position):
    return torch.cat((token, position), dim=1)


@concatenate.mistake(
    "values", "there are only n_embd numbers for each token: all n_embd of its token vector come first, then all n_embd of its position vector.")
def half_of_each(token, position):
    half = token.shape[-1] // 2
    return torch.cat((token[..., :half], position[..., half:]), dim=-1)


@concatenate.mistake("values", "the vectors are added, not put one after the other.")
def added_instead(token, position):
    return token + position


@concatenate.mistake("values", "torch.stack makes a new axis; torch.cat lengthens one that is there.")
def stacked(token, position):
    return torch.stack((token, position))


@concatenate.mistake("values", "torch.stack makes a new axis; torch.cat lengthens one that is there.")
def stacked_before_the_channels(token, position):
    return torch.stack((token, position), dim=2)


@concatenate.mistake("values", "torch.stack makes a new axis; torch.cat lengthens one that is there.")
def stacked_after_the_channels(token, position):
    return torch.stack((token, position), dim=-1)


@concatenate.mistake("values", "position and token are swapped.")
def position_first(token, position):
    return torch.cat((position, token), dim=-1)


@concatenate.mistake("values", "the token vectors come twice: position_vectors is not used.")
def token_twice(token, position):
    return torch.cat((token, token), dim=-1)


@concatenate.mistake("values", "the position vectors come twice: token_vectors is not used.")
def position_twice(token, position):
    return torch.cat((position, position), dim=-1)


@concatenate.mistake("values", "token and position alternate, number by number: put the whole position vector after the whole token vector.")
def interleaved(token, position):
    return torch.stack((token, position), dim=-1).flatten(2)


@concatenate.mistake(
    "values", "the vectors are joined along the sentence (dim 1), and the new shape is then filled in reading order: join the channels, dim=-1.")
def joined_along_the_sentence_then_reshaped(token, position):
    B, T, C = token.shape
    return torch.cat((token, position), dim=1).reshape(B, T, 2 * C)


@concatenate.aspect("values")
def puts_the_position_after_the_token(answer, seed):
    token, position = vectors(seed)
    B, T, C = token.shape
    want_joined(answer, token, position)
    for b, t in ((1, T), (B, 1), (B, 0)):
        with in_case(f"for B = {b} and T = {t}", cause="the sizes B and T may be anything, 1 too: join along the last axis, and touch no other."):
            want_joined(answer, token[:b, :t], position[:b, :t])
    with in_case("called once more, with other vectors", cause=KEPT):
        want_joined(answer, position, token)
    with in_case("for n_embd = 3", cause=OTHER_SIZES):
        want_joined(answer, token[..., :3], position[..., :3])
    want_gradient_of_inputs(answer, token, position)
    with in_case("with vectors that do not lie in order in memory", cause="`.reshape` reads them by their axes; `.view` cannot."):
        want_joined(answer, token.transpose(0, 1), position.transpose(0, 1))


def want_joined(answer, token: torch.Tensor, position: torch.Tensor) -> None:
    """Refuse anything but the position vectors after the token vectors."""
    B, T, C = token.shape
    result = run(answer, token, position)
    concatenate.want_shape(result, (B, T, 2 * C), "(B, T, 2 * n_embd)", "the result", (token, position))
    if T == 0:
        return
    wanted = torch.stack([token, position], dim=2).reshape(B, T, 2 * C)
    concatenate.want_values(
        result, wanted, (token, position), what=lambda example, t: f"the vector of token {t} in sequence {example} is",
        meaning=": all numbers of the token, then all numbers of the position",
        otherwise="torch.cat((token, position), dim=-1) puts one vector after the other, and changes no number.",
        caption="One row per word: wanted, and yours",
    )


# Exercise 4: adding is concatenating and one linear layer


RANDOM_WEIGHT = ("`layer.weight` is random, as nn.Linear makes it: write your two identity matrices into it, under torch.no_grad(), with "
                 "`layer.weight.copy_(…)`. Another attribute of the layer changes nothing.")


def layer_with(weight: torch.Tensor) -> nn.Linear:
    """A bias-free layer with this weight."""
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
    layer.weight.data = weight
    return layer


@adding_layer.mistake("values", "only the token half is let through: the second half of the weight is 0.")
def token_half_only(n_embd):
    return layer_with(torch.eye(n_embd, 2 * n_embd))


@adding_layer.mistake("values", "only the position half is let through: the first half of the weight is 0.")
def position_half_only(n_embd):
    return layer_with(torch.eye(n_embd, 2 * n_embd).roll(n_embd, 1))


@adding_layer.mistake("values", "this is the mean: the two squares of the weight hold 1, not ½, on the diagonal.")
def mean_instead_of_sum(n_embd):
    return layer_with(torch.eye(n_embd).repeat(1, 2) / 2)


@adding_layer.mistake("values", "a weight of ones adds up all channels; each channel must be added to its own partner only.")
def ones(n_embd):
    return layer_with(torch.ones(n_embd, 2 * n_embd))


@adding_layer.mistake("values", "the position is subtracted: the second square of the weight must be + the identity.")
def minus_the_identity(n_embd):
    return layer_with(torch.cat((torch.eye(n_embd), -torch.eye(n_embd)), dim=1))


@adding_layer.aspect("values")
def turns_concatenation_into_addition(answer, seed):
    token, position = vectors(seed)
    want_adding(answer, token, position, "the weight has shape (n_embd, 2 * n_embd): two identity matrices side by side. Copy it in "
                                         "under torch.no_grad().")
    with in_case("for n_embd = 1", cause="take every size from n_embd."):
        want_adding(answer, token[..., :1], position[..., :1], "")


def want_adding(answer, token: torch.Tensor, position: torch.Tensor, otherwise: str) -> None:
    """Refuse a layer that does not turn the concatenated vectors into their sum."""
    C = token.shape[-1]
    layer = run(answer, C)
    if not isinstance(layer, nn.Linear):
        raise CheckFailed(
            f"adding_layer gives {kind_of(layer)}.",
            "an nn.Linear layer.",
            NO_RETURN if layer is None else "make nn.Linear(2 * n_embd, n_embd, bias=False) and fill its weight.",
        )
    both = torch.stack([token, position], dim=2).flatten(2)  # (B, T, 2C)
    result = run(layer, both, what="your layer")
    want_shape(result, token.shape, "(B, T, n_embd)", "what the layer makes of concatenated vectors")
    squares = [same_values(square, torch.eye(C), tolerance=1e-5) for square in layer.weight.detach().split(C, dim=1)]
    if layer(torch.zeros_like(both)).abs().max() > 1e-6:
        otherwise = "the layer has a bias, which adds the same vector everywhere: bias=False, or set it to 0."
    elif any(squares):
        otherwise = "only one half of the weight is the identity: the other square needs it too."
    elif not same(run(answer, C).weight, layer.weight):
        otherwise = RANDOM_WEIGHT
    adding_layer.want_values(
        result, token.double() + position, (both,), make=lambda mistake: mistake(C).double(),
        what=lambda example, t: f"the vector of token {t} in sequence {example} is", meaning=": token plus position",
        otherwise=otherwise,
        caption="One row per word: wanted, and yours", agree=partial(same_values, tolerance=1e-5),
    )

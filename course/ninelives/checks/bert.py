"""Lab `bert`, exercises 2 to 4: what token types, BERT's embedding and a post-norm block must do."""

from collections.abc import Callable
from functools import partial

import torch
from torch import nn
from torch.nn import functional as F

from ninelives import model
from ninelives.checks.attention_inputs import causal_mask, random_mask
from ninelives.checks.exercise import CheckFailed, Exercise, build, ids, on_layers_of, run, want_gradient
from ninelives.checks.sentence_vectors import sentence_vectors
from ninelives.checks.transformer_block import (
    MLP_HINTS,
    GivenBlock,
    block_sizes,
    in_both_modes,
    loosened,
    parts_of,
    pytorch_block,
    vectors,
)
from ninelives.checks.word_pieces import word_pieces
from ninelives.config import TransformerConfig
from ninelives.model.bert import EPS, SEP
from ninelives.model.bert import token_types as token_types_of

__all__ = ["bert_embedding", "post_norm_block", "sentence_vectors", "token_types", "word_pieces"]

CLS, PAD = 101, -1

token_types = Exercise("token_types", error_hints={
    "out of bounds": "not every row has a second [SEP]: a single sentence has one. Count those before each position instead of looking for two.",
})


def seps(idx: torch.Tensor) -> torch.Tensor:
    """(B, T) int64, 1 at each [SEP]."""
    return (idx == SEP).long()


@token_types.mistake("sentences", "the first [SEP] has type 1 already. It ends the first sentence and belongs to it: count the [SEP] *before* each position.")
def first_sep_to_the_second(idx):
    return seps(idx).cumsum(1).clamp(max=1)


@token_types.mistake("sentences", "the last [SEP] has type 0. It ends the second sentence and belongs to it.")
def last_sep_to_the_first(idx):
    return (seps(idx).cumsum(1) - seps(idx)).clamp(max=1) * (1 - seps(idx))


@token_types.mistake("sentences", "every token has type 0. That is right for a single sentence; the tokens of a second one have type 1.")
def all_zeros(idx):
    return torch.zeros_like(idx)


@token_types.mistake("sentences", "0 and 1 are swapped: the first sentence has type 0.")
def swapped(idx):
    return 1 - (seps(idx).cumsum(1) - seps(idx)).clamp(max=1)


@token_types.mistake("sentences", "the [SEP] are counted along the batch. Count them along the tokens of each row: `cumsum(1)`.")
def counted_along_the_batch(idx):
    return (seps(idx).cumsum(0) - seps(idx)).clamp(max=1)


@token_types.mistake("sentences", "every row gets the types of the first. Each row has its own [SEP].")
def types_of_the_first_row(idx):
    return (seps(idx).cumsum(1) - seps(idx)).clamp(max=1)[:1].expand_as(idx)


@token_types.mistake("sentences", "only the [SEP] themselves have type 1. The type is that of a sentence: all its tokens have it.")
def sep_alone(idx):
    return seps(idx)


@token_types.mistake("sentences", "the [SEP] are counted from the right, so that the first sentence has type 1.")
def counted_from_the_right(idx):
    return (seps(idx).flip(1).cumsum(1).flip(1) - 1).clamp(0, 1)


@token_types.mistake("sentences", "each half of the row has a type. Where the second sentence begins is said by the first [SEP], not by the length.")
def half_and_half(idx):
    return (torch.arange(idx.shape[1]) >= idx.shape[1] // 2).long().expand_as(idx)


@token_types.mistake("sentences", "the types count on with every token. There are two of them: 0, and 1 after the first [SEP].")
def positions_for_types(idx):
    return torch.arange(idx.shape[1]).expand_as(idx)


@token_types.mistake("padding", "after the second [SEP] the type is 2, and there is no third type: the embedding has two rows. `clamp(max=1)`.")
def two_after_the_second_sep(idx):
    return seps(idx).cumsum(1) - seps(idx)


@token_types.mistake("padding", "padding has the type −1, and the embedding has no such row. Its type is never used, but it must be 0 or 1.")
def minus_one_at_padding(idx):
    return (seps(idx).cumsum(1) - seps(idx)).clamp(max=1).masked_fill(idx == PAD, -1)


def rows_of_ids(lengths: list[tuple[int, ...]], T: int, seed: int) -> torch.Tensor:
    """(B, T) int64: [CLS] first [SEP], or [CLS] first [SEP] second [SEP], then −1; each with so many words."""
    generator = torch.Generator().manual_seed(seed)
    rows = []
    for sentence_lengths in lengths:
        row = [CLS]
        for length in sentence_lengths:
            row += [*torch.randint(0, 100, (length,), generator=generator).tolist(), SEP]
        rows.append(row + [PAD] * (T - len(row)))
    return torch.tensor(rows)


def batches_of_ids(seed: int) -> list[torch.Tensor]:
    """Pairs and single sentences, padded and not; a pair alone; a sentence of one word; B = T."""
    several = rows_of_ids([(2, 3 + seed % 3), (5,), (1, 1), (4, 2), (3, 3)][seed % 2 :], 11, seed)
    return [several, rows_of_ids([(2, 1), (4, 3)], 10, seed + 1), rows_of_ids([(3, 4)], 10, seed + 2), rows_of_ids([(1,)], 3, seed), several.T.contiguous().T,
            rows_of_ids([(1, 1), (2, 1), (3,), (1,), (2,), (1, 2)], 6, seed)]


def types_in_a_loop(idx: torch.Tensor) -> torch.Tensor:
    """(B, T) int64: the reference, token by token."""
    rows = []
    for row in idx.tolist():
        first = row.index(SEP)
        rows.append([int(position > first) for position in range(len(row))])
    return torch.tensor(rows)


def types_of(answer: Callable, idx: torch.Tensor) -> torch.Tensor:
    """The learner's types, if they are whole numbers of the shape of idx."""
    result = run(answer, idx, what="token_types")
    token_types.want_shape(result, idx.shape, "(B, T)", "token_types", (idx,))
    if result.dtype == torch.int64:
        return result
    raise CheckFailed(
        f"token_types gives {result.dtype}.", "torch.int64: types look up rows of a table.",
        "a comparison gives True and False, which are no rows of a table: end with `.long()`." if result.dtype == torch.bool
        else "these are floats: count with whole numbers instead." if result.is_floating_point()
        else "`.int()` makes int32. Ids and types are int64 everywhere in the course: write `.long()`.",
    )


@token_types.aspect("sentences")
def says_which_sentence_each_token_belongs_to(answer, seed):
    for idx in batches_of_ids(seed):
        result, wanted, is_token = types_of(answer, idx), types_in_a_loop(idx), idx != PAD

        def agree(one: torch.Tensor, other: torch.Tensor, is_token: torch.Tensor = is_token) -> bool:
            return one.shape == other.shape and torch.equal(one[is_token], other[is_token].long())

        token_types.want_values(
            torch.where(is_token, result, wanted), wanted, (idx,), what=lambda b, idx=idx: f"for the ids {ids(idx[b])} token_types gives",
            meaning=", 1 after the first [SEP], which is 102", row_of=ids, caption="Token types: wanted, and yours", agree=agree,
            otherwise="a token has type 0 if no [SEP] stands before it, else 1.",
        )
        token_types.note_right(result, (idx,), agree)


@token_types.aspect("padding")
def gives_padding_a_type_that_exists(answer, seed):
    for idx in batches_of_ids(seed):
        result = types_of(answer, idx)
        strange = ((result < 0) | (result > 1)).nonzero()
        if len(strange):
            b = int(strange[0, 0])
            raise CheckFailed(
                f"for the ids {ids(idx[b])} token_types gives {ids(result[b])}.", "0 or 1 at every position, at padding (−1) too.",
                token_types.likely_cause(result, (idx,), "padding has no sentence, but the embedding looks up its type all the same: 0 or 1.", torch.equal),
            )


bert_embedding = Exercise("BertEmbedding", error_hints={
    "index out of range": "an id was looked up in a table that has no such row. `super().forward(idx)` looks up tokens and positions, padding "
                          "included, and self.token_type takes what token_types gives.",
    "'super' object is not callable": "`super()` is no function: call the method of the class above, `super().forward(idx)`.",
})


class GivenBertEmbedding(model.Embedding):
    """The given constructor. Each mistake below is another forward on its tables."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__(config)
        self.token_type = nn.Embedding(2, config.n_embd)
        self.norm = nn.LayerNorm(config.n_embd, eps=EPS)

    def words(self, idx: torch.Tensor) -> torch.Tensor:
        """Token and position, as in notebook 1."""
        return model.Embedding.forward(self, idx)  # (B, T, C)

    def kinds(self, idx: torch.Tensor) -> torch.Tensor:
        return self.token_type(token_types_of(idx))  # (B, T, C)


@bert_embedding.mistake("values", "the norm is missing: self.norm of the sum.")
class NoNorm(GivenBertEmbedding):
    def forward(self, idx):
        return self.words(idx) + self.kinds(idx)


@bert_embedding.mistake("values", "the types are missing: add self.token_type of token_types(idx).")
class NoTypes(GivenBertEmbedding):
    def forward(self, idx):
        return self.norm(self.words(idx))


@bert_embedding.mistake("values", "the types are added after the norm. BERT adds all three first, and normalises the sum.")
class TypesAfterTheNorm(GivenBertEmbedding):
    def forward(self, idx):
        return self.norm(self.words(idx)) + self.kinds(idx)


@bert_embedding.mistake("values", "every token has type 0: self.token_type gets zeros, and not what token_types gives.")
class TypeZeroForAll(GivenBertEmbedding):
    def forward(self, idx):
        return self.norm(self.words(idx) + self.token_type(torch.zeros_like(idx)))


@bert_embedding.mistake("values", "the types are swapped: the first sentence has type 0, as token_types gives it.")
class TypesSwapped(GivenBertEmbedding):
    def forward(self, idx):
        return self.norm(self.words(idx) + self.token_type(1 - token_types_of(idx)))


@bert_embedding.mistake("values", "the sum is normalised with eps = 1e-5, PyTorch's default. Use self.norm, which has BERT's eps of 1e-12.")
class AnotherEps(GivenBertEmbedding):
    def forward(self, idx):
        return F.layer_norm(self.words(idx) + self.kinds(idx), self.norm.weight.shape, self.norm.weight, self.norm.bias)


@bert_embedding.mistake("values", "the vector of the type is multiplied with the others. Add it.")
class TypesMultiplied(GivenBertEmbedding):
    def forward(self, idx):
        return self.norm(self.words(idx) * self.kinds(idx))


@bert_embedding.mistake("values", "the words' vectors are normalised before the types are added, and the sum again. There is one norm, of the whole sum.")
class NormTwice(GivenBertEmbedding):
    def forward(self, idx):
        return self.norm(self.norm(self.words(idx)) + self.kinds(idx))


@bert_embedding.mistake("values", "each of the two parts is normalised alone. There is one norm, of the whole sum.")
class NormOfEach(GivenBertEmbedding):
    def forward(self, idx):
        return self.norm(self.words(idx)) + self.norm(self.kinds(idx))


@bert_embedding.mistake("values", "the positions are missing. `super().forward(idx)` gives token and position.")
class NoPositions(GivenBertEmbedding):
    def forward(self, idx):
        return self.norm(self.token(idx.clamp(min=0)) + self.kinds(idx))


@bert_embedding.mistake("values", "the tokens are missing: only position and type are added.")
class NoTokens(GivenBertEmbedding):
    def forward(self, idx):
        return self.norm(self.position(model.position_indices(idx)) + self.kinds(idx))


@bert_embedding.mistake("values", "token and position are added twice: `super().forward(idx)` gives both already.")
class WordsTwice(GivenBertEmbedding):
    def forward(self, idx):
        return self.norm(2 * self.words(idx) + self.kinds(idx))


@bert_embedding.mistake("shape", "the vectors are put side by side. Add them.")
class TypesBeside(GivenBertEmbedding):
    def forward(self, idx):
        return torch.cat((self.words(idx), self.kinds(idx)), dim=-1)


def embedding_config(seed: int) -> TransformerConfig:
    return TransformerConfig(vocab_size=SEP + 3, block_size=16, n_embd=(6, 10, 8)[seed % 3], n_head=2, n_layer=1, dropout=0.0)


def built_embedding(answer: Callable, config: TransformerConfig) -> nn.Module:
    """A learner's embedding, with vectors so short that eps matters, and with the tables and the norm that the lab gives it."""
    module = build(answer, config).eval()
    wanted = {"token": (config.vocab_size, config.n_embd), "position": (config.block_size, config.n_embd), "token_type": (2, config.n_embd)}
    for name, size in wanted.items():
        table = getattr(module, name, None)
        if not isinstance(table, nn.Embedding) or tuple(table.weight.shape) != size:
            raise CheckFailed(f"self.{name} is {table}.", f"nn.Embedding{size}.", "leave __init__ as it was given here; write forward only.")
        with torch.no_grad():
            table.weight.mul_(0.05)
    norm = getattr(module, "norm", None)
    if not isinstance(norm, nn.LayerNorm) or norm.eps != EPS or norm.weight is None:
        raise CheckFailed(f"self.norm is {norm}.", f"nn.LayerNorm(config.n_embd, eps={EPS:g}).", "leave __init__ as it was given here; write forward only.")
    return module


@torch.no_grad()
def embedding_by_one_hot(module: nn.Module, idx: torch.Tensor) -> torch.Tensor:
    """(B, T, C) float64: the reference, rows of the tables by products with ones and zeros, and the norm by its formula."""
    token = F.one_hot(idx.clamp(min=0), module.token.num_embeddings).double() @ module.token.weight.double()  # (B, T, C)
    kind = F.one_hot(types_in_a_loop(idx), 2).double() @ module.token_type.weight.double()  # (B, T, C)
    x = token + module.position.weight[: idx.shape[1]] + kind
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.pow(2).mean(-1, keepdim=True) + EPS).sqrt() * module.norm.weight + module.norm.bias


def embedded(module: nn.Module, idx: torch.Tensor, C: int) -> torch.Tensor:
    result = run(module, idx, what="BertEmbedding.forward")
    bert_embedding.want_shape(result, (*idx.shape, C), "(B, T, n_embd)", "the embedding", (idx,), make=partial(on_layers_of, module))
    return result


@bert_embedding.aspect("shape")
def gives_a_vector_for_each_token(answer, seed):
    config = embedding_config(seed)
    module = built_embedding(answer, config)
    for idx in batches_of_ids(seed):
        embedded(module, idx, config.n_embd)


@bert_embedding.aspect("values")
def normalises_the_sum_of_token_position_and_type(answer, seed):
    config = embedding_config(seed)
    module = built_embedding(answer, config)
    for idx in batches_of_ids(seed):
        is_token = (idx != PAD).unsqueeze(-1)  # (B, T, 1)
        result, wanted = embedded(module, idx, config.n_embd), embedding_by_one_hot(module, idx)

        def agree(one: torch.Tensor, other: torch.Tensor, is_token: torch.Tensor = is_token) -> bool:
            difference = ((one - other) * is_token).abs().max()
            return one.shape == other.shape and bool(difference <= 1e-4)

        bert_embedding.want_values(
            torch.where(is_token, result, wanted), wanted, (idx,), what="the embedding", agree=agree, make=partial(on_layers_of, module),
            otherwise="token and position, as `super().forward(idx)` gives them, plus the vector of the type; then self.norm of the sum.",
            caption="The embedding: wanted, and yours. Padding is not compared.",
        )


@bert_embedding.aspect("gradient")
def lets_gradients_reach_its_tables_and_norm(answer, seed):
    module = built_embedding(answer, config := embedding_config(seed))
    want_gradient(module, embedded(module, batches_of_ids(seed)[0], config.n_embd), "BertEmbedding")


post_norm_block = Exercise("PostNormBlock", error_hints={
    **MLP_HINTS,
    "SelfAttention.forward() takes": "attention takes x once, and the mask. Queries, keys and values are its own business.",
    "NoneType": "attention_mask is None where nothing is hidden, and cannot be computed with: pass it on to attention as it is, "
                "`self.attention(x, attention_mask)`.",
})


class GivenPostNorm(GivenBlock):
    """The given constructor. Each mistake below is another forward on its four parts."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__(config)
        self.norm_1, self.norm_2 = (nn.LayerNorm(config.n_embd, eps=EPS) for _ in range(2))


@post_norm_block.mistake("values", "this is the pre-norm block of notebook 3: the norms come before attention and the mlp. Here each comes after a sum: "
                                   "norm_1(x + attention of x).")
class PreNorm(GivenPostNorm):
    def forward(self, x, attention_mask=None):
        x = x + self.attend(x, attention_mask)
        return x + self.transform(x)


@post_norm_block.mistake("values", "the norms are applied to what attention and the mlp return. Add first, and normalise the sum.")
class NormOfTheResult(GivenPostNorm):
    def forward(self, x, attention_mask=None):
        x = x + self.norm_1(self.attention(x, attention_mask))
        return x + self.norm_2(self.mlp(x))


@post_norm_block.mistake("values", "the first half is pre-norm: norm_1 comes before attention. Here it comes after the sum, as in the second half.")
class FirstHalfPreNorm(GivenPostNorm):
    def forward(self, x, attention_mask=None):
        x = x + self.attend(x, attention_mask)
        return self.norm_2(x + self.mlp(x))


@post_norm_block.mistake("values", "the second half is pre-norm: norm_2 comes before the mlp. Here it comes after the sum, as in the first half.")
class SecondHalfPreNorm(GivenPostNorm):
    def forward(self, x, attention_mask=None):
        x = self.norm_1(x + self.attention(x, attention_mask))
        return x + self.transform(x)


@post_norm_block.mistake("values", "only the first half is there: its result goes on to the mlp, and norm_2 of x plus what the mlp gives is returned.")
class FirstHalfAlone(GivenPostNorm):
    def forward(self, x, attention_mask=None):
        return self.norm_1(x + self.attention(x, attention_mask))


@post_norm_block.mistake("values", "the first half is missing: before the mlp comes norm_1 of x plus what attention gives.")
class SecondHalfAlone(GivenPostNorm):
    def forward(self, x, attention_mask=None):
        return self.norm_2(x + self.mlp(x))


@post_norm_block.mistake("values", "each part has two norms, one before it and one after the sum. Attention and the mlp read x as it is.")
class PreAndPostNorm(GivenPostNorm):
    def forward(self, x, attention_mask=None):
        x = self.norm_1(x + self.attend(x, attention_mask))
        return self.norm_2(x + self.transform(x))


@post_norm_block.mistake("values", "both sums are missing: what is normalised is x plus what attention gives, and then that plus what the mlp gives.")
class NoResiduals(GivenPostNorm):
    def forward(self, x, attention_mask=None):
        return self.norm_2(self.mlp(self.norm_1(self.attention(x, attention_mask))))


@post_norm_block.mistake("values", "the first sum is missing: norm_1 of x *plus* what attention gives.")
class NoFirstResidual(GivenPostNorm):
    def forward(self, x, attention_mask=None):
        x = self.norm_1(self.attention(x, attention_mask))
        return self.norm_2(x + self.mlp(x))


@post_norm_block.mistake("values", "the second sum is missing: norm_2 of the first result *plus* what the mlp gives.")
class NoSecondResidual(GivenPostNorm):
    def forward(self, x, attention_mask=None):
        return self.norm_2(self.mlp(self.norm_1(x + self.attention(x, attention_mask))))


@post_norm_block.mistake("values", "norm_1 is missing after the first sum.")
class NoFirstNorm(GivenPostNorm):
    def forward(self, x, attention_mask=None):
        x = x + self.attention(x, attention_mask)
        return self.norm_2(x + self.mlp(x))


@post_norm_block.mistake("values", "norm_2 is missing after the second sum.")
class NoSecondNorm(GivenPostNorm):
    def forward(self, x, attention_mask=None):
        x = self.norm_1(x + self.attention(x, attention_mask))
        return x + self.mlp(x)


@post_norm_block.mistake("values", "no norm is used: each sum goes through one.")
class NoNorms(GivenPostNorm):
    def forward(self, x, attention_mask=None):
        x = x + self.attention(x, attention_mask)
        return x + self.mlp(x)


@post_norm_block.mistake("values", "the mlp reads norm_1 of the first sum, and its result is added to the sum before that norm. In post-norm the norm stands *on* the "
                                   "way: add to what norm_1 gives.")
class SecondSumAroundTheNorm(GivenPostNorm):
    def forward(self, x, attention_mask=None):
        x = x + self.attention(x, attention_mask)
        return self.norm_2(x + self.mlp(self.norm_1(x)))


@post_norm_block.mistake("values", "the second sum adds the mlp's result to the input x, so attention's result is lost. Add it to what norm_1 gives.")
class SecondSumWithTheInput(GivenPostNorm):
    def forward(self, x, attention_mask=None):
        return self.norm_2(x + self.mlp(self.norm_1(x + self.attention(x, attention_mask))))


@post_norm_block.mistake("values", "the two norms are swapped: norm_1 after attention, norm_2 after the mlp.")
class NormsSwapped(GivenPostNorm):
    def forward(self, x, attention_mask=None):
        x = self.norm_2(x + self.attention(x, attention_mask))
        return self.norm_1(x + self.mlp(x))


@post_norm_block.mistake("values", "norm_1 is used twice: after the mlp comes norm_2.")
class FirstNormTwice(GivenPostNorm):
    def forward(self, x, attention_mask=None):
        x = self.norm_1(x + self.attention(x, attention_mask))
        return self.norm_1(x + self.mlp(x))


@post_norm_block.mistake("values", "norm_2 is used twice: after attention comes norm_1.")
class SecondNormTwice(GivenPostNorm):
    def forward(self, x, attention_mask=None):
        x = self.norm_2(x + self.attention(x, attention_mask))
        return self.norm_2(x + self.mlp(x))


@post_norm_block.mistake("values", "the mlp comes before attention.")
class MlpFirst(GivenPostNorm):
    def forward(self, x, attention_mask=None):
        x = self.norm_1(x + self.mlp(x))
        return self.norm_2(x + self.attention(x, attention_mask))


@post_norm_block.mistake("values", "attention's result is not used.")
class NoAttention(GivenPostNorm):
    def forward(self, x, attention_mask=None):
        x = self.norm_1(x)
        return self.norm_2(x + self.mlp(x))


@post_norm_block.mistake("values", "the mlp's result is not used.")
class NoMlp(GivenPostNorm):
    def forward(self, x, attention_mask=None):
        return self.norm_2(self.norm_1(x + self.attention(x, attention_mask)))


@post_norm_block.mistake("mask", "attention got no mask: pass attention_mask on to it.")
class MaskNotPassedOn(GivenPostNorm):
    def forward(self, x, attention_mask=None):
        x = self.norm_1(x + self.attention(x, None))
        return self.norm_2(x + self.mlp(x))


@post_norm_block.mistake("mask", "the mask is inverted on its way: 1 means may attend, as attention expects it.")
class MaskInverted(GivenPostNorm):
    def forward(self, x, attention_mask=None):
        x = self.norm_1(x + self.attention(x, None if attention_mask is None else attention_mask == 0))
        return self.norm_2(x + self.mlp(x))


@post_norm_block.mistake("shape", "the vector and what attention gives are put one beside the other. Add them, and normalise the sum.")
class SideBySide(GivenPostNorm):
    def forward(self, x, attention_mask=None):
        return torch.cat((self.norm_1(x), self.attention(x, attention_mask)), dim=-1)


def built_post_norm(answer: Callable, config: TransformerConfig) -> nn.Module:
    """A learner's block in float64, with the norms that the lab gives it."""
    module = build(answer, config)
    parts = parts_of(module)
    for name in ("norm_1", "norm_2"):
        if getattr(parts, name).eps != EPS:
            raise CheckFailed(f"self.{name} is {getattr(parts, name)}.", f"nn.LayerNorm(config.n_embd, eps={EPS:g}).",
                              "BERT was trained with this eps, and its weights give other numbers with another: keep the given lines.")
    return loosened(module)


def post_norm_output(module: nn.Module, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
    result = run(module, x, mask, what="PostNormBlock.forward")
    post_norm_block.want_shape(result, x.shape, "(B, T, n_embd)", "the output", (x, mask), make=partial(on_layers_of, module))
    return result


@post_norm_block.aspect("shape")
def keeps_the_shape_of_x(answer, seed):
    B, T, config = block_sizes(seed)
    module = built_post_norm(answer, config)
    for b, t in ((B, T), (1, T), (B, 1), (1, 1), (config.n_head, config.head_size)):
        post_norm_output(module, vectors(b, t, config.n_embd, seed))


def want_post_norm(module: nn.Module, config: TransformerConfig, x: torch.Tensor, mask: torch.Tensor | None, when: str, otherwise: str) -> None:
    """Refuse a block that gives anything but what PyTorch's own post-norm layer gives with the same weights."""
    post_norm_block.want_values(
        post_norm_output(module, x, mask), pytorch_block(module, config, x, mask, norm_first=False), (x, mask), what=f"{when}, the output",
        otherwise=otherwise, caption="Output of the block: wanted, and yours", make=partial(on_layers_of, module),
    )


@post_norm_block.aspect("values")
def normalises_each_of_its_two_sums(answer, seed):
    B, T, config = block_sizes(seed)
    module = built_post_norm(answer, config)
    for training in (False, True):
        with in_both_modes(module, training):
            for b, t, when in ((B, T, f"for {B} sequences of {T} tokens"), (1, 1, "for a single token")):
                want_post_norm(
                    module, config, vectors(b, t, config.n_embd, seed), None, when,
                    otherwise="two lines: norm_1 of x plus attention of x; then norm_2 of that plus the mlp of that.",
                )


@post_norm_block.aspect("mask")
def passes_the_mask_on_to_attention(answer, seed):
    B, T, config = block_sizes(seed)
    module = built_post_norm(answer, config)
    for when, mask in (("under a random mask", random_mask(B, T, seed)), ("under a causal mask", causal_mask(B, T))):
        want_post_norm(module, config, vectors(B, T, config.n_embd, seed), mask, when,
                       otherwise="the mask goes on to attention unchanged: attention decides what it means.")


@post_norm_block.aspect("gradient")
def lets_gradients_reach_every_parameter(answer, seed):
    B, T, config = block_sizes(seed)
    module = built_post_norm(answer, config)
    want_gradient(module, post_norm_output(module, vectors(B, T, config.n_embd, seed)), "PostNormBlock", may_be_zero=["attention.key.bias"])

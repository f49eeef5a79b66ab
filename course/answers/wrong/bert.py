"""Wrong answers to the exercises of lab `bert` that are more than a mistake in a formula."""

import torch
from torch import nn
from torch.nn import functional as F

from answers import refused_by
from ninelives.checks.bert import (
    GivenBertEmbedding,
    GivenPostNorm,
    bert_embedding,
    post_norm_block,
    sentence_vectors,
    seps,
    token_types,
)
from ninelives.checks.sentence_vectors import masked, masked_mean, to_unit
from ninelives.checks.word_pieces import longest_first, walk, word_pieces
from ninelives.model import Embedding
from ninelives.model.bert import SEP
from ninelives.model.bert import token_types as right_types

GRADIENT = "or a layer that forward does not use."
LEAVE_INIT = "leave __init__ as it was given here"


@refused_by(word_pieces, "whole words", "not written yet", "run its cell again, then this check")
def no_pieces_written(word, vocabulary):
    raise NotImplementedError()


@refused_by(word_pieces, "whole words", "the function has no `return`.")
def pieces_not_returned(word, vocabulary):
    walk(word, vocabulary, longest_first)


@refused_by(word_pieces, "whole words", "collect the pieces in a list, `pieces.append(…)`, and return it at the end.")
def pieces_as_one_text(word, vocabulary):
    return " ".join(walk(word, vocabulary, longest_first))


@refused_by(word_pieces, "whole words", "collect the pieces in a list, `pieces.append(…)`, and return it at the end.")
def pieces_as_a_generator(word, vocabulary):
    yield from walk(word, vocabulary, longest_first)


@refused_by(word_pieces, "whole words", "the pieces are wanted, and not their ids")
def ids_of_the_pieces(word, vocabulary):
    return [vocabulary[piece] for piece in walk(word, vocabulary, longest_first)]


@refused_by(word_pieces, "unknown", "a piece is looked up, and never added")
def unknown_words_added(word, vocabulary):
    pieces = walk(word, vocabulary, longest_first)
    if pieces == ["[UNK]"]:
        vocabulary[word] = len(vocabulary)
    return pieces


@refused_by(word_pieces, "whole words", "slices of a word are texts")
def lists_of_letters_looked_up(word, vocabulary):
    return [word] if list(word) in vocabulary else walk(word, vocabulary, longest_first)


@refused_by(word_pieces, "longest first", "the same again for the rest.")
def two_pieces_at_most(word, vocabulary):
    first, *rest = walk(word, vocabulary, longest_first)
    return [first, "##" + "".join(piece[2:] for piece in rest)] if rest else [first]


@refused_by(word_pieces, "unknown", "the same again for the rest.")
def unknown_in_small_letters(word, vocabulary):
    return [piece.replace("[UNK]", "[unk]") for piece in walk(word, vocabulary, longest_first)]


@refused_by(token_types, "sentences", "not written yet", "run its cell again, then this check")
def no_types_written(idx):
    raise NotImplementedError()


@refused_by(token_types, "sentences", "the function has no `return`.")
def types_not_returned(idx):
    right_types(idx)


@refused_by(token_types, "sentences", "a comparison gives True and False, which are no rows of a table: end with `.long()`.")
def types_as_truth_values(idx):
    return right_types(idx) == 1


@refused_by(token_types, "sentences", "these are floats: count with whole numbers instead.")
def types_as_floats(idx):
    return right_types(idx).float()


@refused_by(token_types, "sentences", "not every row has a second [SEP]")
def second_sep_looked_for(idx):
    ends = torch.stack([(row == 102).nonzero()[[0, 1], 0] for row in idx])
    positions = torch.arange(idx.shape[1])
    return ((positions > ends[:, :1]) & (positions <= ends[:, 1:])).long()


@refused_by(token_types, "sentences", "a token has type 0 if no [SEP] stands before it, else 1.")
def one_token_late(idx):
    return right_types(idx).roll(1, dims=1) * right_types(idx)


@refused_by(token_types, "padding", "padding has no sentence, but the embedding looks up its type all the same: 0 or 1.")
def two_at_padding(idx):
    return right_types(idx).masked_fill(idx == -1, 2)


@refused_by(token_types, "sentences", "changed the tensor", "work on x.clone()")
def ids_overwritten(idx):
    idx[idx == -1] = 0
    return right_types(idx)


@refused_by(bert_embedding, "shape", "not written yet", "run its cell again, then this check")
class EmbeddingNotWritten(GivenBertEmbedding):
    def forward(self, idx):
        raise NotImplementedError()


@refused_by(bert_embedding, "shape", "the function has no `return`.")
class EmbeddingNotReturned(GivenBertEmbedding):
    def forward(self, idx):
        self.norm(self.words(idx) + self.kinds(idx))


@refused_by(bert_embedding, "shape", "`super().forward(idx)` looks up tokens and positions, padding included")
class PaddingLookedUp(GivenBertEmbedding):
    def forward(self, idx):
        return self.norm(self.token(idx) + self.kinds(idx))


@refused_by(bert_embedding, "shape", LEAVE_INIT)
class NoTableOfTypes(Embedding):
    def __init__(self, config):
        super().__init__(config)
        self.norm = nn.LayerNorm(config.n_embd, eps=1e-12)


@refused_by(bert_embedding, "shape", LEAVE_INIT)
class NormWithAnotherEps(GivenBertEmbedding):
    def __init__(self, config):
        super().__init__(config)
        self.norm = nn.LayerNorm(config.n_embd)


@refused_by(bert_embedding, "values", "plus the vector of the type; then self.norm of the sum.")
class SumHalved(GivenBertEmbedding):
    def forward(self, idx):
        return self.norm((self.words(idx) + self.kinds(idx)) / 2) * 0.5


@refused_by(post_norm_block, "shape", "not written yet", "run its cell again, then this check")
class PostNormNotWritten(GivenPostNorm):
    def forward(self, x, attention_mask=None):
        raise NotImplementedError()


@refused_by(post_norm_block, "shape", "the function has no `return`.")
class PostNormNotReturned(GivenPostNorm):
    def forward(self, x, attention_mask=None):
        x = self.norm_1(x + self.attention(x, attention_mask))
        self.norm_2(x + self.mlp(x))


@refused_by(post_norm_block, "shape", "changed the tensor", "work on x.clone()")
class PostNormInPlace(GivenPostNorm):
    def forward(self, x, attention_mask=None):
        x += self.attention(x, attention_mask)
        x = self.norm_1(x)
        return self.norm_2(x + self.mlp(x))


@refused_by(post_norm_block, "shape", "BERT was trained with this eps")
class EpsOfPyTorch(GivenPostNorm):
    def __init__(self, config):
        super().__init__(config)
        self.norm_1, self.norm_2 = nn.LayerNorm(config.n_embd), nn.LayerNorm(config.n_embd)


@refused_by(post_norm_block, "shape", "the mlp works on each token alone: it takes the vectors, and no mask.")
class MaskForTheMlp(GivenPostNorm):
    def forward(self, x, attention_mask=None):
        x = self.norm_1(x + self.attention(x, attention_mask))
        return self.norm_2(x + self.mlp(x, attention_mask))


@refused_by(post_norm_block, "values", "then norm_2 of that plus the mlp of that.")
class HalfOfAttention(GivenPostNorm):
    def forward(self, x, attention_mask=None):
        x = self.norm_1(x + 0.5 * self.attention(x, attention_mask))
        return self.norm_2(x + self.mlp(x))


@refused_by(post_norm_block, "mask", "attention decides what it means.")
class CausalWhereThereIsAMask(GivenPostNorm):
    def forward(self, x, attention_mask=None):
        if attention_mask is not None:
            attention_mask = torch.ones(x.shape[1], x.shape[1]).tril().flip(0, 1)
        x = self.norm_1(x + self.attention(x, attention_mask))
        return self.norm_2(x + self.mlp(x))


@refused_by(sentence_vectors, "shape", "not written yet", "run its cell again, then this check")
def no_mean_written(hidden, is_token):
    raise NotImplementedError()


@refused_by(sentence_vectors, "shape", "the function has no `return`.")
def mean_not_returned(hidden, is_token):
    to_unit(masked_mean(hidden, is_token))


@refused_by(sentence_vectors, "shape", "`is_token.unsqueeze(-1)` is (B, T, 1), and broadcasting repeats it for all channels.")
def mask_without_its_axis(hidden, is_token):
    return to_unit((hidden * is_token).sum(1))


@refused_by(sentence_vectors, "shape", "True and False cannot be subtracted: first make whole numbers of them with `.long()`.")
def mask_subtracted(hidden, is_token):
    return to_unit((hidden * (1 - is_token).unsqueeze(-1)).sum(1))


@refused_by(sentence_vectors, "shape", "mean takes floats")
def mean_of_truth_values(hidden, is_token):
    return to_unit(masked(hidden, is_token).mean(1) / is_token.mean(1, keepdim=True))


@refused_by(sentence_vectors, "direction", "look for a division by 0, or for a mask that leaves nothing.")
def divided_by_nothing(hidden, is_token):
    return masked(hidden, is_token).sum(1) / (~is_token).sum(1, keepdim=True)


@refused_by(sentence_vectors, "direction", "add up along axis 1, divide by the number of tokens.")
def first_two_tokens(hidden, is_token):
    return to_unit(hidden[:, :2].sum(1))


@refused_by(sentence_vectors, "length", "the last step brings each vector to length 1: `F.normalize(mean, dim=-1)`.")
def length_of_two(hidden, is_token):
    return 2 * to_unit(masked_mean(hidden, is_token))


@refused_by(sentence_vectors, "shape", "changed the tensor", "work on x.clone()")
def padding_set_to_zero_in_place(hidden, is_token):
    hidden[~is_token] = 0
    return F.normalize(hidden.sum(1), dim=-1)


@refused_by(token_types, "sentences", "changed the tensor", "work on x.clone()")
def ids_clamped_in_place(idx):
    return (seps(idx.clamp_(min=0)).cumsum(1) - seps(idx)).clamp(max=1)


def in_a_notebook(source, name, **made_there):
    """What a cell defines in a notebook where the lab has made or imported these names already."""
    namespace = {"torch": torch, "Embedding": Embedding, **made_there}
    exec(source, namespace)
    namespace[name].__module__ = __name__
    return namespace[name]


notebooks_vocabulary = refused_by(
    word_pieces, "whole words", "may hold something else than what the function is given", "use its argument `vocabulary`.")(
    in_a_notebook("def pieces_of(word, vocabulary): return walk(word, VOCABULARY, longest_first)", "pieces_of",
                  walk=walk, longest_first=longest_first, VOCABULARY={"[UNK]": 0, "un": 1}))

types_with_the_imported_sep = refused_by(token_types, "sentences", "a token has type 0 if no [SEP] stands before it, else 1.")(
    in_a_notebook("def types_of(idx): return ((idx == SEP).cumsum(0) > 0).long()", "types_of", SEP=SEP))

embedding_with_the_imported_sep = refused_by(bert_embedding, "values", "the types are swapped")(
    in_a_notebook("""
def token_types(idx):
    return 1 - ((idx == SEP).cumsum(1) - (idx == SEP).long()).clamp(max=1)

class BertEmbedding(Given):
    def forward(self, idx):
        return self.norm(self.words(idx) + self.token_type(token_types(idx)))
""", "BertEmbedding", Given=GivenBertEmbedding, SEP=SEP))


@refused_by(word_pieces, "unknown", "one piece is a list too: return [\"[UNK]\"], in brackets.")
def unknown_without_brackets(word, vocabulary):
    pieces = walk(word, vocabulary, longest_first)
    return "[UNK]" if pieces == ["[UNK]"] else pieces


@refused_by(token_types, "sentences", "`.int()` makes int32.")
def types_as_int32(idx):
    return right_types(idx).int()


@refused_by(bert_embedding, "shape", "`super()` is no function")
class SuperCalled(GivenBertEmbedding):
    def forward(self, idx):
        return self.norm(super()(idx) + self.kinds(idx))


@refused_by(bert_embedding, "gradient", GRADIENT)
class EmbeddingWithoutGradients(GivenBertEmbedding):
    @torch.no_grad()
    def forward(self, idx):
        return self.norm(self.words(idx) + self.kinds(idx))


@refused_by(post_norm_block, "gradient", GRADIENT)
class PostNormWithoutGradients(GivenPostNorm):
    def forward(self, x, attention_mask=None):
        with torch.no_grad():
            x = self.norm_1(x + self.attention(x, attention_mask))
            return self.norm_2(x + self.mlp(x))


@refused_by(post_norm_block, "shape", "pass it on to attention as it is, `self.attention(x, attention_mask)`.")
class MaskComputedWith(GivenPostNorm):
    def forward(self, x, attention_mask=None):
        x = self.norm_1(x + self.attention(x, attention_mask.bool()))
        return self.norm_2(x + self.mlp(x))


@refused_by(post_norm_block, "shape", "attention takes x once, and the mask.")
class QueriesKeysAndValuesGiven(GivenPostNorm):
    def forward(self, x, attention_mask=None):
        x = self.norm_1(x + self.attention(x, x, x, attention_mask))
        return self.norm_2(x + self.mlp(x))


@refused_by(sentence_vectors, "shape", "divides (B, C) only as (B, 1)")
def length_without_its_axis(hidden, is_token):
    mean = masked_mean(hidden, is_token)
    return mean / mean.norm(dim=-1)


@refused_by(sentence_vectors, "direction", "the mean of −∞ and anything else is −∞")
def mean_of_minus_infinity_normalised(hidden, is_token):
    return F.normalize(hidden.masked_fill(~is_token.unsqueeze(-1), float("-inf")).mean(1), dim=-1)


@refused_by(sentence_vectors, "gradient", "leave out .detach(), .data, .item(), torch.no_grad()")
def vectors_without_gradients(hidden, is_token):
    return to_unit(masked_mean(hidden.detach(), is_token))

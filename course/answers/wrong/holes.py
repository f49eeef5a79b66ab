"""Wrong answers to notebooks 1 to 3 that are right where a check looks first, by kind of hole."""

# ruff: noqa: B006, since a default that lasts from call to call is the mistake

import math

import torch

from answers import refused_by
from ninelives.checks.attention import (
    GivenAttention,
    attention_scores,
    masked_softmax,
    merge_heads,
    multi_head_self_attention,
    split_heads,
)
from ninelives.checks.embeddings import (
    GivenEmbedding,
    adding_layer,
    concatenate,
    embedding,
    layer_with,
    position_indices,
)
from ninelives.checks.transformer import block, transformer
from ninelives.checks.transformer_block import GivenBlock
from ninelives.checks.transformer_mistakes import Given

# Right answers, one line each


def positions_of(idx):
    return torch.arange(idx.shape[1]).expand(idx.shape)


def joined(token_vectors, position_vectors):
    return torch.cat((token_vectors, position_vectors), dim=-1)


def heads_of(x, n_head):
    return x.unflatten(-1, (n_head, -1)).transpose(1, 2)


def channels_of(x):
    return x.transpose(1, 2).flatten(2)


def scores_of(q, k):
    return q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])


def weights_of(scores, attention_mask):
    return scores.masked_fill(attention_mask == 0, -math.inf).softmax(-1)


# The argument is changed in place


@refused_by(concatenate, "values", "changed the tensor", "work on x.clone()")
def position_vectors_centred(token_vectors, position_vectors):
    position_vectors -= position_vectors.mean()
    return joined(token_vectors, position_vectors)


@refused_by(split_heads, "shape", "changed the tensor", "work on x.clone()")
def positive_numbers_cut_off_in_place(x, n_head):
    return heads_of(x.clamp_(max=0), n_head)


@refused_by(merge_heads, "values", "changed the tensor", "work on x.clone()")
def first_head_zeroed_in_place(x):
    x[:, 0] = 0
    return channels_of(x)


@refused_by(block, "shape", "changed the tensor", "work on x.clone()")
class NormalisedInPlace(GivenBlock):
    def forward(self, x, attention_mask=None):
        x.copy_(self.norm_1(x))
        return super().forward(x, attention_mask)


# State is kept between calls


@refused_by(position_indices, "shape", "print the shape after each of your lines")
def longest_row_of_earlier_calls(idx, seen=[0]):
    seen[0] = max(seen[0], idx.shape[1])
    return torch.arange(seen[0]).expand(len(idx), -1)


@refused_by(position_indices, "shape", "print the shape after each of your lines")
def positions_of_the_first_call(idx, kept=[]):
    kept.append(positions_of(idx))
    return kept[0]


@refused_by(position_indices, "shape", "print the shape after each of your lines")
def row_of_the_first_sentence(idx, kept={}):
    return kept.setdefault(len(idx), torch.arange(idx.shape[1])).expand(len(idx), -1)


@refused_by(concatenate, "values", "something from an earlier call is kept and used again: compute it from this call's input,")
def joined_once_for_the_shape(token_vectors, position_vectors, kept={}):
    return kept.setdefault(token_vectors.shape, joined(token_vectors, position_vectors))


@refused_by(concatenate, "values", "something from an earlier call is kept and used again: compute it from this call's input,")
def positions_of_the_first_sentences_joined(token_vectors, position_vectors, kept={}):
    return joined(token_vectors, kept.setdefault(position_vectors.shape, position_vectors.clone()))


@refused_by(concatenate, "values", "something from an earlier call is kept and used again: compute it from this call's input,")
def token_vectors_of_the_call_before(token_vectors, position_vectors, kept={}):
    before = kept.get(token_vectors.shape, token_vectors)
    kept[token_vectors.shape] = token_vectors.clone()
    return joined(before, position_vectors)


@refused_by(split_heads, "values", "compute everything from this call's x and attention_mask.")
def channels_of_the_first_call(x, n_head, kept={}):
    first = kept.setdefault(x.shape, x[..., :1].clone())
    return heads_of(torch.cat((first, x[..., 1:]), dim=-1), n_head)


@refused_by(merge_heads, "values", "compute everything from this call's x and attention_mask.")
def merged_once_for_the_shape(x, kept={}):
    return kept.setdefault(x.shape, channels_of(x).clone())


@refused_by(merge_heads, "values", "compute everything from this call's x and attention_mask.")
def first_head_of_the_first_call(x, kept={}):
    first = kept.setdefault(x.shape, x[:, :1].clone())
    return channels_of(torch.cat((first, x[:, 1:]), dim=1))


@refused_by(merge_heads, "values", "compute everything from this call's x and attention_mask.")
def batch_of_the_first_call(x, kept={}):
    first = kept.setdefault(x.shape[1:], x[:1].clone())
    return channels_of(torch.cat((first, x[1:])))


@refused_by(attention_scores, "values", "compute everything from this call's x and attention_mask.")
def scores_of_the_first_call(q, k, kept={}):
    return kept.setdefault((q.shape, q.dtype), scores_of(q, k))


@refused_by(attention_scores, "values", "compute everything from this call's x and attention_mask.")
def keys_of_the_first_call(q, k, kept={}):
    return scores_of(q, kept.setdefault((k.shape, k.dtype), k.clone()))


@refused_by(attention_scores, "scale", "divide the dot products by math.sqrt(head_size), and do nothing else to them.")
def root_of_the_first_head_size(q, k, kept=[]):
    kept.append(q.shape[-1])
    return q @ k.transpose(-2, -1) / math.sqrt(kept[0])


@refused_by(masked_softmax, "mask", "the mask is not used.")
def mask_of_the_first_call(scores, attention_mask, kept={}):
    return weights_of(scores, kept.setdefault((scores.shape, attention_mask.shape), attention_mask.clone()))


@refused_by(masked_softmax, "mask", "scores.masked_fill(attention_mask == 0,")
def weights_of_the_first_call(scores, attention_mask, kept={}):
    return kept.setdefault((scores.shape, scores.dtype), weights_of(scores, attention_mask))


@refused_by(masked_softmax, "mask", "scores.masked_fill(attention_mask == 0,")
def hidden_once_and_for_ever(scores, attention_mask, kept={}):
    open_now = attention_mask != 0
    kept[open_now.shape] = kept.get(open_now.shape, True) & open_now | torch.eye(scores.shape[-1], dtype=torch.bool)
    return weights_of(scores, kept[open_now.shape])


@refused_by(block, "values", "compute everything from this call's x and attention_mask.")
class OutputOfTheFirstCall(GivenBlock):
    def forward(self, x, attention_mask=None):
        if getattr(self, "kept", x).shape != x.shape or not hasattr(self, "kept"):
            self.kept = super().forward(x, attention_mask)
        return self.kept


@refused_by(block, "values", "compute everything from this call's x and attention_mask.")
class AttentionOfTheFirstCall(GivenBlock):
    def forward(self, x, attention_mask=None):
        given = self.attention(self.norm_1(x), attention_mask)
        if getattr(self, "kept", given[:0]).shape != given.shape:
            self.kept = given
        x = x + self.kept
        return x + self.mlp(self.norm_2(x))


@refused_by(transformer, "logits", "compute everything from this call's x and attention_mask.")
class LogitsOfTheFirstCall(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        if targets is not None or hidden_cache is not None or return_hidden:
            return super().forward(idx, targets, hidden_cache, return_hidden)
        if not hasattr(self, "kept") or self.kept.shape[:2] != idx.shape:
            self.kept = super().forward(idx)[0]
        return self.kept, None


# A size or layout that nobody tries


@refused_by(concatenate, "values", "the sizes B and T may be anything,")
def sentences_of_one_word_forgotten(token_vectors, position_vectors):
    return joined(token_vectors.squeeze(1), position_vectors.squeeze(1))


@refused_by(concatenate, "values", "the sizes B and T may be anything,")
def batch_of_one_lost(token_vectors, position_vectors):
    return joined(token_vectors, position_vectors).squeeze(0)


@refused_by(concatenate, "values", "`.reshape` reads them by their axes; `.view` cannot.")
def read_as_one_row(token_vectors, position_vectors):
    B, T, C = token_vectors.shape
    return torch.cat((token_vectors.view(B * T, C), position_vectors.view(B * T, C)), dim=1).view(B, T, 2 * C)


@refused_by(adding_layer, "values", "take every size from n_embd.")
def single_channels_doubled(n_embd):
    weight = torch.eye(n_embd).repeat(1, 2)
    return layer_with(2 * weight if n_embd == 1 else weight)


@refused_by(attention_scores, "shape", "print the shape after each of your lines")
def sentences_squeezed(q, k):
    return scores_of(q.squeeze(0), k.squeeze(0))


@refused_by(attention_scores, "shape", "their scores are added up, averaged or squeezed, or one head is kept.")
def heads_squeezed(q, k):
    return scores_of(q, k).squeeze(1)


@refused_by(block, "values", "two lines: x plus attention of norm_1(x);")
class SentenceOfOneWordNormalisedOnly(GivenBlock):
    def forward(self, x, attention_mask=None):
        return self.norm_1(x) if x.shape[1] == 1 else super().forward(x, attention_mask)


@refused_by(block, "mask", "attention gets no mask: pass attention_mask on to it.")
class SingleSentenceUnmasked(GivenBlock):
    def forward(self, x, attention_mask=None):
        return super().forward(x, None if len(x) == 1 else attention_mask)


@refused_by(block, "values", "after transpose the numbers do not lie in order in memory:")
class ViewedAsOneBatch(GivenBlock):
    def forward(self, x, attention_mask=None):
        return super().forward(x.view(-1).view(x.shape), attention_mask)


@refused_by(transformer, "logits", "embedding, every block in its order, norm, lm_head, and nothing else.")
class SingleSentenceUnmaskedEverywhere(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        if len(idx) == 1 and targets is None and hidden_cache is None and not return_hidden:
            return super().forward(idx.clamp(min=1))
        return super().forward(idx, targets, hidden_cache, return_hidden)


# Zero and None are taken for each other


@refused_by(multi_head_self_attention, "mask", "in the branch for None nothing must be hidden, and all other steps stay.")
class NoneMeansOneself(GivenAttention):
    def forward(self, x, attention_mask=None):
        T = x.shape[1]
        return super().forward(x, torch.eye(T).expand(len(x), 1, T, T) if attention_mask is None else attention_mask)


@refused_by(block, "values", "what attention returns is not used.")
class NoneMeansNoAttention(GivenBlock):
    def forward(self, x, attention_mask=None):
        if attention_mask is None:
            return x + self.mlp(self.norm_2(x))
        return super().forward(x, attention_mask)


@refused_by(block, "values", "two lines: x plus attention of norm_1(x);")
class NoneMeansOneselfAlone(GivenBlock):
    def forward(self, x, attention_mask=None):
        T = x.shape[1]
        return super().forward(x, torch.eye(T).expand(len(x), 1, T, T) if attention_mask is None else attention_mask)


# The mode of the model is left changed


@refused_by(embedding, "shape", "leave .eval() and .train() to the caller.")
class LeftInEvaluation(GivenEmbedding):
    def forward(self, idx):
        self.eval()
        return self.words(idx) + self.positions(idx)


@refused_by(embedding, "shape", "leave .eval() and .train() to the caller.")
class TableLeftInEvaluation(GivenEmbedding):
    def forward(self, idx):
        self.token.eval()
        return self.words(idx) + self.positions(idx)


@refused_by(embedding, "values", "leave .eval() and .train() to the caller.")
class PutBackIntoTraining(GivenEmbedding):
    def forward(self, idx):
        self.train()
        return self.words(idx) + self.positions(idx)


@refused_by(multi_head_self_attention, "dropout", "nothing is dropped at all in training.")
class AttentionLeftInEvaluation(GivenAttention):
    def forward(self, x, attention_mask=None):
        result = super().forward(x, attention_mask)
        self.eval()
        return result


@refused_by(multi_head_self_attention, "values", "leave .eval() and .train() to the caller.")
class AttentionPutIntoTraining(GivenAttention):
    def forward(self, x, attention_mask=None):
        result = super().forward(x, attention_mask)
        self.train()
        return result


@refused_by(multi_head_self_attention, "dropout", "self.attn_dropout is not used, or its result is not.")
class DropoutLeftInEvaluation(GivenAttention):
    def forward(self, x, attention_mask=None):
        result = super().forward(x, attention_mask)
        self.attn_dropout.eval()
        return result


@refused_by(block, "shape", "leave .eval() and .train() to the caller.")
class BlockPutIntoTraining(GivenBlock):
    def forward(self, x, attention_mask=None):
        result = super().forward(x, attention_mask)
        self.train()
        return result


@refused_by(transformer, "logits", "leave .eval() and .train() to the caller.")
class PutIntoTraining(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        result = super().forward(idx, targets, hidden_cache, return_hidden)
        self.train()
        return result


@refused_by(transformer, "hidden states", "leave .eval() and .train() to the caller.")
class EvaluationWhereHiddenStatesAreAsked(Given):
    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        if return_hidden:
            self.eval()
        return super().forward(idx, targets, hidden_cache, return_hidden)


# Right in one mode


@refused_by(block, "values", "in evaluation mode it is right:")
class HalfTheMlpInTraining(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.attention(self.norm_1(x), attention_mask)
        return x + self.mlp(self.norm_2(x)) * (0.5 if self.training else 1)


# Numbers that are nearly right


@refused_by(concatenate, "values", "torch.cat((token, position),")
def large_numbers_cut_off(token_vectors, position_vectors):
    return joined(token_vectors, position_vectors).clamp(-2, 2)


@refused_by(concatenate, "values", "torch.cat((token, position),")
def in_half_precision(token_vectors, position_vectors):
    return joined(token_vectors, position_vectors).bfloat16().to(token_vectors.dtype)


@refused_by(split_heads, "values", "head h owns channels h · head_size … of every token:")
def split_in_half_precision(x, n_head):
    return heads_of(x.bfloat16().to(x.dtype), n_head)


@refused_by(split_heads, "values", "only the order of the numbers changes: no rounding.")
def split_and_rounded(x, n_head):
    return heads_of(x.round(), n_head)


@refused_by(merge_heads, "values", "undo split_heads step by step: transpose(1, 2), then reshape to (B, T, n_embd).")
def merged_in_half_precision(x):
    return channels_of(x.bfloat16().to(x.dtype))


@refused_by(merge_heads, "values", "only the order of the numbers changes: no rounding.")
def merged_and_rounded(x):
    return channels_of(x.round())


@refused_by(merge_heads, "values", "a tensor of your own is float32,")
def merged_in_float32(x):
    return channels_of(x.float())


@refused_by(block, "values", "two lines: x plus attention of norm_1(x);")
class SumRounded(GivenBlock):
    def forward(self, x, attention_mask=None):
        result = super().forward(x, attention_mask)
        return result + (result.round(decimals=1) - result).detach()


@refused_by(block, "values", "two lines: x plus attention of norm_1(x);")
class SumInHalfPrecision(GivenBlock):
    def forward(self, x, attention_mask=None):
        result = super().forward(x, attention_mask)
        return result + (result.bfloat16() - result).detach()

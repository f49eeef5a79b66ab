"""Right answers to the exercises of lab `bert`, each in its own way."""

import torch
from torch import nn
from torch.nn import functional as F

from answers import accepted_by
from ninelives.checks.bert import bert_embedding, post_norm_block, sentence_vectors
from ninelives.checks.bert import token_types as types_exercise
from ninelives.checks.word_pieces import word_pieces
from ninelives.model import Embedding, MultiHeadSelfAttention, TransformerBlock
from ninelives.model.bert import token_types


@accepted_by(word_pieces)
def rest_cut_off(word, vocabulary):
    pieces, rest = [], word
    while rest:
        for end in range(len(rest), 0, -1):
            piece = rest[:end] if not pieces else "##" + rest[:end]
            if piece in vocabulary:
                pieces.append(piece)
                rest = rest[end:]
                break
        else:
            return ["[UNK]"]
    return pieces


@accepted_by(word_pieces)
def by_recursion(word, vocabulary, mark=""):
    if not word:
        return []
    for end in range(len(word), 0, -1):
        if mark + word[:end] in vocabulary:
            rest = by_recursion(word[end:], vocabulary, "##")
            return ["[UNK]"] if "[UNK]" in rest else [mark + word[:end], *rest]
    return ["[UNK]"]


@accepted_by(word_pieces)
def ends_moved_back(word, vocabulary):
    pieces, start = [], 0
    while start < len(word):
        end = len(word)
        while end > start and "##" * (start > 0) + word[start:end] not in vocabulary:
            end -= 1
        if end == start:
            return ["[UNK]"]
        pieces += ["##" * (start > 0) + word[start:end]]
        start = end
    return pieces


@accepted_by(word_pieces)
def longest_of_all_that_fit(word, vocabulary):
    pieces, rest = [], word
    while rest:
        fitting = [piece for piece in vocabulary if rest.startswith(piece) and (piece.startswith("##") == bool(pieces)) and piece != "##"]
        if not fitting:
            return ["[UNK]"]
        pieces.append(max(fitting, key=len))
        rest = "##" * (len(pieces[-1]) < len(rest)) + rest[len(pieces[-1]) :]
    return pieces


@accepted_by(types_exercise)
def separators_counted(idx):
    is_sep = (idx == 102).long()
    return (is_sep.cumsum(1) - is_sep).clamp(max=1)


@accepted_by(types_exercise)
def after_the_first_separator(idx):
    first = (idx == 102).long().argmax(1, keepdim=True)
    return (torch.arange(idx.shape[1]) > first).long()


@accepted_by(types_exercise)
def shifted_by_one(idx):
    seen = (idx == 102).cummax(1).values if idx.dtype == torch.bool else (idx == 102).long().cummax(1).values
    return torch.cat((torch.zeros_like(seen[:, :1]), seen[:, :-1]), dim=1)


@accepted_by(types_exercise)
def zero_at_padding(idx):
    is_sep = (idx == 102).long()
    return (is_sep.cumsum(1) - is_sep).clamp(max=1) * (idx != -1)


@accepted_by(types_exercise)
def row_by_row(idx):
    types = torch.zeros_like(idx)
    for types_of_row, row in zip(types, idx.tolist()):
        types_of_row[row.index(102) + 1 :] = 1
    return types


@accepted_by(bert_embedding)
class OnTheEmbeddingOfNotebook1(Embedding):
    def __init__(self, config):
        super().__init__(config)
        self.token_type = nn.Embedding(2, config.n_embd)
        self.norm = nn.LayerNorm(config.n_embd, eps=1e-12)

    def forward(self, idx):
        return self.norm(super().forward(idx) + self.token_type(token_types(idx)))


@accepted_by(bert_embedding)
class EachTableAlone(Embedding):
    def __init__(self, config):
        super().__init__(config)
        self.token_type = nn.Embedding(2, config.n_embd)
        self.norm = nn.LayerNorm(config.n_embd, eps=1e-12)

    def forward(self, idx):
        positions = torch.arange(idx.shape[1])
        x = self.token(idx.clamp(min=0)) + self.position(positions)[None]
        x = x + self.token_type.weight[token_types(idx)]
        return F.layer_norm(x, x.shape[-1:], self.norm.weight, self.norm.bias, self.norm.eps)


@accepted_by(bert_embedding)
class TypesByTheirDifference(Embedding):
    def __init__(self, config):
        super().__init__(config)
        self.token_type = nn.Embedding(2, config.n_embd)
        self.norm = nn.LayerNorm(config.n_embd, eps=1e-12)

    def forward(self, idx):
        first, second = self.token_type.weight
        types = token_types(idx).unsqueeze(-1).to(first.dtype)
        return self.norm(super().forward(idx) + first + types * (second - first))


@accepted_by(bert_embedding)
class TypesAsAProduct(Embedding):
    def __init__(self, config):
        super().__init__(config)
        self.token_type = nn.Embedding(2, config.n_embd)
        self.norm = nn.LayerNorm(config.n_embd, eps=1e-12)

    def forward(self, idx):
        return self.norm(super().forward(idx) + F.one_hot(token_types(idx), 2).float() @ self.token_type.weight)


@accepted_by(post_norm_block)
class TwoLines(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.norm_1 = nn.LayerNorm(config.n_embd, eps=1e-12)
        self.attention = MultiHeadSelfAttention(config)
        self.norm_2 = nn.LayerNorm(config.n_embd, eps=1e-12)
        self.mlp = nn.Sequential(
            nn.Linear(config.n_embd, 4 * config.n_embd), nn.GELU(), nn.Linear(4 * config.n_embd, config.n_embd), nn.Dropout(config.dropout))

    def forward(self, x, attention_mask=None):
        x = self.norm_1(x + self.attention(x, attention_mask))
        return self.norm_2(x + self.mlp(x))


@accepted_by(post_norm_block)
class OnTheBlockOfNotebook3(TransformerBlock):
    def __init__(self, config):
        super().__init__(config)
        for norm in (self.norm_1, self.norm_2):
            norm.eps = 1e-12

    def forward(self, x, attention_mask=None):
        gathered = torch.add(x, self.attention(x, attention_mask))
        gathered = self.norm_1(gathered)
        return self.norm_2(torch.add(gathered, self.mlp(gathered)))


@accepted_by(post_norm_block)
class NormsByTheirFormula(TransformerBlock):
    def __init__(self, config):
        super().__init__(config)
        self.norm_1.eps = self.norm_2.eps = 1e-12

    def forward(self, x, attention_mask=None):
        for part, norm in ((lambda v: self.attention(v, attention_mask), self.norm_1), (self.mlp, self.norm_2)):
            x = x + part(x)
            x = (x - x.mean(-1, keepdim=True)) / torch.sqrt(x.var(-1, unbiased=False, keepdim=True) + 1e-12)
            x = x * norm.weight + norm.bias
        return x


@accepted_by(sentence_vectors)
def mean_then_normalise(hidden, is_token):
    weights = is_token.unsqueeze(-1).float()
    return F.normalize((hidden * weights).sum(1) / weights.sum(1), dim=-1)


@accepted_by(sentence_vectors)
def sum_then_normalise(hidden, is_token):
    return F.normalize(hidden.masked_fill(~is_token[..., None], 0).sum(1), dim=-1)


@accepted_by(sentence_vectors)
def sentence_by_sentence(hidden, is_token):
    means = [rows[kept].mean(0) for rows, kept in zip(hidden, is_token)]
    return torch.stack([mean / mean.norm() for mean in means])


@accepted_by(sentence_vectors)
def as_a_product_of_matrices(hidden, is_token):
    total = (is_token.to(hidden.dtype).unsqueeze(1) @ hidden).squeeze(1)
    return total / total.pow(2).sum(-1, keepdim=True).sqrt()


@accepted_by(sentence_vectors)
def by_einsum(hidden, is_token):
    mean = torch.einsum("btc,bt->bc", hidden, is_token.to(hidden.dtype)) / is_token.sum(1)[:, None]
    return mean / torch.linalg.vector_norm(mean, dim=1, keepdim=True)


@accepted_by(sentence_vectors)
def by_nanmean(hidden, is_token):
    mean = hidden.masked_fill(~is_token.unsqueeze(-1), float("nan")).nanmean(1)
    return F.normalize(mean, dim=1)


@accepted_by(sentence_vectors)
def as_a_product_with_shares(hidden, is_token):
    shares = is_token.float() / is_token.sum(1, keepdim=True)
    return F.normalize((shares.unsqueeze(1) @ hidden).squeeze(1), dim=-1)

"""Right answers that learners are shown as "another way to write it", where those of the other files would not do.

Each stands alone: it needs nothing but PyTorch and what the notebook has.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

from answers import accepted_by
from ninelives import model
from ninelives.checks.attention import multi_head_self_attention
from ninelives.checks.cross_attention import cross_attention
from ninelives.checks.embeddings import embedding
from ninelives.checks.encoder_decoder import encoder_decoder
from ninelives.checks.generation import generate
from ninelives.checks.generation import next_token_probabilities as next_token
from ninelives.checks.prefix_decoder import GivenPrefixDecoder as PrefixDecoder
from ninelives.checks.prefix_generation import pad_after_end, prefix_generation
from ninelives.checks.today import grouped_query_attention
from ninelives.checks.tokenizer import tokenizer
from ninelives.checks.transformer import transformer
from ninelives.model import Encoder, next_token_probabilities
from ninelives.model.today import rotate


@accepted_by(embedding)
class FirstRowsOfThePositionTable(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.token = nn.Embedding(config.vocab_size, config.n_embd)
        self.position = nn.Embedding(config.block_size, config.n_embd)

    def forward(self, idx):
        words = self.token(idx.masked_fill(idx == -1, 0))  # (B, T, n_embd)
        return words + self.position.weight[: idx.shape[1]]  # (T, n_embd) is added to every sentence


@accepted_by(multi_head_self_attention)
class AllHeadsByEinsum(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.n_head = config.n_head
        self.query = nn.Linear(config.n_embd, config.n_embd)
        self.key = nn.Linear(config.n_embd, config.n_embd)
        self.value = nn.Linear(config.n_embd, config.n_embd)
        self.proj = nn.Linear(config.n_embd, config.n_embd)
        self.attn_dropout = nn.Dropout(config.dropout)
        self.proj_dropout = nn.Dropout(config.dropout)

    def forward(self, x, attention_mask=None):
        q, k, v = (
            layer(x).unflatten(-1, (self.n_head, -1))  # (B, T, H, head_size)
            for layer in (self.query, self.key, self.value)
        )
        scores = torch.einsum("bihd,bjhd->bhij", q, k) / math.sqrt(q.shape[-1])  # (B, H, T, T)
        if attention_mask is not None:
            scores = scores.masked_fill(attention_mask == 0, -math.inf)
        weights = scores.softmax(dim=-1)  # (B, H, T, T)
        self.weights = weights.detach()
        z = torch.einsum("bhij,bjhd->bihd", self.attn_dropout(weights), v)  # (B, T, H, head_size)
        return self.proj_dropout(self.proj(z.flatten(2)))  # (B, T, C)


@accepted_by(transformer)
class OneReturn(model.Transformer):
    def join(self, hidden_cache, x, attention_mask):
        return torch.cat([hidden_cache, x], dim=1), None  # (B, P + T, C)

    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        num_tokens = idx.ne(-1).sum(dim=1)  # (B,)
        x, mask = self.layers["embedding"](idx), self.get_attention_mask(num_tokens, idx.shape[1])
        if hidden_cache is not None:
            x, mask = self.join(hidden_cache, x, mask)  # (B, P + T, C)
        for block in self.layers["blocks"]:
            x = block(x, mask)
        x = self.layers["norm"](x)
        if return_hidden:
            return x.masked_fill((idx == -1)[..., None], 0.0)  # (B, T, C)
        logits, loss = self.lm_head(x), None  # (B, P + T, V)
        if targets is not None:
            loss = F.cross_entropy(logits.transpose(1, 2), targets, ignore_index=-1)
        return logits, loss


@accepted_by(encoder_decoder)
class EncoderThenDecoder(nn.Module):
    def __init__(self, encoder_config, decoder_config):
        super().__init__()
        self.encoder = Encoder(encoder_config)
        self.decoder = PrefixDecoder(decoder_config)

    def forward(self, prefix, targets):
        P, T = prefix.shape[1], targets.shape[1]
        logits, _ = self.decoder(targets, hidden_cache=self.encoder(prefix, return_hidden=True))  # (B, P + T, V)
        rows = logits[:, P - 1 : P - 1 + T].transpose(1, 2)  # (B, V, T)
        return logits, F.cross_entropy(rows, targets, ignore_index=-1)


@accepted_by(cross_attention)
class HeadAfterHead(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.n_head = config.n_head
        self.query = nn.Linear(config.n_embd, config.n_embd)
        self.key = nn.Linear(config.n_embd, config.n_embd)
        self.value = nn.Linear(config.n_embd, config.n_embd)
        self.proj = nn.Linear(config.n_embd, config.n_embd)

    def forward(self, x, hidden, is_word):
        results = []
        for q, k, v in zip(*(part.chunk(self.n_head, dim=-1) for part in (self.query(x), self.key(hidden), self.value(hidden)))):
            scores = q @ k.mT / math.sqrt(q.shape[-1])  # (B, T, P)
            scores = scores.masked_fill(~is_word[:, None, :], -math.inf)
            results.append(scores.softmax(dim=-1) @ v)  # (B, T, head_size)
        return self.proj(torch.cat(results, dim=-1))  # (B, T, C)


@accepted_by(next_token)
def powers_of_the_differences_to_the_best(logits, temperature):
    B, V = logits.shape
    if temperature == 0:
        return torch.eye(V)[logits.argmax(dim=-1)]  # (B, V)
    best = logits.max(dim=-1, keepdim=True).values  # (B, 1)
    powers = torch.exp((logits - best) / temperature)  # (B, V)
    return powers / powers.sum(dim=-1, keepdim=True)  # (B, V)


@accepted_by(generate)
@torch.no_grad()
def written_into_a_long_row(model, idx, max_new_tokens, temperature, end_token=None):
    if temperature < 0:
        raise ValueError(f"temperature {temperature} is below 0.")
    was_training = model.training
    model.eval()
    B, T = idx.shape
    text = torch.cat((idx, idx.new_zeros(B, max_new_tokens)), dim=1)  # (B, T + max_new_tokens)
    for end in range(T, T + max_new_tokens):
        start = max(0, end - model.config.block_size)
        logits, _ = model(text[:, start:end])  # (B, t, V)
        if temperature == 0:
            text[:, end] = logits[:, -1].argmax(dim=-1)
        else:
            probabilities = F.softmax(logits[:, -1] / temperature, dim=-1)  # (B, V)
            text[:, end] = torch.multinomial(probabilities, 1).squeeze(1)
        if end_token is not None and (text[:, T : end + 1] == end_token).any(dim=1).all():
            text = text[:, : end + 1]
            break
    model.train(was_training)
    return text


@accepted_by(prefix_generation)
@torch.no_grad()
def rows_kept_apart(model, prefix, max_new_tokens, temperature=1.0, end_token=None):
    if temperature < 0:
        raise ValueError(f"temperature {temperature} is below 0.")
    was_training = model.training
    model.eval()
    hidden_cache = model.encoder(prefix, return_hidden=True)  # (B, P, C)
    answer = prefix[:, :0]  # (B, 0)
    ended = torch.zeros(len(prefix), dtype=torch.bool)  # (B,)
    for _ in range(max_new_tokens):
        logits, _ = model.decoder(answer.clamp(min=0), hidden_cache=hidden_cache)  # (B, P + t, V)
        token = torch.multinomial(next_token_probabilities(logits[:, -1], temperature), 1)  # (B, 1)
        answer = torch.cat((answer, token.masked_fill(ended[:, None], -1)), dim=1)  # (B, t + 1)
        if end_token is not None:
            ended = ended | (token[:, 0] == end_token)
            if ended.all():
                break
    model.train(was_training)
    return answer


@accepted_by(tokenizer)
class WordsByIndex:
    def __init__(self, words):
        self.words = ["<end>", *words]
        self.id_of = {word: id for id, word in enumerate(self.words)}
        self.end_token = self.id_of["<end>"]

    def encode(self, text):
        words = text.lower().strip().removesuffix(".").replace("'", "' ").split()
        unknown = [word for word in words if word not in self.words[1:]]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is not in the vocabulary.")
        return torch.tensor([self.id_of[word] for word in words], dtype=torch.long)  # (T,)

    def decode(self, ids):
        text = " ".join("." if id in (-1, self.end_token) else self.words[id] for id in ids.tolist())
        return text.partition(".")[0].strip().replace("' ", "'")


@accepted_by(cross_attention)
class CrossAttentionByPytorch(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.n_head = config.n_head
        self.query = nn.Linear(config.n_embd, config.n_embd)
        self.key = nn.Linear(config.n_embd, config.n_embd)
        self.value = nn.Linear(config.n_embd, config.n_embd)
        self.proj = nn.Linear(config.n_embd, config.n_embd)

    def forward(self, x, hidden, is_word):
        q = self.query(x).unflatten(-1, (self.n_head, -1)).transpose(1, 2)  # (B, H, T, head_size)
        k = self.key(hidden).unflatten(-1, (self.n_head, -1)).transpose(1, 2)  # (B, H, P, head_size)
        v = self.value(hidden).unflatten(-1, (self.n_head, -1)).transpose(1, 2)  # (B, H, P, head_size)
        z = F.scaled_dot_product_attention(q, k, v, attn_mask=is_word[:, None, None, :])  # (B, H, T, head_size)
        return self.proj(z.transpose(1, 2).flatten(2))  # (B, T, C)


@accepted_by(pad_after_end)
def column_by_column(tokens, end_token):
    columns, ended = [], torch.zeros(len(tokens), dtype=torch.bool)  # (B,)
    for column in tokens.unbind(1):  # (B,)
        columns.append(column.masked_fill(ended, -1))
        ended = ended | (column == end_token)
    return torch.stack(columns, dim=1)  # (B, T)


@accepted_by(grouped_query_attention)
class QueriesInGroups(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.n_head, self.n_kv_head = config.n_head, config.n_kv_head or config.n_head
        self.rope_base = config.rope_base
        head_size = config.n_embd // config.n_head
        self.query = nn.Linear(config.n_embd, self.n_head * head_size)
        self.key = nn.Linear(config.n_embd, self.n_kv_head * head_size)
        self.value = nn.Linear(config.n_embd, self.n_kv_head * head_size)
        self.proj = nn.Linear(self.n_head * head_size, config.n_embd)

    def forward(self, x, attention_mask=None, cache=None):
        q = self.query(x).unflatten(-1, (self.n_head, -1)).transpose(1, 2)  # (B, n_head, T, head_size)
        k, v = (layer(x).unflatten(-1, (self.n_kv_head, -1)).transpose(1, 2) for layer in (self.key, self.value))
        start = 0 if cache is None else cache.length
        positions = torch.arange(start, start + x.shape[1])  # (T,)
        q, k = rotate(q, positions, self.rope_base), rotate(k, positions, self.rope_base)
        if cache is not None:
            k, v = cache.extend(k, v)  # (B, n_kv_head, S, head_size) each
        # Nothing is repeated: the query heads of a group get an axis of their own.
        q = q.unflatten(1, (self.n_kv_head, -1))  # (B, n_kv_head, group, T, head_size)
        scores = torch.einsum("bgrtd,bgsd->bgrts", q, k).flatten(1, 2) / math.sqrt(q.shape[-1])  # (B, n_head, T, S)
        if attention_mask is not None:
            scores = scores.masked_fill(attention_mask == 0, -math.inf)
        self.weights = scores.softmax(dim=-1)
        z = torch.einsum("bgrts,bgsd->btgrd", self.weights.unflatten(1, (self.n_kv_head, -1)), v)
        return self.proj(z.flatten(2))  # (B, T, C)

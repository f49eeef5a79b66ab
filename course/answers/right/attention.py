"""Right answers to notebook 2, each in its own way."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from answers import accepted_by
from ninelives.checks.attention import (
    attention_scores,
    masked_softmax,
    merge_heads,
    multi_head_self_attention,
    split_heads,
)


@accepted_by(split_heads)
def cut_then_swapped(x, n_head):
    B, T, C = x.shape
    return x.view(B, T, n_head, C // n_head).transpose(1, 2)


@accepted_by(split_heads)
def chunks_stacked(x, n_head):
    return torch.stack(x.chunk(n_head, dim=-1), dim=1)


@accepted_by(split_heads)
def unflattened(x, n_head):
    return x.unflatten(-1, (n_head, -1)).permute(0, 2, 1, 3).contiguous()


@accepted_by(split_heads)
def through_transposed_channels(x, n_head):
    B, T, C = x.shape
    return x.transpose(1, 2).reshape(B, n_head, C // n_head, T).transpose(2, 3)


@accepted_by(split_heads)
def by_einsum(x, n_head):
    return torch.einsum("bthd->bhtd", x.reshape(*x.shape[:2], n_head, -1))


@accepted_by(merge_heads)
def swapped_then_joined(x):
    B, H, T, head_size = x.shape
    return x.transpose(1, 2).reshape(B, T, H * head_size)


@accepted_by(merge_heads)
def contiguous_then_viewed(x):
    B, H, T, head_size = x.shape
    return x.transpose(1, 2).contiguous().view(B, T, H * head_size)


@accepted_by(merge_heads)
def head_after_head(x):
    return torch.cat([x[:, h] for h in range(x.shape[1])], dim=-1)


@accepted_by(merge_heads)
def flattened(x):
    return x.permute(0, 2, 1, 3).flatten(2)


@accepted_by(attention_scores)
def one_product(q, k):
    return torch.matmul(q, k.transpose(-2, -1)) / math.sqrt(q.shape[-1])


@accepted_by(attention_scores)
def einsum(q, k):
    return torch.einsum("bhid,bhjd->bhij", q, k) * q.shape[-1] ** -0.5


@accepted_by(attention_scores)
def scaled_before(q, k):
    root = torch.sqrt(torch.sqrt(torch.tensor(float(q.shape[-1]))))
    return (q / root) @ (k / root).mT


@accepted_by(attention_scores)
def loops(q, k):
    B, H, T, head_size = q.shape
    scores = q.new_zeros(B, H, T, T)
    for i in range(T):
        for j in range(T):
            scores[:, :, i, j] = (q[:, :, i] * k[:, :, j]).sum(-1) / math.sqrt(head_size)
    return scores


@accepted_by(attention_scores)
def one_flat_batch(q, k):
    B, H, T, head_size = q.shape
    flat = torch.bmm(q.reshape(B * H, T, head_size), k.reshape(B * H, T, head_size).transpose(1, 2))
    return flat.view(B, H, T, T).div(head_size**0.5)


@accepted_by(masked_softmax)
def filled_with_minus_infinity(scores, attention_mask):
    return F.softmax(scores.masked_fill(attention_mask == 0, float("-inf")), dim=-1)


@accepted_by(masked_softmax)
def filled_with_minus_a_billion(scores, attention_mask):
    return scores.masked_fill(attention_mask == 0, -1e9).softmax(-1)


@accepted_by(masked_softmax)
def filled_with_the_least_number(scores, attention_mask):
    return scores.masked_fill(~attention_mask.bool(), torch.finfo(scores.dtype).min).softmax(dim=3)


@accepted_by(masked_softmax)
def additive(scores, attention_mask):
    return torch.softmax(scores + (1.0 - attention_mask.float()) * -1e9, dim=-1)


@accepted_by(masked_softmax)
def additive_logarithm(scores, attention_mask):
    return torch.softmax(scores + attention_mask.float().log(), dim=-1)


@accepted_by(masked_softmax)
def where(scores, attention_mask):
    return torch.where(attention_mask.bool(), scores, -torch.inf).softmax(-1)


@accepted_by(masked_softmax)
def by_hand_with_the_maximum_subtracted(scores, attention_mask):
    scores = torch.where(attention_mask != 0, scores, -torch.inf)
    powers = (scores - scores.amax(-1, keepdim=True)).exp()
    return powers / powers.sum(-1, keepdim=True)


class Given(nn.Module):
    """The constructor that the exercise gives."""

    def __init__(self, config):
        super().__init__()
        self.n_head = config.n_head
        self.query = nn.Linear(config.n_embd, config.n_embd)
        self.key = nn.Linear(config.n_embd, config.n_embd)
        self.value = nn.Linear(config.n_embd, config.n_embd)
        self.proj = nn.Linear(config.n_embd, config.n_embd)
        self.attn_dropout = nn.Dropout(config.dropout)
        self.proj_dropout = nn.Dropout(config.dropout)


@accepted_by(multi_head_self_attention)
class StepByStep(Given):
    def forward(self, x, attention_mask=None):
        q = cut_then_swapped(self.query(x), self.n_head)
        k = cut_then_swapped(self.key(x), self.n_head)
        v = cut_then_swapped(self.value(x), self.n_head)
        scores = one_product(q, k)
        if attention_mask is None:
            attention_mask = torch.ones_like(scores)
        self.weights = filled_with_minus_infinity(scores, attention_mask)
        z = self.attn_dropout(self.weights) @ v
        return self.proj_dropout(self.proj(swapped_then_joined(z)))


@accepted_by(multi_head_self_attention)
class Einsum(Given):
    def forward(self, x, attention_mask):
        q, k, v = (layer(x).unflatten(-1, (self.n_head, -1)) for layer in (self.query, self.key, self.value))
        scores = torch.einsum("bihd,bjhd->bhij", q, k) * q.shape[-1] ** -0.5
        if attention_mask is not None:
            scores = scores + (1.0 - attention_mask.float()) * torch.finfo(scores.dtype).min
        self.weights = scores.softmax(-1).detach()
        z = torch.einsum("bhij,bjhd->bihd", self.attn_dropout(scores.softmax(-1)), v)
        return self.proj_dropout(self.proj(z.flatten(2)))


@accepted_by(multi_head_self_attention)
class LoopOverHeads(Given):
    def forward(self, x, attention_mask):
        q, k, v = (layer(x).chunk(self.n_head, dim=-1) for layer in (self.query, self.key, self.value))
        heads, weights = [], []
        for h in range(self.n_head):
            scores = q[h] @ k[h].transpose(1, 2) / math.sqrt(q[h].shape[-1])
            if attention_mask is not None:
                scores = scores.masked_fill(attention_mask[:, 0] == 0, -1e9)
            weights.append(scores.softmax(-1))
            heads.append(self.attn_dropout(weights[h]) @ v[h])
        self.weights = torch.stack(weights, dim=1)
        return self.proj_dropout(self.proj(torch.cat(heads, dim=-1)))


@accepted_by(multi_head_self_attention)
class FusedCall(Given):
    def forward(self, x, attention_mask):
        q, k, v = (chunks_stacked(layer(x), self.n_head) for layer in (self.query, self.key, self.value))
        with torch.no_grad():
            self.weights = where(one_product(q, k), torch.ones(1) if attention_mask is None else attention_mask)
        z = F.scaled_dot_product_attention(
            q, k, v,
            attn_mask=None if attention_mask is None else attention_mask.bool(),
            dropout_p=self.attn_dropout.p if self.training else 0.0,
        )
        return self.proj_dropout(self.proj(swapped_then_joined(z)))


@accepted_by(multi_head_self_attention)
class FusedCallForEachHead(Given):
    def forward(self, x, attention_mask):
        bias = torch.zeros(1) if attention_mask is None else attention_mask[:, 0].float().log()
        bias = bias.expand(x.shape[0], x.shape[1], x.shape[1])
        q, k, v = (layer(x).chunk(self.n_head, dim=-1) for layer in (self.query, self.key, self.value))
        heads = [
            F.scaled_dot_product_attention(
                q[h], k[h], v[h], attn_mask=bias, dropout_p=self.attn_dropout.p if self.training else 0.0
            )
            for h in range(self.n_head)
        ]
        self.weights = torch.stack([one_product(q[h], k[h]) + bias for h in range(self.n_head)], dim=1).softmax(-1)
        return self.proj_dropout(self.proj(torch.cat(heads, dim=-1)))


@accepted_by(multi_head_self_attention)
class FusedProjection(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.c_attn = nn.Linear(config.n_embd, 3 * config.n_embd)
        self.c_proj = nn.Linear(config.n_embd, config.n_embd)

    def forward(self, x, attention_mask):
        q, k, v = (cut_then_swapped(part, self.config.n_head) for part in self.c_attn(x).split(x.shape[-1], dim=-1))
        scores = one_product(q, k)
        self.weights = scores.softmax(-1) if attention_mask is None else where(scores, attention_mask)
        weights = F.dropout(self.weights, self.config.dropout, training=self.training)
        return F.dropout(self.c_proj(flattened(weights @ v)), self.config.dropout, training=self.training)


@accepted_by(multi_head_self_attention)
class FusedWithoutBias(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.n_head = config.n_head
        self.qkv = nn.Linear(config.n_embd, 3 * config.n_embd, bias=False)
        self.out = nn.Linear(config.n_embd, config.n_embd, bias=False)
        self.drop = nn.Dropout(config.dropout)

    def forward(self, x, attention_mask):
        B, T, C = x.shape
        q, k, v = self.qkv(x).view(B, T, 3, self.n_head, C // self.n_head).permute(2, 0, 3, 1, 4)
        if attention_mask is None:
            attention_mask = torch.ones(T, T)
        self.weights = by_hand_with_the_maximum_subtracted(einsum(q, k), attention_mask)
        z = self.drop(self.weights) @ v
        return self.drop(self.out(flattened(z)))


class Head(nn.Module):
    """One head, with small layers of its own."""

    def __init__(self, config):
        super().__init__()
        self.key = nn.Linear(config.n_embd, config.head_size, bias=False)
        self.query = nn.Linear(config.n_embd, config.head_size, bias=False)
        self.value = nn.Linear(config.n_embd, config.head_size, bias=False)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x, attention_mask):
        scores = self.query(x) @ self.key(x).transpose(-2, -1) * self.key.out_features**-0.5
        if attention_mask is not None:
            scores = scores.masked_fill(attention_mask.squeeze(1) == 0, float("-inf"))
        self.weights = F.softmax(scores, dim=-1)
        return self.dropout(self.weights) @ self.value(x)


@accepted_by(multi_head_self_attention)
class ListOfHeads(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.heads = nn.ModuleList([Head(config) for _ in range(config.n_head)])
        self.proj = nn.Linear(config.n_embd, config.n_embd)
        self.dropout = nn.Dropout(config.dropout)

    @property
    def weights(self):
        return torch.stack([head.weights for head in self.heads], dim=1)

    def forward(self, x, attention_mask):
        return self.dropout(self.proj(torch.cat([head(x, attention_mask) for head in self.heads], dim=-1)))


@accepted_by(multi_head_self_attention)
class ListsOfLayers(nn.Module):
    def __init__(self, config):
        super().__init__()
        for name in ("w_q", "w_k", "w_v"):
            setattr(self, name, nn.ModuleList(nn.Linear(config.n_embd, config.head_size) for _ in range(config.n_head)))
        self.w_o = nn.Linear(config.n_embd, config.n_embd)
        self.p = config.dropout

    def forward(self, x, attention_mask):
        q, k, v = (torch.stack([layer(x) for layer in layers], dim=1) for layers in (self.w_q, self.w_k, self.w_v))
        scores = one_product(q, k)
        self.weights = weights = scores.softmax(-1) if attention_mask is None else additive(scores, attention_mask)
        if self.training:
            weights = F.dropout(weights, self.p)
        out = self.w_o(head_after_head(weights @ v))
        return F.dropout(out, self.p) if self.training else out


@accepted_by(multi_head_self_attention)
class HeadsInTheBatch(Given):
    def forward(self, x, attention_mask):
        B, T, C = x.shape
        q, k, v = (chunks_stacked(layer(x), self.n_head).flatten(0, 1) for layer in (self.query, self.key, self.value))
        scores = torch.bmm(q, k.mT) / math.sqrt(C // self.n_head)
        if attention_mask is not None:
            scores = scores.masked_fill((attention_mask == 0).expand(B, self.n_head, T, T).flatten(0, 1), -1e9)
        self.weights = scores.softmax(-1).unflatten(0, (B, self.n_head))
        z = torch.bmm(self.attn_dropout(scores.softmax(-1)), v).unflatten(0, (B, self.n_head))
        return self.proj_dropout(self.proj(head_after_head(z)))


@accepted_by(multi_head_self_attention)
class DroppedByHand(Given):
    def drop(self, x):
        p = self.attn_dropout.p
        if not self.training or p == 0:
            return x
        return torch.where(torch.rand_like(x) < p, 0.0, x / max(1 - p, 1e-9))

    def forward(self, x, attention_mask):
        q, k, v = (cut_then_swapped(layer(x), self.n_head) for layer in (self.query, self.key, self.value))
        mask = torch.ones(1) if attention_mask is None else attention_mask
        self.weights = where(one_product(q, k), mask)
        return self.drop(self.proj(flattened(self.drop(self.weights) @ v)))


@accepted_by(masked_softmax)
def logsumexp(scores, attention_mask):
    hidden = scores.masked_fill(attention_mask == 0, -torch.inf)
    return (hidden - hidden.logsumexp(-1, keepdim=True)).exp()


@accepted_by(merge_heads)
def merged_by_einsum(x):
    return torch.einsum("bhts->bths", x).flatten(-2)


@accepted_by(multi_head_self_attention)
class MaskAsABias(Given):
    def forward(self, x, attention_mask=None):
        q, k, v = (layer(x).unflatten(-1, (self.n_head, -1)).movedim(-2, 1) for layer in (self.query, self.key, self.value))
        bias = torch.zeros((), dtype=x.dtype)
        if attention_mask is not None:
            bias = torch.zeros(attention_mask.shape, dtype=x.dtype).masked_fill_(attention_mask == 0, -torch.inf)
        self.weights = torch.softmax(torch.einsum("bhid,bhjd->bhij", q, k) / q.shape[-1] ** 0.5 + bias, dim=-1)
        z = torch.einsum("bhij,bhjd->bihd", self.attn_dropout(self.weights), v)
        return self.proj_dropout(self.proj(z.reshape(x.shape)))

"""Each token attends to the others (notebook 2)."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from ninelives.config import TransformerConfig
from ninelives.model.masks import checked_mask
from ninelives.model.validation import check_width


class KeyValueCache:
    """The keys and values that one layer has computed so far, for generation.

    In a decoder no token attends to a later one, so the keys and values of
    earlier tokens never change.

    Args:
        rows: how many tokens there can be at most.
    """

    def __init__(self, rows: int) -> None:
        self.rows, self.length, self.both = rows, 0, None

    def extend(self, keys: torch.Tensor, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Append those of the new tokens, (B, H, T, head_size) each; return all, (B, H, length, head_size) each.

        Raises:
            ValueError: there are more tokens than rows.
        """
        B, H, T, head_size = keys.shape
        if self.length + T > self.rows:
            raise ValueError(f"the cache has {self.rows} rows and holds {self.length} tokens: {T} more do not fit.")
        if self.both is None:
            self.both = keys.new_empty(2, B, H, self.rows, head_size)  # (2, B, H, rows, head_size)
        self.both[:, :, :, self.length : self.length + T] = torch.stack([keys, values])
        self.length += T
        keys, values = self.both[:, :, :, : self.length]  # (B, H, length, head_size) each
        return keys, values


class MultiHeadSelfAttention(nn.Module):
    """Scaled dot-product attention in n_head heads.

    Head h owns the channels h * head_size … (h + 1) * head_size of queries,
    keys and values. Source: Vaswani et al. 2017, "Attention Is All You Need",
    sections 3.2.1 and 3.2.2.
    """

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.n_head = config.n_head
        self.dropout = config.dropout
        self.query = nn.Linear(config.n_embd, config.n_embd)
        self.key = nn.Linear(config.n_embd, config.n_embd)
        self.value = nn.Linear(config.n_embd, config.n_embd)
        self.proj = nn.Linear(config.n_embd, config.n_embd)
        self.proj_dropout = nn.Dropout(config.dropout)

    def forward(
        self, x: torch.Tensor, attention_mask: torch.Tensor | None = None, cache: KeyValueCache | None = None
    ) -> torch.Tensor:
        """Average the values of the tokens that each token may attend to.

        Args:
            x: (B, T, n_embd).
            attention_mask: (B, 1, T, S) or anything that broadcasts to
                (B, n_head, T, S), of any dtype: 1 or True where the row may
                attend to the column, 0 or False where it may not. None: every
                token may attend to every token.
            cache: the keys and values of earlier tokens; those of x are added
                to it. Then S is its new length. Without a cache S is T.

        Returns:
            (B, T, n_embd).

        Raises:
            ValueError: x has another shape; the mask does not fit it, holds
                other values, or has a row that allows nothing.
        """
        q, k, v = self.project(x)  # (B, H, T, head_size) each
        if cache is not None:
            k, v = cache.extend(k, v)  # (B, H, S, head_size) each
        mask = checked_mask(attention_mask, q, k)  # broadcasts to (B, H, T, S), or None
        p = self.dropout if self.training else 0.0
        z = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=p)  # (B, H, T, head_size)
        return self.proj_dropout(self.proj(z.transpose(1, 2).flatten(2)))  # (B, T, C)

    def attention_weights(self, x: torch.Tensor, attention_mask: torch.Tensor | None = None) -> torch.Tensor:
        """How much each token attends to each other, for pictures: without dropout, and step by step as in notebook 2.

        Takes what `forward` takes and raises what it raises.

        Returns:
            (B, n_head, T, T); every row sums to 1.
        """
        q, k, _ = self.project(x)  # (B, H, T, head_size) each
        scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])  # (B, H, T, T)
        mask = checked_mask(attention_mask, q, k)
        if mask is not None:
            scores = scores.masked_fill(~mask, float("-inf"))  # (B, H, T, T)
        return scores.softmax(dim=-1)  # (B, H, T, T)

    def project(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Queries, keys and values of all heads: (B, T, n_embd) to three of (B, n_head, T, head_size)."""
        check_width(x, self.query.in_features)
        parts = self.query, self.key, self.value
        return [part(x).unflatten(-1, (self.n_head, -1)).transpose(1, 2) for part in parts]

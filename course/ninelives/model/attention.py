"""Every token asks every other what it knows (notebook 2)."""

import math

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.weak import WeakIdKeyDictionary

from ninelives.config import TransformerConfig
from ninelives.model import fused
from ninelives.model.dropout import Dropout


class MultiHeadSelfAttention(nn.Module):
    """Scaled dot-product attention in n_head heads at once.

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
        self.proj_dropout = Dropout(config.dropout)

    def forward(self, x: torch.Tensor, attention_mask: torch.Tensor | None = None) -> torch.Tensor:
        """Mix the values of all tokens that each token may attend to.

        Args:
            x: (B, T, n_embd).
            attention_mask: (B, 1, T, T) or anything that broadcasts to
                (B, n_head, T, T): 1 or True where the row may attend to the
                column. None lets every token attend to every token.

        Returns:
            (B, T, n_embd).

        Raises:
            ValueError: x has another shape, the mask does not fit it, or a row
                of the mask allows nothing.
        """
        if x.dim() != 3 or x.shape[-1] != self.query.in_features:
            raise ValueError(
                f"x has shape {tuple(x.shape)}: (B, T, n_embd) = (B, T, {self.query.in_features}) is wanted."
            )
        B, T, C = x.shape
        mask, is_causal = self._what_to_add(attention_mask, x)
        p = self.dropout if self.training else 0.0
        parts = self.query, self.key, self.value
        if p < 1 and (p or torch.is_grad_enabled()) and fused.fits(x, *parts):
            projections = [parameter for part in parts for parameter in (part.weight, part.bias)]
            z = fused.SelfAttention.apply(x, self.n_head, mask, is_causal, p, *projections)  # (B, T, C)
        else:
            q, k, v = (self._split_heads(part(x)) for part in parts)  # (B, H, T, head_size)
            z = F.scaled_dot_product_attention(q, k, v, None if is_causal else mask, p, is_causal)
            z = z.transpose(1, 2).reshape(B, T, C)  # (B, T, C)
        return self.proj_dropout(self.proj(z))  # (B, T, C)

    def attention_weights(
        self, x: torch.Tensor, attention_mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        """How much each token reads each other, for pictures: no dropout.

        Takes what `forward` takes, raises what it raises.

        Returns:
            (B, n_head, T, T); every row sums to 1.
        """
        q, k = self._split_heads(self.query(x)), self._split_heads(self.key(x))
        scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])  # (B, H, T, T)
        mask = self.checked_mask(attention_mask, x)
        if mask is not None:
            scores = scores.masked_fill(~mask, float("-inf"))
        return scores.softmax(dim=-1)  # (B, H, T, T)

    def _split_heads(self, x: torch.Tensor) -> torch.Tensor:
        B, T, C = x.shape
        return x.unflatten(-1, (self.n_head, C // self.n_head)).transpose(1, 2)  # (B, H, T, head_size)

    def checked_mask(self, attention_mask: torch.Tensor | None, x: torch.Tensor) -> torch.Tensor | None:
        """The mask as bool, once it fits and leaves no row empty. Raises ValueError."""
        if attention_mask is None:
            return None
        self._refuse_unfit(attention_mask, x)
        mask = attention_mask.bool()
        # What a mask holds is only known at run time, which a compiled graph cannot branch on.
        if not torch.compiler.is_compiling() and not mask.any(dim=-1).all():
            empty = (~mask.any(dim=-1)).nonzero()[0].tolist()
            raise ValueError(
                f"row {empty[-1]} of attention_mask (example {empty[0] if len(empty) == 3 else 0}) "
                f"allows no key at all: the softmax of nothing is NaN, so every row must allow at least one."
            )
        return mask

    def _refuse_unfit(self, attention_mask: torch.Tensor, x: torch.Tensor) -> None:
        B, T, _ = x.shape
        shape = tuple(attention_mask.shape)
        # A (B, T, T) mask would line its examples up with the heads: silently wrong when B == n_head.
        fits = len(shape) in (2, 4) and all(
            have in (1, want) for have, want in zip(shape[::-1], (T, T, self.n_head, B))
        )
        if not fits:
            raise ValueError(
                f"attention_mask has shape {shape} and x has shape {tuple(x.shape)}: "
                f"a mask of shape (B, 1, T, T) = {(B, 1, T, T)} is wanted."
            )

    def _what_to_add(self, attention_mask: torch.Tensor | None, x: torch.Tensor) -> tuple[torch.Tensor | None, bool]:
        """The mask as `attention` takes it: what is added to the scores, and whether that is a mere lower triangle."""
        if attention_mask is None:
            return None, False
        if torch.compiler.is_compiling():
            return self.checked_mask(attention_mask, x), False
        if attention_mask.is_inference():
            return added_to_scores(self.checked_mask(attention_mask, x), x.dtype)
        self._refuse_unfit(attention_mask, x)
        # All layers are given one and the same mask: the first to see it looks into it for all of them.
        now = attention_mask._version, x.dtype
        if attention_mask not in looked_into or looked_into[attention_mask][0] != now:
            looked_into[attention_mask] = now, added_to_scores(self.checked_mask(attention_mask, x), x.dtype)
        return looked_into[attention_mask][1]


looked_into = WeakIdKeyDictionary()


def added_to_scores(mask: torch.Tensor, dtype: torch.dtype) -> tuple[torch.Tensor | None, bool]:
    """A bool mask as 0 and -inf, in the smallest shape that says the same, None for zeros; and whether it is causal."""
    if mask.stride(0) == 0:
        mask = mask[:1]
    if mask.all():
        return None, False
    triangle = torch.ones(mask.shape[-2:], dtype=torch.bool, device=mask.device).tril()  # (T, T)
    is_causal = bool((mask == triangle).all())
    if is_causal:
        mask = triangle
    elif mask.stride(-2) == 0:
        mask = mask[..., :1, :]  # (B, 1, 1, T)
    return torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill_(~mask, float("-inf")), is_causal

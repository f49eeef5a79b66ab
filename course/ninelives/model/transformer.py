"""Embeddings, blocks, a final norm, and a score for every word (notebook 3)."""

import torch
from torch import nn
from torch.nn import functional as F

from ninelives.config import TransformerConfig
from ninelives.model.attention import KeyValueCache, MultiHeadSelfAttention
from ninelives.model.embeddings import Embedding
from ninelives.model.inspection import attentions
from ninelives.model.masks import is_cached, joint_mask, padding_first
from ninelives.model.validation import check_hidden_cache, check_padding, check_targets


class TransformerBlock(nn.Module):
    """Attention, then a small network on each token alone; each is added to its input.

    Pre-norm: the norm comes before each part, not after the sum. Source: Xiong
    et al. 2020, "On Layer Normalization in the Transformer Architecture",
    figure 1 (b).
    """

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.norm_1 = nn.LayerNorm(config.n_embd)
        self.attention = MultiHeadSelfAttention(config)
        self.norm_2 = nn.LayerNorm(config.n_embd)
        self.mlp = nn.Sequential(
            nn.Linear(config.n_embd, 4 * config.n_embd),
            nn.GELU(),
            nn.Linear(4 * config.n_embd, config.n_embd),
            nn.Dropout(config.dropout),
        )

    def forward(self, x: torch.Tensor, attention_mask: torch.Tensor | None = None, *cache: KeyValueCache) -> torch.Tensor:
        """(B, T, n_embd) in, (B, T, n_embd) out; mask and cache (at most one) go to the attention as they are."""
        x = x + self.attention(self.norm_1(x), attention_mask, *cache)  # (B, T, C)
        return x + self.mlp(self.norm_2(x))  # (B, T, C)


class Transformer(nn.Module):
    """Token ids in, a score for every word of the vocabulary out.

    Here every token may attend to every token; `Encoder` and `Decoder` restrict
    that. Source: Vaswani et al. 2017, "Attention Is All You Need", section 3.
    """

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.ModuleDict({
            "embedding": Embedding(config),
            "blocks": nn.ModuleList(TransformerBlock(config) for _ in range(config.n_layer)),
            "norm": nn.LayerNorm(config.n_embd),
        })
        self.lm_head = nn.Linear(config.n_embd, config.vocab_size, bias=False)

    def get_attention_mask(self, num_tokens: torch.Tensor, T: int | None = None) -> torch.Tensor | None:
        """Which of the T tokens may attend to which; None: all to all."""
        return None

    def join(
        self, hidden_cache: torch.Tensor, x: torch.Tensor, attention_mask: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Put the hidden states of another Transformer before the embeddings.

        Args:
            hidden_cache: (B, P, n_embd), zero where there is padding.
            x: (B, T, n_embd), the embedded tokens.
            attention_mask: (B, 1, T, T), which token may attend to which; None: all to all.

        Returns:
            What the blocks read, (B, P + T, n_embd), the rows of padding in hidden_cache first; and the mask
            for it, (B, 1, P + T, P + T), or None where there was none.
        """
        prefix = padding_first(hidden_cache)  # (B, P, C)
        joined = torch.cat([prefix, x], dim=1)  # (B, P + T, C)
        return joined, None if attention_mask is None else joint_mask(prefix, attention_mask)

    def forward(
        self,
        idx: torch.Tensor,
        targets: torch.Tensor | None = None,
        hidden_cache: torch.Tensor | None = None,
        return_hidden: bool = False,
    ) -> tuple[torch.Tensor, torch.Tensor | None] | torch.Tensor:
        """Score the next word at every position.

        Args:
            idx: (B, T) int64 token ids, -1 where a sequence is padded at its end.
                With a cache T may be 0.
            targets: (B, T) int64, the word to predict at each position, -1
                where there is none: the logits of row t predict targets[:, t].
                They go without a cache: `EncoderDecoder` knows which rows
                predict an answer.
            hidden_cache: (B, P, n_embd), what another Transformer made of a
                prefix with `return_hidden`. Its rows come before the tokens; a
                row of zeros is padding. Not the keys and values of earlier
                tokens that other texts call "KV cache".
            return_hidden: return the hidden states instead of scores.

        Returns:
            (logits, loss): logits (B, P + T, vocab_size), raw scores; loss a
            scalar, the mean cross-entropy over the targets that are not -1, or
            None without targets. With return_hidden: (B, P + T, n_embd), the
            hidden states after the final norm, zero where there is padding. Rows of
            padding in hidden_cache come first, whatever their order was.

        Raises:
            ValueError: idx is too long or holds an unknown id; a sequence has
                no token, or padding before a token; the cache has another width
                or batch, or comes with targets; the targets have another shape
                or hold an unknown id.
        """
        x = self.hidden_states(idx, hidden_cache)  # (B, P + T, C)
        if return_hidden:
            is_token = idx != -1  # (B, T)
            if hidden_cache is not None:
                is_token = torch.cat([is_cached(padding_first(hidden_cache)), is_token], dim=1)  # (B, P + T)
            return x * is_token.unsqueeze(-1)  # (B, P + T, C)
        logits = self.lm_head(x)  # (B, P + T, V)
        if targets is None:
            return logits, None
        check_targets(targets, idx, self.config.vocab_size, hidden_cache is not None)
        return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten().long(), ignore_index=-1)

    def hidden_states(
        self, idx: torch.Tensor, hidden_cache: torch.Tensor | None = None, caches: list[KeyValueCache] | None = None
    ) -> torch.Tensor:
        """Everything but the scores: embed, put the hidden cache first, go through the blocks and the final norm.

        Args:
            idx, hidden_cache: as in `forward`.
            caches: one for each block of a decoder. The rows that they
                hold are skipped, so that only new rows go through the blocks.

        Returns:
            (B, P + T, n_embd), without the rows that were skipped.
        """
        x = self.layers["embedding"](idx)  # (B, T, C)
        is_token = idx != -1  # (B, T)
        check_padding(is_token, "idx")
        attention_mask = self.get_attention_mask(is_token.sum(1), idx.shape[1])  # (B, 1, T, T)
        if hidden_cache is not None:
            check_hidden_cache(hidden_cache, len(idx), self.config.n_embd)
            x, attention_mask = self.join(hidden_cache, x, attention_mask)  # P rows before those of x
        blocks = self.layers["blocks"]
        cached = [()] * len(blocks)  # a learner's own block or attention need not know of caches
        if caches is not None:
            first = caches[0].length
            x, attention_mask = x[:, first:], attention_mask[:, :, first:]  # (B, R, C), (B, 1, R, P + T)
            if attention_mask.all():  # nothing is hidden from a single new token
                attention_mask = None
            cached = [(cache,) for cache in caches]
        for block, cache in zip(blocks, cached, strict=True):
            x = block(x, attention_mask, *cache)  # (B, R, C)
        return self.layers["norm"](x)  # (B, R, C)

    def attentions(self, idx: torch.Tensor, hidden_cache: torch.Tensor | None = None) -> list[torch.Tensor]:
        """How much each token attends to each other, layer by layer: `inspection.attentions` of this model."""
        return attentions(self, idx, hidden_cache)

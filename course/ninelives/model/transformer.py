"""Embeddings, blocks, one last norm, and a score for every word (notebook 3)."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn import functional as F

from ninelives.config import TransformerConfig
from ninelives.model import fused
from ninelives.model.attention import MultiHeadSelfAttention
from ninelives.model.dropout import Dropout
from ninelives.model.embeddings import Embedding


class FeedForward(nn.Sequential):
    """Linear, GELU, linear, dropout."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, T, n_embd) in, (B, T, n_embd) out."""
        if not (torch.is_grad_enabled() and len(self) == 4 and fused.fits(x, *self[:3])):
            return super().forward(x)
        up, gelu, down, dropout = self
        return dropout(fused.FeedForward.apply(x, up.weight, up.bias, down.weight, down.bias, gelu.approximate))


class TransformerBlock(nn.Module):
    """Attention, then a small network on every token, each added to what came in.

    Pre-norm: the norm stands before each part, not after the sum. Source:
    Xiong et al. 2020, "On Layer Normalization in the Transformer Architecture",
    figure 1 (b).
    """

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.norm_1 = nn.LayerNorm(config.n_embd)
        self.attention = MultiHeadSelfAttention(config)
        self.norm_2 = nn.LayerNorm(config.n_embd)
        self.mlp = FeedForward(
            nn.Linear(config.n_embd, 4 * config.n_embd),
            nn.GELU(),
            nn.Linear(4 * config.n_embd, config.n_embd),
            Dropout(config.dropout),
        )

    def forward(self, x: torch.Tensor, attention_mask: torch.Tensor | None = None) -> torch.Tensor:
        """(B, T, n_embd) in, (B, T, n_embd) out; the mask as in MultiHeadSelfAttention."""
        x = x + self.attention(self.norm_1(x), attention_mask)  # (B, T, C)
        return x + self.mlp(self.norm_2(x))  # (B, T, C)


class Transformer(nn.Module):
    """Token ids in, a score for every word of the vocabulary out.

    `Encoder` and `Decoder` say who may attend to whom; here everybody may.
    Source: Vaswani et al. 2017, "Attention Is All You Need", section 3.
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
        """Who may attend to whom among the T tokens; None: everybody to everybody."""
        return None

    def forward(
        self,
        idx: torch.Tensor,
        targets: torch.Tensor | None = None,
        hidden_cache: torch.Tensor | None = None,
        return_hidden: bool = False,
    ) -> tuple[torch.Tensor, torch.Tensor | None] | torch.Tensor:
        """Score the next word at every place.

        Args:
            idx: (B, T) int64 token ids, -1 where a sequence is padded at its end.
            targets: (B, T) int64, the word to be predicted at each place, -1
                where none is. Without a cache the logits of row t predict
                targets[:, t]; with one, the last cache row predicts
                targets[:, 0] and row t of idx predicts targets[:, t + 1].
            hidden_cache: (B, P, n_embd), what another Transformer made of a
                prefix with `return_hidden`. Its rows come before the tokens; a
                row of zeros is padding and is attended to by nobody.
            return_hidden: return the hidden states instead of scores.

        Returns:
            (logits, loss): logits (B, P + T, vocab_size), raw scores; loss a
            scalar, the mean cross-entropy over the targets that are not -1, or
            None without targets. With return_hidden: (B, P + T, n_embd), the
            hidden states after the final norm, zero where there is padding.

        Raises:
            ValueError: idx is too long or holds an unknown id, a sequence has
                no token or padding in front of one, the cache has another width
                or batch, or the targets have another shape or hold an unknown id.
        """
        x = self.layers["embedding"](idx)  # (B, T, C)
        is_token = idx != -1  # (B, T)
        refuse_bad_padding(is_token)
        attention_mask = self.get_attention_mask(is_token.sum(1), idx.shape[1])  # (B, 1, T, T)
        P = 0
        if hidden_cache is not None:
            hidden_cache = padding_first(self.checked_cache(hidden_cache, len(idx)))  # (B, P, C)
            P = hidden_cache.shape[1]
            x = torch.cat([hidden_cache, x], dim=1)  # (B, P + T, C)
            attention_mask = joint_mask(hidden_cache, idx, attention_mask)  # (B, 1, P + T, P + T)
            is_token = torch.cat([is_cached(hidden_cache), is_token], dim=1)  # (B, P + T)
        for block in self.layers["blocks"]:
            x = block(x, attention_mask)  # (B, P + T, C)
        x = self.layers["norm"](x)  # (B, P + T, C)
        if return_hidden:
            return x * is_token.unsqueeze(-1)  # (B, P + T, C)
        logits = self.lm_head(x)  # (B, P + T, V)
        if targets is None:
            return logits, None
        if targets.shape != idx.shape:
            raise ValueError(
                f"targets has shape {tuple(targets.shape)} and idx has shape {tuple(idx.shape)}: "
                f"there must be one target for every token."
            )
        self._refuse_bad_targets(targets)
        predictions = logits[:, P - 1 : -1] if P else logits  # (B, T, V)
        return logits, F.cross_entropy(predictions.flatten(0, 1), targets.flatten(), ignore_index=-1)

    def attentions(self, idx: torch.Tensor, hidden_cache: torch.Tensor | None = None) -> list[torch.Tensor]:
        """How much each token reads each other, layer by layer: `attentions` of this model."""
        return attentions(self, idx, hidden_cache)

    def _refuse_bad_targets(self, targets: torch.Tensor) -> None:
        # As in Embedding: what they hold is only known at run time.
        if torch.compiler.is_compiling() or targets.is_meta or not targets.numel():
            return
        low, high = targets.min().item(), targets.max().item()
        if low < -1 or high >= self.config.vocab_size:
            raise ValueError(
                f"targets holds {low if low < -1 else high}: ids run from 0 to {self.config.vocab_size - 1} "
                f"(vocab_size = {self.config.vocab_size}), and -1 marks a place where nothing is to be predicted."
            )

    def checked_cache(self, hidden_cache: torch.Tensor, B: int) -> torch.Tensor:
        """The cache itself, once it fits. Raises ValueError."""
        C = self.config.n_embd
        if hidden_cache.dim() != 3 or hidden_cache.shape[0] != B or hidden_cache.shape[2] != C:
            raise ValueError(
                f"hidden_cache has shape {tuple(hidden_cache.shape)}: (B, P, n_embd) = ({B}, P, {C}) is wanted."
            )
        if hidden_cache.shape[1] == 0:
            raise ValueError(
                f"hidden_cache has shape {tuple(hidden_cache.shape)}: it holds no row, and the last row of a "
                f"cache predicts the first target; leave hidden_cache out where there is nothing to go on from."
            )
        return hidden_cache


def attentions(
    model: nn.Module, idx: torch.Tensor, hidden_cache: torch.Tensor | None = None
) -> list[torch.Tensor]:
    """How much each token reads each other in every layer of a Transformer, for pictures: no dropout, no gradient.

    The model may be a learner's: it needs layers["blocks"], and in each block an
    `attention` that keeps what it has computed in `weights`, as in notebook 2, or
    computes it again in `attention_weights`, as the package's does.

    Args:
        model: a Transformer; it is left in the mode it was in.
        idx: (B, T) int64, -1 where a sequence is padded.
        hidden_cache: (B, P, n_embd), as in `Transformer.forward`; its padded rows are moved to its front.

    Returns:
        One (B, n_head, P + T, P + T) for each layer. Rows of padding mean nothing.

    Raises:
        ValueError: what the model's forward raises.
    """
    seen = []

    def keep(attention, arguments, named, output):
        kept = hasattr(attention, "weights")
        seen.append(attention.weights.detach() if kept else attention.attention_weights(*arguments, **named))

    hooks = [block.attention.register_forward_hook(keep, with_kwargs=True) for block in model.layers["blocks"]]
    try:
        with torch.no_grad(), in_eval_mode(model):
            model(idx) if hidden_cache is None else model(idx, hidden_cache=hidden_cache)
    finally:
        for hook in hooks:
            hook.remove()
    return seen


@contextmanager
def in_eval_mode(model: nn.Module) -> Iterator[None]:
    """Every module in eval mode, and afterwards each in the mode it was in."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, was_training in modes:
            module.training = was_training


def refuse_bad_padding(is_token: torch.Tensor, name: str = "idx") -> None:
    """(B, T) bool, of what is called `name`. Raises ValueError for a sequence of padding alone, or with padding in front of a token."""
    if torch.compiler.is_compiling() or is_token.is_meta or not is_token.numel():
        return
    empty = ~is_token.any(dim=1)  # (B,)
    if empty.any():
        raise ValueError(
            f"sequence {int(empty.nonzero()[0])} of {name} is padding (-1) from its first place to its last: "
            f"every sequence needs at least one token, so leave it out."
        )
    inside = (is_token[:, 1:] & ~is_token[:, :-1]).any(dim=1)  # (B,)
    if inside.any():
        raise ValueError(
            f"sequence {int(inside.nonzero()[0])} of {name} has padding (-1) in front of a token: "
            f"padding stands at the end of a sequence."
        )


def is_cached(hidden_cache: torch.Tensor) -> torch.Tensor:
    """(B, P, C) to (B, P) bool: True where a row is a token's, False where it is zeros, padding."""
    return (hidden_cache != 0).any(dim=-1)  # (B, P)


def padding_first(hidden_cache: torch.Tensor) -> torch.Tensor:
    """Move the padded rows of a cache to its front, so that its last row is a token's.

    The order of cache rows changes no attention: they carry their positions
    inside them. But the last row predicts the first target, so it must be real.

    Args:
        hidden_cache: (B, P, C), zero where there is padding.

    Returns:
        (B, P, C), the same rows.
    """
    order = is_cached(hidden_cache).to(torch.uint8).argsort(dim=1, stable=True)  # (B, P)
    return hidden_cache.gather(1, order.unsqueeze(-1).expand_as(hidden_cache))  # (B, P, C)


def joint_mask(
    hidden_cache: torch.Tensor, idx: torch.Tensor, attention_mask: torch.Tensor | None
) -> torch.Tensor:
    """The mask over a cache and the tokens after it.

    Cache rows attend to the cache. Token rows attend to the cache and, among
    themselves, as `attention_mask` says. Nobody attends to padding.

    Args:
        hidden_cache: (B, P, C), zero where there is padding.
        idx: (B, T) int64, -1 where there is padding.
        attention_mask: (B, 1, T, T) bool, or None for everybody to everybody.

    Returns:
        (B, 1, P + T, P + T) bool.
    """
    (B, T), P = idx.shape, hidden_cache.shape[1]
    mask = torch.zeros(B, 1, P + T, P + T, dtype=torch.bool, device=idx.device)
    mask[:, :, :, :P] = is_cached(hidden_cache)[:, None, None, :]
    mask[:, :, P:, P:] = (idx != -1)[:, None, None, :] if attention_mask is None else attention_mask
    return mask

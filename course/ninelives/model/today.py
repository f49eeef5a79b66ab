"""From the Transformer of 2017 to the language models of today, in six changes (lab "today").

====================================  ======================================  ==========================  ================================
here                                  2017                                    since                       in Hugging Face's Llama
====================================  ======================================  ==========================  ================================
`RMSNorm`                             LayerNorm                               Zhang & Sennrich 2019       `LlamaRMSNorm`
`rotate`                              positions that are added to the tokens  Su et al. 2021              `apply_rotary_pos_emb`,
                                                                                                          `rope_theta`
`SwiGLU` with `gate`, `up`, `down`    two layers and ReLU or GELU             Shazeer 2020                `LlamaMLP`, `gate_proj`,
                                                                                                          `up_proj`, `down_proj`
`GroupedQueryAttention`, `n_kv_head`  keys and values for every head          Ainslie et al. 2023         `num_key_value_heads`
`tie_embeddings`                      as here, in the paper itself            Press & Wolf 2017           `tie_word_embeddings`
`remove_biases`                       biases in every linear layer            Chowdhery et al. 2022       `attention_bias`, `mlp_bias`
                                                                              (PaLM)
====================================  ======================================  ==========================  ================================

Masks, caches, padding and the forward pass are those of `Transformer`. Where the course differs from Vaswani et al. 2017,
`ninelives.model` says so: "2017" here is the course's own form, pre-norm, with learned positions, GELU and no tying.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import nn
from torch.nn import functional as F

from ninelives.config import TransformerConfig
from ninelives.model.attention import KeyValueCache
from ninelives.model.decoder import Decoder
from ninelives.model.embeddings import Embedding
from ninelives.model.encoder import Encoder
from ninelives.model.encoder_decoder import EncoderDecoder
from ninelives.model.masks import checked_mask
from ninelives.model.transformer import Transformer
from ninelives.model.validation import check_ids, check_width


@dataclass(frozen=True)
class TodayConfig(TransformerConfig):
    """The sizes of a Transformer of today, and which of the six changes it has: all of them, unless said otherwise.

    Args:
        n_kv_head: how many heads have keys and values of their own; n_head / n_kv_head query heads share each. None: n_head,
            so that nothing is shared.
        n_hidden: the width between the layers of the mlp. None: 8/3 * n_embd with SwiGLU, whose three matrices then have as
            many weights as two of 4 * n_embd (Shazeer 2020, section 2), and 4 * n_embd without.
        rope_base: the base of the rotary angles. 10,000 is Su et al.'s.
        norm_eps: what RMSNorm adds to the mean of the squares.
        rms_norm, rotary, swiglu, tied: False for LayerNorm, for learned positions, for GELU, and for an lm_head of its own.
        bias: True for biases in every linear layer and every LayerNorm.

    Raises:
        ValueError: n_head is not a multiple of n_kv_head, or with rotary the heads have an odd number of channels.
    """

    n_kv_head: int | None = None
    n_hidden: int | None = None
    rope_base: float = 10_000.0
    norm_eps: float = 1e-5
    rms_norm: bool = True
    rotary: bool = True
    swiglu: bool = True
    tied: bool = True
    bias: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n_kv_head is not None and (self.n_kv_head < 1 or self.n_head % self.n_kv_head):
            raise ValueError(
                f"n_head is {self.n_head} and n_kv_head is {self.n_kv_head}: n_head / n_kv_head query heads share a key, so "
                f"n_head must be a multiple of n_kv_head."
            )
        if self.rotary and self.head_size % 2:
            raise ValueError(
                f"each head has n_embd / n_head = {self.head_size} channels, and rotary positions turn pairs of channels: "
                f"this number must be even."
            )


class RMSNorm(nn.Module):
    """Divide each vector by the root of the mean of its squares, and give each channel a scale of its own.

    LayerNorm subtracts the mean first and adds a shift last. Source: Zhang & Sennrich 2019, "Root Mean Square Layer
    Normalization", equation 4, with a small eps so that a vector of zeros stays one.
    """

    def __init__(self, n_embd: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(n_embd))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(…, n_embd) in, (…, n_embd) out."""
        mean_square = x.pow(2).mean(dim=-1, keepdim=True)  # (…, 1)
        return x * torch.rsqrt(mean_square + self.eps) * self.weight  # (…, C)


def rotate(x: torch.Tensor, positions: torch.Tensor, base: float = 10_000.0) -> torch.Tensor:
    """Turn pairs of channels by angles that grow with the position, so that q · k depends on the distance alone.

    Channel i and channel i + head_size / 2 are a point in the plane. At position p it is turned by p * base^(-2i / head_size).
    Source: Su et al. 2021, "RoFormer: Enhanced Transformer with Rotary Position Embedding", equations 14 and 15; there a
    pair is two neighbouring channels, here its halves lie head_size / 2 apart, as in GPT-NeoX and Hugging Face's Llama.

    Args:
        x: (…, T, head_size), queries or keys.
        positions: (T,), the position of each row.
        base: the larger, the slower the last pairs turn.

    Returns:
        (…, T, head_size) in the dtype of x.
    """
    return turned(x, *cos_and_sin(positions, x.shape[-1] // 2, base))


def cos_and_sin(positions: torch.Tensor, half: int, base: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosine and sine of the angles of each position (T,), for each of `half` pairs of channels: (T, half) each."""
    speeds = base ** (-torch.arange(half, device=positions.device) / half)  # (half,)
    angles = positions.unsqueeze(-1) * speeds  # (T, half)
    return angles.cos(), angles.sin()


@lru_cache(maxsize=2)
def _same_in_all_layers(first: int, T: int, half: int, base: float, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """`cos_and_sin` of the positions first … first + T - 1, which every layer of a forward pass asks for."""
    with torch.inference_mode(False):  # or what is kept could not be used in a training later
        return cos_and_sin(torch.arange(first, first + T, device=device), half, base)


def turned(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """The pairs of channels of x (…, T, head_size), turned by angles (T, head_size / 2)."""
    cos, sin = cos.to(x.dtype), sin.to(x.dtype)  # (T, head_size / 2) each
    a, b = x.chunk(2, dim=-1)  # (…, T, head_size / 2) each
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)  # (…, T, head_size)


class SwiGLU(nn.Module):
    """An mlp with a gate: silu(gate(x)) says how much of each channel of up(x) gets through to down.

    Source: Shazeer 2020, "GLU Variants Improve Transformer", equation 6.
    """

    def __init__(self, n_embd: int, n_hidden: int) -> None:
        super().__init__()
        self.gate = nn.Linear(n_embd, n_hidden)
        self.up = nn.Linear(n_embd, n_hidden)
        self.down = nn.Linear(n_hidden, n_embd)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(…, n_embd) in, (…, n_embd) out."""
        return self.down(F.silu(self.gate(x)) * self.up(x))  # (…, C)


class GroupedQueryAttention(nn.Module):
    """Scaled dot-product attention whose query heads share keys and values, with rotary positions.

    Query heads 0 … n_head / n_kv_head - 1 read key head 0, the next as many key head 1, and so on. Source: Ainslie et al.
    2023, "GQA: Training Generalized Multi-Query Transformer Models from Multi-Head Checkpoints", section 2.2.
    """

    def __init__(self, config: TodayConfig) -> None:
        super().__init__()
        self.config = config
        self.n_head = config.n_head
        self.n_kv_head = config.n_kv_head or config.n_head
        self.query = nn.Linear(config.n_embd, config.n_embd)
        self.key = nn.Linear(config.n_embd, self.n_kv_head * config.head_size)
        self.value = nn.Linear(config.n_embd, self.n_kv_head * config.head_size)
        self.proj = nn.Linear(config.n_embd, config.n_embd)
        self.proj_dropout = nn.Dropout(config.dropout)

    def forward(
        self, x: torch.Tensor, attention_mask: torch.Tensor | None = None, cache: KeyValueCache | None = None
    ) -> torch.Tensor:
        """What `MultiHeadSelfAttention.forward` takes, returns and raises. The cache holds n_kv_head heads, not n_head."""
        q, k, v = self.project(x, 0 if cache is None else cache.length)
        if cache is not None:
            k, v = cache.extend(k, v)  # (B, n_kv_head, S, head_size) each
        mask = checked_mask(attention_mask, q, k)  # broadcasts to (B, n_head, T, S), or None
        p = self.config.dropout if self.training else 0.0
        z = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=p, enable_gqa=True)  # (B, n_head, T, head_size)
        return self.proj_dropout(self.proj(z.transpose(1, 2).flatten(2)))  # (B, T, C)

    def attention_weights(self, x: torch.Tensor, attention_mask: torch.Tensor | None = None) -> torch.Tensor:
        """How much each token attends to each other, for pictures: (B, n_head, T, T), every row sums to 1."""
        q, k, _ = self.project(x)
        k = k.repeat_interleave(self.n_head // self.n_kv_head, dim=1)  # (B, n_head, T, head_size)
        scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])  # (B, n_head, T, T)
        mask = checked_mask(attention_mask, q, k)
        if mask is not None:
            scores = scores.masked_fill(~mask, float("-inf"))  # (B, n_head, T, T)
        return scores.softmax(dim=-1)  # (B, n_head, T, T)

    def project(self, x: torch.Tensor, first: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Queries (B, n_head, T, head_size), keys and values (B, n_kv_head, T, head_size) of tokens from position `first` on."""
        check_width(x, self.query.in_features)
        size = self.config.head_size
        q, k, v = (part(x).unflatten(-1, (-1, size)).transpose(1, 2) for part in (self.query, self.key, self.value))
        if self.config.rotary:
            angles = _same_in_all_layers(first, x.shape[1], size // 2, self.config.rope_base, x.device)
            q, k = turned(q, *angles), turned(k, *angles)
        return q, k, v


def tie_embeddings(model: nn.Module) -> None:
    """Let a Transformer's lm_head and its token embedding be one matrix, that of lm_head.

    Source: Press & Wolf 2017, "Using the Output Embedding to Improve Language Models". PyTorch draws the weights of an
    embedding so large that as an lm_head they would give scores of ±√n_embd before any training: hence lm_head's.
    """
    model.layers["embedding"].token.weight = model.lm_head.weight


def remove_biases(model: nn.Module) -> None:
    """Take the bias out of every layer that has one. Source: Chowdhery et al. 2022, "PaLM", section 2."""
    for module in model.modules():
        if getattr(module, "bias", None) is not None:
            module.bias = None


class TokenEmbedding(nn.Module):
    """A vector for each token and none for its position, which the attention adds by rotation."""

    def __init__(self, config: TodayConfig) -> None:
        super().__init__()
        self.block_size = config.block_size
        self.token = nn.Embedding(config.vocab_size, config.n_embd)

    def forward(self, idx: torch.Tensor) -> torch.Tensor:
        """(B, T) int64, -1 where a sequence is padded, to (B, T, n_embd); raises what `Embedding` raises."""
        check_ids(idx, self.block_size, self.token.num_embeddings)
        return self.token(idx.clamp(min=0))  # (B, T, C)


class TodayBlock(nn.Module):
    """`TransformerBlock`, with the parts that are asked for."""

    def __init__(self, config: TodayConfig, norm: Callable, attention: Callable, mlp: Callable) -> None:
        super().__init__()
        self.norm_1, self.attention = norm(), attention(config)
        self.norm_2, self.mlp = norm(), mlp()
        self.mlp_dropout = nn.Dropout(config.dropout)

    def forward(self, x: torch.Tensor, attention_mask: torch.Tensor | None = None, *cache: KeyValueCache) -> torch.Tensor:
        """(B, T, n_embd) in, (B, T, n_embd) out; mask and cache (at most one) go to the attention as they are."""
        x = x + self.attention(self.norm_1(x), attention_mask, *cache)  # (B, T, C)
        return x + self.mlp_dropout(self.mlp(self.norm_2(x)))  # (B, T, C)


class Today(Transformer):
    """A Transformer with the changes that its config asks for. `TodayEncoder` and `TodayDecoder` say who attends to whom.

    Args:
        config: sizes and changes.
        norm, attention, mlp, tie_embeddings, remove_biases: a learner's own instead of those above, each called as those are. For
            generation each must treat every token alone, but for the attention, which takes a `KeyValueCache`.
    """

    def __init__(
        self, config: TodayConfig, *, norm: Callable = RMSNorm, attention: Callable = GroupedQueryAttention,
        mlp: Callable = SwiGLU, tie_embeddings: Callable = tie_embeddings, remove_biases: Callable = remove_biases,
    ) -> None:
        nn.Module.__init__(self)  # not Transformer's, which would build the layers of 2017
        self.config = config

        def new_norm() -> nn.Module:
            return norm(config.n_embd, config.norm_eps) if config.rms_norm else nn.LayerNorm(config.n_embd)

        def new_mlp() -> nn.Module:
            if config.swiglu:
                return mlp(config.n_embd, config.n_hidden or round(8 * config.n_embd / 3))
            n_hidden = config.n_hidden or 4 * config.n_embd
            return nn.Sequential(nn.Linear(config.n_embd, n_hidden), nn.GELU(), nn.Linear(n_hidden, config.n_embd))

        self.layers = nn.ModuleDict({
            "embedding": TokenEmbedding(config) if config.rotary else Embedding(config),
            "blocks": nn.ModuleList(TodayBlock(config, new_norm, attention, new_mlp) for _ in range(config.n_layer)),
            "norm": new_norm(),
        })
        self.lm_head = nn.Linear(config.n_embd, config.vocab_size, bias=False)
        if config.tied:
            tie_embeddings(self)
        if not config.bias:
            remove_biases(self)
        self.kinds = {type(module) for module in self.modules()}  # what `generation.new_caches` may trust


class TodayEncoder(Today, Encoder):
    """`Encoder` of today: every token attends to the whole sentence."""


class TodayDecoder(Today, Decoder):
    """`Decoder` of today: no token attends to a later one.

    SmolLM2-135M is TodayConfig(vocab_size=49_152, block_size=8192, n_embd=576, n_head=9, n_layer=30, dropout=0.0, n_kv_head=3,
    n_hidden=1536, rope_base=100_000.0).
    """


class TodayEncoderDecoder(EncoderDecoder):
    """`EncoderDecoder` of today. In the decoder the rows of the encoder and the tokens are positions of one sequence."""

    def __init__(self, encoder_config: TodayConfig, decoder_config: TodayConfig) -> None:
        nn.Module.__init__(self)
        self.encoder = TodayEncoder(encoder_config)
        self.decoder = TodayDecoder(decoder_config)

"""One word after another (notebooks 6 and 8)."""

import math
from collections.abc import Iterator
from numbers import Integral, Real
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from ninelives.model.attention import MultiHeadSelfAttention
from ninelives.model.decoder import Decoder
from ninelives.model.dropout import Dropout
from ninelives.model.embeddings import Embedding
from ninelives.model.encoder_decoder import EncoderDecoder, checked_prefix
from ninelives.model.transformer import (
    FeedForward,
    TransformerBlock,
    in_eval_mode,
    is_cached,
    joint_mask,
    padding_first,
)


def next_token_probabilities(
    logits: torch.Tensor, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None
) -> torch.Tensor:
    """Turn the scores of the next word into the probabilities to draw it from.

    The scores are divided by the temperature first; then top_k keeps the k most
    likely words; then top_p the smallest set of words that together have at
    least that probability (Holtzman et al. 2019, "The Curious Case of Neural
    Text Degeneration", section 3.1). What is kept is shared out anew.

    Args:
        logits: (…, V).
        temperature: 0 gives the most likely word probability 1.
        top_k: at least 1, or None for all words.
        top_p: above 0 and at most 1, or None for all words.

    Returns:
        (…, V); every row sums to 1. Where several words tie for the last place
        top_k keeps all of them, and top_p the first.

    Raises:
        ValueError: an argument is outside its range, or a row of logits holds
            NaN or no finite number.
    """
    _refuse_bad_settings(temperature, top_k, top_p)
    highest = logits.amax(dim=-1, keepdim=True)  # (…, 1), NaN where a row holds NaN
    if not highest.isfinite().all():
        raise ValueError(
            "the logits hold NaN, +inf, or a row of nothing but -inf: there is no word to draw. "
            "Look for a diverged training or a mask that hides everything."
        )
    if temperature == 0:
        return F.one_hot(logits.argmax(dim=-1), logits.shape[-1]).to(logits.dtype)  # (…, V)
    # Subtracting the maximum first keeps small temperatures from overflowing; below `tiny` 0 / 0 would be left.
    scaled = (logits - highest) / max(temperature, torch.finfo(logits.dtype).tiny)  # (…, V)
    if top_k is not None and top_k < logits.shape[-1]:
        kth = scaled.topk(top_k, dim=-1).values[..., -1:]  # (…, 1)
        scaled = scaled.masked_fill(scaled < kth, float("-inf"))
    probabilities = scaled.softmax(dim=-1)  # (…, V)
    if top_p is not None and top_p < 1:
        ordered, order = probabilities.sort(dim=-1, descending=True, stable=True)  # (…, V)
        surplus = ordered.cumsum(dim=-1) - ordered >= top_p  # (…, V)
        probabilities = probabilities.masked_fill(surplus.gather(-1, order.argsort(dim=-1)), 0.0)
        probabilities = probabilities / probabilities.sum(dim=-1, keepdim=True)  # (…, V)
    return probabilities


def stream(
    model: nn.Module,
    idx: torch.Tensor,
    max_new_tokens: int,
    temperature: float = 1.0,
    *,
    top_k: int | None = None,
    top_p: float | None = None,
    end_token: int | None = None,
    generator: torch.Generator | None = None,
    hidden_cache: torch.Tensor | None = None,
) -> Iterator[torch.Tensor]:
    """Draw one token after another and hand each out as soon as it is there.

    A decoder of the package keeps the keys and values of earlier tokens, so that
    each step reads one token only. Beyond block_size the positions of all tokens
    move, and the last block_size tokens are read again at every step; so they are
    by any other model. Until the stream ends or is closed the model is in eval mode.

    Args:
        model: (idx (B, T)) to (logits (B, T, V), loss), with config.block_size;
            with a hidden_cache (idx, hidden_cache=…) to (logits (B, P + T, V), loss).
        idx: (B, T) int64, the prompt, without padding; T may be 0 with a cache.
        max_new_tokens: how many tokens to draw at most; 0 draws none.
        temperature, top_k, top_p: as in `next_token_probabilities`.
        end_token: a sequence that has drawn it is finished; its further tokens are -1.
        generator: source of randomness, for draws that can be repeated.
        hidden_cache: (B, P, n_embd), as in `Transformer.forward`.

    Yields:
        (B,) int64, the next token of every sequence, until all are finished.

    Raises:
        ValueError: an argument is outside its range, or the prompt is empty
            where there is no cache, or holds padding.
    """
    _refuse_bad_settings(temperature, top_k, top_p)
    if not (isinstance(max_new_tokens, Integral) and max_new_tokens >= 0):
        raise ValueError(f"max_new_tokens is {max_new_tokens!r}: it must be a whole number, 0 or more.")
    if idx.dim() != 2:
        raise ValueError(f"idx has shape {tuple(idx.shape)}: (B, T) is wanted, one row for each prompt.")
    if idx.shape[1] == 0 and hidden_cache is None:
        raise ValueError("the prompt is empty: a decoder needs at least one token to go on from.")
    if (idx == -1).any():
        raise ValueError(
            "idx holds padding (-1): new tokens would stand behind it. "
            "Put prompts of one length together and call generate once for each length."
        )
    return _stream(model, idx, max_new_tokens, temperature, top_k, top_p, end_token, generator, hidden_cache)


@torch.no_grad()
def _stream(model, idx, max_new_tokens, temperature, top_k, top_p, end_token, generator, hidden_cache):
    with in_eval_mode(model):
        finished = torch.zeros(idx.shape[0], dtype=torch.bool, device=idx.device)  # (B,)
        kept = KeptKeysAndValues.of(model, idx, max_new_tokens, hidden_cache)
        for _ in range(max_new_tokens):
            if kept is not None and idx.shape[1] <= kept.block_size:
                logits = kept.next_logits(idx)  # (B, V)
            else:
                logits = next_logits(model, idx, hidden_cache)  # (B, V)
            probabilities = next_token_probabilities(logits, temperature, top_k, top_p)  # (B, V)
            token = torch.multinomial(probabilities, 1, generator=generator)  # (B, 1)
            idx = torch.cat([idx, token], dim=1)  # (B, T + 1)
            yield token.squeeze(1).masked_fill(finished, -1)  # (B,)
            if end_token is not None:
                finished = finished | (token.squeeze(1) == end_token)
                if finished.all():
                    return


def generate(
    model: nn.Module, idx: torch.Tensor, max_new_tokens: int, temperature: float = 1.0, **settings
) -> torch.Tensor:
    """Continue a prompt: (B, T) to (B, T + new), at most max_new_tokens new ones.

    Takes the settings of `stream` and raises what it raises. The model is left
    in the mode it was in, and idx as it was.
    """
    tokens = stream(model, idx, max_new_tokens, temperature, **settings)
    return torch.cat([idx, *(token.unsqueeze(1) for token in tokens)], dim=1)  # (B, T + new)


def prefix_generation(
    model: EncoderDecoder, prefix: torch.Tensor, max_new_tokens: int, temperature: float = 1.0, **settings
) -> torch.Tensor:
    """Answer a prefix: encode it once, then draw the answer.

    Args:
        model: an encoder-decoder.
        prefix: (B, P) int64, -1 where it is padded at its end.
        max_new_tokens, temperature, settings: as in `stream`.

    Returns:
        (B, new) int64, the new tokens alone; -1 behind a sequence's end token.

    Raises:
        ValueError: what `stream` raises, or a prefix is empty, all padding, or
            padded elsewhere than at its end.
    """
    tokens = list(prefix_stream(model, prefix, max_new_tokens, temperature, **settings))
    return torch.stack(tokens, dim=1) if tokens else prefix.new_empty(len(prefix), 0)  # (B, new)


def prefix_stream(
    model: EncoderDecoder, prefix: torch.Tensor, max_new_tokens: int, temperature: float = 1.0, **settings
) -> Iterator[torch.Tensor]:
    """`prefix_generation`, token by token: yields (B,) int64."""
    checked_prefix(prefix)
    with torch.no_grad(), in_eval_mode(model):
        hidden_cache = model.encoder(prefix, return_hidden=True)  # (B, P, C)
    start = prefix.new_empty(len(prefix), 0)  # (B, 0)
    return stream(model.decoder, start, max_new_tokens, temperature, hidden_cache=hidden_cache, **settings)


class KeptLayer(NamedTuple):
    """One block of a decoder, laid open: its weights, and the keys and values that it has made so far."""

    norm_1: tuple  # what torch.layer_norm takes behind x
    weight: torch.Tensor  # (3C, C), of queries, keys and values: one product in place of three
    bias: torch.Tensor  # (3C,)
    keys: torch.Tensor  # (B, H, rows, head_size)
    values: torch.Tensor  # (B, H, rows, head_size)
    proj: tuple  # what F.linear takes behind x
    norm_2: tuple
    up: tuple
    gelu: str
    down: tuple

    @classmethod
    def of(cls, block: TransformerBlock, B: int, rows: int) -> "KeptLayer":
        attention, (up, gelu, down, _) = block.attention, block.mlp
        parts = attention.query, attention.key, attention.value
        weight = torch.cat([part.weight for part in parts])  # (3C, C)
        keys, values = weight.new_empty(2, B, attention.n_head, rows, weight.shape[1] // attention.n_head)
        return cls(
            _of_norm(block.norm_1), weight, torch.cat([part.bias for part in parts]), keys, values,
            (attention.proj.weight, attention.proj.bias), _of_norm(block.norm_2),
            (up.weight, up.bias), gelu.approximate, (down.weight, down.bias),
        )


def _of_norm(norm: nn.LayerNorm) -> tuple:
    return norm.normalized_shape, norm.weight, norm.bias, norm.eps


class KeptKeysAndValues:
    """A decoder that reads every token once, since it keeps the keys and values of earlier ones.

    For a single token the calls cost more than the arithmetic, so there are few of them and none
    goes through a module. Source: the incremental form of Vaswani et al. 2017, section 3.2.3;
    since no token attends to a later one, its keys and values never change.
    """

    def __init__(self, model: Decoder, B: int, rows: int, hidden_cache: torch.Tensor | None) -> None:
        self.model = model
        self.block_size = model.config.block_size
        self.hidden_cache = None if hidden_cache is None else padding_first(hidden_cache)  # (B, P, C)
        self.read = 0
        self.layers = [KeptLayer.of(block, B, rows) for block in model.layers["blocks"]]
        self.norm, self.lm_head = _of_norm(model.layers["norm"]), model.lm_head.weight
        self.token, self.position = (part.weight for part in model.layers["embedding"].children())

    @classmethod
    def of(cls, model, idx, max_new_tokens, hidden_cache) -> "KeptKeysAndValues | None":
        """For the package's own decoder; None for any other model, whose insides are unknown."""
        if not _is_as_built(model):
            return None
        rows = min(idx.shape[1] + max_new_tokens, model.config.block_size)
        if hidden_cache is not None:
            rows += model.checked_cache(hidden_cache, len(idx)).shape[1]
        return cls(model, len(idx), rows, hidden_cache)

    def next_logits(self, idx: torch.Tensor) -> torch.Tensor:
        """(B, T) int64, the whole sequence so far, to (B, V); only what is new in it is read."""
        x, attention_mask = self._first(idx) if self.read == 0 else self._next(idx)  # (B, R, C)
        B, R, C = x.shape
        first, self.read = self.read, self.read + R
        for layer in self.layers:
            _, H, _, head_size = layer.keys.shape
            qkv = F.linear(torch.layer_norm(x, *layer.norm_1), layer.weight, layer.bias)  # (B, R, 3C)
            q, k, v = qkv.view(B, R, 3, H, head_size).permute(2, 0, 3, 1, 4).unbind()  # (B, H, R, head_size)
            layer.keys.narrow(2, first, R).copy_(k)
            layer.values.narrow(2, first, R).copy_(v)
            z = F.scaled_dot_product_attention(
                q, layer.keys.narrow(2, 0, self.read), layer.values.narrow(2, 0, self.read), attn_mask=attention_mask
            )  # (B, H, R, head_size)
            x = x + F.linear(z.transpose(1, 2).reshape(B, R, C), *layer.proj)  # (B, R, C)
            hidden = F.gelu(F.linear(torch.layer_norm(x, *layer.norm_2), *layer.up), approximate=layer.gelu)  # (B, R, 4C)
            x = x + F.linear(hidden, *layer.down)  # (B, R, C)
        return F.linear(torch.layer_norm(x[:, -1], *self.norm), self.lm_head)  # (B, V)

    def _first(self, idx: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The cache and the whole prompt: x (B, P + T, C) and the mask over it."""
        x = self.model.layers["embedding"](idx)  # (B, T, C)
        T = torch.full((len(idx),), idx.shape[1], device=idx.device)  # (B,)
        attention_mask = self.model.get_attention_mask(T, idx.shape[1])  # (B, 1, T, T)
        self.visible = None
        if self.hidden_cache is not None:
            attention_mask = joint_mask(self.hidden_cache, idx, attention_mask)  # (B, 1, P + T, P + T)
            x = torch.cat([self.hidden_cache, x], dim=1)  # (B, P + T, C)
            if not is_cached(self.hidden_cache).all():
                self.visible = is_cached(self.hidden_cache)[:, None, None, :]  # (B, 1, 1, P)
        attention = self.model.layers["blocks"][0].attention
        return x, attention.checked_mask(attention_mask, x)

    def _next(self, idx: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The newest token alone: x (B, 1, C) and what it may attend to, None for everything."""
        x = F.embedding(idx[:, -1:], self.token) + self.position[idx.shape[1] - 1]  # (B, 1, C)
        if self.visible is None:
            return x, None
        tokens = self.read + 1 - self.visible.shape[-1]
        return x, F.pad(self.visible, (0, tokens), value=True)  # (B, 1, 1, read + 1)


def _is_as_built(model: nn.Module) -> bool:
    """Whether this is the package's decoder and nothing in it was exchanged, hooked or wrapped."""
    if type(model) is not Decoder:
        return False
    block = [TransformerBlock, nn.LayerNorm, MultiHeadSelfAttention, *[nn.Linear] * 4, Dropout,
             nn.LayerNorm, FeedForward, nn.Linear, nn.GELU, nn.Linear, Dropout]
    whole = [Decoder, nn.ModuleDict, Embedding, nn.Embedding, nn.Embedding,
             nn.ModuleList, *block * model.config.n_layer, nn.LayerNorm, nn.Linear]
    modules = list(model.modules())
    return [type(module) for module in modules] == whole and not any(
        module._forward_hooks or module._forward_pre_hooks or "forward" in vars(module) for module in modules
    )


def next_logits(model: nn.Module, idx: torch.Tensor, hidden_cache: torch.Tensor | None = None) -> torch.Tensor:
    """The scores of the next token, from any model: (B, T) to (B, V).

    The whole sequence is read, or its last block_size tokens.
    """
    block_size = getattr(getattr(model, "config", None), "block_size", None)
    if block_size is not None:
        idx = idx[:, -block_size:]
    logits, _ = model(idx) if hidden_cache is None else model(idx, hidden_cache=hidden_cache)  # (B, P + T, V)
    return logits[:, -1]  # (B, V)


def _refuse_bad_settings(temperature: float, top_k: int | None, top_p: float | None) -> None:
    if not (isinstance(temperature, Real) and math.isfinite(temperature) and temperature >= 0):
        raise ValueError(f"temperature is {temperature!r}: it must be 0 (greedy) or a finite number above 0.")
    if top_k is not None and not (isinstance(top_k, Integral) and top_k >= 1):
        raise ValueError(f"top_k is {top_k!r}: it must be a whole number of words to keep, at least 1, or None for all.")
    if top_p is not None and not (isinstance(top_p, Real) and 0 < top_p <= 1):
        raise ValueError(f"top_p is {top_p!r}: it must be above 0 and at most 1, or None for all words.")

"""One word after another (notebooks 6 and 8)."""

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional as F

from ninelives.model.attention import KeyValueCache, MultiHeadSelfAttention
from ninelives.model.decoder import Decoder
from ninelives.model.embeddings import Embedding
from ninelives.model.encoder_decoder import EncoderDecoder
from ninelives.model.inspection import in_eval_mode
from ninelives.model.today import TodayDecoder
from ninelives.model.transformer import TransformerBlock
from ninelives.model.validation import check_prefix, check_prompt, check_sampling

# Modules that treat each token alone, and the package's own, which know how to use a cache.
CACHEABLE = {
    Decoder, Embedding, TransformerBlock, MultiHeadSelfAttention, nn.ModuleDict, nn.ModuleList, nn.Sequential,
    nn.Embedding, nn.Linear, nn.LayerNorm, nn.GELU, nn.ReLU, nn.Dropout, nn.Identity,
}


def next_token_probabilities(
    logits: torch.Tensor, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None
) -> torch.Tensor:
    """Turn the scores of the next word into the probabilities to draw it from.

    The scores are divided by the temperature first; then top_k keeps the k most
    likely words; then top_p keeps the smallest set of words whose probabilities
    add up to at least top_p (Holtzman et al. 2019, "The Curious Case of Neural
    Text Degeneration", section 3.1). What is kept is renormalised.

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
    check_sampling(temperature, top_k, top_p)
    highest = highest_of(logits)  # (…, 1)
    if temperature == 0:
        return F.one_hot(logits.argmax(dim=-1), logits.shape[-1]).to(logits.dtype)  # (…, V)
    # Subtracting the maximum first keeps small temperatures from overflowing; below `tiny` it would be 0 / 0.
    scaled = (logits - highest) / max(temperature, torch.finfo(logits.dtype).tiny)  # (…, V)
    if top_k is not None and top_k < logits.shape[-1]:
        kth = scaled.topk(top_k, dim=-1).values[..., -1:]  # (…, 1)
        scaled = scaled.masked_fill(scaled < kth, float("-inf"))  # (…, V)
    probabilities = scaled.softmax(dim=-1)  # (…, V)
    if top_p is not None and top_p < 1:
        ordered, order = probabilities.sort(dim=-1, descending=True, stable=True)  # (…, V) each
        exact = torch.promote_types(ordered.dtype, torch.float32)  # the sum of thousands of bfloat16 is not
        before = ordered.cumsum(dim=-1, dtype=exact) - ordered  # (…, V), what all more likely words have together
        surplus = before >= top_p  # (…, V)
        probabilities = probabilities.masked_fill(surplus.gather(-1, order.argsort(dim=-1)), 0.0)  # (…, V)
        probabilities = probabilities / probabilities.sum(dim=-1, keepdim=True)  # (…, V)
    return probabilities


def highest_of(logits: torch.Tensor) -> torch.Tensor:
    """The largest score of each row: (…, V) to (…, 1). Raises ValueError where nothing can be drawn."""
    highest = logits.amax(dim=-1, keepdim=True)  # (…, 1), NaN where a row holds NaN
    if not highest.isfinite().all():
        raise ValueError(
            "the logits hold NaN, +inf, or a row of -inf alone, so no word can be drawn. "
            "Look for a training that diverged or a mask that hides everything."
        )
    return highest


def stream(
    model: nn.Module, idx: torch.Tensor, max_new_tokens: int, temperature: float = 1.0, *,
    top_k: int | None = None, top_p: float | None = None, end_token: int | None = None,
    generator: torch.Generator | None = None, hidden_cache: torch.Tensor | None = None,
) -> Iterator[torch.Tensor]:
    """Draw one token after another and yield each as soon as it is drawn.

    A decoder of the package keeps the keys and values of earlier tokens, so that
    each step reads one token only. Beyond block_size every token's position
    changes, so the last block_size tokens are read again at every step, as any
    other model reads them from the start. The model is in eval mode until the
    stream ends or is closed.

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
        ValueError: an argument is outside its range; the prompt holds padding,
            or is empty without a cache.
    """
    check_sampling(temperature, top_k, top_p)
    check_prompt(idx, max_new_tokens, hidden_cache is not None)
    return _stream(model, idx, max_new_tokens, temperature, top_k, top_p, end_token, generator, hidden_cache)


@torch.no_grad()
def _stream(model, idx, max_new_tokens, temperature, top_k, top_p, end_token, generator, hidden_cache):
    with in_eval_mode(model):
        finished = torch.zeros(idx.shape[0], dtype=torch.bool, device=idx.device)  # (B,)
        caches = new_caches(model, hidden_cache)
        for _ in range(max_new_tokens):
            logits = next_logits(model, idx, hidden_cache, caches)  # (B, V)
            if temperature == 0:  # to draw it among 49,152 words would take a fortieth of SmolLM2's time
                highest_of(logits)
                token = logits.argmax(dim=-1, keepdim=True)  # (B, 1)
            else:
                probabilities = next_token_probabilities(logits, temperature, top_k, top_p)  # (B, V)
                token = torch.multinomial(probabilities, 1, generator=generator)  # (B, 1)
            idx = torch.cat([idx, token], dim=1)  # (B, T + 1)
            yield token.squeeze(1).masked_fill(finished, -1)  # (B,)
            if end_token is not None:
                finished = finished | (token.squeeze(1) == end_token)  # (B,)
                if finished.all():
                    return


def generate(
    model: nn.Module, idx: torch.Tensor, max_new_tokens: int, temperature: float = 1.0, **settings
) -> torch.Tensor:
    """Continue a prompt: (B, T) to (B, T + new), at most max_new_tokens new ones.

    Takes the settings of `stream` and raises what it raises. The model is left
    in the mode it was in, and idx as it was.

    Example::

        from ninelives import weights
        from ninelives.model import generate

        model, tokenizer = weights.load("storyteller")
        idx = tokenizer.encode("the cat").unsqueeze(0)  # (1, 2)
        written = generate(model, idx, max_new_tokens=10, temperature=0.8, end_token=tokenizer.end_token)  # (1, 2 + new)
        print(tokenizer.decode(written[0]))
    """
    tokens = stream(model, idx, max_new_tokens, temperature, **settings)
    return torch.cat([idx, *(token.unsqueeze(1) for token in tokens)], dim=1)  # (B, T + new)


def prefix_generation(
    model: EncoderDecoder, prefix: torch.Tensor, max_new_tokens: int, temperature: float = 1.0,
    end_token: int | None = None, **settings,
) -> torch.Tensor:
    """Answer a prefix: encode it once, then draw the answer.

    Args:
        model: an encoder–decoder.
        prefix: (B, P) int64, -1 where it is padded at its end.
        max_new_tokens, temperature, end_token, settings: as in `stream`.

    Returns:
        (B, new) int64, the new tokens only; -1 after a sequence's end token.

    Raises:
        ValueError: what `stream` raises; a prefix is empty, all padding, or has
            padding before a token.

    Example::

        from ninelives import weights
        from ninelives.model import prefix_generation

        model, tokenizer = weights.load("translator")
        prefix = tokenizer.encode("the hen followed the dog because it was lost").unsqueeze(0)  # (1, P)
        written = prefix_generation(model, prefix, 20, temperature=0, end_token=tokenizer.end_token)  # (1, new)
        print(tokenizer.decode(written[0]))
    """
    tokens = list(prefix_stream(model, prefix, max_new_tokens, temperature, end_token=end_token, **settings))
    return torch.stack(tokens, dim=1) if tokens else prefix.new_empty(len(prefix), 0)  # (B, new)


def prefix_stream(
    model: EncoderDecoder, prefix: torch.Tensor, max_new_tokens: int, temperature: float = 1.0, **settings
) -> Iterator[torch.Tensor]:
    """`prefix_generation`, token by token: yields (B,) int64."""
    check_prefix(prefix)
    with torch.no_grad(), in_eval_mode(model):
        hidden_cache = model.encoder(prefix, return_hidden=True)  # (B, P, C)
    start = prefix.new_empty(len(prefix), 0)  # (B, 0)
    return stream(model.decoder, start, max_new_tokens, temperature, hidden_cache=hidden_cache, **settings)


def next_logits(
    model: nn.Module, idx: torch.Tensor, hidden_cache: torch.Tensor | None = None,
    caches: list[KeyValueCache] | None = None,
) -> torch.Tensor:
    """The scores of the next token, from any model: (B, T) to (B, V).

    The model reads the whole sequence, or its last block_size tokens; with
    caches of `new_caches`, only the tokens that are not in them yet.
    """
    block_size = getattr(getattr(model, "config", None), "block_size", None)
    if caches is not None and idx.shape[1] <= block_size:
        x = model.hidden_states(idx, hidden_cache, caches)  # (B, R, C)
        return model.lm_head(x[:, -1])  # (B, V)
    if block_size is not None:
        idx = idx[:, -block_size:]  # (B, T)
    logits, _ = model(idx) if hidden_cache is None else model(idx, hidden_cache=hidden_cache)  # (B, P + T, V)
    return logits[:, -1]  # (B, V)


def new_caches(model: nn.Module, hidden_cache: torch.Tensor | None = None) -> list[KeyValueCache] | None:
    """An empty cache for each block of the package's decoder; None for a model that cannot be cached.

    Earlier rows never change if every other module treats each token alone.
    A learner's own module, a hook, or a method replaced on one object may mix tokens.
    """
    trusted = CACHEABLE | model.kinds if type(model) is TodayDecoder else CACHEABLE
    for module in model.modules():
        hooked = module._forward_hooks or module._forward_pre_hooks or any(map(callable, vars(module).values()))
        if type(module) not in trusted or hooked:
            return None
    if type(model) not in (Decoder, TodayDecoder):
        return None
    rows = model.config.block_size + (0 if hidden_cache is None else hidden_cache.shape[1])
    return [KeyValueCache(rows) for _ in model.layers["blocks"]]

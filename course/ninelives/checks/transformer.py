"""Notebook 3: what the whole Transformer must do. `block`, its first exercise, is in transformer_block.py."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import nn

from ninelives.checks.exercise import (
    CheckFailed,
    NotWritten,
    build,
    kind_of,
    name_of,
    on_layers_of,
    run,
    same_values,
    want_pair,
    want_tensor,
)
from ninelives.checks.transformer_block import block, loosened, vectors, want_slopes
from ninelives.checks.transformer_mistakes import transformer
from ninelives.config import TransformerConfig
from ninelives.model.masks import joint_mask

__all__ = ["block", "transformer"]

FORWARD = "Transformer.forward"


class Layers(NamedTuple):
    """What the given constructor of a Transformer makes."""

    embedding: nn.Module
    blocks: list[nn.Module]
    norm: nn.Module
    lm_head: nn.Module

    def hidden(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """(B, T, C) to (B, T, C): the reference, one block after the other, then the final norm."""
        for one in self.blocks:
            x = one(x, mask)
        return self.norm(x).detach()

    def logits(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """(B, T, C) to (B, T, V): the reference."""
        return self.lm_head(self.hidden(x, mask)).detach()


def layers_of(module: nn.Module) -> Layers:
    """The layers of a learner's Transformer, each usable on its own.

    Raises:
        CheckFailed: the constructor is not the given one, or the block is not written yet.
    """
    layers = getattr(module, "layers", None)
    named = isinstance(layers, nn.ModuleDict) and {"embedding", "blocks", "norm"} <= set(layers)
    if not named or not isinstance(getattr(module, "lm_head", None), nn.Module):
        raise CheckFailed(
            f"the model has {', '.join(f'self.{name}' for name, _ in module.named_children()) or 'no layers'}"
            f"{f' with {chr(44).join(layers)}' if isinstance(layers, nn.ModuleDict) else ''}.",
            "self.layers with embedding, blocks and norm, and self.lm_head.",
            "leave __init__ as it was given; write forward only.",
        )
    found = Layers(layers["embedding"], list(layers["blocks"]), layers["norm"], module.lm_head)
    try:
        with torch.no_grad():
            found.logits(found.embedding(torch.zeros(1, 1, dtype=torch.int64)), None)
    except NotImplementedError:
        raise NotWritten(
            "TransformerBlock.forward, which every layer of the Transformer calls, is not written yet.",
            "exercise 1 first.",
            "after you change your TransformerBlock, run its cell, then that of your Transformer, then this check.",
        ) from None
    return found


def sizes(seed: int) -> tuple[int, int, int, TransformerConfig]:
    """B, T, P and a configuration, all sizes different."""
    B, T, P, V, n_head, head_size = [(4, 6, 3, 29, 2, 5), (3, 7, 5, 31, 2, 4), (5, 4, 6, 23, 2, 7)][seed % 3]
    return B, T, P, TransformerConfig(V, 16, n_embd=n_head * head_size, n_head=n_head, n_layer=3, dropout=0.0)


def built(answer: Callable, config: TransformerConfig) -> tuple[nn.Module, Layers]:
    """A learner's Transformer in float64, in evaluation, and its layers."""
    module = loosened(build(answer, config))
    return module, layers_of(module)


def token_ids(B: int, T: int, config: TransformerConfig, seed: int) -> torch.Tensor:
    """(B, T) int64: no padding, and the id 0 among them."""
    idx = torch.randint(config.vocab_size, (B, T), generator=torch.Generator().manual_seed(seed))
    idx[0, 0] = 0
    return idx


def padded(idx: torch.Tensor) -> torch.Tensor:
    """The same ids with padding at the end of every sequence, at one position or more."""
    lengths = 1 + torch.arange(len(idx)).unsqueeze(1) % (idx.shape[1] - 1)  # (B, 1)
    return torch.where(torch.arange(idx.shape[1]) < lengths, idx, -1)


def mistaken(module: nn.Module, mistake: type[nn.Module]) -> nn.Module:
    """A known mistake on the layers of a learner's model, under the mask of that model."""
    other = on_layers_of(module, mistake)
    other.get_attention_mask = module.get_attention_mask
    return other


def logits_of(module: nn.Module) -> Callable:
    """For `make`: what a known mistake returns as logits."""
    return lambda mistake: lambda *arguments: mistaken(module, mistake)(*arguments)[0]


def loss_of(module: nn.Module) -> Callable:
    """For `make`: what a known mistake returns as the loss."""
    return lambda mistake: lambda *arguments: mistaken(module, mistake)(*arguments)[1]


def logits_and_loss(
    module: nn.Module, config: TransformerConfig, idx: torch.Tensor, targets: torch.Tensor | None = None,
    hidden_cache: torch.Tensor | None = None,
) -> tuple[torch.Tensor, Any]:
    """What the learner's forward returns, if it is a pair and the logits have the right shape."""
    arguments = (idx, targets, hidden_cache)
    logits, loss = want_pair(
        run(module, *arguments, what=FORWARD), FORWARD, ("logits", "loss"),
        otherwise="without targets it is `return logits, None`.",
    )
    (B, T), P = idx.shape, 0 if hidden_cache is None else hidden_cache.shape[1]
    transformer.want_shape(
        logits, (B, P + T, config.vocab_size), "(B, P + T, vocab_size)" if P else "(B, T, vocab_size)",
        "the tensor of logits", arguments, make=logits_of(module),
    )
    return logits, loss


def want_logits(
    logits: torch.Tensor, wanted: torch.Tensor, module: nn.Module, arguments: tuple, when: str, otherwise: str
) -> None:
    """Refuse other logits than wanted."""
    transformer.want_values(
        logits, wanted, arguments, what=f"{when}, the tensor of logits", otherwise=otherwise,
        caption="Logits: wanted, and yours", make=logits_of(module),
    )


@transformer.aspect("logits")
def gives_the_scores_of_every_word_at_every_position(answer, seed):
    B, T, _, config = sizes(seed)
    module, layers = built(answer, config)
    for b, t in ((B, T), (1, 1), (config.n_head, config.head_size), (1, config.block_size)):
        idx = token_ids(b, t, config, seed)
        logits, loss = logits_and_loss(module, config, idx)
        if loss is not None:
            raise CheckFailed(
                f"without targets the loss is {kind_of(loss)}.",
                "None: there is nothing to compare the scores with.",
                "test `if targets is None` before you compute a loss.",
            )
        want_logits(
            logits, layers.logits(layers.embedding(idx), None), module, (idx,), "without a mask",
            otherwise="embedding, every block in its order, norm, lm_head, and nothing else.",
        )
    idx = padded(token_ids(B, T, config, seed))
    logits, _ = logits_and_loss(module, config, idx)
    want_logits(
        logits, layers.logits(layers.embedding(idx), None), module, (idx,), "with padding in idx",
        otherwise="padding needs nothing here: the embedding accepts −1, and hiding padding is for the next notebook.",
    )


def masked(answer: Callable, calls: list) -> Callable:
    """The learner's class with a get_attention_mask that hides the future and padding, and notes what it was asked."""

    class Masked(answer):
        def get_attention_mask(self, num_tokens, T=None):
            calls.append((num_tokens, T))
            return causal_and_padding_mask(num_tokens, int(torch.as_tensor(num_tokens).max()) if T is None else T)

    Masked.__name__ = name_of(answer)
    return Masked


def causal_and_padding_mask(num_tokens: torch.Tensor, T: int) -> torch.Tensor:
    """(B, 1, T, T) bool: no token attends to a later one or to padding."""
    num_tokens = torch.as_tensor(num_tokens).reshape(-1, 1, 1, 1)
    return (torch.arange(T) < num_tokens) & torch.ones(T, T, dtype=torch.bool).tril()


def want_asked(module: nn.Module, calls: list, idx: torch.Tensor) -> None:
    """Refuse a forward that has not asked get_attention_mask for these tokens."""
    if not calls:
        raise CheckFailed(
            "forward never calls self.get_attention_mask.",
            "one call, with the number of tokens of each sequence and T.",
            "here it returns None, but in encoders and decoders a mask: `self.get_attention_mask(num_tokens, T)`.",
        )
    T, wanted = idx.shape[1], (idx != -1).sum(1)
    num_tokens, positions = calls[-1]
    if not same_numbers(num_tokens, wanted):

        def asked_by(mistake: type[nn.Module]) -> Callable:
            def ask(idx: torch.Tensor) -> Any:
                mistaken(module, mistake).mask(idx)
                return calls[-1][0]

            return ask

        shown = num_tokens.tolist() if isinstance(num_tokens, torch.Tensor) else num_tokens
        otherwise = "`(idx != -1).sum(1)`, of shape (B,)."
        raise CheckFailed(
            f"forward calls get_attention_mask with num_tokens = {shown}.",
            f"{wanted.tolist()}: the number of tokens of each sequence, without padding.",
            transformer.likely_cause(num_tokens, (idx,), otherwise, same_numbers, asked_by),
        )
    if positions != T:
        raise CheckFailed(
            f"forward calls get_attention_mask {'without T' if positions is None else f'with T = {positions}'} "
            f"for sequences of {T} positions.",
            f"T = {T}: the longest sequence has only {int(wanted.max())} tokens, and the mask must cover all of idx.",
            "pass the number of positions as well: `self.get_attention_mask(num_tokens, idx.shape[1])`.",
        )


def same_numbers(seen: Any, wanted: Any) -> bool:
    """Whether two counts, numbers or tensors, are the same."""
    try:
        return torch.equal(torch.as_tensor(seen).double(), torch.as_tensor(wanted).double())
    except (TypeError, ValueError, RuntimeError):
        return False


@transformer.aspect("mask")
def asks_for_the_mask_and_passes_it_to_every_block(answer, seed):
    B, T, _, config = sizes(seed)
    calls = []
    module, layers = built(masked(answer, calls), config)
    for idx in (token_ids(B, T, config, seed), padded(token_ids(B, T, config, seed))):
        calls.clear()
        try:
            logits, _ = logits_and_loss(module, config, idx)
        except CheckFailed:
            # A mask of the wrong lengths may not fit, and attention's own error says so less clearly.
            if calls:
                want_asked(module, calls, idx)
            raise
        want_asked(module, calls, idx)
        mask = causal_and_padding_mask((idx != -1).sum(1), T)
        want_logits(
            logits, layers.logits(layers.embedding(idx), mask), module, (idx,),
            "when get_attention_mask hides something", otherwise="pass the mask to every block as it is.",
        )


def loop_loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The reference, position by position: the mean of −log(probability of the target) where there is one."""
    return torch.stack([
        row.logsumexp(0) - row[word]
        for rows, words in zip(logits, targets.tolist()) for row, word in zip(rows, words) if word != -1
    ]).mean()


def want_loss(loss: Any, wanted: torch.Tensor, module: nn.Module, arguments: tuple, when: str) -> None:
    """Refuse another loss than wanted."""
    if loss is None:
        raise CheckFailed(
            f"{when}, the loss is None.", f"a number: {wanted:.3f}.", "where targets are given, return `logits, loss`.",
        )
    if isinstance(loss, float):
        raise CheckFailed(
            f"{when}, the loss is a plain number.", "a tensor, on which backward() can be called.",
            "leave out .item() or float(…).",
        )
    want_tensor(loss, "the loss")
    if loss.numel() != 1:
        raise CheckFailed(
            f"{when}, the loss has shape {tuple(loss.shape)}.",
            "a single number, of shape ().",
            "it is the mean over all positions that have a target: leave `reduction` of cross_entropy alone.",
        )
    loss = loss.reshape(())
    if not same_values(loss, wanted):
        raise CheckFailed(
            f"{when}, the loss is {loss.item():.3f}.",
            f"{wanted:.3f}: the mean of −log(probability of the target), over the positions whose target is not −1.",
            transformer.likely_cause(
                loss, arguments, "F.cross_entropy(scores (N, vocab_size), targets (N,), ignore_index=-1).",
                partial(same_values, tolerance=1e-5), make=loss_of(module),
            ),
        )


def some_targets(idx: torch.Tensor, config: TransformerConfig, seed: int) -> torch.Tensor:
    """(B, T) int64: random words, the ids 0 and V - 1 among them; −1 at padding, and at one more position."""
    targets = torch.randint(config.vocab_size, idx.shape, generator=torch.Generator().manual_seed(seed + 50))
    targets[0, 0], targets[-1, 0] = 0, config.vocab_size - 1
    targets[1, 0] = -1
    return targets.masked_fill(idx == -1, -1)


@transformer.aspect("loss")
def averages_the_loss_over_the_targets_that_are_not_minus_one(answer, seed):
    B, T, _, config = sizes(seed)
    module, layers = built(answer, config)
    idx = token_ids(B, T, config, seed)
    for ids, targets, when in (
        (idx, some_targets(idx, config, seed).clamp(min=0), "with a target at every position"),
        (idx, some_targets(idx, config, seed), "with −1 in targets"),
        (padded(idx), some_targets(padded(idx), config, seed), "with padding in idx and −1 in targets"),
    ):
        logits, loss = logits_and_loss(module, config, ids, targets)
        wanted = layers.logits(layers.embedding(ids), None)
        want_logits(
            logits, wanted, module, (ids, targets), "with targets",
            otherwise="the same logits as without targets: compute them first, whatever targets is.",
        )
        want_loss(loss, loop_loss(wanted, targets), module, (ids, targets), when)


@transformer.aspect("hidden states")
def returns_hidden_states_with_zeros_at_padding(answer, seed):
    B, T, _, config = sizes(seed)
    module, layers = built(answer, config)
    idx = token_ids(B, T, config, seed)
    for ids, when in ((padded(idx), "with return_hidden=True and padding in idx"), (idx, "with return_hidden=True")):
        arguments = (ids, None, None, True)
        hidden = run(module, *arguments, what=FORWARD)
        if isinstance(hidden, tuple | list):
            are_logits = isinstance(hidden[0], torch.Tensor) and hidden[0].shape[-1] == config.vocab_size
            raise CheckFailed(
                f"{when}, forward returns {kind_of(hidden)}.", "the hidden states alone, of shape (B, T, n_embd).",
                "return_hidden is not used." if are_logits else "`return x`, without a loss.",
            )
        make = partial(mistaken, module)
        transformer.want_shape(
            hidden, (B, T, config.n_embd), "(B, T, n_embd)", f"what forward returns {when}", arguments, make
        )
        wanted = layers.hidden(layers.embedding(ids), None) * (ids != -1).unsqueeze(-1)
        transformer.want_values(
            hidden, wanted, arguments, what=f"{when}, the tensor of hidden states",
            otherwise="return the vectors after the final norm, with 0 wherever idx is −1.",
            caption="Hidden states: wanted, and yours", make=make,
        )


@transformer.aspect("cache")
def puts_the_cache_before_the_tokens(answer, seed):
    B, T, P, config = sizes(seed)
    calls = []
    plain, causal = built(answer, config), built(masked(answer, calls), config)
    for (module, layers), (b, t, p) in (
        (causal, (B, T, P)), (plain, (B, T, P)), (causal, (2, 3, 1)),
        (causal, (config.n_head, config.head_size, 3)), (causal, (1, config.block_size, P)),
    ):
        idx, cache = token_ids(b, t, config, seed), vectors(b, p, config.n_embd, seed + 9)
        when = f"with a cache of {p} {'row' if p == 1 else 'rows'}"
        calls.clear()
        logits, _ = logits_and_loss(module, config, idx, None, cache)
        if calls:
            want_asked(module, calls, idx)
        x = torch.cat([cache, layers.embedding(idx)], dim=1)
        mask = causal_and_padding_mask(torch.full((b,), t), t) if (module, layers) == causal else None
        wanted = layers.logits(x, joint_mask(cache, idx, mask))
        want_logits(
            logits, wanted, module, (idx, None, cache), when,
            otherwise="embed idx, put the cache before it along dim=1, use joint_mask, then go on as without a cache.",
        )
        if b > 1:
            targets = some_targets(idx, config, seed)
            _, loss = logits_and_loss(module, config, idx, targets, cache)
            want_loss(loss, loop_loss(wanted[:, p - 1 : p - 1 + t], targets), module, (idx, targets, cache), when)


@transformer.aspect("gradient")
def cuts_off_no_gradient(answer, seed):
    B, T, P, config = sizes(seed)
    module, _ = built(answer, config)
    idx, cache = token_ids(B, T, config, seed), vectors(B, P, config.n_embd, seed + 9).requires_grad_()
    targets = some_targets(idx, config, seed)
    _, loss = logits_and_loss(module, config, idx, targets)
    if not isinstance(loss, torch.Tensor) or not loss.requires_grad:
        raise CheckFailed(
            "backward() cannot be called on the loss: it has no gradient.",
            "a loss from which a gradient reaches every parameter.",
            "something is cut off: .detach(), .data, .item(), torch.no_grad(), torch.tensor(…) of a tensor, or argmax.",
        )
    hidden = run(module, idx, None, None, True, what=FORWARD)
    if isinstance(hidden, torch.Tensor) and not hidden.requires_grad:
        raise CheckFailed(
            "no gradient flows through the hidden states that return_hidden=True returns.",
            "one: in notebook 7 the decoder's loss must reach the encoder through them.",
            "leave out .detach() and torch.no_grad().",
        )
    weights = torch.randn(B, P + T, config.vocab_size, dtype=torch.float64)

    # Not `want_gradient`: a parameter that a mistaken block leaves out is exercise 1's business.
    def total() -> torch.Tensor:
        logits, loss = logits_and_loss(module, config, idx, targets, cache)
        return (logits * weights).sum() + 50 * loss

    want_slopes(total, {**dict(module.named_parameters()), "hidden_cache": cache})

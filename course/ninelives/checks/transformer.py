"""Notebook 3: what the whole Transformer must do. `block`, its first exercise, is in transformer_block.py."""

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import nn

from ninelives.checks.attention_inputs import KEPT
from ninelives.checks.exercise import (
    CheckFailed,
    NotWritten,
    build,
    counted,
    in_case,
    kind_of,
    name_of,
    on_layers_of,
    run,
    same_values,
    want_pair,
    want_tensor,
)
from ninelives.checks.transformer_block import (
    backward_runs,
    block,
    in_both_modes,
    loosened,
    vectors,
    want_slopes,
    want_trainable,
)
from ninelives.checks.transformer_mistakes import transformer
from ninelives.config import TransformerConfig

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
    layers = layers_of(module)
    if len(layers.blocks) != config.n_layer or not isinstance(layers.norm, nn.LayerNorm):
        raise CheckFailed(
            f"with config.n_layer = {config.n_layer} the model has {counted(len(layers.blocks), 'block')}, and its norm is {layers.norm}.",
            "config.n_layer blocks and nn.LayerNorm(config.n_embd).",
            "leave __init__ as it was given; write forward only.",
        )
    return module, layers


def token_ids(B: int, T: int, config: TransformerConfig, seed: int) -> torch.Tensor:
    """(B, T) int64: no padding, and the id 0 among them."""
    idx = torch.randint(config.vocab_size, (B, T), generator=torch.Generator().manual_seed(seed))
    idx[:1, :1] = 0
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
        otherwise="without targets it is `return logits, None`." if targets is None else "with targets it is `return logits, loss`.",
    )
    if isinstance(loss, torch.Tensor) and loss.dim() == 3 and (logits is None or isinstance(logits, torch.Tensor) and logits.dim() == 0):
        raise CheckFailed("forward returns the loss first.", "(logits, loss).", "the logits come first: swap the two that `return` gives.")
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
    for training in (False, True):
        with in_both_modes(module, training):
            for b, t in ((B, T), (1, 1), (config.n_head, config.head_size), (1, config.block_size)):
                want_plain_logits(module, layers, config, token_ids(b, t, config, seed))
    # A slice of a longer text, as batches are made, and scores as large as trained ones.
    text = token_ids(B, T + 2, config, seed + 1)
    with torch.no_grad():
        layers.lm_head.weight.mul_(20)
    want_plain_logits(module, layers, config, text[:, 2:])
    idx = token_ids(B, T, config, seed + 2)
    want_logits(
        logits_and_loss(module, config, idx)[0], layers.logits(layers.embedding(idx), None), module, (idx,), "called once more, with other words",
        otherwise=KEPT,
    )
    idx = padded(token_ids(B, T, config, seed))
    logits, _ = logits_and_loss(module, config, idx)
    want_logits(
        logits, layers.logits(layers.embedding(idx), None), module, (idx,), "with padding in idx",
        otherwise="padding needs nothing here: the embedding accepts −1, and hiding padding is for the next notebook.",
    )


def want_plain_logits(module: nn.Module, layers: Layers, config: TransformerConfig, idx: torch.Tensor) -> None:
    """Refuse other logits than those of a model without mask, cache and targets."""
    logits, loss = logits_and_loss(module, config, idx)
    if loss is not None:
        computed = isinstance(loss, torch.Tensor) and loss.requires_grad
        raise CheckFailed(
            f"without targets the loss is {kind_of(loss) if isinstance(loss, torch.Tensor | list) else loss}.",
            "None: there is nothing to compare the scores with.",
            "test `if targets is None` before you compute a loss." if computed else
            "there is no loss without targets, and 0 would be that of a perfect model: `return logits, None`.",
        )
    want_logits(
        logits, layers.logits(layers.embedding(idx), None), module, (idx,), "without a mask",
        otherwise="embedding, every block in its order, norm, lm_head, and nothing else.",
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


def want_asked(module: nn.Module, calls: list, idx: torch.Tensor, asked_before: bool = False) -> None:
    """Refuse a forward that has not asked get_attention_mask for these tokens."""
    if not calls and asked_before:
        raise CheckFailed(
            "forward asks get_attention_mask the first time it is called, and not the second time.",
            "one call in every forward: the next batch has other lengths.",
            "the mask of an earlier batch is kept on self: ask for a new one in every forward.",
        )
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
    if not isinstance(num_tokens, torch.Tensor):
        raise CheckFailed(
            f"forward calls get_attention_mask with num_tokens = {num_tokens}, {kind_of(num_tokens)}.",
            "a tensor of whole numbers, of shape (B,).",
            "count along an axis instead of in a loop, so that the counts stay a tensor: `(idx != -1).sum(1)`.",
        )
    if num_tokens.is_floating_point():
        raise CheckFailed(
            f"forward calls get_attention_mask with num_tokens of dtype {num_tokens.dtype}.", "whole numbers.",
            "a sum of True and False is a whole number already: `(idx != -1).sum(1)`, without a change to floats.",
        )
    if positions != T:
        longest = int(wanted.max())
        too_short = f": the longest sequence has only {longest} tokens, and the mask must cover all of idx" if positions == longest else ""
        raise CheckFailed(
            f"forward calls get_attention_mask {'without T' if positions is None else f'with T = {positions}'} "
            f"for sequences of {T} positions.",
            f"T = {T}, the number of positions in idx{too_short}.",
            "pass the number of positions as well: `self.get_attention_mask(num_tokens, idx.shape[1])`." if positions is None else
            "T counts the positions of idx, padding too: `self.get_attention_mask(num_tokens, idx.shape[1])`.",
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
    for training in (False, True):
        with in_both_modes(module, training):
            asked_before = False
            for idx in (token_ids(B, T, config, seed), padded(token_ids(B, T, config, seed))):
                calls.clear()
                try:
                    logits, _ = logits_and_loss(module, config, idx)
                except CheckFailed:
                    # A mask of the wrong lengths may not fit, and attention's own error says so less clearly.
                    if calls:
                        want_asked(module, calls, idx)
                    raise
                want_asked(module, calls, idx, asked_before)
                asked_before = True
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
    cases = (
        (idx, some_targets(idx, config, seed).clamp(min=0), "with a target at every position"),
        (idx, some_targets(idx, config, seed), "with −1 in targets"),
        (padded(idx), some_targets(padded(idx), config, seed), "with padding in idx and −1 in targets"),
        (padded(idx), some_targets(idx, config, seed), "with targets where idx is −1"),
    )
    for training in (False, True):
        with in_both_modes(module, training):
            for ids, targets, when in cases:
                want_logits_and_loss(module, layers, config, ids, targets, when)
    # Batches are slices of a longer text: idx is text[:, :-1] and targets text[:, 1:].
    text = token_ids(1, T + 1, config, seed + 1)
    want_logits_and_loss(module, layers, config, text[:, :-1], text[:, 1:], "with B = 1 and targets that are a slice")
    text = token_ids(B, T + 1, config, seed + 1)
    want_logits_and_loss(module, layers, config, text[:, :-1], text[:, 1:], "with targets that are a slice, text[:, 1:]")
    with torch.no_grad():
        layers.lm_head.weight.mul_(20)
    ids, targets, _ = cases[1]
    want_logits_and_loss(module, layers, config, ids, targets, "with scores 20 times as large")


def want_logits_and_loss(
    module: nn.Module, layers: Layers, config: TransformerConfig, idx: torch.Tensor, targets: torch.Tensor, when: str
) -> None:
    """Refuse other logits than without targets, and another loss than the mean over the targets."""
    logits, loss = logits_and_loss(module, config, idx, targets)
    wanted = layers.logits(layers.embedding(idx), None)
    want_logits(
        logits, wanted, module, (idx, targets), "with targets",
        otherwise="the same logits as without targets: compute them first, whatever targets is.",
    )
    want_loss(loss, loop_loss(wanted, targets), module, (idx, targets), when)


@transformer.aspect("hidden states")
def returns_hidden_states_with_zeros_at_padding(answer, seed):
    B, T, _, config = sizes(seed)
    module, layers = built(answer, config)
    idx = token_ids(B, T, config, seed)
    cases = ((padded(idx), "with return_hidden=True and padding in idx"), (idx, "with return_hidden=True"),
             (idx[:1, :1], "with return_hidden=True and a single token"))
    for training in (False, True):
        with in_both_modes(module, training):
            for ids, when in cases:
                want_hidden(module, layers, config, ids, when)
            want_hidden(module, layers, config, idx, "with return_hidden=True and targets", targets=idx)


MASK_WITHOUT_AN_AXIS = ("`idx != -1` has the shape (B, T), and the vectors (B, T, n_embd): `(idx != -1).unsqueeze(-1)`, of shape "
                        "(B, T, 1), fits them.")


def want_hidden(
    module: nn.Module, layers: Layers, config: TransformerConfig, ids: torch.Tensor, when: str, targets: torch.Tensor | None = None
) -> None:
    """Refuse other hidden states than those after the final norm, with zeros at padding."""
    (B, T), arguments = ids.shape, (ids, targets, None, True)
    hidden = run(module, *arguments, what=FORWARD, error_hints={"must match the size of tensor b": MASK_WITHOUT_AN_AXIS})
    if isinstance(hidden, tuple | list):
        are_logits = isinstance(hidden[0], torch.Tensor) and hidden[0].shape[-1] == config.vocab_size
        raise CheckFailed(
            f"{when}, forward returns {kind_of(hidden)}.", "the hidden states alone, of shape (B, T, n_embd).",
            "`return x`, without a loss." if not are_logits else
            "return_hidden is not used." if targets is None else
            "return_hidden comes first: with it the vectors are returned, whether there are targets or not.",
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


@transformer.aspect("gradient")
def cuts_off_no_gradient(answer, seed):
    B, T, _, config = sizes(seed)
    module, _ = built(answer, config)
    want_trainable(module)
    idx = token_ids(B, T, config, seed)
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
    weights = torch.randn(2, B, T, config.vocab_size, dtype=torch.float64)

    # Not `want_gradient`: a parameter that a mistaken block leaves out is exercise 1's business.
    def total() -> torch.Tensor:
        logits, loss = logits_and_loss(module, config, idx, targets)
        without_targets, _ = logits_and_loss(module, config, idx)
        return (logits * weights[0]).sum() + (without_targets * weights[1]).sum() + 50 * loss

    with backward_runs():
        want_slopes(total, dict(module.named_parameters()))


JOIN = "Transformer.join"
JOIN_HINTS = {
    "stack expects each tensor": "torch.stack makes a new axis, and needs tensors of one shape. torch.cat joins along an axis that is "
                                 "there: dim=1.",
    "must match the size of tensor b": "the two have different numbers of rows and are combined number by number, as by `+`. Put the "
                                       "rows one after the other: torch.cat((hidden_cache, x), dim=1).",
}
NO_TOKEN_YET = ("after a cache idx may be empty, (B, 0): notebook 8 begins with an empty answer. Look at no single token, and "
                "take no maximum over tokens.")
EVERYTHING = "None: here everything attends to everything, the cache to the tokens and the tokens to the cache."


@transformer.aspect("join")
def join_puts_the_cache_before_the_embeddings(answer, seed):
    B, T, P, config = sizes(seed)
    module, _ = built(answer, config)
    if not callable(getattr(module, "join", None)):
        raise CheckFailed(
            "your Transformer has no method join.", "join(self, hidden_cache, x, attention_mask).",
            "write it inside the class, with the same indentation as forward.",
        )
    for b, t, p in ((B, T, P), (1, 1, P), (2, 3, 1), (config.n_head, config.head_size, 3), (B, 0, P)):
        cache, x = vectors(b, p, config.n_embd, seed + 9), vectors(b, t, config.n_embd, seed + 10)
        want_joined(module, cache, x, None)
        want_joined(module, cache, x, causal_and_padding_mask(torch.full((b,), t), t))
    # One cache for all examples, which PyTorch does not copy.
    want_joined(module, vectors(1, P, config.n_embd, seed).expand(B, -1, -1), vectors(B, T, config.n_embd, seed), None)


def want_joined(module: nn.Module, cache: torch.Tensor, x: torch.Tensor, mask: torch.Tensor | None) -> None:
    """Refuse another order of rows, or a mask that does not fit them."""
    (B, P, C), T = cache.shape, x.shape[1]
    joined, new_mask = want_pair(
        run(module.join, cache, x, mask, what=JOIN, error_hints=JOIN_HINTS), JOIN, ("vectors", "mask"),
        otherwise="return both: what the blocks read, and the mask for it, `return …, None`.",
    )
    if joined is None and isinstance(new_mask, torch.Tensor):
        raise CheckFailed("join returns the mask first.", "(vectors, mask).", "the vectors come first: swap the two.")
    arguments, make = (cache, x, mask), join_of(module)
    transformer.want_shape(joined, (B, P + T, C), "(B, P + T, n_embd)", "the first result of join", arguments, make)
    transformer.want_values(
        joined, torch.cat([cache, x], dim=1), arguments, what=f"with P = {P} and T = {T}, the first result of join",
        otherwise="the rows of hidden_cache as they are, then those of x: torch.cat((hidden_cache, x), dim=1).",
        caption="What the blocks read: wanted, and yours", make=make,
    )
    if new_mask is None:
        return
    want_tensor(new_mask, "the mask of join")
    if not fits(new_mask, (B, 1, P + T, P + T)):
        raise CheckFailed(
            f"the mask of join has shape {tuple(new_mask.shape)}, for {P + T} rows.", f"None, or (B, 1, P + T, P + T) = "
            f"({B}, 1, {P + T}, {P + T}).", "the mask of the T tokens does not fit P + T rows. Return None.",
        )
    if mask is None and not (new_mask == 1).all():
        raise CheckFailed(
            "the mask of join hides something, though attention_mask is None.", "None, or a mask that hides nothing.", EVERYTHING,
        )
    attends = new_mask.expand(B, 1, P + T, P + T) != 0  # (B, 1, P + T, P + T)
    if mask is not None and not (attends[..., :P].all() and (attends[..., P:, P:] | ~mask).all()):
        raise CheckFailed(
            "the mask of join hides more than attention_mask hides.", "None, or a mask that hides nothing more.", EVERYTHING,
        )


def fits(mask: torch.Tensor, shape: tuple[int, ...]) -> bool:
    """Whether a mask can be expanded to a shape."""
    try:
        return torch.broadcast_shapes(mask.shape, shape) == shape
    except RuntimeError:
        return False


def join_of(module: nn.Module) -> Callable:
    """For `make`: what a known mistake's join gives the blocks to read."""
    return lambda mistake: lambda *arguments: mistaken(module, mistake).join(*arguments)[0]


@transformer.aspect("cache")
def forward_hands_the_cache_to_join(answer, seed):
    B, T, P, config = sizes(seed)
    module, layers = built(answer, config)
    before, _ = logits_and_loss(module, config, token_ids(B, T, config, seed))
    for training in (False, True):
        with in_both_modes(module, training):
            for b, t, p in ((B, T, P), (2, 3, 1), (config.n_head, config.head_size, 3), (1, config.block_size, P), (B, 0, P)):
                idx, cache = token_ids(b, t, config, seed), vectors(b, p, config.n_embd, seed + 9)
                with in_case("with no token after the cache (T = 0)", cause=NO_TOKEN_YET) if t == 0 else nullcontext():
                    logits, _ = logits_and_loss(module, config, idx, None, cache)
                joined, mask = module.join(cache, layers.embedding(idx), None)
                want_logits(
                    logits, layers.logits(joined, mask), module, (idx, None, cache),
                    f"with a cache of {p} {'row' if p == 1 else 'rows'}",
                    otherwise="embed idx, hand cache and embeddings to self.join, then go on as without a cache.",
                )
    want_join_called(answer, config, seed)
    module.eval()
    if not same_values(logits_and_loss(module, config, token_ids(B, T, config, seed))[0], before):
        raise CheckFailed(
            "after a call with hidden_cache, a call without it gives other logits than before.",
            "the same logits: without hidden_cache there is no cache.",
            "something of the earlier call is kept on self. Use hidden_cache only where it is given.",
        )
    idx, cache = token_ids(B, T, config, seed), vectors(B, P, config.n_embd, seed + 9).requires_grad_()
    weights = torch.randn(B, P + T, config.vocab_size, dtype=torch.float64)
    with backward_runs():
        want_slopes(lambda: (logits_and_loss(module, config, idx, None, cache)[0] * weights).sum(), {"hidden_cache": cache})


def want_join_called(answer: Callable, config: TransformerConfig, seed: int) -> None:
    """Refuse a forward in which another join, as notebook 7 writes one, does not take effect."""
    calls, asked, (B, T, P, _) = [], [], sizes(seed)
    hides = torch.rand(B, 1, P + T, P + T, generator=torch.Generator().manual_seed(seed)) < 0.5
    hides |= torch.eye(P + T, dtype=torch.bool)

    class Overridden(masked(answer, asked)):
        def join(self, hidden_cache, x, attention_mask):
            calls.append((hidden_cache, x, attention_mask))
            return torch.cat((3 * hidden_cache, x), dim=1), hides

    Overridden.__name__ = name_of(answer)
    module, layers = built(Overridden, config)
    idx, cache = token_ids(B, T, config, seed), vectors(B, P, config.n_embd, seed + 9)
    embedded, mask = layers.embedding(idx), causal_and_padding_mask(torch.full((B,), T), T)
    logits, _ = logits_and_loss(module, config, idx, None, cache)
    if not calls:
        raise CheckFailed(
            "with hidden_cache, forward does not call self.join.", "x, attention_mask = self.join(hidden_cache, x, attention_mask).",
            "forward joins the two itself. Let it call the method: in notebook 7 a class that derives from this one has another join.",
        )
    given_cache, given_x, given_mask = calls[-1]
    if not (same_tensor(given_cache, cache) and same_tensor(given_x, embedded)):
        raise CheckFailed(
            "forward calls self.join with other tensors than hidden_cache and the embeddings.",
            "self.join(hidden_cache, x, attention_mask), where x is what the embedding returns.",
            "hand both over as they are, hidden_cache first and then the embedded idx; join itself puts them together.",
        )
    if not same_tensor(given_mask, mask):
        raise CheckFailed(
            "forward calls self.join with a different mask from the one that get_attention_mask returned." if asked else
            "with hidden_cache, forward does not call get_attention_mask.",
            "self.join(hidden_cache, x, attention_mask), with the mask of the tokens.",
            f"{'' if asked else 'ask get_attention_mask first, and '}hand its mask to join: notebook 7 builds a larger one around it.",
        )
    wanted = layers.logits(torch.cat((3 * cache, embedded), dim=1), hides)
    if not same_values(logits, wanted):
        ignored = same_values(logits, layers.logits(torch.cat((3 * cache, embedded), dim=1), None))
        raise CheckFailed(
            "when a derived class has another join, the logits are not those of what it returns.",
            "the blocks read what join returns, under the mask that join returns.",
            "the mask that join returns is not passed to the blocks: x, attention_mask = self.join(…)." if ignored else
            "what join returns goes into the blocks as it is.",
        )


def same_tensor(seen: Any, wanted: torch.Tensor) -> bool:
    """Whether something is a tensor with these numbers."""
    return isinstance(seen, torch.Tensor) and same_values(seen.double(), wanted.double())

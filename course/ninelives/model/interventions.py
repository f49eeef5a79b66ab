"""Changing what heads of a model say, to see what its answer depends on: taking them out, or taking them from another run.

A head is a pair (layer, head), counted from 0. Of an encoder–decoder the layers of the encoder come first, then those of
the decoder. What a head says is its slice of what the attention's last layer reads, the projection of notebook 2.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

import torch
from torch import nn

from ninelives.model.inspection import in_eval_mode


class Layer(NamedTuple):
    """One attention of a model, with the projection that reads what its heads say."""

    attention: nn.Module
    projection: nn.Linear
    n_head: int
    is_decoders: bool


def layers_of(model: nn.Module) -> list[Layer]:
    """The attentions of an encoder–decoder, a Transformer or a single attention, the package's or a learner's own.

    The projection is the attention's `proj`, as in notebook 2, or else the last linear layer that its __init__ makes.
    """
    found = []
    for part in (model.encoder, model.decoder) if hasattr(model, "decoder") else (model,):
        attentions = [block.attention for block in part.layers["blocks"]] if hasattr(part, "layers") else [part]
        for attention in attentions:
            linear = [module for module in attention.modules() if isinstance(module, nn.Linear)]
            n_head = getattr(attention, "n_head", None) or getattr(getattr(part, "config", None), "n_head", None)
            if n_head is None or not linear:
                raise ValueError(f"{type(attention).__name__} has no linear layer, or neither it nor its model says how many heads "
                                 "there are: write self.n_head = config.n_head into its __init__, as in notebook 2.")
            found.append(Layer(attention, getattr(attention, "proj", linear[-1]), n_head, part is not getattr(model, "encoder", part)))
    return found


@contextmanager
def without_heads(model: nn.Module, heads: Iterable[tuple[int, int]]) -> Iterator[None]:
    """While it is open, these heads say nothing: their slices of what the projection reads are 0.

    This is what Michel et al. 2019, "Are Sixteen Heads Really Better than One?", section 2.3, call masking a head.

    Args:
        model: an encoder–decoder, a Transformer or a single attention, the package's or a learner's own. It comes out as
            it went in, also after an error.
        heads: pairs (layer, head), counted from 0.

    Raises:
        ValueError: there is no such layer or head, or it is not known how many heads there are. While it is open: an
            attention does not end with its projection.

    Example::

        from ninelives import weights
        from ninelives.model import prefix_generation, without_heads

        model, tokenizer = weights.load("translator")
        prefix = tokenizer.encode("the hen followed the dog because it was lost").unsqueeze(0)  # (1, P)
        with without_heads(model, [(0, 1), (0, 2)]):
            print(tokenizer.decode(prefix_generation(model, prefix, 20, temperature=0, end_token=tokenizer.end_token)[0]))
    """
    with _changed(model, heads, lambda layer, z: torch.zeros_like(z)):
        yield


@contextmanager
def with_heads_from(model: nn.Module, heads: Iterable[tuple[int, int]], *inputs, **named) -> Iterator[None]:
    """While it is open, these heads say what they say when the model reads other inputs (activation patching).

    For example::

        with with_heads_from(model, [(1, 0)], other_prefix, other_targets):
            logits, _ = model(prefix, targets)

    Source: Vig et al. 2020, "Investigating Gender Bias in Language Models Using Causal Mediation Analysis", who
    call what it changes the indirect effect of a head.

    Args:
        model, heads: as in `without_heads`.
        inputs, named: the other inputs, called as `model(*inputs, **named)` once, without dropout or gradient. They have as
            many tokens as what the model reads later, and as many rows or one. A decoder may read fewer tokens, as it does
            while it writes: nothing earlier depends on what comes after.

    Raises:
        ValueError: as `without_heads`; while it is open: the model reads another number of tokens.
    """
    heads = list(heads)
    _checked(layers_of(model), heads)
    with with_heads_saying(model, heads, what_heads_say(model, *inputs, **named)):
        yield


@torch.no_grad()
def what_heads_say(model: nn.Module, *inputs, **named) -> list[torch.Tensor]:
    """What the projection of each layer reads when the model is called with these inputs, without dropout: (B, T, C) each."""
    said: dict[int, torch.Tensor] = {}
    layers = layers_of(model)

    def keep(number: int, projection: nn.Module, arguments: tuple[torch.Tensor]) -> None:
        said[number] = arguments[0]

    hooks = [layer.projection.register_forward_pre_hook(partial(keep, number)) for number, layer in enumerate(layers)]
    try:
        with in_eval_mode(model):
            model(*inputs, **named)
    finally:
        for hook in hooks:
            hook.remove()
    return [said[number] for number in range(len(layers))]


@contextmanager
def with_heads_saying(model: nn.Module, heads: Iterable[tuple[int, int]], said: list[torch.Tensor]) -> Iterator[None]:
    """`with_heads_from`, with what `what_heads_say` returned."""
    layers = layers_of(model)

    def other(number: int, z: torch.Tensor) -> torch.Tensor:
        (B, T), (other_B, other_T) = z.shape[:2], said[number].shape[:2]
        if other_B not in (1, B) or T > other_T or (T < other_T and not layers[number].is_decoders):
            raise ValueError(f"the model reads {B} × {T} tokens and the other run read {other_B} × {other_T}: heads can be "
                             "taken from a run on as many tokens only.")
        return said[number][:, :T].unflatten(-1, z.shape[-2:])  # (B, T, H, head_size) or (1, T, H, head_size)

    with _changed(model, heads, other):
        yield


@contextmanager
def _changed(model: nn.Module, heads: Iterable[tuple[int, int]], other: Callable) -> Iterator[None]:
    """While it is open, the heads say other(layer, z) where they said z, (B, T, H, head_size)."""
    layers = layers_of(model)
    hooks, last_called = [], {}

    def before_projection(number: int, chosen: list[int], projection: nn.Module, arguments: tuple[torch.Tensor]) -> torch.Tensor:
        z = arguments[0].unflatten(-1, (layers[number].n_head, -1))  # (B, T, H, head_size)
        is_chosen = torch.tensor([[head in chosen] for head in range(z.shape[-2])], device=z.device)  # (H, 1)
        return torch.where(is_chosen, other(number, z), z).flatten(-2)  # (B, T, C)

    def note(number: int, linear: nn.Linear, _) -> None:
        last_called[number] = linear

    def after_attention(number: int, *_) -> None:
        if last_called.pop(number, None) is not layers[number].projection:
            raise ValueError(f"the attention of layer {number} does not end with its projection, so what a head says cannot be "
                             "changed: call the layer after the heads self.proj, as in notebook 2.")

    try:
        for number, chosen in _checked(layers, heads).items():
            linear = [module for module in layers[number].attention.modules() if isinstance(module, nn.Linear)]
            hooks += [module.register_forward_pre_hook(partial(note, number)) for module in linear]
            hooks.append(layers[number].projection.register_forward_pre_hook(partial(before_projection, number, chosen)))
            hooks.append(layers[number].attention.register_forward_hook(partial(after_attention, number)))
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _checked(layers: list[Layer], heads: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    """The chosen heads of each layer; ValueError for one that does not exist."""
    by_layer = defaultdict(list)
    for pair in heads:
        match pair:
            case (int(number), int(head)) if 0 <= number < len(layers) and 0 <= head < layers[number].n_head:
                by_layer[number].append(head)
            case _:
                n_head = sorted({layer.n_head for layer in layers})
                raise ValueError(f"there is no head {pair!r}: write pairs (layer, head) with layers from 0 to {len(layers) - 1} "
                                 f"and heads from 0 to {' or '.join(str(count - 1) for count in n_head)}.")
    return by_layer

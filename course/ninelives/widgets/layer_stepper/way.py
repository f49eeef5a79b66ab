"""Everything that a model computes on the way from ids to scores."""

from typing import NamedTuple

import torch
from torch import nn

from ninelives.model.inspection import in_eval_mode


class UsedOtherwise(ValueError):
    """A layer of the model was not called exactly once in a forward, so its result cannot be watched."""


class Way(NamedTuple):
    """What a model computes for one sentence: L blocks, T tokens, C channels, V words; float64."""

    stream: torch.Tensor  # (L + 1, T, C), after the embedding and after each block
    attention: torch.Tensor  # (L, T, C), the output of attention in each block; (0, T, C) where blocks have none
    mlp: torch.Tensor  # (L, T, C), likewise
    normed: torch.Tensor  # (T, C)
    lens: torch.Tensor  # (L + 1, T, V), final norm and lm_head of the stream
    logits: torch.Tensor  # (T, V)


@torch.no_grad()
def way_through(model: nn.Module, idx: torch.Tensor) -> Way:
    """Run the model once on the ids of one sentence, (T,).

    Raises UsedOtherwise for a model that calls a layer not exactly once, and ValueError for one that has other layers than
    a Transformer, or whose scores have another shape than (1, T, vocab_size).
    """
    layers = getattr(model, "layers", None)
    if not isinstance(layers, nn.ModuleDict) or not {"embedding", "blocks", "norm"} <= set(layers) or not hasattr(model, "lm_head"):
        raise ValueError(
            f"{type(model).__name__} has no `layers` with embedding, blocks and norm, or no `lm_head`; pass a Transformer "
            "as notebook 3 builds it."
        )
    blocks = list(layers["blocks"])
    has_parts = all(isinstance(getattr(block, name, None), nn.Module) for block in blocks for name in ("attention", "mlp"))
    watched = {"the embedding": layers["embedding"], "the final norm": layers["norm"]}
    for k, block in enumerate(blocks):
        watched[f"block {k + 1}"] = block
        if has_parts:
            watched |= {f"attention of block {k + 1}": block.attention, f"the mlp of block {k + 1}": block.mlp}

    with in_eval_mode(model):  # dropout would change the numbers
        logits, seen = _outputs(model, idx, watched)
        numbers = range(1, len(blocks) + 1)
        stream = torch.stack([seen["the embedding"], *(seen[f"block {k}"] for k in numbers)])  # (L + 1, T, C)
        with_parts = has_parts and blocks
        way = Way(
            stream,
            torch.stack([seen[f"attention of block {k}"] for k in numbers]) if with_parts else stream[:0],
            torch.stack([seen[f"the mlp of block {k}"] for k in numbers]) if with_parts else stream[:0],
            seen["the final norm"],
            model.lm_head(layers["norm"](stream)),
            logits[0],
        )
    if way.logits.dim() != 2 or way.logits.shape != way.lens.shape[1:]:
        raise ValueError(
            f"the model gives scores of shape {tuple(logits.shape)} for {len(idx)} tokens; expected (1, T, vocab_size) = "
            f"(1, {len(idx)}, {way.lens.shape[-1]})."
        )
    return Way(*(part.double().cpu() for part in way))


def _outputs(model: nn.Module, idx: torch.Tensor, watched: dict[str, nn.Module]) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """The model's logits, and by name what each watched module gave for the one sentence, (T, C)."""
    seen: dict[str, list] = {name: [] for name in watched}
    hooks = [
        module.register_forward_hook(lambda _module, _inputs, output, name=name: seen[name].append(output))
        for name, module in watched.items()
    ]
    weight = next(model.parameters(), idx)
    try:
        result = model(idx.unsqueeze(0).to(weight.device))
    finally:
        for hook in hooks:
            hook.remove()
    for name, outputs in seen.items():
        if len(outputs) != 1:
            times = "never called as a layer" if not outputs else f"called {len(outputs)} times"
            raise UsedOtherwise(
                f"in one forward {name} was {times}; the stepper shows models that call each layer once, as a layer, `self.mlp(x)`."
            )
    logits = result[0] if isinstance(result, tuple | list) else result
    return logits, {name: outputs[0][0] for name, outputs in seen.items()}


def refuse_nan(way: Way, words: list[str]) -> None:
    """Raise ValueError if a vector or a score is NaN or infinite."""
    L = len(way.stream) - 1
    where = ["after the embedding", *(f"after block {k + 1}" for k in range(L)), "after the final norm", "among its scores"]
    for part, name in zip((*way.stream, way.normed, way.logits), where, strict=True):
        broken = ~part.isfinite().all(-1)  # (T,)
        if broken.any():
            raise ValueError(
                f"The vector of {words[int(broken.nonzero()[0])]!r} holds NaN or infinity {name}; look for the step that "
                "made it, often a softmax over a row in which every key is masked."
            )

"""The attention of any model, read while it runs."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from ninelives.figures.arrays import as_labels
from ninelives.figures.caught import Call, attention_caught
from ninelives.figures.origins import joined as heads_joined
from ninelives.figures.parts import (
    AttentionPart,
    as_words,
    attention_part,
    batch_note,
    refuse_missing_words,
    words_of,
)
from ninelives.figures.scoring import TOLERANCE, Scoring, largest_error
from ninelives.figures.which_heads import are_all, existing, names_in, refuse_unclear_names

IS_CROSS = re.compile("cross|encdec|encoder_attn|src_attn")


def attention_of(
    model,
    /,
    *inputs,
    tokens: Sequence[str],
    columns: Sequence[str] | None = None,
    batch: int = 0,
    layers: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
    names: Mapping[tuple, str] | None = None,
    channels: Sequence[str] | None = None,
    **named,
) -> dict[str, AttentionPart]:
    """What `model(*inputs, **named)` attends to, by the name of its part, as `attention_caught` sees it.

    `model` may be anything that PyTorch runs: this course's models and a learner's, PyTorch's own, Hugging Face's with
    whatever `attn_implementation` they have, a method of one, or a function. It is left as it was.

    A single part is called "attention". Of an encoder and a decoder there are "encoder", "decoder" and "cross"; there
    `tokens` are the decoder's words and `columns` the encoder's. Other parts are called as their modules are, without
    the numbers of layers. `batch`, `layers`, `heads`, `names` and `channels` are those of `attention_parts`. Where queries and
    keys are seen and their softmax is the weights, they are kept, too.

    A weight that is exactly 0 in every head of a layer counts as masked. Rows are padding where `attention_mask` (or
    `decoder_attention_mask`), if it is among the named inputs, is 0, and where words attend to each other and nothing
    attends to that one.

    Raises ValueError for a model in training mode, for one in which no attention is seen, and for words, layers, heads or
    an example that do not exist; and what the model raises.

    Example::

        import torch
        from torch import nn
        from ninelives import figures

        model = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 4, batch_first=True), 2).eval()
        parts = figures.attention_of(model, torch.randn(1, 3, 16), tokens="the cat sat".split())
        parts["attention"].weights.shape  # (2, 4, 3, 3): layers, heads, words, words
    """
    if not callable(model):
        raise ValueError(
            f"model is of type {type(model).__name__}, which cannot be called; pass the model and its inputs, or pass "
            "weights that you have to AttentionExplorer(attentions, tokens)."
        )
    module = getattr(model, "__self__", model)  # whose method it is
    training = [name for name, part in module.named_modules() if part.training] if isinstance(module, nn.Module) else []
    if training:
        which = "The model" if "" in training else f"The model's module {training[0]!r}"
        raise ValueError(f"{which} is in training mode, where dropout changes its attention; call model.eval() first.")
    with attention_caught(module) as calls:
        model(*inputs, **named)
    if not calls:
        raise ValueError(
            f"No attention was seen while {_name(model)} ran: it called neither F.scaled_dot_product_attention nor "
            "nn.MultiheadAttention nor a softmax over scores (B, H, T, S); pass the weights themselves to AttentionExplorer, "
            'or, of a Hugging Face model, load it with attn_implementation="eager".'
        )
    parts = _by_part(_heads_joined(calls, [*inputs, *named.values()]))
    tokens, columns = as_words(tokens, "tokens"), as_words(columns, "columns")
    refuse_missing_words(parts, tokens, columns)
    refuse_unclear_names(names or {}, parts)
    made = {}
    for name, of_part in parts.items():
        chosen = existing(layers, len(of_part), "layers")
        matrices, count = _of_example([of_part[layer] for layer in chosen], name, batch)  # L of (H, T, S)
        _refuse_windows(matrices[0].shape, columns if name == "encoder" and columns is not None else tokens, [*inputs, *named.values()])
        rows, others = words_of(name, (len(chosen), *matrices[0].shape), tokens, columns)
        allowed = np.stack([matrix.any(0) for matrix in matrices])  # (L, T, S)
        padding = named.get("decoder_attention_mask" if name in ("decoder", "cross") else "attention_mask")
        is_word = _example(padding, batch, len(rows))  # (T,) or None
        if is_word is None and others is None:
            is_word = allowed.any((0, 1))  # (S,), and T is S
        if is_word is not None:
            allowed &= is_word[:, None]
        kept = existing(heads, len(matrices[0]), "heads")
        weights = np.stack([matrix if heads is None else matrix[kept] for matrix in matrices])  # (L, H, T, S)
        made[name] = attention_part(
            weights, rows, others, allowed, chosen, kept,
            names_in(name, names, range(len(of_part)), range(len(matrices[0]))), batch_note(batch, count),
            are_all(kept, len(matrices[0])), or_else="run the model on this example without its padding",
        )
        if scoring := _scoring([of_part[layer] for layer in chosen], batch, kept, made[name], channels):
            made[name] = replace(made[name], scoring=scoring)
    return made


def _scoring(calls: list[Call], batch: int, heads: list[int], part: AttentionPart, channels) -> Scoring | None:
    """The queries and keys of a part; None where they were not seen in every layer, or do not give its weights."""
    origins = [call.origin for call in calls if call.origin]
    if len(origins) < len(calls) or len({(o.queries.shape, o.keys.shape) for o in origins}) > 1:
        return None

    def of_heads(tensors: list[torch.Tensor]) -> np.ndarray:
        return np.stack([tensor[batch][heads].cpu().numpy() for tensor in tensors])  # (L, H, …)

    biases = [o.bias for o in origins]
    if any(bias is not None for bias in biases):
        biases = [torch.zeros(1).expand(call.weights.shape) if bias is None else bias for bias, call in zip(biases, calls, strict=True)]
    scoring = Scoring(
        of_heads([o.queries for o in origins]), of_heads([o.keys for o in origins]), np.array([o.scale for o in origins]),
        of_heads(biases) if biases[0] is not None else None,
        None if channels is None else as_labels(channels, origins[0].queries.shape[-1], "channels", "channels of a head"),
    )
    return scoring if largest_error(scoring, part.weights, part.allowed) <= TOLERANCE else None


def _heads_joined(calls: list[Call], inputs: Sequence) -> list[Call]:
    """The calls with weights (B, H, T, S).

    Some may be (B * H, T, S), or (B, T, S) of one head after the other, in the same module or in "heads.0", "heads.1", …
    """
    B = next((len(tensor) for tensor in inputs if isinstance(tensor, torch.Tensor) and tensor.ndim), 1)
    joined: list[Call] = []
    for call in calls:
        weights = call.weights
        if weights.ndim == 3 and len(weights) != B and len(weights) % B == 0:
            call = call.changed(lambda x: x.unflatten(0, (B, -1)))  # (B * H, T, S) to (B, H, T, S)
        elif weights.ndim == 3:
            _, weights, origin = call.changed(lambda x: x.unsqueeze(1))  # (B, 1, T, S)
            together = re.sub(r"(head\w*)\.\d+$", r"\1", call.module)
            if together and joined and joined[-1].module == together:
                before = joined.pop()
                weights = torch.cat([before.weights, weights], dim=1)  # (B, H, T, S)
                origin = heads_joined(before.origin, origin)
            call = Call(together, weights, origin)
        joined.append(call)
    return joined


def _by_part(calls: list[Call]) -> dict[str, list[Call]]:
    """The calls, one for each layer, by the name of their part."""
    by_path: dict[str, list[Call]] = {}
    for call in calls:
        by_path.setdefault(re.sub(r"(^|\.)\d+(?=\.|$)", "", call.module).lstrip("."), []).append(call)
    if len(by_path) == 1:
        return {"attention": [call for of_path in by_path.values() for call in of_path]}
    names = {path: _part(path, by_path) for path in by_path}
    if sorted(names.values()) in (["attention", "cross"], ["cross", "encoder"]):  # what has cross-attention is a decoder
        names = {path: name if name == "cross" else "decoder" for path, name in names.items()}
    return {name if [*names.values()].count(name) == 1 else path: by_path[path] for path, name in names.items()}


def _part(path: str, paths: Mapping) -> str:
    parent, _, last = path.rpartition(".")
    if IS_CROSS.search(path.lower()) or last == "multihead_attn" and f"{parent}.self_attn" in paths:
        return "cross"
    return next((part for part in ("decoder", "encoder") if part in path.lower()), "attention")


def _refuse_windows(shape: tuple[int, int, int], words: Sequence[str], inputs: Sequence) -> None:
    """Raise ValueError where there is a word for each token of an input, but not a row of attention (H, T, S)."""
    lengths = [tensor.shape[1] for tensor in inputs if getattr(tensor, "ndim", 0) >= 2]
    if shape[0] == shape[2] == len(words) != shape[1]:
        raise ValueError(
            f"The softmax is over scores (B, {shape[0]}, {shape[1]}, {shape[2]}), which seem to be (B, T, H, S) with {shape[1]} heads: bring the "
            "heads before the rows, scores.transpose(1, 2), before the softmax, or pass the weights, weights.transpose(1, 2), to AttentionExplorer."
        )
    if shape[1] < len(words) and len(words) in lengths:
        raise ValueError(
            f"The model has {len(words)} tokens as input, but attention of {shape[1]} rows and {shape[2]} columns: it attends within windows or "
            "blocks, as Longformer and LED do, and has no matrix over all tokens that could be drawn. Take a model with full attention."
        )


def _of_example(calls: list[Call], part: str, batch: int) -> tuple[list[np.ndarray], int]:
    """One example's weights, (H, T, S) for each call, and how many examples there are."""
    shapes = {tuple(call.weights.shape) for call in calls}
    if len(shapes) > 1:
        raise ValueError(
            f"The layers of the {part} have attention of different shapes, {' and '.join(map(str, sorted(shapes)))}; choose "
            "some of one shape with layers=, and of a text that generate() wrote, run the model once on the whole sequence. A model "
            "that attends within windows or blocks, as Swin does, has no matrix over all tokens: there, batch= chooses a window."
        )
    [(count, *_)] = shapes
    if not 0 <= batch < count:
        there = "is 1 example, number 0" if count == 1 else f"are {count} examples, counted from 0 to {count - 1}"
        raise ValueError(f"batch is {batch}, but there {there}.")
    return [call.weights[batch].cpu().numpy() for call in calls], count


def _example(padding, batch: int, length: int) -> np.ndarray | None:
    """The row of an attention_mask (B, T) as bool, or None where it is not one of so many words."""
    if getattr(padding, "ndim", 0) != 2 or padding.shape[1] != length:
        return None
    return padding[batch].cpu().numpy() > 0


def _name(model) -> str:
    return type(model).__name__ if isinstance(model, nn.Module) else getattr(model, "__name__", "it")

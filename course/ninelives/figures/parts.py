"""The attention of a model, part by part: encoder, decoder and cross-attention, in the form that is drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ninelives.figures.arrays import as_array, as_labels
from ninelives.figures.attention import open_cells, refuse_invalid_weights, stacked
from ninelives.figures.subwords import readable


@dataclass(frozen=True, eq=False)
class AttentionPart:
    """What one part of a model attends to.

    Args:
        weights: (L, H, T, S) float32; a row sums to 1, or is 0 where it may attend to nothing.
        rows, columns: the T words that attend and the S words that they attend to, as people read them.
        cross: the columns are other words than the rows.
        allowed: (L, T, S) bool, False where a weight is masked or belongs to padding.
        layers, heads: their numbers in the model, counted from 0.
        names: what a head is called, for (layer, head), where it has a name.
        note: a sentence for the caption, such as "Example 0 of 2 in the batch."
    """

    weights: np.ndarray
    rows: list[str]
    columns: list[str]
    cross: bool
    allowed: np.ndarray
    layers: list[int]
    heads: list[int]
    names: dict[tuple[int, int], str] = field(default_factory=dict)
    note: str = ""


def attention_parts(
    attentions,
    tokens: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    *,
    batch: int = 0,
    layers: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
    names: Mapping[tuple[int, int], str] | None = None,
    mask=None,
) -> dict[str, AttentionPart]:
    """Attention weights by the name of their part, in the order in which they are offered.

    `attentions` is what `as_attention` takes. `layers` and `heads` choose some of those given; where there are just as
    many as given and a number is too large to choose one, they are the true numbers of those given. `names` has the name
    of a head for its (layer, head).
    `mask` is True where a key may be attended to: (S,), (T, S), or what broadcasts to (L, H, T, S); of one (S,) of words
    that attend to themselves, the rows are masked, too. Without a mask, `open_cells` recognises one; False: there is none.

    Raises ValueError for what `as_attention` refuses.
    """
    if isinstance(attentions, Mapping):
        return dict(attentions)
    if tokens is None:
        raise ValueError("tokens is None; pass the words that attend, one for each row of attention.")
    weights = stacked(attentions, tokens, columns, batch)  # (L, H, T, S)
    rows = readable(tokens)
    others = rows if columns is None else readable(columns)
    which_layers, layers = _chosen(layers, len(weights), "layers")
    which_heads, heads = _chosen(heads, weights.shape[1], "heads")
    allowed = _allowed(mask, weights, cross=columns is not None)  # (L, T, S)
    refuse_invalid_weights(weights, tokens, np.broadcast_to(allowed[:, None], weights.shape))
    weights = np.where(allowed[:, None], weights, 0).astype(np.float32)
    weights, allowed = weights[which_layers][:, which_heads], allowed[which_layers]  # (L, H, T, S), (L, T, S)
    return {"attention": AttentionPart(
        weights, rows, others, columns is not None, allowed, layers, heads, dict(names or {}),
    )}


def _chosen(wanted: Sequence[int] | None, count: int, name: str) -> tuple[list[int], list[int]]:
    """Which of the `count` given are taken, and their numbers in the model."""
    numbers = list(range(count)) if wanted is None else [int(number) for number in wanted]
    if len(numbers) == count and max(numbers, default=0) >= count:
        return list(range(count)), numbers
    for number in numbers:
        if not 0 <= number < count:
            raise ValueError(f"{name} names {number}, but there are {count} {name}, counted from 0 to {count - 1}.")
    if not numbers:
        raise ValueError(f"{name} is empty; name at least one of the {count} {name}, counted from 0 to {count - 1}.")
    return numbers, numbers


def _allowed(mask, weights: np.ndarray, cross: bool) -> np.ndarray:
    """Where attention is allowed, (L, T, S)."""
    L, _, T, S = shape = weights.shape
    if mask is None:
        return open_cells(weights)
    if mask is False:
        return np.ones((L, T, S), bool)
    mask = as_array(mask, "mask") > 0
    if mask.ndim == 1:
        as_labels(mask, S, "mask", "columns of attention")
        mask = mask & (True if cross else mask[:, None])  # (S,) or (T, S)
    try:
        return np.broadcast_to(mask, shape).any(1)  # (L, T, S)
    except ValueError:
        raise ValueError(
            f"mask has shape {mask.shape}; pass (S,), (T, S) or what broadcasts to (L, H, T, S) = {shape}."
        ) from None

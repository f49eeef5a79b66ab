"""What each head does, as one number each, and what several heads do together."""

import numpy as np

from ninelives.figures.parts import AttentionPart
from ninelives.figures.signed import KINDS

# Of each measure: what it is, and the offset of the key from the query whose weight it is the mean of.
OFFSETS = {"previous token": -1, "the token itself": 0, "next token": 1}


def head_measures(part: AttentionPart) -> dict[str, np.ndarray]:
    """Measures by name, each (L, H) float64: the mean over the rows that may attend to anything.

    - "entropy": of a row, in bits. 0 where a single token gets all, log2(S) where all get the same.
    - "distance": how many positions a token looks away, weighted by the weights. (Not in cross-attention.)
    - "previous token", "the token itself", "next token": the weight on the key at that offset, over the rows in which it
      is not masked. (Not in cross-attention, nor where no row has one.)
    - "first token": the weight on the first column that is not padding, where heads often leave what they do not need.

    Of signed values there are instead the "largest" and the "mean" of them without their signs; of the difference of two
    sentences, these are the largest and the mean change.
    """
    weights, allowed = part.weights, part.allowed  # (L, H, T, S), (L, T, S)
    if part.kind != "weights":
        return _sizes(part)
    used = allowed.any(-1)[:, None]  # (L, 1, T)
    measures = {"entropy": _mean(np.stack([_entropies(of_layer) for of_layer in weights]), used)}
    T, S = allowed.shape[1:]
    if not part.cross:
        away = np.abs(np.arange(T)[:, None] - np.arange(S))  # (T, S)
        measures["distance"] = _mean(np.einsum("lhts,ts->lht", weights, away.astype(np.float32)), used)
        for name, offset in OFFSETS.items():
            there = allowed.diagonal(offset, 1, 2)[:, None]  # (L, 1, T - |offset|)
            if there.size and there.any((1, 2)).all():
                measures[name] = _mean(weights.diagonal(offset, 2, 3), there)
    first = allowed.any((0, 1)).argmax()
    if allowed[..., first].any(1).all():
        measures["first token"] = _mean(weights[..., first], allowed[:, None, :, first])
    return measures


def _sizes(part: AttentionPart) -> dict[str, np.ndarray]:
    sizes, counts = np.abs(part.weights, dtype=np.float64), np.maximum(part.allowed.sum((1, 2)), 1)  # masked is 0; (L,)
    thing = KINDS[part.kind]
    return {f"largest {thing}": sizes.max((2, 3)), f"mean {thing}": sizes.sum((2, 3)) / counts[:, None]}


def layer_means(part: AttentionPart) -> np.ndarray:
    """The mean of the heads of each layer, (L, T, S)."""
    return part.weights.mean(1, dtype=np.float64)


def rollout(part: AttentionPart) -> np.ndarray:
    """How much of each word of the input is in each position after each layer, (L, T, T), if a layer mixes by attention alone.

    Half of a layer's mixing is the mean of its heads, half is the residual connection; the layers are multiplied
    (Abnar & Zuidema, "Quantifying Attention Flow in Transformers", 2020). The values and the MLPs are left out of it.
    """
    mixed, until_here = layer_means(part), np.eye(part.weights.shape[-1])
    closed = ~part.allowed.any(-1)  # (L, T)
    results = []
    for layer, heads in enumerate(mixed):
        step = (heads + np.eye(len(heads))) / 2
        step[closed[layer]] *= 2  # nothing but the residual connection
        until_here = step @ until_here
        results.append(until_here)
    return np.stack(results)


def rollout_shares(part: AttentionPart, row: int, column: int) -> tuple[np.ndarray, np.ndarray]:
    """How much of `rollout` after the last layer, from `row` to `column`, passes through each head, (L, H), and past the heads of each layer, (L,).

    The rollout adds up all paths from `column` to `row`, which take one head or the residual connection in each layer. With
    Rₗ the rollout after layer l, Uₗ the product of the steps above it, and i and j the row and the column, the paths through head
    h of layer l weigh ½/H · (Uₗ)ᵢ · Aₗₕ · (Rₗ₋₁)ⱼ, and those past its heads ½ · (Uₗ)ᵢ · (Rₗ₋₁)ⱼ (all of it in a row that may attend to nothing).
    So in each layer the two sum to the rollout; a path counts in every layer, so layers do not sum to it.
    """
    closed, (L, H, T, _) = ~part.allowed.any(-1), part.weights.shape  # (L, T)
    below, above = np.eye(T, dtype=np.float32)[[column, row]]  # how much of the column is in each position, and of each position in the row, (T,)
    befores, reads = [], []
    for layer in range(L):
        befores.append(below)
        reads.append(part.weights[layer] @ below)  # (H, T)
        below = np.where(closed[layer], below, (reads[layer].mean(0) + below) / 2)
    through, past = np.zeros((L, H)), np.zeros(L)
    for layer in reversed(range(L)):
        half = np.where(closed[layer], 0, above / 2)  # (T,), what goes through the heads
        through[layer] = reads[layer] @ half / H
        past[layer] = (above - half) @ befores[layer]
        above = (half @ part.weights[layer]).mean(0) + above - half
    return through, past


def _entropies(weights: np.ndarray) -> np.ndarray:
    """Of the rows of a layer (H, T, S), in bits, (H, T)."""
    return -np.einsum("hts,hts->ht", weights, np.log2(np.maximum(weights, np.float32(1e-30))))


def _mean(values: np.ndarray, counted: np.ndarray) -> np.ndarray:
    return np.where(counted, values, 0).sum(-1, dtype=np.float64) / np.maximum(counted.sum(-1), 1)

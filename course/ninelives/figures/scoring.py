"""What attention weights come from: queries and keys, their scale, and what else is added to a score."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ninelives.figures.arrays import as_array, as_labels

TOLERANCE = 0.02  # of a weight; queries in bfloat16 give it to about 0.01


@dataclass(frozen=True, eq=False)
class Scoring:
    """Of each head: a score is query · key × scale + bias, and the softmax of the scores that are not masked is the weights.

    Args:
        queries: (L, H, T, d) float32; keys: (L, H, S, d).
        scale: (L,), 1/√d in most models.
        bias: (L, H, T, S) float32, such as ALiBi's, or None.
        channels: d names, or None.
    """

    queries: np.ndarray
    keys: np.ndarray
    scale: np.ndarray
    bias: np.ndarray | None = None
    channels: list[str] | None = None

    def scores(self, layer: int, head: int, row: int) -> np.ndarray:
        """The scores of one row, (S,) float64, before the mask."""
        products = self.keys[layer, head].astype(np.float64) @ self.queries[layer, head, row]
        scores = products * self.scale[layer]
        return scores if self.bias is None else scores + self.bias[layer, head, row]


def softmax(scores: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """Over the scores (S,) that are allowed; 0 elsewhere."""
    powers = np.where(allowed, np.exp(np.where(allowed, scores - scores.max(initial=-np.inf, where=allowed), 0)), 0)
    return powers / max(powers.sum(), np.finfo(float).tiny)


def largest_error(scoring: Scoring, weights: np.ndarray, allowed: np.ndarray) -> float:
    """How far the softmax is from the weights (L, H, T, S) in the last and the middle row that may attend to anything."""
    worst = 0.0
    for layer in range(len(weights)):
        is_open = np.flatnonzero(allowed[layer].any(-1))
        for row in {int(is_open[-1]), int(is_open[len(is_open) // 2])} if len(is_open) else ():
            for head in range(weights.shape[1]):
                again = softmax(scoring.scores(layer, head, row), allowed[layer, row])
                worst = max(worst, float(np.abs(again - weights[layer, head, row]).max()))
    return worst


def scoring_given(
    queries, keys, channels: Sequence[str] | None, weights: np.ndarray, allowed: np.ndarray, batch: int,
    which: tuple[list[int], list[int]], counts: tuple[int, int],
) -> Scoring:
    """The queries and keys that are given for weights (L, H, T, S), those of the layers and heads `which` of the `counts` given.

    Raises ValueError for shapes that do not fit, and where the softmax of the scores is not the weights.
    """
    if queries is None or keys is None:
        raise ValueError(f"{'queries' if queries is None else 'keys'} is missing; pass both queries and keys, or neither.")
    q, k = _of_heads(queries, "queries", batch), _of_heads(keys, "keys", batch)
    if k.shape[1] < counts[1] and counts[1] % k.shape[1] == 0:
        k = k.repeat(counts[1] // k.shape[1], 1)  # grouped queries share a key
    *_, T, S = weights.shape
    d = q.shape[-1]
    if q.shape != (*counts, T, d) or k.shape != (*counts, S, d):
        raise ValueError(
            f"queries have shape {q.shape} and keys {k.shape}; for weights (L, H, T, S) = {(*counts, T, S)} pass "
            "(L, H, T, d) and (L, H, S, d)."
        )
    q, k = (each[np.ix_(*which)] for each in (q, k))
    names = None if channels is None else as_labels(channels, d, "channels", "channels")
    tried = [Scoring(q, k, np.full(len(q), scale), channels=names) for scale in (d**-0.5, 1.0)]
    errors = [largest_error(scoring, weights, allowed) for scoring in tried]
    if min(errors) > TOLERANCE:
        raise ValueError(
            f"queries and keys do not give these weights: the softmax of query · key ÷ √{d} differs from them by up to {errors[0]:.2f}; "
            "pass those of the same layers and heads, as they are multiplied (after a rotation), and the mask."
        )
    return tried[int(np.argmin(errors))]


def _of_heads(values, name: str, batch: int) -> np.ndarray:
    """As (L, H, T, d); a list has L layers (B, H, T, d) or (H, T, d)."""
    if isinstance(values, list | tuple) and all(getattr(layer, "ndim", 0) >= 3 for layer in values):
        layers = [as_array(layer, name, dtype=np.float32) for layer in values]
        values = np.stack([layer[batch] if layer.ndim == 4 else layer for layer in layers])
    array = as_array(values, name, dtype=np.float32)
    if not 2 <= array.ndim <= 4:
        raise ValueError(f"{name} have shape {array.shape}; pass (L, H, T, d), (H, T, d) or (T, d), or a list of L tensors (B, H, T, d).")
    return array.reshape((1,) * (4 - array.ndim) + array.shape)

"""What several heads do together: the mean of a layer, the mean of all, and the rollout through the layers."""

import numpy as np

from ninelives.figures.measures import layer_means, rollout
from ninelives.figures.parts import AttentionPart

COMBINED = {"": "one head", "layer": "the mean of a layer", "model": "the mean of all heads", "rollout": "the rollout"}


def has_rollout(part: AttentionPart) -> bool:
    """Whether the layers follow one another on the same words: all of a model's, from the first on."""
    return not part.cross and part.layers == list(range(len(part.layers)))


def map_of(part: AttentionPart, layer: int, head: int, combine: str) -> tuple[np.ndarray, np.ndarray]:
    """The weights that are shown, (T, S) float64, and which of them are not masked."""
    if combine == "rollout":
        return rollout(part)[layer], reached(part)
    if combine == "model":
        return part.weights.mean((0, 1), dtype=np.float64), part.allowed.any(0)
    if combine == "layer":
        return layer_means(part)[layer], part.allowed[layer]
    return part.weights[layer, head].astype(np.float64), part.allowed[layer]


def maps_of(part: AttentionPart) -> tuple[np.ndarray, np.ndarray]:
    """All maps in the order in which the browser gets them, (K, T, S), and which of their cells are not masked."""
    L, H, T, S = part.weights.shape
    weights, allowed = [part.weights.reshape(-1, T, S)], [part.allowed.repeat(H, 0)]
    if L * H > 1:
        weights += [layer_means(part), part.weights.mean((0, 1))[None]]
        allowed += [part.allowed, part.allowed.any(0)[None]]
        if has_rollout(part):
            weights.append(rollout(part))
            allowed.append(reached(part)[None].repeat(L, 0))
    return np.concatenate(weights), np.concatenate(allowed)


def reached(part: AttentionPart) -> np.ndarray:
    """Where a rollout can be more than 0, (T, T): from a word to itself, and along every link that some layer allows."""
    allowed = part.allowed.any(0)  # (T, T)
    used = allowed.any(-1)
    step = ((allowed | np.eye(len(used), dtype=bool)) & used[:, None]).astype(np.float32)
    links = step
    for _ in range(len(part.allowed) - 1):
        links = np.minimum(links @ step, 1)
    return links > 0

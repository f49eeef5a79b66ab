"""What several heads do together: the mean of a layer, the mean of all, and the rollout through the layers."""

from weakref import WeakKeyDictionary

import numpy as np

from ninelives.figures.measures import layer_means, rollout
from ninelives.figures.parts import AttentionPart

COMBINED = {"": "one head", "layer": "the mean of a layer", "model": "the mean of all heads", "rollout": "the rollout"}

ROLLOUTS: WeakKeyDictionary[AttentionPart, tuple[np.ndarray, np.ndarray]] = WeakKeyDictionary()  # of 512 words it takes a second


def has_rollout(part: AttentionPart) -> bool:
    """Whether the layers follow one another on the same words, with all heads: all of a model's, from the first on."""
    return part.kind == "weights" and not part.cross and part.all_heads and part.layers == list(range(len(part.layers)))


def map_of(part: AttentionPart, layer: int, head: int, combine: str) -> tuple[np.ndarray, np.ndarray]:
    """The weights that are shown, (T, S) float64, and which of them are not masked."""
    if combine == "rollout":
        if part not in ROLLOUTS:
            allowed = reached(part)
            ROLLOUTS[part] = rollout(part) * allowed, allowed  # a row that is masked has its own word alone in it
        weights, allowed = ROLLOUTS[part]
        return weights[layer], allowed
    if combine == "model":
        return part.weights.mean((0, 1), dtype=np.float64), part.allowed.any(0)
    if combine == "layer":
        return layer_means(part)[layer], part.allowed[layer]
    return part.weights[layer, head].astype(np.float64), part.allowed[layer]


def map_count(part: AttentionPart) -> int:
    """How many maps the browser can ask for: the heads, then the means of layers, the mean of all, the rollouts."""
    L, H = part.weights.shape[:2]
    return L * H + (L * H > 1) * (L + 1 + L * has_rollout(part))


def numbered_map(part: AttentionPart, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k-th of these maps, (T, S), and which of its cells are not masked."""
    L, H = part.weights.shape[:2]
    if k < L * H:
        return map_of(part, k // H, k % H, "")
    k -= L * H
    return map_of(part, k, 0, "layer") if k < L else map_of(part, max(0, k - L - 1), 0, "model" if k == L else "rollout")


def reached(part: AttentionPart) -> np.ndarray:
    """Where a rollout can be more than 0, (T, T): from a word to itself, and along every link that some layer allows."""
    allowed = part.allowed.any(0)  # (T, T)
    used = allowed.any(-1)
    step = ((allowed | np.eye(len(used), dtype=bool)) & used[:, None]).astype(np.float32)
    links = step
    for _ in range(len(part.allowed) - 1):
        links = np.minimum(links @ step, 1)
    return links > 0

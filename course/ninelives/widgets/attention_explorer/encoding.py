"""How weights and colours are sent to the browser."""

import numpy as np
from matplotlib.colors import to_hex

from ninelives.figures.measures import head_measures
from ninelives.figures.parts import AttentionPart
from ninelives.figures.style import WEIGHTS_MAP, number_repeats
from ninelives.widgets.attention_explorer.combined import has_rollout, maps_of

UNIT = 64000  # a weight of 1 as it is sent; 640 steps to a hundredth
MASKED = 65535  # a cell that is masked
SHADES = [to_hex(WEIGHTS_MAP(k)) for k in range(256)]  # from the weight 0 to the top of the scale


def as_bytes(weights: np.ndarray, allowed: np.ndarray) -> bytes:
    """Weights (K, T, S) as little-endian 16-bit integers, in units of 1 / UNIT; MASKED where not `allowed` (K, T, S).

    A step is 0.000016. Each integer stays within the hundredth that its weight rounds to,
    so two decimals printed in the browser are those that Python prints.
    """
    weights = weights.astype(np.float64)
    nearest = np.rint(weights * 100) * (UNIT // 100)
    most = UNIT // 200 - 1  # further off would round to another hundredth
    inside = np.clip(np.rint(weights * UNIT), nearest - most, nearest + most)
    return np.where(allowed, np.maximum(inside, 0), MASKED).astype("<u2").tobytes()


def as_state(name: str, part: AttentionPart) -> dict:
    """What the browser knows of a part."""
    return {
        "name": name,
        "shape": list(part.weights.shape),
        "rows": number_repeats(part.rows),
        "columns": number_repeats(part.columns),
        "cross": part.cross,
        "layers": part.layers,
        "heads": part.heads,
        "names": {f"{layer},{head}": called for (layer, head), called in part.names.items()},
        "note": part.note,
        "measures": {what: [round(float(value), 4) for value in values.flat] for what, values in head_measures(part).items()},
        "rollout": has_rollout(part),
        "weights": as_bytes(*maps_of(part)),
    }

"""How weights and colours are sent to the browser."""

import numpy as np
from matplotlib.colors import to_hex

from ninelives.figures.style import WEIGHTS_MAP

UNIT = 64000  # a weight of 1 as it is sent; 640 steps to a hundredth
SHADES = [to_hex(WEIGHTS_MAP(k)) for k in range(256)]  # of weights from 0 to 1


def as_bytes(weights: np.ndarray) -> bytes:
    """Weights (L, H, T, S) as little-endian 16-bit integers, in units of 1 / UNIT.

    A step is 0.000016. Each integer stays within the hundredth that its weight rounds to,
    so two decimals printed in the browser are those that Python prints.
    """
    weights = weights.astype(np.float64)
    nearest = np.rint(weights * 100) * (UNIT // 100)
    most = UNIT // 200 - 1  # further off would round to another hundredth
    inside = np.clip(np.rint(weights * UNIT), nearest - most, nearest + most)
    return np.maximum(inside, 0).astype("<u2").tobytes()

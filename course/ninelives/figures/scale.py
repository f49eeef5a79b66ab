"""Which colour a weight has: the scale of a picture, and its ticks."""

import math

import numpy as np
from matplotlib.colors import Normalize, PowerNorm

SCALES = {"linear": 1.0, "sqrt": 0.5}  # the power of a weight's share of the top
SHARES = {"linear": (0, 0.25, 0.5, 0.75, 1), "sqrt": (0, 0.1, 0.25, 0.5, 1)}  # of the top, at which the ticks are


def top_of(vmax: float | str, weights: np.ndarray) -> float:
    """The weight that gets the darkest colour: `vmax`, or for "head" the largest of `weights`, rounded up to two digits."""
    if vmax != "head":
        return float(vmax)
    largest = float(weights.max(initial=0))
    if largest <= 0:
        return 1.0
    unit = 10.0 ** (math.floor(math.log10(largest)) - 1)
    return math.ceil(largest / unit - 1e-9) * unit


def norm_of(scale: str, top: float) -> Normalize:
    """The norm of matplotlib for a scale up to `top`; what is larger gets the colour of the top."""
    return Normalize(0, top, clip=True) if scale == "linear" else PowerNorm(SCALES[scale], 0, top, clip=True)


def ticks_of(scale: str, top: float) -> list[float]:
    """The weights that a colour bar names, each of three digits."""
    return [float(f"{share * top:.3g}") for share in SHARES[scale]]

"""Which colour a weight or a signed value has: the scale of a picture, and its ticks."""

import math

import numpy as np
from matplotlib.colors import FuncNorm, Normalize, PowerNorm

HALF_UP = 1 + 1e-12  # so that a half is rounded up, here as in the browser
SCALES = {"linear": 1.0, "sqrt": 0.5}  # the power of a weight's share of the top
SHARES = {"linear": (0, 0.25, 0.5, 0.75, 1), "sqrt": (0, 0.1, 0.25, 0.5, 1)}  # of the top, at which the ticks are
SIGNED_SHARES = {"linear": (-1, -0.5, 0, 0.5, 1), "sqrt": (-1, -0.25, 0, 0.25, 1)}


def top_of(vmax: float | str, weights: np.ndarray) -> float:
    """The weight that gets the darkest colour: `vmax`, or for "head" the largest of `weights` without its sign, rounded up to two digits."""
    if vmax != "head":
        return float(vmax)
    largest = float(np.abs(weights).max(initial=0))
    if largest <= 0:
        return 1.0
    unit = 10.0 ** (math.floor(math.log10(largest)) - 1)
    return math.ceil(largest / unit - 1e-9) * unit


def norm_of(scale: str, top: float, signed: bool = False) -> Normalize:
    """The norm of matplotlib for a scale up to `top`, or from `-top` on; what is larger gets the colour of the end."""
    low = -top if signed else 0
    if scale == "linear":
        return Normalize(low, top, clip=True)
    if not signed:
        return PowerNorm(SCALES[scale], 0, top, clip=True)
    return FuncNorm((lambda x: np.sign(x) * np.sqrt(np.abs(x)), lambda y: np.sign(y) * y * y), low, top, clip=True)


def ticks_of(scale: str, top: float, signed: bool = False) -> list[float]:
    """The numbers that a colour bar names, each of three digits."""
    return [float(f"{share * top * HALF_UP:.3g}") for share in (SIGNED_SHARES if signed else SHARES)[scale]]

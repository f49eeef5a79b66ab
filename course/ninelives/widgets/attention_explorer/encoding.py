"""How weights and colours are sent to the browser."""

import numpy as np
from matplotlib.colors import to_hex

from ninelives.figures.measures import head_measures
from ninelives.figures.parts import AttentionPart
from ninelives.figures.signed import decimals_of
from ninelives.figures.style import WEIGHTS_MAP, number_repeats
from ninelives.widgets.attention_explorer.combined import has_rollout, map_count, numbered_map
from ninelives.widgets.attention_explorer.why import why_state

UNIT = 64000  # a weight of 1 as it is sent; 640 steps to a hundredth
MASKED = 65535  # a cell that is masked
MOST_CELLS = 2048 * 2048
SENT_AT_ONCE = 4_000_000  # bytes; the maps of a larger part are sent when they are looked at
MOST_OF_A_PAGE = 20_000_000  # bytes of the maps on a page of its own
SHADES = [to_hex(WEIGHTS_MAP(k)) for k in range(256)]  # from the weight 0 to the top of the scale


def as_bytes(weights: np.ndarray, allowed: np.ndarray) -> bytes:
    """Weights of any shape as little-endian 16-bit integers, in units of 1 / UNIT; MASKED where not `allowed`.

    A step is 0.000016. Each integer stays within the hundredth that its weight rounds to,
    so two decimals printed in the browser are those that Python prints.
    """
    weights = weights.astype(np.float64)
    nearest = np.rint(weights * 100) * (UNIT // 100)
    most = UNIT // 200 - 1  # further off would round to another hundredth
    inside = np.clip(np.rint(weights * UNIT), nearest - most, nearest + most)
    return np.where(allowed, np.maximum(inside, 0), MASKED).astype("<u2").tobytes()


def map_bytes(part: AttentionPart, values: np.ndarray, allowed: np.ndarray) -> bytes:
    """Numbers of a part as they are sent: weights as integers, signed values as little-endian float32, NaN where masked.

    Each of these, too, stays within the last decimal that is printed.
    """
    if part.kind == "weights":
        return as_bytes(values, allowed)
    unit = 10.0 ** decimals(part)
    nearest, most = np.rint(values.astype(np.float64) * unit), 0.499
    inside = np.clip(values * unit, nearest - most, nearest + most) / unit
    return np.where(allowed, inside, np.nan).astype("<f4").tobytes()


def decimals(part: AttentionPart) -> int:
    """How many decimals of its numbers are printed."""
    return 2 if part.kind in ("weights", "difference") else decimals_of(part.kind, largest_of(part))


def largest_of(part: AttentionPart) -> float:
    """The largest number of all heads, without its sign."""
    return max(float(part.weights.max()), -float(part.weights.min()))


def fits(part: AttentionPart, most: int) -> bool:
    """Whether all maps of a part take at most so many bytes."""
    return (2 if part.kind == "weights" else 4) * map_count(part) * part.allowed[0].size <= most


def first_state(name: str, part: AttentionPart, layer: int, head: int) -> dict:
    """All maps of a part, or of a large one the head that is shown first."""
    layers, heads, T, S = part.weights.shape
    if T * S > MOST_CELLS:
        raise ValueError(
            f"{T:,} by {S:,} {part.item}s are too many to draw, {MOST_CELLS:,} cells at most: give the model a shorter text, or pass "
            f"some rows of the weights with their {part.item}s as tokens, and all {part.item}s as columns."
        )
    first = layer % layers * heads + head % heads
    return as_state(name, part, None if fits(part, SENT_AT_ONCE) else [first])


def as_state(name: str, part: AttentionPart, sent: list[int] | None = None, page: bool = False) -> dict:
    """What the browser knows of a part at first: the maps with these numbers, or all; on a `page` there is no Python to ask."""
    sent = list(range(map_count(part))) if sent is None else sent
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
        "sent": sent,
        "kind": part.kind,
        "item": part.item,
        "decimals": decimals(part),
        "pairs": part.pairs,
        "why": why_state(part, page),
        "weights": b"".join(map_bytes(part, *numbered_map(part, k)) for k in sent),
    }

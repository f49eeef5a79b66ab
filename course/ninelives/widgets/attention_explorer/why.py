"""Why a weight is what it is: the picture, and the numbers from which the browser says it."""

import numpy as np

from ninelives.figures import Picture, position_of
from ninelives.figures.parts import AttentionPart
from ninelives.figures.why import Why, why_picture

MOST_OF_A_PAGE = 10_000_000  # bytes of queries, keys and biases; of more, a page has none


def why_of(explorer, query: int | str, key: int | str) -> Why:
    """Raises ValueError without queries and keys, for several heads together, and for words that are not there."""
    part: AttentionPart = explorer.parts[explorer.part]
    if part.kind == "difference":
        raise ValueError("A difference of two sentences has no queries and keys of its own; choose the part with the first or the second sentence.")
    if part.scoring is None:
        raise ValueError(
            "The queries and keys of these weights are not known; AttentionExplorer.of sees those of most models, and "
            "AttentionExplorer(attentions, tokens, queries=…, keys=…) takes yours."
        )
    if explorer.combine:
        raise ValueError(f"combine is {explorer.combine!r}; queries and keys belong to one head, so set combine = \"\" first.")
    i, j, layer, head = position_of(part.rows, query), position_of(part.columns, key), explorer.layer, explorer.head
    scoring = part.scoring
    q, k = (each.astype(np.float64) for each in (scoring.queries[layer, head, i], scoring.keys[layer, head, j]))
    return Why(
        explorer.rows[i], explorer.columns[j], channel_names(part), np.stack([q, k, q * k]), float(scoring.scale[layer]),
        0.0 if scoring.bias is None else float(scoring.bias[layer, head, i, j]), scoring.scores(layer, head, i), part.allowed[layer, i], j,
    )


def why(explorer, query: int | str, key: int | str) -> Picture:
    return why_picture(why_of(explorer, query, key))


def channel_names(part: AttentionPart) -> list[str]:
    return part.scoring.channels or [str(c) for c in range(part.scoring.queries.shape[-1])]


def why_state(part: AttentionPart, whole: bool) -> dict | None:
    """What the browser knows of queries and keys; the numbers themselves only where it can ask for nothing more, on a page."""
    scoring = part.scoring
    if scoring is None:
        return None
    arrays = [array for array in (scoring.queries, scoring.keys, scoring.bias) if array is not None]
    has_room = sum(array.nbytes for array in arrays) <= MOST_OF_A_PAGE
    L, H = part.weights.shape[:2]
    heads = [_bytes(*(array[layer, head] for array in arrays)) for layer in range(L) for head in range(H)] if whole and has_room else []
    return {
        "channels": channel_names(part), "scale": [float(scale) for scale in scoring.scale], "bias": scoring.bias is not None,
        "numbers": b"".join(heads) if heads else None,
    }


def row_bytes(part: AttentionPart, layer: int, head: int, row: int) -> bytes:
    """The query of a row, all keys of its head and the biases of the row, in little-endian float32."""
    scoring = part.scoring
    biases = [] if scoring.bias is None else [scoring.bias[layer, head, row]]
    return _bytes(scoring.queries[layer, head, row], scoring.keys[layer, head], *biases)


def _bytes(*arrays: np.ndarray) -> bytes:
    return b"".join(np.ascontiguousarray(array, "<f4").tobytes() for array in arrays)

"""The head that an explorer shows, without the hidden words."""

import numpy as np


def head_name(explorer) -> str:
    layers, heads, *_ = explorer.shape
    return f"Layer {explorer.layer + 1} of {layers}, head {explorer.head + 1} of {heads}"


def chosen_row(explorer) -> int | None:
    """The position of the chosen word among the rows shown, or None."""
    if explorer.token is None or explorer.cross:
        return explorer.token
    if explorer.token in explorer.hidden:
        return None
    return explorer.token - sum(j < explorer.token for j in explorer.hidden)


def shown_head(explorer) -> tuple[np.ndarray, list[str], list[str]]:
    """The present head (T, S) without the hidden words, renormalised, and its labels."""
    weights = explorer.attention[explorer.layer, explorer.head].astype(np.float64)  # (T, S)
    kept = [j for j in range(len(explorer.columns)) if j not in explorer.hidden]
    attending = range(len(explorer.rows)) if explorer.cross else kept
    weights = weights[np.ix_(attending, kept)]
    if explorer.hidden:
        sums = weights.sum(-1, keepdims=True)
        weights = np.divide(weights, sums, out=np.zeros_like(weights), where=sums > 0)
    return weights, [explorer.rows[i] for i in attending], [explorer.columns[j] for j in kept]

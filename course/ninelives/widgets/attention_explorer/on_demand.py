"""What the browser asks for when it looks at it: maps, small pictures of all heads, one link in all heads, a query and its keys."""

import numpy as np

from ninelives.figures.measures import rollout_shares
from ninelives.figures.parts import AttentionPart
from ninelives.widgets.attention_explorer.combined import numbered_map
from ninelives.widgets.attention_explorer.encoding import map_bytes
from ninelives.widgets.attention_explorer.why import row_bytes

PIXELS = 56  # across and down, of a small picture


def answer_with_numbers(explorer, content: dict) -> None:
    """Send what is asked for, with the question, by which the browser knows it."""
    part: AttentionPart = explorer.parts[content["part"]]
    if content["ask"] == "map":
        buffers = [map_bytes(part, *numbered_map(part, content["k"]))]
    elif content["ask"] == "thumbs":
        buffers = [map_bytes(part, *thumbs(part, content["layer"], content["hidden"]))]
    elif content["ask"] == "why":
        buffers = [row_bytes(part, content["layer"], content["head"], content["from"])]
    elif content["ask"] == "shares":
        buffers = [map_bytes(part, *shares(part, content["from"], content["to"]))]
    else:
        buffers = [map_bytes(part, *links(part, content["from"], content["to"], content["hidden"]))]
    explorer.send({**content, "kind": content["ask"]}, buffers)


def thumbs(part: AttentionPart, layer: int, hidden: list[int], pixels: int = PIXELS) -> tuple[np.ndarray, np.ndarray]:
    """The heads of a layer in blocks, (H, down, across): the strongest weight of each; not masked where any cell is not."""
    weights, allowed = _over_what_is_shown(part, part.weights[layer], part.allowed[layer], hidden)
    rows, columns = (_starts(n, pixels) for n in allowed.shape)
    strongest = np.maximum.reduceat(np.maximum.reduceat(weights, rows, 1), columns, 2)
    if part.kind != "weights":
        lowest = np.minimum.reduceat(np.minimum.reduceat(weights, rows, 1), columns, 2)
        strongest = np.where(-lowest > strongest, lowest, strongest)
    is_open = np.maximum.reduceat(np.maximum.reduceat(allowed, rows, 0), columns, 1)
    return strongest, np.broadcast_to(is_open, strongest.shape)


def links(part: AttentionPart, row: int, column: int, hidden: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """The weight of one link in every head, (L, H)."""
    weights = part.weights[:, :, row].astype(np.float64)  # (L, H, S)
    sums = np.delete(weights, hidden, -1).sum(-1) if hidden and part.kind == "weights" else np.ones(weights.shape[:2])
    link = np.divide(weights[..., column], sums, out=np.zeros_like(sums), where=sums > 0)
    return link, np.broadcast_to(part.allowed[:, row, column, None], link.shape)


def shares(part: AttentionPart, row: int, column: int) -> tuple[np.ndarray, np.ndarray]:
    """The share of each head in the rollout of one link, then the rollout itself, (L · H + 1,); masked where no path leads there."""
    through, past = rollout_shares(part, row, column)
    total = through[0].sum() + past[0]
    numbers = np.append(through / (total or 1), total)
    return numbers, np.full(numbers.shape, total > 0)


def _over_what_is_shown(part, weights: np.ndarray, allowed: np.ndarray, hidden: list[int]) -> tuple[np.ndarray, np.ndarray]:
    if not hidden:
        return weights, allowed
    weights, allowed = np.delete(weights, hidden, -1), np.delete(allowed, hidden, -1)
    if not part.cross:
        weights, allowed = np.delete(weights, hidden, -2), np.delete(allowed, hidden, -2)
    if part.kind != "weights":
        return weights, allowed
    sums = weights.sum(-1, keepdims=True)
    return np.divide(weights, sums, out=np.zeros_like(weights), where=sums > 0), allowed


def _starts(n: int, pixels: int) -> np.ndarray:
    """Where the blocks begin when n cells become so many pixels, as in pixels.js."""
    return np.unique(-(-np.arange(min(n, pixels)) * n // min(n, pixels)))

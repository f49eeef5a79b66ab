"""Scores, differences and other signed values instead of attention weights: what is taken, and how it is said."""

from collections.abc import Sequence

import numpy as np

from ninelives.figures.attention import where_in
from ninelives.figures.words import MAX_ROWS_DESCRIBED

# What the numbers of an explorer are, and what one of them is called.
KINDS = {"weights": "weight", "scores": "score", "signed": "value", "difference": "change"}
LEAST_SCORE = -5000.0  # what is lower was masked by adding a large negative number
LEAST_CHANGE = 0.05  # a smaller one is not named in words
NAMED = 2  # words of a row on either side
MINUS = "−"


def open_scores(scores: np.ndarray) -> np.ndarray:
    """Which cells are not masked, (L, T, S) of bool, of scores (L, H, T, S): a mask makes scores −∞ or very low."""
    return np.isnan(scores).any(1) | (scores > LEAST_SCORE).any(1)


def refuse_invalid_scores(scores: np.ndarray, rows: Sequence[str], allowed: np.ndarray, layers=None, heads=None) -> None:
    """Raise ValueError unless the scores (L, H, T, S) are finite where `allowed`; `layers` and `heads` are their numbers."""
    broken = ~np.isfinite(scores) & allowed
    if broken.any():
        value = "NaN" if np.isnan(scores[broken][0]) else "an infinite number"
        raise ValueError(
            f"{where_in(broken, rows, layers, heads)} holds {value}: finite numbers can be drawn; a key that is masked is −∞ in "
            "every head of a layer, or False in `mask`."
        )


def decimals_of(kind: str, top: float) -> int:
    """How many decimals are printed where the largest number is `top`: two of weights and their differences."""
    if kind in ("weights", "difference") or top == 0:
        return 2
    exponent = int(np.floor(np.log10(top)))
    return max(0, 2 - exponent) if exponent >= 0 else min(6, 1 - exponent)


def signed_number(value: float, kind: str, decimals: int = 2) -> str:
    """A number as it is said and printed; a change has a sign, and 0 has none."""
    text = f"{abs(value):.{decimals}f}"
    if float(text) == 0:
        return text
    return (MINUS if value < 0 else "+" if kind == "difference" else "") + text


def signed_row(row: np.ndarray, columns: Sequence[str], kind: str, item: str, decimals: int = 2) -> str:
    """A row (S,) in words, without the name of its word: those words to which its numbers are highest and lowest."""
    def named(positions) -> str:
        return ", ".join(f"{columns[j]} {signed_number(row[j], kind, decimals)}" for j in positions)

    highest, lowest = np.argsort(-row, kind="stable"), np.argsort(row, kind="stable")
    if kind == "difference":
        more = [j for j in highest[:NAMED] if row[j] >= LEAST_CHANGE]
        less = [j for j in lowest[:NAMED] if row[j] <= -LEAST_CHANGE]
        if not more and not less:
            return f"to every {item} as in the first sentence, within {LEAST_CHANGE}"
        return ", ".join(filter(None, [f"more to {named(more)}" if more else "", f"less to {named(less)}" if less else ""]))
    if len(row) == 1:
        return f"{KINDS[kind]} {named([0])}"
    things = f"{KINDS[kind]}s"
    if signed_number(row.max(), kind, decimals) == signed_number(row.min(), kind, decimals):
        return f"all {len(row)} {things} alike, {signed_number(row.max(), kind, decimals)} each"
    return f"highest {things} {named(highest[: min(NAMED, len(row) - 1)])}; lowest {named(lowest[:1])}"


def said_of(kind: str, words: str, several: bool) -> str:
    """What comes before a row in words: "it attends to " or "it: "; of several words, their mean is said."""
    if kind in ("scores", "signed"):
        return f"{words}{', on average' if several else ''}: "
    return f"{words}{', on average, attend' if several else ' attends'} {'to ' if kind == 'weights' else ''}"


def largest_rows(values: np.ndarray) -> list[int]:
    """The rows of (T, S) that are described: all, or of many those with the largest numbers, in order."""
    if len(values) <= MAX_ROWS_DESCRIBED:
        return list(range(len(values)))
    return sorted(int(i) for i in np.argsort(-np.abs(values).max(1), kind="stable")[:MAX_ROWS_DESCRIBED])

"""Attention in words: what one token attends to, and what all of them attend to."""

from collections.abc import Sequence

import numpy as np

from ninelives.figures.arrays import as_finite, as_labels
from ninelives.figures.style import number_repeats
from ninelives.figures.subwords import item_of

MAX_ROWS_DESCRIBED = 12  # of a longer matrix, those with the largest weights
NOTHING = 1 / 128_000  # a smaller weight counts as 0, as it does in the browser, which gets steps of twice this size


def position_of(tokens: Sequence[str], query: int | str) -> int:
    """The position of `query`: a position already, a word, or a numbered word such as the₂.

    Raises ValueError when the word is not there, or there several times.
    """
    tokens = list(tokens)
    if not isinstance(query, str):
        if not -len(tokens) <= query < len(tokens):
            raise ValueError(
                f"Position {query} is outside the {len(tokens)} tokens, "
                f"which are counted from 0 to {len(tokens) - 1}."
            )
        return int(query) % len(tokens)
    numbered = number_repeats(tokens)
    if query in numbered:
        return numbered.index(query)
    positions = [i for i, token in enumerate(tokens) if token == query]
    if positions:
        raise ValueError(
            f"{query!r} is at the positions {', '.join(map(str, positions))}; "
            f"pass {numbered[positions[0]]!r} or a position."
        )
    raise ValueError(f"{query!r} is not among the tokens: {_some(numbered)}.")


def read_row(
    weights,
    tokens: Sequence[str],
    query: int | str,
    columns: Sequence[str] | None = None,
    most: int = 3,
    at_least: float = 0.05,
    item: str | None = None,
) -> str:
    """What one token attends to, such as "it attends to cat 0.71, full 0.08".

    `weights` is the matrix (T, S) or the row of the query (S,). `columns` names the S
    keys, if they are not `tokens`. At most `most` words are named, each with a weight
    of `at_least` or more. No winner is named among words whose weights are alike: neither
    where all positive weights are about equal (a weight of 0 is no choice: the word is masked),
    nor where more than `most` share the largest two decimals. `item` is what is said for
    one of them, by default what `subwords.item_of` says. Raises ValueError for NaN or
    labels that do not fit.
    """
    item = item or item_of(tokens if columns is None else columns)
    row, name, columns = query_row(weights, tokens, query, columns)
    return f"{name} attends to {row_in_words(row, columns, item, most, at_least)}"


def row_in_words(row: np.ndarray, columns: Sequence[str], item: str, most: int = 3, at_least: float = 0.05) -> str:
    """A row of weights (S,) over words that are numbered, as `read_row` says it after the name of its word."""
    positive = row[row > NOTHING]
    chooses_all = len(positive) == len(row)
    if len(positive) > (1 if chooses_all else most) and _are_alike(positive):
        everything = "both" if len(row) == 2 else f"all {len(row)}"
        words = everything if chooses_all else f"{len(positive)} of {len(row)}"
        return f"{words} {item}s equally, {positive.max():.2f} each"
    order = np.argsort(-row, kind="stable")
    named = [j for j in order[:most] if row[j] >= at_least]
    if not named:
        best = order[0]
        return f"no {item} with {at_least:.2f} or more (most: {columns[best]} {row[best]:.2f})"
    largest = f"{row[order[0]]:.2f}"
    tied = sum(f"{weight:.2f}" == largest for weight in row)
    if tied > most:
        return f"{tied} of {len(row)} {item}s alike, {largest} each, and less to the others"
    return ", ".join(f"{columns[j]} {row[j]:.2f}" for j in named)


def _are_alike(weights: np.ndarray) -> bool:
    most, least = weights.max(), weights.min()
    return f"{most:.2f}" == f"{least:.2f}" and most - least <= 0.1 * most


def query_row(
    weights, tokens: Sequence[str], query: int | str, columns: Sequence[str] | None = None
) -> tuple[np.ndarray, str, list[str]]:
    """The row of weights (S,) of `query`, its numbered name, and the numbered names of the S."""
    weights = as_finite(weights, "weights")
    if weights.ndim > 2:
        weights = as_finite(weights, "weights", 2)
    tokens = [str(t) for t in tokens] if weights.ndim != 2 else (
        as_labels(tokens, weights.shape[0], "tokens", "rows of weights")
    )
    what = "columns of weights" if weights.ndim == 2 else "weights"
    columns = as_labels(
        tokens if columns is None else columns, weights.shape[-1],
        "tokens" if columns is None else "columns", what,
    )
    position = position_of(tokens, query)
    row = weights[position] if weights.ndim == 2 else weights
    return row, number_repeats(tokens)[position], number_repeats(columns)


def describe_attention(
    weights, rows: Sequence[str], columns: Sequence[str] | None = None, choices: Sequence[int] | None = None, item: str | None = None
) -> str:
    """A sentence for each row of `weights` (T, S); of many rows, those with the largest weights.

    `choices` (T,) says how many keys each row may attend to. One that has no
    choice, as the first row under a causal mask, is not among the most decided. `item` is as in `read_row`.
    """
    weights = as_finite(weights, "weights", 2)
    rows = as_labels(rows, weights.shape[0], "rows", "rows of weights")
    if len(rows) <= MAX_ROWS_DESCRIBED:
        shown, lead = range(len(rows)), ""
    else:
        has_choice = np.ones(len(rows), bool) if choices is None else np.asarray(choices) > 1
        decided = np.argsort(-np.where(has_choice, weights.max(1), -1), kind="stable")[:MAX_ROWS_DESCRIBED]
        shown = sorted(int(i) for i in decided)
        lead = f"The {MAX_ROWS_DESCRIBED} most decided of {len(rows)} rows: "
    return lead + ". ".join(read_row(weights, rows, i, columns, most=2, item=item) for i in shown) + "."


def _some(words: list[str]) -> str:
    return ", ".join(words[:12]) + (f" and {len(words) - 12} more" if len(words) > 12 else "")

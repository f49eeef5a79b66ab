"""Two sentences in one explorer: the parts of the first, of the second, and the second minus the first."""

from dataclasses import replace
from difflib import SequenceMatcher

import numpy as np

from ninelives.figures.parts import AttentionPart
from ninelives.widgets.attention_explorer.in_words import SENTENCE_UP_TO

SIDES = ("first", "second", "difference")


def compared_parts(first: dict[str, AttentionPart], second: dict[str, AttentionPart]) -> dict[str, AttentionPart]:
    """The parts of both and their differences, by names such as "first", or "cross first" where there are several parts.

    Words are paired in order where both have as many, such as in a minimal pair ("… it was rotten", "… it was full");
    otherwise those that both have. Raises ValueError where they have none in common, and for other layers, heads or parts.
    """
    if any(part.pairs for part in (*first.values(), *second.values())):
        raise ValueError("One of the two explorers already compares two sentences; compare explorers of one sentence each.")
    if list(first) != list(second):
        raise ValueError(f"The first explorer has the parts {', '.join(first)}, the second {', '.join(second)}; compare those of one model.")
    made = {}
    for name, one in first.items():
        for side, part in zip(SIDES, _three(one, second[name]), strict=True):
            made[side if len(first) == 1 else f"{name} {side}"] = part
    return made


def _three(one: AttentionPart, other: AttentionPart) -> tuple[AttentionPart, AttentionPart, AttentionPart]:
    if (one.layers, one.heads) != (other.layers, other.heads):
        shapes = [" × ".join(map(str, part.weights.shape[:2])) for part in (one, other)]
        raise ValueError(
            f"The first explorer has {shapes[0]} heads, the second {shapes[1]}, or they are other ones; compare the same heads of one model."
        )
    if one.kind != other.kind:
        raise ValueError(f"The first explorer has {one.kind}, the second {other.kind}; compare numbers of one kind.")
    rows, columns = _paired(one.rows, other.rows), _paired(one.columns, other.columns)
    if not rows or not columns:
        raise ValueError(f"The two sentences have no {one.item} in common; compare sentences that differ in a {one.item} or two.")
    here, there = (np.ix_([pair[side] for pair in rows], [pair[side] for pair in columns]) for side in (0, 1))
    allowed = one.allowed[(slice(None), *here)] & other.allowed[(slice(None), *there)]  # (L, R, C)
    change = other.weights[(..., *there)] - one.weights[(..., *here)]  # (L, H, R, C)
    change *= allowed[:, None]
    difference = AttentionPart(
        change, [pair[2] for pair in rows], [pair[2] for pair in columns], one.cross, allowed, one.layers, one.heads, one.names,
        _note(one, other, columns), False, "difference" if one.kind == "weights" else "signed", (list(range(len(rows))), list(range(len(columns)))),
        item="token" if "token" in (one.item, other.item) else "word",
    )
    sides = [
        replace(part, pairs=(_numbers([pair[side] for pair in rows], len(part.rows)), _numbers([pair[side] for pair in columns], len(part.columns))))
        for side, part in enumerate((one, other))
    ]
    return *sides, difference


def _numbers(paired: list[int], count: int) -> list[int]:
    """For each of `count` words the number of its pair, or -1."""
    return [paired.index(i) if i in paired else -1 for i in range(count)]


def _note(one: AttentionPart, other: AttentionPart, pairs: list[tuple[int, int, str]]) -> str:
    said = ["Second minus first."]
    for which, part in (("First", one), ("Second", other)):
        if len(part.columns) <= SENTENCE_UP_TO:
            said.append(f"{which}: {' '.join(part.columns)}.")
    for side, (which, part) in enumerate((("first", one), ("second", other))):
        alone = [word for i, word in enumerate(part.columns) if i not in {pair[side] for pair in pairs}]
        if alone:
            said.append(f"Of the {which}, not paired and so not compared: {' '.join(alone)}.")
    return " ".join(said)


def _paired(one: list[str], other: list[str]) -> list[tuple[int, int, str]]:
    """Which words stand for one another, with a label: all in order where there are as many, else those that are the same; none where no word is in both."""
    if not set(one) & set(other):
        return []
    if len(one) == len(other):
        return [(i, i, a if a == b else f"{a} / {b}") for i, (a, b) in enumerate(zip(one, other, strict=True))]
    blocks = SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
    return [(block.a + k, block.b + k, one[block.a + k]) for block in blocks for k in range(block.size)]

"""The head that one explorer shows beside that of another: the same model on two sentences, or two heads on one."""

from difflib import SequenceMatcher

import numpy as np

from ninelives.figures import Picture
from ninelives.figures.difference import difference_picture
from ninelives.widgets.attention_explorer.in_words import sentences
from ninelives.widgets.attention_explorer.shown import head_name, shown_head


def difference(first, second) -> Picture:
    """What the second shows minus what the first shows, in the signed map: blue where the second attends more.

    Words are paired in order where both show as many, such as in a minimal pair ("… it was rotten", "… it was full");
    otherwise those that both have are compared. Raises ValueError where they have none in common.
    """
    one, other = shown_head(first), shown_head(second)
    rows = _paired(_plain(first, "rows", one.row_positions), _plain(second, "rows", other.row_positions))
    columns = _paired(_plain(first, "columns", one.column_positions), _plain(second, "columns", other.column_positions))
    if not rows or not columns:
        raise ValueError("The two explorers have no word in common; compare sentences that differ in a word or two.")
    here, there = (np.ix_([pair[side] for pair in rows], [pair[side] for pair in columns]) for side in (0, 1))
    names = [head_name(explorer) for explorer in (first, second)]
    title = f"{names[0]}: the second sentence minus the first" if names[0] == names[1] else f"{names[1]} minus {names[0].lower()}"
    notes = [f"{which}: {text.removeprefix('Words: ')}" for which, explorer in (("First", first), ("Second", second)) for text in sentences(explorer)]
    return difference_picture(
        one.weights[here], other.weights[there], one.allowed[here] & other.allowed[there],
        [pair[2] for pair in rows], [pair[2] for pair in columns], title=title, notes=notes,
    )


def _plain(explorer, side: str, positions: list[int]) -> list[str]:
    words = getattr(explorer.parts[explorer.part], side)
    return [words[i] for i in positions]


def _paired(one: list[str], other: list[str]) -> list[tuple[int, int, str]]:
    """Which words stand for one another, with a label: all in order where there are as many, else those that are the same."""
    if len(one) == len(other):
        return [(i, i, a if a == b else f"{a} / {b}") for i, (a, b) in enumerate(zip(one, other, strict=True))]
    blocks = SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
    return [(block.a + k, block.b + k, one[block.a + k]) for block in blocks for k in range(block.size)]

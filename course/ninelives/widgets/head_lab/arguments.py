"""Words and heads as they may be set, and as the lab keeps them: positions."""

from collections.abc import Sequence

import traitlets as t

from ninelives.figures import position_of


def word_positions(words: Sequence[str], chosen: Sequence[int | str]) -> list[int]:
    """Raises TraitError for a word or position that does not exist."""
    try:
        positions = [position_of(words, word) if isinstance(word, str) else word for word in chosen]
    except ValueError as error:
        raise t.TraitError(f"hidden: {error}") from None
    refuse_missing("hidden", positions, len(words), "words")
    return positions


def head_positions(name: str, layers: Sequence[tuple[str, int]], chosen: Sequence[int | tuple[int, int]]) -> list[int]:
    """Heads counted through all layers; each is given like this, or as (layer, head). Raises TraitError for one that does not exist."""
    counts, positions = [n_head for _, n_head in layers], []
    for head in chosen:
        if isinstance(head, list | tuple):
            layer, k = head if len(head) == 2 else (-1, -1)
            if not 0 <= layer < len(counts) or not 0 <= k < counts[layer]:
                raise t.TraitError(
                    f"{name} has {tuple(head)!r}; a head is (layer, head), with layers from 0 to {len(counts) - 1}, "
                    f"which have {', '.join(map(str, counts))} heads."
                )
            head = sum(counts[:layer]) + k
        positions.append(head)
    refuse_missing(name, positions, sum(counts), "heads")
    return positions


def why_none(lab) -> str:
    """Why no head can be patched in."""
    if not lab.other:
        return f"“{lab.answered}” has no two nouns after “the” that could be swapped"
    return f"“{lab.answered}” and “{lab.other}” have no choice at the same position of their translations"


def refuse_missing(name: str, positions: Sequence[int], count: int, things: str) -> None:
    for position in positions:
        if not isinstance(position, int) or not 0 <= position < count:
            raise t.TraitError(f"{name} has {position}, but there are {count} {things}, counted from 0 to {count - 1}.")

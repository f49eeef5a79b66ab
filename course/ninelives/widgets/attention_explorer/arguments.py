"""What may be set: words and positions, and the scale."""

import inspect
from collections.abc import Sequence

import traitlets as t

from ninelives.figures import attention_parts, number_repeats, position_of
from ninelives.figures.parts import AttentionPart
from ninelives.widgets.arguments import check_position

SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉"


class Words(t.List):
    """Words, each as such or as a position; a single one and any sequence are taken."""

    def validate(self, obj, value):
        if isinstance(value, (str, int)):
            value = [value]
        return super().validate(obj, list(value) if isinstance(value, Sequence) else value)


def parts_given(attentions, tokens, columns, given: dict, explorer: type) -> dict[str, AttentionPart]:
    """What `attention_parts` makes of them; raises TypeError for a name in `given` that is no argument of it."""
    known = {*inspect.signature(explorer).parameters, *inspect.signature(attention_parts).parameters} - {"given"}
    for name in given.keys() - known:
        raise TypeError(f"{explorer.__name__} has no argument {name!r}; it has {', '.join(sorted(known))}.")
    return attention_parts(attentions, tokens, columns, **given)


def index_of(name: str, value: int, count: int, thing: str) -> int:
    """A position from 0 on; a negative one counts from the end. Raises TraitError when it does not exist."""
    position = value + count if -count <= value < 0 else value
    check_position(name, position, count, thing)
    return position


def word_position(name: str, value: int | str | None, words: Sequence[str]) -> int | None:
    """The position of a word that is given as such or as a position; None stays None."""
    if value is None:
        return None
    if isinstance(value, str):
        return position_of(words, value)
    try:
        return index_of(name, value, len(words), "position")
    except t.TraitError as error:
        # A link that passes on the position of a longer sentence ends here.
        raise t.TraitError(f"{error}; explorers of different sentences are linked by `word`.".replace(".;", ";")) from None


def column_positions(name: str, values: Sequence[int | str], words: Sequence[str]) -> list[int]:
    """The positions of some words, in order; a word that occurs more than once means all of them."""
    found = set()
    for value in values:
        if isinstance(value, str) and value in words:
            found |= {j for j, word in enumerate(words) if word == value}
        else:
            found.add(word_position(name, value, words))
    return sorted(found)


def same_word(word: str | None, words: Sequence[str]) -> int | None:
    """Where a numbered word of another sentence is in this one, or None: "the₂" is "the" where there is but one."""
    numbered = number_repeats(words)
    if word in numbered:
        return numbered.index(word)
    plain = (word or "").rstrip(SUBSCRIPTS)
    return list(words).index(plain) if plain in words else None


def carried(positions: Sequence[int], side: str, old: AttentionPart, new: AttentionPart) -> list[int]:
    """Where words of one part, its "rows" or "columns", are in another: by the pairs of a comparison, or else the same words."""
    if old.pairs and new.pairs:
        before, after = (part.pairs[side == "columns"] for part in (old, new))
        return sorted(after.index(before[i]) for i in positions if before[i] >= 0 and before[i] in after)
    were, words = number_repeats(getattr(old, side)), getattr(new, side)
    return sorted(j for j in (same_word(were[i], words) for i in positions) if j is not None)


def check_top(vmax: float | str) -> float | str:
    """Raise TraitError unless `vmax` is a positive number or "head"."""
    if vmax != "head" and not (isinstance(vmax, float) and 0 < vmax < float("inf")):
        raise t.TraitError(
            f"vmax is {vmax!r}; pass the weight that gets the darkest colour, such as 1 or 0.2, or \"head\" for the "
            "largest weight of the head that is shown."
        )
    return vmax

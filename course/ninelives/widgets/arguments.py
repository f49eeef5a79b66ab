"""What widgets refuse, and in which sentence."""

from collections.abc import Sequence

import torch
import traitlets as t

from ninelives.figures.arrays import as_labels

MOST_CHARACTERS = 80


def one_sentence(idx, most: int) -> torch.Tensor:
    """The ids of one sentence, (T,) or (1, T), as (T,) int64.

    Raises ValueError for another shape, for numbers that are not whole, and for none or more than `most` ids.
    """
    ids = torch.as_tensor(idx)
    if ids.dim() == 2 and len(ids) == 1:
        ids = ids[0]
    if ids.dim() != 1 or ids.is_floating_point():
        raise ValueError(
            f"idx has shape {tuple(ids.shape)} and dtype {ids.dtype}; pass the ids of one sentence, whole numbers of "
            "shape (T,) or (1, T)."
        )
    if not 1 <= len(ids) <= most:
        what_to_do = "at least one word" if not len(ids) else "a shorter sentence"
        raise ValueError(f"The sentence has {len(ids)} words; this widget shows 1 to {most}, so pass {what_to_do}.")
    return ids.long()


def words_and_ids(words: Sequence[str], idx, most: int) -> tuple[list[str], torch.Tensor]:
    """The words of one sentence as a list and their ids as (T,) int64.

    Raises ValueError for ids that are not those of one sentence, and for another number of words than of ids.
    """
    ids = one_sentence(idx, most)
    return as_labels(words, len(ids), "words", "ids in idx"), ids


def truncated(text: str) -> str:
    """As much of a text as fits into a line of a picture: somebody may have pasted a page."""
    return text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 1]}…"


def check_position(name: str, value: int, count: int, thing: str = "") -> None:
    """Raise TraitError unless `value` is one of `count` things, counted from 0; while there are none, anything passes."""
    if count and not 0 <= value < count:
        things = f" {thing}{'' if count == 1 else 's'}" if thing else ""
        raise t.TraitError(f"{name} is {value}, but there {'is' if count == 1 else 'are'} {count}{things}, counted from 0 to {count - 1}.")

"""What a position lab says. The browser says the same; see in_words.js."""

import numpy as np

from ninelives.widgets.position_lab.vectors import SAME, new_positions


def reading(lab) -> str:
    """What becomes of the picked word at its position."""
    name, position = f"“{lab.words[lab.word]}”", lab.order.index(lab.word)
    if not lab.positions:
        return f"{name} at position {position}: without positions its vector is the same at every position"
    now, before = lab.table[lab.word, position], lab.table[lab.word, lab.word]  # (n_embd,)
    if position == lab.word:
        return f"{name} at position {position}, where it started: the length of its vector is {norm(now):.2f}"
    return (
        f"{name} moved from position {lab.word} to position {position}: its vector changed by {norm(now - before):.2f} "
        f"(its length is {norm(now):.2f})"
    )


def bag(lab) -> str:
    """Whether the sentence has the same vectors as at the start, in any order."""
    count = len(lab.words)
    if count == 1:
        return "A sentence of one word has one position: there is nothing to move."
    if lab.order == sorted(lab.order):
        return "The sentence is in its original order."
    new = len(new_positions(lab))
    if not new:
        return f"The same {count} vectors as at the start, in another order: as a bag of vectors, the two sentences are equal."
    return f"{new} of the {count} vectors {'is' if new == 1 else 'are'} new: as a bag of vectors, this is another sentence."


def note_on(lab) -> str:
    """What the two parts of a vector are, in this module."""
    count = len(lab.words)
    if lab.adds_rows:
        return (
            f"These are the rows of the tables of {lab.whose}: the word's row of the token table, and the position's row of the "
            "position table. With positions, the model gets their sum."
        )
    if count == 1:
        return "With one position there is nothing to compare, so the word's part is the whole vector."
    note = (
        f"What {lab.whose} gives is not a row of one table plus a row of another. So the word's part here is the mean of its "
        f"vectors at all {count} positions, and the position's part is the rest."
    )
    if np.abs(lab.position_parts).max() < SAME * lab.largest:
        return f"{note} A word has the same vector at every position: no positions are added."
    if len(np.unique(lab.word_parts, axis=0)) == 1:
        return note
    if np.abs(lab.position_parts - lab.position_parts[:1]).max() < SAME * lab.largest:
        return f"{note} At each position the rest is the same for every word."
    return f"{note} At one position the rest differs from word to word: more is done than adding."


def norm(vector: np.ndarray) -> float:
    return float(np.linalg.norm(vector))

"""What an explorer says."""

import numpy as np

from ninelives.figures import describe_attention
from ninelives.figures.signed import KINDS, LEAST_CHANGE, largest_rows
from ninelives.widgets.attention_explorer.shown import Shown, full_name, head_name, label_of, shown_head

ROLLOUT = (
    "A rollout multiplies the weights of all layers up to this one. In each layer half of a row is the mean of its heads and half "
    "is the residual connection."
)
SENTENCE_UP_TO = 40  # words that are written under a picture
WHAT_HIDING_DOES = {
    "weights": "each row is renormalised, so the {item}s shown sum to 1",
    "difference": "the changes are those of all {item}s",
    "scores": "the other scores stay as they are",
    "signed": "the other values stay as they are",
}


def describe(explorer) -> str:
    """Everything that is shown at present."""
    shown = shown_head(explorer)
    said = [f"{full_name(explorer)}.", *notes(explorer)]
    if not shown.columns:
        return " ".join([*said, f"Every {shown.item} is hidden."])
    if shown.chosen:
        said.append(f"Chosen: {shown.sentence(shown.chosen)}.")
    choices = shown.allowed.sum(-1)  # (T,)
    others = [row for row, count in enumerate(choices) if count and [row] != shown.chosen]
    if others and shown.kind == "weights":
        # Rows are given with their numbers, as "the₂", since the chosen one is left out.
        said.append(describe_attention(shown.weights[others], [shown.rows[row] for row in others], shown.columns, choices[others], shown.item))
    elif others:
        said.append(_describe_signed(shown, others))
    if not choices.all():
        said.append(f"Masked: {', '.join(row for row, count in zip(shown.rows, choices, strict=True) if not count)}.")
    return " ".join(said)


def _describe_signed(shown: Shown, among: list[int]) -> str:
    rows = [among[i] for i in largest_rows(shown.weights[among])]
    still = [i for i in rows if np.abs(shown.weights[i]).max() < LEAST_CHANGE] if shown.kind == "difference" else []
    said = [f"{shown.sentence([i])}." for i in rows if i not in still]
    if len(rows) < len(among) and not still:
        said.insert(0, f"The {len(rows)} of {len(among)} rows with the largest {KINDS[shown.kind]}s:")
    if still:
        count, which = len(among) - len(rows) + len(still), "All" if len(still) == len(rows) == len(shown.rows) else "The other"
        said.append(f"{which} {count} rows change by less than {LEAST_CHANGE}." if count > 1 else f"{'The' if which == 'All' else which} row changes by less than {LEAST_CHANGE}.")
    return " ".join(said)


def caption(explorer) -> str:
    """The head, and what the chosen word attends to in it."""
    shown = shown_head(explorer)
    if not shown.chosen:
        return head_name(explorer)
    return f"{head_name(explorer)}: {shown.sentence(shown.chosen)}"


def notes(explorer) -> list[str]:
    """What has to be known to read the picture: which example it is of, and which words are left out."""
    part = explorer.parts[explorer.part]
    said = [part.note] if part.note else []
    if explorer.combine == "rollout":
        said.append(ROLLOUT)
    if explorer.hidden:
        names = ", ".join(explorer.columns[j] for j in explorer.hidden)
        said.append(f"Hidden: {names}; {WHAT_HIDING_DOES[part.kind].format(item=part.item)}.")
    return said


def sentences(explorer) -> list[str]:
    """The words of both sides as text, where they are not too many."""
    part = explorer.parts[explorer.part]
    if part.pairs and part.kind in ("difference", "signed"):  # its note has both
        return []
    sides = {"From": part.rows, "To": part.columns} if part.cross else {f"{part.item.capitalize()}s": part.rows}
    return [f"{name}: {' '.join(map(label_of, words))}." for name, words in sides.items() if len(words) <= SENTENCE_UP_TO]

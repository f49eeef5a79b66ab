"""What an explorer says."""

from ninelives.figures import describe_attention
from ninelives.widgets.attention_explorer.shown import full_name, head_name, shown_head

SENTENCE_UP_TO = 40  # words that are written under a picture


def describe(explorer) -> str:
    """Everything that is shown at present."""
    shown = shown_head(explorer)
    said = [f"{full_name(explorer)}.", *notes(explorer)]
    if not shown.columns:
        return " ".join([*said, "Every word is hidden."])
    if shown.chosen is not None:
        said.append(f"Chosen: {shown.sentence(shown.chosen)}.")
    choices = shown.allowed.sum(-1)  # (T,)
    others = [row for row, count in enumerate(choices) if count and row != shown.chosen]
    if others:
        # Rows are given with their numbers, as "the₂", since the chosen one is left out.
        said.append(describe_attention(shown.weights[others], [shown.rows[row] for row in others], shown.columns, choices[others]))
    if not choices.all():
        said.append(f"Masked: {', '.join(row for row, count in zip(shown.rows, choices, strict=True) if not count)}.")
    return " ".join(said)


def caption(explorer) -> str:
    """The head, and what the chosen word attends to in it."""
    shown = shown_head(explorer)
    if shown.chosen is None:
        return head_name(explorer)
    return f"{head_name(explorer)}: {shown.sentence(shown.chosen)}"


def notes(explorer) -> list[str]:
    """What has to be known to read the picture: which example it is of, and which words are left out."""
    part = explorer.parts[explorer.part]
    said = [part.note] if part.note else []
    if explorer.hidden:
        names = ", ".join(explorer.columns[j] for j in explorer.hidden)
        said.append(f"Hidden: {names}; each row is renormalised, so the words shown sum to 1.")
    return said


def sentences(explorer) -> list[str]:
    """The words of both sides as text, where they are not too many."""
    part = explorer.parts[explorer.part]
    sides = {"From": part.rows, "To": part.columns} if part.cross else {"Words": part.rows}
    return [f"{name}: {' '.join(words)}." for name, words in sides.items() if len(words) <= SENTENCE_UP_TO]

"""The still picture of a translation lab, and what it says."""

from dataclasses import replace

import numpy as np

from ninelives.figures import Picture, heatmap, number_repeats, read_row
from ninelives.widgets.arguments import truncated
from ninelives.widgets.words_alone import words_alone

ALL_HEADS = -1


def still_picture(lab) -> Picture:
    """What is written, and how much each of its words attended to the sentence."""
    if not lab.step:
        title = "Nothing is translated" if lab.error else "Nothing is written yet"
        note = lab.error or "No word is written yet."
        return words_alone(lab.answered, title=title, note=note, caption=_caption(lab), alt=lab.describe())
    drawn = heatmap(
        weights_shown(lab)[: lab.step, : len(lab.english)], lab.french[: lab.step], lab.english,
        title=f"{head_name(lab)}: what each word attended to when it was written", caption=_caption(lab),
    )
    return replace(drawn, alt=lab.describe())


def in_words(lab) -> str:
    """The translation, and the last word written: its candidates and what it attended to."""
    if lab.error:
        return f"“{truncated(lab.answered)}” is not translated: {lab.error}"
    said = f"“{lab.answered}” becomes “{lab.translation}”. {lab.whose}"
    if not lab.step:
        return said
    row = lab.step - 1
    word, columns = lab.french[row], lab.english + number_repeats(lab.french)
    candidates = ", ".join(f"{candidate} {p:.3f}" for candidate, p in lab.likely[row])
    reading = read_row(weights_shown(lab)[row], ["row"], 0, columns).removeprefix("row ")
    return (
        f"{said} Word {lab.step} of {len(lab.french)}: {word}. Most likely here: {candidates}. "
        f"{head_name(lab)}: when {word} is written, its row {reading}."
    )


def weights_shown(lab) -> np.ndarray:
    """(T, P + T): the weights of the chosen head, or the mean of all."""
    weights = np.array(lab.weights)  # (L, H, T, P + T)
    weights = weights.reshape(-1, *weights.shape[2:])  # (L * H, T, P + T)
    return weights.mean(0) if lab.view == ALL_HEADS else weights[lab.view]


def head_name(lab) -> str:
    if lab.view == ALL_HEADS:
        return "Mean of all heads"
    return f"Layer {lab.view // lab.heads[1] + 1}, head {lab.view % lab.heads[1] + 1}"


def _caption(lab) -> str:
    return lab.error or f"{lab.answered} → {lab.translation}"

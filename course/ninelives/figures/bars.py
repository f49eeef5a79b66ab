"""A distribution over words as bars."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from ninelives.figures.arrays import as_finite, as_labels
from ninelives.figures.picture import Picture
from ninelives.figures.style import (
    ACCENT,
    BLUE,
    INK,
    LABEL_SIZE,
    RULE,
    place_axes,
    put_note,
    put_title,
    visible,
)
from ninelives.figures.words import position_of

BARS = 10


def distribution(
    probabilities,
    words: Sequence[str],
    *,
    chosen: int | str | None = None,
    title: str,
    caption: str,
) -> Picture:
    """The ten most likely words (V,) as horizontal bars, most likely first.

    `chosen`, a position or a word, is drawn in the accent colour, and below the ten if it is
    not among them. Raises ValueError for NaN, a negative probability, a sum that is not 1, and
    labels that do not fit.
    """
    probabilities = as_finite(probabilities, "probabilities", 1)
    words = as_labels(words, len(probabilities), "words", "probabilities")
    if (probabilities < 0).any():
        raise ValueError(
            f"probabilities holds the negative number {probabilities.min():.3g}; "
            "pass what the softmax returns, not logits."
        )
    total = probabilities.sum()
    if abs(total - 1) > 0.01:
        raise ValueError(
            f"probabilities sums to {total:.3f}, not to 1; pass what the softmax returns."
        )
    picked = None if chosen is None else position_of(words, chosen)
    shown = [int(i) for i in np.argsort(-probabilities, kind="stable")[:BARS]]
    if picked is not None and picked not in shown:
        shown.append(picked)
    rest = len(words) - len(shown)
    remainder = max(0.0, 1 - float(probabilities[shown].sum()))

    def draw(figure: Figure) -> None:
        axes = place_axes(figure, 1.4, 0.5, 4.8, 0.29 * len(shown))
        values = probabilities[shown]
        longest = values.max()
        colours = [ACCENT if i == picked else BLUE for i in shown]
        axes.barh(range(len(shown)), values, height=0.72, color=colours)
        axes.set_xlim(0, longest)
        axes.set_ylim(len(shown) - 0.45, -0.55)
        for y, (i, value) in enumerate(zip(shown, values, strict=True)):
            axes.annotate(
                f"{value:.3f}" + (" chosen" if i == picked else ""), (value, y), xytext=(4, 0),
                textcoords="offset points", va="center", size=LABEL_SIZE,
                color=INK, weight="bold" if i == picked else "normal",
            )
        axes.set_yticks(range(len(shown)), [visible(words[i]) for i in shown])
        axes.set_xticks([])
        axes.spines[["top", "right", "bottom"]].set_visible(False)
        axes.spines["left"].set_color(RULE)
        if rest:
            put_note(figure, f"The other {rest} words together: {remainder:.3f}.")
        put_title(figure, title)

    told = ", ".join(f"{visible(words[i])} {probabilities[i]:.3f}" for i in shown[:BARS])
    alt = f"{title}: bars of the {min(BARS, len(shown))} most likely of {len(words)} words. {told}."
    if picked is not None:
        rank = int((probabilities > probabilities[picked]).sum()) + 1
        alt += (f" Chosen: {visible(words[picked])}, with probability {probabilities[picked]:.3f}, "
                f"number {rank} in the order.")
    if rest:
        alt += f" The other {rest} words together have {remainder:.3f}."
    return Picture(draw, caption, alt)

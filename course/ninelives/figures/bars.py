"""Distributions over words as bars."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from ninelives.figures.arrays import as_finite, as_labels
from ninelives.figures.picture import Picture
from ninelives.figures.style import (
    ACCENT,
    BLUE,
    INK,
    LABEL_SIZE,
    NOTE_SIZE,
    RULE,
    WIDTH,
    place_axes,
    put_note,
    put_title,
    text_width,
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
    probabilities, words = _checked(probabilities, words)
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


def _checked(probabilities, words: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """(V,) and its labels, or a ValueError that says what is wrong with them."""
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
    return probabilities, words


def distributions(panels: Mapping[str, Sequence[float]], words: Sequence[str], *, title: str, caption: str) -> Picture:
    """Several distributions over the same words (V,), one panel each, side by side.

    The words are the ten most likely of the first panel, in its order, for all panels. Raises ValueError for no panel or
    more than six, and for what `distribution` refuses.
    """
    if not 1 <= len(panels) <= 6:
        raise ValueError(f"panels holds {len(panels)} distributions; 1 to 6 fit side by side.")
    checked = {}
    for name, probabilities in panels.items():
        checked[name], words = _checked(probabilities, words)
    shown = np.argsort(-next(iter(checked.values())), kind="stable")[:BARS]

    def draw(figure: Figure) -> None:
        left, gap = 0.15 + max(text_width(visible(words[i]), LABEL_SIZE) for i in shown), 0.16
        width = (WIDTH - left - gap * (len(checked) - 1)) / len(checked)
        longest = max(float(probabilities.max()) for probabilities in checked.values())
        for k, (name, probabilities) in enumerate(checked.items()):
            axes = place_axes(figure, left + k * (width + gap), 0.8, width, 0.25 * len(shown))
            axes.barh(range(len(shown)), probabilities[shown], height=0.72, color=BLUE)
            axes.set_xlim(0, 1.45 * longest)  # room for the number beside the longest bar
            axes.set_ylim(len(shown) - 0.45, -0.55)
            for y, value in enumerate(probabilities[shown]):
                axes.annotate(f"{value:.2f}", (value, y), xytext=(3, 0), textcoords="offset points", va="center", size=NOTE_SIZE, color=INK)
            axes.set_yticks(range(len(shown)), [visible(words[i]) for i in shown] if k == 0 else [])
            axes.set_xticks([])
            axes.spines[["top", "right", "bottom"]].set_visible(False)
            axes.spines["left"].set_color(RULE)
            axes.text(0, 1.02, name, transform=axes.transAxes, size=LABEL_SIZE, weight="bold", ha="left", va="bottom")
        put_title(figure, title)

    told = " ".join(f"{name}: {', '.join(f'{visible(words[i])} {p[i]:.2f}' for i in shown)}." for name, p in checked.items())
    return Picture(draw, caption, f"{title}: bars in {len(checked)} panels, the same {len(shown)} of {len(words)} words in each. {told}")

"""The still picture of a head lab, and what it says."""

from dataclasses import replace

import numpy as np

from ninelives.figures import Picture, heatmap
from ninelives.widgets.head_lab.in_words import key, reading, strongest
from ninelives.widgets.words_alone import words_alone


def still_picture(lab) -> Picture:
    """How much of the difference each head carries: those that are taken out, or patched in, as the lab is set."""
    if not lab.of_heads:
        title = "Nothing is translated" if lab.error else "No choice to measure"
        return words_alone(lab.answered, title=title, note=reading(lab), caption=_caption(lab), alt=in_words(lab))
    one, other = lab.pair
    numbers, across = iter(lab.of_heads[lab.mode]), max(n_head for _, n_head in lab.layers)
    # A layer with fewer heads has hatched cells in their place.
    grid = np.array([[next(numbers) if head < n_head else -np.inf for head in range(across)] for _, n_head in lab.layers])
    what = "is taken out" if lab.mode == "out" else f"is patched in from “{lab.other}”"
    drawn = heatmap(
        grid, [name for name, _ in lab.layers], [f"head {head}" for head in range(across)],
        title=f"How much of log p({one}) − log p({other}) is lost when a head {what}", caption=_caption(lab),
    )
    return replace(drawn, alt=in_words(lab))


def in_words(lab) -> str:
    return f"{lab.remark} {reading(lab)} {strongest(lab)}".strip()


def _caption(lab) -> str:
    now = lab.answers.get(key(lab))
    return lab.error or f"{lab.answered} → {now['text'] if now else '?'}"

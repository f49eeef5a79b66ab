"""The still picture of a question."""

import textwrap

from matplotlib.figure import Figure

from ninelives.figures import Picture
from ninelives.figures.style import ACCENT, BLUE, INK, LABEL_SIZE, MUTED, WIDTH, place_axes, put_title
from ninelives.widgets.choice.in_words import plain, verdict

LINE, GAP, INDENT = 0.18, 0.1, 0.28  # inches
CHARACTERS = 92  # of LABEL_SIZE, in WIDTH


def still_picture(choice) -> Picture:
    """Question and options; the one that is chosen is marked, and its explanation is below it."""
    question = textwrap.fill(plain(choice.question), 76)
    options = [textwrap.wrap(plain(option), CHARACTERS) for option in choice.options]
    chosen, said = choice.chosen, verdict(choice)
    reason = textwrap.wrap(plain(f"{said} {choice.explanations[chosen]}"), CHARACTERS) if said else []
    mark, colour = ("✓", BLUE) if chosen == choice.answer else ("✗", ACCENT)
    height = sum(len(option) * LINE + GAP for option in options) + len(reason) * LINE

    def draw(figure: Figure) -> None:
        axes = place_axes(figure, 0.1, 0.8, WIDTH - 0.2, height)
        axes.set(xlim=(0, WIDTH - 0.2), ylim=(height, 0))
        axes.set_axis_off()
        y = 0.0
        for k, option in enumerate(options):
            is_chosen = k == chosen
            axes.plot(0.09, y + 0.09, "o", markersize=8, markeredgecolor=colour if is_chosen else MUTED, color="none")
            if is_chosen:
                axes.plot(0.09, y + 0.09, "o", markersize=4, color=colour)
            y = _write(axes, y, option, INK, "bold" if is_chosen else "normal")
            if is_chosen:
                axes.text(0.09, y + 0.09, mark, size=LABEL_SIZE + 2, color=colour, ha="center", va="center")
                y = _write(axes, y, reason, INK, "normal")
            y += GAP
        put_title(figure, question)

    return Picture(draw, plain(choice.question), choice.describe())


def _write(axes, y: float, lines: list[str], colour: str, weight: str) -> float:
    for line in lines:
        axes.text(INDENT, y + LINE / 2, line, size=LABEL_SIZE, color=colour, weight=weight, va="center")
        y += LINE
    return y

"""The still picture of a stepper: the strips of the present token and station, and the likely words."""

import numpy as np
from matplotlib.figure import Figure

from ninelives.figures import Picture
from ninelives.figures.cells import draw_cells, label_rows
from ninelives.figures.style import BLUE, INK, LABEL_SIZE, RULE, SIGNED_MAP, place_axes, put_note, put_title, visible
from ninelives.widgets.layer_stepper.in_words import heading, likely_words, reading, two


def still_picture(stepper) -> Picture:
    strips, words, title, said = strips_shown(stepper), likely_words(stepper), heading(stepper), reading(stepper)
    name, station = visible(stepper.words[stepper.token]), stepper.station

    def draw(figure: Figure) -> None:
        for k, (label, values, largest) in enumerate(strips):
            axes = place_axes(figure, 1.4, 0.5 + 0.42 * k, 5.6, 0.3)
            draw_cells(axes, values[None], SIGNED_MAP, -largest, largest)
            label_rows(axes, [label])
        are_scores = station == stepper.sizes["blocks"] + 2
        most = words[0][1] if are_scores else 1.0
        _draw_words(place_axes(figure, 1.4, 0.9 + 0.42 * len(strips), 4.4, 0.24 * len(words)), title, words, most)
        put_note(figure, said)
        put_title(figure, f"“{name}” at station {station + 1} of {len(stepper.stations)}: {stepper.stations[station]}")

    return Picture(draw, said, stepper.describe())


def strips_shown(stepper) -> list[tuple[str, np.ndarray, float]]:
    """The strips of the present station: name, numbers, end of the scale."""
    s, L, vectors = stepper.station, stepper.sizes["blocks"], stepper.largest["shown"]

    def strip(name: str, kind: str, row: int) -> tuple[str, np.ndarray, float]:
        return name, stepper.strips[kind][row, stepper.token], vectors

    if s == 0:
        return [strip("embedding", "stream", 0)]
    if s <= L:
        added = [strip("+ attention", "attention", s - 1), strip("+ mlp", "mlp", s - 1)] if stepper.sizes["parts"] else []
        return [strip("before", "stream", s - 1), *added, strip("= after", "stream", s)]
    if s == L + 1:
        return [strip("before", "stream", L), strip("normed", "normed", 0)]
    scores = ("scores", stepper.strips["logits"][stepper.token], stepper.largest["logits"])
    if s == L + 2:
        return [scores]
    return [scores, ("probabilities", stepper.strips["probabilities"][stepper.token], stepper.largest["probabilities"])]


def _draw_words(axes, title: str, words: list[tuple[str, float]], most: float) -> None:
    axes.set_title(title, size=LABEL_SIZE, loc="left", color=INK)
    axes.barh(range(len(words)), [max(0.0, value) for _, value in words], height=0.7, color=BLUE)
    axes.set_xlim(0, max(1e-9, most))
    axes.set_ylim(len(words) - 0.5, -0.5)
    axes.set_yticks(range(len(words)), [visible(word) for word, _ in words])
    axes.set_xticks([])
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.spines["left"].set_color(RULE)
    for y, (_, value) in enumerate(words):
        axes.annotate(
            two(value), (max(0.0, value), y), xytext=(4, 0), textcoords="offset points", va="center",
            size=LABEL_SIZE, color=INK,
        )

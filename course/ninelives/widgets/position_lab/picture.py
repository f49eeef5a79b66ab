"""The still picture of a position lab: the sentence, and the vectors of the picked word."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from ninelives.figures import Picture
from ninelives.figures.cells import colour_bar, draw_cells, has_room_for_numbers, label_columns, label_rows, numbers
from ninelives.figures.style import (
    ACCENT,
    MUTED,
    NOTE_SIZE,
    PAPER,
    RULE,
    SIGNED_MAP,
    TITLE_SIZE,
    WIDTH,
    place_axes,
    put_note,
    put_title,
    text_width,
    visible,
)
from ninelives.widgets.position_lab.in_words import bag, reading
from ninelives.widgets.position_lab.vectors import new_positions, strips_shown


def still_picture(lab) -> Picture:
    strips, tiles, said, note = strips_shown(lab), _tiles(lab), reading(lab), bag(lab)
    table, channels, largest = np.stack([part for _, part in strips]), lab.channels, lab.largest

    def draw(figure: Figure) -> None:
        small = has_room_for_numbers(table)
        width = 0.5 * channels if small else min(WIDTH - 2.6, 0.28 * channels)
        axes = place_axes(figure, 1.6, 3, max(1.0, width), 0.36 * len(strips))
        draw_cells(axes, table, SIGNED_MAP, -largest, largest, numbers(table) if small else None)
        label_rows(axes, [name for name, _ in strips])
        label_columns(axes, [str(channel) for channel in range(channels)])
        if not small:
            colour_bar(axes)
        _draw_tiles(figure, tiles)
        put_note(figure, note)
        put_title(figure, said)

    return Picture(draw, said + ".", lab.describe())


def _tiles(lab) -> list[tuple[str, str, bool]]:
    """For each word of the sentence, in order: the word, the text below it, whether it is picked."""
    new = new_positions(lab)
    return [
        (visible(lab.words[word]), f"{position} · new" if position in new else str(position), word == lab.word)
        for position, word in enumerate(lab.order)
    ]


def _draw_tiles(figure: Figure, tiles: Sequence[tuple[str, str, bool]]) -> None:
    """The words as tiles, the picked one framed, above the strips."""
    corners, x, line = [], 0.0, 0
    for text, below, _ in tiles:
        width = max(text_width(text, TITLE_SIZE), text_width(below, NOTE_SIZE)) + 0.24
        if x and x + width > WIDTH:
            x, line = 0.0, line + 1
        corners.append((x, 0.62 * line, width))
        x += width + 0.06
    height = 0.62 * (line + 1)
    axes = place_axes(figure, 0.35, 2.8 - height, WIDTH, height)
    axes.set_axis_off()
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(height, 0)
    for (text, below, picked), (x, y, width) in zip(tiles, corners, strict=True):
        axes.add_patch(FancyBboxPatch(
            (x + 0.04, y + 0.04), width - 0.08, 0.26, boxstyle="round,pad=0.04",
            facecolor=PAPER, edgecolor=ACCENT if picked else RULE,
            linewidth=2 if picked else 0.8, clip_on=False,
        ))
        axes.text(x + width / 2, y + 0.17, text, size=TITLE_SIZE, ha="center", va="center_baseline")
        axes.text(x + width / 2, y + 0.38, below, size=NOTE_SIZE, color=MUTED, ha="center", va="top")

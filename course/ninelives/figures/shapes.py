"""A tensor's way through a computation, with its shape at each station."""

import textwrap
from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from ninelives.figures.picture import Picture
from ninelives.figures.style import (
    BLUE,
    INK,
    LABEL_SIZE,
    MUTED,
    WIDTH,
    in_style,
    place_axes,
    put_title,
    text_width,
)

BOX_HEIGHT, GAP = 0.52, 0.26  # inches
SHAPE_SIZE = 10.0


@in_style()
def shape_diagram(
    stations: Sequence[tuple[str, str, str]], *, caption: str, title: str = "Shape by shape"
) -> Picture:
    """Stations (name, shape, what happens there) as boxes joined by arrows, from top to bottom.

    The shape is a string such as "(B, T, n_embd)". Raises ValueError if there is no station
    or a station does not have three parts.
    """
    stations = [tuple(station) for station in stations]
    if not stations:
        raise ValueError("stations is empty; pass at least one (name, shape, what happens).")
    for number, station in enumerate(stations):
        if len(station) != 3:
            raise ValueError(
                f"Station {number} has {len(station)} parts, {station!r}; each needs three: "
                "its name, its shape and what happens there."
            )
    names = max(text_width(str(name), SHAPE_SIZE, "bold") for name, _, _ in stations)
    shapes = max(text_width(str(shape), SHAPE_SIZE) for _, shape, _ in stations)
    width = names + shapes + 0.55
    room = max(1.5, WIDTH - width - 0.25)
    texts = [textwrap.wrap(str(what), int(room / 0.073)) for _, _, what in stations]
    heights = [max(BOX_HEIGHT, 0.17 * len(lines)) for lines in texts]

    def draw(figure: Figure) -> None:
        total = sum(heights) + GAP * (len(stations) - 1)
        axes = place_axes(figure, 0, 0, WIDTH, total)
        axes.set_axis_off()
        axes.set_xlim(0, WIDTH)
        axes.set_ylim(total, 0)
        top = 0.0
        for number, ((name, shape, _), lines, height) in enumerate(
            zip(stations, texts, heights, strict=True)
        ):
            middle = top + height / 2
            box = FancyBboxPatch(
                (0.05, middle - BOX_HEIGHT / 2 + 0.05), width - 0.1, BOX_HEIGHT - 0.1,
                boxstyle="round,pad=0.05", facecolor="#eef5fa", edgecolor=BLUE, linewidth=1.2,
                clip_on=False,
            )
            axes.add_patch(box)
            axes.text(0.17, middle, name, size=SHAPE_SIZE, weight="bold", va="center")
            axes.text(width - 0.17, middle, shape, size=SHAPE_SIZE, color="#00507d", va="center",
                      ha="right")
            axes.text(width + 0.2, middle, "\n".join(lines), size=LABEL_SIZE, color=INK, va="center",
                      linespacing=1.25)
            if number < len(stations) - 1:
                bottom = middle + BOX_HEIGHT / 2
                after = top + height + GAP + heights[number + 1] / 2 - BOX_HEIGHT / 2
                axes.add_patch(FancyArrowPatch(
                    (width / 2, bottom), (width / 2, after), arrowstyle="-|>", mutation_scale=11,
                    color=MUTED, linewidth=1.2, shrinkA=2, shrinkB=2, clip_on=False,
                ))
            top += height + GAP
        put_title(figure, title)

    steps = [f"{number}. {name} {shape}: {what}".rstrip(".: ")
             for number, (name, shape, what) in enumerate(stations, 1)]
    alt = (f"{title}: {len(stations)} stations joined by arrows from top to bottom. "
           f"{'. '.join(steps)}.")
    return Picture(draw, caption, alt)

"""Lines with a marker and a name each: losses, accuracies, norms by layer."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from ninelives.figures.arrays import as_finite
from ninelives.figures.picture import Picture
from ninelives.figures.style import (
    INK,
    LABEL_SIZE,
    MARKERS,
    PALETTE,
    PAPER,
    RULE,
    WIDTH,
    place_axes,
    put_title,
    text_width,
    visible,
)

HEIGHT, LABEL_PITCH, BESIDE = 3.0, 0.18, 0.39  # inches; a name is BESIDE the axes
LONGEST_NAME = 32  # characters
MARKS = 8  # on a line with many points


def curves(
    series: Mapping[str, tuple], *, x_label: str, y_label: str, title: str, caption: str
) -> Picture:
    """One line for each name in `series`, which maps it to (x, y), two vectors of equal length.

    Each line has its own colour and marker, and its name at its right end. Raises ValueError for
    no line or more than seven, for NaN, and for x and y of different lengths.
    """
    if not series:
        raise ValueError("series is empty; pass at least one name with its (x, y).")
    if len(series) > len(PALETTE):
        raise ValueError(
            f"series holds {len(series)} lines; at most {len(PALETTE)} can be told apart, "
            "so draw them in two pictures."
        )
    lines = {str(name): _line(name, pair) for name, pair in series.items()}

    def draw(figure: Figure) -> None:
        widest = max(text_width(visible(name, LONGEST_NAME), LABEL_SIZE) for name in lines)
        axes = place_axes(figure, 0.8, 0.5, min(4.9, WIDTH - 0.85 - BESIDE - widest), HEIGHT)
        styles = list(zip(PALETTE, MARKERS, strict=True))
        for (x, y), (colour, marker) in zip(lines.values(), styles, strict=False):
            axes.plot(x, y, color=colour, marker=marker, linewidth=1.8, markersize=6,
                      markeredgecolor=PAPER, markeredgewidth=0.8,
                      markevery=max(1, -(-len(x) // MARKS)), clip_on=False, zorder=3)
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        axes.grid(axis="y", color=RULE, linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        axes.margins(x=0.02)
        axes.locator_params(nbins=6)
        if all(np.equal(np.mod(x, 1), 0).all() for x, _ in lines.values()):
            axes.xaxis.get_major_locator().set_params(integer=True)
        name_lines(axes, lines, styles)
        put_title(figure, title)

    told = " ".join(_describe(name, x, y) for name, (x, y) in lines.items())
    count = "1 line" if len(lines) == 1 else f"{len(lines)} lines"
    return Picture(draw, caption, f"{title}: {count}, {y_label} against {x_label}. {told}")


def _line(name: str, pair) -> tuple[np.ndarray, np.ndarray]:
    try:
        x, y = pair
    except (TypeError, ValueError):
        raise ValueError(f"series[{name!r}] must be a pair (x, y) of two vectors.") from None
    x, y = as_finite(x, f"x of {name!r}", 1), as_finite(y, f"y of {name!r}", 1)
    if len(x) != len(y):
        raise ValueError(
            f"series[{name!r}] has {len(x)} numbers in x and {len(y)} in y; "
            "every point needs both."
        )
    return x, y


def name_lines(axes, lines, styles) -> None:
    """Names at the right edge, moved apart if two lines end at nearly the same height."""
    low, high = axes.get_ylim()
    unit = 1 / (axes.get_position().width * WIDTH)  # an inch, as a fraction of the axes
    ends = [(y[-1] - low) / (high - low) * HEIGHT for _, y in lines.values()]  # inches
    heights = _spread(ends)
    for number, (name, (x, y)) in enumerate(lines.items()):
        colour, marker = styles[number]
        height = heights[number] / HEIGHT
        axes.annotate(
            "", (x[-1], y[-1]), xycoords="data", xytext=(1 + 0.22 * unit, height), textcoords="axes fraction",
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.9, "linestyle": ":",
                        "shrinkA": 0, "shrinkB": 4},
        )
        axes.plot([1 + 0.29 * unit], [height], marker=marker, color=colour, markersize=6.5, clip_on=False,
                  transform=axes.transAxes)
        axes.text(1 + BESIDE * unit, height, visible(name, LONGEST_NAME), transform=axes.transAxes, size=LABEL_SIZE, color=INK,
                  va="center_baseline")


def _spread(heights: list[float]) -> list[float]:
    """The heights, moved as little as is needed to be LABEL_PITCH apart."""
    order = np.argsort(heights, kind="stable")
    ranks = np.arange(len(heights)) * LABEL_PITCH
    level = np.array(heights)[order] - ranks
    # Pool adjacent violators: labels that collide share the mean of their heights.
    blocks: list[list[float]] = []
    for value in level:
        blocks.append([value])
        while len(blocks) > 1 and np.mean(blocks[-2]) > np.mean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    pooled = np.concatenate([np.full(len(block), np.mean(block)) for block in blocks])
    spread = np.empty(len(heights))
    spread[order] = pooled + ranks
    return spread.tolist()


def _describe(name: str, x: np.ndarray, y: np.ndarray) -> str:
    if len(x) == 1:
        return f"{name}: {y[0]:.4g} at {x[0]:g}."
    lowest, highest = y.argmin(), y.argmax()
    text = f"{name}: from {y[0]:.4g} at {x[0]:g} to {y[-1]:.4g} at {x[-1]:g}"
    inside = [f"{word} {y[i]:.4g} at {x[i]:g}" for word, i in (("lowest", lowest),
              ("highest", highest)) if 0 < i < len(y) - 1 and y.max() > y.min()]
    return text + "".join(f", {part}" for part in inside) + "."

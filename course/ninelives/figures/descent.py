"""Steps down a valley: what the learning rate does to gradient descent."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from ninelives.figures.arrays import as_finite
from ninelives.figures.picture import Picture
from ninelives.figures.style import ACCENT, BLUE, LABEL_SIZE, MUTED, PAPER, place_axes, put_title, visible

PANEL, GAP, MARGIN = 1.95, 0.35, 0.06  # inches, inches, share of the range


def descent(
    loss: Callable[[np.ndarray], np.ndarray], paths: Mapping[str, Sequence[float]], *, x_label: str, title: str, caption: str
) -> Picture:
    """The curve of a loss once for each path, with the path's points on it, joined in their order.

    `paths` maps names to the values of the parameter, the start first. The panels have the same axes.
    Raises ValueError for no path or more than three, for fewer than two points and for NaN.
    """
    if not 1 <= len(paths) <= 3:
        raise ValueError(f"paths holds {len(paths)} paths; one to three fit side by side.")
    points = {str(name): as_finite(path, f"the path {name!r}", 1) for name, path in paths.items()}
    for name, path in points.items():
        if len(path) < 2:
            raise ValueError(f"the path {name!r} holds {len(path)} point; a step needs two.")
    reached = np.concatenate(list(points.values()))
    room = MARGIN * (reached.max() - reached.min() or 1.0)
    valley = np.linspace(reached.min() - room, reached.max() + room, 200)

    def draw(figure: Figure) -> None:
        for number, (name, path) in enumerate(points.items()):
            axes = place_axes(figure, 0.5 + number * (PANEL + GAP), 0.6, PANEL, PANEL)
            axes.plot(valley, loss(valley), color=MUTED, linewidth=1.6, zorder=1)
            axes.plot(path, loss(path), color=BLUE, marker="o", markersize=5, linewidth=1.0, markeredgecolor=PAPER,
                      markeredgewidth=0.8, zorder=2)
            axes.plot(path[:1], loss(path[:1]), color=ACCENT, marker="o", markersize=7, zorder=3)
            axes.set_title(visible(name), size=LABEL_SIZE, loc="left")
            axes.set_xlabel(x_label)
            axes.spines[["top", "right"]].set_visible(False)
            axes.locator_params(nbins=4)
            if number:
                axes.set_yticklabels([])
            else:
                axes.set_ylabel("loss")
        put_title(figure, title)

    told = " ".join(
        f"{name}: {x_label} from {path[0]:.3g} to {path[-1]:.3g}, loss from {float(loss(path[0])):.3g} to "
        f"{float(loss(path[-1])):.3g} after {len(path) - 1} steps." for name, path in points.items()
    )
    return Picture(draw, caption, f"{title}. {told}")

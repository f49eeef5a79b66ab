"""Trainings side by side: their losses, and what was measured along the way."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from ninelives.figures.curves import HEIGHT, MARKS, name_lines
from ninelives.figures.picture import Picture
from ninelives.figures.style import (
    INK,
    LABEL_SIZE,
    MARKERS,
    PALETTE,
    PAPER,
    RULE,
    place_axes,
    put_title,
)

PANEL = 2.35  # inches


def training_curves(
    histories: Mapping[str, Sequence[Mapping]], measure: str | None = "accuracy", *, title: str, caption: str,
    levels: Mapping[str, float] | None = None,
) -> Picture:
    """Loss on the left, `measure` on the right, one line for each training.

    `histories` maps names to histories as in `Run.history`: dicts with "step", "loss" and perhaps
    the measure. `levels` maps names to heights at which lines are drawn under the measure. A training without an entry is named and has no line. Raises ValueError
    for more than seven trainings.
    """
    if len(histories) > len(PALETTE):
        raise ValueError(
            f"histories holds {len(histories)} trainings; at most {len(PALETTE)} can be told apart, "
            "so draw them in two pictures."
        )
    # A copy: a training that continues must not change an earlier picture.
    histories = {name: list(entries) for name, entries in histories.items()}
    styles = dict(zip(histories, zip(PALETTE, MARKERS, strict=True), strict=False))

    def draw(figure: Figure) -> None:
        panels = [(place_axes(figure, 0.6, 0.5, PANEL, HEIGHT), "loss"),
                  (place_axes(figure, 0.6 + PANEL + 0.75, 0.5, PANEL, HEIGHT), measure)]
        for axes, key in panels:
            lines = {name: points(entries, key) for name, entries in histories.items()}
            lines = {name: line for name, line in lines.items() if line[0]}
            for order, (name, (x, y)) in enumerate(lines.items()):
                colour, marker = styles[name]
                axes.plot(x, y, color=colour, marker=marker, linewidth=1.8, markersize=5, markeredgecolor=PAPER,
                          markeredgewidth=0.8, markevery=max(1, -(-len(x) // MARKS)), clip_on=False,
                          zorder=3 - order / 10)  # the first on top, visible where two coincide
            for name, height in (levels or {}).items() if key == measure else ():
                axes.axhline(height, color=INK, linewidth=0.8, linestyle=(0, (5, 3)), alpha=0.6, zorder=1)
                axes.annotate(name, (1, height), xycoords=("axes fraction", "data"), xytext=(-2, -3), textcoords="offset points",
                              size=LABEL_SIZE - 1, color=INK, ha="right", va="top")
            axes.set_xlabel("step")
            axes.set_ylabel(key or "")
            axes.grid(axis="y", color=RULE, linewidth=0.6)
            axes.spines[["top", "right"]].set_visible(False)
            axes.margins(x=0.02)
            axes.locator_params(nbins=5)
            if not lines:
                axes.set(xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[])
                axes.text(0.5, 0.5, "nothing yet", size=LABEL_SIZE, color=INK, ha="center", va="center")
            elif key == "loss":
                axes.set_ylim(bottom=0)
            else:
                axes.set_ylim(0, 1)
        if lines:
            name_lines(axes, lines, [styles[name] for name in lines])
        put_title(figure, title)

    told = " ".join(describe_training(name, entries, measure) for name, entries in histories.items())
    told += "".join(f" A line at {height:g} says {name}." for name, height in (levels or {}).items())
    return Picture(draw, caption, f"{title}: loss and {measure or 'no measure'} against the step. {told}")


def points(entries: Sequence[Mapping], key: str | None) -> tuple[list, list]:
    """The steps at which `key` is a number, and the numbers."""
    known = [(entry["step"], entry[key]) for entry in entries if isinstance(entry.get(key), int | float)]
    return [step for step, _ in known], [value for _, value in known]


def describe_training(name: str, entries: Sequence[Mapping], measure: str | None = "accuracy") -> str:
    """A sentence on how loss and measure changed."""
    parts = []
    for key in ("loss", measure):
        steps, values = points(entries, key)
        if len(values) == 1:
            parts.append(f"{key} {values[0]:.3g} at step {steps[0]:,}")
        elif values:
            parts.append(f"{key} from {values[0]:.3g} at step {steps[0]:,} to {values[-1]:.3g} at step {steps[-1]:,}")
    return f"{name}: {', '.join(parts) or 'nothing yet'}."

"""All heads of a model as one figure: a small heatmap for each, a line for each layer."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ninelives.figures.cells import NO_NUMBER, colour_bar
from ninelives.figures.picture import Picture
from ninelives.figures.scale import norm_of, ticks_of
from ninelives.figures.style import NOTE_SIZE, RULE, SIGNED_MAP, WEIGHTS_MAP, place_axes, put_note, put_title

GAP = 0.12  # of a heatmap's side
SIDE, WIDEST = 0.6, 6.0  # inches, of a heatmap and of all of them


def all_heads_picture(
    maps: Sequence[np.ma.MaskedArray],
    layers: Sequence[int],
    heads: Sequence[int],
    *,
    title: str,
    caption: str,
    alt: str,
    notes: Sequence[str] = (),
    scale: str = "linear",
    top: float = 1.0,
    signed: bool = False,
) -> Picture:
    """`maps` has for each layer the heatmaps of its heads (H, down, across), masked where attention is; one scale for all.

    `layers` and `heads` are their numbers, as they are written. A signed map goes from `-top` to `top`.
    """
    L, H = len(layers), len(heads)
    side = min(SIDE, WIDEST / (H * (1 + GAP)))

    def draw(figure: Figure) -> None:
        axes = place_axes(figure, 1, 1, side * (H + (H - 1) * GAP), side * (L + (L - 1) * GAP))
        axes.set_xlim(0, H + (H - 1) * GAP)
        axes.set_ylim(L + (L - 1) * GAP, 0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        colours, norm = (SIGNED_MAP if signed else WEIGHTS_MAP).with_extremes(bad=NO_NUMBER), norm_of(scale, top, signed)
        for i, of_layer in enumerate(maps):
            for k, weights in enumerate(of_layer):
                x, y = k * (1 + GAP), i * (1 + GAP)
                down, across = weights.shape
                axes.pcolormesh(x + np.arange(across + 1) / across, y + np.arange(down + 1) / down, weights, cmap=colours, norm=norm)
                axes.add_patch(Rectangle((x, y), 1, 1, fill=False, edgecolor=RULE, linewidth=0.6))
        axes.xaxis.tick_top()
        axes.set_xticks([0.5 + k * (1 + GAP) for k in range(H)], [f"{head}" for head in heads], fontsize=NOTE_SIZE)
        axes.set_yticks([0.5 + i * (1 + GAP) for i in range(L)], [f"layer {layer}" for layer in layers], fontsize=NOTE_SIZE)
        axes.set_xlabel("head", fontsize=NOTE_SIZE)
        axes.xaxis.set_label_position("top")
        colour_bar(axes, ticks=ticks_of(scale, top, signed))
        put_note(figure, " ".join(["In each, rows attend to columns.", *notes]))
        put_title(figure, title)

    return Picture(draw, caption, alt)

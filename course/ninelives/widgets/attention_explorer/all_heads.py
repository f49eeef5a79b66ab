"""All heads of an explorer as one figure."""

import numpy as np

from ninelives.figures import Picture
from ninelives.figures.all_heads import all_heads_picture
from ninelives.figures.scale import top_of
from ninelives.widgets.attention_explorer.in_words import notes, sentences
from ninelives.widgets.attention_explorer.on_demand import thumbs

CELLS = 20  # across and down, of a small picture: more would take a PDF of many heads ten seconds
NAMED = 3  # heads


def all_heads(explorer) -> Picture:
    if len(explorer.hidden) == len(explorer.columns):
        raise ValueError(f"All {len(explorer.columns)} {explorer.parts[explorer.part].item}s are hidden; set hidden = [] to draw them again.")
    part, first = explorer.parts[explorer.part], explorer.first
    maps = []
    for layer in range(len(part.layers)):
        strongest, is_open = thumbs(part, layer, explorer.hidden, CELLS)
        maps.append(np.ma.array(strongest, mask=~is_open))
    layers, heads = [n + first for n in part.layers], [n + first for n in part.heads]
    has_choice = part.allowed.sum(-1)[:, None] > 1  # (L, 1, T); a row without one, as the first under a causal mask, says nothing of a head
    largest = np.where(has_choice, np.abs(part.weights).max(-1), 0).max(-1)  # (L, H)
    order = np.argsort(-largest, axis=None, kind="stable")[:NAMED]
    named = [f"layer {layers[i]}, head {heads[k]} ({largest[i, k]:.2f})" for i, k in zip(*np.unravel_index(order, largest.shape), strict=True)]
    where = " · ".join(filter(None, [explorer.model, explorer.part if len(explorer.parts) > 1 else ""]))
    title = f"{where + ': ' if where else ''}{len(layers)} × {len(heads)} heads, counted from {first}"
    blocks = "Each square shows the strongest of several cells." if max(part.allowed.shape[1:]) > CELLS else ""
    masked = "Grey: masked." if any(of_layer.mask.any() for of_layer in maps) else ""
    return all_heads_picture(
        maps, layers, heads, title=title, caption=f"All heads. {title}", notes=list(filter(None, [blocks, masked, *sentences(explorer), *notes(explorer)])),
        alt=f"{title}: a small heatmap for each, a line for each layer. The largest numbers, where there is a choice, are in {'; '.join(named)}.",
        scale=explorer.scale, top=top_of(explorer.vmax, np.abs(part.weights)), signed=part.kind != "weights",
    )

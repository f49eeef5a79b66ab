"""The numbers of an explorer, for further work."""

import numpy as np

from ninelives.figures import position_of
from ninelives.figures.measures import head_measures
from ninelives.widgets.attention_explorer.shown import shown_head


def row(explorer, word: int | str) -> dict[str, float]:
    shown, position = shown_head(explorer), position_of(explorer.rows, word)
    if position not in shown.row_positions:
        raise ValueError(f"{explorer.rows[position]!r} is hidden; take it out of `hidden` to get its row.")
    r, names = shown.row_positions.index(position), explorer.columns
    return {names[j]: float(shown.weights[r, c]) for c, j in enumerate(shown.column_positions) if shown.allowed[r, c]}


def data_frame(explorer):
    try:
        from pandas import DataFrame
    except ImportError:
        raise ImportError(
            "to_dataframe() needs pandas, which is not installed: pip install pandas. Without it, row(word) gives a row "
            "as a dict, and attentions gives all weights as an array (L, H, T, S)."
        ) from None
    shown = shown_head(explorer)
    return DataFrame(np.where(shown.allowed, shown.weights, np.nan), [explorer.rows[i] for i in shown.row_positions],
                     [explorer.columns[j] for j in shown.column_positions])


def measures(explorer) -> dict[tuple[int, int], dict[str, float]]:
    part, first = explorer.parts[explorer.part], explorer.first
    found = head_measures(part)
    return {
        (layer + first, head + first): {what: float(values[i, k]) for what, values in found.items()}
        for i, layer in enumerate(part.layers) for k, head in enumerate(part.heads)
    }

"""The numbers of an explorer, for further work."""

import numpy as np

from ninelives.figures import position_of
from ninelives.figures.measures import head_measures
from ninelives.widgets.attention_explorer.combined import has_rollout
from ninelives.widgets.attention_explorer.on_demand import shares
from ninelives.widgets.attention_explorer.shown import shown_head


def row(explorer, word: int | str) -> dict[str, float]:
    shown, position = shown_head(explorer), position_of(explorer.parts[explorer.part].rows, word)
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
    found = head_measures(explorer.parts[explorer.part])
    return {name: {what: float(values.flat[k]) for what, values in found.items()} for k, name in enumerate(_numbers_of_heads(explorer))}


def rollout_shares(explorer, query: int | str, key: int | str) -> dict[tuple[int, int], float]:
    part = explorer.parts[explorer.part]
    if not has_rollout(part):
        raise ValueError("There is no rollout here; it needs self-attention, and all heads of all layers of the model from the first on.")
    row, column = position_of(part.rows, query), position_of(part.columns, key)
    numbers, is_open = shares(part, row, column)
    if not is_open.all():
        raise ValueError(f"No path leads from {explorer.rows[row]!r} to {explorer.columns[column]!r}: the rollout is 0 there, and no head has a share of it.")
    return dict(zip(_numbers_of_heads(explorer), numbers.tolist(), strict=False))


def _numbers_of_heads(explorer) -> list[tuple[int, int]]:
    part, first = explorer.parts[explorer.part], explorer.first
    return [(layer + first, head + first) for layer in part.layers for head in part.heads]

"""Everything that was trained with `ninelives.training`, one module each.

`python -m ninelives.recipes.NAME` trains it again.

- `antecedent`, `reader`, `storyteller`, `translator`: models of the notebooks, in `ninelives.weights`
- `ladder`: the runs of notebook 9
- `today`: the runs of the lab "today", each of its six changes, and all
- `addition`, `pronunciation`, `shakespeare`: the runs of the labs, and a model of each in `ninelives.weights`

`curves` holds the runs of the notebook and of the labs, `release` writes a model into `ninelives.weights`.
"""

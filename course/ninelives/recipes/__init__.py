"""Everything that was trained with `ninelives.training`, one module each.

`python -m ninelives.recipes.NAME` trains it again.

    antecedent, storyteller, translator     the models in `ninelives.weights`
    ladder                                  the runs of notebook 9
    addition, pronunciation, shakespeare    the runs of the labs

`curves` holds the runs of the notebook and of the labs, `release` writes a model into `ninelives.weights`.
"""

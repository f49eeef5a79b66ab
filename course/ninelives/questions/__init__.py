"""The questions of the notebooks: to predict, choose, and then see.

One file per notebook, named as in checks/. Each function returns a widget, so that the cell that asks does not show the
answer:

    import ninelives.questions.attention as ask

    ask.what_scaling_changes()
"""

from dataclasses import replace

import pytest

from helpers import small
from ninelives.training import Recipe, Run, train

RECIPE = small.RECIPE


@pytest.mark.parametrize("schedule", ["constant", "cosine", "noam"])
def test_the_rate_of_the_recipe_is_the_rate_of_the_history(schedule):
    recipe = replace(RECIPE, schedule=schedule, learning_rate=None if schedule == "noam" else 3e-3)
    run = train(small.model(), small.draw_batch, recipe)
    assert [entry["rate"] for entry in run.history] == [recipe.rate(step, 16) for step in (10, 20, 30)]


def test_a_run_survives_json():
    run = train(small.model(), small.draw_batch, RECIPE)
    assert Run.from_json(run.to_json()) == run
    assert run.config == {"": {"vocab_size": 11, "block_size": 8, "n_embd": 16, "n_head": 2, "n_layer": 2, "dropout": 0.2}}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"batch_size": 0}, "batch_size is 0: it must be a whole number of at least 1"),
        ({"max_iters": 1.5}, "max_iters is 1.5: it must be a whole number"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0: it must be above 0"),
        ({"learning_rate": None}, "learning_rate is None: it must be above 0"),
        ({"schedule": "noam"}, "schedule is 'noam', which computes the rate from n_embd and warmup_steps: leave learning_rate None"),
        ({"schedule": "seed"}, "schedule is 'seed': it must be one of 'constant', 'cosine', 'noam'"),
        ({"warmup_steps": 31}, "warmup_steps is 31 and max_iters 30: the warm-up must end before the training does"),
        ({"weight_decay": -1.0}, "weight_decay is -1.0: it must be 0 or more"),
        ({"grad_clip": 0.0}, "grad_clip is 0.0: it must be above 0"),
    ],
)
def test_an_impossible_recipe_is_refused_in_one_sentence(changes, says):
    with pytest.raises(ValueError, match=says):
        replace(RECIPE, **changes)


def test_a_recipe_has_sensible_defaults():
    assert Recipe().rate(100, 64) == Recipe().learning_rate

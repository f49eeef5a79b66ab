"""The trainings of the lab "today"."""

from dataclasses import replace

import pytest

from ninelives.model import EncoderDecoder
from ninelives.recipes.today import (
    CHANGES,
    FORM_OF_2017,
    FORMS,
    RECIPE,
    curve_name,
    model_of,
    saved_runs,
    seconds_per_step,
    train_form,
)

SAVED = list(saved_runs())


@pytest.mark.parametrize(("name", "seed", "run"), [pytest.param(*saved, id=f"{saved[0]}, {saved[1]}") for saved in SAVED])
def test_a_saved_run_belongs_to_the_form_in_its_name(name, seed, run):
    assert run.finished and run.recipe == replace(RECIPE, seed=seed)
    model = model_of(name)
    assert run.config["decoder"] == vars(model.decoder.config)
    assert run.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert len(run.history) == 20 and {"loss", "sentences right", "new combinations right"} <= set(run.history[-1])


def test_each_form_changes_one_thing_of_2017_and_the_last_all_six():
    for name, change in CHANGES.items():
        assert sum(FORMS[name][switch] != value for switch, value in FORM_OF_2017.items()) == len(change) == 1
    assert all(FORMS["all six today"][switch] != value for switch, value in FORM_OF_2017.items())


def test_the_saved_runs_show_what_the_lab_says_of_them():
    runs = {name: [run for of, _, run in SAVED if of == name] for name in FORMS}
    assert all(len(seeds) == 3 for seeds in runs.values())
    assert min(run.history[-1]["sentences right"] for _, _, run in SAVED) > 0.99
    past = {name: [next(entry["step"] for entry in run.history if entry["sentences right"] >= 0.8) for run in seeds] for name, seeds in runs.items()}
    first, last = min(past["2017"]), max(past["2017"])
    assert (first, last) == (800, 900)
    assert all(min(steps) <= last and max(steps) >= first for steps in past.values())
    assert sum(past["SwiGLU"]) < sum(past["2017"]) and sum(past["grouped queries"]) < sum(past["2017"]) < sum(past["no biases"])
    assert {name for name, steps in past.items() if max(steps) == max(map(max, past.values()))} == {"tied embeddings", "all six today"}
    early, *late = sorted(past["all six today"])
    assert early < first and min(late) > last
    new = [(name in ("tied embeddings", "all six today"), run.history[-1]["new combinations right"] > 0.91) for name, _, run in SAVED]
    assert new.count((True, True)) == 6 and new.count((False, True)) == 6
    seconds = {name: [run.seconds for run in seeds] for name, seeds in runs.items()}
    assert min(seconds["all six today"]) > max(seconds["2017"])
    extra = {name: sum(seconds[name]) - sum(seconds["2017"]) for name in FORMS}
    assert max(CHANGES, key=extra.get) == "rotary positions" and extra["rotary positions"] > extra["all six today"] / 2
    parameters = {name: seeds[0].parameters for name, seeds in runs.items()}
    assert round(1 - parameters["all six today"] / parameters["2017"], 2) == 0.18
    assert round((parameters["2017"] - parameters["tied embeddings"]) / (parameters["2017"] - parameters["all six today"]), 1) == 0.5


def test_a_training_of_another_form_can_be_begun_and_ends(tmp_path):
    run = train_form("all six today", 0, tmp_path, steps=1)
    assert run.finished and run.step == 1 and (tmp_path / curve_name("all six today", 0)).is_dir()
    assert isinstance(model_of("tied embeddings"), EncoderDecoder)


def test_a_step_of_each_form_is_timed():
    seconds = seconds_per_step(rounds=1, steps=1)
    assert [*seconds] == [*FORMS] and min(seconds.values()) > 0


def test_tied_tokens_and_learned_positions_begin_at_the_same_size():
    embedding = model_of("tied embeddings").decoder.layers["embedding"]
    assert embedding.token.weight.std().item() == pytest.approx(embedding.position.weight.std().item(), rel=0.1)

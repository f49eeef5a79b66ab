"""What the check of a trained model says, from no folder at all to a full score."""

import json
import re
import shutil

import pytest

from helpers.handed import change_facts, change_tensors, continued, small_training
from ninelives import weights
from ninelives.checks.exercise import CheckFailed
from ninelives.checks.trained_model import NotHandedIn, trained_model
from ninelives.training import scores
from ninelives.training.scores import Score, score


@pytest.fixture
def own(tmp_path):
    return small_training(tmp_path / "own")


def answering(monkeypatch, wrong_pronouns=0.0):
    """A model that knows the French, but for a share of pronouns; the grader's sentences stay as drawn."""
    def answers(model, tokenizer, drawn):
        wanted = [[*tokenizer.encode(sentence.french).tolist(), 0] for sentence in drawn]
        said = [row if k >= wrong_pronouns * len(wanted) else row[::-1] for k, row in enumerate(wanted)]
        return said, wanted

    monkeypatch.setattr(scores, "translations", answers)
    scores.score_of_files.cache_clear()


def test_points_depend_on_the_share_of_right_sentences(own, monkeypatch, capsys):
    answering(monkeypatch, wrong_pronouns=0.1)
    assert score(own) == Score(0.9, 0.9, 0, score(own).parameters, 3)
    for aspect in ("50 %", "80 %", "new combinations"):
        trained_model(own, aspect)
    for aspect in ("95 %", "99 %"):
        with pytest.raises(CheckFailed, match="90.0 % of 400 sentences are right"):
            trained_model(own, aspect)
    assert "trained model passes the check '80 %'." in capsys.readouterr().out


def test_guessing_the_pronoun_is_recognised(own, monkeypatch):
    answering(monkeypatch, wrong_pronouns=0.5)
    with pytest.raises(CheckFailed, match="half is what a model gets that writes everything right and guesses the pronoun"):
        trained_model(own, "80 %")


@pytest.mark.parametrize(
    ("aspect", "wrong", "facts", "says"),
    [
        ("50 %", 0.62, {}, "a model that only guesses the pronoun gets half of them right, so other words are wrong too"),
        ("80 %", 0.62, {}, "do what the check \"50 %\" says, and look here again"),
        ("80 %", 0.25, {}, "it is learning what"),
        ("new combinations", 0.9, {}, "harder than the other held-out ones, of which 10 % are right: those come first"),
        ("50 %", 0.62, {"max_iters": 2000}, "has stopped at step 3 of 2,000. Run the training cell again"),
        ("80 %", 0.98, {"sentences right": 0.97}, "your own model got 97 % right. .* one of yours does something else"),
    ],
)
def test_the_cause_is_one_that_the_score_and_the_curve_show(own, monkeypatch, aspect, wrong, facts, says):
    answering(monkeypatch, wrong_pronouns=wrong)
    saved = json.loads((own / "run.json").read_text())
    saved["recipe"]["max_iters"] = facts.get("max_iters", 3)
    change_facts(own, recipe=saved["recipe"], history=[{"step": 3, "sentences right": facts.get("sentences right", 0.1)}])
    with pytest.raises(CheckFailed) as failure:
        trained_model(own, aspect)
    assert re.search(says, failure.value.cause)


def test_new_combinations_that_fail_alone_are_said_to_be_new(own, monkeypatch):
    monkeypatch.setattr("ninelives.checks.trained_model.score", lambda folder, seed: Score(0.97, 0.5, 0, 9000, 3))
    with pytest.raises(CheckFailed, match="in no sentence that the model was trained on"):
        trained_model(own, "new combinations")


def test_a_folder_without_a_training_is_not_handed_in(own):
    shutil.rmtree(own)
    with pytest.raises(NotHandedIn, match="there is no training run in own: .*\n.*a training that can be scored"):
        trained_model(own, "50 %")


def test_a_training_that_is_refused_was_handed_in(own):
    change_tensors(own, lambda tensors: tensors["model.decoder.lm_head.weight"].fill_(float("nan")))
    with pytest.raises(CheckFailed, match="this training diverged") as failure:
        trained_model(own, "50 %")
    assert type(failure.value) is CheckFailed and not failure.value.cause  # what is wrong has been said


def test_the_weights_that_come_with_the_course_earn_nothing(tmp_path):
    folder = continued(*weights.load("translator"), tmp_path / "own", steps=1, rate=1e-9)
    with pytest.raises(CheckFailed, match="the translator which comes with the course"):
        trained_model(folder, "50 %")

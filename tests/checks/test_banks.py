"""Every wrong answer is refused for its reason, and every right one accepted."""

import importlib
import pkgutil

import pytest

import answers.right
import answers.wrong
from answers import answers_in

SEEDS = (0, 1, 2)


def bank(package):
    for module in pkgutil.iter_modules(package.__path__):
        for name, answer in answers_in(importlib.import_module(f"{package.__name__}.{module.name}")).items():
            yield pytest.param(answer, id=f"{module.name}-{name}")


@pytest.mark.parametrize("answer", list(bank(answers.wrong)))
def test_a_wrong_answer_is_refused_by_the_named_check_for_the_named_reason(answer):
    exercise, aspect, says = answer.verdict
    for seed in SEEDS:
        failure = exercise.first_failure(answer, seed)
        assert failure is not None, f"{exercise.name} lets {answer.__name__} through with seed {seed}"
        assert failure[0] == aspect, f"refused by {failure[0]}: {failure[1]}"
        assert says in str(failure[1])
        if failure[1].picture is not None:
            assert failure[1].picture().alt


@pytest.mark.parametrize("answer", list(bank(answers.right)))
def test_a_right_answer_of_any_shape_is_accepted(answer):
    for seed in SEEDS:
        assert answer.verdict.exercise.first_failure(answer, seed) is None


@pytest.mark.parametrize(
    ("notebook", "wrong", "right"),
    [("embeddings", 16, 4), ("attention", 30, 4), ("transformer", 100, 11), ("encoder", 40, 9), ("decoder", 30, 9), ("generation", 90, 15),
     ("encoder_decoder", 40, 10), ("prefix_generation", 55, 10), ("training", 100, 19)],
)
def test_the_bank_of_a_notebook_is_large_enough(notebook, wrong, right):
    assert len(answers_in(importlib.import_module(f"answers.wrong.{notebook}"))) >= wrong
    assert len(answers_in(importlib.import_module(f"answers.right.{notebook}"))) >= right


def test_every_aspect_of_every_exercise_has_a_wrong_answer_that_it_refuses():
    import ninelives.checks
    from ninelives.checks.exercise import Exercise

    refused = {
        (id(answer.verdict.exercise), answer.verdict.aspect)
        for module in pkgutil.iter_modules(answers.wrong.__path__)
        for answer in answers_in(importlib.import_module(f"answers.wrong.{module.name}")).values()
    }
    for module in pkgutil.iter_modules(ninelives.checks.__path__):
        for exercise in vars(importlib.import_module(f"ninelives.checks.{module.name}")).values():
            if isinstance(exercise, Exercise):
                for aspect in exercise.aspects:
                    assert (id(exercise), aspect) in refused, f"nothing proves {exercise.name}, {aspect}"

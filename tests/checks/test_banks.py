"""Every wrong answer is refused for its reason, and every right one accepted."""

import importlib
import pkgutil
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

import answers.right
import answers.wrong
from answers import answers_in
from helpers.sentences import every_mistake, exercises_of, module_names, quoted
from ninelives.checks import attention, embeddings, transformer_block, transformer_mistakes

# What these keep from the calls of an earlier aspect is what is wrong in a later one.
KEPT_FROM_AN_EARLIER_ASPECT = {
    "result_of_the_first_model", "result_of_the_first_model_with_this_sentence", "mask_of_the_first_call", "columns_kept_by_shape"}


NOTEBOOKS = Path(__file__).parents[2] / "course" / "notebooks"
IMPORT = re.compile(r"import ninelives\.checks\.(\w+) as (\w+)")
HIDDEN = re.compile(r'^(\w+)\.(\w+)\(.*, "([^"]+)", seed=(\d+)\)$', re.MULTILINE)


@cache
def hidden_seeds() -> dict[tuple[int, str], set[int]]:
    """The seeds with which hidden lines of the notebooks ask an aspect: (the exercise's id, aspect) to seeds."""
    found = defaultdict(set)
    for path in NOTEBOOKS.glob("*.py"):
        source = path.read_text(encoding="utf-8")
        modules = {called: module for module, called in IMPORT.findall(source)}
        for called, name, aspect, seed in HIDDEN.findall(source):
            exercise = getattr(importlib.import_module(f"ninelives.checks.{modules[called]}"), name)
            found[id(exercise), aspect].add(int(seed))
    return found


def bank(package):
    for module in pkgutil.iter_modules(package.__path__):
        for name, answer in answers_in(importlib.import_module(f"{package.__name__}.{module.name}")).items():
            yield pytest.param(answer, id=f"{module.name}-{name}")


@pytest.mark.parametrize("answer", list(bank(answers.wrong)))
def test_a_wrong_answer_is_refused_by_the_named_check_for_the_named_reason(answer):
    exercise, aspect, says = answer.verdict
    assert any(map(quoted, says)), "quote words that only its cause holds"
    for seed in {0} | hidden_seeds()[id(exercise), aspect]:
        failure = first_failure(answer, seed)
        assert failure is not None, f"{exercise.name} lets {answer.__name__} through with seed {seed}"
        assert failure[0] == aspect, f"refused by {failure[0]}: {failure[1]}"
        for words in says:
            assert words in str(failure[1])
            sentence = quoted(words)
            if sentence is not None:
                assert sentence.is_said_by(failure[1].cause), f"words of another cause, so quote more: {failure[1]}"
        assert not rows_alike(failure[1]), f"seen and wanted are printed alike: {failure[1]}"
        if seed == 0 and failure[1].picture is not None:
            assert failure[1].picture().alt


def first_failure(answer, seed):
    """As the exercise finds it; but with a seed other than 0 the aspect alone is asked, as hidden lines do."""
    exercise, aspect, _ = answer.verdict
    if seed == 0 or answer.__name__ in KEPT_FROM_AN_EARLIER_ASPECT:
        return exercise.first_failure(answer, seed)
    failure = exercise.refusal(aspect, answer, seed)
    return failure and (aspect, failure)


def rows_alike(failure) -> bool:
    """Whether the last row that was seen and the first that was wanted are written with the same numbers."""
    seen, wanted = re.search(r"(\[[^\[\]]*\])\.$", failure.seen), re.match(r"\[[^\[\]]*\]", failure.wanted)
    return seen is not None and wanted is not None and seen[1] == wanted[0]


@pytest.mark.parametrize("answer", list(bank(answers.right)))
def test_a_right_answer_of_any_shape_is_accepted(answer):
    exercise = answer.verdict.exercise
    assert exercise.first_failure(answer) is None
    for aspect in exercise.aspects:
        for seed in hidden_seeds()[id(exercise), aspect]:
            assert exercise.refusal(aspect, answer, seed) is None


def test_the_seeds_of_hidden_lines_are_found():
    hidden = sum(len(re.findall(r"^check\..*seed=", path.read_text(encoding="utf-8"), re.MULTILINE)) for path in NOTEBOOKS.glob("*.py"))
    assert sum(map(len, hidden_seeds().values())) == hidden > 100


@pytest.mark.parametrize(
    ("notebook", "wrong", "right"),
    [("embeddings", 115, 22), ("attention", 255, 35), ("transformer", 155, 11), ("encoder", 55, 11), ("decoder", 75, 16),
     ("generation", 190, 30), ("prefix_decoder", 120, 12), ("encoder_decoder", 175, 13),
     ("cross_attention", 50, 4), ("prefix_generation", 160, 19), ("training", 152, 26), ("today", 140, 26)],
)
def test_there_are_enough_answers_to_the_exercises_of_a_notebook(notebook, wrong, right):
    mistakes = sum(len(exercise.mistakes) for exercise in exercises_of(notebook))
    assert mistakes + len(answers_in(importlib.import_module(f"answers.wrong.{notebook}"))) >= wrong
    assert len(answers_in(importlib.import_module(f"answers.right.{notebook}"))) >= right


def returns_nothing(*arguments):
    pass


def forward_returns_nothing(given):
    return type(given.__name__, (given,), {"forward": returns_nothing})


@pytest.mark.parametrize(("exercise", "answer"), [
    *((exercise, returns_nothing) for exercise in (
        embeddings.position_indices, embeddings.concatenate, embeddings.adding_layer, attention.split_heads, attention.merge_heads,
        attention.attention_scores, attention.masked_softmax)),
    (embeddings.embedding, forward_returns_nothing(embeddings.GivenEmbedding)),
    (attention.multi_head_self_attention, forward_returns_nothing(attention.GivenAttention)),
    (transformer_block.block, forward_returns_nothing(transformer_block.GivenBlock)),
    (transformer_mistakes.transformer, forward_returns_nothing(transformer_mistakes.Given)),
], ids=lambda each: getattr(each, "name", ""))
def test_every_check_that_is_run_alone_says_that_nothing_was_returned(exercise, answer):
    refusals = [exercise.refusal(aspect, answer) for aspect in exercise.aspects]
    said = [refusal.seen for refusal in refusals if refusal is not None]
    assert said and [seen for seen in said if "(None)" not in seen and "self.weights is missing" not in seen] == []


def test_every_aspect_of_every_exercise_has_a_wrong_answer_that_it_refuses():
    refused = {(id(exercise), mistake.aspect) for exercise, mistake in every_mistake()} | {
        (id(answer.verdict.exercise), answer.verdict.aspect)
        for module in pkgutil.iter_modules(answers.wrong.__path__)
        for answer in answers_in(importlib.import_module(f"answers.wrong.{module.name}")).values()
    }
    for module in module_names():
        for exercise in exercises_of(module):
            for aspect in exercise.aspects:
                assert (id(exercise), aspect) in refused, f"nothing proves {exercise.name}, {aspect}"


@pytest.mark.parametrize("module", module_names())
def test_every_aspect_is_a_function_named_by_what_it_demands(module):
    for exercise in exercises_of(module):
        names = [check.__name__ for check in exercise.aspects.values()]
        assert [name for name in names if "_" not in name.strip("_")] == []
        assert len(set(names)) == len(names)

"""Every sentence in which a check names a likely cause is proved by an answer that gets exactly this one.

A registered mistake (`@exercise.mistake(aspect, cause)`) proves its cause here, by being run. An answer of
the bank proves the one sentence that its words quote: test_banks.py runs it.
"""

import importlib
import pkgutil
from functools import cache

import pytest

import answers.wrong
from answers import answers_in
from helpers.sentences import every_mistake, module_names, quoted, sentences_of

SEEDS = (0, 1, 2)


@pytest.mark.parametrize(
    ("exercise", "mistake"),
    [pytest.param(*each, id=f"{each[0].name}-{each[1].answer.__name__}") for each in every_mistake()],
)
def test_a_mistake_is_refused_with_its_own_sentence(exercise, mistake):
    for seed in SEEDS:
        failure = exercise.refusal(mistake.aspect, mistake.answer, seed)
        assert failure is not None, f"{mistake.aspect!r} lets it through with seed {seed}"
        assert failure.cause == mistake.cause, (
            f"seed {seed}: it gets another sentence. Another registered mistake may give the same result: keep one.\n{failure}"
        )
        if seed == 0 and failure.picture is not None:
            assert failure.picture().alt


@cache
def proved() -> tuple[set[str], set[tuple[str, ...]]]:
    """The causes of registered mistakes, and the sentences that the bank quotes."""
    banks = [importlib.import_module(f"answers.wrong.{module.name}") for module in pkgutil.iter_modules(answers.wrong.__path__)]
    words = [words for bank in banks for answer in answers_in(bank).values() for words in answer.verdict.says]
    return {mistake.cause for _, mistake in every_mistake()}, {sentence.parts for sentence in map(quoted, words) if sentence}


@pytest.mark.parametrize("module", module_names())
def test_every_cause_in_the_source_of_the_checks_is_proved_by_an_answer(module):
    registered, in_the_bank = proved()
    unproved = [
        sentence for sentence in sentences_of(module)
        if sentence.parts not in in_the_bank and not any(map(sentence.is_said_by, registered))
    ]
    assert not unproved, "write an answer that gets it, or delete it:" + "".join(f"\n{each.module}.py:{each.line}  {'…'.join(each.parts)}" for each in unproved)

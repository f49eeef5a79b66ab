"""What a question of the notebooks must have, and that each is asked in its notebook."""

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

from ninelives import questions
from ninelives.widgets import Choice

NOTEBOOKS = Path(__file__).parents[1] / "course" / "notebooks"
TOPICS = sorted(module.name for module in pkgutil.iter_modules(questions.__path__))
FEWEST_CHARACTERS = 30  # of an explanation
# The widget says one of these itself.
VERDICT = re.compile(r"(right|correct|wrong|no|yes|not this one|why not)\b[.,:!]", re.IGNORECASE)


def questions_of(topic: str) -> dict:
    """The functions of `questions/<topic>.py` that ask, by name."""
    module = importlib.import_module(f"ninelives.questions.{topic}")
    return {
        name: function for name, function in vars(module).items()
        if inspect.isfunction(function) and function.__module__ == module.__name__ and not name.startswith("_")
    }


def source_of(topic: str) -> str:
    [path] = NOTEBOOKS.glob(f"??_{topic}.py")
    return path.read_text("utf-8")


ALL = [pytest.param(ask, id=f"{topic}-{name}") for topic in TOPICS for name, ask in questions_of(topic).items()]


@pytest.mark.parametrize("ask", ALL)
def test_a_question_has_three_to_five_options_each_with_an_explanation_of_its_own(ask):
    choice = ask()
    assert isinstance(choice, Choice)
    assert ask.__doc__, "say when it is asked"
    assert choice.question.endswith(("?", ":", "…"))
    assert 3 <= len(choice.options) <= 5
    assert len({option.casefold().strip(" .") for option in choice.options}) == len(choice.options)
    assert len({text.casefold() for text in choice.explanations}) == len(choice.explanations)
    for text in choice.explanations:
        assert len(text) >= FEWEST_CHARACTERS, f"too short to explain anything: {text}"
        assert text[0] == text[0].upper() and text.endswith((".", "!", "?", ".)")), f"not a sentence: {text}"
        assert not VERDICT.match(text), f"the widget says this itself, leave it out: {text}"
    for text in (choice.question, *choice.options, *choice.explanations):
        assert text.count("`") % 2 == 0, f"a backtick is missing: {text}"


def test_every_notebook_has_questions():
    assert TOPICS == sorted(path.stem[3:] for path in NOTEBOOKS.glob("??_*.py"))


@pytest.mark.parametrize("topic", TOPICS)
def test_its_notebook_asks_each_question_and_at_least_two(topic):
    source, names = source_of(topic), set(questions_of(topic))
    assert f"import ninelives.questions.{topic} as ask\n" in source
    assert set(re.findall(r"^ask\.(\w+)\(\)$", source, re.MULTILINE)) == names
    assert len(names) >= 2


@pytest.mark.parametrize("topic", TOPICS)
def test_the_right_option_is_not_always_at_the_same_position(topic):
    assert len({ask().answer for ask in questions_of(topic).values()}) > 1

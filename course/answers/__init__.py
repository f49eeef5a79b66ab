"""The proof of every check: answers that it must refuse, and answers that it must accept.

`wrong/` and `right/` hold one file per notebook and one function or class per
answer, named by its mistake or by its way. They are read by the tests only.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

from ninelives.checks.exercise import Exercise


class Verdict(NamedTuple):
    """The check that decides about an answer, and for a wrong answer the words that its message must hold."""

    exercise: Exercise
    aspect: str | None
    says: tuple[str, ...]


def refused_by(exercise: Exercise, aspect: str, *says: str) -> Callable:
    """Mark an answer as wrong.

    Args:
        exercise: what it answers.
        aspect: the first aspect that refuses it.
        says: words that the message must hold. Words that occur in only one cause of all checks, or
            are a whole cause, quote that cause: then the message must give exactly this cause. At
            least one of the words must quote a cause.
    """
    return _mark(Verdict(exercise, aspect, says))


def accepted_by(exercise: Exercise) -> Callable:
    """Mark an answer as right: every aspect accepts it."""
    return _mark(Verdict(exercise, None, ()))


def _mark(verdict: Verdict) -> Callable:
    def mark(answer: Any) -> Any:
        answer.verdict = verdict
        return answer

    return mark


def answers_in(module: ModuleType) -> dict[str, Any]:
    """The marked answers that a module defines, by name."""
    return {
        name: answer
        for name, answer in vars(module).items()
        if "verdict" in getattr(answer, "__dict__", {}) and answer.__module__ == module.__name__
    }

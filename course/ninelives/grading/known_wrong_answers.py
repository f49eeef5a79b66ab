"""Try known wrong answers on checks that have passed, in a copy of the kernel, which leaves no trace."""

import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, NamedTuple

from ninelives.grading.assignment import Cell
from ninelives.grading.canary import NO_FILES, canaries
from ninelives.grading.errors import KernelDied
from ninelives.grading.folders import remove
from ninelives.grading.kernel_client import Kernel
from ninelives.grading.kernel_copy import copied, without_files

if TYPE_CHECKING:
    from ninelives.grading.notebook_session import NotebookSession


class WrongAnswer(NamedTuple):
    """A known wrong answer: the check, its index in the notebook, and code that replaces the answer."""

    index: int
    check: Cell
    kind: str
    source: str


def try_known_wrong_answers(session: "NotebookSession", passed: list[tuple[int, Cell]]) -> None:
    """Run checks that have passed on known wrong answers, before any other code of the learner runs.

    Raises:
        KernelDied: only during calibration, if a check cannot be run on them.
    """
    untried = [answer for index, check in passed for answer in _wrong_answers(session, index, check)]
    if not untried:
        return
    begun, deadline = time.monotonic(), session.kernel.deadline
    session.kernel.deadline = begun + session.task.limits.notebook
    try:
        with copied(session.kernel):
            while untried:
                _try(session, session.kernel, untried[0])
                untried.pop(0)
    except KernelDied:
        try:
            _try_in_another_kernel(session, untried)
        except KernelDied as death:
            if session.must_refuse is None:
                raise
            session.tampered[session.exercise_of(untried[0].check)] = (
                f"its check {untried[0].check.name!r} could not be run on a deliberately wrong answer ({death})")
    spent = time.monotonic() - begun  # not counted as the learner's time
    session.started += spent
    session.kernel.deadline = deadline + spent


def _wrong_answers(session: "NotebookSession", index: int, check: Cell) -> list[WrongAnswer]:
    """During calibration all but those without files, and later those that an untouched kernel refuses."""
    found = canaries(session.notebook, check) | {NO_FILES: ""}
    calibrating = session.must_refuse is None
    return [WrongAnswer(index, check, kind, source) for kind, source in found.items()
            if (kind != NO_FILES if calibrating else (check.name, kind) in session.must_refuse)]


def _try_in_another_kernel(session: "NotebookSession", untried: list[WrongAnswer]) -> None:
    """Try wrong answers in a second kernel, since the first could not be copied. Raises KernelDied."""
    kernel, folder = session.start(untried[0].index)
    try:
        while untried:
            answer = untried[0]
            if kernel.run(answer.check.source, pictures=False).error:
                raise KernelDied("the check fails when it is run again")
            _try(session, kernel, answer)
            untried.pop(0)
    finally:
        kernel.end()
        session.seconds += kernel.used.get("seconds", 0.0)
        remove(folder)


def _try(session: "NotebookSession", kernel: Kernel, answer: WrongAnswer) -> None:
    with without_files(kernel) if answer.kind == NO_FILES else nullcontext():
        outcome = kernel.run(answer.check.source, pictures=False, before=answer.source)
    name = answer.check.name
    if outcome.error is not None:
        session.refused.add((name, answer.kind))
    elif session.must_refuse is not None:
        session.tampered[session.exercise_of(answer.check)] = (
            f"its check {name!r} also accepted a deliberately wrong answer ({answer.kind})")

"""The report on a class: which checks were passed, failed and not tried, and why answers were refused."""

import re
from collections import Counter
from dataclasses import dataclass
from statistics import StatisticsError, correlation, fmean

from ninelives.grading.causes import Group, Marks, cause_of, grouped
from ninelives.grading.class_results import FAILED, NOT_TRIED, PASSED, TO_GRADE, ClassResults, Key, Learner

MIN_LEARNERS = 20  # for discrimination: with fewer a single learner changes it by more than 0.2
NAMED = re.compile(r"'[^']*'|\S+\.\w{2,5}\b")  # in a note: a cell, a file
MAX_NOTES = 3  # of one kind that are listed each in its own words
ON_POINTS = re.compile(r"\b(?:points|earns)\b")  # in a note that says why a check that raised nothing has not all its points


@dataclass(frozen=True)
class CheckReport:
    """One graded cell.

    Args:
        passed, failed, not_tried, to_grade: how many learners.
        discrimination: the correlation of passing it with the points of all other cells; None if there is none.
    """

    name: str
    points: float
    passed: int
    failed: int
    not_tried: int
    to_grade: int
    discrimination: float | None


@dataclass(frozen=True)
class Cause:
    """Why answers to an exercise were refused, the learners concerned, and the checks that said so."""

    text: str
    learners: tuple[Learner, ...]
    checks: tuple[str, ...]


@dataclass(frozen=True)
class ExerciseReport:
    """One exercise: its checks and the causes.

    Args:
        tried, solved: how many learners tried it, and how many passed all of its checks.
        waiting: how many failed no check, but have something to be graded by hand.
    """

    notebook: str
    name: str
    checks: tuple[CheckReport, ...]
    causes: tuple[Cause, ...]
    tried: int
    solved: int
    waiting: int


@dataclass(frozen=True)
class ClassReport:
    """A class's report on one assignment.

    Args:
        total: how many submissions it is about.
        points, max_points: the mean and the maximum.
        stopped: (the last exercise that they tried, how many learners), in the order of the notebooks; None for those
            who tried nothing.
        notes: what was repaired, stopped or suspected, grouped; the members are learners.
        remarks: sentences on what the report lacks.
    """

    assignment: str
    total: int
    points: float
    max_points: float
    exercises: tuple[ExerciseReport, ...]
    stopped: tuple[tuple[str | None, int], ...]
    notes: tuple[Group, ...]
    remarks: tuple[str, ...]

    def solved_by(self, learners: int) -> list[str]:
        """The exercises that this many have solved, without those that are still to be graded by hand."""
        return [exercise.name for exercise in self.exercises
                if exercise.solved == learners and not any(check.to_grade for check in exercise.checks)]

    def common_causes(self, most: int = 5) -> list[tuple[ExerciseReport, Cause]]:
        """The most frequent causes of all exercises, those of two learners or more."""
        every = [(exercise, cause) for exercise in self.exercises for cause in exercise.causes]
        shared = [found for found in every if len(found[1].learners) > 1]
        return sorted(shared, key=lambda found: -len(found[1].learners))[:most]


def class_report(results: ClassResults, marks: Marks) -> ClassReport:
    """Count what a class did."""
    by_exercise: dict[tuple[str, str], list] = {}
    for key, cell, exercise in results.graded_cells():
        by_exercise.setdefault((key[0], exercise), []).append((key, cell))
    exercises = tuple(
        _exercise(results, notebook, name, cells, marks) for (notebook, name), cells in by_exercise.items())
    every = [cell for cells in by_exercise.values() for cell in cells]
    return ClassReport(
        results.assignment, len(results.learners),
        fmean(sum(learner.points.values()) for learner in results.learners), sum(cell.points for _, cell in every),
        exercises, tuple(_stopped(results, list(by_exercise))), tuple(_notes(results)), tuple(_remarks(results)))


def _exercise(results: ClassResults, notebook: str, name: str, cells: list, marks: Marks) -> ExerciseReport:
    states = [[learner.states.get(key, NOT_TRIED) for key, _ in cells] for learner in results.learners]
    checks = []
    for (key, cell), column in zip(cells, zip(*states)):
        count = Counter(column)
        checks.append(CheckReport(cell.name, cell.points, count[PASSED], count[FAILED], count[NOT_TRIED],
                                  count[TO_GRADE], _discrimination(results, key)))
    tried = sum(any(state != NOT_TRIED for state in row) for row in states)
    solved = sum(all(state == PASSED for state in row) for row in states)
    waiting = sum(TO_GRADE in row and FAILED not in row for row in states)
    return ExerciseReport(notebook, name, tuple(checks), tuple(_causes(results, name, cells, marks)), tried, solved,
                          waiting)


def _causes(results: ClassResults, exercise: str, cells: list, marks: Marks) -> list[Cause]:
    """Why checks of an exercise refused its answers. A learner with the same cause in several checks counts once."""
    found = []
    for number, learner in enumerate(results.learners):
        for key, cell in cells:
            if learner.states.get(key) != FAILED or not cell.is_check:
                continue
            stopped = learner.said.get((key[0], exercise))
            if key in learner.said and (stopped is None or marks.cause.search(learner.said[key][1])):
                text = cause_of(*learner.said[key], marks)
            elif stopped is not None:  # what the check misses is its result
                text = f"the answer's own cell stopped with {cause_of(*stopped, marks)}"
            elif about := [note for note in learner.notes if ON_POINTS.search(note)
                           and any(repr(name) in note for name in (exercise, cell.name))]:
                text = " ".join(about)
            else:
                text = f"no error, and {learner.points.get(key, 0):g} of {cell.points:g} points"
            if text is not None:
                found.append((text, (number, cell.name)))
    causes = []
    for group in grouped(found):
        learners = dict.fromkeys(number for number, _ in group.members)
        checks = dict.fromkeys(check for _, check in group.members)
        order = [cell.name for _, cell in cells if cell.name in checks]
        causes.append(Cause(group.text, tuple(results.learners[number] for number in learners), tuple(order)))
    return sorted(causes, key=lambda cause: -len(cause.learners))


def _discrimination(results: ClassResults, key: Key) -> float | None:
    """The point-biserial correlation of passing one cell with the points of all others."""
    if len(results.learners) < MIN_LEARNERS:
        return None
    passed = [float(learner.states.get(key) == PASSED) for learner in results.learners]
    others = [sum(learner.points.values()) - learner.points.get(key, 0.0) for learner in results.learners]
    try:
        return correlation(passed, others)
    except StatisticsError:  # everyone has passed it, or nobody, or all have the same points
        return None


def _stopped(results: ClassResults, exercises: list[tuple[str, str]]) -> list[tuple[str | None, int]]:
    order = {exercise: number for number, exercise in enumerate(exercises)}
    last = Counter(max((order[key] for key in learner.answers if key in order), default=None)
                   for learner in results.learners)
    found = [(name, last[number]) for number, (_, name) in enumerate(exercises) if last[number]]
    return [*([(None, last[None])] if last[None] else []), *found]


def _notes(results: ClassResults) -> list[Group]:
    """The notes by what happened. A cell or a file is named where all learners of a note share its name."""
    kinds = grouped((NAMED.sub("…", note), (number, note)) for number, learner in enumerate(results.learners)
                    for note in learner.notes)
    found = []
    for kind in kinds:
        learners = tuple(results.learners[number] for number in dict.fromkeys(number for number, _ in kind.members))
        notes = list(dict.fromkeys(note for _, note in kind.members))
        named = len(notes) == 1 or (len(learners) == 1 and len(notes) <= MAX_NOTES)
        found += [Group(note, learners) for note in (notes if named else [kind.text])]
    return found


def _remarks(results: ClassResults) -> list[str]:
    found = []
    if len(results.learners) == 1:
        found.append("This is the report on a single submission.")
    if len(results.learners) < MIN_LEARNERS:
        found.append(f"Discrimination is left out: it needs at least {MIN_LEARNERS} submissions.")
    if results.ungraded:
        found.append(f"{len(results.ungraded)} handed in and not graded yet: type ninelives-grade "
                     f"{results.assignment}")
    if results.lost:
        found.append(f"{len(results.lost)} graded, but left out here, since their graded notebook is missing or not "
                     f"readable: type ninelives-grade {results.assignment} to write it again")
    waiting = sum(state == TO_GRADE for learner in results.learners for state in learner.states.values())
    if waiting:
        found.append(f"{waiting} answer{' is' if waiting == 1 else 's are'} still to be graded by hand.")
    return found

"""What a worker is given, and what it returns."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from nbformat import NotebookNode

from ninelives.grading.assignment import Notebook
from ninelives.grading.course import CourseSettings
from ninelives.grading.sandbox import Limits

ASK = " Ask your instructor if you did not do this."  # the end of a learner's note; the instructor's tables leave it out


@dataclass(frozen=True)
class Task:
    """One submission to grade.

    Args:
        folder: the submission.
        notebooks: the assignment as it was released.
        others: the assignment's other files, {name: path}; they replace a learner's files of the same name.
        limits: what one notebook may use.
        stamp: changes when the assignment or the limits do.
        course: the settings of the course.
        confined: whether learners' code is confined.
        modules: what the assignment's notebooks import, as `imported_modules` writes it.
        ignored: patterns of the names of submitted files that are left out.
        siblings: the names of all notebooks of the assignment.
        execute: whether notebooks are run; otherwise points are read from the outputs that were handed in.
        canaries: for each notebook the (check, kind) of known wrong answers that an untouched kernel refuses.
        by_result: for each notebook the checks that give as many points as the value of their last line.
    """

    folder: Path
    notebooks: tuple[Notebook, ...]
    others: dict[str, Path]
    limits: Limits
    stamp: str
    course: CourseSettings = CourseSettings()
    confined: bool = True
    modules: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    siblings: tuple[str, ...] = ()
    execute: bool = True
    canaries: dict[str, frozenset[tuple[str, str]]] = field(default_factory=dict)
    by_result: dict[str, frozenset[str]] = field(default_factory=dict)

    @property
    def names(self) -> set[str]:
        """The names of all notebooks of the assignment."""
        return {*self.siblings, *(notebook.name for notebook in self.notebooks)}

    def calibrated(self, found: dict[str, dict]) -> "Task":
        """The same task with what `calibrate` has found."""
        kinds = ("canaries", "by_result")
        return replace(self, **{kind: {name: one[kind] for name, one in found.items()} for kind in kinds})


@dataclass
class Graded:
    """The result of one notebook.

    Args:
        notebook: as it goes into autograded/.
        scores: the points of each graded cell; None if someone has to grade it by hand.
        responses: for each answer, whether the learner wrote one; a task is answered in other cells.
        notes: what was repaired, stopped or suspected: pairs of a grade_id or None, and a sentence.
        files: the submitted files that are kept, relative to the submission.
        written: the files that the notebook wrote, relative to the submission.
        seconds: processor time of its kernels.
    """

    notebook: NotebookNode
    scores: dict[str, float | None]
    responses: dict[str, bool]
    notes: list[tuple[str | None, str]]
    files: tuple[Path, ...] = ()
    written: dict[Path, bytes] = field(default_factory=dict)
    seconds: float = 0.0

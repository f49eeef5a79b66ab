"""What is to be graded, and what came of it: what goes to a worker and comes back."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from nbformat import NotebookNode

from ninelives.grading.assignment import Notebook
from ninelives.grading.sandbox import Limits


@dataclass(frozen=True)
class Task:
    """What has to be known to grade one submission.

    Args:
        folder: where it came in.
        notebooks: the assignment as it was given out.
        others: the assignment's further files, which the instructor's own copies replace: {name: path}.
        limits: what one notebook may use.
        stamp: changes when the assignment or the limits do.
        confined: whether learners' code is confined.
        canaries: for each notebook the (check, kind) of wrong answer that a clean kernel refuses.
        by_result: for each notebook the checks whose points are what they evaluate to.
        modules: what the instructor's own notebooks import.
    """

    folder: Path
    notebooks: tuple[Notebook, ...]
    others: dict[str, Path]
    limits: Limits
    stamp: str
    confined: bool = True
    canaries: dict[str, frozenset[tuple[str, str]]] = field(default_factory=dict)
    by_result: dict[str, frozenset[str]] = field(default_factory=dict)
    modules: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def calibrated(self, found: dict[str, dict]) -> "Task":
        """The same with what `calibrate` has found."""
        return replace(self, **{what: {name: one[what] for name, one in found.items()} for what in ("canaries", "by_result", "modules")})


@dataclass
class Graded:
    """What came of one notebook.

    Args:
        notebook: as it goes into autograded/.
        scores: the points of each graded cell; None where someone has to look at it.
        responses: for each answer, whether there is one.
        notes: what was put right, stopped or suspected: a grade_id or None, and a sentence.
        seconds: of processor time in kernels.
    """

    notebook: NotebookNode
    scores: dict[str, float | None]
    responses: dict[str, bool]
    notes: list[tuple[str | None, str]]
    seconds: float = 0.0

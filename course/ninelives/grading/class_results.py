"""What a class did with an assignment, read from the gradebook and the graded notebooks alone."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbconvert.filters import strip_ansi
from nbgrader.api import (
    Assignment,
    BaseCell,
    Grade,
    Gradebook,
    MissingEntry,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
)
from nbgrader.api import Notebook as GradebookNotebook
from nbgrader.coursedir import CourseDirectory

from ninelives.grading.assignment import Cell, Notebook
from ninelives.grading.class_folder import handed_in
from ninelives.grading.errors import CannotStart
from ninelives.grading.gradebook import NOTES_ID, not_generated
from ninelives.grading.repair import MISSING, same_text
from ninelives.grading.task import ASK

Key = tuple[str, str]  # the names of a notebook and of a cell
MAX_MESSAGE = 10_000  # characters of an error that are read

PASSED, FAILED, NOT_TRIED, TO_GRADE = "passed", "failed", "not tried", "to grade"


@dataclass
class Learner:
    """One graded submission.

    Args:
        id: the learner's name in the gradebook.
        name: first and last name, or else the id.
        email: an empty string if the gradebook has none.
        states: of each graded cell, PASSED, FAILED, NOT_TRIED or TO_GRADE.
        points: of each graded cell; points given by hand count instead of those of the check.
        said: of each graded cell that did not pass, the name of the error and its message.
        answers: what was written into each answer that the learner changed.
        notes: what was repaired, stopped or suspected.
        files: the graded notebooks.
    """

    id: str
    name: str
    email: str
    states: dict[Key, str] = field(default_factory=dict)
    points: dict[Key, float] = field(default_factory=dict)
    said: dict[Key, tuple[str, str]] = field(default_factory=dict)
    answers: dict[Key, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    files: dict[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class ClassResults:
    """A class's graded submissions of one assignment.

    Args:
        notebooks: their named cells in order; sources are those of the release.
        learners: sorted by name.
        ungraded: who has handed in and is not graded yet.
        lost: whose graded notebook is missing or not readable.
    """

    assignment: str
    notebooks: tuple[Notebook, ...]
    learners: tuple[Learner, ...]
    ungraded: tuple[str, ...]
    lost: tuple[str, ...]

    def graded_cells(self) -> Iterator[tuple[Key, Cell, str]]:
        """For each graded cell in order its key, itself, and the name of its exercise."""
        for notebook in self.notebooks:
            for cell in notebook.cells:
                if cell.is_check:
                    yield (notebook.name, cell.name), cell, getattr(notebook.answer_of(cell), "name", cell.name)
                elif cell.metadata["grade"] or cell.metadata["task"]:
                    yield (notebook.name, cell.name), cell, cell.name


def graded_assignments(gradebook: Gradebook) -> list[str]:
    """The assignments of which at least one submission was graded, sorted by name."""
    graded = gradebook.db.query(Assignment.name).join(SubmittedAssignment).join(SubmittedNotebook).distinct()
    return sorted(name for name, in graded)


def class_results(course: CourseDirectory, gradebook: Gradebook, name: str) -> ClassResults:
    """The graded submissions of an assignment.

    Raises:
        NotGenerated: there is no such assignment.
        CannotStart: nobody's work is graded, or no graded notebook is left.
    """
    try:
        assignment = gradebook.find_assignment(name)
    except MissingEntry:
        raise not_generated(course, name, f"The gradebook has no assignment {name!r}") from None
    students = {student.id: student for student in
                gradebook.db.query(Student).join(SubmittedAssignment).filter_by(assignment_id=assignment.id)}
    everyone = handed_in(course, name)
    found, lost = {}, []
    for student in sorted(students):
        try:
            found[student] = _graded_notebooks(course, assignment, student)
        except (OSError, ValueError):  # an extension that was granted before the submission has no files either
            lost += [student] if student in everyone else []
    ungraded = tuple(sorted(set(everyone) - students.keys()))
    if not found:
        raise _nothing_graded(course, name, len(ungraded), len(lost))
    notebooks = tuple(_as_released(notebook, [cells[notebook.name] for cells, _ in found.values()])
                      for notebook in assignment.notebooks)
    learners = {student: _learner(students[student], notebooks, *read) for student, read in found.items()}
    _add_points(gradebook, assignment, notebooks, learners)
    return ClassResults(name, notebooks, tuple(learners.values()), ungraded, tuple(lost))


def _nothing_graded(course: CourseDirectory, name: str, ungraded: int, lost: int) -> CannotStart:
    where = course.format_path(course.autograded_directory, "NAME", name)
    if lost:
        return CannotStart(f"{name} is in the gradebook for {lost} who handed in, but no graded notebook of theirs is "
                           f"in {where}: type ninelives-grade {name} to write them again")
    if ungraded:
        return CannotStart(f"{name} was handed in by {ungraded} and is not graded yet: type ninelives-grade {name}")
    return CannotStart(f"Nobody has handed in {name}, so there is nothing to report")


def _graded_notebooks(
    course: CourseDirectory, assignment: Assignment, student: str
) -> tuple[dict[str, list[dict]], dict[str, Path]]:
    """The cells and the path of each graded notebook of a submission. Raises OSError, ValueError."""
    folder = Path(course.format_path(course.autograded_directory, student, assignment.name))
    files = {notebook.name: folder / f"{notebook.name}.ipynb" for notebook in assignment.notebooks}
    read = {name: json.loads(path.read_text(encoding="utf-8")) for name, path in files.items()}
    if not all(isinstance(found, dict) and isinstance(found.get("cells"), list) for found in read.values()):
        raise ValueError("it is not a notebook")
    return {name: [cell for cell in found["cells"] if isinstance(cell, dict)] for name, found in read.items()}, files


def _as_released(notebook: GradebookNotebook, graded: list[list[dict]]) -> Notebook:
    """A notebook's named cells by the gradebook, in the order of the graded notebook that has most of them."""
    known = {cell.name: cell for cell in notebook.source_cells}
    points = {cell.name: cell.max_score for cell in [*notebook.grade_cells, *notebook.task_cells]}
    roles = {"grade": {cell.name for cell in notebook.grade_cells}, "task": {cell.name for cell in notebook.task_cells},
             "solution": {cell.name for cell in notebook.solution_cells}}
    orders = ([name for name in map(_name, cells) if name in known] for cells in graded)
    order = dict.fromkeys([*max(orders, key=len), *sorted(known)])
    cells = []
    for name in order:
        source = known[name].source or ""
        metadata = {role: name in names for role, names in roles.items()}
        if name in points:
            metadata["points"] = points[name]
        cells.append(Cell(name, None, known[name].cell_type, source, source, source, metadata))
    return Notebook(notebook.name, tuple(cells), {})


def _learner(
    student: Student, notebooks: tuple[Notebook, ...], graded: dict[str, list[dict]], files: dict[str, Path]
) -> Learner:
    name = " ".join(part for part in (student.first_name, student.last_name) if part) or student.id
    learner = Learner(student.id, name, student.email or "", files=files)
    for notebook in notebooks:
        cells = graded[notebook.name]
        if cells and cells[0].get("id") == NOTES_ID:
            lines = _text(cells[0].get("source")).split("\n")
            learner.notes += [line.removeprefix("- ").removesuffix(ASK) for line in lines if line.startswith("- ")]
        sent = {_name(cell): cell for cell in cells}
        for released in notebook.cells:
            key, cell = (notebook.name, released.name), sent.get(released.name, {})
            source = _text(cell.get("source"))
            if released.is_answer and source.strip() not in ("", MISSING) and not same_text(source, released.shown):
                learner.answers[key] = source
            errors = [one for one in cell.get("outputs", []) if one.get("output_type") == "error"]
            if errors:
                learner.said[key] = _error(errors[-1])
    return learner


def _error(output: dict) -> tuple[str, str]:
    """The name of an error and its message, or if it has none, the line that raised it."""
    message = strip_ansi(_text(output.get("evalue")))[:MAX_MESSAGE]
    if not message.strip():
        shown = strip_ansi("\n".join(map(str, output.get("traceback", []))))[-MAX_MESSAGE:].split("\n")
        # "----> 3 assert f(2) == 4"; the last of them is where it was raised.
        raised = [line.partition(">")[2].strip().partition(" ")[2] for line in shown if line.startswith("--")]
        message = next((line.strip() for line in reversed(raised) if line.strip()), "")
    return _text(output.get("ename")), message


def _add_points(
    gradebook: Gradebook, assignment: Assignment, notebooks: tuple[Notebook, ...], learners: dict[str, Learner]
) -> None:
    """Add points and states of all graded cells: one query for the whole class."""
    rows = gradebook.db.query(
        SubmittedAssignment.student_id, GradebookNotebook.name, BaseCell.name, Grade.auto_score, Grade.manual_score,
        Grade.score,
    ).select_from(Grade).join(BaseCell, Grade.cell_id == BaseCell.id).join(
        SubmittedNotebook, Grade.notebook_id == SubmittedNotebook.id).join(
        GradebookNotebook, SubmittedNotebook.notebook_id == GradebookNotebook.id).join(
        SubmittedAssignment, SubmittedNotebook.assignment_id == SubmittedAssignment.id).filter(
        SubmittedAssignment.assignment_id == assignment.id)
    cells = {(notebook.name, cell.name): (notebook, cell) for notebook in notebooks for cell in notebook.cells}
    for student, notebook_name, name, auto, manual, score in rows:
        key = notebook_name, name
        if student not in learners or key not in cells:
            continue
        learner, (notebook, cell) = learners[student], cells[key]
        answer = notebook.answer_of(cell) if cell.is_check else cell
        tried = answer is None or (notebook_name, answer.name) in learner.answers
        given = manual if manual is not None else auto
        learner.points[key] = score
        if given is None:
            learner.states[key] = TO_GRADE if tried else NOT_TRIED
        elif given >= cell.points and not (cell.points == 0 and key in learner.said):
            learner.states[key] = PASSED if tried or given > 0 else NOT_TRIED
        else:
            learner.states[key] = FAILED if tried else NOT_TRIED


def _name(cell: dict) -> Any:
    metadata = cell.get("metadata")
    own = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    return own.get("grade_id") if isinstance(own, dict) else None


def _text(value: Any) -> str:
    """A text of a notebook file, which is a string or a list of its lines."""
    return "".join(map(str, value)) if isinstance(value, list) else value if isinstance(value, str) else ""

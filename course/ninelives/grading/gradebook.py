"""What was graded, written where nbgrader and its formgrader look for it: the gradebook and autograded/."""

import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_markdown_cell
from nbgrader.api import Assignment, BaseCell, Gradebook, MissingEntry, SubmittedAssignment
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import AssignLatePenalties
from nbgrader.utils import rmtree
from sqlalchemy.orm import with_polymorphic

from ninelives.grading.assignment import Cell, Notebook
from ninelives.grading.errors import NotGivenOut
from ninelives.grading.folders import remove
from ninelives.grading.submitted_files import places, sent_files
from ninelives.grading.task import Graded

NOTES = "ninelives-notes"
MOST_OF_A_TIMESTAMP = 1000  # bytes


def never_generated(course: CourseDirectory, name: str, seen: str) -> NotGivenOut:
    """What to do about an assignment that the gradebook lacks: generate it, or ask for one that there is."""
    source = Path(course.format_path(course.source_directory, ".", name))
    if source.is_dir():
        return NotGivenOut(f"{seen}: run nbgrader generate_assignment {name} --force")
    there = ", ".join(sorted(path.name for path in source.parent.glob("*") if path.is_dir()))
    return NotGivenOut(f"There is no assignment {name!r}, since there is no {source}; there are {there or 'none'}")


def given_out(course: CourseDirectory, name: str, gradebook: Gradebook) -> tuple[Notebook, ...]:
    """An assignment's notebooks, from the gradebook and the instructor's own. Raises NotGivenOut."""
    try:
        assignment: Assignment = gradebook.find_assignment(name)
    except MissingEntry:
        raise never_generated(course, name, f"The gradebook knows no assignment {name!r}") from None
    if not assignment.notebooks:
        raise NotGivenOut(f"The assignment {name!r} has no notebook: run nbgrader generate_assignment {name} --force")
    return tuple(_given_out(course, assignment, notebook) for notebook in assignment.notebooks)


def _given_out(course: CourseDirectory, assignment: Assignment, notebook: Any) -> Notebook:
    paths = [Path(course.format_path(folder, ".", assignment.name), f"{notebook.name}.ipynb")
             for folder in (course.source_directory, course.release_directory)]
    if not paths[0].exists():
        raise NotGivenOut(f"There is no {paths[0]}, the instructor's own notebook that answers are put right by")
    if not paths[1].exists():
        raise NotGivenOut(f"There is no {paths[1]}, the notebook as learners got it: put it back, or run "
                          f"nbgrader generate_assignment {assignment.name} --force")
    try:
        solved, shown = (nbformat.read(path, as_version=4) for path in paths)
    except ValueError as problem:
        raise NotGivenOut(f"One of {paths[0]} and {paths[1]} is no notebook: {str(problem).splitlines()[0]}") from None
    shown_sources = {_name(cell): cell.source for cell in shown.cells if _name(cell)}
    known = {cell.name: cell for cell in notebook.source_cells}
    points = {cell.name: cell.max_score for cell in [*notebook.grade_cells, *notebook.task_cells]}
    cells = []
    for cell in solved.cells:
        name = _name(cell)
        if name not in known:
            cells.append(Cell(None, cell.get("id"), cell.cell_type, cell.source, cell.source, cell.source, {}))
            continue
        kept = {key: cell.metadata.nbgrader.get(key, False) for key in ("grade", "solution", "task")}
        metadata = kept | {"schema_version": 3, "grade_id": name, "locked": known[name].locked,
                           "cell_type": known[name].cell_type, "checksum": known[name].checksum}
        if name in points:
            metadata["points"] = points[name]
        cells.append(Cell(name, cell.get("id"), known[name].cell_type, known[name].source,
                          shown_sources.get(name, known[name].source), cell.source, metadata))
    lost = sorted(known.keys() - {cell.name for cell in cells})
    if lost:
        raise NotGivenOut(f"The gradebook has the cell {lost[0]!r}, and {paths[0]} has not: "
                          f"run nbgrader generate_assignment {assignment.name} --force")
    kept = {key: solved.metadata[key] for key in ("kernelspec", "language_info") if key in solved.metadata}
    return Notebook(notebook.name, tuple(cells), kept)


def _name(cell: nbformat.NotebookNode) -> str | None:
    return cell.metadata.get("nbgrader", {}).get("grade_id")


class Recorder:
    """The one who writes: one student after the other, each in one transaction."""

    def __init__(self, autograde: Autograde, gradebook: Gradebook, assignment: str, most: int) -> None:
        self.autograde, self.course, self.gradebook = autograde, autograde.coursedir, gradebook
        self.assignment, self.most = assignment, most  # bytes of the files beside a notebook
        self.penalties = AssignLatePenalties(config=autograde.config)
        self.penalties.init_plugin()
        gradebook.db().expire_on_commit = False  # what a student's line needs is known when it is written

    def record(self, student: str, graded: dict[str, Graded], others: dict[str, Path]) -> SubmittedAssignment:
        """Write what became of a submission. Doing it twice does no harm, and nothing that was given by hand is touched."""
        self._write_notebooks(student, graded, others)
        return self.write_grades(student, graded)

    def _write_notebooks(self, student: str, graded: dict[str, Graded], others: dict[str, Path]) -> None:
        final = Path(self.course.format_path(self.course.autograded_directory, student, self.assignment))
        sent = Path(self.course.format_path(self.course.submitted_directory, student, self.assignment))
        made = final.with_name(f".{final.name}.new")
        remove(made)
        try:
            made.mkdir(parents=True)
            taken = places(graded, others)
            files = dict((place, path) for path, place in sent_files(sent, self.most, taken, []))
            for place, path in (files | {Path(place): path for place, path in others.items()}).items():
                (made / place).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, made / place)
            for name, result in graded.items():
                nbformat.write(with_notes(result), made / f"{name}.ipynb")
            if final.exists():
                rmtree(str(final))
            made.rename(final)
        finally:
            remove(made)  # what could not be written whole
        self.autograde.set_permissions(self.assignment, student)

    def write_grades(self, student: str, graded: dict[str, Graded]) -> SubmittedAssignment:
        """Write the points and comments of these notebooks into the gradebook."""
        sent = self.course.format_path(self.course.submitted_directory, student, self.assignment)
        self.gradebook.db.expire_all()  # someone may be giving points by hand meanwhile
        kept = {}
        timestamp = timestamp_of(self.course, sent)
        if timestamp:
            kept["timestamp"] = timestamp
        self.gradebook.update_or_create_student(student)
        with self.gradebook.db.no_autoflush:
            submission = self.gradebook.update_or_create_submission(self.assignment, student, **kept)
        # Held while grades and comments are asked for their names, which would fetch each cell by itself.
        every = with_polymorphic(BaseCell, "*")
        own = [notebook.notebook_id for notebook in submission.notebooks]
        _held = self.gradebook.db.query(every).filter(every.notebook_id.in_(own)).all()
        done = [notebook for notebook in submission.notebooks if notebook.name in graded]
        for notebook in done:
            result = graded[notebook.name]
            for grade in notebook.grades:
                grade.auto_score = result.scores.get(grade.name)
                grade.needs_manual_grade = grade.manual_score is not None or grade.auto_score is None
            notes = notes_by_cell(result)
            for comment in notebook.comments:
                words = notes.get(comment.name, [])
                if not result.responses.get(comment.name, True):
                    words = ["No response.", *words]
                comment.auto_comment = " ".join(words) or None
        self.gradebook.db.flush()
        for notebook in done:
            notebook.late_submission_penalty = None
            if submission.total_seconds_late > 0:
                penalty = self.penalties.plugin_inst.late_submission_penalty(
                    student, notebook.score, submission.total_seconds_late)
                if penalty is not None:
                    notebook.late_submission_penalty = self.penalties._check_late_penalty(notebook, penalty)
        self.gradebook.db.commit()
        return submission


def timestamp_of(course: CourseDirectory, sent: str) -> datetime | None:
    """When a submission came in; None where its timestamp.txt is missing or says nothing.

    It comes with the submission and may be anything: nbgrader would wait for a pipe to be written, or read a device
    that a link leads to.
    """
    path = Path(sent, "timestamp.txt")
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > MOST_OF_A_TIMESTAMP:
            return None
        return course.get_existing_timestamp(sent)
    except (AttributeError, ValueError, OSError, OverflowError):  # the first is nbgrader's own slip on what is no date
        return None


def notes_by_cell(result: Graded) -> dict[str, list[str]]:
    """The notes of each answer; those that concern no cell stand with the first."""
    first = next(iter(result.responses), None)
    found: dict[str, list[str]] = {}
    for name, words in result.notes:
        found.setdefault(name if name in result.responses else first, []).append(words)
    return found


def with_notes(result: Graded) -> nbformat.NotebookNode:
    """The graded notebook, headed by what has to be said of it."""
    if not result.notes:
        return result.notebook
    lines = "\n".join(f"- {words}" for _, words in result.notes)
    cell = new_markdown_cell(f"**Notes from grading**\n\n{lines}", id=NOTES)
    return nbformat.from_dict({**result.notebook, "cells": [cell, *result.notebook.cells]})

"""Read an assignment from nbgrader's gradebook, and write results where nbgrader and the formgrader look for them."""

import os
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_markdown_cell
from nbgrader.api import Assignment, BaseCell, Gradebook, MissingEntry, SubmittedAssignment
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import IncludeHeaderFooter
from nbgrader.utils import is_grade, is_locked, is_solution, is_task, rmtree
from sqlalchemy.orm import with_polymorphic
from traitlets.config import Config

from ninelives.grading.assignment import Cell, Notebook
from ninelives.grading.earlier_texts import earlier_texts
from ninelives.grading.errors import NotGenerated
from ninelives.grading.folders import remove
from ninelives.grading.late_policy import Penalties
from ninelives.grading.lock import journal_folder
from ninelives.grading.submitted_files import copy_files
from ninelives.grading.task import Graded
from ninelives.grading.written_files import write_files

NOTES_ID = "ninelives-notes"  # of the cell with the notes, at the top of a graded notebook
MAX_TIMESTAMP = 1000  # bytes of a timestamp.txt


def not_generated(course: CourseDirectory, name: str, seen: str) -> NotGenerated:
    """The error for an assignment that the gradebook lacks: generate it, or choose one that exists."""
    source = Path(course.format_path(course.source_directory, ".", name))
    if source.is_dir():
        released = Path(course.format_path(course.release_directory, ".", name))  # nbgrader skips it without --force
        return NotGenerated(f"{seen}: run nbgrader generate_assignment {name}{' --force' if released.is_dir() else ''}")
    sources = Path(course.format_path(course.source_directory, ".", "NAME")).parent  # `name` may be a path
    existing = ", ".join(sorted(path.name for path in sources.glob("*") if path.is_dir()))
    return NotGenerated(f"There is no assignment {name!r}, since there is no {source}; there are {existing or 'none'}")


def released_notebooks(course: CourseDirectory, name: str, gradebook: Gradebook, config: Config) -> tuple[Notebook, ...]:
    """An assignment's notebooks, from the gradebook and the instructor's files. Raises NotGenerated."""
    try:
        assignment: Assignment = gradebook.find_assignment(name)
    except MissingEntry:
        raise not_generated(course, name, f"The gradebook has no assignment {name!r}") from None
    if not assignment.notebooks:
        raise not_generated(course, name, f"The assignment {name!r} has no notebook")
    earlier, header = earlier_texts(journal_folder(course, name)), IncludeHeaderFooter(config=config)
    return tuple(_released(course, assignment, notebook, earlier, header) for notebook in assignment.notebooks)


def _released(
    course: CourseDirectory, assignment: Assignment, notebook: Any, earlier: dict[str, list[str | None]],
    header: IncludeHeaderFooter,
) -> Notebook:
    regenerate = f"type ninelives-grade {assignment.name} --update-assignment"
    paths = [Path(course.format_path(folder, ".", assignment.name), f"{notebook.name}.ipynb")
             for folder in (course.source_directory, course.release_directory)]
    if not paths[0].exists():
        raise NotGenerated(f"There is no {paths[0]}, the instructor's own notebook, which answers are compared with")
    if not paths[1].exists():
        raise NotGenerated(f"There is no {paths[1]}, the notebook as learners got it: put it back, or {regenerate}")
    try:
        solved, shown = (nbformat.read(path, as_version=4) for path in paths)
    except ValueError as problem:
        reason = str(problem).splitlines()[0]
        raise NotGenerated(f"One of {paths[0]} and {paths[1]} is not a notebook: {reason}") from None
    solved = _with_header(solved, header, course.root)
    known = {cell.name: cell for cell in notebook.source_cells}
    points = {cell.name: cell.max_score for cell in [*notebook.grade_cells, *notebook.task_cells]}
    cells = []
    for cell, own in zip(shown.cells, _instructors_own(shown, solved)):
        name = _name(cell)
        if name not in known and is_generated(cell):
            continue  # put into solutions/ since: learners do not have it, and its hidden lines would be shown
        if name not in known:
            cells.append(Cell(None, cell.get("id"), cell.cell_type, cell.source, cell.source, own, {}))
            continue
        roles = {key: cell.metadata.nbgrader.get(key, False) for key in ("grade", "solution", "task")}
        metadata = roles | {"schema_version": 3, "grade_id": name, "locked": known[name].locked,
                            "cell_type": known[name].cell_type, "checksum": known[name].checksum}
        if name in points:
            metadata["points"] = points[name]
        cells.append(Cell(name, cell.get("id"), known[name].cell_type, known[name].source, cell.source, own, metadata,
                          tuple(earlier.get(name, ()))))
    for where, path in ((cells, paths[1]), (_names(solved), paths[0])):
        lost = sorted(known.keys() - {getattr(cell, "name", cell) for cell in where})
        if lost:
            raise NotGenerated(f"The gradebook has the cell {lost[0]!r}, but {path} does not: {regenerate}")
    metadata = {key: solved.metadata[key] for key in ("kernelspec", "language_info") if key in solved.metadata}
    return Notebook(notebook.name, tuple(cells), metadata)


def _with_header(solved: nbformat.NotebookNode, include: IncludeHeaderFooter, root: str) -> nbformat.NotebookNode:
    """The instructor's notebook with the header and footer that generate_assignment has put around it."""
    for name in ("header", "footer"):
        if getattr(include, name):
            setattr(include, name, str(Path(root, getattr(include, name))))
    return include(solved, {})[0]


def _instructors_own(shown: nbformat.NotebookNode, solved: nbformat.NotebookNode) -> list[str]:
    """For each released cell its source as the instructor wrote it: by its name, its id, or its place."""
    by_name = {_name(cell): cell.source for cell in solved.cells if _name(cell)}
    by_id = {cell.id: cell.source for cell in solved.cells if "id" in cell}
    same_length = len(shown.cells) == len(solved.cells)
    return [by_name.get(_name(cell)) or by_id.get(cell.get("id"))
            or (solved.cells[index].source if same_length and not _name(cell) else cell.source)
            for index, cell in enumerate(shown.cells)]


def _names(notebook: nbformat.NotebookNode) -> list[str | None]:
    return [_name(cell) for cell in notebook.cells]


def is_generated(cell: nbformat.NotebookNode) -> bool:
    """Whether generate_assignment puts a cell into the gradebook."""
    return is_grade(cell) or is_solution(cell) or is_locked(cell) or is_task(cell)


def _name(cell: nbformat.NotebookNode) -> str | None:
    return cell.metadata.get("nbgrader", {}).get("grade_id")


class Recorder:
    """Writes results: one student after the other, each in one transaction."""

    def __init__(self, autograde: Autograde, gradebook: Gradebook, assignment: str) -> None:
        self.autograde, self.course, self.gradebook = autograde, autograde.coursedir, gradebook
        self.assignment = assignment
        self.penalties = Penalties(autograde.config)
        gradebook.db().expire_on_commit = False  # a student's result is read after it was committed

    def record(
        self, student: str, graded: dict[str, Graded], others: dict[str, Path], siblings: tuple[str, ...] = ()
    ) -> SubmittedAssignment:
        """Write a graded submission. Doing it twice does no harm, and what was given by hand stays.

        Args:
            siblings: the assignment's notebooks; those that were not graded now stay as they are.
        """
        self._write_notebooks(student, graded, others, siblings)
        return self.write_grades(student, graded)

    def _write_notebooks(
        self, student: str, graded: dict[str, Graded], others: dict[str, Path], siblings: tuple[str, ...]
    ) -> None:
        final = Path(self.course.format_path(self.course.autograded_directory, student, self.assignment))
        submission = Path(self.course.format_path(self.course.submitted_directory, student, self.assignment))
        new = final.with_name(f".{final.name}.new")
        remove(new)
        try:
            new.mkdir(parents=True)
            copy_files(others, new, submission, next(iter(graded.values())).files)
            for name in set(siblings) - graded.keys():
                if (final / f"{name}.ipynb").exists():
                    shutil.copy2(final / f"{name}.ipynb", new)
            for name, result in graded.items():
                write_files(result.written, new)
                nbformat.write(with_notes(result), new / f"{name}.ipynb")
            if final.exists():
                rmtree(str(final))
            new.rename(final)
        finally:
            remove(new)  # what could not be written completely
        self.autograde.set_permissions(self.assignment, student)

    def write_grades(self, student: str, graded: dict[str, Graded]) -> SubmittedAssignment:
        """Write the points and comments of these notebooks into the gradebook."""
        folder = self.course.format_path(self.course.submitted_directory, student, self.assignment)
        self.gradebook.db.expire_all()  # someone may be giving points by hand meanwhile
        timestamp = timestamp_of(self.course, folder)
        known = {"timestamp": timestamp} if timestamp or why_no_time(self.course, folder) else {}
        if self.autograde.create_student:
            self.gradebook.update_or_create_student(student)
        with self.gradebook.db.no_autoflush:
            submission = self.gradebook.update_or_create_submission(self.assignment, student, **known)
        _loaded = load_cells(self.gradebook, submission)  # kept until all names were read
        done = [notebook for notebook in submission.notebooks if notebook.name in graded]
        for notebook in done:
            _set_points_and_comments(notebook, graded[notebook.name])
        self.gradebook.db.flush()
        self.penalties.update(submission)
        self.gradebook.db.commit()
        return submission


def load_cells(gradebook: Gradebook, submission: SubmittedAssignment) -> list[BaseCell]:
    """Load all cells of a submission's notebooks in one query; otherwise each grade.name is a query of its own."""
    every = with_polymorphic(BaseCell, "*")
    own = [notebook.notebook_id for notebook in submission.notebooks]
    return gradebook.db.query(every).filter(every.notebook_id.in_(own)).all()


def _set_points_and_comments(notebook: Any, result: Graded) -> None:
    """Set these of a submitted notebook in the gradebook."""
    for grade in notebook.grades:
        grade.auto_score = result.scores.get(grade.name)
        grade.needs_manual_grade = grade.manual_score is not None or grade.auto_score is None
    notes = notes_by_cell(result, [comment.name for comment in notebook.comments])
    for comment in notebook.comments:
        words = notes.get(comment.name, [])
        if not result.responses.get(comment.name, True):
            words = ["No response.", *words]
        comment.auto_comment = " ".join(words) or None


def timestamp_of(course: CourseDirectory, folder: str) -> datetime | None:
    """When a submission came in; None if its timestamp.txt is missing or contains no time.

    The file comes with the submission and may be anything: nbgrader would wait for a pipe to be written, or read a
    device that a link leads to.
    """
    path = Path(folder, "timestamp.txt")
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > MAX_TIMESTAMP:
            return None
        return course.get_existing_timestamp(folder)
    except (AttributeError, ValueError, OSError, OverflowError):  # AttributeError is nbgrader's, if it is not a date
        return None


def why_no_time(course: CourseDirectory, folder: str) -> str | None:
    """A sentence about a timestamp.txt from which no time can be read; None if it is missing or contains one."""
    if timestamp_of(course, folder) or not os.path.lexists(Path(folder, "timestamp.txt")):
        return None
    return ("timestamp.txt contains no time, so the submission counts as handed in on time: write one into it, such as "
            "2026-11-27 18:00:00 UTC.")


def notes_by_cell(result: Graded, commented: list[str]) -> dict[str, list[str]]:
    """The notes of each cell that has a comment; notes on no particular cell go to the first answer."""
    first = next(iter(result.responses), None)
    found: dict[str, list[str]] = {}
    for name, words in result.notes:
        found.setdefault(name if name in commented else first, []).append(words)
    return found


def with_notes(result: Graded) -> nbformat.NotebookNode:
    """The graded notebook with its notes at the top."""
    if not result.notes:
        return result.notebook
    lines = "\n".join(f"- {words}" for _, words in result.notes)
    cell = new_markdown_cell(f"**Notes from grading**\n\n{lines}", id=NOTES_ID)
    return nbformat.from_dict({**result.notebook, "cells": [cell, *result.notebook.cells]})

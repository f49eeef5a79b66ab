"""Take a changed assignment over in mid-term: from solutions/ into the gradebook and release/.

nbgrader's generate_assignment refuses to add or remove cells when there are submissions, and has removed release/ by
then. Here nothing is removed before its replacement exists, and what was given by hand stays.
"""

import json
import os
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.api import (
    Assignment,
    Comment,
    Grade,
    Gradebook,
    GradeCell,
    MissingEntry,
    SolutionCell,
    SourceCell,
    SubmittedAssignment,
    TaskCell,
)
from nbgrader.converters import Autograde
from nbgrader.preprocessors import ClearHiddenTests, ClearMarkScheme
from nbgrader.utils import find_all_files

from ninelives.grading.backup import back_up
from ninelives.grading.class_folder import open_gradebook, quiet_autograde
from ninelives.grading.differences import Differences, differences, rows_of
from ninelives.grading.earlier_texts import add_earlier_texts
from ninelives.grading.errors import CannotStart
from ninelives.grading.folders import replacing
from ninelives.grading.generated import Generated, Row, generated_notebooks
from ninelives.grading.gradebook import not_generated
from ninelives.grading.lock import journal_folder, locked

TABLES = {"grade": GradeCell, "solution": SolutionCell, "task": TaskCell, "source": SourceCell}


class Update:
    """What solutions/ would change in the gradebook and in release/.

    Raises:
        CannotStart: there is no such assignment in the gradebook, or solutions/ cannot be generated.
    """

    def __init__(self, autograde: Autograde, gradebook: Gradebook, name: str) -> None:
        self.autograde, self.course, self.gradebook, self.name = autograde, autograde.coursedir, gradebook, name
        try:
            self.assignment: Assignment = gradebook.find_assignment(name)
        except MissingEntry:
            raise not_generated(self.course, name, f"The gradebook has no assignment {name!r}") from None
        source = Path(self.course.format_path(self.course.source_directory, ".", name))
        self.release = Path(self.course.format_path(self.course.release_directory, ".", name))
        self.made = generated_notebooks(autograde, name)
        files = map(Path, find_all_files(str(source), [*self.course.ignore, "*.ipynb"]))
        self.others = {str(path.relative_to(source)): path for path in files}
        self.differences = differences(self.assignment, self.made, self.release, self.others)

    def take_over(self, say=print) -> None:
        """Change the gradebook, in one transaction, and then release/. Raises CannotStart if nothing was changed."""
        names = {notebook.name for notebook in self.assignment.notebooks}
        if names != self.made.keys():
            raise CannotStart(f"The notebooks of {self.name} are {', '.join(sorted(names))}, and solutions/ has "
                              f"{', '.join(sorted(self.made))}. A notebook cannot be added or removed once there are "
                              "submissions: make it an assignment of its own, or put it back")
        self._refuse_loss()
        say(back_up(self.course.db_url, Path(self.course.root), self.name))
        add_earlier_texts(journal_folder(self.course, self.name), self._given_out_before(), self._added())
        for notebook in self.assignment.notebooks:
            self._write_rows(notebook, self.made[notebook.name])
        self.gradebook.db.commit()
        self._write_release()

    def points_above(self) -> list[str]:
        """Points given by hand that are more than their cell has now."""
        return [f"{submission.student.id} has {grade.manual_score:g} points by hand for {grade.name!r}, which has "
                f"{grade.cell.max_score:g} now"
                for submission, grade in self._grades()
                if grade.manual_score is not None and grade.manual_score > grade.cell.max_score]

    def graded(self) -> list[str]:
        """Who is graded: a submission without an autograded folder is an extension, or has yet to be graded."""
        students = (submission.student.id for submission in self.assignment.submissions)
        graded = self.course.autograded_directory
        return sorted(one for one in students if Path(self.course.format_path(graded, one, self.name)).is_dir())

    def _grades(self) -> list[tuple[SubmittedAssignment, Grade]]:
        return [(submission, grade) for submission in self.assignment.submissions
                for notebook in submission.notebooks for grade in notebook.grades]

    def _refuse_loss(self) -> None:
        """Raises CannotStart if somebody has points or a comment by hand for a cell that is gone."""
        for notebook in self.assignment.notebooks:
            after = self.made[notebook.name].rows
            for cell in [*notebook.grade_cells, *notebook.task_cells, *notebook.solution_cells]:
                if _row(cell) in after:
                    continue
                given = {one.notebook.student.id for one in cell.grades
                         if one.manual_score is not None or one.extra_credit is not None}
                given |= {one.notebook.student.id for one in cell.comments if one.manual_comment}
                if given:
                    raise CannotStart(
                        f"The cell {cell.name!r} is gone from solutions/, but has points or comments that were given "
                        f"by hand: {', '.join(sorted(given))}. Put the cell back (with 0 points, if it is not to "
                        "count), or clear them in the formgrader. Nothing was changed")

    def _given_out_before(self) -> dict[str, str]:
        """The cells as learners may have them, by name, where their text changes."""
        texts = {}
        for notebook in self.assignment.notebooks:
            after = self.made[notebook.name].rows
            for cell in notebook.source_cells:
                if after.get(_row(cell), {}).get("source") != cell.source:
                    texts[cell.name] = shown_to_learners(cell.source, self.autograde)
        return texts

    def _added(self) -> list[str]:
        return [name for notebook in self.assignment.notebooks
                for table, name in self.made[notebook.name].rows.keys() - rows_of(notebook).keys() if table == "source"]

    def _write_rows(self, notebook: Any, made: Generated) -> None:
        """Change the gradebook's rows of a notebook, with those of everyone who has submitted it."""
        db = self.gradebook.db
        cells = {_row(cell): cell for cell in [*notebook.grade_cells, *notebook.task_cells, *notebook.solution_cells,
                                              *notebook.source_cells]}
        for row in cells.keys() - made.rows.keys():
            for one in [] if row[0] == "source" else [*cells[row].grades, *cells[row].comments]:
                db.delete(one)
            db.delete(cells[row])
        for row, values in made.rows.items():
            table, name = row
            if row in cells:
                for key, value in values.items():
                    setattr(cells[row], key, value)
                continue
            cell = TABLES[table](name=name, notebook=notebook, **values)
            db.add(cell)
            for submitted in notebook.submissions:
                if table in ("grade", "task"):
                    db.add(Grade(cell=cell, notebook=submitted))
                if table in ("solution", "task"):
                    db.add(Comment(cell=cell, notebook=submitted))
        notebook.kernelspec = json.dumps(made.kernelspec)

    def _write_release(self) -> None:
        """Replace each file of release/ by the new one, and only then remove what the assignment no longer has."""
        permissions = 0o664 if self.course.groupshared else 0o644
        files = {f"{name}.ipynb": (nbformat.writes(made.released).rstrip("\n") + "\n").encode()
                 for name, made in self.made.items()}
        files |= {name: path.read_bytes() for name, path in self.others.items()}
        for name, data in files.items():
            path = self.release / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as new:
                new.write_bytes(data)
                new.chmod(permissions)
        for path in sorted(self.release.rglob("*"), reverse=True):
            if path.is_file() and str(path.relative_to(self.release)) not in files:
                path.unlink()


def _row(cell: Any) -> Row:
    return next(table for table, kind in TABLES.items() if isinstance(cell, kind)), cell.name


def shown_to_learners(source: str, autograde: Autograde) -> str:
    """A cell of the gradebook without its hidden lines."""
    cell = NotebookNode(cell_type="code", source=source, metadata={})
    for step in (ClearHiddenTests, ClearMarkScheme):
        clear = step(config=autograde.config)
        clear.enforce_metadata = False
        cell = clear.preprocess(NotebookNode(cells=[cell], metadata=NotebookNode()), {})[0].cells[0]
    return cell.source


def update_assignment(root: Path, name: str, say=print) -> None:
    """Say what differs, take it over, and say who has to be graded again. Raises CannotStart."""
    autograde = quiet_autograde(root, name)
    gradebook = open_gradebook(autograde.coursedir, root, name)
    try:
        with locked(autograde.coursedir, name):
            update = Update(autograde, gradebook, name)
            found = update.differences
            if not found:
                say(f"{name}: solutions/, release/ and the gradebook agree. Nothing was changed.")
                return
            say("\n".join([f"{name}: solutions/ differs from what was given out and graded:", *found.lines()]))
            update.take_over(say)
            say("\n".join(_what_next(update, found)))
    finally:
        gradebook.close()


def notice(autograde: Autograde, gradebook: Gradebook, name: str) -> str | None:
    """A sentence, if solutions/ is not what the gradebook has; None if it is."""
    try:
        found = Update(autograde, gradebook, name).differences
    except CannotStart as problem:
        return f"Beware: {problem}."
    if not found.graded:
        return None
    return "\n".join([f"Beware: solutions/ differs from the gradebook, by which {name} is graded:",
                      *found.lines(), f"To take this over, type ninelives-grade {name} --update-assignment"])


def _what_next(update: Update, found: Differences) -> list[str]:
    lines = [f"Beware: {words}." for words in update.points_above()]
    everyone = update.graded()
    if found.graded and everyone:
        lines.append(f"To be graded again, {len(everyone)}: {', '.join(everyone)}. Type ninelives-grade {update.name}, "
                     f"and then nbgrader generate_feedback {update.name} --force")
    else:
        lines.append("Nobody has to be graded again.")
    lines.append("What learners have already is graded all the same. To give out the new one, type nbgrader "
                 f"release_assignment {update.name} --force")
    if found.graded:
        source = update.course.format_path(update.course.source_directory, ".", update.name)
        lines.append("Before that, see whether your own answers pass the new checks, which nobody has tried yet: nbgrader "
                     f"validate {os.path.relpath(source, update.course.root)}/*.ipynb")
    return lines

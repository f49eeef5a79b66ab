"""Courses that have never heard of this one: a few cells, the settings of plain nbgrader, and the instructor's own answers."""

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.api import Gradebook

from helpers.classroom import generate_assignment
from helpers.plain_class import NAME, command

SETTINGS = "c = get_config()\nc.CourseDirectory.course_id = 'plain'\n"
PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}


def given(source: str, **metadata) -> nbformat.NotebookNode:
    """A plain code cell."""
    return new_code_cell(source, id=f"given-{abs(hash(source)) % 10**8}", metadata=metadata)


def graded_cell(make, source: str, name: str, **roles) -> nbformat.NotebookNode:
    made = make(source, id=name)
    made.metadata.nbgrader = {"schema_version": 3, "grade_id": name, "task": False, "grade": False, "solution": False,
                              "locked": False, **roles}
    return made


def answer(source: str, name: str) -> nbformat.NotebookNode:
    return graded_cell(new_code_cell, f"### BEGIN SOLUTION\n{source}\n### END SOLUTION", name, solution=True)


def check(source: str, name: str, points: float = 1) -> nbformat.NotebookNode:
    return graded_cell(new_code_cell, source, name, grade=True, locked=True, points=points)


def by_hand(source: str, name: str, make=new_markdown_cell) -> nbformat.NotebookNode:
    return graded_cell(make, source, name, grade=True, solution=True, points=2)


def exercises(*sources: tuple[str, str]) -> list[nbformat.NotebookNode]:
    """An answer and its check for each pair of sources."""
    return [cell for number, (solution, test) in enumerate(sources)
            for cell in (answer(solution, f"task-{number}"), check(test, f"task-{number}-check"))]


def make_course(folder: Path, notebooks: dict[str, list], settings: str = "", files: dict[str, str] | None = None) -> Path:
    """An instructor's folder with the assignment generated; `files` lie beside the notebooks."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nbgrader_config.py").write_text(SETTINGS + settings)
    source = folder / "source" / NAME
    source.mkdir(parents=True)
    for name, content in (files or {}).items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(content)
    for name, cells in notebooks.items():
        made = new_notebook(cells=cells, metadata=PYTHON)
        if name.startswith("old"):  # a notebook from before cells had ids
            made.nbformat_minor = 4
            for cell in made.cells:
                del cell["id"]
        nbformat.write(made, source / f"{name}.ipynb")
    generate_assignment(folder, NAME)
    return folder


def hand_in(course: Path, student: str, answers: dict[str, str] | None = None, change=None) -> Path:
    """Hand in the notebooks: with the instructor's own answers, or with these; `change` gets each notebook."""
    folder = course / "submitted" / student / NAME
    folder.mkdir(parents=True)
    for path in sorted((course / "release" / NAME).glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        solved = nbformat.read(course / "source" / NAME / path.name, as_version=4)
        own = {cell.metadata.nbgrader.grade_id: cell.source for cell in solved.cells
               if cell.metadata.get("nbgrader", {}).get("solution")} if answers is None else answers
        for cell in notebook.cells:
            cell.source = own.get(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source)
        if change:
            change(notebook)
        nbformat.write(notebook, folder / path.name)
    return folder


def grade(course: Path, *options: str, fails: int = 0) -> str:
    """ninelives-grade as if it was typed; what it printed."""
    return command(course, "--workers", "1", *options, fails=fails)


def points(course: Path) -> dict[str, dict[str, float | None]]:
    """What each learner earned for each cell, {student: {"notebook/cell": points}}."""
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "plain") as gradebook:
        return {one.student.id: {f"{book.name}/{cell.name}": cell.auto_score for book in one.notebooks for cell in book.grades}
                for one in gradebook.assignment_submissions(NAME)}


def graded(course: Path, student: str, notebook: str = "p1") -> nbformat.NotebookNode:
    return nbformat.read(course / "autograded" / student / NAME / f"{notebook}.ipynb", as_version=4)

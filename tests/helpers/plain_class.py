"""A class with the settings of this course and a notebook of two cells, which imports nothing and is graded in a moment."""

import io
import json
import shutil
import time
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from helpers.classroom import cell, generate_assignment, write_settings

NAME = "ps1"
RIGHT, WRONG = "def double(x):\n    return 2 * x", "def double(x):\n    return x + 2"
CHECK = "assert double(2) == 4\n### BEGIN HIDDEN TESTS\nassert double(5) == 10\n### END HIDDEN TESTS"
LIGHT = ("c.Course.preload = []", "c.Course.warm_up = []", "c.Course.solution_packages = []")


def make_course(folder: Path, *settings: str) -> Path:
    """An instructor's folder with the assignment generated, worth 10 points; settings are lines for nbgrader_config.py."""
    shutil.copytree(generated().name, folder, dirs_exist_ok=True)
    write_settings(folder, *LIGHT, *settings)
    return folder


@cache
def generated() -> TemporaryDirectory:
    folder = TemporaryDirectory(prefix="ninelives-plain-")
    course = Path(folder.name)
    write_settings(course, *LIGHT)
    (course / "solutions" / NAME).mkdir(parents=True)
    cells = [
        new_markdown_cell("# Twice", id="title"),
        cell(new_code_cell, f"### BEGIN SOLUTION\n{RIGHT}\n### END SOLUTION", "double", solution=True),
        cell(new_code_cell, CHECK, "double-check", grade=True, locked=True, points=10),
    ]
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": {
        "name": "python3", "display_name": "Python 3", "language": "python"}}), course / "solutions" / NAME / f"{NAME}.ipynb")
    generate_assignment(course, NAME)
    return folder


def answered(course: Path, answer: str = RIGHT) -> str:
    """The released notebook with this answer, as the text of its file."""
    notebook = nbformat.read(course / "release" / NAME / f"{NAME}.ipynb", as_version=4)
    next(one for one in notebook.cells if one.cell_type == "code").source = answer
    return json.dumps(notebook)


def send(course: Path, student: str, answer: str = RIGHT, timestamp: str = "2026-11-20 10:00:00 UTC") -> Path:
    """Put a submission where `nbgrader collect` would."""
    folder = course / "submitted" / student / NAME
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{NAME}.ipynb").write_text(answered(course, answer))
    if timestamp:
        (folder / "timestamp.txt").write_text(timestamp)
    return folder


def command(course: Path, *arguments: str, fails: int = 0) -> str:
    """ninelives-grade, as if it was typed in the class's folder on a machine in UTC; what it printed."""
    from ninelives.grading import cli  # here, since all the rest is wanted without Linux, too

    said = io.StringIO()
    try:
        with pytest.MonkeyPatch.context() as patched, redirect_stdout(said), redirect_stderr(said):
            patched.chdir(course)
            patched.setenv("TZ", "UTC")
            time.tzset()
            try:
                status = cli.main([NAME, *arguments])
            except SystemExit as end:  # of argparse
                status = end.code
            assert status == fails, said.getvalue()
    finally:
        time.tzset()
    return said.getvalue()

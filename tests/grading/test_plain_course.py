"""A course of two cells that has never heard of torch or of this package, graded with default settings."""

import os
import sqlite3
import sys
from subprocess import run

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.api import Gradebook

from helpers.classroom import ACTIVATED, cell, generate_assignment, nbgrader

NAME = "ps1"
SETTINGS = "c = get_config()\nc.CourseDirectory.course_id = 'sums'\n"
RIGHT, WRONG = "def double(x):\n    return 2 * x", "def double(x):\n    return x + 2"
CHECK = """\
import sys
assert not [name for name in sys.modules if name.split(".")[0] in ("torch", "numpy", "safetensors", "matplotlib")]
assert not [name for name in sys.modules if name.startswith("ninelives.") and not name.startswith("ninelives.grading")]
assert double(2) == 4
### BEGIN HIDDEN TESTS
assert double(5) == 10 and double("a") == "aa"
### END HIDDEN TESTS"""
CLASS = {
    "right": (RIGHT, 1),
    "wrong": (WRONG, 0),
    "loops": ("import time\ndef double(x):\n    while True: time.sleep(60)", 0),
    "tampers": ("import ast\nclass Strip(ast.NodeTransformer):\n    def visit_Assert(self, node): return ast.Pass()\n"
                "get_ipython().ast_transformers.append(Strip())", 0),
}
# A module that says when it is imported by the grader's own processes. Kernels do not get PYTHONPATH.
TRAP = "import pathlib, sys\npathlib.Path(__file__).with_suffix('.imported').touch()\nraise ImportError('trapped')\n"


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    course = tmp_path_factory.mktemp("sums")
    (course / "nbgrader_config.py").write_text(SETTINGS + "c.ExecutePreprocessor.timeout = 5\n")
    (course / "source" / NAME).mkdir(parents=True)
    cells = [
        new_markdown_cell("# Twice", id="title"),
        cell(new_code_cell, f"### BEGIN SOLUTION\n{RIGHT}\n### END SOLUTION", "double", solution=True),
        cell(new_code_cell, CHECK, "double-check", grade=True, locked=True, points=1),
    ]
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": {
        "name": "python3", "display_name": "Python 3", "language": "python"}}), course / "source" / NAME / "sums.ipynb")
    generate_assignment(course, NAME)
    released = nbformat.read(course / "release" / NAME / "sums.ipynb", as_version=4)
    for student, (answer, _) in CLASS.items():
        folder = course / "submitted" / student / NAME
        folder.mkdir(parents=True)
        released.cells[1].source = answer
        nbformat.write(released, folder / "sums.ipynb")
    return course


@pytest.fixture(scope="module")
def traps(tmp_path_factory):
    folder = tmp_path_factory.mktemp("traps")
    for name in ("torch", "safetensors"):
        (folder / f"{name}.py").write_text(TRAP)
    return folder


@pytest.fixture(scope="module")
def graded(course, traps):
    environment = os.environ | {"PATH": ACTIVATED, "PYTHONPATH": str(traps)}
    return run([sys.executable, "-m", "ninelives.grading", NAME, "--workers", "1"], cwd=course, env=environment,
               capture_output=True, text=True, timeout=600)


def points(course) -> dict[str, float]:
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "sums") as gradebook:
        return {one.student.id: one.score for one in gradebook.assignment_submissions(NAME)}


def test_everyone_gets_the_points_they_deserve(graded, course):
    assert graded.returncode == 0 and "Beware" not in graded.stdout, graded.stdout + graded.stderr
    assert points(course) == {student: deserved for student, (_, deserved) in CLASS.items()}, graded.stdout


def test_no_kernel_has_imported_torch_or_a_module_of_this_course(graded, course):
    """The check of everyone asserts that, and the right answer passes it."""
    assert points(course)["right"] == 1


def test_no_process_of_the_grader_has_imported_torch(graded, traps):
    assert not list(traps.glob("*.imported"))


def test_a_patched_notebook_and_an_endless_loop_are_noted(graded):
    assert "also accepted a deliberately wrong answer" in graded.stdout
    assert "was stopped: it ran for more than 5 seconds" in graded.stdout


def test_the_hook_gives_the_same_points_in_such_a_course(graded, course, tmp_path):
    with sqlite3.connect(course / "gradebook.db") as before:
        assert before.execute("select count(*) from student").fetchone() == (len(CLASS),)
    with (course / "nbgrader_config.py").open("a") as config:
        config.write("c.Autograde.exporter_class = 'ninelives.grading.nbgrader_hook.LenientExporter'\n"
                     "c.Autograde.sanitize_preprocessors = []\n"
                     "c.Autograde.autograde_preprocessors = ['ninelives.grading.nbgrader_hook.SandboxedExecute']\n")
    before = points(course)
    nbgrader(course, "autograde", NAME, "--force")
    assert points(course) == before

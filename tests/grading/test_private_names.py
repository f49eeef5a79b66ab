"""Every private name of another package that the engine relies on, each with a test.

    IPython      InteractiveShell._showtraceback   overridden: an error goes over the channel
                 InteractiveShell._tee             overridden: IPython keeps no history of outputs
    Python       ProcessPoolExecutor._processes    read: the workers to kill
    nbgrader     AssignLatePenalties._check_late_penalty   called: a penalty takes no more points than there are
                 BaseCell, and what derives from it        loaded in one query

If an update takes one of them away, the test named after it fails. Others must not come in unnoticed.
"""

import ast
import inspect
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace

import pytest
from IPython.core.interactiveshell import InteractiveShell
from nbgrader.api import Gradebook
from nbgrader.preprocessors import AssignLatePenalties
from sqlalchemy import event

from helpers.classroom import ACTIVATED
from ninelives import grading
from ninelives.grading.gradebook import load_cells
from ninelives.grading.kernel_shell import Shell

OVERRIDDEN = {"_showtraceback", "_tee"}
USED = {"_processes", "_check_late_penalty"}
PUBLIC = {"_exit", "_replace", "_exit_code"}  # of os, of namedtuples, and of IPython: these are documented


def private(names: set[str]) -> set[str]:
    return {name for name in names if name.startswith("_") and not name.startswith("__")}


def names_in(path: Path) -> tuple[set[str], set[str]]:
    """The private names that a module defines, and those that it uses."""
    defined, used = set(), set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            defined.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            defined.add(node.id)
        elif isinstance(node, ast.Attribute):
            used.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            used.add(node.value)  # as in getattr(executor, "_processes")
    return private(defined), private(used)


def test_no_other_private_name_is_used():
    found = [names_in(path) for path in Path(grading.__path__[0]).glob("*.py")]
    defined, used = (set().union(*sets) for sets in zip(*found))
    assert used - defined == USED | PUBLIC


def test_no_other_private_method_of_ipython_is_overridden():
    methods = {name for name, value in vars(Shell).items() if inspect.isfunction(value)}
    assert private(methods) == OVERRIDDEN


@pytest.mark.parametrize(("name", "parameters"), [
    ("_showtraceback", ["self", "etype", "evalue", "stb"]), ("_tee", ["self", "channel"])])
def test_ipython_calls_the_overridden_methods_with_these_parameters(name, parameters):
    assert list(inspect.signature(getattr(InteractiveShell, name)).parameters) == parameters
    assert f"self.{name}(" in inspect.getsource(InteractiveShell)


def test_a_pool_of_processes_knows_those_that_can_be_killed():
    with ProcessPoolExecutor(1, get_context("spawn")) as executor:
        pid = executor.submit(os.getpid).result()
        assert {number: callable(process.kill) for number, process in executor._processes.items()} == {pid: True}


@pytest.mark.parametrize(("penalty", "taken"), [(1, 1), (5, 2), (-1, 0)])
def test_a_late_penalty_takes_no_more_points_than_there_are(penalty, taken):
    notebook = SimpleNamespace(score=2, name="n", id="1")
    assert AssignLatePenalties()._check_late_penalty(notebook, penalty) == taken


def test_the_names_of_all_cells_are_read_in_one_query(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", ACTIVATED)
    with Gradebook(f"sqlite:///{tmp_path}/gradebook.db", "course") as gradebook:
        gradebook.add_assignment("one")
        gradebook.add_notebook("n", "one")
        for number in range(5):
            gradebook.add_grade_cell(f"check-{number}", "n", "one", max_score=1, cell_type="code")
            gradebook.add_solution_cell(f"answer-{number}", "n", "one")
        gradebook.add_student("ada")
        with gradebook.db.no_autoflush:
            submission = gradebook.add_submission("one", "ada")
        gradebook.db.expire_all()
        [notebook] = submission.notebooks
        grades, comments = list(notebook.grades), list(notebook.comments)
        queries = []
        event.listen(gradebook.db.get_bind(), "before_cursor_execute", lambda *call: queries.append(call[2]))
        loaded = load_cells(gradebook, submission)
        assert len(loaded) == 10 and len(queries) == 1
        names = {grade.name for grade in grades} | {comment.name for comment in comments}
        assert len(names) == 10 and len(queries) == 1

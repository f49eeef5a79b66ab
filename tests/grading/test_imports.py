"""The engine knows no course: it imports nothing of this one, and its code contains no word of it."""

import ast
import re
from pathlib import Path

import pytest

from ninelives import grading

MODULES = sorted(Path(grading.__path__[0]).glob("*.py"))
USED = {
    "nbgrader", "nbconvert", "jupyter_client", "nbformat", "traitlets", "sqlalchemy", "jinja2", "IPython", "ipykernel",
    "pyseccomp", "dask", "matplotlib", "markupsafe", "rapidfuzz",
}
# numpy's random numbers are seeded afresh in every kernel, if a notebook has imported it.
WORDS_OF_A_COURSE = re.compile(r"torch|tensor|numpy(?!\.random$)|NotHandedIn|ninelives\.(?!grading)\w", re.I)


def imported_by(tree: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def strings_in(tree: ast.Module) -> list[str]:
    """All strings of a module but docstrings."""
    docstrings = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            docstrings.add(node.value)
    return [node.value for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docstrings]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_of_the_engine_imports_only_the_engine_and_what_it_lists(path):
    found = imported_by(ast.parse(path.read_text(encoding="utf-8")))
    ours = {name for name in found if name.partition(".")[0] == "ninelives"}
    assert all(name.startswith("ninelives.grading.") for name in ours), ours
    others = {name.partition(".")[0] for name in found - ours}
    assert others <= USED | set(__import__("sys").stdlib_module_names), others


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_no_string_of_the_engine_names_a_thing_of_the_course(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not [text for text in strings_in(tree) if WORDS_OF_A_COURSE.search(text)]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_no_module_of_the_engine_has_more_than_250_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 250

"""Submissions as learners make them: a released notebook with answers typed into it."""

import ast
import inspect
import re
from collections.abc import Callable
from pathlib import Path

import nbformat


def graded_cells(notebook: nbformat.NotebookNode) -> dict[str, nbformat.NotebookNode]:
    """The cells that nbgrader knows, by grade_id."""
    return {cell.metadata.nbgrader.grade_id: cell for cell in notebook.cells if "nbgrader" in cell.metadata}


def fill(notebook_path: Path, answers: dict[str, str]) -> nbformat.NotebookNode:
    """A released notebook with the source of some answer cells replaced. Raises KeyError for a name it lacks."""
    notebook = nbformat.read(notebook_path, as_version=4)
    cells = graded_cells(notebook)
    for grade_id, source in answers.items():
        cells[grade_id].source = source
    return notebook


def solutions(solved_path: Path) -> dict[str, str]:
    """The source of every answer cell of a solved notebook, by grade_id."""
    cells = graded_cells(nbformat.read(solved_path, as_version=4))
    return {grade_id: cell.source for grade_id, cell in cells.items() if cell.metadata.nbgrader.solution}


def source_of(answer: Callable, name: str) -> str:
    """What a learner would type to give this answer of the bank under the exercise's own name.

    The answer's module without the other answers, and without the exercises, whose names are the learner's. What
    a class of the bank derives from may be in the checks: its import stays.
    """
    module = inspect.getmodule(answer)
    kept = []
    for node in ast.parse(inspect.getsource(module)).body:
        if getattr(node, "name", None) == answer.__name__:
            node.decorator_list = []
        elif isinstance(node, ast.ImportFrom) and re.match("answers|ninelives.checks", node.module):
            node.names = [each for each in node.names if inspect.isclass(getattr(module, each.name))]
            if not node.names:
                continue
        elif getattr(node, "decorator_list", []):
            continue
        kept.append(node)
    return ast.unparse(ast.Module(kept, [])) + f"\n{name} = {answer.__name__}\n"

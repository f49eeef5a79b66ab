"""A repaired notebook has every released cell once, and is valid."""

from dataclasses import replace

import nbformat
import pytest

from helpers.classroom import toy_notebook
from ninelives.grading.read_notebook import SentCell, read_cells
from ninelives.grading.repair import repaired
from ninelives.grading.sandbox import Limits
from ninelives.grading.task import Task


@pytest.fixture
def task(tmp_path):
    return Task(tmp_path, (toy_notebook(),), {}, Limits(), "stamp")


def test_a_different_notebook_gets_a_single_note(task):
    another = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print('a lab')")])
    made, notes = repaired(read_cells(nbformat.writes(another).encode()), task.notebooks[0])
    assert notes == [(None, "All exercises were missing; they were put back empty. Perhaps another notebook was submitted.")]
    assert {cell.metadata.nbgrader.grade_id for cell in made.cells[1:] if "nbgrader" in cell.metadata} == {
        cell.name for cell in task.notebooks[0].cells if cell.name}


def test_a_repaired_notebook_is_valid_whatever_its_cells_contain(task):
    pictures = {"cat.png": {"image/png": "iVBORw0KGgo="}, "dog.png": {"image/png": 5}, "hen.png": 7}
    own = [SentCell("markdown", "mine", None, id, {"tags": ["mine", 5], "deep": {}}, pictures, []) for id in ("same", "same", "a b", "x" * 65, "ä", None)]
    made, _ = repaired(own, task.notebooks[0])
    assert len({cell.id for cell in made.cells}) == len(made.cells)  # nbformat would put that right itself
    nbformat.validate(made)
    mine = [cell for cell in made.cells if cell.source == "mine"]
    assert [(cell.metadata, list(cell.attachments)) for cell in mine] == [({"tags": ["mine"]}, ["cat.png"])] * 6


def test_a_cell_without_an_id_is_not_taken_for_a_missing_one(task):
    notebook = replace(task.notebooks[0], cells=tuple(replace(cell, id=None) for cell in task.notebooks[0].cells))
    sent = [SentCell(cell.kind, f"{cell.shown} # mine" if cell.kind == "code" and not cell.name else cell.shown, cell.name, None, {}, {}, [])
            for cell in notebook.cells]
    made, notes = repaired(sent, notebook)
    assert notes == [] and len(made.cells) == len(notebook.cells)

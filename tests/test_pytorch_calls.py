"""The PyTorch calls of the course: each is explained once, called, and its output checked."""

import ast
import math
import re

import nbformat
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ninelives.build import ROOT

NAMES = sorted(path.name for path in (ROOT / "solutions").iterdir())
ALL_EIGHTEEN = (
    "Embedding arange expand unsqueeze Linear Dropout matmul sqrt reshape transpose masked_fill softmax "
    "ModuleDict cat LayerNorm tril zeros multinomial"
).split()
BELONGS_TO_SAMPLING = "multinomial"


def last_room(name):
    """The cells of the room that explains calls."""
    cells = nbformat.read(ROOT / "solutions" / name / f"{name}.ipynb", as_version=4).cells
    start = next(i for i, cell in enumerate(cells) if "## The PyTorch calls" in cell.source)
    return cells[start:]


def explained():
    """(call, notebook, text, example) for every heading of a last room."""
    for name in NAMES:
        cells = last_room(name)
        for text, example in zip(cells, cells[1:]):
            for heading in re.findall(r"^### (.*)$", text.source, re.MULTILINE):
                for call in re.findall(r"`(?:\w+\.)?(\w+)\(", heading):
                    yield call, name, text.source, example.source


def called_in(nodes):
    """The names of what is called in these statements."""
    calls = (node.func for statement in nodes for node in ast.walk(statement) if isinstance(node, ast.Call))
    return {call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", None) for call in calls}


def hangs_on(call, statements):
    """Whether an assert among the statements makes the call, or uses its result."""
    made = set()
    for statement in statements:
        names = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
        touches = call in called_in([statement]) or names & made
        if touches and isinstance(statement, ast.Assert):
            return True
        if touches and isinstance(statement, ast.Assign | ast.AugAssign | ast.For):
            made |= {node.id for node in ast.walk(statement)
                     if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return False


def test_all_eighteen_calls_are_explained():
    wanted = set(ALL_EIGHTEEN)
    if not any(name.startswith("06") for name in NAMES):
        wanted.remove(BELONGS_TO_SAMPLING)
    assert wanted - {call for call, *_ in explained()} == set()


def test_no_call_is_explained_twice():
    calls = [call for call, _ in sorted({one[:2] for one in explained()})]
    assert [call for call in calls if calls.count(call) > 1] == []


@pytest.mark.parametrize(("call", "name", "text", "example"), [pytest.param(*one, id=f"{one[1]}-{one[0]}") for one in explained()])
def test_a_call_is_made_in_its_example_and_its_output_is_shown_and_checked(call, name, text, example):
    statements = ast.parse(example).body
    assert call in called_in(statements)
    assert "print" in called_in(statements)
    assert hangs_on(call, statements)
    assert "**In:**" in text and "**Out:**" in text and "docs.pytorch.org/docs/stable/generated/torch." in text


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_run_from_top_to_bottom_without_the_notebook(name, capsys):
    known = {"torch": torch, "nn": nn, "F": F, "math": math}
    for cell in last_room(name):
        if cell.cell_type == "code":
            exec(cell.source, known)

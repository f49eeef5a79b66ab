"""A known wrong answer is refused, whatever a learner has written in the exercises before."""

import nbformat
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from answers.wrong import transformer as wrong
from ninelives import model
from ninelives.build import ROOT
from ninelives.checks import transformer as check
from ninelives.grading.assignment import Cell, Notebook
from ninelives.grading.canary import canaries
from ninelives.model.masks import joint_mask
from submissions import graded_cells, source_of

NAME = "03-transformer"


@pytest.fixture(scope="module")
def notebook():
    solved, shown = (graded_cells(nbformat.read(ROOT / folder / NAME / f"{NAME}.ipynb", as_version=4)) for folder in ("solutions", "release"))
    return Notebook(NAME, tuple(
        Cell(name, name, cell.cell_type, shown[name].source, shown[name].source, cell.source, cell.metadata.nbgrader)
        for name, cell in solved.items()), {})


@pytest.mark.parametrize("block", [wrong.NoAttention, wrong.MaskNotPassedOn, wrong.AlwaysCausal])
@pytest.mark.parametrize("aspect", check.transformer.aspects)
def test_a_mistake_in_one_exercise_lets_no_known_wrong_answer_through_in_the_next(notebook, block, aspect):
    [asked] = [cell for cell in notebook.cells if cell.name == f"transformer-{aspect}"]
    known_wrong = canaries(notebook, asked)
    assert list(known_wrong) == ["unwritten", "spoilt"]
    for source in known_wrong.values():
        names = {"torch": torch, "nn": nn, "F": F, "joint_mask": joint_mask, "Embedding": model.Embedding,
                 "MultiHeadSelfAttention": model.MultiHeadSelfAttention}
        exec(source_of(block, "TransformerBlock"), names)
        exec(source, names)
        assert check.transformer.refusal(aspect, names["Transformer"]) is not None

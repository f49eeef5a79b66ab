"""Known wrong answers: every result is changed, and earlier mistakes of a learner do not make them pass."""

import nbformat
import numpy
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from helpers.submissions import graded_cells
from ninelives import model
from ninelives.build import ROOT
from ninelives.checks import transformer as check
from ninelives.grading.assignment import Cell, Notebook
from ninelives.grading.canary import SPOIL, canaries

NAME = "03-transformer"


@pytest.fixture(scope="module")
def notebook():
    solved, shown = (graded_cells(nbformat.read(ROOT / folder / NAME / f"{NAME}.ipynb", as_version=4)) for folder in ("solutions", "release"))
    return Notebook(NAME, tuple(
        Cell(name, name, cell.cell_type, shown[name].source, shown[name].source, cell.source, cell.metadata.nbgrader)
        for name, cell in solved.items()), {})


ATTENTION = "self.attention(self.norm_1(x), attention_mask)"
MISTAKES_IN_THE_BLOCK = {
    "attention is not used": "0",
    "the mask is not passed on": "self.attention(self.norm_1(x))",
    "the mask is another": "self.attention(self.norm_1(x), None if attention_mask is None else torch.ones(x.shape[1], x.shape[1]).tril())",
}


@pytest.mark.parametrize("mistake", MISTAKES_IN_THE_BLOCK)
@pytest.mark.parametrize("aspect", check.transformer.aspects)
def test_a_mistake_in_one_exercise_does_not_make_the_next_accept_known_wrong_answers(notebook, mistake, aspect):
    [asked] = [cell for cell in notebook.cells if cell.source.startswith(f'check.transformer(Transformer, "{aspect}")')]
    [block] = [cell.solved for cell in notebook.cells if cell.name == "block"]
    assert ATTENTION in block
    known_wrong = canaries(notebook, asked)
    assert list(known_wrong) == ["unwritten", "spoilt"]
    for source in known_wrong.values():
        names = {"torch": torch, "nn": nn, "F": F, "Embedding": model.Embedding,
                 "MultiHeadSelfAttention": model.MultiHeadSelfAttention}
        exec(block.replace(ATTENTION, MISTAKES_IN_THE_BLOCK[mistake]), names)
        exec(source, names)
        assert check.transformer.refusal(aspect, names["Transformer"]) is not None


@pytest.mark.parametrize("value", [
    torch.ones(2), torch.tensor([True, False]), torch.tensor(3), numpy.arange(3), numpy.array([True]), numpy.float64(0.5),
    numpy.uint8(7), True, None, 0, 2.5, "cat", (1, "a"), [1.0], {"a": 1},
], ids=repr)
def test_every_kind_of_result_is_spoilt(value):
    names = {}
    exec(SPOIL, names)
    wrong = names["_spoilt"](lambda: value)()
    assert str(wrong) != str(value) and type(wrong) in (type(value), bool), wrong


def test_the_methods_of_a_class_are_spoilt_but_not_its_constructor():
    class Counter:
        def __init__(self):
            self.number = 3

        def __call__(self):
            return self.number

        def double(self):
            return 2 * self.number

    names = {}
    exec(SPOIL, names)
    counter = names["_spoilt"](Counter)()
    assert (counter.number, counter(), counter.double()) == (3, 7, 13)

"""One notebook in kernels: time limits, dead kernels, points."""

from dataclasses import replace
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_output

from helpers.classroom import NAME, toy_notebook
from ninelives.grading.errors import KernelDied
from ninelives.grading.notebook_session import NotebookSession
from ninelives.grading.outputs import Outcome
from ninelives.grading.sandbox import Limits
from ninelives.grading.task import Task


@pytest.fixture
def task(tmp_path):
    return Task(tmp_path, (toy_notebook(),), {}, Limits(), "stamp")


def test_slow_and_deadly_exercises_do_not_delay_the_others(task):
    run, asked = NotebookSession(task, task.notebooks[0], None, [], []), []
    run.kernel = SimpleNamespace(alive=True, run=lambda source, seconds, pictures: asked.append(seconds))
    run.slow.add("split-heads")
    for exercise in ("split-heads", "masked-softmax"):
        run.run(0, "", exercise, pictures=False)
    assert asked == [6, 60]
    run.deadly.add("split-heads")
    with pytest.raises(KernelDied, match="died in this exercise before"):
        run.run(0, "", "split-heads", pictures=False)
    run.dead_kernels = 4
    with pytest.raises(KernelDied, match="4 kernels have died in this notebook"):
        run.run(0, "", "masked-softmax", pictures=False)
    run.dead_kernels, run.started = 0, run.started - 601
    with pytest.raises(KernelDied, match="the notebook ran for more than 600 seconds"):
        run.run(0, "", "masked-softmax", pictures=False)
    assert len(asked) == 2


@pytest.mark.parametrize(("shown", "points"), [("2", 2), ("0.5", 0.5), ("0", 0), ("2.5", None), ("-1", None), ("nan", None), ("'2'", None), (None, None)])
def test_a_check_may_give_its_points_as_its_value(task, shown, points):
    run = NotebookSession(replace(task, by_result={NAME: frozenset({"split-heads-values"})}), task.notebooks[0], None, [], [])
    outputs = [] if shown is None else [new_output("execute_result", data={"text/plain": shown})]
    assert run.points(run.released["split-heads-values"], nbformat.NotebookNode(outputs=outputs)) == (points or 0)
    assert len(run.notes) == (points is None)


def test_outputs_of_an_earlier_cell_that_died_are_not_shown_in_this_one(task, monkeypatch):
    run = NotebookSession(task, task.notebooks[0], None, [], [])
    run.kernel = SimpleNamespace(outcome=Outcome(["the earlier cell's"]))

    def revive(self, index):
        raise KernelDied("it used too much")

    monkeypatch.setattr(NotebookSession, "revive", revive)
    with pytest.raises(KernelDied):
        run.run(5, "", None, pictures=False)
    assert run.outcome.outputs == []

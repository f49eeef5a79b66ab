"""One submission, graded in this process: the machine's faults and what else a class of hostile notebooks does not show."""

import logging
import os
import pickle
import re
import shutil
import signal
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_output

from grading.classroom import ANSWERS, NAME, filled, make_course, send
from ninelives.grading import calibrate as calibration
from ninelives.grading import grade as grading
from ninelives.grading import kernel_pool, nbgrader_hook, notebook_session
from ninelives.grading.assignment import Cell, Notebook
from ninelives.grading.batch import Batch
from ninelives.grading.calibrate import calibrate
from ninelives.grading.errors import KernelDied, KernelServerDied, UnexpectedError
from ninelives.grading.find_notebook import find_notebook
from ninelives.grading.folders import everything_in
from ninelives.grading.grade import grade
from ninelives.grading.kernel_client import Kernel
from ninelives.grading.kernel_server import KernelServer
from ninelives.grading.notebook_session import NotebookSession
from ninelives.grading.outputs import Outcome
from ninelives.grading.read_notebook import SentCell, Unreadable, read_cells
from ninelives.grading.repair import repaired
from ninelives.grading.submitted_files import choose_files, reserved_paths


class FakeSession(NotebookSession):
    """A session that runs nothing."""

    def run_cells(self):
        pass

    share_beginning = run_cells


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    course = make_course(tmp_path_factory.mktemp("course"))
    folder = send(course, "ada", filled(course, ANSWERS))
    (folder / "timestamp.txt").write_text("2026-11-20 10:00:00 UTC")
    (folder / "submission_secret.txt").write_text("3f")
    batch = Batch(course, NAME)
    yield batch.task("ada", {})
    batch.gradebook.close()
    kernel_pool.kernel_server(batch.settings, True).close()


def points(task) -> float:
    return sum(points or 0 for points in grade(task)[NAME].scores.values())


def test_a_folder_that_is_not_seen_here_earns_no_zero(task, tmp_path):
    with pytest.raises(FileNotFoundError, match=f"does not see the folder {tmp_path}/gone"):
        grade(replace(task, folder=tmp_path / "gone"))


def test_another_notebook_is_told_in_one_sentence(task):
    another = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print('a lab')")])
    made, notes = repaired(read_cells(nbformat.writes(another).encode()), task.notebooks[0])
    assert notes == [(None, "All exercises were missing; they were put back empty. Perhaps another notebook was submitted.")]
    assert {cell.metadata.nbgrader.grade_id for cell in made.cells[1:] if "nbgrader" in cell.metadata} == {
        cell.name for cell in task.notebooks[0].cells if cell.name}


def test_a_notebook_that_cannot_be_read_now_earns_no_zero(task, monkeypatch):
    def read_bytes(path):
        raise OSError(116, "Stale file handle", str(path))

    monkeypatch.setattr("pathlib.Path.read_bytes", read_bytes)
    with pytest.raises(OSError, match="Stale file handle"):
        grade(task)


def test_a_notebook_is_looked_for_where_only_the_learners_own_can_be(task, tmp_path):
    notebook, sent = task.notebooks[0], task.folder / f"{NAME}.ipynb"
    (tmp_path / f"{NAME}.ipynb").symlink_to(sent)
    (tmp_path / ".ipynb_checkpoints").mkdir()
    shutil.copy(sent, tmp_path / ".ipynb_checkpoints")
    shutil.copy(sent, tmp_path / "02-another.ipynb")
    with pytest.raises(Unreadable, match="there is no notebook"):
        find_notebook(tmp_path, everything_in(tmp_path)[0], notebook, {"02-another"})
    assert find_notebook(tmp_path, everything_in(tmp_path)[0], notebook, set())[1] == [f"The notebook was named 02-another.ipynb; it was read as {NAME}.ipynb."]


def test_whatever_cells_bring_along_the_notebook_is_one(task):
    pictures = {"cat.png": {"image/png": "iVBORw0KGgo="}, "dog.png": {"image/png": 5}, "hen.png": 7}
    own = [SentCell("markdown", "mine", None, id, {"tags": ["mine", 5], "deep": {}}, pictures) for id in ("same", "same", "a b", "x" * 65, "ä", None)]
    made, _ = repaired(own, task.notebooks[0])
    assert len({cell.id for cell in made.cells}) == len(made.cells)  # nbformat would put that right itself
    nbformat.validate(made)
    mine = [cell for cell in made.cells if cell.source == "mine"]
    assert [(cell.metadata, list(cell.attachments)) for cell in mine] == [({"tags": ["mine"]}, ["cat.png"])] * 6


def test_an_error_of_the_grader_earns_no_zero_and_can_be_told_by_another_process(task, monkeypatch):
    class OwnError(Exception):
        def __init__(self, one, two):
            super().__init__(f"{one} {two}")

    def repaired(*arguments):
        raise OwnError("what nobody", "thought of")

    monkeypatch.setattr(grading, "repaired", repaired)
    with pytest.raises(UnexpectedError) as told:
        grade(task)
    assert told.value.__context__ is None  # Dask's pickles hold that, too
    assert re.search("test_grade.py:[0-9]+ with OwnError: what nobody thought of", str(pickle.loads(pickle.dumps(told.value))))


def test_small_files_come_before_large_ones_and_one_note_tells_of_all_that_is_left_out(tmp_path):
    for number in range(50):
        (tmp_path / f"a{number:02}").write_bytes(b"1" * 900)
    (tmp_path / "weights").write_bytes(b"1" * 100)
    found, notes = choose_files(tmp_path, *everything_in(tmp_path), 2 << 10, set())
    assert [str(place) for place in found] == ["a00", "a01", "weights"]
    assert notes == ["a02, a03, a04 and 45 more were left out: the files of a submission may have 0 MB."]


def test_nothing_is_taken_along_that_stands_where_a_file_of_the_assignment_goes(tmp_path):
    (tmp_path / "table.csv").mkdir()
    (tmp_path / "table.csv" / "mine").touch()
    (tmp_path / "data").touch()
    reserved = reserved_paths(["01"], ["table.csv", "data/words.txt"])
    assert choose_files(tmp_path, *everything_in(tmp_path), 1 << 20, reserved) == (
        (), ["data, table.csv/mine were left out: a file of the assignment goes there."])


def test_a_kernel_that_is_killed_before_it_is_ready_costs_nothing(task, monkeypatch):
    killed, ask = [], KernelServer._ask

    def ask_and_kill(self, request, *connection):
        answer = ask(self, request, *connection)
        if "limits" in request and not killed:
            killed.append(answer["pid"])
            os.kill(answer["pid"], signal.SIGKILL)
        return answer

    monkeypatch.setattr(KernelServer, "_ask", ask_and_kill)
    assert points(task) == 6 and killed


def test_a_kernel_that_never_says_that_it_is_ready_is_given_up(task, monkeypatch):
    def never(self, end):
        raise TimeoutError

    monkeypatch.setattr(Kernel, "_next_message", never)
    with pytest.raises(KernelServerDied, match="took more than 60 seconds"):
        grade(task)


def test_a_check_is_about_the_answer_whose_name_it_bears_or_the_last_one():
    def cell(name, **metadata):
        return Cell(name, name, "code", "", "", "", metadata)

    answers = [cell("block", solution=True), cell("block-mask", solution=True), cell("other", solution=True)]
    checks = [cell(name, grade=True) for name in ("block-mask-rows", "block-rows", "block", "mask-rows")]
    notebook = Notebook("n", (*answers, *checks), {})
    assert [notebook.answer_of(check).name for check in checks] == ["block-mask", "block", "block", "other"]


def test_an_exercise_that_takes_its_time_or_kills_makes_no_other_wait(task):
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
def test_points_that_a_check_evaluates_to_are_its_points(task, shown, points):
    run = NotebookSession(replace(task, by_result={NAME: frozenset({"split-heads-values"})}), task.notebooks[0], None, [], [])
    outputs = [] if shown is None else [new_output("execute_result", data={"text/plain": shown})]
    assert run.points(run.released["split-heads-values"], nbformat.NotebookNode(outputs=outputs)) == (points or 0)
    assert len(run.notes) == (points is None)


def test_what_is_shared_is_made_anew_for_another_assignment(task):
    made = [kernel_pool.warm_server(replace(task, stamp=stamp), task.notebooks[0]) for stamp in ("one", "one", "other")]
    assert made[0] is made[1] is not made[2]


def test_outputs_of_a_cell_that_died_when_it_was_run_again_are_not_another_cells(task, monkeypatch):
    run = NotebookSession(task, task.notebooks[0], None, [], [])
    run.kernel = SimpleNamespace(outcome=Outcome(["the earlier cell's"]))

    def revive(self, index):
        raise KernelDied("it used too much")

    monkeypatch.setattr(NotebookSession, "revive", revive)
    with pytest.raises(KernelDied):
        run.run(5, "", None, pictures=False)
    assert run.outcome.outputs == []


def test_what_nbgrader_puts_beside_a_submission_does_not_keep_it_from_what_is_shared(task, monkeypatch):
    asked, warm = [], kernel_pool.warm_server
    monkeypatch.setattr(notebook_session, "warm_server", lambda task, notebook: asked.append(notebook.name) or warm(task, notebook))
    assert points(task) == 6 and asked == [NAME]
    (task.folder / "data.txt").write_text("my own")
    assert points(task) == 6 and asked == [NAME]
    (task.folder / "data.txt").unlink()


def test_the_instructors_own_answers_get_a_second_chance_on_a_busy_machine(task, monkeypatch):
    found, stopped, run = calibrate(task), [], Kernel.run

    def late(self, source, *rest, **named):
        if "check.split_heads" in source and not stopped:
            stopped.append(source)
            return Outcome(error="CellTimeoutError", stopped="it ran for more than 5 seconds")
        return run(self, source, *rest, **named)

    monkeypatch.setattr(Kernel, "run", late)
    assert calibrate(task) == found and stopped
    assert found[NAME]["failed"] == [] and found[NAME]["canaries"]


def test_what_makes_kernels_may_die_while_the_instructors_answers_are_tried(task, monkeypatch):
    died, calibrated = [], calibration._calibrate_notebook

    def once(*arguments):
        if not died:
            died.append(kernel_pool.kernel_server(task.course, True))
            raise KernelServerDied
        return calibrated(*arguments)

    monkeypatch.setattr(calibration, "_calibrate_notebook", once)
    assert calibrate(task)[NAME]["failed"] == [] and died[0].ended


def test_the_formgrader_says_that_own_answers_fail_and_asks_again_the_next_time(task, monkeypatch, caplog):
    found = {NAME: {"canaries": frozenset(), "by_result": frozenset(), "modules": (), "failed": ["split-heads-shape"]}}
    monkeypatch.setattr(nbgrader_hook, "calibrate", lambda task: found)
    monkeypatch.setattr(nbgrader_hook, "_calibrated", {})
    with caplog.at_level(logging.WARNING):
        assert sum(points or 0 for points in nbgrader_hook._graded(task, logging.getLogger("nbgrader")).scores.values()) == 6
    nbgrader_hook._close_at_once()
    assert "own 01-heads fails its checks split-heads-shape here" in caplog.text and not nbgrader_hook._calibrated


def test_a_cell_without_an_id_is_not_taken_for_a_missing_one(task):
    notebook = replace(task.notebooks[0], cells=tuple(replace(cell, id=None) for cell in task.notebooks[0].cells))
    sent = [SentCell(cell.kind, f"{cell.shown} # mine" if cell.kind == "code" and not cell.name else cell.shown, cell.name, None, {}, {})
            for cell in notebook.cells]
    made, notes = repaired(sent, notebook)
    assert notes == [] and len(made.cells) == len(notebook.cells)


def test_a_submission_is_walked_once_and_what_was_found_comes_along(task, monkeypatch):
    walked = []
    monkeypatch.setattr(grading, "everything_in", lambda folder: walked.append(folder) or everything_in(folder))
    monkeypatch.setattr(grading, "NotebookSession", FakeSession)
    found = grade(replace(task, notebooks=(task.notebooks[0], replace(task.notebooks[0], name="02"))))
    assert walked == [task.folder]
    assert {result.files for result in found.values()} == {(Path("submission_secret.txt"), Path("timestamp.txt"))}

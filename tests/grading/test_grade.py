"""One submission, graded in this process: failing machines, and what else a hostile class does not show."""

import logging
import os
import pickle
import re
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.plain_class import NAME, make_course, send
from ninelives.grading import calibrate as calibration
from ninelives.grading import grade as grading
from ninelives.grading import kernel_pool, nbgrader_hook
from ninelives.grading.batch import Batch
from ninelives.grading.calibrate import calibrate
from ninelives.grading.errors import KernelServerDied, UnexpectedError
from ninelives.grading.folders import everything_in
from ninelives.grading.grade import grade
from ninelives.grading.kernel_client import Kernel
from ninelives.grading.kernel_server import KernelServer
from ninelives.grading.notebook_session import NotebookSession
from ninelives.grading.outputs import Outcome


class FakeSession(NotebookSession):
    """A session that runs nothing."""

    def run_cells(self):
        pass


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    course = make_course(tmp_path_factory.mktemp("course"))
    folder = send(course, "ada")
    (folder / "submission_secret.txt").write_text("3f")
    batch = Batch(course, NAME)
    yield batch.task("ada", {})
    batch.gradebook.close()
    kernel_pool.kernel_server(batch.settings, batch.modules, True).close()


def points(task) -> float:
    return sum(points or 0 for points in grade(task)[NAME].scores.values())


def test_a_folder_that_this_machine_cannot_see_earns_no_zero(task, tmp_path):
    with pytest.raises(FileNotFoundError, match=f"does not see the folder {tmp_path}/gone"):
        grade(replace(task, folder=tmp_path / "gone"))


def test_a_failing_file_system_earns_no_zero(task, monkeypatch):
    def read_bytes(path):
        raise OSError(116, "Stale file handle", str(path))

    monkeypatch.setattr("pathlib.Path.read_bytes", read_bytes)
    with pytest.raises(OSError, match="Stale file handle"):
        grade(task)


def test_an_error_of_the_grader_can_be_read_by_another_process(task, monkeypatch):
    class OwnError(Exception):
        def __init__(self, one, two):
            super().__init__(f"{one} {two}")

    def repaired(*arguments, **named):
        raise OwnError("what nobody", "thought of")

    monkeypatch.setattr(grading, "repaired", repaired)
    with pytest.raises(UnexpectedError) as told:
        grade(task)
    assert told.value.__context__ is None  # Dask's pickles hold that, too
    assert re.search("test_grade.py:[0-9]+ with OwnError: what nobody thought of", str(pickle.loads(pickle.dumps(told.value))))


def test_a_kernel_that_is_killed_before_it_is_ready_costs_no_points(task, monkeypatch):
    killed, ask = [], KernelServer._ask

    def ask_and_kill(self, request, *connection):
        answer = ask(self, request, *connection)
        if "limits" in request and not killed:
            killed.append(answer["pid"])
            os.kill(answer["pid"], signal.SIGKILL)
        return answer

    monkeypatch.setattr(KernelServer, "_ask", ask_and_kill)
    assert points(task) == 10 and killed


def test_a_kernel_that_never_gets_ready_is_given_up(task, monkeypatch):
    def never(self, end):
        raise TimeoutError

    monkeypatch.setattr(Kernel, "next_message", never)
    with pytest.raises(KernelServerDied, match="took more than 60 seconds"):
        grade(task)


def test_the_instructors_own_answers_get_a_second_chance_on_a_busy_machine(task, monkeypatch):
    found, stopped, run = calibrate(task), [], Kernel.run

    def late(self, source, *rest, **named):
        if "assert double" in source and not stopped:
            stopped.append(source)
            return Outcome(error="CellTimeoutError", stopped="it ran for more than 5 seconds")
        return run(self, source, *rest, **named)

    monkeypatch.setattr(Kernel, "run", late)
    assert calibrate(task) == found and stopped
    assert found[NAME]["failed"] == {} and found[NAME]["canaries"]


def test_calibration_survives_the_death_of_the_kernel_server(task, monkeypatch):
    died, calibrated = [], calibration._calibrate_notebook

    def once(*arguments):
        if not died:
            died.append(kernel_pool.kernel_server(task.course, task.modules, True))
            raise KernelServerDied
        return calibrated(*arguments)

    monkeypatch.setattr(calibration, "_calibrate_notebook", once)
    assert calibrate(task)[NAME]["failed"] == {} and died[0].ended


def test_the_formgrader_reports_failing_answers_of_the_instructor_and_calibrates_again(task, monkeypatch, caplog):
    found = {NAME: {"canaries": frozenset(), "by_result": frozenset(), "failed": {"double-check": "ValueError: no"}}}
    monkeypatch.setattr(nbgrader_hook, "calibrate", lambda task: found)
    monkeypatch.setattr(nbgrader_hook, "_calibrated", {})
    with caplog.at_level(logging.WARNING):
        assert sum(points or 0 for points in nbgrader_hook._graded(task, True, logging.getLogger("nbgrader")).scores.values()) == 10
    nbgrader_hook._close_at_once()
    assert "own ps1 fails its checks double-check here" in caplog.text and not nbgrader_hook._calibrated


def test_a_submission_is_walked_once_and_its_files_are_returned(task, monkeypatch):
    walked = []
    monkeypatch.setattr(grading, "everything_in", lambda folder: walked.append(folder) or everything_in(folder))
    monkeypatch.setattr(grading, "NotebookSession", FakeSession)
    found = grade(replace(task, notebooks=(task.notebooks[0], replace(task.notebooks[0], name="02"))))
    assert walked == [task.folder]
    assert {result.files for result in found.values()} == {(Path("submission_secret.txt"), Path("timestamp.txt"))}

"""What notebooks import is guessed before nbgrader is imported, and a wrong guess costs only time."""

import json

import pytest

from ninelives.grading import early_server as early
from ninelives.grading.arguments import arguments
from ninelives.grading.course import CourseSettings
from ninelives.grading.kernel_server import KernelServer


class NotStarted(KernelServer):
    """A server without a process."""

    ended = False

    def __init__(self, course, modules=()):
        self.course, self.modules = course, modules

    def _prepare(self, course, modules):
        self.course, self.modules = course, modules


def write(folder, name, *cells):
    folder.mkdir(parents=True)
    cells = [{"cell_type": kind, "source": source, "metadata": {"nbgrader": {"solution": solution}}} for kind, source, solution in cells]
    (folder / name).write_text(json.dumps({"cells": cells}))


@pytest.fixture
def guessed(tmp_path, monkeypatch):
    monkeypatch.setattr(early, "KernelServer", NotStarted)
    monkeypatch.setattr(early.sandbox, "landlock", lambda: 6)
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "source" / "ps1", "p1.ipynb", ("markdown", "import this", False), ("code", ["import wave\n", "wave.open"], False))
    write(tmp_path / "release" / "ps1", "p2.ipynb", ("code", "%matplotlib inline\nfrom math import pi", False), ("code", "import json", True))
    return lambda *typed: early.early_server(arguments(["ps1", *typed]))


def test_all_but_answers_is_imported_early(guessed):
    assert set(guessed().modules) == {"wave", "math:pi"}
    assert guessed("--notebook", "p1").modules == ("wave",) and guessed("--notebook", "p1").course is None


@pytest.mark.parametrize("typed", ["--report", "--alike", "--due none", "--extend ada 1", "--fill sheet.csv", "--feedback-zip",
                                   "--update-assignment", "--watch", "--no-execute", "--dask tcp://127.0.0.1:1"])
def test_a_command_that_runs_no_notebook_or_not_here_starts_no_server(guessed, typed):
    assert guessed(*typed.split()) is None


@pytest.mark.parametrize("text", ["no notebook", "[]", '{"cells": [{}]}', '{"cells": 7}'])
def test_a_file_that_is_no_notebook_starts_no_server(guessed, tmp_path, text):
    (tmp_path / "release" / "ps1" / "p0.ipynb").write_text(text)
    assert guessed() is None and guessed("--notebook", "**p") is None


def test_a_server_serves_what_it_was_started_for_and_nothing_else():
    right, other = CourseSettings(preload=("json",)), CourseSettings(environment=(("NAME", "value"),))
    assert not NotStarted(None, ("wave",)).serves(right, ("wave", "math")), "which has to be imported after the warm-up"
    assert not NotStarted(None, ("wave",)).serves(other, ("wave",)), "its variables come before all imports"
    server = NotStarted(None, ("wave", "math"))
    assert server.serves(right, ("math", "wave")) and server.serves(right, ("math", "wave"))
    assert not server.serves(CourseSettings(), ("math", "wave")), "it has been told of another course"

"""What instructors who teach with nbgrader have reported in public, tried here."""

import importlib
import os
import shutil
import site
import stat

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from traitlets.config.loader import PyFileConfigLoader

import ninelives
from helpers.classroom import ANSWERS, NAME, SPLIT, cells_of, filled, grade_here, make_course, send
from helpers.kernels import COURSE
from ninelives.build import ROOT
from ninelives.grading import kernel_server
from ninelives.grading.class_folder import quiet_autograde
from ninelives.grading.lock import locked


@pytest.fixture(scope="module")
def graded(tmp_path_factory, workers):
    """Each learner's result, and the class's folder."""
    course = make_course(tmp_path_factory.mktemp("course"))
    inside = send(course, "folder-inside", filled(course, ANSWERS | {"split-heads": 'exec(open("own/part.py").read())'}), "away")
    (inside / "heads").mkdir()
    (inside / "away").rename(inside / "heads" / f"{NAME}.ipynb")
    (inside / "heads" / "own").mkdir()
    (inside / "heads" / "own" / "part.py").write_text(SPLIT)
    (inside / "timestamp.txt").write_text("2026-03-01 10:00:00 UTC")
    (inside / "__MACOSX").mkdir()
    page = send(course, "page-beside", filled(course, ANSWERS))
    (page / f"{NAME}.html").write_text("<h1>mine</h1>")
    (page / "own.zip").write_bytes(b"PK")
    helper = send(course, "run-a-notebook", filled(course, ANSWERS | {"split-heads": "%run ./helpers.ipynb"}))
    nbformat.write(new_notebook(cells=[new_code_cell(SPLIT)]), helper / "helpers.ipynb")
    send(course, "input", filled(course, ANSWERS | {"split-heads": f'n = input("heads? ")\n{SPLIT}'}))
    results, _ = grade_here(course, workers)
    return {one.student: one for one in results}, course


def test_a_submission_with_its_folder_inside_finds_its_files(graded):
    results, course = graded
    assert results["folder-inside"].score == 6 and results["folder-inside"].notes == ()
    assert (course / "autograded" / "folder-inside" / NAME / "heads" / "own" / "part.py").is_file()


def test_a_page_beside_the_notebook_is_left_out_and_an_archive_is_mentioned(graded):
    results, course = graded
    assert results["page-beside"].score == 6
    assert results["page-beside"].notes == (
        f"{NAME}.html was left out: a file of the assignment goes there.", "own.zip was not unpacked: hand in the files themselves.")
    assert not (course / "autograded" / "page-beside" / NAME / f"{NAME}.html").exists()


def test_an_answer_may_run_another_notebook(graded):
    results, course = graded
    assert (results["run-a-notebook"].score, results["run-a-notebook"].notes) == (6, ())
    assert not (course / "autograded" / "run-a-notebook" / NAME / "helpers.ipynb").exists(), "feedback would be made of it"


def test_a_question_that_nobody_answers_is_named(graded):
    results, course = graded
    assert results["input"].score == 3
    [note] = results["input"].notes
    assert note == "The cell 'split-heads' asked for input, which nobody can type during grading."
    assert note in cells_of(course, "input")[0].source


def test_packages_that_were_installed_for_the_user_are_found(monkeypatch):
    class Begun(Exception):
        pass

    def begin(command, env, **_):
        raise Begun(env)

    monkeypatch.setattr(site, "ENABLE_USER_SITE", True)
    monkeypatch.setattr(site, "getuserbase", lambda: "/home/teacher/.local")
    monkeypatch.setattr(kernel_server.subprocess, "Popen", begin)
    with pytest.raises(Begun) as begun:
        kernel_server.KernelServer(COURSE)
    assert begun.value.args[0]["PYTHONUSERBASE"] == "/home/teacher/.local"


def test_a_group_that_grades_in_turn_may_write_the_lock(tmp_path):
    course = quiet_autograde(tmp_path, NAME).coursedir
    course.root, course.groupshared = str(tmp_path), True
    before = os.umask(0o022)
    try:
        with locked(course, NAME):
            path = tmp_path / ".ninelives-grade" / NAME
            assert [stat.S_IMODE(one.stat().st_mode) & 0o020 for one in (path, path / ".lock")] == [0o020, 0o020]
        assert os.umask(0o022) == 0o022, "only while it is made"
    finally:
        os.umask(before)


@pytest.mark.parametrize(("kernel", "graded"), [({"JPY_SESSION_NAME": "my-notebooks/09-training/09-training.ipynb"}, False), ({}, True)])
def test_a_notebook_that_is_opened_after_a_validate_that_died_is_not_being_graded(monkeypatch, kernel, graded):
    """nbgrader leaves the variable in the server's environment if an answer kills its kernel; new kernels get it from there."""
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    for name, value in (kernel | {"NBGRADER_EXECUTION": "validate"}).items():
        monkeypatch.setenv(name, value)
    importlib.reload(ninelives)
    assert ("NBGRADER_EXECUTION" in os.environ) == graded


@pytest.mark.parametrize(("name", "warned"), [("CS101 [fall] (a+b)", True), ("CS101 fall (a+b)", False)])
def test_a_folder_in_which_nbgrader_finds_nothing_is_named(tmp_path, capsys, name, warned):
    (tmp_path / name).mkdir()
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path / name)
    PyFileConfigLoader("nbgrader_config.py", path=str(tmp_path / name)).load_config()
    assert ("[fall] (a+b), since it takes [ ] * and ? for patterns. Rename the folder." in capsys.readouterr().err) == warned

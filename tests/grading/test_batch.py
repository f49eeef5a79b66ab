"""One assignment of one course: when it can be graded, and what changes it."""

import fcntl
import shutil
from pathlib import Path

import nbformat
import pytest

from helpers.classroom import (
    CLASS,
    NAME,
    make_class,
)
from ninelives.grading.batch import Batch
from ninelives.grading.class_folder import quiet_autograde
from ninelives.grading.errors import CannotStart, NotGenerated
from ninelives.grading.folders import remove


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    return make_class(tmp_path_factory.mktemp("course"))


def test_changed_limits_and_renamed_files_are_noticed(course):
    batch, settings = Batch(course, NAME), quiet_autograde(course, NAME)
    settings.config.Sandbox.memory = 99
    stamps = {batch.stamp, Batch(course, NAME, confined=False).stamp, Batch(course, NAME, autograde=settings).stamp}
    assert len(stamps) == 3, "with other limits, or none"
    before, notes = batch.digest("dan"), course / "submitted" / "dan" / NAME / "notes.txt"
    notes.rename(notes.with_name("words.txt"))
    assert batch.digest("dan") != before
    notes.with_name("words.txt").rename(notes)
    assert batch.digest("dan") == before


def test_nbgraders_own_settings_are_respected(course):
    settings = quiet_autograde(course, NAME)
    settings.exclude_overwriting, settings.coursedir.student_id_exclude = {NAME: ["data.txt"]}, "ada,cleo"
    (course / "solutions" / NAME / "data.txt").touch()
    assert set(Batch(course, NAME).others) == {"data.txt"}
    batch = Batch(course, NAME, autograde=settings)
    assert not batch.others and {"bert", "dan"} <= set(batch.students()) and not {"ada", "cleo"} & set(batch.students())
    (course / "solutions" / NAME / "data.txt").unlink()


def test_a_student_whose_name_has_several_lines_is_listed(course):
    (course / "submitted" / "zed\nzoe" / NAME).mkdir(parents=True)
    (course / "submitted" / "zed\nzoe" / NAME / "homework.txt").write_text("mine")
    batch = Batch(course, NAME)
    assert "zed\nzoe" in batch.students()
    batch.gradebook.close()
    remove(course / "submitted" / "zed\nzoe")


def test_without_the_released_notebook_nothing_is_graded(course):
    release = course / "release"
    release.rename(course / "elsewhere")
    with pytest.raises(NotGenerated, match=f"There is no .*release.*{NAME}.ipynb, the notebook as learners got it"):
        Batch(course, NAME)
    (course / "elsewhere").rename(release)


def test_a_source_that_is_not_a_notebook_is_named(tmp_path, course):
    shutil.copytree(course, tmp_path / "course")
    own = tmp_path / "course" / "solutions" / NAME / f"{NAME}.ipynb"
    own.write_text("{")
    with pytest.raises(NotGenerated, match=f"{own} and .* is not a notebook: Notebook does not appear to be JSON"):
        Batch(tmp_path / "course", NAME)


def test_a_source_that_is_missing_or_lacks_a_cell_is_named(tmp_path, course):
    shutil.copytree(course, tmp_path / "course")
    own = tmp_path / "course" / "solutions" / NAME / f"{NAME}.ipynb"
    notebook = nbformat.read(own, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if cell.id != "split-heads-values"]
    nbformat.write(notebook, own)
    with pytest.raises(NotGenerated, match=f"has the cell 'split-heads-values', but {own} does not: type ninelives-grade"):
        Batch(tmp_path / "course", NAME)
    own.unlink()
    with pytest.raises(NotGenerated, match=f"There is no {own}"):
        Batch(tmp_path / "course", NAME)


def test_without_a_journal_nothing_is_graded(course, monkeypatch):
    def refused(*_, **__):
        raise PermissionError(13, "Permission denied")

    batch = Batch(course, NAME)
    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(CannotStart, match=r"\.ninelives-grade/01-heads/\.lock cannot be written: Permission denied"):
        batch.locked().__enter__()


@pytest.mark.parametrize(("problem", "said"), [
    (BlockingIOError(11, "Resource temporarily unavailable"), "Another ninelives-grade is grading 01-heads"),
    (OSError(37, "No locks available"), r"\.lock cannot be locked: No locks available"),
])
def test_a_lock_that_fails_is_told_from_one_that_is_held(course, monkeypatch, problem, said):
    def refused(*_):
        raise problem

    monkeypatch.setattr(fcntl, "flock", refused)
    with pytest.raises(CannotStart, match=said):
        Batch(course, NAME).locked().__enter__()


@pytest.mark.parametrize("name", ["[2026] *class", "plain"])
def test_a_class_may_have_any_name(course, tmp_path, name):
    shutil.copytree(course, tmp_path / name)
    batch = Batch(tmp_path / name, NAME)
    assert set(CLASS) <= set(batch.students())
    batch.gradebook.close()


def test_a_folder_that_is_not_a_class_is_named(tmp_path):
    with pytest.raises(NotGenerated, match=f"not the folder of a class, since there is no {tmp_path}/nbgrader_config.py"):
        Batch(tmp_path, NAME)


@pytest.mark.parametrize("name", ["01-haeds", f"submitted/ada/{NAME}"])
def test_an_unknown_assignment_is_refused_with_a_list_of_the_known_ones(course, name):
    with pytest.raises(NotGenerated, match=f"no assignment '{name}', .*; there are {NAME}$"):
        Batch(course, name)


@pytest.mark.parametrize("closed", ["gradebook.db", "."])
def test_a_gradebook_without_write_permission_is_named(course, monkeypatch, closed):
    monkeypatch.setattr("os.access", lambda path, mode: Path(path) != course / closed)  # root may write everything
    with pytest.raises(CannotStart, match=f"may not write {course / closed}: grade as its owner"):
        Batch(course, NAME)


@pytest.mark.parametrize(("db_url", "said"), [
    ("postgresql:///course?host=/nowhere", r"cannot be opened: connection .*/nowhere/\S+ failed"),
    ("mysql:///course", 'No module named .*python -m pip install "psycopg'),
])
def test_an_unreachable_server_is_reported(tmp_path, db_url, said):
    (tmp_path / "nbgrader_config.py").write_text(f"c = get_config()\nc.CourseDirectory.db_url = {db_url!r}\n")
    with pytest.raises(CannotStart, match=said):
        Batch(tmp_path, NAME)

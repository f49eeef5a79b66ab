"""Commands whose input makes no sense: one sentence, and nothing is written. The class is empty unless a test says otherwise."""

import shutil
from datetime import datetime, timedelta

import pytest
from nbgrader.api import Gradebook

from helpers.plain_class import NAME, command, make_course

SHEET = "Identifier,Full name,Grade\nParticipant 1,Ada,\n"


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    return make_course(tmp_path_factory.mktemp("empty") / "course")


@pytest.fixture
def course(generated, tmp_path):
    return shutil.copytree(generated, tmp_path / "course")


def written(course) -> dict:
    """All files but the lock, whose folder every command that may write makes."""
    return {str(path.relative_to(course)): path.read_bytes() for path in course.rglob("*") if path.is_file() and path.name != ".lock"}


def due(course, when) -> None:
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "ninelives") as gradebook:
        gradebook.update_or_create_assignment(NAME, duedate=when)
        gradebook.update_or_create_student("ada")


def refused(course, *arguments: str) -> str:
    """The one line that a command says that cannot do what is asked, and that writes nothing."""
    before = written(course)
    said = command(course, *arguments, fails=2)
    assert said.count("\n") == 1 and said.endswith("\n"), said
    assert written(course) == before
    return said


@pytest.mark.parametrize(("arguments", "words"), [
    ([], "Nobody has handed in anything: there is no"),
    (["--report"], "Nobody has handed in ps1"),
    (["--alike"], "Nobody has handed in ps1"),
    (["--feedback-zip"], "There is nothing in"),
    (["--fill", "sheet.csv"], "Nobody's ps1 is graded yet, so there are no points to fill in: type ninelives-grade ps1"),
    (["--fill", "none.csv"], "none.csv cannot be read: No such file"),
    (["--fill", "."], "cannot be read: Is a directory"),
    (["--fill", "nbgrader_config.py"], "is not a"),
    (["--fill", "sheet.csv", "--column", "Points"], "has no column 'Points': say which one to fill with --column; it has 'Identifier', 'Full name', 'Grade'"),
    (["--due", "2026-02-30 10:00"], "The calendar has no day 2026-02-30: write"),
    (["--due", "27.11.2026"], "'27.11.2026' is not a date with a time"),
    (["--due", "0001-01-01 00:00 +14:00"], "is too far away to be a due date"),
    (["--extend", "ada", "2"], "has no due date that could be extended: set one with --due"),
    (["--watch"], "has no due date, at which watching could end: set one with --due"),
])
def test_in_an_empty_class_each_command_says_what_is_missing(course, arguments, words):
    (course / "sheet.csv").write_text(SHEET)
    assert words in refused(course, *arguments)


@pytest.mark.parametrize(("arguments", "words"), [
    (["--extend", "bert", "2"], "knows no learner 'bert'"), (["--extend", "../ada", "2"], "knows no learner '../ada'"),
    (["--extend", "ada", "400"], "are no extension: give from 0 to 366"), (["--extend", "ada", "inf"], "'inf' is not a number of days"),
    (["--watch"], "was due on Sunday, 1 March 2026, 10:00 UTC: there is nothing to watch for"),
])
def test_after_the_due_date_too(course, arguments, words):
    due(course, datetime(2026, 3, 1, 10))
    assert words in refused(course, *arguments)


def test_dates_in_the_past_are_taken_and_said(course):
    due(course, None)
    assert "That is in the past: what is handed in now is late." in command(course, "--due", "2026-03-01 10:00")
    assert "for ada. That is in the past" in command(course, "--extend", "ada", "1")
    assert "in the past" not in command(course, "--due", f"{datetime.now() + timedelta(days=2):%Y-%m-%d %H:%M}")


def nonsense(path):
    path.write_text("[")


def no_notebook(path):
    path.write_text('{"cells": 5}')


def gone(path):
    path.unlink()


@pytest.mark.parametrize(("change", "words"), [
    (nonsense, "nbgrader cannot make an assignment of"), (no_notebook, "nbgrader cannot make an assignment of"),
    (gone, "There is no notebook in"),
])
def test_a_solution_that_is_no_notebook_is_not_taken_over(course, change, words):
    change(course / "solutions" / NAME / f"{NAME}.ipynb")
    assert words in refused(course, "--update-assignment")


def test_an_update_in_an_empty_class_says_that_nobody_has_to_be_graded_again(course):
    assert "agree. Nothing was changed" in command(course, "--update-assignment")
    nonsense(course / "release" / NAME / f"{NAME}.ipynb")
    said = command(course, "--update-assignment")
    assert "is not a notebook" in said and "Nobody has to be graded again." in said

"""`nbgrader autograde` and the formgrader's button: in the sandbox, with the same points as ninelives-grade."""

import os
import re
import shutil
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from traitlets import TraitError

import ninelives
from grading import test_hostile as hostile
from helpers.classroom import ANSWERS, NAME, api, cells_of, command, filled, gradebook_of, make_course, nbgrader, send
from ninelives.grading import sandbox

KINDS = ("honest", "leaves without a word", "reads what is the instructor's", "network to loopback", "replaces the checks",
         "link to the gradebook", "not a notebook", "duplicated answer", "schema of the future", "process left behind")

listener = hostile.listener


@pytest.fixture(scope="module")
def course(tmp_path_factory, listener):
    course = make_course(tmp_path_factory.mktemp("hook"), *hostile.SETTINGS)
    (course / "solutions" / "secret.txt").write_text(hostile.SECRET)
    for kind in KINDS:
        hostile.hand_in(course, kind, listener[0])
    return course


@pytest.fixture(scope="module")
def before(course):
    return hostile.picture_of(course / "solutions", course / "submitted", Path(ninelives.__path__[0]))


@pytest.fixture(scope="module")
def graded(course, before):
    nbgrader(course, "autograde", NAME)
    return gradebook_of(course)


@pytest.mark.parametrize("kind", KINDS)
def test_each_gets_the_points_it_deserves(graded, kind):
    row = graded[hostile.student(kind)]
    assert row["score"] == hostile.KINDS[kind][1], row


@pytest.mark.parametrize("kind", [kind for kind in KINDS if hostile.KINDS[kind][2]])
def test_the_reason_is_in_comment_and_notebook(graded, course, kind):
    reason = hostile.KINDS[kind][2]
    assert any(re.search(reason, words or "") for words, _ in graded[hostile.student(kind)]["comments"].values())
    assert re.search(reason, cells_of(course, hostile.student(kind))[0].source)


def test_nothing_got_out_or_came_in(graded, course, before, listener):
    assert hostile.picture_of(course / "solutions", course / "submitted", Path(ninelives.__path__[0])) == before
    assert listener[1] == []
    for path in (course / "autograded").rglob("*"):
        assert not path.is_file() or hostile.SECRET.encode() not in path.read_bytes(), path
    assert not list((course / "autograded").rglob("link"))
    hostile.test_no_process_is_left_behind(graded)


def test_the_points_and_comments_are_those_of_ninelives_grade(graded, course, tmp_path):
    other = tmp_path / "course"
    shutil.copytree(course, other, symlinks=True, ignore=shutil.ignore_patterns("autograded"))
    assert f"{len(KINDS)} of {len(KINDS)} done" in command(other).stderr
    assert gradebook_of(other) == graded


def test_the_button_grades_again_and_points_given_by_hand_stay(graded, course):
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "ninelives") as gradebook:
        gradebook.find_grade("why-scale", NAME, NAME, "honest").manual_score = 2
        gradebook.db.commit()
    done = api(course).autograde(NAME, "honest")
    assert done["success"], done
    assert gradebook_of(course)["honest"]["score"] == hostile.FULL + 2


def test_without_a_sandbox_the_button_says_so_and_runs_nothing(graded, course, monkeypatch):
    monkeypatch.setattr(sandbox, "missing", lambda: "there is no Landlock")
    done = api(course).autograde(NAME, "honest")
    assert not done["success"] and "cannot be confined here: there is no Landlock" in done["log"]
    assert "NBGRADER_EXECUTION" not in os.environ, "the formgrader's server would hand it to every kernel that it starts"


def test_settings_of_an_older_version_are_refused_with_what_to_change(tmp_path):
    course = make_course(tmp_path)
    send(course, "ada", filled(course, ANSWERS))
    with (course / "nbgrader_config.py").open("a") as config:
        config.write('c.Autograde.exporter_class = "ninelives.grading.hook.AnyNotebook"\n'
                     'c.Autograde.autograde_preprocessors = ["ninelives.grading.hook.InSandbox"]\n'
                     'c.pop("Course")\n')
    asked = "copy the lines that begin with c.Course and the block that begins with `if sys.platform`"
    done = command(course, fails=2)
    assert asked in done.stderr and done.stderr.count("\n") == 1
    with pytest.raises(TraitError, match=re.escape(asked)):  # before nbgrader has touched anything
        api(course).autograde(NAME, "ada")
    assert gradebook_of(course) == {} and not (course / "autograded").exists()

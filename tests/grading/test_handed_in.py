"""Notebook 9 is graded with the folder that its training has written; the instructor's own notebook has none."""

import shutil
import sys
from subprocess import run

import nbformat
import pytest
from nbgrader.api import Gradebook

from helpers.classroom import generate_assignment
from helpers.submissions import fill, solutions
from helpers.trainings import put_training
from ninelives.build import ROOT

NAME = "09-training"
OWN = ("own-training-50", "own-training-80", "own-training-95", "own-training-99", "own-training-new")
SOLVED = solutions(ROOT / "solutions" / NAME / f"{NAME}.ipynb")
CLASS = {
    "trained": SOLVED,
    "untrained": {},
    "tampers": {"own-training": "trained_model = lambda *arguments, **named: None"},
}


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """The course's folder, and what the command prints."""
    course = tmp_path_factory.mktemp("course")
    shutil.copy(ROOT / "nbgrader_config.py", course)
    shutil.copytree(ROOT / "solutions" / NAME, course / "solutions" / NAME)
    generate_assignment(course, NAME)
    for student, answers in CLASS.items():
        folder = course / "submitted" / student / NAME
        folder.mkdir(parents=True)
        nbformat.write(fill(course / "release" / NAME / f"{NAME}.ipynb", answers), folder / f"{NAME}.ipynb")
        if student == "trained":
            put_training(folder)
    done = run([sys.executable, "-m", "ninelives.grading", NAME, "--workers", "1"], cwd=course, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return course, done.stdout


@pytest.fixture(scope="module")
def gradebook(said):
    with Gradebook(f"sqlite:///{said[0] / 'gradebook.db'}", "ninelives") as gradebook:
        yield gradebook


@pytest.fixture(scope="module")
def points(gradebook):
    return {s.student.id: [g.auto_score for n in s.notebooks for name in OWN for g in n.grades if g.name == name]
            for s in gradebook.assignment_submissions(NAME)}


def test_the_instructors_own_notebook_gets_no_warning(said):
    assert "Beware" not in said[1]


def test_a_training_earns_its_points_and_a_missing_one_none(points):
    assert points["trained"] == [1, 3, 1, 1, 1] and points["untrained"] == [0] * 5


def test_who_has_solved_and_trained_earns_every_point(gradebook):
    submission = gradebook.find_submission(NAME, "trained")
    assert submission.score == submission.max_score


def test_a_check_that_passes_without_any_folder_was_tampered_with(said, points):
    assert points["tampers"] == [0] * 5
    assert "also accepted a deliberately wrong answer (no files)" in said[1]

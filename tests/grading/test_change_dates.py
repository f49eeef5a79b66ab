"""Dates are changed, and one score is in the table, on the feedback page and in grades.csv."""

import csv
import re
from datetime import timedelta

import nbformat
import pytest
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps import ExportApp

from helpers.classroom import api, succeed
from helpers.plain_class import NAME, WRONG, command, make_course, send
from ninelives.grading import cli

ON_TIME, LATE = "2026-11-20 10:00:00 UTC", "2026-11-20 10:02:00 UTC"


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    course = make_course(tmp_path_factory.mktemp("dates") / "course", "c.LatePolicy.per_day = 0.15")
    for student, answer, timestamp in (("ada", None, ON_TIME), ("bert", None, LATE), ("cleo", WRONG, LATE), ("dan", None, ""),
                                       ("eve", None, "yesterday")):
        send(course, student, *[answer] if answer else [], timestamp=timestamp)
    return course


@pytest.fixture(scope="module")
def graded(course):
    return command(course, "--workers", "1")


@pytest.fixture
def grade(graded, course, monkeypatch, capsys):
    """ninelives-grade in this process, where it has nothing to run; what it printed."""
    monkeypatch.chdir(course)
    monkeypatch.setattr("ninelives.grading.cli.Workers", NoWorkers)

    def grade(*arguments, status=0):
        assert cli.main([NAME, *arguments]) == status
        return "".join(capsys.readouterr())

    return grade


class NoWorkers:
    def __init__(self, *_): ...

    def close(self, at_once=False): ...


def gradebook(course):
    return Gradebook(f"sqlite:///{course / 'gradebook.db'}", "ninelives")


def exported(course) -> dict[str, float]:
    app = ExportApp()
    app.initialize([], root=str(course))
    app.start()
    with (course / "grades.csv").open() as file:
        return {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}


def line_of(said: str, student: str) -> str:
    [line] = [line for line in said.splitlines() if re.match(rf"{student}(:|  )", line)]
    return " ".join(line.split())


def test_without_a_due_date_nothing_is_late_and_an_unreadable_time_is_said(graded):
    assert "late" not in graded and "time unknown" not in graded
    assert "timestamp.txt contains no time, so the submission counts as handed in on time" in graded


def test_penalties_follow_a_new_due_date_without_running_code(grade, course):
    said = grade("--due", "2026-11-20 10:00 UTC")
    assert "ps1 is due on Friday, 20 November 2026, 10:00 UTC. That is in the past: what is handed in now is late." in said
    assert line_of(said, "bert") == "bert: 8.5 of 10 (10, late by 2 min)"
    assert "ada:" not in said and "The gradebook as it was" in said and "generate_feedback" not in said, "nobody has a page yet"
    said = grade()
    assert "5 of 5 are graded already" in said
    assert line_of(said, "bert") == "bert 8.5 of 10 (10, late by 2 min, graded before)"
    assert line_of(said, "cleo") == "cleo 0 of 10 (late by 2 min, graded before)"
    assert line_of(said, "dan") == "dan 10 of 10 (time unknown, graded before)"


def test_the_same_score_is_in_the_table_the_feedback_and_the_export(grade, course):
    said = grade()
    result = api(course).generate_feedback(NAME, force=True)
    succeed(result)
    assert "not recognized" not in result["log"]
    scores = exported(course)
    assert scores == {"ada": 10, "bert": 8.5, "cleo": 0, "dan": 10, "eve": 10}
    for student, score in scores.items():
        page = (course / "feedback" / student / NAME / f"{NAME}.html").read_text()
        assert f"(Score: {score:.1f} / 10.0)" in page and line_of(said, student).startswith(f"{student} {score:g} of 10")
        assert ("Handed in late by 2 min." in page) == (student in ("bert", "cleo"))
    page = (course / "feedback" / "bert" / NAME / f"{NAME}.html").read_text()
    assert "This costs 1.5 points." in page and "Friday, 20 November 2026, 10:00" in page


def test_the_released_notebook_says_when_it_is_due_also_after_it_is_generated_again(grade, course):
    for _ in range(2):
        cells = nbformat.read(course / "release" / NAME / f"{NAME}.ipynb", as_version=4).cells
        assert [cell.source.startswith("**Due:** Friday, 20 November 2026, 10:00") for cell in cells[:2]] == [False, True]
        succeed(api(course).generate_assignment(NAME, force=True))
    assert "5 of 5 are graded already" in grade(), "and nobody is graded again for it"


def test_points_given_by_hand_change_the_penalty_in_the_table_and_in_the_export(grade, course):
    with gradebook(course) as gb:
        gb.find_grade("double-check", NAME, NAME, "cleo").manual_score = 4
        gb.db.commit()
    assert exported(course)["cleo"] == 3.4
    assert "cleo 3.4 of 10 (4, late by 2 min" in line_of(grade(), "cleo")
    with gradebook(course) as gb:
        gb.find_grade("double-check", NAME, NAME, "cleo").manual_score = 8
        gb.db.commit()
    said = grade()
    assert "The late penalty of cleo changed with new dates or points. Type nbgrader generate_feedback ps1 --force" in said and "cleo 6.8 of 10 (8, late by 2 min" in line_of(said, "cleo")


def test_an_extension_takes_the_penalty_away_and_zero_days_bring_it_back(grade, course):
    said = grade("--extend", "bert", "0.5")
    assert "ps1 is due on Friday, 20 November 2026, 22:00 UTC for bert. That is in the past" in said and "bert: 10 of 10" in said
    assert exported(course)["bert"] == 10
    assert "for bert, as for everyone. That is in the past" in grade("--extend", "bert", "0") and exported(course)["bert"] == 8.5


def test_an_extension_can_be_given_before_anything_is_handed_in(grade, course):
    with gradebook(course) as gb:
        gb.add_student("fay")
    grade("--extend", "fay", "2")
    with gradebook(course) as gb:
        assert gb.find_submission(NAME, "fay").extension == timedelta(days=2)
    said = grade()
    assert "5 submissions" in said and "Nothing from: fay" in said
    grade("--extend", "fay", "0")
    with gradebook(course) as gb, pytest.raises(MissingEntry):
        gb.find_submission(NAME, "fay")


@pytest.mark.parametrize(("arguments", "words"), [
    (["--extend", "gustav", "2"], "knows no learner 'gustav'"), (["--extend", "ada", "two"], "'two' is not a number of days"),
    (["--extend", "ada", "-1"], "-1 days are no extension"), (["--extend", "ada", "nan"], "'nan' is not a number of days"),
    (["--extend", "ada", "9999"], "from 0 to 366"), (["--due", "soon"], "'soon' is not a date with a time"),
    (["--due", ""], "'' is not a date with a time"),
])
def test_bad_input_is_refused_in_one_sentence_and_nothing_is_written(grade, course, arguments, words):
    before = (course / "gradebook.db").read_bytes(), sorted(course.iterdir())
    said = grade(*arguments, status=2)
    assert words in said and said.count("\n") == 1
    assert ((course / "gradebook.db").read_bytes(), sorted(course.iterdir())) == before


def test_a_due_date_is_taken_away_only_if_no_extension_counts_from_it(grade, course):
    grade("--extend", "bert", "1")
    assert "take them away first, with --extend NAME 0" in grade("--due", "none", status=2)
    grade("--extend", "bert", "0")
    said = grade("--due", "none")
    assert "ps1 has no due date now." in said and "bert: 10 of 10" in said
    assert len(nbformat.read(course / "release" / NAME / f"{NAME}.ipynb", as_version=4).cells) == 3
    assert "has no due date that could be extended" in grade("--extend", "bert", "1", status=2)


def test_an_extension_that_is_left_without_a_due_date_does_no_harm(grade, course):
    grade("--due", "2026-11-20 10:00 UTC")
    grade("--extend", "bert", "1")
    with gradebook(course) as gb:
        gb.find_assignment(NAME).duedate = None  # as the formgrader does
        gb.db.commit()
    assert "bert 10 of 10 (graded before)" in line_of(grade(), "bert")


def test_nbgraders_own_command_gives_the_same_score(grade, course):
    """It runs the plugin of this course, also where a setting of nbgrader's own plugin stands."""
    grade("--due", "2026-11-20 10:00 UTC")
    grade("--extend", "bert", "0")
    succeed(api(course).autograde(NAME, "bert", force=True))
    assert exported(course)["bert"] == 8.5

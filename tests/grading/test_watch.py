"""Feedback before the due date: a class that hands in through the exchange, looked at again and again."""

import json
import os
import re
import shutil
import signal
import time
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from sqlalchemy.exc import OperationalError

from helpers.plain_class import NAME, RIGHT, WRONG, answered, make_course, send
from ninelives.build import ROOT
from ninelives.grading import cli, watch
from ninelives.grading.batch import Batch
from ninelives.grading.errors import CannotStart
from ninelives.grading.settings import Watch
from ninelives.grading.watch import FeedbackRecord
from ninelives.grading.workers import Workers

NOW = datetime(2026, 11, 27, 12)
HOUR = timedelta(hours=1)


@pytest.fixture
def record(tmp_path):
    return FeedbackRecord(SimpleNamespace(journal=tmp_path))


def test_what_was_given_within_a_day_counts_and_the_same_submission_counts_once(record):
    for hours, digest in ((-25, "a"), (-23, "b"), (-1, "c"), (-1, "c")):
        record.add("ada", digest, NOW + hours * HOUR)
    assert (record.count("ada", NOW), record.count("bert", NOW)) == (2, 0)
    assert record.next_time("ada", 2) == NOW + HOUR and record.next_time("ada", 1) == NOW + 23 * HOUR


def test_a_clock_that_is_set_back_gives_no_more_and_one_that_was_years_ahead_does_not_lock_out(record):
    record.add("ada", "a", NOW)
    assert record.count("ada", NOW - 2 * HOUR) == 1
    record.add("bert", "a", NOW.replace(year=2036))
    assert record.count("bert", NOW) == 0


def test_the_record_is_there_after_a_restart(record, tmp_path):
    record.add("ada", "a", NOW)
    record.released("ada", "a")
    again = FeedbackRecord(SimpleNamespace(journal=tmp_path))
    assert again.given == record.given and again.entry("ada", "a")["released"]
    assert [path.name for path in tmp_path.iterdir()] == ["feedback.watch"]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff"])
def test_a_broken_record_is_refused(tmp_path, content):
    (tmp_path / "feedback.watch").write_bytes(content)
    with pytest.raises(CannotStart, match="cannot be read .*, so nobody knows how often learners got feedback: remove it"):
        FeedbackRecord(SimpleNamespace(journal=tmp_path))


def test_the_defaults_are_those_of_the_page_for_teachers():
    page = (ROOT / "docs" / "teaching" / "dates.md").read_text(encoding="utf-8")
    said = {name: float(value) for name, value in re.findall(r"c\.Watch\.(\w+) = ([\d.]+)", page)}
    assert said == {name: getattr(Watch(), name) for name in Watch.class_own_traits(config=True)}


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    course = make_course(tmp_path_factory.mktemp("watch") / "course", "c.Watch.feedback_per_day = 2", "c.ExchangeCollect.check_owner = False")
    (course / "exchange" / "ninelives" / "inbound").mkdir(parents=True)
    (course / "exchange" / "ninelives" / "feedback").mkdir()
    return course


@pytest.fixture(scope="module")
def workers():
    workers = Workers(1)
    yield workers
    workers.close()


def hand_in(course, student, minute, answer=RIGHT):
    """As `nbgrader submit` does."""
    when = f"2026-11-20 10:{minute:02}:00.000000 UTC"
    folder = course / "exchange" / "ninelives" / "inbound" / f"{student}+{NAME}+{when}+x"
    folder.mkdir()
    (folder / f"{NAME}.ipynb").write_text(answered(course, answer))
    (folder / "timestamp.txt").write_text(when)
    (folder / "submission_secret.txt").write_text(f"{student}{minute}")


def set_due(course, due):
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "ninelives") as gradebook:
        gradebook.update_or_create_assignment(NAME, duedate=due)


def pages(course):
    return len(list((course / "exchange" / "ninelives" / "feedback").glob("*.html")))


def watched(course, workers, *steps):
    """Watch, with a step instead of each pause; the last one lets the due date pass. What was said."""
    said, waiting = [], [*steps, lambda: set_due(course, NOW.replace(year=2020))]
    set_due(course, NOW.replace(year=2100))
    watch.watch(lambda: Batch(course, NAME), workers, said.append, lambda seconds: waiting.pop(0)())
    assert not waiting
    return "\n".join(said)


def test_while_nobody_has_handed_in_watching_goes_on_and_says_nothing(course, workers):
    assert watched(course, workers, lambda: None).count("\n") == 1, "only that it begins, and that it ends"


def test_each_change_is_graded_and_its_feedback_released_until_the_limit_or_the_due_date(course, workers):
    hand_in(course, "ada", 1, WRONG)
    hand_in(course, "bert", 1)
    by_mail = send(course, "dora")

    def second():
        assert pages(course) == 2
        hand_in(course, "ada", 2)

    def third():
        assert pages(course) == 3
        hand_in(course, "ada", 3)

    said = watched(course, workers, second, third, lambda: None)
    assert pages(course) == 3
    assert "feedback for ada, 1 of 2 within a day" in said and "feedback for ada, 2 of 2 within a day" in said
    assert said.count("feedback for bert") == said.count("ada has had feedback 2 times within a day: the next is given after") == 1
    assert said.count(f"Not released: this submission did not come through the exchange. Hand {course / 'feedback' / 'dora' / NAME} back") == 1
    assert "feedback for dora" not in said and (course / "feedback" / "dora" / NAME / f"{NAME}.html").exists()
    shutil.rmtree(by_mail)
    assert said.endswith(f"nbgrader collect {NAME} --update; ninelives-grade {NAME}") and "ps1 was due on" in said.splitlines()[-1]


def test_killed_after_grading_it_releases_when_started_again_and_counts_once(course, workers, monkeypatch):
    hand_in(course, "cleo", 1)
    with monkeypatch.context() as patched:
        patched.setattr(NbGraderAPI, "release_feedback", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            watched(course, workers)
    assert pages(course) == 3
    said = watched(course, workers)
    assert pages(course) == 4 and "1 of 1 are graded already" in said and "feedback for cleo, 1 of 2 within a day" in said
    assert "bert" not in said and "feedback for ada" not in said


def test_after_their_own_due_date_learners_get_no_more_and_an_extension_counts(course, workers):
    for student in ("bert", "cleo"):
        hand_in(course, student, 9)
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "ninelives") as gradebook:
        gradebook.grant_extension(NAME, "cleo", weeks=52 * 90)
    said, due = [], NOW.replace(year=2020)
    set_due(course, due)

    def stop(seconds):
        assert 0 < seconds <= 300
        with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "ninelives") as gradebook:
            gradebook.grant_extension(NAME, "cleo")

    watch.watch(lambda: Batch(course, NAME), workers, said.append, stop)
    assert "It was due on Friday, 27 November 2020" in said[0] and said[0].endswith("goes on for those with an extension: cleo.")
    assert "feedback for cleo" in "\n".join(said) and "feedback for bert" not in "\n".join(said) and pages(course) == 5


def test_a_failed_look_is_said_and_tried_again(course, workers, monkeypatch):
    before = watch.look
    looks = []

    def look(*arguments):
        looks.append(arguments)
        if len(looks) == 2:
            raise OperationalError("SELECT grade.auto_score", {}, OSError("database is locked"))
        before(*arguments)

    monkeypatch.setattr(watch, "look", look)
    assert "\ndatabase is locked. The next look will try again.\n" in watched(course, workers, lambda: None, lambda: None)
    assert len(looks) == 3


def test_a_first_look_that_fails_ends_the_command_in_one_line(course, monkeypatch, capsys):
    def look(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(watch, "look", look)
    monkeypatch.chdir(course)
    set_due(course, NOW.replace(year=2100))
    assert cli.main([NAME, "--watch", "--workers", "1"]) == 2
    assert capsys.readouterr().err == "[Errno 28] No space left on device\n"


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_waits_until_nbgrader_has_collected_and_then_ends_the_watching(course, workers, monkeypatch, end):
    collected = []

    def collect(*_, **__):
        os.kill(os.getpid(), end)
        time.sleep(0.01)
        collected.append(end)
        return {"success": True}

    monkeypatch.setattr(NbGraderAPI, "collect", collect)
    before = signal.getsignal(end)
    with pytest.raises(KeyboardInterrupt):
        watched(course, workers)
    assert collected == [end] and signal.getsignal(end) == before


@pytest.mark.parametrize(("due", "words"), [(None, "ps1 has no due date, at which watching could end"), (NOW.replace(year=2020), "there is nothing to watch for")])
def test_without_a_due_date_or_after_it_nothing_is_begun(course, monkeypatch, capsys, due, words):
    monkeypatch.chdir(course)
    set_due(course, due)
    assert cli.main([NAME, "--watch", "--workers", "1"]) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1


def test_the_record_holds_no_more_than_what_was_given(course):
    record = json.loads((course / ".ninelives-grade" / NAME / "feedback.watch").read_text())
    assert {student: len(given) for student, given in record.items()} == {"ada": 2, "bert": 2, "cleo": 2}

"""`ninelives-grade A --watch`: until the due date, collect, grade what has changed and release feedback.

What a learner has got is recorded before it is released, so that nobody gets more when the command is killed and started
again. Everything else is found in the class's folder at each look.
"""

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from nbgrader.api import MissingEntry
from nbgrader.apps import NbGraderAPI
from sqlalchemy.exc import DBAPIError

from ninelives.grading.batch import Batch
from ninelives.grading.due_dates import in_words
from ninelives.grading.errors import CannotStart, in_one_line
from ninelives.grading.folders import printable, replacing
from ninelives.grading.grade_class import grade_class
from ninelives.grading.settings import Watch
from ninelives.grading.submitted_files import FROM_THE_EXCHANGE
from ninelives.grading.workers import Workers

DAY = timedelta(days=1)


class FeedbackRecord:
    """Which submissions of whom got feedback when: {student: [{"digest", "when", "released"}]} in a file.

    Raises:
        CannotStart: the file cannot be read.
    """

    def __init__(self, batch: Batch) -> None:
        self.path = batch.journal / "feedback.watch"  # students' own files there end in .json
        try:
            self.given: dict[str, list[dict]] = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            self.given = {}
        except (OSError, ValueError) as problem:
            raise CannotStart(f"{self.path} cannot be read ({problem}), so nobody knows how often learners got feedback: "
                              "remove it, and everyone starts from zero") from None

    def entry(self, student: str, digest: str) -> dict | None:
        return next((one for one in self.given.get(student, []) if one["digest"] == digest), None)

    def count(self, student: str, now: datetime) -> int:
        """How much feedback the learner got within a day, before or after `now`: the clock may have been set back."""
        return sum(abs(now - datetime.fromisoformat(one["when"])) < DAY for one in self.given.get(student, []))

    def next_time(self, student: str, limit: int) -> datetime:
        """When the learner may get feedback again."""
        times = sorted(datetime.fromisoformat(one["when"]) for one in self.given[student])
        return times[-limit] + DAY

    def add(self, student: str, digest: str, now: datetime) -> None:
        if not self.entry(student, digest):
            self.given.setdefault(student, []).append({"digest": digest, "when": now.isoformat(), "released": False})
            self._write()

    def released(self, student: str, digest: str) -> None:
        self.entry(student, digest)["released"] = True
        self._write()

    def _write(self) -> None:
        with replacing(self.path) as new:
            new.write_text(json.dumps(self.given, indent=1), encoding="utf-8")


def watch(open_batch: Callable[[], Batch], workers: Workers, say=print, sleep=time.sleep) -> None:
    """Look at the class again and again, until nobody may hand in any more.

    Raises:
        CannotStart: at the first look, if there is no due date, if it has passed, or if nothing can be graded here.
            Later looks say what was wrong, and the next one tries again.
    """
    said: set[tuple[str, str]] = set()
    first = True
    while True:
        try:
            batch = open_batch()
            try:
                now = _now()
                end = _last_due_date(batch)
                if now >= end:
                    if first:
                        raise CannotStart(f"{batch.assignment} was due on {in_words(end)}: there is nothing to watch for. Type "
                                          f"ninelives-grade {batch.assignment}")
                    say(f"{batch.assignment} was due on {in_words(end)}, and watching ends. What came in since the last look "
                        f"is graded by: nbgrader collect {batch.assignment} --update; ninelives-grade {batch.assignment}")
                    return
                settings = Watch(config=batch.config)
                if first:
                    say(f"Watching {batch.assignment} until {in_words(end)}, every {settings.minutes:g} minutes. Ctrl-C ends it; "
                        f"the same command continues.{_still_open(batch, now)}")
                with batch.locked():
                    look(batch, workers, settings.feedback_per_day, now, said, say)
            finally:
                batch.gradebook.close()
        except (CannotStart, OSError, DBAPIError) as problem:
            if first:
                raise CannotStart(in_one_line(problem)) from None
            say(f"{in_one_line(problem)}. The next look will try again.")
        first = False
        sleep(max(1.0, min(60 * settings.minutes, (end - _now()).total_seconds())))


def look(batch: Batch, workers: Workers, limit: int, now: datetime, said: set[tuple[str, str]], say) -> None:
    """Collect, grade and release once. `said` are pairs of a learner and a submission that have been said to wait, or
    not to be released."""
    nbgrader = NbGraderAPI(batch.course, config=batch.config)
    _done(say, nbgrader.collect, batch.assignment, update=True)
    record, todo = FeedbackRecord(batch), {}
    for student in batch.students():
        try:
            digest = batch.digest(student)
        except OSError:
            continue  # grading at the end says why
        entry, releasable = record.entry(student, digest), _came_through_exchange(batch, student)
        if (student, digest) in said and not releasable:
            continue
        if entry and entry["released"] or now >= _due_date(batch, student):
            continue
        if entry or record.count(student, now) < limit or not releasable:
            todo[student] = digest
        elif (student, digest) not in said:
            said.add((student, digest))
            say(f"{printable(student)} has had feedback {limit} times within a day: the next is given after "
                f"{in_words(record.next_time(student, limit))}.")
    if not todo:
        return
    graded = [one.student for one in grade_class(batch, workers, list(todo), force=False, say=say) if one.score is not None]
    for student in graded:
        releasable = _came_through_exchange(batch, student)
        if releasable:
            record.add(student, todo[student], now)
        done = _done(say, nbgrader.generate_feedback, batch.assignment, student, force=True)
        if not releasable:
            said.add((student, todo[student]))
            page = batch.course.format_path(batch.course.feedback_directory, student, batch.assignment)
            if done:
                say(f"Not released: this submission did not come through the exchange. Hand {printable(page)} back yourself.")
        elif done and _done(say, nbgrader.release_feedback, batch.assignment, student):
            record.released(student, todo[student])
            say(f"{datetime.now():%H:%M}  feedback for {printable(student)}, {record.count(student, now)} of {limit} within a day")


def _now() -> datetime:
    """The time in UTC without a zone, as the gradebook has it."""
    return datetime.now(UTC).replace(tzinfo=None)


def _last_due_date(batch: Batch) -> datetime:
    """When the last learner's time is over. Raises CannotStart."""
    assignment = batch.gradebook.find_assignment(batch.assignment)
    if assignment.duedate is None:
        raise CannotStart(f"{batch.assignment} has no due date, at which watching could end: set one with --due")
    return max([assignment.duedate, *(one.duedate for one in assignment.submissions)])


def _still_open(batch: Batch, now: datetime) -> str:
    """A sentence, if the due date has passed: for whom it has not."""
    assignment = batch.gradebook.find_assignment(batch.assignment)
    if now < assignment.duedate:
        return ""
    extended = sorted(one.student.id for one in assignment.submissions if one.duedate > now)
    return (f" It was due on {in_words(assignment.duedate)}, and watching goes on for those with an extension: "
            f"{', '.join(map(printable, extended))}.")


def _came_through_exchange(batch: Batch, student: str) -> bool:
    """Whether feedback can be released; nbgrader needs both files for that."""
    return all((batch.folder(student) / name).exists() for name in FROM_THE_EXCHANGE)


def _due_date(batch: Batch, student: str) -> datetime:
    try:
        return batch.gradebook.find_submission(batch.assignment, student).duedate
    except MissingEntry:
        return batch.gradebook.find_assignment(batch.assignment).duedate


def _done(say, command: Callable[..., dict], *arguments, **named) -> bool:
    """Whether a command of nbgrader's has worked; if not, its last line is said."""
    with interrupted_afterwards():
        result = command(*arguments, **named)
    if not result["success"]:
        lines = (result.get("log") or result.get("error") or "").strip().splitlines()
        say(f"nbgrader {command.__name__} failed: {lines[-1] if lines else 'no reason was given'}")
    return result["success"]


@contextmanager
def interrupted_afterwards() -> Iterator[None]:
    """Let an interrupt wait until the end: nbgrader would take it for a failure, and watching would go on."""
    heard: list[int] = []
    before = {end: signal.signal(end, lambda number, frame: heard.append(number)) for end in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for end, handler in before.items():
            signal.signal(end, handler)
    if heard:
        raise KeyboardInterrupt

"""`ninelives-grade A --due …` and `--extend …`: dates are changed, and penalties follow without running code again."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nbformat
from nbgrader.api import Assignment, MissingEntry

from ninelives.grading.backup import back_up
from ninelives.grading.batch import Batch
from ninelives.grading.due_dates import in_words, read_time, with_due_date
from ninelives.grading.errors import CannotStart
from ninelives.grading.folders import replacing

LONGEST = 366.0  # days of an extension


def set_due_date(batch: Batch, text: str, say=print) -> None:
    """Set the due date, or take it away with "none".

    Raises:
        CannotStart: it is not a time.
    """
    assignment: Assignment = batch.gradebook.find_assignment(batch.assignment)
    when = None if text == "none" else read_time(text)
    if when is None and any(submission.extension for submission in assignment.submissions):
        raise CannotStart(f"{batch.assignment} keeps its due date, since extensions count from it: take them away first, "
                          "with --extend NAME 0")
    say(back_up(batch.course.db_url, Path(batch.course.root), batch.assignment))
    assignment.duedate = when
    batch.gradebook.db.commit()
    _write_into_release(batch, when)
    say(f"{batch.assignment} is due on {in_words(when)}.{_past(when)}" if when else f"{batch.assignment} has no due date now.")
    say(f"The notebooks in {batch.course.release_directory}/ say so. To hand them out again: nbgrader release_assignment "
        f"{batch.assignment} --force")
    _update_penalties(batch, say)


def extend(batch: Batch, student: str, days: str, say=print) -> None:
    """Give a learner `days` more; 0 takes an extension away. It replaces an earlier one. nbgrader's gradebook keeps an
    extension with a submission, so that of a learner who has handed in nothing is entered there as an empty one.

    Raises:
        CannotStart: there is no due date, no such learner, or no such number of days.
    """
    try:
        more = timedelta(days=float(days))
    except (ValueError, OverflowError):
        raise CannotStart(f"{days!r} is not a number of days: write --extend {student} 2 or, for twelve hours, "
                          f"--extend {student} 0.5") from None
    if not timedelta(0) <= more <= timedelta(days=LONGEST):
        raise CannotStart(f"{days} days are no extension: give from 0 to {LONGEST:g}, counted from the due date")
    assignment: Assignment = batch.gradebook.find_assignment(batch.assignment)
    if assignment.duedate is None:
        raise CannotStart(f"{batch.assignment} has no due date that could be extended: set one with --due")
    _check_student(batch, student)
    say(back_up(batch.course.db_url, Path(batch.course.root), batch.assignment))
    batch.gradebook.update_or_create_student(student)
    with batch.gradebook.db.no_autoflush:
        submission = batch.gradebook.update_or_create_submission(batch.assignment, student, extension=more or None)
    due, past = in_words(submission.duedate), _past(submission.duedate)
    if not more and submission.timestamp is None and not batch.folder(student).is_dir():
        batch.gradebook.remove_submission(batch.assignment, student)
    say(f"{batch.assignment} is due on {due} for {student}.{past}" if more else
        f"{batch.assignment} is due on {due} for {student}, as for everyone.{past}")
    _update_penalties(batch, say)


def _past(when: datetime) -> str:
    return " That is in the past: what is handed in now is late." if when < datetime.now(UTC).replace(tzinfo=None) else ""


def _update_penalties(batch: Batch, say) -> None:
    """Compute the penalties from the dates of now, and say whose points have changed."""
    changed = [submission for submission in batch.gradebook.assignment_submissions(batch.assignment)
               if batch.recorder.penalties.outdated(submission)]
    for submission in changed:
        batch.recorder.penalties.update(submission)
    batch.gradebook.db.commit()
    for submission in changed:
        say(str(batch.result(submission.student.id, submission, (), {})))
    if pages := pages_to_write_again(batch, [submission.student.id for submission in changed]):
        say(pages)


def pages_to_write_again(batch: Batch, students: list[str]) -> str:
    """What to type after these learners' points have changed; empty if none of them has a feedback page."""
    pages = (Path(batch.course.format_path(batch.course.feedback_directory, student, batch.assignment)) for student in students)
    if not any(page.is_dir() for page in pages):
        return ""
    return f"Type nbgrader generate_feedback {batch.assignment} --force, so that the feedback pages say the same."


def _check_student(batch: Batch, student: str) -> None:
    if batch.folder(student).is_dir():
        return
    try:
        batch.gradebook.find_student(student)
    except MissingEntry:
        raise CannotStart(f"The gradebook knows no learner {student!r}. If the name is right, enter it first: nbgrader db "
                          f"student add {student}") from None


def _write_into_release(batch: Batch, when: datetime | None) -> None:
    folder = Path(batch.course.format_path(batch.course.release_directory, ".", batch.assignment))
    for notebook in batch.notebooks:
        path = folder / f"{notebook.name}.ipynb"
        with replacing(path) as new:
            nbformat.write(with_due_date(nbformat.read(path, as_version=4), when), new)
            shutil.copymode(path, new)

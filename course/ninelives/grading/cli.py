"""What ninelives-grade does: the assignment is opened, and graded, reported on or changed as the options ask."""

import argparse
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy.exc import DBAPIError
from traitlets import TraitError

from ninelives.grading import sandbox
from ninelives.grading.arguments import arguments
from ninelives.grading.backup import why_no_backup
from ninelives.grading.batch import Batch
from ninelives.grading.capacity import usable_workers
from ninelives.grading.change_dates import extend, set_due_date
from ninelives.grading.class_folder import quiet_autograde
from ninelives.grading.errors import CannotStart, in_one_line
from ninelives.grading.feedback_zip import feedback_zip
from ninelives.grading.fill_sheet import fill_sheet
from ninelives.grading.grade_class import grade_class
from ninelives.grading.kernel_server import KernelServer
from ninelives.grading.progress import nothing_from, summary
from ninelives.grading.report_command import write_alike, write_reports
from ninelives.grading.update_assignment import notice, update_assignment
from ninelives.grading.watch import watch
from ninelives.grading.workers import Workers

Result = TypeVar("Result")


def main(argv: list[str] | None = None, server: KernelServer | None = None) -> int:
    """The exit status. `server` is one that was started before it was known what the course needs."""
    given = arguments(argv)
    workers = None
    try:
        if given.update_assignment:
            _started(lambda: update_assignment(Path.cwd(), given.assignment))
            return 0
        if given.report:
            _started(lambda: write_reports(Path.cwd(), given.assignment, names=not given.without_names))
            return 0
        if given.alike:
            _started(lambda: write_alike(Path.cwd(), given.assignment))
            return 0
        if given.watch:
            workers = Workers(given.workers or usable_workers(), given.dask)
            watch(lambda: _batch(given), workers)
            workers.close()
            return 0
        batch = _batch(given)
        changed = notice(batch.autograde, batch.gradebook, batch.assignment)
        if changed:
            print(changed, file=sys.stderr)
        with batch.locked():
            for function, words in _without_running(given):
                function(batch, *words)
                return 0
            students = _students(batch, given.student)
            if not batch.execute:
                print("Nothing is run: points are read from the outputs that learners handed in, which they can change.",
                      file=sys.stderr)
            elif given.unsafe:
                print("Without the sandbox: learners' code runs with all your permissions.", file=sys.stderr)
            elif sandbox.landlock() < 1:
                print("This system has no Landlock: every notebook runs in bubblewrap instead, which is as safe but "
                      "slower.", file=sys.stderr)
            workers = Workers(given.workers or usable_workers(), given.dask, server)
            results = grade_class(batch, workers, students, given.force or batch.autograde.force)
            print(f"{summary(results)}\nThe class is the one in {batch.course.root}.")
            if batch.settings.opened and batch.confined:
                print(batch.settings.opened)
            missing = nothing_from([student.id for student in batch.gradebook.students], batch.students())
            if missing and not given.student:
                print(missing)
            if changed:
                print(changed)
            no_backup = why_no_backup(batch.course.db_url)
            if no_backup and not all(result.known for result in results):
                print(no_backup)
            workers.close()
        return int(any(result.score is None for result in results))
    except CannotStart as problem:
        print(problem, file=sys.stderr)
        if workers:
            workers.close(at_once=True)
        return 2
    except KeyboardInterrupt:
        for end in (signal.SIGINT, signal.SIGTERM):
            signal.signal(end, signal.SIG_IGN)  # a second one must not interrupt the closing
        print("\nInterrupted. What is graded is kept; the same command continues from here.", file=sys.stderr)
        if workers:
            workers.close(at_once=True)
        return 130


def _without_running(given: argparse.Namespace) -> list[tuple]:
    """What the options ask for that runs no learners' code: pairs of a function and its arguments after the batch."""
    asked = [(set_due_date, [given.due])] if given.due is not None else []
    asked += [(extend, given.extend)] if given.extend is not None else []
    asked += [(fill_sheet, [given.fill, given.column])] if given.fill is not None else []
    return asked + ([(feedback_zip, [])] if given.feedback_zip else [])


def _batch(given: argparse.Namespace) -> Batch:
    """The assignment in this folder. Raises CannotStart."""
    reason = None if _without_running(given) else sandbox.missing()
    if reason and not given.unsafe:
        raise CannotStart(f"Learners' code cannot be confined here: {reason}. To run it anyway, with all your "
                          "permissions, add --unsafe.")
    root = Path.cwd()
    return _started(lambda: Batch(root, given.assignment, not given.unsafe,
                                  quiet_autograde(root, given.assignment, given.settings)))


def _started(work: Callable[[], Result]) -> Result:
    """What `work` returns. Raises CannotStart where a setting, a file or the database is at fault."""
    try:
        return work()
    except TraitError as problem:
        raise CannotStart(f"A setting in nbgrader_config.py cannot be used: {problem}") from None
    except (OSError, DBAPIError) as problem:
        raise CannotStart(f"Nothing could be started: {in_one_line(problem)}") from None


def _students(batch: Batch, wanted: list[str] | None) -> list[str]:
    """Whom to grade. Raises CannotStart."""
    everyone = batch.students()
    unknown = sorted(set(wanted or []) - set(everyone))
    if unknown:
        raise CannotStart(f"{unknown[0]} has not handed in anything: there is no {batch.folder(unknown[0])}")
    if not everyone:
        raise CannotStart(f"Nobody has handed in anything: there is no {batch.folder('NAME')}. Type nbgrader collect "
                          f"{batch.assignment}, or put each learner's notebook into such a folder")
    return list(dict.fromkeys(wanted or everyone))

"""Grade a class: every submission separately, several at a time, in a sandbox.

If it is interrupted, the same command continues where it stopped. Run it in the folder of your class, where
nbgrader_config.py is. Submissions are read from submitted/, where `nbgrader collect` puts them. Points and notebooks go
where `nbgrader autograde` puts them, so that the formgrader, the feedback and the export work as usual. A submission
that is graded already and has not changed since is skipped.
"""

import argparse
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TypeVar

from sqlalchemy.exc import DBAPIError
from traitlets import TraitError

from ninelives.grading import sandbox
from ninelives.grading.backup import why_no_backup
from ninelives.grading.batch import Batch
from ninelives.grading.capacity import usable_workers
from ninelives.grading.change_dates import extend, set_due_date
from ninelives.grading.class_folder import quiet_autograde
from ninelives.grading.errors import CannotStart
from ninelives.grading.feedback_zip import feedback_zip
from ninelives.grading.fill_sheet import fill_sheet
from ninelives.grading.grade_class import grade_class
from ninelives.grading.progress import nothing_from, summary
from ninelives.grading.report_command import write_alike, write_reports
from ninelives.grading.update_assignment import notice, update_assignment
from ninelives.grading.watch import watch
from ninelives.grading.workers import Workers

Result = TypeVar("Result")
SETTING = re.compile(r"--[A-Za-z_]\w*\.\w+=.*", re.DOTALL)  # one of nbgrader's settings, such as --Execute.timeout=60

NEEDED = {
    "--due": "needs one time in quotes, as in --due \"2026-11-27 18:00\", or none",
    "--extend": "needs a learner and a number of days, as in --extend ada 2",
}  # which argparse counts, but cannot name

EXAMPLES = """\
examples:
  ninelives-grade 02-attention                       everyone who has not been graded yet
  ninelives-grade 02-attention --workers 8           on eight cores
  ninelives-grade 02-attention --student ada bert    these two
  ninelives-grade 02-attention --force               everyone again, also those graded already
  ninelives-grade 02-attention --update-assignment   a check was changed in solutions/: use it from now on
  ninelives-grade 02-attention --dask tcp://10.0.0.5:8786
                                                     on a Dask cluster whose machines see this folder
  ninelives-grade 02-attention --due "2026-11-27 18:00"
                                                     the due date; penalties follow, and nothing is run
  ninelives-grade 02-attention --extend ada 2        two days more for ada
  ninelives-grade 02-attention --report              what the class passed, failed and misread
  ninelives-grade 02-attention --watch               feedback for everyone until the due date
  ninelives-grade 02-attention --alike               answers that are alike, side by side

The exit status is 0 if every submission was graded (with however few points), 1 if one could not be graded,
2 if nothing could be started, 130 if it was interrupted. Any setting of nbgrader can be given as an option, such as
--CourseDirectory.student_id_exclude=ada,bert; one that would have no effect is refused by its name. Limits are set in nbgrader_config.py:
c.ExecutePreprocessor.timeout (seconds for one cell), c.Sandbox.notebook_timeout (seconds for a whole notebook),
c.Sandbox.memory, c.Sandbox.disk and c.Sandbox.output (megabytes), c.Sandbox.threads; c.Sandbox.pictures = True draws
the pictures of ungraded cells too. What the course needs is set there as c.Course: see docs/teaching/grading.md.
"""


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without the usage lines."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message}. To see all options: {self.prog} --help\n")


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = Parser(prog="ninelives-grade", description=__doc__, epilog=EXAMPLES, exit_on_error=False,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assignment", nargs="?", help="its name, such as 02-attention")
    parser.add_argument("--student", nargs="+", metavar="NAME", help="grade only these")
    parser.add_argument("--notebook", metavar="NAME", help="grade only this notebook of the assignment, such as 'p*'")
    parser.add_argument("--db", metavar="URL", help="the gradebook, instead of c.CourseDirectory.db_url")
    parser.add_argument("-f", "--force", action="store_true", help="grade again what is graded already")
    parser.add_argument("--workers", type=int, metavar="N",
                        help="how many at a time; by default as many as it may use cores and as fit into memory")
    parser.add_argument("--dask", metavar="ADDRESS",
                        help="grade on the Dask cluster whose scheduler has this address, with all its workers")
    parser.add_argument("--unsafe", action="store_true",
                        help="run learners' code without the sandbox, with all your permissions")
    parser.add_argument("--no-execute", action="store_true",
                        help="run nothing: points by the outputs that learners handed in, which they can change")
    parser.add_argument("--go-on", action="store_true",
                        help="grade although the instructor's own answers fail checks here")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--update-assignment", action="store_true",
                         help="take over what was changed in solutions/ since the assignment was given out, into the "
                              "gradebook and release/, and say who has to be graded again")
    instead.add_argument("--due", metavar="WHEN", help="set the due date, as '2026-11-27 18:00'; 'none' takes it away")
    instead.add_argument("--extend", nargs=2, metavar=("NAME", "DAYS"),
                         help="give a learner so many days more, also before they hand in; 0 takes the extension away")
    instead.add_argument("--fill", metavar="SHEET", help="fill in the points in Moodle's or Canvas's own grade sheet")
    parser.add_argument("--column", metavar="NAME", help="which column of the sheet --fill fills")
    instead.add_argument("--feedback-zip", action="store_true", help="put the feedback pages into a zip for Moodle or Canvas")
    instead.add_argument("--report", action="store_true",
                         help="grade nothing: report on what the class passed and misread, without an assignment for all")
    instead.add_argument("--alike", action="store_true",
                         help="grade nothing: show answers that are alike, side by side: a place to look, no verdict")
    parser.add_argument("--without-names", action="store_true", help="a report that names no learner, for sharing")
    instead.add_argument("--watch", action="store_true",
                         help="until the due date: collect, grade what has changed and release feedback, every few minutes")
    try:
        given, given.settings = parser.parse_known_args(argv)
    except argparse.ArgumentError as problem:
        lacking = problem.argument_name in NEEDED and problem.message.startswith("expected")
        parser.error(f"{problem.argument_name} {NEEDED[problem.argument_name]}" if lacking else str(problem))
    for option in given.settings:
        if not SETTING.fullmatch(option):
            parser.error(f"--due {NEEDED['--due']}" if given.due and option[0].isdigit() else f"unrecognized argument: {option}")
    given.settings += [f"--CourseDirectory.notebook_id={given.notebook}"] if given.notebook else []
    given.settings += [f"--CourseDirectory.db_url={given.db}"] if given.db else []
    given.settings += ["--Course.go_on=True"] if given.go_on else []
    given.settings += ["--Execute.enabled=False"] if given.no_execute else []
    if given.assignment is None and not given.report:
        parser.error("name an assignment, such as 02-attention")
    if given.without_names and not given.report:
        parser.error("--without-names needs --report")
    if given.column and given.fill is None:
        parser.error("--column needs --fill")
    if given.watch and (given.force or given.student):
        parser.error("--watch looks at everyone, and grades what has changed: leave out --force and --student")
    if given.workers is not None and given.workers < 1:
        parser.error(f"--workers {given.workers}: at least 1 is needed")
    if given.workers and given.dask:
        parser.error("--workers counts processes of this machine, and --dask uses those of the cluster: give only one")
    return given


def main(argv: list[str] | None = None) -> int:
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
            workers = Workers(given.workers or usable_workers(), given.dask)
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
        reason = " ".join(str(getattr(problem, "orig", problem)).split())
        raise CannotStart(f"Nothing could be started: {reason}") from None


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

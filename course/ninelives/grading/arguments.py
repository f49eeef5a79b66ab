"""Grade a class: every submission separately, several at a time, in a sandbox.

If it is interrupted, the same command continues where it stopped. Run it in the folder of your class, where
nbgrader_config.py is. Submissions are read from submitted/, where `nbgrader collect` puts them. Points and notebooks go
where `nbgrader autograde` puts them, so that the formgrader, the feedback and the export work as usual. A submission
that is graded already and has not changed since is skipped.
"""

import argparse
import re
from typing import NoReturn

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

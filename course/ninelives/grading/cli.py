"""Grade a class: every submission on its own, several at a time, in a sandbox; interrupted, it goes on where it stopped.

Run it in the folder of your class, where nbgrader_config.py stands. Submissions are read from submitted/, where `nbgrader
collect` puts them. Points and notebooks go where `nbgrader autograde` puts them, so that formgrader, feedback and
export go on from there. A submission that is graded already and has not changed since is passed over.
"""

import argparse
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from sqlalchemy.exc import DBAPIError
from traitlets import TraitError

from ninelives.grading import sandbox
from ninelives.grading.backup import cannot_be_copied
from ninelives.grading.batch import Batch
from ninelives.grading.errors import CannotStart, NotCopied, NotGivenOut
from ninelives.grading.folders import printable
from ninelives.grading.grade_class import run
from ninelives.grading.progress import Line
from ninelives.grading.workers import Workers

EXAMPLES = """\
examples:
  ninelives-grade 02-attention                       everyone who has not been graded yet
  ninelives-grade 02-attention --workers 8           on eight cores
  ninelives-grade 02-attention --student ada bert    these two
  ninelives-grade 02-attention --force               everyone again, also those graded already
  ninelives-grade 02-attention --dask tcp://10.0.0.5:8786
                                                     on a Dask cluster whose machines see this folder

The exit status is 0 if every submission is graded (with however few points), 1 if one could not be graded,
2 if nothing could be started, 130 if it was interrupted. Limits are set in nbgrader_config.py:
c.ExecutePreprocessor.timeout (seconds for one cell), c.Sandbox.notebook_timeout (seconds for a whole notebook),
c.Sandbox.memory, c.Sandbox.disk and c.Sandbox.output (megabytes), c.Sandbox.threads; c.Sandbox.pictures = True draws
the pictures of cells that earn no points, too.
"""


def summary(lines: list[Line]) -> str:
    """A table of all students, with what has to be said of each."""
    lines = [replace(line, student=printable(line.student), notes=tuple(map(printable, line.notes))) for line in lines]
    width = max([len("student"), *(len(line.student) for line in lines)])
    rows = [f"{'student':{width}}   points"]
    for line in lines:
        result = "not graded" if line.score is None else f"{line.score:6g} of {line.most:g}"
        marks = [f"{line.manual} to look at"] if line.manual else []
        marks += ["graded before"] if line.known else []
        rows.append(f"{line.student:{width}}   {result}" + (f"   ({', '.join(marks)})" if marks else ""))
        rows += [f"{'':{width}}     {note}" for note in line.notes]
    failed = sum(line.score is None for line in lines)
    noted = sum(bool(line.notes) for line in lines)
    rows.append(f"{len(lines)} submissions: {len(lines) - failed} graded, {failed} not graded, {noted} with notes.")
    return "\n".join(rows)


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ninelives-grade", description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assignment", help="its name, such as 02-attention")
    parser.add_argument("--student", nargs="+", metavar="NAME", help="grade these alone")
    parser.add_argument("--force", action="store_true", help="grade again what is graded already")
    parser.add_argument("--workers", type=int, metavar="N",
                        help="how many at a time; by default as many as there are cores")
    parser.add_argument("--dask", metavar="ADDRESS", help="grade on the Dask cluster whose scheduler has this address, with all its workers")
    parser.add_argument("--unsafe", action="store_true",
                        help="run learners' code without the sandbox, with all that you may do yourself")
    given = parser.parse_args(argv)
    if given.workers is not None and given.workers < 1:
        parser.error(f"--workers {given.workers}: at least 1 is needed")
    if given.workers and given.dask:
        parser.error("--workers counts processes of this machine, and --dask grades with those of the cluster: one of the two")
    return given


def main(argv: list[str] | None = None) -> int:
    given = arguments(argv)
    workers = None
    try:
        reason = sandbox.missing()
        if reason and not given.unsafe:
            raise CannotStart(f"Learners' code cannot be confined here: {reason}. To run it all the same, with all that you "
                              "may do yourself, say --unsafe.")
        try:
            batch = Batch(Path.cwd(), given.assignment, confined=not given.unsafe)
        except TraitError as problem:
            raise CannotStart(f"A setting of nbgrader_config.py cannot be used: {problem}") from None
        except (OSError, DBAPIError) as problem:
            raise CannotStart(f"Nothing could be started: {' '.join(str(getattr(problem, 'orig', problem)).split())}") from None
        with batch.alone():
            everyone = batch.students()
            unknown = sorted(set(given.student or []) - set(everyone))
            if unknown:
                raise CannotStart(f"{unknown[0]} has sent in nothing: there is no {batch.folder(unknown[0])}")
            if not everyone:
                raise CannotStart(f"Nobody has sent in anything: there is no {batch.folder('NAME')}. Type nbgrader collect "
                                  f"{given.assignment}, or put each learner's notebook into such a folder")
            if given.unsafe:
                print("Without the sandbox: learners' code runs with all that you may do yourself.", file=sys.stderr)
            elif sandbox.landlock() < 1:
                print("This system has no Landlock: every notebook runs in bubblewrap instead, as safely and more slowly.",
                      file=sys.stderr)
            workers = Workers(given.workers or os.cpu_count(), given.dask)
            lines = run(batch, workers, list(dict.fromkeys(given.student or everyone)), given.force)
            print(summary(lines))
            uncopied = cannot_be_copied(batch.course.db_url)
            if uncopied and not all(line.known for line in lines):
                print(uncopied)
            workers.close()
        return int(any(line.score is None for line in lines))
    except (CannotStart, NotGivenOut, NotCopied) as problem:
        print(problem, file=sys.stderr)
        if workers:
            workers.close(at_once=True)
        return 2
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second one would end what closes, not hurry it
        print("\nInterrupted. What is graded is kept; the same command goes on from here.", file=sys.stderr)
        if workers:
            workers.close(at_once=True)
        return 130

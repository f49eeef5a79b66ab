"""Grade a class: every submission on its own, several at a time, in a sandbox; interrupted, it goes on where it stopped.

Run it in the folder of your class, where nbgrader_config.py stands. Submissions are read from submitted/, where `nbgrader
collect` puts them. Points and notebooks go where `nbgrader autograde` puts them, so that formgrader, feedback and
export go on from there. A submission that is graded already and has not changed since is passed over.
"""

import argparse
import fcntl
import hashlib
import json
import logging
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from glob import escape, glob
from multiprocessing import get_context
from pathlib import Path
from shutil import get_terminal_size

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps import NbGrader
from nbgrader.converters import Autograde
from nbgrader.preprocessors import AssignLatePenalties, CheckCellMetadata, Execute, SaveAutoGrades
from nbgrader.utils import find_all_files
from sqlalchemy.exc import DBAPIError
from traitlets import Bool, Float, Int, TraitError
from traitlets.config import Config, Configurable
from traitlets.utils.importstring import import_item

from ninelives.grading import sandbox
from ninelives.grading.execute import KernelDied, KernelsEnded
from ninelives.grading.folders import everything_in, printable
from ninelives.grading.gradebook import (
    NotCopied,
    NotGivenOut,
    Recorder,
    cannot_be_copied,
    copy_of,
    given_out,
    never_generated,
)
from ninelives.grading.process import start_worker
from ninelives.grading.repair import plain
from ninelives.grading.sandbox import Limits
from ninelives.grading.submission import Graded, Task, calibrate, grade, warm_up

ATTEMPTS = 5  # at a submission, each of which ended with the death of a worker
JOURNAL = ".ninelives-grade"
DONE_ELSEWHERE = (Execute, SaveAutoGrades, AssignLatePenalties, CheckCellMetadata)
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


class Sandbox(Configurable):
    """What one learner's notebook may use while it is graded."""

    notebook_timeout = Float(600.0, help="Seconds for a whole notebook.").tag(config=True)
    memory = Int(2048, help="Megabytes of memory, on top of what the course itself holds.").tag(config=True)
    disk = Int(256, help="Megabytes of files that it may write.").tag(config=True)
    output = Int(2, help="Megabytes that are kept of what one cell prints and draws.").tag(config=True)
    threads = Int(64, help="Threads that may live at once.").tag(config=True)
    unsafe = Bool(False, help="Run learners' code without the sandbox in nbgrader autograde and the formgrader.").tag(config=True)
    pictures = Bool(False, help="Draw the pictures of cells that earn no points, too: it takes longer than all the rest.").tag(config=True)


def limits_of(config: Config) -> Limits:
    """What one notebook may use, by nbgrader_config.py."""
    own = Sandbox(config=config)
    cell = Execute(config=config).timeout
    if cell is None or cell <= 0:  # none, as nbconvert has it
        cell = own.notebook_timeout
    return Limits(cell, own.notebook_timeout, own.memory << 20, own.disk << 20, own.output << 20, own.threads, own.pictures)


@dataclass
class Line:
    """A student's line in the summary.

    Args:
        score: points; None where it could not be graded.
        most: points that can be had.
        manual: cells that someone has to look at.
        notes: what has to be said of it.
        known: whether it had been graded before.
    """

    student: str
    score: float | None = None
    most: float = 0.0
    manual: int = 0
    notes: tuple[str, ...] = ()
    known: bool = False


def quiet_autograde(root: Path, assignment: str) -> Autograde:
    """nbgrader's own converter of a course, for its settings."""
    application = NbGrader()
    application.log.setLevel(logging.ERROR)
    application.initialize([], root=str(root))
    application.coursedir.assignment_id = assignment
    made = Autograde(coursedir=application.coursedir, config=application.config)
    made.log = logging.getLogger("ninelives.grading")
    return made


class CannotStart(Exception):
    """Nothing can be graded; the message says why and what to do."""


class Batch:
    """One assignment of one course, on its way from submitted/ into the gradebook."""

    def __init__(self, root: Path, assignment: str, confined: bool = True, autograde: Autograde | None = None) -> None:
        self.autograde = autograde or quiet_autograde(root, assignment)
        self.config, self.course = self.autograde.config, self.autograde.coursedir
        self.assignment, self.confined = assignment, confined
        if self.course.db_url.startswith("sqlite:///"):
            self.look_at_gradebook(Path(self.course.db_url.removeprefix("sqlite:///")), root / "nbgrader_config.py")
        try:
            self.gradebook = Gradebook(self.course.db_url, self.course.course_id)
        except ImportError as problem:
            raise CannotStart(f"{problem}, which the gradebook needs: python -m pip install \"psycopg[binary]\" for PostgreSQL") from None
        except DBAPIError as problem:
            raise CannotStart("The gradebook that c.CourseDirectory.db_url names cannot be opened: "
                              f"{' '.join(str(problem.orig).split())}") from None
        self.notebooks = given_out(self.course, assignment, self.gradebook)
        self.limits = limits_of(self.config)
        self.recorder = Recorder(self.autograde, self.gradebook, assignment, self.limits.disk // 2)
        self.journal = Path(self.course.root, JOURNAL, assignment)
        # Execution is done by then, the gradebook is written by the recorder, and the cells' metadata are our own.
        found = [import_item(made) if isinstance(made, str) else made for made in self.autograde.autograde_preprocessors]
        self.polish = [made(config=self.config) if isinstance(made, type) else made for made in found
                       if not (isinstance(made, type) and issubclass(made, DONE_ELSEWHERE))]
        source = Path(self.course.format_path(self.course.source_directory, ".", assignment))
        kept = set(self.autograde.exclude_overwriting.get(assignment, []))
        files = [Path(path) for path in find_all_files(str(source), [*self.course.ignore, "*.ipynb"])]
        self.others = {str(path.relative_to(source)): path for path in files if str(path.relative_to(source)) not in kept}
        made = hashlib.sha256(repr((self.notebooks, self.limits, self.confined)).encode())
        for name, path in sorted(self.others.items()):
            made.update(name.encode("utf-8", "surrogateescape") + b"\0" + hashlib.sha256(path.read_bytes()).digest())
        self.stamp = made.hexdigest()  # changes when the assignment or the limits do

    def look_at_gradebook(self, gradebook: Path, settings: Path) -> None:
        """Raises NotGivenOut where there is none, CannotStart where it cannot be written."""
        if not gradebook.exists() and not settings.exists():
            raise NotGivenOut(f"This is not the folder of a class, since there is no {settings}: "
                              "go to the one that you made for yours")
        if not gradebook.exists():
            raise never_generated(self.course, self.assignment, f"There is no gradebook here, {gradebook}")
        for path in (gradebook, gradebook.parent):
            if not os.access(path, os.W_OK):
                raise CannotStart(f"You may not write {path}: grade as its owner, or if that is you, type chmod u+w {path}")

    def students(self) -> list[str]:
        """Everyone who has sent something in, in order."""
        folder, course = self.course.submitted_directory, self.course
        pattern = course.format_path(folder, "(?P<student>.*)", self.assignment, escape=True)
        everyone = "*".join(escape(part) for part in course.format_path(folder, "*", self.assignment).split("*"))
        found = [re.fullmatch(pattern, path, re.DOTALL) for path in glob(everyone) if Path(path).is_dir()]
        left_out = set(course.student_id_exclude.split(","))
        return sorted({match["student"] for match in found if match and match["student"] not in left_out})

    def folder(self, student: str) -> Path:
        return Path(self.course.format_path(self.course.submitted_directory, student, self.assignment))

    def task(self, student: str, calibrated: dict[str, dict]) -> Task:
        return Task(self.folder(student).absolute(), self.notebooks, {name: path.absolute() for name, path in self.others.items()},
                    self.limits, self.stamp, self.confined).calibrated(calibrated)

    def digest(self, student: str) -> str:
        """Changes when the submission, the assignment or the limits do."""
        made = hashlib.sha256(self.stamp.encode())
        for path in everything_in(self.folder(student))[0]:
            made.update(str(path.relative_to(self.folder(student))).encode("utf-8", "surrogateescape") + b"\0")
            if path.is_symlink():
                made.update(os.readlink(path).encode("utf-8", "surrogateescape"))
            elif path.is_file():
                found = path.stat()
                large = found.st_size > 64 << 20
                made.update(f"{found.st_size} {found.st_mtime_ns}".encode() if large else path.read_bytes())
        return made.hexdigest()

    def known(self, student: str, digest: str) -> Line | None:
        """The line of a student whose present submission is in the gradebook already."""
        try:
            entry = json.loads((self.journal / f"{student}.json").read_text(encoding="utf-8"))
            submission = self.gradebook.find_submission(self.assignment, student)
        except (OSError, ValueError, MissingEntry):
            return None
        final = Path(self.course.format_path(self.course.autograded_directory, student, self.assignment))
        if entry.get("digest") != digest or not all((final / f"{n.name}.ipynb").exists() for n in self.notebooks):
            return None
        for notebook in submission.notebooks:
            scores = entry["scores"].get(notebook.name, {})
            if any(scores.get(grade.name, "none") != grade.auto_score for grade in notebook.grades):
                return None
        return self.line(student, submission, tuple(entry["notes"]), known=True)

    def line(self, student: str, submission, notes: tuple[str, ...], known: bool = False) -> Line:
        manual = sum(grade.needs_manual_grade for notebook in submission.notebooks for grade in notebook.grades)
        return Line(student, submission.score, submission.max_score, manual, notes, known)

    def record(self, student: str, graded: dict[str, Graded], digest: str) -> Line:
        """Write what became of a submission: notebooks, gradebook and, when both are safe, the journal."""
        for name, result in graded.items():
            resources = {"unique_key": name, "nbgrader": {
                "student": student, "assignment": self.assignment, "notebook": name, "db_url": self.course.db_url}}
            for step in self.polish:
                result.notebook, resources = step(result.notebook, resources)
        submission = self.recorder.record(student, graded, self.others)
        several = len(graded) > 1
        notes = tuple(f"{name}: {words}" if several else words for name, result in graded.items() for _, words in result.notes)
        entry = {"digest": digest, "notes": notes, "scores": {name: result.scores for name, result in graded.items()},
                 "seconds": {name: round(result.seconds, 2) for name, result in graded.items()}}
        new = self.journal / f".{student}.new"
        new.write_text(json.dumps(entry, indent=1), encoding="utf-8")
        new.replace(self.journal / f"{student}.json")
        return self.line(student, submission, notes)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keeps a second command away from the same assignment. Raises CannotStart."""
        place = self.journal / ".lock"
        try:
            self.journal.mkdir(parents=True, exist_ok=True)
            lock = place.open("w")
        except OSError as problem:
            raise CannotStart(f"{place} cannot be written: {problem.strerror}. What is graded is noted there.") from None
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CannotStart(f"Another ninelives-grade is at work on {self.assignment}: wait for it, or end it.") from None
            except OSError as problem:
                raise CannotStart(f"{place} cannot be locked: {problem.strerror}. Grade where the file system knows locks.") from None
            yield


class Workers:
    """Where submissions are graded: processes here, or a Dask cluster. Made anew when one of its processes dies."""

    def __init__(self, count: int, address: str | None = None) -> None:
        self.count, self.address = count, address
        self.client = None
        if address:
            try:
                from dask.distributed import Client
            except ImportError:
                raise CannotStart('--dask needs Dask: python -m pip install "ninelives[cluster]"') from None
            try:
                self.client = Client(address, timeout="20s")
            except (OSError, ValueError) as problem:
                raise CannotStart(f"There is no Dask scheduler at {address}: {problem}. Start one with dask scheduler, "
                                  "and give the address that it prints, such as tcp://10.0.0.5:8786") from None
            self.count = sum(self.client.nthreads().values())
            if not self.count:
                self.client.close()
                raise CannotStart(f"The Dask scheduler at {address} has no workers: start some with dask worker {address}")
        self.executor = self._made()

    def _made(self) -> Executor:
        if self.client is not None:
            return self.client.get_executor(pure=False, retries=ATTEMPTS)
        return ProcessPoolExecutor(self.count, mp_context=get_context("spawn"), initializer=start_worker, initargs=(os.getpid(),))

    def submit(self, *call) -> Future:
        # This may start a process, which is not to take an interrupt for its own before start_worker has seen to that.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        try:
            return self.executor.submit(*call)
        except BrokenExecutor:
            self.renew()
            return self.executor.submit(*call)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def wake(self, most: int, confined: bool) -> None:
        """Let processes start that will be wanted soon."""
        if self.client is None:
            for _ in range(min(self.count, most)):
                self.submit(warm_up, confined)

    def renew(self) -> None:
        self.executor.shutdown(wait=False, cancel_futures=True)
        self.executor = self._made()

    def close(self, at_once: bool = False) -> None:
        if self.client is not None:
            self.client.close()
            return
        processes = dict(getattr(self.executor, "_processes", None) or {}) if at_once else {}
        self.executor.shutdown(wait=not at_once, cancel_futures=True)
        for process in processes.values():
            process.kill()


def results(workers: Workers, tasks: dict[str, Task]) -> Iterator[tuple[str, dict[str, Graded] | Exception]]:
    """Each student's result as it comes; a submission whose worker died is tried again."""
    waiting, running, attempts = list(tasks), {}, dict.fromkeys(tasks, 0)
    while waiting or running:
        while waiting and len(running) < 2 * workers.count:
            # One that was there when a worker died runs alone, so that it takes nobody along if it is the one.
            if running and any(attempts[student] for student in (waiting[0], *running.values())):
                break
            student = waiting.pop(0)
            running[workers.submit(grade, tasks[student])] = student
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            student = running.pop(future)
            problem = future.exception()
            if isinstance(problem, BrokenExecutor):
                attempts[student] += 1
                if attempts[student] < ATTEMPTS:
                    waiting.insert(0, student)
                    continue
            yield student, problem if problem is not None else future.result()


class Progress:
    """How far it is: one line that changes on a terminal, a line for each student elsewhere."""

    def __init__(self, total: int, stream=sys.stderr) -> None:
        self.total, self.stream, self.done, self.failed = total, stream, 0, 0
        self.started = time.monotonic()

    def add(self, line: Line) -> None:
        self.done += 1
        self.failed += line.score is None
        passed = time.monotonic() - self.started
        left = passed / self.done * (self.total - self.done)
        said = (f"{self.done} of {self.total} done, {self.failed} failed, {60 * self.done / passed:.0f} a minute, "
                f"{int(left) // 60}:{int(left) % 60:02d} left")
        if self.stream.isatty():
            room = get_terminal_size().columns - 1  # a line that is wrapped is not overwritten by the next
            most = max(0, min(30, room - len(f"[] {said}")))
            full = most * self.done // self.total
            print("\r" + f"[{'#' * full}{'.' * (most - full)}] {said}"[:room] + "\x1b[K", end="\n" if self.done == self.total else "",
                  file=self.stream, flush=True)
        else:
            result = "not graded" if line.score is None else f"{line.score:g} of {line.most:g}"
            print(f"{printable(line.student)}: {result} ({said})", file=self.stream, flush=True)


def run(batch: Batch, workers: Workers, students: list[str], force: bool, say=print) -> list[Line]:
    """Grade these students' submissions; a line for each."""
    digests, lines, todo = {}, [], []
    for student in students:
        if plain(student) != student or student.splitlines() != [student]:
            lines.append(Line(plain(student), notes=("The folder's name is no UTF-8, or has several lines: give it another.",)))
            continue
        try:
            digests[student] = batch.digest(student)
        except OSError as problem:
            lines.append(Line(student, notes=(f"Could not be read: {problem.strerror}: {problem.filename}",)))
            continue
        line = None if force else batch.known(student, digests[student])
        if line:
            lines.append(line)
        else:
            todo.append(student)
    known = sum(line.known for line in lines)
    if known:
        say(f"{known} of {len(students)} are graded already and unchanged.")
    if not todo:
        return lines
    say(copy_of(batch.course.db_url, Path(batch.course.root), batch.assignment))
    for student in todo:  # whatever ends this, what is not graded now is not taken for graded later
        (batch.journal / f"{student}.json").unlink(missing_ok=True)
    workers.wake(len(todo), batch.confined)
    try:
        calibrated = first_result(workers, calibrate, batch.task(todo[0], {}))
    except (KernelDied, KernelsEnded) as death:
        raise CannotStart(f"The instructor's own {batch.assignment} could not be run to its end here: {death}. If this machine is busy, "
                          "type the same again later; if not, raise the limits in nbgrader_config.py") from None
    for name, found in calibrated.items():
        if found["failed"]:
            say(f"Beware: the instructor's own {name} fails its checks {', '.join(found['failed'])} here.")
    progress = Progress(len(todo))
    for student, result in results(workers, {student: batch.task(student, calibrated) for student in todo}):
        if isinstance(result, Exception):
            line = Line(student, notes=(f"Could not be graded: {type(result).__name__}: {result}",))
        else:
            try:
                line = batch.record(student, result, digests[student])
            except Exception as problem:  # one student's must never stop the others'
                batch.gradebook.db.rollback()
                line = Line(student, notes=(f"Could not be recorded: {type(problem).__name__}: {problem}",))
        lines.append(line)
        progress.add(line)
    return sorted(lines, key=lambda line: line.student)


def first_result(workers: Workers, function, task: Task) -> dict:
    """One call's result, tried again when its worker dies."""
    for _ in range(ATTEMPTS):
        with suppress(BrokenExecutor):
            return workers.submit(function, task).result()
    raise CannotStart("The processes that should grade die as soon as they start.")


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

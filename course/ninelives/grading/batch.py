"""One assignment of one course: who has handed in, what is graded already, and what is written down."""

import fcntl
import hashlib
import json
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape, glob
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps import NbGrader
from nbgrader.converters import Autograde
from nbgrader.preprocessors import AssignLatePenalties, CheckCellMetadata, Execute, SaveAutoGrades
from nbgrader.utils import find_all_files
from sqlalchemy.exc import DBAPIError
from traitlets.utils.importstring import import_item

from ninelives.grading.errors import CannotStart, NotGivenOut
from ninelives.grading.folders import everything_in
from ninelives.grading.gradebook import Recorder, given_out, never_generated
from ninelives.grading.progress import Line
from ninelives.grading.settings import limits_of
from ninelives.grading.task import Graded, Task

JOURNAL = ".ninelives-grade"
DONE_ELSEWHERE = (Execute, SaveAutoGrades, AssignLatePenalties, CheckCellMetadata)


def quiet_autograde(root: Path, assignment: str) -> Autograde:
    """nbgrader's own converter of a course, for its settings."""
    application = NbGrader()
    application.log.setLevel(logging.ERROR)
    application.initialize([], root=str(root))
    application.coursedir.assignment_id = assignment
    made = Autograde(coursedir=application.coursedir, config=application.config)
    made.log = logging.getLogger("ninelives.grading")
    return made


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

"""One assignment of one course: who has handed in, what is graded already, and what is recorded."""

import hashlib
import json
import os
from contextlib import AbstractContextManager
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

from nbgrader.api import MissingEntry, SubmittedAssignment
from nbgrader.converters import Autograde
from nbgrader.preprocessors import Execute
from nbgrader.utils import find_all_files

from ninelives.grading.by_hand import Given, given_by_hand, to_look_at
from ninelives.grading.class_folder import handed_in, open_gradebook, quiet_autograde
from ninelives.grading.errors import CannotStart
from ninelives.grading.folders import everything_in
from ninelives.grading.gradebook import Recorder, released_notebooks, why_no_time
from ninelives.grading.imported_modules import imported_modules
from ninelives.grading.late_policy import final_score, lateness, seconds_late
from ninelives.grading.lock import journal_folder, locked
from ninelives.grading.nbgrader_settings import later_preprocessors, refuse_settings
from ninelives.grading.progress import StudentResult
from ninelives.grading.python_only import refuse_other_languages
from ninelives.grading.settings import Course, course_settings, limits_of
from ninelives.grading.task import Graded, Task

LARGE = 64 << 20  # bytes of a submitted file that is recognised by its size and time, not by its content


class Batch:
    """One assignment of one course, on its way from submitted/ into the gradebook.

    Raises:
        CannotStart: there is no class here, no such assignment, or no gradebook that can be written.
        TraitError: a setting of nbgrader_config.py makes no sense.
    """

    def __init__(self, root: Path, assignment: str, confined: bool = True, autograde: Autograde | None = None) -> None:
        self.autograde = autograde or quiet_autograde(root, assignment)
        self.config, self.course = self.autograde.config, self.autograde.coursedir
        self.assignment, self.confined = assignment, confined
        self.settings, self.limits = course_settings(self.config, root), limits_of(self.config)
        execute = Execute(config=self.config)
        self.execute = execute.enabled
        self.go_on = Course(config=self.config).go_on  # although the instructor's own answers fail checks
        self.gradebook = open_gradebook(self.course, root, assignment)
        refuse_settings(self.autograde)
        every = released_notebooks(self.course, assignment, self.gradebook, self.config)
        refuse_other_languages(every, execute.kernel_name)
        self.siblings = tuple(one.name for one in every)
        self.notebooks = tuple(one for one in every if fnmatch(one.name, self.course.notebook_id))
        if not self.notebooks:
            raise CannotStart(f"The assignment {assignment!r} has no notebook {self.course.notebook_id!r}: it has "
                              f"{', '.join(self.siblings)}")
        self.modules = tuple(dict.fromkeys(name for one in self.notebooks for name in imported_modules(one)))
        self.recorder = Recorder(self.autograde, self.gradebook, assignment)
        self.journal = journal_folder(self.course, assignment)
        self.preprocessors = [step(config=self.config) if isinstance(step, type) else step
                              for step in later_preprocessors(self.autograde)]
        source = Path(self.course.format_path(self.course.source_directory, ".", assignment))
        not_replaced = set(self.autograde.exclude_overwriting.get(assignment, []))
        found = map(Path, find_all_files(str(source), [*self.course.ignore, "*.ipynb"]))
        paths = {str(path.relative_to(source)): path for path in found}
        self.others = {name: path for name, path in paths.items() if name not in not_replaced}
        self.stamp = self._stamp()

    def _stamp(self) -> str:
        """Changes when the assignment, the limits or the readable files do."""
        # A text that nobody answers can be corrected without grading anybody again.
        notebooks = [replace(one, cells=tuple(cell for cell in one.cells if cell.name or cell.kind == "code"))
                     for one in self.notebooks]
        stamp = hashlib.sha256(repr((notebooks, self.limits, self.confined, self.execute)).encode())
        opened = self.settings
        opened = (opened.readable_packages, opened.readable_paths, opened.environment, opened.processes)
        if any(opened):
            stamp.update(repr(opened).encode())
        for name, path in sorted(self.others.items()):
            content = hashlib.sha256(path.read_bytes()).digest()
            stamp.update(name.encode("utf-8", "surrogateescape") + b"\0" + content)
        return stamp.hexdigest()

    def students(self) -> list[str]:
        """Everyone who has handed in something, sorted."""
        return handed_in(self.course, self.assignment)

    def folder(self, student: str) -> Path:
        return Path(self.course.format_path(self.course.submitted_directory, student, self.assignment))

    def graded_folder(self, student: str) -> Path:
        return Path(self.course.format_path(self.course.autograded_directory, student, self.assignment))

    def by_hand(self, student: str) -> Given:
        """The points given by hand so far, and what they were given for."""
        path = self.journal / f".{student}.by-hand"
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            known = {}
        try:
            submission = self.gradebook.find_submission(self.assignment, student)
        except MissingEntry:
            return {}
        given = given_by_hand(submission, self.notebooks, self.graded_folder(student), known)
        if given:
            path.write_text(json.dumps(given, indent=1), encoding="utf-8")
        return given

    def task(self, student: str, calibrated: dict[str, dict]) -> Task:
        others = {name: path.absolute() for name, path in self.others.items()}
        task = Task(self.folder(student).absolute(), self.notebooks, others, self.limits, self.stamp, self.settings,
                    self.confined, self.modules, tuple(self.course.ignore), self.siblings,
                    self.execute)
        return task.calibrated(calibrated)

    def digest(self, student: str) -> str:
        """Changes when the submission, the assignment or the limits do."""
        digest, folder = hashlib.sha256(self.stamp.encode()), self.folder(student)
        for path in everything_in(folder)[0]:
            digest.update(str(path.relative_to(folder)).encode("utf-8", "surrogateescape") + b"\0")
            if path.is_symlink():
                digest.update(os.readlink(path).encode("utf-8", "surrogateescape"))
            elif path.is_file():
                found = path.stat()
                large = found.st_size > LARGE
                digest.update(f"{found.st_size} {found.st_mtime_ns}".encode() if large else path.read_bytes())
        return digest.hexdigest()

    def known(self, student: str, digest: str) -> StudentResult | None:
        """The result of a student whose present submission is in the gradebook already."""
        try:
            entry = json.loads((self.journal / f"{student}.json").read_text(encoding="utf-8"))
            submission = self.gradebook.find_submission(self.assignment, student)
        except (OSError, ValueError, MissingEntry):
            return None
        final = self.graded_folder(student)
        if entry.get("digest") != digest or not all((final / f"{n.name}.ipynb").exists() for n in self.notebooks):
            return None
        for notebook in self.graded_notebooks(submission):
            scores = entry["scores"].get(notebook.name, {})
            if any(scores.get(grade.name, "none") != grade.auto_score for grade in notebook.grades):
                return None
        result = self.result(student, submission, tuple(entry["notes"]), entry.get("by_hand", {}))
        return replace(result, known=True, outdated=self.recorder.penalties.outdated(submission))

    def result(
        self, student: str, submission: SubmittedAssignment, notes: tuple[str, ...], by_hand: Given
    ) -> StudentResult:
        """The student's line in the summary, from the gradebook."""
        look_at = to_look_at(submission, self.notebooks, self.graded_folder(student), by_hand)
        late = lateness(seconds_late(submission)) if seconds_late(submission) > 0 else ""
        if submission.timestamp is None and submission.assignment.duedate is not None:
            late = "time unknown"
        why = why_no_time(self.course, str(self.folder(student)))
        return StudentResult(student, final_score(submission), submission.max_score, look_at,
                             (*notes, why) if why else notes, before_penalty=submission.score, late=late)

    def graded_notebooks(self, submission: SubmittedAssignment) -> list:
        """Those of a submission that are to be graded."""
        names = {notebook.name for notebook in self.notebooks}
        return [notebook for notebook in submission.notebooks if notebook.name in names]

    def update_penalty(self, result: StudentResult) -> StudentResult:
        """Write the penalty that the dates of now demand, and nothing else; the result with it."""
        submission = self.gradebook.find_submission(self.assignment, result.student)
        self.recorder.penalties.update(submission)
        self.gradebook.db.commit()
        return replace(result, score=final_score(submission), outdated=False)

    def record(self, student: str, graded: dict[str, Graded], digest: str) -> StudentResult:
        """Write a graded submission: the notebooks, the gradebook and, when both are safe, the journal."""
        for name, result in graded.items():
            names = {"student": student, "assignment": self.assignment, "notebook": name, "db_url": self.course.db_url}
            resources = {"unique_key": name, "nbgrader": names}
            for step in self.preprocessors:
                result.notebook, resources = step(result.notebook, resources)
        by_hand = self.by_hand(student)
        submission = self.recorder.record(student, graded, self.others, self.siblings)
        notes = tuple(f"{name}: {words}" if len(graded) > 1 else words
                      for name, result in graded.items() for _, words in result.notes)
        entry = {"digest": digest, "notes": notes, "scores": {name: result.scores for name, result in graded.items()},
                 "seconds": {name: round(result.seconds, 2) for name, result in graded.items()}, "by_hand": by_hand}
        new = self.journal / f".{student}.new"
        new.write_text(json.dumps(entry, indent=1), encoding="utf-8")
        new.replace(self.journal / f"{student}.json")
        return self.result(student, submission, notes, by_hand)

    def locked(self) -> AbstractContextManager[None]:
        """Keep a second command away from the same assignment. Raises CannotStart."""
        return locked(self.course, self.assignment)

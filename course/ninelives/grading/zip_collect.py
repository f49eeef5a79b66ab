"""`nbgrader zip_collect` for downloads from Moodle and Canvas: the two plugins that nbgrader_config.py names."""

import os
import re
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.apps.zipcollectapp import ZipCollectApp
from nbgrader.coursedir import CourseDirectory
from nbgrader.plugins import ExtractorPlugin, FileNameCollectorPlugin
from nbgrader.utils import find_all_notebooks

from ninelives.grading.downloads import SentFile, choose, file_in, parse, read_downloads
from ninelives.grading.errors import CannotStart
from ninelives.grading.folders import printable, remove
from ninelives.grading.grade_sheet import times_of_submission


class DownloadExtractor(ExtractorPlugin):
    """Unpacks the submissions that count. If a zip cannot be trusted, it says why and unpacks nothing."""

    def extract(self, archive_path: str, extracted_path: str) -> None:
        try:
            times_in(Path(archive_path))  # DownloadCollector needs them when everything is unpacked
            downloads = read_downloads(Path(archive_path))
            chosen, notes = choose(downloads, released(self.parent.coursedir))
            self.check_submitted({one.number: one for _, one in chosen}.values())
            for download in downloads:
                folder = Path(extracted_path, download.path.stem if download.path.is_file() else "unpacked")
                download.extract([one for source, one in chosen if source is download], folder)
        except (CannotStart, OSError) as problem:
            for folder in Path(extracted_path).iterdir():  # which was empty before
                remove(folder)
            self.parent.fail(str(problem))
        for note in notes:
            self.log.warning("%s", note)
        for one in {one.number: one for _, one in chosen if one.late}.values():
            self.log.warning("Canvas marks %s_%s as late and does not say when it came: write the time into timestamp.txt "
                             "in the submission's folder, or leave the penalty to Canvas.", one.name, one.number)


    def check_submitted(self, sent: Iterable[SentFile]) -> None:
        """Ends the command if it would stop half way, at the first learner whose folder is not empty."""
        course, known = self.parent.coursedir, students_by_number(self.parent.coursedir)
        students = sorted(student_id(one, known) for one in sent)
        folders = [Path(course.format_path(course.submitted_directory, one, course.assignment_id)) for one in students]
        taken = [student for student, folder in zip(students, folders) if folder.is_dir() and any(folder.iterdir())]
        if taken and not self.force:
            self.parent.fail(f"{len(taken)} learners have a submission already, as {taken[0]}: nothing was collected; --force "
                             "replaces it")


class DownloadCollector(FileNameCollectorPlugin):
    """Says whose file it is, and in Moodle also when it came, if the grading worksheet lies beside the zip."""

    def collect(self, submitted_file: str) -> dict[str, str] | None:
        one = parse_extracted(Path(submitted_file), step_folder(self.parent, self.parent.extracted_directory))
        if one is None:
            return None
        found = {"student_id": student_id(one, self.known), "file_id": file_in(one, self.notebooks)}
        return found | ({"timestamp": self.times[one.number]} if one.number in self.times else {})

    @cached_property
    def notebooks(self) -> set[str]:
        return released(self.parent.coursedir)

    @cached_property
    def known(self) -> dict[str, str]:
        return students_by_number(self.parent.coursedir)

    @cached_property
    def times(self) -> dict[str, str]:
        return times_in(step_folder(self.parent, self.parent.archive_directory))


def step_folder(app: ZipCollectApp, step: str) -> Path:
    """downloaded/ASSIGNMENT/archive or …/extracted, by the settings of zip_collect."""
    pattern = os.path.join(app.coursedir.root, app.collect_directory_structure)
    return Path(pattern.format(
        downloaded=app.downloaded_directory, assignment_id=app.coursedir.assignment_id, collect_step=step))


def times_in(folder: Path) -> dict[str, str]:
    """{a participant's number in Moodle: when the submission came}, from the sheets in a folder. Raises CannotStart."""
    sheets = sorted(path for path in folder.glob("*") if path.suffix.lower() == ".csv")
    return {number: when for sheet in sheets for number, when in times_of_submission(sheet).items()}


def parse_extracted(path: Path, folder: Path) -> SentFile | None:
    """What the path of a file says that DownloadExtractor has put into this folder, into one folder for each download."""
    return parse("/".join(path.relative_to(folder).parts[1:]))


def released(course: CourseDirectory) -> set[str]:
    """The names of the assignment's notebook files."""
    return set(find_all_notebooks(course.format_path(course.release_directory, ".", course.assignment_id)))


def students_by_number(course: CourseDirectory) -> dict[str, str]:
    """{number on the platform: id} of the learners whose lms_user_id is in the gradebook."""
    with Gradebook(course.db_url, course.course_id) as gradebook:
        return {student.lms_user_id: student.id for student in gradebook.students if student.lms_user_id}


def student_id(one: SentFile, known: dict[str, str]) -> str:
    """By what name nbgrader knows a learner: the one with this lms_user_id, or else name and number."""
    return known.get(one.number, re.sub(r"[][*?]", "-", printable(f"{one.name}_{one.number}")))  # nbgrader takes these as patterns

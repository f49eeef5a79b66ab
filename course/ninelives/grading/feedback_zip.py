"""`ninelives-grade A --feedback-zip`: all feedback pages in one zip, named so that Moodle and Canvas take it back."""

from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from nbgrader.apps.zipcollectapp import ZipCollectApp

from ninelives.grading.batch import Batch
from ninelives.grading.downloads import SentFile, file_in
from ninelives.grading.errors import CannotStart
from ninelives.grading.folders import everything_in, printable, replacing
from ninelives.grading.zip_collect import parse_extracted, released, step_folder, student_id, students_by_number


def feedback_zip(batch: Batch, say=print) -> None:
    """Write feedback-ASSIGNMENT.zip. Each page has the folder, or the beginning of the file's name, of the submission.

    Raises:
        CannotStart: nothing came from a platform, or there is no page.
    """
    app = ZipCollectApp(coursedir=batch.course, config=batch.config)
    extracted = step_folder(app, app.extracted_directory)
    sent: dict[str, list[SentFile]] = {}
    known = students_by_number(batch.course)
    for path in everything_in(extracted)[0]:
        if path.is_file() and (one := parse_extracted(path, extracted)):
            sent.setdefault(student_id(one, known), []).append(one)
    if not sent:
        raise CannotStart(f"There is nothing in {extracted}, where nbgrader zip_collect {batch.assignment} unpacks what came from "
                          "Moodle or Canvas, so the names that they expect are unknown")
    pages, missing, old = {}, [], []
    for student, files in sorted(sent.items()):
        found = _pages(batch, student)
        if not found:
            missing.append(student)
        elif any(page.stat().st_mtime < graded.stat().st_mtime for page, graded in found.items()):
            old.append(student)
        else:
            pages |= {_prefix(files, page.stem, released(batch.course)) + page.name: page for page in found}
    renew = f"type nbgrader generate_feedback {batch.assignment} --force"
    if not pages:
        raise CannotStart(f"There is no feedback page for what came from Moodle or Canvas: {renew}")
    target = Path(batch.course.root, f"feedback-{batch.assignment}.zip")
    try:
        with replacing(target) as new, ZipFile(new, "w", ZIP_DEFLATED) as archive:
            for name, page in pages.items():
                archive.write(page, name)
    except OSError as problem:
        raise CannotStart(f"{target} cannot be written: {problem.strerror}") from None
    say(f"{target.name}: {len(pages)} pages. Upload it as the zip of feedback files (Moodle) or of submissions (Canvas).")
    for words, students in (("No page", missing), ("Left out, since they were graded again after their page was made", old)):
        if students:
            say(f"{words}: {', '.join(map(printable, students))}; {renew}.")


def _pages(batch: Batch, student: str) -> dict[Path, Path]:
    """{feedback page: graded notebook} of a learner."""
    folders = [Path(batch.course.format_path(folder, student, batch.assignment))
               for folder in (batch.course.feedback_directory, batch.course.autograded_directory)]
    pairs = {folders[0] / f"{one.name}.html": folders[1] / f"{one.name}.ipynb" for one in batch.notebooks}
    return {page: graded for page, graded in pairs.items() if page.exists() and graded.exists()}


def _prefix(files: list[SentFile], notebook: str, notebooks: set[str]) -> str:
    """How the platform called what was handed in: in Canvas that notebook, or else any file of the learner's."""
    named = [one for one in files if file_in(one, notebooks) == f"{notebook}.ipynb"]
    return (named or [one for one in files if one.file.endswith(".ipynb")] or files)[0].prefix

"""`ninelives-grade --report` and `--alike`: written from what is graded already; no learner's code is run."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory

from ninelives.grading.alike import compare, identical
from ninelives.grading.class_folder import open_gradebook, quiet_autograde
from ninelives.grading.class_results import ClassResults, class_results, graded_assignments
from ninelives.grading.errors import CannotStart
from ninelives.grading.folders import printable, replacing
from ninelives.grading.gradebook import released_notebooks
from ninelives.grading.report import class_report
from ninelives.grading.report_page import alike_page, report_page
from ninelives.grading.report_text import alike_text, causes_csv, checks_csv, report_text
from ninelives.grading.settings import marks_of

FOLDER = "reports"


def write_reports(root: Path, assignment: str | None, names: bool) -> None:
    """Print the report on an assignment, or on each that is graded, and write it to reports/.

    Raises:
        CannotStart: there is nothing to report, or it cannot be written.
        TraitError: a setting of nbgrader_config.py makes no sense.
    """
    autograde = quiet_autograde(root, assignment or "")
    marks, course = marks_of(autograde.config), autograde.coursedir
    with closing(open_gradebook(course, root, assignment or "")) as gradebook:
        for results in _results(course, gradebook, assignment):
            report = class_report(results, marks)
            folder = folder_of(course, report.assignment if names else f"{report.assignment}-without-names")
            write(folder, {"report.html": report_page(report, folder, names), "checks.csv": checks_csv(report),
                           "causes.csv": causes_csv(report, names)})
            print(f"{report_text(report, names)}\n\nThe page: {printable(str(folder / 'report.html'))}\n")


def write_alike(root: Path, assignment: str) -> None:
    """Print which answers of an assignment are alike, and write a page that shows them side by side.

    Raises:
        CannotStart: there is nothing to compare, or the page cannot be written.
    """
    autograde = quiet_autograde(root, assignment)
    course = autograde.coursedir
    with closing(open_gradebook(course, root, assignment)) as gradebook:
        results = class_results(course, gradebook, assignment)
        solved = {(notebook.name, cell.name): cell.solved
                  for notebook in released_notebooks(course, assignment, gradebook, autograde.config)
                  for cell in notebook.cells}
    exercises, same, folder = compare(results, solved), identical(results, solved), folder_of(course, assignment)
    write(folder, {"alike.html": alike_page(assignment, len(results.learners), exercises, same, folder)})
    print(f"{alike_text(exercises, same)}\n\nThe page: {printable(str(folder / 'alike.html'))}")


def _results(course: CourseDirectory, gradebook: Gradebook, assignment: str | None) -> Iterator[ClassResults]:
    """Of one assignment or of all that are graded; one that cannot be read does not stop the others.

    Raises:
        CannotStart: there is nothing to report.
    """
    if assignment is not None:
        yield class_results(course, gradebook, assignment)
        return
    found = graded_assignments(gradebook)
    if not found:
        raise CannotStart("Nothing is graded yet, so there is nothing to report: type ninelives-grade and the name of "
                          "an assignment")
    left_out = 0
    for name in found:
        try:
            results = class_results(course, gradebook, name)
        except CannotStart as problem:
            left_out += 1
            print(f"{problem}\n")
            continue
        yield results
    if left_out == len(found):
        raise CannotStart("No assignment could be reported")


def folder_of(course: CourseDirectory, name: str) -> Path:
    return Path(course.root, FOLDER, name)


def write(folder: Path, files: dict[str, str]) -> None:
    """Write these files into a folder that only its owner can read, each completely or not at all. Raises CannotStart."""
    try:
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        for name, text in files.items():
            with replacing(folder / name) as new:
                new.write_text(text, encoding="utf-8", errors="replace")
    except OSError as problem:
        raise CannotStart(f"The report could not be written: {problem.strerror}: {folder}") from None

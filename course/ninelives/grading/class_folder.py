"""The folder of a class: its settings, its gradebook, and who has handed in."""

import logging
import os
import re
from collections.abc import Iterable
from contextlib import chdir
from fnmatch import fnmatch
from glob import escape, glob
from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.apps import NbGrader
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.exc import DBAPIError

from ninelives.grading.errors import CannotStart, NotGenerated, in_one_line
from ninelives.grading.gradebook import not_generated


def quiet_autograde(root: Path, assignment: str, options: Iterable[str] = ()) -> Autograde:
    """nbgrader's own converter, for the settings of a course. Raises CannotStart if they are another course's.

    Args:
        options: settings from the command line, "--Class.name=value".
    """
    application = NbGrader()
    application.log.setLevel(logging.ERROR)
    with chdir(root):  # whose settings come before those of the account
        application.initialize([*options], root=str(root))
    if Path(application.coursedir.root).resolve() != root.resolve():
        raise CannotStart(
            f"nbgrader's settings name another class, {application.coursedir.root}, and not this folder, {root}. Go "
            "there, if that is the class you mean. For this one, write c.CourseDirectory.root = "
            f"str(Path(__file__).parent) into {root / 'nbgrader_config.py'}")
    application.coursedir.assignment_id = assignment
    autograde = Autograde(coursedir=application.coursedir, config=application.config)
    autograde.log = logging.getLogger("ninelives.grading")
    return autograde


def open_gradebook(course: CourseDirectory, root: Path, assignment: str) -> Gradebook:
    """The class's gradebook.

    Raises:
        NotGenerated: there is none.
        CannotStart: it cannot be opened or written.
    """
    url = course.db_url
    if url.startswith("sqlite:///"):
        _check_files(course, assignment, Path(url.removeprefix("sqlite:///")), root / "nbgrader_config.py")
    try:
        return Gradebook(url, course.course_id)
    except ImportError as problem:
        raise CannotStart(f"{problem}, which the gradebook needs: python -m pip install \"psycopg[binary]\" for "
                          "PostgreSQL") from None
    except DBAPIError as problem:
        raise CannotStart(f"The gradebook in c.CourseDirectory.db_url cannot be opened: {in_one_line(problem)}") from None


def _check_files(course: CourseDirectory, assignment: str, gradebook: Path, settings: Path) -> None:
    if not gradebook.exists() and not settings.exists():
        raise NotGenerated(f"This is not the folder of a class, since there is no {settings}: "
                           "go to the folder that you made for your class")
    if not gradebook.exists():
        raise not_generated(course, assignment, f"There is no gradebook here, {gradebook}. Go to the folder that you made "
                            "for your class, or if it is this one")
    for path in (gradebook, gradebook.parent):
        if not os.access(path, os.W_OK):
            raise CannotStart(f"You may not write {path}: grade as its owner, or if that is you, type chmod u+w {path}")


def _is_empty(folder: str) -> bool:
    try:
        return not os.listdir(folder)
    except OSError:  # that it cannot be opened is said when it is graded
        return False


def handed_in(course: CourseDirectory, assignment: str) -> list[str]:
    """Everyone who has handed in something, sorted."""
    folder = course.submitted_directory
    pattern = course.format_path(folder, "(?P<student>.*)", assignment, escape=True)
    everyone = "*".join(escape(part) for part in course.format_path(folder, "*", assignment).split("*"))
    found = [re.fullmatch(pattern, path, re.DOTALL) for path in glob(everyone) if Path(path).is_dir() and not _is_empty(path)]
    excluded, wanted = set(course.student_id_exclude.split(",")), course.student_id
    return sorted({match["student"] for match in found if match and match["student"] not in excluded
                   and (wanted in ("*", match["student"]) or fnmatch(match["student"], wanted))})

"""Keep a second command away from the same assignment."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nbgrader.coursedir import CourseDirectory

from ninelives.grading.errors import CannotStart

JOURNAL = ".ninelives-grade"


def journal_folder(course: CourseDirectory, assignment: str) -> Path:
    """Where it is recorded what is graded."""
    return Path(course.root, JOURNAL, assignment)


@contextmanager
def locked(course: CourseDirectory, assignment: str) -> Iterator[None]:
    """Keep a second command away from the same assignment. Raises CannotStart.

    With `c.CourseDirectory.groupshared`, the group may write what is made here, whatever the umask is.
    """
    folder = journal_folder(course, assignment)
    path = folder / ".lock"
    before = os.umask(0o002) if course.groupshared else None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = path.open("w")
    except OSError as problem:
        share = "" if course.groupshared else (" If several people grade in turn, set c.CourseDirectory.groupshared = "
                                               "True in nbgrader_config.py.")
        raise CannotStart(f"{path} cannot be written: {problem.strerror}. Its folder records what is graded.{share}"
                          ) from None
    finally:
        if before is not None:
            os.umask(before)
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart(f"Another ninelives-grade is grading {assignment}: wait for it, or end it.") from None
        except OSError as problem:
            raise CannotStart(f"{path} cannot be locked: {problem.strerror}. Grade on a file system that supports "
                              "locks.") from None
        yield

"""What the engine has to know of a course. The defaults suit any Python course for nbgrader."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CourseSettings:
    """The settings `c.Course` of nbgrader_config.py, as they go to workers and kernel servers.

    Args:
        preload: modules to import before the first fork; "package.*" adds all modules directly in the package.
        warm_up: cells to run once before the first fork.
        readable_packages: packages that learners' code may read, in addition to installed ones.
        readable_paths: files and folders that learners' code may read.
        solution_packages: packages whose use in an answer is noted.
        missing_work_errors: dotted names of the errors with which a check says that no work was handed in.
    """

    preload: tuple[str, ...] = ()
    warm_up: tuple[str, ...] = ()
    readable_packages: tuple[str, ...] = ()
    readable_paths: tuple[str, ...] = ()
    solution_packages: tuple[str, ...] = ()
    missing_work_errors: tuple[str, ...] = ()

"""What the engine has to know of a course. The defaults suit any Python course for nbgrader."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CourseSettings:
    """The settings `c.Course` and `c.Sandbox` of nbgrader_config.py, as they go to workers and kernel servers.

    Args:
        preload: modules to import before the first fork; "package.*" adds all modules directly in the package.
        warm_up: cells to run once before the first fork.
        readable_packages: packages that learners' code may read, in addition to installed ones.
        readable_paths: files and folders that learners' code may read.
        environment: variables that learners' code finds, pairs of a name and a value.
        processes: how many other processes a notebook may have at once.
        solution_packages: packages whose use in an answer is noted.
        missing_work_errors: dotted names of the errors with which a check says that no work was handed in.
    """

    preload: tuple[str, ...] = ()
    warm_up: tuple[str, ...] = ()
    readable_packages: tuple[str, ...] = ()
    readable_paths: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    processes: int = 0
    solution_packages: tuple[str, ...] = ()
    missing_work_errors: tuple[str, ...] = ()

    @property
    def opened(self) -> str | None:
        """A sentence on what the sandbox lets through for this course; None if it is closed."""
        parts = [f"learners' code may read {', '.join(self.readable_paths)}"] if self.readable_paths else []
        if self.environment:
            parts.append(f"finds the variables {', '.join(name for name, _ in self.environment)}")
        if self.processes:
            parts.append(f"may have {self.processes} other processes at once")
        return f"The sandbox was opened in nbgrader_config.py: {', '.join(parts)}." if parts else None

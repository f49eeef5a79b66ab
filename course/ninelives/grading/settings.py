"""The settings of the engine in nbgrader_config.py: c.Sandbox, c.Course and c.Report."""

import re
from pathlib import Path

from nbgrader.preprocessors import Execute
from traitlets import Any, Bool, Bunch, Dict, Float, Int, List, TraitError, Unicode, validate
from traitlets.config import Config, Configurable

from ninelives.grading.causes import Marks
from ninelives.grading.course import CourseSettings
from ninelives.grading.sandbox import Limits


class Sandbox(Configurable):
    """What one learner's notebook may use while it is graded."""

    notebook_timeout = Float(600.0, help="Seconds for a whole notebook.").tag(config=True)
    memory = Int(2048, help="Megabytes of memory, on top of what the preloaded modules hold.").tag(config=True)
    disk = Int(256, help="Megabytes of files that it may write.").tag(config=True)
    output = Int(2, help="Megabytes kept of the output of one cell.").tag(config=True)
    threads = Int(64, help="Threads alive at once.").tag(config=True)
    unsafe = Bool(
        False, help="Run learners' code without the sandbox in nbgrader autograde and the formgrader."
    ).tag(config=True)
    pictures = Bool(
        False, help="Draw the pictures of ungraded cells too. This takes longer than everything else."
    ).tag(config=True)
    readable = List(Unicode(), help="""Files and folders that learners' code may read, such as a data set that is not
        copied with the assignment; relative ones are those of the class's folder.""").tag(config=True)
    environment = Dict(key_trait=Unicode(), value_trait=Unicode(), help="""Variables that learners' code finds in
        os.environ, with their values.""").tag(config=True)
    processes = Int(0, help="""How many other processes a notebook may have at once: for subprocess, `!ls`, %%bash and
        multiprocessing. They are confined like the notebook, and killed with it.""").tag(config=True)


class Watch(Configurable):
    """How ninelives-grade --watch gives feedback before the due date."""

    minutes = Float(5.0, min=0.1, help="Minutes between two looks at what was handed in.").tag(config=True)
    feedback_per_day = Int(3, min=1, help="""Feedback pages that a learner gets within 24 hours, so that hidden checks
        cannot be asked again and again.""").tag(config=True)


class Course(Configurable):
    """What the engine has to know of a course. With the defaults it grades any Python course for nbgrader."""

    preload = List(Unicode(), help="""Modules to import before the first fork, so that no kernel has to import them
        again: such as only answers import. Those that the notebooks import are known. "package.*" is a package and all
        modules directly in it. A module that is missing is skipped.""").tag(config=True)
    warm_up = List(Unicode(), help="""Cells to run once before the first fork, for what a module loads at its first
        use. The names they define are forgotten.""").tag(config=True)
    readable_packages = List(Unicode(), help="""Packages that learners' code may read in addition to those that are
        installed: one installed with pip install -e lies outside the Python installation.""").tag(config=True)
    go_on = Bool(False, help="""Grade although the instructor's own answers fail checks, as ninelives-grade --go-on
        does.""").tag(config=True)
    solution_packages = List(Unicode(), help="""Packages that contain solutions. If an answer uses one where the
        instructor's answer does not, a note says so.""").tag(config=True)
    missing_work_errors = List(Any(), help="""Exception classes, or their dotted names, with which a check says that
        the work it grades was not handed in: the instructor's own notebook may fail with one of these.
        """).tag(config=True)


class Report(Configurable):
    """How the messages of a course's checks are read for the report on a class."""

    cause = Unicode(r"^ *(?:likely|next):", help="""A regular expression for what introduces the cause in the message
        of a check that fails; the rest of the message is the cause.""").tag(config=True)
    follow_up = Unicode("", help="""A regular expression for the beginning of a cause that only points to another
        check, whose cause is counted instead.""").tag(config=True)

    @validate("cause", "follow_up")
    def _is_regular_expression(self, proposal: Bunch) -> str:
        try:
            re.compile(proposal["value"])
        except re.error as problem:
            raise TraitError(f"c.Report.{proposal['trait'].name} is no regular expression: {problem}") from None
        return proposal["value"]


def limits_of(config: Config) -> Limits:
    """What one notebook may use, by nbgrader_config.py."""
    own = Sandbox(config=config)
    cell = Execute(config=config).timeout
    if cell is None or cell <= 0:  # nbconvert takes this as no limit
        cell = own.notebook_timeout
    return Limits(
        cell, own.notebook_timeout, own.memory << 20, own.disk << 20, own.output << 20, own.threads, own.pictures
    )


def course_settings(config: Config, root: Path) -> CourseSettings:
    """What the nbgrader_config.py in the folder `root` says of the course. Raises TraitError."""
    if "readable_paths" in config.get("Course", {}):
        raise TraitError("c.Course.readable_paths is called c.Sandbox.readable now")
    own, sandbox = Course(config=config), Sandbox(config=config)
    return CourseSettings(
        preload=tuple(own.preload),
        warm_up=tuple(own.warm_up),
        readable_packages=tuple(own.readable_packages),
        readable_paths=tuple(str(root / path) for path in sandbox.readable),
        environment=tuple(sorted(sandbox.environment.items())),
        processes=sandbox.processes,
        solution_packages=tuple(own.solution_packages),
        missing_work_errors=tuple(_dotted_name(error) for error in own.missing_work_errors),
    )


def marks_of(config: Config) -> Marks:
    """How causes are found in messages, by nbgrader_config.py. Raises TraitError."""
    own = Report(config=config)
    return Marks(re.compile(own.cause, re.MULTILINE), re.compile(own.follow_up) if own.follow_up else None)


def _dotted_name(error: type | str) -> str:
    # As kernel_shell.dotted_names: the module, and the name of the class alone.
    if isinstance(error, type) and issubclass(error, BaseException):
        return f"{error.__module__}.{error.__name__}"
    if isinstance(error, str) and "." in error:
        return error
    raise TraitError(f"c.Course.missing_work_errors contains {error!r}: write an exception class or its dotted name, "
                     "such as 'mycourse.checks.NoProject'")

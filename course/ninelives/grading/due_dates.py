"""Due dates in notebooks and feedback, and how an instructor types them."""

import re
from datetime import UTC, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.preprocessors import NbGraderPreprocessor
from sqlalchemy.engine import make_url
from traitlets import List

from ninelives.grading.errors import CannotStart
from ninelives.grading.late_policy import Penalties, lateness, seconds_late

DUE_CELL, LATE_CELL = "due-date", "late"  # ids of the cells that learners read
DUE = "**Due:** "
TIME = re.compile(r"(\d{4}-\d\d-\d\d)(?:\s+(\d\d?:\d\d\S*))?(?:\s+(\S+))?")  # a date, a time of day, a zone


def read_time(text: str) -> datetime:
    """A time as an instructor types it: "2026-11-27 18:00", in the time zone of this machine, or followed by a zone:
    "UTC", "+01:00" or "Europe/Berlin".

    Returns:
        the time in UTC and without a zone, as nbgrader's gradebook stores it.

    Raises:
        CannotStart: it is not a time.
    """
    found = TIME.fullmatch(text.strip())
    if found is None:
        raise _no_time(f"{text!r} is not a date with a time")
    date, clock, zone = found.groups()
    try:
        day = datetime.fromisoformat(date)
    except ValueError:
        raise _no_time(f"The calendar has no day {date}") from None
    if clock is None:
        raise _no_time(f"{text!r} has no time of day")
    try:
        when = datetime.combine(day, time.fromisoformat(clock))
    except ValueError:
        raise _no_time(f"{clock} is no time of day, which has four digits, from 00:00 to 23:59") from None
    try:
        if zone:
            when = when.replace(tzinfo=datetime.strptime(zone, "%z").tzinfo if zone[0] in "+-" else ZoneInfo(zone))
    except (ValueError, ZoneInfoNotFoundError, OSError):  # OSError: a zone that is a folder's name
        raise _no_time(f"This machine knows no time zone {zone!r}") from None
    try:
        return when.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise _no_time(f"{text!r} is too far away to be a due date") from None


def _no_time(seen: str) -> CannotStart:
    return CannotStart(f"{seen}: write 2026-11-27 18:00 for the time zone of this machine, or name the zone, as in "
                       "2026-11-27 18:00 Europe/Berlin")


def in_words(when: datetime) -> str:
    """A time from the gradebook, for readers near this machine and elsewhere: "Friday, 27 November 2026, 18:00 CET
    (17:00 UTC)"."""
    local = when.replace(tzinfo=UTC).astimezone()
    words = f"{local:%A}, {local.day} {local:%B %Y, %H:%M %Z}"
    return words if not local.utcoffset() else f"{words} ({when:%H:%M} UTC)"


def with_due_date(notebook: NotebookNode, when: datetime | None) -> NotebookNode:
    """The notebook with a cell that says when it is due, after its title; without one if `when` is None."""
    cells = [cell for cell in notebook.cells if not is_due_date(cell)]
    if when is not None:
        cell = new_markdown_cell(f"{DUE}{in_words(when)}", id=DUE_CELL)
        if (notebook.nbformat, notebook.nbformat_minor) < (4, 5):  # cells have no id there
            del cell["id"]
        titled = bool(cells) and cells[0].cell_type == "markdown"
        cells.insert(int(titled), cell)
    notebook.cells = cells
    return notebook


def is_due_date(cell: NotebookNode) -> bool:
    """Whether `with_due_date` has made the cell."""
    return cell.get("id", DUE_CELL) == DUE_CELL and cell.source.startswith(DUE)


class ShowDueDate(NbGraderPreprocessor):
    """Says in a notebook that is released when it is due, if the gradebook knows. It is nbgrader's last step."""

    display_data_priority = List().tag(config=True)  # nbconvert sets it for each preprocessor

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        names, when = resources["nbgrader"], None
        file = make_url(names["db_url"]).database if names["db_url"].startswith("sqlite") else None
        if "no_database" not in self.config.GenerateAssignment and (file is None or Path(file).exists()):
            with Gradebook(names["db_url"]) as gradebook:
                try:
                    when = gradebook.find_assignment(names["assignment"]).duedate
                except MissingEntry:
                    pass
        return with_due_date(nb, when), resources


class ShowLateness(NbGraderPreprocessor):
    """Says at the top of a feedback page how late the work was. The penalty is computed from the dates of now."""

    display_data_priority = List().tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        names = resources["nbgrader"]
        with Gradebook(names["db_url"]) as gradebook:
            submission = gradebook.find_submission(names["assignment"], names["student"])
            Penalties(self.config).update(submission)
            gradebook.db.commit()
            late = seconds_late(submission)
            if late > 0:
                [lost] = [one.late_submission_penalty for one in submission.notebooks if one.name == names["notebook"]]
                costs = f"This costs {lost:g} points." if lost else "This costs nothing."
                words = (f"**Handed in {lateness(late)}.** It was due on "
                         f"{in_words(submission.duedate)}. {costs}")
                nb.cells.insert(0, new_markdown_cell(words, id=LATE_CELL))
        return nb, resources

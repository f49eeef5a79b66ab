import re
import time
from datetime import datetime

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from ninelives.grading.due_dates import in_words, read_time, with_due_date
from ninelives.grading.errors import CannotStart


@pytest.fixture(autouse=True)
def berlin(monkeypatch):
    """The time zone of this machine."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(("typed", "utc"), [
    ("2026-11-27 18:00", datetime(2026, 11, 27, 17)), ("2026-07-01 18:00", datetime(2026, 7, 1, 16)),
    ("2026-11-27 18:00 UTC", datetime(2026, 11, 27, 18)), ("2026-11-27 18:00 +05:30", datetime(2026, 11, 27, 12, 30)),
    ("2026-11-27 18:00 America/New_York", datetime(2026, 11, 27, 23)), ("2026-11-27 18:00:30", datetime(2026, 11, 27, 17, 0, 30)),
])
def test_a_time_without_a_zone_is_that_of_this_machine(typed, utc):
    assert read_time(typed) == utc


@pytest.mark.parametrize(("typed", "seen"), [
    ("", "'' is not a date with a time"), ("tomorrow", "'tomorrow' is not a date with a time"),
    ("27.11.2026 18:00", "'27.11.2026 18:00' is not a date with a time"),
    ("2026-11-27 18:00 CET or so", "'2026-11-27 18:00 CET or so' is not a date with a time"),
    ("2026-11-27", "'2026-11-27' has no time of day"), ("2026-11-27 UTC", "'2026-11-27 UTC' has no time of day"),
    ("2026-11-31 18:00", "The calendar has no day 2026-11-31"), ("2026-13-01 10:00", "The calendar has no day 2026-13-01"),
    ("2026-11-27 24:30", "24:30 is no time of day"), ("2026-11-27 9:00", "9:00 is no time of day, which has four digits"),
    ("2026-11-27 18:00 Mars/Olympus", "This machine knows no time zone 'Mars/Olympus'"),
    ("2026-11-27 18:00 Europe", "This machine knows no time zone 'Europe'"),
    ("2026-11-27 18:00 ../../etc/passwd", "This machine knows no time zone '../../etc/passwd'"),
    ("0001-01-01 00:00", "'0001-01-01 00:00' is too far away to be a due date"),
])
def test_what_is_no_time_is_refused_with_what_is_wrong_and_the_form_to_write(typed, seen):
    with pytest.raises(CannotStart, match=f"^{re.escape(seen)}.*: write 2026-11-27 18:00"):
        read_time(typed)


def test_a_due_date_is_said_for_readers_here_and_elsewhere():
    assert in_words(datetime(2026, 11, 27, 17)) == "Friday, 27 November 2026, 18:00 CET (17:00 UTC)"


def test_a_notebook_says_once_when_it_is_due_after_its_title():
    notebook = new_notebook(cells=[new_markdown_cell("# Title"), new_code_cell("1 + 1")])
    for when in (datetime(2026, 11, 27, 17), datetime(2026, 12, 1, 17)):
        with_due_date(notebook, when)
    assert [cell.source for cell in notebook.cells] == ["# Title", "**Due:** Tuesday, 1 December 2026, 18:00 CET (17:00 UTC)", "1 + 1"]
    assert len(with_due_date(notebook, None).cells) == 2


def test_a_notebook_without_cells_or_title_gets_its_due_date_first():
    assert len(with_due_date(new_notebook(), datetime(2026, 11, 27)).cells) == 1
    assert with_due_date(new_notebook(cells=[new_code_cell("1")]), datetime(2026, 11, 27)).cells[0].id == "due-date"


def test_a_notebook_of_an_older_format_without_ids_stays_valid():
    notebook = new_notebook(cells=[new_markdown_cell("# Title")])
    notebook.nbformat_minor = 4
    del notebook.cells[0]["id"]
    for when in (datetime(2026, 11, 27), datetime(2026, 11, 28)):
        nbformat.validate(with_due_date(notebook, when))
    assert len(notebook.cells) == 2

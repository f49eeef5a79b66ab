"""What the terminal shows."""

from io import StringIO

import pytest

from ninelives.grading.cli import summary
from ninelives.grading.progress import Progress, StudentResult
from ninelives.grading.task import ASK


def test_names_and_notes_cannot_add_rows_to_the_summary_or_write_to_the_terminal():
    rows = summary([StudentResult("山田　太郎\x1b[2J", 0, 6, notes=("link x\nzoe   6 of 6\u202e",))]).split("\n")
    assert [row.strip() for row in rows[1:3]] == ["山田　太郎\\x1b[2J        0 of 6", "link x\\nzoe   6 of 6\\u202e"] and len(rows) == 4


def test_what_a_note_asks_of_the_learner_is_not_said_to_the_instructor():
    rows = summary([StudentResult("ada", 0, 6, notes=(f"Something changed the check.{ASK}",))])
    assert "     Something changed the check.\n" in rows


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_the_progress_line_fits_the_terminal(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    terminal = StringIO()
    terminal.isatty = lambda: True
    progress = Progress(300, terminal)
    progress.started -= 100
    for number in range(299):
        progress.add(StudentResult(f"student-{number}", 1.0, 2.0))
    assert "\n" not in terminal.getvalue()
    lines = terminal.getvalue().replace("\x1b[K", "").split("\r")[1:]
    assert len(lines) == 299 and max(map(len, lines)) < columns
    assert "299 of 300 done" in lines[-1] and ("[#" in lines[-1]) == (columns > 60)

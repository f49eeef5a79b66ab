"""What the terminal shows: how far grading is, and each student's result."""

import sys
import time
from dataclasses import dataclass, replace
from shutil import get_terminal_size

from ninelives.grading.folders import printable
from ninelives.grading.task import ASK

MAX_NAMED = 6  # cells to look at of a submission
MAX_STUDENTS = 40  # who have not handed in


@dataclass
class StudentResult:
    """A student's line in the summary.

    Args:
        score: points that count; None if the submission could not be graded.
        max_score: points that were possible.
        look_at: cells to grade by hand, or to look at again.
        notes: sentences about the submission.
        known: whether it was graded before.
        outdated: whether the penalty for late work in the gradebook is that of earlier dates.
        before_penalty: points without the penalty for late work.
        late: words about the time of the submission.
    """

    student: str
    score: float | None = None
    max_score: float = 0.0
    look_at: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    known: bool = False
    outdated: bool = False
    before_penalty: float | None = None
    late: str = ""

    @property
    def manual(self) -> int:
        """How many cells someone has to look at."""
        return len(self.look_at)

    def __str__(self) -> str:
        points = "not graded" if self.score is None else f"{self.score:g} of {self.max_score:g}"
        return f"{printable(self.student)}: {points}" + (f" ({', '.join(self.late_marks)})" if self.late_marks else "")

    @property
    def late_marks(self) -> list[str]:
        """What the table says about late work: the points before the penalty, and how late it was."""
        before = [f"{self.before_penalty:g}"] if self.before_penalty not in (None, self.score) else []
        return before + ([self.late] if self.late else [])


class Progress:
    """One line that changes on a terminal; elsewhere a line for each student."""

    def __init__(self, total: int, stream=sys.stderr) -> None:
        self.total, self.stream, self.done, self.failed = total, stream, 0, 0
        self.started = time.monotonic()

    def add(self, result: StudentResult) -> None:
        self.done += 1
        self.failed += result.score is None
        passed = time.monotonic() - self.started
        left = passed / self.done * (self.total - self.done)
        state = (f"{self.done} of {self.total} done, {self.failed} failed, {60 * self.done / passed:.0f} a minute, "
                 f"{int(left) // 60}:{int(left) % 60:02d} left")
        if self.stream.isatty():
            width = get_terminal_size().columns - 1  # the next line cannot overwrite one that was wrapped
            cells = max(0, min(30, width - len(f"[] {state}")))
            full = cells * self.done // self.total
            bar = f"[{'#' * full}{'.' * (cells - full)}] {state}"[:width]
            end = "\n" if self.done == self.total else ""
            print(f"\r{bar}\x1b[K", end=end, file=self.stream, flush=True)
        else:
            print(f"{result} ({state})", file=self.stream, flush=True)


def nothing_from(roster: list[str], handed_in: list[str]) -> str:
    """A line about those of the gradebook who have not handed in; empty if all have."""
    missing = sorted(set(roster) - set(handed_in))
    if not missing:
        return ""
    named = ", ".join(map(printable, missing[:MAX_STUDENTS])) + (", …" if len(missing) > MAX_STUDENTS else "")
    return f"Nothing from: {named} ({len(missing)} of {len(set(roster) | set(handed_in))})"


def summary(results: list[StudentResult]) -> str:
    """A table of all students, with the notes on each."""
    results = [
        replace(one, student=printable(one.student), notes=tuple(printable(note.removesuffix(ASK)) for note in one.notes))
        for one in results]
    width = max([len("student"), *(len(one.student) for one in results)])
    rows = [f"{'student':{width}}   points"]
    for one in results:
        points = "not graded" if one.score is None else f"{one.score:6g} of {one.max_score:g}"
        marks = one.late_marks + ([f"{one.manual} to look at"] if one.manual else [])
        marks += ["graded before"] if one.known else []
        rows.append(f"{one.student:{width}}   {points}" + (f"   ({', '.join(marks)})" if marks else ""))
        if one.look_at:
            more = f" and {one.manual - MAX_NAMED} more" if one.manual > MAX_NAMED else ""
            rows.append(f"{'':{width}}     To look at: {', '.join(one.look_at[:MAX_NAMED])}{more}.")
        rows += [f"{'':{width}}     {note}" for note in one.notes]
    failed = sum(one.score is None for one in results)
    noted = sum(bool(one.notes) for one in results)
    plural = "" if len(results) == 1 else "s"
    rows.append(f"{len(results)} submission{plural}: {len(results) - failed} graded, {failed} not graded, "
                f"{noted} with notes.")
    return "\n".join(rows)

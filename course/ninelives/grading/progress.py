"""What a terminal shows while a class is graded."""

import sys
import time
from dataclasses import dataclass
from shutil import get_terminal_size

from ninelives.grading.folders import printable


@dataclass
class Line:
    """A student's line in the summary.

    Args:
        score: points; None where it could not be graded.
        most: points that can be had.
        manual: cells that someone has to look at.
        notes: what has to be said of it.
        known: whether it had been graded before.
    """

    student: str
    score: float | None = None
    most: float = 0.0
    manual: int = 0
    notes: tuple[str, ...] = ()
    known: bool = False


class Progress:
    """How far it is: one line that changes on a terminal, a line for each student elsewhere."""

    def __init__(self, total: int, stream=sys.stderr) -> None:
        self.total, self.stream, self.done, self.failed = total, stream, 0, 0
        self.started = time.monotonic()

    def add(self, line: Line) -> None:
        self.done += 1
        self.failed += line.score is None
        passed = time.monotonic() - self.started
        left = passed / self.done * (self.total - self.done)
        said = (f"{self.done} of {self.total} done, {self.failed} failed, {60 * self.done / passed:.0f} a minute, "
                f"{int(left) // 60}:{int(left) % 60:02d} left")
        if self.stream.isatty():
            room = get_terminal_size().columns - 1  # a line that is wrapped is not overwritten by the next
            most = max(0, min(30, room - len(f"[] {said}")))
            full = most * self.done // self.total
            print("\r" + f"[{'#' * full}{'.' * (most - full)}] {said}"[:room] + "\x1b[K", end="\n" if self.done == self.total else "",
                  file=self.stream, flush=True)
        else:
            result = "not graded" if line.score is None else f"{line.score:g} of {line.most:g}"
            print(f"{printable(line.student)}: {result} ({said})", file=self.stream, flush=True)

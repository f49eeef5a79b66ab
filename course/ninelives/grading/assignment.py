"""An assignment as it was given out: what every cell must be, whatever came back."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Cell:
    """A cell of a notebook that was given out.

    Args:
        name: its grade_id; None where nbgrader does not know it.
        id: its id in the notebook.
        kind: "code", "markdown" or "raw".
        source: as it must run: a check with its hidden lines, an answer as yet unwritten.
        shown: as learners got it.
        solved: as the instructor wrote it.
        metadata: what nbgrader has to know of it.
    """

    name: str | None
    id: str | None
    kind: str
    source: str
    shown: str
    solved: str
    metadata: dict[str, Any]

    @property
    def is_answer(self) -> bool:
        return bool(self.metadata.get("solution") or self.metadata.get("task"))

    @property
    def is_check(self) -> bool:
        return bool(self.metadata.get("grade")) and not self.metadata.get("solution")

    @property
    def points(self) -> float:
        return float(self.metadata.get("points", 0))


@dataclass(frozen=True)
class Notebook:
    """A notebook that was given out."""

    name: str
    cells: tuple[Cell, ...]
    metadata: dict[str, Any]

    @cached_property
    def beginning(self) -> list[str]:
        """The code that stands before the first exercise: the same in every submission that left it alone."""
        first = next((index for index, cell in enumerate(self.cells) if cell.name), 0)
        return [cell.source for cell in self.cells[:first] if cell.kind == "code"]

    @cached_property
    def _answers(self) -> dict[str, Cell | None]:
        found: dict[str, Cell | None] = {}
        answers: list[Cell] = []
        for cell in self.cells:
            if cell.is_answer and cell.kind == "code":
                answers.append(cell)
            elif cell.is_check:
                named = [answer for answer in answers if cell.name == answer.name or cell.name.startswith(f"{answer.name}-")]
                found[cell.name] = max(named, key=lambda answer: len(answer.name), default=answers[-1] if answers else None)
        return found

    def answer_of(self, check: Cell) -> Cell | None:
        """The answer that a check is about: the one with the longest name that its own begins with, else the last before it."""
        return self._answers[check.name]

"""An assignment as it was released: what every cell must be, whatever learners send back."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Cell:
    """A cell of a released notebook.

    Args:
        name: its grade_id; None for a cell that nbgrader does not know.
        id: its id in the notebook.
        kind: "code", "markdown" or "raw".
        source: as it must run: a check with its hidden lines, an answer without the solution.
        shown: as learners got it.
        solved: as the instructor wrote it.
        metadata: nbgrader's metadata of the cell.
        earlier: as learners may have got it before the assignment was changed; None among them if they may not have it.
    """

    name: str | None
    id: str | None
    kind: str
    source: str
    shown: str
    solved: str
    metadata: dict[str, Any]
    earlier: tuple[str | None, ...] = ()

    @property
    def is_answer(self) -> bool:
        return bool(self.metadata.get("solution") or self.metadata.get("task"))

    @property
    def is_check(self) -> bool:
        return bool(self.metadata.get("grade")) and not self.metadata.get("solution")

    @property
    def is_shown_to_a_grader(self) -> bool:
        """Whether someone grades by hand what the cell shows, or what the cells below it show."""
        return self.is_answer and (self.kind == "code" and bool(self.metadata.get("grade")) or bool(self.metadata.get("task")))

    @property
    def points(self) -> float:
        return float(self.metadata.get("points", 0))


@dataclass(frozen=True)
class Notebook:
    """A released notebook."""

    name: str
    cells: tuple[Cell, ...]
    metadata: dict[str, Any]

    @cached_property
    def _answers(self) -> dict[str, Cell | None]:
        found: dict[str, Cell | None] = {}
        answers: list[Cell] = []
        for cell in self.cells:
            if cell.is_answer and cell.kind == "code":
                answers.append(cell)
            elif cell.is_check:
                named = [answer for answer in answers
                         if cell.name == answer.name or cell.name.startswith(f"{answer.name}-")]
                last = answers[-1] if answers else None
                found[cell.name] = max(named, key=lambda answer: len(answer.name), default=last)
        return found

    def answer_of(self, check: Cell) -> Cell | None:
        """The answer that a check is about: the one with the longest name that the check's name begins with, or
        otherwise the last answer before it."""
        return self._answers[check.name]

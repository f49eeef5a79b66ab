"""Points given by hand, and whether what they were given for has changed since."""

from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import SubmittedAssignment

from ninelives.grading.assignment import Notebook

# For each cell with points by hand, by "notebook/cell": the points, and what they were given for.
Given = dict[str, dict[str, Any]]


def given_by_hand(
    submission: SubmittedAssignment, notebooks: tuple[Notebook, ...], folder: Path, known: Given
) -> Given:
    """The points given by hand, each with the answer and the check's points that the giver saw.

    Args:
        folder: the graded notebooks.
        known: what was found when this was last asked. It stays while the giver has not looked at the cell again.
    """
    found: Given = {}
    sources = answers_in(folder, notebooks)
    for notebook in submission.notebooks:
        for grade in notebook.grades:
            key = f"{notebook.name}/{grade.name}"
            if grade.manual_score is None:
                continue
            now = {"points": grade.manual_score, "check": grade.auto_score, "answer": sources.get(key)}
            before = known.get(key, {})
            same = grade.needs_manual_grade and before.get("points") == grade.manual_score
            found[key] = before if same else now
    return found


def answers_in(folder: Path, notebooks: tuple[Notebook, ...]) -> dict[str, str]:
    """For each graded cell of graded notebooks, by "notebook/cell", the text of the answer that it is about."""
    found = {}
    for notebook in notebooks:
        try:
            graded = nbformat.read(folder / f"{notebook.name}.ipynb", as_version=4)
        except (OSError, ValueError):
            continue
        sources = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell.source for cell in graded.cells}
        for cell in notebook.cells:
            if cell.metadata.get("grade") or cell.metadata.get("task"):
                answer = (notebook.answer_of(cell) if cell.is_check and cell.kind == "code" else cell) or cell
                found[f"{notebook.name}/{cell.name}"] = sources.get(answer.name, "")
    return found


def to_look_at(
    submission: SubmittedAssignment, notebooks: tuple[Notebook, ...], folder: Path, given: Given
) -> tuple[str, ...]:
    """The cells that someone has to look at, each with what has changed if points were given before."""
    sources, found = answers_in(folder, notebooks) if given else {}, []
    for notebook in submission.notebooks:
        for grade in notebook.grades:
            if not grade.needs_manual_grade:
                continue
            key = f"{notebook.name}/{grade.name}"
            name = key if len(notebooks) > 1 else grade.name
            if grade.manual_score is not None:
                name += f" ({_since(grade, given.get(key), sources.get(key))})"
            found.append(name)
    return tuple(found)


def _since(grade: Any, before: dict[str, Any] | None, answer: str | None) -> str:
    words = f"you gave {grade.manual_score:g}"
    if before is None:
        return words
    changed = []
    if before["answer"] is not None and before["answer"] != answer:
        changed.append("the answer has changed since")
    if before["check"] != grade.auto_score and grade.auto_score is not None:
        changed.append(f"its check gives {grade.auto_score:g} now")
    return f"{words}; {' and '.join(changed)}" if changed else f"{words}, and nothing has changed since"

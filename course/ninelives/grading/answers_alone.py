"""What a learner's answers earn alone: with all other cells as they were given out, and without the learner's own.

A check that a known wrong answer passes was tampered with, or depends on a plain cell that the learner may change, such as
`n = 10  # choose your own`. The answers alone tell one from the other.
"""

from copy import deepcopy

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from ninelives.grading.assignment import Notebook
from ninelives.grading.notebook_session import NotebookSession


def grade_answers_alone(session: NotebookSession) -> None:
    """If the learner has changed plain cells, take the points of exercises whose checks accept known wrong answers from
    the answers alone. What stays in `session.tampered` was changed by an answer."""
    if not session.tampered or not has_other_plain_cells(session.notebook, session.submitted):
        return
    alone = NotebookSession(session.task, session.notebook, with_given_cells(session.notebook, session.submitted), [], session.files)
    alone.started = session.started  # both have the time of one notebook
    try:
        alone.run_cells()
    finally:
        alone.end()
        session.seconds += alone.seconds
    for exercise in session.tampered.keys() - alone.tampered.keys():
        reason = session.tampered.pop(exercise)
        session.earned |= {name: alone.earned.get(name, 0.0) for name in session.earned
                           if session.exercise_of(session.released[name]) == exercise}
        session.notes.append((exercise, f"The points for {exercise!r} are those of your answers alone, with all other cells "
                                        f"as they were given out: with the cells of this notebook {reason}."))


def has_other_plain_cells(notebook: Notebook, submitted: NotebookNode) -> bool:
    """Whether a plain cell of code was changed, removed or added."""
    given = [cell.source.strip() for cell in notebook.cells if cell.kind == "code" and not cell.name]
    found = [cell.source.strip() for cell in submitted.cells if cell.cell_type == "code" and "nbgrader" not in cell.metadata]
    return [source for source in given if source] != [source for source in found if source]


def with_given_cells(notebook: Notebook, submitted: NotebookNode) -> NotebookNode:
    """The learner's named cells, which the repaired notebook `submitted` has all, among the plain cells that were given out."""
    named = {cell.metadata.nbgrader.grade_id: cell for cell in submitted.cells if "nbgrader" in cell.metadata}
    cells = [deepcopy(named[cell.name]) if cell.name else
             (new_code_cell if cell.kind == "code" else new_markdown_cell)(cell.source) for cell in notebook.cells]
    return new_notebook(cells=cells, metadata=submitted.metadata)

"""One learner's submission, graded: what happens between the folder that came in and the gradebook.

Everything here is a function of files and of what is handed over; nothing is written outside a temporary folder. It can
run in any process on any machine that sees the course's folder.
"""

import platform
import traceback
from pathlib import Path

import nbformat
from nbformat.v4 import new_markdown_cell

from ninelives.grading.assignment import Notebook
from ninelives.grading.errors import KernelsEnded, Unforeseen
from ninelives.grading.find_notebook import find_notebook
from ninelives.grading.folders import printable
from ninelives.grading.kernel_pool import with_kernels
from ninelives.grading.notebook_session import Run
from ninelives.grading.read_notebook import Unreadable
from ninelives.grading.repair import repaired
from ninelives.grading.submitted_files import NBGRADERS, places, sent_files
from ninelives.grading.taken_from_package import borrowed
from ninelives.grading.task import Graded, Task


def grade(task: Task) -> dict[str, Graded]:
    """Grade a submission: {notebook's name: what came of it}. Whatever learners do is not meant to raise.

    Raises:
        KernelsEnded: no kernel could be started.
        OSError: the submission cannot be read here.
        Unforeseen: something else went wrong.
    """
    if not task.folder.is_dir():
        raise FileNotFoundError(f"{platform.node()} does not see the folder {task.folder}")
    try:
        return with_kernels(lambda: {notebook.name: _grade_notebook(task, notebook) for notebook in task.notebooks})
    except (KernelsEnded, OSError):
        raise
    except Exception as problem:  # of a kind that another process may not be able to make again
        place = traceback.extract_tb(problem.__traceback__)[-1]
        words = (f"the grader itself failed, at {Path(place.filename).name}:{place.lineno} with "
                 f"{type(problem).__name__}: {problem}. Look at what was sent, and tell the course's authors")
    raise Unforeseen(words)  # out here, since Dask would send the other along as its context


def _grade_notebook(task: Task, notebook: Notebook) -> Graded:
    others = {other.name for other in task.notebooks} - {notebook.name}
    try:
        sent, found = find_notebook(task.folder, notebook, others)
    except Unreadable as problem:
        return _nothing(notebook, f"Not readable: {problem}.")
    made, repairs = repaired(sent, notebook)
    notes = [*((None, words) for words in found), *repairs, *borrowed(made, notebook)]
    taken = places((one.name for one in task.notebooks), task.others)
    files = [(path, place) for path, place in sent_files(task.folder, task.limits.disk // 2, taken, notes) if place not in NBGRADERS]
    run = Run(task, notebook, made, notes, files)
    try:
        if not files:
            run.begin()
        run.cells()
        run.refuse_tampered()
    finally:
        run.end()
    scores = {cell.name: run.score(cell) for cell in notebook.cells if cell.metadata.get("grade") or cell.metadata.get("task")}
    by_name = {cell.metadata.nbgrader.grade_id: cell for cell in made.cells if "nbgrader" in cell.metadata}
    responses = {cell.name: by_name[cell.name].source != cell.source for cell in notebook.cells if cell.is_answer}
    once = list(dict.fromkeys((where, printable(words)) for where, words in notes))  # a file may have any name
    return Graded(made, scores, responses, once, run.seconds)


def _nothing(notebook: Notebook, reason: str) -> Graded:
    """Nothing that could be graded: no points, and a notebook that says why."""
    named = [cell for cell in notebook.cells if cell.name]
    cells = [(nbformat.v4.new_code_cell if cell.kind == "code" else new_markdown_cell)(
        "" if cell.is_answer else cell.source, id=cell.name, metadata={"nbgrader": cell.metadata}) for cell in named]
    scores = {cell.name: 0.0 for cell in named if cell.metadata.get("grade") or cell.metadata.get("task")}
    made = nbformat.v4.new_notebook(cells=cells, metadata=notebook.metadata)
    return Graded(made, scores, {cell.name: False for cell in named if cell.is_answer}, [(None, reason)])

"""Grade one submission: everything between the submitted folder and the gradebook.

All of it depends only on files and arguments, and writes only into temporary folders. It can run in any process on any
machine that sees the course's folder.
"""

import platform
import traceback
from dataclasses import replace
from pathlib import Path

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from ninelives.grading.answers_alone import grade_answers_alone
from ninelives.grading.assignment import Notebook
from ninelives.grading.errors import KernelServerDied, NotPython, UnexpectedError
from ninelives.grading.find_notebook import find_notebook
from ninelives.grading.folders import everything_in, printable
from ninelives.grading.kernel_pool import with_kernel_server
from ninelives.grading.notebook_session import NotebookSession
from ninelives.grading.python_only import refuse_other_language
from ninelives.grading.read_notebook import Unreadable
from ninelives.grading.repair import repaired
from ninelives.grading.submitted_files import (
    FROM_THE_EXCHANGE,
    archives,
    choose_files,
    inner_folder,
    mentioned_notebooks,
    reserved_paths,
)
from ninelives.grading.taken_from_package import taken_from_package
from ninelives.grading.task import Graded, Task


def grade(task: Task) -> dict[str, Graded]:
    """Grade a submission: {notebook's name: its result}. Nothing that a learner does should raise an error here.

    Raises:
        KernelServerDied: no kernel could be started.
        NotPython: the notebook is in another language.
        OSError: the submission cannot be read here.
        UnexpectedError: something else went wrong.
    """
    if not task.folder.is_dir():
        raise FileNotFoundError(f"{platform.node()} does not see the folder {task.folder}")
    try:
        paths, closed = everything_in(task.folder)
        outer, inner = task.folder, inner_folder(task.folder, paths)
        paths = [path for path in paths if path != inner and path.is_relative_to(inner)]
        reserved = reserved_paths(task.names, task.others)
        files, left_out = choose_files(inner, paths, closed, task.limits.disk // 2, reserved, task.ignored)
        left_out += archives(files)
        graded = with_kernel_server(lambda: {
            notebook.name: _grade_notebook(replace(task, folder=inner), notebook, paths, files, left_out)
            for notebook in task.notebooks})
        kept = tuple((inner / file).relative_to(outer) for file in files)
        return {name: replace(result, files=kept) for name, result in graded.items()}
    except (KernelServerDied, NotPython, OSError):
        raise
    except Exception as problem:  # its class may not exist in the process that reads the result
        place = traceback.extract_tb(problem.__traceback__)[-1]
        words = (f"the grader itself failed, at {Path(place.filename).name}:{place.lineno} with "
                 f"{type(problem).__name__}: {problem}. Look at the submission, and report it to the course's authors")
    raise UnexpectedError(words)  # outside the except clause, since Dask would send its context along


def _grade_notebook(
    task: Task, notebook: Notebook, paths: list[Path], files: tuple[Path, ...], left_out: list[str]
) -> Graded:
    others = task.names - {notebook.name}
    refuse_other_language(task.folder / f"{notebook.name}.ipynb", notebook)
    try:
        sent, found = find_notebook(task.folder, paths, notebook, others)
    except Unreadable as problem:
        return _unreadable(notebook, f"Not readable: {problem}.", files)
    submitted, repairs = repaired(sent, notebook, outputs=not task.execute)
    taken = taken_from_package(submitted, notebook, task.course.solution_packages)
    notes = [*((None, words) for words in found), *repairs, *taken, *((None, words) for words in left_out)]
    reserved = reserved_paths(task.names, task.others)
    named = mentioned_notebooks(task.folder, paths, [cell.source for cell in sent if cell.kind == "code"], reserved)
    beside = (*(file for file in files if file not in FROM_THE_EXCHANGE), *named)
    session = NotebookSession(task, notebook, submitted, notes, beside)
    try:
        if task.execute:
            session.run_cells()
        else:
            session.read_outputs()
    finally:
        session.end()
    grade_answers_alone(session)
    session.refuse_tampered()
    scored = [cell for cell in notebook.cells if cell.metadata.get("grade") or cell.metadata.get("task")]
    sources = {cell.metadata.nbgrader.grade_id: cell.source for cell in submitted.cells if "nbgrader" in cell.metadata}
    responses = {cell.name: sources[cell.name] not in (cell.source, *cell.earlier) for cell in notebook.cells
                 if cell.is_answer and not cell.metadata.get("task")}  # what a task asks for stands in other cells
    notes += [(None, words) for words in session.left_out]
    notes = list(dict.fromkeys((name, printable(words)) for name, words in notes))  # a file may have any name
    scores = {cell.name: session.score(cell) for cell in scored}
    return Graded(submitted, scores, responses, notes, files, session.written, session.seconds)


def _unreadable(notebook: Notebook, reason: str, files: tuple[Path, ...]) -> Graded:
    """The result of a submission without a readable notebook: no points, and a notebook that says why."""
    named = [cell for cell in notebook.cells if cell.name]
    cells = [
        (new_code_cell if cell.kind == "code" else new_markdown_cell)(
            "" if cell.is_answer else cell.source, id=cell.name, metadata={"nbgrader": cell.metadata})
        for cell in named
    ]
    scores = {cell.name: 0.0 for cell in named if cell.metadata.get("grade") or cell.metadata.get("task")}
    responses = {cell.name: False for cell in named if cell.is_answer and not cell.metadata.get("task")}
    return Graded(new_notebook(cells=cells, metadata=notebook.metadata), scores, responses, [(None, reason)], files)

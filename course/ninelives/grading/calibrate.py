"""What the instructor's own answers do on this machine, before any submission is graded."""

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from ninelives.grading.assignment import Notebook
from ninelives.grading.canary import NO_FILES
from ninelives.grading.kernel_pool import with_kernel_server
from ninelives.grading.notebook_session import NotebookSession
from ninelives.grading.task import Task


def calibrate(task: Task) -> dict[str, dict]:
    """Run the instructor's own answers: which wrong answers the checks refuse, which checks give a number of points.

    Returns:
        {notebook's name: {"canaries", "by_result" as in a Task, "failed": checks that the answers fail}}
    """
    return with_kernel_server(
        lambda: {notebook.name: _calibrate_notebook(task, notebook) for notebook in task.notebooks})


def _calibrate_notebook(task: Task, notebook: Notebook) -> dict:
    solved = _solved(notebook)
    session = _run_all(task, notebook, solved)
    if session.skipped:  # a cell was stopped: run it once more, since the machine may have been busy
        session.end()
        session = _run_all(task, notebook, solved)
    session.end()
    passed = {name for name, points in session.earned.items() if points > 0}
    by_result = {
        name for name in passed
        if any(output.output_type == "execute_result" for output in session.outcomes[name].outputs)
    }
    failed = [cell.name for cell in notebook.cells if cell.is_check and cell.kind == "code" and cell.name not in passed]
    missing_work = set(task.course.missing_work_errors)
    by_files = {name for name in failed if missing_work.intersection(session.outcomes[name].error_classes)}
    return {
        "canaries": frozenset(session.refused | {(name, NO_FILES) for name in by_files}),
        "by_result": frozenset(by_result),
        "failed": [name for name in failed if name not in by_files],
    }


def _solved(notebook: Notebook) -> NotebookNode:
    """The notebook with the instructor's answers."""
    cells = []
    for cell in notebook.cells:
        source = cell.source if cell.kind == "code" and not cell.is_answer else cell.solved
        made = (new_code_cell if cell.kind == "code" else new_markdown_cell)(source)
        made.metadata = NotebookNode(nbgrader=NotebookNode(cell.metadata)) if cell.name else NotebookNode()
        cells.append(made)
    return new_notebook(cells=cells)


def _run_all(task: Task, notebook: Notebook, solved: NotebookNode) -> NotebookSession:
    session = NotebookSession(task, notebook, solved, [], ())
    session.must_refuse = None
    try:
        session.run_cells()
    except BaseException:
        session.end()
        raise
    return session

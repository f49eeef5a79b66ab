"""What the instructor's own answers do on this machine, before any submission is graded."""

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from ninelives.grading.assignment import Notebook
from ninelives.grading.canary import NO_FILES
from ninelives.grading.kernel_pool import with_kernel_server
from ninelives.grading.notebook_session import NotebookSession
from ninelives.grading.outputs import Outcome, number_in
from ninelives.grading.task import Task


def calibrate(task: Task) -> dict[str, dict]:
    """Run the instructor's own answers: which wrong answers the checks refuse, which checks give a number of points.

    Returns:
        {notebook's name: {"canaries", "by_result" as in a Task, "failed": {check that the answers fail: why}}}
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
    checks = [cell for cell in notebook.cells if cell.is_check and cell.kind == "code"]
    passed = {name for name, points in session.earned.items() if points > 0}
    results = {name: number for name in passed if (number := number_in(session.outcomes[name].outputs)) is not None}
    failed = {cell.name: _why(session.outcomes[cell.name]) for cell in checks if cell.name not in passed}
    failed |= {cell.name: f"its last line gives {results[cell.name]:g} points, and it has {cell.points:g}"
               for cell in checks if results.get(cell.name, 0) > cell.points}
    missing_work = set(task.course.missing_work_errors)
    by_files = {name for name in failed if missing_work.intersection(session.outcomes[name].error_classes)}
    return {
        "canaries": frozenset(session.refused | {(name, NO_FILES) for name in by_files}),
        "by_result": frozenset(name for name, number in results.items() if number >= 0),
        "failed": {name: why for name, why in failed.items() if name not in by_files},
    }


def _why(outcome: Outcome) -> str:
    """Why a check failed, in one line."""
    shown = next((output for output in outcome.outputs if output.output_type == "error"), None)
    words = outcome.stopped or (f"{shown.ename}: {shown.evalue}" if shown else outcome.error or "it was not run")
    return words.strip().splitlines()[0][:200]


def complaint(name: str, failed: dict[str, str]) -> str:
    """A sentence on the checks that the instructor's own answers fail, and what to do about it."""
    first, why = next(iter(failed.items()))
    return (f"The instructor's own {name} fails its checks {', '.join(failed)} here ({first}: {why}), so learners' right "
            "answers would fail them, too")


def _solved(notebook: Notebook) -> NotebookNode:
    """The notebook with the instructor's answers."""
    cells = []
    for cell in notebook.cells:
        source = cell.source if cell.name and cell.kind == "code" and not cell.is_answer else cell.solved
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

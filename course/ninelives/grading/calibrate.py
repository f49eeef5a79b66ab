"""What the instructor's own answers do on this machine, before any submission is graded."""

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from ninelives.grading.assignment import Notebook
from ninelives.grading.canary import NO_FILES
from ninelives.grading.kernel_pool import with_kernels
from ninelives.grading.notebook_session import Run
from ninelives.grading.task import Task

MODULES = "import sys; print(*sys.modules, sep='\\n')"


def calibrate(task: Task) -> dict[str, dict]:
    """What the instructor's own answers do here: which checks refuse which canary, which give points as a result.

    Returns:
        {notebook's name: {"canaries", "by_result", "modules" as in a Task, "failed": checks that the answers fail}}
    """
    return with_kernels(lambda: {notebook.name: _calibrated(task, notebook) for notebook in task.notebooks})


def _calibrated(task: Task, notebook: Notebook) -> dict:
    cells = [nbformat.v4.new_code_cell(cell.solved if cell.is_answer else cell.source) if cell.kind == "code"
             else new_markdown_cell(cell.solved) for cell in notebook.cells]
    for made, cell in zip(cells, notebook.cells):
        made.metadata = NotebookNode(nbgrader=NotebookNode(cell.metadata)) if cell.name else NotebookNode()
    made = nbformat.v4.new_notebook(cells=cells)
    run = _run_all(task, notebook, made)
    if run.skipped:  # a cell was stopped: once more, since the machine may have been busy
        run.end()
        run = _run_all(task, notebook, made)
    try:
        by_name = {run.given_of(cell).name: cell for cell in made.cells if run.given_of(cell)}
        passed = {name for name, points in run.earned.items() if points > 0}
        by_result = {name for name in passed if any(output.output_type == "execute_result" for output in by_name[name].outputs)}
        refusing, modules = run.refuses, set()
        if run.kernel is not None and run.kernel.alive:
            modules = set(run.kernel.run(MODULES).outputs[0].text.split())
    finally:
        run.end()
    failed = [cell.name for cell in notebook.cells if cell.is_check and cell.kind == "code" and cell.name not in passed]
    by_files = {name for name in failed if any(output.get("ename") == "NotHandedIn" for output in by_name[name].outputs)}
    refusing |= {(name, NO_FILES) for name in by_files}
    return {
        "canaries": frozenset(refusing), "by_result": frozenset(by_result), "modules": tuple(sorted(modules)),
        "failed": [name for name in failed if name not in by_files],
    }


def _run_all(task: Task, notebook: Notebook, made: NotebookNode) -> Run:
    run = Run(task, notebook, made, [], [])
    run.refused = None
    try:
        run.cells()
    except BaseException:
        run.end()
        raise
    return run

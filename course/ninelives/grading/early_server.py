"""A kernel server that is started before nbgrader is imported, which takes as long as what most notebooks import."""

import json
from argparse import Namespace
from glob import escape
from pathlib import Path

from ninelives.grading import sandbox
from ninelives.grading.assignment import Cell, Notebook
from ninelives.grading.imported_modules import imported_modules
from ninelives.grading.kernel_server import KernelServer


def early_server(given: Namespace) -> KernelServer | None:
    """A server that imports already what the assignment's notebooks seem to import; None if none will be needed.

    Where a course has its notebooks is not known yet. If this guess is wrong, the server is not used.
    """
    runs_nothing = any((given.update_assignment, given.report, given.alike, given.due, given.extend, given.fill,
                        given.feedback_zip, given.no_execute))
    if runs_nothing or given.watch or given.dask or sandbox.landlock() < 1:
        return None
    try:
        paths = sorted(Path().glob(f"*/{escape(given.assignment)}/{given.notebook or '*'}.ipynb"))
        modules = dict.fromkeys(name for path in paths for name in imported_modules(_notebook(path)))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):  # no pattern or no notebook, as will be said later
        return None
    return KernelServer(None, tuple(modules)) if modules else None


def _notebook(path: Path) -> Notebook:
    """A notebook, as far as that needs no library."""
    cells = []
    for cell in json.loads(path.read_bytes())["cells"]:
        source = "".join(cell["source"])
        cells.append(Cell(None, None, cell["cell_type"], source, source, source, cell["metadata"].get("nbgrader", {})))
    return Notebook(path.stem, tuple(cells), {})

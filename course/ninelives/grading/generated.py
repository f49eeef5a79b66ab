"""What nbgrader's generate_assignment would make of an assignment now, without writing anything."""

import logging
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbconvert.exporters import NotebookExporter
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from nbgrader.converters import GenerateAssignment
from nbgrader.converters.autograde import Autograde
from nbgrader.preprocessors import SaveCells
from nbgrader.utils import is_grade, is_locked, is_solution, is_task
from traitlets.config import Config
from traitlets.utils.importstring import import_item

from ninelives.grading.errors import CannotStart
from ninelives.grading.gradebook import is_generated

Row = tuple[str, str]  # a table of the gradebook ("grade", "solution", "task" or "source"), and a cell's name


@dataclass(frozen=True)
class Generated:
    """A notebook as it would be generated.

    Args:
        rows: what the gradebook would hold of its cells.
        released: the notebook as learners would get it.
        kernelspec: as the notebook names it.
    """

    rows: dict[Row, dict]
    released: NotebookNode
    kernelspec: dict


class Snapshot(Preprocessor):
    """Keeps the notebook as SaveCells would find it: with hidden tests, and without solutions."""

    notebook: NotebookNode | None = None

    def preprocess(self, nb, resources):
        self.notebook = deepcopy(nb)
        return nb, resources


def generated_notebooks(autograde: Autograde, assignment: str) -> dict[str, Generated]:
    """Each notebook of solutions/, as nbgrader's own preprocessors make it. Raises CannotStart."""
    course, config = autograde.coursedir, autograde.config
    folder = Path(course.format_path(course.source_directory, ".", assignment))
    paths = sorted(folder.glob("*.ipynb"))
    if not paths:
        raise CannotStart(f"There is no notebook in {folder}, where the assignment {assignment!r} would be made from")
    return {path.stem: _generated(path, config, assignment, course.db_url) for path in paths}


def _generated(path: Path, config: Config, assignment: str, db_url: str) -> Generated:
    snapshot = Snapshot()
    exporter = NotebookExporter(config=Config({"Exporter": {"default_preprocessors": []}}))
    generate = GenerateAssignment(config=config)
    for step in generate.preprocessors:
        step = import_item(step) if isinstance(step, str) else step
        if isinstance(step, type) and issubclass(step, SaveCells):
            exporter.register_preprocessor(snapshot, enabled=True)
        else:
            exporter.register_preprocessor(step(config=config) if isinstance(step, type) else step, enabled=True)
    names = {"student": ".", "assignment": assignment, "notebook": path.stem, "db_url": db_url}
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # the error says it in one sentence
    try:
        text, _ = exporter.from_filename(str(path), resources={"unique_key": path.stem, "nbgrader": names})
    except Exception as problem:  # whatever nbgrader, nbformat or a preprocessor of the course's own has to say
        reason = " ".join(str(problem).split())[:300]
        raise CannotStart(f"nbgrader cannot make an assignment of {path}: {type(problem).__name__}: {reason}. Mend the "
                          "notebook; nothing was changed") from None
    finally:
        logging.disable(before)
    notebook = snapshot.notebook
    rows = {}
    for cell in notebook.cells:
        rows |= _rows(cell)
    return Generated(rows, nbformat.reads(text, as_version=4), notebook.metadata.get("kernelspec", {}))


def _rows(cell: NotebookNode) -> dict[Row, dict]:
    """The gradebook's rows of one cell, as SaveCells writes them."""
    if not is_generated(cell):
        return {}
    own, kind = cell.metadata.nbgrader, cell.cell_type
    name = own["grade_id"]
    source = {"cell_type": kind, "locked": is_locked(cell), "source": cell.source, "checksum": own.get("checksum")}
    rows: dict[Row, dict] = {("source", name): source}
    if is_grade(cell):
        rows["grade", name] = {"max_score": float(own["points"]), "cell_type": kind}
    if is_solution(cell):
        rows["solution", name] = {}
    if is_task(cell):
        rows["task", name] = {"max_score": float(own["points"]), "cell_type": kind}
    return rows

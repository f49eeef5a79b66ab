"""What differs between solutions/, the gradebook and release/ of one assignment."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Assignment

from ninelives.grading.generated import Generated, Row


@dataclass(frozen=True)
class Differences:
    """What `--update-assignment` would take over.

    Args:
        graded: sentences about cells that the gradebook knows.
        given_out: sentences about what learners get that is not graded: text, other cells and files.
    """

    graded: tuple[str, ...]
    given_out: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.graded or self.given_out)

    def lines(self) -> list[str]:
        return [f"  {words}" for words in (*self.graded, *self.given_out)]


def rows_of(notebook: Any) -> dict[Row, dict]:
    """The gradebook's rows of a notebook."""
    rows: dict[Row, dict] = {("solution", cell.name): {} for cell in notebook.solution_cells}
    for table, cells in (("grade", notebook.grade_cells), ("task", notebook.task_cells)):
        rows |= {(table, cell.name): {"max_score": cell.max_score, "cell_type": cell.cell_type} for cell in cells}
    return rows | {
        ("source", cell.name): {"cell_type": cell.cell_type, "locked": cell.locked, "source": cell.source,
                                "checksum": cell.checksum} for cell in notebook.source_cells}


def differences(assignment: Assignment, made: dict[str, Generated], release: Path, others: dict[str, Path]
                ) -> Differences:
    """What differs: the assignment in the gradebook, the notebooks that solutions/ would make, and release/.

    Args:
        others: the files beside the notebooks in solutions/, {name: path}.
    """
    graded, given_out = [], []
    known = {notebook.name: notebook for notebook in assignment.notebooks}
    for name in sorted(known.keys() | made.keys()):
        prefix = f"{name}: " if len(known) > 1 else ""
        if name not in made or name not in known:
            graded.append(f"the notebook {name} was {'removed' if name in known else 'added'}")
            continue
        graded += [prefix + words for words in _of_rows(rows_of(known[name]), made[name].rows)]
        given_out += [prefix + words for words in _of_release(release / f"{name}.ipynb", made[name].released)]
    for name, path in others.items():
        if not (release / name).is_file() or (release / name).read_bytes() != path.read_bytes():
            given_out.append(f"the file {name} in {release} is {'another' if (release / name).exists() else 'missing'}")
    return Differences(tuple(graded), tuple(given_out))


def _of_rows(before: dict[Row, dict], after: dict[Row, dict]) -> list[str]:
    found = []
    for name in dict.fromkeys(name for _, name in (*after, *before)):
        old = {table: row for (table, one), row in before.items() if one == name}
        new = {table: row for (table, one), row in after.items() if one == name}
        called = f"the {_role(new or old)} {name!r}"
        if not old:
            found.append(f"{called} was added{_worth(new)}")
        elif not new:
            found.append(f"{called} was removed{_worth(old)}")
        else:
            found += [f"{called} {words}" for words in _of_cell(old, new)]
    return found


def _of_cell(old: dict[str, dict], new: dict[str, dict]) -> list[str]:
    found = []
    if old.keys() != new.keys():
        found.append(f"was the {_role(old)} of that name")
    if _points(old) != _points(new) and None not in (_points(old), _points(new)):
        found.append(f"has {_points(new):g} points, which were {_points(old):g}")
    before, after = old.get("source", {}), new.get("source", {})
    if before.get("source") != after.get("source"):
        found.append("has another text")
    elif any(before.get(key) != after.get(key) for key in ("cell_type", "locked")):
        found.append("has another kind or another lock")
    return found


def _role(rows: dict[str, dict]) -> str:
    """What a cell is, in a word."""
    return ("task" if "task" in rows else "answer" if "solution" in rows else "check" if "grade" in rows
            else "given cell")


def _points(rows: dict[str, dict]) -> float | None:
    return next((rows[table]["max_score"] for table in ("grade", "task") if table in rows), None)


def _worth(rows: dict[str, dict]) -> str:
    points = _points(rows)
    return "" if points is None else f" ({points:g} point{'' if points == 1 else 's'})"


def _of_release(path: Path, made: NotebookNode) -> list[str]:
    """Differences of the released notebook in cells that the gradebook does not know."""
    if not path.is_file():
        return [f"{path} is missing"]
    try:
        given = nbformat.read(path, as_version=4)
    except ValueError:
        return [f"{path} is not a notebook"]
    if given == made:
        return []
    before, after = ([(cell.cell_type, cell.source) for cell in notebook.cells if not _name(cell)]
                     for notebook in (given, made))
    changed = len([one for one in after if one not in before]) or len([one for one in before if one not in after])
    if changed:
        return [f"{changed} cell{'' if changed == 1 else 's'} without points {'has' if changed == 1 else 'have'} "
                f"another text than in {path}"]
    return [f"{path} differs from the one that would be made now"]


def _name(cell: NotebookNode) -> str | None:
    return cell.metadata.get("nbgrader", {}).get("grade_id")

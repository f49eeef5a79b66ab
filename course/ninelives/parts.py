"""A later notebook on the learner's own parts: `Embedding = use_mine("Embedding")`.

Every notebook stands on the package's modules. A learner who wants to see their
own code at work swaps a part for what they wrote in an earlier notebook. Theirs
is checked first; a part that is missing, half done or broken is left out with
one line that says so, and the notebook goes on.
"""

import ast
import os
from pathlib import Path
from typing import Any, NamedTuple

import nbformat

import ninelives.checks.attention
import ninelives.checks.embeddings
import ninelives.checks.transformer
import ninelives.model
from ninelives.checks.exercise import Exercise


class Part(NamedTuple):
    """Where a learner writes a part, and what it must pass."""

    notebook: str
    exercise: Exercise


PARTS = {
    "Embedding": Part("01-embeddings", ninelives.checks.embeddings.embedding),
    "MultiHeadSelfAttention": Part("02-attention", ninelives.checks.attention.multi_head_self_attention),
    "Transformer": Part("03-transformer", ninelives.checks.transformer.transformer),
}


def use_mine(name: str, folder: Path | None = None) -> Any:
    """The learner's own part if it is there and passes its checks, else the package's.

    One printed line says which. Nothing in the learner's notebook can stop the
    one that calls this. In grading it is always the package's part, so that a
    mistake costs points once.

    Args:
        name: a key of PARTS, the name of a class in `ninelives.model`.
        folder: where the notebooks' folders stand; by default beside the one
            in which the calling notebook runs.

    Raises:
        ValueError: there is no part of this name.
    """
    if name not in PARTS:
        raise ValueError(f"there is no part {name!r}: the parts are {', '.join(PARTS)}.")
    ours = getattr(ninelives.model, name)
    if "NBGRADER_EXECUTION" in os.environ:
        return ours
    part = PARTS[name]
    path = (folder or Path.cwd().parent) / part.notebook / f"{part.notebook}.ipynb"
    mine, reason = read_part(name, path)
    if reason is None:
        failure = part.exercise.first_failure(mine)
        if failure is None:
            print(f"{name}: yours, from {path.name}.")
            return mine
        reason = f"yours does not pass its check {failure[0]!r} yet"
    print(f"{name}: the package's, since {reason}.")
    return ours


def read_part(name: str, path: Path) -> tuple[Any, str | None]:
    """A class or function out of a learner's notebook.

    Only imports, definitions and `use_mine` lines are run: no pictures, no
    training, no checks.

    Returns:
        (what was found, None), or (None, why there is nothing).
    """
    if not path.exists():
        return None, f"there is no {path.name} beside this notebook's folder"
    try:
        notebook = nbformat.read(path, as_version=4)
    # A file cut off or overwritten by something else can fail in any way.
    except Exception as error:
        return None, f"{path.name} cannot be read ({type(error).__name__})"
    namespace: dict[str, Any] = {"__name__": path.stem}
    raised = None
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        try:
            statements = [node for node in ast.parse(cell.source).body if _defines(node)]
            exec(compile(ast.Module(statements, []), path.name, "exec"), namespace)
        # It is a learner's code: whatever it raises, their present notebook goes on.
        except (Exception, SystemExit) as error:
            raised = raised or error
    if name in namespace:
        return namespace[name], None
    if raised is not None:
        return None, f"{path.name} raises {type(raised).__name__}: {raised}"
    return None, f"{path.name} defines no {name}"


def _defines(node: ast.stmt) -> bool:
    """Whether a statement only makes names known."""
    if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef):
        return True
    return (
        isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
        and node.value.func.id == "use_mine"
    )

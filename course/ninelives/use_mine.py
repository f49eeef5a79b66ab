"""A later notebook on the learner's own parts: `Embedding = use_mine("Embedding")`.

Every notebook builds on the package's modules. Learners who want to see their own
code at work swap in a part that they wrote in an earlier notebook. Theirs is
checked first. If it is missing, unfinished or broken, the package's part is used,
a line says why, and the notebook runs on.
"""

import ast
import contextlib
import io
import os
import re
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
from IPython.core.inputtransformer2 import TransformerManager

import ninelives.checks.attention
import ninelives.checks.decoder
import ninelives.checks.embeddings
import ninelives.checks.encoder
import ninelives.checks.encoder_decoder
import ninelives.checks.generation
import ninelives.checks.prefix_generation
import ninelives.checks.transformer
import ninelives.model
from ninelives.checks.exercise import Exercise
from ninelives.made_of import called_in, classes_in, is_the_learners, made_of
from ninelives.sentence import wrapped


class Part(NamedTuple):
    """The notebook in which a learner writes a part, and the exercise that it must pass."""

    notebook: str
    exercise: Exercise


PARTS = {
    "Embedding": Part("01-embeddings", ninelives.checks.embeddings.embedding),
    "MultiHeadSelfAttention": Part("02-attention", ninelives.checks.attention.multi_head_self_attention),
    "Transformer": Part("03-transformer", ninelives.checks.transformer.transformer),
    "Encoder": Part("04-encoder", ninelives.checks.encoder.encoder),
    "Decoder": Part("05-decoder", ninelives.checks.decoder.decoder),
    "next_token_probabilities": Part("06-generation", ninelives.checks.generation.next_token_probabilities),
    "generate": Part("06-generation", ninelives.checks.generation.generate),
    "EncoderDecoder": Part("07-encoder-decoder", ninelives.checks.encoder_decoder.encoder_decoder),
    "prefix_generation": Part("08-prefix-generation", ninelives.checks.prefix_generation.prefix_generation),
}


# While a learner's notebook is read: the parts that it takes itself, and why each is not the learner's.
_taken_there: dict[str, tuple[Any, str | None]] | None = None


def use_mine(name: str) -> Any:
    """The learner's own part if it exists and passes its checks, else the package's.

    A printed line says which, and what the part itself is made of. Nothing in
    the learner's earlier notebook can stop the one that calls this; a part that
    never returns can be interrupted. During grading it is always the package's
    part, so that a mistake costs points once.

    Args:
        name: a key of PARTS and a name in `ninelives.model`. The folder of its
            notebook is next to the one in which the caller runs.

    Raises:
        ValueError: there is no part of this name.
    """
    global _taken_there
    if name not in PARTS:
        raise ValueError(f"there is no part {name!r}: the parts are {', '.join(PARTS)}.")
    if "NBGRADER_EXECUTION" in os.environ:
        return getattr(ninelives.model, name)
    if _taken_there is not None:
        if name not in _taken_there:
            _taken_there[name] = take(name)
        return _taken_there[name][0]
    _taken_there = {}
    try:
        part, reason = take(name)
        print(*(shown for line in lines_about(name, part, reason, _taken_there) for shown in wrapped(line, 8 * " ")), sep="\n")
    finally:
        _taken_there = None
    return part


def take(name: str) -> tuple[Any, str | None]:
    """(the learner's part, None), or (the package's, why)."""
    part = PARTS[name]
    # Their definitions may print. A part that they take themselves is named by `lines_about`.
    with contextlib.redirect_stdout(io.StringIO()):
        mine, reason = read_part(name, Path.cwd().parent / part.notebook / f"{part.notebook}.ipynb")
        reason = reason or fault_in(mine, part.exercise)
    return (mine, None) if reason is None else (getattr(ninelives.model, name), reason)


def lines_about(name: str, part: Any, reason: str | None, inside: dict[str, tuple[Any, str | None]]) -> list[str]:
    """Say whose a part is, the learner's or the package's, and whose classes and functions it uses.

    Args:
        inside: the parts that the learner's notebooks took, and why each is not the learner's.
    """
    if reason is not None:
        return [f"{name}: the package's, since {reason}."]
    known = {id(taken): (other, why) for other, (taken, why) in inside.items()}  # they may be called something else
    used, own, others = made_of(part), [], []
    for each in used:
        called, why = known.get(id(each), (each.__name__, None))
        if is_the_learners(each):
            own.append(called)
        else:
            why = f", since {why}" if why else _brought_by(each, [part, *used])
            others.append(f"    In it, {called}: the package's{why}.")
    own = list(dict.fromkeys(own))
    using = f", made of your {' and '.join(filter(None, [', '.join(own[:-1]), own[-1]]))}" if own else ""
    return [f"{name}: yours, from {PARTS[name].notebook}.ipynb{using}.", *others]


def _brought_by(each: Any, used: list) -> str:
    """What brings something of the package's into a part, although no notebook takes it with `use_mine`."""
    for other in used:
        if is_the_learners(other) and each in called_in(other):
            return f", which {other.__module__}.ipynb imports"
        if not is_the_learners(other) and isinstance(other, type) and each in (*classes_in(other), *other.__mro__[1:]):
            return f", as a part of its {other.__name__}"
    return ""


def fault_in(mine: Any, exercise: Exercise) -> str | None:
    """Why a learner's part cannot be used; None if it passes its checks."""
    try:
        failure = exercise.first_failure(mine)
    except KeyboardInterrupt:
        return "the check of yours was interrupted"
    # What a part returns can be so odd that the check itself fails, and a learner's line may call exit().
    except (Exception, SystemExit) as error:
        return f"yours raises {type(error).__name__} in its checks"
    return None if failure is None else exercise.fault(*failure)


def read_part(name: str, path: Path) -> tuple[Any, str | None]:
    """A class or function from a learner's notebook.

    Only imports, definitions and the lines that choose a part (`use_mine`,
    `yours_if_it_passes`, `yours_if_it_runs`) are run, one by one: no pictures, no training. A line
    that chooses what the part does not use takes the package's without a check.

    Returns:
        (the class or function, None), or (None, why it was not found).
    """
    if not path.exists():
        return None, f"there is no {path.name} next to this notebook's folder"
    try:
        notebook = nbformat.read(path, as_version=4)
    # A file that is cut off or overwritten can fail in any way.
    except Exception as error:
        return None, f"{path.name} cannot be read ({type(error).__name__})"
    cells: list[list[ast.stmt] | Exception] = []
    for number, cell in enumerate((cell for cell in notebook.cells if cell.cell_type == "code"), start=1):
        try:
            source = TransformerManager().transform_cell(cell.source)  # %magic and !shell lines become calls
            cells.append([node for node in ast.parse(source, _named(cell.source, number)).body if _defines(node)])
        except (SyntaxError, ValueError) as error:
            cells.append(error)
    used = _used_for(name, [statement for cell in cells if isinstance(cell, list) for statement in cell])
    namespace: dict[str, Any] = {"__name__": path.stem}
    raised = None
    for cell in cells:
        if isinstance(cell, Exception):
            raised = raised or cell
            continue
        for statement in cell:
            if _chooses(statement) and not _names_in(statement, ast.Store) & used:
                statement.value = statement.value.args[1]  # the package's: only pictures show it, so nothing need be checked
            try:
                exec(compile(ast.Module([statement], []), path.name, "exec"), namespace)
            # It is a learner's code: whatever it raises, their present notebook runs on.
            except (Exception, SystemExit, KeyboardInterrupt) as error:
                raised = raised or error
    if name in namespace:
        return namespace[name], None
    if raised is not None:
        return None, " ".join(f"{path.name} raises {type(raised).__name__}: {raised}".split())
    return None, f"{path.name} defines no {name}"


def _named(source: str, number: int) -> str:
    """What to call a cell in an error of its syntax: by what it defines, or by its number."""
    defined = re.search(r"^(?:class|def) (\w+)", source, re.MULTILINE)
    return f"the cell of {defined[1]}" if defined else f"code cell {number}"


def _defines(node: ast.stmt) -> bool:
    """Whether a statement only imports or defines names."""
    if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef):
        return True
    if not isinstance(node, ast.Assign):
        return False
    # Another name for what is there, Encoder = MyEncoder; or a line that chooses.
    return isinstance(node.value, ast.Name) or _called(node) in ("use_mine", "yours_if_it_passes", "yours_if_it_runs")


def _called(node: ast.Assign) -> str:
    """The last part of the name of what is called on the right; empty if nothing is."""
    called = node.value.func if isinstance(node.value, ast.Call) else None
    return getattr(called, "id", getattr(called, "attr", ""))


def _chooses(node: ast.stmt) -> bool:
    """Whether a statement chooses between the learner's answer and the package's, the second argument."""
    return isinstance(node, ast.Assign) and _called(node).startswith("yours_if_it_") and len(node.value.args) > 1


def _names_in(node: ast.stmt, context: type[ast.expr_context]) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, context)}


def _used_for(name: str, statements: list[ast.stmt]) -> set[str]:
    """The name of a part, the names that its definition uses, those that their definitions use, and so on."""
    used, waiting = set(), {name}
    while waiting:
        used |= waiting
        waiting = {
            other for statement in statements
            if getattr(statement, "name", "") in used or isinstance(statement, ast.Assign) and _names_in(statement, ast.Store) & used
            for other in _names_in(statement, ast.Load)
        } - used
    return used

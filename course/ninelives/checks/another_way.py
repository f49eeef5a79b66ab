"""Another way to write an exercise, shown to learners who have solved it: one of the course's right answers.

They are in course/answers/right/, which is part of a clone of the repository and not of the installed package.
"""

import ast
import difflib
import inspect
import os
import sys
import textwrap
from pathlib import Path
from typing import Any

from IPython.display import display

ANSWERS = Path(__file__).resolve().parents[2] / "answers" / "right"


def may_be_shown() -> bool:
    """Not during grading, and not if an instructor has set NINELIVES_ANOTHER_WAY=off."""
    return "NBGRADER_EXECUTION" not in os.environ and os.environ.get("NINELIVES_ANOTHER_WAY") != "off"


def show_another_way(exercise: Any, answer: Any) -> None:
    """Display a right answer to an exercise, folded, that is written in another way than the learner's, if there is one."""
    code = another_way(exercise, answer)
    if code is not None:
        display({
            "text/markdown": f"<details><summary>Another way to write {exercise.name}</summary>\n\n```python\n{code}\n```\n\n</details>",
            "text/plain": f"Another way to write {exercise.name}:\n\n{code}",
        }, raw=True)


def another_way(exercise: Any, answer: Any) -> str | None:
    """A right answer that stands alone and does not read like the learner's: one of shown.py, or else the shortest.

    None if there is none.
    """
    try:
        own = _source_of(answer)
        shown = right_answers(exercise, (ANSWERS / "shown.py").read_text(encoding="utf-8"))
        found = shown or [
            code for path in sorted(ANSWERS.glob("*.py")) for code in right_answers(exercise, path.read_text(encoding="utf-8"))
        ]
        others = [code for code in found if difflib.SequenceMatcher(None, _plain(own), _plain(code)).ratio() < 0.8]
    # There is no such folder, a file of it is damaged, or Python does not know the source of the learner's answer.
    except (OSError, TypeError, SyntaxError):
        return None
    return min(others, key=lambda code: code.count("\n"), default=None)


def right_answers(exercise: Any, source: str) -> list[str]:
    """The answers to an exercise in a file of answers that need no other part of this file, under the exercise's name."""
    tree = ast.parse(source)
    imported = [(node.module or "", each) for node in tree.body if isinstance(node, ast.ImportFrom) for each in node.names]
    names = {  # by which this file knows the exercise
        each.asname or each.name for module, each in imported if getattr(sys.modules.get(module), each.name, None) is exercise
    }
    others = _other_parts(tree, imported, exercise.name)
    return [_as_a_learner_writes_it(node, source, exercise.name) for node in tree.body
            if _answers(node, names) and not _uses(node, others, exercise.name)]


def _other_parts(tree: ast.Module, imported: list[tuple[str, ast.alias]], name: str) -> set[str]:
    """The names of what a learner has not: other parts of this file, of the checks or of the tests, and the package's own parts.

    What is imported from the checks under another name (`… as PrefixDecoder`) stands for a part of the notebook.
    """
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    assigned = {target.id for node in tree.body if isinstance(node, ast.Assign)
                for target in node.targets if isinstance(target, ast.Name)}
    modules = {each.asname or each.name for node in tree.body if isinstance(node, ast.Import)
               for each in node.names if "ninelives" in each.name}
    parts = {each.asname or each.name for module, each in imported
             if module.startswith(("ninelives.checks", "answers")) and not each.asname or module == "ninelives" or each.name == name}
    return defined | assigned | modules | parts | _not_in_every_notebook(tree)


def _not_in_every_notebook(tree: ast.Module) -> set[str]:
    """The names of imports that notebooks need not have, such as np and pad_sequence: all but those of math and torch."""
    whole = {each.asname or each.name for node in tree.body if isinstance(node, ast.Import)
             for each in node.names if each.name not in ("math", "torch")}
    taken = {each.asname or each.name for node in tree.body if isinstance(node, ast.ImportFrom)
             for each in node.names if (node.module, each.name) not in (("torch", "nn"), ("torch.nn", "functional"))
             and not (node.module or "").startswith(("ninelives", "answers"))}
    return whole | taken


def _answers(node: ast.stmt, names: set[str]) -> bool:
    """Whether a statement defines an answer to the exercise of these names. A class must have a method of its own."""
    if not isinstance(node, ast.FunctionDef | ast.ClassDef):
        return False
    if isinstance(node, ast.ClassDef) and not any(isinstance(part, ast.FunctionDef) for part in node.body):
        return False
    return any(getattr(mark.args[0], "id", "") in names for mark in node.decorator_list if getattr(mark, "args", []))


def _uses(node: ast.FunctionDef | ast.ClassDef, others: set[str], name: str) -> bool:
    """Whether an answer uses one of the other parts, or `….name`, or derives from one."""
    own = others - _arguments(node)
    used = any(getattr(part, "id", "") in own or getattr(part, "attr", "") == name
               for child in node.body for part in ast.walk(child))
    return used or any(getattr(base, "id", "") in others for base in getattr(node, "bases", []))


def _arguments(node: ast.FunctionDef | ast.ClassDef) -> set[str]:
    return {part.arg for part in ast.walk(node) if isinstance(part, ast.arg)}


def _as_a_learner_writes_it(node: ast.FunctionDef | ast.ClassDef, source: str, name: str) -> str:
    """The source of an answer, with the exercise's name, and the class that it derives from as in the notebook."""
    first, *rest = source.split("\n")[node.lineno - 1 : node.end_lineno]
    kept = [f"@{ast.unparse(mark)}" for mark in node.decorator_list if "accepted_by" not in ast.unparse(mark)]
    first = first.replace(node.name, name, 1).replace(f"(model.{name})", "(nn.Module)")
    if isinstance(node, ast.ClassDef) and not any(getattr(part, "name", "") == "__init__" for part in node.body) and "nn.Module" in first:
        rest = ["    # __init__ as it is given", "", *rest]
    return "\n".join([*kept, first, *rest])


def _source_of(answer: Any) -> str:
    """An answer as the learner wrote it; of a class its methods, since in a notebook Python does not know the source of classes."""
    parts = [part for part in vars(answer).values() if inspect.isfunction(part)] if isinstance(answer, type) else [answer]
    return "\n".join(textwrap.dedent(inspect.getsource(part)) for part in parts)


def _plain(source: str) -> str:
    """The code without comments, docstrings and spacing, for comparing."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            node.decorator_list = []
            if ast.get_docstring(node) is not None:
                node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)

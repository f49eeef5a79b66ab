"""Known wrong answers that no honest check lets through.

Whenever a check has passed, it is run twice more in the same kernel, before anything of the learner's runs again: on the
exercise as it was given out, unwritten, and on the instructor's own answer with all its results spoilt. A check that looks
at files that learners hand in is run once more without any. A check that refuses these in a clean kernel and lets one
through here was tampered with.

What the exercise stands on is the instructor's, too: on a mistake in the one before, such as a block that takes any mask, a
spoilt answer may well pass a check that it fails in a clean kernel.
"""

import ast
from functools import lru_cache

from ninelives.grading.assignment import Cell, Notebook

SPOIL = """
def _spoilt(answer):
    import functools, torch
    def wrong(value):
        if isinstance(value, torch.Tensor):
            return ~value if value.dtype == torch.bool else value * 2 + 1
        if isinstance(value, bool) or value is None:
            return not value
        if isinstance(value, (int, float)):
            return value * 2 + 1
        if isinstance(value, str):
            return value + "?"
        if isinstance(value, (tuple, list)):
            return type(value)(map(wrong, value))
        if isinstance(value, dict):
            return {key: wrong(item) for key, item in value.items()}
        return value
    def spoilt(function):
        return functools.wraps(function)(lambda *args, **kwargs: wrong(function(*args, **kwargs)))
    if isinstance(answer, type):
        own = {name: spoilt(item) for name, item in vars(answer).items()
               if callable(item) and (not name.startswith("_") or name == "__call__")}
        return type(answer.__name__, (answer,), own)
    return spoilt(answer) if callable(answer) else wrong(answer)
"""

NO_FILES = "no files"


def canaries(notebook: Notebook, check: Cell) -> dict[str, str]:
    """The sources that put known wrong answers in an exercise's place, by their kinds; none where there are magics in it."""
    answer = notebook.answer_of(check)
    if answer is None:
        return {}
    try:
        names, wanted = named(answer.solved)
    except SyntaxError:
        return {}
    below = ""
    for cell in reversed(notebook.cells[: notebook.cells.index(answer)]):
        if cell.is_answer and cell.kind == "code":
            try:
                made, uses = named(cell.solved)
            except SyntaxError:
                continue
            if wanted.intersection(made):
                below, wanted = f"{cell.solved}\n{below}", wanted | uses
    # Should the rest fail in what a learner has left of Python, who may have called something `type`, the check must find
    # neither their own answer nor the instructor's.
    away = "".join(f"{name} = None; del {name}\n" for name in names)
    right = f"_right = {{{', '.join(f'{name!r}: {name}' for name in names)}}}\n"
    spoilt = "".join(f"{name} = _spoilt(_right[{name!r}])\n" for name in names)
    return {"unwritten": away + below + answer.source, "spoilt": away + below + answer.solved + SPOIL + right + away + spoilt}


@lru_cache
def named(source: str) -> tuple[list[str], frozenset[str]]:
    """What a source gives names to at its top, and all the names that stand in it. Raises SyntaxError."""
    tree, made = ast.parse(source), []
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            made.append(statement.name)
        elif isinstance(statement, ast.Assign):
            made += [target.id for target in statement.targets if isinstance(target, ast.Name)]
    return made, frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))

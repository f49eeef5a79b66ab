"""Detect tampering: after a check passes, run it again on answers that must fail.

These run in a copy of the kernel, before any other code of the learner: the exercise as it was released, without an answer,
and the instructor's own answer with all its results changed. A check of files that learners hand in is run once more
without any files. A check that refuses these answers in an untouched kernel and accepts one of them here was tampered
with.

The earlier answers that an answer calls are the instructor's, too. If the learner's were used, a changed answer could
pass rightly: for example with a block of theirs that accepts any mask.
"""

import ast
from functools import lru_cache

from ninelives.grading.assignment import Cell, Notebook

# Arrays and tensors of all kinds have a dtype and can be multiplied; `~` turns those of booleans around.
SPOIL = """
def _spoilt(answer):
    import functools
    def wrong(value):
        if hasattr(value, "dtype"):
            return ~value if str(value.dtype).endswith("bool") else value * 2 + 1
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
    """Code that replaces the answer of a check by a known wrong one, by the kind of wrong answer.

    Empty if the check has no answer, or if the instructor's answer is not plain Python, as with a magic.
    """
    answer = notebook.answer_of(check)
    if answer is None:
        return {}
    try:
        names, needed = names_in(answer.solved)
    except SyntaxError:
        return {}
    earlier = ""
    for cell in reversed(notebook.cells[: notebook.cells.index(answer)]):
        if cell.is_answer and cell.kind == "code":
            try:
                defined, used = names_in(cell.solved)
            except SyntaxError:
                continue
            if needed.intersection(defined):
                earlier, needed = f"{cell.solved}\n{earlier}", needed | used
    # If the code below fails, for example because the learner has redefined `type`, the check must find neither the
    # learner's answer nor the instructor's: so the names are deleted first.
    delete = "".join(f"{name} = None; del {name}\n" for name in names)
    right = f"_right = {{{', '.join(f'{name!r}: {name}' for name in names)}}}\n"
    spoilt = "".join(f"{name} = _spoilt(_right[{name!r}])\n" for name in names)
    return {
        "unwritten": delete + earlier + answer.source,
        "spoilt": delete + earlier + answer.solved + SPOIL + right + delete + spoilt,
    }


@lru_cache
def names_in(source: str) -> tuple[list[str], frozenset[str]]:
    """The names that a source defines at its top level, and all names in it. Raises SyntaxError."""
    tree, defined = ast.parse(source), []
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            defined.append(statement.name)
        elif isinstance(statement, ast.Assign):
            defined += [target.id for target in statement.targets if isinstance(target, ast.Name)]
    return defined, frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))

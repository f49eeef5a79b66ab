"""Notes on answers that import the package's solution instead of writing it."""

import ast
from functools import lru_cache
from io import StringIO
from tokenize import NAME, TokenError, generate_tokens

from nbformat import NotebookNode

from ninelives.grading.assignment import Notebook

MAX_CHARACTERS = 100_000  # of an answer that are read
MAX_NAMED = 3
Packages = tuple[str, ...]


def taken_from_package(submitted: NotebookNode, notebook: Notebook, packages: Packages) -> list[tuple[str, str]]:
    """A note for each answer that uses one of these packages where the instructor's answer does not.

    Returns:
        pairs of a grade_id and a sentence.
    """
    if not packages:
        return []
    answers = {cell.name: cell for cell in notebook.cells if cell.is_answer and cell.kind == "code"}
    plain_cells = [cell.source for cell in notebook.cells if not cell.name and cell.kind == "code"]
    imported = imported_names("\n".join(plain_cells), packages)
    notes = []
    for cell in submitted.cells:
        own = answers.get(cell.metadata.get("nbgrader", {}).get("grade_id"))
        if own is None or cell.source == own.source:
            continue
        found = sorted(used_names(cell.source, imported, packages) - used_names(own.solved, imported, packages))
        if found:
            named = ", ".join(name[:80] for name in found[:MAX_NAMED])
            notes.append((own.name, f"The answer {own.name!r} uses {named} from the package: see whether that is the "
                                    "answer to the exercise."))
    return notes


@lru_cache
def imported_names(source: str, packages: Packages) -> dict[str, str]:
    """What a notebook's plain cells import from the packages' distributions: {name in the notebook: dotted name}."""
    found = {}
    for line in source.split("\n"):
        try:
            [statement] = ast.parse(line).body
        except (SyntaxError, ValueError):  # a magic, or part of a longer statement
            continue
        for alias in statement.names if isinstance(statement, (ast.Import, ast.ImportFrom)) else []:
            parent = f"{statement.module}." if isinstance(statement, ast.ImportFrom) else ""
            found[alias.asname or alias.name] = parent + alias.name
    return {name: dotted for name, dotted in found.items() if "." in dotted and _top(dotted) in _tops(packages)}


def used_names(source: str, imported: dict[str, str], packages: Packages) -> set[str]:
    """The dotted names of the packages that occur in a cell, outside comments and strings.

    Learners' code is split into tokens, not parsed: it need not be valid Python.
    """
    chains, chain = [], ""
    try:
        for token in generate_tokens(StringIO(source[:MAX_CHARACTERS]).readline):
            if token.string == "." and chain or token.type == NAME and chain.endswith("."):
                chain += token.string
            else:
                chains.append(chain)
                chain = token.string if token.type == NAME else ""
    except (TokenError, SyntaxError):
        pass  # the tokens before the error are known
    found = set()
    for name in [*chains, chain]:
        first, _, rest = name.partition(".")
        # Of imported names without a dot only classes count: an answer may well call something `train` or `sentences`.
        if first in imported and (rest or first[0].isupper()):
            found.add(f"{imported[first]}.{rest}".rstrip("."))
        elif first in _tops(packages):
            found.add(name.rstrip("."))
    return {name for name in found if _is_of(name, packages)}


def _is_of(name: str, packages: Packages) -> bool:
    """Whether a name belongs to one of the packages; importing a package's top level counts, too."""
    return name in _tops(packages) or any(name == package or name.startswith(f"{package}.") for package in packages)


def _tops(packages: Packages) -> set[str]:
    return {_top(package) for package in packages}


def _top(dotted: str) -> str:
    return dotted.partition(".")[0]

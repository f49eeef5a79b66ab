"""What an answer takes from the course's own package, where later notebooks find what earlier ones build."""

import ast
import re
from functools import lru_cache
from io import StringIO
from tokenize import NAME, TokenError, generate_tokens

from nbformat import NotebookNode

from ninelives.grading.assignment import Notebook

SOLVED = re.compile(r"ninelives(\.(model|training|recipes|text|checks)\b.*)?$")  # solutions, or references that are as good
MOST = 100_000  # characters of an answer that are looked at
SHOWN = 3


def borrowed(made: NotebookNode, notebook: Notebook) -> list[tuple[str, str]]:
    """A note for each answer that takes from the package what the instructor's does not: pairs of a grade_id and a sentence."""
    given = {cell.name: cell for cell in notebook.cells if cell.is_answer and cell.kind == "code"}
    known = imported("\n".join(cell.source for cell in notebook.cells if not cell.name and cell.kind == "code"))
    notes = []
    for cell in made.cells:
        own = given.get(cell.metadata.get("nbgrader", {}).get("grade_id"))
        if own is None or cell.source == own.source:
            continue
        found = sorted(mentioned(cell.source, known) - mentioned(own.solved, known))
        if found:
            named = ", ".join(name[:80] for name in found[:SHOWN])
            notes.append((own.name, f"Cell {own.name!r}. It takes {named} from the package: look whether that is the answer."))
    return notes


@lru_cache
def imported(source: str) -> dict[str, str]:
    """What the notebook's own cells have imported from the package: {name in the notebook: dotted name}."""
    found = {}
    for line in source.split("\n"):
        try:
            [statement] = ast.parse(line).body
        except (SyntaxError, ValueError):  # a magic, or a part of something longer
            continue
        for alias in statement.names if isinstance(statement, (ast.Import, ast.ImportFrom)) else []:
            before = f"{statement.module}." if isinstance(statement, ast.ImportFrom) else ""
            found[alias.asname or alias.name] = before + alias.name
    return {name: whole for name, whole in found.items() if whole.startswith("ninelives.")}


def mentioned(source: str, known: dict[str, str]) -> set[str]:
    """The dotted names of the package in a cell, outside of its comments and texts. Learners' code is split, not parsed."""
    chains, chain = [], ""
    try:
        for token in generate_tokens(StringIO(source[:MOST]).readline):
            if token.string == "." and chain or token.type == NAME and chain.endswith("."):
                chain += token.string
            else:
                chains.append(chain)
                chain = token.string if token.type == NAME else ""
    except (TokenError, SyntaxError):
        pass  # what stands before that is known
    found = set()
    for name in [*chains, chain]:
        first, _, rest = name.partition(".")
        # Of names alone only those of classes: an answer may well call something `train` or `sentences`.
        if first in known and (rest or first[0].isupper()):
            found.add(f"{known[first]}.{rest}".rstrip("."))
        elif first == "ninelives":
            found.add(name)
    return {name for name in found if SOLVED.match(name)}

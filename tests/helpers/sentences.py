"""The sentences in which the checks name likely causes, read from their source."""

import ast
import importlib
import pkgutil
import re
from functools import cache
from typing import NamedTuple

import ninelives.checks
from ninelives.checks.exercise import Exercise, Mistake

# These are not causes: the first arguments of these functions (how many), and arguments and variables of these names.
SEEN_AND_WANTED = {"CheckFailed": 2, "NotWritten": 2, "SideEffect": 2, "want_number": 3}
NOT_CAUSES = {"caption", "meaning", "names", "seen", "wanted", "what"}

# Their own tests prove what they say: trained_model checks a folder with weights, not an answer, exercise speaks of two
# aspects that refuse the same answer, and cells of a cell that stopped.
NO_ANSWERS = {"trained_model", "exercise", "cells"}


class Sentence(NamedTuple):
    """A cause in the source of a module of checks.

    Args:
        module: the module's name, without the package.
        line: where it is.
        parts: its text; of an f-string the texts between the values.
    """

    module: str
    line: int
    parts: tuple[str, ...]

    def is_said_by(self, cause: str) -> bool:
        """Whether a message's cause is this sentence, with any values filled in."""
        return re.fullmatch("(?s:.*)".join(map(re.escape, self.parts)), cause) is not None

    def holds(self, words: str) -> bool:
        return any(words in part for part in self.parts)


def module_names() -> list[str]:
    """The modules of ninelives.checks that check answers."""
    return [module.name for module in pkgutil.iter_modules(ninelives.checks.__path__) if module.name not in NO_ANSWERS]


def exercises_of(module: str) -> list[Exercise]:
    """The exercises that a module of checks defines or passes on."""
    return [item for item in vars(importlib.import_module(f"ninelives.checks.{module}")).values() if isinstance(item, Exercise)]


@cache
def every_mistake() -> list[tuple[Exercise, Mistake]]:
    """The registered mistakes of all exercises, each once."""
    exercises = {id(exercise): exercise for module in module_names() for exercise in exercises_of(module)}
    return [(exercise, mistake) for exercise in exercises.values() for mistake in exercise.mistakes]


@cache
def sentences_of(module: str) -> list[Sentence]:
    """Every sentence in a module that may be a cause."""
    with open(importlib.import_module(f"ninelives.checks.{module}").__file__, encoding="utf-8") as source:
        return sentences_in(source.read(), module)


def sentences_in(source: str, module: str) -> list[Sentence]:
    """Every string in a source that may be a cause: it has a space, and ends like a sentence."""
    return [
        Sentence(module, node.lineno, parts)
        for node in _strings(ast.parse(source))
        if (parts := _parts(node)) and " " in "".join(parts) and re.search(r"[.?!]$", parts[-1])
    ]


def _strings(node: ast.AST):
    """The string constants and f-strings below a node that may be causes."""
    if isinstance(node, ast.Constant | ast.JoinedStr):
        yield node
        return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):  # a docstring
        return
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in NOT_CAUSES:
        return
    if isinstance(node, ast.Call):
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if name == "print" or name.endswith("Error"):
            return
        below = node.args[SEEN_AND_WANTED.get(name, 0) :]
        below = [*below, *(named.value for named in node.keywords if named.arg not in NOT_CAUSES)]
    else:
        below = ast.iter_child_nodes(node)
    for child in below:
        yield from _strings(child)


def _parts(node: ast.Constant | ast.JoinedStr) -> tuple[str, ...]:
    if isinstance(node, ast.Constant):
        return (node.value,) if isinstance(node.value, str) else ()
    parts = [""]
    for piece in node.values:
        if isinstance(piece, ast.Constant):
            parts[-1] += piece.value
        else:
            parts.append("")
    return tuple(parts)


@cache
def quoted(words: str) -> Sentence | None:
    """The sentence that is quoted by these words: they are all of it, or no other sentence of the checks holds them."""
    found = {sentence.parts: sentence for module in module_names() for sentence in sentences_of(module) if sentence.holds(words)}
    return found.get((words,)) or (next(iter(found.values())) if len(found) == 1 else None)

"""Why answers were refused: the causes that checks name, and errors, grouped when they differ in numbers alone."""

import re
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

NUMBER = r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
# What differs between learners who made the same mistake: addresses, paths and numbers. A number behind `=` is code,
# as in dim=-1, and says which mistake it was.
VARIABLE = re.compile(
    rf"\b0x[0-9a-fA-F]+\b|(?<![\w/.])/[\w.-]+/[^\s'\",:()]*|(?<![\w.=-]){NUMBER}(?:\s*[,×]\s*{NUMBER})*(?!\w)")
QUOTED = re.compile(r"(?<!\w)'[^'\n]*'(?!\w)|\"[^\"\n]*\"")
CELL_FILE = re.compile(r"\(\d+\.py, (line \d+)\)")  # as IPython calls a cell in a SyntaxError
LEFT_OUT = "…"


@dataclass(frozen=True)
class Marks:
    """How the messages of a course's checks are read: the settings `c.Report` of nbgrader_config.py.

    Args:
        cause: introduces the cause in a message.
        follow_up: the beginning of a cause that only points to another check; None if there is no such cause.
    """

    cause: re.Pattern
    follow_up: re.Pattern | None = None


@dataclass(frozen=True)
class Group:
    """Texts that are the same but for their numbers.

    Args:
        text: what they have in common, with … for the numbers that differ.
        members: whose they are, each once.
    """

    text: str
    members: tuple[Hashable, ...]


def cause_of(error: str, message: str, marks: Marks) -> str | None:
    """The cause that a check's message names, or else the error and the message.

    Returns:
        None if the message only points to another check's.
    """
    found = marks.cause.search(message)
    if found is None:
        words = CELL_FILE.sub(r"(\1)", f"{error}: {message}")
        return " ".join(words.split()).removesuffix(":")
    cause = " ".join(message[found.end():].split())
    return None if marks.follow_up and marks.follow_up.match(cause) else cause


def grouped(texts: Iterable[tuple[str, Hashable]]) -> list[Group]:
    """Groups of texts that differ in numbers alone, the largest first.

    Texts that nobody shares are grouped once more if only quoted names make the difference, as in NameError.

    Args:
        texts: pairs of a text and whose it is.
    """
    groups: dict[str, tuple[set[str], dict]] = {}
    for text, member in texts:
        variants, members = groups.setdefault(VARIABLE.sub(LEFT_OUT, text), (set(), {}))
        variants.add(text)
        members[member] = None
    found = [Group(_in_common(sorted(variants), VARIABLE), tuple(members)) for variants, members in groups.values()]
    shared = [group for group in found if len(group.members) > 1]
    by_name: dict[str, list[Group]] = {}
    for group in found:
        if len(group.members) == 1:
            by_name.setdefault(QUOTED.sub(LEFT_OUT, group.text), []).append(group)
    for alike in by_name.values():
        text = _in_common([group.text for group in alike], QUOTED)
        shared.append(Group(text, tuple(dict.fromkeys(member for group in alike for member in group.members))))
    return sorted(shared, key=lambda group: (-len(group.members), group.text))


def _in_common(variants: Sequence[str], variable: re.Pattern) -> str:
    """The text of all variants, with those of the variable parts that they share."""
    parts = zip(*(variable.findall(text) for text in variants))
    shared = iter([each[0] if len(set(each)) == 1 else LEFT_OUT for each in parts])
    return variable.sub(lambda _: next(shared, LEFT_OUT), variants[0])

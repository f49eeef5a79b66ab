"""Looks through the folders of classes that tests have made for solutions and hidden lines that learners can see."""

import html
import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ninelives.build import marked_lines
from ninelives.grading.folders import everything_in

MIN_LENGTH = 20  # characters; a shorter line, such as `return x.shape`, has one natural form
MAX_BYTES = 8 << 20
SOURCES = ("source", "solutions")


def leaks(folders: Iterable[Path]) -> list[str]:
    """A sentence for each file in which a learner sees a line of a solution or a hidden line, in classes below these folders.

    What learners see: released notebooks, their graded notebooks and what lies beside them, and feedback. A graded notebook
    holds the hidden lines of its checks, which the feedback leaves out; nothing else there may.
    """
    return [f"{path} shows {line!r}" for folder in folders for course in _courses(folder)
            for path, line in _leaks_in(course)]


def _courses(folder: Path) -> Iterator[Path]:
    for at, folders, _ in os.walk(folder):
        if any(source in folders for source in SOURCES):
            yield Path(at)
        folders[:] = [name for name in folders if name not in (*SOURCES, "submitted", "autograded", "feedback", "release")]
        if len(Path(at).relative_to(folder).parts) > 3:
            folders.clear()


def _leaks_in(course: Path) -> Iterator[tuple[Path, str]]:
    hidden, solved = _secrets(course)
    if not hidden | solved:
        return
    for path in _files(course / "release"):
        yield from ((path, line) for line in _found(hidden | solved, _text(path)))
    if not (course / "submitted").is_dir():  # it was removed, and nobody can tell what learners wrote themselves
        return
    for student in sorted(path for step in ("autograded", "feedback") for path in (course / step).glob("*/")):
        own = "\n".join(map(_text, _files(course / "submitted" / student.name)))
        unknown_hidden, unknown_solved = ({line for line in lines if line not in own} for lines in (hidden, solved))
        for path in _files(student) if unknown_hidden | unknown_solved else []:
            yield from ((path, line) for line in _found(unknown_solved, _text(path)))
            yield from ((path, line) for line in _found(unknown_hidden, _text(path, checks=student.parent.name == "feedback")))


def _secrets(course: Path) -> tuple[set[str], set[str]]:
    """The hidden lines of all assignments and those of the solutions, without what stands elsewhere in a source, too."""
    hidden, solved, shown = set(), set(), set()
    for source, _, roles in (cell for name in SOURCES for path in (course / name).rglob("*.ipynb") for cell in _cells(path)):
        lines = {line.strip() for line in source.split("\n")}
        in_hidden, in_solved = (_marked(source, mark) for mark in ("HIDDEN TESTS", "SOLUTION"))
        if roles.get("solution") and not in_solved:
            in_solved = lines  # nbgrader clears the whole cell
        hidden |= in_hidden
        solved |= in_solved
        shown |= lines - in_hidden - in_solved
    elsewhere = "\n".join(shown)
    return tuple({line for line in lines if len(line) >= MIN_LENGTH and line not in elsewhere} for lines in (hidden, solved))


def _marked(source: str, mark: str) -> set[str]:
    try:
        return {line.strip() for line in marked_lines(source, mark)}
    except ValueError:  # nbgrader refuses the notebook, too
        return set()


def _files(folder: Path) -> list[Path]:
    """Its files, without those that are too large for a text: some learners of the tests hand in gigabytes."""
    return [path for path in everything_in(folder)[0]
            if path.is_file() and not path.is_symlink() and path.stat().st_size < MAX_BYTES]


def _found(secrets: set[str], text: str) -> list[str]:
    return sorted(line for line in secrets if line in text)


def _text(path: Path, checks: bool = True) -> str:
    """What one reads in a file; of a notebook the cells with their outputs, and those of checks only if wanted."""
    if path.suffix == ".ipynb" and (cells := list(_cells(path))):
        return "\n".join(f"{source}\n{outputs}" for source, outputs, roles in cells
                         if checks or not roles.get("grade") or roles.get("solution"))
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return html.unescape(re.sub(r"<[^>]*>", "", text)) if path.suffix == ".html" else text


def _cells(path: Path) -> Iterator[tuple[str, str, dict]]:
    """The source of each cell, its outputs and its roles; nothing from a file that is no notebook."""
    try:
        for cell in json.loads(path.read_bytes())["cells"]:
            outputs = json.dumps(cell.get("outputs") or "", ensure_ascii=False).replace("\\n", "\n").replace('\\"', '"')
            yield "".join(cell["source"]), outputs, cell["metadata"].get("nbgrader", {})
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return

"""The cells of a notebook file that may hold anything."""

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from nbformat import reader as nbformat_reader
from nbformat.converter import convert

MOST = 50 << 20  # bytes of a notebook that is still read
MOST_BRACKETS = 1_000_000  # in it: each opens a list or a dictionary, which takes far more memory than its two bytes
MOST_CELLS = 2_000
DEEPEST = 50  # lists and dictionaries in one another
KINDS = ("code", "markdown", "raw")
NOTEBOOK = re.compile(r"\.ipynb(\.txt|\.json)?$", re.I)  # what browsers and file managers make of the suffix


class Unreadable(ValueError):
    """It is no notebook; the message says what it is instead."""


class Sent(NamedTuple):
    """A cell of a submission, whatever it held made plain."""

    kind: str
    source: str
    name: Any  # what it says its grade_id is
    id: Any
    metadata: dict
    attachments: dict


def read_sent(data: bytes) -> list[Sent]:
    """The cells of a notebook file. Windows line ends, a byte-order mark and older formats are no harm.

    Raises:
        Unreadable: it is no notebook.
    """
    if not data.strip():
        raise Unreadable("the notebook file is empty")
    if data.count(b"{") + data.count(b"[") > MOST_BRACKETS:
        raise Unreadable(f"the file holds more than {MOST_BRACKETS:,} lists and dictionaries, so it is no notebook of this course")
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable("the file is no text, so no notebook") from None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise Unreadable("the file is no JSON, so no notebook: perhaps it was cut off, or saved by another program") from None
    if isinstance(found, dict) and "worksheets" in found:
        try:
            found = convert(nbformat_reader.reads(text), 4)
        except Exception as problem:  # the old formats were never checked: anything can be wrong in one
            raise Unreadable(f"it is a notebook of an old format that cannot be read ({type(problem).__name__})") from None
    cells = found.get("cells") if isinstance(found, dict) else None
    if not isinstance(cells, list):
        raise Unreadable("the file is JSON and no notebook: it has no list of cells")
    if len(cells) > MOST_CELLS:
        raise Unreadable(f"the notebook has {len(cells):,} cells; at most {MOST_CELLS:,} are read")
    try:
        return [_sent(plain(cell)) for cell in cells if isinstance(cell, dict)]
    except TooDeep:
        raise Unreadable(f"a cell has more than {DEEPEST} lists and dictionaries in one another") from None


class TooDeep(ValueError):
    """It has more than `DEEPEST` lists and dictionaries in one another."""


def plain(value: Any, depth: int = DEEPEST) -> Any:
    """What came as JSON, with a question mark for each half of a character, which no file can hold. Raises TooDeep."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
    if not isinstance(value, (list, dict)):
        return value
    if not depth:
        raise TooDeep
    if isinstance(value, list):
        return [plain(one, depth - 1) for one in value]
    return {plain(key): plain(one, depth - 1) for key, one in value.items()}


def _sent(cell: dict) -> Sent:
    source = cell.get("source", "")
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    source = source if isinstance(source, str) else ""
    kind = cell.get("cell_type") if cell.get("cell_type") in KINDS else "raw"
    metadata = _dictionary(cell.get("metadata"))
    name = _dictionary(metadata.pop("nbgrader", None)).get("grade_id")
    return Sent(kind, source.replace("\r\n", "\n").replace("\r", "\n"), name if isinstance(name, str) else None,
                cell.get("id") if isinstance(cell.get("id"), str) else None, metadata, _dictionary(cell.get("attachments")))


def _dictionary(value: Any) -> dict:
    return dict(value) if isinstance(value, dict) else {}


def is_notebook(path: Path) -> bool:
    """Whether a file's or folder's name is that of a notebook."""
    return NOTEBOOK.search(path.name) is not None


def read_file(path: Path) -> list[Sent]:
    """The cells in a file. Raises Unreadable, OSError."""
    size = path.stat().st_size
    if size > MOST:
        raise Unreadable(f"the notebook has {size >> 20} MB; at most {MOST >> 20} are read")
    sent = read_sent(path.read_bytes())
    if not sent:
        raise Unreadable("the notebook has no cells")
    return sent

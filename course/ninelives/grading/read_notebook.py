"""The cells of a notebook file that may contain anything."""

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from nbformat import reader as nbformat_reader
from nbformat.converter import convert

MAX_BYTES = 50 << 20  # of a notebook file
MAX_BRACKETS = 1_000_000  # in it: each opens a list or a dictionary, which takes far more memory than two bytes
MAX_CELLS = 2_000
MAX_DEPTH = 50  # lists and dictionaries inside one another
KINDS = ("code", "markdown", "raw")
NOTEBOOK = re.compile(r"\.ipynb(\.txt|\.json)?$", re.I)  # browsers and file managers change the suffix to these


class Unreadable(ValueError):
    """The file is not a notebook; the message says what it is instead."""


class SentCell(NamedTuple):
    """A cell of a submission. Values of the wrong type were replaced."""

    kind: str
    source: str
    name: str | None  # the grade_id that it claims
    id: str | None
    metadata: dict
    attachments: dict
    outputs: list


def read_cells(data: bytes) -> list[SentCell]:
    """The cells of a notebook file. Windows line ends, a byte-order mark and older formats are accepted.

    Raises:
        Unreadable: it is not a notebook.
    """
    if not data.strip():
        raise Unreadable("the notebook file is empty")
    if data.count(b"{") + data.count(b"[") > MAX_BRACKETS:
        raise Unreadable(f"the file has more than {MAX_BRACKETS:,} lists and dictionaries, so it is not a notebook of "
                         "this course")
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable("the file is not text, so it is not a notebook") from None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise Unreadable("the file is not JSON, so it is not a notebook: perhaps it was cut off, or saved by another "
                         "program") from None
    if isinstance(found, dict) and "worksheets" in found:
        try:
            found = convert(nbformat_reader.reads(text), 4)
        except Exception as problem:  # nbformat does not validate the old formats: anything can be wrong
            name = type(problem).__name__
            raise Unreadable(f"it is a notebook in an old format that cannot be read ({name})") from None
    cells = found.get("cells") if isinstance(found, dict) else None
    if not isinstance(cells, list):
        raise Unreadable("the file is JSON but not a notebook: it has no list of cells")
    if len(cells) > MAX_CELLS:
        raise Unreadable(f"the notebook has {len(cells):,} cells; at most {MAX_CELLS:,} are read")
    try:
        return [_sent_cell(without_surrogates(cell)) for cell in cells if isinstance(cell, dict)]
    except TooDeep:
        raise Unreadable(f"a cell has more than {MAX_DEPTH} lists and dictionaries inside one another") from None


def read_file(path: Path) -> list[SentCell]:
    """The cells in a file. Raises Unreadable, OSError."""
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise Unreadable(f"the notebook has {size >> 20} MB; at most {MAX_BYTES >> 20} are read")
    cells = read_cells(path.read_bytes())
    if not cells:
        raise Unreadable("the notebook has no cells")
    return cells


class TooDeep(ValueError):
    """A value has more than MAX_DEPTH lists and dictionaries inside one another."""


def without_surrogates(value: Any, depth: int = MAX_DEPTH) -> Any:
    """A JSON value with question marks for lone surrogates (halves of characters), which no file can store.

    Raises TooDeep.
    """
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
    if not isinstance(value, (list, dict)):
        return value
    if not depth:
        raise TooDeep
    if isinstance(value, list):
        return [without_surrogates(one, depth - 1) for one in value]
    return {without_surrogates(key): without_surrogates(one, depth - 1) for key, one in value.items()}


def _sent_cell(cell: dict) -> SentCell:
    source = cell.get("source", "")
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    source = source if isinstance(source, str) else ""
    kind = cell.get("cell_type") if cell.get("cell_type") in KINDS else "raw"
    metadata = _dictionary(cell.get("metadata"))
    name = _dictionary(metadata.pop("nbgrader", None)).get("grade_id")
    return SentCell(
        kind, source.replace("\r\n", "\n").replace("\r", "\n"), name if isinstance(name, str) else None,
        cell.get("id") if isinstance(cell.get("id"), str) else None, metadata, _dictionary(cell.get("attachments")),
        cell["outputs"] if isinstance(cell.get("outputs"), list) else [])


def _dictionary(value: Any) -> dict:
    return dict(value) if isinstance(value, dict) else {}


def is_notebook(path: Path) -> bool:
    """Whether a file or folder is named like a notebook."""
    return NOTEBOOK.search(path.name) is not None

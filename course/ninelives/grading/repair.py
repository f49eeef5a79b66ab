"""What a learner sent, as a notebook that can be graded: their answers among the cells that were given out."""

import json
import re
from bisect import bisect_right
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

from nbformat import NotebookNode, from_dict
from nbformat import reader as nbformat_reader
from nbformat.converter import convert

from ninelives.grading.assignment import Cell, Notebook
from ninelives.grading.folders import everything_in

MOST = 50 << 20  # bytes of a notebook that is still read
MOST_BRACKETS = 1_000_000  # in it: each opens a list or a dictionary, which takes far more memory than its two bytes
MOST_CELLS = 2_000
MOST_NOTEBOOKS = 50  # in a submission, that are looked into
DEEPEST = 50  # lists and dictionaries in one another
KINDS = ("code", "markdown", "raw")
GONE = "# This cell was missing from the submission; it was put back empty."
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


def find_notebook(folder: Path, notebook: Notebook, others: set[str]) -> tuple[list[Sent], list[str]]:
    """The cells of what was sent as a notebook, and what to say of where they were found.

    The rightly named file counts, unless no answer is written in it and in another file there is: browsers call a
    second download "NAME (1).ipynb", and the first lies beside it.

    Args:
        others: the names of the assignment's other notebooks.

    Raises:
        Unreadable: there is none, or none that can be read.
        OSError: a file cannot be read here.
    """
    right = folder / f"{notebook.name}.ipynb"
    problem = Unreadable("there is no notebook in the submission")
    names = {cell.name for cell in notebook.cells if cell.name}
    paths = [path for path in everything_in(folder)[0] if _may_be(path, folder, others)]
    paths.sort(key=lambda path: (path != right, len(path.parts)))
    found: list[tuple[Path, list[Sent], int]] = []  # with how many cells of the assignment it has
    for path in paths[:MOST_NOTEBOOKS]:
        try:
            sent = _read_file(path)
        except Unreadable as what:
            if path == right or len(paths) == 1:
                problem = what
            continue
        found.append((path, sent, len(names & {cell.name for cell in sent})))
    written = [path for path, sent, alike in found if (alike or path == right) and _is_written(sent, notebook)]
    here = [entry for entry in found if entry[0] == right]
    if here and (right in written or not written):
        further = [path for path in written if path != right]
        said = [f"Another notebook has answers, too: {further[0].relative_to(folder)}. {notebook.name}.ipynb was read."] if further else []
        return here[0][1], said
    # Of other names, one with answers; where none is rightly named, at least one of the assignment's, or the only one.
    left = [entry for entry in found if entry[0] in written]
    if not left and right not in paths:
        left = [entry for entry in found if entry[2] or len(paths) == 1]
    if not left:
        raise problem
    path, sent, _ = max(left, key=lambda entry: entry[2])
    place, reason = path.relative_to(folder), ""
    if right in paths:
        reason = f", since no answer is written in {right.name}" if here else f", since {right.name} is not readable: {problem}"
    return sent, [f"The notebook was named {place}; it was read as {right.name}{reason}."]


def _may_be(path: Path, folder: Path, others: set[str]) -> bool:
    """Whether a file of a submission may be the notebook that is looked for."""
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return is_notebook(path) and NOTEBOOK.sub("", path.name) not in others and not hidden and not path.is_symlink() and path.is_file()


def _read_file(path: Path) -> list[Sent]:
    """The cells in a file. Raises Unreadable, OSError."""
    size = path.stat().st_size
    if size > MOST:
        raise Unreadable(f"the notebook has {size >> 20} MB; at most {MOST >> 20} are read")
    sent = read_sent(path.read_bytes())
    if not sent:
        raise Unreadable("the notebook has no cells")
    return sent


def _is_written(sent: list[Sent], notebook: Notebook) -> bool:
    """Whether there is an answer. Where no cell has its name any more, whatever was not given out may be one."""
    keys = _recognised(sent, notebook)
    names = {cell.name for cell in notebook.cells if cell.name}
    nameless = not any(cell.name in names for cell in sent)
    return any(cell.source.strip() and (nameless if key is None else notebook.cells[key].is_answer and not _same(cell.source, notebook.cells[key].shown))
               for cell, key in zip(sent, keys))


def repaired(sent: list[Sent], notebook: Notebook) -> tuple[NotebookNode, list[tuple[str | None, str]]]:
    """A notebook with every cell that was given out, once, in its place, and the learner's answers and own cells.

    Returns:
        the notebook, and what was put right: pairs of a grade_id or None, and a sentence.
    """
    notes: list[tuple[str | None, str]] = []
    keys = _recognised(sent, notebook)
    kept = _one_of_each(sent, keys, notebook, notes)
    order = [index for index, key in enumerate(kept) if key is not None]
    if [kept[index] for index in order] != sorted(kept[index] for index in order):
        notes.append((None, "Cells stood in another order; they were put back into the order in which they were given out."))
    # A learner's own cell goes where the cell before it goes.
    placed, last = [], -1
    for index, (cell, key) in enumerate(zip(sent, kept)):
        given = None if keys[index] is None else notebook.cells[keys[index]]
        if given and key is None and (given.is_check or _same(cell.source, given.shown)):
            continue  # a copy that says nothing new
        last = last if key is None else key
        placed.append((last if keys[index] is None else keys[index], cell, key))
    placed.sort(key=lambda item: item[0])
    cells = [_rebuilt(cell, None if key is None else notebook.cells[key], notes) for _, cell, key in placed]
    positions = [position for position, _, _ in placed]
    present = {key for key in kept if key is not None}
    # Only where cells keep their ids can one that was deleted be told from one that was rewritten.
    ids_kept = {cell.id for cell in sent} & {cell.id for cell in notebook.cells if not cell.name}
    named = {index for index, cell in enumerate(notebook.cells) if cell.name}
    another = bool(named) and not named & present
    if another:
        notes.append((None, "All exercises were missing; they were put back empty. Perhaps another notebook was sent."))
    for index, given in enumerate(notebook.cells):
        if index in present or not (given.name or given.kind == "code" and ids_kept):
            continue
        called = f"The cell {given.name!r}" if given.name else "A cell of code that was given out"
        if not another:
            notes.append((given.name, f"{called} was missing; it was put back{' empty' if given.is_answer else ''}."))
        source = GONE if given.is_answer and given.kind == "code" else "" if given.is_answer else given.source
        at = bisect_right(positions, index)
        cells.insert(at, _made(given.kind, source, given.id, {"nbgrader": dict(given.metadata)} if given.name else {}))
        positions.insert(at, index)
    used: set[str] = set()
    for number, cell in enumerate(cells):
        if cell.id in used or not cell.id:
            cell.id = f"sent-{number}"
        used.add(cell.id)
    return NotebookNode(nbformat=4, nbformat_minor=5, cells=cells, metadata=from_dict(notebook.metadata)), notes


def _recognised(sent: list[Sent], notebook: Notebook) -> list[int | None]:
    """For each cell of a submission, which cell that was given out it is; None for the learner's own."""
    by_name = {cell.name: index for index, cell in enumerate(notebook.cells) if cell.name}
    by_id = {cell.id: index for index, cell in enumerate(notebook.cells) if cell.id}
    by_text = defaultdict(list)
    for index, cell in enumerate(notebook.cells):
        if cell.shown.strip():
            by_text[cell.shown.strip()].append(index)
    keys: list[int | None] = [by_name.get(cell.name) for cell in sent]
    taken = {None, *keys}
    # An id may have been given to a copy as well: it is one cell's, the first's.
    for source in (lambda cell: by_id.get(cell.id),
                   lambda cell: next((i for i in by_text[cell.source.strip()] if i not in taken), None)):
        for index, cell in enumerate(sent):
            if keys[index] is None and (key := source(cell)) not in taken:
                keys[index] = key
                taken.add(key)
    return keys


def _one_of_each(sent: list[Sent], keys: list[int | None], notebook: Notebook, notes: list) -> list[int | None]:
    """The same without repetitions: of an answer the last that is written counts, of anything else the first."""
    kept = list(keys)
    for key in {key for key in keys if key is not None}:
        places = [index for index, known in enumerate(keys) if known == key]
        if len(places) == 1:
            continue
        given = notebook.cells[key]
        chosen = places[0]
        if given.is_answer:
            chosen = next((index for index in reversed(places) if not _same(sent[index].source, given.shown)), places[0])
        for index in places:
            if index != chosen:
                kept[index] = None
        if given.name:
            notes.append((given.name, f"The cell {given.name!r} was there {len(places)} times; "
                                      + ("the last answer counts." if given.is_answer else "it was run once.")))
    return kept


def _same(one: str, other: str) -> bool:
    return [line.rstrip() for line in one.strip().split("\n")] == [line.rstrip() for line in other.strip().split("\n")]


def _rebuilt(cell: Sent, given: Cell | None, notes: list) -> NotebookNode:
    if given is None or not given.name:
        return _made(cell.kind, cell.source, cell.id, _tags(cell.metadata), cell.attachments)
    if cell.kind != given.kind:
        notes.append((given.name, f"The cell {given.name!r} had become a {cell.kind} cell; it is a {given.kind} cell again."))
    locked = given.metadata["locked"] and not given.is_answer
    if locked and not _same(cell.source, given.shown) and not _same(cell.source, given.source):
        notes.append((given.name, f"The cell {given.name!r} was changed; it was run as it was given out."))
    return _made(given.kind, given.source if locked else cell.source, cell.id, {"nbgrader": dict(given.metadata)},
                 cell.attachments)


def _tags(metadata: dict) -> dict:
    """What a cell's metadata may bring along."""
    tags = metadata.get("tags")
    return {"tags": [tag for tag in tags if isinstance(tag, str)]} if isinstance(tags, list) else {}


def _made(kind: str, source: str, id: str | None, metadata: dict, attachments: dict | None = None) -> NotebookNode:
    # Not by nbformat's own functions, which look at each cell's schema: the whole is looked at once, when it is written.
    cell = NotebookNode(cell_type=kind, source=source, metadata=from_dict(metadata))
    if kind == "code":
        cell.outputs, cell.execution_count = [], None
    cell.id = id if id and len(id) <= 64 and all(c.isalnum() or c in "-_" for c in id) and id.isascii() else ""
    if attachments and kind == "markdown":
        cell.attachments = {name: bundle for name, bundle in attachments.items()
                            if isinstance(bundle, dict) and all(isinstance(value, str) for value in bundle.values())}
    return cell

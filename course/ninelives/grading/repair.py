"""Repair a submitted notebook so that it can be graded: the learner's answers among the cells that were released."""

from bisect import bisect_right
from collections import defaultdict

from nbformat import NotebookNode, from_dict

from ninelives.grading.assignment import Cell, Notebook
from ninelives.grading.outputs import outputs_as_sent
from ninelives.grading.read_notebook import SentCell

Notes = list[tuple[str | None, str]]  # pairs of a grade_id or None, and a sentence

MISSING = "# This cell was missing from the submission; it was put back empty."


def repaired(sent: list[SentCell], notebook: Notebook, outputs: bool = False) -> tuple[NotebookNode, Notes]:
    """A notebook with every released cell once, in the original order, and with the learner's answers and own cells.

    Args:
        outputs: whether cells keep the outputs that they were handed in with.

    Returns:
        the notebook, and what was repaired.
    """
    notes: Notes = []
    keys = recognised(sent, notebook)
    kept = _without_copies(sent, keys, notebook, notes)
    order = [key for key in kept if key is not None]
    if order != sorted(order):
        notes.append((None, "The cells were in a different order; they were put back into the original order."))
    # A learner's own cell goes after the cell that it came after.
    placed, last = [], -1
    for index, (cell, key) in enumerate(zip(sent, kept)):
        released = None if keys[index] is None else notebook.cells[keys[index]]
        if released and key is None and (released.is_check or as_given_out(cell.source, released)):
            continue  # a copy without anything new
        last = last if key is None else key
        placed.append((last if keys[index] is None else keys[index], cell, key))
    placed.sort(key=lambda item: item[0])
    cells = [_rebuilt(cell, None if key is None else notebook.cells[key], notes) for _, cell, key in placed]
    for made, (_, cell, _) in zip(cells, placed):
        if outputs and made.cell_type == "code":
            made.outputs = outputs_as_sent(cell.outputs)
    positions = [position for position, _, _ in placed]
    present = {key for key in kept if key is not None}
    _put_back_missing(cells, positions, present, sent, notebook, notes)
    used: set[str] = set()
    for number, cell in enumerate(cells):
        if cell.id in used or not cell.id:
            cell.id = f"sent-{number}"
        used.add(cell.id)
    return NotebookNode(nbformat=4, nbformat_minor=5, cells=cells, metadata=from_dict(notebook.metadata)), notes


def _put_back_missing(
    cells: list[NotebookNode], positions: list[int], present: set[int], sent: list[SentCell], notebook: Notebook,
    notes: Notes,
) -> None:
    """Insert the released cells that are not present. `positions` are the cells' positions in the released notebook."""
    # A deleted cell without a name can only be told from a rewritten one if cells keep their ids.
    ids_kept = ({cell.id for cell in sent} & {cell.id for cell in notebook.cells if not cell.name}) - {None}
    named = {index for index, cell in enumerate(notebook.cells) if cell.name}
    another = bool(named) and not named & present
    if another:
        notes.append((None, "All exercises were missing; they were put back empty. Perhaps another notebook was "
                            "submitted."))
    for index, released in enumerate(notebook.cells):
        if index in present or not (released.name or released.kind == "code" and ids_kept):
            continue
        called = f"The cell {released.name!r}" if released.name else "A code cell of the released notebook"
        if not another and None not in released.earlier:
            how = " empty" if released.is_answer else ""
            notes.append((released.name, f"{called} was missing; it was put back{how}."))
        source = released.source
        if released.is_answer:
            source = MISSING if released.kind == "code" else ""
        at = bisect_right(positions, index)
        metadata = {"nbgrader": dict(released.metadata)} if released.name else {}
        cells.insert(at, _cell(released.kind, source, released.id, metadata))
        positions.insert(at, index)


def recognised(sent: list[SentCell], notebook: Notebook) -> list[int | None]:
    """For each submitted cell the index of the released cell that it is; None for the learner's own cells."""
    by_name = {cell.name: index for index, cell in enumerate(notebook.cells) if cell.name}
    by_id = {cell.id: index for index, cell in enumerate(notebook.cells) if cell.id}
    by_text = defaultdict(list)
    for index, cell in enumerate(notebook.cells):
        if cell.shown.strip():
            by_text[cell.shown.strip()].append(index)
    keys: list[int | None] = [by_name.get(cell.name) for cell in sent]
    taken = {None, *keys}
    # A copied cell may have the id of the original: the id belongs to the first.
    for find in (lambda cell: by_id.get(cell.id),
                 lambda cell: next((i for i in by_text[cell.source.strip()] if i not in taken), None)):
        for index, cell in enumerate(sent):
            if keys[index] is None and (key := find(cell)) not in taken:
                keys[index] = key
                taken.add(key)
    return keys


def _without_copies(
    sent: list[SentCell], keys: list[int | None], notebook: Notebook, notes: Notes
) -> list[int | None]:
    """The keys with None for copies: of an answer the last written one counts, of any other cell the first."""
    kept = list(keys)
    for key in {key for key in keys if key is not None}:
        copies = [index for index, known in enumerate(keys) if known == key]
        if len(copies) == 1:
            continue
        released = notebook.cells[key]
        chosen = copies[0]
        if released.is_answer:
            written = (index for index in reversed(copies) if not as_given_out(sent[index].source, released))
            chosen = next(written, copies[0])
        for index in copies:
            if index != chosen:
                kept[index] = None
        if released.name:
            what = "the last answer counts" if released.is_answer else "it was run once"
            notes.append((released.name, f"The cell {released.name!r} was there {len(copies)} times; {what}."))
    return kept


def same_text(one: str, other: str) -> bool:
    """Whether two sources differ only in blanks at the end of lines and in blank lines around them."""
    return [line.rstrip() for line in one.strip().split("\n")] == [line.rstrip() for line in other.strip().split("\n")]


def as_given_out(source: str, released: Cell) -> bool:
    """Whether a submitted cell is as it was given out, now or before the assignment was changed."""
    return any(same_text(source, text) for text in (released.shown, *released.earlier) if text is not None)


def _rebuilt(cell: SentCell, released: Cell | None, notes: Notes) -> NotebookNode:
    if released is None or not released.name:
        return _cell(cell.kind, cell.source, cell.id, _tags(cell.metadata), cell.attachments)
    called = f"The cell {released.name!r}"
    if cell.kind != released.kind:
        notes.append((released.name, f"{called} had become a {cell.kind} cell; it is a {released.kind} cell again."))
    locked = released.metadata["locked"] and not released.is_answer
    if locked and not as_given_out(cell.source, released) and not same_text(cell.source, released.source):
        notes.append((released.name, f"{called} was changed; the original was run."))
    source = released.source if locked else cell.source
    return _cell(released.kind, source, cell.id, {"nbgrader": dict(released.metadata)}, cell.attachments)


def _tags(metadata: dict) -> dict:
    """What is kept of a cell's metadata."""
    tags = metadata.get("tags")
    return {"tags": [tag for tag in tags if isinstance(tag, str)]} if isinstance(tags, list) else {}


def _cell(kind: str, source: str, id: str | None, metadata: dict, attachments: dict | None = None) -> NotebookNode:
    # nbformat's own functions validate each cell; the whole notebook is validated once, when it is written.
    cell = NotebookNode(cell_type=kind, source=source, metadata=from_dict(metadata))
    if kind == "code":
        cell.outputs, cell.execution_count = [], None
    cell.id = id if id and len(id) <= 64 and all(c.isalnum() or c in "-_" for c in id) and id.isascii() else ""
    if attachments and kind == "markdown":
        cell.attachments = {
            name: bundle for name, bundle in attachments.items()
            if isinstance(bundle, dict) and all(isinstance(value, str) for value in bundle.values())
        }
    return cell

"""What a learner sent, as a notebook that can be graded: their answers among the cells that were given out."""

from bisect import bisect_right
from collections import defaultdict

from nbformat import NotebookNode, from_dict

from ninelives.grading.assignment import Cell, Notebook
from ninelives.grading.read_notebook import Sent

GONE = "# This cell was missing from the submission; it was put back empty."


def repaired(sent: list[Sent], notebook: Notebook) -> tuple[NotebookNode, list[tuple[str | None, str]]]:
    """A notebook with every cell that was given out, once, in its place, and the learner's answers and own cells.

    Returns:
        the notebook, and what was put right: pairs of a grade_id or None, and a sentence.
    """
    notes: list[tuple[str | None, str]] = []
    keys = recognised(sent, notebook)
    kept = _one_of_each(sent, keys, notebook, notes)
    order = [index for index, key in enumerate(kept) if key is not None]
    if [kept[index] for index in order] != sorted(kept[index] for index in order):
        notes.append((None, "Cells stood in another order; they were put back into the order in which they were given out."))
    # A learner's own cell goes where the cell before it goes.
    placed, last = [], -1
    for index, (cell, key) in enumerate(zip(sent, kept)):
        given = None if keys[index] is None else notebook.cells[keys[index]]
        if given and key is None and (given.is_check or same(cell.source, given.shown)):
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


def recognised(sent: list[Sent], notebook: Notebook) -> list[int | None]:
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
            chosen = next((index for index in reversed(places) if not same(sent[index].source, given.shown)), places[0])
        for index in places:
            if index != chosen:
                kept[index] = None
        if given.name:
            notes.append((given.name, f"The cell {given.name!r} was there {len(places)} times; "
                                      + ("the last answer counts." if given.is_answer else "it was run once.")))
    return kept


def same(one: str, other: str) -> bool:
    return [line.rstrip() for line in one.strip().split("\n")] == [line.rstrip() for line in other.strip().split("\n")]


def _rebuilt(cell: Sent, given: Cell | None, notes: list) -> NotebookNode:
    if given is None or not given.name:
        return _made(cell.kind, cell.source, cell.id, _tags(cell.metadata), cell.attachments)
    if cell.kind != given.kind:
        notes.append((given.name, f"The cell {given.name!r} had become a {cell.kind} cell; it is a {given.kind} cell again."))
    locked = given.metadata["locked"] and not given.is_answer
    if locked and not same(cell.source, given.shown) and not same(cell.source, given.source):
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

"""Which file of a submission is the notebook."""

from pathlib import Path

from ninelives.grading.assignment import Notebook
from ninelives.grading.folders import everything_in
from ninelives.grading.read_notebook import NOTEBOOK, Sent, Unreadable, is_notebook, read_file
from ninelives.grading.repair import recognised, same

MOST_NOTEBOOKS = 50  # in a submission, that are looked into


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
            sent = read_file(path)
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


def _is_written(sent: list[Sent], notebook: Notebook) -> bool:
    """Whether there is an answer. Where no cell has its name any more, whatever was not given out may be one."""
    keys = recognised(sent, notebook)
    names = {cell.name for cell in notebook.cells if cell.name}
    nameless = not any(cell.name in names for cell in sent)
    return any(cell.source.strip() and (nameless if key is None else notebook.cells[key].is_answer and not same(cell.source, notebook.cells[key].shown))
               for cell, key in zip(sent, keys))

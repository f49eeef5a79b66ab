"""Which file of a submission is the notebook."""

import re
from pathlib import Path

from ninelives.grading.assignment import Notebook
from ninelives.grading.read_notebook import NOTEBOOK, SentCell, Unreadable, is_notebook, read_file
from ninelives.grading.repair import as_given_out, recognised
from ninelives.grading.submitted_files import FROM_THE_EXCHANGE

MAX_NOTEBOOKS = 50  # of a submission, that are read
MAX_NAMED = 3  # files that are named in a note


def find_notebook(
    folder: Path, paths: list[Path], notebook: Notebook, others: set[str]
) -> tuple[list[SentCell], list[str]]:
    """The cells of the submitted notebook, and a sentence if it was not where it should be.

    The file with the right name counts, unless it has no answers and another file has some: browsers call a second
    download "NAME (1).ipynb", and the first may lie beside it.

    Args:
        folder: the submission.
        paths: everything in it.
        others: the names of the assignment's other notebooks.

    Raises:
        Unreadable: there is no notebook, or none that can be read.
        OSError: a file cannot be read here.
    """
    expected = folder / f"{notebook.name}.ipynb"
    problem = Unreadable(f"there is no notebook in the submission{_only(folder, paths)}")
    names = {cell.name for cell in notebook.cells if cell.name}
    candidates = [path for path in paths if _is_candidate(path, folder, others)]
    candidates.sort(key=lambda path: (path != expected, len(path.parts)))
    found: list[tuple[Path, list[SentCell], int]] = []  # with how many cells of the assignment it has
    for path in candidates[:MAX_NOTEBOOKS]:
        try:
            sent = read_file(path)
        except Unreadable as what:
            if path == expected or len(candidates) == 1:
                problem = what
            continue
        found.append((path, sent, len(names & {cell.name for cell in sent})))
    answered = [path for path, sent, known in found if (known or path == expected) and _has_answers(sent, notebook)]
    here = [entry for entry in found if entry[0] == expected]
    if here and (expected in answered or not answered):
        further = [path.relative_to(folder) for path in answered if path != expected]
        notes = [f"Another notebook has answers too: {further[0]}. {expected.name} was read."] if further else []
        return here[0][1], notes
    # Other names: one with answers. If the expected file does not exist, also one with cells of the assignment, or the
    # only one.
    left = [entry for entry in found if entry[0] in answered]
    if not left and expected not in candidates:
        left = [entry for entry in found if entry[2] or len(candidates) == 1]
    if not left:
        raise problem
    most = max(known for _, _, known in left)
    attempts = [(path, sent) for path, sent, known in left if 2 * known >= most]
    attempts.sort(key=lambda attempt: _when(attempt[0]))
    path, sent = attempts[-1]
    reason = ""
    if expected in candidates:
        reason = f", since {expected.name} {'has no answers' if here else f'is not readable: {problem}'}"
    notes = [f"The notebook was named {path.relative_to(folder)}; it was read as {expected.name}{reason}."]
    if len(attempts) > 1:
        others = ", ".join(str(other.relative_to(folder)) for other, _ in attempts[:-1][-MAX_NAMED:])
        notes.append(f"There are {len(attempts)} attempts; the newest counts. Not read: {others}.")
    return sent, notes


def _when(path: Path) -> tuple[list[str], int, int, Path]:
    """Sorts attempts by the dates in their names, then by the number that a browser adds, and then by their time."""
    dates = re.findall(r"\d{4}-\d\d-\d\d(?:[-_T ]\d\d[-:_]\d\d(?:[-:_]\d\d)?)?", path.name)
    number = re.search(r"\((\d+)\)", path.name)
    return [re.sub(r"\D", "", date) for date in dates], int(number[1]) if number else 0, path.stat().st_mtime_ns, path


def _only(folder: Path, paths: list[Path]) -> str:
    """Words about what there is instead of a notebook."""
    files = [path.relative_to(folder) for path in paths if path.is_file() and not path.is_symlink()]
    names = [str(path) for path in files if path not in FROM_THE_EXCHANGE and not str(path).startswith(".")]
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return f", only {', '.join(names[:MAX_NAMED])}{more}" if names else ""


def _is_candidate(path: Path, folder: Path, others: set[str]) -> bool:
    """Whether a file of a submission may be the notebook."""
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    if hidden or not is_notebook(path) or NOTEBOOK.sub("", path.name) in others:
        return False
    return path.is_file() and not path.is_symlink()


def _has_answers(sent: list[SentCell], notebook: Notebook) -> bool:
    """Whether a learner wrote an answer. If no cell has its name any more, any unknown cell may be one."""
    names = {cell.name for cell in notebook.cells if cell.name}
    nameless = not any(cell.name in names for cell in sent)
    for cell, key in zip(sent, recognised(sent, notebook)):
        released = None if key is None else notebook.cells[key]
        if cell.source.strip() and (
            nameless if released is None else released.is_answer and not as_given_out(cell.source, released)
        ):
            return True
    return False

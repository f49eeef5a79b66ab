"""The files that a notebook has written while it was graded: saved pictures and tables, which belong to the answer."""

from contextlib import suppress
from pathlib import Path

from ninelives.grading.assignment import Notebook
from ninelives.grading.folders import everything_in
from ninelives.grading.submitted_files import choose_files, reserved_paths
from ninelives.grading.task import Task

MAX_BYTES = 16 << 20  # of all files that one notebook wrote
MAX_FILES = 200
TELLING = 8  # characters from which on a hidden line is recognised in a file


def written_files(
    task: Task, notebook: Notebook, folder: Path, submitted: tuple[Path, ...]
) -> tuple[dict[Path, bytes], list[str]]:
    """The files in a kernel's folder that were not there at its start, and sentences about those that are not kept.

    The kernel must be dead. A file that shows hidden lines of a check is left out: it would come back with the feedback.
    """
    if folder.is_symlink() or not folder.is_dir():
        return {}, []  # the notebook has put something else there
    paths, _ = everything_in(folder)
    paths = [path for path in paths if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
    reserved = reserved_paths(task.names, task.others)
    chosen, words = choose_files(folder, paths, [], min(task.limits.disk // 2, MAX_BYTES), reserved, task.ignored)
    hidden = _hidden_lines(notebook)
    found, telling = {}, []
    for path in chosen:
        content = (folder / path).read_bytes()
        if path in submitted and (task.folder / path).read_bytes() == content:
            continue
        if any(line in content for line in hidden):
            telling.append(path)
        else:
            found[path] = content
    words += [f"{path} was left out: it shows a part of the checks that is hidden." for path in telling]
    if len(found) > MAX_FILES:
        words.append(f"{len(found) - MAX_FILES} files were left out: {MAX_FILES} are kept.")
        found = dict(list(found.items())[:MAX_FILES])
    return found, [f"Of the files that the notebook wrote, {sentence}" for sentence in words]


def _hidden_lines(notebook: Notebook) -> list[bytes]:
    lines = [line.strip() for cell in notebook.cells if cell.is_check
             for line in set(cell.source.splitlines()) - set(cell.shown.splitlines())]
    return [line.encode() for line in lines if len(line) >= TELLING]


def write_files(files: dict[Path, bytes], folder: Path) -> None:
    """Write these files into a folder, except where a file is where another one needs a folder."""
    for path, content in files.items():
        with suppress(FileExistsError, NotADirectoryError, IsADirectoryError):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)

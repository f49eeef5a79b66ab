"""The files beside a submitted notebook: which are kept, and the folder in which a notebook runs with them."""

import json
import shutil
from collections import defaultdict
from collections.abc import Collection, Iterable
from fnmatch import fnmatch
from pathlib import Path

from nbformat import NotebookNode

from ninelives.grading.folders import private_folder
from ninelives.grading.read_notebook import MAX_BYTES, is_notebook

MAX_NAMED = 3  # of the files that were left out for one reason
FROM_THE_EXCHANGE = {Path("timestamp.txt"), Path("submission_secret.txt")}  # nbgrader collect adds them
MAX_INSIDE = 3  # folders around a submission
ARCHIVES = {".zip", ".gz", ".tgz", ".tar", ".7z", ".rar", ".bz2", ".xz"}
TOOLS = {".ipynb_checkpoints", "__pycache__", "node_modules", "__MACOSX"}  # folders with nothing of the learner's


def reserved_paths(notebooks: Collection[str], others: Iterable[str]) -> set[Path]:
    """Where the notebooks of these names and the instructor's own files go, so that no submitted file can."""
    pages = {Path(f"{name}.html") for name in notebooks}  # where the feedback goes
    return pages | {Path(f"{name}.ipynb") for name in notebooks} | {Path(name) for name in others}


def inner_folder(folder: Path, paths: list[Path]) -> Path:
    """Where a submission really begins: a zip that was unpacked often has its one folder inside another one."""
    for _ in range(MAX_INSIDE):
        inside = [path for path in paths if path.parent == folder and path.relative_to(folder) not in FROM_THE_EXCHANGE
                  and not path.name.startswith(".") and path.name not in TOOLS]
        if len(inside) != 1 or inside[0].is_symlink() or not inside[0].is_dir() or is_notebook(inside[0]):
            break
        folder = inside[0]
    return folder


def archives(files: Iterable[Path]) -> list[str]:
    """A note on archives among the submitted files, which may hold what a check looks for."""
    packed = [path for path in files if path.suffix.lower() in ARCHIVES]
    return [f"{_named(packed)} not unpacked: hand in the files themselves."] if packed else []


def mentioned_notebooks(folder: Path, paths: list[Path], sources: list[str], reserved: set[Path]) -> tuple[Path, ...]:
    """The other notebooks of a submission that its code names, as for %run: these are read, and never graded."""
    text = "\n".join(sources)
    found = (path for path in paths if path.suffix == ".ipynb" and path.name in text and path.is_file()
             and not path.is_symlink() and path.stat().st_size < MAX_BYTES)
    return tuple(path.relative_to(folder) for path in found if path.relative_to(folder) not in reserved)


def choose_files(
    folder: Path, paths: list[Path], closed: list[Path], max_bytes: int, reserved: set[Path],
    ignored: tuple[str, ...] = (),
) -> tuple[tuple[Path, ...], list[str]]:
    """Which submitted files are kept: no links, which may lead anywhere, and at most `max_bytes` in all.

    Small files come first, so that a large one does not displace the others. A file is left out if its path is that of
    a reserved file, or lies inside one: a learner's folder may be named like the notebook.

    Args:
        paths, closed: what `everything_in` found in the submission's folder.
        ignored: patterns of names that are left out without a word, as c.CourseDirectory.ignore has them.

    Returns:
        the kept files, relative to the submission, and a sentence for each reason why files were left out.
    """
    files, hidden, out = [], {}, defaultdict(list)  # out: relative paths by the reason
    out["the folder cannot be opened"] = [path.relative_to(folder) for path in closed]
    environments = {path.parent for path in paths if path.name == "pyvenv.cfg"} - {folder}
    reserved_parents = {parent for path in reserved for parent in path.parents}
    for path in paths:
        relative = path.relative_to(folder)
        if any(fnmatch(part, pattern) for part in relative.parts for pattern in ignored):
            continue
        hiding = [parent for parent in relative.parents
                  if parent.name.startswith(".") or parent.name in TOOLS or folder / parent in environments]
        if hiding:
            if hiding[-1].name not in TOOLS:
                hidden[hiding[-1]] = None
        elif path.is_symlink():
            out["links may lead out of the submission"].append(relative)
        elif is_notebook(path) or path.is_dir():
            continue
        elif not path.is_file():
            out["it is not a regular file"].append(relative)
        elif reserved.intersection(relative.parents) or relative in reserved_parents or _is_page(relative, reserved):
            out["a file of the assignment goes there"].append(relative)
        else:
            files.append((path.stat().st_size, relative))
    left, kept = max_bytes, []
    for size, relative in sorted(files):
        left -= size
        if left < 0:
            out[f"the files of a submission may have {max_bytes >> 20} MB"].append(relative)
        else:
            kept.append(relative)
    out["hidden folders and virtual environments are not part of an answer"] = list(hidden)
    notes = [f"{_named(left_out)} left out: {reason}." for reason, left_out in out.items() if left_out]
    return tuple(sorted(kept)), notes


def _is_page(path: Path, reserved: set[Path]) -> bool:
    """Whether the page of the feedback goes there."""
    return path.suffix == ".html" and {path, path.with_suffix(".ipynb")} <= reserved


def _named(paths: list[Path]) -> str:
    """The first of them, shortened, and how many there are."""
    named = ", ".join(
        str(relative) if len(str(relative)) < 80 else f"…{str(relative)[-79:]}" for relative in paths[:MAX_NAMED])
    more = f" and {len(paths) - MAX_NAMED} more" if len(paths) > MAX_NAMED else ""
    return f"{named}{more} {'was' if len(paths) == 1 else 'were'}"


def make_run_folder(others: dict[str, Path], submission: Path | None = None, files: Iterable[Path] = ()) -> Path:
    """A private folder in which a notebook runs, with copies of the submitted files and of the instructor's."""
    folder = Path(private_folder())
    inside = folder / "submission"
    inside.mkdir()
    copy_files(others, inside, submission, files)
    return folder


def copy_files(
    others: dict[str, Path], target: Path, submission: Path | None = None, files: Iterable[Path] = ()
) -> None:
    """Copy the kept files of a submission, and then the instructor's, into the folder `target`."""
    sources = {relative: submission / relative for relative in files}
    sources |= {Path(name): path for name, path in others.items()}
    for relative, source in sources.items():
        (target / relative).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target / relative)


def write_notebook(notebook: NotebookNode, folder: Path, name: str) -> None:
    """Put a notebook into a run folder, beside its files, where code may look for it."""
    (folder / "submission" / f"{name}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")

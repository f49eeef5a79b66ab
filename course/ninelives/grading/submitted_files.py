"""The files beside a submitted notebook: which of them are taken along, and where they go."""

import json
import shutil
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from nbformat import NotebookNode

from ninelives.grading.folders import everything_in, private_folder
from ninelives.grading.read_notebook import is_notebook

SHOWN = 3  # of the files that were left out for one reason
NBGRADERS = {Path("timestamp.txt"), Path("submission_secret.txt")}  # beside every submission that was collected
TOOLS = {".ipynb_checkpoints", "__pycache__", "node_modules"}  # folders that hold nothing of the learner's


def make_place(others: dict[str, Path], files: list[tuple[Path, Path]], name: str, made: NotebookNode | None) -> Path:
    """A private folder in which a notebook runs, with copies of what belongs to it."""
    folder = Path(private_folder())
    inside = folder / "submission"
    inside.mkdir()
    for path, place in [*files, *((path, Path(place)) for place, path in others.items())]:
        (inside / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, inside / place)
    if made is not None:
        (inside / f"{name}.ipynb").write_text(json.dumps(made), encoding="utf-8")
    return folder


def places(notebooks: Iterable[str], others: Iterable[str]) -> set[Path]:
    """Where the notebooks of these names and the instructor's own files go, so that nothing else can."""
    return {Path(f"{name}.ipynb") for name in notebooks} | {Path(name) for name in others}


def sent_files(folder: Path, most: int, taken: set[Path], notes: list) -> list[tuple[Path, Path]]:
    """The files beside the notebooks, with their places: no links, which may lead anywhere, and no more than `most` bytes.

    The small come first, so that one large file costs none of the others. Nothing goes where it were above or below what
    is `taken`, as in a folder that is named like the notebook.
    """
    files, tools, out = [], {}, defaultdict(list)  # places, by the reason why they are left out
    below, closed = everything_in(folder)
    out["it cannot be looked into"] = [path.relative_to(folder) for path in closed]
    environments = {path.parent for path in below if path.name == "pyvenv.cfg"} - {folder}
    above = {parent for place in taken for parent in place.parents}
    for path in below:
        place = path.relative_to(folder)
        hidden = [parent for parent in place.parents if parent.name.startswith(".") or parent.name in TOOLS or folder / parent in environments]
        if hidden:
            if hidden[-1].name not in TOOLS:
                tools[hidden[-1]] = None
        elif path.is_symlink():
            out["links may lead out of the submission"].append(place)
        elif is_notebook(path) or path.is_dir():
            continue
        elif not path.is_file():
            out["it is no plain file"].append(place)
        elif taken.intersection(place.parents) or place in above:
            out["a file of the assignment is to stand there"].append(place)
        else:
            files.append((path.stat().st_size, path, place))
    left, found = most, []
    for size, path, place in sorted(files):
        left -= size
        if left < 0:
            out[f"the files of a submission may have {most >> 20} MB"].append(place)
        else:
            found.append((path, place))
    out["what is hidden or a program's own belongs to no answer"] = list(tools)
    notes += [(None, f"{listed(left_out)} left out: {reason}.") for reason, left_out in out.items() if left_out]
    return sorted(found, key=lambda pair: pair[1])


def listed(left_out: list[Path]) -> str:
    """The first of them, shortened, and how many there are."""
    named = ", ".join(str(place) if len(str(place)) < 80 else f"…{str(place)[-79:]}" for place in left_out[:SHOWN])
    more = f" and {len(left_out) - SHOWN} more" if len(left_out) > SHOWN else ""
    return f"{named}{more} {'was' if len(left_out) == 1 else 'were'}"

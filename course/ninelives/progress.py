"""Where a learner is: points, rooms and the next open exercise, read from saved notebooks. Nothing is run.

`make lab`, or `ninelives`, writes `start.ipynb` from it, and the last cell of each notebook calls `where_am_i`.
"""

import os
import re
import sys
import time
from pathlib import Path
from typing import NamedTuple

import nbformat
from IPython import get_ipython
from IPython.display import display

MARK = "<!-- Nine Lives writes this page. A page without this line is never overwritten. -->"
# A notebook of one cell of text, since everything that opens notebooks shows such a cell as a page, and Markdown files as source.
PAGE = "start.ipynb"
LABS = ("causes", "tokenizers", "pronunciation", "shakespeare", "today", "bert")  # in the order that notebook 9 recommends


class Room(NamedTuple):
    """A room of a notebook, or an exercise in one.

    Args:
        title: the heading.
        exercise: whether it is an exercise. Then its cells are not counted among those of the room.
        cells: how many code cells it has, and `ran` how many of them were run.
        points: of its checks, and `passed` those of the checks that pass.
    """

    title: str
    exercise: bool
    cells: int = 0
    ran: int = 0
    points: float = 0
    passed: float = 0


class Progress(NamedTuple):
    """A learner's notebook: its title, how long it takes and when it is due ("40 minutes; due on …"), and its rooms."""

    title: str
    time: str
    rooms: list[Room]

    @property
    def points(self) -> float:
        return sum(room.points for room in self.rooms)

    @property
    def passed(self) -> float:
        return sum(room.passed for room in self.rooms)

    @property
    def open_exercise(self) -> str | None:
        """The heading of the first exercise with a check that does not pass yet."""
        return next((room.title for room in self.rooms if room.passed < room.points), None)


def read_progress(path: Path, live: bool = False) -> Progress | None:
    """The progress in a saved notebook; None if the file cannot be read.

    Args:
        path: the notebook's file.
        live: whether this is the notebook that calls, so that what was run since the file was saved counts too.
    """
    # A learner's file may be cut off, empty, or anything else.
    try:
        notebook = nbformat.read(path, as_version=4)
        return _progress_in(notebook, live)
    except Exception:
        return None


def _progress_in(notebook: nbformat.NotebookNode, live: bool) -> Progress:
    title, how_long, due, rooms, here = "", "", "", [], 0
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            title = title or _first(r"^# (.+)$", cell.source)
            how_long = how_long or _first(r"^\| *Time *\| *(.+?) *\|", cell.source)
            due = due or _first(r"^\*\*Due:\*\* (.+)$", cell.source)
            for level, heading in re.findall(r"^(##|###) (.+)$", _without_code(cell.source), re.MULTILINE):
                if level == "##" or heading.startswith("Exercise"):
                    rooms.append(Room(heading, exercise=level == "###"))
                # Any other heading inside a room ends an exercise, and what follows belongs to the room.
                here = max((k for k, room in enumerate(rooms) if not room.exercise or heading == room.title), default=0)
        elif cell.cell_type == "code" and rooms:
            grade = cell.metadata.get("nbgrader", {})
            points = grade.get("points", 0) if grade.get("grade") else 0
            ran, passed = _outcome(cell, live)
            room = rooms[here]
            rooms[here] = room._replace(
                cells=room.cells + 1, ran=room.ran + ran, points=room.points + points, passed=room.passed + points * passed)
    return Progress(title, "; ".join(filter(None, [how_long, due and f"due on {due}"])), rooms)


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    return found[1] if found else ""


def _without_code(text: str) -> str:
    return re.sub(r"```.*?(```|\Z)", "", text, flags=re.DOTALL)


def _outcome(cell: nbformat.NotebookNode, live: bool) -> tuple[bool, bool]:
    """Whether a code cell was run, and whether it ended without an error."""
    ran = cell.get("execution_count") is not None
    passed = ran and not any(output.output_type == "error" for output in cell.get("outputs", []))
    if live:
        shell = get_ipython()
        ran = ran or (shell is not None and cell.source.rstrip("\n") in shell.user_ns.get("In", []))
        outcome = _outcome_in_this_kernel(cell.source)
        passed = passed if outcome is None else outcome
    return ran, passed


def _outcome_in_this_kernel(source: str) -> bool | None:
    """What a check such as `check.split_heads(split_heads, "shape")` last said in this kernel; None if it has not been run."""
    called = re.search(r"^check\.(\w+)\(.*[\"']([^\"']+)[\"']\)", source, re.MULTILINE)
    if called is None:
        return None
    modules = [module for name, module in sys.modules.items() if name.startswith("ninelives.checks.")]
    outcomes = [getattr(getattr(module, called[1], None), "outcomes", {}) for module in modules]
    return next((outcome[called[2]] for outcome in outcomes if called[2] in outcome), None)


def where_am_i() -> None:
    """Show the rooms of this notebook: what was run, the points of each exercise, and what is open.

    During grading nothing is shown.
    """
    if "NBGRADER_EXECUTION" in os.environ:
        return
    path = _this_notebook()
    progress = path and read_progress(path, live=True)
    if not progress:
        print("This notebook's own file was not found, or cannot be read, so there is nothing to show. Save the notebook and run this cell again.")
        return
    lines = ["| | Cells run | Points |", "|:---|---:|---:|"]
    for room in progress.rooms:
        name = f"&nbsp;&nbsp;&nbsp;{room.title}" if room.exercise else f"**{room.title}**"
        lines.append(f"| {name} | {f'{room.ran} of {room.cells}' if room.cells else ''} | {_points(room)} |")
    open_exercise = progress.open_exercise
    said = f"Next: {open_exercise}." if open_exercise else "Every check of this notebook passes."
    head = f"**{progress.title}**: {progress.passed:g} of {progress.points:g} points. {said}"
    after = "" if open_exercise else _next_notebook(path)
    display({
        "text/markdown": "\n".join([head, "", *lines, "", f"{after}[All nine notebooks](../{PAGE})"]),
        "text/plain": f"{progress.title}: {progress.passed:g} of {progress.points:g} points. {said}",
    }, raw=True)


def _points(room: Room) -> str:
    if not room.points:
        return ""
    return f"{'✓ ' if room.passed == room.points else ''}{room.passed:g} of {room.points:g}"


def _this_notebook() -> Path | None:
    """The file of the notebook that runs; JupyterLab tells its kernel which one. Else the one that is named after its folder."""
    here = Path.cwd()
    told = Path(os.environ.get("JPY_SESSION_NAME", ""))
    for path in (told, here / told.name, here / f"{here.name}.ipynb"):
        if path.suffix == ".ipynb" and path.is_file():
            return path
    return None


def _next_notebook(path: Path) -> str:
    """A link to the notebook after this one, if it is beside it."""
    number = _first(r"^(\d\d)-", path.name)
    following = sorted(path.parent.parent.glob(f"{int(number) + 1:02}-*/{int(number) + 1:02}-*.ipynb")) if number else []
    return f"Go on with [notebook {int(number) + 1}](../{following[0].parent.name}/{following[0].name}). " if following else ""


def start_page(workspace: Path, command: str = "make lab") -> str:
    """The page that lists the notebooks of a learner's folder, in Markdown; `command` writes it again."""
    lines, following = [], ""
    for path in sorted(workspace.glob("[0-9][0-9]-*/[0-9][0-9]-*.ipynb")):
        if path.stem != path.parent.name:
            continue
        link = f"{path.parent.name}/{path.name}"
        progress = read_progress(path)
        if progress is None or not progress.title:
            lines.append(f"| | [{path.stem}]({link}) | | this file cannot be read: rename it, and `{command}` copies a new one |")
            continue
        done = progress.points > 0 and progress.open_exercise is None
        lines.append(f"| {'✓' if done else ''} | [{progress.title}]({link}) | {progress.time} | {progress.passed:g} of {progress.points:g} |")
        if not done and not following and progress.open_exercise:
            following = f"**Next: [{progress.title}]({link}), {progress.open_exercise}.**"
    labs = sorted((workspace / "labs").glob("*.ipynb"), key=lab_place)
    return "\n".join([
        MARK, "", "# Nine Lives", "", "*The cat did not want to eat because it was full.*", "",
        following or ("**You have passed every check of the course.**" if lines else "There are no notebooks here yet."), "",
        "| | Notebook | Time | Points passed |", "|---|:---|:---|---:|", *lines, "",
        *(["Labs, without points: " + ", ".join(f"[{_lab_title(path)}](labs/{path.name})" for path in labs) + ".", ""] if labs else []),
        f"This page was written by `{command}` on {time.strftime('%d %B %Y at %H:%M')}, from the outputs of the checks in your saved notebooks. "
        f"`{command}` writes it again each time, so keep notes of your own in another file. "
        "The last cell of each notebook shows where you are in it at once.", "",
    ])


def lab_place(path: Path) -> tuple[int, str]:
    """A lab's place in a list; labs of a teacher's own come after the course's."""
    return LABS.index(path.stem) if path.stem in LABS else len(LABS), path.stem


def _lab_title(path: Path) -> str:
    try:
        notebook = nbformat.read(path, as_version=4)
        return next(filter(None, (_first(r"^# (.+)$", cell.source) for cell in notebook.cells if cell.cell_type == "markdown")), path.stem)
    except Exception:
        return path.stem


def write_start_page(workspace: Path, command: str = "make lab") -> bool:
    """Write the page into a learner's folder. A file of this name that is not the course's stays as it is: returns False."""
    page = workspace / PAGE
    if os.path.lexists(page) and not _is_the_courses(page):
        return False
    from ipykernel.ipkernel import IPythonKernel  # takes half a second, which `where_am_i` does not need

    # Without a kernelspec JupyterLab would ask which kernel to start; without its language it would call the page changed.
    text = nbformat.v4.new_markdown_cell(start_page(workspace, command), id="start", metadata={"editable": False, "deletable": False})
    notebook = nbformat.v4.new_notebook(cells=[text], metadata={
        "kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"},
        "language_info": IPythonKernel.language_info})
    partial = page.with_name(f".{PAGE}.partial")
    nbformat.write(notebook, partial)
    partial.replace(page)
    return True


def _is_the_courses(page: Path) -> bool:
    """Whether the course wrote a page: then its text begins with the mark."""
    try:
        return nbformat.read(page, as_version=4).cells[0].source.startswith(MARK)
    # A learner's file may hold anything.
    except Exception:
        return False

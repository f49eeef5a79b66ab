"""One learner's submission, graded: what happens between the folder that came in and the gradebook.

Everything here is a function of files and of what is handed over; nothing is written outside a temporary folder. It can
run in any process on any machine that sees the course's folder.
"""

import json
import platform
import re
import shutil
import threading
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import dataclass, field, replace
from multiprocessing.util import Finalize
from pathlib import Path
from typing import TypeVar

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_output

from ninelives.grading import sandbox
from ninelives.grading.assignment import Cell, Notebook
from ninelives.grading.borrowed import borrowed
from ninelives.grading.canary import NO_FILES, canaries
from ninelives.grading.execute import Boxes, KernelDied, Kernels, KernelsEnded, Outcome, private_folder
from ninelives.grading.folders import everything_in, printable, remove
from ninelives.grading.repair import Unreadable, find_notebook, is_notebook, repaired
from ninelives.grading.sandbox import Limits

DEATHS = 3  # of what makes kernels, after which a submission is given up
RESTARTS = 3  # kernels that a notebook may lose before it is given up
MODULES = "import sys; print(*sys.modules, sep='\\n')"
SHOWN = 3  # of the files that were left out for one reason
SECOND_CHANCE = 0.1  # of a cell's time, for the checks of an exercise that has used one up
NBGRADERS = {Path("timestamp.txt"), Path("submission_secret.txt")}  # beside every submission that was collected
TOOLS = {".ipynb_checkpoints", "__pycache__", "node_modules"}  # folders that hold nothing of the learner's

# What an output shows of the limits that a cell has run into without being stopped from outside.
REFUSALS = {
    r"Operation not permitted|Permission denied|PermissionError|cross-device link|raise maximum limit|\[Errno (1|13|18)\]": "it tried something that the sandbox does not allow",
    r"MemoryError|[Cc]an(no|')t allocate memory|\[Errno 12\]": "it wanted more memory than it may use",
    r"File too large|\[Errno 27\]": "it wrote a file larger than it may",
    r"can't start new thread|\[Errno 11\]": "it wanted more threads than it may start",
}

Result = TypeVar("Result")


@dataclass(frozen=True)
class Task:
    """What has to be known to grade one submission.

    Args:
        folder: where it came in.
        notebooks: the assignment as it was given out.
        others: the assignment's further files, which the instructor's own copies replace: {name: path}.
        limits: what one notebook may use.
        stamp: changes when the assignment or the limits do.
        confined: whether learners' code is confined.
        canaries: for each notebook the (check, kind) of wrong answer that a clean kernel refuses.
        by_result: for each notebook the checks whose points are what they evaluate to.
        modules: what the instructor's own notebooks import.
    """

    folder: Path
    notebooks: tuple[Notebook, ...]
    others: dict[str, Path]
    limits: Limits
    stamp: str
    confined: bool = True
    canaries: dict[str, frozenset[tuple[str, str]]] = field(default_factory=dict)
    by_result: dict[str, frozenset[str]] = field(default_factory=dict)
    modules: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def calibrated(self, found: dict[str, dict]) -> "Task":
        """The same with what `calibrate` has found."""
        return replace(self, **{what: {name: one[what] for name, one in found.items()} for what in ("canaries", "by_result", "modules")})


@dataclass
class Graded:
    """What came of one notebook.

    Args:
        notebook: as it goes into autograded/.
        scores: the points of each graded cell; None where someone has to look at it.
        responses: for each answer, whether there is one.
        notes: what was put right, stopped or suspected: a grade_id or None, and a sentence.
        seconds: of processor time in kernels.
    """

    notebook: NotebookNode
    scores: dict[str, float | None]
    responses: dict[str, bool]
    notes: list[tuple[str | None, str]]
    seconds: float = 0.0


class Unforeseen(Exception):
    """A submission has met an error of the grader; the message says which."""


_own = threading.local()


def kernels(confined: bool) -> Kernels:
    """This thread's own, made when first asked for and again when it has ended."""
    if getattr(_own, "kernels", None) is None or _own.kernels.ended:
        made = Boxes if confined and sandbox.landlock() < 1 else Kernels
        _own.kernels, _own.prepared = made(), {}
        Finalize(None, _own.kernels.close, exitpriority=0)  # as a worker ends, which runs nothing else
    return _own.kernels


def warm_up(confined: bool) -> None:
    """Import what takes long, before there is anything to grade."""
    kernels(confined)


def prepared(task: Task, notebook: Notebook) -> tuple[Kernels, list[Outcome]]:
    """Kernels that have run what stands before the first exercise, and what that put out; this thread's own.

    Where it cannot be shared, kernels that have run nothing.
    """
    plain = kernels(task.confined)
    modules = task.modules.get(notebook.name, ())
    key = (task.stamp, notebook.name, *modules)
    if key not in _own.prepared:
        folder = make_place(task.others, [], notebook.name, None)
        _own.prepared[key] = plain.prepare(folder, modules, notebook.beginning) or (plain, [])
        remove(folder)
    return _own.prepared[key]


def grade(task: Task) -> dict[str, Graded]:
    """Grade a submission: {notebook's name: what came of it}. Whatever learners do is not meant to raise.

    Raises:
        KernelsEnded: no kernel could be started.
        OSError: the submission cannot be read here.
        Unforeseen: something else went wrong.
    """
    if not task.folder.is_dir():
        raise FileNotFoundError(f"{platform.node()} does not see the folder {task.folder}")
    try:
        return _with_kernels(lambda: {notebook.name: _grade_notebook(task, notebook) for notebook in task.notebooks})
    except (KernelsEnded, OSError):
        raise
    except Exception as problem:  # of a kind that another process may not be able to make again
        place = traceback.extract_tb(problem.__traceback__)[-1]
        words = (f"the grader itself failed, at {Path(place.filename).name}:{place.lineno} with "
                 f"{type(problem).__name__}: {problem}. Look at what was sent, and tell the course's authors")
    raise Unforeseen(words)  # out here, since Dask would send the other along as its context


def _with_kernels(work: Callable[[], Result]) -> Result:
    """What `work` returns, done again when what makes its kernels has died. Raises KernelsEnded at the last time."""
    for _ in range(DEATHS - 1):
        try:
            return work()
        except KernelsEnded:
            ended, _own.kernels = getattr(_own, "kernels", None), None
            if ended is not None:
                ended.close()
    return work()


def _grade_notebook(task: Task, notebook: Notebook) -> Graded:
    others = {other.name for other in task.notebooks} - {notebook.name}
    try:
        sent, found = find_notebook(task.folder, notebook, others)
    except Unreadable as problem:
        return _nothing(notebook, f"Not readable: {problem}.")
    made, repairs = repaired(sent, notebook)
    notes = [*((None, words) for words in found), *repairs, *borrowed(made, notebook)]
    taken = places((one.name for one in task.notebooks), task.others)
    files = [(path, place) for path, place in sent_files(task.folder, task.limits.disk // 2, taken, notes) if place not in NBGRADERS]
    run = Run(task, notebook, made, notes, files)
    try:
        if not files:
            run.begin()
        run.cells()
        run.refuse_tampered()
    finally:
        run.end()
    scores = {cell.name: run.score(cell) for cell in notebook.cells if cell.metadata.get("grade") or cell.metadata.get("task")}
    by_name = {cell.metadata.nbgrader.grade_id: cell for cell in made.cells if "nbgrader" in cell.metadata}
    responses = {cell.name: by_name[cell.name].source != cell.source for cell in notebook.cells if cell.is_answer}
    once = list(dict.fromkeys((where, printable(words)) for where, words in notes))  # a file may have any name
    return Graded(made, scores, responses, once, run.seconds)


def _nothing(notebook: Notebook, reason: str) -> Graded:
    """Nothing that could be graded: no points, and a notebook that says why."""
    named = [cell for cell in notebook.cells if cell.name]
    cells = [(nbformat.v4.new_code_cell if cell.kind == "code" else new_markdown_cell)(
        "" if cell.is_answer else cell.source, id=cell.name, metadata={"nbgrader": cell.metadata}) for cell in named]
    scores = {cell.name: 0.0 for cell in named if cell.metadata.get("grade") or cell.metadata.get("task")}
    made = nbformat.v4.new_notebook(cells=cells, metadata=notebook.metadata)
    return Graded(made, scores, {cell.name: False for cell in named if cell.is_answer}, [(None, reason)])


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


class Run:
    """A notebook's way through kernels, each in a fresh folder: usually one, another where one dies."""

    def __init__(self, task: Task, notebook: Notebook, made: NotebookNode, notes: list, files: list) -> None:
        self.task, self.notebook, self.made, self.notes, self.files = task, notebook, made, notes, files
        self.given = {cell.name: cell for cell in notebook.cells if cell.name}
        self.by_result = task.by_result.get(notebook.name, frozenset())
        # The (check, kind) of wrong answer that a clean kernel refuses; None while it is found out.
        self.refused: frozenset[tuple[str, str]] | None = task.canaries.get(notebook.name, frozenset())
        self.refuses: set[tuple[str, str]] = set()  # those that were refused here
        self.tampered: dict[str | None, str] = {}  # exercises that earn nothing, and why
        self.earned: dict[str, float] = {}
        self.slow: set[str] = set()  # exercises that have used up their time once
        self.deadly: set[str] = set()  # exercises that a kernel died of
        self.skipped: set[int] = set()  # cells that a fresh kernel is better off without
        self.tried_again: set[int] = set()  # cells whose kernel may have been killed by someone else
        self.lost = 0  # kernels
        self.started = time.monotonic()
        self.seconds = 0.0
        self.kernel = self.folder = None
        self.source, self.begun = None, 0  # what makes its kernels, and how many cells those have run

    def given_of(self, cell: NotebookNode) -> Cell | None:
        return self.given.get(cell.metadata.get("nbgrader", {}).get("grade_id"))

    def exercise_of(self, check: Cell) -> str | None:
        answer = self.notebook.answer_of(check)
        return answer.name if answer else None

    def begin(self) -> None:
        """Take the cells before the first exercise as run, if they are as they were given out and nothing else was sent."""
        first = next((index for index, cell in enumerate(self.made.cells) if self.given_of(cell)), 0)
        code = [cell for cell in self.made.cells[:first] if cell.cell_type == "code"]
        if [cell.source for cell in code] == self.notebook.beginning:
            self.source, outcomes = prepared(self.task, self.notebook)
            for cell, outcome in zip(code, outcomes):
                self.keep(cell, deepcopy(outcome))
            self.begun = first if outcomes else 0

    def start(self, upto: int) -> None:
        """A fresh kernel that has run the cells before `upto`, all but checks and those that did harm."""
        left = self.task.limits.notebook - (time.monotonic() - self.started)
        limits = replace(self.task.limits, notebook=max(left, 1.0))
        self.folder = make_place(self.task.others, self.files, self.notebook.name, self.made)
        self.kernel = (self.source or kernels(self.task.confined)).start(self.folder, limits, self.task.confined)
        for index, cell in enumerate(self.made.cells[:upto]):
            given = self.given_of(cell)
            left_out = index < self.begun or index in self.skipped or (given is not None and given.is_check)
            if cell.cell_type == "code" and not left_out:
                self.kernel.run(cell.source, pictures=False)

    def end(self) -> None:
        if self.kernel is not None:
            self.kernel.end()
            self.seconds += self.kernel.used.get("seconds", 0.0)
            self.kernel = None
        if self.folder is not None:
            remove(self.folder)
            self.folder = None

    def cells(self) -> None:
        """Run them all; the points of the checks that pass are earned."""
        for index, cell in enumerate(self.made.cells):
            if cell.cell_type != "code" or index < self.begun:
                continue
            given = self.given_of(cell)
            check = given if given is not None and given.is_check else None
            exercise = self.exercise_of(check) if check else None
            try:
                outcome = self.run(index, cell.source, exercise, pictures=check is not None or self.task.limits.pictures)
                if outcome.stopped:
                    self.note(check or given, exercise, f"Stopped: {outcome.stopped}.")
                    self.skipped.add(index)
                    if exercise:
                        self.slow.add(exercise)
                elif outcome.hidden:
                    self.note(check or given, exercise, "It ended with an error that was not shown.")
                for reason in refusals(outcome) if self.task.confined else []:
                    self.note(check or given, exercise, f"Refused: {reason}.")
            except KernelDied as death:
                outcome = self.outcome
                self.skipped.add(index)
                if exercise:
                    self.deadly.add(exercise)
                self.note(check or given, exercise, f"Not run to its end: {death}.")
            self.keep(cell, outcome)
            if check:
                self.earned[check.name] = self.points(check, cell)
                if self.earned[check.name] > 0:
                    self.try_known_wrong(index, check)

    def run(self, index: int, source: str, exercise: str | None, pictures: bool) -> Outcome:
        """One cell, in a kernel that may have to be made first. Raises KernelDied."""
        self.outcome = Outcome(error="DeadKernelError")
        if exercise in self.deadly:
            self.outcome.stopped = "not run, since the kernel has died of this exercise before"
            raise KernelDied("the kernel has died of this exercise before")
        if self.lost > RESTARTS:
            raise KernelDied(f"{self.lost} kernels have died of this notebook, and no more are started")
        if time.monotonic() - self.started > self.task.limits.notebook:
            raise KernelDied(f"the notebook ran for more than {self.task.limits.notebook:g} seconds")
        seconds = self.task.limits.cell * (SECOND_CHANCE if exercise in self.slow else 1)
        revived = False
        try:
            self.revive(index)
            revived = True
            return self.kernel.run(source, seconds, pictures)
        except KernelDied as death:
            if revived:  # if not, what died was an earlier cell's
                self.outcome = self.kernel.outcome
            if death.from_outside and index not in self.tried_again:
                self.tried_again.add(index)
                return self.run(index, source, exercise, pictures)
            self.lost += 1
            raise

    def revive(self, index: int) -> None:
        """Make a kernel that stands before the cell `index` if there is none. Raises KernelDied."""
        if self.kernel is None or not self.kernel.alive:
            self.end()
            self.start(index)

    def keep(self, cell: NotebookNode, outcome: Outcome) -> None:
        cell.outputs, cell.execution_count = outcome.outputs, outcome.count
        if outcome.hidden:
            words = outcome.stopped or "the cell ended with an error that was not shown"
            cell.outputs.append(new_output("error", ename=outcome.error, evalue=words, traceback=[f"{outcome.error}: {words}"]))
        elif outcome.stopped:
            cell.outputs.append(new_output("error", ename="CellTimeoutError", evalue=outcome.stopped,
                                           traceback=[f"CellTimeoutError: {outcome.stopped}"]))

    def note(self, cell: Cell | None, exercise: str | None, words: str) -> None:
        where = f"Cell {cell.name!r}. " if cell else "A cell that earns no points. "
        self.notes.append((exercise or (cell.name if cell else None), where + words))

    def points(self, check: Cell, cell: NotebookNode) -> float:
        """What a check has earned. What it writes on stderr costs nothing."""
        if any(output.output_type == "error" for output in cell.outputs):
            return 0.0
        results = [output for output in cell.outputs if output.output_type == "execute_result"]
        if check.name in self.by_result:
            try:
                points = float(results[-1].data["text/plain"])
            except (IndexError, KeyError, ValueError):
                points = -1.0
            if not 0 <= points <= check.points:
                self.note(check, None, "It gave no number of points between 0 and its maximum, and so none.")
                return 0.0
            return points
        return check.points

    def try_known_wrong(self, index: int, check: Cell) -> None:
        """Run a check that has passed on known wrong answers, before anything of the learner's runs again.

        Raises KernelDied where that cannot be done while it is found out what a clean kernel refuses.
        """
        tried = canaries(self.notebook, check) | {NO_FILES: ""}
        kinds = [kind for kind in tried if (kind != NO_FILES if self.refused is None else (check.name, kind) in self.refused)]
        begun, deadline = time.monotonic(), self.kernel.deadline
        for last in (False, True):
            try:
                if not self.kernel.alive:  # of a known wrong answer: in another kernel the check has to pass once more
                    self.revive(index)
                    if self.kernel.run(check.source, pictures=False).error:
                        raise KernelDied("the check fails where it is run again")
                self.kernel.deadline = time.monotonic() + self.task.limits.notebook
                while kinds:
                    with self.kernel.without_files() if kinds[0] == NO_FILES else nullcontext():
                        refuses = self.kernel.run(check.source, pictures=False, before=tried[kinds[0]]).error is not None
                    kind = kinds.pop(0)
                    if refuses:
                        self.refuses.add((check.name, kind))
                    elif self.refused is not None:
                        self.tampered[self.exercise_of(check)] = f"{check.name!r} lets a known wrong answer through ({kind})"
                break
            except KernelDied as death:
                if last and self.refused is None:
                    raise
                if last:
                    self.tampered[self.exercise_of(check)] = f"{check.name!r} could not be tried on a known wrong answer: {death}"
        spent = time.monotonic() - begun  # is not the learner's
        self.started += spent
        self.kernel.deadline = deadline + spent

    def refuse_tampered(self) -> None:
        """Take the points of checks that let known wrong answers through."""
        for check in self.notebook.cells:
            if check.name in self.earned and self.exercise_of(check) in self.tampered:
                self.earned[check.name] = 0.0
        for exercise, words in self.tampered.items():
            self.notes.append((exercise, f"The exercise {exercise!r} earns nothing: {words}. Something in this notebook has changed "
                                         "what it is checked with."))

    def score(self, cell: Cell) -> float | None:
        """The points of a graded cell; None where someone has to look at it."""
        if cell.is_check and cell.kind == "code":
            return self.earned.get(cell.name, 0.0)
        made = next(made for made in self.made.cells if self.given_of(made) is cell)
        return None if made.source != cell.source or cell.metadata.get("task") else 0.0


def refusals(outcome: Outcome) -> list[str]:
    """What the outputs of a cell show that it was refused."""
    shown = "\n".join(f"{output.get('text')} {output.get('ename')}: {output.get('evalue')}" for output in outcome.outputs)
    return [reason for sign, reason in REFUSALS.items() if re.search(sign, shown)]


def calibrate(task: Task) -> dict[str, dict]:
    """What the instructor's own answers do here: which checks refuse which canary, which give points as a result.

    Returns:
        {notebook's name: {"canaries", "by_result", "modules" as in a Task, "failed": checks that the answers fail}}
    """
    return _with_kernels(lambda: {notebook.name: _calibrated(task, notebook) for notebook in task.notebooks})


def _calibrated(task: Task, notebook: Notebook) -> dict:
    cells = [nbformat.v4.new_code_cell(cell.solved if cell.is_answer else cell.source) if cell.kind == "code"
             else new_markdown_cell(cell.solved) for cell in notebook.cells]
    for made, cell in zip(cells, notebook.cells):
        made.metadata = NotebookNode(nbgrader=NotebookNode(cell.metadata)) if cell.name else NotebookNode()
    made = nbformat.v4.new_notebook(cells=cells)
    run = _run_all(task, notebook, made)
    if run.skipped:  # a cell was stopped: once more, since the machine may have been busy
        run.end()
        run = _run_all(task, notebook, made)
    try:
        by_name = {run.given_of(cell).name: cell for cell in made.cells if run.given_of(cell)}
        passed = {name for name, points in run.earned.items() if points > 0}
        by_result = {name for name in passed if any(output.output_type == "execute_result" for output in by_name[name].outputs)}
        refusing, modules = run.refuses, set()
        if run.kernel is not None and run.kernel.alive:
            modules = set(run.kernel.run(MODULES).outputs[0].text.split())
    finally:
        run.end()
    failed = [cell.name for cell in notebook.cells if cell.is_check and cell.kind == "code" and cell.name not in passed]
    by_files = {name for name in failed if any(output.get("ename") == "NotHandedIn" for output in by_name[name].outputs)}
    refusing |= {(name, NO_FILES) for name in by_files}
    return {
        "canaries": frozenset(refusing), "by_result": frozenset(by_result), "modules": tuple(sorted(modules)),
        "failed": [name for name in failed if name not in by_files],
    }


def _run_all(task: Task, notebook: Notebook, made: NotebookNode) -> Run:
    run = Run(task, notebook, made, [], [])
    run.refused = None
    try:
        run.cells()
    except BaseException:
        run.end()
        raise
    return run

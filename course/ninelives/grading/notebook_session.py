"""One notebook, run through kernels: its cells in order, its points, and the known wrong answers."""

import re
import time
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import replace

from nbformat import NotebookNode
from nbformat.v4 import new_output

from ninelives.grading.assignment import Cell, Notebook
from ninelives.grading.canary import NO_FILES, canaries
from ninelives.grading.errors import KernelDied
from ninelives.grading.folders import remove
from ninelives.grading.kernel_pool import kernels, prepared
from ninelives.grading.outputs import Outcome
from ninelives.grading.submitted_files import make_place
from ninelives.grading.task import Task

RESTARTS = 3  # kernels that a notebook may lose before it is given up
SECOND_CHANCE = 0.1  # of a cell's time, for the checks of an exercise that has used one up
# What an output shows of the limits that a cell has run into without being stopped from outside.
REFUSALS = {
    r"Operation not permitted|Permission denied|PermissionError|cross-device link|raise maximum limit|\[Errno (1|13|18)\]": "it tried something that the sandbox does not allow",
    r"MemoryError|[Cc]an(no|')t allocate memory|\[Errno 12\]": "it wanted more memory than it may use",
    r"File too large|\[Errno 27\]": "it wrote a file larger than it may",
    r"can't start new thread|\[Errno 11\]": "it wanted more threads than it may start",
}


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

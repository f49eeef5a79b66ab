"""One notebook, run in kernels: its cells in order, the points of its checks, and the known wrong answers."""

import time
from dataclasses import replace
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_output

from ninelives.grading.assignment import Cell, Notebook
from ninelives.grading.errors import KernelDied
from ninelives.grading.folders import remove
from ninelives.grading.kernel_client import Kernel
from ninelives.grading.kernel_pool import kernel_server
from ninelives.grading.known_wrong_answers import try_known_wrong_answers
from ninelives.grading.outputs import Outcome, number_in, refusals
from ninelives.grading.submitted_files import make_run_folder, write_notebook
from ninelives.grading.task import ASK, Task
from ninelives.grading.written_files import written_files

MAX_DEAD_KERNELS = 3  # of a notebook, after which no more are started
SECOND_CHANCE = 0.1  # of a cell's time, for the other checks of an exercise that has used up its time once


class NotebookSession:
    """A notebook and its kernels, each in a fresh folder: usually one, and another one after each that dies.

    Args:
        task: the submission.
        notebook: as it was released.
        submitted: the repaired notebook, which gets its outputs here.
        notes: a list to which notes are added.
        files: the submitted files that the kernels see, relative to the submission.
    """

    def __init__(
        self, task: Task, notebook: Notebook, submitted: NotebookNode, notes: list, files: tuple[Path, ...]
    ) -> None:
        self.task, self.notebook, self.submitted, self.notes, self.files = task, notebook, submitted, notes, files
        self.released = {cell.name: cell for cell in notebook.cells if cell.name}
        self.by_result = task.by_result.get(notebook.name, frozenset())
        # The (check, kind) of wrong answers that an untouched kernel refuses; None while calibrate finds that out.
        self.must_refuse: frozenset[tuple[str, str]] | None = task.canaries.get(notebook.name, frozenset())
        self.refused: set[tuple[str, str]] = set()  # the wrong answers that were refused in this session
        self.tampered: dict[str | None, str] = {}  # exercises that earn nothing, with the reason
        self.earned: dict[str, float] = {}  # points of each check
        self.outcomes: dict[str, Outcome] = {}  # of each check
        self.slow: set[str] = set()  # exercises that have used up their time once
        self.deadly: set[str] = set()  # exercises in which a kernel died
        self.skipped: set[int] = set()  # cells that the next kernel does not run again
        self.retried: set[int] = set()  # cells whose kernel may have been killed by something else
        self.dead_kernels = 0
        self.started = time.monotonic()
        self.seconds = 0.0
        self.kernel = self.folder = None
        self.written: dict[Path, bytes] = {}  # files, relative to the submission
        self.left_out: list[str] = []  # sentences about files that are not kept

    def released_cell(self, cell: NotebookNode) -> Cell | None:
        return self.released.get(cell.metadata.get("nbgrader", {}).get("grade_id"))

    def exercise_of(self, check: Cell) -> str | None:
        return getattr(self.notebook.answer_of(check), "name", None)

    def start(self, upto: int) -> tuple[Kernel, Path]:
        """A kernel that has run the cells before `upto`, except cells that must be skipped, and its folder.

        Raises:
            KernelDied: a cell has killed it.
        """
        left = self.task.limits.notebook - (time.monotonic() - self.started)
        limits = replace(self.task.limits, notebook=max(left, 1.0))
        folder = make_run_folder(self.task.others, self.task.folder, self.files)
        kernel = None
        try:
            write_notebook(self.submitted, folder, self.notebook.name)
            server = kernel_server(self.task.course, self.task.modules, self.task.confined)
            kernel = server.start(folder, limits, self.task.confined)
            for index, cell in enumerate(self.submitted.cells[:upto]):
                if cell.cell_type == "code" and index not in self.skipped:
                    kernel.run(cell.source, pictures=False)
        except BaseException:
            if kernel is not None:
                kernel.end()
                self.seconds += kernel.used.get("seconds", 0.0)
            remove(folder)
            raise
        return kernel, folder

    def end(self) -> None:
        """End the kernel, keep the files that the notebook wrote, and remove the folder."""
        if self.kernel is not None:
            self.kernel.end()
            self.seconds += self.kernel.used.get("seconds", 0.0)
            self.kernel = None
        if self.folder is not None:
            self.written, self.left_out = written_files(self.task, self.notebook, self.folder / "submission", self.files)
            remove(self.folder)
            self.folder = None

    def run_cells(self) -> None:
        """Run all cells. Checks that pass earn their points, and known wrong answers are tried on them.

        Raises:
            KernelDied: only during calibration, if a check cannot be run on them.
        """
        by_hand = False  # whether the last named cell is graded by hand: someone looks at what it and those below it show
        untried: list[tuple[int, Cell]] = []  # checks that have passed since other code was run
        for index, cell in enumerate(self.submitted.cells):
            released = self.released_cell(cell)
            by_hand = by_hand if released is None else released.is_shown_to_a_grader
            if cell.cell_type != "code":
                continue
            check = released if released is not None and released.is_check else None
            if check is None:
                try_known_wrong_answers(self, untried)
                untried = []
            exercise = self.exercise_of(check) if check else None
            try:
                pictures = check is not None or by_hand or self.task.limits.pictures
                outcome = self.run(index, cell.source, exercise, pictures)
                if outcome.stopped:
                    self.note(released, exercise, f"was stopped: {outcome.stopped}.")
                    self.skipped.add(index)
                    if exercise:
                        self.slow.add(exercise)
                elif outcome.hides_error:
                    self.note(released, exercise, "ended with an error that its output does not show.")
                for reason in refusals(outcome) if self.task.confined else []:
                    self.note(released, exercise, f"{reason}.")
            except KernelDied as death:
                outcome = self.outcome
                self.skipped.add(index)
                if exercise:
                    self.deadly.add(exercise)
                self.note(released, exercise, f"did not run to its end: {death}.")
            self.store(cell, outcome)
            if check:
                self.outcomes[check.name] = outcome
                self.earned[check.name] = self.points(check, cell)
                if self.earned[check.name] > 0:
                    untried.append((index, check))
        try_known_wrong_answers(self, untried)

    def read_outputs(self) -> None:
        """Give points by the outputs that the notebook was handed in with, and run nothing."""
        for cell in self.submitted.cells:
            released = self.released_cell(cell)
            if released is not None and released.is_check and cell.cell_type == "code":
                number = number_in(cell.outputs)
                is_part = number is not None and 0 <= number <= released.points
                earned = self.points(released, cell)
                self.earned[released.name] = min(earned, number) if is_part else earned

    def run(self, index: int, source: str, exercise: str | None, pictures: bool) -> Outcome:
        """Run one cell, after starting a kernel if there is none. Raises KernelDied."""
        self.outcome = Outcome(error="DeadKernelError")
        if exercise in self.deadly:
            self.outcome.stopped = "not run, since a kernel died in this exercise before"
            raise KernelDied("a kernel died in this exercise before")
        if self.dead_kernels > MAX_DEAD_KERNELS:
            raise KernelDied(f"{self.dead_kernels} kernels have died in this notebook, and no more are started")
        if time.monotonic() - self.started > self.task.limits.notebook:
            raise KernelDied(f"the notebook ran for more than {self.task.limits.notebook:g} seconds")
        seconds = self.task.limits.cell * (SECOND_CHANCE if exercise in self.slow else 1)
        in_this_cell = False
        try:
            self.revive(index)
            in_this_cell = True
            return self.kernel.run(source, seconds, pictures)
        except KernelDied as death:
            if in_this_cell:
                self.outcome = self.kernel.outcome
            if death.from_outside and index not in self.retried:
                self.retried.add(index)
                return self.run(index, source, exercise, pictures)
            self.dead_kernels += 1
            raise

    def revive(self, index: int) -> None:
        """If there is no living kernel, start one that has run the cells before `index`. Raises KernelDied."""
        if self.kernel is None or not self.kernel.alive:
            self.end()
            self.kernel, self.folder = self.start(index)

    def store(self, cell: NotebookNode, outcome: Outcome) -> None:
        """Put the outputs into the notebook, and an error that they do not show."""
        cell.outputs, cell.execution_count = outcome.outputs, outcome.count
        name, words = outcome.error, outcome.stopped
        if not (outcome.hides_error or outcome.stopped):
            return
        if not outcome.hides_error:
            name = "CellTimeoutError"
        words = words or "the cell ended with an error that its output does not show"
        cell.outputs.append(new_output("error", ename=name, evalue=words, traceback=[f"{name}: {words}"]))

    def note(self, cell: Cell | None, exercise: str | None, what: str) -> None:
        """Note what happened to a cell: `what` begins with a verb."""
        subject = f"The cell {cell.name!r}" if cell else "An ungraded cell"
        self.notes.append((exercise or (cell.name if cell else None), f"{subject} {what}"))

    def points(self, check: Cell, cell: NotebookNode) -> float:
        """What a check has earned. Warnings on stderr cost nothing."""
        if any(output.output_type == "error" for output in cell.outputs):
            return 0.0
        if check.name in self.by_result:
            points = number_in(cell.outputs)
            if points is None or not 0 <= points <= check.points:
                self.note(check, None, "gave no number of points between 0 and its maximum, so it earns none.")
                return 0.0
            return points
        return check.points

    def refuse_tampered(self) -> None:
        """Take away the points of exercises whose checks accept known wrong answers."""
        for check in self.notebook.cells:
            if check.name in self.earned and self.exercise_of(check) in self.tampered:
                self.earned[check.name] = 0.0
        for exercise, reason in self.tampered.items():
            self.notes.append((exercise, f"No points for {exercise!r}: {reason}, so something in this notebook changed "
                                         f"the check.{ASK}"))

    def score(self, cell: Cell) -> float | None:
        """The points of a graded cell; None if someone has to grade it by hand."""
        if cell.is_check and cell.kind == "code":
            return self.earned.get(cell.name, 0.0)
        submitted = next(one for one in self.submitted.cells if self.released_cell(one) is cell)
        return None if submitted.source != cell.source or cell.metadata.get("task") else 0.0

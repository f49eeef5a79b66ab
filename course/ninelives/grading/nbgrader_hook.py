"""`nbgrader autograde` and the formgrader's Autograde button, with learners' code in the sandbox.

nbgrader_config.py names these two classes in c.Autograde. Submissions are then repaired, run and judged as ninelives-grade
does it, one after the other; points, comments and notebooks are the same.
"""

import atexit
import logging
import os
import sys
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbformat.v4 import new_notebook
from nbgrader.preprocessors import Execute

if sys.platform != "linux":
    raise ImportError(f"The sandbox needs Linux, and this is {sys.platform}: leave c.Autograde as nbgrader has it.")

from ninelives.grading import sandbox
from ninelives.grading.batch import Batch
from ninelives.grading.calibrate import calibrate
from ninelives.grading.grade import grade
from ninelives.grading.gradebook import with_notes
from ninelives.grading.kernel_pool import kernels
from ninelives.grading.kernel_server import Kernels
from ninelives.grading.settings import Sandbox
from ninelives.grading.submitted_files import places, sent_files
from ninelives.grading.task import Graded, Task

IDLE = 60.0  # seconds after which what forks kernels is ended, in a formgrader that may stay open for days

_calibrated: dict[tuple[str, str], dict] = {}
_at_work = threading.Lock()
_closing: threading.Timer | None = None


class LenientExporter(NotebookExporter):
    """Looks into no notebook: SandboxedExecute reads what was sent, which may be anything."""

    def from_file(self, file_stream, resources=None, **named):
        return self.from_notebook_node(new_notebook(), resources, **named)


class SandboxedExecute(Execute):
    """Takes the place of Execute and of all that nbgrader does before and after it with cells, points and penalties."""

    def preprocess(self, nb: NotebookNode, resources: dict, km=None) -> tuple[NotebookNode, dict]:
        """The graded notebook; its points and comments go into the gradebook.

        Raises:
            RuntimeError: learners' code cannot be confined here.
        """
        try:
            return with_notes(self._grade(resources["nbgrader"])), resources
        except BaseException:
            # nbgrader takes this back only where nothing fails, and a server with the formgrader would hand it to all its kernels.
            os.environ.pop("NBGRADER_EXECUTION", None)
            raise

    def _grade(self, names: dict) -> Graded:
        converter = self.parent.parent
        confined = not Sandbox(config=converter.config).unsafe
        batch = Batch(Path(converter.coursedir.root), names["assignment"], confined, autograde=converter)
        with closing(batch.gradebook):
            reason = confined and sandbox.missing()
            if reason:
                raise RuntimeError(f"Learners' code cannot be confined here: {reason}. To run it all the same, with all that you "
                                   "may do yourself, set c.Sandbox.unsafe = True.")
            [notebook] = [notebook for notebook in batch.notebooks if notebook.name == names["notebook"]]
            graded = {notebook.name: _graded(replace(batch.task(names["student"], {}), notebooks=(notebook,)), self.log)}
            batch.recorder.write_grades(names["student"], graded)
            _remove_links(batch, names["student"])
        result = graded[notebook.name]
        for _, words in result.notes:
            self.log.warning("%s: %s", names["student"], words)
        return result


def _graded(task: Task, log: logging.Logger) -> Graded:
    global _closing
    with _at_work:
        if _closing:
            _closing.cancel()
        [notebook] = task.notebooks
        known = (task.stamp, notebook.name)
        found = _calibrated.get(known) or calibrate(task)
        if found[notebook.name]["failed"]:  # perhaps only now: it is asked again for the next submission
            log.warning("Beware: the instructor's own %s fails its checks %s here.", notebook.name, ", ".join(found[notebook.name]["failed"]))
        else:
            _calibrated[known] = found
        [result] = grade(task.calibrated(found)).values()
        _closing = threading.Timer(IDLE, _close, [kernels(task.confined)])
        _closing.daemon = True
        _closing.start()
    return result


def _close(made: Kernels) -> None:
    with _at_work:
        made.close()


@atexit.register
def _close_at_once() -> None:
    if _closing:
        _closing.cancel()
        _closing.function(*_closing.args)


def _remove_links(batch: Batch, student: str) -> None:
    """nbgrader has copied what links of a submission lead to, and would hand that back with the feedback."""
    taken = places((notebook.name for notebook in batch.notebooks), batch.others)
    allowed = {place for _, place in sent_files(batch.folder(student), batch.limits.disk // 2, taken, [])} | taken
    final = Path(batch.course.format_path(batch.course.autograded_directory, student, batch.assignment))
    for path in final.rglob("*"):
        if path.is_file() and path.suffix != ".ipynb" and path.relative_to(final) not in allowed:
            path.unlink()

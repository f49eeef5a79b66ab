"""`nbgrader autograde` and the formgrader's Autograde button, with learners' code in the sandbox.

nbgrader_config.py names these two classes in c.Autograde. Submissions are then repaired, run and graded as by
ninelives-grade, one after the other; points, comments and notebooks are the same.
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
from ninelives.grading.calibrate import calibrate, complaint
from ninelives.grading.grade import grade
from ninelives.grading.gradebook import with_notes
from ninelives.grading.kernel_pool import kernel_server
from ninelives.grading.kernel_server import KernelServer
from ninelives.grading.settings import Sandbox
from ninelives.grading.task import Graded, Task
from ninelives.grading.written_files import write_files

IDLE = 60.0  # seconds after which the kernel server is ended; a formgrader may stay open for days

_calibrated: dict[tuple[str, str], dict] = {}
_at_work = threading.Lock()
_closing: threading.Timer | None = None


class LenientExporter(NotebookExporter):
    """Does not read the notebook: SandboxedExecute reads the submission, which may contain anything."""

    def from_file(self, file_stream, resources=None, **named):
        return self.from_notebook_node(new_notebook(), resources, **named)


class SandboxedExecute(Execute):
    """Replaces Execute, and all that nbgrader does before and after it with cells, points and penalties."""

    def preprocess(self, nb: NotebookNode, resources: dict, km=None) -> tuple[NotebookNode, dict]:
        """The graded notebook. Its points and comments go into the gradebook.

        Raises:
            RuntimeError: learners' code cannot be confined here.
        """
        try:
            return with_notes(self._grade(resources["nbgrader"])), resources
        except BaseException:
            # nbgrader only removes this if nothing fails, and the formgrader's server passes it on to all its kernels.
            os.environ.pop("NBGRADER_EXECUTION", None)
            raise

    def _grade(self, names: dict) -> Graded:
        converter = self.parent.parent
        confined = not Sandbox(config=converter.config).unsafe
        batch = Batch(Path(converter.coursedir.root), names["assignment"], confined, autograde=converter)
        with closing(batch.gradebook):
            reason = confined and sandbox.missing()
            if reason:
                raise RuntimeError(f"Learners' code cannot be confined here: {reason}. To run it anyway, with all your "
                                   "permissions, set c.Sandbox.unsafe = True.")
            [notebook] = [notebook for notebook in batch.notebooks if notebook.name == names["notebook"]]
            task = replace(batch.task(names["student"], {}), notebooks=(notebook,))
            result = _graded(task, batch.go_on, self.log)
            batch.recorder.write_grades(names["student"], {notebook.name: result})
            _remove_what_links_lead_to(batch, names["student"], result)
            write_files(result.written, batch.graded_folder(names["student"]))
        for _, words in result.notes:
            self.log.warning("%s: %s", names["student"], words)
        return result


def _graded(task: Task, go_on: bool, log: logging.Logger) -> Graded:
    global _closing
    with _at_work:
        if _closing:
            _closing.cancel()
        [notebook] = task.notebooks
        key = (task.stamp, notebook.name)
        found = _calibrated.get(key) or calibrate(task)
        if found[notebook.name]["failed"]:  # perhaps only this time: the next submission calibrates again
            words = complaint(notebook.name, found[notebook.name]["failed"])
            if not go_on:
                raise RuntimeError(f"{words}. Nothing was graded. Mend the checks, your answers or the settings; to grade "
                                   "all the same, set c.Course.go_on = True.")
            log.warning("Beware: %s.", words)
        else:
            _calibrated[key] = found
        [result] = grade(task.calibrated(found)).values()
        _closing = threading.Timer(IDLE, _close, [kernel_server(task.course, task.modules, task.confined)])
        _closing.daemon = True
        _closing.start()
    return result


def _close(server: KernelServer) -> None:
    with _at_work:
        server.close()


@atexit.register
def _close_at_once() -> None:
    if _closing:
        _closing.cancel()
        _closing.function(*_closing.args)


def _remove_what_links_lead_to(batch: Batch, student: str, result: Graded) -> None:
    """Remove the files that links led to: nbgrader has copied them, and would hand them out with the feedback."""
    allowed = {Path(name) for name in batch.others}.union(result.files)
    final = Path(batch.course.format_path(batch.course.autograded_directory, student, batch.assignment))
    for path in final.rglob("*"):
        if path.is_file() and path.suffix != ".ipynb" and path.relative_to(final) not in allowed:
            path.unlink()

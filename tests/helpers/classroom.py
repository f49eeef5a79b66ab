"""A class in a folder of its own, for the tests of grading: its notebook is small and has everything that grading meets."""

import json
import os
import shutil
import sys
from contextlib import chdir
from functools import cache
from io import StringIO
from logging import StreamHandler
from pathlib import Path
from subprocess import run
from tempfile import TemporaryDirectory
from unittest import mock

import nbformat
import pytest
from jupyter_core.application import NoStart
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader import api as gradebooks
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI, NbGraderApp
from nbgrader.utils import capture_log, temp_attrs
from traitlets.config.loader import PyFileConfigLoader

from ninelives.build import KERNEL, ROOT
from ninelives.grading.assignment import Cell, Notebook

NAME = "01-heads"
# nbgrader starts `alembic` by its name, as it can in an activated environment.
ACTIVATED = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
# It does so for each new gradebook, to ask for a version that stays the same as long as nbgrader does.
gradebooks.get_alembic_version = cache(gradebooks.get_alembic_version)

# Two exercises of notebook 2, the second with several checks, and a question in words.
SPLIT = "def split_heads(x, n_head):\n    B, T, C = x.shape\n    return x.reshape(B, T, n_head, C // n_head).transpose(1, 2)"
SOFTMAX = "def masked_softmax(scores, mask):\n    return scores.masked_fill(mask == 0, float('-inf')).softmax(dim=-1)"
WORDS = "Because the variance of a sum grows with the number of its terms."
ANSWERS = {"split-heads": SPLIT, "masked-softmax": SOFTMAX, "why-scale": WORDS}
POINTS = {"split-heads-shape": 1, "split-heads-values": 2, "masked-softmax-rows": 2, "masked-softmax-forms": 1, "why-scale": 2}


def cell(make, source, name=None, **metadata):
    made = make(source, id=name or f"plain-{abs(hash(source)) % 10**8}")
    if name:
        made.metadata.nbgrader = {"schema_version": 3, "grade_id": name, "task": False, "grade": False, "solution": False,
                                  "locked": False, **metadata}
    return made


def check(function, aspect, points, name):
    call = f'check.{function}({function}, "{aspect}"'
    source = f"{call})\n### BEGIN HIDDEN TESTS\n{call}, seed=1)\n### END HIDDEN TESTS"
    return cell(new_code_cell, source, name, grade=True, locked=True, points=points)


def answer(source, name):
    return cell(new_code_cell, f"### BEGIN SOLUTION\n{source}\n### END SOLUTION", name, solution=True)


def solved() -> nbformat.NotebookNode:
    cells = [
        new_markdown_cell("# Two heads", id="plain-1"),
        new_code_cell("import torch\nimport ninelives.checks.attention as check", id="plain-2"),
        answer(SPLIT, "split-heads"),
        check("split_heads", "shape", 1, "split-heads-shape"),
        check("split_heads", "values", 2, "split-heads-values"),
        new_markdown_cell("Now the weights.", id="plain-3"),
        answer(SOFTMAX, "masked-softmax"),
        check("masked_softmax", "rows add up to 1", 2, "masked-softmax-rows"),
        check("masked_softmax", "mask forms", 1, "masked-softmax-forms"),
        new_code_cell("masked_softmax(torch.zeros(2), torch.ones(2))", id="plain-4"),
        cell(new_markdown_cell, WORDS, "why-scale", grade=True, solution=True, points=2),
    ]
    return new_notebook(cells=cells, metadata={"kernelspec": KERNEL, "language_info": {"name": "python"}})


def toy_notebook() -> Notebook:
    """The same notebook as the engine sees it, made without nbgrader."""
    cells = []
    for one in solved().cells:
        metadata = dict(one.metadata.get("nbgrader", {}))
        source = "raise NotImplementedError()" if metadata.get("solution") else one.source
        cells.append(Cell(metadata.get("grade_id"), one.id, one.cell_type, source, source, one.source, metadata))
    return Notebook(NAME, tuple(cells), {})


def make_course(folder: Path, *settings: str) -> Path:
    """An instructor's folder with the assignment generated and no submissions; settings are lines for nbgrader_config.py."""
    if any("db_url" in line for line in settings):
        generate(folder, *settings)
    else:
        shutil.copytree(generated().name, folder, dirs_exist_ok=True)
        write_settings(folder, *settings)
    return folder


@cache
def generated() -> TemporaryDirectory:
    """A folder with the assignment generated, for copies: nbgrader takes seconds to generate one."""
    folder = TemporaryDirectory(prefix="ninelives-course-")
    generate(Path(folder.name))
    return folder


def generate(folder: Path, *settings: str) -> None:
    source = folder / "solutions" / NAME
    source.mkdir(parents=True)
    write_settings(folder, *settings)
    nbformat.write(solved(), source / f"{NAME}.ipynb")
    generate_assignment(folder, NAME)


def generate_assignment(course: Path, name: str) -> None:
    """What `nbgrader generate_assignment` does in the course's folder, without a new process."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PATH", ACTIVATED)
        patched.chdir(course)
        succeed(api(course).generate_assignment(name))


def write_settings(folder: Path, *settings: str) -> None:
    config = (ROOT / "nbgrader_config.py").read_text(encoding="utf-8")
    (folder / "nbgrader_config.py").write_text("\n".join([config, *settings, ""]), encoding="utf-8")


def make_deep(folder, depth):
    """`depth` folders in one another, by names relative to each: the whole path may be too long for the system."""
    at = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=at)
        below = os.open("d", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)


def released(course: Path) -> nbformat.NotebookNode:
    return nbformat.read(course / "release" / NAME / f"{NAME}.ipynb", as_version=4)


def filled(course: Path, answers: dict[str, str]) -> nbformat.NotebookNode:
    """The released notebook with these answers typed into it."""
    notebook = released(course)
    for one in notebook.cells:
        name = one.metadata.get("nbgrader", {}).get("grade_id")
        if name in answers:
            one.source = answers[name]
    return notebook


def send(course: Path, student: str, notebook, name: str = f"{NAME}.ipynb") -> Path:
    """Put a submission where `nbgrader collect` would: a notebook, text or bytes."""
    folder = course / "submitted" / student / NAME
    folder.mkdir(parents=True, exist_ok=True)
    data = notebook if isinstance(notebook, bytes) else notebook.encode() if isinstance(notebook, str) else json.dumps(notebook).encode()
    (folder / name).write_bytes(data)
    return folder


def api(course: Path) -> NbGraderAPI:
    """What the formgrader's own buttons do."""
    config = PyFileConfigLoader("nbgrader_config.py", path=str(course)).load_config()
    config.CourseDirectory.root = str(course)
    return NbGraderAPI(config=config)


def succeed(result: dict) -> None:
    """A button that was pressed says whether it worked."""
    assert result["success"], result.get("error", "") + result.get("log", "")


def exchange(api: NbGraderAPI, command: type, student: str, name: str, home: Path) -> None:
    """One of the commands of nbgrader's exchange that a student gives, in a folder of their own."""
    with temp_attrs(api.coursedir, student_id=student, assignment_id=name):
        run = command(coursedir=api.coursedir, authenticator=api.authenticator, parent=api)
        run.assignment_dir, run.cache = str(home), str(home / "cache")
        succeed(capture_log(run))


def nbgrader(course: Path, *arguments: str) -> str:
    done = run([sys.executable, "-m", "nbgrader", *arguments], cwd=course, env=os.environ | {"PATH": ACTIVATED},
               capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def nbgrader_here(folder: Path, *words: str, **environment: str) -> str:
    """`nbgrader …`, typed in `folder`, in this process: to import nbgrader takes longer than most of its commands. What it logged."""
    log = StringIO()
    app = NbGraderApp.instance()
    with chdir(folder), mock.patch.dict(os.environ, environment), mock.patch.object(sys, "path", [*sys.path]):
        try:
            app.initialize(list(words))
            app.init_logging(StreamHandler, [log], color=False, subapps=True)
            app.start()
        except NoStart:  # a subcommand has run
            pass
        except SystemExit as end:
            assert not end.code, log.getvalue()
        finally:
            app.reset()
    return log.getvalue()


def command(course: Path, *arguments: str, fails: int = 0):
    """ninelives-grade, as it is typed; what it printed."""
    done = run([sys.executable, "-W", "error::UserWarning", "-m", "ninelives.grading", NAME, "--workers", "1", *arguments],
               cwd=course, capture_output=True, text=True, timeout=600)
    assert done.returncode == fails, done.stdout + done.stderr
    return done


def grade_here(course: Path, workers, *students: str, force: bool = False, assignment: str = NAME) -> tuple[list, str]:
    """The same in this process: the results, and what was said."""
    from ninelives.grading.batch import Batch  # here, since all the rest is wanted without Linux, too
    from ninelives.grading.grade_class import grade_class

    said: list[str] = []
    batch = Batch(course, assignment)
    with batch.locked():
        results = grade_class(batch, workers, list(students) or batch.students(), force, said.append)
    batch.gradebook.close()
    return results, "\n".join(said)


WRONG_ORDER = "def split_heads(x, n_head):\n    B, T, C = x.shape\n    return x.reshape(B, n_head, T, C // n_head)"
CLASS = {
    "ada": (ANSWERS, 6),
    "bert": ({}, 0),
    "cleo": ({"split-heads": ANSWERS["split-heads"], "why-scale": "No idea."}, 3),
    "dan": (ANSWERS | {"split-heads": WRONG_ORDER}, 4),
    "eve": ({"masked-softmax": "this is no Python"}, 0),
}


def make_class(folder: Path) -> Path:
    """A course with the submissions of CLASS, which came in through the exchange."""
    course = make_course(folder)
    for student, (answers, _) in CLASS.items():
        folder = send(course, student, filled(course, answers))
        (folder / "timestamp.txt").write_text("2026-11-20 10:00:00 UTC")
    (course / "submitted" / "dan" / NAME / "notes.txt").write_text("mine")
    return course


def gradebook_of(course, assignment: str = NAME) -> dict:
    """Everything about the class that the formgrader, the feedback and the export read."""
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "ninelives") as gradebook:
        return {
            submission.student.id: {
                "score": submission.score, "most": submission.max_score, "manual": submission.needs_manual_grade,
                "late": submission.total_seconds_late, "when": submission.timestamp,
                "grades": {(n.name, g.name): (g.auto_score, g.manual_score, g.extra_credit, g.needs_manual_grade)
                           for n in submission.notebooks for g in n.grades},
                "comments": {(n.name, c.name): (c.auto_comment, c.manual_comment) for n in submission.notebooks for c in n.comments},
                "penalties": [n.late_submission_penalty for n in submission.notebooks],
            }
            for submission in gradebook.assignment_submissions(assignment)
        }


def cells_of(course: Path, student: str) -> list:
    """The cells of a graded notebook, which must be valid."""
    notebook = nbformat.read(course / "autograded" / student / NAME / f"{NAME}.ipynb", as_version=4)
    nbformat.validate(notebook)
    return notebook.cells

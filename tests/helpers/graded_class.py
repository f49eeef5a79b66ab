"""A class that is graded already, written straight into a gradebook and autograded/: no kernel, no nbgrader command. And a reader of its pages."""

import json
import os
import random
from html.parser import HTMLParser
from pathlib import Path
from unittest import mock

from nbgrader.api import Comment, Grade, Gradebook, Student, SubmittedAssignment, SubmittedNotebook

from helpers.classroom import ACTIVATED

ASSIGNMENT = "02-attention"
STUB = "def {0}(x):\n    raise NotImplementedError()\n"
SETTINGS = 'c = get_config()\nc.CourseDirectory.source_directory = "solutions"\nc.Report.follow_up = "first fix what the check"\n'
Exercises = dict[str, list[tuple[str, float]]]  # each with the suffixes of its checks and their points
Failures = dict[str, tuple[str, str]]  # of an exercise: suffix of the check, name and message of the error
Work = dict[str, tuple[str, Failures]]  # for each exercise that was tried the answer and what failed

EXERCISES = {
    "split_heads": [("shape", 1), ("values", 2)],
    "attention_scores": [("values", 1), ("scale", 1)],
    "masked_softmax": [("rows", 1), ("mask-forms", 2)],
    "attention": [("values", 2), ("weights-kept", 1)],
    "module": [("layers", 1), ("values", 3), ("dtypes", 1)],
    "dropout": [("training", 2), ("evaluation", 1)],
}
CAUSES = {
    "split_heads": ["the order of positions and heads is wrong: reshape to (B, T, n_head, head_size) first, then transpose.",
                    "heads were cut from the positions, not from the channels."],
    "attention_scores": ["the scores were divided by head_size: divide by its square root.",
                         "the scores are not divided by the square root of head_size."],
    "masked_softmax": ["the mask was applied after the softmax, so the rows add up to {} instead of 1.",
                       "the softmax runs over the queries: use dim=-1."],
    "attention": ["the weights were multiplied with the keys instead of the values."],
    "module": ["a new layer is made in forward: use the one in `__init__`.", "the heads were not joined before the projection."],
    "dropout": ["dropout also acts in eval mode: use nn.Dropout, or pass `training=self.training`."],
}


def named(check: str, cause: str, ename: str = "CheckFailed") -> tuple[str, str]:
    """An error as this course's checks word it."""
    return ename, f"\n  seen:   the check {check} saw something else.\n  wanted: what the exercise says.\n  likely: {cause}"


def made_class(size: int, seed: int = 0) -> dict[str, Work]:
    """A class in which some know more than others, some stop early, and many share a cause."""
    draw = random.Random(seed)
    learners = {}
    for number in range(size):
        skill, work = draw.gauss(0.6, 0.25), {}
        for place, (exercise, checks) in enumerate(EXERCISES.items()):
            if place and draw.random() > 0.93 + 0.1 * skill:
                break
            failures = {}
            if draw.random() > skill + 0.25 - 0.04 * place:
                cause = draw.choice(CAUSES[exercise] + CAUSES[exercise][:1]).format(f"{draw.uniform(0.2, 0.9):.4f}")
                first = draw.randrange(len(checks))
                for at, (suffix, _) in enumerate(checks[first:]):
                    failures[suffix] = named(suffix, cause if at == 0 else f"first fix what the check {checks[first][0]!r} reports.")
            elif draw.random() < 0.05:
                failures[checks[0][0]] = ("NameError", f"name 'x{number}' is not defined")
            work[exercise] = f"def {exercise}(x):\n    return x  # {number}\n", failures
        learners[f"s{number:03}"] = work
    return learners


def make_graded_class(
    folder: Path, learners: dict[str, Work], exercises: Exercises = EXERCISES, assignment: str = ASSIGNMENT,
    people: dict[str, dict] | None = None, notes: dict[str, list[str]] | None = None,
) -> Path:
    """Write the folder of a class; a second call in the same folder adds an assignment.

    Args:
        people: columns of a learner in the gradebook, such as first_name and email.
        notes: those at the top of a learner's graded notebook.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nbgrader_config.py").write_text(SETTINGS)
    with mock.patch.dict(os.environ, PATH=ACTIVATED), Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
        notebook = _released(gradebook, exercises, assignment)
        for student in learners:
            if not gradebook.db.get(Student, student):
                gradebook.db.add(Student(id=student, **(people or {}).get(student, {})))
        checks = [(cell.id, *cell.name.split("-", 1), cell.max_score) for cell in notebook.grade_cells]
        answers = [cell.id for cell in notebook.solution_cells]
        for student, work in learners.items():
            grades = [Grade(cell_id=cell, needs_manual_grade=False,
                            auto_score=points if exercise in work and suffix not in work[exercise][1] else 0.0)
                      for cell, exercise, suffix, points in checks]
            comments = [Comment(cell_id=cell) for cell in answers]
            submitted = SubmittedNotebook(notebook_id=notebook.id, grades=grades, comments=comments)
            gradebook.db.add(SubmittedAssignment(assignment_id=notebook.assignment_id, student_id=student, notebooks=[submitted]))
            _write(folder, student, assignment, _graded(work, exercises, (notes or {}).get(student, [])))
        gradebook.db.commit()
    return folder


def _released(gradebook: Gradebook, exercises: Exercises, assignment: str):
    gradebook.add_assignment(assignment)
    notebook = gradebook.add_notebook(assignment, assignment)
    for exercise, checks in exercises.items():
        gradebook.add_solution_cell(exercise, assignment, assignment)
        gradebook.add_source_cell(exercise, assignment, assignment, source=STUB.format(exercise), cell_type="code", locked=False)
        for suffix, points in checks:
            name = f"{exercise}-{suffix}"
            gradebook.add_grade_cell(name, assignment, assignment, max_score=points, cell_type="code")
            gradebook.add_source_cell(name, assignment, assignment, source=f"check.{exercise}()", cell_type="code", locked=True)
    return notebook


def _graded(work: Work, exercises: Exercises, notes: list[str]) -> list[dict]:
    cells = []
    if notes:
        lines = "\n".join(f"- {words}" for words in notes)
        cells.append({"cell_type": "markdown", "id": "ninelives-notes", "metadata": {}, "source": f"**Notes from grading**\n\n{lines}"})
    for exercise, checks in exercises.items():
        source, failures = work.get(exercise, (STUB.format(exercise), {}))
        cells.append(_cell(exercise, source, solution=True))
        for suffix, _ in checks:
            failed = failures.get(suffix) if exercise in work else ("NotImplementedError", "")
            cells.append(_cell(f"{exercise}-{suffix}", f"check.{exercise}()", failed, grade=True))
    return cells


def _cell(name: str, source: str, failed: tuple[str, str] | None = None, **roles: bool) -> dict:
    outputs = []
    if failed:
        ename, evalue = failed
        outputs = [{"output_type": "error", "ename": ename, "evalue": evalue, "traceback": evalue.split("\n")}]
    return {"cell_type": "code", "id": name, "metadata": {"nbgrader": {"grade_id": name, **roles}},
            "source": source.splitlines(keepends=True), "outputs": outputs, "execution_count": None}


def _write(folder: Path, student: str, assignment: str, cells: list[dict]) -> None:
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}
    for place in ("submitted", "autograded"):
        (folder / place / student / assignment).mkdir(parents=True, exist_ok=True)
        (folder / place / student / assignment / f"{assignment}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")


class Tags(HTMLParser):
    """The tags of a page with their attributes, and the text outside of them."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

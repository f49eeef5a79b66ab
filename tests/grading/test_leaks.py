"""The search of each module's classes for solutions and hidden lines, in tests/helpers/leaks.py: what it finds, and what is no leak."""

import html
import shutil
from copy import deepcopy

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from helpers.leaks import leaks
from helpers.plain_course import answer, by_hand, check, given

SOLUTION, HIDDEN, MODEL = "def double(x): return x + x", "assert double(21) == 42", "Because doubling adds a number to itself."
SOURCE = [answer(SOLUTION, "double"), check(f"assert double(2) == 4\n### BEGIN HIDDEN TESTS\n{HIDDEN}\n### END HIDDEN TESTS", "double-check"),
          by_hand(MODEL, "why", new_markdown_cell), given("print('a plain cell')")]


@pytest.fixture
def course(tmp_path):
    """A class of two, graded: ada sent the solution, bert another answer. It is removed, since the search would find it."""
    write(tmp_path / "source" / "ps1" / "p1.ipynb", SOURCE)
    write(tmp_path / "release" / "ps1" / "p1.ipynb", [new_code_cell("# YOUR CODE HERE"), new_code_cell("assert double(2) == 4"), SOURCE[3]])
    for student, sent in (("ada", SOLUTION), ("bert", "def double(x): return 2 * x")):
        cells = [answer(sent, "double"), deepcopy(SOURCE[1]), SOURCE[3]]
        cells[1].outputs = [new_output("error", ename="AssertionError", evalue="", traceback=[f"----> 4 {HIDDEN}"])]
        for step in ("submitted", "autograded"):
            write(tmp_path / step / student / "ps1" / "p1.ipynb", cells if step == "autograded" else cells[:1])
        page(tmp_path, student, sent)
    yield tmp_path
    for path in tmp_path.iterdir():
        shutil.rmtree(path)


def write(path, cells) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=cells), path)


def page(course, student, text) -> None:
    """A feedback page, with colours."""
    path = course / "feedback" / student / "ps1" / "p1.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("<pre>" + " ".join(f"<span class='k'>{html.escape(word)}</span>" for word in text.split(" ")) + "</pre>")


def test_a_learners_own_answer_and_the_checks_of_a_graded_notebook_are_no_leak(course):
    assert leaks([course]) == []


@pytest.mark.parametrize(("leak", "line"), [
    (lambda course: page(course, "bert", f"x {SOLUTION} y"), SOLUTION), (lambda course: page(course, "bert", HIDDEN), HIDDEN),
    (lambda course: page(course, "ada", HIDDEN), HIDDEN), (lambda course: page(course, "bert", MODEL), MODEL),
    (lambda course: write(course / "autograded" / "bert" / "ps1" / "p1.ipynb", [new_code_cell(SOLUTION)]), SOLUTION),
    (lambda course: write(course / "autograded" / "bert" / "ps1" / "p1.ipynb", [new_code_cell(HIDDEN)]), HIDDEN),
    (lambda course: write(course / "autograded" / "bert" / "ps1" / "p1.ipynb", [new_code_cell(outputs=[new_output("stream", text=f"> {HIDDEN}\n")])]), HIDDEN),
    (lambda course: (course / "autograded" / "bert" / "ps1" / "log.txt").write_text(f"1 {HIDDEN}\n"), HIDDEN),
    (lambda course: write(course / "release" / "ps1" / "p1.ipynb", [new_code_cell(HIDDEN)]), HIDDEN),
])
def test_a_line_that_reaches_a_learner_is_found_with_its_file(course, leak, line):
    leak(course)
    [found] = leaks([course])
    assert found.endswith(f"shows {line!r}") and found.startswith(str(course))

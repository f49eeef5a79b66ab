"""What nbgrader does with notebooks that others wrote, the engine does too: one made course with a notebook for each pattern."""

import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from helpers.classroom import nbgrader_here
from helpers.plain_course import (
    NAME,
    answer,
    by_hand,
    check,
    exercises,
    given,
    grade,
    graded,
    graded_cell,
    hand_in,
    make_course,
    points,
)
from ninelives.grading import sandbox
from ninelives.grading.assignment import Notebook
from ninelives.grading.errors import CannotStart
from ninelives.grading.python_only import refuse_other_languages

pytestmark = pytest.mark.skipif(sandbox.missing() is not None, reason=f"no sandbox here: {sandbox.missing()}")

SETTINGS = """
from ninelives.grading.feedback import HideHiddenChecks
from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbgrader.preprocessors import GetGrades
c.ClearSolutions.enforce_metadata = False
c.IncludeHeaderFooter.header = "source/header.ipynb"
c.GenerateFeedback.preprocessors = [GetGrades, HideHiddenChecks, CSSHTMLHeaderPreprocessor]
"""
ENDS = ("'All tests passed!'", "[1, 2]", "f(2) == 4", "{'a': 1}", "f(2) == 4;", "type('Own', (), {})()", "-3")
SECRET_ANSWER, SECRET_TEST = "solved_by_the_instructor = 12345", "assert solved == 'a hidden line'"
PLOT = "class Plot:\n    def _repr_png_(self): return b'\\x89PNG'\nPlot()"
NOTEBOOKS = {
    "values": [answer("def f(x): return 2 * x", "f"), *(check(f"assert f(2) == 4\n{end}", f"f-{number}") for number, end in enumerate(ENDS)),
               check("2.5 if f(3) == 6 else 0.5", "f-part", points=3)],
    "old": [given("n = 10  # choose your own"), new_code_cell(""), *exercises(("m = n", "assert n > 5")), check("assert m == n and n in (10, 20)", "n")],
    "chosen": [given("n = 10  # choose your own"), *exercises(("m = n", "assert n > 15 or m == n"))],
    "leak": [given("x = 1"), given(f"### BEGIN SOLUTION\n{SECRET_ANSWER}\n### END SOLUTION"),
             *exercises(("solved = 'a hidden line'", f"assert solved_by_the_instructor\n### BEGIN HIDDEN TESTS\n{SECRET_TEST}\n### END HIDDEN TESTS"))],
    "tasks": [given("x = 1"), graded_cell(new_markdown_cell, "Plot it below.", "plot", task=True, locked=True, points=2),
              given(PLOT), by_hand(PLOT, "by-hand", new_code_cell), *exercises(("y = 1", "assert y")), given(f"{PLOT}  # ungraded")],
    "files": exercises(("open('figure.txt', 'w').write('drawn')", "import os\nassert os.path.exists('figure.txt')\n### BEGIN HIDDEN TESTS\n"
                        "assert open('figure.txt').read() == 'drawn'\n### END HIDDEN TESTS")),
    "jupyter": exercises(("shell = get_ipython()", "assert 'IPKernelApp' in shell.config and type(shell).__name__ == 'ZMQInteractiveShell'\n"
                          "assert shell.kernel is not None")),
}


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    folder = tmp_path_factory.mktemp("course")
    header = nbformat.v4.new_notebook(cells=[graded_cell(new_markdown_cell, "Hand it in by Friday.", "head", locked=True)])
    (folder / "source").mkdir()
    nbformat.write(header, folder / "source" / "header.ipynb")
    course = make_course(folder, NOTEBOOKS, SETTINGS)
    hand_in(course, "right", change=lambda notebook: fill(notebook, "solved_by_the_instructor", SECRET_ANSWER))
    hand_in(course, "other", OTHER, change)
    grade(course)
    return course


def fill(notebook, start: str, source: str) -> None:
    """Write into the plain cell that stands for the instructor's unnamed solution."""
    for cell in notebook.cells:
        if not cell.metadata.get("nbgrader") and "YOUR CODE" in cell.source:
            cell.source = source


OTHER = {"f": "def f(x): return 4", "task-0": "m = globals().get('n'); solved = open('hidden.txt', 'w').write(''.join(get_ipython().history_manager.input_hist_raw)); y = 0\n"}


def change(notebook) -> None:
    """The learner deletes the cell with the instructor's unnamed solution, and chooses another number."""
    notebook.cells = [cell for cell in notebook.cells if "YOUR CODE" not in cell.source or cell.metadata.get("nbgrader")]
    for cell in notebook.cells:
        cell.source = cell.source.replace("n = 10  # choose", "n = 20  # choose")


def test_a_check_that_ends_in_no_number_has_full_points_and_one_that_does_has_so_many(course):
    assert {name: score for name, score in points(course)["right"].items() if name.startswith("values/")} == {
        **{f"values/f-{number}": 1 for number in range(len(ENDS))}, "values/f-part": 2.5}
    assert points(course)["other"]["values/f-part"] == 0.5


def test_a_notebook_without_ids_keeps_what_the_learner_changed(course):
    assert points(course)["other"]["old/n"] == 1 and points(course)["right"]["old/n"] == 1
    assert "missing" not in json.dumps(graded(course, "right", "old"))


def test_a_check_that_depends_on_a_plain_cell_accuses_nobody_who_changed_that_cell(course):
    """With n = 20 the check passes whatever m is; with the answers alone, n is 10."""
    assert points(course)["other"]["chosen/task-0-check"] == points(course)["right"]["chosen/task-0-check"] == 1
    notes = graded(course, "other", "chosen").cells[0].source
    assert "The points for 'task-0' are those of your answers alone, with all other cells as they were given out" in notes
    assert "No points" not in notes


def test_a_cell_that_is_put_back_is_the_released_one(course):
    cells = [cell.source for cell in graded(course, "other", "leak").cells]
    assert any("YOUR CODE" in source for source in cells) and not any(SECRET_ANSWER in source for source in cells)
    assert points(course)["other"]["leak/task-0-check"] == 0 and points(course)["right"]["leak/task-0-check"] == 1


def test_no_solution_and_no_hidden_line_reaches_a_learner(course):
    nbgrader_here(course, "generate_feedback", NAME)
    pages = list((course / "feedback").rglob("*.html"))
    assert len(pages) == 2 * len(NOTEBOOKS)
    for path in [*pages, *(path for path in (course / "feedback").rglob("*") if path.is_file())]:
        text = path.read_text(errors="replace")
        assert "a hidden line" not in text or path.parts[-3] == "right", path  # who is right has written that text
        assert SECRET_ANSWER not in text or path.parts[-3] == "right", path
        assert "BEGIN HIDDEN" not in text and "assert open('figure.txt')" not in text, path


def test_a_task_has_no_comment_that_nobody_responded(course):
    from nbgrader.api import Gradebook
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "plain") as gradebook:
        assert gradebook.find_comment("plot", "tasks", NAME, "other").auto_comment is None
        assert gradebook.find_comment("by-hand", "tasks", NAME, "other").auto_comment == "No response."


def test_a_header_with_cells_of_nbgrader_is_part_of_the_notebook(course):
    assert graded(course, "right", "values").cells[0].source == "Hand it in by Friday."


def test_what_is_graded_by_hand_is_drawn_and_nothing_else(course):
    drawn = [cell.source for cell in graded(course, "right", "tasks").cells
             if any("image/png" in output.get("data", {}) for output in cell.get("outputs", []))]
    assert len(drawn) == 2 and not any("ungraded" in source for source in drawn)


def test_files_that_a_notebook_wrote_are_kept_without_those_that_show_hidden_lines(course):
    right, other = (course / "autograded" / student / NAME for student in ("right", "other"))
    assert (right / "figure.txt").read_text() == "drawn"
    assert not (course / "submitted" / "right" / NAME / "figure.txt").exists() and not (other / "figure.txt").exists()


def test_a_notebook_in_another_language_and_an_unknown_kernel_are_refused():
    for spec, words in (({"name": "ir", "language": "R"}, "is in R, and"), ({"name": "blah", "language": "blah"}, "the kernel 'blah'")):
        with pytest.raises(CannotStart, match=words):
            refuse_other_languages((Notebook("p1", (), {"kernelspec": spec}),))
    with pytest.raises(CannotStart, match="the kernel 'julia-1.9'"):
        refuse_other_languages((Notebook("p1", (), {}),), "julia-1.9")
    refuse_other_languages((Notebook("p1", (), {"kernelspec": {"name": "my-env", "language": "python"}}), Notebook("p2", (), {})))


def test_options_choose_notebooks_learners_and_gradebook_and_unknown_ones_are_refused(course):
    said = grade(course, "--notebook", "values", "--student", "other", "--force")
    assert "other" in said and points(course)["right"]["leak/task-0-check"] == 1
    assert len(list((course / "autograded" / "other" / NAME).glob("*.ipynb"))) == len(NOTEBOOKS)
    assert "no notebook 'there-is-none'" in grade(course, "--notebook", "there-is-none", fails=2)
    assert "c.Execute.timeout_func = 'x' has no effect" in grade(course, "--Execute.timeout_func=x", fails=2)
    assert "unrecognized argument: --nonsense" in grade(course, "--nonsense", fails=2)
    assert "elsewhere.db" in grade(course, "--db", f"sqlite:///{course}/elsewhere.db", fails=2)
    hand_in(course, "stranger")
    assert "Not in the gradebook" in grade(course, "--Autograde.create_student=False", "--CourseDirectory.student_id=str*", fails=1)
    assert "stranger" not in points(course)


def test_without_running_anything_points_come_from_the_outputs_that_were_handed_in(course):
    def claim(notebook):
        for cell in notebook.cells:
            if cell.metadata.get("nbgrader", {}).get("grade_id") == "f-part":
                cell.outputs = [nbformat.v4.new_output("execute_result", data={"text/plain": "1.5"}, execution_count=1)]
            elif cell.metadata.get("nbgrader", {}).get("grade_id") == "f-0":
                cell.outputs = [nbformat.v4.new_output("error", ename="AssertionError", evalue="", traceback=["no"])]

    hand_in(course, "claims", {}, claim)
    assert "Nothing is run" in grade(course, "--no-execute", "--student", "claims", "--notebook", "values")
    assert [points(course)["claims"][f"values/{name}"] for name in ("f-part", "f-0", "f-1")] == [1.5, 0, 1]


def test_grading_stops_if_the_instructors_own_answers_fail_unless_told_to_go_on(tmp_path):
    course = make_course(tmp_path, {"p1": exercises(("x = 1", "assert x == 2, 'x is ' + str(x)"))})
    hand_in(course, "ada")
    said = grade(course, fails=2)
    assert "own p1 fails its checks task-0-check here (task-0-check: AssertionError: x is 1)" in said and "add --go-on" in said
    assert points(course) == {}
    assert "Beware: The instructor's own p1" in grade(course, "--go-on") and points(course) == {"ada": {"p1/task-0-check": 0}}

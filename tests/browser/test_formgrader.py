"""A class from the exchange to the feedback that comes back: two learners and an instructor on one machine."""

import html
import os
import re
import subprocess
import sys

import nbformat
import pytest
from nbgrader.api import Gradebook
from playwright.sync_api import expect

from helpers.classroom import ANSWERS, NAME, api, filled, grade_here, make_course, send, succeed
from helpers.loopback import serving
from ninelives.grading.workers import Workers

# nbgrader's own, and harmless.
pytestmark = pytest.mark.filterwarnings("ignore:Passing unrecognized arguments:DeprecationWarning")

FORMULA = r"Divided by $\tfrac{1}{\sqrt{d}}$, and $\nonsense$."
TABLE = "\n\n| in | out |\n|---|---|\n| scores | weights |\n"
COMMENT = "Well said. Which variance, of *which* sum?"
LEARNERS = {"ada": (ANSWERS, 6), "bert": ({"split-heads": "def split_heads(x, n_head): return x", "why-scale": FORMULA + TABLE}, 0)}


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    return make_course(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="module")
def instructor(course, activated):
    return api(course)


@pytest.fixture(scope="module")
def as_learner(course, tmp_path_factory):
    """Runs an nbgrader command as one of the learners, each with a name and a home of their own; gives the home."""
    homes = tmp_path_factory.mktemp("homes")

    def run(learner, command):
        (homes / learner).mkdir(exist_ok=True)
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", command, NAME, "--course", "ninelives", f"--Exchange.root={course / 'exchange'}",
             f"--CourseDirectory.student_id={learner}"],
            cwd=homes / learner, env=os.environ | {"HOME": str(homes / learner)},
            capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return homes / learner

    return run


@pytest.fixture(scope="module")
def workers():
    workers = Workers(1)
    yield workers
    workers.close()


@pytest.fixture(scope="module")
def graded(instructor, as_learner, course, workers):
    succeed(instructor.release_assignment(NAME))
    for learner, (answers, _) in LEARNERS.items():
        home = as_learner(learner, "fetch_assignment")
        nbformat.write(filled(course, answers), home / NAME / f"{NAME}.ipynb")
        as_learner(learner, "submit")
    succeed(instructor.collect(NAME))
    lines, _ = grade_here(course, workers)
    return {line.student: line.score for line in lines}


def test_what_learners_submitted_is_graded(graded):
    assert graded == {learner: points for learner, (_, points) in LEARNERS.items()}


def gradebook_of(course):
    return Gradebook(f"sqlite:///{course / 'gradebook.db'}", "ninelives")


@pytest.fixture(scope="module")
def shown(graded, course, page, tmp_path_factory):
    """Bert's submission, open in the instructor's formgrader."""
    settings = tmp_path_factory.mktemp("jupyter")
    with serving([sys.executable, "-m", "jupyterlab", "--allow-root"], course, settings):
        address, token = re.search(r"(http://127\S+)/lab\?token=(\w+)", (settings / "lab.log").read_text()).groups()
        page.request.get(f"{address}/?token={token}")  # logs in, as opening JupyterLab does
        with gradebook_of(course) as gradebook:
            [notebook] = gradebook.find_submission(NAME, "bert").notebooks
        page.goto(f"{address}/formgrader/submissions/{notebook.id}/")
        page.wait_for_function("formgrader.loaded && formgrader.grades.loaded && formgrader.comments.loaded")
        yield page


def test_formulas_are_drawn_without_the_web(shown):
    assert shown.locator(".nbgrader_cell img").evaluate_all("images => images.map(i => [i.alt, i.naturalHeight > 5])") == [
        [r"\tfrac{1}{\sqrt{d}}", True]]
    expect(shown.get_by_text(r"$\nonsense$")).to_be_visible()


def test_the_columns_of_a_table_have_space_between_them(shown):
    [gap] = shown.locator(".nbgrader_cell td", has_text="scores").evaluate_all("cells => cells.map(c => getComputedStyle(c).paddingRight)")
    assert float(gap.removesuffix("px")) > 8


@pytest.fixture(scope="module")
def commented(shown):
    """The instructor goes with the Tab key to bert's words, gives points for them, and comments on them."""
    def saved(what):
        return shown.expect_response(lambda answer: f"/formgrader/api/{what}/" in answer.url and answer.request.method == "PUT")

    shown.locator("#why-scale").fill("0.5")
    with saved("grade") as grade:
        shown.keyboard.press("Tab")
    shown.keyboard.press("Tab")  # past the extra credit
    shown.keyboard.type(COMMENT)
    with saved("comment") as comment:
        shown.keyboard.press("Escape")  # leaves the field, which saves it
    assert grade.value.ok and comment.value.ok
    return shown


def test_points_and_a_comment_given_by_hand_are_kept_when_the_class_is_graded_again(commented, course, workers):
    grade_here(course, workers, force=True)
    with gradebook_of(course) as gradebook:
        assert gradebook.find_submission(NAME, "bert").score == 0.5
        assert gradebook.find_comment("why-scale", NAME, NAME, "bert").manual_comment == COMMENT


def test_the_feedback_comes_back_to_each_learner_and_to_no_other(commented, instructor, as_learner, course, workers):
    send(course, "anna", filled(course, ANSWERS))  # by mail: no page of hers can go out, nor keep the others'
    grade_here(course, workers)
    for learner in [*LEARNERS, "anna"]:
        generated = instructor.generate_feedback(NAME, learner)
        succeed(generated)
        assert "not recognized" not in generated["log"]
    succeed(instructor.release_feedback(NAME))
    pages = {}
    for learner in LEARNERS:
        [file] = (as_learner(learner, "fetch_feedback") / NAME).rglob(f"{NAME}.html")
        pages[learner] = file.read_text(encoding="utf-8")
    texts = {learner: html.unescape(re.sub(r"<[^>]*>", "", page)) for learner, page in pages.items()}
    assert "(Score: 6.0 / 8.0)" in texts["ada"] and "(Score: 0.5 / 8.0)" in texts["bert"]
    assert COMMENT.replace("*", "") in texts["bert"] and COMMENT.replace("*", "") not in texts["ada"]
    assert not any("seed=1" in text or "HIDDEN" in text for text in texts.values())
    assert not any(re.search(r"""(src|href)=["']?(https?:)?//""", page) for page in pages.values())

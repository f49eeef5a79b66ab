"""A class is graded with plain nbgrader, from release to returned feedback, in a course folder of its own."""

import csv
import html
import json
import re
import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from nbgrader.plugins import CsvExportPlugin
from nbgrader.validator import Validator

from helpers import classroom
from helpers.classroom import exchange, succeed
from helpers.loopback import serving
from helpers.submissions import fill, graded_cells, solutions
from ninelives.build import ROOT, marked_lines
from ninelives.checks.embeddings import sizes

NAMES = sorted(path.name for path in (ROOT / "solutions").iterdir())
FULL = {name: sum(cell.metadata.nbgrader.get("points", 0) for cell in graded_cells(
    nbformat.read(ROOT / "solutions" / name / f"{name}.ipynb", as_version=4)).values()) for name in NAMES}

# nbgrader's own, and harmless.
pytestmark = [pytest.mark.skipif(sys.platform == "win32", reason="nbgrader's exchange does not work on Windows"),
              pytest.mark.filterwarnings("ignore:Object of type <Submitted"),
              pytest.mark.filterwarnings("ignore:Passing unrecognized arguments:DeprecationWarning")]

# Right for the size that the visible check uses and for no other, and curious about who is calling.
MEMORISED = f'''\
def position_indices(idx):
    print(get_ipython().user_ns["In"][-1])
    B, T = idx.shape
    return torch.arange(T).expand(B, T) * int(T == {sizes(0)[1]})
'''


def solved(name):
    return solutions(ROOT / "solutions" / name / f"{name}.ipynb")


WITHOUT_DROPOUT = re.sub(r"self\.\w+_dropout\(", "(", solved("02-attention")["multi-head-self-attention"])

# Counts positions by itself, so that the mistake in position_indices costs nothing here.
PADDING_LOOKED_UP = solved("01-embeddings")["embedding"].replace(".clamp(min=0)", "").replace(
    "position_indices(idx)", "torch.arange(idx.shape[1])")

# What each student types, and the points it deserves. That the checks of the other notebooks pass, the hidden ones too,
# is seen in test_notebooks.py; notebook 9 with its training is graded in grading/test_handed_in.py.
CLASS = {
    ("solved", name): (solved(name), FULL[name]) for name in ("01-embeddings", "02-attention")
} | {
    # That no check of the others passes unwritten is seen in test_notebooks.py.
    ("untouched", "01-embeddings"): ({}, 0),
    ("half-done", "01-embeddings"): ({"position-indices": solved("01-embeddings")["position-indices"]}, 2),
    ("memoriser", "01-embeddings"): ({"position-indices": MEMORISED}, 1),
    ("mistaken", "01-embeddings"): (solved("01-embeddings") | {
        "position-indices": "def position_indices(idx): return torch.ones_like(idx).cumsum(1)",  # 1 of 2: the values
        "embedding": PADDING_LOOKED_UP,  # 4 of 5: the padding
        "concatenate": "def concatenate(token, position): return torch.cat((position, token), dim=-1)",  # 0 of 1
    }, 6),
    ("half-done", "02-attention"): ({part: solved("02-attention")[part] for part in ("split-heads", "merge-heads")}, 3),
    ("mistaken", "02-attention"): (solved("02-attention") | {
        "multi-head-self-attention": WITHOUT_DROPOUT,  # 7 of 9: the dropout
    }, 17),
}


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """An instructor's empty folder with the course's notebooks and settings put in."""
    course = tmp_path_factory.mktemp("course")
    shutil.copy(ROOT / "nbgrader_config.py", course)
    shutil.copytree(ROOT / "solutions", course / "solutions")
    return course


@pytest.fixture(scope="module")
def api(course, homes, activated):
    api = classroom.api(course)
    api.config.Exchange.cache = str(homes)
    return api


@pytest.fixture(scope="module")
def homes(tmp_path_factory):
    return tmp_path_factory.mktemp("homes")


@pytest.fixture(scope="module")
def graded(api, homes):
    """The gradebook after the whole class has been through it."""
    for name in NAMES:
        succeed(api.generate_assignment(name))
        succeed(api.release_assignment(name))
    for (student, name), (answers, _) in CLASS.items():
        (homes / student).mkdir(exist_ok=True)
        exchange(api, api.exchange.FetchAssignment, student, name, homes / student)
        mine = homes / student / name / f"{name}.ipynb"
        nbformat.write(fill(mine, answers), mine)
        exchange(api, api.exchange.Submit, student, name, homes / student)
    for name in NAMES:
        succeed(api.collect(name))
    for name in dict.fromkeys(name for _, name in CLASS):
        succeed(api.autograde(name, "*"))
        succeed(api.generate_feedback(name))
    with api.gradebook as gradebook:
        yield gradebook


def feedback_of(course, student, name):
    page = (course / "feedback" / student / name / f"{name}.html").read_text(encoding="utf-8")
    return html.unescape(re.sub(r"<[^>]*>", "", page))


def test_the_instructors_release_is_the_one_in_the_repository(graded, course):
    for name in NAMES:
        made = (course / "release" / name / f"{name}.ipynb").read_bytes()
        assert made == (ROOT / "release" / name / f"{name}.ipynb").read_bytes()


@pytest.mark.parametrize(("student", "name"), CLASS)
def test_each_student_gets_the_points_they_deserve(graded, student, name):
    submission = graded.find_submission(name, student)
    assert (submission.score, submission.max_score) == (CLASS[student, name][1], FULL[name])


def test_the_grades_are_exported(graded, tmp_path):
    CsvExportPlugin(to=str(tmp_path / "grades.csv")).export(graded)
    rows = list(csv.DictReader((tmp_path / "grades.csv").open()))
    exported = {(row["student_id"], row["assignment"]): float(row["score"]) for row in rows}
    assert {key: exported[key] for key in CLASS} == {key: points for key, (_, points) in CLASS.items()}


@pytest.mark.parametrize(("student", "name"), CLASS)
def test_feedback_shows_no_hidden_check(graded, course, student, name):
    shown = feedback_of(course, student, name)
    notebook = nbformat.read(ROOT / "solutions" / name / f"{name}.ipynb", as_version=4)
    hidden = [line for cell in notebook.cells for line in marked_lines(cell.source, "HIDDEN TESTS")]
    assert hidden
    assert [line for line in hidden if line in shown] == []
    assert "HIDDEN TESTS" not in shown


def test_feedback_shows_points_and_what_was_seen_and_wanted(graded, course):
    shown = feedback_of(course, "mistaken", "01-embeddings")
    assert "(Score: 6.0 / 9.0)" in shown
    assert "counting starts at 0" in shown


def test_feedback_goes_back_to_the_student(graded, api, homes):
    succeed(api.release_feedback("01-embeddings"))
    exchange(api, api.exchange.FetchFeedback, "mistaken", "01-embeddings", homes / "mistaken")
    [page] = (homes / "mistaken" / "01-embeddings").rglob("01-embeddings.html")
    assert "(Score: 6.0 / 9.0)" in page.read_text(encoding="utf-8")


def test_validate_passes_what_is_solved_and_names_what_is_not(api, tmp_path):
    name = "01-embeddings"
    released = ROOT / "release" / name / f"{name}.ipynb"
    mine = tmp_path / f"{name}.ipynb"
    nbformat.write(fill(released, solved(name) | {"concatenate": "concatenate = None"}), mine)
    failed = Validator(config=api.config).validate(str(mine))
    assert [cell["source"] for cell in failed.pop("failed")] == ['check.concatenate(concatenate, "values")']
    assert failed == {}


@pytest.fixture(scope="module")
def server(graded, course, tmp_path_factory):
    """JupyterLab on loopback, started in the course folder as an instructor does; a function that asks it."""
    command = [sys.executable, "-m", "jupyterlab", "--allow-root"]
    with serving(command, course, tmp_path_factory.mktemp("jupyter")) as ask:
        yield ask


def test_formgrader_lists_the_assignments_and_their_submissions(server):
    assert "nbgrader formgrade" in server("/formgrader/manage_assignments")
    listed = {found["name"]: found for found in json.loads(server("/formgrader/api/assignments"))}
    for name in NAMES:
        assert listed[name]["num_submissions"] == sum(assignment == name for _, assignment in CLASS)
        assert listed[name]["max_score"] == FULL[name]


def test_formgrader_shows_a_graded_submission(server):
    submissions = json.loads(server("/formgrader/api/submitted_notebooks/01-embeddings/01-embeddings"))
    page = server(f"/formgrader/submissions/{submissions[0]['id']}")
    assert "position_indices" in page and "Student's answer" in page


def test_the_validate_button_is_answered(server, course):
    name = "01-embeddings"
    path = Path("submitted", "solved", name, f"{name}.ipynb")
    answer = json.loads(server("/assignments/validate", {"path": path.as_posix()}))
    assert answer == {"success": True, "value": {}}


def test_a_training_is_handed_in_with_its_notebook(graded, api, course, homes):
    exchange(api, api.exchange.FetchAssignment, "solved", "09-training", homes / "solved")
    own = homes / "solved" / "09-training" / "own"
    own.mkdir()
    (own / "run.json").write_text("{}")
    exchange(api, api.exchange.Submit, "solved", "09-training", homes / "solved")
    succeed(api.collect("09-training"))
    assert (course / "submitted" / "solved" / "09-training" / "own" / "run.json").read_text() == "{}"

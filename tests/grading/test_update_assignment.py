"""An assignment is changed after submissions have come in: what differs, what is taken over, and what is kept."""

import shutil
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_notebook
from nbgrader.api import Gradebook

from helpers.classroom import ANSWERS, NAME, api, check, filled, grade_here, gradebook_of, make_course, send, succeed
from ninelives.build import marked_lines
from ninelives.grading import update_assignment as module
from ninelives.grading.cli import main
from ninelives.grading.differences import differences
from ninelives.grading.errors import CannotStart
from ninelives.grading.update_assignment import update_assignment

SECRET = "split_heads.__name__ != 'known to nobody'"


@pytest.fixture(scope="module")
def graded(tmp_path_factory, workers):
    """A class of two, graded; the second has points and a comment by hand."""
    course = make_course(tmp_path_factory.mktemp("course"))
    send(course, "ada", filled(course, ANSWERS))
    send(course, "bert", filled(course, {"why-scale": "No idea."}))
    grade_here(course, workers)
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "ninelives") as gradebook:
        gradebook.find_grade("why-scale", NAME, NAME, "bert").manual_score = 1.5
        gradebook.find_comment("why-scale", NAME, NAME, "bert").manual_comment = "Nearly."
        gradebook.find_grade("split-heads-values", NAME, NAME, "bert").manual_score = 2
        gradebook.update_or_create_student("extended")
        gradebook.update_or_create_submission(NAME, "extended", extension=timedelta(days=2))
        gradebook.db.commit()
    return course


@pytest.fixture
def course(graded, tmp_path):
    return Path(shutil.copytree(graded, tmp_path / "class"))


def edit(course: Path, change) -> None:
    """Change the instructor's notebook: `change` gets its cells, by their names, and the notebook."""
    path = course / "solutions" / NAME / f"{NAME}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    change({cell.metadata.get("nbgrader", {}).get("grade_id", cell.id): cell for cell in notebook.cells}, notebook)
    nbformat.write(notebook, path)


def add_check(cells, notebook):
    new = check("split_heads", "values", 4, "split-heads-again")
    new.source = new.source.replace("### END", f"assert {SECRET}\n### END")
    notebook.cells.insert(notebook.cells.index(cells["split-heads-values"]) + 1, new)


def mend_hidden_line(cells, notebook):
    cells["split-heads-values"].source = cells["split-heads-values"].source.replace("### END", f"assert {SECRET}\n### END")


def mend_check(cells, notebook):
    cells["masked-softmax-rows"].source = "assert masked_softmax\n" + cells["masked-softmax-rows"].source


def reweight(cells, notebook):
    cells["split-heads-shape"].metadata.nbgrader.points = 3


def remove_check(cells, notebook):
    notebook.cells.remove(cells["masked-softmax-forms"])


def correct_text(cells, notebook):
    cells["plain-3"].source = "Now, the weights."


def updated(course: Path) -> str:
    said: list[str] = []
    update_assignment(course, NAME, said.append)
    return "\n".join(said)


def hand_given(course: Path) -> tuple:
    bert = gradebook_of(course)["bert"]
    grades = bert["grades"]
    return grades[NAME, "why-scale"][1], grades[NAME, "split-heads-values"][1], bert["comments"][NAME, "why-scale"][1]


@pytest.mark.parametrize(("change", "words"), [
    (add_check, "the check 'split-heads-again' was added (4 points)"),
    (mend_hidden_line, "the check 'split-heads-values' has another text"),
    (mend_check, "the check 'masked-softmax-rows' has another text"),
    (reweight, "the check 'split-heads-shape' has 3 points, which were 1"),
    (remove_check, "the check 'masked-softmax-forms' was removed (1 point)"),
    (correct_text, "1 cell without points has another text than in"),
])
def test_a_change_is_named_taken_over_and_loses_nothing_given_by_hand(course, tmp_path, change, words):
    edit(course, change)
    said = updated(course)
    assert words in said and hand_given(course) == (1.5, 2, "Nearly.")
    assert ("To be graded again, 2: ada, bert. " in said) == (change is not correct_text)
    assert (f"nbgrader validate solutions/{NAME}/*.ipynb" in said) == (change is not correct_text)
    fresh = make_course(tmp_path / "fresh")
    shutil.copytree(course / "solutions", fresh / "solutions", dirs_exist_ok=True)
    succeed(api(fresh).generate_assignment(NAME))
    one, other = (where / "release" / NAME / f"{NAME}.ipynb" for where in (course, fresh))
    assert one.read_bytes() == other.read_bytes(), "release/ is as nbgrader makes it"
    assert rows(course) == rows(fresh), "and so is the gradebook"
    assert "agree. Nothing was changed" in updated(course)


def test_a_released_notebook_that_differs_in_its_metadata_alone_is_named(tmp_path):
    nbformat.write(new_notebook(metadata={"title": "Heads"}), tmp_path / "one.ipynb")
    known = SimpleNamespace(name="one", solution_cells=[], grade_cells=[], task_cells=[], source_cells=[])
    found = differences(SimpleNamespace(notebooks=[known]), {"one": SimpleNamespace(rows={}, released=new_notebook())}, tmp_path, {})
    assert found.lines() == [f"  {tmp_path / 'one.ipynb'} differs from the one that would be made now"]


def rows(course: Path) -> dict:
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "ninelives") as gradebook:
        return module.rows_of(gradebook.find_notebook(NAME, NAME))


def test_a_class_is_graded_again_by_the_new_checks_and_learners_are_not_blamed(course, workers, monkeypatch, capsys):
    for change in (add_check, mend_check, reweight):
        edit(course, change)
    updated(course)
    results, said = grade_here(course, workers)
    assert [(one.student, one.score, one.max_score) for one in results] == [("ada", 12, 14), ("bert", 3.5, 14)]
    assert not [note for one in results for note in one.notes], "their notebooks are older, which is no mistake of theirs"
    results, said = grade_here(course, workers)
    assert "2 of 2 are graded already" in said
    edit(course, correct_text)
    updated(course)
    assert "2 of 2 are graded already" in grade_here(course, workers)[1], "a corrected text costs nobody a second grading"


@pytest.mark.parametrize("taken_over", [False, True])
def test_no_state_between_shows_a_hidden_line_in_the_feedback(course, workers, taken_over):
    for change in (add_check, mend_hidden_line):
        edit(course, change)
    if taken_over:
        updated(course)
    results, _ = grade_here(course, workers, force=True)
    assert not any("was missing" in note for one in results for note in one.notes)
    for student in ("ada", "bert"):
        succeed(api(course).generate_feedback(NAME, student))
    solved = nbformat.read(course / "solutions" / NAME / f"{NAME}.ipynb", as_version=4)
    hidden = [line for cell in solved.cells for line in marked_lines(cell.source, "HIDDEN TESTS")]
    for page in course.glob("feedback/*/*/*.html"):
        text = page.read_text(encoding="utf-8")
        assert "known to nobody" not in text and "HIDDEN TESTS" not in text and hidden


def test_plain_grading_says_that_solutions_are_newer_and_what_to_type(course, monkeypatch, capsys):
    edit(course, mend_hidden_line)
    monkeypatch.chdir(course)
    assert main([NAME, "--workers", "1"]) == 0
    shown = capsys.readouterr()
    for text in (shown.out, shown.err):
        assert "the check 'split-heads-values' has another text" in text
        assert f"type ninelives-grade {NAME} --update-assignment" in text


@pytest.mark.parametrize(("removed", "who"), [("why-scale", "bert"), ("split-heads-values", "bert")])
def test_a_cell_with_points_by_hand_is_not_removed(course, removed, who):
    before = gradebook_of(course), (course / "release" / NAME / f"{NAME}.ipynb").read_bytes()
    edit(course, lambda cells, notebook: notebook.cells.remove(cells[removed]))
    with pytest.raises(CannotStart, match=f"'{removed}' is gone from solutions/, but has .* given by hand: {who}"):
        updated(course)
    assert (gradebook_of(course), (course / "release" / NAME / f"{NAME}.ipynb").read_bytes()) == before


def test_points_by_hand_above_the_new_maximum_are_kept_and_named(course):
    edit(course, lambda cells, notebook: cells["why-scale"].metadata.nbgrader.update(points=1))
    assert "bert has 1.5 points by hand for 'why-scale', which has 1 now" in updated(course)
    assert hand_given(course)[0] == 1.5


def test_a_release_that_was_removed_is_made_again(course):
    """nbgrader generate_assignment --force removes it, and then refuses an added check."""
    before = (course / "release" / NAME / f"{NAME}.ipynb").read_bytes()
    shutil.rmtree(course / "release")
    with pytest.raises(CannotStart, match="put it back, or type ninelives-grade .* --update-assignment"):
        grade_here(course, None)
    assert "is missing" in updated(course)
    assert (course / "release" / NAME / f"{NAME}.ipynb").read_bytes() == before


def spoil_metadata(cells, notebook):
    cells["split-heads-shape"].metadata.nbgrader.grade_id = "split-heads-values"


def open_region(cells, notebook):
    cells["split-heads"].source = "### BEGIN SOLUTION\n1"


@pytest.mark.parametrize("change", [spoil_metadata, open_region])
def test_what_nbgrader_cannot_generate_changes_nothing(course, change):
    before = gradebook_of(course), rows(course), (course / "release" / NAME / f"{NAME}.ipynb").read_bytes()
    edit(course, change)
    with pytest.raises(CannotStart, match="nbgrader cannot make an assignment of .*Mend the notebook; nothing was changed"):
        updated(course)
    assert (gradebook_of(course), rows(course), (course / "release" / NAME / f"{NAME}.ipynb").read_bytes()) == before


def interrupted(update):
    raise OSError("No space left on device")


def test_an_interrupted_update_is_finished_by_the_same_command(course, monkeypatch):
    edit(course, add_check)
    with monkeypatch.context() as patched:
        patched.setattr(module.Update, "_write_release", interrupted)
        with pytest.raises(OSError):
            updated(course)
    assert (course / "release" / NAME / f"{NAME}.ipynb").is_file() and hand_given(course) == (1.5, 2, "Nearly.")
    updated(course)
    assert "agree. Nothing was changed" in updated(course)


def test_a_notebook_that_was_added_is_refused_in_one_sentence(course):
    shutil.copy(course / "solutions" / NAME / f"{NAME}.ipynb", course / "solutions" / NAME / "second.ipynb")
    with pytest.raises(CannotStart, match="cannot be added or removed once there are submissions"):
        updated(course)


def test_files_beside_the_notebook_are_given_out_too(course):
    (course / "solutions" / NAME / "data.csv").write_text("1,2")
    assert "the file data.csv in" in updated(course)
    assert (course / "release" / NAME / "data.csv").read_text() == "1,2"

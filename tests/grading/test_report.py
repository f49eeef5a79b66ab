"""The report on a class: from a gradebook and graded notebooks to a table, two CSV files and a page."""

import csv
import json
import re
import shutil
import time
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
from nbgrader.api import Gradebook
from traitlets import TraitError
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from helpers.graded_class import ASSIGNMENT, EXERCISES, Tags, made_class, make_graded_class, named
from ninelives.build import ROOT
from ninelives.checks.failure import CheckFailed, NotWritten
from ninelives.grading.assignment import Cell, Notebook
from ninelives.grading.causes import cause_of, grouped
from ninelives.grading.class_folder import quiet_autograde
from ninelives.grading.class_results import FAILED, ClassResults, Learner, class_results
from ninelives.grading.cli import main
from ninelives.grading.report import MIN_LEARNERS, class_report
from ninelives.grading.settings import marks_of
from ninelives.grading.task import ASK

MARKS = marks_of(Config())
TWO = {"squares": [("values", 1), ("empty", 2)], "mean": [("values", 3)]}
ROOT_CAUSE = "divide by the square root"
TAMPERED = "its check 'mean-values' also accepted a deliberately wrong answer (spoilt), so something in this notebook changed the check."
EVIL = '"><img src=x onerror=alert(1)><script>alert(2)</script>'
CLASS = {
    "ada": {"squares": ("def squares(x): return x * x", {}), "mean": ("def mean(x): return x[0]", {
        "values": named("values", "with 3 numbers, this is the first, not the mean.")})},
    "bert": {"squares": ("def squares(x): pass", {
        "values": named("values", ROOT_CAUSE), "empty": named("empty", ROOT_CAUSE)})},
    "cleo": {"squares": ("def squares(x): return [1]", {
        "values": named("values", ROOT_CAUSE), "empty": named("empty", "first fix what the check 'values' reports.")}),
             "mean": ("def mean(x): return x[0]", {"values": named("values", "with 5 numbers, this is the first, not the mean.")})},
    "dan": {},
    "=eve": {"squares": (EVIL, {"values": ("NameError" + EVIL, f"name '{EVIL}' is not defined"), "empty": ("AssertionError", "")})},
}
PEOPLE = {"ada": {"first_name": "Ada", "last_name": "Lovelace, Lady", "email": "ada@example.org"},
          "=eve": {"first_name": EVIL, "email": "eve@example.org\u202e"}}
NOTES = {"bert": [f"The cell 'squares' was missing; it was put back empty.{ASK}"], "dan": [
    "The cell 'mean' was missing; it was put back empty.", f"{EVIL}.txt was left out: links may lead out of the submission."]}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with three assignments: a class of five, one of 160, and a single learner's."""
    folder = tmp_path_factory.mktemp("class")
    make_graded_class(folder, CLASS, TWO, "five", PEOPLE, NOTES)
    make_graded_class(folder, made_class(160))
    return make_graded_class(folder, {"ada": CLASS["ada"]}, TWO, "single")


@pytest.fixture
def course(made, tmp_path, monkeypatch):
    """A copy that a test may change, with only the five."""
    shutil.copytree(made, tmp_path / "class", ignore=lambda at, names: {"02-attention", "reports"} & set(names) | {
        name for name in names if re.fullmatch(r"s\d+", name)})
    monkeypatch.chdir(tmp_path / "class")
    return tmp_path / "class"


@pytest.fixture(scope="module")
def report_of(made):
    def read(assignment):
        autograde = quiet_autograde(made, assignment)
        with Gradebook(f"sqlite:///{made / 'gradebook.db'}") as gradebook:
            return class_report(class_results(autograde.coursedir, gradebook, assignment), marks_of(autograde.config))

    return read


@pytest.fixture(scope="module")
def five(report_of):
    return report_of("five")


@pytest.fixture
def reported(course, capsys):
    """Runs the command; gives its status, its output, and the files that it wrote."""
    def run(*arguments):
        status = main([*arguments])
        done = capsys.readouterr()
        files = {str(path.relative_to(course)): path.read_text(encoding="utf-8") for path in course.rglob("reports/**/*.*") if path.is_file()}
        return status, done.out, done.err, files

    return run


def test_each_check_says_how_many_passed_failed_and_did_not_try(five):
    assert [(check.name, check.passed, check.failed, check.not_tried) for one in five.exercises for check in one.checks] == [
        ("squares-values", 1, 3, 1), ("squares-empty", 1, 3, 1), ("mean-values", 0, 2, 3)]
    assert [(one.name, one.solved, one.tried) for one in five.exercises] == [("squares", 1, 4), ("mean", 0, 2)]


def test_a_learner_with_the_same_cause_in_two_checks_counts_once_and_a_pointer_to_another_check_does_not_count(five):
    [cause] = [cause for cause in five.exercises[0].causes if cause.text == ROOT_CAUSE]
    assert [learner.id for learner in cause.learners] == ["bert", "cleo"] and cause.checks == ("squares-values", "squares-empty")
    assert not any("first fix" in cause.text for cause in five.exercises[0].causes)


def test_causes_that_differ_in_numbers_alone_are_one(five):
    [cause] = five.exercises[1].causes
    assert (cause.text, len(cause.learners)) == ("with … numbers, this is the first, not the mean.", 2)


@pytest.mark.parametrize(("texts", "wanted"), [
    (["gives (2, 3) for 4 words", "gives (2, 3, 5) for 4 words"], [("gives (…) for 4 words", 2)]),
    (["use dim=-1.", "use dim=1."], [("use dim=-1.", 1), ("use dim=1.", 1)]),
    (["<f at 0x7f01ab>", "<f at 0x7f02cd>"], [("<f at …>", 2)]),
    (["no file '/tmp/a-12/x.txt'", "no file '/tmp/b/y.txt'"], [("no file '…'", 2)]),
    (["name 'x1' is not defined", "name 'y' is not defined", "name 'np' is not defined", "name 'np' is not defined"],
     [("name 'np' is not defined", 2), ("name … is not defined", 2)]),
    (["1 of 2", "… of 2"], [("… of …", 2)]),
])
def test_texts_are_grouped_if_they_differ_only_in_numbers_addresses_paths_or_unshared_names(texts, wanted):
    found = [(group.text, len(group.members)) for group in grouped((text, number) for number, text in enumerate(texts))]
    assert found == wanted


@pytest.mark.parametrize("failure", [
    CheckFailed("it is 3.", "it is 2.", "one too many."), NotWritten("nothing.", "a function.", "one too many.")])
def test_the_cause_is_found_in_the_messages_of_this_course(failure):
    assert cause_of(type(failure).__name__, str(failure), MARKS) == "one too many."


def test_a_message_without_a_cause_is_the_error_itself():
    assert cause_of("ValueError", "no such\n  key", MARKS) == "ValueError: no such key"
    assert cause_of("AssertionError", "", MARKS) == "AssertionError"


def test_an_assertion_without_words_is_known_by_the_line_that_failed(course, report_of):
    path = course / "autograded" / "=eve" / "five" / "five.ipynb"
    notebook = json.loads(path.read_text())
    notebook["cells"][2]["outputs"][0]["traceback"] = ["\x1b[31m---->\x1b[0m 2 assert squares([]) == []\n      3 x", "AssertionError: "]
    path.write_text(json.dumps(notebook))
    with Gradebook("sqlite:///gradebook.db") as gradebook:
        results = class_results(quiet_autograde(course, "five").coursedir, gradebook, "five")
    [eve] = [learner for learner in results.learners if learner.id == "=eve"]
    assert eve.said["five", "squares-empty"] == ("AssertionError", "assert squares([]) == []")


def test_an_answer_whose_own_cell_stopped_is_counted_as_that(course):
    path = course / "autograded" / "=eve" / "five" / "five.ipynb"
    notebook = json.loads(path.read_text())
    notebook["cells"][0]["outputs"] = [{"output_type": "error", "ename": "SyntaxError", "evalue": "invalid syntax (4711.py, line 2)"}]
    path.write_text(json.dumps(notebook))
    with Gradebook("sqlite:///gradebook.db") as gradebook:
        report = class_report(class_results(quiet_autograde(course, "five").coursedir, gradebook, "five"), MARKS)
    [cause] = [cause for cause in report.exercises[0].causes if [learner.id for learner in cause.learners] == ["=eve"]]
    assert cause.text == "the answer's own cell stopped with SyntaxError: invalid syntax (line 2)"
    assert cause.checks == ("squares-values", "squares-empty")


def test_an_exercise_that_is_still_to_be_graded_is_not_called_solved_by_nobody(course):
    with Gradebook("sqlite:///gradebook.db") as gradebook:
        gradebook.find_grade("mean-values", "five", "five", "ada").auto_score = None
        gradebook.db.commit()
        report = class_report(class_results(quiet_autograde(course, "five").coursedir, gradebook, "five"), MARKS)
    assert report.exercises[1].checks[0].to_grade == report.exercises[1].waiting == 1 and report.solved_by(0) == []
    assert "1 answer is still to be graded by hand." in report.remarks


def test_this_course_says_which_sentence_of_its_checks_names_no_mistake():
    own = marks_of(PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config())
    source = (ROOT / "course" / "ninelives" / "checks" / "exercise.py").read_text()
    [sentence] = re.findall(r'failure\.cause = f"(.*)"', source)
    assert cause_of("CheckFailed", str(CheckFailed("", "", sentence)), own) is None


@pytest.mark.parametrize("name", ["cause", "follow_up"])
def test_a_setting_that_is_no_regular_expression_is_refused_by_its_name(name):
    with pytest.raises(TraitError, match=rf"c\.Report\.{name} is no regular expression"):
        marks_of(Config({"Report": {name: "("}}))


def test_discrimination_is_the_correlation_with_the_points_of_all_other_cells(report_of):
    found = report_of(ASSIGNMENT)
    learners = made_class(160)
    passed = {(exercise, suffix): [float(exercise in work and suffix not in work[exercise][1]) for work in learners.values()]
              for exercise, checks in EXERCISES.items() for suffix, _ in checks}
    points = {(exercise, suffix): most for exercise, checks in EXERCISES.items() for suffix, most in checks}
    for exercise in found.exercises:
        for check in exercise.checks:
            own = tuple(check.name.split("-", 1))
            others = sum(np.array(passed[key]) * points[key] for key in points if key != own)
            assert check.discrimination == pytest.approx(np.corrcoef(passed[own], others)[0, 1])


def test_a_class_that_is_too_small_has_no_discrimination_and_is_told_why(five):
    assert {check.discrimination for one in five.exercises for check in one.checks} == {None}
    assert f"Discrimination is left out: it needs at least {MIN_LEARNERS} submissions." in five.remarks


def test_where_learners_stopped_and_what_was_repaired_is_counted(five):
    assert five.stopped == ((None, 1), ("squares", 2), ("mean", 2))
    [put_back, left_out] = five.notes
    assert (put_back.text, [learner.id for learner in put_back.members]) == ("The cell … was missing; it was put back empty.", ["bert", "dan"])
    assert left_out.text.endswith("was left out: links may lead out of the submission.")


def test_a_refused_check_without_an_error_has_the_note_on_its_points_as_its_cause():
    learner = Learner("ada", "ada", "", states={("five", "mean-values"): FAILED}, points={("five", "mean-values"): 0.0},
                      answers={("five", "mean"): "1"}, notes=[f"No points for 'mean': {TAMPERED}", "The cell 'mean' was moved."])
    other = replace(learner, id="bert", notes=["No points for 'squares': see above."])
    cells = [Cell(name, None, "code", "", "", "", {"solution": name == "mean", "grade": name != "mean", "points": 3, "task": False})
             for name in ("mean", "mean-values")]
    found = class_report(ClassResults("five", (Notebook("five", tuple(cells), {}),), (learner, other), (), ()), MARKS)
    assert [cause.text for cause in found.exercises[0].causes] == [f"No points for 'mean': {TAMPERED}", "no error, and 0 of 3 points"]
    assert [note.text for note in found.notes] == ["No points for 'mean': " + TAMPERED, "No points for 'squares': see above.",
                                                   "The cell 'mean' was moved."]


def test_an_exercise_that_nobody_or_everyone_solves_is_named(five):
    assert five.solved_by(0) == ["mean"] and five.solved_by(five.total) == []


def test_points_given_by_hand_count_instead_of_those_of_the_check(course):
    with Gradebook("sqlite:///gradebook.db") as gradebook:
        gradebook.find_grade("mean-values", "five", "five", "ada").manual_score = 3
        gradebook.db.commit()
        report = class_report(class_results(quiet_autograde(course, "five").coursedir, gradebook, "five"), MARKS)
    [check] = report.exercises[1].checks
    assert (check.passed, check.failed) == (1, 1) and [len(cause.learners) for cause in report.exercises[1].causes] == [1]


def test_the_command_prints_a_table_and_writes_a_page_and_two_tables(reported):
    status, out, _, files = reported("five", "--report")
    assert status == 0 and sorted(files) == [f"reports/five/{name}" for name in ("causes.csv", "checks.csv", "report.html")]
    assert re.search(r"^squares-values +1 +3 +1$", out, re.MULTILINE) and f"2  {ROOT_CAUSE} (bert, cleo)" in out
    assert "Solved by nobody: mean" in out
    rows = list(csv.DictReader(files["reports/five/checks.csv"].splitlines()))
    assert [(row["check"], row["passed"], row["not tried"]) for row in rows] == [
        ("squares-values", "1", "1"), ("squares-empty", "1", "1"), ("mean-values", "0", "3")]
    causes = list(csv.DictReader(files["reports/five/causes.csv"].splitlines()))
    assert [row["learner"] for row in causes if row["cause"] == ROOT_CAUSE] == ["bert", "cleo"]
    assert {row["e-mail"] for row in causes if row["learner"] == "ada"} == {"ada@example.org"}


def test_no_cell_of_a_table_is_a_formula_for_a_spreadsheet(reported):
    _, _, _, files = reported("five", "--report")
    cells = [cell for name in files if name.endswith(".csv") for row in csv.reader(files[name].splitlines()) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))] and "'=eve" in cells


def test_what_learners_wrote_is_text_in_the_page_and_links_lead_to_their_notebooks(reported, course):
    _, _, _, files = reported("five", "--report")
    page = Tags(files["reports/five/report.html"])
    assert EVIL in page.text and "\u202e" not in page.text
    assert [tag for tag, _ in page.tags if tag in ("img", "iframe", "object")] == [] and [tag for tag, _ in page.tags].count("script") == 1
    assert not any(name.startswith("on") or name == "src" for _, attributes in page.tags for name in attributes)
    links = {attributes["href"] for tag, attributes in page.tags if tag == "a" and not attributes["href"].startswith("#")}
    assert "../../autograded/%3Deve/five/five.ipynb" in links and len(links) == 5
    assert '"Ada Lovelace, Lady" <ada@example.org>' in page.text


def test_a_report_without_names_has_no_name_address_or_link_of_a_learner(reported):
    status, out, _, files = reported("five", "--report", "--without-names")
    assert status == 0 and {name.split("/")[1] for name in files} == {"five-without-names"}
    said = "".join([re.sub("The page: .*", "", out), *files.values()])
    assert [word for word in ("bert", "cleo", "Lovelace", "=eve", "%3Deve", "example.org", "autograded") if word in said] == []
    assert ROOT_CAUSE in said


def test_without_an_assignment_every_graded_one_is_reported(made, monkeypatch, capsys, tmp_path):
    shutil.copytree(made, tmp_path / "class", ignore=shutil.ignore_patterns("reports"))
    monkeypatch.chdir(tmp_path / "class")
    begun = time.process_time()
    assert main(["--report"]) == 0
    assert time.process_time() - begun < 5, "160 submissions and six others"
    out = capsys.readouterr().out
    assert "02-attention: 160 submissions" in out and "five: 5 submissions" in out and "single: 1 submission," in out
    assert "This is the report on a single submission." in out
    assert sorted(path.name for path in (tmp_path / "class" / "reports").iterdir()) == ["02-attention", "five", "single"]


def test_without_an_assignment_one_that_cannot_be_reported_does_not_stop_the_others(course, reported):
    shutil.rmtree(course / "autograded" / "ada" / "single")
    status, out, _, files = reported("--report")
    assert status == 0 and "single is in the gradebook for 1 who handed in" in out and "reports/five/report.html" in files
    empty_autograded(course)
    status, _, err, _ = reported("--report")
    assert status == 2 and err == "No assignment could be reported\n"


def test_before_anything_is_graded_the_report_on_everything_says_so(tmp_path, monkeypatch, capsys):
    make_graded_class(tmp_path, {}, TWO, "five")
    monkeypatch.chdir(tmp_path)
    assert main(["--report"]) == 2
    assert capsys.readouterr().err.startswith("Nothing is graded yet")


def empty_autograded(course):
    shutil.rmtree(course / "autograded")


def not_graded(course):
    with Gradebook("sqlite:///gradebook.db") as gradebook:
        for learner in CLASS:
            gradebook.remove_submission("five", learner)


def nothing_handed_in(course):
    not_graded(course)
    shutil.rmtree(course / "submitted")


def no_class(course):
    for name in ("gradebook.db", "nbgrader_config.py"):
        (course / name).unlink()


def bad_setting(course):
    (course / "nbgrader_config.py").write_text("c = get_config()\nc.Report.cause = '('\n")


def not_writable(course):
    (course / "reports").write_text("a file")


@pytest.mark.parametrize(("change", "assignment", "said"), [
    (None, "06-nothing", "There is no assignment '06-nothing'"),
    (empty_autograded, "five", "no graded notebook of theirs is in"),
    (not_graded, "five", "five was handed in by 5 and is not graded yet: type ninelives-grade five"),
    (nothing_handed_in, "five", "Nobody has handed in five"),
    (no_class, "five", "This is not the folder of a class"),
    (bad_setting, "five", "c.Report.cause is no regular expression"),
    (not_writable, "five", "The report could not be written"),
])
def test_what_cannot_be_reported_is_said_in_one_sentence_and_nothing_is_written(course, reported, change, assignment, said):
    if change:
        change(course)
    status, out, err, files = reported(assignment, "--report")
    assert status == 2 and said in err and len(err.strip().splitlines()) == 1
    assert files == {} and out == ""


def test_one_notebook_that_cannot_be_read_is_left_out_and_the_others_are_reported(course, reported):
    (course / "autograded" / "bert" / "five" / "five.ipynb").write_text("[")
    (course / "submitted" / "zoe" / "five").mkdir(parents=True)
    (course / "submitted" / "zoe" / "five" / "five.ipynb").write_text("[")
    status, out, _, _ = reported("five", "--report")
    assert status == 0 and "five: 4 submissions" in out
    assert "1 graded, but left out here" in out and "1 handed in and not graded yet" in out


def test_an_extension_without_a_submission_is_not_counted(course, reported):
    shutil.rmtree(course / "autograded" / "dan")
    shutil.rmtree(course / "submitted" / "dan")
    _, out, _, _ = reported("five", "--report")
    assert "five: 4 submissions" in out and "left out here" not in out


def test_a_page_that_cannot_be_written_completely_leaves_the_old_one(course, reported):
    _, _, _, before = reported("five", "--report")
    with mock.patch("os.replace", side_effect=OSError(28, "No space left on device")):
        status, _, err, after = reported("five", "--report")
    assert status == 2 and "No space left on device" in err and after == before
    assert list((course / "reports" / "five").glob(".*")) == []



def test_a_check_that_nobody_tried_is_reported(course, reported):
    for learner in ("ada", "cleo"):
        shutil.rmtree(course / "autograded" / learner)
        shutil.rmtree(course / "submitted" / learner)
    _, out, _, _ = reported("five", "--report")
    assert re.search(r"^mean-values +0 +0 +3$", out, re.MULTILINE)

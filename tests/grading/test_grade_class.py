"""`ninelives-grade` and plain `nbgrader autograde` write the same gradebook; only the first continues where it stopped."""

import json
import os
import shutil
import sqlite3
from concurrent.futures import BrokenExecutor, Future
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from helpers.classroom import (
    ANSWERS,
    CLASS,
    NAME,
    api,
    cells_of,
    command,
    filled,
    grade_here,
    gradebook_of,
    make_class,
    nbgrader_here,
    send,
    succeed,
)
from ninelives.grading import grade_class
from ninelives.grading.batch import Batch
from ninelives.grading.class_folder import quiet_autograde
from ninelives.grading.class_results import class_results
from ninelives.grading.cli import main, summary
from ninelives.grading.errors import CannotStart, KernelDied, KernelServerDied
from ninelives.grading.gradebook import Recorder
from ninelives.grading.report import class_report
from ninelives.grading.settings import marks_of
from ninelives.grading.task import Graded


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    return make_class(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="module")
def plain(course, tmp_path_factory):
    """The same class, graded by nbgrader alone."""
    plain = tmp_path_factory.mktemp("plain") / "course"
    shutil.copytree(course, plain)
    with (plain / "nbgrader_config.py").open("a") as config:
        config.write('c.pop("Autograde")\n')
    succeed(api(plain).autograde(NAME, "*"))
    return plain


@pytest.fixture(scope="module")
def graded(plain, course):
    return command(course)


def test_everyone_gets_the_points_they_deserve(graded, course):
    assert {student: row["score"] for student, row in gradebook_of(course).items()} == {s: most for s, (_, most) in CLASS.items()}


def test_the_gradebook_is_the_one_that_nbgrader_writes(graded, course, plain):
    assert gradebook_of(course) == gradebook_of(plain)


@pytest.mark.parametrize("student", CLASS)
def test_the_graded_notebook_is_the_one_that_nbgrader_writes(graded, course, plain, student):
    """Cells with their sources, names and points; outputs as learners read them."""
    for ours, theirs in zip(cells_of(course, student), cells_of(plain, student), strict=True):
        assert (ours.cell_type, ours.source, ours.id) == (theirs.cell_type, theirs.source, theirs.id)
        mine, other = (cell.metadata.get("nbgrader", {}) for cell in (ours, theirs))
        assert {k: v for k, v in mine.items() if k != "cell_type"} == {k: v for k, v in other.items() if k != "cell_type"}
        if ours.cell_type == "code":
            seen, wanted = ([{k: v for k, v in o.items() if k != "traceback"} for o in c.outputs] for c in (ours, theirs))
            assert seen == wanted


def test_the_report_reads_the_causes_from_the_notebooks_of_either(graded, course, plain):
    ours, theirs = (report_on(place) for place in (course, plain))
    assert ours == theirs
    checks, causes = ours["split-heads"]
    assert checks == [("split-heads-shape", 3, 0, 2), ("split-heads-values", 2, 1, 2)]
    assert [cause for cause in causes if "fills the new shape in reading order" in cause and causes[cause] == ["dan"]]
    assert ours["masked-softmax"][1] == {"the answer's own cell stopped with SyntaxError: invalid syntax (line 1)": ["eve"]}


def report_on(place):
    """Of each exercise the checks with (passed, failed, not tried), and the causes with who shares them."""
    autograde = quiet_autograde(place, NAME)
    with Gradebook(f"sqlite:///{place / 'gradebook.db'}", "ninelives") as gradebook:
        report = class_report(class_results(autograde.coursedir, gradebook, NAME), marks_of(autograde.config))
    return {exercise.name: ([(check.name, check.passed, check.failed, check.not_tried) for check in exercise.checks],
                            {cause.text: [learner.id for learner in cause.learners] for cause in exercise.causes})
            for exercise in report.exercises}


def test_files_beside_the_notebook_are_kept(graded, course, plain):
    for place in (course, plain):
        assert (place / "autograded" / "dan" / NAME / "notes.txt").read_text() == "mine"


def test_the_summary_lists_everyones_points(graded):
    assert "5 submissions: 5 graded, 0 not graded, 0 with notes." in graded.stdout
    assert [line.split()[:4] for line in graded.stdout.split("\n") if line.startswith("dan")] == [["dan", "4", "of", "8"]]
    assert "5 of 5 done, 0 failed" in graded.stderr


def test_the_gradebook_is_backed_up_before_the_first_write(graded, course):
    [copy] = course.glob("gradebook-copies/gradebook.db.before-*")
    with sqlite3.connect(copy) as before:
        assert before.execute("select count(*) from student").fetchone() == (0,)


def test_feedback_and_export_work_afterwards(graded, course):
    nbgrader_here(course, "generate_feedback", NAME)
    nbgrader_here(course, "export")
    page = (course / "feedback" / "dan" / NAME / f"{NAME}.html").read_text()
    assert "(Score: 4.0 / 8.0)" in page and "HIDDEN" not in page
    assert """<meta content="script-src 'none'" http-equiv="Content-Security-Policy"/>""" in page.partition("<body")[0]
    assert f"{NAME}," in (course / "grades.csv").read_text()


def test_unchanged_submissions_are_skipped(graded, course, workers):
    before = (course / "gradebook.db").read_bytes()
    assert "5 of 5 are graded already and unchanged." in grade_here(course, workers)[1]
    assert (course / "gradebook.db").read_bytes() == before


def test_a_new_submission_is_graded_and_manual_points_and_comments_stay(graded, course, workers):
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "ninelives") as gradebook:
        gradebook.find_grade("why-scale", NAME, NAME, "cleo").manual_score = 1.5
        gradebook.find_comment("why-scale", NAME, NAME, "cleo").manual_comment = "Nearly."
        gradebook.db.commit()
    send(course, "cleo", filled(course, ANSWERS))
    assert "4 of 5 are graded already" in grade_here(course, workers)[1]
    row = gradebook_of(course)["cleo"]
    assert row["score"] == 7.5
    assert row["comments"][NAME, "why-scale"] == (None, "Nearly.")
    assert row["grades"][NAME, "why-scale"] == (None, 1.5, None, True)


def test_force_grades_again(graded, course, workers):
    before = gradebook_of(course)
    results, said = grade_here(course, workers, "ada", "bert", force=True)
    assert "already" not in said and [result.student for result in results] == ["ada", "bert"]
    assert gradebook_of(course) == before


def test_an_interrupted_run_with_force_continues_without_force(graded, course, workers, monkeypatch):
    recorded, done = Recorder.record, []

    def record(self, student, *rest):
        if done:
            raise KeyboardInterrupt
        done.append(student)
        return recorded(self, student, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(Recorder, "record", record)
        with pytest.raises(KeyboardInterrupt):
            grade_here(course, workers, force=True)
    results, said = grade_here(course, workers)
    assert "1 of 5 are graded already" in said
    assert [result.student for result in results if result.known] == done


def test_a_changed_data_file_of_the_assignment_is_noticed(graded, course, workers):
    data = course / "solutions" / NAME / "data.txt"
    for content, known in (("one", 0), ("one", 1), ("two", 0)):
        data.write_text(content)
        results, _ = grade_here(course, workers, "ada")
        assert sum(result.known for result in results) == known
    data.unlink()


def test_results_that_were_changed_or_removed_are_graded_again(graded, course, workers):
    (course / "autograded" / "ada" / NAME / f"{NAME}.ipynb").unlink()
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "ninelives") as gradebook:
        gradebook.find_grade("split-heads-shape", NAME, NAME, "bert").auto_score = 1
        gradebook.db.commit()
    results, _ = grade_here(course, workers, "ada", "bert", "cleo")
    assert [(result.student, result.known) for result in results] == [("ada", False), ("bert", False), ("cleo", True)]
    assert gradebook_of(course)["bert"]["score"] == 0 and cells_of(course, "ada")


def test_late_submissions_get_the_penalty_that_the_instructor_set(graded, course, workers, tmp_path):
    other = shutil.copytree(course, tmp_path / "course")
    with (other / "nbgrader_config.py").open("a") as config:
        config.write('c.LateSubmissionPlugin.penalty_method = "zero"\n')
    for due, penalty in ((datetime(2026, 11, 19), 6), (datetime(2026, 11, 21), None)):
        with Gradebook(f"sqlite:///{other / 'gradebook.db'}", "ninelives") as gradebook:
            gradebook.find_assignment(NAME).duedate = due
            gradebook.db.commit()
        grade_here(other, workers, "ada", force=True)
        assert gradebook_of(other)["ada"]["penalties"] == [penalty]


def test_a_submission_that_a_worker_cannot_see_gets_a_note_and_no_zero(graded, course, workers, monkeypatch):
    task = Batch.task
    monkeypatch.setattr(Batch, "task", lambda self, student, calibrated: replace(
        task(self, student, calibrated), **{"folder": Path("/nowhere")} if student == "bert" else {}))
    results, _ = grade_here(course, workers, "ada", "bert", force=True)
    assert [result.score for result in results] == [6, None] and "does not see the folder /nowhere" in results[1].notes[0]
    monkeypatch.undo()
    assert [result.score for result in grade_here(course, workers, "ada", "bert")[0]] == [6, 0]


@pytest.mark.parametrize(("strange", "shown"), [(os.fsdecode(b"l\xf6we"), "l?we"), ("zed\nzoe   6 of 6", "zed\\nzoe   6 of 6")])
def test_a_folder_whose_name_is_not_one_line_of_text_does_not_stop_the_others(graded, course, workers, strange, shown):
    lines, _ = grade_here(course, workers, strange, "ada")
    assert [line.score for line in lines] == [None, 6] and "not UTF-8" in summary(lines)
    assert any(line.startswith(shown) and line.endswith("   not graded") for line in summary(lines).splitlines())


def test_if_every_worker_dies_the_command_says_so(graded, course, workers, monkeypatch):
    died = Future()
    died.set_exception(BrokenExecutor())
    monkeypatch.setattr(workers, "submit", lambda *call: died)
    with pytest.raises(CannotStart, match="die as soon as they start"):
        grade_here(course, workers, "bert", force=True)


def test_a_submission_that_the_gradebook_has_lost_is_graded_again(graded, course, workers):
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "ninelives") as gradebook:
        gradebook.remove_submission(NAME, "bert")
    assert "4 of 5 are graded already" in grade_here(course, workers)[1]
    assert gradebook_of(course)["bert"]["score"] == 0


def test_a_warning_costs_no_points(graded, course, workers):
    loud = {name: source.replace("    return", "    import warnings; warnings.warn('beware')\n    return")
            for name, source in ANSWERS.items()}
    send(course, "wanda", filled(course, loud))
    assert [result.score for result in grade_here(course, workers, "wanda")[0]] == [6]


def test_an_answer_that_shadows_builtins_has_not_tampered(graded, course, workers):
    taken = "\n".join(f"{name} = 'mine'" for name in ("type", "isinstance", "callable", "vars", "map", "dict", "globals"))
    send(course, "wanda", filled(course, ANSWERS | {"split-heads": f"{ANSWERS['split-heads']}\n{taken}"}))
    [result] = grade_here(course, workers, "wanda")[0]
    assert (result.score, result.notes) == (6, ())


def test_a_result_that_cannot_be_recorded_does_not_stop_the_others(graded, course, workers, monkeypatch):
    recorded = Recorder.record
    monkeypatch.setattr(Recorder, "record", lambda self, student, *rest: 1 / 0 if student == "ada" else recorded(self, student, *rest))
    results, _ = grade_here(course, workers, force=True)
    assert [result.student for result in results if result.score is None] == ["ada"]
    assert "ada" in summary(results) and "1 not graded" in summary(results) and "ZeroDivisionError" in summary(results)


def test_half_a_record_is_not_written_with_the_next_one(graded, course, workers, monkeypatch):
    write = Recorder.write_grades

    def write_half(self, student, result):
        if student == "ada":
            self.gradebook.find_grade("split-heads-shape", NAME, NAME, "ada").auto_score = 0.25
            raise OSError("database or disk is full")
        return write(self, student, result)

    with monkeypatch.context() as patched:
        patched.setattr(Recorder, "write_grades", write_half)
        assert [result.score for result in grade_here(course, workers, "ada", "bert", force=True)[0]] == [None, 0]
    assert gradebook_of(course)["ada"]["score"] == 6
    grade_here(course, workers, "ada")


def test_points_given_by_hand_meanwhile_are_kept(graded, course):
    batch = Batch(course, NAME)
    grades = [grade for n in batch.gradebook.find_submission(NAME, "dan").notebooks for grade in n.grades]
    assert not any(grade.manual_score for grade in grades)
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "ninelives") as gradebook:
        gradebook.find_grade("split-heads-shape", NAME, NAME, "dan").manual_score = 0.5
        gradebook.db.commit()
    result = Graded(None, {grade.name: grade.auto_score for grade in grades}, {}, [])
    batch.recorder.write_grades("dan", {NAME: result})
    batch.gradebook.close()
    assert gradebook_of(course)["dan"]["grades"][NAME, "split-heads-shape"] == (1, 0.5, None, True)
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "ninelives") as gradebook:
        gradebook.find_grade("split-heads-shape", NAME, NAME, "dan").manual_score = None
        gradebook.db.commit()


def test_failing_answers_of_the_instructor_stop_grading(graded, course, workers, monkeypatch):
    found = {NAME: {"canaries": frozenset(), "by_result": frozenset(), "failed": {"split-heads-shape": "ValueError: no"}}}
    monkeypatch.setattr(grade_class, "first_result", lambda *call: found)
    with pytest.raises(CannotStart, match="own 01-heads fails its checks split-heads-shape here .split-heads-shape: ValueError: no"):
        grade_here(course, workers, "bert", force=True)


def test_that_there_is_no_backup_is_the_last_line(graded, course, workers, monkeypatch, capsys):
    monkeypatch.setattr("ninelives.grading.cli.why_no_backup", lambda db_url: "Make one yourself.")
    monkeypatch.chdir(course)
    written, known = (grade_here(course, workers, "bert", force=force)[0] for force in (True, False))
    for results, last in ((written, "Make one yourself.\n"), (known, "")):
        monkeypatch.setattr("ninelives.grading.cli.grade_class", lambda *_, found=results: found)
        main([NAME, "--student", "bert"])
        assert capsys.readouterr().out.endswith(f"The class is the one in {course}.\n{last}")


def test_half_written_notebooks_are_removed(graded, course, workers, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("ninelives.grading.gradebook.nbformat.write", full)
        [result] = grade_here(course, workers, "bert", force=True)[0]
    assert "No space left" in result.notes[0]
    assert [path.name for path in (course / "autograded" / "bert").iterdir()] == [NAME]
    grade_here(course, workers, "bert")


def test_an_unreadable_submission_does_not_stop_the_others(graded, course, workers, monkeypatch):
    read = Batch.digest

    def digest(self, student):
        if student == "ada":
            raise PermissionError(13, "Permission denied", "ada's")
        return read(self, student)

    monkeypatch.setattr(Batch, "digest", digest)
    results, said = grade_here(course, workers, "ada", "bert")
    assert [(result.student, result.score, result.notes) for result in results if not result.known] == [
        ("ada", None, ("Could not be read: Permission denied: ada's",))]
    assert "1 of 2 are graded already" in said


@pytest.mark.parametrize("problem", [KernelDied, KernelServerDied])
def test_an_endless_notebook_of_the_instructor_is_reported(graded, course, workers, monkeypatch, problem):
    died = Future()
    died.set_exception(problem("it ran for more than 60 seconds and could not be interrupted"))
    monkeypatch.setattr(workers, "submit", lambda *call: died)
    with pytest.raises(CannotStart, match="own 01-heads could not be run to its end here: it ran for more than 60 seconds"):
        grade_here(course, workers, force=True)


def test_the_journal_records_scores_and_notes(graded, course, workers):
    grade_here(course, workers, "dan")
    entry = json.loads((course / ".ninelives-grade" / NAME / "dan.json").read_text())
    assert entry["scores"][NAME]["split-heads-values"] == 0 and entry["notes"] == []

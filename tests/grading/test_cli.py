"""`ninelives-grade` and plain `nbgrader autograde` come to the same gradebook; only the first goes on where it stopped."""

import fcntl
import json
import os
import shutil
import sqlite3
from concurrent.futures import BrokenExecutor, Future
from dataclasses import replace
from datetime import datetime
from io import StringIO
from pathlib import Path
from threading import Timer

import nbformat
import pytest
from nbgrader.api import Gradebook
from traitlets.config import Config

from grading.classroom import ANSWERS, NAME, command, filled, grade_here, make_course, nbgrader, send
from ninelives.grading import cli, grade_class, sandbox
from ninelives.grading.batch import Batch, quiet_autograde
from ninelives.grading.cli import main, summary
from ninelives.grading.errors import CannotStart, KernelDied, KernelServerDied, NotBackedUp, NotGenerated
from ninelives.grading.folders import remove
from ninelives.grading.gradebook import Recorder
from ninelives.grading.progress import Progress, StudentResult
from ninelives.grading.settings import limits_of
from ninelives.grading.task import Graded
from ninelives.grading.workers import Workers, results

WRONG_ORDER = "def split_heads(x, n_head):\n    B, T, C = x.shape\n    return x.reshape(B, n_head, T, C // n_head)"
CLASS = {
    "ada": (ANSWERS, 6),
    "bert": ({}, 0),
    "cleo": ({"split-heads": ANSWERS["split-heads"], "why-scale": "No idea."}, 3),
    "dan": (ANSWERS | {"split-heads": WRONG_ORDER}, 4),
    "eve": ({"masked-softmax": "this is no Python"}, 0),
}


def gradebook_of(course) -> dict:
    """All that formgrader, feedback and export read of the class."""
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
            for submission in gradebook.assignment_submissions(NAME)
        }


def cells_of(course, student):
    notebook = nbformat.read(course / "autograded" / student / NAME / f"{NAME}.ipynb", as_version=4)
    nbformat.validate(notebook)
    return notebook.cells


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    course = make_course(tmp_path_factory.mktemp("course"))
    for student, (answers, _) in CLASS.items():
        folder = send(course, student, filled(course, answers))
        (folder / "timestamp.txt").write_text("2026-11-20 10:00:00 UTC")
    (course / "submitted" / "dan" / NAME / "notes.txt").write_text("mine")
    return course


@pytest.fixture(scope="module")
def plain(course, tmp_path_factory):
    """The same class, graded by nbgrader alone."""
    plain = tmp_path_factory.mktemp("plain") / "course"
    shutil.copytree(course, plain)
    with (plain / "nbgrader_config.py").open("a") as config:
        config.write('c.pop("Autograde")\n')
    nbgrader(plain, "autograde", NAME)
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


def test_files_beside_the_notebook_come_along(graded, course, plain):
    for place in (course, plain):
        assert (place / "autograded" / "dan" / NAME / "notes.txt").read_text() == "mine"


def test_the_summary_tells_who_got_what(graded):
    assert "5 submissions: 5 graded, 0 not graded, 0 with notes." in graded.stdout
    assert [line.split()[:4] for line in graded.stdout.split("\n") if line.startswith("dan")] == [["dan", "4", "of", "8"]]
    assert "5 of 5 done, 0 failed" in graded.stderr


def test_the_gradebook_is_copied_before_the_first_write(graded, course):
    [copy] = course.glob("gradebook.db.before-*")
    with sqlite3.connect(copy) as before:
        assert before.execute("select count(*) from student").fetchone() == (0,)


def test_feedback_and_export_go_on_from_there(graded, course):
    nbgrader(course, "generate_feedback", NAME)
    nbgrader(course, "export")
    page = (course / "feedback" / "dan" / NAME / f"{NAME}.html").read_text()
    assert "(Score: 4.0 / 8.0)" in page and "HIDDEN" not in page
    assert f"{NAME}," in (course / "grades.csv").read_text()


def test_what_is_graded_and_unchanged_is_passed_over(graded, course):
    before = (course / "gradebook.db").read_bytes()
    again = command(course)
    assert "5 of 5 are graded already and unchanged." in again.stdout
    assert (course / "gradebook.db").read_bytes() == before


@pytest.fixture(scope="module")
def workers():
    workers = Workers(1)
    yield workers
    workers.close()


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
    lines, said = grade_here(course, workers, "ada", "bert", force=True)
    assert "already" not in said and [line.student for line in lines] == ["ada", "bert"]
    assert gradebook_of(course) == before


def test_force_that_was_interrupted_is_gone_on_with_without_force(graded, course, workers, monkeypatch):
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
    lines, said = grade_here(course, workers)
    assert "1 of 5 are graded already" in said
    assert [line.student for line in lines if line.known] == done


def test_another_data_file_of_the_assignment_is_noticed(graded, course, workers):
    data = course / "solutions" / NAME / "data.txt"
    for content, known in (("one", 0), ("one", 1), ("two", 0)):
        data.write_text(content)
        lines, _ = grade_here(course, workers, "ada")
        assert sum(line.known for line in lines) == known
    data.unlink()


def test_what_changes_is_noticed(graded, course):
    batch, settings = Batch(course, NAME), quiet_autograde(course, NAME)
    settings.config.Sandbox.memory = 99
    stamps = {batch.stamp, Batch(course, NAME, confined=False).stamp, Batch(course, NAME, autograde=settings).stamp}
    assert len(stamps) == 3, "with other limits, or none"
    before, notes = batch.digest("dan"), course / "submitted" / "dan" / NAME / "notes.txt"
    notes.rename(notes.with_name("words.txt"))
    assert batch.digest("dan") != before
    notes.with_name("words.txt").rename(notes)
    assert batch.digest("dan") == before


def test_what_is_no_more_as_it_was_graded_is_graded_again(graded, course, workers):
    (course / "autograded" / "ada" / NAME / f"{NAME}.ipynb").unlink()
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "ninelives") as gradebook:
        gradebook.find_grade("split-heads-shape", NAME, NAME, "bert").auto_score = 1
        gradebook.db.commit()
    lines, _ = grade_here(course, workers, "ada", "bert", "cleo")
    assert [(line.student, line.known) for line in lines] == [("ada", False), ("bert", False), ("cleo", True)]
    assert gradebook_of(course)["bert"]["score"] == 0 and cells_of(course, "ada")


def test_settings_of_nbgraders_own_count(graded, course):
    settings = quiet_autograde(course, NAME)
    settings.exclude_overwriting, settings.coursedir.student_id_exclude = {NAME: ["data.txt"]}, "ada,cleo"
    (course / "solutions" / NAME / "data.txt").touch()
    assert set(Batch(course, NAME).others) == {"data.txt"}
    batch = Batch(course, NAME, autograde=settings)
    assert not batch.others and {"bert", "dan"} <= set(batch.students()) and not {"ada", "cleo"} & set(batch.students())
    (course / "solutions" / NAME / "data.txt").unlink()


def test_who_is_late_loses_what_the_instructor_has_set(graded, course, workers, tmp_path):
    other = shutil.copytree(course, tmp_path / "course")
    with (other / "nbgrader_config.py").open("a") as config:
        config.write('c.LateSubmissionPlugin.penalty_method = "zero"\n')
    for due, penalty in ((datetime(2026, 11, 19), 6), (datetime(2026, 11, 21), None)):
        with Gradebook(f"sqlite:///{other / 'gradebook.db'}", "ninelives") as gradebook:
            gradebook.find_assignment(NAME).duedate = due
            gradebook.db.commit()
        grade_here(other, workers, "ada", force=True)
        assert gradebook_of(other)["ada"]["penalties"] == [penalty]


def test_a_machine_that_does_not_see_a_submission_gives_no_zero_and_is_told(graded, course, workers, monkeypatch):
    task = Batch.task
    monkeypatch.setattr(Batch, "task", lambda self, student, calibrated: replace(
        task(self, student, calibrated), **{"folder": Path("/nowhere")} if student == "bert" else {}))
    lines, _ = grade_here(course, workers, "ada", "bert", force=True)
    assert [line.score for line in lines] == [6, None] and "does not see the folder /nowhere" in lines[1].notes[0]
    monkeypatch.undo()
    assert [line.score for line in grade_here(course, workers, "ada", "bert")[0]] == [6, 0]


@pytest.mark.parametrize(("strange", "shown"), [(os.fsdecode(b"l\xf6we"), "l?we"), ("zed\nzoe   6 of 6", "zed\\nzoe   6 of 6")])
def test_a_folder_whose_name_is_no_text_or_several_lines_stops_no_other(graded, course, workers, strange, shown):
    lines, _ = grade_here(course, workers, strange, "ada")
    assert [line.score for line in lines] == [None, 6] and "not UTF-8" in summary(lines)
    assert any(line.startswith(shown) and line.endswith("   not graded") for line in summary(lines).splitlines())


def test_names_and_notes_neither_add_rows_to_the_summary_nor_write_to_the_terminal():
    rows = summary([StudentResult("山田　太郎\x1b[2J", 0, 6, notes=("link x\nzoe   6 of 6\u202e",))]).split("\n")
    assert [row.strip() for row in rows[1:3]] == ["山田　太郎\\x1b[2J        0 of 6", "link x\\nzoe   6 of 6\\u202e"] and len(rows) == 4


def test_a_student_whose_folder_has_several_lines_is_not_passed_over(course):
    (course / "submitted" / "zed\nzoe" / NAME).mkdir(parents=True)
    batch = Batch(course, NAME)
    assert "zed\nzoe" in batch.students()
    batch.gradebook.close()
    remove(course / "submitted" / "zed\nzoe")


class Fragile:
    """Two workers that die of one task, and all that is running with them; the rest takes a moment."""

    count = 2

    def __init__(self):
        self.running = []

    def submit(self, function, task):
        future = Future()
        self.running = [one for one in self.running if not one.done()] + [future]
        Timer(0.2, self.finish, [future, task]).start()
        return future

    def finish(self, future, task):
        if task == "poison":
            for one in self.running:
                one.done() or one.set_exception(BrokenExecutor())
        elif not future.done():
            future.set_result(task)


def test_where_every_worker_dies_the_command_says_so(graded, course, workers, monkeypatch):
    died = Future()
    died.set_exception(BrokenExecutor())
    monkeypatch.setattr(workers, "submit", lambda *call: died)
    with pytest.raises(CannotStart, match="die as soon as they start"):
        grade_here(course, workers, "bert", force=True)


def test_one_that_its_workers_die_of_takes_nobody_along():
    tasks = {name: name for name in ("a", "poison", "b", "c", "d", "e")}
    came = dict(results(Fragile(), tasks))
    assert isinstance(came.pop("poison"), BrokenExecutor) and came == {name: name for name in "abcde"}


@pytest.mark.parametrize("timeout", [-1, 0, None])
def test_no_limit_for_a_cell_is_the_notebooks(timeout):
    assert limits_of(Config({"ExecutePreprocessor": {"timeout": timeout}})).cell == limits_of(Config()).notebook


def test_without_what_learners_got_nobody_is_told_to_have_changed_it(graded, course):
    release = course / "release"
    release.rename(course / "elsewhere")
    with pytest.raises(NotGenerated, match=f"There is no .*release.*{NAME}.ipynb, the notebook as learners got it"):
        Batch(course, NAME)
    (course / "elsewhere").rename(release)


def test_what_the_gradebook_has_lost_is_graded_again(graded, course, workers):
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "ninelives") as gradebook:
        gradebook.remove_submission(NAME, "bert")
    assert "4 of 5 are graded already" in grade_here(course, workers)[1]
    assert gradebook_of(course)["bert"]["score"] == 0


def test_a_warning_costs_no_points(graded, course, workers):
    loud = {name: source.replace("    return", "    import warnings; warnings.warn('beware')\n    return")
            for name, source in ANSWERS.items()}
    send(course, "wanda", filled(course, loud))
    assert [line.score for line in grade_here(course, workers, "wanda")[0]] == [6]


def test_whoever_takes_a_name_of_pythons_own_has_not_tampered(graded, course, workers):
    taken = "\n".join(f"{name} = 'mine'" for name in ("type", "isinstance", "callable", "vars", "map", "dict", "globals"))
    send(course, "wanda", filled(course, ANSWERS | {"split-heads": f"{ANSWERS['split-heads']}\n{taken}"}))
    [line] = grade_here(course, workers, "wanda")[0]
    assert (line.score, line.notes) == (6, ())


def test_one_that_cannot_be_recorded_stops_no_other_and_is_told(graded, course, workers, monkeypatch):
    recorded = Recorder.record
    monkeypatch.setattr(Recorder, "record", lambda self, student, *rest: 1 / 0 if student == "ada" else recorded(self, student, *rest))
    lines, _ = grade_here(course, workers, force=True)
    assert [line.student for line in lines if line.score is None] == ["ada"]
    assert "ada" in summary(lines) and "1 not graded" in summary(lines) and "ZeroDivisionError" in summary(lines)


def test_half_of_what_could_not_be_recorded_is_not_recorded_with_the_next(graded, course, workers, monkeypatch):
    write = Recorder.write_grades

    def write_half(self, student, result):
        if student == "ada":
            self.gradebook.find_grade("split-heads-shape", NAME, NAME, "ada").auto_score = 0.25
            raise OSError("database or disk is full")
        return write(self, student, result)

    with monkeypatch.context() as patched:
        patched.setattr(Recorder, "write_grades", write_half)
        assert [line.score for line in grade_here(course, workers, "ada", "bert", force=True)[0]] == [None, 0]
    assert gradebook_of(course)["ada"]["score"] == 6
    grade_here(course, workers, "ada")


def test_points_that_are_given_by_hand_meanwhile_are_seen(graded, course):
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


def test_that_the_instructors_own_answers_fail_is_said(graded, course, workers, monkeypatch):
    found = {NAME: {"canaries": frozenset(), "by_result": frozenset(), "modules": (), "failed": ["split-heads-shape"]}}
    monkeypatch.setattr(grade_class, "first_result", lambda *call: found)
    assert "Beware: the instructor's own 01-heads fails its checks split-heads-shape here." in grade_here(course, workers, "bert", force=True)[1]


@pytest.mark.parametrize(("lines", "status"), [([StudentResult("ada", 0.0), StudentResult("bert")], 1), ([StudentResult("ada", 0.0)], 0)])
def test_the_exit_status_says_whether_all_are_graded(graded, course, monkeypatch, capsys, lines, status):
    monkeypatch.setattr(cli, "grade_class", lambda *call: lines)
    monkeypatch.chdir(course)
    assert main([NAME]) == status


@pytest.mark.parametrize(("arguments", "status", "confined"), [([], 2, []), (["--unsafe"], 0, [False])])
def test_without_a_sandbox_only_whoever_says_unsafe_grades(graded, course, monkeypatch, capsys, arguments, status, confined):
    seen = []
    monkeypatch.setattr(sandbox, "missing", lambda: "there is none")
    monkeypatch.setattr(cli, "grade_class", lambda batch, *rest: seen.append(batch.confined) or [])
    monkeypatch.chdir(course)
    assert main([NAME, *arguments]) == status and seen == confined
    assert ("cannot be confined here" if status else "with all your permissions") in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "said"), [
    (["--student", "nobody"], "nobody has not handed in anything"),
    (["--dask", "tcp://127.0.0.1:1"], "Dask"),
])
def test_what_cannot_be_started_is_said_in_one_line(graded, course, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(course)
    assert main([NAME, *arguments]) == 2
    err = capsys.readouterr().err
    assert said in err and len(err.strip().split("\n")) == 1


def test_where_nobody_has_sent_anything_it_is_said_what_to_do(tmp_path, monkeypatch, capsys):
    course = make_course(tmp_path)
    monkeypatch.chdir(course)
    assert main([NAME]) == 2
    err = capsys.readouterr().err
    assert f"submitted/NAME/{NAME}" in err and f"nbgrader collect {NAME}" in err and len(err.strip().split("\n")) == 1


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_the_line_that_tells_how_far_it_is_fits_the_terminal(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    terminal = StringIO()
    terminal.isatty = lambda: True
    progress = Progress(300, terminal)
    progress.started -= 100
    for number in range(299):
        progress.add(StudentResult(f"student-{number}", 1.0, 2.0))
    assert "\n" not in terminal.getvalue()
    lines = terminal.getvalue().replace("\x1b[K", "").split("\r")[1:]
    assert len(lines) == 299 and max(map(len, lines)) < columns
    assert "299 of 300 done" in lines[-1] and ("[#" in lines[-1]) == (columns > 60)


def test_without_a_copy_of_the_gradebook_nothing_is_graded(graded, course, monkeypatch, capsys):
    def failing(*_):
        raise NotBackedUp("The gradebook could not be copied")

    monkeypatch.setattr("ninelives.grading.grade_class.back_up", failing)
    monkeypatch.chdir(course)
    assert main([NAME, "--force"]) == 2
    assert capsys.readouterr() == ("", "The gradebook could not be copied\n")


def test_that_no_copy_could_be_made_is_the_last_that_is_said(graded, course, monkeypatch, capsys):
    monkeypatch.setattr("ninelives.grading.cli.why_no_backup", lambda db_url: "Make one yourself.")
    monkeypatch.chdir(course)
    main([NAME, "--student", "bert", "--force", "--workers", "1"])
    assert capsys.readouterr().out.endswith("with notes.\nMake one yourself.\n")
    main([NAME, "--student", "bert"])
    assert "Make one" not in capsys.readouterr().out, "nothing was written"


@pytest.mark.parametrize(("setting", "said"), [
    ('c.Sandbox.memory = "2G"', "nbgrader_config.py cannot be used: The 'memory' trait"),
    ('c.Sandbox.notebook_timeout = "long"', "nbgrader_config.py cannot be used: The 'notebook_timeout' trait"),
])
def test_a_setting_that_makes_no_sense_is_named(tmp_path, course, graded, monkeypatch, capsys, setting, said):
    other = shutil.copytree(course, tmp_path / "course")
    with (other / "nbgrader_config.py").open("a") as config:
        config.write(setting)
    monkeypatch.chdir(other)
    assert main([NAME]) == 2
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1


def test_a_gradebook_that_is_none_is_told(tmp_path, course, monkeypatch, capsys):
    shutil.copy(course / "nbgrader_config.py", tmp_path)
    (tmp_path / "gradebook.db").write_text("no database, but long enough to be looked at" * 100)
    monkeypatch.chdir(tmp_path)
    assert main([NAME]) == 2
    assert capsys.readouterr().err.endswith("file is not a database\n")


def test_an_instructors_own_notebook_that_is_none_is_named(tmp_path, course):
    shutil.copytree(course, tmp_path / "course")
    own = tmp_path / "course" / "solutions" / NAME / f"{NAME}.ipynb"
    own.write_text("{")
    with pytest.raises(NotGenerated, match=f"{own} and .* is not a notebook: Notebook does not appear to be JSON"):
        Batch(tmp_path / "course", NAME)


def test_an_instructors_own_notebook_that_has_lost_a_cell_or_itself_is_named(tmp_path, course):
    shutil.copytree(course, tmp_path / "course")
    own = tmp_path / "course" / "solutions" / NAME / f"{NAME}.ipynb"
    notebook = nbformat.read(own, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if cell.id != "split-heads-values"]
    nbformat.write(notebook, own)
    with pytest.raises(NotGenerated, match=f"has the cell 'split-heads-values', but {own} does not: run nbgrader"):
        Batch(tmp_path / "course", NAME)
    own.unlink()
    with pytest.raises(NotGenerated, match=f"There is no {own}"):
        Batch(tmp_path / "course", NAME)


def test_where_nothing_can_be_noted_nothing_is_graded(graded, course, monkeypatch):
    def refused(*_, **__):
        raise PermissionError(13, "Permission denied")

    batch = Batch(course, NAME)
    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(CannotStart, match=r"\.ninelives-grade/01-heads/\.lock cannot be written: Permission denied"):
        batch.locked().__enter__()


@pytest.mark.parametrize(("problem", "said"), [
    (BlockingIOError(11, "Resource temporarily unavailable"), "Another ninelives-grade is grading 01-heads"),
    (OSError(37, "No locks available"), r"\.lock cannot be locked: No locks available"),
])
def test_a_lock_that_cannot_be_had_is_told_from_one_that_is_held(graded, course, monkeypatch, problem, said):
    def refused(*_):
        raise problem

    monkeypatch.setattr(fcntl, "flock", refused)
    with pytest.raises(CannotStart, match=said):
        Batch(course, NAME).locked().__enter__()


def test_whoever_is_named_twice_is_graded_once(graded, course, monkeypatch):
    asked = []
    monkeypatch.setattr("ninelives.grading.cli.grade_class", lambda batch, workers, students, force: asked.extend(students) or [])
    monkeypatch.chdir(course)
    main([NAME, "--student", "cleo", "bert", "cleo"])
    assert asked == ["cleo", "bert"]


@pytest.mark.parametrize(("arguments", "said"), [
    (["--workers", "2", "--dask", "tcp://127.0.0.1:1"], "--workers counts processes of this machine"),
    (["--workers", "0"], "--workers 0: at least 1 is needed"),
])
def test_numbers_of_workers_that_make_no_sense_are_refused(capsys, arguments, said):
    with pytest.raises(SystemExit):
        main([NAME, *arguments])
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("name", ["[2026] *class", "plain"])
def test_a_class_may_have_any_name(course, tmp_path, name):
    shutil.copytree(course, tmp_path / name)
    batch = Batch(tmp_path / name, NAME)
    assert set(CLASS) <= set(batch.students())
    batch.gradebook.close()


def test_what_could_not_be_written_whole_is_not_left_behind(graded, course, workers, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("ninelives.grading.gradebook.nbformat.write", full)
        [line] = grade_here(course, workers, "bert", force=True)[0]
    assert "No space left" in line.notes[0]
    assert [path.name for path in (course / "autograded" / "bert").iterdir()] == [NAME]
    grade_here(course, workers, "bert")


def test_an_assignment_that_was_never_generated_is_named(tmp_path):
    course = make_course(tmp_path)
    (course / "gradebook.db").unlink()
    done = command(course, fails=2)
    assert "There is no gradebook here" in done.stderr and f"run nbgrader generate_assignment {NAME} --force" in done.stderr


def test_a_folder_that_is_no_class_is_named(tmp_path):
    with pytest.raises(NotGenerated, match=f"not the folder of a class, since there is no {tmp_path}/nbgrader_config.py"):
        Batch(tmp_path, NAME)


def test_an_assignment_that_there_is_not_is_refused_with_those_that_there_are(course):
    with pytest.raises(NotGenerated, match=f"no assignment '01-haeds', .*; there are {NAME}$"):
        Batch(course, "01-haeds")


@pytest.mark.parametrize("closed", ["gradebook.db", "."])
def test_a_gradebook_that_may_not_be_written_is_named(course, monkeypatch, closed):
    monkeypatch.setattr("os.access", lambda path, mode: Path(path) != course / closed)  # root may write everything
    with pytest.raises(CannotStart, match=f"may not write {course / closed}: grade as its owner"):
        Batch(course, NAME)


@pytest.mark.parametrize(("db_url", "said"), [
    ("postgresql:///course?host=/nowhere", r"cannot be opened: connection .*/nowhere/\S+ failed"),
    ("mysql:///course", 'No module named .*python -m pip install "psycopg'),
])
def test_a_server_that_cannot_be_reached_is_told(tmp_path, db_url, said):
    (tmp_path / "nbgrader_config.py").write_text(f"c = get_config()\nc.CourseDirectory.db_url = {db_url!r}\n")
    with pytest.raises(CannotStart, match=said):
        Batch(tmp_path, NAME)


def test_a_submission_that_you_may_not_read_stops_no_other(graded, course, workers, monkeypatch):
    read = Batch.digest

    def digest(self, student):
        if student == "ada":
            raise PermissionError(13, "Permission denied", "ada's")
        return read(self, student)

    monkeypatch.setattr(Batch, "digest", digest)
    lines, said = grade_here(course, workers, "ada", "bert")
    assert [(line.student, line.score, line.notes) for line in lines if not line.known] == [
        ("ada", None, ("Could not be read: Permission denied: ada's",))]
    assert "1 of 2 are graded already" in said


@pytest.mark.parametrize("problem", [KernelDied, KernelServerDied])
def test_an_instructors_own_notebook_that_does_not_end_is_told(graded, course, workers, monkeypatch, problem):
    died = Future()
    died.set_exception(problem("it ran for more than 60 seconds and could not be interrupted"))
    monkeypatch.setattr(workers, "submit", lambda *call: died)
    with pytest.raises(CannotStart, match="own 01-heads could not be run to its end here: it ran for more than 60 seconds"):
        grade_here(course, workers, force=True)


def test_the_journal_tells_what_became_of_each(graded, course, workers):
    grade_here(course, workers, "dan")
    entry = json.loads((course / ".ninelives-grade" / NAME / "dan.json").read_text())
    assert entry["scores"][NAME]["split-heads-values"] == 0 and entry["notes"] == []

"""The command line: what can be started, and what it says otherwise."""

import shutil

import pytest

from helpers.classroom import NAME, make_class, make_course
from ninelives.grading import cli, sandbox
from ninelives.grading.cli import main
from ninelives.grading.errors import NotBackedUp
from ninelives.grading.progress import StudentResult


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    return make_class(tmp_path_factory.mktemp("course"))


@pytest.mark.parametrize(("lines", "status"), [([StudentResult("ada", 0.0), StudentResult("bert")], 1), ([StudentResult("ada", 0.0)], 0)])
def test_the_exit_status_says_whether_all_are_graded(course, monkeypatch, capsys, lines, status):
    monkeypatch.setattr(cli, "grade_class", lambda *call: lines)
    monkeypatch.chdir(course)
    assert main([NAME]) == status


@pytest.mark.parametrize(("arguments", "status", "confined"), [([], 2, []), (["--unsafe"], 0, [False])])
def test_without_a_sandbox_only_unsafe_grades(course, monkeypatch, capsys, arguments, status, confined):
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
def test_a_command_that_cannot_start_says_why_in_one_line(course, impatient, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(course)
    assert main([NAME, *arguments]) == 2
    err = capsys.readouterr().err
    assert said in err and len(err.strip().split("\n")) == 1


@pytest.mark.parametrize(("arguments", "said"), [
    (["--due", "2026-11-27 18:00", "--extend", "ada", "2"], "not allowed with argument --due"), (["--watch", "--force"], "leave out --force"),
    (["--watch", "--student", "ada"], "leave out --force and --student"), (["--column", "Grade"], "--column needs --fill"),
    (["--extend", "emil"], "--extend needs a learner and a number of days, as in --extend ada 2"),
    (["--due"], '--due needs one time in quotes, as in --due "2026-11-27 18:00", or none'),
    (["--due", "2026-11-27", "18:00"], "--due needs one time in quotes"),
    (["--workers", "two"], "argument --workers: invalid int value: 'two'"), (["--bogus"], "unrecognized argument: --bogus"),
])
def test_options_that_make_no_sense_are_refused_in_one_line(capsys, arguments, said):
    with pytest.raises(SystemExit) as end:
        main([NAME, *arguments])
    err = capsys.readouterr().err
    assert end.value.code == 2 and said in err and err.count("\n") == 1


def test_without_submissions_the_command_says_what_to_do(tmp_path, monkeypatch, capsys):
    course = make_course(tmp_path)
    monkeypatch.chdir(course)
    assert main([NAME]) == 2
    err = capsys.readouterr().err
    assert f"submitted/NAME/{NAME}" in err and f"nbgrader collect {NAME}" in err and len(err.strip().split("\n")) == 1


def test_a_student_who_is_named_twice_is_graded_once(course, monkeypatch):
    asked = []
    monkeypatch.setattr("ninelives.grading.cli.grade_class", lambda batch, workers, students, force: asked.extend(students) or [])
    monkeypatch.chdir(course)
    main([NAME, "--student", "cleo", "bert", "cleo"])
    assert asked == ["cleo", "bert"]


@pytest.mark.parametrize(("arguments", "said"), [
    (["--workers", "2", "--dask", "tcp://127.0.0.1:1"], "--workers counts processes of this machine"),
    (["--workers", "0"], "--workers 0: at least 1 is needed"),
])
def test_impossible_numbers_of_workers_are_refused(capsys, arguments, said):
    with pytest.raises(SystemExit):
        main([NAME, *arguments])
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(("setting", "said"), [
    ('c.Sandbox.memory = "2G"', "nbgrader_config.py cannot be used: The 'memory' trait"),
    ('c.Sandbox.notebook_timeout = "long"', "nbgrader_config.py cannot be used: The 'notebook_timeout' trait"),
])
def test_an_impossible_setting_is_named(tmp_path, course, monkeypatch, capsys, setting, said):
    other = shutil.copytree(course, tmp_path / "course")
    with (other / "nbgrader_config.py").open("a") as config:
        config.write(setting)
    monkeypatch.chdir(other)
    assert main([NAME]) == 2
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1


def test_a_file_that_is_not_a_gradebook_is_reported(tmp_path, course, monkeypatch, capsys):
    shutil.copy(course / "nbgrader_config.py", tmp_path)
    (tmp_path / "gradebook.db").write_text("no database, but long enough to be looked at" * 100)
    monkeypatch.chdir(tmp_path)
    assert main([NAME]) == 2
    assert capsys.readouterr().err.endswith("file is not a database\n")


def test_without_a_backup_nothing_is_graded(course, monkeypatch, capsys):
    def failing(*_):
        raise NotBackedUp("The gradebook could not be copied")

    monkeypatch.setattr("ninelives.grading.grade_class.back_up", failing)
    monkeypatch.chdir(course)
    assert main([NAME, "--force"]) == 2
    assert capsys.readouterr() == ("", "The gradebook could not be copied\n")


def test_an_assignment_that_was_never_generated_is_named(tmp_path, monkeypatch, capsys):
    course = make_course(tmp_path)
    (course / "gradebook.db").unlink()
    for force in (" --force", ""):
        monkeypatch.chdir(course)
        assert main([NAME]) == 2
        said = capsys.readouterr().err
        assert "There is no gradebook here" in said and said.endswith(f"run nbgrader generate_assignment {NAME}{force}\n")
        assert "Go to the folder that you made for your class, or if it is this one: run" in said and said.count("\n") == 1
        shutil.rmtree(course / "release", ignore_errors=True)

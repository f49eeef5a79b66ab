"""A class that has handed in through Moodle and Canvas, there and back: collected, graded, sheets filled, feedback zipped."""

import csv
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from nbgrader.api import Gradebook
from nbgrader.apps.zipcollectapp import ZipCollectApp

from helpers.classroom import api, succeed
from helpers.plain_class import NAME, RIGHT, WRONG, answered, command, make_course
from ninelives.grading import cli

MOODLE = ['Identifier', 'Full name', 'Email address', 'Status', 'Grade', 'Maximum Grade', 'Grade can be changed',
          'Last modified (submission)', 'Last modified (grade)', 'Feedback comments']
SHEET = [["Participant 1234567", "Jürgen O'Neil", "j@x.org", "Submitted", "", "10.00", "Yes", "Friday, 27 November 2026, 6:02 PM", "-", "see\nbelow"],
         ["Participant 8", "Zoë", "z@x.org", "Submitted", "3.00", "10.00", "No", "Friday, 27 November 2026, 5:00 PM", "-", ""],
         ["Participant 9", "Nobody", "n@x.org", "No submission", "", "10.00", "Yes", "-", "-", ""]]
CANVAS = ("Student,ID,SIS Login ID,Section,ps1 (55501),Final Score\r\n    Points Possible,,,,10.00,(read only)\r\n"
          '"Lovelace, Ada",12345,ada,S1,,\r\n"Turing, Alan",777,alan,S1,,\r\n"Noether, Emmy",778,emmy,S1,EX,\r\n"Test, Student",1,,S1,,\r\n')
JUERGEN, ZOE, ADA, ALAN, EMMY = "Jürgen O'Neil_1234567", "Zoë_8", "lovelaceada_12345", "alan", "noetheremmy_778"


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Alan is in the roster with his number in Canvas."""
    course = make_course(tmp_path_factory.mktemp("platforms") / ".hidden_1_assignsubmission_file", "c.LatePolicy.per_day = 0.1")
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "ninelives") as gradebook:
        gradebook.add_student("alan", lms_user_id="777")
    archive = course / "downloaded" / NAME / "archive"
    archive.mkdir(parents=True)
    with (archive / "Grades.csv").open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file).writerows([MOODLE, *SHEET])
    with ZipFile(archive / "CS101-ps1-55501.zip", "w") as moodle:
        for name, answer in (("Jürgen O'Neil_1234567_assignsubmission_file/ps1.ipynb", RIGHT), ("Zoë_8_assignsubmission_file_/my work.ipynb", WRONG)):
            moodle.writestr(name, answered(course, answer))
        moodle.writestr("Zoë_8_assignsubmission_file_/own/data.txt", "mine")
        moodle.writestr("Zoë_8_assignsubmission_file_/timestamp.txt", "1999-01-01 00:00:00 UTC")
    with ZipFile(archive / "submissions.zip", "w") as canvas:
        for name, answer in (("lovelaceada_LATE_12345_70_ps1-1.ipynb", RIGHT), ("lovelaceada_LATE_12345_69_ps1.ipynb", WRONG),
                             ("turingalan_777_71_ps1.ipynb", RIGHT), ("noetheremmy_778_72_ps1.ipynb", RIGHT)):
            canvas.writestr(name, answered(course, answer))
    return course


@pytest.fixture
def here(course, monkeypatch):
    monkeypatch.chdir(course)
    monkeypatch.setattr("ninelives.grading.cli.Workers", lambda *_: pytest.fail("nothing has to be run"))


def zip_collect(*options):
    app = ZipCollectApp()
    app.initialize([NAME, *options])
    app.start()


@pytest.fixture(scope="module")
def collected(course):
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(course)
        patched.setenv("TZ", "UTC")
        zip_collect()
    return course


@pytest.fixture(scope="module")
def graded(collected):
    command(collected, "--due", "2026-11-27 18:00 UTC")
    said = command(collected, "--workers", "1")
    succeed(api(collected).generate_feedback(NAME, force=True))
    return said


def files(course, student):
    folder = course / "submitted" / student / NAME
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_each_learner_gets_a_folder_with_name_and_number_and_the_newest_attempt(collected):
    assert sorted(path.name for path in (collected / "submitted").iterdir()) == sorted([JUERGEN, ZOE, ADA, ALAN, EMMY])
    assert files(collected, JUERGEN) == ["ps1.ipynb", "timestamp.txt"]
    assert files(collected, ZOE) == ["my work.ipynb", "own/data.txt", "timestamp.txt"]
    assert files(collected, ADA) == files(collected, ALAN) == ["ps1.ipynb"]
    assert "2 * x" in (collected / "submitted" / ADA / NAME / "ps1.ipynb").read_text()


def test_the_time_is_that_of_moodles_sheet_and_not_one_that_a_learner_handed_in(collected):
    time = (collected / "submitted" / ZOE / NAME / "timestamp.txt").read_text()
    assert time == "2026-11-27 17:00:00"


def test_a_second_time_nothing_is_half_replaced(collected, here, capsys):
    (collected / "submitted" / ADA / NAME / "ps1.ipynb").touch()
    extracted = collected / "downloaded" / NAME / "extracted"
    extracted.rename(extracted.with_name("kept"))
    with pytest.raises(SystemExit):
        zip_collect()
    assert "5 learners have a submission already" in capsys.readouterr().err and not list(extracted.rglob("*.ipynb"))
    zip_collect("--force")
    assert files(collected, ZOE) == ["my work.ipynb", "own/data.txt", "timestamp.txt"]
    said = capsys.readouterr().err
    assert "ps1-1.ipynb counts, being the newest; not collected: lovelaceada_LATE_12345_69_ps1.ipynb" in said
    assert said.count("being the newest") == said.count("Canvas marks lovelaceada_12345 as late and does not say when it came") == 1


def damaged(path):
    """A zip whose list of files is whole and whose content is not."""
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        archive.writestr("zola_99_80_ps1.ipynb", bytes(range(256)))
    data = bytearray(path.read_bytes())
    data[70:80] = bytes(10)
    path.write_bytes(data)


@pytest.mark.parametrize(("name", "write", "words"), [
    ("bad.zip", lambda path: path.write_bytes(b"nonsense"), "bad.zip cannot be read as a zip"),
    ("later.zip", damaged, "later.zip is damaged"),
    ("bad.csv", lambda path: path.write_bytes(b"PK nonsense"), "bad.csv is an Excel file or a zip: export the grade sheet as CSV"),
    ("times.csv", lambda path: path.write_text("Identifier,Last modified (submission)\nParticipant 8,soon\n"), "has the time 'soon', which cannot be read"),
])
def test_a_file_of_nonsense_ends_with_one_sentence_and_nothing_is_unpacked_or_collected(collected, here, capsys, name, write, words):
    bad, extracted = collected / "downloaded" / NAME / "archive" / name, collected / "downloaded" / NAME / "extracted"
    write(bad)
    before = {path: path.stat().st_mtime_ns for path in (collected / "submitted").rglob("*")}
    with pytest.raises(SystemExit):
        zip_collect("--force")
    bad.unlink()
    assert words in capsys.readouterr().err.strip().splitlines()[-1] and list(extracted.iterdir()) == []
    assert {path: path.stat().st_mtime_ns for path in (collected / "submitted").rglob("*")} == before
    zip_collect("--force")


def test_all_are_graded_and_late_work_loses_points(graded):
    assert "5 submissions: 5 graded" in graded
    lines = {line.split("  ")[0]: " ".join(line.split()) for line in graded.splitlines()}
    assert "9 of 10 (10, late by 2 min)" in lines[JUERGEN] and "10 of 10 (time unknown)" in lines[ALAN] and "0 of 10" in lines[ZOE]


def test_moodles_sheet_is_filled_and_keeps_all_else(graded, here, capsys, tmp_path):
    path = "downloaded/ps1/archive/Grades.csv"
    assert cli.main([NAME, "--fill", path]) == 0
    filled = "downloaded/ps1/archive/Grades.filled.csv"
    said = capsys.readouterr().out
    with open(filled, newline="", encoding="utf-8-sig") as file:
        rows = list(csv.reader(file))
    assert open(filled, "rb").read(3) == b"\xef\xbb\xbf" and rows[0] == MOODLE
    assert [row[4] for row in rows[1:]] == ["9.00", "3.00", ""]
    assert [[*row[:4], *row[5:]] for row in rows[1:]] == [[*row[:4], *row[5:]] for row in SHEET]
    assert "1 of 3 rows have points now, in the column 'Grade'" in said
    assert "Nothing was handed in, and their rows are as they were: Participant 9 Nobody." in said
    assert f"The platform does not let their points be changed; here they have: {ZOE} 0.00." in said
    assert f"Graded, but not in the sheet: {ALAN}, {ADA}, {EMMY}." in said


def test_canvass_sheet_is_filled_by_number_and_roster(graded, here, capsys, tmp_path):
    path = tmp_path / "gradebook.csv"
    path.write_text(CANVAS, newline="")
    assert cli.main([NAME, "--fill", str(path)]) == 0
    with (tmp_path / "gradebook.filled.csv").open(newline="") as file:
        text = file.read()
    assert text == CANVAS.replace("ada,S1,,", "ada,S1,10.00,").replace("alan,S1,,", "alan,S1,10.00,")
    assert "2 of 4 rows have points now, in the column 'ps1 (55501)'" in capsys.readouterr().out


def moodle_sheet(tmp_path, *rows, columns=MOODLE):
    path = tmp_path / "worksheet.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])
    return str(path)


def test_two_rows_about_one_learner_are_named_and_left_as_they_were(graded, here, course, capsys, tmp_path):
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "ninelives") as gradebook:
        gradebook.update_or_create_student(ADA, email="shared@x.org")
        gradebook.update_or_create_student(EMMY, email="emmy@x.org")
    rows = [[f"Participant {number}", name, mail, "Submitted for grading", "", "10.00", "Yes"]
            for number, name, mail in ((50, "Anna", "shared@x.org"), (51, "Bert", "shared@x.org"), (52, "Emmy", "emmy@x.org"),
                                       (53, "Cleo", "c@x.org"))]
    assert cli.main([NAME, "--fill", moodle_sheet(tmp_path, *rows)]) == 0
    with (tmp_path / "worksheet.filled.csv").open(newline="") as file:
        assert [row[4] for row in csv.reader(file)] == ["Grade", "", "", "10.00", ""]
    said = capsys.readouterr().out
    assert "1 of 4 rows have points now" in said and "Nothing was handed in" not in said
    assert f"as they were: fill them in yourself: Participant 50 Anna ({ADA}), Participant 51 Bert ({ADA})." in said
    assert "Nobody who is graded was found for these rows, and they are as they were: Participant 53 Cleo." in said


@pytest.mark.parametrize(("columns", "why"), [
    (["Identifier", "Status", "Grade"], "the sheet has no addresses, and the gradebook does not know its numbers"),
    (["Identifier", "Email address", "Grade"], "the gradebook knows neither its numbers nor its addresses"),
])
def test_a_sheet_of_which_no_row_is_matched_is_refused_and_nothing_is_written(graded, here, capsys, tmp_path, columns, why):
    path = moodle_sheet(tmp_path, ["Participant 50", "Submitted for grading", ""], columns=columns)
    assert cli.main([NAME, "--fill", path]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and why in said and "lms_user_id" in said and "zip_collect" in said
    assert [one.name for one in tmp_path.iterdir()] == ["worksheet.csv"]


def test_a_sheet_with_another_maximum_is_refused_and_nothing_is_written(graded, here, capsys, tmp_path):
    path = tmp_path / "gradebook.csv"
    path.write_text(CANVAS.replace("10.00", "100.00"))
    assert cli.main([NAME, "--fill", str(path)]) == 2
    assert "gradebook.csv allows 100 points, and ps1 has 10" in capsys.readouterr().err
    assert [one.name for one in tmp_path.iterdir()] == ["gradebook.csv"]


def test_feedback_goes_back_under_the_names_that_came(graded, here, course, capsys):
    assert cli.main([NAME, "--feedback-zip"]) == 0
    with ZipFile(course / f"feedback-{NAME}.zip") as archive:
        assert sorted(archive.namelist()) == [
            "Jürgen O'Neil_1234567_assignsubmission_file/ps1.html", "Zoë_8_assignsubmission_file_/ps1.html",
            "lovelaceada_LATE_12345_70_ps1.html", "noetheremmy_778_72_ps1.html", "turingalan_777_71_ps1.html"]
        assert "Handed in late by 2 min" in archive.read("Jürgen O'Neil_1234567_assignsubmission_file/ps1.html").decode()
    assert "5 pages" in capsys.readouterr().out


def test_pages_that_are_missing_or_old_are_named_and_left_out(graded, here, course, capsys):
    (course / "feedback" / JUERGEN / NAME / f"{NAME}.html").unlink()
    (course / "autograded" / ALAN / NAME / f"{NAME}.ipynb").touch()
    assert cli.main([NAME, "--feedback-zip"]) == 0
    said = capsys.readouterr().out
    assert "3 pages" in said and f"No page: {JUERGEN}; type nbgrader generate_feedback {NAME} --force" in said
    assert f"graded again after their page was made: {ALAN};" in said


def test_without_a_download_the_names_are_unknown(graded, here, course, capsys):
    extracted = course / "downloaded" / NAME / "extracted"
    extracted.rename(extracted.with_name("away"))
    assert cli.main([NAME, "--feedback-zip"]) == 2
    assert "so the names that they expect are unknown" in capsys.readouterr().err
    extracted.with_name("away").rename(extracted)

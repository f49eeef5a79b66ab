"""Sheets made as Moodle and Canvas make them: see the module's docstring for the sources."""

import time

import pytest

from ninelives.grading.errors import CannotStart
from ninelives.grading.grade_sheet import places, read_sheet, times_of_submission

MOODLE = ('Identifier,"Full name","Email address",Status,Grade,"Maximum Grade","Grade can be changed","Last modified (submission)",'
          '"Last modified (grade)","Feedback comments"\r\n'
          'Participant 1234567,"Jürgen O\'Neil",j@x.org,"Submitted for grading",,10.00,Yes,"Friday, 27 November 2026, 6:02 PM",-,"a\r\nb"\r\n'
          'Participant 8,Bert,b@x.org,"No submission",,10.00,Yes,-,-,\r\n')
CANVAS = ("Student,ID,SIS Login ID,Section,Essay (55500),Notebook 1 (55501),Final Score\n"
          "    Points Possible,,,,5.00,10.00,(read only)\n"
          '"Lovelace, Ada",12345,ada,S1,,,\n')


def sheet(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "sheet.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return read_sheet(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("text", [MOODLE, CANVAS, CANVAS.replace(",", ";").replace("Lovelace; ", "Lovelace, "), CANVAS.replace(",", "\t")])
def test_a_sheet_that_is_read_and_written_has_the_same_cells_encoding_and_separators(tmp_path, text, encoding):
    one = sheet(tmp_path, text, encoding)
    one.write(tmp_path / "again.csv")
    again = read_sheet(tmp_path / "again.csv")
    assert (again.rows, again.encoding, again.delimiter, again.line_end) == (one.rows, one.encoding, one.delimiter, one.line_end)
    assert (tmp_path / "again.csv").read_bytes()[:3] == one.path.read_bytes()[:3]


def test_learners_and_grades_are_found_in_moodles_sheet(tmp_path):
    found = places(sheet(tmp_path, MOODLE, "utf-8-sig"), "01-embeddings", None)
    assert found.number == {1: "1234567", 2: "8"} and found.grade == 4 and set(found.most.values()) == {10}


GERMAN = "ID;Vollständiger Name;Bewertung;Höchstbewertung;Feedback als Kommentar\nTeilnehmer/in 1234567;Ada;;10,00;gut\n"


def test_in_another_language_the_column_is_named_with_the_option(tmp_path):
    german = sheet(tmp_path, GERMAN)
    with pytest.raises(CannotStart, match="no column 'Grade': say which one to fill with --column; it has 'ID', 'Vollständiger Name', 'Bewertung'"):
        places(german, "01-embeddings", None)
    found = places(german, "01-embeddings", "Bewertung")
    assert found.number == {1: "1234567"} and found.most == {1: 10}


def test_canvas_finds_the_assignment_by_its_title_or_the_option(tmp_path):
    one = sheet(tmp_path, CANVAS)
    assert places(one, "notebook 1", None).grade == 5 and places(one, "notebook 1", None).most == {2: 10}
    assert places(one, "01-embeddings", "Essay (55500)").grade == 4
    with pytest.raises(CannotStart, match=r"no column named '01-embeddings': .* it has 'Essay \(55500\)', 'Notebook 1 \(55501\)'"):
        places(one, "01-embeddings", None)


FRENCH = ("Identifiant,Nom complet,Statut,Note,Note maximale,La note peut être modifiée,Feedback par commentaires,Résultats\n"
          "Participant1,Ada,Remis,9.00,10.00,Oui,,\nParticipant2,Bert,Remis,8.00,10.00,Oui,,\n")  # graded before


@pytest.mark.parametrize(("text", "column"), [
    (MOODLE, "Email address"), (MOODLE, "Feedback comments"), (MOODLE, "maximum grade"), (MOODLE, "Identifier"),
    (GERMAN, "ID"), (GERMAN, "Feedback als Kommentar"), (GERMAN, "Vollständiger Name"), (FRENCH, "Feedback par commentaires"),
    (FRENCH, "Statut"), (MOODLE.replace("Grade", "Note"), "Maximum Note"), (CANVAS, "ID"), (CANVAS, "Section"), (CANVAS, "Final Score"),
])
def test_a_column_in_which_the_platform_keeps_something_else_is_not_filled(tmp_path, text, column):
    with pytest.raises(CannotStart, match=f"does not keep points .*in the column '{column}'"):
        places(sheet(tmp_path, text), "notebook 1", column)


@pytest.mark.parametrize(("data", "words"), [
    ("Name,Points\nAda,1\n", "is not a grade sheet of Moodle, .* nor of Canvas, .* it has 'Name', 'Points'"),
    ("", "is not a CSV file with several columns"), ("just a line", "is not a CSV file with several columns"),
    (b"PK\x03\x04xlsx", "is an Excel file or a zip"), ('a,"b\nc', "is not a CSV file"), (bytes(range(256)), "is not a"),
])
def test_other_files_are_refused_in_one_sentence(tmp_path, data, words):
    with pytest.raises(CannotStart, match=words) as refused:
        places(sheet(tmp_path, data), "01-embeddings", None)
    assert "\n" not in str(refused.value)


def test_a_sheet_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(CannotStart, match="none.csv cannot be read: No such file"):
        read_sheet(tmp_path / "none.csv")


def test_moodles_times_are_read_in_the_time_zone_of_this_machine(tmp_path, monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        assert times_of_submission(sheet(tmp_path, MOODLE).path) == {"1234567": "2026-11-27 17:02:00 UTC"}
        us = MOODLE.replace("Friday, 27 November 2026, 6:02 PM", "Friday, November 27, 2026, 6:02 PM")
        assert times_of_submission(sheet(tmp_path, us).path) == {"1234567": "2026-11-27 17:02:00 UTC"}
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_time_in_another_language_is_refused_and_a_sheet_without_times_gives_none(tmp_path):
    with pytest.raises(CannotStart, match="has the time 'Freitag, 27. Nofember 2026, 18:02', which cannot be read"):
        times_of_submission(sheet(tmp_path, MOODLE.replace("Friday, 27 November 2026, 6:02 PM", "Freitag, 27. Nofember 2026, 18:02")).path)
    assert times_of_submission(sheet(tmp_path, CANVAS).path) == {}

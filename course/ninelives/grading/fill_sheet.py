"""`ninelives-grade A --fill SHEET`: the grade sheet of Moodle or Canvas, filled in."""

import re
from collections import Counter
from pathlib import Path

from nbgrader.api import Gradebook, Student

from ninelives.grading.backup import back_up
from ninelives.grading.batch import Batch
from ninelives.grading.errors import CannotStart
from ninelives.grading.folders import printable
from ninelives.grading.grade_sheet import LEFT_ALONE, OTHER_NAMES, Sheet, places, read_sheet
from ninelives.grading.progress import StudentResult

NUMBER_IN_ID = re.compile(r".+_(\d+)")


def fill_sheet(batch: Batch, path: str, column: str | None = None, say=print) -> None:
    """Write the sheet with the points of everyone who is graded beside it, as NAME.filled.csv. Other cells stay.

    Raises:
        CannotStart: it is no grade sheet, none of its rows is that of a graded learner, or the platform's maximum is not
            that of the assignment.
    """
    sheet = read_sheet(Path(path))
    found = places(sheet, batch.assignment, column)
    most = batch.gradebook.find_assignment(batch.assignment).max_score
    other = next((points for points in found.most.values() if points not in (None, most)), None)
    if other is not None:
        raise CannotStart(f"{printable(sheet.path.name)} allows {other:g} points, and {batch.assignment} has {most:g}: change "
                          "the maximum on the platform, and download the sheet again")
    results, names = _results(batch, say), _names(batch.gradebook)
    if not results:
        raise CannotStart(f"Nobody's {batch.assignment} is graded yet, so there are no points to fill in: type "
                          f"ninelives-grade {batch.assignment}")
    of_row = {index: student for index, number in found.number.items()
              if (student := _student(sheet, index, number, names)) in results}
    if not of_row:
        raise CannotStart(_no_match(sheet))
    rows_of, closed, status = Counter(of_row.values()), sheet.column("Grade can be changed"), sheet.column("Status")
    done, empty, unknown, kept, several = set(), [], [], [], []
    for index in found.number:
        row, student = sheet.rows[index], of_row.get(index)
        shown = " ".join(filter(None, (cell.strip() for cell in row[:2])))
        if student is None:
            (empty if _cell(row, status).startswith("No submission") else unknown).append(shown)
        elif rows_of[student] > 1:
            several.append(f"{shown} ({student})")
        elif _cell(row, found.grade) in LEFT_ALONE or _cell(row, closed) == "No":
            kept.append(student)
        else:
            row += [""] * (found.grade + 1 - len(row))
            row[found.grade] = f"{results[student].score:.2f}"
            done.add(student)
    target = sheet.path.with_name(f"{sheet.path.stem}.filled{sheet.path.suffix}")
    try:
        sheet.write(target)
    except OSError as problem:
        raise CannotStart(f"{target} cannot be written: {problem.strerror}") from None
    say(f"{target}: {len(done)} of {len(found.number)} rows have points now, in the column "
        f"{printable(sheet.rows[0][found.grade])!r}. Upload this file.")
    for words, students in (
            ("Nothing was handed in, and their rows are as they were", empty),
            ("Nobody who is graded was found for these rows, and they are as they were", unknown),
            ("Several rows are about one learner, and they are as they were: fill them in yourself", several),
            ("The platform does not let their points be changed; here they have", [f"{s} {results[s].score:.2f}" for s in kept]),
            ("Graded, but not in the sheet", sorted(results.keys() - set(of_row.values()))),
            ("Filled in although you still have to grade cells by hand", [s for s in sorted(done) if results[s].look_at])):
        if students:
            say(f"{words}: {', '.join(map(printable, students))}.")


def _results(batch: Batch, say) -> dict[str, StudentResult]:
    """The results of everyone who is graded, with the penalties that the dates of now demand."""
    graded = [submission for submission in batch.gradebook.assignment_submissions(batch.assignment)
              if Path(batch.course.format_path(batch.course.autograded_directory, submission.student.id,
                                               batch.assignment)).is_dir()]
    if any(map(batch.recorder.penalties.outdated, graded)):
        say(back_up(batch.course.db_url, Path(batch.course.root), batch.assignment))
        for submission in graded:
            batch.recorder.penalties.update(submission)
        batch.gradebook.db.commit()
    return {submission.student.id: batch.result(submission.student.id, submission, (), {}) for submission in graded}


def _names(gradebook: Gradebook) -> dict[str, str]:
    """{any name by which a sheet may call a learner: the id}, without names that several learners have."""
    found: dict[str, set[str]] = {}
    for student in gradebook.students:
        for name in _names_of(student):
            found.setdefault(name, set()).add(student.id)
    return {name: min(students) for name, students in found.items() if len(students) == 1}


def _names_of(student: Student) -> list[str]:
    number = NUMBER_IN_ID.fullmatch(student.id)
    return [name for name in (student.lms_user_id, number and number[1], student.id, student.email) if name]


def _student(sheet: Sheet, index: int, number: str, names: dict[str, str]) -> str | None:
    """Whose row it is: the number on the platform comes before other names."""
    row = sheet.rows[index]
    keys = [number, *(_cell(row, sheet.column(name)) for name in OTHER_NAMES)]
    return next((names[key] for key in keys if key in names), None)


def _no_match(sheet: Sheet) -> str:
    """The error for a sheet with nobody who is graded."""
    if any(sheet.column(name) is not None for name in OTHER_NAMES):
        why = "the gradebook knows neither its numbers nor its addresses"
    else:
        why = "the sheet has no addresses, and the gradebook does not know its numbers"
    return (f"No row of {printable(sheet.path.name)} could be matched with a learner who is graded: {why}. Collect the "
            "platform's download with nbgrader zip_collect, or import a roster with the numbers as lms_user_id")


def _cell(row: list[str], column: int | None) -> str:
    """Empty if the sheet has no such column, or the row ends before it."""
    return row[column].strip() if column is not None and len(row) > column else ""

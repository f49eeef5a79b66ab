"""The grade sheets of Moodle and Canvas: read with whatever encoding they have, and given back with all their columns.

Moodle's "grading worksheet" (mod/assign/feedback/offline/importgradeslib.php, Moodle 4.5) finds a learner by the column
"Identifier", as "Participant 1234567", and takes the column "Grade". Canvas's gradebook (lib/gradebook_exporter.rb and
gradebook_importer.rb of canvas-lms) has a column "ID", one for each assignment such as "Notebook 1 (55501)", and below
the header a row "Points Possible".
"""

import csv
import io
import re
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from nbgrader.utils import parse_utc

from ninelives.grading.errors import CannotStart
from ninelives.grading.folders import printable, replacing

MAX_BYTES = 64 << 20
PARTICIPANT = re.compile(r"\D+(\d+)")
ASSIGNMENT = re.compile(r"(.+) \((\d+)\)")
OTHER_NAMES = ("sis user id", "sis login id", "id number", "email address", "username")  # columns that name a learner
LEFT_ALONE = ("EX", "N/A")  # Canvas's: excused, and not assigned


@dataclass
class Sheet:
    """A CSV file.

    Args:
        rows: its cells, with the header.
        encoding, delimiter, line_end, quoted: how it was written; `quoted` is whether every cell was.
    """

    path: Path
    rows: list[list[str]]
    encoding: str
    delimiter: str
    line_end: str
    quoted: bool

    def column(self, name: str) -> int | None:
        """The index of a column, whatever its case; None if there is none."""
        names = [cell.strip().casefold() for cell in self.rows[0]]
        return names.index(name.casefold()) if name.casefold() in names else None

    def write(self, path: Path) -> None:
        text = io.StringIO(newline="")
        quoting = csv.QUOTE_ALL if self.quoted else csv.QUOTE_MINIMAL
        csv.writer(text, delimiter=self.delimiter, lineterminator=self.line_end, quoting=quoting).writerows(self.rows)
        with replacing(path) as new:
            new.write_bytes(text.getvalue().encode(self.encoding))


def read_sheet(path: Path) -> Sheet:
    """Raises CannotStart if it is no CSV file."""
    shown = printable(path.name)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise CannotStart(f"{shown} has {path.stat().st_size >> 20} MB, too many for a grade sheet")
        data = path.read_bytes()
    except OSError as problem:
        raise CannotStart(f"The grade sheet {shown} cannot be read: {problem.strerror}") from None
    if data[:2] == b"PK":
        raise CannotStart(f"{shown} is an Excel file or a zip: export the grade sheet as CSV")
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig" if data[:3] == b"\xef\xbb\xbf" else "utf-8"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        encoding = "latin-1" if encoding == "utf-8" else encoding
        text = data.decode(encoding, "replace")
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as problem:
        raise CannotStart(f"{shown} is not a CSV file ({problem}): download the grade sheet again") from None
    if "\0" in text or not rows or len(rows[0]) < 2:
        raise CannotStart(f"{shown} is not a CSV file with several columns: download the grade sheet again")
    quoted = first.rstrip("\r").count('"') >= 2 * len(rows[0])
    return Sheet(path, rows, encoding, delimiter, "\r\n" if first.endswith("\r") else "\n", quoted)


@dataclass
class Places:
    """Where a sheet has what is needed: indices of columns, and of rows with a learner.

    Args:
        number: the learner's number on the platform, by row.
        grade: the column to fill.
        most: points that the platform allows, by row; None where it does not say.
    """

    number: dict[int, str]
    grade: int
    most: dict[int, float | None]


def places(sheet: Sheet, assignment: str, column: str | None) -> Places:
    """Find learners and the column to fill. Raises CannotStart."""
    if sheet.column("ID") is not None and sheet.column("Section") is not None:
        return _canvas(sheet, assignment, column)
    found = sheet.column("Identifier") or 0
    number = {index: match[1] for index, row in enumerate(sheet.rows[1:], 1)
              if len(row) > found and (match := PARTICIPANT.fullmatch(row[found].strip()))}
    if not number:
        raise CannotStart(f"{printable(sheet.path.name)} is not a grade sheet of Moodle, with 'Participant 1234567' in its "
                          f"first column, nor of Canvas, with the columns 'ID' and 'Section'; it has {_shown(sheet.rows[0])}")
    grade, known = _named(sheet, column or "Grade"), sheet.column("Grade")
    # In any language the maximum comes after the points.
    highest = grade + 1 if known is None else sheet.column("Maximum Grade")
    most = {index: _points(sheet.rows[index], highest) for index in number}
    if known not in (None, grade) or known is None and (None in most.values() or len(set(most.values())) > 1):
        raise CannotStart(f"Moodle does not keep points of this assignment in the column {column!r}, since the column after it is "
                          "not their maximum: name the column of points, or leave --column out for 'Grade'")
    return Places(number, grade, most)


def _canvas(sheet: Sheet, assignment: str, column: str | None) -> Places:
    ids = sheet.column("ID")
    number = {index: row[ids].strip() for index, row in enumerate(sheet.rows[1:], 1)
              if len(row) > ids and row[ids].strip().isdigit()}
    if column is None:
        titles = {match[1].casefold(): cell for cell in sheet.rows[0] if (match := ASSIGNMENT.fullmatch(cell.strip()))}
        column = titles.get(assignment.casefold()) or (next(iter(titles.values())) if len(titles) == 1 else None)
        if column is None:
            raise CannotStart(f"{printable(sheet.path.name)} has no column named {assignment!r}: say which one to fill, as in "
                              f"--column '{next(iter(titles.values()), 'Notebook 1 (55501)')}'; it has "
                              f"{_shown(list(titles.values()))}")
    grade = _named(sheet, column)
    if not ASSIGNMENT.fullmatch(sheet.rows[0][grade].strip()):
        raise CannotStart(f"Canvas does not keep points of an assignment in the column {column!r}: name one such as "
                          "'Notebook 1 (55501)' with --column")
    possible = next((row for row in sheet.rows if row and row[0].strip() == "Points Possible"), [])
    return Places(number, grade, dict.fromkeys(number, _points(possible, grade)))


def _named(sheet: Sheet, column: str) -> int:
    found = sheet.column(column)
    if found is None:
        raise CannotStart(f"{printable(sheet.path.name)} has no column {column!r}: say which one to fill with --column; it has "
                          f"{_shown(sheet.rows[0])}")
    return found


def _shown(names: list[str]) -> str:
    return ", ".join(repr(printable(name)) for name in names[:12]) + (" …" if len(names) > 12 else "") if names else "none"


def _points(row: list[str], column: int | None) -> float | None:
    try:
        return float(row[column].replace(",", ".")) if column is not None else None
    except (ValueError, IndexError):
        return None


def times_of_submission(path: Path) -> dict[str, str]:
    """{participant's number: time in UTC} from Moodle's grading worksheet, whose times are in this machine's time zone.
    Empty for a sheet without such times. Raises CannotStart."""
    sheet = read_sheet(path)
    column, found = sheet.column("Last modified (submission)"), {}
    for row in sheet.rows[1:] if column is not None else []:
        match = PARTICIPANT.fullmatch(row[0].strip()) if len(row) > column else None
        if match and row[column].strip() not in ("", "-"):
            try:
                when = parse_utc(row[column].strip()).astimezone(UTC)
            except (ValueError, OverflowError):
                raise CannotStart(f"{printable(path.name)} has the time {printable(row[column])!r}, which cannot be read: set "
                                  "Moodle's language to English and download it again, or take the sheet away") from None
            found[match[1]] = f"{when:%Y-%m-%d %H:%M:%S} UTC"
    return found

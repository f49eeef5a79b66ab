"""The report on a class as text for the terminal, and as two tables in CSV."""

import csv
import io
import textwrap
from shutil import get_terminal_size

from ninelives.grading.alike import Compared
from ninelives.grading.class_results import Learner
from ninelives.grading.folders import printable
from ninelives.grading.report import ClassReport

MAX_NAMED = 4  # learners named in a line of the terminal
MAX_CAUSES = 5  # of an exercise
MAX_SHOWN = 10  # pairs of an exercise
MAX_NAME = 40  # characters of a check's name


def report_text(report: ClassReport, names: bool) -> str:
    """The table of checks, under each exercise the causes, and what else there is to see."""
    checks = [check.name for exercise in report.exercises for check in exercise.checks]
    width = min(MAX_NAME, max([len("check"), *map(len, map(printable, checks))]))
    lines = [f"{printable(report.assignment)}: {counted(report.total)}, with {report.points:.1f} of "
             f"{report.max_points:g} points on average", "",
             f"{'check':{width}}  passed  failed  not tried  discrimination"]
    for exercise in report.exercises:
        for check in exercise.checks:
            shown = "" if check.discrimination is None else f"{check.discrimination:.2f}"
            by_hand = f"  {check.to_grade} to grade by hand" if check.to_grade else ""
            lines.append(f"{printable(check.name)[:MAX_NAME]:{width}}  {check.passed:6}  {check.failed:6}  "
                         f"{check.not_tried:9}  {shown:>14}{by_hand}".rstrip())
        for cause in exercise.causes[:MAX_CAUSES]:
            lines += _listed(len(cause.learners), cause.text, cause.learners, names)
        if len(exercise.causes) > MAX_CAUSES:
            lines.append(f"         {len(exercise.causes) - MAX_CAUSES} more in the page")
        lines.append("")
    if report.total > 1:
        for what, learners in (("Solved by everyone", report.total), ("Solved by nobody", 0)):
            if solved := report.solved_by(learners):
                lines += [*_wrapped(f"{what}: {', '.join(map(printable, solved))}", ""), ""]
    lines += ["Last exercise tried:"]
    lines += [f"  {learners:5}  {printable(name or '(none)')}" for name, learners in report.stopped]
    if report.notes:
        lines += ["", "Repaired, stopped or suspected:"]
        for note in report.notes:
            lines += _listed(len(note.members), note.text, note.members, names)
    lines += ["", *report.remarks] if report.remarks else []
    return "\n".join(lines)


def alike_text(exercises: list[Compared], identical: list[tuple[Learner, ...]]) -> str:
    """The pairs of each exercise, what was not compared, and whose answers are the same in all."""
    lines = []
    for exercise in exercises:
        short = f", {exercise.too_short} too short to compare" if exercise.too_short else ""
        found = len(exercise.pairs) + exercise.left_out
        answers = f"{printable(exercise.name)}: {exercise.answers} answer{'' if exercise.answers == 1 else 's'}"
        if exercise.nothing:
            lines.append(f"{answers}, nothing to compare: {exercise.nothing}")
            continue
        lines.append(f"{answers}{short}, {found} pair{'' if found == 1 else 's'} alike")
        for pair in exercise.pairs[:MAX_SHOWN]:
            one, other = (printable(side.learner.id) for side in pair.sides)
            lines.append(f"  {int(100 * pair.similarity):3} % of {pair.tokens} tokens: {one} and {other}")
        if len(exercise.pairs) > MAX_SHOWN:
            lines.append(f"  {len(exercise.pairs) - MAX_SHOWN} more in the page")
    lines += [f"The same to the letter in every exercise: {', '.join(printable(learner.id) for learner in learners)}"
              for learners in identical]
    if identical or any(exercise.pairs for exercise in exercises):
        lines += ["", "This is a place to look, and no verdict: ask the learners to explain their answers."]
    return "\n".join(lines)


def counted(submissions: int) -> str:
    return f"{submissions} submission{'' if submissions == 1 else 's'}"


def _listed(count: int, text: str, learners: tuple[Learner, ...], names: bool) -> list[str]:
    named = ""
    if names:
        more = f" and {len(learners) - MAX_NAMED} more" if len(learners) > MAX_NAMED else ""
        named = f" ({', '.join(printable(learner.id) for learner in learners[:MAX_NAMED])}{more})"
    return _wrapped(f"{printable(textwrap.shorten(text, 300, placeholder='…'))}{named}", f"  {count:5}  ")


def _wrapped(text: str, first: str) -> list[str]:
    width = max(40, get_terminal_size().columns - 1)
    return textwrap.wrap(text, width, initial_indent=first, subsequent_indent=" " * len(first), break_on_hyphens=False)


def checks_csv(report: ClassReport) -> str:
    """One row for each graded cell."""
    rows = [("notebook", "exercise", "check", "points", "passed", "failed", "not tried", "to grade by hand",
             "discrimination")]
    for exercise in report.exercises:
        for check in exercise.checks:
            shown = "" if check.discrimination is None else round(check.discrimination, 3)
            rows.append((exercise.notebook, exercise.name, check.name, check.points, check.passed, check.failed,
                         check.not_tried, check.to_grade, shown))
    return _csv(rows)


def causes_csv(report: ClassReport, names: bool) -> str:
    """One row for each cause, and with names one for each learner who shares it."""
    head = ("notebook", "exercise", "cause", "learners", "checks")
    rows = [(*head, "learner", "name", "e-mail") if names else head]
    for exercise in report.exercises:
        for cause in exercise.causes:
            row = exercise.notebook, exercise.name, cause.text, len(cause.learners), " ".join(cause.checks)
            if names:
                rows += [(*row, learner.id, learner.name, learner.email) for learner in cause.learners]
            else:
                rows.append(row)
    return _csv(rows)


def _csv(rows: list[tuple]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows([tuple(map(_safe, row)) for row in rows])
    return written.getvalue()


def _safe(value: str | float) -> str | float:
    """A value that a spreadsheet does not take for a formula: what learners wrote may begin with one."""
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text

"""What late work costs. nbgrader's own commands and ninelives-grade ask the same plugin."""

import math

from nbgrader.api import Gradebook, SubmittedAssignment
from nbgrader.plugins import CsvExportPlugin, LateSubmissionPlugin
from nbgrader.preprocessors import AssignLatePenalties
from traitlets import Float
from traitlets.config import Config

MINUTE, HOUR, DAY = 60, 3600, 86400  # seconds


class LatePolicy(LateSubmissionPlugin):
    """The settings `c.LatePolicy`. With the defaults late work costs nothing and is only named as late."""

    grace = Float(0.0, min=0.0, help="Minutes after the due date that cost nothing.").tag(config=True)
    per_day = Float(0.0, min=0.0, max=1.0, help="""Share of the points that a submission loses for each day that has
        begun since the due date: with 0.1 it loses a tenth in the first 24 hours, a fifth in the next 24.
        """).tag(config=True)

    def late_submission_penalty(self, student_id: str, score: float, total_seconds_late: float) -> float | None:
        """The points that a notebook loses; None if it loses none."""
        if total_seconds_late <= MINUTE * self.grace:
            return None
        if self.penalty_method == "zero":
            return score
        days = math.ceil(total_seconds_late / DAY)
        return round(score * min(1.0, days * self.per_day), 2) or None


class Penalties:
    """The penalties that the settings of a course demand, by LatePolicy or an instructor's own plugin."""

    def __init__(self, config: Config) -> None:
        # generate_feedback adds a section for the converters, which this preprocessor would complain about.
        own = Config({name: section for name, section in config.items() if name != "NbConvertBase"})
        self.preprocessor = AssignLatePenalties(config=own)
        self.preprocessor.init_plugin()

    def of(self, submission: SubmittedAssignment) -> dict[str, float | None]:
        """{notebook: the points that it loses} by the dates and points that are in the gradebook now."""
        late = seconds_late(submission)
        penalties = {}
        for notebook in submission.notebooks:
            points = late > 0 and self.preprocessor.plugin_inst.late_submission_penalty(
                submission.student.id, notebook.score, late)
            penalties[notebook.name] = self.preprocessor._check_late_penalty(notebook, points) if points else None
        return penalties

    def outdated(self, submission: SubmittedAssignment) -> bool:
        """Whether dates, settings or points given by hand have changed since the penalty was computed."""
        due = self.of(submission)
        return any((notebook.late_submission_penalty or 0) != (due[notebook.name] or 0)
                   for notebook in submission.notebooks)

    def update(self, submission: SubmittedAssignment) -> None:
        """Set the penalties. The caller commits."""
        due = self.of(submission)
        for notebook in submission.notebooks:
            notebook.late_submission_penalty = due[notebook.name]


class ExportWithPenalties(CsvExportPlugin):
    """`nbgrader export`, with the penalties that dates and points demand now."""

    def export(self, gradebook: Gradebook) -> None:
        penalties = Penalties(self.config)
        for assignment in gradebook.assignments:
            for submission in assignment.submissions:
                penalties.update(submission)
        gradebook.db.commit()
        super().export(gradebook)


def final_score(submission: SubmittedAssignment) -> float:
    """The points that count: those of its notebooks without what late work costs."""
    return max(0.0, submission.score - sum(one.late_submission_penalty or 0.0 for one in submission.notebooks))


def seconds_late(submission: SubmittedAssignment) -> float:
    """nbgrader's own number, which fails on an extension that is left when the due date was taken away."""
    return 0.0 if submission.assignment.duedate is None else submission.total_seconds_late


def lateness(seconds: float) -> str:
    """How late something is, in words: "late by 2 min"."""
    days, rest = divmod(math.ceil(seconds), DAY)
    if days:
        return f"late by {days} {'day' if days == 1 else 'days'}" + (f" {rest // HOUR} h" if rest >= HOUR else "")
    if rest >= HOUR:
        return f"late by {rest // HOUR} h" + (f" {rest % HOUR // MINUTE} min" if rest % HOUR >= MINUTE else "")
    return f"late by {rest // MINUTE} min" if rest >= MINUTE else f"late by {rest} s"

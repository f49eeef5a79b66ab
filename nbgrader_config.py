"""nbgrader's settings for this course, read by every nbgrader command started in this folder."""

import sys
from pathlib import Path

from nbconvert.preprocessors import ClearMetadataPreprocessor, CSSHTMLHeaderPreprocessor
from nbgrader.preprocessors import GetGrades, IgnorePattern, LimitOutput

from ninelives.grading.feedback import TEMPLATES, HideHiddenChecks

c = get_config()

c.CourseDirectory.course_id = "ninelives"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "release"

# The folder through which assignments go out and submissions come in: one that the whole class can reach.
c.Exchange.root = str(Path(__file__).parent / "exchange")

c.ClearSolutions.code_stub = {
    "python": "# Your code goes here, in place of the line below.\nraise NotImplementedError()"
}
c.ClearSolutions.text_stub = "Your answer goes here, in place of this line."

c.ExecutePreprocessor.timeout = 60  # seconds for one cell
c.ExecutePreprocessor.kernel_name = "python3"

# What one learner's notebook may use while ninelives-grade runs it; docs/teaching.md has the rest of the limits.
c.Sandbox.notebook_timeout = 600  # seconds
c.Sandbox.memory = 2048  # megabytes, on top of what the course itself holds

# `nbgrader autograde` and the formgrader's Autograde button run learners' code as ninelives-grade does.
if sys.platform == "linux":
    c.Autograde.exporter_class = "ninelives.grading.nbgrader_hook.LenientExporter"
    c.Autograde.sanitize_preprocessors = []
    c.Autograde.autograde_preprocessors = [
        "ninelives.grading.nbgrader_hook.SandboxedExecute", IgnorePattern, ClearMetadataPreprocessor, LimitOutput]

# What learners get back shows no hidden check, neither its code nor a traceback through it.
c.GenerateFeedback.preprocessors = [GetGrades, HideHiddenChecks, CSSHTMLHeaderPreprocessor]

# A submission that came by mail has no way back through the exchange, and does not stop the others.
c.ExchangeFactory.release_feedback = "ninelives.grading.feedback.ReleaseFeedback"

# The formgrader and the feedback ask nothing of the web: formulas are drawn into their pages.
c.HTMLExporter.extra_template_basedirs = TEMPLATES
c.HTMLExporter.filters = {"markdown2html": "ninelives.grading.feedback.markdown2html"}

"""nbgrader's settings for this course. Every nbgrader command that is started in this folder reads them."""

import sys
from pathlib import Path

from nbconvert.preprocessors import ClearMetadataPreprocessor, CSSHTMLHeaderPreprocessor
from nbgrader.preprocessors import GetGrades, IgnorePattern, LimitOutput

from ninelives.grading.feedback import TEMPLATES, HideHiddenChecks

c = get_config()

if {*"[]*?"} & {*str(Path(__file__).resolve().parent)}:
    print(f"Beware: nbgrader finds nothing in {Path(__file__).resolve().parent}, since it takes [ ] * and ? for patterns. "
          "Rename the folder.", file=sys.stderr)

c.CourseDirectory.course_id = "ninelives"
c.CourseDirectory.root = str(Path(__file__).resolve().parent)  # whatever other settings of this account say
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "release"

# Assignments go out and submissions come in through this folder, which the whole class must be able to reach.
c.Exchange.root = str(Path(__file__).parent / "exchange")

c.ClearSolutions.code_stub = {
    "python": "# Your code goes here, in place of the line below.\nraise NotImplementedError()"
}
c.ClearSolutions.text_stub = "Your answer goes here, in place of this line."

c.ExecutePreprocessor.timeout = 60  # seconds for one cell
c.ExecutePreprocessor.kernel_name = "python3"

# What one learner's notebook may use while ninelives-grade runs it; docs/teaching/grading.md lists all limits.
c.Sandbox.notebook_timeout = 600  # seconds
c.Sandbox.memory = 2048  # megabytes, on top of what the preloaded modules hold

# What ninelives-grade has to know of this course. For another course, leave these lines out or change them.
c.Course.warm_up = [  # run once, for what these modules load at their first use
    "import torch\ntorch.set_num_threads(1)\ntorch.ones(2, 2).softmax(-1) @ torch.ones(2)",
    "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\nplt.close('all')"]
c.Course.solution_packages = [  # a note says which answers use these
    "ninelives.model", "ninelives.training", "ninelives.recipes", "ninelives.text", "ninelives.checks"]
c.Course.missing_work_errors = [  # a check raises this if no training was handed in
    "ninelives.checks.trained_model.NotHandedIn"]

# The message of a check that fails names the likely mistake after "likely:", which ninelives-grade --report counts.
c.Report.follow_up = "first fix what the check"  # names no mistake

# `nbgrader autograde` and the formgrader's Autograde button run learners' code in the sandbox, like ninelives-grade.
if sys.platform == "linux":
    c.Autograde.exporter_class = "ninelives.grading.nbgrader_hook.LenientExporter"
    c.Autograde.sanitize_preprocessors = []
    c.Autograde.autograde_preprocessors = [
        "ninelives.grading.nbgrader_hook.SandboxedExecute", IgnorePattern, ClearMetadataPreprocessor, LimitOutput]

# Late work, such as: c.LatePolicy.per_day = 0.1 (a tenth of the points a day), c.LatePolicy.grace = 15 (minutes).
c.AssignLatePenalties.plugin_class = "ninelives.grading.late_policy.LatePolicy"
c.ExportApp.plugin_class = "ninelives.grading.late_policy.ExportWithPenalties"
c.GenerateAssignment.preprocessors.append("ninelives.grading.due_dates.ShowDueDate")

# The feedback says how late the work was. It shows no hidden check, neither its code nor a traceback through it.
c.GenerateFeedback.preprocessors = [
    "ninelives.grading.due_dates.ShowLateness", GetGrades, HideHiddenChecks, CSSHTMLHeaderPreprocessor]
c.GenerateFeedback.exporter_class = "ninelives.grading.feedback.FeedbackExporter"  # whose list of points names the checks

# A submission that came by mail cannot go back through the exchange; it must not stop the others.
c.ExchangeFactory.release_feedback = "ninelives.grading.feedback.ReleaseFeedback"

# nbgrader zip_collect reads what Moodle or Canvas gives out for all submissions.
c.ZipCollectApp.extractor_plugin = "ninelives.grading.zip_collect.DownloadExtractor"
c.ZipCollectApp.collector_plugin = "ninelives.grading.zip_collect.DownloadCollector"

# The formgrader and the feedback need no web: formulas are drawn into their pages.
c.HTMLExporter.extra_template_basedirs = TEMPLATES
c.HTMLExporter.filters = {"markdown2html": "ninelives.grading.feedback.markdown2html"}

"""What learners may see of a graded notebook, how the formgrader and the feedback show it without the web, and how it goes out."""

import re
from glob import escape as exactly
from glob import glob
from html import unescape
from pathlib import Path

import nbgrader
from jinja2 import pass_context
from nbconvert.filters import strip_ansi
from nbconvert.filters.markdown_mistune import MarkdownWithMath
from nbformat import NotebookNode
from nbgrader.exchange.default import ExchangeReleaseFeedback
from nbgrader.preprocessors import ClearHiddenTests
from nbgrader.utils import is_grade, is_solution
from traitlets import List

from ninelives.build import marked_lines
from ninelives.grading.formulas import WithoutTheWeb

# Ours come first; those that they stand on are nbgrader's.
TEMPLATES = [str(Path(__file__).parent / "templates"),
             str(Path(nbgrader.__file__).parent / "server_extensions" / "formgrader" / "templates")]
FROM_THE_EXCHANGE = ("timestamp.txt", "submission_secret.txt")  # what nbgrader puts beside a submission, and then beside its feedback
# The margin of a quoted line in a traceback: "----> 3 " or "      3 ".
MARGIN = re.compile(r"^(-+>)?\s*\d+\s")
TAG = re.compile(r"<[^<>]*>")


class HideHiddenChecks(ClearHiddenTests):
    """Takes the lines of hidden checks out of the checks, and out of everything that cells have printed or raised.

    An error keeps its name, its message and the lines that are the learner's own. So does a cell of theirs, whatever
    it says of hidden tests.
    """

    # nbconvert sets this for each preprocessor, and traitlets would warn that one of nbgrader's does not know it.
    display_data_priority = List().tag(config=True)

    def preprocess(self, nb, resources):
        marked = [line for cell in nb.cells if is_check(cell) for line in marked_lines(cell.source, "HIDDEN TESTS")]
        self.hidden = {line.strip() for line in marked if line.strip()}
        return super().preprocess(nb, resources)

    def preprocess_cell(self, cell, resources, index):
        if is_check(cell):
            cell, resources = super().preprocess_cell(cell, resources, index)
        for output in cell.get("outputs", []) if self.hidden else []:
            if output.output_type == "error":
                output.traceback = [self.without_hidden_lines(part) for part in output.traceback]
            elif output.output_type == "stream":
                output.text = self.without_hidden_lines(output.text)
            else:
                for kind, value in output.data.items():
                    if isinstance(value, str):  # a picture in base64 has no such line, one in SVG may
                        output.data[kind] = self.without_hidden_lines(value, markup=kind != "text/plain")
        return cell, resources

    def without_hidden_lines(self, text: str, markup: bool = False) -> str:
        return "\n".join(line for line in text.split("\n") if not (
            self.is_hidden(strip_ansi(line)) or markup and self.is_hidden(unescape(TAG.sub("", line)))))

    def is_hidden(self, line: str) -> bool:
        return MARGIN.sub("", line).strip() in self.hidden or "HIDDEN TESTS" in line


def is_check(cell: NotebookNode) -> bool:
    """Whether nobody but the instructor wrote it."""
    return is_grade(cell) and not is_solution(cell)


class ReleaseFeedback(ExchangeReleaseFeedback):
    """Passes over pages for work that came another way than through the exchange; nbgrader stops at the first of them."""

    def copy_files(self):
        for folder in sorted(map(Path, glob(self.src_path))):
            if all((folder / name).exists() for name in FROM_THE_EXCHANGE):
                self.src_path = exactly(str(folder))
                super().copy_files()
            else:
                self.log.warning("Not released, since this work did not come through the exchange: hand %s back yourself", folder)


@pass_context
def markdown2html(context, source: str) -> str:
    """nbconvert's filter of this name, with formulas as pictures."""
    attachments = context.get("cell", {}).get("attachments", {})
    return MarkdownWithMath(renderer=WithoutTheWeb(escape=False, attachments=attachments)).render(source)

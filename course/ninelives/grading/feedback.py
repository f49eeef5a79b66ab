"""What learners see of a graded notebook: no hidden checks and no requests to the web; and how it is released."""

import re
from glob import escape as exactly
from glob import glob
from html import unescape
from pathlib import Path

import nbgrader
from jinja2 import pass_context
from nbconvert.exporters import HTMLExporter
from nbconvert.filters import strip_ansi
from nbconvert.filters.markdown_mistune import MarkdownWithMath
from nbformat import NotebookNode
from nbgrader.exchange.default import ExchangeReleaseFeedback
from nbgrader.preprocessors import ClearHiddenTests
from nbgrader.utils import is_grade, is_solution
from traitlets import List

from ninelives.grading.formulas import OfflineRenderer

# Ours come first; they include nbgrader's.
TEMPLATES = [str(Path(__file__).parent / "templates"),
             str(Path(nbgrader.__file__).parent / "server_extensions" / "formgrader" / "templates")]

FROM_THE_EXCHANGE = ("timestamp.txt", "submission_secret.txt")  # nbgrader collect puts them beside a submission

# The margin of a quoted line in a traceback: "----> 3 " or "      3 ".
MARGIN = re.compile(r"^(-+>)?\s*\d+\s")
TAG = re.compile(r"<[^<>]*>")
# An entry of the list at the top of a feedback page; nbgrader's names are made of these characters.
ENTRY = re.compile(r'(<a href="#(comment-)?([\w-]+)">)(?:Test cell|Coding free-response|Written response|Task|Comment)</a>')


class HideHiddenChecks(ClearHiddenTests):
    """Removes the hidden lines of checks, from the checks and from all that cells have printed or raised.

    An error keeps its name, its message and the lines that are the learner's own. The learner's cells stay as they are,
    even if they mention hidden tests.
    """

    # nbconvert sets this for each preprocessor, and traitlets would warn that ClearHiddenTests does not have it.
    display_data_priority = List().tag(config=True)

    def preprocess(self, nb, resources):
        lines = [line for cell in nb.cells if is_check(cell) for line in self.hidden_lines(cell.source)]
        self.hidden = {line.strip() for line in lines if line.strip()}
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
                    if isinstance(value, str):  # no line of a picture in base64 is hidden, but one of an SVG may be
                        output.data[kind] = self.without_hidden_lines(value, markup=kind != "text/plain")
        return cell, resources

    def hidden_lines(self, source: str) -> list[str]:
        """The lines between the delimiters of hidden tests. nbgrader itself refuses delimiters without a partner."""
        lines, inside = [], False
        for line in source.split("\n"):
            if self.is_delimiter(line):
                inside = self.begin_test_delimeter in line
            elif inside:
                lines.append(line)
        return lines

    def is_delimiter(self, line: str) -> bool:
        return self.begin_test_delimeter in line or self.end_test_delimeter in line

    def without_hidden_lines(self, text: str, markup: bool = False) -> str:
        return "\n".join(line for line in text.split("\n") if not (
            self.is_hidden(strip_ansi(line)) or markup and self.is_hidden(unescape(TAG.sub("", line)))))

    def is_hidden(self, line: str) -> bool:
        return MARGIN.sub("", line).strip() in self.hidden or self.is_delimiter(line)


def is_check(cell: NotebookNode) -> bool:
    """Whether only the instructor wrote the cell."""
    return is_grade(cell) and not is_solution(cell)


class FeedbackExporter(HTMLExporter):
    """nbgrader's page of feedback, whose list of points names the cells: nbgrader calls each check "Test cell"."""

    def from_notebook_node(self, nb, resources=None, **named):
        page, resources = super().from_notebook_node(nb, resources, **named)
        return ENTRY.sub(lambda entry: f"{entry[1]}{'comment on ' if entry[2] else ''}{entry[3]}</a>", page), resources


class ReleaseFeedback(ExchangeReleaseFeedback):
    """Skips submissions that did not come through the exchange; nbgrader stops at the first of them."""

    def copy_files(self):
        for folder in sorted(map(Path, glob(self.src_path))):
            if all((folder / name).exists() for name in FROM_THE_EXCHANGE):
                self.src_path = exactly(str(folder))
                super().copy_files()
            else:
                self.log.warning("Not released: this submission did not come through the exchange. Hand %s back "
                                 "yourself", folder)


@pass_context
def markdown2html(context, source: str) -> str:
    """nbconvert's filter of this name, with formulas as pictures."""
    attachments = context.get("cell", {}).get("attachments", {})
    return MarkdownWithMath(renderer=OfflineRenderer(escape=False, attachments=attachments)).render(source)

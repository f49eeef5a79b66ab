"""What learners may see of a graded notebook."""

import re

from nbconvert.filters import strip_ansi
from nbgrader.preprocessors import NbGraderPreprocessor

from ninelives.build import marked_lines

# The margin of a quoted line in a traceback: "----> 3 " or "      3 ".
MARGIN = re.compile(r"^(-+>)?\s*\d+\s")


class HideHiddenChecks(NbGraderPreprocessor):
    """Takes the lines of hidden checks out of everything that cells have printed or raised.

    An error keeps its name, its message and the lines that are the learner's own. This comes before
    ClearHiddenTests, which takes the same lines out of the cells themselves.
    """

    def preprocess(self, nb, resources):
        marked = [line for cell in nb.cells for line in marked_lines(cell.source, "HIDDEN TESTS")]
        self.hidden = {line.strip() for line in marked if line.strip()}
        return super().preprocess(nb, resources)

    def preprocess_cell(self, cell, resources, index):
        for output in cell.get("outputs", []) if self.hidden else []:
            if output.output_type == "error":
                output.traceback = [self.without_hidden_lines(part) for part in output.traceback]
            elif output.output_type == "stream":
                output.text = self.without_hidden_lines(output.text)
            elif "text/plain" in output.data:
                output.data["text/plain"] = self.without_hidden_lines(output.data["text/plain"])
        return cell, resources

    def without_hidden_lines(self, text: str) -> str:
        return "\n".join(line for line in text.split("\n") if not self.is_hidden(strip_ansi(line)))

    def is_hidden(self, line: str) -> bool:
        return MARGIN.sub("", line).strip() in self.hidden or "HIDDEN TESTS" in line

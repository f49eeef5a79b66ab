"""A notebook as its reader sees it: what was released, with the outputs of the solved one.

What would answer a question or an exercise before its reader has tried is folded.
"""

import html
import re
from copy import deepcopy

import nbformat
from nbformat import NotebookNode

from ninelives.site.outputs import OUTCOME, VIEW

ABOUT_A_NOTEBOOK = (
    "> This is the notebook after every exercise has been solved and every cell has been run. The solutions are left out: "
    "your code goes where a cell says `raise NotImplementedError()`."
)
ABOUT_A_LAB = "> This is the lab after every cell has been run."
ABOUT_ITS_EXERCISES = " The solutions are left out: your code goes where a cell says `raise NotImplementedError()`."
WHOSE = " Where it says *yours*, *your* or *your own*, what the cells show was computed with the course's solutions."
ABOUT_NOTEBOOK_9 = (
    " Nothing was trained for this page: the training of exercise 7 was made before, with the recipe and the parts of the solved "
    "notebooks, and took three minutes."
)
ABOUT_AN_EXERCISE = "> Your code goes into the cell above. What the cells below show was computed with the course's solution."


def learners_view(executed: NotebookNode, released: NotebookNode) -> NotebookNode:
    """The sources of `released` with the outputs of `executed`, and a line that says so.

    The last cell is left out: it shows where learners are in their own folder.

    Raises ValueError if the two are not the same notebook.
    """
    if [cell.id for cell in executed.cells] != [cell.id for cell in released.cells]:
        raise ValueError("the released notebook has other cells than the solved one: run make build.")
    notebook = deepcopy(released)
    notebook.metadata = deepcopy(executed.metadata)
    graded = any(cell.metadata.get("nbgrader", {}).get("grade") for cell in executed.cells)
    outcomes = _outcomes(executed)
    kept = []
    for cell, ran in zip(notebook.cells, executed.cells):
        if "where_am_i()" in cell.source:
            continue
        kept.append(cell)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [folded for output in ran.outputs for folded in _recipe_folded(deepcopy(output))], None
            if ran.metadata.get("nbgrader", {}).get("solution"):
                kept.append(nbformat.v4.new_markdown_cell(ABOUT_AN_EXERCISE, id=f"about-{cell.id}"[:64]))
    for cell in kept:
        tags = [*cell.metadata.get("tags", []), *([OUTCOME] if cell.id in outcomes else [])]
        cell.metadata = NotebookNode({"tags": tags} if tags else {})
    exercises = any(cell.metadata.get("nbgrader", {}).get("solution") for cell in executed.cells)
    _say_what_it_is(kept[0], graded, exercises)
    notebook.cells = kept
    return notebook


def _outcomes(executed: NotebookNode) -> set[str]:
    """The ids of the cells that show what a question asks: those that run next, up to the next text, in the same section."""
    widgets = executed.metadata.get("ninelives_widgets", {})
    found, asked, showing = set(), False, False
    for cell in executed.cells:
        if cell.cell_type == "markdown":
            asked, showing = asked and not showing and not re.search("^#", cell.source, re.MULTILINE), False
        elif any(_lab(output, widgets) == "choice" for output in cell.outputs):
            asked, showing = True, False
        elif cell.metadata.get("nbgrader", {}).get("solution"):
            asked = False
        elif asked:
            showing = True
            found.add(cell.id)
    return found


def _lab(output: NotebookNode, widgets: dict) -> str:
    """The lab of the widget that an output shows, or nothing."""
    return widgets.get(output.get("data", {}).get(VIEW, {}).get("model_id"), {}).get("lab", "")


def _recipe_folded(output: NotebookNode) -> list[NotebookNode]:
    """An output; if it prints the recipe that solves exercise 7 of notebook 9, this is a fold in it."""
    before, recipe, after = re.fullmatch(r"(.*?)(^Recipe\(.*?\)\n|\Z)(.*)", output.get("text", ""), re.DOTALL | re.MULTILINE).groups()
    if not recipe:
        return [output]
    fold = f"<details><summary>The recipe of the solution</summary><pre>{html.escape(recipe)}</pre></details>"
    return [*_printed(before), nbformat.v4.new_output("display_data", {"text/html": fold, "text/plain": "The recipe of the solution is folded."}),
            *_printed(after)]


def _printed(text: str) -> list[NotebookNode]:
    return [nbformat.v4.new_output("stream", text=text)] if text else []


def _say_what_it_is(title: NotebookNode, graded: bool, exercises: bool) -> None:
    """Below the first heading."""
    about = ABOUT_A_NOTEBOOK if graded else ABOUT_A_LAB + (ABOUT_ITS_EXERCISES if exercises else "")
    about += WHOSE
    about += ABOUT_NOTEBOOK_9 if title.source.startswith("# 9") else ""
    title.source = re.sub(r"\A(# .+)$", lambda heading: f"{heading[1]}\n\n{about}", title.source, count=1, flags=re.MULTILINE)


def shown_of_solutions(view: NotebookNode, solved: NotebookNode, released: NotebookNode) -> list[str]:
    """The lines of the solutions, and of hidden checks, that a reader of the view could read, also in outputs.

    Lines of less than 30 letters, such as `return x + y`, say little and may stand anywhere.
    """
    given = "\n".join(cell.source for cell in released.cells)
    lines = {line.strip() for cell in solved.cells if cell.cell_type == "code" for line in cell.source.splitlines()}
    said = [cell.source for cell in view.cells]
    for cell in view.cells:
        for output in cell.get("outputs", []):
            said += [output.get("text", ""), *output.get("traceback", []), *map(str, output.get("data", {}).values())]
    text = "\n".join(said)
    return sorted(line for line in lines if len(line) >= 30 and line not in given and line in text)

"""A learner before a released notebook in JupyterLab."""

import shutil

import nbformat

from ninelives.build import ROOT


class Desk:
    """A notebook as a learner sits before it; cells are named by what they begin with."""

    def __init__(self, notebook, sources):
        self.notebook, self.page, self.sources = notebook, notebook.page, sources

    def index(self, start):
        return next(i for i, source in enumerate(self.sources) if source.startswith(start))

    def cell(self, start):
        return self.notebook.cell(self.index(start))

    def run(self, start):
        return self.notebook.run_cell(self.index(start))

    def answer(self, start, text):
        """Replace a cell's text by typing, and run it. JupyterLab indents by itself."""
        self._clear(start)
        self.page.keyboard.type(text)
        self.page.keyboard.press("Escape")
        return self.run(start)

    def paste(self, start, text):
        """Replace a cell's text at once."""
        self._clear(start)
        self.page.keyboard.insert_text(text)
        self.page.keyboard.press("Escape")

    def run_all_above(self, start):
        self._run_many("notebook:run-all-above", start)

    def run_from(self, start):
        """The cell and all below it."""
        self._run_many("notebook:run-all-below", start)

    def _run_many(self, command, start):
        self.cell(start)  # which selects it
        self.page.evaluate("command => window.jupyterapp.commands.execute(command)", command)

    def _clear(self, start):
        editor = self.cell(start).locator(".cm-content")
        editor.click()
        editor.press("ControlOrMeta+a")


def sit_down(name, lab, open_notebook) -> Desk:
    """Before notebook `name`, "02-attention", in a copy of what learners get."""
    shutil.copytree(ROOT / "release" / name, lab.root / name)
    path = f"{name}/{name}.ipynb"
    sources = [cell.source for cell in nbformat.read(lab.root / path, as_version=4).cells]
    return Desk(open_notebook(path), sources)

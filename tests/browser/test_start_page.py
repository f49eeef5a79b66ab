"""The page that `make lab` opens, and where_am_i() in a notebook, as a learner sees them."""

import os
import shutil
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from playwright.sync_api import expect

from helpers.loopback import address_and_token, end
from ninelives import workspace
from ninelives.build import ROOT

ANSWER = "def position_indices(idx):\n    B, T = idx.shape\n    return torch.arange(T).expand(B, T)"
CHECK = 'check.position_indices(position_indices, "values")'


@pytest.fixture(scope="module")
def started(page, tmp_path_factory):
    """JupyterLab as `make lab` starts it, at the address that it prints."""
    root, settings = tmp_path_factory.mktemp("clone"), tmp_path_factory.mktemp("settings")
    package = root / "course" / "ninelives"
    package.mkdir(parents=True)
    shutil.copy(workspace.__file__, package)
    shutil.copytree(workspace.CONFIG, package / workspace.CONFIG.name)
    for name in ("01-embeddings", "02-attention"):
        shutil.copytree(ROOT / "release" / name, root / "release" / name)
    log = settings / "lab.log"
    folders = {f"JUPYTER_{name}_DIR": str(settings / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    with log.open("w") as output:
        server = subprocess.Popen(
            [sys.executable, str(package / "workspace.py"), "--no-browser", "--port=0"],
            env=os.environ | folders | {"PYTHONPATH": str(ROOT / "course")}, stdout=output, stderr=output)
    try:
        url, token = address_and_token(server, log)
        page.goto(f"{url}/lab/tree/start.ipynb?token={token}")
        yield root / "my-notebooks"
    finally:
        end(server)


def test_make_lab_opens_the_page_as_a_page_and_its_links_open_notebooks(started, page):
    preview = page.locator(".jp-Notebook .jp-MarkdownOutput")
    expect(preview.get_by_role("heading", name="Nine Lives")).to_be_visible()
    expect(preview.get_by_role("row").nth(1)).to_contain_text("1 · Embeddings")
    expect(preview.get_by_role("row").nth(1)).to_contain_text("0 of")
    expect(preview).to_contain_text("Next: 1 · Embeddings, Exercise 1")
    preview.get_by_role("link", name="2 · Multi-head self-attention").click()
    expect(page.get_by_role("main").get_by_role("tab", name="02-attention.ipynb")).to_be_visible()


@pytest.fixture(scope="module")
def notebook(lab, open_notebook):
    """A short notebook with one exercise, solved, and a last cell that asks where we are."""
    folder = lab.root / "01-short"
    folder.mkdir()
    path = folder / "01-short.ipynb"
    nbformat.write(new_notebook(cells=[
        new_markdown_cell("# 1 · Short"), new_markdown_cell("## Build it"), new_markdown_cell("### Exercise 1 · Count"),
        new_code_cell("import torch\nimport ninelives.checks.embeddings as check"), new_code_cell(ANSWER),
        new_code_cell(CHECK, metadata={"nbgrader": {
            "grade": True, "solution": False, "locked": True, "task": False, "points": 2, "grade_id": "count", "schema_version": 3}}),
        new_markdown_cell("## Where next"), new_code_cell("from ninelives.progress import where_am_i\n\nwhere_am_i()"),
    ], metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}}), path)
    return open_notebook("01-short/01-short.ipynb")


def test_another_way_is_folded_below_the_check_and_opens(notebook):
    notebook.run_cell(3)
    notebook.run_cell(4)
    output = notebook.run_cell(5).locator(".jp-OutputArea")
    expect(output).to_contain_text("position_indices passes the check 'values'.")
    code = output.get_by_text("def position_indices")
    expect(code).to_be_hidden()
    output.get_by_text("Another way to write position_indices").click()
    expect(code).to_be_visible()


def test_a_check_after_a_cell_with_a_syntax_error_says_that_the_answer_is_the_older_one(notebook):
    cell = notebook.cell(4)
    cell.locator(".cm-content").click()
    notebook.page.keyboard.press("ControlOrMeta+End")
    notebook.page.keyboard.type(" +")
    notebook.page.keyboard.press("Escape")
    notebook.run_cell(4)
    output = notebook.run_cell(5).locator(".jp-OutputArea")
    expect(output).to_contain_text("the cell that defines position_indices stopped with a SyntaxError")
    expect(output).not_to_contain_text("Traceback")


def test_where_am_i_shows_points_and_what_is_open_before_the_notebook_is_saved(notebook):
    output = notebook.run_cell(7).locator(".jp-OutputArea")
    row = output.get_by_role("row").filter(has_text="Exercise 1 · Count")
    expect(row).to_contain_text("2 of 2")
    expect(output).to_contain_text("1 · Short: 2 of 2 points. Every check of this notebook passes.")

import json
import os
import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from ninelives import progress
from ninelives.checks.embeddings import position_indices
from ninelives.checks.exercise import CheckFailed
from ninelives.progress import LABS, MARK, Room, read_progress, start_page, where_am_i, write_start_page

RELEASE = Path(__file__).parents[1] / "release"
HEAD = "# 1 · Embeddings\n\nText.\n\n| | |\n|---|---|\n| Time | about 40 minutes |\n"


def check(source, points, passed=None):
    """A graded cell: not run, or run with or without an error."""
    outputs = [new_output("error", ename="CheckFailed", evalue="", traceback=[])] if passed is False else []
    return new_code_cell(source, outputs=outputs, execution_count=None if passed is None else 1,
                         metadata={"nbgrader": {"grade": True, "points": points}})


def notebook(*cells):
    return new_notebook(cells=[new_markdown_cell(HEAD), new_markdown_cell("## The question"), new_code_cell("import torch", execution_count=1), *cells])


@pytest.fixture
def folder(tmp_path):
    """A learner's folder: notebook 1 half done, notebook 2 cut off in the middle."""
    half = notebook(
        new_markdown_cell("## Build it\n### Exercise 1 · Count"), check("check.position_indices(position_indices, \"shape\")", 1, passed=True),
        check("check.position_indices(position_indices, \"values\")", 2, passed=False),
        new_markdown_cell("### Exercise 2 · Look up\n#### Hint\n```\n## no heading\n```"), check("check.embedding(Embedding)", 3),
        new_markdown_cell("### A picture"), new_code_cell("show()"), new_markdown_cell("## Where next"))
    for name, text in (("01-embeddings", nbformat.writes(half)), ("02-attention", '{"cells": [{"cell_type": "co')):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.ipynb").write_text(text, encoding="utf-8")
    return tmp_path


def test_a_saved_notebook_tells_rooms_points_and_the_open_exercise(folder):
    found = read_progress(folder / "01-embeddings" / "01-embeddings.ipynb")
    assert (found.title, found.time, found.passed, found.points) == ("1 · Embeddings", "about 40 minutes", 1, 6)
    assert found.open_exercise == "Exercise 1 · Count"
    assert found.rooms == [
        Room("The question", False, cells=1, ran=1), Room("Build it", False, cells=1), Room("Exercise 1 · Count", True, 2, 2, 3, 1),
        Room("Exercise 2 · Look up", True, 1, 0, 3, 0), Room("Where next", False)]


def test_the_page_says_when_a_notebook_is_due(folder):
    path = folder / "01-embeddings" / "01-embeddings.ipynb"
    read = nbformat.read(path, as_version=4)
    read.cells.insert(1, new_markdown_cell("**Due:** Friday, 27 November 2026, 18:00 CET (17:00 UTC)"))
    nbformat.write(read, path)
    assert "| about 40 minutes; due on Friday, 27 November 2026, 18:00 CET (17:00 UTC) |" in start_page(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"cells": 3, "nbformat": 4}', b"\xff\xfe", b'{"nbformat": 4, "cells": [{"cell_type": "code"}]}'])
def test_a_broken_file_is_none_and_never_stops_the_page(folder, content):
    path = folder / "02-attention" / "02-attention.ipynb"
    path.write_bytes(content)
    assert read_progress(path) is None
    assert "[02-attention](02-attention/02-attention.ipynb) | | this file cannot be read" in start_page(folder)


def test_the_page_lists_notebooks_with_time_points_and_what_is_next(folder):
    page = start_page(folder)
    assert page.startswith(MARK)
    assert "| [1 · Embeddings](01-embeddings/01-embeddings.ipynb) | about 40 minutes | 1 of 6 |" in page
    assert "**Next: [1 · Embeddings](01-embeddings/01-embeddings.ipynb), Exercise 1 · Count.**" in page


def test_the_page_of_the_released_course_has_nine_notebooks_with_links_that_lead_somewhere():
    page = start_page(RELEASE)
    rows = [line for line in page.split("\n") if line.startswith("|") and ".ipynb" in line]
    assert len(rows) == 9
    assert all(" minutes" in row and " 0 of " in row for row in rows)
    for link in progress.re.findall(r"\]\(([^)]+)\)", page):
        assert (RELEASE / link).exists()


def test_the_page_is_written_again_unless_a_learner_has_put_a_page_of_this_name_there(folder):
    assert write_start_page(folder)
    (folder / "02-attention" / "02-attention.ipynb").write_text(nbformat.writes(notebook()), encoding="utf-8")
    assert write_start_page(folder)
    written = folder / "start.ipynb"
    [cell] = nbformat.read(written, as_version=4).cells
    assert cell.cell_type == "markdown" and "cannot be read" not in cell.source and "1 · Embeddings" in cell.source
    for mine in ("# Mine", nbformat.writes(new_notebook(cells=[new_markdown_cell("# Mine")])), nbformat.writes(new_notebook())):
        written.write_text(mine)
        assert not write_start_page(folder)
        assert written.read_text() == mine
    written.unlink()
    written.mkdir()
    assert not write_start_page(folder)


@pytest.fixture
def here(folder, monkeypatch):
    """What where_am_i shows in notebook 1 of the learner's folder."""
    shown = []
    monkeypatch.chdir(folder / "01-embeddings")
    monkeypatch.setattr(progress, "display", lambda data, raw: shown.append(data))
    monkeypatch.setattr(position_indices, "outcomes", {})
    return shown


def test_where_am_i_shows_each_room_and_what_is_next(here):
    where_am_i()
    [data] = here
    assert data["text/plain"] == "1 · Embeddings: 1 of 6 points. Next: Exercise 1 · Count."
    assert "| &nbsp;&nbsp;&nbsp;Exercise 1 · Count | 2 of 2 | 1 of 3 |" in data["text/markdown"]
    assert "| **The question** | 1 of 1 |  |" in data["text/markdown"]


def test_a_check_that_was_run_since_the_file_was_saved_counts(here):
    with pytest.raises(CheckFailed):
        position_indices(lambda idx: idx, "values")
    position_indices(lambda idx: idx.new_ones(idx.shape).cumsum(1) - 1, "values")
    where_am_i()
    assert here[0]["text/plain"] == "1 · Embeddings: 3 of 6 points. Next: Exercise 2 · Look up."
    with pytest.raises(CheckFailed):
        position_indices(lambda idx: idx, "shape" if "shape" in position_indices.outcomes else "values")
    where_am_i()
    assert here[1]["text/plain"].startswith("1 · Embeddings: 1 of 6 points.")


def test_labs_are_listed_in_the_order_of_the_course_and_those_of_a_teacher_after_them(tmp_path):
    (tmp_path / "labs").mkdir()
    for name in ("audio", *sorted(LABS)):
        (tmp_path / "labs" / f"{name}.ipynb").write_text(nbformat.writes(notebook()), encoding="utf-8")
    assert re.findall(r"\(labs/(\w+)\.ipynb\)", start_page(tmp_path)) == [*LABS, "audio"]


def test_a_notebook_that_passes_names_the_following_one(here, folder):
    (folder / "01-embeddings" / "01-embeddings.ipynb").write_text(nbformat.writes(notebook(check("f()", 1, passed=True))), encoding="utf-8")
    where_am_i()
    assert "Every check of this notebook passes." in here[0]["text/plain"]
    assert "Go on with [notebook 2](../02-attention/02-attention.ipynb)." in here[0]["text/markdown"]


def test_a_file_that_cannot_be_read_is_one_sentence(here, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder / "02-attention")
    where_am_i()
    monkeypatch.chdir(folder)
    where_am_i()
    assert here == []
    assert capsys.readouterr().out.count("cannot be read, so there is nothing to show.") == 2


def test_grading_shows_nothing(here, monkeypatch):
    monkeypatch.setitem(os.environ, "NBGRADER_EXECUTION", "autograde")
    where_am_i()
    assert here == []


def test_a_page_of_markdown_opens_as_a_page():
    overrides = Path(progress.__file__).with_name("jupyter_config") / "labconfig" / "default_setting_overrides.json"
    assert json.loads(overrides.read_text())["@jupyterlab/docmanager-extension:plugin"]["defaultViewers"] == {"markdown": "Markdown Preview"}

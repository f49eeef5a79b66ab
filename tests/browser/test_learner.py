"""What a learner does in notebook 2, in JupyterLab: answer, check, look, save, come back."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from helpers.desk import Desk, sit_down
from ninelives.workspace import with_language

TORN = "def split_heads(x, n_head):\nB, T, C = x.shape\nreturn x.view(B, n_head, T, C // n_head)"
RIGHT = "def split_heads(x, n_head):\nB, T, C = x.shape\nreturn x.view(B, T, n_head, C // n_head).transpose(1, 2)"


@pytest.fixture(scope="module")
def desk(lab, open_notebook):
    desk = sit_down("02-attention", lab, open_notebook)
    desk.run("import math")
    return desk


def test_a_notebook_in_which_nobody_has_typed_is_not_called_changed(lab, open_notebook):
    released = next((Path(__file__).parents[2] / "release").glob("01*/*.ipynb")).read_bytes()
    (lab.root / "fresh.ipynb").write_bytes(with_language(released))
    fresh = open_notebook("fresh.ipynb")
    # JupyterLab has written what the kernel said of its language; anything else it would write comes with it.
    fresh.page.wait_for_function("() => window.jupyterapp.shell.currentWidget.model.getMetadata('language_info').version")
    fresh.page.wait_for_timeout(500)
    assert fresh.page.evaluate("() => window.jupyterapp.shell.currentWidget.context.model.dirty") is False
    fresh.shut_down()


def test_an_untouched_exercise_says_that_it_is_not_written(desk):
    desk.run("def split_heads")
    output = desk.run('check.split_heads(split_heads, "shape")').locator(".jp-OutputArea")
    expect(output).to_contain_text("split_heads is not written yet")
    expect(output).not_to_contain_text("Traceback")


def test_a_typical_mistake_is_named_and_drawn(desk):
    desk.answer("def split_heads", TORN)
    output = desk.run('check.split_heads(split_heads, "values")').locator(".jp-OutputArea")
    expect(output).to_contain_text("seen:")
    expect(output).to_contain_text("wanted:")
    expect(output).to_contain_text("transpose")
    expect(output.locator("img").first).to_be_visible()


def test_the_right_answer_passes_with_one_line(desk):
    desk.answer("def split_heads", RIGHT)
    output = desk.run('check.split_heads(split_heads, "values")').locator(".jp-OutputArea")
    expect(output).to_contain_text("split_heads passes the check 'values'.")


def test_the_explorer_is_there_before_attention_is_written_and_says_whose_it_shows(desk):
    for start in ("words = ", "W_query = ", "def merge_heads", "class MultiHeadSelfAttention"):
        desk.run(start)
    whose = desk.run("small = TransformerConfig").locator(".jp-OutputArea")
    expect(whose).to_contain_text("Running on the package's MultiHeadSelfAttention")
    desk.run("two_heads = ")
    explorer = desk.run("AttentionExplorer(kept").locator(".nl-explorer")
    expect(explorer.locator(".nl-readout")).to_contain_text("it attends to cat 0.71")
    explorer.locator(".nl-heat").press("ArrowDown")
    expect(explorer.locator(".nl-readout")).to_contain_text("was attends to")
    explorer.get_by_role("gridcell", name="Layer 1, head 2").click()
    expect(explorer.locator(".nl-where")).to_have_text("Layer 1, head 2")
    explorer.get_by_role("tab", name="In words").click()
    expect(explorer).to_contain_text("full attends to")


def test_the_notebook_reopened_without_running_shows_picture_answer_and_check(desk, open_notebook):
    desk.notebook.save()
    desk.notebook.shut_down()
    again = Desk(open_notebook(desk.notebook.name), desk.sources)
    expect(again.cell("def split_heads").locator(".cm-content")).to_contain_text("transpose(1, 2)")
    expect(again.cell('check.split_heads(split_heads, "values")')).to_contain_text("passes the check")
    picture = again.cell("AttentionExplorer(kept").locator("img").first
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 300

"""Outputs of cells as HTML of a page, and in a notebook that GitHub shows."""

import nbformat
import pytest

from ninelives.figures import heatmap
from ninelives.site.live import lab_of
from ninelives.site.outputs import OUTCOME, on_a_page, on_github
from ninelives.widgets import Choice, MaskLab

QUESTION = Choice("Who was full?", {"the cat": "It ate.", "the meat": "Meat does not eat."}, answer="the cat")


def displayed(widget):
    """The three outputs of a cell that shows a widget."""
    view, _ = widget._widget_view()
    return [nbformat.from_dict(output) for output in (*widget.picture().outputs(),
            {"output_type": "display_data", "data": view, "metadata": {}})]


@pytest.fixture
def notebook():
    picture = heatmap([[1.0, 0.0], [0.5, 0.5]], ["<pad>", "cat"], title="Weights", caption="A <pad> & a cat.")
    lab = MaskLab([3, 2])
    made = nbformat.v4.new_notebook(cells=[
        nbformat.v4.new_code_cell("a picture", outputs=[nbformat.v4.new_output("stream", text="said\n"),
                                                         *map(nbformat.from_dict, picture.outputs())]),
        nbformat.v4.new_code_cell("two widgets", outputs=displayed(QUESTION) + displayed(lab)),
    ])
    made.metadata.ninelives_widgets = {
        widget.model_id: {"lab": lab_of(type(widget)), "state": widget._page_state(), "networks": {}} for widget in (QUESTION, lab)
    }
    return made


def html_of(cell):
    return [output.data["text/html"] for output in cell.outputs if "text/html" in output.get("data", {})]


def test_a_picture_is_one_figure_with_its_alternative_text_caption_and_words(notebook, tmp_path):
    on_a_page(notebook, tmp_path)
    said, figure = notebook.cells[0].outputs
    assert said.text == "said\n"
    [html] = html_of(notebook.cells[0])
    png = next(path for path in tmp_path.glob("*.png") if path.name in html)
    assert f'src="../_static/pictures/{png.name}"' in html and ' alt="' in html and 'width="' in html
    assert "<figcaption>A &lt;pad&gt; &amp; a cat.<details><summary>In words</summary>" in html
    assert "<style>" not in html and "nl-words" not in html


def test_a_widget_is_its_still_picture_in_an_element_that_its_script_finds(notebook, tmp_path):
    placed = on_a_page(notebook, tmp_path)
    assert [(widget.id, widget.lab) for widget in placed] == [("widget-1", "choice"), ("widget-2", "mask_lab")]
    assert placed[0].state["question"] == "Who was full?"
    for html, widget in zip(html_of(notebook.cells[1]), placed):
        assert html.startswith(f'<div class="nl-live" id="{widget.id}"><figure') and "<img" in html and html.endswith("</figure></div>")
        assert "<figcaption>A still picture; to use it, allow JavaScript on this page, or run the notebook.<details>" in html
    assert "ninelives_widgets" not in notebook.metadata


def test_the_same_notebook_gives_the_same_page_whatever_ids_its_kernel_gave_to_widgets(tmp_path):
    pages = []
    for model_id in ("a1", "b2"):
        view = {"output_type": "display_data", "data": {"application/vnd.jupyter.widget-view+json": {"model_id": model_id}, "text/plain": "MaskLab"},
                "metadata": {}}
        made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("lab", id="lab", outputs=[nbformat.from_dict(view)])])
        made.metadata.ninelives_widgets = {model_id: {"lab": "mask_lab", "state": {}, "networks": {}}}
        pages.append((on_a_page(made, tmp_path), nbformat.writes(made)))
    assert pages[0] == pages[1]


def test_a_notebook_on_github_has_pictures_and_words_and_nothing_that_only_jupyterlab_shows(notebook):
    on_github(notebook, "https://a.page")
    kinds = [sorted(output.get("data", {"stream": ""})) for cell in notebook.cells for output in cell.outputs]
    assert kinds == [["stream"], *3 * [["image/png", "text/plain"], ["text/markdown", "text/plain"]]]
    text = nbformat.writes(notebook)
    assert "<style" not in text and "nl-words" not in text and "In words" in text


def test_on_github_what_answers_a_question_is_left_out_and_the_page_that_folds_it_named(notebook):
    picture, widgets = notebook.cells
    picture.metadata.tags = [OUTCOME]
    silent = nbformat.v4.new_code_cell("nothing", metadata={"tags": [OUTCOME]})
    notebook.cells.append(silent)
    on_github(notebook, "https://a.page")
    [said] = picture.outputs
    assert said.text.startswith("What this cell shows answers the question above.") and "https://a.page" in said.text
    assert silent.outputs == [] and len(widgets.outputs) == 4

import json
import re

import pytest
from playwright.sync_api import expect

from helpers.keyboard import press

SETUP = """
import torch, ipywidgets
from ninelives.model import Decoder
from ninelives.widgets import MaskLab
sentences = [text.split() for text in ("the cat was full", "it slept", "the dog ate the whole fish")]
asked = []
def mine(num_tokens, T):
    asked.append(num_tokens.tolist())
    return Decoder.__new__(Decoder).get_attention_mask(num_tokens, T)
"""
CELLS = [
    SETUP,
    "lab = MaskLab(sentences, get_attention_mask=mine)\nlab",
    "other = MaskLab(['le chat est plein'.split(), 'il dort'.split()],\n"
    "                prefix=['the cat is full'.split(), 'it sleeps'.split()], causal=True)\nother",
    "first, second = MaskLab([3, 2]), MaskLab([3, 2])\n"
    "link = ipywidgets.jslink((first, 'lengths'), (second, 'lengths'))\n"
    "ipywidgets.VBox([first, second])",
]


@pytest.fixture(scope="module")
def notebook(open_notebook):
    notebook = open_notebook("masks.ipynb", CELLS)
    notebook.run_all()
    assert not notebook.errors()
    return notebook


@pytest.fixture
def masks(notebook):
    """The first lab: all words there, not causal, rows of padding open, the first row chosen."""
    notebook.run(
        "lab.lengths, lab.causal, lab.rows_too, lab.sentence, lab.token = [4, 2, 6], False, False, 0, 0"
    )
    element = notebook.cell(1).locator(".nl-mask-lab")
    expect(element).to_have_attribute("data-drawn", "4,2,6::0:0:0:0")
    return element


def drawn_masks(masks) -> list[list[str]]:
    """The open cells of each mask in the browser, as "row,column"."""
    return masks.evaluate(
        """lab => [...lab.querySelectorAll('.nl-mask svg')].map(svg => {
        const closed = svg.querySelector('.nl-closed').getBBox(), path = svg.querySelector('.nl-open').getAttribute('d');
        const cells = path.match(/M[^M]*/g) ?? [];
        return cells.map(cell => {
          const [, x, y, side] = cell.match(/M([\\d.]+) ([\\d.]+)h([\\d.]+)/).map(Number);
          return `${Math.round((y - closed.y) / side)},${Math.round((x - closed.x) / side)}` }) })"""
    )


def masks_in_python(notebook, name: str) -> list[list[str]]:
    return json.loads(notebook.run(
        f"import json; print(json.dumps([[f'{{i}},{{j}}' for i, j in zip(*m.nonzero())] for m in {name}.masks()]))"
    ))


def test_the_masks_drawn_are_those_of_python(notebook, masks):
    for setting in ("lab.lengths = [4, 1, 3]", "lab.causal = True", "lab.rows_too = True"):
        notebook.run(setting)
        expect(masks).to_have_attribute("data-drawn", re.compile(
            "^" + notebook.run("print(*lab.lengths, sep=',', end=f'::{lab.causal:d}:{lab.rows_too:d}')")))
        assert drawn_masks(masks) == masks_in_python(notebook, "lab")


def test_every_word_attends_to_the_prefix_which_attends_to_itself_alone(notebook):
    other = notebook.cell(2).locator(".nl-mask-lab")
    assert drawn_masks(other) == masks_in_python(notebook, "other")
    press(other.get_by_role("slider", name="Words of prefix 1"), "ArrowLeft")
    expect(other).to_have_attribute("data-drawn", re.compile("^4,2:3,2:"))
    notebook.arrives("other.prefix_lengths", "[3, 2]")
    assert drawn_masks(other) == masks_in_python(notebook, "other")


def test_the_arrow_keys_change_a_length(notebook, masks):
    press(masks.get_by_role("slider", name="Words of sentence 3"), "ArrowLeft", "ArrowLeft")
    expect(masks).to_have_attribute("data-drawn", "4,2,4::0:0:0:0")
    notebook.arrives("lab.lengths", "[4, 2, 4]")


def test_the_arrow_keys_in_a_mask_choose_row_and_sentence(notebook, masks):
    grids = masks.get_by_role("application")
    press(grids.first, "ArrowDown", "ArrowDown", "ArrowRight")
    expect(grids.nth(1)).to_be_focused()
    expect(masks.locator(".nl-readout")).to_contain_text("pad may attend to it, slept; not to 4 pads.")
    expect(masks.get_by_role("status")).to_contain_text("Sentence 2, position 2: pad may attend to it, slept")
    notebook.arrives("lab.sentence, lab.token", "1 2")
    press(grids.nth(1), "Home", "End")
    notebook.arrives("lab.token", "5")


def test_jupyterlab_swallows_no_key_and_acts_on_none(notebook, masks):
    cells = len(notebook.outputs())
    press(masks.get_by_role("application").first, "ArrowDown", "a", "b", "d", "d", "x", "Enter", "ArrowDown")
    expect(masks.get_by_role("application").first).to_be_focused()
    assert len(notebook.outputs()) == cells
    notebook.arrives("lab.token", "2")


def test_tab_reaches_every_control_and_the_focus_is_visible(masks):
    page = masks.page
    masks.get_by_role("checkbox", name="Causal").focus()
    reached = []
    for _ in range(7):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.getAttribute('role') ?? document.activeElement.type"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    assert reached == ["checkbox"] + ["range", "application"] * 3


def test_a_click_chooses_a_row(notebook, masks):
    box = masks.locator(".nl-closed").nth(2).bounding_box()
    masks.page.mouse.click(box["x"] + 5, box["y"] + box["height"] * 4.5 / 6)
    expect(masks.locator(".nl-readout")).to_contain_text("whole may attend to the₁, dog, ate, the₂, whole, fish, which is everything.")


def test_the_softmax_is_that_of_the_scores(notebook, masks):
    notebook.run("lab.sentence, lab.token = 1, 1")
    expect(masks.locator(".nl-readout")).to_contain_text("slept may attend to")
    wanted = notebook.run(
        "row = torch.tensor(lab.scores[1])\n"
        "hidden = row.masked_fill(torch.arange(6) >= 2, -torch.inf)\n"
        "print(*[f'{a:.2f} {b:.2f}' for a, b in zip(row.softmax(0), hidden.softmax(0))], sep='\\n')"
    )
    expect(masks.locator(".nl-softmax .nl-share")).to_have_text(wanted.split())


def test_closing_the_rows_of_padding_shows_the_nan_it_would_be(notebook, masks):
    masks.get_by_role("checkbox", name="Close the rows of padding too").press("Space")
    expect(masks.locator(".nl-mask").nth(1).get_by_text("NaN")).to_have_count(4)
    expect(masks.locator(".nl-mask").nth(2).get_by_text("NaN")).to_have_count(0)
    notebook.run("lab.sentence, lab.token = 1, 5")
    expect(masks.locator(".nl-readout")).to_contain_text("may attend to nothing, so its softmax is 0 ÷ 0, NaN.")
    expect(masks.locator(".nl-softmax b")).to_have_count(6)


def test_the_learners_mask_is_asked_once_for_each_change_of_length_and_compared(notebook, masks):
    expect(masks.locator(".nl-yours")).to_have_text("Your get_attention_mask differs from what is shown in 22 cells: yours is causal.")
    masks.get_by_role("checkbox", name="Causal").press("Space")
    expect(masks.locator(".nl-yours")).to_have_text("Your get_attention_mask agrees with what is shown.")
    expect(masks.locator(".nl-differs").nth(1)).to_have_attribute("d", "")
    masks.get_by_role("checkbox", name="Close the rows of padding too").press("Space")
    expect(masks.locator(".nl-yours")).to_contain_text("Your get_attention_mask agrees with what is shown in the rows of words.")
    expect(masks.locator(".nl-differs").nth(1)).to_have_attribute("d", "")
    masks.get_by_role("checkbox", name="Close the rows of padding too").press("Space")
    notebook.run("asked.clear()")
    press(masks.get_by_role("slider", name="Words of sentence 1"), "ArrowLeft")
    expect(masks).to_have_attribute("data-drawn", re.compile("^3,2,6::1:"))
    expect(masks.locator(".nl-yours")).to_have_text("Your get_attention_mask agrees with what is shown.")
    notebook.arrives("asked", "[[3, 2, 6]]")


def test_two_linked_labs_move_together(notebook):
    labs = notebook.cell(3).locator(".nl-mask-lab")
    first, second = labs.first, labs.last
    press(first.get_by_role("slider", name="Words of sentence 1"), "ArrowLeft")
    expect(second).to_have_attribute("data-drawn", re.compile("^2,2:"))


def test_the_exported_page_works_alone(notebook, masks, open_alone):
    notebook.run("lab.save_html('masks.html')")
    alone = open_alone(notebook.lab.root / "masks.html").locator(".nl-mask-lab")
    press(alone.get_by_role("slider", name="Words of sentence 2"), "ArrowLeft")
    alone.get_by_role("checkbox", name="Causal").press("Space")
    expect(alone).to_have_attribute("data-drawn", "4,1,6::1:0:0:0")
    expect(alone.locator(".nl-yours")).to_have_text("Your get_attention_mask was called in the notebook alone, with the lengths 4, 2, 6.")

import re

import pytest
from playwright.sync_api import expect

from helpers.keyboard import press

SETUP = """
import torch, ipywidgets
from ninelives.config import TransformerConfig
from ninelives.model import Embedding
from ninelives.widgets import PositionLab
from ninelives.widgets.position_lab.in_words import bag, reading
torch.manual_seed(7)
words = "the dog bites the man".split()
idx = torch.tensor([[3, 1, 0, 3, 2]])
def embedding(n_embd):
    return Embedding(TransformerConfig(vocab_size=4, block_size=40, n_embd=n_embd, n_head=2))
asked = []
"""
CELLS = [
    SETUP,
    "module = embedding(12)\nmodule.register_forward_hook(lambda *_: asked.append(1))\n"
    "lab = PositionLab(module, words, idx)\nlab",
    "first, second = PositionLab(embedding(6), words, idx), PositionLab(embedding(6), words, idx)\n"
    "link = ipywidgets.jslink((first, 'order'), (second, 'order'))\n"
    "ipywidgets.VBox([first, second])",
    "PositionLab(embedding(64), words * 8, idx.repeat(1, 8))",
    "PositionLab(embedding(6), ['dog'], idx[:, 1:2])",
]


@pytest.fixture(scope="module")
def notebook(open_notebook):
    notebook = open_notebook("positions.ipynb", CELLS)
    notebook.run_all()
    assert not notebook.errors()
    return notebook


@pytest.fixture
def shown(notebook):
    """The first lab: the sentence as it began, "dog" picked, with positions."""
    notebook.run("lab.order, lab.word, lab.positions = [0, 1, 2, 3, 4], 1, True")
    element = notebook.cell(1).locator(".nl-position-lab")
    expect(element).to_have_attribute("data-drawn", "0,1,2,3,4:1:1")
    return element


def tile(lab, name: str):
    return lab.get_by_role("option", name=re.compile(f"^{name}, "))


def sentence(lab) -> str:
    return " ".join(lab.locator(".nl-tile-word").all_inner_texts())


def middle(locator) -> tuple[float, float]:
    locator.evaluate("tile => Promise.allSettled(tile.getAnimations().map(move => move.finished))")
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def in_python(notebook, expression: str) -> str:
    return notebook.run(f"print({expression})")


def test_a_word_is_dragged_to_another_position_and_the_others_close_up(notebook, shown):
    mouse = shown.page.mouse
    notebook.run("lab.word = 4")
    expect(shown).to_have_attribute("data-drawn", "0,1,2,3,4:4:1")
    mouse.move(*middle(tile(shown, "dog")))
    mouse.down()
    x, y = middle(tile(shown, "the₂"))
    mouse.move(x + 10, y, steps=6)
    expect(shown.locator(".nl-readout")).to_contain_text("“dog” moved from position 1 to position 3")
    expect(tile(shown, "dog")).to_have_class(re.compile("nl-dragged"))
    mouse.up()
    expect(shown.locator(".nl-dragged")).to_have_count(0)
    assert sentence(shown) == "the₁ bites the₂ dog man"
    notebook.arrives("lab.order, lab.word", "[0, 2, 3, 1, 4] 1")
    press(tile(shown, "dog"), "ArrowRight")
    expect(shown).to_have_attribute("data-drawn", "0,2,3,4,1:1:1")


def test_a_click_picks_a_word_and_the_keys_go_on_from_there(notebook, shown):
    tile(shown, "man").click()
    expect(shown.locator(".nl-readout")).to_contain_text("“man” at position 4, where it started")
    shown.page.keyboard.press("ArrowLeft")
    expect(shown).to_have_attribute("data-drawn", "0,1,2,4,3:4:1")
    assert sentence(shown) == "the₁ dog bites man the₂"


def test_escape_during_a_drag_puts_the_word_back(shown):
    mouse = shown.page.mouse
    mouse.move(*middle(tile(shown, "dog")))
    mouse.down()
    mouse.move(*middle(tile(shown, "man")), steps=6)
    expect(shown).to_have_attribute("data-drawn", re.compile("^0,2,3"))
    shown.page.keyboard.press("Escape")
    expect(shown).to_have_attribute("data-drawn", "0,1,2,3,4:1:1")
    mouse.up()
    expect(shown).to_have_attribute("data-drawn", "0,1,2,3,4:1:1")


def test_the_arrow_keys_move_a_word_and_pick_another(notebook, shown):
    press(tile(shown, "dog"), "ArrowRight", "ArrowRight")
    expect(shown).to_have_attribute("data-drawn", "0,2,3,1,4:1:1")
    expect(tile(shown, "dog")).to_be_focused()
    press(tile(shown, "dog"), "ArrowUp")
    expect(tile(shown, "the₂")).to_be_focused()
    press(tile(shown, "the₂"), "End")
    expect(shown).to_have_attribute("data-drawn", "0,2,1,4,3:3:1")
    notebook.arrives("lab.order, lab.word", "[0, 2, 1, 4, 3] 3")
    press(tile(shown, "the₂"), "Home")
    expect(shown).to_have_attribute("data-drawn", "3,0,2,1,4:3:1")
    press(tile(shown, "the₂"), "ArrowLeft", "Escape")
    expect(shown).to_have_attribute("data-drawn", "0,1,2,3,4:3:1")


def test_the_words_in_the_browser_are_those_of_python_and_are_read_out(notebook, shown):
    for state in ("lab.order = [0, 4, 2, 3, 1]", "lab.word = 4", "lab.positions = False", "lab.order = [3, 1, 2, 0, 4]"):
        notebook.run(state)
        expect(shown.locator(".nl-readout")).to_have_text(in_python(notebook, "reading(lab)") + ".")
        expect(shown.locator(".nl-bag")).to_have_text(in_python(notebook, "bag(lab)"))
        expect(shown.get_by_role("status")).to_have_text(
            in_python(notebook, "reading(lab) + '. ' + bag(lab)")
        )


def test_the_numbers_stay_when_it_is_drawn_in_a_frame_for_which_it_is_hidden(shown):
    # As JupyterLab does with a cell that is scrolled away and back, and no change of size follows.
    strip = shown.locator(".nl-strip-word .nl-strip-cells")
    expect(strip).to_have_text(re.compile(r"\d"))
    shown.evaluate(
        """async lab => {
        requestAnimationFrame(() => { lab.style.display = 'none' });
        lab.querySelector('input[type=radio]:not(:checked)').click();
        requestAnimationFrame(() => { lab.style.display = '' });
        for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame) }"""
    )
    expect(shown).to_have_attribute("data-drawn", "0,1,2,3,4:1:0")
    expect(strip).to_have_text(re.compile(r"\d"))


def test_the_numbers_drawn_are_those_of_the_module(notebook, shown):
    notebook.run("lab.order = [0, 2, 3, 1, 4]")
    expect(shown).to_have_attribute("data-drawn", "0,2,3,1,4:1:1")
    wanted = in_python(
        notebook, "*[f'{x:.2f}' for x in (module.token.weight[1] + module.position.weight[3]).tolist()]"
    )
    seen = shown.locator(".nl-strip-sum .nl-strip-cells span").all_inner_texts()
    assert " ".join(seen).replace("−", "-") == wanted
    colours = shown.locator(".nl-strip-sum canvas").evaluate(
        "canvas => [...canvas.getContext('2d').getImageData(0, 0, canvas.width, 1).data]"
    )
    blue = [colours[4 * c + 2] > colours[4 * c] for c in range(12)]
    assert blue == [float(number) > 0 for number in wanted.split()]


def test_without_positions_the_sum_is_the_word_and_nothing_is_new(shown):
    def numbers(strip):
        return shown.locator(f".nl-strip-{strip} .nl-strip-cells span").all_inner_texts()

    press(tile(shown, "dog"), "ArrowRight")
    expect(shown.locator(".nl-new")).to_have_count(2)
    assert numbers("sum") != numbers("word")
    shown.get_by_label("Without positions").check()
    expect(shown.locator(".nl-new")).to_have_count(0)
    expect(shown.locator(".nl-readout")).to_have_text(
        "“dog” at position 2: without positions its vector is the same at every position."
    )
    assert numbers("sum") == numbers("word")
    expect(shown.locator(".nl-strip-position")).to_contain_text("not added")


def test_jupyterlab_swallows_no_key_and_acts_on_none(notebook, shown):
    cells = len(notebook.outputs())
    press(tile(shown, "dog"), "ArrowRight", "a", "b", "d", "d", "x", "Enter", "ArrowRight")
    expect(tile(shown, "dog")).to_be_focused()
    expect(shown).to_have_attribute("data-drawn", "0,2,3,1,4:1:1")
    assert len(notebook.outputs()) == cells


def test_tab_reaches_every_control_and_the_focus_is_visible(notebook, shown):
    notebook.run("lab.order = [1, 0, 2, 3, 4]")
    expect(shown).to_have_attribute("data-drawn", "1,0,2,3,4:1:1")
    page, reached = shown.page, []
    shown.get_by_label("With positions").focus()
    for _ in range(2):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.innerText.split('\\n')[0]"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    assert reached == ["Back to the start", "dog"]


def test_the_way_back_leads_to_the_start(notebook, shown):
    press(tile(shown, "dog"), "End")
    shown.get_by_role("button", name="Back to the start").click()
    expect(shown).to_have_attribute("data-drawn", "0,1,2,3,4:1:1")
    expect(shown.get_by_role("button", name="Back to the start")).to_be_disabled()


def test_the_module_is_not_asked_again(notebook, shown):
    notebook.run("asked.clear()")
    press(tile(shown, "dog"), "End", "Home")
    shown.get_by_label("Without positions").check()
    notebook.arrives("lab.order, lab.positions", "[1, 0, 2, 3, 4] False")
    assert in_python(notebook, "len(asked)") == "0"


def test_two_linked_labs_move_together(notebook):
    labs = notebook.cell(2).locator(".nl-position-lab")
    first, second = labs.first, labs.last
    press(tile(first, "the₁"), "ArrowRight")
    expect(second).to_have_attribute("data-drawn", re.compile("^1,0,2,3,4:"))


def test_a_word_of_forty_is_dragged_to_another_line(notebook):
    long = notebook.cell(3).locator(".nl-position-lab")
    mouse, target = long.page.mouse, long.locator(".nl-tile").nth(30)
    long.locator(".nl-tile").nth(2).scroll_into_view_if_needed()
    mouse.move(*middle(long.locator(".nl-tile").nth(2)))
    mouse.down()
    x, y = middle(target)
    mouse.move(x + 12, y, steps=12)
    mouse.up()
    expect(long.locator(".nl-readout")).to_contain_text(re.compile("“bites₁” moved from position 2 to position (29|30|31)"))


def test_one_word_stays_where_it_is(notebook):
    alone = notebook.cell(4).locator(".nl-position-lab")
    press(tile(alone, "dog"), "ArrowRight", "ArrowDown", "End")
    expect(alone.locator(".nl-bag")).to_contain_text("there is nothing to move")
    expect(alone).to_have_attribute("data-drawn", "0:0:1")


def test_the_exported_page_works_alone(notebook, shown, open_alone):
    notebook.run("lab.save_html('positions.html')")
    alone = open_alone(notebook.lab.root / "positions.html").locator(".nl-position-lab")
    press(tile(alone, "dog"), "End")
    expect(alone).to_have_attribute("data-drawn", "0,2,3,4,1:1:1")
    expect(alone.locator(".nl-readout")).to_contain_text("moved from position 1 to position 4")

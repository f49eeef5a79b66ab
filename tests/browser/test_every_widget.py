"""What holds for every widget: beside its still picture, in the dark, and in a notebook that is opened again."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from ninelives import widgets

SETUP = """
import torch
from ninelives.config import TransformerConfig
from ninelives.model import Decoder, Embedding, EncoderDecoder
from ninelives.text import WordTokenizer
from ninelives.widgets import *
words = "the cat was full".split()
idx = torch.tensor([[1, 2, 3, 4]])
tokenizer = WordTokenizer(words)
config = TransformerConfig(tokenizer.vocab_size, block_size=8, n_embd=12, n_head=3, n_layer=2, dropout=0.0)
torch.manual_seed(0)
"""
MADE = [
    "AttentionExplorer(torch.eye(8).expand(2, 2, 8, 8), 2 * words)",
    "Choice('Who was full?', {'the cat': 'A cat eats.', 'the meat': 'Meat does not eat.'}, answer='the cat')",
    "HeadLab(EncoderDecoder(config, config), tokenizer, 'the cat was full', pair=('cat', 'was'))",
    "LayerStepper(Decoder(config), idx, words, tokenizer.words)",
    "MaskLab([3, 2])",
    "PositionLab(Embedding(config), words, idx)",
    "TemperatureLab(Decoder(config), [1, 2], tokenizer.words)",
    "TrainingMonitor('words', 10, {'characters': [{'step': 5, 'loss': 1.0, 'accuracy': 0.5}]})",
    "TranslationLab(EncoderDecoder(config, config), tokenizer, 'the cat was full')",
]


@pytest.fixture(scope="module")
def notebook(open_notebook):
    picture = "from ninelives import figures\nfigures.heatmap(torch.eye(4), words, title='Weights', caption='Each attends to itself.')"
    box = "import ipywidgets\nipywidgets.VBox([AttentionExplorer(torch.eye(4), words), MaskLab([3, 2])])"
    notebook = open_notebook("widgets.ipynb", [SETUP, *MADE, picture, box])
    notebook.run_all()
    assert not notebook.errors()
    return notebook


def test_none_is_left_out():
    assert [made.partition("(")[0] for made in MADE] == sorted(widgets.__all__)


@pytest.mark.parametrize("made", MADE)
def test_its_still_picture_is_not_seen_beside_it(notebook, made):
    cell = notebook.cell(1 + MADE.index(made))
    expect(cell.locator(".nl-explorer")).to_be_visible()
    expect(cell.locator(".jp-OutputArea img")).to_be_hidden()
    expect(cell.locator("summary", has_text="In words")).to_be_hidden()


def test_neither_are_those_of_widgets_in_a_box(notebook):
    cell = notebook.cell(2 + len(MADE))
    expect(cell.locator(".nl-explorer")).to_have_count(2)
    expect(cell.locator("img")).to_have_count(2)
    for still in (*cell.locator("img").all(), *cell.locator("summary", has_text="In words").all()):
        expect(still).to_be_hidden()


# How everything is drawn at this width: the number of elements now and at first, and what is drawn otherwise than at first.
LOOK = """async width => {
for (let frame = 0; frame < 4; frame++) await new Promise(requestAnimationFrame);  // what follows its width draws again
const looks = [];
for (const node of document.querySelectorAll('.nl-explorer, .nl-explorer *'))
  for (const part of ['', '::before', '::after']) {
    const style = getComputedStyle(node, part);
    if (!part || style.content !== 'none')
      looks.push([node.getAttribute('class') || node.tagName, part, [...style].map(name => `${name}: ${style.getPropertyValue(name)}`)]);
  }
window.first ??= {};
const first = window.first[width] ??= looks;
return [looks.length, first.length, looks.map(([name, part, style], index) =>
  [name, part, ...style.filter((value, k) => value !== first[index]?.[2][k])]).filter(([, , ...changed]) => changed.length)] }"""


def inaccessible(page, part=None):
    """What axe finds wrong: the rule, and the first element that breaks it."""
    return [(found["id"], found["nodes"][0]["html"]) for found in Axe().run(page, part).response["violations"]]


@pytest.mark.parametrize("made", MADE)
def test_its_exported_page_is_accessible_and_the_styles_of_the_others_change_nothing(notebook, open_alone, made):
    # JupyterLab is one page: whatever widgets are open, in whatever notebooks, all their styles hold in it.
    notebook.run(f"({made}).save_html('alone.html')")
    page = open_alone(notebook.lab.root / "alone.html")
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        expect(page.locator(".nl-explorer")).to_have_attribute("data-theme", theme)
        assert inaccessible(page) == []
        for tab in reversed(page.get_by_role("tab").all()):  # the first is open again at the end
            tab.click()
            assert inaccessible(page, "[role=tabpanel]:not([hidden])") == []

    def look():
        looks = []
        for width, theme in ((1200, "light"), (500, "dark")):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=theme)
            expect(page.locator(".nl-explorer")).to_have_attribute("data-theme", theme)
            looks.append(page.evaluate(LOOK, width))
        return looks

    look()
    for name in widgets.__all__:
        page.add_style_tag(content=getattr(widgets, name)._css)
    for now, at_first, changed in look():
        assert now == at_first > 10
        assert changed == []


def test_sliders_hear_two_keys_of_one_frame(notebook):
    heard = 0
    for index in range(1, 1 + len(MADE)):
        widget = notebook.cell(index).locator(".nl-explorer")
        expect(widget).to_be_visible()
        for slider in widget.locator("input[type=range]").all():
            before, after = slider.evaluate(
                """async slider => {
                const before = +slider.value, down = before - 2 * slider.step >= slider.min;
                if (!down && before + 2 * slider.step > slider.max) return [null, null];  // two values only
                for (let key = 0; key < 2; key++) {
                  down ? slider.stepDown() : slider.stepUp();
                  slider.dispatchEvent(new Event('input', { bubbles: true }));
                }
                await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
                return [before, Math.round(Math.abs(slider.value - before) / slider.step)] }"""
            )
            if before is not None:
                assert after == 2, MADE[index - 1]
                heard += 1
    assert heard >= 5


def test_all_follow_the_dark_theme_and_axe_finds_nothing_wrong_with_them(notebook):
    for theme in ("Dark", "Light"):
        notebook.page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", f"JupyterLab {theme}")
        for index in range(1, 1 + len(MADE)):
            expect(notebook.cell(index).locator(".nl-explorer")).to_have_attribute("data-theme", theme.lower())
            assert inaccessible(notebook.page, f".jp-Cell[data-windowed-list-index='{index}'] .nl-explorer") == []


CORNER = """async image => {
const shown = document.createElement('canvas').getContext('2d');
shown.filter = getComputedStyle(image).filter;
shown.drawImage(image, 0, 0);
return [...shown.getImageData(1, 1, 1, 1).data] }"""


def test_the_background_of_a_picture_is_that_of_the_page_light_and_dark(notebook):
    image = notebook.cell(1 + len(MADE)).locator(".jp-OutputArea img")
    for theme in ("Dark", "Light"):
        notebook.page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", f"JupyterLab {theme}")
        expect(notebook.page.locator("body")).to_have_attribute("data-jp-theme-light", str(theme == "Light").lower())
        page = notebook.page.evaluate("getComputedStyle(document.querySelector('.jp-Notebook')).backgroundColor.match(/\\d+/g).map(Number)")
        *colour, _ = image.evaluate(CORNER)
        assert all(abs(seen - wanted) < 4 for seen, wanted in zip(colour, page[:3], strict=True)), (theme, colour, page)


def test_a_notebook_opened_again_shows_the_pictures_and_their_words_without_running(notebook, open_notebook):
    notebook.save()
    notebook.shut_down()
    again = open_notebook(notebook.name)
    for index in range(1, 1 + len(MADE)):
        cell = again.cell(index)
        picture = cell.locator(".jp-OutputArea img")
        expect(picture).to_be_visible()
        assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 300
        expect(cell.locator(".nl-explorer")).to_have_count(0)
        expect(cell.get_by_text("model not found")).to_be_hidden()
        cell.locator("summary", has_text="In words").click()
        expect(cell.locator("details")).to_contain_text(re.compile("In words.{40}"))
    box = again.cell(2 + len(MADE))
    expect(box.locator(".jp-OutputArea img:visible")).to_have_count(2)
    expect(box.locator("summary:visible", has_text="In words")).to_have_count(2)
    expect(box.get_by_text("model not found")).to_be_hidden()
    again.shut_down()

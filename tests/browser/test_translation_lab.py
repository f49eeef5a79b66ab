import json

import pytest
from playwright.sync_api import expect

from helpers.clock import let_pass

SETUP = """
import torch
from ninelives.config import TransformerConfig
from ninelives.model import EncoderDecoder
from ninelives.text import WordTokenizer
from ninelives.widgets import TranslationLab
from ninelives.widgets.translation_lab.picture import weights_shown
english, french = "the cat cow was full".split(), "le chat vache était rassasié".split()
tokenizer = WordTokenizer([*english, *french])
torch.manual_seed(0)
config = TransformerConfig(tokenizer.vocab_size, 16, n_embd=12, n_head=3, n_layer=2, dropout=0.0)
model = EncoderDecoder(config, config)
for parameter in model.parameters():
    torch.nn.init.normal_(parameter, std=0.6)
def one_by_one(model, prefix, max_new_tokens, temperature, end_token):
    words = [tokenizer.ids[french[english.index(tokenizer.words[i])]] for i in prefix[0].tolist()]
    return torch.tensor([[*words, end_token]])
"""
CELLS = [SETUP, "lab = TranslationLab(model, tokenizer, 'the cat was full', generate=one_by_one)\nlab"]


@pytest.fixture(scope="module")
def notebook(open_notebook):
    notebook = open_notebook("translation.ipynb", CELLS)
    notebook.run_all()
    assert not notebook.errors()
    return notebook


@pytest.fixture
def shown(notebook):
    """The lab with the first sentence, all of it written, all heads together."""
    notebook.run("lab.text, lab.view = 'the cat was full', -1\nlab.step = 5")
    element = notebook.cell(1).locator(".nl-translation-lab")
    expect(element).to_have_attribute("data-drawn", "the cat was full|5|-1|done")
    expect(element.get_by_role("button", name="Write it again")).to_be_visible()
    return element


def test_a_typed_sentence_is_translated_and_written_word_by_word(notebook, shown):
    shown.evaluate(
        """lab => { lab.seen = []; lab.frames = requestAnimationFrame;
        window.requestAnimationFrame = queueMicrotask;  // a slow page would have no frame between two words
        new MutationObserver(() => lab.seen.push(lab.dataset.drawn)).observe(lab, { attributeFilter: ['data-drawn'] }) }"""
    )
    field = shown.get_by_label("English sentence")
    field.fill("The cow was full.")
    field.press("Enter")
    expect(shown).to_have_attribute("data-drawn", "The cow was full.|5|-1|done")
    notebook.arrives("lab.translation", "le vache était rassasié")
    seen = shown.evaluate("lab => { window.requestAnimationFrame = lab.frames; return lab.seen }")
    steps = [drawn.split("|")[1] for drawn in seen if drawn.startswith("The cow was full.|") and drawn.endswith("done")]
    assert list(dict.fromkeys(steps))[-5:] == ["1", "2", "3", "4", "5"]
    expect(shown.get_by_role("status")).to_have_text("Translation: le vache était rassasié")


def test_an_unknown_word_is_named_and_the_next_sentence_is_translated(notebook, shown):
    field, before = shown.get_by_label("English sentence"), shown.bounding_box()["height"]
    field.fill("the zebra was full")
    field.press("Enter")
    expect(shown.get_by_role("alert")).to_have_text("“zebra” is not among the 10 known words. Below is the sentence before.")
    expect(shown.locator("[inert]")).to_contain_text("cat")
    assert abs(shown.bounding_box()["height"] - before) < 60
    expect(shown.get_by_role("status")).to_have_text("")
    field.fill("the cat was full")
    shown.get_by_role("button", name="Translate").press("Enter")
    expect(shown).to_have_attribute("data-drawn", "the cat was full|5|-1|done")
    expect(shown.get_by_role("alert")).to_be_hidden()
    expect(shown.locator("[inert]")).to_have_count(0)


def test_it_is_said_whose_model_and_whose_function_translate(notebook, shown):
    expect(shown.locator(".nl-yours")).to_contain_text("The package's EncoderDecoder translates. Your prefix_generation differs")


def test_the_arrow_keys_go_from_word_to_word(notebook, shown):
    slider = shown.get_by_role("slider", name="Words written")
    for key in ("ArrowLeft", "ArrowLeft", "ArrowLeft"):
        slider.press(key)
    expect(shown).to_have_attribute("data-drawn", "the cat was full|2|-1|done")
    notebook.arrives("lab.step", "2")
    expect(shown.locator(".nl-readout")).to_contain_text("chat attends to")
    expect(shown.locator("button.nl-word-bar:not(.nl-later)")).to_have_count(2)
    slider.press("Home")
    expect(shown.locator(".nl-readout")).to_have_text("No word is written yet.")
    notebook.arrives("lab.step", "0")


def test_a_click_or_the_space_key_goes_to_a_word_that_is_written(notebook, shown):
    tiles = shown.locator("button.nl-word-bar")
    tiles.nth(1).click()
    expect(shown).to_have_attribute("data-drawn", "the cat was full|2|-1|done")
    tiles.nth(0).press("Space")
    expect(shown).to_have_attribute("data-drawn", "the cat was full|1|-1|done")
    expect(tiles.nth(0)).to_be_focused()
    notebook.arrives("lab.step", "1")


def test_the_weights_drawn_are_those_of_python(notebook, shown):
    for view in (-1, 4):
        notebook.run(f"lab.view, lab.step = {view}, 3")
        expect(shown).to_have_attribute("data-drawn", f"the cat was full|3|{view}|done")
        wanted = json.loads(notebook.run("import json; print(json.dumps([f'{w:.2f}' for w in weights_shown(lab)[2][:6]]))"))
        seen = shown.locator(".nl-word-bar small").all_inner_texts()
        assert seen[:6] == wanted  # four English words, two French ones before this
        assert notebook.run("print(lab.likely[2][0][0])") == shown.locator(".nl-candidates span").first.inner_text()


def test_a_head_is_chosen_by_keyboard(notebook, shown):
    chooser = shown.get_by_role("combobox", name="Head")
    chooser.focus()
    chooser.select_option(label="layer 2, head 1")
    expect(shown).to_have_attribute("data-drawn", "the cat was full|5|3|done")
    notebook.arrives("lab.view", "3")


def test_jupyterlab_swallows_no_key_and_acts_on_none(notebook, shown):
    cells = len(notebook.outputs())
    field = shown.get_by_label("English sentence")
    field.fill("")
    field.press_sequentially("abddx the")
    expect(field).to_have_value("abddx the")
    for key in ("Home", "ArrowRight", "Delete"):
        field.press(key)
    expect(field).to_have_value("addx the")
    assert len(notebook.outputs()) == cells


def test_tab_reaches_every_control_and_the_focus_is_visible(shown):
    page = shown.page
    shown.get_by_label("English sentence").focus()
    reached = []
    for _ in range(5):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.textContent || document.activeElement.type"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    assert reached[:3] == ["Translate", "range", "Write it again"]
    assert reached[3].startswith("mean of all heads") and reached[4].startswith("le")


def test_writing_can_be_stopped(notebook, shown):
    again = shown.get_by_role("button", name="Write it again")
    # From within the page, since the five words are written within two seconds.
    again.evaluate(
        """button => new MutationObserver((_, watch) => {
        if (button.textContent === 'Stop') { watch.disconnect(); setTimeout(() => button.click()) } })
        .observe(button.closest('.nl-translation-lab'), { attributeFilter: ['data-drawn'] })"""
    )
    again.press("Enter")
    expect(shown).to_have_attribute("data-drawn", "the cat was full|1|-1|done")
    expect(again).to_be_visible()
    let_pass(shown, 1000)
    expect(shown).to_have_attribute("data-drawn", "the cat was full|1|-1|done")

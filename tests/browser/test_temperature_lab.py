import json
import re

import pytest
from playwright.sync_api import expect

from helpers.clock import let_pass
from helpers.keyboard import press

SETUP = """
import json, os, time, torch, ipywidgets
from ninelives.config import TransformerConfig
from ninelives.model import Decoder, next_token_probabilities
from ninelives.widgets import TemperatureLab
from ninelives.widgets.temperature_lab.in_words import reading
from ninelives.widgets.temperature_lab.next_word import scores_after
vocabulary = ["<end>", *"the cat did not want to eat because it was full hungry sick old".split()]
vocabulary += [f"word{k}" for k in range(100 - len(vocabulary))]
prompt = [vocabulary.index(word) for word in "the cat did not want to eat because it was".split()]
def model(vocab_size):
    torch.manual_seed(1)
    made = Decoder(TransformerConfig(vocab_size, 32, n_embd=24, n_head=3, n_layer=2))
    torch.nn.init.normal_(made.lm_head.weight, std=0.5)
    return made
def mine(logits, temperature):
    return (logits / temperature).softmax(-1)
"""
CELLS = [
    SETUP,
    "lab = TemperatureLab(model(100), prompt, vocabulary, end_token=0, next_token_probabilities=mine)\nlab",
    "large = TemperatureLab(model(5000), prompt, [f'w{k}' for k in range(5000)])\nlarge",
    "first, second = [TemperatureLab(model(100), prompt, vocabulary) for _ in range(2)]\n"
    "link = ipywidgets.jslink((first, 'temperature'), (second, 'temperature'))\n"
    "ipywidgets.VBox([first, second])",
]
# Word and number of each bar, in order.
BARS = """lab => [...lab.querySelectorAll('.nl-next tbody tr')].map(row => [
    row.querySelector('th').textContent, +row.querySelector('.nl-amount').textContent,
    parseFloat(row.querySelector('.nl-odds i').style.width) / 100])"""


@pytest.fixture(scope="module")
def notebook(open_notebook):
    notebook = open_notebook("temperature.ipynb", CELLS)
    notebook.run_all()
    assert not notebook.errors()
    return notebook


@pytest.fixture
def shown(notebook):
    """The first lab: temperature 1, all words, nothing drawn."""
    notebook.run("lab.temperature, lab.top_k, lab.top_p, lab.drawn, lab.chances = 1.0, None, None, [], []")
    element = notebook.cell(1).locator(".nl-temperature-lab")
    expect(element).to_have_attribute("data-drawn", "1:100:1:")
    return element


def number_drawn(shown) -> int:
    return shown.locator(".nl-new-word").count()


@pytest.mark.parametrize(("name", "cell"), [("lab", 1), ("large", 2)])
@pytest.mark.parametrize("settings", [
    (1.0, None, None), (0.05, None, None), (0.5, None, None), (2.95, None, None), (0.0, None, None), (0.0, 5, 0.3),
    (1.0, 1, None), (1.3, 7, None), (1.0, 100, None), (1.0, None, 0.05), (1.6, None, 0.72), (0.7, 20, 0.83), (2.0, 3, 0.5),
])
def test_the_bars_are_the_probabilities_of_the_package(notebook, name, cell, settings):
    temperature, top_k, top_p = settings
    notebook.run(f"{name}.temperature, {name}.top_k, {name}.top_p = {settings}")
    element = notebook.cell(cell).locator(".nl-temperature-lab")
    count = 100 if name == "lab" else 5000
    expect(element).to_have_attribute("data-drawn", f"{temperature:g}:{top_k or count}:{top_p or 1:g}:")
    wanted = json.loads(notebook.run(
        f"p = next_token_probabilities({name}.logits, {temperature}, {top_k}, {top_p})\n"
        f"order = {name}.logits.argsort(descending=True, stable=True)\n"
        f"print(json.dumps([[{name}.vocabulary[w], p[w].item()] for w in order[:15]] + [['other', p[order[15:]].sum().item()]]))"
    ))
    seen = element.evaluate(BARS)
    assert [word for word, *_ in seen[:-1]] == [word for word, _ in wanted[:-1]]
    assert seen[-1][0] == f"{count - 15} other words"
    for (_, number, width), (_, probability) in zip(seen, wanted, strict=True):
        assert width == pytest.approx(probability, abs=1e-5)
        assert number == pytest.approx(probability, abs=0.000501)
    expect(element.locator(".nl-readout")).to_contain_text(notebook.run(f"print(reading({name}))"))


def test_the_arrow_keys_move_the_bars_and_python_hears_of_it(notebook, shown):
    before = shown.evaluate(BARS)
    press(shown.get_by_role("slider", name="Temperature"), *["ArrowLeft"] * 10)
    expect(shown).to_have_attribute("data-drawn", "0.5:100:1:")
    assert shown.evaluate(BARS)[0][1] > before[0][1]
    notebook.arrives("lab.temperature", "0.5")
    press(shown.get_by_role("slider", name="Top-k"), "Home", "ArrowRight", "ArrowRight")
    press(shown.get_by_role("slider", name="Top-p"), "ArrowLeft")
    notebook.arrives("lab.top_k, lab.top_p", "3 0.95")
    press(shown.get_by_role("slider", name="Top-k"), "End")
    press(shown.get_by_role("slider", name="Top-p"), "End")
    notebook.arrives("lab.top_k, lab.top_p", "None None")


def test_a_drawn_word_is_appended_with_its_probability_and_the_model_reads_it(notebook, shown):
    shown.get_by_role("button", name="Draw a word").press("Enter")
    expect(shown.locator(".nl-new-word")).to_have_count(1)
    expect(shown).to_have_attribute("data-drawn", re.compile(r"^1:100:1:\d+$"))
    word, chance = json.loads(notebook.run("print(json.dumps([lab.drawn[0], lab.chances[0]]))"))
    first = json.loads(notebook.run(
        "logits = scores_after(lab._model, torch.tensor([prompt]), [], len(vocabulary))\n"
        "print(json.dumps(next_token_probabilities(logits).tolist()))"
    ))
    assert chance == pytest.approx(first[word], abs=1e-6)
    expect(shown.locator(".nl-where")).to_contain_text(f"Drawn: “{notebook.run(f'print(vocabulary[{word}])')}”, which had")
    assert shown.evaluate(BARS)[0][1] == pytest.approx(float(notebook.run("print(lab.probabilities().max().item())")), abs=0.000501)


def test_enter_on_a_slider_draws_and_backspace_steps_back(notebook, shown):
    slider = shown.get_by_role("slider", name="Temperature")
    press(slider, "Enter")
    expect(shown.locator(".nl-new-word")).to_have_count(1)
    expect(shown).not_to_have_attribute("data-drawn", re.compile("stale"))
    press(slider, "Backspace")
    expect(shown.locator(".nl-new-word")).to_have_count(0)
    expect(slider).to_be_focused()
    notebook.arrives("lab.drawn", "[]")


def test_stepping_back_shows_the_bars_of_the_shorter_text(notebook, shown):
    before = shown.evaluate(BARS)
    notebook.run("lab.drawn = [11, 2]")
    expect(shown).to_have_attribute("data-drawn", "1:100:1:11,2")
    assert shown.evaluate(BARS) != before
    back = shown.get_by_role("button", name="Step back")
    back.click()
    back.click()
    expect(shown).to_have_attribute("data-drawn", "1:100:1:")
    assert shown.evaluate(BARS) == before
    expect(back).to_have_attribute("aria-disabled", "true")


def test_writing_on_goes_word_by_word_until_it_is_stopped(notebook):
    notebook.run("first.temperature, first.drawn = 0.0, []")
    writer = notebook.cell(3).locator(".nl-temperature-lab").first
    expect(writer).to_have_attribute("data-drawn", "0:100:1:")
    button, stop = writer.get_by_role("button", name="Write on"), writer.get_by_role("button", name="Stop")
    button.press("Enter")
    expect(stop).to_be_focused()
    expect(writer.locator(".nl-new-word").nth(2)).to_be_visible()
    stop.press("Enter")
    expect(button).to_be_visible()
    expect(writer).to_have_attribute("data-drawn", re.compile(r"[\d,]+$"))
    written = number_drawn(writer)
    assert written < 60  # as many as it writes where nobody stops it
    let_pass(writer, 600)
    assert number_drawn(writer) == written
    greedy = notebook.run(
        "from ninelives.model import generate\n"
        "text = generate(first._model, torch.tensor([prompt]), len(first.drawn), 0)\nprint(text[0, len(prompt):].tolist() == first.drawn)"
    )
    assert greedy == "True"


def test_writing_on_ends_at_the_end_token(notebook, shown):
    notebook.run("lab.drawn = [11, 0]")
    expect(shown.locator(".nl-notice")).to_have_text("The text has ended: nothing follows the end token. Step back or start again.")
    for name in ("Draw a word", "Ten tries", "Write on"):
        expect(shown.get_by_role("button", name=name)).to_have_attribute("aria-disabled", "true")
    shown.get_by_role("button", name="Start again").click()
    expect(shown).to_have_attribute("data-drawn", "1:100:1:")


def test_words_are_tried_as_often_as_their_probability_says(notebook, shown):
    tries = shown.get_by_role("button", name="Ten tries")
    tries.evaluate("button => { for (let k = 0; k < 200; k++) button.click(); }")
    expect(shown.get_by_role("columnheader", name="of 2000 tries")).to_be_visible()
    rows = shown.evaluate("""lab => [...lab.querySelectorAll('.nl-next tbody tr')].map(row => [
        +row.querySelector('.nl-amount').textContent, parseInt(row.querySelector('.nl-seen').textContent)])""")
    assert sum(count for _, count in rows) == 2000
    for probability, count in rows:
        assert abs(count / 2000 - probability) < 6 * (probability * (1 - probability) / 2000) ** 0.5 + 0.001
    press(shown.get_by_role("slider", name="Temperature"), "ArrowRight")
    expect(shown.locator(".nl-seen").first).to_have_text("")


def test_at_temperature_0_only_the_likeliest_word_is_drawn(notebook, shown):
    notebook.run("lab.temperature = 0.0")
    expect(shown).to_have_attribute("data-drawn", "0:100:1:")
    shown.get_by_role("button", name="Ten tries").click()
    expect(shown.locator(".nl-seen").first).to_contain_text("10")
    expect(shown.get_by_role("slider", name="Temperature")).to_have_attribute("aria-valuetext", "0.00 greedy")


def test_the_learners_function_is_compared_at_the_present_temperature(notebook, shown):
    yours = shown.locator(".nl-yours")
    expect(yours).to_have_text("Your next_token_probabilities at temperature 1.00 agrees with the bars before top-k and top-p.")
    assert shown.locator(".nl-odds u:visible, .nl-key-yours:visible").count() == 0
    press(shown.get_by_role("slider", name="Temperature"), "Home")
    expect(shown.locator(".nl-odds u:visible")).to_have_count(16)  # all are NaN
    expect(shown.locator(".nl-key-yours")).to_be_visible()
    expect(yours).to_contain_text("Your next_token_probabilities at temperature 0.00 differs from the bars by up to 1.00: it gives “")


def test_what_is_shown_is_spoken_a_moment_later(notebook, shown):
    press(shown.get_by_role("slider", name="Temperature"), "ArrowLeft")
    expect(shown.get_by_role("status")).to_contain_text(notebook.run("lab.temperature = 0.95\nprint(reading(lab))"))


def test_tab_reaches_every_control_and_the_focus_is_visible(shown):
    page = shown.page
    shown.get_by_role("slider", name="Temperature").focus()
    reached = []
    for _ in range(7):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    assert reached == ["Top-k", "Top-p", "Draw a word", "Ten tries", "Write on", "Step back", "Start again"]


def test_jupyterlab_swallows_no_key_and_acts_on_none(notebook, shown):
    cells = len(notebook.outputs())
    slider = shown.get_by_role("slider", name="Temperature")
    press(slider, "a", "b", "d", "d", "x", "ArrowLeft", "Enter")
    expect(slider).to_be_focused()
    assert len(notebook.outputs()) == cells
    expect(shown.locator(".nl-new-word")).to_have_count(1)


def test_two_linked_labs_move_together(notebook):
    notebook.run("first.temperature = 1.0")
    labs = notebook.cell(3).locator(".nl-temperature-lab")
    first, second = labs.first, labs.last
    expect(second).to_have_attribute("data-drawn", "1:100:1:")
    press(first.get_by_role("slider", name="Temperature"), "ArrowLeft")
    expect(second).to_have_attribute("data-drawn", "0.95:100:1:")


def test_a_kernel_that_does_not_answer_is_waited_for_and_said_to_be_waited_for(notebook, shown):
    notebook.run("lab.drawn = [4, 5, 6]")
    expect(shown).to_have_attribute("data-drawn", "1:100:1:4,5,6")
    awake = notebook.lab.root / "awake"
    shown.page.evaluate(
        """path => { const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
        const code = `while not os.path.exists(${JSON.stringify(path)}): time.sleep(0.05)`;
        kernel.requestExecute({ code, store_history: false }); }""", str(awake))
    try:
        shown.get_by_role("button", name="Draw a word").click()
        expect(shown.locator(".nl-notice")).to_have_text("Waiting for Python to read the new word. If this stays, run the cell again.")
        expect(shown.get_by_role("button", name="Draw a word")).to_have_attribute("aria-disabled", "true")
    finally:
        awake.touch()
    expect(shown).to_have_attribute("data-drawn", re.compile(r"^1:100:1:4,5,6,\d+$"))
    expect(shown.locator(".nl-notice")).not_to_contain_text("Waiting")

import json
import re

import pytest
from playwright.sync_api import expect

from helpers.keyboard import press

SETUP = """
import torch, ipywidgets
from ninelives.config import TransformerConfig
from ninelives.model import Decoder
from ninelives.widgets import LayerStepper
from ninelives.widgets.layer_stepper.in_words import heading, likely_words, reading
from ninelives.widgets.layer_stepper.picture import strips_shown
words = "the cat did not want to eat because it was".split()
vocabulary = sorted({*words, "full", "old", "sick"})
idx = torch.tensor([[vocabulary.index(word) for word in words]])
torch.manual_seed(0)
model = Decoder(TransformerConfig(len(vocabulary), 16, n_embd=24, n_head=3, n_layer=3))
"""
CELLS = [
    SETUP,
    "stepper = LayerStepper(model, idx, words, vocabulary)\nstepper",
    "first, second = [LayerStepper(model, idx, words, vocabulary) for _ in range(2)]\n"
    "link = ipywidgets.jslink((first, 'token'), (second, 'token'))\n"
    "ipywidgets.VBox([first, second])",
]


@pytest.fixture(scope="module")
def notebook(open_notebook):
    notebook = open_notebook("stepper.ipynb", CELLS)
    notebook.run_all()
    assert not notebook.errors()
    return notebook


@pytest.fixture
def stepper(notebook):
    """The first stepper, at the embedding of the first word."""
    notebook.run("stepper.station, stepper.token = 0, 0")
    element = notebook.cell(1).locator(".nl-layer-stepper")
    expect(element).to_have_attribute("data-drawn", "0:0")
    return element


def test_left_and_right_step_through_the_stations_and_up_and_down_through_the_words(notebook, stepper):
    stage = stepper.locator(".nl-stage")
    press(stage, "ArrowRight", "ArrowRight", "ArrowDown", "ArrowRight", "ArrowLeft")
    expect(stepper).to_have_attribute("data-drawn", "2:1")
    notebook.arrives("stepper.station, stepper.token", "2 1")
    press(stage, "End", "ArrowRight", "ArrowUp", "ArrowUp")
    expect(stepper).to_have_attribute("data-drawn", "6:0")
    press(stage, "Home", "ArrowLeft")
    expect(stepper).to_have_attribute("data-drawn", "0:0")


def test_the_buttons_step_and_rest_at_the_ends(notebook, stepper):
    back, following = stepper.get_by_role("button", name="Back"), stepper.get_by_role("button", name="Next")
    expect(back).to_be_disabled()
    following.press("Enter")
    expect(stepper.locator(".nl-where")).to_have_text("Station 2 of 7: block 1, (B, T, n_embd) = (1, 10, 24)")
    back.click()
    expect(stepper).to_have_attribute("data-drawn", "0:0")
    notebook.run("stepper.station = 6")
    expect(following).to_be_disabled()


def test_arrow_keys_step_after_a_click_on_a_button(notebook, stepper):
    page, cells = stepper.page, len(notebook.outputs())
    stepper.get_by_role("button", name="Next").click()
    expect(stepper).to_have_attribute("data-drawn", "1:0")
    for key, drawn in (("ArrowRight", "2:0"), ("ArrowDown", "2:1"), ("ArrowLeft", "1:1"), ("End", "6:1")):
        page.keyboard.press(key)
        expect(stepper).to_have_attribute("data-drawn", drawn)
    # At the end "Next" is disabled, and a disabled button hears no key.
    page.keyboard.press("ArrowLeft")
    expect(stepper).to_have_attribute("data-drawn", "5:1")
    stepper.get_by_role("button", name="Next").click()
    expect(stepper).to_have_attribute("data-drawn", "6:1")
    page.keyboard.press("ArrowLeft")
    expect(stepper).to_have_attribute("data-drawn", "5:1")
    assert len(notebook.outputs()) == cells


def test_a_click_goes_to_a_station_or_a_word(notebook, stepper):
    stepper.locator(".nl-station").nth(4).click()
    stepper.get_by_text("because", exact=True).first.click()
    expect(stepper).to_have_attribute("data-drawn", "4:7")
    notebook.arrives("stepper.station, stepper.token", "4 7")


def test_every_station_says_the_same_in_the_browser_and_in_python(notebook, stepper):
    for station in range(7):
        notebook.run(f"stepper.station, stepper.token = {station}, {9 - station}")
        expect(stepper).to_have_attribute("data-drawn", f"{station}:{9 - station}")
        reading, heading, words = json.loads(notebook.run(
            "import json; print(json.dumps([reading(stepper), heading(stepper), "
            "[f'{w} {v:.2f}'.replace('-', '−') for w, v in likely_words(stepper)]]))"
        ))
        expect(stepper.locator(".nl-readout")).to_have_text(reading)
        expect(stepper.locator(".nl-heading")).to_have_text(heading)
        rows = stepper.locator(".nl-likely tr").all()
        assert [f"{row.locator('th').inner_text()} {row.locator('.nl-amount').inner_text()}" for row in rows] == words


def test_the_strips_have_the_colours_of_the_numbers(notebook, stepper):
    notebook.run("stepper.station, stepper.token = 2, 3")
    expect(stepper).to_have_attribute("data-drawn", "2:3")
    wanted = json.loads(notebook.run(
        "import json, numpy as np; print(json.dumps([[stepper.colours['signed'][int(np.floor(127 * (np.clip(x / end, -1, 1) + 1) + 0.5))] "
        "for x in values] for _, values, end in strips_shown(stepper)]))"
    ))
    seen = stepper.evaluate(
        """stepper => [...stepper.querySelectorAll('.nl-row:not([hidden]) canvas')].map(canvas => {
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, 1);
        return Array.from({ length: canvas.width }, (_, k) =>
          '#' + [0, 1, 2].map(c => data[4 * k + c].toString(16).padStart(2, '0')).join('')) })"""
    )
    assert seen == wanted


def test_a_screen_reader_hears_station_vector_and_words(stepper):
    press(stepper.locator(".nl-stage"), "ArrowRight")
    expect(stepper.get_by_role("status")).to_contain_text(re.compile(
        r"Station 2 of 7: block 1, .* After block 1 the vector of “the” has norm \d+\.\d\d\. Attention added .* "
        r"If the model stopped here, the likely next words would be: \w+ 0\.\d\d, "
    ))
    expect(stepper.get_by_role("application")).to_have_attribute("aria-label", re.compile("Left and right go from station to station"))


def test_jupyterlab_swallows_no_key_and_acts_on_none(notebook, stepper):
    cells = len(notebook.outputs())
    stage = stepper.locator(".nl-stage")
    press(stage, "ArrowDown", "a", "b", "d", "d", "x", "Enter", "ArrowDown")
    expect(stage).to_be_focused()
    expect(stepper).to_have_attribute("data-drawn", "0:2")
    assert len(notebook.outputs()) == cells


def test_tab_reaches_every_control_and_the_focus_is_visible(notebook, stepper):
    notebook.run("stepper.station = 1")
    expect(stepper).to_have_attribute("data-drawn", "1:0")
    page = stepper.page
    stepper.get_by_role("button", name="Back").focus()
    reached = []
    for _ in range(2):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.getAttribute('role') ?? document.activeElement.textContent"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    assert reached == ["Next →", "application"]


def test_the_list_below_does_not_move_when_the_station_changes(notebook, stepper):
    places = set()
    for station in range(7):
        notebook.run(f"stepper.station = {station}")
        expect(stepper).to_have_attribute("data-drawn", f"{station}:0")
        places.add(stepper.evaluate(
            "stepper => stepper.querySelector('.nl-likely').getBoundingClientRect().y - stepper.getBoundingClientRect().y"
        ))
    assert max(places) - min(places) < 1


def test_two_linked_steppers_read_the_same_word(notebook):
    steppers = notebook.cell(2).locator(".nl-layer-stepper")
    first, second = steppers.first, steppers.last
    press(first.locator(".nl-stage"), "ArrowDown", "ArrowRight")
    expect(first).to_have_attribute("data-drawn", "1:1")
    expect(second).to_have_attribute("data-drawn", "0:1")


def test_the_exported_page_works_alone(notebook, stepper, open_alone):
    notebook.run("stepper.save_html('stepper.html')")
    alone = open_alone(notebook.lab.root / "stepper.html").locator(".nl-layer-stepper")
    press(alone.locator(".nl-stage"), "ArrowRight", "ArrowDown")
    expect(alone).to_have_attribute("data-drawn", "1:1")

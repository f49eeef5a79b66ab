import re

import pytest
from playwright.sync_api import expect

SETUP = """
from ninelives.widgets import Choice
def ask():
    return Choice(
        "Who was full?",
        {
            "The meat": "Meat can be rotten; it cannot be full.",
            "The `cat`": "Who does not want to eat because it is full is the one that eats.",
            "Both": "The word `it` stands for one of them.",
        },
        answer="The `cat`",
    )
"""
REASONS = ["Meat can be rotten", "is the one that eats", "stands for one of them"]


@pytest.fixture(scope="module")
def notebook(open_notebook):
    notebook = open_notebook("choice.ipynb", [SETUP, "choice = ask()\nchoice", "ask()"])
    notebook.run_all()
    assert not notebook.errors()
    return notebook


@pytest.fixture
def choice(notebook):
    """The first question, nothing chosen."""
    notebook.run("choice.chosen = None")
    element = notebook.cell(1).locator(".nl-choice")
    expect(element).to_have_attribute("data-drawn", "null")
    return element


def type_keys(page, *keys: str) -> None:
    """Keys pressed one after another, wherever the focus is."""
    for key in keys:
        page.keyboard.press(key)


def test_no_reason_is_seen_before_a_choice(choice):
    group = choice.get_by_role("radiogroup", name="Who was full?")
    expect(group.get_by_role("radio")).to_have_text(["The meat", "The cat", "Both"])
    expect(group.get_by_role("radio", checked=True)).to_have_count(0)
    for reason in REASONS:
        expect(choice.get_by_text(reason)).to_have_count(0)


def test_a_click_says_whether_it_is_right_and_why_and_one_may_choose_again(notebook, choice):
    choice.get_by_role("radio", name="The meat").click()
    expect(choice.locator(".nl-reason")).to_have_text("Not this one. Meat can be rotten; it cannot be full.")
    expect(choice.get_by_role("status")).to_have_text("Not this one. Meat can be rotten; it cannot be full.")
    notebook.arrives("choice.chosen", "0")
    choice.get_by_role("radio", name="The cat").click()
    expect(choice.locator(".nl-reason")).to_have_text(re.compile("^Right. Who does not want"))
    expect(choice.get_by_role("radio", checked=True)).to_have_text("The cat")
    notebook.arrives("choice.chosen", "1")


def test_right_and_wrong_differ_by_a_sign_and_not_by_colour_alone(choice):
    signs = []
    for name in ("The meat", "The cat"):
        radio = choice.get_by_role("radio", name=name)
        radio.click()
        expect(radio).to_be_checked()
        signs.append(radio.locator("i").evaluate("node => getComputedStyle(node, '::before').content"))
    assert signs == ['"✗"', '"✓"']


def test_the_arrow_keys_choose_nothing_on_the_way(notebook, choice):
    radios = choice.get_by_role("radio")
    radios.first.focus()
    type_keys(choice.page, "ArrowDown", "ArrowDown")
    expect(radios.nth(2)).to_be_focused()
    expect(choice).to_have_attribute("data-drawn", "null")
    type_keys(choice.page, "ArrowUp", "Space")
    expect(radios.nth(1)).to_be_checked()
    type_keys(choice.page, "ArrowDown", "Enter")
    expect(radios.nth(2)).to_be_checked()
    expect(radios.nth(2)).to_be_focused()
    notebook.arrives("choice.chosen", "2")


def test_the_question_is_one_tab_stop_with_a_visible_focus(choice):
    radios = choice.get_by_role("radio")
    radios.nth(1).click()
    expect(radios.nth(1)).to_be_checked()
    assert radios.evaluate_all("radios => radios.map(radio => radio.tabIndex)") == [-1, 0, -1]
    type_keys(choice.page, "ArrowDown")
    expect(radios.nth(2)).to_be_focused()
    assert radios.nth(2).evaluate("radio => getComputedStyle(radio).outlineStyle") != "none"
    type_keys(choice.page, "Tab")
    assert choice.evaluate("choice => !choice.contains(document.activeElement)")


def test_the_exported_page_asks_alone(notebook, choice, open_alone):
    notebook.run("choice.save_html('choice.html')")
    alone = open_alone(notebook.lab.root / "choice.html").locator(".nl-choice")
    alone.get_by_role("radio").first.focus()
    type_keys(alone.page, "ArrowDown", "Enter")
    expect(alone.locator(".nl-reason")).to_contain_text("Right.")


def test_the_notebook_keeps_what_was_chosen_and_of_the_other_question_no_answer(notebook, choice, open_notebook):
    choice.get_by_role("radio", name="Both").click()
    notebook.arrives("choice.chosen", "2")
    notebook.page.wait_for_function(
        """() => JSON.stringify(window.jupyterapp.shell.currentWidget.content.widgets[1].model.outputs.toJSON())
        .includes('Chosen: (3).')"""
    )
    notebook.save()
    notebook.shut_down()
    again = open_notebook(notebook.name)
    chosen, untouched = again.cell(1), again.cell(2)
    for cell in (chosen, untouched):
        expect(cell.locator(".jp-OutputArea img")).to_be_visible()
        cell.locator("summary", has_text="In words").click()
    expect(chosen.locator("details")).to_contain_text("Chosen: (3). Not this one. The word it stands for one of them.")
    expect(untouched.locator("details")).to_contain_text("(1) The meat; (2) The cat; (3) Both. Nothing is chosen yet.")
    assert "is the one that eats" not in str(again.outputs())
    again.shut_down()

"""The report on a class in a browser: offline, for keyboards and screen readers, light and dark, wide and narrow."""

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from ninelives.grading.alike import Compared, Pair, Side
from ninelives.grading.causes import Group
from ninelives.grading.class_results import Learner
from ninelives.grading.report import Cause, CheckReport, ClassReport, ExerciseReport
from ninelives.grading.report_page import alike_page, report_page

FILES = {"02-attention": Path("autograded/ada/02-attention/02-attention.ipynb")}
LEARNERS = (Learner("ada", "Ada Lovelace", "ada@example.org", files=FILES), Learner("bert", "bert", "", files=FILES))


def made_report() -> ClassReport:
    checks = (CheckReport("scores-shape", 1, 30, 8, 2, 0, 0.41), CheckReport("scores-values", 2, 20, 15, 2, 3, None))
    causes = (Cause("the scores were divided by `head_size`: divide by its square root.", LEARNERS, ("scores-values",)),
              Cause("NameError: name 'np' is not defined", LEARNERS[:1], ("scores-shape", "scores-values")))
    exercises = (ExerciseReport("02-attention", "scores", checks, causes, 38, 20, 3), ExerciseReport("02-attention", "mask", checks[:1], (), 38, 0, 0))
    return ClassReport("02-attention", 40, 14.6, 19, exercises, ((None, 2), ("scores", 8), ("mask", 30)),
                       (Group("The cell … was missing; it was put back empty.", LEARNERS),), ("3 answers are still to be graded by hand.",))


@pytest.fixture
def opened(open_alone, tmp_path):
    saved = tmp_path / "report.html"
    saved.write_text(report_page(made_report(), tmp_path, names=True), encoding="utf-8")
    return open_alone(saved)


@pytest.fixture
def both(open_alone, tmp_path):
    """The page of answers that are alike."""
    sides = tuple(Side(learner, "x = 1\ny = 2\nz = 3", ("x", "y", "z"), frozenset([0]), frozenset([1])) for learner in LEARNERS)
    found = [Compared("02-attention", "scores", 40, 38, (Pair(0.92, 31, sides),), 0), Compared("02-attention", "mask", 3, 0, (), 0)]
    saved = tmp_path / "alike.html"
    saved.write_text(alike_page("02-attention", 40, found, [LEARNERS], tmp_path), encoding="utf-8")
    return open_alone(saved)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible_and_fits_every_width(opened, scheme):
    assert_accessible(opened, scheme)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_of_answers_that_are_alike_is_accessible_and_says_what_is_in_both(both, scheme):
    assert_accessible(both, scheme)
    expect(both.locator("td.same")).to_have_text(["In both: y = 2"] * 2)


def assert_accessible(page, scheme):
    page.emulate_media(color_scheme=scheme)
    for details in page.locator("summary").all():
        details.click()
    for width in (1180, 360):
        page.set_viewport_size({"width": width, "height": 800})
        assert [(found["id"], found["nodes"][0]["html"]) for found in Axe().run(page).response["violations"]] == []
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_the_list_of_those_who_share_a_cause_is_copied_with_the_keyboard(opened):
    item = opened.locator("#exercise-0 ~ ol li").first
    item.locator("summary").focus()
    opened.keyboard.press("Enter")
    expect(item.get_by_role("link", name="Ada Lovelace")).to_have_attribute("href", re.compile("02-attention.ipynb$"))
    expect(item.get_by_label("To write to them")).to_have_value("Ada Lovelace <ada@example.org>, bert")
    for _ in range(4):  # two links, the list, the button
        opened.keyboard.press("Tab")
    expect(item.get_by_role("button")).to_be_focused()
    opened.keyboard.press("Enter")
    expect(item.get_by_role("status")).to_have_text(re.compile("Copied|Selected"))
    assert opened.evaluate("String(document.getSelection())") == "Ada Lovelace <ada@example.org>, bert"


def test_every_bar_has_its_numbers_beside_it(opened):
    rows = opened.locator("tbody tr").filter(has=opened.locator(".bar")).all()
    assert len(rows) == 8
    for row in rows:
        assert row.locator("td.number").all_inner_texts()
    expect(opened.locator("code")).to_have_text(["head_size"] * 2)

"""The front page in a browser: offline, with the keyboard, at three widths, light and dark, and without JavaScript."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from ninelives.site.front_page import write_front_page


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The address of the page, with all that it needs."""
    folder = tmp_path_factory.mktemp("site")
    write_front_page(folder)
    return (folder / "index.html").as_uri()


@pytest.fixture(scope="module")
def context(browser):
    context = browser.new_context(offline=True, viewport={"width": 1400, "height": 900}, reduced_motion="reduce")
    yield context
    context.close()


@pytest.fixture(scope="module")
def opened(context, site):
    """The page, which may ask for nothing but its two scripts and has nothing to complain of."""
    page, asked, problems = context.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(site)
    yield page
    static = site.replace("index.html", "_static/")
    assert {url for url in asked if not url.startswith(("data:", "blob:"))} == {site, f"{static}networks/translator.js", f"{static}front.js"}
    assert problems == []


@pytest.fixture
def page(opened):
    opened.set_viewport_size({"width": 1400, "height": 900})
    opened.reload()
    expect(opened.locator("body")).to_have_attribute("data-drawn", "all")
    return opened


def says(page, part):
    return " ".join(" ".join(page.locator(part).all_inner_texts()).split())


def test_without_javascript_the_still_picture_and_its_words_say_what_the_page_computes(page, browser, site):
    context = browser.new_context(offline=True, java_script_enabled=False)
    still = context.new_page()
    still.goto(site)
    for part in (".token .shown, .token b", "#french", "#chances", "#reading", "#now"):
        assert says(still, part) == says(page, part) != ""
    expect(still.locator("#asleep")).to_be_visible()
    expect(page.locator("#asleep")).to_be_hidden()
    assert "attends to “cat”" in still.locator("img.still").get_attribute("alt")
    assert still.locator("a[href='notebooks/02-attention.html']").first.is_visible()
    context.close()


def test_a_word_is_changed_with_the_keyboard_and_il_becomes_elle(page):
    first = page.get_by_label("the first animal")
    first.focus()
    page.keyboard.type("cow")
    expect(page.locator("#french")).to_have_text("la vache ne voulait pas manger parce qu'elle était rassasiée")
    assert "“It” is the cow, and French says “elle”: so does the network" in says(page, "#reading")
    assert first.evaluate("node => node === document.activeElement")
    expect(page.locator(".nl-unseen[role=status]")).to_contain_text("elle")  # spoken
    page.get_by_label("what happened").select_option("followed")
    page.get_by_label("the second animal").select_option("dog")
    page.get_by_label("why").select_option("lost")
    expect(page.locator("#french .pronoun")).to_have_text("elle")
    page.get_by_role("button", name="passive").press("Enter")
    expect(page.locator("#french")).to_have_text("la vache a été suivie par le chien parce qu'il était perdu")
    expect(page.locator("#step-reading")).to_contain_text("the decoder writes “il”")


def test_a_head_and_a_step_are_chosen_with_the_keyboard(page):
    page.locator("#heads [aria-pressed=true]").focus()
    page.keyboard.press("ArrowUp")
    expect(page.locator("#whose")).to_have_text("layer 1, head 4")
    assert page.locator("#heads [aria-pressed=true]").get_attribute("aria-label").startswith("layer 1, head 4")
    page.get_by_role("button", name="Next word").press("Enter")
    expect(page.locator("#step-reading")).to_contain_text("the decoder writes “était”")


def test_bad_input_gets_one_sentence_and_the_page_stays_as_it_was(page):
    before = says(page, "#french")
    page.get_by_text("Type a sentence of your own").click()
    field = page.get_by_label("A sentence of words from the menus")
    for text, sentence in {"the catt was full": "“catt” is not among the 92 known words; the nearest is “cat”.", "  ": "There is no sentence: type one.",
                           "the " * 33: "The sentence has 33 words and the model reads at most 32: shorten it."}.items():
        field.fill(text)
        field.press("Enter")
        expect(page.locator("#error")).to_have_text(sentence)
        assert says(page, "#french") == before
    field.fill("The frog did not want to eat the fish, because it was salty!")  # marks are no words
    field.press("Enter")
    expect(page.locator("#french .pronoun")).to_have_text("il")
    expect(page.get_by_label("the dish")).to_have_value("fish")  # a sentence of the course has its menus
    assert "That is not what “it” stands for: this head does not show it here; the network has the answer elsewhere. “It” is the fish" in says(page, "#reading")
    field.fill("the cat was full")
    field.press("Enter")
    expect(page.locator("#reading")).to_contain_text("the page does not know what is right")
    field.fill("the catt was full")
    field.press("Enter")
    page.get_by_role("button", name="Back to the menus").click()
    expect(page.locator("#error")).to_have_text("")
    assert says(page, "#french") == before


def test_what_is_broken_is_computed_and_said(page):
    page.get_by_label("Take the positions away").check()
    expect(page.locator("#positions-mistake .reading")).to_contain_text("the same for both: the order of the words is gone. It is wrong as well")
    expect(page.locator("#heads-mistake .reading")).to_contain_text("Neither without layer 1 nor without layers 2 and 3 does this pronoun turn.")
    page.get_by_role("button", name="Take all of layer 2 out").click()
    expect(page.locator("#heads-mistake .reading")).to_contain_text("It still says “il”, with a probability of")
    expect(page.locator("#heads-mistake .reading")).to_contain_text("“it” attended to “cat”, up to 0.99 in one head: a picture of attention shows where")
    page.get_by_role("button", name="encoder layer 1, head 2").click()
    expect(page.get_by_role("button", name="encoder layer 1, head 2, taken out")).to_have_attribute("aria-pressed", "true")
    page.get_by_label("Open the decoder's mask").check()
    expect(page.locator("#mask-mistake .reading")).to_contain_text("gives later words 0.")
    page.locator("#guess button").first.click()
    expect(page.locator("#guess .reading")).to_contain_text("The network: 1 of 1 sentence.")
    expect(page.locator("#guess .reading")).to_contain_text("The course's grammar says that it is the")
    another = page.get_by_role("button", name="Another sentence")
    assert another.evaluate("node => node === document.activeElement")
    another.click()
    expect(page.locator("#guess .reading")).to_have_text("")
    page.get_by_label("what happened").select_option("followed")
    page.get_by_label("why").select_option("rich")
    page.get_by_role("button", name="Put all back").click()
    expect(page.locator("#heads-mistake .reading")).to_contain_text("Take all of layer 1 out: the pronoun turns.")
    page.get_by_role("button", name="Take all of layer 1 out").click()
    expect(page.locator("#heads-mistake .reading")).to_contain_text("It says “il” instead of “elle”.")
    expect(page.locator("#positions-mistake .reading")).to_contain_text("who did what to whom is gone")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_accessible_and_fits_every_width(page, scheme):
    page.emulate_media(color_scheme=scheme)
    assert page.locator("#french .pronoun").evaluate("node => getComputedStyle(node).animationName") == "none"  # less motion is asked for
    expect(page.locator("html")).to_have_attribute("data-theme", scheme)
    for width in (1400, 920, 360, 320):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        if width != 320:  # drawn as at 360
            assert [(found["id"], found["nodes"][0]["html"]) for found in Axe().run(page).response["violations"]] == []


def test_a_network_that_did_not_arrive_leaves_the_still_picture_with_a_sentence(context, site):
    page = context.new_page()
    page.route("**/translator.js", lambda route: route.abort())
    page.goto(site)
    expect(page.locator("#asleep")).to_contain_text("This is a still picture with its words.")
    expect(page.locator("#french")).to_contain_text("rassasié")
    page.close()

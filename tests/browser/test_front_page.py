"""The front page in a browser: offline, with the keyboard, at three widths, light and dark, and without JavaScript."""

import re

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from ninelives.site.front_page import page_data, write_front_page

# What the page shows as numbers and, in shades from −1 to 1, as colours.
SHOWN = """() => {
  const { signed } = JSON.parse(document.getElementById("data").textContent).colours;
  const shades = new Map(signed.map((colour, k) => [colour, (2 * k) / (signed.length - 1) - 1]));
  const hex = bytes => "#" + [...bytes].map(byte => byte.toString(16).padStart(2, "0")).join("");
  const strip = canvas => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, 1);
    return Array.from({ length: canvas.width }, (_, k) => shades.get(hex(data.slice(4 * k, 4 * k + 3))));
  };
  const all = selector => [...document.querySelectorAll(selector)], number = node => Number(node.textContent.replace("−", "-"));
  return {
    query: strip(document.querySelector(".query .strip")), result: strip(document.querySelector(".unfolded tfoot .strip")),
    keys: all(".unfolded tbody td:nth-child(2) canvas").map(strip), values: all(".unfolded tbody td:nth-child(6) canvas").map(strip),
    read: all(".unfolded .strip").map(canvas => canvas.title.replaceAll("−", "-").split(" ").map(Number)),
    scores: all(".unfolded tbody td:nth-child(3)").map(number), weights: all(".unfolded tbody .bar b").map(number),
    reading: document.getElementById("head-reading").textContent,
    positions: all("#positions-picture canvas").map(strip), first: document.getElementById("positions-reading").textContent,
    chips: all("#step-picture .chip:not(.masked) b").map(number), likely: all("#step-picture .likely b").map(number), apart: all("#blocks-picture .share b").map(number), blocks: document.getElementById("blocks-reading").textContent, chances: all("#chances b").map(number),
  };
}"""


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
    asked = {url.partition("#")[0].removeprefix(site.replace("index.html", "")) for url in asked if not url.startswith(("data:", "blob:"))}
    assert len(asked) == 3 and {url.rpartition("/")[0] for url in asked} == {"", "_static", "_static/networks"}
    assert problems == []


@pytest.fixture
def page(opened, site):
    opened.set_viewport_size({"width": 1400, "height": 900})
    opened.goto("about:blank")
    opened.goto(site)  # a reload would keep the sentence in the address
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
    expect(page.locator("#heads [aria-pressed=true]")).to_have_attribute("aria-label", re.compile("^layer 1, head 4"))
    address = page.url
    page.locator("#whose").click()  # a link into the page, which leaves the head as it is
    page.get_by_role("button", name="Next word").press("Enter")
    expect(page.locator("#step-reading")).to_contain_text("the decoder writes “était”, with")
    expect(page.locator("#whose")).to_have_text("layer 1, head 4")
    expect(page.locator("#step-reading")).to_contain_text("In training a mask hides the 2 words after “il”.")
    assert address.endswith("-full&head=1.4")
    for end, head in (("1.4", "layer 1, head 4"), ("4.1", "layer 2, head 4"), ("3.1", "layer 3, head 1"), ("3.0", "layer 2, head 4")):  # there are three layers of four
        page.goto("about:blank")
        page.goto(address.replace("1.4", end))
        expect(page.locator("#whose")).to_have_text(head)
        expect(page.locator("#english .shown").last).to_have_text("full")


def test_bad_input_gets_one_sentence_and_the_page_stays_as_it_was(page):
    before = says(page, "#french")
    expect(page.locator("#words-reading")).to_contain_text("of 225: 92 English words, 132 more for French, and “<end>”")
    page.get_by_text("Type a sentence of your own").click()
    field = page.get_by_label("English words that it knows")
    for text, sentence in {"the catt was full": "“catt” is not among the 92 known English words; the nearest is “cat”.", "  ": "There is no sentence: type one.",
                           "the " * 33: "The sentence has 33 words and the model reads at most 32: shorten it."}.items():
        field.fill(text)
        field.press("Enter")
        expect(page.locator("#error")).to_have_text(sentence)
        assert says(page, "#french") == before
    field.fill("The frog didn’t want to eat the fish, because it was salty!")  # marks are no words
    field.press("Enter")
    expect(page.locator("#french .pronoun")).to_have_text("il")
    expect(page.get_by_label("the dish")).to_have_value("fish")  # a sentence of the course has its menus
    assert re.search("But “it” stands for “fish”. Head 4 of layer 1 attends to that: 0.9\\d. In the course's grammar “it” is the fish", says(page, "#reading"))
    expect(field).to_have_value("the frog did not want to eat the fish because it was salty")
    field.fill("the cat was full")
    field.press("Enter")
    expect(page.locator("#reading")).to_contain_text("This is no sentence of the grammar that the network has learned, and it has no way to say “I do not know”. Its French says “the ")
    field.fill("the cat chased the cat because it was angry")
    field.press("Enter")
    expect(page.locator("#reading")).to_contain_text("and yet its French says just this.")
    field.fill("young")  # to which the network writes its end at once
    field.press("Enter")
    expect(page.locator("#french")).to_have_text("(no words)")
    expect(page.locator("#reading")).to_contain_text("It writes no word.")
    expect(page.locator("#mask-mistake .reading")).to_contain_text("The French is too short")
    expect(page.locator("#heads-mistake .reading")).to_contain_text("the more “young” attends to a single word there")
    field.fill("the catt was full")
    field.press("Enter")
    page.get_by_role("button", name="Back to the menus").click()
    expect(page.locator("#error")).to_have_text("")
    expect(page.get_by_label("the dish")).to_have_value("fish")  # the last sentence that had menus
    field.fill("the catt was full")
    field.press("Enter")
    page.get_by_label("the first animal").select_option("dog")
    expect(page.locator("#error")).to_have_text("")
    expect(field).to_have_value("the dog did not want to eat the fish because it was salty")


def test_what_is_broken_is_computed_said_and_put_back(page):
    french, reading = page.locator("#french"), page.locator("#heads-mistake .reading")
    expect(page.locator("#positions-mistake .english")).to_have_text(["the cat followed the hen because it was lost", "the hen followed the cat because it was lost"])
    page.get_by_label("Take the positions away").check()
    expect(page.locator("#positions-mistake .reading")).to_contain_text("is the same: who did what to whom is gone. Nor is it what the network wrote before")
    expect(reading).to_contain_text("Without encoder layer 1 this pronoun stays as it is. In another sentence it turns:")
    page.get_by_role("button", name="Take all of encoder layer 2 out").click()
    expect(reading).to_contain_text("The French is the same. It still says “il”, with a probability of")
    expect(reading).to_contain_text("“it” attended to “cat”, up to 0.99 in one head. It attends to “cat” in layer 1 (0.93) and layer 3 (1.00) too.")
    page.get_by_role("button", name="Take all of encoder layer 3 out").click()
    expect(reading).to_contain_text("The words before the pronoun change too")
    page.get_by_role("button", name="Put all back").click()
    page.get_by_role("button", name="encoder layer 1, head 1").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="encoder layer 1, head 2, taken out")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Put all back").click()
    page.get_by_role("button", name="Try “").click()
    expect(french).to_have_text("le chien a suivi la poule parce qu'elle était gentille")
    expect(reading).to_contain_text("Take all of encoder layer 1 out: the pronoun turns.")
    page.get_by_role("button", name="Take all of encoder layer 1 out").click()
    expect(reading).to_have_text("The pronoun turns, and no word before it: “il” instead of “elle”. What “it” stands for depends on these heads.")
    page.get_by_label("Open the decoder's mask").check()
    says_of_mask = page.locator("#mask-mistake .reading").inner_text()
    row = page.locator("#mask-mistake tr.it td:not(.corner)").all_inner_texts()
    names = page.locator("#mask-mistake thead th").all_inner_texts()
    predicted, weight = re.search("has to predict “(.+?)”, then gives “.+?” itself (0.\\d\\d) of its attention", says_of_mask).groups()
    assert row[names.index(predicted)] == weight.removeprefix("0")
    head = page.locator("#mask-mistake .label").inner_text()
    page.get_by_role("button", name="Put all back").click()
    page.get_by_label("Take the positions away").uncheck()
    page.get_by_label("Open the decoder's mask").uncheck()
    expect(page.locator("#mask-mistake .label")).to_have_text(head)  # so that the two can be compared
    for card in ("heads", "mask"):  # all is as it was
        expect(page.locator(f"#{card}-mistake .says [lang=fr]")).to_have_text(french.inner_text())
    expect(page.locator("#positions-mistake .says [lang=fr]").first).to_have_text(french.inner_text())


def test_a_head_that_looks_elsewhere_leads_to_one_that_looks_at_the_noun(page, site):
    page.goto(f"{site}#say=the-cat-did-not-want-to-eat-the-apple-because-it-was-bitter")
    page.get_by_role("button", name="Take all of encoder layer 2 out").click()
    expect(page.locator("#heads-mistake .reading")).to_contain_text(re.compile("No head of this layer gave “apple” more than 0.[0-4]\\d. “It” attends to “apple” in layer 1 (0.99)".replace("(", "\\(").replace(")", "\\)")))
    page.get_by_role("button", name="Show head 4 of layer 1").click()
    expect(page.locator("#reading")).to_contain_text("In head 4 of layer 1, “it” attends most to “apple”, with a weight of 0.99. In the course's grammar “it” is the apple")
    expect(page.locator("#better")).to_be_hidden()
    page.goto(f"{site}#say=the-cat-was-teased-by-the-mouse-because-it-was-shy")
    expect(page.locator("#reading")).to_contain_text("it is wrong here. A head looks at the right noun, and still the pronoun is wrong")
    page.goto(f"{site}#say={page_data()['heldOut'][0].replace(' ', '-')}")
    expect(page.locator("#heads-mistake .reading")).to_contain_text("With layers 2 and 3 both out, the next word after the same French would be “elle”.")  # it says “il”


def test_a_second_animal_comes_with_one_press_and_one_of_the_same_gender_proves_nothing(page):
    page.get_by_role("button", name="Add a second animal").click()
    expect(page.locator("#french")).to_have_text("le chat a suivi la poule parce qu'il était perdu")
    page.get_by_label("the second animal").select_option("dog")
    expect(page.locator("#reading")).to_contain_text("But “il” fits the dog too, so the pronoun alone shows nothing.")
    page.get_by_role("button", name="Leave the second animal out").click()
    expect(page.locator("#french")).to_have_text("le chat ne voulait pas manger parce qu'il était rassasié")


def test_a_guess_right_or_wrong_is_told_who_it_is_why_and_what_the_network_wrote(page):
    """The first two sentences to guess: the lion followed the hen …; the fox was followed by the panther …"""
    another = page.get_by_role("button", name="Another sentence")
    for guessed, verdict in (("the lion", "You said the lion; so does the course's grammar: in it, “young” speaks of the one who followed. "
                                          "French needs “il”, and the network wrote “il” too. You: 1 of 1. The network: 1 of 1."),
                             ("the fox", "You said the fox; the course's grammar says the panther: in it, “alone” speaks of the one who followed. "
                                         "French needs “elle”, and the network wrote “elle” too. You: 1 of 2. The network: 2 of 2.")):
        page.locator("#guess").get_by_role("button", name=guessed, exact=True).click()
        expect(page.locator("#guess .reading")).to_have_text(verdict)
        assert another.evaluate("node => node === document.activeElement")
        another.click()
        expect(page.locator("#guess .reading")).to_have_text("")


def test_it_shows_sentences_that_the_network_gets_wrong_and_what_is_wrong_with_each(page):
    many = len(page_data()["wrong"])
    told = set()
    for k in range(many + 1):
        page.get_by_role("button", name="Another one" if k else "A sentence it gets wrong").click()
        said = says(page, "#wrong .reading")
        assert re.search("it is wrong here|it is wrong elsewhere", said) and re.search(r"In training .+ never met", said), said
        told.add(says(page, "#wrong .english"))
    assert len(told) == many  # and then again from the first
    english, french = says(page, "#wrong .english"), says(page, "#wrong [lang=fr]")
    page.get_by_role("button", name="Follow it from the top").click()
    expect(page.locator("#french")).to_have_text(french)
    expect(page.locator("#reading")).to_contain_text("is wrong")
    assert page.url.endswith(f"#say={english.replace(' ', '-')}")


def test_nonsense_is_answered_with_a_sentence_of_the_grammar(page):
    for button in page.locator("#nonsense-mistake button").all():
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
        expect(page.locator("#nonsense-mistake .reading")).to_contain_text(re.compile(r"In English: “the \w+ .+ because it was \w+”\. It gives \d+ of \d+ words"))
    page.get_by_role("link", name="Type some of your own").click()
    expect(page.get_by_label("English words that it knows")).to_be_visible()


def test_the_address_holds_the_sentence(page, site):
    page.get_by_label("the first animal").select_option("cow")
    page.get_by_label("what happened").select_option("followed")
    assert page.url == f"{site}#say=the-cow-followed-the-cat-because-it-was-alone"
    page.get_by_role("button", name="Copy a link to this sentence").click()
    expect(page.get_by_role("button", name=re.compile("Copied|The link is in the address bar"))).to_be_visible()  # as the browser allows
    data = page_data()
    for kind in (data["heldOut"], [f"the {dish} because" for dish in data["lexicon"]["dishes"]], data["wrong"]):
        page.get_by_role("button", name="Surprise me").click()
        assert any(text in page.url.replace("-", " ") for text in kind)
    page.go_back()
    page.go_back()
    page.go_back()
    expect(page.locator("#french")).to_have_text("la vache a suivi le chat parce qu'elle était seule")
    page.goto("about:blank")
    for text, french, error in (("the-dog-followed-the-hen-because-it-was-lost", "le chien a suivi la poule parce qu'il était perdu", ""),
                                ("the-dgo-was-lost", "le chien a suivi la poule parce qu'il était perdu", "“dgo” is not among the 92 known English words; the nearest is “dog”."),
                                ("%E4", "le chien a suivi la poule parce qu'il était perdu", "“dgo” is not among the 92 known English words; the nearest is “dog”.")):
        page.goto(f"{site}#say={text}")
        expect(page.locator("#french")).to_have_text(french)
        expect(page.locator("#error")).to_have_text(error)


def test_the_numbers_shown_agree_with_one_another(page):
    for sentence in ("the cat did not want to eat because it was full", "the duck was carried by the owl because it was small", "the hen was comforted by the dog because it was sad"):
        page.goto(f"{page.url.partition('#')[0]}#say={sentence.replace(' ', '-')}")
        expect(page.locator("#now")).to_contain_text(sentence)
        expect(page.locator("body")).to_have_attribute("data-drawn", "all")
        shown = page.evaluate(SHOWN)
        query, keys, values, result = (np.array(shown[part]) for part in ("query", "keys", "values", "result"))  # (S,), (T, S), (T, S), (S,) in shades
        scores, weights = np.array(shown["scores"]), np.array(shown["weights"])  # (T,)
        softmax = np.exp(scores) / np.exp(scores).sum()
        assert np.abs(softmax - weights).max() < 0.011 and abs(weights.sum() - 1) < 0.03
        read = np.array(shown["read"])  # the same vectors as numbers, for a mouse: query, key and value of each word in turn, result
        assert np.abs(read[1:-1:2] @ read[0] / np.sqrt(len(read[0])) - scores).max() < 0.06  # of two decimals each
        assert np.abs(weights @ read[2:-1:2] - read[-1]).max() < 0.06
        products = keys @ query
        assert np.corrcoef(products, scores)[0, 1] > 0.998  # the scores are the products, but for one factor
        assert np.abs(softmax @ values - result).max() < 0.02
        product, root, score, weight = map(float, re.search(r"Query · key is (.+?); divided by √16 = (\d), that is the score (.+?); softmax makes that (0\.\d\d|1\.00)", shown["reading"].replace("−", "-")).groups())
        assert score == scores.max() and weight == weights.max() and abs(product / root - score) < 0.01
        word, position, both = (np.array(row) for row in shown["positions"])  # (C,) each
        assert np.abs(word + position - both).max() < 0.03
        if len(numbers := [float(x) for x in re.findall(r"-?\d+\.\d\d", shown["first"].replace("−", "-"))]) == 3:
            assert round(numbers[0] + numbers[1], 2) == numbers[2]
        most, last = int(np.argmax(shown["apart"])), len(shown["apart"]) - 1
        after = f", and after block {last} by {shown['apart'][last]:.2f}" if most < last else ""
        assert f"The two differ most after block {most}: by {shown['apart'][most]:.2f} times the length of yours{after}." in shown["blocks"]
        assert abs(sum(shown["chips"]) - 1) < 0.08  # the decoder's row
        assert shown["likely"] == sorted(shown["likely"], reverse=True) and shown["likely"][0] == max(shown["chances"])


def test_the_first_screen_holds_the_sentence_its_choices_the_row_and_the_french(page, site):
    page.set_viewport_size({"width": 1366, "height": 768})
    for sentence in ("the cat did not want to eat because it was full", "the giraffe was comforted by the panther because it was scared", "the parrot did not want to eat the cheese because it was mouldy"):
        page.goto(f"{site}#say={sentence.replace(' ', '-')}")
        expect(page.locator("#now")).to_contain_text(sentence)
        for part in ("#english", "#french", "#reading", "#chances"):
            assert page.locator(part).evaluate("node => node.getBoundingClientRect().bottom") <= 768, (sentence, part)
    expect(page.locator("#blocks-reading")).to_contain_text("No dish of the other gender is ever mouldy here, so there is none to compare. In block 2, attention adds")


def test_the_way_to_the_pronoun_is_read_in_two_minutes(page):
    told = "#title, .hero .lead, #reading, .way .lead, .tells > :not(.heads)"
    assert len(says(page, told).split()) <= 2 * 230


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_accessible_and_fits_every_width(page, scheme):
    page.emulate_media(color_scheme=scheme)
    assert page.locator("#french .pronoun").evaluate("node => getComputedStyle(node).animationName") == "none"  # less motion is asked for
    expect(page.locator("html")).to_have_attribute("data-theme", scheme)
    for _ in range(2):  # the second has a wrong pronoun
        page.locator("#wrong button").first.click()
    for part in ("summary", "#nonsense-mistake button", "#guess button", "#heads-mistake .choices button"):  # all that can be opened is open
        page.locator(part).first.click()
    for box in page.locator(".toggle input").all():
        box.check()
    page.get_by_label("English words that it knows").fill("the zebra")
    page.get_by_label("English words that it knows").press("Enter")
    for width in (1400, 1001, 920, 683, 360, 320):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.locator("#now").evaluate("node => node.scrollWidth <= node.clientWidth"), width
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        if width in (1400, 920, 360):  # the others are drawn as one of these
            assert [(found["id"], found["nodes"][0]["html"]) for found in Axe().run(page).response["violations"]] == []


def test_a_network_that_did_not_arrive_leaves_the_still_picture_with_a_sentence(context, site):
    page = context.new_page()
    page.route("**/networks/*.js", lambda route: route.abort())
    page.goto(site)
    expect(page.locator("#asleep")).to_contain_text("This is a still picture with its words.")
    expect(page.locator("#french")).to_contain_text("rassasié")
    page.close()

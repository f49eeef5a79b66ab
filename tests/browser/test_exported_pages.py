"""Pages whose JavaScript computes what the labs ask of a model, beside what Python computes."""

import base64
import re

import numpy as np
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from helpers.keyboard import press
from helpers.network_page import put_network_page
from ninelives import weights
from ninelives.model import Decoder, EncoderDecoder, prefix_generation
from ninelives.text import sentences
from ninelives.text.grammar import every_word
from ninelives.training.batches import padded
from ninelives.widgets import HeadLab, TemperatureLab, TranslationLab
from ninelives.widgets.page_network import packed_translator

ENGLISH = every_word("english")
SENTENCE, OTHER = "the fox called the giraffe because it was strong", "The hen was avoided by the dog because it was shy."
CALLED = "This page cannot compute with your Reversed: with the same weights it computes something else than the course's layers."
# Of each sentence: the ids that are written, and their logits as float32.
TRANSLATE = """texts => texts.map(text => {
    const { steps } = translation(network, text);
    const logits = Float32Array.from(steps.flatMap(({ logits }) => [...logits]));
    return [steps.map(({ id }) => id), toBase64(logits.buffer)] })"""

# What a head lab shows, whenever it draws something new: its state, the French, what is lost without the first head, whether attention is there.
WATCH = """lab => {
    window.seen = [];
    new MutationObserver(() => {
        const text = selector => lab.querySelector(selector).textContent;
        const now = [lab.dataset.drawn, text('.nl-french').trim(), text('.nl-head .nl-effect'), text('tr:nth-child(4) .nl-effect') !== '…', text('.nl-measuring')];
        if (now[0] !== seen.at(-1)?.[0]) seen.push(now);
    }).observe(lab, { attributes: true, attributeFilter: ['data-drawn'] }) }"""


@pytest.fixture(scope="module")
def translator():
    return weights.load("translator")


class Reversed(EncoderDecoder):
    """A learner's translator that reads its sentences from the end."""

    def forward(self, prefix, targets):
        return super().forward(prefix.flip(1), targets)


@pytest.fixture(scope="module")
def refused(translator):
    """A model with the course's weights that a page cannot compute, since its forward does something else."""
    model, _ = translator
    made = Reversed(model.encoder.config, model.decoder.config)
    made.load_state_dict(model.state_dict())
    return made


@pytest.fixture
def opened(open_alone, tmp_path):
    """Open the page of a lab, and give the lab in it."""

    def open_(lab):
        lab.save_html(tmp_path / "page.html")
        assert (tmp_path / "page.html").stat().st_size < 2_500_000
        page = open_alone(tmp_path / "page.html")
        page.emulate_media(reduced_motion="reduce")  # a translation stands there at once
        return page.locator(".nl-explorer")

    return open_


def ask(lab, text: str) -> None:
    field = lab.get_by_label("English sentence")
    field.fill(text)
    field.press("Enter")


def signed(numbers) -> list[str]:
    return [f"{number:.1f}".replace("-0.0", "0.0").replace("-", "−") for number in numbers]


@torch.no_grad()
def test_every_held_out_sentence_gets_the_logits_and_the_translation_that_pytorch_gives_it(translator, open_alone, tmp_path):
    model, tokenizer = translator
    texts = sorted({sentence.english for sentence in sentences("held out", 1000)})
    prefix = padded([tokenizer.encode(text) for text in texts])  # (B, P)
    answers = prefix_generation(model, prefix, 32, 0, end_token=tokenizer.end_token)  # (B, T)
    logits = model(prefix, answers)[0][:, prefix.shape[1] - 1 : -1].numpy()  # (B, T, V)
    page = open_alone(put_network_page(tmp_path, packed_translator(model, tokenizer, tokenizer)))
    largest = 0.0
    for answer, wanted, (ids, found) in zip(answers.tolist(), logits, page.evaluate(TRANSLATE, texts), strict=True):
        assert ids == [i for i in answer if i != -1]
        found = np.frombuffer(base64.b64decode(found), "<f4").reshape(len(ids), -1)  # (T, V)
        largest = max(largest, np.abs(found - wanted[: len(ids)]).max())
    assert largest < 1e-3, f"the logits of {len(texts)} sentences differ by up to {largest}"


def test_a_translation_lab_translates_on_its_page_as_python_does(translator, opened):
    lab = TranslationLab(*translator, SENTENCE, generate=lambda *_, **__: None, words=ENGLISH)
    shown = opened(lab)
    assert "no Python" not in shown.inner_text()
    ask(shown, OTHER)
    lab.text = OTHER
    expect(shown).to_have_attribute("data-drawn", f"{OTHER}|{len(lab.french)}|-1|done")
    expect(shown.get_by_role("status")).to_have_text(f"Translation: {lab.translation}")
    expect(shown.get_by_text("allow JavaScript")).to_have_count(0)
    shown.get_by_role("combobox", name="Head").select_option("5")
    press(shown.get_by_role("slider", name="Words written"), "Home", *["ArrowRight"] * 7)
    row = lab.weights[1][1][6]  # layer 1, head 1, the seventh word
    expect(shown.locator(".nl-tiles").first.locator("small")).to_have_text([f"{weight:.2f}" for weight in row[: len(lab.english)]])
    expect(shown.locator(".nl-tiles").first.locator("b")).to_have_text(lab.english)
    word, p = lab.likely[6][0]
    assert shown.locator(".nl-candidates").inner_text().split()[:2] == [word, f"{p:.3f}"]
    expect(shown.locator(".nl-yours")).to_have_text(
        "This page computes what the package's EncoderDecoder translates, with weights rounded to float16. Your prefix_generation is called in a notebook alone.")


@pytest.mark.parametrize(("text", "said"), [
    ("the zebra was full", "“zebra” is not among the 92 known words."),
    ("the hose was full", "“hose” is not among the 92 known words; the nearest is “horse”."),
    (f"the {'a' * 10_000}", f"“{'a' * 39}…” is not among the 92 known words."),
    ("<b>x</b> <script>alert(1)</script>", "“<b>x</b>” is not among the 92 known words."),
    ("the 🐱 was full", "“🐱” is not among the 92 known words."),
    (" . ", "There is no sentence: type one."),
    ("the cat " * 17, "The sentence has 34 words and the model reads at most 32: shorten it."),
])
def test_what_a_page_cannot_read_gets_a_sentence_and_the_next_one_is_translated(translator, opened, text, said):
    shown = opened(TranslationLab(*translator, SENTENCE, words=ENGLISH))
    ask(shown, text)
    expect(shown.get_by_role("alert")).to_have_text(f"{said} Below is the sentence before.")
    ask(shown, SENTENCE)
    expect(shown.get_by_role("alert")).to_be_hidden()
    expect(shown.get_by_role("status")).to_contain_text("Translation: le renard a appelé la girafe")


def test_a_head_lab_computes_on_its_page_what_python_computes(translator, opened):
    lab = HeadLab(*translator, SENTENCE, words=ENGLISH)
    shown = opened(lab)
    shown.page.set_viewport_size({"width": 420, "height": 900})
    assert shown.page.evaluate("document.documentElement.scrollWidth") == 420
    shown.locator(".nl-head").nth(2).press("Enter")
    shown.locator(".nl-head").nth(1).press("Enter")
    lab.out = [1, 2]
    expect(shown.locator(".nl-french").nth(1)).to_have_text(lab.answers["|1,2|"]["text"])
    shown.evaluate(WATCH)
    ask(shown, OTHER)
    lab.text = OTHER
    expect(shown).to_have_attribute("data-drawn", re.compile("#done$"))
    first, *_, last = shown.page.evaluate("() => window.seen")  # French and attention are there at once, and the rest follows
    assert first == [f"{OTHER}##out#measuring", lab.answers[""]["text"], "…", True, "Measuring what the choice depends on."]
    assert last[0].endswith("#done") and last[4] == ""
    lines = shown.locator(".nl-hiding tbody tr")
    for line, name in ((1, "occlusion"), (2, "gradient")):
        expect(lines.nth(line).locator(".nl-effect")).to_have_text(signed(lab.of_words[name]))
    expect(lines.nth(3).locator(".nl-effect")).to_have_text([f"{share:.2f}" for share in lab.of_words["attention"]])
    expect(shown.locator(".nl-head .nl-effect")).to_have_text(signed(lab.of_heads["out"]))
    shown.get_by_role("combobox").select_option("patched")
    expect(shown.locator(".nl-head .nl-effect")).to_have_text(signed(lab.of_heads["patched"]))
    shown.locator(".nl-head").nth(12).press("Enter")
    shown.get_by_role("button", name="shy").press("Space")
    lab.patched, lab.hidden = [12], [10]
    expect(shown.locator(".nl-french").nth(1)).to_have_text(lab.answers["10||12"]["text"])
    expect(shown.locator(".nl-difference").nth(1)).to_contain_text(signed([lab.answers["10||12"]["difference"]])[0])
    expect(shown.get_by_role("status")).to_contain_text("With shy hidden, decoder 0 head 0 patched in")
    expect(shown.locator(".nl-yours")).to_contain_text("gradient × input by central differences")


def test_a_temperature_lab_writes_on_on_its_page_what_python_writes(opened):
    model, tokenizer = weights.load("storyteller")
    lab = TemperatureLab(model, tokenizer.encode("the cat did not"), tokenizer.words, temperature=0.0, end_token=tokenizer.end_token)
    shown = opened(lab)
    expect(shown.locator(".nl-notice")).to_have_text("")
    shown.get_by_role("button", name="Write on").press("Enter")
    expect(shown.locator(".nl-notice")).to_have_text("The text has ended: nothing follows the end token. Step back or start again.")
    for part in (".nl-next", ".nl-readout", "[role=status]"):  # no words after the end
        assert not re.search(r"\d\.\d|Entropy|Next:", shown.locator(part).inner_text().split("which had")[0])
    while tokenizer.end_token not in lab.drawn:
        lab.drawn = [*lab.drawn, int(lab.logits.argmax())]
    expect(shown).to_have_attribute("data-drawn", f"0:{tokenizer.vocab_size}:1:{','.join(map(str, lab.drawn))}")
    shown.get_by_role("button", name="Step back").press("Enter")
    press(shown.get_by_role("slider", name="Temperature"), "End")
    lab.drawn, lab.temperature = lab.drawn[:-1], 3.0
    expect(shown.locator(".nl-amount").first).to_have_text(f"{lab.probabilities().max():.3f}")


@pytest.mark.parametrize("made", [HeadLab, TranslationLab])
def test_a_page_that_cannot_compute_says_why_and_shows_what_is_known(translator, refused, opened, made):
    shown = opened(made(refused, translator[1], SENTENCE))
    expect(shown.locator(".nl-note", has_text=CALLED)).to_contain_text("notebook")
    expect(shown.get_by_label("English sentence")).to_be_disabled()
    expect(shown.get_by_role("button").nth(1)).to_be_visible()
    assert Axe().run(shown.page).response["violations"] == []


def test_a_page_that_cannot_score_says_so_moves_its_bars_and_draws_one_word(opened):
    model, tokenizer = weights.load("storyteller")

    class Reversed(Decoder):
        def forward(self, idx, *arguments, **settings):
            return super().forward(idx.flip(1), *arguments, **settings)

    own = Reversed(model.config)
    own.load_state_dict(model.state_dict())
    shown = opened(TemperatureLab(own, tokenizer.encode("the cat"), tokenizer.words))
    notice = shown.locator(".nl-notice")
    expect(notice).to_have_text(f"{CALLED} The bars move, and one word can be drawn, but it is not read. "
                               "So “Write on” stays off, and “Step back” and “Start again” wait for that word.")
    press(shown.get_by_role("slider", name="Temperature"), "Home")
    expect(shown.locator(".nl-amount").first).to_have_text("1.000")
    shown.get_by_role("button", name="Ten tries").press("Enter")
    expect(shown.get_by_role("columnheader", name="of 10 tries")).to_be_visible()
    expect(shown.get_by_role("button", name="Write on")).to_have_attribute("aria-disabled", "true")
    shown.get_by_role("button", name="Draw a word").press("Enter")
    expect(notice).to_contain_text("the bars are still those of the text before it.")
    shown.get_by_role("button", name="Step back").press("Enter")
    expect(notice).to_contain_text("The bars move")


def test_without_javascript_the_picture_and_its_words_stand_there_and_what_is_missing(translator, browser, tmp_path):
    lab = TranslationLab(*translator, SENTENCE, words=ENGLISH)
    lab.save_html(tmp_path / "page.html")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    expect(page.get_by_text(re.compile("becomes “le renard a appelé la girafe"))).to_be_visible()
    assert page.locator("img").bounding_box()["width"] > 300
    expect(page.get_by_text("To use it, allow JavaScript on this page, or open it in a newer browser. In JupyterLab, press Trust HTML.")).to_be_visible()
    context.close()

"""How long an exported page takes from key press to screen, where its own JavaScript computes what the lab asks of a model.

    python bench/pages.py [--moves 60] [--dry]

A page of the translation lab gets one held-out sentence after another; one of the head lab has one head after another taken
out, and then gets the sentences too; one of the temperature lab draws words. The time is that of bench/slider.py: from the
browser's time stamp of the key to the first task after the frame with the new picture. The first row is the translation alone,
with the attention of all heads and without a picture. The head lab draws the translation and its attention first; the row
"until all is measured" ends when it has the last number, and "longest wait" is the longest time in which it would hear no key.
Needs Chromium, as the browser tests do.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Locator, Page, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from slider import EVENTS, LONGEST, WATCH
from table import as_table, machine, publish

from browser.conftest import FLAGS, find_chromium
from helpers.network_page import put_network_page
from ninelives import weights
from ninelives.text import sentences
from ninelives.text.grammar import every_word
from ninelives.widgets import HeadLab, TemperatureLab, TranslationLab
from ninelives.widgets.lab_widget import LabWidget
from ninelives.widgets.page_network import packed_translator

TRANSLATE_ALONE = """texts => texts.map(text => {
    const begun = performance.now();
    translation(network, text);
    return performance.now() - begun })"""

# Between two timers that follow each other at once, the page can hear a key.
LISTEN = """lab => addEventListener('keydown', event => {
    let last = event.timeStamp, longest = 0;
    window.measured = new Promise(resolve => setTimeout(function listen() {
        const now = performance.now(), isDone = lab.dataset.drawn.endsWith('#done');
        longest = Math.max(longest, now - last);
        last = now;
        if (isDone) resolve([now - event.timeStamp, longest]);
        else setTimeout(listen);
    })) }, { capture: true })"""


def pressed(page: Page, lab: Locator, key: str) -> float:
    """The milliseconds from a key press to the new picture of a lab."""
    page.wait_for_timeout(100)  # let the work of the last move finish
    lab.locator("xpath=..").evaluate(WATCH, [EVENTS["key"], LONGEST])
    page.keyboard.press(key)
    return page.evaluate("() => window.painted")


def asked(page: Page, lab: Locator, texts: list[str]) -> list[float]:
    field, times = lab.get_by_label("English sentence"), []
    for text in texts:
        field.fill(text)
        times.append(pressed(page, lab, "Enter"))
        lab.and_(page.locator("[data-drawn$='done']")).wait_for()
    return times


def measured(page: Page, lab: Locator, texts: list[str]) -> tuple[list[float], ...]:
    """Of each text: until all is measured, and the longest time meanwhile in which no key would be heard."""
    field, times = lab.get_by_label("English sentence"), []
    lab.evaluate(LISTEN)
    for text in texts:
        field.fill(text)
        field.press("Enter")
        times.append(page.evaluate("() => window.measured"))
    return tuple(zip(*times, strict=True))


def heads_out(page: Page, lab: Locator, count: int) -> list[float]:
    lab.locator(".nl-head").first.focus()
    times = []
    for _ in range(count):
        times.append(pressed(page, lab, "Enter"))
        page.keyboard.press("ArrowRight")
    return times


def words_drawn(page: Page, lab: Locator, moves: int) -> list[float]:
    lab.get_by_role("slider", name="Temperature").focus()
    return [pressed(page, lab, ["Enter", "Enter", "Backspace", "Backspace"][k % 4]) for k in range(moves)]


def open_lab(page: Page, folder: Path, lab: LabWidget) -> Locator:
    lab.save_html(folder / "lab.html")
    page.goto((folder / "lab.html").as_uri())
    return page.locator(".nl-explorer")


def row(name: str, times: list[float]) -> list[str]:
    ordered = sorted(times)
    return [name, f"{statistics.median(ordered):.0f}", f"{ordered[int(0.95 * len(ordered))]:.0f}", f"{times[0]:.0f}", str(len(times))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moves", type=int, default=60, help="of each kind; of heads at most 20")
    parser.add_argument("--dry", action="store_true", help="write nothing into README.md")
    arguments = parser.parse_args()
    model, tokenizer = weights.load("translator")
    storyteller, story_words = weights.load("storyteller")
    texts = list(dict.fromkeys(sentence.english for sentence in sentences("held out", 2 * arguments.moves)))[: arguments.moves + 1]
    first, texts, english = texts[0], texts[1:], every_word("english")
    with tempfile.TemporaryDirectory() as root, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 1000}, reduced_motion="reduce")  # no word after word
        page.goto(put_network_page(Path(root), packed_translator(model, tokenizer, tokenizer)).as_uri())
        rows = [row("a translation with the attention of all heads, not drawn", page.evaluate(TRANSLATE_ALONE, texts))]
        shown = open_lab(page, Path(root), TranslationLab(model, tokenizer, first, words=english))
        rows.append(row("translation lab, another sentence", asked(page, shown, texts)))
        shown = open_lab(page, Path(root), HeadLab(model, tokenizer, first, words=english))
        rows.append(row("head lab, a head taken out", heads_out(page, shown, min(arguments.moves, 20))))
        rows.append(row("head lab, another sentence", asked(page, shown, texts)))
        rows += map(row, ("head lab, until all is measured", "head lab, longest wait meanwhile"), measured(page, shown, texts))
        shown = open_lab(page, Path(root), TemperatureLab(storyteller, story_words.encode("the cat did not"), story_words.words))
        rows.append(row("temperature lab, a word drawn or taken back", words_drawn(page, shown, arguments.moves)))
        browser.close()
    table = as_table(["exported page", "ms, median", "ms, 95th percentile", "ms, the first", "moves"], rows)
    print(table)
    if not arguments.dry:
        publish("pages", f"## Pages that compute\n\n`python bench/pages.py`: from key press to painted, in a page without Python. {machine()}.\n\n{table}")


if __name__ == "__main__":
    main()

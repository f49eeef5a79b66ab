"""The documents' pictures, and the site's social card, taken in Chromium from the course's own widgets and pages: `python docs/pictures.py`."""

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from ninelives import weights
from ninelives.grading.report_command import write_reports
from ninelives.site.front_page import CARD, write_front_page
from ninelives.widgets import AttentionExplorer

HERE = Path(__file__).parent
sys.path += [str(HERE.parent / "tests" / "browser"), str(HERE.parent / "tests")]  # both hold a conftest; the browser's is meant
from conftest import FLAGS, find_chromium
from helpers.graded_class import ASSIGNMENT, made_class, make_graded_class

SENTENCE = "the cat did not want to eat because it was full"


def explorer() -> AttentionExplorer:
    """The shipped encoder's second layer on the cat's sentence, the row of "it" chosen."""
    model, tokenizer = weights.load("antecedent")
    words = SENTENCE.split()
    return AttentionExplorer(model.attentions(tokenizer.encode(SENTENCE)[None]), words, layer=1, token=words.index("it"))


# The first screen of the front page as one picture: without its menus and buttons.
PICTURE = ".top, .actions, .now, [data-live] .switches, .lead, .eyebrow, h1 { display: none } .hero { padding: 0 } .wide { max-width: none; padding: 0 }"
STAGE = ".stage { margin: 0; border-radius: 0; border: 0; background: var(--paper) }"
SOCIAL = (".top, .actions, .now, [data-live] .switches, .out, .label { display: none } .hero .wide { max-width: none; padding: 20px 56px } .stage { padding: 34px 34px 40px }"
          ".eyebrow { font-size: 24px } .eyebrow::before { content: 'Nine Lives · ' } h1 { font-size: 104px } .words, .french { font-size: 35px } .french { margin-top: 14px } .lead { font-size: 25px }")
SENTENCES = (SENTENCE, SENTENCE.replace("cat", "cow"), "the dog followed the hen because it was lost", "the dog followed the hen because it was wise")


def front_page_pictures(browser: Browser, folder: Path) -> None:
    """front.gif, the sentence changing; front.png, its first picture, for readers who want nothing to move; the social card."""
    write_front_page(folder)
    page = browser.new_page(viewport={"width": 1000, "height": 700}, reduced_motion="reduce", color_scheme="light")
    page.goto((folder / "index.html").as_uri())
    page.add_style_tag(content=PICTURE + STAGE)
    frames = []
    for sentence in SENTENCES:
        page.evaluate("text => { document.getElementById('typed').value = text; document.getElementById('type').requestSubmit(); }", sentence)
        page.wait_for_timeout(200)  # arcs are drawn on the next frame
        frames.append(Image.open(io.BytesIO(page.locator(".stage").screenshot())).convert("RGB"))
    width, height = frames[0].width, max(frame.height for frame in frames)
    whole = [Image.new("RGB", (width, height), "white") for _ in frames]
    for one, frame in zip(whole, frames):
        one.paste(frame)
    palette = [one.quantize(48, dither=Image.Dither.NONE) for one in whole]
    palette[0].save(HERE / "front.gif", save_all=True, append_images=palette[1:], duration=2600, loop=0, optimize=True)
    palette[0].save(HERE / "front.png", optimize=True)
    page = browser.new_page(viewport={"width": 1200, "height": 630}, reduced_motion="reduce", color_scheme="light")
    page.goto((folder / "index.html").as_uri())
    page.add_style_tag(content=SOCIAL)
    page.wait_for_timeout(200)
    card = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    card.quantize(64, dither=Image.Dither.NONE).save(CARD, optimize=True)


def main() -> None:
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1180, "height": 700})
        saved = Path(folder, "explorer.html")
        explorer().save_html(saved)
        page.goto(saved.as_uri())
        page.wait_for_timeout(500)  # drawn on the next frames
        page.screenshot(path=HERE / "explorer.png", full_page=True)
        front_page_pictures(browser, Path(folder, "site"))
        course = make_graded_class(Path(folder, "class"), made_class(160))
        write_reports(course, ASSIGNMENT, names=True)
        page.goto((course / "reports" / ASSIGNMENT / "report.html").as_uri())
        last = page.locator("table tr", has_text="module").first.bounding_box()  # the picture ends below this row
        page.screenshot(path=HERE / "report.png", full_page=True, clip={"x": 0, "y": 0, "width": 1180, "height": last["y"] + last["height"]})
        browser.close()


if __name__ == "__main__":
    main()

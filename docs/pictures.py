"""The documents' pictures, taken in Chromium from the course's own widgets and pages: `python docs/pictures.py`."""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from ninelives import weights
from ninelives.grading.report_command import write_reports
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


def main() -> None:
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1180, "height": 700})
        saved = Path(folder, "explorer.html")
        explorer().save_html(saved)
        page.goto(saved.as_uri())
        page.wait_for_timeout(500)  # drawn on the next frames
        page.screenshot(path=HERE / "explorer.png", full_page=True)
        course = make_graded_class(Path(folder, "class"), made_class(160))
        write_reports(course, ASSIGNMENT, names=True)
        page.goto((course / "reports" / ASSIGNMENT / "report.html").as_uri())
        page.screenshot(path=HERE / "report.png", clip={"x": 0, "y": 0, "width": 1180, "height": 780})
        browser.close()


if __name__ == "__main__":
    main()

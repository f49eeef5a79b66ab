"""The attention explorer on a long text: 12 × 12 heads of 512 words, in one real JupyterLab.

    python bench/long_text.py [--dry]

Measured: the memory that the explorer adds to the kernel at its highest, beside weights that are there already; the time
from running the cell to the first picture; from the key press that chooses another head to its picture, for heads that the
browser has not seen; and how many bytes have been sent to it. Needs Chromium, as the browser tests do.
"""

import argparse
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from playwright.sync_api import expect, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from slider import EVENTS, LONGEST, WATCH
from table import as_table, machine, publish

from browser.conftest import FLAGS, Lab, Notebook, find_chromium

HEADS = 11  # the other heads of the first layer
SETUP = """
import resource, torch
from ninelives.widgets import AttentionExplorer
weights, words = torch.randn(12, 12, 512, 512).softmax(-1), [f"word{k}" for k in range(512)]
sent = []

def memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000

class Counted(AttentionExplorer):
    def send(self, content, buffers=None):
        sent.append(sum(map(len, buffers or [])))
        super().send(content, buffers)

before = memory()
"""
MAKE = "explorer = Counted(weights, words, token=300)\nsent.append(len(explorer.data[0]['weights']))\nexplorer"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dry", action="store_true", help="write nothing into README.md")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as root, tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        lab = Lab(Path(root), Path(scratch))
        try:
            cells = [nbformat.v4.new_code_cell(source) for source in (SETUP, MAKE)]
            kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
            nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), Path(root) / "long.ipynb")
            notebook = Notebook(page, lab, "long.ipynb")
            notebook.run(SETUP)
            cell = notebook.cell(1)
            start = time.perf_counter()
            page.keyboard.press("Control+Enter")
            explorer = cell.locator(".nl-explorer")
            expect(explorer).to_have_attribute("data-drawn", re.compile("^0:0:300:"), timeout=120_000)
            first = time.perf_counter() - start
            page.wait_for_timeout(5000)  # the small pictures of all heads
            slider = explorer.get_by_role("slider", name="Head")
            slider.focus()
            times = []
            for _ in range(HEADS):
                page.wait_for_timeout(300)
                cell.evaluate(WATCH, [EVENTS["key"], LONGEST])
                page.keyboard.press("ArrowRight")
                times.append(page.evaluate("() => window.painted"))
            added, bytes_sent = notebook.run("print(memory() - before, sum(sent))").split()
        finally:
            lab.close()
            browser.close()
    table = as_table(["what", "measured"], [
        ["memory that the explorer adds at its highest", f"{float(added):.0f} MB"],
        ["from running the cell to the first picture", f"{first:.1f} s"],
        ["key press to the picture of a head not seen before, median (longest)", f"{statistics.median(times):.0f} ms ({max(times):.0f} ms)"],
        [f"sent to the browser, with the small pictures of all 144 heads and {HEADS + 1} heads in full", f"{int(bytes_sent) / 1e6:.1f} MB"],
    ])
    print(table)
    if not arguments.dry:
        publish("long_text", f"## Long texts\n\n`python bench/long_text.py`: 12 × 12 heads of 512 words. {machine()}.\n\n{table}")


if __name__ == "__main__":
    main()

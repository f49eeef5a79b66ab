"""How long a slider takes from key press to picture, against `interact` with inline matplotlib, in one real JupyterLab.

    python bench/slider.py [--rounds 3] [--dry]

The temperature lab with vocabularies of 100 and 5,000 words, and the attention explorer with 11 and 64 words (6 layers,
8 heads); beside each, the same picture by `ipywidgets.interact` and matplotlib. Each gets 8 presses of an arrow key in
every round. The time is from the browser's time stamp of the key to the first task after the frame that holds the new
picture. The size of one explorer in the saved notebook is measured too. Needs Chromium, as the browser tests do.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

import nbformat
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from table import as_table, machine, publish

from browser.conftest import FLAGS, Lab, Notebook, find_chromium

MOVES = 8  # a round; there and back
SETUP = """
%matplotlib inline
import matplotlib.pyplot as plt
import torch
from ipywidgets import FloatSlider, IntSlider, interact
from ninelives.config import TransformerConfig
from ninelives.model import Decoder, next_token_probabilities
from ninelives.widgets import AttentionExplorer, TemperatureLab

torch.manual_seed(0)

def lab(V):
    model = Decoder(TransformerConfig(V, 16, n_embd=32, n_head=2, n_layer=1))
    torch.nn.init.normal_(model.lm_head.weight, std=0.5)  # or all temperatures would give nearly the same picture
    return TemperatureLab(model, [0, 1, 2], [f"word{k}" for k in range(V)])

def lab_by_interact(V):
    shown = lab(V)
    logits, words = shown.logits, shown.vocabulary
    def draw(temperature):
        p = next_token_probabilities(logits, temperature)
        best = p.argsort(descending=True)[:15]
        plt.figure(figsize=(7, 4))
        plt.barh([words[k] for k in best] + ["others"], [*p[best].tolist(), 1 - p[best].sum().item()])
        plt.gca().invert_yaxis()
        plt.xlim(0, 1)
        plt.show()
    interact(draw, temperature=FloatSlider(value=1, min=0, max=3, step=0.05))

def attention(T):
    return torch.randn(6, 8, T, T).softmax(-1), [f"word{k}" for k in range(T)]

def explorer_by_interact(T):
    weights, words = attention(T)
    def draw(head):
        plt.figure(figsize=(5, 5))
        plt.imshow(weights[0, head], cmap="Blues")
        plt.xticks(range(T), words, rotation=55)
        plt.yticks(range(T), words)
        plt.show()
    interact(draw, head=IntSlider(value=3, min=0, max=7))
"""
CELLS = {  # of each picture: ours, and the same by interact
    "temperature lab, 100 words": ("lab(100)", "lab_by_interact(100)"),
    "temperature lab, 5,000 words": ("lab(5000)", "lab_by_interact(5000)"),
    "attention explorer, T = 11": ("AttentionExplorer(*attention(11), head=3)", "explorer_by_interact(11)"),
    "attention explorer, T = 64": ("AttentionExplorer(*attention(64), head=3)", "explorer_by_interact(64)"),
}
# Resolves with the milliseconds from the next key press to the frame with the new picture. A task posted while a frame is
# made runs after that frame. A picture drawn before a frame is in the next one; one drawn by requestAnimationFrame is in
# the frame that is being made.
WATCH = """cell => { window.painted = new Promise((resolve, fail) => {
    setTimeout(() => fail('nothing was painted within 20 s'), 20_000);
    if (!window.nextFrame) {
      window.nextFrame = requestAnimationFrame;
      window.requestAnimationFrame = draw => nextFrame(time => {
        window.inFrame = true;
        setTimeout(() => { window.inFrame = false; });
        draw(time);
      });
    }
    const drawing = cell.querySelector('.nl-explorer'), before = cell.querySelector('img')?.src;
    let pressed;
    addEventListener('keydown', event => { pressed = event.timeStamp; }, { capture: true, once: true });
    const afterFrame = () => {
      const task = new MessageChannel();
      task.port1.onmessage = () => resolve(performance.now() - pressed);
      task.port2.postMessage(0);
    };
    const changed = new MutationObserver(async () => {
      if (!drawing) {
        const image = cell.querySelector('img');
        if (!image || image.src === before) return;
        await image.decode();
      }
      changed.disconnect();
      if (drawing && window.inFrame) afterFrame(); else nextFrame(afterFrame);
    });
    changed.observe(drawing ?? cell, drawing ? { attributeFilter: ['data-drawn'] } : { subtree: true, childList: true, attributes: true });
}) }"""


def slider_of(cell, ours: bool):
    if not ours:
        return cell.locator(".noUi-handle").first
    return cell.get_by_role("slider", name="Temperature").or_(cell.get_by_role("slider", name="Head")).first


def measure(page, cell, ours: bool) -> list[float]:
    slider = slider_of(cell, ours)
    slider.scroll_into_view_if_needed()
    slider.focus()
    times = []
    for key in ["ArrowRight", "ArrowLeft"] * (MOVES // 2):
        page.wait_for_timeout(150)  # let the work of the last move finish
        cell.evaluate(WATCH)
        page.keyboard.press(key)
        times.append(page.evaluate("() => window.painted"))
    return times


def bytes_of(path: Path, number: int) -> int:
    """What the outputs of one cell take in a saved notebook."""
    return len(json.dumps(nbformat.read(path, as_version=4).cells[number].outputs).encode())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dry", action="store_true", help="write nothing into README.md")
    arguments = parser.parse_args()
    sources = [SETUP, *(source for pair in CELLS.values() for source in pair)]
    times = {(name, ours): [] for name in CELLS for ours in (True, False)}
    with tempfile.TemporaryDirectory() as root, tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        lab = Lab(Path(root), Path(scratch))
        try:
            cells = [nbformat.v4.new_code_cell(source) for source in sources]
            kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
            nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), Path(root) / "slider.ipynb")
            notebook = Notebook(page, lab, "slider.ipynb")
            notebook.run_all()
            assert not notebook.errors(), notebook.errors()[0]
            print("the notebook has run", flush=True)
            notebook.save()
            size = bytes_of(Path(root) / "slider.ipynb", sources.index(CELLS["attention explorer, T = 64"][0]))
            for number in range(arguments.rounds):
                for name, ours in times:
                    cell = notebook.cell(sources.index(CELLS[name][0 if ours else 1]))
                    times[name, ours] += measure(page, cell, ours)
                print(f"round {number + 1} of {arguments.rounds} done", flush=True)
        finally:
            lab.close()
            browser.close()
    rows = []
    for name in CELLS:
        ours, theirs = statistics.median(times[name, True]), statistics.median(times[name, False])
        rows.append([name, f"{ours:.0f}", f"{theirs:.0f}", f"{theirs / ours:.0f}"])
    table = as_table(["slider", "ms, median", "interact + matplotlib, ms", "times faster"], rows)
    print(table)
    print(f"one explorer in a saved notebook, T = 64: {size / 1000:.0f} kB")
    if not arguments.dry:
        publish("slider", f"## Sliders\n\n`python bench/slider.py`: key press to painted, median of {MOVES * arguments.rounds} moves each, in turn, in one "
                f"JupyterLab. {machine()}.\n\n{table}\n\nOne attention explorer in a saved notebook, T = 64: {size / 1000:.0f} kB.")


if __name__ == "__main__":
    main()

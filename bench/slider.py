"""How long a picture takes from key press to screen, in a real JupyterLab, and what it leaves in the saved notebook.

    python bench/slider.py [--moves 24] [--web node_modules] [--only 'T = 11'] [--dry]

The temperature lab with vocabularies of 100 and 5,000 words; attention of 6 layers and 8 heads over 11, 64 and 256 words in
the attention explorer. Beside each, the same by `ipywidgets.interact` and matplotlib; beside the attention, BertViz's
`head_view` and CircuitsVis's `attention_heads`, where they are installed:

    pip install bertviz circuitsvis
    npm install --no-save requirejs@2.3.6 d3@5.7.0 jquery@2

Each picture has a notebook to itself. An arrow key moves its slider to and fro. In JupyterLab the arrow keys do not reach
BertViz's menu of layers, so an option is chosen in it; CircuitsVis has nothing that hears keys, and is pointed at. The time is
from the browser's time stamp of the event to the first task after the frame with the new picture.

BertViz loads three scripts from cdnjs.cloudflare.com. Here they are answered with the files in `--web`, so that nothing leaves
the machine; jQuery 2.0.0 is not in npm, and a later 2.x stands in for it. CircuitsVis puts all its code into the notebook if it
finds no network, and is told so. Needs Chromium, as the browser tests do.
"""

import argparse
import statistics
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import nbformat
from playwright.sync_api import Error, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from table import as_table, machine, publish

from browser.conftest import FLAGS, Lab, Notebook, find_chromium

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

def by_bertviz(T):
    from bertviz import head_view
    weights, words = attention(T)
    head_view([layer[None] for layer in weights], words)

def by_circuitsvis(T):
    import circuitsvis.utils.render
    from circuitsvis.attention import attention_heads
    circuitsvis.utils.render.internet_on = lambda: False
    weights, words = attention(T)
    return attention_heads(weights[0], words)
"""
OURS, INTERACT, BERTVIZ, CIRCUITSVIS = "Nine Lives", "interact + matplotlib", "BertViz", "CircuitsVis"
PACKAGES = {BERTVIZ: "bertviz", CIRCUITSVIS: "circuitsvis"}
CELLS = {f"temperature lab, {V:,} words": {OURS: f"lab({V})", INTERACT: f"lab_by_interact({V})"} for V in (100, 5000)}
CELLS |= {f"attention, T = {T}": {
    OURS: f"AttentionExplorer(*attention({T}), head=3)", INTERACT: f"explorer_by_interact({T})",
    BERTVIZ: f"by_bertviz({T})", CIRCUITSVIS: f"by_circuitsvis({T})"} for T in (11, 64, 256)}
MOVED_BY = {OURS: "key", INTERACT: "key", BERTVIZ: "menu", CIRCUITSVIS: "pointer"}
EVENTS = {"key": "keydown", "menu": "input", "pointer": "mouseover"}
CONTROLS = {
    OURS: "input[aria-label='Temperature'], input[aria-label='Head']", INTERACT: ".noUi-handle", BERTVIZ: "select#layer",
    CIRCUITSVIS: "h4:text('Head ')",
}
WEB = {"require.min.js": "requirejs/require.js", "d3.min.js": "d3/dist/d3.min.js", "jquery.min.js": "jquery/dist/jquery.min.js"}
LONGEST = 60  # seconds, of one picture and of all moves of one picture
# Resolves with the milliseconds from the next event to the frame with the new picture. A task posted while a frame is
# made runs after that frame. A picture drawn before a frame is in the next one; one drawn by requestAnimationFrame is in
# the frame that is being made.
WATCH = """(cell, [kind, longest]) => { window.painted = new Promise((resolve, fail) => {
    setTimeout(() => fail('nothing was painted'), 1000 * longest);
    if (!window.nextFrame) {
      window.nextFrame = requestAnimationFrame;
      window.requestAnimationFrame = draw => nextFrame(time => {
        window.inFrame = true;
        setTimeout(() => { window.inFrame = false; });
        draw(time);
      });
      const { clearRect } = CanvasRenderingContext2D.prototype;  // Chart.js begins each drawing with it
      CanvasRenderingContext2D.prototype.clearRect = function (...where) {
        clearRect.apply(this, where);
        if (this.canvas.clientWidth > 200) window.canvasDrawn?.();  // not the small ones of all heads
      };
    }
    let begun;
    addEventListener(kind, event => { begun = event.timeStamp; }, { capture: true, once: true });
    const afterFrame = () => {
      const task = new MessageChannel();
      task.port1.onmessage = () => resolve(performance.now() - begun);
      task.port2.postMessage(0);
    };
    const painted = () => { if (window.inFrame) afterFrame(); else nextFrame(afterFrame); };
    if (kind === 'mouseover') {
      window.canvasDrawn = () => { window.canvasDrawn = null; painted(); };
      return;
    }
    const drawing = cell.querySelector('.nl-explorer'), before = cell.querySelector('img')?.src;
    const changed = new MutationObserver(async () => {
      if (!drawing && before) {
        const image = cell.querySelector('img');
        if (!image || image.src === before) return;
        await image.decode();
        nextFrame(afterFrame);
      } else painted();
      changed.disconnect();
    });
    if (drawing) changed.observe(drawing, { attributeFilter: ['data-drawn'] });
    else changed.observe(before ? cell : cell.querySelector('#vis'), { subtree: true, childList: true, attributes: true });
}) }"""


def pictures(only: str = "") -> list[tuple[str, str, str]]:
    """Name, tool and cell of each picture whose tool is installed."""
    return [(name, tool, source) for name, cells in CELLS.items()
            for tool, source in cells.items() if only in f"{name}, {tool}" and (tool not in PACKAGES or find_spec(PACKAGES[tool]))]


def measure(page, cell, tool: str, moves: int) -> list[float]:
    """The milliseconds of each move; fewer moves where LONGEST is over."""
    controls, way, times = cell.locator(CONTROLS[tool]), MOVED_BY[tool], []
    controls.first.scroll_into_view_if_needed()
    controls.first.focus()
    for move in range(moves):
        page.wait_for_timeout(150)  # let the work of the last move finish
        cell.evaluate(WATCH, [EVENTS[way], LONGEST])
        if way == "key":
            page.keyboard.press(["ArrowRight", "ArrowLeft"][move % 2])
        elif way == "menu":
            controls.select_option(["1", "0"][move % 2], no_wait_after=True)
        else:
            controls.nth(1 + move % 2).hover()
        times.append(page.evaluate("() => window.painted"))
        if sum(times) > 1000 * LONGEST:
            break
    return times


def measure_one(lab: Lab, browser, tool: str, source: str, moves: int, web: Path) -> list[str]:
    """Of one picture: the median, the number of moves, kB in the saved notebook, and whether it works offline."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.set_default_timeout(1000 * LONGEST)
    asked = []

    def answer(route):
        asked.append(route.request.url)
        route.fulfill(path=web / WEB[route.request.url.rpartition("/")[2]])

    page.route("https://**/*", answer)
    path = lab.root / f"{source}.ipynb"
    cells = [nbformat.v4.new_code_cell(source) for source in (SETUP, source)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)
    notebook = Notebook(page, lab, path.name)
    notebook.save()
    times, before = [], path.stat().st_size
    try:
        notebook.run_all(LONGEST)
        if tool == BERTVIZ:
            notebook.run_cell(1)  # the first time, require.js is asked for and often not there yet
        times += measure(page, notebook.cell(1), tool, moves)
        notebook.save()
        notebook.shut_down()
    except Error as error:
        print(error, flush=True)
    page.close()
    median = f"{statistics.median(times):,.0f}" if times else f"no picture within {LONGEST} s"
    return [median, f"{len(times)}", f"{(path.stat().st_size - before) / 1000:,.0f}", "no" if asked else "yes"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moves", type=int, default=24, help="of each picture")
    parser.add_argument("--web", type=Path, default=ROOT / "node_modules", help="the folder with requirejs, d3 and jquery")
    parser.add_argument("--only", default="", help="only pictures with this in their name, such as 'T = 11'")
    parser.add_argument("--dry", action="store_true", help="write nothing into README.md")
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as root, tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        lab = Lab(Path(root), Path(scratch))
        try:
            for name, tool, source in pictures(arguments.only):
                rows.append([name, tool, MOVED_BY[tool],
                             *measure_one(lab, browser, tool, source, arguments.moves, arguments.web)])
                print(*rows[-1], sep=", ", flush=True)
        finally:
            lab.close()
            browser.close()
    table = as_table(["picture", "by", "moved with", "ms, median", "moves", "kB in the saved notebook", "offline"], rows)
    print(table)
    if not arguments.dry:
        publish("slider", f"## Sliders\n\n`python bench/slider.py`: from key press to painted, each picture in a notebook of its own in JupyterLab. "
                f"Attention has 6 layers and 8 heads; BertViz draws the 8 heads of a layer at once; CircuitsVis "
                f"has one layer. CircuitsVis is offline where no network was found when its cell ran. A picture by `interact` is not in the saved notebook. {machine()}.\n\n{table}")


if __name__ == "__main__":
    main()

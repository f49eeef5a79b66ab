import re

import pytest
from playwright.sync_api import expect

SETUP = """
import time, torch
from IPython.display import display
from ninelives.widgets import TrainingMonitor
from ninelives.config import TransformerConfig
from ninelives.model import EncoderDecoder
from ninelives.training import Recipe, train
config = TransformerConfig(vocab_size=12, block_size=8, n_embd=16, n_head=2, n_layer=1, dropout=0.0)
torch.manual_seed(0)

def draw(generator, batch_size):
    time.sleep(0.002)
    prefix = torch.randint(0, 11, (batch_size, 4), generator=generator)
    return prefix, prefix.flip(1)

def evaluate(model):
    prefix, targets = draw(torch.Generator().manual_seed(1), 200)
    right = model(prefix, targets)[0][:, 3:-1].argmax(-1) == targets
    said = ' '.join(map(str, model(prefix[:1], targets[:1])[0][0, 3:-1].argmax(-1).tolist()))
    return {'accuracy': right.all(1).float().mean().item(), 'words': right.float().mean().item(),
            'samples': [[' '.join(map(str, prefix[0].tolist())), said, ' '.join(map(str, targets[0].tolist()))]]}

recipe = Recipe(learning_rate=3e-3, batch_size=32, max_iters=60000, warmup_steps=20, eval_every=50, checkpoint_every=1000)
earlier = [dict(step=s, loss=2.5 - s / 3000, rate=1e-3, seconds=s / 100, accuracy=s / 9000, words=s / 7000) for s in range(500, 6001, 500)]
"""
TRAIN = """
model = EncoderDecoder(config, config)
monitor = TrainingMonitor('reversing', recipe.max_iters, beside={'slower': earlier})
display(monitor)
run = await monitor.watch(train, model, draw, recipe, evaluate=evaluate, folder='reversing')
"""
CELLS = [
    SETUP, TRAIN, "print(run.step)",
    "still = TrainingMonitor('other', 6000, beside={'slower': earlier})\n"
    "for entry in earlier[:6]:\n    still(dict(entry, loss=entry['loss'] / 2, accuracy=entry['accuracy'] * 1.3, samples=[['1 2', '2 1', '2 1']]))\nstill",
]


class Training:
    """The notebook with the training in its second cell."""

    def __init__(self, notebook):
        self.notebook = notebook
        self.monitor = notebook.cell(1).locator(".nl-monitor")

    def start(self):
        self.notebook.start_cell(1)
        expect(self.monitor).to_have_attribute("data-state", "running")

    def step(self) -> int:
        return int(self.monitor.get_attribute("data-step"))

    def goes_beyond(self, what: str, number: int) -> None:
        """Waits until the monitor shows more steps, or entries, than this."""
        self.notebook.page.wait_for_function(
            "([monitor, what, number]) => monitor.dataset[what] > number", arg=[self.monitor.element_handle(), what, number])


@pytest.fixture(scope="module")
def training(open_notebook):
    notebook = open_notebook("training.ipynb", CELLS)
    notebook.run_cell(0)
    return Training(notebook)


def test_a_training_moves_its_curve_stops_when_told_and_goes_on(training):
    training.start()
    monitor, notebook = training.monitor, training.notebook
    expect(monitor.locator(".nl-plot-loss [data-name=reversing]")).to_have_attribute("data-points", re.compile(r"^([3-9]|\d\d)$"), timeout=30_000)
    expect(monitor.locator(".nl-told")).to_contain_text(re.compile(r"step [\d,]+ of 60,000 · .* so far, .* left"))
    before = training.step()
    expect(monitor.get_by_role("progressbar")).not_to_have_attribute("aria-valuenow", str(before))

    for _ in range(3):  # every press is heard while the cell runs, not the first alone
        monitor.get_by_role("button", name="slower").click()
    monitor.get_by_role("button", name="Stop").press("Enter")
    training.notebook.wait_for_cell()
    expect(monitor).to_have_attribute("data-state", "stopped")
    expect(monitor.locator(".nl-told")).to_contain_text("Run the cell again to go on.")
    assert not notebook.errors() and notebook.run("print(*monitor.hidden)") == "slower"
    stopped = int(notebook.run("print(run.step)"))
    assert 100 < stopped < 60_000
    first = notebook.run("print(*[entry['loss'] for entry in run.history])").split()

    training.start()
    training.goes_beyond("entries", len(first))
    monitor.get_by_role("button", name="Stop").click()
    training.notebook.wait_for_cell()
    again = notebook.run("print(*[entry['loss'] for entry in run.history])").split()
    assert again[: len(first)] == first and len(again) > len(first)
    assert int(notebook.run("print(run.step)")) > stopped


def test_the_kernels_interrupt_button_stops_it_too_and_nothing_is_lost(training):
    training.start()
    notebook, reached = training.notebook, training.step()
    training.goes_beyond("step", reached + 60)
    notebook.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt()")
    training.notebook.wait_for_cell()
    [error] = notebook.errors()
    assert error["ename"] == "Interrupted" and "Traceback" not in "".join(error["traceback"])
    expect(notebook.cell(1)).to_contain_text("What was saved stays: run the cell again, and the training goes on from there.")
    expect(training.monitor).to_have_attribute("data-state", "stopped")
    assert int(notebook.run("from ninelives.training import Run; print(Run.load('reversing').step)")) >= reached


@pytest.fixture
def still(training):
    """A monitor without a running training: six entries beside twelve."""
    element = training.notebook.run_cell(3).locator(".nl-monitor")
    expect(element).to_have_attribute("data-entries", "6")
    return element


def test_the_arrow_keys_read_a_step_out_and_escape_goes_back(still):
    plot = still.locator(".nl-plot-loss")
    plot.press("Home")
    expect(still.locator(".nl-readout")).to_contain_text("Step 500. other: loss 1.17, accuracy 0.0722, rate 0.001; slower: loss 2.33")
    plot.press("ArrowRight")
    expect(still.locator(".nl-readout")).to_contain_text("Step 1,000.")
    plot.press("Escape")
    expect(still.locator(".nl-readout")).to_have_text(
        "Step 3,000. other: loss 0.75, accuracy 0.433, rate 0.001; slower: loss 1.5, accuracy 0.333.")
    expect(still.get_by_role("status")).to_contain_text("Step 3,000.")


def test_the_training_itself_is_drawn_over_those_beside_it(still):
    assert still.locator(".nl-plot-loss .nl-curve").evaluate_all("curves => curves.map(curve => curve.dataset.name)") == ["slower", "other"]


def test_a_training_beside_can_be_hidden_and_another_measure_chosen(training, still):
    still.get_by_role("button", name="slower").press("Enter")
    expect(still.locator(".nl-plot-loss [data-name=slower]")).to_have_count(0)
    expect(still.locator(".nl-plot-loss [data-name=other]")).to_have_count(1)
    still.get_by_role("combobox", name="Measure").select_option("words")
    expect(still.locator(".nl-plot-measure")).to_have_attribute("aria-label", re.compile("^words by step"))
    training.notebook.arrives("still.hidden, still.measure", "['slower'] words")


def test_the_exported_page_works_alone(training, still, open_alone):
    training.notebook.run("still.save_html('monitor.html')")
    alone = open_alone(training.notebook.lab.root / "monitor.html").locator(".nl-monitor")
    alone.locator(".nl-plot-loss").press("Home")
    expect(alone.locator(".nl-readout")).to_contain_text("Step 500.")
    expect(alone.get_by_role("button", name="Stop")).to_be_hidden()


def test_a_saved_notebook_shows_the_curves_as_they_were_at_the_end(training, open_notebook):
    notebook = training.notebook
    notebook.save()
    [picture] = [output for output in notebook.outputs()[1] if "image/png" in output.get("data", {})]
    assert "loss from" in picture["metadata"]["image/png"]["alt"]
    notebook.shut_down()
    reopened = open_notebook("training.ipynb")
    image = reopened.cell(1).locator(".jp-OutputArea img")
    expect(image).to_be_visible()
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 300
    expect(reopened.cell(1).get_by_text("model not found")).to_be_hidden()
    reopened.shut_down()

"""What a learner does in notebook 9, in JupyterLab: answer, train, stop, go on, and look at what was learned."""

import re

import nbformat
import pytest
from playwright.sync_api import expect

from helpers.desk import sit_down
from ninelives.build import ROOT

NAME = "09-training"
TRAINING, OWN_MODEL, ROW_OF_IT = "run = None  # stays None", "try:\n    model, its_words, its_run = handed_in.read", "opening_words = opening.split()"

# So that there is something left to go on with, however long it takes until the button is pressed.
WAITS_FOR_STOP = """
import time
from ninelives.widgets.training_monitor.followers import WATCHED
draws, held, draw_at_once = [], True, draw_batch
def draw_batch(generator, batch_size):
    draws.append(batch_size)
    for _ in range(6000):
        if len(draws) != 60 or not held or any(monitor.stop_asked for monitor in WATCHED):
            break
        time.sleep(0.02)
    return draw_at_once(generator, batch_size)
"""


def answers():
    """Of each exercise, the released cell's text and a right answer; the training is short."""
    released, solved = (nbformat.read(ROOT / folder / NAME / f"{NAME}.ipynb", as_version=4).cells for folder in ("release", "solutions"))
    for before, after in zip(released, solved, strict=True):
        if after.cell_type == "code" and after.metadata.get("nbgrader", {}).get("solution"):
            lines = "\n".join(line for line in after.source.splitlines() if not line.strip().startswith("### "))
            for usual, short in {"max_iters=2000": "max_iters=120", "eval_every=100": "eval_every=20", "batch_size=64": "batch_size=8"}.items():
                lines = lines.replace(usual, short)
            yield before.source, lines


@pytest.fixture(scope="module")
def desk(lab, open_notebook):
    desk = sit_down(NAME, lab, open_notebook)
    (lab.root / NAME / "seed.txt").write_text("1")  # as if drawn by chance
    for exercise, answer in answers():
        desk.paste(exercise, answer)
    desk.run_all_above(TRAINING)
    desk.notebook.run(WAITS_FOR_STOP)
    yield desk
    desk.notebook.shut_down()


def test_what_was_pasted_passes_its_checks(desk):
    assert desk.notebook.errors() == []
    expect(desk.cell('check.own_training(own_training, "sizes")')).to_contain_text("own_training passes the check 'sizes'.")


def test_the_training_moves_stops_when_told_and_goes_on_from_there(desk):
    notebook = desk.notebook
    monitor = notebook.start_cell(desk.index(TRAINING)).locator(".nl-monitor")
    told = monitor.locator(".nl-told")
    expect(told).to_contain_text(re.compile(r"step \d+ of 120 · .* so far, .* left"), timeout=60_000)
    expect(monitor).to_have_attribute("data-step", re.compile(r"^[45]\d$"), timeout=60_000)
    expect(monitor.locator(".nl-samples tbody tr")).to_have_count(3)

    monitor.get_by_role("button", name="Stop").click()
    notebook.wait_for_cell()
    expect(told).to_contain_text("Run the cell again to go on.")
    stopped, curve = int(monitor.get_attribute("data-step")), "print(*[entry['loss'] for entry in run.history])"
    assert 40 <= stopped <= 60
    assert notebook.run("print(run.step)") == str(stopped)
    first = notebook.run(f"held = False\n{curve}").split()

    monitor = notebook.start_cell(desk.index(TRAINING)).locator(".nl-monitor")
    whose = rf"The folder own holds a training run, at step {stopped}. .* Steps 1 to {stopped}: made with the package's EncoderDecoder, .* yours."
    expect(desk.cell(TRAINING)).to_contain_text(re.compile(whose, re.DOTALL))
    expect(monitor).to_have_attribute("data-state", "running")
    expect(monitor).to_have_attribute("data-state", "finished", timeout=120_000)
    notebook.wait_for_cell()
    assert notebook.run("print(len(draws))") == "120"
    expect(monitor).to_have_attribute("data-entries", "6")
    assert notebook.run(curve).split()[: len(first)] == first


def test_the_monitor_shows_how_three_sentences_are_translated(desk):
    rows = desk.cell(TRAINING).locator(".nl-samples tbody tr")
    expect(rows.first).to_contain_text("the cat did not want to eat because it was full")
    expect(rows.first).to_contain_text(re.compile("✓ right|✗ le chat ne voulait pas manger parce qu'il était rassasié"))


def test_the_check_says_how_far_so_short_a_training_got(desk):
    check = desk.run('trained_model("own", "99 %")')
    expect(check).to_contain_text(re.compile(r"seen:\s+[\d.]+ % of 400 sentences are right, after 120 steps with 311,872 parameters"))
    expect(check).to_contain_text("wanted: at least 99 %")


def test_the_rest_runs_on_the_learners_own_model_to_the_row_of_it_and_the_end(desk):
    known = len(desk.notebook.errors())
    desk.run_from(OWN_MODEL)
    assert len(desk.notebook.errors()) == known
    expect(desk.cell(OWN_MODEL)).to_contain_text("Your training run: 311,872 parameters, at step 120.")
    row = desk.cell(ROW_OF_IT)
    expect(row).to_contain_text(re.compile(r"layer \d, head \d: it attends to \w+ [01]\.\d\d"))
    expect(row.locator("img")).to_be_visible()
    expect(desk.cell("attentions = model.encoder").locator(".nl-readout")).to_contain_text(re.compile(r"it attends to \w+ [01]\.\d\d"))
    assert any(output.get("text") == "True False\n" for outputs in desk.notebook.outputs()[-3:] for output in outputs)


def test_a_changed_step_and_recipe_count_without_the_cells_between_and_are_named(desk):
    desk.run("def training_step(")  # the same answer, defined again
    exercise, answer = next(each for each in answers() if each[0].startswith("def own_training("))
    desk.paste(exercise, answer.replace("max_iters=120", "max_iters=130"))
    desk.run(exercise)
    cell = desk.run(TRAINING)
    expect(cell).to_contain_text("Defined again since they were last put together, and used from now on: training_step.")
    expect(cell).to_contain_text("The folder own holds another training run, at step 120: max_iters is 120 there and 130 here.")

"""Notebooks 4 to 9 print and promise the same on a learner's own parts, written as nobody here writes them, as on the package's."""

import re

import pytest

from helpers.learner import put_notebooks, solved_notebook
from helpers.run_notebook import run_all_cells, with_short_trainings
from helpers.trainings import put_training

LATER = ["04-encoder", "05-decoder", "06-generation", "07-encoder-decoder", "08-prefix-generation", "09-training"]
TRAINING = 'run = await train_in("own", new_model(), "from nothing", two_rungs)'
# Twelve steps instead of two thousand, nothing saved, and the losses printed.
TWELVE_STEPS = """
run = None
few = replace(recipe, max_iters=12, warmup_steps=2, eval_every=4)
for entry in train(new_model(), draw_batch, few, step=yours.training_step, monitor=lambda entry: None).history:
    print(f"step {entry['step']}: loss {entry['loss']:.2f}")
"""
# Counts of words that were drawn, each in its own way; and measured times.
DRAWN = re.compile(r"^(temperature [\d.]+|seconds:) .*$", re.MULTILINE)
A_TIME = re.compile(r"\b\d+(\.\d+)? (ms|s|seconds)\b")
WHOSE = re.compile(r"(: yours, from .*|: the package's, since .*|^Running on .*|^ +In it, .*|^ {8}\S.*)$", re.MULTILINE)


def printed(notebook) -> list[str]:
    """What each code cell prints, without the lines and words that say whose a part is."""
    texts = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            text = "".join(output.get("text", "") for output in cell.outputs if output.output_type == "stream")
            errors = [f"{output.ename}: {output.evalue}" for output in cell.outputs if output.output_type == "error"]
            if "raises-exception" not in cell.metadata.get("tags", []):
                assert errors == [], cell.source
            kept = [line for line in A_TIME.sub("…", text).splitlines() if not WHOSE.search(line) and not DRAWN.search(line)]
            texts.append("\n".join(re.sub(r"\b(your|the package's) \w+:? *|\byours\b", "…", line) for line in kept))
    return texts


def run(name, folder, unusual=False):
    notebook = with_short_trainings(solved_notebook(name, unusual))
    if name != "09-training":  # there they read the training; elsewhere the bank proves that they accept these answers
        notebook.cells = [cell for cell in notebook.cells if not cell.metadata.get("nbgrader", {}).get("grade")]
    for cell in notebook.cells:
        cell.source = cell.source.replace(TRAINING, TWELVE_STEPS)
    (folder / name).mkdir(exist_ok=True, parents=True)
    if name == "09-training":
        put_training(folder / name)
        (folder / name / "seed.txt").write_text("1")
    # Not while it is graded: then every part would be the package's.
    return run_all_cells(notebook, folder / name, timeout=300)


def numbers_apart(one: str, other: str) -> list[tuple[str, str]]:
    """The numbers that differ by more than rounding, and the words that differ."""
    split = re.compile(r"(-?\d+\.?\d*(?:e[-+]?\d+)?)")
    a, b = split.split(one), split.split(other)
    if len(a) != len(b):
        return [(one, other)]
    return [(x, y) for k, (x, y) in enumerate(zip(a, b))
            if (x != y if k % 2 == 0 else abs(float(x) - float(y)) > 0.011 * max(1.0, abs(float(x))))]


@pytest.mark.parametrize("name", LATER)
def test_a_notebook_prints_the_same_on_a_learners_parts_as_on_the_packages(name, tmp_path):
    on_the_packages_parts = printed(run(name, tmp_path / "alone"))  # no earlier notebook is beside it
    put_notebooks(tmp_path / "beside", unusual=True)
    (tmp_path / "beside" / name / f"{name}.ipynb").unlink(missing_ok=True)
    notebook = run(name, tmp_path / "beside", unusual=True)
    said = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))
    assert ": yours, from" in said and "the package's, since" not in said and "Running on the package's" not in said
    assert "WRONG" not in said
    both = zip(on_the_packages_parts, printed(notebook), strict=True)
    assert [(cell, apart) for cell, (a, b) in enumerate(both) if (apart := numbers_apart(a, b))] == []

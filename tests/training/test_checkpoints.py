import errno
import json
import os
import random
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from helpers import sitting, small
from ninelives.sentence import ShownAsSentence
from ninelives.training import AnotherTraining, Diverged, Run, train
from ninelives.training.checkpoints import Damaged, NotSaved


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def begun(tmp_path):
    """A training that was stopped at step 10."""
    folder = tmp_path / "run"

    class Monitor:
        def __init__(self):
            self.entries = 0

        def __call__(self, entry):
            self.entries += 1

        def stopped(self, step, seconds):
            return self.entries == 1

    train(small.model(), small.draw_batch, small.RECIPE, evaluate=small.evaluate, folder=folder, monitor=Monitor())
    assert Run.load(folder).step == 10
    return folder


def go_on(folder, **changes):
    return train(small.model(), small.draw_batch, replace(small.RECIPE, **changes), evaluate=small.evaluate, folder=folder)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows forks no processes")
def test_a_training_that_is_killed_twenty_times_ends_like_one_that_was_not(tmp_path):
    chance = random.Random(0)
    command = [sys.executable, "-c", KILLER, str(Path(sitting.__file__).parent), str(tmp_path / "killed")]
    # The children are forked from a process that has loaded torch, so that only the training is killed, not its start.
    moments = "".join(f"{chance.randint(0, 2)} {chance.uniform(0, 0.03)}\n" for _ in range(20))
    done = subprocess.run(command, input=moments, capture_output=True, text=True, check=True, timeout=600)
    steps = [int(step) for step in done.stdout.split()]
    assert len(steps) == 20 and steps == sorted(steps) and 10 < steps[-1] < small.LONG.max_iters
    model, run = sitting.sitting(tmp_path / "killed", small.LONG)
    undisturbed, whole = sitting.sitting(None, small.LONG)
    assert small.curve(run) == small.curve(whole) and small.same(model, undisturbed)


# Each line has a number of steps and of seconds. The training makes so many steps, waits, is killed, and prints
# the step that it had saved.
KILLER = """
import os, signal, sys, time
sys.path.insert(0, sys.argv[1])
import sitting
from pathlib import Path
from ninelives.training import Run
folder = Path(sys.argv[2])

def saved():
    return Run.load(folder).step if (folder / "run.json").exists() else 0

for line in sys.stdin:
    steps, seconds = line.split()
    until = saved() + int(steps)
    child = os.fork()
    if not child:
        sitting.sitting(folder, sitting.small.LONG)
        os._exit(1)
    while saved() < until:
        assert os.waitpid(child, os.WNOHANG) == (0, 0), "the training ended by itself"
        time.sleep(0.005)
    time.sleep(float(seconds))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    print(saved(), flush=True)
"""


def test_only_one_checkpoint_stays_in_the_folder(begun):
    assert sorted(contents(begun)) == ["run.json", "step-000010.safetensors"]


def test_other_files_stay_in_the_folder(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "step-000003.safetensors").write_text("mine too")
    go_on(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert (tmp_path / "step-000003.safetensors").read_text() == "mine too"


def test_a_full_disk_stops_the_training_and_keeps_what_was_saved(begun):
    resource = pytest.importorskip("resource", reason="Windows has no limit for the size of files")
    before = contents(begun)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(OSError, match=r"the training cannot be saved in .*run \(File too large\): make room there"):
            go_on(begun)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert contents(begun) == before
    assert go_on(begun).finished


@pytest.mark.parametrize("writes", [1, 2, 3, 4])
def test_a_disk_that_is_full_after_a_few_writes_leaves_a_whole_checkpoint(begun, monkeypatch, writes):
    fsync, count = os.fsync, 0

    def full(file):
        nonlocal count
        count += 1
        if count > writes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(file)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device"):
        go_on(begun)
    monkeypatch.undo()
    assert go_on(begun).finished and small.curve(Run.load(begun)) == small.curve(go_on(begun.parent / "whole"))


@pytest.fixture
def read_only():
    """A folder that can be read and not written, even if the tests run as root."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o555)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        yield folder
        os.seteuid(user)
        folder.chmod(0o755)


@pytest.mark.parametrize("name", [".", "new"])
def test_a_folder_that_cannot_be_written_is_noticed_before_the_first_step(read_only, name):
    def draw_batch(generator, batch_size):
        raise AssertionError("no step should be made")

    with pytest.raises(OSError, match=r"the training cannot be saved in .* \(Permission denied\): make room there, or allow writing"):
        train(small.model(), draw_batch, small.RECIPE, folder=read_only / name)
    assert list(read_only.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"learning_rate": 1e-3}, "learning_rate is 0.003 there and 0.001 here"),
        ({"max_iters": 40, "seed": 2}, "max_iters is 30 there and 40 here; seed is 0 there and 2 here"),
    ],
)
def test_another_recipe_is_refused_and_nothing_changes(begun, changes, says):
    before = contents(begun)
    with pytest.raises(ValueError, match=rf"run holds another training run, at step 10: {says}. Nothing was changed"):
        go_on(begun, **changes)
    assert contents(begun) == before


def test_another_start_is_refused_with_advice_that_can_be_followed_and_no_traceback(begun):
    with pytest.raises(AnotherTraining, match="start is missing there and from nothing here. Nothing was changed.") as refused:
        train(small.model(), small.draw_batch, small.RECIPE, folder=begun, settings={"start": "from nothing"})
    shown = refused.value._render_traceback_()
    assert len(shown) <= 5 and "rename or delete the folder run" in " ".join(shown)
    begun.rename(begun.with_name("put aside"))
    run = train(small.model(), small.draw_batch, small.RECIPE, folder=begun, settings={"start": "from nothing"})
    assert run.finished and Run.load(begun).settings == {"start": "from nothing"}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"n_head": 4}, "n_head is 2 there and 4 here"),
        ({"n_embd": 32}, "step 10: n_embd is 16 there and 32 here. Nothing was changed"),
        ({"n_layer": 1}, "step 10: n_layer is 2 there and 1 here. Nothing was changed"),
    ],
)
def test_another_model_is_refused_and_neither_folder_nor_model_changes(begun, changes, says):
    before, model = contents(begun), small.model(replace(small.CONFIG, **changes))
    with pytest.raises(ValueError, match=says):
        train(model, small.draw_batch, small.RECIPE, folder=begun)
    assert contents(begun) == before
    assert small.same(model, small.model(replace(small.CONFIG, **changes)))


def test_other_layers_of_the_same_sizes_are_refused_without_a_list_of_names(begun):
    model = small.model()
    model.bridge = torch.nn.Linear(2, 2)
    with pytest.raises(AnotherTraining, match="at step 10: the sizes are the same, but the model's layers, or their names, are others") as refused:
        train(model, small.draw_batch, small.RECIPE, folder=begun)
    assert "bridge" not in str(refused.value)


def test_what_a_learner_can_run_into_is_shown_as_a_sentence_without_a_traceback():
    assert all(issubclass(error, ShownAsSentence) for error in (AnotherTraining, Damaged, Diverged, NotSaved))


DAMAGES = {
    "tensors cut off": lambda folder, file: file.write_bytes(file.read_bytes()[:-100]),
    "one bit turned": lambda folder, file: file.write_bytes(file.read_bytes()[:-9] + bytes([file.read_bytes()[-9] ^ 1]) + file.read_bytes()[-8:]),
    "tensors gone": lambda folder, file: file.unlink(),
    "json cut off": lambda folder, file: (folder / "run.json").write_bytes((folder / "run.json").read_bytes()[:200]),
    "json empty": lambda folder, file: (folder / "run.json").write_text(""),
    "json of something else": lambda folder, file: (folder / "run.json").write_text("[1, 2]"),
    "json without a recipe": lambda folder, file: (folder / "run.json").write_text(
        json.dumps({name: value for name, value in json.loads((folder / "run.json").read_text()).items() if name != "recipe"})
    ),
    "not text": lambda folder, file: (folder / "run.json").write_bytes(b"\xff\xfe\x00"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_checkpoint_is_refused_and_left_unchanged(begun, damage):
    damage(begun, begun / "step-000010.safetensors")
    before = contents(begun)
    with pytest.raises(ValueError, match=r"the checkpoint in .*run is damaged \(.*\)\. Nothing was changed: give train\(\) another folder"):
        go_on(begun)
    assert contents(begun) == before


def test_tied_weights_stay_tied(tmp_path):
    def tied():
        model = small.model()
        model.lm_head.weight = model.layers["embedding"].token.weight
        return model

    model, recipe = tied(), replace(small.RECIPE, max_iters=8)

    def interrupted(generator, batch_size):
        raise KeyboardInterrupt

    whole = train(model, small.draw_batch, recipe)
    with pytest.raises(KeyboardInterrupt):
        train(tied(), interrupted, recipe, folder=tmp_path)
    again = tied()
    assert small.curve(train(again, small.draw_batch, recipe, folder=tmp_path)) == small.curve(whole)
    assert small.same(again, model) and again.lm_head.weight is again.layers["embedding"].token.weight

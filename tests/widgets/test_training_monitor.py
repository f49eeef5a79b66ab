import asyncio
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets import TraitError

from ninelives.widgets import TrainingMonitor

BESIDE = {"characters": [{"step": s, "loss": 3 - s / 1000, "rate": 5e-4, "seconds": s / 10, "accuracy": 0.3} for s in (500, 1000, 2000)]}


def entry(step, loss=1.0, **others):
    return {"step": step, "loss": loss, "rate": 2e-3, "seconds": step / 50, **others}


def run_alone(coroutine):
    """asyncio.run in a thread: Playwright, if browser tests ran before in this process, keeps a loop in the main one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


@pytest.fixture
def monitor():
    return TrainingMonitor("words", 2000, BESIDE)


@pytest.fixture
def shown(monkeypatch):
    """What the monitor displays, with how."""
    calls = []
    monkeypatch.setattr("ninelives.widgets.lab_widget.display", lambda data, **how: calls.append((data, how)))
    return calls


def test_a_monitor_waits_until_the_first_step(monitor):
    assert monitor.state == "waiting"
    assert monitor.describe().startswith("words: not begun, 2,000 steps. words: nothing yet. characters: loss from 2.5 at step 500")
    assert not monitor.stopped(0, 0.0)
    assert monitor.state == "running" and monitor.step == 0


def test_entries_become_the_curve(monitor):
    monitor(entry(100, 2.5, accuracy=0.1))
    monitor(entry(200, 1.5, accuracy=0.4))
    assert [old["step"] for old in monitor.entries] == [100, 200]
    assert (monitor.step, monitor.seconds, monitor.state, monitor.measure) == (200, 4.0, "running", "accuracy")
    assert "words: loss from 2.5 at step 100 to 1.5 at step 200, accuracy from 0.1 at step 100 to 0.4 at step 200." in monitor.describe()


def test_the_last_step_finishes_it(monitor):
    monitor(entry(2000))
    assert monitor.state == "finished"


def test_stop_is_reported_once_with_its_step_so_that_the_training_can_continue(monitor):
    assert not monitor.stopped(41, 1.0)
    monitor.stop_asked = True
    assert monitor.stopped(42, 1.1)
    assert monitor.state == "stopped" and not monitor.stop_asked
    assert "stopped, step 42 of 2,000 after 1 s" in monitor.describe()
    assert not monitor.stopped(42, 1.1)


def test_entries_of_an_earlier_sitting_replace_those_that_are_there(monitor):
    for step in (100, 200, 300):
        monitor(entry(step, 9.0))
    for step in (100, 200):
        monitor(entry(step, 1.0))
    assert [(old["step"], old["loss"]) for old in monitor.entries] == [(100, 1.0), (200, 1.0)]


def test_between_two_entries_it_shows_a_few_times_a_second_how_far_it_is(monitor, monkeypatch):
    now, told = [100.0], []
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monitor.observe(lambda change: told.append(change.new), "step")
    monitor(entry(100))
    for step in range(101, 132):
        now[0] += 0.0625
        assert not monitor.stopped(step, 2.0 + step / 100)
    assert told == [100, 101, 105, 109, 113, 117, 121, 125, 129]
    assert monitor.seconds == 3.29


def test_a_loss_that_is_no_number_leaves_the_state_json(monitor):
    monitor(entry(100, float("nan"), accuracy=float("inf"), samples=[["the cat", "le chat", "le chat"]]))
    monitor(entry(200, 1.0, accuracy=0.5))
    state = json.loads(json.dumps(monitor.get_state(), allow_nan=False))
    assert state["entries"][0]["loss"] is None
    assert "loss 1 at step 200" in monitor.describe()
    monitor.picture()


def test_samples_are_read_out_at_the_cursor(monitor):
    monitor(entry(100, samples=[["the cat", "la vache", "le chat"]]))
    monitor(entry(200, samples=[["the cat", "le chat", "le chat"]]))
    assert "the cat: le chat (right)." in monitor.describe()
    monitor.cursor = 150
    assert "the cat: la vache (wanted: le chat)." in monitor.describe()


def test_every_number_of_the_evaluation_is_a_measure_that_can_be_chosen(monitor):
    monitor(entry(100, accuracy=0.5, bonus=0.25, best=True))
    assert monitor.measures == ["accuracy", "bonus"]
    monitor.measure = "bonus"
    assert "bonus 0.25 at step 100" in monitor.describe()


def test_lines_to_reach_are_named():
    monitor = TrainingMonitor("words", 2000, BESIDE, levels={"guessing": 0.5})
    assert "A line at 0.5 says guessing." in monitor.describe() and "A line at 0.5 says guessing." in monitor.picture().alt


def test_an_earlier_monitor_of_the_same_training_follows_the_one_that_is_watching(monitor):
    def train(monitor):
        for step in (100, 200):
            assert not monitor.stopped(step, 1.0)
            monitor(entry(step, accuracy=step / 1000))
        return earlier.state

    async def watch_twice():
        await earlier.watch(lambda monitor: monitor(entry(100)))
        return await monitor.watch(train)

    earlier, another = TrainingMonitor("words", 1000), TrainingMonitor("letters", 1000)
    assert run_alone(watch_twice()) == "running"
    assert (earlier.step, earlier.max_iters, earlier.entries, earlier.measure) == (200, 2000, monitor.entries, "accuracy")
    assert another.state == "waiting" and not earlier.can_stop


def test_stop_in_an_earlier_monitor_stops_the_training_that_it_follows(monitor):
    def train(monitor):
        earlier.stop_asked = True
        return monitor.stopped(7, 1.0), monitor.stopped(8, 1.0)

    async def watch_twice():
        await earlier.watch(lambda monitor: monitor(entry(100)))
        return await monitor.watch(train)

    earlier = TrainingMonitor("words", 2000)
    assert run_alone(watch_twice()) == (True, False)


def test_a_hidden_training_is_left_out(monitor):
    monitor.hidden = ["characters"]
    assert "characters: loss" not in monitor.describe()
    assert "Hidden: characters." in monitor.describe()


def test_the_repr_names_the_training_and_not_how_far_it_was_when_it_was_first_shown(monitor):
    assert repr(monitor) == "TrainingMonitor(words, 2,000 steps, beside characters)"


def test_the_still_picture_is_drawn_again_when_the_cell_is_over(monitor, shown, monkeypatch):
    shell = InteractiveShell.instance()
    monkeypatch.setattr("ninelives.widgets.training_monitor.cell.get_ipython", lambda: shell)
    monitor._ipython_display_()
    monitor(entry(100, accuracy=0.5))
    before = list(shown)
    shell.events.trigger("post_run_cell", None)
    again = shown[len(before):]
    assert [how["update"] for _, how in again] == [True, True]
    assert [how["display_id"] for _, how in again] == [how["display_id"] for _, how in before[:2]]
    assert again[0][0]["image/png"] != before[3][0]["image/png"]
    assert monitor.state == "stopped"  # the cell was interrupted: no more steps are made
    shell.events.trigger("post_run_cell", None)
    assert len(shown) == len(before) + 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"max_iters": 0}, "a training has at least one step"),
        ({"beside": {"words": []}}, "a training called 'words' too"),
        ({"beside": {str(k): [] for k in range(7)}}, "at most 6 can be told apart"),
        ({"beside": {"a": [{"loss": 1.0}]}}, "no entry of a history"),
        ({"beside": {"a": [[1, 2]]}}, "no entry of a history"),
    ],
)
def test_what_cannot_be_watched_is_refused_with_one_sentence(arguments, says):
    with pytest.raises(ValueError, match=says):
        TrainingMonitor(**{"name": "words", "max_iters": 10, **arguments})


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [("measure", "speed", "what was measured is accuracy"), ("hidden", ["bytes"], "the trainings are words, characters")],
)
def test_a_choice_that_is_not_there_is_refused_with_one_sentence(monitor, name, value, says):
    with pytest.raises(TraitError, match=says):
        setattr(monitor, name, value)


def test_watching_gives_what_the_training_gives_and_lets_the_button_work(monitor):
    could_stop = []

    def train(model, *, folder, monitor):
        while not monitor.stopped(len(could_stop), 0.0):
            could_stop.append(monitor.can_stop)
            monitor.stop_asked = len(could_stop) == 3  # as the browser does, in another thread
        return model, folder

    assert run_alone(monitor.watch(train, "model", folder="here")) == ("model", "here")
    assert could_stop == [True] * 3 and not monitor.can_stop
    assert monitor.state == "stopped"


def test_an_interrupt_waits_until_the_training_has_saved(monitor):
    saved, begun = [], threading.Event()

    def train(*, monitor):
        begun.set()
        while not monitor.stopped(0, 0.0):
            time.sleep(0.01)
        time.sleep(0.1)  # as long as it takes
        saved.append(monitor.can_stop)  # not yet given up

    async def interrupted():
        watching = asyncio.ensure_future(monitor.watch(train))
        assert await asyncio.to_thread(begun.wait, 60)
        watching.cancel()  # what the kernel's stop button does to an awaiting cell
        await watching

    with pytest.raises(KeyboardInterrupt) as stop:
        run_alone(interrupted())
    assert saved == [True]
    assert stop.value._render_traceback_()[0].startswith("Stopped after step 0 of 2,000. What was saved stays: run the cell again")


def test_an_error_of_the_training_comes_out_of_the_watching(monitor):
    def train(*, monitor):
        raise ValueError("another training is there")

    with pytest.raises(ValueError, match="another training is there"):
        run_alone(monitor.watch(train))

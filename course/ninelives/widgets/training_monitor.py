"""The training monitor: a training while it runs, beside earlier ones."""

import asyncio
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import traitlets as t
from IPython import get_ipython
from IPython.display import display

from ninelives.figures import Picture, describe_training, training_curves
from ninelives.figures.style import ACCENT, BLUE, PALETTE, SKY
from ninelives.widgets.lab_widget import HIDE_PICTURE_WHEN_LIVE, LabWidget, browser_code, browser_style

MOST_RUNS = len(PALETTE)
OWN_KEYS = ("step", "loss", "rate", "seconds")  # what `train` writes; everything else comes from `evaluate`
BETWEEN = 0.2  # seconds from one sign of life to the next


class TrainingMonitor(LabWidget):
    """Progress, time left, curves, rate and samples of a training, with a button that stops it.

    Show it, then let it watch the training:

        monitor = TrainingMonitor("words", recipe.max_iters, beside={"characters": earlier.history})
        display(monitor)
        run = await monitor.watch(train, model, draw_batch, recipe, evaluate=evaluate, folder="words")

    `watch` trains beside the notebook's own thread, so that Stop is heard at once. Handed to
    `train(…, monitor=monitor)` it shows the same, without Stop: a kernel that is busy hears no
    button but its own interrupt. Either way, with the same folder the training goes on where it
    stopped: run the cell again.

    It is called with every new entry of the history: a dict with `step`, `loss`, `rate`, `seconds`
    and what `evaluate` returned. Numbers among these are measures, drawn between 0 and 1;
    `samples`, a list of [given, answer, wanted], are shown as text. `stopped` is asked before every
    step, and told how many were made.

    `beside` maps names to the histories of earlier trainings, at most six, to compare with.

    The traits `measure` (the one that is drawn), `hidden` (names of trainings left out) and
    `cursor` (the step that is read out, None for the latest) are synced, so they can be set,
    observed and linked.

    Raises ValueError for a training without a step, too many of them, or entries that are none;
    TraitError for a measure or a name that is not there.
    """

    _esm = browser_code("training_monitor")
    _css = browser_style("training_monitor")

    name = t.Unicode().tag(sync=True)
    max_iters = t.Int().tag(sync=True)
    entries = t.List(t.Dict()).tag(sync=True)
    beside = t.Dict().tag(sync=True)  # name to entries
    measures = t.List(t.Unicode()).tag(sync=True)
    step = t.Int(0).tag(sync=True)
    seconds = t.Float(0.0).tag(sync=True)
    state = t.Enum(["waiting", "running", "stopped", "finished"], "waiting").tag(sync=True)
    can_stop = t.Bool(False).tag(sync=True)
    stop_asked = t.Bool(False).tag(sync=True)
    colours = t.Dict().tag(sync=True)
    measure = t.Unicode("").tag(sync=True)
    hidden = t.List(t.Unicode()).tag(sync=True)
    cursor = t.Int(None, allow_none=True).tag(sync=True)

    def __init__(self, name: str, max_iters: int, beside: Mapping[str, Sequence[Mapping]] | None = None):
        if not isinstance(max_iters, int) or max_iters < 1:
            raise ValueError(f"max_iters is {max_iters!r}; a training has at least one step.")
        earlier = {str(other): [plain(entry) for entry in history] for other, history in (beside or {}).items()}
        if name in earlier:
            raise ValueError(f"beside holds a training called {name!r} too; give this one another name.")
        if len(earlier) >= MOST_RUNS:
            raise ValueError(f"beside holds {len(earlier)} trainings; at most {MOST_RUNS - 1} can be told apart from this one.")
        super().__init__(
            name=name, max_iters=max_iters, beside=earlier,
            colours={"accent": ACCENT, "link": BLUE, "link-dark": SKY, "lines": list(PALETTE)},
        )
        self._note_measures()
        self._told, self._follows = 0.0, False

    @t.validate("measure")
    def _is_a_measure(self, proposal) -> str:
        value = proposal["value"]
        if value and value not in self.measures:
            raise t.TraitError(f"measure is {value!r}, but what was measured is {', '.join(self.measures) or 'nothing'}.")
        return value

    @t.validate("hidden")
    def _are_trainings(self, proposal) -> list[str]:
        names = [self.name, *self.beside]
        for value in proposal["value"]:
            if value not in names:
                raise t.TraitError(f"hidden names {value!r}, but the trainings are {', '.join(names)}.")
        return proposal["value"]

    async def watch(self, train: Callable, *arguments: Any, **settings: Any) -> Any:
        """What `train(*arguments, **settings, monitor=self)` returns, made in a thread of its own.

        Meanwhile the kernel hears buttons: those of the monitor, and its own interrupt, which
        stops the training after the present step and is raised when all is saved.
        """
        self._follow_the_cell()
        self.stop_asked, self.can_stop = False, True
        training = asyncio.ensure_future(asyncio.to_thread(train, *arguments, **settings, monitor=self))
        try:
            with widgets_answered():
                # The stop button's signal does not wake the loop by itself, so it wakes now and then.
                while not training.done():
                    await asyncio.wait([training], timeout=BETWEEN)
            return training.result()
        except (asyncio.CancelledError, KeyboardInterrupt):
            self.stop_asked = True
            await training
            raise KeyboardInterrupt from None
        finally:
            self.can_stop = False

    def __call__(self, entry: Mapping) -> None:
        """Take a new entry of the history. One with an earlier step begins the curve anew."""
        entry = plain(entry)
        earlier = [old for old in self.entries if old["step"] < entry["step"]]
        with self.hold_sync():
            self.entries = [*earlier, entry]
            self.step, self.seconds = entry["step"], float(entry.get("seconds") or 0.0)
            self.state = "finished" if self.step >= self.max_iters else "running"
            self._note_measures()
        self._follow_the_cell()

    def stopped(self, step: int, seconds: float) -> bool:
        """Whether the training is to stop now, after so many steps and seconds. True once after Stop."""
        self._follow_the_cell()
        stop, now = self.stop_asked, time.monotonic()
        if stop or now - self._told > BETWEEN:
            self._told = now
            with self.hold_sync():
                self.step, self.seconds, self.state = step, seconds, "stopped" if stop else "running"
                if stop:
                    self.stop_asked = False
        return stop

    def describe(self) -> str:
        """What the monitor shows at present, in words."""
        said = [f"{self._progress()}."]
        histories = self._shown()
        said += [describe_training(name, entries, self.measure or None) for name, entries in histories.items()]
        if self.hidden:
            said.append(f"Hidden: {', '.join(self.hidden)}.")
        entry = self._read_out()
        if entry and entry.get("rate") is not None:
            said.append(f"At step {entry['step']:,} the rate is {entry['rate']:.2g}.")
        for given, answer, wanted in (entry or {}).get("samples") or []:
            said.append(f"{given}: {answer} ({'right' if answer == wanted else f'wanted: {wanted}'}).")
        return " ".join(said)

    def picture(self) -> Picture:
        """The curves as a still picture."""
        drawn = training_curves(self._shown(), self.measure or None, title=self._progress(), caption=self._progress())
        return replace(drawn, alt=self.describe())

    def __repr__(self) -> str:
        beside = f", beside {', '.join(self.beside)}" if self.beside else ""
        return f"TrainingMonitor({self._progress()}{beside})"

    def _ipython_display_(self) -> None:
        # As LabWidget, but picture and words are named, since they change when the training is over.
        self._show_still(update=False)
        display(self._widget_view()[0], raw=True)

    def _show_still(self, update: bool) -> None:
        still, words = replace(self.picture(), caption="A still picture; run the cell to watch it.").outputs()
        words["data"]["text/markdown"] += HIDE_PICTURE_WHEN_LIVE
        for output, what in ((still, "picture"), (words, "words")):
            display(output["data"], metadata=output["metadata"], raw=True, display_id=f"{self.model_id}-{what}", update=update)

    def _follow_the_cell(self) -> None:
        """When the cell in which the training runs is over, however it ended, say so and draw the still picture."""
        shell = get_ipython()
        if shell is None or self._follows:
            return
        self._follows = True

        def cell_is_over(result) -> None:
            shell.events.unregister("post_run_cell", cell_is_over)
            self._follows = False
            if self.state == "running":
                self.state = "stopped"
            self._show_still(update=True)

        shell.events.register("post_run_cell", cell_is_over)

    def _note_measures(self) -> None:
        found = dict.fromkeys(
            key for entries in (self.entries, *self.beside.values()) for entry in entries for key, value in entry.items()
            if key not in OWN_KEYS and isinstance(value, int | float) and not isinstance(value, bool)
        )
        self.measures = list(found)
        if not self.measure and found:
            self.measure = self.measures[0]

    def _progress(self) -> str:
        if self.state == "waiting":
            return f"{self.name}: not begun, {self.max_iters:,} steps"
        return f"{self.name}: {self.state}, step {self.step:,} of {self.max_iters:,} after {self.seconds:.0f} s"

    def _shown(self) -> dict[str, list[dict]]:
        return {name: entries for name, entries in {self.name: self.entries, **self.beside}.items() if name not in self.hidden}

    def _read_out(self) -> dict | None:
        """The entry under the cursor: the last one that is not behind it."""
        before = [entry for entry in self.entries if self.cursor is None or entry["step"] <= self.cursor]
        return before[-1] if before else None


@contextmanager
def widgets_answered() -> Iterator[None]:
    """Meanwhile the kernel says when it is done with each message of a widget.

    ipykernel takes them while a cell awaits something, and says nothing; a page then holds the widget's next change
    back for ever.
    """
    kernel = getattr(get_ipython(), "kernel", None)
    if kernel is None:
        yield
        return
    taken, cell = kernel.shell_handlers["comm_msg"], kernel.get_parent("shell")

    def taken_and_answered(stream, ident, message) -> None:
        taken(stream, ident, message)
        for state, parent in (("idle", message), ("busy", cell)):  # the cell still runs
            kernel.session.send(kernel.iopub_socket, "status", {"execution_state": state}, parent=parent, ident=b"status")

    kernel.shell_handlers["comm_msg"] = taken_and_answered
    try:
        yield
    finally:
        kernel.shell_handlers["comm_msg"] = taken


def plain(entry: Any) -> dict:
    """An entry as JSON can hold it: a number that is none becomes None. Raises ValueError for what is no entry."""
    if not isinstance(entry, Mapping) or not isinstance(entry.get("step"), int) or "loss" not in entry:
        raise ValueError(f"{entry!r} is no entry of a history: a dict with at least 'step' and 'loss' is wanted.")
    return {key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in entry.items()}

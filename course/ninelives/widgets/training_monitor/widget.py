"""The widget itself: its traits, and what it is told during a training."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import traitlets as t

from ninelives.figures import Picture, training_curves
from ninelives.figures.style import PALETTE
from ninelives.widgets.lab_widget import COLOURS, LabWidget, browser_code, browser_style
from ninelives.widgets.training_monitor.cell import follow_the_cell, train_in_a_thread
from ninelives.widgets.training_monitor.entries import histories_beside, measures_in, plain, shown_histories
from ninelives.widgets.training_monitor.followers import earlier_monitors, tell
from ninelives.widgets.training_monitor.in_words import in_words, progress

MOST_RUNS = len(PALETTE)
BETWEEN = 0.2  # seconds from one update of step and time to the next


class TrainingMonitor(LabWidget):
    """Progress, time left, curves, rate and samples of a training, with a button that stops it.

    Let it watch the training::

        monitor = TrainingMonitor("words", recipe.max_iters, beside={"characters": earlier.history})
        run = await monitor.watch(train, model, draw_batch, recipe, evaluate=evaluate, folder="words")

    `watch` trains in a thread of its own, so that Stop works at once, and shows the monitor once the training has
    begun. Earlier monitors of this name follow it. Passed to `train(…, monitor=monitor)` it shows the same, without
    Stop: a busy kernel reacts only to its own interrupt. With the same folder the training goes on where it stopped.

    It is called with every new entry of the history: a dict with `step`, `loss`, `rate`, `seconds` and what `evaluate`
    returned. Numbers among these are measures, drawn between 0 and 1, with lines at `levels` ({"guessing": 0.5});
    `samples`, a list of [given, answer, wanted], are shown as text. `stopped` is asked before every step, with the
    number of steps made so far. `beside` maps names to the histories of at most six trainings, to compare with.

    The traits `measure` (the one that is drawn), `hidden` (names of trainings left out) and `cursor` (the step that is
    read out, None for the latest) are synced, so they can be set, observed and linked. Raises ValueError for a training
    without a step, for too many trainings, and for what is not an entry; TraitError for a measure or a name that does
    not exist.
    """

    _esm = browser_code("training_monitor")
    _css = browser_style("training_monitor")
    _still_caption = "A still picture; run the cell to watch it."

    follows_a_cell = False
    followers: list["TrainingMonitor"]
    name = t.Unicode().tag(sync=True)
    max_iters = t.Int().tag(sync=True)
    entries = t.List(t.Dict()).tag(sync=True)
    beside = t.Dict().tag(sync=True)  # name to entries
    levels = t.Dict().tag(sync=True)  # name to height
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

    def __init__(self, name: str, max_iters: int, beside: Mapping[str, Sequence[Mapping]] | None = None,
                 levels: Mapping[str, float] | None = None):
        if not isinstance(max_iters, int) or max_iters < 1:
            raise ValueError(f"max_iters is {max_iters!r}; a training has at least one step.")
        earlier = histories_beside(name, beside, MOST_RUNS - 1)
        colours = {**COLOURS, "lines": list(PALETTE)}
        super().__init__(name=name, max_iters=max_iters, beside=earlier, levels=dict(levels or {}), colours=colours)
        self._note_measures()
        self._updated, self.followers = 0.0, []

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
        """What `train(*arguments, **settings, monitor=self)` returns, run in a thread of its own.

        Meanwhile buttons work: those of the monitor, and the kernel's interrupt, which stops the training after
        the present step and is raised when everything is saved.
        """
        follow_the_cell(self)
        self.followers = earlier_monitors(self)
        self.stop_asked, self.can_stop = False, True
        try:
            return await train_in_a_thread(self, train, *arguments, **settings)
        finally:
            self.can_stop = False
            tell(self.followers, self)

    def __call__(self, entry: Mapping) -> None:
        """Take a new entry of the history. One with an earlier step starts the curve again from there."""
        entry = plain(entry)
        earlier = [old for old in self.entries if old["step"] < entry["step"]]
        with self.hold_sync():
            self.entries = [*earlier, entry]
            self.step, self.seconds = entry["step"], float(entry.get("seconds") or 0.0)
            self.state = "finished" if self.step >= self.max_iters else "running"
            self._note_measures()
        tell(self.followers, self)
        follow_the_cell(self)

    def stopped(self, step: int, seconds: float) -> bool:
        """Whether the training must stop now, after so many steps and seconds. True once after Stop."""
        follow_the_cell(self)
        stop, now = any(monitor.stop_asked for monitor in (self, *self.followers)), time.monotonic()
        if stop or now - self._updated > BETWEEN:
            self._updated = now
            with self.hold_sync():
                self.step, self.seconds, self.state = step, seconds, "stopped" if stop else "running"
                if stop:
                    self.stop_asked = False
            tell(self.followers, self)
        return stop

    def describe(self) -> str:
        """What the monitor shows at present, in words."""
        return in_words(self)

    def picture(self) -> Picture:
        """The curves as a still picture."""
        told = progress(self)
        drawn = training_curves(shown_histories(self), self.measure or None, title=told, caption=told, levels=self.levels)
        return replace(drawn, alt=self.describe())

    def __repr__(self) -> str:
        beside = f", beside {', '.join(self.beside)}" if self.beside else ""
        return f"TrainingMonitor({self.name}, {self.max_iters:,} steps{beside})"  # saved in the notebook, so without progress

    def _note_measures(self) -> None:
        self.measures = measures_in(chain(self.entries, *self.beside.values()))
        if not self.measure and self.measures:
            self.measure = self.measures[0]

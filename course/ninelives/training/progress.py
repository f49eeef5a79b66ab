"""A line of text that shows how far a training is."""

import sys
import time

from ninelives.training.recipe import Run

SECONDS_BETWEEN = 0.5


class ProgressLine:
    """The monitor of a `train` without one.

    Where somebody watches, in a terminal or a notebook, it is one line that is
    overwritten. Where the output goes into a file, it is a line for each new entry
    of the history.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.watched = sys.stdout.isatty() or "ipykernel" in type(sys.stdout).__module__
        self.last_time = 0.0
        self.text = ""

    def __call__(self, entry: dict) -> None:
        """Show a new entry of the history."""
        self.show(entry["step"], entry["seconds"])

    def stopped(self, step: int, seconds: float) -> bool:
        """Show the step, if it is time; never stops the training."""
        if self.watched and step and time.monotonic() - self.last_time >= SECONDS_BETWEEN:
            self.show(step, seconds)
        return False

    def show(self, step: int, seconds: float) -> None:
        """Write the line."""
        self.last_time = time.monotonic()
        text = f"step {step:,} of {self.run.recipe.max_iters:,}"
        for name, value in (self.run.history[-1] if self.run.history else {}).items():
            if name not in ("step", "rate", "seconds") and isinstance(value, int | float):
                text += f" · {name} {value:.3f}"
        left = seconds / step * (self.run.recipe.max_iters - step)
        text += f" · {duration(seconds)}, {duration(left)} left" if left else f" · {duration(seconds)}"
        if self.watched:
            print("\r" + text.ljust(len(self.text)), end="", flush=True)
        else:
            print(text, flush=True)
        self.text = text

    def close(self) -> None:
        """End the line."""
        if self.watched and self.text:
            print()


def duration(seconds: float) -> str:
    """7 s, 3 min 20 s, 1 h 5 min."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"

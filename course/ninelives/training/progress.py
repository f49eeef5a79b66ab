"""The line of text that says how far a training is."""

import sys
import time

SECONDS_BETWEEN = 0.5


class ProgressLine:
    """One line that is written over, where somebody watches; one line an entry, where a file does."""

    def __init__(self, max_iters: int) -> None:
        self.max_iters = max_iters
        self.watched = sys.stdout.isatty() or "ipykernel" in type(sys.stdout).__module__
        self.last = 0.0
        self.text = ""

    def __call__(self, step: int, seconds: float, history: list[dict], *, new: bool) -> None:
        """After every step; `new` where the last entry of the history has just been made."""
        now = time.monotonic()
        if not new and (not self.watched or now - self.last < SECONDS_BETWEEN):
            return
        self.last = now
        text = f"step {step:,} of {self.max_iters:,}"
        if history:
            numbers = {name: value for name, value in history[-1].items()
                       if name not in ("step", "rate", "seconds") and isinstance(value, int | float)}
            text += "".join(f" · {name} {value:.3f}" for name, value in numbers.items())
        left = seconds / step * (self.max_iters - step)
        text += f" · {duration(seconds)}, {duration(left)} left" if left else f" · {duration(seconds)}"
        if self.watched:
            print("\r" + text.ljust(len(self.text)), end="", flush=True)
        else:
            print(text, flush=True)
        self.text = text

    def close(self) -> None:
        """Ends the line."""
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

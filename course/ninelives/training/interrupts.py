"""The stop button, and a moment in which it must wait."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def interrupts_delayed() -> Iterator[None]:
    """An interrupt that comes inside, for instance while the weights are half changed, is raised at the end."""
    handler = signal.getsignal(signal.SIGINT)
    # Only the main thread is interrupted, and only where interrupts are not ignored.
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    waiting = []
    signal.signal(signal.SIGINT, lambda number, frame: waiting.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if waiting:
            handler(waiting[0], None)

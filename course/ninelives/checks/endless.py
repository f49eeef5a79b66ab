"""Stop an answer that never comes to an end."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SECONDS = 10  # of computing; a call in a check takes less than 0.2


class Endless(BaseException):
    """An answer has computed for SECONDS. An `except Exception` of a learner does not keep it."""


@contextmanager
def stopped_if_endless() -> Iterator[None]:
    """Raise Endless inside a block that has computed for SECONDS.

    Time in which nothing is computed does not count, so a debugger may wait inside. A system without such a timer
    (Windows) and a thread other than the main one, which hears no signals, run on.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number, frame):
        raise Endless

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS, 1)  # and every second after that, should a bare `except:` keep it
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)

"""A monitor in the cell of a notebook: its end, and its kernel's messages while it runs."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from IPython import get_ipython
from IPython.display import display

from ninelives.sentence import ShownAsSentence
from ninelives.widgets.training_monitor.followers import tell

WAKE = 0.2  # seconds


class Interrupted(ShownAsSentence, KeyboardInterrupt):
    """The kernel's interrupt stopped a training that was watched, and all is saved."""


def follow_the_cell(monitor) -> None:
    """When the cell in which the training runs is over, however it ended, say so and draw the still picture."""
    shell = get_ipython()
    if shell is None or monitor.follows_a_cell:
        return
    monitor.follows_a_cell = True

    def cell_is_over(result) -> None:
        shell.events.unregister("post_run_cell", cell_is_over)
        monitor.follows_a_cell = False
        if monitor.state == "running":
            monitor.state = "stopped"
        monitor._update_still()
        tell(monitor.followers, monitor)

    shell.events.register("post_run_cell", cell_is_over)


async def train_in_a_thread(monitor, train: Callable, *arguments: Any, **settings: Any) -> Any:
    """What `train(*arguments, **settings, monitor=monitor)` returns. Raises Interrupted if the kernel's interrupt stopped it."""
    training = asyncio.ensure_future(asyncio.to_thread(train, *arguments, **settings, monitor=monitor))
    try:
        with widgets_answered():
            # The signal of the kernel's stop button does not wake the event loop by itself, so it wakes regularly.
            while not training.done():
                await asyncio.wait([training], timeout=WAKE)
                if monitor.state != "waiting" and not monitor._is_shown:
                    display(monitor)
        return training.result()
    except (asyncio.CancelledError, KeyboardInterrupt):
        monitor.stop_asked = True
        await training
        raise Interrupted(
            f"Stopped after step {monitor.step:,} of {monitor.max_iters:,}. What was saved stays: run the cell again, and the "
            "training goes on from there."
        ) from None


@contextmanager
def widgets_answered() -> Iterator[None]:
    """Let the kernel say when it is done with each message of a widget.

    While a cell awaits, ipykernel takes these messages and says nothing. A page then never sends the widget's next change.
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

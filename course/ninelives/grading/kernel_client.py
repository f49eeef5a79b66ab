"""The grader's end of a kernel: it sends cells, watches what the kernel uses, and trusts no message."""

import json
import os
import secrets
import select
import signal
import socket
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from ninelives.grading.errors import CopyDied, KernelDied, KernelServerDied
from ninelives.grading.folder_mirror import FolderMirror
from ninelives.grading.fork_listener import ForkListener
from ninelives.grading.kernel_watch import watch_amounts, watch_files
from ninelives.grading.outputs import Outcome, Outputs
from ninelives.grading.proc import descendants, resident, size_of
from ninelives.grading.read_notebook import without_surrogates
from ninelives.grading.sandbox import Limits

TICK = 0.2  # seconds between two looks at what a kernel uses
GRACE = 2.0  # seconds for an interrupted cell to end, and for a kernel to take a message
START = 60.0  # seconds for a kernel to start


class Kernel:
    """One learner's kernel, as the grader sees it.

    Args:
        folder: where it runs; contains a folder named submission.
        kill: kills the process with this number, and returns what it used.
        processes: how many others it may have at once.

    Raises:
        KernelServerDied: it did not start.
    """

    def __init__(
        self, pid: int, connection: socket.socket, folder: Path, limits: Limits, kill: Callable[[int], dict],
        confined: bool = True, processes: int = 0,
    ) -> None:
        self.pid, self.connection, self.kill = pid, connection, kill
        self.folder, self.limits, self.alive = folder, limits, True
        self.used: dict = {}
        self.outcome = Outcome()
        self.pending = b""
        self.received = 0
        self.listener: ForkListener | None = None
        self.copy: str | None = None  # the token of the copy of it in which cells run meanwhile
        self.before_copy: set[int] = set()  # the processes that it had started by then
        self.confined, self.processes = confined, processes
        connection.settimeout(GRACE)
        self.deadline = time.monotonic() + limits.notebook
        self.memory_before, self.disk_before = 0, size_of(folder)
        try:
            self._receive_listener()
            ready = self.next_message(time.monotonic() + START)
        except (KernelDied, TimeoutError) as problem:
            ready = {"refused": f"a kernel did not start: {str(problem) or f'it took more than {START:g} seconds'}"}
        if "ready" not in ready:
            self.end()
            raise KernelServerDied(ready.get("refused", "a kernel did not start"))
        self.memory_before = resident(self.pid)

    def __enter__(self) -> "Kernel":
        return self

    def __exit__(self, *_: Any) -> None:
        self.end()

    def end(self) -> None:
        """Kill it, if that was not done before."""
        if self.pid is not None:
            self.alive = False
            self.connection.close()
            pid, self.pid = self.pid, None
            self.used = self.kill(pid)
            if self.listener:
                self.listener.close()
            if "mirror" in vars(self):
                self.mirror.close()

    @property
    def can_be_copied(self) -> bool:
        return not self.confined or self.listener is not None

    @cached_property
    def mirror(self) -> FolderMirror:
        return FolderMirror(self.folder)

    def run(
        self, source: str, seconds: float | None = None, pictures: bool = True, before: str | None = None
    ) -> Outcome:
        """Run one cell.

        Args:
            seconds: the time limit; None for that of the limits.
            pictures: whether to draw pictures.
            before: code to run before the cell; then the names that the two define are forgotten.

        Raises:
            KernelDied: the kernel is dead, or had to be killed. Its outputs until then are in `outcome`.
            CopyDied: its copy is dead, if one was to run the cell.
        """
        outcome, token, copy = Outcome(), secrets.token_hex(8), self.copy
        outputs = Outputs(self.limits.output)
        seconds = self.limits.cell if seconds is None else seconds
        too_long = f"it ran for more than {seconds:g} seconds"
        end, interrupted = min(time.monotonic() + seconds, self.deadline), False
        try:
            self._forget_stray_output()
            request = {"source": source, "token": token, "pictures": pictures, "before": before}
            self.connection.sendall(json.dumps(request).encode() + b"\n")
            while True:
                try:
                    message = self.next_message(end)
                except TimeoutError:
                    if interrupted or self.copy:
                        raise KernelDied(f"{too_long} and could not be interrupted") from None
                    outcome.stopped = (too_long if end < self.deadline
                                       else f"the notebook ran for more than {self.limits.notebook:g} seconds")
                    interrupted, end = True, time.monotonic() + GRACE
                    os.kill(self.pid, signal.SIGINT)
                    continue
                if "refused" in message:
                    raise KernelDied(f"the kernel failed: {str(message['refused'])[:200]!r}")
                if self.copy and message.get("joined") == self.copy:
                    self.copy = None
                    raise KernelDied("it ended itself")
                if "done" in message:
                    if message["done"] != token:
                        raise KernelDied("its messages were forged")
                    # Now, so that no later cell is blamed for them.
                    watch_files([self.pid, *descendants(self.pid)], self.folder, self.limits, self.disk_before)
                    break
                outputs.add(message)
            _read_end(message, outcome)
        except KernelDied as death:
            outcome.error, outcome.stopped = "DeadKernelError", str(death)
            if copy and self.alive:
                raise CopyDied(str(death)) from None
            self.end()
            raise
        except TimeoutError:
            outcome.error, outcome.stopped = "DeadKernelError", "the kernel no longer reads its cells"
            self.end()
            raise KernelDied(outcome.stopped) from None
        except OSError:  # it has died since the last cell
            death = self._death()
            outcome.error, outcome.stopped = "DeadKernelError", str(death)
            raise death from None
        finally:
            outcome.outputs = outputs.kept
            self.outcome = outcome
        if outcome.stopped and outcome.error is None:
            outcome.error = "CellTimeoutError"
        return outcome

    def _receive_listener(self) -> None:
        """Take over the listener of its calls for new processes: one byte comes first, and with it the listener."""
        if select.select([self.connection], [], [], START)[0]:
            self.pending, descriptors, *_ = socket.recv_fds(self.connection, 1, 1)
            if self.pending == b"\n":
                self.pending = b""
            if descriptors:
                self.listener = ForkListener(descriptors[0], self.pid, self.processes)

    def _forget_stray_output(self) -> None:
        """Drop what threads have sent since the last cell ended: it belongs to no cell."""
        left = self.limits.output
        while left > 0 and self.alive and select.select([self.connection], [], [], 0)[0]:
            data = self.connection.recv(65536)
            if not data:
                break
            left -= len(data)
            self.pending += data
        self.pending = self.pending.rpartition(b"\n")[2]

    def next_message(self, end: float) -> dict:
        """The next message. Raises TimeoutError at `end`, KernelDied if none will come."""
        while not (line := self._next_line(end)):
            if time.monotonic() >= end:
                raise TimeoutError
        try:
            message = without_surrogates(json.loads(line))
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            raise KernelDied("its messages were forged")
        return message

    def _next_line(self, end: float) -> bytes:
        looked = time.monotonic()
        while b"\n" not in self.pending:
            now = time.monotonic()
            if now >= end:
                raise TimeoutError
            if now - looked > TICK:
                looked = now
                self._watch()
            waiting = [self.connection, self.listener] if self.listener else [self.connection]
            asking = select.select(waiting, [], [], min(TICK, end - now))[0]
            if self.connection not in asking:
                if asking:
                    self.listener.answer()
                continue
            try:
                data = self.connection.recv(1 << 18)
            except ConnectionError:
                data = b""
            if not data:
                raise self._death()
            self.pending += data
            if len(self.pending) > 10 * self.limits.output:
                raise KernelDied("it sent far too much output")
        line, _, self.pending = self.pending.partition(b"\n")
        self.received += len(line)
        if self.received > 50 * self.limits.output:
            raise KernelDied("it sent far too much output")
        return line

    def _death(self) -> KernelDied:
        """What it died of."""
        self.end()
        status, seconds = self.used["status"], self.used["seconds"]
        if status == -signal.SIGXCPU or status == -signal.SIGKILL and seconds > 2 * self.limits.notebook:
            return KernelDied("the kernel died: it used up its processor time")
        if status < 0:
            return KernelDied(f"the kernel died: killed by {signal.Signals(-status).name}", from_outside=status == -signal.SIGKILL)
        return KernelDied(f"the kernel died: it ended itself with status {status}")

    def _watch(self) -> None:
        """Raises KernelDied if it uses more than it may."""
        family = [self.pid, *descendants(self.pid)]
        watch_amounts(family, self.limits, self.memory_before)
        watch_files(family, self.folder, self.limits, self.disk_before, mapped=True)


def _read_end(message: dict, outcome: Outcome) -> None:
    """Take over what the last message of a cell says. Anything in it may be forged."""
    error, classes, count = message.get("error", "Error"), message.get("classes"), message.get("count")
    outcome.error = None if error is None else str(error) or "Error"
    names = classes if isinstance(classes, list) else []
    outcome.error_classes = tuple(name for name in names if isinstance(name, str))
    outcome.count = count if isinstance(count, int) else None

"""The grader's end of a kernel: it sends cells, watches what the kernel uses, and trusts no message."""

import json
import os
import secrets
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ninelives.grading.errors import KernelDied, KernelServerDied
from ninelives.grading.folders import remove
from ninelives.grading.outputs import Outcome, Outputs
from ninelives.grading.proc import removed_but_mapped, removed_but_open, resident, size_of, threads_of
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

    Raises:
        KernelServerDied: it did not start.
    """

    def __init__(
        self, pid: int, connection: socket.socket, folder: Path, limits: Limits, kill: Callable[[int], dict]
    ) -> None:
        self.pid, self.connection, self.kill = pid, connection, kill
        self.folder, self.limits, self.alive = folder, limits, True
        self.used: dict = {}
        self.outcome = Outcome()
        self.pending = b""
        self.received = 0
        connection.settimeout(GRACE)
        self.deadline = time.monotonic() + limits.notebook
        self.memory_before, self.disk_before = 0, size_of(folder)
        try:
            ready = self._next_message(time.monotonic() + START)
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
        """
        outcome, token = Outcome(), secrets.token_hex(8)
        outputs = Outputs(self.limits.output)
        seconds = self.limits.cell if seconds is None else seconds
        too_long = f"it ran for more than {seconds:g} seconds"
        end, interrupted = min(time.monotonic() + seconds, self.deadline), False
        self._forget_stray_output()
        try:
            request = {"source": source, "token": token, "pictures": pictures, "before": before}
            self.connection.sendall(json.dumps(request).encode() + b"\n")
            while True:
                try:
                    message = self._next_message(end)
                except TimeoutError:
                    if interrupted:
                        raise KernelDied(f"{too_long} and could not be interrupted") from None
                    outcome.stopped = (too_long if end < self.deadline
                                       else f"the notebook ran for more than {self.limits.notebook:g} seconds")
                    interrupted, end = True, time.monotonic() + GRACE
                    os.kill(self.pid, signal.SIGINT)
                    continue
                if "refused" in message:
                    raise KernelDied(f"the kernel failed: {str(message['refused'])[:200]!r}")
                if "done" in message:
                    if message["done"] != token:
                        raise KernelDied("its messages were forged")
                    self._watch_files()  # now, so that no later cell is blamed for them
                    break
                outputs.add(message)
            _read_end(message, outcome)
        except KernelDied as death:
            outcome.error, outcome.stopped = "DeadKernelError", str(death)
            self.end()
            raise
        except OSError:
            outcome.error, outcome.stopped = "DeadKernelError", "the kernel no longer reads its cells"
            self.end()
            raise KernelDied(outcome.stopped) from None
        finally:
            outcome.outputs = outputs.kept
            self.outcome = outcome
        if outcome.stopped and outcome.error is None:
            outcome.error = "CellTimeoutError"
        return outcome

    @contextmanager
    def without_files(self) -> Iterator[None]:
        """Meanwhile the folder that it runs in is empty."""
        inside, aside = self.folder / "submission", self.folder / "aside"
        aside.mkdir()
        for path in list(inside.iterdir()):
            path.rename(aside / path.name)
        try:
            yield
        finally:
            for path in list(aside.iterdir()):
                remove(inside / path.name)
                path.rename(inside / path.name)
            aside.rmdir()

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

    def _next_message(self, end: float) -> dict:
        """The next message. Raises TimeoutError at `end`, KernelDied if none will come."""
        looked = time.monotonic()
        while b"\n" not in self.pending:
            now = time.monotonic()
            if now >= end:
                raise TimeoutError
            if now - looked > TICK:
                looked = now
                self._watch()
            if not select.select([self.connection], [], [], min(TICK, end - now))[0]:
                continue
            try:
                data = self.connection.recv(1 << 18)
            except ConnectionError:
                data = b""
            if not data:
                cause = self._cause_of_death()
                raise KernelDied(f"the kernel died: {cause}", from_outside="SIGKILL" in cause)
            self.pending += data
            if len(self.pending) > 10 * self.limits.output:
                raise KernelDied("it sent far too much output")
        line, _, self.pending = self.pending.partition(b"\n")
        self.received += len(line)
        if self.received > 50 * self.limits.output:
            raise KernelDied("it sent far too much output")
        try:
            message = without_surrogates(json.loads(line))
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            raise KernelDied("its messages were forged")
        return message

    def _cause_of_death(self) -> str:
        self.end()
        status, seconds = self.used["status"], self.used["seconds"]
        if status == -signal.SIGXCPU or status == -signal.SIGKILL and seconds > 2 * self.limits.notebook:
            return "it used up its processor time"
        if status < 0:
            return f"killed by {signal.Signals(-status).name}"
        return f"it ended itself with status {status}"

    def _watch(self) -> None:
        """Raises KernelDied if it uses more than it may."""
        # RLIMIT_DATA raises MemoryError first. This catches memory it does not count, such as swap and page tables.
        if resident(self.pid) > self.memory_before + 1.25 * self.limits.memory:
            raise KernelDied(f"it used more than {self.limits.memory >> 20} MB of memory")
        if threads_of(self.pid) > self.limits.threads:
            raise KernelDied(f"it started more than {self.limits.threads} threads")
        self._watch_files(mapped=True)

    def _watch_files(self, mapped: bool = False) -> None:
        """Raises KernelDied if it has written more than it may. `mapped` counts removed files in its memory: slow."""
        removed = (removed_but_mapped(self.pid, self.folder) if mapped else {}) | removed_but_open(self.pid)
        if size_of(self.folder) + sum(removed.values()) > self.disk_before + self.limits.disk:
            raise KernelDied(f"it wrote more than {self.limits.disk >> 20} MB of files")


def _read_end(message: dict, outcome: Outcome) -> None:
    """Take over what the last message of a cell says. Anything in it may be forged."""
    error, classes, count = message.get("error", "Error"), message.get("classes"), message.get("count")
    outcome.error = None if error is None else str(error) or "Error"
    names = classes if isinstance(classes, list) else []
    outcome.error_classes = tuple(name for name in names if isinstance(name, str))
    outcome.count = count if isinstance(count, int) else None

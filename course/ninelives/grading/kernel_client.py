"""A notebook's cells, run one by one in a kernel that is watched from outside and trusted in nothing."""

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

from ninelives.grading.errors import KernelDied, KernelsEnded
from ninelives.grading.folders import remove
from ninelives.grading.outputs import Outcome, Outputs
from ninelives.grading.proc import removed_but_mapped, removed_but_open, size_of, threads_of
from ninelives.grading.read_notebook import plain
from ninelives.grading.sandbox import Limits

TICK = 0.2  # seconds between two looks at what a kernel uses
GRACE = 2.0  # seconds that an interrupted cell has to end, and a kernel to take what is sent to it


class Kernel:
    """One learner's kernel, seen from outside."""

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
        self.held, self.size = 0, size_of(folder)
        try:
            ready = self._next_message(time.monotonic() + 60)
        except (KernelDied, TimeoutError) as problem:
            ready = {"refused": f"a kernel did not start: {str(problem) or 'it took more than 60 seconds'}"}
        if "ready" not in ready:
            self.end()
            raise KernelsEnded(ready.get("refused", "a kernel did not start"))
        self.held = self._resident()

    def __enter__(self) -> "Kernel":
        return self

    def __exit__(self, *_: Any) -> None:
        self.end()

    def end(self) -> None:
        """Kill it, for good."""
        if self.pid is not None:
            self.alive = False
            self.connection.close()
            pid, self.pid = self.pid, None
            self.used = self.kill(pid)

    def run(self, source: str, seconds: float | None = None, pictures: bool = True, before: str | None = None) -> Outcome:
        """Run one cell, with pictures drawn or without.

        With something to run `before` it, nothing that the two name is kept.

        Raises:
            KernelDied: it is dead, or had to be killed. The outputs until then are in its `outcome`.
        """
        outcome, token = Outcome(), secrets.token_hex(8)
        outputs = Outputs(self.limits.output)
        seconds = self.limits.cell if seconds is None else seconds
        end, interrupted = min(time.monotonic() + seconds, self.deadline), False
        self._forget_strays()
        try:
            asked = {"source": source, "token": token, "pictures": pictures, "before": before}
            self.connection.sendall(json.dumps(asked).encode() + b"\n")
            while True:
                try:
                    message = self._next_message(end)
                except TimeoutError:
                    if interrupted:
                        raise KernelDied(f"it ran for more than {seconds:g} seconds and could not be interrupted") from None
                    outcome.stopped = (f"it ran for more than {seconds:g} seconds" if end < self.deadline
                                       else f"the notebook ran for more than {self.limits.notebook:g} seconds")
                    interrupted, end = True, time.monotonic() + GRACE
                    os.kill(self.pid, signal.SIGINT)
                    continue
                if "refused" in message:
                    raise KernelDied(f"the kernel failed: {str(message['refused'])[:200]!r}")
                if "done" in message:
                    if message["done"] != token:
                        raise KernelDied("its messages were forged")
                    self._watch_files()  # here too, so that no later cell is blamed for them
                    break
                outputs.add(message)
            error = message.get("error", "Error")
            outcome.error = None if error is None else str(error) or "Error"
            outcome.count = message["count"] if isinstance(message.get("count"), int) else None
        except KernelDied as death:
            outcome.error, outcome.stopped = "DeadKernelError", str(death)
            self.end()
            raise
        except OSError:
            outcome.error, outcome.stopped = "DeadKernelError", "the kernel does not listen any more"
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
        """Its folder is empty meanwhile."""
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

    def _forget_strays(self) -> None:
        """What threads have sent between two cells belongs to none."""
        left = self.limits.output
        while left > 0 and self.alive and select.select([self.connection], [], [], 0)[0]:
            data = self.connection.recv(65536)
            if not data:
                break
            left -= len(data)
            self.pending += data
        self.pending = self.pending.rpartition(b"\n")[2]

    def _next_message(self, end: float) -> dict:
        """The next line. Raises TimeoutError at `end`, KernelDied where none will come."""
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
                cause = self._cause()
                raise KernelDied(f"the kernel died: {cause}", from_outside="SIGKILL" in cause)
            self.pending += data
            if len(self.pending) > 10 * self.limits.output:
                raise KernelDied("it sent far too much output")
        line, _, self.pending = self.pending.partition(b"\n")
        self.received += len(line)
        if self.received > 50 * self.limits.output:
            raise KernelDied("it sent far too much output")
        try:
            message = plain(json.loads(line))
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            raise KernelDied("its messages were forged")
        return message

    def _cause(self) -> str:
        self.end()
        status = self.used["status"]
        if status == -signal.SIGXCPU or status == -signal.SIGKILL and self.used["seconds"] > 2 * self.limits.notebook:
            return "it used up its processor time"
        if status < 0:
            return f"killed by {signal.Signals(-status).name}"
        return f"it ended itself with status {status}"

    def _watch(self) -> None:
        """Raises KernelDied where more is used than a learner may use."""
        # The kernel's own limit comes first, as an error that it lives through; this is for what that does not count.
        if self._resident() > self.held + 1.25 * self.limits.memory:
            raise KernelDied(f"it used more than {self.limits.memory >> 20} MB of memory")
        if threads_of(self.pid) > self.limits.threads:
            raise KernelDied(f"it started more than {self.limits.threads} threads")
        self._watch_files(mapped=True)

    def _watch_files(self, mapped: bool = False) -> None:
        """Raises KernelDied where more is written than a learner may write; what is `mapped` takes long to find."""
        removed = (removed_but_mapped(self.pid, self.folder) if mapped else {}) | removed_but_open(self.pid)
        if size_of(self.folder) + sum(removed.values()) > self.size + self.limits.disk:
            raise KernelDied(f"it wrote more than {self.limits.disk >> 20} MB of files")

    def _resident(self) -> int:
        """Bytes in memory, of those that were moved out of it, and of the tables that say where."""
        try:
            lines = Path(f"/proc/{self.pid}/status").read_text(errors="replace").split("\n")
        except OSError:
            return 0
        return sum(int(line.split()[1]) << 10 for line in lines if line.startswith(("VmRSS:", "VmSwap:", "VmPTE:")))

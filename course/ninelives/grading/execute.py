"""A notebook's cells, run one by one in a kernel that is watched from outside and trusted in nothing."""

import json
import os
import secrets
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from ninelives.grading import sandbox
from ninelives.grading.folders import DEEPEST, everything_in, remove
from ninelives.grading.repair import plain
from ninelives.grading.sandbox import Limits

TICK = 0.2  # seconds between two looks at what a kernel uses
WIDGET = "application/vnd.jupyter.widget-view+json"
GRACE = 2.0  # seconds that an interrupted cell has to end, and a kernel to take what is sent to it


@dataclass
class Outcome:
    """What became of a cell.

    Args:
        outputs: as a notebook holds them.
        error: the name of the exception that ended it; None where it went through.
        stopped: why it was stopped from outside, in one sentence; None where it was not.
        count: its number in the notebook.
    """

    outputs: list[NotebookNode] = field(default_factory=list)
    error: str | None = None
    stopped: str | None = None
    count: int | None = None

    @property
    def hidden(self) -> bool:
        """Whether it ended with an error that its outputs do not show."""
        return self.error is not None and not any(output.output_type == "error" for output in self.outputs)


class KernelDied(Exception):
    """The kernel cannot be used any more; the message says why.

    Args:
        from_outside: it may have been killed by someone else, such as a system that is short of memory.
    """

    def __init__(self, reason: str, from_outside: bool = False) -> None:
        super().__init__(reason)
        self.from_outside = from_outside


class KernelsEnded(RuntimeError):
    """No kernel can be made by these any more."""


@cache
def _numbering() -> str:
    """Tells apart what counts processes by itself: a machine since its last start, and each container on it."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
    return f"ninelives-on-{boot}-{os.stat('/proc/self/ns/pid').st_ino}"


def private_folder() -> str:
    """A folder of this process's own, which bears its number and whose number that is."""
    return tempfile.mkdtemp(prefix=f"{_numbering()}-{os.getpid()}-")


def sweep() -> None:
    """Remove the folders of processes that were killed before they could.

    Others' stay, of which nobody can tell here whether they live: the temporary folder may be shared by machines or containers.
    """
    for path in Path(tempfile.gettempdir()).glob(f"{_numbering()}-*-*"):
        with suppress(PermissionError, ValueError, OverflowError):  # it lives, and is someone else's; the others are no numbers of ours
            try:
                os.kill(int(path.name.split("-")[-2]), 0)
            except ProcessLookupError:
                remove(path)


class Kernels:
    """One process that has everything imported, and the kernels that it forks. Threads may share it."""

    boxed = False

    def __init__(self) -> None:
        sweep()
        self._begin(private_folder())

    def _begin(self, home: str, *before: str) -> None:
        """Start the process, by a command that may have others before it."""
        self.lock, self.home = threading.Lock(), home
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control = mine
        # A clean environment: what the instructor's shell knows is no learner's business.
        environment = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
        environment |= {"PATH": os.defpath, "LANG": "C.UTF-8", "HOME": self.home, "IPYTHONDIR": self.home,
                        "MPLCONFIGDIR": self.home, "TMPDIR": self.home, "PYTHONUTF8": "1"}
        log = Path(self.home, "log").open("w")
        command = [*before, sys.executable, "-m", "ninelives.grading.kernel", str(theirs.fileno())]
        self.process = subprocess.Popen(command,
                                        pass_fds=[theirs.fileno()], env=environment, cwd=self.home,
                                        stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        theirs.close()
        self._answer()

    def prepare(self, folder: Path, modules: tuple[str, ...], sources: list[str]) -> tuple["Prepared", list[Outcome]] | None:
        """Import and run once what all notebooks begin with; what forks kernels from there, and what the cells put out.

        None where that cannot be shared: a cell fails, leaves a thread running, or writes a file.
        """
        inside = folder / "submission"
        before = sorted(inside.rglob("*"))
        cells = folder / "cells"
        cells.write_text(json.dumps({"modules": modules, "cells": sources}), encoding="utf-8")
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            pid = self._ask({"prepare": str(cells), "folder": str(folder)}, theirs)["pid"]
        prepared = Prepared(self, pid, mine)
        try:
            prepared._answer()
            found = json.loads(cells.with_suffix(".run").read_text(encoding="utf-8"))
        except (KernelsEnded, OSError):
            found = {"cells": [{"good": False}], "alone": False}
        if not found["alone"] or not all(cell["good"] for cell in found["cells"]) or sorted(inside.rglob("*")) != before:
            prepared.close()
            return None
        outcomes = []
        for cell in found["cells"]:
            outputs = Outputs(1 << 30)
            for message in cell["messages"]:
                outputs.add(message)
            outcomes.append(Outcome(outputs.kept, count=cell["count"]))
        return prepared, outcomes

    def start(self, folder: Path, limits: Limits, confined: bool = True) -> "Kernel":
        """A kernel in `folder`, which has a folder named submission. Raises KernelsEnded where it cannot be made."""
        mine, theirs = socket.socketpair()
        with theirs:
            request = {"folder": str(folder), "limits": asdict(limits), "confined": confined, "boxed": self.boxed}
            pid = self._ask(request, theirs)["pid"]
        return Kernel(self, self._outside(pid), mine, folder, limits)

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def _outside(self, pid: int) -> int:
        """The number of a kernel's process here, which may be another than where it runs."""
        return pid

    def end(self, pid: int) -> dict:
        """Kill a kernel; what it used."""
        return self._ask({"end": pid})

    def _ask(self, request: dict, connection: socket.socket | None = None) -> dict:
        with self.lock:
            with suppress(OSError):  # what became of it, the answer tells
                socket.send_fds(self.control, [json.dumps(request).encode()], [connection.fileno()] if connection else [])
            return self._answer()

    def _answer(self) -> dict:
        try:
            answer = self.control.recv(65536)
        except OSError:
            answer = b""
        if not answer or b"refused" in answer[:12]:
            said = Path(self.home, "log").read_text(encoding="utf-8", errors="replace")[-2000:]
            raise KernelsEnded(f"the process that forks the kernels has ended: {answer.decode()}{said}")
        return json.loads(answer)

    def close(self) -> None:
        self.control.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        remove(Path(self.home))


class Prepared(Kernels):
    """Kernels that have run some cells already."""

    def __init__(self, parent: Kernels, pid: int, control: socket.socket) -> None:
        self.parent, self.pid, self.control = parent, pid, control
        self.lock, self.home, self.process = threading.Lock(), parent.home, parent.process

    def close(self) -> None:
        """Its parent's end is its own."""
        self.control.close()


class Boxes(Kernels):
    """Where Landlock is missing: each kernel in a bubblewrap of its own, which has to import everything anew."""

    ended = False

    def __init__(self) -> None:
        reason = sandbox.missing()
        if reason:
            raise KernelsEnded(reason)

    def prepare(self, folder: Path, modules: tuple[str, ...], sources: list[str]) -> None:
        """Nothing can be shared."""

    def start(self, folder: Path, limits: Limits, confined: bool = True) -> "Kernel":
        return Box(folder).start(folder, limits, confined)

    def close(self) -> None:
        """Each ends with its kernel."""


class Box(Kernels):
    """The process in one bubblewrap, and its one kernel."""

    boxed = True

    def __init__(self, folder: Path) -> None:
        home = folder / "home"
        home.mkdir()
        self._begin(str(home), *sandbox.box(folder))

    def _outside(self, pid: int) -> int:
        self.inside = pid
        [first] = children_of(self.process.pid)
        [kernel] = children_of(first)
        return kernel

    def end(self, pid: int) -> dict:
        used = super().end(self.inside)
        self.close()
        return used


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class Kernel:
    """One learner's kernel, seen from outside."""

    def __init__(self, kernels: Kernels, pid: int, connection: socket.socket, folder: Path, limits: Limits) -> None:
        self.kernels, self.pid, self.connection = kernels, pid, connection
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
            self.used = self.kernels.end(pid)

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


def threads_of(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[17])
    except OSError:
        return 0


def size_of(folder: Path) -> int:
    """Bytes on disk of all the files in a folder, and something for each name. Raises KernelDied where they cannot be told."""
    found, closed = everything_in(folder, 2 * DEEPEST)  # what was sent may be as deep, and lies in folders itself
    if closed:
        raise KernelDied("it made a folder that cannot be looked into")
    total = 4096 * len(found)
    for path in found:
        with suppress(OSError):
            total += path.lstat().st_blocks * 512
    return total


def removed_but_open(pid: int) -> dict[int, int]:
    """{inode: bytes on disk} of files that a process has removed and holds open."""
    sizes = {}
    with suppress(OSError), os.scandir(f"/proc/{pid}/fd") as entries:
        for entry in entries:
            with suppress(OSError):
                held = os.stat(entry.path)
                if held.st_nlink == 0:
                    sizes[held.st_ino] = held.st_blocks * 512
    return sizes


def removed_but_mapped(pid: int, folder: Path) -> dict[int, int]:
    """{inode: bytes} of files of a folder that a process has removed and has in its memory, as far as it has."""
    sizes: dict[int, int] = {}
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/maps").read_text(errors="replace").split("\n"):
            if line.endswith(" (deleted)") and f" {os.path.realpath(folder)}/" in line:
                where, _, _, _, inode, *_ = line.split()
                begin, end = (int(place, 16) for place in where.split("-"))
                sizes[int(inode)] = sizes.get(int(inode), 0) + end - begin
    return sizes


class Outputs:
    """The outputs of one cell, put together from messages that anyone may have written."""

    def __init__(self, most: int) -> None:
        self.kept: list[NotebookNode] = []
        self.names: list[str | None] = []  # for each output, by which it can be updated
        self.left = most
        self.cut = self.clear_first = False

    def add(self, message: dict) -> None:
        """Raises KernelDied where it is no message of a kernel."""
        kind = message.get("output_type")
        if kind == "clear_output":
            if message.get("wait"):
                self.clear_first = True
            else:
                self._clear()
            return
        size = len(json.dumps(message))
        if size > self.left:
            if not self.cut:
                self.cut = True
                if kind == "stream" and isinstance(message.get("text"), str):
                    self.add(message | {"text": message["text"][: self.left // 8]})
                self._append(_output("stream", name="stdout", text="\n… The rest of the output is cut off.\n"))
            return
        self.left -= size
        if self.clear_first:
            self._clear()
        if kind == "stream" and message.get("name") in ("stdout", "stderr") and isinstance(message.get("text"), str):
            if self.kept and self.kept[-1].output_type == "stream" and self.kept[-1].name == message["name"]:
                self.kept[-1].text += message["text"]
            else:
                self._append(_output("stream", name=message["name"], text=message["text"]))
        elif kind in ("display_data", "execute_result") and is_bundle(message.get("data")):
            data, metadata = shown(message["data"]), told(message.get("metadata"))
            name = message.get("display_id") if isinstance(message.get("display_id"), str) else None
            if name and message.get("update"):
                for output, known in zip(self.kept, self.names):
                    if known == name:
                        output.data, output.metadata = NotebookNode(data), NotebookNode(metadata)
                return
            extra = {"execution_count": message.get("execution_count")} if kind == "execute_result" else {}
            if extra and not isinstance(extra["execution_count"], int):
                raise KernelDied("its messages were forged")
            self._append(_output(kind, data=NotebookNode(data), metadata=NotebookNode(metadata), **extra), name)
        elif kind == "error" and all(isinstance(message.get(key), str) for key in ("ename", "evalue")):
            lines = message.get("traceback")
            lines = [str(line) for line in lines] if isinstance(lines, list) else []
            self._append(_output("error", ename=message["ename"], evalue=message["evalue"], traceback=lines))
        else:
            raise KernelDied("its messages were forged")

    def _append(self, output: NotebookNode, name: str | None = None) -> None:
        self.kept.append(output)
        self.names.append(name)

    def _clear(self) -> None:
        self.kept.clear()
        self.names.clear()
        self.clear_first = False


def is_bundle(data: Any) -> bool:
    """Whether it maps MIME types to what a notebook may hold for them."""
    return isinstance(data, dict) and all(
        isinstance(kind, str) and (isinstance(value, str) or kind.endswith("json")) for kind, value in data.items())


def shown(data: dict) -> dict:
    """A bundle without widgets that no page could ask for their model."""
    return {kind: value for kind, value in data.items()
            if kind != WIDGET or isinstance(value, dict) and isinstance(value.get("model_id"), str)}


def told(metadata: Any) -> dict:
    """What pages can read of an output's metadata: width, alternative text and the like, for a kind such as image/png or for all.

    Names of files are nbconvert's own to give.
    """
    def simple(values: dict) -> dict:
        return {key: value for key, value in values.items() if isinstance(value, (str, int, float)) and "/" not in key and key != "filenames"}

    if not isinstance(metadata, dict):
        return {}
    return simple(metadata) | {kind: simple(values) for kind, values in metadata.items() if "/" in kind and isinstance(values, dict)}


def _output(kind: str, **fields: Any) -> NotebookNode:
    # Not by nbformat's own function, which looks at each one's schema: the whole is looked at once, when it is written.
    return NotebookNode(output_type=kind, **fields)

"""The process that forks kernels: one that has imported everything already, or bubblewrap with a kernel in it."""

import json
import os
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from ninelives.grading import bubblewrap, sandbox
from ninelives.grading.errors import KernelsEnded
from ninelives.grading.folders import private_folder, remove, sweep
from ninelives.grading.kernel_client import Kernel
from ninelives.grading.outputs import Outcome, Outputs
from ninelives.grading.proc import children_of
from ninelives.grading.sandbox import Limits


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
        command = [*before, sys.executable, "-m", "ninelives.grading.kernel_process", str(theirs.fileno())]
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
        return Kernel(self._outside(pid), mine, folder, limits, self.end)

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
        self._begin(str(home), *bubblewrap.box(folder))

    def _outside(self, pid: int) -> int:
        self.inside = pid
        [first] = children_of(self.process.pid)
        [kernel] = children_of(first)
        return kernel

    def end(self, pid: int) -> dict:
        used = super().end(self.inside)
        self.close()
        return used

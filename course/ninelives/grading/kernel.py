"""Kernels, forked from one process that has imported everything already: `python -m ninelives.grading.kernel FD`.

That process holds nothing that a learner may not see. It listens on the socket FD:

    {"folder", "limits", "confined", "boxed"}, with a socket  ->  {"pid"}   a kernel that talks over that socket
    {"prepare": file, "folder"}, with a socket                ->  {"pid"}   a process like this one that has imported the
                                                                            file's modules and run its cells
    {"end": pid}                                              ->  {"status", "seconds"}   killed, if it lives

A kernel takes one cell a line, {"source", "token", "pictures", "before": null or what to run before it, and then nothing
that the two name is kept}, and answers with the outputs as notebooks have them,
one a line, and at last {"done": token, "error": null where it ran to its end or the name of an exception, "count"}.
When the socket FD is closed, all of them die.
"""

import base64
import gc
import importlib
import io
import json
import os
import pkgutil
import random
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from ipykernel.compiler import XCachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.text import LSString, SList
from traitlets import Type
from traitlets.config import Config

from ninelives.grading.sandbox import PR_SET_DUMPABLE, PR_SET_PDEATHSIG, Limits, confine, libc, readable

PRELOADED = ("numpy", "numpy.random", "torch", "matplotlib.pyplot", "ipywidgets", "anywidget", "safetensors.torch", "pyseccomp")
PACKAGES = ("ninelives.model", "ninelives.figures", "ninelives.checks", "ninelives.widgets", "ninelives.text",
            "ninelives.training", "ninelives.recipes")

MUCH = 64 << 20  # bytes: from there on a search for what nobody needs is worth its time


class Channel:
    """The socket to the one who asked; messages of several threads do not mix."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection, self.lock = connection, threading.Lock()
        self.lines = connection.makefile("rb")

    def send(self, message: dict) -> None:
        line = json.dumps(message, default=str).encode() + b"\n"
        with self.lock:
            self.connection.sendall(line)


class Collected(list):
    """Messages that are kept here."""

    send = list.append


class Stream(io.TextIOBase):
    """sys.stdout or sys.stderr: what is written goes out when there is a line of it, or much."""

    encoding, errors = "utf-8", "strict"

    def __init__(self, name: str, channel: Channel) -> None:
        self.name, self.channel, self.held, self.length = name, channel, [], 0

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self.held.append(text)
        self.length += len(text)
        if self.length > 8192:
            self.flush()
        return len(text)

    def flush(self) -> None:
        text, self.held, self.length = "".join(self.held), [], 0
        if text:
            self.channel.send({"output_type": "stream", "name": self.name, "text": text})

    def writable(self) -> bool:
        return True


def encoded(data: dict) -> dict:
    """A bundle of representations as JSON can hold it: pictures in base64."""
    return {kind: base64.b64encode(value).decode() if isinstance(value, bytes) else value for kind, value in data.items()}


class Publisher(DisplayPublisher):
    def publish(self, data: dict, metadata: dict | None = None, *, transient: dict | None = None,
                update: bool = False, **_: Any) -> None:
        self.shell.flush()
        self.shell.channel.send({"output_type": "display_data", "data": encoded(data), "metadata": metadata or {},
                                 "display_id": (transient or {}).get("display_id"), "update": update})

    def clear_output(self, wait: bool = False) -> None:
        self.shell.flush()
        self.shell.channel.send({"output_type": "clear_output", "wait": wait})


class Hook(DisplayHook):
    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict: dict, md_dict: dict | None = None) -> None:
        self.shell.flush()
        if format_dict:
            self.shell.channel.send({"output_type": "execute_result", "data": encoded(format_dict),
                                     "metadata": md_dict or {}, "execution_count": self.prompt_count})

    def finish_displayhook(self) -> None:
        pass


class Shell(InteractiveShell):
    """What stands behind a notebook's cells; its outputs go over a channel."""

    displayhook_class, display_pub_class, compiler_class = Type(Hook), Type(Publisher), Type(XCachingCompiler)
    channel: Channel | Collected

    def connect(self, channel: Channel | Collected) -> None:
        """Let all that is put out from now on go over a channel."""
        self.channel = channel
        sys.stdout, sys.stderr = self.streams = Stream("stdout", channel), Stream("stderr", channel)

    def flush(self) -> None:
        # Not what sys.stdout is by now: an answer may have put anything there.
        for stream in self.streams:
            stream.flush()

    def _showtraceback(self, etype: type, evalue: BaseException, stb: list[str]) -> None:
        self.flush()
        self.channel.send({"output_type": "error", "ename": etype.__name__, "evalue": str(evalue), "traceback": stb})

    def _tee(self, channel: str) -> AbstractContextManager:
        return nullcontext()  # no history of outputs, which would stand on what sys.stdout is

    def ask_exit(self) -> None:
        pass

    def enable_gui(self, gui: str | None = None) -> None:
        """%matplotlib asks for it; there is no window to wait for."""

    def system(self, cmd: str) -> None:
        """`!ls` and `%pip install`, which raise nothing in Jupyter whatever becomes of them, cost no answer here."""
        print("not run: while this is graded no other program may be started")
        self.user_ns["_exit_code"] = 126  # of a shell that may not run what it was told to

    system_piped = system_raw = system

    def getoutput(self, cmd: str, split: bool = True, depth: int = 0) -> SList | LSString:
        self.system(cmd)
        return SList() if split else LSString()


def preload() -> Shell:
    """Import what notebooks import and make the shell, all of it before the first fork."""
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
    shell = Shell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    for name in PRELOADED:
        importlib.import_module(name)
    for package in PACKAGES:
        try:
            module = importlib.import_module(package)
            for found in pkgutil.iter_modules(module.__path__, f"{package}."):
                importlib.import_module(found.name)
        except ImportError:
            # What a notebook needs and cannot have, it will say itself.
            continue
    warm_up(shell)
    readable()
    gc.collect()
    gc.freeze()
    return shell


def warm_up(shell: Shell) -> None:
    """Show a picture and an error once: whatever that loads or builds, no kernel has to do again."""
    import torch
    from matplotlib import pyplot

    torch.set_num_threads(1)
    shell.connect(Collected())
    for source in ("import torch\ntorch.ones(2, 2).softmax(-1) @ torch.ones(2)", "1 / 0",
                   "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"):
        shell.run_cell(source)
    pyplot.close("all")
    shell.reset(new_session=True)
    shell.execution_count = 1


def run_cells(shell: Shell, channel: Channel) -> None:
    """Answer one cell after the other until nobody asks any more."""
    held = resident()
    for line in channel.lines:
        cell = json.loads(line)
        draw_pictures(shell, cell["pictures"])
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            before = cell["before"]
            with nullcontext() if before is None else aside(shell):
                if before is not None:
                    shell.run_cell(before)
                shell.last_execution_succeeded = False
                result = shell.run_cell(cell["source"], store_history=before is None)
            error = result.error_in_exec if result.error_before_exec is None else result.error_before_exec
            shell.flush()
        except KeyboardInterrupt as interrupt:
            error = interrupt
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        # That there is no error is no evidence: who handles it can take it away. A cell has succeeded where its last line was run.
        ended = error is None and shell.last_execution_succeeded is True
        kind = None if ended else "NotRunToItsEnd" if error is None else name_of(error)
        result = error = None
        if kind is not None:
            forget_error(shell, held)
        channel.send({"done": cell["token"], "error": kind, "count": shell.execution_count - 1})


@contextmanager
def aside(shell: Shell) -> Iterator[None]:
    """What is named in here is forgotten, and what was named before is back."""
    kept = dict(shell.user_ns)
    try:
        yield
    finally:
        for name in shell.user_ns.keys() - kept.keys():
            del shell.user_ns[name]
        shell.user_ns.update(kept)


def name_of(error: BaseException) -> str:
    """The name of its class, asked for so that nothing is run of what a learner may have written: class, metaclass, name."""
    return str.__str__(type.__dict__["__name__"].__get__(type(error))) or "Error"


def forget_error(shell: Shell, held: int) -> None:
    """Let go of what a failed cell has left for a debugger: the memory it was stopped for not least."""
    shell.InteractiveTB.tb = shell.last_execution_result = None
    for name in ("last_type", "last_value", "last_traceback", "last_exc"):
        setattr(sys, name, None)
    if resident() > held + MUCH:
        gc.collect()


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def draw_pictures(shell: Shell, wanted: bool) -> None:
    """Whether pictures and widgets are drawn, which takes longer than most cells, or shown by their words alone."""
    formatter = shell.display_formatter
    formatter.ipython_display_formatter.enabled = formatter.mimebundle_formatter.enabled = wanted
    formatter.active_types = [kind for kind in formatter.format_types if wanted or not kind.startswith("image/")]


def become_prepared(shell: Shell, control: socket.socket, request: dict) -> None:
    """In the forked process: run the cells with which every learner's notebook begins, then fork kernels from there."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    os.chdir(Path(request["folder"], "submission"))
    sys.path[:] = [path for path in sys.path if path != ""] + [""]
    os.environ["NBGRADER_EXECUTION"] = "autograde"
    file = Path(request["prepare"])
    asked = json.loads(file.read_text(encoding="utf-8"))
    for name in asked["modules"]:
        with suppress(Exception):  # some modules are made while others are imported, and cannot be by their name
            importlib.import_module(name)
    found = []
    for source in asked["cells"]:
        shell.connect(Collected())
        result = shell.run_cell(source, store_history=True)
        shell.flush()
        found.append({"messages": list(shell.channel), "good": result.success, "count": shell.execution_count - 1})
    alone = len(os.listdir("/proc/self/task")) == 1
    gc.freeze()
    file.with_suffix(".run").write_text(json.dumps({"cells": found, "alone": alone}, default=str), encoding="utf-8")
    serve(shell, control)


def become_kernel(shell: Shell, connection: socket.socket, request: dict) -> None:
    """In the forked process: confine it, then run what comes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
    os.setsid()
    folder = Path(request["folder"])
    home = folder / "tmp"
    home.mkdir(exist_ok=True)
    os.environ.update(HOME=str(home), TMPDIR=str(home), IPYTHONDIR=str(home / ".ipython"), MPLCONFIGDIR=str(home),
                      NBGRADER_EXECUTION="autograde")
    tempfile.tempdir = None  # whoever asked for it first has settled it for the parent
    os.chdir(folder / "submission")
    sys.path[:] = [path for path in sys.path if path != ""] + [""]  # a file torch.py of theirs hides no module
    random.seed()
    sys.modules["numpy"].random.seed()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):  # a file of all kernels, in which nobody looks for what one of them has written
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
    if request["confined"]:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        confine(folder, Limits(**request["limits"]), request["boxed"])
    channel = Channel(connection)
    shell.connect(channel)
    channel.send({"ready": os.getpid()})
    run_cells(shell, channel)


def serve(shell: Shell, control: socket.socket) -> None:
    """Fork whenever it is asked for."""
    if os.getpid() == 1:
        libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)  # in a box its kernels see it in /proc, and may not look into it
    control.send(b'{"ready": true}')
    children = set()
    while True:
        data, descriptors, *_ = socket.recv_fds(control, 65536, 1)
        if not data:
            break
        request = json.loads(data)
        if "end" in request:
            answer = ended(request["end"])
            children.discard(request["end"])
        else:
            connection = socket.socket(fileno=descriptors[0])
            pid = os.fork()
            if pid == 0:
                control.close()
                become(shell, connection, request)
            connection.close()
            children.add(pid)
            answer = {"pid": pid}
        control.send(json.dumps(answer).encode())
    for pid in children:
        os.kill(pid, signal.SIGKILL)


def ended(pid: int) -> dict:
    """Kill a child, and its own where it was free to have any; what it used."""
    for kill in (os.kill, os.killpg):
        with suppress(ProcessLookupError):
            kill(pid, signal.SIGKILL)
    _, status, used = os.wait4(pid, 0)
    return {"status": os.waitstatus_to_exitcode(status), "seconds": used.ru_utime + used.ru_stime}


def become(shell: Shell, connection: socket.socket, request: dict) -> None:
    """In the forked process, which ends here whatever happens: nothing of its parent's may run in it."""
    try:
        (become_prepared if "prepare" in request else become_kernel)(shell, connection, request)
    except BaseException as problem:
        with suppress(OSError):
            connection.sendall(json.dumps({"refused": f"{type(problem).__name__}: {problem}"}).encode() + b"\n")
    finally:
        os._exit(0)


if __name__ == "__main__":
    serve(preload(), socket.socket(fileno=int(sys.argv[1])))

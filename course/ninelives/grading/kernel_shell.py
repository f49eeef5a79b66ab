"""IPython inside a kernel: cells come over a channel, and what they put out goes back over it."""

import base64
import gc
import io
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from ipykernel.compiler import XCachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.text import LSString, SList
from traitlets import Type

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

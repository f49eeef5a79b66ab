"""IPython inside a kernel: cells come in over a channel, and their outputs go back over it."""

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
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from ipykernel.compiler import XCachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.text import LSString, SList
from traitlets import Type

COLLECT_ABOVE = 64 << 20  # bytes of growth that make gc.collect() worthwhile


class Channel:
    """The socket to the grader. Messages of several threads do not mix."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection, self.lock = connection, threading.Lock()
        self.lines = connection.makefile("rb")

    def send(self, message: dict) -> None:
        line = json.dumps(message, default=str).encode() + b"\n"
        with self.lock:
            self.connection.sendall(line)


class Collected(list):
    """A channel that keeps its messages in a list."""

    send = list.append


class Stream(io.TextIOBase):
    """sys.stdout or sys.stderr: text is sent when it is flushed or longer than 8192 characters."""

    encoding, errors = "utf-8", "strict"

    def __init__(self, name: str, channel: Channel) -> None:
        self.name, self.channel, self.parts, self.length = name, channel, [], 0

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self.parts.append(text)
        self.length += len(text)
        if self.length > 8192:
            self.flush()
        return len(text)

    def flush(self) -> None:
        text, self.parts, self.length = "".join(self.parts), [], 0
        if text:
            self.channel.send({"output_type": "stream", "name": self.name, "text": text})

    def writable(self) -> bool:
        return True


def encoded(data: dict) -> dict:
    """A MIME bundle as JSON can hold it: pictures in base64."""
    return {
        kind: base64.b64encode(value).decode() if isinstance(value, bytes) else value for kind, value in data.items()
    }


class ChannelPublisher(DisplayPublisher):
    def publish(self, data: dict, metadata: dict | None = None, *, transient: dict | None = None,
                update: bool = False, **_: Any) -> None:
        self.shell.flush()
        self.shell.channel.send({
            "output_type": "display_data", "data": encoded(data), "metadata": metadata or {},
            "display_id": (transient or {}).get("display_id"), "update": update})

    def clear_output(self, wait: bool = False) -> None:
        self.shell.flush()
        self.shell.channel.send({"output_type": "clear_output", "wait": wait})


class ChannelDisplayHook(DisplayHook):
    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict: dict, md_dict: dict | None = None) -> None:
        self.shell.flush()
        if format_dict:
            self.shell.channel.send({
                "output_type": "execute_result", "data": encoded(format_dict), "metadata": md_dict or {},
                "execution_count": self.prompt_count})

    def finish_displayhook(self) -> None:
        pass


class Shell(InteractiveShell):
    """Runs the cells of a notebook; their outputs go over a channel."""

    displayhook_class, display_pub_class = Type(ChannelDisplayHook), Type(ChannelPublisher)
    compiler_class = Type(XCachingCompiler)
    channel: Channel | Collected
    random_state: tuple | None = None  # of `random`, if cells before a fork seeded random numbers or drew some

    def connect(self, channel: Channel | Collected) -> None:
        """Send all output over this channel from now on."""
        self.channel = channel
        sys.stdout, sys.stderr = self.streams = Stream("stdout", channel), Stream("stderr", channel)

    def flush(self) -> None:
        # Not sys.stdout: an answer may have replaced it.
        for stream in self.streams:
            stream.flush()

    def _showtraceback(self, etype: type, evalue: BaseException, stb: list[str]) -> None:
        self.flush()
        self.channel.send({
            "output_type": "error", "ename": etype.__name__, "evalue": str(evalue), "traceback": stb})

    def _tee(self, channel: str) -> AbstractContextManager:
        return nullcontext()  # IPython's history of outputs depends on sys.stdout, which an answer may have replaced

    def ask_exit(self) -> None:
        pass

    def enable_gui(self, gui: str | None = None) -> None:
        """%matplotlib calls this; there is no window."""

    def system(self, cmd: str) -> None:
        """`!ls` and `%pip install`. They raise nothing in Jupyter when they fail, so they cost no points here."""
        print("not run: no other program may be started during grading")
        self.user_ns["_exit_code"] = 126  # what a shell returns for a command that it may not run

    system_piped = system_raw = system

    def getoutput(self, cmd: str, split: bool = True, depth: int = 0) -> SList | LSString:
        self.system(cmd)
        return SList() if split else LSString()


def run_cells(shell: Shell, channel: Channel) -> None:
    """Run cells from the channel until it is closed."""
    memory = resident()
    for line in channel.lines:
        cell = json.loads(line)
        draw_pictures(shell, cell["pictures"])
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            before = cell["before"]
            with nullcontext() if before is None else names_restored(shell):
                if before is not None:
                    shell.run_cell(before)
                shell.last_execution_succeeded = False
                result = shell.run_cell(cell["source"], store_history=before is None)
            error = result.error_in_exec if result.error_before_exec is None else result.error_before_exec
            shell.flush()
        except KeyboardInterrupt as interrupt:
            error = interrupt
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        # A learner's exception handler can hide the error, so success means that the last line was executed.
        succeeded = error is None and shell.last_execution_succeeded is True
        kind = None if succeeded else "NotRunToItsEnd" if error is None else class_name(type(error))
        classes = [] if error is None else dotted_names(error)
        result = error = None
        if kind is not None:
            forget_error(shell, memory)
        channel.send({"done": cell["token"], "error": kind, "classes": classes, "count": shell.execution_count - 1})


@contextmanager
def names_restored(shell: Shell) -> Iterator[None]:
    """Afterwards every name of the notebook is what it was before."""
    kept = dict(shell.user_ns)
    try:
        yield
    finally:
        for name in shell.user_ns.keys() - kept.keys():
            del shell.user_ns[name]
        shell.user_ns.update(kept)


def class_name(error_class: type) -> str:
    """A class's name, read from `type` itself so that no code of a learner's metaclass is run."""
    return str.__str__(type.__dict__["__name__"].__get__(error_class)) or "Error"


def dotted_names(error: BaseException) -> list[str]:
    """The module and name of an error's class and of its base classes, read as in `class_name`."""
    names = []
    for error_class in type.__dict__["__mro__"].__get__(type(error)):
        with suppress(AttributeError):  # a class whose __module__ was deleted
            module = type.__dict__["__module__"].__get__(error_class)
            if issubclass(type(module), str):
                names.append(f"{str.__str__(module)}.{class_name(error_class)}")
    return names


def forget_error(shell: Shell, memory: int) -> None:
    """Let go of what a failed cell left for a debugger, which may be what used up the memory."""
    shell.InteractiveTB.tb = shell.last_execution_result = None
    for name in ("last_type", "last_value", "last_traceback", "last_exc"):
        setattr(sys, name, None)
    if resident() > memory + COLLECT_ABOVE:
        gc.collect()


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def draw_pictures(shell: Shell, wanted: bool) -> None:
    """Whether to draw pictures and widgets, which takes longer than most cells, or to show only their text."""
    formatter = shell.display_formatter
    formatter.ipython_display_formatter.enabled = formatter.mimebundle_formatter.enabled = wanted
    formatter.active_types = [kind for kind in formatter.format_types if wanted or not kind.startswith("image/")]

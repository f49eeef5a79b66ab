"""IPython inside a kernel: the outputs of cells go over a channel."""

import base64
import io
import json
import socket
import subprocess
import sys
import threading
from contextlib import AbstractContextManager, nullcontext
from types import SimpleNamespace
from typing import Any

from ipykernel.compiler import XCachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.text import LSString, SList
from traitlets import Type


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
    """Runs the cells of a notebook; their outputs go over a channel.

    Notebooks and packages find out by its name, its `kernel` and its settings whether they are in Jupyter.
    """

    displayhook_class, display_pub_class = Type(ChannelDisplayHook), Type(ChannelPublisher)
    compiler_class = Type(XCachingCompiler)
    channel: Channel | Collected
    may_start_programs = False
    shows_errors = True  # not where nobody reads them: a traceback takes longer than most checks
    kernel = SimpleNamespace(implementation="ipython", language="python")

    def connect(self, channel: Channel | Collected) -> None:
        """Send all output over this channel from now on."""
        self.channel = channel
        sys.stdout, sys.stderr = self.streams = Stream("stdout", channel), Stream("stderr", channel)

    def flush(self) -> None:
        # Not sys.stdout: an answer may have replaced it.
        for stream in self.streams:
            stream.flush()

    def showtraceback(self, *args: Any, **kwargs: Any) -> None:
        if self.shows_errors:
            super().showtraceback(*args, **kwargs)

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
        if self.may_start_programs:
            done = subprocess.run(self.var_expand(cmd, depth=1), shell=True, capture_output=True, text=True)
            print(done.stdout, end="")
            print(done.stderr, end="", file=sys.stderr)
            self.user_ns["_exit_code"] = done.returncode
            return
        print("not run: no other program may be started during grading")
        self.user_ns["_exit_code"] = 126  # what a shell returns for a command that it may not run

    system_piped = system_raw = system

    def getoutput(self, cmd: str, split: bool = True, depth: int = 0) -> SList | LSString:
        if self.may_start_programs:
            return super().getoutput(cmd, split=split, depth=depth + 1)
        self.system(cmd)
        return SList() if split else LSString()


Shell.__name__ = Shell.__qualname__ = "ZMQInteractiveShell"

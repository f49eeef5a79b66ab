"""The loop of a kernel: cells come in over a channel, and what became of them goes back over it."""

import gc
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from ninelives.grading.kernel_shell import Channel, Shell

fork, waitpid = os.fork, os.waitpid  # whatever a notebook makes of them
COLLECT_ABOVE = 64 << 20  # bytes of growth that make gc.collect() worthwhile


def run_cells(shell: Shell, channel: Channel) -> None:
    """Run cells from the channel until it is closed."""
    memory = resident()
    for line in channel.lines:
        cell = json.loads(line)
        if "fork" in cell:
            go_on_in_a_copy(channel, cell["fork"])
            continue
        draw_pictures(shell, cell["pictures"])
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            before = cell["before"]
            shell.shows_errors = before is None
            with nullcontext() if before is None else names_restored(shell):
                if before is not None:
                    define(shell, before)
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


def go_on_in_a_copy(channel: Channel, token: str) -> None:
    """Fork. The copy returns at once, and this process after the grader has killed the copy."""
    try:
        places = {}
        for name in os.listdir("/proc/self/fd"):
            with suppress(OSError):  # it has no place to read or write at
                places[int(name)] = os.lseek(int(name), 0, os.SEEK_CUR)
        copy = fork()
    except OSError:
        copy = None
    if copy == 0:
        channel.lock = threading.Lock()  # a thread that does not exist here may have held the old one
        channel.send({"forked": token})
        return
    if copy is not None:
        waitpid(copy, 0)
        for descriptor, place in places.items():  # the two have them in common
            with suppress(OSError):
                os.lseek(descriptor, place, os.SEEK_SET)
    channel.connection.sendall(b"\n")  # the copy may have died in the middle of a line
    channel.send({"joined": token})


def define(shell: Shell, source: str) -> None:
    """Run Python code that is no cell. Its lines can be looked up, as those of a cell."""
    file = shell.compile.cache(source)
    with suppress(Exception, SystemExit):
        exec(compile(source, file, "exec", dont_inherit=True), shell.user_ns)


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
    """Bytes of this process in memory; 0 in a copy, which may not read that of itself."""
    with suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def draw_pictures(shell: Shell, wanted: bool) -> None:
    """Whether to draw pictures and widgets, which takes longer than most cells, or to show only their text."""
    formatter = shell.display_formatter
    formatter.ipython_display_formatter.enabled = formatter.mimebundle_formatter.enabled = wanted
    formatter.active_types = [kind for kind in formatter.format_types if wanted or not kind.startswith("image/")]

"""The process that forks kernels: `python -m ninelives.grading.kernel_process FD SETTINGS`.

It imports everything once and contains nothing that a learner may not see. It listens on the socket FD:

    {"folder", "limits", "confined"}, with a socket  ->  {"pid"}   a kernel that talks over that socket
    {"warm": file, "folder"}, with a socket          ->  {"pid"}   a process like this one, which has imported the
                                                                   modules in the file and run its cells
    {"end": pid}                                     ->  {"status", "seconds"}   the process was killed, if it lived

SETTINGS is JSON: {"preload", "warm_up", "readable_packages", "readable_paths", "boxed": true inside bubblewrap}.

A kernel reads one cell per line, {"source", "token", "pictures", "before"}. `before` is null, or code to run before the
cell; then the names that the two define are forgotten. The kernel answers with the cell's outputs, one per line, as
notebooks store them, and then {"done": token, "error", "classes", "count"}. `error` is null if the cell ran to its end,
or the name of an exception whose classes are listed in `classes`. When the socket FD is closed, all kernels die.
"""

import gc
import importlib
import json
import os
import pickle
import pkgutil
import random
import signal
import socket
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from traitlets.config import Config

from ninelives.grading.kernel_shell import Channel, Collected, Shell, run_cells
from ninelives.grading.readable_paths import readable_paths
from ninelives.grading.sandbox import PR_SET_DUMPABLE, PR_SET_PDEATHSIG, Limits, confine, libc


def make_shell(preload: list[str], warm_up: list[str]) -> Shell:
    """A shell with everything imported, before the first fork."""
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
    shell = Shell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    for name in [*preload, "pyseccomp"]:  # pyseccomp, because a confined kernel cannot import it
        with suppress(ImportError):  # a notebook that needs it will say so itself
            _import(name)
    _run_once(shell, ["1 / 0", *warm_up])
    gc.collect()
    gc.freeze()
    return shell


def _import(name: str) -> None:
    """Import a module, or for "package.*" a package and all modules directly in it."""
    module = importlib.import_module(name.removesuffix(".*"))
    if name.endswith(".*"):
        for found in pkgutil.iter_modules(module.__path__, f"{module.__name__}."):
            importlib.import_module(found.name)


def _run_once(shell: Shell, cells: list[str]) -> None:
    """Run cells and forget what they define; what they load or build, no kernel has to load or build again."""
    shell.connect(Collected())
    for source in cells:
        shell.run_cell(source)
    shell.reset(new_session=True)
    shell.execution_count = 1


def become_warm_server(shell: Shell, control: socket.socket, request: dict, readable: list[str] | None) -> None:
    """In the forked process: run the cells that every learner's notebook begins with, then fork kernels from there."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    os.chdir(Path(request["folder"], "submission"))
    _put_working_folder_last()
    os.environ["NBGRADER_EXECUTION"] = "autograde"
    file = Path(request["warm"])
    asked = json.loads(file.read_text(encoding="utf-8"))
    for name in asked["modules"]:
        with suppress(Exception):  # some modules only exist while others are imported
            importlib.import_module(name)
    seed_randomly()
    state_before, cells = random_state(), []
    for source in asked["cells"]:
        shell.connect(Collected())
        result = shell.run_cell(source, store_history=True)
        shell.flush()
        cells.append(
            {"messages": list(shell.channel), "succeeded": result.success, "count": shell.execution_count - 1}
        )
    shell.random_state = random.getstate() if random_state() != state_before else None
    one_thread = len(os.listdir("/proc/self/task")) == 1
    gc.freeze()
    answer = json.dumps({"cells": cells, "one_thread": one_thread}, default=str)
    file.with_suffix(".run").write_text(answer, encoding="utf-8")
    serve(shell, control, readable)


def become_kernel(shell: Shell, connection: socket.socket, request: dict, readable: list[str] | None) -> None:
    """In the forked process: confine it, then run cells."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
    os.setsid()
    folder = Path(request["folder"])
    home = folder / "tmp"
    home.mkdir(exist_ok=True)
    os.environ.update(
        HOME=str(home), TMPDIR=str(home), IPYTHONDIR=str(home / ".ipython"), MPLCONFIGDIR=str(home),
        NBGRADER_EXECUTION="autograde")
    tempfile.tempdir = None  # tempfile caches its folder; forget the parent's
    os.chdir(folder / "submission")
    _put_working_folder_last()
    if shell.random_state is None:
        seed_randomly()
    else:
        random.setstate(shell.random_state)  # Python reseeds `random` in a forked process
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):  # the log of the server, which is not for the output of kernels
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
    if request["confined"]:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        confine(folder, Limits(**request["limits"]), readable)
    channel = Channel(connection)
    shell.connect(channel)
    channel.send({"ready": os.getpid()})
    run_cells(shell, channel)


def seed_randomly() -> None:
    """As in a process that was not forked."""
    random.seed()
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()


def random_state() -> bytes:
    """Changes when random numbers are drawn or seeded."""
    numpy_state = sys.modules["numpy.random"].get_state() if "numpy.random" in sys.modules else None
    return pickle.dumps((random.getstate(), numpy_state))


def _put_working_folder_last() -> None:
    """A learner's file named like a module, such as random.py, must not hide the module."""
    sys.path[:] = [path for path in sys.path if path != ""] + [""]


def serve(shell: Shell, control: socket.socket, readable: list[str] | None) -> None:
    """Answer requests for forks until the socket is closed."""
    if os.getpid() == 1:  # inside bubblewrap, where kernels see this process in /proc: they must not look into it
        libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    control.send(b'{"ready": true}')
    children = set()
    while True:
        data, descriptors, *_ = socket.recv_fds(control, 65536, 1)
        if not data:
            break
        request = json.loads(data)
        if "end" in request:
            answer = kill(request["end"])
            children.discard(request["end"])
        else:
            connection = socket.socket(fileno=descriptors[0])
            pid = os.fork()
            if pid == 0:
                control.close()
                run_child(shell, connection, request, readable)
            connection.close()
            children.add(pid)
            answer = {"pid": pid}
        control.send(json.dumps(answer).encode())
    for pid in children:
        os.kill(pid, signal.SIGKILL)


def kill(pid: int) -> dict:
    """Kill a child, and its own children if it was free to have any. Returns what it used."""
    for send_signal in (os.kill, os.killpg):
        with suppress(ProcessLookupError):
            send_signal(pid, signal.SIGKILL)
    _, status, used = os.wait4(pid, 0)
    return {"status": os.waitstatus_to_exitcode(status), "seconds": used.ru_utime + used.ru_stime}


def run_child(shell: Shell, connection: socket.socket, request: dict, readable: list[str] | None) -> None:
    """Everything that a forked process does. It ends here: none of its parent's code may run in it."""
    try:
        become = become_warm_server if "warm" in request else become_kernel
        become(shell, connection, request, readable)
    except BaseException as problem:
        with suppress(OSError):
            message = {"refused": f"{type(problem).__name__}: {problem}"}
            connection.sendall(json.dumps(message).encode() + b"\n")
    finally:
        os._exit(0)


def main(descriptor: str, settings: str) -> None:
    asked = json.loads(settings)
    shell = make_shell(asked["preload"], asked["warm_up"])
    readable = None if asked["boxed"] else readable_paths(asked["readable_packages"], asked["readable_paths"])
    serve(shell, socket.socket(fileno=int(descriptor)), readable)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The process that forks kernels: `python -m ninelives.grading.kernel_process FD MODULES`.

It imports everything once and contains nothing that a learner may not see. MODULES is JSON: what is known to be needed
when it starts. The first message on the socket FD says the rest: {"preload", "warm_up", "modules": what the notebooks
import, "readable_packages", "readable_paths", "processes": how many others a kernel may have at once, "boxed": true
inside bubblewrap}. Then it listens on FD:

    {"folder", "limits", "confined"}, with a socket  ->  {"pid"}   a kernel that talks over that socket
    {"end": pid}                                     ->  {"status", "seconds"}   the process was killed, if it lived
    {"join": true}, with a socket                                  it listens on that one, too, for another process

A kernel sends an empty line first, and with it the listener that decides about new processes. It reads one cell per
line, {"source", "token", "pictures", "before"}. `before` is null, or code to run before the cell; then the names that
the two define are forgotten. The kernel answers with the cell's outputs, one per line, as notebooks store them, and then
{"done": token, "error", "classes", "count"}. `error` is null if the cell ran to its end, or the name of an exception
whose classes are listed in `classes`. After {"fork": token} a copy of the kernel reads the cells, which says {"forked":
token}, until it is killed; then the kernel says {"joined": token}. When a socket is closed, the kernels that were asked
for over it die; when FD is, all do.
"""

import gc
import importlib
import json
import os
import pkgutil
import random
import select
import signal
import socket
import sys
import tempfile
from contextlib import suppress
from functools import partial
from pathlib import Path

from traitlets.config import Config

from ninelives.grading.kernel_cells import run_cells
from ninelives.grading.kernel_shell import Channel, Collected, Shell
from ninelives.grading.readable_paths import readable_paths
from ninelives.grading.sandbox import Limits, confine
from ninelives.grading.system_calls import PR_SET_DUMPABLE, PR_SET_PDEATHSIG, libc
from ninelives.grading.worker_process import import_all, import_less


def make_shell(modules: list[str]) -> Shell:
    """A shell, and these modules imported."""
    gc.disable()  # until everything is imported: almost nothing of it is garbage
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
    shell = Shell.instance(config=Config({"HistoryManager": {"enabled": False}, "IPKernelApp": {}}))
    shell.connect(Collected())  # some modules print
    _import_less_for(modules)
    _import_as_written(modules)
    return shell


def prepare(shell: Shell, preload: list[str], warm_up: list[str], modules: list[str]) -> None:
    """Import everything, before the first fork."""
    _import_less_for(modules)
    for name in [*preload, "pyseccomp"]:  # pyseccomp, because a confined kernel cannot import it
        with suppress(ImportError):  # a notebook that needs it will say so itself
            _import(name)
    _run_once(shell, ["1 / 0", *warm_up])
    _import_as_written(modules)
    import_all()
    gc.freeze()
    gc.enable()


def _import_less_for(modules: list[str]) -> None:
    """Leave out what takes long, except for a notebook about jsonschema, which may need it."""
    (import_all if any(name.startswith("jsonschema") for name in modules) else import_less)()


def _import(name: str) -> None:
    """Import a module, or for "package.*" a package and all modules directly in it."""
    module = importlib.import_module(name.removesuffix(".*"))
    if name.endswith(".*"):
        for found in pkgutil.iter_modules(module.__path__, f"{module.__name__}."):
            importlib.import_module(found.name)


def _import_as_written(modules: list[str]) -> None:
    """Import each "module", or "module:name", where the name may be that of another module in it."""
    for written in modules:
        name, _, inside = written.partition(":")
        with suppress(Exception, SystemExit):
            module = importlib.import_module(name)
            if inside and not hasattr(module, inside):
                importlib.import_module(f"{name}.{inside}")


def _run_once(shell: Shell, cells: list[str]) -> None:
    """Run cells and forget what they define; what they load or build, no kernel has to load or build again."""
    for source in cells:
        shell.run_cell(source)
    shell.reset(new_session=True)
    shell.execution_count = 1


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
    seed_randomly()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):  # the log of the server, which is not for the output of kernels
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
    if request["confined"]:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        confine(folder, Limits(**request["limits"]), readable, partial(hand_over, connection), shell.may_start_programs)
    else:
        hand_over(connection, None)
    channel = Channel(connection)
    shell.connect(channel)
    channel.send({"ready": os.getpid()})
    run_cells(shell, channel)


def hand_over(connection: socket.socket, listener: int | None) -> None:
    """Give the grader the listener that decides about new processes, if there is one."""
    socket.send_fds(connection, [b"\n"], [] if listener is None else [listener])


def seed_randomly() -> None:
    """As in a process that was not forked."""
    random.seed()
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()


def _put_working_folder_last() -> None:
    """A learner's file named like a module, such as random.py, must not hide the module."""
    sys.path[:] = [path for path in sys.path if path != ""] + [""]


def serve(shell: Shell, control: socket.socket, readable: list[str] | None) -> None:
    """Answer requests for forks until the socket is closed."""
    if os.getpid() == 1:  # inside bubblewrap, where kernels see this process in /proc: they must not look into it
        libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    kernels: dict[socket.socket, set[int]] = {control: set()}  # by who has asked for them
    while control in kernels:
        [asking, *_], _, _ = select.select(kernels, [], [])
        data, descriptors = _received(asking)
        if not data:
            asking.close()
            for pid in kernels.pop(asking):
                kill(pid)
            continue
        request = json.loads(data)
        if "join" in request:
            kernels[socket.socket(fileno=descriptors[0])] = set()
            continue
        if "end" in request:
            answer = kill(request["end"])
            kernels[asking].discard(request["end"])
        else:
            connection = socket.socket(fileno=descriptors[0])
            pid = os.fork()
            if pid == 0:
                for one in kernels:
                    one.close()
                run_child(shell, connection, request, readable)
            connection.close()
            kernels[asking].add(pid)
            answer = {"pid": pid}
        with suppress(OSError):  # it may have died meanwhile
            asking.send(json.dumps(answer).encode())
    for pid in set().union(*kernels.values()):
        kill(pid)


def _received(asking: socket.socket) -> tuple[bytes, list[int]]:
    """A request, and the socket that came with it. Nothing, if the one who asks has ended."""
    try:
        data, descriptors, *_ = socket.recv_fds(asking, 65536, 1)
    except ConnectionError:
        return b"", []
    return data, descriptors


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
        become_kernel(shell, connection, request, readable)
    except BaseException as problem:
        with suppress(OSError):
            message = {"refused": f"{type(problem).__name__}: {problem}"}
            connection.sendall(json.dumps(message).encode() + b"\n")
    finally:
        os._exit(0)


def main(descriptor: str, modules: str, settings: str = "") -> None:
    """`settings` is the first message, if it has been received before."""
    shell, control = make_shell(json.loads(modules)), socket.socket(fileno=int(descriptor))
    settings = settings or control.recv(1 << 20).decode()
    if not settings:
        return  # it is not needed any more
    asked = json.loads(settings)
    prepare(shell, asked["preload"], asked["warm_up"], asked["modules"])
    if asked["modules"] and len(os.listdir("/proc/self/task")) > 1:
        # A module has started a thread, which no forked process would have: let each kernel import for itself.
        again = json.dumps(asked | {"modules": []})
        os.execv(sys.executable, [sys.executable, "-m", "ninelives.grading.kernel_process", descriptor, "[]", again])
    shell.may_start_programs = asked["processes"] > 0
    readable = None if asked["boxed"] else readable_paths(asked["readable_packages"], asked["readable_paths"])
    serve(shell, control, readable)


if __name__ == "__main__":
    main(*sys.argv[1:])

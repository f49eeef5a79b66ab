"""Kernels, forked from one process that has imported everything already: `python -m ninelives.grading.kernel_process FD`.

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

import gc
import importlib
import json
import os
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
from ninelives.grading.readable_paths import readable
from ninelives.grading.sandbox import PR_SET_DUMPABLE, PR_SET_PDEATHSIG, Limits, confine, libc

PRELOADED = ("numpy", "numpy.random", "torch", "matplotlib.pyplot", "ipywidgets", "anywidget", "safetensors.torch", "pyseccomp")
PACKAGES = ("ninelives.model", "ninelives.figures", "ninelives.checks", "ninelives.widgets", "ninelives.text",
            "ninelives.training", "ninelives.recipes")


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

"""Kernels are forked from a process that has run what they share, and die with it."""

import json
import random
import time
from pathlib import Path

import numpy
import pytest

from helpers.kernels import COURSE, LIMITS
from ninelives.grading import sandbox
from ninelives.grading.kernel_server import KernelServer

pytestmark = pytest.mark.skipif(sandbox.missing() is not None, reason=f"no sandbox here: {sandbox.missing()}")


def is_gone(pid: int) -> bool:
    """Whether a process has ended, or does within a minute."""
    deadline = time.monotonic() + 60
    while Path(f"/proc/{pid}/exe").exists():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_without_a_sandbox_processes_started_by_a_kernel_die_with_it(kernels, folder):
    with kernels.start(folder, LIMITS, confined=False) as kernel:
        started = int(kernel.run("import subprocess\nprint(subprocess.Popen(['sleep', '600']).pid)").outputs[0].text)
    assert is_gone(started)


def test_a_busy_kernel_dies_with_its_server(folder):
    kernels = KernelServer(COURSE)
    kernel = kernels.start(folder, LIMITS)
    busy = {"source": "while True: pass", "token": "", "pictures": False, "before": None}
    kernel.connection.sendall(json.dumps(busy).encode() + b"\n")
    kernels.process.kill()
    kernels.process.wait()
    assert is_gone(kernel.pid)
    kernels.close()


def test_cells_at_the_beginning_are_run_once_for_all_kernels(kernels, folder, tmp_path):
    prepared, [first, second] = kernels.warm(folder, (), ["import time\nstarted = time.time()", "print('ready')"])
    assert second.outputs[0].text == "ready\n" and second.count == 2
    times = []
    for _ in range(2):
        with prepared.start(folder, LIMITS) as kernel:
            times.append(kernel.run("started").outputs[0].data["text/plain"])
            assert kernel.run("import socket; socket.socket()").error == "PermissionError"
    assert times[0] == times[1]
    prepared.close()

DRAW = "print(random.random(), numpy.random.rand())"


def drawn(kernels, tmp_path, beginning: str) -> list[str]:
    """What two kernels draw that begin with this cell."""
    for name in ("warm", "one", "other"):
        (tmp_path / name / "submission").mkdir(parents=True)
    server, _ = kernels.warm(tmp_path / "warm", ("numpy.random",), [f"import random, numpy\n{beginning}"])
    try:
        texts = []
        for name in ("one", "other"):
            with server.start(tmp_path / name, LIMITS) as kernel:
                texts.append(kernel.run(DRAW).outputs[0].text)
        return texts
    finally:
        server.close()


def test_random_numbers_that_a_notebook_seeds_at_its_beginning_are_those_of_the_seed(kernels, tmp_path):
    expected = f"{random.Random(3).random()} {numpy.random.RandomState(3).rand()}\n"
    assert drawn(kernels, tmp_path, "random.seed(3)\nnumpy.random.seed(3)") == [expected, expected]


def test_random_numbers_that_nobody_seeds_differ_between_kernels(kernels, tmp_path):
    one, other = drawn(kernels, tmp_path, "")
    assert not set(one.split()) & set(other.split())


@pytest.mark.parametrize("source", ["1 / 0", "open('file', 'w').close()", "import threading, time; threading.Thread(target=time.sleep, args=(9,), daemon=True).start()"])
def test_cells_that_fail_write_files_or_leave_threads_are_not_shared(kernels, folder, source):
    assert kernels.warm(folder, (), [source]) is None

"""Kernels are forked from a process that has run what they share, and die with it."""

import json
import random
import time
from pathlib import Path

import numpy
import pytest

from helpers.kernels import COURSE, LIMITS
from ninelives.grading import sandbox
from ninelives.grading.course import CourseSettings
from ninelives.grading.kernel_server import KernelServer, SharedServer

pytestmark = pytest.mark.skipif(sandbox.missing() is not None, reason=f"no sandbox here: {sandbox.missing()}")


def is_gone(pid: int) -> bool:
    """Whether a process has ended, or does within a minute."""
    deadline = time.monotonic() + 60
    while Path(f"/proc/{pid}/exe").exists():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_matplotlibs_list_of_fonts_is_kept_for_the_next_server_and_kernels_get_a_folder_of_their_own(kernels, folder):
    with kernels.start(folder, LIMITS) as kernel:
        assert kernel.run("import os\nprint(os.environ['MPLCONFIGDIR'])").outputs[0].text == f"{folder / 'tmp'}\n"
    assert list((Path.home() / ".cache" / "ninelives-grade").glob("fontlist-*.json")) and not list(Path(kernels.home).rglob("fontlist-*"))


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


DRAW = "import random, numpy\nprint(random.random(), numpy.random.rand())"


def drawn(kernels, folder, first: str) -> str:
    with kernels.start(folder, LIMITS) as kernel:
        kernel.run(f"import random, numpy\n{first}")
        return kernel.run(DRAW).outputs[0].text


def test_random_numbers_that_a_notebook_seeds_are_those_of_the_seed(kernels, folder):
    expected = f"{random.Random(3).random()} {numpy.random.RandomState(3).rand()}\n"
    assert drawn(kernels, folder, "random.seed(3)\nnumpy.random.seed(3)") == expected


def test_random_numbers_that_nobody_seeds_differ_between_kernels(kernels, folder):
    assert not set(drawn(kernels, folder, "").split()) & set(drawn(kernels, folder, "").split())


def test_a_worker_has_its_own_kernels_from_the_commands_server(kernels, folder, tmp_path):
    (tmp_path / "other" / "submission").mkdir(parents=True)
    worker, other = (SharedServer(kernels.control, kernels.home, kernels.course, kernels.modules) for _ in range(2))
    dead, alive = worker.start(folder, LIMITS), other.start(tmp_path / "other", LIMITS)
    sockets = "import os\nprint([name for name in map('/proc/self/fd/{}'.format, os.listdir('/proc/self/fd')) if os.path.exists(name) " \
              "and 'socket' in os.readlink(name)])"
    assert alive.run(sockets).outputs[0].text.count("/proc") == 1, "its own: over another one it could ask for a kernel without limits"
    worker.close()  # or dies
    assert is_gone(dead.pid)
    assert alive.run("1 + 1").outputs[0]["data"] == {"text/plain": "2"}
    alive.end()
    other.close()


def test_modules_are_imported_before_the_first_fork_and_one_that_starts_a_thread_by_each_kernel(folder, tmp_path):
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "busy.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(99,), daemon=True).start()")
    loaded = "import sys\nprint([name for name in ('wave', 'busy') if name in sys.modules])"
    course = CourseSettings(warm_up=(f"import sys; sys.path.append({str(tmp_path / 'packages')!r})",))
    servers = {"['wave']": KernelServer(course, ("wave:open", "there.is.none")), "[]": KernelServer(None, ("wave", "busy"))}
    assert all(server.serves(course, server.modules) for server in servers.values())
    for expected, server in servers.items():
        with server.start(folder, LIMITS) as kernel:
            assert kernel.run(loaded).outputs[0].text == f"{expected}\n"
        server.close()

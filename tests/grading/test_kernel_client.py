"""What the grader does with a kernel: it watches, interrupts and kills."""

import os
import select
import signal
import time
from pathlib import Path

import pytest

from helpers.kernels import LIMITS
from ninelives.grading import sandbox
from ninelives.grading.errors import KernelDied

pytestmark = pytest.mark.skipif(sandbox.missing() is not None, reason=f"no sandbox here: {sandbox.missing()}")


def test_a_loop_is_interrupted_and_the_kernel_survives(patient, run):
    outcome = run("x = 1\nwhile True: pass", 1)
    assert outcome.error == "KeyboardInterrupt" and "more than 1 seconds" in outcome.stopped
    assert run("x").outputs[0].data["text/plain"] == "1"


def test_a_loop_ends_when_the_notebooks_time_is_up(patient, kernels, folder):
    with kernels.start(folder, LIMITS) as kernel:
        kernel.deadline = time.monotonic() + 1
        assert kernel.run("while True: pass", 600).stopped == "the notebook ran for more than 60 seconds"


def test_output_of_a_thread_between_two_cells_is_dropped(kernels, folder):
    with kernels.start(folder, LIMITS) as kernel:
        kernel.run("import os, threading, time\ndef late():\n    while not os.path.exists('go'): time.sleep(0.01)\n    print('late', flush=True)\n"
                   "threading.Thread(target=late).start()")
        (folder / "submission" / "go").touch()
        assert select.select([kernel.connection], [], [], 60)[0]
        assert [output.output_type for output in kernel.run("1").outputs] == ["execute_result"]


@pytest.mark.parametrize("source", ["get_ipython().channel.connection.sendall(bytes(2 << 20))", "for i in range(100): print('1' * 90_000)"])
def test_a_kernel_that_sends_far_too_much_is_killed(run, source):
    with pytest.raises(KernelDied, match="far too much output"):
        run(source)


def test_a_kernel_that_does_not_read_is_given_up(run):
    run("import sys, time\ndef deaf():\n    frame = sys._getframe()\n    while not {'channel', 'cell'} <= frame.f_locals.keys(): frame = frame.f_back\n"
        "    frame.f_locals['channel'].send({'done': frame.f_locals['cell']['token'], 'error': None, 'count': 1})\n"
        "    while True: time.sleep(1)\ndeaf()")
    with pytest.raises(KernelDied, match="no longer reads its cells"):
        run("#" * (8 << 20))


def test_a_dead_kernel_has_a_cause_of_death(kernels, folder):
    with kernels.start(folder, LIMITS) as kernel, pytest.raises(KernelDied, match="ended itself with status 3"):
        kernel.run("print('before', flush=True); import os; os._exit(3)")
    assert kernel.outcome.outputs[0].text == "before\n"


def test_a_kernel_that_is_killed_between_two_cells_was_killed_from_outside(kernels, folder):
    with kernels.start(folder, LIMITS) as kernel:
        kernel.run("1")
        os.kill(kernel.pid, signal.SIGKILL)
        while Path(f"/proc/{kernel.pid}/exe").exists():
            time.sleep(0.01)
        with pytest.raises(KernelDied, match="the kernel died: killed by SIGKILL") as death:
            kernel.run("2")
    assert death.value.from_outside, "so that the cell is tried again"


def test_page_tables_count_as_memory(run):
    touch = ("import mmap\nnothing = mmap.mmap(-1, 1 << 40, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000, prot=mmap.PROT_READ)\n"
             "nothing.madvise(mmap.MADV_NOHUGEPAGE)\nnothing[:: 1 << 21]")
    with pytest.raises(KernelDied, match="of memory"):
        run(touch)

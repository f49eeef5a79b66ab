"""What learners' code cannot do, tried one by one in a kernel of its own."""

import sys
from pathlib import Path

import pytest

from ninelives.grading import sandbox
from ninelives.grading.execute import KernelDied, Kernels
from ninelives.grading.sandbox import Limits

pytestmark = pytest.mark.skipif(sandbox.missing() is not None, reason=f"no sandbox here: {sandbox.missing()}")
LIMITS = Limits(cell=10, notebook=60, memory=400 << 20, disk=20 << 20, output=100_000)


@pytest.fixture(scope="module")
def kernels():
    kernels = Kernels()
    yield kernels
    kernels.close()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "submission").mkdir()
    return tmp_path


@pytest.fixture
def run(kernels, folder):
    """Runs cells in one kernel; gives the last cell's outcome."""
    with kernels.start(folder, LIMITS) as kernel:
        yield kernel.run


REFUSED = {
    "another program": ("import subprocess; subprocess.run(['true'])", "PermissionError"),
    "a copy of itself": ("import os; os.fork()", "PermissionError"),
    "a network": ("import socket; socket.socket()", "PermissionError"),
    "a socket of the system": ("import socket; socket.socket(socket.AF_UNIX).connect('/run/dbus/system_bus_socket')", "PermissionError"),
    "a signal to its parent": ("import os; os.kill(os.getppid(), 0)", "PermissionError"),
    "a signal to all": ("import os; os.kill(-1, 0)", "PermissionError"),
    "the list of users": ("open('/etc/passwd').read()", "PermissionError"),
    "the top folder": ("import os; os.listdir('/')", "PermissionError"),
    "another's environment": ("import os; open(f'/proc/{os.getppid()}/environ').read()", "PermissionError"),
    "the packages": ("import torch; open(torch.__file__, 'a')", "PermissionError"),
    "a folder outside": ("import os; os.mkdir('/tmp/outside')", "PermissionError"),
    "a device": ("import os; os.mknod('device', 0o20600)", "PermissionError"),
    "more memory": ("bytearray(1 << 30)", "MemoryError"),
    "a large file": ("with open('large', 'wb') as f: f.write(bytes(15 << 20))", "OSError"),
    "its old limits": ("import resource as r; r.setrlimit(r.RLIMIT_DATA, (r.RLIM_INFINITY,) * 2)", "ValueError"),
    "a new thread's clone": ("import ctypes, os\nif ctypes.CDLL(None).syscall(56, 17, 0, 0, 0, 0) < 0: raise PermissionError", "PermissionError"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_it_is_refused(run, what):
    source, error = REFUSED[what]
    assert run(source).error == error


def test_it_is_root_in_name_alone(run):
    lines = run("print(open('/proc/self/status').read())").outputs[0].text.split("\n")
    held = dict(line.split(":\t") for line in lines if line.startswith(("CapEff", "CapPrm", "NoNewPrivs", "Seccomp:")))
    assert held == {"CapEff": "0000000000000000", "CapPrm": "0000000000000000", "NoNewPrivs": "1", "Seccomp": "2"}


def test_what_notebooks_need_goes_on(run, folder):
    source = """
import tempfile, threading, asyncio, shutil, os
from pathlib import Path
import torch, matplotlib.pyplot as plt
Path("mine").mkdir()
Path("mine/a.txt").write_text("a")
shutil.copy("mine/a.txt", "b.txt"); os.rename("b.txt", "mine/b.txt"); shutil.rmtree("mine")
with tempfile.NamedTemporaryFile() as file: torch.save(torch.ones(3), file)
thread = threading.Thread(target=print, args=("from a thread",)); thread.start(); thread.join()
await asyncio.sleep(0)
figure = plt.plot([1, 2])
plt.show()
(Path.home() / "note").write_text("in a home of its own")
torch.nn.Linear(2, 2)(torch.ones(2)).sum().backward()
"""
    outcome = run(source)
    assert outcome.error is None, outcome.outputs
    assert [list(output.get("data", {"text": 0})) for output in outcome.outputs] == [["text"], ["text/plain", "image/png"]]
    assert (folder / "tmp" / "note").exists()


def test_two_kernels_share_nothing(kernels, tmp_path):
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        (folder / "submission").mkdir(parents=True)
    with kernels.start(folders[0], LIMITS) as one, kernels.start(folders[1], LIMITS) as other:
        one.run("open('secret', 'w').write('1'); import torch; torch.changed = True")
        assert other.run(f"open('{folders[0]}/submission/secret')").error == "PermissionError"
        assert other.run("import torch; torch.changed").error == "AttributeError"
        assert one.run("import random; print(random.random())").outputs != other.run("import random; print(random.random())").outputs


def test_a_loop_is_interrupted_and_the_kernel_goes_on(run):
    outcome = run("x = 1\nwhile True: pass", 1)
    assert outcome.error == "KeyboardInterrupt" and "more than 1 seconds" in outcome.stopped
    assert run("x").outputs[0].data["text/plain"] == "1"


def test_a_kernel_that_dies_says_of_what(kernels, folder):
    with kernels.start(folder, LIMITS) as kernel, pytest.raises(KernelDied, match="ended itself with status 3"):
        kernel.run("print('before', flush=True); import os; os._exit(3)")
    assert kernel.outcome.outputs[0].text == "before\n"


def test_output_is_cut_where_there_is_too_much(run):
    outcome = run("for i in range(100000): print(i)")
    assert outcome.error is None and outcome.outputs[-1].text.endswith("The rest of the output is cut off.\n")
    assert len(outcome.outputs[0].text) < LIMITS.output


def test_displays_are_updated_and_cleared(run):
    outcome = run("from IPython.display import display, clear_output\nprint('gone')\nclear_output()\n"
                  "shown = display('old', display_id=True)\nshown.update('new')\n42")
    assert [output.data["text/plain"] for output in outcome.outputs] == ["'new'", "42"]


def test_without_pictures_their_words_remain(kernels, folder):
    source = "import torch\nfrom ninelives import figures\nfigures.heatmap(torch.eye(2), rows=['a', 'b'], columns=['a', 'b'], title='t', caption='c')"
    with kernels.start(folder, LIMITS) as kernel:
        [output] = kernel.run(source, pictures=False).outputs
        assert list(output.data) == ["text/plain"] and "In words" in output.data["text/plain"]
        assert "image/png" in kernel.run(source).outputs[0].data


def test_cells_that_all_begin_with_are_run_once(kernels, folder, tmp_path):
    prepared, [first, second] = kernels.prepare(folder, (), ["import time\nstarted = time.time()", "print('ready')"])
    assert second.outputs[0].text == "ready\n" and second.count == 2
    times = []
    for _ in range(2):
        with prepared.start(folder, LIMITS) as kernel:
            times.append(kernel.run("started").outputs[0].data["text/plain"])
            assert kernel.run("import socket; socket.socket()").error == "PermissionError"
    assert times[0] == times[1]
    prepared.close()


@pytest.mark.parametrize("source", ["1 / 0", "open('file', 'w').close()", "import threading, time; threading.Thread(target=time.sleep, args=(9,), daemon=True).start()"])
def test_cells_that_fail_write_files_or_leave_threads_are_not_shared(kernels, folder, source):
    assert kernels.prepare(folder, (), [source]) is None


def test_where_it_cannot_work_it_says_why(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert sandbox.missing() == "the sandbox needs Linux, and this is darwin"


def test_nothing_readable_holds_a_course():
    for path in sandbox.readable():
        assert not Path(path, "solutions").exists() and not Path(path, "answers").exists()

"""What runs in a copy of a kernel leaves no trace in it, and a copy that dies or hangs costs the kernel nothing."""

import random

import pytest

from helpers.kernels import LIMITS
from ninelives.grading import sandbox
from ninelives.grading.errors import CopyDied
from ninelives.grading.kernel_copy import copied

pytestmark = pytest.mark.skipif(sandbox.missing() is not None, reason=f"no sandbox here: {sandbox.missing()}")

STATE = """
import os, random, sqlite3
known, count = [1], iter(range(9))
random.seed(3)
memory = sqlite3.connect(":memory:")
memory.execute("create table t (x)")
disk = sqlite3.connect("disk.db")
disk.execute("create table t (x)")
disk.commit()
log = open("log.txt", "a+")
log.write("one ")
log.flush()
os.makedirs("folder/inside")
os.symlink("log.txt", "link")
"""
CHANGE = """
known.append(2); next(count); random.random()
for base in (memory, disk):
    base.execute("insert into t values (1)")
    base.commit()
log.write("two "); log.flush(); log.seek(0); log.read()
os.remove("link"); os.rmdir("folder/inside"); os.rmdir("folder")
open("new.txt", "w").write("new")
open("other.db", "wb").close()
print("changed")
"""
SHOW = """
print(known, next(count), random.random(), [base.execute("select count(*) from t").fetchone() for base in (memory, disk)])
log.write("three"); log.flush()
print(open("log.txt").read(), os.readlink("link"), os.path.isdir("folder/inside"), os.path.exists("new.txt"))
"""


@pytest.fixture
def kernel(kernels, folder):
    with kernels.start(folder, LIMITS) as kernel:
        kernel.run("x = 1")
        yield kernel


def test_objects_files_databases_and_random_numbers_are_as_before(kernel):
    kernel.run(STATE)
    for _ in range(2):
        with copied(kernel):
            assert kernel.run(CHANGE).outputs[0].text == "changed\n"
    assert kernel.run(SHOW).outputs[0].text.split("\n") == [
        f"[1] 0 {random.Random(3).random()} [(0,), (0,)]", "one three log.txt True False", ""]


@pytest.mark.parametrize(("source", "cause"), [
    ("import os; os._exit(3)", "ended itself"), ("import ctypes; ctypes.string_at(0)", "ended itself"),
    ("while True: pass", "more than 1 seconds"),
    ("get_ipython().channel.connection.sendall(b'{\"half a line')\nimport os; os._exit(0)", "forged|ended itself"),
    ("kept = []\nwhile True: kept.append(bytearray(1 << 20))", None),
])
def test_a_copy_that_dies_or_hangs_costs_the_kernel_nothing(kernel, source, cause):
    if cause is None:
        with copied(kernel):
            assert kernel.run(source).error == "MemoryError"
    else:
        with pytest.raises(CopyDied, match=cause), copied(kernel):
            kernel.run(source, 1)
    assert kernel.run("x").outputs[0].data["text/plain"] == "1"


def test_neither_a_kernel_nor_its_copy_may_start_a_process(kernel):
    fork = "import os, subprocess\nfor start in (os.fork, lambda: subprocess.run(['true'])):\n    try:\n        start()\n    except PermissionError:\n        print('refused')"
    assert kernel.run(fork).outputs[0].text == "refused\nrefused\n"
    with copied(kernel):
        assert kernel.run(fork).outputs[0].text == "refused\nrefused\n"


def test_a_thread_cannot_use_the_moment_in_which_a_copy_is_made(kernel):
    kernel.run("import os, threading, time\nmade = []\ndef greedy():\n    while True:\n        try:\n            made.append(os.fork())\n"
               "        except PermissionError: pass\nthreading.Thread(target=greedy, daemon=True).start()")
    for _ in range(5):
        with copied(kernel):
            assert kernel.run("x").error is None
    assert kernel.run("print(made)").outputs[0].text == "[]\n"


def test_without_a_listener_no_copy_is_made(kernel):
    kernel.listener.close()
    kernel.listener = None
    with pytest.raises(CopyDied, match="on this system"), copied(kernel):
        pass

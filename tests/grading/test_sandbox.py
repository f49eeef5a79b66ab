"""What learners' code cannot do, tried one by one in a kernel."""

import json
import os
import random
import re
import select
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy
import pytest
from traitlets.config.loader import PyFileConfigLoader

from helpers.classroom import ANSWERS, NAME, POINTS, filled, make_course, send
from ninelives.build import ROOT
from ninelives.grading import bubblewrap as bubblewrap_module
from ninelives.grading import cli, kernel_client, kernel_pool, sandbox
from ninelives.grading.batch import Batch
from ninelives.grading.errors import KernelDied, KernelServerDied
from ninelives.grading.grade import grade
from ninelives.grading.kernel_server import BubblewrapServers, KernelServer
from ninelives.grading.kernel_shell import class_name, dotted_names
from ninelives.grading.outputs import Outputs
from ninelives.grading.readable_paths import readable_paths
from ninelives.grading.sandbox import Limits
from ninelives.grading.settings import course_settings

pytestmark = pytest.mark.skipif(sandbox.missing() is not None, reason=f"no sandbox here: {sandbox.missing()}")
COURSE = course_settings(PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config(), ROOT)
LIMITS = Limits(cell=10, notebook=60, memory=400 << 20, disk=20 << 20, output=100_000)


@pytest.fixture(scope="module")
def kernels():
    kernels = KernelServer(COURSE)
    yield kernels
    kernels.close()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "submission").mkdir()
    return tmp_path


@pytest.fixture
def run(kernels, folder):
    """Runs cells in one kernel and returns the outcome of the last."""
    with kernels.start(folder, LIMITS) as kernel:
        yield kernel.run


@pytest.fixture
def patient(monkeypatch):
    """Give an interrupted cell more time to end, for busy machines."""
    monkeypatch.setattr(kernel_client, "GRACE", 60.0)


REFUSED = {
    "another program": ("import subprocess; subprocess.run(['true'])", "PermissionError"),
    "a copy of itself": ("import os; os.fork()", "PermissionError"),
    "a network": ("import socket; socket.socket()", "PermissionError"),
    "a socket of the system": ("import socket; socket.socket(socket.AF_UNIX).connect('/run/dbus/system_bus_socket')", "PermissionError"),
    "a signal to its parent": ("import os; os.kill(os.getppid(), 0)", "PermissionError"),
    "a signal to all": ("import os; os.kill(-1, 0)", "PermissionError"),
    "a file that signals others": ("import fcntl, os; fcntl.fcntl(0, fcntl.F_SETOWN, os.getppid())", "PermissionError"),
    "the same in 64 bits": ("import ctypes, os\nif ctypes.CDLL(None).syscall(72, 0, ctypes.c_ulong(1 << 32 | 8), os.getppid()): raise PermissionError", "PermissionError"),
    "the same for a group": ("import fcntl; fcntl.fcntl(0, 15, bytes(8))", "PermissionError"),
    "another signal from a file": ("import fcntl; fcntl.fcntl(0, fcntl.F_SETSIG, 9)", "PermissionError"),
    "a socket that signals others": ("import fcntl, os, socket; fcntl.ioctl(socket.socketpair()[0], 0x8901, os.getppid().to_bytes(4, 'little'))", "PermissionError"),
    "the same by its other name": ("import fcntl, os, socket; fcntl.ioctl(socket.socketpair()[0], 0x8902, os.getppid().to_bytes(4, 'little'))", "PermissionError"),
    "a lease": ("import fcntl, os, torch; fcntl.fcntl(os.open(torch.__file__, os.O_RDONLY), fcntl.F_SETLEASE, fcntl.F_RDLCK)", "PermissionError"),
    "word of a folder's changes": ("import fcntl, os; fcntl.fcntl(os.open('.', os.O_RDONLY), fcntl.F_NOTIFY, fcntl.DN_CREATE)", "PermissionError"),
    "datagrams to a path": ("import socket; socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b'out', 'PATH')", "PermissionError"),
    "packets to a path": ("import socket; socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)", "PermissionError"),
    "a message with an address": ("import socket; socket.socketpair()[0].sendto(b'out', 'PATH')", "PermissionError"),
    "a message with open files": ("import array, socket; socket.socketpair()[0].sendmsg([b'1'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [0]))])", "PermissionError"),
    "life after its parent": ("import ctypes\nif ctypes.CDLL(None).syscall(157, ctypes.c_ulong(1 << 32 | 1), 0): raise PermissionError", "PermissionError"),
    "not to be looked at": ("import ctypes\nif ctypes.CDLL(None).prctl(4, 0): raise PermissionError", "PermissionError"),
    "shared memory": ("import mmap; mmap.mmap(-1, 1 << 20)", "OSError"),
    "shared memory of a device": ("open('/dev/zero', 'rb')", "PermissionError"),
    "memory out of sight": ("import mmap; mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE).madvise(21)", "PermissionError"),
    "memory of a pipe": ("import fcntl, os; fcntl.fcntl(os.pipe()[0], fcntl.F_SETPIPE_SZ, 1 << 20)", "PermissionError"),
    "a pair of another kind": ("import socket; socket.socketpair(socket.AF_INET)", "PermissionError"),
    "its parent's processors": ("import os; os.sched_setaffinity(os.getppid(), {0})", "PermissionError"),
    "the list of users": ("open('/etc/passwd').read()", "PermissionError"),
    "the top folder": ("import os; os.listdir('/')", "PermissionError"),
    "another's environment": ("import os; open(f'/proc/{os.getppid()}/environ').read()", "PermissionError"),
    "the packages": ("import torch; open(torch.__file__, 'a')", "PermissionError"),
    "a folder outside": ("import os; os.mkdir('/tmp/outside')", "PermissionError"),
    "a device": ("import os; os.mknod('device', 0o20600)", "PermissionError"),
    "more memory": ("bytearray(1 << 30)", "MemoryError"),
    "a large file": ("with open('large', 'wb') as f: f.write(bytes(15 << 20))", "OSError"),
    "its old limits": ("import resource as r; r.setrlimit(r.RLIMIT_DATA, (r.RLIM_INFINITY,) * 2)", "ValueError"),
    "a copy by the newest call": ("import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nlibc.syscall(435, None, 0)\nif ctypes.get_errno() == 38: raise PermissionError", "PermissionError"),
    "a signal to its parent's thread": ("import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\nlibc.syscall(234, os.getppid(), os.getppid(), 0)\nif ctypes.get_errno() == 1: raise PermissionError", "PermissionError"),
    "a new thread's clone": ("import ctypes, os\nif ctypes.CDLL(None).syscall(56, 17, 0, 0, 0, 0) < 0: raise PermissionError", "PermissionError"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_it_is_refused(run, what):
    source, error = REFUSED[what]
    assert run(source).error == error


# What no function of Python's calls, and what would be a way out, around a limit, or to others.
CALLS = """
    io_uring_setup io_setup vmsplice tkill rt_sigqueueinfo pidfd_open pidfd_getfd ptrace process_vm_readv process_vm_writev process_madvise
    kcmp perf_event_open bpf userfaultfd chroot setns open_tree name_to_handle_at memfd_create shmget semget msgget mq_open inotify_init1
    fanotify_init setpriority ioprio_set sched_setscheduler move_pages add_key keyctl personality
""".split()


def test_calls_without_a_function_are_refused(run):
    import pyseccomp

    numbers = {name: pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name) for name in CALLS}
    outcome = run(f"import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\nfor name, number in {numbers}.items():\n"
                  "    if libc.syscall(number, 0, 0, 0, 0, 0) != -1 or ctypes.get_errno() != 1: print(name)\nprint('all tried')")
    assert outcome.outputs[0].text == "all tried\n"


def test_amounts_are_limited(run):
    names = ("FSIZE", "CPU", "CORE", "NOFILE", "MSGQUEUE", "MEMLOCK")
    outcome = run(f"import resource\nfor name in {names}: print(*resource.getrlimit(getattr(resource, 'RLIMIT_' + name)))")
    limits = [LIMITS.disk // 2, 2 * LIMITS.notebook + 5, 0, 256, 0, 0]
    assert outcome.outputs[0].text == "".join(f"{most} {most}\n" for most in limits)


def test_a_kernel_has_no_open_file_of_another_process(run):
    held = "import os\nprint(sorted(os.readlink(f'/proc/self/fd/{n}').split(':')[0] for n in os.listdir('/proc/self/fd') if os.path.exists(f'/proc/self/fd/{n}')))"
    assert run(held).outputs[0].text == "['/dev/null', '/dev/null', '/dev/null', 'socket']\n"


def test_root_has_no_powers_in_a_kernel(run):
    lines = run("print(open('/proc/self/status').read())").outputs[0].text.split("\n")
    held = dict(line.split(":\t") for line in lines if line.startswith(("CapEff", "CapPrm", "NoNewPrivs", "Seccomp:")))
    assert held == {"CapEff": "0000000000000000", "CapPrm": "0000000000000000", "NoNewPrivs": "1", "Seccomp": "2"}


def test_what_notebooks_need_still_works(run, folder):
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
        drawn = "import random, numpy\nprint(random.random(), numpy.random.rand())"
        assert not set(one.run(drawn).outputs[0].text.split()) & set(other.run(drawn).outputs[0].text.split())


def test_a_loop_is_interrupted_and_the_kernel_survives(patient, run):
    outcome = run("x = 1\nwhile True: pass", 1)
    assert outcome.error == "KeyboardInterrupt" and "more than 1 seconds" in outcome.stopped
    assert run("x").outputs[0].data["text/plain"] == "1"


def test_a_loop_ends_when_the_notebooks_time_is_up(patient, kernels, folder):
    with kernels.start(folder, LIMITS) as kernel:
        kernel.deadline = time.monotonic() + 1
        assert kernel.run("while True: pass", 600).stopped == "the notebook ran for more than 60 seconds"


def test_names_from_code_run_before_a_cell_are_forgotten(run):
    run("x = 1")
    assert run("x + y", before="x, y = 2, 3").outputs[0].data["text/plain"] == "5"
    assert run("x").outputs[0].data["text/plain"] == "1" and run("y").error == "NameError"


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


def test_a_result_without_a_number_is_forged():
    with pytest.raises(KernelDied, match="forged"):
        Outputs(1000).add({"output_type": "execute_result", "data": {"text/plain": "1"}, "execution_count": "1"})


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


def test_a_dead_kernel_has_a_cause_of_death(kernels, folder):
    with kernels.start(folder, LIMITS) as kernel, pytest.raises(KernelDied, match="ended itself with status 3"):
        kernel.run("print('before', flush=True); import os; os._exit(3)")
    assert kernel.outcome.outputs[0].text == "before\n"


def test_the_memory_of_a_failed_cell_is_freed_for_the_next(run):
    bomb = "import torch\ndef fill():\n    kept = []\n    while True: kept.append(torch.ones(1 << 22))\nfill()"
    assert run(bomb).error is not None
    assert run("kept = bytearray(300 << 20)").error is None


def test_page_tables_count_as_memory(run):
    touch = ("import mmap\nnothing = mmap.mmap(-1, 1 << 40, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000, prot=mmap.PROT_READ)\n"
             "nothing.madvise(mmap.MADV_NOHUGEPAGE)\nnothing[:: 1 << 21]")
    with pytest.raises(KernelDied, match="of memory"):
        run(touch)


def test_the_name_of_an_error_is_read_without_running_its_code():
    def lie(self):
        raise KeyboardInterrupt

    name = type("Name", (str,), {"__bool__": lie, "__str__": lie, "__len__": lie})("Loud")
    loud = type("Meta", (type,), {"__name__": property(lie)})("Loud", (BaseException,), {"__class__": property(lie)})
    type.__dict__["__name__"].__set__(loud, name)
    assert class_name(loud) == "Loud" and type(class_name(loud)) is str


def test_an_error_comes_with_the_dotted_names_of_its_classes(run):
    outcome = run("class Own(KeyError): pass\nraise Own()")
    assert outcome.error == "Own"
    assert outcome.error_classes[:3] == ("__main__.Own", "builtins.KeyError", "builtins.LookupError")
    assert run("1").error_classes == ()


def test_a_class_with_an_odd_module_is_left_out():
    def lie(self):
        raise KeyboardInterrupt

    odd = type("Odd", (KeyError,), {"__module__": type("Module", (), {"__class__": property(lie)})()})
    assert dotted_names(odd())[0] == "builtins.KeyError"


def test_too_much_output_is_cut_off(run):
    outcome = run("for i in range(100000): print(i)")
    assert outcome.error is None and outcome.outputs[-1].text.endswith("The rest of the output is cut off.\n")
    assert len(outcome.outputs[0].text) < LIMITS.output


def test_displays_are_updated_and_cleared(run):
    outcome = run("from IPython.display import display, clear_output\nprint('gone')\nclear_output()\n"
                  "shown = display('old', display_id=True)\nshown.update('new')\n42")
    assert [output.data["text/plain"] for output in outcome.outputs] == ["'new'", "42"]


def test_without_pictures_their_text_remains(kernels, folder):
    source = "import torch\nfrom ninelives import figures\nfigures.heatmap(torch.eye(2), rows=['a', 'b'], columns=['a', 'b'], title='t', caption='c')"
    with kernels.start(folder, LIMITS) as kernel:
        [output] = kernel.run(source, pictures=False).outputs
        assert list(output.data) == ["text/plain"] and "In words" in output.data["text/plain"]
        assert "image/png" in kernel.run(source).outputs[0].data


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


@pytest.fixture
def no_landlock(monkeypatch):
    """A system without Landlock."""
    monkeypatch.setattr(sandbox, "landlock", lambda: 0)


@pytest.fixture
def bubblewrap(no_landlock):
    if not shutil.which("bwrap"):
        pytest.skip("bubblewrap is not installed (Debian: apt install bubblewrap)")
    assert sandbox.missing() is None


def test_without_landlock_bubblewrap_refuses_the_same(bubblewrap, patient, folder):
    others = {"one's own makers": ("open('/proc/1/mem', 'r+b')", "PermissionError"),
              "the course": (f"open({str(ROOT / 'solutions')!r})", "FileNotFoundError"),
              "a folder of all": ("open('/dev/shm/file', 'w')", "FileNotFoundError")}
    with BubblewrapServers(COURSE).start(folder, LIMITS) as kernel:
        for what, (source, error) in (REFUSED | others).items():
            if what == "the top folder":
                continue  # it can be read, and holds nothing of anyone's
            # What does not exist, or cannot be written by anyone, is refused with other words.
            assert kernel.run(source).error in (error, "FileNotFoundError", "OSError"), what
        assert kernel.run("while True: pass", 1).error == "KeyboardInterrupt"
        with pytest.raises(KernelDied, match="more than 20 MB of files"):
            kernel.run("import time\nfor name in 'abc': open(name, 'wb').write(bytes(9 << 20))\ntime.sleep(9)")
    assert kernel.used["seconds"] > 0


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    course = make_course(tmp_path_factory.mktemp("course"))
    send(course, "ada", filled(course, ANSWERS))
    return course


def test_without_landlock_bubblewrap_grades_the_same(bubblewrap, course, monkeypatch):
    monkeypatch.setattr(kernel_pool, "_of_thread", threading.local())
    graded = grade(Batch(course, NAME).task("ada", {}))[NAME]
    assert graded.scores == POINTS | {"why-scale": None} and not graded.notes


@pytest.mark.skipif(os.geteuid() != 0, reason="other users see it in all other tests")
@pytest.mark.skipif(not shutil.which("bwrap"), reason="bubblewrap is not installed (Debian: apt install bubblewrap)")
def test_root_is_not_needed(course, tmp_path):
    # For root no folder is closed.
    blind = "import os\nos.mkdir('blind', 0o300)\nos.mkdir('blind/below', 0)\nopen('blind/file', 'wb').write(bytes(1 << 20))\n"
    send(course, "blind", filled(course, ANSWERS | {"split-heads": blind + ANSWERS["split-heads"]}))
    as_someone = ["bwrap", "--dev-bind", "/", "/", "--unshare-user", "--uid", "1000", "--gid", "1000", "--chdir", str(course)]
    done = subprocess.run([*as_someone, sys.executable, "-m", "ninelives.grading", NAME, "--workers", "1"],
                          env=os.environ | {"TMPDIR": str(tmp_path)}, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0 and re.search(r"ada +6 of 8", done.stdout), done.stdout + done.stderr
    assert re.search(r"blind +3 of 8[^\0]*cannot be opened", done.stdout) and not list(tmp_path.iterdir()), done.stdout


def test_without_landlock_and_bubblewrap_nothing_is_graded(no_landlock, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(bubblewrap_module.shutil, "which", lambda name: None)
    bubblewrap_module.why_not.cache_clear()
    monkeypatch.chdir(tmp_path)
    assert cli.main([NAME]) == 2
    said = capsys.readouterr().err
    assert "Linux 5.13" in said and "apt install bubblewrap" in said and "--unsafe" in said and said.count("\n") == 1
    with pytest.raises(KernelServerDied, match="Landlock"):  # as a worker on another machine says it
        BubblewrapServers(COURSE)
    bubblewrap_module.why_not.cache_clear()


def test_no_readable_path_contains_a_course():
    for path in readable_paths():
        assert not Path(path, "solutions").exists() and not Path(path, "answers").exists()

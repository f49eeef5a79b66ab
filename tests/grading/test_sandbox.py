"""What learners' code cannot do, tried one by one in a kernel."""

import pytest

from helpers.kernels import LIMITS
from ninelives.grading import sandbox

pytestmark = pytest.mark.skipif(sandbox.missing() is not None, reason=f"no sandbox here: {sandbox.missing()}")

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

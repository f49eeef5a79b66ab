"""The sandbox: a process confines itself before it runs learners' code, for good and without root.

    files       Landlock (Linux 5.13): it reads the paths in a list, writes one folder, and opens nothing else;
                without Landlock, bubblewrap, inside which no other files exist
    calls       seccomp: no network, no other program, no signal to others, no tracing, no mounting
    amounts     rlimits: memory, size of a file, processor time

A confined process cannot start another one unless the grader allows that call, and cannot leave its group, so killing
the group ends everything that it started.
`missing()` says what to do on a system that cannot do this.
"""

import ctypes
import os
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ninelives.grading.bubblewrap import why_not
from ninelives.grading.system_calls import filter_calls, libc, listen_to_forks

# From <linux/landlock.h>. The numbers of these system calls are the same on every architecture.
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
ABI_VERSION, PATH_BENEATH = 1, 1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, TRUNCATE, IOCTL = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 14, 1 << 15
MAKE_CHARACTER_DEVICE, MAKE_BLOCK_DEVICE = 1 << 6, 1 << 11
READ = READ_FILE | READ_DIR
# Programs and what loads them.
PROGRAMS = (*(f"{path}/bin" for path in ("", "/usr", "/usr/local", sys.prefix, sys.base_prefix)),
            "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", f"{sys.base_prefix}/lib")
PR_SET_NO_NEW_PRIVS = 38


@dataclass(frozen=True)
class Limits:
    """What one notebook may use.

    Args:
        cell: seconds for one cell.
        notebook: seconds for the whole notebook.
        memory: bytes, on top of what the preloaded modules hold.
        disk: bytes of all files that it writes; one file may have half as many.
        output: bytes kept of the output of one cell.
        threads: threads alive at once.
        pictures: whether to draw the pictures of ungraded cells too.
    """

    cell: float = 60.0
    notebook: float = 600.0
    memory: int = 2 << 30
    disk: int = 256 << 20
    output: int = 2 << 20
    threads: int = 64
    pictures: bool = False


def landlock() -> int:
    """The version of Landlock in this system's kernel; less than 1 if there is none or it is disabled."""
    return libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ABI_VERSION)


def missing() -> str | None:
    """Why learners' code cannot be confined here, in one sentence; None if it can."""
    try:
        import pyseccomp  # noqa: F401, to see whether the system has the library
    except (ImportError, RuntimeError) as problem:
        return f"the sandbox needs the library libseccomp (Debian: apt install libseccomp2): {problem}"
    problem = why_not() if landlock() < 1 else None
    if problem:
        return ("the sandbox needs Landlock, and this kernel has no Landlock (it needs Linux 5.13 or newer), or "
                f"Landlock is disabled; bubblewrap, which could take its place, {problem}")
    return None


def confine(
    folder: Path, limits: Limits, readable: list[str] | None, hand_over: Callable[[int | None], None],
    programs: bool = False,
) -> None:
    """Confine this process, for good. It must have only one thread.

    Args:
        folder: where it may write.
        readable: what it may read besides; None inside bubblewrap, where no other files exist.
        hand_over: gives the grader the listener that decides about new processes; None if this system has none, and
            every new process is refused.
        programs: whether it may start programs, as far as the grader allows new processes.

    Raises:
        OSError: the system refused; learners' code must not run then.
    """
    _limit(limits)
    _drop_capabilities()
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "PR_SET_NO_NEW_PRIVS was refused")
    if readable is not None:
        _restrict_files(folder, readable, programs)
    listener = listen_to_forks()
    hand_over(listener)
    if listener is not None:
        os.close(listener)  # so that only the grader can answer
    filter_calls(listener is None, programs, signals_stay=readable is None or landlock() >= 6)


def _limit(limits: Limits) -> None:
    held = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
    seconds = 2 * int(limits.notebook) + 5  # for the notebook, and for the known wrong answers after it
    for what, most in ((resource.RLIMIT_DATA, held + limits.memory), (resource.RLIMIT_FSIZE, limits.disk // 2),
                       (resource.RLIMIT_CPU, seconds), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_NOFILE, 256),
                       (resource.RLIMIT_MSGQUEUE, 0), (resource.RLIMIT_MEMLOCK, 0)):
        resource.setrlimit(what, (most, most))


def _drop_capabilities() -> None:
    """Take the powers of root away; nothing changes for an ordinary user."""
    version_3 = (ctypes.c_uint32 * 2)(0x20080522, 0)
    if libc.capset(version_3, (ctypes.c_uint32 * 6)()):
        raise OSError(ctypes.get_errno(), "capset was refused")


class _RulesetAttributes(ctypes.Structure):
    _fields_ = [("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64)]


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


def _restrict_files(folder: Path, readable: list[str], programs: bool) -> None:
    abi = landlock()
    if abi < 1:
        raise OSError(ctypes.get_errno(), "there is no Landlock")
    # Older versions of Landlock know fewer rights; seccomp refuses what they cannot.
    files = (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(abi, 16)) - 1
    attributes = _RulesetAttributes(files, 0b11 if abi >= 4 else 0, 0b11 if abi >= 6 else 0)
    size = 8 if abi < 4 else 16 if abi < 6 else 24
    ruleset = _checked(libc.syscall(CREATE_RULESET, ctypes.byref(attributes), ctypes.c_size_t(size), 0))
    write = files & ~(EXECUTE | IOCTL | MAKE_CHARACTER_DEVICE | MAKE_BLOCK_DEVICE)
    rules = [(path, READ) for path in readable] + [("/dev/null", WRITE_FILE), (str(folder), write)]
    if programs:  # multiprocessing needs semaphores, which are files
        rules += [(path, READ | EXECUTE) for path in PROGRAMS if os.path.isdir(path)] + [("/dev/shm", write)]
        rules += [(path, READ) for path in [os.path.join(sys.prefix, "pyvenv.cfg")] if os.path.exists(path)]
    for path, allowed in rules:
        if not os.path.isdir(path):
            allowed &= READ_FILE | WRITE_FILE | TRUNCATE
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
        rule = _PathBeneath(allowed & files, opened)
        _checked(libc.syscall(ADD_RULE, ruleset, PATH_BENEATH, ctypes.byref(rule), 0))
        os.close(opened)
    _checked(libc.syscall(RESTRICT_SELF, ruleset, 0))
    os.close(ruleset)


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"Landlock: {os.strerror(code)}")
    return result

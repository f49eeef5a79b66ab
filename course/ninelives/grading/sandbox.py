"""The sandbox: a process confines itself before it runs learners' code, for good and without root.

    files       Landlock (Linux 5.13): it reads the paths in a list, writes one folder, and opens nothing else;
                without Landlock, bubblewrap, inside which no other files exist
    calls       seccomp: no network, no other program, no signal to others, no tracing, no mounting
    amounts     rlimits: memory, size of a file, processor time

A confined process cannot start another one, so killing it ends everything that it started.
`missing()` says what to do on a system that cannot do this.
"""

import ctypes
import errno
import os
import resource
import socket
from dataclasses import dataclass
from pathlib import Path

from ninelives.grading.bubblewrap import why_not

libc = ctypes.CDLL(None, use_errno=True)

# From <linux/landlock.h>. The numbers of these system calls are the same on every architecture.
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
ABI_VERSION, PATH_BENEATH = 1, 1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, TRUNCATE, IOCTL = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 14, 1 << 15
MAKE_CHARACTER_DEVICE, MAKE_BLOCK_DEVICE = 1 << 6, 1 << 11
READ = READ_FILE | READ_DIR
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 1, 4, 38
CLONE_THREAD = 0x10000
MAP_SHARED_ANONYMOUS = 0x21
MADV_PAGEOUT = 21
F_SETOWN, F_SETSIG, F_SETOWN_EX = 8, 10, 15  # which process gets which signal when data arrives
# These make other processes wait for a file, send signals, and take memory that no limit counts.
F_SETLEASE, F_NOTIFY, F_SETPIPE_SZ = 1024, 1026, 1031
FIOSETOWN, SIOCSPGRP = 0x8901, 0x8902

REFUSED = """
    fork vfork execve execveat
    socket connect bind listen sendmsg sendmmsg
    io_uring_setup io_uring_enter io_uring_register io_setup vmsplice
    tkill rt_sigqueueinfo pidfd_send_signal pidfd_open pidfd_getfd
    ptrace process_vm_readv process_vm_writev process_madvise process_mrelease kcmp perf_event_open bpf userfaultfd
    mount umount2 pivot_root chroot unshare setns open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr
    name_to_handle_at open_by_handle_at quotactl quotactl_fd swapon swapoff truncate mknod mknodat
    memfd_create memfd_secret shmget shmat semget msgget mq_open fanotify_init inotify_init inotify_init1
    setpriority ioprio_set sched_setscheduler sched_setparam sched_setattr migrate_pages move_pages
    add_key request_key keyctl personality syslog acct reboot kexec_load kexec_file_load
    init_module finit_module delete_module settimeofday clock_settime clock_adjtime adjtimex
    sethostname setdomainname iopl ioperm modify_ldt vhangup
""".split()

# Landlock does not cover these calls. They do nothing and report success, because shutil.copy needs them.
IGNORED = """
    chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes futimesat utimensat
    setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr
""".split()


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


def confine(folder: Path, limits: Limits, readable: list[str] | None) -> None:
    """Confine this process, for good. It must have only one thread.

    Args:
        folder: where it may write.
        readable: what it may read besides; None inside bubblewrap, where no other files exist.

    Raises:
        OSError: the system refused; learners' code must not run then.
    """
    _limit(limits)
    _drop_capabilities()
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "PR_SET_NO_NEW_PRIVS was refused")
    if readable is not None:
        _restrict_files(folder, readable)
    _filter_calls()


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


def _restrict_files(folder: Path, readable: list[str]) -> None:
    abi = landlock()
    if abi < 1:
        raise OSError(ctypes.get_errno(), "there is no Landlock")
    # Older versions of Landlock know fewer rights; seccomp refuses what they cannot.
    files = (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(abi, 16)) - 1
    attributes = _RulesetAttributes(files, 0b11 if abi >= 4 else 0, 0b11 if abi >= 6 else 0)
    size = 8 if abi < 4 else 16 if abi < 6 else 24
    ruleset = _checked(libc.syscall(CREATE_RULESET, ctypes.byref(attributes), ctypes.c_size_t(size), 0))
    write = files & ~(EXECUTE | IOCTL | MAKE_CHARACTER_DEVICE | MAKE_BLOCK_DEVICE)
    for path, allowed in [(path, READ) for path in readable] + [("/dev/null", WRITE_FILE), (str(folder), write)]:
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


def _filter_calls() -> None:
    import pyseccomp as seccomp

    calls = seccomp.SyscallFilter(seccomp.ALLOW)

    def refuse(name: str, *arguments: "seccomp.Arg", code: int = errno.EPERM) -> None:
        try:
            calls.add_rule(seccomp.ERRNO(code), name, *arguments)
        except OSError:
            # This machine has no such call, or its libseccomp does not know it. Every machine has these three.
            if arguments or name in ("execve", "socket", "ptrace"):
                raise

    for name in REFUSED:
        refuse(name)
    for name in IGNORED:
        refuse(name, code=0)
    # A new thread is a clone too. Without clone3 the C library calls clone, whose flags a filter can see.
    refuse("clone3", code=errno.ENOSYS)
    refuse("clone", seccomp.Arg(0, seccomp.MASKED_EQ, CLONE_THREAD, 0))
    # Stream pairs are connected to each other only. Datagram sockets could reach any socket by its path.
    refuse("socketpair", seccomp.Arg(0, seccomp.NE, socket.AF_UNIX))
    for kind in set(range(16)) - {socket.SOCK_STREAM}:
        refuse("socketpair", seccomp.Arg(1, seccomp.MASKED_EQ, 0xF, kind))
    refuse("sendto", seccomp.Arg(4, seccomp.NE, 0))
    # Shared memory: no limit counts it.
    refuse("mmap", seccomp.Arg(3, seccomp.MASKED_EQ, MAP_SHARED_ANONYMOUS, MAP_SHARED_ANONYMOUS), code=errno.ENOMEM)
    own = os.getpid()
    for name in ("kill", "tgkill", "rt_tgsigqueueinfo"):
        refuse(name, seccomp.Arg(0, seccomp.NE, own))
    for name in ("prlimit64", "sched_setaffinity"):
        refuse(name, seccomp.Arg(0, seccomp.NE, 0))
    # Linux reads only the lower 32 bits of these arguments.
    for name, at, values in (("prctl", 0, (PR_SET_PDEATHSIG, PR_SET_DUMPABLE)), ("ioctl", 1, (FIOSETOWN, SIOCSPGRP)),
                             ("fcntl", 1, (F_SETOWN, F_SETSIG, F_SETOWN_EX, F_SETLEASE, F_NOTIFY, F_SETPIPE_SZ)),
                             ("madvise", 2, (MADV_PAGEOUT,))):
        for value in values:
            refuse(name, seccomp.Arg(at, seccomp.MASKED_EQ, 0xFFFFFFFF, value))
    calls.load()

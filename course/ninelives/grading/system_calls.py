"""Which system calls learners' code may make: seccomp."""

import ctypes
import errno
import os
import socket
from contextlib import suppress

libc = ctypes.CDLL(None, use_errno=True)

PR_SET_PDEATHSIG, PR_SET_DUMPABLE = 1, 4
SET_MODE_FILTER, NEW_LISTENER = 1, 8
# Calls for a new process, with conditions on their arguments. A new thread is a clone, too. There is no clone3: without
# it the C library calls clone, whose flags a filter can see.
CLONE_THREAD, MASKED_EQ = 0x10000, 7
FORKS = (("fork",), ("vfork",), ("clone", (0, MASKED_EQ, CLONE_THREAD, 0)))
MAP_SHARED_ANONYMOUS = 0x21
MADV_PAGEOUT = 21
F_SETOWN, F_SETSIG, F_SETOWN_EX = 8, 10, 15  # which process gets which signal when data arrives
# These make other processes wait for a file, send signals, and take memory that no limit counts.
F_SETLEASE, F_NOTIFY, F_SETPIPE_SZ = 1024, 1026, 1031
FIOSETOWN, SIOCSPGRP = 0x8901, 0x8902

REFUSED = """
    setsid setpgid
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


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]


def listen_to_forks() -> int | None:
    """A descriptor that tells of each call for a new process; the call waits for an answer. None if there is no such.

    pyseccomp gives out no descriptor, so it only writes the program.
    """
    import pyseccomp as seccomp

    calls = seccomp.SyscallFilter(seccomp.ALLOW)
    for name, *arguments in FORKS:
        with suppress(OSError):  # this machine has no such call
            calls.add_rule(seccomp.NOTIFY, name, *(seccomp.Arg(*argument) for argument in arguments))
    with os.fdopen(os.memfd_create("calls"), "w+b") as file:
        calls.export_bpf(file)
        file.seek(0)
        code = file.read()
    program = _Program(len(code) // 8, ctypes.cast(ctypes.create_string_buffer(code, len(code)), ctypes.c_void_p))
    number = seccomp.resolve_syscall(seccomp.Arch.NATIVE, "seccomp")
    listener = libc.syscall(number, SET_MODE_FILTER, NEW_LISTENER, ctypes.byref(program))
    return None if listener < 0 else listener


def filter_calls(refuse_forks: bool, programs: bool, signals_stay: bool) -> None:
    """Refuse these calls to this process, for good.

    Args:
        refuse_forks: whether no process may be started.
        programs: whether programs may be started.
        signals_stay: whether something else keeps signals from reaching other processes than those it starts.
    """
    import pyseccomp as seccomp

    calls = seccomp.SyscallFilter(seccomp.ALLOW)

    def refuse(name: str, *arguments: "seccomp.Arg", code: int = errno.EPERM) -> None:
        try:
            calls.add_rule(seccomp.ERRNO(code), name, *arguments)
        except OSError:
            # This machine has no such call, or its libseccomp does not know it. Every machine has these three.
            if arguments or name in ("execve", "socket", "ptrace"):
                raise

    for name in REFUSED if programs else [*REFUSED, "execve", "execveat"]:
        refuse(name)
    for name in IGNORED:
        refuse(name, code=0)
    refuse("clone3", code=errno.ENOSYS)
    for name, *arguments in FORKS if refuse_forks else []:
        refuse(name, *(seccomp.Arg(*argument) for argument in arguments))
    # Stream pairs are connected to each other only. Datagram sockets could reach any socket by its path.
    refuse("socketpair", seccomp.Arg(0, seccomp.NE, socket.AF_UNIX))
    for kind in set(range(16)) - {socket.SOCK_STREAM}:
        refuse("socketpair", seccomp.Arg(1, seccomp.MASKED_EQ, 0xF, kind))
    refuse("sendto", seccomp.Arg(4, seccomp.NE, 0))
    # Shared memory: no limit counts it.
    refuse("mmap", seccomp.Arg(3, seccomp.MASKED_EQ, MAP_SHARED_ANONYMOUS, MAP_SHARED_ANONYMOUS), code=errno.ENOMEM)
    own = os.getpid()
    for name in [] if programs and signals_stay else ["kill", "tgkill", "rt_tgsigqueueinfo"]:
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

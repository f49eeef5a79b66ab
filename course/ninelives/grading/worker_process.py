"""How the processes of ninelives-grade begin. Nothing here takes long to import."""

import os
import signal
import sys

from ninelives.grading.system_calls import PR_SET_PDEATHSIG, libc


def import_less() -> None:
    """Leave out jsonschema's grammar of web addresses, which takes a second to import and is not used."""
    sys.modules.setdefault("rfc3987_syntax", None)


def import_all() -> None:
    """Let it be imported from now on."""
    if sys.modules.get("rfc3987_syntax", sys) is None:
        del sys.modules["rfc3987_syntax"]


def start_worker(parent: int, shared: tuple | None) -> None:
    """A worker ends with the command, even if the command is killed. Interrupts are for the command to handle.

    `shared` is what kernel_pool.Shared says, or None if each worker starts a kernel server of its own.
    """
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])  # kernels need it: a time limit is an interrupt
    import_less()
    from ninelives.grading import kernel_pool

    kernel_pool.shared = shared

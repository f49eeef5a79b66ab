"""How the processes of ninelives-grade begin; nothing here takes long to import."""

import os
import signal
import sys

from ninelives.grading.sandbox import PR_SET_PDEATHSIG, libc


def import_less() -> None:
    """Keep out what takes a second to import and is not used: jsonschema's grammar of web addresses."""
    sys.modules.setdefault("rfc3987_syntax", None)


def start_worker(parent: int) -> None:
    """A worker ends with the command, even if that is killed; an interrupt is the command's to handle."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])  # the kernels' own limit of time is an interrupt
    import_less()

"""Whether a confined kernel may start a process: its system calls for that wait until the grader has answered them.

This is seccomp's user notification (Linux 5.5). The kernel cannot answer for itself: it has closed its end.
"""

import errno
import fcntl
import os
import struct
from contextlib import suppress

from ninelives.grading.proc import descendants

# struct seccomp_notif: id, pid, flags, and the call with its arguments; struct seccomp_notif_resp: id, value, error, flags.
NOTIFICATION, RESPONSE = struct.Struct("=QII64s"), struct.Struct("=QqiI")
RECEIVE, SEND = 0xC0502100, 0xC0182101
CONTINUE = 1  # let the call happen


class ForkListener:
    """Answers a kernel that wants to start a process.

    Args:
        descriptor: the listener of the kernel's filter.
        pid: the kernel's, whose main thread alone may make a copy of itself.
        processes: how many others a notebook may have at once.
    """

    def __init__(self, descriptor: int, pid: int, processes: int = 0) -> None:
        self.descriptor, self.pid, self.processes, self.copies_allowed = descriptor, pid, processes, 0

    def fileno(self) -> int:
        return self.descriptor

    def answer(self) -> None:
        """Answer the call that waits. Does nothing if it has been given up meanwhile."""
        with suppress(OSError):
            call = bytearray(NOTIFICATION.size)
            fcntl.ioctl(self.descriptor, RECEIVE, call)
            number, caller, _, _ = NOTIFICATION.unpack(call)
            may_copy = caller == self.pid and self.copies_allowed > 0
            if may_copy or len(descendants(self.pid)) < self.processes:
                self.copies_allowed -= may_copy
                response = RESPONSE.pack(number, 0, 0, CONTINUE)
            else:
                response = RESPONSE.pack(number, 0, -errno.EPERM, 0)
            fcntl.ioctl(self.descriptor, SEND, response)

    def close(self) -> None:
        os.close(self.descriptor)

"""Whether a confined kernel may start a process: its system calls for that wait until the grader has answered them.

This is seccomp's user notification (Linux 5.5). The kernel cannot answer for itself: it has closed its end.
"""

import errno
import fcntl
import os
import struct
from contextlib import suppress

# struct seccomp_notif: id, pid, flags, and the call with its arguments; struct seccomp_notif_resp: id, value, error, flags.
NOTIFICATION, RESPONSE = struct.Struct("=QII64s"), struct.Struct("=QqiI")
RECEIVE, SEND = 0xC0502100, 0xC0182101
CONTINUE = 1  # let the call happen


class ForkListener:
    """Answers a kernel that wants to start a process.

    Args:
        descriptor: the listener of the kernel's filter.
        pid: the kernel's, whose main thread alone may make a copy of itself.
    """

    def __init__(self, descriptor: int, pid: int) -> None:
        self.descriptor, self.pid, self.copies_allowed = descriptor, pid, 0

    def fileno(self) -> int:
        return self.descriptor

    def answer(self) -> None:
        """Answer the call that waits. Does nothing if it has been given up meanwhile."""
        with suppress(OSError):
            call = bytearray(NOTIFICATION.size)
            fcntl.ioctl(self.descriptor, RECEIVE, call)
            number, caller, _, _ = NOTIFICATION.unpack(call)
            if caller == self.pid and self.copies_allowed > 0:
                self.copies_allowed -= 1
                response = RESPONSE.pack(number, 0, 0, CONTINUE)
            else:
                response = RESPONSE.pack(number, 0, -errno.EPERM, 0)
            fcntl.ioctl(self.descriptor, SEND, response)

    def close(self) -> None:
        os.close(self.descriptor)

"""This thread's kernel server: that of the command, or one of its own, which is kept, and started again after it died."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.util import Finalize
from typing import TypeVar

from ninelives.grading import sandbox
from ninelives.grading.course import CourseSettings
from ninelives.grading.errors import KernelServerDied
from ninelives.grading.kernel_server import BubblewrapServers, KernelServer, SharedServer

ATTEMPTS = 3  # at a submission, each of which ended with the death of the kernel server
Result = TypeVar("Result")
Shared = tuple[socket.socket, str, CourseSettings, tuple[str, ...]]  # what SharedServer needs
shared: Shared | None = None  # in a worker
_of_thread = threading.local()  # server, and its `wanted`


def kernel_server(course: CourseSettings, modules: tuple[str, ...], confined: bool) -> KernelServer:
    """This thread's kernel server, which has imported these modules. Raises KernelServerDied."""
    needs_bubblewrap = confined and sandbox.landlock() < 1
    wanted = (course, modules, needs_bubblewrap)
    server = getattr(_of_thread, "server", None)
    if server is not None and not server.ended and _of_thread.wanted == wanted:
        return server
    if server is not None:
        server.close()
    server = _shared_server(course, modules) or (BubblewrapServers if needs_bubblewrap else KernelServer)(course, modules)
    _of_thread.server, _of_thread.wanted = server, wanted
    Finalize(None, server.close, exitpriority=0)  # a worker that ends runs nothing else
    return server


def _shared_server(course: CourseSettings, modules: tuple[str, ...]) -> SharedServer | None:
    """The command's, if it lives and has imported these modules."""
    if shared is not None and shared[2:] == (course, modules):
        with suppress(KernelServerDied):
            return SharedServer(*shared)
    return None


def with_kernel_server(work: Callable[[], Result]) -> Result:
    """What `work` returns. It is done again if the kernel server dies. Raises KernelServerDied at the last attempt."""
    for _ in range(ATTEMPTS - 1):
        try:
            return work()
        except KernelServerDied:
            server, _of_thread.server = getattr(_of_thread, "server", None), None
            if server is not None:
                server.close()
    return work()

"""This thread's kernel server: started when it is first needed, kept, and started again after it died."""

import threading
from collections.abc import Callable
from multiprocessing.util import Finalize
from typing import TypeVar

from ninelives.grading import sandbox
from ninelives.grading.assignment import Notebook
from ninelives.grading.course import CourseSettings
from ninelives.grading.errors import KernelServerDied
from ninelives.grading.folders import remove
from ninelives.grading.kernel_server import BubblewrapServers, KernelServer
from ninelives.grading.outputs import Outcome
from ninelives.grading.submitted_files import make_run_folder
from ninelives.grading.task import Task

ATTEMPTS = 3  # at a submission, each of which ended with the death of the kernel server
Result = TypeVar("Result")
_of_thread = threading.local()  # server, its `wanted`, and its warm servers


def kernel_server(course: CourseSettings, confined: bool) -> KernelServer:
    """This thread's kernel server. Raises KernelServerDied."""
    needs_bubblewrap = confined and sandbox.landlock() < 1
    wanted = (course, needs_bubblewrap)
    server = getattr(_of_thread, "server", None)
    if server is not None and not server.ended and _of_thread.wanted == wanted:
        return server
    if server is not None:
        server.close()
    server = (BubblewrapServers if needs_bubblewrap else KernelServer)(course)
    _of_thread.server, _of_thread.wanted, _of_thread.warm = server, wanted, {}
    Finalize(None, server.close, exitpriority=0)  # a worker that ends runs nothing else
    return server


def start_server(course: CourseSettings, confined: bool) -> None:
    """Start this process's kernel server before there is anything to grade."""
    kernel_server(course, confined)


def warm_server(task: Task, notebook: Notebook) -> tuple[KernelServer, list[Outcome]]:
    """A server whose kernels have run the cells before the first exercise, and the outcomes of these cells.

    If kernels cannot share that, a server whose kernels have run nothing, and no outcomes.
    """
    cold = kernel_server(task.course, task.confined)
    modules = task.modules.get(notebook.name, ())
    key = (task.stamp, notebook.name, *modules)
    if key not in _of_thread.warm:
        folder = make_run_folder(task.others)
        _of_thread.warm[key] = cold.warm(folder, modules, notebook.beginning) or (cold, [])
        remove(folder)
    return _of_thread.warm[key]


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

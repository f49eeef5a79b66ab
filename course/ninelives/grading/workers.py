"""Where submissions are graded: in processes of this machine, or on a Dask cluster."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from contextlib import suppress
from multiprocessing import get_context

from ninelives.grading import sandbox
from ninelives.grading.course import CourseSettings
from ninelives.grading.errors import CannotStart
from ninelives.grading.grade import grade
from ninelives.grading.kernel_server import KernelServer
from ninelives.grading.task import Graded, Task
from ninelives.grading.worker_process import start_worker

ATTEMPTS = 5  # at a submission, each of which ended with the death of a worker


class Workers:
    """Processes of this machine, or a Dask cluster. New processes are started when one dies.

    Args:
        server: one that was started before it was known what the course needs.

    Raises:
        CannotStart: there is no Dask, no scheduler at the address, or no worker.
    """

    def __init__(self, count: int, address: str | None = None, server: KernelServer | None = None) -> None:
        self.count, self.address, self.server = count, address, server
        self.client = None
        if address:
            try:
                from dask.distributed import Client
            except ImportError:
                raise CannotStart('--dask needs Dask: type python -m pip install ".[cluster]" in the clone of the '
                                  "course") from None
            try:
                self.client = Client(address)
            except (OSError, ValueError) as problem:
                raise CannotStart(f"There is no Dask scheduler at {address}: {problem}. Start one with dask scheduler, "
                                  "and use the address that it prints, such as tcp://10.0.0.5:8786") from None
            self.count = sum(self.client.nthreads().values())
            if not self.count:
                self.client.close()
                raise CannotStart(f"The Dask scheduler at {address} has no workers: start some with "
                                  f"dask worker {address}")
        self.executor: Executor | None = None

    def _executor(self) -> Executor:
        if self.client is not None:
            return self.client.get_executor(pure=False, retries=ATTEMPTS)
        context = get_context("spawn")
        server = self.server
        shared = (server.control, server.home, server.course, server.modules) if server and server.course else None
        return ProcessPoolExecutor(self.count, context, initializer=start_worker, initargs=(os.getpid(), shared))

    def submit(self, *call) -> Future:
        # submit() may start a worker; block SIGINT until start_worker ignores it.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        try:
            if self.executor is None:
                self.renew()
            return self.executor.submit(*call)
        except BrokenExecutor:
            self.renew()
            return self.executor.submit(*call)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def start_server(self, course: CourseSettings, modules: tuple[str, ...], confined: bool) -> None:
        """Let the processes of this machine have their kernels from one server, which has imported these modules."""
        if self.client is not None or confined and sandbox.landlock() < 1:
            return
        if self.server is None or not self.server.serves(course, modules):
            self._close_server()
            self.server = KernelServer(course, modules)
            self.renew()

    def renew(self) -> None:
        if self.executor is not None:
            self.executor.shutdown(wait=False, cancel_futures=True)
        self.executor = self._executor()

    def close(self, at_once: bool = False) -> None:
        if self.client is not None:
            self.client.close()
            return
        processes = dict(getattr(self.executor, "_processes", None) or {}) if at_once else {}
        if self.executor is not None:
            self.executor.shutdown(wait=not at_once, cancel_futures=True)
        for process in processes.values():
            process.kill()
        self._close_server()

    def _close_server(self) -> None:
        if self.server is not None:
            self.server.close()
            self.server = None


def results(workers: Workers, tasks: dict[str, Task]) -> Iterator[tuple[str, dict[str, Graded] | Exception]]:
    """Each student's result or error, as they come. A submission whose worker died is tried again."""
    waiting, running, attempts = list(tasks), {}, dict.fromkeys(tasks, 0)
    while waiting or running:
        while waiting and len(running) < 2 * workers.count:
            # A submission that was running when a worker died is retried alone, in case it is the killer.
            if running and any(attempts[student] for student in (waiting[0], *running.values())):
                break
            student = waiting.pop(0)
            running[workers.submit(grade, tasks[student])] = student
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            student = running.pop(future)
            problem = future.exception()
            if isinstance(problem, BrokenExecutor):
                attempts[student] += 1
                if attempts[student] < ATTEMPTS:
                    waiting.insert(0, student)
                    continue
            yield student, problem if problem is not None else future.result()


def first_result(workers: Workers, function, task: Task) -> dict:
    """The result of one call, which is tried again if its worker dies. Raises CannotStart."""
    for _ in range(ATTEMPTS):
        with suppress(BrokenExecutor):
            return workers.submit(function, task).result()
    raise CannotStart("The worker processes die as soon as they start.")

"""Where kernels come from: a process that has imported everything and forks, or a bubblewrap for each kernel."""

import json
import os
import site
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ninelives.grading import bubblewrap, sandbox
from ninelives.grading.course import CourseSettings
from ninelives.grading.errors import KernelServerDied
from ninelives.grading.folders import private_folder, remove, remove_stale_folders
from ninelives.grading.proc import children_of
from ninelives.grading.readable_paths import readable_paths
from ninelives.grading.sandbox import Limits

if TYPE_CHECKING:
    from ninelives.grading.kernel_client import Kernel


class KernelServer:
    """One process that has imported everything, and the kernels that it forks. Several threads may use it.

    Args:
        course: None if it is not known yet; then `serves` says it.
        modules: what the notebooks import, as `imported_modules` writes it.

    It starts in the background. That it could not, the first question for a kernel finds out.
    """

    boxed = False

    def __init__(self, course: CourseSettings | None, modules: tuple[str, ...] = ()) -> None:
        remove_stale_folders()
        self._begin(private_folder(), course, modules)

    def _begin(self, home: str, course: CourseSettings | None, modules: tuple[str, ...], *prefix: str) -> None:
        """Start the process, with `prefix` before its command."""
        self.lock, self.home, self.course, self.modules = threading.Lock(), home, None, modules
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        early = json.dumps([] if course else modules)
        command = [*prefix, sys.executable, "-m", "ninelives.grading.kernel_process", str(theirs.fileno()), early]
        self.process = self._process(command, theirs, course or CourseSettings())
        if course:
            self._prepare(course, modules)

    def _process(self, command: list[str], theirs: socket.socket, course: CourseSettings) -> subprocess.Popen:
        # Do not pass the instructor's environment variables to learners' code.
        environment = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
        environment |= {name: self.home for name in ("HOME", "IPYTHONDIR", "MPLCONFIGDIR", "TMPDIR")}
        if not self.boxed:  # where matplotlib keeps its list of fonts, which takes it seconds to make on a machine with many
            environment["MPLCONFIGDIR"] = os.path.expanduser("~/.cache/ninelives-grade")
        environment |= {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}  # a fork copies fewer entries of page tables
        if site.ENABLE_USER_SITE:  # HOME is another one, and what pip install --user has installed must be found
            environment["PYTHONUSERBASE"] = site.getuserbase()
        environment |= {"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONUTF8": "1"}
        if course.processes:
            environment["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), os.defpath])
        environment["JOBLIB_MULTIPROCESSING"] = "0"  # joblib's processes would look through /proc
        environment |= dict(course.environment)
        with theirs, Path(self.home, "log").open("w") as log:
            return subprocess.Popen(
                command, pass_fds=[theirs.fileno()], env=environment, cwd=self.home, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True)  # Ctrl-C is for the command

    def _prepare(self, course: CourseSettings, modules: tuple[str, ...]) -> None:
        """Say what the course needs."""
        self.course, self.modules = course, modules
        settings = {"preload": course.preload, "warm_up": course.warm_up, "modules": modules, "boxed": self.boxed,
                    "readable_packages": course.readable_packages, "readable_paths": course.readable_paths,
                    "processes": course.processes}
        with suppress(OSError):  # it has died, as the first question for a kernel finds out
            self.control.send(json.dumps(settings).encode())

    def serves(self, course: CourseSettings, modules: tuple[str, ...]) -> bool:
        """Whether its kernels have what these need. If it was started before the course was known, it is told here."""
        if self.course is None and set(self.modules) == set(modules) and not course.environment and not course.processes:
            self._prepare(course, modules)
        return not self.ended and (self.course, self.modules) == (course, modules)

    def start(self, folder: Path, limits: Limits, confined: bool = True) -> "Kernel":
        """A kernel in `folder`, which contains a folder named submission. Raises KernelServerDied."""
        from ninelives.grading.kernel_client import Kernel  # whose imports need not delay the start of a server

        mine, theirs = socket.socketpair()
        with theirs:
            request = {"folder": str(folder), "limits": asdict(limits), "confined": confined}
            pid = self._ask(request, theirs)["pid"]
        return Kernel(self._pid_here(pid), mine, folder, limits, self.end, confined, self.course.processes)

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def _pid_here(self, pid: int) -> int:
        """A kernel's pid in this process's pid namespace."""
        return pid

    def end(self, pid: int) -> dict:
        """Kill a kernel. Returns what it used."""
        return self._ask({"end": pid})

    def _ask(self, request: dict, connection: socket.socket | None = None) -> dict:
        answer = b""
        with self.lock, suppress(OSError):
            descriptors = [connection.fileno()] if connection else []
            socket.send_fds(self.control, [json.dumps(request).encode()], descriptors)
            answer = self.control.recv(65536)
        if not answer:
            log = Path(self.home, "log").read_text(encoding="utf-8", errors="replace")[-2000:]
            raise KernelServerDied(f"the process that forks the kernels has ended: {log}")
        return json.loads(answer)

    def close(self) -> None:
        with suppress(OSError):
            self.control.shutdown(socket.SHUT_RDWR)  # workers may have this end, too
        self.control.close()
        if self.course is None:  # it still imports, and has no kernels
            self.process.kill()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        remove(Path(self.home))


class SharedServer(KernelServer):
    """The command's kernel server, as one of its workers sees it.

    Args:
        control: the command's own end of the socket.
        home: the server's folder.

    Raises:
        KernelServerDied: it has died.
    """

    ended = False  # a question to it finds that out

    def __init__(self, control: socket.socket, home: str, course: CourseSettings, modules: tuple[str, ...]) -> None:
        self.lock, self.home, self.course, self.modules = threading.Lock(), home, course, modules
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                socket.send_fds(control, [b'{"join": true}'], [theirs.fileno()])
            except OSError as problem:
                raise KernelServerDied(f"the process that forks the kernels has ended: {problem}") from None

    def close(self) -> None:
        self.control.close()


class BubblewrapServers:
    """For systems without Landlock: every kernel has a bubblewrap of its own, in which everything is imported again."""

    ended = False

    def __init__(self, course: CourseSettings, modules: tuple[str, ...] = ()) -> None:
        reason = sandbox.missing()
        if reason:
            raise KernelServerDied(reason)
        self.course, self.modules = course, modules

    def start(self, folder: Path, limits: Limits, confined: bool = True) -> "Kernel":
        return BubblewrapServer(folder, self.course, self.modules).start(folder, limits, confined)

    def close(self) -> None:
        """Each server ends with its kernel."""


class BubblewrapServer(KernelServer):
    """The process in one bubblewrap, and its only kernel."""

    boxed = True

    def __init__(self, folder: Path, course: CourseSettings, modules: tuple[str, ...]) -> None:
        home = folder / "home"
        home.mkdir()
        readable = readable_paths(course.readable_packages, course.readable_paths)
        self._begin(str(home), course, modules, *bubblewrap.prefix(folder, readable))

    def _pid_here(self, pid: int) -> int:
        self.pid_inside = pid
        [first] = children_of(self.process.pid)
        [kernel] = children_of(first)
        return kernel

    def end(self, pid: int) -> dict:
        used = super().end(self.pid_inside)
        self.close()
        return used

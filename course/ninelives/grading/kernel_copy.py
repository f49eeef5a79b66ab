"""A copy of a kernel, in which cells leave no trace: a fork of its process, and afterwards its files put back."""

import json
import os
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ninelives.grading.errors import CopyDied, KernelDied
from ninelives.grading.folder_mirror import remove_any
from ninelives.grading.folders import private_folder
from ninelives.grading.kernel_client import Kernel
from ninelives.grading.proc import descendants, is_stopped

PATIENCE = 20.0  # seconds for a copy to begin or to end, on a busy machine


@contextmanager
def copied(kernel: Kernel) -> Iterator[None]:
    """Meanwhile cells run in a copy of the kernel; afterwards the kernel and its folder are as before.

    Raises:
        CopyDied: no copy can be made, or it died or ran too long. The kernel is as before.
        KernelDied: the kernel is dead.
    """
    if not kernel.can_be_copied:
        raise CopyDied("no copy of the kernel can be made on this system")
    mirror = kernel.mirror
    if mirror.size > 2 * kernel.limits.disk:
        raise CopyDied("its files are too large to be copied")
    if mirror.differs:
        with stopped(kernel):
            mirror.update()
    _begin(kernel)
    try:
        yield
    finally:
        if kernel.alive:
            end_copy(kernel)
            if mirror.differs:
                with stopped(kernel):
                    mirror.restore()


def _begin(kernel: Kernel) -> None:
    kernel.copy, kernel.before_copy = secrets.token_hex(8), set(descendants(kernel.pid))
    if kernel.listener:
        kernel.listener.copies_allowed = 1
    try:
        kernel.connection.sendall(json.dumps({"fork": kernel.copy}).encode() + b"\n")
        message = kernel.next_message(time.monotonic() + PATIENCE)
    except (TimeoutError, OSError):
        message = {}
    except KernelDied:
        kernel.end()
        raise
    if message.get("forked") != kernel.copy:
        end_copy(kernel, message.get("joined"))
        raise CopyDied("the kernel could not be copied")


def end_copy(kernel: Kernel, said: str | None = None) -> None:
    """Kill the copy, if it lives, and wait until the kernel has noticed. Raises KernelDied if it does not."""
    token, kernel.copy = kernel.copy, None
    if token is None:
        return
    if kernel.listener:
        kernel.listener.copies_allowed = 0
    for pid in set(descendants(kernel.pid)) - kernel.before_copy:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    end = time.monotonic() + PATIENCE
    while said != token:
        try:
            said = kernel.next_message(end).get("joined")
        except (TimeoutError, KernelDied) as problem:
            if kernel.alive and not isinstance(problem, TimeoutError):
                continue  # the rest of what the copy was sending
            kernel.end()
            raise KernelDied("the kernel did not go on after it was copied") from None


@contextmanager
def without_files(kernel: Kernel) -> Iterator[None]:
    """Meanwhile the folder that the kernel runs in is empty."""
    inside, aside = kernel.folder / "submission", Path(private_folder())
    with stopped(kernel):
        if inside.is_symlink() or not inside.is_dir():
            raise KernelDied("it has replaced the folder that it runs in")
        for path in list(inside.iterdir()):
            path.rename(aside / path.name)
    try:
        yield
    finally:
        with stopped(kernel):
            if inside.is_symlink() or not inside.is_dir():
                remove_any(inside)
                inside.mkdir()
            for path in list(aside.iterdir()):
                remove_any(inside / path.name)
                path.rename(inside / path.name)
        aside.rmdir()


@contextmanager
def stopped(kernel: Kernel) -> Iterator[None]:
    """Meanwhile the kernel stands still, so that it cannot change its files while they are moved or copied."""
    pid = kernel.pid
    if pid is None:  # it is dead
        yield
        return
    os.killpg(pid, signal.SIGSTOP)
    deadline = time.monotonic() + PATIENCE
    while not all(map(is_stopped, [pid, *descendants(pid)])):
        if time.monotonic() > deadline:
            raise KernelDied("it could not be stopped")
        time.sleep(0.0005)
    try:
        yield
    finally:
        if kernel.pid is not None:
            os.killpg(pid, signal.SIGCONT)

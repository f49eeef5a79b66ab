"""Limits that no system call enforces: what the processes of a kernel use is looked at while they run."""

from pathlib import Path

from ninelives.grading.errors import KernelDied
from ninelives.grading.proc import removed_but_mapped, removed_but_open, resident, size_of, threads_of
from ninelives.grading.sandbox import Limits


def watch_amounts(pids: list[int], limits: Limits, memory_before: int) -> None:
    """Raises KernelDied if one of these processes uses more memory or threads than it may."""
    # RLIMIT_DATA raises MemoryError first. This catches memory it does not count, such as swap and page tables.
    if max(map(resident, pids)) > memory_before + 1.25 * limits.memory:
        raise KernelDied(f"it used more than {limits.memory >> 20} MB of memory")
    if max(map(threads_of, pids)) > limits.threads:
        raise KernelDied(f"it started more than {limits.threads} threads")


def watch_files(pids: list[int], folder: Path, limits: Limits, disk_before: int, mapped: bool = False) -> None:
    """Raises KernelDied if they have written more than they may. `mapped` counts removed files in memory: slow."""
    removed: dict[int, int] = {}
    for pid in pids:
        removed |= (removed_but_mapped(pid, folder) if mapped else {}) | removed_but_open(pid)
    if size_of(folder) + sum(removed.values()) > disk_before + limits.disk:
        raise KernelDied(f"it wrote more than {limits.disk >> 20} MB of files")

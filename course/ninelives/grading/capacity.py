"""How many submissions this process can grade at a time: processors that it may use, and memory that holds them."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MEMORY = 1 << 30  # bytes of one worker: its two processes with what is preloaded, and a learner's kernel


def usable_workers(proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> int:
    """As many as the process may use processors and as fit into memory, at least 1.

    A container, a job of a cluster or `taskset` gives a process fewer than the machine has.
    """
    processors = [len(os.sched_getaffinity(0))]
    memory = []
    for group in _groups(proc, cgroups):
        quota, _, period = _read(group / "cpu.max").partition(" ")
        if quota.isdigit():
            processors.append(int(quota) / int(period))
        quota, period = _read(group / "cpu.cfs_quota_us"), _read(group / "cpu.cfs_period_us")  # of cgroup 1
        if quota.isdigit() and period.isdigit():
            processors.append(int(quota) / int(period))
        memory += [int(limit) for name in ("memory.max", "memory.limit_in_bytes")
                   if (limit := _read(group / name)).isdigit()]
    for line in _read(proc / "meminfo").splitlines():
        name, _, amount = line.partition(":")
        if name == "MemAvailable":
            memory.append(int(amount.split()[0]) << 10)
    return max(1, min(int(min(processors)), *(found // MEMORY for found in memory)) if memory else int(min(processors)))


def _groups(proc: Path, cgroups: Path) -> Iterator[Path]:
    """The folders of this process's control groups and of the groups around them."""
    for line in _read(proc / "self" / "cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        top = cgroups / controllers if controllers else cgroups
        inner = top / path.lstrip("/")
        yield inner
        yield from (parent for parent in inner.parents if parent == top or top in parent.parents)
    yield cgroups


def _read(path: Path) -> str:
    with suppress(OSError, ValueError):
        return path.read_text(encoding="utf-8").strip()
    return ""

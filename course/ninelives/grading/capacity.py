"""How many submissions this process can grade at a time: processors that it may use, and memory that holds them."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MEMORY = 1 << 30  # bytes of one worker, and of a learner's kernel with what is preloaded
# Files of a control group: of version 2, and those of version 1 that together say the same.
CPU_FILES = (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us"))  # "quota period", in microseconds
MEMORY_FILES = (("memory.max",), ("memory.limit_in_bytes",))  # in bytes


def usable_workers(proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> int:
    """As many as the process may use processors and as fit into memory, at least 1.

    A container, a job of a cluster or `taskset` gives a process fewer than the machine has.
    """
    processors: list[float] = [len(os.sched_getaffinity(0))]
    memory = []
    for group in _groups(proc, cgroups):
        processors += [quota / period for quota, period in _limits(group, CPU_FILES)]
        memory += [limit for limit, in _limits(group, MEMORY_FILES)]
    for line in _read(proc / "meminfo").splitlines():
        name, _, amount = line.partition(":")
        if name == "MemAvailable":
            memory.append(int(amount.split()[0]) << 10)
    return max(1, int(min([*processors, *(found // MEMORY for found in memory)])))


def _groups(proc: Path, cgroups: Path) -> Iterator[Path]:
    """The folders of this process's control groups and of the groups around them."""
    for line in _read(proc / "self" / "cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        top = cgroups / controllers if controllers else cgroups
        inner = top / path.lstrip("/")
        yield inner
        yield from (parent for parent in inner.parents if parent == top or top in parent.parents)
    yield cgroups


def _limits(group: Path, versions: tuple[tuple[str, ...], ...]) -> Iterator[list[int]]:
    """The numbers in each version's files; none where a file is missing, or says that there is no limit."""
    for names in versions:
        texts = [_read(group / name) for name in names]
        words = " ".join(texts).split()
        if all(texts) and all(map(str.isdigit, words)):
            yield [int(word) for word in words]


def _read(path: Path) -> str:
    with suppress(OSError, ValueError):
        return path.read_text(encoding="utf-8").strip()
    return ""

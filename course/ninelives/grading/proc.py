"""What a process uses, from Linux's /proc."""

import os
from contextlib import suppress
from pathlib import Path

from ninelives.grading.errors import KernelDied
from ninelives.grading.folders import MAX_DEPTH, everything_in


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def descendants(pid: int) -> list[int]:
    """The processes that a process and its threads have started, and theirs."""
    found, waiting = [], [pid]
    while waiting:
        own: list[int] = []
        with suppress(OSError):  # it has ended meanwhile
            for thread in os.listdir(f"/proc/{waiting[0]}/task"):
                own += map(int, Path(f"/proc/{waiting[0]}/task/{thread}/children").read_text().split())
        found += own
        waiting = [*waiting[1:], *own]
    return found


def is_stopped(pid: int) -> bool:
    """Whether every thread of a process is stopped or has ended."""
    states = []
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            states.append(Path(f"/proc/{pid}/task/{thread}/stat").read_text().rpartition(")")[2].split()[0])
    return all(state in "TtZX" for state in states)


def threads_of(pid: int) -> int:
    """How many threads a process has; 0 if it is gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[17])
    except OSError:
        return 0


def resident(pid: int) -> int:
    """Bytes of a process in memory and in swap, and of its page tables; 0 if it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(errors="replace").split("\n")
    except OSError:
        return 0
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith(("VmRSS:", "VmSwap:", "VmPTE:")))


def size_of(folder: Path) -> int:
    """Bytes on disk of all files in a folder, and 4096 for each name. Raises KernelDied if it cannot be opened."""
    found, closed = everything_in(folder, 2 * MAX_DEPTH)  # it contains the submission, which may be MAX_DEPTH deep
    if closed:
        raise KernelDied("it made a folder that cannot be opened")
    total = 4096 * len(found)
    for path in found:
        with suppress(OSError):
            total += path.lstat().st_blocks * 512
    return total


def removed_but_open(pid: int) -> dict[int, int]:
    """{inode: bytes on disk} of files that a process has removed but keeps open."""
    sizes = {}
    with suppress(OSError), os.scandir(f"/proc/{pid}/fd") as entries:
        for entry in entries:
            with suppress(OSError):
                found = os.stat(entry.path)
                if found.st_nlink == 0:
                    sizes[found.st_ino] = found.st_blocks * 512
    return sizes


def removed_but_mapped(pid: int, folder: Path) -> dict[int, int]:
    """{inode: bytes mapped} of files in a folder that a process has removed but maps into its memory."""
    sizes: dict[int, int] = {}
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/maps").read_text(errors="replace").split("\n"):
            if line.endswith(" (deleted)") and f" {os.path.realpath(folder)}/" in line:
                addresses, _, _, _, inode, *_ = line.split()
                begin, end = (int(address, 16) for address in addresses.split("-"))
                sizes[int(inode)] = sizes.get(int(inode), 0) + end - begin
    return sizes

"""What a process uses, as Linux tells it in /proc."""

import os
from contextlib import suppress
from pathlib import Path

from ninelives.grading.errors import KernelDied
from ninelives.grading.folders import DEEPEST, everything_in


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def threads_of(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[17])
    except OSError:
        return 0


def size_of(folder: Path) -> int:
    """Bytes on disk of all the files in a folder, and something for each name. Raises KernelDied where they cannot be told."""
    found, closed = everything_in(folder, 2 * DEEPEST)  # what was sent may be as deep, and lies in folders itself
    if closed:
        raise KernelDied("it made a folder that cannot be looked into")
    total = 4096 * len(found)
    for path in found:
        with suppress(OSError):
            total += path.lstat().st_blocks * 512
    return total


def removed_but_open(pid: int) -> dict[int, int]:
    """{inode: bytes on disk} of files that a process has removed and holds open."""
    sizes = {}
    with suppress(OSError), os.scandir(f"/proc/{pid}/fd") as entries:
        for entry in entries:
            with suppress(OSError):
                held = os.stat(entry.path)
                if held.st_nlink == 0:
                    sizes[held.st_ino] = held.st_blocks * 512
    return sizes


def removed_but_mapped(pid: int, folder: Path) -> dict[int, int]:
    """{inode: bytes} of files of a folder that a process has removed and has in its memory, as far as it has."""
    sizes: dict[int, int] = {}
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/maps").read_text(errors="replace").split("\n"):
            if line.endswith(" (deleted)") and f" {os.path.realpath(folder)}/" in line:
                where, _, _, _, inode, *_ = line.split()
                begin, end = (int(place, 16) for place in where.split("-"))
                sizes[int(inode)] = sizes.get(int(inode), 0) + end - begin
    return sizes

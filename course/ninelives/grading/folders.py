"""Folders that others write in, and this process's own: what they contain, printable names, and how to remove them."""

import os
import shutil
import subprocess
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

MAX_DEPTH = 32  # folders inside one another


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file beside `path` to write to. It replaces `path` once it is complete, and is removed if anything is raised."""
    new = path.with_name(f".{path.name}.new")
    try:
        yield new
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def everything_in(folder: Path, max_depth: int = MAX_DEPTH) -> tuple[list[Path], list[Path]]:
    """All paths below a folder, sorted, and those of them that are folders but were not opened. Links are not followed.

    A folder is not opened if it is deeper than `max_depth` or if its permissions forbid it. The walk has no recursion,
    which a deep folder would exhaust.
    """
    found, closed, waiting = [], [], [(folder, 0)]
    while waiting:
        path, depth = waiting.pop()
        try:
            with os.scandir(path) as entries:
                inside = [(path / entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        except (FileNotFoundError, NotADirectoryError):
            continue  # it was removed meanwhile
        except OSError:
            closed.append(path)
            continue
        found += [below for below, _ in inside]
        folders = [below for below, is_folder in inside if is_folder]
        if depth < max_depth:
            waiting += [(below, depth + 1) for below in folders]
        else:
            closed += folders
    return sorted(found), sorted(closed)


def printable(text: str) -> str:
    """The text with escapes for characters that move a terminal's cursor or begin a line, as a file's name may."""
    return "".join(c if c.isprintable() or unicodedata.category(c) == "Zs" else c.encode("unicode_escape").decode()
                   for c in text.encode("utf-8", "replace").decode())


def remove(folder: Path) -> None:
    """Remove a folder of any depth and with any permissions. What cannot be removed stays."""
    with suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        for command in (["chmod", "-R", "u+rwX"], ["rm", "-rf"]):
            subprocess.run([*command, str(folder)], stderr=subprocess.DEVNULL, check=False)


@cache
def _pid_namespace() -> str:
    """Identifies the pid namespace: boot id and container."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
    return f"ninelives-on-{boot}-{os.stat('/proc/self/ns/pid').st_ino}"


def private_folder() -> str:
    """A new folder of this process, with the pid namespace and the pid in its name."""
    return tempfile.mkdtemp(prefix=f"{_pid_namespace()}-{os.getpid()}-")


def remove_stale_folders() -> None:
    """Remove the private folders of processes that were killed before they could.

    Folders of other machines or containers are kept: we cannot see whether their process is alive.
    """
    for path in Path(tempfile.gettempdir()).glob(f"{_pid_namespace()}-*-*"):
        # PermissionError: another user's process, which is alive. The other two: the name contains no pid.
        with suppress(PermissionError, ValueError, OverflowError):
            try:
                os.kill(int(path.name.split("-")[-2]), 0)
            except ProcessLookupError:
                remove(path)

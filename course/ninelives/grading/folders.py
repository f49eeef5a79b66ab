"""Folders that somebody else has written in: what they hold, how to show its names, and how to be rid of them, however they were made."""

import os
import shutil
import subprocess
import tempfile
import unicodedata
from contextlib import suppress
from functools import cache
from pathlib import Path

DEEPEST = 32  # folders in one another


def everything_in(folder: Path, deepest: int = DEEPEST) -> tuple[list[Path], list[Path]]:
    """What is below, in a fixed order, links not followed; of that, the folders that were not looked into.

    Those lie deeper than `deepest`, or may not be opened. Walked without recursion, which a deep folder would exhaust.
    """
    found, closed, waiting = [], [], [(folder, 0)]
    while waiting:
        path, depth = waiting.pop()
        try:
            with os.scandir(path) as entries:
                inside = [(path / entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        except (FileNotFoundError, NotADirectoryError):
            continue  # gone meanwhile
        except OSError:
            closed.append(path)
            continue
        found += [below for below, _ in inside]
        folders = [below for below, is_folder in inside if is_folder]
        if depth < deepest:
            waiting += [(below, depth + 1) for below in folders]
        else:
            closed += folders
    return sorted(found), sorted(closed)


def printable(text: str) -> str:
    """The same with escapes for what could move a terminal's cursor or begin another line, as the name of a file may."""
    return "".join(c if c.isprintable() or unicodedata.category(c) == "Zs" else c.encode("unicode_escape").decode()
                   for c in text.encode("utf-8", "replace").decode())


def remove(folder: Path) -> None:
    """Remove a folder, however deep it goes and whatever its rights are; what cannot be removed stays."""
    with suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        for command in (["chmod", "-R", "u+rwX"], ["rm", "-rf"]):
            subprocess.run([*command, str(folder)], stderr=subprocess.DEVNULL, check=False)


@cache
def _numbering() -> str:
    """Tells apart what counts processes by itself: a machine since its last start, and each container on it."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
    return f"ninelives-on-{boot}-{os.stat('/proc/self/ns/pid').st_ino}"


def private_folder() -> str:
    """A folder of this process's own, which bears its number and whose number that is."""
    return tempfile.mkdtemp(prefix=f"{_numbering()}-{os.getpid()}-")


def sweep() -> None:
    """Remove the folders of processes that were killed before they could.

    Others' stay, of which nobody can tell here whether they live: the temporary folder may be shared by machines or containers.
    """
    for path in Path(tempfile.gettempdir()).glob(f"{_numbering()}-*-*"):
        with suppress(PermissionError, ValueError, OverflowError):  # it lives, and is someone else's; the others are no numbers of ours
            try:
                os.kill(int(path.name.split("-")[-2]), 0)
            except ProcessLookupError:
                remove(path)

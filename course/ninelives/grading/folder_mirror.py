"""A copy of a kernel's folder outside its reach, from which the folder is put back as it was."""

import os
import shutil
import stat
import time
from pathlib import Path

from ninelives.grading.folders import everything_in, private_folder, remove

SURE = 20_000_000  # nanoseconds after which a second change of a file gets another time of modification


class FolderMirror:
    """Files are written again in place, since the kernel may have them open.

    While `update` and `restore` run, nothing may change the folder: a link in the right moment would lead them astray.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.copy = folder, Path(private_folder())
        self.seen: dict[Path, tuple | None] = {}

    @property
    def differs(self) -> bool:
        """Whether anything has changed since the last `update` or `restore`."""
        return self._look() != self.seen

    @property
    def size(self) -> int:
        """Bytes of all files in the folder."""
        return sum(found[2] for found in self._look().values())

    def update(self) -> None:
        """Remember the folder as it is now."""
        now = self._look()
        for path in self.seen.keys() - now.keys():
            remove_any(self.copy / path)
        for path in sorted(now):
            if self.seen.get(path) != now[path]:
                _copy(self.folder / path, self.copy / path)
        self.seen = self._sure(now)

    def restore(self) -> None:
        """Make the folder again what it was at the last `update`."""
        now = self._look()
        for path in sorted(now.keys() - self.seen.keys(), reverse=True):
            remove_any(self.folder / path)
        for path in sorted(self.seen):
            if now.get(path) != self.seen[path]:
                _copy(self.copy / path, self.folder / path)
        self.seen = self._sure(self._look())

    def close(self) -> None:
        remove(self.copy)

    def _look(self) -> dict[Path, tuple]:
        found = {}
        for path in everything_in(self.folder)[0]:
            about = path.lstat()
            kind = stat.S_IFMT(about.st_mode)
            is_file = kind == stat.S_IFREG
            found[path.relative_to(self.folder)] = (
                kind, about.st_ino, about.st_size if is_file else 0, about.st_mtime_ns if is_file else 0)
        return found

    def _sure(self, found: dict[Path, tuple]) -> dict[Path, tuple | None]:
        """None for files that were changed just now: another change may not show."""
        before = time.time_ns() - SURE
        return {path: about if about[3] < before else None for path, about in found.items()}


def _copy(source: Path, target: Path) -> None:
    """Make a path what another one is: a folder, a link, or a file, whose content is replaced if it exists."""
    kind = stat.S_IFMT(source.lstat().st_mode)
    if target.is_symlink() or target.exists() and stat.S_IFMT(target.lstat().st_mode) != kind:
        remove_any(target)
    if kind == stat.S_IFDIR:
        target.mkdir(exist_ok=True)
    elif kind == stat.S_IFLNK:
        target.symlink_to(os.readlink(source))
    elif kind == stat.S_IFREG:
        with source.open("rb") as old, target.open("wb") as new:
            shutil.copyfileobj(old, new)


def remove_any(path: Path) -> None:
    """Remove a file, a link, or a folder and what is in it. Nothing happens if there is none."""
    if path.is_dir() and not path.is_symlink():
        remove(path)
    else:
        path.unlink(missing_ok=True)

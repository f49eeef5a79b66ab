"""What Moodle and Canvas call the files in a download of all submissions, and which of them count.

Moodle names a folder, or without the option "Download submissions in folders" a file, by learner and participant; the
last underscore before the slash is older than Moodle 4.1 (mod/assign/feedback/file/importziplib.php, Moodle 4.5):

    Ada Lovelace_1234567_assignsubmission_file/notebook.ipynb
    Ada Lovelace_1234567_assignsubmission_file_notebook.ipynb

Canvas puts all files side by side, each with the number of the learner and that of the uploaded file, which grows with
each upload (lib/content_zipper.rb of canvas-lms, add_upload_submission):

    lovelaceada_12345_67890_notebook.ipynb
    lovelaceada_LATE_12345_67890_notebook-1.ipynb

Neither stores when a file was handed in: the times in the zip are those of the download.
"""

import re
import shutil
import unicodedata
import zlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from time import localtime
from zipfile import BadZipFile, LargeZipFile, ZipFile, ZipInfo

from ninelives.grading.errors import CannotStart
from ninelives.grading.folders import everything_in, printable
from ninelives.grading.submitted_files import FROM_THE_EXCHANGE

MOODLE = re.compile(r"(?:.*?/)??(?P<prefix>(?P<name>[^/]+?)_(?P<number>\d+)_assignsubmission_file(?:_?/|_))(?P<file>.+)")
CANVAS = re.compile(r"(?:.*/)?(?P<prefix>(?P<name>[^/]+?)_(?P<late>LATE_)?(?P<number>\d+)_(?P<upload>\d+)_)(?P<file>[^/]+)")
COPY = re.compile(r"( ?\(\d+\)|-\d+)(?=\.ipynb$)")  # what Canvas and browsers add to the name of a further copy
MAX_BYTES = 8 << 30  # of all files in a download
MAX_FILES = 50_000


class BadDownload(CannotStart):
    """A file is no download of submissions, and nothing was collected; the message says why."""


@dataclass(frozen=True)
class SentFile:
    """A file of a download.

    Args:
        path: in the download.
        prefix: the beginning of the path by which the platform knows the learner again.
        name, number: the learner's, on the platform.
        file: its name in the submission.
        upload: Canvas's number of the file, and 0 in Moodle.
        late: whether Canvas marks it as late.
    """

    path: str
    prefix: str
    name: str
    number: str
    file: str
    upload: int = 0
    late: bool = False


def parse(path: str) -> SentFile | None:
    """What a path in a download says; None if it is not a file of a submission.

    The platform's own words come first in the path. A learner may have called a file or a folder like someone else's.
    """
    matches = [match for pattern in (MOODLE, CANVAS) if (match := pattern.fullmatch(path))]
    if not matches:
        return None
    found = min(matches, key=lambda match: (match.start("prefix"), len(match["name"])))
    parts, seen = PurePosixPath(found["file"]), found.groupdict()
    if any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(path).parts) or parts in FROM_THE_EXCHANGE:
        return None  # a time that a learner has handed in must not count as the time of the submission
    return SentFile(path, found["prefix"], unicodedata.normalize("NFC", found["name"]), found["number"], found["file"],
                    int(seen.get("upload") or 0), bool(seen.get("late")))


@dataclass(frozen=True)
class Download:
    """A zip or a folder that the instructor has downloaded.

    Args:
        path: the zip, or the folder.
        files: {path in it: the entry of the zip, or the file}.
        when: the newest local time in it, as (year, month, day, hour, minute, second).
    """

    path: Path
    files: dict[str, ZipInfo | Path]
    when: tuple

    @property
    def sent(self) -> list[SentFile]:
        return [one for one in map(parse, self.files) if one]

    def extract(self, chosen: Iterable[SentFile], folder: Path) -> None:
        """Write these files. Raises BadDownload, OSError."""
        names = [one.path for one in chosen]
        if self.path.is_dir():
            for name in names:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self.files[name], folder / name)
            return
        try:
            with ZipFile(self.path) as archive:
                for name in names:
                    (folder / name).parent.mkdir(parents=True, exist_ok=True)
                    with archive.open(self.files[name]) as source, (folder / name).open("wb") as target:
                        shutil.copyfileobj(source, target)
        except (BadZipFile, LargeZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error) as problem:
            raise BadDownload(f"{printable(self.path.name)} is damaged ({problem}): download it again") from None


def read_downloads(folder: Path) -> list[Download]:
    """All downloads in a folder: each zip, and what the instructor has unpacked already. Nothing is written.

    Raises:
        BadDownload: a zip is none, leads out of its folder or is too large, or nothing comes from Moodle or Canvas.
    """
    zips = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".zip" and path.is_file())
    downloads = [_read_zip(path) for path in zips]
    loose = {path.relative_to(folder).as_posix(): path for path in everything_in(folder)[0]
             if path.is_file() and not path.is_symlink() and path not in zips}
    downloads.append(Download(folder, loose, max((_local(path) for path in loose.values()), default=())))
    known = [one for download in downloads for one in download.sent]
    if not known:
        shown = next((name for download in downloads for name in download.files), None)
        raise BadDownload(f"There is no submission in {folder}: put the zip there that Moodle or Canvas gives out for all "
                          "submissions of the assignment" + (f", whose files are not called {printable(shown)!r}" if shown else ""))
    size = sum(info.file_size for download in downloads for info in download.files.values() if isinstance(info, ZipInfo))
    if size > min(MAX_BYTES, shutil.disk_usage(folder).free // 2):
        raise BadDownload(f"The files in {folder} would unpack to {size >> 20:,} MB, which is too much for submissions or "
                          "for this disk: nothing was collected")
    return downloads


def _local(path: Path) -> tuple:
    return tuple(localtime(path.stat().st_mtime)[:6])


def _read_zip(path: Path) -> Download:
    shown = printable(path.name)
    try:
        with ZipFile(path) as archive:
            entries = [info for info in archive.infolist() if not info.is_dir()]
    except (BadZipFile, LargeZipFile, NotImplementedError, ValueError, EOFError, OSError) as problem:
        raise BadDownload(f"{shown} cannot be read as a zip ({problem}): download it again; nothing was collected") from None
    if len(entries) > MAX_FILES:
        raise BadDownload(f"{shown} contains {len(entries):,} files, too many for submissions: nothing was collected")
    files = {}
    for info in entries:
        name = _name(info)
        parts = re.split(r"[/\\]", name)
        if name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or "\0" in name:
            raise BadDownload(f"{shown} contains the path {printable(name)!r}, which leads out of its folder: nothing was "
                              "collected")
        if info.flag_bits & 1:
            raise BadDownload(f"{shown} is encrypted: unpack it yourself, and put the folder in its place")
        files[PurePosixPath(name).as_posix()] = info
    return Download(path, files, max((info.date_time for info in entries), default=()))


def _name(info: ZipInfo) -> str:
    """The name of an entry. Python reads one that is not marked as UTF-8 in the code page of old PCs."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def choose(downloads: list[Download], notebooks: set[str]) -> tuple[list[tuple[Download, SentFile]], list[str]]:
    """Which files count, and a sentence for each submission of which others do not.

    Of several downloads the newest counts for each learner, by Canvas's numbers of uploads or else by the time of the
    download. Of several uploads of one notebook in Canvas the last counts.

    Args:
        notebooks: names of the assignment's notebook files.
    """
    by_learner = defaultdict(list)
    for download in downloads:
        for one in download.sent:
            by_learner[one.number].append((download, one))
    chosen, notes = [], []
    for sent in by_learner.values():
        newest = max(sent, key=lambda pair: (pair[1].upload, pair[0].when))[0]
        kept, last = [], {}
        for download, one in sent:
            if download is newest and not one.upload:
                kept.append((download, one))
            elif download is newest:
                name = file_in(one, notebooks)
                if name not in last or one.upload > last[name][1].upload:
                    last[name] = (download, one)
        kept += last.values()
        out = [f"{one.path} in {download.path.name}" for download, one in sent if (download, one) not in kept]
        if out:
            shown = ", ".join(printable(name) for name in out[:3]) + (f" and {len(out) - 3} more" if len(out) > 3 else "")
            notes.append(f"{kept[0][1].path} counts, being the newest; not collected: {shown}")
        chosen += kept
    return chosen, notes


def file_in(one: SentFile, notebooks: set[str]) -> str:
    """The name of a file in the submission: without "-1", if that makes it the name of a notebook of the assignment."""
    plain = COPY.sub("", one.file)
    return plain if one.upload and one.file not in notebooks and plain in notebooks else one.file

"""Back up the gradebook before anything is written to it."""

import os
import re
import shutil
import sqlite3
import subprocess
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path

from sqlalchemy.engine import URL, make_url

from ninelives.grading.errors import NotBackedUp

COPIES = "gradebook-copies"  # a folder beside the gradebook
KEPT = 5  # copies for an assignment, beside the last one of each day


def why_no_backup(db_url: str) -> str | None:
    """Why this gradebook cannot be backed up here, and what to do about it; None if it can."""
    server = make_url(db_url).get_backend_name()
    if server == "sqlite" or server == "postgresql" and shutil.which("pg_dump"):
        return None
    if server == "postgresql":
        needed = "pg_dump is not installed (Debian: apt install postgresql-client)"
    else:
        needed = f"{server} has tools of its own"
    return f"No copy of the gradebook was made, since {needed}: make one yourself before you grade again."


def back_up(db_url: str, root: Path, assignment: str) -> str:
    """Copy the gradebook, a server's into the folder `root`. Returns a sentence that says what was done.

    The newest KEPT copies for the assignment stay, and the last one of each day.

    Raises:
        NotBackedUp: the copy failed.
    """
    reason = why_no_backup(db_url)
    if reason:
        return reason
    url = make_url(db_url)
    when = datetime.now().strftime("%Y%m%d-%H%M%S-%f")
    if url.get_backend_name() == "sqlite":
        source = Path(url.database)
        copies = source.parent / COPIES
        copy, mode = copies / f"{source.name}.before-{assignment}-{when}", source.stat().st_mode & 0o777
    else:
        copies = root / COPIES
        copy, mode = copies / f"gradebook.before-{assignment}-{when}.sql", 0o600
    new = copy.with_name(f".{copy.name}.new")
    try:
        copies.mkdir(mode=0o777 if mode & 0o077 else 0o700, exist_ok=True)
        # Create the copy with the gradebook's permissions from the start: it holds hidden checks.
        os.close(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))
        if url.get_backend_name() == "sqlite":
            with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(new)) as made:
                old.backup(made)
        else:
            _dump(url, new)
        new.replace(copy)
    except (OSError, sqlite3.Error) as problem:
        raise NotBackedUp(f"The gradebook could not be copied, so nothing is graded: {problem}") from None
    finally:
        new.unlink(missing_ok=True)
        with suppress(OSError):  # it holds other copies
            copies.rmdir()
    _remove_older(copy, when)
    return f"The gradebook as it was: {COPIES}/{copy.name}"


def _remove_older(copy: Path, when: str) -> None:
    start, end = copy.name.split(when)
    names = sorted((path.name for path in copy.parent.iterdir() if path.name.startswith(start) and re.fullmatch(
        r"\d{8}-\d{6}-\d{6}" + re.escape(end), path.name.removeprefix(start))), reverse=True)
    days = set()
    for index, name in enumerate(names):
        day = name.removeprefix(start)[:8]
        if index >= KEPT and day in days and name != copy.name:  # which is not the newest if the clock was set back
            with suppress(OSError):
                (copy.parent / name).unlink()
        days.add(day)


def _dump(url: URL, path: Path) -> None:
    """Write the content of a PostgreSQL database. The password is not in the command, which everyone's `ps` shows."""
    password = url.password or url.query.get("password")
    address = url._replace(drivername="postgresql", password=None).difference_update_query(["password"])
    environment = os.environ | ({"PGPASSWORD": password} if password else {})
    command = ["pg_dump", "--file", str(path), address.render_as_string()]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise NotBackedUp(f"The gradebook could not be copied, so nothing is graded: {' '.join(done.stderr.split())}")

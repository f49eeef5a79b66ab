"""The copy of the gradebook that is made before anything is written."""

import os
import sqlite3
from contextlib import closing
from datetime import datetime

import pytest

from ninelives.grading.backup import back_up, why_no_backup
from ninelives.grading.errors import NotBackedUp

SERVER = "postgresql+psycopg://teacher:s%40cret@host/course?sslmode=require"


@pytest.fixture
def gradebook(tmp_path):
    path = tmp_path / "gradebook.db"
    with closing(sqlite3.connect(path)) as made:
        made.execute("create table student (id text)")
    return path


@pytest.fixture
def pg_dump(tmp_path, monkeypatch):
    """A stand-in for PostgreSQL's pg_dump that records how it was called. Returns a function that replaces its script."""
    program = tmp_path / "pg_dump"

    def become(*lines):
        program.write_text("\n".join(["#!/bin/sh", *lines]))
        program.chmod(0o755)

    become(f'echo "$@" > {tmp_path}/called', f'echo "$PGPASSWORD" > {tmp_path}/password', 'echo "the dump" > "$2"')
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return become


@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_the_copy_has_the_gradebooks_permissions(gradebook, mode):
    gradebook.chmod(mode)
    seen = set()
    before = os.umask(0o022)
    try:
        with pytest.MonkeyPatch.context() as patched:
            connect = sqlite3.connect
            patched.setattr(sqlite3, "connect", lambda path: (seen.add(os.stat(path).st_mode & 0o777), connect(path))[1])
            back_up(f"sqlite:///{gradebook}", gradebook.parent, "01-heads")
    finally:
        os.umask(before)
    [copy] = gradebook.parent.glob("gradebook-copies/gradebook.db.before-01-heads-*")
    assert copy.stat().st_mode & 0o777 == mode and seen == {mode}, "from its first byte"


def test_a_dump_is_readable_only_for_its_owner_and_the_password_is_not_shown(pg_dump, tmp_path):
    said = back_up(SERVER, tmp_path, "01-heads")
    [copy] = tmp_path.glob("gradebook-copies/gradebook.before-01-heads-*.sql")
    assert copy.name in said and copy.read_text() == "the dump\n" and copy.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "called").read_text().split()[2:] == ["postgresql://teacher@host/course?sslmode=require"]
    assert (tmp_path / "password").read_text() == "s@cret\n"


def test_a_password_among_the_options_is_not_shown_either(pg_dump, tmp_path):
    back_up("postgresql:///course?user=teacher&password=s%40cret", tmp_path, "01-heads")
    assert "cret" not in (tmp_path / "called").read_text() and (tmp_path / "password").read_text() == "s@cret\n"


def test_if_pg_dump_fails_nothing_is_left_and_grading_stops(pg_dump, tmp_path):
    pg_dump('echo "half a dump" > "$2"', "echo server version mismatch >&2; echo aborting >&2; exit 1")
    with pytest.raises(NotBackedUp, match="could not be copied, so nothing is graded: server version mismatch aborting$"):
        back_up(SERVER, tmp_path, "01-heads")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["pg_dump"]


def test_on_a_full_disk_nothing_is_left_and_grading_stops(gradebook, monkeypatch):
    connect = sqlite3.connect

    class Full(sqlite3.Connection):
        def backup(self, target):
            raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(sqlite3, "connect", lambda path: connect(path, factory=Full))
    with pytest.raises(NotBackedUp, match="could not be copied, so nothing is graded: database or disk is full$"):
        back_up(f"sqlite:///{gradebook}", gradebook.parent, "01-heads")
    assert list(gradebook.parent.iterdir()) == [gradebook]


@pytest.mark.parametrize(("db_url", "needed"), [(SERVER, "pg_dump is not installed"), ("mysql://host/course", "mysql has tools of its own")])
def test_a_gradebook_that_cannot_be_copied_is_reported_with_what_to_do(tmp_path, monkeypatch, db_url, needed):
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert back_up(db_url, tmp_path, "01-heads") == why_no_backup(db_url)
    assert needed in why_no_backup(db_url) and "make one yourself" in why_no_backup(db_url)
    assert not list(tmp_path.iterdir())


def test_the_newest_copies_stay_and_the_last_one_of_each_day(tmp_path):
    database = tmp_path / "gradebook.db"
    sqlite3.connect(database).close()
    old = [f"gradebook.db.before-ps1-202611{day}-1{hour:02}000-000000" for day in (20, 21) for hour in range(12)]
    others = ["gradebook.db.before-ps1-extra-20261120-100000-000000", "gradebook.db.before-ps1-mine"]
    copies = tmp_path / "gradebook-copies"
    copies.mkdir()
    for name in [*old, *others]:
        (copies / name).touch()
    back_up(f"sqlite:///{database}", tmp_path, "ps1")
    left = {path.name for path in copies.iterdir()}
    assert {*others, old[11], old[23]} < left and len(left) == len(others) + 5 + 1


def test_after_the_clock_was_set_back_the_copy_that_was_just_made_stays(tmp_path):
    database = tmp_path / "gradebook.db"
    sqlite3.connect(database).close()
    copies = tmp_path / "gradebook-copies"
    copies.mkdir()
    today = datetime.now().strftime("%Y%m%d")
    for number in range(6):
        (copies / f"gradebook.db.before-ps1-{today}-99000{number}-000000").touch()
    said = back_up(f"sqlite:///{database}", tmp_path, "ps1")
    assert (copies / said.rpartition("/")[2]).is_file()

"""PostgreSQL as the gradebook: Debian's server, started here and reached through a socket in a folder."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from glob import glob
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from helpers.classroom import ANSWERS, NAME, filled, grade_here, make_course, send

FOUND = sorted(glob("/usr/lib/postgresql/*/bin/initdb")) or [path for path in [shutil.which("initdb")] if path]
pytestmark = pytest.mark.skipif(not FOUND, reason="PostgreSQL's server is not installed (Debian: apt install postgresql)")


@pytest.fixture(scope="module")
def db_url():
    """An empty database of a server of its own. As root it runs as nobody, since PostgreSQL refuses to run as root."""
    there = Path(tempfile.mkdtemp(prefix="nl-pg-"))
    programs = Path(FOUND[-1]).parent
    user = {"user": "nobody"} if os.geteuid() == 0 else {}
    if user:
        shutil.chown(there, "nobody")
    environment = os.environ | {"LC_ALL": "C", "HOME": str(there)}

    def run(*command):
        subprocess.run([str(programs / command[0]), *command[1:]], cwd=there, env=environment, check=True, capture_output=True, **user)

    run("initdb", "--pgdata", "data", "--username", "teacher", "--auth", "trust", "--encoding", "UTF8")
    server = subprocess.Popen([str(programs / "postgres"), "-D", "data", "-k", str(there), "-c", "listen_addresses=", "-c", "fsync=off"],
                              cwd=there, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **user)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                run("createdb", "--host", str(there), "--username", "teacher", "course")
                break
            except subprocess.CalledProcessError:
                if server.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        yield f"postgresql:///course?host={there}&user=teacher"
    finally:
        server.send_signal(signal.SIGINT)  # which waits for no connection that a failed test has left
        server.wait()
        shutil.rmtree(there)


def test_a_class_is_graded_after_the_database_was_backed_up(db_url, tmp_path, workers):
    course = make_course(tmp_path, f"c.CourseDirectory.db_url = {db_url!r}")
    send(course, "ada", filled(course, ANSWERS))
    send(course, "bert", filled(course, {}))
    lines, said = grade_here(course, workers)
    assert [line.score for line in lines] == [6, 0]
    assert "4 of 4" not in said and not (course / "gradebook.db").exists()
    assert all(line.known for line in grade_here(course, workers)[0])
    with Gradebook(db_url, "ninelives") as gradebook:
        assert gradebook.find_submission(NAME, "ada").score == 6
    if shutil.which("pg_dump"):
        [copy] = course.glob("gradebook-copies/gradebook.before-*.sql")
        dump = copy.read_text()
        assert "CREATE TABLE public.student" in dump and re.search(r"^COPY public\.student .*\n\\\.$", dump, re.MULTILINE), "it has no student yet"

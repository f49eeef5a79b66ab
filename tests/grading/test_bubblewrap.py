"""A system without Landlock: bubblewrap takes its place, or nothing is graded."""

import os
import re
import shutil
import subprocess
import sys
import threading

import pytest

from grading.test_sandbox import REFUSED
from helpers.classroom import ANSWERS, NAME, POINTS, filled, make_course, send
from helpers.kernels import COURSE, LIMITS
from ninelives.build import ROOT
from ninelives.grading import bubblewrap as bubblewrap_module
from ninelives.grading import cli, kernel_pool, sandbox
from ninelives.grading.batch import Batch
from ninelives.grading.errors import KernelDied, KernelServerDied
from ninelives.grading.grade import grade
from ninelives.grading.kernel_server import BubblewrapServers

pytestmark = pytest.mark.skipif(sandbox.missing() is not None, reason=f"no sandbox here: {sandbox.missing()}")


@pytest.fixture
def no_landlock(monkeypatch):
    """A system without Landlock."""
    monkeypatch.setattr(sandbox, "landlock", lambda: 0)


@pytest.fixture
def bubblewrap(no_landlock):
    if not shutil.which("bwrap"):
        pytest.skip("bubblewrap is not installed (Debian: apt install bubblewrap)")
    assert sandbox.missing() is None


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    course = make_course(tmp_path_factory.mktemp("course"))
    send(course, "ada", filled(course, ANSWERS))
    return course


def test_without_landlock_bubblewrap_refuses_the_same(bubblewrap, patient, folder):
    others = {"one's own makers": ("open('/proc/1/mem', 'r+b')", "PermissionError"),
              "the course": (f"open({str(ROOT / 'solutions')!r})", "FileNotFoundError"),
              "a folder of all": ("open('/dev/shm/file', 'w')", "FileNotFoundError")}
    with BubblewrapServers(COURSE).start(folder, LIMITS) as kernel:
        for what, (source, error) in (REFUSED | others).items():
            if what == "the top folder":
                continue  # it can be read, and holds nothing of anyone's
            # What does not exist, or cannot be written by anyone, is refused with other words.
            assert kernel.run(source).error in (error, "FileNotFoundError", "OSError"), what
        assert kernel.run("while True: pass", 1).error == "KeyboardInterrupt"
        with pytest.raises(KernelDied, match="more than 20 MB of files"):
            kernel.run("import time\nfor name in 'abc': open(name, 'wb').write(bytes(9 << 20))\ntime.sleep(9)")
    assert kernel.used["seconds"] > 0


def test_without_landlock_bubblewrap_grades_the_same(bubblewrap, course, monkeypatch):
    monkeypatch.setattr(kernel_pool, "_of_thread", threading.local())
    graded = grade(Batch(course, NAME).task("ada", {}))[NAME]
    assert graded.scores == POINTS | {"why-scale": None} and not graded.notes


@pytest.mark.skipif(os.geteuid() != 0, reason="other users see it in all other tests")
@pytest.mark.skipif(not shutil.which("bwrap"), reason="bubblewrap is not installed (Debian: apt install bubblewrap)")
def test_root_is_not_needed(course, tmp_path):
    # For root no folder is closed.
    blind = "import os\nos.mkdir('blind', 0o300)\nos.mkdir('blind/below', 0)\nopen('blind/file', 'wb').write(bytes(1 << 20))\n"
    send(course, "blind", filled(course, ANSWERS | {"split-heads": blind + ANSWERS["split-heads"]}))
    as_someone = ["bwrap", "--dev-bind", "/", "/", "--unshare-user", "--uid", "1000", "--gid", "1000", "--chdir", str(course)]
    done = subprocess.run([*as_someone, sys.executable, "-m", "ninelives.grading", NAME, "--workers", "1"],
                          env=os.environ | {"TMPDIR": str(tmp_path)}, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0 and re.search(r"ada +6 of 8", done.stdout), done.stdout + done.stderr
    assert re.search(r"blind +3 of 8[^\0]*cannot be opened", done.stdout) and not list(tmp_path.iterdir()), done.stdout


def test_without_landlock_and_bubblewrap_nothing_is_graded(no_landlock, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(bubblewrap_module.shutil, "which", lambda name: None)
    bubblewrap_module.why_not.cache_clear()
    monkeypatch.chdir(tmp_path)
    assert cli.main([NAME]) == 2
    said = capsys.readouterr().err
    assert "Linux 5.13" in said and "apt install bubblewrap" in said and "--unsafe" in said and said.count("\n") == 1
    with pytest.raises(KernelServerDied, match="Landlock"):  # as a worker on another machine says it
        BubblewrapServers(COURSE)
    bubblewrap_module.why_not.cache_clear()

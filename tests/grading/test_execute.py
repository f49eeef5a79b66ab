"""Whose folders are swept away."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from ninelives.grading import folders
from ninelives.grading.folders import private_folder, remove_stale_folders


@pytest.fixture
def shared(tmp_path, monkeypatch):
    """The temporary folder."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def folder_of_another(*before):
    """Made by a process that was killed since."""
    code = "import os; from ninelives.grading.folders import private_folder; print(private_folder(), flush=True); os.kill(os.getpid(), 9)"
    return Path(subprocess.run([*before, sys.executable, "-c", code], capture_output=True, text=True).stdout.strip())


def test_the_folder_of_a_process_that_was_killed_is_removed_and_that_of_a_living_one_stays(shared):
    left, own = folder_of_another(), Path(private_folder())
    assert left.parent == shared and left.exists()
    for name in ("x", "9" * 30):  # anyone may make these
        Path(str(own).replace(f"-{os.getpid()}-", f"-{name}-")).mkdir()
    remove_stale_folders()
    assert not left.exists() and own.exists()


def test_another_machines_folder_stays(shared, monkeypatch):
    left = folder_of_another()
    monkeypatch.setattr(folders, "_pid_namespace", lambda: "ninelives-on-00000000-4026531836")
    remove_stale_folders()
    assert left.exists()


@pytest.mark.skipif(not shutil.which("bwrap"), reason="bubblewrap is not installed (Debian: apt install bubblewrap)")
def test_a_container_that_shares_the_temporary_folder_lets_the_folders_of_the_living_stay(shared):
    own = Path(private_folder())
    container = ["bwrap", "--dev-bind", "/", "/", "--unshare-pid", "--proc", "/proc"]
    subprocess.run([*container, sys.executable, "-c", f"import os; assert not os.path.exists('/proc/{os.getpid()}')\n"
                    "from ninelives.grading.folders import remove_stale_folders; remove_stale_folders()"], check=True)
    assert own.exists()

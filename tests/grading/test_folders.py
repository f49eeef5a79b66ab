"""Folders that are deep, closed or left behind."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from helpers.classroom import make_deep
from ninelives.grading import folders
from ninelives.grading.folders import everything_in, private_folder, remove, remove_stale_folders


@pytest.mark.parametrize("depth", [1500, 3000])  # deeper than Python's recursion; longer than any path may be
def test_a_deep_folder_is_walked_to_a_limit_and_removed_completely(tmp_path, depth):
    (tmp_path / "it").mkdir()
    (tmp_path / "it" / "file").touch()
    make_deep(tmp_path / "it", depth)
    found, closed = everything_in(tmp_path / "it", max_depth=3)
    assert [str(path.relative_to(tmp_path)) for path in found] == ["it/d", "it/d/d", "it/d/d/d", "it/d/d/d/d", "it/file"]
    assert closed == [tmp_path / "it/d/d/d/d"]
    remove(tmp_path / "it")
    assert not (tmp_path / "it").exists()


def test_links_are_found_but_not_followed(tmp_path):
    (tmp_path / "it").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").touch()
    (tmp_path / "it" / "link").symlink_to(tmp_path / "other")
    assert everything_in(tmp_path / "it") == ([tmp_path / "it" / "link"], [])
    remove(tmp_path / "it")
    assert (tmp_path / "other" / "file").exists()


def test_a_folder_without_permission_is_named_and_removed(tmp_path, monkeypatch):
    (tmp_path / "it" / "secret").mkdir(parents=True)
    (tmp_path / "it" / "secret" / "file").touch()
    (tmp_path / "it" / "secret").chmod(0o300)
    scandir = os.scandir

    def refused(path):  # as it is for everyone but root
        if str(path).endswith("secret"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    with monkeypatch.context() as patched:
        patched.setattr(os, "scandir", refused)
        assert everything_in(tmp_path / "it") == ([tmp_path / "it" / "secret"], [tmp_path / "it" / "secret"])
    remove(tmp_path / "it")
    assert not (tmp_path / "it").exists()


@pytest.fixture
def shared(tmp_path, monkeypatch):
    """The temporary folder, for this process and for those that it starts."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def folder_of_killed_process(*before):
    """The private folder of a process that was killed."""
    code = "import os; from ninelives.grading.folders import private_folder; print(private_folder(), flush=True); os.kill(os.getpid(), 9)"
    return Path(subprocess.run([*before, sys.executable, "-c", code], capture_output=True, text=True).stdout.strip())


def test_the_folder_of_a_killed_process_is_removed_and_that_of_a_living_one_stays(shared):
    left, own = folder_of_killed_process(), Path(private_folder())
    assert left.parent == shared and left.exists()
    for name in ("x", "9" * 30):  # others may make these
        Path(str(own).replace(f"-{os.getpid()}-", f"-{name}-")).mkdir()
    remove_stale_folders()
    assert not left.exists() and own.exists()


def test_a_folder_of_killed_process_machine_stays(shared, monkeypatch):
    left = folder_of_killed_process()
    monkeypatch.setattr(folders, "_pid_namespace", lambda: "ninelives-on-00000000-4026531836")
    remove_stale_folders()
    assert left.exists()


@pytest.mark.skipif(not shutil.which("bwrap"), reason="bubblewrap is not installed (Debian: apt install bubblewrap)")
def test_a_container_that_shares_the_temporary_folder_keeps_the_folders_of_living_processes(shared):
    own = Path(private_folder())
    container = ["bwrap", "--dev-bind", "/", "/", "--unshare-pid", "--proc", "/proc"]
    subprocess.run([*container, sys.executable, "-c", f"import os; assert not os.path.exists('/proc/{os.getpid()}')\n"
                    "from ninelives.grading.folders import remove_stale_folders; remove_stale_folders()"], check=True)
    assert own.exists()

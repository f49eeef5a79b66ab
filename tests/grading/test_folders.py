"""Folders as nobody should make them."""

import os

import pytest

from grading.classroom import make_deep
from ninelives.grading.folders import everything_in, remove


@pytest.mark.parametrize("depth", [1500, 3000])  # deeper than Python recurses; longer than the system's longest path
def test_a_deep_folder_is_walked_as_far_as_it_is_read_and_removed_whole(tmp_path, depth):
    (tmp_path / "it").mkdir()
    (tmp_path / "it" / "file").touch()
    make_deep(tmp_path / "it", depth)
    found, closed = everything_in(tmp_path / "it", max_depth=3)
    assert [str(path.relative_to(tmp_path)) for path in found] == ["it/d", "it/d/d", "it/d/d/d", "it/d/d/d/d", "it/file"]
    assert closed == [tmp_path / "it/d/d/d/d"]
    remove(tmp_path / "it")
    assert not (tmp_path / "it").exists()


def test_links_are_found_and_not_followed(tmp_path):
    (tmp_path / "it").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").touch()
    (tmp_path / "it" / "link").symlink_to(tmp_path / "other")
    assert everything_in(tmp_path / "it") == ([tmp_path / "it" / "link"], [])
    remove(tmp_path / "it")
    assert (tmp_path / "other" / "file").exists()


def test_a_folder_that_may_not_be_read_is_named_and_removed(tmp_path, monkeypatch):
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

"""Which files learners' code may read."""

import os
import sysconfig
from pathlib import Path

import pytest

from ninelives.grading import sandbox
from ninelives.grading.course import CourseSettings
from ninelives.grading.kernel_server import KernelServer
from ninelives.grading.readable_paths import readable_paths
from ninelives.grading.sandbox import Limits


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """A package and a module outside the Python installation, as pip install -e leaves them."""
    (tmp_path / "parent" / "toy").mkdir(parents=True)
    (tmp_path / "parent" / "toy" / "__init__.py").touch()
    (tmp_path / "parent" / "single.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path / "parent"))
    return tmp_path / "parent"


def test_installed_packages_can_be_read_and_a_home_folder_cannot():
    found = readable_paths()
    assert os.path.realpath(sysconfig.get_paths()["purelib"]) in found
    assert not any(os.path.expanduser("~") == path or path == "/" for path in found)


def test_of_a_package_outside_only_the_package_itself_can_be_read(packages):
    added = set(readable_paths(("toy", "single", "there.is.none"))) - set(readable_paths())
    assert added == {str(packages / "toy"), str(packages / "single.py")}


@pytest.mark.skipif(sandbox.missing() is not None, reason=f"no sandbox here: {sandbox.missing()}")
def test_learners_code_reads_the_paths_that_a_course_names_and_no_other(tmp_path):
    for name in ("data.csv", "secret.csv"):
        (tmp_path / name).write_text("1,2")
    folder = tmp_path / "folder"
    (folder / "submission").mkdir(parents=True)
    server = KernelServer(CourseSettings(readable_paths=(str(tmp_path / "data.csv"),)))
    try:
        with server.start(folder, Limits()) as kernel:
            assert kernel.run(f"print(open('{tmp_path}/data.csv').read())").outputs[0].text == "1,2\n"
            assert kernel.run(f"open('{tmp_path}/secret.csv')").error == "PermissionError"
    finally:
        server.close()


def test_no_readable_path_contains_a_course():
    for path in readable_paths():
        assert not Path(path, "solutions").exists() and not Path(path, "answers").exists()

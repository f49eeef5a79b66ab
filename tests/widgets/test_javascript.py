import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "course" / "ninelives"


@pytest.mark.skipif(not shutil.which("node"), reason="the tests of the JavaScript need Node.js, and there is no node on this machine")
def test_the_tests_of_the_javascript_pass():
    run = subprocess.run(["node", "--test"], cwd=ROOT / "tests" / "widgets_js", capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr


def test_an_installed_package_holds_every_file_of_the_widgets():
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["package-data"]["ninelives"]
    packed = {path for pattern in patterns for path in PACKAGE.glob(pattern)}
    there = {path for path in (PACKAGE / "widgets").rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert {path for path in there if path.suffix != ".py"} <= packed


def test_no_file_of_the_widgets_is_longer_than_150_lines_or_170_with_its_docstrings():
    files = [path for path in (PACKAGE / "widgets").rglob("*.*") if path.suffix != ".pyc"]
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in files}
    assert {path.name: length for path, length in lengths.items() if length > (170 if path.suffix == ".py" else 150)} == {}

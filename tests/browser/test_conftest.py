import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]


def test_without_a_browser_a_test_fails_with_one_sentence_and_is_not_skipped(tmp_path):
    (tmp_path / "test_one.py").write_text("def test_one(lab):\n    pass\n")
    run = subprocess.run(  # without tests/conftest.py, which imports torch
        [sys.executable, "-m", "pytest", "-q", "--noconftest", "-p", "browser.conftest", tmp_path],
        env=os.environ | {"CHROME": "no-such-browser", "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent / "course")])},
        cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 1
    assert "1 failed" in run.stdout and "error" not in run.stdout and "skipped" not in run.stdout
    assert "CHROME names no-such-browser, which is no program: set it to the path" in run.stdout

import os
import subprocess
import sys
from pathlib import Path


def test_without_a_browser_a_test_fails_with_one_sentence_and_is_not_skipped():
    here = Path(__file__).parent
    run = subprocess.run(
        [sys.executable, "-m", "pytest", here / "test_attention_explorer.py", "-k", "one_word", "-q"],
        env=os.environ | {"CHROME": "no-such-browser"}, cwd=here.parents[1],
        capture_output=True, text=True,
    )
    assert run.returncode == 1
    assert "1 failed" in run.stdout and "error" not in run.stdout and "skipped" not in run.stdout
    assert "CHROME names no-such-browser, which is no program: set it to the path" in run.stdout

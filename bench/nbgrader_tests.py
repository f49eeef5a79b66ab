"""nbgrader's own tests of autograde and generate_feedback, with ninelives-grade instead of `nbgrader autograde`.

    python bench/nbgrader_tests.py              all of them: some minutes
    python bench/nbgrader_tests.py -k kernelspec

nbgrader's package contains its tests. docs/teaching/any-course.md says of each that fails why it does. Options go to
pytest. The command is typed with --go-on, since the notebooks of these tests fail their own checks.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbgrader.tests
import pytest

FILES = ("test_nbgrader_autograde.py", "test_nbgrader_generate_feedback.py")
theirs = nbgrader.tests.run_nbgrader


def run_nbgrader(args: list[str], retcode: int = 0, env: dict[str, str] | None = None, stdout: bool = False) -> str:
    """What nbgrader's tests call: every command is nbgrader's but autograde."""
    if args[0] != "autograde" or "--help-all" in args:
        return theirs(args, retcode, env, stdout)
    settings = Path.cwd() / "nbgrader_config.py"  # it names the class's folder, where ninelives-grade is started
    course = next(line.split('"')[1] for line in settings.read_text().splitlines() if "CourseDirectory.root" in line)
    shutil.copy(settings, course)
    # AutogradeApp is nbgrader's old name for the section, and --create its old option for what is the default.
    options = [option.replace("--AutogradeApp.", "--Autograde.") for option in args[1:] if option != "--create"]
    command = [sys.executable, "-m", "ninelives.grading", *options, "--workers", "1", "--go-on"]
    there = {**os.environ, **(env or {}), "PYTHONPATH": str(Path.cwd())}  # a test's plugin lies here
    done = subprocess.run(command, cwd=course, env=there, capture_output=True, text=True)
    print(done.stdout, done.stderr)
    if min(done.returncode, 1) != retcode:
        raise AssertionError(f"ninelives-grade returned {done.returncode}")
    return done.stdout + done.stderr


def main() -> int:
    nbgrader.tests.run_nbgrader = run_nbgrader
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    folder = Path(nbgrader.tests.__file__).parent / "apps"
    return pytest.main(["-q", "-p", "no:cacheprovider", "--rootdir", str(folder), "-c", os.devnull,
                        *(str(folder / name) for name in FILES), *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())

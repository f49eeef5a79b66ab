"""Each script in bench/ starts: what it imports is there, under the names that it uses."""

import runpy
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from ninelives.build import ROOT

SCRIPTS = sorted(path for path in (ROOT / "bench").glob("*.py") if path.name != "table.py")  # which they all import
# Runs each script with --help, in a process forked from one that has already imported what takes longest.
START_ALL = """
import os, runpy, sys, traceback
import IPython, nbgrader.api, playwright.sync_api, pytest, torch

failed = []
for script in sys.argv[1:]:
    sys.stdout.flush()
    child = os.fork()
    if not child:
        sys.argv, sys.path[0], status = [script, "--help"], os.path.dirname(script), 1
        try:
            runpy.run_path(script, run_name="__main__")  # argparse prints the help and raises SystemExit(0)
        except SystemExit as end:
            status = end.code
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush()
        os._exit(status)  # without clearing torch away, which takes a second
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        failed.append(script)
sys.exit(f"These did not start: {failed}" if failed else 0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="three of the scripts measure ninelives-grade, which needs Linux")
def test_each_bench_starts_and_says_how_it_is_used():
    done = subprocess.run([sys.executable, "-c", START_ALL, *map(str, SCRIPTS)], capture_output=True, text=True)
    assert not done.returncode, done.stderr
    assert done.stdout.count("usage: ") == len(SCRIPTS)


def test_the_cells_of_the_slider_bench_run(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "bench")
    slider = runpy.run_path(str(ROOT / "bench" / "slider.py"))
    names = {}
    exec(slider["SETUP"].replace("%matplotlib inline", ""), names)
    shown = [eval(cell, names) for _, tool, cell in slider["pictures"]() if tool not in slider["PACKAGES"]]
    assert len(shown) == 10


def test_the_courses_of_the_grading_bench_pass_their_own_checks_and_a_mistake_fails(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(ROOT / "bench")
    monkeypatch.chdir(tmp_path)
    bench = runpy.run_path(str(ROOT / "bench" / "grading.py"))
    Path("sales.csv").write_text(bench["SALES"])
    for course in bench["COURSES"][1 if find_spec("pandas") else 2:]:
        cells, (name, right, wrong) = (course.make.keywords[key] for key in ("cells", "mistake"))
        run = "\n".join(cell.source for cell in cells)
        exec(run, {})
        [answer] = [cell.source for cell in cells if cell.id == name]
        with pytest.raises(AssertionError):
            exec(run.replace(answer, answer.replace(right, wrong)), {})


def test_each_bench_is_named_beside_its_figures():
    figures = (ROOT / "bench" / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in SCRIPTS if f"`python bench/{path.name}" not in figures] == []

"""Grading a class: plain `nbgrader autograde` and `ninelives-grade`, in turn, in one run.

    python bench/grading.py                     40 submissions of 02-attention, then growth over 10, 40 and 160
    python bench/grading.py --few 4 --many 12   fewer, where the machine has other things to do

Every submission is harmless: solved, half done, wrong or untouched. CPU seconds are those of every process that was
started. "Further" is what one more submission costs, (many − few) ÷ their difference, so that what is started once
does not count. Both come to the same scores, or the script fails.
"""

import argparse
import ctypes
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbgrader.api import Gradebook

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from submissions import fill, solutions  # noqa: E402

NAME = "02-attention"
PR_SET_CHILD_SUBREAPER = 36


class Cost(NamedTuple):
    seconds: float
    cpu: float
    largest: float  # MB of the largest process so far
    scores: dict[str, tuple]


def make_class(folder: Path, count: int) -> Path:
    """A course's folder with `count` submissions of four kinds."""
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    shutil.copytree(ROOT / "solutions" / NAME, folder / "solutions" / NAME)
    timed(folder, [sys.executable, "-m", "nbgrader", "generate_assignment", NAME])
    solved = solutions(ROOT / "solutions" / NAME / f"{NAME}.ipynb")
    half = {name: solved[name] for name in ("split-heads", "merge-heads")}
    wrong = solved | {"attention-scores": solved["attention-scores"].replace("/ math.sqrt(head_size)", "/ head_size")}
    for number in range(count):
        sent = folder / "submitted" / f"student-{number:03}" / NAME
        sent.mkdir(parents=True)
        answers = (solved, half, wrong, solved)[number % 4]
        nbformat.write(fill(ROOT / "release" / NAME / f"{NAME}.ipynb", answers), sent / f"{NAME}.ipynb")
    return folder


def timed(folder: Path, command: list[str]) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds of everything that the command starts, and MB of the largest process."""
    there = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=there, capture_output=True, text=True)
    seconds = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    while True:  # what outlived its parent came to this process
        try:
            os.wait()
        except ChildProcessError:
            break
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, after.ru_maxrss / 1024


def graded(count: int, command: list[str]) -> Cost:
    """What it costs to grade `count` submissions in a course of their own."""
    with tempfile.TemporaryDirectory() as folder:
        course = make_class(Path(folder), count)
        cost = timed(course, command)
        with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "ninelives") as gradebook:
            scores = {s.student.id: tuple((g.name, g.auto_score) for n in s.notebooks for g in n.grades)
                      for s in gradebook.assignment_submissions(NAME)}
    return Cost(*cost, scores)


def ours(workers: int) -> list[str]:
    return [sys.executable, "-m", "ninelives.grading.command", NAME, "--workers", str(workers)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--few", type=int, default=10)
    parser.add_argument("--many", type=int, default=40)
    parser.add_argument("--growth", type=int, nargs="*", default=[10, 40, 160], help="class sizes for the second table")
    given = parser.parse_args()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    ways = {"nbgrader autograde": [sys.executable, "-m", "nbgrader", "autograde", NAME],
            "ninelives-grade, 1 worker": ours(1), "ninelives-grade, 2 workers": ours(2)}
    few = {way: graded(given.few, command) for way, command in ways.items()}
    many = {way: graded(given.many, command) for way, command in ways.items()}
    plain = few["nbgrader autograde"], many["nbgrader autograde"]
    for way in ways:
        if many[way].scores != plain[1].scores:
            raise SystemExit(f"{way} comes to other scores than nbgrader autograde")

    def further(way: str) -> float:
        return (many[way].cpu - few[way].cpu) / (given.many - given.few)

    lines = [f"{given.many} submissions of {NAME}, start-up included; {os.cpu_count()} cores; the scores of all three are the same.", "",
             "| | per minute | rate to plain | CPU s per further submission | plain to this |", "|---|---|---|---|---|"]
    for way in ways:
        lines.append(f"| {way} | {60 * given.many / many[way].seconds:.1f} | {plain[1].seconds / many[way].seconds:.1f} | "
                     f"{further(way):.2f} | {further('nbgrader autograde') / further(way):.1f} |")
    if given.growth:
        lines += ["", "How it grows, 1 worker, with the sandbox:", "",
                  "| submissions | seconds | CPU seconds | MB of the largest process |", "|---|---|---|---|"]
        for count in given.growth:
            cost = graded(count, ours(1))
            lines.append(f"| {count} | {cost.seconds:.0f} | {cost.cpu:.0f} | {cost.largest:.0f} |")
    print("\n".join(lines))
    results = ROOT / "bench" / "results"
    results.mkdir(exist_ok=True)
    (results / "grading.json").write_text(json.dumps({"table": lines}), encoding="utf-8")


if __name__ == "__main__":
    main()

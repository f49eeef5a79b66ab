"""Grading a class: plain `nbgrader autograde` and `ninelives-grade`, in turn, in one run.

    python bench/grading.py                     40 submissions of 02-attention, then growth over 10, 40 and 160
    python bench/grading.py --many 12 --growth  fewer, on a busy machine

Every submission is harmless: two of four are solved, one is half done, one wrong. CPU seconds are those of every process
that was started. "Further" is the cost of one more submission, (many − few) ÷ their difference, so that the cost of
starting does not count. The script fails unless all give the same scores. The table goes into bench/README.md.
"""

import argparse
import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbgrader.api import Gradebook
from table import as_table, machine, publish

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from helpers.submissions import fill, solutions

NAME = "02-attention"
PR_SET_CHILD_SUBREAPER = 36


class Cost(NamedTuple):
    seconds: float
    cpu: float
    largest: float  # MB of the largest process
    scores: dict[str, tuple] = {}


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
        (sent / "timestamp.txt").write_text("2026-11-20 10:00:00 UTC")  # as nbgrader collect leaves it
    return folder


def timed(folder: Path, command: list[str]) -> Cost:
    """The cost of a command, with all processes that it starts."""
    there = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
    cpu = largest = 0.0
    with tempfile.TemporaryFile("w+") as said:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=there, stdout=said, stderr=said)
        while True:
            try:
                pid, status, used = os.wait4(-1, 0)
            except ChildProcessError:
                break
            if pid == process.pid:
                seconds, process.returncode = time.perf_counter() - started, os.waitstatus_to_exitcode(status)
            cpu += used.ru_utime + used.ru_stime
            largest = max(largest, used.ru_maxrss / 1024)
        if process.returncode:
            said.seek(0)
            raise SystemExit(said.read())
    return Cost(seconds, cpu, largest)


def graded(count: int, command: list[str]) -> Cost:
    """The cost of grading `count` submissions in a course of their own."""
    with tempfile.TemporaryDirectory() as folder:
        course = make_class(Path(folder), count)
        if "autograde" in command:  # plain nbgrader, without the sandbox
            with (course / "nbgrader_config.py").open("a") as config:
                config.write('c.pop("Autograde")\n')
        cost = timed(course, command)
        with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "ninelives") as gradebook:
            scores = {s.student.id: tuple((g.name, g.auto_score) for n in s.notebooks for g in n.grades)
                      for s in gradebook.assignment_submissions(NAME)}
    return cost._replace(scores=scores)


def ours(workers: int) -> list[str]:
    return [sys.executable, "-m", "ninelives.grading", NAME, "--workers", str(workers)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--few", type=int, default=4)
    parser.add_argument("--many", type=int, default=40)
    parser.add_argument("--growth", type=int, nargs="*", default=[10, 40, 160], help="class sizes for the second table")
    given = parser.parse_args()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # count processes that outlive their parent, too

    plain, one, two = "nbgrader autograde", "ninelives-grade, 1 worker", "ninelives-grade, 2 workers"
    ways = {plain: [sys.executable, "-m", "nbgrader", "autograde", NAME], one: ours(1), two: ours(2)}
    few = {way: graded(given.few, command) for way, command in ways.items()}
    many = {way: graded(given.many, command) for way, command in ways.items()}
    for way in ways:
        if many[way].scores != many[plain].scores:
            raise SystemExit(f"{way} gives other scores than {plain}")
    further = {way: (many[way].cpu - few[way].cpu) / (given.many - given.few) for way in ways}
    rows = [[way, f"{60 * given.many / many[way].seconds:.1f}", f"{many[plain].seconds / many[way].seconds:.1f}",
             f"{further[way]:.2f}", f"{further[plain] / further[way]:.1f}"] for way in ways]
    text = f"""## Grading

`python bench/grading.py`: {given.many} submissions of {NAME}, start-up included, with the sandbox; the same scores three times. {machine()}.

{as_table(["way", "per minute", "times faster", "CPU seconds per further submission", "times fewer"], rows)}
"""
    if given.growth:
        grown = {given.few: few[one], given.many: many[one]}
        grown |= {count: graded(count, ours(1)) for count in given.growth if count not in grown}
        rows = [[count, f"{grown[count].seconds:.0f}", f"{grown[count].cpu:.0f}", f"{grown[count].largest:.0f}"] for count in given.growth]
        text += f"""
How it grows, with 1 worker:

{as_table(["submissions", "seconds", "CPU seconds", "MB of the largest process"], rows)}
"""
    print(text)
    publish("grading", text)


if __name__ == "__main__":
    main()

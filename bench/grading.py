"""Grading a class: plain `nbgrader autograde` and `ninelives-grade`, in turn, in one run.

    python bench/grading.py                     40 submissions of each of three courses, then growth over 10, 40 and 160
    python bench/grading.py --many 12 --growth  fewer, on a busy machine

It needs pandas, which comes with the test extra.

The three are 02-attention, a course that imports numpy and pandas alone, and one that imports nothing. Every submission
is harmless: two of four are solved, one is half done, one wrong. CPU seconds are those of every process that was
started. "Further" is the cost of one more submission, (many − few) ÷ their difference. "Before the first" is what is left
of the few without them: the command, the settings, what the assignment imports, and the instructor's own answers. The
script fails unless all ways give the same scores. The tables go into bench/README.md.
"""

import argparse
import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbgrader.api import Gradebook
from table import as_table, machine, publish

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from helpers import plain_course
from helpers.plain_course import answer, check, given
from helpers.submissions import fill, solutions

PR_SET_CHILD_SUBREAPER = 36
PLAIN, ONE, TWO = "nbgrader autograde", "ninelives-grade, 1 worker", "ninelives-grade, 2 workers"
WAYS = {PLAIN: ["nbgrader", "autograde"], ONE: ["ninelives.grading", "--workers", "1"], TWO: ["ninelives.grading", "--workers", "2"]}
TIMESTAMP = "2026-11-20 10:00:00 UTC"  # as nbgrader collect leaves it

# Notebooks as courses write them that know nothing of this one.
SALES = "region,units,price\n" + "".join(f"{region},{units},{units % 7 + 1}\n" for units, region in enumerate("NESW" * 25))
NUMPY_AND_PANDAS = [
    given("import numpy as np\nimport pandas as pd\n\nsales = pd.read_csv('sales.csv')\nsales.head()"),
    answer("def standardized(x):\n    return (x - x.mean()) / x.std()", "standardized"),
    check("z = standardized(np.array([1.0, 2.0, 6.0]))\nassert z.shape == (3,)", "standardized-shape"),
    check("assert np.allclose([z.mean(), z.std()], [0, 1])\n### BEGIN HIDDEN TESTS\n"
          "assert np.allclose(standardized(np.arange(5.0)), np.arange(-2, 3) / 2 ** 0.5)\n### END HIDDEN TESTS", "standardized-values"),
    given("sales['revenue'] = sales.units * sales.price\nsales.describe()"),
    answer("def revenue_by_region(sales):\n    return sales.groupby('region').revenue.sum()", "revenue-by-region"),
    check("found = revenue_by_region(sales)\nassert set(found.index) == set('NESW')", "revenue-by-region-index"),
    check("assert found['N'] == sales[sales.region == 'N'].revenue.sum()", "revenue-by-region-values", 2),
    answer("def best(sales, count):\n    return list(sales.nlargest(count, 'revenue').index)", "best"),
    check("assert best(sales, 1) == [int(sales.revenue.idxmax())]\n### BEGIN HIDDEN TESTS\n"
          "assert len(best(sales, 5)) == 5\n### END HIDDEN TESTS", "best-one", 2),
]
NO_IMPORTS = [
    given("names = ['ada', 'bert', 'cleo']\nprint(len(names))"),
    answer("def is_palindrome(text):\n    return text == text[::-1]", "is-palindrome"),
    check("assert is_palindrome('level')\nassert not is_palindrome('nine')", "is-palindrome-words"),
    check("assert is_palindrome('')\n### BEGIN HIDDEN TESTS\nassert not is_palindrome('ab')\n### END HIDDEN TESTS", "is-palindrome-short"),
    answer("def count_words(text):\n    counts = {}\n    for word in text.split():\n        counts[word] = counts.get(word, 0) + 1\n"
           "    return counts", "count-words"),
    check("assert count_words('to be or not to be') == {'to': 2, 'be': 2, 'or': 1, 'not': 1}", "count-words-values", 2),
    answer("def fizzbuzz(n):\n    return 'fizz' * (n % 3 == 0) + 'buzz' * (n % 5 == 0) or str(n)", "fizzbuzz"),
    check("assert [fizzbuzz(n) for n in (3, 5, 15)] == ['fizz', 'buzz', 'fizzbuzz']", "fizzbuzz-words"),
    check("assert fizzbuzz(7) == '7'\n### BEGIN HIDDEN TESTS\nassert fizzbuzz(98) == '98'\n### END HIDDEN TESTS", "fizzbuzz-numbers"),
]


class Cost(NamedTuple):
    seconds: float
    cpu: float
    largest: float  # MB of the largest process
    scores: dict[str, tuple] = {}


def four_kinds(solved: dict[str, str], name: str, right: str, wrong: str) -> list[dict[str, str]]:
    """Answers by the names of their cells: all, half of them, all but one that is wrong, and all again."""
    half = dict(list(solved.items())[: len(solved) // 2])
    return [solved, half, solved | {name: solved[name].replace(right, wrong)}, solved]


def make_attention(folder: Path, count: int) -> None:
    """A folder with `count` submissions of 02-attention, with this course's settings."""
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    shutil.copytree(ROOT / "solutions" / "02-attention", folder / "solutions" / "02-attention")
    timed(folder, [sys.executable, "-m", "nbgrader", "generate_assignment", "02-attention"])
    solved = solutions(ROOT / "solutions" / "02-attention" / "02-attention.ipynb")
    kinds = four_kinds(solved, "attention-scores", "/ math.sqrt(head_size)", "/ head_size")
    for number in range(count):
        sent = folder / "submitted" / f"student-{number:03}" / "02-attention"
        sent.mkdir(parents=True)
        released = ROOT / "release" / "02-attention" / "02-attention.ipynb"
        nbformat.write(fill(released, kinds[number % 4]), sent / "02-attention.ipynb")
        (sent / "timestamp.txt").write_text(TIMESTAMP)


def make_plain(folder: Path, count: int, cells: list, mistake: tuple[str, str, str]) -> None:
    """A folder with `count` submissions of a notebook with these cells, with nbgrader's own settings."""
    plain_course.make_course(folder, {"p1": cells}, files={"sales.csv": SALES})
    solved = solutions(folder / "source" / plain_course.NAME / "p1.ipynb")
    kinds = four_kinds(solved, *mistake)
    for number in range(count):
        sent = plain_course.hand_in(folder, f"student-{number:03}", kinds[number % 4])
        (sent / "timestamp.txt").write_text(TIMESTAMP)


class Course(NamedTuple):
    imports: str
    assignment: str
    make: Callable[[Path, int], None]


ATTENTION = Course("PyTorch and this course: 02-attention", "02-attention", make_attention)
COURSES = [
    ATTENTION,
    Course("numpy and pandas", plain_course.NAME,
           partial(make_plain, cells=NUMPY_AND_PANDAS, mistake=("standardized", "/ x.std()", "* x.std()"))),
    Course("nothing", plain_course.NAME,
           partial(make_plain, cells=NO_IMPORTS, mistake=("count-words", "+ 1", "+ 2"))),
]


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


def graded(course: Course, count: int, way: str) -> Cost:
    """The cost of grading `count` submissions in a folder of their own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        course.make(folder, count)
        if way == PLAIN:  # without the sandbox
            with (folder / "nbgrader_config.py").open("a") as config:
                config.write("c.pop('Autograde', None)\n")
        cost = timed(folder, [sys.executable, "-m", *WAYS[way], course.assignment])
        with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
            scores = {s.student.id: tuple((g.name, g.auto_score) for n in s.notebooks for g in n.grades)
                      for s in gradebook.assignment_submissions(course.assignment)}
    return cost._replace(scores=scores)


def further(few: Cost, many: Cost) -> Cost:
    """The cost of one more submission."""
    difference = len(many.scores) - len(few.scores)
    return Cost((many.seconds - few.seconds) / difference, (many.cpu - few.cpu) / difference, many.largest)


def compared(course: Course, few: dict[str, Cost], many: dict[str, Cost]) -> list[list]:
    """The table's rows of one course, plain nbgrader first."""
    if any(cost.scores != many[PLAIN].scores for cost in many.values()):
        raise SystemExit(f"Where {course.imports} is imported, ninelives-grade gives other scores than {PLAIN}")
    one = {way: further(few[way], many[way]) for way in many}
    before = {way: (few[way].seconds - len(few[way].scores) * one[way].seconds,
                    few[way].cpu - len(few[way].scores) * one[way].cpu) for way in many}
    return [[course.imports, way, f"{60 * len(cost.scores) / cost.seconds:.1f}", f"{many[PLAIN].seconds / cost.seconds:.1f}",
             f"{one[way].cpu:.2f}", f"{one[PLAIN].cpu / one[way].cpu:.1f}", *(f"{spent:.1f}" for spent in before[way])]
            for way, cost in many.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--few", type=int, default=4)
    parser.add_argument("--many", type=int, default=40)
    parser.add_argument("--growth", type=int, nargs="*", default=[10, 40, 160], help="class sizes for the second table")
    asked = parser.parse_args()
    if find_spec("pandas") is None:
        parser.error("one of the courses imports pandas, which is not installed: python -m pip install pandas")
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # count processes that outlive their parent, too

    rows, grown = [], {}
    for course in COURSES:
        ways = WAYS if course is ATTENTION else [PLAIN, ONE]
        few, many = ({way: graded(course, count, way) for way in ways} for count in (asked.few, asked.many))
        rows += compared(course, few, many)
        if course is ATTENTION:
            grown = {asked.few: few[ONE], asked.many: many[ONE]}
    columns = ["the notebook imports", "way", "per minute", "times faster", "CPU seconds per further submission", "times fewer",
               "seconds before the first", "CPU seconds before the first"]
    text = f"""## Grading

`python bench/grading.py`: {asked.many} submissions of each, start-up included, with the sandbox; all ways give the same scores. {machine()}.

{as_table(columns, rows)}
"""
    if asked.growth:
        grown |= {count: graded(ATTENTION, count, ONE) for count in asked.growth if count not in grown}
        rows = [[count, f"{grown[count].seconds:.0f}", f"{grown[count].cpu:.0f}", f"{grown[count].largest:.0f}"] for count in asked.growth]
        text += f"""
How 02-attention grows, with 1 worker:

{as_table(["submissions", "seconds", "CPU seconds", "MB of the largest process"], rows)}
"""
    print(text)
    publish("grading", text)


if __name__ == "__main__":
    main()

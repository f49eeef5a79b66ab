"""Whatever cells leave behind is there for those after them, as in one kernel: the instructor's own answers earn all points.

The courses use nothing of this one, and plain nbgrader gives each of them full points.
"""

import pytest

from helpers.plain_course import exercises, given, grade, hand_in, make_course, points
from ninelives.grading import sandbox

pytestmark = pytest.mark.skipif(sandbox.missing() is not None, reason=f"no sandbox here: {sandbox.missing()}")

# The cells before the first exercise, and the exercises after them.
BEGINNINGS = {
    "seeds": ("import random, numpy as np\nnp.random.seed(0); random.seed(0)",
              ("x, y = np.random.rand(3), random.random()",
               "assert x.sum() == np.random.RandomState(0).rand(3).sum() and y == random.Random(0).random()")),
    "paths": ("from pathlib import Path\nHERE = Path.cwd()",
              ("def load(): return (HERE / 'data.csv').read_text()", "assert load() == '1,2'")),
    "temporary": ("import tempfile\nTMP = tempfile.mkdtemp()\nwith open(TMP + '/x', 'w') as file: file.write('1')",
                  ("with open(TMP + '/x', 'a') as file: file.write('2')", "assert open(TMP + '/x').read() == '12'")),
    "database": ("import sqlite3\nconn = sqlite3.connect('people.db')\nconn.execute('create table people (name)')",
                 ("conn.execute(\"insert into people values ('ada')\"); conn.commit()",
                  "assert conn.execute('select count(*) from people').fetchone() == (1,)")),
    "thread": ("import queue, threading\nasked, told = queue.Queue(), queue.Queue()\ndef serve():\n    while True: told.put(2 * asked.get())\n"
               "threading.Thread(target=serve, daemon=True).start()",
               ("def double(x):\n    asked.put(x)\n    return told.get(timeout=5)", "assert double(2) == 4")),
    "module": ("import helper", ("def load(): return helper.read()", "assert load() == '1,2'")),
}
ELSEWHERE = {"directory": ("import os\nos.makedirs('work', exist_ok=True)\nos.chdir('work')",
                           ("open('mine.txt', 'w').close()", "assert os.listdir() == ['mine.txt']"))}
FILES = {"data.csv": "1,2", "helper.py": "from pathlib import Path\ndef read(): return (Path(__file__).parent / 'data.csv').read_text()"}
# Answers and checks that change what others need; known wrong answers are tried on each in between.
TRACES = {
    "list": ("lst = [1, 2, 3]", ("lst.append(4)", "assert lst == [1, 2, 3, 4]"), ("lst.append(5)", "assert lst == [1, 2, 3, 4, 5]")),
    "account": ("class Account:\n    def __init__(self, balance): self.balance = balance\n    def deposit(self, x): self.balance += x\n"
                "acc = Account(100)",
                ("bonus = 0", "acc.deposit(10); assert acc.balance + bonus == 110"), ("more = 0", "acc.deposit(10); assert acc.balance + more == 120")),
    "random": ("import numpy as np\nnp.random.seed(1); r = np.random.RandomState(1)",
               ("a = np.random.rand(2)", "assert (a == r.rand(2)).all()"), ("b = np.random.rand(2)", "assert (b == r.rand(2)).all()")),
    "memory": ("import sqlite3\ndb = sqlite3.connect(':memory:')\n_ = db.execute('create table t (x)')\ncount = lambda: db.execute('select count(*) from t').fetchone()[0]",
               ("_ = db.execute('insert into t values (1)')", "assert count() == 1"), ("_ = db.execute('insert into t values (2)')", "assert count() == 2")),
    "generator": ("numbers = iter(range(9))", ("a = next(numbers)", "assert a == 0"), ("b = next(numbers)", "assert b == 1")),
    "file": ("", ("with open('log.txt', 'a') as file: file.write('x')", "assert open('log.txt').read() == 'x'"),
             ("with open('log.txt', 'a') as file: file.write('y')", "assert open('log.txt').read() == 'xy'")),
}


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    def notebook(parts: dict) -> list:
        return [*(given(first) for first, *_ in parts.values()), *exercises(*(pair for _, *pairs in parts.values() for pair in pairs))]

    notebooks = {"beginnings": notebook(BEGINNINGS), "traces": notebook(TRACES), "elsewhere": notebook(ELSEWHERE)}
    course = make_course(tmp_path_factory.mktemp("course"), notebooks, files=FILES)
    hand_in(course, "alone")
    (hand_in(course, "with-a-file") / "mine.txt.bak").write_text("mine")
    return course, grade(course)


@pytest.mark.parametrize("student", ["alone", "with-a-file"])
def test_the_instructors_own_answers_earn_every_point(course, student):
    earned = points(course[0])[student]
    wrong = [name for name, score in earned.items() if score != 1]
    assert len(earned) == len(BEGINNINGS) + sum(len(pairs) - 1 for pairs in TRACES.values()) + 1 and not wrong, course[1]


def test_nothing_is_noted_about_them(course):
    assert "0 with notes" in course[1] and "Beware" not in course[1]


def test_a_module_that_only_an_answer_imports_is_not_there_for_who_forgot_it(tmp_path):
    cells = [given("import xml"), *exercises(("import xml.sax.handler\ndef f(): return xml.sax.handler.feature_external_ges", "assert f()"))]
    course = make_course(tmp_path, {"p1": cells})
    hand_in(course, "forgot", {"task-0": "def f(): return xml.sax.handler.feature_external_ges"})
    hand_in(course, "right")
    grade(course)
    assert points(course) == {"forgot": {"p1/task-0-check": 0}, "right": {"p1/task-0-check": 1}}

"""One course with the libraries that others teach with, graded by plain nbgrader and by ninelives-grade: every cell's points are equal."""

import shutil
from typing import NamedTuple

import pytest

from helpers.classroom import api, succeed
from helpers.plain_course import NAME, answer, check, given, grade, hand_in, make_course, points
from ninelives.grading import sandbox

pytestmark = pytest.mark.skipif(sandbox.missing() is not None, reason=f"no sandbox here: {sandbox.missing()}")


class Exercise(NamedTuple):
    """Three answers, and two checks: right answers pass both, half-right ones the first (1 point) but not all of the second (2 points)."""

    given: str
    right: str
    half: str
    wrong: str
    first: str
    second: str


def hidden(line: str) -> str:
    return f"### BEGIN HIDDEN TESTS\n{line}\n### END HIDDEN TESTS"


EXERCISES = {
    "stdlib": Exercise(
        "import json, re\nfrom collections import Counter\nfrom pathlib import Path",
        "def words(text): return Counter(re.findall(r'\\w+', text.lower()))", "def words(text): return Counter(re.findall(r'\\w+', text))",
        "def words(text): return text.split()",
        "assert words('a b a')['a'] == 2 and json.loads(Path('data.json').read_text()) == [1]", "1.0 + (words('A, a')['a'] == 2)"),
    "numpy": Exercise(
        "import numpy as np\nnp.random.seed(0)\nsample = np.random.rand(20, 3)",
        "def standardize(a): return (a - a.mean(axis=0)) / a.std(axis=0)", "def standardize(a): return (a - a.mean()) / a.std()",
        "def standardize(a): return list(a)",
        "assert standardize(sample).shape == (20, 3)", hidden("assert np.allclose(standardize(sample).mean(axis=0), 0)")),
    "pandas": Exercise(
        "import pandas as pd\npeople = pd.read_csv('people.csv')",
        "people.loc[len(people)] = ['eve', 9]\nmeans = people.groupby('name')['points'].mean()",
        "people.loc[len(people)] = ['eve', 9]\nmeans = people.groupby('name')['points'].max()", "means = {}",
        "assert len(people) == 4 and means['eve'] == 9", hidden("assert means['ada'] == 1.5 and len(people) == 4")),
    "scipy": Exercise(
        "from scipy import optimize, stats",
        "root = optimize.brentq(lambda x: x**2 - 2, 0, 2)\np_value = stats.ttest_ind([1, 2, 3], [2, 3, 4]).pvalue",
        "root = optimize.brentq(lambda x: x**2 - 2, 0, 2)\np_value = stats.ttest_ind([1, 2, 3], [2, 3, 4]).statistic", "root, p_value = 2, 0",
        "assert abs(root - 2**0.5) < 1e-6", hidden("assert abs(p_value - 0.2879) < 1e-4")),
    "scikit-learn": Exercise(
        "from sklearn.datasets import make_classification\nfrom sklearn.linear_model import LogisticRegression\n"
        "from sklearn.model_selection import GridSearchCV\nX, y = make_classification(60, random_state=0)",
        "search = GridSearchCV(LogisticRegression(), {'C': [0.1, 1]}, n_jobs=2, cv=2).fit(X, y)",
        "search = GridSearchCV(LogisticRegression(), {'C': [1e-9]}, n_jobs=2, cv=2).fit(X, y)", "search = LogisticRegression()",
        "assert search.best_score_ > 0.5", hidden("assert search.best_params_['C'] in (0.1, 1) and search.score(X, y) > 0.8")),
    "matplotlib": Exercise(
        "import matplotlib.pyplot as plt",
        "figure, axes = plt.subplots()\naxes.plot([1, 2, 3], [1, 4, 9])\naxes.set_xlabel('x')",
        "figure, axes = plt.subplots()\naxes.plot([1, 2, 3], [1, 2, 3])\naxes.set_xlabel('x')", "plt.plot([1, 2])",
        "assert axes.get_xlabel() == 'x'", hidden("assert list(axes.lines[0].get_ydata()) == [1, 4, 9]")),
    "sqlite": Exercise(
        "import sqlite3\nconnection = sqlite3.connect('people.db')\n_ = connection.execute('create table people (name, points)')\n"
        "def ask(what): return connection.execute(f'select {what} from people').fetchone()[0]",
        "connection.executemany('insert into people values (?, ?)', [('ada', 1), ('bert', 2)])\nconnection.commit()",
        "connection.executemany('insert into people values (?, ?)', [('ada', 1), ('bert', 1)])\nconnection.commit()", "pass",
        "assert ask('count(*)') == 2", hidden("assert ask('sum(points)') == 3")),
    "networkx": Exercise(
        "import networkx as nx\ngraph = nx.path_graph(5)",
        "graph.add_edge(0, 4)\npath = nx.shortest_path(graph, 0, 3)", "path = nx.shortest_path(graph, 0, 3)\ngraph.add_edge(0, 4)", "path = [0, 3]",
        "assert graph.number_of_edges() == 5", hidden("assert path == [0, 4, 3]")),
    "PIL": Exercise(
        "from PIL import Image",
        "picture = Image.new('L', (8, 4), 10)\npicture.save('picture.png')", "picture = Image.new('L', (8, 4))\npicture.save('picture.png')",
        "picture = Image.new('L', (4, 8))",
        "assert Image.open('picture.png').size == (8, 4)", hidden("assert Image.open('picture.png').getpixel((0, 0)) == 10")),
}
FILES = {"people.csv": "name,points\nada,1\nada,2\nbert,3\n", "data.json": "[1]"}
WORTH = {"right": 3, "half": 1, "wrong": 0}
PARTS = {("stdlib", "half"): 2}  # its second check gives one of its two points


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    cells = [cell for name, one in EXERCISES.items() for cell in (
        given(one.given), answer(one.right, name), check(one.first, f"{name}-first"), check(one.second, f"{name}-second", points=2))]
    course = make_course(tmp_path_factory.mktemp("libraries") / "course", {"p1": cells}, files=FILES)
    for student in WORTH:
        hand_in(course, student, {name: getattr(one, student) for name, one in EXERCISES.items()})
    return course


@pytest.fixture(scope="module")
def plain(course, activated):
    """The same class, graded by nbgrader alone."""
    plain = course.parent / "plain"
    shutil.copytree(course, plain)
    for student in WORTH:
        succeed(api(plain).autograde(NAME, student))
    return points(plain)


@pytest.fixture(scope="module")
def said(plain, course):
    return grade(course)


def test_every_cell_has_the_points_that_nbgrader_gives_it(said, plain, course):
    assert points(course) == plain


@pytest.mark.parametrize("library", EXERCISES)
def test_right_half_right_and_wrong_answers_are_told_apart(said, course, library):
    earned = {student: sum(row[f"p1/{library}-{check}"] for check in ("first", "second")) for student, row in points(course).items()}
    assert earned == {student: PARTS.get((library, student), worth) for student, worth in WORTH.items()}


def test_nothing_is_noted_about_them(said):
    """In particular nothing is refused when scikit-learn is imported, and no known wrong answer passes."""
    assert "3 submissions: 3 graded, 0 not graded, 0 with notes." in said and "Beware" not in said

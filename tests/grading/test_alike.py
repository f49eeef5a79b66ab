"""Answers that are alike: what is compared, what is taken out first, and the page that shows both."""

import random
import re
import time
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from helpers.graded_class import STUB, Tags, make_graded_class
from ninelives.grading.alike import COMMON, MAX_LINES, MIN_TOKENS, beside, compare, identical
from ninelives.grading.answer_lines import code_lines, text_lines
from ninelives.grading.assignment import Cell, Notebook
from ninelives.grading.class_results import ClassResults, Learner
from ninelives.grading.cli import main

SOLUTION = "def mean(x):\n    total = sum(x)\n    return total / len(x)\n"
LOOP = """def mean(x):
    count, total = 0, 0.0
    for value in x:
        total = total + value
        count = count + 1
    if count == 0:
        raise ValueError("no values")
    return total / count
"""
COPIED = '''def mean(x):
    """The mean."""
    n, s = 0, 0.0   # my own idea
    for item in x:
        s = s + item
        n = n + 1

    if n == 0:
        raise ValueError("no values")
    return s / n
'''
OTHER = """def mean(x):
    numbers = sorted(x, reverse=True)
    while len(numbers) > 1:
        last = numbers.pop()
        numbers[0] += last
    return numbers[0] / max(len(x), 1)
"""
EVIL = "<script>alert(1)</script></td></table>"


def class_of(answers: dict[str, str], kind: str = "code", exercises: int = 1) -> ClassResults:
    names = [f"mean{number or ''}" for number in range(exercises)]
    cells = tuple(Cell(name, None, kind, STUB.format("mean"), STUB.format("mean"), "", {
        "solution": True, "grade": kind == "markdown", "task": False}) for name in names)
    learners = tuple(Learner(student, student, "", answers={("n", name): text for name in names}, files={"n": Path("n.ipynb")})
                     for student, text in answers.items())
    return ClassResults("one", (Notebook("n", cells, {}),), learners, (), ())


def compared(answers: dict[str, str], solution: str = SOLUTION, kind: str = "code"):
    [found] = compare(class_of(answers, kind), {("n", "mean"): solution})
    return found


def names_of(found) -> list[set[str]]:
    return [{side.learner.id for side in pair.sides} for pair in found.pairs]


def test_other_names_comments_and_layout_make_no_difference():
    found = compared({"ada": LOOP, "bert": COPIED, "cleo": OTHER})
    assert names_of(found) == [{"ada", "bert"}] and found.pairs[0].similarity == 1


def test_a_change_here_and_there_is_still_alike():
    changed = COPIED.replace("n == 0", "n < 1").replace("s = s + item", "s += item")
    assert compared({"ada": LOOP, "bert": changed}).pairs[0].similarity == pytest.approx(0.9, abs=0.09)


def test_what_is_released_or_in_the_solution_is_no_likeness():
    found = compared({"ada": SOLUTION, "bert": SOLUTION.replace("total", "t"), "cleo": STUB.format("mean") + SOLUTION})
    assert (found.answers, found.too_short, found.pairs) == (3, 3, ())
    assert compared({"ada": LOOP, "bert": LOOP}, solution=LOOP).pairs == ()


def test_a_line_that_many_wrote_is_no_likeness():
    few = compared({f"s{number}": LOOP for number in range(COMMON)})
    many = compared({f"s{number}": LOOP for number in range(COMMON + 1)})
    assert len(few.pairs) + few.left_out == COMMON * (COMMON - 1) // 2
    assert (many.too_short, many.pairs) == (COMMON + 1, ())


def test_a_short_answer_has_one_natural_form_and_is_counted_as_left_out():
    found = compared({"ada": "def mean(x):\n    return max(x)", "bert": "def mean(x):\n    return max(x)", "cleo": LOOP})
    assert (found.answers, found.too_short, found.pairs) == (3, 2, ())


@pytest.mark.parametrize("broken", ["    for in x:\n", "'''", "(" * 300 + "\n", "\0\n", "%%bash\n"])
def test_code_that_is_no_python_is_compared_too(broken):
    assert names_of(compared({"ada": LOOP + broken, "bert": LOOP + broken, "cleo": OTHER})) == [{"ada", "bert"}]


def test_written_answers_are_compared_by_their_words():
    words = "The variance of a sum grows with the number of its terms. So the softmax saturates, and its gradient is almost zero everywhere."
    found = compared({"ada": words, "bert": f"  {words.upper()}", "cleo": words[::-1]}, "Because it says so.", "markdown")
    assert names_of(found) == [{"ada", "bert"}]


def test_the_lines_that_are_marked_are_those_that_both_have_and_that_are_not_taken_out():
    [pair] = compared({"ada": LOOP, "bert": "import math\n" + COPIED}).pairs
    one, other = pair.sides
    assert [line for number, line in enumerate(one.text.split("\n")) if number in one.taken_out] == ["def mean(x):"]
    assert sorted(one.shared) == [1, 2, 3, 4, 5, 6, 7]
    assert "import math" == other.text.split("\n")[0] and 0 not in other.shared | other.taken_out


def test_every_line_of_both_texts_is_shown_once_in_order():
    [pair] = compared({"ada": LOOP, "bert": COPIED}).pairs
    for side, numbers in zip(pair.sides, zip(*beside(pair))):
        assert [number for number in numbers if number is not None] == list(range(len(side.text.split("\n"))))
    lines = [side.text.split("\n") for side in pair.sides]
    assert ("        total = total + value", "        s = s + item") in [
        (lines[0][left], lines[1][right]) for left, right in beside(pair) if left is not None and right is not None]


def test_of_a_huge_answer_only_the_beginning_is_shown():
    [pair] = compared({"ada": LOOP + "x = 1\n" * 10_000, "bert": LOOP + "x = 1\n" * 10_000}).pairs
    assert len(beside(pair)) == MAX_LINES


def test_a_name_after_a_dot_is_not_the_answers_own():
    assert code_lines("view = x.view(2)\n")[0].tokens == ("v", "=", "x", ".", "view", "(", "2", ")")
    assert [line.tokens for line in text_lines("One. Two!")] == [("one", "."), ("two", "!")]


def test_160_learners_are_compared_within_seconds():
    draw = random.Random(0)
    words = ["total", "value", "(", ")", "+", "x", "len", "numbers", "=", "0", "[", "]", "for"]
    results = class_of({f"s{number}": " ".join(draw.choices(words, k=150)) for number in range(160)}, exercises=8)
    begun = time.process_time()
    assert len(compare(results, {})) == 8
    assert time.process_time() - begun < 5


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Two of three wrote alike, one of them with a name and a line that are no good for a page."""
    exercises = {"mean": [("values", 1)]}
    answers = {"ada": f"{LOOP}# {EVIL}\n", "mallory": COPIED.replace("    ", "\t"), "cleo": OTHER}
    folder = make_graded_class(tmp_path_factory.mktemp("class"), {student: {"mean": (answer, {})} for student, answer in answers.items()},
                               exercises, "one", {"mallory": {"first_name": EVIL}})
    marked = SOLUTION.replace("(x):\n", "(x):\n    ### BEGIN SOLUTION\n") + "    ### END SOLUTION\n"
    for place, source in (("solutions", marked), ("release", STUB.format("mean"))):
        cells = [new_code_cell(text, metadata={"nbgrader": {"grade_id": name, "solution": name == "mean", "grade": name != "mean"}})
                 for name, text in (("mean", source), ("mean-values", "check.mean()"))]
        (folder / place / "one").mkdir(parents=True)
        nbformat.write(new_notebook(cells=cells), folder / place / "one" / "one.ipynb")
    return folder


def test_the_command_names_the_pair_and_writes_a_page_with_both(course, monkeypatch, capsys):
    monkeypatch.chdir(course)
    assert main(["one", "--alike"]) == 0
    out = capsys.readouterr().out
    assert "mean: 3 answers, 1 pair alike" in out and re.search(r"100 % of \d\d tokens: ada and mallory", out) and "no verdict" in out
    page = Tags((course / "reports" / "one" / "alike.html").read_text())
    assert f"# {EVIL}" in page.text and [tag for tag, _ in page.tags].count("script") == 1 and [tag for tag, _ in page.tags].count("table") == 1
    assert "    s = s + item" in page.text and "A place to look, and no verdict." in page.text
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert links == ["../../autograded/ada/one/one.ipynb", "../../autograded/mallory/one/one.ipynb"]


def test_that_short_answers_are_left_out_is_said(course, monkeypatch, capsys):
    monkeypatch.setattr("ninelives.grading.alike.MIN_TOKENS", 1000)
    monkeypatch.chdir(course)
    assert main(["one", "--alike"]) == 0
    out = capsys.readouterr().out
    assert "mean: 3 answers, nothing to compare: 3 of 3 are too short" in out and "no verdict" not in out
    page = (course / "reports" / "one" / "alike.html").read_text()
    assert "3 answers, nothing to compare: 3 of 3 are too short." in page and "No two are alike" not in page
    assert f"3 left out: with fewer than {MIN_TOKENS} tokens of its own, an answer has one natural form." in page


def test_without_the_solution_the_command_says_what_is_missing(course, monkeypatch, capsys):
    solved = course / "solutions" / "one" / "one.ipynb"
    moved = solved.rename(course / "solved.ipynb")
    monkeypatch.chdir(course)
    assert main(["one", "--alike"]) == 2
    moved.rename(solved)
    err = capsys.readouterr().err
    assert "the instructor's own notebook" in err and len(err.strip().splitlines()) == 1


def test_a_single_learner_and_an_exercise_that_nobody_reached_have_no_pairs():
    assert (compared({"ada": LOOP}).nothing, compared({"ada": LOOP}).pairs) == ("one learner has answered", ())
    assert (compared({}).nothing, compared({}).pairs) == ("nobody has answered", ())
    assert compared({"ada": LOOP, "bert": "1"}).nothing == "1 of 2 is too short" and not compared({"ada": LOOP, "bert": OTHER}).nothing


def test_short_answers_that_are_the_same_in_every_exercise_name_the_learners():
    def named(answers):
        return [[learner.id for learner in group] for group in identical(class_of(answers, exercises=2), {("n", "mean"): SOLUTION})]

    odd, natural = "def mean(x): return x[1]", "def mean(x): return max(x)"
    assert named({"ada": odd, "bert": f"{odd}\n", "cleo": natural, "dan": SOLUTION}) == [["ada", "bert"]]
    one_exercise = identical(class_of({"ada": odd, "bert": odd}), {})
    assert one_exercise == [] and named({"ada": odd, "bert": natural}) == []
    results = class_of({"ada": natural, "bert": natural, "cleo": natural}, exercises=2)
    results.learners[2].answers["n", "mean1"] = odd
    solved = {("n", "mean1"): natural}
    assert identical(results, solved) == [], "the one is the instructor's, and the other was written by cleo, too"


@pytest.mark.parametrize("arguments", [["--alike"], ["one", "--alike", "--without-names"], ["one", "--without-names"], []])
def test_options_that_do_not_go_together_are_refused(arguments, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2 and "error: " in capsys.readouterr().err

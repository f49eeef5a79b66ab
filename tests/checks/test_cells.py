import linecache
import re

import pytest
from IPython.core.interactiveshell import InteractiveShell

from ninelives.checks import cells
from ninelives.checks.cells import want_the_newest
from ninelives.checks.failure import CheckFailed


@pytest.fixture
def shell(monkeypatch):
    """A shell in which `In` holds what was run, as in a notebook."""
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    monkeypatch.setattr(cells, "get_ipython", lambda: shell)
    yield shell
    InteractiveShell.clear_instance()
    linecache.checkcache()


def run(shell, *sources):
    for source in sources:
        shell.run_cell(source, store_history=True)


def test_a_cell_that_stopped_with_a_syntax_error_is_named_in_one_sentence(shell, capsys):
    run(shell, "def f(x):\n    return x\n", "def f(x):\n    return x +\n")
    with pytest.raises(CheckFailed) as caught:
        want_the_newest(shell.user_ns["f"])
    assert re.fullmatch(r"the cell that defines f stopped with a SyntaxError \(invalid syntax, line 2 of the cell\), "
                        r"so Python still has your older f\.", caught.value.seen)


def test_a_class_whose_cell_raised_an_error_is_named_too(shell, capsys):
    run(shell, "class F:\n    def g(self): return 1\n", "class F(nothing):\n    def g(self): return 2\n")
    with pytest.raises(CheckFailed, match="the cell that defines F stopped with an error, so Python still has your older F"):
        want_the_newest(shell.user_ns["F"])


def test_an_answer_of_the_newest_cell_is_taken(shell, capsys):
    run(shell, "def f(x):\n    return x +\n", "def f(x):\n    return x\n", "%%time\ndef g(x):\n    return x\n", "f(3)")
    want_the_newest(shell.user_ns["f"])
    run(shell, "def f(x):\n    return 2 * x\n")
    want_the_newest(shell.user_ns["f"])


def test_what_no_cell_has_made_is_taken(shell):
    run(shell, "def sorted(x):\n    return x +\n")
    want_the_newest(sorted)
    want_the_newest(3)


def test_grading_tests_what_python_has(shell, monkeypatch):
    run(shell, "def f(x):\n    return x\n", "def f(x):\n    return x +\n")
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    want_the_newest(shell.user_ns["f"])

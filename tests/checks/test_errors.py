import re

import pytest
import torch

from ninelives.checks.errors import HINTS, explanation


def raised_by(code, **names):
    try:
        exec(code, {"torch": torch, "x": torch.ones(2, 3), **names})
    except Exception as error:
        return error


@pytest.mark.parametrize(("code", "words"), [
    ("x.view(7)", "print the shapes"), ("x + torch.ones(5)", "print the shapes"), ("x[:, 7]", "print the shapes"),
    ("{}['key']", "the dictionary has no entry"), ("raise OSError('no space')", ""), ("int('a')", ""), ("1 + 'a'", ""),
])
def test_shapes_are_spoken_of_only_in_errors_about_sizes(code, words):
    found = explanation(raised_by(code))
    assert found.startswith(words) and bool(found) == bool(words)


@pytest.mark.parametrize(("code", "words"), [
    ("def f(): return g()\ndef g(): return f()\nf()", "it calls itself"),
    ("if x: pass", "`x is not None`"), ("x and x", "`a & b`"), ("not x", "`x == 0`"),
    ("torch.cat(x, x, dim=-1)", "in one tuple"), ("x.sum.mean()", "not called"), ("x.sum + x", "not called"), ("x @ x.sum", "not called"), ("torch.stack(x, x)", "in one tuple"), ("torch.cat([x, 3])", "this is a number"),
    ("torch.sqrt(4)", "math.sqrt"), ("torch.min(1.0, 2.0)", "Python's own min"), ("2 ^ -0.5", "`2 ** -0.5`"),
    ("torch.matmul([1, 2], x)", "list or a NumPy array"), ("x + [1, 2]", "list or a NumPy array"), ("[1, 2] + x", "list or a NumPy array"),
    ("(x > 0).mean()", ".float()"), ("1 - (x > 0)", ".long()"), ("x.masked_fill(x > 0, '-inf')", 'float("-inf")'),
    ("torch.softmax(x)", "leaves out an argument"), ("x.shape(1)", "`x.shape[1]`"), ("x.item()", "has several"),
    ("x.expand(6 / 2, -1)", "`//`"), ("a, b, c = x", "fewer"), ("(a,) = x", "more things"), ("x.T.view(6)", "`reshape`"),
])
def test_a_common_error_gets_a_sentence_to_act_on(code, words):
    assert words in explanation(raised_by(code))


def test_every_sentence_begins_as_one_and_ends_as_one():
    for hint in HINTS:
        re.compile(hint.words)
        assert hint.sentence.endswith(".") or hint.sentence.endswith("?")

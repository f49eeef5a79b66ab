import pytest
import torch
from torch import nn

from ninelives.checks.failure import CheckFailed
from ninelives.checks.want import (
    counted,
    ids,
    is_or_are,
    numbers,
    same_values,
    told_apart,
    want_gradient,
    want_number,
    want_pair,
    want_shape,
    want_slope,
)


@pytest.mark.parametrize(("result", "seen"), [(None, "nothing (None)"), ([1], "a list")])
def test_what_is_no_tensor_is_refused(result, seen):
    with pytest.raises(CheckFailed) as caught:
        want_shape(result, (1,), "(T,)", "the result")
    assert seen in caught.value.seen


def test_a_shape_in_another_order_points_to_transpose():
    with pytest.raises(CheckFailed, match="transpose"):
        want_shape(torch.zeros(3, 2), (2, 3), "(B, T)", "the result")


def test_nan_is_never_the_same_as_a_number():
    assert not same_values(torch.tensor([1.0, float("nan")]), torch.tensor([1.0, 0.0]))


def test_a_mistake_that_gives_infinity_is_the_same_as_nothing():
    assert not same_values(torch.tensor([1.0, 2.0]), torch.tensor([float("inf"), 2.0]))


def test_a_parameter_that_no_gradient_reaches_is_named():
    module = nn.ModuleDict({"used": nn.Linear(2, 2), "idle": nn.Linear(2, 2)})
    with pytest.raises(CheckFailed, match="reached idle.weight, idle.bias of Answer"):
        want_gradient(module, module["used"](torch.randn(3, 2)), "Answer")


def test_a_gradient_of_zero_is_refused_unless_it_is_announced():
    module = nn.Linear(2, 2)
    with pytest.raises(CheckFailed, match="reached weight of Answer"):
        want_gradient(module, module(torch.zeros(3, 2)), "Answer")
    module.zero_grad(set_to_none=True)
    want_gradient(module, module(torch.zeros(3, 2)), "Answer", may_be_zero=["weight"])


def test_numbers_are_short_and_say_when_there_are_more():
    assert numbers(torch.tensor([1.0, 0.255, -2.5, 4.0])) == "[1, 0.25, -2.50, …]"
    assert numbers(torch.tensor([3, 4])) == "[3, 4]"


@pytest.mark.parametrize("result", [(1, 2), [1, 2]])
def test_a_pair_is_given_back_as_a_tuple(result):
    assert want_pair(result, "f", ("a", "b"), "return a, b.") == (1, 2)


@pytest.mark.parametrize(("result", "seen", "cause"), [
    (None, "f returns nothing (None).", "the function has no `return`."),
    (7, "f returns an int.", "return a, b."),
    ((1, 2, 3), "f returns a tuple of 3.", "return a, b."),
])
def test_what_is_no_pair_is_refused(result, seen, cause):
    with pytest.raises(CheckFailed) as caught:
        want_pair(result, "f", ("a", "b"), "return a, b.")
    assert (caught.value.seen, caught.value.wanted, caught.value.cause) == (seen, "two things: (a, b).", cause)


@pytest.mark.parametrize("result", [2, 2.0, torch.tensor(2.0), torch.tensor([[2]])])
def test_a_number_of_any_type_is_given_back_as_a_float(result):
    number = want_number(result, "f", "the loss, a number.", "return one number.")
    assert type(number) is float and number == 2


@pytest.mark.parametrize(("result", "seen", "cause"), [
    (None, "f returns nothing (None).", "the function has no `return`."),
    (torch.zeros(2), "f returns a Tensor.", "return one number."),
    ("two", "f returns a str.", "return one number."),
    ((1.0, 2.0), "f returns a tuple of 2.", "return one number."),
])
def test_what_is_no_number_is_refused(result, seen, cause):
    with pytest.raises(CheckFailed) as caught:
        want_number(result, "f", "the loss, a number.", "return one number.")
    assert (caught.value.seen, caught.value.wanted, caught.value.cause) == (seen, "the loss, a number.", cause)


def test_ids_are_all_shown_as_whole_numbers():
    assert ids(torch.tensor([3.0, 4.0, -1.0, 0.0, 2.0])) == "[3, 4, -1, 0, 2]"


@pytest.mark.parametrize("cut", [lambda x: x.detach(), lambda x: x])
def test_a_gradient_is_compared_with_what_a_nudge_does(cut):
    x = torch.randn(4, dtype=torch.float64, requires_grad=True)

    def total():
        return (x * cut(x)).sum()

    [gradient] = torch.autograd.grad(total(), [x])
    if cut(x) is x:
        want_slope(total, "x", x, gradient, step=1e-5)
    else:
        with pytest.raises(CheckFailed, match="when x is nudged, the output moves by"):
            want_slope(total, "x", x, gradient, step=1e-5)


@pytest.mark.parametrize(("vector", "shown"), [
    ([-0.001, 0.0, 2.0], "[0, 0, 2]"), ([0.5, -0.25], "[0.50, -0.25]"), ([1.0, 2.0, 3.0, 4.0], "[1, 2, 3, …]")])
def test_numbers_are_short_and_never_minus_zero(vector, shown):
    assert numbers(torch.tensor(vector)) == shown


def test_two_rows_that_differ_are_shown_with_as_many_digits_as_it_takes():
    assert told_apart(torch.tensor([0.9991, 1.0]), torch.tensor([1.0, 1.0])) == ("[0.9991, 1]", "[1, 1]")
    assert told_apart(torch.tensor([0.5]), torch.tensor([1.0])) == ("[0.50]", "[1]")


def test_of_two_long_rows_the_numbers_around_the_difference_are_shown():
    wanted = torch.linspace(0, 1, 90)
    result = wanted.clone()
    result[49] = 0
    assert told_apart(result, wanted, 50) == ("[…, 0.52, 0.53, 0.54, 0, …]", "[…, 0.52, 0.53, 0.54, 0.55, …]")


@pytest.mark.parametrize(("count", "what", "said"), [(1, "token", "1 token"), (2, "token", "2 tokens"), (1, "prefix", "1 prefix"), (3, "prefix", "3 prefixes"), (2000, "step", "2,000 steps")])
def test_one_thing_is_singular(count, what, said):
    assert counted(count, what) == said


@pytest.mark.parametrize(("what", "verb"), [
    ("the hidden states", "are"), ("the hidden states at position 1", "are"), ("the loss", "is"), ("the bias", "is"), ("the result", "is"),
    ("the row of logits", "is"), ("for 4 sequences of 6 tokens, the output", "is"), ("with a mask, the logits", "are")])
def test_a_plural_subject_gets_a_plural_verb(what, verb):
    assert is_or_are(what) == verb

import numpy as np
import pytest
import torch

from ninelives.figures.arrays import as_array, as_finite, as_labels


@pytest.mark.parametrize(
    "values",
    [
        torch.tensor([[0.5, 1.0]]),
        torch.tensor([[0.5, 1.0]], requires_grad=True) * 1,
        torch.tensor([[0.5, 1.0]], dtype=torch.bfloat16),
        torch.tensor([[0.5, 1.0]], dtype=torch.float16),
        np.array([[0.5, 1.0]], dtype=np.float32),
        [[0.5, 1.0]],
        [torch.tensor([0.5, 1.0], requires_grad=True)],
        ([torch.tensor(0.5), 1],),
    ],
)
def test_tensors_arrays_and_lists_give_the_same_numbers(values):
    assert as_array(values, "x").tolist() == [[0.5, 1.0]]


def test_booleans_and_integers_become_numbers():
    assert as_array(torch.tensor([True, False]), "x").tolist() == [1, 0]
    assert as_array(torch.arange(2), "x").tolist() == [0, 1]


def test_the_input_is_left_as_it_was():
    values = np.array([1.0, 2.0])
    as_array(values, "x")[0] = 9
    assert values.tolist() == [1, 2]


@pytest.mark.parametrize(
    "values", [None, "cat", [[1], [1, 2]], ["a"], torch.tensor([1j]), object()]
)
def test_anything_but_numbers_is_refused(values):
    with pytest.raises(ValueError, match="x is .*real numbers can be drawn"):
        as_array(values, "x")


def test_an_empty_array_is_refused():
    with pytest.raises(ValueError, match=r"x is empty, shape \(0, 3\)"):
        as_array(torch.zeros(0, 3), "x")


def test_too_many_dimensions_are_refused_with_what_to_write():
    with pytest.raises(ValueError, match=r"x has 4 dimensions.*draws 2, so pick .* x\[0, 0\]"):
        as_array(torch.zeros(2, 3, 4, 4), "x", 2)


def test_too_few_dimensions_are_refused():
    with pytest.raises(ValueError, match=r"x has 1 dimension, shape \(4,\); .* draws 2\."):
        as_array(torch.zeros(4), "x", 2)


def test_nan_is_refused_with_its_index():
    with pytest.raises(ValueError, match=r"x holds NaN in 1 of 4 cells, the first at \[1, 0\]"):
        as_finite([[0, 1], [float("nan"), 2]], "x")


def test_infinity_is_refused_with_its_index():
    with pytest.raises(ValueError, match=r"x holds an infinite number at \[1\]"):
        as_finite([0, -float("inf")], "x")


def test_a_wrong_number_of_labels_is_refused():
    with pytest.raises(ValueError, match="tokens has 2 labels for 3 rows"):
        as_labels(["a", "b"], 3, "tokens", "rows")


def test_a_sentence_instead_of_a_list_is_refused():
    with pytest.raises(ValueError, match=r"single string 'the cat'.*\.split\(\)"):
        as_labels("the cat", 2, "tokens", "rows")

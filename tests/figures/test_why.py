import numpy as np
import pytest
import torch

from helpers.drawn import texts
from ninelives.figures import why_this_weight
from ninelives.figures.why import Why

QUERIES = torch.tensor([[0.0, 0, 0, 0], [2, 0, -1, 3]])
KEYS = torch.tensor([[1.0, 1, 1, 1], [4, 5, 0, 0]])
WORDS = ["cat", "it"]


def test_the_products_add_up_to_the_score_and_the_softmax_of_it_is_said():
    scores = KEYS @ QUERIES[1] / 4**0.5
    picture = why_this_weight(QUERIES, KEYS, WORDS, "it", "cat", channels=["animal", "food", "verb", "pronoun"])
    weight = scores.softmax(0)[0].item()
    assert picture.alt == (
        f"Why it attends to cat with {weight:.2f}: the query of it, the key of cat and their product in 4 channels. "
        "Largest products: 3 (pronoun), 2 (animal), −1 (verb). The products add up to 4; divided by √4, the score is 2. "
        f"The softmax over 2 scores from 2 to 4 gives {weight:.2f}."
    )
    assert {"query of it", "key of cat", "product", "animal", "−1"} <= set(texts(picture))


def test_a_masked_key_is_not_in_the_softmax():
    masked = why_this_weight(QUERIES, KEYS, WORDS, "it", "cat", mask=[1, 0])
    assert masked.caption == "Why it attends to cat with 1.00."
    assert masked.alt.endswith("The softmax over 1 score from 2 to 2 (1 masked) gives 1.00.")
    closed = why_this_weight(QUERIES, KEYS, WORDS, "it", "cat", mask=torch.tensor([[1, 1], [0, 1]]))
    assert closed.caption == "Why it does not attend to cat."
    assert closed.alt.endswith("the score is 2. But this key is masked: its score becomes −∞ and its weight 0.")


def test_many_channels_are_drawn_without_numbers():
    many = torch.randn(2, 64, generator=torch.Generator().manual_seed(0))
    assert why_this_weight(many, many, WORDS, 0, 1).png()


def test_a_mask_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"mask has shape \(3,\); pass \(S,\) or \(T, S\) = \(2, 2\)"):
        why_this_weight(QUERIES, KEYS, WORDS, "it", "cat", mask=[1, 1, 1])


@pytest.mark.parametrize(("queries", "keys", "query", "message"), [
    (QUERIES, KEYS[:, :3], "it", r"queries has shape \(2, 4\) and keys \(2, 3\); both need the same channels"),
    (QUERIES, KEYS, "dog", "'dog' is not among the tokens"),
    (QUERIES * float("nan"), KEYS, "it", "queries holds NaN"),
    (QUERIES[None], KEYS, "it", "queries has 3 dimensions"),
])
def test_what_does_not_fit_is_refused(queries, keys, query, message):
    with pytest.raises(ValueError, match=message):
        why_this_weight(queries, keys, WORDS, query, "cat")


def test_a_weight_is_said_with_as_many_decimals_as_it_needs_and_one_too_small_is_not_called_masked():
    queries, keys = [[10.0], [1]], [[9.0], [0]]
    assert why_this_weight(queries, keys, ["dog", "cat"], "cat", "cat").alt.endswith("gives 0.00012.")
    assert why_this_weight(queries, keys, ["dog", "cat"], "dog", "cat").alt.startswith("Why dog attends to cat with less than 0.00001:")
    said = Why("dog", "cat", ["0"], np.array([[10.0], [0], [0]]), 1.0, 0.0, np.array([200.0, 0]), np.array([True, False]), 1).sums()
    assert said == ("The products add up to 0; divided by √1, the score is 0. The largest score is 200, so that the softmax gives 0 here in float32, "
                    "whether the key is masked or not.")

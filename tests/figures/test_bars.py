import pytest
import torch

from helpers.drawn import texts
from ninelives.figures import distribution, distributions

WORDS = [f"w{i}" for i in range(40)]
PROBABILITIES = torch.arange(40, 0, -1) / torch.arange(1, 41).sum()


def test_the_ten_most_likely_words_are_shown_in_order():
    picture = distribution(PROBABILITIES.flip(0), WORDS, title="Next", caption="c")
    shown = [text for text in texts(picture) if text.startswith("w")]
    assert shown == [f"w{i}" for i in range(39, 29, -1)]
    assert picture.alt.startswith("Next: bars of the 10 most likely of 40 words. w39 0.049, w38")
    assert picture.alt.endswith("The other 30 words together have 0.567.")


def test_a_chosen_word_outside_the_ten_gets_its_own_bar():
    picture = distribution(PROBABILITIES, WORDS, chosen="w20", title="t", caption="c")
    assert "w20" in texts(picture)
    assert "0.024 chosen" in texts(picture)
    assert "Chosen: w20, with probability 0.024, number 21 in the order." in picture.alt


def test_a_certain_word_and_a_dollar_sign_can_be_drawn():
    picture = distribution([1.0, 0, 0], ["$a$", "b", " c"], chosen=0, title="t", caption="c")
    assert {"$a$", "␣c"} <= set(texts(picture))
    assert picture.png()


@pytest.mark.parametrize(
    "probabilities, words, extra, message",
    [
        ([0.5, 0.6], ["a", "b"], {}, "probabilities sums to 1.100, not to 1"),
        ([1.5, -0.5], ["a", "b"], {}, "negative number -0.5"),
        ([0.5, 0.5], ["a"], {}, "words has 1 labels for 2 probabilities"),
        ([[0.5, 0.5]], ["a", "b"], {}, "probabilities has 2 dimensions"),
        ([float("nan"), 1], ["a", "b"], {}, "probabilities holds NaN"),
        ([0.5, 0.5], ["a", "b"], {"chosen": "c"}, "'c' is not among the tokens"),
    ],
)
def test_bad_input_is_refused(probabilities, words, extra, message):
    with pytest.raises(ValueError, match=message):
        distribution(probabilities, words, title="t", caption="c", **extra)


def test_panels_show_the_same_words_in_the_order_of_the_first():
    picture = distributions({"cold": [0.1, 0.7, 0.2], "hot": [0.3, 0.3, 0.4]}, ["a", "b", "c"], title="Two", caption="c")
    assert "cold: b 0.70, c 0.20, a 0.10. hot: b 0.30, c 0.40, a 0.30." in picture.alt
    assert picture.png()


@pytest.mark.parametrize(("panels", "says"), [
    ({}, "0 distributions"), ({str(k): [1.0] for k in range(7)}, "7 distributions"), ({"a": [0.5]}, "sums to 0.500"),
    ({"a": [0.5, 0.5]}, "words"),
])
def test_panels_that_cannot_be_drawn_are_refused(panels, says):
    with pytest.raises(ValueError, match=says):
        distributions(panels, ["a"], title="t", caption="c")

import numpy as np
import pytest

from helpers.drawn import texts
from ninelives.figures import token_row

TOKENS = ["the", "cat", "saw", "the", "dog"]
ROW = [0.02, 0.71, 0.08, 0.04, 0.15]


def test_every_word_is_drawn_with_its_weight():
    shown = texts(token_row(TOKENS, ROW, "saw", caption="c"))
    assert {"the₁", "cat", "saw", "the₂", "dog", "0.71", "0.15", "What “saw” attends to"} <= set(shown)


def test_the_words_say_what_is_attended_to():
    assert token_row(TOKENS, [ROW] * 5, 3, caption="c").alt == (
        "A sentence of 5 words, each shaded by how much the₂ attends to it: "
        "the₂ attends to cat 0.71, dog 0.15, saw 0.08."
    )


def test_one_word_can_be_drawn():
    assert token_row(["cat"], [1.0], 0, caption="c").png()


def test_of_512_words_those_with_the_largest_weights_are_drawn_and_the_others_counted():
    row = np.full(512, 0.5 / 511)
    row[300] = 0.5
    shown = texts(token_row([f"w{i}" for i in range(512)], row, 400, caption="c"))
    words = [text for text in shown if text.startswith("w")]
    left_out = sum(int(text[1:]) for text in shown if text.startswith("+"))
    assert {"w300", "w400"} <= set(words)
    assert len(words) + left_out == 512


@pytest.mark.parametrize(
    "weights, query, message",
    [
        (ROW[:4], 0, "tokens has 5 labels for 4 weights"),
        (ROW, "the", "'the' is at the positions 0, 3"),
        ([float("nan")] * 5, 0, "weights holds NaN"),
        ([-0.5, 0.5, 0.5, 0.5, 0], 0, "negative number -0.5"),
        (np.ones((1, 5, 5)), 0, "weights has 3 dimensions"),
    ],
)
def test_bad_input_is_refused(weights, query, message):
    with pytest.raises(ValueError, match=message):
        token_row(TOKENS, weights, query, caption="c")

import numpy as np
import pytest

from ninelives.figures import describe_attention, position_of, read_row

TOKENS = ["the", "cat", "saw", "the", "dog"]
ROW = [0.02, 0.71, 0.08, 0.04, 0.15]


def test_a_row_is_described_from_the_largest_weight_down():
    assert read_row([ROW] * 5, TOKENS, "saw") == "saw attends to cat 0.71, dog 0.15, saw 0.08"


def test_a_row_alone_is_enough():
    assert read_row(ROW, TOKENS, "cat", most=1) == "cat attends to cat 0.71"


def test_repeated_words_are_distinguished():
    assert read_row(ROW, TOKENS, 3, at_least=0.03).startswith("the₂ attends to cat")
    assert position_of(TOKENS, "the₂") == 3


def test_other_columns_can_be_named():
    weights = [[0.9, 0.1], [0.2, 0.8]]
    assert read_row(weights, ["le", "chat"], "chat", ["the", "cat"]) == (
        "chat attends to cat 0.80, the 0.20"
    )


def test_a_row_without_a_large_weight_is_described_as_such():
    thin = np.linspace(2, 3, 40) / 100
    assert read_row(thin, [f"w{i}" for i in range(40)], 0) == (
        "w0 attends to no token with 0.05 or more (most: w39 0.03)"
    )


def test_no_word_of_an_even_row_is_named():
    assert read_row(np.full(11, 1 / 11), ["w"] * 11, 3) == "w₄ attends to all 11 tokens equally, 0.09 each"
    assert read_row([0.5, 0.5], ["a", "b"], 0) == "a attends to both tokens equally, 0.50 each"
    assert read_row([1.0], ["alone"], 0) == "alone attends to alone 1.00"


@pytest.mark.parametrize("row, says", [
    ([1 / 6] * 6 + [0] * 3, "attends to 6 of 9 tokens equally, 0.17 each"),
    ([0.043 + 0.0004 * k for k in range(8)] + [0.04] * 16, "attends to no token with 0.05 or more (most: w7 0.05)"),
    ([0.051] * 5 + [0.04] * 18, "attends to 5 of 23 tokens alike, 0.05 each, and less to the others"),
    ([0.5, 0.5, 0, 0], "attends to w0 0.50, w1 0.50"),
    ([0, 0, 1.0, 1e-9], "attends to w2 1.00"),
])
def test_no_winner_is_named_among_weights_that_are_alike(row, says):
    assert read_row(row, [f"w{k}" for k in range(len(row))], 0).endswith(says)


def test_every_row_of_a_small_matrix_is_described():
    text = describe_attention([[1, 0], [0.4, 0.6]], ["a", "b"])
    assert text == "a attends to a 1.00. b attends to b 0.60, a 0.40."


def test_of_a_long_matrix_the_rows_with_the_largest_weights_are_described():
    weights = np.full((30, 30), 1 / 30)
    weights[17] = np.eye(30)[4]
    text = describe_attention(weights, [f"w{i}" for i in range(30)])
    assert text.startswith("The 12 most decided of 30 rows: ")
    assert "w17 attends to w4 1.00" in text
    assert text.count(" attends to ") == 12


@pytest.mark.parametrize(
    "query, message",
    [
        ("the", "'the' is at the positions 0, 3; pass 'the₁' or a position"),
        ("hen", "'hen' is not among the tokens: the₁, cat"),
        (5, "Position 5 is outside the 5 tokens"),
    ],
)
def test_a_query_that_does_not_name_one_token_is_refused(query, message):
    with pytest.raises(ValueError, match=message):
        read_row(ROW, TOKENS, query)


def test_labels_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="tokens has 2 labels for 5 weights"):
        read_row(ROW, ["a", "b"], 0)
    with pytest.raises(ValueError, match="columns has 1 labels for 5 columns"):
        read_row([ROW] * 5, TOKENS, 0, ["a"])


def test_nan_and_too_many_dimensions_are_refused():
    with pytest.raises(ValueError, match="weights holds NaN"):
        describe_attention([[float("nan")]], ["a"])
    with pytest.raises(ValueError, match="weights has 3 dimensions"):
        read_row(np.ones((1, 1, 1)), ["a"], 0)

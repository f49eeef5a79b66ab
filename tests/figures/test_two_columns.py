import pytest

from helpers.drawn import texts
from ninelives.figures import two_columns

ARGUMENTS = {
    "read": ["the", "cat", "slept"], "written": ["le", "chat"], "reader": "encoder", "writer": "decoder", "n_embd": 8,
    "vocab_size": 20, "predicts": {2: "le", 3: "chat"}, "title": "Two", "caption": "c",
}


def test_both_texts_both_models_and_what_is_predicted_are_drawn():
    drawn = texts(two_columns(**ARGUMENTS))
    assert {"the", "cat", "slept", "le", "chat", "encoder", "decoder"} <= set(drawn)
    assert drawn.count("chat") == 2 and "joined (B, P + T, n_embd) = (1, 5, 8)" in drawn


def test_the_words_say_what_is_joined_and_which_rows_are_asked():
    alt = two_columns(**ARGUMENTS).alt
    assert "“the cat slept” goes through encoder and becomes one hidden state for each of its words (3)" in alt
    assert "the hidden states first, into 5 rows of 8 numbers" in alt
    assert "2 rows are asked: row 2 “le”, row 3 “chat”. The other rows are grey." in alt


def test_an_empty_column_and_a_row_that_is_not_there_are_refused():
    with pytest.raises(ValueError, match="read has 0 words and written 2"):
        two_columns(**ARGUMENTS | {"read": []})
    with pytest.raises(ValueError, match="predicts names row 5: the rows are 0 to 4"):
        two_columns(**ARGUMENTS | {"predicts": {5: "le"}})

import pytest
import torch

from helpers.drawn import texts
from ninelives.figures import known_pieces, sentence_similarity

VOCABULARY = {"un", "una", "##ffa", "##ble", "##f", "cat"}


def test_the_words_name_the_most_and_the_least_alike_sentences():
    alike = torch.tensor([[1.0, 0.91, -0.2], [0.91, 1.0, 0.3], [-0.2, 0.3, 1.0]])
    picture = sentence_similarity(alike, ["I am full.", "I am not full.", "A horse"], title="Alike", caption="c")
    assert picture.alt.startswith("Alike: cosines of 3 sentences. The most alike are “I am full.” and “I am not full.” 0.91;")
    assert picture.alt.endswith("The least alike are “I am full.” and “A horse”, with -0.20.")
    assert "0.91" in texts(picture) and "I am not full.  2" in texts(picture)
    assert sentence_similarity([[1.0]], ["alone"], title="Alike", caption="c").png()


@pytest.mark.parametrize("similarities, message", [
    (torch.ones(2, 3), r"\(N, N\) is needed"), (torch.ones(13, 13), "at most 12"), ([[float("nan")]], "holds NaN"),
])
def test_what_is_no_matrix_of_few_sentences_is_refused(similarities, message):
    with pytest.raises(ValueError, match=message):
        sentence_similarity(similarities, ["a"] * len(similarities), title="t", caption="c")


def test_the_pieces_taken_are_the_longest_from_the_left():
    picture = known_pieces("unaffable", VOCABULARY, title="unaffable", caption="c")
    assert picture.alt == ("unaffable: the slices of “unaffable” that are in the vocabulary. From letter 1, u: un, una; taken: una. "
                           "From letter 4, f: ##f, ##ffa; taken: ##ffa. From letter 7, b: ##ble; taken: ##ble.")
    assert picture.png()


def test_a_word_that_cannot_be_cut_is_said_to_be_unknown():
    picture = known_pieces("catx", VOCABULARY, title="t", caption="c")
    assert picture.alt.endswith("From letter 1, c: cat; taken: cat. From letter 4, x: none. So the word is unknown.")
    for word in ("", "a" * 17):
        with pytest.raises(ValueError, match="letters; from 1 to 16"):
            known_pieces(word, VOCABULARY, title="t", caption="c")

import re

import pytest

from ninelives.text.pronunciation import HELD_OUT, LETTERS, LONGEST, PHONEMES, split, words


@pytest.fixture(scope="module")
def dictionary():
    return words()


@pytest.mark.parametrize(("spelling", "spoken"), [
    ("cat", ("k ae t",)), ("colonel", ("k er n ah l",)), ("read", ("r eh d", "r iy d")), ("aalborg", ("ao l b ao r g", "aa l b ao r g")),
])
def test_pronunciations_are_those_of_the_dictionary_without_stress_and_comments(dictionary, spelling, spoken):
    assert [word.pronunciations for word in dictionary if word.spelling == spelling] == [spoken]


def test_every_word_can_be_read_and_spoken_by_the_tokenizers(dictionary):
    letters, sounds = set("".join(word.spelling for word in dictionary)), {p for word in dictionary for way in word.pronunciations for p in way.split()}
    assert letters == set(LETTERS.words) - {"<end>"} and sounds == set(PHONEMES.words) - {"<end>"}
    assert all(re.fullmatch("[a-z]{2,16}", word.spelling) for word in dictionary)
    assert max(len(way.split()) for word in dictionary for way in word.pronunciations) <= LONGEST
    assert all(len(set(word.pronunciations)) == len(word.pronunciations) for word in dictionary)


def test_no_word_is_on_both_sides_of_the_split(dictionary):
    train, held_out = ({word.spelling for word in part} for part in split(dictionary))
    assert len(held_out) == HELD_OUT and len(train) + len(held_out) == len(dictionary)
    assert train.isdisjoint(held_out)
    assert split(dictionary)[1] == split(dictionary)[1]

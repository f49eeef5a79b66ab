import pytest
import torch

from ninelives.text import CharTokenizer, Tokenizer, WordTokenizer, sentences
from ninelives.text.grammar import every_word

FRENCH = "le chien a été suivi par la poule parce qu'elle était perdue"


@pytest.fixture(scope="module")
def words():
    return WordTokenizer(sorted({*every_word("english"), *every_word("french")}))


@pytest.fixture(scope="module")
def characters():
    return CharTokenizer.of(["the cat was full", FRENCH])


def test_every_sentence_survives_encoding_and_decoding(words):
    for sentence in sentences("train", 300) + sentences("held out", 100):
        for text in (sentence.english, sentence.french):
            assert words.decode(words.encode(text)) == text


def test_ids_are_int64_and_those_of_the_words_list(words):
    ids = words.encode("the cat was full")
    assert ids.dtype == torch.int64 and ids.shape == (4,)
    assert [words.words[i] for i in ids] == ["the", "cat", "was", "full"]
    assert words.vocab_size == len(words.words) == len(set(words.words))


def test_capitals_a_final_full_stop_and_spaces_change_nothing(words):
    assert words.encode("  The  cat was FULL . ").tolist() == words.encode("the cat was full").tolist()


def test_an_apostrophe_of_either_shape_ends_a_word_and_joins_the_next_when_decoded(words):
    assert words.encode("parce qu’elle était").tolist() == words.encode("parce qu'elle était").tolist()
    assert [words.words[i] for i in words.encode("parce qu'il")] == ["parce", "qu'", "il"]
    assert words.decode(words.encode("parce qu'il")) == "parce qu'il"


def test_no_end_token_is_added_and_decoding_stops_at_the_first_one_or_at_padding(words):
    ids = words.encode("the cat was full")
    assert words.end_token not in ids
    assert words.words[words.end_token] == "<end>"
    for stop in (words.end_token, -1):
        assert words.decode([*ids.tolist(), stop, *ids.tolist()]) == "the cat was full"


def test_an_unknown_word_is_named_with_the_most_similar_known_one(words):
    with pytest.raises(ValueError, match="“hungy” is not among the .* known words; the nearest is “hungry”"):
        words.encode("the hungy cat")
    with pytest.raises(ValueError, match="“cta” is not among the .* known words; the nearest is “cat”"):
        words.encode("the cta was full")


@pytest.mark.parametrize("unknown", ["zebra", "unicorn", "ignored"])
def test_no_neighbour_is_named_for_a_word_unlike_all_known_ones(unknown):
    grammar = WordTokenizer(sorted({*every_word("english"), *every_word("french")}))
    with pytest.raises(ValueError, match=rf"^“{unknown}” is not among the \d+ known words\.$"):
        grammar.encode(f"the {unknown} was full")


def test_the_end_token_is_no_word_of_a_text(words):
    with pytest.raises(ValueError, match="“<end>” is not among the"):
        words.encode("<end>")


def test_an_unknown_character_is_named(characters):
    with pytest.raises(ValueError, match="the character 'z' is not among"):
        characters.encode("the zebra")


def test_an_empty_text_has_no_ids(words):
    assert words.encode("").shape == (0,) and words.encode(" . ").dtype == torch.int64
    assert words.decode([]) == ""


def test_characters_keep_their_spaces(characters):
    assert characters.decode(characters.encode("the cat ")) == "the cat "
    assert characters.decode(characters.encode("The cat.")) == "the cat"
    assert characters.decode(characters.encode(FRENCH)) == FRENCH


@pytest.mark.parametrize("ids", [[10_000], [-2]])
def test_an_id_outside_the_vocabulary_is_refused(words, ids):
    with pytest.raises(ValueError, match=f"{ids[0]} is not an id"):
        words.decode(ids)


def test_rows_of_ids_are_refused_with_their_shape(words):
    with pytest.raises(ValueError, match=r"ids has shape \(2, 3\)"):
        words.decode(torch.zeros(2, 3, dtype=torch.int64))


def test_the_end_token_may_be_anywhere_among_the_words():
    assert WordTokenizer(["a", "b"]).end_token == 0
    assert WordTokenizer(["a", "<end>", "b"]).end_token == 1


def test_a_word_that_occurs_twice_is_refused():
    with pytest.raises(ValueError, match="'cat' occurs twice"):
        WordTokenizer(["cat", "dog", "cat"])


@pytest.mark.parametrize("which", ["words", "characters"])
def test_json_and_back_is_the_same_tokenizer(which, request):
    tokenizer = request.getfixturevalue(which)
    again = Tokenizer.from_json(tokenizer.to_json())
    assert type(again) is type(tokenizer)
    assert (again.words, again.end_token) == (tokenizer.words, tokenizer.end_token)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"tokenizer": "Bytes", "words": []}', '{"tokenizer": "WordTokenizer"}'])
def test_text_that_is_not_a_tokenizer_is_refused(text):
    with pytest.raises(ValueError, match="not a saved tokenizer"):
        Tokenizer.from_json(text)

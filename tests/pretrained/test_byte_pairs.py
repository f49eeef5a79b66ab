"""The tokenizer itself, with a few pieces; tests/pretrained/test_smollm2.py compares the real one with transformers."""

import pytest

pytest.importorskip("tokenizers")

from ninelives.pretrained.byte_pairs import CONTROL, BytePairTokenizer

BYTES = [*"acht!?1240Ġâ", "Ĥ", "¬"]  # of the euro sign, the last three
PIECES = ["<end>", *BYTES, "at", "cat", "Ġcat", "ĠĠ"]
TEMPLATE = "{% for m in messages %}{{ m['role'] }}:{{ m['content'] }}\n{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}"


@pytest.fixture(scope="module")
def tokenizer():
    kinds = [CONTROL if piece == "<end>" else 1 for piece in PIECES]
    return BytePairTokenizer(PIECES, ["a t", "c at", "Ġ cat", "Ġ Ġ"], kinds, 0, TEMPLATE)


def test_frequent_pairs_are_merged_and_a_piece_has_its_space_before_it(tokenizer):
    assert tokenizer.cut("cat cat hat") == ["cat", " cat", " ", "h", "at"]


def test_each_digit_is_a_piece_of_its_own_after_two_spaces_too(tokenizer):
    assert tokenizer.cut("cat 124  0") == ["cat", " ", "1", "2", "4", "  ", "0"]


def test_a_part_of_a_character_has_a_sign_of_its_own_and_all_parts_give_the_character_back(tokenizer):
    assert tokenizer.cut("€") == ["�", "�", "�"]
    assert tokenizer.decode(tokenizer.encode("a €!")) == "a €!"


def test_a_text_ends_at_the_first_end_token_or_padding(tokenizer):
    cat = tokenizer.encode("cat").tolist()
    assert tokenizer.encode("cat<end>").tolist() == [*cat, tokenizer.end_token]
    assert tokenizer.decode([*cat, 0, *cat]) == tokenizer.decode([*cat, -1, *cat]) == "cat"


def test_words_are_the_texts_of_all_ids(tokenizer):
    assert tokenizer.vocab_size == len(tokenizer.words) == len(PIECES)
    assert tokenizer.words[-2:] == [" cat", "  "]


def test_a_conversation_is_written_as_the_template_says_with_turns_that_change(tokenizer):
    assert tokenizer.chat("hat?", "cat!", "at?") == "user:hat?\nassistant:cat!\nuser:at?\nassistant:"

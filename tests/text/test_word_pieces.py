from ninelives.text.word_pieces import word_pieces

VOCABULARY = {"un", "una", "##ffa", "##ble", "##affable", "cat", "##s", "s"}


def test_a_word_is_cut_greedily_although_fewer_pieces_would_do():
    assert word_pieces("unaffable", VOCABULARY) == ["una", "##ffa", "##ble"]
    assert word_pieces("cats", VOCABULARY) == ["cat", "##s"] and word_pieces("s", VOCABULARY) == ["s"]


def test_a_word_that_cannot_be_cut_to_its_end_is_unknown_as_a_whole():
    assert word_pieces("catx", VOCABULARY) == word_pieces("xcat", VOCABULARY) == ["[UNK]"]

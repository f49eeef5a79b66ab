import torch

from ninelives.recipes.storyteller import BLOCK_SIZE, story_batch, text_of
from ninelives.text import WordTokenizer
from ninelives.text.grammar import every_word

TOKENIZER = WordTokenizer(every_word("english"))


def test_rows_begin_with_a_sentence_or_the_end_token_before_it_and_targets_are_the_next_words():
    text = text_of("train", 50, TOKENIZER)
    idx, targets = story_batch(text, TOKENIZER.end_token, torch.Generator().manual_seed(1), 8)
    assert idx.shape == targets.shape == (8, BLOCK_SIZE)
    assert torch.equal(idx[:, 1:], targets[:, :-1])
    assert [TOKENIZER.words[i] for i in idx[:, 0]] == ["<end>", "the"] * 4
    assert (idx[::2, 1] == TOKENIZER.ids["the"]).all()


def test_the_text_holds_whole_sentences_between_end_tokens():
    text = text_of("train", 3, TOKENIZER).tolist()
    assert text[0] == text[-1] == TOKENIZER.end_token
    assert text.count(TOKENIZER.end_token) == 4
    assert TOKENIZER.decode(text[1:]) == "the cat comforted the hen because it was wise"

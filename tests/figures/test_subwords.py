import pytest
import torch

from ninelives.figures import readable
from ninelives.figures.subwords import item_of


@pytest.mark.parametrize(("token", "read"), [
    ("Ġwant", "want"), ("want", "want"), ("Ċ", "\n"), ("Ġ", " "), ("cafÃ©", "café"), ("ä½ł", "你"), ("<|endoftext|>", "<|endoftext|>"),
    ("▁to", "to"), ("▁", " "), ("▁Ελλ", "Ελλ"), ("<0x0A>", "\n"), ("##ablish", "ablish"), ("##", "##"), ("dog</w>", "dog"),
    ("[CLS]", "[CLS]"), ("</s>", "</s>"), ("", ""), ("#", "#"),
])
def test_the_marks_of_a_tokenizer_are_gone(token, read):
    assert readable([token]) == [read]


@pytest.mark.parametrize("token", ["café", "był", "你好", "ðŁ", " dog", "two words", "🐈", "Ελλάδα"])
def test_words_without_marks_and_parts_of_characters_stay_as_they_are(token):
    assert readable([token]) == [token]


def test_ids_may_be_given_as_numbers_or_as_a_tensor():
    assert readable(torch.tensor([7, 12])) == readable([7, 12]) == readable(list(torch.tensor([7, 12]))) == ["7", "12"]


@pytest.mark.parametrize(("tokens", "item"), [
    (["the", "cat", "a"], "word"), (["il", "a", "<end>"], "word"), (["la", "forêt", "naïve"], "word"), (["don't", "the₁"], "word"),
    (["[CLS]", "the", "cat"], "token"), (["Ġthe", "Ġcat"], "token"), (["straw", "##berry"], "token"), (["The", " cat"], "token"),
    (["<s>", "the"], "token"), (["<|endoftext|>", "the"], "token"), (list("7+5=12"), "token"), (["12", "+", "7"], "token"),
    (list("cat"), "token"), (torch.tensor([101, 2054]), "token"), ([torch.tensor(101)], "token"), (["猫", "坐"], "token"),
])
def test_pieces_ids_digits_and_characters_are_called_tokens_and_words_words(tokens, item):
    assert item_of(tokens) == item_of(["sat"], tokens) == item

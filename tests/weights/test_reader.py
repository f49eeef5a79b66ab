"""What notebook 2 says about the heads of the reader, and about those of the antecedent encoder beside it."""

import pytest
import torch

from ninelives import weights
from ninelives.recipes.antecedent import accuracy
from ninelives.recipes.reader import habits
from ninelives.text import sentences
from ninelives.text.lexicon import DISHES

ROTTEN = "the cat did not want to eat the meat because it was rotten"
FULL = "the cat did not want to eat the meat because it was full"


@pytest.fixture(scope="module")
def reader():
    return weights.load("reader")


@pytest.fixture(scope="module")
def rows(reader):
    """For a sentence, the row of "it" of every head, (L, H, T), and its words."""
    model, tokenizer = reader

    def of(english):
        words = english.split()
        return torch.cat(model.attentions(tokenizer.encode(english)[None]))[:, :, words.index("it")], words

    return of


@pytest.mark.parametrize(("english", "noun"), [(ROTTEN, "meat"), (FULL, "cat"), ("the dog was followed by the hen because it was lost", "hen")])
def test_the_reader_says_what_it_stands_for(reader, english, noun):
    model, tokenizer = reader
    with torch.no_grad():
        logits, _ = model(tokenizer.encode(english)[None])
    assert tokenizer.words[logits[0, english.split().index("it")].argmax()] == noun


def test_it_is_right_on_pairs_that_never_met_in_training(reader):
    assert accuracy(*reader, sentences("held out", 300, seed=77)) >= 0.98


def test_one_head_of_layer_2_follows_it_from_the_cat_to_the_meat(rows):
    for english, noun in ((ROTTEN, "meat"), (FULL, "cat")):
        weights_from_it, words = rows(english)
        assert weights_from_it[1, 1].argmax() == words.index(noun) and weights_from_it[1, 1].max() > 0.7


def test_two_heads_attend_from_it_to_the_cat_and_the_ranking_has_something_to_rank(rows):
    weights_from_it, words = rows(FULL)
    to_cat = weights_from_it[:, :, words.index("cat")]
    assert (to_cat > 0.7).nonzero().tolist() == [[1, 1], [2, 2]]
    assert (to_cat < 0.2).sum() == 10


def test_heads_of_layer_2_attend_to_the_word_before_and_after_and_to_the_antecedent(reader):
    found = habits(*reader, sentences("held out", 200))
    assert found[1]["the word after"][2] > 0.99 and found[1]["the word before"][3] > 0.99
    most = {(layer, head): weight for layer, means in enumerate(found) for head, weight in enumerate(means["from it, the antecedent"])}
    assert [place for place, weight in most.items() if weight > 0.5] == [(1, 1), (2, 2)]
    assert most[1, 1] > 0.95 and most[2, 2] > 0.95


def test_two_heads_of_layer_3_find_animals_and_food_and_the_one_of_layer_2_finds_both(reader):
    food, drawn = {noun.english for noun in DISHES}, sentences("train", 1500, seed=9)
    for of_food, finds in ((True, 0), (False, 2)):
        means = habits(*reader, [sentence for sentence in drawn if (sentence.antecedent in food) == of_food][:100])
        assert means[1]["from it, the antecedent"][1] > 0.9
        assert [head for head, weight in enumerate(means[2]["from it, the antecedent"]) if weight > 0.5] == [finds]
        assert means[2]["from it, the antecedent"][finds] > 0.95


def test_eight_of_the_twelve_heads_of_the_antecedent_encoder_do_the_same():
    model, tokenizer = weights.load("antecedent")
    english = "the cat did not want to eat because it was full"
    heads = torch.cat(model.attentions(tokenizer.encode(english)[None]), dim=1)[0]  # (12, T, T)
    assert (heads[:, english.split().index("it"), 1] > 0.9).sum() == 8

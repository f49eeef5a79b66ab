import pytest
import torch

from ninelives import weights
from ninelives.recipes.antecedent import accuracy, weight_at_it
from ninelives.text import sentences


@pytest.fixture(scope="module")
def held_out():
    return sentences("held out", 300, seed=77)


@pytest.mark.parametrize(
    ("english", "noun"),
    [("the cat did not want to eat because it was full", "cat"),
     ("the dog was followed by the hen because it was lost", "hen")],
)
def test_the_antecedent_encoder_names_the_noun_and_every_head_of_layer_1_attends_to_it(english, noun):
    model, tokenizer = weights.load("antecedent")
    words = english.split()
    idx, it = tokenizer.encode(english).unsqueeze(0), words.index("it")
    with torch.no_grad():
        assert tokenizer.words[model(idx)[0][0, it].argmax()] == noun
    rows = model.attentions(idx)[1][0, :, it]  # (H, T)
    assert (rows[:, words.index(noun)] > 0.9).all()


def test_the_antecedent_encoder_is_right_on_pairs_that_never_met_in_training(held_out):
    model, tokenizer = weights.load("antecedent")
    assert accuracy(model, tokenizer, held_out) >= 0.99


def test_three_heads_of_layer_1_attend_to_the_antecedent_and_hardly_to_the_other_noun(held_out):
    layer = weight_at_it(*weights.load("antecedent"), held_out)[1]
    clear = [head for head, weight in enumerate(layer["antecedent"]) if weight > 0.95]
    assert len(clear) >= 3
    assert max(layer["other"][head] for head in clear) < 0.05

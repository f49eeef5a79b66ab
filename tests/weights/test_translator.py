import pytest

from ninelives import weights
from ninelives.model import prefix_generation
from ninelives.recipes.antecedent import weight_at_it
from ninelives.text import sentences
from ninelives.training import exact_match


@pytest.fixture(scope="module")
def held_out():
    return sentences("held out", 300, seed=77)


def test_the_translator_finds_every_word_of_nearly_all_held_out_sentences(held_out):
    assert exact_match(*weights.load("translator"), held_out) >= 0.99


def test_three_heads_of_the_encoders_layer_1_attend_to_the_antecedent_and_hardly_to_the_other_noun(held_out):
    model, tokenizer = weights.load("translator")
    layer = weight_at_it(model.encoder, tokenizer, held_out)[1]
    clear = [head for head, weight in enumerate(layer["antecedent"]) if weight > 0.95]
    assert len(clear) >= 3
    assert max(layer["other"][head] for head in clear) < 0.05


@pytest.mark.parametrize(
    ("english", "french"),
    [("the cat did not want to eat because it was full",
      "le chat ne voulait pas manger parce qu'il était rassasié"),
     ("the dog was followed by the hen because it was lost",
      "le chien a été suivi par la poule parce qu'elle était perdue"),
     ("the cat did not want to eat the fish because it was rotten",
      "le chat ne voulait pas manger le poisson parce qu'il était pourri")],
)
def test_the_translator_gets_the_sentences_of_the_course_right(english, french):
    model, tokenizer = weights.load("translator")
    prefix = tokenizer.encode(english).unsqueeze(0)
    answer = prefix_generation(model, prefix, 24, 0, end_token=tokenizer.end_token)
    assert tokenizer.decode(answer[0]) == french

"""What the pronunciation lab says about its model: other weights may need other words there."""

from ninelives import weights
from ninelives.recipes.pronunciation import RECIPE, pronounce
from ninelives.text.pronunciation import split, words

OUGH = ["though", "through", "tough", "cough", "bough"]


def test_all_but_one_of_five_words_in_ough_get_the_most_frequent_ending():
    model, _ = weights.load("pronunciation")
    endings = [phonemes.split()[-1] for phonemes in pronounce(model, OUGH)]
    assert endings.count("aw") == 4 and endings[-1] == "aw"


def test_the_five_words_were_there_to_learn_from_and_each_was_read_about_twice():
    for_training, _ = split(words())
    assert set(OUGH) <= {word.spelling for word in for_training}
    assert 1.5 < RECIPE.max_iters * RECIPE.batch_size / len(for_training) < 2.5

from dataclasses import replace

import pytest
import torch

from ninelives.recipes import curves, pronunciation
from ninelives.recipes.pronunciation import RECIPE, accuracy, model_of, pronounce, pronunciation_batch
from ninelives.text.pronunciation import LETTERS, PHONEMES, Word
from ninelives.training.batches import drawn_rows

WORDS = [Word("cat", ("k ae t",)), Word("read", ("r eh d", "r iy d")), Word("knights", ("n ay t s",))]


def test_the_saved_run_has_the_recipe_and_the_sizes_in_the_code():
    run, model = curves.load("pronunciation"), model_of(RECIPE)
    assert run.finished and run.recipe == RECIPE
    assert run.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert run.config == {"encoder": vars(model.encoder.config), "decoder": vars(model.decoder.config)}
    assert all({"step", "loss", "rate", "seconds", "words right"} == set(entry) for entry in run.history)


def test_a_batch_holds_the_letters_and_the_first_pronunciation_of_each_word():
    prefix, targets = pronunciation_batch(WORDS)
    assert [LETTERS.decode(row) for row in prefix] == [word.spelling for word in WORDS]
    assert [PHONEMES.decode(row) for row in targets] == [word.pronunciations[0] for word in WORDS]
    assert (targets == PHONEMES.end_token).sum(1).tolist() == [1, 1, 1]
    batch = drawn_rows(*pronunciation_batch(WORDS))(torch.Generator().manual_seed(0), 5)
    assert {LETTERS.decode(row) for row in batch[0]} <= {word.spelling for word in WORDS}


def test_a_word_is_right_in_any_pronunciation_of_the_dictionary_and_only_as_a_whole(monkeypatch):
    said = ["k ae", "r iy d", "n ay t s"]
    monkeypatch.setattr(pronunciation, "pronounce", lambda model, spellings: said)
    assert accuracy(None, WORDS) == pytest.approx(2 / 3)


def test_words_are_pronounced_in_a_batch_as_each_alone():
    model = model_of(replace(RECIPE, seed=1))
    spellings = [word.spelling for word in WORDS]
    assert pronounce(model, spellings) == [pronounce(model, [spelling])[0] for spelling in spellings]
    with pytest.raises(ValueError, match="the character 'é'"):
        pronounce(model, ["café"])
    with pytest.raises(ValueError, match="'aaaaaaaaaaaaaaaaa' has 17 letters; the model reads at most 16"):
        pronounce(model, ["a" * 17])

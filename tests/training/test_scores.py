"""Scores of trainings: what they count, and what they refuse."""

import shutil

import pytest

from helpers.handed import change_facts, change_tensors, small_training
from ninelives.training import scores
from ninelives.training.handed_in import Refused, read
from ninelives.training.scores import score


def test_the_score_counts_parameters_and_steps_in_the_file(own):
    found = score(own, n=20)
    assert (found.accuracy, found.bonus, found.control, found.steps) == (0, 0, 0, 3)
    assert found.parameters == sum(p.numel() for p in read(own)[0].parameters())


def test_a_new_training_in_the_same_folder_gets_a_new_score(own):
    assert score(own, n=5).steps == 3
    shutil.rmtree(own)
    assert score(small_training(own, steps=4), n=5).steps == 4


def positions_for_four_words(tensors):
    for name, tensor in tensors.items():
        if name.startswith("model.") and "position" in name:
            tensors[name] = tensor[:4].clone()


def test_a_model_that_cannot_read_the_sentences_is_refused(own):
    change_tensors(own, positions_for_four_words)
    change_facts(own, config={part: {**sizes, "block_size": 4} for part, sizes in change_facts(own)["config"].items()})
    with pytest.raises(Refused, match="cannot translate the sentences: .*4"):
        score(own, n=5)


def test_words_that_are_numbers_are_refused(own):
    (own / "tokenizer.json").write_text('{"tokenizer": "WordTokenizer", "words": ["the", 5]}')
    with pytest.raises(Refused, match="cannot translate the sentences"):
        score(own, n=5)


def test_other_sentences_are_drawn_with_another_seed(own, monkeypatch):
    asked = []
    monkeypatch.setattr(scores, "translations", lambda model, tokenizer, drawn: asked.append([s.english for s in drawn]) or ([[1]] * len(drawn), [[2]] * len(drawn)))
    scores.score_of_files.cache_clear()
    score(own, n=50, seed=1)
    score(own, n=50, seed=2)
    assert asked[0] != asked[2]


def test_answers_that_are_right_for_any_sentence_are_refused_by_the_control(own, monkeypatch):
    class Everything(list):
        def __eq__(self, other):
            return True

    monkeypatch.setattr(scores, "translations", lambda model, tokenizer, drawn: (
        [Everything() for _ in drawn], [tokenizer.encode(s.french).tolist() for s in drawn]))
    scores.score_of_files.cache_clear()
    with pytest.raises(Refused, match="also match the French of other sentences"):
        score(own, n=50)

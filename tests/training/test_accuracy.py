import random
from types import SimpleNamespace

import pytest
import torch

from ninelives.config import TransformerConfig
from ninelives.model import EncoderDecoder, prefix_generation
from ninelives.training import Recipe, exact_match, train, translation_batch

END = 0


class Letters:
    """a is 1, b is 2, …; the end is 0."""

    end_token = END

    def encode(self, text):
        return torch.tensor([ord(letter) - ord("a") + 1 for letter in text], dtype=torch.int64)


def pair(english, french):
    return SimpleNamespace(english=english, french=french)


def test_a_batch_is_padded_with_minus_one_and_ends_with_the_end_token():
    prefix, targets = translation_batch([pair("abc", "b"), pair("a", "dde")], Letters())
    assert prefix.tolist() == [[1, 2, 3], [1, -1, -1]] and prefix.dtype == torch.int64
    assert targets.tolist() == [[2, END, -1, -1], [4, 4, 5, END]] and targets.dtype == torch.int64


def test_an_empty_batch_is_refused():
    with pytest.raises(ValueError, match="sentences is empty"):
        translation_batch([], Letters())


def words(n, seed):
    """Words of different lengths, and as their "French" their first letter, twice."""
    chance = random.Random(seed)
    english = ["".join(chance.choices("abcde", k=chance.randint(1, 7))) for _ in range(n)]
    return [pair(text, 2 * text[0]) for text in english]


@pytest.fixture(scope="module")
def model():
    """Taught so far that it is right sometimes."""
    torch.manual_seed(0)
    config = TransformerConfig(vocab_size=6, block_size=9, n_embd=16, n_head=2, n_layer=1, dropout=0.1)
    model = EncoderDecoder(config, config)
    recipe = Recipe(learning_rate=1e-2, batch_size=32, max_iters=35, warmup_steps=10)
    pairs = words(400, seed=1)

    def draw_batch(generator, batch_size):
        return translation_batch([pairs[i] for i in torch.randint(400, (batch_size,), generator=generator)], Letters())

    train(model, draw_batch, recipe)
    return model


def is_right(model, sentence):
    """Its answer on its own, one sentence at a time, with room for an answer that is too long."""
    answer = prefix_generation(model, Letters().encode(sentence.english)[None], 8, 0, end_token=END)[0].tolist()
    return answer == [*Letters().encode(sentence.french).tolist(), END]


def test_it_counts_the_sentences_that_the_model_translates_by_itself_to_the_end(model):
    sentences = words(200, seed=2)
    right = [sentence for sentence in sentences if is_right(model, sentence)]
    assert 20 < len(right) < 190
    assert exact_match(model, Letters(), sentences) == len(right) / 200
    assert exact_match(model, Letters(), right) == 1.0


def test_a_half_answer_and_one_that_does_not_end_are_wrong(model):
    right = [sentence for sentence in words(200, seed=3) if is_right(model, sentence)]
    assert exact_match(model, Letters(), [pair(s.english, s.french[:1]) for s in right]) == 0.0
    assert exact_match(model, Letters(), [pair(s.english, s.french + "a") for s in right]) == 0.0


@pytest.mark.parametrize("mode", [True, False])
def test_the_model_stays_in_the_mode_it_was_in(model, mode):
    model.train(mode)
    exact_match(model, Letters(), words(3, seed=4))
    assert model.training == mode


def test_an_empty_list_of_sentences_is_refused(model):
    with pytest.raises(ValueError, match="sentences is empty"):
        exact_match(model, Letters(), [])

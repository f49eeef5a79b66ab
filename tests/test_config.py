import pickle
from dataclasses import FrozenInstanceError, replace

import pytest

from ninelives.config import TransformerConfig


def test_the_defaults_are_the_small_model_of_the_course():
    config = TransformerConfig(vocab_size=100, block_size=32)
    assert (config.n_embd, config.n_head, config.n_layer, config.dropout) == (64, 2, 4, 0.1)
    assert config.head_size == 32


def test_a_head_gets_its_share_of_the_channels():
    assert TransformerConfig(10, 8, n_embd=12, n_head=3).head_size == 4
    assert TransformerConfig(10, 8, n_embd=12, n_head=1).head_size == 12


@pytest.mark.parametrize("name", ["vocab_size", "block_size", "n_embd", "n_head", "n_layer"])
@pytest.mark.parametrize("size", [0, -1, 2.0, "4", None])
def test_a_size_that_is_not_a_positive_whole_number_is_refused_by_name(name, size):
    sizes = {"vocab_size": 10, "block_size": 8, name: size}
    with pytest.raises(ValueError) as caught:
        TransformerConfig(**sizes)
    assert str(caught.value) == f"{name} is {size!r}: it must be a whole number of at least 1."


def test_heads_that_do_not_share_the_channels_evenly_are_refused():
    with pytest.raises(ValueError, match="n_embd is 10 and n_head is 3: .* must be a multiple of n_head"):
        TransformerConfig(10, 8, n_embd=10, n_head=3)


@pytest.mark.parametrize("dropout", [-0.1, 1.5, float("nan")])
def test_a_dropout_that_is_not_a_probability_is_refused(dropout):
    with pytest.raises(ValueError, match=f"dropout is {dropout}: it must be a probability from 0 to 1"):
        TransformerConfig(10, 8, dropout=dropout)


@pytest.mark.parametrize("dropout", [0, 1, 0.5])
def test_both_ends_of_dropout_are_allowed(dropout):
    assert TransformerConfig(10, 8, dropout=dropout).dropout == dropout


def test_a_config_cannot_be_changed_after_a_model_was_built():
    config = TransformerConfig(10, 8)
    with pytest.raises(FrozenInstanceError):
        config.n_embd = 128


def test_a_changed_copy_is_checked_too():
    with pytest.raises(ValueError, match="n_head is 5"):
        replace(TransformerConfig(10, 8), n_head=5)


def test_equal_sizes_make_equal_configs_that_survive_pickle():
    config = TransformerConfig(10, 8, n_embd=12, n_head=3)
    assert pickle.loads(pickle.dumps(config)) == config == replace(config)

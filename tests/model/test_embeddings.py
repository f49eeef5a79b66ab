import copy
import pickle

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ninelives.config import TransformerConfig
from ninelives.model import Embedding, position_indices

CONFIG = TransformerConfig(vocab_size=23, block_size=11, n_embd=8, n_head=2)


@pytest.fixture
def embedding():
    torch.manual_seed(0)
    return Embedding(CONFIG)


@pytest.fixture
def idx():
    return torch.randint(23, (3, 5), generator=torch.Generator().manual_seed(1))


def test_positions_count_from_zero_in_every_row(idx):
    assert position_indices(idx).tolist() == [[0, 1, 2, 3, 4]] * 3
    assert position_indices(idx).dtype == torch.int64


@pytest.mark.parametrize(("B", "T"), [(1, 1), (4, 1), (1, 7), (0, 3), (2, 0)])
def test_positions_have_the_shape_of_the_ids(B, T):
    assert position_indices(torch.zeros(B, T, dtype=torch.int64)).shape == (B, T)


def test_the_vector_is_the_sum_of_two_table_rows(embedding, idx):
    with torch.no_grad():
        out = embedding.double()(idx)
    one_hot = F.one_hot(idx, 23).double() @ embedding.token.weight + torch.eye(5, 11).double() @ embedding.position.weight
    assert torch.allclose(out, one_hot, rtol=0, atol=1e-14)


def test_it_is_pytorchs_embedding_of_words_and_positions(embedding, idx):
    token, position = (nn.Embedding.from_pretrained(table.weight.detach()) for table in (embedding.token, embedding.position))
    assert torch.equal(embedding(idx), token(idx) + position(torch.arange(5)))


def test_a_padded_position_gets_finite_numbers_and_changes_no_word(embedding, idx):
    padded = idx.clone()
    padded[0, 2:] = -1
    assert embedding(padded).isfinite().all()
    assert torch.equal(embedding(padded)[padded != -1], embedding(idx)[padded != -1])
    assert padded[0].tolist()[2:] == [-1, -1, -1]


def test_a_whole_block_fits_and_one_token_more_is_refused(embedding):
    assert embedding(torch.zeros(1, 11, dtype=torch.int64)).shape == (1, 11, 8)
    with pytest.raises(ValueError, match="the sequence has 12 tokens and the model reads at most block_size = 11"):
        embedding(torch.zeros(1, 12, dtype=torch.int64))


@pytest.mark.parametrize("word", [-2, 23, 400])
def test_an_unknown_id_is_refused_by_value(embedding, word):
    with pytest.raises(ValueError, match=rf"idx holds {word}: ids run from 0 to 22 \(vocab_size = 23\), and -1 marks padding"):
        embedding(torch.tensor([[0, word, 22]]))


def test_every_row_that_was_read_gets_a_gradient(embedding, idx):
    embedding(idx).sum().backward()
    read = torch.bincount(idx.flatten(), minlength=23)
    assert torch.equal(embedding.token.weight.grad[:, 0], read.float())
    assert embedding.position.weight.grad[:, 0].tolist() == [3.0] * 5 + [0.0] * 6


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module))])
def test_a_copy_gives_the_same_and_is_independent(embedding, idx, duplicate):
    before, twin = embedding(idx), duplicate(embedding)
    assert torch.equal(twin(idx), before)
    with torch.no_grad():
        twin.token.weight.add_(1)
    assert torch.equal(embedding(idx), before)
    assert not torch.equal(twin(idx), before)

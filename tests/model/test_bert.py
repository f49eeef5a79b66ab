import pytest
import torch
from torch import nn

from ninelives.config import TransformerConfig
from ninelives.model import Encoder
from ninelives.model.bert import EPS, SEP, Bert, PostNormBlock, sentence_vectors, token_types

CONFIG = TransformerConfig(vocab_size=110, block_size=12, n_embd=12, n_head=3, n_layer=2, dropout=0.0)


@pytest.fixture
def model():
    torch.manual_seed(0)
    made = Bert(CONFIG).eval()
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.6)
    return made


def test_a_post_norm_block_is_pytorchs_layer_with_norm_first_false():
    torch.manual_seed(0)
    block = PostNormBlock(CONFIG).eval()
    theirs = nn.TransformerEncoderLayer(12, 3, 48, 0.0, "gelu", layer_norm_eps=EPS, batch_first=True).eval()
    attention = block.attention
    with torch.no_grad():
        theirs.self_attn.in_proj_weight.copy_(torch.cat([attention.query.weight, attention.key.weight, attention.value.weight]))
        theirs.self_attn.in_proj_bias.copy_(torch.cat([attention.query.bias, attention.key.bias, attention.value.bias]))
        for ours, other in ((attention.proj, theirs.self_attn.out_proj), (block.mlp[0], theirs.linear1), (block.mlp[2], theirs.linear2)):
            other.load_state_dict(ours.state_dict())
        x = torch.randn(2, 5, 12)
        assert torch.allclose(block(x), theirs(x), atol=1e-5)


def test_the_first_sep_ends_the_first_sentence_and_padding_has_a_type_that_exists():
    idx = torch.tensor([[101, 7, SEP, 8, 9, SEP, -1], [101, 7, 8, SEP, -1, -1, -1]])
    types = token_types(idx)
    assert types[0, :6].tolist() == [0, 0, 0, 1, 1, 1] and types[1, :4].tolist() == [0, 0, 0, 0]
    assert types.dtype == torch.int64 and set(types.flatten().tolist()) == {0, 1}


def test_hidden_states_are_those_of_the_last_post_norm_block_and_padding_changes_none(model):
    idx = torch.tensor([[101, 7, 8, SEP]])
    hidden = model(idx, return_hidden=True)  # (1, 4, 12)
    padded = model(nn.functional.pad(idx, (0, 3), value=-1), return_hidden=True)
    assert torch.allclose(hidden, padded[:, :4], atol=1e-5)
    out = model.layers["embedding"](idx)
    for block in model.layers["blocks"]:
        out = block(out, None)
    assert torch.allclose(hidden, out, atol=1e-5)
    assert len(model.attentions(idx)) == 2 and isinstance(model, Encoder)
    second = model(torch.tensor([[101, SEP, 8, SEP]]), return_hidden=True)
    assert not torch.allclose(second[0, 2], hidden[0, 2], atol=1e-2)


def test_the_vector_of_a_sentence_is_the_unit_mean_of_its_tokens():
    hidden, is_token = torch.randn(2, 3, 4), torch.tensor([[True, True, False], [True, True, True]])
    vectors = sentence_vectors(hidden, is_token)
    mean = hidden[0, :2].mean(0)
    assert torch.allclose(vectors[0], mean / mean.norm()) and torch.allclose(vectors.norm(dim=1), torch.ones(2))

import copy
import io
import math
import pickle

import pytest
import torch
from torch import nn

from ninelives.config import TransformerConfig
from ninelives.model import Decoder, Encoder, Transformer, TransformerBlock

CONFIG = TransformerConfig(vocab_size=13, block_size=24, n_embd=12, n_head=3, n_layer=2, dropout=0.0)
PAD = -1


def with_weights_that_matter(model: nn.Module, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.6)
    return model.eval()


def made(kind: type = Transformer, seed: int = 0, config: TransformerConfig = CONFIG) -> nn.Module:
    return with_weights_that_matter(kind(config), seed)


def ids(B: int, T: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(CONFIG.vocab_size, (B, T), generator=torch.Generator().manual_seed(seed))


def padded(lengths: list[int], T: int, seed: int = 0) -> torch.Tensor:
    """(B, T) int64: ids, and padding after each sequence's tokens."""
    return torch.where(torch.arange(T) < torch.tensor(lengths).unsqueeze(1), ids(len(lengths), T, seed), PAD)


def pytorch_weights(block: TransformerBlock) -> dict[str, torch.Tensor]:
    """A block's weights by the names of nn.TransformerEncoderLayer."""
    a, up, down = block.attention, block.mlp[0], block.mlp[2]
    return {
        "self_attn.in_proj_weight": torch.cat([a.query.weight, a.key.weight, a.value.weight]),
        "self_attn.in_proj_bias": torch.cat([a.query.bias, a.key.bias, a.value.bias]),
        "self_attn.out_proj.weight": a.proj.weight, "self_attn.out_proj.bias": a.proj.bias,
        "linear1.weight": up.weight, "linear1.bias": up.bias, "linear2.weight": down.weight, "linear2.bias": down.bias,
        "norm1.weight": block.norm_1.weight, "norm1.bias": block.norm_1.bias,
        "norm2.weight": block.norm_2.weight, "norm2.bias": block.norm_2.bias,
    }


def pytorch_logits(model: Transformer, idx: torch.Tensor, **masks: torch.Tensor) -> torch.Tensor:
    """(B, T, V): the same weights in nn.TransformerEncoder."""
    config, layers = model.config, model.layers
    layer = nn.TransformerEncoderLayer(
        config.n_embd, config.n_head, 4 * config.n_embd, dropout=0.0, activation="gelu", batch_first=True,
        norm_first=True, dtype=torch.float64,
    )
    norm = nn.LayerNorm(config.n_embd, dtype=torch.float64)
    theirs = nn.TransformerEncoder(layer, config.n_layer, norm, enable_nested_tensor=False)
    for ours, other in zip(layers["blocks"], theirs.layers, strict=True):
        other.load_state_dict(pytorch_weights(ours))
    theirs.norm.load_state_dict(layers["norm"].state_dict())
    token, position = layers["embedding"].token.weight, layers["embedding"].position.weight
    x = token[idx.clamp(min=0)] + position[: idx.shape[1]]
    return theirs(x, **masks) @ model.lm_head.weight.T


@pytest.mark.parametrize("seed", range(3))
def test_the_logits_are_those_of_pytorchs_own_layers_with_the_same_weights(seed):
    model, idx = made(seed=seed).double(), ids(4, 7, seed)
    assert (model(idx)[0] - pytorch_logits(model, idx)).abs().max() < 1e-10


@pytest.mark.parametrize("seed", range(3))
def test_an_encoder_is_pytorchs_with_its_padding_mask(seed):
    model, idx = made(Encoder, seed).double(), padded([4, 7, 2], 7, seed)
    theirs = pytorch_logits(model, idx, src_key_padding_mask=idx == PAD)
    is_token = idx != PAD
    assert (model(idx)[0] - theirs)[is_token].abs().max() < 1e-10


@pytest.mark.parametrize("seed", range(3))
def test_a_decoder_is_pytorchs_with_its_causal_mask(seed):
    model, idx = made(Decoder, seed).double(), ids(3, 7, seed)
    theirs = pytorch_logits(model, idx, mask=torch.ones(7, 7, dtype=torch.bool).triu(1))
    assert (model(idx)[0] - theirs).abs().max() < 1e-10


def test_the_loss_is_the_mean_over_the_targets_that_are_there():
    model, idx = made(), ids(3, 6)
    targets = padded([6, 2, 4], 6, seed=1)
    logits, loss = model(idx, targets)
    p = logits.detach().softmax(-1)
    wanted = [-math.log(p[b, t, word]) for b, row in enumerate(targets.tolist()) for t, word in enumerate(row) if word != PAD]
    assert loss.item() == pytest.approx(sum(wanted) / len(wanted), rel=1e-5)


@pytest.mark.parametrize("T", [0, 1, 6])
def test_what_join_returns_is_what_the_blocks_read(T):
    class Joined(Decoder):
        def join(self, hidden_cache, x, attention_mask):
            x, attention_mask = super().join(2 * hidden_cache, x, attention_mask)
            return x, torch.ones_like(attention_mask)

    model, idx, cache = made(Joined), ids(3, T), torch.randn(3, 5, CONFIG.n_embd)
    x = torch.cat([2 * cache, model.layers["embedding"](idx)], dim=1)
    for block in model.layers["blocks"]:
        x = block(x)
    assert torch.allclose(model(idx, hidden_cache=cache)[0], model.lm_head(model.layers["norm"](x)), atol=1e-5)


def test_without_a_mask_every_row_attends_to_every_row_behind_a_cache_too():
    model, cache = made(), torch.randn(3, 5, CONFIG.n_embd)
    joined, mask = model.join(cache, torch.ones(3, 4, CONFIG.n_embd), None)
    assert mask is None and joined.shape == (3, 9, CONFIG.n_embd)


def test_positions_begin_at_0_again_after_a_cache():
    model, cache = made(Decoder).double(), torch.randn(1, 4, CONFIG.n_embd, dtype=torch.float64)
    # With no attention to the cache, what is left of it would be a shift of positions.
    for block in model.layers["blocks"]:
        nn.init.zeros_(block.attention.proj.weight)
    idx = ids(1, 6)
    assert torch.equal(model(idx)[0], model(idx, hidden_cache=cache)[0][:, 4:])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("padded_positions", [1, 4, 9])
def test_padding_a_prefix_changes_no_logit(seed, padded_positions):
    encoder, decoder = made(Encoder, seed).double(), made(Decoder, seed + 10).double()
    prefix, idx = ids(3, 5, seed), ids(3, 6, seed + 1)
    longer = nn.functional.pad(prefix, (0, padded_positions), value=PAD)
    alone, _ = decoder(idx, hidden_cache=encoder(prefix, return_hidden=True))
    with_padding, _ = decoder(idx, hidden_cache=encoder(longer, return_hidden=True))
    assert (alone - with_padding[:, padded_positions:]).abs().max() < 1e-6


def test_in_float32_as_a_model_begins_padding_a_prefix_changes_no_logit_by_more_than_rounding():
    torch.manual_seed(0)
    encoder, decoder = Encoder(CONFIG).eval(), Decoder(CONFIG).eval()
    idx = ids(3, 6)
    for row, length in enumerate([2, 5, 4]):
        prefix = padded([2, 5, 4], 11)
        batch = decoder(idx, hidden_cache=encoder(prefix, return_hidden=True))[0]
        alone = decoder(idx[row : row + 1], hidden_cache=encoder(prefix[row : row + 1, :length], return_hidden=True))[0]
        assert (batch[row, -7:] - alone[0, -7:]).abs().max() < 1e-6


def test_the_row_that_the_padding_of_a_prefix_looks_up_changes_no_logit():
    encoder, decoder = made(Encoder).double(), made(Decoder, 1).double()
    prefix, idx = padded([2, 5, 4], 8), ids(3, 6)
    prefix[prefix == 0] = 1  # the row that padding looks up is no word's
    before = decoder(idx, hidden_cache=encoder(prefix, return_hidden=True))[0]
    with torch.no_grad():
        encoder.layers["embedding"].token.weight[0].normal_(std=5.0)
    after = decoder(idx, hidden_cache=encoder(prefix, return_hidden=True))[0]
    assert (before - after).abs().max() < 1e-6


def test_hidden_states_are_zero_at_padding_and_normed_elsewhere():
    model, idx = made(Encoder), padded([4, 7, 2], 7)
    hidden = model(idx, return_hidden=True)
    norm = model.layers["norm"]
    plain = (hidden - norm.bias) / norm.weight
    assert (hidden[idx == PAD] == 0).all()
    assert torch.allclose(plain[idx != PAD].mean(-1), torch.zeros(()), atol=1e-4)
    assert torch.allclose(plain[idx != PAD].var(-1, unbiased=False), torch.ones(()), atol=1e-3)


def test_hidden_states_with_a_cache_hold_its_rows_first():
    model, cache = made(Decoder), torch.randn(2, 3, CONFIG.n_embd)
    cache[1, 2] = 0
    hidden = model(padded([2, 4], 4), hidden_cache=cache, return_hidden=True)
    assert hidden.shape == (2, 7, CONFIG.n_embd)
    # The padding of a prefix goes to the front, that of the tokens stays at the end.
    assert (hidden == 0).all(-1).tolist() == [[False] * 5 + [True] * 2, [True] + [False] * 6]


def test_the_callers_tensors_stay_as_they_were():
    model, idx, cache = made(Encoder), padded([2, 4], 4), torch.randn(2, 3, CONFIG.n_embd)
    cache[0, 2] = 0
    given = [idx.clone(), cache.clone()]
    model(idx, hidden_cache=cache)
    assert torch.equal(idx, given[0]) and torch.equal(cache, given[1])


def test_a_gradient_reaches_every_parameter_and_the_cache():
    model, cache = made(Decoder), torch.randn(3, 4, CONFIG.n_embd, requires_grad=True)
    model(ids(3, 6), hidden_cache=cache)[0].square().sum().backward()
    assert [name for name, parameter in model.named_parameters() if parameter.grad is None] == []
    assert (cache.grad.abs().amax(-1) > 0).all()


def test_a_deep_copy_has_weights_of_its_own():
    model, idx = made(Encoder), padded([4, 7], 7)
    before = model(idx)[0]
    twin = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    assert torch.equal(twin(idx)[0], before)


@pytest.mark.parametrize("kind", [Transformer, Encoder, Decoder])
def test_pickling_keeps_the_numbers(kind):
    model, idx = made(kind), ids(2, 7)
    assert torch.equal(pickle.loads(pickle.dumps(model))(idx)[0], model(idx)[0])


@pytest.mark.parametrize("kind", [Transformer, Encoder, Decoder])
def test_weights_go_through_a_file_into_a_new_model(kind):
    model, idx, file = made(kind), ids(2, 7), io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    other = kind(CONFIG).eval()
    other.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(other(idx)[0], model(idx)[0])


@pytest.mark.parametrize("kind", [Transformer, Encoder, Decoder])
# This backend needs no C++ compiler, which a learner's machine may lack.
@pytest.mark.parametrize("cached", [False, True])
def test_it_compiles_into_one_graph(kind, cached):
    model, idx = made(kind), padded([4, 7, 2], 7)
    arguments = (idx, None, torch.randn(3, 5, CONFIG.n_embd)) if cached else (idx, ids(3, 7, seed=1))
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    for ours, theirs in zip(model(*arguments), compiled(*arguments), strict=True):
        assert ours is theirs is None or torch.allclose(ours, theirs, atol=1e-5)


def test_a_large_model_has_the_right_shapes_without_any_memory():
    # The sizes of GPT-3 (Brown et al. 2020, table 2.1): 175 billion parameters.
    config = TransformerConfig(vocab_size=50257, block_size=2048, n_embd=12288, n_head=96, n_layer=96)
    with torch.device("meta"):
        model, idx = Transformer(config), torch.zeros(2, 2048, dtype=torch.int64)
    assert 174e9 < sum(parameter.numel() for parameter in model.parameters()) < 177e9
    logits, loss = model(idx, targets=idx)
    assert logits.shape == (2, 2048, 50257) and loss.shape == ()
    assert model(idx, return_hidden=True).shape == (2, 2048, 12288)
    with pytest.raises(ValueError, match="the sequence has 2049 tokens"):
        model(torch.zeros(2, 2049, dtype=torch.int64, device="meta"))


def test_the_configuration_is_left_as_it_was():
    config = TransformerConfig(vocab_size=5, block_size=4, n_embd=8, n_head=2, n_layer=1)
    before = copy.copy(config)
    Encoder(config), Decoder(config)
    assert config == before

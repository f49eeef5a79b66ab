import copy
import math
import pickle
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ninelives.config import TransformerConfig
from ninelives.model import MultiHeadSelfAttention

B, T, H, HEAD_SIZE, C = 4, 7, 3, 5, 15
CONFIG = TransformerConfig(vocab_size=23, block_size=11, n_embd=C, n_head=H, dropout=0.3)


@pytest.fixture
def attention():
    """In evaluation, float64, with weights that matter."""
    torch.manual_seed(0)
    module = MultiHeadSelfAttention(CONFIG).double().eval()
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.4)
    return module


@pytest.fixture
def x():
    return torch.randn(B, T, C, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def random_mask():
    """(B, 1, T, T) bool: a different one for each example, no row empty."""
    mask = torch.rand(B, 1, T, T, generator=torch.Generator().manual_seed(2)) < 0.5
    return mask | torch.eye(T, dtype=torch.bool).roll(2, 0)


def padding():
    lengths = torch.tensor([7, 3, 1, 5])
    return (torch.arange(T) < lengths.reshape(B, 1, 1, 1)).expand(B, 1, T, T)


def causal():
    return torch.ones(T, T, dtype=torch.bool).tril().expand(B, 1, T, T)


masks = pytest.mark.parametrize("mask", [random_mask(), padding(), causal(), padding() & causal()], ids=str.split(
    "random padding causal both"
))


def in_loops(module, x, mask):
    """(B, T, C): one head and one row at a time, straight from the formula."""
    q, k, v = module.query(x), module.key(x), module.value(x)
    z = torch.zeros_like(x)
    for b in range(B):
        for h in range(H):
            own = slice(h * HEAD_SIZE, (h + 1) * HEAD_SIZE)
            for i in range(T):
                keys = [j for j in range(T) if mask[b, 0, i, j]]
                powers = [math.exp(q[b, i, own].dot(k[b, j, own]).item() / math.sqrt(HEAD_SIZE)) for j in keys]
                z[b, i, own] = sum(power / sum(powers) * v[b, j, own] for power, j in zip(powers, keys))
    return module.proj(z)


@masks
@torch.no_grad()
def test_it_is_the_formula_in_loops(attention, x, mask):
    assert torch.allclose(attention(x, mask), in_loops(attention, x, mask), rtol=0, atol=1e-12)


@masks
@torch.no_grad()
def test_it_is_pytorchs_multi_head_attention(attention, x, mask):
    theirs = nn.MultiheadAttention(C, H, batch_first=True, dtype=torch.float64)
    theirs.load_state_dict({
        "in_proj_weight": torch.cat([layer.weight for layer in (attention.query, attention.key, attention.value)]),
        "in_proj_bias": torch.cat([layer.bias for layer in (attention.query, attention.key, attention.value)]),
        "out_proj.weight": attention.proj.weight,
        "out_proj.bias": attention.proj.bias,
    })
    output, weights = theirs(x, x, x, attn_mask=~mask.expand(B, H, T, T).flatten(0, 1), average_attn_weights=False)
    assert torch.allclose(attention(x, mask), output, rtol=0, atol=1e-12)
    assert torch.allclose(attention.attention_weights(x, mask), weights, rtol=0, atol=1e-12)


@masks
@torch.no_grad()
def test_it_is_pytorchs_fused_call_on_channels_cut_by_hand(attention, x, mask):
    q, k, v = (torch.stack(layer(x).chunk(H, dim=-1), dim=1) for layer in (attention.query, attention.key, attention.value))
    z = F.scaled_dot_product_attention(q, k, v, mask)
    assert torch.allclose(attention(x, mask), attention.proj(torch.cat(z.unbind(1), dim=-1)), rtol=0, atol=1e-12)


@masks
@torch.no_grad()
def test_the_weights_sum_to_one_hide_what_is_hidden_and_reproduce_forward(attention, x, mask):
    weights = attention.attention_weights(x, mask)
    assert weights.shape == (B, H, T, T)
    assert torch.allclose(weights.sum(-1), torch.ones(B, H, T).double(), rtol=0, atol=1e-14)
    assert (weights[~mask.expand_as(weights)] == 0).all()
    v = attention.value(x).view(B, T, H, HEAD_SIZE).transpose(1, 2)
    z = (weights @ v).transpose(1, 2).reshape(B, T, C)
    assert torch.allclose(attention(x, mask), attention.proj(z), rtol=0, atol=1e-12)


def test_no_mask_is_a_mask_of_ones(attention, x):
    assert torch.allclose(attention(x), attention(x, torch.ones(B, 1, T, T)), rtol=0, atol=1e-12)
    assert torch.allclose(attention.attention_weights(x), attention.attention_weights(x, torch.ones(T, T)), rtol=0, atol=1e-14)


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.int64, torch.float32, torch.float64])
def test_a_mask_of_any_dtype_means_the_same(attention, x, dtype):
    assert torch.equal(attention(x, random_mask().to(dtype)), attention(x, random_mask()))


@pytest.mark.parametrize("given", [padding()[:, :, :1], causal()[0, 0], causal()[:1], random_mask().expand(B, H, T, T)])
def test_a_mask_that_broadcasts_is_the_mask_written_out(attention, x, given):
    assert torch.equal(attention(x, given), attention(x, given.expand(B, H, T, T)))


@pytest.mark.parametrize("shape", [(T, C), (B, T, C + 1), (B, 1, T, C)])
def test_an_input_of_another_shape_is_refused(attention, shape):
    with pytest.raises(ValueError) as caught:
        attention(torch.zeros(shape).double())
    assert str(caught.value) == f"x has shape {shape}, but (B, T, n_embd) = (B, T, 15) is needed."


def test_what_is_hidden_moves_nothing_and_what_is_allowed_moves_something(attention, x):
    mask = padding()
    is_token = mask[:, 0, 0]
    loud = torch.where(is_token.unsqueeze(-1), x, 1000 * x)
    assert torch.allclose(attention(loud, mask)[is_token], attention(x, mask)[is_token], rtol=0, atol=1e-12)
    other = x.clone()
    other[0, 6] += 1
    moved = (attention(other, mask) - attention(x, mask)).abs().amax(-1) > 1e-6
    assert moved[0].all() and not moved[1:].any()


def test_large_scores_give_no_nan(attention, x):
    assert attention.float()(1e4 * x.float(), random_mask()).isfinite().all()


def test_nothing_is_dropped_in_evaluation(attention, x):
    often = MultiHeadSelfAttention(replace(CONFIG, dropout=0.9)).double().eval()
    often.load_state_dict(attention.state_dict())
    assert torch.equal(often(x, random_mask()), attention(x, random_mask()))
    assert torch.equal(attention(x, random_mask()), attention(x, random_mask()))


def test_in_training_both_dropouts_work_and_the_mean_stays(attention, x):
    torch.manual_seed(3)
    copies = x[:1].expand(4000, T, C)
    calm, noisy = attention(x[:1])[0].detach(), attention.train()(copies).detach()
    assert abs((noisy == 0).double().mean() - 0.3) < 0.01
    survivors = noisy[:, 0, 0][noisy[:, 0, 0] != 0]
    assert survivors.unique().numel() > 1000
    assert ((noisy.mean(0) - calm).abs() < 5 * noisy.std(0) / math.sqrt(4000)).all()


def test_with_a_dropout_of_1_everything_is_dropped_and_nothing_learned(x):
    nothing = MultiHeadSelfAttention(replace(CONFIG, dropout=1.0)).double()
    output = nothing(x, random_mask())
    assert torch.equal(output, torch.zeros_like(x))
    output.sum().backward()
    assert not nothing.value.weight.grad.any()


def test_the_weights_for_pictures_know_no_dropout(attention, x):
    assert torch.equal(attention.train().attention_weights(x), attention.eval().attention_weights(x))


def test_the_gradient_reaches_every_parameter_and_the_input(attention, x):
    x.requires_grad_()
    mask = random_mask()
    weights = torch.randn(B, T, C, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    (attention(x, mask) * weights).sum().backward()
    reached = {name for name, parameter in attention.named_parameters() if parameter.grad.abs().max() > 1e-6}
    # A softmax ignores what is added to all its scores.
    assert reached == {name for name, _ in attention.named_parameters()} - {"key.bias"}
    assert (x.grad.abs().amax(-1) > 1e-6).all()


def test_the_gradient_is_the_slope(attention):
    x = torch.randn(1, 2, C, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: attention(x, torch.ones(2, 2).tril()), x)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module))])
def test_a_copy_gives_the_same_and_is_independent(attention, x, duplicate):
    before, twin = attention(x), duplicate(attention)
    assert torch.equal(twin(x), before)
    with torch.no_grad():
        twin.value.weight.add_(1)
    assert torch.equal(attention(x), before)
    assert not torch.equal(twin(x), before)


def test_neither_the_input_nor_the_mask_is_changed(attention, x):
    mask, before = random_mask().float(), x.clone()
    attention(x, mask)
    attention.attention_weights(x, mask)
    assert torch.equal(x, before)
    assert torch.equal(mask, random_mask().float())


@pytest.mark.parametrize(("n_head", "b", "t"), [(1, 2, 4), (3, 1, 1), (15, 2, 4), (5, 5, 3)])
def test_any_number_of_heads_that_divides_the_channels_works(n_head, b, t):
    module = MultiHeadSelfAttention(replace(CONFIG, n_head=n_head)).eval()
    assert module(torch.randn(b, t, C), torch.ones(b, 1, t, t)).shape == (b, t, C)
    assert module.attention_weights(torch.randn(b, t, C)).shape == (b, n_head, t, t)


@torch.no_grad()
def test_one_mask_serves_layers_of_other_dtypes_and_heads(attention, x):
    mask = random_mask().expand(B, H, T, T)
    other = MultiHeadSelfAttention(replace(CONFIG, n_head=5)).eval()
    before = attention(x, mask)
    assert attention.float()(x.float(), mask).dtype == torch.float32
    assert torch.allclose(attention(x.float(), mask).double(), before, atol=1e-5)
    with pytest.raises(ValueError, match="a mask of shape"):
        other(x.float(), mask)


@masks
def test_in_training_without_dropout_the_numbers_are_those_of_evaluation(attention, x, mask):
    calm = MultiHeadSelfAttention(replace(CONFIG, dropout=0.0)).double().train()
    calm.load_state_dict(attention.state_dict())
    assert torch.allclose(calm(x, mask), attention(x, mask), rtol=0, atol=1e-12)


@torch.no_grad()
def test_it_works_in_inference_mode(attention, x):
    with torch.inference_mode():
        inside = attention(x.clone(), causal().clone())
        assert attention.train()(x.clone(), random_mask()).isfinite().all()
    assert torch.equal(inside, attention.eval()(x, causal()))

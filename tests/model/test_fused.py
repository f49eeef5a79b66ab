import math

import pytest
import torch
from torch.nn import functional as F

from ninelives.config import TransformerConfig
from ninelives.model import fused
from ninelives.model.attention import MultiHeadSelfAttention
from ninelives.model.dropout import kept
from ninelives.model.fused import SelfAttention, blocks
from ninelives.model.transformer import FeedForward, TransformerBlock

B, H, T, HEAD_SIZE = 3, 2, 6, 4
C = H * HEAD_SIZE


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def parts(dtype=torch.float64, T=T):
    """x, then weight and bias of query, key and value."""
    shapes = [(B, T, C), *[(C, C), (C,)] * 3]
    return [torch.randn(shape, dtype=dtype, requires_grad=True) for shape in shapes]


def causal(dtype=torch.float64, T=T):
    return torch.full((T, T), float("-inf"), dtype=dtype).triu(1)


def padding(dtype=torch.float64):
    return torch.where(torch.arange(T) < torch.tensor([6, 2, 4]).view(B, 1, 1, 1), 0.0, float("-inf")).to(dtype)


def by_the_formula(x, projections, mask, stays):
    q, k, v = (
        F.linear(x, *pair).view(B, T, H, HEAD_SIZE).transpose(1, 2) for pair in zip(projections[::2], projections[1::2])
    )
    weights = (q @ k.mT / math.sqrt(HEAD_SIZE) + (0 if mask is None else mask)).softmax(-1)
    return ((weights * stays) @ v).transpose(1, 2).reshape(B, T, C)


@pytest.mark.parametrize(
    ("mask", "is_causal"), [(None, False), (causal(), False), (causal(), True), (padding(), False), (causal() + padding(), False)],
    ids=["none", "causal", "causal in rows", "padding", "both"],
)
@pytest.mark.parametrize(("at_once", "rows_at_once"), [(1, 1), (4 * T * T, 4), (10**6, 3), (10**6, 32)])
@pytest.mark.parametrize("p", [0.0, 0.3])
def test_attention_and_its_gradients_are_the_formula_with_the_same_weights_dropped(
    monkeypatch, mask, is_causal, at_once, rows_at_once, p
):
    monkeypatch.setattr(fused, "ELEMENTS_AT_ONCE", at_once)
    monkeypatch.setattr(fused, "ROWS_AT_ONCE", rows_at_once)
    x, *projections = parts()
    torch.manual_seed(7)
    ours = SelfAttention.apply(x, H, mask, is_causal, p, *projections)
    torch.manual_seed(7)
    stays = torch.ones(B * H, T, T)
    if p:
        for some, rows, columns in blocks(B * H, T, is_causal):
            place = stays[some, rows, columns]
            place[:] = kept(place.shape, p)
    theirs = by_the_formula(x, projections, mask, stays.view(B, H, T, T) / (1 - p))
    assert torch.allclose(ours, theirs, atol=1e-12)
    towards = torch.randn_like(ours)
    for our, their in zip(*(torch.autograd.grad(z, (x, *projections), towards) for z in (ours, theirs))):
        assert torch.allclose(our, their, atol=1e-12)


@pytest.mark.parametrize("is_causal", [True, False])
def test_every_weight_is_computed_in_exactly_one_block(monkeypatch, is_causal):
    monkeypatch.setattr(fused, "ELEMENTS_AT_ONCE", 100)
    monkeypatch.setattr(fused, "ROWS_AT_ONCE", 4)
    times = torch.zeros(5, 11, 11)
    for place in blocks(5, 11, is_causal):
        times[place] += 1
    needed = torch.ones(11, 11).tril() if is_causal else torch.ones(11, 11)
    assert (times[:, needed.bool()] == 1).all() and times.max() == 1


def test_the_weights_are_dropped_as_pytorch_drops_them():
    # Queries of zero weigh all alike, and values that are x itself, the identity, bring the weights out.
    x, zero = torch.eye(4).expand(2000, 4, 4), torch.zeros(4, 4)
    none = torch.zeros(4)
    ours = SelfAttention.apply(x, 1, None, False, 0.1, zero, none, zero, none, torch.eye(4), none).flatten()
    theirs = F.scaled_dot_product_attention(x * 0, x * 0, x, dropout_p=0.1).flatten()
    assert ours.unique().tolist() == pytest.approx(theirs.unique().tolist())
    for out in (ours, theirs):
        assert abs((out == 0).sum().item() - 0.1 * len(out)) < 5 * math.sqrt(0.09 * len(out))


def test_the_feed_forward_network_and_its_gradients_are_those_of_its_four_modules():
    mlp = FeedForward(torch.nn.Linear(C, 4 * C), torch.nn.GELU(), torch.nn.Linear(4 * C, C), torch.nn.Dropout(0.0)).double()
    x = torch.randn(B, T, C, dtype=torch.float64, requires_grad=True)
    ours, theirs = mlp(x), torch.nn.Sequential(*mlp)(x)
    towards = torch.randn_like(ours)
    assert torch.allclose(ours, theirs, atol=1e-12)
    for our, their in zip(*(torch.autograd.grad(y, (x, *mlp.parameters()), towards) for y in (ours, theirs))):
        assert torch.allclose(our, their, atol=1e-12)


@pytest.mark.parametrize("n_head", [1, H])
@pytest.mark.parametrize("rows", [1, T])
def test_a_gradient_that_others_hold_is_left_as_it_was(n_head, rows):
    x, *projections = parts()
    mlp = FeedForward(torch.nn.Linear(C, 4 * C), torch.nn.GELU(), torch.nn.Linear(4 * C, C), torch.nn.Dropout(0.0))
    for y in (SelfAttention.apply(x[:, :rows], n_head, None, False, 0.3, *projections), mlp.double()(x[:, :rows])):
        towards = torch.randn_like(y)
        before = towards.clone()
        y.backward(towards)
        assert torch.equal(towards, before)


@pytest.mark.parametrize("p", [0.0, 0.3])
def test_where_no_gradient_is_asked_for_none_is_prepared(p):
    attention = MultiHeadSelfAttention(TransformerConfig(9, T, C, H, 1, p)).train()
    with torch.no_grad():
        assert attention(torch.randn(B, T, C)).grad_fn is None


def test_the_model_is_the_same_with_and_without_them(monkeypatch):
    block = TransformerBlock(TransformerConfig(9, T, C, H, 1, 0.0)).double()
    x = torch.randn(B, T, C, dtype=torch.float64, requires_grad=True)
    mask = torch.ones(T, T, dtype=torch.bool).tril()
    ours = torch.autograd.grad(block(x, mask).square().sum(), (x, *block.parameters()))
    monkeypatch.setattr(fused, "fits", lambda x, *modules: False)
    theirs = torch.autograd.grad(block(x, mask).square().sum(), (x, *block.parameters()))
    assert all(torch.allclose(our, their, atol=1e-12) for our, their in zip(ours, theirs))


def test_in_half_precision_pytorchs_own_calls_do_the_work():
    block = TransformerBlock(TransformerConfig(9, T, C, H, 1, 0.1))
    with torch.autocast("cpu", torch.bfloat16):
        block(torch.randn(B, T, C)).sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in block.parameters())


def exchanged(block):
    block.mlp[1] = torch.nn.ReLU()


def hooked(block):
    block.mlp[0].register_forward_hook(lambda module, x, y: y * 2)


def hooked_in_attention(block):
    block.attention.key.register_forward_hook(lambda module, x, y: y * 2)


def with_another_forward(block):
    block.attention.value.forward = lambda x: x * 3


def without_a_bias(block):
    block.attention.query = torch.nn.Linear(C, C, bias=False)


def one_part_more(block):
    block.mlp.append(torch.nn.Tanh())


@pytest.mark.parametrize(
    "change", [exchanged, hooked, hooked_in_attention, with_another_forward, without_a_bias, one_part_more],
    ids=lambda change: change.__name__,
)
def test_what_a_learner_has_changed_in_a_block_counts_in_training_too(change):
    block = TransformerBlock(TransformerConfig(9, T, C, H, 1, 0.0))
    x = torch.randn(B, T, C)
    as_built = block(x)
    change(block)
    with torch.no_grad():
        looked_at = block(x)
    assert torch.allclose(block(x), looked_at, atol=1e-6) and not torch.allclose(looked_at, as_built, atol=1e-3)


@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_either_gelu_has_its_gradient(approximate):
    mlp = FeedForward(torch.nn.Linear(C, 4 * C), torch.nn.GELU(approximate), torch.nn.Linear(4 * C, C), torch.nn.Dropout(0.0))
    assert torch.autograd.gradcheck(mlp.double(), torch.randn(2, 3, C, dtype=torch.float64, requires_grad=True))

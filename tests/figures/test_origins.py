import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ninelives.figures import attention_of
from ninelives.figures.scoring import softmax

THREE = ["a", "b", "c"]
X = torch.randn(2, 3, 8, generator=torch.Generator().manual_seed(0))  # (B, T, n_embd)


class ByHand(nn.Module):
    """As learners write it: scores, mask, softmax; the weights kept or not, multiplied in one of several ways."""

    def __init__(self, multiply=torch.matmul, keeps=False, scale=0.5):
        super().__init__()
        self.multiply, self.keeps, self.scale = multiply, keeps, scale

    def forward(self, x, mask=None):
        q = k = v = x.unflatten(-1, (2, -1)).transpose(1, 2)  # (B, H, T, 4)
        scores = self.multiply(q, k.transpose(-2, -1)) * self.scale
        if mask is not None:
            scores = scores.masked_fill(mask == 0, -1e9)
        weights = scores.softmax(-1)
        if self.keeps:
            self.weights = weights
        return weights @ v


def heads(x: torch.Tensor) -> torch.Tensor:
    return x.unflatten(-1, (2, -1)).transpose(1, 2)  # (B, H, T, 4)


def gives_the_weights(part) -> bool:
    again = [softmax(part.scoring.scores(layer, head, row), part.allowed[layer, row])
             for layer in range(len(part.weights)) for head in range(part.weights.shape[1]) for row in range(len(part.rows))]
    return np.allclose(np.reshape(again, part.weights.shape), part.weights, atol=1e-4)


@pytest.mark.parametrize("module", [
    ByHand(), ByHand(torch.Tensor.__matmul__, keeps=True), ByHand(scale=0.3),
    ByHand(lambda q, k: torch.bmm(q.flatten(0, 1), k.flatten(0, 1)).unflatten(0, q.shape[:2]), scale=1.0),
])
def test_queries_and_keys_of_a_softmax_by_hand_are_found(module):
    part = attention_of(module.eval(), X, torch.ones(3, 3).tril(), tokens=THREE, batch=1)["attention"]
    assert (part.scoring.queries[0] == heads(X)[1].numpy()).all() and part.scoring.scale == pytest.approx(module.scale)
    assert gives_the_weights(part)


@pytest.mark.parametrize("given", [{}, {"kdim": 8, "vdim": 8, "bias": False}])
def test_those_of_multi_head_attention_are_computed_from_its_weights(given):
    layer = nn.MultiheadAttention(8, 2, batch_first=True, **given).eval()
    bias = torch.randn(3, 3, generator=torch.Generator().manual_seed(1))
    for mask in (None, bias):
        part = attention_of(layer, X, X, X, attn_mask=mask, tokens=THREE, batch=1)["attention"]
        assert gives_the_weights(part) and (part.scoring.bias is None) == (mask is None)


def test_other_scores_than_products_leave_them_unknown():
    assert attention_of(lambda: F.softmax(torch.relu(heads(X) @ heads(X).mT), -1), tokens=THREE)["attention"].scoring is None


def test_grouped_queries_share_their_keys():
    q, k = torch.randn(1, 4, 3, 5), torch.randn(1, 2, 3, 5)
    part = attention_of(F.scaled_dot_product_attention, q, k, k, enable_gqa=True, tokens=THREE)["attention"]
    assert (part.scoring.keys[0] == k[0, [0, 0, 1, 1]].numpy()).all() and gives_the_weights(part)


def test_one_head_after_the_other_is_one_layer():
    class Heads(nn.Module):
        def __init__(self):
            super().__init__()
            self.heads = nn.ModuleList(ByHand() for _ in range(2))

        def forward(self, x):
            return [F.scaled_dot_product_attention(*3 * (x[..., 4 * k : 4 * k + 4],)) for k, _ in enumerate(self.heads)]

    part = attention_of(Heads().eval(), X, tokens=THREE)["attention"]
    assert gives_the_weights(part)


B, H, D = 2, 4, 8


@pytest.mark.parametrize("T", [4, 6])  # with as many words as heads, the shape alone does not say which is which
@pytest.mark.parametrize("scores_of", [
    lambda q, k: torch.einsum("bthd,bshd->bths", q, k), lambda q, k: torch.einsum("bthd,bshd->bhts", [q, k]),
    lambda q, k: torch.einsum("bshd,bthd->bhts", k, q), lambda q, k: (q.transpose(1, 2) @ k.transpose(1, 2).mT).transpose(1, 2),
])
def test_heads_are_told_from_rows_by_the_product_that_the_scores_come_from(scores_of, T):
    q, k = torch.randn(2, B, T, H, D, generator=torch.Generator().manual_seed(0))
    wanted = (q.transpose(1, 2) @ k.transpose(1, 2).mT / D**0.5).softmax(-1)  # (B, H, T, T)
    found = attention_of(lambda: (scores_of(q, k) / D**0.5).softmax(-1), tokens=[f"word{t}" for t in range(T)])["attention"]
    assert np.allclose(found.weights[0], wanted[0], atol=1e-6) and np.allclose(found.scoring.queries[0], q[0].transpose(0, 1))
    bias = torch.randn(T, 1, T, generator=torch.Generator().manual_seed(1))
    biased = attention_of(lambda: (torch.einsum("bthd,bshd->bths", q, k) + bias).softmax(-1), tokens=[f"word{t}" for t in range(T)])["attention"]
    assert np.allclose(biased.weights[0], (q.transpose(1, 2) @ k.transpose(1, 2).mT + bias[:, 0]).softmax(-1)[0], atol=1e-6)
    assert biased.scoring is None


def test_scores_that_seem_to_have_rows_before_heads_are_refused_where_it_cannot_be_seen():
    q, k, bias = torch.randn(1, H, 6, D), torch.randn(1, H, 6, D), torch.randn(6, 6)
    with pytest.raises(ValueError, match=r"scores \(B, 6, 4, 6\), which seem to be \(B, T, H, S\) with 4 heads"):
        attention_of(lambda: (q @ k.mT + bias).transpose(1, 2).softmax(-1), tokens=[f"word{t}" for t in range(6)])


def test_a_small_bias_is_not_taken_for_rounding():
    q, k = torch.randn(2, 1, H, 4, D, generator=torch.Generator().manual_seed(0))
    bias = torch.randn(4, 4, generator=torch.Generator().manual_seed(1))
    found = attention_of(lambda: (40 * (q @ k.mT) + bias).softmax(-1), tokens="the cat was full".split())["attention"]
    assert found.scoring is None


def test_what_drops_weights_is_named():
    model = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, batch_first=True), 2).eval()
    model.layers[1].self_attn.train()
    with pytest.raises(ValueError, match=r"The model's module 'layers.1.self_attn' is in training mode"):
        attention_of(model, X, tokens=THREE)
    with pytest.raises(ValueError, match=r"dropout_p=0.5 was passed to F.scaled_dot_product_attention"):
        attention_of(F.scaled_dot_product_attention, X, X, X, dropout_p=0.5, tokens=THREE)

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

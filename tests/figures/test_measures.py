from itertools import product

import numpy as np
import pytest
import torch

from ninelives.figures import attention_parts
from ninelives.figures.measures import head_measures, layer_means, rollout, rollout_shares

WORDS = "the cat was full".split()


def part(weights, **given):
    return next(iter(attention_parts(weights, WORDS, **given).values()))


def test_heads_with_one_habit_each_are_measured_as_such():
    previous = torch.zeros(4, 4)
    previous[0, 0] = 1
    previous[1:, :-1] += torch.eye(3)
    measures = head_measures(part(torch.stack([torch.eye(4), previous, torch.full((4, 4), 0.25)])[None]))
    assert measures["entropy"][0] == pytest.approx([0, 0, 2])
    assert measures["previous token"][0] == pytest.approx([0, 1, 0.25])
    assert measures["the token itself"][0] == pytest.approx([1, 0.25, 0.25])
    assert measures["next token"][0] == pytest.approx([0, 0, 0.25])
    assert measures["distance"][0] == pytest.approx([0, 0.75, 1.25])
    assert measures["first token"][0] == pytest.approx([0.25, 0.5, 0.25])


def test_masked_cells_and_padded_rows_are_not_measured():
    causal = torch.ones(4, 4).tril() / torch.arange(1, 5)[:, None]
    measures = head_measures(part(causal, mask=causal > 0))
    assert "next token" not in measures
    assert measures["previous token"] == pytest.approx((1 / 2 + 1 / 3 + 1 / 4) / 3)
    padded = torch.tensor([[0.5, 0.5, 0, 0]] * 4)
    assert head_measures(part(padded, mask=[1, 1, 0, 0]))["entropy"] == pytest.approx(1)


def test_the_first_token_comes_after_the_padding_on_the_left():
    padded = torch.tensor([[0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0.75, 0.25]])
    assert head_measures(part(padded, mask=[0, 0, 1, 1]))["first token"] == pytest.approx(0.875)


def test_cross_attention_has_no_distance():
    crossed = next(iter(attention_parts(torch.full((2, 4), 0.25), ["le", "chat"], WORDS).values()))
    assert set(head_measures(crossed)) == {"entropy", "first token"}


def test_rollout_multiplies_the_layers_with_their_residual_connections():
    weights = torch.rand(3, 2, 4, 4, generator=torch.Generator().manual_seed(0)).softmax(-1)
    given = part(weights)
    steps = [(layer.mean(0) + torch.eye(4)) / 2 for layer in weights.double()]
    got = rollout(given)
    assert np.allclose(got[0], steps[0], atol=1e-6) and np.allclose(got[2], steps[2] @ steps[1] @ steps[0], atol=1e-6)
    assert np.allclose(got.sum(-1), 1)
    assert np.allclose(layer_means(given), weights.mean(1), atol=1e-6)


def test_the_rows_of_a_rollout_sum_to_1_where_rows_are_padded():
    padded = torch.tensor([[0.5, 0.5, 0, 0]] * 4).expand(2, 2, 4, 4)
    assert np.allclose(rollout(part(padded, mask=[1, 1, 0, 0])).sum(-1), 1)


def test_in_each_layer_the_shares_of_the_heads_and_of_the_residual_connection_sum_to_the_rollout():
    weights = torch.randn(3, 2, 4, 4, generator=torch.Generator().manual_seed(0)).softmax(-1)
    weights[:, :, :, 3] = 0
    given = part(weights / weights.sum(-1, keepdim=True), mask=[1, 1, 1, 0])
    whole = rollout(given)[-1]
    for row, column in product(range(4), range(4)):
        through, past = rollout_shares(given, row, column)
        assert np.allclose(through.sum(1) + past, whole[row, column], atol=1e-6)
        assert (through.sum() > 0) == (row < 3 and column < 3)


def test_the_share_of_a_head_is_that_of_the_paths_through_it():
    weights = torch.randn(3, 2, 4, 4, generator=torch.Generator().manual_seed(1)).softmax(-1)
    through, past = rollout_shares(part(weights), 2, 0)
    steps = torch.cat((weights / 4, torch.eye(4).expand(3, 1, 4, 4) / 2), 1).double()  # ½/H · A of each head, then ½ · I
    by_hand = np.zeros((3, 3))
    for path in product(range(3), repeat=3):  # a head, or the residual connection, of each layer
        weight = float((steps[2, path[2]] @ steps[1, path[1]] @ steps[0, path[0]])[2, 0])
        for layer, which in enumerate(path):
            by_hand[layer, which] += weight
    assert np.allclose(np.column_stack((through, past)), by_hand, atol=1e-6)

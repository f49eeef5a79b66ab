import numpy as np
import pytest
import torch

from ninelives.figures import attention_parts

WORDS = "the cat was full".split()
Q, K = torch.randn(2, 2, 3, 4, 5, generator=torch.Generator().manual_seed(0))  # (L, H, T, d) each
WEIGHTS = (Q @ K.mT / 5**0.5).softmax(-1)


def scoring(weights, **given):
    return attention_parts(weights, WORDS, **given)["attention"].scoring


def test_queries_and_keys_are_taken_in_the_forms_of_weights_with_the_layers_and_heads_that_are_chosen():
    some = scoring(WEIGHTS, queries=list(Q), keys=K.numpy(), layers=[1], heads=[2, 0])
    assert (some.queries == Q[[1]][:, [2, 0]].numpy()).all() and some.scale == pytest.approx(5**-0.5)
    assert scoring(WEIGHTS[0, 0], queries=Q[0, 0], keys=K[0, 0]).keys.shape == (1, 1, 4, 5)
    grouped = (Q @ K[:, :1].mT / 5**0.5).softmax(-1)
    assert scoring(grouped, queries=Q, keys=K[:, :1]).keys.shape == (2, 3, 4, 5)


def test_a_model_without_a_scale_and_a_mask_are_recognised():
    closed = torch.ones(4, 4).triu(1).bool()
    weights = (Q @ K.mT).masked_fill(closed, -torch.inf).softmax(-1)
    found = scoring(weights, queries=Q, keys=K)
    assert found.scale.tolist() == [1, 1]
    assert np.allclose(found.scores(1, 2, 3), Q[1, 2, 3] @ K[1, 2].T)


@pytest.mark.parametrize(("given", "sentence"), [
    ({"queries": Q}, "keys is missing; pass both queries and keys, or neither"),
    ({"queries": Q, "keys": K[..., :3]}, r"keys \(2, 3, 4, 3\); for weights \(L, H, T, S\) = \(2, 3, 4, 4\) pass"),
    ({"queries": Q, "keys": K.flip(-2)}, "queries and keys do not give these weights: .* differs from them by up to 0"),
    ({"queries": Q[0, 0, 0], "keys": K}, r"queries have shape \(5,\); pass \(L, H, T, d\)"),
    ({"queries": Q, "keys": K, "channels": ["a"]}, "channels has 1 labels for 5 channels"),
    ({"queries": Q, "keys": K, "kind": "scores"}, "queries and keys belong to the weights of one part; here are scores"),
])
def test_what_does_not_give_the_weights_is_refused(given, sentence):
    with pytest.raises(ValueError, match=sentence):
        scoring(WEIGHTS, **given)

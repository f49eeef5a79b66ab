import numpy as np
import pytest
import torch

from ninelives.figures import as_attention
from ninelives.figures.attention import open_cells

TOKENS = ["the", "cat", "it"]


def weights(*shape):
    return torch.softmax(torch.randn(*shape, generator=torch.Generator().manual_seed(0)), -1)


@pytest.mark.parametrize("shape", [(5, 2, 3, 3), (2, 3, 3), (3, 3)])
def test_a_tensor_gets_the_missing_leading_dimensions(shape):
    given = weights(*shape)
    got = as_attention(given.requires_grad_(), TOKENS)
    assert got.dtype == np.float32
    assert got.shape == (1,) * (4 - len(shape)) + shape
    assert np.allclose(got.reshape(shape), given.detach().numpy())


def test_a_list_of_layers_gives_the_first_of_the_batch_or_the_one_asked_for():
    layers = tuple(weights(4, 2, 3, 3) + 0 for _ in range(5))
    assert np.allclose(as_attention(layers, TOKENS)[3], layers[3][0])
    assert np.allclose(as_attention(layers, TOKENS, batch=2)[4], layers[4][2])


def test_a_list_of_layers_without_a_batch_is_stacked():
    assert as_attention([weights(2, 3, 3)] * 4, TOKENS).shape == (4, 2, 3, 3)


def test_a_nested_list_of_numbers_is_one_matrix():
    assert as_attention([[1, 0, 0], [0, 1, 0], [0, 0, 1]], TOKENS).shape == (1, 1, 3, 3)


def test_cross_attention_has_its_own_columns():
    assert as_attention(weights(3, 2), TOKENS, ["a", "b"]).shape == (1, 1, 3, 2)


def test_one_token_and_512_tokens_are_accepted():
    assert as_attention([[1.0]], ["cat"]).shape == (1, 1, 1, 1)
    assert as_attention(weights(512, 512), ["w"] * 512).shape == (1, 1, 512, 512)


def test_weights_in_half_precision_pass():
    assert as_attention(weights(2, 3, 3).bfloat16(), TOKENS).shape == (1, 2, 3, 3)


def spoilt(value):
    broken = weights(2, 2, 3, 3)
    broken[1, 0, 2] = value
    return broken


@pytest.mark.parametrize(
    "given, message",
    [
        (spoilt(float("nan")), "Layer 1, head 0, the row of 'it' holds NaN: a row whose keys"),
        (spoilt(float("inf")), "Layer 1, head 0, the row of 'it' holds an infinite number"),
        (spoilt(-0.5), "Layer 1, head 0, the row of 'it' holds the negative weight -0.5"),
        (spoilt(0.5), "Layer 1, head 0, the row of 'it' sums to 1.500, not to 1"),
        (spoilt(0.0), "Layer 1, head 0, the row of 'it' sums to 0.000, not to 1"),
        (weights(2, 4, 4), "tokens has 3 labels for 4 rows of attention"),
        (weights(3, 4), "tokens has 3 labels for 4 columns of attention"),
        (weights(1, 1, 1, 3, 3), r"attentions has shape \(1, 1, 1, 3, 3\); pass"),
        (weights(3), r"attentions has shape \(3,\); pass"),
        ([weights(1, 2, 3, 3), None], "Layer 1 of attentions is None"),
        ([weights(1, 2, 3, 3), weights(1, 4, 3, 3)], r"Layer 1 of attentions has \(H, T, S\)"),
        ([weights(1, 1, 2, 3, 3)], r"each layer must be \(B, H, T, S\)"),
        ("cat", "attentions is of type str"),
    ],
)
def test_invalid_weights_are_refused_in_one_sentence(given, message):
    with pytest.raises(ValueError, match=message) as refused:
        as_attention(given, TOKENS)
    assert "\n" not in str(refused.value)


def test_columns_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="columns has 1 labels for 2 columns"):
        as_attention(weights(3, 2), TOKENS, ["a"])


def test_an_example_outside_the_batch_is_refused():
    with pytest.raises(ValueError, match="batch is 4, but layer 0 of attentions holds 4 examples"):
        as_attention([weights(4, 2, 3, 3)], TOKENS, batch=4)


def test_cells_that_only_a_mask_can_have_closed_are_recognised():
    lower = torch.ones(3, 3).tril()
    causal = (weights(2, 2, 3, 3) * lower).numpy()
    assert (open_cells(causal) == lower.bool().numpy()).all()
    assert (open_cells(causal[:1, :1]) == lower.bool().numpy()).all()
    padded = weights(2, 2, 3, 3).numpy()
    padded[..., 2] = 0
    assert not open_cells(padded)[..., 2].any() and open_cells(padded)[..., :2].all()


def test_zeros_that_a_head_may_have_chosen_are_no_mask():
    by_hand = np.eye(3)[None, None]
    assert open_cells(by_hand).all()
    assert open_cells(np.concatenate([by_hand, np.roll(by_hand, 1, -1)], 1)).all()

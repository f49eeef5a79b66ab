import pytest
import torch
from torch import nn

from ninelives.config import TransformerConfig
from ninelives.model import Decoder, MultiHeadSelfAttention
from ninelives.model.masks import is_cached, joint_mask, packed_mask, padding_first, prefix_mask

B, T, H, C = 4, 7, 3, 15
CONFIG = TransformerConfig(vocab_size=23, block_size=11, n_embd=C, n_head=H, n_layer=1, dropout=0.3)


@pytest.fixture
def attention():
    torch.manual_seed(0)
    return MultiHeadSelfAttention(CONFIG).double().eval()


@pytest.fixture
def x():
    return torch.randn(B, T, C, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def causal(size: int = T) -> torch.Tensor:
    return torch.ones(size, size, dtype=torch.bool).tril()


# --- masks that do not fit -----------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(T,), (H, T, T), (B, 1, T, T + 1), (B + 1, 1, T, T), (B, 2, T, T), (B, B, T, T)])
def test_a_mask_of_another_shape_is_refused(attention, x, shape):
    with pytest.raises(ValueError) as caught:
        attention(x, torch.ones(shape))
    assert str(caught.value) == (
        f"attention_mask has shape {shape} and x has shape (4, 7, 15): "
        "a mask of shape (B, 1, T, T) = (4, 1, 7, 7) is needed."
    )


@pytest.mark.parametrize(("mask", "rewritten", "advice"), [
    (torch.ones(B, T), lambda mask: mask[:, None, None], "Write attention_mask[:, None, None] if it says which tokens are not padding."),
    (torch.ones(B, T, T), lambda mask: mask[:, None], "Write attention_mask[:, None] to give it an axis for the heads."),
])
def test_a_mask_that_lacks_axes_is_refused_with_what_to_write(attention, x, mask, rewritten, advice):
    with pytest.raises(ValueError) as caught:
        attention(x, mask)
    assert str(caught.value).endswith(f"is needed. {advice}")
    assert torch.equal(attention(x, rewritten(mask)), attention(x, torch.ones(B, 1, T, T)))


def test_a_mask_without_head_axis_is_refused_even_where_it_would_fit_the_heads(attention):
    with pytest.raises(ValueError, match=r"attention_mask has shape \(3, 7, 7\)"):
        attention(torch.zeros(H, T, C).double(), torch.ones(H, T, T))


def test_two_axes_are_refused_where_rows_and_examples_cannot_be_told_apart(attention):
    x, mask = torch.randn(5, 5, C).double(), causal(5)
    for call in (attention, attention.attention_weights):
        with pytest.raises(ValueError) as caught:
            call(x, mask)
        assert str(caught.value) == (
            "attention_mask has shape (5, 5), and B = T = 5: it could be one mask (T, T) for all examples, or "
            "one row (B, T) for each. Write attention_mask[None, None] or attention_mask[:, None, None]."
        )
    assert not torch.allclose(attention(x, mask[None, None]), attention(x, mask[:, None, None]))
    assert attention(x[:4], mask).shape == (4, 5, C)
    assert attention(x[:1, :1], mask[:1, :1]).shape == (1, 1, C)


@pytest.mark.parametrize("minus", [float("-inf"), -1e9])
def test_a_mask_that_is_to_be_added_to_the_scores_is_refused_with_what_to_write(attention, x, minus):
    added = torch.zeros(B, 1, T, T).masked_fill(~causal(), minus)
    for call in (attention, attention.attention_weights):
        with pytest.raises(ValueError) as caught:
            call(x, added)
        assert str(caught.value) == (
            f"attention_mask holds {added.min().item()}, but a mask here holds 1 (may attend) and 0 (may not) and is not "
            "added to scores. Write attention_mask == 0 if it is nn.Transformer.generate_square_subsequent_mask's."
        )
    assert torch.equal(attention(x, added == 0), attention(x, causal()))


def test_the_mask_that_pytorchs_transformer_makes_is_refused_and_the_advice_makes_it_right(attention, x):
    theirs = nn.Transformer.generate_square_subsequent_mask(T, dtype=torch.float64)
    with pytest.raises(ValueError, match="Write attention_mask == 0 if it is nn.Transformer.generate_square"):
        attention(x, theirs)
    assert torch.equal(attention(x, theirs == 0), attention(x, causal()))


@pytest.mark.parametrize("value", [2.0, 0.5, -1.0, float("nan")])
def test_a_value_that_is_neither_0_nor_1_is_refused(attention, x, value):
    mask = torch.ones(B, 1, T, T)
    mask[2, 0, 5, 1] = value
    with pytest.raises(ValueError, match=f"attention_mask holds {value}, but a mask here holds 1"):
        attention(x, mask)


def test_an_additive_mask_that_hides_nothing_is_refused_as_a_mask_that_allows_nothing(attention, x):
    with pytest.raises(ValueError, match="row 0 of attention_mask .* 1 or True means: may attend"):
        attention(x, torch.zeros(T, T))


def test_pytorchs_bool_mask_of_the_other_meaning_is_refused_where_it_hides_a_whole_row(attention, x):
    with pytest.raises(ValueError, match=r"row 6 of attention_mask \(example 0\) allows no key at all: its softmax would be NaN"):
        attention(x, torch.ones(T, T, dtype=torch.bool).triu(1))


def test_a_row_that_allows_nothing_is_refused_by_number(attention, x):
    mask = torch.ones(B, 1, T, T)
    mask[2, 0, 5] = 0
    for call in (attention, attention.attention_weights):
        with pytest.raises(ValueError, match=r"row 5 of attention_mask \(example 2\) allows no key at all: its softmax would be NaN"):
            call(x, mask)


def test_under_vmap_a_row_that_allows_nothing_is_refused_too(attention, x):
    masks = torch.ones(B, 1, 1, T, T)
    masks[3, 0, 0, 5] = 0
    with pytest.raises(ValueError, match=r"row 5 of attention_mask \(example 3\)"):
        torch.vmap(lambda x, mask: attention(x.unsqueeze(0), mask))(x, masks)


# --- masks over a prefix and tokens --------------------------------------------------------------


def cache(lengths: list[int], P: int = 5) -> torch.Tensor:
    rows = torch.randn(len(lengths), P, C, generator=torch.Generator().manual_seed(0))
    return rows * (torch.arange(P) < torch.tensor(lengths).unsqueeze(1)).unsqueeze(-1)


def test_a_row_of_zeros_is_padding_and_a_row_with_one_zero_is_not():
    rows = cache([5, 2, 0])
    rows[0, 3, :-1] = 0
    assert is_cached(rows).tolist() == [[True] * 5, [True] * 2 + [False] * 3, [False] * 5]


def test_padded_rows_are_moved_to_the_front_and_the_others_keep_their_order():
    rows = cache([5, 3, 1])
    rows[0, 2] = 0
    moved = padding_first(rows)
    for before, after in zip(rows, moved):
        real = before[is_cached(before)]
        assert torch.equal(after[-len(real):], real) and (after[: -len(real)] == 0).all()


@pytest.mark.parametrize("lengths", [[5, 5, 5], [5, 2, 1]])
@pytest.mark.parametrize("given", [torch.bool, torch.float32, torch.int64])
def test_the_joint_mask_is_that_of_python_loops(lengths, given):
    P, tokens = 5, [4, 1, 3]
    is_token = torch.arange(4) < torch.tensor(tokens).unsqueeze(1)
    mask = joint_mask(cache(lengths), (causal(4) & is_token[:, None, None, :]).to(given))
    wanted = [[[[
        column < length if column < P else row >= P and column - P < n and column <= row
        for column in range(P + 4)] for row in range(P + 4)]] for length, n in zip(lengths, tokens)]
    assert mask.dtype == torch.bool and mask.tolist() == wanted


def test_one_mask_among_the_tokens_serves_all_examples():
    assert torch.equal(joint_mask(cache([5, 2, 1]), causal(4)), joint_mask(cache([5, 2, 1]), causal(4).expand(3, 1, 4, 4)))


def test_the_joint_mask_of_no_tokens_is_that_of_the_cache():
    mask = joint_mask(cache([5, 2, 1]), torch.ones(3, 1, 0, 0, dtype=torch.bool))
    assert mask.tolist() == [[[[column < length for column in range(5)]] * 5] for length in (5, 2, 1)]


def test_under_vmap_the_joint_mask_is_that_of_the_batch():
    model, rows = Decoder(CONFIG).double().eval(), cache([5, 2, 1]).double()
    idx = torch.tensor([[3, 1, 4], [2, -1, -1], [2, 7, -1]])
    one_by_one = torch.vmap(lambda idx, rows: model(idx[None], hidden_cache=rows[None])[0][0])(idx, rows)
    assert torch.allclose(one_by_one, model(idx, hidden_cache=rows)[0], rtol=0, atol=1e-12)


def test_packed_rows_are_read_as_their_sentences_alone():
    torch.manual_seed(0)
    attention = MultiHeadSelfAttention(TransformerConfig(vocab_size=5, block_size=8, n_embd=8, n_head=2, n_layer=1)).eval()
    x = torch.randn(1, 5, 8)
    sentence = torch.tensor([[3, 3, 0, 0, -1]])
    with torch.no_grad():
        packed = attention(x, packed_mask(sentence))
        alone = torch.cat((attention(x[:, :2]), attention(x[:, 2:4])), dim=1)
    assert torch.allclose(packed[:, :4], alone, atol=1e-6)


def test_a_prefix_is_open_to_every_row_and_the_rest_is_causal():
    mask = prefix_mask(torch.tensor([2, 0]), 4)
    assert mask[0, 0].tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]]
    assert torch.equal(mask[1, 0], torch.ones(4, 4).tril().bool())

import tracemalloc

import numpy as np
import pytest
import torch
from torch import nn

from ninelives.figures import attention_parts

WORDS = ["the", "cat", "it"]


def weights(*shape):
    return torch.softmax(torch.randn(*shape, generator=torch.Generator().manual_seed(0)), -1)


GIVEN = weights(6, 4, 3, 3)


def only(parts):
    [(name, part)] = parts.items()
    assert name == "attention"
    return part


def test_a_tensor_is_one_part_whose_layers_and_heads_are_counted_from_0():
    part = only(attention_parts(GIVEN, ["▁the", "▁cat", "it"]))
    assert np.array_equal(part.weights, GIVEN)
    assert (part.rows, part.columns, part.cross, part.names, part.note) == (WORDS, WORDS, False, {}, "")
    assert (part.layers, part.heads) == ([0, 1, 2, 3, 4, 5], [0, 1, 2, 3])
    assert part.allowed.shape == (6, 3, 3)
    assert part.allowed.all()


def test_a_choice_of_layers_and_heads_keeps_their_true_numbers():
    part = only(attention_parts(GIVEN, WORDS, layers=[5, 0], heads=[2], names={(5, 2): "previous token"}))
    assert np.array_equal(part.weights, GIVEN[[5, 0]][:, [2]])
    assert (part.layers, part.heads, part.names) == ([5, 0], [2], {(5, 2): "previous token"})


def test_words_that_can_be_read_only_once_are_words():
    assert only(attention_parts(GIVEN, (word for word in WORDS))).columns == WORDS
    with pytest.raises(ValueError, match="tokens is 3; pass a list with one word for each position."):
        attention_parts(GIVEN, 3)


def test_names_of_heads_that_are_not_shown_may_be_given_with_the_others():
    assert only(attention_parts(GIVEN, WORDS, layers=[0], names={(5, 3): "next", (0, 1): "itself"})).names[0, 1] == "itself"


def test_layers_chosen_before_get_the_numbers_that_they_have_in_the_model():
    part = only(attention_parts(GIVEN[[3, 11 - 6]], WORDS, layers=[3, 11]))
    assert np.array_equal(part.weights, GIVEN[[3, 5]])
    assert part.layers == [3, 11]


@pytest.mark.parametrize(("options", "sentence"), [
    ({"layers": [6]}, "layers names 6, but there are 6 layers, counted from 0 to 5."),
    ({"heads": [-1]}, "heads names -1, but there are 4 heads, counted from 0 to 3."),
    ({"heads": []}, "heads is empty; name at least one of the 4 heads, counted from 0 to 3."),
    ({"layers": [1, 1]}, "layers names 1 more than once; name each once."),
    ({"heads": 2}, "heads is 2; pass a list of whole numbers, such as heads=[2]."),
    ({"layers": [0.5]}, "layers is [0.5]; pass a list of whole numbers, such as layers=[2]."),
    ({"names": {(9, 0): "next"}}, "names has the key (9, 0), but there are 6 layers, counted from 0 to 5."),
    ({"names": {(1, 4): "next"}, "layers": [0]}, "names has the key (1, 4), but there are 4 heads, counted from 0 to 3."),
    ({"heads": [3, 5, 7, 11], "names": {(0, 1): "next"}}, "names has the key (0, 1), but there are 4 heads, with the numbers 3, 5, 7, 11."),
    ({"names": {2: "previous token"}}, "names has the key 2; a head is (layer, head), or (part, layer, head) of attention."),
    ({"names": {("cross", 1, 2): "next"}}, "names has the key ('cross', 1, 2); a head is (layer, head), or (part, layer, head) of attention."),
    *(({"mask": mask},
       "mask forbids every key: in `mask`, True (or 1) is where a key may be attended to; of one that is added to the scores, 0 and "
       "negative numbers, pass mask == 0, and of a key_padding_mask pass ~mask.")
      for mask in (nn.Transformer.generate_square_subsequent_mask(3), np.zeros((3, 3)), -1e9 * np.triu(np.ones((3, 3)), 1), [False] * 3)),
    ({"mask": [1, 1]}, "mask has 2 numbers for 3 columns of attention; pass one for each."),
    ({"mask": np.ones((2, 2))}, "mask has shape (2, 2); pass (S,), (T, S) or what broadcasts to (L, H, T, S) = (6, 4, 3, 3)."),
])
def test_what_does_not_exist_or_does_not_fit_is_refused_in_one_sentence(options, sentence):
    with pytest.raises(ValueError) as error:
        attention_parts(GIVEN, WORDS, **options)
    assert str(error.value) == sentence


def test_words_are_asked_for():
    with pytest.raises(ValueError, match="tokens is None; pass the words that attend"):
        attention_parts(GIVEN)


def masked(mask):
    """GIVEN over the cells that the mask leaves open; NaN where it leaves none, as a softmax gives."""
    return torch.log(GIVEN).masked_fill(~mask.bool(), -torch.inf).softmax(-1)


def test_a_mask_of_the_words_grays_padded_rows_and_columns_and_one_of_other_words_only_columns():
    mask = torch.tensor([1, 1, 0])
    part = only(attention_parts(masked(mask), WORDS, mask=mask))
    assert part.allowed.all(0).tolist() == part.allowed.any(0).tolist() == [[True, True, False]] * 2 + [[False] * 3]
    assert (part.weights[:, :, 2] == 0).all()
    assert only(attention_parts(masked(mask), WORDS, WORDS, mask=mask)).allowed[0].tolist() == [[True, True, False]] * 3


def test_a_causal_mask_is_recognised_among_the_words_that_are_not_padding():
    mask, causal = torch.tensor([0, 1, 1, 1]), torch.ones(4, 4).tril()
    scores = torch.randn(1, 4, 4, generator=torch.Generator().manual_seed(0)).masked_fill(~(mask * causal).bool(), -torch.inf)
    part = only(attention_parts(scores.softmax(-1), ["<pad>", *WORDS], mask=mask))
    assert part.allowed[0].tolist() == [[False] * 4, *([[False] + [j <= i for j in range(3)] for i in range(3)])]


def test_a_row_that_the_mask_closes_may_hold_nan():
    mask = torch.ones(3, 3).tril(-1)
    part = only(attention_parts(masked(mask), WORDS, mask=mask))
    assert part.allowed[3].tolist() == mask.bool().tolist()
    assert (part.weights[:, :, 0] == 0).all()


def test_a_mask_is_recognised_by_its_zeros_unless_that_is_refused():
    causal = torch.ones(3, 3).tril()
    assert only(attention_parts(masked(causal), WORDS)).allowed[3].tolist() == causal.bool().tolist()
    assert only(attention_parts(masked(causal), WORDS, mask=False)).allowed.all()


def test_a_mask_that_forbids_what_is_attended_to_is_refused():
    closed = torch.tensor([0, 0, 1])  # True where a key is padding, as nn.MultiheadAttention has it
    with pytest.raises(ValueError, match="to a key that the mask forbids: in `mask`, True .or 1. is where a key may be attended to"):
        attention_parts(masked(1 - closed), WORDS, mask=closed)


def test_of_several_parts_a_name_says_in_which_its_head_is():
    given = {"before": GIVEN, "after": GIVEN}
    parts = attention_parts(given, WORDS, names={("after", 1, 2): "previous token"})
    assert [part.names for part in parts.values()] == [{}, {(1, 2): "previous token"}]
    with pytest.raises(ValueError, match=r"names has the key \(1, 2\), but there are several parts; write \('before', 1, 2\) or another part"):
        attention_parts(given, WORDS, names={(1, 2): "previous token"})


def test_the_weights_of_all_heads_are_copied_once():
    weights = np.full((8, 8, 64, 64), 1 / 64, np.float32)
    tracemalloc.start()
    try:
        attention_parts(weights, [f"w{k}" for k in range(64)])
        assert tracemalloc.get_traced_memory()[1] < 2.5 * weights.nbytes
    finally:
        tracemalloc.stop()


def test_the_mask_of_a_batch_has_a_row_for_each_example():
    batch = [weights(2, 4, 3, 2)]  # one layer; nothing attends to the last word
    batch = [torch.cat((layer, torch.zeros(2, 4, 3, 1)), -1) for layer in batch]
    part = attention_parts(batch, WORDS, batch=1, mask=torch.tensor([[1, 1, 1], [1, 1, 0]]))["attention"]
    assert part.allowed[0].tolist() == [[True, True, False], [True, True, False], [False, False, False]]


def test_a_head_that_is_nan_in_every_row_points_to_the_model():
    broken = GIVEN.clone()
    broken[2, 1] = float("nan")
    with pytest.raises(ValueError, match="Layer 2, head 1, .* holds NaN, and so does every row of this head: look for NaN in the model's parameters and inputs"):
        attention_parts(broken, WORDS)

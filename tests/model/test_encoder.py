import pytest
import torch

from ninelives.config import TransformerConfig
from ninelives.model import Encoder

CONFIG = TransformerConfig(vocab_size=13, block_size=24, n_embd=12, n_head=3, n_layer=2, dropout=0.0)
PAD = -1


def encoder(seed: int = 0) -> Encoder:
    """An encoder with weights that matter."""
    torch.manual_seed(seed)
    model = Encoder(CONFIG).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.6)
    return model


def padded(lengths: list[int], T: int, seed: int = 0) -> torch.Tensor:
    """(B, T) int64: ids from 1 up, so that the row that padding looks up is no word's."""
    idx = torch.randint(1, CONFIG.vocab_size, (len(lengths), T), generator=torch.Generator().manual_seed(seed))
    for row, length in enumerate(lengths):
        idx[row, length:] = PAD
    return idx


@pytest.mark.parametrize("lengths", [[1], [4, 7, 2], [3, 3, 3], [5, 1, 2, 6, 4]])
@pytest.mark.parametrize("more", [None, 0, 3])
def test_the_mask_is_that_of_python_loops(lengths, more):
    T = max(lengths) + (more or 0)
    mask = encoder().get_attention_mask(torch.tensor(lengths), None if more is None else T)
    wanted = [[[[column < n for column in range(T)] for row in range(T)]] for n in lengths]
    assert mask.dtype == torch.bool
    assert mask.tolist() == wanted


@pytest.mark.parametrize(
    ("lengths", "T", "says"),
    [
        ([3, 0], 4, r"num_tokens is \[3, 0\], but every length must be from 1 to T = 4"),
        ([3, -2], 4, r"num_tokens is \[3, -2\]"),
        ([3, 5], 4, r"num_tokens is \[3, 5\], but every length must be from 1 to T = 4"),
        ([0, 2], None, r"num_tokens is \[0, 2\], but every length must be from 1 to T = 2"),
    ],
)
def test_a_length_that_cannot_be_is_refused_with_one_sentence(lengths, T, says):
    with pytest.raises(ValueError, match=says):
        encoder().get_attention_mask(torch.tensor(lengths), T)


def test_a_sequence_of_padding_alone_is_refused_with_one_sentence():
    with pytest.raises(ValueError, match=r"sequence 1 of idx is all padding \(-1\)"):
        encoder()(torch.tensor([[1, 2, PAD], [PAD, PAD, PAD]]))


@pytest.mark.parametrize("seed", range(5))
def test_how_much_padding_there_is_changes_no_real_output(seed):
    model, lengths = encoder(seed).double(), [4, 7, 2]
    idx = padded(lengths, 7, seed)
    more = torch.nn.functional.pad(idx, (0, 9), value=PAD)
    with torch.no_grad():
        hidden, with_more = model(idx, return_hidden=True), model(more, return_hidden=True)
        for row, n in enumerate(lengths):
            alone = model(idx[row : row + 1, :n], return_hidden=True)[0]
            assert (hidden[row, :n] - alone).abs().max() < 1e-6
            assert (with_more[row, :n] - alone).abs().max() < 1e-6


@pytest.mark.parametrize("seed", range(5))
def test_the_row_that_padding_looks_up_changes_no_real_output(seed):
    model, idx = encoder(seed).double(), padded([4, 7, 2], 7, seed)
    with torch.no_grad():
        before = model(idx)[0][idx != PAD]
        model.layers["embedding"].token.weight[0].normal_(std=5.0)  # the row that padding looks up
        after = model(idx)[0][idx != PAD]
    assert (before - after).abs().max() < 1e-6


def test_in_float32_padding_changes_no_real_output_by_more_than_rounding():
    torch.manual_seed(0)
    model, lengths = Encoder(CONFIG).eval(), [4, 7, 2]
    idx = padded(lengths, 24)
    with torch.no_grad():
        logits = model(idx)[0]
        for row, n in enumerate(lengths):
            assert (logits[row, :n] - model(idx[row : row + 1, :n])[0][0]).abs().max() < 1e-6


def test_no_output_of_a_padded_batch_is_nan_even_in_padding():
    with torch.no_grad():
        assert encoder()(padded([1, 7, 2], 9))[0].isfinite().all()


def test_every_word_attends_to_every_word_of_its_sentence():
    model, idx = encoder().double(), padded([5], 7)
    with torch.no_grad():
        before = model(idx)[0]
        for position in range(5):
            changed = idx.clone()
            changed[0, position] = idx[0, position] % (CONFIG.vocab_size - 1) + 1
            assert ((model(changed)[0] - before)[0, :5].abs().amax(-1) > 1e-9).all()

import pytest
import torch

from ninelives.config import TransformerConfig
from ninelives.model import Decoder

CONFIG = TransformerConfig(vocab_size=13, block_size=24, n_embd=12, n_head=3, n_layer=2, dropout=0.0)
PAD = -1


def decoder(seed: int = 0) -> Decoder:
    """A decoder with weights that matter."""
    torch.manual_seed(seed)
    model = Decoder(CONFIG).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.6)
    return model


def dependence(model: Decoder, idx: torch.Tensor, hidden_cache: torch.Tensor | None = None) -> torch.Tensor:
    """(T, T): the size of d out[i] / d in[j] of the first sequence, among the tokens of idx."""
    inputs = []
    hook = model.layers["embedding"].register_forward_hook(lambda layer, arguments, x: inputs.append(x))
    logits = model(idx, hidden_cache=hidden_cache)[0][0, -idx.shape[1] :]  # (T, V)
    hook.remove()
    return torch.stack([
        torch.autograd.grad(row @ torch.randn_like(row), inputs[0], retain_graph=True)[0][0].norm(dim=-1)
        for row in logits
    ])


@pytest.mark.parametrize("lengths", [[1], [4, 7, 2], [3, 3, 3], [5, 1, 2, 6, 4]])
@pytest.mark.parametrize("more", [None, 0, 3])
def test_the_mask_is_that_of_python_loops(lengths, more):
    T = max(lengths) + (more or 0)
    mask = decoder().get_attention_mask(torch.tensor(lengths), None if more is None else T)
    wanted = [[[[column < n and column <= row for column in range(T)] for row in range(T)]] for n in lengths]
    assert mask.dtype == torch.bool
    assert mask.tolist() == wanted


@pytest.mark.parametrize(
    ("lengths", "T", "says"),
    [
        ([3, 0], 4, r"num_tokens is \[3, 0\], but every length must be from 1 to T = 4"),
        ([3, -2], 4, r"num_tokens is \[3, -2\]"),
        ([3, 5], 4, r"num_tokens is \[3, 5\], but every length must be from 1 to T = 4"),
    ],
)
def test_a_length_that_cannot_be_is_refused_with_one_sentence(lengths, T, says):
    with pytest.raises(ValueError, match=says):
        decoder().get_attention_mask(torch.tensor(lengths), T)


def test_a_sequence_of_padding_alone_is_refused_with_one_sentence():
    with pytest.raises(ValueError, match=r"sequence 1 of idx is all padding \(-1\)"):
        decoder()(torch.tensor([[1, 2, PAD], [PAD, PAD, PAD]]))


@pytest.mark.parametrize("seed", range(5))
def test_the_gradient_from_an_output_to_a_later_input_is_exactly_zero(seed):
    idx = torch.randint(CONFIG.vocab_size, (1, 9), generator=torch.Generator().manual_seed(seed))
    size = dependence(decoder(seed), idx)
    assert (size.triu(1) == 0).all()
    assert (size[torch.ones(9, 9).tril() == 1] > 0).all()


def test_the_gradient_to_a_later_input_is_zero_after_a_prefix_too():
    idx = torch.tensor([[3, 1, 4, 1, 5]])
    size = dependence(decoder(), idx, hidden_cache=torch.randn(1, 4, CONFIG.n_embd))
    assert (size.triu(1) == 0).all()
    assert (size.diagonal() > 0).all()


def test_a_later_word_changes_no_earlier_output_at_all():
    model, idx = decoder(), torch.tensor([[3, 1, 4, 1, 5, 9, 2]])
    with torch.no_grad():
        before = model(idx)[0]
        for position in range(1, 7):
            changed = idx.clone()
            changed[0, position] = 7
            moved = (model(changed)[0] - before)[0].abs().amax(-1)
            assert (moved[:position] == 0).all()
            assert (moved[position:] > 0).all()


@pytest.mark.parametrize("seed", range(3))
def test_a_beginning_gives_the_same_outputs_alone_and_in_the_whole(seed):
    model = decoder(seed).double()
    idx = torch.randint(CONFIG.vocab_size, (2, 8), generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        whole = model(idx)[0]
        for T in range(1, 8):
            assert (model(idx[:, :T])[0] - whole[:, :T]).abs().max() < 1e-9


@pytest.mark.parametrize("seed", range(3))
def test_padding_changes_no_real_output(seed):
    model, lengths = decoder(seed).double(), [4, 7, 2]
    idx = torch.randint(1, CONFIG.vocab_size, (3, 12), generator=torch.Generator().manual_seed(seed))
    for row, n in enumerate(lengths):
        idx[row, n:] = PAD
    with torch.no_grad():
        logits = model(idx)[0]
        model.layers["embedding"].token.weight[0].normal_(std=5.0)  # the row that padding looks up
        again = model(idx)[0]
        for row, n in enumerate(lengths):
            alone = model(idx[row : row + 1, :n])[0][0]
            assert (logits[row, :n] - alone).abs().max() < 1e-6
            assert (again[row, :n] - alone).abs().max() < 1e-6

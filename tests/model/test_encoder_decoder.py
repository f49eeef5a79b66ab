import copy
import pickle
from dataclasses import astuple, replace

import pytest
import torch
from torch.nn import functional as F

from ninelives.config import TransformerConfig
from ninelives.model import EncoderDecoder

ENCODER = TransformerConfig(vocab_size=13, block_size=16, n_embd=12, n_head=3, n_layer=2, dropout=0.0)
DECODER = TransformerConfig(vocab_size=17, block_size=10, n_embd=12, n_head=2, n_layer=3, dropout=0.0)
LENGTHS = [4, 7, 2]
PAD = -1


def model(seed: int = 0) -> EncoderDecoder:
    """An encoder-decoder with weights that matter, in float64, so that a difference is not rounding."""
    torch.manual_seed(seed)
    made = EncoderDecoder(ENCODER, DECODER).double().eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_(std=0.6)
    return made


def padded(lengths: list[int], T: int, vocab_size: int, seed: int = 0) -> torch.Tensor:
    idx = torch.randint(1, vocab_size, (len(lengths), T), generator=torch.Generator().manual_seed(seed))
    for row, length in enumerate(lengths):
        idx[row, length:] = PAD
    return idx


def one_word_at_a_time(made: EncoderDecoder, prefix: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """(T + 1, V): what one answer's words are predicted from, fed word by word, without padding or batch."""
    hidden_cache = made.encoder(prefix.unsqueeze(0), return_hidden=True)
    return torch.stack([
        made.decoder(target[:t].unsqueeze(0), hidden_cache=hidden_cache)[0][0, -1] for t in range(len(target) + 1)
    ])


@pytest.mark.parametrize("seed", range(3))
def test_the_logits_are_those_of_each_example_fed_alone_word_by_word(seed):
    made, P, T = model(seed), 7, 5
    prefix, targets = padded(LENGTHS, P, 13, seed), padded([5, 3, 4], T, 17, seed)
    with torch.no_grad():
        logits, _ = made(prefix, targets)
        assert logits.shape == (3, P + T, 17)
        for b, (n, m) in enumerate(zip(LENGTHS, [5, 3, 4])):
            alone = one_word_at_a_time(made, prefix[b, :n], targets[b, :m])
            assert (logits[b, P - 1 : P + m] - alone).abs().max() < 1e-6


def test_the_loss_is_aligned_with_the_first_target_and_ignores_padding():
    made = model()
    prefix, targets = padded(LENGTHS, 7, 13), padded([5, 3, 4], 5, 17)
    with torch.no_grad():
        _, loss = made(prefix, targets)
        costs = []
        for b, (n, m) in enumerate(zip(LENGTHS, [5, 3, 4])):
            alone = one_word_at_a_time(made, prefix[b, :n], targets[b, :m])
            costs += [-row.log_softmax(-1)[word] for row, word in zip(alone, targets[b, :m])]
    assert loss == pytest.approx(float(sum(costs)) / 12)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("more", [1, 3, 9])
def test_padding_a_prefix_changes_no_logit(seed, more):
    made = model(seed)
    prefix, targets = padded(LENGTHS, 7, 13, seed), padded([5, 3, 4], 5, 17, seed)
    wider = F.pad(prefix, (0, more), value=PAD)
    with torch.no_grad():
        logits, loss = made(prefix, targets)
        again, loss_again = made(wider, targets)
    assert (again[:, more + 6 :] - logits[:, 6:]).abs().max() <= 1e-6
    assert loss_again == pytest.approx(float(loss), abs=1e-9)


def test_what_padding_looks_up_changes_no_logit():
    made = model()
    prefix, targets = padded(LENGTHS, 7, 13), padded([5, 3, 4], 5, 17)
    with torch.no_grad():
        logits = made(prefix, targets)[0][targets_rows(targets, 7)]
        for part in (made.encoder, made.decoder):  # id 0 is no word here: only padding looks it up
            part.layers["embedding"].token.weight[0].normal_(std=5.0)
        assert (made(prefix, targets)[0][targets_rows(targets, 7)] - logits).abs().max() <= 1e-6


def targets_rows(targets: torch.Tensor, P: int) -> torch.Tensor:
    """(B, P + T) bool: the rows that predict something from real words."""
    B = len(targets)
    is_last_of_cache = torch.arange(P) == P - 1
    return torch.cat([is_last_of_cache.expand(B, P), targets != PAD], dim=1)


def test_gradient_reaches_every_parameter_of_the_encoder_but_its_unused_head():
    made = model().train()
    _, loss = made(padded(LENGTHS, 7, 13), padded([5, 3, 4], 5, 17))
    loss.backward()
    without = [name for name, p in made.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    # The encoder's scores are never asked for, and a softmax ignores what a key's bias adds to all its scores.
    assert [name for name in without if not name.endswith("key.bias")] == ["encoder.lm_head.weight"]
    for name, p in made.named_parameters():
        assert p.grad is None or p.grad.isfinite().all(), name


def test_the_callers_configurations_are_left_alone_and_not_shared():
    encoder_config, decoder_config = replace(ENCODER), replace(DECODER)
    made = EncoderDecoder(encoder_config, decoder_config)
    assert astuple(encoder_config) == astuple(ENCODER) and astuple(decoder_config) == astuple(DECODER)
    assert (made.encoder.config.n_layer, made.decoder.config.n_layer) == (2, 3)


@pytest.mark.parametrize("road", [copy.deepcopy, lambda made: pickle.loads(pickle.dumps(made))], ids=["deepcopy", "pickle"])
def test_a_copy_gives_the_same_and_shares_nothing(road):
    made, prefix, targets = model(), padded(LENGTHS, 7, 13), padded([5, 3, 4], 5, 17)
    with torch.no_grad():
        before = made(prefix, targets)[0]
        other = road(made)
        assert torch.equal(other(prefix, targets)[0], before)
        for parameter in made.parameters():
            parameter.zero_()
        assert torch.equal(other(prefix, targets)[0], before)


def test_a_state_dict_makes_another_model_the_same():
    made, other = model(0), model(1)
    prefix, targets = padded(LENGTHS, 7, 13), padded([5, 3, 4], 5, 17)
    with torch.no_grad():
        assert not torch.allclose(other(prefix, targets)[0], made(prefix, targets)[0])
        other.load_state_dict(made.state_dict())
        assert torch.equal(other(prefix, targets)[0], made(prefix, targets)[0])


def test_two_widths_raise_one_sentence():
    with pytest.raises(ValueError, match="the encoder's n_embd is 12 and the decoder's 16"):
        EncoderDecoder(ENCODER, TransformerConfig(17, 10, n_embd=16))


def test_an_answer_that_has_not_begun_has_one_row_that_predicts_it():
    made, prefix = model(), padded(LENGTHS, 7, 13)
    logits, _ = made(prefix, torch.empty(3, 0, dtype=torch.int64))
    for b, n in enumerate(LENGTHS):
        alone = made.decoder(torch.empty(1, 0, dtype=torch.int64), hidden_cache=made.encoder(prefix[b : b + 1, :n], return_hidden=True))[0]
        assert torch.allclose(logits[b, -1], alone[0, -1])

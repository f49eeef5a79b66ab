import pytest
import torch
from torch import nn

from ninelives.config import TransformerConfig
from ninelives.model import Decoder, Encoder, EncoderDecoder, Transformer, answer_attentions
from ninelives.model.inspection import attentions, future_leak, in_eval_mode, input_gradients

CONFIG = TransformerConfig(vocab_size=13, block_size=24, n_embd=12, n_head=3, n_layer=2, dropout=0.0)
ANSWERING = TransformerConfig(vocab_size=17, block_size=10, n_embd=12, n_head=2, n_layer=3, dropout=0.0)
PAD = -1


def made(kind: type = Transformer, *configs: TransformerConfig, seed: int = 0) -> nn.Module:
    """In evaluation, float64, with weights that matter."""
    torch.manual_seed(seed)
    model = kind(*configs or [CONFIG]).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.6)
    return model


def ids(B: int, T: int, vocab_size: int = 13) -> torch.Tensor:
    return torch.randint(1, vocab_size, (B, T), generator=torch.Generator().manual_seed(0))


def padded(lengths: list[int], T: int) -> torch.Tensor:
    """(B, T) int64: ids, and padding after each sequence's tokens."""
    return torch.where(torch.arange(T) < torch.tensor(lengths).unsqueeze(1), ids(len(lengths), T), PAD)


def pytorch_attentions(model: Transformer, idx: torch.Tensor) -> list[torch.Tensor]:
    """What nn.MultiheadAttention says of each layer: (B, H, T, T) each."""
    found = []
    for block in model.layers["blocks"]:
        theirs = nn.MultiheadAttention(CONFIG.n_embd, CONFIG.n_head, batch_first=True, dtype=torch.float64)
        parts = block.attention.query, block.attention.key, block.attention.value
        theirs.load_state_dict({
            "in_proj_weight": torch.cat([part.weight for part in parts]),
            "in_proj_bias": torch.cat([part.bias for part in parts]),
            "out_proj.weight": block.attention.proj.weight, "out_proj.bias": block.attention.proj.bias,
        })
        came_in = []
        hook = block.norm_1.register_forward_hook(lambda layer, arguments, normed, came_in=came_in: came_in.append(normed))
        model(idx)
        hook.remove()
        found.append(theirs(*came_in * 3, key_padding_mask=idx == PAD, average_attn_weights=False)[1])
    return found


def test_the_attentions_are_those_of_pytorchs_own_layer():
    model, idx = made(Encoder), padded([5, 7, 2], 7)
    with torch.no_grad():
        pairs = zip(model.attentions(idx), pytorch_attentions(model, idx), strict=True)
        assert all((ours - theirs).abs().max() < 1e-12 for ours, theirs in pairs)


def test_attentions_after_a_cache_are_over_cache_and_tokens_and_each_row_adds_up_to_one():
    prefix, idx = padded([4, 2, 3], 4), ids(3, 5)
    cache = made(Encoder)(prefix, return_hidden=True)
    found = made(Decoder, seed=1).attentions(idx, cache)
    assert [tuple(layer.shape) for layer in found] == [(3, CONFIG.n_head, 9, 9)] * CONFIG.n_layer
    for layer in found:
        assert not layer.requires_grad
        assert (layer.sum(-1) - 1).abs().max() < 1e-12
        assert (layer[:, :, 4:, 4:].triu(1) == 0).all()
        assert (layer[1, :, 2:, :2] == 0).all(), "the two padded rows of the cache come first"


def test_attentions_change_neither_the_mode_nor_what_the_model_says():
    config = TransformerConfig(vocab_size=13, block_size=24, n_embd=12, n_head=3, n_layer=2, dropout=0.5)
    model, idx = made(Encoder, config).train(), ids(2, 6)
    first, second = model.attentions(idx), model.attentions(idx)
    assert model.training and torch.equal(first[1], second[1])
    assert not any(module._forward_hooks for module in model.modules())


def test_attentions_of_a_learners_model_are_the_weights_that_its_layers_keep():
    model, idx = made(Encoder), ids(2, 6)
    wanted = model.attentions(idx)
    for block, weights in zip(model.layers["blocks"], wanted):
        block.attention.weights = weights + 1
    for kept, weights in zip(attentions(model, idx), wanted):
        assert torch.equal(kept, weights + 1)


def test_the_attentions_of_an_answer_are_those_of_the_row_that_predicts_each_word():
    model, prefix, targets = made(EncoderDecoder, CONFIG, ANSWERING).train(), ids(1, 7), ids(1, 5, 17)
    model.encoder.eval()
    layers = answer_attentions(model, prefix, targets)
    assert [tuple(weights.shape) for weights in layers] == [(1, 2, 6, 12)] * 3
    assert model.training and not model.encoder.training
    assert not model.decoder.layers["blocks"][0].attention._forward_hooks
    for weights in layers:
        assert torch.allclose(weights.sum(-1), torch.ones_like(weights[..., 0]))
        # The row that writes word t has read the prefix and the t words before it.
        for t in range(6):
            assert (weights[0, :, t, : 7 + t] > 0).all() and (weights[0, :, t, 7 + t :] == 0).all()


def test_the_attentions_of_an_answer_reproduce_the_output_of_the_layer():
    model, prefix, targets = made(EncoderDecoder, CONFIG, ANSWERING), ids(1, 7), ids(1, 5, 17)
    attention, seen = model.decoder.layers["blocks"][1].attention, []
    hook = attention.register_forward_hook(lambda layer, given, output: seen.append((given[0], output)))
    weights = answer_attentions(model, prefix, targets)[1]  # (1, H, 6, 12)
    hook.remove()
    x, output = seen[0]
    v = attention.value(x).view(1, 12, 2, 6).transpose(1, 2)  # (1, H, 12, head_size)
    assert torch.allclose(attention.proj((weights @ v).transpose(1, 2).reshape(1, 6, 12)), output[:, 6:])


def test_a_learners_attention_that_keeps_its_weights_is_read_too():
    model, prefix, targets = made(EncoderDecoder, CONFIG, ANSWERING), ids(1, 7), ids(1, 5, 17)
    wanted = answer_attentions(model, prefix, targets)

    class Theirs(torch.nn.Module):
        def __init__(self, ours):
            super().__init__()
            self.ours = ours

        def forward(self, x, attention_mask=None):
            self.weights = self.ours.attention_weights(x, attention_mask)
            return self.ours(x, attention_mask)

    for block in model.decoder.layers["blocks"]:
        block.attention = Theirs(block.attention)
    for ours, theirs in zip(wanted, answer_attentions(model, prefix, targets), strict=True):
        assert torch.equal(ours, theirs)


def test_eval_mode_ends_with_each_module_in_the_mode_it_was_in_even_after_an_error():
    model = made(Encoder).train()
    model.layers["blocks"][0].eval()
    with pytest.raises(KeyError), in_eval_mode(model):
        assert not any(module.training for module in model.modules())
        raise KeyError
    assert model.training and not model.layers["blocks"][0].training and model.layers["blocks"][1].training


def test_gradients_show_what_each_output_depends_on():
    idx = ids(1, 6)
    assert (input_gradients(made(Encoder), idx) > 0).all()
    assert torch.equal(input_gradients(made(Decoder), idx) > 0, torch.ones(6, 6).tril().bool())


def test_a_leak_is_what_an_output_has_of_later_words():
    idx = ids(1, 6)
    assert torch.equal(future_leak(made(Encoder), idx), torch.ones(6, 6).triu(1).bool())
    assert not future_leak(made(Decoder), idx).any()

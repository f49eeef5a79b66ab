"""The Transformer of today, against the one of the notebooks and formulas written another way."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from ninelives.config import TransformerConfig
from ninelives.model import Decoder, generate, stream
from ninelives.model.attention import MultiHeadSelfAttention
from ninelives.model.generation import new_caches
from ninelives.model.inspection import attentions, future_leak
from ninelives.model.today import (
    GroupedQueryAttention,
    RMSNorm,
    SwiGLU,
    TodayConfig,
    TodayDecoder,
    TodayEncoder,
    TodayEncoderDecoder,
    rotate,
)

CONFIG = TodayConfig(vocab_size=13, block_size=24, n_embd=24, n_head=6, n_layer=2, dropout=0.0, n_kv_head=2)
FORM_OF_2017 = replace(CONFIG, n_kv_head=None, rms_norm=False, rotary=False, swiglu=False, tied=False, bias=True)
ONE_CHANGE = {
    "RMSNorm": {"rms_norm": True}, "rotary": {"rotary": True}, "SwiGLU": {"swiglu": True}, "grouped": {"n_kv_head": 2},
    "tied": {"tied": True}, "no biases": {"bias": False},
}
PROMPT = torch.tensor([[3, 1, 4, 1], [5, 9, 2, 6]])


def made(kind=TodayDecoder, *configs: TodayConfig) -> nn.Module:
    """A model with weights that matter, in float64, so that a difference is not rounding."""
    torch.manual_seed(0)
    model = kind(*(configs or (CONFIG,))).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.4)
    return model


def test_without_the_changes_it_is_the_decoder_of_the_notebooks_with_the_same_first_weights():
    torch.manual_seed(3)
    today = TodayDecoder(FORM_OF_2017)
    torch.manual_seed(3)
    decoder = Decoder(TransformerConfig(13, 24, 24, 6, 2, 0.0))
    torch.testing.assert_close(today.state_dict(), decoder.state_dict(), rtol=0, atol=0)
    torch.testing.assert_close(today(PROMPT, PROMPT), decoder(PROMPT, PROMPT), rtol=0, atol=0)


def test_rotation_is_a_product_of_complex_numbers():
    x, positions = torch.randn(2, 3, 5, 8, dtype=torch.float64), torch.tensor([0, 1, 2, 7, 300])
    turned = rotate(x, positions, base=500.0)
    for position, row, seen in zip(positions.tolist(), x.unbind(2), turned.unbind(2), strict=True):
        angles = position * torch.tensor([500.0 ** (-2 * i / 8) for i in range(4)], dtype=torch.float64)
        wanted = torch.complex(row[..., :4], row[..., 4:]) * torch.polar(torch.ones(4, dtype=torch.float64), angles)
        torch.testing.assert_close(torch.complex(seen[..., :4], seen[..., 4:]), wanted, atol=1e-4, rtol=0)


def test_after_rotation_a_score_depends_on_the_distance_alone():
    q, k = torch.randn(2, 1, 16)
    scores = [(rotate(q, torch.tensor([p + 3])) * rotate(k, torch.tensor([p]))).sum() for p in (0, 5, 900)]
    torch.testing.assert_close(torch.stack(scores[1:]), scores[0].expand(2), atol=1e-3, rtol=0)
    assert (rotate(q, torch.tensor([4])) * rotate(k, torch.tensor([0]))).sum() != pytest.approx(scores[0].item(), abs=1e-3)


def test_a_rotation_keeps_the_dtype():
    assert rotate(torch.ones(3, 4, dtype=torch.bfloat16), torch.arange(3)).dtype == torch.bfloat16


def test_rms_norm_is_pytorchs():
    norm, x = RMSNorm(6, eps=1e-3).double(), torch.randn(2, 5, 6, dtype=torch.float64)
    with torch.no_grad():
        norm.weight.normal_()
    torch.testing.assert_close(norm(x), nn.functional.rms_norm(x, (6,), norm.weight, 1e-3))


def test_swiglu_is_its_formula_in_loops():
    mlp, x = SwiGLU(3, 5).double(), torch.randn(3, dtype=torch.float64)
    gate, up, down = (layer.weight.tolist() for layer in (mlp.gate, mlp.up, mlp.down))
    biases = [layer.bias.tolist() for layer in (mlp.gate, mlp.up, mlp.down)]

    def linear(rows, shifts, vector):
        return [sum(w * v for w, v in zip(row, vector, strict=True)) + shift for row, shift in zip(rows, shifts, strict=True)]

    opened, passed = linear(gate, biases[0], x.tolist()), linear(up, biases[1], x.tolist())
    hidden = [g / (1 + torch.tensor(-g).exp().item()) * u for g, u in zip(opened, passed, strict=True)]
    assert mlp(x).tolist() == pytest.approx(linear(down, biases[2], hidden), rel=1e-6)


def test_grouped_queries_are_full_heads_whose_keys_and_values_repeat():
    grouped = made(GroupedQueryAttention, replace(CONFIG, rotary=False))
    full = MultiHeadSelfAttention(CONFIG).double().eval()
    state = grouped.state_dict()
    for name in ("key", "value"):
        for part in ("weight", "bias"):
            heads = state[f"{name}.{part}"].unflatten(0, (2, 4))  # (n_kv_head, head_size, …)
            state[f"{name}.{part}"] = torch.cat([heads[0]] * 3 + [heads[1]] * 3)
    full.load_state_dict(state)
    x, mask = torch.randn(2, 5, 24, dtype=torch.float64), torch.ones(2, 1, 5, 5).tril()
    torch.testing.assert_close(grouped(x, mask), full(x, mask))
    torch.testing.assert_close(grouped.attention_weights(x, mask), full.attention_weights(x, mask))


@pytest.mark.parametrize("changed", [*ONE_CHANGE.values(), {}], ids=[*ONE_CHANGE, "the form of 2017"])
def test_each_change_alone_generates_with_kept_keys_and_values_what_it_generates_without(changed):
    model = made(TodayDecoder, replace(FORM_OF_2017, **changed))
    assert model(PROMPT, PROMPT)[1].isfinite() and not future_leak(model, PROMPT[:1]).any()
    kept = generate(model, PROMPT, 12, generator=torch.Generator().manual_seed(0))
    model.layers["blocks"][0].register_forward_hook(lambda *_: None)  # then nothing is kept
    assert new_caches(model) is None
    assert kept.equal(generate(model, PROMPT, 12, generator=torch.Generator().manual_seed(0)))


@pytest.mark.parametrize("changed", [{}, {"n_kv_head": 3, "rotary": False}, {"n_kv_head": 1, "swiglu": False}])
def test_all_together_scores_are_the_same_with_kept_keys_and_values(changed):
    model = made(TodayDecoder, replace(CONFIG, **changed))
    hidden_cache = torch.randn(2, 3, 24, dtype=torch.float64)
    hidden_cache[1, 1:] = 0  # padding
    caches = new_caches(model, hidden_cache)
    first = model.hidden_states(PROMPT[:, :2], hidden_cache, caches)
    then = [model.hidden_states(PROMPT[:, :t], hidden_cache, caches) for t in (3, 4)]
    torch.testing.assert_close(torch.cat([first, *then], dim=1), model.hidden_states(PROMPT, hidden_cache))
    assert caches[0].both.shape == (2, 2, changed.get("n_kv_head", 2), 27, 4)  # unrepeated


def test_beyond_block_size_the_last_tokens_are_read():
    model = made()
    assert len(list(stream(model, PROMPT, 24))) == 24


def test_padding_of_a_prefix_has_no_effect_in_an_encoder_decoder():
    model = made(TodayEncoderDecoder, CONFIG, CONFIG)
    prefix, targets = torch.tensor([[3, 1, 4, 1, 5]]), torch.tensor([[9, 2, 6]])
    padded = torch.cat([prefix, torch.full((1, 4), -1)], dim=1)
    logits, loss = model(prefix, targets)
    more, same = model(padded, targets)
    torch.testing.assert_close(more[:, 8:], logits[:, 4:])
    torch.testing.assert_close(same, loss)


def test_an_encoder_attends_to_both_sides_and_its_weights_can_be_seen():
    model = made(TodayEncoder)
    assert future_leak(model, PROMPT[:1]).triu(1).sum() == 6
    for weights in attentions(model, PROMPT):
        assert weights.shape == (2, 6, 4, 4)
        torch.testing.assert_close(weights.sum(-1), torch.ones(2, 6, 4, dtype=torch.float64))


def test_today_has_no_bias_and_one_matrix_of_words():
    model = TodayDecoder(CONFIG)
    assert not [name for name, _ in model.named_parameters() if "bias" in name]
    assert model.lm_head.weight is model.layers["embedding"].token.weight


def test_smollm2_is_a_shape_of_it():
    with torch.device("meta"):
        model = TodayDecoder(TodayConfig(vocab_size=49_152, block_size=8192, n_embd=576, n_head=9, n_layer=30, dropout=0.0,
                                         n_kv_head=3, n_hidden=1536, rope_base=100_000.0))
    assert sum(parameter.numel() for parameter in model.parameters()) == 134_515_008


def test_a_learners_parts_do_the_work():
    used = []

    class Norm(RMSNorm):
        def forward(self, x):
            used.append("norm")
            return super().forward(x)

    model = TodayDecoder(CONFIG, norm=Norm, tie_embeddings=lambda model: used.append("tied"), remove_biases=lambda model: None)
    model(PROMPT)
    assert used == ["tied"] + ["norm"] * 5 and model.lm_head.weight is not model.layers["embedding"].token.weight
    assert new_caches(model)[0].rows == 24


@pytest.mark.parametrize(("sizes", "words"), [
    ({"n_kv_head": 4}, "n_head is 6 and n_kv_head is 4"), ({"n_kv_head": 0}, "n_kv_head is 0"),
    ({"n_embd": 18}, "n_embd / n_head = 3 channels"),
])
def test_sizes_that_cannot_be_are_refused(sizes, words):
    with pytest.raises(ValueError, match=words):
        replace(CONFIG, **sizes)

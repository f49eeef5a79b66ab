import pytest
import torch
from torch import nn

from ninelives.config import TransformerConfig
from ninelives.model import Decoder, generate
from ninelives.model.cached_decoder import CachedDecoder
from ninelives.model.today import TodayConfig, TodayDecoder


def decoders():
    torch.manual_seed(0)
    sizes = {"vocab_size": 30, "block_size": 24, "n_embd": 24, "n_head": 6, "n_layer": 3, "dropout": 0.0}
    return [Decoder(TransformerConfig(**sizes)).double().eval(), TodayDecoder(TodayConfig(**sizes, n_kv_head=2)).double().eval()]


@pytest.mark.parametrize("decoder", decoders(), ids=["2017", "today"])
def test_the_last_row_is_that_of_the_whole_text_however_it_grows(decoder):
    cached, text = CachedDecoder(decoder), torch.randint(30, (2, 20))
    other = torch.randint(30, (2, 7))
    for idx in (text[:, :5], text[:, :6], text[:, :11], text, other, text[:, :6], text[:1, :9], text[:1, :9]):
        logits, _ = cached(idx)
        torch.testing.assert_close(logits[:, -1], decoder(idx)[0][:, -1])


def test_only_the_new_tokens_go_through_the_blocks():
    decoder = decoders()[1]
    rows = []
    decoder.layers["blocks"][0].register_forward_pre_hook(lambda block, arguments: rows.append(arguments[0].shape[1]))
    generate(CachedDecoder(decoder), torch.randint(30, (1, 5)), 4)
    assert rows == [5, 1, 1, 1]


def test_after_an_error_in_the_middle_the_text_is_read_again():
    decoder, text = decoders()[1], torch.randint(30, (1, 8))
    cached = CachedDecoder(decoder)
    cached(text[:, :4])
    with pytest.MonkeyPatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(decoder.layers["blocks"][1].mlp, "forward", interrupted)
        cached(text[:, :6])
    torch.testing.assert_close(cached(text)[0][:, -1], decoder(text)[0][:, -1])


def interrupted(x):
    raise KeyboardInterrupt


def test_an_empty_text_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match="the text is empty, and the next word needs one to follow"):
        CachedDecoder(decoders()[0])(torch.zeros(1, 0, dtype=torch.int64))


def test_a_loop_that_knows_nothing_of_caches_writes_the_same():
    for decoder in decoders():
        texts = [loop(model, torch.tensor([[1, 2, 3]])) for model in (decoder, CachedDecoder(decoder))]
        assert torch.equal(*texts)


def loop(model: nn.Module, idx: torch.Tensor) -> torch.Tensor:
    for _ in range(12):
        idx = torch.cat([idx, model(idx)[0][:, -1].argmax(-1, keepdim=True)], dim=1)
    return idx

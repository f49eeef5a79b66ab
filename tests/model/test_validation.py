import math

import pytest
import torch

from ninelives.config import TransformerConfig
from ninelives.model import Decoder, Encoder, EncoderDecoder, Transformer, generate, prefix_generation, stream

CONFIG = TransformerConfig(vocab_size=13, block_size=24, n_embd=12, n_head=3, n_layer=2, dropout=0.3)
ENCODER = TransformerConfig(vocab_size=13, block_size=16, n_embd=12, n_head=3, n_layer=2, dropout=0.0)
DECODER = TransformerConfig(vocab_size=17, block_size=10, n_embd=12, n_head=2, n_layer=3, dropout=0.0)
PROMPT = torch.tensor([[3, 1, 4, 1], [5, 9, 2, 6]])
PAD = -1
INF = float("inf")


def ids(B: int, T: int) -> torch.Tensor:
    return torch.randint(13, (B, T), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"idx": torch.zeros(1, 25, dtype=torch.int64)},
         r"the sequence has 25 tokens and the model reads at most block_size = 24: shorten it, or build"),
        ({"idx": torch.tensor([[3, 13]])}, r"idx holds 13: ids run from 0 to 12 \(vocab_size = 13\), and -1 marks padding"),
        ({"idx": torch.tensor([[3, -2]])}, r"idx holds -2: ids run from 0 to 12"),
        ({"idx": torch.tensor([[1, 2], [PAD, PAD]])},
         r"sequence 1 of idx is all padding \(-1\): leave it out"),
        ({"idx": torch.tensor([[1, 2, 3], [1, PAD, 2]])}, r"sequence 1 of idx has padding \(-1\) before a token: it must come at the end"),
        ({"idx": torch.tensor([[PAD, 1]])}, r"sequence 0 of idx has padding"),
        ({"idx": torch.tensor([1, 2])}, r"idx has shape \(2,\), but the model takes \(B, T\): idx.unsqueeze\(0\) makes a batch of one"),
        ({"idx": torch.ones(1, 2)}, r"idx has dtype torch.float32, but ids are whole numbers"),
        ({"idx": torch.ones(1, 2, dtype=torch.uint8)}, r"idx has dtype torch.uint8, but ids are whole numbers \(torch.int64\)"),
        ({"idx": ids(1, 2), "targets": torch.tensor([[1, 13]])}, r"targets holds 13: ids run from 0 to 12 \(vocab_size = 13\), and -1 marks a position"),
        ({"idx": ids(1, 2), "targets": torch.tensor([[-2, 1]])}, r"targets holds -2"),
        ({"idx": ids(2, 3), "targets": ids(2, 4)},
         r"targets has shape \(2, 4\) and idx has shape \(2, 3\): there must be one target for every token"),
        ({"idx": ids(2, 3), "targets": ids(3, 3)}, r"targets has shape \(3, 3\) and idx has shape \(2, 3\)"),
        ({"idx": ids(2, 3), "hidden_cache": torch.ones(2, 4, 11)},
         r"hidden_cache has shape \(2, 4, 11\), but \(B, P, n_embd\) = \(2, P, 12\) is needed"),
        ({"idx": ids(2, 3), "hidden_cache": torch.ones(3, 4, 12)}, r"hidden_cache has shape \(3, 4, 12\), .* = \(2, P, 12\)"),
        ({"idx": ids(2, 3), "hidden_cache": torch.ones(4, 12)}, r"hidden_cache has shape \(4, 12\), .* = \(2, P, 12\)"),
        ({"idx": ids(2, 3), "targets": ids(2, 3), "hidden_cache": torch.ones(2, 4, 12)}, "targets and hidden_cache are given together"),
        ({"idx": ids(2, 3), "targets": ids(2, 3), "hidden_cache": torch.ones(2, 4, 12, 1)}, r"hidden_cache has shape \(2, 4, 12, 1\)"),
        ({"idx": ids(2, 3), "hidden_cache": torch.ones(2, 0, 12)}, r"hidden_cache has shape \(2, 0, 12\): it holds no row"),
        ({"idx": ids(2, 3), "hidden_cache": torch.tensor([1.0, 0.0])[:, None, None].expand(2, 4, 12)},
         "example 1 of hidden_cache holds only zeros, which mean padding"),
    ],
)
@pytest.mark.parametrize("kind", [Transformer, Encoder, Decoder])
def test_bad_ids_targets_and_caches_raise_one_sentence(kind, arguments, says):
    with pytest.raises(ValueError, match=says):
        kind(CONFIG)(**arguments)


@pytest.mark.parametrize(
    ("prefix", "targets", "says"),
    [
        ([[1, 2, PAD], [PAD, PAD, PAD]], [[1], [2]], r"sequence 1 of prefix is all padding \(-1\)"),
        ([[1, 2], [3, 4]], [[PAD, PAD], [1, 2]], r"sequence 0 of targets is all padding \(-1\)"),
        ([[]], [[1, 2]], r"the prefix is empty, of shape \(1, 0\): its last row predicts the first word"),
        ([1], [[1]], r"idx has shape \(1,\)"),
        ([[PAD, 1]], [[1]], r"sequence 0 of prefix has padding \(-1\) before a token: it must come at the end"),
        ([[1, 2]], [[1, PAD, 2]], "sequence 0 of targets has padding"),
        ([[1] * 17], [[1]], "the sequence has 17 tokens and the model reads at most block_size = 16"),
        ([[1, 2]], [[1] * 11], "the sequence has 11 tokens and the model reads at most block_size = 10"),
        ([[1, 13]], [[1]], r"idx holds 13: ids run from 0 to 12"),
        ([[1, 2], [3, 4]], [[1, 2]], r"prefix has shape \(2, 2\) and targets has shape \(1, 2\): there must be one answer for each prefix"),
    ],
)
def test_a_bad_answer_or_prefix_raises_one_sentence(prefix, targets, says):
    with pytest.raises(ValueError, match=says):
        EncoderDecoder(ENCODER, DECODER)(torch.tensor(prefix, dtype=torch.int64), torch.tensor(targets, dtype=torch.int64))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"temperature": -0.5}, r"temperature is -0.5: it must be 0 \(greedy\) or a finite number above 0"),
        ({"temperature": math.nan}, "temperature is nan: it must be"),
        ({"temperature": INF}, "temperature is inf: it must be"),
        ({"temperature": "hot"}, "temperature is 'hot': it must be"),
        ({"top_k": 0}, "top_k is 0: it must be a whole number of words, at least 1"),
        ({"top_k": 2.5}, "top_k is 2.5: it must be a whole number"),
        ({"top_p": 0.0}, "top_p is 0.0: it must be above 0 and at most 1"),
        ({"top_p": 1.5}, "top_p is 1.5: it must be"),
        ({"top_p": math.nan}, "top_p is nan: it must be"),
        ({"max_new_tokens": -3}, "max_new_tokens is -3: it must be a whole number, 0 or more"),
        ({"max_new_tokens": 2.0}, "max_new_tokens is 2.0: it must be a whole number, 0 or more"),
        ({"idx": torch.zeros(2, 0, dtype=torch.long)}, "the prompt is empty: a decoder needs at least one token to continue"),
        ({"idx": torch.tensor([3, 1, 4])}, r"idx has shape \(3,\), but \(B, T\) is needed, one row for each prompt"),
        ({"idx": torch.tensor([[3, 1], [4, -1]])}, r"idx holds padding \(-1\), and new tokens would come after it"),
        ({"idx": torch.tensor([[3, 13]])}, r"idx holds 13: ids run from 0 to 12 \(vocab_size = 13\)"),
    ],
)
def test_a_bad_prompt_or_setting_raises_one_sentence(arguments, says):
    with pytest.raises(ValueError, match=says):
        generate(**({"model": Decoder(CONFIG), "idx": PROMPT, "max_new_tokens": 3} | arguments))


def test_a_bad_setting_raises_before_the_first_token_is_drawn():
    with pytest.raises(ValueError, match="temperature is -1"):
        stream(Decoder(CONFIG), PROMPT, 3, -1)


@pytest.mark.parametrize(
    ("prefix", "says"),
    [
        (torch.zeros(2, 0, dtype=torch.long), "the prefix is empty"),
        (torch.tensor([[3, 1], [-1, -1]]), r"sequence 1 of prefix is all padding \(-1\)"),
    ],
)
def test_a_prefix_without_tokens_raises_one_sentence(prefix, says):
    with pytest.raises(ValueError, match=says):
        prefix_generation(EncoderDecoder(CONFIG, CONFIG), prefix, 3)


@pytest.mark.parametrize(
    ("max_new_tokens", "temperature", "says"),
    [
        (-1, 1.0, "max_new_tokens is -1: it must be a whole number, 0 or more"),
        (3, -0.5, "temperature is -0.5: it must be 0"),
        (3, float("nan"), "temperature is nan"),
        (3, float("inf"), "temperature is inf"),
    ],
)
def test_a_prefix_is_not_answered_with_bad_settings(max_new_tokens, temperature, says):
    with pytest.raises(ValueError, match=says):
        prefix_generation(EncoderDecoder(CONFIG, CONFIG), torch.tensor([[3, 1]]), max_new_tokens, temperature)


@pytest.mark.parametrize(("idx", "says"), [
    (torch.tensor([[3, 1], [4, 99], [2, 2]]), "idx holds 99: ids run from 0 to 12"),
    (torch.tensor([[3, 1], [4, PAD], [PAD, PAD]]), r"sequence 2 of idx is all padding"),
    (torch.tensor([[3, 1], [4, PAD], [PAD, 2]]), r"sequence 2 of idx has padding \(-1\) before a token"),
])
def test_under_vmap_bad_ids_raise_the_same_sentence(idx, says):
    model = Decoder(CONFIG).eval()
    with pytest.raises(ValueError, match=says):
        torch.vmap(lambda example: model(example.unsqueeze(0))[0])(idx)


def test_no_values_are_checked_while_a_graph_is_compiled_or_on_the_meta_device():
    bad = torch.tensor([[PAD, 99]])
    compiled = torch.compile(Decoder(CONFIG).layers["embedding"], backend="eager", fullgraph=True)
    with pytest.raises(IndexError):
        compiled(bad)
    assert Decoder(CONFIG).to("meta")(bad.to("meta"))[0].shape == (1, 2, 13)

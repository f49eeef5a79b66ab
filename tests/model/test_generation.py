import math
from functools import partial

import pytest
import torch
from torch import nn

from ninelives.config import TransformerConfig
from ninelives.model import (
    Decoder,
    Encoder,
    EncoderDecoder,
    generate,
    next_token_probabilities,
    prefix_generation,
    prefix_stream,
    stream,
)
from ninelives.model.attention import KeyValueCache, MultiHeadSelfAttention
from ninelives.model.generation import new_caches, next_logits

CONFIG = TransformerConfig(vocab_size=13, block_size=24, n_embd=12, n_head=3, n_layer=2, dropout=0.3)
PROMPT = torch.tensor([[3, 1, 4, 1], [5, 9, 2, 6]])
INF = float("inf")


def decoder(seed: int = 0) -> Decoder:
    """A decoder with weights that matter, in float64, so that a difference is not rounding."""
    torch.manual_seed(seed)
    model = Decoder(CONFIG).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.4)
    return model


class Refed(nn.Module):
    """The same model in a wrapper, so that it cannot be cached and reads the whole text at each step."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model, self.config, self.fed = model, model.config, []

    def forward(self, idx, **settings):
        self.fed.append(idx.shape[1])
        return self.model(idx, **settings)


class Fixed(nn.Module):
    """A model that gives the same scores (V,) after anything."""

    def __init__(self, scores: list[float]):
        super().__init__()
        self.scores = torch.tensor(scores)

    def forward(self, idx):
        return self.scores.expand(*idx.shape, -1), None


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# --- the probabilities of the next token ---------------------------------------------------------


def by_loops(row: list[float], temperature: float, top_k: int | None, top_p: float | None) -> list[float]:
    """The probabilities of one row of scores, word by word."""
    powers = [math.exp((score - max(row)) / temperature) for score in row]
    order = sorted(range(len(row)), key=lambda word: -row[word])[: top_k or len(row)]
    total, kept, so_far = sum(powers[word] for word in order), [], 0.0
    for word in order:
        if so_far < (top_p or 1):
            kept.append(word)
        so_far += powers[word] / total
    total = sum(powers[word] for word in kept)
    return [powers[word] / total if word in kept else 0.0 for word in range(len(row))]


@pytest.mark.parametrize("temperature", [0.05, 0.5, 1.0, 2.0, 50.0])
@pytest.mark.parametrize("top_k", [None, 1, 3, 9, 40])
@pytest.mark.parametrize("top_p", [None, 0.01, 0.35, 0.9, 1.0])
def test_the_probabilities_are_those_of_python_loops(temperature, top_k, top_p):
    logits = 2 * torch.randn(5, 9, generator=seeded(), dtype=torch.float64)
    seen = next_token_probabilities(logits, temperature, top_k, top_p)
    wanted = torch.tensor([by_loops(row, temperature, top_k, top_p) for row in logits.tolist()], dtype=torch.float64)
    assert (seen - wanted).abs().max() < 1e-12


def test_at_temperature_0_the_most_likely_word_gets_everything():
    assert next_token_probabilities(torch.tensor([[0.1, 3.0, 2.9], [5.0, -INF, 1.0]]), 0).tolist() == [[0, 1, 0], [1, 0, 0]]


@pytest.mark.parametrize("temperature", [1e-300, 1e-30, 1e-4, 1e30])
def test_the_probabilities_stay_numbers_at_every_temperature(temperature):
    for logits in (torch.tensor([[900.0, -900.0, 899.0]]), torch.tensor([[1e38, -1e38, 0.0]])):
        seen = next_token_probabilities(logits, temperature)
        assert seen.isfinite().all() and seen.sum() == pytest.approx(1)


def test_a_word_with_a_score_of_minus_infinity_is_never_drawn():
    for temperature in (0.1, 1.0, 1e6):
        assert next_token_probabilities(torch.tensor([[0.0, -INF, 1.0]]), temperature)[0, 1] == 0
    drawn = generate(Fixed([0.0, -INF, 1.0]), torch.zeros(500, 1, dtype=torch.long), 4, 3.0)[:, 1:]
    assert (drawn != 1).all() and (drawn == 0).any() and (drawn == 2).any()


def test_top_p_keeps_about_as_many_words_in_bfloat16_as_in_float32():
    logits = torch.randn(4, 5000, generator=seeded()).mul(2).bfloat16()
    kept, exact = (next_token_probabilities(of, top_p=0.9).count_nonzero(-1) for of in (logits, logits.float()))
    assert ((kept - exact).abs() < 0.01 * exact).all()  # sums in bfloat16 keep 3 % fewer


def test_words_that_tie_are_kept_together_by_top_k_and_first_come_first_by_top_p():
    even = torch.zeros(1, 6)
    assert next_token_probabilities(even, top_k=2).tolist() == [[pytest.approx(1 / 6)] * 6]
    assert next_token_probabilities(even, top_p=0.45).tolist() == [[pytest.approx(1 / 3)] * 3 + [0, 0, 0]]


def test_any_number_of_leading_axes_will_do():
    logits = torch.randn(2, 3, 7, generator=seeded())
    for settings in ((0.7, 3, None), (0.7, None, 0.6), (0, None, None)):
        whole = next_token_probabilities(logits, *settings)
        assert torch.equal(whole[1, 2], next_token_probabilities(logits[1, 2], *settings))


@pytest.mark.parametrize("bad", [[-INF, -INF], [0.0, math.nan], [0.0, INF]])
def test_scores_from_which_nothing_can_be_drawn_are_refused_with_one_sentence(bad):
    says = "the logits hold NaN, \\+inf, or a row of -inf alone, so no word can be drawn"
    for temperature in (0, 1.0):
        with pytest.raises(ValueError, match=says):
            next_token_probabilities(torch.tensor([[0.0, 1.0], bad]), temperature)
        with pytest.raises(ValueError, match=says):
            generate(Fixed(bad), PROMPT, 3, temperature)


# --- the draws -----------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [{"temperature": 0.5}, {"temperature": 1.0}, {"temperature": 2.0},
                                      {"temperature": 1.5, "top_k": 3}, {"temperature": 1.0, "top_p": 0.7}])
def test_each_word_is_drawn_as_often_as_its_probability_says(settings):
    scores, N = [1.2, 0.4, -0.3, 0.9, -1.5], 20_000
    drawn = generate(Fixed(scores), torch.zeros(N, 1, dtype=torch.long), 1, **settings)[:, 1]
    shares = torch.bincount(drawn, minlength=5) / N
    wanted = next_token_probabilities(torch.tensor([scores]), **settings)[0]
    # Hoeffding: off by more than this once in ten million runs.
    assert (shares - wanted).abs().max() < math.sqrt(math.log(2 * 5 / 1e-7) / (2 * N))
    assert ((shares == 0) == (wanted == 0)).all()


def test_the_sequences_of_a_batch_are_drawn_independently():
    drawn = generate(Fixed([0.0] * 4), torch.zeros(400, 1, dtype=torch.long), 8)[:, 1:]
    assert drawn.unique(dim=0).shape[0] > 390


def test_a_generator_makes_a_text_repeatable_and_leaves_the_global_randomness_alone():
    model, state = decoder(), torch.get_rng_state()
    texts = [generate(model, PROMPT, 12, 1.5, generator=seeded(seed)) for seed in (7, 7, 8)]
    assert torch.equal(texts[0], texts[1]) and not torch.equal(texts[0], texts[2])
    assert torch.equal(torch.get_rng_state(), state)


def test_temperature_0_writes_the_best_word_at_each_step():
    model, wanted = decoder(), PROMPT
    with torch.no_grad():
        for _ in range(9):
            wanted = torch.cat([wanted, model(wanted)[0][:, -1:].argmax(-1)], dim=1)
    assert torch.equal(generate(model, PROMPT, 9, 0), wanted)


# --- the cache of keys and values ----------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("T", [1, 4, 23])
def test_cached_keys_and_values_give_the_logits_of_reading_everything_again(seed, T):
    model, rows = decoder(seed), []
    idx = torch.randint(13, (3, CONFIG.block_size), generator=seeded(seed))
    with torch.no_grad():
        caches = new_caches(model)
        for end in range(T, CONFIG.block_size + 1):
            rows.append((next_logits(model, idx[:, :end], None, caches) - next_logits(model, idx[:, :end])).abs().max().item())
    assert len(rows) == CONFIG.block_size - T + 1
    assert max(rows) < 1e-12


def test_cached_keys_and_values_agree_in_float32_too():
    model, idx = decoder().float(), torch.randint(13, (2, CONFIG.block_size), generator=seeded())
    with torch.no_grad():
        caches = new_caches(model)
        for end in range(3, CONFIG.block_size + 1):
            assert (next_logits(model, idx[:, :end], None, caches) - next_logits(model, idx[:, :end])).abs().max() < 1e-5


@pytest.mark.parametrize("lengths", [[5, 5], [5, 3], [1, 4]])
@pytest.mark.parametrize("T", [0, 1, 4])
def test_cached_keys_and_values_agree_after_a_prefix_with_and_without_padding(lengths, T):
    model, idx = decoder(), torch.randint(13, (2, CONFIG.block_size), generator=seeded())
    cache = torch.randn(2, 5, CONFIG.n_embd, generator=seeded(), dtype=torch.float64)
    for row, length in enumerate(lengths):
        cache[row, length:] = 0
    with torch.no_grad():
        caches = new_caches(model, cache)
        for end in range(T, CONFIG.block_size + 1):
            assert (next_logits(model, idx[:, :end], cache, caches) - next_logits(model, idx[:, :end], cache)).abs().max() < 1e-12


@pytest.mark.parametrize("new", [5, 40])
def test_the_same_text_is_drawn_with_and_without_them_beyond_block_size_too(new):
    model = decoder()
    with_them = generate(model, PROMPT, new, 1.3, generator=seeded())
    without = generate(Refed(model), PROMPT, new, 1.3, generator=seeded())
    assert torch.equal(with_them, without)


def test_weights_that_training_has_moved_are_seen_by_the_next_call():
    model = decoder()
    before = generate(model, PROMPT, 10, 0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.neg_()
    after = generate(model, PROMPT, 10, 0)
    assert not torch.equal(before, after)
    assert torch.equal(after, generate(Refed(model), PROMPT, 10, 0))


@pytest.mark.parametrize("change", [
    lambda model: setattr(model.layers["blocks"][0], "mlp", nn.Identity()),
    lambda model: model.layers["blocks"][1].mlp.__setitem__(1, nn.ReLU()),
    lambda model: setattr(model.layers["blocks"][1].attention, "proj", nn.Linear(12, 12, bias=False).double()),
    lambda model: model.layers.__setitem__("norm", nn.Identity()),
    lambda model: setattr(model, "lm_head", nn.Sequential(nn.Linear(12, 13).double(), nn.Tanh())),
    lambda model: model.layers["blocks"][0].register_forward_hook(lambda layer, arguments, x: 2 * x),
])
def test_a_model_that_was_changed_inside_writes_what_it_says(change):
    model = decoder()
    change(model)
    assert torch.equal(generate(model, PROMPT, 8, 0), generate(Refed(model), PROMPT, 8, 0))


class Mixing(nn.Module):
    """A layer that mixes tokens: the mean over all positions, earlier and later ones."""

    def forward(self, x):
        return x.mean(dim=1, keepdim=True) + x


@pytest.mark.parametrize("change", [
    lambda model: setattr(model.layers["blocks"][1], "mlp", Mixing()),
    lambda model: model.layers["blocks"][1].mlp.append(Mixing()),
    lambda model: model.layers["blocks"][1].mlp[0].register_forward_hook(lambda layer, given, x: x + x.mean(1, keepdim=True)),
    lambda model: setattr(model.layers["blocks"][1].mlp, "forward", lambda x: x.mean(1, keepdim=True) + x),
    lambda model: setattr(model, "get_attention_mask", partial(Encoder.get_attention_mask, model)),
    lambda model: setattr(model.layers["blocks"][1], "attention", type("Mine", (MultiHeadSelfAttention,), {})(CONFIG).double()),
], ids=["mlp", "in the mlp", "hook", "forward", "mask", "attention"])
def test_a_model_whose_parts_may_mix_tokens_is_not_cached(change):
    model = decoder()
    change(model)
    assert new_caches(model) is None
    assert torch.equal(generate(model, PROMPT, 8, 0), generate(Refed(model), PROMPT, 8, 0))


def test_with_a_cache_every_token_goes_through_the_blocks_once():
    model, lengths = decoder(), []
    model.layers["blocks"][0].register_forward_hook(lambda block, given, x: lengths.append(x.shape[1]))
    caches = [KeyValueCache(24) for _ in model.layers["blocks"]]
    with torch.no_grad():
        for end in (4, 5, 6, 9):
            next_logits(model, torch.arange(9)[None, :end], None, caches)
    assert lengths == [4, 1, 1, 3] and [cache.length for cache in caches] == [9, 9]


def test_a_cache_gives_back_all_keys_and_values_in_their_order():
    cache, keys, values = KeyValueCache(7), torch.randn(2, 3, 7, 4), torch.randn(2, 3, 7, 4)
    for first, last in ((0, 3), (3, 4), (4, 7)):
        found = cache.extend(keys[:, :, first:last], values[:, :, first:last])
        assert torch.equal(found[0], keys[:, :, :last]) and torch.equal(found[1], values[:, :, :last])
    with pytest.raises(ValueError, match="the cache has 7 rows and holds 7 tokens: 1 more do not fit"):
        cache.extend(keys[:, :, :1], values[:, :, :1])


def test_a_prompt_longer_than_block_size_goes_on_from_its_last_tokens():
    model = Refed(decoder())
    long = torch.randint(13, (2, 30), generator=seeded())
    text = generate(model, long, 3, 0)
    assert torch.equal(text[:, :30], long)
    assert torch.equal(text[:, 30:], generate(decoder(), long[:, -24:], 3, 0)[:, 24:])
    assert max(model.fed) == CONFIG.block_size


# --- what the caller sees ------------------------------------------------------------------------


def test_tokens_are_yielded_one_by_one_as_they_are_drawn():
    model = Refed(decoder())
    tokens = stream(model, PROMPT, 6, generator=seeded())
    assert model.fed == []
    first = next(tokens)
    assert first.shape == (2,) and first.dtype == torch.int64 and model.fed == [4]
    text = torch.cat([PROMPT, first.unsqueeze(1), *(token.unsqueeze(1) for token in tokens)], dim=1)
    assert model.fed == [4, 5, 6, 7, 8, 9]
    assert torch.equal(text, generate(model, PROMPT, 6, generator=seeded()))


def test_a_sequence_ends_with_its_end_token_and_is_padded_after_it():
    # Each model of this chain says token + 1, so the sequences reach 7 one after the other.
    chain = nn.Embedding.from_pretrained(40.0 * torch.eye(10).roll(1, dims=1))
    model = Refed(decoder())
    model.forward = lambda idx: (chain(idx), None)
    text = generate(model, torch.tensor([[2], [5], [3]]), 20, end_token=7)
    assert text.tolist() == [[2, 3, 4, 5, 6, 7], [5, 6, 7, -1, -1, -1], [3, 4, 5, 6, 7, -1]]


def test_no_new_token_is_asked_for_and_none_comes():
    assert torch.equal(generate(decoder(), PROMPT, 0), PROMPT)


def test_the_prompt_the_mode_and_the_gradients_are_left_as_they_were():
    model, idx = decoder(), PROMPT.clone()
    model.train()
    model.layers["blocks"][0].eval()
    text = generate(model, idx, 3)
    assert torch.equal(idx, PROMPT) and text.data_ptr() != idx.data_ptr()
    assert model.training and not model.layers["blocks"][0].training and model.layers["blocks"][1].training
    assert torch.is_grad_enabled() and all(p.requires_grad and p.grad is None for p in model.parameters())
    model(text, text)[1].backward()


def test_a_stream_that_is_closed_early_gives_the_mode_back_too():
    model = decoder().train()
    tokens = stream(model, PROMPT, 5)
    next(tokens)
    assert not model.training
    tokens.close()
    assert model.training


def test_dropout_is_off_while_it_writes():
    model = decoder()
    wanted = generate(model, PROMPT, 8, 0)
    assert torch.equal(generate(model.train(), PROMPT, 8, 0), wanted)


# --- answers to a prefix -------------------------------------------------------------------------


def encoder_decoder() -> EncoderDecoder:
    torch.manual_seed(0)
    model = EncoderDecoder(CONFIG, CONFIG).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.4)
    return model


def test_a_prefix_is_encoded_once_and_its_answer_is_the_one_of_encoding_at_every_step():
    model, prefix = encoder_decoder(), torch.tensor([[3, 1, 4], [5, 9, -1]])
    encoded = []
    model.encoder.register_forward_hook(lambda *_: encoded.append(1))
    answer = prefix_generation(model, prefix, 6, 0)
    assert len(encoded) == 1
    for row, words in enumerate(prefix):
        alone, text = words[words != -1].unsqueeze(0), prefix.new_empty(1, 0)
        for _ in range(6):
            with torch.no_grad():
                logits = model.decoder(text, hidden_cache=model.encoder(alone, return_hidden=True))[0][:, -1]
            text = torch.cat([text, logits.argmax(-1, keepdim=True)], dim=1)
        assert torch.equal(answer[row], text[0])


def test_an_answer_comes_token_by_token_and_without_the_prefix():
    model, prefix = encoder_decoder(), torch.tensor([[3, 1, 4], [5, 9, -1]])
    tokens = list(prefix_stream(model, prefix, 4, generator=seeded()))
    assert [tuple(token.shape) for token in tokens] == [(2,)] * 4
    assert torch.equal(torch.stack(tokens, 1), prefix_generation(model, prefix, 4, generator=seeded()))
    assert prefix_generation(model, prefix, 0).shape == (2, 0)


def test_rows_that_end_early_are_padded_and_the_answer_stops_with_the_last():
    model, prefix = encoder_decoder(), torch.tensor([[3, 1, 4], [5, 9, -1]])
    free = prefix_generation(model, prefix, 12, 0)
    for end_token in free.unique().tolist():
        answer = prefix_generation(model, prefix, 12, 0, end_token=end_token)
        lengths = [row.tolist().index(end_token) + 1 if end_token in row else 12 for row in free]
        assert answer.shape[1] == max(lengths)
        for row, whole, length in zip(answer, free, lengths, strict=True):
            assert torch.equal(row[:length], whole[:length]) and (row[length:] == -1).all()

import base64
import json
import math

import numpy as np
import pytest
import torch
from torch import nn
from traitlets import TraitError

from ninelives.config import TransformerConfig
from ninelives.model import Decoder, next_token_probabilities
from ninelives.widgets import TemperatureLab
from ninelives.widgets.temperature_lab.in_words import compared, reading

VOCABULARY = ["<end>", *"the cat did not want to eat because it was full hungry sick old".split()]
PROMPT = [VOCABULARY.index(word) for word in "the cat did not want to eat because it was".split()]


def model(vocab_size: int = len(VOCABULARY), seed: int = 0) -> Decoder:
    torch.manual_seed(seed)
    made = Decoder(TransformerConfig(vocab_size, 24, n_embd=12, n_head=3, n_layer=2))
    with torch.no_grad():
        made.lm_head.weight.normal_(std=0.5)
    return made


def lab(**settings) -> TemperatureLab:
    return TemperatureLab(model(), PROMPT, VOCABULARY, **settings)


def sent(shown: TemperatureLab) -> np.ndarray:
    """The scores as the browser gets them."""
    return np.frombuffer(base64.b64decode(shown.scores["numbers"]), "<f4")


def after(words: list[int]) -> torch.Tensor:
    """(V,): the scores after these ids, with dropout off."""
    with torch.no_grad():
        return model().eval()(torch.tensor([words]))[0][0, -1]


def test_the_browser_gets_the_scores_of_the_last_position():
    shown = lab()
    assert shown.scores["after"] == []
    assert np.allclose(sent(shown), after(PROMPT), atol=1e-6)
    assert shown.prompt == "the cat did not want to eat because it was".split()


def test_after_a_drawn_word_the_whole_text_is_read():
    shown = lab()
    for drawn in ([11], [11, 0], [11, 0, 3], [11], []):
        shown.drawn = drawn
        assert shown.scores["after"] == drawn
        assert np.allclose(sent(shown), after(PROMPT + drawn), atol=1e-6)


def test_a_text_beyond_block_size_is_read_from_its_last_words():
    shown = lab()
    shown.drawn = [k % 15 for k in range(40)]
    assert np.allclose(sent(shown), after((PROMPT + shown.drawn)[-24:]), atol=1e-6)


@pytest.mark.parametrize("settings", [{}, {"temperature": 0.3}, {"temperature": 0.0}, {"top_k": 3}, {"temperature": 2.0, "top_p": 0.5}])
def test_the_probabilities_are_those_of_the_package(settings):
    wanted = next_token_probabilities(after(PROMPT).double(), **settings)
    assert torch.allclose(lab(**settings).probabilities(), wanted, atol=1e-6)


def test_the_model_is_left_in_its_mode_and_the_random_numbers_alone():
    made = model().train()
    state = torch.get_rng_state()
    shown = TemperatureLab(made, torch.tensor([PROMPT]), VOCABULARY)
    shown.drawn = [3]
    shown.describe()
    assert made.training and torch.equal(torch.get_rng_state(), state)


def test_describe_says_text_settings_likeliest_words_and_what_was_drawn():
    shown = lab(temperature=0.5, top_k=4)
    shown.drawn, shown.chances = [11, 0], [0.25, 0.004]
    p = next_token_probabilities(after(PROMPT + [11, 0]).double(), 0.5, 4)
    best = int(p.argmax())
    said = shown.describe()
    assert "The text so far: “the cat did not want to eat because it was full <end>”." in said
    assert f"At temperature 0.50, top-k 4 the next word is {VOCABULARY[best]} {p[best]:.2f}" in said
    assert "4 of 15 words can be drawn." in said
    assert "Drawn so far, each with the probability it had: full 0.25, <end> <0.01." in said


def test_the_entropy_is_that_of_the_probabilities():
    even = nn.Linear(1, 1)
    even.forward = lambda idx: (torch.zeros(1, idx.shape[1], 8), None)
    shown = TemperatureLab(even, [0], list("abcdefgh"))
    assert f"Entropy {math.log(8):.2f} nats, perplexity 8.0: as undecided as among 8.0 equally likely words." in shown.describe()


@pytest.mark.parametrize(("scores", "says"), [
    ([0.0, -math.inf], "Entropy 0.00 nats, perplexity 1.0: one word is certain. 1 of 2 words can be drawn."),
    ([0.0, -9.0], "Entropy 0.00 nats, perplexity 1.0: one word is almost certain."),
    ([0.0, -3.0], "Entropy 0.19 nats, perplexity 1.2: between one certain word and two equally likely ones."),
    ([0.0, 0.0], "Entropy 0.69 nats, perplexity 2.0: as undecided as among 2.0 equally likely words."),
    ([0.0] * 5 + [-2.0], "Entropy 1.69 nats, perplexity 5.4: as undecided as among 5.4 equally likely words."),
    ([0.0] * 20_851, "Entropy 9.95 nats, perplexity 20,851.0: as undecided as among 20,851.0 equally likely words."),
])
def test_how_undecided_the_model_is_reads_well_from_certainty_on(scores, says):
    model = nn.Linear(1, 1)
    model.forward = lambda idx: (torch.tensor(scores).expand(1, idx.shape[1], -1), None)
    assert reading(TemperatureLab(model, [0], [str(word) for word in range(len(scores))])) == says


def test_nothing_follows_the_end_token():
    shown = lab(end_token=0)
    shown.drawn, shown.chances = [11, 0], [0.25, 0.5]
    said = shown.describe()
    assert "was full <end>”. The text has ended: nothing follows the end token." in said and "next word" not in said and "Entropy" not in said
    assert shown.picture().caption == "The text has ended: nothing follows the end token."


def test_a_learners_function_is_compared_at_every_temperature():
    shown = lab(next_token_probabilities=lambda logits, temperature: (logits / temperature).softmax(-1))
    for temperature in (0.4, 2.0):
        shown.temperature = temperature
        assert f"Your next_token_probabilities at temperature {temperature:.2f} agrees with the bars" in shown.describe()
    wrong = lab(next_token_probabilities=lambda logits, temperature: logits.softmax(-1))
    assert "agrees" in wrong.describe()
    wrong.temperature = 0.3
    away = (after(PROMPT).softmax(-1) - next_token_probabilities(after(PROMPT), 0.3)).abs().max()
    assert f"differs from the bars by up to {away:.2f}: it gives “" in wrong.describe()


def test_the_browser_computes_and_says_what_python_does(same_in_javascript):
    def softmax(logits, temperature):
        return (logits / temperature).softmax(-1)

    even = nn.Linear(1, 1)
    even.forward = lambda idx: (torch.zeros(1, idx.shape[1], 8), None)
    labs = [
        lab(next_token_probabilities=softmax),
        lab(temperature=0.0, next_token_probabilities=softmax),
        lab(temperature=1e-30, top_k=3, next_token_probabilities=lambda logits, temperature: logits.softmax(-1)),
        lab(temperature=0.4, top_p=0.6, next_token_probabilities=lambda logits, temperature: 1 / 0),
        lab(temperature=2.5, top_k=7, top_p=0.35, next_token_probabilities=softmax),
        lab(temperature=3.0, top_k=100, top_p=1.0, next_token_probabilities=softmax),
        TemperatureLab(even, [0], list("abcdefgh"), top_k=2, top_p=0.55, next_token_probabilities=softmax),  # ties
        lab(next_token_probabilities=next_token_probabilities),
        *(lab(temperature=t, next_token_probabilities=softmax) for t in (0.01, 0.03, 0.3)),  # almost certain, and between one word and two
    ]
    labs[0].drawn = [11, 0]
    assert "Your " not in labs[7].describe()
    same_in_javascript("temperature_lab", [
        (shown, {
            "probabilities": [round(p, 4) for p in shown.probabilities().tolist()],
            "reading": reading(shown), "compared": compared(shown),
        }) for shown in labs
    ])


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda logits, temperature: 1 / 0, "is shown; yours raises ZeroDivisionError: division by zero"),
        (lambda logits, temperature: logits[0], "is shown; yours gives the shape (15,), where (1, 15) is expected."),
        (lambda logits, temperature: None, "is shown; yours gives None."),
        (lambda logits, temperature: logits / 0 * 0, "differs from the bars by up to 1.00: it gives “<end>” NaN."),
    ],
)
def test_a_learners_function_that_fails_is_said_to_fail(function, says):
    shown = lab(next_token_probabilities=function)
    assert says in shown.describe()
    json.dumps(shown.yours, allow_nan=False)


def test_the_browser_gets_what_a_learners_function_gives_only_where_it_differs():
    shown = lab(next_token_probabilities=lambda logits, temperature: logits.softmax(-1).requires_grad_())
    assert "numbers" not in shown.yours
    shown.temperature = 0.3
    theirs = np.frombuffer(base64.b64decode(shown.yours["numbers"]), "<f4")
    assert np.allclose(theirs, after(PROMPT).softmax(-1), atol=1e-6)


def test_a_learners_function_cannot_change_the_scores():
    assert np.allclose(sent(lab(next_token_probabilities=lambda logits, temperature: logits.zero_())), after(PROMPT), atol=1e-6)


def test_a_model_that_fails_later_is_said_to_fail_and_the_lab_goes_on():
    made = nn.Linear(1, 1)

    def forward(idx):
        if idx.shape[1] > 1:
            raise RuntimeError("no more")
        return torch.zeros(1, 1, 3), None

    made.forward = forward
    shown = TemperatureLab(made, [0], ["a", "b", "c"])
    shown.drawn = [1]
    assert shown.describe() == "After “a b” the model cannot go on: RuntimeError: no more"
    shown.drawn = []
    assert "Entropy" in shown.describe()


@pytest.mark.parametrize("count", [15, 100, 5000])
def test_the_state_is_json_and_small(count):
    words = [f"word{k}" for k in range(count)]
    shown = TemperatureLab(model(count), [1, 2], words, end_token=0)
    state = json.dumps(shown.get_state())
    assert json.loads(state)["temperature"] == 1.0
    assert len(json.dumps(shown.scores)) < 6 * count + 100


def test_the_repr_says_what_is_shown():
    assert repr(lab(top_p=0.9)) == (
        "TemperatureLab(15 words, 10 in the prompt, 0 drawn, temperature 1.00, top-p 0.90)"
    )


def test_a_vocabulary_of_5000_words_costs_a_saved_notebook_no_more_than_the_words(monkeypatch):
    outputs = []
    monkeypatch.setattr("ninelives.widgets.lab_widget.display", lambda data, **how: outputs.append([data, how]))
    TemperatureLab(model(5000), [1, 2], [f"word{k}" for k in range(5000)])._ipython_display_()
    assert len(json.dumps(outputs)) < 100_000


def test_the_picture_follows_the_state():
    shown = lab()
    before = shown.picture().png()
    shown.temperature = 0.2
    assert shown.picture().png() != before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"idx": []}, "the prompt is empty"),
        ({"idx": [1.5]}, "whole numbers"),
        ({"idx": [[1], [2]]}, "the ids of one prompt"),
        ({"idx": [1, -1]}, "idx holds -1"),
        ({"idx": [1, 15]}, "idx holds 15: the words are numbered from 0 to 14"),
        ({"vocabulary": "the cat"}, "vocabulary is the single string"),
        ({"vocabulary": VOCABULARY + ["more"]}, "vocabulary holds 16 words and the model scores 15"),
    ],
)
def test_what_does_not_fit_the_model_is_refused_with_one_sentence(arguments, says):
    with pytest.raises(ValueError, match=says):
        TemperatureLab(**({"model": model(), "idx": PROMPT, "vocabulary": VOCABULARY} | arguments))


def test_a_model_from_which_nothing_can_be_drawn_is_refused_with_one_sentence():
    broken = nn.Linear(1, 1)
    broken.forward = lambda idx: (torch.full((1, idx.shape[1], 3), -math.inf), None)
    with pytest.raises(ValueError, match="a row of -inf alone, so no word can be drawn"):
        TemperatureLab(broken, [0], ["a", "b", "c"])


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("temperature", -0.1, "temperature is -0.1: it must be 0"),
        ("temperature", math.nan, "temperature is nan"),
        ("temperature", math.inf, "temperature is inf"),
        ("top_k", 0, "top_k is 0: it must be at least 1"),
        ("top_p", 0.0, "top_p is 0.0: it must be above 0"),
        ("top_p", 1.1, "top_p is 1.1"),
        ("drawn", [3, 15], "drawn holds 15: the words are numbered from 0 to 14"),
        ("end_token", -1, "end_token holds -1"),
    ],
)
def test_a_setting_outside_its_range_is_refused_with_one_sentence(name, value, says):
    with pytest.raises(TraitError, match=says):
        setattr(lab(), name, value)

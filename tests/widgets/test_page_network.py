import json
import os
from dataclasses import replace

import pytest
import torch
from torch import nn

from helpers.learner import put_notebooks
from ninelives import weights
from ninelives.config import TransformerConfig
from ninelives.model import Decoder, EncoderDecoder, next_token_probabilities, prefix_generation, without_heads
from ninelives.model.causes import without_words
from ninelives.model.encoder import Encoder
from ninelives.text import CharTokenizer, WordTokenizer
from ninelives.use_mine import use_mine
from ninelives.widgets.page_network import CannotRunInPage, as_script, name_of, packed, packed_translator
from widgets.conftest import CASES

WORDS = WordTokenizer("cat chat dog chien it il qu' the".split())
CONFIG = TransformerConfig(vocab_size=WORDS.vocab_size, block_size=7, n_embd=8, n_head=2, n_layer=2, dropout=0.5)
DECODERS = replace(CONFIG, block_size=6)
TEXT = "The cat the dog."


def made(model_class, *configs) -> nn.Module:
    """A model with large random weights that float16 holds exactly."""
    torch.manual_seed(11)
    model = model_class(*configs).eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.5)
        parameter.data = parameter.data.half().float()
    return model


@pytest.fixture(scope="module")
def translator():
    return made(EncoderDecoder, CONFIG, DECODERS)


def written(model, **settings) -> dict:
    """The most likely answer to TEXT, and the logits of each of its words."""
    prefix = WORDS.encode(TEXT).unsqueeze(0)  # (1, P)
    answer = prefix_generation(model, prefix, 6, 0, end_token=WORDS.end_token)  # (1, T)
    with torch.no_grad():
        # Each step reads the words before it alone, which matters where they may attend to later ones.
        logits = [model(prefix, answer[:, :t])[0][0, -1] for t in range(1, answer.shape[1])]
        logits.insert(0, model(prefix, answer[:, :1])[0][0, prefix.shape[1] - 1])
    return {"options": settings, "ids": answer[0].tolist(), "text": WORDS.decode(answer[0]), "logits": torch.stack(logits).tolist()}


def runs(model) -> list[dict]:
    """What the model writes unchanged, and after each change that JavaScript knows."""
    found = [written(model)]
    with without_heads(model, [(0, 1), (2, 0)]):
        found.append(written(model, out=[1, 4]))
    with without_words(model, torch.tensor([False, True, False, False])):
        found.append(written(model, hidden=[1]))
    kept = {part: part.layers["embedding"].position.weight.data.clone() for part in (model.encoder, model.decoder)}
    for part in kept:
        part.layers["embedding"].position.weight.data.zero_()
    found.append(written(model, positions=False))
    for part, weight in kept.items():
        part.layers["embedding"].position.weight.data = weight
    model.decoder.get_attention_mask = lambda *arguments: Encoder.get_attention_mask(model.decoder, *arguments)
    found.append(written(model, causal=False))
    del model.decoder.get_attention_mask
    return found


def test_what_python_computes_is_what_the_javascript_is_compared_with(translator):
    decoder = made(Decoder, CONFIG)
    prompt = torch.tensor([[1, 2, 3, 4, 5, 6, 7, 8, 1]])
    with torch.no_grad():
        after = decoder(prompt[:, -7:])[0][0, -1]
    now = {
        "translator": packed(translator, WORDS.words, ["the", "cat", "dog", "it"]), "runs": runs(translator),
        "decoder": packed(decoder, WORDS.words), "prompt": prompt[0].tolist(), "after": after.tolist(),
        "attention": translator.encoder.attentions(WORDS.encode(TEXT).unsqueeze(0))[1][0].tolist(),
        "sampled": next_token_probabilities(after, 0.7, 5, 0.9).tolist(),
        "nearest": {word: str(error) for word in ("dgo", "ct", "zebra", "thet", "a" * 1000) for error in [unknown(word)]},
    }
    path = CASES / "network.json"
    if os.environ.get("WRITE_CASES"):
        path.write_text(json.dumps(now, ensure_ascii=False) + "\n", encoding="utf-8")
    assert same(json.loads(path.read_text("utf-8")), now)


def unknown(word: str) -> ValueError:
    with pytest.raises(ValueError) as raised:
        WordTokenizer(["the", "cat", "dog", "it"]).encode(word)
    return raised.value


def same(one, other) -> bool:
    """Equal, but for the last digits of numbers."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == pytest.approx(other, abs=1e-4) if isinstance(one, float) else one == other


class Blind(Encoder):
    """A learner's class with the names of the package's layers, whose tokens attend to the first alone."""

    def get_attention_mask(self, num_tokens, T=None):
        return super().get_attention_mask(num_tokens, T) & (torch.arange(T) == 0)


class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.config, self.lm_head = CONFIG, nn.Linear(8, WORDS.vocab_size)

    def forward(self, idx):
        return self.lm_head(nn.functional.one_hot(idx, 8).float()), None


def test_a_learners_model_of_the_courses_layers_is_packed(translator):
    class Mine(EncoderDecoder):
        pass

    mine = Mine(CONFIG, DECODERS)
    mine.load_state_dict(translator.state_dict())
    assert packed(mine, WORDS.words) == packed(translator, WORDS.words)
    assert mine.training


def test_a_model_that_computes_something_else_is_refused():
    with pytest.raises(CannotRunInPage, match="your Blind: with the same weights it computes something else"):
        packed(made(Blind, CONFIG), WORDS.words)
    with pytest.raises(CannotRunInPage, match="your Own: its layers, or their names"):
        packed(Own(), WORDS.words)
    with pytest.raises(CannotRunInPage, match="a Linear: its sizes are not known"):
        packed(nn.Linear(2, 2), WORDS.words)


def test_weights_that_a_page_cannot_hold_are_refused():
    model = made(Decoder, CONFIG)
    model.lm_head.weight.data[0, 0] = 70_000
    with pytest.raises(CannotRunInPage, match="not finite, or too large for float16"):
        packed(model, WORDS.words)
    with pytest.raises(CannotRunInPage, match=r"would take 2\.\d MB"):
        packed(Decoder(TransformerConfig(50_000, 7, n_embd=8, n_head=2, n_layer=1)), WORDS.words)


def test_packing_leaves_the_random_numbers_alone(translator):
    before = torch.get_rng_state()
    packed(translator, WORDS.words)
    assert before.equal(torch.get_rng_state())


def test_a_script_holds_a_network_by_its_name_and_no_end_of_a_script(translator):
    network = packed(translator, [*WORDS.words[:-1], "</script>"])
    script = as_script("one", network)
    assert "<" not in script
    assert json.loads(script.removeprefix('(globalThis.nineLivesNetworks ??= {})["one"] = ').rstrip(";\n")) == network
    assert name_of(network) != name_of(packed(translator, WORDS.words))


def test_a_model_made_of_a_learners_own_parts_in_unusual_forms_is_packed_as_the_packages(tmp_path, monkeypatch, capsys):
    put_notebooks(tmp_path, unusual=True)
    (tmp_path / "08-prefix-generation").mkdir(exist_ok=True)
    monkeypatch.chdir(tmp_path / "08-prefix-generation")
    trained, tokenizer = weights.load("translator")
    own = weights.copy_into(use_mine("EncoderDecoder")(trained.encoder.config, trained.decoder.config), trained)
    assert "made of your Embedding" in capsys.readouterr().out
    assert packed(own, tokenizer.words) == packed(trained, tokenizer.words)


class OwnWords:
    """A learner's tokenizer of notebook 9, in its own way."""

    def __init__(self, words):
        self.words, self.end_token = ["<end>", *words], 0

    def encode(self, text):
        cut = text.lower().strip().removesuffix(".").replace("'", "' ").split()
        return torch.tensor([self.words.index(word) for word in cut], dtype=torch.int64)  # (T,)


class Capitals(OwnWords):
    def encode(self, text):
        return super().encode(" ".join(word for word in text.split() if word == word.lower()))


def test_a_learners_own_tokenizer_reads_on_a_page_where_it_reads_as_the_packages(translator):
    own = OwnWords(WORDS.words[1:])
    assert packed_translator(translator, own, own) == packed_translator(translator, WORDS, WORDS)
    with pytest.raises(CannotRunInPage, match="with your Capitals: it gives a text other ids"):
        packed_translator(translator, WORDS, Capitals(WORDS.words[1:]))
    with pytest.raises(CannotRunInPage, match="with the package's CharTokenizer: it gives a text other ids"):
        packed_translator(translator, CharTokenizer("abc' "), WORDS)

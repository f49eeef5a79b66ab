import json
import shutil
from dataclasses import asdict

import pytest
import torch

from ninelives import weights
from ninelives.model import Decoder
from ninelives.recipes import curves
from ninelives.text.grammar import VERSION

OF_THE_GRAMMAR = ("antecedent", "reader", "storyteller", "translator")
OF_THE_LABS = ("addition", "pronunciation", "shakespeare")
NAMES = OF_THE_GRAMMAR + OF_THE_LABS


@pytest.mark.parametrize("name", NAMES)
def test_weights_come_in_float32_in_eval_mode_and_leave_random_numbers_alone(name):
    before = torch.get_rng_state()
    model, tokenizer = weights.load(name)
    assert torch.equal(torch.get_rng_state(), before)
    assert not model.training
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    card = weights.card(name)
    assert card["parameters"] == sum(parameter.numel() for parameter in model.parameters())
    assert card["configs"][-1]["vocab_size"] == tokenizer.vocab_size


@pytest.mark.parametrize("name", NAMES)
def test_the_cards_say_how_the_weights_were_made_and_that_rounding_cost_nothing(name):
    card, page = weights.card(name), (weights.FOLDER / f"{name}.md").read_text(encoding="utf-8")
    assert card["command"] == f"python -m ninelives.recipes.{name}"
    assert card["grammar_version"] == VERSION if name in OF_THE_GRAMMAR else card["data"] in page
    assert card["sha256"] in page and card["command"] in page
    exact, shipped = card["figures"]["float32"], card["figures"]["float16"]
    assert exact.keys() == shipped.keys()
    for what, before in exact.items():
        pairs = zip(before, shipped[what]) if isinstance(before, list) else [(before, shipped[what])]
        assert all(abs(a - b) <= 0.01 for a, b in pairs), what


def test_a_learners_model_gets_the_weights_of_a_trained_one():
    trained, _ = weights.load("storyteller")
    model = weights.copy_into(Decoder(trained.config), trained)
    assert model is not trained and not model.training
    assert all(torch.equal(tensor, trained.state_dict()[name]) for name, tensor in model.state_dict().items())


def test_a_model_with_other_layer_names_is_replaced_and_a_line_says_so(capsys):
    trained, _ = weights.load("storyteller")
    assert weights.copy_into(torch.nn.Linear(2, 2), trained) is trained
    assert "a layer of your Linear or of its parts has another name" in capsys.readouterr().out


def test_all_weights_together_are_small():
    assert {path.stem for path in weights.FOLDER.glob("*.safetensors")} == set(NAMES)
    assert sum(weights.card(name)["bytes"] for name in NAMES) < 4_000_000
    assert all(weights.card(name)["bytes"] <= 1_000_000 for name in NAMES)


@pytest.mark.parametrize("name", OF_THE_LABS)
def test_the_weights_of_a_lab_are_those_of_the_run_that_the_lab_shows(name):
    run = curves.load({"addition": "addition.best"}.get(name, name))
    card = weights.card(name)
    assert card["recipe"] == asdict(run.recipe) and card["parameters"] == run.parameters
    assert run.finished


def copied(name, folder):
    for path in weights.FOLDER.glob(f"{name}.*"):
        shutil.copy(path, folder)
    return folder / f"{name}.safetensors"


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="there are no weights 'gpt': choose one of 'addition', 'antecedent', 'pronunciation', "):
        weights.load("gpt")


@pytest.mark.parametrize(
    "damage",
    [lambda data: data[:-100], lambda data: b"", lambda data: data[:999] + bytes([data[999] ^ 1]) + data[1000:]],
    ids=["cut off", "empty", "one bit"],
)
def test_a_damaged_file_is_refused_with_what_to_do(tmp_path, damage):
    path = copied("antecedent", tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match="the weights 'antecedent' are damaged: .* python -m ninelives.recipes.antecedent"):
        weights.load("antecedent", tmp_path)


def test_a_missing_file_is_refused_with_what_to_do(tmp_path):
    copied("antecedent", tmp_path).unlink()
    with pytest.raises(ValueError, match="cannot be read .* python -m ninelives.recipes.antecedent"):
        weights.load("antecedent", tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"model": "Encoder"}'])
def test_a_damaged_card_is_refused(tmp_path, text):
    copied("antecedent", tmp_path)
    (tmp_path / "antecedent.json").write_text(text)
    with pytest.raises(ValueError, match="antecedent.json is damaged"):
        weights.load("antecedent", tmp_path)


def test_what_is_saved_is_loaded_rounded_to_float16(tmp_path):
    model, tokenizer = weights.load("antecedent")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1e-5)
    weights.save("other", model, tokenizer, {"why": "a test"}, tmp_path)
    again, words = weights.load("other", tmp_path)
    assert words.words == tokenizer.words
    for name, tensor in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor.half().float())
    assert json.loads((tmp_path / "other.json").read_text())["why"] == "a test"

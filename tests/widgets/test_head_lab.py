import json
import re

import numpy as np
import pytest
import torch
from traitlets import TraitError

from ninelives import weights
from ninelives.config import TransformerConfig
from ninelives.model import EncoderDecoder, prefix_generation, with_heads_from, without_heads
from ninelives.model.causes import without_words
from ninelives.text import WordTokenizer
from ninelives.text.grammar import parse
from ninelives.widgets import HeadLab
from ninelives.widgets.head_lab.in_words import changes_in_words, reading, strongest
from ninelives.widgets.head_lab.picture import in_words
from ninelives.widgets.head_lab.translate import swapped
from ninelives.widgets.page_network import CannotRunInPage

SENTENCE, OTHER = "the fox called the giraffe because it was strong", "the giraffe called the fox because it was strong"
ALONE = "the cat did not want to eat because it was full"
MODEL, TOKENIZER = weights.load("translator")
PIVOT = 12  # decoder 0 head 0


@pytest.fixture(scope="module")
def made() -> HeadLab:
    return HeadLab(MODEL, TOKENIZER, SENTENCE, parse=parse)


@pytest.fixture
def lab(made) -> HeadLab:
    """The lab as it begins."""
    made.text = SENTENCE
    made.hidden, made.out, made.patched, made.mode = [], [], [], "out"
    made.answers = {"": made.answers[""]}
    return made


@pytest.fixture(scope="module")
def no_choice() -> HeadLab:
    lab = HeadLab(MODEL, TOKENIZER, ALONE, pair=("chien", "pie"))
    lab.hidden = [1]
    return lab


def translated(changed) -> str:
    """What is written while a context of the model is open."""
    prefix = TOKENIZER.encode(SENTENCE)[None]
    with changed:
        return TOKENIZER.decode(prefix_generation(MODEL, prefix, 20, 0, end_token=TOKENIZER.end_token)[0])


def test_a_sentence_is_translated_and_every_word_and_head_is_measured(lab):
    assert lab.answers[""]["text"] == "le renard a appelé la girafe parce qu'elle était forte"
    assert lab.answers[""]["difference"] < -5
    assert {name: len(numbers) for name, numbers in lab.of_words.items()} == {"occlusion": 9, "gradient": 9, "attention": 9}
    assert {name: len(numbers) for name, numbers in lab.of_heads.items()} == {"out": 20, "patched": 20}
    assert lab.layers == [["encoder 0", 4], ["encoder 1", 4], ["encoder 2", 4], ["decoder 0", 4], ["decoder 1", 4]]
    assert (lab.other, lab.other_answer) == (OTHER, "la girafe a appelé le renard parce qu'il était fort")


@pytest.mark.parametrize(("name", "heads"), [("out", [1, 2]), ("patched", [PIVOT])])
def test_the_translation_is_written_again_where_heads_are_changed(lab, name, heads):
    pairs = [(k // 4, k % 4) for k in heads]
    prefix = TOKENIZER.encode(OTHER)[None]
    other = prefix_generation(MODEL, prefix, 20, 0, end_token=TOKENIZER.end_token)
    wanted = translated(without_heads(MODEL, pairs) if name == "out" else with_heads_from(MODEL, pairs, prefix, other))
    setattr(lab, name, heads)
    [now] = [answer for changes, answer in lab.answers.items() if changes]
    assert now["text"] == wanted != lab.answers[""]["text"] and "qu'il" in wanted
    assert now["difference"] > 0
    if len(heads) == 1:
        assert lab.answers[""]["difference"] - now["difference"] == pytest.approx(lab.of_heads[name][heads[0]], abs=1e-3)


def test_the_translation_is_written_again_where_words_are_hidden(lab):
    hidden = torch.zeros(9, dtype=torch.bool)
    hidden[2] = True  # called
    lab.hidden = [2]
    now = lab.answers["2||"]
    assert now["text"] == translated(without_words(MODEL, hidden)) != lab.answers[""]["text"]
    assert lab.answers[""]["difference"] - now["difference"] == pytest.approx(lab.of_words["occlusion"][2], abs=1e-3)


def test_changes_add_up_and_a_head_that_is_both_is_out(lab):
    lab.patched = [PIVOT]
    lab.out = [PIVOT]
    both = lab.answers[f"|{PIVOT}|{PIVOT}"]
    lab.patched = []
    assert both == lab.answers[f"|{PIVOT}|"]
    lab.hidden = [4, 1]
    assert "1,4|12|" in lab.answers


def test_another_text_begins_without_changes(lab):
    lab.mode, lab.patched = "patched", [PIVOT]
    lab.text = ALONE
    assert (lab.patched, lab.mode, lab.other, list(lab.answers), list(lab.of_heads)) == ([], "out", "", [""], ["out"])
    assert lab.remark == ""
    lab.text = "the cat was the dog"
    assert lab.remark.startswith("This is not a sentence of the grammar from which") and lab.describe().startswith(lab.remark)
    lab.text = "the zebra"
    assert "“zebra” is not among" in lab.error and "“zebra” is not among" in lab.describe() and "“zebra” is not among" in repr(lab)
    assert (lab.answers, lab.of_heads, lab.words, lab.remark) == ({}, {}, [], "")
    assert lab.picture().png().startswith(b"\x89PNG")


@pytest.mark.parametrize(("text", "other"), [
    (SENTENCE, OTHER), (f"{OTHER.capitalize()}.", SENTENCE), (ALONE, ""), ("the cat saw the cat", ""), ("", ""), ("it was the", ""),
])
def test_the_other_sentence_has_the_nouns_swapped(text, other):
    assert swapped(text) == other


@pytest.mark.parametrize(("name", "value", "says"), [
    ("hidden", [9], "hidden has 9, but there are 9 words, counted from 0 to 8."),
    ("out", [3, 20], "out has 20, but there are 20 heads, counted from 0 to 19."), ("patched", [-1], "patched has -1"),
    ("mode", "in", "mode"), ("hidden", ["zebra"], "hidden: 'zebra' is not among the tokens: the₁, fox"),
    ("out", [(3, 4)], "out has (3, 4); a head is (layer, head), with layers from 0 to 4, which have 4, 4, 4, 4, 4 heads."),
    ("out", ["il"], "out has il, but there are 20 heads"),
])
def test_a_change_that_is_not_there_is_refused_with_one_sentence(lab, name, value, says):
    with pytest.raises(TraitError, match=re.escape(says)):
        setattr(lab, name, value)


def test_words_and_heads_are_set_as_such(lab):
    lab.hidden, lab.out, lab.patched = ["called", 5], [(0, 1), (3, 0)], [(4, 3)]
    assert (lab.hidden, lab.out, lab.patched) == ([2, 5], [1, PIVOT], [19])


def test_a_trait_that_is_not_there_is_refused_with_those_that_are(lab):
    with pytest.raises(AttributeError, match="^HeadLab has no trait 'sentence'; it has answered, answers, .*, text, whose, words.$"):
        lab.sentence = SENTENCE


def test_what_cannot_be_patched_in_is_refused_with_the_reason():
    lab = HeadLab(MODEL, TOKENIZER, ALONE)
    for name, value in (("patched", [0]), ("mode", "patched")):
        with pytest.raises(TraitError, match="has no two nouns after “the” that could be swapped"):
            setattr(lab, name, value)
    with pytest.raises(ValueError, match="pass two words that the tokenizer knows"):
        HeadLab(MODEL, TOKENIZER, ALONE, pair=("il", "zebra"))
    with pytest.raises(ValueError, match="^Encoder has no encoder and decoder: pass a model that translates"):
        HeadLab(MODEL.encoder, TOKENIZER, ALONE)


def test_without_either_word_there_is_no_choice_to_measure(no_choice):
    lab = no_choice
    assert (lab.of_words, lab.of_heads, lab.answers[""]["difference"]) == ({}, {}, None)
    assert reading(lab).startswith(f"“{ALONE}” becomes “") and "so there is no choice to measure. With cat hidden, " in reading(lab)
    assert strongest(lab) == "" and lab.picture().png().startswith(b"\x89PNG")


def test_a_learners_model_of_other_sizes_is_read_too():
    class Mine(EncoderDecoder):
        pass

    Mine.__module__ = "__main__"
    tokenizer = WordTokenizer(["the", "cat", "was", "il", "elle"])
    torch.manual_seed(0)
    sizes = {"vocab_size": tokenizer.vocab_size, "block_size": 8, "n_embd": 12, "dropout": 0.5}
    model = Mine(TransformerConfig(**sizes, n_head=3, n_layer=1), TransformerConfig(**sizes, n_head=2, n_layer=1))
    with torch.no_grad():
        model.decoder.lm_head.weight[tokenizer.ids["il"]] *= 20
    lab = HeadLab(model, tokenizer, "the cat was", pair=("il", "elle"))
    assert lab.whose == "Your Mine translates." and lab.error == "" and model.training
    assert lab.layers == [["encoder 0", 3], ["decoder 0", 2]]
    lab.out = [4]
    assert changes_in_words(lab) == "decoder 0 head 1 taken out"
    assert lab.picture().png().startswith(b"\x89PNG")


def test_a_page_that_cannot_compute_knows_each_change_alone(lab, tmp_path, monkeypatch):
    lab.save_html(tmp_path / "page.html")
    assert len(lab.answers) == 1

    def refuse():
        raise CannotRunInPage("This page cannot compute.")

    monkeypatch.setattr(lab, "_network", refuse)
    lab.save_html(tmp_path / "page.html")
    assert len(lab.answers) == 1 + 9 + 20 + 20
    assert len(json.dumps(lab.get_state())) < 100_000
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in MODEL.modules())


def test_the_words_name_what_weighs_most_and_the_picture_follows(lab):
    heads = np.argsort(-np.abs(lab.of_heads["out"]))
    assert f"the heads that change it most are encoder {heads[0] // 4} head {heads[0] % 4} −" in lab.describe()
    assert f"Patched in alone from “{OTHER}”: decoder 0 head 0 −" in lab.describe()
    before = lab.picture()
    lab.mode = "patched"
    assert lab.picture().png() != before.png() and lab.picture().alt == in_words(lab)


def test_the_browser_says_what_python_says(lab, no_choice, same_in_javascript):
    lab.hidden = [8, 1]
    lab.out, lab.patched, lab.mode = [3], [PIVOT, 5, 4], "patched"
    labs = [HeadLab(MODEL, TOKENIZER, ALONE), lab, no_choice, HeadLab(MODEL, TOKENIZER, "zebra " * 20)]
    same_in_javascript("head_lab", [(lab, {"reading": reading(lab), "strongest": strongest(lab)}) for lab in labs])

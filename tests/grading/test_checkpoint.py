"""Trainings that are handed in: the honest are scored, and everything else gets one sentence."""

import hashlib
import json
import os
import re
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from ninelives import weights
from ninelives.checks.exercise import CheckFailed
from ninelives.config import TransformerConfig
from ninelives.grading import checkpoint
from ninelives.grading.checkpoint import Refused, Score, compare, own_training, read, score
from ninelives.model import EncoderDecoder
from ninelives.recipes.translator import take_over
from ninelives.text import WordTokenizer, sentences
from ninelives.text.grammar import every_word
from ninelives.training import Recipe, train, translation_batch
from ninelives.training.batches import drawn_from

TOKENIZER = WordTokenizer(sorted({*every_word("english"), *every_word("french")}))
TRAIN = sentences("train", 200)


def trained(folder: Path, seed: int = 0, steps: int = 3) -> Path:
    config = TransformerConfig(TOKENIZER.vocab_size, 32, n_embd=8, n_head=2, n_layer=1, dropout=0.0)
    torch.manual_seed(seed)
    model = EncoderDecoder(config, config)
    prefix, targets = translation_batch(TRAIN, TOKENIZER)
    train(model, lambda generator, B: (prefix[:B], targets[:B]), Recipe(batch_size=4, max_iters=steps, warmup_steps=1, seed=seed), folder=folder)
    (folder / "tokenizer.json").write_text(TOKENIZER.to_json())
    return folder


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("honest") / "own")


@pytest.fixture
def own(honest, tmp_path):
    return Path(shutil.copytree(honest, tmp_path / "own"))


def facts(folder, **changed):
    known = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**known, **changed}))
    return known


def tensors_of(folder) -> Path:
    [path] = folder.glob("*.safetensors")
    return path


def rewritten(folder, change):
    """The tensors changed, with the checksum that belongs to them, as someone does who knows their way about."""
    path = tensors_of(folder)
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)
    facts(folder, sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def test_an_honest_training_is_read_with_its_model_tokenizer_and_run(own):
    model, tokenizer, run = read(own)
    assert run.step == 3 and tokenizer.words == TOKENIZER.words and not model.training
    assert torch.equal(model.decoder.lm_head.weight, load_file(tensors_of(own))["model.decoder.lm_head.weight"])


def test_the_score_counts_parameters_and_steps_in_the_file(own):
    found = score(own, n=20)
    assert (found.accuracy, found.bonus, found.control, found.steps) == (0, 0, 0, 3)
    assert found.parameters == sum(p.numel() for p in read(own)[0].parameters())


def answering(monkeypatch, wrong_pronouns=0.0):
    """A model that knows the French, but for a share of pronouns; the grader's sentences stay as drawn."""
    def answers(model, tokenizer, drawn):
        wanted = [[*tokenizer.encode(sentence.french).tolist(), 0] for sentence in drawn]
        said = [row if k >= wrong_pronouns * len(wanted) else row[::-1] for k, row in enumerate(wanted)]
        return said, wanted

    monkeypatch.setattr(checkpoint, "answers", answers)
    checkpoint.scored.cache_clear()


def test_points_go_with_the_share_of_right_sentences(own, monkeypatch, capsys):
    answering(monkeypatch, wrong_pronouns=0.1)
    assert score(own) == Score(0.9, 0.9, 0, score(own).parameters, 3)
    for aspect in ("50 %", "80 %", "bonus"):
        own_training(own, aspect)
    for aspect in ("95 %", "99 %"):
        with pytest.raises(CheckFailed, match="90.0 % of 400 sentences are right"):
            own_training(own, aspect)
    assert "own training, 80 %: visible checks passed." in capsys.readouterr().out


def test_a_score_is_not_that_of_what_stood_there_before(own):
    assert score(own, n=5).steps == 3
    shutil.rmtree(own)
    assert score(trained(own, steps=4), n=5).steps == 4


def positions_for_four_words(tensors):
    for name, tensor in tensors.items():
        if name.startswith("model.") and "position" in name:
            tensors[name] = tensor[:4].clone()


def test_a_model_that_cannot_read_the_sentences_is_refused(own):
    rewritten(own, positions_for_four_words)
    facts(own, config={part: {**sizes, "block_size": 4} for part, sizes in facts(own)["config"].items()})
    with pytest.raises(Refused, match="cannot be asked for a translation: .*4"):
        score(own, n=5)


def test_words_that_are_numbers_are_refused(own):
    (own / "tokenizer.json").write_text('{"tokenizer": "WordTokenizer", "words": ["the", 5]}')
    with pytest.raises(Refused, match="cannot be asked for a translation"):
        score(own, n=5)


def test_guessing_the_pronoun_is_told_as_guessing(own, monkeypatch):
    answering(monkeypatch, wrong_pronouns=0.5)
    with pytest.raises(CheckFailed, match="all is right but the pronoun, which is guessed"):
        own_training(own, "80 %")


def test_other_sentences_are_drawn_with_another_seed(own, monkeypatch):
    asked = []
    monkeypatch.setattr(checkpoint, "answers", lambda model, tokenizer, drawn: asked.append([s.english for s in drawn]) or ([[1]] * len(drawn), [[2]] * len(drawn)))
    checkpoint.scored.cache_clear()
    score(own, n=50, seed=1)
    score(own, n=50, seed=2)
    assert asked[0] != asked[2]


def test_answers_that_are_right_for_any_sentence_are_refused_by_the_control(own, monkeypatch):
    class Everything(list):
        def __eq__(self, other):
            return True

    monkeypatch.setattr(checkpoint, "answers", lambda model, tokenizer, drawn: (
        [Everything() for _ in drawn], [tokenizer.encode(s.french).tolist() for s in drawn]))
    checkpoint.scored.cache_clear()
    with pytest.raises(Refused, match="also right for other sentences"):
        score(own, n=50)


def no_training(own):
    shutil.rmtree(own)


def a_pickle_instead(own):
    shutil.rmtree(own)
    own.mkdir()
    torch.save({}, own / "model.pt")


def a_pickle_under_another_name(own):
    torch.save({}, tensors_of(own))


def ten_gigabytes(own):
    os.truncate(tensors_of(own), 10_000_000_000)  # sparse: no disk is used


def a_huge_run_json(own):
    os.truncate(own / "run.json", 10_000_000_000)


def a_link_to_another(own):
    path = tensors_of(own)
    path.rename(own.parent / "elsewhere")
    path.symlink_to(own.parent / "elsewhere")


def another_shape(own):
    known = facts(own)
    config = {part: {**sizes, "n_embd": 16} for part, sizes in known["config"].items()}
    facts(own, config=config)


def a_table_of_answers(own):
    rewritten(own, lambda tensors: tensors.update(answers=torch.zeros(400, 12)))


def a_part_missing(own):
    rewritten(own, lambda tensors: tensors.pop("model.decoder.lm_head.weight"))


def weights_exchanged(own):
    path = tensors_of(own)
    tensors = load_file(path)
    tensors["model.decoder.lm_head.weight"] += 1
    save_file(tensors, path)


def nan(own):
    rewritten(own, lambda tensors: tensors["model.decoder.lm_head.weight"].fill_(float("nan")))


def whole_numbers(own):
    rewritten(own, lambda tensors: tensors.update({"model.decoder.lm_head.weight": tensors["model.decoder.lm_head.weight"].long()}))


def fewer_steps_claimed(own):
    tensors_of(own).rename(own / "step-000001.safetensors")
    facts(own, step=1)


def too_many_steps(own):
    facts(own, step=40_000)
    tensors_of(own).rename(own / "step-040000.safetensors")


def a_giant_model(own):
    known = facts(own)
    facts(own, config={part: {**sizes, "n_embd": 4096} for part, sizes in known["config"].items()})


def many_small_layers(own):
    known = facts(own)
    facts(own, config={part: {**sizes, "n_embd": 512, "n_layer": 12} for part, sizes in known["config"].items()})


def with_header(own, **entry):
    path = tensors_of(own)
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = {name: known | entry for name, known in json.loads(data[8 : 8 + length]).items()}
    made = json.dumps(header).encode()
    path.write_bytes(len(made).to_bytes(8, "little") + made + data[8 + length :])
    facts(own, sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def offsets_of_nonsense(own):
    with_header(own, data_offsets=[0, 1])


def no_shapes(own):
    with_header(own, shape="much")


def numbers_of_nonsense(own):
    with_header(own, dtype=["F32"])


def several_counts_of_steps(own):
    rewritten(own, lambda tensors: tensors.update({"optimizer.step.0": torch.ones(2)}))


def a_header_nested_deeply(own):
    tensors_of(own).write_bytes((1 << 20).to_bytes(8, "little") + b"[" * (1 << 20))


def no_file_of_tensors(own):
    tensors_of(own).write_bytes(b"abc")


def json_nested_deeply(own):
    (own / "run.json").write_text("[" * (1 << 20))


def no_steps_yet(own):
    facts(own, step=0)


def a_tokenizer_of_nonsense(own):
    (own / "tokenizer.json").write_text("[1, 2]")


def a_number_of_thousands_of_digits(own):
    (own / "run.json").write_text(f'{{"step": {"9" * 5000}}}')


def a_pipe(own):
    (own / "tokenizer.json").unlink()
    os.mkfifo(own / "tokenizer.json")


def a_link_to_another_folder(own):
    own.rename(own.parent / "elsewhere")
    own.symlink_to(own.parent / "elsewhere")


def no_json(own):
    (own / "run.json").write_bytes(b"\x00\xff not json")


def json_of_something_else(own):
    (own / "run.json").write_text("[1, 2]")


def a_path_in_place_of_the_steps(own):
    facts(own, step="../../elsewhere")


def half_a_file(own):
    path = tensors_of(own)
    os.truncate(path, path.stat().st_size // 2)


def no_tokenizer(own):
    (own / "tokenizer.json").unlink()


def a_larger_vocabulary(own):
    (own / "tokenizer.json").write_text(WordTokenizer(TOKENIZER.words + [f"w{k}" for k in range(99)]).to_json())


REFUSED = {
    no_training: "there is no training in own",
    a_pickle_instead: "model.pt, which is a pickle and is not opened",
    a_pickle_under_another_name: "a pickle under another name",
    ten_gigabytes: "has 10,000 MB and was not opened",
    a_huge_run_json: "run.json has 10,000 MB and was not opened",
    a_link_to_another: "is a link",
    another_shape: "a model of another shape",
    a_table_of_answers: "no tables of answers",
    a_part_missing: "holds no model.decoder.lm_head.weight",
    weights_exchanged: "is not the file that run.json was written for",
    nan: "this training diverged",
    whole_numbers: "weights are floats",
    fewer_steps_claimed: "run.json says 1 steps and the optimizer 3",
    too_many_steps: "at most 30,000 are graded",
    a_giant_model: "n_embd is 4,096; at most 512",
    many_small_layers: "parameters; at most 2,000,000",
    offsets_of_nonsense: "no safetensors file (SafetensorError)",
    no_shapes: "no safetensors file (a shape is no list",
    numbers_of_nonsense: "no safetensors file (a shape is no list",
    several_counts_of_steps: "no safetensors file",
    a_header_nested_deeply: "no safetensors file",
    no_file_of_tensors: "no safetensors file",
    json_nested_deeply: "run.json is no JSON (RecursionError)",
    no_steps_yet: "0 steps: this training has not begun",
    a_tokenizer_of_nonsense: "tokenizer.json: this is no saved tokenizer",
    a_number_of_thousands_of_digits: "run.json is no JSON (ValueError)",
    a_pipe: "tokenizer.json is missing",
    a_link_to_another_folder: "own is a link",
    no_json: "run.json is no JSON",
    json_of_something_else: "describes no training",
    a_path_in_place_of_the_steps: "'../../elsewhere' steps",
    half_a_file: "is not the file that run.json was written for",
    no_tokenizer: "tokenizer.json is missing",
    a_larger_vocabulary: "they belong to different trainings",
}


@pytest.mark.parametrize("damage", REFUSED, ids=lambda damage: damage.__name__)
def test_what_is_no_honest_training_gets_one_sentence(own, damage):
    damage(own)
    with pytest.raises(Refused, match=re.escape(REFUSED[damage])):
        read(own)
    with pytest.raises(CheckFailed, match="a training that can be scored"):
        own_training(own, "50 %")


def go_on(model, tokenizer, folder, steps, rate=1e-3):
    """A few steps more, written as notebook 9 writes them."""
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    train(model, drawn_from(TRAIN, tokenizer), Recipe(learning_rate=rate, batch_size=16, max_iters=steps, warmup_steps=0), folder=folder)
    (folder / "tokenizer.json").write_text(tokenizer.to_json())
    return folder


@pytest.fixture(scope="module")
def the_courses_own(tmp_path_factory):
    return go_on(*weights.load("translator"), tmp_path_factory.mktemp("shipped") / "own", steps=1, rate=1e-9)


def as_they_are(tensors):
    pass


def in_half_precision_and_a_little_off(tensors):
    for name in [name for name in tensors if name.startswith("model.")]:
        tensors[name] = (tensors[name] + 0.01 * torch.randn(tensors[name].shape)).half()


@pytest.mark.parametrize("change", [as_they_are, in_half_precision_and_a_little_off], ids=lambda change: change.__name__)
def test_the_weights_that_come_with_the_course_are_nobodys_own_training(the_courses_own, tmp_path, change):
    own = Path(shutil.copytree(the_courses_own, tmp_path / "own"))
    rewritten(own, change)
    with pytest.raises(Refused, match="the translator which comes with the course"):
        read(own)
    with pytest.raises(CheckFailed, match="the translator which comes with the course"):
        own_training(own, "50 %")


def test_going_on_from_the_courses_weights_is_no_training_of_ones_own(tmp_path):
    with pytest.raises(Refused, match="the translator which comes with the course"):
        read(go_on(*weights.load("translator"), tmp_path / "own", steps=20))


def test_a_head_start_is_a_training_of_ones_own_even_from_the_seed_of_the_course(tmp_path):
    sizes = {"vocab_size": TOKENIZER.vocab_size, "block_size": 32, "n_embd": 64, "n_head": 4, "dropout": 0.0}
    torch.manual_seed(0)
    model = EncoderDecoder(TransformerConfig(**sizes, n_layer=3), TransformerConfig(**sizes, n_layer=2))
    take_over(model.encoder, TOKENIZER, *weights.load("antecedent"))
    own = go_on(model, TOKENIZER, tmp_path / "own", steps=5)
    assert read(own)[2].step == 5
    _, whole = checkpoint.weights_of(own)
    course = weights.load("translator")[0]
    assert checkpoint.correlation(whole, torch.cat([p.detach().flatten() for _, p in sorted(course.named_parameters())])) > checkpoint.CLOSE


def test_a_pickle_is_never_run(own):
    class Bomb:
        def __reduce__(self):
            return (os.mkdir, (str(own / "ran"),))

    torch.save(Bomb(), tensors_of(own))
    with pytest.raises(Refused, match="a pickle"):
        read(own)
    assert not (own / "ran").exists()


@pytest.fixture
def submitted(honest, tmp_path):
    """A class of four: ada, bob who copied her files, cy who went on from them, dee with her own."""
    folders = {name: tmp_path / "submitted" / name / "09-training" / "own" for name in ("ada", "bob", "cy", "dee")}
    for name in ("ada", "bob", "cy"):
        shutil.copytree(honest, folders[name])
    rewritten(folders["cy"], lambda tensors: tensors["model.decoder.lm_head.weight"].mul_(1.001))
    trained(folders["dee"], seed=1)
    return folders


def test_the_same_weights_are_found_in_a_class_and_those_that_hardly_differ(submitted):
    said = compare(submitted)
    assert len(said) == 3
    assert "ada and bob handed in the same weights" in said[0]
    assert "ada and cy handed in nearly the same weights" in said[1]
    assert not any("dee" in sentence for sentence in said)


def test_the_command_scores_a_class_and_goes_on_after_what_it_refuses(submitted, capsys):
    no_json(submitted["dee"])
    checkpoint.main([str(submitted["ada"].parents[2]), "--seed", "5"])
    printed = capsys.readouterr().out
    assert re.search(r"ada +0\.0% +0\.0% +0\.0% +3 ", printed)
    assert "dee                      refused: run.json is no JSON" in printed
    assert "ada and bob handed in the same weights" in printed


def test_the_command_goes_on_after_what_may_not_be_read(submitted, capsys, monkeypatch):
    def read_bytes(path):
        if "dee" in path.parts:
            raise PermissionError(13, "Permission denied")
        return path.open("rb").read()

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    checkpoint.main([str(submitted["ada"].parents[2])])
    printed = capsys.readouterr().out
    assert re.search("dee +refused: .*Permission denied", printed) and "ada and cy handed in nearly" in printed


def test_the_command_names_who_hands_in_the_courses_weights(submitted, the_courses_own, capsys):
    shutil.rmtree(submitted["dee"])
    shutil.copytree(the_courses_own, submitted["dee"])
    checkpoint.main([str(submitted["ada"].parents[2])])
    assert re.search("dee +refused: the decoder is that of the translator which comes with the course", capsys.readouterr().out)


def test_a_name_that_writes_to_the_terminal_is_escaped(submitted, capsys):
    shutil.rmtree(submitted["dee"])
    submitted["dee"].mkdir()
    (submitted["dee"] / "x\n\x1b[2J.pt").touch()
    checkpoint.main([str(submitted["ada"].parents[2])])
    assert r"refused: own holds x\n\x1b[2J.pt" in capsys.readouterr().out


def test_the_command_says_what_is_missing(tmp_path):
    with pytest.raises(SystemExit, match="There is no .*STUDENT/09-training/own"):
        checkpoint.main([str(tmp_path)])

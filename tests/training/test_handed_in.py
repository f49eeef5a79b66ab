"""Trainings that are handed in: an honest one is read, and everything else gets one sentence."""

import hashlib
import json
import os
import re
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from helpers.handed import TOKENIZER, change_facts, change_tensors, continued, tensors_file
from ninelives import weights
from ninelives.config import TransformerConfig
from ninelives.model import EncoderDecoder
from ninelives.recipes.translator import take_over
from ninelives.text import WordTokenizer
from ninelives.training.compare_class import NEARLY_THE_SAME, all_weights
from ninelives.training.handed_in import Refused, correlation, read


def test_an_honest_training_is_read_with_its_model_tokenizer_and_run(own):
    model, tokenizer, run = read(own)
    assert run.step == 3 and tokenizer.words == TOKENIZER.words and not model.training
    assert torch.equal(model.decoder.lm_head.weight, load_file(tensors_file(own))["model.decoder.lm_head.weight"])


def no_training(own):
    shutil.rmtree(own)


def a_pickle_instead(own):
    shutil.rmtree(own)
    own.mkdir()
    torch.save({}, own / "model.pt")


def a_pickle_under_another_name(own):
    torch.save({}, tensors_file(own))


def ten_gigabytes(own):
    os.truncate(tensors_file(own), 10_000_000_000)  # sparse: no disk is used


def a_huge_run_json(own):
    os.truncate(own / "run.json", 10_000_000_000)


def a_link_to_another(own):
    path = tensors_file(own)
    path.rename(own.parent / "elsewhere")
    path.symlink_to(own.parent / "elsewhere")


def another_shape(own):
    known = change_facts(own)
    config = {part: {**sizes, "n_embd": 16} for part, sizes in known["config"].items()}
    change_facts(own, config=config)


def a_table_of_answers(own):
    change_tensors(own, lambda tensors: tensors.update(answers=torch.zeros(400, 12)))


def a_part_missing(own):
    change_tensors(own, lambda tensors: tensors.pop("model.decoder.lm_head.weight"))


def layers_with_other_names(own):
    def rename(tensors):
        for name in [name for name in tensors if "embedding.token" in name]:
            tensors[name.replace("embedding.token", "embedding.words")] = tensors.pop(name)

    change_tensors(own, rename)


def a_layer_too_many(own):
    change_tensors(own, lambda tensors: tensors.update({"model.bridge.weight": torch.zeros(8, 8)}))


def parts_that_do_not_know_their_sizes(own):
    change_facts(own, config={})


def weights_replaced(own):
    path = tensors_file(own)
    tensors = load_file(path)
    tensors["model.decoder.lm_head.weight"] += 1
    save_file(tensors, path)


def nan(own):
    change_tensors(own, lambda tensors: tensors["model.decoder.lm_head.weight"].fill_(float("nan")))


def whole_numbers(own):
    change_tensors(own, lambda tensors: tensors.update({"model.decoder.lm_head.weight": tensors["model.decoder.lm_head.weight"].long()}))


def fewer_steps_claimed(own):
    tensors_file(own).rename(own / "step-000001.safetensors")
    change_facts(own, step=1)


def too_many_steps(own):
    change_facts(own, step=40_000)
    tensors_file(own).rename(own / "step-040000.safetensors")


def a_giant_model(own):
    known = change_facts(own)
    change_facts(own, config={part: {**sizes, "n_embd": 4096} for part, sizes in known["config"].items()})


def many_small_layers(own):
    known = change_facts(own)
    change_facts(own, config={part: {**sizes, "n_embd": 512, "n_layer": 12} for part, sizes in known["config"].items()})


def with_header(own, **entry):
    path = tensors_file(own)
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = {name: known | entry for name, known in json.loads(data[8 : 8 + length]).items()}
    made = json.dumps(header).encode()
    path.write_bytes(len(made).to_bytes(8, "little") + made + data[8 + length :])
    change_facts(own, sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def offsets_of_nonsense(own):
    with_header(own, data_offsets=[0, 1])


def no_shapes(own):
    with_header(own, shape="much")


def numbers_of_nonsense(own):
    with_header(own, dtype=["F32"])


def several_counts_of_steps(own):
    change_tensors(own, lambda tensors: tensors.update({"optimizer.step.0": torch.ones(2)}))


def a_header_nested_deeply(own):
    tensors_file(own).write_bytes((1 << 20).to_bytes(8, "little") + b"[" * (1 << 20))


def no_file_of_tensors(own):
    tensors_file(own).write_bytes(b"abc")


def json_nested_deeply(own):
    (own / "run.json").write_text("[" * (1 << 20))


def no_steps_yet(own):
    change_facts(own, step=0)


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
    change_facts(own, step="../../elsewhere")


def half_a_file(own):
    path = tensors_file(own)
    os.truncate(path, path.stat().st_size // 2)


def no_tokenizer(own):
    (own / "tokenizer.json").unlink()


def a_larger_vocabulary(own):
    (own / "tokenizer.json").write_text(WordTokenizer(TOKENIZER.words + [f"w{k}" for k in range(99)]).to_json())


REFUSED = {
    no_training: "there is no training run in own",
    a_pickle_instead: "model.pt, which is a pickle and is not opened",
    a_pickle_under_another_name: "a pickle under another name",
    ten_gigabytes: "has 10,000 MB and was not opened",
    a_huge_run_json: "run.json has 10,000 MB and was not opened",
    a_link_to_another: "is a link",
    another_shape: "a model of another shape",
    a_table_of_answers: "only weights are graded, not answers",
    layers_with_other_names:
        "are not those that the course names, and scoring runs none of your code. The model has decoder.layers.embedding.words.weight, "
        "encoder.layers.embedding.words.weight where the package's has encoder.layers.embedding.token.weight, "
        "decoder.layers.embedding.token.weight. Keep the layers of the given __init__, with their names, in notebook 1 "
        "(`token`, `position`); then rename or delete this folder, run notebook 9 again, and train again.",
    a_layer_too_many: "The model also has bridge.weight, which the package's has not. Keep the layers",
    parts_that_do_not_know_their_sizes: "the encoder and the decoder of the trained model did not know their sizes",
    a_part_missing: "holds no model.decoder.lm_head.weight",
    weights_replaced: "is not the file that run.json was written for",
    nan: "this training diverged",
    whole_numbers: "weights are floats",
    fewer_steps_claimed: "run.json is at step 1, and the optimizer at 3",
    too_many_steps: "at most 30,000 are graded",
    a_giant_model: "n_embd is 4,096; at most 512",
    many_small_layers: "parameters; at most 2,000,000",
    offsets_of_nonsense: "not a safetensors file (SafetensorError)",
    no_shapes: "not a safetensors file (a shape is not a list",
    numbers_of_nonsense: "not a safetensors file (a shape is not a list",
    several_counts_of_steps: "does not say how many steps the optimizer made",
    a_header_nested_deeply: "not a safetensors file",
    no_file_of_tensors: "not a safetensors file",
    json_nested_deeply: "run.json is not JSON (RecursionError)",
    no_steps_yet: "0 steps: this training has not begun",
    a_tokenizer_of_nonsense: "tokenizer.json: this is not a saved tokenizer",
    a_number_of_thousands_of_digits: "run.json is not JSON (ValueError)",
    a_pipe: "tokenizer.json is missing",
    a_link_to_another_folder: "own is a link",
    no_json: "run.json is not JSON",
    json_of_something_else: "does not describe the training of an EncoderDecoder",
    a_path_in_place_of_the_steps: "'../../elsewhere' steps",
    half_a_file: "is not the file that run.json was written for",
    no_tokenizer: "tokenizer.json is missing",
    a_larger_vocabulary: "they belong to different trainings",
}


@pytest.mark.parametrize("damage", REFUSED, ids=lambda damage: damage.__name__)
def test_anything_but_an_honest_training_is_refused_in_one_sentence(own, damage):
    damage(own)
    with pytest.raises(Refused, match=re.escape(REFUSED[damage])):
        read(own)


def as_they_are(tensors):
    pass


def in_half_precision_and_a_little_off(tensors):
    for name in [name for name in tensors if name.startswith("model.")]:
        tensors[name] = (tensors[name] + 0.01 * torch.randn(tensors[name].shape)).half()


@pytest.mark.parametrize("change", [as_they_are, in_half_precision_and_a_little_off], ids=lambda change: change.__name__)
def test_the_weights_that_come_with_the_course_are_refused(translator_folder, tmp_path, change):
    own = Path(shutil.copytree(translator_folder, tmp_path / "own"))
    change_tensors(own, change)
    with pytest.raises(Refused, match="the translator which comes with the course"):
        read(own)


def test_a_training_that_continues_from_the_courses_weights_is_refused(tmp_path):
    with pytest.raises(Refused, match="the translator which comes with the course"):
        read(continued(*weights.load("translator"), tmp_path / "own", steps=20))


def test_a_training_with_a_head_start_is_read_even_with_the_courses_seed(tmp_path):
    sizes = {"vocab_size": TOKENIZER.vocab_size, "block_size": 32, "n_embd": 64, "n_head": 4, "dropout": 0.0}
    torch.manual_seed(0)
    model = EncoderDecoder(TransformerConfig(**sizes, n_layer=3), TransformerConfig(**sizes, n_layer=2))
    take_over(model.encoder, TOKENIZER, *weights.load("antecedent"))
    own = continued(model, TOKENIZER, tmp_path / "own", steps=5)
    assert read(own)[2].step == 5
    course = weights.load("translator")[0]
    of_course = torch.cat([p.detach().flatten() for _, p in sorted(course.named_parameters())])
    assert correlation(all_weights(own), of_course) > NEARLY_THE_SAME


def test_a_pickle_is_never_run(own):
    class Bomb:
        def __reduce__(self):
            return (os.mkdir, (str(own / "ran"),))

    torch.save(Bomb(), tensors_file(own))
    with pytest.raises(Refused, match="a pickle"):
        read(own)
    assert not (own / "ran").exists()

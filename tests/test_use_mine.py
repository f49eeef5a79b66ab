"""A later notebook uses the learner's own parts, and no mistake in them can stop it."""

import re

import nbformat
import pytest

import ninelives.model
from ninelives.build import ROOT
from ninelives.checks.exercise import Exercise
from ninelives.config import TransformerConfig
from ninelives.made_of import owners
from ninelives.use_mine import PARTS, use_mine

RIGHT = '''
class Embedding(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.words = nn.Embedding(config.vocab_size, config.n_embd)
        self.places = nn.Embedding(config.block_size, config.n_embd)

    def forward(self, idx):
        return self.words(idx.clamp(min=0)) + self.places(torch.arange(idx.shape[1]))
'''
IMPORTS = "import torch\nfrom torch import nn"


@pytest.fixture
def learner(tmp_path, monkeypatch):
    """A function that writes the cells of a learner's first notebook; the caller is in the folder next to it."""
    beside = tmp_path / "03-transformer"
    beside.mkdir()
    monkeypatch.chdir(beside)
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    path = tmp_path / "01-embeddings" / "01-embeddings.ipynb"
    path.parent.mkdir()

    def write(*cells):
        nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells]), path)
        return path

    return write


def test_a_right_part_is_taken_and_named(learner, capsys):
    learner(IMPORTS, RIGHT)
    assert hasattr(use_mine("Embedding")(TransformerConfig(9, 9)), "places")
    assert capsys.readouterr().out == "Embedding: yours, from 01-embeddings.ipynb.\n"


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ((IMPORTS, RIGHT.replace(" + self.places", " * self.places")), "does not pass its check 'values' yet"),
        ((IMPORTS, RIGHT.replace("return", "raise NotImplementedError()  #")), "yours is not written yet"),
        ((IMPORTS,), "defines no Embedding"),
        ((IMPORTS, "class Embedding(:"), "(the cell of Embedding, line 1)."),
        ((IMPORTS, "x = 1\ny = (1,"), "(code cell 2, line 2)."),
        ((IMPORTS, "class Embedding(nn.Modul):\n    pass"), "raises AttributeError"),
        ((IMPORTS, "class Embedding:\n    raise SystemExit"), "raises SystemExit"),
        ((IMPORTS, "class Embedding:\n    raise ValueError('two\\nlines')"), "raises ValueError: two lines"),
        ((IMPORTS, "class Embedding:\n    raise KeyboardInterrupt"), "raises KeyboardInterrupt"),
        ((IMPORTS, RIGHT.replace("return", "raise SystemExit  #")), "yours raises SystemExit in its checks"),
        ((IMPORTS, RIGHT.replace("return", "raise KeyboardInterrupt  #")), "the check of yours was interrupted"),
        ((IMPORTS, "Embedding = 7", "def Embedding(config):\n    return 7"), "does not pass its check 'shape' yet"),
    ],
)
def test_a_wrong_unfinished_missing_or_broken_part_is_left_out_with_one_sentence(learner, capsys, cells, reason):
    learner(*cells)
    assert use_mine("Embedding") is ninelives.model.Embedding
    first, *others = capsys.readouterr().out.splitlines()
    assert first.startswith("Embedding: the package's, since") and all(line.startswith(8 * " ") for line in others)
    assert reason in " ".join([first, *map(str.strip, others)])


def test_a_broken_cell_elsewhere_does_not_hide_a_right_part(learner):
    learner(IMPORTS, "def other(:", RIGHT)
    assert use_mine("Embedding") is not ninelives.model.Embedding


@pytest.mark.parametrize("line", ["import a_package_that_is_not_here", "%pip install seaborn", "!ls", "embedding = Embedding(config)"])
def test_a_broken_line_of_the_same_cell_does_not_hide_a_right_part(learner, line):
    learner(f"{line}\n{IMPORTS}\n{RIGHT}")
    assert use_mine("Embedding") is not ninelives.model.Embedding


def test_a_part_may_be_called_something_else_first(learner):
    learner(IMPORTS, RIGHT.replace("class Embedding", "class Mine"), "Embedding = Mine")
    assert use_mine("Embedding") is not ninelives.model.Embedding


def test_only_definitions_are_run(learner, tmp_path):
    learner(IMPORTS, f"open({str(tmp_path / 'trace')!r}, 'w').close()", "while True:\n    pass", RIGHT)
    assert use_mine("Embedding") is not ninelives.model.Embedding
    assert not (tmp_path / "trace").exists()


def test_what_a_learners_part_prints_stays_out_of_the_way(learner, capsys):
    learner(IMPORTS, RIGHT.replace("super().__init__()", "super().__init__(); print('building')"))
    use_mine("Embedding")
    assert capsys.readouterr().out == "Embedding: yours, from 01-embeddings.ipynb.\n"


def test_a_missing_or_damaged_notebook_is_reported(learner, capsys):
    use_mine("Embedding")
    assert "there is no 01-embeddings.ipynb" in capsys.readouterr().out
    learner().write_text("{")
    use_mine("Embedding")
    assert "cannot be read" in capsys.readouterr().out


def test_in_grading_the_packages_part_is_used(learner, monkeypatch):
    learner(IMPORTS, RIGHT)
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert use_mine("Embedding") is ninelives.model.Embedding


def test_an_unknown_part_is_refused_with_the_names_that_exist():
    with pytest.raises(ValueError, match="there is no part 'Embeding': the parts are Embedding"):
        use_mine("Embeding")


def test_every_part_comes_out_of_the_solved_notebooks(monkeypatch, capsys):
    for name, part in PARTS.items():
        if not (ROOT / "solutions" / part.notebook).exists():
            continue
        monkeypatch.chdir(ROOT / "solutions" / part.notebook)
        assert use_mine(name) is not getattr(ninelives.model, name)
    assert [line for line in lines_printed(capsys) if ": yours, from " not in line] == [
        "    In it, next_token_probabilities: the package's, which 08-prefix-generation.ipynb imports."]


def lines_printed(capsys):
    """What was printed, with each line that was broken to fit the page in one piece."""
    return re.sub(r"\n {8}(?=\S)", " ", capsys.readouterr().out).splitlines()


def solved(name):
    return (ROOT / "solutions" / name / f"{name}.ipynb").read_text(encoding="utf-8")


@pytest.fixture
def solved_notebooks(tmp_path, monkeypatch):
    """The solved notebooks 1 to 8 beside the folder of notebook 9, in which the caller is; a function changes one of them."""
    for folder in (ROOT / "solutions").glob("0[1-8]-*"):
        (tmp_path / folder.name).mkdir()
        (tmp_path / folder.name / f"{folder.name}.ipynb").write_text(solved(folder.name), encoding="utf-8")
    (tmp_path / "09-training").mkdir()
    monkeypatch.chdir(tmp_path / "09-training")
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)

    def change(name, before, after):
        path = tmp_path / name / f"{name}.ipynb"
        assert before in path.read_text(encoding="utf-8")
        path.write_text(path.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")

    return change


def test_a_part_names_the_learners_parts_that_it_is_made_of(solved_notebooks, capsys):
    use_mine("Decoder")
    assert capsys.readouterr().out == (
        "Decoder: yours, from 05-decoder.ipynb, made of your Embedding, MultiHeadSelfAttention, Transformer,\n"
        "        TransformerBlock and Encoder.\n")  # broken between words, and narrow enough for JupyterLab


def test_a_part_of_the_packages_inside_a_part_of_ones_own_is_named_with_the_reason(solved_notebooks, capsys):
    solved_notebooks("02-attention", "class MultiHeadSelfAttention(nn.Module)", "class Attention(nn.Module)")
    use_mine("Encoder")
    first, second = lines_printed(capsys)
    assert first == "Encoder: yours, from 04-encoder.ipynb, made of your Embedding, Transformer and TransformerBlock."
    assert second.startswith("    In it, MultiHeadSelfAttention: the package's, since 02-attention.ipynb ")


def test_what_a_part_does_not_use_is_not_named_and_every_class_of_the_packages_is(solved_notebooks, capsys):
    solved_notebooks("04-encoder", "class Encoder(", "class Reader(")  # Transformer is the learner's, and nothing here uses it
    part = use_mine("EncoderDecoder")
    first, *others = lines_printed(capsys)
    assert first == "EncoderDecoder: yours, from 07-encoder-decoder.ipynb, made of your Decoder and PrefixDecoder."
    assert [line.split(":")[0].split()[-1] for line in others] == [
        "Encoder", "Embedding", "TransformerBlock", "MultiHeadSelfAttention", "Transformer"]
    assert others[0] == "    In it, Encoder: the package's, since 04-encoder.ipynb defines no Encoder."
    assert others[4] == "    In it, Transformer: the package's, as a part of its Encoder."
    whose = owners(part, ninelives.model.prefix_generation)
    assert [name for name, owner in whose.items() if owner == "yours"] == ["EncoderDecoder", "Decoder", "PrefixDecoder"]
    assert whose["Encoder"] == whose["Transformer"] == whose["prefix_generation"] == "the package's"


def test_a_function_names_what_it_calls_and_no_more(solved_notebooks, capsys):
    use_mine("prefix_generation")
    assert capsys.readouterr().out == (
        "prefix_generation: yours, from 08-prefix-generation.ipynb, made of your pad_after_end.\n"
        "    In it, next_token_probabilities: the package's, which 08-prefix-generation.ipynb imports.\n")


def test_a_part_that_cannot_be_built_with_a_small_size_is_taken_all_the_same(learner, capsys):
    learner(IMPORTS, RIGHT.replace("super().__init__()", "super().__init__(); assert config.n_embd > 4"))
    assert hasattr(use_mine("Embedding")(TransformerConfig(9, 9)), "places")
    assert capsys.readouterr().out == "Embedding: yours, from 01-embeddings.ipynb.\n"


def test_a_part_that_chooses_between_the_learners_and_the_packages_is_taken(solved_notebooks, capsys):
    use_mine("generate")  # it calls `probabilities_of = check.….yours_if_it_passes(…)`
    assert capsys.readouterr().out.startswith("generate: yours, from 06-generation.ipynb")


@pytest.mark.parametrize(("after", "checks"), [
    ("def draw(config): return Drawn(config)", 1), ("Embedding = Drawn", 2), ("Other = Drawn\nclass Embedding(Other): pass", 2)])
def test_what_is_chosen_for_pictures_alone_is_not_checked_again(learner, monkeypatch, after, checks):
    asked = []
    monkeypatch.setattr(Exercise, "first_failure", lambda exercise, answer, seed=0: asked.append(answer))
    choice = "Drawn = check.embedding.yours_if_it_runs(Embedding, package.Embedding)"
    learner(IMPORTS, RIGHT, f"import ninelives.checks.embeddings as check\nfrom ninelives import model as package\n{choice}", after)
    assert use_mine("Embedding") is asked[-1] is not ninelives.model.Embedding
    assert len(asked) == checks


def test_every_notebook_takes_parts_that_exist():
    for path in (ROOT / "course" / "notebooks").glob("*.py"):
        assert set(re.findall(r'use_mine\("(\w+)"\)', path.read_text())) <= set(PARTS), path.name


def test_every_part_has_its_counterpart_in_the_package():
    assert [name for name in PARTS if not hasattr(ninelives.model, name)] == []

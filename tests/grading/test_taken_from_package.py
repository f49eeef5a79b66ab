"""An answer that imports the package's solution earns its points and gets a note."""

import nbformat
import pytest
from traitlets.config.loader import PyFileConfigLoader

from ninelives.build import ROOT
from ninelives.grading.assignment import Cell, Notebook
from ninelives.grading.taken_from_package import taken_from_package

PACKAGES = tuple(PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config().Course.solution_packages)


def assignment(name: str) -> Notebook:
    solved, shown = (nbformat.read(ROOT / folder / name / f"{name}.ipynb", as_version=4) for folder in ("solutions", "release"))
    cells = []
    for one, other in zip(solved.cells, shown.cells, strict=True):
        metadata = one.metadata.get("nbgrader", {})
        cells.append(Cell(metadata.get("grade_id"), one.id, one.cell_type, other.source, other.source, one.source, dict(metadata)))
    return Notebook(name, tuple(cells), {})


def notes(name: str, answers: dict[str, str]) -> list[tuple[str, str]]:
    made = nbformat.read(ROOT / "release" / name / f"{name}.ipynb", as_version=4)
    for cell in made.cells:
        cell.source = answers.get(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source)
    return taken_from_package(made, assignment(name), PACKAGES)


@pytest.mark.parametrize(("name", "exercise", "answer", "seen"), [
    ("05-decoder", "decoder", "from ninelives.model import Decoder", "ninelives.model"),
    ("05-decoder", "decoder", "from ninelives.model.decoder import (\n    Decoder as Mine,\n)\nDecoder = Mine", "ninelives.model.decoder"),
    ("05-decoder", "decoder", "%time\nimport ninelives.model.decoder as d", "ninelives.model.decoder"),
    ("05-decoder", "decoder", "class Decoder(package.Decoder):\n    pass", "ninelives.model.Decoder"),
    ("02-attention", "split-heads", "split_heads = lambda x, n_head: check.loop_heads(x)", "ninelives.checks.attention.loop_heads"),
    ("09-training", "exact-match", "def exact_match(*a):\n    return training.exact_match(*a)", "ninelives.training.exact_match"),
    ("09-training", "tokenizer", "Tokenizer = WordTokenizer", "ninelives.text.WordTokenizer"),
    ("09-training", "noam-rate", "import ninelives\nf(", "ninelives"),
])
def test_an_answer_that_uses_the_package_gets_a_note(name, exercise, answer, seen):
    assert notes(name, {exercise: answer}) == [
        (exercise, f"The answer {exercise!r} uses {seen} from the package: see whether that is the answer to the "
                   "exercise.")]


def test_a_note_is_short_however_many_names_are_used():
    [(_, words)] = notes("05-decoder", {"decoder": "\n".join(f"package.{letter * 10_000}" for letter in "abcde")})
    assert len(words) < 400


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "solutions").iterdir() if path.name[0].isdigit()))
def test_the_instructors_answers_and_missing_answers_get_no_note(name):
    assert notes(name, {}) == []
    assert notes(name, {cell.name: cell.solved for cell in assignment(name).cells if cell.is_answer}) == []


@pytest.mark.parametrize("answer", [
    "# from ninelives.model import Decoder\ndef decoder(x):\n    '''As package.Decoder does.'''\n    return x",
    "import torch\nmodel.train(training=True)\nfigures.palette\ndef train(sentences): return self.package.Decoder",
    "\x00\n  (]\n\\",
    "((((" * 10_000,
    "x = 1\n" * 20_000 + "from ninelives.model import Decoder",  # further down than is looked
])
def test_comments_and_a_learners_own_names_get_no_note(answer):
    assert notes("05-decoder", {"decoder": answer}) == [] == notes("09-training", {"training-step": answer.replace("package.Decoder", "it")})

import ast
import importlib
import inspect
import os
from pathlib import Path

import pytest
import torch

from helpers.sentences import exercises_of, module_names
from ninelives.checks import another_way, embeddings
from ninelives.checks.another_way import right_answers
from ninelives.checks.embeddings import position_indices
from ninelives.checks.exercise import CheckFailed, Exercise

SHOWN = {exercise.name: exercise for module in module_names() for exercise in exercises_of(module) if exercise.another_way}


def positions(idx):
    B, T = idx.shape
    return torch.arange(T).expand(B, T)


def test_an_answer_is_shown_once_after_the_last_check_and_folded(monkeypatch):
    shown = []
    monkeypatch.setattr("ninelives.checks.another_way.display", lambda data, raw: shown.append(data))
    *first, last = position_indices.aspects
    for aspect in first:
        position_indices(positions, aspect)
    assert shown == []
    position_indices(positions, last)
    [data] = shown
    assert data["text/markdown"].startswith("<details><summary>Another way to write position_indices</summary>\n\n```python\ndef position_indices(")
    assert data["text/markdown"].endswith("```\n\n</details>")


def test_one_is_shown_for_a_class_of_a_notebook_whose_source_python_does_not_know():
    class Embedding(torch.nn.Module):
        def forward(self, idx):
            return self.token(idx.clamp(min=0)) + self.position(positions(idx))

    Embedding.__module__ = "__main__"  # as in a notebook
    with pytest.raises(OSError):
        inspect.getsource(Embedding)
    assert "class Embedding(nn.Module):" in another_way.another_way(embeddings.embedding, Embedding)


@pytest.mark.parametrize("case", ["another seed", "grading", "switched off", "refused elsewhere", "no folder"])
def test_nothing_is_shown(monkeypatch, tmp_path, case):
    monkeypatch.setattr("ninelives.checks.another_way.display", lambda *_, **__: pytest.fail("shown"))
    seed, aspect, answer = 0, "values", positions
    if case == "another seed":
        seed = 1
    elif case == "grading":
        monkeypatch.setitem(os.environ, "NBGRADER_EXECUTION", "autograde")
    elif case == "switched off":
        monkeypatch.setitem(os.environ, "NINELIVES_ANOTHER_WAY", "off")
    elif case == "no folder":
        monkeypatch.setattr(another_way, "ANSWERS", tmp_path / "right")
    else:
        shapes = Exercise("position_indices")
        shapes.aspect("shape")(lambda answer, seed: (_ for _ in ()).throw(CheckFailed("no.", "yes.", "why.")))
        shapes.aspect("values")(lambda answer, seed: None)
        return shapes(answer, "values")
    position_indices(answer, aspect, seed)


@pytest.mark.parametrize("exercise", SHOWN.values(), ids=SHOWN)
def test_each_exercise_has_an_answer_that_stands_alone_and_passes(exercise):
    shown = right_answers(exercise, (another_way.ANSWERS / "shown.py").read_text()) or [
        code for path in another_way.ANSWERS.glob("*.py") for code in right_answers(exercise, path.read_text())]
    assert shown
    for code in shown:
        compile(code, exercise.name, "exec")
        assert "accepted_by" not in code and "ninelives" not in code and "package" not in code
        assert code.split("\n")[0].startswith((f"def {exercise.name}(", f"class {exercise.name}", "@torch.no_grad()"))


def where_it_is_checked(exercise):
    """The statements of the notebook or lab before the exercise's first check, the reference solution among them."""
    course = Path(__file__).parents[2] / "course"
    for path in [*sorted((course / "notebooks").glob("*.py")), *sorted((course / "labs").glob("*.py"))]:
        body = ast.parse(path.read_text(), feature_version=(3, 11)).body
        checks = {each.asname: importlib.import_module(each.name) for node in body if isinstance(node, ast.Import)
                  for each in node.names if each.name.startswith("ninelives.checks")}
        for place, node in enumerate(body):
            called = getattr(getattr(node, "value", None), "func", None)
            if getattr(called, "attr", "") == "optional":
                called = called.value
            if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) and called.value.id in checks:
                if getattr(checks[called.value.id], called.attr, None) is exercise:
                    return body[:place]
    pytest.fail(f"no notebook checks {exercise.name}")


@pytest.mark.parametrize("exercise", SHOWN.values(), ids=SHOWN)
def test_what_is_shown_passes_its_checks_with_the_names_that_its_notebook_has(exercise):
    has_names = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef
    given = [node for node in where_it_is_checked(exercise) if isinstance(node, has_names) or "use_mine(" in ast.unparse(node)]
    for path in another_way.ANSWERS.glob("*.py"):
        for code in right_answers(exercise, path.read_text()):
            names = {"__name__": "a_notebook"}
            exec(compile(ast.Module(given, []), "a notebook", "exec"), names)
            if "# __init__ as it is given" in code:
                names["AsGiven"] = names[exercise.name]
                code = code.replace("(nn.Module)", "(AsGiven)", 1)
            exec(code, names)
            assert exercise.first_failure(names[exercise.name]) is None, f"{path.name}:\n{code}"


def test_an_answer_that_reads_like_the_learners_is_not_another_way(tmp_path, monkeypatch):
    folder = tmp_path / "right"
    folder.mkdir()
    (folder / "shown.py").write_text(
        "from ninelives.checks.embeddings import position_indices\n\n@accepted_by(position_indices)\ndef own(idx):\n"
        "    B, T = idx.shape  # (B, T)\n    return torch.arange(T).expand(B, T)\n")
    monkeypatch.setattr(another_way, "ANSWERS", folder)
    assert another_way.another_way(embeddings.position_indices, positions) is None
    assert another_way.another_way(embeddings.position_indices, double) is not None


def double(idx):
    return 2 * idx

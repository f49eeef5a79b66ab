"""What learners install: a wheel with the released notebooks, in which no solution and no hidden check can be read."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import nbformat
import pytest
from traitlets.config.loader import PyFileConfigLoader

from ninelives.build import ROOT, marked_lines

SOLVED = sorted(ROOT.glob("solutions/*/*.ipynb"))
BUILT_FROM = ("course", "release", "setup.py", "pyproject.toml", "README.md", "LICENSE", "LICENSE-TEXT")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """The wheel, built as pip builds it and installed into a folder with bin/ and lib/, as with pip install --user."""
    clone, target = tmp_path_factory.mktemp("clone"), tmp_path_factory.mktemp("local")
    for name in BUILT_FROM:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, clone / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copy(ROOT / name, clone)
    shutil.copytree(ROOT / "solutions", clone / "solutions")
    build = "from setuptools.build_meta import build_wheel; print(build_wheel('dist'))"
    subprocess.run([sys.executable, "-c", build], cwd=clone, capture_output=True, check=True)
    [wheel] = clone.glob("dist/*.whl")
    subprocess.run([sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--ignore-installed", "--no-compile",
                    "--prefix", target, wheel], capture_output=True, check=True)
    return target


@pytest.fixture(scope="module")
def installed(base):
    """The folder of the installed package."""
    return Path(sysconfig.get_path("purelib", vars={"base": str(base)}))


def code_lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def contains(lines: list[str], wanted: list[str]) -> bool:
    return any(lines[at:at + len(wanted)] == wanted for at, line in enumerate(lines) if line == wanted[0])


def regions(mark: str) -> list[list[str]]:
    """The lines between BEGIN and END in each solved notebook's cells."""
    cells = [cell for path in SOLVED for cell in nbformat.read(path, as_version=4).cells]
    return [found for cell in cells if (found := code_lines("\n".join(marked_lines(cell.source, mark))))]


def test_the_wheel_holds_the_released_notebooks_and_nothing_else_of_the_repository(installed):
    names = {path.relative_to(installed / "ninelives" / "released").as_posix(): path.read_bytes()
             for path in (installed / "ninelives" / "released").rglob("*") if path.is_file()}
    released = {path.relative_to(ROOT / "release").as_posix(): path.read_bytes() for path in ROOT.glob("release/**/*")
                if path.is_file() and ".ipynb_checkpoints" not in path.parts}
    assert names == released
    assert {path.name.partition("-")[0] for path in installed.iterdir()} == {"ninelives"}
    assert not [path for path in installed.rglob("*") if path.name in ("solutions", "answers", "gradebook.db")]
    assert (installed / "ninelives" / "jupyter_config" / "labconfig" / "page_config.json").is_file()


def test_no_hidden_line_of_a_check_is_in_the_wheel(installed):
    hidden = {line for region in regions("HIDDEN TESTS") for line in region}
    assert len(hidden) > 20
    found = [(path.name, line) for path in installed.rglob("*") if path.is_file()
             for line in hidden.intersection(code_lines(path.read_text(encoding="utf-8", errors="replace")))]
    assert found == []
    for path in installed.rglob("*.ipynb"):
        text = path.read_text(encoding="utf-8")
        assert "HIDDEN TESTS" not in text and "BEGIN SOLUTION" not in text
        assert not [line for line in hidden if line in text]


def test_a_solution_is_in_the_wheel_only_as_the_packages_own_part_whose_use_is_noted(installed):
    """docs/teaching/private.md says so: ninelives.model is the reference implementation."""
    noted = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config().Course.solution_packages
    solutions = [region for region in regions("SOLUTION") if len("".join(region)) > 60]
    assert len(solutions) > 20
    elsewhere = []
    for path in [*installed.rglob("*.py"), *installed.rglob("*.ipynb"), *installed.rglob("*.md")]:
        module = ".".join(path.relative_to(installed).with_suffix("").parts)
        if any(module.startswith(package) for package in noted):
            continue
        if path.suffix == ".ipynb":
            texts = [cell.source for cell in nbformat.read(path, as_version=4).cells]
        else:
            texts = [path.read_text(encoding="utf-8")]
        elsewhere += [(module, region) for text in texts for region in solutions if contains(code_lines(text), region)]
    assert elsewhere == []


def test_ninelives_copies_the_notebooks_into_the_learners_home_and_never_over_their_work(base, installed, tmp_path):
    def ninelives():
        environment = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "PATH": os.environ["PATH"], "PYTHONPATH": str(installed)}
        command = Path(sysconfig.get_path("scripts", vars={"base": str(base)})) / "ninelives"
        return subprocess.run([command, "--copy-only"], cwd=tmp_path, env=environment, capture_output=True, text=True)

    done = ninelives()
    assert done.returncode == 0, done.stderr
    mine = tmp_path / "my-notebooks"
    assert {path.stem for path in mine.glob("0*/*.ipynb")} == {path.stem for path in SOLVED}
    assert (mine / "AGENTS.md").is_file() and f"The folder my-notebooks is in {tmp_path}." in done.stdout
    page = (mine / "start.ipynb").read_text(encoding="utf-8")
    assert "written by `ninelives` on" in page and "make lab" not in page
    work = mine / "01-embeddings" / "01-embeddings.ipynb"
    work.write_text("my answer")
    (mine / "02-attention" / "02-attention.ipynb").unlink()
    assert re.findall(r"copied (\S+)", ninelives().stdout) == ["my-notebooks/02-attention/02-attention.ipynb"]
    assert work.read_text() == "my answer"

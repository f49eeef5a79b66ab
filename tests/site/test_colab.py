"""The cell that Colab runs first installs the course and exchanges nothing that Colab has."""

import importlib.util
from importlib.metadata import version

from IPython.core.inputtransformer2 import TransformerManager
from packaging.requirements import Requirement

from ninelives.site.colab import first_cell
from test_environment import PROJECT

# What Colab has, at least: it stays with IPython 7.34 (NVIDIA/cuml, pull request 7743) and renews the others a few times a year.
COLAB = {"torch": "2.8.0", "numpy": "2.0.2", "matplotlib": "3.10.0", "ipython": "7.34.0", "traitlets": "5.7.1"}


class Shell:
    """Keeps the magic lines."""

    def __init__(self):
        self.lines = []

    def run_line_magic(self, name, line, **_):
        self.lines.append((name, line))


def run(monkeypatch, folder, is_there):
    shell = Shell()
    monkeypatch.chdir(folder)
    if not is_there:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    exec(TransformerManager().transform_cell(first_cell()), {"get_ipython": lambda: shell})
    return shell.lines


def test_where_the_course_is_there_nothing_is_done(monkeypatch, tmp_path):
    assert run(monkeypatch, tmp_path, is_there=True) == []
    assert [*tmp_path.iterdir()] == []


def test_elsewhere_the_course_is_installed_beside_the_versions_that_are_there(monkeypatch, tmp_path):
    repository = PROJECT["urls"]["Repository"]
    assert run(monkeypatch, tmp_path, is_there=False) == [("pip", f'install -q -c kept.txt "git+{repository}"')]
    kept = (tmp_path / "kept.txt").read_text().splitlines()
    assert f"torch=={version('torch')}" in kept and f"ipython=={version('ipython')}" in kept


def test_the_versions_of_colab_are_within_the_ranges_of_the_package():
    ranges = {line.name: line.specifier for line in map(Requirement, PROJECT["dependencies"])}
    assert {name: found for name, found in COLAB.items() if not ranges[name].contains(found)} == {}

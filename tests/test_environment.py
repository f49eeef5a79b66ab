"""The lists of packages hold together: pyproject.toml, constraints.txt, environment.yml, Makefile."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution, version

import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from ninelives.build import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
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
            if "extra ==" not in marker:
                mentioned.add(canonicalize_name(line.name))
            applies = line.marker is None or any(line.marker.evaluate({"extra": extra}) for extra in current.extras or {""})
            if applies and not re.search("platform|os_name", marker):
                waiting.append(line)
    return needed - {PROJECT["name"]}, mentioned | needed


def test_each_direct_dependency_is_pinned_exactly_and_listed_once():
    names = [canonicalize_name(line.name) for line in direct_dependencies()]
    assert len(names) == len(set(names))
    assert [str(line) for line in direct_dependencies() if not re.fullmatch(r"==[\w.]+", str(line.specifier))] == []


def test_what_is_pinned_works_with_the_oldest_python_that_is_promised():
    """Such as Debian's, which stays at 3.11.2. For what refuses it, pin an older version by hand."""
    oldest = PROJECT["requires-python"].removeprefix(">=")
    needed, _ = needed_and_mentioned(Requirement("ninelives[test]"))
    accepted = {name: distribution(name).metadata.get("Requires-Python") or "" for name in needed}
    assert {name: wanted for name, wanted in accepted.items() if not SpecifierSet(wanted).contains(oldest)} == {}


def test_everything_installed_is_pinned_once_in_pyproject_or_in_constraints():
    names = [canonicalize_name(line.name) for line in direct_dependencies() + constraints()]
    assert len(names) == len(set(names)), "a package stands in two lists"
    needed, mentioned = needed_and_mentioned(Requirement("ninelives[test]"))
    assert needed - set(names) == set(), "not pinned: run make constraints"
    assert set(names) - mentioned == set(), "pinned for nothing: run make constraints"


def test_the_installed_versions_are_the_pinned_ones():
    wrong = []
    for line in direct_dependencies() + constraints():
        try:
            installed = version(line.name)
        except PackageNotFoundError:
            continue  # not needed on this machine
        if not line.specifier.contains(installed):
            wrong.append(f"{line.name} {installed}")
    assert wrong == [], "install again: make test"


def test_the_conda_environment_installs_the_list_of_pyproject_and_nothing_else():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    *conda, pip = environment["dependencies"]
    assert {line.split("=")[0] for line in conda} == {"python", "pip"}
    assert pip["pip"] == ["--extra-index-url https://download.pytorch.org/whl/cpu", "-c constraints.txt", "-e ."]
    python = next(line.removeprefix("python=") for line in conda if line.startswith("python="))
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(f"{python}.0")


def test_the_makefile_refuses_the_same_pythons_as_pyproject():
    major, minor = PROJECT["requires-python"].removeprefix(">=").split(".")
    assert f"({major}, {minor})" in (ROOT / "Makefile").read_text()


def test_both_licences_stand_at_the_root():
    assert [name for name in PROJECT["license-files"] if not (ROOT / name).read_text().strip()] == []

"""Imports between the rooms of the package run one way."""

import ast
from pathlib import Path

import pytest

from ninelives.build import ROOT

PACKAGE = ROOT / "course" / "ninelives"
MAY_IMPORT = {
    "config": set(),
    "build": set(),
    "progress": set(),
    "sentence": set(),
    "workspace": {"progress"},
    "model": {"config"},
    "text": {"config"},
    "pretrained": {"config", "model", "text"},
    "figures": {"config"},
    "weights": {"config", "model", "text"},
    "training": {"config", "model", "sentence", "text", "weights"},
    "recipes": {"config", "model", "text", "training", "weights"},
    "checks": {"config", "figures", "model", "sentence", "training"},
    "widgets": {"config", "figures", "model", "sentence", "text"},
    "questions": {"widgets"},
    "made_of": {"checks", "config"},
    "use_mine": {"checks", "made_of", "model", "sentence"},
    "site": {"build", "figures", "model", "progress", "text", "training", "weights", "widgets"},
    "grading": set(),
}


def rooms_imported(path: Path) -> set[str]:
    """The rooms of the package that a file of Python imports from."""
    modules = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            modules |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
    return {module.split(".")[1] for module in modules if module.startswith("ninelives.")}


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("room", sorted({room_of(path) for path in PACKAGE.rglob("*.py")} - {"__init__"}))
def test_a_room_imports_only_from_rooms_below_it(room):
    imported = {path: rooms_imported(path) for path in PACKAGE.rglob("*.py") if room_of(path) == room}
    assert {path: found - {room} - MAY_IMPORT[room] for path, found in imported.items()} == dict.fromkeys(imported, set())


@pytest.mark.parametrize("folder", ["notebooks", "labs"])
def test_no_notebook_imports_what_is_for_instructors(folder):
    # A notebook's text is percent-format: magics aside, it is Python.
    lines = [line for path in (ROOT / "course" / folder).glob("*.py") for line in path.read_text("utf-8").splitlines()]
    assert [line for line in lines if "ninelives.grading" in line or "ninelives import grading" in line] == []

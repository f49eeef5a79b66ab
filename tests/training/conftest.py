"""A training that is handed in."""

import shutil
from pathlib import Path

import pytest

from helpers.handed import continued, small_training
from ninelives import weights


@pytest.fixture(scope="session")
def small_folder(tmp_path_factory):
    return small_training(tmp_path_factory.mktemp("small") / "own")


@pytest.fixture
def own(small_folder, tmp_path):
    """The folder of an honest training, to be changed."""
    return Path(shutil.copytree(small_folder, tmp_path / "own"))


@pytest.fixture(scope="session")
def translator_folder(tmp_path_factory):
    """The course's own translator, as if it were a learner's training."""
    return continued(*weights.load("translator"), tmp_path_factory.mktemp("shipped") / "own", steps=1, rate=1e-9)

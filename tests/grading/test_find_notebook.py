"""Which file of a submission is the notebook."""

import json
import shutil

import pytest

from helpers.classroom import NAME, solved, toy_notebook
from ninelives.grading.find_notebook import find_notebook
from ninelives.grading.folders import everything_in
from ninelives.grading.read_notebook import Unreadable


def test_links_hidden_folders_and_other_notebooks_are_not_taken(tmp_path):
    notebook, sent = toy_notebook(), tmp_path / "sent.ipynb"
    sent.write_text(json.dumps(solved()))
    folder = tmp_path / "submission"
    (folder / ".ipynb_checkpoints").mkdir(parents=True)
    (folder / f"{NAME}.ipynb").symlink_to(sent)
    for place in (folder / ".ipynb_checkpoints", folder / "02-another.ipynb"):
        shutil.copy(sent, place)
    paths, _ = everything_in(folder)
    with pytest.raises(Unreadable, match="there is no notebook"):
        find_notebook(folder, paths, notebook, {"02-another"})
    assert find_notebook(folder, paths, notebook, set())[1] == [
        f"The notebook was named 02-another.ipynb; it was read as {NAME}.ipynb."]

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


def sent_as(folder, *names):
    """The same answered notebook under several names, the last one written first."""
    folder.mkdir(exist_ok=True)
    for name in reversed(names):
        (folder / name).write_text(json.dumps(solved()))
    return find_notebook(folder, everything_in(folder)[0], toy_notebook(), set())[1]


@pytest.mark.parametrize("names", [
    ("ada_attempt_2026-03-01-10-00-00_heads.ipynb", "ada_attempt_2026-03-08-09-00-00_heads.ipynb"),
    ("heads (1).ipynb", "heads (2).ipynb", "heads (10).ipynb"),
])
def test_of_several_attempts_the_newest_counts_and_the_others_are_named(tmp_path, names):
    notes = sent_as(tmp_path, *names)
    assert notes[0] == f"The notebook was named {names[-1]}; it was read as {NAME}.ipynb."
    assert notes[1].startswith(f"There are {len(names)} attempts; the newest counts. Not read: ")


def test_a_submission_without_a_notebook_says_what_is_there(tmp_path):
    (tmp_path / "homework.pdf").write_bytes(b"%PDF")
    (tmp_path / "timestamp.txt").write_text("2026-03-01 10:00:00 UTC")
    with pytest.raises(Unreadable, match=r"there is no notebook in the submission, only homework\.pdf$"):
        find_notebook(tmp_path, everything_in(tmp_path)[0], toy_notebook(), set())

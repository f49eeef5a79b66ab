"""The command that scores a class and names the same weights."""

import re
import shutil
from pathlib import Path

import pytest

from helpers.handed import change_tensors, small_training
from ninelives.training import compare_class
from ninelives.training.compare_class import compare


@pytest.fixture
def submitted(small_folder, tmp_path):
    """A class of four: ada, bob who copied her files, cy who continued from them, dee with her own."""
    folders = {name: tmp_path / "submitted" / name / "09-training" / "own" for name in ("ada", "bob", "cy", "dee")}
    for name in ("ada", "bob", "cy"):
        shutil.copytree(small_folder, folders[name])
    change_tensors(folders["cy"], lambda tensors: tensors["model.decoder.lm_head.weight"].mul_(1.001))
    small_training(folders["dee"], seed=1)
    return folders


def test_weights_of_a_class_that_are_the_same_or_hardly_differ_are_found(submitted):
    said = compare(submitted)
    assert len(said) == 3
    assert "ada and bob handed in the same weights" in said[0]
    assert "ada and cy handed in nearly the same weights" in said[1]
    assert not any("dee" in sentence for sentence in said)


def test_the_command_scores_a_class_and_continues_after_a_refused_training(submitted, capsys):
    (submitted["dee"] / "run.json").write_bytes(b"\x00\xff not json")
    compare_class.main([str(submitted["ada"].parents[2]), "--seed", "5"])
    printed = capsys.readouterr().out
    assert re.search(r"ada +0\.0% +0\.0% +0\.0% +3 ", printed)
    assert "dee                      refused: run.json is not JSON" in printed
    assert "ada and bob handed in the same weights" in printed


def test_the_command_continues_after_a_folder_that_it_may_not_read(submitted, capsys, monkeypatch):
    def read_bytes(path):
        if "dee" in path.parts:
            raise PermissionError(13, "Permission denied")
        return path.open("rb").read()

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    compare_class.main([str(submitted["ada"].parents[2])])
    printed = capsys.readouterr().out
    assert re.search("dee +refused: .*Permission denied", printed) and "ada and cy handed in nearly" in printed


def test_the_command_names_students_who_hand_in_the_courses_weights(submitted, translator_folder, capsys):
    shutil.rmtree(submitted["dee"])
    shutil.copytree(translator_folder, submitted["dee"])
    compare_class.main([str(submitted["ada"].parents[2])])
    assert re.search("dee +refused: the decoder is that of the translator which comes with the course", capsys.readouterr().out)


def test_a_name_that_writes_to_the_terminal_is_escaped(submitted, capsys):
    shutil.rmtree(submitted["dee"])
    submitted["dee"].mkdir()
    (submitted["dee"] / "x\n\x1b[2J.pt").touch()
    compare_class.main([str(submitted["ada"].parents[2])])
    assert r"refused: own holds x\n\x1b[2J.pt" in capsys.readouterr().out


def test_the_command_says_what_is_missing(tmp_path):
    with pytest.raises(SystemExit, match="There is no .*STUDENT/09-training/own"):
        compare_class.main([str(tmp_path)])

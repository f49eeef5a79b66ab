"""Points given by hand are shown again, with what has changed since they were given."""

import json
import shutil
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from helpers.classroom import ANSWERS, NAME, WRONG_ORDER, filled, grade_here, make_course, send
from ninelives.grading import cli
from ninelives.grading.class_folder import quiet_autograde
from ninelives.grading.cli import main
from ninelives.grading.errors import CannotStart
from ninelives.grading.progress import StudentResult, nothing_from, summary


def give(course: Path, cell: str, points: float) -> None:
    """As the formgrader does."""
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "ninelives") as gradebook:
        grade = gradebook.find_grade(cell, NAME, NAME, "dan")
        grade.manual_score, grade.needs_manual_grade = points, False
        gradebook.db.commit()


def look_at(results) -> tuple[str, ...]:
    [result] = results
    return result.look_at


def test_points_given_by_hand_say_what_has_changed_since(tmp_path, workers):
    course = make_course(tmp_path)
    send(course, "dan", filled(course, ANSWERS | {"split-heads": WRONG_ORDER}))
    assert look_at(grade_here(course, workers)[0]) == ("why-scale",)
    give(course, "split-heads-values", 0.5)
    give(course, "why-scale", 1)
    assert look_at(grade_here(course, workers)[0]) == (), "looked at"
    same = ("split-heads-values (you gave 0.5, and nothing has changed since)", "why-scale (you gave 1, and nothing has changed since)")
    assert sorted(look_at(grade_here(course, workers, force=True)[0])) == list(same)
    send(course, "dan", filled(course, ANSWERS))
    mended = "split-heads-values (you gave 0.5; the answer has changed since and its check gives 2 now)"
    for force in (False, True, False):  # until somebody has looked
        assert sorted(look_at(grade_here(course, workers, force=force)[0])) == [mended, same[1]]
    give(course, "split-heads-values", 2)
    assert look_at(grade_here(course, workers)[0]) == (same[1],)
    [entry] = course.glob(f".ninelives-grade/{NAME}/dan.json")
    assert json.loads(entry.read_text())["by_hand"]["01-heads/split-heads-values"]["points"] == 0.5


def test_the_summary_names_the_cells_to_look_at():
    cells = tuple(f"why-{number}" for number in range(8))
    rows = summary([StudentResult("ada", 3, 6, cells)]).split("\n")
    assert rows[1:] == ["ada            3 of 6   (8 to look at)",
                        "            To look at: why-0, why-1, why-2, why-3, why-4, why-5 and 2 more.",
                        "1 submission: 1 graded, 0 not graded, 0 with notes."]


@pytest.mark.parametrize(("roster", "handed_in", "said"), [
    (["ada", "bert", "ghopper"], ["ada"], "Nothing from: bert, ghopper (2 of 3)"),
    (["ada"], ["ada", "stranger"], ""),
    (["\x1b[2J"], [], "Nothing from: \\x1b[2J (1 of 1)"),
])
def test_those_who_have_not_handed_in_are_listed(roster, handed_in, said):
    assert nothing_from(roster, handed_in) == said


def test_an_imported_roster_is_compared_with_the_submissions(tmp_path, monkeypatch, capsys):
    course = make_course(tmp_path)
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "ninelives") as gradebook:
        gradebook.add_student("ghopper")
    send(course, "ada", filled(course, {}))
    monkeypatch.setattr(cli, "grade_class", lambda *call: [StudentResult("ada", 0.0)])
    monkeypatch.chdir(course)
    assert main([NAME]) == 0
    assert capsys.readouterr().out.endswith(f"The class is the one in {course}.\nNothing from: ghopper (1 of 2)\n")


def test_the_settings_of_another_class_are_refused_and_a_classs_own_win(tmp_path, monkeypatch, capsys):
    """Somebody who teaches two classes has named one in ~/.jupyter/nbgrader_config.py, for the formgrader."""
    home, class40 = tmp_path / "home", make_course(tmp_path / "class40")
    shutil.copytree(class40, tmp_path / "class39")
    (home / ".jupyter").mkdir(parents=True)
    (home / ".jupyter" / "nbgrader_config.py").write_text(f"c = get_config()\nc.CourseDirectory.root = {str(tmp_path / 'class39')!r}\n")
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(home / ".jupyter"))
    monkeypatch.chdir(class40)
    assert quiet_autograde(class40, NAME).coursedir.root == str(class40)
    settings = class40 / "nbgrader_config.py"
    settings.write_text("\n".join(line for line in settings.read_text().split("\n") if "CourseDirectory.root" not in line))
    with pytest.raises(CannotStart, match="class39, and not this folder, .*class40"):
        quiet_autograde(class40, NAME)

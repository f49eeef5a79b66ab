"""The plan of the course in docs/teaching/plan.md, and the table in README.md, are what the notebooks say."""

import re

import nbformat

from ninelives.build import ROOT
from ninelives.use_mine import PARTS

PLAN = (ROOT / "docs" / "teaching" / "plan.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
NAMES = sorted(path.name for path in (ROOT / "release").glob("[0-9]*"))


def row(name: str) -> tuple[str, float, int, list[int]]:
    """Its line in the plan, its points, its minutes, and the earlier notebooks whose parts it uses."""
    notebook = nbformat.read(ROOT / "release" / name / f"{name}.ipynb", as_version=4)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    title, time = (re.search(pattern, text, re.MULTILINE)[1] for pattern in (r"^# (.+)$", r"^\| *Time *\| *(.+?) *\|"))
    grades = [cell.metadata.get("nbgrader", {}) for cell in notebook.cells]
    points = sum(grade["points"] for grade in grades if grade.get("grade"))
    used = re.findall(r'use_mine\("(\w+)"\)', "\n".join(cell.source for cell in notebook.cells))
    needs = sorted({int(PARTS[part].notebook[:2]) for part in used})
    line = f"| {title} | {time} | {points:g} | {', '.join(map(str, needs)) or '–'} |"
    return line, points, int(re.search(r"\d+", time)[0]), needs


def test_the_plan_has_the_minutes_the_points_and_the_needs_of_each_notebook():
    rows = [row(name) for name in NAMES]
    assert [line for line in PLAN.split("\n") if re.match(r"\| \d", line)] == [line for line, *_ in rows]
    minutes, points = sum(time for _, _, time, _ in rows), sum(worth for _, worth, _, _ in rows)
    assert f"{minutes} minutes and {points:g} points in all" in PLAN


def test_the_schedules_name_exercises_that_exist_and_all_notebooks():
    texts = {name[1]: (ROOT / "release" / name / f"{name}.ipynb").read_text(encoding="utf-8") for name in NAMES}
    named = re.findall(r"\b(\d) to exercise (\d)", PLAN)
    assert len(named) == 7 and [(number, exercise) for number, exercise in named if f"# Exercise {exercise} ·" not in texts[number]] == []
    weeks = re.findall(r"^\| (?:First|Second|Third|\w+th) \| ([^|]*) \|$", PLAN, re.MULTILINE)
    assert len(weeks) == 11 and set(re.findall(r"\d", " ".join(weeks))) == {*texts}
    assert '5 from "Does it leak?"' in PLAN and "# Does it leak?" in texts["5"]


def test_the_readme_has_the_title_the_minutes_and_the_points_of_each_notebook():
    """A line ends with "| 80 (+ 15) | 24 |" where 15 minutes more are for an optional exercise."""
    said = re.findall(r"^\| \[(\d · .+)\]\(\S+/(.+)\.ipynb\) \| .+ \| (\d+)(?: \(\+ (\d+)\))? \| (\d+) \|$", README, re.MULTILINE)
    wanted = []
    for name in NAMES:
        title, time, points, _ = row(name)[0].strip("| ").split(" | ")
        minutes = re.match(r"about (\d+) minutes(?:, and (\d+) for the optional exercise)?", time)
        wanted.append((title, name, minutes[1], minutes[2] or "", points))
    assert said == wanted


def test_the_readme_says_how_many_hours_the_notebooks_take():
    hours = sum(minutes for _, _, minutes, _ in map(row, NAMES)) / 60
    assert 12 <= hours < 12.5 and "Twelve hours in all." in README


def test_the_notebooks_that_no_other_one_uses_are_named():
    used = {number for name in NAMES for number in row(name)[3]}
    unused = [str(number) for number in range(1, len(NAMES) + 1) if number not in used]
    assert f"No later notebook uses anything of {', '.join(unused[:-1])} and {unused[-1]}" in PLAN

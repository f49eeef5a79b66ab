import json
import shutil

import nbformat
import pytest
from nbgrader.nbgraderformat import MetadataValidator

from ninelives.build import ROOT, BuildError, build, main, marked_lines, solved, stale

LESSON = '''\
# %% [markdown]
# # Doubling

# %% solution="double"
def double(x):
    ### BEGIN SOLUTION
    return x + x
    ### END SOLUTION

# %% points=2 test="double-value"
assert double(2) == 4
### BEGIN HIDDEN TESTS
assert double("ab") == "abab"
### END HIDDEN TESTS

# %% [markdown] answer="double-why" points=1
# Because adding a thing to itself doubles it.

# %% tags=["raises-exception"]
double(None)
'''


@pytest.fixture
def course(tmp_path):
    """A course of one small lesson, not built yet."""
    (tmp_path / "course" / "notebooks").mkdir(parents=True)
    (tmp_path / "course" / "notebooks" / "01_doubling.py").write_text(LESSON, encoding="utf-8")
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    return tmp_path


LAB = '''\
# %% [markdown]
# # Lab

# %% solution="triple"
def triple(x):
    ### BEGIN SOLUTION
    return x + x + x
    ### END SOLUTION

# %%
triple(2)
'''


def test_an_exercise_of_a_lab_is_released_without_its_solution_and_nothing_of_a_lab_is_graded(course):
    (course / "course" / "labs").mkdir()
    (course / "course" / "labs" / "tripling.py").write_text(LAB, encoding="utf-8")
    built = build(course)
    assert {str(path.relative_to(course)) for path in built} == {
        "solutions/01-doubling/01-doubling.ipynb", "release/01-doubling/01-doubling.ipynb", "release/labs/tripling.ipynb"}
    lab = nbformat.reads(built[course / "release" / "labs" / "tripling.ipynb"], as_version=4)
    assert "x + x + x" not in str(lab) and "raise NotImplementedError()" in lab.cells[1].source
    assert [cell.source for cell in lab.cells[::2]] == ["# Lab", "triple(2)"]
    assert not any("nbgrader" in cell.metadata for cell in lab.cells)


def error_of(tmp_path, text):
    path = tmp_path / "07_wrong.py"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BuildError) as caught:
        solved(path)
    return str(caught.value)


SOLUTION = '# %% solution="double"\n### BEGIN SOLUTION\npass\n### END SOLUTION\n'


def test_the_built_notebooks_in_the_repository_are_fresh():
    assert [str(path) for path in stale(build())] == [], "run make build"


def test_every_built_notebook_in_the_repository_has_a_text():
    built = {path.parent if path.suffix == ".ipynb" else path for path in build()}
    assert {path for folder in ("solutions", "release") for path in (ROOT / folder).iterdir()} == built


def test_the_rules_for_assistants_travel_with_the_release():
    rules = (ROOT / "release" / "AGENTS.md").read_text(encoding="utf-8")
    assert "Do not write or complete the body of an exercise" in rules and "from ninelives.model import" in rules
    assert (ROOT / "release" / "CLAUDE.md").read_text(encoding="utf-8") == "@AGENTS.md\n"


def test_building_twice_gives_the_same_bytes(course):
    assert build(course) == build(course)


def test_a_file_that_is_missing_or_changed_is_stale(course):
    built = build(course)
    solution, release = built
    assert stale(built) == [solution, release]
    for path, content in built.items():
        path.parent.mkdir(parents=True)
        path.write_text(content, encoding="utf-8")
    assert stale(built) == []
    release.write_text(built[release] + " ", encoding="utf-8")
    assert stale(built) == [release]


def test_a_solved_notebook_holds_the_text_and_nothing_of_the_tools(course):
    content = build(course)[course / "solutions" / "01-doubling" / "01-doubling.ipynb"]
    notebook = nbformat.reads(content, as_version=nbformat.NO_CONVERT)
    MetadataValidator().validate_nb(notebook)
    nbformat.validate(notebook)
    assert content.endswith("}\n")
    assert [cell.id for cell in notebook.cells] == ["cell-1", "double", "double-value", "double-why", "cell-5"]
    assert notebook.metadata.keys() == {"kernelspec", "language_info"}
    assert {key for cell in notebook.cells for key in cell.metadata} == {"nbgrader", "tags"}
    assert "jupytext" not in content and "lines_to_next_cell" not in content
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)


def test_the_headers_become_nbgrader_metadata(course):
    content = build(course)[course / "solutions" / "01-doubling" / "01-doubling.ipynb"]
    roles = {cell["id"]: cell["metadata"]["nbgrader"] for cell in json.loads(content)["cells"] if "nbgrader" in cell["metadata"]}
    common = {"schema_version": 3, "task": False}
    assert roles == {
        "double": common | {"grade_id": "double", "solution": True, "grade": False, "locked": False},
        "double-value": common | {"grade_id": "double-value", "solution": False, "grade": True, "locked": True, "points": 2},
        "double-why": common | {"grade_id": "double-why", "solution": True, "grade": True, "locked": False, "points": 1},
    }


def test_a_released_notebook_has_stubs_for_solutions_and_no_hidden_tests(course):
    content = build(course)[course / "release" / "01-doubling" / "01-doubling.ipynb"]
    sources = {cell["id"]: "".join(cell["source"]) for cell in json.loads(content)["cells"]}
    assert sources["double"].startswith("def double(x):\n    # Your code goes here")
    assert "raise NotImplementedError" in sources["double"]
    assert sources["double-value"] == "assert double(2) == 4"
    assert sources["double-why"] == "Your answer goes here, in place of this line."


def test_building_leaves_no_gradebook_and_writes_nothing(course, monkeypatch):
    monkeypatch.chdir(course)
    before = sorted(course.rglob("*"))
    build(course)
    assert sorted(course.rglob("*")) == before


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SOLUTION + SOLUTION, "the name 'double' is taken by an earlier cell"),
        (SOLUTION + '# %% test="double-value"\nassert True\n', "every test needs points, a number above 0; found None"),
        (SOLUTION + '# %% points=0 test="double-value"\nassert True\n', "found 0"),
        ("# %% points=2\nx = 1\n", "only a test or an answer has points"),
        ('# %% points=2 solution="double"\nx = 1\n', "only a test or an answer has points"),
        ('# %% hiden="double"\nx = 1\n', "unknown tag 'hiden'; a code cell takes"),
        ('# %% answer="double"\nx = 1\n', "unknown tag 'answer'; a code cell takes"),
        ('# %% [markdown] answer="why"\n# Because.\n', "every answer needs points"),
        ('# %% points=1 test="double-value"\nassert True\n', "the test 'double-value' has no exercise"),
        (SOLUTION + '# %% points=1 test="doubled"\nassert True\n', "the test 'doubled' has no exercise"),
        ('# %% solution="a" test="a-b" points=1\nx = 1\n', "one cell is solution and test at once"),
        ('# %% solution="two words"\nx = 1\n', "the name 'two words' may hold letters"),
        ('# %% solution="double"\nx = 1\n', "a solution cell needs ### BEGIN SOLUTION"),
        ('# %% solution="double"\n### BEGIN SOLUTION\nx = 1\n', "close it with ### END SOLUTION"),
        ("# %%\nx = 1\n### END SOLUTION\n", "'### END SOLUTION' has no partner"),
        ("# %%\n### BEGIN SOLUTION\nx = 1\n### END SOLUTION\n", "the cell has a solution, and no solution="),
        ("# %%\n### BEGIN HIDDEN TESTS\nx = 1\n### END HIDDEN TESTS\n", "the cell has hidden tests, and no test="),
    ],
)
def test_a_mistake_in_a_header_names_the_file_the_cell_and_the_cause(tmp_path, text, words):
    message = error_of(tmp_path, "# %% [markdown]\n# A first cell\n\n" + text)
    number = 3 if text.startswith(SOLUTION) else 2
    assert message.startswith(f"07_wrong.py, cell {number} (")
    assert words in message


def test_marked_lines_come_from_every_region_of_a_cell():
    source = "a\n### BEGIN SOLUTION\nb\n### END SOLUTION\nc\n  ### BEGIN SOLUTION\n  d\n  ### END SOLUTION"
    assert marked_lines(source, "SOLUTION") == ["b", "  d"]
    with pytest.raises(ValueError, match="come in pairs"):
        marked_lines("### BEGIN SOLUTION\n### BEGIN SOLUTION", "SOLUTION")


def test_a_folder_without_texts_is_refused_in_one_sentence(tmp_path):
    with pytest.raises(BuildError, match="There is no text to build"):
        build(tmp_path)


def test_the_command_builds_and_then_finds_nothing_stale(course, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["build", "--check"])
    with pytest.raises(SystemExit, match="make build"):
        main(course)
    monkeypatch.setattr("sys.argv", ["build"])
    main(course)
    assert "built: release/01-doubling/01-doubling.ipynb" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["build", "--check"])
    main(course)
    assert "2 files, 2 of them unchanged." in capsys.readouterr().out

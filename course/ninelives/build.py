"""Text to notebooks: `python -m ninelives.build`.

    course/notebooks/NN_name.py           the only source, jupytext's percent format
    solutions/NN-name/NN-name.ipynb       solved; nbgrader calls it the source
    release/NN-name/NN-name.ipynb         what learners get, made by nbgrader itself
    course/labs/name.py                   a lab; it is not graded, so nbgrader's gradebook never sees it
    release/labs/name.ipynb               what learners get, without the solutions of its exercises
    course/assistants.md                  how an assistant may help a learner
    release/AGENTS.md, CLAUDE.md          the same under the names that assistants look for

The same text gives the same bytes. A cell's header says what it is for:

    # %% solution="split-heads"                      the learner's code, between ### BEGIN SOLUTION and ### END SOLUTION
    # %% points=1 test="split-heads-shape"           a locked check of that exercise, with or without hidden tests
                                                     between ### BEGIN HIDDEN TESTS and ### END HIDDEN TESTS
    # %% [markdown] answer="why-scale" points=2      the learner's words, graded by hand
    # %% tags=["raises-exception"]                   a cell that is meant to fail

Every other cell is plain.
"""

import argparse
import re
import sys
import tempfile
from pathlib import Path

import nbformat
from nbgrader.converters import GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

ROOT = Path(__file__).resolve().parents[2]
HEADERS = {"code": {"solution", "test", "points", "tags"}, "markdown": {"answer", "points"}}
LEFT_BY_JUPYTEXT = {"lines_to_next_cell", "cell_marker"}
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


class BuildError(ValueError):
    """A notebook's text cannot be built. The message names the file and the cell."""


def marked_lines(source: str, mark: str) -> list[str]:
    """The lines of a cell between `### BEGIN mark` and `### END mark`, for SOLUTION or HIDDEN TESTS.

    Raises ValueError if a region is opened twice, never closed or never opened.
    """
    lines, inside = [], False
    for line in source.split("\n"):
        if f"BEGIN {mark}" in line or f"END {mark}" in line:
            if inside == (f"BEGIN {mark}" in line):
                raise ValueError(f"'{line.strip()}' has no partner: ### BEGIN {mark} and ### END {mark} come in pairs")
            inside = not inside
        elif inside:
            lines.append(line)
    if inside:
        raise ValueError(f"'### BEGIN {mark}' has no partner: close it with ### END {mark}")
    return lines


def nbgrader_metadata(header: dict, cell_type: str) -> dict:
    """nbgrader's metadata of a cell, from its header; empty for a plain cell.

    Raises ValueError if the header contradicts itself.
    """
    allowed = HEADERS.get(cell_type, set())
    unknown = sorted(header.keys() - allowed)
    if unknown:
        raise ValueError(f"unknown tag '{unknown[0]}'; a {cell_type} cell takes {', '.join(sorted(allowed)) or 'none'}")
    roles = sorted(header.keys() & {"solution", "test", "answer"})
    if len(roles) > 1:
        raise ValueError(f"one cell is {' and '.join(roles)} at once; split it")
    role = roles[0] if roles else None
    if role in (None, "solution") and "points" in header:
        raise ValueError("only a test or an answer has points")
    if role is None:
        return {}
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", str(header[role])):
        raise ValueError(f"the name '{header[role]}' may hold letters, digits, - and _, 64 at most")
    metadata = {"schema_version": 3, "grade_id": header[role], "task": False,
                "solution": role != "test", "grade": role != "solution", "locked": role == "test"}
    if metadata["grade"]:
        points = header.get("points")
        if type(points) not in (int, float) or points <= 0:
            raise ValueError(f"every {role} needs points, a number above 0; found {points!r}")
        metadata["points"] = points
    return metadata


def check_regions(source: str, metadata: dict) -> None:
    """Raises ValueError if a solution or a hidden check is in a cell from which nbgrader would not remove it."""
    solution, hidden = marked_lines(source, "SOLUTION"), marked_lines(source, "HIDDEN TESTS")
    is_code_answer = bool(metadata) and metadata["solution"] and not metadata["grade"]
    if solution and not (metadata and metadata["solution"]):
        raise ValueError("the cell has a solution, and no solution=\"…\" in its header")
    if is_code_answer and not solution:
        raise ValueError("a solution cell needs ### BEGIN SOLUTION … ### END SOLUTION around what learners write")
    if hidden and not (metadata and metadata["locked"]):
        raise ValueError("the cell has hidden tests, and no test=\"…\" in its header")


def solved(text: Path) -> nbformat.NotebookNode:
    """The solved notebook of one percent-format text. Raises BuildError."""
    import jupytext  # only authors have it installed, and others import this module too

    cells, names, exercises = [], set(), []
    for number, cell in enumerate(jupytext.read(text, fmt="py:percent").cells, start=1):
        header = {key: value for key, value in cell.metadata.items() if key not in LEFT_BY_JUPYTEXT}
        try:
            metadata = nbgrader_metadata(header, cell.cell_type)
            check_regions(cell.source, metadata)
            name = metadata.get("grade_id")
            if name in names:
                raise ValueError(f"the name '{name}' is taken by an earlier cell")
            if "test" in header and not any(name == e or name.startswith(f"{e}-") for e in exercises):
                raise ValueError(f"the test '{name}' has no exercise: no earlier cell is solution=\"…\" "
                                 "with a name that this one begins with")
        except ValueError as problem:
            shown = " ".join(f"{key}={value!r}" for key, value in header.items()) or cell.source.split("\n")[0]
            raise BuildError(f"{text.name}, cell {number} ({shown}): {problem}.") from None
        if "solution" in header:
            exercises.append(name)
        if name:
            names.add(name)
        new_cell = nbformat.v4.new_code_cell if cell.cell_type == "code" else nbformat.v4.new_markdown_cell
        cell_metadata = {"nbgrader": metadata} if metadata else {}
        if "tags" in header:
            cell_metadata["tags"] = header["tags"]
        cells.append(new_cell(cell.source, id=name or f"cell-{number}", metadata=cell_metadata))
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL, "language_info": {"name": "python"}})


def released(solved_notebooks: dict[str, str], config: Config) -> dict[str, str]:
    """What `nbgrader generate_assignment` makes of these notebooks, in one process and without a gradebook."""
    with tempfile.TemporaryDirectory() as course:
        config.CourseDirectory.update(root=course, assignment_id="*")
        config.GenerateAssignment.no_database = True
        config.SaveCells.enabled = False
        for name, content in solved_notebooks.items():
            path = Path(course, config.CourseDirectory.source_directory, name, f"{name}.ipynb")
            path.parent.mkdir(parents=True)
            path.write_text(content, encoding="utf-8")
        GenerateAssignment(coursedir=CourseDirectory(config=config), config=config).start()
        release = Path(course, config.CourseDirectory.release_directory)
        return {name: (release / name / f"{name}.ipynb").read_text(encoding="utf-8") for name in solved_notebooks}


def solved_lab(text: Path) -> nbformat.NotebookNode:
    """The solved notebook of a lab; nothing of it is written to disk. Raises BuildError if it holds anything to be graded."""
    notebook = solved(text)
    graded = next((cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")), None)
    if graded is not None:
        raise BuildError(f"{text.name}, cell {graded.id}: a lab has no tests with points and no answers, since it is not graded.")
    return notebook


def without_nbgrader(content: str) -> str:
    """A notebook's text with nothing left in it that nbgrader would grade."""
    notebook = nbformat.reads(content, as_version=4)
    for cell in notebook.cells:
        cell.metadata.pop("nbgrader", None)
    return nbformat.writes(notebook) + "\n"


def build(root: Path = ROOT) -> dict[Path, str]:
    """Every built file of the course at `root`, as {path: content}. Writes nothing. Raises BuildError."""
    texts = sorted((root / "course" / "notebooks").glob("[0-9][0-9]_*.py"))
    if not texts:
        raise BuildError(f"There is no text to build in {root / 'course' / 'notebooks'}; "
                         "run this from a clone of the repository, installed with pip install -e .")
    notebooks = {text.stem.replace("_", "-"): nbformat.writes(solved(text)) + "\n" for text in texts}
    labs = {text.stem: nbformat.writes(solved_lab(text)) + "\n" for text in sorted((root / "course" / "labs").glob("*.py"))}
    config = PyFileConfigLoader("nbgrader_config.py", path=str(root)).load_config()
    for_learners = released(notebooks | labs, config)
    assignments = {root / folder / name / f"{name}.ipynb": content
                   for folder, made in (("solutions", notebooks), ("release", {name: for_learners[name] for name in notebooks}))
                   for name, content in made.items()}
    released_labs = {root / "release" / "labs" / f"{name}.ipynb": without_nbgrader(for_learners[name]) for name in labs}
    rules = {}
    for text in (root / "course").glob("assistants.md"):
        rules = {root / "release" / "AGENTS.md": text.read_text(encoding="utf-8"), root / "release" / "CLAUDE.md": "@AGENTS.md\n"}
    return assignments | released_labs | rules


def stale(built: dict[Path, str]) -> list[Path]:
    """The built files that are missing on disk or differ from those there."""
    return [path for path, content in built.items()
            if not path.exists() or path.read_text(encoding="utf-8") != content]


def main(root: Path = ROOT) -> None:
    parser = argparse.ArgumentParser(prog="python -m ninelives.build", description="Build solutions/ and release/.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a built file is stale")
    arguments = parser.parse_args()
    try:
        built = build(root)
    except BuildError as problem:
        sys.exit(str(problem))
    changed = stale(built)
    for path in changed:
        print("stale:" if arguments.check else "built:", path.relative_to(root))
        if not arguments.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(built[path].encode("utf-8"))
    if arguments.check and changed:
        sys.exit("Run make build, or python -m ninelives.build.")
    print(f"{len(built)} files, {len(built) - len(changed)} of them unchanged.")


if __name__ == "__main__":
    main()

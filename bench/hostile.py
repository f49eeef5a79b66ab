"""A hostile class among many honest learners: the points that each kind deserves and gets, and what contained it.

    python bench/hostile.py                     every kind once, among 100 honest submissions
    python bench/hostile.py --honest 20

The kinds are those of tests/grading/test_hostile.py. The table goes into bench/README.md. The script fails if anyone
gets other points than deserved.
"""

import argparse
import re
import sys
import tempfile
from pathlib import Path

import nbformat

from ninelives.grading.folders import remove
from ninelives.grading.workers import Workers

if __name__ == "__main__":  # worker processes import this file, too, but cannot find the other one
    from table import as_table, publish

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT / "tests")  # instead of bench/, which has a grading.py, too

from grading import test_hostile as hostile
from helpers.classroom import ANSWERS, NAME, filled, grade_here, make_course, send

# What contained a kind of submission, by what its output and its notes say.
SIGNS = {
    r"Operation not permitted|Errno 1\]": "seccomp",
    r"Permission denied|Errno 13\]|cross-device link": "Landlock",
    r"MemoryError|allocate memory|File too large|Errno 27\]|maximum limit": "rlimits",
    r"more than \d+ (seconds|threads|MB)|too much output|could not be interrupted|it made a folder": "the grader, which watches kernels",
    r"the kernel died": "a kernel of its own",
    r"does not show|the kernel failed": "the grader, which asks whether a cell ran to its end",
    r"forged": "the grader, which trusts no message",
    r"deliberately wrong answer": "known wrong answers",
    r"(was|were) missing|was there \d|different order|had become|was changed|was named|Another notebook": "repair",
    r"Not readable|left out": "careful reading",
}
# Kinds that were refused or repaired without a message.
QUIET = {
    "shell": "seccomp", "pickle with a command": "seccomp", "new namespaces": "seccomp", "atexit": "a kernel that is killed",
    "threads that outlive the cell": "a kernel that is killed", "deletes its own folder": "a folder of its own",
    "checks marked as answers": "the gradebook, whose roles and points count", "points raised": "the gradebook, whose roles and points count",
    "tensors that are equal to all": "the checks, which require a plain torch.Tensor", "answers from the package": "a note to the instructor",
    "torch.py beside it": "the search order for modules",
} | dict.fromkeys(("schema of the future", "schema of the past", "notebook format 3", "names lost", "Windows line ends", "byte-order mark",
                   "UTF-16", "half a character in the source"), "repair") | dict.fromkeys(
                  ("prints half a character", "timestamp of nonsense"), "careful reading")


def containers(course: Path, kind: str, notes: str) -> str:
    notebook = nbformat.read(course / "autograded" / hostile.student(kind) / NAME / f"{NAME}.ipynb", as_version=4)
    shown = notes + "".join(str(cell.get("outputs", "")) for cell in notebook.cells)
    return ", ".join(by for sign, by in SIGNS.items() if re.search(sign, shown)) or QUIET.get(kind, "nothing to contain, or an ordinary error")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--honest", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        course = make_course(Path(folder), *hostile.SETTINGS)
        for kind in hostile.KINDS:
            hostile.hand_in(course, kind, port=1)
        for number in range(given.honest):
            send(course, f"learner-{number:03}", filled(course, ANSWERS))
        workers = Workers(given.workers)
        results = {result.student: result for result in grade_here(course, workers)[0]}
        workers.close()
        rows, wrong = [], []
        for kind, (_, deserved, _) in hostile.KINDS.items():
            result = results.pop(hostile.student(kind))
            wrong += [kind] if result.score != deserved else []
            notes = " ".join(result.notes).replace("|", "/")
            rows.append([kind, deserved, result.score, containers(course, kind, notes), notes])
        remove(course / "submitted")  # TemporaryDirectory cannot: one is too deep
    wrong += [student for student, result in results.items() if result.score != hostile.FULL]
    text = f"""## A hostile class

`python bench/hostile.py`: {len(hostile.KINDS)} kinds of broken and hostile submissions among {len(results)} honest ones, {given.workers} workers. \
{len(wrong)} wrong grades; every honest one gets {hostile.FULL} of {hostile.FULL} automatic points. tests/grading/test_hostile.py proves that nothing escapes.

{as_table(["kind", "deserved", "given", "contained by", "what the notes say"], rows)}
"""
    print(text)
    if wrong:
        raise SystemExit(f"other points than deserved: {', '.join(wrong)}")
    publish("hostile", text)


if __name__ == "__main__":
    main()

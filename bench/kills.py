"""Killed while grading: SIGKILL at random moments and a restart each time must give the gradebook of an undisturbed run.

    python bench/kills.py               twenty kills: of the command, a worker, a kernel, and a kernel server

The table goes into bench/README.md. The script fails if anything is lost, done twice or different.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:1] = [str(ROOT / "tests"), str(ROOT)]  # instead of bench/, which has a grading.py, too

from bench.table import as_table, publish

from grading.test_interrupted import killed_and_started_again, make_class
from helpers.classroom import gradebook_of
from helpers.plain_class import NAME, command


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        course = make_class(Path(folder, "course"))
        shutil.copytree(course, Path(folder, "undisturbed"))
        command(Path(folder, "undisturbed"))
        wanted = gradebook_of(Path(folder, "undisturbed"), NAME)
        killed, again = killed_and_started_again(course, given.kills)
        found = gradebook_of(course, NAME)
    lost = sorted(wanted.keys() - found.keys())
    other = sorted(student for student in wanted.keys() & found.keys() if wanted[student] != found[student])
    text = f"""## Killed while grading

`python bench/kills.py`: SIGKILL at {sum(killed.values())} random moments while {len(wanted)} submissions are graded by 2 workers, and started again.

{as_table(["killed", "times"], [[{"forker": "the kernel server"}.get(kind, kind), times] for kind, times in killed.items()])}

Against an undisturbed run: {len(lost)} students lost, {len(again)} graded again though their grades were safe, {len(other)} with other grades, comments or penalties.
"""
    print(text)
    if lost or again or other:
        raise SystemExit(f"lost {lost}, graded twice {sorted(again)}, different {other}")
    publish("kills", text)


if __name__ == "__main__":
    main()

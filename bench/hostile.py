"""A hostile class among many honest learners: what each kind deserves, what it is given, what is said of it.

    python bench/hostile.py                     every kind once, among 100 honest submissions
    python bench/hostile.py --honest 20

The kinds are those of tests/grading/test_hostile.py. The script fails where anyone is given other points than deserved.
"""

import argparse
import re
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from grading import test_hostile as hostile  # noqa: E402
from grading.classroom import ANSWERS, NAME, Workers, filled, grade_here, make_course, send  # noqa: E402


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
        started = time.perf_counter()
        lines = {line.student: line for line in grade_here(course, workers)[0]}
        seconds = time.perf_counter() - started
        workers.close()
    print("| kind | deserved | given | what is said of it |\n|---|---|---|---|")
    wrong = []
    for kind, (_, deserved, _) in hostile.KINDS.items():
        line = lines.pop(hostile.student(kind))
        wrong += [kind] if line.score != deserved else []
        said = re.sub(r"\|", "/", " ".join(line.notes)) or "nothing: it was refused what it tried, or did no harm"
        print(f"| {kind} | {deserved} | {line.score} | {said} |")
    wrong += [student for student, line in lines.items() if line.score != hostile.FULL]
    print(f"\n{len(hostile.KINDS)} kinds and {len(lines)} honest learners of {NAME} in {seconds:.0f} seconds with {given.workers} "
          f"workers; {len(wrong)} wrong grades.")
    if wrong:
        raise SystemExit(f"other points than deserved: {', '.join(wrong)}")


if __name__ == "__main__":
    main()

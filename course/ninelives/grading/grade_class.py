"""The submissions of a class, each on its own: those that need it are graded, and every result is recorded as it comes."""

from pathlib import Path

from ninelives.grading.backup import copy_of
from ninelives.grading.batch import Batch
from ninelives.grading.calibrate import calibrate
from ninelives.grading.errors import CannotStart, KernelDied, KernelsEnded
from ninelives.grading.progress import Line, Progress
from ninelives.grading.read_notebook import plain
from ninelives.grading.workers import Workers, first_result, results


def run(batch: Batch, workers: Workers, students: list[str], force: bool, say=print) -> list[Line]:
    """Grade these students' submissions; a line for each."""
    digests, lines, todo = {}, [], []
    for student in students:
        if plain(student) != student or student.splitlines() != [student]:
            lines.append(Line(plain(student), notes=("The folder's name is no UTF-8, or has several lines: give it another.",)))
            continue
        try:
            digests[student] = batch.digest(student)
        except OSError as problem:
            lines.append(Line(student, notes=(f"Could not be read: {problem.strerror}: {problem.filename}",)))
            continue
        line = None if force else batch.known(student, digests[student])
        if line:
            lines.append(line)
        else:
            todo.append(student)
    known = sum(line.known for line in lines)
    if known:
        say(f"{known} of {len(students)} are graded already and unchanged.")
    if not todo:
        return lines
    say(copy_of(batch.course.db_url, Path(batch.course.root), batch.assignment))
    for student in todo:  # whatever ends this, what is not graded now is not taken for graded later
        (batch.journal / f"{student}.json").unlink(missing_ok=True)
    workers.wake(len(todo), batch.confined)
    try:
        calibrated = first_result(workers, calibrate, batch.task(todo[0], {}))
    except (KernelDied, KernelsEnded) as death:
        raise CannotStart(f"The instructor's own {batch.assignment} could not be run to its end here: {death}. If this machine is busy, "
                          "type the same again later; if not, raise the limits in nbgrader_config.py") from None
    for name, found in calibrated.items():
        if found["failed"]:
            say(f"Beware: the instructor's own {name} fails its checks {', '.join(found['failed'])} here.")
    progress = Progress(len(todo))
    for student, result in results(workers, {student: batch.task(student, calibrated) for student in todo}):
        if isinstance(result, Exception):
            line = Line(student, notes=(f"Could not be graded: {type(result).__name__}: {result}",))
        else:
            try:
                line = batch.record(student, result, digests[student])
            except Exception as problem:  # one student's must never stop the others'
                batch.gradebook.db.rollback()
                line = Line(student, notes=(f"Could not be recorded: {type(problem).__name__}: {problem}",))
        lines.append(line)
        progress.add(line)
    return sorted(lines, key=lambda line: line.student)

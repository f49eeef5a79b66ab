"""Grade the submissions of a class: each that needs it on its own, and every result is recorded as it comes."""

from pathlib import Path

from ninelives.grading.backup import back_up
from ninelives.grading.batch import Batch
from ninelives.grading.calibrate import calibrate, complaint
from ninelives.grading.change_dates import pages_to_write_again
from ninelives.grading.errors import CannotStart, KernelDied, KernelServerDied
from ninelives.grading.folders import printable
from ninelives.grading.progress import Progress, StudentResult
from ninelives.grading.read_notebook import without_surrogates
from ninelives.grading.task import Graded
from ninelives.grading.workers import Workers, first_result, results


def grade_class(
    batch: Batch, workers: Workers, students: list[str], force: bool, say=print
) -> list[StudentResult]:
    """Grade these students' submissions, and those graded before only with `force`.

    Raises:
        CannotStart: the instructor's own notebook cannot be run, or the gradebook cannot be backed up.
    """
    todo, found = _look_at(batch, students, force)
    known = sum(result.known for result in found)
    if known:
        say(f"{known} of {len(students)} are graded already and unchanged.")
    outdated = [result for result in found if result.outdated]
    if not todo and not outdated:
        return found
    say(back_up(batch.course.db_url, Path(batch.course.root), batch.assignment))
    if outdated:
        found = [batch.update_penalty(result) if result.outdated else result for result in found]
        names = [result.student for result in outdated]
        say(f"The late penalty of {', '.join(map(printable, names))} changed with new dates or points. "
            f"{pages_to_write_again(batch, names)}".strip())
    if not todo:
        return found
    for student in todo:  # if this is interrupted, what it has not reached must not count as graded
        (batch.journal / f"{student}.json").unlink(missing_ok=True)
    if batch.execute:
        workers.start_server(batch.settings, batch.modules, batch.confined)
    calibrated = _calibrate(batch, workers, next(iter(todo)), say) if batch.execute else {}
    progress = Progress(len(todo))
    tasks = {student: batch.task(student, calibrated) for student in todo}
    for student, graded in results(workers, tasks):
        result = _recorded(batch, student, graded, todo[student])
        found.append(result)
        progress.add(result)
    return sorted(found, key=lambda result: result.student)


def _look_at(batch: Batch, students: list[str], force: bool) -> tuple[dict[str, str], list[StudentResult]]:
    """The submissions to grade, {student: digest}, and the results of the others."""
    todo, found = {}, []
    enrolled = {one.id for one in batch.gradebook.students}
    for student in students:
        if not batch.autograde.create_student and student not in enrolled:
            reason = "Not in the gradebook, and c.Autograde.create_student = False: add the learner or correct the name."
            found.append(StudentResult(without_surrogates(student), notes=(reason,)))
            continue
        if without_surrogates(student) != student or student.splitlines() != [student]:
            reason = "The folder's name is not UTF-8 or has several lines: rename it."
            found.append(StudentResult(without_surrogates(student), notes=(reason,)))
            continue
        try:
            digest = batch.digest(student)
        except OSError as problem:
            reason = f"Could not be read: {problem.strerror}: {problem.filename}"
            found.append(StudentResult(student, notes=(reason,)))
            continue
        result = None if force else batch.known(student, digest)
        if result:
            found.append(result)
        else:
            todo[student] = digest
    return todo, found


def _calibrate(batch: Batch, workers: Workers, student: str, say) -> dict[str, dict]:
    try:
        calibrated = first_result(workers, calibrate, batch.task(student, {}))
    except (KernelDied, KernelServerDied) as death:
        raise CannotStart(f"The instructor's own {batch.assignment} could not be run to its end here: {death}. If this "
                          "machine is busy, type the same command again later; if not, raise the limits in "
                          "nbgrader_config.py") from None
    for name, found in calibrated.items():
        if found["failed"]:
            words = complaint(name, found["failed"])
            if not batch.go_on:
                raise CannotStart(f"{words}. Nothing was graded. Mend the checks, your answers or the settings; to grade "
                                  "all the same, add --go-on")
            say(f"Beware: {words}.")
    return calibrated


def _recorded(batch: Batch, student: str, graded: dict[str, Graded] | Exception, digest: str) -> StudentResult:
    """The student's result, after it was written to the gradebook."""
    if isinstance(graded, Exception):
        return StudentResult(student, notes=(f"Could not be graded: {type(graded).__name__}: {graded}",))
    try:
        return batch.record(student, graded, digest)
    except Exception as problem:  # one student's submission must never stop the others'
        batch.gradebook.db.rollback()
        return StudentResult(student, notes=(f"Could not be recorded: {type(problem).__name__}: {problem}",))

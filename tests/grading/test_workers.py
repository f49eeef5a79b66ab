"""Workers that die, and what every one of them imports."""

import sys
from concurrent.futures import BrokenExecutor, Future
from subprocess import run
from threading import Timer

from ninelives.grading.worker_process import import_all, import_less
from ninelives.grading.workers import results


class Fragile:
    """Two workers. One task kills them and everything that runs with it; the others take a moment."""

    count = 2

    def __init__(self):
        self.running = []

    def submit(self, function, task):
        future = Future()
        self.running = [one for one in self.running if not one.done()] + [future]
        Timer(0.2, self.finish, [future, task]).start()
        return future

    def finish(self, future, task):
        if task == "poison":
            for one in self.running:
                one.done() or one.set_exception(BrokenExecutor())
        elif not future.done():
            future.set_result(task)


def test_a_submission_that_kills_its_workers_does_not_harm_the_others():
    tasks = {name: name for name in ("a", "poison", "b", "c", "d", "e")}
    came = dict(results(Fragile(), tasks))
    assert isinstance(came.pop("poison"), BrokenExecutor) and came == {name: name for name in "abcde"}


def test_a_worker_imports_nothing_of_nbgrader_whose_import_takes_a_second():
    loaded = "import sys, ninelives.grading.calibrate, ninelives.grading.grade\nprint({'nbgrader', 'jupyter_client', 'sqlalchemy'} & {*sys.modules})"
    assert run([sys.executable, "-c", loaded], capture_output=True, text=True).stdout == "set()\n"


def test_what_was_left_out_of_the_start_can_be_imported_afterwards(monkeypatch):
    monkeypatch.delitem(sys.modules, "rfc3987_syntax", raising=False)
    import_less()
    assert sys.modules["rfc3987_syntax"] is None
    import_all()
    assert "rfc3987_syntax" not in sys.modules

"""Workers that die."""

from concurrent.futures import BrokenExecutor, Future
from threading import Timer

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

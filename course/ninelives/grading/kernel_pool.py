"""The kernel servers of this process: made when first asked for, kept, and made again when one has died."""

import threading
from collections.abc import Callable
from multiprocessing.util import Finalize
from typing import TypeVar

from ninelives.grading import sandbox
from ninelives.grading.assignment import Notebook
from ninelives.grading.errors import KernelsEnded
from ninelives.grading.folders import remove
from ninelives.grading.kernel_server import Boxes, Kernels
from ninelives.grading.outputs import Outcome
from ninelives.grading.submitted_files import make_place
from ninelives.grading.task import Task

DEATHS = 3  # of what makes kernels, after which a submission is given up
Result = TypeVar("Result")
_own = threading.local()


def kernels(confined: bool) -> Kernels:
    """This thread's own, made when first asked for and again when it has ended."""
    if getattr(_own, "kernels", None) is None or _own.kernels.ended:
        made = Boxes if confined and sandbox.landlock() < 1 else Kernels
        _own.kernels, _own.prepared = made(), {}
        Finalize(None, _own.kernels.close, exitpriority=0)  # as a worker ends, which runs nothing else
    return _own.kernels


def warm_up(confined: bool) -> None:
    """Import what takes long, before there is anything to grade."""
    kernels(confined)


def prepared(task: Task, notebook: Notebook) -> tuple[Kernels, list[Outcome]]:
    """Kernels that have run what stands before the first exercise, and what that put out; this thread's own.

    Where it cannot be shared, kernels that have run nothing.
    """
    plain = kernels(task.confined)
    modules = task.modules.get(notebook.name, ())
    key = (task.stamp, notebook.name, *modules)
    if key not in _own.prepared:
        folder = make_place(task.others, [], notebook.name, None)
        _own.prepared[key] = plain.prepare(folder, modules, notebook.beginning) or (plain, [])
        remove(folder)
    return _own.prepared[key]


def with_kernels(work: Callable[[], Result]) -> Result:
    """What `work` returns, done again when what makes its kernels has died. Raises KernelsEnded at the last time."""
    for _ in range(DEATHS - 1):
        try:
            return work()
        except KernelsEnded:
            ended, _own.kernels = getattr(_own, "kernels", None), None
            if ended is not None:
                ended.close()
    return work()

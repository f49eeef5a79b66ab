"""The errors of the engine. Their messages are shown to instructors."""


class CannotStart(Exception):
    """Nothing can be graded; the message says why and what to do."""


class NotGenerated(CannotStart):
    """The gradebook or the course's folder lacks the assignment; the message says what to do."""


class NotBackedUp(CannotStart):
    """The gradebook could not be backed up, and nothing was written; the message says why."""


class NotPython(Exception):
    """A submission asks for a kernel that is not Python's; the message says which."""


class UnexpectedError(Exception):
    """The grader itself failed on a submission; the message says where and how."""


class KernelDied(Exception):
    """The kernel cannot be used any more; the message says why.

    Args:
        from_outside: something else may have killed it, such as a system that is short of memory.
    """

    def __init__(self, reason: str, from_outside: bool = False) -> None:
        super().__init__(reason)
        self.from_outside = from_outside


class CopyDied(KernelDied):
    """A copy of a kernel cannot be made or used any more, and the kernel itself lives; the message says why."""


class KernelServerDied(RuntimeError):
    """The process that forks the kernels cannot make any more of them; the message says why."""


def in_one_line(problem: Exception) -> str:
    """What an error says; of an error of the gradebook, what the database has said."""
    return " ".join(str(getattr(problem, "orig", problem)).split())

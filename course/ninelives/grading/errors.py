"""What stops a kernel, a submission or a whole batch; each message is one that an instructor can act on."""




class KernelDied(Exception):
    """The kernel cannot be used any more; the message says why.

    Args:
        from_outside: it may have been killed by someone else, such as a system that is short of memory.
    """

    def __init__(self, reason: str, from_outside: bool = False) -> None:
        super().__init__(reason)
        self.from_outside = from_outside


class KernelsEnded(RuntimeError):
    """No kernel can be made by these any more."""


class CannotStart(Exception):
    """Nothing can be graded; the message says why and what to do."""


class NotGivenOut(ValueError):
    """The gradebook or the course's folder lacks the assignment; the message says what to do."""


class NotCopied(Exception):
    """The gradebook could not be copied, and nothing was written; the message says why."""


class Unforeseen(Exception):
    """A submission has met an error of the grader; the message says which."""

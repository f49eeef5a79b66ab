"""What a check says when it refuses an answer: seen, wanted, likely."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from IPython.display import display

from ninelives.figures import Picture
from ninelives.sentence import wrapped


class CheckFailed(AssertionError):
    """What was seen, what was wanted, and what the likely cause is.

    Args:
        seen: what the learner's code gave.
        wanted: what it should have given; empty if what was seen says it, and then the line is left out.
        cause: the likely mistake, and what to do; empty if nothing is known, and then the line is left out.
        picture: draws both; called only if the failure is shown, since drawing
            takes longer than all the checks of an exercise.
        error: what Python said, if the learner's code raised an error that nothing
            explains yet. The exercise looks it up in its `error_hints`.
    """

    label = "likely:"  # stands before the cause

    def __init__(
        self, seen: str, wanted: str, cause: str, picture: Callable[[], Picture] | None = None, error: str = ""
    ) -> None:
        super().__init__(seen, wanted, cause)
        self.seen, self.wanted, self.cause, self.picture, self.error = seen, wanted, cause, picture, error

    def __str__(self) -> str:
        lines = {"seen:": self.seen, "wanted:": self.wanted, self.label: self.cause}
        return "".join(f"\n  {name:8}{said}" for name, said in lines.items() if said)

    def _render_traceback_(self) -> list[str]:
        """IPython shows this instead of a traceback: the learner needs only the words."""
        return [part for line in str(self).strip("\n").splitlines() for part in wrapped(line, 10 * " ")]

    def _ipython_display_(self) -> None:
        """Draw the picture, which takes long: only a failure that is shown needs one."""
        if self.picture is not None:
            display(self.picture())


class NotWritten(CheckFailed):
    """The exercise, or one that it builds on, still raises NotImplementedError. The cause says what to do next."""

    label = "next:"


class SideEffect(CheckFailed):
    """The call changed something that was not its own. The cause is certain, in whatever case it was found."""


@contextmanager
def in_case(case: str, *, wanted: str = "", cause: str = "") -> Iterator[None]:
    """Begin what a failure inside has seen with the case that was tried.

    Args:
        case: for instance "with a mask of dtype torch.bool".
        wanted: replaces what was wanted.
        cause: replaces the likely cause, unless the exercise is not written yet, or the cause is certain.
    """
    try:
        yield
    except CheckFailed as failure:
        failure.seen = f"{case}, {failure.seen}"
        if not isinstance(failure, NotWritten | SideEffect):
            failure.wanted, failure.cause = wanted or failure.wanted, cause or failure.cause
            if cause:
                failure.error = ""
        raise

"""One exercise: its checks in order, the mistakes that they know, and what they say."""

import copy
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from IPython.display import display

from ninelives.checks.another_way import may_be_shown, show_another_way
from ninelives.checks.cells import want_the_newest
from ninelives.checks.errors import explanation
from ninelives.checks.failure import CheckFailed, NotWritten, in_case
from ninelives.checks.run import build, hint_for, name_of, run, same
from ninelives.checks.source import ENDS_WITHOUT_RETURN, ends_without_return, mistake_in_source
from ninelives.checks.want import (
    NO_RETURN,
    counted,
    ids,
    is_or_are,
    kind_of,
    numbers,
    same_values,
    told_apart,
    want_gradient,
    want_gradient_of_inputs,
    want_number,
    want_pair,
    want_shape,
    want_slope,
    want_tensor,
)
from ninelives.figures import wanted_and_yours

__all__ = [
    "CheckFailed", "Exercise", "Mistake", "NotWritten", "build", "counted", "ids", "in_case", "kind_of", "name_of", "numbers",
    "on_layers_of", "run", "same", "same_values", "want_gradient", "want_gradient_of_inputs", "want_number", "want_pair", "want_shape",
    "want_slope", "want_tensor",
]


class Mistake(NamedTuple):
    """A wrong answer that the checks of an exercise know, and what they say of it.

    Args:
        aspect: one that refuses it with this sentence.
        cause: the sentence that a learner who makes this mistake reads.
        answer: the mistake itself, a function or class as a learner would write it.
    """

    aspect: str
    cause: str
    answer: Callable


class Exercise:
    """The checks of one exercise, from basic to subtle.

    Calling it runs them in order and stops at the first that fails:

        check.split_heads(split_heads)            every aspect
        check.split_heads(split_heads, "shape")   one of them

    Args:
        name: the name of what the learner writes.
        error_hints: words of errors that Python or PyTorch raise in this exercise, and the likely mistake.
        another_way: whether a learner who has solved it is shown another right answer.
    """

    def __init__(self, name: str, error_hints: dict[str, str] | None = None, another_way: bool = True) -> None:
        self.name = name
        self.error_hints = error_hints or {}
        self.another_way = another_way
        self.aspects: dict[str, Callable[[Any, int], None]] = {}
        self.mistakes: list[Mistake] = []
        self.running: str | None = None  # the aspect that is checked now
        self.right_so_far: list[Callable[[Callable], bool]] = []  # for each right result of this aspect: does a mistake give it too?
        self.outcomes: dict[str, bool] = {}  # of each aspect that was called in this notebook: has it passed?

    def aspect(self, name: str) -> Callable:
        """Register a function (answer, seed) that raises CheckFailed."""

        def register(check: Callable[[Any, int], None]) -> Callable[[Any, int], None]:
            self.aspects[name] = check
            return check

        return register

    def mistake(self, aspect: str, cause: str) -> Callable:
        """Register a wrong answer; `want_values` and `want_shape` name it when a learner's result is the same.

        Args:
            aspect: one that refuses it with this sentence.
            cause: what a learner who makes this mistake reads.
        """

        def register(answer: Callable) -> Callable:
            self.mistakes.append(Mistake(aspect, cause, answer))
            return answer

        return register

    def __call__(self, answer: Any, aspect: str | None = None, seed: int = 0) -> None:
        """Check an answer and say so in one line. After the last aspect another way to write it is shown, if all pass.

        Args:
            answer: the learner's function or class.
            aspect: one aspect's name; by default all, in order.
            seed: chooses sizes and numbers. 0 is what a learner sees; with any
                other nothing is printed, since the line would promise too much.

        Raises:
            CheckFailed: with seen, wanted and the likely cause.
            ValueError: there is no such aspect.
        """
        for name in self.aspects if aspect is None else [aspect]:
            if seed == 0:
                want_the_newest(answer)
            failure = self.refusal(name, answer, seed)
            self.outcomes[name] = failure is None
            if failure is not None:
                self._name_an_earlier_refusal(name, answer, failure)
                if failure.picture is not None:
                    display(failure)
                raise failure from None
            if seed == 0:
                print(f"{self.name} passes the check {name!r}.")
        if seed == 0 and self.another_way and name == [*self.aspects][-1] and may_be_shown():
            # Asked last, since it runs every check again.
            if aspect is None or self.first_failure(answer) is None:
                show_another_way(self, answer)

    def refusal(self, aspect: str, answer: Any, seed: int = 0) -> CheckFailed | None:
        """Why one aspect refuses an answer; None if it accepts it. Raises ValueError if there is no such aspect."""
        if aspect not in self.aspects:
            raise ValueError(f"{self.name} has no check {aspect!r}: its checks are {', '.join(map(repr, self.aspects))}.")
        # A check must not move the stream of random numbers of the learner's notebook.
        # torch.set_grad_enabled(False), left standing in a notebook, is no mistake of the answer.
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            # torch.manual_seed would seed every kind of device, even one that is not there.
            torch.default_generator.manual_seed(seed)
            self.running, self.right_so_far = aspect, []
            try:
                self.aspects[aspect](answer, seed)
            except CheckFailed as failure:
                if not isinstance(failure, NotWritten):
                    failure.cause = self._cause_of(failure, answer)
                return failure
            # Every check can be run alone, and a later one relies on what the earlier ones make sure of.
            except Exception as error:
                said = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
                return CheckFailed(
                    f"with what {self.name} gives, this check cannot go on ({said}).",
                    "a result that can be used as the exercise says.",
                    mistake_in_source(answer) or hint_for(said, self.error_hints) or explanation(error),
                )
            finally:
                self.right_so_far = []
        return None

    def _cause_of(self, failure: CheckFailed, answer: Any) -> str:
        """The likely cause of a failure: what the source shows, then the exercise's own hint, then the check's sentence."""
        if failure.cause == NO_RETURN:
            return ENDS_WITHOUT_RETURN if ends_without_return(answer) else NO_RETURN
        return mistake_in_source(answer) or hint_for(failure.error, self.error_hints) or failure.cause

    def _name_an_earlier_refusal(self, aspect: str, answer: Any, failure: CheckFailed) -> None:
        """Replace the cause if an earlier aspect refuses the answer as well: its cause is nearer to the mistake.

        The cause stays if it is the same, or that of a registered mistake of this very aspect.
        """
        if isinstance(failure, NotWritten) or not callable(answer) or (aspect, failure.cause) in {m[:2] for m in self.mistakes}:
            return
        for earlier in self.aspects:
            if earlier == aspect:
                return
            refusal = self.refusal(earlier, answer)
            if refusal is not None:
                if refusal.cause != failure.cause:
                    failure.cause = f"first fix what the check {earlier!r} reports."
                return

    def first_failure(self, answer: Any, seed: int = 0) -> tuple[str, CheckFailed] | None:
        """The first aspect that refuses an answer, with its reason; None if all accept it."""
        refusals = ((name, self.refusal(name, answer, seed)) for name in self.aspects)
        return next(((name, failure) for name, failure in refusals if failure is not None), None)

    def optional(self, answer: Any) -> None:
        """Check an answer to an exercise without points: while it is not written, a line says so and nothing is raised."""
        try:
            self(answer)
        except NotWritten:
            print(f"{self.name} is optional and has no points. It is not written yet.")

    @staticmethod
    def fault(aspect: str, failure: CheckFailed) -> str:
        """Why an answer that an aspect refuses is not used, as a clause."""
        if not isinstance(failure, NotWritten):
            return f"yours does not pass its check {aspect!r} yet"
        called, calls, _ = failure.seen.partition(", which ")
        return f"{called}, which yours calls, is not written yet" if calls else "yours is not written yet"

    def yours_if_it_passes(self, answer: Any, fallback: Any) -> Any:
        """The learner's answer if it passes its checks, else the package's part, with a printed line that says which."""
        failure = self.first_failure(answer)
        if failure is None:
            print(f"Running on your own {self.name}.")
            return answer
        print(f"Running on the package's {self.name}: {self.fault(*failure)}.")
        return fallback

    def yours_if_it_runs(
        self, answer: Any, fallback: Any, trial: Callable[[Any], Any] | None = None, trial_decides: bool = False
    ) -> Any:
        """The learner's answer, a wrong one too, if pictures can be drawn of what it gives; else the package's part.

        A printed line says which, and why; `figures.whose` names it in labels.

        Args:
            answer: what the learner wrote.
            fallback: the package's part.
            trial: uses an answer as the notebook will. What raises there cannot be drawn.
            trial_decides: an answer that fails its first check is used too, if the trial finds nothing; for exercises
                whose first check is not about shapes.
        """
        failure = self.first_failure(answer)
        if failure is None:
            print(f"Running on your own {self.name}.")
            return answer
        aspect = failure[0]
        if aspect == next(iter(self.aspects)) and (not trial_decides or isinstance(failure[1], NotWritten)):
            print(f"Running on the package's {self.name}: {self.fault(*failure)}.")
            return fallback
        try:
            if trial is not None:
                trial(answer)
        except Exception as error:  # a learner's code can raise anything
            print(f"Running on the package's {self.name}: yours raises {type(error).__name__} here.")
            return fallback
        print(f"Running on your own {self.name}, which does not pass its check {aspect!r} yet: look for what is wrong.")
        return answer

    def likely_cause(
        self,
        result: torch.Tensor,
        arguments: Sequence[Any],
        otherwise: str | Callable[[], str],
        agree: Callable[[torch.Tensor, torch.Tensor], bool] = same_values,
        make: Callable[[Callable], Callable] | None = None,
    ) -> str:
        """The sentence of the registered mistake that gives the same result, or else `otherwise`.

        The mistakes of the aspect that is being checked are tried first, then all others, in the order of registration. One that
        gives another result in a case in which the learner's was right, see `note_right`, is not the learner's.

        Args:
            result: what the learner's code gave.
            arguments: what it was called with. Each mistake is run on copies, in float64.
            otherwise: the sentence when no mistake gives this result, or a function that finds it.
            agree: when two results count as the same.
            make: makes a mistake ready to be called with the arguments; needed for classes, see `on_layers_of`.
        """
        for mistake in sorted(self.mistakes, key=lambda mistake: mistake.aspect != self.running):
            if _gives(mistake.answer, result, arguments, agree, make) and all(gives(mistake.answer) for gives in self.right_so_far):
                return mistake.cause
        return otherwise() if callable(otherwise) else otherwise

    def note_right(
        self,
        result: torch.Tensor,
        arguments: Sequence[Any],
        agree: Callable[[torch.Tensor, torch.Tensor], bool] = same_values,
        make: Callable[[Callable], Callable] | None = None,
    ) -> None:
        """Keep a right result until the aspect ends: a mistake that does not give it is not what the learner wrote.

        Args:
            result, arguments, agree, make: as for `likely_cause`.
        """
        self.right_so_far.append(partial(_gives, result=result, arguments=arguments, agree=agree, make=make))

    def want_values(
        self,
        result: torch.Tensor,
        wanted: torch.Tensor,
        arguments: Sequence[Any] = (),
        *,
        what: str | Callable[..., str],
        otherwise: str | Callable[[], str],
        caption: str,
        meaning: str = "",
        row_of: Callable[[torch.Tensor, int], str] = numbers,
        shown: int = 3,
        agree: Callable[[torch.Tensor, torch.Tensor], bool] = same_values,
        make: Callable[[Callable], Callable] | None = None,
    ) -> None:
        """Refuse other values than wanted, and name the registered mistake that gives just these.

        Args:
            result: what the learner's code gave, of the right shape.
            wanted: what is right.
            arguments: what the learner's code was called with.
            what: what the result is of, for the message; or a function from the index of the row that differs to
                the beginning of the sentence, such as "for the prompt [3, 1] generate gives".
            otherwise: the sentence when no mistake gives this result, or a function that finds it.
            caption: under the picture of both.
            meaning: follows the wanted row, in words.
            row_of: writes a row, `numbers` or `ids`.
            shown: how many numbers of a row are written, or more if it takes more to see where they differ.
            agree: when two results count as the same.
            make: makes a mistake ready to be called with the arguments; needed for classes, see `on_layers_of`.

        Raises:
            CheckFailed: with the first row that differs.
        """
        if agree(result, wanted):
            return
        result, wanted = result.detach().double(), wanted.double()
        differs = ~torch.isclose(result, wanted, rtol=1e-3, atol=1e-4)
        if not differs.any():
            differs = (result - wanted).abs() == (result - wanted).abs().max()
        *row, column = differs.nonzero()[0].tolist() if differs.any() else [0] * wanted.dim()
        most = max(shown, column + 1)
        rows = result[tuple(row)], wanted[tuple(row)]
        seen_row, wanted_row = told_apart(*rows, most) if row_of is numbers else (row_of(each, most) for each in rows)
        where = f" at {row}" if row else ""
        raise CheckFailed(
            f"{what(*row) if callable(what) else f'{what}{where} {is_or_are(what)}'} {seen_row}.",
            f"{wanted_row}{meaning}.",
            self.likely_cause(result, arguments, otherwise, agree, make),
            picture=lambda: wanted_and_yours(wanted, result, caption=caption, sizes_count=row_of is not ids or wanted.max() <= 1),
        )

    def want_shape(
        self,
        result: Any,
        shape: Sequence[int],
        names: str,
        what: str,
        arguments: Sequence[Any],
        make: Callable[[Callable], Callable] | None = None,
    ) -> None:
        """Refuse a tensor of another shape, and name the registered mistake that gives just this one.

        Args:
            result: what the learner's code gave.
            shape: the wanted sizes.
            names: the wanted sizes in letters, "(B, T, C)".
            what: what the result is of, for the message.
            arguments: what the learner's code was called with.
            make: makes a mistake ready to be called with the arguments; needed for classes, see `on_layers_of`.

        Raises:
            CheckFailed: result is no tensor, or of another shape.
        """
        known = {}
        if isinstance(result, torch.Tensor) and tuple(result.shape) != tuple(shape):
            # Where two mistakes give the same shape, the numbers may tell which one it is.
            cause = self.likely_cause(result, arguments, "", make=make) or self.likely_cause(result, arguments, "", _same_shape, make)
            known = {tuple(result.shape): cause} if cause else {}
        want_shape(result, shape, names, what, known)


def on_layers_of(module: torch.nn.Module, mistake: type[torch.nn.Module]) -> torch.nn.Module:
    """A mistaken class with the layers of a module: the mistake's methods, the learner's weights.

    The mistake's own __init__ is not run, so the mistake must be in forward, or in what forward calls.
    """
    mistaken = copy.copy(module)
    mistaken.__class__ = mistake
    return mistaken


def _gives(
    mistake: Callable, result: torch.Tensor, arguments: Sequence[Any], agree: Callable[[torch.Tensor, torch.Tensor], bool],
    make: Callable[[Callable], Callable] | None,
) -> bool:
    """Whether a mistake gives this result, in float64; one that fails on these arguments does not."""
    try:
        with torch.no_grad():
            return bool(agree(result, (make(mistake) if make else mistake)(*map(_copy, arguments))))
    except Exception:  # a mistake may well fail on arguments that are not its own
        return False


def _copy(argument: Any) -> Any:
    """A tensor's copy, in float64 if it holds floats; anything else as it is."""
    if not isinstance(argument, torch.Tensor):
        return argument
    return argument.detach().to(torch.float64 if argument.is_floating_point() else argument.dtype, copy=True)


def _same_shape(result: torch.Tensor, other: torch.Tensor) -> bool:
    return result.shape == other.shape

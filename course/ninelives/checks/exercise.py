"""One exercise: its checks in order, and what they say."""

import textwrap
import traceback
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import torch
from IPython.display import display

from ninelives.figures import Picture


class CheckFailed(AssertionError):
    """What was seen, what was wanted, and what the likely cause is.

    Args:
        seen: what the learner's code gave.
        wanted: what it should have given.
        cause: the likely mistake, and what to do.
        picture: draws both; called only if the failure is shown, since drawing
            takes longer than all the checks of an exercise.
    """

    def __init__(
        self, seen: str, wanted: str, cause: str, picture: Callable[[], Picture] | None = None
    ) -> None:
        super().__init__(f"\n  seen:   {seen}\n  wanted: {wanted}\n  likely: {cause}")
        self.seen, self.wanted, self.cause, self.picture = seen, wanted, cause, picture

    def _render_traceback_(self) -> list[str]:
        """IPython shows this in place of a traceback: the learner needs the words alone."""
        # A browser would break long lines anywhere, in the middle of a word too.
        return [
            part for line in str(self).strip("\n").splitlines()
            for part in textwrap.wrap(line, 100, subsequent_indent=10 * " ", break_long_words=False, break_on_hyphens=False)
        ]

    def _ipython_display_(self) -> None:
        """The picture, drawn where one is shown: where only the verdict is wanted, none has to be."""
        if self.picture is not None:
            display(self.picture())


class Exercise:
    """The checks of one exercise, from basic to subtle.

    Calling it runs them in order and stops at the first that fails:

        check.split_heads(split_heads)            every aspect
        check.split_heads(split_heads, "shape")   one of them

    Args:
        name: the name of what the learner writes.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.aspects: dict[str, Callable[[Any, int], None]] = {}

    def aspect(self, name: str) -> Callable:
        """Register a function (answer, seed) that raises CheckFailed."""

        def register(check: Callable[[Any, int], None]) -> Callable[[Any, int], None]:
            self.aspects[name] = check
            return check

        return register

    def __call__(self, answer: Any, aspect: str | None = None, seed: int = 0) -> None:
        """Check an answer and say so in one line.

        Args:
            answer: the learner's function or class.
            aspect: one aspect's name; by default all, in order.
            seed: chooses sizes and numbers. 0 is what a learner sees; with any
                other nothing is printed, since the line would promise too much.

        Raises:
            CheckFailed: with seen, wanted and the likely cause.
        """
        for name in self.aspects if aspect is None else [aspect]:
            failure = self.refusal(name, answer, seed)
            if failure is not None:
                if failure.picture is not None:
                    display(failure)
                raise failure from None
            if seed == 0:
                print(f"{self.name}, {name}: visible checks passed.")

    def refusal(self, aspect: str, answer: Any, seed: int = 0) -> CheckFailed | None:
        """Why one aspect refuses an answer; None if it accepts it."""
        # A check must not move the stream of random numbers of the learner's notebook.
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)  # torch.manual_seed does it for every kind of device, there or not
            try:
                self.aspects[aspect](answer, seed)
            except CheckFailed as failure:
                return failure
            # Every check can be run alone, and a later one relies on what the earlier ones make sure of.
            except Exception as error:
                return CheckFailed(
                    f"with what {self.name} gives, this check cannot go on ({type(error).__name__}: {str(error).partition(chr(10))[0]}).",
                    "an answer that the checks before this one accept.",
                    "mend first what the checks above say.",
                )
        return None

    def first_failure(self, answer: Any, seed: int = 0) -> tuple[str, CheckFailed] | None:
        """The first aspect that refuses an answer, with its reason; None if all accept it."""
        refusals = ((name, self.refusal(name, answer, seed)) for name in self.aspects)
        return next(((name, failure) for name, failure in refusals if failure is not None), None)

    def yours_or(self, answer: Any, otherwise: Any) -> Any:
        """The learner's answer if it passes its checks, else the package's part, and a line that says so."""
        failure = self.first_failure(answer)
        if failure is None:
            print(f"Running on your own {self.name}.")
            return answer
        print(f"Running on the package's {self.name}: yours does not pass its check {failure[0]!r} yet.")
        return otherwise


# What Python says in any exercise, and what is behind it.
OFTEN = {
    "NoneType": "something is None there: often what a function of your own gives that has no `return`. "
                "Does it pass its own check, further up?",
    "is not defined": "a name that Python does not know: misspelt, or made in a cell further up that has not been run.",
    "must be tuple of ints": "`/` makes a float, and a size is a whole number: `//` divides whole numbers.",
    "in-place operation": "`x += …`, and a call that ends in an underscore, write into the tensor of the caller: `x = x + …` makes a new one.",
    "has no attribute": "the name behind the dot is not there: compare it with the names in __init__ and in the hints.",
}


def name_of(answer: Any) -> str:
    """What to call an answer in messages."""
    return getattr(answer, "__name__", type(answer).__name__)


def run(answer: Callable, *arguments: Any, what: str | None = None, causes: dict[str, str] | None = None) -> Any:
    """Call a learner's function; whatever goes wrong in it becomes a CheckFailed.

    Args:
        answer: a function, or a module whose forward is called.
        arguments: tensors among them must be the same afterwards.
        what: what to call it in messages; by default its name.
        causes: the likely mistake behind words that a raised error may hold.

    Raises:
        CheckFailed: the call raised, it changed one of its arguments, or it gave a tensor of a class of its own.
    """
    what = what or name_of(answer)
    before = [a.clone() if isinstance(a, torch.Tensor) else a for a in arguments]
    try:
        result = answer(*arguments)
    except Exception as error:
        # torch raises it too, with a message, for dtypes that an operation does not take.
        if isinstance(error, NotImplementedError) and not str(error):
            way = way_to(error)
            raise CheckFailed(
                f"{way[-1][0]}, which {what} calls, is not written yet." if len(way) > 1 else f"{what} is not written yet.",
                "your own lines in place of `raise NotImplementedError()`.",
                "run the cell with your answer again after you have changed it, then this check.",
            ) from None
        shapes = ", ".join(str(tuple(a.shape)) for a in arguments if isinstance(a, torch.Tensor))
        raise CheckFailed(
            f"{what} raised {type(error).__name__}{learners_line(error)}: {str(error).partition(chr(10))[0]}",
            f"a result for inputs of shape {shapes}." if shapes else "a result.",
            next((cause for words, cause in {**(causes or {}), **OFTEN}.items() if words in str(error)),
                 "print the shapes before that line and compare them with the shapes in the exercise."),
        ) from None
    for earlier, now in zip(before, arguments):
        if isinstance(now, torch.Tensor) and not same(earlier, now):
            raise CheckFailed(
                f"{what} changed the tensor that it was given.",
                "the argument as it was: the caller still needs it.",
                "a call that ends in an underscore (clamp_, masked_fill_), `x += …` and `x[…] = …` work in place; "
                "take the form without underscore, write `x = x + …`, or work on x.clone().",
            )
    for part in result if isinstance(result, (tuple, list)) else (result,):
        # One of another class may answer every comparison as it likes.
        if isinstance(part, torch.Tensor) and type(part) not in (torch.Tensor, torch.nn.Parameter):
            raise CheckFailed(
                f"{what} gives a {type(part).__name__}, which is a class of its own.",
                "a torch.Tensor.",
                "return what PyTorch's operations give, or x.as_subclass(torch.Tensor).",
            )
    return result


def way_to(error: Exception) -> list[tuple[str, str | None]]:
    """The learner's functions on the way to an error, outermost first: `f` or `Class.f`, and its line there."""
    ignored = (str(Path(torch.__file__).parents[1]), str(Path(__file__).parents[1]))
    frames = zip(traceback.walk_tb(error.__traceback__), traceback.extract_tb(error.__traceback__))
    return [
        (frame.f_code.co_qualname.rsplit("<locals>.", 1)[-1], summary.line)
        for (frame, _), summary in frames if not summary.filename.startswith(ignored)
    ]


def learners_line(error: Exception) -> str:
    """Where it happened, for a message: the innermost line that neither PyTorch nor this package holds."""
    way = way_to(error)
    if not way or not way[-1][1]:
        return ""
    return (f" in {way[-1][0]}," if len(way) > 1 else "") + f" at your line `{way[-1][1]}`"


def build(answer: Callable, *arguments: Any) -> torch.nn.Module:
    """Construct a learner's module with weights that matter.

    Weights of std 0.6 (after which a missing scale or a swapped axis shows), and
    neither biases nor norm gains left at 0 and 1.

    Raises:
        CheckFailed: the constructor raised, or what it makes is no nn.Module.
    """
    module = run(answer, *arguments, what=f"{name_of(answer)}.__init__")
    if not isinstance(module, torch.nn.Module):
        raise CheckFailed(
            f"{name_of(answer)}(…) makes a {type(module).__name__}.",
            "an nn.Module.",
            "the class statement must name nn.Module as its base.",
        )
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(std=0.6)
        for part in module.modules():
            if isinstance(part, torch.nn.LayerNorm):
                part.weight.add_(1.0)
    return module


def same(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Equal in shape and in every value, NaN with NaN."""
    return a.shape == b.shape and torch.equal(a.nan_to_num(nan=0.5), b.nan_to_num(nan=0.5))


def numbers(vector: torch.Tensor, most: int = 3) -> str:
    """The first numbers of a vector, for a message."""
    shown = [f"{x:.2f}".removesuffix(".00") for x in vector.flatten()[:most].tolist()]
    return "[" + ", ".join(shown) + (", …]" if vector.numel() > most else "]")


def want_tensor(result: Any, what: str) -> None:
    """Refuse what is no tensor.

    Raises:
        CheckFailed: naming the type that was seen.
    """
    if isinstance(result, torch.Tensor):
        return
    raise CheckFailed(
        f"{what} {'is' if what.startswith(('the ', 'what ')) else 'gives'} "
        f"{'nothing (None)' if result is None else f'a {type(result).__name__}'}.",
        "a tensor.",
        "the function has no `return`." if result is None else "return the tensor itself, not wrapped in something else.",
    )


def want_shape(
    result: Any, shape: Sequence[int], names: str, what: str, causes: dict[tuple[int, ...], str] | None = None
) -> None:
    """Refuse a tensor of another shape.

    Args:
        result: what the learner's code gave.
        shape: the wanted sizes.
        names: the wanted sizes in letters, "(B, T, C)".
        what: what the result is of, for the message.
        causes: the likely mistake behind a shape that is often seen.

    Raises:
        CheckFailed: result is no tensor, or of another shape.
    """
    want_tensor(result, what)
    seen = tuple(result.shape)
    if seen != tuple(shape):
        cause = (causes or {}).get(seen)
        if cause is None and sorted(seen) == sorted(shape):
            cause = "the sizes are right but stand in another order: look at transpose."
        raise CheckFailed(
            f"{what} has shape {seen}.",
            f"{tuple(shape)}, that is {names}.",
            cause or "follow the shapes line by line with a shape comment after each.",
        )


def same_values(result: torch.Tensor, wanted: torch.Tensor, tolerance: float = 1e-4) -> bool:
    """Whether two tensors agree in shape and up to float32 rounding."""
    return result.shape == wanted.shape and bool(
        (result.detach().double() - wanted.double()).abs().max() <= tolerance * (1 + wanted.double().abs().max())
    )


def want_gradient(
    module: torch.nn.Module, output: torch.Tensor, what: str, may_be_zero: Collection[str] = ()
) -> None:
    """Refuse a module with a parameter that no gradient reaches.

    Args:
        module: the learner's, freshly built.
        output: what it gave for some input, before any backward call.
        what: what to call it in messages.
        may_be_zero: names of parameters whose gradient must be there, but may
            be 0 for a good reason.

    Raises:
        CheckFailed: naming the parameters left out.
    """
    if output.requires_grad:
        # A plain sum can have a zero gradient by symmetry; weights of random sign have not.
        (output * torch.randn_like(output)).sum().backward()
    lost = [
        name for name, p in module.named_parameters()
        if p.grad is None or not (p.grad.abs().sum() > 0 or name in may_be_zero)
    ]
    if lost:
        raise CheckFailed(
            f"after backward() no gradient has reached {', '.join(lost)} of {what}.",
            "a gradient for every parameter: without one it never learns.",
            "something is cut off: .detach(), .data, .item(), torch.no_grad(), torch.tensor(…) of a tensor, "
            "or a layer that forward does not use.",
        )

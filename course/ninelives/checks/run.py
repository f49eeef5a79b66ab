"""Call a learner's function or build a learner's module; whatever goes wrong becomes a CheckFailed."""

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from ninelives.checks.endless import SECONDS, Endless, stopped_if_endless
from ninelives.checks.errors import explanation
from ninelives.checks.failure import CheckFailed, NotWritten, SideEffect


def hint_for(error: str, error_hints: dict[str, str]) -> str | None:
    """The likely mistake behind an error: the first hint whose words the error holds."""
    return next((hint for words, hint in error_hints.items() if words in error), None)


def name_of(answer: Any) -> str:
    """What to call an answer in messages."""
    return getattr(answer, "__name__", type(answer).__name__)


def run(answer: Callable, *arguments: Any, what: str | None = None, error_hints: dict[str, str] | None = None) -> Any:
    """Call a learner's function; whatever goes wrong in it becomes a CheckFailed.

    Args:
        answer: a function, or a module whose forward is called.
        arguments: tensors among them must be the same afterwards.
        what: what to call it in messages; by default its name.
        error_hints: the likely mistake behind words of a raised error, for this call alone. They come before
            those of the exercise (`Exercise(name, error_hints=…)`), and these before the general ones of errors.py.

    Raises:
        CheckFailed: the call raised, it did not come to an end, it changed one of its arguments or the mode of the module, or it gave a tensor of a class of its own.
    """
    what = what or name_of(answer)
    before = [a.clone() if isinstance(a, torch.Tensor) else a for a in arguments]
    modes = modes_of(answer)
    try:
        with stopped_if_endless():
            result = answer(*arguments)
    except Endless as error:
        raise CheckFailed(
            f"{what} has computed for {SECONDS} seconds and does not come to an end{learners_line(error)}.",
            "a result after a moment.",
            "a `while` whose condition stays true: a line in the loop must change it, or end the loop with `break`.",
        ) from None
    except Exception as error:
        # torch raises it too, with a message, for dtypes that an operation does not take.
        if isinstance(error, NotImplementedError) and not str(error):
            way = way_to(error)
            raise NotWritten(
                f"{way[-1][0]}, which {what} calls, is not written yet." if len(way) > 1 else f"{what} is not written yet.",
                "your own lines instead of `raise NotImplementedError()`; delete that line.",
                "after you change your answer, run its cell again, then this check. To read on first: select the first cell "
                "below the checks, then Run → Run Selected Cell and All Below.",
            ) from None
        shapes = ", ".join(str(tuple(a.shape)) for a in arguments if isinstance(a, torch.Tensor))
        hint = hint_for(str(error), error_hints or {})
        raise CheckFailed(
            f"{what} raised {type(error).__name__}{learners_line(error)}: {str(error).partition(chr(10))[0]}",
            f"a result for inputs of shape {shapes}." if shapes else "",
            hint or explanation(error, way[-1][1] if (way := way_to(error)) else "", answer),
            error="" if hint else str(error),
        ) from None
    for earlier, now in zip(before, arguments):
        if isinstance(now, torch.Tensor) and not same(earlier, now):
            raise SideEffect(
                f"{what} changed the tensor that it was given.",
                "the argument as it was: the caller still needs it.",
                "a call that ends in an underscore (clamp_, masked_fill_), `x += …` and `x[…] = …` work in place; "
                "take the form without underscore, write `x = x + …`, or work on x.clone().",
            )
    if modes_of(answer) != modes:
        raise SideEffect(
            f"{what} changed the mode of {'the model' if answer.training != modes[0] else 'a part of the model'}, training or evaluation.",
            "the mode that it was in.",
            "leave .eval() and .train() to the caller.",
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


def modes_of(answer: Any) -> list[bool]:
    """Whether each part of a module is in training mode, the module itself first; empty for a function."""
    return [part.training for part in answer.modules()] if isinstance(answer, torch.nn.Module) else []


def way_to(error: BaseException) -> list[tuple[str, str | None]]:
    """The learner's functions on the way to an error, outermost first: `f` or `Class.f`, and its line there."""
    ignored = (str(Path(torch.__file__).parents[1]), str(Path(__file__).parents[1]))
    frames = zip(traceback.walk_tb(error.__traceback__), traceback.extract_tb(error.__traceback__))
    return [
        (frame.f_code.co_qualname.rsplit("<locals>.", 1)[-1], summary.line)
        for (frame, _), summary in frames if not summary.filename.startswith(ignored)
    ]


def learners_line(error: BaseException) -> str:
    """Where it happened, for a message: the innermost line that is neither PyTorch's nor this package's."""
    way = way_to(error)
    if not way or not way[-1][1]:
        return ""
    return (f" in {way[-1][0]}," if len(way) > 1 else "") + f" at your line `{way[-1][1]}`"


def build(answer: Callable, *arguments: Any) -> torch.nn.Module:
    """Construct a learner's module with weights that matter.

    Weights of std 0.6 (with which a missing scale or a swapped axis shows), and
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

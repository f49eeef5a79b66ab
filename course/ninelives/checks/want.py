"""Refuse what an answer should not give: another type, shape or number, or a parameter without gradient."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import torch

from ninelives.checks.failure import CheckFailed
from ninelives.checks.run import run

NO_RETURN = "the function has no `return`."
LONG = 16  # numbers that a message can hold


def numbers(vector: torch.Tensor, most: int = 3, digits: int = 2) -> str:
    """The first numbers of a vector, for a message."""
    shown = [number(x, digits) for x in vector.flatten()[:most].tolist()]
    return "[" + ", ".join(shown) + (", …]" if vector.numel() > most else "]")


def number(x: float, digits: int = 2) -> str:
    """A number for a message: 0.5 as 0.50, 2.0 as 2, and −0.001 as 0, not as −0."""
    shown = f"{x:.{digits}f}".removesuffix("." + "0" * digits)
    return "0" if shown == "-0" else shown


def told_apart(result: torch.Tensor, wanted: torch.Tensor, most: int = 3) -> tuple[str, str]:
    """The first numbers of two vectors, with as many digits as it takes to see that they differ; of long ones the last of these."""
    left_out = most - 4 if most > LONG else 0
    for digits in (2, 4, 6):
        pair = [numbers(vector.flatten()[left_out:], most - left_out, digits) for vector in (result, wanted)]
        if pair[0] != pair[1]:
            break
    seen, expected = (f"[…, {text[1:]}" if left_out else text for text in pair)
    return seen, expected


def counted(count: int, what: str) -> str:
    """A number of things: 1 token, 2 tokens, 1 prefix, 2 prefixes."""
    if count == 1:
        return f"1 {what}"
    return f"{count:,} {what}{'es' if what.endswith(('x', 's')) else 's'}"


def is_or_are(what: str) -> str:
    """The verb that follows a subject such as "the logits" or "the loss at step 3"."""
    begins_with_a_case = what.startswith(("after ", "for ", "in ", "under ", "when ", "with ", "without "))
    what = what.rpartition(", ")[2] if begins_with_a_case else what
    subject = what.partition(" at ")[0].partition(" of ")[0].partition(" with ")[0]
    return "are" if subject.endswith("s") and not subject.endswith(("ss", "bias")) else "is"


def ids(vector: torch.Tensor, most: int = 0) -> str:
    """All whole numbers of a vector, such as token ids, for a message."""
    return str(vector.long().tolist())


def kind_of(result: Any) -> str:
    """What kind of thing a result is, for a message."""
    if result is None:
        return "nothing (None)"
    if type(result).__module__ == "numpy":
        return "a NumPy array" if type(result).__name__ == "ndarray" else "a number of NumPy's"
    name = type(result).__name__
    if type(result).__module__ == "torch.return_types":
        return f"the pair of {name}"
    article = "an" if name[0] in "AEIOUaeiou" else "a"
    return f"{article} {name}" + (f" of {len(result)}" if isinstance(result, tuple | list) else "")


def same_values(result: torch.Tensor, wanted: torch.Tensor, tolerance: float = 1e-4) -> bool:
    """Whether two tensors agree in shape and up to float32 rounding; never if either holds NaN or infinity."""
    if result.shape != wanted.shape:
        return False
    difference = (result.detach().double() - wanted.double()).abs().max()
    return bool(difference.isfinite() and difference <= tolerance * (1 + wanted.double().abs().max()))


def want_tensor(result: Any, what: str) -> None:
    """Refuse what is no tensor.

    Raises:
        CheckFailed: naming the type that was seen.
    """
    if not isinstance(result, torch.Tensor):
        raise CheckFailed(
            f"{what} {is_or_are(what) if what.startswith(('the ', 'what ')) else 'returns'} {kind_of(result)}.",
            "a tensor.",
            _why_no_tensor(result),
        )


def _why_no_tensor(result: Any) -> str:
    """The likely cause of a result that is no tensor."""
    if result is None:
        return NO_RETURN
    if isinstance(result, bool):
        return "this is a single True or False: `is` and torch.equal compare two tensors as a whole, `==` compares number by number."
    if type(result).__module__ == "torch.return_types":
        return "max, min, sort and topk with `dim` give a pair, values and indices: take `.values`, or `.indices`."
    if isinstance(result, tuple | list) and (tensors := sum(isinstance(part, torch.Tensor) for part in result)):
        if tensors > 1:
            return ("these are several tensors, and one is wanted: join them by torch.cat or torch.stack, add them, or keep only one, as the "
                    "exercise says.")
        return "return the tensor itself, not wrapped in something else."
    if type(result).__module__ == "numpy":
        return "this comes from NumPy: use PyTorch's functions, or turn the array into a tensor with `torch.from_numpy(…)`."
    if isinstance(result, torch.nn.Module):
        return "this is a layer, not its result: call it with its input, `layer(x)`."
    if isinstance(result, float):
        return "this is a plain number of Python's: leave out `.item()` and float(…), so that it stays a tensor with its gradient."
    if callable(result):
        return "this is a function that was not called: it needs its parentheses."
    return "this is not a tensor yet: `torch.tensor(…)` makes one of a number, or of a list of numbers."


def want_pair(result: Any, what: str, names: Sequence[str], otherwise: str) -> tuple:
    """What an answer returned, as a tuple, if it is as many things as there are names.

    Args:
        result: what the learner's code gave; a tuple or a list will do.
        what: which function gave it, for the message.
        names: what the things are, in order; two of them, or more.
        otherwise: the likely cause, unless nothing was returned.

    Raises:
        CheckFailed: it is something else.
    """
    if isinstance(result, tuple | list) and len(result) == len(names):
        return tuple(result)
    count = {2: "two", 3: "three"}[len(names)]
    raise CheckFailed(
        f"{what} returns {kind_of(result)}.",
        f"{count} things: ({', '.join(names)}).",
        NO_RETURN if result is None else otherwise,
    )


def want_number(result: Any, what: str, wanted: str, otherwise: str) -> float:
    """What an answer returned, as a float, if it is one number.

    Args:
        result: what the learner's code gave; a tensor of one number will do.
        what: which function gave it, for the message.
        wanted: which number is wanted.
        otherwise: the likely cause, unless nothing was returned.

    Raises:
        CheckFailed: it is something else.
    """
    try:
        return float(result)
    except (TypeError, ValueError, RuntimeError):
        raise CheckFailed(f"{what} returns {kind_of(result)}.", wanted, NO_RETURN if result is None else otherwise) from None


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
        if cause is None and seen == ():
            cause = "this is a single number: sum, mean, argmax and others without `dim` go over all axes. Write `dim=-1`, for the last."
        if cause is None and sorted(seen) == sorted(shape):
            cause = "the sizes are right but in another order: look at transpose."
        raise CheckFailed(
            f"{what} {'have' if what.startswith('the ') and is_or_are(what) == 'are' else 'has'} shape {seen}.",
            f"{tuple(shape)}, that is {names}.",
            cause or "print the shape after each of your lines, and compare it with the shapes in the exercise.",
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
        # A plain sum can have a zero gradient by symmetry; weights of random sign prevent that.
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


def want_gradient_of_inputs(answer: Callable, *arguments: Any, what: str | None = None) -> None:
    """Refuse a function whose result has no gradient with respect to one of its tensors of floats.

    Args:
        answer: the learner's function.
        arguments: what it is called with; copies of tensors of floats.
        what: what to call it in messages; by default its name.

    Raises:
        CheckFailed: saying that the gradient is cut off.
    """
    floats = [isinstance(each, torch.Tensor) and each.is_floating_point() for each in arguments]
    arguments = [each.detach().clone().requires_grad_() if is_float else each for each, is_float in zip(arguments, floats)]
    inputs = [each for each, is_float in zip(arguments, floats) if is_float]
    result = run(answer, *arguments, what=what)
    want_tensor(result, "the result")
    gradients = [None] * len(inputs)
    if result.requires_grad:
        gradients = torch.autograd.grad((result * torch.randn_like(result)).sum(), inputs, allow_unused=True)
    if any(gradient is None for gradient in gradients):
        raise CheckFailed(
            "no gradient flows back through the function.",
            "a gradient for each tensor that it is given: without one, the layers before it never learn.",
            "leave out .detach(), .data, .item(), torch.no_grad(), and torch.tensor(…) of a tensor.",
        )


def want_slope(
    total: Callable[[], torch.Tensor], name: str, tensor: torch.Tensor, gradient: torch.Tensor, step: float = 1e-2
) -> None:
    """Refuse a gradient that does not tell how the output moves when a tensor is nudged.

    This needs no second implementation, so any form of layer can be checked. It
    finds a path that is cut off even if another path still carries some gradient.

    Args:
        total: computes the output, one number.
        name: what to call the tensor in messages.
        tensor: is nudged in place, and put back.
        gradient: what autograd says of it.
        step: 1e-2 suits float32; in float64 a much smaller step is nearer to the slope.

    Raises:
        CheckFailed: output and gradient disagree in one of two random directions.
    """
    for _ in range(2):
        direction = torch.randn_like(tensor)
        direction /= direction.norm()
        with torch.no_grad():
            tensor += step * direction
            above = total()
            tensor -= 2 * step * direction
            below = total()
            tensor += step * direction
        slope, told = float(above - below) / (2 * step), float((gradient * direction).sum())
        if not abs(slope - told) <= 0.05 * abs(slope) + 5e-3:
            raise CheckFailed(
                f"when {name} is nudged, the output moves by {slope:.3f} a step; its gradient says {told:.3f}.",
                "the same number twice: training follows the gradient.",
                f"one of the paths from {name} to the output is cut off: .detach(), .data, torch.no_grad(), "
                "or torch.tensor(…) of a tensor.",
            )

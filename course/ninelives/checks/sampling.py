"""What notebooks 6 and 8 both ask of a function that draws one token after another."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch

from ninelives.checks.exercise import CheckFailed, in_case
from ninelives.figures import wanted_and_yours

DRAWS = 4000
TEMPERATURES = (0.5, 1.0, 2.0)
BOUNDS = "a temperature is a number to divide by, however small or large: nothing may be kept within bounds, or taken for 0."
NO_EFFECT = ("the temperature has no effect. Dividing *probabilities* by it changes nothing, since only their ratios count: divide the "
             "logits.")
NO_EFFECT_HERE = ("this temperature has no effect, and at 2 the draws are right. Divide the logits by the temperature as it is, whichever mode "
                  "the model is in: no int, no max.")
ZERO_IS_GREEDY = "a temperature of 0 is allowed: it means greedy, always the most likely token. Refuse what is below 0, `temperature < 0`."
MANY = 60  # nearly equal words, of which none may be cut off
EVEN = torch.linspace(0.2, 0.0, MANY).expand(MANY, MANY)  # (MANY, MANY), the logits of what follows each of them
FALSE_ALARM = 1e-7  # probability that one run of `want_draws` refuses a right answer
GRADIENTS_OFF = (
    "gradients were switched off and not on again: torch.no_grad() as a `with` block switches them on by itself."
)
# What PyTorch and Python say in a step of either notebook, and what it means there.
STEP_ERRORS = {
    "contains either `inf`, `nan`":
        "something is divided by a temperature of 0, or a probability is negative. Treat temperature 0 separately.",
    "division by zero": "the temperature may be 0: treat 0 separately, before you divide.",
    "cannot be converted to Scalar": "`.item()` works only for a batch of one. Keep the tensor: (B, 1) for the batch.",
    "prob_dist must be 1 or 2 dim":
        "torch.multinomial takes (B, V): first take the scores of the last position, logits[:, -1].",
}


def certain(tokens: torch.Tensor, V: int) -> torch.Tensor:
    """(B, T) int64 to (B, T, V): logits that leave nothing to chance."""
    return 40.0 * torch.nn.functional.one_hot(tokens, V)


def probabilities_by_hand(logits: torch.Tensor, temperature: float) -> torch.Tensor:
    """(…, V) float64: the reference, number by number."""
    if temperature == 0:
        return (logits == logits.amax(-1, keepdim=True)).double()
    rows = []
    for row in logits.double().reshape(-1, logits.shape[-1]).tolist():
        powers = [math.exp((score - max(row)) / temperature) for score in row]
        rows.append([power / sum(powers) for power in powers])
    return torch.tensor(rows, dtype=torch.float64).reshape(logits.shape)


def chain(seed: int) -> torch.Tensor:
    """(V, V) float32: row a holds the logits of what follows token a; each row in another order."""
    order = torch.tensor([1.6, 0.7, 0.0, -0.8])
    turn = seed % len(order)
    return torch.stack([order.roll(turn + 2 * k + (k > 1)) + 0.1 * k for k in range(len(order))])


def tolerance(n: int, compared: int) -> float:
    """How far a frequency in n draws may be from its probability.

    By Hoeffding's inequality a frequency is off by more than e with a probability of at most
    2 exp(-2 n e²). This e is so large that a right answer exceeds it with any of the
    `compared` frequencies in only one of 1 / FALSE_ALARM runs.
    """
    return math.sqrt(math.log(2 * compared / FALSE_ALARM) / (2 * n))


def want_draws(write: Callable[..., torch.Tensor], seed: int, text: str, prompt: str) -> None:
    """Refuse a function that does not draw each token with its probability.

    Args:
        write: (table, idx, new, temperature=1) to the new tokens (B, new), where table[a] holds the
            logits of what follows token a.
        seed: chooses the table.
        text, prompt: what messages call the output and the input.

    Raises:
        CheckFailed: the frequencies are not the probabilities, or a seed is set.
    """
    table = chain(seed)
    V = len(table)
    tokens = torch.tensor([0, 2, 1])  # each has a row of its own
    idx = tokens.expand(DRAWS, -1).clone()
    allowed = tolerance(DRAWS, compared=(len(TEMPERATURES) + 2) * (V + V * V) + MANY)
    for temperature in TEMPERATURES:
        try:
            want_draws_at(write, table, tokens, temperature, allowed, text)
        except CheckFailed as failure:
            if failure.cause == NO_EFFECT and temperature < 1 and draws_right(write, table, tokens, 2.0, allowed, text):
                failure.cause = NO_EFFECT_HERE
            raise
    for temperature in (0.02, 50.0):  # scores as close together as the temperature is small, and as far apart as it is large
        with in_case("although other temperatures are right", cause=BOUNDS):
            want_draws_at(write, table * temperature, tokens, temperature, allowed, text)
    want_frequencies(write(EVEN, idx, 1, 1.0)[:, 0], EVEN[0], 1.0, allowed)
    # The same scores at every step, whatever was drawn before: all rows agree by accident once in e^50 calls.
    once, again = (write(table[:1].expand_as(table), idx[:64], 8) for _ in range(2))
    same_steps = (once == again).all(0)  # (new,)
    if same_steps.any():
        raise CheckFailed(
            f"two calls with the same {prompt} draw the same 64 tokens at step {int(same_steps.int().argmax()) + 1}.",
            f"other tokens, and another {text}, each time.",
            "a seed is set inside the function. If you want the same tokens twice, set the seed before each call.",
        )


def draws_right(*arguments: Any) -> bool:
    """Whether want_draws_at finds nothing."""
    try:
        want_draws_at(*arguments)
    except CheckFailed:
        return False
    return True


def want_draws_at(
    write: Callable[..., torch.Tensor], following: torch.Tensor, tokens: torch.Tensor, temperature: float, allowed: float, text: str
) -> None:
    """Refuse tokens that do not come, one by one and in pairs, as often as `following` (V, V) says at this temperature."""
    V, idx = len(following), tokens.expand(DRAWS, -1).clone()
    result = write(following, idx, 2, temperature)
    if (result == result[:1]).all():
        want_independent_rows([write(following, idx[:40], 2, temperature) for _ in range(12)])
    first, second = result.unbind(1)
    want_frequencies(first, following[tokens[-1]], temperature, allowed)
    probabilities = probabilities_by_hand(following, temperature)  # (V, V)
    wanted = probabilities[tokens[-1]].unsqueeze(1) * probabilities  # (V, V)
    seen = torch.bincount(first * V + second, minlength=V * V)[: V * V].reshape(V, V).double() / DRAWS
    if (seen - wanted).abs().max() > allowed:
        a, b = divmod(int((seen - wanted).abs().argmax()), V)
        raise CheckFailed(
            f"at temperature {temperature:g} the new tokens are {a}, {b} in {seen[a, b]:.3f} of {DRAWS} {text}s.",
            f"about {wanted[a, b]:.3f}: the second token depends on the first, and has a draw of its own.",
            pair_cause(write, following, idx),
            picture=partial(
                wanted_and_yours, wanted, seen,
                caption=f"Each token (a row) and the next (a column) at temperature {temperature:g}: wanted, and "
                        "yours."),
        )


def pair_cause(write: Callable[..., torch.Tensor], table: torch.Tensor, idx: torch.Tensor) -> str:
    """Why pairs of tokens do not come as often as they should."""
    first, second = write(table[:1].expand_as(table), idx, 2).unbind(1)  # the same scores at both steps
    if torch.equal(first, second):
        return "both steps use the same random numbers. A seed set inside the loop makes every step draw the same."
    return "every step must draw in the same way: from the scores of the last position, at the same temperature."


def want_frequencies(drawn: torch.Tensor, logits: torch.Tensor, temperature: float, allowed: float) -> None:
    """Refuse tokens (DRAWS,) that do not come as often as their logits (V,) say, up to `allowed`."""
    wanted, V = probabilities_by_hand(logits, temperature), len(logits)
    counts = torch.bincount(drawn, minlength=V)
    seen = counts[:V].double() / len(drawn)
    worst = int((seen - wanted).abs().argmax())
    missing = (seen == 0) & (wanted > 0.01)  # by accident once in e^40 runs
    if len(counts) == V and (seen - wanted).abs().max() <= allowed and not missing.any():
        return
    candidates = [
        (probabilities_by_hand(logits, 0),
         "the most likely token is taken every time. Draw with torch.multinomial; argmax is for temperature 0."),
        (probabilities_by_hand(logits, 1), NO_EFFECT),
        (probabilities_by_hand(logits, 1 / temperature), "the logits are multiplied by the temperature. Divide them."),
        (probabilities_by_hand(logits, temperature**2),
         "the temperature is applied twice: it divides the logits before the probabilities are made, and again there."),
    ]
    otherwise = "draw from softmax(logits[:, -1] ÷ temperature) with torch.multinomial."
    if missing.any():
        worst = int(missing.int().argmax())
        otherwise = "only the most likely tokens are ever drawn. Draw from all tokens: nothing is cut off here."
    # Two mistakes can be alike up to chance, and a mistake can be too near to what is right to be told from it.
    told = [(mistake, cause) for mistake, cause in candidates if (mistake - wanted).abs().max() > allowed]
    distance, nearest = min((((seen - mistake).abs().max(), cause) for mistake, cause in told), default=(math.inf, ""))
    raise CheckFailed(
        f"at temperature {temperature:g} token {worst} is {100 * seen[worst]:.1f} % of {len(drawn)} draws.",
        f"about {100 * wanted[worst]:.1f} %{'' if missing[worst] else f'; a difference above {100 * allowed:.1f} % is no accident'}.",
        nearest if distance <= allowed else otherwise,
        picture=partial(
            wanted_and_yours, wanted, seen,
            caption=f"How often each token (a column) comes at temperature {temperature:g}: wanted, and yours.",
        ),
    )


def want_independent_rows(calls: list[torch.Tensor]) -> None:
    """Refuse tokens (B, new) that differ from call to call but never within one."""
    if all((rows == rows[:1]).all() for rows in calls) and any((rows != calls[0]).any() for rows in calls):
        raise CheckFailed(
            f"all {len(calls[0])} rows of a batch get the same tokens {calls[0][0].tolist()}, and other ones at the "
            "next call.",
            "a draw of its own for each row.",
            "the same token is drawn for all rows. torch.multinomial draws for each row of (B, V); "
            "if it is given one row, or all rows the same random numbers, the rows share the draw.",
        )


@contextmanager
def where_0_is_allowed() -> Iterator[None]:
    """A temperature of 0 that is refused is named as such."""
    try:
        yield
    except CheckFailed as failure:
        if "raised ValueError" in failure.seen or "raised AssertionError" in failure.seen:
            failure.cause, failure.error = ZERO_IS_GREEDY, ""
        raise


def want_most_likely(write: Callable[..., torch.Tensor], prompt: str) -> None:
    """Refuse a function that at temperature 0 does not take the most likely token each time.

    Args:
        write, prompt: as for `want_draws`.

    Raises:
        CheckFailed: another token is taken.
    """
    V = 9
    table = torch.stack([torch.randperm(V) * 0.2 for _ in range(V)])  # no two logits of a row are equal
    idx = torch.randint(V, (4, 3))
    wanted = idx[:, -1:]
    for _ in range(7):
        wanted = torch.cat((wanted, table[wanted[:, -1:]].argmax(-1)), dim=1)
    wanted = wanted[:, 1:]
    for temperature in (0, 0.0):
        with where_0_is_allowed():
            result, again = (write(table, idx, 7, temperature) for _ in range(2))
        if torch.equal(result, wanted):
            continue
        row = int((result != wanted).any(1).int().argmax())
        raise CheckFailed(
            f"at temperature 0 the {prompt} {idx[row].tolist()} is followed by {result[row].tolist()}.",
            f"{wanted[row].tolist()}: always the token with the highest score.",
            "two equal calls give different tokens: at temperature 0 nothing is left to chance."
            if not torch.equal(result, again)
            else "all rows get the same token, the best of the whole batch: take the argmax along the last axis."
            if (result == result[:1]).all()
            else "at temperature 0 take the argmax of the scores of the last position, along the last axis.",
        )


def want_negative_refused(call: Callable[[float], object], at_one: Callable[[], object], what: str) -> None:
    """Refuse a function that accepts a negative temperature.

    Args:
        call: the learner's function at a temperature.
        at_one: the same at temperature 1; it raises CheckFailed for a function that fails there.
        what: its name.

    Raises:
        CheckFailed: it raises no ValueError.
    """
    at_one()  # what fails with any temperature refuses nothing
    for temperature in (-1.0, -0.01):
        try:
            result = call(temperature)
        except ValueError:
            continue
        except Exception as error:
            raise CheckFailed(
                f"{what} raises {type(error).__name__} for temperature {temperature:g}: {error}",
                "a ValueError with a sentence of yours.",
                "check it first: if temperature < 0: raise ValueError(…).",
            ) from None
        if isinstance(result, Exception):
            raise CheckFailed(
                f"for temperature {temperature:g} {what} returns a {type(result).__name__}.",
                "it is raised.",
                "`return` hands the error back as a result, and nobody notices: `raise ValueError(…)`.",
            )
        raise CheckFailed(
            f"{what} accepts temperature {temperature:g} and returns a result.",
            "a ValueError.",
            "a negative temperature prefers the worst tokens, which is never what is meant. "
            "Say so at the start: if temperature < 0: raise ValueError(…).",
        )

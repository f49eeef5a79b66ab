"""Notebook 9, exercise 4: what the two schedules of the learning rate must give."""

import math
from collections.abc import Callable

import torch

from ninelives.checks.exercise import CheckFailed, Exercise, run, want_number

RATE_HINTS = {
    "division by zero": "nothing here is divided by a number that may be 0: look at the powers once more.",
    "cannot be raised to a negative power": "steps are counted from 1, so step itself is never 0: subtract nothing from it.",
    "math domain error": "this is a root of a negative number: do you mean step, or step − warmup_steps?",
}
noam_rate = Exercise("noam_rate", RATE_HINTS)
warmup_cosine = Exercise("warmup_cosine", {
    **RATE_HINTS,
    "division by zero": "warmup_steps may be 0, and then there is no warm-up: divide by it only where step <= warmup_steps.",
})


@noam_rate.mistake("values", "the larger of the two is taken. The smaller one: min.")
def the_larger_of_the_two(step, d_model, warmup_steps):
    return d_model**-0.5 * max(step**-0.5, step * warmup_steps**-1.5)


@noam_rate.mistake("values", "the factor d_model ** −0.5 is missing.")
def width_forgotten(step, d_model, warmup_steps):
    return min(step**-0.5, step * warmup_steps**-1.5)


@noam_rate.mistake("values", "the root of d_model multiplies. It must divide: d_model ** −0.5.")
def times_the_root_of_the_width(step, d_model, warmup_steps):
    return d_model**0.5 * min(step**-0.5, step * warmup_steps**-1.5)


@noam_rate.mistake("values", "this divides by d_model. Divide by its root: d_model ** −0.5.")
def divided_by_the_width(step, d_model, warmup_steps):
    return min(step**-0.5, step * warmup_steps**-1.5) / d_model


@noam_rate.mistake("values", "there is no warm-up: the second of the two numbers in min is missing, or far too large: warmup_steps ** −1.5, with the minus.")
def falling_only(step, d_model, warmup_steps):
    return (d_model * step) ** -0.5


@noam_rate.mistake("values", "the rate climbs forever: the first of the two numbers in min is missing, or climbs too: step ** −0.5, with the minus.")
def climbing_only(step, d_model, warmup_steps):
    return d_model**-0.5 * step * warmup_steps**-1.5


@noam_rate.mistake("values", "the power of warmup_steps is −1.5, not −0.5.")
def another_power_of_warm_up(step, d_model, warmup_steps):
    return d_model**-0.5 * min(step**-0.5, step * warmup_steps**-0.5)


POWER_BEFORE_DIVISION = "`**` comes before `/`, so `step ** -1 / 2` is half of 1 / step: write the powers as −0.5 and −1.5, or in parentheses."


@noam_rate.mistake("values", POWER_BEFORE_DIVISION)
def powers_divided(step, d_model, warmup_steps):
    return d_model**-1 / 2 * min(step**-1 / 2, step * warmup_steps**-3 / 2)


@noam_rate.mistake("values", POWER_BEFORE_DIVISION)
def powers_in_min_divided(step, d_model, warmup_steps):
    return d_model**-0.5 * min(step**-1 / 2, step * warmup_steps**-3 / 2)


@noam_rate.mistake("values", POWER_BEFORE_DIVISION)
def power_of_the_width_divided(step, d_model, warmup_steps):
    return d_model**-1 / 2 * min(step**-0.5, step * warmup_steps**-1.5)


@noam_rate.mistake("values", "d_model is multiplied by −0.5, and a rate is never negative. A power is written `**`: d_model ** −0.5.")
def width_times_minus_a_half(step, d_model, warmup_steps):
    return d_model * -0.5 * min(step**-0.5, step * warmup_steps**-1.5)


@noam_rate.mistake("values", "step is inside the power too. It multiplies, and warmup_steps alone has the power: step · warmup_steps ** −1.5.")
def power_of_the_product(step, d_model, warmup_steps):
    return d_model**-0.5 * min(step**-0.5, (step * warmup_steps) ** -1.5)


@noam_rate.mistake("values", "d_model and warmup_steps are swapped.")
def width_and_warm_up_swapped(step, d_model, warmup_steps):
    return warmup_steps**-0.5 * min(step**-0.5, step * d_model**-1.5)


def noam(step: float, d_model: int, warmup_steps: int) -> float:
    """The reference, in another way: up in a straight line to the peak, then down as one over a root."""
    peak = 1 / math.sqrt(d_model * warmup_steps)
    return peak * step / warmup_steps if step <= warmup_steps else peak * math.sqrt(warmup_steps / step)


@noam_rate.mistake("values", "1 is added to step. The first step is number 1 already.")
def steps_counted_from_zero(step, d_model, warmup_steps):
    return noam(step + 1, d_model, warmup_steps)


@noam_rate.mistake("values", "this is the rate at step 100,000, whatever the step is.")
def the_rate_of_the_last_step(step, d_model, warmup_steps):
    return noam(100_000, d_model, warmup_steps)


@noam_rate.aspect("values")
def climbs_in_a_line_and_falls_as_one_over_a_root(answer, seed):
    d_model, warmup = [(128, 4000), (64, 400), (512, 1000)][seed % 3]
    steps = (1, 7, warmup // 2, warmup - 1, warmup, warmup + 1, 3 * warmup, 25_000, 100_000)
    want_rates(noam_rate, [(step, d_model, warmup) for step in steps], answer, noam,
               "d_model ** −0.5 · min(step ** −0.5, step · warmup_steps ** −1.5).")


def cosine(step: float, peak: float, warmup_steps: int, max_iters: int, wave: Callable[[float], float] | None = None) -> float:
    """The reference: up in a straight line, then down as half a wave; (1 + cos x) / 2 is the square of cos(x / 2)."""
    if step <= warmup_steps:
        return peak * step / warmup_steps
    done = (step - warmup_steps) / (max_iters - warmup_steps)
    return peak * (wave(done) if wave else math.cos(math.pi / 2 * done) ** 2)


WAVE_FROM_STEP_0 = (
    "the wave begins at step 0. It begins after the warm-up: what counts is (step − warmup_steps) / (max_iters − warmup_steps)."
)


@warmup_cosine.mistake("warm-up", "this is the peak. On the way up the rate is a part of it, step / warmup_steps.")
def warm_up_forgotten(step, peak, warmup_steps, max_iters):
    return peak if step <= warmup_steps else cosine(step, peak, warmup_steps, max_iters)


@warmup_cosine.mistake("warm-up", "the first step would be taken with rate 0. It is number 1: step / warmup_steps.")
def warm_up_from_zero(step, peak, warmup_steps, max_iters):
    return peak * (step - 1) / warmup_steps if step <= warmup_steps else cosine(step, peak, warmup_steps, max_iters)


@warmup_cosine.mistake("warm-up", "1 is added to step in the warm-up. The first step is number 1 already.")
def warm_up_one_too_far(step, peak, warmup_steps, max_iters):
    return peak * (step + 1) / warmup_steps if step <= warmup_steps else cosine(step, peak, warmup_steps, max_iters)


@warmup_cosine.mistake("warm-up", WAVE_FROM_STEP_0)
def no_warm_up_at_all(step, peak, warmup_steps, max_iters):
    return cosine(step, peak, 0, max_iters)


@warmup_cosine.mistake(
    "warm-up",
    "the smaller of the line and the wave is taken, and in a long warm-up that is the wave. It begins after the warm-up only: "
    "`if step <= warmup_steps`.",
)
def the_smaller_of_line_and_wave(step, peak, warmup_steps, max_iters):
    wave = math.cos(math.pi / 2 * (step - warmup_steps) / (max_iters - warmup_steps)) ** 2
    return peak * min(step / max(warmup_steps, 1), wave)


@warmup_cosine.mistake("cosine", "it stays at the peak. After the warm-up it falls, half a wave of a cosine.")
def constant_after_the_warm_up(step, peak, warmup_steps, max_iters):
    return cosine(step, peak, warmup_steps, max_iters, lambda done: 1)


@warmup_cosine.mistake("cosine", WAVE_FROM_STEP_0)
def wave_from_the_beginning(step, peak, warmup_steps, max_iters):
    return peak * step / warmup_steps if step <= warmup_steps else cosine(step, peak, 0, max_iters)


@warmup_cosine.mistake(
    "cosine", "the parentheses around max_iters − warmup_steps are missing, and `/` comes before `−`: divide by (max_iters - warmup_steps).")
def parentheses_forgotten(step, peak, warmup_steps, max_iters):
    if step <= warmup_steps:
        return peak * step / warmup_steps
    return peak * (1 + math.cos(math.pi * ((step - warmup_steps) / max_iters - warmup_steps))) / 2


@warmup_cosine.mistake("cosine", "the wave is too long: it has max_iters − warmup_steps steps.")
def wave_too_long(step, peak, warmup_steps, max_iters):
    return cosine(step, peak, warmup_steps, max_iters + warmup_steps)


@warmup_cosine.mistake("cosine", "a cosine goes down to −1, and a rate must not: (1 + cos) / 2.")
def below_zero(step, peak, warmup_steps, max_iters):
    return cosine(step, peak, warmup_steps, max_iters, lambda done: math.cos(math.pi * done))


@warmup_cosine.mistake("cosine", "the half is missing: (1 + cos) / 2 goes from 1 to 0.")
def twice_the_peak(step, peak, warmup_steps, max_iters):
    return cosine(step, peak, warmup_steps, max_iters, lambda done: 1 + math.cos(math.pi * done))


@warmup_cosine.mistake("cosine", "this is a straight line down. A cosine was asked for.")
def straight_down(step, peak, warmup_steps, max_iters):
    return cosine(step, peak, warmup_steps, max_iters, lambda done: 1 - done)


@warmup_cosine.mistake("cosine", "math.cos expects radians: half a wave is math.pi.")
def in_degrees(step, peak, warmup_steps, max_iters):
    return cosine(step, peak, warmup_steps, max_iters, lambda done: (1 + math.cos(180 * done)) / 2)


@warmup_cosine.mistake("cosine", "π is missing: half a wave of math.cos is π long, math.pi · done.")
def without_pi(step, peak, warmup_steps, max_iters):
    return cosine(step, peak, warmup_steps, max_iters, lambda done: (1 + math.cos(done)) / 2)


@warmup_cosine.mistake("cosine", "this is a sine, which begins and ends in the middle. A cosine begins at the top: math.cos.")
def sine_for_cosine(step, peak, warmup_steps, max_iters):
    return cosine(step, peak, warmup_steps, max_iters, lambda done: (1 + math.sin(math.pi * done)) / 2)


QUARTER = "this is a quarter of a wave, π / 2. Half a wave goes from the top to the bottom: (1 + cos(π · done)) / 2."


@warmup_cosine.mistake("cosine", QUARTER)
def a_quarter_of_a_wave(step, peak, warmup_steps, max_iters):
    return cosine(step, peak, warmup_steps, max_iters, lambda done: math.cos(math.pi / 2 * done))


@warmup_cosine.mistake("cosine", QUARTER)
def a_quarter_of_a_wave_raised(step, peak, warmup_steps, max_iters):
    return cosine(step, peak, warmup_steps, max_iters, lambda done: (1 + math.cos(math.pi / 2 * done)) / 2)


@warmup_cosine.mistake("cosine", "warmup_steps 0 is taken for 1. It means no warm-up: the first step belongs to the cosine, and its rate is below the peak.")
def warm_up_of_0_taken_for_1(step, peak, warmup_steps, max_iters):
    return cosine(step, peak, warmup_steps or 1, max_iters)


@warmup_cosine.mistake("cosine", "a whole wave comes back up. Half a wave is math.pi.")
def a_whole_wave(step, peak, warmup_steps, max_iters):
    return cosine(step, peak, warmup_steps, max_iters, lambda done: (1 + math.cos(2 * math.pi * done)) / 2)


@warmup_cosine.mistake("cosine", "the rate rises after the warm-up, and it must fall.")
def rising(step, peak, warmup_steps, max_iters):
    return cosine(step, peak, warmup_steps, max_iters, lambda done: math.sin(math.pi / 2 * done) ** 2)


@warmup_cosine.aspect("warm-up")
def climbs_in_a_line_to_the_peak(answer, seed):
    for peak, warmup, last in cosine_sizes(seed):
        steps = sorted({1, 2, warmup // 2, warmup - 1} & set(range(1, warmup)))
        want_rates(warmup_cosine, [(step, peak, warmup, last) for step in steps], answer, cosine,
                   "up to warmup_steps: peak · step / warmup_steps.")


@warmup_cosine.aspect("cosine")
def falls_as_half_a_wave_to_zero(answer, seed):
    for peak, warmup, last in cosine_sizes(seed):
        steps = sorted({warmup + 1, (warmup + last) // 2, (warmup + 3 * last) // 4, last - 1, last})
        want_rates(warmup_cosine, [(step, peak, warmup, last) for step in steps], answer, cosine,
                   "after the warm-up: peak · (1 + cos(π · done)) / 2, where done goes from 0 to 1.")
        if warmup:
            want_rates(warmup_cosine, [(warmup, peak, warmup, last)], answer, cosine,
                       "at step warmup_steps the rate is the peak: there the line ends and the wave begins.")


def cosine_sizes(seed: int) -> list[tuple[float, int, int]]:
    """(peak, warmup_steps, max_iters); the third one is mostly warm-up, the last one has none."""
    return [
        [(2e-3, 101, 2000), (0.5, 7, 31), (0.02, 30, 42), (1e-4, 0, 10)],
        [(3e-3, 51, 900), (1.0, 4, 13), (0.1, 60, 85), (2e-3, 0, 5)],
        [(1e-3, 201, 1000), (0.3, 9, 17), (0.04, 30, 43), (1e-3, 0, 7)],
    ][seed % 3]


def want_rates(exercise: Exercise, calls: list[tuple], answer: Callable, wanted: Callable[..., float], otherwise: str) -> None:
    """Refuse rates that differ from the wanted ones. The first argument of each call is the step."""
    if not calls:
        return
    names = [f"{exercise.name}({', '.join(f'{x:g}' for x in call)})" for call in calls]
    rates = torch.tensor([number_from(answer, name, call) for name, call in zip(names, calls)], dtype=torch.float64)
    right = torch.tensor([wanted(*call) for call in calls], dtype=torch.float64)
    least = 1e-3 * right.abs().max()

    def agree(seen: torch.Tensor, other: torch.Tensor) -> bool:
        # A cosine in float32 is right to about 1e-7 of the peak.
        return bool(((seen - other).abs() <= 1e-6 * (other.abs() + right.abs().max())).all())

    def of_all_calls(mistake: Callable) -> Callable:
        return lambda calls: torch.tensor([mistake(*call) for call in calls], dtype=torch.float64)

    if not agree(rates, right):
        worst = int(((rates - right).abs() / (right.abs() + least)).argmax())
        raise CheckFailed(
            f"{names[worst]} gives {shown(rates[worst])}.", f"{shown(right[worst])}.",
            exercise.likely_cause(rates, (calls,), otherwise, agree, of_all_calls))


def shown(rate: torch.Tensor) -> str:
    """A rate as it is written in a message; half a wave ends at 0 only up to rounding."""
    return "0" if abs(rate) < 1e-15 else f"{rate:.3e}"


def number_from(answer: Callable, name: str, call: tuple) -> float:
    """A number from a learner's function of numbers, whether float, numpy or tensor."""
    result = run(answer, *call, what=name)
    number = math.nan if isinstance(result, complex) else want_number(result, name, "a number.", "return one number.")
    if math.isnan(number):
        raise CheckFailed(f"{name} gives {result!r}.", "a number.", "is a negative number raised to a power here?")
    return number

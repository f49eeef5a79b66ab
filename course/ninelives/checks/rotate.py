"""Lab `today`, exercise 2: what rotating queries and keys by their positions must give."""

from collections.abc import Callable

import torch

from ninelives.checks.exercise import CheckFailed, Exercise, in_case, run, want_gradient_of_inputs, want_tensor

KEPT = "something from an earlier call is kept and used again: compute it from this call's x and positions, every time."
ALL_STEPS = "angles = positions.unsqueeze(-1) · speeds; with x as two halves a and b the result is [a · cos − b · sin, a · sin + b · cos]."

rotate = Exercise("rotate", error_hints={
    "must match the size": "two shapes do not fit together: the angles are (T, head_size / 2), `positions.unsqueeze(-1) * speeds`, and a and b, the "
                           "halves of x, (…, T, head_size / 2).",
    "out of bounds": "a position is looked up in a table that ends before it. Texts may be long: compute the angles from the positions that are given.",
})
mistake = rotate.mistake


def speeds_of(size: int, base: float) -> torch.Tensor:
    """(head_size / 2,) float64."""
    return base ** (-2 * torch.arange(size // 2, dtype=torch.float64) / size)


def angles_of(x: torch.Tensor, positions: torch.Tensor, base: float) -> torch.Tensor:
    """(T, head_size / 2) float64."""
    return positions.double().unsqueeze(-1) * speeds_of(x.shape[-1], base)


def by_complex_numbers(x: torch.Tensor, positions: torch.Tensor, base: float) -> torch.Tensor:
    """(…, T, head_size) float64: the reference. A pair of channels is a complex number, and to rotate it is to multiply it by e^(i · angle)."""
    pairs = torch.complex(*x.double().chunk(2, dim=-1))  # (…, T, head_size / 2)
    turned = pairs * torch.exp(1j * angles_of(x, positions, base))  # (…, T, head_size / 2)
    return torch.cat([turned.real, turned.imag], dim=-1)


def turned_by(x: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
    """(…, T, head_size): x turned by these angles (T, head_size / 2)."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()], dim=-1)


@mistake("values", "neighbouring channels are turned together, as in the paper. Here channel i goes with channel i + head_size / 2: x is cut into two halves.")
def neighbours_together(x, positions, base=10_000.0):
    angles = angles_of(x, positions, base)
    a, b = x[..., ::2], x[..., 1::2]
    return torch.stack([a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()], dim=-1).flatten(-2)


@mistake("values", "neighbouring channels are turned together, and then stand in two halves. Cut x into halves to begin with: `a, b = x.chunk(2, dim=-1)`.")
def neighbours_into_halves(x, positions, base=10_000.0):
    angles = angles_of(x, positions, base)
    a, b = x[..., ::2], x[..., 1::2]
    return torch.cat([a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()], dim=-1)


@mistake("values", "the first half is overwritten before the second is computed from it: both need a and b as they came. Give the new halves names of their own.")
def first_half_overwritten(x, positions, base=10_000.0):
    angles = angles_of(x, positions, base)
    a, b = x.chunk(2, dim=-1)
    a = a * angles.cos() - b * angles.sin()
    return torch.cat([a, a * angles.sin() + b * angles.cos()], dim=-1)


@mistake("values", "the pairs are turned the other way round: the minus sign belongs to the first half, a · cos − b · sin.")
def turned_backwards(x, positions, base=10_000.0):
    return turned_by(x, -angles_of(x, positions, base))


@mistake("values", "a sign is wrong, so that nothing is turned: the halves are a · cos − b · sin and a · sin + b · cos, with one minus.")
def no_minus(x, positions, base=10_000.0):
    angles = angles_of(x, positions, base)
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * angles.cos() + b * angles.sin(), a * angles.sin() + b * angles.cos()], dim=-1)


@mistake("values", "the two halves are joined in the wrong order: first a · cos − b · sin, then a · sin + b · cos.")
def halves_joined_the_wrong_way(x, positions, base=10_000.0):
    return turned_by(x, angles_of(x, positions, base)).roll(x.shape[-1] // 2, -1)


@mistake("values", "sine and cosine are swapped.")
def sine_and_cosine_swapped(x, positions, base=10_000.0):
    angles = angles_of(x, positions, base)
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * angles.sin() - b * angles.cos(), a * angles.cos() + b * angles.sin()], dim=-1)


@mistake("values", "each half is only multiplied by the cosine. Turning a pair mixes its two numbers: a · cos − b · sin and a · sin + b · cos.")
def cosine_alone(x, positions, base=10_000.0):
    return x * angles_of(x, positions, base).cos().repeat(1, 2)


@mistake("values", "sines and cosines of the position are added to x, as in 2017. Here nothing is added: pairs of channels are turned.")
def added_as_in_2017(x, positions, base=10_000.0):
    angles = angles_of(x, positions, base)
    return x + torch.cat([angles.sin(), angles.cos()], dim=-1)


@mistake("values", "every pair is turned by the same angle, the position itself. Pair i turns by position · base^(−2i / head_size): each slower than the one before it.")
def one_speed_for_all(x, positions, base=10_000.0):
    return turned_by(x, positions.double().unsqueeze(-1).expand(-1, x.shape[-1] // 2))


@mistake("values", "the exponent is positive, so that each pair turns faster than the one before it: base^(−2i / head_size).")
def ever_faster(x, positions, base=10_000.0):
    return turned_by(x, positions.double().unsqueeze(-1) / speeds_of(x.shape[-1], base))


@mistake("values", "the exponent is −i / head_size, which is half as much as it should be: −2i / head_size, or −i / (head_size / 2).")
def half_the_exponent(x, positions, base=10_000.0):
    return turned_by(x, positions.double().unsqueeze(-1) * speeds_of(x.shape[-1], base).sqrt())


@mistake("values", "the exponent is −4i / head_size, which is twice as much as it should be: −2i / head_size, or −i / (head_size / 2).")
def twice_the_exponent(x, positions, base=10_000.0):
    return turned_by(x, positions.double().unsqueeze(-1) * speeds_of(x.shape[-1], base) ** 2)


@mistake("values", "the angles are repeated one by one, θ₀ θ₀ θ₁ θ₁, as for pairs of neighbours. For two halves they come one after the other, θ₀ θ₁ θ₀ θ₁: "
                   "`repeat(1, 2)`, or work on a and b alone.")
def angles_of_neighbours(x, positions, base=10_000.0):
    angles = angles_of(x, positions, base).repeat_interleave(2, dim=-1)
    a, b = x.chunk(2, dim=-1)
    return x * angles.cos() + torch.cat([-b, a], dim=-1) * angles.sin()


@mistake("values", "i is counted from 1. It begins at 0, so that the first pair turns by the position itself.")
def pairs_counted_from_one(x, positions, base=10_000.0):
    return turned_by(x, angles_of(x, positions, base) * base ** (-2 / x.shape[-1]))


@mistake("values", "the speeds come in the reverse order: the first pair is the fastest.")
def slowest_first(x, positions, base=10_000.0):
    return turned_by(x, angles_of(x, positions, base).flip(-1))


@mistake("values", "each angle is multiplied by 2π. The position is the angle, in radians.")
def whole_turns(x, positions, base=10_000.0):
    return turned_by(x, angles_of(x, positions, base) * 2 * torch.pi)


@mistake("values", "the angles are taken as degrees. The position is the angle, in radians.")
def in_degrees(x, positions, base=10_000.0):
    return turned_by(x, angles_of(x, positions, base) * torch.pi / 180)


@mistake("values", "only the first half is turned. Both numbers of a pair change: the second half becomes a · sin + b · cos.")
def first_half_only(x, positions, base=10_000.0):
    half = x.shape[-1] // 2
    return torch.cat([turned_by(x, angles_of(x, positions, base))[..., :half], x[..., half:]], dim=-1)


@mistake("values", "only the second half is turned. Both numbers of a pair change: the first half becomes a · cos − b · sin.")
def second_half_only(x, positions, base=10_000.0):
    half = x.shape[-1] // 2
    return torch.cat([x[..., :half], turned_by(x, angles_of(x, positions, base))[..., half:]], dim=-1)


@mistake("values", "x is cut into halves, and in the result their channels alternate. Join the halves one after the other: `torch.cat([…, …], dim=-1)`.")
def halves_interleaved(x, positions, base=10_000.0):
    return torch.stack(turned_by(x, angles_of(x, positions, base)).chunk(2, dim=-1), dim=-1).flatten(-2)


@mistake("values", "both halves have a minus. The second is a · sin + b · cos.")
def minus_in_both_halves(x, positions, base=10_000.0):
    angles = angles_of(x, positions, base)
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * angles.cos() - b * angles.sin(), a * angles.sin() - b * angles.cos()], dim=-1)


@mistake("values", "the positions count from 1 here: the first one that is given, 0, turns nothing.")
def one_position_further(x, positions, base=10_000.0):
    return turned_by(x, angles_of(x, positions + 1, base))


@mistake("positions", "the rows are counted from 0 again. With kept keys and values the new rows are later ones: take the positions that are given.")
def counted_again(x, positions, base=10_000.0):
    return by_complex_numbers(x, torch.arange(x.shape[-2]), base)


@mistake("positions", "the first of the positions is taken as a start, and the rest are counted. They may come in any order: take each as it is given.")
def counted_from_the_first(x, positions, base=10_000.0):
    return by_complex_numbers(x, positions[:1] + torch.arange(x.shape[-2]), base)


@mistake("positions", "base is written as a number: models differ in it, so take the argument.")
def base_as_a_number(x, positions, base=10_000.0):
    return by_complex_numbers(x, positions, 10_000.0)


def inputs(seed: int) -> list[torch.Tensor]:
    """x of several shapes (…, T, head_size), all sizes different; then sizes of 1, and a head of two channels."""
    B, H, T, size = [(2, 3, 5, 8), (3, 2, 4, 6), (4, 3, 7, 10)][seed % 3]
    shapes = [(B, H, T, size), (T, size), (B, T, size), (1, 1, 1, size), (B, H, T, 2), (B, size, size, size)]
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(*shape, generator=generator) for shape in shapes]


def turned(answer: Callable, x: torch.Tensor, positions: torch.Tensor, base: float) -> torch.Tensor:
    """What the learner's rotate gives, if it has the shape of x."""
    result = run(answer, x, positions, base)
    want_tensor(result, "rotate")
    rotate.want_shape(result, x.shape, "(…, T, head_size)", "the result", (x, positions, base))
    return result


def want_turned(answer: Callable, x: torch.Tensor, positions: torch.Tensor, base: float, when: str, otherwise: str = ALL_STEPS) -> None:
    """Refuse what is not x multiplied by complex numbers."""
    rotate.want_values(
        turned(answer, x, positions, base), by_complex_numbers(x, positions, base), (x, positions, base),
        what=f"{when}, the result", otherwise=otherwise, caption="Rotated vectors: wanted, and yours",
    )


def want_roughly(answer: Callable, x: torch.Tensor, positions: torch.Tensor, when: str, cause: str) -> None:
    """Refuse what is further from the right result than rounding of float32 angles, or of a bfloat16 x, can lead."""
    result, wanted = turned(answer, x, positions, 10_000.0).detach().double(), by_complex_numbers(x, positions, 10_000.0)
    largest, at_most = (result - wanted).abs().max().item(), 0.05 * x.abs().max().item()
    if not largest <= at_most:
        raise CheckFailed(f"{when} up to {largest:.2f} from what they should be.", f"at most {at_most:.2f}, for rounding.", cause)


@rotate.aspect("shape")
def keeps_shape_and_dtype(answer, seed):
    for x in inputs(seed):
        positions = torch.arange(x.shape[-2])
        for dtype in (torch.float32, torch.bfloat16, torch.float64):
            result = turned(answer, x.to(dtype), positions, 10_000.0)
            if result.dtype != dtype:
                raise CheckFailed(
                    f"for an x of {dtype} the result is {result.dtype}.", "the dtype of x: queries meet keys and values of that dtype.",
                    "the angles are of another dtype than x: `.to(x.dtype)` after cos and sin.",
                )


@rotate.aspect("values")
def turns_each_pair_of_channels_by_its_own_angle(answer, seed):
    for x in inputs(seed):
        want_turned(answer, x, torch.arange(x.shape[-2]), 10_000.0, f"for x of shape {tuple(x.shape)}")
    x = inputs(seed)[0].roll(1, -1)
    want_turned(answer, x, torch.arange(x.shape[-2]), 10_000.0, "called once more, with other vectors", KEPT)
    want_turned(answer, 400 * x, torch.arange(x.shape[-2]), 10_000.0, "for vectors that are 400 times as long",
                "for short vectors it is right: no number may be clamped or rounded on its way.")


@rotate.aspect("positions")
def takes_the_positions_and_the_base_that_are_given(answer, seed):
    for x in inputs(seed)[:4]:
        T = x.shape[-2]
        for first, base in ((7, 10_000.0), (0, 50.0), (300, 100_000.0)):
            with in_case(f"for positions from {first} on and base {base:,.0f}"):
                want_turned(answer, x, torch.arange(first, first + T), base, "with these")
        want_turned(answer, x, torch.arange(T).flip(0) * 3, 50.0, "for positions that go down in steps of 3")
    x = inputs(seed)[0]
    far = torch.arange(x.shape[-2]) + 8_001
    want_roughly(answer, x, far, "as far into a text as position 8,001, some numbers are", "angles may grow with the position without a limit: leave positions as they are.")
    want_roughly(answer, x.bfloat16(), far, "for an x of torch.bfloat16 at positions from 8,001 on, some numbers are",
                 "positions, speeds or angles are rounded to the dtype of x, which is too coarse for large numbers: compute cosines and sines in float32, "
                 "and convert only these, `angles.cos().to(x.dtype)`.")


@rotate.aspect("gradient")
def lets_the_gradient_through(answer, seed):
    x = inputs(seed)[0]
    want_gradient_of_inputs(lambda x: answer(x, torch.arange(x.shape[-2]), 50.0), x, what="rotate")

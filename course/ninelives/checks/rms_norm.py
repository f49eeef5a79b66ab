"""Lab `today`, exercise 1: what RMSNorm must do."""

from functools import partial

import torch
from torch import nn

from ninelives.checks.exercise import (
    CheckFailed,
    Exercise,
    build,
    in_case,
    numbers,
    on_layers_of,
    run,
    same_values,
    want_gradient,
)

NORM_ALONE = "each vector is divided by the root of the mean of its own squares, and multiplied by self.weight: nothing else."
EPS = "eps is added to the mean of the squares, before the root: `(mean_square + self.eps).sqrt()`."

rms_norm = Exercise("RMSNorm", error_hints={
    "must match the size": "two shapes do not fit together: `keepdim=True` leaves the mean an axis of size 1, (…, 1), which meets all channels of its vector.",
})
mistake = rms_norm.mistake


class GivenRMSNorm(nn.Module):
    """The given constructor, and the formula in two steps."""

    def __init__(self, n_embd: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(n_embd))

    def mean_square(self, x: torch.Tensor) -> torch.Tensor:
        return x.pow(2).mean(-1, keepdim=True)  # (…, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x / (self.mean_square(x) + self.eps).sqrt() * self.weight  # (…, C)


@mistake("values", "this is LayerNorm: the mean is subtracted first. RMSNorm leaves it out, and divides x as it is.")
class MeanSubtracted(GivenRMSNorm):
    def forward(self, x):
        return super().forward(x - x.mean(-1, keepdim=True))


@mistake("values", "x is divided by its standard deviation, for which the mean is subtracted from every number. RMS is the root of the mean of x² itself.")
class StandardDeviation(GivenRMSNorm):
    def mean_square(self, x):
        return x.var(-1, keepdim=True, correction=0)


@mistake("values", "x is divided by its standard deviation, for which the mean is subtracted from every number. RMS is the root of the mean of x² itself.")
class StandardDeviationOfASample(GivenRMSNorm):
    def mean_square(self, x):
        return x.var(-1, keepdim=True)


@mistake("values", "x is divided by its length, the root of the *sum* of its squares. It is the root of their mean: `x.pow(2).mean(-1, keepdim=True)`.")
class DividedByTheLength(GivenRMSNorm):
    def mean_square(self, x):
        return x.pow(2).sum(-1, keepdim=True)


@mistake("values", "the root is missing: x is divided by the mean of its squares.")
class NoRoot(GivenRMSNorm):
    def forward(self, x):
        return x / (self.mean_square(x) + self.eps) * self.weight


@mistake("values", "x is multiplied by the root of the mean of its squares, and should be divided by it.")
class MultipliedByTheRoot(GivenRMSNorm):
    def forward(self, x):
        return x * (self.mean_square(x) + self.eps).sqrt() * self.weight


@mistake("values", "self.weight is missing: each channel is multiplied by a number of its own, which is learned.")
class NoWeight(GivenRMSNorm):
    def forward(self, x):
        return x / (self.mean_square(x) + self.eps).sqrt()


@mistake("values", "self.weight is added. It scales the channels: multiply.")
class WeightAdded(GivenRMSNorm):
    def forward(self, x):
        return x / (self.mean_square(x) + self.eps).sqrt() + self.weight


@mistake("values", "x is multiplied by 1 + self.weight, as in Gemma. Here the weight begins as 1 and is the factor itself.")
class OnePlusWeight(GivenRMSNorm):
    def forward(self, x):
        return x / (self.mean_square(x) + self.eps).sqrt() * (1 + self.weight)


@mistake("values", "the channels are scaled before the norm, which then changes their scale again: normalise first, then multiply by self.weight.")
class WeightFirst(GivenRMSNorm):
    def forward(self, x):
        scaled = x * self.weight
        return scaled / (self.mean_square(scaled) + self.eps).sqrt()


@mistake("values", "the mean goes over all numbers of x. Each vector has its own: `.mean(-1, keepdim=True)`.")
class OneMeanForAll(GivenRMSNorm):
    def mean_square(self, x):
        return x.pow(2).mean()


@mistake("values", "the mean goes over the tokens, axis 1. It goes over the channels of each token, the last axis.")
class MeanOverTheTokens(GivenRMSNorm):
    def mean_square(self, x):
        return x.pow(2).mean(1, keepdim=True)


@mistake("values", "the mean goes over the batch, axis 0. It goes over the channels of each token, the last axis.")
class MeanOverTheBatch(GivenRMSNorm):
    def mean_square(self, x):
        return x.pow(2).mean(0, keepdim=True)


@mistake("values", "this is the square of the mean. First square, then take the mean: `x.pow(2).mean(-1, keepdim=True)`.")
class SquareOfTheMean(GivenRMSNorm):
    def mean_square(self, x):
        return x.mean(-1, keepdim=True).pow(2)


@mistake("values", "x is divided by the mean of its absolute values. The S of RMS is for squares: square, mean, root.")
class MeanOfAbsoluteValues(GivenRMSNorm):
    def forward(self, x):
        return x / (x.abs().mean(-1, keepdim=True) + self.eps) * self.weight


@mistake("eps", "eps is missing, or a number is added that is far too small: `(mean_square + self.eps).sqrt()`.")
class NoEps(GivenRMSNorm):
    def forward(self, x):
        return x / self.mean_square(x).sqrt() * self.weight


@mistake("eps", "eps is added to the root. It belongs under it: `(mean_square + self.eps).sqrt()`.")
class EpsAfterTheRoot(GivenRMSNorm):
    def forward(self, x):
        return x / (self.mean_square(x).sqrt() + self.eps) * self.weight


@mistake("eps", "eps is written as a number: models differ in it, so take self.eps.")
class EpsAsANumber(GivenRMSNorm):
    def forward(self, x):
        return x / (self.mean_square(x) + 1e-5).sqrt() * self.weight


@mistake("eps", "eps is written as a number: models differ in it, so take self.eps.")
class EpsAsASmallerNumber(GivenRMSNorm):
    def forward(self, x):
        return x / (self.mean_square(x) + 1e-6).sqrt() * self.weight


@mistake("eps", "eps is written as a number: models differ in it, so take self.eps.")
class EpsAsTheSmallestNumber(GivenRMSNorm):
    def forward(self, x):
        return x / (self.mean_square(x) + 1e-8).sqrt() * self.weight


@mistake("eps", "the mean of the squares is held above eps, and should have eps added to it.")
class EpsAsALimit(GivenRMSNorm):
    def forward(self, x):
        return x / self.mean_square(x).clamp(min=self.eps).sqrt() * self.weight


@mistake("eps", "eps is squared: it is added to the mean of the squares as it is.")
class EpsSquared(GivenRMSNorm):
    def forward(self, x):
        return x / (self.mean_square(x) + self.eps**2).sqrt() * self.weight


def sizes(seed: int) -> tuple[int, int, int]:
    """B, T and C, all different."""
    return [(3, 5, 8), (4, 6, 7), (2, 7, 10)][seed % 3]


def vectors(*shape: int, seed: int) -> torch.Tensor:
    """Float64 numbers whose mean is far from 0."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double() + 1.5


def built(answer, C: int, eps: float = 1e-5) -> nn.Module:
    """A learner's norm in float64, whose weight is known by that name."""
    module = build(answer, C, eps).double()
    weight = getattr(module, "weight", None)
    others = [name for name, _ in module.named_parameters() if name != "weight"]
    if not isinstance(weight, nn.Parameter) or weight.shape != (C,) or others:
        raise CheckFailed(
            f"RMSNorm({C}) has the parameters {', '.join(f'{name} {tuple(p.shape)}' for name, p in module.named_parameters()) or 'none'}.",
            f"one, self.weight, of shape ({C},).",
            "leave __init__ as it was given and write forward only: RMSNorm has a scale for each channel, and no shift.",
        )
    return module


def normed(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """What a learner's norm makes of x, if it has the shape and dtype of x."""
    result = run(module, x, what="RMSNorm.forward")
    rms_norm.want_shape(result, x.shape, "the shape of x", "the output", (x,), make=partial(on_layers_of, module))
    if result.dtype != x.dtype:
        raise CheckFailed(
            f"for an x of {x.dtype} the output is {result.dtype}.", "the dtype of x.",
            "a dtype is written down, as by `.float()`. If you compute in float32, end with `.to(x.dtype)`.",
        )
    return result


def want_norm(module: nn.Module, x: torch.Tensor, eps: float, when: str, otherwise: str = NORM_ALONE) -> None:
    """Refuse what is not PyTorch's own RMSNorm with the learner's weight."""
    wanted = nn.functional.rms_norm(x, x.shape[-1:], module.weight.detach(), eps)
    rms_norm.want_values(
        normed(module, x), wanted, (x,), what=f"{when}, the output", otherwise=otherwise,
        caption="Output of RMSNorm: wanted, and yours", make=partial(on_layers_of, module),
    )


@rms_norm.aspect("shape")
def keeps_the_shape_whatever_the_axes(answer, seed):
    B, T, C = sizes(seed)
    module = built(answer, C)
    for shape in ((B, T, C), (1, T, C), (B, 1, C), (B, C), (C,), (2, B, T, C)):
        with in_case(f"for x of shape {shape}"):
            normed(module, vectors(*shape, seed=seed))


@rms_norm.aspect("values")
def divides_each_vector_by_its_root_mean_square(answer, seed):
    B, T, C = sizes(seed)
    first = run(answer, C, what="RMSNorm.__init__")
    module = built(answer, C)
    want_norm(module, vectors(B, T, C, seed=seed), 1e-5, f"for {B} sequences of {T} vectors")
    want_norm(module, vectors(B, T, C, seed=seed + 1), 1e-5, "called once more, with other vectors",
              "something from an earlier call is kept and used again: compute it from this call's x, every time.")
    want_norm(module, 400 * vectors(B, T, C, seed=seed), 1e-5, "for vectors that are 400 times as long",
              "for short vectors it is right: no number may be clamped or rounded on its way.")
    module.train(not module.training)
    want_norm(module, vectors(B, T, C, seed=seed), 1e-5, "in training" if module.training else "after model.eval()",
              "in the other mode it is right. RMSNorm does the same in both modes.")
    if not same_values(first.weight, torch.ones(C)):
        raise CheckFailed(
            "before any training self.weight is not 1 everywhere.", "1 for each channel: RMSNorm begins without a scale.",
            "leave __init__ as it was given: the weight begins as torch.ones(n_embd).",
        )


@rms_norm.aspect("eps")
def adds_eps_under_the_root(answer, seed):
    B, T, C = sizes(seed)
    for eps in (3e-3, 2e-5):  # squared they are no usual eps
        want_norm(built(answer, C, eps), 0.003 * vectors(B, T, C, seed=seed), eps, f"with eps = {eps} and vectors near 0", EPS)


@rms_norm.aspect("gradient")
def cuts_off_no_gradient_and_computes_in_bfloat16(answer, seed):
    B, T, C = sizes(seed)
    module = built(answer, C)
    x = vectors(B, T, C, seed=seed).requires_grad_()
    want_gradient(module, normed(module, x), "RMSNorm")
    weights = torch.randn_like(x)
    right = nn.functional.rms_norm(x, (C,), module.weight, 1e-5)
    yours, wanted = (torch.autograd.grad((each * weights).sum(), x)[0] for each in (normed(module, x), right))
    if not same_values(yours, wanted):
        raise CheckFailed(
            f"the gradient of x at [0, 0] is {numbers(yours[0, 0])}.", f"{numbers(wanted[0, 0])}: the root depends on x as well.",
            "the root is cut off from x: leave out .detach(), .data, .item() and torch.no_grad().",
        )
    normed(built(answer, C).bfloat16(), vectors(B, T, C, seed=seed).bfloat16())

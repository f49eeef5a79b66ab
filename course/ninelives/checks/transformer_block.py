"""Notebook 3, exercise 1: what a Transformer block must do."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from ninelives import model
from ninelives.checks.attention import projections
from ninelives.checks.attention_inputs import causal_mask, random_mask
from ninelives.checks.exercise import CheckFailed, Exercise, build, on_layers_of, run, want_gradient, want_slope
from ninelives.config import TransformerConfig

block = Exercise("TransformerBlock")


class GivenBlock(model.TransformerBlock):
    """The given constructor. Each mistake below is another forward on its four parts."""

    def attend(self, x: torch.Tensor, attention_mask: torch.Tensor | None) -> torch.Tensor:
        return self.attention(self.norm_1(x), attention_mask)  # (B, T, C)

    def transform(self, x: torch.Tensor) -> torch.Tensor:
        return self.mlp(self.norm_2(x))  # (B, T, C)


@block.mistake("shape", "the mlp stops in the middle, where it is four times as wide. Call all of it: self.mlp(…).")
class HalfTheMlp(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.attend(x, attention_mask)
        return self.mlp[0](self.norm_2(x))


@block.mistake("shape", "the two vectors are put side by side. Add them.")
class SideBySide(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.attend(x, attention_mask)
        return torch.cat((x, self.transform(x)), dim=-1)


@block.mistake("shape", "the two are joined along the tokens, one after the other. Add them.")
class OneAfterTheOther(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = torch.cat((x, self.attend(x, attention_mask)), dim=1)
        return x + self.transform(x)


@block.mistake("shape", "the batch axis is gone: squeeze() removes it when B is 1.")
class Squeezed(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.attend(x, attention_mask)
        return (x + self.transform(x)).squeeze(0)


@block.mistake("shape", "the tokens are averaged or summed: each token keeps a vector of its own.")
class TokensAveraged(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.attend(x, attention_mask)
        return (x + self.transform(x)).mean(1)


@block.mistake("values", "the norms come after the sums (post-norm, as in the original Transformer of 2017). Here a "
                         "norm comes before each part: attention reads norm_1(x), and the sum itself is not "
                         "normalised.")
class PostNorm(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = self.norm_1(x + self.attention(x, attention_mask))
        return self.norm_2(x + self.mlp(x))


@block.mistake("values", "the norms are applied to what attention and the mlp return. Apply them to the inputs of the two.")
class NormOfTheResult(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.norm_1(self.attention(x, attention_mask))
        return x + self.norm_2(self.mlp(x))


@block.mistake("values", "both sums are missing: add what attention returns to x, and what the mlp returns to that "
                         "sum.")
class NoResiduals(GivenBlock):
    def forward(self, x, attention_mask=None):
        return self.transform(self.attend(x, attention_mask))


@block.mistake("values", "the first sum is missing: add what attention returns to x.")
class NoFirstResidual(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = self.attend(x, attention_mask)
        return x + self.transform(x)


@block.mistake("values", "the second sum is missing: add what the mlp returns to the first sum.")
class NoSecondResidual(GivenBlock):
    def forward(self, x, attention_mask=None):
        return self.transform(x + self.attend(x, attention_mask))


@block.mistake("values", "the first sum adds x twice.")
class ResidualTwice(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + x + self.attend(x, attention_mask)
        return x + self.transform(x)


@block.mistake("values", "the input x is added again at the end: it is part of the first sum already.")
class InputAddedAgain(GivenBlock):
    def forward(self, x, attention_mask=None):
        first_sum = x + self.attend(x, attention_mask)
        return x + first_sum + self.transform(first_sum)


@block.mistake("values", "the second sum adds the mlp's result to the input x, so attention's result is lost. Add it "
                         "to the first sum.")
class SecondSumWithTheInput(GivenBlock):
    def forward(self, x, attention_mask=None):
        return x + self.transform(x + self.attend(x, attention_mask))


@block.mistake("values", "both sums add to the normalised x. Add to x itself: only attention and the mlp read the "
                         "norm.")
class AddedToTheNorms(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = self.norm_1(x)
        x = x + self.attention(x, attention_mask)
        x = self.norm_2(x)
        return x + self.mlp(x)


@block.mistake("values", "attention's result is added to the normalised x. Add it to x itself.")
class FirstAddedToTheNorm(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = self.norm_1(x)
        x = x + self.attention(x, attention_mask)
        return x + self.transform(x)


@block.mistake("values", "the mlp's result is added to the normalised first sum. Add it to the sum itself.")
class SecondAddedToTheNorm(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = self.norm_2(x + self.attend(x, attention_mask))
        return x + self.mlp(x)


@block.mistake("values", "norm_1 is used twice: the mlp reads norm_2.")
class FirstNormTwice(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.attend(x, attention_mask)
        return x + self.mlp(self.norm_1(x))


@block.mistake("values", "norm_2 is used twice: attention reads norm_1.")
class SecondNormTwice(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.attention(self.norm_2(x), attention_mask)
        return x + self.transform(x)


@block.mistake("values", "the two norms are swapped: attention reads norm_1, and the mlp reads norm_2.")
class NormsSwapped(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.attention(self.norm_2(x), attention_mask)
        return x + self.mlp(self.norm_1(x))


@block.mistake("values", "no norm is used: attention reads norm_1(x), and the mlp reads norm_2 of the first sum.")
class NoNorms(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.attention(x, attention_mask)
        return x + self.mlp(x)


@block.mistake("values", "norm_1 is not used: attention reads norm_1(x).")
class NoFirstNorm(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.attention(x, attention_mask)
        return x + self.transform(x)


@block.mistake("values", "norm_2 is not used: the mlp reads norm_2 of the first sum.")
class NoSecondNorm(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.attend(x, attention_mask)
        return x + self.mlp(x)


@block.mistake("values", "the mlp comes before attention. First the tokens attend to each other, then the mlp works on "
                         "what each has gathered.")
class MlpFirst(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.transform(x)
        return x + self.attend(x, attention_mask)


@block.mistake("values", "the mlp comes before attention, and each reads the other's norm.")
class MlpFirstWithTheFirstNorm(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.mlp(self.norm_1(x))
        return x + self.attention(self.norm_2(x), attention_mask)


@block.mistake("values", "the mlp reads the input x. It must read the first sum, which holds attention's result.")
class BothReadTheInput(GivenBlock):
    def forward(self, x, attention_mask=None):
        return x + self.attend(x, attention_mask) + self.transform(x)


@block.mistake("values", "the mlp reads attention's result alone. It must read the first sum: x plus that result.")
class MlpOfAttention(GivenBlock):
    def forward(self, x, attention_mask=None):
        return x + self.transform(self.attend(x, attention_mask))


@block.mistake("values", "the mlp is not used.")
class NoMlp(GivenBlock):
    def forward(self, x, attention_mask=None):
        return x + self.attend(x, attention_mask)


@block.mistake("values", "attention is not used.")
class NoAttention(GivenBlock):
    def forward(self, x, attention_mask=None):
        return x + self.transform(x)


@block.mistake("values", "attention is used twice, and the mlp is not used.")
class AttentionTwice(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.attend(x, attention_mask)
        return x + self.attention(self.norm_2(x), attention_mask)


@block.mistake("values", "there is a third norm at the end. The block has two; the final norm belongs to the "
                         "Transformer, in the next exercise.")
class OneNormMore(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.attend(x, attention_mask)
        return self.norm_2(x + self.transform(x))


@block.mistake("mask", "attention gets no mask: pass attention_mask on to it.")
class MaskNotPassedOn(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.attend(x, None)
        return x + self.transform(x)


@block.mistake("mask", "the mask is inverted: 1 means may attend, as attention expects it.")
class MaskInverted(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.attend(x, None if attention_mask is None else attention_mask == 0)
        return x + self.transform(x)


@block.mistake("mask", "the mask is transposed.")
class MaskTransposed(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.attend(x, None if attention_mask is None else attention_mask.transpose(-2, -1))
        return x + self.transform(x)


def loosened(module: nn.Module) -> nn.Module:
    """In float64 for evaluation, with attention weights so small that no softmax is saturated."""
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if ".attention." in f".{name}":
                parameter.mul_(0.35)
    return module.double().eval()


class Parts(NamedTuple):
    """What the given constructor of a block makes."""

    norm_1: nn.Module
    attention: nn.Module
    norm_2: nn.Module
    mlp: nn.Module


def parts_of(module: nn.Module) -> Parts:
    """The four parts of a learner's block.

    Raises:
        CheckFailed: one of them is not there.
    """
    for name in Parts._fields:
        if not isinstance(getattr(module, name, None), nn.Module):
            raise CheckFailed(
                f"the block has no self.{name}.",
                "the four parts of __init__: norm_1, attention, norm_2, mlp.",
                "leave __init__ as it was given; write forward only.",
            )
    return Parts(*(getattr(module, name) for name in Parts._fields))


def block_sizes(seed: int) -> tuple[int, int, TransformerConfig]:
    """B, T and a configuration, all sizes different."""
    B, T, n_head, head_size = [(4, 6, 2, 5), (5, 7, 3, 4), (4, 5, 2, 7)][seed % 3]
    return B, T, TransformerConfig(29, 16, n_embd=n_head * head_size, n_head=n_head, n_layer=1, dropout=0.0)


def built_block(answer: Callable, config: TransformerConfig) -> nn.Module:
    """A learner's block in float64, in evaluation."""
    module = build(answer, config)
    parts_of(module)
    return loosened(module)


def vectors(B: int, T: int, C: int, seed: int) -> torch.Tensor:
    """(B, T, C) float64."""
    return torch.randn(B, T, C, generator=torch.Generator().manual_seed(seed)).double()


def pytorch_block(
    module: nn.Module, config: TransformerConfig, x: torch.Tensor, mask: torch.Tensor | None
) -> torch.Tensor:
    """(B, T, C) float64: the reference, PyTorch's own layer with the weights of a learner's block."""
    parts, C = parts_of(module), config.n_embd
    W_q, b_q, W_k, b_k, W_v, b_v, W_o, b_o = projections(parts.attention, config)
    up, down = (layer for layer in parts.mlp.modules() if isinstance(layer, nn.Linear))
    theirs = nn.TransformerEncoderLayer(
        C, config.n_head, 4 * C, dropout=0.0, activation="gelu", batch_first=True, norm_first=True, dtype=torch.float64
    )
    theirs.load_state_dict({
        "self_attn.in_proj_weight": torch.cat([W_q, W_k, W_v]), "self_attn.in_proj_bias": torch.cat([b_q, b_k, b_v]),
        "self_attn.out_proj.weight": W_o, "self_attn.out_proj.bias": b_o,
        "linear1.weight": up.weight, "linear1.bias": up.bias, "linear2.weight": down.weight, "linear2.bias": down.bias,
        "norm1.weight": parts.norm_1.weight, "norm1.bias": parts.norm_1.bias,
        "norm2.weight": parts.norm_2.weight, "norm2.bias": parts.norm_2.bias,
    })
    # In PyTorch's layer True means hidden, and the heads share an axis with the batch.
    hidden = None if mask is None else ~mask.expand(-1, config.n_head, -1, -1).flatten(0, 1)
    return theirs(x, src_mask=hidden).detach()


def output_of(module: nn.Module, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
    """What a learner's block makes of x, if it has the shape of x."""
    result = run(module, x, mask, what="TransformerBlock.forward")
    block.want_shape(result, x.shape, "(B, T, n_embd)", "the output", (x, mask), make=partial(on_layers_of, module))
    return result


def want_block(
    module: nn.Module, config: TransformerConfig, x: torch.Tensor, mask: torch.Tensor | None, when: str, otherwise: str
) -> None:
    """Refuse a block that gives anything but what PyTorch's own layer gives with the same weights."""
    block.want_values(
        output_of(module, x, mask), pytorch_block(module, config, x, mask), (x, mask), what=f"{when}, the output",
        otherwise=otherwise, caption="Output of the block: wanted, and yours", make=partial(on_layers_of, module),
    )


@block.aspect("shape")
def keeps_the_shape(answer, seed):
    B, T, config = block_sizes(seed)
    module = built_block(answer, config)
    for b, t in ((B, T), (1, T), (B, 1), (1, 1), (config.n_head, config.head_size)):
        output_of(module, vectors(b, t, config.n_embd, seed))


@block.aspect("values")
def is_attention_then_mlp_each_added_to_what_came_before(answer, seed):
    B, T, config = block_sizes(seed)
    module = built_block(answer, config)
    # One token first, which can attend to itself only.
    for b, t, when in ((1, 1, "for a single token"), (B, T, f"for {B} sequences of {T} tokens")):
        want_block(
            module, config, vectors(b, t, config.n_embd, seed), None, when,
            otherwise="two lines: x plus attention of norm_1(x); then that sum plus the mlp of norm_2 of that sum.",
        )


@block.aspect("mask")
def passes_the_mask_to_attention(answer, seed):
    B, T, config = block_sizes(seed)
    module = built_block(answer, config)
    for when, mask in (
        ("under a random mask", random_mask(B, T, seed)),
        ("under a causal mask", causal_mask(B, T)),
        ("with B = n_head, under a random mask", random_mask(config.n_head, config.head_size, seed)),
    ):
        want_block(
            module, config, vectors(len(mask), mask.shape[-1], config.n_embd, seed), mask, when,
            otherwise="pass attention_mask to attention as it is, and use it for nothing else.",
        )


@block.aspect("gradient")
def cuts_off_no_gradient(answer, seed):
    B, T, config = block_sizes(seed)
    module = built_block(answer, config)
    x = vectors(B, T, config.n_embd, seed).requires_grad_()
    want_gradient(module, output_of(module, x), "TransformerBlock", may_be_zero=biases_and_gains(module))
    weights = torch.randn_like(x)
    want_slopes(lambda: (output_of(module, x) * weights).sum(), {**dict(module.named_parameters()), "x": x})


def biases_and_gains(module: nn.Module) -> list[str]:
    """The names of a module's vectors. A key's bias has gradient 0: it adds the same to all scores of a softmax."""
    return [name for name, parameter in module.named_parameters() if parameter.dim() == 1]


def want_slopes(total: Callable[[], torch.Tensor], named: dict[str, torch.Tensor]) -> None:
    """Refuse a gradient of which a part is cut off; `total` computes in float64.

    All tensors are nudged at once first. If the output moves as all gradients
    together say, each is right; only if not is each tensor checked by itself.
    """
    gradients = [
        torch.zeros_like(tensor) if gradient is None else gradient
        for tensor, gradient in zip(
            named.values(), torch.autograd.grad(total(), list(named.values()), allow_unused=True), strict=True
        )
    ]
    if all(slopes_agree(total, list(named.values()), gradients) for _ in range(3)):
        return
    for (name, tensor), gradient in zip(named.items(), gradients):
        want_slope(total, name, tensor, gradient, step=1e-5)


@torch.no_grad()
def slopes_agree(total: Callable[[], torch.Tensor], tensors: list[torch.Tensor], gradients: list[torch.Tensor]) -> bool:
    """Whether the output moves as the gradients say when every tensor is nudged, each in a direction of its own."""
    step = 1e-5
    directions = [F.normalize(torch.randn_like(tensor).flatten(), dim=0).view_as(tensor) for tensor in tensors]
    before = [tensor.clone() for tensor in tensors]
    moved = []
    for sign in (1, -1):
        for tensor, start, direction in zip(tensors, before, directions):
            tensor.copy_(start + sign * step * direction)
        moved.append(float(total()))
    for tensor, start in zip(tensors, before):
        tensor.copy_(start)
    slope = (moved[0] - moved[1]) / (2 * step)
    told = float(sum((gradient * direction).sum() for gradient, direction in zip(gradients, directions)))
    return abs(slope - told) <= 1e-4 * abs(slope) + 1e-3

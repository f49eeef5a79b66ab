"""Notebook 3, exercise 1: what a Transformer block must do."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from ninelives import model
from ninelives.checks.attention import projections
from ninelives.checks.attention_inputs import KEPT, causal_mask, random_mask
from ninelives.checks.exercise import (
    CheckFailed,
    Exercise,
    build,
    in_case,
    on_layers_of,
    run,
    same,
    same_values,
    want_gradient,
    want_slope,
)
from ninelives.config import TransformerConfig

MLP_HINTS = {
    "Sequential.forward() takes": "the mlp works on each token alone: it takes the vectors, and no mask.",
    "SelfAttention.forward() takes": "attention makes queries, keys and values itself: give it the normalised x "
                                              "once, and the mask.",
    "NoneType": "attention_mask is None where nothing is hidden, and cannot be computed with: it goes to attention alone, after the vectors, "
                "`self.attention(self.norm_1(x), attention_mask)`.",
}
block = Exercise("TransformerBlock", error_hints=MLP_HINTS)


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


@block.mistake("shape", "the axis of tokens is gone: they are averaged or summed, or only one is kept. Each token keeps a vector of its own.")
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


@block.mistake("values", "x is multiplied by what attention returns, and the first sum by what the mlp returns. Add.")
class BothMultiplied(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x * self.attend(x, attention_mask)
        return x * self.transform(x)


@block.mistake("values", "x is multiplied by what attention returns. Add it to x.")
class AttentionMultiplied(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x * self.attend(x, attention_mask)
        return x + self.transform(x)


@block.mistake("values", "the first sum is multiplied by what the mlp returns. Add it to the sum.")
class MlpMultiplied(GivenBlock):
    def forward(self, x, attention_mask=None):
        x = x + self.attend(x, attention_mask)
        return x * self.transform(x)


@block.mistake("values", "attention gets a causal mask although attention_mask is None, which hides nothing: pass "
                         "attention_mask on as it is.")
class CausalUnasked(GivenBlock):
    def forward(self, x, attention_mask=None):
        if attention_mask is None:
            attention_mask = torch.ones(x.shape[1], x.shape[1]).tril()
        x = x + self.attend(x, attention_mask)
        return x + self.transform(x)


@block.mistake("values", "the mlp is not used.")
class NoMlp(GivenBlock):
    def forward(self, x, attention_mask=None):
        return x + self.attend(x, attention_mask)


@block.mistake("values", "what attention returns is not used.")
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
    parts = Parts(*(getattr(module, name) for name in Parts._fields))
    for name in ("norm_1", "norm_2"):
        norm = getattr(module, name)
        if not isinstance(norm, nn.LayerNorm) or norm.weight is None or norm.bias is None:
            raise CheckFailed(
                f"self.{name} is {norm}.", "nn.LayerNorm(config.n_embd).", "leave __init__ as it was given; write forward only.",
            )
    widths = [tuple(layer.weight.shape) for layer in parts.mlp.modules() if isinstance(layer, nn.Linear)]
    C = parts.norm_1.weight.numel()
    if widths != [(4 * C, C), (C, 4 * C)]:
        shown = " and ".join(f"{width_in} to {width_out}" for width_out, width_in in widths) or "none"
        raise CheckFailed(
            f"the linear layers of self.mlp lead from {shown}.",
            f"{C} to {4 * C} and {4 * C} to {C}: n_embd to 4 · n_embd, and back.",
            "the mlp of __init__ was changed: its inner width is 4 · n_embd, as given.",
        )
    return parts


def want_given_mlp(module: nn.Module, C: int, seed: int) -> None:
    """Refuse another mlp than two linear layers with GELU between them, and no dropout after them; module is in evaluation."""
    mlp, x = parts_of(module).mlp, vectors(1, 5, C, seed)
    up, down = (layer for layer in mlp.modules() if isinstance(layer, nn.Linear))
    if not same_values(run(mlp, x, what="self.mlp"), down(F.gelu(up(x)))):
        raise CheckFailed(
            f"self.mlp consists of {', '.join(type(layer).__name__ for layer in mlp.children())}.",
            "Linear, GELU, Linear, Dropout.",
            "the mlp of __init__ was changed: GELU stands between its two linear layers, and nothing else changes their numbers.",
        )


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
    module: nn.Module, config: TransformerConfig, x: torch.Tensor, mask: torch.Tensor | None, norm_first: bool = True
) -> torch.Tensor:
    """(B, T, C) float64: the reference, PyTorch's own layer with the weights of a learner's block."""
    parts, C = parts_of(module), config.n_embd
    W_q, b_q, W_k, b_k, W_v, b_v, W_o, b_o = projections(parts.attention, config)
    up, down = (layer for layer in parts.mlp.modules() if isinstance(layer, nn.Linear))
    theirs = nn.TransformerEncoderLayer(
        C, config.n_head, 4 * C, dropout=0.0, activation="gelu", batch_first=True, norm_first=norm_first,
        layer_norm_eps=parts.norm_1.eps, dtype=torch.float64,
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
    result = output_of(module, x, mask)

    def explain() -> str:
        if same(result, output_of(module, x, mask)):
            return otherwise
        return "the same call gives another result each time: something is random. Both parts have their dropout already, and no other is needed."

    block.want_values(
        result, pytorch_block(module, config, x, mask), (x, mask), what=f"{when}, the output",
        otherwise=explain, caption="Output of the block: wanted, and yours", make=partial(on_layers_of, module),
    )


@block.aspect("shape")
def keeps_the_shape(answer, seed):
    B, T, config = block_sizes(seed)
    module = built_block(answer, config)
    for b, t in ((B, T), (1, T), (B, 1), (1, 1), (config.n_head, config.head_size)):
        output_of(module, vectors(b, t, config.n_embd, seed))


@contextmanager
def in_both_modes(module: nn.Module, training: bool) -> Iterator[None]:
    """What is inside runs in one of the two modes; a failure that is seen in training alone says so."""
    module.train(training)
    if not training:
        yield
        return
    with in_case(
        "in training mode",
        cause="in evaluation mode it is right: look for a line that asks self.training, or for a dropout of your own.",
    ):
        yield


@block.aspect("values")
def is_attention_then_mlp_each_added_to_what_came_before(answer, seed):
    B, T, config = block_sizes(seed)
    module = built_block(answer, config)
    want_given_mlp(module, config.n_embd, seed)
    for training in (False, True):
        with in_both_modes(module, training):
            # One token first, which can attend to itself only.
            for b, t, when in ((1, 1, "for a single token"), (B, T, f"for {B} sequences of {T} tokens")):
                want_block(
                    module, config, vectors(b, t, config.n_embd, seed), None, when,
                    otherwise="two lines: x plus attention of norm_1(x); then that sum plus the mlp of norm_2 of that sum.",
                )
    want_block(module, config, vectors(B, T, config.n_embd, seed + 1), None, "called once more, with other vectors", otherwise=KEPT)
    # Vectors as long as deep blocks make them: a number that is clamped on the way shows.
    want_block(
        module, config, 400 * vectors(B, T, config.n_embd, seed), None, "for vectors that are 400 times as long",
        otherwise="for short vectors it is right: no number may be clamped or rounded on its way.",
    )
    turned = vectors(T, B, config.n_embd, seed).transpose(0, 1)
    want_block(
        module, config, turned, None, "for an x that does not lie in order in memory",
        otherwise="",
    )
    want_mlp_dropped(answer, config, seed)


def want_mlp_dropped(answer: Callable, config: TransformerConfig, seed: int) -> None:
    """Refuse a block that does not drop what the mlp gives in training, or drops anything more."""
    module = built_block(answer, replace(config, dropout=1.0)).train()
    x, parts = vectors(2, 3, config.n_embd, seed), parts_of(module)
    parts.attention.eval()
    if not same_values(output_of(module, x), x + parts.attention(parts.norm_1(x), None)):
        raise CheckFailed(
            "with config.dropout = 1 in training, and attention alone in evaluation, the output is another one.",
            "x plus what attention gives: the dropout of the mlp makes zeros of what the mlp gives, and drops nothing else.",
            "the mlp ends with nn.Dropout(config.dropout): leave it as it was given, call all of it, self.mlp(…), and drop nothing else.",
        )


@block.aspect("mask")
def passes_the_mask_to_attention(answer, seed):
    B, T, config = block_sizes(seed)
    module = built_block(answer, config)
    # Two masks of one shape, one after the other.
    masks = [
        ("under a random mask", random_mask(B, T, seed)),
        ("under a causal mask", causal_mask(B, T)),
        ("with B = n_head, under a random mask", random_mask(config.n_head, config.head_size, seed)),
        ("for a single sentence, under a random mask", random_mask(1, T, seed + 2)),
        ("under a mask with one row for all tokens", random_mask(B, T, seed + 1)[:, :, -1:].expand(-1, -1, T, -1)),
    ]
    for training in (False, True):
        with in_both_modes(module, training):
            for when, mask in masks:
                x = vectors(len(mask), mask.shape[-1], config.n_embd, seed)
                want_block(
                    module, config, x, mask, when,
                    otherwise="pass attention_mask to attention as it is, and use it for nothing else.",
                )


@block.aspect("gradient")
def cuts_off_no_gradient(answer, seed):
    B, T, config = block_sizes(seed)
    module = built_block(answer, config)
    want_trainable(module)
    x = vectors(B, T, config.n_embd, seed).requires_grad_()
    with backward_runs():
        want_gradient(module, output_of(module, x), "TransformerBlock", may_be_zero=biases_and_gains(module))
        weights = torch.randn_like(x)
        mask = random_mask(B, T, seed)
        want_slopes(
            lambda: ((output_of(module, x) + output_of(module, x, mask)) * weights).sum(), {**dict(module.named_parameters()), "x": x})


def want_trainable(module: nn.Module) -> None:
    """Refuse a module with a parameter that is told to keep its value."""
    frozen = [name for name, parameter in module.named_parameters() if not parameter.requires_grad]
    if frozen:
        raise CheckFailed(
            f"requires_grad of {', '.join(frozen[:2])}{'' if len(frozen) < 3 else f' and {len(frozen) - 2} more parameters'} is False.",
            "True for every parameter: one that asks for no gradient never learns.",
            "leave out requires_grad_(False).",
        )


@contextmanager
def backward_runs() -> Iterator[None]:
    """A backward pass that stumbles over an overwritten tensor becomes a CheckFailed."""
    try:
        yield
    except RuntimeError as error:
        if "modified by an inplace operation" not in str(error):
            raise
        raise CheckFailed(
            "backward() raised RuntimeError: a tensor that it needs has been overwritten.",
            "a gradient for every parameter.",
            "`x += …` on your own copy overwrites what backward still needs, since the norm has read it: `x = x + …`.",
        ) from None


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

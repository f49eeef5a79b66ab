"""Lab `today`, exercise 3: what SwiGLU must do."""

from collections.abc import Callable
from functools import partial

import torch
from torch import nn
from torch.nn import functional as F

from ninelives.checks.exercise import CheckFailed, Exercise, build, on_layers_of, run, want_gradient
from ninelives.checks.transformer_block import want_slopes

ONE_LINE = "down(silu(gate(x)) · up(x)): one product, number by number, and nothing else."

swiglu = Exercise("SwiGLU", error_hints={
    "cannot be multiplied": "a layer got other than its channels: gate and up take x, (…, n_embd), and down takes their product, (…, n_hidden).",
    "batch2 tensor": "`@` is a matrix product. The gate multiplies channel by channel: `*`.",
})
mistake = swiglu.mistake


class GivenSwiGLU(nn.Module):
    """The given constructor. Each mistake has another `forward`."""

    def __init__(self, n_embd: int, n_hidden: int) -> None:
        super().__init__()
        self.gate = nn.Linear(n_embd, n_hidden)
        self.up = nn.Linear(n_embd, n_hidden)
        self.down = nn.Linear(n_hidden, n_embd)


def with_hidden(hidden: Callable) -> type[GivenSwiGLU]:
    """A mistake in what goes into `down`, made of what gate and up give."""

    class Mistaken(GivenSwiGLU):
        def forward(self, x):
            return self.down(hidden(self.gate(x), self.up(x)))

    Mistaken.__name__ = hidden.__name__
    return Mistaken


@mistake("shape", "down is missing: it leads back from n_hidden channels to n_embd.")
class DownForgotten(GivenSwiGLU):
    def forward(self, x):
        return F.silu(self.gate(x)) * self.up(x)


@mistake("values", "gate and up are swapped: silu goes over what gate gives.")
@with_hidden
def gate_and_up_swapped(gate, up):
    return gate * F.silu(up)


@mistake("values", "the gate is a plain sigmoid: that is GLU. Silu is x · sigmoid(x), `F.silu`.")
@with_hidden
def sigmoid_alone(gate, up):
    return gate.sigmoid() * up


@mistake("values", "the gate is GELU: that is GEGLU, its sister in the same paper. SwiGLU takes `F.silu`.")
@with_hidden
def gelu(gate, up):
    return F.gelu(gate) * up


@mistake("values", "the gate is ReLU: that is ReGLU, its sister in the same paper. SwiGLU takes `F.silu`.")
@with_hidden
def relu(gate, up):
    return F.relu(gate) * up


@mistake("values", "silu is missing: gate(x) · up(x) alone is what the paper calls bilinear.")
@with_hidden
def bilinear(gate, up):
    return gate * up


@mistake("values", "the two are added. A gate multiplies: silu(gate(x)) · up(x).")
@with_hidden
def added(gate, up):
    return F.silu(gate) + up


@mistake("values", "silu goes over both factors. up(x) is multiplied as it is.")
@with_hidden
def silu_on_both(gate, up):
    return F.silu(gate) * F.silu(up)


@mistake("values", "silu goes over the product. It goes over gate(x) alone, before the two are multiplied.")
@with_hidden
def silu_of_the_product(gate, up):
    return F.silu(gate * up)


@mistake("values", "up is not used: silu(gate(x)) says how much of each channel of up(x) gets through.")
@with_hidden
def up_not_used(gate, up):
    return F.silu(gate)


@mistake("values", "gate is not used: silu goes over gate(x), and up(x) is multiplied by it.")
@with_hidden
def gate_not_used(gate, up):
    return F.silu(up) * up


@mistake("values", "the gate is a softmax over the channels. Each channel has a gate of its own: `F.silu`.")
@with_hidden
def softmax(gate, up):
    return gate.softmax(-1) * up


@mistake("values", "the gate is tanh; SwiGLU takes `F.silu`.")
@with_hidden
def tanh(gate, up):
    return gate.tanh() * up


@mistake("values", "x is added to the result. The block adds it already: a residual of its own would count x twice.")
class ResidualInside(GivenSwiGLU):
    def forward(self, x):
        return x + self.down(F.silu(self.gate(x)) * self.up(x))


@mistake("values", "silu goes over x. It goes over what gate makes of x: silu(gate(x)).")
class SiluBeforeTheGate(GivenSwiGLU):
    def forward(self, x):
        return self.down(self.gate(F.silu(x)) * self.up(x))


@mistake("values", "silu(gate(x)) is multiplied by gate(x) again. The other factor is up(x).")
@with_hidden
def gate_twice(gate, up):
    return F.silu(gate) * gate


@mistake("values", "silu comes after down. It goes over gate(x), and down is the last step.")
class SiluAtTheEnd(GivenSwiGLU):
    def forward(self, x):
        return F.silu(self.down(self.gate(x) * self.up(x)))


def sizes(seed: int) -> tuple[int, int, int, int]:
    """B, T, n_embd and n_hidden, all different."""
    return [(3, 5, 4, 7), (2, 6, 5, 8), (4, 3, 6, 9)][seed % 3]


def built(answer: Callable, C: int, n_hidden: int) -> nn.Module:
    """A learner's SwiGLU in float64, whose layers are known by their names."""
    module = build(answer, C, n_hidden).double()
    wanted = {"gate": (n_hidden, C), "up": (n_hidden, C), "down": (C, n_hidden)}
    layers = {name: tuple(layer.weight.shape) for name, layer in module.named_modules() if isinstance(layer, nn.Linear)}
    if layers != wanted:
        raise CheckFailed(
            f"SwiGLU({C}, {n_hidden}) has the linear layers {', '.join(f'{name} {shape}' for name, shape in layers.items()) or 'none'} (out, in).",
            f"gate {wanted['gate']}, up {wanted['up']} and down {wanted['down']}.",
            "leave __init__ as it was given and write forward only: real weights are loaded by these names.",
        )
    return module


def passed_on(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """What a learner's SwiGLU makes of x, if it has the shape of x."""
    result = run(module, x, what="SwiGLU.forward")
    swiglu.want_shape(result, x.shape, "(…, n_embd)", "the output", (x,), make=partial(on_layers_of, module))
    return result


def by_glu(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """(…, n_embd) float64: the reference. PyTorch's F.glu multiplies its first half by the sigmoid of its second."""
    gate, up = (F.linear(x, layer.weight, layer.bias).detach() for layer in (module.gate, module.up))
    return F.linear(F.glu(torch.cat([gate * up, gate], dim=-1), dim=-1), module.down.weight, module.down.bias).detach()


def want_swiglu(module: nn.Module, x: torch.Tensor, when: str, otherwise: str = ONE_LINE) -> None:
    swiglu.want_values(
        passed_on(module, x), by_glu(module, x), (x,), what=f"{when}, the output", otherwise=otherwise,
        caption="Output of SwiGLU: wanted, and yours", make=partial(on_layers_of, module),
    )


def vectors(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


@swiglu.aspect("shape")
def keeps_the_shape_whatever_the_axes(answer, seed):
    B, T, C, n_hidden = sizes(seed)
    module = built(answer, C, n_hidden)
    for shape in ((B, T, C), (1, T, C), (B, 1, C), (T, C), (C,)):
        passed_on(module, vectors(*shape, seed=seed))


@swiglu.aspect("values")
def gates_each_channel(answer, seed):
    B, T, C, n_hidden = sizes(seed)
    module = built(answer, C, n_hidden)
    want_swiglu(module, vectors(B, T, C, seed=seed), f"for {B} sequences of {T} vectors")
    want_swiglu(module, vectors(B, T, C, seed=seed + 1), "called once more, with other vectors",
                "something from an earlier call is kept and used again: compute it from this call's x, every time.")
    want_swiglu(module, 400 * vectors(B, T, C, seed=seed), "for vectors that are 400 times as long",
                "for short vectors it is right: no number may be clamped or rounded on its way.")
    module.eval()
    want_swiglu(module, vectors(B, T, C, seed=seed), "after model.eval()", "in training it is right. SwiGLU does the same in both modes.")


@swiglu.aspect("gradient")
def cuts_off_no_gradient(answer, seed):
    B, T, C, n_hidden = sizes(seed)
    module = built(answer, C, n_hidden)
    x = vectors(B, T, C, seed=seed).requires_grad_()
    want_gradient(module, passed_on(module, x), "SwiGLU")
    weights = torch.randn_like(x)
    want_slopes(lambda: (passed_on(module, x) * weights).sum(), {**dict(module.named_parameters()), "x": x})

"""Right answers to the exercises of lab `today`, each written another way."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from answers import accepted_by
from ninelives.checks.grouped_queries import GivenGrouped
from ninelives.checks.rms_norm import GivenRMSNorm
from ninelives.checks.swiglu import GivenSwiGLU
from ninelives.checks.today import grouped_query_attention, remove_biases, rms_norm, rotate, swiglu, tie_embeddings
from ninelives.model import today

accepted_by(rms_norm)(GivenRMSNorm)


@accepted_by(rms_norm)
class ByRsqrt(GivenRMSNorm):
    def forward(self, x):
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps))


@accepted_by(rms_norm)
class ByPyTorch(GivenRMSNorm):
    def forward(self, x):
        return F.rms_norm(x, self.weight.shape, self.weight, self.eps)


@accepted_by(rms_norm)
class InFloat32AndBack(GivenRMSNorm):
    """As in Llama."""

    def forward(self, x):
        longer = x.float()
        normed = longer * torch.rsqrt(longer.square().mean(dim=-1, keepdim=True) + self.eps)
        return self.weight * normed.to(x.dtype)


@accepted_by(rms_norm)
class ByTheLength(GivenRMSNorm):
    def forward(self, x):
        mean_square = torch.linalg.vector_norm(x, dim=-1, keepdim=True) ** 2 / x.shape[-1]
        return x / torch.sqrt(mean_square + self.eps) * self.weight


@accepted_by(rms_norm)
class ByAProduct(GivenRMSNorm):
    def forward(self, x):
        return torch.einsum("...c,c->...c", x / ((x * x).sum(-1, keepdim=True) / x.size(-1) + self.eps) ** 0.5, self.weight)


@accepted_by(rms_norm)
class DerivedFromPyTorchs(nn.RMSNorm):
    def __init__(self, n_embd, eps=1e-5):
        super().__init__(n_embd, eps)


@accepted_by(rotate)
def with_rotate_half(x, positions, base=10_000.0):
    """As Hugging Face writes it."""
    size = x.shape[-1]
    inv_freq = 1.0 / base ** (torch.arange(0, size, 2).float() / size)
    angles = torch.outer(positions.float(), inv_freq).repeat(1, 2)
    turned = torch.cat((-x[..., size // 2 :], x[..., : size // 2]), dim=-1)
    return x * angles.cos().to(x.dtype) + turned * angles.sin().to(x.dtype)


@accepted_by(rotate)
def with_complex_numbers(x, positions, base=10_000.0):
    half = x.shape[-1] // 2
    pairs = torch.complex(*x.double().chunk(2, -1))
    speeds = torch.exp(-torch.arange(half) * math.log(base) / half)
    turned = pairs * torch.polar(torch.ones(1), positions[:, None] * speeds)
    return torch.cat((turned.real, turned.imag), -1).to(x.dtype)


@accepted_by(rotate)
def with_matrices(x, positions, base=10_000.0):
    half = x.shape[-1] // 2
    angles = positions[:, None] * base ** (-2 * torch.arange(half) / x.shape[-1])
    matrices = torch.stack([torch.stack([angles.cos(), -angles.sin()], -1), torch.stack([angles.sin(), angles.cos()], -1)], -2)
    pairs = torch.stack(x.chunk(2, -1), -1)  # (…, T, half, 2)
    return (matrices.to(x.dtype) @ pairs.unsqueeze(-1)).squeeze(-1).transpose(-2, -1).flatten(-2)


@accepted_by(rotate)
def pair_by_pair(x, positions, base=10_000.0):
    half, result = x.shape[-1] // 2, torch.empty_like(x)
    for i in range(half):
        angle = positions * base ** (-i / half)
        cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
        result[..., i] = x[..., i] * cos - x[..., i + half] * sin
        result[..., i + half] = x[..., i] * sin + x[..., i + half] * cos
    return result


accepted_by(rotate)(today.rotate)


@accepted_by(swiglu)
class BySilu(GivenSwiGLU):
    def forward(self, x):
        return self.down(F.silu(self.gate(x)) * self.up(x))


@accepted_by(swiglu)
class BySigmoid(GivenSwiGLU):
    def forward(self, x):
        gate = self.gate(x)
        return self.down(self.up(x) * gate * torch.sigmoid(gate))


@accepted_by(swiglu)
class ByModule(GivenSwiGLU):
    def __init__(self, n_embd, n_hidden):
        super().__init__(n_embd, n_hidden)
        self.act = nn.SiLU()

    def forward(self, x):
        return self.down(self.act(self.gate(x)).mul(self.up(x)))


@accepted_by(swiglu)
class ByGlu(GivenSwiGLU):
    def forward(self, x):
        gate = self.gate(x)
        return self.down(F.glu(torch.cat([gate * self.up(x), gate], dim=-1)))


@accepted_by(swiglu)
class ByItsFormula(GivenSwiGLU):
    def forward(self, x):
        gate = self.gate(x)
        return self.down(gate / (1 + (-gate).exp()) * self.up(x))


@accepted_by(swiglu)
class WithoutBiases(nn.Module):
    def __init__(self, n_embd, n_hidden):
        super().__init__()
        self.gate = nn.Linear(n_embd, n_hidden, bias=False)
        self.up = nn.Linear(n_embd, n_hidden, bias=False)
        self.down = nn.Linear(n_hidden, n_embd, bias=False)

    def forward(self, x):
        return self.down(F.silu(self.gate(x)) * self.up(x))


accepted_by(grouped_query_attention)(GivenGrouped)


class WithRotate(GivenGrouped):
    def rotated(self, q, k, start):
        positions = torch.arange(start, start + q.shape[2])
        return today.rotate(q, positions, self.rope_base), today.rotate(k, positions, self.rope_base)


@accepted_by(grouped_query_attention)
class KeysExpanded(WithRotate):
    def shared(self, k):
        B, _, S, size = k.shape
        return k[:, :, None].expand(-1, -1, self.n_head // self.n_kv_head, -1, -1).reshape(B, self.n_head, S, size)


@accepted_by(grouped_query_attention)
class KeysRotatedWhenTheyAreRead(WithRotate):
    """The cache holds keys that are not rotated, and all are rotated at every step."""

    def forward(self, x, attention_mask=None, cache=None):
        start = self.start(cache)
        q, k, v = self.split(self.query(x), self.n_head), self.split(self.key(x), self.n_kv_head), self.split(self.value(x), self.n_kv_head)
        k, v = self.kept(k, v, cache)
        q = today.rotate(q, torch.arange(start, start + q.shape[2]), self.rope_base)
        k = today.rotate(k, torch.arange(k.shape[2]), self.rope_base)
        self.weights = self.masked(self.scores(q, self.shared(k)), attention_mask).softmax(-1)
        return self.proj(self.merged(self.weights @ self.shared(v)))


@accepted_by(grouped_query_attention)
class ByPyTorchsAttention(WithRotate):
    """PyTorch's attention gives the result, and the weights are computed beside it."""

    def forward(self, x, attention_mask=None, cache=None):
        q, k, v = self.split(self.query(x), self.n_head), self.split(self.key(x), self.n_kv_head), self.split(self.value(x), self.n_kv_head)
        q, k = self.rotated(q, k, self.start(cache))
        k, v = self.kept(k, v, cache)
        mask = None if attention_mask is None else attention_mask != 0
        self.weights = self.masked(self.scores(q, self.shared(k)), attention_mask).softmax(-1)
        z = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=True)
        return self.proj(self.merged(z))


@accepted_by(tie_embeddings)
def one_line(model):
    model.layers["embedding"].token.weight = model.lm_head.weight


@accepted_by(tie_embeddings)
def by_name_of_the_parameter(model):
    model.layers.embedding.token.weight = model.get_parameter("lm_head.weight")
    return model


@accepted_by(tie_embeddings)
def by_register_parameter(model):
    model.layers["embedding"].token.register_parameter("weight", model.lm_head.weight)


@accepted_by(tie_embeddings)
def both_at_once(model):
    shared = model.lm_head.weight
    for layer in (model.layers["embedding"].token, model.lm_head):
        layer.weight = shared


accepted_by(remove_biases)(today.remove_biases)


@accepted_by(remove_biases)
def by_kind_of_layer(model):
    for module in model.modules():
        if isinstance(module, (nn.Linear, nn.LayerNorm)):
            module.bias = None


@accepted_by(remove_biases)
def by_name(model):
    for name, _ in list(model.named_parameters()):
        if name.endswith("bias"):
            layer = model.get_submodule(name.rpartition(".")[0])
            layer.register_parameter("bias", None)
    return model


@accepted_by(remove_biases)
def through_the_children(model):
    for child in model.children():
        through_the_children(child)
    if "bias" in model._parameters:
        model.bias = None

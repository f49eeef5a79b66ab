"""Dropout, with chance that costs little."""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

ELEMENTS_AT_ONCE = 2**18


class Dropout(nn.Dropout):
    """What nn.Dropout does, from the same distribution, in a tenth of its time on a CPU.

    Every value is dropped with probability p, each on its own; those that stay
    are divided by 1 - p. Source: Srivastava et al. 2014, "Dropout: A Simple Way
    to Prevent Neural Networks from Overfitting", section 4.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Any shape in, the same out."""
        if not (self.training and is_quick(x, self.p)):
            return super().forward(x)
        return x * kept(x.shape, self.p).to(x.dtype).mul_(1 / (1 - self.p))


def is_quick(x: torch.Tensor, p: float) -> bool:
    """Whether `kept` is to be used for x: not on a GPU, whose own dropout is quick, nor in a compiled graph."""
    return 0 < p < 1 and x.device.type == "cpu" and not torch.compiler.is_compiling()


def kept(shape: torch.Size, p: float) -> torch.Tensor:
    """uint8 of that shape: 0 with probability p, each on its own, else 1.

    One random byte decides for each value, so that a p of whole 256ths would be
    right already. The rest of p is a rain of few drops: of Poisson many, thrown
    on random places, each place is hit by none with probability exp(-drops / n),
    independently of the others. The seed comes from PyTorch's own source.
    """
    n = math.prod(shape)
    chance = np.random.SFC64(torch.randint(2**62, ()).item())
    whole = int(p * 256)
    values = chance.random_raw(n // 8 + 1).view(np.uint8)[:n] >= whole
    rest = (p - whole / 256) / (1 - whole / 256)
    if rest:
        rain = np.random.Generator(chance)
        values[rain.integers(n, size=rain.poisson(-n * math.log1p(-rest)))] = False
    return torch.from_numpy(values.view(np.uint8)).view(shape)


class AttentionWithDropout(torch.autograd.Function):
    """softmax(q kᵀ / √head_size + mask), dropped with probability p, times v.

    A few examples at a time, so that their weights stay in the processor's cache.
    """

    @staticmethod
    def forward(ctx, q, k, v, mask, p):
        """q, k, v (B, H, T, head_size); mask 0 or -inf, broadcast to (B, 1, T, T); to (B, H, T, head_size)."""
        B, H, T, head_size = q.shape
        keep, weights = kept((B, H, T, T), p), q.new_empty(B, H, T, T)
        z = torch.empty_like(q)
        mask = q.new_zeros(1, 1, 1, 1).expand(B, H, T, T) if mask is None else mask.expand(B, H, T, T)
        for some in slices(B, H * T * T):
            P = weights[some].flatten(0, 1)  # (b H, T, T)
            torch.baddbmm(mask[some].flatten(0, 1), rows(q, some), rows(k, some).mT, alpha=head_size**-0.5, out=P)
            torch.softmax(P, dim=-1, out=P)
            dropped = keep[some].flatten(0, 1).to(P.dtype).mul_(P)  # (b H, T, T)
            z[some] = torch.bmm(dropped, rows(v, some)).view(-1, H, T, head_size)
        z /= 1 - p
        ctx.save_for_backward(q, k, v, z, weights, keep)
        ctx.p = p
        return z

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, dz):
        q, k, v, z, weights, keep = ctx.saved_tensors
        B, H, T, head_size = q.shape
        dq, dk, dv = torch.empty_like(q), torch.empty_like(k), torch.empty_like(v)
        # What the softmax takes off: the mean of dP over a row, weighted by P, is dz · z.
        mean = (dz * z).sum(-1, keepdim=True)  # (B, H, T, 1)
        dz = dz / (1 - ctx.p)
        for some in slices(B, H * T * T):
            P = weights[some].flatten(0, 1)  # (b H, T, T)
            stays = keep[some].flatten(0, 1).to(P.dtype)
            d = rows(dz, some)  # (b H, T, head_size)
            dS = torch.bmm(d, rows(v, some).mT).mul_(stays).sub_(mean[some].flatten(0, 1)).mul_(P)  # (b H, T, T)
            shape = (-1, H, T, head_size)
            dv[some] = torch.bmm(stays.mul_(P).mT, d).view(shape)
            dq[some] = torch.bmm(dS, rows(k, some)).view(shape)
            dk[some] = torch.bmm(dS.mT, rows(q, some)).view(shape)
        return dq.mul_(head_size**-0.5), dk.mul_(head_size**-0.5), dv, None, None


def slices(B: int, elements: int) -> list[slice]:
    """The examples 0 … B - 1, as many at a time as stay in the cache."""
    step = max(1, ELEMENTS_AT_ONCE // elements)
    return [slice(first, first + step) for first in range(0, B, step)]


def rows(x: torch.Tensor, some: slice) -> torch.Tensor:
    """(B, H, T, head_size) to (b H, T, head_size)."""
    return x[some].flatten(0, 1)


def attention(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor | None, is_causal: bool, p: float
) -> torch.Tensor:
    """Scaled dot-product attention, its weights dropped with probability p.

    Args:
        q, k, v: (B, H, T, head_size).
        mask: 0 or -inf, added to the scores; it broadcasts to (B, 1, T, T). None hides nothing.
        is_causal: the mask is a lower triangle and nothing else.

    Returns:
        (B, H, T, head_size).
    """
    if is_quick(q, p):
        return AttentionWithDropout.apply(q, k, v, mask, p)
    return F.scaled_dot_product_attention(q, k, v, None if is_causal else mask, p, is_causal)

"""Dropout, with chance that costs little."""

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

ELEMENTS_AT_ONCE = 2**18
ROWS_AT_ONCE = 32


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

    A few rows of a few examples at a time, so that their weights stay in the
    processor's cache. Where the weights are causal, what stands right of the
    diagonal of such a block is neither computed nor drawn for.
    """

    @staticmethod
    def forward(ctx, q, k, v, mask, is_causal, p):
        """q, k, v (B, H, T, head_size); mask 0 or -inf, broadcast to (B, 1, T, T); to (B, H, T, head_size)."""
        q, k, v = q.contiguous(), k.contiguous(), v.contiguous()
        B, H, T, head_size = q.shape
        z = torch.empty_like(q)
        mask = q.new_zeros(1, 1, 1, 1).expand(B, H, T, T) if mask is None else mask.expand(B, H, T, T)
        saved = []
        for some, rows, columns in blocks(B, H, T, is_causal):
            P = torch.baddbmm(
                joined(mask, some, rows)[..., columns], joined(q, some, rows), joined(k, some, columns).mT,
                alpha=head_size**-0.5,
            )  # (b H, rows, columns)
            torch.softmax(P, dim=-1, out=P)
            stays = kept(P.shape, p)
            z[some, :, rows] = torch.bmm(stays.to(P.dtype).mul_(P), joined(v, some, columns)).unflatten(0, (-1, H))
            saved += P, stays
        z /= 1 - p
        ctx.save_for_backward(q, k, v, z, *saved)
        ctx.is_causal, ctx.p = is_causal, p
        return z

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, dz):
        q, k, v, z, *saved = ctx.saved_tensors
        B, H, T, head_size = q.shape
        dq, dk, dv = torch.empty_like(q), torch.zeros_like(k), torch.zeros_like(v)
        # What the softmax takes off: the mean of dP over a row, weighted by P, is dz · z.
        mean = (dz * z).sum(-1, keepdim=True)  # (B, H, T, 1)
        dz = dz / (1 - ctx.p)
        for (some, rows, columns), P, stays in zip(blocks(B, H, T, ctx.is_causal), saved[::2], saved[1::2]):
            stays = stays.to(P.dtype)  # (b H, rows, columns), as P
            d = joined(dz, some, rows)  # (b H, rows, head_size)
            dS = torch.bmm(d, joined(v, some, columns).mT).mul_(stays).sub_(joined(mean, some, rows)).mul_(P)
            dv[some, :, columns] += torch.bmm(stays.mul_(P).mT, d).unflatten(0, (-1, H))
            dq[some, :, rows] = torch.bmm(dS, joined(k, some, columns)).unflatten(0, (-1, H))
            dk[some, :, columns] += torch.bmm(dS.mT, joined(q, some, rows)).unflatten(0, (-1, H))
        return dq.mul_(head_size**-0.5), dk.mul_(head_size**-0.5), dv, None, None, None


def blocks(B: int, H: int, T: int, is_causal: bool) -> Iterator[tuple[slice, slice, slice]]:
    """Examples, rows and columns of the weights, (B, H, T, T), as many at a time as stay in the cache."""
    height = ROWS_AT_ONCE if is_causal else T
    for first in range(0, T, height):
        last = min(first + height, T)
        width = last if is_causal else T
        step = max(1, ELEMENTS_AT_ONCE // (H * height * width))
        for example in range(0, B, step):
            yield slice(example, example + step), slice(first, last), slice(width)


def joined(x: torch.Tensor, examples: slice, rows: slice) -> torch.Tensor:
    """Some of (B, H, T, n) as (b H, rows, n)."""
    return x[examples, :, rows].flatten(0, 1)


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
        return AttentionWithDropout.apply(q, k, v, mask, is_causal, p)
    return F.scaled_dot_product_attention(q, k, v, None if is_causal else mask, p, is_causal)

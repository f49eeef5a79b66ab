"""The two parts of a block for training on a CPU, each one step of the graph with a gradient written by hand."""

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional as F

from ninelives.model.dropout import kept

ELEMENTS_AT_ONCE = 2**19
ROWS_AT_ONCE = 32


def fits(x: torch.Tensor, *modules: nn.Module) -> bool:
    """Whether these may stand for the modules: on a CPU, neither compiled nor autocast, and nothing exchanged or hooked."""
    return x.device.type == "cpu" and not torch.compiler.is_compiling() and not torch.is_autocast_enabled("cpu") and all(
        type(module) in (nn.Linear, nn.GELU) and getattr(module, "bias", x) is not None and "forward" not in vars(module)
        and not (module._forward_hooks or module._forward_pre_hooks or module._backward_hooks or module._backward_pre_hooks)
        for module in modules
    )


class SelfAttention(torch.autograd.Function):
    """softmax(q kᵀ / √head_size + mask), dropped with probability p, times v; q, k and v are products of x.

    A few rows of a few heads at a time, so that their weights stay in the
    processor's cache. Where the weights are causal, what stands right of the
    diagonal of such a block is neither computed nor drawn for. Source: Dao et
    al. 2022, "FlashAttention", appendix B; but the weights are kept for the way
    back, since a CPU has more memory than arithmetic to spare.
    """

    @staticmethod
    def forward(ctx, x, n_head, mask, is_causal, p, *projections):
        """Attend.

        Args:
            x: (B, T, C).
            mask: 0 or -inf, added to the scores; it broadcasts to (B, 1, T, T). None hides nothing.
            is_causal: the mask is a lower triangle and nothing else.
            p: of a weight to be dropped.
            projections: weight (C, C) and bias (C) of query, key and value.

        Returns:
            (B, T, C).
        """
        B, T, C = x.shape
        H, head_size = n_head, C // n_head
        x = x.reshape(B * T, C)
        q, k, v = (
            F.linear(x, weight, bias).view(B, T, H, head_size).transpose(1, 2).reshape(B * H, T, head_size)
            for weight, bias in zip(projections[::2], projections[1::2])
        )
        q *= head_size**-0.5
        if not (mask is None or is_causal):
            mask = mask.expand(B, H, T, T).flatten(0, 1)  # (B H, T, T)
        z = torch.empty_like(q)
        saved = []
        for some, rows, columns in blocks(B * H, T, is_causal):
            P = torch.bmm(q[some, rows], k[some, columns].mT)  # (heads, rows, columns)
            if is_causal:
                # Left of the block on the diagonal, the triangle hides nothing.
                P[..., rows] += mask[..., rows, rows]
            elif mask is not None:
                P += mask[some]
            torch.softmax(P, dim=-1, out=P)
            saved.append(P)
            if p:
                saved.append(kept(P.shape, p))
                P = saved[-1].to(P.dtype).mul_(P)
            z[some, rows] = torch.bmm(P, v[some, columns])
        if p:
            z /= 1 - p
        ctx.save_for_backward(x, q, k, v, z, *projections[::2], *saved)
        ctx.shape, ctx.is_causal, ctx.p = (B, T, H), is_causal, p
        return z.view(B, H, T, head_size).transpose(1, 2).reshape(B, T, C)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, dz):
        x, q, k, v, z, *saved = ctx.saved_tensors
        weights, saved = saved[:3], iter(saved[3:])
        (B, T, H), head_size = ctx.shape, q.shape[-1]
        dz = dz.unflatten(-1, (H, head_size)).transpose(1, 2).reshape(B * H, T, head_size)
        dq, dk, dv = torch.empty_like(q), torch.zeros_like(k), torch.zeros_like(v)
        # What the softmax takes off: the mean of dP over a row, weighted by P, is dz · z.
        mean = (dz * z).sum(-1, keepdim=True)  # (B H, T, 1)
        if ctx.p:
            dz = dz / (1 - ctx.p)
        for some, rows, columns in blocks(B * H, T, ctx.is_causal):
            P, d = next(saved), dz[some, rows]  # (heads, rows, columns), (heads, rows, head_size)
            dropped, dS = P, torch.bmm(d, v[some, columns].mT)
            if ctx.p:
                stays = next(saved).to(P.dtype)
                dS.mul_(stays)
                dropped = stays.mul_(P)
            dS.sub_(mean[some, rows]).mul_(P)
            dv[some, columns] += torch.bmm(dropped.mT, d)
            dq[some, rows] = torch.bmm(dS, k[some, columns])
            dk[some, columns] += torch.bmm(dS.mT, q[some, rows])
        # q was scaled, so that dk is scaled by now.
        dq *= head_size**-0.5
        dq, dk, dv = (
            d.view(B, H, T, head_size).transpose(1, 2).reshape(B * T, H * head_size) for d in (dq, dk, dv)
        )
        dx = (dq @ weights[0]).addmm_(dk, weights[1]).addmm_(dv, weights[2])
        gradients = (gradient for d in (dq, dk, dv) for gradient in (d.t() @ x, d.sum(0)))
        return dx.view(B, T, -1), None, None, None, None, *gradients


def blocks(heads: int, T: int, is_causal: bool) -> Iterator[tuple[slice, slice, slice]]:
    """Heads, rows and columns of the weights, (B H, T, T), as many at a time as stay in the cache."""
    height = ROWS_AT_ONCE if is_causal else T
    for first in range(0, T, height):
        last = min(first + height, T)
        width = last if is_causal else T
        step = max(1, ELEMENTS_AT_ONCE // (height * width))
        for head in range(0, heads, step):
            yield slice(head, head + step), slice(first, last), slice(width)


class FeedForward(torch.autograd.Function):
    """GELU(x W1ᵀ + b1) W2ᵀ + b2."""

    @staticmethod
    def forward(ctx, x, W1, b1, W2, b2, approximate):
        """x (B, T, C), W1 (hidden, C), W2 (C, hidden), approximate as in nn.GELU; to (B, T, C)."""
        shape = x.shape
        x = x.reshape(-1, shape[-1])  # (B T, C)
        h = F.linear(x, W1, b1)  # (B T, hidden)
        a = F.gelu(h, approximate=approximate)
        ctx.save_for_backward(x, h, a, W1, W2)
        ctx.approximate = approximate
        return F.linear(a, W2, b2).view(shape)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, dy):
        x, h, a, W1, W2 = ctx.saved_tensors
        shape = dy.shape
        dy = dy.reshape(len(x), -1)
        d = dy @ W2  # (B T, hidden)
        torch.ops.aten.gelu_backward.grad_input(d, h, approximate=ctx.approximate, grad_input=d)
        return (d @ W1).view(shape), d.t() @ x, d.sum(0), dy.t() @ a, dy.sum(0), None

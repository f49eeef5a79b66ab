"""The attention weights of a forward pass, caught where PyTorch computes them."""

import sys
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from ninelives.figures.origins import (
    PRODUCTS,
    Origin,
    Product,
    of_einsum,
    of_multi_head_attention,
    of_products,
    of_scaled_dot_product_attention,
)

PRODUCTS_KEPT = 4  # the scores of a softmax are one of the last
SOFTMAXES = {F.softmax, torch.softmax, torch.Tensor.softmax, torch.special.softmax}


class Call(NamedTuple):
    """One computation of attention: the path of the module that asked for it, and its weights in float32.

    They are (B, H, T, S), or (B, T, S) where they were computed for a single head, or for all heads in the batch. `origin` has
    the queries and keys, where they were seen.
    """

    module: str
    weights: torch.Tensor
    origin: Origin | None = None

    def changed(self, change) -> "Call":
        """With another shape of all tensors before the last two dimensions."""
        return Call(self.module, change(self.weights), self.origin and self.origin.changed(change))


@contextmanager
def attention_caught(model) -> Iterator[list[Call]]:
    """A list that fills with the attention weights of whatever runs inside, in the order of computation.

    Seen are calls of `F.scaled_dot_product_attention`, of `nn.MultiheadAttention`, and of a softmax over the last
    dimension of scores (B, H, T, S) or (B, T, T); where they come from an `einsum` or a product, also in another order, as (B, T, H, S). What a module keeps in an attribute `weights` (B, H, T, S), as in
    notebook 2, replaces what was seen in it.

    Nothing is patched. PyTorch itself reports the calls, to this thread and in this block alone. Three things are
    different in the block: no gradient is kept; compiled models run uncompiled; and `torch.backends.mha`'s fast path, which
    computes a layer of `nn.TransformerEncoder` as a whole, is off. All three are put back when the block ends, also by an
    error.

    Args:
        model: the module whose parts are to be named in the calls; anything else has no parts.
    """
    calls: list[Call] = []
    running: list[str] = [""]  # the modules whose forward has begun and not ended
    fast_path = torch.backends.mha.get_fastpath_enabled()
    with ExitStack() as ends:
        ends.callback(torch.backends.mha.set_fastpath_enabled, fast_path)
        torch.backends.mha.set_fastpath_enabled(False)
        for path, module in model.named_modules() if isinstance(model, nn.Module) else ():
            for hook in _follow(module, path.removeprefix("_orig_mod").lstrip("."), running, calls):
                ends.callback(hook.remove)
        ends.enter_context(torch.no_grad())
        if "torch._dynamo" in sys.modules:  # importing it takes seconds, and a compiled model has imported it
            ends.enter_context(torch.compiler.set_stance("force_eager"))
        ends.enter_context(_Listener(running, calls))
        yield calls


def _follow(module: nn.Module, path: str, running: list[str], calls: list[Call]) -> tuple:
    first = []  # how many calls there were when the module began; a module may run within itself

    def begins(*_) -> None:
        running.append(path)
        first.append(len(calls))

    def ends(*_) -> None:
        running.pop()
        begun, kept = first.pop(), vars(module).get("weights")  # parameters and buffers are elsewhere
        if isinstance(kept, torch.Tensor) and kept.ndim == 4:
            kept = kept.detach().float()
            same = [call.origin for call in calls[begun:] if call.weights.shape == kept.shape and torch.allclose(call.weights, kept, atol=1e-3)]
            calls[begun:] = [Call(path, kept, same[-1] if same else None)]

    return module.register_forward_pre_hook(begins), module.register_forward_hook(ends, always_call=True)


class _Listener(TorchFunctionMode):
    """Adds a call to `calls` when PyTorch computes attention."""

    def __init__(self, running: list[str], calls: list[Call]) -> None:
        super().__init__()
        self.running, self.calls = running, calls
        self.products: deque = deque(maxlen=PRODUCTS_KEPT)  # the last on the left

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        result = function(*args, **kwargs)
        if function is F.scaled_dot_product_attention:
            self.calls.append(Call(self.running[-1], *_of_scaled_dot_product_attention(*args, **kwargs)))
        elif function is F.multi_head_attention_forward:
            _, weights = function(*args, **{**kwargs, "need_weights": True, "average_attn_weights": False})
            weights = weights if weights.ndim == 4 else weights.unsqueeze(0)  # (B, H, T, S)
            self.calls.append(Call(self.running[-1], weights.float(), of_multi_head_attention(args, kwargs)))
        elif function in SOFTMAXES and _is_over_the_last(result, *args[1:], **kwargs):
            if result.ndim == 4 or result.ndim == 3 and result.shape[1] == result.shape[2]:
                scores = args[0] if args else kwargs["input"]
                origin, order = of_products(scores, self.products)
                self.calls.append(Call(self.running[-1], (result if order is None else result.permute(order)).float(), origin))
        elif function in PRODUCTS and len(args) == 2 and result.ndim >= 3:
            self.products.appendleft(Product(*args))
        elif function is torch.einsum and result.ndim >= 3 and isinstance(args[0], str) and (product := of_einsum(*args)):
            self.products.appendleft(product)
        return result


def _of_scaled_dot_product_attention(query, key, value, *args, **kwargs) -> tuple[torch.Tensor, Origin]:
    """PyTorch's own weights: with the rows of the identity as values, the averages are the weights. And their origin."""
    origin = of_scaled_dot_product_attention(query, key, value, *args, **kwargs)
    S = key.shape[-2]
    identity = torch.eye(S, device=key.device).expand(*key.shape[:-1], S)  # (B, H, S, S)
    kwargs = {"attn_mask": None, "dropout_p": 0.0, **dict(zip(("attn_mask", "dropout_p", "is_causal"), args)), **kwargs}
    if kwargs["dropout_p"]:
        raise ValueError(
            f"dropout_p={kwargs['dropout_p']} was passed to F.scaled_dot_product_attention, where it drops weights in eval mode, too; "
            "pass dropout_p=0.0 unless self.training."
        )
    if kwargs["attn_mask"] is not None and kwargs["attn_mask"].is_floating_point():
        kwargs["attn_mask"] = kwargs["attn_mask"].float()
    weights = F.scaled_dot_product_attention(query.float(), key.float(), identity, **kwargs)

    def with_batch(x: torch.Tensor) -> torch.Tensor:
        return x.flatten(0, -4) if x.ndim > 4 else x.unsqueeze(0) if x.ndim == 2 else x

    return with_batch(weights), origin.changed(with_batch)


def _is_over_the_last(result: torch.Tensor, dim: int | None = None, *_, **kwargs) -> bool:
    return kwargs.get("dim", dim) in (-1, result.ndim - 1)

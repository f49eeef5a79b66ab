"""Notebook 3: what a block and the whole Transformer must do."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from ninelives.checks.attention import causal_mask, projections, random_mask, want_slope, want_values
from ninelives.checks.exercise import (
    CheckFailed,
    Exercise,
    build,
    name_of,
    run,
    same_values,
    want_gradient,
    want_shape,
    want_tensor,
)
from ninelives.config import TransformerConfig
from ninelives.model.masks import joint_mask

block = Exercise("TransformerBlock")
transformer = Exercise("Transformer")

BLOCK = "TransformerBlock.forward"
FORWARD = "Transformer.forward"
RAISED = {
    "out of bounds": "−1 in targets says that nothing is to be predicted there: `ignore_index=-1` leaves it out of the loss.",
    "class indices": "cross_entropy takes scores (N, vocab_size) and targets (N,): flatten both, or give the scores as (B, vocab_size, T).",
    "to match target batch_size": "cross_entropy needs one row of scores for each target: with a cache take T rows, from the last cache row on.",
    "Expected target size": "cross_entropy takes scores (N, vocab_size) and targets (N,): flatten both, or give the scores as (B, vocab_size, T).",
    "attention_mask has shape": "attention got a mask of another size than its x: with a cache it is joint_mask(…), without one "
                                "get_attention_mask(num_tokens, T).",
    "Sizes of tensors must match": "torch.cat joins along one axis, and all others must agree: the cache and the embeddings are joined along the tokens, dim=1.",
}


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
                "leave __init__ as it was given; only forward is to be written.",
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


def pytorch_block(module: nn.Module, config: TransformerConfig, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
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
    # There True means hidden, and the heads stand on the batch axis.
    hidden = None if mask is None else ~mask.expand(-1, config.n_head, -1, -1).flatten(0, 1)
    return theirs(x, src_mask=hidden).detach()


def block_mistakes(module: nn.Module, x: torch.Tensor, mask: torch.Tensor | None) -> dict[str, Callable[[], torch.Tensor]]:
    """What known mistakes give for this block and input."""
    n1, attention, n2, mlp = parts_of(module)
    none = torch.zeros_like(x)

    def a(h: torch.Tensor, mask: torch.Tensor | None = mask) -> torch.Tensor:
        return attention(h, mask)

    def two_steps(
        first: Callable = lambda x: x + a(n1(x)), second: Callable = lambda y: y + mlp(n2(y))
    ) -> Callable[[], torch.Tensor]:
        return lambda: second(first(x))

    def normed_first(x: torch.Tensor) -> torch.Tensor:
        h = n1(x)
        return h + a(h)

    def normed_second(y: torch.Tensor) -> torch.Tensor:
        h = n2(y)
        return h + mlp(h)

    read = x + a(n1(x))
    mistakes = {
        "the norms stand after the sums (post-norm, as in the first Transformer of 2017). Here a norm stands before each part: "
        "attention reads norm_1(x), and the sum is left alone.": two_steps(lambda x: n1(x + a(x)), lambda y: n2(y + mlp(y))),
        "the norms stand on what the parts give, not on what they read.": two_steps(lambda x: x + n1(a(x)), lambda y: y + n2(mlp(y))),
        "nothing is added to what came in: each part's result is to be added to its x.": two_steps(lambda x: a(n1(x)), lambda y: mlp(n2(y))),
        "the first sum is missing: attention's result is to be added to x.": two_steps(lambda x: a(n1(x))),
        "the second sum is missing: the mlp's result is to be added to what stood before it.": two_steps(second=lambda y: mlp(n2(y))),
        "x is added twice after attention.": two_steps(lambda x: 2 * x + a(n1(x))),
        "the first x is added once more at the end: the second sum adds to what stands after the first, and x is in there.":
            lambda: x + read + mlp(n2(read)),
        "the second sum adds to the first x, so what attention gave is lost.": lambda: x + mlp(n2(read)),
        "the results are added to the normed x. Add them to x itself: the norm is for the part's eyes only.": two_steps(normed_first, normed_second),
        "attention's result is added to the normed x. Add it to x itself.": two_steps(normed_first),
        "the mlp's result is added to the normed x. Add it to x itself.": two_steps(second=normed_second),
        "norm_1 is used twice: the mlp reads norm_2.": two_steps(second=lambda y: y + mlp(n1(y))),
        "norm_2 is used twice: attention reads norm_1.": two_steps(lambda x: x + a(n2(x))),
        "the two norms have changed places.": two_steps(lambda x: x + a(n2(x)), lambda y: y + mlp(n1(y))),
        "no norm is used.": two_steps(lambda x: x + a(x), lambda y: y + mlp(y)),
        "norm_1 is not used: attention reads norm_1(x).": two_steps(lambda x: x + a(x)),
        "norm_2 is not used: the mlp reads norm_2 of what stands after attention.": two_steps(second=lambda y: y + mlp(y)),
        "the mlp comes before attention. First the tokens read one another, then each works on what it has read.":
            two_steps(lambda x: x + mlp(n2(x)), lambda y: y + a(n1(y))),
        "the mlp comes before attention, each with the other's norm.": two_steps(lambda x: x + mlp(n1(x)), lambda y: y + a(n2(y))),
        "the mlp reads the old x. It is to read what stands after attention's sum.": lambda: read + mlp(n2(x)),
        "the mlp reads attention's result alone, without the sum.": lambda: x + mlp(n2(a(n1(x)))),
        "the mlp is not used.": lambda: read,
        "attention is not used.": lambda: x + mlp(n2(x)),
        "attention is used twice.": two_steps(second=lambda y: y + a(n2(y))),
        "the norm is taken once more at the end: that is the Transformer's business, in the next exercise.": lambda: n2(read + mlp(n2(read))),
    }
    if mask is not None:
        mistakes |= {
            "attention gets no mask: pass attention_mask on.": two_steps(lambda x: x + a(n1(x), None)),
            "the mask is turned around: 1 means may attend.": two_steps(lambda x: x + a(n1(x), ~mask | torch.eye(mask.shape[-1], dtype=torch.bool))),
            "the mask is transposed.": two_steps(lambda x: x + a(n1(x), mask.mT)),
            "the mask is multiplied into what attention reads. Hand it to attention as its second argument.":
                two_steps(lambda x: x + a(n1(x) * mask[:, 0].any(1, keepdim=True).mT, None)),
        }
    return mistakes | {"the result is zero everywhere.": lambda: none}


def want_block(module: nn.Module, config: TransformerConfig, x: torch.Tensor, mask: torch.Tensor | None, when: str, otherwise: str) -> None:
    """Refuse a block that gives anything but PyTorch's own layer with its weights."""
    result = run(module, x, mask, what=BLOCK, error_hints=RAISED)
    want_shape(result, x.shape, "(B, T, n_embd)", "the output")
    want_values(
        result, pytorch_block(module, config, x, mask), f"{when}, the output", block_mistakes(module, x, mask),
        otherwise, caption="Output of the block: wanted, and yours",
    )


@block.aspect("shape")
def _(answer, seed):
    B, T, config = block_sizes(seed)
    C = config.n_embd
    module = built_block(answer, config)
    for b, t in ((B, T), (1, T), (B, 1), (1, 1), (config.n_head, config.head_size)):
        want_shape(
            run(module, vectors(b, t, C, seed), what=BLOCK, error_hints=RAISED), (b, t, C), "(B, T, n_embd)", "the output",
            causes={
                (t, C): "the batch axis is gone: a squeeze() removes it when B is 1.",
                (b, t, 4 * C): "the mlp is cut in the middle, where it is four times as wide. Call it as a whole: self.mlp(…).",
                (b, t, 2 * C): "the two are put side by side. They are to be added.",
                (b, 2 * t, C): "the two are put one behind the other. They are to be added.",
                (b, C): "the tokens are averaged or added up: each keeps a vector of its own.",
            },
        )


@block.aspect("values")
def _(answer, seed):
    B, T, config = block_sizes(seed)
    module = built_block(answer, config)
    # One token first, which can read nobody else.
    for b, t, when in ((1, 1, "for a single token"), (B, T, f"for {B} sequences of {T} tokens")):
        want_block(
            module, config, vectors(b, t, config.n_embd, seed), None, when,
            otherwise="two lines: x plus attention of norm_1(x); then that plus mlp of norm_2 of that.",
        )


@block.aspect("mask")
def _(answer, seed):
    B, T, config = block_sizes(seed)
    b, t = config.n_head, config.head_size
    module = built_block(answer, config)
    for when, mask in (
        ("under a random mask", random_mask(B, T, seed)),
        ("under a causal mask", causal_mask(B, T)),
        ("with B = n_head, under a random mask", random_mask(b, t, seed)),
    ):
        want_block(
            module, config, vectors(len(mask), mask.shape[-1], config.n_embd, seed), mask, when,
            otherwise="hand attention_mask to attention as it came, and use it for nothing else.",
        )


@block.aspect("gradient")
def _(answer, seed):
    B, T, config = block_sizes(seed)
    module = built_block(answer, config)
    call = partial(run, module, what=BLOCK, error_hints=RAISED)
    x = vectors(B, T, config.n_embd, seed).requires_grad_()
    want_gradient(module, call(x, None), "TransformerBlock", may_be_zero=flat(module))
    weights = torch.randn_like(x)
    want_slopes(lambda: (call(x, None) * weights).sum(), {**dict(module.named_parameters()), "x": x})


def flat(module: nn.Module) -> list[str]:
    """Names of vectors: a softmax ignores what is added to all its scores, so a key's bias has gradient 0 by right."""
    return [name for name, parameter in module.named_parameters() if parameter.dim() == 1]


def want_slopes(total: Callable[[], torch.Tensor], named: dict[str, torch.Tensor]) -> None:
    """Refuse a gradient that is cut off on one of several ways; `total` computes in float64.

    All tensors are nudged at once first. If the output moves as all gradients
    together say, each is right; only if not is each tensor asked by itself.
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
    directions = [nn.functional.normalize(torch.randn_like(tensor).flatten(), dim=0).view_as(tensor) for tensor in tensors]
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


class Layers(NamedTuple):
    """What the given constructor of a Transformer makes."""

    embedding: nn.Module
    blocks: list[nn.Module]
    norm: nn.Module
    lm_head: nn.Module

    def logits(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """(B, T, C) to (B, T, V): the reference, one block after the other."""
        return self.lm_head(self.hidden(x, mask))

    def hidden(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """(B, T, C) to (B, T, C), after the final norm."""
        for one in self.blocks:
            x = one(x, mask)
        return self.norm(x)


def layers_of(module: nn.Module) -> Layers:
    """The layers of a learner's Transformer, each usable on its own.

    Raises:
        CheckFailed: the constructor is not the given one, or the block is not written yet.
    """
    layers = getattr(module, "layers", None)
    named = isinstance(layers, nn.ModuleDict) and {"embedding", "blocks", "norm"} <= set(layers)
    if not named or not isinstance(getattr(module, "lm_head", None), nn.Module):
        raise CheckFailed(
            f"the model has {', '.join(f'self.{name}' for name, _ in module.named_children()) or 'no layers'}"
            f"{f' with {chr(44).join(layers)}' if isinstance(layers, nn.ModuleDict) else ''}.",
            "self.layers with embedding, blocks and norm, and self.lm_head.",
            "leave __init__ as it was given; only forward is to be written.",
        )
    found = Layers(layers["embedding"], list(layers["blocks"]), layers["norm"], module.lm_head)
    try:
        with torch.no_grad():
            found.logits(found.embedding(torch.zeros(1, 1, dtype=torch.int64)), None)
    except NotImplementedError:
        raise CheckFailed(
            "TransformerBlock.forward, which every layer of the Transformer is made of, is not written yet.",
            "exercise 1 first.",
            "run the cell with your TransformerBlock again after you have changed it, then the cell with your Transformer, then this check.",
        ) from None
    return found


def sizes(seed: int) -> tuple[int, int, int, TransformerConfig]:
    """B, T, P and a configuration, all sizes different."""
    B, T, P, V, n_head, head_size = [(4, 6, 3, 29, 2, 5), (3, 7, 5, 31, 2, 4), (5, 4, 6, 23, 2, 7)][seed % 3]
    return B, T, P, TransformerConfig(V, 16, n_embd=n_head * head_size, n_head=n_head, n_layer=3, dropout=0.0)


def built(answer: Callable, config: TransformerConfig) -> tuple[nn.Module, Layers]:
    """A learner's Transformer in float64, in evaluation, and its layers."""
    module = loosened(build(answer, config))
    return module, layers_of(module)


def token_ids(B: int, T: int, config: TransformerConfig, seed: int) -> torch.Tensor:
    """(B, T) int64: no padding, and the id 0 among them."""
    idx = torch.randint(config.vocab_size, (B, T), generator=torch.Generator().manual_seed(seed))
    idx[0, 0] = 0
    return idx


def padded(idx: torch.Tensor) -> torch.Tensor:
    """The same ids with padding at the end of every sequence, one place or more."""
    lengths = 1 + torch.arange(len(idx)).unsqueeze(1) % (idx.shape[1] - 1)  # (B, 1)
    return torch.where(torch.arange(idx.shape[1]) < lengths, idx, -1)


def call(
    module: nn.Module, idx: torch.Tensor, targets: torch.Tensor | None = None, hidden_cache: torch.Tensor | None = None,
    return_hidden: bool = False,
) -> Any:
    """The learner's forward, whatever it gives."""
    return run(module, idx, targets, hidden_cache, return_hidden, what=FORWARD, error_hints=RAISED)


def logits_and_loss(module: nn.Module, idx: torch.Tensor, *others: Any) -> tuple[torch.Tensor, Any]:
    """What the learner's forward gives, once it is a pair.

    Raises:
        CheckFailed: it is something else.
    """
    result = call(module, idx, *others)
    if isinstance(result, tuple | list) and len(result) == 2:
        return result[0], result[1]
    kind = "nothing (None)" if result is None else f"a {type(result).__name__}" + (
        f" of {len(result)}" if isinstance(result, tuple | list) else "")
    raise CheckFailed(
        f"{FORWARD} gives {kind}.",
        "two things: the logits and the loss, `return logits, loss`; the loss is None where there are no targets.",
        "the function has no `return`." if result is None else "without targets it is `return logits, None`.",
    )


def want_logits_shape(logits: Any, B: int, T: int, config: TransformerConfig, names: str, P: int = 0) -> None:
    """Refuse logits of another shape than (B, P + T, V)."""
    V, C = config.vocab_size, config.n_embd
    want_shape(logits, (B, P + T, V), names, "the tensor of logits", causes={
        (B, P + T, C): "these are vectors, not scores: lm_head is missing.",
        (B, P + T): "an argmax picks one word for every place. forward returns the scores of all words; choosing comes later, in notebook 6.",
        (B, V): "only one place is scored. Return the scores of every place: training needs them all.",
        (B, 1, V): "only one place is scored. Return the scores of every place: training needs them all.",
        (B * (P + T), V): "sequences and places are flattened into one axis. Flatten a copy for the loss, and return the logits as they were.",
        (B, V, P + T): "the axes are swapped, as cross_entropy likes them. Swap a copy for the loss, and return the logits as they were.",
    } | ({
        (B, T, V): "the rows of the cache are cut off, or the cache is not used. Return the logits of all P + T rows.",
        (B, P, V): "only the rows of the cache are left. Return the logits of all P + T rows.",
    } if P else {}))


def refuse_if_not(seen: torch.Tensor, wanted: torch.Tensor, what: str, causes: dict[str, Callable[[], torch.Tensor]], otherwise: str) -> None:
    """`want_values`, where a mistake may also give another shape, or no result at all, for these sizes."""

    def tried(mistake: Callable[[], torch.Tensor]) -> Callable[[], torch.Tensor]:
        def attempt() -> torch.Tensor:
            try:
                return mistake().detach()
            except (RuntimeError, ValueError, IndexError):
                return torch.empty(0)
        return attempt

    want_values(seen, wanted.detach(), what, {cause: tried(mistake) for cause, mistake in causes.items()}, otherwise,
                caption=f"{what[0].upper()}{what[1:]}: wanted, and yours")


def stack_mistakes(layers: Layers, x: torch.Tensor, mask: torch.Tensor | None) -> dict[str, Callable[[], torch.Tensor]]:
    """What known mistakes between embeddings and logits give."""
    blocks, norm, head = layers.blocks, layers.norm, layers.lm_head

    def through(blocks: list[nn.Module], after: Callable = lambda x: x, last: Callable = norm) -> Callable[[], torch.Tensor]:
        def scores() -> torch.Tensor:
            y = x
            for one in blocks:
                y = after(one(y, mask))
            return head(last(y))
        return scores

    right = layers.logits(x, mask)
    n = len(blocks)
    return {
        "these are probabilities: a softmax was taken. forward returns raw scores; cross_entropy takes the softmax itself, and "
        "generation divides the scores by a temperature first.": lambda: right.softmax(-1),
        "these are log-probabilities: forward returns raw scores, and cross_entropy takes the softmax itself.": lambda: right.log_softmax(-1),
        "the best word has 1 and all others 0: forward returns the scores of all words; an argmax has no gradient.":
            lambda: F.one_hot(right.argmax(-1), right.shape[-1]).to(right),
        "the final norm is missing: it stands between the last block and lm_head.": through(blocks, last=lambda y: y),
        "the final norm stands inside the loop, after every block. It is taken once, after the last.": through(blocks, after=norm, last=lambda y: y),
        "the final norm is taken after every block and again at the end. It is taken once, after the last.": through(blocks, after=norm),
        "the final norm is taken before the blocks; it stands after the last.": lambda: head(Layers(*layers)._replace(norm=nn.Identity()).hidden(norm(x), mask)),
        "no block is used.": through([]),
        f"only the first of the {n} blocks is used: a `return` or a break inside the loop?": through(blocks[:1]),
        f"only the last of the {n} blocks counts: each block is given the embeddings. It is to be given what the one before gave.": through(blocks[-1:]),
        f"the last of the {n} blocks is not used.": through(blocks[:-1]),
        f"the first of the {n} blocks is not used.": through(blocks[1:]),
        f"the first block is used {n} times. Every layer has a block of its own: loop over self.layers[\"blocks\"].": through(blocks[:1] * n),
        f"the last block is used {n} times. Every layer has a block of its own: loop over self.layers[\"blocks\"].": through(blocks[-1:] * n),
        "the blocks come in the wrong order, the last one first.": through(blocks[::-1]),
        "every block is used twice.": through([one for one in blocks for _ in range(2)]),
        "what came into a block is added to what it gives: the sums stand inside the block already.":
            lambda: head(norm(_added_again(blocks, x, mask))),
        "the embeddings are added once more at the end: the sums stand inside the blocks already.":
            lambda: head(norm(x + Layers(*layers)._replace(norm=nn.Identity()).hidden(x, mask))),
    }


def _added_again(blocks: list[nn.Module], x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    for one in blocks:
        x = x + one(x, mask)
    return x


@transformer.aspect("logits")
def _(answer, seed):
    B, T, _, config = sizes(seed)
    module, layers = built(answer, config)
    for b, t in ((B, T), (1, 1), (config.n_head, config.head_size), (1, config.block_size)):
        idx = token_ids(b, t, config, seed)
        logits, loss = logits_and_loss(module, idx)
        want_logits_shape(logits, b, t, config, "(B, T, vocab_size)")
        if loss is not None:
            raise CheckFailed(
                f"without targets the loss is a {type(loss).__name__}.",
                "None: there is nothing to compare the scores with.",
                "ask `if targets is None` before you compute a loss.",
            )
        x = layers.embedding(idx)
        refuse_if_not(
            logits, layers.logits(x, None), "without a mask, the tensor of logits", stack_mistakes(layers, x, None),
            otherwise="embedding, every block in its order, norm, lm_head, and nothing else.",
        )
    with_padding = padded(token_ids(B, T, config, seed))
    logits, _ = logits_and_loss(module, with_padding)
    want_logits_shape(logits, B, T, config, "(B, T, vocab_size)")
    x = layers.embedding(with_padding)
    refuse_if_not(
        logits, layers.logits(x, None), "with padding in idx, the tensor of logits",
        {"padding is cut off or moved.": lambda: layers.logits(layers.embedding(with_padding.clamp(min=1)), None)},
        otherwise="get_attention_mask returns None here, so nobody is hidden, padding neither: hiding it is the next notebook's business. "
                  "The embedding knows what to do with −1.",
    )


def masked(answer: Callable, calls: list) -> Callable:
    """The learner's class with a get_attention_mask that hides the future and padding, and notes what it was asked."""

    class Masked(answer):
        def get_attention_mask(self, num_tokens, T=None):
            calls.append((num_tokens, T))
            return future_hidden(num_tokens, int(torch.as_tensor(num_tokens).max()) if T is None else T)

    Masked.__name__ = name_of(answer)
    return Masked


def future_hidden(num_tokens: torch.Tensor, T: int) -> torch.Tensor:
    """(B, 1, T, T) bool: nobody looks ahead, nor at padding."""
    num_tokens = torch.as_tensor(num_tokens).reshape(-1, 1, 1, 1)
    return (torch.arange(T) < num_tokens) & torch.ones(T, T, dtype=torch.bool).tril()


def want_asked(calls: list, idx: torch.Tensor) -> None:
    """Refuse a forward that has not asked get_attention_mask for these tokens."""
    (B, T), wanted = idx.shape, (idx != -1).sum(1)
    if not calls:
        raise CheckFailed(
            "self.get_attention_mask is never called.",
            "one call, with the number of tokens of each sequence and T.",
            "here it returns None, but encoder and decoder return a mask: `self.get_attention_mask(num_tokens, T)`.",
        )
    num_tokens, places = calls[-1]
    if not isinstance(num_tokens, torch.Tensor) or num_tokens.shape != (B,) or not torch.equal(num_tokens.long(), wanted):
        seen = num_tokens.tolist() if isinstance(num_tokens, torch.Tensor) else num_tokens
        causes = [
            ([T] * B, "padding is counted. Count the places where idx is not −1."),
            ((idx > 0).sum(1).tolist(), "the word with id 0 is taken for padding. Padding is −1."),
            (idx.tolist(), "these are the ids. Count the places where idx is not −1: `(idx != -1).sum(1)`."),
            ((idx != -1).tolist(), "this says which places are tokens. Add it up along axis 1."),
            (int(wanted.sum()), "the whole batch is counted at once: `.sum(1)` counts each sequence."),
            (T, "this is the number of places. What is wanted is the number of tokens of each sequence."),
        ]
        raise CheckFailed(
            f"get_attention_mask is asked with num_tokens = {seen}.",
            f"{wanted.tolist()}: the tokens of each sequence that are no padding.",
            next((cause for mistake, cause in causes if mistake == seen), "`(idx != -1).sum(1)`, of shape (B,)."),
        )
    if places is None or places != T:
        raise CheckFailed(
            f"get_attention_mask is asked {'without T' if places is None else f'with T = {places}'} for sequences of {T} places.",
            f"T = {T}: the longest sequence here has only {int(wanted.max())} tokens, and the mask must be as large as idx.",
            "pass the number of places as well: `self.get_attention_mask(num_tokens, idx.shape[1])`.",
        )


@transformer.aspect("mask")
def _(answer, seed):
    B, T, _, config = sizes(seed)
    calls = []
    module, layers = built(masked(answer, calls), config)
    for idx in (token_ids(B, T, config, seed), padded(token_ids(B, T, config, seed))):
        calls.clear()
        try:
            logits, _ = logits_and_loss(module, idx)
        except CheckFailed:
            # A mask that was asked for wrongly does not fit, and attention says so less clearly.
            if calls:
                want_asked(calls, idx)
            raise
        want_logits_shape(logits, B, T, config, "(B, T, vocab_size)")
        want_asked(calls, idx)
        x, mask = layers.embedding(idx), future_hidden((idx != -1).sum(1), T)
        first, rest = layers.blocks[0], layers.blocks[1:]
        refuse_if_not(
            logits, layers.logits(x, mask), "when get_attention_mask hides something, the tensor of logits",
            stack_mistakes(layers, x, mask) | {
                "the mask is asked for, but the blocks do not get it: `block(x, attention_mask)`.": lambda: layers.logits(x, None),
                "only the first block gets the mask: every block needs it.":
                    lambda: layers._replace(blocks=rest).logits(first(x, mask), None),
            },
            otherwise="hand the mask to every block as it came.",
        )


def loop_loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The reference, place by place: the mean of −log(probability of the target) where there is one."""
    places = [
        -(row[word] - row.logsumexp(0)) for rows, words in zip(logits, targets.tolist()) for row, word in zip(rows, words) if word != -1
    ]
    return torch.stack(places).mean()


def loss_mistakes(logits: torch.Tensor, targets: torch.Tensor) -> dict[str, Callable[[], torch.Tensor]]:
    """What known mistakes give for these scores (B, T, V) and targets (B, T)."""
    B, T, V = logits.shape
    counted = targets != -1
    right = loop_loss(logits, targets)

    def of(predictions: torch.Tensor, targets: torch.Tensor, **settings: Any) -> torch.Tensor:
        return F.cross_entropy(predictions.reshape(-1, V), targets.reshape(-1), **{"ignore_index": -1, **settings})

    each = torch.stack([of(rows, words) for rows, words in zip(logits, targets) if (words != -1).any()])
    return {
        "it is the sum over all places. The mean stays the same size however long the batch is: leave reduction alone.":
            lambda: of(logits, targets, reduction="sum"),
        "the sum is divided by all places, also those whose target is −1.": lambda: of(logits, targets, reduction="sum") / (B * T),
        "the sum is divided by the number of sequences; divide it by the number of targets.": lambda: of(logits, targets, reduction="sum") / B,
        "it is the loss of probabilities: cross_entropy takes the softmax itself, so give it the raw logits.": lambda: of(logits.softmax(-1), targets),
        "the places with −1 are counted as if the word 0 were wanted: `ignore_index=-1` leaves them out.": lambda: of(logits, targets.clamp(min=0)),
        "the places with −1 are counted as if the last word were wanted: `ignore_index=-1` leaves them out.":
            lambda: of(logits, targets % V),
        "the word with id 0 is left out, like padding. Only −1 is left out.": lambda: of(logits, targets.masked_fill(targets == 0, -1)),
        "the targets are shifted by one place. They are shifted already: row t is to predict targets[:, t].":
            lambda: of(logits[:, :-1], targets[:, 1:]),
        "the scores are shifted by one place. Row t is to predict targets[:, t].": lambda: of(logits[:, 1:], targets[:, :-1]),
        "only the last place is scored: every place has a target.": lambda: of(logits[:, -1], targets[:, -1]),
        "the mean is taken for each sequence first, then over the sequences: all targets count alike.": lambda: each.mean(),
        "the scores are reshaped where two axes should change places, which mixes words and tokens: flatten(0, 1), or transpose(1, 2).":
            lambda: F.cross_entropy(logits.reshape(B, V, T), targets, ignore_index=-1),
        "this is the perplexity, e to the power of the loss.": lambda: right.exp(),
        "the sign is wrong.": lambda: -right,
        "it is the share of wrong words, not the cross-entropy.":
            lambda: (logits.argmax(-1) != targets)[counted].to(logits).mean(),
        "it is the mean of the probabilities, not of their logarithms.":
            lambda: 1 - logits.softmax(-1).gather(2, targets.clamp(min=0).unsqueeze(2)).squeeze(2)[counted].mean(),
    }


def want_loss(loss: Any, predictions: torch.Tensor, targets: torch.Tensor, when: str, more: dict[str, Callable] | None = None) -> None:
    """Refuse another loss than that of these scores (B, T, V) and targets (B, T)."""
    wanted = loop_loss(predictions, targets)
    if loss is None:
        raise CheckFailed(
            f"{when}, the loss is None.", f"a number: {wanted:.3f}.", "where targets are given, return `logits, loss`.",
        )
    if isinstance(loss, float):
        raise CheckFailed(
            f"{when}, the loss is a plain number.", "a tensor, from which backward() can start.", "leave out .item() or float(…).",
        )
    want_tensor(loss, "the loss")
    if loss.numel() != 1:
        raise CheckFailed(
            f"{when}, the loss has shape {tuple(loss.shape)}.",
            "a single number, of shape ().",
            "it is the mean over all places that have a target: leave reduction of cross_entropy alone.",
        )
    causes = (more or {}) | loss_mistakes(predictions, targets)
    if same_values(loss.reshape(()), wanted):
        return

    def gives(mistake: Callable[[], torch.Tensor]) -> bool:
        try:
            return same_values(loss.reshape(()), mistake())
        except (RuntimeError, IndexError):
            return False

    raise CheckFailed(
        f"{when}, the loss is {loss.item():.3f}.",
        f"{wanted:.3f}: the mean of −log(probability of the target), over the places whose target is not −1.",
        next((cause for cause, mistake in causes.items() if gives(mistake)),
             "F.cross_entropy(scores (N, vocab_size), targets (N,), ignore_index=-1)."),
    )


def some_targets(idx: torch.Tensor, config: TransformerConfig, seed: int) -> torch.Tensor:
    """(B, T) int64: random words, the ids 0 and V - 1 among them; −1 at padding, and at one more place."""
    targets = torch.randint(config.vocab_size, idx.shape, generator=torch.Generator().manual_seed(seed + 50))
    targets[0, 0], targets[-1, 0] = 0, config.vocab_size - 1
    targets[1, 0] = -1
    return targets.masked_fill(idx == -1, -1)


@transformer.aspect("loss")
def _(answer, seed):
    B, T, _, config = sizes(seed)
    module, layers = built(answer, config)
    idx = token_ids(B, T, config, seed)
    everywhere = some_targets(idx, config, seed).clamp(min=0)
    with_padding = padded(idx)
    for ids, targets, when in (
        (idx, everywhere, "with a target at every place"),
        (idx, some_targets(idx, config, seed), "with −1 in targets"),
        (with_padding, some_targets(with_padding, config, seed), "with padding in idx and −1 in targets"),
    ):
        logits, loss = logits_and_loss(module, ids, targets)
        want_logits_shape(logits, B, T, config, "(B, T, vocab_size)")
        wanted = layers.logits(layers.embedding(ids), None)
        refuse_if_not(
            logits, wanted, "with targets, the tensor of logits", stack_mistakes(layers, layers.embedding(ids), None),
            otherwise="the same logits as without targets: compute them first, whatever targets is.",
        )
        want_loss(loss, wanted, targets, when)


@transformer.aspect("hidden")
def _(answer, seed):
    B, T, _, config = sizes(seed)
    C = config.n_embd
    module, layers = built(answer, config)
    idx = token_ids(B, T, config, seed)
    for ids, when in ((idx, "with return_hidden=True"), (padded(idx), "with return_hidden=True and padding in idx")):
        hidden = call(module, ids, None, None, True)
        if isinstance(hidden, tuple | list):
            raise CheckFailed(
                f"{when} forward gives {len(hidden)} things.", "the hidden states alone, of shape (B, T, n_embd).",
                "return_hidden is not used." if isinstance(hidden[0], torch.Tensor) and hidden[0].shape[-1] == config.vocab_size
                else "`return x`, without a loss.",
            )
        want_shape(hidden, (B, T, C), "(B, T, n_embd)", f"what forward gives {when}", causes={
            (B, T, config.vocab_size): "these are the logits. Return the vectors that lm_head would be given.",
            (B, C): "the tokens are averaged, or only one is returned: return the vectors of all places.",
        })
        x, is_token = layers.embedding(ids), (ids != -1).unsqueeze(-1)
        wanted = layers.hidden(x, None)
        before = layers._replace(norm=nn.Identity()).hidden(x, None)
        refuse_if_not(
            hidden, wanted * is_token, f"{when}, the hidden states",
            {
                "they are taken before the final norm; take them after it.": lambda: before * is_token,
                "they are taken before the final norm, and they are not 0 where idx is −1.": lambda: before,
                "they are not 0 where idx is −1. Zeros tell whoever gets them as hidden_cache that nothing stands there: "
                "multiply with `(idx != -1).unsqueeze(-1)`.": lambda: wanted,
                "they are 0 at the tokens and stand at the padding: the other way round.": lambda: wanted * ~is_token,
                "the word with id 0 is taken for padding. Padding is −1.": lambda: wanted * (ids > 0).unsqueeze(-1),
                "these are the embeddings.": lambda: x * is_token,
                "the zeros were set before the last block, and its sums and the norm made other numbers of them: set them last.":
                    lambda: layers.hidden(x * is_token, None),
                "the zeros were set before the final norm, which adds its bias to them: set them last.": lambda: layers.norm(before * is_token),
            },
            otherwise="the vectors after the final norm, with 0 wherever idx is −1.",
        )


def cache_mistakes(
    layers: Layers, idx: torch.Tensor, cache: torch.Tensor, mask: torch.Tensor | None
) -> dict[str, Callable[[], torch.Tensor]]:
    """What known mistakes with a cache give; `mask` is get_attention_mask's."""
    (B, T), P = idx.shape, cache.shape[1]
    x, joint = layers.embedding(idx), joint_mask(cache, idx, mask)
    before, behind = torch.cat([cache, x], dim=1), torch.cat([x, cache], dim=1)
    tokens_only = torch.ones(T, T, dtype=torch.bool).expand(B, 1, T, T) if mask is None else mask
    everybody = torch.ones(B, 1, P + T, P + T, dtype=torch.bool)
    by_tokens = everybody.clone()
    by_tokens[:, :, P:, P:] = tokens_only
    apart = joint.clone()
    apart[:, :, P:, :P] = False

    def counted_on() -> torch.Tensor:
        # An embedding counts places by itself; ids put in front and taken away again make it count on.
        return torch.cat([cache, layers.embedding(F.pad(idx, (P, 0)))[:, P:]], dim=1)

    return {
        "the cache stands behind the tokens; it comes first.": lambda: layers.logits(behind, joint),
        "the cache stands behind the tokens; it comes first. And the mask is not joint_mask's.": lambda: layers.logits(behind, None),
        "the positions are counted on after the cache. They begin at 0 again: embed idx alone, then put the cache in front.":
            lambda: layers.logits(counted_on(), joint),
        "the positions are counted on after the cache, and the mask is not joint_mask's.": lambda: layers.logits(counted_on(), None),
        "the blocks get no mask: with a cache it is joint_mask(hidden_cache, idx, attention_mask).": lambda: layers.logits(before, None),
        "the rows of the cache look at the tokens, too: with a cache the mask is joint_mask(hidden_cache, idx, attention_mask).":
            lambda: layers.logits(before, by_tokens),
        "joint_mask got None, and not what get_attention_mask returned.": lambda: layers.logits(before, joint_mask(cache, idx, None)),
        "the tokens do not see the cache.": lambda: layers.logits(before, apart),
        "the final norm is taken of the cache already: it is a finished result, leave it as it is.":
            lambda: layers.logits(torch.cat([layers.norm(cache), x], dim=1), joint),
        "the cache is put in front after the blocks: it goes through all of them together with the tokens.":
            lambda: layers.lm_head(layers.norm(torch.cat([cache, layers._replace(norm=nn.Identity()).hidden(x, mask)], dim=1))),
        "the rows of the cache come in reverse order.": lambda: layers.logits(torch.cat([cache.flip(1), x], dim=1), joint),
    }


@transformer.aspect("cache")
def _(answer, seed):
    B, T, P, config = sizes(seed)
    calls = []
    plain, plain_layers = built(answer, config)
    causal, causal_layers = built(masked(answer, calls), config)
    for module, layers, (b, t, p) in (
        (plain, plain_layers, (B, T, P)), (causal, causal_layers, (B, T, P)), (causal, causal_layers, (2, 3, 1)),
        (causal, causal_layers, (config.n_head, config.head_size, 3)), (causal, causal_layers, (1, config.block_size, P)),
    ):
        idx, cache = token_ids(b, t, config, seed), vectors(b, p, config.n_embd, seed + 9)
        calls.clear()
        logits, loss = logits_and_loss(module, idx, None, cache)
        want_logits_shape(logits, b, t, config, "(B, P + T, vocab_size)", p)
        if calls:
            want_asked(calls, idx)
        mask = None if module is plain else future_hidden(torch.full((b,), t), t)
        x = torch.cat([cache, layers.embedding(idx)], dim=1)
        joint = joint_mask(cache, idx, mask)
        wanted = layers.logits(x, joint)
        refuse_if_not(
            logits, wanted, f"with a cache of {p} {'row' if p == 1 else 'rows'}, the tensor of logits",
            cache_mistakes(layers, idx, cache, mask) | stack_mistakes(layers, x, joint),
            otherwise="embed idx, put the cache in front along dim=1, take joint_mask, then go on as without a cache.",
        )
        if b == 1:
            continue
        targets = some_targets(idx, config, seed)
        predictions = wanted[:, p - 1 : p - 1 + t]
        _, loss = logits_and_loss(module, idx, targets, cache)
        aligned = {
            "the loss is taken from the first row on, so the cache's rows are to predict the targets. The last cache row predicts the "
            "first target: take the T rows from P − 1 on.": lambda: loop_loss(wanted[:, :t], targets),
            "the loss is taken from row P on, the first token's. But the first target is predicted by the last cache row: "
            "take the T rows from P − 1 on.": lambda: loop_loss(wanted[:, p:], targets),
            "the loss is taken of the cache's rows alone.": lambda: loop_loss(wanted[:, :p][:, :t], targets[:, :p]),
            "the last cache row is taken for every target.": lambda: loop_loss(wanted[:, p - 1 : p].expand(b, t, -1), targets),
        }
        want_loss(loss, predictions, targets, f"with a cache of {p} {'row' if p == 1 else 'rows'}", aligned)


@transformer.aspect("gradient")
def _(answer, seed):
    B, T, P, config = sizes(seed)
    module, _ = built(answer, config)
    idx, cache = token_ids(B, T, config, seed), vectors(B, P, config.n_embd, seed + 9).requires_grad_()
    targets = some_targets(idx, config, seed)
    _, loss = logits_and_loss(module, idx, targets)
    if not isinstance(loss, torch.Tensor) or not loss.requires_grad:
        raise CheckFailed(
            "backward() cannot start at the loss: it has no gradient.",
            "a loss from which a gradient reaches every parameter.",
            "something is cut off: .detach(), .data, .item(), torch.no_grad(), torch.tensor(…) of a tensor, or an argmax.",
        )
    hidden = call(module, idx, None, None, True)
    if isinstance(hidden, torch.Tensor) and not hidden.requires_grad:
        raise CheckFailed(
            "no gradient goes through the hidden states that return_hidden=True gives.",
            "one: in notebook 7 the decoder's loss must reach the encoder through them.",
            "leave out .detach() and torch.no_grad().",
        )
    weights = torch.randn(B, P + T, config.vocab_size, dtype=torch.float64)

    # Not `want_gradient`: a parameter that a mistaken block leaves out is exercise 1's business.
    def total() -> torch.Tensor:
        logits, loss = logits_and_loss(module, idx, targets, cache)
        return (logits * weights).sum() + 50 * loss

    want_slopes(total, {**dict(module.named_parameters()), "hidden_cache": cache})

"""Looking into a model without changing it: its attention weights, layer by layer."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from ninelives.model.validation import check_prefix


@contextmanager
def in_eval_mode(model: nn.Module) -> Iterator[None]:
    """Put every module into eval mode, and afterwards each back into the mode it was in."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, was_training in modes:
            module.training = was_training


def input_gradients(model: nn.Module, idx: torch.Tensor) -> torch.Tensor:
    """What each output of a model depends on: the size of d output[i] / d input[j] for every pair of positions.

    Args:
        model: idx (1, T) to (logits (1, T, V), loss), a learner's own or the package's; one of its modules has
            "Embedding" in the name of its class. It is left in the mode it was in.
        idx: (1, T) int64.

    Returns:
        (T, T), row i, column j, of the sum of the V scores; exactly 0 where output i does not depend on the word at position j.
    """
    inputs = []
    embedding = next(module for module in model.modules() if "Embedding" in type(module).__name__)
    hook = embedding.register_forward_hook(lambda module, arguments, vectors: inputs.append(vectors))
    try:
        with in_eval_mode(model):
            logits, _ = model(idx)  # (1, T, V)
    finally:
        hook.remove()
    rows = [torch.autograd.grad(logits[0, i].sum(), inputs[0], retain_graph=True)[0] for i in range(idx.shape[1])]
    return torch.cat(rows).norm(dim=-1)  # (T, T, C) to (T, T)


def future_leak(model: nn.Module, idx: torch.Tensor) -> torch.Tensor:
    """Which outputs depend on later words, by gradients: (T, T) bool, True where output i depends on word j and j > i.

    Args:
        model, idx: as in `input_gradients`.
    """
    return input_gradients(model, idx).triu(diagonal=1) > 0  # (T, T)


def attentions(model: nn.Module, idx: torch.Tensor, hidden_cache: torch.Tensor | None = None) -> list[torch.Tensor]:
    """How much each token attends to each other in every layer of a Transformer, for pictures: no dropout, no gradient.

    The model may be a learner's own. It needs layers["blocks"], and in each block
    an `attention` that keeps its weights in `weights`, as in notebook 2, or
    computes them again in `attention_weights`, as the package's does.

    Args:
        model: a Transformer; it is left in the mode it was in.
        idx: (B, T) int64, -1 where a sequence is padded.
        hidden_cache: (B, P, n_embd), as in `Transformer.forward`; its padded
            rows are moved to its front.

    Returns:
        One (B, n_head, P + T, P + T) for each layer. Rows of padding mean nothing.

    Raises:
        ValueError: what the model's forward raises.
    """
    seen = []

    def keep(attention, arguments, named, output):
        kept = hasattr(attention, "weights")
        seen.append(attention.weights.detach() if kept else attention.attention_weights(*arguments, **named))

    hooks = [block.attention.register_forward_hook(keep, with_kwargs=True) for block in model.layers["blocks"]]
    try:
        with torch.no_grad(), in_eval_mode(model):
            model(idx) if hidden_cache is None else model(idx, hidden_cache=hidden_cache)
    finally:
        for hook in hooks:
            hook.remove()
    return seen


def answer_attentions(model: nn.Module, prefix: torch.Tensor, targets: torch.Tensor) -> list[torch.Tensor]:
    """What a decoder attends to when it predicts each word of an answer, for pictures.

    Row t is the row that predicts targets[:, t]; the last row predicts the word
    after the answer. So a word's row is the row of the word *before* it.

    Args:
        model: an encoder–decoder, the package's or a learner's own, whose
            decoder `attentions` can read; it is left in the mode it was in.
        prefix: (B, P) int64. The columns of a padded prefix begin with the padding.
        targets: (B, T) int64.

    Returns:
        One tensor for each layer, (B, n_head, T + 1, P + T); every row sums to 1.
        The columns are the words of the prefix, then those of the answer.

    Raises:
        ValueError: what the model's encoder and decoder raise.
    """
    check_prefix(prefix)
    with torch.no_grad(), in_eval_mode(model.encoder):
        hidden_cache = model.encoder(prefix, return_hidden=True)  # (B, P, C)
    first = prefix.shape[1] - 1
    return [weights[:, :, first:] for weights in attentions(model.decoder, targets, hidden_cache)]

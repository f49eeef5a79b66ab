"""Notebook 2: what dropout must do in attention."""

import math
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import nn

from ninelives.checks.attention_inputs import full_mask, tokens, with_mask
from ninelives.checks.exercise import CheckFailed, build, numbers, run, same_values, want_shape, want_tensor
from ninelives.config import TransformerConfig

RATE = 0.3


def distinct(values: torch.Tensor) -> torch.Tensor:
    """How often each different value occurs in (N,) numbers, up to rounding."""
    ordered = values.sort().values
    new = ordered.diff() > 1e-4 * (1 + ordered.abs().max())
    return new.cumsum(0).bincount()


def want_dropout(answer: Callable, config: TransformerConfig, seed: int) -> None:
    """Refuse attention that does not drop weights and outputs at the rate config.dropout, in training only."""
    T = 3
    C, H = config.n_embd, config.n_head
    x = tokens(1, T, C, seed)

    def attend(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
        output = with_mask(module, x, full_mask(*x.shape[:2]), "MultiHeadSelfAttention.forward")
        want_shape(output, x.shape, "(B, T, n_embd)", "the output")
        return output.detach()

    module, often, always = (build(answer, replace(config, dropout=p)) for p in (RATE, 0.9, 1.0))
    often.load_state_dict(module.state_dict())
    # Few copies: heads that are not split broadcast along the batch, and with thousands of copies that takes gigabytes.
    few = x.expand(5, T, C)
    calm = attend(module.eval(), few)
    if not (same_values(attend(module, few), calm) and same_values(attend(often.eval(), few), calm)):
        raise CheckFailed(
            "after model.eval() the output still depends on config.dropout.",
            "the whole output: dropout is for training only.",
            "F.dropout(…) drops in evaluation too, unless it is told training=self.training. "
            "The nn.Dropout layers of __init__ do this by themselves.",
        )
    nothing = attend(always.train(), few)
    if nothing.abs().max() != 0:
        raise CheckFailed(
            f"with config.dropout = 1, in training, the output starts {numbers(nothing[0, 0])}.",
            "zeros: everything is dropped.",
            "a row of weights is divided by its sum after dropout, and 0 ÷ 0 is not a number: drop last."
            if nothing.isnan().any()
            else "nothing is dropped at all in training." if same_values(nothing, attend(always.eval(), few))
            else "the last step must be self.proj_dropout, on what proj gives.",
        )

    N = 2000
    noisy = attend(module.train(), x.expand(N, T, C))
    share = float((noisy == 0).double().mean())
    margin = 5 * math.sqrt(RATE * (1 - RATE) / noisy.numel()) + 1e-3
    if abs(share - RATE) > margin:
        raise CheckFailed(
            f"with config.dropout = {RATE}, in training, {share:.1%} of {noisy.numel():,} outputs are 0.",
            f"{RATE:.0%}; by chance it may be {RATE - margin:.1%} to {RATE + margin:.1%}.",
            "the outputs are dropped twice." if math.isclose(share, 1 - (1 - RATE) ** 2, abs_tol=0.02)
            else "the last step must be self.proj_dropout at the rate config.dropout, on what proj gives.",
        )
    want_dropped_weights(attend, module, calm[:1], noisy, H, N, seed)


def want_dropout_without_a_mask(module: nn.Module, C: int, seed: int) -> None:
    """Refuse attention that drops less where attention_mask is None.

    Args:
        module: the learner's, in training, with a dropout of more than 0.
        C: n_embd.
        seed: of the numbers.
    """
    output = run(module, tokens(1, 1, C, seed).expand(300, 1, C), None, what="MultiHeadSelfAttention.forward")
    want_tensor(output, "the output")
    # A single token has one weight for each head. If some of them are dropped, a channel shows several numbers.
    channel = output.detach().flatten(1)[:, 0]
    weights_dropped = len(distinct(channel[channel != 0])) > 1
    if not (weights_dropped and channel.eq(0).any()):
        raise CheckFailed(
            f"in training, with None as attention_mask, no {'number of the output' if weights_dropped else 'attention weight'} is dropped.",
            "both dropout layers at work, with a mask and without one.",
            "the branch for None leaves out dropout: only the hiding may differ there.",
        )


def want_dropped_weights(
    attend: Callable, module: nn.Module, calm: torch.Tensor, noisy: torch.Tensor, H: int, N: int, seed: int
) -> None:
    """Refuse dropout that does not act on the attention weights.

    Args:
        attend: calls a module with an x and no mask.
        module: the learner's, in training, with both rates at RATE.
        calm: (1, T, C), its output in evaluation.
        noisy: (N, T, C), its outputs in training for N copies of the same x.
        H: how many heads it has.
        N: how many copies.
        seed: of the numbers.
    """
    T, C = calm.shape[1:]
    wanted = "dropout on the attention weights, after the softmax, with rate config.dropout."
    if same_values(noisy, (calm / (1 - RATE)).expand_as(noisy) * (noisy != 0)):
        raise CheckFailed(
            "in training only the outputs are dropped; all that survive equal those of evaluation ÷ (1 − p).",
            wanted,
            "self.attn_dropout is not used, or its result is not.",
        )
    # A single token has one weight for each head, 1. A dropped head gives nothing, a kept one 1 ÷ (1 − p) of its value.
    alone = attend(module, tokens(1, 1, C, seed).expand(N, 1, C))[:, 0]  # (N, C)
    patterns = [distinct(channel[channel != 0]) for channel in alone.T]
    kinds = max(len(counts) for counts in patterns)
    # Without biases an output is 0 if every head is dropped, just as if the output itself were dropped. So divide by the
    # number of all copies whose output was kept.
    most = torch.tensor([counts.max() for counts in patterns]).median() / (N * (1 - RATE))
    if kinds == 1 or kinds > 2**H:
        raise CheckFailed(
            f"with a single token, {kinds} different value{'s' if kinds > 1 else ''} can be seen at one position of the "
            "output in training.",
            f"2 to {2**H}: each of the {H} heads is kept or dropped as a whole. That is {wanted}",
            "dropout comes before the softmax (on queries, keys or scores), or the weights are divided by their "
            "sum afterwards: drop the weights themselves, last." if kinds == 1
            else "single channels are dropped, of the values or of what the heads give: drop the weights instead.",
        )
    if abs(most - (1 - RATE) ** H) > 0.07:
        raise CheckFailed(
            f"with a single token, no head is dropped in {most:.0%} of the outputs.",
            f"{(1 - RATE) ** H:.0%}, that is (1 − p) to the power of {H}.",
            "self.attn_dropout must drop the weights at the rate config.dropout, and only once.",
        )
    rows = attend(module, tokens(1, 1, C, seed).expand(N // 10, T, C))  # (N/10, T, C)
    survived = rows != 0
    spread = rows.masked_fill(~survived, -math.inf).amax(1) - rows.masked_fill(~survived, math.inf).amin(1)  # (N, C)
    if (spread[survived.sum(1) > 1] > 1e-4).double().mean() < 0.5:
        raise CheckFailed(
            "in training, a sentence of equal words gives the same output at every position.",
            "different ones: each row of weights loses weights of its own.",
            "whole words are dropped for all rows at once (the values, or columns of the weights): "
            "give the full weights, (B, n_head, T, T), to self.attn_dropout.",
        )
    mean, error = noisy.mean(0), noisy.std(0) / math.sqrt(N)
    if not ((mean - calm[0]).abs() <= 5 * error + 1e-4).all():
        raise CheckFailed(
            f"the mean of {N} outputs in training starts {numbers(mean[0])}.",
            f"{numbers(calm[0, 0])}, the output of evaluation: dropout must not shift the mean.",
            "what is kept must be divided by 1 − p, as nn.Dropout does, and only the product with the values may follow.",
        )

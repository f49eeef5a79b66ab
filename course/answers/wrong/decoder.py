"""Wrong answers to notebook 5 that are more than a mistake in a formula; those are registered in the checks."""

import torch
from torch import nn

from answers import refused_by
from ninelives.checks.decoder import Given, causal_mask, decoder
from ninelives.model import Transformer


@refused_by(causal_mask, "values", "not written yet", "run its cell again, then this check")
def nothing_written(T):
    raise NotImplementedError()


@refused_by(causal_mask, "values", "the function has no `return`.")
def return_forgotten(T):
    torch.tril(torch.ones(T, T))


@refused_by(causal_mask, "values", "so it needs a matrix: torch.ones(T, T).")
def triangle_of_a_number(T):
    return torch.tril(T)


@refused_by(causal_mask, "values", "−∞ belongs in the scores")
def ready_to_be_added(T):
    return torch.full((T, T), float("-inf")).triu(1)


@refused_by(causal_mask, "values", "gives only True and False")
def rows_that_add_up_to_one(T):
    mask = torch.ones(T, T).tril()
    return mask / mask.sum(1, keepdim=True)


@refused_by(causal_mask, "values", "has shape (8, 8)", "print the shape after each of your lines")
def of_a_fixed_size(T):
    return torch.ones(8, 8).tril()


@refused_by(causal_mask, "values", "column j of row i is open if j <= i.")
def window_of_three(T):
    return torch.ones(T, T).tril().triu(-2)


@refused_by(causal_mask, "values", "a list", "this is not a tensor yet")
def list_of_rows(T):
    return [[int(column <= row) for column in range(T)] for row in range(T)]


@refused_by(decoder, "shape", "not written yet", "run its cell again, then this check")
class MaskNotWritten(Given):
    def get_attention_mask(self, num_tokens, T=None):
        raise NotImplementedError()


@refused_by(decoder, "shape", "gives nothing (None)", "the function has no `return`.")
class ReturnForgotten(Given):
    def get_attention_mask(self, num_tokens, T=None):
        torch.tril(self.encoder_mask(num_tokens, T))


@refused_by(decoder, "shape", "one mask serves the whole batch, but every sequence has its own length.")
class TriangleAlone(Given):
    def get_attention_mask(self, num_tokens, T=None):
        T = int(num_tokens.max()) if T is None else T
        return torch.ones(T, T).tril()


@refused_by(decoder, "shape", "the axis for the heads is missing: attention would take the sequences for heads. `unsqueeze(1)` adds it.")
class HeadAxisMissing(Given):
    def get_attention_mask(self, num_tokens, T=None):
        return self.encoder_mask(num_tokens, T).tril().squeeze(1)


@refused_by(decoder, "shape", "T is given here and is larger")
class TNotPassedOn(Given):
    def get_attention_mask(self, num_tokens, T=None):
        return self.encoder_mask(num_tokens, None).tril()


@refused_by(decoder, "shape", "take the size of the encoder's mask, mask.shape[-1]")
class TriangleOfNone(Given):
    def get_attention_mask(self, num_tokens, T=None):
        return self.encoder_mask(num_tokens, T) & torch.ones(T, T).tril().bool()


@refused_by(decoder, "shape", "`&` works on bool masks only")
class BoolAndFloat(Given):
    def get_attention_mask(self, num_tokens, T=None):
        mask = self.encoder_mask(num_tokens, T)
        return mask & torch.tril(torch.ones(mask.shape[-1], mask.shape[-1]))


@refused_by(decoder, "shape", "Transformer returns None, Encoder a mask")
class TransformerAsBase(Transformer):
    def get_attention_mask(self, num_tokens, T=None):
        return torch.tril(super().get_attention_mask(num_tokens, T))


@refused_by(decoder, "shape", "one row serves all tokens")
class TriangleOfOneRow(Given):
    """`tril` of a mask that is left to broadcasting."""

    def get_attention_mask(self, num_tokens, T=None):
        T = int(num_tokens.max()) if T is None else T
        return (torch.arange(T) < num_tokens.reshape(-1, 1, 1, 1)).tril()


@refused_by(decoder, "shape", "two masks are added")
class MasksAdded(Given):
    def get_attention_mask(self, num_tokens, T=None):
        mask = self.encoder_mask(num_tokens, T).int()
        return mask + torch.ones_like(mask).tril()


@refused_by(decoder, "shape", "−∞ belongs in the scores")
class ReadyToBeAdded(Given):
    def get_attention_mask(self, num_tokens, T=None):
        mask = self.encoder_mask(num_tokens, T).tril()
        return torch.zeros(mask.shape).masked_fill(~mask, float("-inf"))


@refused_by(decoder, "triangle", "column j of row i is open if j <= i.")
class TokenBeforeOnly(Given):
    """Each token attends to itself and to the one before it."""

    def get_attention_mask(self, num_tokens, T=None):
        return self.encoder_mask(num_tokens, T).tril().triu(-1)


@refused_by(decoder, "padding", "Close columns only: rows of padding stay open")
class RowsOfPaddingClosed(Given):
    def get_attention_mask(self, num_tokens, T=None):
        mask = self.encoder_mask(num_tokens, T)
        return mask.tril() & mask.transpose(2, 3)


@refused_by(decoder, "padding", "both masks must allow a position")
class WindowOfFour(Given):
    """The lengths are lost, and in the rows of padding only the last positions are open."""

    def get_attention_mask(self, num_tokens, T=None):
        mask = self.encoder_mask(num_tokens, T)
        causal = torch.ones_like(mask).tril()
        return torch.where(mask.transpose(2, 3), causal, causal.triu(-3))


@refused_by(decoder, "leak", ":`, so that it inherits from ")
class NoEncoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.layer = nn.Linear(config.n_embd, config.n_embd)

    def get_attention_mask(self, num_tokens, T=None):
        T = int(num_tokens.max()) if T is None else T
        return (torch.arange(T) < num_tokens.reshape(-1, 1, 1, 1)).expand(-1, 1, T, T).tril()


@refused_by(decoder, "leak", "the model mixes tokens elsewhere too")
class MeanOfTheSentenceAdded(Given):
    def get_attention_mask(self, num_tokens, T=None):
        return self.encoder_mask(num_tokens, T).tril()

    def forward(self, idx, *others):
        logits, loss = super().forward(idx, *others)
        return logits + logits.mean(dim=1, keepdim=True), loss


@refused_by(decoder, "leak", "the mask closes more than the future.")
class EachTokenAlone(Given):
    def get_attention_mask(self, num_tokens, T=None):
        return self.encoder_mask(num_tokens, T).tril()

    def forward(self, idx, *others):
        B, T = idx.shape
        return super().forward(idx.clamp(min=0).reshape(B * T, 1))[0].reshape(B, T, -1), None


@refused_by(decoder, "leak", "the model mixes tokens elsewhere too")
class NextTokenAdded(Given):
    """A right mask, and a forward that adds to each token's scores those of the token after it."""

    def get_attention_mask(self, num_tokens, T=None):
        return self.encoder_mask(num_tokens, T).tril()

    def forward(self, idx, *others):
        logits, loss = super().forward(idx, *others)
        return logits + logits.roll(-1, dims=1), loss

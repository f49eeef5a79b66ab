"""Wrong answers to notebook 4 that are more than a mistake in a formula; those are registered in the checks."""

import torch
from torch import nn

from answers import refused_by
from ninelives.checks.encoder import Given, encoder, is_token
from ninelives.model import Transformer


@refused_by(encoder, "shape", "not written yet", "run its cell again, then this check")
class MaskNotWritten(Given):
    def mask(self, num_tokens, T):
        raise NotImplementedError()


@refused_by(encoder, "shape", "gives nothing (None)", "the function has no `return`.")
class ReturnForgotten(Given):
    def mask(self, num_tokens, T):
        is_token(num_tokens, T).reshape(-1, 1, 1, T).expand(-1, 1, T, T)


@refused_by(encoder, "shape", "T positions meet B lengths")
class LengthsNotReshaped(Given):
    def mask(self, num_tokens, T):
        return (torch.arange(T) < num_tokens).expand(-1, 1, T, T)


@refused_by(encoder, "shape", "give T a default, `T=None`; when it is None")
class TWithoutDefault(Transformer):
    def get_attention_mask(self, num_tokens, T):
        return is_token(num_tokens, T).reshape(-1, 1, 1, T).expand(-1, 1, T, T)


@refused_by(encoder, "shape", "take the largest of num_tokens then.")
class TStaysNone(Transformer):
    def get_attention_mask(self, num_tokens, T=None):
        return (torch.arange(T) < num_tokens.reshape(-1, 1, 1, 1)).expand(-1, 1, -1, -1)


@refused_by(encoder, "shape", "−∞ belongs in the scores")
class ReadyToBeAdded(Given):
    def mask(self, num_tokens, T):
        hidden = ~is_token(num_tokens, T).reshape(-1, 1, 1, T).expand(-1, 1, T, T)
        return torch.zeros(hidden.shape).masked_fill(hidden, float("-inf"))


@refused_by(encoder, "shape", "changed the tensor", "work on x.clone()")
class LengthsChanged(Given):
    def mask(self, num_tokens, T):
        num_tokens -= 1
        return (torch.arange(T) <= num_tokens.reshape(-1, 1, 1, 1)).expand(-1, 1, T, T)


@refused_by(encoder, "columns", "this is the mask of an earlier call")
class MaskRemembered(Given):
    """Computed for the first batch and kept for the next."""

    def mask(self, num_tokens, T):
        if getattr(self, "kept", None) is None or self.kept.shape[-1] != T:
            self.kept = is_token(num_tokens, T).reshape(-1, 1, 1, T).expand(-1, 1, T, T)
        return self.kept


@refused_by(encoder, "columns", "column j of sequence b is open if j < num_tokens[b]")
class PaddingAttendsToPadding(Given):
    """Tokens attend to tokens, padding to padding: no row is empty, and padding is attended to."""

    def mask(self, num_tokens, T):
        tokens = is_token(num_tokens, T)
        return (tokens.unsqueeze(1) == tokens.unsqueeze(2)).unsqueeze(1)


@refused_by(encoder, "no empty row", "Close columns only: rows of padding stay open")
class RowsAndColumns(Given):
    def mask(self, num_tokens, T):
        tokens = is_token(num_tokens, T)
        return (tokens.unsqueeze(1) & tokens.unsqueeze(2)).unsqueeze(1)


@refused_by(encoder, "padding has no effect", ":`, so that it inherits from ")
class NoTransformer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.layer = nn.Linear(config.n_embd, config.n_embd)

    def get_attention_mask(self, num_tokens, T=None):
        T = int(num_tokens.max()) if T is None else T
        return is_token(num_tokens, T).reshape(-1, 1, 1, T).expand(-1, 1, T, T)


@refused_by(encoder, "padding has no effect", "the model does not use the mask")
class PaddingReadAsWords(Given):
    """A right mask, and a forward that turns padding into words before it is counted."""

    def mask(self, num_tokens, T):
        return is_token(num_tokens, T).reshape(-1, 1, 1, T).expand(-1, 1, T, T)

    def forward(self, idx, *others):
        return super().forward(idx.clamp(min=0), *others)


@refused_by(encoder, "padding has no effect", "the mask that you return is not used")
class EachTokenAlone(Given):
    """A right mask, and a forward in which every token is a sentence of its own."""

    def mask(self, num_tokens, T):
        return is_token(num_tokens, T).reshape(-1, 1, 1, T).expand(-1, 1, T, T)

    def forward(self, idx, *others):
        B, T = idx.shape
        return super().forward(idx.clamp(min=0).reshape(B * T, 1))[0].reshape(B, T, -1), None

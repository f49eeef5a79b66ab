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


@refused_by(encoder, "shape", "returns nothing (None)", "the function has no `return`.")
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


def right_mask(num_tokens, T):
    """(B, 1, T, T)."""
    return is_token(num_tokens, T).reshape(-1, 1, 1, T).expand(-1, 1, T, T)


NAME = "has no get_attention_mask of its own, so Transformer's is called"


@refused_by(encoder, "shape", NAME)
class MethodMisnamed(Transformer):
    def attention_mask(self, num_tokens, T=None):
        return right_mask(num_tokens, T or int(num_tokens.max()))


@refused_by(encoder, "shape", NAME)
class WrittenAboveTheClass(Transformer):
    """get_attention_mask is a function of the notebook, above the class."""


@refused_by(encoder, "shape", NAME)
class MaskInForward(Transformer):
    def forward(self, idx, *others):
        self.mask = right_mask((idx != -1).sum(1), idx.shape[1])
        return super().forward(idx, *others)


@refused_by(encoder, "shape", "the method is called with num_tokens and T")
class TLeftOut(Transformer):
    def get_attention_mask(self, num_tokens):
        return right_mask(num_tokens, int(num_tokens.max()))


@refused_by(encoder, "shape", "changed the tensor", "work on x.clone()")
class LengthsClampedInPlace(Given):
    def mask(self, num_tokens, T):
        return right_mask(num_tokens.clamp_(max=T - 1), T)


@refused_by(encoder, "shape", "changed the tensor", "work on x.clone()")
class LengthsSortedInPlace(Given):
    def mask(self, num_tokens, T):
        num_tokens[:] = num_tokens.sort().values
        return right_mask(num_tokens, T)


@refused_by(encoder, "shape", "the mask hides padding in training too")
class NoneInTraining(Given):
    def mask(self, num_tokens, T):
        return None if self.training else right_mask(num_tokens, T)


MODE = "the mask must be the same in training and eval mode"


@refused_by(encoder, "columns", MODE)
class EverythingOpenInEval(Given):
    def mask(self, num_tokens, T):
        return right_mask(num_tokens, T) if self.training else torch.ones(len(num_tokens), 1, T, T)


@refused_by(encoder, "columns", MODE)
class LastTokenClosedInEval(Given):
    def mask(self, num_tokens, T):
        return right_mask(num_tokens if self.training else (num_tokens - 1).clamp(min=1), T)


@refused_by(encoder, "padding has no effect", "depends on self.training, and not only dropout")
class ScoresSmoothedInTraining(Given):
    def mask(self, num_tokens, T):
        return right_mask(num_tokens, T)

    def forward(self, idx, *others):
        logits, loss = super().forward(idx, *others)
        return (0.9 * logits if self.training else logits), loss


@refused_by(encoder, "padding has no effect", "depends on self.training, and not only dropout")
class WordsDroppedInTraining(Given):
    """Every word is replaced by the first in training."""

    def mask(self, num_tokens, T):
        return right_mask(num_tokens, T)

    def forward(self, idx, *others):
        return super().forward(torch.where(idx == -1, -1, idx[:, :1]) if self.training else idx, *others)


@refused_by(encoder, "columns", "this is the mask of an earlier call")
class MaskRememberedByTheSum(Given):
    """As many tokens in as many positions: taken for the same batch."""

    def mask(self, num_tokens, T):
        if getattr(self, "key", None) != (int(num_tokens.sum()), T):
            self.key, self.kept = (int(num_tokens.sum()), T), right_mask(num_tokens, T)
        return self.kept


@refused_by(encoder, "columns", "this is the mask of an earlier call")
class MaskRememberedByItsShape(Given):
    def mask(self, num_tokens, T):
        self.kept = {} if not hasattr(self, "kept") else self.kept
        return self.kept.setdefault((len(num_tokens), T), right_mask(num_tokens, T))


COLUMN = "column j of sequence b is open if j < num_tokens[b]"


@refused_by(encoder, "columns", COLUMN)
class OneSequenceGetsOneTokenMore(Given):
    def mask(self, num_tokens, T):
        return right_mask(num_tokens + 1, T) if len(num_tokens) == 1 else right_mask(num_tokens, T)


@refused_by(encoder, "columns", COLUMN)
class AtLeastTwoTokens(Given):
    def mask(self, num_tokens, T):
        return right_mask(num_tokens.clamp(min=2), T)


@refused_by(encoder, "columns", COLUMN)
class NoMaskWhereTheLongestFillsItsRow(Given):
    def mask(self, num_tokens, T):
        if T == num_tokens.max() and len(num_tokens) > 2:
            return right_mask(num_tokens.clamp(min=3), T)
        return right_mask(num_tokens, T)


@refused_by(encoder, "padding has no effect", "the mask that you return is not used")
class WordZeroTakenForPadding(Given):
    def mask(self, num_tokens, T):
        return right_mask(num_tokens, T)

    def forward(self, idx, *others):
        num_tokens = (idx > 0).sum(1)
        self.get_attention_mask = lambda *_: right_mask(num_tokens, idx.shape[1])
        return super().forward(idx, *others)


@refused_by(encoder, "shape", "returns a list", "this is not a tensor yet")
class MaskAsAList(Given):
    def mask(self, num_tokens, T):
        return right_mask(num_tokens, T).tolist()


@refused_by(encoder, "shape", "the mask is as large as block_size")
class BlockSizeWhereTIsNone(Transformer):
    def get_attention_mask(self, num_tokens, T=None):
        return right_mask(num_tokens, T or self.config.block_size)


@refused_by(encoder, "padding has no effect", "leave forward to the class that it inherits from")
class ForwardGivesLogitsAlone(Given):
    def mask(self, num_tokens, T):
        return is_token(num_tokens, T).reshape(-1, 1, 1, T).expand(-1, 1, T, T)

    def forward(self, idx):
        return super().forward(idx)[0]


@refused_by(encoder, "columns", "column j of sequence b is open if j < num_tokens[b], in every row.")
class PaddingOnTheLeft(Given):
    def mask(self, num_tokens, T):
        return is_token(num_tokens, T).flip(-1).reshape(-1, 1, 1, T).expand(-1, 1, T, T)


@refused_by(encoder, "shape", "there is no mask yet that you could change")
class MaskOfTheTransformerFilled(Transformer):
    def get_attention_mask(self, num_tokens, T=None):
        return super().get_attention_mask(num_tokens, T).masked_fill(~is_token(num_tokens, T), 0)


@refused_by(encoder, "columns", COLUMN)
class OpenForASingleSequence(Given):
    def mask(self, num_tokens, T):
        return right_mask(num_tokens, T) if len(num_tokens) > 1 else torch.ones(1, 1, T, T)


@refused_by(encoder, "shape", "holds -1", "a comparison such as `<` or `==` gives only True and False.")
class ClosedByMinusOne(Given):
    def mask(self, num_tokens, T):
        return torch.where(right_mask(num_tokens, T), 1, -1)

"""Wrong answers to notebook 5 that are more than a mistake in a formula; those are registered in the checks."""

import torch
from torch import nn

from answers import refused_by
from ninelives.checks.decoder import Given, causal_mask, decoder
from ninelives.model import Encoder, Transformer


@refused_by(causal_mask, "values", "not written yet", "run its cell again, then this check")
def nothing_written(T):
    raise NotImplementedError()


@refused_by(causal_mask, "values", "the function has no `return`.")
def return_forgotten(T):
    torch.tril(torch.ones(T, T))


@refused_by(causal_mask, "values", "so it needs a matrix: torch.ones(T, T).")
def triangle_of_a_number(T):
    return torch.tril(T)


@refused_by(causal_mask, "values", "so it needs a matrix: torch.ones(T, T).")
def triangle_of_a_shape(T):
    return torch.tril((T, T))


@refused_by(causal_mask, "values", "−∞ belongs in the scores")
def ready_to_be_added(T):
    return torch.full((T, T), float("-inf")).triu(1)


@refused_by(causal_mask, "values", "nothing is drawn, counted or divided.")
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


@refused_by(decoder, "shape", "returns nothing (None)", "the function has no `return`.")
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


@refused_by(decoder, "shape", "which meets the axis of the heads. It is the same for all sequences")
class BatchOfTriangles(Given):
    def get_attention_mask(self, num_tokens, T=None):
        mask = self.encoder_mask(num_tokens, T)
        return mask & torch.ones(len(num_tokens), *mask.shape[2:]).tril().bool()


@refused_by(decoder, "shape", "`super()` takes nothing, and the method after it does")
class ArgumentsOfSuper(Given):
    def get_attention_mask(self, num_tokens, T=None):
        return super(num_tokens, T).tril()


@refused_by(decoder, "shape", "Take it, and pass it on: super()")
class TNotPassedOn(Given):
    def get_attention_mask(self, num_tokens, T=None):
        return self.encoder_mask(num_tokens, None).tril()


@refused_by(decoder, "shape", "take the size of the encoder's mask, mask.shape[-1]")
class TriangleOfNone(Given):
    def get_attention_mask(self, num_tokens, T=None):
        return self.encoder_mask(num_tokens, T) & torch.ones(T, T).tril().bool()


@refused_by(decoder, "shape", "and torch.ones makes floats: multiply the two")
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


@refused_by(decoder, "shape", "two masks are added, or joined with `@`")
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


@refused_by(decoder, "padding", "both masks must allow a position: the encoder's and the triangle.")
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


def right_mask(module, num_tokens, T):
    """(B, 1, T, T)."""
    return Given.encoder_mask(module, num_tokens, T).tril()


@refused_by(causal_mask, "values", "a function outside a class has no `self`")
def self_outside_a_class(self, T):
    return torch.ones(T, T).tril()


@refused_by(causal_mask, "values", "`tril` keeps a part of a matrix")
def triangle_of_a_row(T):
    return torch.tril(torch.ones(T))


@refused_by(causal_mask, "values", "`range(i)` and `[:i]` stop before i")
def rows_filled_in_a_loop(T):
    mask = torch.zeros(T, T)
    for i in range(T):
        for j in range(i):
            mask[i, j] = 1
    return mask


@refused_by(causal_mask, "values", "print the shape after each of your lines")
def kept_from_the_first_call(T, kept={}):  # noqa: B006, the mistake
    return kept.setdefault("mask", torch.ones(T, T).tril())


@refused_by(causal_mask, "values", "print the shape after each of your lines")
def one_for_short_and_one_for_long_rows(T, kept={}):  # noqa: B006, the mistake
    return kept.setdefault(T > 4, torch.ones(T, T).tril())


@refused_by(causal_mask, "values", "column j of row i is open if j <= i.")
def one_tensor_for_all_calls(T, page=torch.zeros(20, 20)):  # noqa: B008, the mistake
    """What is returned is a piece of a page that the next call overwrites."""
    page.zero_()
    page[:T, :T] = torch.ones(T, T).tril()
    return page[:T, :T]


@refused_by(causal_mask, "values", "column j of row i is open if j <= i.")
def at_most_eight_positions_back(T):
    return torch.ones(T, T).tril().triu(-7)


@refused_by(causal_mask, "values", "column j of row i is open if j <= i.")
def two_positions_taken_for_one(T):
    return torch.eye(T) if T == 2 else torch.ones(T, T).tril()


@refused_by(decoder, "shape", "exactly the name get_attention_mask")
class MethodMisnamed(Encoder):
    def attention_mask(self, num_tokens, T=None):
        return super().get_attention_mask(num_tokens, T).tril()


@refused_by(decoder, "shape", "exactly the name get_attention_mask")
class NothingWrittenIntoTheClass(Encoder):
    pass


@refused_by(decoder, "shape", "is called on the class, which takes your first argument for self")
class CalledOnTheClass(Encoder):
    def get_attention_mask(self, num_tokens, T=None):
        return Encoder.get_attention_mask(num_tokens, T).tril()


@refused_by(decoder, "shape", "`T=None`, and pass it on")
class TWithoutDefault(Given):
    def get_attention_mask(self, num_tokens, T):
        return right_mask(self, num_tokens, T)


@refused_by(decoder, "shape", "must be as large as the encoder's mask")
class LongestLengthForASize(Given):
    def get_attention_mask(self, num_tokens, T=None):
        longest = int(num_tokens.max())
        return self.encoder_mask(num_tokens, T) * torch.ones(longest, longest).tril()


@refused_by(decoder, "shape", "holds a length for each sequence: causal_mask(mask.shape[-1])")
class LengthsForASize(Given):
    def get_attention_mask(self, num_tokens, T=None):
        return self.encoder_mask(num_tokens, T) * torch.ones(num_tokens, num_tokens).tril()


@refused_by(decoder, "shape", "holds a length for each sequence: causal_mask(mask.shape[-1])")
class LengthsForARange(Given):
    def get_attention_mask(self, num_tokens, T=None):
        position = torch.arange(num_tokens)
        return self.encoder_mask(num_tokens, T) & (position <= position.unsqueeze(1))


@refused_by(decoder, "shape", "take the size of the encoder's mask, mask.shape[-1]")
class RangeOfNone(Given):
    def get_attention_mask(self, num_tokens, T=None):
        position = torch.arange(T)
        return self.encoder_mask(num_tokens, T) & (position <= position.unsqueeze(1))


@refused_by(decoder, "shape", "take the size of the encoder's mask, mask.shape[-1]")
class UnitMatrixOfNone(Given):
    def get_attention_mask(self, num_tokens, T=None):
        return self.encoder_mask(num_tokens, T) * torch.eye(T).cumsum(0)


@refused_by(decoder, "shape", "its rows share one memory")
class ClosedInPlace(Given):
    def get_attention_mask(self, num_tokens, T=None):
        return self.encoder_mask(num_tokens, T).tril_()


@refused_by(decoder, "triangle", "what is written into one row is in all")
class WrittenIntoSharedRows(Given):
    def get_attention_mask(self, num_tokens, T=None):
        mask = self.encoder_mask(num_tokens, T)
        mask[:, :, torch.ones(mask.shape[-1], mask.shape[-1]).tril() == 0] = 0
        return mask


@refused_by(decoder, "shape", "changed the tensor", "work on x.clone()")
class LengthsClampedInPlace(Given):
    def get_attention_mask(self, num_tokens, T=None):
        return right_mask(self, num_tokens.clamp_(max=2), T)


@refused_by(decoder, "shape", "changed the tensor", "work on x.clone()")
class LengthsChangedInPlace(Given):
    def get_attention_mask(self, num_tokens, T=None):
        mask = right_mask(self, num_tokens, T)
        num_tokens += 1
        return mask


@refused_by(decoder, "shape", "changed the tensor", "work on x.clone()")
class LengthsSortedInPlace(Given):
    def get_attention_mask(self, num_tokens, T=None):
        num_tokens[:] = num_tokens.sort().values
        return right_mask(self, num_tokens, T)


@refused_by(decoder, "shape", "the mask hides padding in training too")
class NoneInTraining(Given):
    def get_attention_mask(self, num_tokens, T=None):
        return None if self.training else right_mask(self, num_tokens, T)


@refused_by(decoder, "triangle", "the mask must be the same in training and eval mode")
class EverythingOpenInEval(Given):
    """"The mask is for training.\""""

    def get_attention_mask(self, num_tokens, T=None):
        mask = self.encoder_mask(num_tokens, T)
        return mask.tril() if self.training else mask


@refused_by(decoder, "padding", "the mask must be the same in training and eval mode")
class PaddingOpenInEval(Given):
    def get_attention_mask(self, num_tokens, T=None):
        mask = self.encoder_mask(num_tokens, T)
        return mask.tril() if self.training else torch.ones_like(mask).tril()


@refused_by(decoder, "leak", "depends on self.training, and not only dropout")
class ScoresSharpenedInTraining(Given):
    def get_attention_mask(self, num_tokens, T=None):
        return right_mask(self, num_tokens, T)

    def forward(self, idx, *others):
        logits, loss = super().forward(idx, *others)
        return (2 * logits if self.training else logits), loss


@refused_by(decoder, "triangle", "column j of row i is open if j <= i.")
class MaskRemembered(Given):
    def get_attention_mask(self, num_tokens, T=None):
        if getattr(self, "kept", None) is None or T is None or self.kept.shape[-1] != T:
            self.kept = right_mask(self, num_tokens, T)
        return self.kept


@refused_by(decoder, "triangle", "column j of row i is open if j <= i.")
class MaskRememberedByTheSum(Given):
    def get_attention_mask(self, num_tokens, T=None):
        key = (int(num_tokens.sum()), T)
        if getattr(self, "key", None) != key:
            self.key, self.kept = key, right_mask(self, num_tokens, T)
        return self.kept


@refused_by(decoder, "triangle", "column j of row i is open if j <= i.")
class MaskRememberedByTheLongest(Given):
    def get_attention_mask(self, num_tokens, T=None):
        self.kept = getattr(self, "kept", {})
        return self.kept.setdefault((len(num_tokens), int(num_tokens.max()), T), right_mask(self, num_tokens, T))


@refused_by(decoder, "triangle", "each token attends to itself and to nothing else.")
class TwoPositionsTakenForOne(Given):
    def get_attention_mask(self, num_tokens, T=None):
        mask = right_mask(self, num_tokens, T)
        return mask & torch.eye(2).bool() if mask.shape[-1] == 2 else mask


@refused_by(decoder, "triangle", "every token attends to all later ones: the triangle is missing.")
class OneSequenceReadsAhead(Given):
    def get_attention_mask(self, num_tokens, T=None):
        mask = self.encoder_mask(num_tokens, T)
        return mask if len(mask) == 1 else mask.tril()


@refused_by(decoder, "padding", "both masks must allow a position: the encoder's and the triangle.")
class OneSequenceNeedsNoLength(Given):
    def get_attention_mask(self, num_tokens, T=None):
        mask = self.encoder_mask(num_tokens, T)
        return torch.ones_like(mask).tril() if len(mask) == 1 else mask.tril()


@refused_by(causal_mask, "values", "holds just ones and zeros, and so does a comparison of positions")
def numbers_kept(T):
    return torch.arange(T * T).reshape(T, T).tril()


@refused_by(decoder, "shape", "two masks are added, or joined with `@`")
class JoinedByAMatrixProduct(Given):
    def get_attention_mask(self, num_tokens, T=None):
        mask = super().get_attention_mask(num_tokens, T).float()
        return mask @ torch.ones(mask.shape[-1], mask.shape[-1]).tril()


def triangle(T):
    return torch.ones(T, T).tril()


@refused_by(decoder, "shape", "is a function of its own, not a part of the class: call it without")
class FunctionTakenForAMethod(Given):
    def get_attention_mask(self, num_tokens, T=None):
        mask = super().get_attention_mask(num_tokens, T)
        return mask * self.triangle(mask.shape[-1])


@refused_by(decoder, "shape", "is Encoder the base, `class Decoder(Encoder)`?")
class DerivedFromTheTransformer(Transformer):
    def get_attention_mask(self, num_tokens, T=None):
        mask = super().get_attention_mask(num_tokens, T)
        return mask * triangle(mask.shape[-1])

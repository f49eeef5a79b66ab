"""Notebook 5: what a causal mask and the decoder's mask must do."""

import torch

from ninelives.checks.encoder import (
    UNUSED,
    ask,
    cases,
    fits_mask_shape,
    loop_mask,
    mask_of,
    padded_ids,
    scores_of,
    want_no_empty_row,
    want_padding_without_effect,
    want_zeros_and_ones,
    whole_model,
)
from ninelives.checks.exercise import CheckFailed, Exercise, build, want_shape
from ninelives.figures import wanted_and_yours

causal_mask = Exercise("causal_mask")
decoder = Exercise("Decoder")

MASK = "Decoder.get_attention_mask"


def loop_triangle(T: int) -> torch.Tensor:
    """(T, T) bool: the reference, cell by cell."""
    return torch.tensor([[column <= row for column in range(T)] for row in range(T)])


@causal_mask.aspect("values")
def _(answer, seed):
    for T in (5 + seed % 3, 1, 9):
        result = ask(answer, T, what="causal_mask")
        want_shape(result, (T, T), "(T, T)", f"causal_mask({T})", causes={
            (T,): "this is one row. Each of the T words has a row of its own.",
            (1, T, T): "no axis for the batch here: the triangle is the same for all sequences.",
            (1, 1, T, T): "no axes for batch and heads here: broadcasting adds them when the masks are combined.",
        })
        want_zeros_and_ones(result, f"causal_mask({T})")
        if torch.equal(result.bool(), loop_triangle(T)):
            continue
        raise CheckFailed(
            f"the rows of causal_mask({T}) are {result.int().tolist()}." if T < 6 else
            f"the first rows of causal_mask({T}) are {result[:3].int().tolist()}.",
            "row i is open from place 0 to place i, and closed behind it.",
            triangle_cause(result.bool(), torch.ones(T, T, dtype=torch.bool)),
            picture=lambda: wanted_and_yours(loop_triangle(T).int(), result.int(), caption="The causal mask: wanted, and yours"),
        )


def triangle_cause(seen: torch.Tensor, open_to_encoder: torch.Tensor) -> str:
    """Which known mistake gives this mask (…, T, T), when the encoder's mask is the other."""
    T = seen.shape[-1]
    triangle, future = loop_triangle(T), ~loop_triangle(T)
    candidates = [
        (open_to_encoder, "nothing is closed behind a word: the triangle is missing."),
        (open_to_encoder & triangle.T, "this is the upper triangle (`triu`): each word sees what comes after it. The lower one is `tril`."),
        (open_to_encoder & future, "1 and 0 have changed places: 1 (True) means may attend."),
        (open_to_encoder & ~triangle.T, "the diagonal is closed: a word may see itself. `tril` without a second argument keeps the diagonal."),
        (open_to_encoder & torch.ones(T, T, dtype=torch.bool).tril(1), "one place too many is open: each word sees the one after it, which it is to predict."),
        (open_to_encoder & torch.eye(T, dtype=torch.bool), "each word sees itself and nothing else."),
        (open_to_encoder & (torch.arange(T) == 0), "only the first column is open: `tril` was taken of a mask with a single row. Expand the rows to T first."),
        (open_to_encoder | triangle, "the two masks are joined by or. Both must allow a place: `&`, or multiply."),
        (torch.zeros_like(seen), "everything is closed: `tril` keeps what is there, so start from ones, not from zeros."),
    ]
    for mistake, cause in candidates:
        if torch.equal(seen, mistake.expand_as(seen)):
            return cause
    return "open where the column is not behind the row: j <= i."


@decoder.aspect("shape")
def _(answer, seed):
    for num_tokens, T, config in cases(seed):
        module = build(answer, config)
        B, longest = len(num_tokens), int(num_tokens.max())
        want_full_rows(ask(module.get_attention_mask, num_tokens, T, what=MASK), B, T, MASK)
        mask_of(module, num_tokens, T, config, MASK)
        without = ask(module.get_attention_mask, num_tokens, what=f"{MASK} without T")
        want_full_rows(without, B, longest, f"{MASK} without T")
        fits_mask_shape(without, B, longest, config, f"{MASK} without T", num_tokens)


def want_full_rows(result: torch.Tensor, B: int, T: int, what: str) -> None:
    """Refuse a mask with one row for all: a decoder's rows differ."""
    if isinstance(result, torch.Tensor) and tuple(result.shape) == (B, 1, 1, T) and T > 1:
        raise CheckFailed(
            f"{what} has shape {(B, 1, 1, T)}.",
            f"{(B, 1, T, T)}, that is (B, 1, T, T).",
            "one row serves all words, but in a decoder every word has a row of its own. If your encoder's mask is "
            "that short, expand it to (B, 1, T, T) before you make it causal.",
        )


@decoder.aspect("triangle")
def _(answer, seed):
    for num_tokens, T, config in cases(seed):
        mask = mask_of(build(answer, config), num_tokens, T, config, MASK)
        wanted = loop_mask(num_tokens, T) & loop_triangle(T)
        for b, n in enumerate(num_tokens.tolist()):
            yours = mask[b, :, :n, :n]  # the words among themselves; padding is another check's
            if (yours == wanted[b, :, :n, :n]).all():
                continue
            row = int((yours != wanted[b, :, :n, :n]).any(0).any(1).int().argmax())
            raise CheckFailed(
                f"row {row} of sequence {b}, which has {n} tokens, is {mask[b, 0, row].int().tolist()}.",
                f"{wanted[b, 0, row].int().tolist()}: open from place 0 to place {row}.",
                triangle_cause(mask, loop_mask(num_tokens, T)),
                picture=lambda: wanted_and_yours(wanted[b, 0].int(), mask[b, 0].int(), caption=f"The mask of sequence {b}: wanted, and yours"),
            )


@decoder.aspect("padding")
def _(answer, seed):
    for num_tokens, T, config in cases(seed):
        mask = mask_of(build(answer, config), num_tokens, T, config, MASK)
        wanted = loop_mask(num_tokens, T) & loop_triangle(T)
        upper = torch.equal(mask, (loop_mask(num_tokens, T) & loop_triangle(T).T).expand_as(mask))
        want_no_empty_row(mask, num_tokens, wanted, triangle_cause(mask, loop_mask(num_tokens, T)) if upper else None)
        open_to_padding = mask & ~loop_mask(num_tokens, T)
        if not (open_to_padding & ~torch.eye(T, dtype=torch.bool)).any():
            continue
        b, _, row, column = open_to_padding.nonzero()[0].tolist()
        raise CheckFailed(
            f"sequence {b} has {num_tokens[b]} tokens, and row {row} of its mask is open for place {column}, which is padding.",
            "a mask that is closed for padding, as the encoder's is, and causal on top of that.",
            "the triangle alone is there and the lengths are lost: take the encoder's mask, super().get_attention_mask(…), "
            "and close in it what lies above the diagonal."
            if torch.equal(mask, loop_triangle(T).expand_as(mask))
            else "both masks must allow a place: the encoder's and the triangle.",
            picture=lambda: wanted_and_yours(wanted[b, 0].int(), mask[b, 0].int(), caption=f"The mask of sequence {b}: wanted, and yours"),
        )


@decoder.aspect("leak")
def _(answer, seed):
    num_tokens, T, config = cases(seed)[0]
    model = whole_model(answer, config, "Decoder", "Encoder")
    idx = padded_ids(num_tokens, T, config.vocab_size, seed)
    scores = scores_of(model, idx, config, "Decoder")
    b = int(num_tokens.argmax())
    for place in range(1, int(num_tokens[b])):
        changed = idx.clone()
        changed[b, place] = UNUSED + (idx[b, place] - UNUSED + 1) % 7
        moved = (scores_of(model, changed, config, "Decoder") - scores)[b].abs().amax(-1)  # (T,)
        if moved[:place].max() > 1e-9:
            raise CheckFailed(
                f"another word at place {place} moves the scores at place {int(moved[:place].argmax())} by {moved[:place].max():.2g}.",
                "no change before the place that has changed.",
                "the mask is open somewhere above the diagonal, or it is not used, or the model mixes words elsewhere too.",
            )
        if moved[place : num_tokens[b]].min() < 1e-9:
            raise CheckFailed(
                f"another word at place {place} changes nothing at place {place + int(moved[place : num_tokens[b]].argmin())}.",
                "a change there: each word reads itself and all that stands before it.",
                "the mask closes more than the future.",
            )
    want_padding_without_effect(model, idx, scores, config, "Decoder")

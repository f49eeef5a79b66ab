"""Notebook 5: what a causal mask and the decoder's mask must do."""

import torch

from ninelives import model
from ninelives.checks.encoder import (
    EMPTY_ROW,
    MASK_HINTS,
    another_word,
    cases,
    loop_mask,
    mask_of,
    padded_ids,
    same_mask,
    scores_of,
    want_mask,
    want_mask_shape,
    want_no_empty_row,
    want_padding_without_effect,
    want_zeros_and_ones,
    whole_model,
)
from ninelives.checks.exercise import CheckFailed, Exercise, build, ids, run
from ninelives.config import TransformerConfig

causal_mask = Exercise("causal_mask", error_hints=MASK_HINTS)
decoder = Exercise("Decoder", error_hints=MASK_HINTS)

MASK = "Decoder.get_attention_mask"
TRIANGLE = "column j of row i is open if j <= i."


@causal_mask.mistake("values", "this is one row. Each of the T tokens has its own row.")
def one_row(T):
    return torch.ones(T)


@causal_mask.mistake("values", "no axis for the batch here: the triangle is the same for all sequences.")
def batch_axis_added(T):
    return torch.ones(1, T, T).tril()


@causal_mask.mistake("values", "no axes for batch and heads here: broadcasting adds them when the two masks are "
                               "combined.")
def batch_and_head_axes_added(T):
    return torch.ones(1, 1, T, T).tril()


@causal_mask.mistake("values", "every token attends to all later ones: the triangle is missing.")
def everything_open(T):
    return torch.ones(T, T)


@causal_mask.mistake("values", "this is the upper triangle (`triu`): each token attends to the later ones. The lower "
                               "one is `tril`.")
def upper_triangle(T):
    return torch.triu(torch.ones(T, T))


@causal_mask.mistake("values", "1 and 0 are swapped: 1 (True) means may attend.")
def one_means_hidden(T):
    return torch.triu(torch.ones(T, T), diagonal=1)


@causal_mask.mistake("values", "the diagonal is closed: a token may attend to itself. `tril` without a second "
                               "argument keeps the diagonal.")
def without_the_diagonal(T):
    return torch.tril(torch.ones(T, T), diagonal=-1)


@causal_mask.mistake("values", "one position too many is open: each token attends to the next one, which it must "
                               "predict.")
def one_position_ahead(T):
    return torch.tril(torch.ones(T, T), diagonal=1)


@causal_mask.mistake("values", "each token attends to itself and to nothing else.")
def diagonal_only(T):
    return torch.eye(T)


@causal_mask.mistake("values", "everything is closed: `tril` keeps the numbers that are there, so start from ones, "
                               "not from zeros.")
def triangle_of_zeros(T):
    return torch.tril(torch.zeros(T, T))


class Given(model.Encoder):
    """The package's encoder, whose mask is (B, 1, T, T)."""

    def encoder_mask(self, num_tokens, T):
        return super().get_attention_mask(num_tokens, T)


@decoder.mistake("triangle", "the two masks are joined by or. Both must allow a position: `&`, or multiply.")
class EitherOfTheMasks(Given):
    def get_attention_mask(self, num_tokens, T=None):
        mask = self.encoder_mask(num_tokens, T)
        return mask | torch.ones_like(mask).tril()


@decoder.mistake("triangle", "only the first column is open: `tril` was taken of a mask with a single row. Expand the "
                             "rows to T first.")
class ExpandedAfterTheTriangle(Given):
    def get_attention_mask(self, num_tokens, T=None):
        short = self.encoder_mask(num_tokens, T)[:, :, :1]  # (B, 1, 1, T)
        return short.tril().expand(-1, 1, short.shape[-1], -1)


@decoder.mistake("padding", "this is the triangle alone, without the lengths: take the encoder's mask, "
                            "super().get_attention_mask(…), and close everything above the diagonal in it.")
class LengthsLost(Given):
    def get_attention_mask(self, num_tokens, T=None):
        return torch.ones_like(self.encoder_mask(num_tokens, T)).tril()


def loop_triangle(T: int) -> torch.Tensor:
    """(T, T) bool: the reference, cell by cell."""
    return torch.tensor([[column <= row for column in range(T)] for row in range(T)])


@causal_mask.aspect("values")
def is_open_up_to_the_diagonal(answer, seed):
    for T in (5 + seed % 3, 1, 9):
        want_triangle(run(answer, T, what="causal_mask"), T)


def want_triangle(result: torch.Tensor, T: int) -> None:
    """Refuse anything but a lower triangle (T, T) of ones, of any dtype."""
    causal_mask.want_shape(result, (T, T), "(T, T)", f"causal_mask({T})", (T,))
    want_zeros_and_ones(result, f"causal_mask({T})")
    causal_mask.want_values(
        result, loop_triangle(T), (T,), what=lambda row: f"row {row} of causal_mask({T}) is",
        otherwise=TRIANGLE, caption="The causal mask: wanted, and yours",
        meaning=": row i is open from position 0 to position i", row_of=ids,
    )


def triangle_cause(mask: torch.Tensor, num_tokens: torch.Tensor, otherwise: str) -> str:
    """The known mistake in a triangle that gives this mask together with the encoder's."""
    T = mask.shape[-1]
    return causal_mask.likely_cause(
        mask, (T,), otherwise, same_mask,
        make=lambda mistake: lambda T: loop_mask(num_tokens, T) & mistake(T).bool().reshape(T, T),
    )


@decoder.aspect("shape")
def has_a_row_and_a_column_for_every_position(answer, seed):
    for num_tokens, T, config in cases(seed):
        module = build(answer, config)
        B, longest = len(num_tokens), int(num_tokens.max())
        want_full_rows(run(module.get_attention_mask, num_tokens, T, what=MASK), B, T, MASK)
        mask_of(module, num_tokens, T, config, MASK)
        without = run(module.get_attention_mask, num_tokens, what=f"{MASK} without T")
        want_full_rows(without, B, longest, f"{MASK} without T")
        want_mask_shape(without, (num_tokens,), config, f"{MASK} without T")


def want_full_rows(result: torch.Tensor, B: int, T: int, what: str) -> None:
    """Refuse a mask with one row for all: a decoder's rows differ."""
    if isinstance(result, torch.Tensor) and tuple(result.shape) == (B, 1, 1, T) and T > 1:
        raise CheckFailed(
            f"{what} has shape {(B, 1, 1, T)}.",
            f"{(B, 1, T, T)}, that is (B, 1, T, T).",
            "one row serves all tokens, but in a decoder every token has its own row. If your encoder's mask is "
            "that short, expand it to (B, 1, T, T) before you make it causal.",
        )


@decoder.aspect("triangle")
def lets_no_token_attend_to_a_later_one(answer, seed):
    for num_tokens, T, config in cases(seed):
        mask = mask_of(build(answer, config), num_tokens, T, config, MASK)
        want_causal(mask, num_tokens, config)


def want_causal(mask: torch.Tensor, num_tokens: torch.Tensor, config: TransformerConfig) -> None:
    """Refuse a mask in which a token attends to a later token, or not to itself and those before it."""
    T = mask.shape[-1]
    is_token = loop_mask(num_tokens, T)  # (B, 1, T, T)
    want_mask(
        decoder, mask, is_token & loop_triangle(T), is_token & is_token.transpose(2, 3), num_tokens, config,
        meaning=": open from position 0 to that of the row",
        otherwise=lambda: triangle_cause(mask, num_tokens, TRIANGLE),
    )


@decoder.aspect("padding")
def lets_nothing_attend_to_padding(answer, seed):
    for num_tokens, T, config in cases(seed):
        mask = mask_of(build(answer, config), num_tokens, T, config, MASK)
        want_padding_closed(mask, num_tokens, config)


def want_padding_closed(mask: torch.Tensor, num_tokens: torch.Tensor, config: TransformerConfig) -> None:
    """Refuse a mask with an empty row, or one in which another position attends to padding."""
    T = mask.shape[-1]
    is_token = loop_mask(num_tokens, T)  # (B, 1, T, T)
    wanted = is_token & loop_triangle(T)
    want_no_empty_row(
        decoder, mask, wanted, num_tokens, config, otherwise=lambda: triangle_cause(mask, num_tokens, EMPTY_ROW)
    )
    want_mask(
        decoder, mask, wanted, ~is_token & ~torch.eye(T, dtype=torch.bool), num_tokens, config,
        meaning=": closed for padding, as in the encoder's mask, and causal",
        otherwise="both masks must allow a position: the encoder's and the triangle.",
    )


@decoder.aspect("leak")
def no_output_depends_on_a_later_token(answer, seed):
    num_tokens, T, config = cases(seed)[0]
    module = whole_model(answer, config, "Decoder", "Encoder")
    idx = padded_ids(num_tokens, T, config.vocab_size, seed)
    scores = scores_of(module, idx, config, "Decoder")
    b = int(num_tokens.argmax())
    for position in range(1, int(num_tokens[b])):
        changed = idx.clone()
        changed[b, position] = another_word(idx[b, position])
        moved = (scores_of(module, changed, config, "Decoder") - scores)[b].abs().amax(-1)  # (T,)
        if moved[:position].max() > 1e-9:
            raise CheckFailed(
                f"another word at position {position} moves the scores at position {int(moved[:position].argmax())} "
                f"by {moved[:position].max():.2g}.",
                "no change before the position that has changed.",
                "the mask is open above the diagonal, or it is not used, or the model mixes tokens elsewhere too.",
            )
        if moved[position : num_tokens[b]].min() < 1e-9:
            raise CheckFailed(
                f"another word at position {position} changes nothing at position "
                f"{position + int(moved[position : num_tokens[b]].argmin())}.",
                "a change there: each token attends to itself and to all before it.",
                "the mask closes more than the future.",
            )
    want_padding_without_effect(module, idx, scores, config, "Decoder")

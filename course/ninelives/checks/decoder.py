"""Notebook 5: what the decoder's mask must do."""

import torch
from torch import nn

from ninelives import model
from ninelives.checks.causal_mask import TRIANGLE, causal_mask, loop_triangle, prefix_mask
from ninelives.checks.encoder import (
    EMPTY_ROW,
    MODE,
    another_word,
    cases,
    loop_mask,
    mask_of,
    padded_ids,
    scores_of,
    want_mask,
    want_mask_shape,
    want_no_empty_row,
    want_padding_without_effect,
    want_the_same_in_training,
    whole_model,
)
from ninelives.checks.exercise import CheckFailed, Exercise, build, in_case, run
from ninelives.checks.future_leak import future_leak
from ninelives.checks.masks import MASK_HINTS, same_mask
from ninelives.config import TransformerConfig

__all__ = ["Given", "causal_mask", "decoder", "future_leak", "prefix_mask"]

BASE = "a mask is None. Transformer returns None, Encoder a mask: is Encoder the base, `class Decoder(Encoder)`?"
SIZE_OF_THE_ENCODERS = ("T is None when it is left out, and None is no size: take the size of the encoder's mask, "
                        "mask.shape[-1].")
LENGTHS_FOR_A_SIZE = "a size is one number, and num_tokens holds a length for each sequence: causal_mask(mask.shape[-1])."

decoder = Exercise("Decoder", error_hints=MASK_HINTS | {
    "missing 1 required positional argument: 'T'":
        "give T a default, `T=None`, and pass it on: super().get_attention_mask(num_tokens, T).",
    "super() argument 1 must be a type":
        "`super()` takes nothing, and the method after it does: super().get_attention_mask(num_tokens, T).",
    "must match the size of tensor b":
        "the two masks are of different sizes. The triangle must be as large as the encoder's mask: mask.shape[-1].",
    "must be Tensor, not NoneType": BASE,
    "'NoneType' and 'Tensor'": BASE, "'NoneType' object has no attribute": BASE,
    "ones() takes 1 positional argument": SIZE_OF_THE_ENCODERS,
    "zeros() takes 1 positional argument": SIZE_OF_THE_ENCODERS,
    "must be Number, not NoneType": SIZE_OF_THE_ENCODERS,
    "must be int, not NoneType": SIZE_OF_THE_ENCODERS,
    "'NoneType' object cannot be interpreted": SIZE_OF_THE_ENCODERS,
    "not Tensor": LENGTHS_FOR_A_SIZE,
})

MASK = "Decoder.get_attention_mask"


class Given(model.Encoder):
    """The package's encoder, whose mask is (B, 1, T, T)."""

    def encoder_mask(self, num_tokens, T):
        return super().get_attention_mask(num_tokens, T)


@decoder.mistake("triangle", "the two masks are joined by or. Both must allow a position: `&`, or multiply.")
class EitherOfTheMasks(Given):
    def get_attention_mask(self, num_tokens, T=None):
        mask = self.encoder_mask(num_tokens, T)
        return mask | torch.ones_like(mask).tril()


ONE_ROW_REPEATED = (
    "only the first column is open: the encoder's mask has a single row, or one that `expand` repeats without copying, and "
    "what is written into one row is in all. Do not write into it: make a new mask, `mask & …` or `torch.tril(…)` of T rows."
)


@decoder.mistake("triangle", ONE_ROW_REPEATED)
class ExpandedAfterTheTriangle(Given):
    def get_attention_mask(self, num_tokens, T=None):
        short = self.encoder_mask(num_tokens, T)[:, :, :1]  # (B, 1, 1, T)
        return short.tril().expand(-1, 1, short.shape[-1], -1)


@decoder.mistake("padding", "this is the triangle alone, without the lengths: take the encoder's mask, "
                            "super().get_attention_mask(…), and close everything above the diagonal in it.")
class LengthsLost(Given):
    def get_attention_mask(self, num_tokens, T=None):
        return torch.ones_like(self.encoder_mask(num_tokens, T)).tril()


NOT_EVEN_ITSELF = ("padding attends to itself. Nothing may attend to padding, not even padding itself: both masks must allow a position, in every "
                   "row.")


@decoder.mistake("padding", NOT_EVEN_ITSELF)
class PaddingAttendsToItselfAlone(Given):
    def get_attention_mask(self, num_tokens, T=None):
        mask = self.encoder_mask(num_tokens, T).tril()
        T = mask.shape[-1]
        is_token = loop_mask(num_tokens, T).transpose(2, 3)  # (B, 1, T, T), the same in all columns
        return torch.where(is_token, mask, torch.eye(T, dtype=torch.bool))


@decoder.mistake("padding", "the first position of padding is open: the tokens are at 0 … n − 1, so the comparison with the length n is `<`.")
class OnePositionOfPadding(Given):
    def get_attention_mask(self, num_tokens, T=None):
        T = int(num_tokens.max()) if T is None else T
        return (torch.arange(T) <= num_tokens.reshape(-1, 1, 1, 1)) & loop_triangle(T)


@decoder.mistake("padding", NOT_EVEN_ITSELF)
class DiagonalOpenedToo(Given):
    def get_attention_mask(self, num_tokens, T=None):
        mask = self.encoder_mask(num_tokens, T).tril()
        return mask | torch.eye(mask.shape[-1], dtype=torch.bool)


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
        want_own_method(module)
        B, longest = len(num_tokens), int(num_tokens.max())
        ones = {"ones() takes 1 positional argument": LENGTHS_FOR_A_SIZE}
        result = run(module.get_attention_mask, num_tokens, T, what=MASK, error_hints=ones)
        want_full_rows(result, B, T, MASK)
        want_t_passed_on(result, B, T, longest, config.n_head)
        mask_of(module, num_tokens, T, config, MASK)
        without = run(module.get_attention_mask, num_tokens, what=f"{MASK} without T")
        want_full_rows(without, B, longest, f"{MASK} without T")
        want_mask_shape(without, (num_tokens,), config, f"{MASK} without T")


def want_own_method(module: nn.Module) -> None:
    """Refuse a class in which get_attention_mask is that of its base."""
    written_in = next((base for base in type(module).__mro__ if "get_attention_mask" in vars(base)), type(module))
    if written_in is not type(module) and "forward" not in vars(type(module)) and "encoder_mask" not in vars(written_in):
        raise CheckFailed(
            f"{type(module).__name__} has no get_attention_mask of its own: that of {written_in.__name__} is called.",
            "a method get_attention_mask in the class.",
            "the method must be indented inside the class, and have exactly the name get_attention_mask.",
        )


def want_full_rows(result: torch.Tensor, B: int, T: int, what: str) -> None:
    """Refuse a mask with one row for all: a decoder's rows differ."""
    if isinstance(result, torch.Tensor) and tuple(result.shape) == (B, 1, 1, T) and T > 1:
        raise CheckFailed(
            f"{what} has shape {(B, 1, 1, T)}.",
            f"{(B, 1, T, T)}, that is (B, 1, T, T).",
            "one row serves all tokens, but in a decoder every token has its own row. If your encoder's mask is "
            "that short, expand it to (B, 1, T, T) before you make it causal.",
        )


def want_t_passed_on(result: torch.Tensor, B: int, T: int, longest: int, n_head: int) -> None:
    """Refuse a mask that is as large as the longest sequence although T was given, or whose triangle has an axis for the batch."""
    shape = tuple(result.shape) if isinstance(result, torch.Tensor) else ()
    if shape == (B, 1, longest, longest) != (B, 1, T, T):
        cause = "T is given here and is larger than the longest sequence. Take it, and pass it on: super().get_attention_mask(num_tokens, T)."
    elif shape == (B, B, T, T) and B not in (1, n_head):
        cause = "the triangle has an axis for the batch, which meets the axis of the heads. It is the same for all sequences: (T, T)."
    else:
        return
    raise CheckFailed(f"{MASK} has shape {shape}.", f"{(B, 1, T, T)}, that is (B, 1, T, T).", cause)


@decoder.aspect("triangle")
def lets_no_token_attend_to_a_later_one(answer, seed):
    for num_tokens, T, config in cases(seed):
        module = build(answer, config)
        want_causal(mask_of(module, num_tokens, T, config, MASK), num_tokens, config)
        # Other lengths of the same shape, not contiguous: nothing may be kept of the first call.
        other = torch.stack((num_tokens.roll(1), num_tokens), dim=1)[:, 0]
        want_causal(mask_of(module, other, T, config, MASK), other, config)
        with in_case("in eval mode", cause=MODE):
            want_causal(mask_of(module.eval(), num_tokens, T, config, MASK), num_tokens, config)


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
        module = build(answer, config)
        want_padding_closed(mask_of(module, num_tokens, T, config, MASK), num_tokens, config)
        other = num_tokens.roll(1)
        want_padding_closed(mask_of(module, other, T, config, MASK), other, config)
        with in_case("in eval mode", cause=MODE):
            want_padding_closed(mask_of(module.eval(), num_tokens, T, config, MASK), num_tokens, config)


def want_padding_closed(mask: torch.Tensor, num_tokens: torch.Tensor, config: TransformerConfig) -> None:
    """Refuse a mask with an empty row, one in which padding is attended to, or one whose rows of padding differ from the wanted ones."""
    T = mask.shape[-1]
    is_token = loop_mask(num_tokens, T)  # (B, 1, T, T)
    wanted = is_token & loop_triangle(T)
    want_no_empty_row(
        decoder, mask, wanted, num_tokens, config, otherwise=lambda: triangle_cause(mask, num_tokens, EMPTY_ROW)
    )
    want_mask(
        decoder, mask, wanted, ~(is_token & is_token.transpose(2, 3)), num_tokens, config,
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
        for word in (another_word(idx[b, position]), 0, config.vocab_size - 1):
            changed = idx.clone()
            changed[b, position] = word
            moved = (scores_of(module, changed, config, "Decoder") - scores)[b].abs().amax(-1)  # (T,)
            want_change_from(position, moved[: num_tokens[b]])
    want_the_same_in_training(module, idx, scores, config, "Decoder")
    want_padding_without_effect(module, idx, scores, config, "Decoder")


def want_change_from(position: int, moved: torch.Tensor) -> None:
    """Refuse scores that move before the position that has changed, or not from there on; `moved` (n,) for n tokens."""
    if not moved[:position].max() <= 1e-9:
        raise CheckFailed(
            f"another word at position {position} moves the scores at position {int(moved[:position].argmax())} "
            f"by {moved[:position].max():.2g}.",
            "no change before the position that has changed.",
            "the mask is open above the diagonal, or it is not used, or the model mixes tokens elsewhere too.",
        )
    if not moved[position:].min() >= 1e-9:
        raise CheckFailed(
            f"another word at position {position} changes nothing at position {position + int(moved[position:].argmin())}.",
            "a change there: each token attends to itself and to all before it.",
            "the mask closes more than the future.",
        )

"""Notebook 4: what the encoder's mask must do."""

from collections.abc import Callable

import torch
from torch import nn

from ninelives import model
from ninelives.checks.exercise import (
    CheckFailed,
    Exercise,
    build,
    counted,
    ids,
    in_case,
    run,
    want_pair,
    want_shape,
    want_tensor,
)
from ninelives.checks.masks import MASK_HINTS, same_mask, want_zeros_and_ones
from ninelives.checks.packed_mask import packed_mask
from ninelives.config import TransformerConfig
from ninelives.figures import wanted_and_yours

__all__ = [
    "another_word", "cases", "encoder", "loop_mask", "mask_of", "packed_mask", "padded_ids", "scores_of", "want_mask",
    "want_mask_shape", "want_no_empty_row", "want_own_method", "want_padding_without_effect", "whole_model",
]

encoder = Exercise("Encoder", error_hints=MASK_HINTS | {
    "missing 1 required positional argument: 'T'":
        "give T a default, `T=None`; when it is None, take the largest length.",
    "must match the size of tensor b":
        "T positions meet B lengths. Give num_tokens the shape (B, 1, 1, 1), so that each length meets each position.",
    "'NoneType' object has no attribute":
        "there is no mask yet that you could change: Transformer's get_attention_mask returns None. Make one, `torch.arange(T) < …`.",
    "must be Number, not NoneType":
        "T is None when it is left out, and None is no size: take the largest of num_tokens then.",
})

MASK = "Encoder.get_attention_mask"
EMPTY_ROW = ("the softmax of a row in which everything is closed is NaN, and NaN spreads. Close columns only: rows of "
             "padding stay open at the tokens.")
COLUMNS = "column j of sequence b is open if j < num_tokens[b], in every row."
MODE = "the mask must be the same in training and eval mode: only dropout depends on the mode."
UNUSED = 4  # the ids below this one, and the last id, occur in no sentence of the checks


def is_token(num_tokens: torch.Tensor, T: int) -> torch.Tensor:
    """(B,) to (B, T) bool."""
    return torch.arange(T) < num_tokens.unsqueeze(1)


class Given(model.Transformer):
    """The given lines of the exercise. Each mistake below is another mask."""

    def get_attention_mask(self, num_tokens, T=None):
        return self.mask(num_tokens, int(num_tokens.max()) if T is None else T)


@encoder.mistake("shape", "three axes: attention would take the sequences for heads. num_tokens needs the shape (B, "
                          "1, 1, 1), so that comparing it with T positions gives four axes.")
class ThreeAxes(Given):
    def mask(self, num_tokens, T):
        return torch.arange(T) < num_tokens.reshape(-1, 1, 1)


@encoder.mistake("shape", "the axis for the heads is missing: attention would take the sequences for heads. "
                          "`unsqueeze(1)` adds it.")
class HeadAxisMissing(Given):
    def mask(self, num_tokens, T):
        return is_token(num_tokens, T).unsqueeze(1).expand(-1, T, T)


@encoder.mistake("shape", "this says which positions hold tokens. Give it an axis for the heads and one for the rows: "
                          "reshape(B, 1, 1, T).")
class TwoAxes(Given):
    def mask(self, num_tokens, T):
        return is_token(num_tokens, T)


@encoder.mistake("shape", "this opens and closes whole rows. The last axis is for the token that is attended to: it "
                          "needs the T positions.")
class RowsByBroadcasting(Given):
    def mask(self, num_tokens, T):
        return is_token(num_tokens, T).reshape(-1, 1, T, 1)


@encoder.mistake("shape", "the sequences are on the axis of the heads: num_tokens needs the shape (B, 1, 1, 1), not (1, B, 1, 1).")
class SequencesAsHeads(Given):
    def mask(self, num_tokens, T):
        return is_token(num_tokens, T).reshape(1, -1, 1, T).expand(-1, -1, T, T)


@encoder.mistake("shape", "the row is repeated along the axis of the heads. The rows are the third axis: `.repeat(1, 1, T, 1)`.")
class RepeatedAlongTheHeads(Given):
    def mask(self, num_tokens, T):
        return is_token(num_tokens, T).reshape(-1, 1, 1, T).expand(-1, T, 1, T)


@encoder.mistake("shape", "the row is repeated along its own axis, so that it has T times too many columns. The rows are the third axis: "
                          "`.repeat(1, 1, T, 1)`.")
class RepeatedAlongTheColumns(Given):
    def mask(self, num_tokens, T):
        return is_token(num_tokens, T).reshape(-1, 1, 1, T).repeat(1, 1, 1, T)


ONE_MASK = "one mask serves the whole batch, but every sequence has its own length."


@encoder.mistake("shape", ONE_MASK)
class OneMaskForTheBatch(Given):
    def mask(self, num_tokens, T):
        return is_token(num_tokens, T)[:1].expand(T, T)


@encoder.mistake("shape", ONE_MASK)
class OneMaskWithFourAxes(Given):
    def mask(self, num_tokens, T):
        return is_token(num_tokens, T)[:1].expand(1, 1, T, T)


T_IGNORED = "T is given here and is larger than the longest sequence: take T, and the largest length only if T is None."


@encoder.mistake("shape", T_IGNORED)
class TIgnored(Given):
    def mask(self, num_tokens, T):
        longest = int(num_tokens.max())
        return is_token(num_tokens, longest).reshape(-1, 1, 1, longest).expand(-1, 1, longest, longest)


@encoder.mistake("shape", T_IGNORED)
class TIgnoredInOneRow(Given):
    def mask(self, num_tokens, T):
        longest = int(num_tokens.max())
        return is_token(num_tokens, longest).reshape(-1, 1, 1, longest)


@encoder.mistake("shape", "T is taken from the number of sequences. It is the number of positions.")
class SequencesTakenForPositions(Given):
    def mask(self, num_tokens, T):
        B = len(num_tokens)
        return is_token(num_tokens, B).reshape(B, 1, 1, B).expand(-1, 1, B, B)


@encoder.mistake("shape", "the mask is as large as block_size. It must be as large as this batch: T.")
class AsLargeAsTheBlockSize(Given):
    def mask(self, num_tokens, T):
        T = self.config.block_size
        return is_token(num_tokens, T).reshape(-1, 1, 1, T).expand(-1, 1, T, T)


@encoder.mistake("columns", "1 and 0 are swapped: 1 (True) means may attend, and `<` is true for the tokens.")
class OneMeansHidden(Given):
    """The convention of nn.MultiheadAttention."""

    def mask(self, num_tokens, T):
        return ~is_token(num_tokens, T).reshape(-1, 1, 1, T).expand(-1, 1, T, T)


@encoder.mistake("columns", "one position too many is open: positions count from 0, so the tokens are at 0 … n − 1, "
                            "and the comparison is `<`.")
class OnePositionTooMany(Given):
    def mask(self, num_tokens, T):
        return (torch.arange(T) <= num_tokens.reshape(-1, 1, 1, 1)).expand(-1, 1, T, T)


@encoder.mistake("columns", "the last token is closed: positions count from 0, so the tokens are at 0 … n − 1: `< n`.")
class LastTokenClosed(Given):
    def mask(self, num_tokens, T):
        return (torch.arange(T) < num_tokens.reshape(-1, 1, 1, 1) - 1).expand(-1, 1, T, T)


@encoder.mistake("columns", "everything is open: the lengths are not used.")
class EverythingOpen(Given):
    def mask(self, num_tokens, T):
        return torch.ones(len(num_tokens), 1, T, T)


@encoder.mistake("columns", "whole rows are open or closed. Which token is attended to is the last axis, the columns.")
class RowsInsteadOfColumns(Given):
    def mask(self, num_tokens, T):
        return is_token(num_tokens, T).reshape(-1, 1, T, 1).expand(-1, 1, T, T)


@encoder.mistake("columns", "no token attends to a later one. That is the decoder's mask, in the next notebook; an "
                            "encoder reads the whole sentence.")
class Causal(Given):
    def mask(self, num_tokens, T):
        return is_token(num_tokens, T).reshape(-1, 1, 1, T).expand(-1, 1, T, T).tril()


@encoder.mistake("columns", "every sequence gets the length of the first.")
class FirstLengthForAll(Given):
    def mask(self, num_tokens, T):
        return is_token(num_tokens[:1], T).reshape(1, 1, 1, T).expand(len(num_tokens), 1, T, T)


@encoder.mistake("columns", "every sequence gets the length of the longest.")
class LongestLengthForAll(Given):
    def mask(self, num_tokens, T):
        longest = num_tokens.max().expand_as(num_tokens)
        return is_token(longest, T).reshape(-1, 1, 1, T).expand(-1, 1, T, T)


@encoder.mistake("columns", "only the first sequence has a mask: `return` is inside the loop over the sequences.")
class FirstSequenceAlone(Given):
    def mask(self, num_tokens, T):
        first = torch.arange(len(num_tokens)).reshape(-1, 1, 1, 1) == 0  # (B, 1, 1, 1)
        return is_token(num_tokens, T).reshape(-1, 1, 1, T).expand(-1, 1, T, T) & first


NOT_EVEN_PADDING = ("padding attends to padding. Nothing may attend to it, not even padding itself: column j is open only if "
                    "j < num_tokens[b], in every row.")


@encoder.mistake("columns", NOT_EVEN_PADDING)
class DiagonalOpenedToo(Given):
    def mask(self, num_tokens, T):
        return is_token(num_tokens, T).reshape(-1, 1, 1, T) | torch.eye(T, dtype=torch.bool)


@encoder.mistake("columns", NOT_EVEN_PADDING)
class PaddingAttendsToItselfAlone(Given):
    """Rows and columns closed, and the diagonal opened again, so that no row is empty."""

    def mask(self, num_tokens, T):
        tokens = is_token(num_tokens, T)
        return ((tokens.unsqueeze(1) & tokens.unsqueeze(2)) | torch.eye(T, dtype=torch.bool)).unsqueeze(1)


@encoder.mistake("columns", NOT_EVEN_PADDING)
class PaddingAttendsToPadding(Given):
    """Tokens attend to tokens, padding to padding: no row is empty, and padding is attended to."""

    def mask(self, num_tokens, T):
        tokens = is_token(num_tokens, T)
        return (tokens.unsqueeze(1) == tokens.unsqueeze(2)).unsqueeze(1)


ROWS_ALIKE = "the rows of padding differ from the others. The row makes no difference: column j is open if j < num_tokens[b]."


@encoder.mistake("no empty row", ROWS_ALIKE)
class PaddingAttendsToTheFirstTokenAlone(Given):
    def mask(self, num_tokens, T):
        tokens = is_token(num_tokens, T)
        return (tokens.unsqueeze(1) & (tokens.unsqueeze(2) | (torch.arange(T) == 0))).unsqueeze(1)


def padded_ids(num_tokens: torch.Tensor, T: int, vocab_size: int, seed: int) -> torch.Tensor:
    """(B, T) int64: random ids, -1 after each sequence's tokens."""
    generator = torch.Generator().manual_seed(seed)
    idx = torch.randint(UNUSED, vocab_size - 1, (len(num_tokens), T), generator=generator)
    for row, n in enumerate(num_tokens.tolist()):
        idx[row, n:] = -1
    return idx


def cases(seed: int) -> list[tuple[torch.Tensor, int, TransformerConfig]]:
    """Lengths (B,), T and a configuration: all sizes different, then B = n_head, T = head_size, and sizes of 1."""
    ordinary = [([4, 7, 2], 8, 2, 10), ([3, 6, 1, 5, 2], 7, 3, 12), ([2, 6, 5], 9, 4, 20)][seed % 3]
    sizes = (ordinary, ([5, 1], 6, 2, 14), ([2, 4, 3], 4, 2, 8), ([3], 5, 2, 8), ([1, 2], 2, 1, 6), ([1, 1], 1, 3, 6), ([1], 1, 1, 4))
    return [
        (torch.tensor(lengths), T, TransformerConfig(
            vocab_size=29, block_size=17, n_embd=n_embd, n_head=n_head, n_layer=2, dropout=0.0))
        for lengths, T, n_head, n_embd in sizes
    ]


def loop_mask(num_tokens: torch.Tensor, T: int) -> torch.Tensor:
    """(B, 1, T, T) bool: the reference, cell by cell."""
    return torch.tensor([[[[column < n for column in range(T)] for _ in range(T)]] for n in num_tokens.tolist()])


def mask_of(module: nn.Module, num_tokens: torch.Tensor, T: int, config: TransformerConfig, what: str) -> torch.Tensor:
    """The learner's mask, whatever its dtype and the axes it leaves to broadcasting, as (B, heads, T, T) bool.

    Raises:
        CheckFailed: the call raised, gave another shape, or numbers other than 0 and 1.
    """
    result = run(module.get_attention_mask, num_tokens, T, what=what)
    want_own_method(result, module, (num_tokens, T), what)
    want_mask_shape(result, (num_tokens, T), config, what)
    want_zeros_and_ones(result, what)
    return result.bool().expand(len(num_tokens), -1, T, T)


def want_own_method(result: torch.Tensor | None, module: nn.Module, arguments: tuple, what: str) -> None:
    """Refuse None where the learner's method is not the one that was called, or gives a mask in one mode alone."""
    if result is not None:
        return
    name, written_in = type(module).__name__, next(base for base in type(module).__mro__ if "get_attention_mask" in vars(base))
    if written_in is not type(module) and "forward" in vars(written_in):
        raise CheckFailed(
            f"{what} gives nothing (None).",
            "a tensor.",
            f"{name} has no get_attention_mask of its own, so Transformer's is called, which returns None. The method "
            "must be indented inside the class, and have exactly this name.",
        )
    if module.training and isinstance(module.eval().get_attention_mask(*arguments), torch.Tensor):
        raise CheckFailed(
            f"in training mode {what} gives nothing (None), in eval mode a mask.",
            "a mask in both.",
            "the mask hides padding in training too: it must not depend on self.training.",
        )


def masks_of(config: TransformerConfig) -> Callable:
    """For `make`: the mask of a known mistake."""
    return lambda mistake: mistake(config).get_attention_mask


def want_mask_shape(
    result: torch.Tensor, arguments: tuple, config: TransformerConfig, what: str
) -> None:
    """Accept (B, 1, T, T), with T or 1 rows and one mask for all heads or one for each; refuse the rest.

    Args:
        result: what get_attention_mask gave.
        arguments: what it was called with, num_tokens and T, or num_tokens alone.
        config: that of the learner's module.
        what: what the result is of, for the message.
    """
    want_tensor(result, what)
    num_tokens, *given = arguments
    B, T = len(num_tokens), given[0] if given else int(num_tokens.max())
    shape = tuple(result.shape)
    if len(shape) == 4 and shape[0] == B and shape[1] in (1, config.n_head) and shape[2] in (1, T) and shape[3] == T:
        return
    encoder.want_shape(result, (B, 1, T, T), "(B, 1, T, T)", what, arguments, make=masks_of(config))


def want_mask(
    exercise: Exercise, mask: torch.Tensor, wanted: torch.Tensor, compared: torch.Tensor, num_tokens: torch.Tensor,
    config: TransformerConfig, meaning: str, otherwise: str | Callable[[], str],
) -> None:
    """Refuse a mask that differs from the wanted one in a compared cell.

    Args:
        exercise: whose mistakes are known for it.
        mask: the learner's, (B, heads, T, T) bool.
        wanted: (B, 1, T, T) bool.
        compared: (B, 1, T, T) bool; the other cells may hold anything, or another check compares them.
        num_tokens: (B,), the lengths that it was made for.
        config: that of the learner's module.
        meaning: follows the wanted row, in words.
        otherwise: the cause when no known mistake gives this mask.
    """
    differs = (mask != wanted) & compared
    if not differs.any():
        exercise.note_right(mask, (num_tokens, mask.shape[-1]), same_mask, masks_of(config))
        return
    b, head, row, _ = differs.nonzero()[0].tolist()
    raise CheckFailed(
        f"for num_tokens = {num_tokens.tolist()}, row {row} of sequence {b} is {ids(mask[b, head, row])}.",
        f"{ids(wanted[b, 0, row])}{meaning}.",
        exercise.likely_cause(mask, (num_tokens, mask.shape[-1]), otherwise, same_mask, masks_of(config)),
        picture=lambda: wanted_and_yours(wanted.expand_as(mask), mask, caption="The mask: wanted, and yours"),
    )


@encoder.aspect("shape")
def has_a_row_and_a_column_for_every_position(answer, seed):
    for num_tokens, T, config in cases(seed):
        module = build(answer, config)
        mask_of(module, num_tokens, T, config, MASK)
        without = run(module.get_attention_mask, num_tokens, what=f"{MASK} without T")
        want_mask_shape(without, (num_tokens,), config, f"{MASK} without T")


@encoder.aspect("columns")
def opens_the_columns_of_the_tokens(answer, seed):
    for num_tokens, T, config in cases(seed):
        module = build(answer, config)
        first = mask_of(module, num_tokens, T, config, MASK)
        want_columns(first, num_tokens, config)
        # Call the same object again with other lengths: it must keep nothing of the first call.
        other = torch.stack((num_tokens.roll(1), num_tokens), dim=1)[:, 0]  # not contiguous
        second = mask_of(module, other, T, config, MASK)
        want_columns(second, other, config, earlier=first)
        with in_case("in eval mode", cause=MODE):
            want_columns(mask_of(module.eval(), num_tokens, T, config, MASK), num_tokens, config)


def want_columns(
    mask: torch.Tensor, num_tokens: torch.Tensor, config: TransformerConfig, earlier: torch.Tensor | None = None
) -> None:
    """Refuse a mask in which a token does not attend to every token, or attends to padding; `earlier` is the mask of an earlier call."""
    T = mask.shape[-1]
    wanted = loop_mask(num_tokens, T)
    # Whether a row of padding is open at the tokens is for another aspect.
    free = ~wanted.transpose(2, 3) & wanted
    kept = earlier is not None and torch.equal(mask, earlier)
    want_mask(
        encoder, mask, wanted, ~free, num_tokens, config, meaning=": open at the tokens, closed at the padding",
        otherwise="this is the mask of an earlier call: compute it from num_tokens in every call." if kept
        else COLUMNS,
    )


@encoder.aspect("no empty row")
def leaves_no_row_empty(answer, seed):
    for num_tokens, T, config in cases(seed):
        mask, wanted = mask_of(build(answer, config), num_tokens, T, config, MASK), loop_mask(num_tokens, T)
        want_no_empty_row(encoder, mask, wanted, num_tokens, config)
        want_mask(
            encoder, mask, wanted, ~wanted.transpose(2, 3) & wanted, num_tokens, config,
            meaning=": open at the tokens, in the rows of padding too",
            otherwise=COLUMNS if (mask == mask[:, :, :1]).all() else ROWS_ALIKE,
        )


def want_no_empty_row(
    exercise: Exercise, mask: torch.Tensor, wanted: torch.Tensor, num_tokens: torch.Tensor, config: TransformerConfig,
    otherwise: str | Callable[[], str] = EMPTY_ROW,
) -> None:
    """Refuse a mask with a row in which everything is closed."""
    empty = ~mask.any(-1)
    if not empty.any():
        return
    b, _, row = empty.nonzero()[0].tolist()
    raise CheckFailed(
        f"sequence {b} has {counted(int(num_tokens[b]), 'token')}, and row {row} of its mask allows nothing.",
        "in every row at least one open position, in the rows of padding too.",
        exercise.likely_cause(mask, (num_tokens, mask.shape[-1]), otherwise, same_mask, masks_of(config)),
        picture=lambda: wanted_and_yours(wanted.expand_as(mask), mask, caption="The mask: wanted, and yours"),
    )


@encoder.aspect("padding has no effect")
def padding_has_no_effect_and_every_token_has(answer, seed):
    num_tokens, T, config = cases(seed)[0]
    module = whole_model(answer, config, "Encoder", "Transformer")
    # An empty row would give NaN, which says less about the cause.
    mask = mask_of(module, num_tokens, T, config, MASK)
    want_no_empty_row(encoder, mask, loop_mask(num_tokens, T), num_tokens, config)
    idx = padded_ids(num_tokens, T, config.vocab_size, seed)
    scores = scores_of(module, idx, config, "Encoder")
    want_the_same_in_training(module, idx, scores, config, "Encoder")
    want_padding_without_effect(module, idx, scores, config, "Encoder")
    last, shorter = num_tokens[0] - 1, idx.clone()
    shorter[0, last] = -1
    without_it = scores_of(module, shorter, config, "Encoder")
    for word in (another_word(idx[0, last]), 0, config.vocab_size - 1):
        changed = idx.clone()
        changed[0, last] = word
        now = scores_of(module, changed, config, "Encoder")
        if not min((now - other)[0, 0].abs().max() for other in (scores, without_it)) >= 1e-6:
            raise CheckFailed(
                f"the word with id {int(word)} in place of the last word of a sentence changes nothing at its first word.",
                "a change: in an encoder every token attends to every other.",
                "the mask that you return is not used, or it closes what comes after a token.",
            )


def another_word(word: torch.Tensor) -> torch.Tensor:
    """An id that the sentences of the checks use, and not this one."""
    return UNUSED + (word - UNUSED + 1) % 7


def whole_model(answer: Callable, config: TransformerConfig, name: str, base: str) -> nn.Module:
    """The learner's class, built in float64 for evaluation, so that a difference cannot come from rounding.

    Raises:
        CheckFailed: it cannot be built, or it is no Transformer.
    """
    module = build(answer, config)
    if type(module).forward is nn.Module.forward:
        raise CheckFailed(
            f"your {name} has no forward.",
            f"the one that it inherits from {base}.",
            f"write `class {name}({base}):`, so that it inherits from {base}.",
        )
    return module.double().eval()


@torch.no_grad()
def scores_of(module: nn.Module, idx: torch.Tensor, config: TransformerConfig, name: str) -> torch.Tensor:
    """The logits (B, T, V) of the words that occur in sentences; those of the others may be changed by a check."""
    logits, _ = want_pair(
        run(module, idx, what=f"{name}.forward"), f"{name}.forward", ("logits", "loss"),
        f"your {name} has a forward of its own. Only the mask is new: leave forward to the class that it inherits from.",
    )
    want_shape(logits, (*idx.shape, config.vocab_size), "(B, T, vocab_size)", f"what {name} gives for token ids")
    return logits[..., UNUSED:-1]


def want_the_same_in_training(
    module: nn.Module, idx: torch.Tensor, scores: torch.Tensor, config: TransformerConfig, name: str
) -> None:
    """Refuse a model without dropout that gives other scores in training mode; `scores` are those in eval mode."""
    is_token = idx != -1
    moved = (scores_of(module.train(), idx, config, name) - scores)[is_token].abs().max().item()
    module.eval()
    if not moved <= 1e-6 * (1 + scores[is_token].abs().max().item()):
        raise CheckFailed(
            f"in training mode the scores of {name} differ by {moved:.2g} from those in eval mode, and dropout is 0.",
            "the same scores.",
            f"something in {name} depends on self.training, and not only dropout.",
        )


def want_padding_without_effect(
    module: nn.Module, idx: torch.Tensor, scores: torch.Tensor, config: TransformerConfig, name: str
) -> None:
    """Refuse a model in which a token's scores depend on padding: on the vectors in it, or on how much there is.

    Args:
        module: the learner's, in float64. Its tables are changed.
        idx: (B, T) with padding.
        scores: (B, T, V), what the model gives for idx.
        config: that of the model.
        name: that of the learner's class.
    """
    is_token = idx != -1

    def refuse_change(now: torch.Tensor, seen: str) -> None:
        change = (now - scores[is_token]).abs().max().item()
        if not change <= 1e-6 * (1 + scores[is_token].abs().max().item()):
            raise CheckFailed(
                f"{seen}, and the scores of the tokens move by {change:.2g}.",
                "no change at all: nothing attends to padding.",
                "the model does not use the mask, or the mask leaves padding open for some token.",
            )

    alone = [scores_of(module, row[row != -1].unsqueeze(0), config, name)[0] for row in idx]
    refuse_change(torch.cat(alone), "each sentence is taken out of the batch and read alone")
    more = nn.functional.pad(idx, (0, 3), value=-1)
    longer = scores_of(module, more, config, name)[:, : idx.shape[1]]
    refuse_change(longer[is_token], "three more positions of padding are added")
    with torch.no_grad():
        for table in module.parameters():
            # A padded position may look up any row that no sentence uses.
            if table.shape == (config.vocab_size, config.n_embd):
                # Random numbers: one number added to all channels would be removed by a LayerNorm.
                table[:UNUSED] += torch.randn_like(table[:UNUSED])
                table[-1] += torch.randn_like(table[-1])
    refuse_change(scores_of(module, idx, config, name)[is_token], "the padded positions get other vectors")

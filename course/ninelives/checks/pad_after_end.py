"""Notebook 8, exercise 1: what comes after the end of an answer."""

import torch
from torch.nn import functional as F

from ninelives.checks.exercise import CheckFailed, Exercise, ids, run

PAD = -1
NO_END = "a row without an end token has no position of one: ask first whether there is any."
ZERO_IS_AN_ID = "0 is an id like any other, but Python takes it for False: `if end_token` skips it."

pad_after_end = Exercise("pad_after_end", error_hints={
    "Boolean value of Tensor with more than one value":
        "an `if` needs one True or False: look at one token, row[t] == end_token, or work on the whole tensor.",
    "dimension 0 with size 0": NO_END,
    "is not in list": NO_END,
    "cannot be converted to type int64_t": "ids are whole numbers, and −∞ is none: padding is −1.",
    "Expected reduction dim to be specified for input.numel() == 0": NO_END,
})


def answers_with_ends(seed: int) -> list[tuple[torch.Tensor, int]]:
    """Answers (B, T) and the end token.

    Ends are first, inside, twice, last and nowhere; other ids are above and below the end token. Then other rows of the same shape; one row; one column; rows that
    share their memory, and columns that lie apart in it; the end token 0; ids that need more than 16 bits.
    """
    end = (3, 1, 5)[seed % 3]
    a, b, c = end + 1, end + 2, 0
    batch = torch.tensor([
        [a, b, end, c, a],
        [end, a, b, c, a],
        [a, end, b, end, c],
        [a, b, c, a, end],
        [c, b, a, b, c],
    ])
    zero = torch.where(batch == end, 0, torch.where(batch == 0, end, batch))
    return [
        (batch, end), (batch.flip(0).roll(1, 1), end), (batch[:3, :3], end), (batch[2:3], end), (batch[4:], end),
        (batch[:, 2:3], end), (batch[2:3].expand(3, -1), end), (batch.flip(0).T, end), (zero, 0), (batch + 40_000, end + 40_000),
    ]


def padded_by_hand(tokens: torch.Tensor, end: int) -> torch.Tensor:
    """(B, T): the reference, word by word."""
    rows = []
    for row in tokens.tolist():
        stop = row.index(end) + 1 if end in row else len(row)
        rows.append(row[:stop] + [PAD] * (len(row) - stop))
    return torch.tensor(rows, dtype=torch.long).reshape(tokens.shape)


@pad_after_end.aspect("values")
def pads_everything_after_the_first_end(answer, seed):
    earlier, _ = answers_with_ends(seed)[0]
    for tokens, end in answers_with_ends(seed):
        want_padded(answer, tokens, end, earlier)


def want_padded(answer, tokens: torch.Tensor, end: int, earlier: torch.Tensor) -> None:
    """Refuse other rows than those whose first end token is followed by padding alone.

    Args:
        earlier: the rows of the first call.
    """
    result = run(answer, tokens, end)
    pad_after_end.want_shape(result, tokens.shape, "(B, T)", "pad_after_end", (tokens, end))
    if result.dtype != torch.int64:
        raise CheckFailed(
            f"pad_after_end gives {result.dtype}.",
            "torch.int64, as the tokens are: ids are whole numbers.",
            "this says *where* the padding belongs. Fill it in: tokens.masked_fill(where, -1)."
            if result.dtype == torch.bool
            else "somewhere the ids are turned into another type, by .float(), by a -1.0, or by a tensor of zeros.",
        )
    otherwise = "(tokens == end_token).cumsum(1) counts the ends up to each position, the position itself included."
    padded = padded_by_hand(earlier, end)
    if earlier.shape == tokens.shape and any(torch.equal(result, kept) for kept in (padded, tokens.masked_fill(padded == PAD, PAD))):
        otherwise = "the rows are padded where those of an earlier call were: each call must look at its own tokens."
    pad_after_end.want_values(
        result, padded_by_hand(tokens, end), (tokens, end),
        what=lambda row: f"for the row {ids(tokens[row])} and the end token {end} you give",
        meaning=": the end token stays, and everything after the first one is −1",
        otherwise=otherwise,
        caption=f"Answers of the batch, end token {end}: wanted, and yours.",
        row_of=ids,
        agree=torch.equal,
    )


def ends_before(tokens: torch.Tensor, end_token: int) -> torch.Tensor:
    """(B, T): how many end tokens a row holds before each position."""
    is_end = tokens == end_token
    return is_end.cumsum(1) - is_end.long()


@pad_after_end.mistake(
    "values", "choosing with tokens[mask] makes one long row. Fill instead of choosing: masked_fill, torch.where.")
def chosen_with_a_mask(tokens, end_token):
    return tokens[ends_before(tokens, end_token) == 0]


@pad_after_end.mistake("values", ZERO_IS_AN_ID)
def zero_ends_nothing(tokens, end_token):
    return padded_by_hand(tokens, end_token) if end_token else tokens.clone()


@pad_after_end.mistake("values", "nothing is padded: every id after the first end of its row becomes −1. `tokens.masked_fill(where, -1)` gives a "
                                 "*new* tensor with it: return that one.")
def nothing_padded(tokens, end_token):
    return tokens.clone()


END_GONE = "the end token is gone too. It belongs to the answer: only what comes *after* it is padding."


@pad_after_end.mistake("values", END_GONE)
def end_padded_too(tokens, end_token):
    return tokens.masked_fill((tokens == end_token).cumsum(1) > 0, PAD)


@pad_after_end.mistake("values", END_GONE)
def padded_from_argmax_on(tokens, end_token):
    return tokens.masked_fill(torch.arange(tokens.shape[1]) >= (tokens == end_token).int().argmax(1, keepdim=True), PAD)


ROUND_TO_THE_FRONT = ("the last column has come round to the front, as `roll` brings it. Nothing comes before the first position of a row, so that position never "
                      "becomes padding.")


@pad_after_end.mistake("values", ROUND_TO_THE_FRONT)
def rolled_after_counting(tokens, end_token):
    return tokens.masked_fill(((tokens == end_token).cumsum(1) > 0).roll(1, 1), PAD)


@pad_after_end.mistake("values", ROUND_TO_THE_FRONT)
def rolled_before_counting(tokens, end_token):
    return tokens.masked_fill((tokens == end_token).roll(1, 1).cumsum(1) > 0, PAD)


@pad_after_end.mistake("values", "everything is padded: a position becomes padding if there is at least one end before it, > 0.")
def everything_padded(tokens, end_token):
    return torch.full_like(tokens, PAD)


@pad_after_end.mistake("values", "it is the wrong way round: what comes up to the end is padded, and what comes after it is left.")
def padded_up_to_the_end(tokens, end_token):
    return tokens.masked_fill(ends_before(tokens, end_token) == 0, PAD)


BEFORE_THE_END = "what comes before the end token is padded, and what comes after it is left: `[first + 1 :]` is what comes after."


@pad_after_end.mistake("values", BEFORE_THE_END)
def padded_before_the_end(tokens, end_token):
    return tokens.masked_fill((tokens == end_token).cumsum(1) + ~(tokens == end_token).any(1, keepdim=True) == 0, PAD)


@pad_after_end.mistake("values", BEFORE_THE_END)
def padded_before_every_end(tokens, end_token):
    is_end = tokens == end_token
    return tokens.masked_fill(is_end.flip(1).cumsum(1).flip(1) > is_end.long(), PAD)


@pad_after_end.mistake("values", "rows with an end token are padded from their beginning. Only what comes after the end is padding.")
def rows_with_an_end_padded(tokens, end_token):
    return tokens.masked_fill((tokens == end_token).any(1, keepdim=True), PAD)


@pad_after_end.mistake("values", "the first end that is found in the whole batch is taken for every row: look for it in each row.")
def first_end_found_for_all_rows(tokens, end_token):
    first = (tokens == end_token).nonzero()[0, 1]
    return tokens.masked_fill(torch.arange(tokens.shape[1]) > first, PAD)


@pad_after_end.mistake("values", "argmax(1) gives (B,), one number for each row, and here each column gets one: keepdim=True makes it (B, 1).")
def first_ends_along_the_columns(tokens, end_token):
    return tokens.masked_fill(torch.arange(tokens.shape[1]) > (tokens == end_token).int().argmax(1), PAD)


@pad_after_end.mistake("values", "rows and columns are swapped: pad_sequence needs batch_first=True.")
def columns_for_rows(tokens, end_token):
    return padded_by_hand(tokens, end_token).T


@pad_after_end.mistake("values", "the end token and all that follows have become 0. The end stays, and padding is −1.")
def zeros_from_the_end_on(tokens, end_token):
    return tokens * (tokens != end_token).cumprod(1)


@pad_after_end.mistake("values", "the position right after the end token is left: padding begins there.")
def padded_one_position_late(tokens, end_token):
    return tokens.masked_fill(F.pad(ends_before(tokens, end_token), (1, -1)) > 0, PAD)


@pad_after_end.mistake(
    "values", "cumsum counts an end at its own position too. A row with one end never gets above 1: subtract the position itself, and ask for > 0.")
def padded_from_the_second_end(tokens, end_token):
    return tokens.masked_fill((tokens == end_token).cumsum(1) > 1, PAD)


@pad_after_end.mistake("values", "padding begins only after a second end token: one end before a position is enough, > 0.")
def padded_after_the_second_end(tokens, end_token):
    return tokens.masked_fill(ends_before(tokens, end_token) > 1, PAD)


@pad_after_end.mistake("values", "padding begins after the *last* end token of a row. It begins after the first.")
def padded_after_the_last_end(tokens, end_token):
    is_end = tokens == end_token
    return tokens.masked_fill((is_end.flip(1).cumsum(1).flip(1) == 0) & is_end.any(1, keepdim=True), PAD)


@pad_after_end.mistake("values", "a second end token is left among the padding: after the first one everything is −1, end tokens too.")
def second_end_left(tokens, end_token):
    return tokens.masked_fill((ends_before(tokens, end_token) > 0) & (tokens != end_token), PAD)


@pad_after_end.mistake("values", "only the first row is padded: look for an end in each row, and return after the loop.")
def first_row_alone(tokens, end_token):
    return torch.cat((padded_by_hand(tokens[:1], end_token), tokens[1:]))


OTHER_IDS = "other ids count as ends too: `==` finds the end token alone, while `>=` and `<=` find all ids on one side of it."


@pad_after_end.mistake("values", OTHER_IDS)
def ids_above_end_it_too(tokens, end_token):
    return nothing_after(tokens, tokens >= end_token)


@pad_after_end.mistake("values", OTHER_IDS)
def ids_below_end_it_too(tokens, end_token):
    return nothing_after(tokens, tokens <= end_token)


@pad_after_end.mistake("values", "every other word counts as an end: `tokens == end_token` is True at the ends, and `!=` at the others.")
def every_other_word_ends_it(tokens, end_token):
    return nothing_after(tokens, tokens != end_token)


def nothing_after(tokens: torch.Tensor, is_end: torch.Tensor) -> torch.Tensor:
    """(B, T): padding after the first True of each row of `is_end`."""
    return tokens.masked_fill(is_end.cumsum(1) > is_end.long(), PAD)


@pad_after_end.mistake("values", "the rows are cut where the longest answer ends. All T columns stay.")
def cut_to_the_longest(tokens, end_token):
    padded = padded_by_hand(tokens, end_token)
    return padded[:, : int((padded != PAD).sum(1).max())]


@pad_after_end.mistake("values", "the rest is filled with −100, which other libraries take for padding. It is −1 in this course.")
def filled_with_minus_100(tokens, end_token):
    return tokens.masked_fill(ends_before(tokens, end_token) > 0, -100)


@pad_after_end.mistake("values", "the end tokens are replaced, and what comes after them is left.")
def ends_replaced(tokens, end_token):
    return torch.where(tokens == end_token, PAD, tokens)


@pad_after_end.mistake("values", "the rest is filled with the end token. Padding is −1 in this course.")
def filled_with_ends(tokens, end_token):
    return tokens.masked_fill(ends_before(tokens, end_token) > 0, end_token)


@pad_after_end.mistake("values", "the rest is filled with 0, which is a word. Padding is −1.")
def filled_with_zeros(tokens, end_token):
    return tokens * (ends_before(tokens, end_token) == 0)


@pad_after_end.mistake(
    "values", "after a second end token the words come back: ask whether there was *any* end before, > 0.")
def words_come_back(tokens, end_token):
    return tokens.masked_fill(ends_before(tokens, end_token) == 1, PAD)


@pad_after_end.mistake(
    "values", "only the one position after an end token is padded: everything after it must be.")
def one_position_padded(tokens, end_token):
    result = tokens.clone()
    result[:, 1:][tokens[:, :-1] == end_token] = PAD
    return result


@pad_after_end.mistake(
    "values", "a row without an end token stays as it is: argmax gives position 0 where there is no True at all.")
def row_without_an_end_padded(tokens, end_token):
    first = (tokens == end_token).int().argmax(1, keepdim=True)  # (B, 1)
    return torch.where(torch.arange(tokens.shape[1]) > first, PAD, tokens)


@pad_after_end.mistake("values", "the first end in the batch pads all rows: look along axis 1, in each row.")
def first_end_for_all_rows(tokens, end_token):
    first = int((tokens == end_token).any(0).int().argmax())
    return torch.cat((tokens[:, : first + 1], torch.full_like(tokens[:, first + 1 :], PAD)), dim=1)


@pad_after_end.mistake("values", "the end of one row pads the next: count along axis 1, in each row.")
def counted_through_the_whole_batch(tokens, end_token):
    return tokens.masked_fill(ends_before(tokens.reshape(1, -1), end_token).reshape(tokens.shape) > 0, PAD)


@pad_after_end.mistake("values", "ends are counted along the batch. Count along axis 1, in each row.")
def counted_along_the_batch(tokens, end_token):
    return tokens.masked_fill(ends_before(tokens.T, end_token).T > 0, PAD)

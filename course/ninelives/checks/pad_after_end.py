"""Notebook 8, exercise 1: what comes after the end of an answer."""

import torch

from ninelives.checks.exercise import CheckFailed, Exercise, ids, run

PAD = -1
ZERO_IS_AN_ID = "0 is an id like any other, but Python takes it for False: `if end_token` skips it."

pad_after_end = Exercise("pad_after_end", error_hints={
    "Boolean value of Tensor with more than one value":
        "an `if` needs one True or False: look at one token, row[t] == end_token, or work on the whole tensor.",
    "dimension 0 with size 0":
        "a row without an end token has no position of one: ask first whether there is any.",
})


def answers_with_ends(seed: int) -> list[tuple[torch.Tensor, int]]:
    """Answers (B, T) and the end token.

    Ends are first, inside, twice, last and nowhere. Then other rows of the same shape; one row; one column; rows that
    share their memory, and columns that lie apart in it; the end token 0; ids that need more than 16 bits.
    """
    end = (3, 1, 5)[seed % 3]
    a, b, c = [word for word in range(7) if word != end][:3]
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
    if earlier.shape == tokens.shape and torch.equal(result, tokens.masked_fill(padded_by_hand(earlier, end) == PAD, PAD)):
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


@pad_after_end.mistake("values", "nothing is padded. masked_fill gives a *new* tensor: return what it gives.")
def nothing_padded(tokens, end_token):
    return tokens.clone()


@pad_after_end.mistake(
    "values", "the end token is gone too. It belongs to the answer: only what comes *after* it is padding.")
def end_padded_too(tokens, end_token):
    return tokens.masked_fill((tokens == end_token).cumsum(1) > 0, PAD)


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

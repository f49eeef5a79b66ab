"""Notebook 8, exercise 1: what comes after the end of an answer."""

import torch

from ninelives.checks.exercise import Exercise, ids, run

PAD = -1

pad_after_end = Exercise("pad_after_end")


def answers_with_ends(seed: int) -> list[tuple[torch.Tensor, int]]:
    """Answers (B, T) and the end token: ends first, inside, twice, last, never; one row; no column; 0 as the end."""
    end = (3, 1, 5)[seed % 3]
    a, b, c = [word for word in range(7) if word != end][:3]
    batch = torch.tensor([
        [a, b, end, c, a],
        [end, a, b, c, a],
        [a, end, b, end, c],
        [a, b, c, a, end],
        [c, b, a, b, c],
    ])
    return [(batch, end), (batch[:3, :3], end), (batch[2:3], end), (batch[4:], end), (batch[:, :0], end),
            (torch.where(batch == end, 0, torch.where(batch == 0, end, batch)), 0)]


def padded_by_hand(tokens: torch.Tensor, end: int) -> torch.Tensor:
    """(B, T): the reference, word by word."""
    rows = []
    for row in tokens.tolist():
        stop = row.index(end) + 1 if end in row else len(row)
        rows.append(row[:stop] + [PAD] * (len(row) - stop))
    return torch.tensor(rows, dtype=torch.long).reshape(tokens.shape)


@pad_after_end.aspect("values")
def pads_everything_after_the_first_end(answer, seed):
    for tokens, end in answers_with_ends(seed):
        want_padded(answer, tokens, end)


def want_padded(answer, tokens: torch.Tensor, end: int) -> None:
    """Refuse other rows than those whose first end token is followed by padding alone."""
    result = run(answer, tokens, end)
    pad_after_end.want_shape(result, tokens.shape, "(B, T)", "pad_after_end", (tokens, end))
    pad_after_end.want_values(
        result, padded_by_hand(tokens, end), (tokens, end),
        what=lambda row: f"for the row {ids(tokens[row])} and the end token {end} you give",
        meaning=": the end token stays, and everything after the first one is −1",
        otherwise="(tokens == end_token).cumsum(1) counts the ends up to each position, the position itself included.",
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


@pad_after_end.mistake("values", "nothing is padded.")
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

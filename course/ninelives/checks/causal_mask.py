"""Notebook 5, exercises 1 and 4: what a causal mask must be, and one with a prefix."""

import torch

from ninelives.checks.exercise import Exercise, ids, run
from ninelives.checks.masks import MASK_HINTS, want_zeros_and_ones

ONES_KEPT = "`tril` of torch.ones(T, T) holds just ones and zeros, and so does a comparison of positions: nothing is drawn, counted or divided."
TRIANGLE = "column j of row i is open if j <= i."

causal_mask = Exercise("causal_mask", error_hints=MASK_HINTS)
prefix_mask = Exercise("prefix_mask", error_hints=MASK_HINTS | {
    "Boolean value of Tensor with more than one value":
        "`or`, `and` and `not` need a single True or False. For each number of two bool masks, “or” is written `a | b`.",
    "num_tokens is":
        "the package's encoder refuses a length of 0, since every sentence has a token. A prefix may be empty: make its mask "
        "yourself, `torch.arange(T) < …`.",
    "bitwise_or": "`|` works on bool masks only, and torch.ones makes floats: write `!= 0` after each.",
    "bitwise_and": "`&` works on bool masks only. Here one of the two reasons is enough: make both bool with `!= 0`, and join them with `|`.",
    "must match the size of tensor b":
        "T positions meet B prefixes. Give num_prefix the shape (B, 1, 1, 1), so that each prefix meets each position.",
})


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
                               "argument keeps the diagonal; `range(i)` and `[:i]` stop before i.")
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


@causal_mask.mistake("values", "only row 0 is written: `return` is inside the loop over the rows.")
def first_row_written(T):
    return torch.eye(T) * (torch.arange(T) == 0)


@prefix_mask.mistake("shape", "three axes: attention would take the sequences for heads. num_prefix needs the shape (B, 1, 1, 1).")
def three_axes(num_prefix, T):
    position = torch.arange(T)
    return (position < num_prefix.reshape(-1, 1, 1)) | (position <= position.unsqueeze(1))


@prefix_mask.mistake("shape", "the sequences are on the axis of the heads: give num_prefix the shape (B, 1, 1, 1), not (1, B, 1, 1).")
def sequences_as_heads(num_prefix, T):
    position = torch.arange(T)
    return (position < num_prefix.reshape(1, -1, 1, 1)) | (position <= position.unsqueeze(1))


@prefix_mask.mistake("shape", "one mask serves the whole batch, but every sequence has a prefix of its own length.")
def one_prefix_for_all(num_prefix, T):
    position = torch.arange(T)
    return (position < num_prefix[0]) | (position <= position.unsqueeze(1))


@prefix_mask.mistake("shape", "one row serves all positions, but after the prefix every position has a row of its own: join it with the "
                              "triangle.")
def prefix_in_one_row(num_prefix, T):
    return torch.arange(T) < num_prefix.reshape(-1, 1, 1, 1)


def in_the_prefix(num_prefix: torch.Tensor, T: int) -> torch.Tensor:
    """(B, 1, 1, T) bool: whether a column belongs to the prefix."""
    return torch.arange(T) < num_prefix.reshape(-1, 1, 1, 1)


@prefix_mask.mistake("values", "this is the triangle alone: inside the prefix each position attends to the later ones too.")
def triangle_alone(num_prefix, T):
    return torch.ones(len(num_prefix), 1, T, T).tril()


@prefix_mask.mistake("values", "the two are joined by and, so that only what both allow is open. A position is open if it is in the prefix "
                               "*or* not later: `|`.")
def joined_by_and(num_prefix, T):
    return in_the_prefix(num_prefix, T) & loop_triangle(T)


@prefix_mask.mistake("values", "the prefix is open to all, and nothing else is: the positions after it attend to each other causally.")
def prefix_alone(num_prefix, T):
    return in_the_prefix(num_prefix, T).expand(-1, 1, T, T)


@prefix_mask.mistake("values", "whole rows are opened: the positions of the prefix attend to what is written after them. Open the "
                               "*columns* of the prefix.")
def rows_of_the_prefix_opened(num_prefix, T):
    return in_the_prefix(num_prefix, T).transpose(2, 3) | loop_triangle(T)


@prefix_mask.mistake("values", "the prefix attends to itself, but the positions after it do not attend to all of it, or to nothing before "
                               "them: only one of the two blocks is open.")
def two_blocks_without_the_corner(num_prefix, T):
    inside = in_the_prefix(num_prefix, T)
    return (inside & inside.transpose(2, 3)) | (loop_triangle(T) & ~inside & ~inside.transpose(2, 3))


@prefix_mask.mistake("values", "only the block of the prefix is open, and what is written after it attends to nothing. It attends to the whole prefix, "
                               "and back.")
def block_alone(num_prefix, T):
    inside = in_the_prefix(num_prefix, T)
    return inside & inside.transpose(2, 3)


@prefix_mask.mistake("values", "after the prefix each position attends to the prefix and to itself alone. It attends to all that was written before "
                               "it as well: the triangle.")
def prefix_and_diagonal(num_prefix, T):
    return in_the_prefix(num_prefix, T) | torch.eye(T, dtype=torch.bool)


@prefix_mask.mistake("values", "what is written after the prefix is open to all, instead of the prefix: the positions 0 … num_prefix − 1 are, `<`.")
def after_the_prefix_opened(num_prefix, T):
    return ~in_the_prefix(num_prefix, T) | loop_triangle(T)


SHIFTED = ("the whole diagonal is shifted, so that positions after the prefix attend to later ones too. Leave the triangle as it is, and open the "
           "columns of the prefix.")


@prefix_mask.mistake("values", SHIFTED)
def diagonal_shifted(num_prefix, T):
    return torch.stack([torch.ones(T, T).tril(int(n)) for n in num_prefix]).unsqueeze(1)


@prefix_mask.mistake("values", SHIFTED)
def diagonal_shifted_by_one_less(num_prefix, T):
    return torch.stack([torch.ones(T, T).tril(max(int(n) - 1, 0)) for n in num_prefix]).unsqueeze(1)


@prefix_mask.mistake("values", "rows and columns are swapped: row i says what position i attends to.")
def prefix_transposed(num_prefix, T):
    return (in_the_prefix(num_prefix, T) | loop_triangle(T)).transpose(2, 3)


@prefix_mask.mistake("values", "where both reasons hold, the position is closed: `^` asks for just one of them. One or both: `|`.")
def either_but_not_both(num_prefix, T):
    return in_the_prefix(num_prefix, T) ^ loop_triangle(T)


@prefix_mask.mistake("values", "every sequence gets the longest prefix.")
def longest_prefix_for_all(num_prefix, T):
    return in_the_prefix(num_prefix.max().expand_as(num_prefix), T) | loop_triangle(T)


@prefix_mask.mistake("values", "the prefix is one position too long: its positions are 0 … num_prefix − 1, so the comparison is `<`.")
def prefix_one_too_long(num_prefix, T):
    return in_the_prefix(num_prefix + 1, T) | loop_triangle(T)


@prefix_mask.mistake("values", "the prefix is one position too short: its positions are 0 … num_prefix − 1: `< num_prefix`.")
def prefix_one_too_short(num_prefix, T):
    return in_the_prefix(num_prefix - 1, T) | loop_triangle(T)


@prefix_mask.mistake("values", "1 and 0 are swapped: 1 (True) means may attend.")
def prefix_one_means_hidden(num_prefix, T):
    return ~(in_the_prefix(num_prefix, T) | loop_triangle(T))


@prefix_mask.mistake("values", "everything is open: after the prefix no position may attend to a later one.")
def prefix_everything_open(num_prefix, T):
    return torch.ones(len(num_prefix), 1, T, T)


@prefix_mask.mistake("values", "only the first sequence gets its prefix: `return` is inside the loop over the sequences.")
def first_prefix_alone(num_prefix, T):
    first = torch.arange(len(num_prefix)).reshape(-1, 1, 1, 1) == 0  # (B, 1, 1, 1)
    return in_the_prefix(num_prefix, T) & first | loop_triangle(T)


@prefix_mask.mistake("values", "every sequence gets the prefix of the first.")
def first_prefix_for_all(num_prefix, T):
    return in_the_prefix(num_prefix[:1].expand_as(num_prefix), T) | loop_triangle(T)


def triangle_cause(mask: torch.Tensor, num_prefix: torch.Tensor, T: int) -> str:
    """The known mistake in a triangle that gives this mask together with the prefix."""
    return causal_mask.likely_cause(
        mask, (T,), "column j of row i is open if j < num_prefix[b], or if j <= i.",
        make=lambda mistake: lambda T: (in_the_prefix(num_prefix, T) | mistake(T).bool().reshape(T, T)).long(),
    )


def loop_triangle(T: int) -> torch.Tensor:
    """(T, T) bool: the reference, cell by cell."""
    return torch.tensor([[column <= row for column in range(T)] for row in range(T)], dtype=torch.bool).reshape(T, T)


@causal_mask.aspect("values")
def is_open_up_to_the_diagonal(answer, seed):
    sizes = (5 + seed % 3, 1, 9, 2, 5 + seed % 3)
    results = [run(answer, T, what="causal_mask") for T in sizes]
    for T, result in zip(sizes, results):
        want_triangle(result, T)


def want_triangle(result: torch.Tensor, T: int) -> None:
    """Refuse anything but a lower triangle (T, T) of ones, of any dtype."""
    causal_mask.want_shape(result, (T, T), "(T, T)", f"causal_mask({T})", (T,))
    want_zeros_and_ones(result, f"causal_mask({T})", ONES_KEPT, ONES_KEPT)
    causal_mask.want_values(
        result, loop_triangle(T), (T,), what=lambda row: f"row {row} of causal_mask({T}) is",
        otherwise=TRIANGLE, caption="The causal mask: wanted, and yours",
        meaning=": row i is open from position 0 to position i", row_of=ids,
    )
    causal_mask.note_right(result, (T,))


def loop_prefix(num_prefix: torch.Tensor, T: int) -> torch.Tensor:
    """(B, 1, T, T) bool: the reference, cell by cell."""
    rows = [[[column <= row or column < n for column in range(T)] for row in range(T)] for n in num_prefix.tolist()]
    return torch.tensor(rows, dtype=torch.bool).reshape(len(num_prefix), 1, T, T)


def prefixes(seed: int) -> list[tuple[torch.Tensor, int]]:
    """Lengths of prefixes (B,) and T: all sizes different, then B = T, one sequence, no prefix, nothing but a prefix."""
    ordinary = [([3, 0, 5], 7), ([2, 6, 4, 1], 8), ([4, 2, 5], 6)][seed % 3]
    sizes = (ordinary, ([1, 4, 2, 3], 4), ([3], 5), ([0, 0], 3), ([2, 2, 2], 2), ([1], 1), ([0], 1))
    return [(torch.tensor(lengths), T) for lengths, T in sizes]


def prefix_mask_for(answer, num_prefix: torch.Tensor, T: int) -> torch.Tensor:
    """The learner's mask, whatever its dtype, as (B, 1, T, T) bool."""
    what = f"prefix_mask for num_prefix = {num_prefix.tolist()} and T = {T}"
    result = run(answer, num_prefix, T, what="prefix_mask")
    prefix_mask.want_shape(result, (len(num_prefix), 1, T, T), "(B, 1, T, T)", what, (num_prefix, T))
    want_zeros_and_ones(result, what, "two masks are added, so that a position that both open counts twice. Where one of them is enough, use `|`.")
    return result.bool()


@prefix_mask.aspect("shape")
def has_a_row_and_a_column_for_each_position(answer, seed):
    for num_prefix, T in prefixes(seed):
        prefix_mask_for(answer, num_prefix, T)


@prefix_mask.aspect("values")
def opens_the_prefix_and_what_is_not_later(answer, seed):
    for num_prefix, T in prefixes(seed):
        spread = torch.stack((num_prefix.flip(0), num_prefix), dim=1)[:, 0]  # the same lengths, not contiguous
        for lengths in (num_prefix, spread):
            want_prefix(prefix_mask_for(answer, lengths, T), lengths, T)


def want_prefix(mask: torch.Tensor, num_prefix: torch.Tensor, T: int) -> None:
    """Refuse another mask than the reference's."""
    prefix_mask.want_values(
        mask.long(), loop_prefix(num_prefix, T).long(), (num_prefix, T),
        what=lambda b, _, row: f"for a prefix of {num_prefix[b]} and T = {T}, row {row} of the mask is",
        otherwise=lambda: triangle_cause(mask.long(), num_prefix, T),
        caption="The mask with a prefix: wanted, and yours", row_of=ids,
        meaning=": open in the prefix, and up to the position of the row",
    )
    prefix_mask.note_right(mask.long(), (num_prefix, T))

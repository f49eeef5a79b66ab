"""Notebook 4, exercise 2: what the mask of several sentences in one row must do."""

import torch

from ninelives.checks.exercise import CheckFailed, Exercise, ids, run
from ninelives.checks.masks import MASK_HINTS, want_zeros_and_ones
from ninelives.figures import wanted_and_yours

PAD = -1

packed_mask = Exercise("packed_mask", error_hints=MASK_HINTS | {
    "must match the size of tensor b":
        "each position meets each position: give one copy of the numbers the axes (B, 1, T, 1), for the rows, and the "
        "other (B, 1, 1, T), for the columns.",
})

ONE_COPY = ("these numbers say something of each position alone. A mask says something of each *pair*: compare the numbers, "
            "as rows (B, 1, T, 1), with themselves, as columns (B, 1, 1, T).")
HEADS = "the axis for the heads is missing: attention would take the sequences for heads. It has size 1: `unsqueeze(1)`."
NOT_COMPARED = ("sentence numbers are compared with `==`, which gives True and False. To add, subtract or multiply them, or to join them with "
                "`&`, gives other numbers.")
SHAPE_ALONE = "this row is the same for all positions. Each position has a row of its own: which others are in its sentence?"


def rows_and_columns(sentence: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(B, T) as (B, 1, T, 1) and (B, 1, 1, T)."""
    return sentence[:, None, :, None], sentence[:, None, None, :]


@packed_mask.mistake("shape", HEADS)
def head_axis_missing(sentence):
    return sentence.unsqueeze(2) == sentence.unsqueeze(1)


@packed_mask.mistake("shape", "the sequences are on the axis of the heads: the axis of size 1 comes second, `unsqueeze(1)` or `[:, None]`.")
def sequences_as_heads(sentence):
    return (sentence.unsqueeze(2) == sentence.unsqueeze(1)).unsqueeze(0)


@packed_mask.mistake("shape", ONE_COPY)
def not_padding(sentence):
    return sentence != PAD


@packed_mask.mistake("shape", ONE_COPY)
def next_position_compared(sentence):
    return sentence == sentence.roll(1, dims=1)


@packed_mask.mistake("shape", SHAPE_ALONE)
def encoders_mask_in_one_row(sentence):
    return (sentence != PAD)[:, None, None, :]


@packed_mask.mistake("shape", "one mask serves the whole batch, but every row of the batch is packed in its own way.")
def first_row_for_all(sentence):
    rows, columns = rows_and_columns(sentence[:1])
    return rows == columns


@packed_mask.mistake("shape", "the axis of size 1 stands between rows and columns. It comes second, before the rows: `unsqueeze(1)`.")
def head_axis_third(sentence):
    return (sentence.unsqueeze(2) == sentence.unsqueeze(1)).unsqueeze(2)


ROWS_OF_THE_BATCH = ("the rows of the batch are compared with each other. Compare the positions of each row: with a batch in front, their axes "
                     "are one further to the right than in the hint.")


@packed_mask.mistake("shape", ROWS_OF_THE_BATCH)
def rows_of_the_batch_compared(sentence):
    return sentence.unsqueeze(1) == sentence.unsqueeze(0)


@packed_mask.mistake("shape", ROWS_OF_THE_BATCH)
def rows_of_the_batch_compared_with_an_axis_for_the_heads(sentence):
    return (sentence.unsqueeze(1) == sentence.unsqueeze(0)).unsqueeze(1)


@packed_mask.mistake("own sentence", "this is the encoder's mask: padding is closed, but every sentence attends to all the "
                                     "others in its row. Two positions see each other if they have the same number.")
def padding_alone_closed(sentence):
    T = sentence.shape[1]
    return (sentence != PAD)[:, None, None, :].expand(-1, 1, T, T)


@packed_mask.mistake("own sentence", "1 and 0 are swapped: 1 (True) means may attend, so `==` and not `!=`.")
def one_means_hidden(sentence):
    rows, columns = rows_and_columns(sentence)
    return rows != columns


@packed_mask.mistake("own sentence", "`>=` opens every sentence with a smaller number too. Two positions see each other if their "
                                     "numbers are equal: `==`.")
def smaller_numbers_too(sentence):
    rows, columns = rows_and_columns(sentence)
    return rows >= columns


@packed_mask.mistake("own sentence", "no position attends to a later one. An encoder reads its whole sentence, in both "
                                     "directions.")
def causal(sentence):
    rows, columns = rows_and_columns(sentence)
    return (rows == columns).tril()


@packed_mask.mistake("own sentence", "each position attends to itself alone.")
def diagonal_alone(sentence):
    B, T = sentence.shape
    return torch.eye(T).expand(B, 1, T, T)


@packed_mask.mistake("own sentence", "a token attends to all others of its sentence, and not to itself: its own position has the same number too.")
def not_itself(sentence):
    rows, columns = rows_and_columns(sentence)
    return (rows == columns) & ~torch.eye(sentence.shape[1], dtype=torch.bool)


@packed_mask.mistake("own sentence", "padding is open to every token. Its number, −1, is that of no sentence: no token may attend to it.")
def padding_open_to_all(sentence):
    rows, columns = rows_and_columns(sentence)
    return (rows == columns) | (columns == PAD)


@packed_mask.mistake("own sentence", "the sentence with the largest number is left out: `range(n)` ends before n.")
def largest_number_left_out(sentence):
    rows, columns = rows_and_columns(sentence)
    return (rows == columns) & (columns < sentence.max())


@packed_mask.mistake("own sentence", "the sentence with number 0 is taken for padding. Padding is −1; 0 is a number like any other.")
def number_0_taken_for_padding(sentence):
    rows, columns = rows_and_columns(sentence)
    return (rows == columns) & (columns > 0)


@packed_mask.mistake("own sentence", "number 0 and padding are the same in your comparison. Padding is −1; 0 is a number like any "
                                     "other.")
def padding_clamped_to_0(sentence):
    rows, columns = rows_and_columns(sentence.clamp(min=0))
    return rows == columns


@packed_mask.mistake("own sentence", "every row of the batch gets the mask of the first.")
def mask_of_the_first_row(sentence):
    rows, columns = rows_and_columns(sentence[:1].expand_as(sentence))
    return rows == columns


@packed_mask.mistake("own sentence", "only the first row of the batch has a mask: `return` is inside the loop over the rows.")
def first_of_the_batch_alone(sentence):
    rows, columns = rows_and_columns(sentence)
    return (rows == columns) & (torch.arange(len(sentence)).reshape(-1, 1, 1, 1) == 0)


@packed_mask.mistake("own sentence", "only neighbours are taken for one sentence: where another stands between its positions, they are torn "
                                     "apart. Compare the number of each position with that of every other.")
def runs_of_equal_neighbours(sentence):
    first = torch.ones_like(sentence[:, :1])  # (B, 1)
    runs = torch.cat((first, (sentence[:, 1:] != sentence[:, :-1]).long()), dim=1).cumsum(1)  # (B, T)
    rows, columns = rows_and_columns(runs)
    return rows == columns


@packed_mask.mistake("no empty row", "rows of padding are closed as well as its columns, so they are empty, and their softmax is NaN. "
                                     "With `==` alone padding attends to padding: no token does, and no row is empty.")
def padding_closed_twice(sentence):
    rows, columns = rows_and_columns(sentence)
    return (rows == columns) & (columns != PAD)


def numbers_of(lengths: list[int], numbers: list[int], T: int) -> list[int]:
    """Sentence numbers of one row: each number as often as its sentence has words, then padding."""
    row = [number for number, length in zip(numbers, lengths) for _ in range(length)]
    return row + [PAD] * (T - len(row))


def packed(seed: int) -> list[torch.Tensor]:
    """Sentence numbers (B, T): all sizes different, then B = T, one row, one position, all padding but one, sentences in two pieces."""
    T = (9, 8, 10)[seed % 3]
    ordinary = [
        numbers_of([3, 1, 2], [0, 1, 2], T), numbers_of([T], [4], T), numbers_of([2, 4, T - 6], [7, 0, 3], T),
        numbers_of([1, 1], [1, 0], T), numbers_of([4, 2], [28, 5], T),
    ]
    square = [numbers_of([2, 2], [0, 1], 4), numbers_of([1], [0], 4), numbers_of([1, 1, 2], [2, 1, 0], 4), numbers_of([3], [1], 4)]
    numbers = torch.tensor(ordinary)
    spread = numbers.repeat_interleave(2, dim=1)[:, ::2]  # the same numbers, not contiguous
    return [numbers, spread[:3], torch.tensor(square), numbers[:1], torch.tensor([[0]]), torch.tensor([[1], [0]]), numbers[3:4, :3],
            torch.tensor([[0, 0, 2, 0, 2, PAD], [3, 1, 1, 3, 3, 3], [5, PAD, 0, PAD, PAD, 5]])]


def loop_packed(sentence: torch.Tensor) -> torch.Tensor:
    """(B, T) to (B, 1, T, T) bool: the reference, cell by cell."""
    return torch.tensor([[[[a == b for b in row] for a in row]] for row in sentence.tolist()])


def mask_for(answer, sentence: torch.Tensor) -> torch.Tensor:
    """The learner's mask, whatever its dtype, as (B, 1, T, T) bool."""
    B, T = sentence.shape
    what = f"packed_mask for B = {B} and T = {T}"
    result = run(answer, sentence, what="packed_mask")
    packed_mask.want_shape(result, (B, 1, T, T), "(B, 1, T, T)", what, (sentence,))
    want_zeros_and_ones(result, what, NOT_COMPARED, NOT_COMPARED)
    return result.bool()


@packed_mask.aspect("shape")
def has_a_row_and_a_column_for_every_position(answer, seed):
    for sentence in packed(seed):
        mask_for(answer, sentence)


@packed_mask.aspect("own sentence")
def opens_for_each_token_its_own_sentence(answer, seed):
    for sentence in packed(seed):
        want_own_sentence(mask_for(answer, sentence), sentence)
        # Other sentences of the same shape: nothing may be kept of the first call.
        want_own_sentence(mask_for(answer, sentence.flip(0)), sentence.flip(0))


def want_own_sentence(mask: torch.Tensor, sentence: torch.Tensor) -> None:
    """Refuse a mask in which a token attends to another sentence or to padding, or not to all of its own sentence."""
    wanted, is_token = loop_packed(sentence), (sentence != PAD)[:, None, :, None]
    packed_mask.want_values(
        torch.where(is_token, mask, wanted).long(), wanted.long(), (sentence,),
        what=lambda b, _, row: f"for the sentence numbers {ids(sentence[b])}, row {row} of the mask is",
        meaning=": open where the number is that of the row", row_of=ids,
        otherwise="token i may attend to token j if both have the same sentence number.",
        caption="The mask: wanted, and yours. Rows of padding are not compared.",
        agree=lambda result, other: result.shape == other.shape and torch.equal(
            result, torch.where(is_token, other.bool(), wanted).long()),
    )


@packed_mask.aspect("no empty row")
def leaves_no_row_empty(answer, seed):
    for sentence in packed(seed):
        want_no_empty_row(mask_for(answer, sentence), sentence)


def want_no_empty_row(mask: torch.Tensor, sentence: torch.Tensor) -> None:
    """Refuse a mask with a row that allows nothing."""
    empty = ~mask.any(-1)
    if not empty.any():
        return
    b, _, row = empty.nonzero()[0].tolist()
    raise CheckFailed(
        f"for the sentence numbers {ids(sentence[b])}, row {row} of the mask allows nothing.",
        "in every row at least one open position, in the rows of padding too.",
        packed_mask.likely_cause(
            mask, (sentence,), "an empty row makes NaN: let padding attend to something, such as itself.",
            lambda mask, other: other.shape == mask.shape and torch.equal(mask, other.bool())),
        picture=lambda: wanted_and_yours(loop_packed(sentence), mask, caption="The mask: wanted, and yours"),
    )

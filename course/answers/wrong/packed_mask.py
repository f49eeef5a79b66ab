"""Wrong answers to the mask of packed rows that are more than a mistake in a formula."""

import torch

from answers import refused_by
from ninelives.checks.encoder import packed_mask
from ninelives.checks.packed_mask import rows_and_columns


def right(sentence):
    """(B, 1, T, T) bool."""
    rows, columns = rows_and_columns(sentence)
    return rows == columns


@refused_by(packed_mask, "shape", "not written yet", "run its cell again, then this check")
def nothing_written(sentence):
    raise NotImplementedError()


@refused_by(packed_mask, "shape", "the function has no `return`.")
def return_forgotten(sentence):
    mask = right(sentence)


@refused_by(packed_mask, "shape", "give one copy of the numbers the axes (B, 1, T, 1)")
def batch_met_by_positions(sentence):
    return (sentence.unsqueeze(2) == sentence).unsqueeze(1)


@refused_by(packed_mask, "shape", "changed the tensor", "work on x.clone()")
def padding_overwritten(sentence):
    sentence[sentence == -1] = 1000
    return right(sentence)


@refused_by(packed_mask, "shape", "changed the tensor", "work on x.clone()")
def numbers_shifted_in_place(sentence):
    sentence += 1
    return right(sentence)


@refused_by(packed_mask, "shape", "changed the tensor", "work on x.clone()")
def padding_masked_in_place(sentence):
    sentence.masked_fill_(sentence < 0, 99)
    return right(sentence)


@refused_by(packed_mask, "shape", "sentence numbers are compared with `==`, which gives True and False.")
def products_of_the_numbers(sentence):
    rows, columns = rows_and_columns(sentence + 2)
    return rows * columns * 3


@refused_by(packed_mask, "shape", "−∞ belongs in the scores")
def ready_to_be_added(sentence):
    return torch.zeros(right(sentence).shape).masked_fill(~right(sentence), float("-inf"))


OWN = "token i may attend to token j if both have the same sentence number."
KEPT = {}


@refused_by(packed_mask, "own sentence", OWN)
def mask_of_the_first_call(sentence):
    return KEPT.setdefault(tuple(sentence.shape), right(sentence))


@refused_by(packed_mask, "own sentence", OWN)
def mask_of_the_first_call_with_these_numbers(sentence):
    return KEPT.setdefault((tuple(sentence.shape), int(sentence.sum())), right(sentence))


@refused_by(packed_mask, "own sentence", OWN)
def mask_of_the_first_call_with_this_first_row(sentence):
    return KEPT.setdefault((tuple(sentence.shape), int(sentence.max())), right(sentence))


@refused_by(packed_mask, "own sentence", OWN)
def a_window_of_three(sentence):
    T = sentence.shape[1]
    return right(sentence) & torch.ones(T, T).tril(2).triu(-2).bool()


@refused_by(packed_mask, "own sentence", OWN)
def neighbouring_numbers_too(sentence):
    rows, columns = rows_and_columns(sentence)
    return ((rows - columns).abs() <= 1) & (columns != -1) | (rows == -1)


@refused_by(packed_mask, "own sentence", OWN)
def numbers_above_4_taken_for_4(sentence):
    return right(sentence.clamp(max=4))


@refused_by(packed_mask, "own sentence", OWN)
def first_token_sees_all(sentence):
    mask = right(sentence).clone()
    mask[:, :, 0] |= (sentence != -1).unsqueeze(1)
    return mask


@refused_by(packed_mask, "no empty row", "let padding attend to something, such as itself")
def only_the_first_padding_left_open(sentence):
    rows, columns = rows_and_columns(sentence)
    first = (sentence == -1).int().argmax(1)  # (B,)
    return (rows == columns) & ((columns != -1) | (torch.arange(sentence.shape[1])[:, None] == first[:, None, None, None]))


@refused_by(packed_mask, "no empty row", "rows of padding are closed as well as its columns")
def padding_multiplied_away(sentence):
    is_token = (sentence != -1).long()
    return right(sentence).long() * is_token[:, None, :, None] * is_token[:, None, None, :]


# Sizes.


@refused_by(packed_mask, "shape", "the axis for the heads is missing: attention would take the sequences for heads. It has size 1: `unsqueeze(1)`.")
def one_row_without_its_axis(sentence):
    return right(sentence).squeeze(0)


@refused_by(packed_mask, "shape", "the axis for the heads is missing: attention would take the sequences for heads. It has size 1: `unsqueeze(1)`.")
def one_position_without_its_axes(sentence):
    return right(sentence).squeeze(-1)


@refused_by(packed_mask, "own sentence", OWN)
def ten_sentences_at_most(sentence):
    marked = torch.nn.functional.one_hot(sentence.clamp(-1, 9) + 1, 11).float()  # (B, T, 11)
    mask = (marked @ marked.transpose(1, 2)).unsqueeze(1) > 0
    return mask & ~((sentence > 9)[:, None, :, None] & (sentence > 9)[:, None, None, :]) | torch.eye(sentence.shape[1]).bool()


@refused_by(packed_mask, "own sentence", "the sentence with number 0 is taken for padding")
def zeros_vanish_in_a_product(sentence):
    rows, columns = rows_and_columns(sentence)
    return (rows * columns > 0) & (rows == columns) & (columns > 0)


@refused_by(packed_mask, "shape", "sentence numbers are compared with `==`, which gives True and False.")
def numbers_joined_by_and(sentence):
    return sentence[:, None, :, None] & sentence[:, None, None, :]


@refused_by(packed_mask, "shape", "sentence numbers are compared with `==`, which gives True and False.")
def numbers_subtracted(sentence):
    return sentence[:, None, :, None] - sentence[:, None, None, :]


@refused_by(packed_mask, "shape", "this is a single True or False: `is` and torch.equal compare two tensors as a whole")
def compared_as_a_whole(sentence):
    return sentence[:, None, :, None] is sentence[:, None, None, :]

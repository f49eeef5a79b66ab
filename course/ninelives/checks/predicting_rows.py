"""Notebook 7, exercise 4: the rows of the logits that predict the targets."""

import torch

from ninelives.checks.exercise import CheckFailed, Exercise, ids, run, same_values

V = 31  # words of the vocabulary

predicting_rows = Exercise("predicting_rows")


@predicting_rows.aspect("one row for each target")
def takes_the_row_before_each_target(answer, seed):
    B, P, T = [(5, 7, 4), (3, 5, 6), (4, 6, 3)][seed % 3]
    for sizes in ((B, P, T), (B, P - 2, T + 2), (2, 4, 4), (2, 1, 3), (1, 3, 1)):
        want_rows(answer, *sizes)


def want_rows(answer, B: int, P: int, T: int) -> None:
    """Refuse other rows than those from the last of the prefix to the last but one."""
    # Each number says where it is from: row 3 of example 2 holds 203.
    names = 100.0 * torch.arange(B).view(B, 1, 1) + torch.arange(P + T).view(1, -1, 1)  # (B, P + T, 1)
    logits = names.repeat(1, 1, V)  # (B, P + T, V)
    result = run(answer, logits, P)
    what = f"predicting_rows with P = {P} and {P + T} rows"
    predicting_rows.want_shape(result, (B, T, V), "(B, T, vocab_size)", what, (logits, P))
    predicting_rows.want_values(
        result[..., 0], logits[:, P - 1 : P + T - 1, 0], (logits, P),
        what=lambda example: f"for P = {P} and T = {T} the rows of example {example} are",
        meaning=": from the last row of the prefix to the last but one (row 3 of example 2 is called 203)",
        otherwise="a slice along axis 1: [:, first : end], where end is the first row that is not taken.",
        caption=f"The rows taken of each example for P = {P} and T = {T}: wanted, and yours",
        row_of=ids,
        make=lambda mistake: lambda logits, P: mistake(logits, P)[..., 0],
    )


@predicting_rows.aspect("numbers as they are")
def leaves_the_numbers_as_they_are(answer, seed):
    logits = 100 * torch.randn(3, 9, 7, generator=torch.Generator().manual_seed(seed))
    logits.requires_grad_()
    rows = run(answer, logits, 4)
    if not same_values(rows, logits[:, 3:-1], tolerance=0.0):
        raise CheckFailed(
            "the rows are the right ones, but some of their numbers have been changed.", "the numbers of logits, to the last digit.",
            "a slice is enough: nothing is rounded, clamped or divided.",
        )
    if not same_values(run(answer, -logits, 4), -logits[:, 3:-1], tolerance=0.0):
        raise CheckFailed(
            "called once more, with other logits of the same shape, predicting_rows gives other rows than theirs.", "rows of the logits that it is given.",
            "rows of an earlier call are kept: take them from this call's logits, every time.",
        )
    if rows.dtype != logits.dtype:
        raise CheckFailed(
            f"of logits of {logits.dtype}, predicting_rows makes {rows.dtype}.", f"{logits.dtype}, as they are.",
            "take the rows without .double(), .float() or .half().",
        )
    if not rows.requires_grad:
        raise CheckFailed(
            "the rows have no gradient.", "one: the loss is computed from them, and training goes back through it.",
            "take the rows of logits themselves, without .detach(), .data or torch.no_grad().",
        )


@predicting_rows.mistake(
    "one row for each target", "axis 0 is the batch, so this takes examples: the rows are along axis 1, logits[:, first : end].")
def slice_of_the_batch(logits, P):
    return logits[P - 1 : -1]


@predicting_rows.mistake(
    "one row for each target", "the numbers have been changed, by a softmax. Take the rows as they are: the loss needs raw scores.")
def rows_as_probabilities(logits, P):
    return logits[:, P - 1 : -1].softmax(-1)


@predicting_rows.mistake(
    "one row for each target", "the numbers have been changed, by a log_softmax. cross_entropy does that itself: take the rows as they are.")
def rows_as_log_probabilities(logits, P):
    return logits[:, P - 1 : -1].log_softmax(-1)


@predicting_rows.mistake("one row for each target", "these are the words with the highest scores. The loss needs the scores themselves.")
def words_of_the_rows(logits, P):
    return logits[:, P - 1 : -1].argmax(-1)


@predicting_rows.mistake("one row for each target", "this is the last row alone: T rows predict the T targets, and the last row predicts none of them.")
def last_row_alone(logits, P):
    return logits[:, -1:]


FIRST_ROW_ALONE = "this is the row that predicts the first target, and it alone: the rows after it predict the others."


@predicting_rows.mistake("one row for each target", FIRST_ROW_ALONE)
def row_of_the_first_target(logits, P):
    return logits[:, P - 1 : P]


@predicting_rows.mistake("one row for each target", FIRST_ROW_ALONE)
def row_of_the_first_target_without_its_axis(logits, P):
    return logits[:, P - 1]


@predicting_rows.mistake("one row for each target", "batch and rows have become one axis. The loss will flatten them; here they stay (B, T, vocab_size).")
def flat_rows(logits, P):
    return logits[:, P - 1 : -1].flatten(0, 1)


@predicting_rows.mistake("one row for each target", "the rows are stacked along axis 0, where the batch belongs: torch.stack(…, dim=1), or a slice.")
def rows_stacked_along_the_batch(logits, P):
    return logits[:, P - 1 : -1].transpose(0, 1)


@predicting_rows.mistake("one row for each target", "axis 2 holds the scores of the words. The rows are along axis 1, logits[:, first : end].")
def slice_of_the_vocabulary(logits, P):
    return logits[:, :, P - 1 : -1]


@predicting_rows.mistake(
    "one row for each target",
    "the last row is still there. It predicts what comes after the last target, for which there is no target.",
)
def last_row_kept(logits, P):
    return logits[:, P - 1 :]


@predicting_rows.mistake(
    "one row for each target",
    "these are as many rows as the prefix has. There are T targets, and T rows predict them.",
)
def rows_of_the_prefix(logits, P):
    return logits[:, :P]


@predicting_rows.mistake(
    "one row for each target",
    "row P − 1 is missing, the last of the prefix: it predicts the first target. The slice begins one row earlier.",
)
def first_target_without_a_row(logits, P):
    return logits[:, P:-1]


@predicting_rows.mistake(
    "one row for each target",
    "one row too few at the end: −1 as the end of a slice already leaves out the last row, and only that one is left out.",
)
def two_rows_left_out_at_the_end(logits, P):
    return logits[:, P - 1 : -2]


@predicting_rows.mistake(
    "one row for each target",
    "the slice begins two rows too late: rows count from 0, so the last row of the prefix is row P − 1, and it predicts the first target.",
)
def two_rows_too_late(logits, P):
    return logits[:, P + 1 :]


@predicting_rows.mistake(
    "one row for each target",
    "only the last row has been left out, as for a decoder alone. The first P − 1 rows belong to the prefix, and predict no target.",
)
def rows_of_the_prefix_kept(logits, P):
    return logits[:, :-1]


@predicting_rows.mistake("one row for each target", "no row has been left out.")
def every_row(logits, P):
    return logits


@predicting_rows.mistake(
    "one row for each target",
    "these are the rows of the targets themselves. A row predicts the word that comes after it, so the first target is "
    "predicted by the last row of the prefix.",
)
def rows_of_the_targets(logits, P):
    return logits[:, P:]


@predicting_rows.mistake("one row for each target", "these are the first T rows, which belong to the prefix.")
def first_rows(logits, P):
    return logits[:, : logits.shape[1] - P]


@predicting_rows.mistake(
    "one row for each target", "one row too early: rows count from 0, so the last row of the prefix is row P − 1.")
def one_row_too_early(logits, P):
    return logits[:, P - 2 : -2]

"""Notebook 6, exercise 1: what the probabilities of the next token must be."""

from collections.abc import Callable
from functools import partial

import torch
from torch.nn import functional as F

from ninelives.checks.exercise import CheckFailed, Exercise, in_case, numbers, run, same_values
from ninelives.checks.sampling import STEP_ERRORS, probabilities_by_hand, where_0_is_allowed

WORD_ITSELF = "this is one number for each row: the word itself. Return a probability for every word."
ONE_FORMULA = "every temperature above 0 divides the logits, as it is: no int, no `//`, no max or min, and no case of its own."
WHOLE_ROWS = "`p[best]` takes whole rows, by their number. Each row has its own best word: `F.one_hot(best, V).float()`."
SOFTMAX_TWICE = "this is the softmax of a softmax, which is nearly even: take it once, of the logits ÷ temperature."

next_token_probabilities = Exercise("next_token_probabilities", error_hints=STEP_ERRORS | {
    "Class values must be smaller than num_classes":
        "F.one_hot(best, V) is given a number that is not below V. Is V the number of words, `logits.shape[-1]`? And each row has its own "
        "best word, `argmax(dim=-1)`: without an axis argmax numbers the cells of the whole batch.",
    "must match the size of tensor":
        "one number for each row, its sum or its maximum, needs an axis of size 1, (B, 1): `keepdim=True`.",
    "out of bounds for dimension 0": WHOLE_ROWS,
})


def some_logits(seed: int) -> torch.Tensor:
    """(B, V): scores whose softmax is far from even and far from certain; no two in a row nearly equal."""
    B, V = [(3, 7), (4, 6), (2, 9)][seed % 3]
    rows = [torch.randperm(V) * 0.45 + 0.1 * torch.rand(V) for _ in range(B)]
    return torch.stack(rows) - 1.0


def probabilities_of(answer, logits: torch.Tensor, temperature: float) -> torch.Tensor:
    """What the learner's function returns, of the right shape and made of floats."""
    what = f"next_token_probabilities at temperature {temperature:g}"
    result = run(answer, logits, temperature)
    if isinstance(result, tuple) and hasattr(result, "values"):
        raise CheckFailed(
            f"{what} gives a pair, the largest numbers and where they are.",
            "a tensor of probabilities, (B, V).",
            "`max(dim=-1)` finds the best score of each row. What is asked for is a probability for *every* word.",
        )
    next_token_probabilities.want_shape(result, logits.shape, "(B, V)", what, (logits, temperature))
    if not result.is_floating_point():
        raise CheckFailed(
            f"{what} gives {result.dtype}.",
            "floats: torch.multinomial takes nothing else.",
            "`F.one_hot` gives whole numbers; add `.float()`.",
        )
    return result.detach()


def scores_as_text(scores: torch.Tensor) -> str:
    """A row of scores (V,) for a message; where two decimals would make 0 of them, three digits of each."""
    nearly_0 = (scores.abs() < 0.005) & (scores != 0)
    return "[" + ", ".join(f"{x:.3g}" for x in scores.tolist()) + "]" if nearly_0.any() else numbers(scores, 9)


def want_probabilities(
    answer, logits: torch.Tensor, temperature: float, otherwise: Callable[[torch.Tensor], str]
) -> None:
    """Refuse other probabilities than the reference's; `otherwise` finds the cause if no known mistake gives them."""
    result = probabilities_of(answer, logits, temperature)
    wanted = probabilities_by_hand(logits, temperature)
    never = result[logits == float("-inf")]
    if temperature > 0 and 0 < never.sum() < 1e-3:
        raise CheckFailed(
            f"at temperature {temperature:g} a word with the score −inf gets the probability {never.max():.2g}.",
            "exactly 0: such a word must never be drawn.",
            "a score of −inf must stay −inf, and its probability 0: no scores are clamped, nothing is added to the probabilities, and none is "
            "kept above a smallest number.",
        )
    next_token_probabilities.want_values(
        result, wanted, (logits, temperature),
        what=lambda row: f"for the logits {scores_as_text(logits[row])} and temperature {temperature:g} you give",
        otherwise=partial(otherwise, result),
        caption=f"Probabilities at temperature {temperature:g}: wanted, and yours. One row for each sequence.",
        shown=9,
        agree=partial(same_values, tolerance=2e-5),
    )


@next_token_probabilities.mistake("shape", WORD_ITSELF)
def word_itself(logits, temperature):
    return (logits / temperature).argmax(-1)


@next_token_probabilities.mistake("shape", WORD_ITSELF)
def word_already_drawn(logits, temperature):
    return torch.multinomial((logits / temperature).softmax(-1), 1)


@next_token_probabilities.mistake("shape", "the batch is lost: every row has probabilities of its own.")
def first_row_alone(logits, temperature):
    return (logits[0] / temperature).softmax(-1)


@next_token_probabilities.aspect("shape")
def one_probability_for_each_word_of_each_row(answer, seed):
    logits = some_logits(seed)
    for batch in (logits, logits[:1], logits[:, : len(logits)]):
        probabilities_of(answer, batch, 1.0)


@next_token_probabilities.aspect("values")
def softmax_of_the_logits_divided_by_the_temperature(answer, seed):
    def otherwise(result):
        if result.isnan().any():
            return "NaN comes of 0 ÷ 0, of ∞ − ∞ or of the logarithm of a negative number: look for one of these. The softmax needs none."
        if same_values(result, probabilities_by_hand(batch, temperature), tolerance=5e-3):
            return ("these probabilities are nearly right: nothing may be added to the temperature, rounded, or kept within bounds.")
        if same_values(result.sum(-1), torch.ones(len(result))):
            return "softmax(logits ÷ temperature), along the last axis."
        return "the rows do not add up to 1: the softmax along the last axis comes last."

    logits = some_logits(seed)
    want_both_small_and_large(answer, logits)
    spread = logits.repeat_interleave(2, dim=1)[:, ::2]  # the same logits, not contiguous
    for batch in (logits, logits[:1], logits[:, : len(logits)], spread, logits[:, :1]):
        for temperature in (1.0, 0.5, 2.0, 1):
            want_probabilities(answer, batch, temperature, otherwise)
    impossible = logits.clone()
    impossible[0, 1] = float("-inf")
    for temperature in (1.0, 0.5, 2.0):
        want_probabilities(answer, impossible, temperature, lambda result: (
            "a score of −inf says that this word cannot come: its probability is 0, and the others share the rest. "
            "A softmax of the scores as they are does so by itself."
        ))


def want_both_small_and_large(answer, logits: torch.Tensor) -> None:
    """Refuse a temperature that divides the logits (B, V) only when it is below 1, or only when it is above."""
    right = {
        temperature: same_values(probabilities_of(answer, logits, temperature), probabilities_by_hand(logits, temperature), tolerance=2e-5)
        for temperature in (0.5, 2.0)
    }
    for wrong, other in ((0.5, 2.0), (2.0, 0.5)):
        if right[other] and not right[wrong]:
            with in_case(f"although all is right at temperature {other:g}", cause=ONE_FORMULA):
                want_probabilities(answer, logits, wrong, lambda result: ONE_FORMULA)


@next_token_probabilities.aspect("greedy")
def at_temperature_0_the_best_word_gets_all(answer, seed):
    def otherwise(result):
        if result.isnan().any():
            return "dividing by 0 gives infinity and NaN. Treat 0 separately, before you divide."
        if same_values(result.sum(-1), torch.ones(len(result))) and torch.equal(result.argmax(-1), logits.argmax(-1)):
            return "a small temperature instead of 0 leaves the other words a little. Treat 0 by itself: take the argmax."
        return "argmax finds the best word of each row; F.one_hot(…, V).float() turns it into a row of 0 and 1."

    logits = some_logits(seed)
    with where_0_is_allowed():
        for temperature in (0, 0.0):
            want_probabilities(answer, logits, temperature, otherwise)
    impossible = logits.masked_fill(logits == logits.min(), float("-inf"))
    ordered = logits.sort(-1).values
    for batch in (logits - 9.0, impossible, ordered, ordered.flip(-1), logits[:, :1]):
        want_probabilities(answer, batch, 0, otherwise)
    # No row's best word is the last one.
    logits = torch.cat((logits, logits.amin(-1, keepdim=True) - 1.0), dim=1)
    want_probabilities(answer, logits, 0, otherwise)
    want_one_winner(answer, logits)
    # So close that a small temperature instead of 0 leaves the second word something.
    close = logits.scatter(-1, logits.topk(2).indices[:, 1:], logits.amax(-1, keepdim=True) - 1e-4)
    want_probabilities(answer, close, 0, otherwise)


def want_one_winner(answer, logits: torch.Tensor) -> None:
    """Refuse rows that do not add up to 1 where several words share the highest score."""
    tied = logits.clone()
    tied[:, :2] = tied.amax() + 1.0
    result = probabilities_of(answer, tied, 0)
    if not same_values(result[:, :2].sum(-1), torch.ones(len(result)), tolerance=1e-5):
        raise CheckFailed(
            f"at temperature 0 the first two words share the highest score, and the row is {numbers(result[0], 9)}.",
            "a row that adds up to 1: one of the two gets it, or they share it.",
            "`logits == logits.max(…)` is true at every word that has the highest score; argmax chooses one of them.",
        )


@next_token_probabilities.aspect("extremes")
def extreme_scores_and_temperatures_too(answer, seed):
    def otherwise(result):
        if not result.isfinite().all():
            return ("float32 ends at e^88: larger powers are infinite, and very small ones 0. Subtract the maximum of "
                    "each row first, which changes no probability, or use F.softmax, which does so.")
        if temperature < 1e-3 and same_values(result, probabilities_by_hand(scores, temperature), tolerance=2e-2):
            return ("at so small a temperature the last digits count: divide the logits as they are, before any other step, and add nothing "
                    "to the temperature.")
        return ("small and large temperatures, and large scores, must go through the same formula as all others: "
                "clip nothing, and add nothing to the temperature.")

    logits = some_logits(seed)
    # Rows on very different levels, as a batch may have them.
    levels = torch.arange(len(logits)).reshape(-1, 1) * 300.0 - 150.0
    # Scores as close together as the temperature is small, and as far apart as it is large.
    scaled = [(logits * temperature, temperature) for temperature in (1e-5, 0.02, 50.0)]
    shifted = [(logits + 200.0, 1.0), (logits + levels, 1.0)]
    for scores, temperature in (*shifted, (logits, 0.01), (logits, 100.0), *scaled):
        want_probabilities(answer, scores, temperature, otherwise)


# At temperature 0 some of the mistakes with all temperatures give the same, so these are looked up first.
@next_token_probabilities.mistake(
    "greedy", "0 is treated like 1. At temperature 0 the best word of each row gets 1, all others 0.")
def zero_treated_like_1(logits, temperature):
    return (logits / (temperature or 1)).softmax(-1)


@next_token_probabilities.mistake(
    "greedy", "every word is equally likely: that is where *large* temperatures lead.")
def equal_at_0(logits, temperature):
    if temperature == 0:
        return torch.full_like(logits, 1 / logits.shape[-1])
    return (logits / temperature).softmax(-1)


@next_token_probabilities.mistake(
    "greedy", "one word of the whole batch gets the 1. Every row has a best word: argmax along the last axis.")
def best_of_the_batch_at_0(logits, temperature):
    if temperature == 0:
        return (logits == logits.max()).float()
    return (logits / temperature).softmax(-1)


@next_token_probabilities.mistake(
    "greedy", "the best of each column gets 1. Every row has a best word: argmax along the last axis.")
def best_of_each_column_at_0(logits, temperature):
    if temperature == 0:
        return (logits == logits.amax(0)).float()
    return (logits / temperature).softmax(-1)


@next_token_probabilities.mistake(
    "greedy", "`F.one_hot` without V makes only as many columns as the largest id needs: F.one_hot(best, V).")
def columns_up_to_the_best_word_at_0(logits, temperature):
    if temperature == 0:
        return F.one_hot(logits.argmax(-1)).float()
    return (logits / temperature).softmax(-1)


@next_token_probabilities.mistake(
    "greedy", "`keepdim=True` leaves an axis of size 1, and F.one_hot puts the words after it: `argmax(dim=-1)` alone gives (B,).")
def axis_kept_at_0(logits, temperature):
    if temperature == 0:
        return F.one_hot(logits.argmax(-1, keepdim=True), logits.shape[-1]).float()
    return (logits / temperature).softmax(-1)


@next_token_probabilities.mistake(
    "greedy", "argmax goes down the batch, and finds a row for each word. Every row has a best word: `argmax(dim=-1)`.")
def best_row_of_each_word_at_0(logits, temperature):
    if temperature == 0:
        return F.one_hot(logits.argmax(0), logits.shape[-1]).float()
    return (logits / temperature).softmax(-1)


@next_token_probabilities.mistake(
    "greedy", "every row gets a 1 at the best words of *all* rows: `p[:, best]` takes whole columns. F.one_hot(best, V) gives each row its own.")
def best_words_of_all_rows_at_0(logits, temperature):
    if temperature == 0:
        p = torch.zeros_like(logits)
        p[:, logits.argmax(-1)] = 1
        return p
    return (logits / temperature).softmax(-1)


@next_token_probabilities.mistake("greedy", WHOLE_ROWS)
def best_words_taken_for_rows_at_0(logits, temperature):
    if temperature == 0:
        p = torch.zeros_like(logits)
        p[logits.argmax(-1)] = 1
        return p
    return (logits / temperature).softmax(-1)


@next_token_probabilities.mistake("greedy", "the lowest score gets the 1.")
def worst_word_at_0(logits, temperature):
    if temperature == 0:
        return F.one_hot(logits.argmin(-1), logits.shape[-1]).float()
    return (logits / temperature).softmax(-1)


@next_token_probabilities.mistake("greedy", "no word is left: every row must add up to 1.")
def zeros_at_0(logits, temperature):
    if temperature == 0:
        return torch.zeros_like(logits)
    return (logits / temperature).softmax(-1)


@next_token_probabilities.mistake(
    "greedy", "the best word is given its score; it must be given the probability 1.")
def score_kept_at_0(logits, temperature):
    if temperature == 0:
        return torch.where(logits == logits.amax(-1, keepdim=True), logits, 0.0)
    return (logits / temperature).softmax(-1)


@next_token_probabilities.mistake("values", "these are the scaled logits. The softmax is missing.")
def no_softmax(logits, temperature):
    return logits / temperature


@next_token_probabilities.mistake(
    "values",
    "the probabilities are divided by the temperature, after the softmax. That does not change how often each word "
    "is drawn: divide the logits, before the softmax.",
)
def divided_after_the_softmax(logits, temperature):
    return logits.softmax(-1) / temperature


@next_token_probabilities.mistake(
    "values", "the temperature has no effect: divide the logits by it, before the softmax.")
def temperature_forgotten(logits, temperature):
    return logits.softmax(-1)


@next_token_probabilities.mistake(
    "values", "the logits are multiplied by the temperature. Divide them: a small temperature must sharpen.")
def multiplied(logits, temperature):
    return (logits * temperature).softmax(-1)


@next_token_probabilities.mistake(
    "values",
    "each column adds up to 1, so the sequences share the weight. Each row must: softmax along the last axis.",
)
def softmax_along_the_batch(logits, temperature):
    return (logits / temperature).softmax(0)


@next_token_probabilities.mistake(
    "values", "all numbers together add up to 1. Each row must: softmax along the last axis.")
def one_softmax_for_all(logits, temperature):
    return (logits / temperature).flatten().softmax(0).view_as(logits)


@next_token_probabilities.mistake("values", "these are logarithms of probabilities: `softmax`, not `log_softmax`.")
def logarithms(logits, temperature):
    return (logits / temperature).log_softmax(-1)


@next_token_probabilities.mistake("values", "the powers are not divided by their sum: each row must add up to 1.")
def powers_without_their_sum(logits, temperature):
    return (logits / temperature).exp()


@next_token_probabilities.mistake(
    "values", "a sigmoid looks at each score separately. The words must share the weight: softmax.")
def sigmoid_of_each(logits, temperature):
    return (logits / temperature).sigmoid()


@next_token_probabilities.mistake(
    "values", "the best word gets all the probability. That is for temperature 0 alone.")
def always_greedy(logits, temperature):
    return F.one_hot(logits.argmax(-1), logits.shape[-1]).float()


@next_token_probabilities.mistake("values", "the logits are divided by the temperature twice.")
def divided_twice(logits, temperature):
    logits = logits / temperature
    return (logits / temperature).softmax(-1)


@next_token_probabilities.mistake("values", "the sign is wrong: the highest score must get the most.")
def sign_wrong(logits, temperature):
    return (-logits / temperature).softmax(-1)


@next_token_probabilities.mistake("values", SOFTMAX_TWICE)
def softmax_before_the_temperature_too(logits, temperature):
    return (logits.softmax(-1) / temperature).softmax(-1)


@next_token_probabilities.mistake("values", SOFTMAX_TWICE)
def softmax_after_the_softmax(logits, temperature):
    return (logits / temperature).softmax(-1).softmax(-1)

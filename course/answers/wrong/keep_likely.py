"""Wrong answers to top-k and top-p that are more than a mistake in a formula."""

import torch

from answers import refused_by
from ninelives.checks.generation import keep_top_k, keep_top_p
from ninelives.checks.keep_likely import scattered, shared


def right_k(probabilities, k):
    """(B, V)."""
    best = probabilities.topk(min(k, probabilities.shape[1]))
    return torch.zeros_like(probabilities).scatter(-1, best.indices, shared(best.values))


def right_p(probabilities, p):
    """(B, V)."""
    ordered, order = probabilities.sort(dim=-1, descending=True, stable=True)
    return shared(scattered(ordered * (ordered.cumsum(-1) - ordered < p), order))


KEPT_IN_CALLS = {}


@refused_by(keep_top_k, "values", "choose from the probabilities of this call")
def k_kept_by_shape(probabilities, k):
    return KEPT_IN_CALLS.setdefault((probabilities.shape, k), right_k(probabilities, k))


@refused_by(keep_top_p, "values", "choose from the probabilities of this call")
def p_kept_by_shape(probabilities, p):
    return KEPT_IN_CALLS.setdefault((probabilities.shape, p), right_p(probabilities, p))


@refused_by(keep_top_k, "shape", "not written yet", "run its cell again, then this check")
def k_not_written(probabilities, k):
    raise NotImplementedError()


@refused_by(keep_top_k, "shape", "the function has no `return`.")
def k_return_forgotten(probabilities, k):
    kept = right_k(probabilities, k)


@refused_by(keep_top_k, "shape", "`topk` is asked for more numbers than there are.")
def k_not_limited(probabilities, k):
    kth = probabilities.topk(k).values[:, -1:]
    return shared(probabilities * (probabilities >= kth))


@refused_by(keep_top_k, "values", "each *column* is divided by its sum.")
def k_divided_by_the_sums_of_the_columns(probabilities, k):
    kept = probabilities * (right_k(probabilities, k) > 0)
    return kept / kept.sum(0)


@refused_by(keep_top_p, "values", "each *column* is divided by its sum.")
def p_divided_by_the_sums_of_the_columns(probabilities, p):
    kept = probabilities * (right_p(probabilities, p) > 0)
    return kept / kept.sum(0, keepdim=True)


@refused_by(keep_top_k, "shape", "one number for each row, the smallest that is kept or the sum")
def sum_without_its_axis(probabilities, k):
    kept = probabilities * (right_k(probabilities, k) > 0)
    return kept / kept.sum(-1)


@refused_by(keep_top_k, "shape", "one number for each row, the smallest that is kept or the sum")
def kth_without_its_axis(probabilities, k):
    kth = probabilities.topk(min(k, probabilities.shape[1])).values[:, -1]
    return shared(probabilities * (probabilities >= kth))


@refused_by(keep_top_k, "shape", "a comparison says which words are kept. Multiply")
def which_words_are_kept(probabilities, k):
    return right_k(probabilities, k) > 0


@refused_by(keep_top_k, "shape", "changed the tensor", "work on x.clone()")
def others_zeroed_in_place(probabilities, k):
    probabilities[probabilities < probabilities.topk(min(k, probabilities.shape[1])).values[:, -1:]] = 0
    return shared(probabilities)


@refused_by(keep_top_k, "shape", "changed the tensor", "work on x.clone()")
def divided_in_place(probabilities, k):
    kept = right_k(probabilities, k)
    probabilities *= 0.5
    return kept


@refused_by(keep_top_k, "shape", "changed the tensor", "work on x.clone()")
def sorted_in_place(probabilities, k):
    kept = right_k(probabilities, k)
    probabilities[:] = probabilities.sort().values
    return kept


SUM = "divide what is left by its sum, `.sum(-1, keepdim=True)`."


@refused_by(keep_top_k, "values", SUM)
def divided_by_the_sum_of_the_batch(probabilities, k):
    kept = right_k(probabilities, k)
    return kept / kept.sum()


@refused_by(keep_top_k, "values", SUM)
def a_little_for_the_others(probabilities, k):
    return right_k(probabilities, k).clamp(min=1e-3)


LARGEST = "keep the k largest probabilities of each row, set all others to 0"
KEPT = {}


@refused_by(keep_top_k, "values", LARGEST)
def rest_shared_out_evenly(probabilities, k):
    best = probabilities.topk(min(k, probabilities.shape[1]))
    values = best.values + (1 - best.values.sum(-1, keepdim=True)) / best.values.shape[1]
    return torch.zeros_like(probabilities).scatter(-1, best.indices, values)


@refused_by(keep_top_k, "values", LARGEST)
def words_of_the_first_row_in_all(probabilities, k):
    best = probabilities[:1].topk(min(k, probabilities.shape[1])).indices.expand(len(probabilities), -1)
    return shared(torch.zeros_like(probabilities).scatter(-1, best, probabilities.gather(-1, best)))


@refused_by(keep_top_k, "values", LARGEST)
def k_of_the_first_call(probabilities, k):
    return right_k(probabilities, KEPT.setdefault("k", 3))


@refused_by(keep_top_k, "values", LARGEST)
def result_of_the_first_call(probabilities, k):
    return KEPT.setdefault((tuple(probabilities.shape), k), right_k(probabilities.flip(0), k))


@refused_by(keep_top_k, "values", LARGEST)
def words_of_an_earlier_call(probabilities, k):
    order = KEPT.setdefault(("order", tuple(probabilities.shape)), probabilities.flip(1).argsort(-1, descending=True))[:, :k]
    return shared(torch.zeros_like(probabilities).scatter(-1, order, probabilities.gather(-1, order)))


@refused_by(keep_top_k, "values", "it is for scores, before a softmax. A *probability*")
def minus_infinity_for_the_others(probabilities, k):
    kth = probabilities.topk(min(k, probabilities.shape[1])).values[:, -1:]
    return shared(probabilities.masked_fill(probabilities < kth, float("-inf")))


@refused_by(keep_top_k, "values", "the k-th itself belongs to them")
def more_than_the_kth(probabilities, k):
    """Where k is 1, nothing is left, and the row is NaN."""
    return shared(probabilities * (probabilities > probabilities.topk(min(k, probabilities.shape[1])).values[:, -1:]))


def to_three_places(kept):
    """Rounded so that each row still adds up to 1."""
    kept = kept.mul(1000).round()
    kept.scatter_add_(-1, kept.argmax(-1, keepdim=True), 1000 - kept.sum(-1, keepdim=True))
    return kept / 1000


@refused_by(keep_top_k, "values", LARGEST)
def k_rounded_to_three_places(probabilities, k):
    return to_three_places(right_k(probabilities, k))


@refused_by(keep_top_k, "values", SUM)
def k_with_a_little_in_the_sum(probabilities, k):
    kept = probabilities * (right_k(probabilities, k) > 0)
    return kept / (kept.sum(-1, keepdim=True) + 1e-3)


EDGE = "a k below V always leaves words out, however small their share."


@refused_by(keep_top_k, "edges", EDGE)
def at_most_fifty(probabilities, k):
    return right_k(probabilities, min(k, 50))


@refused_by(keep_top_k, "edges", EDGE)
def forty_taken_for_all(probabilities, k):
    return probabilities if k >= 40 else right_k(probabilities, k)


@refused_by(keep_top_k, "edges", EDGE)
def last_word_kept_too(probabilities, k):
    return probabilities if k == probabilities.shape[1] - 1 and k > 10 else right_k(probabilities, k)


@refused_by(keep_top_p, "shape", "not written yet", "run its cell again, then this check")
def p_not_written(probabilities, p):
    raise NotImplementedError()


@refused_by(keep_top_p, "shape", "the function has no `return`.")
def p_return_forgotten(probabilities, p):
    kept = right_p(probabilities, p)


@refused_by(keep_top_p, "shape", "what is compared must be (B, V), or (B, 1)")
def one_number_for_each_row_without_its_axis(probabilities, p):
    return shared(probabilities * (probabilities >= probabilities.amax(-1)))


@refused_by(keep_top_p, "shape", "It is always kept.")
def last_of_those_below_p(probabilities, p):
    ordered, order = probabilities.sort(-1, descending=True)
    rows = []
    for row, ids in zip(ordered, order):
        below = [k for k, total in enumerate(row.cumsum(-1).tolist()) if total < p]
        last = below[-1]
        rows.append(torch.zeros_like(row).scatter(-1, ids[: last + 2], row[: last + 2]))
    return shared(torch.stack(rows))


@refused_by(keep_top_p, "shape", "a comparison says which words are kept. Multiply")
def which_words_make_the_nucleus(probabilities, p):
    return right_p(probabilities, p) > 0


@refused_by(keep_top_p, "shape", "changed the tensor", "work on x.clone()")
def p_others_zeroed_in_place(probabilities, p):
    probabilities[right_p(probabilities, p) == 0] = 0
    return shared(probabilities)


@refused_by(keep_top_p, "shape", "changed the tensor", "work on x.clone()")
def p_sorted_in_place(probabilities, p):
    kept = right_p(probabilities, p)
    probabilities[:] = probabilities.sort().values
    return kept


@refused_by(keep_top_p, "shape", "changed the tensor", "work on x.clone()")
def p_divided_in_place(probabilities, p):
    kept = right_p(probabilities, p)
    probabilities /= 2
    return kept


@refused_by(keep_top_p, "values", SUM)
def p_divided_by_the_sum_of_the_batch(probabilities, p):
    kept = right_p(probabilities, p)
    return kept / kept.sum()


@refused_by(keep_top_p, "values", SUM)
def divided_by_p(probabilities, p):
    return probabilities * (right_p(probabilities, p) > 0) / p


@refused_by(keep_top_p, "values", "in a row no word is kept, and 0 ÷ 0 is NaN")
def half_of_p(probabilities, p):
    ordered, order = probabilities.sort(-1, descending=True)
    return shared(scattered(ordered * (ordered.cumsum(-1) < p / 2), order))


@refused_by(keep_top_p, "values", "the word that reaches p is left out. A word is kept")
def running_sum_below_p(probabilities, p):
    """Where the likeliest word has p by itself nothing is left, and the row is NaN."""
    ordered, order = probabilities.sort(-1, descending=True)
    return shared(scattered(ordered * (ordered.cumsum(-1) < p), order))


@refused_by(keep_top_p, "values", "What has to reach p is their *sum*")
def words_of_at_least_p(probabilities, p):
    return shared(probabilities * (probabilities >= p))


SORT = "A word is kept if all *likelier* words together have less than p."


@refused_by(keep_top_p, "values", SORT)
def one_word_more(probabilities, p):
    ordered, order = probabilities.sort(-1, descending=True)
    before = ordered.cumsum(-1) - ordered
    kept = torch.cat((torch.ones_like(before[:, :1]).bool(), (before < p)[:, :-1]), dim=1)
    return shared(scattered(ordered * kept, order))


@refused_by(keep_top_p, "values", SORT)
def p_result_of_the_first_call(probabilities, p):
    return KEPT.setdefault((tuple(probabilities.shape), p), right_p(probabilities.flip(0), p))


@refused_by(keep_top_p, "values", SORT)
def p_of_the_first_call(probabilities, p):
    return right_p(probabilities, KEPT.setdefault("p", 0.75))


@refused_by(keep_top_p, "values", SORT)
def p_raised_to_the_next_tenth(probabilities, p):
    return right_p(probabilities, 0.99 if p > 0.55 else p)


@refused_by(keep_top_p, "values", SORT)
def p_order_of_the_first_call(probabilities, p):
    order = KEPT.setdefault(("p order", tuple(probabilities.shape)), probabilities.flip(-1).argsort(-1, descending=True))
    ordered = probabilities.gather(-1, order)
    return shared(scattered(ordered * (ordered.cumsum(-1) - ordered < p), order))


@refused_by(keep_top_p, "values", SORT)
def p_rounded_to_three_places(probabilities, p):
    return to_three_places(right_p(probabilities, p))


@refused_by(keep_top_p, "values", SUM)
def p_with_a_little_in_the_sum(probabilities, p):
    kept = probabilities * (right_p(probabilities, p) > 0)
    return kept / (kept.sum(-1, keepdim=True) + 1e-3)


@refused_by(keep_top_p, "edges", "p = 1 keeps every word, and the smallest p the likeliest one.")
def never_more_than_p_without_a_word(probabilities, p):
    return right_p(probabilities, min(p, 0.95))


@refused_by(keep_top_p, "edges", "p = 1 keeps every word, and the smallest p the likeliest one.")
def two_words_at_least(probabilities, p):
    return right_p(probabilities, p) if p > 0.1 else right_k(probabilities, 2)


@refused_by(keep_top_p, "edges", "p = 1 keeps every word, and the smallest p the likeliest one.")
def nearly_1_taken_for_1(probabilities, p):
    return right_p(probabilities, p if p < 0.99 else 0.95)


@refused_by(keep_top_p, "edges", "so that equal ones are not kept or left out together")
def one_more_where_p_is_just_reached(probabilities, p):
    ordered, order = probabilities.sort(dim=-1, descending=True, stable=True)
    return shared(scattered(ordered * (ordered.cumsum(-1) - ordered <= p), order))


@refused_by(keep_top_p, "edges", "so that equal ones are not kept or left out together")
def equal_words_kept_together(probabilities, p):
    smallest = torch.where(right_p(probabilities, p) > 0, probabilities, torch.inf).amin(-1, keepdim=True)
    return shared(probabilities * (probabilities >= smallest))


@refused_by(keep_top_p, "edges", "so that equal ones are not kept or left out together")
def a_little_more_is_wanted(probabilities, p):
    return right_p(probabilities, p + 1e-3 if p == 0.75 else p)


EQUAL = "Turning a rising row around, with `flip`, turns equal words around too."


@refused_by(keep_top_p, "edges", EQUAL)
def sorted_upwards_and_turned_around(probabilities, p):
    ordered, order = [x.flip(-1) for x in probabilities.sort(dim=-1, stable=True)]
    return shared(scattered(ordered * (ordered.cumsum(-1) - ordered < p), order))


@refused_by(keep_top_p, "edges", EQUAL)
def equal_words_in_any_order(probabilities, p):
    ordered, order = probabilities.sort(dim=-1, descending=True)
    return shared(scattered(ordered * (ordered.cumsum(-1) - ordered < p), order))


PAIR = "topk and sort give a pair, the numbers and their indices"


@refused_by(keep_top_k, "shape", PAIR)
def pair_of_topk_cut(probabilities, k):
    return probabilities.topk(min(k, probabilities.shape[1]))[:, -1:]


@refused_by(keep_top_k, "shape", PAIR)
def pair_of_topk_compared(probabilities, k):
    return probabilities >= probabilities.topk(min(k, probabilities.shape[1]))


@refused_by(keep_top_p, "shape", PAIR)
def pair_of_sort_added_up(probabilities, p):
    return probabilities.sort(descending=True).cumsum(-1)


@refused_by(keep_top_k, "values", "a probability is never below 0")
def logarithms_of_what_is_kept(probabilities, k):
    return right_k(probabilities, k).log()


@refused_by(keep_top_p, "shape", "an index is too large. `kept[order]` takes whole rows")
def whole_rows_taken(probabilities, p):
    ordered, order = probabilities.sort(-1, descending=True)
    return shared(ordered * (ordered.cumsum(-1) - ordered < p))[order]

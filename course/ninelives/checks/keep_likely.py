"""Notebook 6, exercises 2 and 3: what top-k and top-p must keep."""

from functools import partial

import torch

from ninelives.checks.exercise import CheckFailed, Exercise, counted, ids, in_case, numbers, run, same_values

PAIR_OF_TOPK = "topk and sort give a pair, the numbers and their indices: take `.values` for the numbers, or `values, indices = …`."

keep_top_k = Exercise("keep_top_k", error_hints={
    "selected index k out of range":
        "`topk` is asked for more numbers than there are. Along the words, `dim=-1`, there are V, and k may be larger: "
        "`topk(min(k, V), dim=-1)`, with the k that is given.",
    "return_types": PAIR_OF_TOPK, "tuple indices must be": PAIR_OF_TOPK,
    "must match the size of tensor":
        "one number for each row, the smallest that is kept or the sum, needs an axis of size 1, (B, 1): `[:, -1:]` or "
        "`.sum(-1, keepdim=True)`.",
})
keep_top_p = Exercise("keep_top_p", error_hints={
    "return_types": PAIR_OF_TOPK, "tuple indices must be": PAIR_OF_TOPK,
    "must match the size of tensor":
        "what is compared must be (B, V), or (B, 1) where there is one number for each row.",
    "out of bounds for dimension 0":
        "an index is too large. `kept[order]` takes whole rows: each row is put back by itself, with `scatter`. And a loop over the words ends "
        "after the last one, even if their sum stays a little below p.",
    "index out of range": "even the likeliest word may have more than p by itself. It is always kept.",
})

KEPT = "something from an earlier call is kept and used again: choose from the probabilities of this call, every time."
SHARED = "the rows do not add up to 1: divide what is left by its sum, `.sum(-1, keepdim=True)`."
SOFTMAX = "the kept probabilities go through a softmax, which makes them nearly even: they are no scores. Divide by their sum."
NOTHING_LEFT = "in a row no word is kept, and 0 ÷ 0 is NaN. Every row keeps its likeliest word, however much or little it has."
NO_SCORES = "−∞ divided by −∞ is NaN: it is for scores, before a softmax. A *probability* that is left out becomes 0."
COLUMNS_ADD_UP = "each *column* is divided by its sum. Each row must add up to 1: `.sum(-1, keepdim=True)`."
SOFTMAX_OF_ALL = "a softmax of probabilities is nearly even, and gives the words with 0 something too: divide by the sum."
NEGATIVE = "a probability is never below 0: return the probabilities themselves, not their logarithms, and subtract nothing from them."
FIRST_ROW_ALONE = "only the first row is filled: is `return` inside the loop over the rows, or is a sum not set back to 0 for each of them?"
SWAPPED = "what is kept and what is left out are swapped: masked_fill puts its number where the condition is True."
WORDS = "these are the words that are kept, or their probabilities alone. Return (B, V), with 0 at all the others."


def some_probabilities(seed: int) -> torch.Tensor:
    """(B, V): different rows, no two numbers of a row nearly equal, each row in another order."""
    B, V = [(5, 7), (4, 8), (6, 9)][seed % 3]
    # Sharp rows and flat ones, so that top-p keeps other numbers of words.
    rows = [torch.randperm(V) * (0.25 + 0.24 * b) + 0.05 * torch.rand(V) for b in range(B)]
    return torch.stack(rows).softmax(-1)


def batches(seed: int) -> list[torch.Tensor]:
    """Probabilities (B, V): all sizes different, one row, B = V, not contiguous, certain words, one word."""
    p = some_probabilities(seed)
    V = p.shape[1]
    square = torch.stack([p[0].roll(k) for k in range(V)])
    return [p, p[:1], square, p.repeat_interleave(2, dim=1)[:, ::2], torch.eye(V)[[0, V - 1]], torch.ones(2, 1)]


def top_k_by_hand(probabilities: torch.Tensor, k: int) -> torch.Tensor:
    """(B, V) float64: the reference, word by word. No two words tie."""
    rows = []
    for row in probabilities.double().tolist():
        kept = sorted(range(len(row)), key=lambda word: -row[word])[:k]
        rows.append([p / sum(row[word] for word in kept) if word in kept else 0.0 for word, p in enumerate(row)])
    return torch.tensor(rows, dtype=torch.float64)


def top_p_by_hand(probabilities: torch.Tensor, p: float) -> torch.Tensor:
    """(B, V) float64: the reference, word by word. No two words tie."""
    rows = []
    for row in probabilities.double().tolist():
        kept, together = [], 0.0
        for word in sorted(range(len(row)), key=lambda word: -row[word]):
            if together >= p and kept:
                break
            kept.append(word)
            together += row[word]
        rows.append([x / together if word in kept else 0.0 for word, x in enumerate(row)])
    return torch.tensor(rows, dtype=torch.float64)


def kept_by(exercise: Exercise, answer, probabilities: torch.Tensor, most: float) -> torch.Tensor:
    """What the learner's function returns, of the right shape and made of floats."""
    what = f"{exercise.name} with {'k' if exercise is keep_top_k else 'p'} = {most:g}"
    result = run(answer, probabilities, most, what=exercise.name)
    exercise.want_shape(result, probabilities.shape, "(B, V)", what, (probabilities, most))
    if not result.is_floating_point():
        raise CheckFailed(
            f"{what} gives {result.dtype}.",
            "floats: probabilities.",
            "a comparison says which words are kept. Multiply the probabilities by it, or fill the others with 0.",
        )
    return result.detach()


def add_up_to_1(result: torch.Tensor, dim: int) -> torch.Tensor:
    """(B, V) to bool, for each row or each column, without what is NaN in it."""
    return (result.nan_to_num(0.0).sum(dim) - 1).abs() < 1e-5


def want_kept(exercise: Exercise, by_hand, answer, probabilities: torch.Tensor, most: float, otherwise: str) -> None:
    """Refuse other probabilities than the reference's."""
    result = kept_by(exercise, answer, probabilities, most)
    name = "k" if exercise is keep_top_k else "p"
    agree = partial(same_values, tolerance=2e-5)
    if result.isnan().all(-1).any():
        otherwise = NOTHING_LEFT
    elif result.isnan().any():
        otherwise = NO_SCORES
    elif (result < 0).any():
        otherwise = NEGATIVE
    elif not same_values(result.sum(-1), torch.ones(len(result)), tolerance=1e-5):
        otherwise = SHARED
    by_row, by_column = add_up_to_1(result, -1), add_up_to_1(result, 0)  # (B,), (V,)
    if by_column.any() and not (by_row | result.isnan().all(-1)).all() and (by_column | (result.nan_to_num(0.0) == 0).all(0)).all():
        otherwise = COLUMNS_ADD_UP
    in_row = result.isnan()  # (B, V)
    if in_row.any() and torch.equal(in_row.any(-1), in_row.all(-1)):  # a known mistake may be seen in the rows that are not NaN
        otherwise = exercise.likely_cause(result.nan_to_num(0.0), (probabilities, most), otherwise, agree)
    exercise.want_values(
        result, by_hand(probabilities, most), (probabilities, most),
        what=lambda row: f"of {numbers(probabilities[row], 9)} {exercise.name} with {name} = {most:g} makes",
        otherwise=otherwise, caption=f"What is kept with {name} = {most:g}: wanted, and yours. One row for each sequence.",
        shown=9, agree=agree,
    )
    exercise.note_right(result, (probabilities, most), agree)


@keep_top_k.aspect("shape")
def keeps_the_shape(answer, seed):
    for probabilities in batches(seed):
        kept_by(keep_top_k, answer, probabilities, 2)


@keep_top_k.aspect("values")
def keeps_the_k_most_likely_words(answer, seed):
    for probabilities in batches(seed)[:4]:
        # Fewer words than there are rows: as many could be the likeliest one of each row, and are a whole column.
        for k in (3, 1, 2, 5, probabilities.shape[1] - 1):
            want_kept(keep_top_k, top_k_by_hand, answer, probabilities, k,
                      "keep the k largest probabilities of each row, set all others to 0, and divide by the sum.")
    with in_case("called once more, with other probabilities", cause=KEPT):
        want_kept(keep_top_k, top_k_by_hand, answer, some_probabilities(seed).flip(-1), 3, "")


@keep_top_k.aspect("edges")
def may_keep_one_word_or_all(answer, seed):
    many = torch.linspace(1.0, 2.0, 90).softmax(-1).unsqueeze(0)  # (1, 90)
    for probabilities, k in ((many, 3), (many, 40), (many, 89), (many, 90), (many, 91), *((p, 50) for p in batches(seed)), (torch.eye(5), 2)):
        want_kept(keep_top_k, top_k_by_hand, answer, probabilities, k,
                  "if k is V or more, all words are kept; a k below V always leaves words out, however small their share.")


@keep_top_p.aspect("shape")
def gives_a_probability_for_every_word(answer, seed):
    for probabilities in batches(seed):
        kept_by(keep_top_p, answer, probabilities, 0.6)


@keep_top_p.aspect("values")
def keeps_the_fewest_words_that_reach_p(answer, seed):
    for probabilities in batches(seed)[:4]:
        for p in (0.6, 0.8, 0.5, 0.9):
            want_kept(keep_top_p, top_p_by_hand, answer, probabilities, p,
                      "sort each row from large to small. A word is kept if all *likelier* words together have less than p.")
    with in_case("called once more, with other probabilities", cause=KEPT):
        want_kept(keep_top_p, top_p_by_hand, answer, some_probabilities(seed).flip(-1), 0.6, "")


@keep_top_p.aspect("edges")
def may_keep_one_word_or_all_of_them(answer, seed):
    V = 8
    halves = torch.tensor([[0.125, 0.5, 0.25, 0.125], [0.25, 0.125, 0.125, 0.5]])  # exact in floats
    even = torch.full((2, V), 1 / V)
    for p in (1e-6, 1.0, 0.999):
        for probabilities in batches(seed):
            want_kept(keep_top_p, top_p_by_hand, answer, probabilities, p,
                      "p = 1 keeps every word, and the smallest p the likeliest one.")
    many = torch.full((1, 2048), 1 / 2048)  # of so many equal words, only a stable sort keeps the order
    for probabilities, p, kept in ((halves, 0.5, 1), (halves, 0.75, 2), (even, 0.5, 4), (even, 0.51, 5), (many, 0.01, 21)):
        result = kept_by(keep_top_p, answer, probabilities, p)
        seen = (result > 0).sum(-1)
        if (seen != kept).any():
            row = int((seen != kept).int().argmax())
            raise CheckFailed(
                f"of {numbers(probabilities[row], 9)} keep_top_p with p = {p} keeps {counted(int(seen[row]), 'word')}.",
                f"{kept}: the fewest that together have at least {p}, and of equal words the first.",
                "a word is left out if the likelier words have *at least* p without it: `>=`. Count the words in their sorted order, "
                "so that equal ones are not kept or left out together.",
            )
        want_the_first_of_equal_words(result, probabilities, p)


def want_the_first_of_equal_words(result: torch.Tensor, probabilities: torch.Tensor, p: float) -> None:
    """Refuse a nucleus of the right size that holds other words (B, V) than the likeliest, or than the first of equal ones."""
    for row, (mine, wanted) in enumerate(zip(result > 0, top_p_by_hand(probabilities, p) > 0)):
        if not torch.equal(mine, wanted):
            raise CheckFailed(
                f"of {numbers(probabilities[row], 9)} keep_top_p with p = {p} keeps the ids {ids(mine.nonzero().flatten())}.",
                f"{ids(wanted.nonzero().flatten())}: of equal words those with the smaller ids.",
                "`sort` must go down and leave equal words in their order: `descending=True, stable=True`. Turning a rising row around, "
                "with `flip`, turns equal words around too.",
            )


def scattered(ordered: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
    """(B, V) sorted, back in the order of the words."""
    return torch.zeros_like(ordered).scatter(-1, order, ordered)


def shared(kept: torch.Tensor) -> torch.Tensor:
    """(B, V), divided by the sum of each row."""
    return kept / kept.sum(-1, keepdim=True)


@keep_top_k.mistake("shape", WORDS)
def probabilities_of_the_k_best(probabilities, k):
    return probabilities.topk(k).values if k <= probabilities.shape[1] else probabilities.sort(descending=True).values


@keep_top_k.mistake("shape", "a condition in brackets takes the numbers out, in one long row. To leave them where they are: `torch.where(condition, "
                             "probabilities, 0)`.")
def taken_out_by_a_condition(probabilities, k):
    kth = probabilities.topk(min(k, probabilities.shape[1])).values[:, -1:]
    return probabilities[probabilities >= kth]


@keep_top_k.mistake("values", "this is not divided by its sum: each row must add up to 1 again.")
def not_renormalised(probabilities, k):
    kth = probabilities.topk(min(k, probabilities.shape[1])).values[:, -1:]
    return probabilities * (probabilities >= kth)


@keep_top_k.mistake("values", "k is counted in the whole batch. Each row keeps k words of its own: topk along the last axis.")
def k_of_the_batch(probabilities, k):
    kth = probabilities.flatten().topk(min(k, probabilities.numel())).values[-1]
    return shared(probabilities * (probabilities >= kth)).nan_to_num(0.0)


@keep_top_k.mistake("values", "one word too few is kept: the k-th itself belongs to them, `>=`.")
def one_too_few(probabilities, k):
    kth = probabilities.topk(min(k, probabilities.shape[1])).values[:, -1:]
    return shared(probabilities * (probabilities > kth)).nan_to_num(0.0)


@keep_top_k.mistake("values", "only the likeliest word is kept: `[:, :1]` is the largest of the k. The smallest of them is the last, `[:, -1:]`.")
def first_of_the_k(probabilities, k):
    largest = probabilities.topk(min(k, probabilities.shape[1])).values[:, :1]
    return shared(probabilities * (probabilities >= largest))


@keep_top_k.mistake("values", "one word too many is kept: the k-th largest is at index k − 1.")
def one_too_many(probabilities, k):
    ordered = probabilities.sort(-1, descending=True).values
    return shared(probabilities * (probabilities >= ordered[:, min(k, probabilities.shape[1] - 1)].unsqueeze(1)))


@keep_top_k.mistake("values", "the k *least* likely words are kept: sort from large to small.")
def least_likely(probabilities, k):
    ordered = probabilities.sort(-1).values
    return shared(probabilities * (probabilities <= ordered[:, min(k, probabilities.shape[1]) - 1].unsqueeze(1)))


@keep_top_k.mistake("values", "`sort` goes up unless `descending=True`, so that the k-th is counted from the wrong end.")
def counted_from_the_smallest(probabilities, k):
    ordered = probabilities.sort(-1).values
    return shared(probabilities * (probabilities >= ordered[:, min(k, probabilities.shape[1]) - 1].unsqueeze(1)))


@keep_top_k.mistake("values", "the best words of *all* rows are kept in every row: `kept[:, best]` takes whole columns. `scatter` fills each row by itself.")
def best_words_of_all_rows(probabilities, k):
    best = probabilities.topk(min(k, probabilities.shape[1])).indices
    kept = torch.zeros_like(probabilities)
    kept[:, best] = probabilities[:, best]
    return shared(kept)


@keep_top_k.mistake("values", "the first k words of the vocabulary are kept, not the k likeliest.")
def first_k_ids(probabilities, k):
    return shared(probabilities * (torch.arange(probabilities.shape[1]) < k))


@keep_top_k.mistake("values", "the rows are sorted: each probability must stay with its own word.")
def sorted_rows(probabilities, k):
    return shared(probabilities.sort(-1, descending=True).values * (torch.arange(probabilities.shape[1]) < k))


@keep_top_k.mistake("values", "the kept words all get the same. They share in the ratios that they had: divide by the sum.")
def equal_shares(probabilities, k):
    kth = probabilities.topk(min(k, probabilities.shape[1])).values[:, -1:]
    return shared((probabilities >= kth).to(probabilities.dtype))


@keep_top_k.mistake("values", SOFTMAX_OF_ALL)
def softmax_again(probabilities, k):
    kth = probabilities.topk(min(k, probabilities.shape[1])).values[:, -1:]
    return (probabilities * (probabilities >= kth)).softmax(-1)


@keep_top_k.mistake("values", SOFTMAX)
def softmax_of_the_kept(probabilities, k):
    kth = probabilities.topk(min(k, probabilities.shape[1])).values[:, -1:]
    return probabilities.masked_fill(probabilities < kth, float("-inf")).softmax(-1)


@keep_top_k.mistake("values", SWAPPED)
def likeliest_left_out(probabilities, k):
    kth = probabilities.topk(min(k, probabilities.shape[1])).values[:, -1:]
    return shared(probabilities * (probabilities < kth)).nan_to_num(0.0)


@keep_top_k.mistake("values", "the k-th largest of the first row is taken for every row: each row has its own, (B, 1), `[:, -1:]`.")
def kth_of_the_first_row(probabilities, k):
    kth = probabilities.topk(min(k, probabilities.shape[1])).values[0, -1]
    return shared(probabilities * (probabilities >= kth)).nan_to_num(0.0)


@keep_top_k.mistake("values", "`.indices` says which words they are, and `.values` how much they have: compare the probabilities with `.values`.")
def compared_with_indices(probabilities, k):
    kth = probabilities.topk(min(k, probabilities.shape[1])).indices[:, -1:]
    return shared(probabilities * (probabilities >= kth)).nan_to_num(0.0)


@keep_top_k.mistake("values", FIRST_ROW_ALONE)
def first_row_filled(probabilities, k):
    return torch.cat((top_k_by_hand(probabilities[:1], k), torch.zeros_like(probabilities[1:])))


@keep_top_k.mistake("values", "nothing is left out: k has no effect.")
def k_ignored(probabilities, k):
    return probabilities


@keep_top_k.mistake("values", "the k largest of each *column* are kept. Each row keeps words of its own: `dim=-1`.")
def largest_of_each_column(probabilities, k):
    kth = probabilities.topk(min(k, len(probabilities)), dim=0).values[-1:]
    return shared(probabilities * (probabilities >= kth)).nan_to_num(0.0)


@keep_top_p.mistake("shape", WORDS)
def probability_of_the_best(probabilities, p):
    return probabilities.amax(-1)


@keep_top_p.mistake("values", "this is not divided by its sum: each row must add up to 1 again.")
def nucleus_not_renormalised(probabilities, p):
    ordered, order = probabilities.sort(-1, descending=True)
    return scattered(ordered * (ordered.cumsum(-1) - ordered < p), order)


@keep_top_p.mistake("values", "the word that reaches p is left out. A word is kept if the words *before* it have less than p: take its own "
                              "probability off the running sum.")
def last_word_left_out(probabilities, p):
    ordered, order = probabilities.sort(-1, descending=True)
    return shared(scattered(ordered * (ordered.cumsum(-1) < p), order)).nan_to_num(0.0)


@keep_top_p.mistake("values", "the word that reaches p is left out, unless it is the first. A word is kept if the words *before* it have less than p: "
                              "take its own probability off the running sum.")
def last_word_left_out_unless_it_is_the_first(probabilities, p):
    ordered, order = probabilities.sort(-1, descending=True)
    kept = ordered.cumsum(-1) <= p
    kept[:, 0] = True
    return shared(scattered(ordered * kept, order))


@keep_top_p.mistake("values", "every row gets the words of the last: `kept[:, order]` writes whole columns. `scatter` puts each row back by itself.")
def last_row_written_into_all(probabilities, p):
    ordered, order = probabilities.sort(-1, descending=True)
    kept = torch.zeros_like(ordered)
    kept[:, order] = ordered * (ordered.cumsum(-1) - ordered < p)
    return shared(kept)


@keep_top_p.mistake("values", SOFTMAX_OF_ALL)
def softmax_of_all_words(probabilities, p):
    ordered, order = probabilities.sort(-1, descending=True)
    return scattered(ordered * (ordered.cumsum(-1) - ordered < p), order).softmax(-1)


@keep_top_p.mistake("values", "every word with a probability of at least p is kept. What has to reach p is their *sum*, from the likeliest "
                              "on.")
def each_word_compared_with_p(probabilities, p):
    return shared(probabilities * (probabilities >= p)).nan_to_num(0.0)


@keep_top_p.mistake("values", "every word with a probability of at least 1 − p is kept. What has to reach p is the *sum* of the words, from "
                              "the likeliest on.")
def each_word_compared_with_the_rest(probabilities, p):
    return shared(probabilities * (probabilities >= 1 - p)).nan_to_num(0.0)


@keep_top_p.mistake("values", "the running sum goes through the words in the order of their ids. Sort each row first, from large to small.")
def not_sorted(probabilities, p):
    return shared(probabilities * (probabilities.cumsum(-1) - probabilities < p))


@keep_top_p.mistake("values", "the running sum begins at the *least* likely word: sort from large to small, `descending=True`.")
def sorted_upwards(probabilities, p):
    ordered, order = probabilities.sort(-1)
    return shared(scattered(ordered * (ordered.cumsum(-1) - ordered < p), order))


@keep_top_p.mistake("values", "the rows stay sorted: each probability must go back to its own word, with `scatter` or `order.argsort(-1)`.")
def left_sorted(probabilities, p):
    ordered = probabilities.sort(-1, descending=True).values
    return shared(ordered * (ordered.cumsum(-1) - ordered < p))


@keep_top_p.mistake("values", "the rows are permuted a second time instead of being put back in order: `order` says which word is at each position of the sorted row, and "
                              "`order.argsort(-1)` where each word is.")
def sorted_once_more(probabilities, p):
    ordered, order = probabilities.sort(-1, descending=True)
    return shared((ordered * (ordered.cumsum(-1) - ordered < p)).gather(-1, order))


@keep_top_p.mistake("values", "the number of words that the first row keeps is kept in every row. Each row reaches p by itself.")
def as_many_as_the_first_row(probabilities, p):
    ordered, order = probabilities.sort(-1, descending=True)
    many = int((ordered[0].cumsum(-1) - ordered[0] < p).sum())
    return shared(scattered(ordered * (torch.arange(ordered.shape[1]) < many), order))


@keep_top_p.mistake("values", "the kept words all get the same. They share in the ratios that they had: divide by the sum.")
def nucleus_of_equal_shares(probabilities, p):
    ordered, order = probabilities.sort(-1, descending=True)
    return shared(scattered((ordered.cumsum(-1) - ordered < p).to(ordered.dtype), order))


@keep_top_p.mistake("values", SOFTMAX)
def softmax_of_the_nucleus(probabilities, p):
    ordered, order = probabilities.sort(-1, descending=True)
    return scattered(ordered.masked_fill(ordered.cumsum(-1) - ordered >= p, float("-inf")).softmax(-1), order)


@keep_top_p.mistake("values", SWAPPED)
def nucleus_left_out(probabilities, p):
    ordered, order = probabilities.sort(-1, descending=True)
    return shared(scattered(ordered * (ordered.cumsum(-1) - ordered >= p), order)).nan_to_num(0.0)


COLUMNS_SORTED = "each *column* is sorted. The words of a row are along the last axis: `sort(dim=-1, …)`."


@keep_top_p.mistake("values", COLUMNS_SORTED)
def columns_sorted_and_added_up(probabilities, p):
    ordered, order = probabilities.sort(0, descending=True)
    return shared(torch.zeros_like(ordered).scatter(0, order, ordered * (ordered.cumsum(0) - ordered < p))).nan_to_num(0.0)


@keep_top_p.mistake("values", COLUMNS_SORTED)
def columns_sorted(probabilities, p):
    ordered, order = probabilities.sort(0, descending=True)
    kept = shared(ordered * (ordered.cumsum(-1) - ordered < p)).nan_to_num(0.0)
    return torch.zeros_like(kept).scatter(0, order, kept)


@keep_top_p.mistake("values", "the running sum goes down the batch. It goes along the words, the last axis: `cumsum(-1)`.")
def summed_down_the_batch(probabilities, p):
    ordered, order = probabilities.sort(-1, descending=True)
    return shared(scattered(ordered * (ordered.cumsum(0) - ordered < p), order)).nan_to_num(0.0)


@keep_top_p.mistake("values", "what is compared are the sorted words, and what is filled the words in their own order: fill the sorted ones, and "
                              "bring them back afterwards.")
def filled_in_another_order(probabilities, p):
    ordered = probabilities.sort(-1, descending=True).values
    return shared(probabilities * (ordered.cumsum(-1) - ordered < p))


@keep_top_p.mistake("values", FIRST_ROW_ALONE)
def first_nucleus_filled(probabilities, p):
    return torch.cat((top_p_by_hand(probabilities[:1], p), torch.zeros_like(probabilities[1:])))


@keep_top_p.mistake("values", "nothing is left out: p has no effect.")
def p_ignored(probabilities, p):
    return probabilities


@keep_top_p.mistake("values", "only the likeliest word is kept. Keep words until they have p together.")
def best_word_alone(probabilities, p):
    return (probabilities == probabilities.amax(-1, keepdim=True)).to(probabilities.dtype)

"""Notebook 7, exercise 1: padding moved to the front of a cache."""

from collections.abc import Callable

import torch

from ninelives.checks.exercise import CheckFailed, Exercise, run, same_values, want_tensor
from ninelives.model import masks

ZERO_MEAN = ("a row counts as padding when its numbers add up to 0, and so do those of a word: a layer norm makes their mean 0. "
             "A row is padding when *every* number in it is 0: `(hidden_cache != 0).any(-1)` is True at words.")
SUM_ABOVE = ("a row counts as a word only if its numbers add up to more than 0. A row is padding when *every* number in it is 0: "
             "`(hidden_cache != 0).any(-1)` is True at words.")
NO_NUMBER_ABOVE = "a word whose numbers are all below 0 is taken for padding: ask for numbers that are not 0, `!= 0`."
ONE_ZERO = "a word whose vector holds a single 0 is taken for padding. A row is padding when every number in it is 0."
SMALL_NUMBERS = "a row whose numbers are small is taken for padding. Padding is exactly 0, every number of it: no threshold is needed."

padding_first = Exercise("padding_first", error_hints={
    "Index tensor must have the same number of dimensions": "gather wants an index with as many axes as the cache: "
                                                            "order.unsqueeze(-1).expand_as(hidden_cache).",
    "stack expects each tensor to be equal size": "the examples no longer have the same number of rows: each keeps its rows of zeros, in front, so that it "
                                                  "has P rows.",
    "must match the existing size (0)": "a slice [:-n] takes nothing when n is 0: an example may have no padding. Write [:P - n], or choose rows by is_word.",
})


def cache_of(lengths: list[int], P: int, C: int, seed: int) -> torch.Tensor:
    """(B, P, C) float64: hidden states, and zeros where there is padding.

    Of three rows one adds up to 0, as a new layer norm gives it, one holds a single 0, and one has small
    numbers, all below 0 in every second example and nearly 0 in the others. None is padding.
    The numbers are multiples of 2^-16, so that a sum of them is exact, and `sum(-1) != 0` means what it says.
    """
    rows = (2**16 * torch.randn(len(lengths), P, C, generator=torch.Generator().manual_seed(seed)).double()).round() / 2**16
    rows[:, ::3, -1] = -rows[:, ::3, :-1].sum(-1)
    rows[:, 1::3, 0] = 0.0
    rows[:, 2::3] /= 16
    rows[::2, 2::3] = -rows[::2, 2::3].abs()
    rows[1::2, 2::3] /= 2**18
    return rows * (torch.arange(P) < torch.tensor(lengths).unsqueeze(1)).unsqueeze(-1)


def padded_caches(seed: int) -> list[tuple[str, torch.Tensor]]:
    """Cases, from a batch of several lengths to a single row."""
    P, C = [(5, 6), (6, 5), (7, 4)][seed % 3]
    cache = cache_of([3, P, 2, 1], P, C, seed)
    return [
        ("for prefixes of several lengths", cache),
        ("for other prefixes of the same shape", cache_of([1, 2, P, 3], P, C, seed + 4)),
        ("for prefixes without padding", cache_of([P, P, P], P, C, seed + 1)),
        ("for a single prefix with padding", cache_of([2], P, C, seed + 2)),
        ("for a prefix of one word", cache_of([1], 1, C, seed + 3)),
        ("for one cache given to all examples by expand", cache[1:2].expand(3, -1, -1)),
    ]


def is_word(cache: torch.Tensor) -> torch.Tensor:
    """(B, P, C) to (B, P) bool."""
    return (cache != 0).any(-1)


@padding_first.aspect("values")
def moves_rows_of_zeros_to_the_front(answer, seed):
    _, earlier = padded_caches(seed)[0]
    for when, cache in padded_caches(seed):
        want_moved(answer, when, cache, earlier)
    for given in (cache.float(), cache):
        moved = run(answer, given)
        if moved.dtype != given.dtype:
            raise CheckFailed(
                f"of a cache of {given.dtype}, padding_first makes one of {moved.dtype}.", f"{given.dtype}: the rows are moved, and stay as they are.",
                ".double(), .float() and .half() change the type, and torch.zeros and torch.tensor make float32. Use none of them, and make a new tensor with "
                "torch.zeros_like(hidden_cache): the decoder's layers read numbers of their own type alone.",
            )


def want_moved(answer: Callable, when: str, cache: torch.Tensor, earlier: torch.Tensor) -> None:
    """Refuse other rows than those of `cache`, padding first. `earlier` is the cache of the first call."""
    result = run(answer, cache)
    want_tensor(result, "padding_first")
    padding_first.want_shape(result, cache.shape, "(B, P, n_embd)", "padding_first", (cache,))
    otherwise = "rows of zeros first, then the rows of the words in their order."
    if cache is not earlier and cache.shape == earlier.shape and any(
        same_values(result, kept) for kept in (masks.padding_first(earlier), moved_where(is_word(earlier), cache))
    ):
        otherwise = "the padding of an earlier cache is moved: each call must look at its own hidden_cache."
    padding_first.want_values(
        result, masks.padding_first(cache), (cache,), what=lambda example, row: f"{when}, row {row} of example {example} is",
        otherwise=otherwise, caption="The rows of the cache: wanted, and yours",
    )


@padding_first.aspect("gradient")
def lets_the_gradient_through(answer, seed):
    cache = cache_of([4, 2], 4, 6, seed).requires_grad_()
    weights = torch.randn(cache.shape, generator=torch.Generator().manual_seed(seed)).double()
    result = run(answer, cache)
    if not result.requires_grad:
        raise CheckFailed(
            "the rows that padding_first gives have no gradient.",
            "one: the loss reaches the encoder through them.",
            "rows are moved, not copied out of the graph: leave out .detach(), .data, torch.no_grad() and torch.tensor(…).",
        )
    gradient, wanted = (torch.autograd.grad((moved * weights).sum(), cache)[0] for moved in (result, masks.padding_first(cache)))
    if not same_values(gradient[is_word(cache)], wanted[is_word(cache)]):
        raise CheckFailed(
            "the gradient does not come back to the rows from which it was moved.",
            "every word's row gets the gradient of the row to which it was moved.",
            "some rows are cut off: .detach(), .data, torch.no_grad() or torch.tensor(…).",
        )


@padding_first.mistake("values", "the padding is still after the words, as it came.")
def left_as_it_came(hidden_cache):
    return hidden_cache


@padding_first.mistake("values", "the rows are in reverse order. Words keep their order; only the padding moves.")
def reversed_rows(hidden_cache):
    return hidden_cache.flip(1)


@padding_first.mistake("values", "every example is moved by as many rows as the first one. Each has its own number of rows of padding.")
def moved_like_the_first(hidden_cache):
    return hidden_cache.roll(int((~is_word(hidden_cache[0])).sum()), dims=1)


@padding_first.mistake("values", "every example is moved as far as the one with the most padding. Each has its own number of "
                                 "rows of padding.")
def moved_like_the_shortest(hidden_cache):
    return hidden_cache.roll(int((~is_word(hidden_cache)).sum(1).max()), dims=1)


TORN_APART = "each channel is sorted by itself, so the numbers of a vector are torn apart. Move whole rows."


@padding_first.mistake("values", TORN_APART)
def sorted_numbers(hidden_cache):
    return hidden_cache.sort(dim=1).values


def moved_where(word: torch.Tensor, hidden_cache: torch.Tensor) -> torch.Tensor:
    """The rows where `word` (B, P) is True last, in their order."""
    order = word.long().argsort(dim=1, stable=True)
    return hidden_cache.gather(1, order.unsqueeze(-1).expand_as(hidden_cache))


@padding_first.mistake("values", TORN_APART)
def zeros_of_each_channel_first(hidden_cache):
    return hidden_cache.gather(1, (hidden_cache != 0).long().argsort(dim=1, stable=True))


@padding_first.mistake("values", "the batch axis is gone: squeeze() removes it when B is 1.")
def batch_squeezed(hidden_cache):
    return moved_where(is_word(hidden_cache), hidden_cache).squeeze(0)


FIRST_EXAMPLE_ALONE = "only the first example comes back: the `return` is inside the loop and ends it. Indent it less."


@padding_first.mistake("values", FIRST_EXAMPLE_ALONE)
def returned_in_the_loop(hidden_cache):
    return moved_where(is_word(hidden_cache), hidden_cache)[0]


@padding_first.mistake("values", FIRST_EXAMPLE_ALONE)
def stacked_and_returned_in_the_loop(hidden_cache):
    return moved_where(is_word(hidden_cache), hidden_cache)[:1]


@padding_first.mistake("values", "torch.cat has put the rows of all examples into one long list. torch.stack keeps an axis for the examples.")
def joined_by_cat(hidden_cache):
    return moved_where(is_word(hidden_cache), hidden_cache).flatten(0, 1)


@padding_first.mistake("values", "the examples are stacked along another axis than the first: leave `dim` out of torch.stack.")
def stacked_along_axis_1(hidden_cache):
    return moved_where(is_word(hidden_cache), hidden_cache).transpose(0, 1)


ROWS_OF_ALL_EXAMPLES = ("hidden_cache[is_word] chooses rows from the whole batch, and no longer says which example a row is from. Choose "
                        "in one example at a time, or sort the positions of each.")


@padding_first.mistake("values", ROWS_OF_ALL_EXAMPLES)
def rows_chosen_from_the_whole_batch(hidden_cache):
    word = is_word(hidden_cache)
    return torch.cat((hidden_cache[~word], hidden_cache[word]))


@padding_first.mistake("values", ROWS_OF_ALL_EXAMPLES)
def rows_of_the_batch_in_a_rectangle(hidden_cache):
    return rows_chosen_from_the_whole_batch(hidden_cache).reshape(hidden_cache.shape)


@padding_first.mistake("values", "gather gives a tensor of the shape of its index, and takes one number of each row: expand the index, "
                                 "order.unsqueeze(-1).expand_as(hidden_cache).")
def index_not_expanded(hidden_cache):
    return hidden_cache.gather(1, is_word(hidden_cache).long().argsort(dim=1, stable=True).unsqueeze(-1))


@padding_first.mistake("values", "hidden_cache[:, order] takes the order of every example for every example. gather takes that of each, with an index of the "
                                 "shape of the cache.")
def every_order_for_every_example(hidden_cache):
    return hidden_cache[:, is_word(hidden_cache).long().argsort(dim=1, stable=True)]


@padding_first.mistake("values", "roll without `dims` moves single numbers, from one row into the next: roll(number, dims=0) moves rows.")
def numbers_rolled(hidden_cache):
    return torch.stack([one.roll(int((~is_word(one)).sum())) for one in hidden_cache])


@padding_first.mistake("values", "the rows are moved by as many as there are words, which is the wrong way: move them forward by as many as there "
                                 "are rows of padding.")
def moved_by_the_number_of_words(hidden_cache):
    return torch.stack([one.roll(int(is_word(one).sum()), dims=0) for one in hidden_cache])


@padding_first.mistake("values", ZERO_MEAN)
def zero_sum_is_padding(hidden_cache):
    return moved_where(hidden_cache.sum(-1) != 0, hidden_cache)


@padding_first.mistake("values", ZERO_MEAN)
def nearly_zero_sum_is_padding(hidden_cache):
    return moved_where(hidden_cache.sum(-1).abs() > 1e-6, hidden_cache)


@padding_first.mistake("values", SUM_ABOVE)
def sum_above_zero_is_a_word(hidden_cache):
    return moved_where(hidden_cache.sum(-1) > 0, hidden_cache)


@padding_first.mistake("values", NO_NUMBER_ABOVE)
def no_number_above_zero_is_padding(hidden_cache):
    return moved_where((hidden_cache > 0).any(-1), hidden_cache)


@padding_first.mistake("values", SMALL_NUMBERS)
def tiny_rows_are_padding(hidden_cache):
    return moved_where((hidden_cache.abs() > 1e-6).any(-1), hidden_cache)


@padding_first.mistake("values", SMALL_NUMBERS)
def small_rows_are_padding(hidden_cache):
    return moved_where(hidden_cache.abs().amax(-1) > 0.25, hidden_cache)


@padding_first.mistake("values", ONE_ZERO)
def one_zero_is_padding(hidden_cache):
    return moved_where((hidden_cache != 0).all(-1), hidden_cache)


@padding_first.mistake("values", "the padding is filled up with a word, so nothing says any more that it is padding. Its rows stay zeros.")
def filled_with_the_last_word(hidden_cache):
    moved = moved_where(is_word(hidden_cache), hidden_cache)
    return torch.where(is_word(moved).unsqueeze(-1), moved, moved[:, -1:])


@padding_first.mistake("values", "the padding is cut off. A batch is a rectangle: all P rows stay, with the zeros in front.")
def padding_cut_off(hidden_cache):
    return hidden_cache[:, : int(is_word(hidden_cache).sum(1).min())]

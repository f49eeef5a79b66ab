"""Wrong answers to the optional exercise of notebook 6 that are more than a mistake in a formula."""

import torch

from answers import refused_by
from ninelives.checks.attend_with_cache import attend_with_cache, attention


def joined(k, v, kept):
    """Keys and values with one more row."""
    return torch.cat((kept[0], k), dim=2), torch.cat((kept[1], v), dim=2)


@refused_by(attend_with_cache, "shape", "not written yet", "run its cell again, then this check")
def nothing_written(q, k, v, kept):
    raise NotImplementedError()


@refused_by(attend_with_cache, "shape", "torch.cat along the positions, axis 2.")
def joined_along_the_channels(q, k, v, kept):
    keys, values = torch.cat((kept[0], k), dim=-1), torch.cat((kept[1], v), dim=-1)
    return attention(q, keys, values), (keys, values)


@refused_by(attend_with_cache, "shape", "torch.cat along the positions, axis 2.")
def axis_of_the_new_word_lost(q, k, v, kept):
    keys, values = torch.cat((kept[0], k.squeeze(2)), dim=2), torch.cat((kept[1], v.squeeze(2)), dim=2)
    return attention(q, keys, values), (keys, values)


@refused_by(attend_with_cache, "shape", "return both: `return result, (keys, values)`.")
def result_alone(q, k, v, kept):
    return attention(q, *joined(k, v, kept))


@refused_by(attend_with_cache, "shape", "return both: `return result, (keys, values)`.")
def keys_alone_kept(q, k, v, kept):
    keys, values = joined(k, v, kept)
    return attention(q, keys, values), keys


@refused_by(attend_with_cache, "shape", "torch.cat makes a new tensor; do not write into those")
def scaled_in_place(q, k, v, kept):
    keys, values = joined(k, v, kept)
    kept[0].add_(1.0)
    return attention(q, keys, values), (keys, values)


@refused_by(attend_with_cache, "kept", "it must be the second in torch.cat")
def new_row_first(q, k, v, kept):
    keys, values = torch.cat((k, kept[0]), dim=2), torch.cat((v, kept[1]), dim=2)
    return attention(q, keys, values), (keys, values)


@refused_by(attend_with_cache, "kept", "append the new row after the kept ones")
def nothing_appended(q, k, v, kept):
    return attention(q, *joined(k, v, kept)), kept


@refused_by(attend_with_cache, "kept", "append the new row after the kept ones")
def newest_row_alone_kept(q, k, v, kept):
    return attention(q, *joined(k, v, kept)), (k, v)


@refused_by(attend_with_cache, "values", "with the new key and value among them")
def first_word_hidden(q, k, v, kept):
    keys, values = joined(k, v, kept)
    return attention(q, keys[:, :, -2:], values[:, :, -2:]), (keys, values)


@refused_by(attend_with_cache, "shape", "the two are swapped: `return result, (keys, values)`")
def result_returned_second(q, k, v, kept):
    keys, values = joined(k, v, kept)
    return (keys, values), attention(q, keys, values)


SWAPPED = "keys and values are swapped: k is appended to the keys"


@refused_by(attend_with_cache, "kept", SWAPPED)
def values_returned_first(q, k, v, kept):
    keys, values = joined(k, v, kept)
    return attention(q, keys, values), (values, keys)


@refused_by(attend_with_cache, "kept", SWAPPED)
def value_appended_to_the_keys(q, k, v, kept):
    keys, values = joined(v, k, kept)
    return attention(q, keys, values), (keys, values)


@refused_by(attend_with_cache, "kept", "the query is kept instead of a key or a value")
def arguments_in_another_order(k, q, v, kept):
    keys, values = joined(k, v, kept)
    return attention(q, keys, values), (keys, values)


@refused_by(attend_with_cache, "shape", "changed the tensor", "work on x.clone()")
def query_scaled_in_place(q, k, v, kept):
    q /= q.shape[-1] ** 0.5
    keys, values = joined(k, v, kept)
    return (q @ keys.transpose(-2, -1)).softmax(-1) @ values, (keys, values)


@refused_by(attend_with_cache, "shape", "changed the tensor", "work on x.clone()")
def key_shortened_in_place(q, k, v, kept):
    k.div_(q.shape[-1] ** 0.5)
    keys, values = joined(k, v, kept)
    return (q @ keys.transpose(-2, -1)).softmax(-1) @ values, (keys, values)


# Kept from an earlier call.
KEPT = {}
APPEND = "append the new row after the kept ones"


@refused_by(attend_with_cache, "kept", APPEND)
def cache_of_its_own(q, k, v, kept):
    """What is passed in is ignored, and the cache of an earlier text goes on."""
    KEPT.setdefault(tuple(q.shape), kept)
    keys, values = joined(k, v, KEPT[tuple(q.shape)])
    KEPT[tuple(q.shape)] = keys, values
    return attention(q, keys, values), (keys, values)


@refused_by(attend_with_cache, "kept", APPEND)
def cache_of_the_first_call(q, k, v, kept):
    keys, values = KEPT.setdefault(("first", tuple(k.shape), kept[0].shape[2]), joined(k, v, kept))
    return attention(q, keys, values), (keys, values)


@refused_by(attend_with_cache, "values", "with the new key and value among them")
def result_of_the_first_call(q, k, v, kept):
    keys, values = joined(k, v, kept)
    return KEPT.setdefault(("result", tuple(keys.shape)), attention(q, keys, values)), (keys, values)


# Sizes.


@refused_by(attend_with_cache, "values", "the new word does not attend to itself")
def with_an_empty_cache_nothing_is_read(q, k, v, kept):
    keys, values = joined(k, v, kept)
    return (attention(q, keys, values) if kept[0].shape[2] else torch.zeros_like(q)), (keys, values)


@refused_by(attend_with_cache, "shape", "the result has shape", "print the shape after each of your lines")
def axes_of_size_1_lost(q, k, v, kept):
    keys, values = joined(k, v, kept)
    return attention(q, keys, values).squeeze(2), (keys, values)


@refused_by(attend_with_cache, "kept", APPEND)
def at_most_three_words_kept(q, k, v, kept):
    keys, values = (rows[:, :, -3:] for rows in joined(k, v, kept))
    return attention(q, keys, values), (keys, values)


# Nearly right numbers.


@refused_by(attend_with_cache, "values", "with the new key and value among them")
def scores_kept_within_bounds(q, k, v, kept):
    keys, values = joined(k, v, kept)
    scores = (q @ keys.transpose(-2, -1) / q.shape[-1] ** 0.5).clamp(-1, 1)
    return scores.softmax(-1) @ values, (keys, values)


@refused_by(attend_with_cache, "values", "with the new key and value among them")
def weights_rounded(q, k, v, kept):
    keys, values = joined(k, v, kept)
    weights = (q @ keys.transpose(-2, -1) / q.shape[-1] ** 0.5).softmax(-1).mul(100).round().div(100)
    return weights @ values, (keys, values)


@refused_by(attend_with_cache, "values", "with the new key and value among them")
def a_smallest_weight(q, k, v, kept):
    keys, values = joined(k, v, kept)
    weights = (q @ keys.transpose(-2, -1) / q.shape[-1] ** 0.5).softmax(-1).clamp(min=0.05)
    return weights @ values, (keys, values)


@refused_by(attend_with_cache, "shape", "query and keys are swapped: the scores are one row, of the new word")
def keys_in_place_of_the_query(q, k, v, kept):
    keys, values = joined(k, v, kept)
    return torch.nn.functional.scaled_dot_product_attention(keys, q, v), (keys, values)


@refused_by(attend_with_cache, "shape", "query and keys are swapped: the scores of the new word are one row")
def scores_of_the_keys(q, k, v, kept):
    keys, values = joined(k, v, kept)
    return (keys @ q.transpose(-2, -1) / q.shape[-1] ** 0.5).softmax(-1) @ values, (keys, values)


@refused_by(attend_with_cache, "shape", "kept is not the pair here: the arguments come in the order")
def kept_as_the_first_argument(kept, q, k, v):
    keys, values = joined(k, v, kept)
    return attention(q, keys, values), (keys, values)


@refused_by(attend_with_cache, "shape", "there are t + 1 keys and only t values")
def value_not_appended(q, k, v, kept):
    keys, values = torch.cat((kept[0], k), dim=2), kept[1]
    return attention(q, keys, values), (keys, values)


@refused_by(attend_with_cache, "shape", "there are t + 1 values and only t keys")
def key_not_appended(q, k, v, kept):
    keys, values = kept[0], torch.cat((kept[1], v), dim=2)
    return attention(q, keys, values), (keys, values)


@refused_by(attend_with_cache, "shape", "`@` needs as many columns on its left as rows on its right")
def value_of_the_new_word_alone(q, k, v, kept):
    keys, values = joined(k, v, kept)
    return attention(q, keys, v), (keys, values)


@refused_by(attend_with_cache, "shape", "`@` needs as many columns on its left as rows on its right")
def keys_not_transposed(q, k, v, kept):
    keys, values = joined(k, v, kept)
    return (q @ keys / q.shape[-1] ** 0.5).softmax(-1) @ values, (keys, values)


@refused_by(attend_with_cache, "shape", "torch.stack makes a new axis.")
def stacked(q, k, v, kept):
    return v, (torch.stack((kept[0], k), dim=2), torch.stack((kept[1], v), dim=2))

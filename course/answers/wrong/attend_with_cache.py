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


@refused_by(attend_with_cache, "kept", "append the new row after the kept ones")
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

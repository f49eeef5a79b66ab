"""Notebook 6, the optional exercise: what attention with kept keys and values must give."""

import math

import torch

from ninelives.checks.exercise import (
    CheckFailed,
    Exercise,
    counted,
    run,
    same_values,
    want_pair,
    want_shape,
    want_tensor,
)

attend_with_cache = Exercise("attend_with_cache", error_hints={
    "got 3 and 4": "kept is not the pair here: the arguments come in the order q, k, v, kept.",
    # "Expected size for first two dimensions of batch2 tensor to be: [6, 5] but got: [6, 1]."
    ", 0] but got": "there are t + 1 values and only t keys: append k to the keys, as v to the values.",
    ", 0]": "there are t + 1 keys and only t values: append v to the values, as k to the keys.",
    ", 1] but got": "query and keys are swapped: the scores of the new word are one row, `q @ keys.transpose(-2, -1)`.",
    "first two dimensions of batch2":
        "`@` needs as many columns on its left as rows on its right: the scores are `q @ keys.transpose(-2, -1)`, and the weights of t + 1 "
        "words meet all t + 1 `values`.",
    "stack expects": "torch.stack makes a new axis. torch.cat joins along one that is there: `torch.cat((keys, k), dim=2)`.",
    "must match except in dimension":
        "keys and values are (B, H, t, head_size), and the new ones (B, H, 1, head_size): torch.cat along the positions, axis 2.",
    "Tensors must have same number of dimensions":
        "keys and values are (B, H, t, head_size), and the new ones (B, H, 1, head_size): torch.cat along the positions, axis 2.",
})

ONE_ROW = "query and keys are swapped: the scores are one row, of the new word, `q @ keys.transpose(-2, -1)`, (B, H, 1, t + 1)."

Kept = tuple[torch.Tensor, torch.Tensor]


def attention(q: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """(B, H, 1, head_size): one row of attention over all the keys."""
    return (q @ keys.transpose(-2, -1) / math.sqrt(q.shape[-1])).softmax(-1) @ values


@attend_with_cache.mistake("values", "the new word does not attend to itself: append its key and value first, then attend.")
def without_itself(q, k, v, kept):
    keys, values = kept
    joined = (torch.cat((keys, k), dim=2), torch.cat((values, v), dim=2))
    return attention(q, keys, values) if keys.shape[2] else torch.zeros_like(q), joined


@attend_with_cache.mistake("values", "the new word attends to itself alone: attend to the kept keys too.")
def itself_alone(q, k, v, kept):
    keys, values = kept
    return v, (torch.cat((keys, k), dim=2), torch.cat((values, v), dim=2))


@attend_with_cache.mistake("values", "keys and values are swapped: the scores are made of keys, and the mean is one of values.")
def keys_and_values_swapped(q, k, v, kept):
    keys, values = torch.cat((kept[0], k), dim=2), torch.cat((kept[1], v), dim=2)
    return attention(q, values, keys), (keys, values)


@attend_with_cache.mistake("values", "the scores are not divided by the root of head_size.")
def not_scaled(q, k, v, kept):
    keys, values = torch.cat((kept[0], k), dim=2), torch.cat((kept[1], v), dim=2)
    return (q @ keys.transpose(-2, -1)).softmax(-1) @ values, (keys, values)


@attend_with_cache.mistake("values", "the scores are used as weights: the softmax is missing.")
def no_softmax(q, k, v, kept):
    keys, values = torch.cat((kept[0], k), dim=2), torch.cat((kept[1], v), dim=2)
    return q @ keys.transpose(-2, -1) / math.sqrt(q.shape[-1]) @ values, (keys, values)


@attend_with_cache.mistake("values", "the softmax goes along an axis of size 1, so that every weight is 1: the words are the last axis, `dim=-1`.")
def softmax_along_the_single_row(q, k, v, kept):
    keys, values = torch.cat((kept[0], k), dim=2), torch.cat((kept[1], v), dim=2)
    return values.sum(2, keepdim=True), (keys, values)


@attend_with_cache.mistake("values", "the scores are divided by the root of the number of words. It is the root of head_size, `q.shape[-1]`.")
def scaled_by_the_number_of_words(q, k, v, kept):
    keys, values = torch.cat((kept[0], k), dim=2), torch.cat((kept[1], v), dim=2)
    return (q @ keys.transpose(-2, -1) / math.sqrt(keys.shape[2])).softmax(-1) @ values, (keys, values)


@attend_with_cache.mistake("values", "the scores are divided by head_size, and not by its root.")
def scaled_by_the_whole_head_size(q, k, v, kept):
    keys, values = torch.cat((kept[0], k), dim=2), torch.cat((kept[1], v), dim=2)
    return (q @ keys.transpose(-2, -1) / q.shape[-1]).softmax(-1) @ values, (keys, values)


@attend_with_cache.mistake("values", "only the first word is attended to: a causal mask of a single row hides all others. All the words are earlier "
                                     "ones, so there is nothing to mask.")
def first_word_alone(q, k, v, kept):
    keys, values = torch.cat((kept[0], k), dim=2), torch.cat((kept[1], v), dim=2)
    return values[:, :, :1], (keys, values)


@attend_with_cache.mistake("values", "the key takes the place of the query: the scores are q · keysᵀ, and k is only appended to the keys.")
def key_in_place_of_the_query(q, k, v, kept):
    keys, values = torch.cat((kept[0], k), dim=2), torch.cat((kept[1], v), dim=2)
    return attention(k, keys, values), (keys, values)


def steps(seed: int) -> list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """q, k and v, each (B, H, T, head_size): two texts of the same sizes, all different; then sizes of 1."""
    ordinary = ((2, 3, 5, 4), (3, 2, 4, 6), (2, 4, 6, 3))[seed % 3]
    sizes = [ordinary, ordinary, (1, 1, 3, 2), (2, 2, 1, 1)]
    return [tuple(torch.randn(3, *size).unbind(0)) for size in sizes]


def one_step(answer, q, k, v, kept: Kept) -> tuple[torch.Tensor, Kept]:
    """What the learner returns for one new word, of the right kinds and shapes."""
    before = [kept[0].clone(), kept[1].clone()]
    result = run(answer, q, k, v, kept, what="attend_with_cache")
    out, now = want_pair(result, "attend_with_cache", ("the result", "(keys, values)"), "return both: `return result, (keys, values)`.")
    if isinstance(out, tuple | list) and isinstance(now, torch.Tensor):
        raise CheckFailed(
            "attend_with_cache returns (keys, values) first, and then the result.",
            "two things: (the result, (keys, values)).",
            "the two are swapped: `return result, (keys, values)`.",
        )
    want_shape(out, q.shape, "(B, H, 1, head_size)", "the result", {(*q.shape[:2], kept[0].shape[2] + 1, q.shape[3]): ONE_ROW})
    now = want_pair(now, "attend_with_cache as its second result", ("keys", "values"), "return both: `return result, (keys, values)`.")
    for name, tensor in zip(("keys", "values"), now):
        want_tensor(tensor, f"what is kept as {name}")
    if not all(map(torch.equal, before, kept)):
        raise CheckFailed(
            "the kept keys and values that were passed in have changed.",
            "new tensors, one row longer: the caller may still need the old ones.",
            "torch.cat makes a new tensor; do not write into those that you are given.",
        )
    return out, now


@attend_with_cache.aspect("shape")
def gives_a_result_and_what_is_kept(answer, seed):
    for q, k, v in steps(seed):
        one_step(answer, q[:, :, :1], k[:, :, :1], v[:, :, :1], (k[:, :, :0], v[:, :, :0]))
        one_step(answer, q[:, :, -1:], k[:, :, -1:], v[:, :, -1:], (k[:, :, :-1], v[:, :, :-1]))


@attend_with_cache.aspect("kept")
def keeps_every_key_and_value(answer, seed):
    for q, k, v in steps(seed):
        kept = (k[:, :, :0], v[:, :, :0])
        for t in range(q.shape[2]):
            now = slice(t, t + 1)
            _, kept = one_step(answer, q[:, :, now], k[:, :, now], v[:, :, now], kept)
            rows = [part[:, :, : t + 1] for part in (q, k, v)]
            for name, seen, wanted in (("keys", kept[0], rows[1]), ("values", kept[1], rows[2])):
                if not same_values(seen, wanted):
                    words = counted(t + 1, "word")
                    raise CheckFailed(
                        f"after {words} the kept {name} have shape {tuple(seen.shape)}." if seen.shape != wanted.shape
                        else f"after {words} the kept {name} hold other numbers than were passed in.",
                        f"the {name} of {words}, in order: {tuple(wanted.shape)}.",
                        kept_cause(seen, wanted, *rows),
                    )


def kept_cause(seen: torch.Tensor, wanted: torch.Tensor, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> str:
    """What the kept rows are, if they are not the wanted ones."""
    if same_values(seen, queries):
        return "the query is kept instead of a key or a value: the arguments come in the order q, k, v."
    if same_values(seen, keys) or same_values(seen, values):
        return "keys and values are swapped: k is appended to the keys, kept[0], v to the values, kept[1], and returned are (keys, values)."
    if same_values(seen, wanted.flip(2)):
        return "the new row comes before the kept ones: it must be the second in torch.cat((keys, k), dim=2)."
    return "append the new row after the kept ones, torch.cat((keys, k), dim=2), and return the longer tensors."


@attend_with_cache.aspect("values")
def gives_what_attention_over_the_whole_text_gives(answer, seed):
    for q, k, v in steps(seed):
        T, kept = q.shape[2], (k[:, :, :0], v[:, :, :0])
        scores = q.double() @ k.double().transpose(-2, -1) / math.sqrt(q.shape[-1])  # (B, H, T, T)
        whole = scores.masked_fill(torch.ones(T, T).tril() == 0, -math.inf).softmax(-1) @ v.double()  # (B, H, T, head_size)
        for t in range(T):
            now = slice(t, t + 1)
            arguments = (q[:, :, now], k[:, :, now], v[:, :, now], kept)
            out, kept = one_step(answer, *arguments)
            attend_with_cache.want_values(
                out, whole[:, :, now], arguments, what="the result of a step",
                otherwise="softmax(q · keysᵀ ÷ √head_size) · values, with the new key and value among them.",
                caption="One step of attention: wanted, and yours",
                make=lambda mistake: lambda *given: mistake(*given)[0].double(),
            )

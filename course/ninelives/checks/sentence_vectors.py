"""Lab `bert`, exercise 5: what the vector of a sentence must be."""

from collections.abc import Callable

import torch
from torch.nn import functional as F

from ninelives.checks.exercise import CheckFailed, Exercise, run, want_gradient_of_inputs

sentence_vectors = Exercise("sentence_vectors", error_hints={
    "non-singleton dimension 1": "a number for each sentence is (B,), and divides (B, C) only as (B, 1): write `keepdim=True` in `.norm(…)` and in `.sum(…)`.",
    "must match the size": "hidden is (B, T, C) and is_token (B, T): `is_token.unsqueeze(-1)` is (B, T, 1), and broadcasting repeats it for all channels.",
    "could not infer output dtype": "mean takes floats: `.float()` makes 1.0 and 0.0 of True and False.",
})

NO_DIRECTION = "the mean is over at least one token: look for a division by 0, or for a mask that leaves nothing."
UNIT = "the mean is right, and its length is not 1: divide each vector by its own length, or use `F.normalize(mean, dim=-1)`."


def to_unit(x: torch.Tensor) -> torch.Tensor:
    return x / x.norm(dim=-1, keepdim=True)


def masked(hidden: torch.Tensor, is_token: torch.Tensor) -> torch.Tensor:
    return hidden * is_token.unsqueeze(-1)


def masked_mean(hidden: torch.Tensor, is_token: torch.Tensor) -> torch.Tensor:
    return masked(hidden, is_token).sum(1) / is_token.sum(1, keepdim=True)


@sentence_vectors.mistake("direction", "padding is averaged too. Multiply by is_token first, so that only tokens count.")
def padding_too(hidden, is_token):
    return to_unit(hidden.mean(1))


@sentence_vectors.mistake("direction", "the tokens are left out and the padding is averaged: is_token is True where there is a token.")
def padding_alone(hidden, is_token):
    return to_unit(masked(hidden, ~is_token).sum(1))


@sentence_vectors.mistake("direction", "this is the vector of [CLS] alone. MiniLM was trained with the mean of all tokens.")
def cls_alone(hidden, is_token):
    return to_unit(hidden[:, 0])


@sentence_vectors.mistake("direction", "this is the vector of the last position alone. The mean is over all tokens of the sentence.")
def last_position(hidden, is_token):
    return to_unit(hidden[:, -1])


@sentence_vectors.mistake("direction", "this is the vector of the last token, [SEP], alone. The mean is over all tokens of the sentence.")
def last_token(hidden, is_token):
    return to_unit(hidden[torch.arange(len(hidden)), is_token.sum(1) - 1])


@sentence_vectors.mistake("direction", "[CLS] is left out. The mean is over all tokens, [CLS] and [SEP] too.")
def without_cls(hidden, is_token):
    return to_unit(masked(hidden, is_token)[:, 1:].sum(1))


@sentence_vectors.mistake("direction", "[CLS] and [SEP] are left out. They are tokens like the others here: MiniLM was trained with them in the mean.")
def words_alone(hidden, is_token):
    inside = is_token & (torch.arange(is_token.shape[1]) < is_token.sum(1, keepdim=True) - 1)
    return to_unit(masked(hidden, inside)[:, 1:].sum(1))


@sentence_vectors.mistake("direction", "this is the largest number of each channel, and not the mean.")
def largest(hidden, is_token):
    return to_unit(hidden.masked_fill(~is_token.unsqueeze(-1), float("-inf")).amax(1))


@sentence_vectors.mistake("direction", "each token's vector is brought to length 1 before the mean. First the mean, then the length: long vectors count for more.")
def unit_tokens(hidden, is_token):
    return to_unit(masked(to_unit(hidden), is_token).sum(1))


@sentence_vectors.mistake("direction", "`F.normalize` works along axis 1 by default, which is that of the tokens before the mean. Normalise after the mean, along the channels.")
def normalised_along_the_tokens(hidden, is_token):
    return to_unit(masked_mean(F.normalize(hidden, dim=1), is_token))


@sentence_vectors.mistake("direction", "padding is set to −∞ before the mean, and the mean of −∞ and anything else is −∞. Set it to 0, add up, and divide by the "
                                       "number of tokens.")
def mean_of_minus_infinity(hidden, is_token):
    return hidden.masked_fill(~is_token.unsqueeze(-1), float("-inf")).mean(1)


@sentence_vectors.mistake("direction", "the vectors are normalised as a layer norm does, with mean 0 and standard deviation 1. Only the length is brought to 1: "
                                       "`F.normalize(mean, dim=-1)`.")
def layer_norm_at_the_end(hidden, is_token):
    return F.layer_norm(masked_mean(hidden, is_token), hidden.shape[-1:])


@sentence_vectors.mistake("length", UNIT)
def mean_alone(hidden, is_token):
    return masked_mean(hidden, is_token)


@sentence_vectors.mistake("length", "the tokens are added up, and the sum is not brought to length 1.")
def sum_alone(hidden, is_token):
    return masked(hidden, is_token).sum(1)


@sentence_vectors.mistake("length", "the mean is divided by the *square* of its length: take the square root of the sum of squares, or `.norm(dim=-1, keepdim=True)`.")
def divided_by_the_square(hidden, is_token):
    mean = masked_mean(hidden, is_token)
    return mean / mean.pow(2).sum(-1, keepdim=True)


@sentence_vectors.mistake("length", "the mean is divided by the sum of its sizes (the 1-norm). The length is the root of the sum of squares.")
def divided_by_the_sum_of_sizes(hidden, is_token):
    return F.normalize(masked_mean(hidden, is_token), p=1, dim=-1)


@sentence_vectors.mistake("length", "all sentences together are brought to length 1: `norm()` without `dim` takes the whole batch as one vector.")
def one_length_for_the_batch(hidden, is_token):
    mean = masked_mean(hidden, is_token)
    return mean / mean.norm()


@sentence_vectors.mistake("direction", "the sentences are normalised against each other: `dim=0` is the batch. Each vector has a length of its own, along `dim=-1`.")
def normalised_along_the_batch(hidden, is_token):
    return F.normalize(masked_mean(hidden, is_token), dim=0)


@sentence_vectors.mistake("direction", "the sums of the sentences are normalised against each other: `dim=0` is the batch. Each has a length of its own, along `dim=-1`.")
def sums_normalised_along_the_batch(hidden, is_token):
    return F.normalize(masked(hidden, is_token).sum(1), dim=0)


@sentence_vectors.mistake("shape", "the axis of tokens is still there: each token's own vector is returned. Average them along axis 1.")
def tokens_kept(hidden, is_token):
    return to_unit(masked(hidden, is_token))


@sentence_vectors.mistake("shape", "the channels are averaged, and the tokens are kept. The mean is along the tokens, axis 1.")
def channels_averaged(hidden, is_token):
    return masked(hidden, is_token).mean(-1)


@sentence_vectors.mistake("shape", "the axis of tokens is kept with size 1: leave out `keepdim=True`, or squeeze axis 1 at the end.")
def axis_of_one_kept(hidden, is_token):
    return to_unit(masked(hidden, is_token).sum(1, keepdim=True))


@sentence_vectors.mistake("shape", "the whole batch becomes one vector. Each sentence keeps its own: average along axis 1 alone.")
def batch_averaged(hidden, is_token):
    return to_unit(masked(hidden, is_token).sum((0, 1)))


def hidden_states(seed: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Hidden states (B, T, C) float32, as an encoder gives them, with numbers at padding too, and what is a token (B, T) bool."""
    sizes = [([4, 7, 3], 8, 5), ([3, 6, 4, 5, 3], 7, 4), ([3, 6, 5], 9, 6)][seed % 3]
    cases = []
    for lengths, T, C in (sizes, ([5, 5], 5, 3), ([2, 3, 3], 3, 3), ([1], 1, 4), ([3], 4, 2)):
        generator = torch.Generator().manual_seed(seed + T)
        hidden = torch.randn(len(lengths), T, C, generator=generator) * 2 + 1  # their mean is not 0
        cases.append((hidden, torch.arange(T) < torch.tensor(lengths).unsqueeze(1)))
    return cases


def vectors_in_a_loop(hidden: torch.Tensor, is_token: torch.Tensor) -> torch.Tensor:
    """(B, C) float64: the reference, sentence by sentence."""
    means = [rows[kept].mean(0) for rows, kept in zip(hidden.double(), is_token)]
    return torch.stack([mean / mean.dot(mean) ** 0.5 for mean in means])


def sentences_of(answer: Callable, hidden: torch.Tensor, is_token: torch.Tensor) -> torch.Tensor:
    result = run(answer, hidden, is_token, what="sentence_vectors")
    B, _, C = hidden.shape
    sentence_vectors.want_shape(result, (B, C), "(B, n_embd)", "sentence_vectors", (hidden, is_token))
    return result


@sentence_vectors.aspect("shape")
def gives_one_vector_for_each_sentence(answer, seed):
    for hidden, is_token in hidden_states(seed):
        sentences_of(answer, hidden, is_token)


def same_places_not_finite(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.shape == other.shape and not one.isfinite().all() and torch.equal(one.isfinite(), other.isfinite())


@sentence_vectors.aspect("direction")
def averages_the_tokens_and_no_padding(answer, seed):
    for hidden, is_token in hidden_states(seed):
        result, wanted = sentences_of(answer, hidden, is_token), vectors_in_a_loop(hidden, is_token)
        lengths = result.detach().double().norm(dim=-1, keepdim=True)
        if (lengths == 0).any() or not lengths.isfinite().all():
            raise CheckFailed("sentence_vectors gives a vector without a direction, zeros or NaN.", "a vector of length 1 for each sentence.",
                              sentence_vectors.likely_cause(result, (hidden, is_token), NO_DIRECTION, same_places_not_finite))

        def agree(one: torch.Tensor, other: torch.Tensor) -> bool:
            return one.shape == other.shape and bool((to_unit(one.detach().double()) - to_unit(other.double())).abs().max() <= 1e-4)

        sentence_vectors.want_values(
            result / lengths, wanted, (hidden, is_token), what="the direction of the vectors", agree=agree,
            otherwise="the mean of the vectors of the tokens: multiply by is_token, add up along axis 1, divide by the number of tokens.",
            caption="Vectors of the sentences, brought to length 1: wanted, and yours",
        )
        sentence_vectors.note_right(result / lengths, (hidden, is_token), agree)


@sentence_vectors.aspect("length")
def has_length_1(answer, seed):
    for hidden, is_token in hidden_states(seed):
        result = sentences_of(answer, hidden, is_token)
        sentence_vectors.want_values(
            result, vectors_in_a_loop(hidden, is_token), (hidden, is_token), what="sentence_vectors",
            otherwise="the last step brings each vector to length 1: `F.normalize(mean, dim=-1)`.", caption="Vectors of the sentences: wanted, and yours",
        )


@sentence_vectors.aspect("gradient")
def lets_the_gradient_through(answer, seed):
    want_gradient_of_inputs(answer, *hidden_states(seed)[0], what="sentence_vectors")

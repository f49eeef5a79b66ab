"""Notebook 9, exercise 2: what a batch of pairs must be."""

from collections.abc import Callable, Sequence

import torch

from ninelives.checks.exercise import CheckFailed, Exercise, ids, kind_of, run, same, want_pair

translation_batch = Exercise("translation_batch", error_hints={
    "stack expects": "tensors of different lengths cannot be stacked: pad them to the same length first.",
    "expected sequence of length": "rows of different lengths make no tensor: pad them with −1 first.",
    "values to unpack": "pairs is a list of B pairs, and B is not 2: take each pair apart in a loop, or all of them with `zip(*pairs)`.",
})

Pairs = list[tuple[torch.Tensor, torch.Tensor]]


def some_pairs(seed: int) -> tuple[Pairs, int]:
    """Pairs of several lengths, the longest prefix and the longest answer in different rows, and the end token."""
    lengths = [[(5, 3), (2, 6), (9, 4), (4, 1)], [(1, 2), (6, 5), (3, 7)], [(4, 4), (8, 2), (2, 3), (5, 9), (3, 1)]][seed % 3]
    generator = torch.Generator().manual_seed(seed)
    end = 41 + seed  # no smaller id is special: 0 is one like others
    pairs = [tuple(torch.randint(1, end, (length,), generator=generator) for length in pair) for pair in lengths]
    pairs[0][0][0] = pairs[1][1][-1] = 0
    return pairs, end


def padded(rows: Sequence[Sequence[int] | torch.Tensor], padding: int = -1) -> torch.Tensor:
    """(B, longest): the rows, padded at the end."""
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[padding] * (longest - len(row))] for row in rows])


def padded_in_front(rows: Sequence[torch.Tensor]) -> torch.Tensor:
    """(B, longest): the rows, padded in front."""
    return padded([row.flip(0) for row in rows]).flip(1)


def sources(pairs: Pairs) -> list[torch.Tensor]:
    return [source for source, _ in pairs]


def closed(pairs: Pairs, end_token: int) -> list[torch.Tensor]:
    """Each answer with the end token after it."""
    return [torch.cat([answer, torch.tensor([end_token])]) for _, answer in pairs]


FIRST_PAIR_ALONE = "this is the first pair alone: does `return` stand inside the loop over the pairs?"
END_AFTER_PREFIX = "one column too many: the end token comes after the answers only."
ROWS_NOT_COLUMNS = "each sentence is a row, not a column: `batch_first=True`, or transpose."
PADDED_IN_FRONT = "the padding is in front. It comes at the end."
PADDED_WITH_ZERO = "the padding is 0, and 0 is an id. Padding is −1, which is none."
PADDED_WITH_END = "the padding is the end token, which is an id of the vocabulary. Padding is −1."
SHIFTED = ("the targets are shifted by one position. The model does that by itself: the last row of the prefix predicts the "
           "first target.")


@translation_batch.mistake("shape", END_AFTER_PREFIX)
def end_token_after_the_prefix_too(pairs, end_token):
    return padded(closed([(source, source) for source, _ in pairs], end_token)), padded(closed(pairs, end_token))


@translation_batch.mistake("shape", "prefix and targets are padded to one length. Each has its own: P is the longest of the English, T the longest of the French.")
def one_length_for_both(pairs, end_token):
    both = padded([*sources(pairs), *closed(pairs, end_token)])
    return both[: len(pairs)], both[len(pairs) :]


@translation_batch.mistake("shape", "prefix and targets are swapped: the English comes first.")
def french_first(pairs, end_token):
    return padded(closed(pairs, end_token)), padded(sources(pairs))


@translation_batch.mistake("shape", "the sentences are cut to the shortest. Pad the shorter ones instead.")
def cut_to_the_shortest(pairs, end_token):
    shortest = min(map(len, sources(pairs)))
    return torch.stack([source[:shortest] for source, _ in pairs]), padded(closed(pairs, end_token))


@translation_batch.mistake("shape", FIRST_PAIR_ALONE)
def return_in_the_loop(pairs, end_token):
    return padded(sources(pairs)[:1]), padded(closed(pairs, end_token)[:1])


@translation_batch.mistake("shape", ROWS_NOT_COLUMNS)
def sentences_as_columns(pairs, end_token):
    return padded(sources(pairs)).T, padded(closed(pairs, end_token)).T


@translation_batch.mistake("shape", ROWS_NOT_COLUMNS)
def answers_as_columns(pairs, end_token):
    return padded(sources(pairs)), padded(closed(pairs, end_token)).T


@translation_batch.mistake(
    "shape",
    "there is no room for an end token after the longest answer. Put the end token after every answer, then pad. "
    "(In a loop, `answer = torch.cat(…)` only names a new tensor and leaves the list as it is: collect the new ones in a list.)",
)
def end_token_forgotten(pairs, end_token):
    return padded(sources(pairs)), padded([answer for _, answer in pairs])


@translation_batch.mistake("shape", SHIFTED)
def first_column_cut_off(pairs, end_token):
    return padded(sources(pairs)), padded(closed(pairs, end_token))[:, 1:]


@translation_batch.mistake(
    "values", "the end token 0 is left out, and 0 is an id like any other: nothing here may depend on `if end_token`.")
def end_token_0_taken_for_none(pairs, end_token):
    return padded(sources(pairs)), padded(closed(pairs, end_token) if end_token else [answer for _, answer in pairs])


@translation_batch.mistake(
    "shape",
    "there is one column too many: one end token, no start token. The decoder starts from the English sentence.",
)
def start_token_in_front(pairs, end_token):
    start = torch.tensor([end_token])
    return padded(sources(pairs)), padded([torch.cat([start, row]) for row in closed(pairs, end_token)])


@translation_batch.mistake("values", PADDED_IN_FRONT)
def prefix_padded_in_front(pairs, end_token):
    return padded_in_front(sources(pairs)), padded(closed(pairs, end_token))


@translation_batch.mistake("values", PADDED_IN_FRONT)
def targets_padded_in_front(pairs, end_token):
    return padded(sources(pairs)), padded_in_front(closed(pairs, end_token))


@translation_batch.mistake("values", PADDED_WITH_ZERO)
def padded_with_zero(pairs, end_token):
    return padded(sources(pairs), 0), padded(closed(pairs, end_token), 0)


@translation_batch.mistake("values", PADDED_WITH_END)
def padded_with_the_end_token(pairs, end_token):
    return padded(sources(pairs), end_token), padded(closed(pairs, end_token), end_token)


@translation_batch.mistake("values", PADDED_WITH_END)
def targets_padded_with_the_end_token(pairs, end_token):
    return padded(sources(pairs)), padded(closed(pairs, end_token), end_token)


@translation_batch.mistake("values", "the English sentences are reversed.")
def prefix_reversed(pairs, end_token):
    return padded([source.flip(0) for source, _ in pairs]), padded(closed(pairs, end_token))


@translation_batch.mistake(
    "values", "the end token comes after the padding. It comes right after the last word of each answer.")
def end_token_after_the_padding(pairs, end_token):
    answers = padded([answer for _, answer in pairs])
    return padded(sources(pairs)), torch.cat([answers, torch.full((len(pairs), 1), end_token)], dim=1)


@translation_batch.mistake("values", "the end token is missing: without it the model never learns to stop.")
def padding_instead_of_the_end(pairs, end_token):
    return padded(sources(pairs)), padded(closed(pairs, -1))


@translation_batch.mistake(
    "values", "the end token is 0 here, whatever was given. Put in the one that is given: `torch.tensor([end_token])`.")
def end_token_always_0(pairs, end_token):
    return padded(sources(pairs)), padded(closed(pairs, 0))


@translation_batch.mistake("values", "the end token is in front. It is the last thing that the model has to say.")
def end_token_in_front(pairs, end_token):
    return padded(sources(pairs)), padded([row.roll(1) for row in closed(pairs, end_token)])


@translation_batch.mistake("values", SHIFTED)
def shifted_by_hand(pairs, end_token):
    targets = padded(closed(pairs, end_token))
    return padded(sources(pairs)), torch.cat([targets[:, 1:], torch.full((len(pairs), 1), -1)], dim=1)


@translation_batch.mistake("values", "only the longest answer has an end token.")
def end_token_after_the_longest_only(pairs, end_token):
    targets = padded(closed(pairs, -1))
    targets[:, -1] = targets[:, -2].where(targets[:, -2] == -1, end_token)
    return padded(sources(pairs)), targets


def batch_of(answer: Callable, pairs: Pairs, end: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(prefix, targets) from the learner's function; anything else is refused."""
    before = [(a.clone(), b.clone()) for a, b in pairs]
    result = want_pair(run(answer, pairs, end), "translation_batch", ("prefix", "targets"), "return prefix, targets.")
    if len(before) != len(pairs) or not all(same(a, c) and same(b, d) for (a, b), (c, d) in zip(before, pairs)):
        raise CheckFailed("translation_batch changed the pairs that it was given.", "the pairs as they were: they are drawn again later.",
                          "work on copies; torch.cat makes one.")
    for name, rows in zip(("prefix", "targets"), result):
        if isinstance(rows, tuple | list):
            raise CheckFailed(f"{name} is {kind_of(rows)}.", "one tensor, a row for each sentence.",
                              "these rows have different lengths still: `pad_sequence` makes one tensor of them.")
    return result


def part(k: int) -> Callable:
    """Makes of a mistake the prefix (0) or the targets (1) that it gives."""
    return lambda mistake: lambda pairs, end_token: mistake(pairs, end_token)[k]


@translation_batch.aspect("shape")
def makes_rectangles_of_ids_with_room_for_the_end_token(answer, seed):
    pairs, end = some_pairs(seed)
    for some in (pairs, pairs[1:2], pairs[:2]):  # the last one again after a smaller one
        B, P, T = len(some), max(len(a) for a, _ in some), max(len(b) for _, b in some)
        prefix, targets = batch_of(answer, some, end)
        translation_batch.want_shape(
            prefix, (B, P), "(B, P), P the longest of the English sentences", "prefix", (some, end), part(0))
        translation_batch.want_shape(
            targets, (B, T + 1), "(B, T), T the longest of the French sentences and its end token", "targets", (some, end), part(1))
        for name, tensor in (("prefix", prefix), ("targets", targets)):
            if tensor.dtype != torch.int64:
                raise CheckFailed(f"{name} is {tensor.dtype}.", "torch.int64.", "ids are whole numbers. `.float()` makes floats of them, and so do torch.Tensor([…]) with a capital letter, where "
                                  "torch.tensor([…]) keeps whole numbers, and −1.0 instead of −1.")


@translation_batch.aspect("values")
def closes_each_answer_and_pads_at_the_end(answer, seed):
    pairs, end = some_pairs(seed)
    for end_token in (end, 0):
        prefix, targets = batch_of(answer, pairs, end_token)
        want_rows("prefix", 0, prefix, padded(sources(pairs)), pairs, end_token)
        want_rows("targets", 1, targets, padded(closed(pairs, end_token)), pairs, end_token)
    equally_long = [(source[:1], answer[:1]) for source, answer in pairs]  # nothing to pad
    prefix, targets = batch_of(answer, equally_long, end)
    want_rows("prefix", 0, prefix, padded(sources(equally_long)), equally_long, end)
    want_rows("targets", 1, targets, padded(closed(equally_long, end)), equally_long, end)


def want_rows(name: str, k: int, seen: torch.Tensor, wanted: torch.Tensor, pairs: Pairs, end: int) -> None:
    """Refuse other ids than wanted in the prefix (k = 0) or the targets (k = 1)."""
    translation_batch.want_shape(seen, wanted.shape, "(B, P)" if k == 0 else "(B, T)", name, (pairs, end), part(k))

    def otherwise() -> str:
        if sorted(seen.tolist()) == sorted(wanted.tolist()):
            return "these are the right rows in another order. The caller's order stays: row b belongs to pair b."
        return "the ids of the sentence, for targets followed by the end token, then −1 up to the longest."

    translation_batch.want_values(
        seen, wanted, (pairs, end), make=part(k), what=lambda row: f"row {row} of {name} is", row_of=ids, agree=same,
        meaning=f", where {end} is the end token", caption=f"The rows of {name}: wanted, and yours",
        otherwise=otherwise,
    )

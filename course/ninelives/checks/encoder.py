"""Notebook 4: what the count of tokens and the encoder's mask must do."""

from collections.abc import Callable

import torch
from torch import nn

from ninelives.checks.exercise import CheckFailed, Exercise, build, run, want_shape, want_tensor
from ninelives.config import TransformerConfig
from ninelives.figures import wanted_and_yours

count_tokens = Exercise("count_tokens")
encoder = Exercise("Encoder")

MASK = "Encoder.get_attention_mask"
# What torch says, and what it means in these exercises.
MISTAKES = {
    "missing 1 required positional argument: 'T'": "give T a default, `T=None`; when it is None, take the longest length.",
    "must match the size of tensor b": "T places meet B lengths. num_tokens needs the shape (B, 1, 1, 1), so that every length meets every place.",
    "bitwise_and": "`&` joins bool masks alone, and torch.ones makes floats: multiply the two, or write `!= 0` behind each.",
    "must be Tensor, not NoneType": "a mask is None. Transformer has none to give, Encoder has: is it the base, `class Decoder(Encoder)`?",
    "must be Tensor, not int": "`tril` keeps a part of a matrix, so it needs a matrix: torch.ones(T, T).",
    "takes 1 positional argument but 2 were given": "T is None when it is left out, and None is no size: take the size of the encoder's mask, mask.shape[-1].",
    "must be Number, not NoneType": "T is None when it is left out, and None is no size: take the largest of num_tokens then.",
}
UNUSED = 4  # the ids below it, and the last one, stand in no sentence of the checks


def padded_ids(num_tokens: torch.Tensor, T: int, vocab_size: int, seed: int) -> torch.Tensor:
    """(B, T) int64: random ids, -1 behind each sequence's tokens."""
    generator = torch.Generator().manual_seed(seed)
    idx = torch.randint(UNUSED, vocab_size - 1, (len(num_tokens), T), generator=generator)
    for row, n in enumerate(num_tokens.tolist()):
        idx[row, n:] = -1
    return idx


def ask(function: Callable, *arguments, what: str) -> torch.Tensor:
    """`run`, with a cause of its own for what often goes wrong with masks."""
    try:
        return run(function, *arguments, what=what)
    except CheckFailed as failure:
        cause = next((cause for said, cause in MISTAKES.items() if said in failure.seen), failure.cause)
        raise CheckFailed(failure.seen, failure.wanted, cause) from None


def loop_count(idx: torch.Tensor) -> torch.Tensor:
    """(B,): the reference, by counting."""
    return torch.tensor([sum(word != -1 for word in row) for row in idx.tolist()])


@count_tokens.aspect("values")
def _(answer, seed):
    num_tokens, _, config = cases(seed)[0]
    T = int(num_tokens.max())  # so that one sequence has no padding
    idx = padded_ids(num_tokens, T, config.vocab_size, seed)
    idx[0, 0] = 0  # a word like any other
    B, wanted = len(idx), loop_count(idx)
    result = run(answer, idx)
    want_shape(result, (B,), "(B,)", "the result", causes={
        (): "the whole batch is counted at once. `sum(1)` adds along the places and leaves one number for each sequence.",
        (T,): "`sum(0)` adds down the batch. `sum(1)` adds along the places of each sequence.",
        (B, T): "this says of every place whether it is a token. Now add it up along the places: `sum(1)`.",
        (B, 1): "there is one axis too many: leave out `keepdim`.",
    })
    if torch.equal(result.long(), wanted):
        return
    counted = result.tolist()
    causes = [
        ((idx == -1).sum(1).tolist(), "this counts the padding. `!=` where `==` stands counts the tokens."),
        ([T] * B, "every place is counted, padding too. Padding is −1: count the places where idx is something else."),
        ((idx > 0).sum(1).tolist(), "the word with id 0 is taken for padding. Padding is −1; 0 is a word like any other."),
        (idx.sum(1).tolist(), "the ids themselves are added up. Add up whether each place is a token: `(idx != -1).sum(1)`."),
        ((wanted - 1).tolist(), "this is the place of the last token, counted from 0. The count is one more."),
        ((idx == -1).int().argmax(1).tolist(), "this is the place of the first padding, and a sequence without padding has none: there argmax says 0."),
    ]
    raise CheckFailed(
        f"count_tokens gives {counted} for sequences of {T} places.",
        f"{wanted.tolist()}: as many as are not −1.",
        next((cause for mistake, cause in causes if counted == mistake), "compare idx with −1, then add up along axis 1."),
    )


def cases(seed: int) -> list[tuple[torch.Tensor, int, TransformerConfig]]:
    """Lengths (B,), places T and sizes: first all sizes different, then B = n_head, T = head_size, one sequence."""
    ordinary = [([4, 7, 2], 8, 2, 10), ([3, 6, 1, 5, 2], 7, 3, 12), ([2, 6, 5], 9, 4, 20)][seed % 3]
    return [
        (torch.tensor(lengths), T, TransformerConfig(
            vocab_size=29, block_size=17, n_embd=n_embd, n_head=n_head, n_layer=2, dropout=0.0))
        for lengths, T, n_head, n_embd in (ordinary, ([5, 1], 6, 2, 14), ([2, 4, 3], 4, 2, 8), ([3], 5, 2, 8))
    ]


def loop_mask(num_tokens: torch.Tensor, T: int) -> torch.Tensor:
    """(B, 1, T, T) bool: the reference, cell by cell."""
    return torch.tensor([[[[column < n for column in range(T)] for _ in range(T)]] for n in num_tokens.tolist()])


def mask_of(module: nn.Module, num_tokens: torch.Tensor, T: int, config: TransformerConfig, what: str) -> torch.Tensor:
    """The learner's mask, whatever its type and the axes it leaves to broadcasting, as (B, heads, T, T) bool.

    Raises:
        CheckFailed: the call raised, gave another shape, or numbers other than 0 and 1.
    """
    result = ask(module.get_attention_mask, num_tokens, T, what=what)
    B = len(num_tokens)
    fits_mask_shape(result, B, T, config, what, num_tokens)
    want_zeros_and_ones(result, what)
    return result.bool().expand(B, -1, T, T)


def want_zeros_and_ones(result: torch.Tensor, what: str) -> None:
    """Refuse a mask that holds anything but 0 and 1, False and True."""
    want_tensor(result, what)
    odd = result[(result != 0) & (result != 1)]
    if odd.numel():
        number = odd.flatten()[0].item()
        raise CheckFailed(
            f"{what} holds {number}.",
            "only 1 (True, may attend) and 0 (False, may not).",
            "−∞ belongs into the scores; attention puts it there, wherever the mask is 0." if number < -1e3
            else "two masks are added; where both must allow, multiply them or use `&`." if number == 2
            else "a comparison such as `<` gives True and False, and nothing else.",
        )


def fits_mask_shape(
    result: torch.Tensor, B: int, T: int, config: TransformerConfig, what: str, num_tokens: torch.Tensor
) -> None:
    """Accept (B, 1, T, T), with T or 1 rows and one mask for all heads or one for each; refuse the rest."""
    want_tensor(result, what)
    shape, longest = tuple(result.shape), int(num_tokens.max())
    if len(shape) == 4 and shape[0] == B and shape[1] in (1, config.n_head) and shape[2] in (1, T) and shape[3] == T:
        return
    causes = {
        (B, 1, longest, longest): "T is given here and is larger than the longest sequence: take T, and the largest length only if T is None.",
        (B, 1, 1, longest): "T is given here and is larger than the longest sequence: take T, and the largest length only if T is None.",
        (B, 1, config.block_size, config.block_size): "the mask is as large as block_size. It must be as large as this batch: T.",
        (B, 1, B, B): "T is taken from the number of sequences. It is the number of places.",
        (T, T): "one mask serves the whole batch, but every sequence has a length of its own.",
        (1, 1, T, T): "one mask serves the whole batch, but every sequence has a length of its own.",
        (B, 1, T, 1): "this opens and closes whole rows. The last axis is the word that is looked at: it needs the T places.",
        (B, T): "this says which places are tokens. Give it an axis for the heads and one for the rows: reshape(B, 1, 1, T).",
        # The commonest last: where two of these shapes are equal its cause is said.
        (B, T, T): "the axis for the heads is missing: attention would take the sequences for heads. `unsqueeze(1)` adds it.",
        (B, 1, T): "three axes: attention would take the sequences for heads. num_tokens needs the shape (B, 1, 1, 1), "
                   "so that comparing it with T places gives four.",
    }
    want_shape(result, (B, 1, T, T), "(B, 1, T, T)", what, causes)


@encoder.aspect("shape")
def _(answer, seed):
    for num_tokens, T, config in cases(seed):
        module = build(answer, config)
        B, longest = len(num_tokens), int(num_tokens.max())
        mask_of(module, num_tokens, T, config, MASK)
        without = ask(module.get_attention_mask, num_tokens, what=f"{MASK} without T")
        fits_mask_shape(without, B, longest, config, f"{MASK} without T", num_tokens)


@encoder.aspect("columns")
def _(answer, seed):
    for num_tokens, T, config in cases(seed):
        module = build(answer, config)
        want_columns(mask_of(module, num_tokens, T, config, MASK), num_tokens, T)
        # The same object again, with other lengths: nothing may be left over.
        others = num_tokens.roll(1)
        want_columns(mask_of(module, others, T, config, MASK), others, T)


def want_columns(mask: torch.Tensor, num_tokens: torch.Tensor, T: int) -> None:
    """Refuse a mask in which a word misses a word or sees padding."""
    wanted = loop_mask(num_tokens, T)
    is_row = (torch.arange(T) < num_tokens.reshape(-1, 1)).reshape(-1, 1, T, 1)  # (B, 1, T, 1)
    allowed = wanted | torch.eye(T, dtype=torch.bool) & ~is_row
    bad = ((mask != wanted) & is_row | mask & ~allowed).any(1)  # (B, T, T)
    if not bad.any():
        return
    b, row, _ = bad.nonzero()[0].tolist()
    n = int(num_tokens[b])
    causes = [
        (~wanted, "1 and 0 have changed places: 1 (True) means may attend, and `<` is true for the tokens."),
        (loop_mask(num_tokens + 1, T), "one place too many is open: places count from 0, so the tokens stand at 0 … n − 1, and the comparison is `<`."),
        (loop_mask(num_tokens - 1, T), "the last token is closed: places count from 0, so the tokens stand at 0 … n − 1: `< n`."),
        (torch.ones_like(wanted), "everything is open: the lengths are not used."),
        (wanted.transpose(2, 3), "whole rows are open and closed. Who is looked at is the last axis, the columns."),
        (wanted.tril(), "nobody looks ahead here. That is the decoder's mask, the next notebook; an encoder sees the whole sentence."),
        (loop_mask(num_tokens[:1].expand_as(num_tokens), T), "every sequence gets the length of the first."),
        (loop_mask(num_tokens.max().expand_as(num_tokens), T), "every sequence gets the length of the longest."),
        (loop_mask(num_tokens.roll(-1), T), "this is the mask of an earlier call, or of other sequences: compute it anew from num_tokens each time."),
    ]
    raise CheckFailed(
        f"for num_tokens = {num_tokens.tolist()}, row {row} of sequence {b} is {mask[b, 0, row].int().tolist()}.",
        f"{wanted[b, 0, row].int().tolist()}: {n} open, then {T - n} closed.",
        next((cause for mistake, cause in causes if torch.equal(mask, mistake.expand_as(mask))),
             "column j of sequence b is open if j < num_tokens[b], in every row."),
        picture=lambda: wanted_and_yours(wanted[b, 0].int(), mask[b, 0].int(), caption=f"The mask of sequence {b}: wanted, and yours"),
    )


@encoder.aspect("rows")
def _(answer, seed):
    for num_tokens, T, config in cases(seed):
        mask = mask_of(build(answer, config), num_tokens, T, config, MASK)
        want_no_empty_row(mask, num_tokens, loop_mask(num_tokens, T))


def want_no_empty_row(
    mask: torch.Tensor, num_tokens: torch.Tensor, wanted: torch.Tensor, cause: str | None = None
) -> None:
    """Refuse a mask with a row in which everything is closed; say this cause, or the usual one."""
    empty = ~mask.any(-1)
    if not empty.any():
        return
    b, _, row = empty.nonzero()[0].tolist()
    raise CheckFailed(
        f"sequence {b} has {num_tokens[b]} tokens, and row {row} of its mask allows nothing.",
        "in every row at least one open place, also in the rows of padding.",
        cause or "the rows of padding are closed too. The softmax of such a row is NaN, and NaN spreads: hide the columns only."
        if row >= num_tokens[b] else "the row of a token is closed. It must see at least itself.",
        picture=lambda: wanted_and_yours(wanted[b, 0].int(), mask[b, 0].int(), caption=f"The mask of sequence {b}: wanted, and yours"),
    )


@encoder.aspect("property")
def _(answer, seed):
    num_tokens, T, config = cases(seed)[0]
    model = whole_model(answer, config, "Encoder", "Transformer")
    idx = padded_ids(num_tokens, T, config.vocab_size, seed)
    scores = scores_of(model, idx, config, "Encoder")
    want_padding_without_effect(model, idx, scores, config, "Encoder")
    changed = idx.clone()
    changed[0, num_tokens[0] - 1] = UNUSED + (idx[0, num_tokens[0] - 1] - UNUSED + 1) % 7
    if (scores_of(model, changed, config, "Encoder")[0, 0] - scores[0, 0]).abs().max() < 1e-6:
        raise CheckFailed(
            "another word at the end of a sentence changes nothing at its first word.",
            "a change: in an encoder every word reads every other.",
            "the mask that you return is not used, or it closes what stands behind a word.",
        )


def whole_model(answer, config: TransformerConfig, name: str, base: str) -> nn.Module:
    """The learner's class, built in float64 for evaluation, so that a difference is no rounding.

    Raises:
        CheckFailed: it cannot be built, or it is no Transformer.
    """
    model = build(answer, config)
    if type(model).forward is nn.Module.forward:
        raise CheckFailed(
            f"your {name} has no forward.",
            f"one that it takes over from {base}.",
            f"the class statement must name {base} as its base: `class {name}({base}):`.",
        )
    return model.double().eval()


@torch.no_grad()
def scores_of(model: nn.Module, idx: torch.Tensor, config: TransformerConfig, name: str) -> torch.Tensor:
    """The logits (B, T, V) of the words that stand in sentences; those of the others may be changed by a check."""
    try:
        result = run(model, idx, what=f"{name}.forward")
    except CheckFailed as failure:
        if "not written yet" in failure.seen:
            raise
        raise CheckFailed(
            failure.seen, "scores for every token.",
            "the model cannot work with the mask that it gets: first fix what the checks above report.",
        ) from None
    logits = result[0] if isinstance(result, tuple) else result
    want_shape(logits, (*idx.shape, config.vocab_size), "(B, T, vocab_size)", f"what {name} gives for token ids")
    return logits[..., UNUSED:-1]


def want_padding_without_effect(
    model: nn.Module, idx: torch.Tensor, scores: torch.Tensor, config: TransformerConfig, name: str
) -> None:
    """Refuse a model in which a token's scores depend on padding: on what stands there, or on how much there is.

    Args:
        model: the learner's, in float64. Its tables are changed.
        idx: (B, T) with padding.
        scores: (B, T, V), what the model gives for idx.
    """
    is_token = idx != -1
    if scores[is_token].isnan().any():
        raise CheckFailed(
            f"with padding in the batch the {name} gives NaN.",
            "finite scores for every token.",
            "a row of the mask is empty: its softmax is NaN.",
        )

    def refuse_change(now: torch.Tensor, seen: str) -> None:
        change = (now - scores[is_token]).abs().max().item()
        if not change <= 1e-6 * (1 + scores[is_token].abs().max().item()):
            raise CheckFailed(
                f"{seen}, and the scores of the tokens move by {change:.2g}.",
                "no change at all: nobody looks at padding.",
                "the mask is not used by the model, or it leaves padding open for some word.",
            )

    alone = [scores_of(model, row[row != -1].unsqueeze(0), config, name)[0] for row in idx]
    refuse_change(torch.cat(alone), "each sentence is taken out of the batch and read alone")
    more = torch.nn.functional.pad(idx, (0, 3), value=-1)
    refuse_change(scores_of(model, more, config, name)[:, : idx.shape[1]][is_token], "three more places of padding are added")
    with torch.no_grad():
        for table in model.parameters():
            # Which row a padded place looks up is free; it is none that a sentence uses.
            if table.shape == (config.vocab_size, config.n_embd):
                # Not one number added to all channels: a LayerNorm would take it away again.
                table[:UNUSED] += torch.randn_like(table[:UNUSED])
                table[-1] += torch.randn_like(table[-1])
    refuse_change(scores_of(model, idx, config, name)[is_token], "something else stands in the padded places")

"""Notebook 1: what position indices and embeddings must do."""

import math

import torch
from torch import nn

from ninelives.checks.exercise import (
    CheckFailed,
    Exercise,
    build,
    numbers,
    run,
    same_values,
    want_gradient,
    want_shape,
    want_tensor,
)
from ninelives.config import TransformerConfig
from ninelives.figures import wanted_and_yours

position_indices = Exercise("position_indices")
embedding = Exercise("Embedding")
concatenate = Exercise("concatenate")
adding_layer = Exercise("adding_layer")


# What torch says, and what it means in these exercises.
RAISED = {
    "index out of range": "a table was asked for a row that it does not have. Token ids look up `self.token`, "
                          "places (what position_indices gives) look up `self.position`.",
    "cannot assign": "`layer.weight` is a parameter and stays one: write into it, under torch.no_grad(), "
                     "with `layer.weight.copy_(…)`.",
    "leaf Variable": "a parameter is changed in place, and autograd would have to learn from that: do it under `with torch.no_grad():`.",
}


def token_ids(B: int, T: int, seed: int, vocab_size: int = 23) -> torch.Tensor:
    """(B, T) int64 of random ids."""
    return torch.randint(vocab_size, (B, T), generator=torch.Generator().manual_seed(seed))


def sizes(seed: int) -> tuple[int, int, TransformerConfig]:
    """B, T and a configuration: all sizes differ, so that no two axes can be taken for each other."""
    B, T, C, V, block_size = [(3, 5, 8, 23, 11), (4, 7, 6, 29, 13), (2, 9, 10, 19, 12)][seed % 3]
    return B, T, TransformerConfig(vocab_size=V, block_size=block_size, n_embd=C, n_head=2)


def loop_positions(idx: torch.Tensor) -> torch.Tensor:
    """(B, T): the reference, by counting."""
    return torch.tensor([[place for place, _ in enumerate(row)] for row in idx.tolist()])


@position_indices.aspect("shape")
def _(answer, seed):
    B, T, _ = sizes(seed)
    for b in (1, B):
        result = run(answer, token_ids(b, T, seed))
        want_shape(result, (b, T), "(B, T)", "the result", causes={
            (b * T,): "the sequences are strung together: each needs a row of its own.",
            (T,): "the positions are right for one sequence; `unsqueeze(0)` makes them a row and "
                  "`expand(B, T)` repeats the row for every sequence.",
            (1, T): "one row serves every sequence by broadcasting, but here one row per sequence is asked for: "
                    "`expand(B, T)` repeats it without copying.",
            (T, b): "rows are sequences and columns are places: B comes first.",
            (b, T, 1): "there is one axis too many: positions are whole numbers, not vectors yet.",
        })
        if result.dtype.is_floating_point or result.dtype == torch.bool:
            raise CheckFailed(
                f"the positions have dtype {result.dtype}.",
                "whole numbers (torch.int64): they are used to look up rows of a table.",
                "torch.arange(T) gives int64; dividing, torch.linspace or torch.ones make floats.",
            )


@position_indices.aspect("values")
def _(answer, seed):
    B, T, _ = sizes(seed)
    # One sequence alone first: what is wrong even there is no matter of the batch.
    for b in (1, B):
        idx = token_ids(b, T, seed)
        want_positions(run(answer, idx), idx)
    padded = token_ids(B, T, seed + 1)
    padded[0, 2:] = -1
    want_positions(run(answer, padded), padded)


def want_positions(result: torch.Tensor, idx: torch.Tensor) -> None:
    """Refuse positions that are not 0 … T - 1 in every row, and say what they look like."""
    want_tensor(result, "the result")
    wanted = loop_positions(idx)
    if torch.equal(result, wanted):
        return
    B, T = idx.shape
    causes = [
        (same_values(result, wanted + 1), "counting starts at 0 in Python, and row 0 of the table belongs to the first word."),
        (same_values(result, torch.arange(B * T).reshape(B, T)), "the count runs on from one sequence to the next; it must start again at 0 in every row."),
        (same_values(result, torch.arange(B).unsqueeze(1).expand(B, T)), "this counts the sequences (axis 0), not the places in them (axis 1)."),
        (same_values(result, wanted.flip(1)), "the count runs backwards."),
        (same_values(result, idx), "these are the word ids themselves. A position depends only on where a word stands, not on which word it is."),
        (bool((idx == -1).any()), "padding (-1) must not change the positions: a padded place is counted like any other."),
    ]
    raise CheckFailed(
        f"the first row is {result.reshape(-1)[:T].tolist()}" + (f", the second {result[1].tolist()}." if result.dim() == 2 and B > 1 else "."),
        f"{list(range(T))} in every row.",
        next((cause for found, cause in causes if found), "torch.arange(T) gives 0 … T - 1."),
        picture=lambda: wanted_and_yours(wanted, result, caption="Positions: wanted, and yours"),
    )


def tables(module: nn.Module, config: TransformerConfig) -> tuple[torch.Tensor, torch.Tensor]:
    """The token table and the position table of a learner's module, told apart by their number of rows.

    Raises:
        CheckFailed: one of them is not there.
    """
    weights = [p for p in module.parameters() if p.dim() == 2]
    found = []
    for rows, name in ((config.vocab_size, "vocab_size"), (config.block_size, "block_size")):
        table = next((w for w in weights if w.shape == (rows, config.n_embd)), None)
        if table is None:
            raise CheckFailed(
                f"the module has tables of shape {[tuple(w.shape) for w in weights]}.",
                f"one of shape ({name}, n_embd) = ({rows}, {config.n_embd}).",
                "keep both nn.Embedding layers of __init__ as attributes of self: a layer made in forward "
                "is new on every call and never learns.",
            )
        found.append(table.detach().double())
    return found[0], found[1]


def loop_embedding(idx: torch.Tensor, token: torch.Tensor, position: torch.Tensor) -> torch.Tensor:
    """(B, T, C) float64: the reference, one word at a time."""
    return torch.stack([
        torch.stack([token[word] + position[place] for place, word in enumerate(row)]) for row in idx.tolist()
    ])


@embedding.aspect("shape")
def _(answer, seed):
    B, T, config = sizes(seed)
    module = build(answer, config)
    for b, t in ((B, T), (1, T), (B, 1), (1, 1), (B, config.block_size)):
        want_shape(
            run(module, token_ids(b, t, seed, config.vocab_size), what="Embedding.forward", causes=RAISED),
            (b, t, config.n_embd), "(B, T, n_embd)", "the result",
            causes={
                (b, t, 2 * config.n_embd): "the two vectors are concatenated. They are to be added: n_embd numbers in, n_embd out.",
                (t, config.n_embd): "the batch axis is gone: a squeeze() removes it when B is 1.",
                (b, config.n_embd): "the places are summed away: every token keeps a vector of its own.",
            },
        )


@embedding.aspect("values")
def _(answer, seed):
    B, T, config = sizes(seed)
    module = build(answer, config)
    token, position = tables(module, config)
    idx = token_ids(B, T, seed, config.vocab_size)
    result = run(module, idx, what="Embedding.forward", causes=RAISED)
    want_shape(result, (B, T, config.n_embd), "(B, T, n_embd)", "the result")
    wanted = loop_embedding(idx, token, position)
    if not same_values(result, wanted):
        raise CheckFailed(
            f"the vector of the last token starts {numbers(result[-1, -1])}.",
            f"{numbers(wanted[-1, -1])}: its row of the token table plus the row of its place.",
            embedding_cause(result, idx, token, position),
            picture=lambda: wanted_and_yours(wanted[-1], result[-1], caption="The last sequence, one row per word: wanted, and yours"),
        )


def embedding_cause(result: torch.Tensor, idx: torch.Tensor, token: torch.Tensor, position: torch.Tensor) -> str:
    """Which known mistake gives these numbers."""
    (B, T), C = idx.shape, token.shape[1]
    words, places = token[idx], position[loop_positions(idx)]
    one_place = position[:1].expand_as(words)
    candidates = [
        (words, "the positions are missing: this is the token table alone."),
        (places, "the words are missing: this is the position table alone."),
        (words * places, "the two vectors are multiplied; they are to be added."),
        ((words + places) / 2, "this is the mean of the two; they are to be added."),
        (words * math.sqrt(C) + places, "the token vector is multiplied by √n_embd. The paper does that (section 3.4); here it is left out."),
        (words + loop_positions(idx).unsqueeze(-1), "the position itself was added as a number; it is to look up a row of the position table."),
        (words + one_place, "every word gets the same position: arange must run along T."),
        (words - places, "the position is subtracted; it is to be added."),
    ]
    if (idx < len(position)).all():
        candidates.append((words + position[idx.clamp(max=len(position) - 1)], "the word ids look up the position table; the positions must."))
    if B <= len(position):
        candidates.append((words + position[torch.arange(B)].unsqueeze(1), "the positions count the sequences (axis 0), not the places in them (axis 1)."))
    if T < len(position):
        candidates.append((words + position[1 : T + 1], "the positions start at 1; they start at 0."))
        candidates.append((words + position[:T].flip(0), "the positions run backwards."))
    for candidate, cause in candidates:
        if same_values(result, candidate):
            return cause
    return "look up both tables once, and add the two results."


@embedding.aspect("padding")
def _(answer, seed):
    B, T, config = sizes(seed)
    module = build(answer, config)
    whole = token_ids(B, T, seed, config.vocab_size)
    padded = whole.clone()
    padded[0, 2:] = -1
    padded[1, -1] = -1
    try:
        result = run(module, padded, what="Embedding.forward")
    except CheckFailed as failure:
        if "IndexError" in failure.seen or "range" in failure.seen:
            raise CheckFailed(
                f"with padding in idx, {failure.seen}",
                "a result: -1 marks padding, and a table has no row -1.",
                "look up some row that exists, for instance idx.clamp(min=0); an attention mask hides it later.",
            ) from None
        raise
    want_shape(result, (B, T, config.n_embd), "(B, T, n_embd)", "the result")
    real = padded != -1
    if not same_values(result[real], loop_embedding(whole, *tables(module, config))[real]):
        raise CheckFailed(
            "with padding at the end of a sequence, the vectors of its words change.",
            "the same vectors for the words as without padding.",
            "positions and word ids of real words must not depend on what stands behind them.",
        )
    if not result.isfinite().all():
        raise CheckFailed(
            "the vectors at padded places hold NaN or infinity.",
            "finite numbers: a mask multiplies them by 0 later, and 0 · NaN is NaN.",
            "look up some row that exists, for instance idx.clamp(min=0).",
        )


@embedding.aspect("gradient")
def _(answer, seed):
    B, T, config = sizes(seed)
    module = build(answer, config)
    result = run(module, token_ids(B, T, seed, config.vocab_size), what="Embedding.forward", causes=RAISED)
    want_gradient(module, result, "Embedding")


def vectors(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Token vectors and position vectors, (B, T, C) each."""
    B, T, config = sizes(seed)
    return tuple(torch.randn(2, B, T, config.n_embd))


@concatenate.aspect("values")
def _(answer, seed):
    token, position = vectors(seed)
    B, T, C = token.shape
    result = run(answer, token, position)
    want_shape(result, (B, T, 2 * C), "(B, T, 2 * n_embd)", "the result", causes={
        (2 * B, T, C): "torch.cat joined the batches (dim 0); join the channels, dim=-1.",
        (B, 2 * T, C): "torch.cat joined the places (dim 1), as if there were twice as many words; join the channels, dim=-1.",
        (B, T, C): "the vectors are added, not put one behind the other.",
        (B, T, 2, C): "torch.stack makes a new axis; torch.cat lengthens one that is there.",
        (2, B, T, C): "torch.stack makes a new axis; torch.cat lengthens one that is there.",
    })
    wanted = torch.stack([token, position], dim=2).reshape(B, T, 2 * C)
    if not same_values(result, wanted):
        swapped = same_values(result, torch.stack([position, token], dim=2).reshape(B, T, 2 * C))
        raise CheckFailed(
            f"the first vector starts {numbers(result[0, 0])}.",
            f"{numbers(wanted[0, 0])}: all numbers of the token, then all numbers of the position.",
            "position and token have changed places." if swapped
            else "the numbers are mixed: torch.cat((token, position), dim=-1) puts one vector behind the other.",
        )


@adding_layer.aspect("values")
def _(answer, seed):
    token, position = vectors(seed)
    C = token.shape[-1]
    layer = run(answer, C, causes=RAISED)
    if not isinstance(layer, nn.Module):
        raise CheckFailed(
            f"adding_layer gives a {type(layer).__name__}.",
            "an nn.Linear layer.",
            "make nn.Linear(2 * n_embd, n_embd, bias=False) and fill its weight.",
        )
    both = torch.stack([token, position], dim=2).flatten(2)  # (B, T, 2C)
    result = run(layer, both, what="your layer")
    want_shape(result, token.shape, "(B, T, n_embd)", "what the layer makes of concatenated vectors")
    if same_values(result, token.double() + position):
        return
    nothing = layer(torch.zeros_like(both))
    causes = [
        (bool(nothing.abs().max() > 1e-6), "the layer has a bias, which adds the same vector everywhere: bias=False, or set it to 0."),
        (same_values(result, token), "only the token half is let through: the second half of the weight is 0."),
        (same_values(result, position), "only the position half is let through: the first half of the weight is 0."),
        (same_values(result, (token + position) / 2), "this is the mean: the two squares of the weight hold 1, not ½, on the diagonal."),
        (same_values(result, (token + position).sum(-1, keepdim=True).expand_as(token)), "a weight of ones adds up all channels; each channel is to be added to its own partner only."),
        (same_values(result, token - position), "the second square of the weight must be + the identity."),
    ]
    raise CheckFailed(
        f"the first vector starts {numbers(result[0, 0])}.",
        f"{numbers((token + position)[0, 0])}: token plus position.",
        next((cause for found, cause in causes if found),
             "the weight has shape (n_embd, 2 * n_embd): two identity matrices side by side. "
             "Copy it in under torch.no_grad()."),
    )

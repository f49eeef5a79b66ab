"""Notebook 8: what an answer to a prefix must be."""

from collections.abc import Callable
from functools import partial

import torch
from torch import nn
from torch.nn import functional as F

from ninelives.checks.exercise import CheckFailed, Exercise, run, want_shape
from ninelives.checks.generation import certain, want_draws, want_greedy, want_negative_refused
from ninelives.config import TransformerConfig
from ninelives.figures import wanted_and_yours

pad_after_end = Exercise("pad_after_end")
prefix_generation = Exercise("prefix_generation")

PAD = -1


# --- exercise 1: what stands behind the end ------------------------------------------------------


def answers_with_ends(seed: int) -> list[tuple[torch.Tensor, int]]:
    """Answers (B, T) and the end token: ends at the beginning, inside, twice, last, never; then one row, and no column; then 0 for the end."""
    end = (3, 1, 5)[seed % 3]
    a, b, c = [word for word in range(7) if word != end][:3]
    batch = torch.tensor([
        [a, b, end, c, a],
        [end, a, b, c, a],
        [a, end, b, end, c],
        [a, b, c, a, end],
        [c, b, a, b, c],
    ])
    return [(batch, end), (batch[:3, :3], end), (batch[2:3], end), (batch[4:], end), (batch[:, :0], end),
            (torch.where(batch == end, 0, torch.where(batch == 0, end, batch)), 0)]


def padded(tokens: torch.Tensor, end: int) -> torch.Tensor:
    """(B, T): the reference, word by word."""
    rows = []
    for row in tokens.tolist():
        stop = row.index(end) + 1 if end in row else len(row)
        rows.append(row[:stop] + [PAD] * (len(row) - stop))
    return torch.tensor(rows, dtype=torch.long).reshape(tokens.shape)


@pad_after_end.aspect("values")
def _(answer, seed):
    for tokens, end in answers_with_ends(seed):
        result = run(answer, tokens, end)
        B, T = tokens.shape
        want_shape(result, (B, T), "(B, T)", "pad_after_end", causes={
            (tokens.numel(),): "the batch is lost: choosing with tokens[mask] makes one long row. Fill in place of choosing: masked_fill, torch.where.",
            (int((padded(tokens, end) != PAD).sum()),): "choosing with tokens[mask] makes one long row. Fill in place of choosing: masked_fill, torch.where.",
        })
        wanted = padded(tokens, end)
        if torch.equal(result, wanted):
            continue
        b = int((result != wanted).any(1).int().argmax())
        raise CheckFailed(
            f"for the row {tokens[b].tolist()} and the end token {end} you give {result[b].tolist()}.",
            f"{wanted[b].tolist()}: the end token stays, and everything behind the first one is −1.",
            padding_cause(result, tokens, end),
            picture=lambda: wanted_and_yours(wanted, result, caption=f"Answers of the batch, end token {end}: wanted, and yours."),
        )


def padding_cause(seen: torch.Tensor, tokens: torch.Tensor, end: int) -> str:
    """Which known mistake gives this."""
    is_end = tokens == end  # (B, T)
    ended = is_end.cumsum(1) > 0  # (B, T), from the end token on
    before = is_end.cumsum(1) - is_end.long()  # (B, T), ends before each place
    candidates = [
        (tokens, "nothing is padded."),
        (tokens.masked_fill(ended, PAD), "the end token is gone too. It belongs to the answer: only what stands *behind* it is padding."),
        (tokens.masked_fill(is_end, PAD), "the end tokens are replaced, and what stands behind them is left."),
        (torch.where(before > 0, end, tokens), "the rest is filled with the end token. Padding is −1 in this course."),
        (tokens.masked_fill(before > 0, 0), "the rest is filled with 0, which is a word. Padding is −1."),
        (tokens.masked_fill(before == 1, PAD), "behind a second end token the words come back: ask whether there was *any* end before, > 0."),
        (tokens.masked_fill(is_end.roll(1, 1), PAD), "only the one place behind an end token is padded: everything behind it must be."),
        (tokens.masked_fill(ended.any(0), PAD), "one row's end is taken for all rows: look along axis 1, in each row."),
        (tokens.masked_fill((is_end.flatten().cumsum(0) - is_end.flatten().long()).reshape(tokens.shape) > 0, PAD),
         "the end of one row pads the next: count along axis 1, in each row."),
        (tokens.masked_fill((is_end.cumsum(0) - is_end.long()) > 0, PAD), "ends are counted along the batch. Count along axis 1, in each row."),
    ]
    for mistake, cause in candidates:
        if torch.equal(seen, mistake):
            return cause
    return "(tokens == end_token).cumsum(1) counts the ends up to each place, the place itself among them."


# --- exercise 2: the answer ----------------------------------------------------------------------


class Half(nn.Module):
    """One half of a stub; it remembers how it was used, and its parameter takes part in every result."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.one = nn.Parameter(torch.ones(()))
        self.dropout = nn.Dropout(0.5)
        self.was_training: list[bool] = []
        self.had_gradient: list[bool] = []
        self.fed: list[torch.Tensor] = []

    def want_ids(self, idx: torch.Tensor) -> None:
        """Raise what an embedding raises for numbers that are no ids."""
        F.embedding(idx.clamp(min=0), torch.zeros(self.config.vocab_size, 1))

    def note(self, idx: torch.Tensor, result: torch.Tensor) -> torch.Tensor:
        self.fed.append(idx.clone())
        self.was_training.append(self.training or self.dropout.training)
        self.had_gradient.append(result.requires_grad)
        return result


class StubEncoder(Half):
    """Its hidden states hold the ids that it was fed, and zeros where there is padding."""

    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        self.want_ids(idx)
        is_token = (idx != PAD).unsqueeze(-1)  # (B, P, 1)
        hidden = (idx.unsqueeze(-1) + 1.0) * is_token * self.one  # (B, P, 1)
        hidden = self.note(idx, hidden.expand(-1, -1, self.config.n_embd))  # (B, P, C)
        if return_hidden:
            return hidden
        return hidden[..., :1].expand(-1, -1, self.config.vocab_size), None


class StubDecoder(Half):
    """`next_logits` is a function from what it was given, cached (B, P) and idx (B, T), to (B, P + T, V)."""

    def __init__(self, config: TransformerConfig, next_logits: Callable) -> None:
        super().__init__(config)
        self.next_logits = next_logits

    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        self.want_ids(idx)
        if hidden_cache is None:
            if idx.shape[1] == 0:
                raise ValueError("a decoder without hidden_cache was given no token at all")
            cached = idx[:, :0]
        else:
            if isinstance(hidden_cache, tuple) or hidden_cache.dim() != 3 or hidden_cache.shape[2] != self.config.n_embd:
                shape = "a tuple" if isinstance(hidden_cache, tuple) else f"of shape {tuple(hidden_cache.shape)}"
                raise ValueError(f"hidden_cache is {shape}")
            if len(hidden_cache) != len(idx):
                raise ValueError(f"idx has {len(idx)} rows and hidden_cache has {len(hidden_cache)}")
            cached = hidden_cache[..., 0].round().long() - 1  # (B, P)
            # As the decoder of the course does, padding first: the last cached row is a token's.
            cached = cached.gather(1, (cached != PAD).to(torch.uint8).argsort(dim=1, stable=True))
        logits = self.next_logits(cached, idx) * self.one  # (B, P + T, V)
        return self.note(idx, logits), None


class Stub(nn.Module):
    """An encoder-decoder whose next token is known."""

    def __init__(self, next_logits: Callable, V: int) -> None:
        super().__init__()
        config = TransformerConfig(vocab_size=V, block_size=64, n_embd=8, n_head=2, n_layer=1)
        self.encoder, self.decoder = StubEncoder(config), StubDecoder(config, next_logits)

    def forward(self, prefix, targets):
        return self.decoder(targets, targets, hidden_cache=self.encoder(prefix, return_hidden=True))

    def halves(self) -> tuple[Half, Half]:
        return self.encoder, self.decoder


def said(cached: torch.Tensor, idx: torch.Tensor, V: int) -> torch.Tensor:
    """(B, P + T): what the reader says after each token. It depends on all before it, and on what was encoded and what written."""
    text = torch.cat((torch.where(cached == PAD, PAD, 2 * cached + 5), idx), dim=1)  # (B, P + T)
    place = (text != PAD).cumsum(1)
    return ((place * (text + 1)).cumsum(1) + 3 * place) % V


def reader(V: int) -> Callable:
    """A model of certain tokens."""
    return lambda cached, idx: certain(said(cached, idx, V), V)


def continued(prefix: torch.Tensor, new: int, V: int, see: Callable = lambda prefix, answer: (prefix, answer), row: int = -1) -> torch.Tensor:
    """(B, new): what the reader must be made to write, when it is fed see(prefix, answer) and asked at `row`."""
    answer = prefix[:, :0]
    for _ in range(new):
        answer = torch.cat((answer, said(*see(prefix, answer), V)[:, row].unsqueeze(1)), dim=1)
    return answer


def prefixes(seed: int, V: int) -> list[tuple[torch.Tensor, int]]:
    """Prefixes (B, P) and how many tokens to write: all sizes different, then B = P = new, one row, one word, one token, none."""
    B, P, new = [(3, 4, 6), (2, 5, 7), (5, 3, 4)][seed % 3]
    return [(torch.randint(V, (b, p)), n) for b, p, n in ((B, P, new), (3, 3, 3), (1, 4, 5), (2, 1, 4), (2, 3, 1), (2, 4, 0))]


def answer_to(
    answer, model: Stub, prefix: torch.Tensor, new: int, temperature: float = 1.0, end_token: int | None = None, columns: int | None = None,
    otherwise: dict | None = None,
) -> torch.Tensor:
    """What the learner writes: (B, columns) whole numbers; by default as many columns as tokens were asked for.

    Raises:
        CheckFailed: it is of another shape, or no token ids.
    """
    def called(model, prefix, new, temperature):
        if end_token is None:
            return answer(model, prefix, new, temperature)
        return answer(model, prefix, new, temperature, end_token=end_token)

    result = run(called, model, prefix, new, temperature, what="prefix_generation", error_hints=RAISED)
    (B, P), wanted = prefix.shape, new if columns is None else columns
    what = f"prefix_generation with {B} prefixes of {P} and max_new_tokens = {new}"
    causes = {
        (B, P + wanted): "the prefix is returned too. It is in another language: only what is new is wanted.",
        (B, wanted + 1): "one token too many: is a start token returned, or does the loop run once more?",
        (B, wanted - 1): "one token too few: the loop must run max_new_tokens times.",
        (B, 1): "one token was drawn: the loop returns too early, or it begins again every time.",
        (B, 0): "nothing is appended: the joined tensor must be kept, `answer = torch.cat(…)`.",
        (B, P): "this is the prefix. The new tokens are wanted.",
        (B, wanted, 1): "the tokens of each step have one axis too many: torch.cat, not torch.stack.",
        (wanted,): "the batch is lost: (B, new) is wanted for B = 1 too.",
        (wanted, B): "rows and columns have changed places: (B, new).",
    }
    want_shape(result, (B, wanted), "(B, new tokens)", what, causes | (otherwise or {}))
    if result.is_floating_point() or result.dtype == torch.bool:
        raise CheckFailed(
            f"{what} gives {result.dtype}.", "whole numbers (int64): token ids.",
            "the empty answer was made of floats: torch.zeros and torch.empty make floats unless they are told dtype=torch.long.",
        )
    return result


# What torch or the stub says, and what it means in this exercise.
RAISED = {
    "unexpected keyword argument 'end_token'": "keep the line that begins with `def`: end_token is an argument of prefix_generation.",
    "contains either `inf`, `nan`": "something is divided by a temperature of 0, or is negative. Treat 0 apart.",
    "division by zero": "the temperature may be 0: treat that apart, before you divide.",
    "only tensors with one element": "`.item()` works for a batch of one alone. Keep the tensor: (B, 1) for the batch.",
    "a Tensor with 2 elements": "`.item()` works for a batch of one alone. Keep the tensor: (B, 1) for the batch.",
    "Boolean value of Tensor with more than one value": "in a batch each row ends at its own time: an `if` needs one answer, such as (…).all().",
    "scalar types": "the empty answer is made of floats, and token ids are whole numbers: torch.empty(B, 0, dtype=torch.long), or prefix[:, :0].",
    "Tensors must have same number of dimensions": "torch.cat joins (B, t) and (B, 1): keep the axis of size 1, or add it with unsqueeze(1).",
    "Sizes of tensors must match": "torch.cat joins (B, t) and (B, 1) along axis 1. The empty answer needs B rows too: (B, 0).",
    "rows and hidden_cache has": "the answer must have as many rows as the prefix, from the start: (B, 0).",
    "prob_dist must be 1 or 2 dim": "torch.multinomial wants (B, V): take the last row first, logits[:, -1].",
    "given no token at all": "the decoder was called without hidden_cache: hand it the encoder's hidden states, hidden_cache=….",
    "hidden_cache is": "the decoder reads hidden states: self.encoder(prefix, return_hidden=True) gives one tensor (B, P, n_embd).",
    "index out of range": "−1 or an id that does not exist was looked up as a word.",
}


@prefix_generation.aspect("shape")
def _(answer, seed):
    V = 11
    for prefix, new in prefixes(seed, V):
        answer_to(answer, Stub(reader(V), V), prefix, new)


@prefix_generation.aspect("feed back")
def _(answer, seed):
    V = 11
    for prefix, new in prefixes(seed, V):
        model = Stub(reader(V), V)
        result, wanted = answer_to(answer, model, prefix, new), continued(prefix, new, V)
        if torch.equal(result, wanted):
            continue
        b = int((result != wanted).any(1).int().argmax())
        raise CheckFailed(
            f"for the prefix {prefix[b].tolist()} prefix_generation gives {result[b].tolist()}.",
            f"{wanted[b].tolist()}: for this model every next token is certain.",
            feed_back_cause(result, prefix, new, V, model),
            picture=lambda: wanted_and_yours(wanted, result, caption="The answers of the batch: wanted, and yours."),
        )


def feed_back_cause(seen: torch.Tensor, prefix: torch.Tensor, new: int, V: int, model: Stub) -> str:
    """Which known mistake writes these answers."""
    def joined(*parts):
        return torch.cat(parts, dim=1)

    zeros, first_word = torch.zeros_like(prefix[:, :1]), prefix[:, :1]
    right = continued(prefix, new, V)
    first_only = "every token is drawn from the prefix alone: feed what you have drawn back into the decoder, and take the *last* row, logits[:, -1]."
    started = "a start token stands in front of the answer. Here none is needed: the answer begins empty, (B, 0), and the last row of the prefix gives its first token."
    candidates = [
        (continued(prefix, new, V, lambda p, a: (p, a[:, :0])), first_only),
        (continued(prefix, new, V, lambda p, a: (joined(p, a), a[:, :0])),
         "the drawn tokens are fed to the encoder, behind the prefix. It reads English: encode the prefix alone, and give what is drawn to the decoder."),
        (continued(prefix, new, V, lambda p, a: (joined(p, a), a)),
         "the drawn tokens are fed to both. The encoder reads the prefix alone."),
        (continued(prefix, new, V, lambda p, a: (p, joined(p, a))), "the decoder is fed the prefix in front of its answer. It has it already, in its hidden_cache."),
        (continued(prefix, new, V, lambda p, a: (p[:, :0], joined(p, a))), "the encoder takes no part: the decoder reads the prefix as if it were its own text."),
        (continued(prefix, new, V, lambda p, a: (p, joined(zeros, a))), started),
        (continued(prefix, new, V, lambda p, a: (p, joined(first_word, a))), started),
        (continued(prefix, new, V, lambda p, a: (p, joined(p[:, -1:], a))), started),
        (continued(prefix, new, V, lambda p, a: (p, a[:, -1:])), "the decoder is fed the last token alone, so it has forgotten the rest: feed it the whole answer so far."),
        (continued(prefix, new, V, row=0), "the scores of the *first* row are used, logits[:, 0]. The next token stands in those of the last, logits[:, -1]."),
        (joined(said(prefix, prefix[:, :0], V)[:, -1:], right[:, : new - 1])[:, :new], "the first token is drawn twice."),
        (continued(prefix[:1].expand_as(prefix), new, V), "every row gets the answer to the first prefix."),
        (continued(prefix.roll(1, 0), new, V), "the rows have changed places: each answer is that of another prefix."),
        (right.flip(1), "the new tokens are in reverse order."),
    ]
    for mistake, cause in candidates:
        if torch.equal(seen, mistake):
            return cause
    if new and len(prefix) > 1 and (seen == seen[:1]).all():
        return "all rows of the batch get the same tokens: draw for each row of the probabilities."
    fed = ", ".join(str(idx.shape[1]) for idx in model.decoder.fed[:5])
    return (f"each step gives the whole answer so far and the cache to the decoder, takes logits[:, -1], draws and appends. "
            f"Here the decoder was called {len(model.decoder.fed)} times, with {fed or 'no'} … tokens.")


@prefix_generation.aspect("padding")
def _(answer, seed):
    V, new = 11, 5
    lengths = [(3, 5, 1, 4), (5, 2, 4), (2, 6, 3)][seed % 3]
    rows = [torch.randint(V, (1, length)) for length in lengths]
    batch = torch.cat([F.pad(row, (0, max(lengths) - row.shape[1]), value=PAD) for row in rows])  # (B, P)
    result = answer_to(answer, Stub(reader(V), V), batch, new)
    for b, row in enumerate(rows):
        wanted = continued(row, new, V)[0]
        if torch.equal(result[b], wanted):
            continue
        candidates = [
            (continued(batch.clamp(min=0), new, V), "padding is read as word 0: hand the prefix over as it is, with its −1."),
            (continued(batch[:, : min(lengths)], new, V), "every prefix is cut to the shortest."),
        ]
        raise CheckFailed(
            f"in a batch with longer ones, the prefix {row[0].tolist()} is answered by {result[b].tolist()}.",
            f"{wanted.tolist()}, as for this prefix alone.",
            next((cause for mistake, cause in candidates if torch.equal(result, mistake)),
                 "hand the prefix over as it is, with its −1, and take logits[:, -1]: the decoder puts padding out of the way."),
        )


def ending(V: int, end: int) -> Callable:
    """A model whose answer has as many words as the first id of the prefix says, then ends, and then would go on."""
    def next_logits(cached, idx):
        B, P = cached.shape
        word = said(cached, idx, V)  # (B, P + T)
        word = torch.where(word == end, (end + 1) % V, word)
        written = torch.cat((torch.zeros_like(cached), (idx != PAD).cumsum(1)), dim=1)  # (B, P + T)
        length = cached.gather(1, (cached != PAD).int().argmax(1, keepdim=True))  # (B, 1)
        at_end = (written == length) & (torch.arange(P + idx.shape[1]) >= P - 1)
        return certain(torch.where(at_end, end, word), V)

    return next_logits


def ended_answers(prefix: torch.Tensor, new: int, V: int, end: int) -> torch.Tensor:
    """(B, columns): what `ending` must be made to write, one row at a time."""
    rows = []
    for row in prefix:
        words, model = [], ending(V, end)
        while len(words) < new and end not in words:
            idx = torch.tensor(words, dtype=torch.long).reshape(1, -1)
            words.append(int(model(row[row != PAD].unsqueeze(0), idx)[0, -1].argmax()))
        rows.append(torch.tensor(words, dtype=torch.long))
    return nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=PAD)


@prefix_generation.aspect("end")
def _(answer, seed):
    V, some = 11, (4, 7, 2)[seed % 3]
    lengths = [(2, 0, 5, 1), (1, 4, 0, 6), (3, 0, 1, 5)][seed % 3]
    batch = torch.tensor([[length, (3 * length + 1) % V, 8] for length in lengths])  # (B, P)
    for prefix, new, end in ((batch, 9, some), (batch, 3, some), (batch[2:3], 9, some), (batch[1:2], 4, some), (batch, 9, 0)):
        wanted = ended_answers(prefix, new, V, end)
        columns, model = wanted.shape[1], Stub(ending(V, end), V)
        result = answer_to(answer, model, prefix, new, end_token=end, columns=columns, otherwise={
            (len(prefix), new): "0 is an id like any other, and `if end_token:` takes it for nothing: if end_token is not None." if end == 0 else
                                "the end token has no effect on the loop: leave it as soon as every row has ended. Columns of nothing but −1 are not wanted.",
            **{(len(prefix), length + 1): "the loop stops when the *first* row has ended. The others are not done: stop when all have."
               for length in lengths if length + 1 < columns},
            (len(prefix), columns - 1): "the end token is missing: it is the last token of an answer.",
        })
        if torch.equal(result, wanted):
            continue
        b = int((result != wanted).any(1).int().argmax())
        raise CheckFailed(
            f"for the end token {end} the prefix {prefix[b].tolist()} is answered by {result[b].tolist()}.",
            f"{wanted[b].tolist()}: up to the end token, and −1 behind it.",
            end_cause(result, wanted, end),
            picture=lambda: wanted_and_yours(wanted, result, caption=f"The answers of the batch, end token {end}: wanted, and yours."),
        )


def end_cause(seen: torch.Tensor, wanted: torch.Tensor, end: int) -> str:
    """Which known mistake gives these answers."""
    behind = wanted == PAD
    if torch.equal(seen.masked_fill(behind, PAD), wanted):
        filled = seen[behind]
        if (filled == end).all():
            return "what stands behind the end is filled with the end token. Padding is −1."
        if (filled == 0).all():
            return "what stands behind the end is filled with 0, which is a word. Padding is −1."
        return "rows that have ended go on: what is drawn for them afterwards must become −1."
    if torch.equal(seen, wanted.masked_fill(wanted == end, PAD)):
        return "the end token itself is padded away. It belongs to the answer: only what stands behind it is −1."
    return "each row ends at its own end token: keep (B,) which rows have ended, or pad after the loop with pad_after_end."


def written(answer, table: torch.Tensor, prefix: torch.Tensor, new: int, temperature: float = 1.0) -> torch.Tensor:
    """The learner's answer (B, new), where the scores of what follows token a are table[a]."""
    return answer_to(answer, Stub(lambda cached, idx: table[torch.cat((cached, idx), dim=1)], len(table)), prefix, new, temperature)


@prefix_generation.aspect("draws")
def _(answer, seed):
    want_draws(partial(written, answer), seed, "prefix_generation", "answer", "prefix")


@prefix_generation.aspect("greedy")
def _(answer, seed):
    want_greedy(partial(written, answer), "answer", "prefix")


@prefix_generation.aspect("negative")
def _(answer, seed):
    V = 9
    prefix = torch.randint(V, (2, 3))
    want_negative_refused(
        lambda temperature: answer(Stub(reader(V), V), prefix, 2, temperature),
        lambda: answer_to(answer, Stub(reader(V), V), prefix, 2), "prefix_generation", "writes an answer")


@prefix_generation.aspect("manners")
def _(answer, seed):
    V = 11
    prefix = torch.randint(V, (2, 3))
    for before in (True, False):
        model = Stub(reader(V), V).train(before)
        answer_to(answer, model, prefix, 3)
        for name, half in zip(("encoder", "decoder"), model.halves()):
            if any(half.was_training):
                raise CheckFailed(
                    f"the {name} is in training mode while it {'reads' if name == 'encoder' else 'writes'}.",
                    "eval mode, for both halves and from the start: with dropout on, words are read with holes.",
                    "call model.eval() before the encoder is asked, and on the whole model.",
                )
            if any(half.had_gradient):
                raise CheckFailed(
                    f"PyTorch keeps a graph for gradients in the {name}.",
                    "none: nobody learns here, and the graph takes memory and time.",
                    "put `with torch.no_grad():` around everything, or @torch.no_grad() above the function.",
                )
        modes = [module.training for module in model.modules()]
        if modes != [before] * len(modes):
            raise CheckFailed(
                f"the model was in {'training' if before else 'eval'} mode before, and afterwards not all of it is.",
                "the mode that it was in.",
                "keep model.training before the loop, and give it to model.train(…) after it.",
            )
        if not torch.is_grad_enabled() or not all(half.one.requires_grad for half in model.halves()):
            torch.set_grad_enabled(True)
            raise CheckFailed(
                "after prefix_generation the model can no longer be trained.", "gradients as they were, for whoever trains on.",
                "a switch was thrown and not put back: torch.no_grad() as a `with` block puts it back by itself.",
            )

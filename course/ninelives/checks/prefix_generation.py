"""Notebook 8: what an answer to a prefix must be."""

from collections.abc import Callable
from functools import partial

import torch
from torch import nn
from torch.nn import functional as F

from ninelives.checks.exercise import CheckFailed, Exercise, ids, run
from ninelives.checks.pad_after_end import (
    PAD,
    end_padded_too,
    filled_with_ends,
    filled_with_zeros,
    pad_after_end,
    padded_by_hand,
)
from ninelives.checks.sampling import (
    GRADIENTS_OFF,
    STEP_ERRORS,
    certain,
    want_draws,
    want_most_likely,
    want_negative_refused,
)
from ninelives.config import TransformerConfig
from ninelives.model import next_token_probabilities

__all__ = ["generation_with", "pad_after_end", "prefix_generation"]

START_TOKEN = (
    "a start token comes before the answer. None is needed here: the answer begins empty, (B, 0), and the last row of "
    "the prefix gives its first token."
)
ZERO_IS_AN_ID = "0 is an id like any other, and `if end_token:` takes it for nothing: if end_token is not None."

prefix_generation = Exercise("prefix_generation", error_hints=STEP_ERRORS | {
    "unexpected keyword argument 'end_token'":
        "keep the line that begins with `def`: end_token is an argument of prefix_generation.",
    "Boolean value of Tensor with more than one value":
        "in a batch each row ends at its own step: an `if` needs one answer, such as (…).all().",
    "scalar types": "the empty answer is made of floats, and token ids are whole numbers: "
                    "torch.empty(B, 0, dtype=torch.long), or prefix[:, :0].",
    "Tensors must have same number of dimensions":
        "torch.cat joins tensors with the same number of axes: the answer is (B, t), so a new token must be (B, 1).",
    "Sizes of tensors must match":
        "torch.cat joins (B, t) and (B, 1) along axis 1. The empty answer needs B rows too: (B, 0).",
    "rows and hidden_cache has": "the answer must have as many rows as the prefix, from the start: (B, 0).",
    "given no token at all":
        "the decoder was called without hidden_cache: pass it the encoder's hidden states, hidden_cache=….",
    "hidden_cache is": "the decoder reads hidden states: model.encoder(prefix, return_hidden=True) returns one tensor "
                       "(B, P, n_embd).",
    "index out of range": "an id that the vocabulary does not have was looked up: ids go from 0 to V − 1.",
})


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
        """Raise what an embedding raises for ids that the vocabulary does not have."""
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
            if isinstance(hidden_cache, tuple):
                raise ValueError("hidden_cache is a tuple")
            if hidden_cache.dim() != 3 or hidden_cache.shape[2] != self.config.n_embd:
                raise ValueError(f"hidden_cache is of shape {tuple(hidden_cache.shape)}")
            if len(hidden_cache) != len(idx):
                raise ValueError(f"idx has {len(idx)} rows and hidden_cache has {len(hidden_cache)}")
            cached = hidden_cache[..., 0].round().long() - 1  # (B, P)
            # Move padding to the front, as the course's decoder does: the last cached row must belong to a token.
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
    """(B, P + T): what the reader says after each token. It depends on all before it, encoded or written."""
    text = torch.cat((torch.where(cached == PAD, PAD, 2 * cached + 5), idx), dim=1)  # (B, P + T)
    position = (text != PAD).cumsum(1)
    return ((position * (text + 1)).cumsum(1) + 3 * position) % V


def reader(V: int) -> Stub:
    """A model whose next token is certain."""
    return Stub(lambda cached, idx: certain(said(cached, idx, V), V), V)


def continued(prefix: torch.Tensor, new: int, V: int) -> torch.Tensor:
    """(B, new): the answer that a right `prefix_generation` writes with the reader."""
    answer = prefix[:, :0]
    for _ in range(new):
        answer = torch.cat((answer, said(prefix, answer, V)[:, -1:]), dim=1)
    return answer


def prefixes(seed: int, V: int) -> list[tuple[torch.Tensor, int]]:
    """Prefixes (B, P) and the number of new tokens: all sizes different, then B = P = new, one row, one word, none."""
    B, P, new = [(3, 4, 6), (2, 5, 7), (5, 3, 6)][seed % 3]
    sizes = ((B, P, new), (3, 3, 3), (1, 4, 5), (2, 1, 4), (2, 3, 1), (2, 4, 0))
    return [(torch.randint(V, (b, p)), n) for b, p, n in sizes]


def answer_to(
    answer, model: Stub, prefix: torch.Tensor, new: int, temperature: float = 1.0, end_token: int | None = None,
    columns: int | None = None,
) -> torch.Tensor:
    """What the learner writes: (B, columns) whole numbers; by default as many columns as tokens were asked for.

    Raises:
        CheckFailed: it is of another shape, or no token ids.
    """
    arguments = (model, prefix, new, temperature)
    named = {} if end_token is None else {"end_token": end_token}
    result = run(partial(answer, **named), *arguments, what="prefix_generation")
    what = f"prefix_generation with {len(prefix)} prefixes of {prefix.shape[1]} and max_new_tokens = {new}"
    prefix_generation.want_shape(
        result, (len(prefix), new if columns is None else columns), "(B, new tokens)", what, arguments,
        make=lambda mistake: partial(mistake, **named))
    if result.is_floating_point() or result.dtype == torch.bool:
        raise CheckFailed(
            f"{what} gives {result.dtype}.",
            "whole numbers (int64): token ids.",
            "the empty answer was made of floats: torch.zeros and torch.empty make floats unless you pass "
            "dtype=torch.long.",
        )
    return result


def encoded(model, prefix: torch.Tensor, answer: torch.Tensor) -> torch.Tensor:
    """The hidden states of the prefix, (B, P, C)."""
    return model.encoder(prefix, return_hidden=True)


def drawn(logits: torch.Tensor, temperature: float) -> torch.Tensor:
    """(B, P + t, V) to (B, 1): one token for each row, drawn from the scores of the last row."""
    return torch.multinomial(next_token_probabilities(logits[:, -1], temperature), 1)


def appended(answer: torch.Tensor, token: torch.Tensor) -> torch.Tensor:
    """(B, t) and (B, 1) to (B, t + 1)."""
    return torch.cat((answer, token), dim=1)


def all_ended(answer: torch.Tensor, end_token: int) -> bool:
    """Whether every row (B, t) holds an end token."""
    return bool((answer == end_token).any(1).all())


def generation_with(
    model, prefix, max_new_tokens, temperature, end_token=None, *,
    start=lambda prefix: prefix[:, :0], encode=encoded, feed=lambda prefix, answer: answer, choose=drawn,
    append=appended, stop=all_ended, finish=padded_by_hand,
) -> torch.Tensor:
    """A right `prefix_generation`; a wrong answer replaces one of its steps."""
    if temperature < 0:
        raise ValueError("the temperature is negative")
    was_training = model.training
    model.eval()
    with torch.no_grad():
        answer = start(prefix)
        for _ in range(max_new_tokens):
            logits, _ = model.decoder(feed(prefix, answer), hidden_cache=encode(model, prefix, answer))
            answer = append(answer, choose(logits, temperature))
            if end_token is not None and stop(answer, end_token):
                break
    model.train(was_training)
    return answer if end_token is None else finish(answer, end_token)


@prefix_generation.aspect("shape")
def new_tokens_alone(answer, seed):
    V = 11
    for prefix, new in prefixes(seed, V):
        answer_to(answer, reader(V), prefix, new)


@prefix_generation.mistake(
    "shape", "the prefix is returned too. It is in another language: return only what is new.")
def prefix_returned_too(model, prefix, max_new_tokens, temperature, end_token=None):
    return torch.cat((prefix, generation_with(model, prefix, max_new_tokens, temperature, end_token)), dim=1)


@prefix_generation.mistake("shape", "this is the prefix. Return the new tokens.")
def prefix_returned(model, prefix, max_new_tokens, temperature, end_token=None):
    return prefix


@prefix_generation.mistake(
    "shape", "one token too many: is a start token returned, or does the loop run once more?")
def start_token_returned(model, prefix, max_new_tokens, temperature, end_token=None):
    return generation_with(
        model, prefix, max_new_tokens, temperature, end_token, start=lambda prefix: torch.zeros_like(prefix[:, :1]))


@prefix_generation.mistake("shape", "one token too few: the loop must run max_new_tokens times.")
def one_too_few(model, prefix, max_new_tokens, temperature, end_token=None):
    return generation_with(model, prefix, max_new_tokens - 1, temperature, end_token)


@prefix_generation.mistake(
    "shape", "one token was drawn: the loop returns too early, or it begins again every time.")
def last_token_kept_alone(model, prefix, max_new_tokens, temperature, end_token=None):
    return generation_with(
        model, prefix, max_new_tokens, temperature, end_token, append=lambda answer, token: token)


@prefix_generation.mistake(
    "shape", "nothing is appended: the joined tensor must be kept, `answer = torch.cat(…)`.")
def joined_and_forgotten(model, prefix, max_new_tokens, temperature, end_token=None):
    return generation_with(
        model, prefix, max_new_tokens, temperature, end_token, append=lambda answer, token: answer)


@prefix_generation.mistake("shape", "the batch is lost: return (B, new) for B = 1 too.")
def squeezed(model, prefix, max_new_tokens, temperature, end_token=None):
    return generation_with(model, prefix, max_new_tokens, temperature, end_token).squeeze(0)


@prefix_generation.mistake(
    "shape", "each token (B, 1) is stacked, which adds an axis: join the tokens with torch.cat along axis 1.")
def stacked(model, prefix, max_new_tokens, temperature, end_token=None):
    return torch.stack(
        generation_with(model, prefix, max_new_tokens, temperature, end_token).split(1, dim=1), dim=1)  # (B, new, 1)


@prefix_generation.mistake("shape", "rows and columns are swapped: return (B, new).")
def stacked_along_the_batch(model, prefix, max_new_tokens, temperature, end_token=None):
    return torch.stack(
        generation_with(model, prefix, max_new_tokens, temperature, end_token).unbind(1))  # (new, B)


@prefix_generation.aspect("feed back")
def feeds_back_what_it_has_drawn(answer, seed):
    V = 11
    for prefix, new in prefixes(seed, V):
        want_fed_back(answer, prefix, new, V)


def want_fed_back(answer, prefix: torch.Tensor, new: int, V: int) -> None:
    """Refuse another answer than a right `prefix_generation` writes with the reader."""
    model = reader(V)
    result = answer_to(answer, model, prefix, new)
    fed = model.decoder.fed
    lengths = ", ".join(str(idx.shape[1]) for idx in fed[:5]) + ", …" * (len(fed) > 5)
    otherwise = ("each step passes the whole answer so far and the cache to the decoder, takes logits[:, -1], draws "
                 "and appends.")
    if new and len(prefix) > 1 and (result == result[:1]).all():
        otherwise = "all rows of the batch get the same tokens: draw for each row of the probabilities."
    prefix_generation.want_values(
        result, continued(prefix, new, V), (reader(V), prefix, new, 1.0),
        what=lambda row: f"the decoder was fed {lengths} tokens, and for the prefix {ids(prefix[row])} you give",
        meaning=": for this model every next token is certain",
        otherwise=otherwise,
        caption="The answers of the batch: wanted, and yours.",
        row_of=ids,
        agree=torch.equal,
    )


@prefix_generation.mistake(
    "feed back",
    "every token is drawn from the prefix alone: feed what you have drawn back into the decoder, and take the *last* "
    "row, logits[:, -1].",
)
def nothing_fed_back(model, prefix, max_new_tokens, temperature, end_token=None):
    return generation_with(
        model, prefix, max_new_tokens, temperature, end_token, feed=lambda prefix, answer: answer[:, :0])


@prefix_generation.mistake(
    "feed back",
    "the drawn tokens are fed to the encoder, after the prefix. It reads English: encode the prefix alone, and give "
    "what is drawn to the decoder.",
)
def encoder_fed_what_is_drawn(model, prefix, max_new_tokens, temperature, end_token=None):
    return generation_with(
        model, prefix, max_new_tokens, temperature, end_token, feed=lambda prefix, answer: answer[:, :0],
        encode=lambda model, prefix, answer: encoded(model, torch.cat((prefix, answer), dim=1), answer))


@prefix_generation.mistake("feed back", "the drawn tokens are fed to both. The encoder reads the prefix alone.")
def both_fed_what_is_drawn(model, prefix, max_new_tokens, temperature, end_token=None):
    return generation_with(
        model, prefix, max_new_tokens, temperature, end_token,
        encode=lambda model, prefix, answer: encoded(model, torch.cat((prefix, answer), dim=1), answer))


@prefix_generation.mistake(
    "feed back", "the decoder is fed the prefix before its answer. It has it already, in its hidden_cache.")
def decoder_fed_the_prefix_too(model, prefix, max_new_tokens, temperature, end_token=None):
    return generation_with(
        model, prefix, max_new_tokens, temperature, end_token,
        feed=lambda prefix, answer: torch.cat((prefix, answer), dim=1))


@prefix_generation.mistake(
    "feed back", "the encoder takes no part: the decoder reads the prefix as if it were its own text.")
def decoder_alone(model, prefix, max_new_tokens, temperature, end_token=None):
    return generation_with(
        model, prefix, max_new_tokens, temperature, end_token, encode=lambda model, prefix, answer: None,
        feed=lambda prefix, answer: torch.cat((prefix, answer), dim=1))


@prefix_generation.mistake("feed back", START_TOKEN)
def zero_as_start_token(model, prefix, max_new_tokens, temperature, end_token=None):
    return generation_with(
        model, prefix, max_new_tokens, temperature, end_token, feed=lambda prefix, answer: F.pad(answer, (1, 0)))


@prefix_generation.mistake("feed back", START_TOKEN)
def last_english_word_as_start_token(model, prefix, max_new_tokens, temperature, end_token=None):
    return generation_with(
        model, prefix, max_new_tokens, temperature, end_token,
        feed=lambda prefix, answer: torch.cat((prefix[:, -1:], answer), dim=1))


@prefix_generation.mistake(
    "feed back",
    "the decoder is fed the last token alone, so it has forgotten the rest: feed it the whole answer so far.",
)
def last_token_alone(model, prefix, max_new_tokens, temperature, end_token=None):
    return generation_with(
        model, prefix, max_new_tokens, temperature, end_token, feed=lambda prefix, answer: answer[:, -1:])


@prefix_generation.mistake(
    "feed back",
    "the scores of the *first* row are used, logits[:, 0]. Those of the last are about the next token, logits[:, -1].",
)
def first_row(model, prefix, max_new_tokens, temperature, end_token=None):
    return generation_with(
        model, prefix, max_new_tokens, temperature, end_token,
        choose=lambda logits, temperature: drawn(logits[:, :1], temperature))


@prefix_generation.mistake("feed back", "the first token is drawn twice.")
def first_token_apart(model, prefix, max_new_tokens, temperature, end_token=None):
    if max_new_tokens == 0:
        return prefix[:, :0]
    first = generation_with(model, prefix, 1, temperature)
    return torch.cat((first, generation_with(model, prefix, max_new_tokens - 1, temperature, end_token)), dim=1)


@prefix_generation.mistake("feed back", "every row gets the answer to the first prefix.")
def first_prefix_for_all(model, prefix, max_new_tokens, temperature, end_token=None):
    return generation_with(model, prefix[:1].expand_as(prefix), max_new_tokens, temperature, end_token)


@prefix_generation.mistake("feed back", "the new tokens are in reverse order.")
def written_backwards(model, prefix, max_new_tokens, temperature, end_token=None):
    return generation_with(model, prefix, max_new_tokens, temperature, end_token).flip(1)


@prefix_generation.aspect("padding")
def padding_of_the_prefix_has_no_effect(answer, seed):
    V, new = 11, 5
    lengths = [(3, 5, 1, 4), (5, 2, 4), (2, 6, 3)][seed % 3]
    rows = [torch.randint(V, (1, length)) for length in lengths]
    batch = torch.cat([F.pad(row, (0, max(lengths) - row.shape[1]), value=PAD) for row in rows])  # (B, P)
    prefix_generation.want_values(
        answer_to(answer, reader(V), batch, new), torch.cat([continued(row, new, V) for row in rows]),
        (reader(V), batch, new, 1.0),
        what=lambda b: f"in a batch with longer ones, the prefix {ids(rows[b][0])} is answered by",
        meaning=", as for this prefix alone",
        otherwise="pass the prefix as it is, with its −1, and take logits[:, -1]: the decoder moves the padding away.",
        caption="The answers of the batch: wanted, and yours.",
        row_of=ids,
    )


@prefix_generation.mistake(
    "padding", "padding is read as word 0: pass the prefix as it is, with its −1.")
def padding_read_as_a_word(model, prefix, max_new_tokens, temperature, end_token=None):
    return generation_with(model, prefix.clamp(min=0), max_new_tokens, temperature, end_token)


@prefix_generation.mistake("padding", "every prefix is cut to the shortest.")
def cut_to_the_shortest(model, prefix, max_new_tokens, temperature, end_token=None):
    shortest = (prefix != PAD).sum(1).min()
    return generation_with(model, prefix[:, :shortest], max_new_tokens, temperature, end_token)


def ending(V: int, end: int) -> Stub:
    """A model whose answer has as many words as the first id of the prefix says, then ends, and then would go on."""
    def next_logits(cached, idx):
        B, P = cached.shape
        word = said(cached, idx, V)  # (B, P + T)
        word = torch.where(word == end, (end + 1) % V, word)
        written = torch.cat((torch.zeros_like(cached), (idx != PAD).cumsum(1)), dim=1)  # (B, P + T)
        length = cached.gather(1, (cached != PAD).int().argmax(1, keepdim=True))  # (B, 1)
        at_end = (written == length) & (torch.arange(P + idx.shape[1]) >= P - 1)
        return certain(torch.where(at_end, end, word), V)

    return Stub(next_logits, V)


def ended_answers(prefix: torch.Tensor, new: int, V: int, end: int) -> torch.Tensor:
    """(B, columns): the answer that a right `prefix_generation` writes with `ending`, one row at a time."""
    rows = []
    for row in prefix:
        words, decoder = [], ending(V, end).decoder
        while len(words) < new and end not in words:
            idx = torch.tensor(words, dtype=torch.long).reshape(1, -1)
            words.append(int(decoder.next_logits(row[row != PAD].unsqueeze(0), idx)[0, -1].argmax()))
        rows.append(torch.tensor(words, dtype=torch.long))
    return nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=PAD)


@prefix_generation.aspect("end")
def each_row_ends_at_its_end_token(answer, seed):
    V, some = 11, (4, 7, 2)[seed % 3]
    lengths = [(2, 0, 5, 1), (1, 4, 0, 6), (3, 0, 1, 5)][seed % 3]
    batch = torch.tensor([[length, (3 * length + 1) % V, 8] for length in lengths])  # (B, P)
    one, other = batch[2:3], batch[1:2]
    for prefix, new, end in ((batch, 9, some), (batch, 3, some), (one, 9, some), (other, 4, some), (batch, 9, 0)):
        want_ended(answer, prefix, new, V, end)


def want_ended(answer, prefix: torch.Tensor, new: int, V: int, end: int) -> None:
    """Refuse rows that do not end at their end tokens, and a loop that does not stop when all have."""
    wanted = ended_answers(prefix, new, V, end)
    prefix_generation.want_values(
        answer_to(answer, ending(V, end), prefix, new, end_token=end, columns=wanted.shape[1]), wanted,
        (ending(V, end), prefix, new, 1.0),
        what=lambda row: f"for the end token {end} the prefix {ids(prefix[row])} is answered by",
        meaning=": up to the end token, and −1 after it",
        otherwise="each row ends at its own end token: keep (B,) which rows have ended, or pad after the loop with "
                  "pad_after_end.",
        caption=f"The answers of the batch, end token {end}: wanted, and yours.",
        row_of=ids,
        make=lambda mistake: partial(mistake, end_token=end),
    )


@prefix_generation.mistake("end", ZERO_IS_AN_ID)
def zero_is_no_end(model, prefix, max_new_tokens, temperature, end_token=None):
    return generation_with(model, prefix, max_new_tokens, temperature, end_token or None)


@prefix_generation.mistake("end", ZERO_IS_AN_ID)
def zero_does_not_end_the_loop(model, prefix, max_new_tokens, temperature, end_token=None):
    return generation_with(
        model, prefix, max_new_tokens, temperature, end_token,
        stop=lambda answer, end_token: bool(end_token) and all_ended(answer, end_token))


@prefix_generation.mistake(
    "end",
    "the end token has no effect on the loop: leave it as soon as every row has ended. Columns of nothing but −1 are "
    "too many.",
)
def loop_not_left(model, prefix, max_new_tokens, temperature, end_token=None):
    return generation_with(
        model, prefix, max_new_tokens, temperature, end_token, stop=lambda answer, end_token: False)


@prefix_generation.mistake(
    "end", "the loop stops when the *first* row has ended. The others are not done: stop when all have.")
def stops_with_the_first(model, prefix, max_new_tokens, temperature, end_token=None):
    return generation_with(
        model, prefix, max_new_tokens, temperature, end_token,
        stop=lambda answer, end_token: bool((answer == end_token).any()))


@prefix_generation.mistake("end", "the last end token is missing: it is the last token of an answer.")
def left_before_the_last_end_is_appended(model, prefix, max_new_tokens, temperature, end_token=None):
    answer = generation_with(model, prefix, max_new_tokens, temperature, end_token)
    return answer[:, :-1] if end_token is not None and all_ended(answer, end_token) else answer


@prefix_generation.mistake("end", "rows that have ended go on: what is drawn for them afterwards must become −1.")
def rows_go_on(model, prefix, max_new_tokens, temperature, end_token=None):
    return generation_with(
        model, prefix, max_new_tokens, temperature, end_token, finish=lambda answer, end_token: answer)


@prefix_generation.mistake("end", "what comes after the end is filled with the end token. Padding is −1.")
def ends_after_the_end(model, prefix, max_new_tokens, temperature, end_token=None):
    return generation_with(model, prefix, max_new_tokens, temperature, end_token, finish=filled_with_ends)


@prefix_generation.mistake("end", "what comes after the end is filled with 0, which is a word. Padding is −1.")
def zeros_after_the_end(model, prefix, max_new_tokens, temperature, end_token=None):
    return generation_with(model, prefix, max_new_tokens, temperature, end_token, finish=filled_with_zeros)


@prefix_generation.mistake(
    "end", "the end token itself is replaced by padding. It belongs to the answer: only what comes after it is −1.")
def end_padded_away(model, prefix, max_new_tokens, temperature, end_token=None):
    return generation_with(model, prefix, max_new_tokens, temperature, end_token, finish=end_padded_too)


def new_tokens_of(
    answer, table: torch.Tensor, prefix: torch.Tensor, new: int, temperature: float = 1.0
) -> torch.Tensor:
    """The learner's answer (B, new), where table[a] holds the logits of what follows token a."""
    model = Stub(lambda cached, idx: table[torch.cat((cached, idx), dim=1)], len(table))
    return answer_to(answer, model, prefix, new, temperature)


@prefix_generation.aspect("draws")
def draws_each_token_with_its_probability(answer, seed):
    want_draws(partial(new_tokens_of, answer), seed, "answer", "prefix")


@prefix_generation.aspect("greedy")
def takes_the_most_likely_token_at_temperature_0(answer, seed):
    want_most_likely(partial(new_tokens_of, answer), "prefix")


@prefix_generation.aspect("negative")
def refuses_a_negative_temperature(answer, seed):
    V = 9
    prefix = torch.randint(V, (2, 3))
    want_negative_refused(
        lambda temperature: answer(reader(V), prefix, 2, temperature), lambda: answer_to(answer, reader(V), prefix, 2),
        "prefix_generation")


@prefix_generation.aspect("leaves the model as it was")
def restores_the_mode_and_keeps_no_gradients(answer, seed):
    V = 11
    prefix = torch.randint(V, (2, 3))
    for before in (True, False):
        model = reader(V).train(before)
        answer_to(answer, model, prefix, 3)
        for name, half in zip(("encoder", "decoder"), model.halves()):
            if any(half.was_training):
                raise CheckFailed(
                    f"the {name} is in training mode while it {'reads' if name == 'encoder' else 'writes'}.",
                    "eval mode, for both halves and from the start: with dropout on, the model ignores a random part of what it reads.",
                    "call model.eval() on the whole model, before the encoder is called.",
                )
            if any(half.had_gradient):
                raise CheckFailed(
                    f"PyTorch keeps a graph for gradients in the {name}.",
                    "none: nothing is trained here, and the graph takes memory and time.",
                    "put `with torch.no_grad():` around both, encoder and decoder, or @torch.no_grad() above the "
                    "function.",
                )
        modes = [module.training for module in model.modules()]
        if modes != [before] * len(modes):
            raise CheckFailed(
                f"the model was in {'training' if before else 'eval'} mode before, and afterwards not all of it is.",
                "the mode that it was in.",
                "keep model.training before encoder and loop, and give it to model.train(…) after them.",
            )
        if not torch.is_grad_enabled() or not all(half.one.requires_grad for half in model.halves()):
            torch.set_grad_enabled(True)
            raise CheckFailed(
                "after prefix_generation the model can no longer be trained.",
                "gradients as they were: training may go on.",
                GRADIENTS_OFF,
            )

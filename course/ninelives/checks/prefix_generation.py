"""Notebook 8: what an answer to a prefix must be."""

from contextlib import suppress
from functools import partial

import torch
from torch import nn
from torch.nn import functional as F

from ninelives.checks.exercise import CheckFailed, Exercise, ids, in_case, run
from ninelives.checks.known_translator import Stub, continued, ending, reader
from ninelives.checks.pad_after_end import (
    PAD,
    end_padded_too,
    filled_with_ends,
    filled_with_minus_100,
    filled_with_zeros,
    pad_after_end,
    padded_by_hand,
)
from ninelives.checks.sampling import (
    GRADIENTS_OFF,
    STEP_ERRORS,
    want_draws,
    want_most_likely,
    want_negative_refused,
)
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
    "expected a non-empty list of Tensors":
        "at the first step nothing has been drawn yet, and torch.cat needs a tensor: begin with the empty answer, prefix[:, :0].",
    "Boolean value of Tensor with more than one value":
        "in a batch each row ends at its own step: an `if` needs one answer, such as (…).all().",
    "'bool' object is not callable":
        "model.training is True or False, and model.train a method: was_training = model.training, and at the end "
        "model.train(was_training).",
    "context manager": "the parentheses are missing: `with torch.no_grad():`.",
    "tuple indices must be integers": "the decoder returns a pair, (logits, loss): logits, _ = model.decoder(…).",
    "values to unpack":
        "the encoder returns one tensor with return_hidden=True, and not a pair; the decoder returns two things.",
    "has no attribute 'append'": "a tensor does not grow: torch.cat((answer, token), dim=1) makes a longer one.",
    "scalar types": "the empty answer is made of floats, and token ids are whole numbers: "
                    "torch.empty(B, 0, dtype=torch.long), or prefix[:, :0].",
    "Tensors must have same number of dimensions":
        "torch.cat joins tensors with the same number of axes: the answer is (B, t), so a new token must be (B, 1).",
    "Expected size 1 but got":
        "torch.cat joins (B, t) and (B, 1) along axis 1. The empty answer needs B rows too: (B, 0).",
    "Sizes of tensors must match":
        "torch.cat joins (B, t) and (B, 1) along axis 1. The scores of the last position are logits[:, -1], with one "
        "row for each sentence; logits[-1] are all scores of the last sentence.",
    "rows and hidden_cache has": "the answer must have as many rows as the prefix, from the start: (B, 0).",
    "given no token at all":
        "the decoder was called without hidden_cache: pass it the encoder's hidden states by their name, hidden_cache=….",
    "hidden_cache is": "the decoder reads hidden states: model.encoder(prefix, return_hidden=True) returns one tensor "
                       "(B, P, n_embd), and all of it is the cache.",
    "index out of range": "an id that the vocabulary does not have was looked up: ids go from 0 to V − 1.",
})


def prefixes(seed: int, V: int) -> list[tuple[torch.Tensor, int]]:
    """Prefixes (B, P) and the number of new tokens.

    All sizes are different. Then B = P = new, one row, one word, one new token, none, many, and the first sizes again.
    """
    B, P, new = [(3, 4, 6), (2, 5, 7), (5, 3, 6)][seed % 3]
    sizes = ((B, P, new), (3, 3, 3), (1, 4, 5), (2, 1, 4), (2, 3, 1), (2, 4, 0), (7, 2, 40), (B, P, new))
    made = [(torch.randint(V, (b, p)), n) for b, p, n in sizes]
    made[0][0][0, 0], made[0][0][-1, -1] = 0, V - 1  # the first and the last id are words like any other
    return made


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
    what = f"prefix_generation, for a prefix of shape {tuple(prefix.shape)} and max_new_tokens = {new},"
    if isinstance(result, torch.Tensor) and torch.equal(result, prefix):
        raise CheckFailed(f"{what} gives this prefix.", "the new tokens, and nothing else.", "this is the prefix. Return the answer.")
    want_no_early_end(result, prefix, what, new if columns is None else 0)
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


def want_no_early_end(result: object, prefix: torch.Tensor, what: str, new: int) -> None:
    """Refuse an answer that ends long before it has `new` columns; of other shapes the registered mistakes know more."""
    if not isinstance(result, torch.Tensor) or result.dim() != 2 or len(result) != len(prefix):
        return
    if 1 < result.shape[1] < new - 1:
        raise CheckFailed(
            f"{what} gives {result.shape[1]} tokens.",
            f"{new} tokens.",
            "no end token is given, so the loop runs max_new_tokens times, however many that are.",
        )


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
    start=lambda prefix: prefix[:, :0], encode=None, feed=lambda prefix, answer: answer, choose=drawn,
    append=appended, stop=all_ended, finish=padded_by_hand,
) -> torch.Tensor:
    """A right `prefix_generation`; a wrong answer replaces one of its steps. With `encode`, it encodes at every step."""
    if temperature < 0:
        raise ValueError("the temperature is negative")
    was_training = model.training
    model.eval()
    with torch.no_grad():
        answer = start(prefix)
        hidden_cache = None if encode else encoded(model, prefix, answer)  # (B, P, C)
        for _ in range(max_new_tokens):
            if encode:
                hidden_cache = encode(model, prefix, answer)
            logits, _ = model.decoder(feed(prefix, answer), hidden_cache=hidden_cache)
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
    model, earlier = reader(V), []
    for prefix, new in prefixes(seed, V):
        want_fed_back(answer, model, prefix, new, earlier)
        earlier.append(prefix)
    with in_case("with a model in eval mode", cause="what is written must not depend on the mode that the model was in."):
        for prefix, new in prefixes(seed, V):
            want_fed_back(answer, model.eval(), prefix, new, [])


DRAWN_AT_RANDOM = ("a second call writes other tokens, although each next token is certain here: they are drawn from other probabilities than those of the "
                   "scores. next_token_probabilities takes the scores as they are, logits[:, -1], and their softmax itself.")


def want_fed_back(answer, model: Stub, prefix: torch.Tensor, new: int, earlier: list[torch.Tensor]) -> None:
    """Refuse another answer than a right `prefix_generation` writes with the reader.

    Args:
        earlier: the prefixes of earlier calls.
    """
    V = model.decoder.config.vocab_size
    model.decoder.fed.clear()
    result = answer_to(answer, model, prefix, new)
    fed = model.decoder.fed
    lengths = ", ".join(str(idx.shape[1]) for idx in fed[:5]) + ", …" * (len(fed) > 5)
    otherwise = ("each step passes the whole answer so far and the cache to the decoder, takes logits[:, -1], draws "
                 "and appends.")
    if new and len(prefix) > 1 and (result == result[:1]).all():
        otherwise = "all rows of the batch get the same tokens: draw for each row of the probabilities."
    wanted = continued(prefix, new, V)
    if not torch.equal(result, wanted) and not torch.equal(result, answer_to(answer, model, prefix, new)):
        otherwise = DRAWN_AT_RANDOM
    if any(torch.equal(result, continued(other, new, V)) for other in earlier if other.shape == prefix.shape):
        otherwise = "this is the answer to the prefix of an earlier call: keep nothing from one call to the next."
    prefix_generation.want_values(
        result, wanted, (reader(V), prefix, new, 1.0),
        what=lambda row: f"the decoder was fed {lengths} tokens, and for the prefix {ids(prefix[row])} you give",
        meaning=": for this model every next token is certain",
        otherwise=otherwise,
        caption="The answers of the batch: wanted, and yours.",
        row_of=ids,
        agree=torch.equal,
    )


@prefix_generation.mistake(
    "feed back",
    "every token is drawn from the prefix alone: either what is drawn is not fed back into the decoder, or the row is one of "
    "the prefix, logits[:, P - 1]. Feed the answer so far, and take the *last* row, logits[:, -1].",
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


@prefix_generation.mistake("feed back", "each new token is put before the answer: torch.cat((answer, token), dim=1) puts it at its end.")
def put_before_the_answer(model, prefix, max_new_tokens, temperature, end_token=None):
    return generation_with(
        model, prefix, max_new_tokens, temperature, end_token, append=lambda answer, token: torch.cat((token, answer), dim=1))


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
    V = 11
    lengths = [(3, 5, 1, 4), (5, 2, 4), (2, 6, 3)][seed % 3]
    rows = [torch.randint(V, (1, length)) for length in lengths]
    # The same shape twice, the second time with other lengths.
    for batch in (rows, rows[::-1]):
        want_padding_ignored(answer, batch, 5, V)


def want_padding_ignored(answer, rows: list[torch.Tensor], new: int, V: int) -> None:
    """Refuse other answers to the rows (1, P) in one batch than to each alone."""
    longest = max(row.shape[1] for row in rows)
    batch = torch.cat([F.pad(row, (0, longest - row.shape[1] + 1), value=PAD) for row in rows])[:, :-1]  # (B, P)
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


@prefix_generation.aspect("encode once")
def encodes_each_prefix_once(answer, seed):
    V, new = 11, 5
    for prefix in (torch.randint(V, (3, 4)), torch.randint(V, (1, 6))):
        model = reader(V)
        answer_to(answer, model, prefix, new)
        read = sum(len(idx) for idx in model.encoder.fed)
        if read > len(prefix):
            raise CheckFailed(
                f"for a batch of {len(prefix)} and {new} new tokens the encoder reads {read} rows.",
                f"{len(prefix)}: each prefix once. Its hidden states do not change while the answer grows.",
                "model(prefix, answer) encodes the prefix every time: call model.encoder before the loop, and "
                "model.decoder in it."
                if model.called
                else "the encoder is called in the loop: call it before, and keep what it returns.",
            )


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
    lengths = [(1, 0, 5, 2), (1, 4, 0, 6), (3, 0, 1, 5)][seed % 3]
    batch = torch.tensor([[length, (3 * length + 1) % V, V - 1] for length in lengths])  # (B, P)
    want_fed_back(answer, reader(V), batch, 4, [])  # a loop that goes wrong without an end token says nothing of ends
    one, other = batch[2:3], batch[1:2]
    for prefix, new, end in (
        (one, 9, some), (batch, 9, some), (batch, 3, some), (batch.flip(0), 9, some), (other, 4, some), (batch, 9, 0),
        (batch, 9, V - 1),
    ):
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
    "rows that ended earlier are forgotten: look for the end token in the whole answer, (answer == end_token).any(1), "
    "and not in its newest column alone.",
)
def newest_column_alone(model, prefix, max_new_tokens, temperature, end_token=None):
    return generation_with(
        model, prefix, max_new_tokens, temperature, end_token,
        stop=lambda answer, end_token: bool((answer[:, -1] == end_token).all()))


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


@prefix_generation.mistake(
    "end",
    "a row that draws the end token twice is counted twice, while another goes on: ask of each row whether it holds one, "
    "(answer == end_token).any(1), and stop when all do.",
)
def ends_counted_in_the_whole_batch(model, prefix, max_new_tokens, temperature, end_token=None):
    return generation_with(
        model, prefix, max_new_tokens, temperature, end_token,
        stop=lambda answer, end_token: bool((answer == end_token).sum() >= len(answer)))


@prefix_generation.mistake("end", "the last end token is missing: it is the last token of an answer.")
def left_before_the_last_end_is_appended(model, prefix, max_new_tokens, temperature, end_token=None):
    answer = generation_with(model, prefix, max_new_tokens, temperature, end_token)
    return answer[:, :-1] if end_token is not None and all_ended(answer, end_token) else answer


@prefix_generation.mistake("end", "all rows are cut where the first one ends. Each row ends at its own end token.")
def cut_where_the_first_row_ends(model, prefix, max_new_tokens, temperature, end_token=None):
    answer = generation_with(model, prefix, max_new_tokens, temperature, end_token)
    return answer[:, : int((answer[0] == end_token).int().argmax()) + 1] if end_token is not None and (answer[0] == end_token).any() else answer


@prefix_generation.mistake("end", "rows that have ended go on: what is drawn for them afterwards must become −1.")
def rows_go_on(model, prefix, max_new_tokens, temperature, end_token=None):
    return generation_with(
        model, prefix, max_new_tokens, temperature, end_token, finish=lambda answer, end_token: answer)


@prefix_generation.mistake("end", "what comes after token 0 is padded: give pad_after_end the end token, `pad_after_end(answer, end_token)`.")
def padded_after_token_0(model, prefix, max_new_tokens, temperature, end_token=None):
    return generation_with(
        model, prefix, max_new_tokens, temperature, end_token, finish=lambda answer, end_token: padded_by_hand(answer, 0))


@prefix_generation.mistake("end", "what comes after the end is filled with the end token. Padding is −1.")
def ends_after_the_end(model, prefix, max_new_tokens, temperature, end_token=None):
    return generation_with(model, prefix, max_new_tokens, temperature, end_token, finish=filled_with_ends)


@prefix_generation.mistake("end", "what comes after the end is filled with 0, which is a word. Padding is −1.")
def zeros_after_the_end(model, prefix, max_new_tokens, temperature, end_token=None):
    return generation_with(model, prefix, max_new_tokens, temperature, end_token, finish=filled_with_zeros)


@prefix_generation.mistake("end", "what comes after the end is filled with −100. Padding is −1 in this course.")
def minus_100_after_the_end(model, prefix, max_new_tokens, temperature, end_token=None):
    return generation_with(model, prefix, max_new_tokens, temperature, end_token, finish=filled_with_minus_100)


@prefix_generation.mistake(
    "end", "the end token itself is replaced by padding. It belongs to the answer: only what comes after it is −1.")
def end_padded_away(model, prefix, max_new_tokens, temperature, end_token=None):
    return generation_with(model, prefix, max_new_tokens, temperature, end_token, finish=end_padded_too)


def new_tokens_of(
    answer, training: bool, table: torch.Tensor, prefix: torch.Tensor, new: int, temperature: float = 1.0
) -> torch.Tensor:
    """The learner's answer (B, new), where table[a] holds the logits of what follows token a."""
    model = Stub(lambda cached, idx: table[torch.cat((cached, idx), dim=1)], len(table)).train(training)
    return answer_to(answer, model, prefix, new, temperature)


@prefix_generation.aspect("draws")
def draws_each_token_with_its_probability(answer, seed):
    for training in (True, False):
        want_draws(partial(new_tokens_of, answer, training), seed, "answer", "prefix")


@prefix_generation.aspect("greedy")
def takes_the_most_likely_token_at_temperature_0(answer, seed):
    for training in (True, False):
        want_most_likely(partial(new_tokens_of, answer, training), "prefix")


@prefix_generation.aspect("negative")
def refuses_a_negative_temperature(answer, seed):
    V = 9
    prefix = torch.randint(V, (2, 3))
    want_negative_refused(
        lambda temperature: answer(reader(V), prefix, 2, temperature), lambda: answer_to(answer, reader(V), prefix, 2),
        "prefix_generation")
    try:
        answer(reader(V), prefix, 0, -1.0)
    except ValueError:
        return
    raise CheckFailed(
        "with max_new_tokens = 0, prefix_generation accepts temperature -1.",
        "a ValueError, however many tokens are asked for.",
        "next_token_probabilities refuses it, but only once the loop runs: write an `if` of your own, first of all.",
    )


@prefix_generation.aspect("leaves the model as it was")
def restores_the_mode_and_keeps_no_gradients(answer, seed):
    V, end = 11, 4
    prefix = torch.tensor([[1, 5, 8], [2, 7, 8]])  # with `ending`, the answers have one word and two
    ways = [
        ("", 3, None, "keep model.training before encoder and loop, and give it to model.train(…) after them."),
        ("when every row has ended, ", 9, end,
         "a `return` in the loop comes before the mode is restored: leave the loop with `break`, and return at the end."),
        ("when max_new_tokens is 0, ", 0, None,
         "for 0 tokens the function returns before the mode is restored: a loop over range(0) needs no case of its own."),
    ]
    for before in (True, False):
        for case, new, end_token, cause in ways:
            model = ending(V, end).train(before)
            earlier = Before(model)
            run(partial(answer, end_token=end_token), model, prefix, new, 1.0, what="prefix_generation")
            want_eval_mode_without_gradients(model)
            earlier.want_restored(case, cause)
    for before in (True, False):
        model = ending(V, end).train(before)
        earlier = Before(model)
        with suppress(ValueError):
            answer(model, prefix, 3, -1.0)
        earlier.want_restored(
            "when a negative temperature is refused, ",
            "the temperature is refused after model.eval(): check it first, before you touch the model.")
    with torch.no_grad():
        answer(ending(V, end), prefix, 3, 1.0)
        if torch.is_grad_enabled():
            raise CheckFailed(
                "gradients were switched off by the caller, and after prefix_generation they are on.",
                "as the caller had them.",
                "torch.no_grad() as a `with` block puts back what was before it: torch.set_grad_enabled(True) does not.",
            )


def want_eval_mode_without_gradients(model: Stub) -> None:
    """Refuse a model that was used in training mode, or with a graph for gradients."""
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


class Before:
    """What a model was before a call."""

    def __init__(self, model: Stub) -> None:
        self.model, self.halves, self.training = model, model.halves(), model.training
        self.weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}

    def want_restored(self, case: str, cause: str) -> None:
        """Refuse another mode, other parts or weights, or gradients that are off.

        Args:
            case: begins what was seen, "when every row has ended, ".
            cause: of another mode.
        """
        model = self.model
        if any(now is not before for now, before in zip(model.halves(), self.halves)):
            raise CheckFailed(
                f"{case}the model has another encoder or decoder than before.",
                "the same two.",
                "an assignment to model.encoder or model.decoder changes the caller's model: use a variable of your own.",
            )
        modes = [module.training for module in model.modules()]
        if modes != [self.training] * len(modes):
            raise CheckFailed(
                f"{case}the model was in {'training' if self.training else 'eval'} mode before, and afterwards not all "
                "of it is.",
                "the mode that it was in.",
                "model.train(was_training) sets every part; `model.training = …` sets the outermost module alone."
                if model.training == self.training
                else cause,
            )
        if any(not torch.equal(tensor, self.weights[name]) or tensor.dtype != self.weights[name].dtype
               for name, tensor in model.state_dict().items()):
            raise CheckFailed(
                f"{case}the model has other weights than before.",
                "the same numbers of the same type.",
                "model.half(), model.double() and calls that end in an underscore change the caller's model, and not a copy.",
            )
        if not torch.is_grad_enabled() or not all(half.one.requires_grad for half in self.halves):
            torch.set_grad_enabled(True)
            raise CheckFailed(
                f"{case}the model can no longer be trained after prefix_generation.",
                "gradients as they were: training may go on.",
                GRADIENTS_OFF,
            )

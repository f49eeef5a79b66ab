"""Notebook 6: what a text that is drawn token by token must be."""

import contextlib
from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from ninelives.checks.attend_with_cache import attend_with_cache
from ninelives.checks.exercise import CheckFailed, Exercise, ids, in_case, run
from ninelives.checks.keep_likely import keep_top_k, keep_top_p
from ninelives.checks.next_token_probabilities import next_token_probabilities
from ninelives.checks.sampling import (
    GRADIENTS_OFF,
    STEP_ERRORS,
    certain,
    want_draws,
    want_most_likely,
    want_negative_refused,
)
from ninelives.config import TransformerConfig
from ninelives.model import next_token_probabilities as package_probabilities

__all__ = ["attend_with_cache", "generate", "generate_with", "keep_top_k", "keep_top_p", "next_token_probabilities"]

PAIR = "the model returns a pair, logits and loss. Take it apart: `logits, loss = model(idx)`."

generate = Exercise("generate", error_hints=STEP_ERRORS | {
    "too many values to unpack":
        "the logits are (B, T, V), and the probabilities are made of (B, V): first take the last position, logits[:, -1].",
    "missing 1 required positional argument: 'temperature'":
        "the function that makes probabilities takes two arguments: the scores and the temperature.",
    "unexpected keyword argument 'end_token'":
        "keep the line that begins with `def`: end_token is the last argument, and None by default.",
    "Boolean value of Tensor with more than one value":
        "each row ends at its own step, and `if` needs one answer for all of them: (…).all().",
    "index out of range":
        "the model is fed an id that it has no word for, such as −1. What it reads are the tokens as they were drawn.",
    "can only concatenate": "the new tokens must be a tensor (B, 1): torch.cat joins tensors.",
    "Tensors must have same number of dimensions":
        "torch.cat joins tensors with the same number of axes: the text is (B, T), so a new token must be (B, 1).",
    "must match except in dimension 0": "torch.cat joins (B, T) and (B, 1) along axis 1, the tokens.",
    "must match except in dimension 1":
        "the new token needs one row for each sequence, (B, 1). `logits[-1]` and `idx[-n:]` are the last *sequences*: the last position "
        "of every sequence is `logits[:, -1]`, and its last n tokens are `idx[:, -n:]`.",
    "tuple indices must be": PAIR, "'tuple' object has no attribute": PAIR, "'tuple' and": PAIR,
    "one_hot is only applicable": "the model reads token ids, which are whole numbers: leave out `.float()`.",
    "'Stub' object has no attribute":
        "any model may be given. What you know of it is `model(idx)`, `model.config.block_size`, `model.training`, and how to switch its mode.",
})

CUT_TEXT = "the text itself is cut to block_size. Cut only what the model is fed."
ENDED = ("stop once *every* row has drawn the end token at some step, and not before: `(new == end_token).any(1).all()` for the "
         "new tokens (B, t).")
ZERO_IS_AN_ID = "0 is an id like any other, and `if end_token:` takes it for nothing: if end_token is not None."


class Notes(list):
    """What a stub remembers. A copy of the stub writes into the same notes: an answer may work on a copy."""

    def __deepcopy__(self, memo: dict) -> "Notes":
        return self



class Stub(nn.Module):
    """A model whose next token is known, and which remembers how it was used.

    `next_logits` is a function from what the model is fed, (B, T), to (B, T, V). The parameter
    takes part in every result, so that a graph is built wherever one may be.
    """

    def __init__(self, next_logits: Callable[[torch.Tensor], torch.Tensor], V: int, block_size: int = 64) -> None:
        super().__init__()
        self.config = TransformerConfig(vocab_size=V, block_size=block_size, n_embd=8, n_head=2, n_layer=1)
        self.next_logits = next_logits
        self.one = nn.Parameter(torch.ones(()))
        self.dropout = nn.Dropout(0.5)
        self.fed: list[torch.Tensor] = Notes()
        self.was_training: list[bool] = Notes()
        self.modes_before: list[bool] = Notes()  # those that were switched on before the first call
        self.had_gradient: list[bool] = Notes()

    def train(self, mode=True):
        if not self.fed:
            self.modes_before.append(mode)
        return super().train(mode)

    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        self.fed.append(idx.clone())
        self.was_training.append(self.training or self.dropout.training)
        logits = self.next_logits(idx) * self.one  # (B, T, V)
        self.had_gradient.append(logits.requires_grad)
        return logits, None


def reader(V: int, block_size: int = 64) -> Stub:
    """A model whose next token is certain, and depends on everything that it is fed and on the positions."""
    return Stub(lambda idx: certain(read(idx, V), V), V, block_size)


def read(idx: torch.Tensor, V: int) -> torch.Tensor:
    """(B, T) to (B, T): what the reader says after each token."""
    position = torch.arange(1, idx.shape[1] + 1)
    return ((position * (idx + 1)).cumsum(1) + 3 * position) % V


def continued(idx: torch.Tensor, new: int, V: int, block_size: int = 64) -> torch.Tensor:
    """(B, T + new): the text that a right `generate` writes with the reader."""
    for _ in range(new):
        idx = torch.cat((idx, read(idx[:, -block_size:], V)[:, -1:]), dim=1)
    return idx


def prompts(seed: int, V: int) -> list[tuple[torch.Tensor, int]]:
    """Prompts (B, T) and the number of new tokens: all sizes different, then B = T, sizes of 1, none, not contiguous."""
    B, T, new = [(3, 4, 6), (2, 5, 7), (5, 3, 6)][seed % 3]
    sizes = ((B, T, new), (3, 3, 3), (1, 4, 5), (2, 1, 4), (2, 3, 1), (2, 4, 0), (1, 1, 1))
    rows = [(torch.randint(V, (b, t)), n) for b, t, n in sizes]
    rows[1][0][:2, -1] = torch.tensor([0, V - 1])
    every_other = torch.randint(V, (2, 6))[:, ::2]  # (2, 3)
    return [*rows, (every_other, 2), (torch.randint(V, (1, 3)).expand(2, -1), 2)]


def text_of(
    answer, model: Stub, idx: torch.Tensor, new: int, temperature: float = 1.0, end_token: int | None = None,
    written: int | None = None,
) -> torch.Tensor:
    """What the learner writes: (B, T + written) whole numbers; by default as many new ones as were asked for.

    Raises:
        CheckFailed: it is of another shape, or no token ids.
    """
    what, (B, T) = f"generate with a prompt of {idx.shape[1]} and max_new_tokens = {new}", idx.shape
    arguments, names = (model, idx, new, temperature), "(B, T + max_new_tokens)"
    if end_token is not None:
        answer, names = partial(answer, end_token=end_token), "(B, T + new tokens): it ends when every row has drawn the end token"
        what += f" and end_token = {end_token}"
    result = run(answer, *arguments, what="generate")
    generate.want_shape(
        result, (B, T + (new if written is None else written)), names, what, arguments,
        make=None if end_token is None else lambda mistake: partial(mistake, end_token=end_token))
    if result.is_floating_point() or result.dtype == torch.bool:
        raise CheckFailed(
            f"{what} gives {result.dtype}.",
            "whole numbers (int64): token ids.",
            "a tensor of floats was joined in; torch.zeros makes floats unless you pass dtype=torch.long.",
        )
    return result


def last_tokens(idx: torch.Tensor, block_size: int) -> torch.Tensor:
    """(B, T) to (B, at most block_size): what a model is fed."""
    return idx[:, -block_size:]


def drawn(logits: torch.Tensor, temperature: float) -> torch.Tensor:
    """(B, T, V) to (B, 1): one token for each row, drawn from the scores of the last position."""
    return torch.multinomial(package_probabilities(logits[:, -1], temperature), 1)


def appended(idx: torch.Tensor, token: torch.Tensor) -> torch.Tensor:
    """(B, T) and (B, 1) to (B, T + 1)."""
    return torch.cat((idx, token), dim=1)


def all_ended(new: torch.Tensor, end_token: int) -> bool:
    """Whether every row of the new tokens (B, t) holds the end token."""
    return bool((new == end_token).any(1).all())


def generate_with(
    model, idx, max_new_tokens, temperature, end_token=None, *, feed=last_tokens, choose=drawn, append=appended, stop=all_ended
) -> torch.Tensor:
    """A right `generate`; a wrong answer replaces one of its steps."""
    if temperature < 0:
        raise ValueError("the temperature is negative")
    was_training, T = model.training, idx.shape[1]
    model.eval()
    with torch.no_grad():
        for _ in range(max_new_tokens):
            logits, _ = model(feed(idx, model.config.block_size))
            idx = append(idx, choose(logits, temperature))
            if end_token is not None and stop(idx[:, T:], end_token):
                break
    model.train(was_training)
    return idx


@generate.aspect("shape")
def prompt_and_new_tokens(answer, seed):
    V = 11
    for idx, new in prompts(seed, V):
        text_of(answer, reader(V), idx, new)


@generate.mistake("shape", "one token too many: the loop must run max_new_tokens times.")
def one_too_many(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(model, idx, max_new_tokens + 1, temperature)


@generate.mistake("shape", "one token too few: the loop must run max_new_tokens times.")
def one_too_few(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(model, idx, max_new_tokens - 1, temperature)


@generate.mistake(
    "shape", "one token was drawn: `return` is inside the loop, or each step begins with the prompt again.")
def return_inside_the_loop(model, idx, max_new_tokens, temperature, end_token=None):
    for _ in range(max_new_tokens):
        logits, _ = model(idx)
        return torch.cat((idx, drawn(logits, temperature)), dim=1)


@generate.mistake("shape", "nothing is appended: the joined tensor must be kept, `idx = torch.cat(…)`.")
def joined_and_forgotten(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(model, idx, max_new_tokens, temperature, append=lambda idx, token: idx)


@generate.mistake("shape", "the prompt is missing: append the new tokens to it, and return all of it.")
def new_tokens_alone(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(model, idx, max_new_tokens, temperature)[:, idx.shape[1] :]


@generate.mistake("shape", "max_new_tokens counts the new tokens alone, not prompt and new tokens together.")
def max_new_tokens_taken_for_the_whole_length(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(model, idx, max_new_tokens - idx.shape[1], temperature)


@generate.mistake("shape", "the tokens of each step have one axis too many: torch.cat, not torch.stack.")
def stacked(model, idx, max_new_tokens, temperature, end_token=None):
    tokens = list(idx.split(1, dim=1))  # (B, 1) each
    for _ in range(max_new_tokens):
        logits, _ = model(torch.cat(tokens, dim=1))
        tokens.append(drawn(logits, temperature))
    return torch.stack(tokens, dim=1)  # (B, T + new, 1)


@generate.mistake("shape", "the batch is lost: return (B, T + new) for B = 1 too.")
def squeezed(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(model, idx, max_new_tokens, temperature).squeeze()


@generate.mistake("shape", "only one text is returned: the result holds all B of them, (B, T + new).")
def first_text_alone(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(model, idx, max_new_tokens, temperature)[0]


@generate.aspect("feed back")
def feeds_back_what_it_has_drawn(answer, seed):
    V = 61  # far more words than positions, so that a position taken for a word shows
    for idx, new in prompts(seed, V):
        want_fed_back(answer, idx, new, V)


def want_fed_back(answer, idx: torch.Tensor, new: int, V: int) -> None:
    """Refuse another text than a right `generate` writes with the reader."""
    model = reader(V)
    result = text_of(answer, model, idx, new)
    if new and not model.fed:
        raise CheckFailed(
            "the model that generate was given was never called.",
            "one call of it for each new token.",
            "another model is asked, one of the notebook's: call the one that is the first argument.",
        )
    lengths = ", ".join(str(fed.shape[1]) for fed in model.fed[:5]) + ", …" * (len(model.fed) > 5)
    generate.want_values(
        result, continued(idx, new, V), (reader(V), idx, new, 1.0),
        what=lambda row: f"the model was fed {lengths or 'no'} {'token' if lengths == '1' else 'tokens'}, and for the prompt {ids(idx[row])} generate gives",
        meaning=": for this model every next token is certain",
        otherwise=lambda: feed_back_cause(result, idx, new, text_of(answer, reader(V), idx, new)),
        caption=f"The texts of the batch, new tokens from column {idx.shape[1]} on: wanted, and yours.",
        row_of=ids,
    )


def feed_back_cause(seen: torch.Tensor, idx: torch.Tensor, new: int, again: torch.Tensor) -> str:
    """What the texts themselves tell of the mistake; `again` is what the same call gave a second time."""
    T = idx.shape[1]
    if not torch.equal(seen[:, :T], idx):
        return "the text must begin with the prompt, unchanged."
    if (seen[:, T:] < torch.arange(T, T + new)).all():
        return ("the new tokens are positions in the text, not words. The logits have the shape (B, T, V), and "
                "logits[..., -1] is what all positions give the last word. Take the scores of the last position, "
                "logits[:, -1].")
    if not torch.equal(seen, again):
        return ("the same call gives two texts, though this model leaves nothing to chance: the tokens are not drawn "
                "with the probabilities of its scores. Take the softmax along the words, the last axis, and draw one "
                "token for each row.")
    if (seen[:, T:] == seen[:1, T:]).all() and len(idx) > 1:
        return "all sequences of the batch get the same tokens: draw for each row of the probabilities."
    return "each step takes the whole text so far, logits[:, -1], the probabilities, one draw, and appends it."


@generate.mistake(
    "feed back", "every token is drawn from the prompt alone: feed what you have drawn back into the model.")
def prompt_alone(model, idx, max_new_tokens, temperature, end_token=None):
    prompt = idx
    return generate_with(model, idx, max_new_tokens, temperature, feed=lambda idx, block_size: prompt)


@generate.mistake(
    "feed back",
    "after the first step the model is fed the last token alone: append the new token to the text instead of replacing "
    "the text.",
)
def token_in_place_of_the_text(model, idx, max_new_tokens, temperature, end_token=None):
    text = idx
    for _ in range(max_new_tokens):
        logits, _ = model(idx)
        idx = drawn(logits, temperature)
        text = torch.cat((text, idx), dim=1)
    return text


@generate.mistake(
    "feed back", "the model is fed the last token alone, so it has forgotten the rest: feed it the text.")
def last_token_alone(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(model, idx, max_new_tokens, temperature, feed=lambda idx, block_size: idx[:, -1:])


@generate.mistake(
    "feed back",
    "the model is fed as many tokens as the prompt has, and the beginning drops out. Feed it all of the text, up to "
    "block_size.",
)
def as_many_as_the_prompt(model, idx, max_new_tokens, temperature, end_token=None):
    T = idx.shape[1]
    return generate_with(model, idx, max_new_tokens, temperature, feed=lambda idx, block_size: idx[:, -T:])


@generate.mistake(
    "feed back",
    "the scores of the *first* position are used: logits[:, 0]. Those of the last are about the next token, "
    "logits[:, -1].",
)
def first_position(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(
        model, idx, max_new_tokens, temperature, choose=lambda logits, temperature: drawn(logits[:, :1], temperature))


@generate.mistake(
    "feed back", "the scores of the last position but one are used. Positions count from 0, the last is −1.")
def last_position_but_one(model, idx, max_new_tokens, temperature, end_token=None):
    def choose(logits, temperature):
        return drawn(logits[:, :-1] if logits.shape[1] > 1 else logits, temperature)

    return generate_with(model, idx, max_new_tokens, temperature, choose=choose)


@generate.mistake("feed back", "the new tokens come before the text. The text must come first in torch.cat.")
def prepended(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(
        model, idx, max_new_tokens, temperature, append=lambda idx, token: torch.cat((token, idx), dim=1))


@generate.mistake("feed back", "the new tokens come before the prompt. The prompt must come first.")
def new_tokens_before_the_prompt(model, idx, max_new_tokens, temperature, end_token=None):
    T, text = idx.shape[1], generate_with(model, idx, max_new_tokens, temperature)
    return torch.cat((text[:, T:], idx), dim=1)


@generate.mistake("feed back", "the new tokens are in reverse order.")
def new_tokens_reversed(model, idx, max_new_tokens, temperature, end_token=None):
    T, text = idx.shape[1], generate_with(model, idx, max_new_tokens, temperature)
    return torch.cat((idx, text[:, T:].flip(1)), dim=1)


@generate.mistake("feed back", "the prompt itself is not returned.")
def zeros_in_place_of_the_prompt(model, idx, max_new_tokens, temperature, end_token=None):
    text = torch.zeros(len(idx), idx.shape[1] + max_new_tokens, dtype=torch.long)
    text[:, idx.shape[1] :] = generate_with(model, idx, max_new_tokens, temperature)[:, idx.shape[1] :]
    return text


def new_tokens_of(answer, table: torch.Tensor, idx: torch.Tensor, new: int, temperature: float = 1.0) -> torch.Tensor:
    """The new tokens (B, new) of the learner's text, where table[a] holds the logits of what follows token a."""
    # In either mode, since what is drawn must not depend on it.
    model = Stub(lambda fed: table[fed], len(table)).train(temperature >= 1)
    return text_of(answer, model, idx, new, temperature)[:, idx.shape[1] :]


@generate.aspect("draws")
def draws_each_token_with_its_probability(answer, seed):
    want_draws(partial(new_tokens_of, answer), seed, "text", "prompt")


@generate.aspect("greedy")
def takes_the_most_likely_token_at_temperature_0(answer, seed):
    want_most_likely(partial(new_tokens_of, answer), "prompt")


@generate.aspect("negative")
def refuses_a_negative_temperature(answer, seed):
    V = 9
    idx = torch.randint(V, (2, 3))
    for new in (2, 0):
        with in_case(f"with max_new_tokens = {new}"):
            want_refused_first(answer, idx, new, V)


def want_refused_first(answer, idx: torch.Tensor, new: int, V: int) -> None:
    """Refuse a generate that accepts a negative temperature, or that asks the model before it refuses one."""
    model = reader(V)
    want_negative_refused(
        lambda temperature: answer(model, idx, new, temperature), lambda: text_of(answer, reader(V), idx, new), "generate")
    if model.fed:
        raise CheckFailed(
            "the model is asked for scores, and a negative temperature is refused only afterwards.",
            "a ValueError before anything else.",
            "let `if temperature < 0: raise ValueError(…)` be the first line, before the loop.",
        )


@generate.aspect("block size")
def feeds_at_most_block_size_tokens(answer, seed):
    for block_size, T, new in ((5, 3, 7), (6, 6, 3), (4, 9, 5), (7, 2, 5), (1, 1, 3), (3, 5, 0)):
        want_cut_to(answer, block_size, T, new)


def want_cut_to(answer, block_size: int, T: int, new: int) -> None:
    """Refuse a generate that feeds the model something else than the last block_size tokens."""
    V = 11
    model, idx = reader(V, block_size), torch.randint(V, (2, T))
    result = text_of(answer, model, idx, new)
    longest = max((fed.shape[1] for fed in model.fed), default=0)
    if longest > block_size:
        raise CheckFailed(
            f"the model is fed {longest} tokens, and its config.block_size is {block_size}.",
            f"at most {block_size}: it has no positions for more.",
            "feed it one token less than you do now: idx[:, -model.config.block_size:]." if longest == block_size + 1 < T + new - 1
            else "feed it the last block_size tokens alone: idx[:, -model.config.block_size:].",
        )
    generate.want_values(
        result, continued(idx, new, V, block_size), (reader(V, block_size), idx, new, 1.0),
        what=lambda row: f"with block_size {block_size} the prompt {ids(idx[row])} gives",
        otherwise="once the text is longer than block_size, feed the model its last block_size tokens.",
        caption=f"The texts of the batch, with block_size {block_size}: wanted, and yours.",
        row_of=ids,
    )


@generate.mistake(
    "block size",
    "the *first* block_size tokens are fed to the model, so it never sees what is new. Feed it the last: "
    "idx[:, -model.config.block_size:].",
)
def first_block_size_tokens(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(model, idx, max_new_tokens, temperature, feed=lambda idx, block_size: idx[:, :block_size])


@generate.mistake("block size", "the model is fed one token less than it can read: idx[:, -model.config.block_size:].")
def one_less_than_it_reads(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(
        model, idx, max_new_tokens, temperature, feed=lambda idx, block_size: idx[:, -(block_size - 1) :])


@generate.mistake(
    "block size",
    "when the text is too long the model is fed the last token alone. Feed it the last block_size tokens.",
)
def last_token_once_it_is_too_long(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(
        model, idx, max_new_tokens, temperature,
        feed=lambda idx, block_size: idx if idx.shape[1] <= block_size else idx[:, -1:])


@generate.mistake(
    "block size",
    "after every block_size tokens the model starts again and has forgotten the rest. Feed it the last "
    "block_size tokens of the text at every step.",
)
def blocks_side_by_side(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(
        model, idx, max_new_tokens, temperature,
        feed=lambda idx, block_size: idx[:, (idx.shape[1] - 1) // block_size * block_size :])


@generate.mistake("block size", CUT_TEXT)
def text_itself_cut(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(
        model, idx, max_new_tokens, temperature,
        append=lambda idx, token: torch.cat((idx[:, -model.config.block_size :], token), dim=1))


@generate.mistake("block size", CUT_TEXT)
def text_cut_after_each_token(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(
        model, idx, max_new_tokens, temperature,
        append=lambda idx, token: torch.cat((idx, token), dim=1)[:, -model.config.block_size :])


@generate.aspect("mode")
def writes_in_eval_mode_and_restores_the_mode(answer, seed):
    V = 11
    idx = torch.randint(V, (2, 4))
    for before in (True, False):
        for new in (3, 0):
            model = reader(V).train(before)
            text_of(answer, model, idx, new)
            want_mode(model, before)
    model = reader(V).train()
    with contextlib.suppress(ValueError):
        answer(model, idx, 2, -1.0)
    if not model.training:
        raise CheckFailed(
            "after generate has refused a negative temperature, the model is in eval mode.",
            "the mode that it was in.",
            "refuse the temperature first of all, before anything is changed.",
        )


def want_mode(model: Stub, before: bool) -> None:
    """Refuse a model that was in training mode while it wrote, or that is in another mode than before."""
    if any(model.was_training):
        raise CheckFailed(
            "the model is in training mode while it writes.",
            "eval mode: with dropout on, the model ignores a random part of what it reads.",
            "the mode is put back before the loop: `model.train(…)` belongs after it." if False in model.modes_before
            else "call model.eval() before the loop.",
        )
    if (model.training, model.dropout.training) != (before, before):
        raise CheckFailed(
            f"the model was in {'training' if before else 'eval'} mode before, "
            f"and is in {'eval' if before else 'training'} mode afterwards.",
            "the mode that it was in: a training loop that looks at a sample must go on with dropout.",
            "keep model.training before model.eval(), and pass it to model.train(…) before every `return`: a line after `return` "
            "never runs.",
        )


def want_end(answer, following: torch.Tensor, idx: torch.Tensor, new: int, end_token: int, otherwise: str) -> None:
    """Refuse a text that does not stop when every row has drawn the end token, or that differs up to there.

    Args:
        answer: the learner's.
        following: (V,), the token after each token.
        idx: (B, T).
        new: max_new_tokens.
        end_token: where a row ends.
        otherwise: the cause when no known mistake gives this text.
    """
    V, (B, T) = len(following), idx.shape
    tokens = [following[idx[:, -1]]]
    while len(tokens) < new and not all_ended(torch.stack(tokens, dim=1), end_token):
        tokens.append(following[tokens[-1]])
    wanted = torch.cat((idx, torch.stack(tokens, dim=1)), dim=1)  # (B, T + written)
    written = wanted.shape[1] - T
    model = Stub(lambda fed: certain(following[fed.clamp(min=0)], V), V)
    with in_case(f"with the prompts {idx.tolist()}, for a model that leaves nothing to chance", cause=""):
        result = text_of(answer, model, idx, new, 1.0, end_token, written)
    is_end = wanted[:, T:] == end_token
    before_end = torch.cat((torch.ones(B, T), is_end.cumsum(1) - is_end.long() == 0), dim=1).bool()
    if not torch.equal(result[before_end], wanted[before_end]):
        row = int((result != wanted).logical_and(before_end).any(1).int().argmax())
        raise CheckFailed(
            f"with end_token = {end_token} the prompt {ids(idx[row])} gives {ids(result[row])}.",
            f"{ids(wanted[row])}; what a row holds after its end is not looked at.",
            otherwise,
        )
    generate.note_right(result, (model, idx, new, 1.0, end_token))


@generate.aspect("no gradients kept")
def keeps_no_gradients(answer, seed):
    V = 11
    model = reader(V)
    text_of(answer, model, torch.randint(V, (2, 3)), 3)
    with contextlib.suppress(ValueError):
        answer(model, torch.randint(V, (2, 3)), 3, -1.0)
    with torch.no_grad():
        text_of(answer, reader(V), torch.randint(V, (2, 3)), 3)
        switched_on = torch.is_grad_enabled()
    if switched_on:
        raise CheckFailed(
            "generate is called where gradients are off, and afterwards they are on.",
            "gradients as they were.",
            "torch.set_grad_enabled(True) at the end does not ask how it was before: torch.no_grad() as a `with` block puts that back by itself.",
        )
    if any(model.had_gradient):
        raise CheckFailed(
            "PyTorch keeps a graph for gradients in every step.",
            "none: nothing is trained here, and the graph takes memory and time.",
            "put `with torch.no_grad():` around the loop, or @torch.no_grad() above the function.",
        )
    if not model.one.requires_grad or not torch.is_grad_enabled():
        torch.set_grad_enabled(True)
        raise CheckFailed(
            "after generate the model can no longer be trained.",
            "gradients as they were: training may go on.",
            GRADIENTS_OFF,
        )


@generate.aspect("end token")
def stops_when_every_row_has_ended(answer, seed):
    V = 8
    # One row, and no end token in the prompt: what goes wrong here has nothing to do with either.
    want_end(answer, (torch.arange(V) + 1) % V, torch.tensor([[2, 1]]), 12, 5, ENDED)
    for shift in range(seed, seed + 2):
        # Each id leads to the next one, so a row ends after as many steps as its last id is away from the end.
        following = (torch.arange(V) + 1) % V
        for end_token in ((3 + shift) % (V - 1) + 1, V - 1, 0):
            away = [(end_token - k) % V for k in (4, 2, 3, 1)]
            for rows in (away[2:3], away[:2], away[1:3], away, away[::-1], [end_token, away[0]]):
                idx = torch.tensor([[end_token, (row + 1) % V, row] for row in rows])  # the prompt may hold the end token
                want_end(answer, following, idx, 12, end_token, ENDED)
        idx = torch.tensor([[1, 2], [3, 4]])
        want_end(answer, following, idx, 2, 0, ENDED)  # no row ends in time
    # Without an end token, as before; and a token that is never drawn.
    model = reader(11)
    text_of(answer, model, torch.randint(11, (2, 3)), 5)
    constant = torch.full((V,), 4)
    want_end(answer, constant, torch.tensor([[1, 2]]), 5, 6, ENDED)
    # Over before its time, in either mode.
    for before in (True, False):
        model = Stub(lambda fed: certain(torch.full_like(fed, 5), V), V).train(before)
        text_of(answer, model, torch.randint(V, (2, 4)), 3, end_token=5, written=1)
        want_mode(model, before)
    back_and_forth = torch.tensor([1, 0, 1, 2, 3, 4, 5, 6])  # one row draws the end twice before the other has drawn it
    want_end(answer, back_and_forth, torch.tensor([[3, 0], [3, 6]]), 12, 1, ENDED)


@generate.mistake("end token", ZERO_IS_AN_ID)
def end_token_0_taken_for_none(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(model, idx, max_new_tokens, temperature, end_token or None)


@generate.mistake("end token", "only the tokens of the last step are looked at, so a row that ended earlier is forgotten: "
                               "`(new == end_token).any(1).all()` looks at all steps.")
def rows_that_ended_earlier_forgotten(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(
        model, idx, max_new_tokens, temperature, end_token, stop=lambda new, end_token: bool((new[:, -1] == end_token).all()))


@generate.mistake("end token", "the end token has no effect: the text runs on to max_new_tokens.")
def end_token_ignored(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(model, idx, max_new_tokens, temperature)


@generate.mistake("end token", "only the first row is asked whether it has ended: every row must.")
def first_row_asked(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(
        model, idx, max_new_tokens, temperature, end_token, stop=lambda new, end_token: bool((new[0] == end_token).any()))


@generate.mistake("end token", "the loop stops as soon as *one* row has ended, and cuts the others off: `.all()`, not `.any()`.")
def stops_at_the_first_end(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(
        model, idx, max_new_tokens, temperature, end_token, stop=lambda new, end_token: bool((new == end_token).any()))


@generate.mistake("end token", "an end token in the *prompt* ends nothing: look at the new tokens alone.")
def ends_in_the_prompt_counted(model, idx, max_new_tokens, temperature, end_token=None):
    if end_token is None:
        return generate_with(model, idx, max_new_tokens, temperature)
    ended = (idx == end_token).any(1)  # (B,)
    return generate_with(
        model, idx, max_new_tokens, temperature, end_token,
        stop=lambda new, end_token: bool((ended | (new == end_token).any(1)).all()))


@generate.mistake("end token", "an end token in the *prompt* ends nothing: look at the new tokens alone.")
def last_token_of_the_prompt_counted(model, idx, max_new_tokens, temperature, end_token=None):
    ended = idx[:, -1] == end_token if end_token is not None else None  # (B,)
    return generate_with(
        model, idx, max_new_tokens, temperature, end_token,
        stop=lambda new, end_token: bool((ended | (new == end_token).any(1)).all()))


@generate.mistake("end token", "the first new token is not looked at: with n tokens in the prompt the new ones are `idx[:, n:]`.")
def first_new_token_overlooked(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(
        model, idx, max_new_tokens, temperature, end_token, stop=lambda new, end_token: all_ended(new[:, 1:], end_token))


@generate.mistake("end token", "the end token is missing at the end of the text, and belongs to it: append each token before you ask whether to stop, and cut off none.")
def end_token_not_appended(model, idx, max_new_tokens, temperature, end_token=None):
    text = generate_with(model, idx, max_new_tokens, temperature, end_token)
    ended = end_token is not None and all_ended(text[:, idx.shape[1] :], end_token)
    return text[:, :-1] if ended else text


@generate.mistake("end token", "one more token is drawn after every row has ended: ask at the end of each step, not at the start of the next.")
def one_step_after_the_end(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(
        model, idx, max_new_tokens, temperature, end_token, stop=lambda new, end_token: all_ended(new[:, :-1], end_token))


@generate.mistake("end token", "the loop stops when the end token comes as often as there are rows. A row may draw it twice, another not at "
                               "all: `.any(1).all()`.")
def end_tokens_counted(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(
        model, idx, max_new_tokens, temperature, end_token,
        stop=lambda new, end_token: int((new == end_token).sum()) >= len(new))

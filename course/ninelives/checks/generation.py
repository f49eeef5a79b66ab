"""Notebook 6: what a text that is drawn token by token must be."""

from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from ninelives.checks.exercise import CheckFailed, Exercise, ids, run
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

__all__ = ["generate", "generate_with", "next_token_probabilities"]

generate = Exercise("generate", error_hints=STEP_ERRORS | {
    "can only concatenate": "the new tokens must be a tensor (B, 1): torch.cat joins tensors.",
    "Tensors must have same number of dimensions":
        "torch.cat joins tensors with the same number of axes: the text is (B, T), so a new token must be (B, 1).",
    "Sizes of tensors must match": "torch.cat joins (B, T) and (B, 1) along axis 1, the tokens.",
    "tuple indices must be": "the model returns a pair, logits and loss. Take it apart: `logits, loss = model(idx)`.",
})

CUT_TEXT = "the text itself is cut to block_size. Cut only what the model is fed."


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
        self.fed: list[torch.Tensor] = []
        self.was_training: list[bool] = []
        self.had_gradient: list[bool] = []

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
    """Prompts (B, T) and the number of new tokens: all sizes different, then B = T, one row, one token, none."""
    B, T, new = [(3, 4, 6), (2, 5, 7), (5, 3, 6)][seed % 3]
    sizes = ((B, T, new), (3, 3, 3), (1, 4, 5), (2, 1, 4), (2, 3, 1), (2, 4, 0))
    return [(torch.randint(V, (b, t)), n) for b, t, n in sizes]


def text_of(answer, model: Stub, idx: torch.Tensor, new: int, temperature: float = 1.0) -> torch.Tensor:
    """What the learner writes: (B, T + new) whole numbers.

    Raises:
        CheckFailed: it is of another shape, or no token ids.
    """
    what, (B, T) = f"generate with a prompt of {idx.shape[1]} and max_new_tokens = {new}", idx.shape
    result = run(answer, model, idx, new, temperature, what="generate")
    generate.want_shape(result, (B, T + new), "(B, T + max_new_tokens)", what, (model, idx, new, temperature))
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


def generate_with(
    model, idx, max_new_tokens, temperature, *, feed=last_tokens, choose=drawn, append=appended
) -> torch.Tensor:
    """A right `generate`; a wrong answer replaces one of its steps."""
    if temperature < 0:
        raise ValueError("the temperature is negative")
    was_training = model.training
    model.eval()
    with torch.no_grad():
        for _ in range(max_new_tokens):
            logits, _ = model(feed(idx, model.config.block_size))
            idx = append(idx, choose(logits, temperature))
    model.train(was_training)
    return idx


@generate.aspect("shape")
def prompt_and_new_tokens(answer, seed):
    V = 11
    for idx, new in prompts(seed, V):
        text_of(answer, reader(V), idx, new)


@generate.mistake("shape", "one token too many: the loop must run max_new_tokens times.")
def one_too_many(model, idx, max_new_tokens, temperature):
    return generate_with(model, idx, max_new_tokens + 1, temperature)


@generate.mistake("shape", "one token too few: the loop must run max_new_tokens times.")
def one_too_few(model, idx, max_new_tokens, temperature):
    return generate_with(model, idx, max_new_tokens - 1, temperature)


@generate.mistake(
    "shape", "one token was drawn: the loop returns too early, or it begins with the prompt again every time.")
def return_inside_the_loop(model, idx, max_new_tokens, temperature):
    for _ in range(max_new_tokens):
        logits, _ = model(idx)
        return torch.cat((idx, drawn(logits, temperature)), dim=1)


@generate.mistake("shape", "nothing is appended: the joined tensor must be kept, `idx = torch.cat(…)`.")
def joined_and_forgotten(model, idx, max_new_tokens, temperature):
    return generate_with(model, idx, max_new_tokens, temperature, append=lambda idx, token: idx)


@generate.mistake("shape", "the prompt is missing: append the new tokens to it, and return all of it.")
def new_tokens_alone(model, idx, max_new_tokens, temperature):
    return generate_with(model, idx, max_new_tokens, temperature)[:, idx.shape[1] :]


@generate.mistake("shape", "max_new_tokens counts the new tokens alone, not prompt and new tokens together.")
def max_new_tokens_taken_for_the_whole_length(model, idx, max_new_tokens, temperature):
    return generate_with(model, idx, max_new_tokens - idx.shape[1], temperature)


@generate.mistake("shape", "the tokens of each step have one axis too many: torch.cat, not torch.stack.")
def stacked(model, idx, max_new_tokens, temperature):
    tokens = list(idx.split(1, dim=1))  # (B, 1) each
    for _ in range(max_new_tokens):
        logits, _ = model(torch.cat(tokens, dim=1))
        tokens.append(drawn(logits, temperature))
    return torch.stack(tokens, dim=1)  # (B, T + new, 1)


@generate.mistake("shape", "the batch is lost: return (B, T + new) for B = 1 too.")
def squeezed(model, idx, max_new_tokens, temperature):
    return generate_with(model, idx, max_new_tokens, temperature).squeeze()


@generate.aspect("feed back")
def feeds_back_what_it_has_drawn(answer, seed):
    V = 61  # far more words than positions, so that a position taken for a word shows
    for idx, new in prompts(seed, V):
        want_fed_back(answer, idx, new, V)


def want_fed_back(answer, idx: torch.Tensor, new: int, V: int) -> None:
    """Refuse another text than a right `generate` writes with the reader."""
    model = reader(V)
    result = text_of(answer, model, idx, new)
    lengths = ", ".join(str(fed.shape[1]) for fed in model.fed[:5]) + ", …" * (len(model.fed) > 5)
    generate.want_values(
        result, continued(idx, new, V), (reader(V), idx, new, 1.0),
        what=lambda row: f"the model was fed {lengths} tokens, and for the prompt {ids(idx[row])} generate gives",
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
def prompt_alone(model, idx, max_new_tokens, temperature):
    prompt = idx
    return generate_with(model, idx, max_new_tokens, temperature, feed=lambda idx, block_size: prompt)


@generate.mistake(
    "feed back",
    "after the first step the model is fed the last token alone: append the new token to the text instead of replacing "
    "the text.",
)
def token_in_place_of_the_text(model, idx, max_new_tokens, temperature):
    text = idx
    for _ in range(max_new_tokens):
        logits, _ = model(idx)
        idx = drawn(logits, temperature)
        text = torch.cat((text, idx), dim=1)
    return text


@generate.mistake(
    "feed back", "the model is fed the last token alone, so it has forgotten the rest: feed it the text.")
def last_token_alone(model, idx, max_new_tokens, temperature):
    return generate_with(model, idx, max_new_tokens, temperature, feed=lambda idx, block_size: idx[:, -1:])


@generate.mistake(
    "feed back",
    "the model is fed as many tokens as the prompt has, and the beginning drops out. Feed it all of the text, up to "
    "block_size.",
)
def as_many_as_the_prompt(model, idx, max_new_tokens, temperature):
    T = idx.shape[1]
    return generate_with(model, idx, max_new_tokens, temperature, feed=lambda idx, block_size: idx[:, -T:])


@generate.mistake(
    "feed back",
    "the scores of the *first* position are used: logits[:, 0]. Those of the last are about the next token, "
    "logits[:, -1].",
)
def first_position(model, idx, max_new_tokens, temperature):
    return generate_with(
        model, idx, max_new_tokens, temperature, choose=lambda logits, temperature: drawn(logits[:, :1], temperature))


@generate.mistake(
    "feed back", "the scores of the last position but one are used. Positions count from 0, the last is −1.")
def last_position_but_one(model, idx, max_new_tokens, temperature):
    def choose(logits, temperature):
        return drawn(logits[:, :-1] if logits.shape[1] > 1 else logits, temperature)

    return generate_with(model, idx, max_new_tokens, temperature, choose=choose)


@generate.mistake("feed back", "the new tokens come before the text. The text must come first in torch.cat.")
def prepended(model, idx, max_new_tokens, temperature):
    return generate_with(
        model, idx, max_new_tokens, temperature, append=lambda idx, token: torch.cat((token, idx), dim=1))


@generate.mistake("feed back", "the new tokens come before the prompt. The prompt must come first.")
def new_tokens_before_the_prompt(model, idx, max_new_tokens, temperature):
    T, text = idx.shape[1], generate_with(model, idx, max_new_tokens, temperature)
    return torch.cat((text[:, T:], idx), dim=1)


@generate.mistake("feed back", "the new tokens are in reverse order.")
def new_tokens_reversed(model, idx, max_new_tokens, temperature):
    T, text = idx.shape[1], generate_with(model, idx, max_new_tokens, temperature)
    return torch.cat((idx, text[:, T:].flip(1)), dim=1)


@generate.mistake("feed back", "the prompt itself is not returned.")
def zeros_in_place_of_the_prompt(model, idx, max_new_tokens, temperature):
    text = torch.zeros(len(idx), idx.shape[1] + max_new_tokens, dtype=torch.long)
    text[:, idx.shape[1] :] = generate_with(model, idx, max_new_tokens, temperature)[:, idx.shape[1] :]
    return text


def new_tokens_of(answer, table: torch.Tensor, idx: torch.Tensor, new: int, temperature: float = 1.0) -> torch.Tensor:
    """The new tokens (B, new) of the learner's text, where table[a] holds the logits of what follows token a."""
    return text_of(answer, Stub(lambda fed: table[fed], len(table)), idx, new, temperature)[:, idx.shape[1] :]


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
    want_negative_refused(
        lambda temperature: answer(reader(V), idx, 2, temperature), lambda: text_of(answer, reader(V), idx, 2),
        "generate")


@generate.aspect("block size")
def feeds_at_most_block_size_tokens(answer, seed):
    for block_size, T, new in ((5, 3, 7), (6, 6, 3), (4, 9, 5), (7, 2, 5)):
        want_cut_to(answer, block_size, T, new)


def want_cut_to(answer, block_size: int, T: int, new: int) -> None:
    """Refuse a generate that feeds the model something else than the last block_size tokens."""
    V = 11
    model, idx = reader(V, block_size), torch.randint(V, (2, T))
    result = text_of(answer, model, idx, new)
    longest = max(fed.shape[1] for fed in model.fed)
    if longest > block_size:
        raise CheckFailed(
            f"the model is fed {longest} tokens, and its config.block_size is {block_size}.",
            f"at most {block_size}: it has no positions for more.",
            "feed it one token less than you do now: idx[:, -block_size:]." if longest == block_size + 1 < T + new - 1
            else "feed it the last block_size tokens alone: idx[:, -block_size:].",
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
    "idx[:, -block_size:].",
)
def first_block_size_tokens(model, idx, max_new_tokens, temperature):
    return generate_with(model, idx, max_new_tokens, temperature, feed=lambda idx, block_size: idx[:, :block_size])


@generate.mistake("block size", "the model is fed one token less than it can read: idx[:, -block_size:].")
def one_less_than_it_reads(model, idx, max_new_tokens, temperature):
    return generate_with(
        model, idx, max_new_tokens, temperature, feed=lambda idx, block_size: idx[:, -(block_size - 1) :])


@generate.mistake(
    "block size",
    "when the text is too long the model is fed the last token alone. Feed it the last block_size tokens.",
)
def last_token_once_it_is_too_long(model, idx, max_new_tokens, temperature):
    return generate_with(
        model, idx, max_new_tokens, temperature,
        feed=lambda idx, block_size: idx if idx.shape[1] <= block_size else idx[:, -1:])


@generate.mistake(
    "block size",
    "after every block_size tokens the model starts again and has forgotten the rest. Feed it the last "
    "block_size tokens of the text at every step.",
)
def blocks_side_by_side(model, idx, max_new_tokens, temperature):
    return generate_with(
        model, idx, max_new_tokens, temperature,
        feed=lambda idx, block_size: idx[:, (idx.shape[1] - 1) // block_size * block_size :])


@generate.mistake("block size", CUT_TEXT)
def text_itself_cut(model, idx, max_new_tokens, temperature):
    return generate_with(
        model, idx, max_new_tokens, temperature,
        append=lambda idx, token: torch.cat((idx[:, -model.config.block_size :], token), dim=1))


@generate.mistake("block size", CUT_TEXT)
def text_cut_after_each_token(model, idx, max_new_tokens, temperature):
    return generate_with(
        model, idx, max_new_tokens, temperature,
        append=lambda idx, token: torch.cat((idx, token), dim=1)[:, -model.config.block_size :])


@generate.aspect("mode")
def writes_in_eval_mode_and_restores_the_mode(answer, seed):
    V = 11
    idx = torch.randint(V, (2, 3))
    for before in (True, False):
        model = reader(V).train(before)
        text_of(answer, model, idx, 3)
        if any(model.was_training):
            raise CheckFailed(
                "the model is in training mode while it writes.",
                "eval mode: with dropout on, the model ignores a random part of what it reads.",
                "call model.eval() before the loop.",
            )
        if (model.training, model.dropout.training) != (before, before):
            raise CheckFailed(
                f"the model was in {'training' if before else 'eval'} mode before, "
                f"and is in {'eval' if before else 'training'} mode afterwards.",
                "the mode that it was in: a training loop that looks at a sample must go on with dropout.",
                "keep model.training before the loop, and give it to model.train(…) after it.",
            )


@generate.aspect("no gradients kept")
def keeps_no_gradients(answer, seed):
    V = 11
    model = reader(V)
    text_of(answer, model, torch.randint(V, (2, 3)), 3)
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

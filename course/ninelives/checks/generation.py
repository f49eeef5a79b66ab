"""Notebook 6: what the probabilities of the next token and a text drawn from them must be."""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from ninelives.checks.exercise import CheckFailed, Exercise, numbers, run, same, same_values, want_shape
from ninelives.config import TransformerConfig
from ninelives.figures import wanted_and_yours

next_token_probabilities = Exercise("next_token_probabilities")
generate = Exercise("generate")

PROBABILITIES = "next_token_probabilities"
DRAWS = 4000
TEMPERATURES = (0.5, 1.0, 2.0)
FALSE_ALARM = 1e-7  # per run of the aspect `draws`, for any right answer
OUTSIDE = {  # words of errors that PyTorch raises for logits divided by 0
    "contains either `inf`, `nan`": "something is divided by a temperature of 0, or is negative. Treat 0 apart, before you divide.",
    "division by zero": "the temperature may be 0: treat that apart, before you divide.",
}


# --- exercise 1: the probabilities ---------------------------------------------------------------


def some_logits(seed: int) -> torch.Tensor:
    """(B, V): scores whose softmax is far from even and far from certain; no two in a row nearly equal."""
    B, V = [(3, 7), (4, 6), (2, 9)][seed % 3]
    rows = [torch.randperm(V) * 0.45 + 0.1 * torch.rand(V) for _ in range(B)]
    return torch.stack(rows) - 1.0


def shares(logits: torch.Tensor, temperature: float) -> torch.Tensor:
    """(…, V) float64: the reference, number by number."""
    if temperature == 0:
        return (logits == logits.amax(-1, keepdim=True)).double()
    rows = []
    for row in logits.double().reshape(-1, logits.shape[-1]).tolist():
        powers = [math.exp((score - max(row)) / temperature) for score in row]
        rows.append([power / sum(powers) for power in powers])
    return torch.tensor(rows, dtype=torch.float64).reshape(logits.shape)


def probabilities_of(answer, logits: torch.Tensor, temperature: float) -> torch.Tensor:
    """What the learner's function gives, of the right shape and made of floats."""
    result = run(answer, logits, temperature, error_hints=OUTSIDE)
    B, V = logits.shape
    want_shape(result, (B, V), "(B, V)", f"{PROBABILITIES} at temperature {temperature:g}", causes={
        (B,): "this is one number for each row: the word itself. A probability for every word is wanted.",
        (B, 1): "this is one number for each row: the word itself. A probability for every word is wanted.",
        (V,): "the batch is lost: every row has probabilities of its own.",
    })
    if not result.is_floating_point():
        raise CheckFailed(
            f"{PROBABILITIES} at temperature {temperature:g} gives {result.dtype}.",
            "floats: torch.multinomial draws from nothing else.",
            "`F.one_hot` gives whole numbers; add `.float()`.",
        )
    return result.detach()


@next_token_probabilities.aspect("shape")
def _(answer, seed):
    logits = some_logits(seed)
    for batch in (logits, logits[:1], logits[:, : len(logits)]):
        probabilities_of(answer, batch, 1.0)


@next_token_probabilities.aspect("values")
def _(answer, seed):
    logits = some_logits(seed)
    barred = logits.clone()
    barred[0, 1] = float("-inf")
    for scores in (logits, logits[:1], logits[:, : len(logits)], barred):
        for temperature in (1.0, 0.5, 2.0, 1):
            result, wanted = probabilities_of(answer, scores, temperature), shares(scores, temperature)
            if same_values(result, wanted):
                continue
            row = int((result - wanted).abs().nan_to_num(1.0).amax(-1).argmax())
            raise CheckFailed(
                f"for the logits {numbers(scores[row], 9)} and temperature {temperature:g} you give {numbers(result[row], 9)}.",
                f"{numbers(wanted[row], 9)}.",
                values_cause(scores, temperature, result),
                picture=lambda: wanted_and_yours(
                    wanted, result, caption=f"Probabilities at temperature {temperature:g}: wanted, and yours. One row for each sequence."),
            )


def values_cause(logits: torch.Tensor, temperature: float, seen: torch.Tensor) -> str:
    """Which known mistake gives these numbers."""
    x, even = logits.double(), shares(logits, 1)
    candidates = [
        (x / temperature, "these are the scaled logits. The softmax is missing."),
        (even / temperature, "the probabilities are divided by the temperature, after the softmax. "
                             "That changes nothing about who is drawn how often: divide the logits, before it."),
        (even, "the temperature has no effect: divide the logits by it, before the softmax."),
        (shares(logits, 1 / temperature), "the logits are multiplied by the temperature. Divide them: a small temperature must sharpen."),
        ((x / temperature).softmax(0), "each column adds up to 1, so the sequences share the weight. Each row must: softmax along the last axis."),
        ((x / temperature).flatten().softmax(0).reshape(x.shape), "all numbers together add up to 1. Each row must: softmax along the last axis."),
        ((x / temperature).log_softmax(-1), "these are logarithms of probabilities: `softmax`, not `log_softmax`."),
        ((x / temperature).exp(), "the powers are not divided by their sum: each row must add up to 1."),
        ((x / temperature).sigmoid(), "a sigmoid looks at each score alone. The words must share the weight: softmax."),
        (shares(logits, 0), "the best word gets everything. That is for temperature 0 alone."),
        (shares(logits, temperature**2), "the logits are divided by the temperature twice."),
        (shares(-logits, temperature), "the sign is turned round: the highest score must get the most."),
        ((even / temperature).softmax(-1), "this is the softmax of a softmax, which is nearly even: take it once, of the logits ÷ temperature."),
        (shares(logits, temperature).softmax(-1), "this is the softmax of a softmax, which is nearly even: take it once, of the logits ÷ temperature."),
    ]
    for mistake, cause in candidates:
        if mistake.isfinite().all() and same_values(seen, mistake):
            return cause
    if logits.isinf().any():
        return ("a score of −inf says that this word cannot come: it gets the probability 0, and the others share the rest. "
                "A softmax of the scores as they are does so by itself.")
    sums = seen.sum(-1)
    if (sums - 1).abs().max() > 1e-4:
        return f"the rows add up to {numbers(sums)}, not to 1: softmax along the last axis comes last."
    return "softmax(logits ÷ temperature), along the last axis."


@next_token_probabilities.aspect("greedy")
def _(answer, seed):
    logits = some_logits(seed)
    for temperature in (0, 0.0):
        result, wanted = probabilities_of(answer, logits, temperature), shares(logits, 0)
        if same_values(result, wanted):
            continue
        candidates = [
            (shares(logits, 1), "0 is treated like 1. At temperature 0 the best word of each row gets 1, all others 0."),
            (torch.full_like(wanted, 1 / wanted.shape[1]), "every word is equally likely: that is where *large* temperatures lead."),
            ((logits == logits.max()).double(), "one word of the whole batch gets the 1. Every row has a best word: argmax along the last axis."),
            ((logits == logits.amax(0)).double(), "the best of each column gets 1. Every row has a best word: argmax along the last axis."),
            (shares(-logits, 0), "the lowest score gets the 1."),
            (torch.zeros_like(wanted), "no word is left: every row must add up to 1."),
            (logits * wanted, "the best word is given its score; it must be given the probability 1."),
        ]
        raise CheckFailed(
            f"at temperature 0 the logits {numbers(logits[0], 9)} give {numbers(result[0], 9)}.",
            f"{numbers(wanted[0], 9)}: 1 for the highest score, 0 for the others.",
            "dividing by 0 gives infinity and NaN. Treat 0 apart, before you divide." if result.isnan().any() else
            next((cause for mistake, cause in candidates if same_values(result, mistake)),
                 "a small temperature in place of 0 leaves the others a little. Make it far smaller, or take the argmax."
                 if same_values(result.sum(-1), torch.ones(len(result))) and torch.equal(result.argmax(-1), wanted.argmax(-1)) else
                 "argmax finds the best word of each row; F.one_hot(…, V).float() turns it into a row of 0 and 1."),
            picture=lambda: wanted_and_yours(wanted, result, caption="Probabilities at temperature 0: wanted, and yours."),
        )


@next_token_probabilities.aspect("extremes")
def _(answer, seed):
    logits = some_logits(seed)
    # Rows on very different levels, as a batch may have them.
    levels = torch.arange(len(logits)).reshape(-1, 1) * 300.0 - 150.0
    # Scores as close together as the temperature is small, and as far apart as it is large.
    scaled = [(logits * temperature, temperature) for temperature in (0.02, 50.0)]
    for scores, temperature in ((logits + 200.0, 1.0), (logits, 0.01), (logits + levels, 1.0), (logits, 100.0), *scaled):
        result, wanted = probabilities_of(answer, scores, temperature), shares(scores, temperature)
        if same_values(result, wanted):
            continue
        row = int((result - wanted).abs().nan_to_num(1.0).amax(-1).argmax())
        raise CheckFailed(
            f"for the logits {numbers(scores[row], 9)} and temperature {temperature:g} you give {numbers(result[row], 9)}.",
            f"{numbers(wanted[row], 9)}.",
            "float32 ends at e^88: larger powers are infinite, and very small ones 0. Subtract the maximum of each row "
            "first, which changes no probability, or use F.softmax, which does so." if result.isnan().any() or result.isinf().any()
            else "small and large temperatures, and large scores, must go through the same formula as all others: cut nothing off.",
        )


# --- exercise 2: the text ------------------------------------------------------------------------


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


def certain(tokens: torch.Tensor, V: int) -> torch.Tensor:
    """(B, T) to (B, T, V): logits that leave nothing to chance."""
    return 40.0 * nn.functional.one_hot(tokens, V)


def reader(V: int) -> Callable[[torch.Tensor], torch.Tensor]:
    """A model of certain tokens, in which each depends on everything it is fed, and on its places."""
    return lambda idx: certain(read(idx, V), V)


def read(idx: torch.Tensor, V: int) -> torch.Tensor:
    """(B, T) to (B, T): what the reader says after each token."""
    place = torch.arange(1, idx.shape[1] + 1)
    return ((place * (idx + 1)).cumsum(1) + 3 * place) % V


def continued(idx: torch.Tensor, new: int, V: int, see: Callable = lambda text: text) -> torch.Tensor:
    """(B, T + new): what the reader must be made to write, when it is fed see(text)."""
    for _ in range(new):
        idx = torch.cat((idx, read(see(idx), V)[:, -1:]), dim=1)
    return idx


def prompts(seed: int, V: int) -> list[tuple[torch.Tensor, int]]:
    """Prompts (B, T) and how many tokens to write: all sizes different, then B = T, one sequence, one token, none."""
    B, T, new = [(3, 4, 6), (2, 5, 7), (5, 3, 6)][seed % 3]
    return [(torch.randint(V, (b, t)), n) for b, t, n in ((B, T, new), (3, 3, 3), (1, 4, 5), (2, 1, 4), (2, 3, 1), (2, 4, 0))]


def text_of(answer, model: Stub, idx: torch.Tensor, new: int, temperature: float = 1.0) -> torch.Tensor:
    """What the learner writes: (B, T + new) whole numbers.

    Raises:
        CheckFailed: it is of another shape, or no token ids.
    """
    what = f"generate with a prompt of {idx.shape[1]} and max_new_tokens = {new}"
    result = run(as_generate(answer), model, idx, new, temperature, what="generate", error_hints=OUTSIDE | {
        "cannot be converted to Scalar": "`.item()` works for a batch of one alone. Keep the tensor: (B, 1) for the batch.",
        "can only concatenate": "the new tokens must be a tensor (B, 1): torch.cat joins tensors.",
        "Tensors must have same number of dimensions": "torch.cat joins (B, T) and (B, 1): keep the axis of size 1, or add it with unsqueeze(1).",
        "Sizes of tensors must match": "torch.cat joins (B, T) and (B, 1) along axis 1, the tokens.",
        "tuple indices must be": "the model gives a pair, logits and loss. Take it apart: `logits, loss = model(idx)`.",
        "prob_dist must be 1 or 2 dim": "torch.multinomial wants (B, V): take the last step first, logits[:, -1].",
    })
    (B, T), size = idx.shape, model.config.block_size
    causes = {
        (B, T + new + 1): "one token too many: the loop must run max_new_tokens times.",
        (B, T + new - 1): "one token too few: the loop must run max_new_tokens times.",
        (B, T + 1): "one token was drawn: the loop returns too early, or it begins with the prompt again every time.",
        (B, T): "nothing is appended: the joined tensor must be kept, `idx = torch.cat(…)`.",
        (B, size): "the text itself is cut to block_size. Cut only what the model is fed.",
        (B, size + 1): "the text itself is cut to block_size. Cut only what the model is fed.",
        (B, T + new, 1): "the tokens of each step have one axis too many: torch.cat, not torch.stack.",
        (T + new,): "the batch is lost: (B, T + new) is wanted for B = 1 too.",
        (B, new): "the prompt is missing: the new tokens are appended to it, and all of it is returned.",
    }
    if isinstance(result, torch.Tensor) and result.shape == (B, new) and new > T and same(result[:, :T], idx):
        causes[B, new] = "max_new_tokens counts the new tokens alone, not prompt and new tokens together."
    want_shape(result, (B, T + new), "(B, T + max_new_tokens)", what, causes)
    if result.is_floating_point() or result.dtype == torch.bool:
        raise CheckFailed(
            f"{what} gives {result.dtype}.", "whole numbers (int64): token ids.",
            "a tensor of floats was joined in; torch.zeros makes floats unless it is told dtype=torch.long.",
        )
    return result


def as_generate(answer):
    """A message says `generate`, whatever the answer is called."""
    def generate(model, idx, max_new_tokens, temperature):
        return answer(model, idx, max_new_tokens, temperature)

    return generate


@generate.aspect("shape")
def _(answer, seed):
    V = 11
    for idx, new in prompts(seed, V):
        text_of(answer, Stub(reader(V), V), idx, new)


@generate.aspect("feed back")
def _(answer, seed):
    V = 61  # far more words than places, so that a place taken for a word shows
    for idx, new in prompts(seed, V):
        model = Stub(reader(V), V)
        result, wanted = text_of(answer, model, idx, new), continued(idx, new, V)
        if torch.equal(result, wanted):
            continue
        b = int((result != wanted).any(1).int().argmax())
        T = idx.shape[1]
        raise CheckFailed(
            f"for the prompt {idx[b].tolist()} generate gives {result[b].tolist()}.",
            f"{wanted[b].tolist()}: for this model every next token is certain.",
            feed_back_cause(result, idx, new, V, model, text_of(answer, Stub(reader(V), V), idx, new)),
            picture=lambda: wanted_and_yours(
                wanted, result, caption=f"The texts of the batch, new tokens from column {T} on: wanted, and yours."),
        )


def feed_back_cause(seen: torch.Tensor, idx: torch.Tensor, new: int, V: int, model: Stub, again: torch.Tensor) -> str:
    """Which known mistake writes these texts; `again` is what the same call gave a second time."""
    T = idx.shape[1]
    right = continued(idx, new, V)
    first_step = idx
    for _ in range(new):
        first_step = torch.cat((first_step, read(first_step, V)[:, :1]), dim=1)
    one_early = idx
    for _ in range(new):
        one_early = torch.cat((one_early, read(one_early, V)[:, max(one_early.shape[1] - 2, 0)].unsqueeze(1)), dim=1)
    prepended = idx
    for _ in range(new):
        prepended = torch.cat((read(prepended, V)[:, -1:], prepended), dim=1)
    first = read(idx, V)[:, -1:]
    replaced = torch.cat((idx, continued(first, new - 1, V, lambda text: text[:, -1:])), dim=1) if new else idx
    candidates = [
        (torch.cat((idx, read(idx, V)[:, -1:].expand(-1, new)), dim=1), "every token is drawn from the prompt alone: feed what you have drawn back into the model."),
        (continued(idx, new, V, lambda text: text[:, :T]), "every token is drawn from the prompt alone: feed what you have drawn back into the model."),
        (replaced, "after the first step the model is fed the last token alone: the new token must be appended to the text, not put in its place."),
        (continued(idx, new, V, lambda text: text[:, -1:]), "the model is fed the last token alone, so it has forgotten the rest: feed it the text."),
        (continued(idx, new, V, lambda text: text[:, -T:]), "the model is fed as many tokens as the prompt has, and the beginning slides out. Feed it all of the text, up to block_size."),
        (first_step, "the scores of the *first* step are used: logits[:, 0]. The next token stands in those of the last, logits[:, -1]."),
        (one_early, "the scores of the last step but one are used. Places count from 0, the last is −1."),
        (prepended, "the new tokens stand in front of the text. The prompt comes first in torch.cat."),
        (torch.cat((right[:, T:], idx), dim=1), "the new tokens stand in front of the prompt."),
        (torch.cat((idx, right[:, T:].flip(1)), dim=1), "the new tokens are in reverse order."),
        (torch.cat((torch.zeros_like(idx), right[:, T:]), dim=1), "the prompt itself is not returned."),
    ]
    for mistake, cause in candidates:
        if torch.equal(seen, mistake):
            return cause
    if not torch.equal(seen[:, :T], idx):
        return "the text must begin with the prompt, unchanged."
    if new and (seen[:, T:] < torch.arange(T, T + new)).all():
        return ("the new tokens are places in the text, not words. The logits have the shape (B, T, V), and logits[..., -1] "
                "is what all places give the last word. The scores of the last step are logits[:, -1].")
    if not torch.equal(seen, again):
        return ("the same call gives two texts, though this model leaves nothing to chance: the probabilities are not those of its "
                "scores. The softmax must run along the words, the last axis, and every row of it belongs to one sequence.")
    if new and (seen[:, T:] == seen[:1, T:]).all() and len(idx) > 1:
        return "all sequences of the batch get the same tokens: draw for each row of the probabilities."
    return ("each step takes the whole text so far, logits[:, -1], the probabilities, one draw, and appends it. "
            f"Here the model was asked {len(model.fed)} times, with {', '.join(str(fed.shape[1]) for fed in model.fed[:5])} … tokens.")


def chain(seed: int) -> torch.Tensor:
    """(V, V) float32: row a holds the logits of what follows token a; each row in another order."""
    order = torch.tensor([1.6, 0.7, 0.0, -0.8])
    turn = seed % len(order)
    return torch.stack([order.roll(turn + 2 * k + (k > 1)) + 0.1 * k for k in range(len(order))])


def tolerance(n: int, compared: int) -> float:
    """How far a share of n draws may be from its probability.

    By Hoeffding's inequality a share is off by more than e with a probability of at most
    2 exp(-2 n e²). Here e is so large that all `compared` shares together are off by more only
    once in 1 / FALSE_ALARM runs.
    """
    return math.sqrt(math.log(2 * compared / FALSE_ALARM) / (2 * n))


@generate.aspect("draws")
def _(answer, seed):
    want_draws(partial(written, answer), seed, "generate", "text", "prompt")


def written(answer, table: torch.Tensor, idx: torch.Tensor, new: int, temperature: float = 1.0) -> torch.Tensor:
    """The new tokens (B, new) of the learner's text, where the scores of what follows token a are table[a]."""
    return text_of(answer, Stub(lambda fed: table[fed], len(table)), idx, new, temperature)[:, idx.shape[1] :]


def want_draws(write: Callable[..., torch.Tensor], seed: int, name: str, text: str, prompt: str) -> None:
    """Refuse a function that does not draw each token by its probability, in notebook 6 and in notebook 8.

    Args:
        write: (table, idx, new, temperature=1) to the new tokens (B, new), as `written` has it.
        name, text, prompt: what the function is called, what it writes, what it is given.
    """
    table = chain(seed)
    V = len(table)
    # The first and the last token of the prompt have rows of their own, so a wrong step shows.
    tokens = torch.tensor([0, 2, 1])
    idx = tokens.expand(DRAWS, -1).clone()
    compared = len(TEMPERATURES) * (V + V * V) + V * V
    for temperature in TEMPERATURES:
        result = write(table, idx, 2, temperature)
        first, second = result.unbind(1)
        if (result == result[:1]).all():
            want_independence([write(table, idx[:40], 2, temperature) for _ in range(12)])
        want_shares(first, shares(table[tokens[-1]], temperature), temperature, compared, table, tokens)
        wanted = shares(table[tokens[-1]], temperature).unsqueeze(1) * shares(table, temperature)  # (V, V)
        seen = torch.bincount(first * V + second, minlength=V * V)[: V * V].reshape(V, V).double() / DRAWS
        if (seen - wanted).abs().max() > tolerance(DRAWS, compared):
            a, b = divmod(int((seen - wanted).abs().argmax()), V)
            raise CheckFailed(
                f"at temperature {temperature:g} the pair of new tokens {a}, {b} comes in {seen[a, b]:.3f} of {DRAWS} {text}s.",
                f"about {wanted[a, b]:.3f}: the second token depends on the first, and has luck of its own.",
                "the second step does not see the token drawn in the first, or both use the same random numbers: "
                "a seed set inside the loop makes every step draw alike.",
                picture=lambda: wanted_and_yours(
                    wanted, seen, caption=f"How often each token (a row) is followed by each (a column) at temperature {temperature:g}: "
                                          "wanted, and yours."),
            )
    # The same scores at every step: two draws in a row must agree as often as two throws of dice do.
    even = table[:1].expand(V, V)
    first, second = write(even, idx, 2).unbind(1)
    agree, wanted = (first == second).double().mean().item(), (shares(even[0], 1) ** 2).sum().item()
    if abs(agree - wanted) > tolerance(DRAWS, compared):
        raise CheckFailed(
            f"with the same scores at both steps the second token equals the first in {agree:.2f} of {DRAWS} {text}s.",
            f"about {wanted:.2f}: two draws have nothing to do with each other.",
            "both steps use the same random numbers. A seed set inside the loop makes every step draw alike.",
        )
    once, again = (write(even, idx[:64], 8) for _ in range(2))
    if torch.equal(once, again):
        raise CheckFailed(
            f"two calls with the same {prompt} give the same {text}s, 512 draws in a row.",
            f"another {text} each time.",
            f"a seed is set inside {name}. Whoever wants the same {text} twice sets it before calling.",
        )


def want_shares(drawn: torch.Tensor, wanted: torch.Tensor, temperature: float, compared: int,
                table: torch.Tensor, prompt: torch.Tensor) -> None:
    """Refuse tokens (DRAWS,) that do not come as often as their probabilities (V,) say."""
    V = len(wanted)
    seen = torch.bincount(drawn, minlength=V).double() / len(drawn)
    allowed = tolerance(len(drawn), compared)
    never = (seen[:V] == 0) & (wanted > 0.02)  # missed by so many draws once in e^80 runs
    if never.any() and seen.max() < 1:
        raise CheckFailed(
            f"at temperature {temperature:g} token {int(never.int().argmax())} never comes in {len(drawn)} draws.",
            f"in about {wanted[never.int().argmax()]:.3f} of them: every word has its chance.",
            "only the likeliest words are ever drawn. Draw from all words; top-k is not asked for here.",
        )
    if len(seen) == V and (seen - wanted).abs().max() <= allowed:
        return
    row, p = table[prompt[-1]], wanted
    scores = table[prompt]  # (T, V)
    candidates = [
        (shares(row, 0), "the best word is taken every time. Draw with torch.multinomial; argmax is for temperature 0."),
        (shares(row, 1), "the temperature has no effect. Dividing *probabilities* by it changes nothing, since only their ratios count; divide the logits."),
        (shares(row, 1 / temperature), "the logits are multiplied by the temperature. Divide them."),
        (torch.full_like(p, 1 / V), "every token comes equally often: the scores have no effect. A softmax along the batch (dim=0) does that."),
        (shares(table[prompt[0]], temperature), "these are the shares of the scores at the *first* step. The next token stands in those of the last, logits[:, -1]."),
        (shares(table[prompt[1]], temperature), "these are the shares of the scores at the last step but one."),
        (shares(scores.mean(0), temperature), "the scores of all steps are averaged. Only those of the last step are about the next token."),
        (along_time(scores / temperature), "the softmax runs along time. Take the last step first, then the softmax along the words."),
        (p @ (p / (1 - p).unsqueeze(1) * (1 - torch.eye(V))), "this is the second of several draws without replacement, in which the first cannot come again. Draw one."),
        (shares(-row, temperature), "the sign of the scores is turned round."),
    ]
    worst = int((seen[:V] - wanted).abs().argmax())
    raise CheckFailed(
        f"at temperature {temperature:g} token {worst} comes in {seen[worst]:.3f} of {len(drawn)} draws.",
        f"about {wanted[worst]:.3f}; a difference above {allowed:.3f} is no chance.",
        next((cause for mistake, cause in candidates if len(seen) == V and (seen - mistake).abs().max() <= allowed),
             "draw from softmax(logits[:, -1] ÷ temperature) with torch.multinomial."),
        picture=lambda: wanted_and_yours(
            wanted, seen[:V], caption=f"How often each token (a column) comes at temperature {temperature:g}: wanted, and yours."),
    )


def along_time(scaled: torch.Tensor) -> torch.Tensor:
    """(T, V): the last row of a softmax over time, as multinomial takes it."""
    row = scaled.double().softmax(0)[-1]
    return row / row.sum()


def want_independence(calls: list[torch.Tensor]) -> None:
    """Refuse texts (B, T) that differ from call to call but never within one."""
    if all((texts == texts[:1]).all() for texts in calls) and any((texts != calls[0]).any() for texts in calls):
        raise CheckFailed(
            f"all {len(calls[0])} sequences of a batch get the same tokens {calls[0][0, -2:].tolist()}, and at the next call other ones.",
            "a draw of its own for each sequence.",
            "the same token is drawn for all sequences. torch.multinomial draws for each row of (B, V); "
            "if it is given one row, or all rows the same random numbers, the sequences share the draw.",
        )


@generate.aspect("greedy")
def _(answer, seed):
    want_greedy(partial(written, answer), "text", "prompt")


def want_greedy(write: Callable[..., torch.Tensor], text: str, prompt: str) -> None:
    """Refuse a function that at temperature 0 does not take the best token each time; named as for `want_draws`."""
    V = 9
    table = torch.stack([torch.randperm(V) * 0.2 for _ in range(V)])  # no two scores of a row are equal
    idx = torch.randint(V, (4, 3))
    wanted = idx[:, -1:]
    for _ in range(7):
        wanted = torch.cat((wanted, table[wanted[:, -1:]].argmax(-1)), dim=1)
    wanted = wanted[:, 1:]
    for temperature in (0, 0.0):
        result, again = (write(table, idx, 7, temperature) for _ in range(2))
        if torch.equal(result, wanted):
            continue
        row = int((result != wanted).any(1).int().argmax())
        raise CheckFailed(
            f"at temperature 0 the {prompt} {idx[row].tolist()} is followed by {result[row].tolist()}.",
            f"{wanted[row].tolist()}: always the token with the highest score.",
            f"twice the same call gives two {text}s: at temperature 0 nothing is left to chance." if not torch.equal(result, again)
            else "all sequences get the same token, the best of the whole batch: argmax along the words, dim=-1, for each of them."
            if (result == result[:1]).all()
            else "at temperature 0 take the argmax of the last step's scores, along the words.",
        )


@generate.aspect("negative")
def _(answer, seed):
    V = 9
    idx = torch.randint(V, (2, 3))
    want_negative_refused(
        lambda temperature: answer(Stub(reader(V), V), idx, 2, temperature),
        lambda: text_of(answer, Stub(reader(V), V), idx, 2), "generate", "writes a text")


def want_negative_refused(call: Callable[[float], object], at_one: Callable[[], object], what: str, does: str) -> None:
    """Refuse an answer that takes a negative temperature, in notebook 6 and in notebook 8.

    Args:
        call: the learner's function at a temperature.
        at_one: the same at temperature 1, which says so if it is not written yet.
        what: its name.
        does: what it does in place of raising a ValueError.
    """
    for temperature in (-1.0, -0.01):
        try:
            call(temperature)
        except ValueError:
            continue
        except Exception as error:
            if isinstance(error, NotImplementedError):
                at_one()
            raise CheckFailed(
                f"{what} raises {type(error).__name__} for temperature {temperature:g}: {error}",
                "a ValueError with a sentence of yours.",
                "ask first: if temperature < 0: raise ValueError(…).",
            ) from None
        raise CheckFailed(
            f"{what} takes temperature {temperature:g} and {does}.",
            "a ValueError.",
            "a negative temperature prefers the worst words, and nobody means that. "
            "Say so at the start: if temperature < 0: raise ValueError(…).",
        )


@generate.aspect("block size")
def _(answer, seed):
    V = 11
    for size, T, new in ((5, 3, 7), (6, 6, 3), (4, 9, 5), (7, 2, 5)):
        model, idx = Stub(reader(V), V, block_size=size), torch.randint(V, (2, T))
        result = text_of(answer, model, idx, new)
        longest = max(fed.shape[1] for fed in model.fed)
        if longest > size:
            raise CheckFailed(
                f"the model is fed {longest} tokens, and its config.block_size is {size}.",
                f"at most {size}: it has no positions for more.",
                "feed it idx[:, -block_size:]" + (", one less than you do now." if longest == size + 1 < T + new - 1 else "."),
            )
        wanted = continued(idx, new, V, lambda text: text[:, -size:])
        if torch.equal(result, wanted):
            continue
        candidates = [
            (continued(idx, new, V, lambda text: text[:, :size]), "the *first* block_size tokens are fed to the model, and what is new never reaches it. The last: idx[:, -block_size:]."),
            (continued(idx, new, V, lambda text: text[:, -(size - 1):]), "the model is fed one token less than it can read: idx[:, -block_size:]."),
            (continued(idx, new, V, lambda text: text[:, -1:]), "the model is fed the last token alone, so it has forgotten the rest."),
            (continued(idx, new, V, lambda text: text if text.shape[1] <= size else text[:, -1:]), "when the text is too long the model is fed the last token alone: the last block_size tokens."),
            (continued(idx, new, V, lambda text: text[:, (text.shape[1] - 1) // size * size :]), "whenever block_size tokens are full the model starts afresh, and has forgotten the rest. The last block_size tokens slide along with the text."),
        ]
        raise CheckFailed(
            f"with block_size {size} the prompt {idx[0].tolist()} gives {result[0].tolist()}.",
            f"{wanted[0].tolist()}.",
            next((cause for mistake, cause in candidates if torch.equal(result, mistake)),
                 "the text must begin with the whole prompt; only what the model is fed is cut." if not torch.equal(result[:, :T], idx)
                 else "once the text is longer than block_size, the model is fed its last block_size tokens."),
        )


@generate.aspect("mode")
def _(answer, seed):
    V = 11
    idx = torch.randint(V, (2, 3))
    for before in (True, False):
        model = Stub(reader(V), V).train(before)
        text_of(answer, model, idx, 3)
        if any(model.was_training):
            raise CheckFailed(
                "the model is in training mode while it writes.",
                "eval mode: with dropout on, it reads every text with holes.",
                "call model.eval() before the loop.",
            )
        if (model.training, model.dropout.training) != (before, before):
            raise CheckFailed(
                f"the model was in {'training' if before else 'eval'} mode before, and is in {'eval' if before else 'training'} mode afterwards.",
                "the mode that it was in.",
                "a training loop that looks at a sample would go on without dropout: " * before
                + "keep model.training before the loop, and give it to model.train(…) after it.",
            )


@generate.aspect("no traces")
def _(answer, seed):
    V = 11
    idx = torch.randint(V, (2, 3))
    model = Stub(reader(V), V)
    result = text_of(answer, model, idx, 3)
    if any(model.had_gradient):
        raise CheckFailed(
            "PyTorch keeps a graph for gradients in every step.",
            "none: nobody learns here, and the graph takes memory and time.",
            "put `with torch.no_grad():` around the loop, or @torch.no_grad() above the function.",
        )
    if not model.one.requires_grad or not torch.is_grad_enabled():
        torch.set_grad_enabled(True)
        raise CheckFailed(
            "after generate the model can no longer be trained.",
            "gradients as they were, for whoever trains on.",
            "a switch was thrown and not put back: torch.no_grad() as a `with` block puts it back by itself.",
        )
    if same(result, idx) or result.data_ptr() == idx.data_ptr():
        raise CheckFailed(
            "the text and the prompt are one and the same tensor.", "a new tensor.", "torch.cat makes one.",
        )

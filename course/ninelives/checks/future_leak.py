"""Notebook 5, exercise 3: what a test for leaks from the future must find."""

import torch
from torch import nn

from ninelives.checks.exercise import CheckFailed, Exercise, counted, ids, run
from ninelives.checks.masks import COMPARISON, want_zeros_and_ones
from ninelives.config import TransformerConfig
from ninelives.model import Decoder, Encoder

V = 7  # words of the stubs

PAIR = "the model returns a pair, logits and loss. Take it apart: `logits, loss = model(idx)`."

ANY_MODEL = "the test is for any model. All that you know of it is `model(idx)` and `model.config`: put other words in, and compare the scores."

future_leak = Exercise("future_leak", error_hints={
    "tuple indices must be": PAIR, "'tuple' and 'tuple'": PAIR, "'tuple' and 'Tensor'": PAIR, "'Tensor' and 'tuple'": PAIR,
    "'tuple' object has no attribute": PAIR, "'Mixer' object has no attribute": ANY_MODEL, "'Decoder' object has no attribute": ANY_MODEL,
    "have one of the following scalar types":
        "the model reads token ids, which are whole numbers: `.float()` makes none of them. Put other ids in, and compare the scores.",
    "only Tensors of floating point":
        "ids are whole numbers and have no gradient. Put other ids in, and compare the scores.",
    "'NoneType' and 'NoneType'":
        "this is the model's loss, the second of the pair, and without targets it is None. The scores are the first, `model(idx)[0]`.",
    "index out of range":
        "a word is put in that does not exist. The ids are 0 … V − 1, as `(idx[0, j] + 1) % model.config.vocab_size` always is.",
    "Boolean value of Tensor with more than one value":
        "all V scores of a position are compared, and `if` needs one answer: (…).any(), or the largest difference.",
    "out of bounds for dimension 0 with size 1": "axis 0 is the batch, and holds one sentence: the word at position j is `changed[0, j]`.",
    "non-empty": "of a single word there is nothing to join: begin with zeros (T, T), or change the first word too.",
    "only one element tensors can be converted":
        "a position has V scores. One number of them is, for instance, the largest difference, `.abs().max()`.",
})


class Mixer(nn.Module):
    """A model of which it is known what each output depends on.

    `depends[i, j]` is True if the scores of position i depend on the word at position j. With `into`, (V,), what comes
    of later words is one number, which is added to the scores that many times.
    """

    def __init__(self, depends: torch.Tensor, strength: float = 1.0, into: torch.Tensor | None = None) -> None:
        super().__init__()
        T = len(depends)
        self.config = TransformerConfig(vocab_size=V, block_size=T, n_embd=6, n_head=2, n_layer=1)
        self.embedding = nn.Embedding(V, 6)
        self.scores = nn.Linear(6, V)
        self.dropout = nn.Dropout(0.5)
        self.register_buffer("mix", depends * (0.5 + torch.rand(T, T)))  # (T, T)
        self.strength, self.into = strength, into

    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        x = self.dropout(self.embedding(idx))  # (B, T, C)
        mix = self.mix[: idx.shape[1], : idx.shape[1]]  # (T, T)
        if self.into is None:
            mix = mix.tril() + self.strength * mix.triu(1)
            return self.scores(mix @ x), None  # (B, T, V)
        logits, later = self.scores(mix.tril() @ x), self.strength * self.scores(mix.triu(1) @ x)  # (B, T, V) each
        return logits + later[..., :1] * self.into, None


class Rounds(Mixer):
    """A model that only looks back, and whose scores all differ in their last digits when any word changes, as float32's may."""

    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        last_digits = torch.sin(idx.double().cumsum(1)[:, -1:, None])  # (B, 1, 1)
        return super().forward(idx)[0] + 2e-8 * last_digits, None


class Turned(Mixer):
    """A model in which later words turn the first two scores about 0, so that only their direction tells of a leak."""

    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        x = self.dropout(self.embedding(idx))  # (B, T, C)
        angle = self.scores(self.mix.triu(1) @ x)[..., :1]  # (B, T, 1)
        first, second, others = self.scores(self.mix.tril() @ x).split((1, 1, V - 2), dim=-1)  # (B, T, 1) twice, (B, T, V - 2)
        turned = first * angle.cos() - second * angle.sin(), first * angle.sin() + second * angle.cos()  # (B, T, 1) each
        return torch.cat((*turned, others), dim=-1), None  # (B, T, V)


def moved(model: nn.Module, idx: torch.Tensor, j: int, word: int | torch.Tensor) -> torch.Tensor:
    """(T,): how far the scores of each position move when `word` is at position j."""
    changed = idx.clone()
    changed[0, j] = word
    return (model(changed)[0] - model(idx)[0])[0].abs().amax(-1)


def next_id(idx: torch.Tensor, j: int) -> torch.Tensor:
    """Another id than that at position j."""
    return (idx[0, j] + 1) % V


def all_changes(model: nn.Module, idx: torch.Tensor) -> torch.Tensor:
    """(T, T): how far the scores of position i, a row, move with the word at position j, a column."""
    return torch.stack([moved(model, idx, j, next_id(idx, j)) for j in range(idx.shape[1])], dim=1)


@future_leak.mistake("shape", "column 0 is missing: the first word cannot leak, and has a column of zeros.")
def first_column_left_out(model, idx):
    return (all_changes(model, idx)[:, 1:] > 1e-6).triu()


@future_leak.mistake("shape", "the axis of the batch is still there: it holds one sentence, and `[0]` takes it out.")
def batch_axis_kept(model, idx):
    return (all_changes(model, idx) > 1e-6).triu(1).unsqueeze(0)


@future_leak.mistake("no leak", "the past is no leak: a position may depend on itself and on all before it. Only j > i counts: "
                                "`triu(1)` keeps these pairs.")
def everything_it_depends_on(model, idx):
    return all_changes(model, idx) > 1e-6


@future_leak.mistake("no leak", "a position may depend on its own word: only *later* ones count, j > i. `triu(1)` leaves the diagonal "
                                "out.")
def own_word_too(model, idx):
    return (all_changes(model, idx) > 1e-6).triu()


@future_leak.mistake("no leak", "this is the past. A leak is a change *before* the position that was changed.")
def past_alone(model, idx):
    return (all_changes(model, idx) > 1e-6).tril(-1)


@future_leak.mistake("no leak", "rows and columns are swapped, so that `triu` keeps the past: row i is the output, column j the word that was "
                                "changed. The changes for word j are a column: `torch.stack(…, dim=1)`.")
def stacked_as_rows(model, idx):
    return (all_changes(model, idx) > 1e-6).T.triu(1)


@future_leak.mistake("no leak", "rounding is taken for a leak: a difference below 1e-6 does not count. Compare with `> 1e-6`, not with `> 0` "
                                "or `!=`.")
def every_difference_counts(model, idx):
    return (all_changes(model, idx) > 0).triu(1)


@future_leak.mistake("leaks", "rows and columns are swapped: row i is the output, column j the word that was changed.")
def rows_and_columns_swapped(model, idx):
    return (all_changes(model, idx) > 1e-6).triu(1).T


@future_leak.mistake("leaks", "only the next word is looked at: an output may also depend on words further on.")
def next_word_alone(model, idx):
    return (all_changes(model, idx) > 1e-6).triu(1).tril(1)


@future_leak.mistake("leaks", "every position before the changed one is marked as soon as one of them moves. Look at each output "
                              "by itself.")
def whole_column_marked(model, idx):
    leaks = (all_changes(model, idx) > 1e-6).triu(1)
    return leaks.any(0, keepdim=True) & torch.ones_like(leaks).triu(1)


@future_leak.mistake("leaks", "every later position is marked as soon as one of them has an effect. Change one word at a time.")
def whole_row_marked(model, idx):
    leaks = (all_changes(model, idx) > 1e-6).triu(1)
    return leaks.any(1, keepdim=True) & torch.ones_like(leaks).triu(1)


@future_leak.mistake("leaks", "what is compared is the word with the highest score. A leak may move the scores and leave the best word "
                              "the same: compare the scores.")
def best_words_compared(model, idx):
    T = idx.shape[1]
    best = model(idx)[0][0].argmax(-1)
    leaks = torch.zeros(T, T, dtype=torch.bool)
    for j in range(T):
        changed = idx.clone()
        changed[0, j] = next_id(idx, j)
        leaks[:, j] = model(changed)[0][0].argmax(-1) != best
    return leaks.triu(1)


@future_leak.mistake("leaks", "each position is given the word with id 0, and where it has that word already nothing changes. Take "
                              "another word than the one that is there.")
def word_0_everywhere(model, idx):
    return torch.stack([moved(model, idx, j, 0) > 1e-6 for j in range(idx.shape[1])], dim=1).triu(1)


FALLING = "scores that fall are overlooked: take the absolute value of each difference, `.abs()`, before the largest or the mean is taken."


@future_leak.mistake("leaks", FALLING)
def largest_rise_alone(model, idx):
    T = idx.shape[1]
    leaks = torch.zeros(T, T, dtype=torch.bool)
    for j in range(T):
        changed = idx.clone()
        changed[0, j] = next_id(idx, j)
        leaks[:, j] = (model(changed)[0] - model(idx)[0])[0].amax(-1) > 1e-6
    return leaks.triu(1)


@future_leak.mistake("leaks", FALLING)
def scores_that_rise_alone(model, idx):
    T = idx.shape[1]
    leaks = torch.zeros(T, T, dtype=torch.bool)
    for j in range(T):
        changed = idx.clone()
        changed[0, j] = next_id(idx, j)
        leaks[:, j] = (model(changed)[0] - model(idx)[0])[0].mean(-1) > 1e-6
    return leaks.triu(1)


BATCH_KEPT = "the axis of the batch, of size 1, is still there: `[0]` takes the one sentence out of it."


@future_leak.mistake("shape", BATCH_KEPT)
def one_sentence_not_taken_out(model, idx):
    return torch.ones(len(idx), idx.shape[1], idx.shape[1]).triu(1)


@future_leak.mistake("shape", BATCH_KEPT)
def one_sentence_stacked(model, idx):
    return torch.ones(idx.shape[1], len(idx), idx.shape[1]).triu(1)


def words(seed: int, T: int) -> torch.Tensor:
    """(1, T): ids among which are 0 and V - 1."""
    generator = torch.Generator().manual_seed(seed)
    idx = torch.randint(1, V - 1, (1, T), generator=generator)
    idx[0, 1 % T], idx[0, T - 2] = V - 1, 0
    return idx


def leaks_of(answer, model: nn.Module, idx: torch.Tensor) -> torch.Tensor:
    """What the learner finds, whatever its dtype, as (T, T) bool."""
    T = idx.shape[1]
    what = f"future_leak for {counted(T, 'word')}"
    result = run(answer, model, idx, what="future_leak")
    future_leak.want_shape(result, (T, T), "(T, T)", what, (model, idx))
    want_zeros_and_ones(result, what, COMPARISON, MARKED, wanted="only 1 (True) for a leak and 0 (False) for none.")
    return result.bool()


MARKED = "these are the differences themselves. Where one is above 1e-6 there is a leak, and a 1: a comparison, `> 1e-6`, gives it."
SEVERAL = ("in one call several words differ from the sentence, so it cannot be told which of them is read. Change one at a time, in a new "
           "`idx.clone()` for each j.")
NOTHING_FOUND = ("no leak is found in a model that has one. Change one word at a time, and compare the scores of the positions "
                 "before it with those of the unchanged sentence.")
OVERLOOKED = "a leak is overlooked: every pair counts, however small the change. Compare all scores of each position, for every j."
NEVER_REPLACED = ("there is a position at which no other word is ever put in. Each of 1 … T − 1 needs its turn, and the word that is put in must be "
                  "another than the one that is there.")


def want_leaks(
    answer, model: nn.Module, idx: torch.Tensor, wanted: torch.Tensor, kind: str, nothing_found: str = NOTHING_FOUND
) -> None:
    """Refuse another answer than `wanted` (T, T) for a model of this kind.

    Args:
        answer: the learner's.
        model: in eval mode.
        idx: (1, T).
        wanted: (T, T) bool.
        kind: what sort of model it is, for the message.
        nothing_found: the cause if there are leaks and none is found, which many mistakes have in common.
    """
    training, several, replaced = [], [], torch.zeros(idx.shape[1], dtype=torch.bool)

    def note(module: nn.Module, given: tuple, _: object) -> None:
        training.append(module.training)
        if given and given[0].shape[1:] == idx.shape[1:]:
            differs = given[0] != idx  # (B, T)
            several.append(bool((differs.sum(1) > 1).any()))
            replaced.logical_or_(differs.any(0))  # (T,)

    asked = model.register_forward_hook(note)
    result = leaks_of(answer, model, idx)
    asked.remove()
    if any(training) and not torch.equal(result, wanted):
        raise CheckFailed(
            f"for {kind} future_leak finds {counted(int(result.sum()), 'leak')}, and the model is in training mode while it is asked.",
            f"{counted(int(wanted.sum()), 'leak')}.",
            "dropout is switched on, so that every two calls differ. The model that you are given is in eval mode: leave it there.",
        )
    if any(several) and not torch.equal(result, wanted):
        raise CheckFailed(
            f"for {kind} future_leak finds {counted(int(result.sum()), 'leak')}.", f"{counted(int(wanted.sum()), 'leak')}.", SEVERAL,
        )
    missed = (wanted & ~result).any(0)  # (T,), columns
    # An answer that replaces no word at all may look at gradients instead.
    never_replaced = bool(replaced.any() and missed.any() and not replaced[missed].any())
    if wanted.any() and not result.any():
        raise CheckFailed(
            f"for {kind} future_leak finds nothing.", f"{counted(int(wanted.sum()), 'leak')}.",
            NEVER_REPLACED if never_replaced else nothing_found,
        )
    otherwise = NEVER_REPLACED if never_replaced else OVERLOOKED
    if (result & ~wanted).any():
        otherwise = "a leak is reported where there is none: change one word, and mark only outputs before it whose scores have moved."
    future_leak.want_values(
        result.long(), wanted.long(), (model, idx), what=lambda row: f"for {kind}, row {row} of future_leak is",
        otherwise=otherwise, caption=f"Leaks of {kind}: wanted, and yours", row_of=ids,
        meaning=": 1 where the output of this row depends on a later word",
    )


@future_leak.aspect("shape")
def has_a_row_for_each_output_and_a_column_for_each_word(answer, seed):
    for T in (5 + seed % 3, 1, 2):
        leaks_of(answer, Mixer(torch.ones(T, T).tril()).eval(), words(seed, T))


@future_leak.aspect("no leak")
def reports_nothing_for_a_model_without_a_leak(answer, seed):
    T = 5 + seed % 3
    nothing = torch.zeros(T, T, dtype=torch.bool)
    # Not all of the past, so that swapped rows and columns can be told from a leak at every pair.
    last_reads_first = torch.eye(T) + one_pair(T, T - 1, 0)
    want_leaks(answer, Mixer(last_reads_first).eval(), words(seed, T), nothing, "a model in which only the last word reads the first")
    for T in (5 + seed % 3, 1, 2):
        nothing = torch.zeros(T, T, dtype=torch.bool)
        want_leaks(answer, Mixer(torch.ones(T, T).tril()).eval(), words(seed, T), nothing, "a model that only looks back")
    config = TransformerConfig(vocab_size=V, block_size=12, n_embd=8, n_head=2, n_layer=2, dropout=0.1)
    with torch.no_grad():
        idx = words(seed, 7)
        spread = torch.stack((idx, idx.flip(1)), dim=2)[..., 0]  # the same ids, not contiguous
        decoder = with_large_weights(Decoder(config))
    want_leaks(answer, decoder, spread, torch.zeros(7, 7, dtype=torch.bool), "a decoder")
    rounding = Rounds(torch.eye(7) + one_pair(7, 6, 0)).double().eval()
    want_leaks(answer, rounding, words(seed, 7), torch.zeros(7, 7, dtype=torch.bool), "a model that only looks back, but whose scores are rounded")


def with_large_weights(model: nn.Module) -> nn.Module:
    """Weights of std 0.6, in eval mode, in float64 so that a difference cannot come from rounding."""
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.6)
    return model.double().eval()


@future_leak.aspect("leaks")
def finds_every_pair_that_leaks(answer, seed):
    T = 5 + seed % 3
    past, future = torch.ones(T, T).tril() - one_pair(T, T - 1, 1), torch.ones(T, T).triu(1).bool()
    for depends, kind in (
        (torch.ones(T, T), "a model in which every word reads every other"),
        (past + one_pair(T, 0, T - 1), "a model in which only the first word reads the last"),
        (past + torch.ones(T, T).triu(1).tril(1), "a model that also looks at the next word"),
        (past + one_pair(T, T - 2, T - 1), "a model in which only the last word but one reads the last"),
        (past + one_pair(T, 1, 3) + one_pair(T, 0, 2), "a model with two leaks"),
    ):
        want_leaks(answer, Mixer(depends).eval(), words(seed, T), depends.bool() & future, kind)
    everything = torch.ones(T, T)
    want_leaks(answer, Mixer(everything, strength=1e-4).double().eval(), words(seed, T), future, "a model that leaks a little", OVERLOOKED)
    large = Mixer(everything, strength=1e-4).double().eval()
    with torch.no_grad():
        large.scores.bias.add_(100.0)
    want_leaks(answer, large, words(seed, T), future, "a model with large scores that leaks a little", (
        "differences are measured against the size of the scores, as torch.allclose and torch.isclose do unless rtol=0. Compare them with 1e-6."
    ))
    for word in (0, V - 1):
        kind = f"a model that leaks only into the score of word {word}"
        want_leaks(answer, Mixer(everything, into=one_word(word)).eval(), words(seed, T), future, kind, (
            "a leak into the score of a single word is overlooked: compare the scores of all V words, not one of them, their "
            "mean, or the best word."
        ))
    up_and_down = Mixer(everything, into=one_word(0) - one_word(1)).double().eval()
    want_leaks(answer, up_and_down, words(seed, T), future, "a model whose leak raises one score as much as it lowers another", (
        "the differences of the V scores are added up with their signs, so that a rise and a fall cancel: `.abs()` comes before the sum."
    ))
    all_alike = Mixer(everything, into=torch.ones(V)).double().eval()
    want_leaks(answer, all_alike, words(seed, T), future, "a model whose leak moves all scores of a position by the same", (
        "what is compared are probabilities. A softmax does not show what all scores of a position have in common: compare the scores themselves."
    ))
    want_leaks(answer, Turned(everything).double().eval(), words(seed, T), future, "a model whose leak leaves the norm of the scores as it is", (
        "what is compared is how large the scores are together. Subtract the scores themselves, one by one, before the norm or the largest is taken."
    ))
    same = torch.full((1, T), 3)
    want_leaks(answer, Mixer(everything).eval(), same, future, "a sentence of one word, over and over",
               "where the same word is put in that was there, nothing can change: take another one.")
    config = TransformerConfig(vocab_size=V, block_size=12, n_embd=8, n_head=2, n_layer=1, dropout=0.1)
    want_leaks(answer, with_large_weights(Encoder(config)), words(seed, T), future, "an encoder")


def one_word(word: int) -> torch.Tensor:
    """(V,): 1 at this word alone."""
    return nn.functional.one_hot(torch.tensor(word), V)


def one_pair(T: int, i: int, j: int) -> torch.Tensor:
    """(T, T): 1 at [i, j] alone."""
    pair = torch.zeros(T, T)
    pair[i, j] = 1
    return pair


@future_leak.aspect("leaves the model as it was")
def leaves_the_model_as_it_was(answer, seed):
    for depends in (torch.ones(6, 6), torch.ones(6, 6).tril(), torch.ones(1, 1)):
        want_no_traces(answer, Mixer(depends).eval(), words(seed, len(depends)))


def want_no_traces(answer, model: nn.Module, idx: torch.Tensor) -> None:
    """Refuse an answer that leaves mode, weights or gradients of a model (in eval mode) in another state."""
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    chance = [torch.get_rng_state()]
    for _ in range(2):
        leaks_of(answer, model, idx)
        chance.append(torch.get_rng_state())
    if torch.equal(chance[1], chance[2]) and not torch.equal(chance[0], chance[1]):
        raise CheckFailed(
            "after future_leak PyTorch's random numbers begin at the same place each time.",
            "random numbers that go on: what is drawn afterwards must not depend on a test.",
            "future_leak sets a seed. This test leaves nothing to chance and needs none.",
        )
    if model.training or model.dropout.training:
        raise CheckFailed(
            "the model was in eval mode before, and is in training mode afterwards.",
            "the mode that it was in.",
            "leave the mode alone: the model that you are given is in eval mode.",
        )
    if any(not torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items()):
        raise CheckFailed(
            "the weights of the model have changed.",
            "the weights as they were: a test only looks.",
            "change a word in a copy of idx, and nothing in the model.",
        )
    if any(parameter.grad is not None for parameter in model.parameters()) or not model.scores.weight.requires_grad:
        raise CheckFailed(
            "the parameters of the model hold other gradients than before, or none can be computed any more.",
            "the model as it was: the next step of a training would add to these gradients.",
            "compare scores under torch.no_grad(), or use torch.autograd.grad, which leaves `.grad` alone.",
        )
    if not torch.is_grad_enabled():
        torch.set_grad_enabled(True)
        raise CheckFailed(
            "after future_leak no gradients are computed any more.",
            "gradients as they were: training may go on.",
            "torch.no_grad() as a `with` block switches them on again by itself.",
        )

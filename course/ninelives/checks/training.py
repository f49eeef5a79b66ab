"""Notebook 9: what the parts of a training must do, from the tokenizer to the number that is reported."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from ninelives.checks.exercise import CheckFailed, Exercise, run, same, want_shape
from ninelives.config import TransformerConfig
from ninelives.model import EncoderDecoder

tokenizer = Exercise("Tokenizer")
translation_batch = Exercise("translation_batch")
training_step = Exercise("training_step")
noam_rate = Exercise("noam_rate")
warmup_cosine = Exercise("warmup_cosine")
exact_match = Exercise("exact_match")
honest_accuracy = Exercise("honest_accuracy")
own_training = Exercise("own_training")


# --- exercise 1: the tokenizer -------------------------------------------------------------------

# Not in alphabetical order, and none a part of another's sentence by accident.
WORDS = ["il", "the", "qu'", "était", "cat", "parce", "it", "le", "was", "full", "chat", "because", "plein", "hen"]
TEXTS = ["the cat was full because it was full", "le chat était plein parce qu'il était plein", "it was the hen", "hen"]


def made_tokenizer(answer, seed: int) -> tuple[Any, list[str]]:
    """The learner's tokenizer on a vocabulary of this seed's order, and that vocabulary."""
    words = WORDS[seed % 3 :] + WORDS[: seed % 3]
    return run(answer, list(words), what="Tokenizer.__init__"), words


def said(ids: torch.Tensor) -> str:
    """Ids, for a message."""
    return str(ids.tolist()) if isinstance(ids, torch.Tensor) else repr(ids)


def encoded(made, words: list[str], text: str) -> torch.Tensor:
    """What the learner's encode gives; a word that is known and refused gets its likely cause."""
    causes = {
        "full.": "the full stop at the end belongs to no word: `text.removesuffix(\".\")`.",
        "The": "a word at the beginning of a sentence is the same word: `text.lower()` first.",
        "qu'il": "\"qu'il\" is two words: put a blank behind every apostrophe, `text.replace(\"'\", \"' \")`, and then split.",
        "''": "`split(\" \")` makes an empty word of two blanks in a row; `split()` does not.",
    }
    return run(made.encode, text, what=f"encode({text!r})", error_hints=causes)


@tokenizer.aspect("encode")
def _(answer, seed):
    made, words = made_tokenizer(answer, seed)
    plain = [(text, text.replace("'", "' ").split()) for text in TEXTS]
    forms = [("The cat was full", "the cat was full".split()), ("the cat was full.", "the cat was full".split()),
             ("The  hen was full. ", "the hen was full".split())]
    for text, wanted_words in plain + forms:
        wanted = torch.tensor([1 + words.index(word) for word in wanted_words])
        result = encoded(made, words, text)
        known = {
            (len(wanted) + 1,): "one id too many: the end token is put behind an answer when a batch is made, not by encode.",
            (len(text),): "these are as many ids as the text has letters. Each word gets one: `text.split()`.",
            (1, len(wanted)): "the ids of one sentence have one axis, (T,); the batch comes later.",
        }
        want_shape(result, wanted.shape, "(T,)", f"encode({text!r})", causes=known)
        if result.dtype != torch.int64:
            raise CheckFailed(f"encode gives {result.dtype}.", "torch.int64: ids look up rows of a table.",
                              "`torch.tensor([…])` of whole numbers is int64 by itself.")
        if not torch.equal(result, wanted):
            causes = [
                (wanted + 1, "these ids are too high by 1: an id is a place in self.words, counted from 0."),
                (wanted - 1, "these ids are too low by 1: id 0 is the end token's, with which self.words begins."),
                (torch.tensor([sorted([*words, "<end>"]).index(w) for w in wanted_words]), "the ids are places in the sorted vocabulary. "
                 "The words keep the order in which they were given."),
                (wanted.flip(0), "the sentence is turned round."),
            ]
            raise CheckFailed(
                f"encode({text!r}) gives {said(result)}.", f"{said(wanted)}, the place of each word in the vocabulary.",
                next((cause for other, cause in causes if torch.equal(result, other)),
                     "a word's id is its place in self.words; the dictionary self.id_of holds it."),
            )
    if getattr(made, "end_token", None) != 0:
        raise CheckFailed(f"end_token is {getattr(made, 'end_token', None)!r}.", "0.",
                          "keep the __init__ that stands in the exercise as it is.")


@tokenizer.aspect("unknown")
def _(answer, seed):
    made, words = made_tokenizer(answer, seed)
    for text, word in (("the unicorn was full", "unicorn"), ("it was purple", "purple"), ("Zebra", "zebra")):
        try:
            result = made.encode(text)
        except ValueError as error:
            if word in str(error).lower():
                continue
            raise CheckFailed(
                f"encode({text!r}) raises ValueError: {error}", f"a message that names the word, {word!r}.",
                "whoever reads the message wants to know which of their words it was.") from None
        except NotImplementedError:
            raise CheckFailed("encode is not written yet.", "a ValueError for an unknown word.", "write encode first.") from None
        except Exception as error:
            raise CheckFailed(
                f"encode({text!r}) raises {type(error).__name__}: {error}",
                f"ValueError, with a message that names {word!r}.",
                "look before the dictionary is asked: `if word not in self.id_of: raise ValueError(…)`.") from None
        length = len(text.split())
        ids = result.tolist() if isinstance(result, torch.Tensor) else result
        if isinstance(ids, list) and len(ids) < length:
            cause = "the word is left out. The model would then translate another sentence than the one that was asked for."
        else:
            cause = "the word silently becomes another one. A vocabulary without a word for the unknown has to refuse it."
        raise CheckFailed(f"encode({text!r}) gives {said(result)}, though {word!r} is not in the vocabulary.",
                          f"ValueError, with a message that names {word!r}.", cause)


@tokenizer.aspect("decode")
def _(answer, seed):
    made, words = made_tokenizer(answer, seed)
    end = 0
    cat, full = [1 + words.index(w) for w in ("le", "chat", "était", "plein")], [1 + words.index(w) for w in ("parce", "qu'", "il")]
    cases = [
        (cat, "le chat était plein"),
        (cat + full, "le chat était plein parce qu'il"),
        (cat + [end], "le chat était plein"),
        (cat + [end, -1, -1], "le chat était plein"),
        (cat + [-1, -1], "le chat était plein"),
        (cat + [end] + full, "le chat était plein"),
        ([end, -1], ""),
        ([1], words[0]),
    ]
    for ids, wanted in cases:
        result = run(made.decode, torch.tensor(ids), what=f"decode({ids})", error_hints={
            "only integer tensors of a single": "go through the ids as numbers: `ids.tolist()`.",
            "out of range": "−1 is padding, not the last word; and behind the end token there may be anything.",
        })
        if not isinstance(result, str):
            raise CheckFailed(f"decode gives a {type(result).__name__}.", "a text, str.", "`\" \".join(words)` makes one text of a list of words.")
        if result == wanted:
            continue
        if result.endswith(words[-1]) and -1 in ids:
            cause = "in Python, words[-1] is the last word of the list. Stop at −1 before you look it up."
        elif "<end>" in result:
            cause = "the end token says that the sentence is over; it is no word of it."
        elif result.replace(" ", "") == wanted.replace(" ", ""):
            cause = ("\"qu'\" stands right before the next word: `.replace(\"' \", \"'\")` at the end." if "'" in wanted and "' " in result
                     else "there is one blank between two words, and none at the ends: `\" \".join(…)`.")
        elif result.startswith(wanted) or not wanted:
            cause = "what stands behind the end token is no longer part of the sentence: stop there, with `break`."
        else:
            cause = "each id is a place in self.words."
        raise CheckFailed(f"decode({ids}) gives {result!r}.", f"{wanted!r}. (The end token is {end}.)", cause)
    for text in TEXTS:
        there_and_back = run(made.decode, encoded(made, words, text), what="decode")
        if there_and_back != text:
            raise CheckFailed(f"decode(encode({text!r})) gives {there_and_back!r}.", "the same text.",
                              "encode and decode must use the same list of words, in the same order.")


# --- exercise 2: the batch -----------------------------------------------------------------------


def some_pairs(seed: int) -> tuple[list[tuple[torch.Tensor, torch.Tensor]], int]:
    """Pairs of several lengths, the longest prefix and the longest answer in different rows, and the end token."""
    lengths = [[(5, 3), (2, 6), (7, 4), (4, 1)], [(1, 2), (6, 5), (3, 7)], [(4, 4), (8, 2), (2, 3), (5, 9), (3, 1)]][seed % 3]
    generator = torch.Generator().manual_seed(seed)
    end = 41 + seed  # no smaller id is special: 0 is a word like others
    pairs = [tuple(torch.randint(0, end, (length,), generator=generator) for length in pair) for pair in lengths]
    pairs[0][0][0] = pairs[1][1][-1] = 0
    return pairs, end


def filled(rows: Sequence[Sequence[int]], padding: int = -1) -> torch.Tensor:
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[padding] * (longest - len(row))] for row in rows])


def batch_of(answer, pairs, end) -> tuple[torch.Tensor, torch.Tensor]:
    """(prefix, targets) from the learner's function; anything else is refused."""
    before = [(a.clone(), b.clone()) for a, b in pairs]
    result = run(answer, pairs, end, error_hints={
        "stack expects": "tensors of different lengths cannot be stacked: make them equally long first.",
        "expected sequence of length": "rows of different lengths make no tensor: fill them up with −1 first.",
    })
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise CheckFailed(
            f"translation_batch gives {'nothing (None)' if result is None else f'a {type(result).__name__}'}.",
            "two tensors: (prefix, targets).", "the function has no `return`." if result is None else "return prefix, targets.")
    if len(before) != len(pairs) or not all(same(a, c) and same(b, d) for (a, b), (c, d) in zip(before, pairs)):
        raise CheckFailed("translation_batch changed the pairs that it was given.", "the pairs as they were: they are drawn again later.",
                          "work on copies; torch.cat makes one.")
    return tuple(result)


@translation_batch.aspect("shape")
def _(answer, seed):
    for pairs, end in (some_pairs(seed), (some_pairs(seed)[0][1:2], some_pairs(seed)[1])):
        B, P, T = len(pairs), max(len(a) for a, _ in pairs), max(len(b) for _, b in pairs)
        prefix, targets = batch_of(answer, pairs, end)
        want_shape(prefix, (B, P), "(B, P), P the longest of the English sentences", "prefix", causes={
            (B, P + 1): "one column too many: the end token stands behind the answers alone.",
            (B, T + 1): "prefix and targets have changed places, or the prefix is as long as the targets: the English comes first.",
            (B, min(len(a) for a, _ in pairs)): "the sentences are cut to the shortest. Fill the shorter ones up instead.",
            (P, B): "each sentence is a row, not a column: `batch_first=True`, or transpose.",
        })
        want_shape(targets, (B, T + 1), "(B, T), T the longest of the French sentences and its end token", "targets", causes={
            (B, T): "there is no room for an end token behind the longest answer. Put the end token behind every answer, then fill up.",
            (B, T + 2): "there is one column too many: one end token, no start token. The decoder starts from the English sentence.",
            (T + 1, B): "each sentence is a row, not a column: `batch_first=True`, or transpose.",
        })
        for name, tensor in (("prefix", prefix), ("targets", targets)):
            if tensor.dtype != torch.int64:
                raise CheckFailed(f"{name} is {tensor.dtype}.", "torch.int64.", "torch.full takes the dtype of its number: −1, not −1.0.")


def padded_in_front(rows):
    """(B, longest T), as a frequent mistake pads."""
    longest = max(map(len, rows))
    return torch.tensor([[*[-1] * (longest - len(row)), *row] for row in rows])


@translation_batch.aspect("values")
def _(answer, seed):
    pairs, end = some_pairs(seed)
    prefix, targets = batch_of(answer, pairs, end)
    sources, answers = [a.tolist() for a, _ in pairs], [b.tolist() for _, b in pairs]
    closed = [[*row, end] for row in answers]
    T = max(map(len, closed))
    wrong_padding = "the padding is {}, which is a word of the vocabulary. Padding is −1."
    for name, seen, wanted, causes in (
        ("prefix", prefix, filled(sources), [
            (padded_in_front(sources), "the padding stands in front. It comes at the end."),
            (filled(sources, 0), wrong_padding.format(0)), (filled(sources, end), wrong_padding.format("the end token")),
            (filled([row[::-1] for row in sources]), "the English sentences are turned round."),
        ]),
        ("targets", targets, filled(closed), [
            (padded_in_front(closed), "the padding stands in front. It comes at the end."),
            (filled(closed, 0), wrong_padding.format(0)), (filled(closed, end), wrong_padding.format("the end token")),
            (filled([[*row, *[-1] * (T - 1 - len(row)), end] for row in answers]), "the end token stands behind the padding. "
             "It stands right behind the last word of each answer."),
            (filled([[*row, -1] for row in answers]), "the end token is missing: without it the model never learns to stop."),
            (filled([[end, *row] for row in answers]), "the end token stands in front. It is the last thing that the model has to say."),
            (filled([[*row[1:], end, -1] for row in answers]), "the targets are moved by one place. The model does that by itself: the last row "
             "of the prefix predicts the first target."),
            (filled([[*row[1:], end] for row in answers] + [[0] * T])[:-1], "the targets are moved by one place. The model does that by itself: "
             "the last row of the prefix predicts the first target."),
            (filled([[*row, end] if len(row) == T - 1 else [*row, -1] for row in answers]), "only the longest answer has an end token."),
        ]),
    ):
        if same(seen, wanted):
            continue
        row = int((seen != wanted).any(1).nonzero()[0])
        raise CheckFailed(
            f"row {row} of {name} is {said(seen[row])}.", f"{said(wanted[row])}. (The end token is {end}.)",
            next((cause for other, cause in causes if same(seen, other)),
                 "the ids of the sentence, for targets the end token behind them, then −1 up to the longest."))


# --- exercise 3: the step ------------------------------------------------------------------------


class Softmax(nn.Module):
    """One linear layer and a softmax: small enough for its gradients to be written down.

    It is called as the Transformers of the course are, and remembers in which mode.
    """

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(features, classes)
        nn.init.normal_(self.linear.weight)
        nn.init.normal_(self.linear.bias)
        self.modes: list[bool] = []

    def forward(self, x, y):
        """x (N, D), y (N,): logits (N, V) and the mean cross-entropy."""
        self.modes.append(self.training)
        logits = self.linear(x)
        return logits, nn.functional.cross_entropy(logits, y)


class ByHand:
    """The same model and optimizer in numpy's float64, from the formulas.

    `variant` names one thing that it does wrongly, so that a learner's numbers can be recognised.
    """

    def __init__(self, model: Softmax, adam: bool, variant: str = "") -> None:
        self.values = [p.detach().double().numpy().copy() for p in (model.linear.weight, model.linear.bias)]
        self.decay = [0.2, 0.0]
        self.adam, self.variant = adam, variant
        self.first = [np.zeros_like(v) for v in self.values]
        self.second = [np.zeros_like(v) for v in self.values]
        self.steps = 0
        self.earlier = None

    def loss_and_gradients(self, x, y):
        x, y = x.double().numpy(), y.numpy()
        scores = x @ self.values[0].T + self.values[1]
        powers = np.exp(scores - scores.max(1, keepdims=True))
        shares = powers / powers.sum(1, keepdims=True)
        most = scores.max(1)
        loss = (most + np.log(powers.sum(1)) - scores[np.arange(len(y)), y]).mean()
        shares[np.arange(len(y)), y] -= 1
        return loss, [shares.T @ x / len(y), shares.mean(0)]

    def step(self, x, y, rate: float, grad_clip: float) -> float:
        loss, gradients = self.loss_and_gradients(x, y)
        if self.variant == "accumulated" and self.earlier is not None:
            gradients = [g + e for g, e in zip(gradients, self.earlier)]
        norm = math.sqrt(sum((g**2).sum() for g in gradients))
        if self.variant == "unclipped":
            pass
        elif self.variant == "by value":
            gradients = [g.clip(-grad_clip, grad_clip) for g in gradients]
        elif self.variant == "each alone":
            gradients = [g * min(1.0, grad_clip / math.sqrt((g**2).sum())) for g in gradients]
        elif self.variant == "always":
            gradients = [g * grad_clip / norm for g in gradients]
        else:
            gradients = [g * min(1.0, grad_clip / norm) for g in gradients]
        self.earlier = gradients
        if self.variant == "ascent":
            gradients = [-g for g in gradients]
        self.steps += 1
        rates = [rate, START_RATE] if self.variant == "one group" else [START_RATE] * 2 if self.variant == "rate" else [rate] * 2
        for k, g in enumerate(gradients):
            if self.variant == "plain":
                self.values[k] -= rates[k] * g
            elif self.adam:
                self.values[k] *= 1 - rates[k] * self.decay[k]
                self.first[k] = 0.9 * self.first[k] + 0.1 * g
                self.second[k] = 0.99 * self.second[k] + 0.01 * g**2
                mean, square = self.first[k] / (1 - 0.9**self.steps), self.second[k] / (1 - 0.99**self.steps)
                self.values[k] -= rates[k] * mean / (np.sqrt(square) + 1e-8)
            else:
                self.first[k] = 0.8 * self.first[k] + g
                self.values[k] -= rates[k] * self.first[k]
        return float(loss)


START_RATE = 0.5
VARIANTS = {
    "accumulated": "the gradients of the step before are still there: backward() adds to them. `optimizer.zero_grad()` once in every step.",
    "unclipped": "the gradients are not clipped: `nn.utils.clip_grad_norm_(model.parameters(), grad_clip)` between backward() and step().",
    "by value": "every single number is clipped, which turns the direction. Their common length is meant: `clip_grad_norm_`.",
    "each alone": "each parameter is clipped on its own, which turns the direction. One norm over all of them: `clip_grad_norm_(model.parameters(), …)`.",
    "always": "short gradients are made longer. Only those longer than grad_clip are to be shortened.",
    "ascent": "the model climbs: the sign is turned round.",
    "rate": "the rate has no effect: put it into every group of optimizer.param_groups, group[\"lr\"] = rate, before the step.",
    "one group": "only the first of the optimizer's groups gets the rate. An optimizer may have several: go through all of optimizer.param_groups.",
    "plain": "this is plain descent, as if every step were the first. The optimizer remembers the steps before: let the very one that was given "
             "move the parameters, `optimizer.step()`.",
}


def situation(seed: int, adam: bool) -> tuple[Softmax, torch.optim.Optimizer, list[tuple[tuple, float]]]:
    """A model, its optimizer with two groups, and four batches with the rate of each."""
    N, D, V = [(6, 4, 3), (5, 3, 6), (8, 5, 4)][seed % 3]
    generator = torch.Generator().manual_seed(100 + seed)
    model = Softmax(D, V)
    groups = [{"params": [model.linear.weight], "weight_decay": 0.2}, {"params": [model.linear.bias], "weight_decay": 0.0}]
    if adam:
        optimizer = torch.optim.AdamW(groups, lr=START_RATE, betas=(0.9, 0.99))
    else:
        for group in groups:
            group["weight_decay"] = 0.0
        optimizer = torch.optim.SGD(groups, lr=START_RATE, momentum=0.8)
    batches = [
        ((torch.randn(N, D, generator=generator) * scale, torch.randint(V, (N,), generator=generator)), rate)
        for scale, rate in ((1.0, 0.1), (3.0, 0.2), (0.3, 0.05), (2.0, 0.15))
    ]
    return model, optimizer, batches


def take_step(answer, model, optimizer, batch, rate, grad_clip) -> Any:
    return run(lambda *batch: answer(model, optimizer, batch, rate, grad_clip), *batch, what="training_step", error_hints={
        "missing 1 required positional argument": "a batch is a tuple of what the model is called with: `model(*batch)`.",
        "does not require grad": "no graph was built: no torch.no_grad() around the step, no .detach() on the loss.",
        "can be implicitly created only for scalar": "backward() is called on the logits. The model returns (logits, loss).",
        "'tuple' object has no attribute": "the model returns two things: `_, loss = model(*batch)`.",
        "'float' object has no attribute": "`.item()` makes a plain number of the loss, from which nothing can be derived: call backward() first.",
        "'NoneType' object has no attribute": "something that is None is used: before backward() the gradients are None.",
    })


FAR = 1e9  # a norm that nothing is clipped to


@training_step.aspect("loss")
def _(answer, seed):
    model, optimizer, batches = situation(seed, adam=False)
    for batch, rate in batches:
        wanted, _ = ByHand(model, False).loss_and_gradients(*batch)
        model.train()
        result = take_step(answer, model, optimizer, batch, rate, FAR)
        if isinstance(result, torch.Tensor) and result.requires_grad:
            raise CheckFailed(
                "training_step returns a tensor that still hangs on its graph.", "a plain number, `loss.item()`.",
                "whoever keeps a thousand of these keeps a thousand graphs, until the memory is full.")
        try:
            number = float(result)
        except (TypeError, ValueError, RuntimeError):
            raise CheckFailed(
                f"training_step returns {'nothing (None)' if result is None else f'a {type(result).__name__}'}.", "the loss, a number.",
                "the function has no `return`." if result is None else "return `loss.item()` alone.") from None
        if abs(number - wanted) > 1e-4 * (1 + abs(wanted)):
            after, _ = ByHand(model, False).loss_and_gradients(*batch)
            raise CheckFailed(
                f"training_step returns {number:.4f}.", f"{wanted:.4f}, the loss of this batch before the parameters moved.",
                "this is the loss after the step: keep the number from which you called backward()." if abs(number - after) < 1e-4
                else "the model returns (logits, loss), the loss already being the mean over the batch: return it as it is.")


@training_step.aspect("update")
def _(answer, seed):
    for adam in (False, True):
        want_path(answer, seed, adam, FAR)


@training_step.aspect("clipping")
def _(answer, seed):
    for adam in (False, True):
        for grad_clip in (0.15, 1.2):  # shorter than every gradient; shorter than some
            want_path(answer, seed, adam, grad_clip)


def want_path(answer, seed: int, adam: bool, grad_clip: float) -> None:
    """Refuse a step after which the parameters are not where the formulas take them."""
    model, optimizer, batches = situation(seed, adam)
    by_hand = ByHand(model, adam)
    others = {variant: ByHand(model, adam, variant) for variant in VARIANTS}
    still = [p.detach().clone() for p in (model.linear.weight, model.linear.bias)]
    name = "AdamW" if adam else "SGD with momentum"
    for number, (batch, rate) in enumerate(batches, start=1):
        model.train()
        take_step(answer, model, optimizer, batch, rate, grad_clip)
        by_hand.step(*batch, rate, grad_clip)
        for other in others.values():
            other.step(*batch, rate, grad_clip)
        seen = [p.detach() for p in (model.linear.weight, model.linear.bias)]
        if close(seen, by_hand.values):
            continue
        if all(torch.equal(a, b) for a, b in zip(seen, still)):
            cause = ("no parameter has moved: `loss.backward()`, then `optimizer.step()`, on the very model that was given "
                     "(a copy learns for nobody), and nothing between them that clears the gradients.")
        else:
            cause = next((VARIANTS[variant] for variant, other in others.items() if close(seen, other.values)),
                         "in this order: zero_grad(), model(*batch), backward(), clip, step(); each once, on the optimizer that was given, "
                         "which remembers the steps before.")
        raise CheckFailed(
            f"after step {number} with {name} the first weights are {numbers_of(seen[0])}.",
            f"{numbers_of(by_hand.values[0])}, computed by hand.", cause)


def close(seen: Sequence[torch.Tensor], wanted: Sequence[np.ndarray]) -> bool:
    return all(np.abs(a.double().numpy() - b).max() < 2e-4 * (1 + np.abs(b).max()) for a, b in zip(seen, wanted))


def numbers_of(values) -> str:
    return "[" + ", ".join(f"{float(x):.4f}" for x in np.asarray(values).flatten()[:3]) + ", …]"


@training_step.aspect("mode")
def _(answer, seed):
    model, optimizer, batches = situation(seed, adam=True)
    for batch, rate in batches[:2]:
        model.eval()
        model.modes.clear()
        take_step(answer, model, optimizer, batch, rate, FAR)
        if model.modes and model.modes[0]:
            continue
        raise CheckFailed(
            "the model was in evaluation, and the step was taken in evaluation.", "a model in training mode: dropout is for training.",
            "whoever measured the accuracy before may have left it so: `model.train()` at the beginning of the step.")


# --- exercise 4: two rates -----------------------------------------------------------------------


def number_from(answer, what: str, *arguments) -> float:
    """A number from a learner's function of numbers, whether float, numpy or tensor."""
    result = run(answer, *arguments, what=what, error_hints={
        "float division by zero": "nothing here is divided by a number that may be 0; look at the powers once more.",
        "math domain error": "a root of something negative: is it step, or step − warmup_steps?",
    })
    try:
        number = float(result)
    except (TypeError, ValueError):
        raise CheckFailed(f"{what} gives {'nothing (None)' if result is None else f'a {type(result).__name__}'}.", "a number.",
                          "the function has no `return`." if result is None else "return one number.") from None
    if isinstance(result, complex) or math.isnan(number):
        raise CheckFailed(f"{what} gives {result!r}.", "a number.", "a power of something negative?")
    return number


@noam_rate.aspect("values")
def _(answer, seed):
    d_model, warmup = [(128, 4000), (64, 400), (512, 1000)][seed % 3]
    steps = (1, 7, warmup // 2, warmup - 1, warmup, warmup + 1, 3 * warmup, 25_000, 100_000)

    def wanted(step):
        # By another road: up in a straight line to its top, then down as one over a root.
        top = 1 / math.sqrt(d_model * warmup)
        return top * step / warmup if step <= warmup else top * math.sqrt(warmup / step)

    want_rates("noam_rate", [(step, d_model, warmup) for step in steps], answer, wanted, {
        "the larger of the two is taken. The smaller one: min.": lambda s: d_model**-0.5 * max(s**-0.5, s * warmup**-1.5),
        "the factor d_model ** −0.5 is missing.": lambda s: min(s**-0.5, s * warmup**-1.5),
        "the root of d_model stands above the line. It divides: d_model ** −0.5.": lambda s: d_model**0.5 * min(s**-0.5, s * warmup**-1.5),
        "this divides by d_model. By its root: d_model ** −0.5.": lambda s: min(s**-0.5, s * warmup**-1.5) / d_model,
        "there is no warm-up: the second of the two numbers under min is missing.": lambda s: (d_model * s) ** -0.5,
        "it climbs for ever: the first of the two numbers under min is missing.": lambda s: d_model**-0.5 * s * warmup**-1.5,
        "the power of warmup_steps is −1.5, not −0.5.": lambda s: d_model**-0.5 * min(s**-0.5, s * warmup**-0.5),
        "the power of step is −0.5, not 0.5.": lambda s: d_model**-0.5 * min(s**0.5, s * warmup**-1.5),
        "d_model and warmup_steps have changed places.": lambda s: warmup**-0.5 * min(s**-0.5, s * d_model**-1.5),
        "1 is added to step. The first step is number 1 already.": lambda s: wanted(s + 1),
        "this is the rate at step 100,000, whatever the step is.": lambda s: wanted(100_000),
    }, "d_model ** −0.5 · min(step ** −0.5, step · warmup_steps ** −1.5).")


@warmup_cosine.aspect("warm-up")
def _(answer, seed):
    for peak, warmup, last in cosine_sizes(seed):
        steps = sorted({1, 2, warmup // 2, warmup - 1, warmup} & set(range(1, warmup + 1)))
        want_rates("warmup_cosine", [(step, peak, warmup, last) for step in steps], answer, lambda s: peak * s / warmup, {
            "this is the peak. On the way up it is a part of it, step / warmup_steps.": lambda s: peak,
            "the first step would be taken with rate 0. It is number 1: step / warmup_steps.": lambda s: peak * (s - 1) / warmup,
            "1 is added to step. The first step is number 1 already.": lambda s: peak * (s + 1) / warmup,
            "the wave begins at step 0. It begins behind the warm-up.": lambda s: peak * math.cos(math.pi / 2 * s / last) ** 2,
        }, "up to warmup_steps: peak · step / warmup_steps.")


@warmup_cosine.aspect("cosine")
def _(answer, seed):
    for peak, warmup, last in cosine_sizes(seed):
        steps = sorted({warmup + 1, (warmup + last) // 2, (warmup + 3 * last) // 4, last - 1, last})

        def done(step):
            return (step - warmup) / (last - warmup)

        # (1 + cos x) / 2 is the square of cos(x / 2).
        want_rates("warmup_cosine", [(step, peak, warmup, last) for step in steps], answer, lambda s: peak * math.cos(math.pi / 2 * done(s)) ** 2, {
            "it stays at the peak. Behind the warm-up it falls, half a wave of a cosine.": lambda s: peak,
            "the wave begins at step 0. It begins behind the warm-up: what counts is (step − warmup_steps) / (max_iters − warmup_steps).":
                lambda s: peak * math.cos(math.pi / 2 * s / last) ** 2,
            "the wave is too long: it has max_iters − warmup_steps steps.": lambda s: peak * math.cos(math.pi / 2 * (s - warmup) / last) ** 2,
            "a cosine goes down to −1, and a rate must not: (1 + cos) / 2.": lambda s: peak * math.cos(math.pi * done(s)),
            "the half is missing: (1 + cos) / 2 goes from 1 to 0.": lambda s: peak * (1 + math.cos(math.pi * done(s))),
            "this is a straight line down. A cosine was asked for.": lambda s: peak * (1 - done(s)),
            "math.cos wants radians: half a wave is math.pi.": lambda s: peak * (1 + math.cos(180 * done(s))) / 2,
            "a whole wave comes back up. Half a wave is math.pi.": lambda s: peak * (1 + math.cos(2 * math.pi * done(s))) / 2,
            "this rises, and it is to fall.": lambda s: peak * math.sin(math.pi / 2 * done(s)) ** 2,
        }, "behind the warm-up: peak · (1 + cos(π · done)) / 2, where done goes from 0 to 1.")


def cosine_sizes(seed: int) -> list[tuple[float, int, int]]:
    """(peak, warmup_steps, max_iters), with no warm-up at all among them."""
    return [
        [(2e-3, 100, 2000), (0.5, 7, 31), (1e-4, 0, 10)],
        [(3e-3, 50, 900), (1.0, 4, 13), (2e-3, 0, 5)],
        [(1e-3, 200, 1000), (0.3, 9, 17)],
    ][seed % 3]


def want_rates(what: str, calls: list[tuple], answer, wanted, mistakes: dict, otherwise: str) -> None:
    """Refuse rates that differ from the wanted ones. The first argument of each call is the step.

    `mistakes` maps likely causes to the rate that each would give: the one that explains all is named.
    """
    if not calls:
        return
    told = [number_from(answer, f"{what}({', '.join(f'{x:g}' for x in call)})", *call) for call in calls]
    scale = max(abs(wanted(call[0])) for call in calls)

    def agree(other):
        return all(abs(number - other(call[0])) <= 1e-6 * (abs(other(call[0])) + scale * 1e-3) for number, call in zip(told, calls))

    if agree(wanted):
        return
    off = [abs(number - wanted(call[0])) / (abs(wanted(call[0])) + scale * 1e-3) for number, call in zip(told, calls)]
    worst = off.index(max(off))
    raise CheckFailed(
        f"{what}({', '.join(f'{x:g}' for x in calls[worst])}) gives {told[worst]:.3e}.", f"{wanted(calls[worst][0]):.3e}.",
        next((cause for cause, other in mistakes.items() if agree(other)), otherwise))


# --- exercise 5: exact match ---------------------------------------------------------------------


class Speaker(nn.Module):
    """An encoder–decoder that answers by heart, so that its accuracy is known.

    `lines` maps a prefix, a tuple of ids, to what the model says, word by word, as long as what
    stands before is what it has said; after anything else it says NONSENSE. It is sure, but not
    quite: who draws from it by chance often gets another word. In training it stammers.
    """

    V = 12
    NONSENSE = 7

    def __init__(self, lines: dict[tuple, list[int]], answers: list[list[int]]) -> None:
        super().__init__()
        self.lines, self.answers = lines, answers
        self.one = nn.Parameter(torch.ones(()))
        self.encoder, self.decoder = Ear(self), Mouth(self)

    def forward(self, prefix, targets):
        return self.decoder(targets, targets, hidden_cache=self.encoder(prefix, return_hidden=True))

    def next(self, heard: tuple, before: list[int]) -> int:
        line = self.lines.get(heard)
        if line is None:  # someone has put the answer into the question: it need only be read out
            line = max((a for a in self.answers if heard[-len(a) :] == tuple(a)), key=len, default=[])
        before = [word for word in before if word != -1]
        if line[: len(before)] == before and len(before) < len(line):
            return line[len(before)]
        return self.NONSENSE


class Ear(nn.Module):
    """Its hidden states are the ids, counted from 1; padding is zero."""

    def __init__(self, speaker: Speaker) -> None:
        super().__init__()
        self.fed: list[torch.Tensor] = []

    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        self.fed.append(idx.clone())
        hidden = (idx + 1.0).unsqueeze(-1)  # (B, P, 1)
        return hidden if return_hidden else (hidden, None)


class Mouth(nn.Module):
    def __init__(self, speaker: Speaker) -> None:
        super().__init__()
        self.say = speaker.next
        self.V = speaker.V

    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        (B, T), P = idx.shape, hidden_cache.shape[1]
        logits = torch.zeros(B, P + T, self.V)
        for b in range(B):
            heard = tuple(int(id) - 1 for id in hidden_cache[b, :, 0] if id)
            for t in range(T + 1):
                # Greedy this is clear. By chance it is another word in one of six draws.
                word = self.say(heard, idx[b, :t].tolist())
                logits[b, P + t - 1, (word + self.training) % self.V] = 4.0
        loss = None
        if targets is not None:
            loss = nn.functional.cross_entropy(logits[:, P - 1 : P - 1 + T].transpose(1, 2), targets, ignore_index=-1)
        return logits, loss


def interview(seed: int, early: bool = False) -> tuple[Speaker, torch.Tensor, torch.Tensor, int, float, dict[str, float]]:
    """A speaker, prefixes, targets, the end token, the exact share of right answers, and what wrong measures give.

    With `early` every answer of the model ends before the longest target does.
    """
    generator = torch.Generator().manual_seed(seed)
    end = 11
    lines, sources, answers, rights = {}, [], [], []
    kinds = ["right", "right", "word", "long", "short", "right", "last", "word", "last"] if not early else ["short", "right", "short"]
    for k, kind in enumerate(kinds * (2 if not early else 1)):
        P, T = 2 + (k + seed) % 4, 2 + (2 * k + seed) % 5
        # The first word makes every prefix its own; 7 is what the model says when it is lost.
        source = [k % 11, *torch.randint(0, 7, (P,), generator=generator).tolist(), k // 11]
        answer = torch.randint(0, 7, (T + (3 if early and kind == "short" else 0),), generator=generator).tolist()
        line = {"right": [*answer, end], "word": [(answer[0] + 1) % 7, *answer[1:], end], "long": [*answer, 3, end],
                "short": [*answer[:-1], end] if not early else [answer[0], end], "last": [*answer[:-1], (answer[-1] + 1) % 7, end]}[kind]
        lines[tuple(source)] = line
        sources.append(source)
        answers.append([*answer, end])
        rights.append(line == answers[-1])
    prefix, targets = filled(sources), filled(answers)
    model = Speaker(lines, answers)
    # Word by word, with the right words before each: what teacher forcing sees.
    hits, by_place, without_end = [], [], []
    for source, answer in zip(sources, answers):
        guesses = [model.next(tuple(source), answer[:t]) for t in range(len(answer))]
        hits += [a == b for a, b in zip(guesses, answer)]
        by_place.append([a == b for a, b in zip(guesses, answer)] + [True] * (targets.shape[1] - len(answer)))
        without_end.append(lines[tuple(source)][: len(answer) - 1] == answer[:-1])
    shares = {
        "words": float(np.mean(hits)), "with pads": float(np.mean(by_place)), "without end": float(np.mean(without_end)),
        "first word": float(np.mean([lines[tuple(s)][0] == a[0] for s, a in zip(sources, answers)])),
        "count": float(sum(rights)), "percent": 100 * float(np.mean(rights)), "wrong": 1 - float(np.mean(rights)),
    }
    return model, prefix, targets, end, float(np.mean(rights)), shares


MEASURES = {
    "first word": "only the first word is compared.",
    "words": "these are right words, with the right words before each. Asked for are whole sentences, which the model has to write by itself.",
    "with pads": "padding is counted as if it were words that the model got right.",
    "without end": "the end token is not compared: an answer that goes on behind the right words is a wrong one.",
    "count": "this is the number of right answers: divide by how many there are.",
    "percent": "this is in percent: a share between 0 and 1 is wanted.",
    "wrong": "this is the share of wrong answers.",
}


def share_from(answer, model, prefix, targets, end) -> float:
    result = run(lambda prefix, targets: answer(model, prefix, targets, end), prefix, targets, what="exact_match", error_hints={
        "must match the size": "the model may stop earlier than the longest answer, so what it says may have fewer columns than targets: "
                               "fill it up with −1, or compare row by row.",
        "too many indices": "the answer of prefix_generation is (B, new).",
    })
    try:
        return float(result)
    except (TypeError, ValueError, RuntimeError):
        raise CheckFailed(f"exact_match gives {'nothing (None)' if result is None else f'a {type(result).__name__}'}.",
                          "one number, the share of right sentences.",
                          "the function has no `return`." if result is None else "take the mean over the batch.") from None


def want_share(answer, seed: int, early: bool, otherwise: str) -> None:
    model, prefix, targets, end, wanted, shares = interview(seed, early)
    share = share_from(answer, model.eval(), prefix, targets, end)
    if abs(share - wanted) < 1e-6:
        return
    if any(fed.shape != prefix.shape or not torch.equal(fed, prefix) for fed in model.encoder.fed if len(fed) == len(prefix)):
        cause = "the encoder is fed something else than the prefix. With the answer in the question, any model is right."
    else:
        # What a different measure gives, if it is unlike the right one.
        cause = next((cause for name, cause in MEASURES.items() if math.isclose(share, shares[name], rel_tol=1e-5)), otherwise)
    raise CheckFailed(f"exact_match gives {share:.3f} for a model that gets {round(wanted * len(prefix))} of {len(prefix)} sentences right.",
                      f"{wanted:.3f}.", cause)


@exact_match.aspect("greedy")
def _(answer, seed):
    torch.manual_seed(seed)
    model, prefix, targets, end, wanted, _ = interview(seed)
    model.eval()
    shares = {round(share_from(answer, model, prefix, targets, end), 6) for _ in range(6)}
    if len(shares) > 1:
        raise CheckFailed(
            f"asked several times, exact_match gives {min(shares):.3f} and {max(shares):.3f} for the same model.", f"{wanted:.3f} each time.",
            "the words are drawn by chance. For a measure take the best word each time: temperature 0.")


@exact_match.aspect("sentences")
def _(answer, seed):
    for k in (0, 3):
        want_share(answer, seed + k, early=False, otherwise=(
            "let the model write: `prefix_generation(model, prefix, T, 0, end_token=end_token)`; a sentence is right if every word is, "
            "the end token with them."))


@exact_match.aspect("short answers")
def _(answer, seed):
    want_share(answer, seed, early=True, otherwise=(
        "all answers of this model are shorter than the longest target: what it says has fewer columns than targets. Fill it up with −1 "
        "before you compare."))


@exact_match.aspect("mode")
def _(answer, seed):
    for training in (True, False):
        model, prefix, targets, end, wanted, _ = interview(seed)
        model.train(training)
        share = share_from(answer, model, prefix, targets, end)
        if abs(share - wanted) > 1e-6:
            raise CheckFailed(
                f"for a model that comes from training, exact_match gives {share:.3f}.", f"{wanted:.3f}, as in evaluation.",
                "dropout is on: prefix_generation turns it off by itself, model(…) does not.")
        if model.training != training or model.decoder.training != training:
            raise CheckFailed(
                f"the model came in {'training' if training else 'evaluation'} and leaves in {'training' if model.training else 'evaluation'}.",
                "the mode in which it came.", "put back what you changed: `was_training = model.training` before, `model.train(was_training)` after.")


# --- exercise 6: the number that may be told -----------------------------------------------------


@honest_accuracy.aspect("choice")
def _(answer, seed):
    for case in range(3):
        models = [f"model {k}" for k in range(4 + (case + seed) % 2)]
        # The best on each of the three sets is another one.
        generator = np.random.default_rng(100 * seed + case)
        table = {name: generator.permutation(np.linspace(0.41, 0.93, len(models)) + shift)
                 for name, shift in (("train", 0.05), ("validation", 0.01), ("test", 0.0))}
        best = {"train": 0, "validation": 1 + case % 2, "test": 3}
        for name, k in best.items():
            row = table[name].tolist()
            top = row.index(max(row))
            row[top], row[k] = row[k], row[top]
            table[name] = row
        splits = {name: [f"{name} sentence {k}" for k in range(3)] for name in table}
        asked: list[tuple[str, str]] = []

        def score(model, sentences):
            name = next((name for name, content in splits.items() if content == sentences), None)
            if name is None:
                raise ValueError(f"score(model, sentences) wants one of the three sets whole, not {sentences!r}")
            asked.append((model, name))
            return table[name][models.index(model)]

        result = run(lambda: answer(list(models), {k: list(v) for k, v in splits.items()}, score), what="honest_accuracy")
        if not isinstance(result, tuple | list) or len(result) != 2:
            raise CheckFailed(f"honest_accuracy gives {'nothing (None)' if result is None else f'a {type(result).__name__}'}.",
                              "two things: (model, accuracy).", "return the chosen model and its accuracy on the test sentences.")
        chosen, told = result
        wanted = models[best["validation"]]
        truth = table["test"][best["validation"]]
        peeked = sum(name == "test" for _, name in asked)
        if chosen != wanted:
            seen = next((f"the best on {name}" for name, k in best.items() if chosen == models[k]), "the last one" if chosen == models[-1]
                        else "the first one" if chosen == models[0] else "another one")
            cause = {
                "the best on test": "a model that is chosen on the test sentences owes part of its score there to luck, and the number no longer says "
                                    "how good it is on new ones. Choose on validation.",
                "the best on train": "who is best on what was practised has perhaps learnt it by heart. Choose on validation.",
            }.get(seen, "ask score(model, splits[\"validation\"]) for every model and take the best.")
            raise CheckFailed(f"you choose {chosen!r}, {seen}.", f"{wanted!r}, the best on validation.", cause)
        try:
            number = float(told)
        except (TypeError, ValueError):
            raise CheckFailed(f"the accuracy is a {type(told).__name__}.", "a number.", "score gives it.") from None
        if abs(number - truth) > 1e-9:
            sources = {
                table["validation"][best["validation"]]: "this is the score by which it was chosen, and the highest of several is too high by luck. "
                                                         "Tell the one on test.",
                table["train"][best["validation"]]: "this is its score on what it was trained on. Tell the one on test.",
                max(table["test"]): "this is the best score on test, which another model has.",
                float(np.mean(table["test"])): "this is the mean of all models.",
            }
            raise CheckFailed(f"you tell {number:.3f}.", f"{truth:.3f}, the score of {wanted!r} on test.",
                              next((cause for other, cause in sources.items() if abs(number - other) < 1e-9), "score(chosen, splits[\"test\"])."))
        if peeked > 1:
            raise CheckFailed(
                f"the test sentences were asked {peeked} times.", "once, for the model that was chosen.",
                "what has been looked at cannot be unseen: sooner or later somebody chooses by it. Ask test last, and once.")


# --- exercise 7: what is to be trained -----------------------------------------------------------

MOST_PARAMETERS, MOST_STEPS, SHORTEST_BLOCK = 2_000_000, 30_000, 24


@own_training.aspect("sizes")
def _(answer, seed):
    vocab_size, own_seed = 152 + 7 * seed, 41_000 + seed
    result = run(answer, vocab_size, own_seed, what="own_training")
    if not isinstance(result, tuple | list) or len(result) != 3:
        raise CheckFailed(
            f"own_training gives {'nothing (None)' if result is None else f'a {type(result).__name__}'}.",
            "three things: (recipe, encoder_config, decoder_config).",
            "the function has no `return`." if result is None else "return recipe, encoder_config, decoder_config.")
    recipe, encoder, decoder = result
    if not hasattr(recipe, "max_iters") or not hasattr(recipe, "seed"):
        raise CheckFailed(f"the first of the three is a {type(recipe).__name__}.", "a Recipe.", "Recipe(learning_rate=…, batch_size=…, …) comes first.")
    for name, config in (("encoder", encoder), ("decoder", decoder)):
        if not isinstance(config, TransformerConfig):
            raise CheckFailed(f"the {name}'s sizes are a {type(config).__name__}.", "a TransformerConfig.", "TransformerConfig(vocab_size, block_size, …).")
        if config.vocab_size != vocab_size:
            raise CheckFailed(f"the {name}'s vocab_size is {config.vocab_size}.", f"{vocab_size}, as many as the tokenizer has words.",
                              "the number comes in as vocab_size: the vocabulary is not yours to choose here.")
        if config.block_size < SHORTEST_BLOCK:
            raise CheckFailed(f"the {name}'s block_size is {config.block_size}.", f"at least {SHORTEST_BLOCK}.",
                              "the longest sentences would not fit.")
    if encoder.n_embd != decoder.n_embd:
        raise CheckFailed(f"n_embd is {encoder.n_embd} in the encoder and {decoder.n_embd} in the decoder.", "the same in both.",
                          "the decoder reads the encoder's vectors.")
    if recipe.seed != own_seed:
        raise CheckFailed(f"the recipe's seed is {recipe.seed}.", f"{own_seed}, the one that comes in.",
                          "with the same seed and the same recipe two people get the same weights to the bit, and look like copies: Recipe(…, seed=seed).")
    if recipe.max_iters > MOST_STEPS:
        raise CheckFailed(f"max_iters is {recipe.max_iters:,}.", f"at most {MOST_STEPS:,}.", "a better recipe needs fewer.")
    with torch.device("meta"):
        parameters = sum(p.numel() for p in EncoderDecoder(encoder, decoder).parameters())
    if parameters > MOST_PARAMETERS:
        raise CheckFailed(f"the model has {parameters:,} parameters.", f"at most {MOST_PARAMETERS:,}.",
                          "n_embd counts twice: half of it needs a quarter of the parameters.")

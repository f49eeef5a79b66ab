"""Notebook 9, exercises 5 and 6: what the share of right sentences must be, and which number may be reported."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from ninelives.checks.exercise import CheckFailed, Exercise, kind_of, run, want_number, want_pair
from ninelives.checks.sampling import GRADIENTS_OFF
from ninelives.checks.translation_batch import padded
from ninelives.model import prefix_generation

exact_match = Exercise("exact_match", error_hints={
    "too many indices": "the output of prefix_generation is (B, new).",
})
honest_accuracy = Exercise("honest_accuracy", error_hints={
    "not supported between instances of 'Model'":
        "models have no order of their own. Say what is to be compared: `key=lambda model: score(model, splits[\"validation\"])`.",
    "expects one of the models, not None":
        "no score was better than the first best, such as 0, but a score can be negative: begin with float(\"-inf\").",
    "score(model, sentences) expects": "score takes one model, then one of the sets: `score(model, splits[\"validation\"])`.",
    "'Model' object is not callable": "a model is not called here: `score(model, splits[\"validation\"])` says how good it is.",
    "<lambda>() takes 0 positional arguments": "`max` hands each model to the `key`: `lambda model: …`, with the model before the colon.",
    "score() missing 1 required positional argument":
        "`key` is called with one model: `key=lambda model: score(model, splits[\"validation\"])`.",
})


# Exercise 5: exact match


class MemorisedAnswers(nn.Module):
    """An encoder–decoder that has memorised its answers, so that its accuracy is known.

    `lines` maps a prefix, a tuple of ids, to the answer. The model predicts its next word as long as all
    words before are those of the answer; after anything else it predicts NONSENSE. Its probabilities are
    below 1, so drawing from them often gives another word. In training mode it predicts wrong words.
    """

    V = 12
    NONSENSE = 7

    def __init__(self, lines: dict[tuple, list[int]], answers: list[list[int]]) -> None:
        super().__init__()
        self.lines, self.answers = lines, answers
        self.one = nn.Parameter(torch.ones(()))
        self.encoder, self.decoder = IdsAsHiddenStates(), AnswersFromMemory(self)

    def forward(self, prefix, targets):
        return self.decoder(targets, targets, hidden_cache=self.encoder(prefix, return_hidden=True))

    def next_word(self, prefix: tuple, before: list[int]) -> int:
        line = self.lines.get(prefix)
        if line is None:  # the encoder was given the answer too: the model only has to copy it
            line = max((a for a in self.answers if prefix[-len(a) :] == tuple(a)), key=len, default=[])
        before = [word for word in before if word != -1]
        if line[: len(before)] == before and len(before) < len(line):
            return line[len(before)]
        return self.NONSENSE


class IdsAsHiddenStates(nn.Module):
    """An encoder whose hidden states are the ids, counted from 1; padding is zero."""

    def __init__(self) -> None:
        super().__init__()
        self.fed: list[torch.Tensor] = []

    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        self.fed.append(idx.clone())
        hidden = (idx + 1.0).unsqueeze(-1)  # (B, P, 1)
        return hidden if return_hidden else (hidden, None)


class AnswersFromMemory(nn.Module):
    def __init__(self, model: MemorisedAnswers) -> None:
        super().__init__()
        self.next_word = model.next_word
        self.V = model.V

    def forward(self, idx, targets=None, hidden_cache=None, return_hidden=False):
        (B, T), P = idx.shape, hidden_cache.shape[1]
        prefixes = [tuple(int(id) - 1 for id in row if id) for row in hidden_cache[..., 0].tolist()]
        words = [[self.next_word(prefix, row[:t]) for t in range(T + 1)] for prefix, row in zip(prefixes, idx.tolist())]
        logits = torch.zeros(B, P + T, self.V)
        # Greedy decoding always takes this word. A random draw takes another one in one of six cases.
        logits[:, P - 1 :] = 4.0 * nn.functional.one_hot((torch.tensor(words) + self.training) % self.V, self.V)
        loss = None
        if targets is not None:
            loss = nn.functional.cross_entropy(logits[:, P - 1 : P - 1 + T].transpose(1, 2), targets, ignore_index=-1)
        return logits, loss


def model_and_sentences(
    seed: int, early: bool = False, end: int = 11
) -> tuple[MemorisedAnswers, torch.Tensor, torch.Tensor, int, float]:
    """A model, prefixes, targets, the end token, and the exact share of right answers.

    With `early` every answer of the model ends before the longest target does.
    """
    generator = torch.Generator().manual_seed(seed)
    lines, sources, answers, rights = {}, [], [], []
    # Of each kind another number in the two, so that two mistakes do not give the same share in both.
    kinds = [["right", "right", "word", "long", "short", "right", "last", "word", "last"],
             ["right", "short", "word", "long", "right", "long", "long", "last", "right", "right"]][seed // 3 % 2]
    kinds = kinds if not early else ["short", "right", "short"]
    for k, kind in enumerate(kinds * (2 if not early else 1)):
        # The longest target belongs to a sentence that the model gets right: one word too few makes it wrong.
        P, T = 2 + (k + seed) % 4, 9 if k == 0 and not early else 2 + (2 * k + seed) % 5
        # The first and the last word make every prefix different; no answer holds 7, NONSENSE, or an end token.
        source = [k % 11, *torch.randint(0, 7, (P,), generator=generator).tolist(), k // 11]
        answer = torch.randint(1, 7, (T + (3 if early and kind == "short" else 0),), generator=generator).tolist()
        line = {"right": [*answer, end], "word": [answer[0] % 6 + 1, *answer[1:], end], "long": [*answer, 3, end],
                "short": [*answer[:-1], end] if not early else [answer[0], end], "last": [*answer[:-1], answer[-1] % 6 + 1, end]}[kind]
        lines[tuple(source)] = line
        sources.append(source)
        answers.append([*answer, end])
        rights.append(line == answers[-1])
    prefix, targets = padded(sources), padded(answers)
    model = MemorisedAnswers(lines, answers)
    return model, prefix, targets, end, float(np.mean(rights))


def long_answers(seed: int) -> tuple[MemorisedAnswers, torch.Tensor, torch.Tensor, int, float]:
    """As model_and_sentences: short prefixes and targets of 31 tokens, of which the model gets half right, the others up to the last word."""
    end = 11
    answers = torch.randint(1, 7, (4, 30), generator=torch.Generator().manual_seed(seed)).tolist()
    answers = [[*answer, end] for answer in answers]
    sources = [[k, 8, 9] for k in range(4)]
    lines = {tuple(source): [*answer[:-2], answer[-2] % 6 + 1, end] if source[0] % 2 else answer for source, answer in zip(sources, answers)}
    return MemorisedAnswers(lines, answers), torch.tensor(sources), torch.tensor(answers), end, 0.5


def written(model, prefix, targets, end_token):
    """(B, T): what the model writes, padded with -1."""
    T = targets.shape[1]
    output = prefix_generation(model, prefix, T, 0, end_token=end_token)
    return nn.functional.pad(output, (0, T - output.shape[1]), value=-1)


def guessed(model, prefix, targets):
    """For each sentence, which words the model predicts right, given the right words before each (teacher forcing)."""
    for source, target in zip(prefix, targets):
        source, target = source[source != -1][None], target[target != -1][None]
        logits, _ = model.eval()(source, target)
        yield (logits[0, source.shape[1] - 1 : -1].argmax(-1) == target[0]).tolist()


@exact_match.mistake("sentences", "only the first word is compared.")
def first_word_only(model, prefix, targets, end_token):
    return (written(model, prefix, targets, end_token)[:, 0] == targets[:, 0]).float().mean()


@exact_match.mistake(
    "sentences",
    "these are right words, with the right words before each. Count whole sentences, which the model must write "
    "by itself.",
)
def teacher_forced_words(model, prefix, targets, end_token):
    rights = sum(guessed(model, prefix, targets), [])
    return sum(rights) / len(rights)


@exact_match.mistake(
    "sentences",
    "these are single words, the padding among them. A sentence is right if all its words are: `.all(dim=1)` first, then the mean.",
)
def share_of_words(model, prefix, targets, end_token):
    return (written(model, prefix, targets, end_token) == targets).float().mean()


@exact_match.mistake(
    "sentences", "these are single words. A sentence is right if all its words are: `.all(dim=1)` first, then the mean.")
def share_of_words_without_padding(model, prefix, targets, end_token):
    return (written(model, prefix, targets, end_token) == targets)[targets != -1].float().mean()


@exact_match.mistake("sentences", "a sentence counts as soon as one word is right, the padding included. All must be: `.all(dim=1)`.")
def any_word_will_do(model, prefix, targets, end_token):
    return (written(model, prefix, targets, end_token) == targets).any(1).float().mean()


@exact_match.mistake(
    "sentences", "`.all(dim=0)` asks for each position whether it is right in every sentence. Each sentence is a row: `.all(dim=1)`.")
def all_over_the_batch(model, prefix, targets, end_token):
    return (written(model, prefix, targets, end_token) == targets).all(0).float().mean()


@exact_match.mistake("sentences", "the end token 0 is taken for none: 0 is an id like any other, so no `if end_token` and no `or`.")
def end_token_0_taken_for_none(model, prefix, targets, end_token):
    return (written(model, prefix, targets, end_token or None) == targets).all(1).float().mean()


@exact_match.mistake(
    "sentences",
    "only sentences without padding count as right. Where targets hold −1 the answer must hold −1 too: prefix_generation writes it after "
    "the end with `end_token=end_token`, and a row that is shorter is padded.",
)
def end_token_not_handed_on(model, prefix, targets, end_token):
    return (prefix_generation(model, prefix, targets.shape[1], 0) == targets).all(1).float().mean()


@exact_match.mistake("sentences", "the end token is not 0 for every vocabulary: hand on the one that is given, `end_token=end_token`.")
def end_token_0_for_all(model, prefix, targets, end_token):
    return (written(model, prefix, targets, 0) == targets).all(1).float().mean()


@exact_match.mistake("sentences", "padding is counted as if it were words that the model got right.")
def padding_counted(model, prefix, targets, end_token):
    return (sum(map(sum, guessed(model, prefix, targets))) + int((targets == -1).sum())) / targets.numel()


@exact_match.mistake(
    "sentences", "the end token is not compared: an answer that goes on after the right words is wrong.")
def end_not_compared(model, prefix, targets, end_token):
    words = (targets != -1) & (targets != end_token)
    return ((written(model, prefix, targets, end_token) == targets) | ~words).all(1).float().mean()


@exact_match.mistake(
    "sentences",
    "the model may write T − 1 words only, and the longest answer has T tokens, its end token included: let it write T.",
)
def one_token_too_few(model, prefix, targets, end_token):
    T = targets.shape[1]
    output = prefix_generation(model, prefix, T - 1, 0, end_token=end_token)
    return (nn.functional.pad(output, (0, T - output.shape[1]), value=-1) == targets).all(1).float().mean()


@exact_match.mistake("sentences", "this is the number of right answers: divide by how many there are.")
def counted(model, prefix, targets, end_token):
    return (written(model, prefix, targets, end_token) == targets).all(1).sum()


@exact_match.mistake("sentences", "this is in percent: give a share between 0 and 1.")
def in_percent(model, prefix, targets, end_token):
    return 100 * (written(model, prefix, targets, end_token) == targets).all(1).float().mean()


@exact_match.mistake("sentences", "this is the share of wrong answers.")
def share_of_wrong(model, prefix, targets, end_token):
    return (written(model, prefix, targets, end_token) != targets).any(1).float().mean()


def mode_of(training: bool) -> str:
    return "training" if training else "evaluation"


def share_from(answer: Callable, model: MemorisedAnswers, prefix: torch.Tensor, targets: torch.Tensor, end: int) -> float:
    try:
        result = run(lambda prefix, targets: answer(model, prefix, targets, end), prefix, targets, what="exact_match")
    except CheckFailed as failure:
        found = re.search(r"size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\) at non-singleton dimension (\d)", failure.error)
        if found:
            one, other, axis = map(int, found.groups())
            right = prefix_generation(model, prefix, targets.shape[1], 0, end_token=end).shape[1]
            failure.cause, failure.error = cause_of_sizes({one, other}, axis == 0, prefix.shape[1], targets.shape[1], right), ""
        raise
    return want_number(result, "exact_match", "one number, the share of right sentences.", "take the mean over the batch.")


def cause_of_sizes(sizes: set[int], in_rows: bool, P: int, T: int, right: int) -> str:
    """The likely mistake where two tensors of these sizes are compared, sentence by sentence (in_rows) or all at once.

    Args:
        right: how many columns the output of the right call has here.
    """
    if sizes == {T, right}:
        return ("the model may stop earlier than the longest answer, so its output may have fewer columns than targets: pad it with −1 at "
                "its end, `F.pad(answer, (0, k), value=-1)`, or compare row by row.")
    if in_rows and T in sizes:
        return ("a row of targets is padded, and what the model wrote for this sentence alone is not: compare the row without its padding, "
                "`row[row != -1]`, by `torch.equal` or as lists.")
    if in_rows:
        return ("the two have different lengths, so this answer is wrong, and `==` cannot compare them: `torch.equal` can, and so can lists, "
                "`.tolist()`.")
    if sizes == {T, P + T}:
        return ("these are all rows of `model(prefix, targets)`, those of the prefix too. And each word there is predicted from the right words "
                "before it: let the model write by itself, with prefix_generation.")
    return ("what the model writes has another number of columns here than it should: let it write at most T tokens, "
            "`targets.shape[1]`, at temperature 0, and hand on the end token.")


def want_shares(answer: Callable, cases: list[tuple], otherwise: str) -> None:
    """Refuse other shares of right sentences than the models have. A mistake is named only if all shares are those that it gives."""
    shares = [share_from(answer, model.eval(), prefix, targets, end) for model, prefix, targets, end, _ in cases]
    wrong = next((k for k, (share, case) in enumerate(zip(shares, cases)) if abs(share - case[-1]) >= 1e-6), None)
    if wrong is None:
        return
    share, (model, prefix, targets, end, wanted) = shares[wrong], cases[wrong]
    if any(fed.shape != prefix.shape or not torch.equal(fed, prefix) for fed in model.encoder.fed if len(fed) == len(prefix)):
        cause = "the encoder is fed something else than the prefix. With the answer in the question, any model is right."
    elif share == 0 and gives_all_of_the_right_ones(answer, model.eval(), prefix, targets, end):
        cause = "this says whether the whole batch is right. `.all(dim=1)` gives one answer for each sentence; then take the mean."
    else:
        cause = exact_match.likely_cause(
            torch.tensor(shares), (cases,), otherwise, agree=lambda seen, other: torch.allclose(seen, other, rtol=1e-5),
            make=lambda mistake: lambda cases: torch.tensor([float(mistake(model.eval(), *rest)) for model, *rest, _ in cases]))
    raise CheckFailed(f"exact_match gives {share:.3f} for a model that gets {round(wanted * len(prefix))} of {len(prefix)} sentences right.",
                      f"{wanted:.3f}.", cause)


def gives_all_of_the_right_ones(answer: Callable, model: MemorisedAnswers, prefix, targets, end: int) -> bool:
    """Whether a batch of the right sentences alone gets 1."""
    right = (written(model, prefix, targets, end) == targets).all(1)  # (B,)
    return share_from(answer, model, prefix[right], targets[right], end) == 1


@exact_match.mistake(
    "short answers",
    "every sentence counts as wrong where the output has fewer columns than targets. The model stops when all its sentences have ended: "
    "add columns of −1 at the end, `F.pad(answer, (0, k), value=-1)`, as in targets.",
)
def only_where_lengths_agree(model, prefix, targets, end_token):
    said = prefix_generation(model, prefix, targets.shape[1], 0, end_token=end_token)
    return (said == targets).all(1).float().mean() if said.shape == targets.shape else 0.0


@exact_match.aspect("greedy")
def gives_the_same_share_each_time(answer, seed):
    torch.manual_seed(seed)
    model, prefix, targets, end, wanted = model_and_sentences(seed)
    model.eval()
    shares = {round(share_from(answer, model, prefix, targets, end), 6) for _ in range(6)}
    if len(shares) > 1:
        raise CheckFailed(
            f"asked several times, exact_match gives {min(shares):.3f} and {max(shares):.3f} for the same model.", f"{wanted:.3f} each time.",
            "the words are drawn by chance. To measure, take the best word each time: temperature 0.")
    knows_nothing = MemorisedAnswers({}, [])
    share = share_from(answer, knows_nothing.eval(), prefix, targets, end)
    if share > 0:
        raise CheckFailed(
            f"for another model, which gets no sentence right, exact_match gives {share:.3f} on the same sentences.", "0.000.",
            "the result of an earlier call comes back: nothing may be kept from one call to the next." if round(share, 6) in shares
            else "a sentence counts only if all its words are right, as the model writes them by itself: count sentences, and nothing else.")


@exact_match.aspect("sentences")
def counts_sentences_that_are_right_to_the_end(answer, seed):
    cases = [model_and_sentences(seed + k, end=end) for k, end in ((0, 11), (3, 11), (3, 0))]
    want_shares(answer, cases, "a sentence is right if every word of what the model writes by itself is, including the end token; the "
                               "result is the mean over the sentences.")
    model, prefix, targets, end, wanted = long_answers(seed)
    share = share_from(answer, model.eval(), prefix, targets, end)
    if abs(share - wanted) >= 1e-6:
        raise CheckFailed(
            f"exact_match gives {share:.3f} for a model that gets 2 of 4 long sentences right.", f"{wanted:.3f}.",
            "short answers were counted as they should be, and these have 31 tokens: let the model write as many as targets has columns, "
            "`targets.shape[1]`. No fixed number will do, and no number taken from the prefix.")


@exact_match.aspect("short answers")
def accepts_outputs_shorter_than_the_targets(answer, seed):
    # With the second case a share of 0 in the first one alone does not speak for a mistake.
    want_shares(answer, [model_and_sentences(seed, early=True), model_and_sentences(seed)],
                "all answers of this model are shorter than the longest target: its output has fewer columns than targets. Pad it with −1 "
                "before you compare.")


@exact_match.aspect("mode")
def measures_in_evaluation_and_leaves_the_mode(answer, seed):
    for training in (True, False):
        model, prefix, targets, end, wanted = model_and_sentences(seed)
        model.train(training)
        share = share_from(answer, model, prefix, targets, end)
        if abs(share - wanted) > 1e-6:
            raise CheckFailed(
                f"for a model that comes from training, exact_match gives {share:.3f}.", f"{wanted:.3f}, as in evaluation.",
                "dropout is on: prefix_generation turns it off by itself, model(…) does not.")
        if model.training != training or model.decoder.training != training:
            raise CheckFailed(
                f"the model came in {mode_of(training)} and leaves in {mode_of(model.training)}.",
                "the mode in which it came.", "restore what you changed: `was_training = model.training` before, `model.train(was_training)` after.")
        knows_nothing = MemorisedAnswers({}, []).train(training)
        share_from(answer, knows_nothing, prefix, targets, end)
        if knows_nothing.training != training:
            raise CheckFailed(
                f"a model that gets no sentence right came in {mode_of(training)} and leaves in {mode_of(not training)}.",
                "the mode in which it came, whatever the answers are.", "one way out of the function comes before the line that restores the mode.")
        if not torch.is_grad_enabled():
            torch.set_grad_enabled(True)
            raise CheckFailed("after exact_match nothing can be trained any more.", "gradients as they were: the training goes on.", GRADIENTS_OFF)


# Exercise 6: the number that may be reported


@dataclass(frozen=True)
class Model:
    """One of several models; like those of PyTorch they have no order."""

    number: int

    def __repr__(self) -> str:
        return f"model {self.number}"


@honest_accuracy.aspect("choice")
def chooses_on_validation_and_reports_test(answer, seed):
    for case in range(3):
        models = [Model(k) for k in range(6 + (case + seed) % 2)]  # the last one is neither the best nor the worst
        # Each of the three sets has another best model.
        generator = np.random.default_rng(100 * seed + case)
        # A score may be negative, as minus a loss is: in the last case all of them are.
        below = 1.0 if case == 2 else 0.0
        table = {name: generator.permutation(np.linspace(0.41, 0.93, len(models)) ** 2 + shift - below).tolist()
                 for name, shift in (("train", 0.05), ("validation", 0.01), ("test", 0.0))}
        best = {"train": 0, "validation": 1 + case % 2, "test": 3}
        for name, k in best.items():
            row = table[name]
            top = row.index(max(row))
            row[top], row[k] = row[k], row[top]
        row = table["validation"]  # the worst there is the best nowhere
        worst = row.index(min(row))
        row[worst], row[4] = row[4], row[worst]
        want_choice(answer, models, table, best)
    try:
        chosen = run(lambda: answer(["the only one"], {"train": [1], "validation": [2], "test": [3]}, lambda model, some: 0.5), what="honest_accuracy")
        alone = tuple(chosen) == ("the only one", 0.5)
    except CheckFailed:
        alone = False
    if not alone:
        raise CheckFailed("with a single model, honest_accuracy gives something else than this model and its score on test.",
                          "this model, and its score on test.", "one model is a list of models too: the choice is easy, but it must not fail.")


def want_choice(answer: Callable, models: list[Model], table: dict[str, list[float]], best: dict[str, int]) -> None:
    """Refuse another model than the best on validation, another number than its score on test, and more than one look at test.

    Args:
        answer: the learner's honest_accuracy.
        table: the score of each model on each set.
        best: which model is best on each set.
    """
    splits = {name: [f"{name} sentence {k}" for k in range(3)] for name in table}
    asked: list[str] = []

    def score(model, sentences):
        name = next((name for name, content in splits.items() if content == sentences), None)
        if name is None:
            raise ValueError(f"score(model, sentences) expects one of the three sets as a whole, not {sentences!r}")
        if model not in models:
            raise ValueError(f"score(model, sentences) expects one of the models, not {model!r}")
        asked.append(name)
        return table[name][models.index(model)]

    handed, handed_splits = list(models), {name: list(content) for name, content in splits.items()}
    result = run(lambda: answer(handed, handed_splits, score), what="honest_accuracy")
    if handed != models or handed_splits != splits:
        raise CheckFailed(
            "honest_accuracy changed the list of models, or the splits, that it was given.", "both as they were: they are the caller's.",
            "`models.sort()`, `pop` and `del` change the caller's own list: `max(models, key=…)` and `sorted(models, …)` leave it.")
    chosen, told = want_pair(
        result, "honest_accuracy", ("model", "accuracy"), "return the chosen model and its accuracy on the test sentences.")
    wanted = models[best["validation"]]
    if isinstance(chosen, tuple | list):
        raise CheckFailed(f"the first of the two is {kind_of(chosen)}.", "the chosen model, then its accuracy.",
                          "the model is one of several things here: take it out, as in `best_score, best_model = max(…)`.")
    if isinstance(chosen, int | np.integer | torch.Tensor):
        raise CheckFailed(f"the first of the two is {chosen}.", "the chosen model, then its accuracy.",
                          "this is a position in the list. The caller wants the model itself: `models[position]`.")
    if isinstance(chosen, float):
        raise CheckFailed(f"the first of the two is a number, {chosen:.3f}.", "the chosen model, then its accuracy.",
                          "the two are swapped: first the model, then the number.")
    if chosen is None:
        raise CheckFailed("you choose None, though all scores are numbers.", f"{wanted!r}, the best on validation.",
                          "no score was better than the first best, such as 0, but a score can be negative: begin with float(\"-inf\").")
    if chosen == models[table["validation"].index(min(table["validation"]))]:
        raise CheckFailed(f"you choose {chosen!r}, the worst on validation.", f"{wanted!r}, the best on validation.",
                          "the highest score is the best: max, not min, and of a sorted list the last.")
    if chosen != wanted:
        seen = next((f"the best on {name}" for name, k in best.items() if chosen == models[k]), "not the best on any set")
        raise CheckFailed(
            f"you choose {chosen!r}, {seen}.", f"{wanted!r}, the best on validation.",
            "a model that is chosen on the test sentences owes part of its score there to luck, and the number no longer says "
            "how good it is on new ones. Choose on validation." if seen == "the best on test"
            else "the best model on the training sentences may have memorised them. Choose on validation." if seen == "the best on train"
            else "ask score(model, splits[\"validation\"]) for every model and take the best.")
    try:
        number, truth = float(told), table["test"][best["validation"]]
    except (TypeError, ValueError):
        raise CheckFailed(f"the accuracy is {kind_of(told)}.", "a number.", "score gives the accuracy as a number.") from None
    if abs(number - truth) > 1e-9:
        raise CheckFailed(f"you report {number:.3f}.", f"{truth:.3f}, the score of {wanted!r} on test.", reported(number, table, best))
    if asked.count("test") > 1:
        raise CheckFailed(
            f"the test set was scored {asked.count('test')} times.", "once, for the model that was chosen.",
            "you cannot forget a score that you have seen: sooner or later you choose by it. Score on test last, and once.")


def reported(number: float, table: dict[str, list[float]], best: dict[str, int]) -> str:
    """The likely mistake behind a number that is not the chosen model's score on test."""
    if number == table["validation"][best["validation"]]:
        return "this is the score by which it was chosen, and the highest of several is too high by luck. Report the one on test."
    if number == table["train"][best["validation"]]:
        return "this is its score on what it was trained on. Report the one on test."
    if number == max(table["test"]):
        return "this is the best score on test, which another model has."
    if math.isclose(number, float(np.mean(table["test"]))):
        return "this is the mean of all models."
    return "report score(chosen, splits[\"test\"])."

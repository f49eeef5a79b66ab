"""Notebook 9, exercise 3: what one training step must do."""

import copy
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from ninelives.checks.exercise import CheckFailed, Exercise, run, want_number

training_step = Exercise("training_step", error_hints={
    "missing 1 required positional argument": "a batch is a tuple of what the model is called with: `model(*batch)`.",
    "does not require grad": "no graph was built: no torch.no_grad() around the step, no .detach() on the loss.",
    "can be implicitly created only for scalar": "backward() is called on the logits. The model returns (logits, loss).",
    "'tuple' object has no attribute": "the model returns two things: `_, loss = model(*batch)`.",
    "'float' object has no attribute": "`.item()` makes a plain number of the loss, which has no backward(): call backward() first.",
    "'Softmax' object is not iterable": "clip_grad_norm_ takes the parameters, `model.parameters()`, and not the model.",
    "'SGD' object is not iterable": "the groups are in the list `optimizer.param_groups`.",
    "a leaf Variable that requires grad":
        "the parameters are moved by `optimizer.step()`, which remembers the steps before; by hand it would take torch.no_grad().",
    "'NoneType' object has no attribute": "something that is None is used: before backward() the gradients are None.",
})
START_RATE = 0.5
FAR = 1e9  # a norm that no gradient exceeds


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


def situation(seed: int, adam: bool) -> tuple[Softmax, torch.optim.Optimizer, list[tuple[tuple, float]]]:
    """A model, its optimizer with two groups, and five batches with the rate of each."""
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
        for scale, rate in ((1.0, 0.1), (3.0, 0.2), (0.3, 0.05), (2.0, 0.15), (1.0, 0.0))  # the last rate of a cosine is 0
    ]
    return model, optimizer, batches


class ByHand:
    """The reference: the same model and optimizer in numpy's float64, from the formulas."""

    def __init__(self, model: Softmax, adam: bool) -> None:
        self.values = [p.detach().double().numpy().copy() for p in (model.linear.weight, model.linear.bias)]
        self.decay = [0.2, 0.0]
        self.adam = adam
        self.first = [np.zeros_like(v) for v in self.values]
        self.second = [np.zeros_like(v) for v in self.values]
        self.steps = 0

    def loss_and_gradients(self, x, y):
        x, y = x.double().numpy(), y.numpy()
        scores = x @ self.values[0].T + self.values[1]
        powers = np.exp(scores - scores.max(1, keepdims=True))
        shares = powers / powers.sum(1, keepdims=True)
        loss = (scores.max(1) + np.log(powers.sum(1)) - scores[np.arange(len(y)), y]).mean()
        shares[np.arange(len(y)), y] -= 1
        return loss, [shares.T @ x / len(y), shares.mean(0)]

    def step(self, x, y, rate: float, grad_clip: float) -> None:
        _, gradients = self.loss_and_gradients(x, y)
        norm = math.sqrt(sum((g**2).sum() for g in gradients))
        self.steps += 1
        for k, gradient in enumerate(gradients):
            g = gradient * min(1.0, grad_clip / norm)
            if self.adam:
                self.values[k] *= 1 - rate * self.decay[k]
                self.first[k] = 0.9 * self.first[k] + 0.1 * g
                self.second[k] = 0.99 * self.second[k] + 0.01 * g**2
                mean, square = self.first[k] / (1 - 0.9**self.steps), self.second[k] / (1 - 0.99**self.steps)
                self.values[k] -= rate * mean / (np.sqrt(square) + 1e-8)
            else:
                self.first[k] = 0.8 * self.first[k] + g
                self.values[k] -= rate * self.first[k]


def gradients_of(model, optimizer, batch, rate):
    """The first half of a right step: everything up to clipping. Returns the loss."""
    model.train()
    set_rate(optimizer, rate)
    optimizer.zero_grad()
    _, loss = model(*batch)
    loss.backward()
    return loss.item()


def set_rate(optimizer, rate):
    for group in optimizer.param_groups:
        group["lr"] = rate


@training_step.mistake(
    "update",
    "the gradients of the step before are still there: backward() adds to them. `optimizer.zero_grad()` once in "
    "every step.",
)
def zero_grad_forgotten(model, optimizer, batch, rate, grad_clip):
    model.train()
    set_rate(optimizer, rate)
    _, loss = model(*batch)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    return loss.item()


@training_step.mistake("update", "the optimizer makes two steps with one gradient: `optimizer.step()` once in every call.")
def two_steps_in_one(model, optimizer, batch, rate, grad_clip):
    loss = gradients_of(model, optimizer, batch, rate)
    nn.utils.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    optimizer.step()
    return loss


@training_step.mistake("update", "the model climbs: the sign is wrong.")
def climbing(model, optimizer, batch, rate, grad_clip):
    loss = gradients_of(model, optimizer, batch, rate)
    for parameter in model.parameters():
        parameter.grad.neg_()
    nn.utils.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    return loss


@training_step.mistake(
    "update",
    "the rate has no effect: put it into every group of optimizer.param_groups, group[\"lr\"] = rate, before the "
    "step.",
)
def rate_ignored(model, optimizer, batch, rate, grad_clip):
    loss = gradients_of(model, optimizer, batch, optimizer.param_groups[0]["lr"])
    nn.utils.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    return loss


@training_step.mistake("update", "the rate is set after the step, so it counts for the next one only. Set it before `optimizer.step()`.")
def rate_after_the_step(model, optimizer, batch, rate, grad_clip):
    loss = gradients_of(model, optimizer, batch, optimizer.param_groups[0]["lr"])
    nn.utils.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    set_rate(optimizer, rate)
    return loss


@training_step.mistake("update", "the rate multiplies the one of the step before. Each group gets it as it is: `group[\"lr\"] = rate`.")
def rate_multiplied(model, optimizer, batch, rate, grad_clip):
    loss = gradients_of(model, optimizer, batch, rate * optimizer.param_groups[0]["lr"])
    nn.utils.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    return loss


@training_step.mistake("update", "the rate is added to the one of the step before. Each group gets it as it is: `group[\"lr\"] = rate`.")
def rate_added(model, optimizer, batch, rate, grad_clip):
    loss = gradients_of(model, optimizer, batch, rate + optimizer.param_groups[0]["lr"])
    nn.utils.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    return loss


@training_step.mistake(
    "update", "the rate multiplies the loss, and the optimizer's own rate stays. It belongs in every group: `group[\"lr\"] = rate`.")
def rate_times_the_loss(model, optimizer, batch, rate, grad_clip):
    model.train()
    optimizer.zero_grad()
    _, loss = model(*batch)
    (rate * loss).backward()
    nn.utils.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    return loss.item()


@training_step.mistake("update", "the weight decay is switched off. Of the optimizer's settings the step changes the rate alone.")
def decay_switched_off(model, optimizer, batch, rate, grad_clip):
    loss = gradients_of(model, optimizer, batch, rate)
    for group in optimizer.param_groups:
        group["weight_decay"] = 0.0
    nn.utils.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    return loss


@training_step.mistake("update", "the rate 0 has no effect: a rate of 0 must stop the parameters, so no `if rate`.")
def rate_0_taken_for_none(model, optimizer, batch, rate, grad_clip):
    loss = gradients_of(model, optimizer, batch, rate or optimizer.param_groups[0]["lr"])
    nn.utils.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    return loss


@training_step.mistake(
    "update", "grad_clip has no effect: the gradient is always clipped to length 1. Hand grad_clip on to clip_grad_norm_.")
def clipped_to_1(model, optimizer, batch, rate, grad_clip):
    loss = gradients_of(model, optimizer, batch, rate)
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss


@training_step.mistake(
    "update", "the gradient is that of another loss, smoothed by 0.1: call backward() on the loss that the model returns.")
def labels_smoothed(model, optimizer, batch, rate, grad_clip):
    model.train()
    set_rate(optimizer, rate)
    optimizer.zero_grad()
    logits, loss = model(*batch)
    nn.functional.cross_entropy(logits, batch[-1], label_smoothing=0.1).backward()
    nn.utils.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    return loss.item()


@training_step.mistake(
    "update",
    "only the first of the optimizer's groups gets the rate. An optimizer may have several: go through all of "
    "optimizer.param_groups.",
)
def rate_for_the_first_group(model, optimizer, batch, rate, grad_clip):
    loss = gradients_of(model, optimizer, batch, optimizer.param_groups[1]["lr"])
    optimizer.param_groups[0]["lr"] = rate
    nn.utils.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    return loss


@training_step.mistake(
    "update",
    "this is plain gradient descent, as if every step were the first. The optimizer remembers the steps before: let the "
    "one that was given move the parameters, `optimizer.step()`.",
)
def descent_by_hand(model, optimizer, batch, rate, grad_clip):
    loss = gradients_of(model, optimizer, batch, rate)
    nn.utils.clip_grad_norm_(model.parameters(), grad_clip)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter -= rate * parameter.grad
    return loss


@training_step.mistake(
    "clipping",
    "the gradients are longer than grad_clip: `nn.utils.clip_grad_norm_(model.parameters(), grad_clip)` between backward() "
    "and step(), with grad_clip itself and no other number.",
)
def clipping_forgotten(model, optimizer, batch, rate, grad_clip):
    loss = gradients_of(model, optimizer, batch, rate)
    optimizer.step()
    return loss


@training_step.mistake(
    "clipping",
    "every single number is clipped, which changes the direction. Clip their common length: `clip_grad_norm_`.",
)
def clipped_by_value(model, optimizer, batch, rate, grad_clip):
    loss = gradients_of(model, optimizer, batch, rate)
    nn.utils.clip_grad_value_(model.parameters(), grad_clip)
    optimizer.step()
    return loss


@training_step.mistake(
    "clipping",
    "each parameter, or each group, is clipped on its own, which changes the direction. One norm over all of them: "
    "`clip_grad_norm_(model.parameters(), …)`.",
)
def clipped_one_by_one(model, optimizer, batch, rate, grad_clip):
    loss = gradients_of(model, optimizer, batch, rate)
    for parameter in model.parameters():
        nn.utils.clip_grad_norm_(parameter, grad_clip)
    optimizer.step()
    return loss


@training_step.mistake(
    "clipping", "short gradients are made longer. Only those longer than grad_clip must be shortened.")
def always_of_the_same_length(model, optimizer, batch, rate, grad_clip):
    loss = gradients_of(model, optimizer, batch, rate)
    norm = torch.cat([parameter.grad.flatten() for parameter in model.parameters()]).norm()
    for parameter in model.parameters():
        parameter.grad *= grad_clip / norm
    optimizer.step()
    return loss


def take_step(answer, model, optimizer, batch, rate, grad_clip) -> Any:
    """What the learner's step returns; the tensors of the batch must stay as they are."""
    return run(lambda *batch: answer(model, optimizer, batch, rate, grad_clip), *batch, what="training_step")


@training_step.aspect("loss")
def returns_the_loss_before_the_step(answer, seed):
    model, optimizer, batches = situation(seed, adam=False)
    steps: list[int] = []  # the batch of each step that is taken
    optimizer.register_step_post_hook(lambda *_: steps.append(number))
    for number, (batch, rate) in enumerate(batches, start=1):
        wanted, gradients = ByHand(model, False).loss_and_gradients(*batch)
        length = math.sqrt(sum((gradient**2).sum() for gradient in gradients))
        model.train()
        result = take_step(answer, model, optimizer, batch, rate, FAR)
        if isinstance(result, torch.Tensor) and result.requires_grad:
            raise CheckFailed(
                "training_step returns a tensor that is still connected to its graph.", "a plain number, `loss.item()`.",
                "a list of a thousand such losses keeps a thousand graphs, until the memory is full: return `loss.item()`.")
        loss = want_number(result, "training_step", "the loss, a number.", "return `loss.item()` alone.")
        if abs(loss - wanted) > 1e-4 * (1 + abs(wanted)):
            after, _ = ByHand(model, False).loss_and_gradients(*batch)
            if abs(loss - length) < 1e-4 * (1 + length):
                raise CheckFailed(f"training_step returns {loss:.4f} for batch {number}.", f"{wanted:.4f}, the loss of this batch.",
                                  "this is the length of the gradient, which clip_grad_norm_ gives: return the loss, `loss.item()`.")
            if steps.count(number) > 1 and abs(loss - after) >= 1e-4:
                raise CheckFailed(
                    f"training_step returns {loss:.4f} for batch {number}, and takes {steps.count(number)} steps.",
                    f"{wanted:.4f}, the loss of this batch before the parameters moved.",
                    "more than one step is taken, and the loss is that of a later one: only `group[\"lr\"] = rate` belongs into the loop over the "
                    "groups.")
            raise CheckFailed(
                f"training_step returns {loss:.4f} for batch {number}.", f"{wanted:.4f}, the loss of this batch before the parameters moved.",
                "this is the loss after the step: keep the number from which you called backward()." if abs(loss - after) < 1e-4
                else "for the first batch it was right, and here another batch takes part too: return the loss of this batch alone."
                if number > 1 else "the model returns (logits, loss), and the loss is already the mean over the batch: return it as it is.")


@training_step.aspect("update")
def moves_the_parameters_as_the_optimizer_says(answer, seed):
    for adam in (False, True):
        want_path(answer, seed, adam, FAR)


@training_step.aspect("clipping")
def shortens_gradients_that_are_too_long(answer, seed):
    for adam in (False, True):
        for grad_clip in (0.15, 1.2):  # shorter than every gradient; shorter than some
            want_path(answer, seed, adam, grad_clip)


def want_path(answer: Callable, seed: int, adam: bool, grad_clip: float) -> None:
    """Refuse a step after which the parameters are not where the formulas take them."""
    model, optimizer, batches = situation(seed, adam)
    start = copy.deepcopy((model, optimizer))
    by_hand = ByHand(model, adam)
    seen, wanted = [], []  # after each step
    for batch, rate in batches:
        model.train()
        take_step(answer, model, optimizer, batch, rate, grad_clip)
        by_hand.step(*batch, rate, grad_clip)
        seen.append(weights(model))
        wanted.append(torch.from_numpy(np.concatenate([v.flatten() for v in by_hand.values])))
    number = next((k for k, pair in enumerate(zip(seen, wanted)) if not close(*pair)), None)
    if number is None:
        return
    if torch.equal(seen[number], weights(start[0])) and grad_clip < FAR:
        cause = ("no parameter moves where grad_clip is small: the gradient is clipped and not the loss, which has no gradient where it is "
                 "cut off.")
    elif torch.equal(seen[number], weights(start[0])):
        cause = ("no parameter has moved: `loss.backward()`, then `optimizer.step()`, on the model that was given and not on a "
                 "copy of it, and nothing between them that clears the gradients.")
    else:
        # All steps are compared: after one alone two mistakes may have come to nearly the same place.
        cause = training_step.likely_cause(
            torch.stack(seen), (batches, grad_clip), agree=close, make=lambda mistake: partial(path, mistake, start, torch.stack(seen)),
            otherwise="in this order: zero_grad(), model(*batch), backward(), clip, step(); each once, on the optimizer that was given, "
                      "which remembers the steps before.")
    seen, wanted = seen[number], wanted[number]
    first = int(((seen - wanted).abs() > 1e-4 * (1 + wanted.abs().max())).nonzero()[0])
    where = f"parameters {first} to {min(first + 2, len(seen) - 1)} are"
    raise CheckFailed(
        f"after step {number + 1} with {'AdamW' if adam else 'SGD with momentum'} {where} {numbers(seen[first:])}.",
        f"{numbers(wanted[first:])}, computed by hand.", cause)


@torch.enable_grad()
def path(
    mistake: Callable, start: tuple[Softmax, torch.optim.Optimizer], seen: torch.Tensor, batches: list, grad_clip: float
) -> torch.Tensor:
    """Where a mistaken step takes the weights from the start: (steps, parameters), as far as it agrees with what was seen."""
    model, optimizer = copy.deepcopy(start)
    places = []
    for batch, rate in batches:
        mistake(model, optimizer, batch, rate, grad_clip)
        places.append(weights(model))
        if not close(places[-1], seen[len(places) - 1]):
            return torch.full_like(seen, torch.inf)
    return torch.stack(places)


def weights(model: Softmax) -> torch.Tensor:
    """All weights of a model in a row, float64."""
    return torch.cat([parameter.detach().double().flatten() for parameter in model.parameters()])


def close(seen: torch.Tensor, wanted: torch.Tensor) -> bool:
    return bool((seen - wanted).abs().max() < 2e-4 * (1 + wanted.abs().max()))


def numbers(values: torch.Tensor) -> str:
    return "[" + ", ".join(f"{x:.4f}" for x in values[:3].tolist()) + ", …]"


@training_step.aspect("mode")
def trains_in_training_mode(answer, seed):
    model, optimizer, batches = situation(seed, adam=True)
    for batch, rate in batches[:2]:
        model.eval()
        model.modes.clear()
        take_step(answer, model, optimizer, batch, rate, FAR)
        if not model.modes or not model.modes[0]:
            raise CheckFailed(
                "the model was in evaluation, and the step was taken in evaluation.", "a model in training mode: dropout is for training.",
                "a measurement of the accuracy before may have left it so: `model.train()` at the beginning of the step.")

"""Right answers to notebook 9, each in its own way."""

import math
import re

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

from answers import accepted_by
from ninelives.checks.training import (
    exact_match,
    honest_accuracy,
    noam_rate,
    own_training,
    tokenizer,
    training_step,
    translation_batch,
    warmup_cosine,
)
from ninelives.config import TransformerConfig
from ninelives.model import prefix_generation
from ninelives.training import Recipe


class Given:
    """The constructor that the exercise gives."""

    def __init__(self, words):
        self.words = ["<end>", *words]
        self.id_of = {word: id for id, word in enumerate(self.words)}
        self.end_token = self.id_of["<end>"]


@accepted_by(tokenizer)
class WordByWord(Given):
    def encode(self, text):
        words = text.lower().strip().removesuffix(".").replace("'", "' ").split()
        for word in words:
            if word not in self.id_of or word == "<end>":
                raise ValueError(f"{word!r} is not in the vocabulary")
        return torch.tensor([self.id_of[word] for word in words], dtype=torch.int64)

    def decode(self, ids):
        words = []
        for id in ids.tolist():
            if id == -1 or id == self.end_token:
                break
            words.append(self.words[id])
        return " ".join(words).replace("' ", "'")


@accepted_by(tokenizer)
class ByRegularExpression(Given):
    def encode(self, text):
        ids = []
        for word in re.findall(r"\w+'?", text.lower()):
            try:
                ids.append(self.words.index(word))
            except ValueError:
                raise ValueError(f"I do not know the word {word}.") from None
        return torch.tensor(ids, dtype=torch.long)

    def decode(self, ids):
        over = (ids == -1) | (ids == self.end_token)
        kept = ids[over.cumsum(0) == 0]
        return re.sub(r"' ", "'", " ".join(self.words[int(id)] for id in kept))


@accepted_by(translation_batch)
def filled_row_by_row(pairs, end_token):
    P, T = max(len(source) for source, _ in pairs), max(len(answer) for _, answer in pairs) + 1
    prefix, targets = torch.full((len(pairs), P), -1), torch.full((len(pairs), T), -1)
    for row, (source, answer) in enumerate(pairs):
        prefix[row, : len(source)] = source
        targets[row, : len(answer)] = answer
        targets[row, len(answer)] = end_token
    return prefix, targets


@accepted_by(translation_batch)
def by_pad_sequence(pairs, end_token):
    closed = [torch.cat((answer, torch.tensor([end_token]))) for _, answer in pairs]
    return [pad_sequence(rows, batch_first=True, padding_value=-1) for rows in ([source for source, _ in pairs], closed)]


@accepted_by(training_step)
def in_the_usual_order(model, optimizer, batch, rate, grad_clip):
    model.train()
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad()
    _, loss = model(*batch)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    return loss.item()


@accepted_by(training_step)
def cleared_afterwards(model, optimizer, batch, rate, grad_clip):
    logits, loss = model.train()(*batch)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=grad_clip)
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.step()
    optimizer.zero_grad(set_to_none=False)
    return loss.detach()


@accepted_by(training_step)
def with_a_closure(model, optimizer, batch, rate, grad_clip):
    def closure():
        model.zero_grad()
        _, loss = model(*batch)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), grad_clip)
        return loss

    model.train()
    for group in optimizer.param_groups:
        group["lr"] = rate
    return optimizer.step(closure).item()


@accepted_by(training_step)
def gradients_asked_for(model, optimizer, batch, rate, grad_clip):
    """autograd.grad in place of backward(), and the norm by hand."""
    model.train()
    parameters = list(model.parameters())
    loss = model(*batch)[1]
    gradients = torch.autograd.grad(loss, parameters)
    norm = torch.sqrt(sum((g**2).sum() for g in gradients))
    for parameter, gradient in zip(parameters, gradients):
        parameter.grad = gradient * (grad_clip / norm).clamp(max=1.0)
    for group in optimizer.param_groups:
        group.update(lr=rate)
    optimizer.step()
    return loss.item()


@accepted_by(noam_rate)
def as_in_the_paper(step, d_model, warmup_steps):
    return d_model**-0.5 * min(step**-0.5, step * warmup_steps**-1.5)


@accepted_by(noam_rate)
def in_two_pieces(step, d_model, warmup_steps):
    if step < warmup_steps:
        return step / math.sqrt(d_model * warmup_steps**3)
    return 1 / math.sqrt(d_model * step)


@accepted_by(noam_rate)
def as_a_tensor(step, d_model, warmup_steps):
    step = torch.tensor(float(step), dtype=torch.float64)
    return torch.minimum(step.rsqrt(), step * warmup_steps**-1.5) / math.sqrt(d_model)


@accepted_by(warmup_cosine)
def line_and_wave(step, peak, warmup_steps, max_iters):
    if step <= warmup_steps:
        return peak * step / warmup_steps
    done = (step - warmup_steps) / (max_iters - warmup_steps)
    return peak * (1 + math.cos(math.pi * done)) / 2


@accepted_by(warmup_cosine)
def with_numpy(step, peak, warmup_steps, max_iters):
    if step < warmup_steps:
        return np.float64(peak) / warmup_steps * step
    left = (max_iters - step) / (max_iters - warmup_steps)
    return peak * np.sin(np.pi / 2 * left) ** 2


@accepted_by(warmup_cosine)
def in_float32(step, peak, warmup_steps, max_iters):
    if step <= warmup_steps:
        return peak * step / warmup_steps
    done = torch.tensor((step - warmup_steps) / (max_iters - warmup_steps))
    return peak * (1 + torch.cos(math.pi * done)) / 2


@accepted_by(exact_match)
def written_and_compared(model, prefix, targets, end_token):
    T = targets.shape[1]
    said = prefix_generation(model, prefix, T, 0, end_token=end_token)
    said = nn.functional.pad(said, (0, T - said.shape[1]), value=-1)
    return (said == targets).all(dim=1).float().mean()


@accepted_by(exact_match)
def sentence_by_sentence(model, prefix, targets, end_token):
    right = 0
    for source, answer in zip(prefix, targets):
        answer = answer[answer != -1].tolist()
        said = prefix_generation(model, source[source != -1].unsqueeze(0), len(answer), temperature=0.0)
        right += said[0].tolist() == answer
    return right / len(targets)


@accepted_by(exact_match)
def as_far_as_it_goes(model, prefix, targets, end_token):
    """Every answer ends inside what is compared, and an end token in place of a word is a mistake."""
    said = prefix_generation(model, prefix, targets.shape[1], 0, end_token=end_token)
    return (said == targets[:, : said.shape[1]]).all(1).double().mean().item()


@accepted_by(exact_match)
def in_one_pass(model, prefix, targets, end_token):
    """With the right words before each: if every word is right, the model would have written the same answer."""
    was_training = model.training
    model.eval()
    rights = []
    with torch.no_grad():
        for source, answer in zip(prefix, targets):
            source, answer = source[source != -1], answer[answer != -1]
            logits, _ = model(source.unsqueeze(0), answer.unsqueeze(0))
            rights.append(bool((logits[0, len(source) - 1 : -1].argmax(-1) == answer).all()))
    model.train(was_training)
    return sum(rights) / len(rights)


@accepted_by(honest_accuracy)
def best_on_validation(models, splits, score):
    chosen = max(models, key=lambda model: score(model, splits["validation"]))
    return chosen, score(chosen, splits["test"])


@accepted_by(honest_accuracy)
def in_a_loop(models, splits, score):
    best, chosen = -1.0, None
    for model in models:
        found = score(model, splits["validation"])
        if found > best:
            best, chosen = found, model
    return [chosen, score(chosen, splits["test"])]


@accepted_by(own_training)
def the_seeds_six_changes(vocab_size, seed):
    config = TransformerConfig(vocab_size, 48, n_embd=128, n_head=8, n_layer=4)
    return Recipe(learning_rate=3e-4, batch_size=32, max_iters=25_000, warmup_steps=0, schedule="constant", seed=seed), config, config


@accepted_by(own_training)
def small_and_quick(vocab_size, seed):
    encoder, decoder = (TransformerConfig(vocab_size, 32, 64, 4, n_layer, dropout=0.0) for n_layer in (3, 2))
    return [Recipe(seed=seed), encoder, decoder]


@accepted_by(translation_batch)
def lists_that_are_filled_up(pairs, end_token):
    prefix, targets = [source.tolist() for source, _ in pairs], [[*answer.tolist(), end_token] for _, answer in pairs]
    return tuple(
        torch.tensor([row + [-1] * (max(map(len, rows)) - len(row)) for row in rows]) for rows in (prefix, targets))


@accepted_by(training_step)
def all_groups_at_once(model, optimizer, batch, rate, grad_clip=1.0):
    model.train(True)
    optimizer.param_groups[:] = [group | {"lr": rate} for group in optimizer.param_groups]
    for parameter in model.parameters():
        parameter.grad = None
    loss = model(*batch)[-1]
    loss.backward()
    nn.utils.clip_grad_norm_(list(model.parameters()), max_norm=float(grad_clip), norm_type=2)
    optimizer.step()
    return float(loss)


@accepted_by(warmup_cosine)
def the_smaller_of_two(step, peak, warmup_steps, max_iters):
    """A warm-up of 0 steps is one that is over before it begins."""
    rising = step / warmup_steps if warmup_steps else math.inf
    done = max(0, step - warmup_steps) / max(1, max_iters - warmup_steps)
    return peak * min(rising, 1.0) * (1 + math.cos(math.pi * done)) / 2


@accepted_by(exact_match)
def by_lists_of_words(model, prefix, targets, end_token):
    said = prefix_generation(model, prefix, targets.shape[1] + 3, 0, end_token)
    rows = zip(said.tolist(), targets.tolist())
    return np.mean([[word for word in one if word >= 0] == [word for word in other if word >= 0] for one, other in rows])


@accepted_by(honest_accuracy)
def by_sorting_a_copy(models, splits, score):
    ordered = sorted(models, key=lambda model: -score(model, splits["validation"]))
    return ordered[0], score(ordered[0], splits["test"])

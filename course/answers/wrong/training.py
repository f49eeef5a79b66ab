"""Wrong answers to notebook 9."""

import copy
import math

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

from answers import refused_by
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
    """The constructor that stands in the exercise, and a right answer to build mistakes on."""

    def __init__(self, words):
        self.words = ["<end>", *words]
        self.id_of = {word: id for id, word in enumerate(self.words)}
        self.end_token = self.id_of["<end>"]

    def split(self, text):
        return text.lower().strip().removesuffix(".").replace("'", "' ").split()

    def encode(self, text):
        words = self.split(text)
        for word in words:
            if word not in self.id_of:
                raise ValueError(f"unknown word {word!r}")
        return torch.tensor([self.id_of[word] for word in words])

    def decode(self, ids):
        words = []
        for id in ids.tolist():
            if id in (-1, self.end_token):
                break
            words.append(self.words[id])
        return " ".join(words).replace("' ", "'")


@refused_by(tokenizer, "encode", "not written yet")
class EncodeNotWritten(Given):
    def encode(self, text):
        raise NotImplementedError()


@refused_by(tokenizer, "encode", "a list")
class EncodeGivesAList(Given):
    def encode(self, text):
        return super().encode(text).tolist()


@refused_by(tokenizer, "encode", "torch.int64")
class IdsAsFloats(Given):
    def encode(self, text):
        return super().encode(text).float()


@refused_by(tokenizer, "encode", "too high by 1")
class IdsCountedFromOne(Given):
    def encode(self, text):
        return super().encode(text) + 1


@refused_by(tokenizer, "encode", "too low by 1")
class EndTokenForgotten(Given):
    def encode(self, text):
        return super().encode(text) - 1


@refused_by(tokenizer, "encode", "places in the sorted vocabulary")
class WordsSorted(Given):
    def encode(self, text):
        return torch.tensor([sorted(self.words).index(word) for word in self.split(text)])


@refused_by(tokenizer, "encode", "one id too many")
class EndTokenPutByEncode(Given):
    def encode(self, text):
        return torch.cat([super().encode(text), torch.tensor([self.end_token])])


@refused_by(tokenizer, "encode", "the batch comes later")
class BatchOfOne(Given):
    def encode(self, text):
        return super().encode(text).unsqueeze(0)


@refused_by(tokenizer, "encode", "text.lower()")
class CapitalsKept(Given):
    def split(self, text):
        return text.strip().removesuffix(".").replace("'", "' ").split()


@refused_by(tokenizer, "encode", "the full stop at the end")
class FullStopKept(Given):
    def split(self, text):
        return text.lower().replace("'", "' ").split()


@refused_by(tokenizer, "encode", "is two words")
class ApostropheInsideAWord(Given):
    def split(self, text):
        return text.lower().strip().removesuffix(".").split()


@refused_by(tokenizer, "encode", "does not")
class SplitAtEveryBlank(Given):
    def split(self, text):
        return text.lower().strip().removesuffix(".").replace("'", "' ").split(" ")


@refused_by(tokenizer, "encode", "turned round")
class SentenceTurnedRound(Given):
    def encode(self, text):
        return super().encode(text).flip(0)


@refused_by(tokenizer, "unknown", "silently becomes another one")
class UnknownBecomesTheFirstWord(Given):
    def encode(self, text):
        return torch.tensor([self.id_of.get(word, 0) for word in self.split(text)])


@refused_by(tokenizer, "unknown", "silently becomes another one")
class UnknownBecomesTheEnd(Given):
    def encode(self, text):
        return torch.tensor([self.id_of.get(word, self.end_token) for word in self.split(text)])


@refused_by(tokenizer, "unknown", "left out")
class UnknownLeftOut(Given):
    def encode(self, text):
        return torch.tensor([self.id_of[word] for word in self.split(text) if word in self.id_of], dtype=torch.int64)


@refused_by(tokenizer, "unknown", "raises KeyError")
class UnknownRaisesKeyError(Given):
    def encode(self, text):
        return torch.tensor([self.id_of[word] for word in self.split(text)])


@refused_by(tokenizer, "unknown", "a message that names the word")
class UnknownNotNamed(Given):
    def encode(self, text):
        if not set(self.split(text)) <= set(self.words):
            raise ValueError("unknown word")
        return super().encode(text)


@refused_by(tokenizer, "decode", "not written yet")
class DecodeNotWritten(Given):
    def decode(self, ids):
        raise NotImplementedError()


@refused_by(tokenizer, "decode", "words[-1] is the last word of the list")
class PaddingDecodedAsTheLastWord(Given):
    def decode(self, ids):
        words = [self.words[id] for id in ids.tolist()]
        return " ".join(words[: words.index("<end>")] if self.end_token in ids else words).replace("' ", "'")


@refused_by(tokenizer, "decode", "no word of it")
class EndDecoded(Given):
    def decode(self, ids):
        return " ".join(self.words[id] for id in ids.tolist() if id != -1).replace("' ", "'")


@refused_by(tokenizer, "decode", "no longer part of the sentence")
class GoesOnBehindTheEnd(Given):
    def decode(self, ids):
        return " ".join(self.words[id] for id in ids.tolist() if id not in (-1, self.end_token)).replace("' ", "'")


@refused_by(tokenizer, "decode", "one blank between two words")
class WordsRunTogether(Given):
    def decode(self, ids):
        return super().decode(ids).replace(" ", "")


@refused_by(tokenizer, "decode", "right before the next word")
class ApostropheLeftAlone(Given):
    def decode(self, ids):
        return super().decode(ids).replace("'", "' ")


@refused_by(tokenizer, "decode", "gives a list")
class DecodeGivesAList(Given):
    def decode(self, ids):
        return super().decode(ids).split()


def right_batch(pairs, end_token):
    prefix = pad_sequence([source for source, _ in pairs], batch_first=True, padding_value=-1)
    targets = pad_sequence([torch.cat([a, torch.tensor([end_token])]) for _, a in pairs], batch_first=True, padding_value=-1)
    return prefix, targets


@refused_by(translation_batch, "shape", "not written yet")
def batch_not_written(pairs, end_token):
    raise NotImplementedError()


@refused_by(translation_batch, "shape", "no room for an end token")
def end_token_forgotten(pairs, end_token):
    return right_batch(pairs, end_token)[0], pad_sequence([a for _, a in pairs], batch_first=True, padding_value=-1)


@refused_by(translation_batch, "shape", "cannot be stacked")
def stacked(pairs, end_token):
    return torch.stack([source for source, _ in pairs]), torch.stack([answer for _, answer in pairs])


@refused_by(translation_batch, "shape", "each sentence is a row, not a column")
def sentences_as_columns(pairs, end_token):
    prefix, targets = right_batch(pairs, end_token)
    return prefix.T, targets.T


@refused_by(translation_batch, "shape", "cut to the shortest")
def cut_to_the_shortest(pairs, end_token):
    shortest = min(len(source) for source, _ in pairs)
    return torch.stack([source[:shortest] for source, _ in pairs]), right_batch(pairs, end_token)[1]


@refused_by(translation_batch, "shape", "one column too many")
def end_token_behind_the_prefix_too(pairs, end_token):
    end = torch.tensor([end_token])
    return right_batch([(torch.cat([source, end]), answer) for source, answer in pairs], end_token)


@refused_by(translation_batch, "shape", "no start token")
def start_token_in_front(pairs, end_token):
    start = torch.tensor([end_token])
    return right_batch([(source, torch.cat([start, answer])) for source, answer in pairs], end_token)


@refused_by(translation_batch, "shape", "have changed places")
def french_first(pairs, end_token):
    return right_batch(pairs, end_token)[::-1]


@refused_by(translation_batch, "shape", "torch.int64")
def ids_as_floats(pairs, end_token):
    return tuple(tensor.float() for tensor in right_batch(pairs, end_token))


@refused_by(translation_batch, "shape", "two tensors")
def one_tensor(pairs, end_token):
    return right_batch(pairs, end_token)[0]


@refused_by(translation_batch, "values", "the padding stands in front")
def padded_in_front(pairs, end_token):
    prefix, targets = right_batch([(a.flip(0), b) for a, b in pairs], end_token)
    return prefix.flip(1), targets


@refused_by(translation_batch, "values", "the padding is 0")
def padded_with_zero(pairs, end_token):
    return tuple(tensor.clamp(min=0) for tensor in right_batch(pairs, end_token))


@refused_by(translation_batch, "values", "the padding is the end token")
def padded_with_the_end_token(pairs, end_token):
    prefix, targets = right_batch(pairs, end_token)
    return prefix, targets.where(targets != -1, end_token)


@refused_by(translation_batch, "values", "stands behind the padding")
def end_token_behind_the_padding(pairs, end_token):
    prefix, _ = right_batch(pairs, end_token)
    answers = pad_sequence([answer for _, answer in pairs], batch_first=True, padding_value=-1)
    return prefix, torch.cat([answers, torch.full((len(pairs), 1), end_token)], dim=1)


@refused_by(translation_batch, "values", "in front. It is the last thing")
def end_token_in_front(pairs, end_token):
    prefix, _ = right_batch(pairs, end_token)
    return prefix, pad_sequence([torch.cat([torch.tensor([end_token]), a]) for _, a in pairs], batch_first=True, padding_value=-1)


@refused_by(translation_batch, "values", "moved by one place")
def shifted_by_hand(pairs, end_token):
    prefix, targets = right_batch(pairs, end_token)
    return prefix, torch.cat([targets[:, 1:], torch.full((len(pairs), 1), -1)], dim=1)


@refused_by(translation_batch, "values", "the end token is missing")
def padding_in_place_of_the_end(pairs, end_token):
    prefix, targets = right_batch(pairs, end_token)
    return prefix, targets.where(targets != end_token, -1)


def move(optimizer, rate):
    for group in optimizer.param_groups:
        group["lr"] = rate


@refused_by(training_step, "loss", "not written yet")
def step_not_written(model, optimizer, batch, rate, grad_clip):
    raise NotImplementedError()


@refused_by(training_step, "loss", "the function has no `return`")
def nothing_returned(model, optimizer, batch, rate, grad_clip):
    right_step(model, optimizer, batch, rate, grad_clip)


def right_step(model, optimizer, batch, rate, grad_clip):
    model.train()
    move(optimizer, rate)
    optimizer.zero_grad()
    _, loss = model(*batch)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    return loss.item()


@refused_by(training_step, "loss", "still hangs on its graph")
def loss_with_its_graph(model, optimizer, batch, rate, grad_clip):
    right_step(model, optimizer, batch, rate, grad_clip)
    return model(*batch)[1]


@refused_by(training_step, "loss", "this is the loss after the step")
def loss_after_the_step(model, optimizer, batch, rate, grad_clip):
    right_step(model, optimizer, batch, rate, grad_clip)
    return model(*batch)[1].item()


@refused_by(training_step, "loss", "the mean over the batch")
def loss_summed(model, optimizer, batch, rate, grad_clip):
    return right_step(model, optimizer, batch, rate, grad_clip) * len(batch[0])


@refused_by(training_step, "loss", "model(*batch)")
def batch_not_unpacked(model, optimizer, batch, rate, grad_clip):
    _, loss = model(batch)
    loss.backward()
    return loss.item()


@refused_by(training_step, "loss", "the model returns two things")
def loss_not_unpacked(model, optimizer, batch, rate, grad_clip):
    loss = model(*batch)
    loss.backward()
    return loss.item()


@refused_by(training_step, "loss", "no graph was built")
def without_gradients(model, optimizer, batch, rate, grad_clip):
    with torch.no_grad():
        return right_step(model, optimizer, batch, rate, grad_clip)


@refused_by(training_step, "loss", "makes a plain number")
def item_before_backward(model, optimizer, batch, rate, grad_clip):
    loss = model(*batch)[1].item()
    loss.backward()
    return loss


@refused_by(training_step, "update", "the gradients of the step before are still there")
def zero_grad_forgotten(model, optimizer, batch, rate, grad_clip):
    model.train()
    move(optimizer, rate)
    _, loss = model(*batch)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    return loss.item()


@refused_by(training_step, "update", "no parameter has moved")
def zero_grad_before_the_step(model, optimizer, batch, rate, grad_clip):
    model.train()
    move(optimizer, rate)
    _, loss = model(*batch)
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()
    return loss.item()


@refused_by(training_step, "update", "no parameter has moved")
def step_before_backward(model, optimizer, batch, rate, grad_clip):
    model.train()
    move(optimizer, rate)
    optimizer.zero_grad()
    _, loss = model(*batch)
    optimizer.step()
    loss.backward()
    return loss.item()


@refused_by(training_step, "update", "no parameter has moved")
def step_forgotten(model, optimizer, batch, rate, grad_clip):
    model.train()
    move(optimizer, rate)
    optimizer.zero_grad()
    _, loss = model(*batch)
    loss.backward()
    return loss.item()


@refused_by(training_step, "update", "no parameter has moved")
def backward_forgotten(model, optimizer, batch, rate, grad_clip):
    model.train()
    move(optimizer, rate)
    optimizer.zero_grad()
    _, loss = model(*batch)
    optimizer.step()
    return loss.item()


@refused_by(training_step, "update", "no parameter has moved")
def a_copy_is_trained(model, optimizer, batch, rate, grad_clip):
    model = copy.deepcopy(model).train()
    return right_step(model, optimizer, batch, rate, grad_clip)


@refused_by(training_step, "update", "as if every step were the first")
def a_new_optimizer_every_step(model, optimizer, batch, rate, grad_clip):
    optimizer = type(optimizer)(optimizer.param_groups, **{k: v for k, v in optimizer.defaults.items() if k in ("momentum", "betas")})
    return right_step(model, optimizer, batch, rate, grad_clip)


@refused_by(training_step, "update", "this is plain descent")
def descent_by_hand(model, optimizer, batch, rate, grad_clip):
    model.train()
    model.zero_grad()
    _, loss = model(*batch)
    loss.backward()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter -= rate * parameter.grad
    return loss.item()


@refused_by(training_step, "update", "the rate has no effect")
def rate_ignored(model, optimizer, batch, rate, grad_clip):
    rates = [group["lr"] for group in optimizer.param_groups]
    assert len(set(rates)) == 1
    return right_step(model, optimizer, batch, rates[0], grad_clip)


@refused_by(training_step, "update", "only the first of the optimizer's groups")
def rate_for_the_first_group(model, optimizer, batch, rate, grad_clip):
    optimizer.param_groups[0]["lr"] = rate
    return take(model, optimizer, batch, grad_clip)


@refused_by(training_step, "update", "the rate has no effect")
def rate_after_the_step(model, optimizer, batch, rate, grad_clip):
    loss = take(model, optimizer, batch, grad_clip)
    move(optimizer, rate)
    return loss


def take(model, optimizer, batch, grad_clip):
    model.train()
    optimizer.zero_grad()
    _, loss = model(*batch)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    return loss.item()


@refused_by(training_step, "update", "the sign is turned round")
def climbing(model, optimizer, batch, rate, grad_clip):
    model.train()
    move(optimizer, rate)
    optimizer.zero_grad()
    _, loss = model(*batch)
    (-loss).backward()
    nn.utils.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    return loss.item()


@refused_by(training_step, "update", "each once")
def two_steps_in_one(model, optimizer, batch, rate, grad_clip):
    loss = right_step(model, optimizer, batch, rate, grad_clip)
    optimizer.step()
    return loss


@refused_by(training_step, "clipping", "the gradients are not clipped")
def clipping_forgotten(model, optimizer, batch, rate, grad_clip):
    move(optimizer, rate)
    return take(model, optimizer, batch, float("inf"))


@refused_by(training_step, "clipping", "the gradients are not clipped")
def clipped_before_backward(model, optimizer, batch, rate, grad_clip):
    model.train()
    move(optimizer, rate)
    optimizer.zero_grad()
    _, loss = model(*batch)
    nn.utils.clip_grad_norm_(model.parameters(), grad_clip)
    loss.backward()
    optimizer.step()
    return loss.item()


@refused_by(training_step, "clipping", "the gradients are not clipped")
def clipped_after_the_step(model, optimizer, batch, rate, grad_clip):
    loss = clipping_forgotten(model, optimizer, batch, rate, grad_clip)
    nn.utils.clip_grad_norm_(model.parameters(), grad_clip)
    return loss


@refused_by(training_step, "clipping", "every single number is clipped")
def clipped_by_value(model, optimizer, batch, rate, grad_clip):
    return clipped_in_another_way(model, optimizer, batch, rate, lambda parameters: nn.utils.clip_grad_value_(parameters, grad_clip))


@refused_by(training_step, "clipping", "each parameter is clipped on its own")
def clipped_one_by_one(model, optimizer, batch, rate, grad_clip):
    return clipped_in_another_way(
        model, optimizer, batch, rate, lambda parameters: [nn.utils.clip_grad_norm_(p, grad_clip) for p in parameters])


@refused_by(training_step, "clipping", "short gradients are made longer")
def always_of_the_same_length(model, optimizer, batch, rate, grad_clip):
    def scale(parameters):
        norm = torch.cat([p.grad.flatten() for p in parameters]).norm()
        for p in parameters:
            p.grad *= grad_clip / norm

    return clipped_in_another_way(model, optimizer, batch, rate, scale) if grad_clip < 1e6 else right_step(model, optimizer, batch, rate, grad_clip)


def clipped_in_another_way(model, optimizer, batch, rate, clip):
    model.train()
    move(optimizer, rate)
    optimizer.zero_grad()
    _, loss = model(*batch)
    loss.backward()
    clip(list(model.parameters()))
    optimizer.step()
    return loss.item()


@refused_by(training_step, "mode", "model.train()")
def left_in_evaluation(model, optimizer, batch, rate, grad_clip):
    move(optimizer, rate)
    optimizer.zero_grad()
    _, loss = model(*batch)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    return loss.item()


@refused_by(training_step, "mode", "dropout is for training")
def trained_in_evaluation(model, optimizer, batch, rate, grad_clip):
    loss = None
    model.eval()
    move(optimizer, rate)
    optimizer.zero_grad()
    _, loss = model(*batch)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    return loss.item()


@refused_by(noam_rate, "values", "not written yet")
def rate_not_written(step, d_model, warmup_steps):
    raise NotImplementedError()


@refused_by(noam_rate, "values", "The smaller one: min")
def the_larger_of_the_two(step, d_model, warmup_steps):
    return d_model**-0.5 * max(step**-0.5, step * warmup_steps**-1.5)


@refused_by(noam_rate, "values", "the factor d_model ** −0.5 is missing")
def width_forgotten(step, d_model, warmup_steps):
    return min(step**-0.5, step * warmup_steps**-1.5)


@refused_by(noam_rate, "values", "stands above the line")
def times_the_root_of_the_width(step, d_model, warmup_steps):
    return d_model**0.5 * min(step**-0.5, step * warmup_steps**-1.5)


@refused_by(noam_rate, "values", "By its root")
def divided_by_the_width(step, d_model, warmup_steps):
    return min(step**-0.5, step * warmup_steps**-1.5) / d_model


@refused_by(noam_rate, "values", "there is no warm-up")
def falling_alone(step, d_model, warmup_steps):
    return (d_model * step) ** -0.5


@refused_by(noam_rate, "values", "it climbs for ever")
def climbing_alone(step, d_model, warmup_steps):
    return d_model**-0.5 * step * warmup_steps**-1.5


@refused_by(noam_rate, "values", "the power of warmup_steps")
def another_power_of_warm_up(step, d_model, warmup_steps):
    return d_model**-0.5 * min(step**-0.5, step * warmup_steps**-0.5)


@refused_by(noam_rate, "values", "whatever the step is")
def the_rate_of_the_last_step(step, d_model, warmup_steps):
    return d_model**-0.5 * min(100_000**-0.5, 100_000 * warmup_steps**-1.5)


@refused_by(warmup_cosine, "warm-up", "not written yet")
def cosine_not_written(step, peak, warmup_steps, max_iters):
    raise NotImplementedError()


def falling(done):
    return (1 + math.cos(math.pi * done)) / 2


@refused_by(warmup_cosine, "warm-up", "this is the peak")
def warm_up_forgotten(step, peak, warmup_steps, max_iters):
    return peak if step <= warmup_steps else peak * falling((step - warmup_steps) / (max_iters - warmup_steps))


@refused_by(warmup_cosine, "warm-up", "with rate 0")
def warm_up_from_zero(step, peak, warmup_steps, max_iters):
    return peak * (step - 1) / warmup_steps if step <= warmup_steps else peak * falling((step - warmup_steps) / (max_iters - warmup_steps))


@refused_by(warmup_cosine, "cosine", "it stays at the peak")
def constant_behind_the_warm_up(step, peak, warmup_steps, max_iters):
    return peak * min(1, step / max(warmup_steps, 1))


@refused_by(warmup_cosine, "cosine", "the wave begins at step 0")
def wave_from_the_beginning(step, peak, warmup_steps, max_iters):
    return peak * (step / warmup_steps if step <= warmup_steps else falling(step / max_iters))


@refused_by(warmup_cosine, "cosine", "the wave is too long")
def wave_too_long(step, peak, warmup_steps, max_iters):
    return peak * (step / warmup_steps if step <= warmup_steps else falling((step - warmup_steps) / max_iters))


@refused_by(warmup_cosine, "cosine", "a straight line down")
def straight_down(step, peak, warmup_steps, max_iters):
    return peak * (step / warmup_steps if step <= warmup_steps else (max_iters - step) / (max_iters - warmup_steps))


@refused_by(warmup_cosine, "cosine", "a cosine goes down to −1")
def below_zero(step, peak, warmup_steps, max_iters):
    return peak * (step / warmup_steps if step <= warmup_steps else math.cos(math.pi * (step - warmup_steps) / (max_iters - warmup_steps)))


@refused_by(warmup_cosine, "cosine", "the half is missing")
def twice_the_peak(step, peak, warmup_steps, max_iters):
    return peak * (step / warmup_steps if step <= warmup_steps else 2 * falling((step - warmup_steps) / (max_iters - warmup_steps)))


@refused_by(warmup_cosine, "cosine", "math.cos wants radians")
def in_degrees(step, peak, warmup_steps, max_iters):
    return peak * (step / warmup_steps if step <= warmup_steps else (1 + math.cos(180 * (step - warmup_steps) / (max_iters - warmup_steps))) / 2)


@refused_by(warmup_cosine, "cosine", "a whole wave comes back up")
def a_whole_wave(step, peak, warmup_steps, max_iters):
    return peak * (step / warmup_steps if step <= warmup_steps else falling(2 * (step - warmup_steps) / (max_iters - warmup_steps)))


def written(model, prefix, targets, end_token, temperature=0):
    """(B, T): what the model writes, filled up with -1."""
    T = targets.shape[1]
    answer = prefix_generation(model, prefix, T, temperature, end_token=end_token)
    return nn.functional.pad(answer, (0, T - answer.shape[1]), value=-1)


@refused_by(exact_match, "greedy", "not written yet")
def match_not_written(model, prefix, targets, end_token):
    raise NotImplementedError()


@refused_by(exact_match, "greedy", "drawn by chance")
def sampled(model, prefix, targets, end_token):
    return (written(model, prefix, targets, end_token, temperature=1.0) == targets).all(1).float().mean()


@refused_by(exact_match, "sentences", "with the right words before each")
def teacher_forced_words(model, prefix, targets, end_token):
    model.eval()
    P, T = prefix.shape[1], targets.shape[1]
    # The last real row of each prefix predicts its first target.
    rights = []
    for source, answer in zip(prefix, targets):
        source, answer = source[source != -1][None], answer[answer != -1][None]
        logits, _ = model(source, answer)
        rights += (logits[:, source.shape[1] - 1 : -1].argmax(-1) == answer).flatten().tolist()
    return sum(rights) / len(rights)


@refused_by(exact_match, "sentences", "padding is counted")
def pads_counted(model, prefix, targets, end_token):
    rights = []
    for source, answer in zip(prefix, targets):
        real = answer[answer != -1]
        source = source[source != -1][None]
        logits, _ = model.eval()(source, real[None])
        right = (logits[0, source.shape[1] - 1 : -1].argmax(-1) == real).tolist()
        rights += right + [True] * (len(answer) - len(real))
    return sum(rights) / len(rights)


@refused_by(exact_match, "sentences", "the end token is not compared")
def end_not_compared(model, prefix, targets, end_token):
    said = written(model, prefix, targets, end_token)
    words = (targets != -1) & (targets != end_token)
    return ((said == targets) | ~words).all(1).float().mean()


@refused_by(exact_match, "sentences", "only the first word")
def first_word_alone(model, prefix, targets, end_token):
    return (written(model, prefix, targets, end_token)[:, 0] == targets[:, 0]).float().mean()


@refused_by(exact_match, "sentences", "With the answer in the question, any model is right")
def answer_in_the_prompt(model, prefix, targets, end_token):
    given = torch.full((len(prefix), prefix.shape[1] + targets.shape[1]), -1)
    for row, (source, answer) in enumerate(zip(prefix, targets)):
        both = torch.cat([source[source != -1], answer[answer != -1]])
        given[row, : len(both)] = both
    return (written(model, given, targets, end_token) == targets).all(1).float().mean()


@refused_by(exact_match, "sentences", "divide by how many there are")
def counted(model, prefix, targets, end_token):
    return (written(model, prefix, targets, end_token) == targets).all(1).sum()


@refused_by(exact_match, "sentences", "a share between 0 and 1")
def in_percent(model, prefix, targets, end_token):
    return 100 * (written(model, prefix, targets, end_token) == targets).all(1).float().mean()


@refused_by(exact_match, "sentences", "the share of wrong answers")
def share_of_wrong(model, prefix, targets, end_token):
    return (written(model, prefix, targets, end_token) != targets).any(1).float().mean()


@refused_by(exact_match, "greedy", "take the mean over the batch")
def one_for_each_sentence(model, prefix, targets, end_token):
    return (written(model, prefix, targets, end_token) == targets).all(1)


@refused_by(exact_match, "short answers", "fewer columns than targets")
def of_one_length_alone(model, prefix, targets, end_token):
    return (prefix_generation(model, prefix, targets.shape[1], 0, end_token=end_token) == targets).all(1).float().mean()


@refused_by(exact_match, "short answers", "fewer columns than targets")
def only_where_lengths_agree(model, prefix, targets, end_token):
    said = prefix_generation(model, prefix, targets.shape[1], 0, end_token=end_token)
    return (said == targets).all(1).float().mean() if said.shape == targets.shape else 0.0


@refused_by(exact_match, "mode", "dropout is on")
def measured_in_training(model, prefix, targets, end_token):
    rights = []
    for source, answer in zip(prefix, targets):
        source, answer = source[source != -1][None], answer[answer != -1][None]
        logits, _ = model(source, answer)
        rights.append(bool((logits[:, source.shape[1] - 1 : -1].argmax(-1) == answer).all()))
    return sum(rights) / len(rights)


@refused_by(exact_match, "mode", "put back what you changed")
def left_in_evaluation_afterwards(model, prefix, targets, end_token):
    model.eval()
    return (written(model, prefix, targets, end_token) == targets).all(1).float().mean()


@refused_by(honest_accuracy, "choice", "not written yet")
def choice_not_written(models, splits, score):
    raise NotImplementedError()


@refused_by(honest_accuracy, "choice", "owes part of its score there to luck")
def chosen_on_test(models, splits, score):
    chosen = max(models, key=lambda model: score(model, splits["test"]))
    return chosen, score(chosen, splits["test"])


@refused_by(honest_accuracy, "choice", "learnt it by heart")
def chosen_on_training_data(models, splits, score):
    chosen = max(models, key=lambda model: score(model, splits["train"]))
    return chosen, score(chosen, splits["test"])


@refused_by(honest_accuracy, "choice", "what it was trained on")
def scored_on_training_data(models, splits, score):
    chosen = max(models, key=lambda model: score(model, splits["validation"]))
    return chosen, score(chosen, splits["train"])


@refused_by(honest_accuracy, "choice", "the score by which it was chosen")
def told_by_validation(models, splits, score):
    chosen = max(models, key=lambda model: score(model, splits["validation"]))
    return chosen, score(chosen, splits["validation"])


@refused_by(honest_accuracy, "choice", "which another model has")
def best_test_score_of_any(models, splits, score):
    chosen = max(models, key=lambda model: score(model, splits["validation"]))
    return chosen, max(score(model, splits["test"]) for model in models)


@refused_by(honest_accuracy, "choice", "what has been looked at cannot be unseen")
def test_looked_at_for_all(models, splits, score):
    tested = {model: score(model, splits["test"]) for model in models}
    chosen = max(models, key=lambda model: score(model, splits["validation"]))
    return chosen, tested[chosen]


@refused_by(honest_accuracy, "choice", "two things")
def accuracy_alone(models, splits, score):
    chosen = max(models, key=lambda model: score(model, splits["validation"]))
    return score(chosen, splits["test"])


def sizes(vocab_size, block_size=32, **others):
    return TransformerConfig(vocab_size, block_size, **others)


@refused_by(own_training, "sizes", "not written yet")
def own_not_written(vocab_size, seed):
    raise NotImplementedError()


@refused_by(own_training, "sizes", "three things")
def recipe_alone(vocab_size, seed):
    return Recipe(seed=seed)


@refused_by(own_training, "sizes", "a Recipe")
def recipe_last(vocab_size, seed):
    return sizes(vocab_size), sizes(vocab_size), Recipe(seed=seed)


@refused_by(own_training, "sizes", "look like copies")
def seed_ignored(vocab_size, seed):
    return Recipe(), sizes(vocab_size), sizes(vocab_size)


@refused_by(own_training, "sizes", "as many as the tokenizer has words")
def vocabulary_chosen(vocab_size, seed):
    return Recipe(seed=seed), sizes(1000), sizes(1000)


@refused_by(own_training, "sizes", "the longest sentences would not fit")
def block_too_short(vocab_size, seed):
    return Recipe(seed=seed), sizes(vocab_size, 8), sizes(vocab_size, 8)


@refused_by(own_training, "sizes", "the decoder reads the encoder's vectors")
def widths_that_differ(vocab_size, seed):
    return Recipe(seed=seed), sizes(vocab_size, n_embd=128), sizes(vocab_size, n_embd=64)


@refused_by(own_training, "sizes", "a better recipe needs fewer")
def a_hundred_thousand_steps(vocab_size, seed):
    return Recipe(seed=seed, max_iters=100_000), sizes(vocab_size), sizes(vocab_size)


@refused_by(own_training, "sizes", "n_embd counts twice")
def far_too_large(vocab_size, seed):
    return Recipe(seed=seed), sizes(vocab_size, n_embd=512), sizes(vocab_size, n_embd=512)

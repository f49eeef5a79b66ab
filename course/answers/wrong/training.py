"""Wrong answers to notebook 9 that cannot be registered as mistakes in its checks."""

import copy
import math

import numpy as np
import torch
from torch import nn

from answers import refused_by
from ninelives.checks.measures import written
from ninelives.checks.tokenizer import GivenTokenizer
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
from ninelives.checks.training_step import gradients_of, set_rate
from ninelives.checks.translation_batch import closed, padded, sources
from ninelives.config import TransformerConfig
from ninelives.model import prefix_generation
from ninelives.training import Recipe


@refused_by(tokenizer, "encode", "not written yet", "run its cell again, then this check")
class EncodeNotWritten(GivenTokenizer):
    def encode(self, text):
        raise NotImplementedError()


@refused_by(tokenizer, "encode", "returns a list", "this is not a tensor yet")
class EncodeGivesAList(GivenTokenizer):
    def encode(self, text):
        return super().encode(text).tolist()


@refused_by(tokenizer, "encode", "torch.int64", "of whole numbers is int64 by itself")
class IdsAsFloats(GivenTokenizer):
    def encode(self, text):
        return super().encode(text).float()


@refused_by(tokenizer, "encode", "is the same word: `text.lower()` first")
class CapitalsKept(GivenTokenizer):
    def split(self, text):
        return text.strip().removesuffix(".").replace("'", "' ").split()


@refused_by(tokenizer, "encode", "the full stop at the end")
class FullStopKept(GivenTokenizer):
    def split(self, text):
        return text.lower().replace("'", "' ").split()


@refused_by(tokenizer, "encode", "is two words: put a space after every apostrophe")
class ApostropheInsideAWord(GivenTokenizer):
    def split(self, text):
        return text.lower().strip().removesuffix(".").split()


@refused_by(tokenizer, "encode", "makes an empty word where two spaces follow each other")
class SplitAtEveryBlank(GivenTokenizer):
    def split(self, text):
        return text.lower().strip().removesuffix(".").replace("'", "' ").split(" ")


@refused_by(tokenizer, "encode", "a word's id is its position in self.words")
class EveryOtherId(GivenTokenizer):
    def encode(self, text):
        return 2 * super().encode(text)


@refused_by(tokenizer, "encode", "end_token is 14", "keep the __init__ of the exercise as it is")
class EndTokenLast(GivenTokenizer):
    def __init__(self, words):
        super().__init__(words)
        self.end_token = len(words)


@refused_by(tokenizer, "unknown", "the word silently becomes another one")
class UnknownBecomesTheFirstWord(GivenTokenizer):
    def encode(self, text):
        return torch.tensor([self.id_of.get(word, 0) for word in self.split(text)], dtype=torch.int64)


@refused_by(tokenizer, "unknown", "the word silently becomes another one")
class UnknownBecomesTheEnd(GivenTokenizer):
    def encode(self, text):
        return torch.tensor([self.id_of.get(word, self.end_token) for word in self.split(text)], dtype=torch.int64)


@refused_by(tokenizer, "unknown", "the word is left out. The model")
class UnknownLeftOut(GivenTokenizer):
    def encode(self, text):
        return torch.tensor([self.id_of[word] for word in self.split(text) if word in self.id_of], dtype=torch.int64)


@refused_by(tokenizer, "unknown", "raises KeyError", "look before you ask the dictionary")
class UnknownRaisesKeyError(GivenTokenizer):
    def encode(self, text):
        return torch.tensor([self.id_of[word] for word in self.split(text)], dtype=torch.int64)


@refused_by(tokenizer, "unknown", "a message that names the word", "the reader of the message must learn which word")
class UnknownNotNamed(GivenTokenizer):
    def encode(self, text):
        if not set(self.split(text)) <= set(self.words):
            raise ValueError("unknown word")
        return super().encode(text)


@refused_by(tokenizer, "unknown", "the whole text is quoted, which does not say which of its words is unknown")
class WholeTextNamed(GivenTokenizer):
    def encode(self, text):
        if set(self.split(text)) - set(self.words[1:]):
            raise ValueError(f"a word of {text!r} is not in the vocabulary")
        return super().encode(text)


@refused_by(tokenizer, "unknown", "full stops are taken away inside words too")
class StopsTakenAwayEverywhere(GivenTokenizer):
    def split(self, text):
        return text.lower().replace(".", "").replace("'", "' ").split()


@refused_by(tokenizer, "decode", "not written yet", "run its cell again, then this check")
class DecodeNotWritten(GivenTokenizer):
    def decode(self, ids):
        raise NotImplementedError()


@refused_by(tokenizer, "decode", "words[-1] is the last word of the list")
class PaddingDecodedAsTheLastWord(GivenTokenizer):
    def decode(self, ids):
        words = [self.words[id] for id in ids.tolist()]
        return " ".join(words[: words.index("<end>")] if self.end_token in ids else words).replace("' ", "'")


@refused_by(tokenizer, "decode", "it is not a word of the sentence")
class EndDecoded(GivenTokenizer):
    def decode(self, ids):
        return " ".join(self.words[id] for id in ids.tolist() if id != -1).replace("' ", "'")


@refused_by(tokenizer, "decode", "no longer part of the sentence")
class GoesOnAfterTheEnd(GivenTokenizer):
    def decode(self, ids):
        return " ".join(self.words[id] for id in ids.tolist() if id not in (-1, self.end_token)).replace("' ", "'")


@refused_by(tokenizer, "decode", "one space between two words")
class WordsRunTogether(GivenTokenizer):
    def decode(self, ids):
        return super().decode(ids).replace(" ", "")


@refused_by(tokenizer, "decode", "right before the next word")
class ApostropheLeftAlone(GivenTokenizer):
    def decode(self, ids):
        return super().decode(ids).replace("'", "' ")


@refused_by(tokenizer, "decode", "capital letters are put in")
class SentenceCapitalised(GivenTokenizer):
    def decode(self, ids):
        return super().decode(ids).capitalize()


@refused_by(tokenizer, "decode", "the apostrophe is gone, and only the space after it should be")
class ApostropheGone(GivenTokenizer):
    def decode(self, ids):
        return super().decode(ids).replace("'", "")


@refused_by(tokenizer, "decode", "every id before the first end token or −1 is a word of the sentence")
class LastWordDropped(GivenTokenizer):
    def decode(self, ids):
        return super().decode(ids[:-1])


@refused_by(tokenizer, "unknown", "the word is in the message, but in capitals")
class UnknownInCapitals(GivenTokenizer):
    def encode(self, text):
        for word in self.split(text):
            if word not in self.words[1:]:
                raise ValueError(f"UNKNOWN WORD: {word.upper()}")
        return super().encode(text)


@refused_by(honest_accuracy, "choice", "models have no order of their own")
def best_without_a_key(models, splits, score):
    chosen = max(models)
    return chosen, score(chosen, splits["test"])


@refused_by(honest_accuracy, "choice", "the model is one of several things here: take it out")
def score_and_model(models, splits, score):
    best = max((score(model, splits["validation"]), model) for model in models)
    return best, score(best[1], splits["test"])


@refused_by(honest_accuracy, "choice", "this is a position in the list. The caller wants the model itself")
def position_found_by_numpy(models, splits, score):
    best = np.argmax([score(model, splits["validation"]) for model in models])
    return best, score(models[best], splits["test"])


@refused_by(honest_accuracy, "choice", "this is a position in the list. The caller wants the model itself")
def position_of_the_best(models, splits, score):
    scores = [score(model, splits["validation"]) for model in models]
    best = scores.index(max(scores))
    return best, score(models[best], splits["test"])


@refused_by(tokenizer, "decode", "gives a list", "makes one text of a list of words")
class DecodeGivesAList(GivenTokenizer):
    def decode(self, ids):
        return super().decode(ids).split()


@refused_by(tokenizer, "decode", "go through the ids as numbers: `ids.tolist()`")
class AllIdsAtOnce(GivenTokenizer):
    def decode(self, ids):
        return " ".join(self.words[ids])


@refused_by(tokenizer, "decode", "−1 is padding, and no word has this id")
class WordsLookedUpInADictionary(GivenTokenizer):
    def decode(self, ids):
        word_of = {id: word for word, id in self.id_of.items()}
        words = [word_of[id] for id in ids.tolist()]
        return " ".join(words[: words.index("<end>")] if "<end>" in words else words).replace("' ", "'")


@refused_by(tokenizer, "decode", "each id is a position in self.words")
class IdsTakenForPositionsWithoutTheEnd(GivenTokenizer):
    def decode(self, ids):
        return super().decode(torch.where(ids > 1, ids - 1, ids))


@refused_by(tokenizer, "decode", "decode(encode(", "encode and decode must use the same list of words")
class RepeatedWordsLeftOut(GivenTokenizer):
    def decode(self, ids):
        return super().decode(torch.tensor(list(dict.fromkeys(ids.tolist()))))


@refused_by(translation_batch, "shape", "not written yet", "run its cell again, then this check")
def batch_not_written(pairs, end_token):
    raise NotImplementedError()


@refused_by(translation_batch, "shape", "tensors of different lengths cannot be stacked")
def stacked(pairs, end_token):
    return torch.stack([source for source, _ in pairs]), torch.stack([answer for _, answer in pairs])


@refused_by(translation_batch, "shape", "torch.int64", "torch.tensor([…]) keeps whole numbers, and −1.0 instead of −1")
def ids_as_floats(pairs, end_token):
    return padded(sources(pairs)).float(), padded(closed(pairs, end_token)).float()


@refused_by(translation_batch, "shape", "two things: (prefix, targets)", "return prefix, targets.")
def one_tensor(pairs, end_token):
    return padded(sources(pairs))


@refused_by(translation_batch, "shape", "rows of different lengths make no tensor")
def lists_of_different_lengths(pairs, end_token):
    return torch.tensor([source.tolist() for source, _ in pairs]), torch.tensor([row.tolist() for row in closed(pairs, end_token)])


@refused_by(translation_batch, "shape", "translation_batch changed the pairs", "work on copies; torch.cat makes one")
def pairs_sorted_in_place(pairs, end_token):
    pairs.sort(key=lambda pair: len(pair[0]))
    return padded(sources(pairs)), padded(closed(pairs, end_token))


@refused_by(translation_batch, "values", "these are the right rows in another order")
def last_pair_first(pairs, end_token):
    return padded(sources(pairs)).flip(0), padded(closed(pairs, end_token)).flip(0)


def right_step(model, optimizer, batch, rate, grad_clip):
    loss = gradients_of(model, optimizer, batch, rate)
    nn.utils.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    return loss


@refused_by(training_step, "loss", "not written yet", "run its cell again, then this check")
def step_not_written(model, optimizer, batch, rate, grad_clip):
    raise NotImplementedError()


@refused_by(training_step, "loss", "the function has no `return`.")
def nothing_returned(model, optimizer, batch, rate, grad_clip):
    right_step(model, optimizer, batch, rate, grad_clip)


@refused_by(training_step, "loss", "returns a tuple of 2", "return `loss.item()` alone")
def logits_returned_too(model, optimizer, batch, rate, grad_clip):
    right_step(model, optimizer, batch, rate, grad_clip)
    return tuple(each.detach() for each in model(*batch))


@refused_by(training_step, "loss", "a list of a thousand such losses keeps a thousand graphs")
def loss_with_its_graph(model, optimizer, batch, rate, grad_clip):
    right_step(model, optimizer, batch, rate, grad_clip)
    return model(*batch)[1]


@refused_by(training_step, "loss", "this is the loss after the step")
def loss_after_the_step(model, optimizer, batch, rate, grad_clip):
    right_step(model, optimizer, batch, rate, grad_clip)
    return model(*batch)[1].item()


@refused_by(training_step, "loss", "the loss is already the mean over the batch")
def loss_summed(model, optimizer, batch, rate, grad_clip):
    return right_step(model, optimizer, batch, rate, grad_clip) * len(batch[0])


@refused_by(training_step, "loss", "a batch is a tuple of what the model is called with")
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


@refused_by(training_step, "loss", "backward() is called on the logits")
def backward_from_the_logits(model, optimizer, batch, rate, grad_clip):
    logits, loss = model(*batch)
    logits.backward()
    return loss.item()


@refused_by(training_step, "loss", "makes a plain number of the loss")
def item_before_backward(model, optimizer, batch, rate, grad_clip):
    loss = model(*batch)[1].item()
    loss.backward()
    return loss


@refused_by(training_step, "loss", "before backward() the gradients are None")
def clipped_by_hand_before_backward(model, optimizer, batch, rate, grad_clip):
    _, loss = model(*batch)
    for parameter in model.parameters():
        parameter.grad.clamp_(-grad_clip, grad_clip)
    loss.backward()
    return loss.item()


@refused_by(training_step, "update", "no parameter has moved")
def zero_grad_before_the_step(model, optimizer, batch, rate, grad_clip):
    loss = gradients_of(model, optimizer, batch, rate)
    optimizer.zero_grad()
    optimizer.step()
    return loss


@refused_by(training_step, "update", "no parameter has moved")
def step_before_backward(model, optimizer, batch, rate, grad_clip):
    model.train()
    set_rate(optimizer, rate)
    optimizer.zero_grad()
    _, loss = model(*batch)
    optimizer.step()
    loss.backward()
    return loss.item()


@refused_by(training_step, "update", "no parameter has moved")
def step_forgotten(model, optimizer, batch, rate, grad_clip):
    return gradients_of(model, optimizer, batch, rate)


@refused_by(training_step, "update", "no parameter has moved")
def backward_forgotten(model, optimizer, batch, rate, grad_clip):
    model.train()
    set_rate(optimizer, rate)
    optimizer.zero_grad()
    _, loss = model(*batch)
    optimizer.step()
    return loss.item()


@refused_by(training_step, "update", "no parameter has moved")
def a_copy_is_trained(model, optimizer, batch, rate, grad_clip):
    model = copy.deepcopy(model).train()
    return right_step(model, optimizer, batch, rate, grad_clip)


@refused_by(training_step, "update", "this is plain gradient descent, as if every step were the first")
def a_new_optimizer_every_step(model, optimizer, batch, rate, grad_clip):
    optimizer = type(optimizer)(optimizer.param_groups, **{k: v for k, v in optimizer.defaults.items() if k in ("momentum", "betas")})
    return right_step(model, optimizer, batch, rate, grad_clip)


@refused_by(training_step, "update", "each once, on the optimizer that was given")
def rate_rounded(model, optimizer, batch, rate, grad_clip):
    return right_step(model, optimizer, batch, round(rate, 1), grad_clip)


@refused_by(training_step, "clipping", "the gradients are longer than grad_clip")
def clipped_before_backward(model, optimizer, batch, rate, grad_clip):
    model.train()
    set_rate(optimizer, rate)
    optimizer.zero_grad()
    _, loss = model(*batch)
    nn.utils.clip_grad_norm_(model.parameters(), grad_clip)
    loss.backward()
    optimizer.step()
    return loss.item()


@refused_by(training_step, "clipping", "the gradients are longer than grad_clip")
def clipped_after_the_step(model, optimizer, batch, rate, grad_clip):
    loss = gradients_of(model, optimizer, batch, rate)
    optimizer.step()
    nn.utils.clip_grad_norm_(model.parameters(), grad_clip)
    return loss


def step_in_the_mode_it_finds(model, optimizer, batch, rate, grad_clip):
    set_rate(optimizer, rate)
    optimizer.zero_grad()
    _, loss = model(*batch)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    return loss.item()


@refused_by(training_step, "mode", "`model.train()` at the beginning of the step")
def left_in_evaluation(model, optimizer, batch, rate, grad_clip):
    return step_in_the_mode_it_finds(model, optimizer, batch, rate, grad_clip)


@refused_by(training_step, "mode", "dropout is for training", "`model.train()` at the beginning of the step")
def trained_in_evaluation(model, optimizer, batch, rate, grad_clip):
    model.eval()
    return step_in_the_mode_it_finds(model, optimizer, batch, rate, grad_clip)


@refused_by(noam_rate, "values", "not written yet", "run its cell again, then this check")
def rate_not_written(step, d_model, warmup_steps):
    raise NotImplementedError()


@refused_by(noam_rate, "values", "d_model ** −0.5 · min(step ** −0.5, step · warmup_steps ** −1.5)")
def half_the_rate(step, d_model, warmup_steps):
    return d_model**-0.5 * min(step**-0.5, step * warmup_steps**-1.5) / 2


@refused_by(noam_rate, "values", "nothing here is divided by a number that may be 0")
def root_of_the_steps_before(step, d_model, warmup_steps):
    return d_model**-0.5 * min(1 / math.sqrt(step - 1), step * warmup_steps**-1.5)


@refused_by(noam_rate, "values", "this is a root of a negative number")
def root_of_the_steps_after_the_warm_up(step, d_model, warmup_steps):
    return d_model**-0.5 * min(math.sqrt(step - warmup_steps), step * warmup_steps**-1.5)


@refused_by(noam_rate, "values", "is a negative number raised to a power here?")
def power_of_the_steps_after_the_warm_up(step, d_model, warmup_steps):
    return d_model**-0.5 * (step - warmup_steps - 0.5) ** -0.5


@refused_by(noam_rate, "values", "returns a tuple of 2", "return one number.")
def both_numbers(step, d_model, warmup_steps):
    return d_model**-0.5 * step**-0.5, d_model**-0.5 * step * warmup_steps**-1.5


@refused_by(warmup_cosine, "warm-up", "up to warmup_steps: peak · step / warmup_steps")
def warm_up_squared(step, peak, warmup_steps, max_iters):
    return peak * (step / max(warmup_steps, 1)) ** 2


@refused_by(warmup_cosine, "cosine", "after the warm-up: peak · (1 + cos(π · done)) / 2")
def cosine_squared(step, peak, warmup_steps, max_iters):
    if step <= warmup_steps:
        return peak * step / warmup_steps
    return peak * (1 + math.cos(math.pi * (step - warmup_steps) / (max_iters - warmup_steps))) ** 2 / 4


@refused_by(warmup_cosine, "warm-up", "not written yet", "run its cell again, then this check")
def cosine_not_written(step, peak, warmup_steps, max_iters):
    raise NotImplementedError()


@refused_by(exact_match, "greedy", "not written yet", "run its cell again, then this check")
def match_not_written(model, prefix, targets, end_token):
    raise NotImplementedError()


@refused_by(exact_match, "greedy", "the words are drawn by chance. To measure")
def sampled(model, prefix, targets, end_token):
    said = prefix_generation(model, prefix, targets.shape[1], 1.0, end_token=end_token)
    said = nn.functional.pad(said, (0, targets.shape[1] - said.shape[1]), value=-1)
    return (said == targets).all(1).float().mean()


@refused_by(exact_match, "sentences", "With the answer in the question, any model is right")
def answer_in_the_prompt(model, prefix, targets, end_token):
    given = torch.full((len(prefix), prefix.shape[1] + targets.shape[1]), -1)
    for row, (source, answer) in enumerate(zip(prefix, targets)):
        both = torch.cat([source[source != -1], answer[answer != -1]])
        given[row, : len(both)] = both
    return (written(model, given, targets, end_token) == targets).all(1).float().mean()


@refused_by(exact_match, "greedy", "take the mean over the batch")
def one_for_each_sentence(model, prefix, targets, end_token):
    return (written(model, prefix, targets, end_token) == targets).all(1)


@refused_by(exact_match, "greedy", "the output of prefix_generation is (B, new)")
def scores_expected(model, prefix, targets, end_token):
    said = prefix_generation(model, prefix, targets.shape[1], 0, end_token=end_token)
    return (said[:, :, 0] == targets).all(1).float().mean()


@refused_by(exact_match, "sentences", "the result is the mean over the sentences")
def half_of_the_words_will_do(model, prefix, targets, end_token):
    return ((written(model, prefix, targets, end_token) == targets).float().mean(1) > 0.9).float().mean() / 2


@refused_by(exact_match, "short answers", "so its output may have fewer columns than targets")
def of_one_length_alone(model, prefix, targets, end_token):
    return (prefix_generation(model, prefix, targets.shape[1], 0, end_token=end_token) == targets).all(1).float().mean()


@refused_by(exact_match, "greedy", "these are all rows of `model(prefix, targets)`, those of the prefix too")
def rows_of_the_prefix_compared(model, prefix, targets, end_token):
    logits, _ = model(prefix, targets)
    return (logits.argmax(-1) == targets).all(1).float().mean().item()


@refused_by(exact_match, "greedy", "another number of columns here than it should")
def three_tokens_too_many(model, prefix, targets, end_token):
    said = prefix_generation(model, prefix, targets.shape[1] + 3, 0)
    return (said == targets).all(1).float().mean().item()


@refused_by(exact_match, "greedy", "another number of columns here than it should")
def one_token_too_few_and_not_padded(model, prefix, targets, end_token):
    said = prefix_generation(model, prefix, targets.shape[1] - 1, 0, end_token=end_token)
    return (said == targets).all(1).float().mean().item()


@refused_by(exact_match, "greedy", "so this answer is wrong, and `==` cannot compare them")
def words_of_each_sentence_compared(model, prefix, targets, end_token):
    said = prefix_generation(model, prefix, targets.shape[1], 0, end_token=end_token)
    rights = [bool((one[one != -1] == other[other != -1]).all()) for one, other in zip(said, targets)]
    return sum(rights) / len(rights)


@refused_by(exact_match, "mode", "dropout is on: prefix_generation turns it off")
def measured_in_training(model, prefix, targets, end_token):
    rights = []
    for source, answer in zip(prefix, targets):
        source, answer = source[source != -1][None], answer[answer != -1][None]
        logits, _ = model(source, answer)
        rights.append(bool((logits[:, source.shape[1] - 1 : -1].argmax(-1) == answer).all()))
    return sum(rights) / len(rights)


@refused_by(exact_match, "mode", "restore what you changed")
def left_in_evaluation_afterwards(model, prefix, targets, end_token):
    model.eval()
    return (written(model, prefix, targets, end_token) == targets).all(1).float().mean()


@refused_by(honest_accuracy, "choice", "not written yet", "run its cell again, then this check")
def choice_not_written(models, splits, score):
    raise NotImplementedError()


@refused_by(honest_accuracy, "choice", "owes part of its score there to luck")
def chosen_on_test(models, splits, score):
    chosen = max(models, key=lambda model: score(model, splits["test"]))
    return chosen, score(chosen, splits["test"])


@refused_by(honest_accuracy, "choice", "may have memorised them")
def chosen_on_training_data(models, splits, score):
    chosen = max(models, key=lambda model: score(model, splits["train"]))
    return chosen, score(chosen, splits["test"])


@refused_by(honest_accuracy, "choice", "what it was trained on")
def scored_on_training_data(models, splits, score):
    chosen = max(models, key=lambda model: score(model, splits["validation"]))
    return chosen, score(chosen, splits["train"])


@refused_by(honest_accuracy, "choice", "the score by which it was chosen")
def reported_from_validation(models, splits, score):
    chosen = max(models, key=lambda model: score(model, splits["validation"]))
    return chosen, score(chosen, splits["validation"])


@refused_by(honest_accuracy, "choice", "which another model has")
def best_test_score_of_any(models, splits, score):
    chosen = max(models, key=lambda model: score(model, splits["validation"]))
    return chosen, max(score(model, splits["test"]) for model in models)


@refused_by(honest_accuracy, "choice", "you cannot forget a score that you have seen")
def test_scored_for_all(models, splits, score):
    tested = {model: score(model, splits["test"]) for model in models}
    chosen = max(models, key=lambda model: score(model, splits["validation"]))
    return chosen, tested[chosen]


@refused_by(honest_accuracy, "choice", "splits[\"validation\"]) for every model and take the best")
def always_the_second(models, splits, score):
    return models[1], score(models[1], splits["test"])


@refused_by(honest_accuracy, "choice", "the accuracy is a list", "score gives the accuracy as a number")
def accuracy_in_a_list(models, splits, score):
    chosen = max(models, key=lambda model: score(model, splits["validation"]))
    return chosen, [score(chosen, splits["test"])]


@refused_by(honest_accuracy, "choice", "this is the mean of all models")
def mean_of_all_models(models, splits, score):
    chosen = max(models, key=lambda model: score(model, splits["validation"]))
    return chosen, sum(score(model, splits["test"]) for model in models) / len(models)


@refused_by(honest_accuracy, "choice", "report score(chosen, splits[\"test\"])")
def accuracy_rounded(models, splits, score):
    chosen = max(models, key=lambda model: score(model, splits["validation"]))
    return chosen, round(score(chosen, splits["test"]), 2) + 0.004


@refused_by(honest_accuracy, "choice", "two things: (model, accuracy)", "return the chosen model and its accuracy")
def accuracy_alone(models, splits, score):
    chosen = max(models, key=lambda model: score(model, splits["validation"]))
    return score(chosen, splits["test"])


def sizes(vocab_size, block_size=32, **others):
    return TransformerConfig(vocab_size, block_size, **others)


@refused_by(own_training, "sizes", "not written yet", "run its cell again, then this check")
def own_not_written(vocab_size, seed):
    raise NotImplementedError()


@refused_by(own_training, "sizes", "three things", "return recipe, encoder_config, decoder_config")
def recipe_alone(vocab_size, seed):
    return Recipe(seed=seed)


@refused_by(own_training, "sizes", "a Recipe", "Recipe(learning_rate=…, batch_size=…, …) comes first")
def recipe_last(vocab_size, seed):
    return sizes(vocab_size), sizes(vocab_size), Recipe(seed=seed)


@refused_by(own_training, "sizes", "seem to have copied")
def seed_ignored(vocab_size, seed):
    return Recipe(), sizes(vocab_size), sizes(vocab_size)


@refused_by(own_training, "sizes", "you do not choose the vocabulary here")
def vocabulary_chosen(vocab_size, seed):
    return Recipe(seed=seed), sizes(1000), sizes(1000)


@refused_by(own_training, "sizes", "the longest sentences would not fit")
def block_too_short(vocab_size, seed):
    return Recipe(seed=seed), sizes(vocab_size, 8), sizes(vocab_size, 8)


@refused_by(own_training, "sizes", "nearly all of them gone")
def everything_dropped(vocab_size, seed):
    return Recipe(seed=seed), sizes(vocab_size), sizes(vocab_size, dropout=1.0)


@refused_by(own_training, "sizes", "the curve would have a single point")
def never_evaluated_before_the_end(vocab_size, seed):
    return Recipe(seed=seed, max_iters=2000, eval_every=5000), sizes(vocab_size), sizes(vocab_size)


@refused_by(own_training, "sizes", "the decoder reads the encoder's vectors")
def widths_that_differ(vocab_size, seed):
    return Recipe(seed=seed), sizes(vocab_size, n_embd=128), sizes(vocab_size, n_embd=64)


@refused_by(own_training, "sizes", "a better recipe needs fewer")
def a_hundred_thousand_steps(vocab_size, seed):
    return Recipe(seed=seed, max_iters=100_000), sizes(vocab_size), sizes(vocab_size)


@refused_by(own_training, "sizes", "parameters grow with n_embd²")
def far_too_large(vocab_size, seed):
    return Recipe(seed=seed), sizes(vocab_size, n_embd=512), sizes(vocab_size, n_embd=512)


@refused_by(own_training, "sizes", "the encoder's sizes are a dict", "build each with TransformerConfig")
def sizes_as_a_dictionary(vocab_size, seed):
    return Recipe(seed=seed), {"vocab_size": vocab_size}, {"vocab_size": vocab_size}


@refused_by(own_training, "sizes", "the table in the exercise has all names")
def names_that_do_not_exist(vocab_size, seed):
    return Recipe(rate=2e-3, warmup=100, seed=seed), sizes(vocab_size), sizes(vocab_size)


@refused_by(own_training, "sizes", "the table in the exercise has all names")
def sizes_under_other_names(vocab_size, seed):
    return Recipe(seed=seed), sizes(vocab_size, heads=4), sizes(vocab_size, heads=4)


@refused_by(own_training, "sizes", "you do not choose the vocabulary here")
def one_word_too_few(vocab_size, seed):
    return Recipe(seed=seed), sizes(vocab_size), sizes(vocab_size - 1)


@refused_by(tokenizer, "encode", "keeps its apostrophe, so the space comes after it")
class ApostropheReplaced(GivenTokenizer):
    def split(self, text):
        return text.lower().strip().removesuffix(".").replace("'", " ").split()

    def encode(self, text):
        return torch.tensor([self.id_of[word] for word in self.split(text)])


@refused_by(tokenizer, "decode", "nothing (None)", "the function has no `return`.")
class DecodePrints(GivenTokenizer):
    def decode(self, ids):
        super().decode(ids)


@refused_by(tokenizer, "encode", "a word's id is its position in self.words")
class EncodeKeepsTheFirstText(GivenTokenizer):
    def encode(self, text):
        ids = super().encode(text)
        self.kept = getattr(self, "kept", ids)
        return torch.cat([self.kept[:1], ids[1:]])


@refused_by(tokenizer, "decode", "each id is a position in self.words")
class DecodeSkipsTheFirstWord(GivenTokenizer):
    def decode(self, ids):
        return super().decode(ids[ids != 1])


@refused_by(translation_batch, "shape", "pairs is a list of B pairs, and B is not 2")
def pairs_unpacked_at_once(pairs, end_token):
    english, french = pairs
    return padded([english]), padded([french])


@refused_by(translation_batch, "shape", "this is a number: put it into a tensor with one axis")
def number_joined_to_a_tensor(pairs, end_token):
    return padded(sources(pairs)), padded([torch.cat([answer, end_token]) for _, answer in pairs])


@refused_by(translation_batch, "shape", "a tensor of a single number has no axis to join along")
def tensor_without_an_axis(pairs, end_token):
    return padded(sources(pairs)), padded([torch.cat([answer, torch.tensor(end_token)]) for _, answer in pairs])


@refused_by(translation_batch, "shape", "translation_batch changed the pairs", "work on copies; torch.cat makes one")
def first_id_overwritten(pairs, end_token):
    batch = padded(sources(pairs)), padded(closed(pairs, end_token))
    pairs[0][0][0] = end_token
    return batch


@refused_by(translation_batch, "shape", "translation_batch changed the pairs", "work on copies; torch.cat makes one")
def pairs_taken_out_of_the_list(pairs, end_token):
    batch = padded(sources(pairs)), padded(closed(pairs, end_token))
    pairs.pop()
    return batch


@refused_by(training_step, "loss", "changed the tensor", "work on x.clone()")
def batch_scaled_in_place(model, optimizer, batch, rate, grad_clip):
    batch[0].mul_(0.5)
    return right_step(model, optimizer, batch, rate, grad_clip)


@refused_by(noam_rate, "values", "`^` is not a power in Python")
def roof_for_a_power(step, d_model, warmup_steps):
    return d_model ^ -0.5 * min(step**-0.5, step * warmup_steps**-1.5)


@refused_by(noam_rate, "values", "math.sqrt, math.cos and Python's own min and max take numbers")
def minimum_of_torch(step, d_model, warmup_steps):
    return d_model**-0.5 * torch.min(step**-0.5, step * warmup_steps**-1.5)


@refused_by(warmup_cosine, "cosine", "math.sqrt, math.cos and Python's own min and max take numbers")
def cosine_of_torch(step, peak, warmup_steps, max_iters):
    if step <= warmup_steps:
        return peak * step / warmup_steps
    return peak * (1 + torch.cos(math.pi * (step - warmup_steps) / (max_iters - warmup_steps))) / 2


@refused_by(warmup_cosine, "cosine", "warmup_steps may be 0, and then there is no warm-up")
def warm_up_computed_in_any_case(step, peak, warmup_steps, max_iters):
    rising = peak * step / warmup_steps
    return rising if step <= warmup_steps else peak * (1 + math.cos(math.pi * (step - warmup_steps) / (max_iters - warmup_steps))) / 2


@refused_by(warmup_cosine, "cosine", "there the line ends and the wave begins")
def half_the_peak_at_the_top(step, peak, warmup_steps, max_iters):
    if step < warmup_steps:
        return peak * step / warmup_steps
    if step == warmup_steps:
        return peak / 2
    return peak * (1 + math.cos(math.pi * (step - warmup_steps) / (max_iters - warmup_steps))) / 2


@refused_by(exact_match, "greedy", "only floats have a mean")
def mean_of_true_and_false(model, prefix, targets, end_token):
    return (written(model, prefix, targets, end_token) == targets).all(1).mean()


@refused_by(exact_match, "sentences", "let it write T.")
def one_token_too_few_for_the_longest(model, prefix, targets, end_token):
    said = prefix_generation(model, prefix, targets.shape[1] - 1, 0, end_token=end_token)
    rights = [said_row[said_row != -1].tolist() == row[row != -1].tolist() for said_row, row in zip(said, targets)]
    return sum(rights) / len(rights)


KEPT = {}


@refused_by(exact_match, "greedy", "nothing may be kept from one call to the next")
def share_kept(model, prefix, targets, end_token):
    key = str(prefix.tolist())
    if key not in KEPT:
        KEPT[key] = float((written(model, prefix, targets, end_token) == targets).all(1).float().mean())
    return KEPT[key]


@refused_by(exact_match, "greedy", "changed the tensor", "work on x.clone()")
def padding_replaced_in_place(model, prefix, targets, end_token):
    said = written(model, prefix, targets, end_token)
    targets[targets == -1] = 0
    said[said == -1] = 0
    return (said == targets).all(1).float().mean()


@refused_by(honest_accuracy, "choice", "change the caller's own list")
def models_sorted_in_place(models, splits, score):
    models.sort(key=lambda model: score(model, splits["validation"]))
    return models[-1], score(models[-1], splits["test"])


@refused_by(honest_accuracy, "choice", "change the caller's own list")
def test_taken_out_of_the_splits(models, splits, score):
    test = splits.pop("test")
    chosen = max(models, key=lambda model: score(model, splits["validation"]))
    return chosen, score(chosen, test)


@refused_by(honest_accuracy, "choice", "begin with float(")
def best_begins_at_0(models, splits, score):
    best, chosen = 0, None
    for model in models:
        found = score(model, splits["validation"])
        if found > best:
            best, chosen = found, model
    return chosen, score(chosen, splits["test"]) if chosen else 0.0


@refused_by(honest_accuracy, "choice", "max, not min, and of a sorted list the last")
def the_worst(models, splits, score):
    chosen = min(models, key=lambda model: score(model, splits["validation"]))
    return chosen, score(chosen, splits["test"])


@refused_by(honest_accuracy, "choice", "the two are swapped: first the model")
def number_first(models, splits, score):
    chosen = max(models, key=lambda model: score(model, splits["validation"]))
    return score(chosen, splits["test"]), chosen


@refused_by(honest_accuracy, "choice", "is called with one model: `key=lambda model")
def score_as_the_key(models, splits, score):
    chosen = max(models, key=score)
    return chosen, score(chosen, splits["test"])


@refused_by(tokenizer, "encode", "the whole text was looked up in self.id_of")
class WholeTextLookedUp(GivenTokenizer):
    def encode(self, text):
        return torch.tensor([self.id_of[text]])


@refused_by(tokenizer, "unknown", "an error is raised and not returned")
class ErrorReturned(GivenTokenizer):
    def encode(self, text):
        for word in self.split(text):
            if word not in self.words[1:]:
                return ValueError(f"{word!r} is unknown")
        return super().encode(text)


@refused_by(tokenizer, "decode", "there need not be an end token or −1 at the end")
class WhileItDoesNotEnd(GivenTokenizer):
    def decode(self, ids):
        ids, words = ids.tolist(), []
        while ids[len(words)] not in (self.end_token, -1):
            words.append(self.words[ids[len(words)]])
        return " ".join(words).replace("' ", "'")


@refused_by(tokenizer, "decode", "something is put after the last word")
class FullStopAdded(GivenTokenizer):
    def decode(self, ids):
        return f"{super().decode(ids)}."


@refused_by(translation_batch, "shape", "these rows have different lengths still")
def rows_not_padded(pairs, end_token):
    return sources(pairs), closed(pairs, end_token)


@refused_by(translation_batch, "shape", "one end token, no start token")
def two_end_tokens(pairs, end_token):
    return padded(sources(pairs)), padded([torch.cat([row, row[-1:]]) for row in closed(pairs, end_token)])


@refused_by(training_step, "loss", "and not the model.")
def model_handed_to_clip(model, optimizer, batch, rate, grad_clip):
    loss = gradients_of(model, optimizer, batch, rate)
    nn.utils.clip_grad_norm_(model, grad_clip)
    return loss


@refused_by(training_step, "loss", "the groups are in the list")
def groups_looked_for_in_the_optimizer(model, optimizer, batch, rate, grad_clip):
    for group in optimizer:
        group["lr"] = rate
    return right_step(model, optimizer, batch, rate, grad_clip)


@refused_by(training_step, "loss", "by hand it would take torch.no_grad()")
def parameters_moved_in_the_graph(model, optimizer, batch, rate, grad_clip):
    loss = gradients_of(model, optimizer, batch, rate)
    for parameter in model.parameters():
        parameter -= rate * parameter.grad
    return loss


@refused_by(training_step, "loss", "this is the length of the gradient")
def length_returned(model, optimizer, batch, rate, grad_clip):
    gradients_of(model, optimizer, batch, rate)
    length = nn.utils.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    return length


@refused_by(training_step, "clipping", "the gradient is clipped and not the loss")
def loss_clipped(model, optimizer, batch, rate, grad_clip):
    model.train()
    set_rate(optimizer, rate)
    optimizer.zero_grad()
    loss = model(*batch)[1].clamp(max=grad_clip)
    loss.backward()
    optimizer.step()
    return loss.item()


@refused_by(noam_rate, "values", "so step itself is never 0")
def power_of_the_steps_before(step, d_model, warmup_steps):
    return d_model**-0.5 * min((step - 1) ** -0.5, step * warmup_steps**-1.5)


@refused_by(noam_rate, "values", "or far too large: warmup_steps ** −1.5")
def warm_up_to_the_power_of_plus(step, d_model, warmup_steps):
    return d_model**-0.5 * min(step**-0.5, step * warmup_steps**1.5)


@refused_by(noam_rate, "values", "or climbs too: step ** −0.5")
def step_to_the_power_of_plus(step, d_model, warmup_steps):
    return d_model**-0.5 * min(step**0.5, step * warmup_steps**-1.5)


@refused_by(exact_match, "sentences", "only sentences without padding count as right")
def padding_never_right(model, prefix, targets, end_token):
    right = (written(model, prefix, targets, end_token) == targets) & (targets != -1)
    return right.all(1).float().mean()


@refused_by(exact_match, "greedy", "a row of targets is padded, and what the model wrote")
def rows_with_their_padding(model, prefix, targets, end_token):
    right = 0
    for source, answer in zip(prefix, targets):
        said = prefix_generation(model, source[None], len(answer), 0, end_token=end_token)
        right += bool((said[0] == answer).all())
    return right / len(targets)


@refused_by(exact_match, "greedy", "count sentences, and nothing else")
def probability_of_a_word(model, prefix, targets, end_token):
    was_training = model.training
    _, loss = model.eval()(prefix, targets)
    model.train(was_training)
    return math.exp(-loss)


@refused_by(exact_match, "short answers", "add columns of −1 at the end")
def padded_with_zeros(model, prefix, targets, end_token):
    said = prefix_generation(model, prefix, targets.shape[1], 0, end_token=end_token)
    return (nn.functional.pad(said, (0, targets.shape[1] - said.shape[1])) == targets).all(1).float().mean()


@refused_by(honest_accuracy, "choice", "score takes one model, then one of the sets")
def all_models_scored_at_once(models, splits, score):
    chosen = max(models, key=score(models, splits["validation"]))
    return chosen, score(chosen, splits["test"])


@refused_by(honest_accuracy, "choice", "score takes one model, then one of the sets")
def best_score_taken_for_a_model(models, splits, score):
    chosen = max(score(model, splits["validation"]) for model in models)
    return chosen, score(chosen, splits["test"])


@refused_by(honest_accuracy, "choice", "a model is not called here")
def models_called(models, splits, score):
    chosen = max(models, key=lambda model: model(splits["validation"]))
    return chosen, score(chosen, splits["test"])


@refused_by(honest_accuracy, "choice", "with the model before the colon")
def key_without_an_argument(models, splits, score):
    chosen = max(models, key=lambda: score(models[0], splits["validation"]))
    return chosen, score(chosen, splits["test"])


@refused_by(honest_accuracy, "choice", "splits[\"validation\"]) for every model and take the best")
def best_score_not_kept(models, splits, score):
    best, chosen = float("-inf"), None
    for model in models:
        if score(model, splits["validation"]) > best:
            chosen = model
    return chosen, score(chosen, splits["test"])


@refused_by(own_training, "sizes", "the seed is a whole number already")
def seed_as_a_text(vocab_size, seed):
    return Recipe(seed=str(seed)), sizes(vocab_size), sizes(vocab_size)


@refused_by(own_training, "sizes", "cannot be changed once they are made")
def recipe_changed_afterwards(vocab_size, seed):
    recipe = Recipe(seed=seed)
    recipe.batch_size = 32
    return recipe, sizes(vocab_size), sizes(vocab_size)


@refused_by(own_training, "sizes", "a Recipe", "Recipe(learning_rate=…, batch_size=…, …) comes first")
def recipe_not_made(vocab_size, seed):
    return Recipe, sizes(vocab_size), sizes(vocab_size)

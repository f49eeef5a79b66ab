"""Wrong answers to notebook 8 in addition to the registered mistakes: errors, side effects, modes, statistics."""

import torch

from answers import refused_by
from ninelives.checks.pad_after_end import pad_after_end, padded_by_hand
from ninelives.checks.prefix_generation import drawn, generation_with, prefix_generation


@refused_by(pad_after_end, "values", "not written yet", "run its cell again, then this check")
def padding_not_written(tokens, end_token):
    raise NotImplementedError()


@refused_by(pad_after_end, "values", "counts the ends up to each position")
def padded_after_the_second_end(tokens, end_token):
    return tokens.masked_fill((tokens == end_token).cumsum(1) > 1, -1)


@refused_by(pad_after_end, "values", "changed the tensor", "work on x.clone()")
def padded_in_place(tokens, end_token):
    is_end = tokens == end_token
    tokens[is_end.cumsum(1) - is_end.long() > 0] = -1
    return tokens


def replaced(aspect, *says, **steps):
    """Mark a right function with one step replaced as a wrong answer; the steps are those of `generation_with`."""
    def answer(model, prefix, max_new_tokens, temperature, end_token=None):
        return generation_with(model, prefix, max_new_tokens, temperature, end_token, **steps)

    return refused_by(prefix_generation, aspect, *says)(answer)


@refused_by(prefix_generation, "shape", "not written yet", "run its cell again, then this check")
def not_written(model, prefix, max_new_tokens, temperature, end_token=None):
    raise NotImplementedError()


start_for_one_row_alone = replaced(
    "shape", "The empty answer needs B rows too",
    start=lambda prefix: torch.zeros(1, 0, dtype=torch.long),
    feed=lambda prefix, answer: answer.expand(len(prefix), -1))
start_of_floats = replaced(
    "shape", "the empty answer is made of floats", start=lambda prefix: torch.zeros(len(prefix), 0))
answer_of_floats = replaced(
    "shape", "the empty answer was made of floats",
    start=lambda prefix: torch.zeros(len(prefix), 0), feed=lambda prefix, answer: answer.long())
one_row_for_the_batch = replaced(
    "shape", "must have as many rows as the prefix", start=lambda prefix: torch.zeros(1, 0, dtype=torch.long))
without_cache = replaced(
    "shape", "the decoder was called without hidden_cache", encode=lambda model, prefix, answer: None)
scores_as_cache = replaced(
    "shape", "the decoder reads hidden states: model.encoder",
    encode=lambda model, prefix, answer: model.encoder(prefix)[0])
pair_as_cache = replaced(
    "shape", "the decoder reads hidden states: model.encoder",
    encode=lambda model, prefix, answer: model.encoder(prefix))
token_without_axis = replaced(
    "shape", "the answer is (B, t), so a new token must be (B, 1)",
    choose=lambda logits, temperature: drawn(logits, temperature)[:, 0])
token_as_a_number = replaced(
    "shape", "`.item()` works only for a batch of one",
    choose=lambda logits, temperature: torch.tensor([[drawn(logits, temperature).item()]]))
all_rows_at_once = replaced(
    "shape", "first take the scores of the last position",
    choose=lambda logits, temperature: torch.multinomial((logits / temperature).softmax(-1), 1))
start_token_of_no_word = replaced(
    "shape", "an id that the vocabulary does not have was looked up",
    feed=lambda prefix, answer: torch.cat((torch.full_like(prefix[:, :1], 11), answer), dim=1))

first_english_word_as_start_token = replaced(
    "feed back", "each step passes the whole answer so far",
    feed=lambda prefix, answer: torch.cat((prefix[:, :1], answer), dim=1))
last_row_of_the_batch_for_all = replaced(
    "feed back", "all rows of the batch get the same tokens: draw for each row of the probabilities",
    choose=lambda logits, temperature: drawn(logits[-1:], temperature).expand(len(logits), 1))


@refused_by(prefix_generation, "feed back", "every token is drawn from the prefix alone")
def row_of_the_prefix_every_time(model, prefix, max_new_tokens, temperature, end_token=None):
    P = prefix.shape[1]
    return generation_with(
        model, prefix, max_new_tokens, temperature, end_token,
        choose=lambda logits, temperature: drawn(logits[:, :P], temperature))


@refused_by(prefix_generation, "padding", "the decoder moves the padding away")
def row_of_the_last_word_of_each_prefix(model, prefix, max_new_tokens, temperature, end_token=None):
    """As if the padding came after the words in the decoder's rows too."""
    lengths = (prefix != -1).sum(1)

    def choose(logits, temperature):
        rows = lengths - 1 + logits.shape[1] - prefix.shape[1]
        return drawn(logits[torch.arange(len(logits)), rows].unsqueeze(1), temperature)

    return generation_with(model, prefix, max_new_tokens, temperature, end_token, choose=choose)


stops_when_all_end_together = replaced(
    "end", "leave it as soon as every row has ended", stop=lambda answer, end: bool((answer[:, -1] == end).all()))
if_for_a_whole_batch = replaced(
    "end", "in a batch each row ends at its own step", stop=lambda answer, end: bool(answer[:, -1] == end))
padded_from_the_first_end_in_the_batch = replaced(
    "end", "keep (B,) which rows have ended",
    finish=lambda answer, end: answer.masked_fill((answer == end).any(0).cumsum(0) > 1, -1))


@refused_by(prefix_generation, "end", "keep the line that begins with `def`: end_token")
def no_end_token(model, prefix, max_new_tokens, temperature):
    return generation_with(model, prefix, max_new_tokens, temperature)


def seeded(logits, temperature):
    torch.manual_seed(1337)
    return drawn(logits, temperature)


always_greedy = replaced(
    "draws", "the most likely token is taken every time",
    choose=lambda logits, temperature: logits[:, -1].argmax(-1, keepdim=True))
temperature_ignored = replaced(
    "draws", "the temperature has no effect. Dividing *probabilities*",
    choose=lambda logits, temperature: drawn(logits, 1.0 if temperature else 0))
temperature_after_the_softmax = replaced(
    "draws", "the temperature has no effect. Dividing *probabilities*",
    choose=lambda logits, temperature: drawn(logits, 0) if temperature == 0 else torch.multinomial(
        logits[:, -1].softmax(-1) / temperature, 1))
temperature_multiplied = replaced(
    "draws", "the logits are multiplied by the temperature. Divide them.",
    choose=lambda logits, temperature: drawn(logits * temperature, 1.0 if temperature else 0))
one_draw_for_all = replaced(
    "draws", "the rows share the draw",
    choose=lambda logits, temperature: drawn(logits, temperature)[:1].expand(len(logits), 1)
    if len(logits) > 9 else drawn(logits, temperature))
seed_in_the_loop = replaced("draws", "A seed set inside the loop makes every step draw the same", choose=seeded)


@refused_by(prefix_generation, "draws", "a seed is set inside the function")
def seed_at_the_start(model, prefix, max_new_tokens, temperature, end_token=None):
    torch.manual_seed(1337)
    return generation_with(model, prefix, max_new_tokens, temperature, end_token)


zero_divides = replaced(
    "greedy", "something is divided by a temperature of 0",
    choose=lambda logits, temperature: torch.multinomial((logits[:, -1] / temperature).softmax(-1), 1))
zero_in_the_denominator = replaced(
    "greedy", "the temperature may be 0: treat 0 separately",
    choose=lambda logits, temperature: torch.multinomial((logits[:, -1] * (1 / temperature)).softmax(-1), 1))
zero_is_one = replaced(
    "greedy", "at temperature 0 nothing is left to chance",
    choose=lambda logits, temperature: drawn(logits, temperature or 1.0))
greedy_takes_the_worst = replaced(
    "greedy", "take the argmax of the scores of the last position",
    choose=lambda logits, temperature: drawn(logits, temperature) if temperature
    else logits[:, -1].argmin(-1, keepdim=True))


@refused_by(prefix_generation, "negative", "accepts temperature -1", "a negative temperature prefers the worst tokens")
def negative_taken(model, prefix, max_new_tokens, temperature, end_token=None):
    return generation_with(model, prefix, max_new_tokens, abs(temperature), end_token)


@refused_by(prefix_generation, "negative", "raises AssertionError", "check it first: if temperature < 0")
def negative_asserted(model, prefix, max_new_tokens, temperature, end_token=None):
    assert temperature >= 0
    return generation_with(model, prefix, max_new_tokens, temperature, end_token)


def write(model, prefix, max_new_tokens, temperature, end_token, hidden_cache):
    """A right loop that leaves mode and gradients to the caller."""
    if temperature < 0:
        raise ValueError("the temperature is negative")
    answer = prefix[:, :0]
    for _ in range(max_new_tokens):
        logits, _ = model.decoder(answer, hidden_cache=hidden_cache)
        answer = torch.cat((answer, drawn(logits, temperature)), dim=1)
        if end_token is not None and (answer == end_token).any(1).all():
            break
    return answer if end_token is None else padded_by_hand(answer, end_token)


UNCHANGED = "leaves the model as it was"


@refused_by(prefix_generation, UNCHANGED, "call model.eval() on the whole model")
@torch.no_grad()
def mode_left_as_it_is(model, prefix, max_new_tokens, temperature, end_token=None):
    return write(model, prefix, max_new_tokens, temperature, end_token, model.encoder(prefix, return_hidden=True))


@refused_by(prefix_generation, UNCHANGED, "the encoder is in training mode", "call model.eval() on the whole model")
@torch.no_grad()
def decoder_alone_in_eval_mode(model, prefix, max_new_tokens, temperature, end_token=None):
    was_training = model.training
    model.decoder.eval()
    answer = write(model, prefix, max_new_tokens, temperature, end_token, model.encoder(prefix, return_hidden=True))
    model.decoder.train(was_training)
    return answer


@refused_by(prefix_generation, UNCHANGED, "not all of it is", "keep model.training before encoder and loop")
@torch.no_grad()
def left_in_eval_mode(model, prefix, max_new_tokens, temperature, end_token=None):
    model.eval()
    return write(model, prefix, max_new_tokens, temperature, end_token, model.encoder(prefix, return_hidden=True))


@refused_by(prefix_generation, UNCHANGED, "was in eval mode before", "keep model.training before encoder and loop")
@torch.no_grad()
def always_back_to_training(model, prefix, max_new_tokens, temperature, end_token=None):
    model.eval()
    answer = write(model, prefix, max_new_tokens, temperature, end_token, model.encoder(prefix, return_hidden=True))
    model.train()
    return answer


@refused_by(
    prefix_generation, UNCHANGED, "keeps a graph for gradients in the encoder", "around both, encoder and decoder")
def graph_of_the_encoder(model, prefix, max_new_tokens, temperature, end_token=None):
    was_training = model.training
    model.eval()
    hidden_cache = model.encoder(prefix, return_hidden=True)
    with torch.no_grad():
        answer = write(model, prefix, max_new_tokens, temperature, end_token, hidden_cache)
    model.train(was_training)
    return answer


@refused_by(prefix_generation, UNCHANGED, "keeps a graph for gradients", "around both, encoder and decoder")
def graph_of_everything(model, prefix, max_new_tokens, temperature, end_token=None):
    was_training = model.training
    model.eval()
    answer = write(model, prefix, max_new_tokens, temperature, end_token, model.encoder(prefix, return_hidden=True))
    model.train(was_training)
    return answer


@refused_by(prefix_generation, UNCHANGED, "gradients were switched off and not on again")
def gradients_switched_off(model, prefix, max_new_tokens, temperature, end_token=None):
    torch.set_grad_enabled(False)
    return graph_of_everything(model, prefix, max_new_tokens, temperature, end_token)

"""Wrong answers to notebook 8 in addition to the registered mistakes: errors, side effects, modes, statistics."""

import copy

import torch

from answers import refused_by
from ninelives.checks.pad_after_end import pad_after_end, padded_by_hand
from ninelives.checks.prefix_generation import drawn, encoded, generation_with, prefix_generation


@refused_by(pad_after_end, "values", "not written yet", "run its cell again, then this check")
def padding_not_written(tokens, end_token):
    raise NotImplementedError()


@refused_by(pad_after_end, "values", "changed the tensor", "work on x.clone()")
def padded_in_place(tokens, end_token):
    is_end = tokens == end_token
    tokens[is_end.cumsum(1) - is_end.long() > 0] = -1
    return tokens


def padded(*says):
    """Mark a wrong answer to `pad_after_end`."""
    return refused_by(pad_after_end, "values", *says)


def after_the_end(tokens, end_token):
    """(B, T): True after the first end token of each row."""
    is_end = tokens == end_token
    return is_end.cumsum(1) > is_end.long()


@padded("True and False cannot be subtracted: first make whole numbers")
def bools_subtracted(tokens, end_token):
    is_end = tokens == end_token
    return tokens.masked_fill(is_end.cumsum(1) - is_end > 0, -1)


@padded("True and False cannot be subtracted: first make whole numbers")
def bools_negated(tokens, end_token):
    return tokens.masked_fill(((tokens == end_token).cumsum(1) + -(tokens == end_token)) > 0, -1)


@padded("masked_fill takes a mask of True and False")
def filled_by_numbers(tokens, end_token):
    is_end = tokens == end_token
    return tokens.masked_fill(is_end.cumsum(1) - is_end.long(), -1)


@padded("an `if` needs one True or False")
def whole_row_in_an_if(tokens, end_token):
    result = tokens.clone()
    for row in range(len(tokens)):
        if tokens[row] == end_token:
            result[row] = -1
    return result


@padded("a row without an end token has no position of one")
def first_position_that_may_not_be_there(tokens, end_token):
    result = tokens.clone()
    for row in result:
        row[(row == end_token).nonzero()[0] + 1 :] = -1
    return result


@padded("`reshape` copies them where needed")
def viewed(tokens, end_token):
    is_end = (tokens.view(-1) == end_token).view(tokens.shape)
    return tokens.masked_fill(is_end.cumsum(1) > is_end.long(), -1)


@padded("changed the tensor", "work on x.clone()")
def filled_in_place(tokens, end_token):
    return tokens.masked_fill_(after_the_end(tokens, end_token), -1)


@padded("changed the tensor", "work on x.clone()")
def rows_written_in_place(tokens, end_token):
    for row, where in zip(tokens, after_the_end(tokens, end_token)):
        row[where] = -1
    return tokens


@padded("changed the tensor", "work on x.clone()")
def multiplied_in_place(tokens, end_token):
    where = after_the_end(tokens, end_token).long()
    tokens *= 1 - where
    return tokens - where


@padded("this says *where* the padding belongs")
def mask_returned(tokens, end_token):
    return after_the_end(tokens, end_token)


@padded("somewhere the ids are turned into another type")
def floats(tokens, end_token):
    return torch.where(after_the_end(tokens, end_token), torch.tensor(-1.0), tokens.float())


@padded("somewhere the ids are turned into another type")
def shorter_numbers(tokens, end_token):
    return padded_by_hand(tokens, end_token).int()


@padded("somewhere the ids are turned into another type")
def written_into_zeros(tokens, end_token):
    result = torch.zeros(tokens.shape)
    result[:] = padded_by_hand(tokens, end_token)
    return result


@padded("somewhere the ids are turned into another type")
def means_of_floats(tokens, end_token):
    return padded_by_hand(tokens, end_token).double()


@padded("print the shape after each of your lines")
def single_rows_squeezed(tokens, end_token):
    return padded_by_hand(tokens, end_token).squeeze(0)


@padded("counts the ends up to each position")
def last_column_not_looked_at(tokens, end_token):
    """The last token is appended as it is, a second time where there is only one."""
    return torch.cat((padded_by_hand(tokens, end_token)[:, : max(1, tokens.shape[1] - 1)], tokens[:, -1:]), dim=1)


KEPT, KEPT_FIRST, KEPT_ROWS = {}, {}, {}


@padded("each call must look at its own tokens")
def first_ends_kept_by_the_number_of_rows(tokens, end_token):
    T = tokens.shape[1]
    first = torch.where(tokens == end_token, torch.arange(T), T).amin(1, keepdim=True)
    return torch.where(torch.arange(T) > KEPT_FIRST.setdefault(len(tokens), first), -1, tokens)


@padded("each call must look at its own tokens")
def result_kept_by_shape(tokens, end_token):
    return KEPT_ROWS.setdefault((tokens.shape, end_token), padded_by_hand(tokens, end_token)).clone()


@padded("each call must look at its own tokens")
def where_kept_by_shape(tokens, end_token):
    return tokens.masked_fill(KEPT.setdefault(tokens.shape, after_the_end(tokens, end_token)), -1)


@padded("counts the ends up to each position")
def squeezed_into_16_bits(tokens, end_token):
    return padded_by_hand(tokens.to(torch.int16).long(), end_token)


@padded("counts the ends up to each position")
def through_half_precision(tokens, end_token):
    return padded_by_hand(tokens.half().long(), end_token)


@padded("Python takes it for False: `if end_token` skips it")
def zero_taken_for_none(tokens, end_token):
    if not end_token:
        return tokens.clone()
    return tokens.masked_fill(after_the_end(tokens, end_token), -1)


@padded("counts the ends up to each position")
def zero_replaced_by_minus_one(tokens, end_token):
    return tokens.masked_fill(after_the_end(tokens, end_token or -1), -1).masked_fill(tokens == 0, -1)


@padded("a row without an end token stays as it is")
def first_end_by_argmax(tokens, end_token):
    first = (tokens == end_token).int().argmax(1)
    return torch.where(torch.arange(tokens.shape[1])[None] <= first[:, None], tokens, -1)


@padded("raised ValueError", "a row without an end token has no position of one")
def index_of_an_end_that_may_not_be_there(tokens, end_token):
    rows = [row[: row.index(end_token) + 1] + [-1] * (len(row) - row.index(end_token) - 1) for row in tokens.tolist()]
    return torch.tensor(rows)


@padded("min(): Expected reduction dim", "a row without an end token has no position of one")
def smallest_of_no_positions(tokens, end_token):
    result = tokens.clone()
    for row in result:
        row[(row == end_token).nonzero().min() + 1 :] = -1
    return result


@padded("ids are whole numbers, and −∞ is none: padding is −1.")
def filled_with_minus_infinity(tokens, end_token):
    return tokens.masked_fill(after_the_end(tokens, end_token), float("-inf"))


@padded("does not support bool", "`.long()` makes 1 and 0 of them")
def first_true_by_argmax(tokens, end_token):
    return torch.where(torch.arange(tokens.shape[1]) > (tokens == end_token).argmax(1, keepdim=True), -1, tokens)


@padded("first fill up the shorter ones")
def rows_of_different_lengths(tokens, end_token):
    return torch.tensor([row[: row.index(end_token) + 1] if end_token in row else row for row in tokens.tolist()])


@padded("nothing is padded: every id after the first end of its row becomes −1.")
def cut_at_the_furthest_end(tokens, end_token):
    return tokens[:, : int((tokens == end_token).int().argmax(1).max()) + 1]


@padded("returns a list of 5", "these are several tensors, and one is wanted")
def list_of_rows(tokens, end_token):
    return [*padded_by_hand(tokens, end_token)]


@padded("the function has no `return`")
def padding_not_returned(tokens, end_token):
    tokens.masked_fill(after_the_end(tokens, end_token), -1)


def replaced(aspect, *says, **steps):
    """Mark a right function with one step replaced as a wrong answer; the steps are those of `generation_with`."""
    def answer(model, prefix, max_new_tokens, temperature, end_token=None):
        return generation_with(model, prefix, max_new_tokens, temperature, end_token, **steps)

    return refused_by(prefix_generation, aspect, *says)(answer)


@refused_by(prefix_generation, "shape", "not written yet", "run its cell again, then this check")
def not_written(model, prefix, max_new_tokens, temperature, end_token=None):
    raise NotImplementedError()


@refused_by(prefix_generation, "shape", "gives this prefix", "this is the prefix. Return the answer.")
def prefix_returned(model, prefix, max_new_tokens, temperature, end_token=None):
    return prefix


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
tokens_in_an_empty_list = replaced(
    "shape", "at the first step nothing has been drawn yet", feed=lambda prefix, answer: torch.cat([*answer.split(1, dim=1)][: answer.shape[1]]))
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
softmax_before_next_token_probabilities = replaced(
    "feed back", "a second call writes other tokens, although each next token is certain here", "takes the scores as they are, logits[:, -1]",
    choose=lambda logits, temperature: drawn(logits.softmax(-1), temperature))
last_row_of_the_batch_for_all = replaced(
    "feed back", "all rows of the batch get the same tokens: draw for each row of the probabilities",
    choose=lambda logits, temperature: drawn(logits[-1:], temperature).expand(len(logits), 1))


@refused_by(prefix_generation, "feed back", "every token is drawn from the prefix alone", "or the row is one of the prefix, logits[:, P - 1]")
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


if_for_a_whole_batch = replaced(
    "end", "in a batch each row ends at its own step", stop=lambda answer, end: bool(answer[:, -1] == end))
padded_from_the_first_end_in_the_batch = replaced(
    "end", "keep (B,) which rows have ended",
    finish=lambda answer, end: answer.masked_fill((answer == end).any(0).cumsum(0) > 1, -1))


@refused_by(prefix_generation, "end", "keep the line that begins with `def`: end_token is an argument of prefix_generation.")
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


@refused_by(prefix_generation, "negative", "AssertionError for temperature", "check it first: if temperature < 0")
def negative_asserted(model, prefix, max_new_tokens, temperature, end_token=None):
    assert temperature >= 0
    return generation_with(model, prefix, max_new_tokens, temperature, end_token)


def refuse_negative(temperature):
    if temperature < 0:
        raise ValueError("the temperature is negative")


def write(model, prefix, max_new_tokens, temperature, end_token, hidden_cache):
    """A right loop that leaves mode and gradients to the caller."""
    refuse_negative(temperature)
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


@torch.no_grad()
def in_eval_mode(model, prefix, max_new_tokens, temperature, end_token=None):
    """Right: `write` between model.eval() and model.train(…)."""
    refuse_negative(temperature)
    was_training = model.training
    model.eval()
    answer = write(model, prefix, max_new_tokens, temperature, end_token, model.encoder(prefix, return_hidden=True))
    model.train(was_training)
    return answer


def wrong(aspect, *says):
    """Mark a wrong answer to `prefix_generation`."""
    return refused_by(prefix_generation, aspect, *says)


@wrong("shape", "no end token is given, so the loop runs max_new_tokens times")
def at_most_24_tokens(model, prefix, max_new_tokens, temperature, end_token=None):
    return generation_with(model, prefix, min(24, max_new_tokens), temperature, end_token)


@wrong("shape", "no end token is given, so the loop runs max_new_tokens times")
def at_most_4_tokens(model, prefix, max_new_tokens, temperature, end_token=None):
    return generation_with(model, prefix, min(4, max_new_tokens), temperature, end_token)


# What Python and PyTorch raise.

@wrong("shape", "a comparison with None, `x == None`, gives one")
def padded_without_an_end_token(model, prefix, max_new_tokens, temperature, end_token=None):
    answer = in_eval_mode(model, prefix, max_new_tokens, temperature)
    is_end = answer == end_token
    return answer.masked_fill(is_end.cumsum(1) - is_end.long() > 0, -1)


@wrong("shape", "a comparison with None, `x == None`, gives one")
def looks_for_none(model, prefix, max_new_tokens, temperature, end_token=None):
    answer = in_eval_mode(model, prefix, max_new_tokens, temperature)
    return padded_by_hand(answer, end_token) if (answer == end_token).any(1).all() else answer


@wrong("shape", "model.training is True or False, and model.train a method")
def mode_called(model, prefix, max_new_tokens, temperature, end_token=None):
    was_training = model.training()
    return in_eval_mode(model.train(was_training), prefix, max_new_tokens, temperature, end_token)


@wrong("shape", "the parentheses are missing")
def no_grad_without_parentheses(model, prefix, max_new_tokens, temperature, end_token=None):
    with torch.no_grad:
        return in_eval_mode(model, prefix, max_new_tokens, temperature, end_token)


@wrong("shape", "the decoder returns a pair, (logits, loss)")
def pair_taken_for_logits(model, prefix, max_new_tokens, temperature, end_token=None):
    logits = model.decoder(prefix[:, :0], hidden_cache=model.encoder(prefix, return_hidden=True))
    return drawn(logits[:, -1:], temperature)


@wrong("shape", "the encoder returns one tensor with return_hidden=True")
def hidden_states_unpacked(model, prefix, max_new_tokens, temperature, end_token=None):
    hidden_cache, _ = model.encoder(torch.cat((prefix, prefix)), return_hidden=True)
    return write(model, prefix, max_new_tokens, temperature, end_token, hidden_cache)


hidden_states_of_the_first_sentence = replaced(
    "shape", "and all of it is the cache", encode=lambda model, prefix, answer: model.encoder(prefix, return_hidden=True)[0])
token_put_into_a_list = replaced(
    "shape", "a tensor does not grow", append=lambda answer, token: answer.append(token))
joined_without_parentheses = replaced(
    "shape", "in one tuple, and then the axis", append=lambda answer, token: torch.cat(answer, token))
last_sentence_for_the_last_position = replaced(
    "shape", "logits[-1] are all scores of the last sentence",
    choose=lambda logits, temperature: torch.multinomial(logits[-1].softmax(-1), 1))


# The caller's tensors.

@wrong("padding", "changed the tensor", "work on x.clone()")
def padding_replaced_in_place(model, prefix, max_new_tokens, temperature, end_token=None):
    prefix[prefix == -1] = 0
    return in_eval_mode(model, prefix, max_new_tokens, temperature, end_token)


@wrong("padding", "changed the tensor", "work on x.clone()")
def padding_clamped_in_place(model, prefix, max_new_tokens, temperature, end_token=None):
    return in_eval_mode(model, prefix.clamp_(min=0), max_new_tokens, temperature, end_token)


@wrong("shape", "changed the tensor", "work on x.clone()")
def written_over_the_prefix(model, prefix, max_new_tokens, temperature, end_token=None):
    answer = in_eval_mode(model, prefix, max_new_tokens, temperature, end_token)
    prefix[:, :1] = answer[:, :1] + 1
    return answer


# The parts of the model.

@wrong(UNCHANGED, "use a variable of your own")
def encoder_replaced_by_a_copy(model, prefix, max_new_tokens, temperature, end_token=None):
    refuse_negative(temperature)
    model.encoder = copy.deepcopy(model.encoder)
    return in_eval_mode(model, prefix, max_new_tokens, temperature, end_token)


@wrong(UNCHANGED, "use a variable of your own")
def decoder_replaced_by_a_copy(model, prefix, max_new_tokens, temperature, end_token=None):
    refuse_negative(temperature)
    model.decoder = copy.deepcopy(model.decoder).eval()
    return in_eval_mode(model, prefix, max_new_tokens, temperature, end_token)


@wrong(UNCHANGED, "use a variable of your own")
def halves_swapped_and_back_as_copies(model, prefix, max_new_tokens, temperature, end_token=None):
    answer = in_eval_mode(model, prefix, max_new_tokens, temperature, end_token)
    model.encoder, model.decoder = copy.deepcopy(model.encoder), copy.deepcopy(model.decoder)
    return answer


@wrong(UNCHANGED, "change the caller's model, and not a copy")
def model_in_double_precision(model, prefix, max_new_tokens, temperature, end_token=None):
    refuse_negative(temperature)
    return in_eval_mode(model.double(), prefix, max_new_tokens, temperature, end_token)


@wrong(UNCHANGED, "change the caller's model, and not a copy")
def weights_rounded(model, prefix, max_new_tokens, temperature, end_token=None):
    answer = in_eval_mode(model, prefix, max_new_tokens, temperature, end_token)
    model.half()
    return answer


@wrong(UNCHANGED, "gradients were switched off and not on again")
def weights_frozen(model, prefix, max_new_tokens, temperature, end_token=None):
    refuse_negative(temperature)
    return in_eval_mode(model.requires_grad_(False), prefix, max_new_tokens, temperature, end_token)


# Once.

@wrong("encode once", "model(prefix, answer) encodes the prefix every time")
@torch.no_grad()
def whole_model_at_every_step(model, prefix, max_new_tokens, temperature, end_token=None):
    refuse_negative(temperature)
    was_training = model.training
    model.eval()
    answer = prefix[:, :0]
    for _ in range(max_new_tokens):
        answer = torch.cat((answer, drawn(model(prefix, answer)[0], temperature)), dim=1)
        if end_token is not None and (answer == end_token).any(1).all():
            break
    model.train(was_training)
    return answer if end_token is None else padded_by_hand(answer, end_token)


encoded_at_every_step = replaced("encode once", "the encoder is called in the loop", encode=encoded)


@wrong("encode once", "the encoder is called in the loop")
def encoded_to_try_it_out(model, prefix, max_new_tokens, temperature, end_token=None):
    refuse_negative(temperature)
    model.encoder(prefix, return_hidden=True)
    return in_eval_mode(model, prefix, max_new_tokens, temperature, end_token)


# One mode, and the other.

@wrong("feed back", "must not depend on the mode that the model was in")
def nothing_fed_back_in_eval_mode(model, prefix, max_new_tokens, temperature, end_token=None):
    feed = (lambda prefix, answer: answer) if model.training else (lambda prefix, answer: answer[:, -1:])
    return generation_with(model, prefix, max_new_tokens, temperature, end_token, feed=feed)


@wrong("feed back", "must not depend on the mode that the model was in")
def first_row_in_eval_mode(model, prefix, max_new_tokens, temperature, end_token=None):
    chosen = slice(-1, None) if model.training else slice(0, 1)
    return generation_with(
        model, prefix, max_new_tokens, temperature, end_token,
        choose=lambda logits, temperature: drawn(logits[:, chosen], temperature))


@wrong("feed back", "must not depend on the mode that the model was in")
def start_token_in_eval_mode(model, prefix, max_new_tokens, temperature, end_token=None):
    is_training = model.training
    return generation_with(
        model, prefix, max_new_tokens, temperature, end_token,
        feed=lambda prefix, answer: answer if is_training else torch.cat((prefix[:, :1], answer), dim=1))


@wrong("draws", "the temperature has no effect. Dividing *probabilities*")
def temperature_for_training_alone(model, prefix, max_new_tokens, temperature, end_token=None):
    refuse_negative(temperature)
    used = temperature if model.training or not temperature else 1.0
    return generation_with(model, prefix, max_new_tokens, used, end_token)


# The first call, and the second.

@wrong("feed back", "this is the answer to the prefix of an earlier call")
def answers_kept_by_shape(model, prefix, max_new_tokens, temperature, end_token=None):
    kept = model.__dict__.setdefault("kept_answers", {})
    if prefix.shape not in kept:
        kept[prefix.shape] = in_eval_mode(model, prefix, max_new_tokens, temperature, end_token)
    return kept[prefix.shape].clone()


@wrong("feed back", "this is the answer to the prefix of an earlier call")
def hidden_states_kept_by_shape(model, prefix, max_new_tokens, temperature, end_token=None):
    refuse_negative(temperature)
    kept = model.__dict__.setdefault("kept_states", {})
    with torch.no_grad():
        hidden_cache = kept.setdefault(prefix.shape, model.encoder(prefix, return_hidden=True))
        return write(model, prefix, max_new_tokens, temperature, end_token, hidden_cache)


@wrong("feed back", "this is the answer to the prefix of an earlier call")
def prefix_kept_by_size(model, prefix, max_new_tokens, temperature, end_token=None):
    prefix = model.__dict__.setdefault("kept_prefixes", {}).setdefault(prefix.numel(), prefix.clone()).reshape(prefix.shape)
    return in_eval_mode(model, prefix, max_new_tokens, temperature, end_token)


# Sizes and ids.

@wrong("feed back", "passes the whole answer so far and the cache")
def last_id_taken_for_another(model, prefix, max_new_tokens, temperature, end_token=None):
    return in_eval_mode(model, prefix.clamp(max=9), max_new_tokens, temperature, end_token)


@wrong("feed back", "passes the whole answer so far and the cache")
def id_zero_taken_for_padding(model, prefix, max_new_tokens, temperature, end_token=None):
    return in_eval_mode(model, prefix.masked_fill(prefix == 0, -1), max_new_tokens, temperature, end_token)


@wrong("padding", "the decoder moves the padding away")
def padding_ignored_in_the_first_row_alone(model, prefix, max_new_tokens, temperature, end_token=None):
    prefix = torch.cat((prefix[:1], prefix[1:].masked_fill(prefix[1:] == -1, 3)))
    return in_eval_mode(model, prefix, max_new_tokens, temperature, end_token)


@wrong("shape", "one token too few")
def at_least_one_token_is_written_already(model, prefix, max_new_tokens, temperature, end_token=None):
    return in_eval_mode(model, prefix, max(1, max_new_tokens - 1), temperature, end_token)


@wrong("shape", "the batch is lost: return (B, new) for B = 1 too.")
def one_row_squeezed(model, prefix, max_new_tokens, temperature, end_token=None):
    return in_eval_mode(model, prefix, max_new_tokens, temperature, end_token).squeeze()


# Zero, and None.

@wrong("end", "`if end_token:` takes it for nothing")
def zero_ends_no_row(model, prefix, max_new_tokens, temperature, end_token=None):
    return in_eval_mode(model, prefix, max_new_tokens, temperature, end_token if end_token else None)


@wrong("greedy", "at temperature 0 nothing is left to chance")
def temperature_or_one(model, prefix, max_new_tokens, temperature, end_token=None):
    return in_eval_mode(model, prefix, max_new_tokens, temperature or 1.0, end_token)


@wrong("negative", "only once the loop runs")
@torch.no_grad()
def temperature_refused_in_the_loop(model, prefix, max_new_tokens, temperature, end_token=None):
    was_training = model.training
    model.eval()
    hidden_cache, answer = model.encoder(prefix, return_hidden=True), prefix[:, :0]
    for _ in range(max_new_tokens):
        answer = torch.cat((answer, drawn(model.decoder(answer, hidden_cache=hidden_cache)[0], temperature)), dim=1)
        if end_token is not None and (answer == end_token).any(1).all():
            break
    model.train(was_training)
    return answer if end_token is None else padded_by_hand(answer, end_token)


@wrong("greedy", "Refuse what is below 0, `temperature < 0`.")
def zero_refused(model, prefix, max_new_tokens, temperature, end_token=None):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    return in_eval_mode(model, prefix, max_new_tokens, temperature, end_token)


@wrong("greedy", "Refuse what is below 0, `temperature < 0`.")
def zero_taken_for_none_given(model, prefix, max_new_tokens, temperature, end_token=None):
    if not temperature or temperature < 0:
        raise ValueError("no temperature")
    return in_eval_mode(model, prefix, max_new_tokens, temperature, end_token)


# What is left changed.

@wrong(UNCHANGED, "leave the loop with `break`, and return at the end")
@torch.no_grad()
def returned_from_the_loop(model, prefix, max_new_tokens, temperature, end_token=None):
    refuse_negative(temperature)
    was_training = model.training
    model.eval()
    hidden_cache, answer = model.encoder(prefix, return_hidden=True), prefix[:, :0]
    for _ in range(max_new_tokens):
        answer = torch.cat((answer, drawn(model.decoder(answer, hidden_cache=hidden_cache)[0], temperature)), dim=1)
        if end_token is not None and (answer == end_token).any(1).all():
            return padded_by_hand(answer, end_token)
    model.train(was_training)
    return answer if end_token is None else padded_by_hand(answer, end_token)


@wrong(UNCHANGED, "a loop over range(0) needs no case of its own")
def nothing_to_write(model, prefix, max_new_tokens, temperature, end_token=None):
    refuse_negative(temperature)
    if max_new_tokens == 0:
        model.eval()
        return prefix[:, :0]
    return in_eval_mode(model, prefix, max_new_tokens, temperature, end_token)


@wrong(UNCHANGED, "check it first, before you touch the model")
def refused_in_eval_mode(model, prefix, max_new_tokens, temperature, end_token=None):
    was_training = model.training
    model.eval()
    refuse_negative(temperature)
    answer = in_eval_mode(model, prefix, max_new_tokens, temperature, end_token)
    model.train(was_training)
    return answer


@wrong(UNCHANGED, "sets the outermost module alone")
def mode_of_the_outermost_alone(model, prefix, max_new_tokens, temperature, end_token=None):
    refuse_negative(temperature)
    was_training = model.training
    answer = in_eval_mode(model.eval(), prefix, max_new_tokens, temperature, end_token)
    model.training = was_training
    return answer


@wrong("feed back", "model.training is True or False, and model.train a method")
def mode_assigned(model, prefix, max_new_tokens, temperature, end_token=None):
    refuse_negative(temperature)
    was_training = model.training
    answer = in_eval_mode(model, prefix, max_new_tokens, temperature, end_token)
    model.train = was_training
    return answer


@wrong(UNCHANGED, "puts back what was before it: torch.set_grad_enabled(True) does not")
def gradients_always_on_again(model, prefix, max_new_tokens, temperature, end_token=None):
    torch.set_grad_enabled(False)
    try:
        return in_eval_mode.__wrapped__(model, prefix, max_new_tokens, temperature, end_token)
    finally:
        torch.set_grad_enabled(True)


# Nearly right.

greedy_by_a_small_temperature = replaced(
    "draws", "nothing may be kept within bounds, or taken for 0",
    choose=lambda logits, temperature: drawn(logits, max(temperature, 0.2)))
scores_rounded = replaced(
    "draws", "at the same temperature",
    choose=lambda logits, temperature: drawn(logits.round() if len(logits) > 9 else logits, temperature))
scores_clamped = replaced(
    "draws", "draw from softmax(logits[:, -1] ÷ temperature) with torch.multinomial.",
    choose=lambda logits, temperature: drawn(logits.clamp(max=1.0) if len(logits) > 9 else logits, temperature))
forty_most_likely = replaced(
    "draws", "nothing is cut off here",
    choose=lambda logits, temperature: drawn(
        logits.masked_fill(logits < logits.topk(min(40, logits.shape[-1]))[0][..., -1:], float("-inf")), temperature))

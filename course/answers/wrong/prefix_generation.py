"""Wrong answers to notebook 8."""

import torch

from answers import refused_by
from ninelives.checks.prefix_generation import pad_after_end, prefix_generation
from ninelives.model import next_token_probabilities


@refused_by(pad_after_end, "values", "not written yet")
def padding_not_written(tokens, end_token):
    raise NotImplementedError()


@refused_by(pad_after_end, "values", "nothing is padded")
def nothing_padded(tokens, end_token):
    return tokens.clone()


@refused_by(pad_after_end, "values", "the end token is gone too")
def end_padded_too(tokens, end_token):
    return tokens.masked_fill((tokens == end_token).cumsum(1) > 0, -1)


@refused_by(pad_after_end, "values", "the end tokens are replaced")
def ends_replaced(tokens, end_token):
    return torch.where(tokens == end_token, -1, tokens)


@refused_by(pad_after_end, "values", "behind a second end token the words come back")
def words_come_back(tokens, end_token):
    is_end = tokens == end_token
    return tokens.masked_fill(is_end.cumsum(1) - is_end.long() == 1, -1)


@refused_by(pad_after_end, "values", "the rest is filled with the end token")
def filled_with_ends(tokens, end_token):
    is_end = tokens == end_token
    return torch.where(is_end.cumsum(1) - is_end.long() > 0, end_token, tokens)


@refused_by(pad_after_end, "values", "filled with 0")
def filled_with_zeros(tokens, end_token):
    is_end = tokens == end_token
    return tokens * (is_end.cumsum(1) - is_end.long() == 0)


@refused_by(pad_after_end, "values", "along axis 1, in each row")
def counted_along_the_batch(tokens, end_token):
    is_end = tokens == end_token
    return tokens.masked_fill(is_end.cumsum(0) - is_end.long() > 0, -1)


@refused_by(pad_after_end, "values", "one long row")
def chosen_with_a_mask(tokens, end_token):
    is_end = tokens == end_token
    return tokens[is_end.cumsum(1) - is_end.long() == 0]


@refused_by(pad_after_end, "values", "changed the tensor that it was given")
def padded_in_place(tokens, end_token):
    is_end = tokens == end_token
    tokens[is_end.cumsum(1) - is_end.long() > 0] = -1
    return tokens


def padded(tokens, end_token):
    is_end = tokens == end_token
    return tokens.masked_fill(is_end.cumsum(1) - is_end.long() > 0, -1)


def draw(logits, temperature):
    return torch.multinomial(next_token_probabilities(logits, temperature), 1)


def generation(
    encode=lambda model, prefix, answer: model.encoder(prefix, return_hidden=True),
    start=lambda prefix: prefix[:, :0],
    feed=lambda prefix, answer: answer,
    scores=lambda logits, prefix: logits[:, -1],
    draw=draw,
    append=lambda answer, token: torch.cat((answer, token), dim=1),
    stop=lambda answer, end_token: bool((answer == end_token).any(1).all()),
    finish=lambda prefix, answer, end_token: answer if end_token is None else padded(answer, end_token),
):
    """A right function, of which each wrong answer exchanges one part."""
    def prefix_generation(model, prefix, max_new_tokens, temperature, end_token=None):
        if temperature < 0:
            raise ValueError("the temperature is negative")
        was_training = model.training
        model.eval()
        with torch.no_grad():
            answer = start(prefix)
            for _ in range(max_new_tokens):
                hidden_cache = encode(model, prefix, answer)
                logits, _ = model.decoder(feed(prefix, answer), hidden_cache=hidden_cache)
                answer = append(answer, draw(scores(logits, prefix), temperature))
                if end_token is not None and stop(answer, end_token):
                    break
        model.train(was_training)
        return finish(prefix, answer, end_token)

    return prefix_generation


def exchanged(says, aspect="feed back", **parts):
    """Mark a right function with one part exchanged as a wrong answer."""
    answer = generation(**parts)
    answer.__module__ = __name__
    return refused_by(prefix_generation, aspect, says)(answer)


@refused_by(prefix_generation, "shape", "not written yet")
def not_written(model, prefix, max_new_tokens, temperature, end_token=None):
    raise NotImplementedError()


prefix_returned_too = exchanged("the prefix is returned too", "shape", finish=lambda prefix, answer, end: torch.cat((prefix, answer), dim=1))
start_token_returned = exchanged("one token too many", "shape", start=lambda prefix: torch.zeros_like(prefix[:, :1]))
start_for_one_row_alone = exchanged("needs B rows too", "shape", start=lambda prefix: torch.zeros(1, 0, dtype=torch.long),
                                    feed=lambda prefix, answer: answer.expand(len(prefix), -1))
start_of_floats = exchanged("made of floats", "shape", start=lambda prefix: torch.zeros(len(prefix), 0))
one_row_for_the_batch = exchanged("must have as many rows as the prefix", "shape", start=lambda prefix: torch.zeros(1, 0, dtype=torch.long))
without_cache = exchanged("called without hidden_cache", "shape", encode=lambda model, prefix, answer: None)
scores_as_cache = exchanged("the decoder reads hidden states", "shape", encode=lambda model, prefix, answer: model.encoder(prefix)[0])
pair_as_cache = exchanged("the decoder reads hidden states", "shape", encode=lambda model, prefix, answer: model.encoder(prefix))
token_without_axis = exchanged("keep the axis of size 1", "shape", draw=lambda logits, temperature: draw(logits, temperature)[:, 0])
only_the_last_token_kept = exchanged("one token was drawn", "shape", append=lambda answer, token: token)
never_appended = exchanged("nothing is appended", "shape", append=lambda answer, token: answer)

encoder_fed_what_is_drawn = exchanged("It reads English", encode=lambda model, prefix, answer: model.encoder(
    torch.cat((prefix, answer), dim=1), return_hidden=True), feed=lambda prefix, answer: answer[:, :0])
both_fed_what_is_drawn = exchanged("are fed to both", encode=lambda model, prefix, answer: model.encoder(
    torch.cat((prefix, answer), dim=1), return_hidden=True))
decoder_fed_the_prefix_too = exchanged("It has it already", feed=lambda prefix, answer: torch.cat((prefix, answer), dim=1))
nothing_fed_back = exchanged("drawn from the prefix alone", feed=lambda prefix, answer: answer[:, :0])
row_of_the_prefix_every_time = exchanged("drawn from the prefix alone", scores=lambda logits, prefix: logits[:, prefix.shape[1] - 1])
last_token_alone = exchanged("it has forgotten the rest", feed=lambda prefix, answer: answer[:, -1:])
first_row = exchanged("the *first* row", scores=lambda logits, prefix: logits[:, 0])
start_token_in_front = exchanged("Here none is needed", feed=lambda prefix, answer: torch.cat((torch.zeros_like(prefix[:, :1]), answer), dim=1))
last_english_word_as_start = exchanged("Here none is needed", feed=lambda prefix, answer: torch.cat((prefix[:, -1:], answer), dim=1))
first_prefix_for_all = exchanged("the answer to the first prefix", encode=lambda model, prefix, answer: model.encoder(
    prefix[:1].expand_as(prefix), return_hidden=True))
written_backwards = exchanged("in reverse order", finish=lambda prefix, answer, end: answer.flip(1) if end is None else padded(answer, end))

padding_read_as_a_word = exchanged("padding is read as word 0", "padding", encode=lambda model, prefix, answer: model.encoder(
    prefix.clamp(min=0), return_hidden=True))
cut_to_the_shortest = exchanged("cut to the shortest", "padding", encode=lambda model, prefix, answer: model.encoder(
    prefix[:, : (prefix != -1).sum(1).min()], return_hidden=True))

end_ignored = exchanged("leave it as soon as every row has ended", "end", stop=lambda answer, end: False)
stops_with_the_first = exchanged("when the *first* row has ended", "end", stop=lambda answer, end: bool((answer == end).any()))
stops_when_all_end_together = exchanged("leave it as soon as every row has ended", "end", stop=lambda answer, end: bool((answer[:, -1] == end).all()))
goes_on_behind_the_end = exchanged("rows that have ended go on", "end", finish=lambda prefix, answer, end: answer)
filled_up_with_ends = exchanged("filled with the end token", "end", finish=lambda prefix, answer, end: answer if end is None else torch.where(
    padded(answer, end) == -1, end, answer))
filled_up_with_zeros = exchanged("filled with 0", "end", finish=lambda prefix, answer, end: answer if end is None else padded(answer, end).clamp(min=0))
end_padded_away = exchanged("the end token itself is padded away", "end", finish=lambda prefix, answer, end: answer if end is None else padded(
    answer, end).masked_fill(answer == end, -1))
if_for_a_whole_batch = exchanged("each row ends at its own time", "end", stop=lambda answer, end: bool(answer[:, -1] == end))
zero_is_no_end = exchanged("if end_token is not None", "end", stop=lambda answer, end: bool(end) and bool((answer == end).any(1).all()))


@refused_by(prefix_generation, "end", "keep the line that begins with `def`")
def no_end_token(model, prefix, max_new_tokens, temperature):
    return generation()(model, prefix, max_new_tokens, temperature)


always_greedy = exchanged("the best word is taken every time", "draws", draw=lambda logits, temperature: logits.argmax(-1, keepdim=True))
temperature_ignored = exchanged("the temperature has no effect", "draws", draw=lambda logits, temperature: draw(logits, 1.0 if temperature else 0))
temperature_after_the_softmax = exchanged("Dividing *probabilities*", "draws", draw=lambda logits, temperature: draw(logits, 0) if temperature == 0
                                          else torch.multinomial(logits.softmax(-1) / temperature, 1))
temperature_multiplied = exchanged("multiplied by the temperature", "draws", draw=lambda logits, temperature: draw(logits * temperature, 1.0 if temperature else 0))
one_draw_for_all = exchanged("the sequences share the draw", "draws", draw=lambda logits, temperature: draw(logits, temperature)[:1].expand(len(logits), 1)
                             if len(logits) > 9 else draw(logits, temperature))


def seeded(logits, temperature):
    torch.manual_seed(1337)
    return draw(logits, temperature)


seed_in_the_loop = exchanged("makes every step draw alike", "draws", draw=seeded)


@refused_by(prefix_generation, "draws", "a seed is set inside")
def seed_at_the_start(model, prefix, max_new_tokens, temperature, end_token=None):
    torch.manual_seed(1337)
    return generation()(model, prefix, max_new_tokens, temperature, end_token)


zero_divides = exchanged("a temperature of 0", "greedy", draw=lambda logits, temperature: torch.multinomial((logits / temperature).softmax(-1), 1))
zero_is_one = exchanged("nothing is left to chance", "greedy", draw=lambda logits, temperature: draw(logits, temperature or 1.0))
greedy_takes_the_worst = exchanged("take the argmax", "greedy", draw=lambda logits, temperature: draw(logits, temperature) if temperature
                                   else logits.argmin(-1, keepdim=True))


@refused_by(prefix_generation, "negative", "takes temperature -1")
def negative_taken(model, prefix, max_new_tokens, temperature, end_token=None):
    return generation()(model, prefix, max_new_tokens, abs(temperature), end_token)


@refused_by(prefix_generation, "negative", "raises AssertionError")
def negative_asserted(model, prefix, max_new_tokens, temperature, end_token=None):
    assert temperature >= 0
    return generation()(model, prefix, max_new_tokens, temperature, end_token)


def right_loop(model, prefix, max_new_tokens, temperature, end_token, hidden_cache):
    answer = prefix[:, :0]
    for _ in range(max_new_tokens):
        logits, _ = model.decoder(answer, hidden_cache=hidden_cache)
        answer = torch.cat((answer, draw(logits[:, -1], temperature)), dim=1)
        if end_token is not None and (answer == end_token).any(1).all():
            break
    return answer if end_token is None else padded(answer, end_token)


def refuse_negative(temperature):
    if temperature < 0:
        raise ValueError("the temperature is negative")


@refused_by(prefix_generation, "manners", "the encoder is in training mode")
@torch.no_grad()
def mode_left_as_it_is(model, prefix, max_new_tokens, temperature, end_token=None):
    refuse_negative(temperature)
    return right_loop(model, prefix, max_new_tokens, temperature, end_token, model.encoder(prefix, return_hidden=True))


@refused_by(prefix_generation, "manners", "the encoder is in training mode")
@torch.no_grad()
def decoder_alone_in_eval_mode(model, prefix, max_new_tokens, temperature, end_token=None):
    refuse_negative(temperature)
    was_training = model.training
    model.decoder.eval()
    answer = right_loop(model, prefix, max_new_tokens, temperature, end_token, model.encoder(prefix, return_hidden=True))
    model.decoder.train(was_training)
    return answer


@refused_by(prefix_generation, "manners", "not all of it is")
@torch.no_grad()
def left_in_eval_mode(model, prefix, max_new_tokens, temperature, end_token=None):
    refuse_negative(temperature)
    model.eval()
    return right_loop(model, prefix, max_new_tokens, temperature, end_token, model.encoder(prefix, return_hidden=True))


@refused_by(prefix_generation, "manners", "was in eval mode before")
@torch.no_grad()
def always_back_to_training(model, prefix, max_new_tokens, temperature, end_token=None):
    refuse_negative(temperature)
    model.eval()
    answer = right_loop(model, prefix, max_new_tokens, temperature, end_token, model.encoder(prefix, return_hidden=True))
    model.train()
    return answer


@refused_by(prefix_generation, "manners", "keeps a graph for gradients in the encoder")
def graph_of_the_encoder(model, prefix, max_new_tokens, temperature, end_token=None):
    refuse_negative(temperature)
    was_training = model.training
    model.eval()
    hidden_cache = model.encoder(prefix, return_hidden=True)
    with torch.no_grad():
        answer = right_loop(model, prefix, max_new_tokens, temperature, end_token, hidden_cache)
    model.train(was_training)
    return answer


@refused_by(prefix_generation, "manners", "keeps a graph for gradients")
def graph_of_everything(model, prefix, max_new_tokens, temperature, end_token=None):
    refuse_negative(temperature)
    was_training = model.training
    model.eval()
    answer = right_loop(model, prefix, max_new_tokens, temperature, end_token, model.encoder(prefix, return_hidden=True))
    model.train(was_training)
    return answer


@refused_by(prefix_generation, "manners", "can no longer be trained")
def gradients_switched_off(model, prefix, max_new_tokens, temperature, end_token=None):
    refuse_negative(temperature)
    was_training = model.training
    model.eval()
    torch.set_grad_enabled(False)
    answer = right_loop(model, prefix, max_new_tokens, temperature, end_token, model.encoder(prefix, return_hidden=True))
    model.train(was_training)
    return answer

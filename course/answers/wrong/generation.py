"""Wrong answers to notebook 6 in addition to the registered mistakes: errors, side effects, modes, statistics."""

from types import SimpleNamespace

import torch
from torch.nn import functional as F

from answers import refused_by
from ninelives.checks.generation import all_ended, drawn, generate, generate_with, next_token_probabilities, reader


@refused_by(next_token_probabilities, "shape", "not written yet", "run its cell again, then this check")
def nothing_computed(logits, temperature):
    raise NotImplementedError()


@refused_by(next_token_probabilities, "shape", "the function has no `return`.")
def no_return(logits, temperature):
    probabilities = F.softmax(logits / temperature, dim=-1)


@refused_by(next_token_probabilities, "shape", "the batch is lost: every row has probabilities of its own.")
def only_the_last_sequence(logits, temperature):
    return (logits[-1] / temperature).softmax(-1)


@refused_by(next_token_probabilities, "shape", "returns a list", "this is not a tensor yet")
def a_list_of_lists(logits, temperature):
    return (logits / temperature).softmax(-1).tolist()


@refused_by(next_token_probabilities, "shape", "gives whole numbers; add `.float()`")
def rounded_to_whole_numbers(logits, temperature):
    return (logits / temperature).softmax(-1).round().long()


@refused_by(next_token_probabilities, "values", "changed the tensor", "work on x.clone()")
def divided_in_place(logits, temperature):
    logits /= temperature
    return logits.softmax(-1)


@refused_by(next_token_probabilities, "values", "the temperature has no effect: divide the logits by it")
def probabilities_divided_and_renormalised(logits, temperature):
    probabilities = logits.softmax(-1) / temperature
    return probabilities / probabilities.sum(-1, keepdim=True)


@refused_by(next_token_probabilities, "values", "the temperature has no effect: divide the logits by it")
def temperature_subtracted(logits, temperature):
    return (logits - temperature).softmax(-1)


@refused_by(next_token_probabilities, "values", "the rows do not add up to 1: the softmax along")
def power_of_the_probabilities(logits, temperature):
    return logits.softmax(-1) ** (1 / temperature)


@refused_by(next_token_probabilities, "values", "a score of −inf says that this word cannot come")
def scores_of_minus_infinity_made_finite(logits, temperature):
    return (logits.nan_to_num(neginf=0.0) / temperature).softmax(-1)


@refused_by(next_token_probabilities, "values", "a score of −inf says that this word cannot come")
def lowest_score_subtracted(logits, temperature):
    return ((logits - logits.amin(-1, keepdim=True)) / temperature).softmax(-1)


@refused_by(next_token_probabilities, "values", "softmax(logits ÷ temperature), along the last axis")
def constant_in_the_denominator(logits, temperature):
    return (logits / (temperature + 0.1)).softmax(-1)


@refused_by(next_token_probabilities, "values", "NaN comes of 0 ÷ 0")
def logarithm_of_the_scores(logits, temperature):
    return (logits.log() / temperature).softmax(-1)


@refused_by(next_token_probabilities, "greedy", "dividing by 0 gives infinity and NaN")
def nothing_done_about_0(logits, temperature):
    return (logits / temperature).softmax(-1)


@refused_by(next_token_probabilities, "greedy", "the temperature may be 0: treat 0 separately")
def multiplied_by_the_inverse(logits, temperature):
    return (logits * (1 / temperature)).softmax(-1)


@refused_by(next_token_probabilities, "greedy", "Return a probability for every word")
def word_itself_at_0(logits, temperature):
    if temperature == 0:
        return logits.argmax(-1)
    return (logits / temperature).softmax(-1)


@refused_by(next_token_probabilities, "greedy", "gives whole numbers; add `.float()`")
def whole_numbers_at_0(logits, temperature):
    if temperature == 0:
        return F.one_hot(logits.argmax(-1), logits.shape[-1])
    return (logits / temperature).softmax(-1)


@refused_by(next_token_probabilities, "greedy", "a small temperature instead of 0 leaves the other words a little")
def small_temperature_that_is_not_small_enough(logits, temperature):
    return (logits / max(temperature, 0.2)).softmax(-1)


@refused_by(next_token_probabilities, "greedy", "argmax finds the best word of each row")
def probability_kept_at_0(logits, temperature):
    if temperature == 0:
        return torch.where(logits == logits.amax(-1, keepdim=True), logits.softmax(-1), 0.0)
    return (logits / temperature).softmax(-1)


@refused_by(next_token_probabilities, "extremes", "float32 ends at e^88")
def powers_by_hand(logits, temperature):
    if temperature == 0:
        return F.one_hot(logits.argmax(-1), logits.shape[-1]).float()
    powers = torch.exp(logits / temperature)
    return powers / powers.sum(-1, keepdim=True)


@refused_by(next_token_probabilities, "extremes", "float32 ends at e^88")
def maximum_of_the_whole_batch_subtracted(logits, temperature):
    if temperature == 0:
        return F.one_hot(logits.argmax(-1), logits.shape[-1]).float()
    powers = torch.exp((logits - logits.max()) / temperature)
    return powers / powers.sum(-1, keepdim=True)


@refused_by(next_token_probabilities, "extremes", "at so small a temperature the last digits count")
def logarithms_of_probabilities_divided(logits, temperature):
    """The same but for rounding, which a small temperature makes large."""
    if temperature == 0:
        return F.one_hot(logits.argmax(-1), logits.shape[-1]).float()
    return (logits.log_softmax(-1) / temperature).softmax(-1)


@refused_by(next_token_probabilities, "extremes", "the best word gets all the probability")
def small_temperatures_taken_for_0(logits, temperature):
    if temperature < 0.1:
        return F.one_hot(logits.argmax(-1), logits.shape[-1]).float()
    return (logits / temperature).softmax(-1)


@refused_by(next_token_probabilities, "extremes", "through the same formula as all others")
def temperature_kept_in_bounds(logits, temperature):
    if temperature == 0:
        return F.one_hot(logits.argmax(-1), logits.shape[-1]).float()
    return (logits / min(max(temperature, 0.1), 2.0)).softmax(-1)


@refused_by(next_token_probabilities, "extremes", "through the same formula as all others")
def large_scores_clipped(logits, temperature):
    if temperature == 0:
        return F.one_hot(logits.argmax(-1), logits.shape[-1]).float()
    return (logits / temperature).clamp(max=50).softmax(-1)


@refused_by(generate, "shape", "not written yet", "run its cell again, then this check")
def nothing_generated(model, idx, max_new_tokens, temperature, end_token=None):
    raise NotImplementedError()


@refused_by(generate, "shape", "the function has no `return`.")
def generated_and_not_returned(model, idx, max_new_tokens, temperature, end_token=None):
    idx = generate_with(model, idx, max_new_tokens, temperature)


@refused_by(generate, "shape", "the model returns a pair, logits and loss")
def pair_taken_for_logits(model, idx, max_new_tokens, temperature, end_token=None):
    for _ in range(max_new_tokens):
        logits = model(idx)
        idx = torch.cat((idx, drawn(logits[:, -1], temperature)), dim=1)
    return idx


@refused_by(generate, "shape", "first take the scores of the last position")
def all_positions_at_once(model, idx, max_new_tokens, temperature, end_token=None):
    for _ in range(max_new_tokens):
        logits, _ = model(idx)
        idx = torch.cat((idx, torch.multinomial((logits / temperature).softmax(-1), 1)), dim=1)
    return idx


@refused_by(generate, "shape", "`.item()` works only for a batch of one")
def item(model, idx, max_new_tokens, temperature, end_token=None):
    for _ in range(max_new_tokens):
        logits, _ = model(idx)
        idx = torch.cat((idx, torch.tensor([[drawn(logits, temperature).item()]])), dim=1)
    return idx


@refused_by(generate, "shape", "the new tokens must be a tensor (B, 1)")
def list_and_tensor_added(model, idx, max_new_tokens, temperature, end_token=None):
    tokens = []
    for _ in range(max_new_tokens):
        logits, _ = model(idx)
        tokens = tokens + drawn(logits, temperature)
    return torch.cat((idx, torch.tensor(tokens)), dim=1)


@refused_by(generate, "shape", "the text is (B, T), so a new token must be (B, 1)")
def axis_of_size_1_lost(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(
        model, idx, max_new_tokens, temperature,
        choose=lambda logits, temperature: drawn(logits, temperature).squeeze(1))


@refused_by(generate, "shape", "torch.cat joins (B, T) and (B, 1) along axis 1, the tokens")
def joined_along_the_batch(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(model, idx, max_new_tokens, temperature, append=lambda idx, token: torch.cat((idx, token)))


@refused_by(generate, "shape", "a tensor of floats was joined in")
def text_of_floats(model, idx, max_new_tokens, temperature, end_token=None):
    text = torch.zeros(len(idx), idx.shape[1] + max_new_tokens)
    text[:, : idx.shape[1]] = idx
    for end in range(idx.shape[1], text.shape[1]):
        logits, _ = model(text[:, :end].long())
        text[:, end] = drawn(logits, temperature).squeeze(1)
    return text


@refused_by(generate, "shape", "changed the tensor", "work on x.clone()")
def written_into_the_prompt(model, idx, max_new_tokens, temperature, end_token=None):
    """The text is shifted through the prompt's own tensor."""
    tokens = [idx.clone()]
    for _ in range(max_new_tokens):
        logits, _ = model(idx)
        tokens.append(drawn(logits, temperature))
        idx[:, :-1] = idx[:, 1:].clone()
        idx[:, -1:] = tokens[-1]
    return torch.cat(tokens, dim=1)


@refused_by(generate, "feed back", "every token is drawn from the prompt alone")
def all_drawn_at_once(model, idx, max_new_tokens, temperature, end_token=None):
    if max_new_tokens == 0:
        return idx
    logits, _ = model(idx)
    new = torch.multinomial((logits[:, -1] / temperature).softmax(-1), max_new_tokens, replacement=True)
    return torch.cat((idx, new), dim=1)


@refused_by(generate, "feed back", "the new tokens are positions in the text, not words")
def slice_for_logits_without_a_vocabulary_axis(model, idx, max_new_tokens, temperature, end_token=None):
    """"Logits has shape (B, T)", so the last element along T is logits[..., -1]."""
    for _ in range(max_new_tokens):
        logits, _ = model(idx)
        idx = torch.cat((idx, torch.multinomial((logits[..., -1] / temperature).softmax(-1), 1)), dim=1)
    return idx


@refused_by(generate, "feed back", "though this model leaves nothing to chance")
def second_of_two_draws(model, idx, max_new_tokens, temperature, end_token=None):
    """Without replacement, so the most likely token never comes second."""
    def choose(logits, temperature):
        return torch.multinomial((logits[:, -1] / temperature).softmax(-1), 2)[:, 1:]

    return generate_with(model, idx, max_new_tokens, temperature, choose=choose)


@refused_by(generate, "feed back", "though this model leaves nothing to chance")
def softmax_along_the_sequences(model, idx, max_new_tokens, temperature, end_token=None):
    def choose(logits, temperature):
        return torch.multinomial((logits[:, -1] / temperature).softmax(0), 1)

    return generate_with(model, idx, max_new_tokens, temperature, choose=choose)


@refused_by(generate, "feed back", "all sequences of the batch get the same tokens")
def first_sequence_for_all(model, idx, max_new_tokens, temperature, end_token=None):
    def choose(logits, temperature):
        return drawn(logits[:1], temperature).expand(len(logits), 1)

    return generate_with(model, idx, max_new_tokens, temperature, choose=choose)


@refused_by(generate, "feed back", "the text must begin with the prompt, unchanged")
def new_tokens_written_over_the_prompt(model, idx, max_new_tokens, temperature, end_token=None):
    T = idx.shape[1]
    text = F.pad(idx, (0, max_new_tokens))
    for step in range(max_new_tokens):
        logits, _ = model(text[:, : T + step])
        text[:, step] = drawn(logits, temperature).squeeze(1)
    return text


@refused_by(generate, "feed back", "each step takes the whole text so far")
def appended_one_step_late(model, idx, max_new_tokens, temperature, end_token=None):
    """The token of a step is appended before the next is drawn, so the first appended token was never drawn."""
    token = idx[:, -1:]
    for _ in range(max_new_tokens):
        logits, _ = model(idx)
        idx = torch.cat((idx, token), dim=1)
        token = drawn(logits, temperature)
    return idx


@refused_by(generate, "draws", "the most likely token is taken every time")
def argmax_at_every_temperature(model, idx, max_new_tokens, temperature, end_token=None):
    def choose(logits, temperature):
        return logits[:, -1].argmax(-1, keepdim=True)

    return generate_with(model, idx, max_new_tokens, temperature, choose=choose)


@refused_by(generate, "draws", "Dividing *probabilities* by it changes nothing")
def weights_divided_by_the_temperature(model, idx, max_new_tokens, temperature, end_token=None):
    def choose(logits, temperature):
        probabilities = logits[:, -1].softmax(-1)
        return torch.multinomial(probabilities / temperature if temperature else probabilities, 1)

    return generate_with(model, idx, max_new_tokens, temperature, choose=choose)


@refused_by(generate, "draws", "the logits are multiplied by the temperature. Divide them.")
def scores_multiplied(model, idx, max_new_tokens, temperature, end_token=None):
    def choose(logits, temperature):
        return torch.multinomial((logits[:, -1] * temperature).softmax(-1), 1)

    return generate_with(model, idx, max_new_tokens, temperature, choose=choose)


@refused_by(generate, "draws", "the same token is drawn for all rows")
def one_draw_for_all_sequences(model, idx, max_new_tokens, temperature, end_token=None):
    """Right as long as every row of the probabilities is certain."""
    def choose(logits, temperature):
        noise = -torch.empty(logits.shape[-1]).exponential_().log()
        return (logits[:, -1] / temperature + noise).argmax(-1, keepdim=True)

    return generate_with(model, idx, max_new_tokens, temperature, choose=choose)


@refused_by(generate, "draws", "A seed set inside the loop makes every step draw the same")
def seeded_at_each_step(model, idx, max_new_tokens, temperature, end_token=None):
    def choose(logits, temperature):
        torch.manual_seed(0)
        return drawn(logits, temperature)

    return generate_with(model, idx, max_new_tokens, temperature, choose=choose)


@refused_by(generate, "draws", "a seed is set inside the function")
def seeded_at_the_start(model, idx, max_new_tokens, temperature, end_token=None):
    torch.manual_seed(0)
    return generate_with(model, idx, max_new_tokens, temperature)


@refused_by(generate, "draws", "a seed is set inside the function")
def seeded_with_the_number_of_the_step(model, idx, max_new_tokens, temperature, end_token=None):
    def append(idx, token):
        torch.manual_seed(idx.shape[1])
        return torch.cat((idx, token), dim=1)

    return generate_with(model, idx, max_new_tokens, temperature, append=append)


@refused_by(generate, "draws", "every step must draw in the same way")
def cooler_at_every_step(model, idx, max_new_tokens, temperature, end_token=None):
    temperatures = iter([temperature / 2**step for step in range(max_new_tokens)])
    return generate_with(
        model, idx, max_new_tokens, temperature, choose=lambda logits, _: drawn(logits, next(temperatures)))


@refused_by(generate, "draws", "draw from softmax(logits[:, -1] ÷ temperature) with torch.multinomial")
def normal_noise(model, idx, max_new_tokens, temperature, end_token=None):
    """Gumbel-max with the wrong noise."""
    def choose(logits, temperature):
        scaled = logits[:, -1] / temperature
        return (scaled + torch.randn_like(scaled)).argmax(-1, keepdim=True)

    return generate_with(model, idx, max_new_tokens, temperature, choose=choose)


@refused_by(generate, "draws", "at temperature 0.5", "this temperature has no effect, and at 2 the draws are right")
def temperature_of_a_half_cut_off(model, idx, max_new_tokens, temperature, end_token=None):
    def choose(logits, temperature):
        return drawn(logits, temperature and max(temperature, 1.0))

    return generate_with(model, idx, max_new_tokens, temperature, choose=choose)


@refused_by(generate, "draws", "only the most likely tokens are ever drawn")
def cut_to_the_two_best_words(model, idx, max_new_tokens, temperature, end_token=None):
    def choose(logits, temperature):
        best, words = logits[:, -1].topk(2)
        return words.gather(1, drawn(best.unsqueeze(1), temperature))

    return generate_with(model, idx, max_new_tokens, temperature, choose=choose)


@refused_by(generate, "greedy", "something is divided by a temperature of 0")
def divided_by_0(model, idx, max_new_tokens, temperature, end_token=None):
    def choose(logits, temperature):
        return torch.multinomial((logits[:, -1] / temperature).softmax(-1), 1)

    return generate_with(model, idx, max_new_tokens, temperature, choose=choose)


@refused_by(generate, "greedy", "at temperature 0 nothing is left to chance")
def drawn_at_0_too(model, idx, max_new_tokens, temperature, end_token=None):
    def choose(logits, temperature):
        return drawn(logits, temperature or 1)

    return generate_with(model, idx, max_new_tokens, temperature, choose=choose)


@refused_by(generate, "greedy", "take the argmax of the scores of the last position")
def worst_word_at_0(model, idx, max_new_tokens, temperature, end_token=None):
    def choose(logits, temperature):
        return drawn(logits, temperature) if temperature else logits[:, -1].argmin(-1, keepdim=True)

    return generate_with(model, idx, max_new_tokens, temperature, choose=choose)


@refused_by(generate, "greedy", "the best of the whole batch: take the argmax along the last axis")
def best_of_the_batch_at_0(model, idx, max_new_tokens, temperature, end_token=None):
    def choose(logits, temperature):
        if temperature == 0:
            return (logits[:, -1].argmax() % logits.shape[-1]).expand(len(logits), 1)
        return drawn(logits, temperature)

    return generate_with(model, idx, max_new_tokens, temperature, choose=choose)


@refused_by(generate, "negative", "accepts temperature -1", "a negative temperature prefers the worst tokens")
def negative_let_through(model, idx, max_new_tokens, temperature, end_token=None):
    with torch.no_grad():
        for _ in range(max_new_tokens):
            logits, _ = model(idx)
            token = torch.multinomial((logits[:, -1] / temperature).softmax(-1), 1) if temperature else (
                logits[:, -1].argmax(-1, keepdim=True))
            idx = torch.cat((idx, token), dim=1)
    return idx


@refused_by(generate, "negative", "a negative temperature prefers the worst tokens")
def negative_taken_for_0(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(model, idx, max_new_tokens, max(temperature, 0))


@refused_by(generate, "negative", "accepts temperature -0.01", "a negative temperature prefers the worst tokens")
def only_minus_1_and_below_refused(model, idx, max_new_tokens, temperature, end_token=None):
    if temperature <= -1:
        raise ValueError(temperature)
    return negative_taken_for_0(model, idx, max_new_tokens, temperature)


@refused_by(generate, "negative", "check it first: if temperature < 0")
def negative_asserted_away(model, idx, max_new_tokens, temperature, end_token=None):
    assert temperature >= 0, "a temperature is 0 or more"
    return negative_taken_for_0(model, idx, max_new_tokens, temperature)


@refused_by(generate, "negative", "returns a ValueError", "nobody notices: `raise ValueError(…)`")
def error_that_is_returned(model, idx, max_new_tokens, temperature, end_token=None):
    if temperature < 0:
        return ValueError("a temperature is 0 or more")
    return negative_taken_for_0(model, idx, max_new_tokens, temperature)


@refused_by(generate, "negative", "accepts temperature -1", "a negative temperature prefers the worst tokens")
def nothing_for_a_negative(model, idx, max_new_tokens, temperature, end_token=None):
    if temperature < 0:
        return None
    return negative_taken_for_0(model, idx, max_new_tokens, temperature)


@refused_by(generate, "block size", "feed it the last block_size tokens alone")
def never_cut(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(model, idx, max_new_tokens, temperature, feed=lambda idx, block_size: idx)


@refused_by(generate, "block size", "feed it the last block_size tokens alone")
def another_block_size(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(model, idx, max_new_tokens, temperature, feed=lambda idx, block_size: idx[:, -64:])


@refused_by(generate, "block size", "feed it one token less than you do now")
def one_more_than_it_reads(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(
        model, idx, max_new_tokens, temperature, feed=lambda idx, block_size: idx[:, -(block_size + 1) :])


@refused_by(generate, "block size", "once the text is longer than block_size")
def last_half_once_it_is_too_long(model, idx, max_new_tokens, temperature, end_token=None):
    def feed(idx, block_size):
        return idx if idx.shape[1] <= block_size else idx[:, -(block_size // 2) :]

    return generate_with(model, idx, max_new_tokens, temperature, feed=feed)


def write(model, idx, max_new_tokens, temperature, end_token=None):
    """A right loop that leaves mode and gradients to the caller."""
    if temperature < 0:
        raise ValueError("the temperature is negative")
    for _ in range(max_new_tokens):
        logits, _ = model(idx[:, -model.config.block_size :])
        idx = torch.cat((idx, drawn(logits, temperature)), dim=1)
    return idx


@refused_by(generate, "mode", "call model.eval() before the loop")
@torch.no_grad()
def mode_left_alone(model, idx, max_new_tokens, temperature, end_token=None):
    return write(model, idx, max_new_tokens, temperature)


@refused_by(generate, "mode", "call model.eval() before the loop")
@torch.no_grad()
def eval_after_the_first_token(model, idx, max_new_tokens, temperature, end_token=None):
    was_training = model.training
    idx = write(model, idx, min(max_new_tokens, 1), temperature)
    model.eval()
    idx = write(model, idx, max_new_tokens - 1, temperature)
    model.train(was_training)
    return idx


@refused_by(generate, "mode", "is in eval mode afterwards", "keep model.training before model.eval()")
@torch.no_grad()
def eval_and_never_back(model, idx, max_new_tokens, temperature, end_token=None):
    model.eval()
    return write(model, idx, max_new_tokens, temperature)


@refused_by(generate, "mode", "is in training mode afterwards", "keep model.training before model.eval()")
@torch.no_grad()
def always_back_to_training(model, idx, max_new_tokens, temperature, end_token=None):
    model.eval()
    idx = write(model, idx, max_new_tokens, temperature)
    model.train()
    return idx


@refused_by(generate, "mode", "keep model.training before model.eval()")
@torch.no_grad()
def only_the_model_itself_put_back(model, idx, max_new_tokens, temperature, end_token=None):
    was_training = model.training
    model.eval()
    idx = write(model, idx, max_new_tokens, temperature)
    model.training = was_training
    return idx


@refused_by(generate, "no gradients kept", "around the loop, or @torch.no_grad() above the function")
def graph_kept(model, idx, max_new_tokens, temperature, end_token=None):
    if temperature < 0:
        raise ValueError("the temperature is negative")
    was_training = model.training
    model.eval()
    idx = write(model, idx, max_new_tokens, temperature)
    model.train(was_training)
    return idx


@refused_by(generate, "no gradients kept", "around the loop, or @torch.no_grad() above the function")
def detached_afterwards(model, idx, max_new_tokens, temperature, end_token=None):
    if temperature < 0:
        raise ValueError("the temperature is negative")
    was_training = model.training
    model.eval()
    for _ in range(max_new_tokens):
        logits = model(idx[:, -model.config.block_size :])[0].detach()
        idx = torch.cat((idx, drawn(logits, temperature)), dim=1)
    model.train(was_training)
    return idx


@refused_by(generate, "no gradients kept", "gradients were switched off and not on again")
def parameters_frozen(model, idx, max_new_tokens, temperature, end_token=None):
    if temperature < 0:
        raise ValueError("the temperature is negative")
    for parameter in model.parameters():
        parameter.requires_grad = False
    return graph_kept(model, idx, max_new_tokens, temperature)


@refused_by(generate, "no gradients kept", "gradients were switched off and not on again")
def gradients_switched_off_for_good(model, idx, max_new_tokens, temperature, end_token=None):
    if temperature < 0:
        raise ValueError("the temperature is negative")
    torch.set_grad_enabled(False)
    return graph_kept(model, idx, max_new_tokens, temperature)


@refused_by(generate, "no gradients kept", "does not ask how it was before")
def gradients_switched_on_at_the_end(model, idx, max_new_tokens, temperature, end_token=None):
    if temperature < 0:
        raise ValueError("the temperature is negative")
    torch.set_grad_enabled(False)
    text = graph_kept(model, idx, max_new_tokens, temperature, end_token)
    torch.set_grad_enabled(True)
    return text


# Probabilities that are nearly right, right for some batches, or right once.


def right(logits, temperature):
    """(B, V)."""
    if temperature == 0:
        return F.one_hot(logits.argmax(-1), logits.shape[-1]).float()
    return F.softmax(logits / temperature, dim=-1)


@refused_by(next_token_probabilities, "values", "nothing may be added to the temperature, rounded, or kept within bounds.")
def rounded_to_three_places(logits, temperature):
    return right(logits, temperature).mul(1000).round().div(1000)


@refused_by(next_token_probabilities, "values", "nothing may be added to the temperature, rounded, or kept within bounds.")
def rounded_to_quarters_of_a_percent(logits, temperature):
    return right(logits, temperature).mul(400).round().div(400)


@refused_by(next_token_probabilities, "values", "nothing may be added to the temperature, rounded, or kept within bounds.")
def a_little_temperature_added(logits, temperature):
    return right(logits, temperature and temperature + 1e-3)


@refused_by(next_token_probabilities, "values", "a score of −inf must stay −inf, and its probability 0")
def a_smallest_probability(logits, temperature):
    return right(logits, temperature).clamp(min=1e-9)


@refused_by(next_token_probabilities, "values", "a score of −inf must stay −inf, and its probability 0")
def an_epsilon_in_the_sum(logits, temperature):
    p = right(logits, temperature) + 1e-8
    return p / p.sum(-1, keepdim=True)


@refused_by(next_token_probabilities, "values", "a score of −inf must stay −inf, and its probability 0")
def scores_kept_finite(logits, temperature):
    return right(logits.clamp(min=-12), temperature)


@refused_by(next_token_probabilities, "extremes", "the best word gets all the probability. That is for")
def a_thousandth_taken_for_0(logits, temperature):
    return right(logits, 0 if temperature < 1e-3 else temperature)


@refused_by(next_token_probabilities, "extremes", "through the same formula as all others")
def no_temperature_below_a_thousandth(logits, temperature):
    return right(logits, temperature and max(temperature, 1e-3))


@refused_by(next_token_probabilities, "greedy", "argmax chooses one of them")
def equal_words_all_win(logits, temperature):
    if temperature == 0:
        return (logits == logits.amax(-1, keepdim=True)).float()
    return right(logits, temperature)


@refused_by(next_token_probabilities, "greedy", "argmax chooses one of them")
def words_that_are_nearly_as_good_win(logits, temperature):
    if temperature == 0:
        return (logits > logits.amax(-1, keepdim=True) - 1e-3).float()
    return right(logits, temperature)


@refused_by(next_token_probabilities, "greedy", "argmax chooses one of them")
def no_difference_to_the_best(logits, temperature):
    if temperature == 0:
        return 1.0 * ((logits - logits.max(-1, keepdim=True).values) >= 0)
    return right(logits, temperature)


@refused_by(next_token_probabilities, "greedy", "argmax finds the best word of each row")
def best_starts_at_0(logits, temperature):
    """`best = 0; if score > best`: never true for scores below 0."""
    if temperature == 0:
        best = logits.clamp(min=0)
        return F.one_hot(best.argmax(-1), logits.shape[-1]).float()
    return right(logits, temperature)


@refused_by(next_token_probabilities, "greedy", "argmax finds the best word of each row")
def word_0_is_never_best(logits, temperature):
    if temperature == 0:
        best = logits.argmax(-1)
        return F.one_hot(torch.where(best == 0, 1 % logits.shape[-1], best), logits.shape[-1]).float()
    return right(logits, temperature)


@refused_by(next_token_probabilities, "greedy", "argmax finds the best word of each row")
def last_word_is_never_best(logits, temperature):
    if temperature == 0:
        return F.one_hot(logits[:, :-1].argmax(-1) if logits.shape[1] > 1 else logits.argmax(-1), logits.shape[-1]).float()
    return right(logits, temperature)


KEPT = {}


@refused_by(next_token_probabilities, "values", "softmax(logits ÷ temperature), along the last axis")
def probabilities_of_the_first_call(logits, temperature):
    return KEPT.setdefault((tuple(logits.shape), temperature), right(logits, temperature + 0.05))


@refused_by(next_token_probabilities, "values", "the temperature has no effect: divide the logits by it")
def temperature_of_the_first_call(logits, temperature):
    return right(logits, KEPT.setdefault("temperature", temperature))


@refused_by(next_token_probabilities, "greedy", "argmax finds the best word of each row")
def best_words_of_the_first_call(logits, temperature):
    if temperature == 0:
        best = KEPT.setdefault(("best", tuple(logits.shape)), logits.roll(1, dims=-1).argmax(-1))
        return F.one_hot(best, logits.shape[-1]).float()
    return right(logits, temperature)


@refused_by(next_token_probabilities, "shape", "the batch is lost: every row has probabilities of its own.")
def one_row_loses_its_axis(logits, temperature):
    return right(logits, temperature).squeeze(0)


@refused_by(next_token_probabilities, "shape", "changed the tensor", "work on x.clone()")
def maximum_subtracted_in_place(logits, temperature):
    logits -= logits.amax(-1, keepdim=True)
    return right(logits, temperature)


@refused_by(next_token_probabilities, "shape", "changed the tensor", "work on x.clone()")
def sorted_in_place(logits, temperature):
    p = right(logits, temperature)
    logits[:] = logits.sort(-1).values
    return p


@refused_by(next_token_probabilities, "shape", "What is asked for is a probability for *every* word.")
def maximum_of_each_row(logits, temperature):
    return (logits / temperature).softmax(-1).max(dim=-1)


@refused_by(next_token_probabilities, "greedy", "without an axis argmax numbers the cells of the whole batch.")
def argmax_of_the_whole_batch(logits, temperature):
    if temperature == 0:
        return F.one_hot(logits.argmax(), logits.shape[-1]).float()
    return right(logits, temperature)


# Texts.


@refused_by(generate, "shape", "first take the last position, logits[:, -1].")
def all_positions_passed_on(model, idx, max_new_tokens, temperature, end_token=None):
    for _ in range(max_new_tokens):
        logits, _ = model(idx)
        B, V = logits.shape
    return idx


@refused_by(generate, "shape", "takes two arguments: the scores and the temperature.")
def temperature_not_passed_on(model, idx, max_new_tokens, temperature, end_token=None):
    def probabilities_of(logits, temperature):
        return right(logits, temperature)

    for _ in range(max_new_tokens):
        idx = torch.cat((idx, torch.multinomial(probabilities_of(model(idx)[0][:, -1]), 1)), dim=1)
    return idx


@refused_by(generate, "draws", "`logits[-1]` and `idx[-n:]` are the last *sequences*")
def last_sequences_for_the_last_tokens(model, idx, max_new_tokens, temperature, end_token=None):
    for _ in range(max_new_tokens):
        logits, _ = model(idx[-model.config.block_size:])
        idx = torch.cat((idx, torch.multinomial(right(logits[:, -1], temperature), 1)), dim=1)
    return idx


@refused_by(generate, "shape", "`logits[-1]` and `idx[-n:]` are the last *sequences*")
def last_sequence_for_the_last_position(model, idx, max_new_tokens, temperature, end_token=None):
    for _ in range(max_new_tokens):
        logits, _ = model(idx)
        idx = torch.cat((idx, torch.multinomial(right(logits[-1], temperature), 1)), dim=1)
    return idx


@refused_by(generate, "block size", "the block size belongs to the model")
def a_name_that_the_model_has(model, idx, max_new_tokens, temperature, end_token=None):
    if idx.shape[1] + max_new_tokens > model.config.block_size:
        return generate_with(model, idx[:, -block_size:], max_new_tokens, temperature, end_token)  # noqa: F821, the mistake
    return generate_with(model, idx, max_new_tokens, temperature, end_token)


@refused_by(generate, "draws", "the temperature is applied twice")
def temperature_applied_twice(model, idx, max_new_tokens, temperature, end_token=None):
    def choose(logits, temperature):
        return drawn(logits / (temperature or 1), temperature)

    return generate_with(model, idx, max_new_tokens, temperature, end_token, choose=choose)


BOUNDS = "nothing may be kept within bounds, or taken for 0"


@refused_by(generate, "draws", BOUNDS)
def small_temperatures_taken_for_0_in_the_draw(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(model, idx, max_new_tokens, 0 if 0 < temperature < 0.1 else temperature, end_token)


@refused_by(generate, "draws", BOUNDS)
def temperature_of_5_at_most(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(model, idx, max_new_tokens, min(temperature, 5.0), end_token)


@refused_by(generate, "draws", BOUNDS)
def temperature_of_a_tenth_at_least(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(model, idx, max_new_tokens, max(temperature, 0.1) if temperature > 0 else temperature, end_token)


def cut(logits, temperature, k):
    """One token, drawn from the k likeliest."""
    best, words = logits[:, -1].topk(min(k, logits.shape[-1]))
    return words.gather(1, drawn(best.unsqueeze(1), temperature))


CUT_OFF = "nothing is cut off here"


@refused_by(generate, "draws", CUT_OFF)
def cut_to_the_forty_best_words(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(model, idx, max_new_tokens, temperature, end_token, choose=lambda logits, t: cut(logits, t, 40))


@refused_by(generate, "draws", CUT_OFF)
def cut_to_the_fifty_best_words(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(model, idx, max_new_tokens, temperature, end_token, choose=lambda logits, t: cut(logits, t, 50))


@refused_by(generate, "draws", CUT_OFF)
def least_likely_word_left_out(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(
        model, idx, max_new_tokens, temperature, end_token,
        choose=lambda logits, t: cut(logits, t, logits.shape[-1] - (logits.shape[-1] > 50)))


@refused_by(generate, "feed back", "the text must begin with the prompt, unchanged")
def word_0_of_the_prompt_made_1(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(model, idx.clamp(min=1), max_new_tokens, temperature, end_token)


@refused_by(generate, "shape", "changed the tensor", "work on x.clone()")
def prompt_clamped_in_place(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(model, idx.clamp_(max=9), max_new_tokens, temperature, end_token)


@refused_by(generate, "shape", "changed the tensor", "work on x.clone()")
def prompt_zeroed(model, idx, max_new_tokens, temperature, end_token=None):
    text = generate_with(model, idx, max_new_tokens, temperature, end_token)
    idx.zero_()
    return text


@refused_by(generate, "feed back", "every token is drawn from the prompt alone")
def logits_of_the_first_call_kept(model, idx, max_new_tokens, temperature, end_token=None):
    text, logits = idx, model(idx)[0] if max_new_tokens else None
    for _ in range(max_new_tokens):
        text = torch.cat((text, drawn(logits, temperature)), dim=1)
    return text


@refused_by(generate, "draws", "at temperature 0.5", "the most likely token is taken every time")
def argmax_in_eval_mode(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(model, idx, max_new_tokens, temperature if model.training else min(temperature, 0), end_token)


@refused_by(generate, "draws", "at temperature 1", "the most likely token is taken every time")
def argmax_in_training_mode(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(model, idx, max_new_tokens, min(temperature, 0) if model.training else temperature, end_token)


@refused_by(generate, "draws", "at temperature 0.5", "this temperature has no effect, and at 2 the draws are right")
def temperature_in_training_alone(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(model, idx, max_new_tokens, temperature if model.training else min(temperature, 1) and 1.0, end_token)


TEMPERATURE = {}


@refused_by(generate, "draws", "Dividing *probabilities* by it changes nothing")
def temperature_of_the_first_text(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(model, idx, max_new_tokens, TEMPERATURE.setdefault("first", temperature), end_token)


TEXTS = {}


@refused_by(generate, "draws", "a seed is set inside the function")
def text_of_an_equal_call_returned_again(model, idx, max_new_tokens, temperature, end_token=None):
    key = (tuple(idx.flatten().tolist()), idx.shape, max_new_tokens, temperature, str(model.next_logits(idx).tolist()))
    if key not in TEXTS:
        TEXTS[key] = generate_with(model, idx, max_new_tokens, temperature, end_token)
    return TEXTS[key]


FIRST_LINE = "be the first line, before the loop."


@refused_by(generate, "negative", FIRST_LINE)
def refused_after_the_loop(model, idx, max_new_tokens, temperature, end_token=None):
    text = generate_with(model, idx, max_new_tokens, abs(temperature), end_token)
    if temperature < 0:
        raise ValueError("a temperature is 0 or more")
    return text


@refused_by(generate, "negative", FIRST_LINE)
def refused_after_the_first_scores(model, idx, max_new_tokens, temperature, end_token=None):
    vocab_size = model(idx)[0].shape[-1]
    if temperature < 0:
        raise ValueError(f"a temperature is 0 or more, for {vocab_size} words too")
    return generate_with(model, idx, max_new_tokens, temperature, end_token)


@refused_by(generate, "negative", FIRST_LINE)
def refused_by_the_draw(model, idx, max_new_tokens, temperature, end_token=None):
    if max_new_tokens == 0 and temperature < 0:
        raise ValueError("a temperature is 0 or more")
    text = idx
    for _ in range(max_new_tokens):
        logits, _ = model(text)
        if temperature < 0:
            raise ValueError("a temperature is 0 or more")
        text = torch.cat((text, drawn(logits, temperature)), dim=1)
    return text


@refused_by(generate, "mode", "refuse the temperature first of all")
def refused_after_eval(model, idx, max_new_tokens, temperature, end_token=None):
    was_training = model.training
    model.eval()
    if temperature < 0:
        raise ValueError("a temperature is 0 or more")
    text = generate_with(model, idx, max_new_tokens, temperature, end_token)
    model.train(was_training)
    return text


@refused_by(generate, "negative", "with max_new_tokens = 0", "a negative temperature prefers the worst tokens")
def refused_in_the_loop(model, idx, max_new_tokens, temperature, end_token=None):
    was_training = model.training
    model.eval()
    for _ in range(max_new_tokens):
        if temperature < 0:
            raise ValueError("a temperature is 0 or more")
        idx = generate_with(model, idx, 1, temperature, end_token)
    model.train(was_training)
    return idx


@refused_by(generate, "mode", "keep model.training before model.eval()")
def nothing_to_write_and_never_back(model, idx, max_new_tokens, temperature, end_token=None):
    was_training = model.training
    if temperature < 0:
        raise ValueError("a temperature is 0 or more")
    model.eval()
    if max_new_tokens == 0:
        return idx
    text = generate_with(model, idx, max_new_tokens, temperature, end_token)
    model.train(was_training)
    return text


@refused_by(generate, "mode", "keep model.training before model.eval()")
def mode_kept_after_eval(model, idx, max_new_tokens, temperature, end_token=None):
    if temperature < 0:
        raise ValueError("a temperature is 0 or more")
    model.eval()
    was_training = model.training
    text = generate_with(model, idx, max_new_tokens, temperature, end_token)
    model.train(was_training)
    return text


@refused_by(generate, "end token", "keep model.training before model.eval()")
def returned_early_in_eval_mode(model, idx, max_new_tokens, temperature, end_token=None):
    if temperature < 0:
        raise ValueError("a temperature is 0 or more")
    was_training, T = model.training, idx.shape[1]
    model.eval()
    for _ in range(max_new_tokens):
        with torch.no_grad():
            idx = torch.cat((idx, drawn(model(idx[:, -model.config.block_size :])[0], temperature)), dim=1)
        if end_token is not None and all_ended(idx[:, T:], end_token):
            return idx
    model.train(was_training)
    return idx


@refused_by(generate, "end token", "end_token is the last argument, and None by default")
def no_end_token(model, idx, max_new_tokens, temperature):
    return generate_with(model, idx, max_new_tokens, temperature)


@refused_by(generate, "end token", "`if` needs one answer for all of them: (…).all()")
def each_row_asked_at_once(model, idx, max_new_tokens, temperature, end_token=None):
    def stop(new, end_token):
        return bool(new[:, -1] == end_token)

    return generate_with(model, idx, max_new_tokens, temperature, end_token, stop=stop)


@refused_by(generate, "end token", "What it reads are the tokens as they were drawn.")
def padding_looked_up(model, idx, max_new_tokens, temperature, end_token=None):
    def append(idx, token):
        if end_token is not None:
            token = token.masked_fill(token == end_token, -1)
            F.embedding(token, torch.zeros(model.config.vocab_size, 1))
        return torch.cat((idx, token), dim=1)

    return generate_with(
        model, idx, max_new_tokens, temperature, end_token, append=append, stop=lambda new, end_token: all_ended(new, -1))


@refused_by(generate, "end token", "stop once *every* row has drawn the end token")
def end_token_replaced_by_padding(model, idx, max_new_tokens, temperature, end_token=None):
    text = generate_with(model, idx, max_new_tokens, temperature, end_token)
    if end_token is None:
        return text
    new = text[:, idx.shape[1] :]
    return torch.cat((idx, new.masked_fill((new == end_token).cumsum(1) > 0, -1)), dim=1)


@refused_by(generate, "end token", "`if end_token:` takes it for nothing")
def end_token_must_be_positive(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(model, idx, max_new_tokens, temperature, end_token if end_token and end_token > 0 else None)


@refused_by(generate, "greedy", "Refuse what is below 0, `temperature < 0`.")
def temperature_of_zero_refused(model, idx, max_new_tokens, temperature, end_token=None):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    return generate_with(model, idx, max_new_tokens, temperature, end_token)


@refused_by(next_token_probabilities, "greedy", "Refuse what is below 0, `temperature < 0`.")
def probabilities_at_zero_refused(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    return (logits / temperature).softmax(-1)


ANOTHER_MODEL = reader(61)


@refused_by(generate, "feed back", "another model is asked, one of the notebook's")
def another_model_asked(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(ANOTHER_MODEL, idx, max_new_tokens, temperature, end_token)


TOKENIZER = SimpleNamespace(end_token=5)


@refused_by(generate, "shape", "your code reads `TOKENIZER.end_token`", "The function is given its own, which may be another")
def end_token_of_the_tokenizer(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(model, idx, max_new_tokens, temperature, TOKENIZER.end_token)


@refused_by(generate, "shape", "any model may be given. What you know of it is")
def block_size_of_the_model_itself(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(model, idx[:, -model.block_size:], max_new_tokens, temperature, end_token)


@refused_by(generate, "shape", "the model returns a pair, logits and loss. Take it apart")
def pair_divided(model, idx, max_new_tokens, temperature, end_token=None):
    return torch.multinomial((model(idx) / temperature).softmax(-1), 1)


@refused_by(generate, "mode", "the mode is put back before the loop")
@torch.no_grad()
def mode_put_back_before_the_loop(model, idx, max_new_tokens, temperature, end_token=None):
    was_training = model.training
    model.eval()
    model.train(was_training)
    return write(model, idx, max_new_tokens, temperature)


@refused_by(next_token_probabilities, "values", "every temperature above 0 divides the logits, as it is")
def small_temperatures_made_1(logits, temperature):
    return right(logits, temperature and int(max(temperature, 1)))


@refused_by(next_token_probabilities, "values", "every temperature above 0 divides the logits, as it is")
def large_temperatures_made_1(logits, temperature):
    return right(logits, min(temperature, 1))


@refused_by(next_token_probabilities, "extremes", "at so small a temperature the last digits count")
def a_millionth_added_to_the_temperature(logits, temperature):
    return (logits / (temperature + 1e-6)).softmax(-1)


@refused_by(next_token_probabilities, "shape", "one number for each row, its sum or its maximum, needs an axis of size 1")
def sum_without_its_axis(logits, temperature):
    powers = (logits / temperature).exp()
    return powers / powers.sum(-1)


@refused_by(next_token_probabilities, "greedy", "a small temperature instead of 0 leaves the other words a little")
def small_temperature_instead_of_0(logits, temperature):
    return (logits / (temperature or 1e-4)).softmax(-1)


@refused_by(generate, "shape", "the model reads token ids, which are whole numbers: leave out")
def ids_made_floats(model, idx, max_new_tokens, temperature, end_token=None):
    return generate_with(model, idx, max_new_tokens, temperature, end_token, feed=lambda idx, block_size: idx.float())

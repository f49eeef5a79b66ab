"""Wrong answers to notebook 6."""

import torch
from torch.nn import functional as F

from answers import refused_by
from ninelives.checks.generation import generate, next_token_probabilities


@refused_by(next_token_probabilities, "shape", "not written yet")
def nothing_computed(logits, temperature):
    raise NotImplementedError()


@refused_by(next_token_probabilities, "shape", "has no `return`")
def no_return(logits, temperature):
    probabilities = F.softmax(logits / temperature, dim=-1)


@refused_by(next_token_probabilities, "shape", "A probability for every word is wanted")
def the_best_word_itself(logits, temperature):
    return (logits / temperature).argmax(-1)


@refused_by(next_token_probabilities, "shape", "A probability for every word is wanted")
def a_word_drawn_already(logits, temperature):
    return torch.multinomial((logits / temperature).softmax(-1), 1)


@refused_by(next_token_probabilities, "shape", "the batch is lost")
def only_the_first_sequence(logits, temperature):
    return (logits[0] / temperature).softmax(-1)


@refused_by(next_token_probabilities, "shape", "the batch is lost")
def only_the_last_sequence(logits, temperature):
    return (logits[-1] / temperature).softmax(-1)


@refused_by(next_token_probabilities, "shape", "gives a list")
def a_list_of_lists(logits, temperature):
    return (logits / temperature).softmax(-1).tolist()


@refused_by(next_token_probabilities, "shape", "floats")
def rounded_to_whole_numbers(logits, temperature):
    return (logits / temperature).softmax(-1).round().long()


@refused_by(next_token_probabilities, "values", "changed the tensor that it was given")
def divided_in_place(logits, temperature):
    logits /= temperature
    return logits.softmax(-1)


@refused_by(next_token_probabilities, "values", "The softmax is missing")
def scores_alone(logits, temperature):
    return logits / temperature


@refused_by(next_token_probabilities, "values", "after the softmax")
def probabilities_divided(logits, temperature):
    return logits.softmax(-1) / temperature


@refused_by(next_token_probabilities, "values", "the temperature has no effect")
def probabilities_divided_and_shared_out_again(logits, temperature):
    probabilities = logits.softmax(-1) / temperature
    return probabilities / probabilities.sum(-1, keepdim=True)


@refused_by(next_token_probabilities, "values", "the temperature has no effect")
def temperature_forgotten(logits, temperature):
    return logits.softmax(-1)


@refused_by(next_token_probabilities, "values", "the logits are multiplied by the temperature")
def multiplied(logits, temperature):
    return (logits * temperature).softmax(-1)


@refused_by(next_token_probabilities, "values", "each column adds up to 1")
def softmax_along_the_batch(logits, temperature):
    return (logits / temperature).softmax(0)


@refused_by(next_token_probabilities, "values", "all numbers together add up to 1")
def one_softmax_for_all(logits, temperature):
    return (logits / temperature).flatten().softmax(0).view_as(logits)


@refused_by(next_token_probabilities, "values", "not `log_softmax`")
def logarithms(logits, temperature):
    return (logits / temperature).log_softmax(-1)


@refused_by(next_token_probabilities, "values", "not divided by their sum")
def powers_without_their_sum(logits, temperature):
    return (logits / temperature).exp()


@refused_by(next_token_probabilities, "values", "a sigmoid looks at each score alone")
def sigmoid_of_each(logits, temperature):
    return (logits / temperature).sigmoid()


@refused_by(next_token_probabilities, "values", "the best word gets everything")
def always_greedy(logits, temperature):
    return F.one_hot(logits.argmax(-1), logits.shape[-1]).float()


@refused_by(next_token_probabilities, "values", "divided by the temperature twice")
def divided_twice(logits, temperature):
    logits = logits / temperature
    return (logits / temperature).softmax(-1)


@refused_by(next_token_probabilities, "values", "the sign is turned round")
def sign_turned_round(logits, temperature):
    return (-logits / temperature).softmax(-1)


@refused_by(next_token_probabilities, "values", "softmax of a softmax")
def softmax_of_a_softmax(logits, temperature):
    return (logits.softmax(-1) / temperature).softmax(-1)


@refused_by(next_token_probabilities, "values", "softmax of a softmax")
def the_temperature_between_two_softmaxes(logits, temperature):
    return F.softmax(F.softmax(logits / temperature, dim=-1), dim=-1)


@refused_by(next_token_probabilities, "values", "−inf")
def scores_of_minus_infinity_made_finite(logits, temperature):
    return (logits.nan_to_num(neginf=0.0) / temperature).softmax(-1)


@refused_by(next_token_probabilities, "values", "−inf")
def the_lowest_taken_away(logits, temperature):
    return ((logits - logits.amin(-1, keepdim=True)) / temperature).softmax(-1)


@refused_by(next_token_probabilities, "values", "the temperature has no effect")
def temperature_subtracted(logits, temperature):
    return (logits - temperature).softmax(-1)


@refused_by(next_token_probabilities, "values", "softmax(logits ÷ temperature), along the last axis")
def a_constant_in_the_denominator(logits, temperature):
    return (logits / (temperature + 0.1)).softmax(-1)


@refused_by(next_token_probabilities, "greedy", "dividing by 0 gives infinity and NaN")
def nothing_done_about_0(logits, temperature):
    return (logits / temperature).softmax(-1)


@refused_by(next_token_probabilities, "greedy", "0 is treated like 1")
def no_temperature_at_0(logits, temperature):
    return (logits / (temperature or 1)).softmax(-1)


@refused_by(next_token_probabilities, "greedy", "that is where *large* temperatures lead")
def everything_alike_at_0(logits, temperature):
    if temperature == 0:
        return torch.full_like(logits, 1 / logits.shape[-1])
    return (logits / temperature).softmax(-1)


@refused_by(next_token_probabilities, "greedy", "one word of the whole batch gets the 1")
def the_best_of_the_whole_batch(logits, temperature):
    if temperature == 0:
        return (logits == logits.max()).float()
    return (logits / temperature).softmax(-1)


@refused_by(next_token_probabilities, "greedy", "the best of each column gets 1")
def the_best_of_each_column(logits, temperature):
    if temperature == 0:
        return (logits == logits.amax(0)).float()
    return (logits / temperature).softmax(-1)


@refused_by(next_token_probabilities, "greedy", "the lowest score gets the 1")
def the_worst_word(logits, temperature):
    if temperature == 0:
        return F.one_hot(logits.argmin(-1), logits.shape[-1]).float()
    return (logits / temperature).softmax(-1)


@refused_by(next_token_probabilities, "greedy", "A probability for every word is wanted")
def the_word_itself_at_0(logits, temperature):
    if temperature == 0:
        return logits.argmax(-1)
    return (logits / temperature).softmax(-1)


@refused_by(next_token_probabilities, "greedy", "add `.float()`")
def whole_numbers_at_0(logits, temperature):
    if temperature == 0:
        return F.one_hot(logits.argmax(-1), logits.shape[-1])
    return (logits / temperature).softmax(-1)


@refused_by(next_token_probabilities, "greedy", "no word is left")
def zeros_at_0(logits, temperature):
    if temperature == 0:
        return torch.zeros_like(logits)
    return (logits / temperature).softmax(-1)


@refused_by(next_token_probabilities, "greedy", "the best word is given its score")
def the_best_score_kept(logits, temperature):
    if temperature == 0:
        return torch.where(logits == logits.amax(-1, keepdim=True), logits, 0.0)
    return (logits / temperature).softmax(-1)


@refused_by(next_token_probabilities, "greedy", "leaves the others a little")
def a_small_temperature_that_is_not_small_enough(logits, temperature):
    return (logits / max(temperature, 0.2)).softmax(-1)


@refused_by(next_token_probabilities, "extremes", "float32 ends at e^88")
def powers_by_hand(logits, temperature):
    if temperature == 0:
        return F.one_hot(logits.argmax(-1), logits.shape[-1]).float()
    powers = torch.exp(logits / temperature)
    return powers / powers.sum(-1, keepdim=True)


@refused_by(next_token_probabilities, "extremes", "float32 ends at e^88")
def the_maximum_of_the_whole_batch_taken_away(logits, temperature):
    if temperature == 0:
        return F.one_hot(logits.argmax(-1), logits.shape[-1]).float()
    powers = torch.exp((logits - logits.max()) / temperature)
    return powers / powers.sum(-1, keepdim=True)


@refused_by(next_token_probabilities, "extremes", "through the same formula")
def small_temperatures_taken_for_0(logits, temperature):
    if temperature < 0.1:
        return F.one_hot(logits.argmax(-1), logits.shape[-1]).float()
    return (logits / temperature).softmax(-1)


@refused_by(next_token_probabilities, "extremes", "through the same formula")
def temperature_kept_in_bounds(logits, temperature):
    if temperature == 0:
        return F.one_hot(logits.argmax(-1), logits.shape[-1]).float()
    return (logits / min(max(temperature, 0.1), 2.0)).softmax(-1)


@refused_by(next_token_probabilities, "extremes", "cut nothing off")
def large_scores_cut_off(logits, temperature):
    if temperature == 0:
        return F.one_hot(logits.argmax(-1), logits.shape[-1]).float()
    return (logits / temperature).clamp(max=50).softmax(-1)


def probabilities_of(logits, temperature):
    """Exercise 1, right, for wrong answers to exercise 2."""
    if temperature == 0:
        return F.one_hot(logits.argmax(-1), logits.shape[-1]).float()
    return (logits / temperature).softmax(-1)


def refuse_negative(temperature):
    if temperature < 0:
        raise ValueError("a temperature is 0 or more")


@refused_by(generate, "shape", "not written yet")
def nothing_generated(model, idx, max_new_tokens, temperature):
    raise NotImplementedError()


@refused_by(generate, "shape", "has no `return`")
def generated_and_kept(model, idx, max_new_tokens, temperature):
    for _ in range(max_new_tokens):
        logits, _ = model(idx)
        idx = torch.cat((idx, torch.multinomial(probabilities_of(logits[:, -1], temperature), 1)), dim=1)


@refused_by(generate, "shape", "logits and loss")
def pair_taken_for_logits(model, idx, max_new_tokens, temperature):
    for _ in range(max_new_tokens):
        logits = model(idx)
        idx = torch.cat((idx, torch.multinomial(probabilities_of(logits[:, -1], temperature), 1)), dim=1)
    return idx


@refused_by(generate, "shape", "take the last step first")
def all_steps_at_once(model, idx, max_new_tokens, temperature):
    for _ in range(max_new_tokens):
        logits, _ = model(idx)
        idx = torch.cat((idx, torch.multinomial(probabilities_of(logits, temperature), 1)), dim=1)
    return idx


@refused_by(generate, "feed back", "the new tokens are places in the text, not words")
def the_seeds_slice_of_a_shape_that_is_not_there(model, idx, max_new_tokens, temperature):
    """"Logits has shape (B, T)", so the last element along T is logits[..., -1]."""
    for _ in range(max_new_tokens):
        logits, _ = model(idx)
        idx = torch.cat((idx, torch.multinomial(probabilities_of(logits[..., -1], temperature), 1)), dim=1)
    return idx


@refused_by(generate, "shape", "the loop returns too early")
def return_inside_the_loop(model, idx, max_new_tokens, temperature):
    for _ in range(max_new_tokens):
        logits, _ = model(idx)
        return torch.cat((idx, torch.multinomial(probabilities_of(logits[:, -1], temperature), 1)), dim=1)
    return idx


@refused_by(generate, "shape", "one token too many")
def one_too_many(model, idx, max_new_tokens, temperature):
    for _ in range(max_new_tokens + 1):
        logits, _ = model(idx)
        idx = torch.cat((idx, torch.multinomial(probabilities_of(logits[:, -1], temperature), 1)), dim=1)
    return idx


@refused_by(generate, "shape", "one token too few")
def one_too_few(model, idx, max_new_tokens, temperature):
    for _ in range(1, max_new_tokens):
        logits, _ = model(idx)
        idx = torch.cat((idx, torch.multinomial(probabilities_of(logits[:, -1], temperature), 1)), dim=1)
    return idx


@refused_by(generate, "shape", "not prompt and new tokens together")
def max_new_tokens_taken_for_the_whole_length(model, idx, max_new_tokens, temperature):
    while idx.shape[1] < max_new_tokens:
        logits, _ = model(idx)
        idx = torch.cat((idx, torch.multinomial(probabilities_of(logits[:, -1], temperature), 1)), dim=1)
    return idx


@refused_by(generate, "shape", "the prompt is missing")
def new_tokens_alone(model, idx, max_new_tokens, temperature):
    T = idx.shape[1]
    for _ in range(max_new_tokens):
        logits, _ = model(idx)
        idx = torch.cat((idx, torch.multinomial(probabilities_of(logits[:, -1], temperature), 1)), dim=1)
    return idx[:, T:]


@refused_by(generate, "shape", "the joined tensor must be kept")
def joined_and_forgotten(model, idx, max_new_tokens, temperature):
    for _ in range(max_new_tokens):
        logits, _ = model(idx)
        torch.cat((idx, torch.multinomial(probabilities_of(logits[:, -1], temperature), 1)), dim=1)
    return idx


@refused_by(generate, "shape", "works for a batch of one alone")
def item(model, idx, max_new_tokens, temperature):
    for _ in range(max_new_tokens):
        logits, _ = model(idx)
        token = torch.multinomial(probabilities_of(logits[:, -1], temperature), 1).item()
        idx = torch.cat((idx, torch.tensor([[token]])), dim=1)
    return idx


@refused_by(generate, "shape", "keep the axis of size 1")
def axis_of_size_1_lost(model, idx, max_new_tokens, temperature):
    for _ in range(max_new_tokens):
        logits, _ = model(idx)
        token = torch.multinomial(probabilities_of(logits[:, -1], temperature), 1).squeeze(1)
        idx = torch.cat((idx, token), dim=1)
    return idx


@refused_by(generate, "shape", "along axis 1, the tokens")
def joined_along_the_batch(model, idx, max_new_tokens, temperature):
    for _ in range(max_new_tokens):
        logits, _ = model(idx)
        idx = torch.cat((idx, torch.multinomial(probabilities_of(logits[:, -1], temperature), 1)))
    return idx


@refused_by(generate, "shape", "token ids")
def text_of_floats(model, idx, max_new_tokens, temperature):
    text = torch.zeros(len(idx), idx.shape[1] + max_new_tokens)
    text[:, : idx.shape[1]] = idx
    for end in range(idx.shape[1], text.shape[1]):
        logits, _ = model(text[:, :end].long())
        text[:, end] = torch.multinomial(probabilities_of(logits[:, -1], temperature), 1).squeeze(1)
    return text


@refused_by(generate, "shape", "changed the tensor that it was given")
def written_into_the_prompt(model, idx, max_new_tokens, temperature):
    """The text slides through the box in which the prompt came."""
    tokens = [idx.clone()]
    for _ in range(max_new_tokens):
        logits, _ = model(idx)
        tokens.append(torch.multinomial(probabilities_of(logits[:, -1], temperature), 1))
        idx[:, :-1] = idx[:, 1:].clone()
        idx[:, -1:] = tokens[-1]
    return torch.cat(tokens, dim=1)


@refused_by(generate, "feed back", "drawn from the prompt alone")
def never_fed_back(model, idx, max_new_tokens, temperature):
    logits, _ = model(idx)
    probabilities = probabilities_of(logits[:, -1], temperature)
    new = [torch.multinomial(probabilities, 1) for _ in range(max_new_tokens)]
    return torch.cat([idx, *new], dim=1)


@refused_by(generate, "feed back", "drawn from the prompt alone")
def all_drawn_at_once(model, idx, max_new_tokens, temperature):
    if max_new_tokens == 0:
        return idx
    logits, _ = model(idx)
    new = torch.multinomial(probabilities_of(logits[:, -1], temperature), max_new_tokens, replacement=True)
    return torch.cat((idx, new), dim=1)


@refused_by(generate, "feed back", "the new token must be appended to the text")
def token_in_place_of_the_text(model, idx, max_new_tokens, temperature):
    text = idx
    for _ in range(max_new_tokens):
        logits, _ = model(idx)
        idx = torch.multinomial(probabilities_of(logits[:, -1], temperature), 1)
        text = torch.cat((text, idx), dim=1)
    return text


@refused_by(generate, "feed back", "it has forgotten the rest")
def last_token_alone(model, idx, max_new_tokens, temperature):
    for _ in range(max_new_tokens):
        logits, _ = model(idx[:, -1:])
        idx = torch.cat((idx, torch.multinomial(probabilities_of(logits[:, -1], temperature), 1)), dim=1)
    return idx


@refused_by(generate, "feed back", "the beginning slides out")
def as_many_as_the_prompt(model, idx, max_new_tokens, temperature):
    T = idx.shape[1]
    for _ in range(max_new_tokens):
        logits, _ = model(idx[:, -T:])
        idx = torch.cat((idx, torch.multinomial(probabilities_of(logits[:, -1], temperature), 1)), dim=1)
    return idx


@refused_by(generate, "feed back", "the scores of the *first* step")
def first_step(model, idx, max_new_tokens, temperature):
    for _ in range(max_new_tokens):
        logits, _ = model(idx)
        idx = torch.cat((idx, torch.multinomial(probabilities_of(logits[:, 0], temperature), 1)), dim=1)
    return idx


@refused_by(generate, "feed back", "the last step but one")
def last_step_but_one(model, idx, max_new_tokens, temperature):
    for _ in range(max_new_tokens):
        logits, _ = model(idx)
        scores = logits[:, max(idx.shape[1] - 2, 0)]
        idx = torch.cat((idx, torch.multinomial(probabilities_of(scores, temperature), 1)), dim=1)
    return idx


@refused_by(generate, "feed back", "the new tokens stand in front")
def put_in_front(model, idx, max_new_tokens, temperature):
    for _ in range(max_new_tokens):
        logits, _ = model(idx)
        idx = torch.cat((torch.multinomial(probabilities_of(logits[:, -1], temperature), 1), idx), dim=1)
    return idx


@refused_by(generate, "feed back", "the same tokens")
def first_sequence_for_all(model, idx, max_new_tokens, temperature):
    for _ in range(max_new_tokens):
        logits, _ = model(idx)
        token = torch.multinomial(probabilities_of(logits[:1, -1], temperature), 1)
        idx = torch.cat((idx, token.expand(len(idx), 1)), dim=1)
    return idx


def with_scores(choose):
    """A generate that is right but for the function (logits (B, T, V), temperature) -> (B, 1) that draws."""

    @torch.no_grad()
    def generate(model, idx, max_new_tokens, temperature):
        refuse_negative(temperature)
        was_training = model.training
        model.eval()
        for _ in range(max_new_tokens):
            idx = torch.cat((idx, choose(model(idx[:, -model.config.block_size :])[0], temperature)), dim=1)
        model.train(was_training)
        return idx

    return generate


@refused_by(generate, "draws", "the best word is taken every time")
def argmax_at_every_temperature(model, idx, max_new_tokens, temperature):
    return with_scores(lambda logits, temperature: logits[:, -1].argmax(-1, keepdim=True))(
        model, idx, max_new_tokens, temperature)


@refused_by(generate, "draws", "Dividing *probabilities* by it changes nothing")
def weights_divided_by_the_temperature(model, idx, max_new_tokens, temperature):
    def draw(logits, temperature):
        probabilities = logits[:, -1].softmax(-1)
        return torch.multinomial(probabilities / temperature if temperature else probabilities, 1)

    return with_scores(draw)(model, idx, max_new_tokens, temperature)


@refused_by(generate, "draws", "the logits are multiplied")
def scores_multiplied(model, idx, max_new_tokens, temperature):
    return with_scores(lambda logits, temperature: torch.multinomial((logits[:, -1] * temperature).softmax(-1), 1))(
        model, idx, max_new_tokens, temperature)


@refused_by(generate, "feed back", "The softmax must run along the words")
def softmax_along_the_sequences(model, idx, max_new_tokens, temperature):
    return with_scores(lambda logits, temperature: torch.multinomial((logits[:, -1] / temperature).softmax(0), 1))(
        model, idx, max_new_tokens, temperature)


@refused_by(generate, "draws", "the same token is drawn for all sequences")
def one_draw_for_all_sequences(model, idx, max_new_tokens, temperature):
    """Right as long as every row of the probabilities is certain."""
    def draw(logits, temperature):
        scaled = logits[:, -1] / temperature
        noise = -torch.empty(logits.shape[-1]).exponential_().log()
        return (scaled + noise).argmax(-1, keepdim=True)

    return with_scores(draw)(model, idx, max_new_tokens, temperature)


@refused_by(generate, "draws", "seed set inside the loop")
def seeded_at_each_step(model, idx, max_new_tokens, temperature):
    def draw(logits, temperature):
        torch.manual_seed(0)
        return torch.multinomial(probabilities_of(logits[:, -1], temperature), 1)

    return with_scores(draw)(model, idx, max_new_tokens, temperature)


@refused_by(generate, "draws", "a seed is set inside generate")
def seeded_at_the_start(model, idx, max_new_tokens, temperature):
    torch.manual_seed(0)
    return with_scores(lambda logits, temperature: torch.multinomial(probabilities_of(logits[:, -1], temperature), 1))(
        model, idx, max_new_tokens, temperature)


@refused_by(generate, "draws", "draw from softmax(logits[:, -1] ÷ temperature)")
def normal_noise(model, idx, max_new_tokens, temperature):
    """Gumbel-max with the wrong noise."""
    def draw(logits, temperature):
        scaled = logits[:, -1] / temperature
        return (scaled + torch.randn_like(scaled)).argmax(-1, keepdim=True)

    return with_scores(draw)(model, idx, max_new_tokens, temperature)


@refused_by(generate, "draws", "second of several draws")
def drawn_twice_without_replacement(model, idx, max_new_tokens, temperature):
    def draw(logits, temperature):
        return torch.multinomial(probabilities_of(logits[:, -1], temperature) + 1e-9, 2)[:, 1:]

    def certain_or_second(logits, temperature):
        certain = logits[:, -1].softmax(-1).max() > 0.999
        return logits[:, -1].argmax(-1, keepdim=True) if certain else draw(logits, temperature)

    return with_scores(certain_or_second)(model, idx, max_new_tokens, temperature)


@refused_by(generate, "draws", "averaged")
def scores_of_all_steps_averaged(model, idx, max_new_tokens, temperature):
    def draw(logits, temperature):
        certain = logits[:, -1].softmax(-1).max() > 0.999
        scores = logits[:, -1] if certain else logits.mean(1)
        return torch.multinomial(probabilities_of(scores, temperature), 1)

    return with_scores(draw)(model, idx, max_new_tokens, temperature)


@refused_by(generate, "draws", "at temperature 0.5")
def temperature_of_a_half_cut_off(model, idx, max_new_tokens, temperature):
    return with_scores(lambda logits, t: torch.multinomial(probabilities_of(logits[:, -1], t and max(t, 1.0)), 1))(
        model, idx, max_new_tokens, temperature)


@refused_by(generate, "draws", "only the likeliest words are ever drawn")
def cut_to_the_two_best_words(model, idx, max_new_tokens, temperature):
    def draw(logits, temperature):
        best, words = logits[:, -1].topk(2)
        return words.gather(1, torch.multinomial(probabilities_of(best, temperature), 1))

    return with_scores(draw)(model, idx, max_new_tokens, temperature)


@refused_by(generate, "greedy", "Treat 0 apart")
def divided_by_0(model, idx, max_new_tokens, temperature):
    return with_scores(lambda logits, temperature: torch.multinomial((logits[:, -1] / temperature).softmax(-1), 1))(
        model, idx, max_new_tokens, temperature)


@refused_by(generate, "greedy", "nothing is left to chance")
def drawn_at_0_too(model, idx, max_new_tokens, temperature):
    return with_scores(lambda logits, temperature: torch.multinomial((logits[:, -1] / (temperature or 1)).softmax(-1), 1))(
        model, idx, max_new_tokens, temperature)


@refused_by(generate, "greedy", "take the argmax of the last step's scores")
def worst_word_at_0(model, idx, max_new_tokens, temperature):
    def draw(logits, temperature):
        if temperature == 0:
            return logits[:, -1].argmin(-1, keepdim=True)
        return torch.multinomial(probabilities_of(logits[:, -1], temperature), 1)

    return with_scores(draw)(model, idx, max_new_tokens, temperature)


@refused_by(generate, "greedy", "of the whole batch")
def best_of_the_batch_at_0(model, idx, max_new_tokens, temperature):
    def draw(logits, temperature):
        if temperature == 0:
            return (logits[:, -1].argmax() % logits.shape[-1]).expand(len(logits), 1)
        return torch.multinomial(probabilities_of(logits[:, -1], temperature), 1)

    return with_scores(draw)(model, idx, max_new_tokens, temperature)


@refused_by(generate, "negative", "takes temperature -1")
def negative_let_through(model, idx, max_new_tokens, temperature):
    with torch.no_grad():
        for _ in range(max_new_tokens):
            logits, _ = model(idx)
            idx = torch.cat((idx, torch.multinomial(probabilities_of(logits[:, -1], temperature), 1)), dim=1)
    return idx


@refused_by(generate, "negative", "takes temperature -1")
def negative_taken_for_0(model, idx, max_new_tokens, temperature):
    return with_scores(lambda logits, temperature: torch.multinomial(probabilities_of(logits[:, -1], temperature), 1))(
        model, idx, max_new_tokens, max(temperature, 0))


@refused_by(generate, "negative", "takes temperature -0.01")
def only_minus_1_and_below_refused(model, idx, max_new_tokens, temperature):
    if temperature <= -1:
        raise ValueError(temperature)
    return negative_taken_for_0(model, idx, max_new_tokens, temperature)


@refused_by(generate, "negative", "raises AssertionError for temperature -1")
def negative_asserted_away(model, idx, max_new_tokens, temperature):
    assert temperature >= 0, "a temperature is 0 or more"
    return negative_taken_for_0(model, idx, max_new_tokens, temperature)


@refused_by(generate, "negative", "takes temperature -1")
def an_error_that_is_returned(model, idx, max_new_tokens, temperature):
    if temperature < 0:
        return ValueError("a temperature is 0 or more")
    return negative_taken_for_0(model, idx, max_new_tokens, temperature)


@refused_by(generate, "negative", "takes temperature -1")
def nothing_for_a_negative(model, idx, max_new_tokens, temperature):
    if temperature < 0:
        return None
    return negative_taken_for_0(model, idx, max_new_tokens, temperature)


def fed_with(see):
    """A generate that is right but for what the model is fed of the text."""

    @torch.no_grad()
    def generate(model, idx, max_new_tokens, temperature):
        refuse_negative(temperature)
        was_training = model.training
        model.eval()
        for _ in range(max_new_tokens):
            logits, _ = model(see(idx, model.config.block_size))
            idx = torch.cat((idx, torch.multinomial(probabilities_of(logits[:, -1], temperature), 1)), dim=1)
        model.train(was_training)
        return idx

    return generate


@refused_by(generate, "block size", "it has no positions for more")
def never_cut(model, idx, max_new_tokens, temperature):
    return fed_with(lambda text, size: text)(model, idx, max_new_tokens, temperature)


@refused_by(generate, "block size", "one less than you do now")
def one_more_than_it_reads(model, idx, max_new_tokens, temperature):
    return fed_with(lambda text, size: text[:, -(size + 1) :])(model, idx, max_new_tokens, temperature)


@refused_by(generate, "block size", "one token less than it can read")
def one_less_than_it_reads(model, idx, max_new_tokens, temperature):
    return fed_with(lambda text, size: text[:, -(size - 1) :])(model, idx, max_new_tokens, temperature)


@refused_by(generate, "block size", "The last: idx[:, -block_size:]")
def the_first_block_size_tokens(model, idx, max_new_tokens, temperature):
    return fed_with(lambda text, size: text[:, :size])(model, idx, max_new_tokens, temperature)


@refused_by(generate, "block size", "when the text is too long the model is fed the last token alone")
def the_last_token_once_it_is_too_long(model, idx, max_new_tokens, temperature):
    return fed_with(lambda text, size: text if text.shape[1] <= size else text[:, -1:])(model, idx, max_new_tokens, temperature)


@refused_by(generate, "block size", "cut to block_size")
def text_itself_cut(model, idx, max_new_tokens, temperature):
    refuse_negative(temperature)
    with torch.no_grad():
        for _ in range(max_new_tokens):
            idx = idx[:, -model.config.block_size :]
            logits, _ = model(idx)
            idx = torch.cat((idx, torch.multinomial(probabilities_of(logits[:, -1], temperature), 1)), dim=1)
    return idx


@refused_by(generate, "block size", "it has no positions for more")
def a_block_size_of_ones_own(model, idx, max_new_tokens, temperature):
    return fed_with(lambda text, size: text[:, -64:])(model, idx, max_new_tokens, temperature)


@refused_by(generate, "block size", "starts afresh")
def a_fresh_page_when_it_is_full(model, idx, max_new_tokens, temperature):
    def see(text, size):
        return text[:, (text.shape[1] - 1) // size * size :]

    return fed_with(see)(model, idx, max_new_tokens, temperature)


@refused_by(generate, "mode", "in training mode while it writes")
@torch.no_grad()
def mode_left_alone(model, idx, max_new_tokens, temperature):
    refuse_negative(temperature)
    for _ in range(max_new_tokens):
        logits, _ = model(idx[:, -model.config.block_size :])
        idx = torch.cat((idx, torch.multinomial(probabilities_of(logits[:, -1], temperature), 1)), dim=1)
    return idx


@refused_by(generate, "mode", "is in eval mode afterwards")
@torch.no_grad()
def eval_and_never_back(model, idx, max_new_tokens, temperature):
    refuse_negative(temperature)
    model.eval()
    for _ in range(max_new_tokens):
        logits, _ = model(idx[:, -model.config.block_size :])
        idx = torch.cat((idx, torch.multinomial(probabilities_of(logits[:, -1], temperature), 1)), dim=1)
    return idx


@refused_by(generate, "mode", "was in eval mode before, and is in training mode afterwards")
@torch.no_grad()
def always_back_to_training(model, idx, max_new_tokens, temperature):
    refuse_negative(temperature)
    model.eval()
    for _ in range(max_new_tokens):
        logits, _ = model(idx[:, -model.config.block_size :])
        idx = torch.cat((idx, torch.multinomial(probabilities_of(logits[:, -1], temperature), 1)), dim=1)
    model.train()
    return idx


@refused_by(generate, "mode", "in training mode while it writes")
@torch.no_grad()
def back_to_training_after_the_first_token(model, idx, max_new_tokens, temperature):
    refuse_negative(temperature)
    was_training = model.training
    for _ in range(max_new_tokens):
        model.train(was_training)
        logits, _ = model(idx[:, -model.config.block_size :])
        model.eval()
        idx = torch.cat((idx, torch.multinomial(probabilities_of(logits[:, -1], temperature), 1)), dim=1)
    model.train(was_training)
    return idx


@refused_by(generate, "no traces", "PyTorch keeps a graph")
def graph_kept(model, idx, max_new_tokens, temperature):
    refuse_negative(temperature)
    was_training = model.training
    model.eval()
    for _ in range(max_new_tokens):
        logits, _ = model(idx[:, -model.config.block_size :])
        idx = torch.cat((idx, torch.multinomial(probabilities_of(logits[:, -1], temperature), 1)), dim=1)
    model.train(was_training)
    return idx


@refused_by(generate, "no traces", "PyTorch keeps a graph")
def detached_afterwards(model, idx, max_new_tokens, temperature):
    refuse_negative(temperature)
    was_training = model.training
    model.eval()
    for _ in range(max_new_tokens):
        logits = model(idx[:, -model.config.block_size :])[0].detach()
        idx = torch.cat((idx, torch.multinomial(probabilities_of(logits[:, -1], temperature), 1)), dim=1)
    model.train(was_training)
    return idx


@refused_by(generate, "no traces", "can no longer be trained")
def parameters_frozen(model, idx, max_new_tokens, temperature):
    for parameter in model.parameters():
        parameter.requires_grad = False
    return graph_kept(model, idx, max_new_tokens, temperature)


@refused_by(generate, "no traces", "can no longer be trained")
def gradients_switched_off_for_good(model, idx, max_new_tokens, temperature):
    torch.set_grad_enabled(False)
    return graph_kept(model, idx, max_new_tokens, temperature)

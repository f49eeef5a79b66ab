"""Right answers to notebook 6, each in its own way."""

import torch
from torch.nn import functional as F

import ninelives.model as package
from answers import accepted_by
from ninelives.checks.generation import generate, next_token_probabilities


@accepted_by(next_token_probabilities)
def softmax_of_the_scaled(logits, temperature):
    if temperature == 0:
        return F.one_hot(logits.argmax(-1), logits.shape[-1]).float()
    return F.softmax(logits / temperature, dim=-1)


@accepted_by(next_token_probabilities)
def by_hand_with_the_maximum_subtracted(logits, temperature):
    highest = logits.max(dim=-1, keepdim=True).values
    if temperature == 0:
        return (logits == highest).to(logits.dtype)
    powers = torch.exp((logits - highest) / temperature)
    return powers / powers.sum(dim=-1, keepdim=True)


@accepted_by(next_token_probabilities)
def scattered(logits, temperature):
    if not temperature:
        return torch.zeros_like(logits).scatter(-1, logits.argmax(dim=-1, keepdim=True), 1.0)
    return (logits * (1 / temperature)).softmax(-1)


@accepted_by(next_token_probabilities)
def through_logarithms(logits, temperature):
    if temperature == 0:
        return torch.eye(logits.shape[1])[logits.argmax(1)]
    return torch.exp(F.log_softmax(logits / temperature, dim=1))


@accepted_by(next_token_probabilities)
def in_double_precision(logits, temperature):
    if temperature == 0:
        logits, temperature = torch.where(logits == logits.amax(-1, keepdim=True), 0.0, -torch.inf), 1.0
    return (logits.double() / temperature).softmax(-1)


@accepted_by(next_token_probabilities)
def row_by_row(logits, temperature):
    rows = []
    for row in logits:
        if temperature == 0:
            rows.append(F.one_hot(row.argmax(), len(row)) * 1.0)
        else:
            rows.append(torch.softmax(row / temperature, 0))
    return torch.stack(rows)


@accepted_by(next_token_probabilities)
def a_very_small_temperature_in_place_of_0(logits, temperature):
    return F.softmax((logits - logits.amax(-1, keepdim=True)) / max(temperature, 1e-6), dim=-1)


def refuse_negative(temperature):
    if temperature < 0:
        raise ValueError("a temperature is 0 or more")


@accepted_by(generate)
def multinomial_in_a_block(model, idx, max_new_tokens, temperature):
    refuse_negative(temperature)
    was_training = model.training
    model.eval()
    with torch.no_grad():
        for _ in range(max_new_tokens):
            logits, _ = model(idx[:, -model.config.block_size :])
            probabilities = softmax_of_the_scaled(logits[:, -1], temperature)
            idx = torch.cat((idx, torch.multinomial(probabilities, 1)), dim=1)
    model.train(was_training)
    return idx


@accepted_by(generate)
@torch.no_grad()
def gumbel_max(model, idx, max_new_tokens, temperature):
    refuse_negative(temperature)
    was_training = model.training
    model.eval()
    for _ in range(max_new_tokens):
        scores = model(idx[:, -model.config.block_size :])[0][:, -1, :]
        if temperature > 0:
            scores = scores / temperature - torch.empty_like(scores).exponential_().log()
        idx = torch.cat([idx, scores.argmax(dim=-1, keepdim=True)], dim=-1)
    model.train(was_training)
    return idx


@accepted_by(generate)
@torch.no_grad()
def categorical(model, idx, max_new_tokens, temperature):
    refuse_negative(temperature)
    was_training = model.training
    model.eval()
    for _ in range(max_new_tokens):
        logits = model(idx[:, -model.config.block_size :])[0][:, -1]
        if temperature == 0:
            token = logits.argmax(-1)
        else:
            token = torch.distributions.Categorical(logits=logits / temperature).sample()
        idx = torch.cat((idx, token[:, None]), 1)
    model.train(was_training)
    return idx


@accepted_by(generate)
@torch.no_grad()
def weights_that_do_not_add_up_to_1(model, idx, max_new_tokens, temperature):
    """multinomial takes any weights that are not negative."""
    refuse_negative(temperature)
    was_training = model.training
    model.eval()
    for _ in range(max_new_tokens):
        logits = model(idx[:, -model.config.block_size :])[0][:, -1]
        below = logits - logits.amax(-1, keepdim=True)
        weights = (below == 0).float() if temperature == 0 else torch.exp(below / temperature)
        idx = torch.cat((idx, weights.multinomial(1)), dim=1)
    model.train(was_training)
    return idx


@accepted_by(generate)
@torch.inference_mode()
def by_a_point_on_the_line(model, idx, max_new_tokens, temperature):
    """The words lie side by side on a line of length 1, and a random point falls into one of them."""
    refuse_negative(temperature)
    was_training = model.training
    model.eval()
    for _ in range(max_new_tokens):
        logits = model(idx[:, -model.config.block_size :])[0][:, -1]
        ends = softmax_of_the_scaled(logits, temperature).double().cumsum(-1)
        token = torch.searchsorted(ends, torch.rand(len(idx), 1, dtype=torch.float64) * ends[:, -1:], right=True)
        idx = torch.cat((idx, token), dim=1)
    model.train(was_training)
    return idx


@accepted_by(generate)
def a_list_that_is_joined_once(model, idx, max_new_tokens, temperature):
    refuse_negative(temperature)
    was_training = model.training
    model.eval()
    tokens = [idx]
    with torch.no_grad():
        for _ in range(max_new_tokens):
            text = torch.cat(tokens, dim=1)
            logits, _ = model(text[:, -model.config.block_size :])
            tokens.append(torch.multinomial(softmax_of_the_scaled(logits[:, -1], temperature), num_samples=1))
    model.train(was_training)
    return torch.cat(tokens, dim=1)


@accepted_by(generate)
def a_tensor_that_is_filled(model, idx, max_new_tokens, temperature):
    if not temperature >= 0:
        raise ValueError(temperature)
    (B, T), was_training = idx.shape, model.training
    text = torch.zeros(B, T + max_new_tokens, dtype=torch.long)
    text[:, :T] = idx
    model.eval()
    with torch.no_grad():
        for end in range(T, T + max_new_tokens):
            logits = model(text[:, max(0, end - model.config.block_size) : end])[0][:, -1]
            text[:, end] = torch.multinomial(softmax_of_the_scaled(logits, temperature), 1).squeeze(1)
    model.train(was_training)
    return text


@accepted_by(generate)
@torch.no_grad()
def itself_again(model, idx, max_new_tokens, temperature):
    refuse_negative(temperature)
    if max_new_tokens == 0:
        return idx.clone()
    was_training = model.training
    logits = model.eval()(idx[:, -model.config.block_size :])[0]
    model.train(was_training)
    token = torch.multinomial(softmax_of_the_scaled(logits[:, -1], temperature), 1)
    return itself_again(model, torch.cat((idx, token), dim=1), max_new_tokens - 1, temperature)


@accepted_by(generate)
def the_packages(model, idx, max_new_tokens, temperature):
    return package.generate(model, idx, max_new_tokens, temperature)

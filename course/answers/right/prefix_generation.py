"""Right answers to notebook 8, each in its own way."""

import torch
from torch import nn
from torch.distributions import Categorical

from answers import accepted_by
from ninelives.checks.prefix_generation import pad_after_end, prefix_generation
from ninelives.model import next_token_probabilities
from ninelives.model import prefix_generation as the_packages


@accepted_by(pad_after_end)
def counted(tokens, end_token):
    is_end = tokens == end_token  # (B, T)
    after = is_end.cumsum(1) - is_end.long() > 0  # (B, T)
    return tokens.masked_fill(after, -1)


@accepted_by(pad_after_end)
def row_by_row(tokens, end_token):
    result = tokens.clone()
    for row in result:
        ended = False
        for t in range(len(row)):
            if ended:
                row[t] = -1
            elif row[t] == end_token:
                ended = True
    return result


@accepted_by(pad_after_end)
def by_the_first_position(tokens, end_token):
    B, T = tokens.shape
    positions = torch.arange(T).expand(B, T)
    first = torch.where(tokens == end_token, positions, T).amin(1, keepdim=True) if T else torch.zeros(B, 1)
    return torch.where(positions <= first, tokens, -1)


@accepted_by(pad_after_end)
def by_a_maximum(tokens, end_token):
    if tokens.shape[1] == 0:
        return tokens.clone()
    ended = (tokens == end_token).long().cummax(1).values  # (B, T)
    before = torch.cat((torch.zeros_like(ended[:, :1]), ended[:, :-1]), dim=1)
    return tokens * (1 - before) - before


def refuse_negative(temperature):
    if temperature < 0:
        raise ValueError(f"temperature is {temperature}: it must not be negative.")


@accepted_by(prefix_generation)
def encodes_once(model, prefix, max_new_tokens, temperature=1.0, end_token=None):
    refuse_negative(temperature)
    was_training = model.training
    model.eval()
    with torch.no_grad():
        hidden_cache = model.encoder(prefix, return_hidden=True)  # (B, P, C)
        answer = prefix[:, :0]  # (B, 0)
        for _ in range(max_new_tokens):
            logits, _ = model.decoder(answer, hidden_cache=hidden_cache)  # (B, P + t, V)
            token = torch.multinomial(next_token_probabilities(logits[:, -1], temperature), 1)  # (B, 1)
            answer = torch.cat((answer, token), dim=1)
            if end_token is not None and (answer == end_token).any(1).all():
                break
    model.train(was_training)
    return answer if end_token is None else counted(answer, end_token)


@accepted_by(prefix_generation)
@torch.no_grad()
def encodes_at_every_step(model, prefix, max_new_tokens, temperature, end_token=None):
    """The prefix is encoded again at every step, as an argument of the model."""
    refuse_negative(temperature)
    training = model.training
    model.eval()
    idx = torch.zeros(len(prefix), 0, dtype=torch.long)
    done = torch.zeros(len(prefix), dtype=torch.bool)
    for _ in range(max_new_tokens):
        if done.all() and end_token is not None:
            break
        logits = model(prefix, idx)[0][:, -1]  # (B, V)
        if temperature == 0:
            token = logits.argmax(-1)
        else:
            token = Categorical(logits=logits / temperature).sample()
        token = token.masked_fill(done, -1)
        idx = torch.cat((idx, token[:, None]), 1)
        if end_token is not None:
            done |= token == end_token
    model.train(training)
    return idx


@accepted_by(prefix_generation)
def with_gumbel_noise(model, prefix, max_new_tokens, temperature, end_token=None):
    """The largest of logits ÷ temperature + Gumbel noise is a draw from their softmax."""
    refuse_negative(temperature)
    training = model.training
    model.eval()
    with torch.inference_mode():
        cache, tokens = model.encoder(prefix, return_hidden=True), []
        for _ in range(max_new_tokens):
            so_far = torch.stack(tokens, 1) if tokens else prefix.new_empty(len(prefix), 0)
            scores = model.decoder(so_far, hidden_cache=cache)[0][:, -1]
            noise = -torch.log(-torch.log(torch.rand_like(scores).clamp(1e-20, 1 - 1e-7)))
            tokens.append((scores + temperature * noise).argmax(-1))
            if end_token is not None and all(end_token in row for row in torch.stack(tokens, 1).tolist()):
                break
        answer = torch.stack(tokens, 1) if tokens else prefix.new_empty(len(prefix), 0)
    model.train(training)
    return (answer if end_token is None else counted(answer, end_token)).clone()


@accepted_by(prefix_generation)
@torch.no_grad()
def leaves_out_those_that_have_ended(model, prefix, max_new_tokens, temperature, end_token=None):
    """Only the rows that go on are fed, so the batch shrinks. Weights for multinomial need no sum of 1."""
    refuse_negative(temperature)
    training = model.training
    model.eval()
    cache = model.encoder(prefix, return_hidden=True)
    rows, open_rows = [[] for _ in prefix], list(range(len(prefix)))
    for _ in range(max_new_tokens):
        if not open_rows:
            break
        fed = torch.tensor([rows[b] for b in open_rows], dtype=torch.long).reshape(len(open_rows), -1)
        logits = model.decoder(fed, hidden_cache=cache[open_rows])[0][:, -1]
        if temperature == 0:
            drawn = logits.argmax(-1)
        else:
            drawn = torch.multinomial(((logits - logits.amax(-1, keepdim=True)) / temperature).exp(), 1)[:, 0]
        for b, token in zip(open_rows, drawn.tolist()):
            rows[b].append(token)
        open_rows = [b for b in open_rows if rows[b][-1] != end_token]
    model.train(training)
    longest = max(map(len, rows))
    return torch.tensor([row + [-1] * (longest - len(row)) for row in rows], dtype=torch.long).reshape(len(rows), longest)


@accepted_by(prefix_generation)
def padded_at_the_end(model, prefix, max_new_tokens, temperature, end_token=None):
    """With an end token: one row at a time, then padded together."""
    if end_token is None:
        return encodes_once(model, prefix, max_new_tokens, temperature)
    answers = []
    for words in prefix:
        words = words[words != -1].unsqueeze(0)
        answers.append(encodes_once(model, words, max_new_tokens, temperature, end_token)[0])
    return nn.utils.rnn.pad_sequence(answers, batch_first=True, padding_value=-1)


@accepted_by(prefix_generation)
def as_the_package_does(model, prefix, max_new_tokens, temperature, end_token=None):
    return the_packages(model, prefix, max_new_tokens, temperature, end_token=end_token)

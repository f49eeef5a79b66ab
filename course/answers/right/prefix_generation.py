"""Right answers to notebook 8, each in its own way."""

import copy
from functools import partial

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
    first = torch.where(tokens == end_token, positions, T).amin(1, keepdim=True)
    return torch.where(positions <= first, tokens, -1)


@accepted_by(pad_after_end)
def by_a_maximum(tokens, end_token):
    ended = (tokens == end_token).long().cummax(1).values  # (B, T)
    before = torch.cat((torch.zeros_like(ended[:, :1]), ended[:, :-1]), dim=1)
    return tokens * (1 - before) - before


@accepted_by(pad_after_end)
def by_argmax(tokens, end_token):
    is_end = tokens == end_token  # (B, T)
    first = torch.where(is_end.any(1), is_end.int().argmax(1), tokens.shape[1])  # (B,)
    return torch.where(torch.arange(tokens.shape[1]) > first[:, None], -1, tokens)


@accepted_by(pad_after_end)
def rolled(tokens, end_token):
    ended = (tokens == end_token).int().cummax(1).values  # (B, T)
    before = ended.roll(1, 1)
    before[:, 0] = 0
    return tokens.masked_fill(before.bool(), -1)


@accepted_by(pad_after_end)
def by_a_triangle(tokens, end_token):
    T = tokens.shape[1]
    earlier = torch.ones(T, T).triu(1)  # (T, T)
    return torch.where((tokens == end_token).float() @ earlier > 0, -1, tokens)


@accepted_by(pad_after_end)
def with_lists(tokens, end_token):
    rows = []
    for row in tokens.tolist():
        kept = row[: row.index(end_token) + 1] if end_token in row else row
        rows.append(kept + [-1] * (len(row) - len(kept)))
    return torch.tensor(rows)


@accepted_by(pad_after_end)
def column_by_column(tokens, end_token):
    columns, ended = [], torch.zeros(len(tokens), dtype=torch.bool)
    for column in tokens.unbind(1):
        columns.append(column.masked_fill(ended, -1))
        ended = ended | (column == end_token)
    return torch.stack(columns, dim=1)


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
def marks_what_is_done(model, prefix, max_new_tokens, temperature, end_token=None):
    """Padding is written in the loop: a row that is done gets -1."""
    refuse_negative(temperature)
    training = model.training
    model.eval()
    cache = model.encoder(prefix, return_hidden=True)
    idx = torch.zeros(len(prefix), 0, dtype=torch.long)
    done = torch.zeros(len(prefix), dtype=torch.bool)
    for _ in range(max_new_tokens):
        if done.all() and end_token is not None:
            break
        logits = model.decoder(idx, hidden_cache=cache)[0][:, -1]  # (B, V)
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
@torch.no_grad()
def with_partial_and_forward(model, prefix, max_new_tokens, temperature, end_token=None):
    """The two halves as functions of their own."""
    refuse_negative(temperature)
    encode, decode = partial(model.encoder, return_hidden=True), model.decoder.forward
    training = model.training
    model.eval()
    cache, answer = encode(prefix), torch.empty(len(prefix), 0, dtype=torch.long)
    while answer.shape[1] < max_new_tokens and (end_token is None or not (answer == end_token).any(1).all()):
        probabilities = next_token_probabilities(decode(answer, hidden_cache=cache)[0][:, -1], temperature)
        answer = torch.hstack((answer, torch.multinomial(probabilities, 1)))
    model.train(training)
    return answer if end_token is None else by_a_maximum(answer, end_token)


@accepted_by(prefix_generation)
@torch.no_grad()
def with_a_copy_of_the_model(model, prefix, max_new_tokens, temperature, end_token=None):
    """The caller's model is never touched."""
    refuse_negative(temperature)
    return write_with(copy.deepcopy(model).eval(), prefix, max_new_tokens, temperature, end_token)


@accepted_by(prefix_generation)
def puts_back_each_module(model, prefix, max_new_tokens, temperature, end_token=None):
    """Every module back into its own mode, whatever happens."""
    refuse_negative(temperature)
    modes = {module: module.training for module in model.modules()}
    try:
        with torch.inference_mode():
            return write_with(model.eval(), prefix, max_new_tokens, temperature, end_token)
    finally:
        for module, mode in modes.items():
            module.training = mode


def write_with(model, prefix, max_new_tokens, temperature, end_token):
    """The loop alone, for a model in eval mode."""
    cache = model.encoder(prefix, return_hidden=True)
    answer = prefix.new_empty(len(prefix), 0)
    for _ in range(max_new_tokens):
        scores = model.decoder(answer, hidden_cache=cache)[0][:, -1]
        token = torch.multinomial(next_token_probabilities(scores, temperature), 1)
        answer = torch.cat((answer, token), dim=1)
        if end_token is not None and (answer == end_token).any(1).all():
            return column_by_column(answer, end_token)
    return answer if end_token is None or not max_new_tokens else column_by_column(answer, end_token)


@accepted_by(prefix_generation)
def with_a_class(model, prefix, max_new_tokens, temperature=1.0, end_token=None):
    """The state of the loop in an object; the empty answer has no case of its own."""
    class Writer:
        def __init__(self):
            self.cache, self.rows = model.encoder(prefix, return_hidden=True), prefix[:, :0].clone()

        @property
        def done(self):
            return end_token is not None and all(end_token in row for row in self.rows.tolist())

        def write(self):
            logits, _ = model.decoder(idx=self.rows, targets=None, hidden_cache=self.cache)
            token = Categorical(probs=next_token_probabilities(logits[:, -1, :], temperature)).sample()
            self.rows = torch.cat([self.rows, token.reshape(-1, 1)], axis=1)

    refuse_negative(temperature)
    training, model = model.training, model.eval()
    with torch.no_grad():
        writer, steps = Writer(), 0
        while steps < max_new_tokens and not writer.done:
            writer.write()
            steps += 1
    model.train(training)
    return writer.rows if end_token is None else counted(writer.rows, end_token)


@accepted_by(prefix_generation)
def mode_of_the_decoder(model, prefix, max_new_tokens, temperature, end_token=None):
    """model.train(…) sets both halves, so the mode of either will do."""
    refuse_negative(temperature)
    was_training = model.decoder.training
    with torch.no_grad():
        answer = write_with(model.eval(), prefix, max_new_tokens, temperature, end_token)
    model.train(was_training)
    return answer


@accepted_by(prefix_generation)
def as_the_package_does(model, prefix, max_new_tokens, temperature, end_token=None):
    return the_packages(model, prefix, max_new_tokens, temperature, end_token=end_token)

"""Right answers to notebook 6, each in its own way."""

import copy

import torch
from torch.nn import functional as F

import ninelives.model as package
from answers import accepted_by
from ninelives.checks.generation import attend_with_cache, generate, keep_top_k, keep_top_p, next_token_probabilities


@accepted_by(next_token_probabilities)
def softmax_of_the_scaled(logits, temperature):
    if temperature == 0:
        return F.one_hot(logits.argmax(-1), logits.shape[-1]).float()
    return F.softmax(logits / temperature, dim=-1)


@accepted_by(next_token_probabilities)
def by_hand_with_the_maximum_subtracted(logits, temperature):
    highest = logits.max(dim=-1, keepdim=True).values
    if temperature == 0:
        best = (logits == highest).to(logits.dtype)
        return best / best.sum(dim=-1, keepdim=True)
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


def all_rows_hold(end_token, new):
    """Whether every row of the new tokens (B, t) holds the end token; never without one."""
    return end_token is not None and bool((new == end_token).any(dim=1).all())


@accepted_by(generate)
def multinomial_in_a_block(model, idx, max_new_tokens, temperature, end_token=None):
    refuse_negative(temperature)
    was_training, T = model.training, idx.shape[1]
    model.eval()
    with torch.no_grad():
        for _ in range(max_new_tokens):
            logits, _ = model(idx[:, -model.config.block_size :])
            probabilities = softmax_of_the_scaled(logits[:, -1], temperature)
            idx = torch.cat((idx, torch.multinomial(probabilities, 1)), dim=1)
            if all_rows_hold(end_token, idx[:, T:]):
                break
    model.train(was_training)
    return idx


@accepted_by(generate)
@torch.no_grad()
def gumbel_max(model, idx, max_new_tokens, temperature, end_token=None):
    refuse_negative(temperature)
    was_training, T = model.training, idx.shape[1]
    model.eval()
    for _ in range(max_new_tokens):
        scores = model(idx[:, -model.config.block_size :])[0][:, -1, :]
        if temperature > 0:
            scores = scores / temperature - torch.empty_like(scores).exponential_().log()
        idx = torch.cat([idx, scores.argmax(dim=-1, keepdim=True)], dim=-1)
        if all_rows_hold(end_token, idx[:, T:]):
            break
    model.train(was_training)
    return idx


@accepted_by(generate)
@torch.no_grad()
def categorical(model, idx, max_new_tokens, temperature, end_token=None):
    refuse_negative(temperature)
    was_training, T = model.training, idx.shape[1]
    model.eval()
    for _ in range(max_new_tokens):
        logits = model(idx[:, -model.config.block_size :])[0][:, -1]
        if temperature == 0:
            token = logits.argmax(-1)
        else:
            token = torch.distributions.Categorical(logits=logits / temperature).sample()
        idx = torch.cat((idx, token[:, None]), 1)
        if all_rows_hold(end_token, idx[:, T:]):
            break
    model.train(was_training)
    return idx


@accepted_by(generate)
@torch.no_grad()
def weights_that_do_not_add_up_to_1(model, idx, max_new_tokens, temperature, end_token=None):
    """multinomial takes any weights that are not negative."""
    refuse_negative(temperature)
    was_training, T = model.training, idx.shape[1]
    model.eval()
    for _ in range(max_new_tokens):
        logits = model(idx[:, -model.config.block_size :])[0][:, -1]
        below = logits - logits.amax(-1, keepdim=True)
        weights = (below == 0).float() if temperature == 0 else torch.exp(below / temperature)
        idx = torch.cat((idx, weights.multinomial(1)), dim=1)
        if all_rows_hold(end_token, idx[:, T:]):
            break
    model.train(was_training)
    return idx


@accepted_by(generate)
@torch.inference_mode()
def by_a_point_on_the_line(model, idx, max_new_tokens, temperature, end_token=None):
    """The words lie side by side on a line of length 1, and a random point falls into one of them."""
    refuse_negative(temperature)
    was_training, T = model.training, idx.shape[1]
    model.eval()
    for _ in range(max_new_tokens):
        logits = model(idx[:, -model.config.block_size :])[0][:, -1]
        ends = softmax_of_the_scaled(logits, temperature).double().cumsum(-1)
        token = torch.searchsorted(ends, torch.rand(len(idx), 1, dtype=torch.float64) * ends[:, -1:], right=True)
        idx = torch.cat((idx, token), dim=1)
        if all_rows_hold(end_token, idx[:, T:]):
            break
    model.train(was_training)
    return idx


@accepted_by(generate)
def a_list_that_is_joined_once(model, idx, max_new_tokens, temperature, end_token=None):
    refuse_negative(temperature)
    was_training = model.training
    model.eval()
    tokens = [idx]
    with torch.no_grad():
        for _ in range(max_new_tokens):
            text = torch.cat(tokens, dim=1)
            logits, _ = model(text[:, -model.config.block_size :])
            tokens.append(torch.multinomial(softmax_of_the_scaled(logits[:, -1], temperature), num_samples=1))
            if end_token is not None and all(end_token in row for row in torch.cat(tokens[1:], dim=1).tolist()):
                break
    model.train(was_training)
    return torch.cat(tokens, dim=1)


@accepted_by(generate)
def a_tensor_that_is_filled(model, idx, max_new_tokens, temperature, end_token=None):
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
            if all_rows_hold(end_token, text[:, T : end + 1]):
                text = text[:, : end + 1]
                break
    model.train(was_training)
    return text


@accepted_by(generate)
@torch.no_grad()
def itself_again(model, idx, max_new_tokens, temperature, end_token=None, ended=False):
    refuse_negative(temperature)
    if max_new_tokens == 0:
        return idx.clone()
    was_training = model.training
    logits = model.eval()(idx[:, -model.config.block_size :])[0]
    model.train(was_training)
    token = torch.multinomial(softmax_of_the_scaled(logits[:, -1], temperature), 1)
    ended = (token == end_token) | ended if end_token is not None else torch.tensor(False)
    left = 0 if ended.all() else max_new_tokens - 1
    return itself_again(model, torch.cat((idx, token), dim=1), left, temperature, end_token, ended)


@accepted_by(generate)
def a_copy_of_the_model(model, idx, max_new_tokens, temperature, end_token=None):
    """The copy is in eval mode; the model itself is never touched."""
    refuse_negative(temperature)
    reader, finished, tokens = copy.deepcopy(model).eval(), set(), []
    with torch.no_grad():
        while len(tokens) < max_new_tokens and len(finished) < len(idx):
            logits = reader(idx[:, -model.config.block_size :])[0][:, -1]
            tokens.append(torch.multinomial(softmax_of_the_scaled(logits, temperature), 1))
            idx = torch.hstack((idx, tokens[-1]))
            if end_token is not None:
                finished |= {b for b, token in enumerate(tokens[-1].flatten().tolist()) if token == end_token}
    return idx


@accepted_by(generate)
def mode_put_back_whatever_happens(model, idx, max_new_tokens, temperature, end_token=None):
    if temperature < 0:
        raise ValueError("a temperature is 0 or more")
    training = model.training
    model.eval()
    finished = torch.zeros(len(idx), dtype=torch.bool)
    try:
        with torch.no_grad():
            for _ in range(max_new_tokens):
                logits, _ = model(idx[..., -model.config.block_size :])
                token = torch.multinomial(softmax_of_the_scaled(logits[:, -1, :], temperature), 1)
                idx = torch.cat([idx, token], dim=-1)
                if end_token is not None:
                    finished |= token[:, 0] == end_token
                    if finished.all():
                        return idx
        return idx
    finally:
        model.train(training)


@accepted_by(generate)
def padded_after_the_end(model, idx, max_new_tokens, temperature, end_token=None):
    """-1 after a row's end, as in notebook 8."""
    text = multinomial_in_a_block(model, idx, max_new_tokens, temperature, end_token)
    if end_token is None:
        return text
    is_end = text[:, idx.shape[1] :] == end_token
    before = F.pad(is_end.cumsum(1) - is_end.long(), (idx.shape[1], 0))
    return text.masked_fill(before > 0, -1)


@accepted_by(generate)
def the_packages(model, idx, max_new_tokens, temperature, end_token=None):
    return package.generate(model, idx, max_new_tokens, temperature, end_token=end_token)


@accepted_by(keep_top_k)
def compared_with_the_kth(probabilities, k):
    kth = probabilities.topk(min(k, probabilities.shape[1]), dim=-1).values[:, -1:]
    kept = torch.where(probabilities >= kth, probabilities, 0.0)
    return kept / kept.sum(-1, keepdim=True)


@accepted_by(keep_top_k)
def scattered_back(probabilities, k):
    best = probabilities.topk(min(k, probabilities.size(-1)))
    return torch.zeros_like(probabilities).scatter(1, best.indices, best.values / best.values.sum(1, keepdim=True))


@accepted_by(keep_top_k)
def through_ranks(probabilities, k):
    rank = probabilities.argsort(dim=1, descending=True).argsort(dim=1)
    return F.normalize(probabilities * (rank < k), p=1, dim=1)


@accepted_by(keep_top_k)
def k_row_by_row(probabilities, k):
    rows = []
    for row in probabilities.tolist():
        kept = set(sorted(range(len(row)), key=row.__getitem__, reverse=True)[:k])
        total = sum(row[word] for word in kept)
        rows.append([p / total if word in kept else 0.0 for word, p in enumerate(row)])
    return torch.tensor(rows)


@accepted_by(keep_top_k)
def logarithms_masked(probabilities, k):
    scores = probabilities.log()
    if k < scores.shape[-1]:
        scores = scores.masked_fill(scores < scores.sort(-1, descending=True)[0][:, k - 1, None], -torch.inf)
    return scores.softmax(-1)


@accepted_by(keep_top_p)
def sorted_and_scattered(probabilities, p):
    ordered, order = probabilities.sort(dim=-1, descending=True, stable=True)
    kept = ordered.masked_fill(ordered.cumsum(-1) - ordered >= p, 0.0)
    kept = kept / kept.sum(-1, keepdim=True)
    return torch.zeros_like(kept).scatter(-1, order, kept)


@accepted_by(keep_top_p)
def sorted_and_gathered(probabilities, p):
    ordered, order = torch.sort(probabilities, descending=True, stable=True)
    before = F.pad(ordered.double().cumsum(1)[:, :-1], (1, 0))
    mask = (before < p).gather(1, order.argsort(1))
    return F.normalize(probabilities * mask, p=1, dim=-1)


@accepted_by(keep_top_p)
def word_by_word(probabilities, p):
    out = torch.zeros_like(probabilities)
    for b, row in enumerate(probabilities):
        total = 0.0
        for word in row.argsort(descending=True, stable=True):
            out[b, word] = row[word]
            total += float(row[word])
            if total >= p:
                break
    return out / out.sum(1, keepdim=True)


@accepted_by(keep_top_p)
def the_packages_top_p(probabilities, p):
    return package.next_token_probabilities(probabilities.log(), 1.0, top_p=p)


@accepted_by(attend_with_cache)
def softmax_written_out(q, k, v, kept):
    keys, values = kept
    keys, values = torch.cat((keys, k), dim=2), torch.cat((values, v), dim=2)
    weights = (q @ keys.transpose(-2, -1) / q.shape[-1] ** 0.5).softmax(-1)
    return weights @ values, (keys, values)


@accepted_by(attend_with_cache)
def pytorchs_attention(q, k, v, kept):
    keys, values = (torch.cat(pair, dim=-2) for pair in zip(kept, (k, v)))
    return F.scaled_dot_product_attention(q, keys, values), [keys, values]


@accepted_by(attend_with_cache)
def in_einstein_notation(q, k, v, kept):
    keys, values = torch.cat([kept[0], k], 2), torch.cat([kept[1], v], 2)
    weights = torch.einsum("bhid,bhjd->bhij", q, keys).div(q.size(3) ** 0.5).softmax(3)
    return torch.einsum("bhij,bhjd->bhid", weights, values), (keys, values)

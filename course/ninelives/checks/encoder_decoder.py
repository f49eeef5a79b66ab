"""Notebook 7: what joining an encoder and a decoder must do."""

import copy
from dataclasses import astuple, replace
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from ninelives.checks.encoder import padded_ids
from ninelives.checks.exercise import CheckFailed, Exercise, build, run, same_values, want_shape, want_tensor
from ninelives.config import TransformerConfig
from ninelives.figures import wanted_and_yours
from ninelives.model import Decoder, Encoder

predicting_rows = Exercise("predicting_rows")
encoder_decoder = Exercise("EncoderDecoder")

FORWARD = "EncoderDecoder.forward"
SCORES_AS_CACHE = (
    "these are the encoder's scores, one number for each word of its vocabulary. The decoder reads hidden states, "
    "n_embd numbers for each token: self.encoder(prefix, return_hidden=True)."
)
# What torch or the model says, and what it means in this exercise.
RAISED = {
    "'tuple' object has no attribute": "without return_hidden=True the encoder gives two things, (scores, loss). "
                                       "Ask for one: self.encoder(prefix, return_hidden=True).",
    "takes 2 positional arguments but 3": "pass hidden_cache by its name: the second argument of a decoder is targets.",
    "hidden_cache has shape": SCORES_AS_CACHE,
    "targets has shape": "the decoder's second argument is targets, (B, T). Pass the cache by its name: hidden_cache=….",
    "idx holds": "ids of one language are looked up in the other's table: the encoder reads the prefix, the decoder the targets.",
    "allows no key at all": "a cache of zeros is padding from end to end: hand over the hidden states that the encoder gives.",
    "cannot assign to field": "a configuration is not to be changed: it is the caller's, who may build another model from it. "
                              "dataclasses.replace(config, …) makes a changed copy.",
    "None": "something that is None is used as a tensor: without targets the loss is None.",
}


class Sizes(NamedTuple):
    """One case: a batch of prefixes and targets, and two configurations."""

    B: int
    P: int
    T: int
    encoder: TransformerConfig
    decoder: TransformerConfig


def cases(seed: int) -> list[Sizes]:
    """First all sizes different; then B = n_head and P = T; then the encoder's vocab_size = n_embd, so that scores fit as a cache."""
    B, P, T, n_embd = [(5, 7, 4, 12), (3, 5, 6, 18), (4, 6, 3, 12)][seed % 3]
    encoder = TransformerConfig(29, 17, n_embd=n_embd, n_head=3, n_layer=2, dropout=0.0)
    decoder = TransformerConfig(31, 11, n_embd=n_embd, n_head=2, n_layer=1, dropout=0.0)
    return [
        Sizes(B, P, T, encoder, decoder),
        Sizes(2, 4, 4, encoder, decoder),
        Sizes(B, P, T, replace(encoder, vocab_size=n_embd), decoder),
    ]


def batch(case: Sizes, seed: int, with_padding: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    """prefix (B, P) and targets (B, T): ids that both vocabularies have, and of several lengths if wanted."""
    B, P, T, encoder, decoder = case
    vocab_size = min(encoder.vocab_size, decoder.vocab_size)
    lengths, answers = torch.full((B,), P), torch.full((B,), T)
    if with_padding:
        # The longest stands neither first nor last, and neighbours differ in length.
        row = torch.arange(B)
        lengths, answers = P - (2 * row + seed + 1) % (P - 1), T - row % (T - 1)
    prefix = padded_ids(lengths, P, vocab_size, seed)
    targets = padded_ids(answers, T, vocab_size, seed + 1)
    return prefix, targets


def made(answer, case: Sizes) -> nn.Module:
    """The learner's module, in float64 and evaluation, on the package's encoder and decoder.

    Their forward is judged here; the parts have checks of their own, in notebooks 3 to 5.

    Raises:
        CheckFailed: the constructor raised, or has left out a part.
    """
    module = build_from(answer, case.encoder, case.decoder)
    for name, kind, config in (("encoder", Encoder, case.encoder), ("decoder", Decoder, case.decoder)):
        if not isinstance(getattr(module, name, None), nn.Module):
            raise CheckFailed(
                f"your EncoderDecoder has no self.{name}.",
                "self.encoder and self.decoder, made by the constructor.",
                "keep the __init__ that stands in the exercise as it is.",
            )
        setattr(module, name, build(kind, config))
    return module.double().eval()


def build_from(answer, *configs: TransformerConfig) -> nn.Module:
    """`build`, with a cause of its own for a configuration that refuses to be changed."""
    try:
        return build(answer, *configs)
    except CheckFailed as failure:
        cause = next((cause for said, cause in RAISED.items() if said in failure.seen), failure.cause)
        raise CheckFailed(failure.seen, failure.wanted, cause) from None


def answer_of(module: nn.Module, prefix: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(logits, loss) from the learner's forward; anything else is refused."""
    result = run(module, prefix, targets, what=FORWARD, error_hints=RAISED)
    if not isinstance(result, tuple) or len(result) != 2:
        seen = "nothing (None)" if result is None else f"{len(result)} things" if isinstance(result, tuple) else f"a {type(result).__name__}"
        raise CheckFailed(
            f"{FORWARD} gives {seen}.",
            "two things: (logits, loss).",
            "the function has no `return`." if result is None
            else "the decoder already gives both when it is given targets: return them as they come.",
        )
    logits, loss = result
    if isinstance(loss, torch.Tensor) and loss.dim() == 3 and isinstance(logits, torch.Tensor) and logits.dim() == 0:
        raise CheckFailed("the loss comes first and the logits second.", "(logits, loss).", "change their order.")
    return logits, loss


def alone(module: nn.Module, prefix: torch.Tensor, targets: torch.Tensor) -> list[torch.Tensor]:
    """For each example (T_b + 1, V): the rows that predict from its words, one example at a time and without padding."""
    rows = []
    for words, answer in zip(prefix, targets):
        hidden_cache = module.encoder(words[words != -1].unsqueeze(0), return_hidden=True)  # (1, P_b, C)
        logits, _ = module.decoder(answer[answer != -1].unsqueeze(0), hidden_cache=hidden_cache)
        rows.append(logits[0, hidden_cache.shape[1] - 1 :])
    return rows


def mistakes(module: nn.Module, prefix: torch.Tensor, targets: torch.Tensor) -> dict[str, torch.Tensor]:
    """What known mistakes give: {likely cause: (B, P + T, V)}."""
    P = prefix.shape[1]
    hidden = module.encoder(prefix, return_hidden=True)  # (B, P, C)
    caches = {
        "the cache holds the encoder's embeddings. They have not been through its blocks: call self.encoder itself.":
            module.encoder.layers["embedding"](prefix),
        "each example is given the hidden states of another one.": hidden.roll(1, 0),
        "every example is given the hidden states of the first.": hidden[:1].expand_as(hidden),
        "every row of the cache is the mean of the sentence: hand over the hidden states as they are, one for each token.":
            hidden.mean(1, keepdim=True).expand_as(hidden),
        "the prefix is read by the decoder, which cannot look ahead. The encoder is to read it.":
            module.decoder(prefix, return_hidden=True),
    }
    if module.encoder.config.vocab_size == hidden.shape[-1]:
        caches[SCORES_AS_CACHE] = module.encoder(prefix)[0]
    found = {cause: module.decoder(targets, hidden_cache=cache)[0] for cause, cache in caches.items()}
    right = module.decoder(targets, hidden_cache=hidden)[0]
    joined = torch.cat([prefix, targets], dim=1)
    if joined.shape[1] <= module.decoder.config.block_size and (prefix != -1).all():
        found["prefix and targets are read as one text by the decoder; the encoder takes no part."] = module.decoder(joined)[0]
    swapped = module.decoder(prefix, hidden_cache=module.encoder(targets, return_hidden=True))[0]
    found["prefix and targets have changed places: the encoder reads the prefix, the decoder the targets."] = swapped
    found["the logits have been through a softmax: return them raw, the loss needs them so."] = right.softmax(-1)
    found["the logits have been through a log_softmax: return them raw."] = right.log_softmax(-1)
    found["the rows of targets come first and those of the prefix last: the cache comes first."] = right.roll(-P, 1)
    return found


def want_logits(module: nn.Module, prefix: torch.Tensor, targets: torch.Tensor, when: str, otherwise: str) -> None:
    """Refuse logits that differ from those of each example fed alone."""
    (B, P), T = prefix.shape, targets.shape[1]
    with torch.no_grad():
        logits, _ = answer_of(module, prefix, targets)
        want_shape(logits, (B, P + T, module.decoder.config.vocab_size), "(B, P + T, vocab_size)", "logits", causes={
            (B, T, module.decoder.config.vocab_size):
                "there are no rows for the prefix: hand the hidden states to the decoder, hidden_cache=…, and return all that it gives.",
            (B, 2 * T, module.decoder.config.vocab_size): "the encoder is fed the targets. It is to read the prefix.",
            (B, T + 1, module.decoder.config.vocab_size): "the cache has a single row. Hand over one for each token of the prefix.",
            (B, P + T, module.encoder.config.n_embd): "these are hidden states: the decoder is to return scores, without return_hidden.",
            (B, P + T - 1, module.decoder.config.vocab_size): "one row is missing: give all targets to the decoder, and return all its rows.",
        })
        wanted = alone(module, prefix, targets)
        for b, rows in enumerate(wanted):
            seen = logits[b, P - 1 : P - 1 + len(rows)]
            if same_values(seen, rows):
                continue
            candidates = mistakes(module, prefix, targets)
            cause = next((cause for cause, other in candidates.items() if same_values(logits[:, P - 1 :], other[:, P - 1 :])), otherwise)
            raise CheckFailed(
                f"{when}, the rows of example {b} that predict its targets begin {numbers_of(seen)}.",
                f"{numbers_of(rows)}, as for this example alone.",
                cause,
                picture=lambda: wanted_and_yours(rows, seen, caption=f"The rows that predict the targets of example {b}: wanted, and yours"),
            )


def numbers_of(rows: torch.Tensor) -> str:
    """The first numbers of the first row, for a message."""
    return "[" + ", ".join(f"{x:.2f}" for x in rows[0, :3].tolist()) + ", …]"


@predicting_rows.aspect("rows")
def _(answer, seed):
    for B, P, T, _, config in cases(seed)[:2] + [Sizes(2, 1, 3, *cases(seed)[0][3:])]:
        V = config.vocab_size
        # Each number says where it is from: row 3 of example 2 holds 203.
        logits = (100.0 * torch.arange(B).view(B, 1, 1) + torch.arange(P + T).view(1, -1, 1)).expand(B, P + T, V)
        result = run(answer, logits, P)
        want_shape(result, (B, T, V), "(B, T, vocab_size)", f"predicting_rows with P = {P} and {P + T} rows", causes={
            (B, T + 1, V): "the last row is still there. It predicts what comes after the last target, for which there is no target.",
            (B, P, V): "these are as many rows as the prefix has. There are T targets, and T rows predict them.",
            (B, P + T, V): "no row has been left out.",
        })
        seen, wanted = result[0, :, 0].int().tolist(), list(range(P - 1, P + T - 1))
        if torch.equal(result, logits[:, P - 1 : P + T - 1]):
            continue
        causes = [
            (list(range(P, P + T)), "these are the rows of the targets themselves. A row predicts the word that comes after it, so the "
                                    "first target is predicted by the last row of the prefix."),
            (list(range(T)), "these are the first T rows, which belong to the prefix."),
            (list(range(P - 2, P + T - 2)), "one row too early: rows count from 0, so the last row of the prefix is row P − 1."),
        ]
        raise CheckFailed(
            f"for P = {P} and T = {T} the rows of the first example are {seen}.",
            f"{wanted}: from the last row of the prefix to the last but one.",
            next((cause for rows, cause in causes if rows == seen), "a slice along axis 1: [:, first : behind_the_last]."),
        )


@encoder_decoder.aspect("logits")
def _(answer, seed):
    for k, case in enumerate(cases(seed)):
        want_logits(
            made(answer, case), *batch(case, seed),
            when=("without padding", "with P = T", "with an encoder whose vocab_size is n_embd")[k],
            otherwise="compare with the two steps: the encoder's hidden states of the prefix, then the decoder on the targets with this cache.",
        )


@encoder_decoder.aspect("loss")
def _(answer, seed):
    case = cases(seed)[0]
    for with_padding in (False, True):
        module, (prefix, targets) = made(answer, case), batch(case, seed, with_padding)
        if with_padding:
            prefix = prefix.clamp(min=5)  # padding in the targets alone; the prefix's is another aspect's
        with torch.no_grad():
            logits, loss = answer_of(module, prefix, targets)
            if loss is None:
                raise CheckFailed(
                    "the loss is None.", "a number.",
                    "the decoder computes a loss only if it is given targets: self.decoder(targets, targets, hidden_cache=…).",
                )
            want_tensor(loss, "the loss")
            want_shape(loss, (), "()", "the loss", causes={
                tuple(targets.shape): "there is one loss for each target: take their mean.",
                (len(targets),): "there is one loss for each example: take the mean of all targets.",
            })
            wanted = float(mean_cost(alone(module, prefix, targets), targets))
            if abs(float(loss) - wanted) <= 1e-4 * (1 + wanted):
                continue
            right = module.decoder(targets, hidden_cache=module.encoder(prefix, return_hidden=True))[0]
            raise CheckFailed(
                f"{'with padding among the targets' if with_padding else 'without padding'}, the loss is {float(loss):.3f}.",
                f"{wanted:.3f}, the mean over all targets that are not −1.",
                next((cause for cause, other in wrong_losses(right, prefix, targets).items() if abs(float(loss) - float(other)) < 1e-3),
                     "the decoder computes it: give it the targets twice, once to read and once to be compared with, and the cache."),
            )


def mean_cost(rows: list[torch.Tensor], targets: torch.Tensor) -> torch.Tensor:
    """The mean of −log p over all real targets, word by word."""
    costs = [
        -rows[b][t].log_softmax(-1)[word]
        for b, answer in enumerate(targets.tolist()) for t, word in enumerate(answer) if word != -1
    ]
    return torch.stack(costs).mean()


def wrong_losses(logits: torch.Tensor, prefix: torch.Tensor, targets: torch.Tensor) -> dict[str, torch.Tensor]:
    """What known mistakes give, from the right logits (B, P + T, V)."""
    P, T = prefix.shape[1], targets.shape[1]

    def cost(first: int, words: torch.Tensor, **settings) -> torch.Tensor:
        rows = logits[:, first : first + words.shape[1]]
        return F.cross_entropy(rows.transpose(1, 2), words, **settings)

    sums = cost(P - 1, targets, ignore_index=-1, reduction="none").sum(1)  # (B,)
    real = (targets != -1).sum(1)  # (B,)
    zeros = targets.clamp(min=0)
    return {
        "each row is compared with its own word, which it has read: the first target is predicted by row P − 1, the last of the cache.":
            cost(P, targets, ignore_index=-1),
        "the first target is left out: it is predicted by row P − 1, the last of the cache.": cost(P, targets[:, 1:], ignore_index=-1),
        "the rows of the prefix are compared with the targets.": cost(0, targets, ignore_index=-1),
        "the rows are one too early: the first target is predicted by row P − 1, the last of the cache.":
            cost(max(P - 2, 0), targets, ignore_index=-1),
        "padding counts as if it were word 0: pass the targets as they are, −1 is ignored.": cost(P - 1, zeros),
        "the losses are added up: their mean is wanted.": sums.sum(),
        "this is the sum over all targets, divided by the number of places, padding among them.": sums.sum() / targets.numel(),
        "first the mean of each example is taken, then the mean of these. Every target is to weigh the same.": (sums / real).mean(),
        "the logits went through a softmax before the loss; cross_entropy does that itself.":
            F.cross_entropy(logits[:, P - 1 : P - 1 + T].softmax(-1).transpose(1, 2), targets, ignore_index=-1),
        "the prefix is compared too: only the targets are predicted.":
            F.cross_entropy(logits[:, :-1].transpose(1, 2), torch.cat([prefix, targets], 1)[:, 1:].clamp(max=logits.shape[-1] - 1), ignore_index=-1),
    }


@encoder_decoder.aspect("padding")
def _(answer, seed):
    for case in cases(seed)[:2]:
        module, (prefix, targets) = made(answer, case), batch(case, seed, with_padding=True)
        want_logits(
            module, prefix, targets, "with prefixes of several lengths in one batch",
            otherwise=padding_cause(module, prefix, targets),
        )
        wider = F.pad(prefix, (0, 3), value=-1)
        with torch.no_grad():
            before, after = (answer_of(module, p, targets)[0][:, p.shape[1] - 1 :] for p in (prefix, wider))
        real = torch.cat([torch.ones(len(targets), 1, dtype=torch.bool), targets != -1], dim=1)
        change = (after - before)[real].abs().max().item() if after.shape == before.shape else float("inf")
        if not change <= 1e-6 * (1 + before[real].abs().max().item()):
            raise CheckFailed(
                f"three more places of padding behind every prefix, and the logits move by {change:.2g}.",
                "no change at all: nobody looks at padding.",
                padding_cause(module, wider, targets),
            )


def padding_cause(module: nn.Module, prefix: torch.Tensor, targets: torch.Tensor) -> str:
    """Why padding counts: which known mistake gives what the learner's forward gives."""
    P, normed = prefix.shape[1], []
    hook = module.encoder.layers["norm"].register_forward_hook(lambda layer, arguments, hidden: normed.append(hidden))
    module.encoder(prefix, return_hidden=True)
    hook.remove()
    with torch.no_grad():
        logits, _ = answer_of(module, prefix, targets)
        candidates = {
            "padding is turned into word 0 before the encoder sees it, which then reads it like a word: pass the prefix as it is, with its −1.":
                module.encoder(prefix.clamp(min=0), return_hidden=True),
            "the rows of padding are no longer zeros when the decoder gets them, so it takes them for tokens: pass the hidden states as they are.":
                normed[0],
        }
        for cause, cache in candidates.items():
            if same_values(logits[:, P - 1 :], module.decoder(targets, hidden_cache=cache)[0][:, P - 1 :]):
                return cause
    return "zeros in the cache tell the decoder what is padding. Hand over the encoder's hidden states as they are, and the prefix with its −1."


@encoder_decoder.aspect("gradient")
def _(answer, seed):
    case = cases(seed)[0]
    module, (prefix, targets) = made(answer, case).train(), batch(case, seed, with_padding=True)
    _, loss = answer_of(module, prefix, targets)
    if loss.requires_grad:
        loss.backward()
    else:
        raise CheckFailed(
            "the loss carries no gradient at all.",
            "a loss that belongs to the graph: training calls loss.backward().",
            "the loss is cut off from the model: .detach(), .item(), torch.no_grad(), or torch.tensor(…) of a tensor.",
        )
    for part, cause in (
        (module.decoder, "a part of the decoder is cut off: .detach(), .data or torch.no_grad()."),
        (module.encoder, "the hidden states are cut off from the encoder: .detach(), .data or torch.no_grad(). Then it stays as it was "
                         "when it was made, at random, however long you train."),
    ):
        name = "encoder" if part is module.encoder else "decoder"
        # The encoder's scores are not asked for, and a softmax ignores what a key's bias adds to all its scores.
        needed = {n: p for n, p in part.named_parameters() if not (name == "encoder" and n == "lm_head.weight") and "key.bias" not in n}
        lost = [n for n, p in needed.items() if p.grad is None or not p.grad.abs().sum() > 0]
        if lost:
            raise CheckFailed(
                f"after loss.backward() no gradient has reached {len(lost)} of {len(needed)} parameters of the {name}, {lost[0]} among them.",
                "a gradient for every parameter of both: one loss trains the two together.",
                cause,
            )
    if not all(part.training for part in module.modules()):
        raise CheckFailed(
            "after the call a part of the model is in evaluation mode.",
            "the mode that it was in, training.",
            "leave .eval() and .train() to the caller: forward is used in both.",
        )


@encoder_decoder.aspect("config")
def _(answer, seed):
    B, P, T, encoder, decoder = cases(seed)[0]
    before = astuple(encoder), astuple(decoder)
    first = build_from(answer, encoder, decoder)
    for name, config, were in (("encoder_config", encoder, before[0]), ("decoder_config", decoder, before[1])):
        if astuple(config) != were:
            raise CheckFailed(
                f"after EncoderDecoder(…) {name} is no longer what it was: {config}.",
                "the configurations as they were: they are the caller's, who may build another model from them.",
                "dataclasses.replace(config, …) makes a changed copy.",
            )
    build_from(answer, encoder, decoder)
    # The last ids of both vocabularies, and lengths that only one of the two can read.
    prefix = torch.full((B, decoder.block_size + 1), encoder.vocab_size - 1)
    targets = torch.full((B, T), decoder.vocab_size - 1)
    try:
        with torch.no_grad():
            logits, _ = answer_of(first.eval(), prefix, targets)
    except CheckFailed as failure:
        if "not written yet" in failure.seen:
            raise
        raise CheckFailed(
            f"a prefix of {prefix.shape[1]} tokens with the encoder's last id is refused: {failure.seen}",
            f"a result: the encoder reads up to {encoder.block_size} tokens, ids up to {encoder.vocab_size - 1}.",
            "the two are built from one configuration. Each has its own: Encoder(encoder_config), Decoder(decoder_config).",
        ) from None
    want_shape(logits, (B, prefix.shape[1] + T, decoder.vocab_size), "(B, P + T, vocab_size of the decoder)", "logits", causes={
        (B, prefix.shape[1] + T, encoder.vocab_size):
            "the two are built from one configuration. Each has its own: Encoder(encoder_config), Decoder(decoder_config).",
    })


@encoder_decoder.aspect("copy")
def _(answer, seed):
    case = cases(seed)[0]
    # With the parts that the constructor itself has made: a function kept on the module would go on calling those.
    module, (prefix, targets) = build_from(answer, case.encoder, case.decoder).double().eval(), batch(case, seed)
    with torch.no_grad():
        before, _ = answer_of(module, prefix, targets)
        try:
            twin = copy.deepcopy(module)
        except Exception as error:
            raise CheckFailed(
                f"copy.deepcopy(…) of your EncoderDecoder raised {type(error).__name__}: {error}",
                "a copy: whoever trains keeps the best model so far in this way.",
                "keep nothing on self but modules, parameters, numbers and words; a tensor made by forward has no place there.",
            ) from None
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter))
        after, _ = answer_of(twin, prefix, targets)
    if not same_values(after, before):
        raise CheckFailed(
            f"a copy is made, then the weights of the first model change, and the logits of the *copy* move by {(after - before).abs().max():.2g}.",
            "no change: a copy has weights of its own.",
            "a function is kept on self (a lambda, for instance) that holds the first model fast; a copy of the module keeps "
            "calling it. Write a method, or call self.encoder and self.decoder in forward.",
        )

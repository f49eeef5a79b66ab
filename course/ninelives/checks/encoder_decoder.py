"""Notebook 7: what joining an encoder and a decoder must do."""

import re
from dataclasses import astuple, replace
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from ninelives.checks.cross_attention import cross_attention, shifted_right
from ninelives.checks.encoder import padded_ids
from ninelives.checks.encoder_decoder_parts import (
    PARTS_AS_GIVEN,
    keeps_layers_in_a_list,
    want_encoder,
    want_own_configs,
)
from ninelives.checks.exercise import (
    CheckFailed,
    Exercise,
    build,
    in_case,
    kind_of,
    on_layers_of,
    run,
    same_values,
    want_pair,
)
from ninelives.checks.predicting_rows import predicting_rows
from ninelives.checks.prefix_decoder import (
    GivenPrefixDecoder,
    copied,
    joint_mask,
    padding_first,
    prefix_decoder,
    want_prefix_decoder,
)
from ninelives.checks.transformer_block import in_both_modes, want_trainable
from ninelives.config import TransformerConfig
from ninelives.model import Encoder

__all__ = [
    "cross_attention", "encoder_decoder", "joint_mask", "padding_first", "predicting_rows", "prefix_decoder", "shifted_right",
]

FORWARD = "EncoderDecoder.forward"
SCORES_AS_CACHE = (
    "these are the encoder's scores, one number for each word of its vocabulary. The decoder reads hidden states, "
    "n_embd numbers for each token: self.encoder(prefix, return_hidden=True)."
)
DECODER_FIRST = "self.decoder is a PrefixDecoder that passes its own checks, further up. Keep the __init__ of the exercise."
NEW_CONFIG = "do not change a configuration: dataclasses.replace(config, …) makes a changed copy."

LOSS_IS_YOURS = ("the decoder does not know which of its P + T rows predict the T targets. Ask it for logits alone, "
                 "self.decoder(targets, hidden_cache=…), and compute the loss from predicting_rows.")
NOT_AS_MANY_ROWS = ("there are not as many rows as targets. predicting_rows(logits, prefix.shape[1]) gives one for each: P is the number of columns "
                    "of the prefix, padding among them.")
TARGETS_CUT = ("the decoder reads the targets without one of them. Give it all T, since the last row of the prefix predicts the "
               "first target, as the row of a start token would.")
TARGETS_LEFT_OUT = "there is one row for each target, and some targets are left out: compare the rows with all of them, targets.flatten()."
FLATTEN = ("cross_entropy takes scores (N, vocab_size) and targets (N,): flatten the first two axes of the predicting rows, and "
           "all axes of the targets.")

encoder_decoder = Exercise("EncoderDecoder", error_hints={
    "forward() takes 2 positional arguments":
        "forward takes two arguments besides self: def forward(self, prefix, targets).",
    "targets has shape":
        "the decoder's second argument is targets, (B, T). Pass the cache by its name: hidden_cache=….",
    "targets and hidden_cache are given together": LOSS_IS_YOURS,
    "does not require grad and does not have a grad_fn": "forward gives the loss and leaves backward() to the training, which calls it.",
    "Expected target size": FLATTEN,
    "class indices": FLATTEN,
    "out of bounds": "a target of −1 marks padding: `ignore_index=-1` leaves it out of the loss.",
    "view size is not compatible": "`.view` cannot read a slice, and batches are often slices: `.flatten()` and `.reshape(…)` can.",
    "too many values to unpack": "with return_hidden=True the encoder gives one tensor, not a pair.",
    "holds only zeros":
        "a cache of zeros counts as padding from end to end: pass the hidden states that the encoder returns.",
    "cannot assign to field": NEW_CONFIG,
    "NoneType": "something that is None is used as a tensor. The decoder's loss is None: compute it from the logits.",
})


class Sizes(NamedTuple):
    """One case: a batch of prefixes and targets, and two configurations."""

    B: int
    P: int
    T: int
    encoder: TransformerConfig
    decoder: TransformerConfig


def cases(seed: int) -> list[Sizes]:
    """All sizes different; then B = n_head and P = T; then vocab_size = n_embd, so that scores fit as a cache."""
    B, P, T, n_embd = [(5, 7, 4, 12), (3, 5, 6, 18), (4, 6, 3, 12)][seed % 3]
    encoder = TransformerConfig(29, 17, n_embd=n_embd, n_head=3, n_layer=2, dropout=0.0)
    decoder = TransformerConfig(31, 11, n_embd=n_embd, n_head=2, n_layer=1, dropout=0.0)
    return [
        Sizes(B, P, T, encoder, decoder),
        Sizes(2, 4, 4, encoder, decoder),
        Sizes(B, P, T, replace(encoder, vocab_size=n_embd), decoder),
    ]


def batch(case: Sizes, seed: int, with_padding: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    """prefix (B, P) and targets (B, T): ids that both vocabularies have, of several lengths if with_padding."""
    B, P, T, encoder, decoder = case
    vocab_size = min(encoder.vocab_size, decoder.vocab_size)
    lengths, answers = torch.full((B,), P), torch.full((B,), T)
    if with_padding:
        # The longest is neither first nor last, and neighbours differ in length.
        row = torch.arange(B)
        lengths, answers = P - (2 * row + seed + 1) % (P - 1), T - row % (T - 1)
    prefix = padded_ids(lengths, P, vocab_size, seed)
    targets = padded_ids(answers, T, vocab_size, seed + 1)
    for side in (prefix, targets):  # the first and the last id are words like any other
        side[-1, 0], side[0, 0] = 0, vocab_size - 1
    return prefix, targets


class Given(nn.Module):
    """The constructor given in the exercise; a wrong answer adds its forward."""

    def __init__(self, encoder_config, decoder_config):
        super().__init__()
        self.encoder = Encoder(encoder_config)
        self.decoder = GivenPrefixDecoder(decoder_config)

    def answer(self, hidden_cache, targets):
        """(logits, loss) from any cache."""
        logits, _ = self.decoder(targets, hidden_cache=hidden_cache)
        rows = logits[:, hidden_cache.shape[1] - 1 : -1]
        return logits, F.cross_entropy(rows.flatten(0, 1), targets.flatten(), ignore_index=-1)


def made(answer, case: Sizes) -> nn.Module:
    """The learner's module, in float64 and evaluation.

    Raises:
        CheckFailed: the constructor raised, or has left out a part.
    """
    module = build(answer, case.encoder, case.decoder)
    for name in ("encoder", "decoder"):
        part = getattr(module, name, None)
        if not isinstance(part, nn.Module):
            raise CheckFailed(
                f"your EncoderDecoder has no self.{name}." if part is None else f"self.{name} is {kind_of(part)}.",
                "self.encoder and self.decoder, made by the constructor.",
                "PyTorch does not look for layers in Python's lists, tuples and dictionaries, so it would not train these. Keep the __init__ of the exercise."
                if keeps_layers_in_a_list(module) else "keep the __init__ of the exercise as it is.",
            )
    return module.double().eval()


@encoder_decoder.aspect("config")
def configurations_are_left_as_they_were(answer, seed):
    _, _, _, encoder, decoder = cases(seed)[0]
    before = astuple(encoder), astuple(decoder)
    build(answer, encoder, decoder)
    for name, config, were in (("encoder_config", encoder, before[0]), ("decoder_config", decoder, before[1])):
        if astuple(config) != were:
            raise CheckFailed(
                f"after EncoderDecoder(…) {name} is no longer what it was: {config}.",
                "the configurations as they were: they are the caller's, who may build another model from them.",
                NEW_CONFIG,
            )


@encoder_decoder.aspect("parts")
def is_made_of_an_encoder_and_a_decoder(answer, seed):
    case = cases(seed)[0]
    module = made(answer, case)
    want_trainable(module)
    for name, part in module.named_modules():
        if isinstance(part, nn.Embedding) and (part.padding_idx is not None or part.max_norm is not None):
            raise CheckFailed(
                f"{name} has padding_idx = {part.padding_idx} and max_norm = {part.max_norm}.", "None for both.",
                "with padding_idx one word never learns, and max_norm shortens vectors: leave the tables as Embedding makes them.",
            )
    if {*module.encoder.parameters()} & {*module.decoder.parameters()}:
        raise CheckFailed(
            "encoder and decoder share parameters.", "two Transformers, each with weights of its own.", PARTS_AS_GIVEN)
    want_own_configs(answer, case.encoder, case.decoder)
    want_encoder(module, batch(case, seed)[0], case.encoder.vocab_size)
    want_prefix_decoder(module.decoder, case.decoder, seed, "self.decoder", DECODER_FIRST)


def answer_of(module: nn.Module, prefix: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(logits, loss) from the learner's forward; anything else is refused."""
    read, caches = [], []

    def note(_, given, named):
        read.append(named.get("idx", given[0] if given else None))
        caches.append(named.get("hidden_cache", (*given, None, None, None)[2]))

    hook = module.decoder.register_forward_pre_hook(note, with_kwargs=True)
    try:
        result = run(module, prefix, targets, what=FORWARD)
    except CheckFailed as failure:
        cause = (wrong_cache(caches[-1], module, prefix) if caches else "") or wrong_rows(failure.error, read[-1:], prefix, targets)
        if cause:
            failure.cause, failure.error = cause, ""
        raise
    finally:
        hook.remove()
    logits, loss = want_pair(
        result, FORWARD, ("logits", "loss"),
        "return both: all the logits, and the loss of the rows that predict.",
    )
    if isinstance(loss, torch.Tensor) and loss.dim() == 3 and isinstance(logits, torch.Tensor) and logits.dim() == 0:
        raise CheckFailed("the loss comes first and the logits second.", "(logits, loss).", "swap them.")
    return logits, loss


@torch.no_grad()
def wrong_cache(cache: object, module: nn.Module, prefix: torch.Tensor) -> str:
    """What is wrong with a cache that made the decoder fail; empty if nothing is seen."""
    if isinstance(cache, tuple):
        return ("without return_hidden=True the encoder returns a pair, (scores, loss). Ask for hidden states: "
                "self.encoder(prefix, return_hidden=True).")
    if not isinstance(cache, torch.Tensor):
        return ""
    if not cache.is_floating_point():
        return "these are the ids of the prefix. The encoder makes hidden states of them: self.encoder(prefix, return_hidden=True)."
    if cache.dim() == 2:
        return "this is the first sentence's alone: with return_hidden=True the encoder gives one tensor, for all sentences."
    hidden = module.encoder(prefix, return_hidden=True)  # (B, P, C)
    if cache.dim() == 3 and cache.shape[-1] != hidden.shape[-1]:
        return SCORES_AS_CACHE
    if cache.dim() == 3 and len(cache) != len(hidden):
        return ("these hidden states are not of the sentences in this batch: encode the whole prefix in every call, and keep nothing of "
                "an earlier one.")
    return ""


def wrong_rows(error: str, read: list[torch.Tensor], prefix: torch.Tensor, targets: torch.Tensor) -> str:
    """Why cross_entropy says that there are not as many rows as targets; empty if it does not. `read` holds what the decoder was given."""
    found = re.search(r"input batch_size \((\d+)\) to match target batch_size \((\d+)\)", error)
    if found is None:
        return ""
    rows, compared = map(int, found.groups())
    if any(torch.equal(idx, prefix) for idx in read if isinstance(idx, torch.Tensor)):
        return "the decoder reads the prefix. It reads the targets, self.decoder(targets, hidden_cache=…): the prefix has been read by the encoder."
    if rows == targets.numel() and compared == len(targets):
        return FLATTEN
    if compared == targets.numel() and any(idx.shape == targets[:, 1:].shape for idx in read if isinstance(idx, torch.Tensor)):
        return TARGETS_CUT
    if rows == prefix.numel() + targets.numel():
        return LOSS_IS_YOURS
    return NOT_AS_MANY_ROWS if compared == targets.numel() else TARGETS_LEFT_OUT


def each_alone(module: nn.Module, prefix: torch.Tensor, targets: torch.Tensor) -> list[torch.Tensor]:
    """For each example (T_b + 1, V): the rows that predict from its words, one example at a time, without padding."""
    rows = []
    for words, answer in zip(prefix, targets):
        hidden_cache = module.encoder(words[words != -1].unsqueeze(0), return_hidden=True)  # (1, P_b, C)
        logits, _ = module.decoder(answer[answer != -1].unsqueeze(0), hidden_cache=hidden_cache)
        rows.append(logits[0, hidden_cache.shape[1] - 1 :])
    return rows


def want_logits(module: nn.Module, prefix: torch.Tensor, targets: torch.Tensor, when: str, otherwise: str) -> None:
    """Refuse logits that differ from those of each example fed alone."""
    (B, P), T, V = prefix.shape, targets.shape[1], module.decoder.config.vocab_size
    is_judged = F.pad(targets != -1, (1, 0), value=True).unsqueeze(-1)  # (B, T + 1, 1)
    with torch.no_grad():
        logits, _ = answer_of(module, prefix, targets)
        encoder_decoder.want_shape(
            logits, (B, P + T, V), "(B, P + T, vocab_size)", "logits", (prefix, targets),
            make=lambda mistake: lambda *batch: on_layers_of(module, mistake)(*batch)[0])
        wanted = nn.utils.rnn.pad_sequence(each_alone(module, prefix, targets), batch_first=True)  # (B, T + 1, V)
        encoder_decoder.want_values(
            logits[:, P - 1 :] * is_judged, wanted, (prefix, targets),
            what=lambda example, row: f"{when}, row {P - 1 + row} of the logits of example {example} is",
            meaning=", as for this example alone",
            otherwise=otherwise,
            caption="The rows that predict the targets of each example: wanted, and yours",
            make=lambda mistake: lambda *batch: on_layers_of(module, mistake)(*batch)[0][:, P - 1 :] * is_judged,
        )


@encoder_decoder.aspect("logits")
def decoder_reads_the_hidden_states_of_the_prefix(answer, seed):
    whens = ("without padding", "with P = T", "with an encoder whose vocab_size is n_embd")
    otherwise = ("compare with the two steps: the encoder's hidden states of the prefix, then the decoder on the targets with "
                 "this cache.")
    for case, when in zip(cases(seed), whens, strict=True):
        module = made(answer, case)
        for training in (False, True):
            with in_both_modes(module, training):
                want_logits(module, *batch(case, seed), when, otherwise)
    first = cases(seed)[0]
    module = made(answer, first)
    want_logits(module, *batch(first._replace(B=1, P=1, T=1), seed), "with one word each", otherwise)
    want_logits(module, *(ids[:, 1:] for ids in batch(first, seed)), "with slices as prefix and targets", otherwise)
    module = made(answer, first)
    want_logits(module, *batch(first, seed), "in a first call", otherwise)
    with in_case(
        "in a second call with other sentences",
        cause="hidden states of the first call are kept on self. The next batch has other sentences: encode the prefix in every call.",
    ):
        want_logits(module, *batch(first, seed + 5), "without padding", otherwise)


@encoder_decoder.mistake("logits", SCORES_AS_CACHE)
class ScoresAsCache(Given):
    def forward(self, prefix, targets):
        scores, _ = self.encoder(prefix)
        return self.answer(scores, targets)


@encoder_decoder.mistake(
    "logits",
    "there are no rows for the prefix: pass the hidden states to the decoder, hidden_cache=…, and return all that it "
    "gives.",
)
class DecoderWithoutCache(Given):
    def forward(self, prefix, targets):
        return self.decoder(targets, targets)


ROWS_RETURNED = ("only the rows that predict the targets are returned: the loss is computed from them, but `return` all P + T rows of the "
                 "decoder's logits.")


@encoder_decoder.mistake("logits", ROWS_RETURNED)
class PredictingRowsReturned(Given):
    def forward(self, prefix, targets):
        logits, loss = self.answer(self.encoder(prefix, return_hidden=True), targets)
        return logits[:, prefix.shape[1] - 1 : -1], loss


@encoder_decoder.mistake("logits", ROWS_RETURNED)
class FlatRowsReturned(Given):
    def forward(self, prefix, targets):
        logits, loss = self.answer(self.encoder(prefix, return_hidden=True), targets)
        return logits[:, prefix.shape[1] - 1 : -1].flatten(0, 1), loss


@encoder_decoder.mistake("logits", "the rows of the prefix have been left out: `return` all P + T rows that the decoder gives.")
class RowsOfThePrefixLeftOut(Given):
    def forward(self, prefix, targets):
        logits, loss = self.answer(self.encoder(prefix, return_hidden=True), targets)
        return logits[:, prefix.shape[1] :], loss


@encoder_decoder.mistake("logits", "the encoder is fed the targets. It must read the prefix.")
class EncoderFedTheTargets(Given):
    def forward(self, prefix, targets):
        return self.answer(self.encoder(targets, return_hidden=True), targets)


@encoder_decoder.mistake("logits", "the encoder is fed prefix and targets, so the decoder finds the answer in its cache. The encoder reads the prefix alone.")
class EncoderFedBoth(Given):
    def forward(self, prefix, targets):
        return self.answer(self.encoder(torch.cat([prefix, targets], dim=1), return_hidden=True), targets)


@encoder_decoder.mistake("logits", "the cache has a single row. Pass one for each token of the prefix.")
class LastTokenAsCache(Given):
    def forward(self, prefix, targets):
        return self.answer(self.encoder(prefix, return_hidden=True)[:, -1:], targets)


@encoder_decoder.mistake(
    "logits", "these are hidden states: the decoder must return scores, without return_hidden.")
class HiddenStatesReturned(Given):
    def forward(self, prefix, targets):
        hidden_cache = self.encoder(prefix, return_hidden=True)
        return self.decoder(targets, hidden_cache=hidden_cache, return_hidden=True), torch.zeros(())


@encoder_decoder.mistake(
    "logits", "one row is missing: give all targets to the decoder, and return all its rows.")
class TargetsShifted(Given):
    """As a decoder alone would be trained: all targets but the last in, all but the first out."""

    def forward(self, prefix, targets):
        hidden_cache = self.encoder(prefix, return_hidden=True)
        return self.decoder(targets[:, :-1], hidden_cache=hidden_cache)[0], torch.zeros(())


@encoder_decoder.mistake(
    "logits",
    "the cache holds the encoder's embeddings. They have not been through its blocks: call self.encoder itself.",
)
class EmbeddingsAsCache(Given):
    def forward(self, prefix, targets):
        return self.answer(self.encoder.layers["embedding"](prefix), targets)


@encoder_decoder.mistake("logits", "every example is given the hidden states of the first.")
class FirstExampleForAll(Given):
    def forward(self, prefix, targets):
        hidden = self.encoder(prefix[:1], return_hidden=True)
        return self.answer(hidden.expand(len(prefix), -1, -1), targets)


@encoder_decoder.mistake(
    "logits",
    "every row of the cache is the mean of the sentence: pass the hidden states as they are, one for each token.",
)
class MeanAsCache(Given):
    def forward(self, prefix, targets):
        hidden = self.encoder(prefix, return_hidden=True)
        return self.answer(hidden.mean(1, keepdim=True).expand_as(hidden), targets)


@encoder_decoder.mistake(
    "logits", "the prefix is read by the decoder, which cannot look ahead. The encoder must read it.")
class DecoderReadsThePrefix(Given):
    def forward(self, prefix, targets):
        return self.answer(self.decoder(prefix, return_hidden=True), targets)


@encoder_decoder.mistake(
    "logits", "prefix and targets are read as one text by the decoder; the encoder takes no part.")
class OneText(Given):
    def forward(self, prefix, targets):
        text = torch.cat([prefix, targets], dim=1)
        return self.decoder(text, text)


@encoder_decoder.mistake(
    "logits", "prefix and targets are swapped: the encoder reads the prefix, the decoder the targets.")
class PrefixAndTargetsSwapped(Given):
    def forward(self, prefix, targets):
        return self.answer(self.encoder(targets, return_hidden=True), prefix)


@encoder_decoder.mistake(
    "logits", "the logits have been through a softmax: return them raw, the loss needs them so.")
class ProbabilitiesReturned(Given):
    def forward(self, prefix, targets):
        logits, loss = self.answer(self.encoder(prefix, return_hidden=True), targets)
        return logits.softmax(-1), loss


@encoder_decoder.mistake("logits", "the logits have been through a log_softmax: return them raw.")
class LogProbabilitiesReturned(Given):
    def forward(self, prefix, targets):
        logits, loss = self.answer(self.encoder(prefix, return_hidden=True), targets)
        return logits.log_softmax(-1), loss


@encoder_decoder.aspect("loss")
def loss_is_the_mean_over_all_targets(answer, seed):
    case = cases(seed)[0]
    module = made(answer, case)
    prefix, targets = batch(case, seed, with_padding=True)
    for training in (False, True):
        with in_both_modes(module, training):
            want_loss(module, *batch(case, seed), "without padding")
            # Padding in the targets alone; the prefix's is another aspect's.
            want_loss(module, prefix.clamp(min=5), targets, "with padding among the targets")
    want_loss(module, *(ids[:, 1:] for ids in batch(case, seed)), "with slices as prefix and targets")
    want_loss(module, *batch(case._replace(B=1, P=1, T=1), seed), "with one word each")


def want_loss(module: nn.Module, prefix: torch.Tensor, targets: torch.Tensor, when: str) -> None:
    """Refuse another loss than the mean over all targets that are not −1."""
    def loss_of(mistake):
        return lambda *batch: on_layers_of(module, mistake)(*batch)[1]

    with torch.no_grad():
        _, loss = answer_of(module, prefix, targets)
        if loss is None:
            raise CheckFailed(
                "the loss is None.", "a number.",
                "the decoder gives None, since it does not know which rows predict: compute the loss from predicting_rows(logits, P).",
            )
        encoder_decoder.want_shape(loss, (), "()", "the loss", (prefix, targets), make=loss_of)
        wanted = mean_cost(each_alone(module, prefix, targets), targets)
        if same_values(loss, wanted):
            return
        raise CheckFailed(
            f"{when}, the loss is {float(loss):.3f}.",
            f"{float(wanted):.3f}, the mean over all targets that are not −1.",
            encoder_decoder.likely_cause(
                loss, (prefix, targets),
                "F.cross_entropy of predicting_rows(logits, P) and the targets, with ignore_index=-1.",
                make=loss_of,
            ),
        )


def mean_cost(rows: list[torch.Tensor], targets: torch.Tensor) -> torch.Tensor:
    """The mean of −log p over all real targets, word by word."""
    costs = [
        -rows[b][t].log_softmax(-1)[word]
        for b, answer in enumerate(targets.tolist()) for t, word in enumerate(answer) if word != -1
    ]
    return torch.stack(costs).mean()


class LossByHand(Given):
    """The right logits; a mistake computes its loss from them."""

    def forward(self, prefix, targets):
        logits, _ = self.decoder(targets, hidden_cache=self.encoder(prefix, return_hidden=True))
        return logits, self.loss_of(logits, prefix, targets)

    def loss_of(self, logits, prefix, targets):
        return self.costs(logits, prefix, targets).sum() / (targets != -1).sum()

    def costs(self, logits, prefix, targets):
        """(B, T): the cost of each target, 0 where it is −1."""
        rows = logits[:, prefix.shape[1] - 1 : -1]  # (B, T, V)
        return F.cross_entropy(rows.transpose(1, 2), targets, ignore_index=-1, reduction="none")


@encoder_decoder.mistake("loss", "there is one loss for each target: take their mean.")
class LossOfEachTarget(LossByHand):
    def loss_of(self, logits, prefix, targets):
        return self.costs(logits, prefix, targets)


@encoder_decoder.mistake("loss", "there is one loss for each example: take the mean of all targets.")
class LossOfEachExample(LossByHand):
    def loss_of(self, logits, prefix, targets):
        return self.costs(logits, prefix, targets).mean(1)


@encoder_decoder.mistake("loss", "the losses are added up. Take their mean.")
class LossesAddedUp(LossByHand):
    def loss_of(self, logits, prefix, targets):
        return self.costs(logits, prefix, targets).sum()


@encoder_decoder.mistake(
    "loss", "this is the sum over all targets, divided by the number of positions, padding among them.")
class PaddingInTheMean(LossByHand):
    def loss_of(self, logits, prefix, targets):
        return self.costs(logits, prefix, targets).mean()


@encoder_decoder.mistake(
    "loss", "first the mean of each example is taken, then the mean of these. Every target must weigh the same.")
class MeanOfMeans(LossByHand):
    def loss_of(self, logits, prefix, targets):
        return (self.costs(logits, prefix, targets).sum(1) / (targets != -1).sum(1)).mean()


@encoder_decoder.mistake("loss", "padding counts as if it were word 0: pass the targets as they are, −1 is ignored.")
class PaddedTargetsCounted(LossByHand):
    def loss_of(self, logits, prefix, targets):
        return self.costs(logits, prefix, targets.clamp(min=0)).mean()


@encoder_decoder.mistake("loss", "the logits went through a softmax before the loss; cross_entropy does that itself.")
class SoftmaxBeforeTheLoss(LossByHand):
    def loss_of(self, logits, prefix, targets):
        return super().loss_of(logits.softmax(-1), prefix, targets)


@encoder_decoder.mistake(
    "loss",
    "each row is compared with its own word, which it has read: the first target is predicted by row P − 1, the last "
    "of the cache.",
)
class LossOneRowLate(LossByHand):
    def loss_of(self, logits, prefix, targets):
        return F.cross_entropy(logits[:, prefix.shape[1] :].transpose(1, 2), targets, ignore_index=-1)


@encoder_decoder.mistake(
    "loss", "the rows are one too early: the first target is predicted by row P − 1, the last of the cache.")
class LossOneRowEarly(LossByHand):
    def loss_of(self, logits, prefix, targets):
        return F.cross_entropy(logits[:, prefix.shape[1] - 2 : -2].transpose(1, 2), targets, ignore_index=-1)


@encoder_decoder.mistake(
    "loss", "the first target is left out: it is predicted by row P − 1, the last of the cache.")
class FirstTargetLeftOut(LossByHand):
    def loss_of(self, logits, prefix, targets):
        rows = logits[:, prefix.shape[1] : -1]  # (B, T - 1, V)
        return F.cross_entropy(rows.transpose(1, 2), targets[:, 1:], ignore_index=-1)


@encoder_decoder.mistake(
    "loss", "the targets are shifted once more. Row t of predicting_rows predicts targets[:, t] already: compare all rows with all targets.")
class TargetsShiftedOnceMore(LossByHand):
    def loss_of(self, logits, prefix, targets):
        rows = logits[:, prefix.shape[1] - 1 : -2]  # (B, T - 1, V)
        return F.cross_entropy(rows.transpose(1, 2), targets[:, 1:], ignore_index=-1)


@encoder_decoder.mistake("loss", "the first rows, those of the prefix, are compared with the targets.")
class RowsOfThePrefixCompared(LossByHand):
    def loss_of(self, logits, prefix, targets):
        return F.cross_entropy(logits[:, : targets.shape[1]].transpose(1, 2), targets, ignore_index=-1)


@encoder_decoder.mistake("loss", "the prefix is compared too: only the targets are predicted.")
class PrefixComparedToo(LossByHand):
    def loss_of(self, logits, prefix, targets):
        words = torch.cat([prefix, targets], dim=1)[:, 1:]  # (B, P + T - 1)
        return F.cross_entropy(logits[:, :-1].transpose(1, 2), words, ignore_index=-1)


@encoder_decoder.aspect("padding")
def padding_of_the_prefix_has_no_effect(answer, seed):
    for case in cases(seed)[:2]:
        module, (prefix, targets) = made(answer, case), batch(case, seed, with_padding=True)
        want_prefix_decoder(module.decoder, case.decoder, seed, "self.decoder", DECODER_FIRST)
        otherwise = ("zeros in the cache tell the decoder what is padding. Pass the encoder's hidden states as "
                     "they are, and the prefix with its −1.")
        want_logits(module, prefix, targets, "with prefixes of several lengths in one batch", otherwise)
        wider = F.pad(prefix, (0, 3), value=-1)
        want_logits(module, wider, targets, "with three more positions of padding after every prefix", otherwise)


@encoder_decoder.mistake(
    "padding",
    "padding is turned into word 0 before the encoder sees it, which then reads it like a word: pass the prefix as it "
    "is, with its −1.",
)
class PaddingReadAsAWord(Given):
    def forward(self, prefix, targets):
        return self.answer(self.encoder(prefix.clamp(min=0), return_hidden=True), targets)


@encoder_decoder.mistake(
    "padding",
    "the rows of padding are no longer zeros when the decoder gets them, so it takes them for tokens: pass the hidden "
    "states as they are.",
)
class PaddingFilled(Given):
    def forward(self, prefix, targets):
        kept = []
        hook = self.encoder.layers["norm"].register_forward_hook(lambda layer, arguments, hidden: kept.append(hidden))
        self.encoder(prefix)
        hook.remove()
        return self.answer(kept[0], targets)


@encoder_decoder.mistake(
    "padding",
    "columns of nothing but padding are cut off. Leave them: the row that predicts the first target is row P − 1 of "
    "the logits, whatever the padding.",
)
class TrimmedToTheLongest(Given):
    def forward(self, prefix, targets):
        hidden_cache = self.encoder(prefix[:, : (prefix != -1).sum(1).max()], return_hidden=True)
        return self.answer(hidden_cache, targets)


@encoder_decoder.aspect("gradient")
def gradients_reach_encoder_and_decoder(answer, seed):
    case = cases(seed)[0]
    module, (prefix, targets) = made(answer, case).train(), batch(case, seed, with_padding=True)
    logits, loss = answer_of(module, prefix, targets)
    if not loss.requires_grad:
        raise CheckFailed(
            "the loss carries no gradient at all.",
            "a loss that belongs to the graph: training calls loss.backward().",
            "the loss is cut off from the model: .detach(), .item(), torch.no_grad(), or torch.tensor(…) of a tensor.",
        )
    if not logits.requires_grad:
        raise CheckFailed(
            "the loss has a gradient, and the logits have none.",
            "one for both: a loss may be computed from the logits outside of forward, too.",
            "return the logits that the decoder gives, without .detach() or .data.",
        )
    loss.backward()
    want_gradients_in(
        module.decoder, "decoder", "a part of the decoder is cut off: .detach(), .data or torch.no_grad().")
    want_gradients_in(
        module.encoder, "encoder",
        "the hidden states are cut off from the encoder: .detach(), .data or torch.no_grad(). Then it stays as it was "
        "when it was made, at random, however long you train.",
    )


def want_gradients_in(part: nn.Module, what: str, cause: str) -> None:
    """Refuse an encoder or a decoder with a parameter that no gradient has reached."""
    needed = {name: p for name, p in part.named_parameters() if (what, name) != ("encoder", "lm_head.weight")}
    # The gradient of a bias may be 0: a softmax ignores what a key's bias adds to all its scores.
    lost = [name for name, p in needed.items() if p.grad is None or p.dim() > 1 and not p.grad.abs().sum() > 0]
    if lost:
        raise CheckFailed(
            f"after loss.backward() no gradient has reached {len(lost)} of {len(needed)} parameters of the {what}, "
            f"{lost[0]} among them.",
            "a gradient for every parameter of both: one loss trains the two together.",
            cause,
        )


@encoder_decoder.aspect("copy")
def copies_have_weights_of_their_own(answer, seed):
    case = cases(seed)[0]
    # Use the parts that the constructor made: a function kept on the module would still call those.
    module, (prefix, targets) = build(answer, case.encoder, case.decoder).double().eval(), batch(case, seed)
    before, loss = answer_of(module, prefix, targets)
    loss.backward()
    twin = copied(module, "EncoderDecoder")
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter))
        after, _ = answer_of(twin, prefix, targets)
    if not same_values(after, before):
        raise CheckFailed(
            "a copy is made, then the weights of the first model change, and the logits of the *copy* move by "
            f"{(after - before).abs().max():.2g}.",
            "no change: a copy has weights of its own.",
            "a function is kept on self (a lambda, for instance) that refers to the first model; a copy of the module "
            "keeps calling it. Write a method, or call self.encoder and self.decoder in forward.",
        )

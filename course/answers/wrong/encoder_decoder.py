"""Wrong answers to notebook 7 in addition to the registered mistakes: errors, constructors, gradients, copies."""

import torch
from torch.nn import functional as F

from answers import refused_by
from ninelives.checks.encoder_decoder import PARTS_AS_GIVEN, Given, encoder_decoder, predicting_rows
from ninelives.checks.prefix_decoder import GivenPrefixDecoder
from ninelives.model import Decoder, Encoder, Transformer

ROWS = "one row for each target"


@refused_by(predicting_rows, ROWS, "not written yet", "run its cell again, then this check")
def rows_not_written(logits, P):
    raise NotImplementedError()


@refused_by(predicting_rows, ROWS, "a slice along axis 1: [:, first : end]")
def last_row_of_the_prefix_for_all(logits, P):
    return logits[:, P - 1 : P].expand(-1, logits.shape[1] - P, -1)


@refused_by(predicting_rows, "numbers as they are", "nothing is rounded, clamped or divided")
def rounded_rows(logits, P):
    return logits[:, P - 1 : -1].round()


@refused_by(predicting_rows, "numbers as they are", "nothing is rounded, clamped or divided")
def clamped_rows(logits, P):
    return logits[:, P - 1 : -1].clamp(min=-50)


@refused_by(predicting_rows, "numbers as they are", "take the rows of logits themselves")
def detached_rows(logits, P):
    return logits[:, P - 1 : -1].detach()


@refused_by(predicting_rows, ROWS, "changed the tensor that it was given", "work on x.clone()")
def other_rows_zeroed_in_place(logits, P):
    logits[:, : P - 1] = 0
    logits[:, -1] = 0
    return logits[:, P - 1 : -1]


@refused_by(predicting_rows, ROWS, "changed the tensor that it was given", "work on x.clone()")
def rows_moved_to_the_front_in_place(logits, P):
    T = logits.shape[1] - P
    logits[:, :T] = logits[:, P - 1 : -1].clone()
    return logits[:, :T]


@refused_by(predicting_rows, ROWS, "changed the tensor that it was given", "work on x.clone()")
def largest_score_subtracted_in_place(logits, P):
    logits -= 1
    return logits[:, P - 1 : -1] + 1


KEPT_ROWS, KEPT_PREFIX, KEPT_POSITIONS = {}, {}, {}


@refused_by(predicting_rows, "numbers as they are", "rows of an earlier call are kept")
def rows_kept_by_shape_and_prefix(logits, P):
    return KEPT_ROWS.setdefault((logits.shape, P), logits[:, P - 1 : -1])


@refused_by(predicting_rows, ROWS, "print the shape after each of your lines")
def rows_kept_by_shape(logits, P):
    return KEPT_ROWS.setdefault(logits.shape, logits[:, P - 1 : -1].clone())


@refused_by(predicting_rows, ROWS, "print the shape after each of your lines")
def size_of_the_prefix_kept(logits, P):
    P = KEPT_PREFIX.setdefault(len(logits), P)
    return logits[:, P - 1 : -1]


@refused_by(predicting_rows, ROWS, "print the shape after each of your lines")
def positions_kept_by_the_number_of_rows(logits, P):
    return logits[:, KEPT_POSITIONS.setdefault(logits.shape[1], torch.arange(P - 1, logits.shape[1] - 1))]


@refused_by(predicting_rows, ROWS, "print the shape after each of your lines")
def single_things_squeezed(logits, P):
    return logits[:, P - 1 : -1].squeeze()


@refused_by(predicting_rows, ROWS, "the last row is still there")
def at_least_two_targets(logits, P):
    return logits[:, P - 1 : max(P + 1, logits.shape[1] - 1)]


@refused_by(predicting_rows, ROWS, "row P − 1 is missing, the last of the prefix")
def row_0_taken_for_none(logits, P):
    return logits[:, P - 1 or P : -1]


@refused_by(predicting_rows, ROWS, "these are the rows of the targets themselves")
def prefix_of_one_word_left_out(logits, P):
    return logits[:, P - 1 : -1] if P - 1 else logits[:, P:]


@refused_by(predicting_rows, ROWS, "row P − 1 is missing, the last of the prefix")
def first_row_never_predicts(logits, P):
    return torch.stack([logits[:, row] for row in range(P - 1, logits.shape[1] - 1) if row], dim=1)


@refused_by(predicting_rows, "numbers as they are", "nothing is rounded, clamped or divided")
def rows_in_half_precision(logits, P):
    return logits[:, P - 1 : -1].half().float()


@refused_by(predicting_rows, "numbers as they are", "take the rows without .double(), .float() or .half().")
def rows_in_double_precision(logits, P):
    return logits[:, P - 1 : -1].double()


@refused_by(predicting_rows, "numbers as they are", "take the rows of logits themselves")
def rows_of_data(logits, P):
    return logits.data[:, P - 1 : -1]


@refused_by(predicting_rows, "numbers as they are", "take the rows of logits themselves")
@torch.no_grad()
def rows_without_gradient(logits, P):
    return 1 * logits[:, P - 1 : -1]


@refused_by(encoder_decoder, "logits", "not written yet", "run its cell again, then this check")
class ForwardNotWritten(Given):
    def forward(self, prefix, targets):
        raise NotImplementedError()


@refused_by(encoder_decoder, "logits", "the function has no `return`.")
class ReturnForgotten(Given):
    def forward(self, prefix, targets):
        logits, loss = self.answer(self.encoder(prefix, return_hidden=True), targets)


@refused_by(encoder_decoder, "logits", "return both: all the logits, and the loss of the rows that predict.")
class LogitsAlone(Given):
    def forward(self, prefix, targets):
        return self.answer(self.encoder(prefix, return_hidden=True), targets)[0]


@refused_by(encoder_decoder, "logits", "the loss comes first", "swap them.")
class LossFirst(Given):
    def forward(self, prefix, targets):
        logits, loss = self.answer(self.encoder(prefix, return_hidden=True), targets)
        return loss, logits


@refused_by(encoder_decoder, "logits", "without return_hidden=True the encoder returns a pair")
class ReturnHiddenForgotten(Given):
    def forward(self, prefix, targets):
        return self.answer(self.encoder(prefix), targets)


@refused_by(encoder_decoder, "logits", "forward takes two arguments besides self")
class PrefixAlone(Given):
    def forward(self, prefix):
        return self.encoder(prefix, return_hidden=True)


@refused_by(encoder_decoder, "logits", "The decoder's loss is None: compute it from the logits.")
class MeanOfNoLoss(Given):
    def forward(self, prefix, targets):
        logits, loss = self.decoder(targets, hidden_cache=self.encoder(prefix, return_hidden=True))
        return logits, loss.mean()


@refused_by(encoder_decoder, "logits", "these are the encoder's scores")
class ScoresCutToTheRightWidth(Given):
    """Raises no error; if the vocabulary is as large as n_embd, nothing is cut."""

    def forward(self, prefix, targets):
        hidden = self.encoder(prefix, return_hidden=True)
        scores, _ = self.encoder(prefix)
        return self.answer(scores if scores.shape == hidden.shape else hidden, targets)


@refused_by(encoder_decoder, "logits", "Pass the cache by its name")
class CacheInThePositionOfTargets(Given):
    def forward(self, prefix, targets):
        return self.decoder(targets, self.encoder(prefix, return_hidden=True))


@refused_by(encoder_decoder, "logits", "a cache of zeros counts as padding from end to end")
class CacheOfZeros(Given):
    def forward(self, prefix, targets):
        hidden = self.encoder(prefix, return_hidden=True)
        return self.answer(torch.zeros_like(hidden), targets)


@refused_by(encoder_decoder, "logits", "compare with the two steps")
class HiddenStatesHalved(Given):
    def forward(self, prefix, targets):
        return self.answer(self.encoder(prefix, return_hidden=True) / 2, targets)


@refused_by(encoder_decoder, "loss", "the loss is None", "since it does not know which rows predict")
class TargetsNotPassedOn(Given):
    def forward(self, prefix, targets):
        return self.decoder(targets, hidden_cache=self.encoder(prefix, return_hidden=True))


@refused_by(encoder_decoder, "loss", "F.cross_entropy of predicting_rows(logits, P) and the targets")
class LabelsSmoothed(Given):
    def forward(self, prefix, targets):
        logits, _ = self.decoder(targets, hidden_cache=self.encoder(prefix, return_hidden=True))
        rows = logits[:, prefix.shape[1] - 1 : -1].transpose(1, 2)
        return logits, F.cross_entropy(rows, targets, ignore_index=-1, label_smoothing=0.1)


@refused_by(encoder_decoder, "padding", "zeros in the cache tell the decoder what is padding")
class CutToTheShortest(Given):
    def forward(self, prefix, targets):
        hidden = self.encoder(prefix, return_hidden=True)
        shortest = int((prefix != -1).sum(1).min())
        cut = F.pad(hidden[:, :shortest], (0, 0, 0, prefix.shape[1] - shortest))
        return self.answer(cut, targets)


@refused_by(encoder_decoder, "gradient", "cut off from the encoder")
class EncoderDetached(Given):
    def forward(self, prefix, targets):
        hidden = self.encoder(prefix, return_hidden=True).detach()
        return self.answer(hidden, targets)


@refused_by(encoder_decoder, "gradient", "the hidden states are cut off from the encoder")
class EncoderWithoutGradient(Given):
    def forward(self, prefix, targets):
        with torch.no_grad():
            hidden = self.encoder(prefix, return_hidden=True)
        return self.answer(hidden, targets)


@refused_by(encoder_decoder, "gradient", "a part of the decoder is cut off")
class HeadAloneWithGradient(Given):
    def forward(self, prefix, targets):
        with torch.no_grad():
            hidden = self.decoder(targets, hidden_cache=self.encoder(prefix, return_hidden=True), return_hidden=True)
        logits = self.decoder.lm_head(hidden)
        rows = logits[:, prefix.shape[1] - 1 : -1].transpose(1, 2)
        return logits, F.cross_entropy(rows, targets, ignore_index=-1)


@refused_by(encoder_decoder, "gradient", "return the logits that the decoder gives, without .detach() or .data.")
class LogitsDetached(Given):
    def forward(self, prefix, targets):
        logits, loss = self.answer(self.encoder(prefix, return_hidden=True), targets)
        return logits.detach(), loss


@refused_by(encoder_decoder, "loss", "the loss is a float.", "so that it stays a tensor with its gradient")
class LossAsANumber(Given):
    def forward(self, prefix, targets):
        logits, loss = self.answer(self.encoder(prefix, return_hidden=True), targets)
        return logits, loss.item()


class RowsOfAnotherPrefix(Given):
    """`P` is not what it should be."""

    def forward(self, prefix, targets):
        logits, _ = self.decoder(targets, hidden_cache=self.encoder(prefix, return_hidden=True))
        rows = logits[:, self.P(prefix) - 1 : -1]
        return logits, F.cross_entropy(rows.flatten(0, 1), targets.flatten(), ignore_index=-1)


@refused_by(encoder_decoder, "logits", "there are not as many rows as targets.", "P is the number of columns of the prefix, padding among them.")
class SizeOfTheBatchForP(RowsOfAnotherPrefix):
    def P(self, prefix):
        return prefix.shape[0]


@refused_by(encoder_decoder, "padding", "there are not as many rows as targets.", "P is the number of columns of the prefix, padding among them.")
class WordsOfTheFirstPrefixForP(RowsOfAnotherPrefix):
    def P(self, prefix):
        return int((prefix[0] != -1).sum())


@refused_by(encoder_decoder, "logits", "the decoder reads the targets without one of them.", "as the row of a start token would")
class DecoderWithoutTheLastTarget(Given):
    def forward(self, prefix, targets):
        logits, _ = self.decoder(targets[:, :-1], hidden_cache=self.encoder(prefix, return_hidden=True))
        rows = logits[:, prefix.shape[1] - 1 : -1]
        return logits, F.cross_entropy(rows.flatten(0, 1), targets.flatten(), ignore_index=-1)


@refused_by(encoder_decoder, "logits", "some targets are left out: compare the rows with all of them")
class TargetsWithoutTheFirst(Given):
    def forward(self, prefix, targets):
        logits, _ = self.decoder(targets, hidden_cache=self.encoder(prefix, return_hidden=True))
        rows = logits[:, prefix.shape[1] - 1 : -1]
        return logits, F.cross_entropy(rows.flatten(0, 1), targets[:, 1:].flatten(), ignore_index=-1)


@refused_by(encoder_decoder, "logits", "the decoder reads the prefix. It reads the targets")
class PrefixReadTwice(Given):
    def forward(self, prefix, targets):
        logits, _ = self.decoder(prefix, hidden_cache=self.encoder(prefix, return_hidden=True))
        return logits, F.cross_entropy(logits[:, prefix.shape[1] - 1 : -1].flatten(0, 1), targets.flatten(), ignore_index=-1)


@refused_by(encoder_decoder, "logits", "flatten the first two axes of the predicting rows")
class TargetsNotFlattened(Given):
    def forward(self, prefix, targets):
        logits, _ = self.decoder(targets, hidden_cache=self.encoder(prefix, return_hidden=True))
        return logits, F.cross_entropy(logits[:, prefix.shape[1] - 1 : -1].flatten(0, 1), targets, ignore_index=-1)


@refused_by(encoder_decoder, "logits", "leaves backward() to the training, which calls it.")
class BackwardInForward(Given):
    def forward(self, prefix, targets):
        logits, loss = self.answer(self.encoder(prefix, return_hidden=True), targets)
        loss.backward()
        return logits, loss


@refused_by(encoder_decoder, "logits", "a new layer is made in forward, `Encoder(…)`", "with new weights in every call")
class EncoderMadeInForward(Given):
    def forward(self, prefix, targets):
        return self.answer(Encoder(self.encoder.config)(prefix, return_hidden=True), targets)


LISTS = "PyTorch does not look for layers in Python's lists"


@refused_by(encoder_decoder, "parts", "your EncoderDecoder has no self.encoder.", LISTS)
class PartsInAList(torch.nn.Module):
    def __init__(self, encoder_config, decoder_config):
        super().__init__()
        self.parts = [Encoder(encoder_config), GivenPrefixDecoder(decoder_config)]


@refused_by(encoder_decoder, "parts", "self.decoder is a list of 1.", LISTS)
class DecoderInAList(torch.nn.Module):
    def __init__(self, encoder_config, decoder_config):
        super().__init__()
        self.encoder = Encoder(encoder_config)
        self.decoder = [GivenPrefixDecoder(decoder_config)]


@refused_by(encoder_decoder, "gradient", "the loss is cut off from the model")
class LossTakenOutOfTheGraph(Given):
    def forward(self, prefix, targets):
        logits, loss = self.answer(self.encoder(prefix, return_hidden=True), targets)
        return logits, torch.tensor(loss.item())


@refused_by(encoder_decoder, "logits", "changed the mode of ", "leave .eval() and .train() to the caller.")
class EncoderPutIntoEvaluation(Given):
    def forward(self, prefix, targets):
        self.encoder.eval()
        return self.answer(self.encoder(prefix, return_hidden=True), targets)


@refused_by(encoder_decoder, "config", "cannot assign to field", "do not change a configuration")
class ConfigAssignedTo(Given):
    def __init__(self, encoder_config, decoder_config):
        encoder_config.n_layer = decoder_config.n_layer
        super().__init__(encoder_config, decoder_config)


@refused_by(encoder_decoder, "parts", "has no self.encoder", "keep the __init__ of the exercise as it is")
class NoEncoder(Given):
    def __init__(self, encoder_config, decoder_config):
        super().__init__(encoder_config, decoder_config)
        del self.encoder


class RightForward(Given):
    def forward(self, prefix, targets):
        return self.answer(self.encoder(prefix, return_hidden=True), targets)


@refused_by(encoder_decoder, "config", "is no longer what it was", "dataclasses.replace(config, …) makes a changed copy")
class ConfigChanged(RightForward):
    def __init__(self, encoder_config, decoder_config):
        super().__init__(encoder_config, decoder_config)
        object.__setattr__(encoder_config, "n_layer", decoder_config.n_layer)


@refused_by(encoder_decoder, "parts", "self.encoder reads up to", "each part is built from its own configuration")
class OneConfigForBoth(RightForward):
    def __init__(self, encoder_config, decoder_config):
        super().__init__(decoder_config, decoder_config)


@refused_by(encoder_decoder, "parts", "self.decoder reads up to", "each part is built from its own configuration")
class EncodersConfigForBoth(RightForward):
    def __init__(self, encoder_config, decoder_config):
        super().__init__(encoder_config, encoder_config)


@refused_by(encoder_decoder, "parts", "the two configurations are swapped: Encoder(encoder_config), PrefixDecoder(decoder_config).")
class ConfigsSwapped(RightForward):
    def __init__(self, encoder_config, decoder_config):
        super().__init__(decoder_config, encoder_config)


@refused_by(encoder_decoder, "parts", "self.decoder has no method join of its own",
            "self.decoder is a PrefixDecoder that passes its own checks")
class PlainDecoder(RightForward):
    def __init__(self, encoder_config, decoder_config):
        super().__init__(encoder_config, decoder_config)
        self.decoder = Decoder(decoder_config)


class DecoderThatLeavesTheJoinToItsBase(Decoder):
    def join(self, hidden_cache, x, attention_mask):
        return super().join(hidden_cache, x, attention_mask)


@refused_by(encoder_decoder, "parts", "self.decoder: another last word changes the scores of rows before it",
            "self.decoder is a PrefixDecoder that passes its own checks")
class JoinLeftToTheBase(RightForward):
    def __init__(self, encoder_config, decoder_config):
        super().__init__(encoder_config, decoder_config)
        self.decoder = DecoderThatLeavesTheJoinToItsBase(decoder_config)


class EncoderThatKnowsPrefixes(Encoder):
    join = GivenPrefixDecoder.join


@refused_by(encoder_decoder, "parts", "self.decoder: another last word changes the scores of rows before it",
            "self.decoder is a PrefixDecoder that passes its own checks")
class EncoderWithAPrefixForADecoder(RightForward):
    def __init__(self, encoder_config, decoder_config):
        super().__init__(encoder_config, decoder_config)
        self.decoder = EncoderThatKnowsPrefixes(decoder_config)


@refused_by(encoder_decoder, "parts", "self.decoder has no method join of its own",
            "self.decoder is a PrefixDecoder that passes its own checks")
class TwoEncoders(RightForward):
    def __init__(self, encoder_config, decoder_config):
        super().__init__(encoder_config, decoder_config)
        self.decoder = Encoder(decoder_config)


@refused_by(encoder_decoder, "parts", "self.encoder: another last word changes nothing about the first one", PARTS_AS_GIVEN)
class TwoDecoders(RightForward):
    def __init__(self, encoder_config, decoder_config):
        super().__init__(encoder_config, decoder_config)
        self.encoder = Decoder(encoder_config)


@refused_by(encoder_decoder, "parts", "self.encoder: padding after a sentence changes the hidden states", PARTS_AS_GIVEN)
class EncoderWithoutAMask(RightForward):
    def __init__(self, encoder_config, decoder_config):
        super().__init__(encoder_config, decoder_config)
        self.encoder = Transformer(encoder_config)


@refused_by(encoder_decoder, "parts", "encoder and decoder share parameters", PARTS_AS_GIVEN)
class EmbeddingShared(RightForward):
    def __init__(self, encoder_config, decoder_config):
        super().__init__(encoder_config, decoder_config)
        self.decoder.layers["norm"] = self.encoder.layers["norm"]


class DecoderOfNotebookFive(Decoder):
    """Its join is notebook 3's: everything attends to everything."""

    def join(self, hidden_cache, x, attention_mask):
        return torch.cat((hidden_cache, x), dim=1), None


@refused_by(encoder_decoder, "parts", "another last word changes the scores of rows before it",
            "self.decoder is a PrefixDecoder that passes its own checks")
class DecoderThatKnowsNoPrefix(RightForward):
    def __init__(self, encoder_config, decoder_config):
        super().__init__(encoder_config, decoder_config)
        self.decoder = DecoderOfNotebookFive(decoder_config)


@refused_by(encoder_decoder, "parts", "requires_grad of ", "leave out requires_grad_(False).")
class EncoderFrozen(RightForward):
    def __init__(self, encoder_config, decoder_config):
        super().__init__(encoder_config, decoder_config)
        self.encoder.requires_grad_(False)


@refused_by(encoder_decoder, "logits", "these hidden states are not of the sentences in this batch")
class EncodedOnceForAllCalls(Given):
    kept = None

    def forward(self, prefix, targets):
        if self.kept is None:
            self.kept = self.encoder(prefix, return_hidden=True).detach()
        return self.answer(self.kept, targets)


@refused_by(encoder_decoder, "logits", "hidden states of the first call are kept on self")
class HiddenOfTheFirstCall(Given):
    kept = None

    def forward(self, prefix, targets):
        if self.kept is None or self.kept.shape[:2] != prefix.shape:
            self.kept = self.encoder(prefix, return_hidden=True).detach()
        return self.answer(self.kept, targets)


@refused_by(encoder_decoder, "logits", "in training mode", "look for a line that asks self.training")
class HiddenDroppedInTraining(Given):
    def forward(self, prefix, targets):
        return self.answer(F.dropout(self.encoder(prefix, return_hidden=True), 0.2, self.training), targets)


@refused_by(encoder_decoder, "loss", "in training mode", "look for a line that asks self.training")
class LabelsSmoothedInTraining(Given):
    def forward(self, prefix, targets):
        logits, _ = self.decoder(targets, hidden_cache=self.encoder(prefix, return_hidden=True))
        rows = logits[:, prefix.shape[1] - 1 : -1].transpose(1, 2)
        return logits, F.cross_entropy(rows, targets, ignore_index=-1, label_smoothing=0.1 * self.training)


@refused_by(encoder_decoder, "logits", "the decoder does not know which of its P + T rows predict")
class TargetsForTheDecoder(Given):
    def forward(self, prefix, targets):
        return self.decoder(targets, targets, hidden_cache=self.encoder(prefix, return_hidden=True))


@refused_by(encoder_decoder, "logits", "the decoder does not know which of its P + T rows predict")
class EveryRowCompared(Given):
    def forward(self, prefix, targets):
        logits, _ = self.decoder(targets, hidden_cache=self.encoder(prefix, return_hidden=True))
        return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1)


@refused_by(encoder_decoder, "logits", "with return_hidden=True the encoder gives one tensor, not a pair")
class HiddenUnpacked(Given):
    def forward(self, prefix, targets):
        hidden, _ = self.encoder(prefix, return_hidden=True)
        return self.answer(hidden, targets)


@refused_by(encoder_decoder, "logits", "this is the first sentence's alone")
class HiddenOfTheFirstSentence(Given):
    def forward(self, prefix, targets):
        return self.answer(self.encoder(prefix, return_hidden=True)[0], targets)


@refused_by(encoder_decoder, "logits", "these are the ids of the prefix")
class IdsAsCache(Given):
    def forward(self, prefix, targets):
        logits, _ = self.decoder(targets, hidden_cache=prefix)
        return logits, None


@refused_by(encoder_decoder, "logits", "flatten the first two axes of the predicting rows")
class RowsNotFlattened(Given):
    def forward(self, prefix, targets):
        logits, _ = self.decoder(targets, hidden_cache=self.encoder(prefix, return_hidden=True))
        return logits, F.cross_entropy(logits[:, prefix.shape[1] - 1 : -1], targets, ignore_index=-1)


@refused_by(encoder_decoder, "logits", "and batches are often slices")
class RowsViewed(Given):
    def forward(self, prefix, targets):
        logits, _ = self.decoder(targets, hidden_cache=self.encoder(prefix, return_hidden=True))
        rows = logits[:, prefix.shape[1] - 1 : -1]
        return logits, F.cross_entropy(rows.view(-1, rows.shape[-1]), targets.flatten(), ignore_index=-1)


@refused_by(encoder_decoder, "loss", "a target of −1 marks padding")
class PaddingNotIgnored(Given):
    def forward(self, prefix, targets):
        logits, _ = self.decoder(targets, hidden_cache=self.encoder(prefix, return_hidden=True))
        return logits, F.cross_entropy(logits[:, prefix.shape[1] - 1 : -1].flatten(0, 1), targets.flatten())


@refused_by(encoder_decoder, "copy", "a function is kept on self")
class LambdaOnTheModule(Given):
    """A copy of the module calls the lambda, and that calls the original's encoder."""

    def __init__(self, encoder_config, decoder_config):
        super().__init__(encoder_config, decoder_config)
        self.encode = lambda prefix: self.encoder(prefix, return_hidden=True)

    def forward(self, prefix, targets):
        return self.answer(self.encode(prefix), targets)


@refused_by(encoder_decoder, "copy", "keep nothing on self but modules, parameters, numbers and words")
class HiddenKeptOnTheModule(Given):
    """In training the tensor holds its graph, so it cannot be copied."""

    def forward(self, prefix, targets):
        self.hidden = self.encoder(prefix, return_hidden=True)
        return self.answer(self.hidden, targets)


# The caller's tensors.

@refused_by(encoder_decoder, "loss", "changed the tensor that it was given", "work on x.clone()")
class TargetsClampedInPlace(Given):
    def forward(self, prefix, targets):
        logits, loss = self.answer(self.encoder(prefix, return_hidden=True), targets)
        targets.clamp_(min=0)
        return logits, loss


@refused_by(encoder_decoder, "padding", "changed the tensor that it was given", "work on x.clone()")
class PrefixFilledInPlace(Given):
    def forward(self, prefix, targets):
        hidden = self.encoder(prefix, return_hidden=True)
        prefix[prefix == -1] = 0
        return self.answer(hidden, targets)


@refused_by(encoder_decoder, "logits", "changed the tensor that it was given", "work on x.clone()")
class PrefixTurnedRoundInPlace(Given):
    def forward(self, prefix, targets):
        logits, loss = self.answer(self.encoder(prefix, return_hidden=True), targets)
        prefix[:] = prefix.flip(1) % 7 + 1
        return logits, loss


# In one mode alone, and a mode that is left changed.

@refused_by(encoder_decoder, "logits", "in training mode", "look for a line that asks self.training")
class CacheInEvaluationAlone(Given):
    def forward(self, prefix, targets):
        hidden = self.encoder(prefix, return_hidden=True)
        return self.answer(hidden if not self.training else hidden.roll(1, dims=0), targets)


@refused_by(encoder_decoder, "logits", "leave .eval() and .train() to the caller.")
class PutIntoEvaluation(Given):
    def forward(self, prefix, targets):
        self.eval()
        return self.answer(self.encoder(prefix, return_hidden=True), targets)


@refused_by(encoder_decoder, "loss", "leave .eval() and .train() to the caller.")
class PutIntoEvaluationForPadding(Given):
    def forward(self, prefix, targets):
        if (targets == -1).any():
            self.decoder.eval()
        return self.answer(self.encoder(prefix, return_hidden=True), targets)


# The first call, and the second.

@refused_by(encoder_decoder, "logits", "hidden states of the first call are kept on self")
class LogitsKeptByShape(Given):
    def forward(self, prefix, targets):
        key = (*prefix.shape, *targets.shape)
        return self.__dict__.setdefault("kept", {}).setdefault(key, self.answer(self.encoder(prefix, return_hidden=True), targets))


@refused_by(encoder_decoder, "logits", "hidden states of the first call are kept on self")
class PrefixKeptByShape(Given):
    def forward(self, prefix, targets):
        prefix = self.__dict__.setdefault("kept", {}).setdefault(prefix.shape, prefix.clone())
        return self.answer(self.encoder(prefix, return_hidden=True), targets)


# Sizes and ids: B, P and T of 1, the word 0.

@refused_by(encoder_decoder, "logits", "print the shape after each of your lines")
class OneExampleSqueezed(Given):
    def forward(self, prefix, targets):
        logits, loss = self.answer(self.encoder(prefix, return_hidden=True), targets)
        return logits.squeeze(0), loss


@refused_by(encoder_decoder, "logits", "the cache has a single row. Pass one for each token of the prefix.")
class SecondWordOnwards(Given):
    """A prefix of one word is repeated, any other loses all but its last word."""

    def forward(self, prefix, targets):
        return self.answer(self.encoder(prefix, return_hidden=True)[:, max(1, prefix.shape[1] - 1) :], targets)


@refused_by(encoder_decoder, "logits", "compare with the two steps")
class LastIdIsAnother(Given):
    def forward(self, prefix, targets):
        return self.answer(self.encoder(prefix.clamp(max=27), return_hidden=True), targets)


@refused_by(encoder_decoder, "logits", "compare with the two steps")
class WordZeroIsPadding(Given):
    def forward(self, prefix, targets):
        hidden = self.encoder(prefix, return_hidden=True)
        return self.answer(hidden * (prefix > 0).unsqueeze(-1), targets)


@refused_by(encoder_decoder, "loss", "F.cross_entropy of predicting_rows(logits, P) and the targets")
class TargetZeroIgnored(Given):
    def forward(self, prefix, targets):
        logits, _ = self.decoder(targets, hidden_cache=self.encoder(prefix, return_hidden=True))
        wanted = targets.masked_fill(targets == -1, 0)
        return logits, F.cross_entropy(logits[:, prefix.shape[1] - 1 : -1].mT, wanted, ignore_index=0)


@refused_by(encoder_decoder, "loss", "F.cross_entropy of predicting_rows(logits, P) and the targets")
class TargetsAboveZeroAlone(Given):
    def forward(self, prefix, targets):
        logits, _ = self.decoder(targets, hidden_cache=self.encoder(prefix, return_hidden=True))
        is_word = targets > 0
        return logits, F.cross_entropy(logits[:, prefix.shape[1] - 1 : -1][is_word], targets[is_word])


# Nearly right.

@refused_by(encoder_decoder, "logits", "compare with the two steps")
class LogitsRounded(Given):
    def forward(self, prefix, targets):
        logits, loss = self.answer(self.encoder(prefix, return_hidden=True), targets)
        return logits.round(decimals=1), loss


@refused_by(encoder_decoder, "logits", "compare with the two steps")
class LogitsClamped(Given):
    def forward(self, prefix, targets):
        logits, loss = self.answer(self.encoder(prefix, return_hidden=True), targets)
        return logits.clamp(-3, 3), loss


@refused_by(encoder_decoder, "loss", "F.cross_entropy of predicting_rows(logits, P) and the targets")
class ProbabilitiesKeptAboveASmallestNumber(Given):
    def forward(self, prefix, targets):
        logits, _ = self.decoder(targets, hidden_cache=self.encoder(prefix, return_hidden=True))
        rows = logits[:, prefix.shape[1] - 1 : -1].softmax(-1).clamp(min=1e-3).log()
        return logits, F.nll_loss(rows.mT, targets, ignore_index=-1)


# A word that never learns.

@refused_by(encoder_decoder, "parts", "with padding_idx one word never learns")
class EncodersWordZeroNeverLearns(RightForward):
    def __init__(self, encoder_config, decoder_config):
        super().__init__(encoder_config, decoder_config)
        self.encoder.layers["embedding"].token.padding_idx = 0


@refused_by(encoder_decoder, "parts", "with padding_idx one word never learns")
class DecodersWordZeroNeverLearns(RightForward):
    def __init__(self, encoder_config, decoder_config):
        super().__init__(encoder_config, decoder_config)
        old = self.decoder.layers["embedding"].token
        self.decoder.layers["embedding"].token = torch.nn.Embedding(*old.weight.shape, padding_idx=0)


@refused_by(encoder_decoder, "parts", "with padding_idx one word never learns")
class LongVectorsShortened(RightForward):
    def __init__(self, encoder_config, decoder_config):
        super().__init__(encoder_config, decoder_config)
        self.encoder.layers["embedding"].token.max_norm = 1.0

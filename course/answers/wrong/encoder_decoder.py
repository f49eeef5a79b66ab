"""Wrong answers to notebook 7 in addition to the registered mistakes: errors, constructors, gradients, copies."""

import torch
from torch.nn import functional as F

from answers import refused_by
from ninelives.checks.encoder_decoder import PARTS_AS_GIVEN, Given, encoder_decoder, predicting_rows
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


@refused_by(encoder_decoder, "logits", "there are no rows for the prefix")
class RowsOfThePrefixCutOff(Given):
    def forward(self, prefix, targets):
        logits, loss = self.answer(self.encoder(prefix, return_hidden=True), targets)
        return logits[:, prefix.shape[1] :], loss


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


@refused_by(encoder_decoder, "gradient", "the loss is cut off from the model")
class LossTakenOutOfTheGraph(Given):
    def forward(self, prefix, targets):
        logits, loss = self.answer(self.encoder(prefix, return_hidden=True), targets)
        return logits, torch.tensor(loss.item())


@refused_by(encoder_decoder, "logits", "a part of the model is in evaluation mode", "leave .eval() and .train() to the caller.")
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


@refused_by(encoder_decoder, "parts", "self.decoder: another last word changes the scores of rows before it",
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
        with torch.enable_grad():
            self.hidden = self.encoder(prefix, return_hidden=True)
        return self.answer(self.hidden, targets)

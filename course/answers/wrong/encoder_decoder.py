"""Wrong answers to notebook 7 in addition to the registered mistakes: errors, constructors, gradients, copies."""

import torch
from torch.nn import functional as F

from answers import refused_by
from ninelives.checks.encoder_decoder import Given, encoder_decoder, predicting_rows

ROWS = "one row for each target"


@refused_by(predicting_rows, ROWS, "not written yet", "run its cell again, then this check")
def rows_not_written(logits, P):
    raise NotImplementedError()


@refused_by(predicting_rows, ROWS, "a slice along axis 1: [:, first : end]")
def last_row_of_the_prefix_for_all(logits, P):
    return logits[:, P - 1 : P].expand(-1, logits.shape[1] - P, -1)


@refused_by(encoder_decoder, "logits", "not written yet", "run its cell again, then this check")
class ForwardNotWritten(Given):
    def forward(self, prefix, targets):
        raise NotImplementedError()


@refused_by(encoder_decoder, "logits", "the function has no `return`.")
class ReturnForgotten(Given):
    def forward(self, prefix, targets):
        logits, loss = self.decoder(targets, targets, hidden_cache=self.encoder(prefix, return_hidden=True))


@refused_by(encoder_decoder, "logits", "already returns both when it is given targets")
class LogitsAlone(Given):
    def forward(self, prefix, targets):
        return self.decoder(targets, targets, hidden_cache=self.encoder(prefix, return_hidden=True))[0]


@refused_by(encoder_decoder, "logits", "the loss comes first", "swap them.")
class LossFirst(Given):
    def forward(self, prefix, targets):
        logits, loss = self.decoder(targets, targets, hidden_cache=self.encoder(prefix, return_hidden=True))
        return loss, logits


@refused_by(encoder_decoder, "logits", "without return_hidden=True the encoder returns a pair")
class ReturnHiddenForgotten(Given):
    def forward(self, prefix, targets):
        return self.decoder(targets, targets, hidden_cache=self.encoder(prefix))


@refused_by(encoder_decoder, "logits", "forward takes two arguments besides self")
class PrefixAlone(Given):
    def forward(self, prefix):
        return self.encoder(prefix, return_hidden=True)


@refused_by(encoder_decoder, "logits", "Without targets the decoder's loss is None")
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
        return self.decoder(targets, targets, hidden_cache=scores if scores.shape == hidden.shape else hidden)


@refused_by(encoder_decoder, "logits", "Pass the cache by its name")
class CacheInThePositionOfTargets(Given):
    def forward(self, prefix, targets):
        return self.decoder(targets, self.encoder(prefix, return_hidden=True))


@refused_by(encoder_decoder, "logits", "a cache of zeros counts as padding from end to end")
class CacheOfZeros(Given):
    def forward(self, prefix, targets):
        hidden = self.encoder(prefix, return_hidden=True)
        return self.decoder(targets, targets, hidden_cache=torch.zeros_like(hidden))


@refused_by(encoder_decoder, "logits", "there are no rows for the prefix")
class RowsOfThePrefixCutOff(Given):
    def forward(self, prefix, targets):
        logits, loss = self.decoder(targets, targets, hidden_cache=self.encoder(prefix, return_hidden=True))
        return logits[:, prefix.shape[1] :], loss


@refused_by(encoder_decoder, "logits", "compare with the two steps")
class HiddenStatesHalved(Given):
    def forward(self, prefix, targets):
        return self.decoder(targets, targets, hidden_cache=self.encoder(prefix, return_hidden=True) / 2)


@refused_by(encoder_decoder, "loss", "the loss is None", "the decoder computes a loss only if it is given targets")
class TargetsNotPassedOn(Given):
    def forward(self, prefix, targets):
        return self.decoder(targets, hidden_cache=self.encoder(prefix, return_hidden=True))


@refused_by(encoder_decoder, "loss", "the decoder computes it: give it the targets twice")
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
        return self.decoder(targets, targets, hidden_cache=cut)


@refused_by(encoder_decoder, "gradient", "cut off from the encoder")
class EncoderDetached(Given):
    def forward(self, prefix, targets):
        hidden = self.encoder(prefix, return_hidden=True).detach()
        return self.decoder(targets, targets, hidden_cache=hidden)


@refused_by(encoder_decoder, "gradient", "the hidden states are cut off from the encoder")
class EncoderWithoutGradient(Given):
    def forward(self, prefix, targets):
        with torch.no_grad():
            hidden = self.encoder(prefix, return_hidden=True)
        return self.decoder(targets, targets, hidden_cache=hidden)


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
        logits, loss = self.decoder(targets, targets, hidden_cache=self.encoder(prefix, return_hidden=True))
        return logits, torch.tensor(loss.item())


@refused_by(encoder_decoder, "gradient", "leave .eval() and .train() to the caller")
class EncoderPutIntoEvaluation(Given):
    def forward(self, prefix, targets):
        self.encoder.eval()
        return self.decoder(targets, targets, hidden_cache=self.encoder(prefix, return_hidden=True))


@refused_by(encoder_decoder, "logits", "cannot assign to field", "do not change a configuration")
class ConfigAssignedTo(Given):
    def __init__(self, encoder_config, decoder_config):
        encoder_config.n_layer = decoder_config.n_layer
        super().__init__(encoder_config, decoder_config)


@refused_by(encoder_decoder, "logits", "has no self.encoder", "keep the __init__ of the exercise as it is")
class NoEncoder(Given):
    def __init__(self, encoder_config, decoder_config):
        super().__init__(encoder_config, decoder_config)
        del self.encoder


class RightForward(Given):
    def forward(self, prefix, targets):
        return self.decoder(targets, targets, hidden_cache=self.encoder(prefix, return_hidden=True))


@refused_by(encoder_decoder, "config", "is no longer what it was", "dataclasses.replace(config, …) makes a changed copy")
class ConfigChanged(RightForward):
    def __init__(self, encoder_config, decoder_config):
        object.__setattr__(encoder_config, "vocab_size", decoder_config.vocab_size)
        super().__init__(encoder_config, decoder_config)


@refused_by(encoder_decoder, "config", "each part is built from its own configuration")
class OneConfigForBoth(RightForward):
    def __init__(self, encoder_config, decoder_config):
        super().__init__(decoder_config, decoder_config)


@refused_by(encoder_decoder, "config", "each part is built from its own configuration")
class EncodersConfigForBoth(RightForward):
    def __init__(self, encoder_config, decoder_config):
        super().__init__(encoder_config, encoder_config)


@refused_by(encoder_decoder, "config", "each part is built from its own configuration")
class ConfigsSwapped(RightForward):
    def __init__(self, encoder_config, decoder_config):
        super().__init__(decoder_config, encoder_config)


@refused_by(encoder_decoder, "copy", "a function is kept on self")
class LambdaOnTheModule(Given):
    """A copy of the module calls the lambda, and that calls the original's encoder."""

    def __init__(self, encoder_config, decoder_config):
        super().__init__(encoder_config, decoder_config)
        self.encode = lambda prefix: self.encoder(prefix, return_hidden=True)

    def forward(self, prefix, targets):
        return self.decoder(targets, targets, hidden_cache=self.encode(prefix))


@refused_by(encoder_decoder, "copy", "keep nothing on self but modules, parameters, numbers and words")
class HiddenKeptOnTheModule(Given):
    """In training the tensor holds its graph, so it cannot be copied."""

    def forward(self, prefix, targets):
        with torch.enable_grad():
            self.hidden = self.encoder(prefix, return_hidden=True)
        return self.decoder(targets, targets, hidden_cache=self.hidden)

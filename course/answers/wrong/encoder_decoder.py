"""Wrong answers to notebook 7."""

import torch
from torch import nn
from torch.nn import functional as F

from answers import refused_by
from ninelives.checks.encoder_decoder import encoder_decoder, predicting_rows
from ninelives.model import Decoder, Encoder


@refused_by(predicting_rows, "rows", "not written yet")
def rows_not_written(logits, P):
    raise NotImplementedError()


@refused_by(predicting_rows, "rows", "the rows of the targets themselves")
def rows_of_the_targets(logits, P):
    return logits[:, P:]


@refused_by(predicting_rows, "rows", "the last row is still there")
def last_row_kept(logits, P):
    return logits[:, P - 1 :]


@refused_by(predicting_rows, "rows", "as many rows as the prefix has")
def rows_of_the_prefix(logits, P):
    return logits[:, :P]


@refused_by(predicting_rows, "rows", "the first T rows")
def first_rows(logits, P):
    return logits[:, : logits.shape[1] - P]


@refused_by(predicting_rows, "rows", "no row has been left out")
def every_row(logits, P):
    return logits


class Given(nn.Module):
    """The constructor that stands in the exercise."""

    def __init__(self, encoder_config, decoder_config):
        super().__init__()
        self.encoder = Encoder(encoder_config)
        self.decoder = Decoder(decoder_config)


@refused_by(encoder_decoder, "logits", "not written yet")
class ForwardNotWritten(Given):
    def forward(self, prefix, targets):
        raise NotImplementedError()


@refused_by(encoder_decoder, "logits", "has no `return`")
class ReturnForgotten(Given):
    def forward(self, prefix, targets):
        logits, loss = self.decoder(targets, targets, hidden_cache=self.encoder(prefix, return_hidden=True))


@refused_by(encoder_decoder, "logits", "already gives both when it is given targets")
class LogitsAlone(Given):
    def forward(self, prefix, targets):
        return self.decoder(targets, targets, hidden_cache=self.encoder(prefix, return_hidden=True))[0]


@refused_by(encoder_decoder, "logits", "change their order")
class LossFirst(Given):
    def forward(self, prefix, targets):
        logits, loss = self.decoder(targets, targets, hidden_cache=self.encoder(prefix, return_hidden=True))
        return loss, logits


@refused_by(encoder_decoder, "logits", "without return_hidden=True the encoder gives two things")
class ReturnHiddenForgotten(Given):
    def forward(self, prefix, targets):
        return self.decoder(targets, targets, hidden_cache=self.encoder(prefix))


@refused_by(encoder_decoder, "logits", "these are the encoder's scores")
class ScoresAsCache(Given):
    def forward(self, prefix, targets):
        scores, _ = self.encoder(prefix)
        return self.decoder(targets, targets, hidden_cache=scores)


@refused_by(encoder_decoder, "logits", "these are the encoder's scores")
class ScoresCutToTheRightWidth(Given):
    """Raises nothing; where the vocabulary is as large as n_embd it cuts nothing."""

    def forward(self, prefix, targets):
        hidden = self.encoder(prefix, return_hidden=True)
        scores, _ = self.encoder(prefix)
        return self.decoder(targets, targets, hidden_cache=scores if scores.shape == hidden.shape else hidden)


@refused_by(encoder_decoder, "logits", "there are no rows for the prefix")
class DecoderWithoutCache(Given):
    def forward(self, prefix, targets):
        hidden = self.encoder(prefix, return_hidden=True)
        return self.decoder(targets, targets)


@refused_by(encoder_decoder, "logits", "the encoder is fed the targets")
class EncoderFedTheTargets(Given):
    def forward(self, prefix, targets):
        return self.decoder(targets, targets, hidden_cache=self.encoder(targets, return_hidden=True))


@refused_by(encoder_decoder, "logits", "have changed places")
class PrefixAndTargetsSwapped(Given):
    def forward(self, prefix, targets):
        return self.decoder(prefix, prefix, hidden_cache=self.encoder(targets, return_hidden=True))


@refused_by(encoder_decoder, "logits", "read as one text by the decoder")
class OneText(Given):
    def forward(self, prefix, targets):
        return self.decoder(torch.cat([prefix, targets], dim=1), torch.cat([prefix, targets], dim=1))


@refused_by(encoder_decoder, "logits", "Pass the cache by its name")
class CacheInThePlaceOfTargets(Given):
    def forward(self, prefix, targets):
        return self.decoder(targets, self.encoder(prefix, return_hidden=True))


@refused_by(encoder_decoder, "logits", "the cache holds the encoder's embeddings")
class EmbeddingsAsCache(Given):
    def forward(self, prefix, targets):
        return self.decoder(targets, targets, hidden_cache=self.encoder.layers["embedding"](prefix))


@refused_by(encoder_decoder, "logits", "the cache has a single row")
class LastTokenAsCache(Given):
    def forward(self, prefix, targets):
        return self.decoder(targets, targets, hidden_cache=self.encoder(prefix, return_hidden=True)[:, -1:])


@refused_by(encoder_decoder, "logits", "a cache of zeros is padding from end to end")
class CacheOfZeros(Given):
    def forward(self, prefix, targets):
        hidden = self.encoder(prefix, return_hidden=True)
        return self.decoder(targets, targets, hidden_cache=torch.zeros_like(hidden))


@refused_by(encoder_decoder, "logits", "every row of the cache is the mean of the sentence")
class MeanAsCache(Given):
    def forward(self, prefix, targets):
        hidden = self.encoder(prefix, return_hidden=True)
        return self.decoder(targets, targets, hidden_cache=hidden.mean(1, keepdim=True).expand_as(hidden))


@refused_by(encoder_decoder, "logits", "the hidden states of the first")
class FirstExampleForAll(Given):
    def forward(self, prefix, targets):
        hidden = self.encoder(prefix[:1], return_hidden=True)
        return self.decoder(targets, targets, hidden_cache=hidden.expand(len(prefix), -1, -1))


@refused_by(encoder_decoder, "logits", "which cannot look ahead")
class DecoderReadsThePrefix(Given):
    def forward(self, prefix, targets):
        return self.decoder(targets, targets, hidden_cache=self.decoder(prefix, return_hidden=True))


@refused_by(encoder_decoder, "logits", "been through a softmax")
class ProbabilitiesReturned(Given):
    def forward(self, prefix, targets):
        logits, loss = self.decoder(targets, targets, hidden_cache=self.encoder(prefix, return_hidden=True))
        return logits.softmax(-1), loss


@refused_by(encoder_decoder, "logits", "these are hidden states")
class HiddenReturned(Given):
    def forward(self, prefix, targets):
        hidden = self.encoder(prefix, return_hidden=True)
        return self.decoder(targets, hidden_cache=hidden, return_hidden=True), torch.zeros(())


@refused_by(encoder_decoder, "logits", "there are no rows for the prefix")
class RowsOfThePrefixCutOff(Given):
    def forward(self, prefix, targets):
        logits, loss = self.decoder(targets, targets, hidden_cache=self.encoder(prefix, return_hidden=True))
        return logits[:, prefix.shape[1] :], loss


@refused_by(encoder_decoder, "logits", "one row is missing")
class TargetsShifted(Given):
    """As a decoder alone would be trained: all targets but the last in, all but the first out."""

    def forward(self, prefix, targets):
        hidden = self.encoder(prefix, return_hidden=True)
        return self.decoder(targets[:, :-1], targets[:, 1:], hidden_cache=hidden)


class OwnLoss(Given):
    """The right logits, from which a loss is computed by hand."""

    def logits(self, prefix, targets):
        return self.decoder(targets, hidden_cache=self.encoder(prefix, return_hidden=True))[0]


@refused_by(encoder_decoder, "loss", "the loss is None")
class TargetsNotHandedOn(OwnLoss):
    def forward(self, prefix, targets):
        return self.decoder(targets, hidden_cache=self.encoder(prefix, return_hidden=True))


@refused_by(encoder_decoder, "loss", "each row is compared with its own word")
class LossOneRowLate(OwnLoss):
    def forward(self, prefix, targets):
        logits = self.logits(prefix, targets)
        return logits, F.cross_entropy(logits[:, prefix.shape[1] :].transpose(1, 2), targets, ignore_index=-1)


@refused_by(encoder_decoder, "loss", "the first target is left out")
class FirstTargetLeftOut(OwnLoss):
    def forward(self, prefix, targets):
        logits = self.logits(prefix, targets)
        return logits, F.cross_entropy(logits[:, prefix.shape[1] : -1].transpose(1, 2), targets[:, 1:], ignore_index=-1)


@refused_by(encoder_decoder, "loss", "padding counts as if it were word 0")
class PaddedTargetsCounted(OwnLoss):
    def forward(self, prefix, targets):
        logits = self.logits(prefix, targets)
        return logits, F.cross_entropy(logits[:, prefix.shape[1] - 1 : -1].transpose(1, 2), targets.clamp(min=0))


@refused_by(encoder_decoder, "loss", "added up")
class LossesAddedUp(OwnLoss):
    def forward(self, prefix, targets):
        logits = self.logits(prefix, targets)
        rows = logits[:, prefix.shape[1] - 1 : -1].transpose(1, 2)
        return logits, F.cross_entropy(rows, targets, ignore_index=-1, reduction="sum")


@refused_by(encoder_decoder, "loss", "divided by the number of places")
class PaddingInTheMean(OwnLoss):
    def forward(self, prefix, targets):
        logits = self.logits(prefix, targets)
        rows = logits[:, prefix.shape[1] - 1 : -1].transpose(1, 2)
        return logits, F.cross_entropy(rows, targets, ignore_index=-1, reduction="none").mean()


@refused_by(encoder_decoder, "loss", "first the mean of each example")
class MeanOfMeans(OwnLoss):
    def forward(self, prefix, targets):
        logits = self.logits(prefix, targets)
        rows = logits[:, prefix.shape[1] - 1 : -1].transpose(1, 2)
        costs = F.cross_entropy(rows, targets, ignore_index=-1, reduction="none")
        return logits, (costs.sum(1) / (targets != -1).sum(1)).mean()


@refused_by(encoder_decoder, "padding", "padding is turned into word 0")
class PaddingReadAsAWord(Given):
    def forward(self, prefix, targets):
        hidden = self.encoder(prefix.clamp(min=0), return_hidden=True)
        return self.decoder(targets, targets, hidden_cache=hidden)


@refused_by(encoder_decoder, "padding", "the rows of padding are no longer zeros")
class PaddingFilled(Given):
    """Where the scaffold's defect lay: what stands at padding leaks through the cache."""

    def forward(self, prefix, targets):
        kept = []
        hook = self.encoder.layers["norm"].register_forward_hook(lambda layer, arguments, hidden: kept.append(hidden))
        self.encoder(prefix)
        hook.remove()
        return self.decoder(targets, targets, hidden_cache=kept[0])


@refused_by(encoder_decoder, "padding", "as they are")
class CutToTheShortest(Given):
    def forward(self, prefix, targets):
        hidden = self.encoder(prefix, return_hidden=True)
        shortest = int((prefix != -1).sum(1).min())
        return self.decoder(targets, targets, hidden_cache=F.pad(hidden[:, :shortest], (0, 0, 0, prefix.shape[1] - shortest)))


@refused_by(encoder_decoder, "gradient", "cut off from the encoder")
class EncoderDetached(Given):
    def forward(self, prefix, targets):
        hidden = self.encoder(prefix, return_hidden=True).detach()
        return self.decoder(targets, targets, hidden_cache=hidden)


@refused_by(encoder_decoder, "gradient", "cut off from the encoder")
class EncoderWithoutGradient(Given):
    def forward(self, prefix, targets):
        with torch.no_grad():
            hidden = self.encoder(prefix, return_hidden=True)
        return self.decoder(targets, targets, hidden_cache=hidden)


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


@refused_by(encoder_decoder, "logits", "a configuration is not to be changed")
class ConfigAssignedTo(Given):
    def __init__(self, encoder_config, decoder_config):
        encoder_config.n_layer = decoder_config.n_layer
        super().__init__(encoder_config, decoder_config)


class RightForward(Given):
    def forward(self, prefix, targets):
        return self.decoder(targets, targets, hidden_cache=self.encoder(prefix, return_hidden=True))


@refused_by(encoder_decoder, "config", "is no longer what it was")
class ConfigChanged(RightForward):
    def __init__(self, encoder_config, decoder_config):
        object.__setattr__(encoder_config, "vocab_size", decoder_config.vocab_size)
        super().__init__(encoder_config, decoder_config)


@refused_by(encoder_decoder, "config", "built from one configuration")
class OneConfigForBoth(RightForward):
    def __init__(self, encoder_config, decoder_config):
        super().__init__(decoder_config, decoder_config)


@refused_by(encoder_decoder, "config", "built from one configuration")
class EncodersConfigForBoth(RightForward):
    def __init__(self, encoder_config, decoder_config):
        super().__init__(encoder_config, encoder_config)


@refused_by(encoder_decoder, "logits", "has no self.encoder")
class NoEncoder(Given):
    def __init__(self, encoder_config, decoder_config):
        super().__init__(encoder_config, decoder_config)
        del self.encoder


@refused_by(encoder_decoder, "copy", "a function is kept on self")
class LambdaOnTheModule(Given):
    """Where the scaffold's defect lay: a copy of the module calls the lambda, and that calls the original's encoder."""

    def __init__(self, encoder_config, decoder_config):
        super().__init__(encoder_config, decoder_config)
        self.encode = lambda prefix: self.encoder(prefix, return_hidden=True)

    def forward(self, prefix, targets):
        return self.decoder(targets, targets, hidden_cache=self.encode(prefix))


@refused_by(encoder_decoder, "copy", "a tensor made by forward has no place there")
class HiddenKeptOnTheModule(Given):
    """Its graph hangs on the tensor, which therefore cannot be copied once it was made in training."""

    def forward(self, prefix, targets):
        with torch.enable_grad():
            self.hidden = self.encoder(prefix, return_hidden=True)
        return self.decoder(targets, targets, hidden_cache=self.hidden)

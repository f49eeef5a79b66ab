"""Right answers to notebook 7, each in its own way."""

from functools import partial

import torch
from torch import nn
from torch.nn import functional as F

from answers import accepted_by
from ninelives.checks.encoder_decoder import encoder_decoder, predicting_rows
from ninelives.checks.prefix_decoder import GivenPrefixDecoder
from ninelives.model import Encoder


@accepted_by(predicting_rows)
def a_slice(logits, P):
    return logits[:, P - 1 : -1]


@accepted_by(predicting_rows)
def the_last_rows_but_one(logits, P):
    T = logits.shape[1] - P
    return logits[:, -T - 1 : -1, :]


@accepted_by(predicting_rows)
def chosen_by_their_positions(logits, P):
    return logits.index_select(1, torch.arange(P, logits.shape[1]) - 1)


@accepted_by(predicting_rows)
def narrowed(logits, P):
    return logits.narrow(1, P - 1, logits.shape[1] - P)


@accepted_by(predicting_rows)
def stacked_one_by_one(logits, P):
    return torch.stack([logits[:, row] for row in range(P - 1, logits.shape[1] - 1)], dim=1)


@accepted_by(predicting_rows)
def split_in_three(logits, P):
    return logits.split([P - 1, logits.shape[1] - P, 1], dim=1)[1]


class Given(nn.Module):
    """The constructor that the exercise gives."""

    def __init__(self, encoder_config, decoder_config):
        super().__init__()
        self.encoder = Encoder(encoder_config)
        self.decoder = GivenPrefixDecoder(decoder_config)

    def answer(self, hidden_cache, targets):
        """(logits, loss) from any cache."""
        logits, _ = self.decoder(targets, hidden_cache=hidden_cache)
        rows = logits[:, hidden_cache.shape[1] - 1 : -1]
        return logits, F.cross_entropy(rows.flatten(0, 1), targets.flatten(), ignore_index=-1)


@accepted_by(encoder_decoder)
class HiddenThenDecoder(Given):
    def forward(self, prefix, targets):
        hidden_cache = self.encoder(prefix, return_hidden=True)
        logits, _ = self.decoder(targets, hidden_cache=hidden_cache)
        rows = a_slice(logits, prefix.shape[1])
        return logits, F.cross_entropy(rows.flatten(0, 1), targets.flatten(), ignore_index=-1)


@accepted_by(encoder_decoder)
class ByPosition(Given):
    def forward(self, prefix, targets):
        logits, _ = self.decoder(targets, None, self.encoder(prefix, None, None, True))
        return logits, F.cross_entropy(logits[:, prefix.shape[1] - 1 : -1].mT, targets, ignore_index=-1)


@accepted_by(encoder_decoder)
class LossByHand(Given):
    def forward(self, prefix, targets):
        P = prefix.shape[1]
        logits, _ = self.decoder(targets, hidden_cache=self.encoder(prefix, return_hidden=True))
        wanted = targets != -1
        chosen = logits[:, P - 1 : -1].log_softmax(-1).gather(2, targets.clamp(min=0).unsqueeze(-1)).squeeze(-1)
        return logits, -(chosen * wanted).sum() / wanted.sum()


@accepted_by(encoder_decoder)
class HooksTheNorm(Given):
    """A hook takes the hidden states from the norm, and padding is set to zero by hand."""

    def forward(self, prefix, targets):
        kept = []
        hook = self.encoder.layers["norm"].register_forward_hook(lambda layer, arguments, hidden: kept.append(hidden))
        self.encoder(prefix)
        hook.remove()
        return self.answer(kept[0] * (prefix != -1).unsqueeze(-1), targets)


@accepted_by(encoder_decoder)
class ExampleByExample(Given):
    """Each prefix encoded alone, without its padding; then zeros are put before each cache."""

    def forward(self, prefix, targets):
        caches = []
        for words in prefix:
            hidden = self.encoder(words[words != -1].unsqueeze(0), return_hidden=True)
            caches.append(F.pad(hidden, (0, 0, prefix.shape[1] - hidden.shape[1], 0)))
        return self.answer(torch.cat(caches), targets)


@accepted_by(encoder_decoder)
class PartsUnderOtherNamesToo(Given):
    def __init__(self, encoder_config, decoder_config):
        super().__init__(encoder_config, decoder_config)
        self.width = encoder_config.n_embd

    def encode(self, prefix):
        return self.encoder(prefix, return_hidden=True).view(*prefix.shape, self.width)

    def forward(self, prefix, targets):
        return self.answer(self.encode(prefix), targets)


@accepted_by(encoder_decoder)
class EncoderKeptAsAPartial(Given):
    def __init__(self, encoder_config, decoder_config):
        super().__init__(encoder_config, decoder_config)
        self.encode = partial(self.encoder, return_hidden=True)

    def forward(self, prefix, targets):
        return self.answer(self.encode(prefix), targets)


@accepted_by(encoder_decoder)
class ForwardOfTheDecoderKept(Given):
    def __init__(self, encoder_config, decoder_config):
        super().__init__(encoder_config, decoder_config)
        self.decode = self.decoder.forward

    def forward(self, prefix, targets):
        logits, _ = self.decode(targets, hidden_cache=self.encoder(prefix, return_hidden=True))
        T = targets.size(1)
        log_p = logits[:, -T - 1 : -1].log_softmax(-1)
        return logits, F.nll_loss(log_p.reshape(-1, log_p.shape[-1]), targets.reshape(-1), ignore_index=-1)


@accepted_by(encoder_decoder)
class PaddedTargets(Given):
    """Rows that predict nothing get the target −1, in place of a slice."""

    def forward(self, prefix, targets):
        logits, _ = self.decoder(targets, hidden_cache=self.encoder(prefix, return_hidden=True))
        wanted = F.pad(targets, (prefix.shape[1] - 1, 1), value=-1)
        return logits, F.cross_entropy(logits.flatten(0, 1), wanted.flatten(), ignore_index=-1)

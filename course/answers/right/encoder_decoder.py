"""Right answers to notebook 7, each in its own way."""

import torch
from torch import nn
from torch.nn import functional as F

from answers import accepted_by
from ninelives.checks.encoder_decoder import encoder_decoder, predicting_rows
from ninelives.model import Decoder, Encoder


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


class Given(nn.Module):
    """The constructor that the exercise gives."""

    def __init__(self, encoder_config, decoder_config):
        super().__init__()
        self.encoder = Encoder(encoder_config)
        self.decoder = Decoder(decoder_config)


@accepted_by(encoder_decoder)
class HiddenThenDecoder(Given):
    def forward(self, prefix, targets):
        hidden_cache = self.encoder(prefix, return_hidden=True)
        return self.decoder(targets, targets, hidden_cache=hidden_cache)


@accepted_by(encoder_decoder)
class ByPosition(Given):
    def forward(self, prefix, targets):
        return self.decoder(targets, targets, self.encoder(prefix, None, None, True))


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
        return self.decoder(targets, targets, hidden_cache=kept[0] * (prefix != -1).unsqueeze(-1))


@accepted_by(encoder_decoder)
class ExampleByExample(Given):
    """Each prefix encoded alone, without its padding; then zeros are put before each cache."""

    def forward(self, prefix, targets):
        caches = []
        for words in prefix:
            hidden = self.encoder(words[words != -1].unsqueeze(0), return_hidden=True)
            caches.append(F.pad(hidden, (0, 0, prefix.shape[1] - hidden.shape[1], 0)))
        return self.decoder(targets, targets, hidden_cache=torch.cat(caches))


@accepted_by(encoder_decoder)
class PartsUnderOtherNamesToo(Given):
    def __init__(self, encoder_config, decoder_config):
        super().__init__(encoder_config, decoder_config)
        self.width = encoder_config.n_embd

    def encode(self, prefix):
        return self.encoder(prefix, return_hidden=True).view(*prefix.shape, self.width)

    def forward(self, prefix, targets):
        logits, loss = self.decoder(idx=targets, targets=targets, hidden_cache=self.encode(prefix))
        return logits, loss

"""One Transformer reads, the other writes (notebook 7)."""

import torch
from torch import nn
from torch.nn import functional as F

from ninelives.config import TransformerConfig
from ninelives.model.decoder import Decoder
from ninelives.model.encoder import Encoder
from ninelives.model.validation import check_answers, check_prefix


class EncoderDecoder(nn.Module):
    """An encoder's hidden states, placed before a decoder's tokens.

    The decoder attends to both with the same heads, where Vaswani et al. 2017
    (section 3.2.3) give each block a second attention for the encoder.

    Example::

        from ninelives import weights
        from ninelives.text import sentences
        from ninelives.training import translation_batch

        model, tokenizer = weights.load("translator")
        prefix, targets = translation_batch(sentences("held out", 4), tokenizer)  # (4, P), (4, T)
        logits, loss = model(prefix, targets)
    """

    def __init__(self, encoder_config: TransformerConfig, decoder_config: TransformerConfig) -> None:
        super().__init__()
        if encoder_config.n_embd != decoder_config.n_embd:
            raise ValueError(
                f"the encoder's n_embd is {encoder_config.n_embd} and the decoder's {decoder_config.n_embd}: "
                f"the decoder reads the encoder's vectors, so both must have the same width."
            )
        self.encoder = Encoder(encoder_config)
        self.decoder = Decoder(decoder_config)

    def forward(self, prefix: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Score an answer to a prefix.

        Args:
            prefix: (B, P) int64, -1 where it is padded at its end.
            targets: (B, T) int64, the answer, -1 where it is padded at its end.

        Returns:
            (logits, loss): logits (B, P + T, vocab_size), of which row P - 1
            predicts targets[:, 0]; loss a scalar, the mean cross-entropy over
            all targets that are not -1, NaN where T is 0.

        Raises:
            ValueError: the prefix is empty; a row of prefix or targets is all
                padding, or has padding before a token; prefix and targets have
                different numbers of rows; or what `Transformer.forward` raises.
        """
        check_answers(prefix, targets)
        check_prefix(prefix)
        hidden_cache = self.encoder(prefix, return_hidden=True)  # (B, P, C)
        logits, _ = self.decoder(targets, hidden_cache=hidden_cache)  # (B, P + T, V)
        rows = logits[:, prefix.shape[1] - 1 : -1]  # (B, T, V), the last row of the prefix predicts the first target
        return logits, F.cross_entropy(rows.flatten(0, 1), targets.flatten().long(), ignore_index=-1)

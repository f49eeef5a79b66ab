"""One Transformer reads, the other writes (notebook 7)."""

import torch
from torch import nn

from ninelives.config import TransformerConfig
from ninelives.model.decoder import Decoder
from ninelives.model.encoder import Encoder
from ninelives.model.transformer import attentions, in_eval_mode, refuse_bad_padding


class EncoderDecoder(nn.Module):
    """An encoder's hidden states, put before a decoder's tokens.

    The decoder attends to both with the same heads, where Vaswani et al. 2017
    (section 3.2.3) give each block a second attention for the encoder.
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

    def forward(
        self, prefix: torch.Tensor, targets: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
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
                padding, or padded elsewhere than at its end; there are not as
                many targets as prefixes; or what `Transformer.forward` raises.
        """
        if len(prefix) != len(targets):
            raise ValueError(
                f"prefix has {len(prefix)} {'row' if len(prefix) == 1 else 'rows'} and targets has {len(targets)}: "
                f"there must be one answer for each prefix."
            )
        if targets.dim() == 2:
            refuse_bad_padding(targets != -1, "targets")
        hidden_cache = self.encoder(checked_prefix(prefix), return_hidden=True)  # (B, P, C)
        return self.decoder(targets, targets, hidden_cache=hidden_cache)


def checked_prefix(prefix: torch.Tensor) -> torch.Tensor:
    """The prefix (B, P) itself, once every sequence of it holds a token. Raises ValueError."""
    if prefix.shape[-1] == 0:
        raise ValueError(
            f"the prefix is empty, of shape {tuple(prefix.shape)}: its last row predicts the first word of the answer, "
            f"so there must be at least one token."
        )
    if prefix.dim() == 2:  # what is none is refused where it is embedded
        refuse_bad_padding(prefix != -1, "prefix")
    return prefix


def answer_attentions(model: nn.Module, prefix: torch.Tensor, targets: torch.Tensor) -> list[torch.Tensor]:
    """Where a decoder looks when it writes each word of an answer, for pictures.

    Row t is the row that predicts targets[:, t]; the last one predicts what comes
    after the answer. So a word's row is that of the word *before* it.

    Args:
        model: an encoder-decoder, the package's or a learner's own, whose decoder
            `attentions` can read; it is left in the mode it was in.
        prefix: (B, P) int64. Of a padded prefix the columns begin with the padding.
        targets: (B, T) int64.

    Returns:
        One tensor for each layer, (B, n_head, T + 1, P + T); every row sums to 1.
        The columns are the words of the prefix, then those of the answer.

    Raises:
        ValueError: what the model's encoder and decoder raise.
    """
    with torch.no_grad(), in_eval_mode(model.encoder):
        hidden_cache = model.encoder(checked_prefix(prefix), return_hidden=True)  # (B, P, C)
    first = prefix.shape[1] - 1
    return [weights[:, :, first:] for weights in attentions(model.decoder, targets, hidden_cache)]

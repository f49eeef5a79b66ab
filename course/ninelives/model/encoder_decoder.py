"""One Transformer reads, the other writes (notebook 7)."""

import torch
from torch import nn

from ninelives.config import TransformerConfig
from ninelives.model.decoder import Decoder
from ninelives.model.encoder import Encoder


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
        checked_prefix(prefix)
        checked_texts(targets, "targets")
        if len(prefix) != len(targets):
            raise ValueError(
                f"prefix has {len(prefix)} {_rows(prefix)} and targets has {len(targets)}: "
                f"there must be one answer for each prefix."
            )
        hidden_cache = self.encoder(prefix, return_hidden=True)  # (B, P, C)
        return self.decoder(targets, targets, hidden_cache=hidden_cache)


def checked_prefix(prefix: torch.Tensor) -> None:
    """Refuse a prefix (B, P) that holds no token, or in a row none. Raises ValueError."""
    if prefix.dim() == 2 and prefix.shape[1] == 0:
        raise ValueError(
            f"the prefix is empty, of shape {tuple(prefix.shape)}: its last row predicts the first word of the answer, "
            f"so there must be at least one token."
        )
    checked_texts(prefix, "prefix")


def checked_texts(idx: torch.Tensor, name: str) -> None:
    """Refuse a batch of padded texts (B, T) in which a row does not begin with a token. Raises ValueError."""
    if idx.dim() != 2:
        raise ValueError(f"{name} has shape {tuple(idx.shape)}: (B, T) is wanted, one row for each text.")
    # What the rows hold is only known at run time, which a compiled graph cannot branch on.
    if torch.compiler.is_compiling() or idx.is_meta or idx.shape[1] == 0:
        return
    is_token = idx != -1  # (B, T)
    empty = ~is_token.any(dim=1)  # (B,)
    if empty.any():
        raise ValueError(
            f"row {int(empty.int().argmax())} of {name} holds nothing but padding (-1): "
            f"every row must have at least one token."
        )
    late = (is_token[:, 1:] & ~is_token[:, :-1]).any(dim=1)  # (B,)
    if late.any():
        row = int(late.int().argmax())
        raise ValueError(
            f"row {row} of {name}, {idx[row].tolist()}, has a token behind padding (-1): padding stands at the end."
        )


def _rows(idx: torch.Tensor) -> str:
    return "row" if len(idx) == 1 else "rows"


@torch.no_grad()
def answer_attentions(model: nn.Module, prefix: torch.Tensor, targets: torch.Tensor) -> list[torch.Tensor]:
    """Where a decoder looks when it writes each word of an answer.

    Row t is the row that predicts targets[:, t]; the last one predicts what comes
    after the answer. So a word's row is that of the word *before* it.

    Args:
        model: an encoder-decoder, the package's or a learner's own, whose
            `decoder.layers["blocks"]` have an `attention` with the method
            `attention_weights`, or which keeps `weights` in its forward.
        prefix: (B, P) int64. Of a padded prefix the columns begin with the padding.
        targets: (B, T) int64.

    Returns:
        One tensor for each layer, (B, n_head, T + 1, P + T); every row sums to 1.
        The columns are the words of the prefix, then those of the answer.

    Raises:
        ValueError: what `EncoderDecoder.forward` raises.
    """
    P, found = prefix.shape[1], []

    def keep(attention, arguments, settings, output):
        # A learner's attention keeps its weights in forward (notebook 2).
        kept = getattr(attention, "weights", None)
        found.append(attention.attention_weights(*arguments, **settings) if kept is None else kept)

    hooks = [
        block.attention.register_forward_hook(keep, with_kwargs=True) for block in model.decoder.layers["blocks"]
    ]
    modes = [(module, module.training) for module in model.modules()]
    try:
        model.eval()(prefix, targets)
    finally:
        for module, was_training in modes:
            module.training = was_training
        for hook in hooks:
            hook.remove()
    return [weights[:, :, P - 1 :] for weights in found]  # L of (B, H, T + 1, P + T)

"""A decoder that remembers what it has read, for a `generate` that knows nothing of caches."""

import torch
from torch import nn

from ninelives.model.attention import KeyValueCache
from ninelives.model.decoder import Decoder


class CachedDecoder(nn.Module):
    """A decoder that keeps the keys and values of the text it was given last.

    The loop of notebook 6 gives its model a longer text at each step. If the text begins with the last one, only the new
    tokens go through the blocks.

    Args:
        decoder: a `Decoder`, or a decoder of today, whose attention takes a `KeyValueCache`. Its weights must not change.
    """

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.decoder, self.config = decoder, decoder.config
        self.text, self.caches = None, []

    @torch.no_grad()
    def forward(self, idx: torch.Tensor) -> tuple[torch.Tensor, None]:
        """(B, T) int64 to (logits, None): of the R new tokens alone, (B, R, V). The last row is that of the whole text.

        Raises:
            ValueError: the text is empty, or what the decoder raises.
        """
        if idx.shape[-1] == 0:
            raise ValueError("the text is empty, and the next word needs one to follow: begin with at least one token.")
        if self.text is None or not self._begins_with_the_last(idx):
            self.caches = [KeyValueCache(self.config.block_size) for _ in self.decoder.layers["blocks"]]
        self.text = None  # an error below leaves the caches half filled
        x = self.decoder.hidden_states(idx, caches=self.caches)  # (B, R, C)
        self.text = idx.clone()  # (B, T)
        return self.decoder.lm_head(x), None

    def _begins_with_the_last(self, idx: torch.Tensor) -> bool:
        rows, length = self.text.shape
        return len(idx) == rows and idx.shape[1] > length and torch.equal(idx[:, :length], self.text)

"""The sizes of a Transformer, in one place."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TransformerConfig:
    """The sizes that every part of the model is built from.

    Args:
        vocab_size: the number of different tokens; ids run from 0 to vocab_size - 1.
        block_size: the longest sequence the model can read, in tokens.
        n_embd: the length of a token's vector (d_model in "Attention Is All You
            Need", section 3).
        n_head: how many attention heads share the n_embd channels.
        n_layer: the number of Transformer blocks.
        dropout: the probability with which a value is dropped in training.

    Raises:
        ValueError: a size is not a positive whole number, n_embd is not a
            multiple of n_head, or dropout is outside [0, 1].

    Example::

        from ninelives.config import TransformerConfig

        config = TransformerConfig(vocab_size=100, block_size=32, n_embd=64, n_head=4, n_layer=2)
        config.head_size  # 16
    """

    vocab_size: int
    block_size: int
    n_embd: int = 64
    n_head: int = 2
    n_layer: int = 4
    dropout: float = 0.1

    def __post_init__(self) -> None:
        for name in ("vocab_size", "block_size", "n_embd", "n_head", "n_layer"):
            size = getattr(self, name)
            if not isinstance(size, int) or size < 1:
                raise ValueError(f"{name} is {size!r}: it must be a whole number of at least 1.")
        if self.n_embd % self.n_head:
            raise ValueError(
                f"n_embd is {self.n_embd} and n_head is {self.n_head}: each head gets "
                f"n_embd / n_head channels, so n_embd must be a multiple of n_head."
            )
        if not 0 <= self.dropout <= 1:
            raise ValueError(f"dropout is {self.dropout}: it must be a probability from 0 to 1.")

    @property
    def head_size(self) -> int:
        """Channels per head, n_embd // n_head."""
        return self.n_embd // self.n_head

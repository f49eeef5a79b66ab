"""Words and their places become vectors (notebook 1)."""

import torch
from torch import nn

from ninelives.config import TransformerConfig


def position_indices(idx: torch.Tensor) -> torch.Tensor:
    """The place of every token in its own sequence: 0, 1, … T - 1 in each row.

    Args:
        idx: (B, T) int64, token ids.

    Returns:
        (B, T) int64 on the device of `idx`.
    """
    B, T = idx.shape
    return torch.arange(T, device=idx.device).unsqueeze(0).expand(B, T)  # (B, T)


class Embedding(nn.Module):
    """The sum of a token's vector and its position's vector.

    Source: Vaswani et al. 2017, "Attention Is All You Need", sections 3.4 and
    3.5, with learned positions as in BERT (Devlin et al. 2018, section 3.2).
    """

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.token = nn.Embedding(config.vocab_size, config.n_embd)
        self.position = nn.Embedding(config.block_size, config.n_embd)

    def forward(self, idx: torch.Tensor) -> torch.Tensor:
        """Embed token ids.

        Args:
            idx: (B, T) int64, ids from 0 to vocab_size - 1, or -1 where a
                sequence is padded. A padded place gets the vector of some
                token, which an attention mask later hides.

        Returns:
            (B, T, n_embd), the dtype of the weights.

        Raises:
            ValueError: idx is no (B, T) of whole numbers, T is above block_size,
                or an id is outside the vocabulary.
        """
        self._refuse_bad(idx)
        token = self.token(idx.clamp(min=0))  # (B, T, C)
        position = self.position(position_indices(idx[:1]))  # (1, T, C), the same for all sequences
        return token + position  # (B, T, C)

    def _refuse_bad(self, idx: torch.Tensor) -> None:
        block_size, vocab_size = self.position.num_embeddings, self.token.num_embeddings
        if idx.dim() != 2:
            raise ValueError(
                f"idx has shape {tuple(idx.shape)}: (B, T) is wanted"
                + (", and idx.unsqueeze(0) makes a batch of one sequence." if idx.dim() == 1 else ".")
            )
        if idx.is_floating_point() or idx.dtype == torch.bool:
            raise ValueError(f"idx has dtype {idx.dtype}: ids are whole numbers (torch.int64).")
        if idx.shape[1] > block_size:
            raise ValueError(
                f"the sequence has {idx.shape[1]} tokens and the model reads at most "
                f"block_size = {block_size}: shorten it, or build the model with a larger block_size."
            )
        # The ids are only known at run time, which a compiled graph cannot branch on; on the meta device there are none.
        if torch.compiler.is_compiling() or idx.is_meta or not idx.numel():
            return
        low, high = idx.min().item(), idx.max().item()
        if low < -1 or high >= vocab_size:
            raise ValueError(
                f"idx holds {low if low < -1 else high}: ids run from 0 to {vocab_size - 1} "
                f"(vocab_size = {vocab_size}), and -1 marks padding."
            )

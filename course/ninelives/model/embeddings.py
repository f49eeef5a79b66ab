"""Words and their positions become vectors (notebook 1)."""

import torch
from torch import nn

from ninelives.config import TransformerConfig
from ninelives.model.validation import check_ids


def position_indices(idx: torch.Tensor) -> torch.Tensor:
    """The position of every token in its own sequence: 0, 1, … T - 1 in each row.

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
                sequence is padded. A padded position gets the vector of token
                0, which an attention mask hides later.

        Returns:
            (B, T, n_embd), the dtype of the weights.

        Raises:
            ValueError: idx is not (B, T) whole numbers, T is above block_size,
                or an id is outside the vocabulary.
        """
        check_ids(idx, self.position.num_embeddings, self.token.num_embeddings)
        token = self.token(idx.clamp(min=0))  # (B, T, C)
        position = self.position(position_indices(idx[:1]))  # (1, T, C), the same for all sequences
        return token + position  # (B, T, C)

"""BERT's encoder: the Encoder of notebook 4 with three changes, and one vector for a sentence (lab `bert`).

=============================================  ==============================================
here, as in notebooks 1 to 4                   BERT (Devlin et al. 2018)
=============================================  ==============================================
token + position                               token + position + type, and a norm of the sum
pre-norm blocks, one more norm after the last  post-norm blocks, nothing after the last
`lm_head`, a score for every word              none: the hidden states are what is wanted
=============================================  ==============================================

The names of layers are those of notebooks 1 to 4. Norms add 1e-12 to the variance, where PyTorch's default is 1e-5.
"""

import torch
from torch import nn
from torch.nn import functional as F

from ninelives.config import TransformerConfig
from ninelives.model.embeddings import Embedding
from ninelives.model.encoder import Encoder
from ninelives.model.transformer import TransformerBlock

SEP = 102  # the id of [SEP] in BERT's vocabulary
EPS = 1e-12  # in BERT's norms


def token_types(idx: torch.Tensor) -> torch.Tensor:
    """Which sentence each token belongs to.

    Args:
        idx: (B, T) int64, ids of [CLS] first [SEP] or [CLS] first [SEP] second [SEP], -1 where a row is padded at its end.

    Returns:
        (B, T) int64, 0 up to and with the first [SEP], 1 after it.
    """
    is_sep = idx == SEP  # (B, T)
    before = is_sep.cumsum(1) - is_sep.long()  # (B, T), how many [SEP] stand before each position
    return before.clamp(max=1)  # (B, T)


class BertEmbedding(Embedding):
    """The sum of three vectors, of the token, its position and its type, normalised.

    Source: Devlin et al. 2018, "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding",
    figure 2. The norm is in the code that comes with the paper.
    """

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__(config)
        self.token_type = nn.Embedding(2, config.n_embd)
        self.norm = nn.LayerNorm(config.n_embd, eps=EPS)

    def forward(self, idx: torch.Tensor) -> torch.Tensor:
        """Embed token ids, as `Embedding.forward` does: (B, T) int64 in, (B, T, n_embd) out."""
        x = super().forward(idx) + self.token_type(token_types(idx))  # (B, T, C)
        return self.norm(x)  # (B, T, C)


class PostNormBlock(TransformerBlock):
    """Attention, then a small network on each token alone; each is added to its input, and the sum is normalised.

    Source: Vaswani et al. 2017, "Attention Is All You Need", section 3.1; Xiong et al. 2020, "On Layer Normalization in
    the Transformer Architecture", figure 1 (a).
    """

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__(config)
        self.norm_1 = nn.LayerNorm(config.n_embd, eps=EPS)
        self.norm_2 = nn.LayerNorm(config.n_embd, eps=EPS)

    def forward(self, x: torch.Tensor, attention_mask: torch.Tensor | None = None) -> torch.Tensor:
        """(B, T, n_embd) in, (B, T, n_embd) out; the mask goes to the attention as it is."""
        x = self.norm_1(x + self.attention(x, attention_mask))  # (B, T, C)
        return self.norm_2(x + self.mlp(x))  # (B, T, C)


class Bert(Encoder):
    """An Encoder of BERT's form; `model(idx, return_hidden=True)` gives a vector (n_embd,) for each token."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__(config)
        self.layers["embedding"] = BertEmbedding(config)
        self.layers["blocks"] = nn.ModuleList(PostNormBlock(config) for _ in range(config.n_layer))
        self.layers["norm"] = nn.Identity()
        self.lm_head = nn.Identity()


def sentence_vectors(hidden: torch.Tensor, is_token: torch.Tensor) -> torch.Tensor:
    """One vector for each sentence: the mean of its tokens' vectors, with its length brought to 1.

    Source: Reimers & Gurevych 2019, "Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks", section 3, there
    MEAN. With unit length the dot product of two sentences is the cosine of their angle.

    Args:
        hidden: (B, T, n_embd), what the encoder makes of each token.
        is_token: (B, T) bool, False where there is padding.

    Returns:
        (B, n_embd).
    """
    weights = is_token.unsqueeze(-1).to(hidden.dtype)  # (B, T, 1)
    mean = (hidden * weights).sum(1) / weights.sum(1)  # (B, C)
    return F.normalize(mean, dim=-1)  # (B, C)

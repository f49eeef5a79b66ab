"""The Transformer, in the order in which the notebooks build it."""

from ninelives.model.attention import MultiHeadSelfAttention
from ninelives.model.decoder import Decoder
from ninelives.model.embeddings import Embedding, position_indices
from ninelives.model.encoder import Encoder
from ninelives.model.encoder_decoder import EncoderDecoder
from ninelives.model.generation import generate, next_token_probabilities, prefix_generation, prefix_stream, stream
from ninelives.model.transformer import Transformer, TransformerBlock

__all__ = [
    "Decoder",
    "Embedding",
    "Encoder",
    "EncoderDecoder",
    "MultiHeadSelfAttention",
    "Transformer",
    "TransformerBlock",
    "generate",
    "next_token_probabilities",
    "position_indices",
    "prefix_generation",
    "prefix_stream",
    "stream",
]

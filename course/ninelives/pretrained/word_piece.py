"""The tokenizer of a BERT: a text in lower case, cut into words and these into pieces, between [CLS] and [SEP]."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch.nn.utils.rnn import pad_sequence


class WordPieceTokenizer:
    """Text in pieces of words, as BERT reads it; source: Devlin et al. 2018, section 3.

    Args:
        path: a tokenizer.json.
        longest: the number of tokens after which a text is cut off.

    Attributes:
        vocabulary: dict, the id of each piece.
    """

    def __init__(self, path: Path, longest: int) -> None:
        from tokenizers import Tokenizer  # an extra

        self.pieces = Tokenizer.from_file(str(path))
        self.pieces.no_padding()  # the file would pad every text to 128 tokens
        self.pieces.enable_truncation(longest)
        self.vocabulary = self.pieces.get_vocab()

    def words(self, text: str) -> list[str]:
        """A text before its words are cut: in lower case, without accents, with punctuation split off."""
        plain = self.pieces.normalizer.normalize_str(text)
        return [word for word, _ in self.pieces.pre_tokenizer.pre_tokenize_str(plain)]

    def cut(self, text: str, second: str | None = None) -> list[str]:
        """The pieces of a text, or of two, with [CLS] and [SEP]."""
        return self.pieces.encode(text, second).tokens

    def encode(self, text: str, second: str | None = None) -> torch.Tensor:
        """The ids of a text, or of two, with those of [CLS] and [SEP]: (T,) int64."""
        return torch.tensor(self.pieces.encode(text, second).ids)  # (T,)

    def batch(self, texts: Sequence[str]) -> torch.Tensor:
        """The ids of several texts, (B, T) int64, with -1 after the shorter ones."""
        return pad_sequence([self.encode(text) for text in texts], batch_first=True, padding_value=-1)  # (B, T)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self.vocabulary):,} pieces>"

"""The texts that the models read, and the tokenizers that turn them into ids."""

from ninelives.text.grammar import Sentence, sentences
from ninelives.text.tokenizers import CharTokenizer, Tokenizer, WordTokenizer

__all__ = ["CharTokenizer", "Sentence", "Tokenizer", "WordTokenizer", "sentences"]

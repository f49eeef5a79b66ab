"""What the models read: the cat's sentences, and words turned into numbers."""

from ninelives.text.grammar import Sentence, sentences
from ninelives.text.tokenizers import CharTokenizer, Tokenizer, WordTokenizer

__all__ = ["CharTokenizer", "Sentence", "Tokenizer", "WordTokenizer", "sentences"]

"""From text to numbers and back (notebook 9)."""

import json
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Self

import torch

END = "<end>"
SIMILARITY = 0.75  # of a misspelt word to the word itself; with less, "zebra" would be "bread"
MOST_NAMED = 40  # characters of an unknown word


class Tokenizer:
    """Words and their ids. `WordTokenizer` and `CharTokenizer` say what counts as a word.

    Args:
        words: every word once, in the order of their ids. If the end token's word,
            `<end>`, is not among them, it comes first and gets the id 0.

    Attributes:
        words: list of str, the word of each id.
        vocab_size: the number of words.
        end_token: the id that ends a sentence.

    Raises:
        ValueError: a word occurs twice.

    Example::

        from ninelives.text import WordTokenizer

        tokenizer = WordTokenizer.of(["the cat sat", "the dog ran"])
        tokenizer.decode(tokenizer.encode("the dog sat"))  # "the dog sat"
    """

    def __init__(self, words: Iterable[str]) -> None:
        words = list(words)
        self.words = words if END in words else [END, *words]
        self.ids = {word: i for i, word in enumerate(self.words)}
        if len(self.ids) < len(self.words):
            twice = next(word for word in self.words if self.words.count(word) > 1)
            raise ValueError(f"{twice!r} occurs twice among the words: every word has one id.")
        self.end_token = self.ids[END]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Self:
        """A tokenizer that knows every word of these texts, in sorted order."""
        return cls(sorted({word for text in texts for word in cls.cut(_normalised(text))} - {END}))

    @property
    def vocab_size(self) -> int:
        return len(self.words)

    @staticmethod
    def cut(text: str) -> list[str]:
        """Text to words."""
        raise NotImplementedError

    @staticmethod
    def join(words: list[str]) -> str:
        """Words to text."""
        raise NotImplementedError

    def encode(self, text: str) -> torch.Tensor:
        """Text to ids, in lower case and without a final full stop. No end token is added.

        Returns:
            (T,) int64.

        Raises:
            ValueError: a word is unknown; the message names it and the most similar known word.
        """
        words = self.cut(_normalised(text))
        unknown = next((word for word in words if word not in self.ids or word == END), None)
        if unknown is not None:
            raise ValueError(self._about(unknown))
        return torch.tensor([self.ids[word] for word in words], dtype=torch.int64)  # (T,)

    def decode(self, ids: torch.Tensor | Iterable[int]) -> str:
        """Ids (T,) to text, up to the first end token or -1.

        Raises:
            ValueError: an id is outside the vocabulary, or ids has more than one axis.
        """
        if isinstance(ids, torch.Tensor):
            if ids.dim() != 1:
                raise ValueError(f"ids has shape {tuple(ids.shape)}, not (T,): decode row by row.")
            ids = ids.tolist()
        words = []
        for i in ids:
            if i in (self.end_token, -1):
                break
            if not 0 <= i < self.vocab_size:
                raise ValueError(f"{i} is not an id: ids run from 0 to {self.vocab_size - 1}.")
            words.append(self.words[i])
        return self.join(words)

    def to_json(self) -> str:
        """The tokenizer as text, for `from_json`."""
        return json.dumps({"tokenizer": type(self).__name__, "words": self.words}, ensure_ascii=False)

    @staticmethod
    def from_json(text: str) -> "Tokenizer":
        """The tokenizer that `to_json` wrote.

        Raises:
            ValueError: the text is not a saved tokenizer.
        """
        kinds = {kind.__name__: kind for kind in (WordTokenizer, CharTokenizer)}
        try:
            saved = json.loads(text)
            return kinds[saved["tokenizer"]](saved["words"])
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise ValueError(
                f"this is not a saved tokenizer ({type(error).__name__}): "
                f'it must be JSON with "tokenizer" ({" or ".join(kinds)}) and "words".'
            ) from error

    def _about(self, unknown: str) -> str:
        known = [word for word in self.words if word != END]
        nearest = get_close_matches(unknown, known, n=1, cutoff=SIMILARITY)
        # Two letters of a short word that are swapped make it less similar than that.
        nearest = nearest or [word for word in known if sorted(word) == sorted(unknown)]
        named = unknown if len(unknown) <= MOST_NAMED else f"{unknown[: MOST_NAMED - 1]}…"
        return f"“{named}” is not among the {len(known)} known words" + (
            f"; the nearest is “{nearest[0]}”." if nearest else "."
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.vocab_size} words>"


class WordTokenizer(Tokenizer):
    """One id for each word. An apostrophe ends a word: "qu'il" is "qu'" and "il"."""

    @staticmethod
    def cut(text: str) -> list[str]:
        return text.replace("’", "'").replace("'", "' ").split()

    @staticmethod
    def join(words: list[str]) -> str:
        return " ".join(words).replace("' ", "'")


class CharTokenizer(Tokenizer):
    """One id for each character, spaces included."""

    @staticmethod
    def cut(text: str) -> list[str]:
        return list(text)

    @staticmethod
    def join(words: list[str]) -> str:
        return "".join(words)

    def _about(self, unknown: str) -> str:
        return f"the character {unknown!r} is not among the {self.vocab_size - 1} known ones."


def _normalised(text: str) -> str:
    """In lower case, without a full stop at the very end and the spaces after it."""
    return (text.rstrip().removesuffix(".") if text.rstrip().endswith(".") else text).lower()

"""The sentences that a mask lab is given, as words."""

from collections.abc import Sequence

from ninelives.figures import number_repeats

PAD = "pad"


def as_words(sentences: Sequence, name: str) -> tuple[list[list[str]], list[int]]:
    """Words, repeated ones numbered, and how many of them each sentence begins with.

    Raises ValueError for no sentences, and for a sentence that is neither a list of words nor a length of at least 1.
    """
    sentences = list(sentences)
    if not sentences:
        raise ValueError(f"{name} is empty; pass at least one sentence, a list of words.")
    if all(isinstance(length, int) for length in sentences):
        if min(sentences) < 1:
            raise ValueError(f"{name} holds the length {min(sentences)}; a sentence has at least one word.")
        return [[f"w{k + 1}" for k in range(max(sentences))] for _ in sentences], sentences
    for words in sentences:
        if isinstance(words, str) or not isinstance(words, Sequence) or not len(words):
            raise ValueError(f"{name} holds {words!r}; each sentence is a list of words, for example \"it slept\".split().")
    words = [number_repeats([str(word) for word in sentence]) for sentence in sentences]
    return words, [len(sentence) for sentence in words]


def longest(words: list[list[str]]) -> int:
    """The length of the longest sentence, 0 where there is none."""
    return max((len(sentence) for sentence in words), default=0)


def labels(lab, b: int) -> list[str]:
    """The N labels of the positions of sentence b, those of its prefix first, padding included."""
    T, P, length = longest(lab.words), longest(lab.prefix), lab.lengths[b]
    sentence = lab.words[b][:length] + [PAD] * (T - length)
    if not P:
        return sentence
    length = lab.prefix_lengths[b]
    return [PAD] * (P - length) + lab.prefix[b][:length] + sentence
